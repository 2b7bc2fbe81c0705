# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay of one row."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    instant_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import replay_row

Values = dict[str, Any]

KNOWN: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
WHEN = 1_795_010_584_000_000
ROW: Values = {
    "message": "m",
    "received": WHEN,
    "sender": "megan@contoso.com",
    "recipient": "ann@fabrikam.com",
    "status": "Delivered",
    "subject": "Offer",
    "size": 2048,
    "from_ip": NO_HOP,
}


def replayed(
    rules: list[Values], before: list[Values] | None = None, known: Values | None = None, **row: Any
) -> Values:
    trace = Trace()
    trace.add(Row(**{**ROW, **row}))
    others = None if before is None else RuleSet(before)
    found = Replay(RuleSet(rules), facts_of(known or KNOWN), others).run(trace)
    window = Window(instant_of(WHEN), instant_of(WHEN))
    names = [str(rule["name"]) for rule in rules]
    return replay_row(found, window, compared=others is not None, guaranteed=False, domains=10, rules=names).as_row()


def encrypting(conditions: Values, name: str = "Encrypt", **actions: Any) -> Values:
    return {"name": name, "conditions": conditions, "actions": {**ENCRYPT, **actions}}
