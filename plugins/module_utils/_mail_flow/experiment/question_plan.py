# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent for open questions: their messages, and their temporary rules.

Temporary rules stand behind all others, so they shadow none. A question is only asked where no rule of others can act on its
messages.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.spelling import remedy
from ..._resources.rules.rule import proposed_rules
from ..model.addresses import domain
from ..model.domains import RELAYED
from ..model.facts import Facts
from ..model.questions import BY_ID
from ..rules.rule_set import RuleSet
from ..simulator.results import Simulator
from .letters import Sending, TestLetter, UnsendableError, letter_of
from .question_experiments import (
    ASKS,
    BY_NUMBER,
    GROUP,
    GUEST,
    INSIDE,
    NESTED,
    NOBODY,
    OUTSIDE,
    SECOND,
    SENDER,
    UNTOLD,
    QuestionExperiment,
    TemporaryRule,
)
from .reach import reach_of
from .record import PROBE
from .relied_on import RELIED_ON
from .sampling import PlannedMail, Unsent
from .temporary_rules import rule_of_run, word_of

#: What asks all questions, as an option.
ALL = "all"

#: The most messages that show when temporary rules act.
MOST_PROBES = 6


@dataclass(frozen=True)
class QuestionRequest:
    """The questions that an experiment asks.

    :param numbers: their numbers.
    :param first: the number of the first message in the run, from 1, and :param:`most`, how many there may be.
    :param may_make_rules: whether temporary rules may be made.
    :param reads_copies: whether delivered copies are read.
    :param until: when the rules end by themselves.
    :param absent: the recipients whom the directory does not have.
    """

    numbers: Sequence[str]
    sending: Sending
    rule_set: RuleSet
    facts: Facts
    first: int
    most: int
    may_make_rules: bool
    reads_copies: bool
    until: datetime.datetime
    absent: Collection[str] = ()


@dataclass(frozen=True)
class QuestionPlan:
    """The messages and temporary rules for the questions that are asked, and why the others are not.

    :param people: role to address.
    :param rules: the temporary rules, in the form of the modules, first to last.
    :param probes: messages that show when these act, to be sent one after the other until one does; none without rules.
    """

    messages: Sequence[PlannedMail] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    unsent: Sequence[Unsent] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    probes: Sequence[PlannedMail] = ()


def numbers_of(numbers: Sequence[str]) -> list[str]:
    """The numbers of the questions that an option names, without those that verdicts rest on.

    :raises OptionError: one is none.
    """
    words = [ALL, RELIED_ON]
    for number in numbers:
        if number not in words and number not in BY_ID:
            raise OptionError(f"questions: there is no question {number!r}.", remedy=remedy(number, [*words, *BY_ID]))
    return list(BY_ID) if ALL in numbers else [number for number in dict.fromkeys(numbers) if number not in words]


def messages_of(number: str) -> int:
    """How many messages tell the answer to a question; 0 if none does."""
    return len(BY_NUMBER[number].messages) if number in BY_NUMBER else 0


def question_plan_of(asked: QuestionRequest) -> QuestionPlan:
    """The messages and rules for questions."""
    return _QuestionPlanner(asked).plan()


def may_be_nobody(address: str, facts: Facts) -> bool:
    """Whether it is not known whether an address in a relayed domain is that of an object."""
    return facts.domains.type_of(domain(address)) == RELAYED and facts.is_object(address) is None


def people_of(sending: Sending, facts: Facts, absent: Collection[str] = ()) -> dict[str, str]:
    """Who of the given addresses can take which part.

    :param absent: those that the directory does not have.
    """
    sender = sending.senders[0]
    inside = [address for address in sending.recipients if address != sender and _is_single(address, facts)]
    outside = [address for address in sending.recipients if facts.domains.type_of(domain(address)) == ""]
    relayed = [
        address
        for address in inside
        if facts.domains.type_of(domain(address)) == RELAYED
        and (facts.is_object(address) is False or (may_be_nobody(address, facts) and address in absent))
    ]
    able = {
        INSIDE: inside,
        SECOND: inside[1:],
        OUTSIDE: [address for address in outside if facts.is_object(address) is not True],
        NOBODY: [*relayed, *(address for address in inside if facts.is_object(address) is False)],
        GUEST: [address for address in outside if _is_guest(address, facts)],
    }
    return {
        SENDER: sender,
        **{role: addresses[0] for role, addresses in able.items() if addresses},
        **_nested(inside, facts),
    }


def _is_single(address: str, facts: Facts) -> bool:
    """Whether an address inside is a primary one, and none of a group."""
    groups = (*(facts.groups.members or ()), *facts.groups.unread)
    is_inside = bool(facts.domains.type_of(domain(address)))
    return is_inside and facts.people.primary(address) == address and address not in groups


def _is_guest(address: str, facts: Facts) -> bool:
    """Whether somebody with an address outside is known to the organization. In an internal remote domain, everybody is
    inside.
    """
    is_known = facts.is_object(address) is True and not facts.people.is_contact(address)
    return is_known and facts.domains.counts_as_internal(domain(address)) is False


