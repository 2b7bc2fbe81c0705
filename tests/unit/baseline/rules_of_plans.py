# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as a playbook lists them, and as an organization may have them."""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.unit.mail_flow import small_rules
from tests.unit.mail_flow.translation import stored

Values = dict[str, Any]


ACTIONS: tuple[Values, ...] = (
    {"apply_rights_protection_template": "Encrypt"},
    {"apply_rights_protection_template": "Encrypt"},
    {"apply_rights_protection_template": "Do Not Forward"},
    {"apply_rights_protection_template": "Encrypt", "stop_rule_processing": True},
    {"remove_ome_v2": True},
)


#: What somebody may have done to a rule.
EDITS: tuple[Values, ...] = (
    {"State": "Disabled"},
    {"Mode": "Audit"},
    {"ExpiryDate": "2020-01-01T00:00:00.0000000Z"},
    {"ActivationDate": "2999-01-01T00:00:00.0000000Z"},
    {"ActivationDate": "2020-01-01T00:00:00.0000000Z"},
    {"ExceptIfSubjectContainsWords": ["offer"]},
    {"SubjectContainsWords": ["secure"]},
    {"SubjectContainsWords": ["SECURE"]},
    {"RecipientDomainIs": ["northwind.com"]},
    {"FromScope": "InOrganization"},
    {"DeleteMessage": True},
    {"StopRuleProcessing": True},
    {"ApplyRightsProtectionTemplate": "Do Not Forward"},
    {"ModerateMessageByUser": ["bob@contoso.com"]},
    {"SenderAddressLocation": "Envelope"},
    {"RecipientAddressType": "Original"},
    {"UseLegacyRegex": True},
    {"Comments": "theirs"},
)


def wishes(source: random.Random) -> list[Values]:
    """Rules as a playbook lists them."""
    return [
        {
            "name": f"wish {place}",
            "conditions": small_rules.section(source, 3) or {"from_scope": "InOrganization"},
            "exceptions": small_rules.section(source, 1),
            "actions": dict(source.choice(ACTIONS)),
        }
        for place in range(source.randint(1, 3))
    ]


def found(source: random.Random, wished: list[Values]) -> list[Values]:
    """Those rules as an organization may have them: mostly as they are wished, edited, moved, gone, and others among
    them.
    """
    rows = [stored({"state": "Enabled", **wish}) for wish in wished]
    if source.random() < 0.5:
        source.choice(rows).update(copy.deepcopy(source.choice(EDITS)))
    if source.random() < 0.2:
        rows.insert(source.randrange(len(rows)), rows.pop(source.randrange(len(rows))))
    if source.random() < 0.1:
        rows.pop(source.randrange(len(rows)))
    if source.random() < 0.5:
        rows.insert(
            source.randint(0, len(rows)), {"Name": "another", "SubjectContainsWords": ["secure"], "DeleteMessage": True}
        )
    return [{**row, "Priority": place} for place, row in enumerate(rows)]
