# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups copies that meet the same rules and are equal in everything else that decides what happens to them."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from ..model.facts import Facts
from ..model.inside import recipient_outside, sender_inside, sender_outside
from ..model.kleene import Truth
from ..model.message import Message, Protection, Recipient
from ..model.sizes import ENCODED
from ..rules.flow_rule import FlowRule
from ..simulator.protection import LARGEST
from .brought_copies import BroughtCopies
from .chain import Chain
from .columns import Block, bits_of, is_in, places_of, signatures
from .delivered import RulesInEffect, without_kept_back
from .dlp_conditions import seen_alike
from .row_messages import message_of_row, recipient_of
from .rows import instant_of
from .rule_evaluator import RuleEvaluator
from .rule_matches import RuleMatches
from .traced_decider import SeenByDlp
from .truth_sets import Doubt, RulesMet, TruthSets, Unknown


@dataclass(frozen=True)
class Likely:
    """The likely answer to a question that copies ask.

    :param question: its number; see :class:`Doubt`.
    :param id: the number under which the question is listed; empty if it is not.
    """

    question: int
    id: str
    answer: bool


@dataclass(frozen=True)
class CopyGroup:
    """Copies of a block that are treated alike by every rule set.

    :param places: the copies.
    :param brought: why it is not known whether the sender named the recipient or a rule did (U09), ``BROUGHT`` or
        :data:`.brought_copies.PERHAPS_BROUGHT`; ``None`` if the sender did.
    :param met: for each rule set and for the guarantees: the places of the rules that they meet, and what is open of
        that.
    :param alike: the other values that decide what happens to them.
    :param dlp: for each rule set: what is known of the DLP rules behind it.
    :param made: whether no row has them, because rules would make them.
    :param likely: the likely answers to what is open, if they were asked for.
    """

    places: Sequence[int]
    brought: Unknown | None
    met: Sequence[Sequence[tuple[int, Doubt | None]]]
    alike: Hashable
    dlp: Sequence[SeenByDlp]
    made: bool = False
    likely: Sequence[Likely] = ()

    def rank(self) -> tuple[int, str]:
        """The order of groups, which does not depend on that of rows: the largest first."""
        return -len(self.places), repr((self.made, self.met, self.alike, self.dlp, self.likely))


#: How often it is asked to whom other rules send on the copies that rules make. Beyond that, what happens to these is
#: open.
_MOST_ROUNDS = 3


#: What traits are about besides rule sets.
_ALIKE, _LIKELY, _DLP, _PASSED = -1, -2, -3, -4


@dataclass(frozen=True)
class Trait:
    """Copies that have something in common.

    :param about: the number of the rule set, or of the guarantees behind them; ``-1`` for what else decides, ``-2`` for
        likely answers, ``-3`` for what is known of DLP rules, and ``-4`` for rules that would have kept back what was
        delivered.
    :param what: the place of a rule, and why it is open whether they meet it; or whatever else it is.
    """

    about: int
    what: Hashable
    bits: int


