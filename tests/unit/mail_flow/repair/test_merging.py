# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that differ in one condition alone are found as groups, and one rule has the values of all of them."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.merging import (
    MergedRules,
    RuleMerging,
    without,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.order import RuleOrder
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.batch import Batch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, rule
from tests.unit.mail_flow.small_worlds import TENANT

RULES = RuleSet(
    [
        rule(name, {**IN, "recipient_domain_is": [domain]}, ENCRYPT, comments=comments)
        for name, domain, comments in (("A", "a.com", "First"), ("B", "b.com", ""), ("C", "c.com", "Third"))
    ]
)


def test_rules_that_differ_in_one_condition_are_one_group() -> None:
    model = Model([RULES], RuleSet([]), facts_of(TENANT), NOW)
    order = RuleOrder(model.free.chains[0], Batch(model.circuit, 1_000))
    assert list(RuleMerging(RULES).groups(order, {1})) == [MergedRules((0, 2), ("A", "C"), "recipient_domain_is")]


def test_one_rule_has_the_values_and_comments_of_all() -> None:
    merged = RuleMerging(RULES).merged_rule((0, 1, 2), "recipient_domain_is")
    assert merged["name"] == "A"
    assert merged["comments"] == "First; Third"
    assert merged["conditions"] == {**IN, "recipient_domain_is": ["a.com", "b.com", "c.com"]}
    assert (
        without(merged, "conditions", "comments").keys()
        == without(RULES.descriptions[0], "conditions", "comments").keys()
    )


def test_halves_are_groups_again() -> None:
    whole = MergedRules((0, 1, 2), ("A", "B", "C"), "recipient_domain_is")
    assert RuleMerging(RULES).halves(whole) == [MergedRules((0, 1), ("A", "B"), "recipient_domain_is")]
