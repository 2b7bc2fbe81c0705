# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivered copy tells of the rules that it passed: those that would have kept it back did not match it.

So what such a rule asks, and no row shows, has an answer, whichever rules ask it. A rule tells that only of mail that came
when it and the rules before it were as they are now.

Source: Microsoft's page of the message trace. A copy in quarantine is called quarantined until it is released; what it is
called from then on is not documented, so a delivered copy may have been released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeAlias

from ..model.outcomes import Fate
from .chain import Chain
from .columns import Block, bits_of
from .rows import DELIVERED
from .truth_sets import RulesMet, answered, still_asked


@dataclass(frozen=True)
class ReportedRules:
    """What Exchange reports of rules on copies.

    :param copies: place of a rule to the copies on which it is reported: the message's key and the recipient.
    :param always: the places of the rules that are reported of each copy on which they act.
    :param last: when the newest copy was received of which anything is reported, in microseconds.
    """

    copies: Mapping[int, frozenset[tuple[str, str]]] = field(default_factory=dict)
    always: Set[int] = frozenset()
    last: int = -1

    def not_reported(self, place: int, fates: frozenset[Fate], block: Block) -> int:
        """The copies that a rule did not keep back, as far as reports say: a rule that may quarantine has to be reported of
        those that it did.

        :param fates: what becomes of copies that the rule keeps back.
        """
        if Fate.QUARANTINED in fates and place not in self.always:
            return 0
        reported = self.copies.get(place, frozenset())
        return bits_of(
            (
                number
                for number, time in enumerate(block.received)
                if (Fate.QUARANTINED not in fates or time <= self.last)
                and (block.text("message", number), block.text("recipient", number)) not in reported
            ),
            len(block),
        )


@dataclass(frozen=True)
class RulesInEffect:
    """The rules that were in effect when mail came.

    :param about: the number of their rule set among those that copies pass now.
    :param since: for each rule, by its place: since when it and all rules before it are as they are now, in microseconds;
        ``None`` if that is not known.
    :param reported: what Exchange reports of them; ``None`` if it was not asked. Then no copy counts as released from quarantine
        that no row calls so.
    """

    about: int
    since: Sequence[int | None]
    reported: ReportedRules | None = None

    def passed(self, chain: Chain, block: Block) -> Iterator[tuple[frozenset[int], int]]:
        """The places of the rules that would have kept some copies back, and these copies."""
        delivered = _delivered(block)
        came_since: dict[int, int] = {}
        places: dict[int, set[int]] = {}
        for place, fates in chain.keeping_back.items():
            since = self.since[place]
            if since is None:
                continue
            if since not in came_since:
                came = (number for number in delivered if block.received[number] >= since)
                came_since[since] = bits_of(came, len(block)) & ~block.made
            passed = came_since[since]
            if passed and self.reported is not None:
                passed &= self.reported.not_reported(place, fates, block)
            if passed:
                places.setdefault(passed, set()).add(place)
        yield from ((frozenset(of_copies), copies) for copies, of_copies in places.items())


def _delivered(block: Block) -> list[int]:
    """The places of the copies that were delivered."""
    statuses = {number for number, text in enumerate(block.texts["status"]) if text == DELIVERED}
    return [place for place, status in enumerate(block.status) if status in statuses]


def without_kept_back(met: Sequence[RulesMet], about: int, passed: frozenset[int], chain: Chain) -> Sequence[RulesMet]:
    """What delivered copies meet: none of the rules that would have kept them back.

    :param met: for each rule set and for the guarantees: the rules that they meet, and what is open of that.
    :param about: the number of the rule set that they passed, and :param:`chain` itself.
    :param passed: the places of its rules that would have kept them back.
    """
    told = _told_by_delivery(met[about], passed, chain)
    if told is None:
        return met
    answers, refuted = told
    remaining = (
        [(place, doubt) for place, doubt in of_set if not (doubt and _is_refuted(doubt.asks, refuted))]
        for of_set in met
    )
    return [answered(of_set, answers)[0] for of_set in remaining]


#: Questions with answers that do not all hold.
_Refuted: TypeAlias = list[frozenset[tuple[int, bool]]]


def _told_by_delivery(met: RulesMet, passed: frozenset[int], chain: Chain) -> tuple[dict[int, bool], _Refuted] | None:
    """What delivered copies tell of the questions that rules ask: the answers that are known, and those that do not all hold; ``None`` if
    they tell nothing, because the rules kept them back as far as is known.

    :param met: the rules that the copies meet, and :param:`passed` the places of those that would have kept them back.
    """
    answers: dict[int, bool] = {}
    refuted: _Refuted = []
    for place, doubt in met:
        asks = still_asked(doubt.asks, answers) if doubt else ()
        if asks is None or _is_refuted(asks, refuted):
            continue
        if place in passed and asks:
            refuted.append(frozenset(asks))
            answers.update({number: not answer for number, answer in asks if len(asks) == 1})
        elif place in passed and not (doubt and not doubt.asks):
            return None
        elif place not in chain.continuing:
            break
    return answers, refuted


def _is_refuted(asks: Sequence[tuple[int, bool]], refuted: _Refuted) -> bool:
    """Whether some answers do not all hold."""
    return any(clause <= {*asks} for clause in refuted)
