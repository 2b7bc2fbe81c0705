# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control of mail itself: messages that are computed through the rules, and what is expected of them. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.control import Control, Parts, Request
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.cases import run_cases
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.options import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.organization import FACT_SUBSETS, facts_from, rules_from
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulate import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.book import RuleBook
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule


@dataclass(frozen=True, kw_only=True)
class MailControl(Control):
    """Messages with what is expected of them. It writes nothing."""

    def needs(self) -> tuple[str, ...]:
        return FACT_SUBSETS

    def verdict(self, request: Request, organization: Organization, planned: Parts | None) -> tuple[bool | None, list[str]]:
        rules, facts = rules_from(organization), facts_from(organization, FACT_SUBSETS)[0]
        if planned is not None:
            rules, facts = _planned_rules(organization, planned.get("transport_rules") or [], request), _planned_facts(facts, planned)
        tested = run_cases(request.variables["messages"], Simulator(rules, facts_of(facts)), "none")
        met = not tested.failures or (None if all(failure.open for failure in tested.failures) else False)
        return met, [failure.text for failure in tested.failures]


def _planned_rules(organization: Organization, declared: list[DeclaredRule], request: Request) -> list[dict[str, Any]]:
    """The organization's rules as the plan would leave them."""
    book = RuleBook(organization, created=request.created)
    keys = {found.guid if (found := book.find(rule)) else rule.name: rule for rule in declared}
    plan_rules(book, declared)
    there = {rule["guid"]: rule for rule in rules_from(organization)}
    wanted = [(there.get(key, {}), keys.get(key)) for key in book.order]
    return [_changed(rule, change) for rule, change in wanted if change is None or change.state == "present"]


def _changed(rule: Mapping[str, Any], change: DeclaredRule | None) -> dict[str, Any]:
    found = {key: value for key, value in rule.items() if key != "priority"}
    if change is None:
        return found
    enabled = found.get("enabled", True) if change.enabled is None else change.enabled
    return {**found, "name": change.name or found["name"], "enabled": enabled, **change.settings, **change.sections}


def _planned_facts(facts: Mapping[str, Any], planned: Parts) -> dict[str, Any]:
    """The facts as the plan would leave them: what the rules' protection and the portal depend on."""
    found = dict(facts)
    if "irm_configuration" in found:
        found["irm_configuration"] = {**found["irm_configuration"], **_given(planned.get("irm_configuration"))}
    if "ome_configurations" in found:
        there = {each["identity"]: each for each in found["ome_configurations"]}
        for identity, options in (planned.get("ome_configurations") or {}).items():
            there[identity] = {**there.get(identity, {"identity": identity}), **_given(options)}
        found["ome_configurations"] = list(there.values())
    return found


def _given(options: Any) -> dict[str, Any]:
    return {key: value for key, value in (options or {}).items() if value is not None}