class Sorter:
    """Sorts the copies of a block.

    :param chains: the rule sets.
    :param claims: the mail that guarantees are about, as rules.
    :param guesses: whether likely answers count as answers.
    :param in_effect: the rules that the copies passed when they came, if that is known; :param:`told_by_delivery` how many copies these
        told something of, because they are delivered.
    """

    def __init__(
        self,
        block: Block,
        facts: Facts,
        chains: Sequence[Chain],
        claims: Sequence[FlowRule] = (),
        *,
        guesses: bool = True,
        in_effect: RulesInEffect | None = None,
    ) -> None:
        self.in_effect = in_effect
        self.told_by_delivery = 0
        self.block = block
        self.facts = facts
        self.chains = chains
        self.claims = claims
        self._evaluator = evaluator = RuleEvaluator(block, facts, chains, claims, guesses=guesses)
        self.conditions = evaluator.conditions
        self.brought = BroughtCopies(evaluator, chains)
        self.matches = RuleMatches(evaluator, chains, self.brought)

    @classmethod
    def with_made_copies(
        cls,
        block: Block,
        facts: Facts,
        chains: Sequence[Chain],
        claims: Sequence[FlowRule] = (),
        *,
        in_effect: RulesInEffect | None = None,
    ) -> Sorter:
        """Sorts the copies of a block together with those that rules may make of them."""
        sorter = cls(block, facts, chains, claims, in_effect=in_effect)
        for _time in range(_MOST_ROUNDS if any(chain.making for chain in chains) else 0):
            people = sorter.brought.newcomers(sorter.matches.met)
            if not people:
                break
            sorter = cls(sorter.block.with_made(people), facts, chains, claims, in_effect=in_effect)
        return sorter

    def groups(self, included: Sequence[bool]) -> Iterator[CopyGroup]:
        """The groups of the copies that meet the same rules, of those that decide what happens to them.

        :param included: of each copy, whether it is sorted at all.
        """
        return self._groups([chain.deciding for chain in self.chains], included, self._seen_by_dlp())

    def groups_by_every_rule(self, likely: Sorter) -> Iterator[CopyGroup]:
        """The groups of all copies that meet the same rules, of all that can act, with likely answers to what is open.

        :param likely: the same block, where likely answers count as answers.
        """
        rules = [[rule for rule in chain.rules.rules if not rule.idle] for chain in self.chains]
        return self._groups(rules, [True] * len(self.block), self._likely(rules, likely))

    def _groups(
        self, rules: Sequence[Sequence[FlowRule]], included: Sequence[bool], more: Iterable[Trait]
    ) -> Iterator[CopyGroup]:
        """The groups of copies that meet the same rules, and have the same of some more traits."""
        traits = [*self._traits(rules), *self._passed(), *more]
        groups: dict[tuple[int, ...], list[int]] = {}
        marks = signatures([trait.bits for trait in traits], len(self.block))
        for place, (signature, here) in enumerate(zip(marks, included, strict=True)):
            if here:
                groups.setdefault(signature, []).append(place)
        for signature, places in groups.items():
            yield self._group(places, [trait for number, trait in enumerate(traits) if is_in(signature, number)])

    def _group(self, places: list[int], traits: Sequence[Trait]) -> CopyGroup:
        """The group of the copies at some places.

        :param traits: what these copies have in common, and no others have.
        """
        met: Sequence[RulesMet] = [_of_kind(traits, about) for about in range(len(self.chains) + 1)]
        brought = next((why for why, bits in self.brought.by_reason.items() if bits >> places[0] & 1), None)
        if not brought:
            remaining = self._without_kept_back(met, frozenset().union(*_of_kind(traits, _PASSED)))
            self.told_by_delivery += len(places) if remaining != met else 0
            met = remaining
        seen: dict[int, SeenByDlp] = dict(_of_kind(traits, _DLP))
        dlp = [seen.get(about, SeenByDlp()) for about in range(len(self.chains))]
        made = bool(self.block.made >> places[0] & 1)
        alike = tuple(_of_kind(traits, _ALIKE))
        return CopyGroup(places, brought, met, alike, dlp, made, _of_kind(traits, _LIKELY))

    def _passed(self) -> Iterator[Trait]:
        """The rules that would have kept copies back that were delivered."""
        if self.in_effect:
            for places, copies in self.in_effect.passed(self.chains[self.in_effect.about], self.block):
                yield Trait(_PASSED, places, copies)

    def _without_kept_back(self, met: Sequence[RulesMet], passed: frozenset[int]) -> Sequence[RulesMet]:
        """What copies meet that some rules would have kept back."""
        if not self.in_effect or not passed:
            return met
        return without_kept_back(met, self.in_effect.about, passed, self.chains[self.in_effect.about])

    def resting_on_no_hop(self, included: Sequence[bool]) -> int:
        """How many copies of mail from mailboxes would be decided by their last hop, if they had one."""
        rules = [*(rule for chain in self.chains for rule in chain.deciding), *self.claims]
        resting = reduce(or_, map(self._evaluator.resting_on_no_hop, rules), 0) & ~self.block.made
        return sum(included[place] for place in places_of(resting))

    def message(self, place: int) -> tuple[Message, Recipient]:
        """The message of a copy, as an ordinary one that arrives in clear unless its row shows that it is something else,
        and its recipient.
        """
        known = {name: self.block.value(name, place) for name in ("sender", "recipient", "subject", "size", "from_ip")}
        message = message_of_row(**known, is_authenticated=self.conditions.traits.authenticated[place])  # type: ignore[arg-type]
        date = instant_of(self.block.received[place])
        types = next(
            (kind for kind, bits in self.conditions.traits.special_by_types.items() if bits >> place & 1),
            frozenset[str](),
        )
        ordinary = replace(message, protection=Protection(), types=types, date=date)
        return ordinary, recipient_of(str(known["recipient"]), self.facts)

    def _traits(self, rules: Sequence[Sequence[FlowRule]]) -> Iterator[Trait]:
        """What tells copies apart.

        :param rules: for each rule set, the rules that matter.
        """
        for about, rules_of_set in enumerate((*rules, self.claims)):
            for rule in rules_of_set:
                truth = self.matches.met(rule, about)
                if truth.true:
                    yield Trait(about, (rule.place, None), truth.true)
                yield from (Trait(about, (rule.place, doubt), bits) for doubt, bits in self.matches.doubts(rule, about))
        special = [("special", *sorted(types)) for types in self.conditions.traits.special_by_types]
        every = (
            *self.brought.by_reason.items(),
            *self._alike(),
            *zip(special, self.conditions.traits.special_by_types.values(), strict=True),
            ("made", self.block.made),
        )
        yield from (Trait(_ALIKE, what, bits) for what, bits in every if bits)

    def _seen_by_dlp(self) -> Iterator[Trait]:
        """What is known of the DLP rules behind each rule set."""
        for about, chain in enumerate(self.chains):
            for seen, copies in seen_alike(self._evaluator, chain):
                yield Trait(_DLP, (about, seen), copies)

    def _likely(self, rules: Sequence[Sequence[FlowRule]], likely: Sorter) -> Iterator[Trait]:
        """The likely answers to what is open of whether copies meet rules."""
        answered: dict[Likely, int] = {}
        for about, rule in ((about, rule) for about, rules_of_set in enumerate(rules) for rule in rules_of_set):
            met = self.matches.met(rule, about)
            asked = met.possible & ~met.true
            if not asked:
                continue
            own = list(self.matches.parts(rule, about))
            parts = zip(
                own,
                likely.matches.parts(rule, about),
                self.matches.questions(rule, about, [truth.possible & ~truth.true & asked for truth, _wanted in own]),
                strict=True,
            )
            for (truth, _wanted), (taken, _same), questions in parts:
                for known, copies in _likely_answers(truth, taken, questions):
                    answered[known] = answered.get(known, 0) | copies
        yield from (Trait(_LIKELY, known, copies) for known, copies in answered.items())

    def _alike(self) -> Iterator[tuple[Hashable, int]]:
        """What else decides: where sender and recipient are, whether anybody manages the sender, and whether the
        message may be too large to protect it.
        """
        block, authenticated = self.block, self.conditions.traits.authenticated
        senders: dict[tuple[int, bool | None], Hashable] = {}
        recipients: dict[int, Hashable] = {}
        by_traits: dict[Hashable, list[int]] = {}
        for place, (sender, recipient, size) in enumerate(zip(block.sender, block.recipient, block.size, strict=True)):
            if (sender, authenticated[place]) not in senders:
                senders[sender, authenticated[place]] = self._of_sender(
                    block.text("sender", place), authenticated[place]
                )
            if recipient not in recipients:
                address = self.facts.people.primary(block.text("recipient", place))
                recipients[recipient] = _kind(recipient_outside(self.facts, address))
            large = (size > LARGEST, int(size * ENCODED) > LARGEST)
            by_traits.setdefault((senders[sender, authenticated[place]], recipients[recipient], large), []).append(
                place
            )
        yield from ((what, bits_of(places, len(block))) for what, places in by_traits.items())

    def _of_sender(self, address: str, authenticated: bool | None) -> Hashable:
        """Where a sender is, and who manages them, as far as that decides what happens to copies."""
        sender = self.facts.people.primary(address)
        scopes = (
            sender_inside(self.facts, sender, authenticated),
            sender_outside(self.facts, sender),
        )
        manager = self.facts.people.manager(sender)
        return (*map(_kind, scopes), manager if manager is None else bool(manager))


def _of_kind(traits: Iterable[Trait], about: int) -> list[Any]:
    """What traits of one kind say.

    :param about: as that of :class:`Trait`.
    """
    return [trait.what for trait in traits if trait.about == about]


def _likely_answers(
    truth: TruthSets, taken: TruthSets, questions: Sequence[tuple[int, int]]
) -> Iterator[tuple[Likely, int]]:
    """The likely answers to what is open of a part of a rule, and the copies of which each is one.

    :param truth: the copies for which it is true or open, and :param:`taken` the same with likely answers for answers.
    :param questions: the number of each question, and the copies that ask it.
    """
    for (question, copies), (why, bits) in itertools.product(questions, truth.open.items()):
        here = bits & copies
        if here & taken.true:
            yield Likely(question, why.id, True), here & taken.true
        if here & ~taken.possible:
            yield Likely(question, why.id, False), here & ~taken.possible


def _kind(truth: Truth) -> Hashable:
    """A truth without its subject."""
    return truth if isinstance(truth, bool) else (truth.likely, tuple(reason.id for reason in truth.reasons))
