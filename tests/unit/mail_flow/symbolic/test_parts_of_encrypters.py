# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of what follows mail flow rules by itself: which DLP rules match, which apply, and which have their way."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, high
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.outcomes import Fate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_dlp_conditions import (
    DlpMatches,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_dlp_effects import (
    DlpEffects,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_dlp_rules import (
    AppliedDlpRules,
    DlpCopies,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_encrypters import (
    AppliedLabels,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.message_search import (
    CONFLICTS,
)

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.dlp_worlds import decrypts, encrypts
from tests.unit.mail_flow.small_worlds import TENANT

PARTNER = {"recipient_domain_is": ["partner.com"]}
TRADE = {"recipient_domain_is": ["trade.com"]}


def model_of(*policies: dict[str, Any]) -> Model:
    facts = facts_of({**TENANT, "dlp_policies": list(policies)})
    return Model([RuleSet([])], RuleSet([]), facts, NOW)


def test_rules_match_apply_and_encrypt() -> None:
    model = model_of(encrypts(PARTNER), decrypts(TRADE, "Readable"))
    chain = model.free.chains[0]
    matches = DlpMatches(chain)
    assert isinstance(matches.policies, DlpRules)
    encrypting, removing = matches.policies.rules
    applied = AppliedDlpRules(chain, matches)
    effects = DlpEffects(chain, applied)
    of_partner, of_trade = high(matches.matches(encrypting)), high(matches.matches(removing))
    assert matches.maker is None
    assert [rule.rule.name for rule in applied.asked] == [encrypting.name, removing.name]
    assert model.solve([of_partner, high(effects.encrypts)], CONFLICTS)
    assert not model.solve([~of_partner, high(effects.encrypts)], CONFLICTS)
    assert model.solve([of_trade, high(effects.removes)], CONFLICTS)
    assert not model.solve([~of_trade, high(effects.removes)], CONFLICTS)
    assert (effects.blocked, effects.ends[Fate.MODERATED], effects.withheld) == (FALSE, FALSE, FALSE)
    assert DlpCopies(chain, applied, matches.policies).by_rule == ()


def test_nothing_follows_where_no_policies_and_labels_are() -> None:
    chain = model_of().free.chains[0]
    applied = AppliedDlpRules(chain, DlpMatches(chain))
    assert list(applied.applied) == []
    assert applied.any(lambda does: True) == FALSE
    assert DlpEffects(chain, applied).encrypts == FALSE
    assert AppliedLabels(chain).any(lambda does: True) == FALSE
