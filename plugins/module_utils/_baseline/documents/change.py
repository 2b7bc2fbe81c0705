# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a plan, as plans, snapshots and reports have them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ..._engine.plan import Change, Impact, Plan
from ..._exchange.document import normal
from ..._exchange.organization import Organization
from ..._exchange.text import value_text
from ..._mail_flow.wording.result_rows import DifferenceRow
from ..._mail_flow.wording.row import ResultRow
from ..._resources.ome_configuration import OME_CONFIGURATION, find
from ..._resources.registry import RESOURCE
from ..._resources.rules.organization_rules import RULE, rules_of
from ..._resources.rules.rule import is_past
from ..._resources.table import Field
from ..controls.controls import control_of
from ..controls.effect_on_mail import NO_EFFECT, EffectOnMail, impact_of
from .status import ChangeState, RollbackClass

#: Worst first: what people decide about stands at the top.
_IMPACTS = list(Impact)

#: What a change does, each the worst first.
_EFFECTS: Mapping[str, Sequence[str]] = {"impact": _IMPACTS, "rollback": list(RollbackClass)}

#: Changes that a sentence names.
_NAMED = 5


@dataclass(frozen=True)
class RollbackWords:
    """The words for what a rollback does to an object or a setting."""

    remove: str
    recreate: str
    set_back: str

    def word_for(self, change: Change) -> str:
        """The word for what a change does."""
        if change.option != "state":
            return self.set_back
        return self.recreate if change.after == "present" else self.remove


WOULD = RollbackWords("remove", "recreate", "set back")
DOES = RollbackWords("removes", "recreates", "sets back")


@dataclass(frozen=True, kw_only=True)
class PlannedChange(Change):
    """A change of a plan, and what became of it.

    :param control: the id of the control that makes it; empty if no control does.
    :param rollback: how a rollback can undo it.
    :param command: the cmdlet that makes it, as PowerShell text.
    """

    control: str
    rollback: RollbackClass
    command: str
    state: ChangeState = ChangeState.PLANNED

    @classmethod
    def from_row(cls, row: Any) -> PlannedChange:
        """A change from a row of a plan or report. Raises ValueError if it is none."""
        if (
            not isinstance(row, Mapping)
            or set(row) != set(_WRITTEN)
            or any(not isinstance(row[key], str) for key in _TEXTS)
        ):
            raise ValueError("it is not a change")
        enums = {
            "impact": Impact(row["impact"]),
            "rollback": RollbackClass(row["rollback"]),
            "state": ChangeState(row["state"]),
        }
        return cls(**{**row, **enums})

    def as_row(self) -> dict[str, Any]:
        """The row of a plan or report."""
        values = {key: getattr(self, key) for key in _WRITTEN}
        return {key: str(value) if key in _TEXTS else value for key, value in values.items()}

    @property
    def managed_object(self) -> tuple[str, str]:
        """The object that it is about."""
        return self.resource, self.identity

    def counted(self) -> PlannedChange:
        """The change without what does not count: the place of a rule among rules of others."""
        return replace(self, before=None, after=None) if self.option == "priority" else self

    def digested(self) -> dict[str, Any]:
        """The parts of the change that count for the digest of a plan."""
        counted = self.counted().as_row()
        return {key: counted[key] for key in _WRITTEN if key not in ("control", "state")} | {
            "command": stable_command(self.command)
        }


#: The keys of a change in its written form, in their order, and those whose value is always a text.
_WRITTEN = ("control", "resource", "identity", "option", "before", "after", "impact", "rollback", "command", "state")
_TEXTS = tuple(key for key in _WRITTEN if key not in ("before", "after"))


