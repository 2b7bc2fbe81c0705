# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule can move before others: they are about other mail, or what they do is the same in any order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..actions.protect import option_name
from ..analyses.coverage import adds_up
from ..conditions.predicate import Reach
from ..formula import Literal, high
from ..rules.flow_rule import FlowRule
from ..sat.batch import Batch
from ..symbolic.compile_rules import RuleChain

#: Actions of these sorts may act otherwise after others of them, and so may changes of a message after others of the
#: second sorts.
_ORDERED = frozenset((Does.ENCRYPT, Does.DECRYPT, Does.BRAND, Does.ADD, Does.MODERATE, Does.ROUTE))
_CHANGED = frozenset((Does.CHANGE, Does.REPORT, Does.ADD, Does.MODERATE))


class RuleOrder:
    """What the order of rules decides.

    :param asked: takes the questions about mail that two rules are about.
    """

    def __init__(self, chain: RuleChain, asked: Batch) -> None:
        self._chain, self._asked = chain, asked
        self._rules = chain.rules.rules
        #: The pairs of rules, the later one first, of which the order may matter.
        self._barriers: set[tuple[int, int]] = set()
        #: The pairs that may act on the same mail, of rules of one group whose changes add up.
        self._meeting: set[tuple[int, int]] = set()

    def find_barriers(self, groups: Sequence[Sequence[int]], gone: Collection[int] = ()) -> None:
        """Finds the rules that the rules of groups cannot move before.

        :param groups: places, first to last. A rule may move to the place of any rule of its group.
        :param gone: the places of rules that do not count.
        """
        pairs = {
            (place, before)
            for places in groups
            for place in places
            for before in range(places[0] + 1, place)
            if before not in gone
        }
        questions = [
            ((place, before), self._both(place, before))
            for place, before in sorted(pairs)
            if self._matters(self._rules[place], self._rules[before])
        ]
        self._barriers |= self._asked.possible(questions)
        adding = [[place for place in places if adds_up(self._rules[place])] for places in groups]
        pairs = {
            (place, before) for places in adding for number, place in enumerate(places) for before in places[:number]
        }
        self._meeting |= self._asked.possible(
            [((place, before), self._both(place, before)) for place, before in sorted(pairs)]
        )

    def clashing(self, places: Collection[int]) -> set[int]:
        """The rules that may act together with a rule that asks for other protection, another branding or another
        connector. Which one mail gets is not documented (U01, U02), and may depend on any rule of them.
        """
        enforced = [rule for rule in self._rules if rule.is_on_and_enforced and _asks(rule)]
        questions = []
        for place in sorted(places):
            mine = _asks(self._rules[place])
            others = [
                high(self._chain.acts(rule))
                for rule in enforced
                if mine and any(_asks(rule).get(what, value) != value for what, value in mine.items())
            ]
            questions.append(
                (place, [high(self._chain.acts(self._rules[place])), self._chain.logic.circuit.disjunction(others)])
            )
        return self._asked.possible(questions)

    def may_join(self, place: int, run: Sequence[int]) -> bool:
        """Whether a rule can be one with earlier rules of its group, at the place of the first, as far as this tells."""
        return self.may_move(place, run[0]) and not any((place, other) in self._meeting for other in run)

    def freed(self, covered: Mapping[int, int]) -> set[int]:
        """The rules without which another may mark or log mail that it does not now, because they end the way of that
        mail before, or change what it sees.

        :param covered: the place of each such rule, to that of the last rule that covers it.
        """
        pairs = [
            (place, other)
            for place, last in covered.items()
            for other in range(place + 1, last)
            if self._frees(self._rules[place], self._rules[other])
        ]
        # Copies of people whom rules add are not looked at here.
        return {
            place
            for place, _other in (
                pairs if self._chain.rules.adds else self._asked.possible([(pair, self._both(*pair)) for pair in pairs])
            )
        }

    def may_move(self, place: int, to: int) -> bool:
        """Whether a rule can move to an earlier place, as far as this tells."""
        return all((place, before) not in self._barriers for before in range(to + 1, place))

    @staticmethod
    def _frees(gone: FlowRule, later_rule: FlowRule) -> bool:
        """Whether a later rule has an effect that no difference shows, and may have it because a rule before it goes."""
        return (
            not later_rule.idle
            and bool(later_rule.actions.does(Does.CHANGE) or not later_rule.actions.enforced)
            and (gone.actions.is_final or _sees(later_rule, gone))
        )

    def _both(self, place: int, before: int) -> list[Literal]:
        """Literals that are true together if mail meets both rules."""
        steps = (self._chain.step(self._rules[place_of_rule]) for place_of_rule in (place, before))
        return [high(step.matches) for step in steps if step is not None]

    def _matters(self, rule: FlowRule, before: FlowRule) -> bool:
        """Whether the order of two rules may matter for mail that meets both."""
        if before.idle:
            return False
        if before.actions.is_final or rule.actions.is_final or before.actions.surprises or not before.actions.enforced:
            return True
        same = before.actions.options.items() <= rule.actions.options.items()
        does, done = (one_rule.actions.sorts for one_rule in (rule, before))
        ordered = (does & _ORDERED and done & _ORDERED) or (Does.CHANGE in does and done & _CHANGED)
        return bool(ordered and not same) or _sees(rule, before) or _sees(before, rule)


def depends_on_sender(rule: FlowRule, rules: Sequence[FlowRule]) -> bool:
    """Whether a rule acts on a whole message or not at all, whatever rules before it changed, as it does if it looks at
    the sender only, and no rule edits what says it.
    """
    atoms = rule.criteria.atoms
    return all(rule.criteria.reads.isdisjoint(other.edits) for other in rules) and all(
        atom.reach in (Reach.MESSAGE, Reach.SENDER) and atom.predicate.looks_at == "sender" for atom in atoms
    )


def _sees(rule: FlowRule, other: FlowRule) -> bool:
    """Whether a rule looks at what another one changes."""
    changed = {row.seen for row in other.actions.rows if row.seen}
    sees = any(atom.predicate.looks_at in changed for atom in rule.criteria.atoms)
    return sees or not rule.criteria.reads.isdisjoint(other.edits)


def _asks(rule: FlowRule) -> dict[str, str]:
    """The protection, the branding and the connector that a rule asks for."""
    protection = [
        *sorted({name_key(option_name(template)) for template in rule.actions.templates}),
        *(["decrypt"] if rule.actions.does(Does.DECRYPT) else []),
    ]
    branding = sorted(name_key(str(name)) for name in rule.actions.does(Does.BRAND).values())
    connector = name_key(str(rule.actions.options.get("route_message_outbound_connector") or ""))
    return {
        what: asked
        for what, asked in (
            ("protection", " ".join(protection)),
            ("branding", " ".join(branding)),
            ("connector", connector),
        )
        if asked
    }
