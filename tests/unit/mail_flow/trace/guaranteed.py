# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays of the rows of small messages, with guarantees."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import NO_TIME, Row, Trace

Values = dict[str, Any]

KNOWN: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
OUTGOING: Values = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
WHEN = 1_795_010_584_000_000


def rule(name: str, conditions: Values, actions: Values, **more: Any) -> Values:
    return {"name": name, "conditions": conditions, "actions": actions, **more}


def trace_of(*messages: tuple[str, ...], whole: bool = True, **row: Any) -> Trace:
    """The rows of messages, each with its recipients."""
    found = Trace()
    for number, people in enumerate(messages):
        for person in people:
            found.add(
                Row(
                    **{
                        "message": f"m{number}",
                        "received": WHEN,
                        "sender": "megan@contoso.com",
                        "recipient": person,
                        "status": "Delivered",
                        "subject": "Offer",
                        "size": 2048,
                        "from_ip": NO_HOP,
                        **row,
                    }
                )
            )
    if not whole:
        found.whole = NO_TIME
    return found


def replayed(
    after: list[Values], before: list[Values], trace: Trace, known: Values | None = None, *guarantees: Values
) -> Tallies:
    facts = facts_of({**KNOWN, **(known or {})})
    return Replay(RuleSet(after), facts, RuleSet(before), guarantees=declared_guarantees(list(guarantees))).run(trace)
