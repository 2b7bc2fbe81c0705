# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of an effect on mail: verdicts on guarantees, classes of mail that are treated differently, and what these
rest on.

A row is made of what the mail flow returns, or read from a document, and becomes the contract's mapping by ``as_row``.
What a row does not have is left out there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ..._mail_flow.analyses.aspects import DifferenceKind
from ..._mail_flow.analyses.judgment import Counterexample, GuaranteeVerdict, Judgment
from ..._mail_flow.wording.guarantees import copies_not_covered, counterexample_row, guarantee_rows
from ..._mail_flow.wording.summary import reasons_of, refutation, verdict_sentence

#: A row of a result, as the documentation of the modules describes it.
Row = Mapping[str, Any]


class _ReadRow:
    """A row that is read key by key. A key that no field has would be lost, so it is refused."""

    @classmethod
    def refuse_unknown(cls, row: Row) -> None:
        """Raises ValueError if a row has keys that are no fields."""
        unknown = row.keys() - {part.name for part in fields(cls)}  # type: ignore[arg-type]
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} in a row of {cls.__name__}")


@dataclass(frozen=True)
class AssumptionRow(_ReadRow):
    """What a proof assumes.

    :param text: as a sentence.
    :param mail: the mail that it leaves out; empty if it leaves out none.
    """

    id: str
    text: str
    mail: str = ""

    @classmethod
    def read(cls, row: Row) -> AssumptionRow:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
        cls.refuse_unknown(row)
        return cls(row["id"], row["text"], row.get("mail", ""))

    def as_row(self) -> dict[str, str]:
        """As results have it."""
        row = {"id": self.id, "text": self.text}
        return {**row, "mail": self.mail} if self.mail else row


@dataclass(frozen=True)
class OpenReason(_ReadRow):
    """Why something is unknown.

    :param id: the number of the open question, or another name.
    :param reason: what is unknown, as a clause.
    :param field: the key of a message or fact that it is about; empty if it is about none.
    :param settled_by: how to find out; ``None`` if nothing says so.
    """

    id: str
    reason: str
    field: str = ""
    settled_by: str | None = None

    @classmethod
    def read(cls, row: Row) -> OpenReason:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
        cls.refuse_unknown(row)
        return cls(row["id"], row["reason"], row.get("field", ""), row.get("settled_by"))

    def as_row(self) -> dict[str, str]:
        """As results have it."""
        row = {"id": self.id, "reason": self.reason}
        if self.field:
            row["field"] = self.field
        if self.settled_by is not None:
            row["settled_by"] = self.settled_by
        return row


