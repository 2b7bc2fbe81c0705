# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees, differences and lint over rule sets of a size: ``python -m tests.bench.mail_proof TASK RULES``.

A task is ``guarantees`` (20 of them), ``one_edit``, ``thirty_edits``, ``any_recipient`` (30 edits, where every tenth
rule looks at all who share a copy), ``lint``, ``suggest`` (one of 20 guarantees is refuted, by a rule that stops),
``simplify`` (fewer rules that do the same), ``lived_in`` (that, of rules many of which are for one partner or one
word), ``overview`` (of 100 domains), ``dlp_none``, ``dlp_encrypts``, ``dlp_decrypts`` or ``dlp_sensitive`` (one guarantee
beside 50 DLP policies with as many rules, which are not there, encrypt the same mail, take its protection, or take it where
Exchange finds sensitive information) or ``disjoint`` (no two rules look for the same), and, of no size, ``headers`` (60
header setters), ``no_stop`` (300 encrypting rules), ``pigeons`` (a rule set as hard as pigeonholes), ``page`` or ``audit`` (of
a bank), or ``suggest_bank``, ``suggest_hospital`` or ``suggest_small`` (all suggestions about such an organization). Prints one
JSON object: processor seconds, MiB beyond the libraries, and figures.
"""

from __future__ import annotations

import datetime
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import overview
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import policy
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.simplify import simplify
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    difference_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_rows

from tests.unit.mail_flow.organizations.bank import BANK
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization

from .mail_flow import memory

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
FACTS: Values = {"accepted_domains": ["contoso.example"], "remote_domains": []}
_DOMAINS = [f"partner{number}.example" for number in range(120)]
_WORDS = [f"word{number}" for number in range(180)]
_PEOPLE = [f"person{number}@contoso.example" for number in range(80)]
_GUESTS = [f"ann{number}@partner{number}.example" for number in range(80)]
_GROUPS = [f"group{number}@contoso.example" for number in range(20)]
_POOLS = {
    "subject_contains_words": _WORDS,
    "subject_or_body_contains_words": _WORDS,
    "recipient_domain_is": _DOMAINS,
    "sender_domain_is": _DOMAINS,
    "from": _PEOPLE,
    "sent_to": _GUESTS,
    "from_member_of": _GROUPS,
    "sent_to_member_of": _GROUPS,
}
_STATIC: tuple[Values, ...] = (
    {"from_scope": "InOrganization"},
    {"sent_to_scope": "NotInOrganization"},
    {"with_importance": "High"},
    {"attachment_size_over": "10MB"},
    {"message_type_matches": "Calendaring"},
    {"header_contains_message_header": "X-Class", "header_contains_words": ["word1"]},
)
_ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
_HOLES = 8
#: What is known of an organization whose connectors force TLS to every third of 100 domains.
_CONNECTED: Values = {
    "mail_users": [],
    "outbound_connectors": [
        {
            "name": name,
            "enabled": True,
            "recipient_domains": [name],
            "tls_settings": "EncryptionOnly",
            "use_mx_record": True,
            "smart_hosts": [],
        }
        for name in _DOMAINS[:100:3]
    ],
}


def _predicate(chance: random.Random) -> Values:
    if chance.random() < 0.35:
        return chance.choice(_STATIC)
    option = chance.choice(sorted(_POOLS))
    return {option: chance.sample(_POOLS[option], chance.randint(1, 4))}


def _section(chance: random.Random, most: int) -> Values:
    return {option: value for _count in range(chance.randint(1, most)) for option, value in _predicate(chance).items()}


def rule(chance: random.Random, name: str) -> Values:
    """A rule: three of ten stop, two encrypt, the others tag the subject, set a header, tell somebody, reject or hold
    mail.
    """
    kind = chance.random()
    actions: Values = {"set_audit_severity": "Low"}
    if kind < 0.3:
        actions = {"stop_rule_processing": True, "set_audit_severity": "Low"}
    elif kind < 0.5:
        actions = dict(_ENCRYPT)
    elif kind < 0.6:
        actions = chance.choice(
            [{"prepend_subject": "[x] "}, {"set_header_name": "X-Class", "set_header_value": "word1"}]
        )
    elif kind < 0.7:
        actions = chance.choice(
            [
                {"reject_message_reason_text": "no"},
                {"quarantine": True},
                {"moderate_message_by_user": ["boss@contoso.example"]},
            ]
        )
    return {"name": name, "conditions": _section(chance, 6), "exceptions": _section(chance, 5), "actions": actions}


def rule_set(count: int) -> list[Values]:
    """Rules with some six and a half predicates each."""
    chance = random.Random(11)
    return [rule(chance, f"Rule {number}") for number in range(count)]


def edited(rules: list[Values], count: int) -> list[Values]:
    """The rules after so many random edits."""
    chance, after = random.Random(13), list(rules)
    for number in range(count):
        place = chance.randrange(len(after))
        match chance.choice(("add", "remove", "change", "move")):
            case "add":
                after.insert(place, rule(chance, f"New {number}"))
            case "remove":
                after.pop(place)
            case "change":
                after[place] = {**rule(chance, ""), "name": after[place]["name"]}
            case _:
                after.insert(chance.randrange(len(after)), after.pop(place))
    return after


def about_anybody(rules: list[Values]) -> list[Values]:
    """The rules, every tenth of which has a condition or an exception about all who share a copy."""
    found = []
    for each in rules:
        chance = random.Random(each["name"])
        if chance.random() < 0.1:
            option = chance.choice(("any_of_recipient_address_contains_words", "any_of_to_cc_header"))
            values = chance.sample(
                _GUESTS[:20] if option == "any_of_to_cc_header" else [f"partner{number}" for number in range(40)],
                chance.randint(1, 4),
            )
            section = chance.choice(("conditions", "exceptions"))
            found.append({**each, section: {**each[section], option: values}})
        else:
            found.append(each)
    return found


def guarantees() -> list[Values]:
    """Twenty, most of which some mail breaks."""
    chance = random.Random(17)
    found = []
    for number in range(20):
        when: Values = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
        if number % 2:
            when = {
                "from_scope": "InOrganization",
                "recipient_domain_is": [chance.choice(_DOMAINS)],
                "subject_contains_words": [chance.choice(_WORDS)],
            }
        found.append(
            {"name": f"G{number}", "when": when, "then": ("encrypted", "not_in_clear", "unencrypted")[number % 3]}
        )
    return found


#: Task to the actions of DLP rules, and whether they also look for sensitive information; ``None`` without DLP rules.
_DLP: dict[str, tuple[Values, bool] | None] = {
    "dlp_none": None,
    "dlp_encrypts": ({"encrypt_rms_template": "Encrypt"}, False),
    "dlp_decrypts": ({"remove_rms_template": True}, False),
    "dlp_sensitive": ({"remove_rms_template": True}, True),
}
_DLP_POLICIES = 50


def of_dlp(task: str, count: int) -> Values:
    """A guarantee about all outgoing mail, which the last of the rules encrypts, beside DLP rules for a domain each."""
    rules = [
        {
            "name": f"R{number}",
            "conditions": {"from_scope": "InOrganization", "recipient_domain_is": [f"partner{number}.example"]},
            "exceptions": {},
            "actions": _ENCRYPT,
        }
        for number in range(count - 1)
    ]
    outgoing = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    rules.append({"name": "All", "conditions": outgoing, "exceptions": {}, "actions": _ENCRYPT})
    beside = _DLP[task]
    policies = [] if beside is None else [_dlp_policy(number, count, *beside) for number in range(_DLP_POLICIES)]
    facts = {**FACTS, "dlp_policies": policies, "labels": [], "label_policies": [], "auto_label_policies": []}
    wanted = guarantees_of([{"name": "Outgoing", "when": outgoing, "then": "not_in_clear"}])
    before, began = memory(), time.process_time()
    verdicts = Counter(each.verdict for each in prove(RuleSet(rules), facts, wanted, NOW))
    return {
        "task": task,
        "rules": count,
        "predicates": 2 * count,
        "seconds": round(time.process_time() - began, 3),
        "MiB": memory() - before,
        **verdicts,
    }


def _dlp_policy(number: int, count: int, actions: Values, is_sensitive: bool) -> Values:
    """One of the policies, with its share of the rules."""
    more = {"content_contains_sensitive_information": [{"groups": []}]} if is_sensitive else {}
    rules = [
        {
            "name": f"D{place}",
            "conditions": {
                "access_scope": "NotInOrganization",
                "recipient_domain_is": [f"partner{place}.example"],
                **more,
            },
            "actions": actions,
        }
        for place in range(number, count, _DLP_POLICIES)
    ]
    return {"name": f"P{number}", "rules": rules}


def disjoint(number: int) -> Values:
    """A rule that looks for seven things that no other rule looks for."""
    words = [f"own{number}x{each}" for each in range(5)]
    conditions: Values = {"subject_contains_words": words[:3], "recipient_domain_is": [f"own{number}.example"]}
    exceptions: Values = {"subject_or_body_contains_words": words[3:], "sent_to": [f"ann{number}@own{number}.example"]}
    return {
        "name": f"D{number}",
        "conditions": conditions,
        "exceptions": exceptions,
        "actions": _ENCRYPT if number % 5 else {"stop_rule_processing": True},
    }


def lived_in(count: int) -> list[Values]:
    """Rules that grew over the years: most for one partner, one word or one person, some disabled, with stops,
    rejections and disclaimers between.
    """
    chance, outgoing = random.Random(count), {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    made: list[Values] = []
    for number in range(count):
        partner, word, person = ([chance.choice(pool)] for pool in (_DOMAINS[:60], _WORDS[:60], _PEOPLE[:40]))
        disclaimer = {
            "apply_html_disclaimer_text": "x",
            "apply_html_disclaimer_location": "Append",
            "apply_html_disclaimer_fallback_action": "Ignore",
        }
        kinds: list[tuple[int, Values, Values]] = [
            (35, {**outgoing, "recipient_domain_is": partner}, _ENCRYPT),
            (20, {**outgoing, "subject_or_body_contains_words": word}, _ENCRYPT),
            (10, {**outgoing, "from": person}, _ENCRYPT),
            (8, {**outgoing, "from": person}, disclaimer),
            (6, {"from": person, "recipient_domain_is": partner}, {"stop_rule_processing": True}),
            (6, {**outgoing, "subject_contains_words": word}, {"reject_message_reason_text": "No."}),
            (5, {"from": person}, {"blind_copy_to": ["archive@contoso.example"]}),
        ]
        (kind,) = chance.choices(kinds, [weight for weight, _conditions, _actions in kinds])
        made.append(
            {
                "name": f"R{number}",
                "enabled": chance.random() > 0.05,
                "conditions": kind[1],
                "exceptions": {},
                "actions": kind[2],
            }
        )
    return made


def destinations(count: int) -> list[Values]:
    """Rules about mail to 100 domains."""
    rules: list[Values] = []
    for number in range(count):
        conditions: Values = {
            "from_scope": "InOrganization",
            "sent_to_scope": "NotInOrganization",
            "recipient_domain_is": [f"partner{number % 100}.example"],
        }
        subject = {"subject_contains_words": [_WORDS[number % len(_WORDS)]]}
        actions = {"stop_rule_processing": True} if number % 3 == 0 else _ENCRYPT
        both = (
            {"conditions": conditions, "exceptions": subject}
            if number % 3 == 1
            else {"conditions": {**conditions, **subject}, "exceptions": {}}
        )
        rules.append({"name": f"T{number}", **both, "actions": actions})
    return rules


def pigeons(holes: int) -> list[Values]:
    """Whether one pigeon more than holes fits, as rules: a word for each pigeon in each hole. Mail that is left is
    encrypted by the last rule but one way.
    """
    names = {(pigeon, hole): f"p{pigeon}h{hole}" for pigeon in range(holes + 1) for hole in range(holes)}
    rules: list[Values] = []
    for pigeon in range(holes + 1):
        rules.append(
            {
                "exceptions": {"subject_contains_words": [names[pigeon, hole] for hole in range(holes)]},
                "conditions": {"from_scope": "InOrganization"},
            }
        )
    for hole in range(holes):
        for one, other in itertools.combinations(range(holes + 1), 2):
            words = {
                "subject_contains_words": [names[one, hole]],
                "subject_or_body_contains_words": [names[other, hole]],
            }
            rules.append({"conditions": {**words, "from_scope": "InOrganization"}, "exceptions": {}})
    return [
        {"name": f"R{place}", "actions": {**_ENCRYPT, "stop_rule_processing": True}, **each}
        for place, each in enumerate(rules)
    ]


def to_repair(count: int) -> tuple[list[Values], list[Values]]:
    """Rules for a domain each, two of three of which encrypt, behind one that stops mail to three; and 20 guarantees,
    one of which it breaks.
    """
    inside: Values = {"from_scope": "InOrganization"}
    domains = [f"own{number}.example" for number in range(count - 1)]
    stop: Values = {"stop_rule_processing": True, "set_audit_severity": "Low"}
    rules: list[Values] = [
        {
            "name": "Newsletters",
            "conditions": {**inside, "recipient_domain_is": domains[5:8]},
            "exceptions": {},
            "actions": stop,
        }
    ]
    for number, domain in enumerate(domains):
        actions = _ENCRYPT if number % 3 else {"prepend_subject": f"[{number}] "}
        rules.append(
            {
                "name": f"R{number}",
                "conditions": {**inside, "recipient_domain_is": [domain]},
                "exceptions": {},
                "actions": actions,
            }
        )
    kept = [domain for number, domain in enumerate(domains) if number % 3 and number not in (5, 7)][:19]
    when = [{**inside, "recipient_domain_is": [domain]} for domain in (*kept, domains[5])]
    return rules, [{"name": f"G{number}", "when": each, "then": "not_in_clear"} for number, each in enumerate(when)]


def _suggest(rules: list[Values], wanted: list[Values]) -> Values:
    read = RuleSet(rules)
    (found,) = suggestions(read, FACTS, prove(read, FACTS, guarantees_of(wanted), NOW), [], NOW)
    return {
        "suggestions": len(found.suggestions),
        "tried": found.tried.edits + found.tried.pairs,
    }


def _pigeons() -> Values:
    (found,) = prove(
        pigeons(_HOLES), FACTS, [{"name": "G", "when": {"from_scope": "InOrganization"}, "then": "encrypted"}], NOW
    )
    return {"verdict": found.verdict, "unknown": [each.id for each in found.unknown]}


def headers(_count: int) -> list[Values]:
    """Sixty rules that set a header, and one that looks at it."""
    sets = [{"set_header_name": "X-Class", "set_header_value": f"word{number}"} for number in range(60)]
    rules = [
        {"name": f"H{n}", "conditions": {"subject_contains_words": [f"word{n}"]}, "actions": actions}
        for n, actions in enumerate(sets)
    ]
    return [
        *rules,
        {
            "name": "E",
            "conditions": {"header_contains_message_header": "X-Class", "header_contains_words": _WORDS[:60]},
            "actions": _ENCRYPT,
        },
    ]


#: Task to its rules, where these are not the usual ones.
_MADE: dict[str, Callable[[int], list[Values]]] = {
    "headers": headers,
    "no_stop": lambda count: [{**each, "actions": _ENCRYPT} for each in rule_set(count)],
    "disjoint": lambda count: [disjoint(number) for number in range(count)],
    "lived_in": lived_in,
    "overview": destinations,
    "pigeons": lambda _count: pigeons(_HOLES),
}


def of_bank(task: str) -> Values:
    """The figures of what is asked about a bank as one finds it: its page (overview and policy), or all of an audit."""
    rules, facts = RuleSet(BANK.numbered_rules), BANK.facts
    before, began = memory(), time.process_time()
    cells = overview(rules, facts, NOW)
    sentences = policy_rows(policy(rules, facts, NOW))
    figures: Values = {"cells": len(cells), "sentences": len(sentences)}
    if task == "audit":
        figures.update(Counter(each.verdict for each in prove(rules, facts, BANK.guarantees, NOW)))
        figures["findings"] = len(lint(rules, facts, NOW))
    return {
        "task": task,
        "rules": len(rules.rules),
        "predicates": sum(len(each.criteria.conditions) + len(each.criteria.exceptions) for each in rules.rules),
        "seconds": round(time.process_time() - began, 3),
        "MiB": memory() - before,
        **figures,
    }


def of_repairs(organization: Organization) -> Values:
    """The figures of all suggestions about an organization as one finds it, beside those of all its verdicts. The worst goal is
    asked about alone: it takes as long as that until its first suggestion is there.
    """
    rules, facts = RuleSet(organization.numbered_rules), organization.facts
    asked = [*organization.guarantees, *(each.guarantee for each in organization.questions)]
    wanted = guarantees_of([{**each, "name": f"{number} {each['name']}"} for number, each in enumerate(asked)])
    before, began = memory(), time.process_time()
    judged = prove(rules, facts, wanted, NOW)
    proved = time.process_time()
    suggested = suggestions(rules, facts, judged, [], NOW)
    seconds = time.process_time() - proved
    goals = [each for each in judged if each.counterexample]
    others = [each for each in judged if not each.counterexample]
    alone = list[float]()
    for goal in goals:
        starts = time.process_time()
        suggestions(rules, facts, [goal, *others], [], NOW)
        alone.append(time.process_time() - starts)
    return {
        "task": f"suggest_{organization.name}",
        "rules": len(rules.rules),
        "predicates": sum(len(each.criteria.conditions) + len(each.criteria.exceptions) for each in rules.rules),
        "seconds": round(seconds, 3),
        "MiB": memory() - before,
        "goals": len(goals),
        "with suggestions": sum(bool(each.suggestions) for each in suggested),
        "times all verdicts": round(seconds / (proved - began), 1),
        "seconds a goal": round(seconds / len(goals), 2),
        "worst goal": round(max(alone), 2),
    }


def run(task: str, count: int) -> Values:
    """The figures of a task."""
    if task.removeprefix("suggest_") in ORGANIZATIONS:
        return of_repairs(ORGANIZATIONS[task.removeprefix("suggest_")])
    if task in ("page", "audit"):
        return of_bank(task)
    if task in _DLP:
        return of_dlp(task, count)
    rules, wanted = to_repair(count) if task == "suggest" else (rule_set(count), guarantees())
    rules = _MADE[task](count) if task in _MADE else rules
    after = edited(rules, 1 if task not in ("thirty_edits", "any_recipient") else 30)
    if task == "any_recipient":
        rules, after = about_anybody(rules), about_anybody(after)
    predicates = sum(len(each.criteria.conditions) + len(each.criteria.exceptions) for each in RuleSet(rules).rules)
    before, began = memory(), time.process_time()
    figures: Values = {}
    if task == "guarantees":
        figures = dict(Counter(each.verdict for each in prove(rules, FACTS, wanted, NOW)))
    elif task in ("one_edit", "thirty_edits", "any_recipient", "headers", "no_stop", "disjoint"):
        found = difference(rules, after, FACTS, NOW)
        rows, more = difference_rows(found)
        figures = {"classes": len(rows) + more, "complete": found.complete}
    elif task == "lint":
        figures = dict(Counter(each.kind for each in lint(rules, FACTS, NOW)))
    elif task in ("simplify", "lived_in"):
        fewer = simplify(rules, FACTS, NOW)
        gone = len(fewer.removed) + sum(len(each.rules) - 1 for each in fewer.merged)
        figures = {"gone": gone, "comparisons": fewer.comparisons}
    elif task == "suggest":
        figures = _suggest(rules, wanted)
    elif task == "overview":
        figures = dict(Counter(each.protected for each in overview(RuleSet(rules), FACTS | _CONNECTED, NOW)))
    elif task == "pigeons":
        figures = _pigeons()
    return {
        "task": task,
        "rules": len(rules),
        "predicates": predicates,
        "seconds": round(time.process_time() - began, 3),
        "MiB": memory() - before,
        **figures,
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300)))
