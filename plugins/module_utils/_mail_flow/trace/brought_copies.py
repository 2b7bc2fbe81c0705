# SPDX-License-Identifier: GPL-3.0-or-later
"""The people to whom rules send copies, or may: they have a copy in a block although the sender did not name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..actions.act import ActingRule
from ..actions.brought_people import brings_manager, brought_by, brought_from, named_by
from ..conditions.predicate import Reach
from ..model import questions
from ..model.addresses import domain
from ..model.inside import recipient_outside
from ..rules.dlp_rules import DlpRules
from ..rules.flow_rule import FlowRule
from .chain import Chain
from .columns import bits_of, places_of
from .rows import left_out
from .rule_evaluator import RuleEvaluator
from .rule_identities import makes_copies
from .sharing import BROUGHT
from .truth_sets import TruthSets, Unknown

#: Why it is open what becomes of a copy for a person to whom a rule may bring mail: the members or the manager are not known.
PERHAPS_BROUGHT = Unknown("membership", questions.ADDED_RECIPIENTS)


class BroughtCopies:
    """The copies that rules bring, or may.

    :param by_reason: why it is not known whether the sender or a rule named the recipient, to the copies of which that is so.
    :param every: those copies, and those that rules make.
    """

    def __init__(self, evaluator: RuleEvaluator, chains: Sequence[Chain]) -> None:
        self.block = evaluator.block
        self.facts = evaluator.facts
        self._evaluator = evaluator
        self._chains = chains
        #: Rule's ``id`` to the rule as if it did all that it is told to do.
        self._declared = {id(rule): rule.as_declared for chain in chains for rule in chain.rules.rules}
        self._known_people: dict[tuple[int, int], tuple[str, ...]] = {}
        self._recipients: dict[int, dict[str, int]] = {}
        self.by_reason = self._by_reason()
        self.every = self.block.made
        for bits in self.by_reason.values():
            self.every |= bits

    def newcomers(self, met: Callable[[FlowRule, int], TruthSets]) -> dict[int, list[str]]:
        """The people to whom rules may bring mail without a copy in the block, by the first place of a message.

        :param met: the copies that a rule of a rule set matches.
        """
        block = self.block
        newcomers: dict[int, dict[str, None]] = {}
        makers = [
            (about, rule)
            for about, chain in enumerate(self._chains)
            for rule in chain.rules.rules
            if rule.place in chain.making
        ]
        met_by = ((rule, place) for about, rule in makers for place in places_of(met(rule, about).possible))
        for rule, place in met_by:
            if left_out(block.text("status", place), block.text("sender", place)):
                continue
            start = block.spans[place].start
            new = [who for who in self._brought_by(rule, place) if who not in self._people(start)]
            newcomers.setdefault(start, {}).update(dict.fromkeys(new))
        return {start: list(people) for start, people in newcomers.items() if people}

    def recipients_of(self, place: int) -> dict[str, int]:
        """The people to whom rules may send a copy of the message of a copy, by address, and the places of their copies."""
        people = self._people(self.block.spans[place].start)
        every = [
            who
            for chain in self._chains
            for number in sorted(chain.making)
            for who in self._brought_by(chain.rules.rules[number], place)
        ]
        return {who: people[who] for who in dict.fromkeys(every) if who in people}

    def in_messages_met(self, rule: FlowRule, met: int) -> int:
        """All copies of the messages of which a rule may match a copy, also one whose row may be missing.

        :param met: the copies in the block that it may match.
        """
        return self.block.whole_messages(met | self._with_missing_met(rule))

    def _with_missing_met(self, rule: FlowRule) -> int:
        """The copies of messages of which a row may be missing, and a rule may match that copy."""
        if not self.block.partial:
            return 0
        conditions, exceptions = (
            tuple(atom for atom in atoms if atom.reach in (Reach.MESSAGE, Reach.SENDER))
            for atoms in (rule.criteria.conditions, rule.criteria.exceptions)
        )
        mail = rule.with_criteria(conditions, exceptions)
        return self.block.partial & self._evaluator.matches(mail, self._evaluator.anybody).possible

    def added_by(self, rules: Sequence[FlowRule]) -> int:
        """The copies that are not of rows and that some rules may make."""
        if not self.block.made or any(brings_manager(self._declared[id(rule)]) for rule in rules):
            return self.block.made
        every = {
            address for rule in rules for _option, address, _senders in brought_by(self._declared[id(rule)], self.facts)
        }
        texts = self.block.texts["recipient"]
        return self.block.made & self._for(number for number in set(self.block.recipient) if texts[number] in every)

    def _brought_by(self, rule: FlowRule, place: int) -> tuple[str, ...]:
        """The people to whom a rule may send a copy, by address, or by name where no address is known."""
        declared = self._declared[id(rule)]
        key = (id(rule), self.block.sender[place] if brings_manager(declared) else -1)
        if key not in self._known_people:
            sender = self.facts.people.primary(self.block.text("sender", place))
            self._known_people[key] = brought_from(sender, declared, self.facts)
        return self._known_people[key]

    def _people(self, start: int) -> Mapping[str, int]:
        """The recipients of a message, by address, and the places of their copies."""
        if start not in self._recipients:
            block, primary = self.block, self.facts.people.primary
            self._recipients[start] = {primary(block.text("recipient", place)): place for place in block.spans[start]}
        return self._recipients[start]

    def _by_reason(self) -> dict[Unknown, int]:
        """Why it is not known whether the sender or a rule named the recipient, to the copies of which that is so."""
        block, facts = self.block, self.facts
        people = {number: facts.people.primary(block.texts["recipient"][number]) for number in set(block.recipient)}
        sure = perhaps = 0
        for rule, declared_rule in self._adding():
            known = {address for _option, address, _senders in brought_by(declared_rule, facts)} & set(people.values())
            sure |= self._for(number for number, address in people.items() if address in known)
            lists = set(named_by(declared_rule, facts))
            unread = self._through(lists - facts.groups.expanded.keys(), people)
            if brings_manager(declared_rule) and facts.people.managers is None:
                unread |= self._for(
                    number for number, address in people.items() if recipient_outside(facts, address) is not True
                )
            if unread:
                perhaps |= unread & self._perhaps_met(rule)
        real = ~block.made
        return {BROUGHT: sure & real, PERHAPS_BROUGHT: perhaps & ~sure & real}

    def _adding(self) -> Iterator[tuple[FlowRule | None, ActingRule]]:
        """The rules that send people copies: mail flow rules, as they are and as they are told, and DLP rules."""
        for chain in self._chains:
            yield from ((rule, self._declared[id(rule)]) for rule in chain.rules.rules if makes_copies(rule))
        policies = self.facts.encrypters.dlp_policies
        if isinstance(policies, DlpRules):
            yield from ((None, rule.as_sending(self._chains[0].rules)) for rule in policies.sending)

    def _perhaps_met(self, rule: FlowRule | None) -> int:
        """The copies of messages that a mail flow rule may match; of a DLP rule all copies."""
        if rule is None:
            return self.block.every_copy
        return self.in_messages_met(rule, self._evaluator.matches(rule, self._evaluator.anybody).possible)

    def _for(self, recipients: Iterable[int]) -> int:
        """The copies for some recipients, by their numbers."""
        wanted = frozenset(recipients)
        if not wanted:
            return 0
        return bits_of(
            (place for place, number in enumerate(self.block.recipient) if number in wanted), len(self.block)
        )

    def _through(self, addresses: Iterable[str], people: Mapping[int, str]) -> int:
        """The copies of messages that went to one of some addresses as to a group. Their rows show it; where rows may
        be missing, any address that is not known for something else may be one.
        """
        block = self.block
        facts = self.facts
        bits = 0
        for group_address in addresses:
            here = self._for(number for number, address in people.items() if address == group_address) & ~block.made
            group = group_address in facts.groups.unread
            expanded = [place for place in places_of(here) if group or block.text("status", place) == "Expanded"]
            bits |= block.whole_messages(bits_of(expanded, len(block)))
            known = (
                facts.is_object(group_address)
                or facts.people.is_contact(group_address)
                or facts.domains.type_of(domain(group_address)) == ""
            )
            if group or not known:
                bits |= block.partial & ~block.whole_messages(here)
        return bits
