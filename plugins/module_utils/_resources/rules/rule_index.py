# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules as they are and in their future order: finds rules and tracks their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._engine.plan import Change, Impact, Phase, PlanWarning, Step
from ..._exchange.cmdlet import Call, Value
from ..._exchange.errors import NotFoundError, OptionError
from ..._exchange.names import name_key, same_name
from ..._exchange.organization import Organization
from ..table import name_of
from .organization_rules import RULE, rms_templates_of, rules_of
from .rule import DeclaredRule, Rule
from .shadowing import PlacedRule
from .values import remedy_for


@dataclass
class RulePlan:
    """The plan for one rule.

    :param key: the rule's key in the order: its GUID, or its name while it does not exist yet.
    :param order: the keys of all rules after the plan.
    :param before: its current managed options.
    :param after: its managed options after the plan.
    :param standing: the rule after the plan; ``None`` if it is removed.
    """

    key: str
    order: list[str]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    standing: PlacedRule | None = None
    steps: list[Step] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)


class RuleBook:
    """The rules of an organization. Each plan builds on the previous one, so that every new rule is created in its
    final place.

    :param restoring: a section is authoritative also for what a portal adds on its own (audit severity). Restoring
        needs that; a playbook would see drift.
    :param check_mode: a missing OME configuration, and a missing neighbor, is only a warning, because the same play may
        create it.
    :param created: OME configurations that this plan creates.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        restoring: bool = False,
        check_mode: bool = False,
        created: Sequence[str] = (),
    ) -> None:
        self.rules = rules_of(organization)
        self.by_guid = {rule.guid: rule for rule in self.rules}
        self.rms_templates = rms_templates_of(organization)
        self.ome_configurations: set[str] | None = None
        if organization.available("ome_configurations"):
            self.ome_configurations = {
                name_key(name_of(item)) for item in organization.objects("ome_configurations")
            } | {name_key(name) for name in created}
        self.in_cloud = organization.available("organization") and not organization.identity.on_premises
        self.restoring = restoring
        self.check_mode = check_mode
        #: The order after the plan: GUIDs, and the names of rules that do not exist yet.
        self.order = [rule.guid for rule in self.rules]
        #: The declared rules after the plan, by their keys in the order.
        self.standings: dict[str, PlacedRule] = {}
        #: The GUIDs of rules that list entries identify by GUID.
        self.claimed: set[str] = set()
        self._by_name = {name_key(rule.name): rule for rule in self.rules}
        counted = Counter(name_key(rule.name) for rule in self.rules)
        self._ambiguous = {key for key, count in counted.items() if count > 1}

    def find(self, wanted: DeclaredRule) -> Rule | None:
        """The existing rule that a declared rule identifies: by GUID, otherwise by name. If there is a name, a GUID
        that no longer exists is ignored.
        """
        by_guid = self.by_guid.get(wanted.guid)
        by_name = self.named(wanted.name)
        if by_guid and by_name and by_guid is not by_name and not self.restoring:
            raise OptionError(
                f"{wanted.where}guid {wanted.guid} is the rule {by_guid.name!r}, but another rule has the name {wanted.name!r}.",
                remedy="Set guid or name for the rule that you want to manage.",
            )
        if by_guid is None:
            self._refuse_ambiguous(wanted.name, f"{wanted.where}name", "Set guid to identify the rule.")
        if by_guid is None and by_name and by_name.guid in self.claimed:
            raise OptionError(
                f"{wanted.where}name {wanted.name!r} is the name of a rule that another entry of the list identifies by its guid.",
                remedy="Set guid to identify the rule, or rename that rule first.",
            )
        if by_guid is None and by_name is None and not wanted.name and wanted.state == "present":
            raise NotFoundError(
                f"{wanted.where}guid {wanted.guid} is not a rule of this organization.",
                remedy="To create a rule, set its name instead.",
            )
        return by_guid or by_name

    def named(self, name: str) -> Rule | None:
        """The rule with that name."""
        return self._by_name.get(name_key(name))

    def _refuse_ambiguous(self, name: str, where: str, remedy: str) -> None:
        """Refuses a name that several rules have."""
        if name_key(name) in self._ambiguous:
            guids = ", ".join(rule.guid for rule in self.rules if same_name(rule.name, name))
            raise OptionError(f"{where} {name!r} is the name of several rules ({guids}).", remedy=remedy)

    @property
    def names(self) -> set[str]:
        """The names in use, as comparison keys."""
        return set(self._by_name)

    def has(self, name: str) -> bool:
        """Whether a rule has that name, or will have it after the plan."""
        return self.named(name) is not None or any(same_name(entry, name) for entry in self.order)

    def key(self, name: str, where: str) -> str:
        """The key of the rule with that name in the order."""
        self._refuse_ambiguous(name, where, "Rename one of them.")
        rule = self.named(name)
        key = rule.guid if rule else next((entry for entry in self.order if same_name(entry, name)), "")
        if not key:
            raise NotFoundError(f"{where} names the rule {name!r}, which this organization does not have.")
        return key

    def name(self, key: str) -> str:
        """The name of the rule with that key."""
        return self.standing(key).name

    def standing(self, key: str) -> PlacedRule:
        """The rule with that key, as it will be after the plan."""
        return self.standings.get(key) or PlacedRule.from_rules(self.by_guid[key])

    def rename(self, rule: Rule, name: str) -> None:
        """Records the new name of a rule."""
        self._by_name[name_key(name)] = self._by_name.pop(name_key(rule.name))

    def take(self, plan: RulePlan) -> None:
        """Records the plan for a rule, so that the next plan builds on it."""
        self.order = plan.order
        if plan.standing is not None:
            self.standings[plan.key] = plan.standing

    def change(self, name: str, option: str, before: Any, after: Any, impact: Impact = Impact.NONE) -> Change:
        """A change of a rule."""
        return Change(RULE, name, option, before, after, impact)

    def step(
        self,
        cmdlet: str,
        identity: str,
        parameters: Mapping[str, Value],
        changes: Iterable[Change],
        phase: Phase,
        replans: frozenset[Phase] = frozenset(),
    ) -> Step:
        """A call that changes an existing rule."""
        remedy = remedy_for(parameters, self.rms_templates)
        return Step(
            Call(cmdlet, {"Identity": identity, **parameters, "Confirm": False}), tuple(changes), phase, replans, remedy
        )
