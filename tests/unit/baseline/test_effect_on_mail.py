# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does to mail: its written form, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    NO_EFFECT,
    EffectOnMail,
)

ROW = {"kind": "protection_lost", "text": "Mail is no longer encrypted."}


@pytest.mark.parametrize(
    ("effect", "written"),
    [
        (NO_EFFECT, {}),
        (EffectOnMail(()), {"difference": [], "difference_more": 0}),
        (EffectOnMail((ROW,), 2), {"difference": [ROW], "difference_more": 2}),
        (EffectOnMail(guarantees=(ROW,), unseen=()), {"guarantees": [ROW], "unseen": []}),
        (EffectOnMail(replay={"remark": "x"}, untested=("VRF-1",)), {"replay": {"remark": "x"}, "untested": ["VRF-1"]}),
    ],
)
def test_it_is_read_as_it_is_written(effect: EffectOnMail, written: dict[str, Any]) -> None:
    assert effect.as_dict() == written
    assert EffectOnMail.read(written) == effect
    assert bool(effect) is bool(written)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"guarantee": []},
        {"guarantees": {}},
        {"guarantees": [7]},
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
        (EffectOnMail(guarantees=(ROW,)), True, True),
        (EffectOnMail(evidence={"rules": []}), True, True),
    ],
)
def test_what_says_how_mail_is_protected(effect: EffectOnMail, says: bool, verdicts: bool) -> None:
    assert (effect.says_how_protected, effect.verdicts_are_shown) == (says, verdicts)
