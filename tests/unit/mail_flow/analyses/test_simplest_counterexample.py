# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that show something have nothing that does not matter, and a counterexample names the rule that decides
it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    simplest,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)

from tests.unit.mail_flow.answers import difference, prove, verdict_sentence, worsened
from tests.unit.mail_flow.asking import verdict

IRM = {
    "azure_rms_licensing_enabled": True,
    "internal_licensing_enabled": True,
    "enable_pdf_encryption": True,
    "transport_decryption_setting": "Optional",
}
FACTS = {"accepted_domains": ["contoso.com"], "remote_domains": [], "irm_configuration": IRM}
OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}


def rule(name: str, conditions: dict[str, Any], actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "conditions": conditions, "exceptions": {}, "actions": actions}


ENCRYPT = rule("Encrypt", OUTGOING, {"apply_rights_protection_template": "Encrypt"})
PREPEND = {"prepend_subject": "x"}
NOISE = [
    rule("Large", {"message_size_over": "1 MB"}, PREPEND),
    rule("Company", {"sender_ad_attribute_contains_words": ["Company:adatum"]}, PREPEND),
    rule("Attached", {"attachment_contains_words": ["secret"]}, PREPEND),
    rule("Important", {"with_importance": "High"}, PREPEND),
]


def refuted(*rules: dict[str, Any], when: dict[str, Any] | None = None) -> dict[str, Any]:
    (row,) = prove(rules, FACTS, [{"name": "G", "when": OUTGOING if when is None else when, "then": "not_in_clear"}])
    assert row["verdict"] == "refuted"
    return row


@pytest.mark.parametrize(
    ("stops", "keys"),
    [
        ({"subject_contains_words": ["plain"]}, {"subject": "plain"}),
        ({"sent_to": ["ann@fabrikam.com"]}, {}),
        ({"header_contains_message_header": "X-A", "header_contains_words": ["b"]}, {"headers": {"x-a": "b"}}),
    ],
)
def test_the_rule_that_keeps_mail_from_encryption_decides_and_other_rules_leave_no_trace(
    stops: dict[str, Any], keys: dict[str, Any]
) -> None:
    row = refuted(*NOISE, rule("Hold", stops, {"stop_rule_processing": True}), ENCRYPT)
    found = row["counterexample"]
    assert found["decided_by"] == ["Hold"]
    assert {
        key: value for key, value in found["message"].items() if key not in ("name", "from", "to", "authenticated")
    } == keys
    assert verdict_sentence(row).endswith(
        "is delivered unencrypted by rules (whether by forced TLS is unknown): the rule 'Hold' stops before the rule 'Encrypt'."
    )


def test_mail_that_arrives_in_clear_at_once_is_shown_before_mail_that_a_release_would_deliver() -> None:
    rules = [
        rule("Held", {"attachment_has_executable_content": True}, {"quarantine": True}),
        rule("Press", {"from": ["press@contoso.com"]}, {"stop_rule_processing": True}),
        ENCRYPT,
    ]
    found = refuted(*rules)["counterexample"]
    assert (found["outcome"]["fate"], found["decided_by"]) == ("delivered", ["Press"])
    assert "attachments" not in found["message"]


@pytest.mark.parametrize(
    ("unless", "where"),
    [
        ({"header_contains_message_header": "From", "header_contains_words": ["news@contoso.com"]}, "from"),
        ({"from_address_contains_words": [".news"]}, "from"),
        ({"from_address_matches_patterns": ["s[.]+[^a-z0-9]"]}, "from"),
        ({"recipient_address_contains_words": ["-x."]}, "to"),
        ({"any_of_recipient_address_contains_words": [".a."]}, "to"),
    ],
)
def test_a_counterexample_has_only_addresses_to_which_any_system_can_send(unless: dict[str, Any], where: str) -> None:
    encrypt = {**ENCRYPT, "exceptions": unless}
    for given in ({}, {"from": ["news@contoso.com"]}):
        (row,) = prove([encrypt], FACTS, [{"name": "G", "when": OUTGOING, "unless": given, "then": "not_in_clear"}])
        assert row["verdict"] == "refuted"
        message = row["counterexample"]["message"]
        for each in message["to"] if where == "to" else [message["from"]]:
            assert re.fullmatch(r"[!#$%&'*+/=?^_`{|}~\w-]+(\.[!#$%&'*+/=?^_`{|}~\w-]+)*@([a-z0-9-]+\.)+[a-z]+", each), (
                each
            )


@pytest.mark.parametrize("pattern", [r"^\.", r"\.@", r"\.\."])
def test_mail_from_an_address_that_is_not_valid_refutes_nothing_and_is_not_ruled_out(pattern: str) -> None:
    encrypt = {**ENCRYPT, "exceptions": {"from_address_matches_patterns": [pattern]}}
    (row,) = prove([encrypt], FACTS, [{"name": "G", "when": OUTGOING, "then": "not_in_clear"}])
    assert row["verdict"] == "unknown"


