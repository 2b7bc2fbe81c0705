# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether rules go on after a rejection is not documented (U10). So nobody is told for certain of rejected mail that a
later rule reports, and nobody is certainly not told.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import policy
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.simplify import simplify
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_rows

from tests.rounds import seeds
from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.asking import IN, NOW, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

REJECT = {"reject_message_reason_text": "no"}
TELL = {"generate_incident_report": "soc@contoso.com", "incident_report_content": ["Sender"]}
MARK = {"set_header_name": "X-Told", "set_header_value": "yes"}
MARKED = {"header_contains_message_header": "X-Told", "header_contains_words": ["yes"]}
REJECTS, STOPS, REPORTS = rule("Rejects", IN, REJECT), rule("Stops", IN, STOP), rule("Reports", IN, TELL)
ENDS = rule("Rejects", IN, {**REJECT, **STOP})
MARKS, REPORTS_MARKED = rule("Marks", IN, MARK), rule("Reports", {**IN, **MARKED}, TELL)


def told(before: Sequence[Values], after: Sequence[Values]) -> list[tuple[str, bool]]:
    """The kinds of rows about reports, each with whether it is about new ones."""
    rows = compared(before, after).rows
    return [(row["kind"], each["now"]) for row in rows for each in row.get("side_effects", ())]


MAY_NOW, MAY_NO_LONGER = ("unknown", True), ("unknown", False)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([REJECTS], [REJECTS, REPORTS], [MAY_NOW]),
        ([REJECTS, REPORTS], [REJECTS], [MAY_NO_LONGER]),
        ([REPORTS, REJECTS], [REJECTS, REPORTS], [MAY_NO_LONGER]),
        ([REJECTS, REPORTS], [REPORTS, REJECTS], [MAY_NOW]),
        ([REPORTS], [REJECTS, REPORTS], [MAY_NO_LONGER]),
        ([REJECTS, REPORTS], [ENDS, REPORTS], [MAY_NO_LONGER]),
        ([REPORTS], [ENDS, REPORTS], [("side_effect_changed", False)]),
        ([ENDS], [ENDS, REPORTS], []),
        ([REJECTS, STOPS], [REJECTS, STOPS, REPORTS], []),
        ([REJECTS, STOPS, REPORTS], [REJECTS, REPORTS], [MAY_NOW]),
        ([REJECTS], [REJECTS, MARKS, REPORTS_MARKED], [MAY_NOW]),
        ([REJECTS, MARKS, REPORTS_MARKED], [REJECTS, REPORTS_MARKED], [MAY_NO_LONGER]),
        ([REJECTS], [REJECTS, rule("N", IN, {"generate_notification": "Stay calm"})], [MAY_NOW]),
        ([REJECTS], [REJECTS, rule("R", IN, {"route_message_outbound_connector": "Gate"})], []),
        ([REJECTS], [REJECTS, rule("A", IN, {"moderate_message_by_user": ["x@evil.example"]})], []),
    ],
)
def test_a_report_of_rejected_mail_may_be_sent(
    before: Sequence[Values], after: Sequence[Values], found: Sequence[tuple[str, bool]]
) -> None:
    assert told(before, after) == found


def test_the_sentence_claims_no_report() -> None:
    (row,) = compared([REJECTS], [REJECTS, REPORTS]).rows
    assert row["text"] == (
        "Mail from inside may now be reported to soc@contoso.com (U10): the new rule 'Reports' may now apply to it."
    )
    (reason,) = row["unknown"]
    assert (reason["id"], reason["reason"]) == ("U10", "whether later rules still send their reports after a rejection")
    (row,) = compared([REPORTS], [REJECTS, REPORTS]).rows[-1:]
    assert row["text"].endswith("(U10): the new rule 'Rejects' stops before 'Reports'.")
    assert row["later"] == ["Reports"]
    assert row["witness"]["message"]["from"].endswith("@contoso.com")


def test_the_policy_claims_no_report() -> None:
    rows = policy_rows(policy([REJECTS, REPORTS], TENANT, NOW))
    assert [row.text for row in rows if row.rules == ("Reports",)] == [
        "Mail from inside that other rules reject before may be reported to soc@contoso.com (U10) ('Reports')."
    ]


def never_acts(*rules: Values) -> list[list[str]]:
    return [each["rules"] for each in lint(rules, TENANT, NOW) if each["kind"] == "never_acts"]


