# SPDX-License-Identifier: GPL-3.0-or-later
"""One way in which a message can pass the rules, for one recipient.

As long as nothing is open, there is one world. An open question makes two; worlds with equal outcomes become one again,
and the question made no difference. A world against a guess is kept, too: it shows whether an answer relies on the
guess.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..actions.act import Added
from ..budget import spend
from ..model.encrypters import NOTHING, AppliedEncrypters
from ..model.kleene import Open, Reason
from ..model.message import Recipient
from ..model.outcomes import Fate
from ..model.rule_view import Content, Fork, Value

#: The cost, in steps, of telling a world from others, and of somebody who shares a copy in it.
STEPS_OF_WORLD = 60


@dataclass(frozen=True)
class World(Value):
    """The state of a recipient's copy after some rules.

    :param content: what later rules see.
    :param fork: who shares the copy.
    :param fate: the copy's fate so far.
    :param over: whether no later rule is evaluated; :param:`ended_by` is the rule that caused it.
    :param stopped: whether that applies to the whole copy, whoever gets it in the end.
    :param asked: the protection that rules asked for: rule and template.
    :param removed: the rules that asked to remove protection.
    :param brands: the branding that rules chose: rule and OME configuration.
    :param held: how often the message waits for an approval.
    :param status: the code of a rejection.
    :param routes: the connectors that rules routed it to: rule and connector.
    :param requires_tls: whether a rule lets it leave by TLS alone.
    :param disclaimer: whether a disclaimer is on it.
    :param notified: what rules report to whom: kind, rule and address.
    :param surprises: why it is open what a rule did.
    :param matched: rules that matched: how often the message had been held before, and the rule's place.
    :param perhaps: the same for rules that may have matched.
    :param answers: open questions and this world's answers.
    :param asides: open questions that made no difference so far.
    :param rests_on: numbers of the guesses on which the list of matching rules relies.
    :param ended_by_dlp: the DLP rules that surely gave the copy its fate, or hold it, after the last rule.
    :param after: what DLP rules and labels do to the copy after the last rule, or may do.
    :param merged: the equal worlds in place of which this one stands: each has more answers.
    """

    content: Content
    fork: Fork
    fate: Fate = Fate.DELIVERED
    over: bool = False
    stopped: bool = False
    ended_by: str = ""
    asked: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    brands: tuple[tuple[str, str], ...] = ()
    held: int = 0
    status: str = ""
    routes: tuple[tuple[str, str], ...] = ()
    requires_tls: bool = False
    disclaimer: bool = False
    notified: tuple[tuple[str, str, str], ...] = ()
    added: tuple[Added, ...] = ()
    surprises: tuple[Reason, ...] = ()
    matched: tuple[tuple[int, int], ...] = ()
    perhaps: frozenset[tuple[int, int]] = frozenset()
    answers: tuple[tuple[Open, bool], ...] = ()
    asides: frozenset[Reason] = frozenset()
    rests_on: frozenset[str] = frozenset()
    ended_by_dlp: tuple[str, ...] = ()
    after: AppliedEncrypters = NOTHING
    merged: tuple[World, ...] = field(default=(), compare=False)

    def answered(self) -> dict[Hashable, bool]:
        """The answers by the questions' keys."""
        return {question.key: answer for question, answer in self.answers}

    def answering(self, question: Open, value: bool) -> World:
        """This world, with an answer to an open value."""
        plain = replace(question, negated=False)
        return self.with_changes(answers=(*self.answers, (plain, value is not question.negated)))

    @property
    def against_a_guess(self) -> frozenset[str]:
        """The numbers of the guesses that this world contradicts."""
        return frozenset(reason.id for question, _answer in self.contradictions for reason in question.reasons)

    @property
    def contradictions(self) -> tuple[tuple[Open, bool], ...]:
        """The answers with which this world contradicts a guess."""
        return tuple(
            (question, answer)
            for question, answer in self.answers
            if question.guess is not None and answer is not question.guess
        )

    @property
    def goes_on(self) -> bool | None:
        """Whether later rules act on the copy; ``None`` if that is open: it waits for an approval, or it is open what a
        rule did.
        """
        if self.over:
            return False
        return None if self.held or self.surprises else True

    @property
    def state(self) -> tuple[object, ...]:
        """Everything on which later rules and the outcome depend."""
        return (
            *(
                self.content,
                self.fork,
                self.fate,
                self.over,
                self.stopped,
                self.asked,
                self.removed,
                self.brands,
                self.held,
                self.status,
            ),
            *(self.routes, self.requires_tls, self.disclaimer, self.notified, self.added, self.surprises, self.after),
        )


