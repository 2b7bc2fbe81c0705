# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run changed and created, and what of that is still as the run left it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..._engine.plan import Change, Plan, PlanWarning, warning
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._resources.ome_configuration import OME_CONFIGURATION, SETTINGS_OF_A_NEW_CONFIGURATION, find
from ..._resources.rules.fields import AMBIENT, SECTIONS, SETTINGS_OF_A_NEW_RULE
from ..._resources.rules.organization_rules import RULE, rules_of
from ..._resources.rules.rule import Rule
from ..documents.change import PlannedChange, field_of, same

#: The action of a rule that names an OME configuration.
TEMPLATE = "apply_rights_protection_customization_template"


@dataclass(frozen=True)
class RecordedChanges:
    """The changes that a run planned, beside an organization as it is now.

    :param order: the GUIDs of the rules before the run, first to last, and :param:`names` their names then.
    :param created_first: the names that the run gave to the rules that it created, by GUID, as found earlier.
    """

    changes: Sequence[PlannedChange]
    order: Sequence[str]
    names: Mapping[str, str]
    created_first: Mapping[str, str]

    def touched(self) -> dict[str, set[str]]:
        """The options that the plan names, by the name that the rule had then."""
        touched: dict[str, set[str]] = {}
        for change in self.changes:
            if change.resource == RULE:
                touched.setdefault(change.identity, set()).add(change.option)
        return touched

    def moved(self) -> bool:
        """Whether the run moved or removed rules. Otherwise, the rollback leaves the order of rules alone."""
        return any(
            change.resource == RULE
            and (change.option == "priority" or (change.option, change.after) == ("state", "absent"))
            for change in self.changes
        )

    def created(self) -> dict[str, str]:
        """The names of the rules that the run planned to create, by name in lower case."""
        made = (
            change
            for change in self.changes
            if change.resource == RULE and change.option == "state" and change.before == "absent"
        )
        return {name_key(change.identity): change.identity for change in made}

    def created_now(self, organization: Organization) -> dict[str, str]:
        """The names that the run gave to the rules that it created, by GUID. Someone may have renamed one."""
        new = [rule for rule in rules_of(organization) if rule.guid not in self.order]
        first = self.created_first
        created = {key: name for key, name in self.created().items() if name not in first.values()}
        names = {rule.guid: created[name_key(rule.name)] for rule in new if name_key(rule.name) in created}
        for name in created.values():
            if name not in names.values():
                renamed = self._renamed(new, names, name)
                names.update({renamed[0].guid: name} if len(renamed) == 1 else {})
        return {**names, **{rule.guid: first[rule.guid] for rule in new if rule.guid in first}}

    def _renamed(self, new: Sequence[Rule], found_guids: Collection[str], name: str) -> list[Rule]:
        """The new rules, besides those found so far, that look as the run created the rule of that name. If there are
        several, it is unclear which one.
        """
        return [rule for rule in new if rule.guid not in found_guids and self.as_created(rule, name)]

    def reordered(self, organization: Organization) -> bool:
        """Whether the order of the rules that the run did not move has changed since."""
        moved = {name for name, options in self.touched().items() if "priority" in options}
        unmoved = [rule.guid for rule in rules_of(organization) if self.names.get(rule.guid, rule.name) not in moved]
        return [guid for guid in unmoved if guid in self.order] != [guid for guid in self.order if guid in unmoved]

    def ours(self, organization: Organization, change: Change) -> bool:
        """Whether the current value is the one that the run left."""
        if change.option == "priority":
            return True
        if change.resource == RULE:
            return self._rule_is_as_left(organization, change)
        made = self._made(change.resource, change.identity)
        if change.option != "state":
            return self._value_is_as_left(organization, change, made)
        created = any(row.option == "state" for row in made)
        return created and (change.after == "present" or self._is_template_as_created(organization, change.identity))

    def _rule_is_as_left(self, organization: Organization, change: Change) -> bool:
        rule = next((rule for rule in rules_of(organization) if rule.name == change.identity), None)
        if rule is None:
            # It would be recreated as a whole, which is right only if the run removed it.
            made = self._made(RULE, change.identity)
            return any(row.option == "state" and row.after == "absent" for row in made)
        if change.option == "state":
            return self.as_created(rule, rule.name)
        return self._value_is_as_left(organization, change, self._made(RULE, self.names.get(rule.guid, rule.name)))

    def _value_is_as_left(self, organization: Organization, change: Change, made: Sequence[PlannedChange]) -> bool:
        values = [row.after for row in made if row.option == change.option]
        if values and is_hidden(organization, change):
            return True
        return any(same(change.resource, change.option, after, change.before) for after in values)

    def _made(self, resource: str, name: str) -> list[PlannedChange]:
        """What the run changed of an object."""
        return [row for row in self.changes if row.managed_object == (resource, name)]

    def _is_template_as_created(self, organization: Organization, name: str) -> bool:
        """Whether an OME configuration is still what the run created, as far as Exchange shows it."""
        properties = find(organization.objects(OME_CONFIGURATION.subset), name) or {}
        expected = {field.option: field.show(field.kind.cleared) for field in OME_CONFIGURATION.fields}
        expected |= SETTINGS_OF_A_NEW_CONFIGURATION
        expected |= {
            change.option: change.after
            for change in self.changes
            if change.managed_object == (OME_CONFIGURATION.name, name)
        }
        now = {option: value for option, value in OME_CONFIGURATION.describe(properties).items() if value is not None}
        return all(
            same(OME_CONFIGURATION.name, field.option, expected[field.option], now[field.option])
            for field in OME_CONFIGURATION.fields
            if field.option in now
        )

    def as_created(self, rule: Rule, name: str, changes: Sequence[PlannedChange] | None = None) -> bool:
        """Whether a rule is still what the run, or the runs that made ``changes``, created under a name."""
        recorded = {
            change.option: change.after
            for change in (self.changes if changes is None else changes)
            if change.managed_object == (RULE, name)
        }
        if recorded.get("state") != "present" or (not rule.enabled and recorded.get("enabled", True)):
            return False
        for section in SECTIONS:
            for option in {
                *rule.sections[section],
                *(name.partition(".")[2] for name in recorded if name.startswith(f"{section}.")),
            }:
                after, now = recorded.get(f"{section}.{option}"), rule.sections[section].get(option)
                if option not in AMBIENT and not same(RULE, f"{section}.{option}", after, now):
                    return False
        expected = {**SETTINGS_OF_A_NEW_RULE, **recorded}
        # A server that does not have a setting shows none.
        return all(now is None or same(RULE, option, expected[option], now) for option, now in rule.settings.items())


