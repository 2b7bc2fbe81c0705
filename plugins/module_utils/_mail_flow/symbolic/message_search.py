# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for messages of which formulas are true: the solver finds a model, the writer a message for it, and what keeps a
message from being written becomes clauses.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..budget import BudgetError
from ..conditions.witness import NoMessageError
from ..formula import FALSE, Literal
from ..input.parsing import message_of, with_facts
from ..model.facts import Facts
from ..model.message import Message
from ..sat.circuit import Circuit
from .concretizer import MessageWriter, WrittenMessage
from .side import Side
from .symbolic_message import SymbolicMessage

#: The maximum number of conflicts per question.
CONFLICTS = 6_000

#: The maximum number of attempts to repair a model without a message.
_TRIES = 12

#: So many of them keep to ASCII where the message can.
_TRIES_IN_ASCII = 4

#: The maximum number of answers to unknowns to try with a message.
_CASES = 6


@dataclass(frozen=True)
class CandidateMessage:
    """A message and the facts that it requires, ready for the simulator.

    :param facts: by rule set.
    """

    written: WrittenMessage
    message: Message
    facts: tuple[Facts, ...]


class LearnedRelations:
    """What attempts to write messages taught about the literals of a circuit.

    :param limits: the literal that is true of what the writer can write; none before it met such a limit.
    :param ascii_only: the one that is true of what it can write without letters beyond ASCII, likewise.
    :param decided: what the model of a message must decide, because a clause leaves a choice.
    """

    def __init__(self, mail: SymbolicMessage, circuit: Circuit) -> None:
        self._mail = mail
        self._circuit = circuit
        self._laws: dict[tuple[Literal, ...], None] = {}
        self.limits: list[Literal] = []
        self.ascii_only: list[Literal] = []
        self.decided: dict[Literal, None] = {}

    @property
    def laws(self) -> int:
        """The number of relations that always hold."""
        return len(self._laws)

    def learn(self, error: NoMessageError) -> None:
        """Adds laws for good, and limits for writing messages."""
        for clause in error.laws:
            self._circuit.add(*clause)
        of_plain = [(*clause, ~self._mail.assumptions.plain_letters.literal) for clause in error.plain]
        for clause in of_plain:
            self._circuit.add(*clause)
        if error.limits and not self.limits:
            self.limits = [self._circuit.variable("is written")]
        for clause in error.limits:
            self._circuit.add(*clause, ~self.limits[0])
        if error.ascii_only and not self.ascii_only:
            self.ascii_only = [self._circuit.variable("is written in ASCII")]
        for clause in error.ascii_only:
            self._circuit.add(*clause, ~self.ascii_only[0])
        self._laws.update(dict.fromkeys((*error.laws, *of_plain)))
        learned = (*error.laws, *error.limits, *error.ascii_only, *of_plain)
        self.decided.update(dict.fromkeys(literal for clause in learned for literal in clause))


