# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: its written form, and what is none."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    NO_EFFECT,
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.foundation import Foundation
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import NoResultRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.result_rows import (
    CounterexampleRow,
    DifferenceRow,
    GuaranteeRow,
)

COUNTEREXAMPLE = {
    "message": {"from": "a@contoso.com"},
    "recipient": "a@b.example",
    "outcome": {"fate": "delivered", "rules": []},
    "decided_by": ["Stop"],
    "hole": {"domain": "b.example", "kind": "weak", "connector": "Bank", "validation": "domain"},
    "expiry": 0,
    "unbranded": True,
    "shown_to": "b@contoso.com",
    "cause": {"kind": "mode", "rule": "Encrypt", "option": "mode", "value": "Audit"},
    "facts": {"groups": {}},
    "supposed_groups": ["team@contoso.com"],
}
ROW = {"kind": "protection_lost", "text": "Mail is no longer encrypted."}
LOST = {**ROW, "when": {"subject_contains_words": ["x"]}, "rules": ["Ours"]}
#: All that rows can have.
WHOLE_DIFFERENCE = {
    **LOST,
    "kind": "unknown",
    "unless": {"sender_is": ["a@contoso.com"]},
    "arrives": "smime",
    "every": False,
    "was": "encrypt",
    "becomes": "none",
    "later": ["Later"],
    "keep_unusual": [{"rule": "Size", "when": {"message_size_over": "30MB"}, "mail": "mail over 30MB"}],
    "added": "b@contoso.com",
    "people": ["c@contoso.com"],
    "dates": [["begins", "on", "2030-01-01"]],
    "side_effects": [{"kind": "tls", "name": "Bank", "now": True}],
    "unknown": [{"id": "U27", "reason": "signed mail", "field": "type", "settled_by": "A test message."}],
    "in_words": ["U27"],
    "before": {"fate": "delivered", "rules": []},
    "after": {"fate": "unknown", "rules": []},
    "witness": {"message": {"from": "a@contoso.com"}, "recipient": "d@fabrikam.com"},
    "contradicted": ["Exchange did otherwise."],
    "summary": "Some mail may be treated differently (2 kinds).",
}
RESTS_ON = {"kind": "group", "name": "all@contoso.com", "values": {"members": 2}}
OBSERVED = [
    {
        "contradicted": ["fate"],
        "rules": ["Ours"],
        "seen": "2030-01-01",
        "experiment": "Offer 1",
        "text": "A test message contradicted what is computed",
    },
    {"id": "U08", "answer": False, "seen": "2030-01-01", "text": "Rules in a test mode do not split messages"},
    {"id": "U03", "left_out": "old"},
]
PROVED = {"name": "All", "verdict": "proved", "assumptions": [], "unseen": []}
WHOLE_GUARANTEE = {
    "name": "Some",
    "claim": "no mail leaves in clear",
    "verdict": "refuted",
    "before": "unknown",
    "assumptions": [{"id": "settled", "text": "It is so."}, {"id": "not_signed", "text": "So.", "mail": "signed mail"}],
    "counterexample": COUNTEREXAMPLE,
    "unknown": [{"id": "U1", "reason": "what it does"}],
    "unseen": ["labels"],
    "contradicted": ["Exchange did otherwise."],
}


@pytest.mark.parametrize(
    ("effect", "written"),
    [
        (NO_EFFECT, {}),
        (EffectOnMail(()), {"difference": [], "difference_more": 0}),
        (EffectOnMail((DifferenceRow.from_row(LOST),), 2), {"difference": [LOST], "difference_more": 2}),
        (EffectOnMail(guarantees=(GuaranteeRow.from_row(PROVED),), unseen=()), {"guarantees": [PROVED], "unseen": []}),
        (EffectOnMail(rests_on=(Foundation.from_row(RESTS_ON),)), {"rests_on": [RESTS_ON]}),
        (
            EffectOnMail(replay=NoResultRow(remark="x"), untested=("VRF-1",)),
            {"replay": {"remark": "x"}, "untested": ["VRF-1"]},
        ),
    ],
)
def test_it_is_read_as_it_is_written(effect: EffectOnMail, written: dict[str, Any]) -> None:
    assert effect.as_row() == written
    assert EffectOnMail.from_row(written) == effect
    assert bool(effect) is bool(written)


def test_what_was_observed_is_written_as_it_is_read() -> None:
    assert EffectOnMail.from_row({"observed": OBSERVED}).as_row() == {"observed": OBSERVED}


@pytest.mark.parametrize("row", [LOST, WHOLE_DIFFERENCE])
def test_a_class_of_mail_is_written_as_it_is_read(row: dict[str, Any]) -> None:
    assert DifferenceRow.from_row(row).as_row() == row


@pytest.mark.parametrize("row", [PROVED, WHOLE_GUARANTEE])
def test_a_verdict_is_written_as_it_is_read(row: dict[str, Any]) -> None:
    assert GuaranteeRow.from_row(row).as_row() == row


def test_the_rows_of_the_samples_have_all_that_a_row_can_have() -> None:
    """What a field of a row is called is what its key is called."""
    assert {part.name for part in fields(DifferenceRow)} == WHOLE_DIFFERENCE.keys()
    assert {part.name for part in fields(GuaranteeRow)} == WHOLE_GUARANTEE.keys()
    assert {part.name for part in fields(CounterexampleRow)} == COUNTEREXAMPLE.keys()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"guarantee": []},
        {"guarantees": {}},
        {"guarantees": [7]},
        {"guarantees": [{"verdict": "proved"}]},
        {"guarantees": [{**PROVED, "verdict": "perhaps"}]},
        {"guarantees": [{**PROVED, "more": "x"}]},
        {"guarantees": [{**PROVED, "assumptions": [{}]}]},
        {"guarantees": [{**PROVED, "counterexample": {**COUNTEREXAMPLE, "hole": {"kind": "weak"}}}]},
        {"guarantees": [{**PROVED, "counterexample": {**COUNTEREXAMPLE, "cause": {"rule": "A", "more": 1}}}]},
        {"rests_on": [{"kind": "group"}]},
        {"difference": [ROW], "difference_more": 0},
        {"difference": [{**LOST, "kind": "gone"}], "difference_more": 0},
        {"difference": [{**LOST, "unknown": "U1"}], "difference_more": 0},
        {"observed": [{"id": "U03", "left_out": "gone"}]},
        {"observed": [{**OBSERVED[0], "id": "U08"}]},
        {"replay": []},
        {"unseen": "dlp"},
        {"difference": []},
        {"difference_more": 1},
        {"difference": [], "difference_more": "1"},
    ],
)
def test_what_is_none_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="EffectOnMail"):
        EffectOnMail.from_row(document)


@pytest.mark.parametrize(
    ("effect", "says", "verdicts"),
    [
        (NO_EFFECT, False, False),
        (EffectOnMail(lint=(ROW,), foreign=(ROW,)), False, False),
        (EffectOnMail(()), True, False),
        (EffectOnMail(encrypters=(ROW,)), True, False),
        (EffectOnMail(guarantees=(GuaranteeRow.from_row(PROVED),)), True, True),
        (EffectOnMail(evidence=NoResultRow(remark="x")), True, True),
    ],
)
def test_what_says_how_mail_is_protected(effect: EffectOnMail, says: bool, verdicts: bool) -> None:
    assert (effect.says_how_protected, effect.verdicts_are_shown) == (says, verdicts)
