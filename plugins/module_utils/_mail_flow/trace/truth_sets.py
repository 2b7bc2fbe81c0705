# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of copies, as bits: those for which something is true, and those for which it is open, by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, get_args

from ..model import questions
from ..model.kleene import Reason
from ..model.reason_kinds import UntracedKind

#: Why something is open that the message's envelope would tell, and that the row would tell by its last hop.
ENVELOPE: Final = "envelope"
FROM_IP: Final = "from_ip"

#: Why something is open that DLP rules and labels do after the rules.
DLP_AND_LABELS: Final = "dlp"

#: What no row shows of the content of a message, and a plain message lacks.
OF_CONTENT: Final[frozenset[UntracedKind]] = frozenset(
    ("body", "attachment", "header", "scl", "classification", "importance", "label")
)

#: All reasons why something about a copy is open, in the order of results.
UNTRACED_KINDS: tuple[UntracedKind, ...] = get_args(UntracedKind)


@dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """Why something about a copy is open.

    :param id: the number of the question where it is about what Exchange does; empty if a fact is missing.
    :param silent: whether no fact about the organization would tell it either.
    """

    kind: UntracedKind
    id: str = ""
    silent: bool = False

    @property
    def reason(self) -> Reason:
        """This as a reason of the simulator."""
        return Reason(self.id or questions.A_FACT, "untraced", (self.kind,))


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is open of whether a copy meets a rule.

    :param why: the first reason.
    :param asks: the questions that all must be answered so for the copy to meet it: the number of each, and the answer. The same question has one
        number, whichever rules ask it.
    """

    why: Unknown
    asks: tuple[tuple[int, bool], ...]


#: The places of the rules that copies meet, and what is open of that.
RulesMet: TypeAlias = Sequence[tuple[int, Doubt | None]]


def answered(met: RulesMet, answers: Mapping[int, bool]) -> tuple[RulesMet, dict[int, UntracedKind]]:
    """The rules that copies meet once some questions are answered, and those of which that settles it."""
    remaining: list[tuple[int, Doubt | None]] = []
    settled: dict[int, UntracedKind] = {}
    for place, doubt in met:
        if doubt is None:
            remaining.append((place, None))
            continue
        asks = still_asked(doubt.asks, answers)
        if not asks:
            settled[place] = doubt.why.kind
        if asks is not None:
            remaining.append((place, replace(doubt, asks=asks) if asks else None))
    return remaining, settled


def still_asked(asks: Sequence[tuple[int, bool]], answers: Mapping[int, bool]) -> tuple[tuple[int, bool], ...] | None:
    """The questions on which it still depends whether a rule is met; ``None`` if it is not met."""
    if any(answers.get(number, answer) is not answer for number, answer in asks):
        return None
    return tuple((number, answer) for number, answer in asks if number not in answers)


#: Why it is open what a rule saw of a subject that rules change.
CHANGED = Unknown("subject_changed")


@dataclass
class TruthSets:
    """The copies for which something is true, and those for which it is open, by reason; for the others it is false.

    :param doubtful: the copies for which the result may change with a change of the subject by a rule.
    :param of_subject: whether it looks at the subject.
    """

    true: int = 0
    open: dict[Unknown, int] = field(default_factory=dict)
    doubtful: int = 0
    of_subject: bool = False

    @property
    def possible(self) -> int:
        """The copies for which it is not false."""
        possible = self.true
        for bits in self.open.values():
            possible |= bits
        return possible

    def changed(self, changed: int, unknown_subjects: int) -> TruthSets:
        """These sets if rules may have changed the subjects of some copies, and of others so often that the originals are
        unknown.
        """
        return self.opened((self.doubtful & changed) | (unknown_subjects if self.of_subject else 0), CHANGED)

    def without(self, bits: int) -> TruthSets:
        """These sets, but false for some copies."""
        still_open = {why: here & ~bits for why, here in self.open.items() if here & ~bits}
        return TruthSets(self.true & ~bits, still_open, self.doubtful & ~bits, self.of_subject)

    def opened(self, doubt: int, why: Unknown) -> TruthSets:
        """These sets, but open for some copies."""
        if not doubt:
            return self
        still_open = {unknown: bits & ~doubt for unknown, bits in self.open.items()}
        return TruthSets(
            self.true & ~doubt,
            {**{unknown: bits for unknown, bits in still_open.items() if bits}, why: still_open.get(why, 0) | doubt},
            self.doubtful & ~doubt,
            self.of_subject,
        )
