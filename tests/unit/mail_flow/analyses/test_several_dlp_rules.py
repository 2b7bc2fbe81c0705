# SPDX-License-Identifier: GPL-3.0-or-later
"""Of several DLP rules that match mail, one acts, whichever: what is true of mail whatever that is, is proved, and nothing else."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.dlp_worlds import OUTGOING, SENSITIVE, policy
from tests.unit.mail_flow.followed_rules import ENCRYPT, FACTS, OUT, message
from tests.unit.mail_flow.small_worlds import Claim, SmallWorld

JOE = ["joe@contoso.com"]

#: What a DLP rule does, by name.
ACTIONS: Mapping[str, dict[str, Any]] = {
    "encrypts": {"encrypt_rms_template": "Encrypt"},
    "decrypts": {"remove_rms_template": True},
    "redirects": {"redirect_message_to": JOE},
    "quarantines": {"quarantine": True},
    "holds": {"moderate_message_by_user": JOE},
    "blocks": {"block_access": True},
    "copies": {"blind_copy_to": JOE},
    "holds and encrypts": {"moderate_message_by_user": JOE, "encrypt_rms_template": "Encrypt"},
    "redirects and encrypts": {"redirect_message_to": JOE, "encrypt_rms_template": "Encrypt"},
    "brands": {"encrypt_rms_template": "Encrypt", "apply_branding_template": "Other"},
}

#: Of the recipient's copy alone: the emulator follows who gets others apart from that.
CLAIMS = [
    Claim(OUT, {}, "delivered"),
    *(Claim(OUT, {}, then, copies="recipients_only") for then in ("encrypted", "not_in_clear")),
    Claim(OUT, {}, "not_in_clear_if_delivered", copies="recipients_only"),
]

#: Mail that DLP rules and claims tell apart.
MAIL = [
    message(protection=protection, **keys)
    for protection in ({"kind": "none"}, {"kind": "encrypt", "owner": "own"})
    for keys in ({}, {"sensitive_information": False})
]


def _wrong(does: Sequence[str], looks: int, rules: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """The claims of which prover and emulator do not say alike whether they are proved.

    :param does: what the DLP rules do, the first first; :param:`looks`: the place of the one that looks for sensitive
        information; -1 if none does.
    """
    told = [
        policy({**OUTGOING, **(SENSITIVE if place == looks else {})}, f"P{place}", priority=place, **ACTIONS[name])
        for place, name in enumerate(does)
    ]
    own = [{"name": "contoso.com", "type": "Authoritative"}]
    tenant = {**FACTS, "accepted_domains": own, "dlp_policies": told, "labels": [], "auto_label_policies": []}
    numbered = [{"priority": place, **each} for place, each in enumerate(rules)]
    by_emulator = SmallWorld(tenant, MAIL).verdicts(numbered, CLAIMS)
    found = prove(rules, tenant, [claim.option(claim.then) for claim in CLAIMS], NOW)
    says = [
        (claim.then, emulated.says, proved["verdict"])
        for claim, emulated, proved in zip(CLAIMS, by_emulator, found, strict=True)
    ]
    return [each for each in says if (each[1] == "proved") is not (each[2] == "proved")]


@pytest.mark.parametrize("does", list(itertools.combinations(ACTIONS, 2)), ids=", ".join)
def test_of_two_dlp_rules_one_acts(does: Sequence[str]) -> None:
    wrong = [
        (looks, bool(rules), found)
        for looks, rules in itertools.product((-1, 0), ([], [ENCRYPT]))
        for found in _wrong(does, looks, rules)
    ]
    assert not wrong


@pytest.mark.parametrize("seed", range(12))
def test_of_several_dlp_rules_one_acts(seed: int) -> None:
    source = random.Random(seed)
    does = source.choices(tuple(ACTIONS), k=source.choice((3, 4)))
    looks, rules = source.randint(-1, len(does) - 1), source.choice(([], [ENCRYPT]))
    assert not _wrong(does, looks, rules), (does, looks)


@pytest.mark.parametrize(
    ("does", "then", "verdict"),
    [
        (("encrypts", "redirects"), "not_in_clear", "proved"),
        (("encrypts", "copies"), "not_in_clear", "unknown"),
        (("redirects", "quarantines"), "not_in_clear_if_delivered", "proved"),
        (("encrypts", "decrypts"), "not_in_clear", "unknown"),
    ],
    ids=str,
)
def test_what_is_true_whichever_acts_is_proved(does: Sequence[str], then: str, verdict: str) -> None:
    told = [policy(OUTGOING, f"P{place}", priority=place, **ACTIONS[name]) for place, name in enumerate(does)]
    asked = Claim(OUT, {}, then, copies="recipients_only").option()
    (found,) = prove([], {**FACTS, "dlp_policies": told}, [asked], NOW)
    assert found["verdict"] == verdict
