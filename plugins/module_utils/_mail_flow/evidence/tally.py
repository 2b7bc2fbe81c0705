# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what is reported of a rule beside what was computed, copy by copy: of a mail flow rule or a DLP rule.

A contradiction is a finding about this collection: its simulation, a fact, or an answer that it takes for likely. An
uncertain copy contradicts nothing; the report settles it.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import nsmallest

from ..trace.columns import Block, bits_of, places_of
from ..trace.replay import Example
from ..trace.rows import Trace, left_out
from .changes import LatestChange
from .prediction import Prediction
from .reports import Copy

#: The kinds of contradictions: the rule certainly acted and that is not reported, or it is reported and cannot have
#: acted.
NOT_REPORTED, NOT_PREDICTED = KINDS = ("not_reported", "not_predicted")

#: The report comes hours late: a window counts once it ended so long ago.
REPORTED_AFTER = datetime.timedelta(hours=24)

#: Why a rule cannot be compared.
REFUSED, YOUNG, CHANGED, LATE, SILENT = "refused", "young", "changed", "late", "silent"


@dataclass(frozen=True)
class Incomparable:
    """Why a rule cannot be compared.

    :param kind: :data:`REFUSED` (:param:`detail` says why), :data:`YOUNG`, :data:`CHANGED` (:param:`change`),
        :data:`LATE`, or :data:`SILENT`: nothing is reported of it, and it has no severity.
    """

    kind: str
    detail: str = ""
    change: LatestChange | None = None


@dataclass(frozen=True)
class Contradiction:
    """Copies of which the computation and the report say opposite things.

    :param kind: one of :data:`KINDS`.
    :param ids: the numbers of the questions whose likely answers the computation rests on, for some of the copies.
    """

    kind: str
    copies: int
    ids: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class RuleEvidence:
    """What Exchange reports of a rule, and what was computed, in copies of the trace.

    :param policy: its DLP policy; empty of a mail flow rule.
    :param reported: copies on which Exchange reports that the rule acted; ``None`` if the report could not be read.
    :param certain: copies on which it certainly acts, as computed, and :param:`possible` the further ones on which it
        may.
    :param acted: those of the latter that are reported, and :param:`not_acted` those that are not. Only of a rule that
        can be compared, and so the rest.
    :param left_out: reported copies that are not computed: rejected ones and the like, and those on which a rule acted
        that is gone, or that changed.
    :param untraced: reported copies that the trace does not have.
    :param late: certain copies that are newer than everything that is reported.
    :param compared: copies that could contradict: certain ones that are not late, and reported ones that are computed.
    :param why_not: why it cannot be compared.
    """

    name: str
    guid: str
    mode: str
    reported: int | None
    certain: int
    possible: int
    acted: int = 0
    not_acted: int = 0
    contradictions: tuple[Contradiction, ...] = ()
    left_out: int = 0
    untraced: int = 0
    late: int = 0
    compared: int = 0
    why_not: Incomparable | None = None
    policy: str = ""


@dataclass(frozen=True)
class ComparedRule:
    """A rule of which copies are counted.

    :param mode: the rule's, or its DLP policy's (:param:`policy`).
    """

    name: str
    guid: str
    mode: str
    policy: str = ""


def times_of(trace: Trace, copies: frozenset[Copy]) -> Iterable[int]:
    """When the traced ones of these copies were received."""
    columns, messages, recipients = trace.columns, trace.texts["message"].listed, trace.texts["recipient"].listed
    for message, recipient, received in zip(columns["message"], columns["recipient"], columns["received"], strict=True):
        if (messages[message], recipients[recipient]) in copies:
            yield received


def of_messages(block: Block, messages: frozenset[str]) -> int:
    """The copies of some messages."""
    return bits_of((place for place in range(len(block)) if block.text("message", place) in messages), len(block))


@dataclass(frozen=True)
class BlockCopies:
    """The copies of a block, in sets of bits.

    :param places: where each is.
    :param within: those of the window, and :param:`computed` those of them that are computed.
    :param arrived: those that are as old as something reported, so that it counts that nothing is reported of them.
    :param incomparable: those on which a changed rule acted, or whose date or recipient leaves it open.
    """

    block: Block
    places: Mapping[Copy, int]
    within: int
    computed: int
    arrived: int
    incomparable: int

    @classmethod
    def in_window(
        cls, block: Block, begin: int, until: int, last: int, astray: frozenset[Copy], edited: frozenset[Copy]
    ) -> BlockCopies:
        """A block in a window. Times are in microseconds.

        :param last: as in :class:`RuleTally`.
        :param astray: copies that cannot be computed, and :param:`edited` those that cannot be compared.
        """
        count = len(block)
        within = bits_of((place for place, time in enumerate(block.received) if begin <= time <= until), count)
        included = within & bits_of(
            (place for place in range(count) if not left_out(block.text("status", place), block.text("sender", place))),
            count,
        )
        arrived = bits_of((place for place, time in enumerate(block.received) if time <= last), count)
        places = {_copy(block, place): place for place in range(count)}
        untraced, out = (
            bits_of((places[copy] for copy in copies & places.keys()), count) for copies in (astray, edited)
        )
        return cls(block, places, within, included & ~untraced, arrived, out)

    def with_incomparable(self, copies: int) -> BlockCopies:
        """These copies, with more that cannot be compared."""
        return replace(self, incomparable=self.incomparable | copies)

    def with_arrived(self, copies: int) -> BlockCopies:
        """These copies, with others of which it counts that nothing is reported."""
        return replace(self, arrived=copies)