def planned_changes(organization: Organization, plan: Plan, mail: EffectOnMail = NO_EFFECT) -> list[PlannedChange]:
    """The changes of a plan, those with the worst impact first.

    :param mail: what the plan does to mail.
    """
    changes = [
        PlannedChange(
            **{item.name: getattr(change, item.name) for item in fields(change) if item.name != "impact"},
            impact=impact_of(change, mail),
            control=control_of(change.resource, change.identity, change.option),
            rollback=rollback_class(organization, change),
            command=str(step.call),
        )
        for step in plan.steps
        for change in step.changes
    ]
    return sorted(changes, key=lambda change: _IMPACTS.index(change.impact))


@dataclass(frozen=True)
class TouchedRule(ResultRow):
    """A rule that changes are about, as it is.

    :param last_modified_by: who last changed it; empty if Exchange does not say it.
    """

    name: str
    guid: str
    last_modified_by: str = ""


def touched_rules(organization: Organization, changes: Iterable[PlannedChange]) -> list[TouchedRule]:
    """The rules that changes are about."""
    names = {change.identity for change in changes if change.resource == RULE}
    if not names or organization.error("transport_rules") is not None:
        return []
    touched = [rule for rule in rules_of(organization) if rule.name in names]
    return [TouchedRule(rule.name, rule.guid, str(rule.properties.get("LastModifiedBy") or "")) for rule in touched]


def rollback_class(organization: Organization, change: Change) -> RollbackClass:
    """How a rollback could undo a change."""
    if change.resource == RULE:
        return _rollback_class_of_rule(organization, change)
    if change.option == "state":
        # A template that is gone can be recreated, but mail that was sent with the old one does not come back to it.
        return RollbackClass.EQUIVALENT if change.after == "present" else RollbackClass.NOT_POSSIBLE
    field = field_of(change.resource, change.option)
    if field is None:
        return RollbackClass.EXACT
    if change.resource == OME_CONFIGURATION.name:
        configuration = find(organization.objects(OME_CONFIGURATION.subset), change.identity)
        if configuration is None:  # It is created, so going back removes it.
            return RollbackClass.EXACT
        if field.hidden(configuration):
            return RollbackClass.NOT_POSSIBLE
    if change.before is None and change.after != field.kind.cleared:
        return RollbackClass.NOT_POSSIBLE
    return RollbackClass.EXACT


def _rollback_class_of_rule(organization: Organization, change: Change) -> RollbackClass:
    rule = next((rule for rule in rules_of(organization) if rule.name == change.identity), None)
    if change.option == "state" and change.after == "absent":
        return RollbackClass.NOT_POSSIBLE if rule and rule.not_rebuildable else RollbackClass.EQUIVALENT
    if rule is None or change.option in ("enabled", "priority"):
        return RollbackClass.EXACT
    if rule.unsupported or (change.option == "expiry_date" and is_past(rule.settings["expiry_date"])):
        return RollbackClass.NOT_POSSIBLE
    return RollbackClass.EXACT


def field_of(resource: str, option: str) -> Field | None:
    """The setting that a change is about; ``None`` for states, names and places."""
    return RESOURCE[resource].field(option) if resource in RESOURCE else None


def same(resource: str, option: str, first: Any, second: Any) -> bool:
    """Whether two shown values of a setting mean the same."""
    field = field_of(resource, option)
    if field is None or first is None or second is None or field.show(field.kind.cleared) != field.kind.cleared:
        return bool(normal(first) == normal(second))
    if option == "image_content":
        return bool(first == second)
    return field.equal(first, second)


def worst_first(changes: Iterable[PlannedChange]) -> list[PlannedChange]:
    """The changes in the order in which a shortened text names them: settings of which a module warns, then the worst
    impact.
    """
    return sorted(changes, key=lambda change: (not _is_dangerous(change), _IMPACTS.index(change.impact)))


def _is_dangerous(change: PlannedChange) -> bool:
    """Whether a setting goes to a value that a module warns of, or comes from one: drift is planned the other way
    round.
    """
    field = field_of(change.resource, change.option)
    return bool(field and (field.danger(change.after) or field.danger(change.before)))


