# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail flow rule, ready to be applied."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from ..._resources.rules.action_effects import Does
from ..._resources.rules.moderation import done
from ..actions.act import Action
from ..actions.actions import BY_OPTION as ACTION_BY_OPTION
from ..conditions.predicate import Atom, Reach
from ..model import questions
from ..model.header_edits import ADDED, FIELD_OF, header_edits
from ..model.kleene import Reason, Truth, all_of, negate, opened
from ..model.message import Message
from ..model.reason_kinds import ReasonKind, RuleIdle

#: A day: this close to one of a rule's dates, an unnamed time zone can matter.
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class FlowRule:
    """A rule, ready to be applied.

    :param place: its place among the rules that can act, from 0.
    :param idle: why it never acts, the kind of a reason: ``disabled_rule`` or ``dlp_rule``; empty if it can.
    :param dlp: whether it belongs to a data loss prevention policy.
    :param doubts: why it is open whether it matches even if all of its known parts do.
    :param surprises: why it is open what it does once it matches.
    :param common: its conditions that are the same for all recipients.
    :param actions: option to value of what it does, or may do.
    :param told: the same for everything that it is told to do.
    :param by_manager: whether what it does depends on whether the sender has a manager.
    :param splits: whether it may act on some recipients of a copy alone.
    :param content: whether a condition or an exception looks into content that S/MIME hides.
    :param defers: whether mail waits if Exchange cannot finish the rule; otherwise Exchange ignores the rule.
    :param unread: its conditions, exceptions and actions that this collection does not know: section, option and value.
    :param selects: whether it is not a rule but only selects mail, including mail that rules do not see.
    """

    place: int
    name: str
    guid: str
    mode: str
    idle: RuleIdle | Literal[""]
    dlp: bool
    begins: str
    ends: str
    conditions: tuple[Atom, ...]
    exceptions: tuple[Atom, ...]
    common: tuple[Atom, ...]
    actions: Mapping[str, Any]
    doubts: tuple[Reason, ...]
    surprises: tuple[Reason, ...]
    splits: bool
    content: bool
    told: Mapping[str, Any]
    by_manager: bool = False
    defers: bool = False
    unread: tuple[tuple[str, str, str], ...] = ()
    selects: bool = False

    @cached_property
    def enforced(self) -> bool:
        """Whether it does more than report."""
        return self.mode == "Enforce"

    def does(self, what: Does) -> dict[str, Any]:
        """Its actions of one sort: option to value."""
        return {option: value for option, value in self.actions.items() if ACTION_BY_OPTION[option].does is what}

    @cached_property
    def is_final(self) -> bool:
        """Whether no later rule is evaluated for the copies that it acts on."""
        return self.enforced and any(row.ends for row in self.rows)

    @cached_property
    def templates(self) -> list[str]:
        """The rights management templates that it applies."""
        return [
            "Encrypt" if option == "apply_ome" else str(value)
            for option, value in sorted(self.does(Does.ENCRYPT).items())
        ]

    @property
    def redirects_to_manager(self) -> bool:
        """Whether the sender's manager gets the message instead of its recipients, if there is one."""
        return self._manager_as == "Redirect"

    @property
    def manager_field(self) -> str:
        """The field in which it adds the sender's manager; empty if it adds none."""
        return "" if self.redirects_to_manager else self._manager_as.lower()

    @property
    def _manager_as(self) -> str:
        return str(self.actions.get("add_manager_as_recipient_type") or "")

    @cached_property
    def looks_at_recipients(self) -> bool:
        """Whether it looks at recipients, or blocks a message for them. Whether it then includes recipients whom rules
        added is open (U09).
        """
        return (
            self.splits or self.blocks or any(atom.reach is Reach.COPY for atom in (*self.conditions, *self.exceptions))
        )

    @cached_property
    def blocks(self) -> bool:
        """Whether it blocks a message. Only an earlier rule can copy such a message to somebody, so their copy need not
        be blocked.
        """
        return self.enforced and bool(self.does(Does.DELETE) or self.does(Does.REJECT))

    @cached_property
    def sorts(self) -> frozenset[Does]:
        """What it does."""
        return frozenset(row.does for row in self.rows)

    @cached_property
    def rows(self) -> tuple[Action, ...]:
        """The rows of its actions."""
        return tuple(ACTION_BY_OPTION[option] for option in self.actions)

    @cached_property
    def edits(self) -> frozenset[str]:
        """The header fields that it edits; see ``model.header_edits``."""
        if self.idle or not self.enforced:
            return frozenset()
        added = [field for option, field in FIELD_OF.items() if option in self.told]
        added.append(str(self.told.get("add_manager_as_recipient_type") or "").lower())
        return frozenset(
            (*(edit.field for edit in header_edits(self.told)), *(ADDED[each] for each in added if each in ADDED))
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """The header fields that it reads."""
        return frozenset[str]().union(
            *(
                atom.headers | {ADDED[name] for name in atom.predicate.fields}
                for atom in (*self.conditions, *self.exceptions)
            )
        )

    @cached_property
    def looks_for(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Its conditions and its exceptions, each as sorted texts, which do not depend on the rule set."""
        conditions, exceptions = (
            tuple(sorted(repr((atom.predicate.options, atom.values, atom.settings)) for atom in atoms))
            for atoms in (self.conditions, self.exceptions)
        )
        return conditions, exceptions

    @cached_property
    def as_told(self) -> FlowRule:
        """The rule as if it did all that it is told to do."""
        return replace(self, actions=self.told, by_manager=False)

    @cached_property
    def changes_content(self) -> bool:
        """Whether it is told to do something for which it needs content that S/MIME hides."""
        return any(ACTION_BY_OPTION[option].content for option in self.told)

    @cached_property
    def left_undone(self) -> tuple[str, ...]:
        """What it is told to do, and does not do because it asks for an approval."""
        doing = done(self.told, managed=True) if self.enforced else self.told
        return tuple(
            option
            for option in self.told
            if option not in doing and ACTION_BY_OPTION[option].does not in (Does.DETAIL, Does.STOP)
        )

    @cached_property
    def stops_approved(self) -> bool:
        """Whether it is told to stop and asks for an approval. Whether it stops once that is given is not documented."""
        return (
            bool(self.does(Does.MODERATE))
            and "stop_rule_processing" in self.told
            and "stop_rule_processing" not in self.actions
        )

    def where(self, managed: bool) -> FlowRule:
        """The rule as it acts if the sender has a manager, or has none."""
        return replace(self, actions=done(self.told, managed), by_manager=False)

    def in_window(self, message: Message) -> Truth:
        """Whether its dates let it act on a message."""
        return all_of(self.borders(message.date))

    def borders(self, date: datetime.datetime | None) -> list[Truth]:
        """For each of its dates, whether it lets the rule act then."""
        return [_is_on_side(text, date, after) for text, after in ((self.begins, True), (self.ends, False)) if text]


def _is_on_side(text: str, date: datetime.datetime | None, after: bool) -> Truth:
    """Whether a date is after an instant, or before it.

    If one rule begins when another ends, one of them is in effect; only at that very instant is it open whether both
    are.
    """

    def over(kind: ReasonKind, *more: Hashable) -> Truth:
        found = opened(("date", text, *more), questions.DATES, kind, text)
        return found if after else negate(found)

    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return over("date")
    if date is None:
        return over("date_of_message")
    nameless: ReasonKind | None = None
    if instant.tzinfo is None:
        nameless = "date"
    elif date.tzinfo is None:
        nameless = "date_without_offset"
    apart = _with_zone(date) - _with_zone(instant)
    if not apart:
        return over(nameless or "date_exactly", after)
    return over(nameless) if nameless and abs(apart) <= _DAY else (apart > datetime.timedelta()) is after


def _with_zone(instant: datetime.datetime) -> datetime.datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=datetime.UTC)


def is_later(text: str, now: datetime.datetime) -> bool:
    """Whether a date of a rule is, or may be, after an instant; an unreadable date may be."""
    return bool(text) and _is_on_side(text, now, after=False) is not False
