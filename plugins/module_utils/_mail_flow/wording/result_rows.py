# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of results: verdicts on guarantees, and classes of mail that are treated differently.

A row is made of what an analysis finds, or read from a document by ``from_row``. It becomes the contract's mapping by
``as_row``, which leaves out what does not apply.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..analyses.aspects import DifferenceKind
from ..analyses.breach_cause import BreachCause
from ..analyses.judgment import GuaranteeVerdict, Hole
from .copy_row import CopyRow
from .reasons import OpenReason
from .row import ComputedRow, ResultRow, Row, as_list, codec, one_of, row_of, rows_of


@dataclass(frozen=True)
class AssumptionRow(ResultRow):
    """What a proof assumes.

    :param text: as a sentence.
    :param mail: the mail that it leaves out; empty if it leaves out none.
    """

    id: str
    text: str
    mail: str = ""


@dataclass(frozen=True)
class CounterexampleRow(ResultRow):
    """A message that certainly breaks a guarantee.

    :param message: as the option ``messages`` has it, so that it replays.
    :param recipient: whose copy breaks it, and :param:`outcome` the result of that.
    :param decided_by: the last rule without which the guarantee would be kept, if there is one.
    :param hole: of mail on its way, the hole through which it leaves.
    :param expiry: of mail that has to expire, after how many days its branding lets it, 0 for never.
    :param unbranded: whether it has to be led to the portal, is protected and shows no branding.
    :param shown_to: to whom a rule shows the copy in clear; empty if it is the copy itself that breaks it.
    :param cause: why the copy breaks it, where that is known of a rule.
    :param facts: the facts that it assumes beyond the known ones.
    :param supposed_groups: the groups in them of which nobody knows the members, and that decide whether it breaks it.
    """

    message: Row
    recipient: str
    outcome: CopyRow = field(metadata=row_of(CopyRow))
    decided_by: tuple[str, ...] = field(default=(), metadata=as_list())
    hole: Hole | None = field(default=None, metadata=codec(lambda row: Hole(**row), Hole.as_row))
    expiry: int | None = None
    unbranded: bool = False
    shown_to: str = ""
    cause: BreachCause | None = field(default=None, metadata=codec(BreachCause.of_row, BreachCause.as_row))
    facts: Row | None = None
    supposed_groups: tuple[str, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True)
class GuaranteeRow(ComputedRow):
    """What is known of a guarantee.

    :param claim: what it says, as a clause; empty where even that is too complex.
    :param before: the verdict before the plan, where that is another one.
    :param counterexample: the message that refutes it.
    :param unknown: why it is neither proved nor refuted.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    """

    name: str
    verdict: GuaranteeVerdict = field(metadata=one_of(GuaranteeVerdict))
    claim: str = ""
    before: GuaranteeVerdict | None = field(default=None, metadata=one_of(GuaranteeVerdict))
    assumptions: tuple[AssumptionRow, ...] = field(default=(), metadata=rows_of(AssumptionRow, always=True))
    counterexample: CounterexampleRow | None = field(default=None, metadata=row_of(CounterexampleRow))
    unknown: tuple[OpenReason, ...] = field(default=(), metadata=rows_of(OpenReason))
    unseen: tuple[str, ...] = field(default=(), metadata=as_list(always=True))

    @property
    def is_proved(self) -> bool:
        """Whether it holds for all mail, as far as the assumptions are true."""
        return self.verdict is GuaranteeVerdict.PROVED

    @property
    def is_refuted(self) -> bool:
        """Whether a message certainly breaks it."""
        return self.verdict is GuaranteeVerdict.REFUTED

    @property
    def is_unknown(self) -> bool:
        """Whether it is neither proved nor refuted."""
        return self.verdict is GuaranteeVerdict.UNKNOWN

    @property
    def verdict_before(self) -> GuaranteeVerdict:
        """The verdict before the plan."""
        return self.before or self.verdict

    def assumes(self, id_: str) -> bool:
        """Whether its proof rests on an assumption."""
        return any(assumption.id == id_ for assumption in self.assumptions)

    def compared_with(self, before: GuaranteeVerdict) -> GuaranteeRow:
        """The row beside the verdict before a plan."""
        return self if before is self.verdict else replace(self, before=before)


@dataclass(frozen=True)
class SideEffectRow(ResultRow):
    """What rules do to mail beside protecting and delivering it.

    :param kind: the sort of effect.
    :param name: what it is about.
    :param now: whether it now happens; otherwise it no longer does.
    """

    kind: str
    name: Any
    now: bool


@dataclass(frozen=True)
class KeepingUnusualRow(ResultRow):
    """Another rule that keeps only unusual mail from what a sentence says.

    :param when: its conditions that look for such mail, and :param:`mail`: this mail in words.
    """

    rule: str
    when: Row
    mail: str


@dataclass(frozen=True)
class DifferenceRow(ComputedRow):
    """A class of mail that is treated differently. What does not apply is ``None``.

    :param text: what becomes of it, as a sentence.
    :param when: the mail, as conditions, and :param:`unless`: the mail that it leaves out.
    :param rules: the rules that treat it differently.
    :param arrives: how it arrives protected.
    :param every: whether all mail of the class is treated so.
    :param keep_unusual: the other rules that keep some of it from that which is not usual, and no other.
    :param was: what all of it was, and :param:`becomes`: what it becomes.
    :param later: the rules behind the changed ones that decide.
    :param added: the person for whom a rule adds a copy.
    :param people: those whom it may reach.
    :param dates: when it may change: how a rule begins or ends, in two words, and the date.
    :param unknown: why it is only possible, and :param:`in_words`: the ids of these reasons that the sentence says in words.
    :param before: what becomes of the copy of the witness now, and :param:`after`: after the plan.
    :param witness: a message of the class, and its recipient.
    :param summary: the sentence about all rows that a page sums up with it.
    """

    kind: DifferenceKind = field(metadata=one_of(DifferenceKind))
    text: str
    when: Row
    rules: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    unless: Row | None = None
    arrives: str | None = None
    every: bool | None = None
    keep_unusual: tuple[KeepingUnusualRow, ...] | None = field(default=None, metadata=rows_of(KeepingUnusualRow))
    was: str | None = None
    becomes: str | None = None
    later: tuple[str, ...] | None = field(default=None, metadata=as_list())
    added: str | None = None
    people: tuple[str, ...] | None = field(default=None, metadata=as_list())
    dates: tuple[tuple[str, ...], ...] | None = field(
        default=None, metadata=codec(lambda dates: tuple(map(tuple, dates)), lambda dates: list(map(list, dates)))
    )
    side_effects: tuple[SideEffectRow, ...] | None = field(default=None, metadata=rows_of(SideEffectRow))
    unknown: tuple[OpenReason, ...] | None = field(default=None, metadata=rows_of(OpenReason))
    in_words: tuple[str, ...] | None = field(default=None, metadata=as_list())
    before: CopyRow | None = field(default=None, metadata=row_of(CopyRow))
    after: CopyRow | None = field(default=None, metadata=row_of(CopyRow))
    witness: Row | None = None
    summary: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is only possible, and not known, that mail is treated differently."""
        return self.kind is DifferenceKind.UNKNOWN

    @property
    def open_questions(self) -> set[str]:
        """The numbers of the questions because of which it is only possible."""
        return {reason.id for reason in self.unknown or ()}

    @property
    def about_other_mail(self) -> bool:
        """Whether its mail is not that of its class today, as it is for those whom the class names: a guarantee about the
        class says nothing of it then.
        """
        return any(part is not None for part in (self.later, self.added, self.people, self.dates))
