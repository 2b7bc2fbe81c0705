# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of an overview by itself: the formulas of its cells, and the messages that the simulator takes."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview_formulas import (
    OverviewFormulas,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview_kinds import (
    EVERYBODY_ELSE,
    KINDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview_samples import (
    SampleMessages,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.message_search import (
    CONFLICTS,
)

from tests.unit.mail_flow.asking import ENCRYPT, NOW, PARTNER, rule
from tests.unit.mail_flow.small_worlds import TENANT

FACTS = facts_of({**TENANT, "outbound_connectors": []})
RULES = RuleSet([rule("Partner", PARTNER, ENCRYPT)])
DOMAINS = ["partner.com"]
FROM_INSIDE, AUTOMATIC_REPLY, *_OTHERS = KINDS


def samples(**more: Any) -> SampleMessages:
    return SampleMessages(RULES, FACTS, DOMAINS, NOW, (), looks_for_sensitive=False, **more)


def test_formulas_tell_destinations_and_sides_apart() -> None:
    model = Model([RULES], RuleSet([{"conditions": {"recipient_domain_is": DOMAINS}}]), FACTS, NOW, transit=True)
    formulas = OverviewFormulas(model, DOMAINS, ())
    usual = formulas.of_kind[FROM_INSIDE.name]
    assert model.solve([*usual, formulas.side("partner.com", keeps=True)], CONFLICTS)
    assert not model.solve([*usual, formulas.side("partner.com", keeps=False)], CONFLICTS)
    assert model.solve([*usual, formulas.side(EVERYBODY_ELSE, keeps=False)], CONFLICTS)
    assert not model.solve([*usual, formulas.there(EVERYBODY_ELSE), formulas.there("partner.com")], CONFLICTS)
    assert formulas.acting_dlp == {}


def test_plain_messages_show_one_side_of_a_cell() -> None:
    taken = samples()
    assert taken.plain_message("partner.com", FROM_INSIDE).keeps is True
    assert taken.plain_message(EVERYBODY_ELSE, FROM_INSIDE).keeps is False
    assert taken.plain_message("partner.com", FROM_INSIDE).acting == {"Partner"}
    assert taken.plain_message("partner.com", AUTOMATIC_REPLY).shown["message"]["type"] == ["OOF"]
    assert taken.like_others("partner.com", FROM_INSIDE, keeps=False) is None
