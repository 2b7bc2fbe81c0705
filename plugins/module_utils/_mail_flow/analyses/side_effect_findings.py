# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about side effects that rules newly have on mail, or no longer have."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.names import same_name
from ..formula import FALSE, Literal, high, low
from ..model import questions
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Message
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from ..sat.batch import Batch
from ..simulator.assumptions import AFTER_REJECTION, NOT_FOUND
from ..simulator.protection import leaves_through
from ..simulator.results import result
from ..simulator.state import Course
from ..symbolic.compile_outcomes import through
from ..symbolic.encoding import Model
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import course_of, reasons_of
from .difference_kinds import witness_of
from .edited_rules import changed_conditions_of, names_of, telling_separation, unchanged
from .finding import OF_COPIES, STATED_TEXTS, Cause, LaterRule, MayHaveSideEffects, SideEffect, SideEffectsChanged
from .rule_changes import NOTHING, Edit, Separation, edits_of, separation_of, unedited
from .rule_side_effects import TOLD_AFTER_REJECTION, effects_of
from .side_effect_exemptions import NamedRule, SideEffectExemptions, StatedEffects

#: Rule set, place of a rule in it, and its side effect.
_Effecting = tuple[int, int, SideEffect]


@dataclass(frozen=True)
class _OneSidedEffects:
    """The side effects that mail may have in one rule set alone.

    :param only: by rule set and side effect, the literals that are true together if mail has the effect in that set alone.
    :param goes_on: by side effect, the literals that are true together if rules go on after a rejection; empty if that does not
        decide whether mail has it.
    :param possible: the side effects of rules that are possible in one rule set alone; :param:`sure`: those of them that do not
        depend on whether rules go on after a rejection.
    """

    only: Mapping[tuple[int, SideEffect], tuple[Literal, ...]]
    goes_on: Mapping[SideEffect, Sequence[Literal]]
    possible: Collection[_Effecting]
    sure: Collection[_Effecting]


