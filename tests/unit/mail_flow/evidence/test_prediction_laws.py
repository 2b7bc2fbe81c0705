# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that certainly acts on a copy, or cannot act on it, does so, or does not, in the simulator."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.prediction import predictions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.delivered import (
    ReportedRules,
    RulesInEffect,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace

from tests.emulator.mail_flow import MailFlow, TooManyWorlds
from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import known_facts, ordinary, ordinary_message, tenant, traced
from tests.unit.mail_flow.translation import facts as stored_facts
from tests.unit.mail_flow.translation import stored


def _rules(source: random.Random) -> list[dict[str, Any]]:
    made = generators.rules(source, most=6, rare=0.1)
    for rule in made:
        rule["mode"] = source.choice(["Enforce", "Enforce", "Audit"])
        if source.random() < 0.2:
            rule["actions"]["stop_rule_processing"] = True
    return made


def _predicted(
    message: Message, rules: RuleSet, facts: Facts, results: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, str, bool, bool]]:
    """Recipient and rule, and whether the rule certainly, or possibly, acts.

    :param results: what became of the copies, of which reports and delivery tell; ``None`` if they tell nothing.
    """
    then = None if results is None else _told_by(results, rules)
    for block in blocks_of(_shown(traced([message], facts), results)):
        for rule, found in zip(rules.rules, predictions(block, rules, facts, then), strict=True):
            assert not found.certain & ~found.possible
            for copies in found.guesses.values():
                assert not copies & ~found.certain & found.possible
            for place in range(len(block)):
                if block.text("status", place) == "Expanded":
                    continue
                yield (
                    block.text("recipient", place),
                    rule.name,
                    bool(found.certain >> place & 1),
                    bool(found.possible >> place & 1),
                )


def _told_by(results: Mapping[str, Any], rules: RuleSet) -> RulesInEffect:
    """The rules, as they were when the message came, with what would be reported of them."""
    reported = {
        rule.place: frozenset(
            ("m", recipient)
            for recipient, result in results.items()
            if _said(result).get(rule.name, False) is not False
        )
        for rule in rules.rules
    }
    every = frozenset(rule.place for rule in rules.rules)
    return RulesInEffect(0, [0] * len(rules.rules), ReportedRules(reported, every, last=1 << 60))


def _shown(trace: Trace, results: Mapping[str, Any] | None) -> Trace:
    """A trace with the statuses of what became of the copies."""
    shown = Trace()
    for place in range(len(trace)):
        row = trace.row(place)
        fate = results[row.recipient]["fate"] if results and row.status == "Delivered" else "delivered"
        shown.add(row if fate == "delivered" else replace(row, status="Pending" if fate == "unknown" else "Failed"))
    return shown


def _said(result: dict[str, Any]) -> dict[str, Any]:
    """Rule to whether it matched, before and after approvals and releases."""
    later = [_said(result[stage]) for stage in ("after_approval", "after_release") if stage in result]
    return {rule["name"]: rule["matched"] for rule in result["rules"]} | {
        name: said for each in later for name, said in each.items()
    }


@pytest.mark.parametrize("seed", seeds(12))
def test_the_simulator_says_the_same(seed: int) -> None:
    certain = impossible = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} evidence")
        facts, given = tenant(source), _rules(source)
        rules, message = RuleSet(given), ordinary_message(source, "m")
        results = {
            label.lower(): result for label, result in Simulator(rules, facts).run(message)["recipients"].items()
        }
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


@pytest.mark.parametrize("seed", seeds(6))
@pytest.mark.parametrize("delivered", [False, True])
def test_what_the_emulator_would_report_contradicts_nothing(seed: int, delivered: bool) -> None:
    """It shares no code with the collection, and takes the same answers for likely."""
    certain = impossible = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} emulator")
        known, given, said = known_facts(source), _rules(source), ordinary(source)
        facts, rules, message = facts_of(known), RuleSet(given), message_of(said, "", "m")
        no_connectors = {name: value for name, value in known.items() if name != "inbound_connectors"}
        flow = MailFlow(
            [stored({"priority": place, **rule}) for place, rule in enumerate(given)], stored_facts(no_connectors)
        )
        with contextlib.suppress(TooManyWorlds):
            results = flow.deliver(said)["recipients"]
            for recipient, rule, sure, possible in _predicted(message, rules, facts, results if delivered else None):
                acts = _said(results[recipient]).get(rule, False)
                assert not (sure and acts is False), (seed, round_, given, message, recipient, rule)
                assert not (not possible and acts is True), (seed, round_, given, message, recipient, rule)
                certain, impossible = certain + sure, impossible + (not possible)
    assert certain > 20
    assert impossible > 50
