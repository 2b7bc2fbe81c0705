# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail flow rule, ready to be applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from ..._resources.rules.action_effects import Does
from ..conditions.predicate import Atom
from ..model.reason_kinds import RuleIdle
from .rule_actions import RuleActions
from .rule_criteria import RuleCriteria
from .rule_dates import RuleDates


@dataclass(frozen=True)
class FlowRule:
    """A rule, ready to be applied: which it is, what it looks at, what it does, and when.

    :param place: its place among the rules that can act, from 0.
    :param idle: why it never acts, the kind of a reason: ``disabled_rule`` or ``dlp_rule``; empty if it can.
    :param dlp: whether it belongs to a data loss prevention policy.
    :param defers: whether mail waits if Exchange cannot finish the rule; otherwise Exchange ignores the rule.
    :param unread: its conditions, exceptions and actions that this collection does not know: section, option and value.
    """

    place: int
    name: str
    guid: str
    idle: RuleIdle | Literal[""]
    dlp: bool
    criteria: RuleCriteria
    actions: RuleActions
    dates: RuleDates = field(default_factory=RuleDates)
    defers: bool = False
    unread: tuple[tuple[str, str, str], ...] = ()

    @cached_property
    def looks_at_recipients(self) -> bool:
        """Whether it looks at recipients, or blocks a message for them. Whether it then includes recipients whom rules
        added is open (U09).
        """
        return self.criteria.splits or self.criteria.look_at_copies or self.actions.blocks

    @cached_property
    def parts_added(self) -> bool:
        """Whether it may treat people whom rules added in another way than the others of their copy: it looks at each
        recipient, or blocks. What looks at all recipients of a copy decides for all of them.
        """
        return self.criteria.splits or self.actions.blocks

    @cached_property
    def may_take_along(self) -> bool:
        """Whether what it does to others of a copy may reach somebody whom a rule added, and whom it does not match. A copy
        survives a rule that blocks its original: Microsoft's pages tell to copy and to block mail with two rules.
        """
        return self.criteria.splits and not self.actions.blocks

    @cached_property
    def is_on_and_enforced(self) -> bool:
        """Whether it does more than report on mail that it matches: it can act, and is in no test mode. From when until when
        it does, its dates say.
        """
        return not self.idle and self.actions.enforced

    def enforces(self, *sorts: Does) -> bool:
        """Whether it is on and enforced, and one of its actions is of one of these sorts."""
        return self.is_on_and_enforced and any(self.actions.does(sort) for sort in sorts)

    @cached_property
    def edits(self) -> frozenset[str]:
        """The header fields that it edits, if it can act; see ``model.header_edits``."""
        return frozenset() if self.idle else self.actions.edits

    def with_criteria(
        self, conditions: Iterable[Atom] | None = None, exceptions: Iterable[Atom] | None = None
    ) -> FlowRule:
        """The rule with other conditions, or other exceptions; ``None`` leaves them."""
        criteria = replace(
            self.criteria,
            conditions=self.criteria.conditions if conditions is None else tuple(conditions),
            exceptions=self.criteria.exceptions if exceptions is None else tuple(exceptions),
        )
        return replace(self, criteria=criteria)

    @cached_property
    def as_declared(self) -> FlowRule:
        """The rule as if it did all that it is told to do."""
        return replace(self, actions=self.actions.as_declared)

    def where(self, managed: bool) -> FlowRule:
        """The rule as it acts if the sender has a manager, or has none."""
        return replace(self, actions=self.actions.where(managed))
