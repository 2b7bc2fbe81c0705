# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules as they are and in the order that they will have: who is who, and what stands where. Private to the collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Value
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key, same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import describe_organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.coverage import Standing
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import DeclaredRule, Rule
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import RULE, rules_of, templates_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.values import remedy_for
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import name_of


@dataclass
class RulePlan:
    """What one rule takes.

    :param key: its place in the order: its guid, or its name as long as it does not exist.
    :param before: its managed options as they are.
    :param after: its managed options as they will be.
    :param order: the keys of all rules afterwards.
    :param standing: the rule as it will be; ``None`` where it will be gone.
    """

    key: str
    before: dict[str, Any]
    after: dict[str, Any]
    order: list[str]
    standing: Standing | None = None
    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class RuleBook:
    """The rules of an organization. Plans are made over it one after the other, so that each new rule is created in its place.

    :param restoring: a section is the whole truth also of what a portal adds on its own (audit severity). Restoring needs that; a playbook would see drift.
    :param check_mode: an OME configuration that is missing is a warning, since the same play may create it.
    :param created: OME configurations that this very plan creates.
    """

    def __init__(self, organization: Organization, *, restoring: bool = False, check_mode: bool = False, created: Sequence[str] = ()) -> None:
        self.rules = rules_of(organization)
        self.by_guid = {rule.guid: rule for rule in self.rules}
        self.templates = templates_of(organization)
        self.ome_configurations: set[str] | None = None
        if organization.available("ome_configurations"):
            self.ome_configurations = {name_key(name_of(item)) for item in organization.objects("ome_configurations")} | {name_key(name) for name in created}
        self.in_cloud = organization.available("organization") and not describe_organization(organization.only("organization"))["on_premises"]
        self.restoring = restoring
        self.check_mode = check_mode
        #: The order as it will be: guids, and names of rules that do not exist yet.
        self.order = [rule.guid for rule in self.rules]
        #: The declared rules as they will be, by their keys in the order.
        self.standings: dict[str, Standing] = {}
        #: The guids of rules that entries of a list mean by their guids.
        self.claimed: set[str] = set()
        self._by_name = {name_key(rule.name): rule for rule in self.rules}
        counted = Counter(name_key(rule.name) for rule in self.rules)
        self._ambiguous = {key for key, count in counted.items() if count > 1}

    def find(self, wanted: DeclaredRule) -> Rule | None:
        """The rule that is meant: by guid, else by name. A guid that is gone does not count where there is a name."""
        by_guid = self.by_guid.get(wanted.guid)
        by_name = self.named(wanted.name)
        if by_guid and by_name and by_guid is not by_name and not self.restoring:
            raise OptionError(
                f"{wanted.where}guid {wanted.guid} is the rule {by_guid.name!r}, and there is another rule with the name {wanted.name!r}.",
                remedy="Give the guid or the name of the one rule that is meant.",
            )
        if by_guid is None:
            self._refuse_ambiguous(wanted.name, f"{wanted.where}name", "Give the guid of the one that is meant.")
        if by_guid is None and by_name and by_name.guid in self.claimed:
            raise OptionError(
                f"{wanted.where}name {wanted.name!r} is the rule that another entry of the list means by its guid.",
                remedy="Give the guid of the rule that is meant, or rename that one first.",
            )
        if by_guid is None and by_name is None and not wanted.name and wanted.state == "present":
            raise NotFoundError(f"{wanted.where}guid {wanted.guid} is no rule of this organization.", remedy="Give a name to create it.")
        return by_guid or by_name

    def named(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self._by_name.get(name_key(name))

    def _refuse_ambiguous(self, name: str, where: str, remedy: str) -> None:
        """Refuses a name that several rules have: none of them is picked."""
        if name_key(name) in self._ambiguous:
            guids = ", ".join(rule.guid for rule in self.rules if same_name(rule.name, name))
            raise OptionError(f"{where} {name!r} is the name of several rules ({guids}).", remedy=remedy)

    @property
    def names(self) -> set[str]:
        """The names that are taken, as they are compared."""
        return set(self._by_name)

    def key(self, name: str, where: str) -> str:
        """Where in the order a rule of that name stands."""
        self._refuse_ambiguous(name, where, "Rename one of them.")
        rule = self.named(name)
        key = rule.guid if rule else next((entry for entry in self.order if same_name(entry, name)), "")
        if not key:
            raise NotFoundError(f"{where} names the rule {name!r}, which this organization does not have.")
        return key

    def name(self, key: str) -> str:
        """The name of the rule at a place of the order."""
        return self.standing(key).name

    def standing(self, key: str) -> Standing:
        """The rule at a place of the order, as it will be."""
        return self.standings.get(key) or Standing.of(self.by_guid[key])

    def rename(self, rule: Rule, name: str) -> None:
        """Takes into account that a rule is going to have another name."""
        self._by_name[name_key(name)] = self._by_name.pop(name_key(rule.name))

    def take(self, plan: RulePlan) -> None:
        """Takes into account what is planned for a rule: the next one is planned over it."""
        self.order = plan.order
        if plan.standing is not None:
            self.standings[plan.key] = plan.standing

    def change(self, name: str, option: str, before: Any, after: Any, impact: Impact = Impact.NONE) -> Change:
        """A change of a rule."""
        return Change(RULE, name, option, before, after, impact)

    def step(
        self, cmdlet: str, identity: str, parameters: Mapping[str, Value], changes: Iterable[Change], phase: Phase, replans: frozenset[Phase] = frozenset()
    ) -> Step:
        """A call that changes a rule that is there."""
        remedy = remedy_for(parameters, self.templates)
        return Step(Call(cmdlet, {"Identity": identity, **parameters, "Confirm": False}), tuple(changes), phase, replans, remedy)
