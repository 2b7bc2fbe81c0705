# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that set or remove a header, or add people to a field: whatever reads that is open for later rules, in a
message, a guarantee, a difference and a replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import NOT_FOUND
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Row, Trace

from tests.unit.mail_flow.asking import ENCRYPT, OUTGOING, compared, rule, verdict
from tests.unit.mail_flow.comparison import disagreement
from tests.unit.mail_flow.small_worlds import NOW, TENANT

Values = dict[str, Any]

NEW = "new@northwind.com"
MAIL: Values = {
    "from": "megan@contoso.com",
    "authenticated": True,
    "to": ["ann@fabrikam.com"],
    "subject": "secret",
    "scl": 1,
    "date": NOW,
}


def sets(name: str, value: str = "other") -> Values:
    return {"set_header_name": name, "set_header_value": value}


def header(name: str, *words: str) -> Values:
    return {"header_contains_message_header": name, "header_contains_words": list(words)}


def pattern(name: str, *patterns: str) -> Values:
    return {"header_matches_message_header": name, "header_matches_patterns": list(patterns)}


SECRET: Values = {"subject_contains_words": ["secret"]}
TO_NEW: Values = {"any_of_to_header": [NEW]}
ADDS: Values = {"add_to_recipients": [NEW]}
COPIES: Values = {"copy_to": [NEW]}
SCL, AUTHENTICATED, CLASS = (f"X-MS-Exchange-Organization-{name}" for name in ("SCL", "AuthAs", "Classification"))

#: What a rule does, the condition and the exception under which a later rule encrypts, and the number of what is open.
OPEN: Mapping[str, tuple[Values, Values, Values, str]] = {
    "set Subject": (sets("Subject"), SECRET, {}, questions.A_FACT),
    "remove Subject": ({"remove_header": "subject"}, SECRET, {}, questions.A_FACT),
    "set and remove Subject": ({**sets("Subject"), "remove_header": "Subject"}, SECRET, {}, questions.A_FACT),
    "a pattern": (sets("Subject"), {}, {"subject_matches_patterns": ["^other"]}, questions.A_FACT),
    "subject or text": (sets("Subject"), {"subject_or_body_contains_words": ["secret"]}, {}, questions.A_FACT),
    "set From": (sets("From", "z@evil.com"), {}, {"sender_domain_is": ["evil.com"]}, questions.A_FACT),
    "remove From": ({"remove_header": "From"}, {"from": ["megan@contoso.com"]}, {}, questions.A_FACT),
    "remove From, scope": ({"remove_header": "From"}, {}, {}, questions.A_FACT),
    "set Importance": (sets("Importance", "Low"), {}, {"with_importance": "Low"}, questions.A_FACT),
    "set X-Priority": (sets("X-Priority", "1"), {}, {"with_importance": "High"}, questions.A_FACT),
    "set To": (sets("To", NEW), {}, TO_NEW, questions.A_FACT),
    "remove To": ({"remove_header": "To"}, {"any_of_to_header": ["ann@fabrikam.com"]}, {}, questions.A_FACT),
    "set Cc": (sets("Cc", NEW), {}, {"any_of_to_cc_header": [NEW]}, questions.A_FACT),
    "set the spam level's header": (sets(SCL, "9"), {}, {"scl_over": 5}, questions.A_FACT),
    "set_scl": ({"set_scl": 9}, {}, {"scl_over": 5}, questions.SPAM_LEVEL),
    "set who is authenticated": (sets(AUTHENTICATED, "Anonymous"), {}, {}, questions.A_FACT),
    "set the classification": (sets(CLASS, "Secret"), {}, {"has_classification": "Secret"}, questions.A_FACT),
    "set Auto-Submitted": (
        sets("Auto-Submitted", "auto-replied"),
        {},
        {"message_type_matches": "OOF"},
        questions.A_FACT,
    ),
    "header Subject": (sets("Subject"), header("Subject", "secret"), {}, questions.A_FACT),
    "added to To": (ADDS, {}, TO_NEW, questions.ADDED_RECIPIENTS),
    "added to To, the header": (ADDS, {}, header("To", "new"), questions.ADDED_RECIPIENTS),
    "added to Cc, the header": (COPIES, {}, header("Cc", "new"), questions.ADDED_RECIPIENTS),
    "added to To, its end": (ADDS, {}, pattern("To", "northwind.com$"), questions.ADDED_RECIPIENTS),
}

