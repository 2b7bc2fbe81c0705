# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides with the simulator whether a message certainly breaks a guarantee."""

from __future__ import annotations

from dataclasses import replace

from ..._resources.rules.action_effects import Does
from ..conditions.predicate import Atom
from ..input.guarantee_options import Guarantee
from ..model.addresses import domain
from ..model.addresses import person as person_of
from ..model.connectors import IN_TRANSIT, at_least
from ..model.facts import Facts
from ..model.inside import leaves
from ..model.kleene import Reason, Truth, all_of, any_of
from ..model.message import Message, Recipient
from ..model.message_recipients import people_behind, recipients_of
from ..model.outcomes import Fate
from ..model.routing import connectors_for
from ..model.rule_view import Fork, first_content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.decider import MessageDecider
from ..simulator.disclosures import Disclosure
from ..simulator.protection import protection_of, reasons_of_transit
from ..simulator.simulation import Passage
from ..simulator.state import Course, World
from .compile_outcomes import may_act_on_reports
from .copy_properties import EndedCopy, breaks_in, reasons_of_expiry


def is_about(rules: RuleSet, rule: FlowRule, message: Message, facts: Facts, address: str) -> Truth:
    """Whether a guarantee applies to a message for a recipient."""
    decider = MessageDecider(rules, message, facts)
    people = recipients_of(facts, message)
    world = World(first_content(message), Fork(people))
    # Somebody whom a rule adds has an address, but is not an original recipient of the message.
    person = next((person for person in people if person.address == address), Recipient(address, address, address))
    return all_of(decider.parts(rule, world, person))


def counted(
    rules: RuleSet, rule: FlowRule, guarantee: Guarantee, message: Message, facts: Facts, course: Course
) -> tuple[Truth, Guarantee]:
    """Whether somebody's copy of a message counts for a guarantee, and what it has to keep: the guarantee applies to that
    person, or the copy is made of mail that it applies to.
    """
    own = is_about(rules, rule, message, facts, course.recipient.address)
    of_copies = guarantee.of_copies
    if own is True or of_copies is None or not course.sources:
        return own, guarantee
    counts = others_count(
        guarantee, _made_of_mail(rules, rule, message, facts, course), facts, course.recipient.address
    )
    # What a copy for others has to keep, somebody's own copy has to keep, too.
    return (own, guarantee) if counts is False else (any_of((own, counts)), of_copies)


def _made_of_mail(rules: RuleSet, rule: FlowRule, message: Message, facts: Facts, course: Course) -> Truth:
    """Whether somebody's copies are made of mail that a guarantee applies to; false if they are made of none."""
    return bool(course.sources) and all_of(
        any_of(is_about(rules, rule, message, facts, address) for address in sorted(sources))
        for sources in course.sources
    )


def others_count(guarantee: Guarantee, of_mail: Truth, facts: Facts, address: str) -> Truth:
    """Whether what somebody gets counts for a guarantee although its conditions do not select that person.

    :param of_mail: whether it is made of mail that the guarantee applies to.
    """
    asked = guarantee.added_copy_counts_if(lambda: leaves(facts, address))
    return asked is not None and all_of((of_mail, *asked))


def disclosure_counts(
    rules: RuleSet,
    rule: FlowRule,
    guarantee: Guarantee,
    message: Message,
    facts: Facts,
    course: Course,
    disclosure: Disclosure,
) -> Truth:
    """Whether it counts for a guarantee that a rule shows somebody a copy."""
    who = disclosure.person.address
    of_mail = any_of(
        (
            is_about(rules, rule, message, facts, course.recipient.address),
            _made_of_mail(rules, rule, message, facts, course),
        )
    )
    return any_of((is_about(rules, rule, message, facts, who), others_count(guarantee, of_mail, facts, who)))


def surely_discloses(
    rules: RuleSet, course: Course, disclosure: Disclosure, guarantee: Guarantee, message: Message, facts: Facts
) -> bool:
    """Whether a rule certainly shows somebody a copy in clear, and, where it has to be protected on its way, sends it so
    that nothing may protect it. Where a rule may encrypt, that is open.
    """
    who = disclosure.person.address
    if course.too_many or _arrives_hidden(message) is not False:
        return False
    if may_act_on_reports(rules, Does.ENCRYPT, *([Does.ROUTE] if guarantee.then == IN_TRANSIT else [])):
        return False
    if guarantee.then == IN_TRANSIT:
        every = connectors_for(facts, domain(who)) if facts.connectors.outbound is not None else None
        if every is None or leaves(facts, who) is not True:
            return False
        if any(
            connector.takes_any and (connector.doubt or at_least(connector.validation, guarantee.tls_validation))
            for connector in every
        ):
            return False
    return all(not (world.asked or world.surprises) and _is_shown(world, disclosure, facts) for world in course.worlds)


def may_disclose(
    rules: RuleSet,
    rule: FlowRule,
    guarantee: Guarantee,
    message: Message,
    facts: Facts,
    course: Course,
    disclosure: Disclosure,
) -> bool:
    """Whether a rule may show somebody in clear a copy that counts for a guarantee."""
    if _arrives_hidden(message):
        return False
    if not guarantee.covers_disclosures:
        return False
    if guarantee.then == IN_TRANSIT and leaves(facts, disclosure.person.address) is False:
        return False
    if not any(_is_shown(world, disclosure, facts) for world in course.worlds):
        return False
    return disclosure_counts(rules, rule, guarantee, message, facts, course, disclosure) is not False


def _arrives_hidden(message: Message) -> bool | None:
    """Whether a message arrives protected, so that nobody reads it in a report; ``None`` if that is unknown."""
    arrival = message.protection
    return None if arrival is None else arrival.by_rights or arrival.kind == "smime"


