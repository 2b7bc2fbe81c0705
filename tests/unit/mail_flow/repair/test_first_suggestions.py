# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested first is what one signs: the rule that is meant for the mail is put right before one is added, rules that
keep mail back stay as they are, and rules for other mail are left to what they are for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import suggest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import (
    GoalSuggestions,
    suggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.organizations.suggested import Edits, edits_of
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

OUTSIDE = {"from_scope": "NotInOrganization"}
AGENDA = rule("Agenda", {"subject_contains_words": ["agenda"]}, {**STOP, "set_audit_severity": "Low"})
COURTS = rule("Courts", {**IN, "recipient_domain_is": ["court.com"]}, {**STOP, "set_audit_severity": "Low"})
MARKED = {**OUTGOING, "subject_matches_patterns": [r"\[secure\]"]}
MEGAN = {**OUTGOING, "from": ["megan@contoso.com"]}


def repaired(
    rules: Sequence[Values], guarantee: Values, facts: Mapping[str, Any] = TENANT
) -> tuple[GoalSuggestions, list[Edits]]:
    """What is suggested for a guarantee, and the edits of each suggestion."""
    read = RuleSet(rules)
    judged = prove(read, facts, guarantees_of([{"name": "G", **guarantee}]), NOW)
    (found,) = suggestions(read, facts, judged, (), NOW)
    return found, [edits_of(suggestion) for suggestion in found.suggestions]


def test_a_rule_with_more_values_is_moved_before_one_is_added() -> None:
    both = rule("Trigger", {**OUTGOING, "subject_matches_patterns": [r"\[secure\]", r"\[encrypt\]"]}, ENCRYPT)
    _found, edits = repaired([AGENDA, COURTS, both], {"when": MARKED, "then": "not_in_clear"})
    assert edits[0] == [("move", "Trigger")]
    assert [("add", "Encrypt: G")] in edits


def test_an_exception_of_the_rule_that_is_meant_goes_before_one_is_added_also_where_something_stays_open() -> None:
    deals = rule(
        "Deals",
        {"from": ["megan@contoso.com"], "sent_to_scope": "NotInOrganization"},
        ENCRYPT,
        exceptions={"recipient_domain_is": ["banker.com"]},
    )
    wanted = {"from": ["megan@contoso.com"], "sent_to_scope": "NotInOrganization"}
    found, edits = repaired([COURTS, deals], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Deals"), ("move", "Deals")]
    assert all(suggestion.left_open is not None for suggestion in found.suggestions)


def test_a_rule_that_is_off_and_says_less_than_the_guarantee_is_used_before_one_is_added() -> None:
    off = rule("Police", {"from": ["megan@contoso.com"], "recipient_domain_is": ["a.com"]}, ENCRYPT, enabled=False)
    _found, edits = repaired(
        [AGENDA, off], {"when": {**MEGAN, "recipient_domain_is": ["a.com"]}, "then": "not_in_clear"}
    )
    assert edits[0] == [("enable", "Police"), ("move", "Police")]


def test_others_are_found_beside_one_that_nothing_goes_before_only_where_they_cost_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off, wanted = rule("Off", OUTGOING, ENCRYPT, enabled=False), {"when": OUTGOING, "then": "not_in_clear"}
    _found, with_others = repaired([off], wanted)
    monkeypatch.setattr(suggest, "_CHEAP", 0)
    found, alone = repaired([off], wanted)
    assert (with_others, alone) == ([[("enable", "Off")], [("add", "Encrypt: G")]], [[("enable", "Off")]])
    assert not found.tried.complete


MACROS = rule(
    "Macros", {**OUTSIDE, "attachment_extension_matches_words": ["docm"]}, {"reject_message_reason_text": "No."}
)
DECRYPTS = rule("Decrypts", OUTSIDE, {"remove_ome_v2": True})
REPLIES: Values = {"when": {**OUTSIDE, "sent_to_scope": "InOrganization"}, "then": "decrypted_on_arrival"}


@pytest.mark.parametrize("action", [{"reject_message_reason_text": "No."}, {"quarantine": True}])
def test_a_rule_that_keeps_mail_back_is_not_opened_where_others_are_wrong(action: Values) -> None:
    found, edits = repaired([{**MACROS, "actions": action}, AGENDA, DECRYPTS], REPLIES)
    assert edits[0] == [("move", "Decrypts")]
    assert "Macros" not in {name for each in edits for _kind, name in each}
    assert all(suggestion.left_open is not None for suggestion in found.suggestions)


def test_no_rule_is_added_before_one_that_keeps_mail_back() -> None:
    """It would stop, and so let that mail through."""
    clear = {"when": PARTNER, "then": "unencrypted"}
    all_mail = rule("All", OUTGOING, ENCRYPT)
    odd = rule("Odd", {**PARTNER, "attachment_extension_matches_words": ["docm"]}, {"quarantine": True})
    found, edits = repaired([odd, all_mail], clear)
    assert edits[0] == [("exception", "All")]
    assert {finding.kind for each in found.suggestions for finding in each.difference.findings} == {"protection_lost"}


def test_a_guarantee_of_delivery_asks_for_what_is_kept_back() -> None:
    _found, edits = repaired([MACROS], {"when": REPLIES["when"], "then": "delivered"})
    assert edits[0] == [("exception", "Macros")]


@pytest.mark.parametrize("written", ["clinic.com", "@clinic.com"])
def test_a_rule_for_others_is_not_made_one_for_the_wanted_mail(written: str) -> None:
    """A value that matches no mail is meant for something."""
    clinic = rule("Clinic", {**IN, "recipient_domain_is": [written]}, ENCRYPT)
    _found, edits = repaired([AGENDA, clinic], {"when": PARTNER, "then": "not_in_clear"})
    assert edits == [[("add", "Encrypt mail to partner.com")]]
    wanted = {**IN, "recipient_domain_is": ["clinic.com"]}
    _found, edits = repaired([AGENDA, clinic], {"when": wanted, "then": "not_in_clear"})
    repair = [("move", "Clinic")] if written == "clinic.com" else [("condition", "Clinic"), ("move", "Clinic")]
    assert edits[0] == repair
