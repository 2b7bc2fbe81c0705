# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole messages that could stand behind a row, made without a look at how rows are replayed: what is certain of the
row must be so of each of them.

They have names beside addresses, subjects that rules have changed before the trace shows them, fields in any order, and
senders that signed in over the internet.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.domains import INSIDE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import PUBLIC, known_facts, rows_of

Values = dict[str, Any]

_SENDERS = (*generators.PEOPLE, *generators.OUTSIDERS, *generators.RELAYED, generators.GUEST, generators.PROXY)
_WHOEVER = (*generators.PEOPLE, *generators.OUTSIDERS, *generators.RELAYED, generators.PROXY, *generators.GROUPS)
_PREFIXES = ("[x] ", "secure ", "off", "offer ")


def _telling_rule(source: random.Random) -> Values:
    """A rule about what a row has only a part of: a header, the last hop, or whether the sender signed in."""
    name = source.choice(["From", "Subject"])
    words = [source.choice(["megan", "offer", "CEO"])]
    patterns = [source.choice(["^megan@", r"^[a-z]+@contoso\.com$", r"^\w+ ?\w*$", r"\.com", "ceo"])]
    conditions: list[Values] = [
        {"header_contains_message_header": name, "header_contains_words": words},
        {"header_matches_message_header": name, "header_matches_patterns": patterns},
        {"from_scope": "InOrganization"},
        {"sender_ip_ranges": [source.choice(["10.0.0.0/24", f"{PUBLIC}/32"])]},
    ]
    actions = {"apply_rights_protection_template": "Encrypt", "stop_rule_processing": source.random() < 0.5}
    return {"name": "Telling", "conditions": source.choice(conditions), "exceptions": {}, "actions": actions}


def _rules(source: random.Random) -> list[Values]:
    made = generators.rules(source, most=3, rare=0.2)
    for rule in made:
        if "prepend_subject" in rule["actions"]:
            rule["actions"]["prepend_subject"] = source.choice(_PREFIXES)
    made = [*([_telling_rule(source)] if source.random() < 0.8 else []), *made]
    return [{**rule, "priority": place} for place, rule in enumerate(made)]


def _hop(source: random.Random, sender: str, facts: Facts) -> tuple[str, Values]:
    """A last hop, or what rows have in its place, and what the message says of its connection."""
    own = facts.domains.type_of(domain(sender)) in INSIDE
    hop = source.choice([NO_HOP, PUBLIC, PUBLIC, "10.0.0.1", ""] if own else [PUBLIC, PUBLIC, "10.0.0.1", ""])
    signed_in = hop == NO_HOP or (source.random() < 0.5 and (own or hop != PUBLIC))
    return hop, {"authenticated": signed_in, **({"sender_ip": hop} if hop else {})}


def _message(source: random.Random, facts: Facts) -> tuple[str, Values]:
    """The last hop of an ordinary message that arrives in clear, and the message as an option."""
    sender = source.choice(_SENDERS)
    hop, connection = _hop(source, sender, facts)
    made: Values = {
        "from": sender,
        "mail_from": source.choice([sender, sender, generators.PEOPLE[2], ""]),
        "subject": source.choice([*generators.TEXTS, "[x] secure", "offoffer"]),
        "body": source.choice(generators.TEXTS),
        "headers": {name: "yes" for name in generators.HEADERS if source.random() < 0.4},
        "attachments": [generators.attachment(source) for _each in range(source.choice([0, 0, 1]))],
        "importance": source.choice(["Low", "Normal", "High"]),
        "classification": source.choice([[], [generators.CLASSES[0]]]),
        "scl": source.choice([-1, 0, 5, 9]),
        "size": source.choice([*generators.SIZES, 30 * 2**20]),
        "date": source.choice(["2026-01-15T12:00:00Z", "2026-03-15T12:00:00Z"]),
        "protection": {"kind": "none"},
        "disclaimer_insertable": True,
        **connection,
    }
    if source.random() < 0.5:
        made["headers"]["From"] = f"{source.choice(['The CEO', 'Offer Team'])} <{sender}>"
    for address in source.sample(_WHOEVER, source.choice([1, 1, 2, 3])):
        made.setdefault(source.choice(["to", "to", "cc", "bcc"]), []).append(address)
    return hop, made


def _shown(subject: str, given: list[Values], result: Values) -> str:
    """The subject behind the rules that certainly put something before it."""
    acting = {row["name"] for row in result.get("rules", ()) if row["matched"] is True}
    for rule in given:
        if rule["name"] in acting and rule.get("mode", "Enforce") == "Enforce":
            subject = f"{rule['actions'].get('prepend_subject', '')}{subject}"
    return subject


