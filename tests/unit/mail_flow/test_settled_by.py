# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to settle an unknown settles it: nothing is asked for that was given, and where no fact helps, only a
test message does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import A_FACT, BY_ID
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from tests.rounds import rounds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.asking import ENCRYPT, IN, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

MEGAN: Values = {
    "from": "megan@contoso.com",
    "authenticated": True,
    "to": ["ann@fabrikam.com"],
    "date": "2026-06-01T12:00:00Z",
}
TAG = {"header_contains_message_header": "X-Clear", "header_contains_words": ["x"]}
TAGGED, UNTAGGED = {"set_header_name": "X-Clear", "set_header_value": "x"}, {"remove_header": "X-Clear"}
APPROVAL = {"moderate_message_by_user": ["boss@contoso.com"]}
MARK = {"set_audit_severity": "Low"}
ZIP: Values = {"name": "a.zip", "nested": ["q"]}
SEND = "Send a test message."
SPLIT = "Let two rules do that, one after the other, or send a test message."


def rows(result: Mapping[str, Any]) -> Iterator[Values]:
    """What is unknown of a recipient, now and later."""
    yield from result.get("unknown", ())
    for key in ("after_approval", "after_release"):
        if key in result:
            yield from rows(result[key])


def settled(rules: Sequence[Values], facts: Mapping[str, Any] = TENANT, **message: Any) -> set[str]:
    """How to find out what is unknown of a message."""
    sent = {key: value for key, value in {**MEGAN, **message}.items() if value is not None}
    found = worded(Simulator(rules, facts_of(facts)).run(message_of(sent, "", "message")))["recipients"]
    return {row["settled_by"] for result in found.values() for row in rows(result)}


def looking(**conditions: Any) -> list[Values]:
    return [rule("Looks", conditions, ENCRYPT)]


@pytest.mark.parametrize(
    ("rules", "message", "said", "given"),
    [
        (looking(scl_over=5), {}, "Give scl.", {"scl": 0}),
        (looking(message_size_over="10KB"), {"attachments": [{"name": "a"}]}, "Give size.", {"size": "1KB"}),
        (
            looking(subject_or_body_contains_words=["x"]),
            {"type": ["PermissionControlled"]},
            "Give protection.owner.",
            {"protection": {"owner": "own"}},
        ),
        (
            looking(attachment_contains_words=["x"]),
            {"attachments": [ZIP]},
            "Give text of the attachment.",
            {"attachments": [{**ZIP, "text": "x"}]},
        ),
        (
            looking(attachment_is_password_protected=True),
            {"attachments": [ZIP]},
            "Give password_protected of the attachment.",
            {"attachments": [{**ZIP, "password_protected": False}]},
        ),
        (
            looking(attachment_extension_matches_words=["exe"]),
            {"attachments": [{"name": "a.zip"}]},
            "Give nested of the attachment.",
            {"attachments": [ZIP]},
        ),
        (
            looking(header_contains_message_header="To", header_contains_words=["Joe"]),
            {},
            "Give the whole field in headers, or let the rule look for addresses.",
            {"headers": {"To": "Ann <ann@fabrikam.com>"}},
        ),
        (
            [rule("Later", IN, ENCRYPT, activation_date="2026-06-01T18:00:00Z")],
            {"date": "2026-06-01T12:00:00"},
            "Give date with an offset from UTC.",
            {"date": "2026-06-01T12:00:00Z"},
        ),
        ([rule("Later", IN, ENCRYPT, activation_date="2026-06-01T12:00:00Z")], {"date": None}, "Give date.", MEGAN),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_by_its_key_and_settles_it(
    rules: list[Values], message: Values, said: str, given: Values
) -> None:
    assert said in settled(rules, **message)
    assert said not in settled(rules, **{**message, **given})


@pytest.mark.parametrize(
    ("rules", "apart"),
    [
        (
            [rule("Both", IN, {**TAGGED, **UNTAGGED}), rule("Looks", {**IN, **TAG}, ENCRYPT)],
            [rule("One", IN, UNTAGGED), rule("Other", IN, TAGGED), rule("Looks", {**IN, **TAG}, ENCRYPT)],
        ),
        (
            [rule("Both", IN, {**APPROVAL, **STOP}), rule("Later", IN, ENCRYPT)],
            [rule("One", IN, APPROVAL), rule("Other", IN, STOP), rule("Later", IN, ENCRYPT)],
        ),
        (
            [rule("Both", IN, {"delete_message": True, "quarantine": True})],
            [rule("One", IN, {"delete_message": True}), rule("Other", IN, {"quarantine": True})],
        ),
    ],
)
def test_what_one_rule_leaves_open_two_rules_settle(rules: list[Values], apart: list[Values]) -> None:
    """The header is given, so giving headers would not help."""
    assert settled(rules, headers={"X-Clear": "y"}) == {SPLIT}
    assert settled(apart, headers={"X-Clear": "y"}) == set()


def test_what_rules_see_of_wrapped_mail_is_not_asked_with_another_fallback_action() -> None:
    signed = {"disclaimer_insertable": False, "protection": {"kind": "smime_signed"}}
    for fallback, is_told in (("Wrap", True), ("Ignore", False)):
        wraps = {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": fallback}
        found = settled([rule("Wraps", IN, wraps), *looking(attachment_extension_matches_words=["eml"])], **signed)
        assert any("fallback action" in said for said in found) is is_told


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (looking(), {"protection": {"kind": "smime"}}),
        ([rule("Holds", IN, {**ENCRYPT, "quarantine": True})], {}),
        (
            [rule("Greets", IN, {"apply_html_disclaimer_text": "%%DisplayName%%"}), rule("L", {"subject_or_body_contains_words": ["x"]}, MARK)],
            {"body": "y"},
        ),
        (
            [rule("Sets", IN, {"set_header_name": "Subject", "set_header_value": "x"}),
             *looking(header_contains_message_header="Subject", header_contains_words=["x"])],
            {"headers": {"Subject": "y"}},
        ),
        (looking(attachment_name_matches_patterns=["q"]), {"attachments": [ZIP]}),
        ([rule("Later", IN, ENCRYPT, activation_date=MEGAN["date"])], {}),
        ([rule("Both", IN, {"copy_to": ["joe@fabrikam.com"], "redirect_message_to": ["boss@contoso.com"]})], {}),
    ],
    ids=["smime", "quarantine", "tokens", "subject", "names in a file", "instant", "adds and redirects"],
)  # fmt: skip
def test_where_no_fact_helps_a_test_message_does(rules: list[Values], message: Values) -> None:
    assert SEND in settled(rules, **message)
    assert not any(said.startswith("Give ") for said in settled(rules, **message))


def test_a_scope_of_exchange_server_is_to_be_replaced() -> None:
    assert settled(looking(sent_to_scope="ExternalPartner")) == {"Use InOrganization or NotInOrganization."}


def test_random_mail_is_never_asked_for_what_it_has() -> None:
    asked: set[str] = set()
    for seed in range(rounds(150)):
        source = random.Random(seed)
        tenant, rules, message = generators.organization(source), generators.rules(source), generators.message(source)
        for said in settled(rules, tenant, **message):
            assert said != BY_ID[A_FACT].settled_by, (seed, message)
            found = re.match(r"Give (\w+)[.,]", said)
            if found and found[1] != "headers":  # One header says nothing of another.
                asked.add(found[1])
                assert found[1] not in message, (seed, said, message)
    assert {"facts"} < asked
