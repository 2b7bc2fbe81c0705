# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole organization as plain values, and the way back from them. Private to the collection.

The round-trip law: :func:`describe` gives for each part exactly what its module takes, and :func:`plan_state` with it finds
nothing to do; after any change by anyone it puts the old state back. Snapshot, rollback, export and plan rest on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import POLICIES, SETTINGS, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import ACTIVESYNC_ORG_SETTINGS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import IRM_CONFIGURATION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
    check_configuration,
    find,
    is_default,
    plan_configuration,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import RulesPlanner, plan_rules, rules_of, subsets_for
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule, declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import declared, plan_settings
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Table, name_of

_SINGLE: tuple[tuple[Table, int], ...] = ((IRM_CONFIGURATION, SETTINGS), (ACTIVESYNC_ORG_SETTINGS, POLICIES))
_POLICIES = (OWA_MAILBOX_POLICY, MOBILE_DEVICE_MAILBOX_POLICY)

_TABLES = {table.subset: table for table in (OME_CONFIGURATION, *(table for table, _phase in _SINGLE), *_POLICIES)}

#: The parts that are settings, and that a state can hold.
PARTS = (OME_CONFIGURATION.subset, *(table.subset for table, _phase in _SINGLE), "transport_rules", *(table.subset for table in _POLICIES))


def state_argument_spec() -> dict[str, Any]:
    """The argument spec of a state's parts."""
    single = {table.subset: {"type": "dict", "options": table.argument_spec()} for table, _phase in _SINGLE}
    several = {
        table.subset: {"type": "list", "elements": "dict", "options": {table.identity: {"type": "str", "required": True}, **table.argument_spec()}}
        for table in (OME_CONFIGURATION, *_POLICIES)
    }
    rules = {"transport_rules": {"type": "list", "elements": "dict", "options": rule_argument_spec()}}
    return {**single, **several, **rules, "organization": {"type": "dict"}}


