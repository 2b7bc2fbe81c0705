# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail flow rules and RMS templates of an organization, and the subsets to read to plan rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..._exchange.errors import NotCapturedError
from ..._exchange.organization import Organization
from .fields import FIELDS
from .rule import DeclaredRule, RmsTemplates, Rule, encrypts

#: The module that manages one rule. A change uses it as its resource name.
RULE = "ome_transport_rule"


def subsets_for(rules: Iterable[DeclaredRule]) -> list[str]:
    """The subsets to read to plan these rules. RMS templates are read only if a rule names one."""
    rules = list(rules)
    actions = [rule.sections.get("actions", {}) for rule in rules]
    subsets = ["transport_rules"]
    if any("apply_rights_protection_template" in section for section in actions):
        subsets.append("rms_templates")
    if any("apply_rights_protection_customization_template" in section for section in actions):
        subsets.append("ome_configurations")
    if any(
        exists_on_premises_only(section, option, value)
        for rule in rules
        for section, values in rule.sections.items()
        for option, value in values.items()
    ):
        subsets.append("organization")
    return subsets


def with_licensing(rules: Sequence[DeclaredRule]) -> list[str]:
    """The subsets of :func:`subsets_for`, and what tells whether rights management works if one of the rules encrypts."""
    encrypting = any(encrypts(rule.sections) for rule in rules)
    return list(dict.fromkeys([*subsets_for(rules), *(("irm_configuration", "rms_templates") if encrypting else ())]))


def exists_on_premises_only(section: str, option: str, value: Any) -> bool:
    """Whether Exchange Online does not support this value of an option."""
    return isinstance(value, str) and value in FIELDS[section][option].onprem_values


def rms_templates_of(organization: Organization) -> RmsTemplates:
    """The organization's RMS templates; empty if they were not read."""
    return organization.parsed(_rms_templates)


def rules_of(organization: Organization) -> list[Rule]:
    """The organization's rules, first to last."""
    return list(organization.parsed(_rules))


def _rms_templates(organization: Organization) -> RmsTemplates:
    error = organization.error("rms_templates") if "rms_templates" in organization.subsets else None
    if isinstance(error, NotCapturedError):
        return RmsTemplates(unlisted=f"{error.message.rstrip('.')}, and RMS templates are not listed")
    if organization.available("rms_templates"):
        return RmsTemplates(organization.objects("rms_templates"))
    withheld = "rms_templates" in organization.subsets
    return RmsTemplates(
        unlisted="the session does not have Get-RMSTemplate, so RMS templates are not listed" if withheld else ""
    )


def _rules(organization: Organization) -> list[Rule]:
    templates = rms_templates_of(organization)
    return sorted(
        (Rule(item, templates) for item in organization.objects("transport_rules")), key=lambda rule: rule.priority
    )
