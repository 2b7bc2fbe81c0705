# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules and labels do to a copy after the mail flow rules, in one world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..._resources.compliance.dlp_fields import ATTACHMENTS
from ..actions.act import Act, Added, Scene
from ..actions.bring import bring
from ..budget import spend
from ..conditions.predicate import Atom
from ..model import questions
from ..model.carried_labels import in_transport, label_of, may_be_set, possible_labels
from ..model.encrypters import FOLLOWED, LOOKS, AppliedEncrypters, PossibleEncrypter, all_possible
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Open, Reason, Truth, all_of, any_of, evaluate, negate, opened
from ..model.message import Message, Recipient
from ..model.outcomes import Fate
from ..rules.dlp_rules import LABEL, DlpRule, DlpRules, changing_before_dlp
from ..rules.rule_set import RuleSet
from .decider import ConditionDecider, hidden, whether_counted, whether_taken_along
from .state import World

#: The cost, in steps, of evaluating a DLP rule.
STEPS_OF_DLP_RULE = 5


class _AskedRules(NamedTuple):
    """What DLP rules make of a copy in a world.

    :param applied: those that match it, or may.
    :param met: the rules that act on it, or may, each with whether it does.
    """

    world: World
    applied: tuple[tuple[DlpRule, PossibleEncrypter], ...] = ()
    met: tuple[tuple[DlpRule, Truth], ...] = ()


