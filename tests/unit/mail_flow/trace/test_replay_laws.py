# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay says of rows for certain, the simulator says of every message that such rows can be of."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import (
    Message,
    Protection,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import UNSAID
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import message_shown_by, ordinary_message, rows_of, tenant, traced

#: What a prefix of a subject may be: one that ends in a letter makes other words of a subject.
_PREFIXES = ("[x] ", "secure ", "off", "")


def _certain(found: Tallies) -> dict[tuple[str, str, str], tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """What is certain of a copy, by its sender, recipient and subject."""
    return {
        (example.sender, example.recipient, example.subject): outcome
        for outcome, tally in found.outcomes.items()
        for example in tally.examples
    }


def _result(rules: RuleSet, facts: Facts, message: Message, recipient: str) -> dict[str, Any]:
    found: dict[str, Any] = Simulator(rules, facts).run(message)["recipients"]
    return next(result for label, result in found.items() if label.lower() == recipient)


def _agrees(outcome: tuple[str, str, tuple[str, ...], tuple[str, ...]], result: dict[str, Any]) -> bool:
    fate, protection, by, _by_dlp = outcome
    if result["fate"] != "unknown" and result["fate"] != fate:
        return False
    known = result.get("protection", "")
    if known in ("unknown", "protected_option_unknown") or result["fate"] == "unknown":
        return True
    if protection == "protected_option_unknown":
        return bool(known != "none")
    return known == protection and (not by or tuple(result.get("protected_by") or by) == by)


def _rules(source: random.Random) -> list[dict[str, Any]]:
    made = generators.rules(source, most=6, rare=0.1)
    for rule in made:
        if "prepend_subject" in rule["actions"]:
            rule["actions"]["prepend_subject"] = source.choice(_PREFIXES) or "[y] "
    return made


@pytest.mark.parametrize("seed", seeds(12))
def test_what_is_certain_of_a_row_is_so_of_its_message(seed: int) -> None:
    decided = 0
    for round_ in range(40):
        source = random.Random(f"{seed} {round_}")
        facts, given = tenant(source), _rules(source)
        rules = RuleSet(given)
        message = ordinary_message(source, "m")
        found = Replay(rules, facts, examples=20).run(traced([message], facts))
        for (_sender, recipient, _subject), outcome in _certain(found).items():
            decided += 1
            result = _result(rules, facts, message, recipient)
            assert _agrees(outcome, result), (seed, round_, given, message, outcome, result)
    assert decided


@pytest.mark.parametrize("seed", seeds(6))
def test_the_simulator_says_the_same_of_what_a_row_knows(seed: int) -> None:
    for round_ in range(40):
        source = random.Random(f"{seed} {round_} row")
        facts, rules = tenant(source), RuleSet(_rules(source))
        message = ordinary_message(source, "m")
        message = replace(message, to=message.to[:1] or message.cc[:1] or message.bcc[:1], cc=(), bcc=())
        for row in rows_of(message, facts):
            said = message_shown_by(row, message)
            alone = replace(said, name="m", protection=Protection(), date=message.date, unsaid=UNSAID)
            found = Replay(rules, facts, examples=20).run(traced([replace(message, to=(row.recipient,))], facts))
            for outcome in _certain(found).values():
                assert _agrees(outcome, _result(rules, facts, alone, row.recipient)), (seed, round_)


@pytest.mark.parametrize("seed", seeds(4))
def test_the_order_of_rows_changes_nothing_and_a_row_counts_once(seed: int) -> None:
    source = random.Random(f"{seed} order")
    facts, rules, before = tenant(source), RuleSet(_rules(source)), RuleSet(_rules(source))
    messages = [ordinary_message(source, f"m{number}") for number in range(30)]
    rows = [row for message in messages for row in rows_of(message, facts)]
    found = []
    for _time in range(2):
        trace = Trace()
        for row in rows:
            trace.add(row)
        replayed = Replay(rules, facts, before, examples=5).run(trace)
        replayed_tables = {
            name: {
                key: (tally.certain, tally.possible, len(tally.senders), tally.examples)
                for key, tally in getattr(replayed, name).items()
            }
            for name in ("outcomes", "undecided", "difference")
        }
        assert sum(
            tally.certain.total() for name in ("outcomes", "undecided") for tally in getattr(replayed, name).values()
        ) == len(set(rows))
        found.append((replayed_tables, replayed.days, replayed.domains, replayed.copies, replayed.messages))
        source.shuffle(rows)
        rows += source.sample(rows, 10)
    assert found[0] == found[1]


#: Kinds that a result of the simulator does not tell by its fate and protection.
_APART = ("branding_changed", "side_effect_changed")


def _change(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """The kind of change between two results of the simulator; ``None`` where one of them is open, or waits for
    somebody.
    """
    sides = (old, new)
    if any(
        side["fate"] not in ("delivered", "deleted", "rejected") or side.get("protection") == "unknown"
        for side in sides
    ):
        return None
    if old["fate"] != new["fate"]:
        return (
            "delivery_lost"
            if old["fate"] == "delivered"
            else "delivery_gained"
            if new["fate"] == "delivered"
            else "fate_changed"
        )
    if old.get("protection") == new.get("protection"):
        return ""
    return (
        "protection_lost"
        if new["protection"] == "none"
        else "protection_gained"
        if old["protection"] == "none"
        else "protection_changed"
    )


def test_a_change_that_is_certain_is_one_of_the_message_and_a_change_of_the_message_is_possible() -> None:
    certain = 0
    for seed in seeds(300):
        source = random.Random(f"{seed} change")
        facts, given = tenant(source), _rules(source)
        after, before = RuleSet(given), RuleSet([rule for rule in given if source.random() < 0.7])
        message = ordinary_message(source, "m")
        found = Replay(after, facts, before, examples=20).run(traced([message], facts))
        shown = {kind: {example.recipient for example in tally.examples} for kind, tally in found.difference.items()}
        for person in recipients_of(facts, message):
            kind = _change(*(_result(rules, facts, message, person.address) for rules in (before, after)))
            if kind is None:
                continue
            here = {each for each, recipients in shown.items() if person.address in recipients}
            assert not kind or kind in here or "unknown" in here, (seed, kind, here)
            sure = [each for each in here if not found.difference[each].possible and each not in _APART]
            certain += len(sure)
            assert all(each == kind for each in sure), (seed, kind, sure)
    assert certain > 5


def test_whether_a_rule_brought_a_copy_is_open() -> None:
    known = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
    facts, to = facts_of(known), ["ann@fabrikam.com", "archive@contoso.com"]
    message = message_of(
        {"from": "megan@contoso.com", "authenticated": True, "to": to, "date": "2026-11-18T14:00:00Z"}, "", "m"
    )
    rules = RuleSet([{"name": "Archive", "actions": {"blind_copy_to": ["Archive@contoso.com"]}}])
    found = Replay(rules, facts, RuleSet([])).run(traced([message], facts))
    assert {why.id: tally.certain for why, tally in found.undecided.items()} == {"U09": {"contoso.com": 1}}
    assert {outcome: tally.certain for outcome, tally in found.outcomes.items()} == {
        ("delivered", "none", (), ()): {"fabrikam.com": 1}
    }


def test_a_manager_to_whom_mail_is_redirected_gets_it_instead() -> None:
    known = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
    facts = facts_of({**known, "managers": {"megan@contoso.com": "boss@contoso.com"}})
    message = message_of(
        {
            "from": "megan@contoso.com",
            "authenticated": True,
            "to": ["ann@fabrikam.com"],
            "date": "2026-11-18T14:00:00Z",
        },
        "",
        "m",
    )
    fates = []
    for way in ("Redirect", "Cc"):
        found = Replay(RuleSet([{"name": "Boss", "actions": {"add_manager_as_recipient_type": way}}]), facts).run(
            traced([message], facts)
        )
        fates += [fate for fate, _protection, _by, _by_dlp in found.outcomes]
    assert fates == ["redirected", "delivered"]


def test_a_rule_brings_mail_to_members_of_its_groups_and_to_managers() -> None:
    known = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
    facts = facts_of(
        {
            **known,
            "groups": {"board@contoso.com": ["kim@contoso.com"]},
            "managers": {"megan@contoso.com": "boss@contoso.com"},
        }
    )
    to = ["ann@fabrikam.com", "kim@contoso.com", "boss@contoso.com"]
    message = message_of(
        {"from": "megan@contoso.com", "authenticated": True, "to": to, "date": "2026-11-18T14:00:00Z"}, "", "m"
    )
    actions: tuple[dict[str, object], ...] = (
        {"blind_copy_to": ["board@contoso.com"]},
        {"add_manager_as_recipient_type": "Bcc"},
    )
    for action in actions:
        found = Replay(RuleSet([{"name": "Archive", "actions": action}]), facts).run(traced([message], facts))
        assert {why.id: tally.certain for why, tally in found.undecided.items()} == {"U09": {"contoso.com": 1}}, action
