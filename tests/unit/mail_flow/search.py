# SPDX-License-Identifier: GPL-3.0-or-later
"""A search for claims and changes about which whoever decides them is wrong, over random rules of the small world.

What decides is given: a function from rules and options to results. Tests and the soak give the collection's; the
search knows nothing of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.unit.mail_flow import small_rules
from tests.unit.mail_flow.oracle import wrong_difference, wrong_lint, wrong_settings, wrong_verdict
from tests.unit.mail_flow.small_rules import PLAIN, Theme
from tests.unit.mail_flow.small_worlds import TENANT, SmallWorld

Values = dict[str, Any]

#: Rules, facts and the option ``guarantees`` to the result ``guarantees``; a guarantee that is refused, since no
#: message meets it, is missing.
Prove = Callable[[Sequence[Values], Mapping[str, Any], Sequence[Values]], Sequence[Mapping[str, Any]]]
#: Rules before and after, and facts, to the results ``difference`` and ``difference_more``.
Compare = Callable[[Sequence[Values], Sequence[Values], Mapping[str, Any]], tuple[Sequence[Mapping[str, Any]], int]]
#: The same with the settings of IRM before and after.
CompareSettings = Callable[
    [Sequence[Values], Sequence[Values], Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]],
    tuple[Sequence[Mapping[str, Any]], int],
]
#: Rules and facts to the names of those that never act.
Idle = Callable[[Sequence[Values], Mapping[str, Any]], set[str]]


@dataclass(frozen=True)
class Search:
    """A search among ``messages`` of a kind of small worlds for each set of rules; all of them where none is given, or
    there are not so many.

    :param wishing: whether claims have the wishes that are rare.
    """

    messages: int | None = None
    theme: Theme = PLAIN
    wishing: bool = False

    def _world(self, source: random.Random, tenant: Values) -> SmallWorld:
        every = list(self.theme.messages())
        return SmallWorld(
            tenant,
            every if self.messages is None or len(every) <= self.messages else source.sample(every, self.messages),
        )

    def claims(self, prove: Prove, seed: int, number: int = 20) -> str:
        """What is wrong about one of ``number`` random claims over one random set of rules; empty where nothing is."""
        source, themed = random.Random(seed), self.theme is not PLAIN
        tenant, told = self.theme.organization(source)
        whole = None if told is tenant else tenant
        rules = small_rules.rule_set(source, self.theme)
        claims = [small_rules.claim(source, self.theme, rules if themed else ()) for _count in range(number)]
        claims = [small_rules.wishing(source, claim) for claim in claims] if self.wishing else claims
        answers = {
            answer["name"]: answer
            for answer in prove(rules, told, [claim.option(f"claim {place}") for place, claim in enumerate(claims)])
        }
        for place, (claim, verdict) in enumerate(
            zip(claims, self._world(source, tenant).verdicts(rules, claims), strict=True)
        ):
            answer = answers.get(f"claim {place}")
            if answer is not None:
                wrong = wrong_verdict(
                    answer, verdict, claim, rules, told, exhaustive=not (themed or self.messages), whole=whole
                )
            else:
                wrong = "it is refused, and there are messages that it is about" if verdict.about else ""
            if wrong:
                return f"seed {seed}, {claim}: {wrong}\nrules = {rules!r}{_of(told, themed)}"
        return ""

    def changes(self, compare: Compare, seed: int, *, shared: bool = False) -> str:
        """What is wrong about the difference that random edits make, of every third seed three together; empty where
        nothing is.

        :param shared: whether rules look at all who share a copy.
        """
        source = random.Random(seed)
        tenant, told = self.theme.organization(source)
        before = (small_rules.shared_rule_set if shared else small_rules.rule_set)(source, self.theme)
        after = small_rules.edited(source, before, self.theme)
        for _more in range(0 if seed % 3 else 2):
            after = small_rules.edited(source, after, self.theme)
        answer, more = compare(before, after, told)
        wrong = wrong_difference(
            answer, more, before, after, self._world(source, tenant), told, whole=None if told is tenant else tenant
        )
        return (
            f"seed {seed}: {wrong}\nbefore = {before!r}\nafter = {after!r}{_of(told, self.theme is not PLAIN)}"
            if wrong
            else ""
        )

    def settings(self, compare: CompareSettings, seed: int) -> str:
        """What is wrong about the difference that other settings of IRM make in the plain world, with or without a
        random edit; empty where nothing is.
        """
        source = random.Random(seed)
        before = small_rules.rule_set(source)
        after = small_rules.edited(source, before) if seed % 2 else before
        settings = [small_rules.irm_configuration(source) for _side in range(2)]
        world = self._world(source, TENANT)
        answer, more = compare(before, after, TENANT, settings[0], settings[1])
        wrong = wrong_settings(answer, more, (before, settings[0]), (after, settings[1]), world)
        return f"seed {seed}: {wrong}\nbefore = {before!r}\nafter = {after!r}\nsettings = {settings!r}" if wrong else ""

    def idle(self, idle: Idle, seed: int) -> str:
        """What is wrong about the rules that are said never to act; empty where nothing is."""
        source = random.Random(seed)
        tenant, told = self.theme.organization(source)
        rules = small_rules.rule_set(source, self.theme)
        wrong = wrong_lint(idle(rules, told), rules, self._world(source, tenant))
        return f"seed {seed}: {wrong}\nrules = {rules!r}{_of(told, self.theme is not PLAIN)}" if wrong else ""


def _of(told: Mapping[str, Any], themed: bool) -> str:
    return f"\ntenant = {told!r}" if themed else ""
