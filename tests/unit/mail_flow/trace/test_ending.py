# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether later rules act on the copies that a rule acts on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.ending import whether_ends

Values = dict[str, Any]

STOP = {"stop_rule_processing": True}
BOSS = "boss@contoso.com"


@pytest.mark.parametrize(
    ("actions", "more", "ending"),
    [
        (STOP, {}, True),
        ({"delete_message": True}, {}, True),
        ({"quarantine": True}, {}, True),
        ({"reject_message_reason_text": "No."}, {}, True),
        ({"redirect_message_to": [BOSS]}, {}, True),
        ({"apply_rights_protection_template": "Encrypt"}, {}, False),
        ({"prepend_subject": "[X] "}, {}, False),
        ({"blind_copy_to": [BOSS]}, {}, False),
        # It goes on once it is approved, if it is.
        ({"moderate_message_by_user": [BOSS]}, {}, None),
        ({"moderate_message_by_user": [BOSS], **STOP}, {}, None),
        ({"moderate_message_by_manager": True}, {}, None),
        ({"add_manager_as_recipient_type": "Redirect"}, {}, None),
        ({"add_manager_as_recipient_type": "Bcc"}, {}, False),
        # An ordinary message takes a disclaimer.
        (
            {"apply_html_disclaimer_text": "Confidential", "apply_html_disclaimer_fallback_action": "Reject"},
            {},
            False,
        ),
        ({"delete_message": True}, {"mode": "Audit"}, False),
        (STOP, {"mode": "Audit"}, False),
        (STOP, {"mode": "AuditAndNotify"}, False),
    ],
)
def test_what_ends_a_copy(actions: Values, more: Values, ending: bool | None) -> None:
    (rule,) = RuleSet([{"name": "R", "conditions": {}, "exceptions": {}, "actions": actions, **more}]).rules
    assert whether_ends(rule, {}) is ending


@pytest.mark.parametrize("stops", [True, False])
def test_what_ends_a_copy_may_have_been_observed(stops: bool) -> None:
    (rule,) = RuleSet([{"name": "R", "mode": "Audit", "actions": STOP}]).rules
    assert whether_ends(rule, {"U08": stops}) is stops
