# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies as copies of plain messages: what rules look for in the content, and no row shows, is not there.

What becomes of a copy that only its content leaves open is then known, with the rules that would have to find something in it
to treat it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..model.kleene import Open
from ..model.reason_kinds import UntracedKind
from .columns import bits_of
from .followed_copies import FollowedCopies
from .groups import CopyGroup
from .rule_matches import RuleMatches
from .truth_sets import answered


@dataclass(frozen=True)
class PlainGroup:
    """A group of copies as copies of plain messages.

    :param group: the same copies with the rules that these meet.
    :param settled: for each rule set, the places of the rules of which this settles whether they meet them, and what no row
        shows of their content.
    """

    group: CopyGroup
    settled: Sequence[dict[int, UntracedKind]]

    def deciding(self, about: int, followed: FollowedCopies, plain: FollowedCopies) -> list[int]:
        """The places of the rules that would have to find something else for the copies to be treated otherwise.

        :param about: the number of the rule set.
        :param followed: what becomes of the copies under it, and :param:`plain` of plain ones.
        """
        steps = {place for step in followed.steps for place in step.rules}
        end = plain.end_of_rules
        return [place for place in self.settled[about] if place in steps and (end is None or place <= end)]


def plain_group(group: CopyGroup, matches: RuleMatches, copies: int) -> PlainGroup | None:
    """A group as one of plain messages; ``None`` if that settles nothing of rules, and DLP rules leave nothing open.

    :param matches: the rules that the copies of the block match.
    :param copies: how many copies the block has.
    """
    here = bits_of(group.places, copies)
    numbers = {number for met in group.met for _place, doubt in met if doubt for number, _answer in doubt.asks}
    answers: dict[int, bool] = {}
    for number in numbers:
        plain = matches.of_plain_mail(number)
        if plain is not None and not plain.excepted & here:
            answers[number] = plain.answer
    open_to_dlp = any(isinstance(matches_rule, Open) for seen in group.dlp for matches_rule in seen.matches)
    if not answers and not open_to_dlp:
        return None
    met = []
    settled = []
    for of_set in group.met:
        remaining, known = answered(of_set, answers)
        met.append(remaining)
        settled.append(known)
    if not any(settled) and not open_to_dlp:
        return None
    return PlainGroup(replace(group, met=met, alike=("plain", group.alike)), settled)