@pytest.mark.parametrize(
    "unless",
    [
        {"from_address_contains_words": ["a b"]},
        {"from_address_matches_patterns": ["a b"]},
        {"recipient_address_contains_words": ["a b"]},
    ],
)
def test_an_address_in_quotation_marks_is_not_ruled_out(unless: dict[str, Any]) -> None:
    """Mail from or to ``"a b"@contoso.com`` is not encrypted, so the guarantee is not proved."""
    encrypt = {**ENCRYPT, "exceptions": unless}
    (row,) = prove([encrypt], FACTS, [{"name": "G", "when": OUTGOING, "then": "not_in_clear"}])
    assert row["verdict"] == "unknown"


HOLD = rule("Hold", {"subject_contains_words": ["plain"]}, {"stop_rule_processing": True})
NEEDED = {"from": "sender@contoso.com", "authenticated": True, "to": ["recipient@example.org"], "subject": "plain"}


def test_the_witness_of_a_difference_has_nothing_that_changes_neither_result() -> None:
    (row,) = difference([*NOISE, ENCRYPT], [*NOISE, HOLD, ENCRYPT], FACTS).rows
    assert row["kind"] == "protection_lost"
    assert row["witness"]["message"] == {"name": "witness", **NEEDED}


def test_the_witness_of_a_side_effect_has_nothing_that_does_not_matter() -> None:
    told = rule(
        "Tell",
        {"subject_contains_words": ["plain"]},
        {"generate_incident_report": "a@fabrikam.com", "incident_report_content": ["Subject"]},
    )
    (row,) = difference([*NOISE], [*NOISE, told], FACTS).rows
    assert row["kind"] == "side_effect_changed"
    assert set(row["witness"]["message"]) == {"name", "from", "authenticated", "to", "subject"}


def test_the_message_for_which_a_guarantee_is_worse_has_nothing_that_does_not_matter() -> None:
    (outgoing,) = guarantees_of([{"name": "G", "when": OUTGOING, "then": "not_in_clear"}])
    late = rule("Late", {"subject_contains_words": ["late"]}, {"stop_rule_processing": True})
    found = worsened(
        [*NOISE, late, ENCRYPT],
        [*NOISE, HOLD, late, ENCRYPT],
        FACTS,
        outgoing,
        datetime.datetime(2030, 3, 1, tzinfo=datetime.UTC),
    )
    assert found is not None
    assert found["message"] == {"name": "G", **NEEDED}


def test_where_nothing_encrypts_no_rule_decides() -> None:
    row = refuted(rule("Footer", {}, PREPEND))
    assert "decided_by" not in row["counterexample"]
    assert verdict_sentence(row).endswith("is delivered unencrypted by rules (whether by forced TLS is unknown).")


def test_mail_whose_sender_did_not_sign_in_says_so() -> None:
    row = refuted(ENCRYPT, when={"from": ["ceo@contoso.com"], "sent_to_scope": "NotInOrganization"})
    assert row["counterexample"]["message"]["authenticated"] is False
    assert "mail from ceo@contoso.com (not signed in) to " in verdict_sentence(row)


def test_what_a_message_can_do_without_goes_and_what_it_needs_stays() -> None:
    message = {
        "name": "G",
        "from": "a@b.c",
        "to": ["x@y.z", "m@n.o"],
        "subject": "plain",
        "body": "noise",
        "attachments": [{"name": "a"}, {"name": "b"}],
    }

    def breaks(options: Mapping[str, Any]) -> bool:
        return options.get("subject") == "plain" and {"name": "b"} in options.get("attachments", ())

    left = {"name": "G", "from": "a@b.c", "to": ["x@y.z"], "subject": "plain", "attachments": [{"name": "b"}]}
    assert simplest(message, "X@y.z", breaks) == left


@pytest.mark.parametrize(("mode", "in_ascii"), [("Audit", True), ("Enforce", False)])
def test_letters_beyond_ascii_are_written_only_where_no_others_show_it(mode: str, in_ascii: bool) -> None:
    r"""\d is a digit of every script, [0-9] is not."""
    numbers = rule("Numbers", {**OUTGOING, "subject_or_body_matches_patterns": [r"SE[0-9]{4}"]}, ENCRYPT["actions"])
    wanted = {**OUTGOING, "subject_or_body_matches_patterns": [r"SE\d{4}"]}
    shown = refuted({**numbers, "mode": mode}, when=wanted)["counterexample"]["message"]
    assert f"{shown.get('subject', '')}{shown.get('body', '')}".isascii() is in_ascii


def test_mail_that_a_pattern_for_the_beginning_misses_is_shown_by_an_answer() -> None:
    begins = {**ENCRYPT, "conditions": {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}}
    found = verdict([begins], when={**OUTGOING, "subject_contains_words": ["[secure]"]}, then="not_in_clear")
    assert found["counterexample"]["message"]["subject"] == "Re: [secure]"


def test_a_subject_has_no_blank_at_its_ends() -> None:
    """Mail programs drop it, so that the text at its beginning would be what the rule looks for."""
    marked = rule("Marked", {**OUTGOING, "subject_matches_patterns": [r"^(re: |fw: )?\[enc\]"]}, ENCRYPT["actions"])
    row = refuted(marked, when={**OUTGOING, "subject_matches_patterns": [r"\[enc\]"]})
    subject = row["counterexample"]["message"]["subject"]
    assert "[enc]" in subject
    assert subject == subject.strip()
