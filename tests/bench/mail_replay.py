# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail of a week through the rules of a large organization, before and after a change: ``python -m
tests.bench.mail_replay RULES COPIES``.

Prints one JSON object: seconds of processor time, the MiB that this process had at most, and what was found.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Row, Trace

from .mail_flow import _ACTIONS, _DOMAINS, _PEOPLE, _WORDS, _predicate, facts

#: Conditions that a trace shows, and some that it does not.
_SHOWN = (
    *(
        "from_scope",
        "sent_to_scope",
        "recipient_domain_is",
        "sender_domain_is",
        "subject_contains_words",
        "from",
        "sent_to",
        "from_member_of",
    ),
    *(
        "sent_to_member_of",
        "subject_matches_patterns",
        "any_of_recipient_address_contains_words",
        "recipient_address_contains_words",
    ),
)
_HIDDEN = ("subject_or_body_contains_words", "attachment_size_over", "header_contains_words", "with_importance")

_WEEK = 7 * 24 * 3600
_BEGIN = 1_764_000_000


def trace(copies: int) -> Trace:
    """The mail of a week: two in three messages have one recipient, four in five subjects are used once, and partners
    and the public write, too.
    """
    chance = random.Random(11)
    found = Trace()
    inside = [*_PEOPLE, *(f"staff{number}@contoso.example" for number in range(3000))]
    outside = [f"x{number % 97}@{chance.choice(_DOMAINS)}" for number in range(9000)] + [
        f"somebody{number}@public{number % 700}.example" for number in range(9000)
    ]
    number = 0
    while len(found) < copies:
        number += 1
        leaves = chance.random() < 0.6
        sender = chance.choice(inside if leaves else outside)
        words = [
            chance.choice(_WORDS) if chance.random() < 0.3 else f"plain{chance.randint(0, 40_000)}"
            for _word in range(6)
        ]
        subject = " ".join(words) if chance.random() < 0.8 else f"Re: {chance.choice(_WORDS)}"
        for person in chance.sample(
            outside if leaves and chance.random() < 0.6 else inside, chance.choice((1, 1, 2, 4))
        ):
            found.add(
                Row(
                    message=f"{number:032x}",
                    received=(_BEGIN + chance.randrange(_WEEK)) * 1_000_000,
                    sender=sender,
                    recipient=person,
                    status="Delivered",
                    subject=subject,
                    size=int(chance.paretovariate(1.1) * 20_000),
                    from_ip="255.255.255.255"
                    if leaves
                    else f"93.184.{chance.randint(0, 255)}.{chance.randint(0, 255)}",
                )
            )
    return found


def _rules(count: int) -> list[dict[str, Any]]:
    """Rules with some four conditions and exceptions each. In one of ten a condition asks what no trace shows."""
    chance = random.Random(5)
    rules = []
    for number in range(count):
        options = chance.sample(_SHOWN, chance.randint(2, 3)) + ([chance.choice(_HIDDEN)] if number % 10 == 9 else [])
        exceptions = chance.sample(_SHOWN, chance.randint(0, 2))
        sections = [
            {key: value for option in each for key, value in _predicate(chance, option).items()}
            for each in (options, exceptions)
        ]
        rules.append(
            {
                "name": f"Rule {number}",
                "conditions": sections[0],
                "exceptions": sections[1],
                "actions": chance.choice(_ACTIONS),
            }
        )
    return rules


def rule_sets(count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rules, and the same after a change: one less, one more, and two of them the other way round."""
    before = _rules(count)
    more = {
        "name": "New",
        "conditions": {"subject_contains_words": _WORDS[:3]},
        "exceptions": {},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    after = [more, *before[: count // 2], *before[count // 2 + 1 :]]
    after[3], after[4] = after[4], after[3]
    return before, after


def main() -> None:
    """Measures one rule set and one number of copies in this process."""
    count, copies = int(sys.argv[1]), int(sys.argv[2])
    rows, known = trace(copies), facts_of(facts())
    before, after = rule_sets(count)
    start = time.process_time()
    found = Replay(RuleSet(after), known, RuleSet(before), known).run(rows)
    took = time.process_time() - start
    print(
        json.dumps(
            {
                "copies": found.copies,
                "messages": found.messages,
                "seconds": took,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "decided": sum(tally.certain.total() for tally in found.outcomes.values()),
                "difference": {
                    kind: (tally.certain.total(), tally.possible.total()) for kind, tally in found.difference.items()
                },
            }
        )
    )


if __name__ == "__main__":
    main()
