# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule sees of any message after the changes of earlier rules, as formulas. ``model.rule_view`` has it of one."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..formula import FALSE, Value
from ..model.header_edits import HeaderEdit
from .connectives import Connectives
from .keys import Key


@dataclass(frozen=True)
class EditedText:
    """The current text, as far as rules have changed it.

    :param values: atoms that a known text contributes to, each with the number of erasures before it.
    :param erasures: when it was erased: from then on, an atom is false unless a known text makes it true again.
    :param erased: whether it was ever erased.
    :param history: the known texts that may have changed it, each with its condition. Equal histories mean equal texts.
    :param last_values: for each pattern without an agreed meaning in a subject, the last value that mattered, and the number of
        changes before that. What each later change makes of one is as open as what all of them do.
    """

    values: Mapping[Key, tuple[Value, int]] = field(default_factory=dict)
    erasures: tuple[Value, ...] = ()
    erased: Value = FALSE
    history: tuple[tuple[Hashable, Value], ...] = ()
    last_values: Mapping[Key, tuple[Value, int]] = field(default_factory=dict)

    def value(self, key: Key, first: Value, logic: Connectives) -> Value:
        """The current value of an atom.

        :param first: its value on arrival.
        """
        value, since = self.values.get(key, (first, 0))
        if since == len(self.erasures):
            return value
        gone = self.erased if not since else logic.any_of(self.erasures[since:])
        return value & ~gone

    def of_unagreed(self, key: Key, first: Value, unknown: Value, logic: Connectives) -> Value:
        """The current value of a pattern without an agreed meaning in a subject.

        :param unknown: its value if the text has changed since its value last mattered.
        """
        value, since = self.last_values.get(key, (first, 0))
        return logic.choose(logic.any_of([acts for _known, acts in self.history[since:]]), unknown, value)

    def with_changes(self, changed: Mapping[Key, Value], erased: Value, logic: Connectives) -> EditedText:
        """The text after another change."""
        whole = self
        if erased != FALSE:
            whole = replace(self, erasures=(*self.erasures, erased), erased=self.erased | erased)
        return replace(
            whole, values={**whole.values, **{key: (value, len(whole.erasures)) for key, value in changed.items()}}
        )

    def after(self, known: Hashable, acts: Value) -> EditedText:
        """The text with one more possible change, by a known text, in its history."""
        return replace(self, history=(*self.history, (known, acts)))


@dataclass(frozen=True)
class SeenMessage:
    """What a rule sees of the message after the changes of earlier rules.

    :param texts: slot to its text after changes by rules; a missing slot is unchanged.
    :param classes: classification (``None`` for none) to its value after changes by rules; a missing one is unchanged.
    :param edits: what rules may have done to header fields that conditions read, in order, each with its condition.
    :param added: the recipients that rules added: address (empty for a manager or a mere name), field, condition, and
        the rule's unique name.
    :param splits: the copy's history of splits; 0 is none.
    :param redirected: whether a rule sent the copy to others instead: nobody whom the sender named shares it.
    :param sharers_unknown: whether it is not followed who still shares a copy that a rule made.
    """

    texts: Mapping[str, EditedText] = field(default_factory=dict)
    classes: Mapping[str | None, Value] = field(default_factory=dict)
    wrapped: Value = FALSE
    asked: Value = FALSE
    removed: Value = FALSE
    edits: tuple[tuple[HeaderEdit, Value], ...] = ()
    added: tuple[tuple[str, str, Value, Hashable], ...] = ()
    splits: int = 0
    redirected: bool = False
    sharers_unknown: bool = False

    def with_changes(self, **changes: Any) -> SeenMessage:
        """What a rule sees, with other values for some fields."""
        return replace(self, **changes)

    def edits_of(self, fields: Collection[str]) -> list[tuple[HeaderEdit, Value]]:
        """What rules may have done to some header fields."""
        return [edit for edit in self.edits if edit[0].field in fields] if self.edits else []
