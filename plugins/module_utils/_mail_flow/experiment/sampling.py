# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages to send: those that are given, and as few others as show what guarantees and rules are about.

Each question about a rule or a guarantee is a goal. Drafts are tried in the simulator, and the smallest number of them that meets
the goals is taken, the plainest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._resources.rules.action_effects import Does
from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..input.guarantee_options import Guarantee
from ..input.messages import check
from ..model.addresses import domain
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..simulator.results import Simulator
from ..symbolic.witness_replay import course_of, is_about, surely_breaks
from .drafts import MailDraft, drafts_of, pairs_of
from .letters import Sending, TestLetter, UnsendableError, letter_of
from .reach import CopyReach, reach_of
from .settling import OpenCopy, open_copies_of

#: The most drafts that are tried.
MOST_DRAFTS = 2000


@dataclass(frozen=True, order=True, slots=True)
class Demonstration:
    """What a message shows.

    :param kind: ``acts`` (a rule acts on it), ``misses`` (it just does not), ``about`` (a guarantee is about it), ``beside`` (it just is not), or
        ``protects`` (a rule protects what a guarantee is about).
    :param name: the rule or the guarantee.
    :param rule: of ``protects``, the rule.
    :param by: of ``beside``, the exception; empty for the others.
    """

    kind: str
    name: str
    rule: str = ""
    by: str = ""

    @property
    def matters(self) -> bool:
        """Whether it is that something acts. What just does not act is beside it."""
        return self.kind in ("acts", "about", "protects")


@dataclass(frozen=True)
class Unsent:
    """What is not sent.

    :param name: the message, or the goal that none meets.
    :param kind: why, in a word; :param:`names` is what it is about.
    """

    kind: str
    name: str = ""
    names: tuple[str, ...] = ()
    goal: Demonstration | None = None


@dataclass(frozen=True)
class PlannedMail:
    """A message to send.

    :param options: it, as the option ``messages`` has it.
    :param expect: the user's expectations: address to keys of a result.
    :param predicted: address to the computed result.
    :param goals: what it shows.
    :param refutes: the names of guarantees that cover it and are not kept, as computed.
    :param open: address to the ways in which a copy can pass the rules, where there are several.
    :param question: the number of the question that it belongs to, and :param:`message`, which of its messages it is; empty for all others.
    """

    letter: TestLetter
    options: Mapping[str, Any]
    predicted: Mapping[str, Mapping[str, Any]]
    reach: CopyReach
    expect: Mapping[str, Any] = field(default_factory=dict)
    goals: tuple[Demonstration, ...] = ()
    refutes: tuple[str, ...] = ()
    open: Mapping[str, OpenCopy] = field(default_factory=dict)
    question: str = ""
    message: str = ""


@dataclass(frozen=True)
class SendingPlan:
    """The messages to send, and what is not sent.

    :param missing: the goals that something acts for which no message is sent.
    """

    messages: Sequence[PlannedMail]
    unsent: Sequence[Unsent]
    missing: Sequence[Demonstration] = ()


@dataclass(frozen=True)
class ExperimentRequest:
    """What is asked of an experiment.

    :param given: the messages of the user, each with the content of its file.
    :param rules: the names of rules.
    :param most: the most messages.
    :param readable: the recipients whose copies may be read. Goals that something acts are met there if they can be.
    """

    sending: Sending
    rule_set: RuleSet
    facts: Facts
    given: Sequence[tuple[Mapping[str, Any], bytes | None]] = ()
    guarantees: Sequence[Guarantee] = ()
    rules: Sequence[str] = ()
    most: int = 20
    readable: frozenset[str] = frozenset()


def readable_recipients(sending: Sending, facts: Facts) -> frozenset[str]:
    """The recipients whose copies the application can read: those in domains of the organization."""
    return frozenset(address for address in sending.recipients if facts.domains.type_of(domain(address)))


def sending_plan_of(asked: ExperimentRequest) -> SendingPlan:
    """The messages of an experiment."""
    return _MessageChooser(asked).plan()


