# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for common cases on the role's page: they keep what they promise, each alone and all together, and none of
them is needless.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.expectations import run_cases
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import cases_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
FACTS: Values = {
    "accepted_domains": ["contoso.onmicrosoft.com"],
    "remote_domains": [],
    "inbound_connectors": [],
    "groups": {"leavers@contoso.onmicrosoft.com": ["alexw@contoso.onmicrosoft.com"]},
}
CASES: tuple[Values, ...] = tuple(
    yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).parents[3].glob("scripts/rule_templates/*.yml"))
)
TITLES = ("Encrypt on request", "Partner", "Card numbers", "Law firm", "Leavers", "External archive")


def part(name: str, cases: Sequence[Values] = CASES) -> list[Values]:
    return [each for case in cases for each in case[f"hardened_baseline_{name}"]]


def broken(rules: Sequence[Values], cases: Sequence[Values]) -> list[str]:
    """The names of the guarantees that are not proved under rules, and of the messages that are not treated as
    expected.
    """
    proposed = proposed_rules(rules, "rules")
    verdicts = prove(proposed, FACTS, declared_guarantees(part("guarantees", cases)), NOW)
    tested = run_cases(
        cases_of(part("messages", cases), lambda path: b"", NOW), Simulator(proposed, facts_of(FACTS)), "none"
    )
    return [
        *(each.guarantee.name for each in verdicts if each.verdict != "proved"),
        *(failure.message for failure in tested.failures),
    ]


@pytest.mark.parametrize("place", range(len(TITLES)), ids=TITLES)
def test_a_case_keeps_what_it_promises_and_needs_each_of_its_rules(place: int) -> None:
    case = [CASES[place]]
    rules = part("encryption_rules", case)
    assert broken(rules, case) == []
    for rule in rules:
        assert broken([other for other in rules if other is not rule], case) != [], rule["name"]


def test_all_cases_together_keep_what_each_promises() -> None:
    assert len(CASES) == len(TITLES)
    assert broken(part("encryption_rules"), CASES) == []
