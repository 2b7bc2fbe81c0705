# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts, differences and lint are the same bytes whatever the hash seed."""

from __future__ import annotations

from tests.unit.mail_flow.hash_seeds import said_with_two_hash_seeds

_SAYS = """
import json, random
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from tests.bench import mail_proof
from tests.unit.mail_flow import small_rules, small_worlds
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.deciding import proofs
from tests.unit.mail_flow.answers import difference, lint, prove
for seed in range(6):
    source = random.Random(seed)
    rules = small_rules.rule_set(source)
    claims = [small_rules.claim(source).option(f"C{number}") for number in range(6)]
    after = small_rules.edited(source, rules)
    tenant = small_worlds.TENANT
    print(json.dumps([proofs(rules, tenant, claims), difference(rules, after, tenant, NOW).rows, lint(rules, tenant, NOW)]))
rules = mail_proof.rule_set(40)
facts, after = mail_proof.FACTS, mail_proof.edited(rules, 4)
print(json.dumps([prove(rules, facts, mail_proof.guarantees(), NOW), difference(rules, after, facts, NOW).rows, lint(rules, facts, NOW)]))
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    said = said_with_two_hash_seeds(_SAYS)
    assert len(said) == 1
    assert said.pop().count("\n") == 7
