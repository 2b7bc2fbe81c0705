# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of the search for edits by itself: how rules stand to a copy, and what their conditions may say instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.condition_values import (
    ConditionValues,
    without,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.rules_at_copy import RulesAtCopy
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.task import RepairTask
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

AWAY = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})
BANKS = rule("Banks", {**IN, "recipient_domain_is": ["bank.com", "partner.com"]}, ENCRYPT)
ALL = rule("All", OUTGOING, ENCRYPT, exceptions={"recipient_domain_is": ["partner.com", "trade.com"]})


def at_copy(*rules: dict[str, Any], when: dict[str, Any] = PARTNER, apart: Sequence[str] = ()) -> RulesAtCopy:
    """How rules stand to a copy of mail to the partner that is not encrypted."""
    read = RuleSet(rules)
    judged = prove(read, TENANT, guarantees_of([{"name": "G", "when": when, "then": "encrypted"}]), NOW)
    task = RepairTask(read, TENANT, judged, (), NOW)
    return RulesAtCopy(task.present, task.present_rules, next(task.goals()).wrong, apart)


def names(standings: Sequence[Any]) -> list[str]:
    return [standing.rule.name for standing in standings]


def test_rules_that_help_stop_and_nearly_act_are_told_apart() -> None:
    at = at_copy(AWAY, BANKS, ALL)
    assert names(at.helping) == ["Banks", "All"]
    assert names(at.near) == ["Banks", "All"]
    assert names(at.acting) == ["Partner"]
    assert at.stop is not None
    assert at.stop.rule.name == "Partner"
    assert at.withholding == []
    assert at.early_places == (0,)
    assert at_copy(rule("Before", IN, {"set_audit_severity": "Low"}), AWAY, BANKS).early_places == (1, 0)
    assert at_copy(AWAY, BANKS, apart=["Partner"]).early_places == (2, 0)


def test_values_that_the_copy_meets_are_found_and_left_out() -> None:
    at = at_copy(AWAY, BANKS, ALL)
    values = ConditionValues(at.draft, at.rules.dialect, at.aim, at.wrong.copy.facts, [*at.near, *at.every])
    banks, everything = at.near
    assert values.met(banks, {"recipient_domain_is": ["bank.com", "partner.com"]}) == ["partner.com"]
    assert values.is_met(everything, {"recipient_domain_is": ["partner.com"]})
    assert not values.is_met(everything, {"recipient_domain_is": ["bank.com"]})
    (failed,) = everything.failed
    options = values.options_of(everything, "exceptions", failed.atom.predicate)
    assert options == {"recipient_domain_is": ["partner.com", "trade.com"]}
    assert list(without(options, values.met(everything, options))) == [{"recipient_domain_is": ["trade.com"]}]


def test_conditions_take_values_of_the_guarantee_and_of_other_rules() -> None:
    misspelled = rule("Misspelled", {**IN, "recipient_domain_is": ["partners.com", "bank.com"]}, ENCRYPT)
    at = at_copy(misspelled, BANKS | {"enabled": False})
    values = ConditionValues(at.draft, at.rules.dialect, at.aim, at.wrong.copy.facts, [*at.near, *at.every])
    standing = next(standing for standing in at.every if standing.rule.name == "Misspelled")
    wider = list(values.wider_lists(standing, {"recipient_domain_is": ["partners.com", "bank.com"]}))
    assert {"recipient_domain_is": ["partners.com", "bank.com", "partner.com"]} in wider
    own = [options for options, _predicate in values.at_hand(standing)]
    assert {"recipient_domain_is": ["partner.com"]} in own