class MessageSearch:
    """Searches for messages of which formulas about one symbolic message are true.

    :param facts: what is known of the organization; a message may need more.
    :param settings: the IRM configuration of each rule set.
    :param now: when the messages are sent.
    """

    def __init__(
        self,
        mail: SymbolicMessage,
        circuit: Circuit,
        facts: Facts,
        settings: Sequence[Mapping[str, Any] | None],
        now: datetime.datetime,
    ) -> None:
        self.learned = LearnedRelations(mail, circuit)
        self._mail = mail
        self._circuit = circuit
        self._facts = facts
        self._settings = settings
        self._now = now
        self._writer = MessageWriter(mail)

    def solve(
        self,
        literals: Sequence[Literal],
        budget: int = CONFLICTS,
        also: Sequence[Literal] = (),
        preferred: Sequence[Literal] = (),
    ) -> bool:
        """Whether all of these can be true together.

        :param also: further literals that the model must decide.
        :param preferred: literals of which the model has each that it can have together with those before it.
        :raises BudgetError: that took too many conflicts.
        """
        answer = self._circuit.solve(literals, budget, also, preferred)
        if answer is None:
            raise BudgetError
        return answer

    def candidates(
        self,
        claim: Sequence[Literal],
        literals: Sequence[Literal],
        side: Side,
        budget: int = CONFLICTS,
        preferred: Sequence[Literal] = (),
    ) -> Iterator[CandidateMessage | None]:
        """Messages of which a claim is true, on the free side for some answer to the unknowns. It is also true of each
        further message for every answer that made it false of an earlier one. So this finds messages of which it is
        true in one way or another, which Kleene's logic cannot tell. ``None`` if there may be such a message, and none
        is written.

        :param literals: what a message must satisfy anyway; :param:`preferred`: what it satisfies if it can.
        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self._circuit
        unknown = side.logic.questions
        true = circuit.conjunction(claim)
        wanted = [true]
        for _case in range(_CASES):
            possible, any_message = self.find([*wanted, *literals], side, budget, preferred)
            if not possible:
                return
            model = circuit.model()
            yield any_message
            if not unknown:
                return
            message = _values(model, (literal for literal in circuit.inputs(true) if literal not in unknown))
            if not self.solve([*message, ~true], budget):
                return
            wanted.append(circuit.substitute(true, _values(circuit.model(), unknown)))

    def rules_out(
        self, claim: Sequence[Literal], literals: Sequence[Literal], side: Side, budget: int = CONFLICTS
    ) -> bool:
        """Whether there is certainly no message of which a claim is true on the free side for every answer to the
        unknowns. Answers that make it false of a message exclude all such messages. The first ones make it false rather than
        true, whatever the message is.

        :param literals: what a message must satisfy anyway.
        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self._circuit
        unknown = side.logic.questions
        true = circuit.conjunction(claim)
        wanted = [true]
        answers = circuit.adverse(true, unknown)
        for _case in range(_CASES):
            wanted.append(circuit.substitute(true, answers))
            if not self.solve([*wanted, *literals], budget):
                return True
            message = _values(circuit.model(), (literal for literal in circuit.inputs(true) if literal not in unknown))
            if not self.solve([*message, ~true], budget):
                return False
            answers = _values(circuit.model(), unknown)
        return False

    def find(
        self, literals: Sequence[Literal], side: Side, budget: int = CONFLICTS, preferred: Sequence[Literal] = ()
    ) -> tuple[bool, CandidateMessage | None]:
        """Whether all of these can be true together, as far as is known, and a message for them; on the free side, if
        necessary one in which the content of a text is open.

        :raises BudgetError: a question took too many conflicts.
        """
        possible, candidate = self.search(literals, side, budget, preferred)
        if candidate is None and possible and side.logic.free and self.learned.limits:
            return self.search(literals, side, budget, preferred, lax=True)
        return possible, candidate

    def search(
        self,
        literals: Sequence[Literal],
        side: Side,
        budget: int = CONFLICTS,
        preferred: Sequence[Literal] = (),
        *,
        lax: bool = False,
    ) -> tuple[bool, CandidateMessage | None]:
        """Whether all of these can be true together, as far as is known, and a message for them.

        An attempt without a message adds the reason as clauses, or ends the search. What only the writer's limits
        exclude stays possible. The message has no letters beyond ASCII that no condition looks for, no sensitive information, and no
        attachment that only DLP looks for, if it can be without.

        :param preferred: what the message satisfies if it can, the most important first.
        :param lax: whether the content of the message's texts may be open.
        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self._circuit
        once = side.other_recipients.written_once
        sensitivity = self._mail.sensitivity
        lacking = [~literal for literal in (sensitivity.information, sensitivity.attachment) if literal is not FALSE]
        for attempt in range(_TRIES):
            limited = [*once, *(() if lax else self.learned.limits)]
            likes = [*self.learned.ascii_only, *preferred, *lacking]
            if not self.solve([*literals, *limited], budget, [*self.learned.decided], likes):
                return bool(limited) and self.solve(literals, budget, [*self.learned.decided]), None
            is_true = circuit.model()
            others = side.other_recipients.companions.values(), side.unmodeled_atoms(is_true)
            ascii_only = attempt < _TRIES_IN_ASCII and all(map(is_true, self.learned.ascii_only))
            try:
                return True, self._candidate(self._writer.write(is_true, *others, lax=lax, ascii_only=ascii_only))
            except NoMessageError as error:
                self.learned.learn(error)
                if not (error.laws or error.ascii_only) and (lax or not error.limits):
                    break
        return True, None

    def _candidate(self, written: WrittenMessage) -> CandidateMessage:
        """A written message in the form of the simulator."""
        message = message_of({**written.message, "date": self._now}, "", "witness")
        known = with_facts(self._facts, written.facts)
        return CandidateMessage(
            written, message, tuple(known.with_irm_configuration(settings) for settings in self._settings)
        )


def _values(holds: Callable[[Literal], bool], variables: Iterable[Literal]) -> list[Literal]:
    """The literals of these variables that hold in a model."""
    return [variable if holds(variable) else ~variable for variable in variables]
