# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds of a copy of which only is known what matters: fewer of them are different."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model.facts import Facts
from ..model.kleene import Truth
from ..model.message import Message, Recipient
from ..model.rule_view import first_content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.simulation import Passage
from ..simulator.state import Course, World
from .traced_decider import TracedDecider, spend_on_way


def without_repetitions_but_people(world: World) -> World:
    """A world in which what is asked for twice is asked for; who was told of it does not matter."""
    return without_repetitions(world).with_changes(added=world.added)


def without_repetitions(world: World) -> World:
    """A world in which what is asked for twice is asked for."""
    return world.with_changes(
        asked=tuple(sorted(set(world.asked))),
        removed=tuple(sorted(set(world.removed))),
        brands=tuple(sorted(set(world.brands))),
        notified=(),
        added=(),
    )


class DeliveryWorlds:
    """The worlds of copies on their way through rules, as far as they tell whether rules go on and copies are delivered."""

    def __init__(self, rules: RuleSet, facts: Facts) -> None:
        self._rules = rules.unwatched
        self._facts = facts

    def before(
        self, met: Mapping[int, Sequence[Truth]], message: Message, person: Recipient
    ) -> dict[int, list[World]] | None:
        """The worlds of a copy before each of some rules, as far as they tell whether rules go on; nothing for
        a rule before which every world is over. ``None`` if there are too many worlds.

        :param met: the places of these rules, and what must be true for the copy to meet each. It meets no others.
        :raises BudgetError: no steps are left.
        """
        before: dict[int, list[World]] = {}
        after = self._worlds(met, message, person, lambda rule, course: before.update({rule.place: course.worlds}))
        return None if after is None else before

    def after(self, met: Mapping[int, Sequence[Truth]], message: Message, person: Recipient) -> list[World] | None:
        """The worlds of a copy after all rules, as far as they tell whether it is delivered. ``None`` if there are too many.

        :param met: as for :meth:`before`.
        :raises BudgetError: no steps are left.
        """
        return self._worlds(met, message, person)

    def _worlds(
        self,
        met: Mapping[int, Sequence[Truth]],
        message: Message,
        person: Recipient,
        watch: Callable[[FlowRule, Course], None] | None = None,
    ) -> list[World] | None:
        spend_on_way(len(met))
        decider = TracedDecider({person.address: met}, sum(1 << place for place in met))
        content = first_content(message)

        def simplified(world: World) -> World:
            """A world of which only is known what tells whether rules go on, and whether it is delivered."""
            return World(
                content,
                world.fork,
                fate=world.fate,
                over=world.over,
                held=min(world.held, 1),
                surprises=world.surprises,
                answers=world.answers,
            )

        passage = Passage(self._rules, message, self._facts, decider, watch=watch, simplify=simplified, gives_up=True)
        course = passage.way_of(person)
        return None if course.too_many else course.worlds
