# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules a copy meets.

A passage asks a decider, and does the rest: who shares a copy, what rules do to it, and which copies they add. One
decider looks at a whole message. Another one knows only what a row of a message trace says.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..conditions.predicate import Atom, Reach
from ..model import questions
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.kleene import Open, Truth, all_of, evaluate, negate, opened
from ..model.message import Message, Recipient
from ..model.rule_view import Content, Fork, RuleView
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .candidates import Candidates
from .state import World

#: Until Python 3.12, each access to a member of an enumeration takes as long as evaluating a condition that is known.
_OF_MESSAGE, _OF_SENDER, _OF_RECIPIENT = Reach.MESSAGE, Reach.SENDER, Reach.RECIPIENT


class ConditionDecider(Protocol):
    """Decides conditions on somebody's copy of one message."""

    def truth(self, atom: Atom, world: World, person: Recipient) -> Truth:
        """Whether a condition is true for a recipient; open if unknown."""


class Decider(Protocol):
    """Decides whether rules match, for one message and one rule set. All others match nobody's copy."""

    @property
    def conditions(self) -> ConditionDecider | None:
        """What decides the conditions of the DLP rules that follow; ``None`` if nothing is known of them."""

    def candidates(self, world: World) -> int:
        """The rules that may match in a world, as bits."""

    def matches_nobody(self, rule: FlowRule, world: World, person: Recipient) -> bool:
        """Whether it is known already that a rule matches no recipient's copy with this content."""

    def parts(self, rule: FlowRule, world: World, person: Recipient, added: bool) -> Iterator[Truth]:
        """Everything that must be true for a rule to match for a recipient.

        :param added: whether the copy was made by a rule.
        """


def whether_met(
    decider: Decider, rule: FlowRule, world: World, person: Recipient, added: bool, answers: Mapping[Hashable, bool]
) -> Truth:
    """Whether a rule matches for a recipient, under answers to open questions."""
    return all_of(evaluate(value, answers) for value in decider.parts(rule, world, person, added))


