# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule or a connector that is there goes before one more rule, also where it is for more mail or leaves something open."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

PRESS: Values = {**IN, "from": ["megan@contoso.com"]}
PLAIN: Values = {"when": PRESS, "then": "unencrypted"}
NUMBERS = rule("Numbers", {**OUTGOING, "subject_or_body_contains_words": ["iban"]}, ENCRYPT)
GRANTS = rule("Grants", {**OUTGOING, "subject_contains_words": ["grant"]}, ENCRYPT)
LARGE = rule("Large", {**OUTGOING, "message_size_over": "20MB"}, {"reject_message_reason_text": "No."})
EXEMPT = rule("Press", {"from": ["megan@contoso.com"]}, STOP)
CONNECTOR: Values = {"name": "Partner", "connector_type": "Partner", "recipient_domains": ["partner.com"]}


def test_a_stop_that_is_meant_for_mail_goes_before_the_first_rule_that_encrypts_it() -> None:
    tag = rule("Tag", {"from_scope": "NotInOrganization"}, {"prepend_subject": "[EXT] "})
    found, edits = repaired([tag, NUMBERS, GRANTS, EXEMPT], PLAIN)
    assert edits[0] == [("move", "Press")]
    assert (found.suggestions[0].edits[0].after, found.suggestions[0].left_open) == (1, None)


def test_a_stop_is_not_moved_before_a_rule_that_encrypts_other_mail() -> None:
    other = rule("Other", {**OUTGOING, "from": ["bob@contoso.com"]}, ENCRYPT)
    found, _edits = repaired([other, NUMBERS, GRANTS, EXEMPT], PLAIN)
    assert found.suggestions[0].edits[0].after == 1


def test_what_rules_keep_back_stays_open_for_a_stop_that_goes_up() -> None:
    found, edits = repaired([LARGE, NUMBERS, GRANTS, EXEMPT], PLAIN)
    first = found.suggestions[0]
    assert (edits[0], first.edits[0].after, first.delivers) == ([("move", "Press")], 1, ())
    assert first.left_open is not None
    assert first.left_open.verdict is GuaranteeVerdict.REFUTED


def test_a_stop_that_is_meant_for_mail_says_what_later_rules_no_longer_do_for_it() -> None:
    tls = rule("TLS", PARTNER, {"route_message_outbound_require_tls": True})
    facts = {**TENANT, "outbound_connectors": []}
    found, edits = repaired([NUMBERS, GRANTS, tls, LARGE, EXEMPT], PLAIN, facts)
    first = found.suggestions[0]
    assert (edits[0], first.edits[0].after) == ([("move", "Press")], 0)
    assert (len(first.losses), first.grave_losses, len(first.delivers)) == (1, [], 1)
    (row, *_others) = suggestion_rows([found], [], str)
    assert "it delivers what a rule keeps back at present: " in row.text


def test_an_added_stop_delivers_nothing_that_a_rule_keeps_back() -> None:
    found, _edits = repaired([NUMBERS, GRANTS, LARGE], PLAIN)
    assert found.suggestions
    assert not any(suggestion.delivers for suggestion in found.suggestions)


def test_a_rule_for_more_mail_goes_before_a_stop_rather_than_that_one_is_added() -> None:
    """An exception of the stop would take protection from other mail."""
    own = rule("Own", {"sender_domain_is": ["contoso.com", "eu.contoso.com"]}, STOP)
    drawings = rule("Drawings", {**OUTGOING, "attachment_extension_matches_words": ["dwg", "step"]}, ENCRYPT)
    replies = rule("Replies", {"from_scope": "NotInOrganization"}, {"remove_ome_v2": True})
    when = {**OUTGOING, "sender_domain_is": ["contoso.com"], "attachment_extension_matches_words": ["dwg"]}
    _found, edits = repaired([own, drawings, replies], {"when": when, "then": "not_in_clear"})
    assert edits[0] == [("move", "Drawings")]
    assert all(kind != "add" for kind, _rule in edits[0])


def test_a_condition_looks_for_all_of_its_words_wherever_the_guarantee_looks_for_one() -> None:
    codes = rule("Codes", {**OUTGOING, "subject_contains_words": ["CVV", "CVC"]}, ENCRYPT)
    wanted = {"when": {**OUTGOING, "subject_or_body_contains_words": ["CVV"]}, "then": "not_in_clear"}
    found, edits = repaired([codes], wanted)
    assert edits[0] == [("condition", "Codes")]
    assert found.suggestions[0].rules[0]["conditions"] == {**OUTGOING, "subject_or_body_contains_words": ["CVV", "CVC"]}


def test_a_condition_does_not_look_in_fewer_places_for_the_words_of_others() -> None:
    codes = rule("Codes", {**OUTGOING, "subject_or_body_contains_words": ["CVV", "CVC"]}, ENCRYPT, enabled=False)
    found, _edits = repaired([codes], {"when": {**OUTGOING, "subject_contains_words": ["CVV"]}, "then": "not_in_clear"})
    kept = [suggestion.rules[0]["conditions"] for suggestion in found.suggestions]
    assert all(conditions == codes["conditions"] for conditions in kept)


def test_a_meant_rule_is_put_right_before_one_more_that_is_not_proved() -> None:
    """What its copy leaves open is said: the other rule sends it on, before or behind whichever rule."""
    council = rule(
        "Council",
        {**IN, "sent_to": ["bob@contoso.com"]},
        ENCRYPT,
        exceptions={"subject_contains_words": ["agenda"]},
    )
    private = rule("Private", {"sent_to": ["bob@home.com"]}, {"redirect_message_to": ["bob@contoso.com"]})
    wanted = {"when": {**IN, "sent_to": ["bob@contoso.com"]}, "then": "not_in_clear", "copies": "outside"}
    found, edits = repaired([council, private], wanted)
    assert edits[0] == [("exception", "Council")]
    assert found.suggestions[0].left_open is not None


@pytest.mark.parametrize(
    ("known", "validation", "edited", "parameter"),
    [
        ({"enabled": False}, "encryption_only", ("enabled", True), "-Enabled $true"),
        ({}, "certificate", ("tls_settings", "CertificateValidation"), "-TlsSettings 'CertificateValidation'"),
    ],
)
def test_a_connector_is_put_right_for_all_holes_at_once(
    known: Values, validation: str, edited: tuple[str, Any], parameter: str
) -> None:
    facts = {**TENANT, "outbound_connectors": [{**CONNECTOR, "tls_settings": "EncryptionOnly", **known}]}
    wanted = {"when": PARTNER, "then": "protected_in_transit", "tls_validation": validation}
    found, edits = repaired([], wanted, facts)
    first = found.suggestions[0]
    assert (edits[0], first.left_open) == ([("connector", "Partner")], None)
    assert first.connector is not None
    domains = ["partner.com", "*.partner.com"]
    assert [(each.option, each.after) for each in first.connector.every] == [edited, ("recipient_domains", domains)]
    (row, *_others) = suggestion_rows([found], [], str)
    assert [each["option"] for each in row.edits] == [edited[0], "recipient_domains"]
    assert row.cmdlet.startswith("Set-OutboundConnector -Identity 'Partner'")
    assert parameter in row.cmdlet
    assert "-RecipientDomains @('partner.com', '*.partner.com')" in row.cmdlet
    assert "and add *.partner.com to it, by hand: " in row.text