def _is_shown(world: World, disclosure: Disclosure, facts: Facts) -> bool:
    """Whether a rule shows somebody a copy that has an outcome."""
    if world.fate == Fate.NOBODY:
        return False
    kind = disclosure_sort(disclosure)
    texts = [text for how, rule, text in world.notified if (how, rule) == (kind, disclosure.rule.name)]
    every = (recipient for text in texts for recipient in people_behind(facts, person_of(text)))
    return any(recipient.address == disclosure.person.address for recipient in every)


def disclosure_sort(disclosure: Disclosure) -> str:
    """What a world calls it that a rule shows somebody mail."""
    return "moderator" if disclosure.asks else "incident_report"


def on_arrival(rules: RuleSet, rule: FlowRule, message: Message, facts: Facts, address: str) -> dict[Atom, Truth]:
    """Whether a message meets each condition and exception of a rule as it arrives. Changes by earlier rules do not
    count, nor does it matter whether Exchange may decrypt it.
    """
    decrypting = {**(facts.encryption.irm_configuration or {}), "transport_decryption_setting": "Optional"}
    decider = MessageDecider(rules, message, facts.with_irm_configuration(decrypting))
    people = recipients_of(facts, message)
    world = World(first_content(message), Fork(people))
    person = next(person for person in people if person.address == address)
    return {atom: decider.truth(atom, world, person) for atom in rule.criteria.atoms}


def as_it_arrives(rules: RuleSet, rule: FlowRule, message: Message, facts: Facts, address: str) -> FlowRule:
    """A rule with the conditions that a message may meet as it arrives, and the exceptions that do not certainly match
    it then.
    """
    met = on_arrival(rules, rule, message, facts, address)
    return rule.with_criteria(
        conditions=(atom for atom in rule.criteria.conditions if met[atom] is not False),
        exceptions=(atom for atom in rule.criteria.exceptions if met[atom] is not True),
    )


def courses_of(rules: RuleSet, message: Message, facts: Facts) -> list[Course]:
    """The courses of all copies."""
    return Passage(rules, message, facts).courses()


def course_of(rules: RuleSet, message: Message, facts: Facts, address: str, person: str = "") -> Course | None:
    """The course of a recipient's copy, or of that of a person whom rules add. If none adds them, it is the
    recipient's, without copies for others.
    """
    passage = Passage(rules, message, facts)
    if not person:
        return passage.course(address)
    by_address = {course.recipient.address: course for course in passage.courses()}
    own = by_address.get(address)
    if own is None:
        return None
    without_copies = replace(own, worlds=[world.with_changes(fate=Fate.NOBODY, held=0) for world in own.worlds])
    return by_address.get(person, without_copies)


def surely_breaks(course: Course | None, guarantee: Guarantee, message: Message, facts: Facts) -> bool:
    """Whether a copy certainly breaks a guarantee."""
    return _in_all(True, course, guarantee, message, facts)


def surely_keeps(course: Course | None, guarantee: Guarantee, message: Message, facts: Facts) -> bool:
    """Whether a copy certainly keeps a guarantee."""
    return _in_all(False, course, guarantee, message, facts)


def surely(course: Course | None, guarantee: Guarantee, message: Message, facts: Facts) -> bool | None:
    """Whether a copy surely is what a guarantee says, or surely is not; ``None`` if that is open."""
    if surely_keeps(course, guarantee, message, facts):
        return True
    return False if surely_breaks(course, guarantee, message, facts) else None


def _in_all(breaks: bool, course: Course | None, guarantee: Guarantee, message: Message, facts: Facts) -> bool:
    if course is None or course.too_many:
        return False
    return all(breaks_in(ended, guarantee) is breaks for ended in _ends(course, message, facts))


def _ends(course: Course, message: Message, facts: Facts) -> list[EndedCopy]:
    return [EndedCopy(world, course.recipient.address, message, facts) for world in course.worlds]


def reasons_for(course: Course | None, guarantee: Guarantee, message: Message, facts: Facts) -> list[Reason]:
    """The unknowns that decide whether a copy breaks a guarantee."""
    if course is None:
        return []
    broken = [(ended, breaks_in(ended, guarantee)) for ended in _ends(course, message, facts)]
    reasons: set[Reason] = set()
    for ended in (ended for ended, breaks in broken if breaks is None):
        reasons.update(ended.world.surprises, ended.protection.reasons, reasons_of_expiry(ended, guarantee))
        reasons.update(reasons_of_transit(ended.world, facts, ended.address) if guarantee.then == IN_TRANSIT else ())
    every = {breaks for _ended, breaks in broken}
    for question, answer in dict.fromkeys(item for ended, _breaks in broken for item in ended.world.answers):
        if {breaks for ended, breaks in broken if (question, answer) in ended.world.answers} != every:
            reasons |= set(question.reasons)
    return sorted(reasons) or reasons_of(course, message, facts)


def reasons_of(course: Course | None, message: Message, facts: Facts, *, transit: bool = False) -> list[Reason]:
    """The unknowns about a copy.

    :param transit: whether it is about how it leaves, too.
    """
    if course is None:
        return []
    reasons: set[Reason] = set()
    for world in course.worlds:
        reasons |= {reason for question, _answer in world.answers for reason in question.reasons}
        reasons |= {
            *world.surprises,
            *world.asides,
            *(protection_of(world, message, facts).reasons if world.fate != Fate.NOBODY else ()),
        }
        reasons |= set(reasons_of_transit(world, facts, course.recipient.address)) if transit else set()
    return sorted(reasons)
