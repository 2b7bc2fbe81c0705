# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that tests of proofs share, and how they ask about them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tests.unit.mail_flow.answers import Difference, difference, prove
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
IN = {"from_scope": "InOrganization"}
OUTGOING = {**IN, "sent_to_scope": "NotInOrganization"}
PARTNER = {**IN, "recipient_domain_is": ["partner.com"]}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
STOP = {"stop_rule_processing": True}


def rule(name: str, conditions: Values, actions: Values, **more: Any) -> Values:
    return {"name": name, "conditions": conditions, "exceptions": {}, "actions": actions, **more}


ALL = rule("All", OUTGOING, ENCRYPT)
ENCRYPTING = rule("Encrypting", IN, ENCRYPT)


def verdict(rules: Sequence[Values], facts: Mapping[str, Any] = TENANT, **guarantee: Any) -> Values:
    (found,) = prove(rules, facts, [{"name": "G", "when": OUTGOING, "then": "encrypted", **guarantee}], NOW)
    return found


def unknown_ids(rules: Sequence[Values], facts: Mapping[str, Any] = TENANT, **guarantee: Any) -> list[str]:
    """The numbers of what is unknown of a guarantee that is neither proved nor refuted."""
    answer = verdict(rules, facts, **{"when": IN, "then": "not_in_clear", **guarantee})
    assert answer["verdict"] == "unknown", answer
    return [each["id"] for each in answer["unknown"]]


def compared(before: Sequence[Values], after: Sequence[Values], **more: Any) -> Difference:
    return difference(before, after, TENANT, NOW, **more)
