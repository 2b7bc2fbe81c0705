# SPDX-License-Identifier: GPL-3.0-or-later
"""Random rules of which some do nothing of their own, and whether the emulator treats all mail of a small world alike
under two rule sets.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from tests.unit.mail_flow import generators
from tests.unit.mail_flow.small_rules import PLAIN, rule_set, section
from tests.unit.mail_flow.small_worlds import RECIPIENTS, SmallWorld, messages

Values = dict[str, Any]

#: Every so many messages of the small world: few of each kind.
_EVERY = 11

SENDERS = ("megan@contoso.com", "bob@contoso.com", "ann@fabrikam.com", "joe@northwind.com")

#: Values that stand for those of a condition.
_OTHERS: Mapping[str, Sequence[str]] = {
    "recipient_domain_is": ("fabrikam.com", "northwind.com", "eu.fabrikam.com"),
    "sent_to": RECIPIENTS,
    "subject_contains_words": ("secure", "offer"),
}


def redundant_rules(source: random.Random) -> list[Values]:
    """Rules, and copies of some of them: the same, for less mail, or with another value of a condition."""
    found = rule_set(source)
    for number in range(source.randint(1, 3)):
        one = dict(source.choice(found))
        conditions = dict(one["conditions"])
        match source.choice(("same", "less", "other")):
            case "less":
                conditions |= section(source, 1, PLAIN)
            case "other":
                option = source.choice(sorted(_OTHERS))
                conditions = {**conditions, option: [source.choice(_OTHERS[option])]}
                found.append(
                    {
                        **one,
                        "name": f"Other {number}",
                        "conditions": {**conditions, option: [source.choice(_OTHERS[option])]},
                    }
                )
        found.insert(source.randint(0, len(found)), {**one, "name": f"Copy {number}", "conditions": conditions})
    return [{**one, "priority": place} for place, one in enumerate(found)]


def redundant_rules_of_all_kinds(source: random.Random) -> list[Values]:
    """The same of rules with any condition and any action that Exchange supports."""
    found = generators.rules(source, 6)
    for number in range(source.randint(1, 4)):
        one = source.choice(found)
        conditions = dict(one["conditions"])
        lists = sorted(option for option, value in conditions.items() if isinstance(value, list))
        if lists and source.random() < 0.5:
            option = source.choice(lists)
            others = [
                rule["conditions"][option] for rule in generators.rules(source, 40) if option in rule["conditions"]
            ]
            conditions[option] = source.choice([conditions[option], *others])
        elif source.random() < 0.5:
            conditions |= generators.section(source, 1)
        found.insert(source.randint(0, len(found)), {**one, "name": f"Copy {number}", "conditions": conditions})
    rules = [{key: value for key, value in one.items() if key != "is_rule_configuration_supported"} for one in found]
    return [{**one, "priority": place} for place, one in enumerate(rules)]


def prefixing_rules(source: random.Random) -> list[Values]:
    """Rules that put prefixes before the subject, most for one sender, with rules between that stop mail or look at the
    subject.
    """
    found = []
    for place in range(8):
        sender, prefix = (
            {"from": [source.choice(SENDERS)]},
            {"prepend_subject": source.choice(("[A] ", "[A] ", "[B] "))},
        )
        stops = {**sender, "subject_contains_words": ["secure"]}, {"stop_rule_processing": True}
        looks = (
            {"subject_contains_words": [source.choice(("secure", "[A]"))]},
            {"apply_rights_protection_template": "Encrypt"},
        )
        conditions, actions = source.choice(((sender, prefix), (sender, prefix), (sender, prefix), stops, looks))
        found.append(
            {"name": f"R{place}", "conditions": conditions, "exceptions": {}, "actions": actions, "priority": place}
        )
    return found


def treated_differently(
    before: Sequence[Values], after: Sequence[Values], every: int = _EVERY
) -> list[tuple[Values, str]]:
    """The messages, and recipients, that two rule sets treat differently in some possible world. A rule that goes is
    absent.
    """
    world = SmallWorld(given=[message for place, message in enumerate(messages()) if place % every == 0])
    old, new = (
        world.outcomes(
            [
                {**rule, "priority": place}
                for place, rule in enumerate(rule for rule in rules if rule.get("state") != "absent")
            ]
        )
        for rules in (before, after)
    )
    return [
        (message, address)
        for (message, address, one), (_message, _address, other) in zip(old, new, strict=True)
        if one != other
    ]
