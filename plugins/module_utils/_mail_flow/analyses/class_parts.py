# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an edit's effect: by the version of its rule that acts, and by the later rule that no longer acts, or
newly acts. Private to the collection.

The parts of a kind and a cause exclude each other, and cover all of its mail. All mail of a part meets the conditions
of both rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.attribution import Acts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import (
    Edit,
    unedited,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.effects import FATES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import (
    Logic,
    Value,
    high,
    low,
    negate,
)

#: Marks for no later rule, and for any later rule without a part of its own.
OWN, ANY = -1, -2

#: Aspect of mail to the sorts of actions that affect it directly.
_DOING: dict[str, frozenset[Does]] = {
    "protection": frozenset((Does.ENCRYPT, Does.DECRYPT)),
    "branding": frozenset((Does.BRAND, Does.ENCRYPT, Does.DECRYPT)),
    "delivery": frozenset((Does.MODERATE, *FATES)),
    "transit": frozenset((Does.ROUTE,)),
}


def does_something(rule: FlowRule, aspect: str, *, added: bool = False) -> bool:
    """Whether a rule affects an aspect of mail directly.

    :param added: whether it is about the copies of somebody whom rules add.
    """
    sorts = _DOING[aspect] | ({Does.ADD, Does.REDIRECT} if added and aspect == "delivery" else set())
    return rule.enforced and not rule.idle and bool(sorts.intersection(row.does for row in rule.rows))


@dataclass(frozen=True)
class Turn:
    """A rule in its two rule sets.

    :param place: where mail meets it, as a place in the second set.
    :param edit: the place of its edit; -1 if it is the same in both.
    """

    before: FlowRule | None
    after: FlowRule | None
    place: float
    edit: int = -1

    def alike(self, edits: Sequence[Edit], aspect: str) -> bool:
        """Whether both versions do the same."""
        return self.edit < 0 or edits[self.edit].alike(aspect)

    def version(self, *, now: bool) -> FlowRule | None:
        """The rule as it is now, or as it was."""
        return self.after if now else self.before


def turns_of(edits: Sequence[Edit], before: RuleSet, after: RuleSet) -> list[Turn]:
    """The rules of two sets, in the order in which mail meets them."""
    found = [Turn(edit.before, edit.after, edit.place, place) for place, edit in enumerate(edits)]
    found += [Turn(one, other, other.place) for one, other in unedited(before, after)]
    return sorted(found, key=lambda turn: turn.place)


@dataclass(frozen=True)
class Part:
    """A part of what an edit causes.

    :param now: whether the rule acts as it is now; otherwise it only did as it was. ``None`` if no edited rule is the
        cause.
    :param later: the place among the turns of the first later rule that acts in one rule set only, :data:`OWN` if none
        does, :data:`ANY` for any.
    :param acts: whether it newly acts; otherwise it no longer does.
    :param others: the separate parts that :data:`ANY` excludes.
    """

    now: bool | None
    later: int = OWN
    acts: bool = False
    others: tuple[Part, ...] = ()

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """Its position among the parts of a cause: in the order in which mail meets them, with all others last."""
        return self.now is not True, self.later == ANY, self.later, not self.acts


#: What is not parted.
WHOLE = Part(None, ANY)


class Parts:
    """The parts of causes, for an aspect of somebody's copies.

    :param acts: by rule set, whether a rule acts in a way that may decide.
    """

    def __init__(
        self,
        logic: Logic,
        edits: Sequence[Edit],
        turns: Sequence[Turn],
        aspect: str,
        acts: Sequence[Acts],
        *,
        added: bool = False,
    ) -> None:
        self._rail, self._edits, self._turns, self._aspect, self._acts = logic, edits, turns, aspect, acts
        self._added = added
        self._later: dict[Part, int] | None = None
        self._begins: list[int] = []  # that an edited rule may newly do something about it
        self._known: dict[int, dict[Part, int]] = {}

    def of(self, cause: int) -> dict[Part, int]:
        """The parts of a cause with their literals; only those that are possible at all."""
        known = self._known.get(cause)
        if known is None:
            known = self._known[cause] = self._of(cause)
        return known

    def causes(self, found: Sequence[int]) -> list[int]:
        """The causes. If the first rule that affects the aspect in only one set is an edited rule that newly does so,
        that is the cause, and not an earlier edit, which may decide what others do.

        :param found: the first edit of those that may decide, by edit, and that none is.
        """
        circuit, first = self._rail.circuit, self._first()
        own = {
            turn.edit: first.get(Part(None, place, acts=True), FALSE)
            for place, turn in enumerate(self._turns)
            if turn.edit >= 0
        }
        none = circuit.disjunction(own.values() if self._rail.free else self._begins) ^ 1
        return [
            circuit.disjunction((own.get(place, FALSE), circuit.conjunction((literal, none))))
            for place, literal in enumerate(found)
        ]

    def literal(self, cause: int, part: Part) -> int:
        """That a message is of a part."""
        if part.later != ANY:
            return self.of(cause).get(part, FALSE)
        others = (self.literal(cause, other) ^ 1 for other in part.others)
        version = TRUE if part.now is None else self._versions(cause)[part.now]
        return self._rail.circuit.conjunction((version, *others))

    def _of(self, cause: int) -> dict[Part, int]:
        circuit, found = self._rail.circuit, dict[Part, int]()
        for now, version in self._versions(cause).items():
            for later, literal in self._first().items():
                own = later.later == OWN or self._turns[later.later].edit == cause
                part = Part(now) if own else Part(now, later.later, later.acts)
                found[part] = circuit.disjunction((found.get(part, FALSE), circuit.conjunction((version, literal))))
        return {part: literal for part, literal in found.items() if literal != FALSE}

    def _versions(self, cause: int) -> dict[bool | None, int]:
        """Which version of the edited rule acts, to its literal."""
        if cause == len(self._edits):
            return {None: TRUE}
        edit = self._edits[cause]
        was, now = self._act(edit.before, 0), self._act(edit.after, 1)
        return {True: low(now), False: self._rail.circuit.conjunction((low(was), high(now) ^ 1))}

    def _act(self, rule: FlowRule | None, which: int) -> Value:
        return FALSE if rule is None else self._acts[which](rule)

    def _first(self) -> dict[Part, int]:
        """The first rule that affects the aspect, and acts in only one set, or does something else."""
        if self._later is not None:
            return self._later
        circuit, none = self._rail.circuit, TRUE
        found: dict[Part, int] = {}
        for place, turn in enumerate(self._turns):
            was, now = (self._done(rule, which) for which, rule in enumerate((turn.before, turn.after)))
            both = [negate(was)] if turn.alike(self._edits, self._aspect) else []
            begins, ends = self._rail.all_of((now, *both)), self._rail.all_of((was, negate(now)))
            if was == now == FALSE:
                continue
            self._begins += [high(begins)] if turn.edit >= 0 else []
            found[Part(None, place, acts=True)] = circuit.conjunction((low(begins), none))
            found[Part(None, place)] = circuit.conjunction((low(ends), none))
            none = circuit.conjunction((none, high(begins) ^ 1, high(ends) ^ 1))
        found[Part(None)] = none
        self._later = {part: literal for part, literal in found.items() if literal != FALSE}
        return self._later

    def _done(self, rule: FlowRule | None, which: int) -> Value:
        return (
            self._act(rule, which)
            if rule is not None and does_something(rule, self._aspect, added=self._added)
            else FALSE
        )
