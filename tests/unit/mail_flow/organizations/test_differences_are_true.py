# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference says of mail is true of all mail that it names, but for that of the rules which it names as keeping some
of it: asked of an evaluator of its own, over random edits of organizations as one finds them.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    ChangedMail,
    Exempting,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.flow_rule import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    on_arrival,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    difference_row,
)

from tests.emulator.mail_flow import MailFlow
from tests.rounds import seeds
from tests.unit.mail_flow import translation
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import ENCRYPT, Organization

Values = dict[str, Any]

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
#: Facts that the evaluator has no use for.
_NO_MATTER = frozenset({"inbound_connectors", "journal_rules"})
_OPEN = ("unknown", "protected_option_unknown")


def edited(chance: random.Random, rules: Sequence[Values]) -> list[Values]:
    """The rules after an edit: one is gone, moved, new, for more or other mail, or does something else."""
    after = [dict(each) for each in rules]
    place = chance.randrange(len(after))
    kind = chance.choice(["gone", "moved", "stops", "condition", "exception", "exception", "acts", "enabled"])
    each = after[place]
    if kind == "gone":
        del after[place]
    elif kind == "moved":
        after.insert(chance.randrange(len(after)), after.pop(place))
    elif kind == "stops":
        stops = not each["actions"].get("stop_rule_processing")
        others = {key: value for key, value in each["actions"].items() if key != "stop_rule_processing"}
        each["actions"] = {**others, "stop_rule_processing": True} if stops or not others else others
    elif kind in ("condition", "exception"):
        section = f"{kind}s"
        if each[section] and chance.random() < 0.5:
            each[section] = dict(chance.sample(sorted(each[section].items(), key=str), len(each[section]) - 1))
        else:
            others = [item for other in rules for item in other["conditions"].items()]
            option, value = chance.choice(others)
            each[section] = {**each[section], option: value}
    elif kind == "acts":
        each["actions"] = chance.choice([ENCRYPT, {"reject_message_reason_text": "No."}, {"delete_message": True}])
    else:
        each["enabled"] = not each.get("enabled", True)
    return [{**each, "priority": place} for place, each in enumerate(after)]


@dataclass(frozen=True)
class Sent:
    """A message as an option, and as it is parsed."""

    made: Values
    message: Message


@cache
def mail_of(name: str) -> list[Sent]:
    """The mail of a week, some with the subjects of two messages."""
    chance = random.Random(f"{name} mixed")
    week = ORGANIZATIONS[name].traffic(11, 240)
    sent = []
    for key, made in week.messages.items():
        mixed = dict(made)
        if chance.random() < 0.4:
            other = week.messages[chance.choice(sorted(week.messages))]
            mixed["subject"] = f"{other['subject']} {made['subject']}"
        if chance.random() < 0.2 and made["authenticated"]:
            mixed["type"] = chance.choice(["AutoForward", "Calendaring", "OOF"])
        sent.append(Sent(mixed, message_of(mixed, "", key)))
    return sent


class Flow:
    """An organization's mail through rules."""

    def __init__(self, organization: Organization, rules: Sequence[Values]) -> None:
        known = {key: value for key, value in organization.facts.items() if key not in _NO_MATTER}
        flow = MailFlow(map(translation.stored, rules), translation.facts(known))
        self.rules = RuleSet(rules)
        self.results = [flow.deliver(sent.made)["recipients"] for sent in mail_of(organization.name)]


def stages(result: Values) -> Iterator[Values]:
    """What becomes of a copy, at once and later."""
    yield result
    later = result.get("after_approval") or result.get("after_release")
    if later:
        yield from stages(later)


def acting(result: Values) -> set[str]:
    return {each["name"] for stage in stages(result) for each in stage.get("rules", ()) if each["matched"]}


def is_open(result: Values) -> bool:
    return any(stage.get("fate") in _OPEN or stage.get("protection") in _OPEN for stage in stages(result)) or any(
        each["matched"] == "unknown" for stage in stages(result) for each in stage.get("rules", ())
    )


def last(result: Values) -> Values:
    return list(stages(result))[-1]


def is_encrypted(result: Values) -> bool:
    return bool(last(result).get("protection", "none") != "none")


