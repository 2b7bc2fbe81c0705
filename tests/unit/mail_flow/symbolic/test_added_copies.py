# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies for people whom rules add, as formulas: each goes its own way."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model

from tests.unit.mail_flow.asking import IN, NOW, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

ANN, BOB = "ann@fabrikam.com", "bob@fabrikam.com"


@pytest.mark.parametrize("adding", ["blind_copy_to", "redirect_message_to"])
@pytest.mark.parametrize("shared", [False, True])
def test_what_ends_one_of_two_copies_by_one_rule_does_not_end_the_other(adding: str, shared: bool) -> None:
    rules = RuleSet(
        [
            rule("Brings", IN, {adding: [ANN, BOB]}),
            rule("Deletes", {"recipient_address_contains_words": ["ann"]}, {"delete_message": True}),
        ]
    )
    model = Model([rules], RuleSet([]), TENANT, NOW)
    gone = {
        copy.address: model.solve([high(copy.when), high(copy.outcome.fate.gone)])
        for copy in model.added(model.free, shared=shared).copies
    }
    assert gone == {ANN: True, BOB: False}


def test_a_copy_is_delivered_though_another_by_the_same_rule_is_not() -> None:
    rules = [
        rule("Brings", IN, {"blind_copy_to": [ANN, BOB]}),
        rule("Deletes", {"sent_to": [ANN]}, {"delete_message": True}),
    ]
    assert verdict(rules, TENANT, when={"sent_to": [BOB]}, then="delivered")["verdict"] == "proved"
