# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of results: verdicts on guarantees, and classes of mail that are treated differently.

A row is made of what an analysis finds, or read from a document by ``from_row``. It becomes the contract's mapping by
``as_row``, which leaves out what does not apply.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..analyses.aspects import DifferenceKind
from ..analyses.causes import BreachCause
from ..analyses.judgment import GuaranteeVerdict, Hole
from .reasons import OpenReason
from .row import ResultRow, Row


@dataclass(frozen=True)
class AssumptionRow(ResultRow):
    """What a proof assumes.

    :param text: as a sentence.
    :param mail: the mail that it leaves out; empty if it leaves out none.
    """

    id: str
    text: str
    mail: str = ""

    @classmethod
    def from_row(cls, row: Row) -> AssumptionRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(row["id"], row["text"], row.get("mail", ""))

    def as_row(self) -> dict[str, str]:
        """The row of results."""
        row = {"id": self.id, "text": self.text}
        return {**row, "mail": self.mail} if self.mail else row


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
    """

    message: Row
    recipient: str
    outcome: Row
    decided_by: tuple[str, ...] = ()
    hole: Hole | None = None
    expiry: int | None = None
    unbranded: bool = False
    shown_to: str = ""
    cause: BreachCause | None = None
    facts: Row = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Row) -> CounterexampleRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(
            message=row["message"],
            recipient=row["recipient"],
            outcome=row["outcome"],
            decided_by=tuple(row.get("decided_by", ())),
            hole=Hole(**row["hole"]) if "hole" in row else None,
            expiry=row.get("expiry"),
            unbranded=row.get("unbranded", False),
            shown_to=row.get("shown_to", ""),
            cause=BreachCause(**row["cause"]) if "cause" in row else None,
            facts=row.get("facts", {}),
        )

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        row: dict[str, Any] = {"message": self.message, "recipient": self.recipient, "outcome": self.outcome}
        if self.decided_by:
            row["decided_by"] = list(self.decided_by)
        if self.hole:
            row["hole"] = self.hole.as_row()
        if self.expiry is not None:
            row["expiry"] = self.expiry
        if self.unbranded:
            row["unbranded"] = True
        if self.shown_to:
            row["shown_to"] = self.shown_to
        if self.cause:
            row["cause"] = self.cause.as_row()
        if self.facts:
            row["facts"] = self.facts
        return row


@dataclass(frozen=True)
class GuaranteeRow(ResultRow):
    """What is known of a guarantee.

    :param claim: what it says, as a clause; empty where even that is too complex.
    :param before: the verdict before the plan, where that is another one.
    :param counterexample: the message that refutes it.
    :param unknown: why it is neither proved nor refuted.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param contradicted: sentences about what Exchange did otherwise than is computed.
    """

    name: str
    verdict: GuaranteeVerdict
    claim: str = ""
    before: GuaranteeVerdict | None = None
    assumptions: tuple[AssumptionRow, ...] = ()
    counterexample: CounterexampleRow | None = None
    unknown: tuple[OpenReason, ...] = ()
    unseen: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Row) -> GuaranteeRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(
            name=row["name"],
            verdict=GuaranteeVerdict(row["verdict"]),
            claim=row.get("claim", ""),
            before=GuaranteeVerdict(row["before"]) if "before" in row else None,
            assumptions=tuple(map(AssumptionRow.from_row, row.get("assumptions", ()))),
            counterexample=CounterexampleRow.from_row(row["counterexample"]) if "counterexample" in row else None,
            unknown=tuple(map(OpenReason.from_row, row.get("unknown", ()))),
            unseen=tuple(row.get("unseen", ())),
            contradicted=tuple(row.get("contradicted", ())),
        )

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        row: dict[str, Any] = {"name": self.name}
        if self.claim:
            row["claim"] = self.claim
        row["verdict"] = str(self.verdict)
        row["assumptions"] = [assumption.as_row() for assumption in self.assumptions]
        if self.counterexample is not None:
            row["counterexample"] = self.counterexample.as_row()
        if self.unknown:
            row["unknown"] = [reason.as_row() for reason in self.unknown]
        row["unseen"] = list(self.unseen)
        if self.before is not None:
            row["before"] = str(self.before)
        if self.contradicted:
            row["contradicted"] = list(self.contradicted)
        return row

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

    def with_contradicted(self, texts: Iterable[str]) -> GuaranteeRow:
        """The row with more sentences about what Exchange did otherwise, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


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

    @classmethod
    def from_row(cls, row: Row) -> SideEffectRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(row["kind"], row["name"], row["now"])

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        return {"kind": self.kind, "name": self.name, "now": self.now}