#: The same where nothing is open: the edit is of something else, or what it leaves is enough.
KNOWN: Mapping[str, tuple[Values, Values, Values]] = {
    "another header": (sets("X-Other"), SECRET, {}),
    "another field": (sets("Importance", "Low"), SECRET, {}),
    "the recipient": (sets("To", NEW), {"recipient_domain_is": ["fabrikam.com"]}, {}),
    "added to Cc, the field To": (COPIES, {}, header("To", "new")),
    "added to Bcc": ({"blind_copy_to": [NEW]}, {}, header("To", "new")),
    "added, a word that was there": (ADDS, header("To", "ann"), {}),
    "added, a field without them": (COPIES, {}, TO_NEW),
}


def rules_of(acts: Values, conditions: Values, exceptions: Values, edits: Values = OUTGOING) -> list[Values]:
    return [
        rule("Edits", edits, acts),
        rule("Encrypts", {**OUTGOING, **conditions}, ENCRYPT, exceptions=exceptions),
    ]


def simulated(rules: Sequence[Values], **message: Any) -> Values:
    named = {"headers": {"To": "Ann <ann@fabrikam.com>"}, **MAIL, **message}
    found = Simulator(rules, facts_of(TENANT)).run(message_of(named, "", "m"))
    return dict(found["recipients"]["ann@fabrikam.com"])


def numbers(answer: Values) -> set[str]:
    return {each["id"] for each in answer.get("unknown", ())}


@pytest.mark.parametrize(("acts", "conditions", "exceptions", "number"), OPEN.values(), ids=OPEN)
def test_what_a_header_says_is_open_once_a_rule_edited_it(
    acts: Values, conditions: Values, exceptions: Values, number: str
) -> None:
    rules = rules_of(acts, conditions, exceptions)
    answer = simulated(rules)
    assert (answer["protection"], numbers(answer)) == ("unknown", {number})
    claimed = verdict(rules, when={**OUTGOING, **conditions}, unless=exceptions, then="not_in_clear")
    assert claimed["verdict"] == "unknown"
    # A field may have names, too, and no message may be found.
    assert numbers(claimed) <= {number, questions.A_FACT, NOT_FOUND.id}
    told = [row for row in compared(rules[1:], rules).rows if row["kind"] == "unknown"]
    assert number in set().union(*map(numbers, told))


@pytest.mark.parametrize(("acts", "conditions", "exceptions"), KNOWN.values(), ids=KNOWN)
def test_nothing_else_is_open(acts: Values, conditions: Values, exceptions: Values) -> None:
    rules = rules_of(acts, conditions, exceptions)
    assert simulated(rules)["protection"] == "encrypt"


@pytest.mark.parametrize("acts", [sets("Subject"), {"remove_header": "Subject"}], ids=["set", "removed"])
def test_where_the_rule_surely_does_not_act_nothing_is_open(acts: Values) -> None:
    inside = {"from_scope": "NotInOrganization"}
    rules = rules_of(acts, SECRET, {}, inside)
    assert simulated(rules)["protection"] == "encrypt"
    assert verdict(rules, when={**OUTGOING, **SECRET})["verdict"] == "proved"
    assert compared(rules[1:], rules).rows == []
    audited = [{**rules[0], "conditions": {}, "mode": "Audit"}, rules[1]]
    assert verdict(audited, when={**OUTGOING, **SECRET})["verdict"] == "proved"


def test_a_text_that_is_found_is_found_whatever_the_subject_is() -> None:
    secret = {"subject_or_body_contains_words": ["secret"]}
    assert simulated(rules_of(sets("Subject"), secret, {}), body="secret")["protection"] == "encrypt"