def undone(changes: Sequence[PlannedChange], verbs: RollbackWords) -> str:
    """What a rollback does, the worst first. A rule that is recreated or removed is one item, whatever it consists of."""
    whole = {change.managed_object: verbs.word_for(change) for change in changes if change.option == "state"}
    done = list(
        dict.fromkeys(
            (whole[change.managed_object], change.subject)
            if change.managed_object in whole
            else (verbs.set_back, f"{change.option} of {change.subject}")
            for change in worst_first(changes)
        )
    )
    by_verb: dict[str, list[str]] = {}
    for verb, name in done[:_NAMED]:
        by_verb.setdefault(verb, []).append(name)
    more = [f"and {len(done) - _NAMED} more"] if len(done) > _NAMED else []
    return "; ".join([*(f"{verb} {', '.join(names)}" for verb, names in by_verb.items()), *more])


#: A text in a command, or what counts for nothing in it: the GUID of a rule, whose name the change has, and its place
#: among rules of others.
_VOLATILE = re.compile(r"('(?:[^']|'')*')| -Identity '(?:[^']|'')*'| -Priority \d+")


def stable_command(text: str) -> str:
    """The parts of a cmdlet's text that count for the digest of a plan."""
    return _VOLATILE.sub(lambda match: match[1] or "", text)


def digested(changes: Iterable[PlannedChange]) -> list[dict[str, Any]]:
    """The parts of the changes that count for the digest of a plan."""
    return sorted((change.digested() for change in changes), key=lambda row: json.dumps(normal(row), sort_keys=True))


def unplanned(
    planned: Iterable[PlannedChange],
    needed: Iterable[PlannedChange],
    *,
    effects: Iterable[str] = tuple(_EFFECTS),
    plan: str = "the approved plan",
) -> list[str]:
    """The needed changes that were not planned, as sentences.

    Several changes share a cmdlet, so the rest of a plan may run as another cmdlet, and may do less than the whole
    plan.

    :param effects: the effects of a change that must not be worse than planned.
    :param plan: what the sentences call the plan.
    """
    known = [change.counted() for change in planned]
    compared = list(effects)
    return [why for change in needed if (why := _unplanned(change.counted(), known, compared, plan))]


def still_due(planned: Iterable[PlannedChange], needed: Iterable[PlannedChange]) -> Callable[[DifferenceRow], bool]:
    """Tells whether an effect on mail must still be there that planned changes were shown to have: all of the changes
    that bring it are needed now, too. Where some are done, it may be done as well.

    :param needed: the changes that are needed now.
    """
    needed_values = [_values(change.counted()) for change in needed]
    done, open_ = set[str](), set[str]()
    for change in planned:
        # What brings an effect without rules is a setting.
        what = change.identity if change.resource == RULE else ""
        (open_ if _values(change.counted()) in needed_values else done).add(what)

    def is_due(row: DifferenceRow) -> bool:
        causes = set(row.rules or ("",))
        return not done or (causes <= open_ and not causes & done)

    return is_due


def _unplanned(change: PlannedChange, known: Sequence[PlannedChange], effects: Sequence[str], plan: str) -> str:
    """How a change goes beyond the known ones; empty if it does not."""
    what = f"{change.option} of {change.subject}"
    twin = next((other for other in known if _values(other) == _values(change)), None)
    if twin is None:
        return f"{what} would go from {value_text(change.before)} to {value_text(change.after)}, which is not in {plan}"
    worse = [
        name
        for name in effects
        if _EFFECTS[name].index(getattr(change, name)) < _EFFECTS[name].index(getattr(twin, name))
    ]
    differing = [
        f"its {name} is {str(getattr(change, name)) or 'none'!r}, but {str(getattr(twin, name)) or 'none'!r} in the plan"
        for name in worse
    ]
    return f"{what}: {' and '.join(differing)}" if differing else ""


def _values(change: PlannedChange) -> list[Any]:
    return [change.key, normal(change.before), normal(change.after)]
