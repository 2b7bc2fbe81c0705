# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether later rules act on the copies that a rule acts on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.ending import Ending, ending_of

Values = dict[str, Any]

STOP = {"stop_rule_processing": True}
BOSS = "boss@contoso.com"


@pytest.mark.parametrize(
    ("actions", "more", "ending"),
    [
        (STOP, {}, Ending(True)),
        ({"delete_message": True}, {}, Ending(True)),
        ({"quarantine": True}, {}, Ending(True)),
        ({"reject_message_reason_text": "No."}, {}, Ending(True)),
        ({"redirect_message_to": [BOSS]}, {}, Ending(True)),
        ({"apply_rights_protection_template": "Encrypt"}, {}, Ending(False)),
        ({"prepend_subject": "[X] "}, {}, Ending(False)),
        ({"blind_copy_to": [BOSS]}, {}, Ending(False)),
        # It goes on once it is approved, if it is.
        ({"moderate_message_by_user": [BOSS]}, {}, Ending(None)),
        ({"moderate_message_by_user": [BOSS], **STOP}, {}, Ending(None)),
        ({"moderate_message_by_manager": True}, {}, Ending(None)),
        ({"add_manager_as_recipient_type": "Redirect"}, {}, Ending(None)),
        ({"add_manager_as_recipient_type": "Bcc"}, {}, Ending(False)),
        # An ordinary message takes a disclaimer.
        (
            {"apply_html_disclaimer_text": "Confidential", "apply_html_disclaimer_fallback_action": "Reject"},
            {},
            Ending(False),
        ),
        ({"delete_message": True}, {"mode": "Audit"}, Ending(False)),
        (STOP, {"mode": "Audit"}, Ending(False, "U08")),
        (STOP, {"mode": "AuditAndNotify"}, Ending(False, "U08")),
    ],
)
def test_what_ends_a_copy(actions: Values, more: Values, ending: Ending) -> None:
    (rule,) = RuleSet([{"name": "R", "conditions": {}, "exceptions": {}, "actions": actions, **more}]).rules
    assert ending_of(rule, {}) == ending


@pytest.mark.parametrize("stops", [True, False])
def test_what_ends_a_copy_may_have_been_observed(stops: bool) -> None:
    (rule,) = RuleSet([{"name": "R", "mode": "Audit", "actions": STOP}]).rules
    assert ending_of(rule, {"U08": stops}) == Ending(stops)
