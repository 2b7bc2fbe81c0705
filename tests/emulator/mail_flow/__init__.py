# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated organization's mail flow: which rules a message meets, and what becomes of it for each recipient.

Its rules are those of the mail flow semantics that the project works from, and it shares no code with the collection.
It works by possible worlds (:mod:`.worlds`): a two-valued mail flow (:mod:`.passage`) runs once for every combination
of answers to what is not known, and what all runs agree on is the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .directory import Directory
from .mail import Copy, Mail, mail
from .outcomes import Judge, Outcome, joined
from .passage import Effects, Passage
from .rules import Rule, rules
from .worlds import GUESSES, Question, TooManyWorlds, World, decisive, explore

__all__ = ["GUESSES", "Delivery", "Directory", "MailFlow", "TooManyWorlds"]


@dataclass(frozen=True)
class Delivery:
    """What became of somebody's copy in one world."""

    address: str
    outcome: Outcome
    copy: Copy


class MailFlow:
    """The rules of an organization, and what is known of it.

    :param stored: rules as an organization stores them: the properties of Get-TransportRule that are set.
    :param facts: what :class:`.directory.Directory` takes.
    """

    def __init__(self, stored: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
        self.rules: list[Rule] = rules(stored)
        self.directory = Directory(facts)
        self._position = {rule.name: place for place, rule in enumerate(self.rules)}

    def deliver(
        self,
        message: Mapping[str, Any],
        *,
        guesses: Collection[str] = GUESSES,
        independent: bool = False,
        limit: int = 4096,
    ) -> dict[str, Any]:
        """What becomes of a message.

        :param message: the keys of a test vector's message.
        :param guesses: the U-numbers whose likely answer is taken; empty for what a proof may use.
        :param independent: whether an unknown may have another value at each place that asks for it.
        :returns: ``recipients`` (address to fate, protection, protected_by, protected_on_arrival, rules, branding, subject and more, ``unknown``
            and ``assumes``) and ``effects`` (incident_reports, notifications, moderators: those of every world).
        :raises TooManyWorlds: more than ``limit`` combinations are open.
        """
        arrived = mail(message)
        explored = explore(
            lambda world: self._run(world, arrived), guesses=guesses, independent=independent, limit=limit
        )
        worlds = explored.worlds
        addresses = list(dict.fromkeys(address for outcomes, _effects in explored.results for address in outcomes))
        answer: dict[str, Any] = {
            "recipients": {},
            "effects": _common([effects for _outcomes, effects in explored.results]),
        }
        for address in addresses:
            outcomes = [found.get(address) for found, _effects in explored.results]
            reached = [one for one in outcomes if one is not None]
            result = joined(reached)
            if len(reached) < len(outcomes):
                # Somebody whom a rule brings, perhaps.
                result = {
                    "fate": "unknown",
                    "protection": "unknown",
                    "rules": [{**row, "matched": "unknown"} for row in result["rules"]],
                }
            result["rules"].sort(key=lambda one: self._position[one["name"]])
            questions = decisive(worlds, outcomes)
            if questions:
                result["unknown"] = sorted(
                    ({"id": one.unknown, "reason": one.reason} for one in questions),
                    key=lambda row: (row["id"], row["reason"]),
                )
            if explored.assumed:
                result["assumes"] = sorted(explored.assumed)
            answer["recipients"][address] = result
        if self.directory.labels_override:
            answer["effects"]["notes"] = ["A label with encryption replaces the protection that a rule asked for."]
        return answer

    def worlds(
        self, message: Mapping[str, Any], *, guesses: Collection[str] = (), limit: int = 4096
    ) -> dict[str, list[Outcome | None]]:
        """Each recipient's outcome in every world, for who asks more than what they agree on. None: nobody by that
        address.
        """
        arrived = mail(message)
        explored = explore(lambda world: self._run(world, arrived)[0], guesses=guesses, limit=limit)
        addresses = dict.fromkeys(address for outcomes in explored.results for address in outcomes)
        return {address: [outcomes.get(address) for outcomes in explored.results] for address in addresses}

    def in_world(self, message: Mapping[str, Any], world: World) -> tuple[list[Delivery], Effects]:
        """What becomes of each copy of a message in one world, and what the rules cause beside it. Somebody to whom
        several copies go is there several times.
        """
        arrived = mail(message)
        passage = Passage(world, arrived, self.directory, self.rules)
        judge = Judge(world, arrived, self.directory)
        found = [Delivery(recipient.address, outcome, copy) for copy, recipient, outcome in judge.every(passage.copies)]
        return found, passage.effects

    def _run(self, world: World, message: Mail) -> tuple[dict[str, Outcome], dict[str, list[str]]]:
        passage = Passage(world, message, self.directory, self.rules)
        judge = Judge(world, message, self.directory)
        found: dict[str, Outcome] = {}
        brought: dict[str, set[Outcome]] = {}
        for _copy, recipient, outcome in judge.every(passage.copies):
            if recipient.added:
                brought.setdefault(recipient.address, set()).add(outcome)
            else:
                found[recipient.address] = outcome
        # Of somebody who is reached in several ways that is known which is the same in all of them.
        for address, outcomes in brought.items():
            ways = sorted(outcomes | ({found[address]} if address in found else set()), key=repr)
            question = Question("U09", f"{address} gets the message in several ways", ("ways", address), tuple(ways))
            found[address] = world.ask(question) if len(ways) > 1 else ways[0]
        effects = passage.effects
        return found, {
            "incident_reports": effects.incident_reports,
            "notifications": effects.notifications,
            "moderators": effects.moderators,
        }


def _common(all_effects: list[dict[str, list[str]]]) -> dict[str, Any]:
    """The effects that every world has."""
    return {name: sorted(set.intersection(*(set(effects[name]) for effects in all_effects))) for name in all_effects[0]}