def validated(state: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the info module's output that are state, with the types that the modules take. An OptionError names what is wrong."""
    parts = {part: value for part, value in state.items() if part in (*PARTS, "organization")}
    if not parts:
        raise OptionError("state holds none of the parts that the info module returns.", remedy=f"It can hold: {', '.join(PARTS)}.")
    validation, errors = validate(parts, state_argument_spec())
    if errors:
        raise OptionError("; ".join(errors))
    return dict(validation.validated_parameters)


def describe(organization: Organization, subsets: Iterable[str]) -> dict[str, Any]:
    """The named subsets in the form that the modules take. Raises the error of a read that failed."""
    described: dict[str, Any] = {}
    for subset in subsets:
        described.update(_DESCRIPTIONS[subset](organization, subset))
    return described


def declare_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a state, part by part. An OptionError names what is wrong."""
    parts: dict[str, Any] = {}
    for table, _phase in _SINGLE:
        if state.get(table.subset) is not None:
            parts[table.subset] = declared(table, state[table.subset])
    for table in (OME_CONFIGURATION, *_POLICIES):
        if state.get(table.subset) is not None:
            parts[table.subset] = {item[table.identity]: declared(table, item) for item in state[table.subset]}
    for identity, wanted in parts.get(OME_CONFIGURATION.subset, {}).items():
        check_configuration(identity, "present", wanted)
    if state.get("transport_rules") is not None:
        parts["transport_rules"] = [declare(rule, f"transport_rules[{index}].") for index, rule in enumerate(state["transport_rules"])]
    return parts


def subsets_of(parts: Mapping[str, Any]) -> list[str]:
    """What has to be read to plan a state."""
    rules = subsets_for(parts["transport_rules"]) if "transport_rules" in parts else []
    return list(dict.fromkeys(["organization", *parts, *rules]))


def plan_state(organization: Organization, parts: Mapping[str, Any], *, unmanaged: str = "keep", check_mode: bool = False) -> Plan:
    """What brings the organization to a state (canonical parts), in the order in which it is safe."""
    plans: dict[str, Plan] = {}
    for table, phase in _SINGLE:
        if table.subset in parts:
            plans[table.subset] = _quiet(plan_settings(table, parts[table.subset], organization.only(table.subset), phase=phase))
    if OME_CONFIGURATION.subset in parts:
        plans[OME_CONFIGURATION.subset] = _plan_configurations(organization, parts[OME_CONFIGURATION.subset], unmanaged)
    for table in _POLICIES:
        if table.subset in parts:
            plans[table.subset] = _plan_policies(organization, table, parts[table.subset])
    if "transport_rules" in parts:
        plans["transport_rules"] = _plan_transport_rules(organization, parts, unmanaged, check_mode)
    return Plan.join(plans)


def refuse_other_organization(organization: Organization, state: Mapping[str, Any], *, remedy: str) -> None:
    """Refuses a state that was read from another organization."""
    expected = (state.get("organization") or {}).get("tenant_id")
    actual = describe_organization(organization.only("organization"))
    if expected and actual["tenant_id"] and expected.casefold() != actual["tenant_id"].casefold():
        raise OptionError(
            f"organization: the state was read from {state['organization'].get('name')} ({expected}), and this is {actual['name']} ({actual['tenant_id']}).",
            remedy=remedy,
        )


def describe_organization(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Who an organization is."""
    tenant_id = str(properties.get("ExternalDirectoryOrganizationId") or "")
    return {
        "name": str(properties.get("Name") or ""),
        "display_name": str(properties.get("DisplayName") or ""),
        "guid": str(properties.get("Guid") or ""),
        "tenant_id": tenant_id,
        "is_dehydrated": bool(properties.get("IsDehydrated")),
        "on_premises": not tenant_id,
    }


def _quiet(plan: Plan) -> Plan:
    """The plan without its warnings where it changes nothing: what is dangerous in a state that was there before is not this task's doing."""
    return plan if plan.steps else Plan(plan.before, plan.after)


def _plan_configurations(organization: Organization, wanted: Mapping[str, dict[str, Any]], unmanaged: str) -> Plan:
    existing = organization.objects(OME_CONFIGURATION.subset)
    plans = {identity: _quiet(plan_configuration(identity, "present", settings, existing)) for identity, settings in wanted.items()}
    named = {identity.casefold() for identity in wanted}
    others = [name_of(item) for item in existing if name_of(item).casefold() not in named and not is_default(name_of(item))]
    if unmanaged == "remove":
        plans.update({identity: plan_configuration(identity, "absent", {}, existing) for identity in others})
    whole = Plan.join(plans)
    if unmanaged in ("warn", "disable"):
        whole.warnings += [f"The OME configuration {identity!r} is not managed here." for identity in others]
    return whole


def _plan_policies(organization: Organization, table: Table, wanted: Mapping[str, dict[str, Any]]) -> Plan:
    plans: dict[str, Plan] = {}
    missing: list[str] = []
    for identity, settings in wanted.items():
        policy = find(organization.objects(table.subset), identity)
        if policy is None:
            missing.append(f"{table.subset}: there is no policy {identity!r} any more, so it was not put back.")
        else:
            plans[identity] = plan_settings(table, settings, policy, phase=POLICIES)
    whole = Plan.join(plans)
    whole.warnings += missing
    return whole


def _plan_transport_rules(organization: Organization, parts: Mapping[str, Any], unmanaged: str, check_mode: bool) -> Plan:
    rules: Sequence[DeclaredRule] = parts["transport_rules"]
    created = list(parts.get(OME_CONFIGURATION.subset, {}))
    return plan_rules(RulesPlanner(organization, strict=True, check_mode=check_mode, created=created), rules, unmanaged=unmanaged)


def _describe_only(organization: Organization, subset: str) -> dict[str, Any]:
    return {subset: _TABLES[subset].describe(organization.only(subset))}


def _describe_several(organization: Organization, subset: str) -> dict[str, Any]:
    return {subset: [_TABLES[subset].describe(item) for item in organization.objects(subset)]}


def _describe_rules(organization: Organization, subset: str) -> dict[str, Any]:
    rules = rules_of(organization)
    return {
        "transport_rules": [rule.describe() for rule in rules if not rule.unsupported],
        "transport_rules_unsupported": [{"name": rule.name, "guid": rule.guid, "reason": rule.unsupported} for rule in rules if rule.unsupported],
        "transport_rules_not_rebuildable": [{"name": rule.name, "guid": rule.guid, "reason": rule.not_rebuildable} for rule in rules if rule.not_rebuildable],
    }


def _describe_templates(organization: Organization, subset: str) -> dict[str, Any]:
    return {
        subset: [
            {"name": str(item["Name"]), "guid": str(item.get("TemplateGuid") or item.get("Guid") or ""), "description": str(item.get("Description") or "")}
            for item in organization.objects(subset)
        ]
    }


def _describe_limits(organization: Organization, subset: str) -> dict[str, Any]:
    config = organization.only(subset)
    return {
        subset: {
            "transport_rule_limit": config.get("TransportRuleLimit"),
            "transport_rule_size_limit": config.get("TransportRuleSizeLimit"),
            "transport_rule_collection_regex_chars_limit": config.get("TransportRuleCollectionRegexCharsLimit"),
        }
    }


_DESCRIPTIONS: dict[str, Callable[[Organization, str], dict[str, Any]]] = {
    "organization": lambda organization, subset: {subset: describe_organization(organization.only(subset))},
    "transport_rules": _describe_rules,
    "transport_config": _describe_limits,
    "rms_templates": _describe_templates,
    "exported_cmdlets": lambda organization, subset: {subset: sorted(str(item["Name"]) for item in organization.objects(subset))},
    **dict.fromkeys((table.subset for table, _phase in _SINGLE), _describe_only),
    **dict.fromkeys((table.subset for table in (OME_CONFIGURATION, *_POLICIES)), _describe_several),
}
