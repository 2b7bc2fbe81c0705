# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of the search for statements by itself: the model, the mail, the effect, what exempts from it, and the messages
that show it.
"""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.changed_conditions import (
    changed_conditions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.effect_exemptions import (
    EffectExemptions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_effects import (
    effects_on_copy,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.statement_effects import (
    StatementEffects,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.statement_mail import (
    StatementMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.statement_model import (
    StatementModel,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.statement_replay import (
    StatementReplay,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import ALL, ENCRYPT, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

AWAY = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})


def asked(*rules: dict[str, object], budget: int = 1_000) -> StatementModel:
    return StatementModel(RuleSet(rules), facts_of(TENANT), NOW, budget)


def test_a_rule_encrypts_its_mail_but_what_another_one_keeps_from_it() -> None:
    model = asked(AWAY, ALL)
    encrypting = model.rules.rules[1]
    (effect,) = effects_on_copy(encrypting)
    effects = StatementEffects(model)
    mail = StatementMail(model)
    exemptions = EffectExemptions(model, effects)
    free = model.model.free
    usual = mail.usual(encrypting)
    named = high(mail.named(encrypting, effect, free, managed=False))
    happens = high(effects.happens(encrypting, effect, free, approved=False))
    assert model.is_possible([*usual, named, happens])
    assert model.is_possible([*usual, named, ~happens])
    candidates = exemptions.candidates(encrypting, effect)
    assert [candidate.exempting.rule for candidate in candidates] == ["Partner"]
    exempting, rest = exemptions.exempting([named], usual, ~happens, candidates)
    assert [exempt.rule for exempt in exempting] == ["Partner"]
    assert rest == []
    assert exemptions.senders([*usual, named], ~happens)[0] == ()
    shown = StatementReplay(model)
    assert shown.some_message_shows(encrypting, effect, [*usual, named, happens], approved=False)
    assert not shown.some_message_shows(encrypting, effect, [*usual, named, ~happens], approved=False)


def test_without_conflicts_nothing_is_asked() -> None:
    with pytest.raises(BudgetError):
        _remaining = asked(ALL, budget=0).remaining_budget


def test_conditions_that_earlier_rules_change_are_named_with_these_rules() -> None:
    marking = rule("Marks", OUTGOING, {"prepend_subject": "secure "})
    marked = rule("Marked", {**OUTGOING, "subject_contains_words": ["secure"]}, ENCRYPT)
    model = asked(marking, marked)
    assert [*changed_conditions(model.rules.rules[1], model).values()] == [("Marks",)]
    assert changed_conditions(model.rules.rules[0], model) == {}


def test_a_rule_that_does_not_act_on_the_mail_changes_none_of_its_conditions() -> None:
    """What a pattern means may be open: then a rule for other mail seems to change whether it matches."""
    disclaimer = rule("Disclaimer", {}, {"apply_html_disclaimer_text": "<p>Charity 1100110.</p>"})
    external = rule("External", {"from_scope": "NotInOrganization"}, {"prepend_subject": "[EXTERNAL] "})
    numbers = rule("Numbers", {**OUTGOING, "subject_or_body_matches_patterns": [r"\b\d{4}\b"]}, ENCRYPT)
    model = asked(disclaimer, external, numbers)
    assert [*changed_conditions(model.rules.rules[2], model).values()] == [("Disclaimer",)]
