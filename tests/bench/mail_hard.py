# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and messages that Exchange could hold and that are as hard as can be: ``python -m tests.bench.mail_hard [CASE
QUESTION]``.

Each case is one of those that once kept an audit busy for minutes. Prints a line for each question: processor seconds,
the most memory of the process, steps, and the answer.
"""

from __future__ import annotations

import datetime
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import overview
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import STEPS, bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    difference_rows,
)

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
_FACTS: Values = {
    "accepted_domains": ["contoso.example"],
    "remote_domains": [],
    "irm_configuration": {
        "azure_rms_licensing_enabled": True,
        "internal_licensing_enabled": True,
        "enable_pdf_encryption": True,
    },
}
_OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
_STOP = {"stop_rule_processing": True}


def _rule(name: str, conditions: Values, actions: Values) -> Values:
    return {"name": name, "conditions": conditions, "exceptions": {}, "actions": actions}


_ALL = _rule("All outgoing", _OUT, {"apply_rights_protection_template": "Encrypt"})


@dataclass(frozen=True)
class Case:
    """An organization, and what is asked about it.

    :param before: the rules that :param:`rules` are compared with.
    :param to: whom a message is for, and :param:`body` its text.
    """

    rules: list[Values]
    before: list[Values] = field(default_factory=lambda: [_ALL])
    facts: Values = field(default_factory=dict)
    to: tuple[str, ...] = ("ann@partner1.example",)
    body: str = "text"


def _phrases() -> Case:
    """87 phrases of 89 characters that overlap, where it is open whether one is in another."""
    words = [f"w{number}" for number in range(40)]
    phrases = [
        "_".join(words[(first + place) % 40] for place in range(24))[: 89 - first % 40].strip("_")
        for first in range(87)
    ]
    return Case([_rule("Phrases", {"subject_contains_words": phrases}, _STOP), _ALL])


def _copies(each: int) -> Case:
    """100 rules that each send blind copies to some people."""
    people = [[f"p{number}x{place}@contoso.example" for place in range(each)] for number in range(100)]
    return Case(
        [
            *(
                _rule(f"Copy {number}", {"subject_contains_words": [f"w{number}"]}, {"blind_copy_to": to})
                for number, to in enumerate(people)
            ),
            _ALL,
        ]
    )


def _reserved() -> Case:
    """300 conditions of which nobody knows what they say."""
    actions = (_STOP, {"prepend_subject": "[x] "})
    rules = [
        _rule(f"Rule {number}", {"sender_in_recipient_list": [f"list{number}"]}, actions[number % 2])
        for number in range(299)
    ]
    return Case([*rules, _ALL], [*rules[:150], *rules[151:], _ALL])


def _not_agreed() -> Case:
    """300 patterns on whose meaning nobody agrees, each in a rule that changes the subject for the next."""
    rules = [
        _rule(f"Rule {number}", {"subject_matches_patterns": [rf"\bw{number}\b"]}, {"prepend_subject": f"[{number}] "})
        for number in range(299)
    ]
    return Case([*rules, _ALL], [*rules[:150], *rules[151:], _ALL])


def _recipients() -> Case:
    """20,000 recipients of one message, whom rules part, copy and look at together."""
    rules = [
        _rule("Copy", _OUT, {"blind_copy_to": ["x@elsewhere.example"]}),
        *(
            _rule(f"Part {number}", {"recipient_domain_is": [f"partner{number}.example"]}, {"prepend_subject": "[x] "})
            for number in range(100)
        ),
        _rule("Any", {"any_of_recipient_address_contains_words": ["boss"]}, {"prepend_subject": "[y] "}),
        _ALL,
    ]
    return Case(rules, to=tuple(f"u{number}@partner{number % 100}.example" for number in range(20_000)))


def _body() -> Case:
    """A text of one megabyte, and patterns that look at much of it again and again."""
    rules = [_rule("Long", {"subject_or_body_matches_patterns": ["[ -\uffff]{1,1000}x"]}, _STOP), _ALL]
    return Case(rules, body=("qwertyuiopasdfghjklzcvbnm,;: " * 40_000)[: 1 << 20])


def _states() -> Case:
    """A pattern that needs a new state for each character of a text."""
    rules = [_rule("States", {"subject_or_body_matches_patterns": ["a[ab]{900}c"]}, _STOP), _ALL]
    return Case(
        rules, body="".join("ab"[number * number % 7 % 2 ^ (number >> number % 5) & 1] for number in range(1 << 19))
    )


def _groups() -> Case:
    """2,000 groups, each in the next."""
    groups = {
        f"g{number}@contoso.example": [f"g{number + 1}@contoso.example", f"u{number}@contoso.example"]
        for number in range(2_000)
    }
    rules = [
        _rule(
            f"Group {number}",
            {"sent_to_member_of": [f"g{20 * number + place}@contoso.example" for place in range(20)]},
            _STOP,
        )
        for number in range(100)
    ]
    return Case(
        [*rules, _ALL],
        [*rules[:50], *rules[51:], _ALL],
        {"groups": groups},
        tuple(f"g{number}@contoso.example" for number in range(0, 2_000, 20)),
    )


def _directory() -> Case:
    """20,000 people and 4,000 guests whom rules look at in every way; groups overlap, so nobody is like many others."""
    mix = random.Random(5)
    names = ["ann", "bob", "sales", "it", "hr", "lead", "legal", "fin", "dev", "ops"]
    inside = ["contoso.example", "eu.contoso.example", "us.contoso.example"]
    people = [f"{mix.choice(names)}.{mix.choice(names)}{number}@{mix.choice(inside)}" for number in range(20_000)]
    groups = {f"group{number}@contoso.example": mix.sample(people, 5_000) for number in range(15)}
    facts: Values = {
        "accepted_domains": [*inside, *(f"accepted{number}.example" for number in range(300))],
        "mailboxes": people,
        "mail_users": [f"guest{number}@partner{number}.example" for number in range(4_000)],
        "groups": groups,
        "managers": {each: mix.choice(people) for each in people},
        "attributes": {
            each: {"department": mix.choice(names), "title": f"title{number}"} for number, each in enumerate(people)
        },
    }

    def condition() -> Values:
        name, number = mix.choice(names), mix.randint(0, 99)
        return mix.choice(
            [
                {"from_address_contains_words": mix.sample(names, 2)},
                {"from_member_of": [mix.choice(sorted(groups))]},
                {"sent_to_member_of": [mix.choice(sorted(groups))]},
                {"recipient_address_matches_patterns": [f"^{name}.*{number % 10}@"]},
                {"from_address_matches_patterns": [f"{number}@"]},
                {"sender_ad_attribute_contains_words": [f"title:title{mix.randint(0, 20_000)}"]},
                {"sender_ad_attribute_contains_words": [f"department:{name}"]},
                {"any_of_recipient_address_contains_words": [name]},
                {"subject_contains_words": [f"w{number}"]},
            ]
        )

    rules = [
        _rule(
            f"Rule {number}",
            {**condition(), **condition()},
            mix.choice([{"prepend_subject": f"[{number}] "}, {"apply_rights_protection_template": "Encrypt"}]),
        )
        for number in range(299)
    ]
    return Case([*rules, _ALL], [*rules[:3], *rules[4:], _ALL], facts)


CASES: dict[str, Callable[[], Case]] = {
    "phrases": _phrases,
    "copies": lambda: _copies(1),
    "many copies": lambda: _copies(30),
    "reserved": _reserved,
    "not agreed": _not_agreed,
    "recipients": _recipients,
    "body": _body,
    "states": _states,
    "groups": _groups,
    "directory": _directory,
}


def _prove(case: Case) -> list[str]:
    guarantee = {"name": "Outgoing", "when": _OUT, "then": "not_in_clear"}
    return [
        each.verdict + "".join(f" {reason.id}" for reason in each.unknown)
        for each in prove(case.rules, _FACTS | case.facts, [guarantee], NOW)
    ]


def _compare(case: Case) -> list[str]:
    found = difference(case.before, case.rules, _FACTS | case.facts, NOW)
    return [f"{len(difference_rows(found)[0])} rows", *([] if found.complete else ["budget"])]


def _lint(case: Case) -> list[str]:
    found = [each.kind for each in lint(case.rules, _FACTS | case.facts, NOW)]
    return [f"{len(found)} findings", *(["budget"] if "too_complex" in found else [])]


def _simulate(case: Case) -> list[str]:
    message = message_of(
        {"from": "boss@contoso.example", "authenticated": True, "to": list(case.to), "body": case.body, "date": NOW},
        "",
        "message",
    )
    results = Simulator(case.rules, facts_of(_FACTS | case.facts)).run(message)["recipients"].values()
    return sorted(
        {
            f"{each['fate']} {each.get('protection', '')}" + "".join(f" {why['id']}" for why in each.get("unknown", ()))
            for each in results
        }
    )


def _overlook(case: Case) -> list[str]:
    found = [each.protected for each in overview(RuleSet(case.rules), _FACTS | case.facts, NOW)]
    return [f"{found.count(each)} {each}" for each in sorted(set(found))]


#: What is asked about a case, by name: the answers, with "budget" where they are cut short.
QUESTIONS: dict[str, Callable[[Case], list[str]]] = {
    "prove": _prove,
    "compare": _compare,
    "lint": _lint,
    "simulate": _simulate,
    "overview": _overlook,
}


def main() -> None:
    """Asks one question in this process, or each in a process of its own."""
    if len(sys.argv) == 3:
        case = CASES[sys.argv[1]]()
        start = time.process_time()
        with bounded(share=1) as meter:
            answer = QUESTIONS[sys.argv[2]](case)
        took, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(
            f"{sys.argv[1]}, {sys.argv[2]}: {took:.1f} s, {memory} MiB, {(STEPS - meter.remaining) / 1e6:.1f} million steps: {', '.join(answer)}"[
                :200
            ],
            flush=True,
        )
        return
    for name in CASES:
        for question in QUESTIONS:
            subprocess.run([sys.executable, "-m", "tests.bench.mail_hard", name, question], check=True)


if __name__ == "__main__":
    main()
