# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested for a goal: edits with what they change in mail, and what was tried."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..analyses.aspects import LOSSES, DifferenceKind
from ..analyses.difference import Difference
from ..analyses.finding import ChangedMail, MailFinding, MayChange
from ..analyses.judgment import Counterexample, GuaranteeVerdict, Judgment
from ..analyses.standings import SCOPES
from ..trace.reading import Window
from ..trace.replay import CopyCount
from .advice import Advice
from .aims import EXCEPTION, MOVE, Rule, RuleEdit, name_of, only_stops
from .connector_edits import ConnectorEdit
from .draft_fit import DraftFit


@dataclass(frozen=True)
class SearchEffort:
    """What was tried for a goal.

    :param edits: how many single edits, and :param:`pairs` how many pairs.
    :param undecided: for how many of these that the simulator let pass neither a proof nor a counterexample was found.
    :param complete: whether nothing was left to try; otherwise the budget was spent, or enough was found.
    """

    edits: int = 0
    pairs: int = 0
    undecided: int = 0
    complete: bool = True


@dataclass(frozen=True)
class TraceEffect:
    """What the edits would have changed for the copies of a trace.

    :param copies: how many there are.
    :param changes: kind of difference to copies.
    """

    window: Window | None
    copies: int
    changes: Mapping[DifferenceKind, CopyCount]


@dataclass(frozen=True)
class Suggestion:
    """Edits after which a goal is met, and everything that held before still holds.

    :param rules: all rules, first to last.
    :param difference: what they change in mail, and :param:`unwanted_changes` what of that goes beyond what was asked
        for.
    :param until: the day on which a copy that shows the question is treated wrongly again, because a rule begins or
        ends then; ``None`` if there is none.
    :param left_open: of edits after which the guarantee is kept for the message that refuted it, and not, or perhaps
        not, for all mail: the verdict then; ``None`` if the goal is met.
    :param settled: the verdict on a guarantee that nothing refutes, and that is proved after the edits; ``None`` for others.
    :param connector: the edit of an outbound connector that it is instead; ``None`` for edits of rules.
    :param blurs: whether it is unknown then of a copy that a rule makes, and that breaks the guarantee at present, whether it
        still does.
    :param replay: what they would have changed for the copies of a trace; ``None`` where there is none.
    :param fit: how the rules that are edited fit what the goal is about.
    :param delivers: what it surely delivers that a rule keeps back, where the goal does not ask for delivery. Copies that a
        rule adds are no such mail.
    :param lesser_losses: those of its losses that are no reason to prefer a worse edit, see ``lesser_losses.py``.
    :param puts_right: messages that break the guarantee and keep it after the edits: what shows the question first, and
        of each further edit one that needs it.
    """

    edits: tuple[RuleEdit, ...]
    rules: tuple[Rule, ...]
    difference: Difference
    unwanted_changes: tuple[MailFinding, ...]
    until: datetime.date | None = None
    left_open: Judgment | None = None
    settled: Judgment | None = None
    connector: ConnectorEdit | None = None
    fit: DraftFit = field(default_factory=DraftFit)
    delivers: tuple[MailFinding, ...] = ()
    lesser_losses: tuple[MailFinding, ...] = ()
    puts_right: tuple[Counterexample, ...] = ()
    blurs: bool = False
    replay: TraceEffect | None = None

    @property
    def losses(self) -> tuple[MailFinding, ...]:
        """The mail that is worse off, although nobody asked for that."""
        return tuple(finding for finding in self.unwanted_changes if finding.kind in LOSSES)

    @property
    def grave_losses(self) -> list[MailFinding]:
        """Losses without the lesser ones, those of TLS that are shown by mail which is then encrypted, by an edited rule if it was
        before, and those of delivery by rules that are meant to keep the mail back. None where stops that are meant for the
        mail go before others.
        """
        if self.moves_meant_stops:
            return []
        edited = {edit.rule for edit in self.edits}
        meant = DifferenceKind.DELIVERY_LOST if self.fit.withholds else None
        losses = [finding for finding in self.losses if finding not in self.lesser_losses and finding.kind is not meant]
        return [finding for finding in losses if not _is_made_up_for(finding, edited)]

    @property
    def changes(self) -> list[MailFinding]:
        """What changes, the class of mail that is the widest by its conditions first: what somebody who agrees to the
        edits has to know. What is certain goes before what is only possible.
        """
        widest_first = sorted(self.difference.findings, key=width_by_conditions, reverse=True)
        return sorted(widest_first, key=lambda finding: isinstance(finding, MayChange))

    @property
    def surely_unwanted(self) -> list[MailFinding]:
        """What certainly changes beside what the edits are for."""
        return [finding for finding in self.unwanted_changes if not isinstance(finding, MayChange)]

    @property
    def is_refuted(self) -> bool:
        """Whether mail surely breaks the guarantee also after the edits."""
        return self.left_open is not None and self.left_open.verdict is GuaranteeVerdict.REFUTED

    @property
    def how_open(self) -> int:
        """How much it leaves open: nothing, questions, or mail that surely breaks the guarantee."""
        return (self.left_open is not None) + self.is_refuted

    @property
    def delivers_stopped_mail(self) -> bool:
        """Whether it delivers unprotected mail that a rule keeps back, and does more than move stops that are meant for the mail."""
        return any(map(_is_shown_in_clear, self.delivers)) and not self.moves_meant_stops

    @property
    def moves_meant_stops(self) -> bool:
        """Whether its edits only move rules that do nothing but stop, and are meant for the mail, or take out what they exempt:
        what later rules no longer do for it is what they are for.
        """
        if not self.fit.of_meant_rules or not {edit.kind for edit in self.edits} <= {MOVE, EXCEPTION}:
            return False
        edited = {edit.rule for edit in self.edits}
        return all(only_stops(rule) for rule in self.rules if name_of(rule) in edited)


