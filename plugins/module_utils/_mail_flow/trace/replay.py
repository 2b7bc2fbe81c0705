# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to the copies of a trace, in numbers, and what other rule sets would change.

Two things are assumed because no row says them: a message arrives in clear, and is an ordinary one, not an automatic
reply or meeting item.

Of several rule sets, a rule is decided once for all that have it. A rule set whose rules a copy meets in the same order
as the present ones changes nothing for it.
"""

from __future__ import annotations

import datetime
from bisect import insort
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from ..analyses.difference_kinds import is_open, kinds_of
from ..analyses.finding import KINDS
from ..analyses.verifier import claims_of
from ..input.guarantee_options import Guarantee
from ..model.addresses import domain
from ..model.facts import Facts
from ..model.rules import FlowRule, RuleSet
from ..symbolic.witness_replay import surely_breaks, surely_keeps
from .chain import MOST_KNOWN, Chain, ChainOutcome, Passed
from .columns import Block, blocks_of
from .groups import CopyGroup, Sorter
from .planes import Unknown
from .rows import Trace, instant_of, left_out

#: The kinds of change between what happens to copies before and after that are certain, and those that are possible.
Changes: TypeAlias = Callable[[Passed, Passed], tuple[frozenset[str], frozenset[str]]]

#: How a copy counts in the tables of days and domains.
PROTECTED, CLEAR, UNDECIDED, NOT_DELIVERED = COVERAGE = ("protected", "clear", "undecided", "not_delivered")

#: The maximum number of pairs of worlds to compare for equal copies; beyond that, a change is possible.
_MOST_PAIRS = 4096


@dataclass(frozen=True, order=True)
class Example:
    """A copy as an example in a result, newest first."""

    age: int
    sender: str
    recipient: str
    subject: str

    def described(self) -> dict[str, str]:
        """As results have it."""
        return {
            "from": self.sender,
            "to": self.recipient,
            "subject": self.subject,
            "received": instant_of(-self.age).isoformat().replace("+00:00", "Z"),
        }


@dataclass
class Tally:
    """Some copies, counted.

    :param certain: recipient's domain to copies, and so :param:`possible`.
    :param rules: names of rules, in the order of the rules.
    """

    certain: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    senders: set[int] = field(default_factory=set)
    rules: dict[str, None] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)


@dataclass
class Tallies:
    """What was counted.

    :param outcomes: fate, protection and the rules that protect, to copies; :param:`undecided` the reason.
    :param left_out: reason to copies; :param:`perhaps_twice` see :class:`Trace`.
    :param difference: kind to copies.
    :param kept: guarantee's name to the copies that keep it, and so the others.
    :param days: day and how the copy counts (:data:`COVERAGE`) to copies, and :param:`domains`.
    :param assumed: the numbers of the guesses that were taken for answers.
    :param changed: the copies with a difference of any kind, each once; :param:`unsized` whether one has no size.
    """

    copies: int = 0
    messages: int = 0
    recipients: int = 0
    outcomes: dict[tuple[str, str, tuple[str, ...]], Tally] = field(default_factory=dict)
    undecided: dict[Unknown, Tally] = field(default_factory=dict)
    perhaps_twice: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    difference: dict[str, Tally] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Tally] = field(default_factory=dict)
    unsettled: Counter[str] = field(default_factory=Counter)
    days: Counter[tuple[datetime.date, str]] = field(default_factory=Counter)
    domains: Counter[tuple[str, str]] = field(default_factory=Counter)
    assumed: set[str] = field(default_factory=set)
    changed: Tally = field(default_factory=Tally)
    unsized: bool = False


class Replay:
    """Passes copies through rules.

    :param rules: the rules, and :param:`before` others to compare them with.
    :param facts_before: the facts about the organization under the others.
    :param examples: the number of copies that each row names.
    """

    def __init__(
        self,
        rules: RuleSet,
        facts: Facts,
        before: RuleSet | None = None,
        facts_before: Facts | None = None,
        guarantees: Sequence[Guarantee] = (),
        examples: int = 0,
    ) -> None:
        self.facts, self.guarantees, self.examples = facts, guarantees, examples
        self.chains = [
            Chain(RuleSet.read(rules, facts.dialect), facts),
            *([Chain(RuleSet.read(before, facts.dialect), facts_before or facts)] if before is not None else []),
        ]
        self._claims = claims_of([each.selection for each in guarantees], facts.dialect).rules
        self._common = frozenset.intersection(*(frozenset(chain.identities) for chain in self.chains))
        self._changes = remembered_changes()

    def run(self, trace: Trace) -> Tallies:
        """What happens to the copies of a trace."""
        found = Tallies(
            copies=len(trace),
            messages=len(trace.texts["message"].listed),
            recipients=len(trace.texts["recipient"].listed),
            perhaps_twice=trace.perhaps_twice,
        )
        found.broken = {each.name: Tally() for each in self.guarantees}
        for block in blocks_of(trace):
            self._add(block, found)
        return found

    def _add(self, block: Block, found: Tallies) -> None:
        reasons = [left_out(block.text("status", place), block.text("sender", place)) for place in range(len(block))]
        found.left_out.update(filter(None, reasons))
        found.unsized |= any(size < 0 and not reason for size, reason in zip(block.size, reasons, strict=True))
        sorter = Sorter(block, self.facts, self.chains, self._claims)
        domains = {number: domain(block.texts["recipient"][number]) for number in set(block.recipient)}
        for group in sorter.groups([not reason for reason in reasons]):
            message, person = sorter.message(group.places[0])
            passed = [
                chain.passed(chain.steps(met, self._common), message, person, group.alike)
                for chain, met in zip(self.chains, group.met, strict=False)
            ]
            here = Counter(domains[block.recipient[place]] for place in group.places)
            self._count(passed[0], group, here, block, found)
            if len(passed) > 1:
                self._compare(passed, group, here, block, found)
            self._judge(passed[0], group, here, block, found)
        found.assumed |= sorter.conditions.assumed

    def _count(self, passed: Passed, group: CopyGroup, here: Counter[str], block: Block, found: Tallies) -> None:
        outcome = passed.outcome
        protection = str(outcome.get("protection") or "")
        if passed.undecided or group.brought:
            how = UNDECIDED
            why, places = (group.brought, ()) if group.brought and not passed.undecided else passed.because
            tally = found.undecided.setdefault(why, Tally())
            tally.rules.update(dict.fromkeys(self.chains[0].rules.rules[place].name for place in places))
        else:
            how = NOT_DELIVERED if outcome["fate"] != "delivered" else CLEAR if protection == "none" else PROTECTED
            key = (str(outcome["fate"]), protection, tuple(outcome.get("protected_by") or ()))
            tally = found.outcomes.setdefault(key, Tally())
        self._add_to(tally, here, group, block)
        for name, count in here.items():
            found.domains[name, how] += count
        for day, count in Counter(block.received[place] // 86_400_000_000 for place in group.places).items():
            found.days[instant_of(day * 86_400_000_000).date(), how] += count

    def _compare(
        self, passed: Sequence[Passed], group: CopyGroup, here: Counter[str], block: Block, found: Tallies
    ) -> None:
        after, before = passed
        certain, possible = self._changes(before, after)
        if group.brought:
            certain, possible = frozenset(), certain | possible
        names = self._differing(group)
        if certain or possible:
            (found.changed.certain if certain else found.changed.possible).update(here)
        for kind in certain | possible:
            tally = found.difference.setdefault(kind, Tally())
            tally.rules.update(dict.fromkeys(names))
            self._add_to(tally, here, group, block, certain=kind in certain)

    def _differing(self, group: CopyGroup) -> list[str]:
        """The names of the rules that copies meet under one rule set but not, or not in the same way, under the other."""
        met = [
            {(chain.identities[place], why): chain.rules.rules[place] for place, why in each}
            for chain, each in zip(self.chains, group.met, strict=False)
        ]
        return [rule.name for one, other in (met, met[::-1]) for what, rule in one.items() if what not in other]

    def _judge(self, passed: Passed, group: CopyGroup, here: Counter[str], block: Block, found: Tallies) -> None:
        """Counts who keeps the guarantees about these copies."""
        for place, why in group.met[len(self.chains)]:
            guarantee = self.guarantees[place]
            asked = (passed.way.course, guarantee, passed.way.message, self.facts)
            if surely_keeps(*asked) and not group.brought:
                found.kept[guarantee.name] += len(group.places)
            elif why is None and surely_breaks(*asked) and not group.brought:
                self._add_to(found.broken[guarantee.name], here, group, block)
            else:
                found.unsettled[guarantee.name] += len(group.places)

    def _add_to(
        self, tally: Tally, here: Counter[str], group: CopyGroup, block: Block, *, certain: bool = True
    ) -> None:
        (tally.certain if certain else tally.possible).update(here)
        tally.senders.update(block.sender[place] for place in group.places)
        for place in group.places if self.examples else ():
            if len(tally.examples) < self.examples or -block.received[place] <= tally.examples[-1].age:
                insort(
                    tally.examples,
                    Example(
                        -block.received[place],
                        *(block.text(name, place) for name in ("sender", "recipient", "subject")),
                    ),
                )
                del tally.examples[self.examples :]


def remembered_changes() -> Changes:
    """Tells which kinds of change of copies between two rule sets are certain, and which are possible. Remembers the
    last ones.
    """
    known = lru_cache(maxsize=MOST_KNOWN)(_changes_of)

    def changes_of(before: Passed, after: Passed) -> tuple[frozenset[str], frozenset[str]]:
        if before.asks == after.asks:
            return frozenset(), frozenset()
        same = ((after.asked[asks], number) for asks, number in before.asked.items() if asks in after.asked)
        return known(before.way, after.way, tuple(same))

    return changes_of


def _changes_of(
    before: ChainOutcome, after: ChainOutcome, same: tuple[tuple[int, int], ...]
) -> tuple[frozenset[str], frozenset[str]]:
    """The kinds of change between two ways.

    :param same: the numbers of the questions of the second that the first has, too, with their numbers there.
    """
    if any(each.course.too_many for each in (before, after)) or len(before.worlds) * len(after.worlds) > _MOST_PAIRS:
        return frozenset(), frozenset(("unknown",))
    there = dict(same)
    olds = [(world.answered(), old) for world, old in before.worlds]
    news = [
        (
            {
                there.get(key, (key,)) if isinstance(key, int) else key: answer
                for key, answer in world.answered().items()
            },
            new,
        )
        for world, new in after.worlds
    ]
    # The same question has the same answer under both rule sets.
    pairs = [
        (old, new)
        for said, old in olds
        for told, new in news
        if all(told.get(key, answer) is answer for key, answer in said.items())
    ]
    kinds = [frozenset(kinds_of(old, new)) for old, new in pairs]
    certain = frozenset.intersection(*kinds) if kinds else frozenset()
    open_pairs = any(old != new and is_open(old, new) for old, new in pairs)
    return certain, frozenset().union(*kinds, ("unknown",) if open_pairs else ()) - certain


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
    # A rule of the pool is where it is in the rule set that has it.
    pool.earlier = tuple(earlier for side in (now, *then) for earlier in side.earlier)
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
        for identity in chain.identities:
            times[identity] += 1
            keys.append((identity, times[identity]))
        new = [(key, rule) for key, rule in zip(keys, chain.rules.rules, strict=True) if key not in rules]
        rules.update(new)
        known = {key: number for number, key in enumerate(rules)}
        self.places = {known[key]: place for place, key in enumerate(keys)}
        #: For each rule that it has first: the numbers of the earlier ones that part copies, or add people.
        self.earlier = [
            tuple(known[keys[place]] for place in chain.earlier[self.places[known[key]]]) for key, _rule in new
        ]

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