@pytest.mark.parametrize("seed", seeds(8))
def test_what_is_certain_of_a_row_is_so_of_every_message_that_it_can_be_of(seed: int) -> None:
    decided = 0
    for round_ in range(30):
        source = random.Random(f"{seed} {round_} whole")
        facts, given = facts_of(known_facts(source)), _rules(source)
        rules = RuleSet(given)
        hop, made = _message(source, facts)
        message = message_of(made, "", "m")
        results: Values = {
            label.lower(): each for label, each in Simulator(rules, facts).run(message)["recipients"].items()
        }
        trace, changed = Trace(), source.random() < 0.5
        for row in rows_of(message, facts):
            subject = _shown(message.subject, given, results[row.recipient]) if changed else message.subject
            trace.add(replace(row, subject=subject, from_ip=hop))
        found = Replay(rules, facts, examples=20).run(trace)
        tables = (*found.outcomes.values(), *found.undecided.values())
        assert sum(tally.certain.total() for tally in tables) == len(trace)
        for (fate, protection, by, _by_dlp), tally in found.outcomes.items():
            for example in tally.examples:
                decided += 1
                result = results[example.recipient]
                protected, acting = result.get("protection", ""), sorted(result.get("protected_by", ()))
                # Which of several does it, or how, may be open where it is certain that one does.
                same = protected != "none" if protection == "protected_option_unknown" else protected == protection
                why = (seed, round_, given, made, example)
                assert (result["fate"], same, sorted(by) or acting) == (fate, True, acting), why
    assert decided > 10


def _keeping_rule(source: random.Random) -> Values:
    """A rule that looks at what no row shows, and keeps mail back, or stops."""
    conditions: list[Values] = [
        {"attachment_name_matches_patterns": [r"\.exe$"]},
        {"attachment_size_over": "1MB"},
        {"header_contains_message_header": "X-Mark", "header_contains_words": ["yes"]},
        {"subject_or_body_contains_words": ["offer"]},
        {"scl_over": 4},
    ]
    actions: list[Values] = [
        {"reject_message_reason_text": "No."},
        {"delete_message": True},
        {"quarantine": True},
        {"stop_rule_processing": True},
    ]
    narrower = [{}, {}, {"from_scope": "InOrganization"}, {"with_importance": "High"}]
    return {
        "name": f"Keeping {source.random()}",
        "conditions": {**source.choice(narrower), **source.choice(conditions)},
        "exceptions": source.choice(
            [{}, {}, {"header_contains_message_header": "X-Skip", "header_contains_words": ["yes"]}]
        ),
        "actions": source.choice(actions),
    }


def _edited(source: random.Random, given: list[Values]) -> list[Values]:
    """Rules in another order, without one, or with another action of the same conditions."""
    rules = [dict(rule) for rule in given]
    how = source.choice(["order", "without", "action", "same"])
    if how == "order":
        source.shuffle(rules)
    elif how == "without":
        rules.pop(source.randrange(len(rules)))
    elif how == "action":
        rules[0]["actions"] = {"apply_rights_protection_template": "Encrypt"}
    return [{**rule, "priority": place} for place, rule in enumerate(rules)]


@pytest.mark.parametrize("seed", seeds(8))
def test_what_delivery_tells_of_a_row_is_so_of_its_message_under_these_rules_and_others(seed: int) -> None:
    decided = told = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} delivered")
        facts = facts_of(known_facts(source))
        keeping = [_keeping_rule(source) for _each in range(source.choice([1, 2, 3]))]
        given = [{**rule, "priority": place} for place, rule in enumerate((*keeping, *_rules(source)))]
        edited = _edited(source, given)
        then, now = RuleSet(given), RuleSet(edited)
        hop, made = _message(source, facts)
        message = message_of(made, "", "m")
        came, results = (
            {label.lower(): each for label, each in Simulator(rules, facts).run(message)["recipients"].items()}
            for rules in (then, now)
        )
        trace = Trace()
        for row in rows_of(message, facts):
            status = {"delivered": "Delivered", "unknown": "Pending"}.get(came[row.recipient]["fate"], "Failed")
            trace.add(replace(row, from_ip=hop, status=status))
        asked = Replay(now, facts, then, examples=20, present=-1, since=[0] * len(given))
        found = asked.run(trace)
        told += found.premises["delivered"]
        for (fate, protection, by, _by_dlp), tally in found.outcomes.items():
            for example in tally.examples:
                result = results[example.recipient]
                if result["fate"] == "unknown" or result.get("protection") == "unknown":
                    continue  # What delivery tells is not in the message.
                decided += 1
                protected, acting = result.get("protection", ""), sorted(result.get("protected_by", ()))
                same = protected != "none" if protection == "protected_option_unknown" else protected == protection
                why = (seed, round_, given, edited, made, example)
                assert (result["fate"], same, sorted(by) or acting) == (fate, True, acting), why
    assert decided > 10
    assert told > 3
