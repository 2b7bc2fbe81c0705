# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups copies that meet the same rules and are equal in everything else that decides what happens to them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import repeat
from operator import or_

from ..._resources.rules.action_effects import Does
from ..conditions.predicate import Reach
from ..model import questions
from ..model.addresses import domain
from ..model.facts import Facts
from ..model.inside import recipient_outside, sender_inside, sender_outside
from ..model.kleene import Truth, all_of
from ..model.message import Message, Protection, Recipient
from ..model.message_recipients import people_behind
from ..model.sizes import ENCODED
from ..rules.flow_rule import FlowRule
from ..simulator.protection import LARGEST
from ..symbolic.atoms import ADDING, MANAGER, brought_by
from .chain import Chain, adds, changing
from .columns import Block, bits_of, places_of
from .conditions import MOST_CHANGES, MOST_PREFIXES, RowConditions, message_of, recipient_of, why_open
from .rows import instant_of, left_out
from .sharing import BROUGHT, Neighbors, Sharing
from .truth_sets import CHANGED, Doubt, TruthSets, Unknown

#: A header that a row does not say, since a rule edited it.
_EDITED = Unknown("header")

#: Why it is open what becomes of a copy for somebody to whom a rule may bring mail: nobody knows the members or the
#: manager.
PERHAPS_BROUGHT = Unknown("membership", questions.ADDED_RECIPIENTS)


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
    :param brought: why nobody knows whether the sender named the recipient or a rule did (U09), ``BROUGHT`` or
        :data:`PERHAPS_BROUGHT`; ``None`` if the sender did.
    :param met: for each rule set and for the guarantees: the places of the rules that they meet, and what is open of
        that.
    :param alike: the other values that decide what happens to them.
    :param made: whether no row has them, because rules would make them.
    :param likely: the likely answers to what is open, if they were asked for.
    """

    places: Sequence[int]
    brought: Unknown | None
    met: Sequence[Sequence[tuple[int, Doubt | None]]]
    alike: Hashable
    made: bool = False
    likely: Sequence[Likely] = ()

    def rank(self) -> tuple[int, str]:
        """The order of groups, which does not depend on that of rows: the largest first."""
        return -len(self.places), repr((self.made, self.met, self.alike, self.likely))


#: So often, it is asked to whom the copies that rules make are sent on by other rules. Beyond that, what happens to these
#: is open.
_MOST_ROUNDS = 3


#: What traits are about besides rule sets.
_ALIKE, _LIKELY = -1, -2


@dataclass(frozen=True)
class Trait:
    """Copies that have something in common.

    :param about: the number of the rule set, or of the guarantees behind them; ``-1`` for what else decides, and ``-2``
        for likely answers.
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
    """

    def __init__(
        self,
        block: Block,
        facts: Facts,
        chains: Sequence[Chain],
        claims: Sequence[FlowRule] = (),
        *,
        guesses: bool = True,
    ) -> None:
        self.block, self.facts, self.chains, self.claims = block, facts, chains, claims
        rules = [rule for chain in chains for rule in chain.rules.rules]
        prepending = [
            [
                rule
                for rule in chain.rules.rules
                if not rule.idle and rule.actions.enforced and "prepend_subject" in rule.actions.options
            ]
            for chain in chains
        ]
        self._rested = self._resting([rule for rule in rules if rule.actions.declared.get("prepend_subject")])
        prefixes = {_prefix(rule) for prepending_rules in prepending for rule in prepending_rules} | self._rested.keys()
        few = len(prefixes) <= MOST_PREFIXES
        added = max((sum(map(_added, chain.rules.rules)) for chain in chains), default=0)
        encrypts = any(rule.actions.enforced and not rule.idle and rule.actions.does(Does.ENCRYPT) for rule in rules)
        self.conditions = RowConditions(block, facts, sorted(prefixes) if few else (), added, guesses, encrypts)
        self._neighbors = Neighbors.of_block(block)
        self._known: dict[tuple[int, int], TruthSets] = {}
        self._questions: dict[Hashable, int] = {}
        self._known_people: dict[tuple[int, int], tuple[str, ...]] = {}
        self._recipients: dict[int, dict[str, int]] = {}
        # Before it is known what rules change, and whom they add, anything may be.
        self._anybody = Sharing(block, self._neighbors).doubted(block.every_copy)
        self._known_sharing: dict[tuple[int, ...], Sharing] = {}
        self._edited = self._editing()
        self._changed, self._unknown_subjects = self._subjects(prepending, MOST_CHANGES if few else 0)
        self.brought = self._bringing()
        self._brought_or_made = self.block.made
        for bits in self.brought.values():
            self._brought_or_made |= bits

    @classmethod
    def with_made_copies(
        cls, block: Block, facts: Facts, chains: Sequence[Chain], claims: Sequence[FlowRule] = ()
    ) -> Sorter:
        """Sorts the copies of a block together with those that rules may make of them."""
        sorter = cls(block, facts, chains, claims)
        for _time in range(_MOST_ROUNDS if any(chain.making for chain in chains) else 0):
            people = sorter._newcomers()
            if not people:
                break
            sorter = cls(sorter.block.with_made(people), facts, chains, claims)
        return sorter

    def _newcomers(self) -> dict[int, list[str]]:
        """Whom rules may bring without a copy in the block, by the first place of a message."""
        block, newcomers = self.block, dict[int, dict[str, None]]()
        for about, chain in enumerate(self.chains):
            for rule in (rule for rule in chain.rules.rules if rule.place in chain.making):
                for place in places_of(self.met(rule, about).possible):
                    start = block.spans[place].start
                    if not left_out(block.text("status", place), block.text("sender", place)):
                        new = [who for who in self._brought_by(rule, place) if who not in self._people(start)]
                        newcomers.setdefault(start, {}).update(dict.fromkeys(new))
        return {start: list(people) for start, people in newcomers.items() if people}

    def _brought_by(self, rule: FlowRule, place: int) -> tuple[str, ...]:
        """To whom a rule may send a copy, by address, or by the name of somebody whose address is not known."""
        sender = self.block.sender[place] if rule.actions.declared.get(MANAGER) else -1
        key = (id(rule), sender)
        if key not in self._known_people:
            names = [
                str(adding_option) for option in ADDING for adding_option in rule.actions.declared.get(option) or ()
            ]
            if sender >= 0:
                address = self.facts.people.primary(self.block.text("sender", place))
                manager = self.facts.people.manager(address)
                if manager is None:
                    manager = f"the manager of {address}"
                names += [manager] if manager else []
            people = (person.address for name in names for person in people_behind(self.facts, name))
            self._known_people[key] = tuple(dict.fromkeys(people))
        return self._known_people[key]

    def _people(self, start: int) -> Mapping[str, int]:
        """The recipients of a message, by address, and the places of their copies."""
        if start not in self._recipients:
            block, primary = self.block, self.facts.people.primary
            self._recipients[start] = {primary(block.text("recipient", place)): place for place in block.spans[start]}
        return self._recipients[start]

    def brought_to(self, place: int) -> dict[str, int]:
        """To whom rules may send a copy of the message of a copy, by address, and the places of their copies."""
        people = self._people(self.block.spans[place].start)
        every = [
            who
            for chain in self.chains
            for number in sorted(chain.making)
            for who in self._brought_by(chain.rules.rules[number], place)
        ]
        return {who: people[who] for who in dict.fromkeys(every) if who in people}

    def groups(self, included: Sequence[bool]) -> Iterator[CopyGroup]:
        """The groups of the copies that meet the same rules, of those that decide what happens to them.

        :param included: of each copy, whether it is sorted at all.
        """
        return self._groups([chain.deciding for chain in self.chains], included)

    def groups_by_every_rule(self, likely: Sorter) -> Iterator[CopyGroup]:
        """The groups of all copies that meet the same rules, of all that can act, with likely answers to what is open.

        :param likely: the same block, where likely answers count as answers.
        """
        rules = [[rule for rule in chain.rules.rules if not rule.idle] for chain in self.chains]
        return self._groups(rules, [True] * len(self.block), likely)

    def _groups(
        self, rules: Sequence[Sequence[FlowRule]], included: Sequence[bool], likely: Sorter | None = None
    ) -> Iterator[CopyGroup]:
        traits = list(self._traits(rules))
        if likely:
            traits += self._likely(rules, likely)
        groups: dict[tuple[int, ...], list[int]] = {}
        for place, (signature, here) in enumerate(
            zip(_signatures([trait.bits for trait in traits], len(self.block)), included, strict=True)
        ):
            if here:
                groups.setdefault(signature, []).append(place)
        for signature, places in groups.items():
            having = [trait for number, trait in enumerate(traits) if signature[number >> 3] >> (number & 7) & 1]
            met = [[trait.what for trait in having if trait.about == about] for about in range(len(self.chains) + 1)]
            brought = next((why for why, bits in self.brought.items() if bits >> places[0] & 1), None)
            alike = tuple(trait.what for trait in having if trait.about == _ALIKE)
            answers = [trait.what for trait in having if trait.about == _LIKELY]
            made = bool(self.block.made >> places[0] & 1)
            yield CopyGroup(places, brought, met, alike, made, answers)  # type: ignore[arg-type]

    def message(self, place: int) -> tuple[Message, Recipient]:
        """The message of a copy, as an ordinary one that arrives in clear unless its row shows that it is something else,
        and its recipient.
        """
        known = {name: self.block.value(name, place) for name in ("sender", "recipient", "subject", "size", "from_ip")}
        message = message_of(**known, is_authenticated=self.conditions.authenticated[place])  # type: ignore[arg-type]
        date = instant_of(self.block.received[place])
        types = next((kind for kind, bits in self.conditions.special.items() if bits >> place & 1), frozenset[str]())
        ordinary = replace(message, protection=Protection(), types=types, date=date)
        return ordinary, recipient_of(str(known["recipient"]), self.facts)

    def _subjects(self, prepending: Sequence[Sequence[FlowRule]], most: int) -> tuple[int, int]:
        """The copies whose subjects rules may have changed, and those whose original subjects are unknown."""
        changed = unknown_subjects = 0
        for rules in prepending:
            times = [
                self.block.every_copy,
                *([0] * (most + 1)),
            ]  # The copies that so many of the rules may have changed.
            rested = dict(self._rested)
            possible = [
                self._of_rule(rule, self.block.every_copy, 0, self._anybody).possible | rested.pop(_prefix(rule), 0)
                for rule in rules
            ]
            for bits in (*possible, *rested.values()):
                for count in range(most + 1, 0, -1):
                    times[count] |= times[count - 1] & bits
            changed, unknown_subjects = changed | times[1], unknown_subjects | times[most + 1]
        return changed, unknown_subjects

    def _resting(self, rules: Sequence[FlowRule]) -> dict[str, int]:
        """What rules that do not act may have put before subjects when they did, to the copies whose subjects show it:
        rules that are disabled or in a test mode, or that have begun since or are over.
        """
        block = self.block
        ahead = f"(?:{'|'.join(sorted({re.escape(_prefix(rule)) for rule in rules}))}){{0,{MOST_CHANGES - 1}}}"
        resting: dict[str, int] = {}
        for prefix in {
            _prefix(rule)
            for rule in rules
            if rule.idle or not rule.actions.enforced or rule.dates.begins or rule.dates.ends
        }:
            begins = re.compile(ahead + re.escape(prefix))
            numbers = {
                subject
                for subject in set(block.subject)
                if subject >= 0 and begins.match(block.texts["subject"][subject])
            }
            bits = bits_of((place for place, subject in enumerate(block.subject) if subject in numbers), len(block))
            resting.update({prefix: bits} if bits else {})
        return resting

    def _editing(self) -> dict[str, int]:
        """Header field to the copies on which rules may have edited it. The trace may show it as it was, or as it became."""
        read = frozenset[str]().union(*(rule.criteria.reads for chain in self.chains for rule in chain.rules.rules))
        read = read.union(*(rule.criteria.reads for rule in self.claims))
        self._edited = dict.fromkeys(read, self.block.every_copy)
        editing: dict[str, int] = {}
        for rule in (rule for chain in self.chains for rule in chain.rules.rules if rule.edits & read):
            possible = self._of_rule(rule, self.block.every_copy, 0, self._anybody).possible
            for field in rule.edits & read:
                editing[field] = editing.get(field, 0) | possible
        return editing

    def _traits(self, rules: Sequence[Sequence[FlowRule]]) -> Iterator[Trait]:
        """What tells copies apart.

        :param rules: for each rule set, the rules that matter.
        """
        for about, rules_of_set in enumerate((*rules, self.claims)):
            for rule in rules_of_set:
                truth = self.met(rule, about)
                if truth.true:
                    yield Trait(about, (rule.place, None), truth.true)
                yield from (Trait(about, (rule.place, doubt), bits) for doubt, bits in self._doubts(rule, about))
        special = [("special", *sorted(types)) for types in self.conditions.special]
        every = (
            *self.brought.items(),
            *self._alike(),
            *zip(special, self.conditions.special.values(), strict=True),
            ("made", self.block.made),
        )
        yield from (Trait(_ALIKE, what, bits) for what, bits in every if bits)

    def _likely(self, rules: Sequence[Sequence[FlowRule]], likely: Sorter) -> Iterator[Trait]:
        """The likely answers to what is open of whether copies meet rules."""
        answered: dict[Likely, int] = {}
        for about, rule in ((about, rule) for about, rules_of_set in enumerate(rules) for rule in rules_of_set):
            met = self.met(rule, about)
            asked = met.possible & ~met.true
            if not asked:
                continue
            parts = zip(self.parts(rule, about), likely.parts(rule, about), self._asks(rule, about), strict=True)
            for (truth, _wanted), (taken, _same), key in parts:
                for why, bits in truth.open.items():
                    here = bits & asked
                    for answer, copies in ((True, here & taken.true), (False, here & ~taken.possible)):
                        if copies:
                            known = Likely(self._questions[key], why.id, answer)
                            answered[known] = answered.get(known, 0) | copies
        yield from (Trait(_LIKELY, known, copies) for known, copies in answered.items())

    def _bringing(self) -> dict[Unknown, int]:
        """Why nobody knows whether the sender or a rule named the recipient, to the copies for which that is so."""
        block, facts = self.block, self.facts
        people = {number: facts.people.primary(block.texts["recipient"][number]) for number in set(block.recipient)}
        sure = perhaps = 0
        for rule in (rule for chain in self.chains for rule in chain.rules.rules if adds(rule)):
            declared_rule = rule.as_declared
            known = {address for _option, address, _senders in brought_by(declared_rule, facts)} & set(people.values())
            sure |= self._for(number for number, address in people.items() if address in known)
            lists = {
                facts.people.primary(str(adding_option))
                for option in ADDING
                for adding_option in declared_rule.actions.options.get(option) or ()
            }
            unread = self._through(lists - facts.groups.expanded.keys(), people)
            if declared_rule.actions.options.get(MANAGER) and facts.people.managers is None:
                unread |= self._for(
                    number for number, address in people.items() if recipient_outside(facts, address) is not True
                )
            if unread:
                met = self._of_rule(rule, self._changed, self._unknown_subjects, self._anybody).possible
                perhaps |= unread & (block.whole_messages(met) | self.met_by_others(rule))
        real = ~block.made
        return {BROUGHT: sure & real, PERHAPS_BROUGHT: perhaps & ~sure & real}

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
        block, facts, bits = self.block, self.facts, 0
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

    def met_by_others(self, rule: FlowRule) -> int:
        """The copies of messages that a rule may match for another recipient, whose row may be missing."""
        if not self.block.partial:
            return 0
        conditions, exceptions = (
            tuple(atom for atom in atoms if atom.reach in (Reach.MESSAGE, Reach.SENDER))
            for atoms in (rule.criteria.conditions, rule.criteria.exceptions)
        )
        mail = rule.with_criteria(conditions, exceptions)
        return self.block.partial & self._of_rule(mail, self._changed, self._unknown_subjects, self._anybody).possible

    def met(self, rule: FlowRule, about: int = 0) -> TruthSets:
        """The copies that a rule matches, or may match, where it stands.

        :param about: the number of the rule set, or of the guarantees behind them.
        """
        key = (about, rule.place)
        if key not in self._known:
            self._known[key] = self._of_rule(rule, self._changed, self._unknown_subjects, self._sharing(rule, about))
        return self._known[key]

    def parts(self, rule: FlowRule, about: int = 0) -> Iterator[tuple[TruthSets, bool]]:
        """The copies for which each part of what a rule looks at is true, or open; and whether it must be true, or
        false, for the rule to match.
        """
        return self._parts(rule, self._changed, self._unknown_subjects, self._sharing(rule, about))

    def _doubts(self, rule: FlowRule, about: int) -> Iterator[tuple[Doubt, int]]:
        """What is open of whether copies meet a rule, and the copies."""
        open_ = {why: bits for why, bits in sorted(self.met(rule, about).open.items()) if bits}
        if not open_:
            return
        asking: dict[tuple[tuple[int, bool], ...], int] = {(): reduce(or_, open_.values())}
        for (truth, wanted), key in zip(self.parts(rule, about), self._asks(rule, about), strict=True):
            doubtful = truth.possible & ~truth.true
            if not any(bits & doubtful for bits in asking.values()):
                continue
            number = self._questions.setdefault(key, len(self._questions))
            split: dict[tuple[tuple[int, bool], ...], int] = {}
            for asked, bits in asking.items():
                split.update({asked: bits & ~doubtful} if bits & ~doubtful else {})
                split.update({(*asked, (number, wanted)): bits & doubtful} if bits & doubtful else {})
            asking = split
        for why, bits in open_.items():
            for asked, here in asking.items():
                if bits & here:
                    yield Doubt(why, tuple(sorted(asked))), bits & here

    def _asks(self, rule: FlowRule, about: int) -> Iterator[Hashable]:
        """What each part of a rule asks: equal where its answer for a copy is the same."""
        chain = self.chains[about] if about < len(self.chains) else None
        changes = chain.changes[rule.place] if chain else ()
        for atom in rule.criteria.atoms:
            before = chain.earlier[rule.place] if chain and atom.looks_around else ()
            asks_before = tuple(chain.identities[place] for place in before) if chain else ()
            yield (atom.predicate.options, atom.values, atom.settings, changing(changes, (atom,)), asks_before)
        if rule.dates.begins or rule.dates.ends:
            yield ("dates", rule.dates.begins, rule.dates.ends)
        if rule.criteria.doubts:
            yield ("doubt", about, rule.place) if chain is None else ("doubt", chain.identities[rule.place])

    def _sharing(self, rule: FlowRule, about: int) -> Sharing:
        """Who shares a copy with whom when it reaches a rule."""
        chain = self.chains[about] if about < len(self.chains) else None
        places = chain.earlier[rule.place] if chain else ()
        key = (about, *places)
        if key not in self._known_sharing:
            rules = [chain.rules.rules[place] for place in places] if chain else []
            sharing = Sharing(self.block, self._neighbors).lacking(self.block.made & ~self._added_by(rules))
            parting = (
                (self.met(earlier, about), earlier.actions.enforced) for earlier in rules if earlier.criteria.splits
            )
            self._known_sharing[key] = sharing.doubted(self._brought_or_made).after_rules(parting)
        return self._known_sharing[key]

    def _added_by(self, rules: Sequence[FlowRule]) -> int:
        """The copies that are not of rows and that some rules may make."""
        if not self.block.made or any(rule.actions.declared.get(MANAGER) for rule in rules):
            return self.block.made
        every = {address for rule in rules for _option, address, _senders in brought_by(rule.as_declared, self.facts)}
        texts = self.block.texts["recipient"]
        return self.block.made & self._for(number for number in set(self.block.recipient) if texts[number] in every)

    def _parts(
        self, rule: FlowRule, changed: int, unknown_subjects: int, sharing: Sharing
    ) -> Iterator[tuple[TruthSets, bool]]:
        for wanted, atoms in ((True, rule.criteria.conditions), (False, rule.criteria.exceptions)):
            for atom in atoms:
                truth = self.conditions.shared_truth(atom, sharing).changed(changed, unknown_subjects)
                for field in sorted(atom.headers & self._edited.keys()):
                    known = self.block.every_copy & ~(truth.possible & ~truth.true)
                    truth = truth.opened(self._edited[field] & known, CHANGED if field == "subject" else _EDITED)
                yield truth, wanted
        if rule.dates.begins or rule.dates.ends:
            yield self._dated(rule), True
        if rule.criteria.doubts:
            yield TruthSets(0, {Unknown("semantics", rule.criteria.doubts[0].id): self.block.every_copy}), True

    def _of_rule(self, rule: FlowRule, changed: int, unknown_subjects: int, sharing: Sharing) -> TruthSets:
        """The copies that a rule matches, or may match; with several reasons, the first one counts."""
        true = possible = self.block.every_copy
        open_of: list[TruthSets] = []
        for truth, wanted in self._parts(rule, changed, unknown_subjects, sharing):
            met, perhaps = (
                (truth.true, truth.possible)
                if wanted
                else (self.block.every_copy & ~truth.possible, self.block.every_copy & ~truth.true)
            )
            true, possible = true & met, possible & perhaps
            open_of.append(truth)
            if not possible:
                return TruthSets()
        remaining = possible & ~true
        reasons: dict[Unknown, int] = {}
        for why, bits in (item for truth in open_of for item in truth.open.items()):
            if remaining & bits:
                reasons[why] = reasons.get(why, 0) | (remaining & bits)
                remaining &= ~bits
        return TruthSets(true, reasons)

    def _dated(self, rule: FlowRule) -> TruthSets:
        """The copies for which a rule's dates let it act. Over time, each of the two dates changes its answer once."""
        places: dict[int, list[int]] = {}
        for place, time in enumerate(self.block.received):
            places.setdefault(time, []).append(place)
        if rule.dates.borders(instant_of(min(places))) == rule.dates.borders(instant_of(max(places))):
            places = {min(places): list(range(len(self.block)))}
        by_answer: dict[bool | Unknown, list[int]] = {}
        for time, here in places.items():
            truth = all_of(rule.dates.borders(instant_of(time)))
            by_answer.setdefault(truth if isinstance(truth, bool) else why_open(truth), []).extend(here)
        count = len(self.block)
        return TruthSets(
            bits_of(by_answer.get(True, ()), count),
            {why: bits_of(here, count) for why, here in by_answer.items() if isinstance(why, Unknown)},
        )

    def _alike(self) -> Iterator[tuple[Hashable, int]]:
        """What else decides: where sender and recipient are, whether anybody manages the sender, and whether the
        message may be too large to protect it.
        """
        block, authenticated = self.block, self.conditions.authenticated
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
        sender = self.facts.people.primary(address)
        scopes = (
            sender_inside(self.facts, sender, authenticated),
            sender_outside(self.facts, sender),
        )
        manager = self.facts.people.manager(sender)
        return (*map(_kind, scopes), manager if manager is None else bool(manager))


def _prefix(rule: FlowRule) -> str:
    """What a rule puts before subjects."""
    return str(rule.actions.declared["prepend_subject"])


def _added(rule: FlowRule) -> int:
    """How many bytes a rule may add to a message, which may have its text twice, as HTML and without it."""
    acts = rule.actions.enforced and not rule.idle
    return 2 * len(str(rule.actions.options.get("apply_html_disclaimer_text") or "").encode()) if acts else 0


def _kind(truth: Truth) -> Hashable:
    """A truth without its subject."""
    return truth if isinstance(truth, bool) else (truth.likely, tuple(reason.id for reason in truth.reasons))


def _signatures(sets: Sequence[int], count: int) -> Iterable[tuple[int, ...]]:
    """For each copy, the sets that contain it, eight sets per number."""
    mask = int.from_bytes(b"\x01" * count, "big")
    columns = []
    for first in range(0, len(sets), 8):
        column = 0
        for shift, bits in enumerate(sets[first : first + 8]):
            # The digits 0 and 1 differ in their last bit.
            column |= (int.from_bytes(format(bits, f"0{count}b").encode(), "big") & mask) << shift
        columns.append(column.to_bytes(count, "big")[::-1])
    return zip(*columns, strict=True) if columns else repeat((), count)