class SideEffects:
    """Finds the mail on which rules newly have side effects, or no longer have them.

    :param budget: the maximum number of conflicts of the solver, including those before.
    """

    def __init__(self, model: Model, budget: int) -> None:
        self.model = model
        self._budget = budget
        self._edits = edits_of(*model.rule_sets, every=True)
        self._exemptions = SideEffectExemptions(model, self._solve)
        self._places = {id(rule): both[1].place for both in unedited(*model.rule_sets) for rule in both}

    def findings(self) -> Iterator[SideEffectsChanged]:
        """A finding for each rule, direction and certainty: the side effects that mail newly has, or no longer has, by that rule."""
        doing = [[(rule, effects_of(rule)) for rule in rules.rules] for rules in self.model.rule_sets]
        one_sided = self._one_sided(doing)
        sides = [(which, rule, effects) for which in (1, 0) for rule, effects in doing[which]]
        for which, rule, effects in sides:
            possible_effects = [
                effect for effect in sorted(effects) if (which, rule.place, effect) in one_sided.possible
            ]
            for perhaps in (False, True):
                changed_effects = [
                    effect
                    for effect in possible_effects
                    if ((which, rule.place, effect) in one_sided.sure) is not perhaps
                ]
                if changed_effects:
                    yield from self._findings(rule, which, changed_effects, one_sided, perhaps=perhaps)

    def _findings(
        self,
        rule: FlowRule,
        which: int,
        effects: Sequence[SideEffect],
        one_sided: _OneSidedEffects,
        *,
        perhaps: bool,
    ) -> Iterator[SideEffectsChanged]:
        """A finding about side effects of a rule, if the same mail has all of them in its set alone; otherwise one for each."""
        circuit = self.model.circuit
        acts = self._acts(rule, which)
        has_alone = {
            effect: circuit.conjunction((*one_sided.only[which, effect], self._has_if_acting(effect, rule, which)))
            for effect in effects
        }
        some = circuit.disjunction(has_alone.values())
        together = self._is_sure([acts, some], circuit.conjunction(has_alone.values()))
        for group in [effects] if together else [[effect] for effect in effects]:
            shown = circuit.disjunction(has_alone[effect] for effect in group)
            goes_on = [literal for effect in group for literal in one_sided.goes_on[effect]]
            yield self._finding(rule, group, now=bool(which), literals=[acts, shown], goes_on=goes_on, perhaps=perhaps)

    def _has_if_acting(self, effect: SideEffect, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if mail on which a rule acts has its side effect."""
        told = effect.sort in TOLD_AFTER_REJECTION
        return self._in_its_cases(effect, rule, which) if told else self._has(effect, rule, which)

    def _in_its_cases(self, effect: SideEffect, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if a rule that acts has a side effect, which may depend on whether the sender has a manager."""
        cases = self.model.free.chains[which].cases(rule)
        return self.model.circuit.disjunction(high(when) for case, when in cases if effect in effects_of(case))

    def _one_sided(self, doing: Sequence[Sequence[tuple[FlowRule, Collection[SideEffect]]]]) -> _OneSidedEffects:
        """The side effects that mail may have in one rule set alone.

        :param doing: by rule set, each rule with its side effects.
        """
        every = sorted({effect for side in doing for _rule, effects in side for effect in effects})
        ways = [{effect: [rule for rule, effects in side if effect in effects] for effect in every} for side in doing]
        has_by_any = [
            {effect: self._has_by_any(effect, which, rules) for effect, rules in rules_by_effect.items()}
            for which, rules_by_effect in enumerate(ways)
        ]
        only = {
            (which, effect): (
                ~has_by_any[not which][effect],
                *self._is_on_its_way(effect, which),
                *self._is_on_its_way(effect, 1),  # Of mail that is lost now, another finding says so.
                *self._waits(effect, not which),
                *self._in_other_words(effect, which, has_by_any[0]),
            )
            for which in (1, 0)
            for effect in every
        }
        asked = Batch(self.model.circuit, self._budget)
        changed = asked.possible([(key, (has_by_any[key[0]][key[1]], *literals)) for key, literals in only.items()])
        possible = asked.possible(
            [
                ((which, rule.place, effect), (self._has(effect, rule, which), *only[which, effect]))
                for which, effect in only
                if (which, effect) in changed
                for rule in ways[which][effect]
            ]
        )
        goes_on = {effect: self._continues_after_rejection(effect, [side[effect] for side in ways]) for effect in every}
        doubtful = [
            ((which, rule.place, effect), (self._acts(rule, which), *goes_on[effect], *only[which, effect]))
            for which in (1, 0)
            for rule, effects in doing[which]
            for effect in effects
            if goes_on[effect] and (which, rule.place, effect) in possible
        ]
        known = asked.possible(doubtful)
        return _OneSidedEffects(only, goes_on, possible, possible - {key for key, _literals in doubtful} | known)

    def _acts(self, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if a rule of a set acts on a copy."""
        return high(self.model.free.chains[which].acts(rule))

    def _has_by_any(self, effect: SideEffect, which: int, rules: Iterable[FlowRule]) -> Literal:
        """The literal that is true if mail has a side effect by one of some rules of a set."""
        has = self.model.circuit.disjunction(self._has(effect, rule, which) for rule in rules)
        return self.model.circuit.conjunction((has, *self._is_on_its_way(effect, which)))

    def _has(self, effect: SideEffect, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if mail has a side effect by a rule of a set; after a rejection, that is open."""
        chain = self.model.free.chains[which]
        has = chain.notifies(rule) if effect.sort in TOLD_AFTER_REJECTION else chain.acts(rule)
        if effect.sort == "connector":
            has &= through(chain, effect.name)
        return high(has) & self._in_its_cases(effect, rule, which)

    def _is_on_its_way(self, effect: SideEffect, which: int) -> list[Literal]:
        """Literals that are true together if a copy may be neither rejected nor deleted in a rule set. Empty for an effect that
        does not depend on that.
        """
        if effect.sort not in OF_COPIES:
            return []
        fates = self.model.free.outcomes[which].state.fates
        return [~low(fates[fate]) for fate in (Fate.DELETED, Fate.REJECTED) if fate in fates]

    def _continues_after_rejection(self, effect: SideEffect, ways: Sequence[Sequence[FlowRule]]) -> list[Literal]:
        """Literals that are true together if rules go on after a rejection. Empty if that does not decide whether mail has a side
        effect.

        :param ways: the rules with this side effect, by rule set.
        """
        decides = any(
            self._has(effect, rule, which) != high(chain.acts(rule))
            for which, chain in enumerate(self.model.free.chains)
            for rule in ways[which]
        )
        return [high(self.model.free.logic.unknown(questions.AFTER_REJECTION))] if decides else []

    def _in_other_words(self, effect: SideEffect, which: int, before: Mapping[SideEffect, Literal]) -> list[Literal]:
        """Literals that are true together if mail brought another text before. An effect that is a text is told only then, and only
        for the second rule set. Empty for other effects.

        :param before: by effect, the literal that is true if mail had it before.
        """
        if effect.sort not in STATED_TEXTS:
            return []
        others = (has for other, has in before.items() if other.sort == effect.sort and other != effect)
        return [self.model.circuit.disjunction(others) if which else FALSE]

    def _waits(self, effect: SideEffect, which: bool) -> list[Literal]:
        """Literals that are true together if mail waits for an approval in a rule set. That somebody inside is asked is told only
        then: otherwise the finding about delivery says it. Empty for other effects.
        """
        if effect.sort != "approval" or recipient_outside(self.model.facts, effect.name) is not False:
            return []
        held = self.model.free.chains[which].state.held
        return [high(held[0]) if held else FALSE]

    def _finding(
        self,
        rule: FlowRule,
        effects: Sequence[SideEffect],
        *,
        now: bool,
        literals: Sequence[Literal],
        goes_on: Sequence[Literal],
        perhaps: bool,
    ) -> SideEffectsChanged:
        """The finding about side effects of a rule.

        :param now: whether mail newly has them.
        :param literals: literals that are true together of the mail.
        :param goes_on: what is true, too, if rules go on after a rejection; empty if that does not matter.
        :param perhaps: whether that decides for all of the mail.
        """
        own_edits = [edit for edit in self._edits if rule is edit.before or rule is edit.after]
        edits = own_edits or [edit for edit in self._edits if edit.place < self._places[id(rule)]]
        later_rule = None if own_edits else LaterRule(rule.name, acts=now, stays=True)
        edit = edits[0] if len(edits) == 1 else None
        version = self._version_that_acts(edit, rule, literals) if edit else None
        named, why = self._mail(rule, edit, version, literals, which=int(now))
        depends = bool(goes_on) and not perhaps
        witness, reasons = self._witness(effects, literals, now=now, guesses=not depends)
        if witness is None and depends:
            witness, further = self._witness(effects, [*literals, *goes_on], now=now, guesses=True)
            reasons = () if witness else tuple(dict.fromkeys((*reasons, *further)))
        if perhaps:
            reasons = (AFTER_REJECTION,)
        common: dict[str, Any] = {
            "rules": names_of(edits),
            "witness": witness,
            "effects": tuple(effects),
            "now": now,
            "later": later_rule,
            "about": tuple(each.named for each in named),
            "why": why,
            "changed": tuple({atom: names for each in named for atom, names in each.changed.items()}.items()),
            "cause": Cause(edit, _acting(edit, now=now or not own_edits), later_rule, perhaps=bool(reasons))
            if edit
            else None,
        }
        if reasons:
            return MayHaveSideEffects(**common, unknown=reasons)
        treated = self.model.circuit.conjunction(literals)
        stated = StatedEffects(rule, int(now), effects, named, why, treated, self._anyway(rule, effects, not now))
        exempt, exceptions = self._exemptions.of_change(stated)
        return SideEffectsChanged(
            **common,
            limit=exempt.limit,
            by=exempt.by,
            other_ways=exempt.other_ways,
            exceptions=exceptions,
            keep_unusual=exempt.keep_unusual,
        )

    def _anyway(self, rule: FlowRule, effects: Sequence[SideEffect], which: bool) -> list[tuple[FlowRule, Literal]]:
        """The rules of a set that have one of some side effects, each with the literal that is true if mail has it there. What the
        rule itself still does is no reason for mail to lose it.
        """
        return [
            (other, self._has_by_any(effect, which, [other]))
            for effect in effects
            for other in self.model.rule_sets[which].rules
            if effect in effects_of(other) and not (which and same_name(other.name, rule.name))
        ]

    def _mail(
        self,
        rule: FlowRule,
        edit: Edit | None,
        version: FlowRule | None,
        literals: Sequence[Literal],
        *,
        which: int,
    ) -> tuple[list[NamedRule], Separation]:
        """The rules whose conditions all mail meets on which a side effect of a rule changes, the rule itself last, and what
        distinguishes the mail of the version of the edited rule that acts on it.

        :param edit: the edit that makes the difference; ``None`` if several may.
        :param version: the version of the edited rule that acts on all of it; ``None`` if neither does.
        :param literals: literals that are true together of the mail.
        :param which: the set of the rule.
        """
        own = self._named(rule, which)
        if edit is None or version is None:
            return [own], NOTHING
        acting = self._named(version, int(version is edit.after))
        why = NOTHING
        other = edit.before if version is edit.after else edit.after
        if other is not None:
            why = separation_of(version, other)
        conditions, recipient = self.model.free.conditions, self.model.mail.recipient
        if not (why and self._is_sure(literals, conditions.may_meet_or_fail(why.met, why.unmet, recipient))):
            why = NOTHING
        if why.is_one:
            acting = acting.with_condition(*why.met)
            why = NOTHING
        named = [acting] if version is rule else [acting, own]
        return named, telling_separation(self.model, [each.named for each in named], why, self._solve)

    def _named(self, rule: FlowRule, which: int) -> NamedRule:
        """A rule of a set, with the conditions that a sentence names of mail as it arrives, and those that earlier rules change."""
        return NamedRule(which, rule, unchanged(self.model, rule), changed_conditions_of(self.model, rule))

    def _version_that_acts(self, edit: Edit, rule: FlowRule, literals: Sequence[Literal]) -> FlowRule | None:
        """The version of an edited rule that acts on all mail of which literals are true; ``None`` if neither does."""
        for which, version in ((1, edit.after), (0, edit.before)):
            if version is None or version.idle:
                continue
            if version is rule or self._is_sure(literals, self._acts(version, which)):
                return version
        return None

    def _is_sure(self, literals: Sequence[Literal], claim: Literal) -> bool:
        """Whether a claim is certainly true of all mail of which literals are; false if the budget ends first."""
        return self._solve([*literals, ~claim]) is False

    def _solve(self, literals: Sequence[Literal]) -> bool | None:
        """Whether a message can satisfy literals; ``None`` if the budget ends first."""
        remaining = self._budget - self.model.circuit.solver.conflicts
        return self.model.circuit.solve(literals, remaining) if remaining > 0 else None

    def _witness(
        self, effects: Sequence[SideEffect], literals: Sequence[Literal], *, now: bool, guesses: bool
    ) -> tuple[Mapping[str, Any] | None, tuple[Reason, ...]]:
        """A message that surely has one of some side effects in one rule set alone, a usual one if possible; or ``None``, and what
        is open of the messages that may.

        :param guesses: whether it may be guessed that no later rule reports a rejected copy.
        """
        usual = [assumption.literal for assumption in self.model.mail.assumptions]
        reasons: list[Reason] = []
        for mail in (usual, []):
            remaining = self._budget - self.model.circuit.solver.conflicts
            if remaining <= 0:
                break
            candidates = self.model.messages.candidates(literals, mail, self.model.free, remaining)
            for candidate in itertools.islice(candidates, _CANDIDATES):
                if candidate is None:
                    continue
                sides = _SideEffectReplay(self.model, candidate, effects, now=now, guesses=guesses)
                witness = sides.witness()
                if witness is not None:
                    return witness, ()
                reasons += sides.reasons
        return None, tuple(dict.fromkeys(reasons)) or (NOT_FOUND,)


#: The maximum number of messages that are tried to show that a side effect changes.
_CANDIDATES = 4


@dataclass(frozen=True)
class _SideEffectReplay:
    """A candidate for a message that has one of some side effects in one rule set alone, in the simulator.

    :param now: whether that is the second rule set.
    :param guesses: whether it may be guessed that no later rule reports a rejected copy.
    """

    model: Model
    candidate: CandidateMessage
    effects: Sequence[SideEffect]
    now: bool
    guesses: bool

    def witness(self) -> dict[str, Any] | None:
        """The candidate as a witness, without what it can do without; ``None`` if it does not show that."""
        shown = self.results(self.candidate.message)
        if shown is None:
            return None
        return witness_of(self.candidate, shows=lambda message: self.results(message) == shown)

    def results(self, message: Message) -> tuple[Any, Any] | None:
        """What becomes of a message in both rule sets; ``None`` if it does not surely have a side effect in one alone."""
        courses = [self._course(which, message) for which in (0, 1)]
        one, other = courses[self.now], courses[not self.now]
        if one is None or other is None:
            return None
        if not any(
            self._has(effect, self.now, one, message) is True
            and self._has(effect, not self.now, other, message) is False
            for effect in self.effects
        ):
            return None
        before, after = (
            result(course, self.model.rule_sets[which], message, self.candidate.facts[which])
            for which, course in enumerate(courses)
            if course is not None
        )
        return before, after

    @property
    def reasons(self) -> Iterator[Reason]:
        """What is open of the candidate."""
        for which in (0, 1):
            course = self._course(which, self.candidate.message)
            transit = any(effect.sort == "connector" for effect in self.effects)
            yield from reasons_of(course, self.candidate.message, self.candidate.facts[which], transit=transit)
            if course is not None and self._rests_on_a_guess(course):
                yield AFTER_REJECTION

    def _course(self, which: int, message: Message) -> Course | None:
        """What happens to the recipient's copy of a message in a rule set."""
        rules, facts = self.model.rule_sets[which], self.candidate.facts[which]
        return course_of(rules, message, facts, self.candidate.written.recipient)

    def _has(self, effect: SideEffect, which: int, course: Course, message: Message) -> bool | None:
        """Whether a copy has a side effect in a rule set; ``None`` if that is open."""
        manager = self.candidate.facts[which].people.manager(message.sender)
        rules = self.model.rule_sets[which].rules
        if manager is None and any(rule.actions.by_manager and effect in effects_of(rule) for rule in rules):
            return None
        acting = [rule.where(bool(manager)) if rule.actions.by_manager else rule for rule in rules]
        places = {rule.place for rule in acting if effect in effects_of(rule)}
        matched = [any(place in places for _held, place in world.matched) for world in course.worlds]
        if any(matched) and effect.sort == "connector":
            ways = {
                matches and leaves_through(world, self.candidate.facts[which], course.recipient.address, effect.name)
                for world, matches in zip(course.worlds, matched, strict=True)
            }
            return ways.pop() if len(ways) == 1 else None
        if all(matched):
            return True
        perhaps = any(place in places for world in course.worlds for _held, place in world.perhaps)
        perhaps = perhaps or (effect.sort in TOLD_AFTER_REJECTION and self._rests_on_a_guess(course))
        return None if perhaps or any(matched) else False

    def _rests_on_a_guess(self, course: Course) -> bool:
        """Whether it is only guessed, against :param:`guesses`, that no later rule reports the rejected copy."""
        return not self.guesses and any(AFTER_REJECTION.id in world.rests_on for world in course.worlds)


def _acting(edit: Edit, *, now: bool) -> tuple[bool, bool]:
    """Whether the rule of an edit acted before, and acts now, as far as its versions say.

    :param now: whether it acts now, if they say nothing.
    """
    was, acts = edit.could_act
    if was and acts:
        return True, True
    return (not now, now) if was == acts else (was, acts)
