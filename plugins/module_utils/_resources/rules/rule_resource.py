# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail flow rules of an organization as one resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..ome_configuration import OME_CONFIGURATION
from ..resource import Planning, Resource
from ..table import Field
from .fields import SECTIONS, SETTINGS_FIELDS, SETTINGS_OF_A_NEW_RULE, rule_argument_spec
from .in_clear import warned
from .organization_rules import RULE, rules_of, subsets_for
from .planner import plan_rules
from .rule import DeclaredRule, declare
from .rule_index import RuleBook

_FIELDS: dict[str, Field] = {
    **{field.option: field for field in SETTINGS_FIELDS},
    **{f"{section}.{field.option}": field for section, fields in SECTIONS.items() for field in fields},
}


class RuleResource(Resource):
    """The rules, first to last."""

    name = RULE
    subset = "transport_rules"

    def argument_spec(self) -> dict[str, Any]:
        return {"type": "list", "elements": "dict", "options": rule_argument_spec()}

    def declare(self, part: Sequence[Mapping[str, Any]]) -> list[DeclaredRule]:
        return [declare(rule, f"{self.subset}[{index}].") for index, rule in enumerate(part)]

    def describe(self, organization: Organization) -> dict[str, Any]:
        rules = rules_of(organization)
        return {
            self.subset: [rule.describe() for rule in rules if not rule.unsupported],
            f"{self.subset}_unsupported": [
                {"name": rule.name, "guid": rule.guid, "reason": rule.unsupported} for rule in rules if rule.unsupported
            ],
            f"{self.subset}_not_rebuildable": [
                {"name": rule.name, "guid": rule.guid, "reason": rule.not_rebuildable}
                for rule in rules
                if rule.not_rebuildable
            ],
        }

    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        created = [*parts.get(OME_CONFIGURATION.subset, {}), *options.created]
        book = RuleBook(organization, restoring=options.restoring, check_mode=options.check_mode, created=created)
        plan = plan_rules(
            book,
            parts[self.subset],
            unmanaged=options.unmanaged,
            also_named=options.unsupported_rules,
            refuse_doubles=not options.restoring,
        )
        return warned(plan, book) if options.says_in_clear else plan

    def defaults(self) -> dict[str, Any]:
        return {
            **{option: value for option, value in SETTINGS_OF_A_NEW_RULE.items() if value is not None},
            "enabled": True,
            "exceptions": {},
        }

    def field(self, option: str) -> Field | None:
        return _FIELDS.get(option)

    def subsets(self, declared: Sequence[DeclaredRule]) -> list[str]:
        return subsets_for(declared)
