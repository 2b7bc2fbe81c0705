# SPDX-License-Identifier: GPL-3.0-or-later
"""A loss that only an odd address shows, or that is of people inside whose copies are protected for the sake of others, is said
and is no reason to prefer a worse edit.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

FACTS: Values = {**TENANT, "dlp_policies": []}
COURTS = rule("Courts", {**IN, "recipient_domain_is": ["court.com"]}, {**STOP, "set_audit_severity": "Low"})


def for_any(word: str) -> Values:
    """A rule that encrypts a message for all if anybody's address has a word."""
    return rule("Any", {**IN, "any_of_recipient_address_contains_words": [word]}, ENCRYPT)


@pytest.mark.parametrize("word", ["supplier.com", "@supplier.com"])
def test_a_loss_that_only_an_odd_address_shows_is_no_reason_to_add_a_rule(word: str) -> None:
    """Of a message to one address at supplier.com and one at partner.com, the former stays with the others."""
    venture = rule(
        "Venture", {**IN, "sent_to_scope": "InOrganization", "recipient_domain_is": ["partner.com"]}, ENCRYPT
    )
    wanted = {**IN, "recipient_domain_is": ["partner.com"]}
    found, edits = repaired([venture, for_any(word)], {"when": wanted, "then": "not_in_clear"}, FACTS)
    first = found.suggestions[0]
    assert edits[0] == [("condition", "Venture")]
    assert (len(first.losses), first.lesser_losses, first.grave_losses) == (1, first.losses, [])


def test_a_loss_that_addresses_with_any_other_word_show_is_grave() -> None:
    venture = rule(
        "Venture", {**IN, "sent_to_scope": "InOrganization", "recipient_domain_is": ["partner.com"]}, ENCRYPT
    )
    wanted = {**IN, "recipient_domain_is": ["partner.com"]}
    found, _edits = repaired([venture, for_any("sales")], {"when": wanted, "then": "not_in_clear"}, FACTS)
    put_right = next(each for each in found.suggestions if each.edits[0].rule == "Venture")
    assert (put_right.lesser_losses, len(put_right.grave_losses)) == ((), 1)


def test_that_a_colleague_in_copy_gets_mail_in_clear_is_no_reason_to_leave_mail_of_the_guarantee_open() -> None:
    wanted = {**OUTGOING, "subject_contains_words": ["card"]}
    found, edits = repaired([COURTS, for_any("sales")], {"when": wanted, "then": "not_in_clear"}, FACTS)
    first = found.suggestions[0]
    assert (edits[0], first.edits[0].after) == ([("add", "Encrypt: G")], 0)
    assert (first.left_open, first.lesser_losses, first.grave_losses) == (None, first.losses, [])
    assert first.losses
