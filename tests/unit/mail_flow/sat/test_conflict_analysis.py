# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a verdict is unknown: only what decides it is said, and nothing is unknown that need not be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

_DO_NOT_FORWARD = {"apply_rights_protection_template": "Do Not Forward"}
_TWO = [rule("One", OUTGOING, ENCRYPT), rule("Other", OUTGOING, _DO_NOT_FORWARD)]


def _ids(found: Values) -> list[str]:
    return [each["id"] for each in found["unknown"]]


def test_which_of_two_templates_a_message_gets_matters_only_where_that_is_asked() -> None:
    tried = [rule("Tried", {}, STOP, mode="Audit"), *_TWO]
    assert _ids(verdict(tried, then="not_in_clear")) == ["U08"]
    deletes = [
        rule("Deletes", {"message_type_matches": kind}, {"delete_message": True})
        for kind in ("Encrypted", "PermissionControlled")
    ]
    assert _ids(verdict([*deletes, *_TWO], then="not_in_clear", template="Encrypt")) == ["U01"]


@pytest.mark.parametrize("pattern", ["^secret$", r"^\[secret\]", r"(^|\W)secret(\W|$)", "top secret plan"])
@pytest.mark.parametrize("option", ["subject_contains_words", "subject_or_body_contains_words"])
def test_a_pattern_may_imply_a_word(option: str, pattern: str) -> None:
    rules = [rule("Encrypts", {**IN, option: ["secret"]}, ENCRYPT)]
    found = verdict(rules, when={**IN, "subject_matches_patterns": [pattern]}, then="not_in_clear")
    assert (found["verdict"], [each["text"] for each in found["assumptions"] if each["id"] == "U17"]) == (
        "proved",
        [
            "The texts of the message have none of the letters \u0130, \u0131, \u017f and \u212a (kelvin), which some comparisons take for i, s and k."
        ],
    )


@pytest.mark.parametrize("pattern", ["secret", "(^|[^a-z])secret([^a-z]|$)", "^secret"])
def test_a_pattern_that_is_found_inside_of_words_implies_none(pattern: str) -> None:
    rules = [rule("Encrypts", {**IN, "subject_contains_words": ["secret"]}, ENCRYPT)]
    assert (
        verdict(rules, when={**IN, "subject_matches_patterns": [pattern]}, then="not_in_clear")["verdict"] == "refuted"
    )


def test_of_mail_that_names_nobody_no_member_of_a_group_is_named() -> None:
    spared = {"any_of_to_header_member_of": ["sales@contoso.com"]}
    found = verdict([], unless=spared, then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["message"].get("to")) == ("refuted", None)
    assert verdict([rule("Encrypts", {**IN, **spared}, ENCRYPT)], then="not_in_clear")["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("given", "field", "settled_by"),
    [
        ({"type": ["OOF"]}, "type", "An automatic reply and a meeting request."),
        ({"size": 26 << 20}, "size", "A test message over 25 MB."),
        ({"protection": {"kind": "smime_signed"}}, "protection", "A test message with an S/MIME signature."),
        ({"authenticated": None}, "authenticated", "The header X-MS-Exchange-Organization-AuthAs of such mail."),
    ],
)
def test_what_is_unknown_of_a_message_names_its_field_and_how_to_find_out(
    given: Values, field: str, settled_by: str
) -> None:
    sent = {"date": NOW, "from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"], **given}
    sent = {key: value for key, value in sent.items() if value is not None}
    found = Simulator([ALL], facts_of(TENANT)).run(message_of(sent, "", "message"))["recipients"]["ann@fabrikam.com"]
    assert (field, settled_by) in [(each.get("field"), each["settled_by"]) for each in worded(found)["unknown"]]


def test_a_fact_that_nobody_gave_is_named() -> None:
    sent = {"date": NOW, "from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}
    found = Simulator([ALL], facts_of({})).run(message_of(sent, "", "message"))["recipients"]["ann@fabrikam.com"]
    assert ("facts.accepted_domains", "Give facts.accepted_domains.") in [
        (each.get("field"), each["settled_by"]) for each in worded(found)["unknown"]
    ]


@pytest.mark.parametrize(
    ("condition", "given", "field"),
    [
        ({"subject_contains_words": ["secret"]}, {"subject": "top_secret"}, "subject"),
        ({"subject_matches_patterns": [r"\bsecret"]}, {"subject": "secret"}, "subject"),
        ({"subject_or_body_matches_patterns": [r"\bsecret"]}, {"body": "secret"}, "body"),
        (
            {"header_contains_message_header": "X-A", "header_contains_words": ["secret"]},
            {"headers": {"X-A": "top_secret"}},
            "headers",
        ),
        (
            {"attachment_name_matches_patterns": [r"\ba"]},
            {"attachments": [{"name": "a.txt", "nested": []}]},
            "attachments",
        ),
        ({"from_address_matches_patterns": [r"\bmegan"]}, {}, "from"),
        ({"recipient_address_matches_patterns": [r"\bann"]}, {}, "to"),
        ({"any_of_recipient_address_matches_patterns": [r"\bann"]}, {}, "to"),
        ({"sender_ad_attribute_matches_patterns": [r"Department:\bSales"]}, {}, "facts.attributes"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) and value else None,
)
def test_what_is_open_of_a_text_names_the_field_that_has_it(condition: Values, given: Values, field: str) -> None:
    sent = {"date": NOW, "from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"], **given}
    rules = [rule("Encrypts", condition, ENCRYPT)]
    found = Simulator(rules, facts_of({**TENANT, "attributes": {"megan@contoso.com": {"Department": "Sales"}}})).run(
        message_of(sent, "", "message")
    )["recipients"]["ann@fabrikam.com"]
    settled = {
        "U17": "Test-Message with such a text.",
        "U18": "Rewrite the pattern with syntax that the sources agree on, or rely on .NET's with dialect: dotnet.",
    }
    assert [(each["field"], each["settled_by"]) for each in worded(found)["unknown"] if each["id"] in settled] == [
        (field, settled["U17" if any("words" in option for option in condition) else "U18"])
    ]
