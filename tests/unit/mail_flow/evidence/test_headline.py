# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence about the evidence of an organization."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.tally import NOT_REPORTED
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    NotMeasuredRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    evidence_headline,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence_row import (
    ContradictingCopiesRow,
    EvidenceRow,
    PredictedRow,
    RuleEvidenceRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import WindowRow

AGAINST = ContradictingCopiesRow(kind=NOT_REPORTED, copies=1, ids=())
WINDOW = WindowRow(begin="2026-11-21T00:00:00+00:00", until="2026-11-28T00:00:00+00:00", complete=True)


def rule(name: str) -> RuleEvidenceRow:
    return RuleEvidenceRow(
        name=name,
        guid=name,
        mode="Enforce",
        predicted=PredictedRow(certain=1, possible=0),
        comparable=True,
        compared=1,
        contradictions=(AGAINST,),
        text="",
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["A"], "1 rule compared, of which 'A' is contradicted."),
        (["A", "B"], "2 rules compared, of which 'A', 'B' are contradicted."),
    ],
)
def test_one_rule_is_contradicted_and_several_are(names: list[str], said: str) -> None:
    evidence = EvidenceRow(
        window=WINDOW,
        copies=1,
        rules=tuple(map(rule, names)),
        strangers=(),
        encrypted_otherwise=NotMeasuredRow(""),
        unseen=(),
        sample=(),
        assumes=(),
    )
    assert evidence_headline(evidence).endswith(f": {said}")
