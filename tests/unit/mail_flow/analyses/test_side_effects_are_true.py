# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference says of side effects is true of all mail that it names, but for that of the rules after "unless", each of which
keeps some of it: asked of an evaluator of its own, over random edits of random rules.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    Exempting,
    MayChange,
    SideEffectsChanged,
)

from tests.rounds import seeds
from tests.unit.mail_flow.asking import IN, NOW, STOP, rule
from tests.unit.mail_flow.named_mail import names
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

GATE = {"name": "Gate", "connector_type": "Partner", "is_transport_rule_scoped": True, "recipient_domains": ["*"]}
FACTS = {**TENANT, "outbound_connectors": [GATE]}
RECIPIENTS = ("alice@contoso.com", "x@partner.com", "y@other.example")
WORDS = "abc"
#: The sort of a side effect to the actions that have it.
DOES: dict[str, Values] = {
    "report": {"generate_incident_report": "soc@evil.example", "incident_report_content": ["Sender"]},
    "original": {"generate_incident_report": "soc@evil.example", "incident_report_content": ["AttachOriginalMail"]},
    "approval": {"moderate_message_by_user": ["carol@contoso.com"]},
    "connector": {"route_message_outbound_connector": "Gate"},
    "tls": {"route_message_outbound_require_tls": True},
    "no_spam": {"set_scl": -1},
}
DELETES = {"delete_message": True}
REJECTS = {"reject_message_reason_text": "No."}


@dataclass(frozen=True)
class Mail:
    """A message from inside with words in its subject to one recipient.

    :param goes_on: whether later rules still report it if a rule rejects it (U10).
    """

    words: frozenset[str]
    recipient: str
    goes_on: bool

    @property
    def outside(self) -> bool:
        return not self.recipient.endswith("@contoso.com")

    def meets(self, option: str, values: Any) -> bool:
        if option == "subject_contains_words":
            return not self.words.isdisjoint(values)
        if option == "recipient_domain_is":
            return self.recipient.partition("@")[2] in values
        return {"from_scope": True, "sent_to_scope": self.outside}[option]


MAIL = [
    Mail(frozenset(words), recipient, goes_on)
    for count in range(len(WORDS) + 1)
    for words in itertools.combinations(WORDS, count)
    for recipient in RECIPIENTS
    for goes_on in (False, True)
]


def drawn(chance: random.Random) -> list[Values]:
    """Rules with side effects, and such as end the way of mail or stop the others."""
    found = []
    for number in range(chance.randint(2, 5)):
        conditions: Values = dict(IN)
        exceptions: Values = {}
        if chance.random() < 0.5:
            conditions["subject_contains_words"] = chance.sample(WORDS, chance.randint(1, 2))
        elif chance.random() < 0.4:
            exceptions["subject_contains_words"] = [chance.choice(WORDS)]
        if chance.random() < 0.5:
            conditions["sent_to_scope"] = "NotInOrganization"
        if chance.random() < 0.3:
            (conditions if chance.random() < 0.5 else exceptions)["recipient_domain_is"] = ["partner.com"]
        actions = dict(chance.choice([*DOES.values()] * 2 + [STOP, DELETES, REJECTS]))
        if chance.random() < 0.2 and actions != DOES["approval"]:  # Whether that stops, too, is open.
            actions |= STOP
        found.append(rule(f"R{number}", conditions, actions, exceptions=exceptions))
    return found


def edited(chance: random.Random, rules: Sequence[Values]) -> list[Values]:
    """The rules after an edit: one is gone, moved, new, or about other mail."""
    after = list(rules)
    place = chance.randrange(len(after))
    kind = chance.choice(["gone", "moved", "new", "other"])
    if kind in ("gone", "moved"):
        moved = after.pop(place)
        if kind == "moved":
            after.insert(chance.randint(0, len(after)), moved)
        return after
    (other, *_more) = drawn(chance)
    if kind == "new":
        after.insert(place, {**other, "name": "New"})
    else:
        after[place] = {**after[place], "conditions": other["conditions"], "exceptions": other["exceptions"]}
    return after


def acting(rules: Iterable[Values], mail: Mail) -> Iterator[tuple[Values, bool]]:
    """The rules that act on mail, each with whether it only tells of it, because it is already rejected."""
    rejected = False
    for each in rules:
        if not all(mail.meets(*item) for item in each["conditions"].items()) or any(
            mail.meets(*item) for item in each["exceptions"].items()
        ):
            continue
        yield each, rejected
        if rejected and "stop_rule_processing" not in each["actions"]:
            continue
        if "reject_message_reason_text" in each["actions"] and mail.goes_on:
            rejected = True
        if not {*STOP, *DELETES, *REJECTS}.isdisjoint(each["actions"]) and not (
            rejected and "stop_rule_processing" not in each["actions"]
        ):
            return


def effects(rules: Sequence[Values], mail: Mail) -> set[str]:
    """The side effects that mail has."""
    acted = list(acting(rules, mail))
    gone = any(not {*DELETES, *REJECTS}.isdisjoint(each["actions"]) for each, _rejected in acted)
    found = set()
    for each, rejected in acted:
        for sort, does in DOES.items():
            told = sort in ("report", "original")
            of_copies = sort in ("connector", "tls", "no_spam")
            if does.items() <= each["actions"].items() and (told or not rejected) and not (of_copies and gone):
                found.add(sort)
    return found


def is_named(found: SideEffectsChanged, mail: Mail) -> bool:
    inside = found.limit == "inside" and not mail.outside
    return names(found, mail.meets) and not inside


def exempts(by: Exempting, found: SideEffectsChanged, acts: Sequence[Mapping[Mail, set[str]]], mail: Mail) -> bool:
    """Whether a rule exempts mail as a sentence says.

    :param acts: by rule set, the rules that act on mail.
    """
    was, acts_now = (by.rule in of_set[mail] for of_set in acts)
    if by.how == "repeats":
        return was if found.now else acts_now
    return was and not acts_now if by.before else acts_now


@pytest.mark.parametrize("seed", seeds(120, 779, 861, 1041))
def test_what_is_said_of_side_effects_is_true_of_all_mail_that_is_named(seed: int) -> None:
    chance = random.Random(seed)
    before = drawn(chance)
    after = edited(chance, before)
    found = difference(before, after, FACTS, NOW)
    assert found.complete
    for each in found.findings:
        if not isinstance(each, SideEffectsChanged) or isinstance(each, MayChange):
            continue
        untreated = []
        for mail in MAIL:
            if not is_named(each, mail):
                continue
            one, other = (effects(rules, mail) for rules in ((after, before) if each.now else (before, after)))
            changed = all(effect.sort in one and effect.sort not in other for effect in each.effects)
            if not changed:
                untreated.append(mail)
        acts = [
            {mail: {rule["name"] for rule, _rejected in acting(rules, mail)} for mail in MAIL}
            for rules in (before, after)
        ]
        if each.limit != "some" and not each.other_ways:
            unexplained = [mail for mail in untreated if not any(exempts(by, each, acts, mail) for by in each.by)]
            assert unexplained == [], each
        for by in each.by:
            assert any(exempts(by, each, acts, mail) for mail in untreated), (by, each)
