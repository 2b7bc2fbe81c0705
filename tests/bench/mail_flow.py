# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule set as large organizations have them, and messages that go through it: ``python -m tests.bench.mail_flow RULES
MESSAGES``.

Prints one JSON object: seconds, MiB that the simulation took beyond the libraries, and what became of the copies.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

_DOMAINS = [f"partner{number}.example" for number in range(150)]
_WORDS = [f"word{number}" for number in range(400)]
_PEOPLE = [f"person{number}@contoso.example" for number in range(200)]
_GROUPS = [f"group{number}@contoso.example" for number in range(20)]


def _predicate(chance: random.Random, option: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "from_scope": "InOrganization",
        "sent_to_scope": chance.choice(["InOrganization", "NotInOrganization"]),
        "with_importance": "High",
        "message_type_matches": "PermissionControlled",
        "attachment_size_over": "10MB",
        "subject_matches_patterns": [rf"{chance.choice(_WORDS)}\d+x", r"\[[a-z]+\]$"],
        "header_contains_words": chance.sample(_WORDS, 2),
    }
    if option in values:
        extra = {"header_contains_message_header": "X-Class"} if option == "header_contains_words" else {}
        return {**extra, option: values[option]}
    pool = (
        _DOMAINS
        if option.endswith("domain_is")
        else _GROUPS
        if option.endswith("member_of")
        else _PEOPLE
        if option in ("from", "sent_to")
        else _WORDS
    )
    return {option: chance.sample(pool, min(len(pool), 4))}


_OPTIONS = (
    *(
        "from_scope",
        "sent_to_scope",
        "recipient_domain_is",
        "sender_domain_is",
        "subject_contains_words",
        "subject_or_body_contains_words",
        "from",
        "sent_to",
    ),
    *(
        "from_member_of",
        "sent_to_member_of",
        "header_contains_words",
        "with_importance",
        "attachment_size_over",
        "subject_matches_patterns",
    ),
    *("any_of_recipient_address_contains_words", "recipient_address_contains_words", "message_type_matches"),
)
_ACTIONS: tuple[dict[str, Any], ...] = (
    *({"apply_rights_protection_template": "Encrypt"},) * 4,
    *({"stop_rule_processing": True, "prepend_subject": "[x] "},) * 6,
    *({"prepend_subject": "[y] "}, {"quarantine": True}, {"remove_ome_v2": True}),
    *({"set_header_name": "X-Class", "set_header_value": "word1 word2"},) * 4,
    *({"apply_html_disclaimer_text": "<p>word3</p>"},) * 3,
)


def rule_set(count: int) -> list[dict[str, Any]]:
    """Rules with some seven predicates each. Every third looks at little, so that messages do match. Fewer rules are
    the first of more.
    """
    chance = random.Random(7)
    rules = []
    for number in range(count):
        few = number % 3 == 0
        conditions = [
            _predicate(chance, option) for option in chance.sample(_OPTIONS, 1 if few else chance.randint(3, 6))
        ]
        exceptions = [
            _predicate(chance, option) for option in chance.sample(_OPTIONS, 2 if few else chance.randint(3, 6))
        ]
        rules.append(
            {
                "name": f"Rule {number}",
                "conditions": {option: value for each in conditions for option, value in each.items()},
                "exceptions": {option: value for each in exceptions for option, value in each.items()},
                "actions": chance.choice(_ACTIONS[-7:] if few and number % 2 else _ACTIONS),
            }
        )
    return rules


def facts() -> dict[str, Any]:
    """What is known of the organization."""
    chance = random.Random(1)
    return {
        "accepted_domains": ["contoso.example"],
        "remote_domains": [{"domain_name": "*", "is_internal": False}],
        "mailboxes": _PEOPLE,
        "groups": {group: chance.sample(_PEOPLE, 30) for group in _GROUPS},
        "irm_configuration": {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True},
        "ome_configurations": [{"identity": "OME Configuration", "otp_enabled": True, "social_id_sign_in": False}],
    }


def message(number: int) -> dict[str, Any]:
    """A message of two hundred words to one to four people."""
    chance = random.Random(number)
    outside = [f"x{chance.randint(0, 99)}@{chance.choice(_DOMAINS)}" for _each in range(chance.randint(0, 3))]
    return {
        "from": chance.choice(_PEOPLE),
        "authenticated": True,
        "to": [chance.choice(_PEOPLE), *dict.fromkeys(outside)],
        "subject": " ".join(chance.sample(_WORDS, 6)),
        "body": " ".join(
            chance.choice(_WORDS) if chance.random() < 0.05 else f"plain{chance.randint(0, 5000)}"
            for _word in range(200)
        ),
        "headers": {"X-Class": "word1"} if number % 2 else {},
        "importance": "High" if number % 5 == 0 else "Normal",
        "attachments": [{"name": "a.pdf", "size": 20 << 20}] if number % 7 == 0 else [],
    }


def memory() -> float:
    """The MiB of memory that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measures one rule set and one number of messages in this process."""
    count, number = int(sys.argv[1]), int(sys.argv[2])
    rules, known = rule_set(count), facts_of(facts())
    messages = [message_of(message(each), "", str(each)) for each in range(number)]
    before = memory()
    start = time.process_time()
    simulator = Simulator(rules, known)
    results = [simulator.run(each) for each in messages]
    took = time.process_time() - start
    copies = [copy for result in results for copy in result["recipients"].values()]
    print(
        json.dumps(
            {
                "predicates": sum(len(rule["conditions"]) + len(rule["exceptions"]) for rule in rules),
                "seconds": took,
                "memory": memory() - before,
                "copies": len(copies),
                "matches": sum(len(copy["rules"]) for copy in copies),
                "fates": Counter(f"{copy['fate']}, {copy.get('protection', 'no copy')}" for copy in copies),
            }
        )
    )


if __name__ == "__main__":
    main()
