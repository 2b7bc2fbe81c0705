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
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_rows import (
    DifferenceRow,
    Foundation,
    GuaranteeRow,
)

ROW = {"kind": "protection_lost", "text": "Mail is no longer encrypted."}
LOST = {**ROW, "when": {"subject_contains_words": ["x"]}, "rules": ["Ours"]}
#: All that rows can have.
WHOLE_DIFFERENCE = {
    **LOST,
    "kind": "unknown",
    "unless": {"sender_is": ["a@contoso.com"]},
    "arrives": {"kind": "smime"},
    "every": False,
    "was": "encrypt",
    "becomes": "none",
    "later": ["Later"],
    "added": "b@contoso.com",
    "people": ["c@contoso.com"],
    "dates": [["begins", "on", "2030-01-01"]],
    "side_effects": [{"kind": "tls", "name": "Bank", "now": True}],
    "unknown": [{"id": "U27", "reason": "signed mail", "field": "type", "settled_by": "A test message."}],
    "before": {"fate": "delivered"},
    "after": {"fate": "unknown"},
    "witness": {"message": {"from": "a@contoso.com"}, "recipient": "d@fabrikam.com"},
    "contradicted": ["Exchange did otherwise."],
}
RESTS_ON = {"kind": "group", "name": "all@contoso.com", "values": {"members": 2}}
PROVED = {"name": "All", "verdict": "proved", "assumptions": [], "unseen": []}
WHOLE_GUARANTEE = {
    "name": "Some",
    "claim": "no mail leaves in clear",
    "verdict": "refuted",
    "before": "unknown",
    "assumptions": [{"id": "settled", "text": "It is so."}, {"id": "not_signed", "text": "So.", "mail": "signed mail"}],
    "counterexample": {"message": {}, "recipient": "a@b.example", "outcome": {}},
    "unknown": [{"id": "U1", "reason": "what it does"}],
    "unseen": ["labels"],
    "contradicted": ["Exchange did otherwise."],
}


@pytest.mark.parametrize(
    ("effect", "written"),
    [
        (NO_EFFECT, {}),
        (EffectOnMail(()), {"difference": [], "difference_more": 0}),
        (EffectOnMail((DifferenceRow.read(LOST),), 2), {"difference": [LOST], "difference_more": 2}),
        (EffectOnMail(guarantees=(GuaranteeRow.read(PROVED),), unseen=()), {"guarantees": [PROVED], "unseen": []}),
        (EffectOnMail(rests_on=(Foundation.read(RESTS_ON),)), {"rests_on": [RESTS_ON]}),
        (EffectOnMail(replay={"remark": "x"}, untested=("VRF-1",)), {"replay": {"remark": "x"}, "untested": ["VRF-1"]}),
    ],
)
def test_it_is_read_as_it_is_written(effect: EffectOnMail, written: dict[str, Any]) -> None:
    assert effect.as_dict() == written
    assert EffectOnMail.read(written) == effect
    assert bool(effect) is bool(written)


@pytest.mark.parametrize("row", [LOST, WHOLE_DIFFERENCE])
def test_a_class_of_mail_is_written_as_it_is_read(row: dict[str, Any]) -> None:
    assert DifferenceRow.read(row).as_row() == row


@pytest.mark.parametrize("row", [PROVED, WHOLE_GUARANTEE])
def test_a_verdict_is_written_as_it_is_read(row: dict[str, Any]) -> None:
    assert GuaranteeRow.read(row).as_row() == row


def test_the_rows_of_the_samples_have_all_that_a_row_can_have() -> None:
    """What a field of a row is called is what its key is called."""
    assert {part.name for part in fields(DifferenceRow)} == WHOLE_DIFFERENCE.keys()
    assert {part.name for part in fields(GuaranteeRow)} == WHOLE_GUARANTEE.keys()


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
        {"rests_on": [{"kind": "group"}]},
        {"difference": [ROW], "difference_more": 0},
        {"difference": [{**LOST, "kind": "gone"}], "difference_more": 0},
        {"difference": [{**LOST, "unknown": "U1"}], "difference_more": 0},
        {"replay": []},
        {"unseen": "dlp"},
        {"difference": []},
        {"difference_more": 1},
        {"difference": [], "difference_more": "1"},
    ],
)
def test_what_is_none_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="mail"):
        EffectOnMail.read(document)


@pytest.mark.parametrize(
    ("effect", "says", "verdicts"),
    [
        (NO_EFFECT, False, False),
        (EffectOnMail(lint=(ROW,), foreign=(ROW,)), False, False),
        (EffectOnMail(()), True, False),
        (EffectOnMail(encrypters=(ROW,)), True, False),
        (EffectOnMail(guarantees=(GuaranteeRow.read(PROVED),)), True, True),
        (EffectOnMail(evidence={"rules": []}), True, True),
    ],
)
def test_what_says_how_mail_is_protected(effect: EffectOnMail, says: bool, verdicts: bool) -> None:
    assert (effect.says_how_protected, effect.verdicts_are_shown) == (says, verdicts)