def is_hidden(organization: Organization, change: Change) -> bool:
    """Whether Exchange shows that the setting of a change has a value, but not which one."""
    field = field_of(change.resource, change.option)
    if field is None or change.resource != OME_CONFIGURATION.name:
        return False
    properties = find(organization.objects(OME_CONFIGURATION.subset), change.identity)
    return properties is not None and field.hidden(properties)


def unknown_since(organization: Organization, plan: Plan) -> list[PlanWarning]:
    """The settings that a plan sets back, of which nobody can tell whether others have changed them."""
    return [
        warning(
            "changed_by_unknown",
            f"{change.option} of {change.identity}: Exchange shows that it is set but not its value, so it is unknown whether somebody changed it since then.",
            option=change.option,
            configuration=change.identity,
        )
        for change in plan.changes
        if is_hidden(organization, change)
    ]


def templates_in_use(organization: Organization, plan: Plan) -> list[tuple[str, str]]:
    """The OME configurations that a plan removes although a rule that stays names them, each with that rule."""
    removed = {
        name_key(change.identity): change.identity
        for change in plan.changes
        if (change.resource, change.option, change.after) == (OME_CONFIGURATION.name, "state", "absent")
    }
    if not removed or organization.error("transport_rules") is not None:
        return []
    rewritten = {
        change.identity
        for change in plan.changes
        if change.resource == RULE and (change.option in ("state", f"actions.{TEMPLATE}"))
    }
    return [
        (removed[key], rule.name)
        for rule in rules_of(organization)
        if rule.name not in rewritten and (key := name_key(rule.sections["actions"].get(TEMPLATE) or "")) in removed
    ]