@dataclass(frozen=True)
class OpposedGuarantee:
    """A guarantee that is not refuted, and that no rules can keep together with a goal.

    :param guarantee: its name.
    :param holds: whether it is proved; otherwise it is unknown.
    :param shown: a message that arrives in clear and that both are about: one wants it protected if it is delivered, the
        other one delivered without protection by rules.
    :param unless: the exceptions of the goal, in the form of a rule's, with which it leaves out the mail of the other
        one; empty if one condition does not say that mail.
    """

    guarantee: str
    holds: bool
    shown: Counterexample
    unless: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GoalSuggestions:
    """What is suggested for a goal.

    :param name: the name of the guarantee or of the message.
    :param suggestions: those that change the least mail beside what was asked for first; none if no one or two edits
        were found.
    :param tried: what the search for them took.
    :param forbidding: guarantees that hold and that edits would break which put the message right, those that forbid most
        first; empty if there are suggestions that put all right.
    :param advice: what helps more than an edit of rules does; ``None`` if that is not known.
    :param contradiction: why no edit can help; ``None`` if that is not known.
    """

    name: str
    suggestions: tuple[Suggestion, ...] = ()
    tried: SearchEffort = SearchEffort()
    forbidding: tuple[str, ...] = ()
    advice: Advice | None = None
    contradiction: OpposedGuarantee | None = None


def _is_shown_in_clear(finding: MailFinding) -> bool:
    """Whether a finding is not known to be of mail that is protected after the edits, such as what arrives so."""
    after = finding.sides.get("after") if isinstance(finding, ChangedMail) else None
    return after is None or after.is_in_clear


def _is_made_up_for(finding: MailFinding, edited: Collection[str]) -> bool:
    """Whether a finding is that mail leaves with less TLS, and is shown by a message that is then encrypted.

    :param edited: the names of the rules of which one encrypts it, if it was encrypted before.
    """
    if finding.kind is not DifferenceKind.TRANSIT_LOST or not isinstance(finding, ChangedMail):
        return False
    before, after = (finding.sides.get(side) for side in ("before", "after"))
    if not (before and after and after.is_delivered) or after.is_in_clear:
        return False
    return before.is_in_clear or any(rule in edited for rule in after.protected_by)


def width_by_conditions(finding: MailFinding) -> tuple[int, int, int]:
    """How wide a class of mail is by its conditions: those on more than who is inside or outside count first, then all,
    then what it excludes.
    """
    telling = [option for option in finding.when if option not in SCOPES]
    return -len(telling), -len(finding.when), -len(finding.unless)


def width_by_values(finding: MailFinding) -> int:
    """How wide a class of mail is by the number of its conditions' values."""
    conditions = [*finding.when.values(), *finding.unless.values()]
    return sum(len(values) if isinstance(values, list) else 1 for values in conditions)
