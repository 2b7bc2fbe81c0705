# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of copies if they are plain holds of the plain message of each row, and of each message in which the rules that
are named find nothing.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    change_lines,
    change_sentence,
    plain_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    ReplayDifferenceRow,
    ReplayRow,
)

from tests.rounds import seeds
from tests.unit.mail_flow.organizations.content_first import EXECUTABLES, FIRST, behind, unplain
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import LEAVING, Organization, Traffic, rule
from tests.unit.mail_flow.replaying import KNOWN, encrypting, replayed

Values = dict[str, Any]

EVERY = pytest.mark.parametrize("organization", ORGANIZATIONS.values(), ids=list(ORGANIZATIONS))


def _one(week: Traffic, message: str, before: RuleSet | None = None) -> Tallies:
    trace = Trace()
    for each in week.rows:
        if each.message == message:
            trace.add(each)
    return Replay(week.rules, week.facts, before, examples=20).run(trace)


@EVERY
def test_behind_rules_about_content_plain_copies_can_be_told_that_are_decided_without_these(
    organization: Organization,
) -> None:
    ours = unplain(behind(organization, *FIRST), 1)
    week = ours.traffic(3, 100)
    acting = {each["name"] for each in FIRST}
    told = 0
    for message in week.messages:
        found = _one(week, message)
        result = week.results[message]
        for (fate, protection, by, _by_dlp), tally in found.plain.items():
            for example in tally.examples:
                told += 1
                row = result[example.recipient]
                assert set(tally.rules) & acting
                if any(name in tally.rules for name in (each["name"] for each in row["rules"])):
                    continue  # A rule found something.
                assert (row["fate"], row.get("protection", "")) == (fate, protection), (message, row)
                assert set(by) <= set(row.get("protected_by", ())), (message, row)
    without = Replay(RuleSet(organization.numbered_rules), week.facts).run(week.trace)
    assert told >= 0.9 * sum(tally.certain.total() for tally in without.outcomes.values()) > 50


@EVERY
@pytest.mark.parametrize("seed", seeds(2))
def test_an_edit_changes_plain_copies_as_it_does_without_the_rules_about_content(
    organization: Organization, seed: int
) -> None:
    week = organization.traffic(seed, 150)
    source = random.Random(seed)
    edited = [dict(each) for each in organization.numbered_rules]
    source.choice([each for each in edited if each.get("enabled", True)])["enabled"] = False
    plain = Replay(RuleSet(edited), week.facts, week.rules).run(week.trace)
    sets = [
        RuleSet([{**each, "priority": place} for place, each in enumerate((EXECUTABLES, *rules))])
        for rules in (edited, organization.numbered_rules)
    ]
    found = Replay(sets[0], week.facts, sets[1]).run(week.trace)
    for kind in {*plain.difference, *found.difference} - {"unknown"}:
        wanted, tally = plain.difference.get(kind), found.difference.get(kind)
        certain = wanted.certain.total() if wanted else 0
        assert tally is not None or not certain
        assert certain <= (tally.certain.total() + tally.plain if tally else 0)
        # No copy changes for certain that does not without the rule.
        assert not tally or not wanted or tally.certain.total() <= certain


def test_a_plain_copy_has_nothing_that_the_rules_look_for() -> None:
    rules = [{**EXECUTABLES, "priority": 0}, {**encrypting(LEAVING), "priority": 1}]
    found = replayed(rules, rules[1:])
    (row,) = found["plain"]
    assert (row["fate"], row["protected_by"], row["rules"]) == ("delivered", ["Encrypt"], ["Executables"])
    assert (row["because"], row["copies"]) == (["attachment"], 1)
    assert [row["copies"] for row in found["undecided"]] == [1]
    replay = ReplayRow.from_row(found)
    (line,) = plain_lines(replay)
    assert line == (
        "1 of these can be told if they are plain, with nothing in attachments that 'Executables' looks for: "
        "1 are protected by rules."
    )
    (change,) = found["difference"]
    assert (change["kind"], change["plain"]) == ("delivery_lost", {"certain": 0, "possible": 0})
    assert found["counts"]["changed"]["plain"] == {"certain": 0, "possible": 0}
    assert change_lines(replay.difference or (), replay.counts, 10) == [
        "No copy changes if it is plain. Of the others: 1 may no longer be delivered: 'Executables'."
    ]