@dataclass(slots=True)
class MessageDecider:
    """Evaluates the conditions of rules on a message.

    :param everything: whether every rule may match, and not only those that the message can match by its words,
        addresses and domains. The answer is the same.
    """

    rules: RuleSet
    message: Message
    facts: Facts
    everything: bool = False
    _of_recipient: dict[tuple[int, str], Truth] = field(default_factory=dict)
    _of_sender: dict[int, Truth] = field(default_factory=dict)
    _dead: dict[int, int] = field(default_factory=dict)
    _index: Candidates = field(init=False)
    _matchable: dict[tuple[int, Fork], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index = Candidates(self.rules, self.message, self.facts)

    @property
    def conditions(self) -> MessageDecider:
        """This: the message says what DLP rules look at, too."""
        return self

    def candidates(self, world: World) -> int:
        """The rules that may match in a world, as bits. Interned content is known by its ``id``."""
        if self.everything:
            return self.rules.active
        key = (id(world.content), world.fork)
        matchable = self._matchable.get(key)
        if matchable is None:
            matchable = self._matchable[key] = self._index.matchable(world.content, world.fork)
        return matchable & ~self._dead.get(id(world.content), 0)

    def matches_nobody(self, rule: FlowRule, world: World, person: Recipient) -> bool:
        """Whether a condition that is the same for all recipients is false. Cached for other recipients of the same
        content.
        """
        content = world.content
        bit = 1 << rule.place
        dead = self._dead.get(id(content), 0)
        if dead & bit:
            return True
        for atom in rule.criteria.common:
            known = self._known_of(atom, content).get(atom.number)
            if known is None:
                known = self.truth(atom, world, person)
            if known is False:
                self._dead[id(content)] = dead | bit
                return True
        return False

    def parts(self, rule: FlowRule, world: World, person: Recipient, added: bool = False) -> Iterator[Truth]:
        """Everything that must be true for a rule to match, cheapest first."""
        for atom in rule.criteria.conditions:
            yield self.truth(atom, world, person)
        if rule.criteria.content and hidden(self.message, world.content):
            yield False
        if rule.dates.begins or rule.dates.ends:
            yield from rule.dates.borders(self.message.date)
        for atom in rule.criteria.exceptions:
            yield negate(self.truth(atom, world, person))
        for reason in rule.criteria.doubts:
            yield Open(("doubt", rule.place, reason), (reason,))
        if rule.criteria.selects:
            return
        if "ApprovalRequest" in (self.message.types or ()):
            yield opened(("approval request",), questions.SYSTEM_MAIL, "approval_requests", shared=True)
        if "JournalReport" in (self.message.types or ()) or "RuleReport" in (self.message.types or ()):
            yield opened(("report",), questions.A_FACT, "reports")
        if added and rule.parts_added:
            yield whether_counted(person)

    def truth(self, atom: Atom, world: World, person: Recipient) -> Truth:
        """Whether a condition is true for a recipient; open if unknown."""
        reach = atom.reach
        known: Truth | None
        if reach is _OF_MESSAGE:
            known = world.content.known.get(atom.number)
            if known is None:
                known = world.content.known[atom.number] = self._seen(atom, world, person)
        elif reach is _OF_SENDER:
            cached = self._known_of(atom, world.content)
            known = cached.get(atom.number)
            if known is None:
                known = cached[atom.number] = self._seen(atom, world, person)
        elif reach is _OF_RECIPIENT and not world.content.edits_of(atom.headers):
            key = (atom.number, person.address)
            known = self._of_recipient.get(key)
            if known is None:
                known = self._of_recipient[key] = self._seen(atom, world, person)
        else:
            known = self._seen(atom, world, person)
        return known

    def _known_of(self, atom: Atom, content: Content) -> dict[int, Truth]:
        """The known results of a condition that is the same for all recipients: those of a content, or, of the sender,
        of all contents of whose headers no rule edited any that says it.
        """
        if atom.reach is _OF_MESSAGE or (content.edits and content.edits_of(atom.headers)):
            return content.known
        return self._of_sender

    def _seen(self, atom: Atom, world: World, person: Recipient) -> Truth:
        content = world.content
        predicate = atom.predicate
        if content.wrapped and predicate.may_differ_in_wrapper:
            truth: Truth = opened(
                ("wrapper", content.headers, content.edits, content.classifications),
                questions.A_FACT,
                "wrapped",
                predicate.looks_at,
            )
        elif is_name(person.address) and atom.reach in (Reach.RECIPIENT, Reach.RELATION):
            truth = opened(("name", person.address), questions.A_FACT, "address", person.label)
        else:
            truth = atom.evaluate(RuleView(self.message, self.facts, content, person, world.fork))
        return replace(truth, key=(atom.number, truth.key)) if isinstance(truth, Open) and not truth.shared else truth


def whether_counted(person: Recipient, *, beside_others: bool = False) -> Open:
    """Whether a rule that looks at recipients, and matches somebody whom another rule added, acts on their copy.

    :param beside_others: whether it matches others of that copy, too. Then it may, without looking at that person.
    """
    key = ("added", person.address, beside_others)
    return opened(key, questions.ADDED_RECIPIENTS, "added", (person.brought_by, person.label))


def whether_taken_along(rule: str, person: Recipient) -> Open:
    """Whether what a rule of a name does to the others of a copy reaches somebody whom another rule added, if it does not look at
    them.
    """
    key = ("taken along", rule, person.address)
    return opened(key, questions.ADDED_RECIPIENTS, "added", (person.brought_by, person.label))


def hidden(message: Message, content: Content) -> bool:
    """Whether S/MIME hides what rules look into."""
    protection = message.protection
    return protection is not None and protection.kind == "smime" and not content.wrapped
