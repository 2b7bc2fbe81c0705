# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees that held are asked about in one question under other rules, which proves them or leaves them open."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    DraftVerifier,
    prove,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import ENCRYPT, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

ALL = rule("All", OUTGOING, ENCRYPT)
MARKS = rule("Marks", PARTNER, {"prepend_subject": "[P] "})
AWAY = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})


@pytest.mark.parametrize(("rules", "kept"), [([MARKS, ALL], True), ([ALL, AWAY], True), ([AWAY, ALL], False)])
def test_what_held_is_kept_exactly_if_it_is_proved_again(rules: list[dict[str, Any]], kept: bool) -> None:
    guarantees = guarantees_of(
        [
            {"name": "Partner", "when": PARTNER, "then": "not_in_clear"},
            {"name": "All", "when": OUTGOING, "then": "not_in_clear"},
        ]
    )
    held = prove([ALL], TENANT, guarantees, NOW)
    verifier = DraftVerifier(RuleSet(rules), facts_of(TENANT), guarantees, NOW)
    assert all(judged.verdict is GuaranteeVerdict.PROVED for judged in held)
    assert verifier.keep(held) is kept
    judged = [verifier.judgment(guarantee).verdict is GuaranteeVerdict.PROVED for guarantee in guarantees]
    assert all(judged) is kept
    assert [verifier.keep([one]) for one in held] == judged
