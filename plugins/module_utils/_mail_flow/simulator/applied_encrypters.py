# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules and labels do to a copy after the mail flow rules, in one world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..budget import spend
from ..conditions.predicate import Atom
from ..model import questions
from ..model.carried_labels import in_transport, label_of, may_be_set, possible_labels
from ..model.encrypters import FOLLOWED, LOOKS, AppliedEncrypters, PossibleEncrypter, all_possible
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Open, Reason, Truth, all_of, negate, opened
from ..model.message import Message, Recipient
from ..model.outcomes import Fate
from ..rules.dlp_rules import LABEL, DlpRule, DlpRules, changed_by
from ..rules.rule_set import RuleSet
from .decider import ConditionDecider, hidden
from .state import World

#: The cost, in steps, of evaluating a DLP rule.
STEPS_OF_DLP_RULE = 5


@dataclass(slots=True)
class EncrypterSimulation:
    """What follows the mail flow rules, for one message.

    :param decider: decides conditions on copies; ``None`` if nothing is known of them: then every DLP rule may match.
    """

    rules: RuleSet
    message: Message
    facts: Facts
    decider: ConditionDecider | None
    _changed: dict[int, bool] = field(default_factory=dict)

    def worlds(self, world: World, person: Recipient) -> list[World]:
        """A world with what follows in it: one, or one for each answer to a question that has a guess."""
        if world.fate not in (Fate.DELIVERED, Fate.QUARANTINED):
            return [world]
        found = self._after_dlp(world, person)
        return [
            labelled
            for each in found
            for labelled in ([each] if each.fate == Fate.REDIRECTED else self._labelled(each))
        ]

    def _labelled(self, world: World) -> list[World]:
        """A world with labels in it."""
        possible = possible_labels(self.message, self.facts)
        carried = label_of(self.message, self.facts)
        if carried is None or not carried.changes_mail or carried.not_understood:
            return [_with(world, possible)] if possible else [world]
        question = in_transport(carried)
        return [
            _with(world.answering(question, True), (PossibleEncrypter(carried), *possible)),
            _with(world.answering(question, False), possible),
        ]

    def _after_dlp(self, world: World, person: Recipient) -> list[World]:
        """A world with the DLP rules that match, or may. Exchange does not ask them about mail in quarantine."""
        policies = self.facts.encrypters.dlp_policies
        if not isinstance(policies, DlpRules) or not policies.rules or world.fate == Fate.QUARANTINED:
            return [world]
        if self.decider is None or "NDR" in (self.message.types or ()):
            return [world.but(after=AppliedEncrypters(all_possible(policies.encrypters)))]
        spend(STEPS_OF_DLP_RULE * len(policies.rules))
        return [
            ended
            for new, matches in self._decided(policies, world, person)
            for ended in _ended(new, AppliedEncrypters(tuple(self._applied(policies, matches, person))))
        ]

    def _decided(self, policies: DlpRules, world: World, person: Recipient) -> list[tuple[World, list[Truth]]]:
        """Whether each rule matches, in worlds in which every question with a guess has an answer where it matters."""
        guessed: list[Open] = []

        def truth(atom: Atom) -> Truth:
            value = self._truth(atom, world, person)
            if isinstance(value, Open) and value.guess is not None:
                guessed.append(value)
            return value

        found: list[Truth] = []
        for rule in policies.rules:
            matches = rule.matches(truth, self._lacks)
            if guessed and not isinstance(matches, bool):
                branches = [world.answering(guessed[0], value) for value in (True, False)]
                return [each for branch in branches for each in self._decided(policies, branch, person)]
            guessed.clear()
            found.append(matches)
        return [(world, found)]

    def _applied(self, policies: DlpRules, matches: list[Truth], person: Recipient) -> Iterator[PossibleEncrypter]:
        """The DLP rules that match, or may, in order; none after one that stops them."""
        reached: Truth = True
        #: Why it is open whether a copy is stopped before it reaches a rule.
        stops: list[Reason] = []
        for rule, match in zip(policies.rules, matches, strict=True):
            acts = all_of((reached, match))
            if acts is False:
                continue
            why = match.reasons if isinstance(match, Open) else ()
            if rule.does.restricts:
                yield from self._of(rule, (*why, *stops), person)
            if rule.stops:
                reached = all_of((reached, negate(acts)))
                if reached is False:
                    return
                stops += _stops(rule, why)

    def _of(self, rule: DlpRule, why: tuple[Reason, ...], person: Recipient) -> Iterator[PossibleEncrypter]:
        does = rule.does
        if does.outside_only:
            outside = recipient_outside(self.facts, person.address)
            if outside is False:
                return
            why = why if outside is True else (*why, *(outside.reasons if isinstance(outside, Open) else ()))
        yield PossibleEncrypter(does, tuple(dict.fromkeys(why)))

    def _lacks(self, key: str) -> bool:
        """Whether the message surely has nothing of what DLP looks at: in its content, or as its label."""
        if key == LABEL:
            return self.message.sensitivity_label == "" and not may_be_set(self.facts)
        return self.message.sensitive_information is False

    def _truth(self, atom: Atom, world: World, person: Recipient) -> Truth:
        """Whether a condition is true of the copy as DLP sees it."""
        changed = self._changed.get(atom.number)
        if changed is None:
            changed = self._changed[atom.number] = changed_by(self.rules)(atom)
        option = atom.predicate.options[0]
        if changed or (atom.predicate.content and hidden(self.message, world.content)):
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, option)
        if self.decider is None:
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, option)
        found = self.decider.truth(atom, world, person)
        return found.settled(world.answered()) if isinstance(found, Open) else found


def _stops(rule: DlpRule, why: tuple[Reason, ...]) -> Iterator[Reason]:
    """Why it is open whether a rule stops the later ones.

    :param why: why it is open whether it matches.
    """
    looks = sorted({name for reason in why if reason.kind == LOOKS for name in reason.values})
    if looks:
        yield Reason(questions.DLP_RULES, "dlp_stops", (rule.does.name, rule.does.policy, tuple(looks)))
    yield from (reason for reason in why if reason.kind != LOOKS)


def _ended(world: World, after: AppliedEncrypters) -> list[World]:
    """A world with what DLP rules do: a copy that they surely redirect, put in quarantine, or hold for an approval, is as one
    of mail flow rules. Where it is open whether they hold it, there are two.
    """
    end = after.end
    if end == Fate.MODERATED:
        return [_held(world, after)]
    if end in FOLLOWED:
        return [world.but(after=after.delivering(), fate=Fate(end), ended_by_dlp=after.ended_by)]
    if not after.may_only_hold:
        return [world.but(after=after)]
    holds = Open(("dlp holds",), tuple(dict.fromkeys(after.reasons("ends"))))
    return [
        _held(world.answering(holds, True), after),
        world.answering(holds, False).but(after=after.delivering()),
    ]


def _held(world: World, after: AppliedEncrypters) -> World:
    """A world in which the copy waits for an approval that DLP rules ask for."""
    return world.but(after=after.delivering(), held=world.held + 1, ended_by_dlp=after.ended_by)


def _with(world: World, labels: tuple[PossibleEncrypter, ...]) -> World:
    return world.but(after=world.after.joined(labels))