@dataclass(frozen=True)
class DifferenceRow(ResultRow):
    """A class of mail that is treated differently. What does not apply is ``None``.

    :param text: what becomes of it, as a sentence.
    :param when: the mail, as conditions, and :param:`unless`: the mail that it leaves out.
    :param rules: the rules that treat it differently.
    :param arrives: how it arrives protected.
    :param every: whether all mail of the class is treated so.
    :param was: what all of it was, and :param:`becomes`: what it becomes.
    :param later: the rules behind the changed ones that decide.
    :param added: the person for whom a rule adds a copy.
    :param people: those whom it may reach.
    :param dates: when it may change: how a rule begins or ends, in two words, and the date.
    :param unknown: why it is only possible.
    :param before: what becomes of the copy of the witness now, and :param:`after`: after the plan.
    :param witness: a message of the class, and its recipient.
    :param contradicted: sentences about what Exchange did otherwise than is computed.
    :param summary: the sentence about all rows that a page sums up with it.
    """

    kind: DifferenceKind
    text: str
    when: Row
    rules: tuple[str, ...] = ()
    unless: Row | None = None
    arrives: str | None = None
    every: bool | None = None
    was: str | None = None
    becomes: str | None = None
    later: tuple[str, ...] | None = None
    added: str | None = None
    people: tuple[str, ...] | None = None
    dates: tuple[tuple[str, ...], ...] | None = None
    side_effects: tuple[SideEffectRow, ...] | None = None
    unknown: tuple[OpenReason, ...] | None = None
    before: Row | None = None
    after: Row | None = None
    witness: Row | None = None
    contradicted: tuple[str, ...] = ()
    summary: str | None = None

    @classmethod
    def from_row(cls, row: Row) -> DifferenceRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        side_effects, unknown = row.get("side_effects"), row.get("unknown")
        return cls(
            kind=DifferenceKind(row["kind"]),
            text=row["text"],
            when=row["when"],
            rules=tuple(row.get("rules", ())),
            unless=row.get("unless"),
            arrives=row.get("arrives"),
            every=row.get("every"),
            was=row.get("was"),
            becomes=row.get("becomes"),
            later=_tuple(row.get("later")),
            added=row.get("added"),
            people=_tuple(row.get("people")),
            dates=tuple(map(tuple, row["dates"])) if "dates" in row else None,
            side_effects=None if side_effects is None else tuple(map(SideEffectRow.from_row, side_effects)),
            unknown=None if unknown is None else tuple(map(OpenReason.from_row, unknown)),
            before=row.get("before"),
            after=row.get("after"),
            witness=row.get("witness"),
            contradicted=tuple(row.get("contradicted", ())),
            summary=row.get("summary"),
        )

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        row: dict[str, Any] = {"kind": str(self.kind), "text": self.text, "when": self.when}
        if self.unless is not None:
            row["unless"] = self.unless
        row["rules"] = list(self.rules)
        parts: dict[str, Any] = {
            "arrives": self.arrives,
            "every": self.every,
            "was": self.was,
            "becomes": self.becomes,
            "later": _list(self.later),
            "side_effects": _rows(self.side_effects),
            "unknown": _rows(self.unknown),
            "people": _list(self.people),
            "dates": None if self.dates is None else list(map(list, self.dates)),
            "before": self.before,
            "after": self.after,
            "added": self.added,
            "witness": self.witness,
            "summary": self.summary,
        }
        row |= {name: part for name, part in parts.items() if part is not None}
        if self.contradicted:
            row["contradicted"] = list(self.contradicted)
        return row

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

    def with_contradicted(self, texts: Iterable[str]) -> DifferenceRow:
        """The row with more sentences about what Exchange did otherwise, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


def _tuple(values: Collection[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _list(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _rows(parts: Iterable[SideEffectRow | OpenReason] | None) -> list[dict[str, Any]] | None:
    return None if parts is None else [part.as_row() for part in parts]
