# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for messages, and what attempts to write one teach."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.witness import (
    NoMessageError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.message_search import (
    LearnedRelations,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, rule
from tests.unit.mail_flow.small_worlds import TENANT

OFFER = {**IN, "subject_contains_words": ["offer"]}


def model_of(*rules: dict[str, Any]) -> Model:
    return Model([RuleSet(rules)], RuleSet([]), TENANT, NOW)


def test_a_message_meets_what_is_asked() -> None:
    model = model_of(rule("Offer", OFFER, ENCRYPT))
    matches = model.free.chains[0].steps[0].matches
    possible, candidate = model.messages.search([matches], model.free)
    assert possible
    assert candidate is not None
    assert "offer" in candidate.message.subject


def test_nothing_is_both_true_and_false() -> None:
    model = model_of(rule("Offer", OFFER, ENCRYPT))
    matches = model.free.chains[0].steps[0].matches
    assert model.messages.search([matches, ~matches], model.free) == (False, None)
    assert model.messages.rules_out([matches], [~matches], model.free)
    assert list(model.messages.candidates([matches], [~matches], model.free)) == []


def test_a_question_without_conflicts_left_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of()
    monkeypatch.setattr(model.circuit, "solve", lambda *_asked: None)
    with pytest.raises(BudgetError):
        model.solve([])


class TestLearning:
    def test_a_law_holds_for_good(self) -> None:
        model = model_of()
        one, other = model.circuit.variable("one"), model.circuit.variable("other")
        learned = LearnedRelations(model.mail, model.circuit)
        learned.learn(NoMessageError(laws=[(~one, ~other)]))
        learned.learn(NoMessageError(laws=[(~one, ~other)]))
        assert learned.laws == 1
        assert learned.limits == []
        assert list(learned.decided) == [~one, ~other]
        assert not model.solve([one, other])

    def test_a_limit_of_the_writer_excludes_no_mail(self) -> None:
        model = model_of()
        one, other = model.circuit.variable("one"), model.circuit.variable("other")
        learned = LearnedRelations(model.mail, model.circuit)
        learned.learn(NoMessageError(limits=[(~one, ~other)]))
        assert learned.laws == 0
        assert model.solve([one, other])
        assert not model.solve([one, other, *learned.limits])
