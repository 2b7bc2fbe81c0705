# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning the settings of one object from its table: the IRM configuration, ActiveSync, a policy, an OME configuration.

Private to the collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Value
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS, Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning, Resource
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table, name_of


def declared(table: Table, params: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical settings among a module's options; omitted ones are left out. An OptionError names a wrong one."""
    return {row.option: row.parse(params[row.option]) for row in table.fields if params.get(row.option) is not None}


def refuse_on_premises(task: ModuleContext, table: Table, wanted: Mapping[str, Any]) -> None:
    """Refuses by name what Exchange on-premises does not have."""
    names = [table.name] if table.cloud_only else [row.option for row in table.fields if row.cloud_only and row.option in wanted]
    if names and task.describe().get("on_premises"):
        raise OptionError(
            f"{', '.join(names)} exists in Exchange Online only, and this organization is on-premises.",
            remedy="Leave it out for this host.",
        )


def converge_settings(task: ModuleContext, table: Table) -> dict[str, Any]:
    """The whole module of a resource of which an organization has exactly one."""
    wanted = declared(table, task.params)
    policies = overriding_policies(table, wanted)

    def planner(organization: Organization) -> Plan:
        refuse_on_premises(task, table, wanted)
        plan = plan_settings(table, wanted, organization.only(table.subset))
        plan.warnings += override_warnings(table, wanted, organization)
        return plan

    return converge(task, [table.subset, *policies], planner)


def converge_policies(task: ModuleContext, table: Table) -> dict[str, Any]:
    """The whole module of a resource of which an organization has several, none of them ours to create: ``identity`` names one, or ``*`` all."""
    wanted = declared(table, task.params)
    identity = task.params[table.identity]

    def planner(organization: Organization) -> Plan:
        policies = [policy for policy in organization.objects(table.subset) if identity == "*" or same_name(name_of(policy), identity)]
        if not policies:
            known = ", ".join(sorted(name_of(policy) for policy in organization.objects(table.subset)))
            raise NotFoundError(f"{table.identity} {identity!r} is not a policy of this organization.", remedy=f"It has: {known}.")
        plans = {name_of(policy): plan_settings(table, wanted, policy) for policy in policies}
        return Plan.join(plans) if identity == "*" else next(iter(plans.values()))

    return converge(task, [table.subset], planner)


def plan_settings(table: Table, wanted: Mapping[str, Any], properties: Mapping[str, Any] | None, *, identity: str = "", force: Collection[str] = ()) -> Plan:
    """What brings one object to ``wanted``.

    :param properties: the object as Exchange shows it; ``None`` where it does not exist, which plans its creation.
    :param identity: its name, for one that does not exist.
    :param force: options that are sent even where nothing shows that they differ.
    """
    identity = identity or (name_of(properties or {}) if table.identity else "")
    plan = Plan()
    changes: list[Change] = []
    parameters: dict[str, Value] = {}
    phase = table.phase
    replans: set[Phase] = set()
    is_visible = True
    for row in table.fields:
        if row.option not in wanted:
            continue
        value = wanted[row.option]
        stored = None if properties is None else row.read(properties)
        plan.before[row.option] = row.show(stored)
        plan.after[row.option] = row.show(value)
        if row.danger(value):
            plan.warnings.append(f"{row.option} {value}: {row.danger(value)}")
        if properties is not None and row.hidden(properties) and value != row.kind.cleared and row.option not in force:
            plan.warnings.append(f"{row.option}: Exchange shows that there is one, but not which, so it was not compared. {row.sent_by} sends it.")
            plan.before[row.option] = plan.after[row.option]
            continue
        if row.equal(stored, value) and row.option not in force:
            continue
        if properties is None and value == row.kind.cleared:
            continue
        # A setting of something new takes nothing away from anybody.
        impact = Impact.NONE if properties is None else row.impact(value)
        changes.append(Change(table.name, identity, row.option, plan.before[row.option], plan.after[row.option], impact))
        parameters[row.parameter] = row.send(value, stored)
        is_visible = is_visible and not (properties is not None and row.hidden(properties))
        order = row.order_of(value)
        phase = phase if order.phase is None else max(phase, order.phase)
        replans |= order.replans
    if properties is None:
        plan.steps.append(Step(Call(f"New-{table.noun}", {"Identity": identity, **parameters, **table.extra}), tuple(changes), phase))
    elif changes:
        key: dict[str, Value] = {"Identity": identity} if table.identity else {}
        call = Call(f"Set-{table.noun}", {**key, **parameters, **table.extra})
        plan.steps.append(Step(call, tuple(changes), phase, frozenset(replans), is_visible=is_visible))
    return plan


def overriding_policies(table: Table, wanted: Mapping[str, Any]) -> list[str]:
    """The subsets whose policies could override what is declared."""
    return list(dict.fromkeys(policies.subset for row in table.fields if wanted.get(row.option) for policies in row.policies))


def override_warnings(table: Table, wanted: Mapping[str, Any], organization: Organization) -> list[str]:
    """A warning for each policy that has IRM off, and so makes a declared setting void for its users."""
    warnings = []
    for row in table.fields:
        for policies in row.policies if wanted.get(row.option) else ():
            names = policies_without_irm(organization, policies)
            if names:
                warnings.append(
                    f"{row.option} has no effect for users of {', '.join(names)}: IRM is off in that policy ({SUBSETS[policies.subset].cmdlet[4:]})."
                )
    return warnings


def policies_without_irm(organization: Organization, table: Table) -> list[str]:
    """The names of the policies that have IRM off; none where the session may not read them.

    :param table: that of the policies.
    """
    if not organization.available(table.subset):
        return []
    switch = table.field("irm_enabled")
    return [name_of(policy) for policy in organization.objects(table.subset) if switch.read(policy) is False]


class TableResource(Resource):
    """A resource whose settings are a table.

    :param table: its settings.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.subset = table.subset

    def field(self, option: str) -> Field | None:
        return self.table.get(option)


class SingleResource(TableResource):
    """A resource of which an organization has exactly one."""

    def argument_spec(self) -> dict[str, Any]:
        return {"type": "dict", "options": self.table.argument_spec()}

    def declare(self, part: Mapping[str, Any]) -> dict[str, Any]:
        return declared(self.table, part)

    def describe(self, organization: Organization) -> dict[str, Any]:
        return {self.subset: self.table.describe(organization.only(self.subset))}

    def narrowed(self, part: Mapping[str, Any], changes: Iterable[tuple[str, str]]) -> dict[str, Any]:
        return {option: part[option] for _identity, option in changes if option in part}

    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        return options.quieted(plan_settings(self.table, parts[self.subset], organization.only(self.subset)))


class NamedResource(TableResource):
    """A resource of which an organization has several, each with a name."""

    def argument_spec(self) -> dict[str, Any]:
        options = {self.table.identity: {"type": "str", "required": True}, **self.table.argument_spec()}
        return {"type": "list", "elements": "dict", "options": options}

    def declare(self, part: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return {item[self.table.identity]: declared(self.table, item) for item in part}

    def narrowed(self, part: Mapping[str, Mapping[str, Any]], changes: Iterable[tuple[str, str]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for identity, option in changes:
            if option in part.get(identity, {}):
                found.setdefault(identity, {})[option] = part[identity][option]
        return found

    def describe(self, organization: Organization) -> dict[str, Any]:
        return {self.subset: [self.table.describe(item) for item in organization.objects(self.subset)]}