@dataclass(slots=True)
class EncrypterSimulation:
    """What follows the mail flow rules, for one message.

    :param decider: decides conditions on copies; ``None`` if nothing is known of them: then every DLP rule may match.
    """

    rules: RuleSet
    message: Message
    facts: Facts
    decider: ConditionDecider | None
    _changing: dict[int, frozenset[int]] = field(default_factory=dict)

    @property
    def sends(self) -> bool:
        """Whether a DLP rule may send copies to people."""
        return self._policies is not None and bool(self._policies.sending)

    @property
    def _policies(self) -> DlpRules | None:
        policies = self.facts.encrypters.dlp_policies
        return policies if isinstance(policies, DlpRules) and policies.rules else None

    def _maker(self, by: Added | None) -> DlpRule | None:
        """The DLP rule that sends somebody a copy; ``None`` if that is done by a mail flow rule, or by the sender."""
        if by is None or self._policies is None:
            return None
        place = by.place - len(self.rules.rules)
        return next((rule for rule in self._policies.sending if rule.place == place), None)

    def is_made(self, by: Added) -> bool:
        """Whether a DLP rule sends somebody a copy."""
        return self._maker(by) is not None

    def worlds(self, world: World, person: Recipient, by: Added | None = None) -> list[World]:
        """A world with what follows in it: one, or one for each answer to a question that has a guess.

        :param by: how a rule added the recipient, if one did.
        """
        if world.fate not in (Fate.DELIVERED, Fate.QUARANTINED):
            return [world]
        return [
            labelled
            for after_dlp in self._after_dlp(world, person, by)
            for labelled in ([after_dlp] if after_dlp.fate == Fate.REDIRECTED else self._labelled(after_dlp))
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

    def copies(self, worlds: Sequence[World], person: Recipient, by: Added | None) -> dict[Added, list[World]]:
        """The people to whom DLP rules send copies of somebody's copy, each with the worlds of that copy right after the
        rule; where the rule sends them none, nobody has it.

        :param worlds: of somebody's copy, after the mail flow rules; :param:`by`: how a rule added that person.
        """
        worlds_by_addition: dict[Added, list[World]] = {}
        for rule in self._policies.sending if self._policies is not None else ():
            ways = [way for world in worlds for way in self._ways(rule, world, person, by)]
            place = rule.as_sending(self.rules).place
            for added in dict.fromkeys(addition for way in ways for addition in way.added if addition.place == place):
                worlds_by_addition[added] = [_made(added, way) for way in ways]
        return worlds_by_addition

    def _ways(self, rule: DlpRule, world: World, person: Recipient, by: Added | None) -> Iterator[World]:
        """What a rule that sends copies makes of one: the worlds in which it sends them, with whom it adds, and those in which
        it does not.
        """
        maker = self._maker(by)
        reached = world.fate == Fate.DELIVERED and (maker is None or rule.may_come_after(maker)) and rule is not maker
        for new, applied, met in self._asked(world, person, by) if reached else [_AskedRules(world)]:
            after = new.after.joined([encrypter for _rule, encrypter in applied])
            why = next((encrypter.why for applying, encrypter in applied if applying is rule), None)
            # Whether one that blocks people outside sends copies of mail for people inside is as open.
            own = PossibleEncrypter(rule.does, why or ())
            sends = after.brings(own) if why is not None else False
            if sends is False:
                yield new
                continue
            before = [
                PossibleEncrypter(encrypter.what.for_others, encrypter.why)
                for other, encrypter in applied
                if other is not rule and rule.may_come_after(other)
            ]
            for_others = PossibleEncrypter(rule.does.for_others, _unless_alone(own))
            sent = new.with_changes(
                after=replace(new.after.joined([*before, for_others]), met_by_others=_by_others(rule, met))
            )
            if sends is None:
                question = Open(("dlp sends", rule.place), tuple(dict.fromkeys(after.reasons_of(own, "brings"))))
                yield new.answering(question, False)
                sent = sent.answering(question, True)
            scene = Scene(self.message, self.facts, person, last=True, protection_shows=False)
            sending = rule.as_sending(self.rules)
            yield from bring(Act(sending, scene, sending.actions.sorts), sent)

    def _after_dlp(self, world: World, person: Recipient, by: Added | None) -> list[World]:
        """A world with the DLP rules that match, or may. Exchange does not ask them about mail in quarantine."""
        if self._policies is None or world.fate == Fate.QUARANTINED:
            return [world]
        if self._is_unasked:
            return [_with(world, all_possible(self._policies.encrypters))]
        return [
            ended
            for new, applied, _met in self._asked(world, person, by)
            for ended in _ended(new, new.after.joined([encrypter for _rule, encrypter in applied]))
        ]

    @property
    def _is_unasked(self) -> bool:
        """Whether nothing is known of what DLP rules make of the message."""
        return self.decider is None or "NDR" in (self.message.types or ())

    def _asked(self, world: World, person: Recipient, by: Added | None) -> list[_AskedRules]:
        """A world with the DLP rules that match a copy, or may: of one that a DLP rule sends, those after it."""
        policies = self._policies
        if policies is None:
            return [_AskedRules(world)]
        if self._is_unasked:
            every = ((rule, possible) for rule in policies.rules for possible in all_possible([rule.does]))
            return [_AskedRules(world, tuple(every))]
        spend(STEPS_OF_DLP_RULE * len(policies.rules))
        asked = []
        for new, matches in self._decided(policies, world, person, by):
            met = tuple(self._met(policies, self._with_others(policies, new, matches, person, by), self._maker(by)))
            applied = (
                (rule, possible)
                for rule, _acts, why in met
                if rule.does.restricts
                for possible in self._possible(rule, why, person)
            )
            asked.append(_AskedRules(new, tuple(applied), tuple((rule, acts) for rule, acts, _why in met)))
        return asked

    def _decided(
        self, policies: DlpRules, world: World, person: Recipient, by: Added | None
    ) -> list[tuple[World, list[Truth]]]:
        """Whether each rule matches, in worlds in which every question with a guess has an answer where it matters."""
        guessed: list[Open] = []

        def truth(atom: Atom) -> Truth:
            value = self._truth(atom, world, person, by)
            if isinstance(value, Open) and value.guess is not None:
                guessed.append(value)
            return value

        every_match: list[Truth] = []
        for rule in policies.rules:
            matches = rule.matches(truth, lambda key: self._lacks(key, world))
            if guessed and not isinstance(matches, bool):
                branches = [world.answering(guessed[0], value) for value in (True, False)]
                return [decided for branch in branches for decided in self._decided(policies, branch, person, by)]
            guessed.clear()
            every_match.append(matches)
        return [(world, every_match)]

    def _with_others(
        self, policies: DlpRules, world: World, matches: list[Truth], person: Recipient, by: Added | None
    ) -> list[Truth]:
        """Whether each rule matches, or may, somebody to whom a DLP rule sends a copy: one that looks at recipients may not look
        at them, and then do to their copy what it does to the one that theirs was made of.
        """
        if self._maker(by) is None:
            return matches
        others = dict(world.after.met_by_others)
        counted: list[Truth] = []
        for rule, match in zip(policies.rules, matches, strict=True):
            if not rule.looks_at_recipients:
                counted.append(match)
                continue
            taken = all_of((others.get(rule.place, False), whether_taken_along(rule.name, person)))
            counted.append(any_of((all_of((match, whether_counted(person))), taken)))
        return counted

    def _met(
        self, policies: DlpRules, matches: list[Truth], maker: DlpRule | None
    ) -> Iterator[tuple[DlpRule, Truth, tuple[Reason, ...]]]:
        """The DLP rules that act, or may, in order, each with whether it does, and why that is open; none after one that stops
        them.
        """
        reached: Truth = True
        #: Why it is open whether a copy is stopped before it reaches a rule.
        stops: list[Reason] = []
        if maker is not None and maker.stops:
            if not maker.stops_perhaps:
                return
            stops += _stops(maker, maker.reasons)
        for rule, match in zip(policies.rules, matches, strict=True):
            if maker is not None and (rule is maker or not rule.may_come_after(maker)):
                continue
            acts = all_of((reached, match))
            if acts is False:
                continue
            why = match.reasons if isinstance(match, Open) else ()
            yield rule, acts, (*why, *stops)
            if rule.stops:
                reached = all_of((reached, negate(acts)))
                if reached is False:
                    return
                stops += _stops(rule, why)

    def _possible(self, rule: DlpRule, why: tuple[Reason, ...], person: Recipient) -> Iterator[PossibleEncrypter]:
        """What a rule that matches, or may, does to somebody's copy.

        :param why: why it is open whether it matches.
        """
        outside: Truth = not rule.does.outside_only or recipient_outside(self.facts, person.address)
        if isinstance(outside, Open):
            why = (*why, *outside.reasons)
        if outside is not False:
            yield PossibleEncrypter(rule.does, tuple(dict.fromkeys(why)))
        if outside is not True and rule.does_inside is not None:
            yield PossibleEncrypter(rule.does_inside, tuple(dict.fromkeys(why)))

    def _lacks(self, key: str, world: World) -> bool:
        """Whether the message surely has nothing of what DLP looks at: in its content, attached to it, or as its label. A
        disclaimer that is put around a message makes it an attachment.
        """
        if key == ATTACHMENTS:
            return self.message.has_no_attachment and not world.content.wrapped
        if key == LABEL:
            return self.message.sensitivity_label == "" and not may_be_set(self.facts)
        return self.message.sensitive_information is False

    def _truth(self, atom: Atom, world: World, person: Recipient, by: Added | None) -> Truth:
        """Whether a condition is true of the copy as DLP sees it."""
        option = atom.predicate.options[0]
        if self._is_changed(atom, world, by) or (atom.predicate.content and hidden(self.message, world.content)):
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, option)
        if self.decider is None:
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, option)
        return evaluate(self.decider.truth(atom, world, person), world.answered())

    def _is_changed(self, atom: Atom, world: World, by: Added | None) -> bool:
        """Whether a mail flow rule may have changed what a condition looks at. Of a copy that a rule made, it may have done so
        before.
        """
        places = self._changing.get(atom.number)
        if places is None:
            changing = changing_before_dlp(self.rules)(atom)
            places = self._changing[atom.number] = frozenset(rule.place for rule in changing)
        if not places or by is not None:
            return bool(places)
        return any(place in places for _held, place in (*world.matched, *world.perhaps))