@dataclass
class RuleTally:
    """Counts of one rule.

    :param copies: those on which it is reported; :param:`dated` those of them that the report dates in the window.
    :param last: when the newest copy was received of which anything is reported, in microseconds; ``-1`` if nothing is.
    :param most: how many copies of a sort are kept by name.
    :param silent: whether nothing is reported of it, and need not be.
    """

    rule: ComparedRule
    copies: frozenset[Copy]
    dated: frozenset[Copy]
    last: int
    most: int
    silent: bool
    why_not: Incomparable | None = None
    counts: Counter[str] = field(default_factory=Counter)
    ids: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    named: dict[str, list[tuple[Example, Copy]]] = field(default_factory=dict)

    def add(self, part: BlockCopies, prediction: Prediction) -> None:
        """Adds the copies of a block."""
        block = part.block
        arrived = part.arrived
        included = part.computed if self.why_not else part.computed & ~part.incomparable
        reported = part.within & bits_of((part.places[copy] for copy in self.copies & part.places.keys()), len(block))
        certain, possible = prediction.certain & included, prediction.possible & included
        uncertain = possible & ~certain
        sets = {
            "reported": reported,
            "certain": certain,
            "possible": uncertain,
            "acted": uncertain & reported,
            "not_acted": uncertain & ~reported & arrived,
            "left_out": reported & ~included,
            "late": certain & ~reported & ~arrived,
            NOT_REPORTED: certain & ~reported & arrived,
            NOT_PREDICTED: reported & included & ~possible,
            "compared": (certain & (reported | arrived)) | (reported & included),
        }
        self.counts.update(
            {name: bits.bit_count() for name, bits in sets.items()}, traced=len(self.dated & part.places.keys())
        )
        for kind in KINDS:
            self.ids[kind].update(number for number, bits in prediction.guesses.items() if bits & sets[kind])
        for name in (*KINDS, "reported", "certain"):
            self._keep(name, block, sets[name])

    def _keep(self, name: str, block: Block, bits: int) -> None:
        """Keeps the newest copies of a sort by name."""
        named = self.named.setdefault(name, [])
        newest = (
            nsmallest(self.most, ((-block.received[place], _copy(block, place), place) for place in places_of(bits)))
            if self.most
            else []
        )
        named += (
            (Example(age, *(block.text(column, place) for column in ("sender", "recipient", "subject"))), copy)
            for age, copy, place in newest
        )
        named.sort()
        del named[self.most :]

    @property
    def too_late(self) -> bool:
        """Whether nothing that was computed is older than what is reported."""
        counts = self.counts
        all_late = 0 < counts["certain"] == counts["late"] and not counts["compared"]
        return all_late or (self.last < 0 and counts["possible"] > 0)

    @property
    def reason(self) -> Incomparable | None:
        """Why the rule cannot be compared."""
        unseen = self.silent and (self.counts["certain"] or self.counts["possible"])
        return self.why_not or (Incomparable(LATE if self.too_late else SILENT) if self.too_late or unseen else None)

    def evidence(self, examples: int) -> RuleEvidence:
        """What was counted."""
        counts = self.counts
        reason = self.reason
        refused = reason is not None and reason.kind == REFUSED
        rule = self.rule
        plain = RuleEvidence(
            rule.name,
            rule.guid,
            rule.mode,
            None if refused else counts["reported"],
            counts["certain"],
            counts["possible"],
            why_not=reason,
            policy=rule.policy,
        )
        if reason:
            return plain
        contradictions = tuple(
            Contradiction(
                kind,
                counts[kind],
                tuple(sorted(self.ids[kind])),
                tuple(example for example, _its_copy in self.named[kind][:examples]),
            )
            for kind in KINDS
            if counts[kind]
        )
        untraced = len(self.dated) - counts["traced"]
        settled = {name: counts[name] for name in ("acted", "not_acted", "left_out", "late", "compared")}
        return replace(plain, contradictions=contradictions, untraced=untraced, **settled)  # type: ignore[arg-type]


def _copy(block: Block, place: int) -> Copy:
    return block.text("message", place), block.text("recipient", place)
