# SPDX-License-Identifier: GPL-3.0-or-later
"""How copies pass rules of which a trace says whether they meet them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..budget import spend
from ..conditions.predicate import Atom
from ..model import questions
from ..model.encrypters import LOOKS
from ..model.kleene import Open, Reason, Truth, opened
from ..model.message import Recipient
from ..rules.flow_rule import FlowRule
from ..simulator.decider import whether_counted
from ..simulator.state import World

#: The cost, in steps, of a way through rules, and of each rule on it.
_STEPS_OF_WAY, _STEPS_OF_RULE = 1000, 100

#: For each person, by address: the places of the rules that the person's copy meets or may meet, and what must be true for
#: it to meet each; nothing if it does.
RulesMetByPerson: TypeAlias = Mapping[str, Mapping[int, Sequence[Truth]]]


@dataclass(frozen=True, slots=True)
class SeenByDlp:
    """What is known of the DLP rules behind a rule set, on a copy.

    :param conditions: the numbers of their conditions, and whether each is true.
    :param matches: whether each rule matches, first to last. Equal questions have equal answers.
    """

    conditions: tuple[tuple[int, Truth], ...] = ()
    matches: tuple[Truth, ...] = ()


def spend_on_way(rules: int) -> None:
    """Spends the steps of a way through so many rules.

    :raises BudgetError: no steps are left.
    """
    spend(_STEPS_OF_WAY + _STEPS_OF_RULE * rules)


class TracedConditions:
    """Decides the conditions of DLP rules as far as a trace says them.

    :param known: what is known on each person's copy, by the person's address.
    """

    def __init__(self, known: Mapping[str, SeenByDlp]) -> None:
        self._known = {address: dict(seen.conditions) for address, seen in known.items()}

    def truth(self, atom: Atom, world: World, person: Recipient) -> Truth:
        """What the trace says of a condition on the person's copy."""
        truth = self._known.get(person.address, {}).get(atom.number)
        if truth is None:  # Somebody whom nobody expected.
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, atom.predicate.options[0])
        return truth


@dataclass(frozen=True, slots=True)
class TracedDecider:
    """Decides that copies meet the rules that a trace says they meet.

    :param rules: the rules that any of them may meet, as bits.
    :param conditions: decides the conditions of DLP rules; ``None`` where these do not matter.
    """

    met: RulesMetByPerson
    rules: int
    conditions: TracedConditions | None = None

    def candidates(self, world: World) -> int:
        """These rules, whatever the world is like."""
        return self.rules

    def matches_nobody(self, rule: FlowRule, world: World, person: Recipient) -> bool:
        """Never: nothing is known of nobody in particular."""
        return False

    def parts(self, rule: FlowRule, world: World, person: Recipient, added: bool) -> Iterator[Truth]:
        """Whether the trace says that the person's copy meets the rule."""
        met = self.met.get(person.address)
        if met is None:  # Somebody whom nobody expected.
            yield Open((person.address, rule.place), (Reason(questions.ADDED_RECIPIENTS, "added"),))
            return
        decision = met.get(rule.place)
        if decision is None:
            yield False
            return
        yield from decision
        if added and rule.parts_added:
            yield whether_counted(person)