@pytest.mark.parametrize(
    "actions",
    [
        {"blind_copy_to": ["joe@northwind.com"]},
        {"redirect_message_to": ["joe@northwind.com"]},
        {"copy_to": ["joe@northwind.com", "kim@fabrikam.com"]},
    ],
)
@pytest.mark.parametrize("first", [EXECUTABLES, {**EXECUTABLES, "actions": {"stop_rule_processing": True}}])
def test_copies_that_rules_make_of_plain_mail_change_as_without_the_rule_about_content(
    actions: Values, first: Values
) -> None:
    copies = rule("Copies", LEAVING, actions)
    without = {row["kind"]: row["certain"] for row in replayed([copies], [])["difference"]}
    assert without["delivery_gained"] == len(next(iter(actions.values())))
    found = replayed([{**first, "priority": 0}, {**copies, "priority": 1}], [{**first, "priority": 0}])
    assert {row["kind"]: row["plain"]["certain"] for row in found["difference"]} == without
    assert all(row["certain"] == row["plain"]["possible"] == 0 for row in found["difference"])
    assert found["counts"]["changed"]["plain"]["possible"] == 0


@pytest.mark.parametrize(
    "actions", [{"blind_copy_to": ["z@archive.example"]}, {"redirect_message_to": ["z@archive.example"]}]
)
@EVERY
def test_copies_that_rules_make_of_plain_mail_are_those_of_the_emulator(
    organization: Organization, actions: Values
) -> None:
    before = unplain(behind(organization, EXECUTABLES), 1)
    after = replace(before, rules=(*before.rules, rule("Archives", LEAVING, actions)))
    old, new = before.traffic(4, 80), after.traffic(4, 80)
    gained = none = 0
    for message, results in new.results.items():
        if any(each["name"] == "Executables" for row in results.values() for each in row["rules"]):
            continue  # It finds something.
        trace = Trace()
        for row in old.rows:
            if row.message == message:
                trace.add(row)
        found = Replay(new.rules, new.facts, old.rules).run(trace).difference.get(DifferenceKind.DELIVERY_GAINED)
        fate = results.get("z@archive.example", {"fate": ""})["fate"]
        if found is None or not (found.certain.total() or found.plain or found.plain_possible):
            none += 1
            assert fate != "delivered", message
        elif found.certain.total() or found.plain:
            gained += 1
            assert fate == "delivered", message
    assert gained > 10
    assert none > 5


def test_a_rule_that_copies_mail_with_something_in_it_copies_no_plain_mail() -> None:
    copies = rule("Copies", {"attachment_has_executable_content": True}, {"blind_copy_to": ["joe@northwind.com"]})
    (row,) = [row for row in replayed([copies], [])["difference"] if row["kind"] == "delivery_gained"]
    assert (row["certain"], row["possible"], row["plain"]) == (0, 1, {"certain": 0, "possible": 0})


def test_copies_whose_sender_may_have_named_the_person_are_not_called_unchanged_if_they_are_plain() -> None:
    before = [EXECUTABLES, rule("Copies", LEAVING, {"blind_copy_to": ["ann@fabrikam.com"]})]
    found = replayed([*before, encrypting(LEAVING)], before)
    replay = ReplayRow.from_row(found)
    assert found["counts"]["changed"]["possible"] > 0
    assert found["counts"]["changed"]["plain"]["possible"] == found["counts"]["changed"]["possible"]
    assert not any("plain" in line for line in change_lines(replay.difference or (), replay.counts, 10))


