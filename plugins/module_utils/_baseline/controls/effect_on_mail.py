# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: from the preflight through plan and report to the pages, in one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from ..._engine.plan import Change, Impact
from ..._mail_flow.analyses.aspects import DifferenceKind
from ..._mail_flow.wording.encrypters import EncrypterRow
from ..._mail_flow.wording.evidence_row import EvidenceOrRemark, evidence_or_remark
from ..._mail_flow.wording.lint import LintRow
from ..._mail_flow.wording.observed import ObservedRow, observed_row
from ..._mail_flow.wording.overview import CellRow
from ..._mail_flow.wording.plans import ForeignRow, TrialRow
from ..._mail_flow.wording.replay_row import ReplayOrRemark, replay_or_remark
from ..._mail_flow.wording.result_rows import DifferenceRow, GuaranteeRow
from ..._mail_flow.wording.row import ResultRow, Row
from ..._mail_flow.wording.suggestion_row import SuggestionRow
from ..._mail_flow.wording.unseen import unseen_lines
from ..._resources.rules.impact import of_all_outgoing
from ..._resources.rules.organization_rules import RULE
from .foundation import Foundation


@dataclass(frozen=True)
class _Written:
    """How a field of :class:`EffectOnMail` is written.

    :param form: the type of its written value.
    :param rows: whether that is a list of rows.
    :param read: makes a row of a written one; ``None`` for what is as it is written.
    :param if_known: whether it is written wherever it is not ``None``; otherwise where it is not empty.
    :param beside: the field beside which it is written, whatever its value is; empty if it is written for itself.
    """

    form: type
    rows: bool = False
    read: Callable[[Row], ResultRow] | None = None
    if_known: bool = False
    beside: str = ""


#: The metadata of fields.
_OBSERVED = {"written": _Written(list, rows=True, read=observed_row)}
_DIFFERENCE = {"written": _Written(list, rows=True, read=DifferenceRow.from_row, if_known=True)}
_FOUNDATIONS = {"written": _Written(list, rows=True, read=Foundation.from_row)}
_LINT = {"written": _Written(list, rows=True, read=LintRow.from_row)}
_REACH = {"written": _Written(list, rows=True, read=CellRow.from_row)}
_ENCRYPTERS = {"written": _Written(list, rows=True, read=EncrypterRow.from_row)}
_SUGGESTIONS = {"written": _Written(list, rows=True, read=SuggestionRow.from_row)}
_FOREIGN = {"written": _Written(list, rows=True, read=ForeignRow.from_row)}
_TRIALS = {"written": _Written(list, rows=True, read=TrialRow.from_row)}
_GUARANTEES = {"written": _Written(list, rows=True, read=GuaranteeRow.from_row)}
_TEXTS = {"written": _Written(list)}
_TEXTS_IF_KNOWN = {"written": _Written(list, if_known=True)}
_REPLAY = {"written": _Written(Mapping, read=replay_or_remark)}
_EVIDENCE = {"written": _Written(Mapping, read=evidence_or_remark)}
_BESIDE_DIFFERENCE = {"written": _Written(int, beside="difference")}