@dataclass
class _MessageChooser:
    asked: ExperimentRequest
    _messages: list[PlannedMail] = field(default_factory=list)
    _unsent: list[Unsent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._simulator = Simulator(self.asked.rule_set, self.asked.facts)
        self._claims = RuleSet((guarantee.selection for guarantee in self.asked.guarantees), self.asked.facts.dialect)

    def plan(self) -> SendingPlan:
        for options, eml in self.asked.given:
            self._add_message(options, eml, expect=options.get("expect") or {})
        pairs = pairs_of(self.asked.sending.senders, self.asked.sending.recipients)
        goals = _Goals(self._simulator, self.asked)
        wanted = goals.every()
        for goal in [goal for goal in wanted if goal.kind == "idle"]:
            self._unsent.append(Unsent(self._why_idle(goal.name), goal=goal))
        unmet = {goal for goal in wanted if goal.kind != "idle"}
        sought = set(unmet)
        tried = _where_read(goals.goals_by_draft(pairs), self.asked.readable)
        for draft, met in _cover(unmet, tried):
            name = _name(min(met))
            self._add_message(draft.options(self._unique(name)), None, goals=tuple(sorted(met)))
            unmet -= met
            sought |= met
        self._unsent += [Unsent("nobody", goal=goal) for goal in sorted(unmet)]
        shown = {goal for planned in self._messages for goal in planned.goals}
        return SendingPlan(self._messages, self._unsent, sorted(goal for goal in sought - shown if goal.matters))

    def _add_message(
        self,
        options: Mapping[str, Any],
        eml: bytes | None,
        *,
        expect: Mapping[str, Any] | None = None,
        goals: tuple[Demonstration, ...] = (),
    ) -> None:
        name = str(options["name"])
        if len(self._messages) >= self.asked.most:
            self._unsent.append(Unsent("limit", name))
            return
        try:
            letter = letter_of(len(self._messages) + 1, options, eml, self.asked.sending, self.asked.facts)
        except UnsendableError as error:
            self._unsent.append(Unsent(error.kind, name, error.names))
            return
        check(expect or {}, letter.message, f"{name}.expect")
        predicted = self._simulator.run(letter.message)["recipients"]
        reach = reach_of(letter, self.asked.rule_set, self.asked.facts)
        kept = {key: value for key, value in options.items() if key != "expect" and value not in (None, [], {})}
        open_ = open_copies_of(letter, self.asked.rule_set, self.asked.facts)
        refutes = self._refuted(letter)
        self._messages.append(PlannedMail(letter, kept, predicted, reach, dict(expect or {}), goals, refutes, open_))

    def _refuted(self, letter: TestLetter) -> tuple[str, ...]:
        """The names of the guarantees that a letter refutes, as computed."""
        rules, facts = self.asked.rule_set, self.asked.facts
        refuted: list[str] = []
        for guarantee, claim in zip(self.asked.guarantees, self._claims.rules, strict=True):
            covered = [
                address
                for address in letter.recipients
                if is_about(self._claims, claim, letter.message, facts, address) is True
            ]
            courses = (course_of(rules, letter.message, facts, address) for address in covered)
            if any(surely_breaks(course, guarantee, letter.message, facts) for course in courses):
                refuted.append(guarantee.name)
        return tuple(refuted)

    def _why_idle(self, name: str) -> str:
        """Why a rule never acts: ``disabled_rule`` or ``dlp_rule``."""
        return next(rule.idle for rule in self.asked.rule_set.rules if rule.name == name)

    def _unique(self, name: str) -> str:
        taken = {planned.letter.name for planned in self._messages}
        number = 2
        unique = name
        while unique in taken:
            unique = f"{name} ({number})"
            number += 1
        return unique


def _name(goal: Demonstration) -> str:
    words = {
        "acts": f"{goal.name}: acts",
        "misses": f"{goal.name}: just does not act",
        "about": f"{goal.name}: covered",
        "beside": f"{goal.name}: just not covered",
        "protects": f"{goal.name}: protected by {goal.rule}",
    }
    return words[goal.kind]


@dataclass
class _Goals:
    """The goals of rules and guarantees, and what drafts meet."""

    simulator: Simulator
    asked: ExperimentRequest

    def __post_init__(self) -> None:
        by_name = {rule.name.casefold(): rule for rule in self.asked.rule_set.rules}
        self._rules = [by_name[name.casefold()] for name in self.asked.rules if name.casefold() in by_name]
        self._claims = RuleSet((guarantee.selection for guarantee in self.asked.guarantees), self.asked.facts.dialect)
        self._protecting = [rule for rule in self.asked.rule_set.rules if rule.enforces(Does.ENCRYPT)]

    def every(self) -> list[Demonstration]:
        """All goals; ``idle`` for a rule that never acts."""
        goals: list[Demonstration] = []
        for rule in self._rules:
            goals += (
                [Demonstration("idle", rule.name)]
                if rule.idle
                else [Demonstration("acts", rule.name), Demonstration("misses", rule.name)]
            )
        for claim in self._claims.rules:
            goals.append(Demonstration("about", claim.name))
            goals += [
                Demonstration("beside", claim.name, by=atom.predicate.options[0]) for atom in claim.criteria.exceptions
            ]
        return goals

    def goals_by_draft(self, pairs: Sequence[tuple[str, str]]) -> dict[MailDraft, frozenset[Demonstration]]:
        """The drafts, and the goals that each meets."""
        selections = [*(rule for rule in self._rules if not rule.idle), *self._claims.rules]
        if self._claims.rules:
            selections += [rule for rule in self._protecting if rule not in selections]
        every = [MailDraft(sender, recipient) for sender, recipient in pairs] if selections else []
        for rule in selections:
            every += drafts_of(rule, pairs)
        seen = {draft: self._seen(draft) for draft in list(dict.fromkeys(every))[:MOST_DRAFTS]}
        known = {draft: outcome for draft, outcome in seen.items() if outcome is not None}
        near = _Near(known)
        return {draft: frozenset(self._met(draft, known, near)) for draft in known}

    def _seen(self, draft: MailDraft) -> _DraftOutcome | None:
        """What a draft is and what rules do; ``None`` if it cannot be sent, or nobody knows."""
        try:
            letter = letter_of(0, draft.options("draft"), None, self.asked.sending, self.asked.facts)
            with bounded(STEPS_OF_MESSAGE):
                result = self.simulator.run(letter.message)["recipients"].get(draft.recipient)
                about = {
                    claim.name: is_about(self._claims, claim, letter.message, self.asked.facts, draft.recipient)
                    for claim in self._claims.rules
                }
        except (UnsendableError, BudgetError):
            return None
        if result is None:
            return None
        matched = {rule["name"]: rule["matched"] for rule in result["rules"]}
        return _DraftOutcome(
            frozenset(name for name, value in matched.items() if value is True),
            frozenset(name for name, value in matched.items() if value is not True),
            frozenset(name for name, value in about.items() if value is True),
            frozenset(name for name, value in about.items() if value is False),
            frozenset(result.get("protected_by", ())),
        )

    def _met(self, draft: MailDraft, known: Mapping[MailDraft, _DraftOutcome], near: _Near) -> Iterator[Demonstration]:
        outcome = known[draft]
        differing: set[str] = set()
        neighbors = list(draft.neighbors(near.candidates_for(draft)))
        for rule in self._rules:
            if rule.name in outcome.acting:
                yield Demonstration("acts", rule.name)
            elif rule.name not in outcome.may_act and any(rule.name in known[other].acting for other, _by in neighbors):
                yield Demonstration("misses", rule.name)
        for claim in self._claims.rules:
            if claim.name in outcome.about:
                yield Demonstration("about", claim.name)
                for protecting in sorted(outcome.protecting):
                    yield Demonstration("protects", claim.name, protecting)
            elif claim.name in outcome.not_about:
                differing |= {by for other, by in neighbors if claim.name in known[other].about}
                yield from (
                    Demonstration("beside", claim.name, by=atom.predicate.options[0])
                    for atom in claim.criteria.exceptions
                    if _is_by(atom.predicate.options[0], differing)
                )


class _Near:
    """The drafts that have all but one thing in common with one."""

    def __init__(self, drafts: Iterable[MailDraft]) -> None:
        self._groups: dict[tuple[object, ...], list[MailDraft]] = {}
        for draft in drafts:
            for key in self._keys(draft):
                self._groups.setdefault(key, []).append(draft)

    def candidates_for(self, draft: MailDraft) -> list[MailDraft]:
        """The drafts that may be a draft's neighbors."""
        return [other for key in self._keys(draft) for other in self._groups[key] if other != draft]

    @staticmethod
    def _keys(draft: MailDraft) -> tuple[tuple[object, ...], ...]:
        return (
            ("people", draft.sender, draft.recipient),
            ("sender", draft.sender, draft.parts),
            ("recipient", draft.recipient, draft.parts),
        )


@dataclass(frozen=True)
class _DraftOutcome:
    """What becomes of a draft: the rules that act, those that may, and the guarantees that are about it and that are not."""

    acting: frozenset[str]
    may_act: frozenset[str]
    about: frozenset[str]
    not_about: frozenset[str]
    protecting: frozenset[str]


def _is_by(option: str, differing: set[str]) -> bool:
    """Whether an exception may be what sets neighbors apart."""
    if option in differing:
        return True
    return ("from" in differing and option.startswith(("from", "sender"))) or (
        "to" in differing and option.startswith(("sent_to", "recipient", "any_of"))
    )


def _where_read(
    tried: Mapping[MailDraft, frozenset[Demonstration]], readable: frozenset[str]
) -> dict[MailDraft, frozenset[Demonstration]]:
    """The drafts without the goals that others meet in mailboxes whose copies may be read: only there, protection is seen."""
    seen = {
        goal
        for draft, met in tried.items()
        if draft.recipient in readable
        for goal in met
        if goal.kind in ("acts", "protects")
    }
    return {draft: met if draft.recipient in readable else met - seen for draft, met in tried.items()}


def _cover(
    goals: set[Demonstration], tried: Mapping[MailDraft, frozenset[Demonstration]]
) -> Iterator[tuple[MailDraft, set[Demonstration]]]:
    """As few drafts as meet the goals that can be met, each with those that it is taken for."""
    unmet = set(goals) | {goal for met in tried.values() for goal in met if goal.kind == "protects"}
    while unmet:
        best = max(
            tried,
            key=lambda draft: (len(unmet & tried[draft]), -len(draft.parts)),
            default=None,
        )
        if best is None or not unmet & tried[best]:
            return
        met = set(unmet & tried[best])
        yield best, met
        unmet -= met
