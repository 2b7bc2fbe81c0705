# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the settings of one object from its table: the IRM configuration, ActiveSync, a policy, an OME configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._engine.context import ModuleContext
from .._engine.converge import converge
from .._engine.plan import Change, Impact, Phase, Plan, PlanWarning, Step, warning
from .._exchange.cmdlet import Call, Value
from .._exchange.errors import NotFoundError, OptionError
from .._exchange.names import lookalikes, name_key, same_name
from .._exchange.organization import SUBSETS, Organization
from .._exchange.text import value_text
from .resource import Planning, Resource
from .table import Field, Order, Table, name_of


def declared(table: Table, params: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical settings from a module's options, without omitted ones. Raises OptionError, which names an invalid
    one.
    """
    return {
        field.option: field.parse(params[field.option])
        for field in table.fields
        if params.get(field.option) is not None
    }


def only_in_cloud(table: Table, wanted: Mapping[str, Any]) -> list[str]:
    """What Exchange on-premises does not have of declared settings, or of their resource as a whole, by name."""
    if table.cloud_only:
        return [table.name]
    return [field.option for field in table.fields if field.cloud_only and field.option in wanted]


def converge_settings(task: ModuleContext, table: Table) -> dict[str, Any]:
    """The implementation of a module for a resource that an organization has exactly once."""
    wanted = declared(table, task.params)
    return converge(
        task,
        [table.subset, *overriding_policies(table, wanted)],
        lambda organization: plan_single(table, wanted, organization),
        cloud_only=only_in_cloud(table, wanted),
    )


def plan_single(table: Table, wanted: Mapping[str, Any], organization: Organization) -> Plan:
    """Plans the settings of a resource that an organization has exactly once."""
    plan = plan_settings(table, wanted, organization.only(table.subset))
    plan.warnings += override_warnings(table, wanted, organization)
    return plan


def converge_policies(task: ModuleContext, table: Table) -> dict[str, Any]:
    """The implementation of a module for policies, which the collection does not create. ``identity`` is the name of
    one, or ``*`` for all.
    """
    wanted = declared(table, task.params)
    identity = task.params[table.identity]

    def planner(organization: Organization) -> Plan:
        policies = [
            policy
            for policy in organization.objects(table.subset)
            if identity == "*" or same_name(name_of(policy), identity)
        ]
        if not policies:
            known = ", ".join(sorted(name_of(policy) for policy in organization.objects(table.subset)))
            raise NotFoundError(
                f"{table.identity} {identity!r} is not a policy of this organization.",
                remedy=f"Known policies: {known}.",
            )
        plans = {name_of(policy): plan_settings(table, wanted, policy) for policy in policies}
        return Plan.join(plans) if identity == "*" else next(iter(plans.values()))

    return converge(task, [table.subset], planner)


def plan_settings(
    table: Table,
    wanted: Mapping[str, Any],
    properties: Mapping[str, Any] | None,
    *,
    identity: str = "",
    force: Collection[str] = (),
) -> Plan:
    """Plans how to bring one object to ``wanted``.

    :param properties: the object as Exchange shows it; ``None`` if it does not exist, which plans its creation.
    :param identity: the name of an object that does not exist.
    :param force: options to send even if no difference is visible.
    """
    identity = identity or (name_of(properties or {}) if table.identity else "")
    plan = Plan()
    writes = []
    for field in table.fields:
        if field.option not in wanted:
            continue
        value = wanted[field.option]
        forced = field.option in force
        shown = _shown_of(field, properties)
        plan.before[field.option] = field.show(shown.stored)
        plan.after[field.option] = field.show(value)
        if field.danger(value):
            plan.warnings.append(_dangerous(field, value))
        if shown.is_hidden and value != field.kind.cleared and not forced:
            plan.warnings.append(_not_compared(field))
            plan.before[field.option] = plan.after[field.option]
            continue
        if not shown.needs_write(field, value, forced=forced):
            continue
        # A setting of a new object takes nothing away from anybody.
        impact = field.impact(value) if shown.exists else Impact.NONE
        before, after = plan.before[field.option], plan.after[field.option]
        change = Change(table.name, identity, field.option, before, after, impact)
        writes.append(_Write(field, change, field.send(value, shown.stored), field.order_of(value), shown.is_hidden))
    if properties is None:
        plan.steps.append(_creation(table, identity, writes))
    elif writes:
        plan.steps.append(_update(table, identity, writes))
    return plan


@dataclass(frozen=True)
class _Shown:
    """What Exchange shows of one setting.

    :param exists: whether the object exists.
    :param is_hidden: whether Exchange shows only that the setting has a value.
    """

    exists: bool
    stored: Any
    is_hidden: bool

    def needs_write(self, field: Field, value: Any, *, forced: bool) -> bool:
        """Whether a value has to be sent."""
        if field.equal(self.stored, value) and not forced:
            return False
        return self.exists or value != field.kind.cleared


def _shown_of(field: Field, properties: Mapping[str, Any] | None) -> _Shown:
    if properties is None:
        return _Shown(exists=False, stored=None, is_hidden=False)
    return _Shown(exists=True, stored=field.read(properties), is_hidden=field.hidden(properties))


@dataclass(frozen=True)
class _Write:
    """A setting to send, as one parameter of the object's cmdlet."""

    field: Field
    change: Change
    value: Value
    order: Order
    was_hidden: bool


def _parameters(table: Table, writes: Sequence[_Write]) -> dict[str, Value]:
    return {**{write.field.parameter: write.value for write in writes}, **table.extra}


def _phase(table: Table, writes: Sequence[_Write]) -> Phase:
    return max([table.phase, *(write.order.phase for write in writes if write.order.phase is not None)])


def _creation(table: Table, identity: str, writes: Sequence[_Write]) -> Step:
    call = Call(f"New-{table.noun}", {"Identity": identity, **_parameters(table, writes)})
    return Step(call, tuple(write.change for write in writes), _phase(table, writes))


def _update(table: Table, identity: str, writes: Sequence[_Write]) -> Step:
    key: dict[str, Value] = {"Identity": identity} if table.identity else {}
    call = Call(f"Set-{table.noun}", {**key, **_parameters(table, writes)})
    replans = frozenset[Phase]().union(*(write.order.replans for write in writes))
    is_visible = not any(write.was_hidden for write in writes)
    changes = tuple(write.change for write in writes)
    return Step(call, changes, _phase(table, writes), replans, is_visible=is_visible)


def _dangerous(field: Field, value: Any) -> PlanWarning:
    text = f"{field.option} {value_text(value, str)}: {field.danger(value)}"
    return warning("dangerous", text, option=field.option, value=value)


def _not_compared(field: Field) -> PlanWarning:
    text = f"{field.option}: Exchange shows that it is set but not its value, so it was not compared. {field.sent_by} sends it."
    return warning("not_compared", text, option=field.option)


def overriding_policies(table: Table, wanted: Mapping[str, Any]) -> list[str]:
    """The subsets whose policies may override the declared settings."""
    return list(
        dict.fromkeys(
            policies.subset for field in table.fields if wanted.get(field.option) for policies in field.policies
        )
    )


def override_warnings(table: Table, wanted: Mapping[str, Any], organization: Organization) -> list[PlanWarning]:
    """A warning for each declared setting that policies with IRM off override for their users."""
    warnings = []
    for field in table.fields:
        for policies in field.policies if wanted.get(field.option) else ():
            names = policies_without_irm(organization, policies)
            if names:
                text = f"{field.option} has no effect for users of {', '.join(names)}: IRM is off in their policy ({SUBSETS[policies.subset].cmdlet[4:]})."
                warnings.append(
                    warning("overridden", text, option=field.option, policies=names, subset=policies.subset)
                )
    return warnings


def lookalike_warnings(name: str, others: Iterable[str]) -> list[PlanWarning]:
    """A warning for each other name that a directory with loose comparison may take for a new one."""
    return [
        warning(
            "lookalike",
            f"The names {name!r} and {other!r} differ only in accents, width or similar. If Exchange treats them as the same, only one can exist.",
            name=name,
            other=other,
        )
        for other in lookalikes(name, others)
    ]


def policies_without_irm(organization: Organization, table: Table) -> list[str]:
    """The names of the policies that have IRM off; empty if the session may not read them.

    :param table: the table of the policies.
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

    def defaults(self) -> dict[str, Any]:
        return {
            field.option: empty
            for field in self.table.fields
            if (empty := field.show(field.kind.cleared)) in ("", [], {})
        }


class SingleResource(TableResource):
    """A resource that an organization has exactly once."""

    def argument_spec(self) -> dict[str, Any]:
        return {"type": "dict", "options": self.table.argument_spec()}

    def declare(self, part: Mapping[str, Any]) -> dict[str, Any]:
        return declared(self.table, part)

    def describe(self, organization: Organization) -> dict[str, Any]:
        return {self.subset: self.table.describe(organization.only(self.subset))}

    def narrowed(self, part: Mapping[str, Any], changes: Iterable[tuple[str, str]]) -> dict[str, Any]:
        return {option: part[option] for _identity, option in changes if option in part}

    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        return options.quieted(plan_single(self.table, parts[self.subset], organization))

    def subsets(self, declared: Mapping[str, Any]) -> list[str]:
        return [self.subset, *overriding_policies(self.table, declared)]


class NamedResource(TableResource):
    """A resource of which an organization has several, each with a name."""

    def argument_spec(self) -> dict[str, Any]:
        options = {self.table.identity: {"type": "str", "required": True}, **self.table.argument_spec()}
        return {"type": "list", "elements": "dict", "options": options}

    def declare(self, part: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        seen: set[str] = set()
        for name in (item[self.table.identity] for item in part):
            if name_key(name) in seen:
                raise OptionError(f"{self.subset}: {self.table.identity} {name!r} is listed twice.")
            seen.add(name_key(name))
        return {item[self.table.identity]: declared(self.table, item) for item in part}

    def narrowed(self, part: Mapping[str, Mapping[str, Any]], changes: Iterable[tuple[str, str]]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for identity, option in changes:
            if option in part.get(identity, {}):
                options.setdefault(identity, {})[option] = part[identity][option]
        return options

    def describe(self, organization: Organization) -> dict[str, Any]:
        return {self.subset: [self.table.describe(item) for item in organization.objects(self.subset)]}