def merged(worlds: Iterable[World], *, by_rules: bool = False) -> list[World]:
    """The worlds in order, with equal ones merged.

    :param by_rules: whether worlds in which other rules matched stay apart.
    """
    alike: dict[tuple[object, ...], list[World]] = {}
    for world in worlds:
        key = (*world.state, world.matched, world.perhaps) if by_rules else world.state
        alike.setdefault(key, []).append(world)
    return [world for group in alike.values() for world in (_few(group) if len(group) > 1 else group)]


def _few(worlds: list[World]) -> list[World]:
    """The fewest worlds in place of several equal ones: one, or one for each set of guesses that they
    contradict, so that every guess is named without which a later rule would match.
    """
    likely = [world for world in worlds if not world.against_a_guess]
    against = sorted((world for world in worlds if world.against_a_guess), key=lambda world: len(world.against_a_guess))
    if not against:
        return [_merged_alike(likely, [])]
    if likely:
        return [_likely(likely, against)]
    alike: list[list[World]] = []
    for world in against:
        contradicted = frozenset(world.contradictions)
        group = next((group for group in alike if contradicted.issuperset(group[0].contradictions)), None)
        if group is None:
            alike.append(group := [])
        group.append(world)
    return [_merged_alike(group, group) for group in alike]


def _likely(likely: list[World], against: list[World]) -> World:
    """One world in place of equal ones, some of which follow all guesses."""
    one = _merged_alike(likely, [])
    other = _merged_alike(against, against)
    # The guesses say which rules matched; if others would match without a guess, the list relies on it.
    differing = [
        world.against_a_guess for world in against if (world.matched, world.perhaps) != (one.matched, one.perhaps)
    ]
    rests_on = one.rests_on.union(*differing)
    # A question with different answers may come up again, and then has both again.
    answers = tuple(item for item in one.answers if all(item in world.answers for world in against))
    dropped = {reason for question, _answer in (*one.answers, *other.answers) for reason in question.reasons}
    return one.with_changes(
        answers=answers,
        asides=one.asides | other.asides | dropped,
        rests_on=rests_on,
        merged=(*one.merged, *other.merged),
    )


def _merged_alike(worlds: list[World], against: list[World]) -> World:
    """Worlds that all contradict a guess, or all follow it: their common answers, and what one of them contradicts."""
    contradictions = against[0].contradictions if against else ()
    shared = set(worlds[0].answers).intersection(*(world.answers for world in worlds)) | set(contradictions)
    answers = tuple(
        dict.fromkeys(item for world in (*against[:1], *worlds) for item in world.answers if item in shared)
    )
    kept = {question for question, _answer in answers}
    dropped = {
        reason
        for world in worlds
        for question, _answer in world.answers
        if question not in kept
        for reason in question.reasons
    }
    matched = tuple(item for item in worlds[0].matched if all(item in world.matched for world in worlds))
    perhaps = {item for world in worlds for item in (*world.matched, *world.perhaps)} - set(matched)
    return worlds[0].with_changes(
        answers=answers,
        asides=frozenset(dropped).union(*(world.asides for world in worlds)),
        rests_on=frozenset().union(*(world.rests_on for world in worlds)),
        matched=matched,
        perhaps=frozenset(perhaps),
        merged=tuple(worlds),
    )


def without(fork: Fork, leaving: frozenset[Recipient], doubtful: Mapping[Recipient, tuple[Reason, ...]]) -> Fork:
    """A fork after some people left it, and some may have."""
    if not leaving and not doubtful:
        return fork
    spend(len(fork.sure))
    sure = tuple(person for person in fork.sure if person not in leaving and person not in doubtful)
    perhaps = [(person, doubtful.get(person, reasons)) for person, reasons in fork.perhaps if person not in leaving]
    perhaps += [(person, doubtful[person]) for person in fork.sure if person in doubtful]
    return Fork(sure, tuple(perhaps))


@dataclass(slots=True)
class Course:
    """What became of a recipient's copy.

    :param worlds: the ways in which it can pass the rules.
    :param too_many: whether there were more worlds than are followed.
    :param by: how a rule added the recipient; ``None`` for one that the sender named.
    :param twice: whether the recipient gets the message in several ways.
    :param sources: of each copy that rules make for the recipient: by address, whose copies it was made from, directly or
        by way of others.
    :param additions: the recipients whom rules added on the way, and the worlds right after that.
    """

    recipient: Recipient
    worlds: list[World]
    too_many: bool = False
    by: Added | None = None
    twice: bool = False
    sources: tuple[set[str], ...] = ()
    additions: dict[Added, list[World]] = field(default_factory=dict)
