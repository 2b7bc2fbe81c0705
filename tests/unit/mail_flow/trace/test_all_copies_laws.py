# SPDX-License-Identifier: GPL-3.0-or-later
"""Over random worlds, what a replay says for certain of all copies that a message makes, the simulator says of the
message; and what the simulator says for certain, a replay does not leave out.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    surely_breaks,
    surely_keeps,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.answered_worlds import (
    NO_COPY,
    Worlds,
    worlds_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.changed_copies import (
    kinds_between,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import (
    Replay,
    Tallies,
)

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import ordinary_message, tenant, traced

#: What a trace does not count.
_UNCOUNTED = {"transit_lost", "transit_gained", "side_effect_changed"}


#: What brings somebody a copy.
_BRINGING: tuple[dict[str, Any], ...] = (
    {"blind_copy_to": ["far@fabrikam.com"]},
    {"copy_to": ["copied@contoso.com", "far@fabrikam.com"]},
    {"redirect_message_to": ["far@fabrikam.com"]},
    {"add_manager_as_recipient_type": "Bcc"},
    {"blind_copy_to": [generators.GROUPS[0]]},
    {"add_to_recipients": [generators.PEOPLE[1]]},
)


def _bringing(source: random.Random, name: str) -> dict[str, Any]:
    """A rule that brings somebody a copy of much mail."""
    conditions = generators.section(source, 1, rare=0)
    return {"name": name, "conditions": conditions, "exceptions": {}, "actions": source.choice(_BRINGING)}


def _rules(source: random.Random) -> list[dict[str, Any]]:
    made = generators.rules(source, most=5, rare=0.1, newcomers=True)
    found = [{key: value for key, value in rule.items() if key != "priority"} for rule in made]
    if source.random() < 0.4:
        found.insert(source.randrange(len(found) + 1), _bringing(source, "Brings"))
    return found


def _edited(source: random.Random, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of the rules, perhaps in another order, and perhaps a new one."""
    found = [rule for rule in given if source.random() < 0.8]
    if source.random() < 0.5:
        new = {**generators.rule(source, 9, newcomers=True, rare=0.1), "name": "New"}
        new = _bringing(source, "New") if source.random() < 0.6 else new
        found.insert(source.randrange(len(found) + 1), {key: new[key] for key in new if key != "priority"})
    if source.random() < 0.3:
        source.shuffle(found)
    return found


def _courses(rules: RuleSet, facts: Facts, message: Message) -> dict[str, Course]:
    return {course.recipient.address: course for course in Simulator(rules, facts).courses(message)}


def _likely(course: Course | None, message: Message, facts: Facts) -> Worlds:
    """The worlds that contradict no guess, as a replay has them."""
    if course is None:
        return NO_COPY
    likely = Course(course.recipient, [world for world in course.worlds if not world.against_a_guess])
    return worlds_of(likely, message, facts)


def _of_person(found: Tallies, person: str) -> tuple[set[str], set[str]]:
    """The kinds of change of somebody's copy, and those that are certain."""
    here = {
        kind
        for kind, tally in found.difference.items()
        if any(example.recipient == person for example in tally.examples)
    }
    return here, {kind for kind in here if not found.difference[kind].possible}


#: The seeds of which it is known that they draw what a test is about.
_DRAWN = range(6)


@pytest.mark.parametrize("seed", seeds(12))
def test_a_change_of_any_copy_is_counted_and_what_is_certain_is_so(seed: int) -> None:
    certain = added = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} all copies")
        facts, given = tenant(source), _rules(source)
        after, before = RuleSet(_edited(source, given)), RuleSet(given)
        message = ordinary_message(source, "m")
        found = Replay(after, facts, before, examples=20).run(traced([message], facts))
        old, new = (_courses(rules, facts, message) for rules in (before, after))
        people = {person.address for person in recipients_of(facts, message)}
        for person in old.keys() | new.keys():
            if any(course and course.too_many for course in (old.get(person), new.get(person))):
                continue
            sides = [_likely(each.get(person), message, facts) for each in (old, new)]
            if not all(sides):
                continue
            sure, possible = kinds_between(*sides)
            here, told = _of_person(found, person)
            why = (seed, round_, given, after.descriptions, message, person, sure, possible, here, told)
            assert sure <= here | _UNCOUNTED or "unknown" in here, why
            assert told - {"branding_changed", *_UNCOUNTED} <= sure | possible | {"unknown"}, why
            certain += len(told)
            added += bool(told) and person not in people
    assert (certain and added) or seed not in _DRAWN


_GUARANTEES = (
    {"name": "clear", "when": {"from_scope": "InOrganization"}, "then": "not_in_clear"},
    {"name": "outside", "when": {"sent_to_scope": "NotInOrganization"}, "then": "not_in_clear"},
    {"name": "all", "then": "delivered"},
    {"name": "never", "then": "unencrypted"},
)


def _told(course: Course, guarantee: Guarantee, message: Message, facts: Facts) -> bool | None:
    likely = Course(course.recipient, [world for world in course.worlds if not world.against_a_guess])
    if surely_breaks(likely, guarantee, message, facts):
        return False
    return True if surely_keeps(likely, guarantee, message, facts) else None


@pytest.mark.parametrize("seed", seeds(6))
def test_a_copy_that_surely_breaks_a_guarantee_does_so_in_the_simulator_and_none_is_hidden(seed: int) -> None:
    broken = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} guarantees of all copies")
        facts, given = tenant(source), _rules(source)
        rules, message = RuleSet(given), ordinary_message(source, "m")
        guarantees = declared_guarantees([dict(each) for each in _GUARANTEES])
        found = Replay(rules, facts, guarantees=guarantees, examples=20).run(traced([message], facts))
        courses = _courses(rules, facts, message)
        for guarantee in guarantees:
            told = {
                person: _told(course, guarantee, message, facts)
                for person, course in courses.items()
                if not course.too_many
            }
            here = {example.recipient for example in found.broken[guarantee.name].examples}
            why = (seed, round_, given, message, guarantee.name, told, here)
            assert all(told.get(person) is not True for person in here), why
            broken += len(here)
            if guarantee.name in ("all", "never"):  # They are about every copy.
                hidden = sum(each is False for each in told.values()) - len(here)
                assert hidden <= found.unsettled[guarantee.name], why
    assert broken or seed not in _DRAWN
