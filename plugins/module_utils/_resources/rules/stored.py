# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail flow rules and templates that an organization has, and what has to be read to plan rules. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import FIELDS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule, Rule, Templates

#: The module that manages one rule, which is what a change names.
RULE = "ome_transport_rule"


def subsets_for(rules: Iterable[DeclaredRule]) -> list[str]:
    """What has to be read to plan these rules: templates only where one is named."""
    rules = list(rules)
    actions = [rule.sections.get("actions", {}) for rule in rules]
    subsets = ["transport_rules"]
    if any("apply_rights_protection_template" in section for section in actions):
        subsets.append("rms_templates")
    if any("apply_rights_protection_customization_template" in section for section in actions):
        subsets.append("ome_configurations")
    if any(exists_on_premises_only(section, option, value) for rule in rules for section, values in rule.sections.items() for option, value in values.items()):
        subsets.append("organization")
    return subsets


def exists_on_premises_only(section: str, option: str, value: Any) -> bool:
    """Whether Exchange Online does not know this value of an option."""
    return isinstance(value, str) and value in FIELDS[section][option].onprem_values


def templates_of(organization: Organization) -> Templates:
    """The organization's templates; none where they were not read."""
    return organization.parsed(_templates)


def rules_of(organization: Organization) -> list[Rule]:
    """The organization's rules, first to last."""
    return list(organization.parsed(_rules))


def _templates(organization: Organization) -> Templates:
    if organization.available("rms_templates"):
        return Templates(organization.objects("rms_templates"))
    withheld = "rms_templates" in organization.subsets
    return Templates(unlisted="the session does not have Get-RMSTemplate, so that no templates are listed" if withheld else "")


def _rules(organization: Organization) -> list[Rule]:
    templates = templates_of(organization)
    return sorted((Rule(item, templates) for item in organization.objects("transport_rules")), key=lambda rule: rule.priority)