@dataclass(frozen=True)
class EffectOnMail:
    """What a plan does to mail. Its fields are the keys of ``mail`` in a plan and in a report, which have those that say
    something.

    :param difference: the classes of mail that are treated differently, most important first; ``None`` if the plan
        changes nothing that decides about mail, or if what decides cannot be read.
    :param difference_more: how many more classes there are at least.
    :param rests_on: what the difference depends on beside rules and settings of IRM.
    :param guarantees: the verdicts.
    :param lint: remarks about the rules.
    :param foreign: the rules that are not ours.
    :param replay: what would have become of the mail of the last days, or why that is not known.
    :param evidence: what Exchange reports of rules, or why that is not known.
    :param trials: what each rule on trial would do if it were enforced.
    :param suggestions: edits of rules that would put guarantees right.
    :param reach: which mail to people outside is protected after the plan.
    :param encrypters: who encrypts what today.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told; ``None`` if nothing
        here says how mail is protected.
    :param observed: what was observed in the organization and counts, and what does not count, as ``mail_flow_test``
        returns it.
    :param untested: the controls that would have tested whether encryption works.
    """

    difference: tuple[DifferenceRow, ...] | None = field(default=None, metadata=_DIFFERENCE)
    difference_more: int = field(default=0, metadata=_BESIDE_DIFFERENCE)
    rests_on: tuple[Foundation, ...] = field(default=(), metadata=_FOUNDATIONS)
    guarantees: tuple[GuaranteeRow, ...] = field(default=(), metadata=_GUARANTEES)
    lint: tuple[LintRow, ...] = field(default=(), metadata=_LINT)
    foreign: tuple[ForeignRow, ...] = field(default=(), metadata=_FOREIGN)
    replay: ReplayOrRemark | None = field(default=None, metadata=_REPLAY)
    evidence: EvidenceOrRemark | None = field(default=None, metadata=_EVIDENCE)
    trials: tuple[TrialRow, ...] = field(default=(), metadata=_TRIALS)
    suggestions: tuple[SuggestionRow, ...] = field(default=(), metadata=_SUGGESTIONS)
    reach: tuple[CellRow, ...] = field(default=(), metadata=_REACH)
    encrypters: tuple[EncrypterRow, ...] = field(default=(), metadata=_ENCRYPTERS)
    unseen: tuple[str, ...] | None = field(default=None, metadata=_TEXTS_IF_KNOWN)
    observed: tuple[ObservedRow, ...] = field(default=(), metadata=_OBSERVED)
    untested: tuple[str, ...] = field(default=(), metadata=_TEXTS)

    @classmethod
    def read(cls, document: Any) -> EffectOnMail:
        """From the written form. Raises ValueError if it is none."""
        if not isinstance(document, Mapping) or not _WRITTEN.keys() >= document.keys():
            raise ValueError("its effects on mail are not a mapping")
        if any(how.beside and (name in document) != (how.beside in document) for name, how in _WRITTEN.items()):
            raise ValueError("its effects on mail have one side of a difference only")
        for name, value in document.items():
            if not isinstance(value, _WRITTEN[name].form):
                raise ValueError(f"{name} in its effects on mail has the wrong type")
            if _WRITTEN[name].rows and not all(isinstance(row, Mapping) for row in cast(list[Any], value)):
                raise ValueError("a row in its effects on mail has the wrong type")
        try:
            parts: dict[str, Any] = {name: _read(value, _WRITTEN[name]) for name, value in document.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError("a row in its effects on mail lacks a part, or has one that is none") from error
        return cls(**parts)

    def as_dict(self) -> dict[str, Any]:
        """The written form: what says something."""
        return {
            name: _as_written(getattr(self, name), how) for name, how in _WRITTEN.items() if self._is_written(name, how)
        }

    def _is_written(self, name: str, how: _Written) -> bool:
        if how.beside:
            return self._is_written(how.beside, _WRITTEN[how.beside])
        value = getattr(self, name)
        return value is not None if how.if_known else bool(value)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return self != EffectOnMail()

    @property
    def unseen_lines(self) -> list[str]:
        """What its verdicts do not see, and what was not tested."""
        return unseen_lines(self.unseen or (), untested=self.untested)

    @property
    def verdicts_are_shown(self) -> bool:
        """Whether the last lines of a run rest on how mail is protected."""
        return bool(self.guarantees or self.trials or self.replay or self.evidence)

    @property
    def says_how_protected(self) -> bool:
        """Whether anything in it, on a terminal or a page, says how mail is protected."""
        shown = self.suggestions or self.reach or self.encrypters or self.difference is not None
        return self.verdicts_are_shown or bool(shown)


def _read(value: Any, how: _Written) -> Any:
    """The value of a field from its written form."""
    if how.read is not None:
        return tuple(map(how.read, value)) if how.rows else how.read(value)
    return tuple(value) if isinstance(value, list) else value


def _as_written(value: Any, how: _Written) -> Any:
    """The written form of the value of a field."""
    if how.read is not None:
        return [row.as_row() for row in value] if how.rows else value.as_row()
    return list(value) if isinstance(value, tuple) else value


#: What does nothing to mail.
NO_EFFECT = EffectOnMail()

#: The name of each field to how it is written.
_WRITTEN: Mapping[str, _Written] = {part.name: part.metadata["written"] for part in fields(EffectOnMail)}


#: What a class of the difference does to people. All others affect some mail.
IMPACTS: Mapping[DifferenceKind, Impact] = {
    DifferenceKind.PROTECTION_LOST: Impact.IN_CLEAR,
    DifferenceKind.TRANSIT_LOST: Impact.IN_CLEAR,
    DifferenceKind.DELIVERY_LOST: Impact.REJECTS,
}


def impact_of(change: Change, mail: EffectOnMail) -> Impact:
    """The impact of a change on people. For a rule, the worst effect on mail that the difference attributes to it;
    removing a rule always deletes.

    :param mail: what the plan does to mail.
    """
    if change.resource != RULE or mail.difference is None or mail.difference_more:
        # Where not all of the effect on mail is known, what the rule alone tells is better than nothing.
        return change.impact
    impacts = [_impact(row) for row in mail.difference if change.identity in row.rules]
    worst = [Impact.DELETES] if change.impact is Impact.DELETES else []
    return min([*impacts, *worst], key=list(Impact).index, default=Impact.NONE)


def _impact(row: DifferenceRow) -> Impact:
    if row.kind in IMPACTS:
        return IMPACTS[row.kind]
    return Impact.ALL_OUTGOING if row.every and of_all_outgoing(row.when) else Impact.SOME_MAIL