def _by_others(maker: DlpRule, met: Iterable[tuple[DlpRule, Truth]]) -> tuple[tuple[int, Truth], ...]:
    """What the copies that a DLP rule sends have of whether later rules match the copy that they are made of; nothing if it
    redirects that: then nobody else has it.
    """
    if maker.does.ends == Fate.REDIRECTED:
        return ()
    later = ((rule, match) for rule, match in met if rule is not maker and rule.may_come_after(maker))
    return tuple((rule.place, match) for rule, match in later if rule.may_take_along and match is not False)


def _stops(rule: DlpRule, why: tuple[Reason, ...]) -> Iterator[Reason]:
    """Why it is open whether a rule stops the later ones.

    :param why: why it is open whether it matches.
    """
    looks = sorted({name for reason in why if reason.kind == LOOKS for name in reason.values})
    if looks:
        yield Reason(questions.DLP_RULES, "dlp_stops", (rule.does.name, rule.does.policy, tuple(looks)))
    yield from (reason for reason in why if reason.kind != LOOKS)


def _unless_alone(encrypter: PossibleEncrypter) -> tuple[Reason, ...]:
    """Why it is open whether a rule that sends somebody a copy does what else it is told to that copy."""
    does = encrypter.what
    if does.only_sends:
        return ()
    return encrypter.why or (Reason(questions.SEVERAL_DLP_RULES, "several_dlp_withholds", (does.name, does.policy)),)


def _made(added: Added, world: World) -> World:
    """The world of a copy right after a rule sent it to somebody, or did not."""
    if added not in world.added:
        return world.with_changes(fate=Fate.NOBODY, over=True, held=0, matched=(), perhaps=frozenset())
    return world.with_changes(fate=Fate.REDIRECTED) if added.instead else world


def _ended(world: World, after: AppliedEncrypters) -> list[World]:
    """A world with what DLP rules do: a copy that they surely redirect, put in quarantine, or hold for an approval, is as one
    of mail flow rules. Where it is open whether they hold it, there are two.
    """
    end = after.end
    if end == Fate.MODERATED:
        return [_held(world, after)]
    if end in FOLLOWED:
        return [world.with_changes(after=after.delivering(), fate=Fate(end), ended_by_dlp=after.ended_by)]
    if not after.may_only_hold:
        return [world.with_changes(after=after)]
    holds = Open(("dlp holds",), tuple(dict.fromkeys(after.reasons("ends"))))
    return [
        _held(world.answering(holds, True), after),
        world.answering(holds, False).with_changes(after=after.delivering()),
    ]


def _held(world: World, after: AppliedEncrypters) -> World:
    """A world in which the copy waits for an approval that DLP rules ask for."""
    return world.with_changes(after=after.delivering(), held=world.held + 1, ended_by_dlp=after.ended_by)


def _with(world: World, labels: tuple[PossibleEncrypter, ...]) -> World:
    return world.with_changes(after=world.after.joined(labels))