def test_a_change_that_plain_copies_show_is_counted_apart() -> None:
    encrypts = {**encrypting(LEAVING), "priority": 1}
    found = replayed([{**EXECUTABLES, "priority": 0}, encrypts], [{**EXECUTABLES, "priority": 0}])
    (change,) = found["difference"]
    assert (change["kind"], change["certain"], change["possible"]) == ("protection_gained", 0, 1)
    assert change["plain"] == {"certain": 1, "possible": 0}
    assert "(all if they are plain)" in change_sentence(ReplayDifferenceRow.from_row(change))


@pytest.mark.parametrize(
    ("certain", "possible", "said"),
    [
        (0, 0, "(none if they are plain)"),
        (4, 0, "(all if they are plain)"),
        (2, 0, "(2 if they are plain)"),
        (1, 2, "(1 to 3 if they are plain)"),
        (0, 3, "(at most 3 if they are plain)"),
        (0, 4, ""),
    ],
)
def test_how_many_plain_copies_change_is_said_as_far_as_it_is_known(certain: int, possible: int, said: str) -> None:
    change = {
        "kind": "protection_lost",
        "certain": 0,
        "possible": 4,
        "plain": {"certain": certain, "possible": possible},
    }
    rest = {"senders": 1, "domains": [], "more_domains": 0, "rules": []}
    sentence = change_sentence(ReplayDifferenceRow.from_row({**change, **rest}))
    assert sentence == f"4 copies may no longer be encrypted{' ' if said else ''}{said}."


@pytest.mark.parametrize(
    ("conditions", "exceptions", "fate"),
    [
        ({"has_no_classification": True}, {}, "rejected"),
        ({"with_importance": "Normal"}, {}, "rejected"),
        ({"with_importance": "High"}, {}, "delivered"),
        (LEAVING, {"subject_or_body_contains_words": ["ok"]}, "rejected"),
        ({"subject_or_body_contains_words": ["offer"]}, {}, ""),  # The subject says so.
        ({"header_matches_message_header": "Message-ID", "header_matches_patterns": ["x"]}, {}, ""),
        ({"any_of_to_header": ["ann@fabrikam.com"]}, {}, ""),
    ],
)
def test_what_every_message_has_is_nothing_that_plain_ones_lack(
    conditions: Values, exceptions: Values, fate: str
) -> None:
    rejecting = rule("Reject", conditions, {"reject_message_reason_text": "no"}, exceptions)
    assert [row["fate"] for row in replayed([rejecting])["plain"]] == ([fate] if fate else [])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"apply_classification": "Secret"},
            {"has_classification": "Secret"},
        ),
        (
            {"set_header_name": "X-Mark", "set_header_value": "secret"},
            {"header_contains_message_header": "X-Mark", "header_contains_words": ["secret"]},
        ),
        (
            {"apply_html_disclaimer_text": "secret"},
            {"subject_or_body_contains_words": ["secret"]},
        ),
    ],
)
def test_what_an_earlier_rule_may_have_put_there_is_not_taken_for_missing(first: Values, second: Values) -> None:
    rules = [rule("First", {}, first), rule("Second", second, {"reject_message_reason_text": "no"})]
    assert replayed([{**each, "priority": place} for place, each in enumerate(rules)])["plain"] == []


def test_sensitive_information_that_dlp_looks_for_is_nothing_of_plain_mail() -> None:
    looks = {"content_contains_sensitive_information": [{"name": "Credit Card Number"}]}
    dlp = {"name": "Cards", "conditions": looks, "actions": {"block_access": True}}
    policies = [{"name": "Cards", "mode": "Enable", "rules": [dlp]}]
    known = {**KNOWN, "dlp_policies": policies, "labels": [], "auto_label_policies": [], "label_policies": []}
    found = replayed([encrypting({"from_scope": "InOrganization"})], None, known)
    (row,) = found["plain"]
    assert (row["protected_by"], row["because"], row["rules"]) == (["Encrypt"], ["dlp"], [])
    assert "with nothing in them that DLP rules and labels look for" in plain_lines(ReplayRow.from_row(found))[0]
