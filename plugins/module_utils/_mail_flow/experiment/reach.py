# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may get a copy of a message beside those to whom it is sent: whoever rules add, redirect to, ask or tell, journals, and
everybody whom a DLP policy names that was read. What a mailbox itself does with mail, such as forwarding it, ``onward`` adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..._resources.rules.action_effects import Does
from ..actions.bring import NAMING_PEOPLE
from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..model.addresses import is_address, person
from ..model.facts import Facts
from ..model.inside import leaves
from ..model.routing import may_relay
from ..rules.dlp_rules import DlpRules
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.results import Simulator
from ..simulator.state import Course
from .letters import TestLetter

#: What accepts copies for people whom nobody can compute.
ANYBODY = "unknown"


#: What sends mail on: an object that stands for an address, a mailbox, or one of its inbox rules.
STANDS_FOR, FORWARDS, BY_RULE = "recipient", "mailbox", "inbox_rule"


@dataclass(frozen=True)
class Forward:
    """A way on which mail goes on.

    :param mailbox: the object that sends it on, and :param:`to`, to whom, both in lower case.
    :param by: what does: one of the words above.
    :param rule: the name of the inbox rule; empty for anything else.
    """

    mailbox: str
    to: str
    by: str
    rule: str = ""


@dataclass(frozen=True)
class CopyReach:
    """Who may get a copy of a message beside its recipients.

    :param inside: people of the organization.
    :param outside: everybody else.
    :param open: why it is not known who else may, each in a word.
    :param forwards: what may send the message on after the rules.
    """

    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    forwards: tuple[Forward, ...] = ()

    def refused(self, may_reach: Iterable[str]) -> tuple[str, ...]:
        """The addresses, or :data:`ANYBODY`, that nobody allowed.

        :param may_reach: addresses that may get a copy, in lower case.
        """
        allowed = set(may_reach)
        unknown = (ANYBODY,) if self.open and ANYBODY not in allowed else ()
        return (*(address for address in self.outside if address not in allowed), *unknown)


def reach_of(letter: TestLetter, rules: RuleSet, facts: Facts) -> CopyReach:
    """Who may get a copy of a letter beside its recipients."""
    try:
        with bounded(STEPS_OF_MESSAGE):
            courses = Simulator(rules, facts).courses(letter.message)
    except BudgetError:
        return CopyReach(open=("budget",))
    everybody = {person(address).lower() for course in courses for address in _touched(course, rules)}
    everybody |= {journal.lower() for journal in facts.journals}
    everybody |= set(_named_by_policies(facts))
    others = sorted(everybody - {letter.sender, *letter.recipients})
    names = [address for address in others if not is_address(address)]
    known = [address for address in others if address not in names]
    inside = tuple(address for address in known if is_inside(facts, address))
    outside = tuple(address for address in known if address not in inside)
    return CopyReach(inside, outside, tuple(_open_words(courses, names, (*letter.recipients, *known), facts)))


def is_inside(facts: Facts, address: str) -> bool:
    """Whether mail to somebody surely stays in the organization."""
    return leaves(facts, address) is False and not may_relay(facts, address)


def _open_words(
    courses: Sequence[Course], names: Sequence[str], addresses: Sequence[str], facts: Facts
) -> Iterator[str]:
    """Why it is not known who else may get a copy.

    :param names: whom rules name without an address.
    :param addresses: the recipients, and everybody whose address is known.
    """
    if names:
        yield "names"
    if facts.groups.unread & set(map(facts.people.primary, addresses)):
        yield "groups"
    if any(course.too_many for course in courses):
        yield "budget"
    if any(_surprises(course) for course in courses):
        yield "rules"
    if facts.journal_rules is None:
        yield "journal_rules"


def _touched(course: Course, rules: RuleSet) -> Iterator[str]:
    """Everybody who may get something of a copy."""
    yield course.recipient.address
    for world in course.worlds:
        yield from (address for _kind, _rule, address in world.notified)
        yield from (added.address for added in world.added)
        for _held, place in (*world.matched, *world.perhaps):
            yield from _named(rules.rules[place])


def _named(rule: FlowRule) -> Iterator[str]:
    """Whom a rule names in its actions."""
    for option in NAMING_PEOPLE & rule.actions.options.keys():
        value = rule.actions.options[option]
        yield from map(str, value if isinstance(value, (list, tuple)) else [value])
    if "generate_incident_report" in rule.actions.does(Does.REPORT):
        yield str(rule.actions.options["generate_incident_report"])


def _named_by_policies(facts: Facts) -> Iterator[str]:
    """Whom the rules of DLP policies name in their actions, whatever mail they are about: much of that is open."""
    policies = facts.encrypters.dlp_policies
    for policy in policies.policies if isinstance(policies, DlpRules) else ():
        for value in (value for rule in policy.rules if rule.enabled for value in rule.actions.values()):
            named = value if isinstance(value, (list, tuple)) else [value]
            yield from (person(str(name)).lower() for name in named if is_address(person(str(name))))


def _surprises(course: Course) -> bool:
    """Whether a rule does something unknown to a copy."""
    return any(world.surprises for world in course.worlds)
