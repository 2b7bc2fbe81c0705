# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of several rule sets would change for the copies of a trace, in one pass over its rows. Private to the
collection.

A rule is decided once for all rule sets that have it. A rule set whose rules a copy meets in the same order as the
present ones changes nothing for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.chain import Chain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.groups import CopyGroup, Sorter
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import (
    Changes,
    remembered_changes,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace, left_out
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.to_message import Unknown


@dataclass(frozen=True)
class CopyCount:
    """How many copies are, and how many more may be, treated differently in one way."""

    certain: int
    possible: int


def alternatives(present: RuleSet, others: Sequence[RuleSet], facts: Facts, trace: Trace) -> list[dict[str, CopyCount]]:
    """What each of some other rule sets would change: kind of difference to copies, the most important first.

    The same is assumed as for a replay.
    """
    if not others:
        return []
    chains = [Chain(RuleSet.read(rules, facts.dialect), facts) for rules in (present, *others)]
    rules: dict[Hashable, FlowRule] = {}
    now, *then = (_Ordered(chain, rules) for chain in chains)
    every = copy(chains[0].rules)
    every.rules = tuple(replace(rule, place=number) for number, rule in enumerate(rules.values()))
    pool = Chain(every, facts)
    pairs = [_Pair(now, other, frozenset(now.chain.identities) & frozenset(other.chain.identities)) for other in then]
    for block in blocks_of(trace):
        kept = [not left_out(block.text("status", place), block.text("sender", place)) for place in range(len(block))]
        sorter = Sorter(block, facts, [pool])
        for group in sorter.groups(kept):
            for pair in pairs:
                pair.add(group, sorter)
    return [
        {
            kind: CopyCount(pair.certain[kind], pair.possible[kind])
            for kind in KINDS
            if pair.certain[kind] or pair.possible[kind]
        }
        for pair in pairs
    ]


class _Ordered:
    """A rule set, with the numbers of its rules among those of all rule sets.

    :param rules: all of these so far; those that are new are added. A rule that is there twice counts twice, as what it
        does may add up.
    """

    def __init__(self, chain: Chain, rules: dict[Hashable, FlowRule]) -> None:
        self.chain = chain
        times: Counter[Hashable] = Counter()
        keys = []
        for identity, rule in zip(chain.identities, chain.rules.rules, strict=True):
            times[identity] += 1
            keys.append((identity, times[identity]))
            rules.setdefault(keys[-1], rule)
        known = {key: number for number, key in enumerate(rules)}
        self.places = {known[key]: place for place, key in enumerate(keys)}

    def met(self, found: Sequence[tuple[int, Unknown | None]]) -> list[tuple[int, int, Unknown | None]]:
        """The places of the rules that copies meet, first to last, their numbers, and why that is open.

        :param found: the numbers of all rules that they meet, and why that is open.
        """
        return sorted(
            ((self.places[number], number, why) for number, why in found if number in self.places),
            key=lambda each: each[0],
        )


@dataclass
class _Pair:
    """What one rule set changes.

    :param common: the identities of the rules that both rule sets have.
    """

    now: _Ordered
    then: _Ordered
    common: frozenset[Hashable]
    certain: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=remembered_changes)

    def add(self, group: CopyGroup, sorter: Sorter) -> None:
        """Counts the copies of a group."""
        sides = [(side.chain, side.met(group.met[0])) for side in (self.now, self.then)]
        before, after = ([(number, why) for _place, number, why in met] for _chain, met in sides)
        if before == after:
            return
        message, person = sorter.message(group.places[0])
        steps = [
            (chain, chain.steps([(place, why) for place, _number, why in met], self.common)) for chain, met in sides
        ]
        now, then = (chain.passed(each, message, person, group.alike) for chain, each in steps)
        certain, possible = self.changes(now, then)
        if group.brought:
            certain, possible = frozenset(), certain | possible
        self.certain.update(dict.fromkeys(certain, len(group.places)))
        self.possible.update(dict.fromkeys(possible, len(group.places)))
