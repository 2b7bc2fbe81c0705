# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: from the preflight through plan and report to the pages, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..._engine.plan import Change, Impact
from ..._mail_flow.analyses.aspects import DifferenceKind
from ..._mail_flow.wording.encrypters import EncrypterRow
from ..._mail_flow.wording.evidence_row import EvidenceResultRow, evidence_result_row_of
from ..._mail_flow.wording.lint import LintRow
from ..._mail_flow.wording.observed import ObservedRow, observed_row
from ..._mail_flow.wording.overview import CellRow
from ..._mail_flow.wording.plans import ForeignRow, TrialRow
from ..._mail_flow.wording.replay_row import ReplayResultRow, replay_result_row_of
from ..._mail_flow.wording.result_rows import DifferenceRow, GuaranteeRow
from ..._mail_flow.wording.row import ResultRow, Row, as_list, codec, row_by, rows_by, rows_of
from ..._mail_flow.wording.suggestion_row import SuggestionRow
from ..._mail_flow.wording.unseen import unseen_lines
from ..._resources.rules.impact import of_all_outgoing
from ..._resources.rules.organization_rules import RULE
from .foundation import Foundation


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number")
    return value


@dataclass(frozen=True)
class EffectOnMail(ResultRow):
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
    :param encrypters: what encrypts which mail today.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told; ``None`` if nothing
        here says how mail is protected.
    :param observed: what was observed in the organization and counts, and what does not count, as ``mail_flow_test``
        returns it.
    :param untested: the controls that would have tested whether encryption works.
    """

    difference: tuple[DifferenceRow, ...] | None = field(default=None, metadata=rows_of(DifferenceRow))
    difference_more: int = field(default=0, metadata=codec(_number, always=True))
    rests_on: tuple[Foundation, ...] = field(default=(), metadata=rows_of(Foundation))
    guarantees: tuple[GuaranteeRow, ...] = field(default=(), metadata=rows_of(GuaranteeRow))
    lint: tuple[LintRow, ...] = field(default=(), metadata=rows_of(LintRow))
    foreign: tuple[ForeignRow, ...] = field(default=(), metadata=rows_of(ForeignRow))
    replay: ReplayResultRow | None = field(default=None, metadata=row_by(replay_result_row_of))
    evidence: EvidenceResultRow | None = field(default=None, metadata=row_by(evidence_result_row_of))
    trials: tuple[TrialRow, ...] = field(default=(), metadata=rows_of(TrialRow))
    suggestions: tuple[SuggestionRow, ...] = field(default=(), metadata=rows_of(SuggestionRow))
    reach: tuple[CellRow, ...] = field(default=(), metadata=rows_of(CellRow))
    encrypters: tuple[EncrypterRow, ...] = field(default=(), metadata=rows_of(EncrypterRow))
    unseen: tuple[str, ...] | None = field(default=None, metadata=as_list())
    observed: tuple[ObservedRow, ...] = field(default=(), metadata=rows_by(observed_row))
    untested: tuple[str, ...] = field(default=(), metadata=as_list())

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The values of a row. Raises ValueError if they are none of this kind."""
        effect = super().from_row(row)
        if ("difference_more" in row) != (effect.difference is not None):
            raise ValueError(f"{cls.__name__}: one side of a difference only")
        return effect

    def as_row(self) -> dict[str, Any]:
        """The row of results: what says something. What is known of a difference says how much of it is left out."""
        row = super().as_row()
        if self.difference is None:
            del row["difference_more"]
        return row

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


#: What does nothing to mail.
NO_EFFECT = EffectOnMail()

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
