# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that may break a guarantee, in the simulator: whether they certainly do, and what is open about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ..._resources.rules.action_effects import Does
from ..actions.brought_people import brought_by
from ..model.connectors import IN_TRANSIT
from ..model.facts import Facts
from ..model.kleene import Open, Reason
from ..model.outcomes import ProtectionKind
from ..model.wishes import PORTAL
from ..rules.dlp_rules import sending_rules
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.disclosures import Disclosure, disclosures
from ..simulator.results import result
from ..simulator.state import Course
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import counted, courses_of, may_disclose, reasons_for, surely_breaks, surely_keeps
from .breach_cause import BreachCause
from .judgment import Breach, Counterexample, counterexample_of, counterexample_of_disclosure, hole_of

#: Builds the counterexample of a message that is one: as plain as it can be, and with its cause. That takes as long as
#: finding the message.
CounterexampleBuilder = Callable[[], Counterexample]


def brought_people(rules: RuleSet, facts: Facts) -> frozenset[str]:
    """The addresses of the people to whom rules are known to send copies."""
    return frozenset(
        address for rule in sending_rules(rules, facts) for _option, address, _senders in brought_by(rule, facts)
    )


@dataclass(frozen=True)
class GuaranteeReplay:
    """What the simulator says about messages that may break a guarantee.

    :param breach: the guarantee, with the rules under which it is to be kept.
    :param brought: the addresses of the people to whom rules are known to send copies.
    """

    breach: Breach
    brought: frozenset[str]

    def breaks(self, candidate: CandidateMessage) -> CounterexampleBuilder | None:
        """The builder of the counterexample that a message is; ``None`` if no copy of it certainly breaks the guarantee."""
        breach = self.breach
        message = candidate.message
        facts = candidate.facts[0]
        for course in self._courses(candidate):
            counts, wanted = counted(breach.claims, breach.claim, breach.guarantee, message, facts, course)
            if counts is not True or not surely_breaks(course, wanted, message, facts):
                continue
            outcome = result(course, breach.rules, message, facts)
            if outcome is not None:
                return partial(self._counterexample, candidate, course, outcome)
        return None

    def discloses(self, candidate: CandidateMessage, disclosure: Disclosure) -> CounterexampleBuilder | None:
        """The builder of the counterexample that a message is; ``None`` if it does not certainly show somebody a copy in clear."""
        for course in self._courses(candidate):
            counterexample = counterexample_of_disclosure(self.breach, candidate, course, disclosure)
            if counterexample:
                return lambda: counterexample
        return None

    def may_break(self, candidate: CandidateMessage) -> bool:
        """Whether a copy of a message breaks or may break the guarantee, by its outcome or by what a rule shows others of it."""
        breach = self.breach
        message = candidate.message
        facts = candidate.facts[0]
        claim = (breach.claims, breach.claim, breach.guarantee, message, facts)
        every = list(disclosures(breach.rules.rules, facts))
        for course in self._courses(candidate):
            counts, wanted = counted(*claim, course)
            if counts is not False and not surely_keeps(course, wanted, message, facts):
                return True
            if any(may_disclose(*claim, course, disclosure) for disclosure in every):
                return True
        return False

    def reasons(self, candidate: CandidateMessage) -> list[Reason]:
        """What is open about the copies of a message that may break the guarantee."""
        breach = self.breach
        message = candidate.message
        facts = candidate.facts[0]
        reasons = list[Reason]()
        for course in self._courses(candidate):
            counts, wanted = counted(breach.claims, breach.claim, breach.guarantee, message, facts, course)
            if counts is False:
                continue
            if isinstance(counts, Open):
                reasons += counts.reasons
            reasons += reasons_for(course, wanted, message, facts)
        return reasons

    def _courses(self, candidate: CandidateMessage) -> list[Course]:
        """What happens to the recipient's copies, and to those of all people to whom rules are known to send one. People whom a
        message invents do not count.
        """
        courses = courses_of(self.breach.rules, candidate.message, candidate.facts[0])
        own = [course for course in courses if course.recipient.address == candidate.written.recipient]
        return [
            *own,
            *(course for course in courses if course not in own and course.recipient.address in self.brought),
        ]

    def _counterexample(self, candidate: CandidateMessage, course: Course, outcome: CopyResult) -> Counterexample:
        """The counterexample that a message is, with what its wish is about beside the outcome."""
        guarantee = self.breach.guarantee
        counterexample = counterexample_of(self.breach, candidate, course, outcome)
        facts = candidate.facts[0]
        is_protected = outcome.protection not in ("", ProtectionKind.NONE, ProtectionKind.UNKNOWN)
        if guarantee.then == PORTAL and not any(world.brands for world in course.worlds):
            return replace(counterexample, unbranded=is_protected)
        if guarantee.expires_within_days:
            cause = None if is_protected else counterexample.cause
            return replace(counterexample, expiry=facts.encryption.expiry(outcome.branding), cause=cause)
        if guarantee.then == IN_TRANSIT:
            for_others = self._connectors_of_other_rules(counterexample.cause)
            hole = hole_of(course.worlds[0], facts, course.recipient.address, guarantee.tls_validation, for_others)
            return replace(counterexample, hole=hole)
        return counterexample

    def _connectors_of_other_rules(self, cause: BreachCause | None) -> set[str]:
        """The connectors to which rules route mail, but for those of the rules that a cause names."""
        named = {cause.rule, cause.other} if cause else set()
        routing = [
            (rule.name in named, str(connector))
            for rule in self.breach.rules.rules
            if (connector := rule.actions.does(Does.ROUTE).get("route_message_outbound_connector"))
        ]
        return {name for _meant, name in routing} - {name for meant, name in routing if meant}