@dataclass(frozen=True)
class GuaranteeRow(_ReadRow):
    """What is known of a guarantee.

    :param claim: what it says, as a clause; empty where even that is too complex.
    :param before: the verdict before the plan, where that is another one.
    :param counterexample: the message that refutes it, as ``mail_flow_test`` returns it.
    :param unknown: why it is neither proved nor refuted.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param contradicted: sentences about what Exchange did otherwise than is computed.
    """

    name: str
    verdict: GuaranteeVerdict
    claim: str = ""
    before: GuaranteeVerdict | None = None
    assumptions: tuple[AssumptionRow, ...] = ()
    counterexample: Row | None = None
    unknown: tuple[OpenReason, ...] = ()
    unseen: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()

    @classmethod
    def of_judgments(cls, judgments: Iterable[Judgment]) -> list[GuaranteeRow]:
        """What a judge knows of guarantees."""
        return list(map(cls.read, guarantee_rows(judgments)))

    @classmethod
    def read(cls, row: Row) -> GuaranteeRow:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
        cls.refuse_unknown(row)
        return cls(
            name=row["name"],
            verdict=GuaranteeVerdict(row["verdict"]),
            claim=row.get("claim", ""),
            before=GuaranteeVerdict(row["before"]) if "before" in row else None,
            assumptions=tuple(map(AssumptionRow.read, row.get("assumptions", ()))),
            counterexample=row.get("counterexample"),
            unknown=tuple(map(OpenReason.read, row.get("unknown", ()))),
            unseen=tuple(row.get("unseen", ())),
            contradicted=tuple(row.get("contradicted", ())),
        )

    def as_row(self) -> dict[str, Any]:
        """As results have it."""
        row: dict[str, Any] = {"name": self.name}
        if self.claim:
            row["claim"] = self.claim
        row["verdict"] = str(self.verdict)
        row["assumptions"] = [assumption.as_row() for assumption in self.assumptions]
        if self.counterexample is not None:
            row["counterexample"] = self.counterexample
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

    @property
    def sentence(self) -> str:
        """The verdict, as a sentence."""
        return verdict_sentence(self.as_row())

    @property
    def refutation(self) -> str:
        """The counterexample, as a sentence; there must be one."""
        return refutation(self.as_row())

    @property
    def copies_not_covered(self) -> list[str]:
        """The copies that rules make of its mail and that a proof does not cover, as sentences."""
        return copies_not_covered([self.as_row()])

    def reasons(self, most: int | None = None) -> str:
        """Why it is unknown whether it holds.

        :param most: the maximum number of reasons; by default all.
        """
        return reasons_of({"unknown": [reason.as_row() for reason in self.unknown]}, most)

    def assumes(self, id_: str) -> bool:
        """Whether its proof rests on an assumption."""
        return any(assumption.id == id_ for assumption in self.assumptions)

    def compared_with(self, before: GuaranteeVerdict) -> GuaranteeRow:
        """The row beside the verdict before a plan."""
        return self if before is self.verdict else replace(self, before=before)

    def broken_by(self, counterexample: Counterexample) -> GuaranteeRow:
        """The row with a message that breaks the guarantee."""
        return replace(self, counterexample=counterexample_row(counterexample))

    def with_contradicted(self, texts: Iterable[str]) -> GuaranteeRow:
        """The row with more sentences about what Exchange did otherwise, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


@dataclass(frozen=True)
class SideEffectRow(_ReadRow):
    """What rules do to mail beside protecting and delivering it.

    :param kind: the sort of effect.
    :param name: what it is about.
    :param now: whether it now happens; otherwise it no longer does.
    """

    kind: str
    name: Any
    now: bool

    @classmethod
    def read(cls, row: Row) -> SideEffectRow:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
        cls.refuse_unknown(row)
        return cls(row["kind"], row["name"], row["now"])

    def as_row(self) -> dict[str, Any]:
        """As results have it."""
        return {"kind": self.kind, "name": self.name, "now": self.now}


@dataclass(frozen=True)
class DifferenceRow(_ReadRow):
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
    arrives: Any = None
    every: bool | None = None
    was: str | None = None
    becomes: str | None = None
    later: tuple[str, ...] | None = None
    added: str | None = None
    people: tuple[str, ...] | None = None
    dates: tuple[Any, ...] | None = None
    side_effects: tuple[SideEffectRow, ...] | None = None
    unknown: tuple[OpenReason, ...] | None = None
    before: Row | None = None
    after: Row | None = None
    witness: Row | None = None
    contradicted: tuple[str, ...] = ()
    summary: str | None = None

    @classmethod
    def read(cls, row: Row) -> DifferenceRow:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
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
            dates=_tuple(row.get("dates")),
            side_effects=None if side_effects is None else tuple(map(SideEffectRow.read, side_effects)),
            unknown=None if unknown is None else tuple(map(OpenReason.read, unknown)),
            before=row.get("before"),
            after=row.get("after"),
            witness=row.get("witness"),
            contradicted=tuple(row.get("contradicted", ())),
            summary=row.get("summary"),
        )

    def as_row(self) -> dict[str, Any]:
        """As results have it."""
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
            "dates": _list(self.dates),
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

    def reasons(self) -> str:
        """Why it is only possible."""
        return reasons_of({"unknown": [reason.as_row() for reason in self.unknown or ()]})

    def with_contradicted(self, texts: Iterable[str]) -> DifferenceRow:
        """The row with more sentences about what Exchange did otherwise, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


@dataclass(frozen=True)
class Foundation(_ReadRow):
    """What a difference rests on beside rules and settings of IRM.

    :param kind: ``connector``, ``template``, ``group`` or ``observation``.
    :param name: its name, or the number of the open question that was answered.
    :param values: what of it counts.
    """

    kind: str
    name: str
    values: Row

    @classmethod
    def read(cls, row: Row) -> Foundation:
        """From a row. Raises KeyError, TypeError or ValueError if it is none."""
        cls.refuse_unknown(row)
        return cls(row["kind"], row["name"], row["values"])

    def as_row(self) -> dict[str, Any]:
        """As results have it."""
        return {"kind": self.kind, "name": self.name, "values": self.values}


def _tuple(values: Collection[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _list(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _rows(parts: Iterable[SideEffectRow | OpenReason] | None) -> list[dict[str, Any]] | None:
    return None if parts is None else [part.as_row() for part in parts]
