# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that certainly acts on a copy, or cannot act on it, does so, or does not, in the simulator."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.prediction import predictions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulator import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import ordinary_message, tenant, traced


def _rules(source: random.Random) -> list[dict[str, Any]]:
    made = generators.rules(source, most=6, rare=0.1)
    for rule in made:
        rule["mode"] = source.choice(["Enforce", "Enforce", "Audit"])
        if source.random() < 0.2:
            rule["actions"]["stop_rule_processing"] = True
    return made


def _predicted(message: Message, rules: RuleSet, facts: Facts) -> Iterator[tuple[str, str, bool, bool]]:
    """Recipient and rule, and whether the rule certainly, or possibly, acts."""
    for block in blocks_of(traced([message], facts)):
        for rule, found in zip(rules.rules, predictions(block, rules, facts), strict=True):
            assert not found.certain & ~found.possible
            for place in range(len(block)):
                yield block.text("recipient", place), rule.name, bool(found.certain >> place & 1), bool(found.possible >> place & 1)


def _said(result: dict[str, Any]) -> dict[str, Any]:
    """Rule to whether it matched, before and after approvals and releases."""
    later = [_said(result[stage]) for stage in ("after_approval", "after_release") if stage in result]
    return {rule["name"]: rule["matched"] for rule in result["rules"]} | {name: said for each in later for name, said in each.items()}


@pytest.mark.parametrize("seed", seeds(12))
def test_the_simulator_says_the_same(seed: int) -> None:
    certain = impossible = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} evidence")
        facts, given = tenant(source), _rules(source)
        rules, message = RuleSet(given), ordinary_message(source, "m")
        results = {label.lower(): result for label, result in Simulator(rules, facts).run(message)["recipients"].items()}
        for recipient, rule, sure, possible in _predicted(message, rules, facts):
            said = _said(results[recipient]).get(rule, False)
            if sure:
                certain += 1
                assert said is not False, (seed, round_, given, message, recipient, rule)
            elif not possible:
                impossible += 1
                assert said is not True, (seed, round_, given, message, recipient, rule)
    assert certain > 20
    assert impossible > 50