def happens(found: ChangedMail, was: Values, now: Values) -> bool:
    """Whether what a sentence says happened to a copy."""
    anyway = found.has_it_anyway or found.limit == "already"
    visible = last(was)["fate"] == last(now)["fate"] == "delivered"
    fates = [[stage["fate"] for stage in stages(result)] for result in (was, now)]
    becomes = found.was_and_becomes.get("becomes", "")
    match found.kind:
        case DifferenceKind.PROTECTION_GAINED:
            return visible and is_encrypted(now) and (anyway or not is_encrypted(was))
        case DifferenceKind.PROTECTION_LOST:
            return visible and not is_encrypted(now) and (anyway or is_encrypted(was))
        case DifferenceKind.DELIVERY_LOST | DifferenceKind.FATE_CHANGED:
            return (not becomes or becomes in fates[1]) and (anyway or fates[0] != fates[1])
        case DifferenceKind.DELIVERY_GAINED:
            return "delivered" in fates[1] and (anyway or fates[0] != fates[1])
        case DifferenceKind.PROTECTION_CHANGED:
            return visible and last(was)["protection"] != last(now)["protection"]
        case DifferenceKind.BRANDING_CHANGED:
            return last(was).get("branding", "") != last(now).get("branding", "")
    return True


def is_named(found: ChangedMail, flow: Flow, sent: Sent, facts: Any, address: str) -> bool:
    """Whether a sentence is about a copy."""

    def truths(rule: FlowRule) -> Mapping[Any, Any]:
        return on_arrival(flow.rules, rule, sent.message, facts, address)

    if found.arrives or found.changed or (found.limit == "outside" and not sent.message.authenticated):
        return False
    for rule in found.about:
        met = truths(rule)
        if not all(met[atom] is True for atom in rule.criteria.conditions):
            return False
    exempt = truths(found.about[0].with_criteria(found.exceptions)) if found.about else {}
    if any(value is not False for value in exempt.values()):
        return False
    if found.why and found.about:
        why = truths(found.about[0].with_criteria((*found.why.met, *found.why.unmet)))
        return any(why[atom] is True for atom in found.why.met) or any(why[atom] is False for atom in found.why.unmet)
    return True


def exempts(by: Exempting, was: Values, now: Values) -> bool:
    return by.rule in acting(was) if by.before else by.rule in acting(now)


def false_copies(found: ChangedMail, organization: Organization, flows: Sequence[Flow]) -> Iterator[str]:
    """The named copies of which a sentence is not true, and that no rule exempts which it names."""
    facts = facts_of(organization.facts)
    for number, sent in enumerate(mail_of(organization.name)):
        for address, was in flows[0].results[number].items():
            now = flows[1].results[number].get(address)
            if now is None or is_open(was) or is_open(now) or not is_named(found, flows[1], sent, facts, address):
                continue
            if found.applying and acting((was, now)[found.cause.acted != (False, True)]).isdisjoint(found.applying):
                continue
            if happens(found, was, now) or any(exempts(by, was, now) for by in found.by):
                continue
            if not acting(was).union(acting(now)).isdisjoint(each.rule for each in found.keep_unusual):
                continue
            yield f"{sent.made} to {address}: {was}, then {now}"


def test_no_two_rows_differ_only_in_what_keeps_mail_from_them() -> None:
    bank = ORGANIZATIONS["bank"]
    chance = random.Random("two 3 bank")
    after = edited(chance, edited(chance, bank.numbered_rules))
    found = difference(bank.numbered_rules, after, {"outbound_connectors": [], **bank.facts}, NOW)
    said = [text.partition(", unless")[0] for each in found.findings if "unless" in (text := difference_row(each).text)]
    assert said
    assert len(said) == len(set(said))


@pytest.mark.parametrize("name", ORGANIZATIONS)
@pytest.mark.parametrize("seed", seeds(6))
def test_what_a_difference_says_is_true_of_all_mail_that_it_names(name: str, seed: int) -> None:
    organization = ORGANIZATIONS[name]
    chance = random.Random(f"{seed} {name}")
    before = organization.numbered_rules
    after = edited(chance, before)
    facts = {"outbound_connectors": [], **organization.facts}
    found = difference(before, after, facts, NOW)
    flows = [Flow(organization, rules) for rules in (before, after)]
    false = {
        difference_row(each).text: copies
        for each in found.findings
        if isinstance(each, ChangedMail) and not (each.person or each.limit == "some" or each.other_ways)
        if (copies := list(false_copies(each, organization, flows)))
    }
    assert false == {}
