# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as people see them: a rule that is created is one change, whatever it contains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._baseline.documents.change import PlannedChange
from ...module_utils._baseline.documents.report import OrganizationReport
from ...module_utils._baseline.documents.status import ChangeState, RollbackClass
from ...module_utils._engine.plan import Impact
from ...module_utils._mail_flow.rules.rule_set import RuleSet
from ...module_utils._mail_flow.wording.sentences import parts_of, words_of
from ...module_utils._resources.rules.organization_rules import RULE
from .labels import ROLLBACK, STATE

_NOUNS = {"ome_transport_rule": "Rule", "ome_configuration": "OME configuration"}
_VERBS = {"present": "is created", "absent": "is removed"}


@dataclass(frozen=True)
class ChangedSetting:
    """A setting of a card."""

    option: str
    before: Any
    after: Any
    impact: Impact


@dataclass(frozen=True)
class ChangeCard:
    """A change as people see it.

    :param title: what happens to an object; empty for a setting, which has its control's title.
    :param rows: the settings that it consists of.
    :param impacts: those of all of them, the worst first.
    :param whose: whose mail it affects, in words; empty if that is not known, or not some mail only.
    :param rollback: the worst of all of them, and so is :param:`state`.
    """

    control: str
    resource: str
    identity: str
    title: str
    rows: tuple[ChangedSetting, ...]
    impacts: tuple[Impact, ...]
    whose: str
    rollback: RollbackClass
    state: ChangeState
    commands: tuple[str, ...]

    @property
    def impact(self) -> Impact:
        """The worst impact."""
        return self.impacts[0] if self.impacts else Impact.NONE

    @property
    def is_high(self) -> bool:
        """Someone must decide on this change itself, not only on the plan."""
        return bool(self.impacts) or self.rollback is RollbackClass.NOT_POSSIBLE


def cards_of(organization: OrganizationReport) -> list[ChangeCard]:
    """The organization's changes. All changes of a rule, or of an object that is created or removed, are one."""
    groups: dict[tuple[Any, ...], list[PlannedChange]] = {}
    whole = {change.managed_object for change in organization.changes if change.option == "state"}
    for place, change in enumerate(organization.changes):
        as_one = change.resource == RULE or change.managed_object in whole
        groups.setdefault(change.managed_object if as_one and change.identity else (place,), []).append(change)
    return [_card(changes) for changes in groups.values()]


def _card(changes: Sequence[PlannedChange]) -> ChangeCard:
    first = changes[0]
    impacts = sorted({change.impact for change in changes if change.impact}, key=list(Impact).index)
    state = next((change for change in changes if change.option == "state"), None)
    # An object that is created or removed is shown with its content, without its state.
    parts = [change for change in changes if change is not state or len(changes) == 1]
    return ChangeCard(
        control=(state or first).control,
        resource=first.resource,
        identity=first.identity,
        title=_title(changes, state),
        rows=tuple(ChangedSetting(part.option, part.before, part.after, part.impact) for part in parts),
        impacts=tuple(impacts),
        whose=whose(_conditions(changes)) if Impact.SOME_MAIL in impacts else "",
        rollback=min((change.rollback for change in changes), key=list(ROLLBACK).index),
        state=min((change.state for change in changes), key=list(STATE).index),
        commands=tuple(dict.fromkeys(change.command for change in changes if change.command)),
    )


def _title(changes: Sequence[PlannedChange], state: PlannedChange | None) -> str:
    """What happens to an object; empty for a setting, which has its control's title."""
    first = changes[0]
    noun = _NOUNS.get(first.resource, "")
    if not noun or not (state or first.resource == RULE):
        return ""
    options = {change.option for change in changes}
    if state:
        after = state.after.get("state") if isinstance(state.after, Mapping) else state.after
        verb = _VERBS.get(str(after), "is changed")
    elif options == {"enabled"}:
        verb = "is switched on" if first.after else "is switched off"
    else:
        verb = "is moved" if options == {"priority"} else "is changed"
    return f"{noun} '{first.identity}' {verb}"


def _conditions(changes: Sequence[PlannedChange]) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    for change in changes:
        section, _dot, option = change.option.partition(".")
        if section == "conditions" and change.after is not None:
            conditions[option] = change.after
    return conditions


def whose(conditions: Mapping[str, Any]) -> str:
    """Whose mail a rule affects, in words; empty if not all of its conditions are known."""
    (rule,) = RuleSet([{"name": "it", "conditions": conditions}]).rules
    return "" if rule.unread else " ".join(words_of(parts_of(rule.criteria.conditions)))