def test_a_rule_that_may_report_rejected_mail_is_not_said_never_to_act() -> None:
    encrypts = rule("Encrypts", IN, {"apply_rights_protection_template": "Encrypt"})
    assert never_acts(REJECTS, encrypts, REPORTS) == [["Encrypts", "Rejects"]]
    assert never_acts(REJECTS, MARKS, REPORTS_MARKED) == []
    assert never_acts(ENDS, REPORTS) == [["Reports", "Rejects"]]
    assert never_acts(REJECTS, STOPS, REPORTS) == [["Reports", "Stops"]]
    assert never_acts(REJECTS, REPORTS, STOPS) == [["Stops", "Rejects"]]


def test_an_exception_for_rejected_mail_is_not_said_never_to_apply() -> None:
    offer = {"subject_contains_words": ["offer"]}
    spares = {**REPORTS, "exceptions": {**offer, "message_type_matches": "ApprovalRequest"}}
    firsts = [rule("Rejects", {**IN, **offer}, actions) for actions in (REJECT, {**REJECT, **STOP})]
    kinds = [[each["kind"] for each in lint([first, spares], TENANT, NOW)] for first in firsts]
    assert kinds == [[], ["idle_exception"]]


def test_a_rule_that_may_report_rejected_mail_stays() -> None:
    assert simplify([REJECTS, REPORTS], TENANT, NOW).removed == ()
    assert [each.rule for each in simplify([ENDS, REPORTS], TENANT, NOW).removed] == ["Reports"]


# Random rules, followed here with each answer to the question.

PEOPLE = ("soc@contoso.com", "boss@contoso.com")


def drawn(chance: random.Random) -> list[Values]:
    """Rules that reject, end the way of mail, mark it, or report it."""
    found = []
    for number in range(chance.randint(2, 5)):
        conditions: Values = dict(IN)
        if chance.random() < 0.5:
            conditions["subject_contains_words"] = [chance.choice("ab")]
        actions = chance.choice(
            [REJECT, REJECT, {**REJECT, **STOP}, STOP, {"delete_message": True}, MARK]
            + [{**TELL, "generate_incident_report": person} for person in PEOPLE] * 2
        )
        if "generate_incident_report" in actions and chance.random() < 0.4:
            conditions |= MARKED
            actions = {**actions, **chance.choice([{}, REJECT])}
        found.append(rule(f"R{number}", conditions, actions))
    return found


def reported(rules: Sequence[Values], words: str, marked: bool, goes_on: bool) -> Iterator[tuple[str, str]]:
    """The rules that report a message, each with whom it tells.

    :param goes_on: whether rules go on after a rejection.
    """
    for each in rules:
        wanted, actions = each["conditions"], each["actions"]
        if not set(wanted.get("subject_contains_words", ())) <= set(words) or (
            "header_contains_words" in wanted and not marked
        ):
            continue
        if "generate_incident_report" in actions:
            yield each["name"], actions["generate_incident_report"]
        marked = marked or "set_header_name" in actions
        rejects = "reject_message_reason_text" in actions and not goes_on
        if rejects or "stop_rule_processing" in actions or "delete_message" in actions:
            return


MAIL = list(itertools.product(("", "a", "b", "ab"), (False, True)))


@pytest.mark.parametrize("seed", seeds(60))
def test_reports_of_random_rules_are_certain_or_open(seed: int) -> None:
    chance = random.Random(seed)
    before = drawn(chance)
    after = drawn(chance) if chance.random() < 0.3 else chance.sample(before, len(before) - chance.randint(0, 1))
    sides = [
        {(mail, goes_on): dict(reported(rules, *mail, goes_on)) for mail in MAIL for goes_on in (False, True)}
        for rules in (before, after)
    ]
    expected = {}
    for now, person in itertools.product((False, True), PEOPLE):
        here, there = sides[now], sides[not now]
        if any(person in here[key].values() and person not in there[key].values() for key in here):
            certain = any(
                person in here[mail, False].values() and person not in there[mail, True].values() for mail in MAIL
            )
            expected[person, now] = "side_effect_changed" if certain else "unknown"
    found: dict[tuple[str, bool], str] = {}
    for row in compared(before, after).rows:
        for each in row.get("side_effects", ()):
            found[each["name"], each["now"]] = min(row["kind"], found.get((each["name"], each["now"]), row["kind"]))
    assert found == expected
    acting = {name for told_of in sides[0].values() for name in told_of}
    reporting = {each["name"] for each in before if "generate_incident_report" in each["actions"]}
    assert {names[0] for names in never_acts(*before)} & reporting == reporting - acting