def _nested(inside: Sequence[str], facts: Facts) -> dict[str, str]:
    """The first of some people who is in a group by another group alone, and this group; empty if nobody is."""
    groups = facts.groups
    for address in inside:
        for group in groups.members or ():
            if groups.is_nested_member(address, group):
                return {NESTED: address, GROUP: group}
    return {}


class _QuestionPlanner:
    """Plans questions one after the other."""

    def __init__(self, asked: QuestionRequest) -> None:
        self._asked = asked
        self._people = people_of(asked.sending, asked.facts, asked.absent)
        self._simulator = Simulator(asked.rule_set, asked.facts)
        self._number = asked.first

    def plan(self) -> QuestionPlan:
        unsent: list[Unsent] = []
        chosen: list[QuestionExperiment] = []
        letters: list[_QuestionLetter] = []
        for number in self._asked.numbers:
            why = self._why_not(number, len(letters), has_rules=any(experiment.rules for experiment in chosen))
            if why is not None:
                unsent.append(why)
                continue
            experiment = BY_NUMBER[number]
            try:
                written = [self._written(experiment, message) for message in experiment.messages]
            except UnsendableError as error:
                unsent.append(Unsent(error.kind, number, error.names))
                continue
            acting = sorted({name for message in written for name in self._acting(message.letter)})
            if acting:
                unsent.append(Unsent("others", number, tuple(acting)))
                continue
            letters += written
            chosen.append(experiment)
        having = [experiment for experiment in chosen if experiment.rules]
        probing = [_probe_experiment(having[0])] if having else []
        probes = [self._written(experiment, ASKS) for experiment in probing * MOST_PROBES]
        rules = self._rules([*having, *probing])
        proposed = proposed_rules(rules, "temporary_rules") if rules else []
        every = RuleSet([*self._asked.rule_set.descriptions, *proposed], self._asked.rule_set.dialect)
        return QuestionPlan(
            [self._mail(letter, every) for letter in letters],
            rules,
            unsent,
            self._people,
            [self._mail(probe, every) for probe in probes],
        )

    def _rules(self, experiments: Sequence[QuestionExperiment]) -> list[dict[str, Any]]:
        asked = self._asked
        return [
            rule_of_run(experiment.number, rule, asked.sending, self._people, asked.until)
            for experiment in experiments
            for rule in experiment.rules
        ]

    def _why_not(self, number: str, planned: int, *, has_rules: bool) -> Unsent | None:
        """Why a question is not asked; ``None`` if it can be."""
        asked = self._asked
        experiment = BY_NUMBER.get(number)
        if experiment is None:
            return Unsent("untold", number, (UNTOLD[number], number))
        if experiment.rules and not asked.may_make_rules:
            return Unsent("temporary_rules", number, (number,))
        is_outside = asked.facts.domains.type_of(domain(asked.sending.senders[0])) == ""
        if asked.sending.by not in experiment.by or (experiment.from_outside and not is_outside):
            return Unsent("way", number, tuple(experiment.by))
        if experiment.needs_copies and not asked.reads_copies:
            return Unsent("copies", number)
        missing = [role for role in experiment.roles if role not in self._people]
        if missing:
            return Unsent("roles", number, tuple(missing))
        reserved = MOST_PROBES if has_rules or experiment.rules else 0
        if planned + len(experiment.messages) + reserved > asked.most:
            return Unsent("limit", number)
        return None

    def _written(self, experiment: QuestionExperiment, message: str) -> _QuestionLetter:
        """A message of an experiment.

        :raises UnsendableError: it cannot be sent.
        """
        asked = self._asked
        options = {
            "name": f"{experiment.number} ({message}, {self._number})",
            "from": self._people[SENDER],
            "to": [self._people[role] for role in experiment.messages[message]],
            "subject": word_of(asked.sending.token, experiment.number, message),
        }
        letter = letter_of(self._number, options, None, asked.sending, asked.facts)
        self._number += 1
        return _QuestionLetter(experiment, message, letter, options)

    def _acting(self, letter: TestLetter) -> set[str]:
        """The names of the rules of others that act on a message, or may."""
        results = self._simulator.run(letter.message)["recipients"].values()
        return {str(rule["name"]) for result in results for rule in result.get("rules", ())}

    def _mail(self, written: _QuestionLetter, rules: RuleSet) -> PlannedMail:
        letter, facts = written.letter, self._asked.facts
        predicted = Simulator(rules, facts).run(letter.message)["recipients"]
        return PlannedMail(
            letter,
            written.options,
            predicted,
            reach_of(letter, rules, facts),
            question=written.experiment.number,
            message=written.message,
        )


@dataclass(frozen=True)
class _QuestionLetter:
    """A message of an experiment."""

    experiment: QuestionExperiment
    message: str
    letter: TestLetter
    options: Mapping[str, Any]


def _probe_experiment(like: QuestionExperiment) -> QuestionExperiment:
    """What shows that rules act. Its rule is the last one: those that were made before it most likely act then, too.

    :param like: an experiment whose recipient it takes.
    """
    return QuestionExperiment(PROBE, {ASKS: like.messages[ASKS][:1]}, (), (), (TemporaryRule("acts"),))