def test_the_sender_of_the_envelope_is_not_the_one_of_the_field() -> None:
    rules = rules_of(sets("From", "z@evil.com"), {}, {"sender_domain_is": ["evil.com"]})
    envelope = {**rules[1], "conditions": {"sent_to_scope": "NotInOrganization"}, "sender_address_location": "Envelope"}
    assert simulated([rules[0], envelope], mail_from="megan@contoso.com")["protection"] == "encrypt"


def test_somebody_in_bcc_whom_a_rule_adds_to_a_field_may_be_seen_there() -> None:
    answer = simulated(rules_of(ADDS, {}, TO_NEW), bcc=[NEW])
    assert (answer["protection"], numbers(answer)) == ("unknown", {questions.ADDED_RECIPIENTS})


def test_two_edits_are_two_questions() -> None:
    """Before the second one, the condition may be true, and after it false: then nothing encrypts the message."""
    rules = [
        *rules_of(sets("Subject", "one"), {}, SECRET),
        rule("Edits again", OUTGOING, sets("Subject", "two")),
        rule("Encrypts, too", {**OUTGOING, **SECRET}, ENCRYPT),
    ]
    assert simulated(rules)["protection"] == "unknown"
    assert simulated([*rules[:2], rules[3]])["protection"] == "encrypt"
    assert verdict(rules)["verdict"] == "unknown"
    assert verdict([*rules[:2], rules[3]])["verdict"] == "proved"


def test_other_values_may_make_a_difference_and_other_names_make_none() -> None:
    rules, others = (rules_of(sets("Subject", value), {}, SECRET) for value in ("one", "two"))
    assert [row["kind"] for row in compared(rules, others).rows] == ["unknown"]
    assert compared(rules, [{**rules[0], "name": "Other"}, rules[1]]).rows == []


def replayed(rules: Sequence[Values], before: Sequence[Values] | None = None, **row: Any) -> Any:
    trace = Trace()
    plain = {"message": "m", "received": 1_795_010_584_000_000, "sender": "megan@contoso.com", "status": "Delivered"}
    trace.add(
        Row(**{**plain, "recipient": "ann@fabrikam.com", "subject": "secret", "size": 9, "from_ip": NO_HOP, **row})
    )
    facts = facts_of({**TENANT, "inbound_connectors": []})
    return Replay(RuleSet(rules), facts, None if before is None else RuleSet(before)).run(trace)


@pytest.mark.parametrize(
    ("acts", "conditions", "word"),
    [
        (sets("Subject"), SECRET, "subject_changed"),
        ({"remove_header": "Subject"}, {"subject_matches_patterns": ["^secret"]}, "subject_changed"),
        (sets("Subject"), header("Subject", "secret"), "subject_changed"),
        (sets("From", "z@evil.com"), {"sender_domain_is": ["contoso.com"]}, "header"),
        (sets(AUTHENTICATED), {}, "header"),
    ],
)
def test_a_replay_does_not_know_what_a_header_said(acts: Values, conditions: Values, word: str) -> None:
    rules = rules_of(acts, conditions, {})
    assert [why.kind for why in replayed(rules).undecided] == [word]
    assert replayed(rules[1:]).undecided == {}
    found = replayed(rules, rules[1:])
    assert set(found.difference) == {"protection_lost", "protection_gained"}
    assert (found.changed.certain, found.changed.possible) == ({}, {"fabrikam.com": 1})


def test_a_replay_knows_what_a_header_said_that_no_rule_edits_on_this_copy() -> None:
    rules = rules_of(sets("Subject"), SECRET, {}, {"recipient_domain_is": ["northwind.com"]})
    assert replayed(rules).undecided == {}
    assert [why.kind for why in replayed(rules, recipient=NEW).undecided] == ["subject_changed"]


@pytest.mark.parametrize(("acts", "conditions", "exceptions", "_number"), OPEN.values(), ids=OPEN)
def test_the_emulator_says_the_same(acts: Values, conditions: Values, exceptions: Values, _number: str) -> None:
    rules = [
        {**each, "priority": place, "mode": "Enforce"}
        for place, each in enumerate(rules_of(acts, conditions, exceptions))
    ]
    message = {**MAIL, "mail_from": MAIL["from"], "headers": {"To": "Ann <ann@fabrikam.com>"}, "body": ""}
    assert disagreement(TENANT, rules, message) == ""
