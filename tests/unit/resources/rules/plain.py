# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pure core of rules is given in tests: rules as Exchange shows them and as users declare them. No session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    SETTINGS_OF_A_NEW_RULE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import (
    DeclaredRule,
    RmsTemplates,
    Rule,
    declare,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.shadowing import PlacedRule

from tests.unit.readings import organization

TEMPLATES = (
    {"Name": "Encrypt", "TemplateGuid": "e1"},
    {"Name": "Do Not Forward", "TemplateGuid": "d1"},
    {"Name": "Secret", "TemplateGuid": "s1"},
)
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
INSIDE = {"from_scope": "InOrganization"}
STOP = {"prepend_subject": "x", "stop_rule_processing": True}


def shown(name: str, priority: int = 0, **properties: Any) -> dict[str, Any]:
    """A rule as Exchange shows it; its GUID is made of its name."""
    return {
        "Name": name,
        "Guid": f"g-{name}",
        "Priority": priority,
        "State": "Enabled",
        "Mode": "Enforce",
        **properties,
    }


def encrypting(name: str, priority: int = 0, **properties: Any) -> dict[str, Any]:
    return shown(name, priority, FromScope="InOrganization", ApplyRightsProtectionTemplate="Encrypt", **properties)


def stopping(name: str, priority: int = 0, **properties: Any) -> dict[str, Any]:
    return shown(name, priority, PrependSubject="x", StopRuleProcessing=True, **properties)


def rule(name: str, priority: int = 0, **properties: Any) -> Rule:
    return Rule(shown(name, priority, **properties), RmsTemplates(TEMPLATES))


def wanted(name: str = "", where: str = "", **options: Any) -> DeclaredRule:
    """A rule as a user declares it."""
    return declare({"name": name, **options}, where)


def book(
    *rules: Mapping[str, Any], templates: Sequence[Mapping[str, Any]] | ExchangeError | None = TEMPLATES, **more: Any
) -> RuleBook:
    """The rules of an organization, in the order given.

    :param more: other subsets that were read, and options of the book.
    """
    options = {name: more.pop(name) for name in ("restoring", "check_mode", "created") if name in more}
    subsets = {"transport_rules": [{**item, "Priority": place} for place, item in enumerate(rules)], **more}
    return RuleBook(
        organization(
            **subsets,
            **(
                {}
                if templates is None
                else {"rms_templates": templates if isinstance(templates, ExchangeError) else list(templates)}
            ),
        ),
        **options,
    )


def standing(name: str, conditions: Mapping[str, Any], actions: Mapping[str, Any], **more: Any) -> PlacedRule:
    """A rule as it will be, with the settings of a new one."""
    sections = {"conditions": conditions, "exceptions": more.pop("exceptions", {}), "actions": actions}
    values = {"enabled": True, "settings": {**SETTINGS_OF_A_NEW_RULE, **more.pop("settings", {})}, "sections": sections}
    return PlacedRule(name, **{**values, **more})
