# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is unknown, in words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import open_reasons


def _met(*encrypting: str, by: str = "Decrypt") -> Reason:
    """That it is unknown what becomes of mail that rules encrypt and another one decrypts."""
    return Reason("U02", "encrypted_and_decrypted", (encrypting, (by,)))


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (
            [Reason("U01", "which_template", (("do_not_forward", "encrypt", "template:Legal"),))],
            ["whether the message gets 'Do Not Forward', 'Encrypt' or 'Legal'"],
        ),
        (
            [Reason("U01", "which_branding", (("Blue", "Green"),))],
            ["whether the message shows the branding 'Blue' or 'Green'"],
        ),
        (
            [_met("A"), _met("B", "A"), _met("C")],
            ["what happens to a message that 'A', 'B' or 'C' encrypts and 'Decrypt' decrypts"],
        ),
        (
            [_met("A"), _met("A", by="Other")],
            [f"what happens to a message that 'A' encrypts and '{by}' decrypts" for by in ("Decrypt", "Other")],
        ),
    ],
)
def test_rules_and_templates_are_named_once_as_exchange_names_them(reasons: Sequence[Reason], said: list[str]) -> None:
    assert [each.reason for each in open_reasons(reasons)] == said
