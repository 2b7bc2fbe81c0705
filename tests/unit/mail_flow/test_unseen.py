# SPDX-License-Identifier: GPL-3.0-or-later
"""What no verdict sees stands beside each, and what somebody told of it makes open what it may do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    claims_of,
    prove,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    courses_of,
    is_about,
    surely_breaks,
    surely_keeps,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.unseen import not_read_row

from tests.unit.mail_flow.followed_rules import BRAND, DECRYPT, ENCRYPT, FACTS, OUT, message, outcome

LINE = "Not seen: DLP policies, sensitivity labels, the Encrypt button."


def policy(name: str = "Cards", **actions: Any) -> dict[str, Any]:
    return {"name": name, "rules": [{"name": f"{name} 1", "actions": actions}]}


ENCRYPTS, REMOVES = policy(encrypt_rms_template="Encrypt"), policy(remove_rms_template=True)
OTHER, BLOCKS = policy(encrypt_rms_template="Do Not Forward"), policy(block_access=True)
BRANDS = policy(encrypt_rms_template="Encrypt", apply_branding_template="Other")


@pytest.mark.parametrize(
    ("rules", "told", "fate", "protection", "number"),
    [
        ([], {"dlp_policies": [ENCRYPTS]}, "delivered", "unknown", questions.DLP_RULES),
        ([ENCRYPT], {"dlp_policies": [ENCRYPTS]}, "delivered", "encrypt", ""),
        ([ENCRYPT], {"dlp_policies": [OTHER]}, "delivered", "protected_option_unknown", questions.DLP_RULES),
        ([ENCRYPT], {"dlp_policies": [REMOVES]}, "delivered", "unknown", questions.DLP_RULES),
        ([], {"dlp_policies": [REMOVES]}, "delivered", "none", ""),
        ([ENCRYPT], {"dlp_policies": [BLOCKS]}, "unknown", "unknown", questions.DLP_RULES),
        ([], {"labels": [{"name": "L", "encryption": "encrypt_only"}]}, "delivered", "unknown", questions.LABELS),
        ([], {"labels": [{"name": "L", "encryption": "rights"}]}, "delivered", "unknown", questions.LABELS),
        ([ENCRYPT], {"labels": [{"name": "L", "encryption": "remove"}]}, "delivered", "unknown", questions.LABELS),
        ([], {"labels": [{"name": "L", "encryption": "none"}], "dlp_policies": []}, "delivered", "none", ""),
        ([], {"dlp_policies": [{**ENCRYPTS, "mode": "TestWithNotifications"}]}, "delivered", "none", ""),
        ([], {"dlp_policies": [{**ENCRYPTS, "scope": {"exchange": False}}]}, "delivered", "none", ""),
        (
            [],
            {"dlp_policies": [{**ENCRYPTS, "rules": [{**ENCRYPTS["rules"][0], "enabled": False}]}]},
            "delivered",
            "none",
            "",
        ),
    ],
)
def test_what_was_told_makes_open_what_it_may_do(
    rules: list[dict[str, Any]], told: dict[str, Any], fate: str, protection: str, number: str
) -> None:
    found = outcome(rules, told)
    assert (found["fate"], found["protection"]) == (fate, protection)
    assert {each["id"] for each in found.get("unknown", ())} == ({number} if number else set())


def test_neither_smime_nor_keys_of_others_are_theirs_to_change() -> None:
    told = {"dlp_policies": [OTHER, REMOVES], "labels": [{"name": "L", "encryption": "remove"}]}
    smime = outcome([], told, type=["Encrypted"])
    theirs = outcome([], told, protection={"kind": "encrypt", "owner": "other"})
    assert (smime["protection"], theirs["protection"]) == ("smime", "encrypt")


def test_a_proof_is_none_where_a_policy_may_take_the_protection_away() -> None:
    asked = [{"name": "Outgoing", "when": OUT, "then": "not_in_clear"}]
    (alone,) = prove([ENCRYPT], FACTS, asked)
    (told,) = prove([ENCRYPT], {**FACTS, "dlp_policies": [REMOVES]}, asked)
    assert (alone.verdict, told.verdict) == ("proved", "unknown")
    assert {reason.id for reason in told.unknown} == {questions.DLP_RULES}


def test_a_refutation_is_none_where_a_policy_may_encrypt() -> None:
    asked = [{"name": "Outgoing", "when": OUT, "then": "not_in_clear"}]
    (alone,) = prove([], FACTS, asked)
    (told,) = prove([], {**FACTS, "labels": [{"name": "L", "encryption": "do_not_forward"}]}, asked)
    assert (alone.verdict, told.verdict) == ("refuted", "unknown")
    assert {reason.id for reason in told.unknown} == {questions.LABELS}


#: What may be told, and the messages of a small world.
TOLD: list[dict[str, Any]] = [
    {"dlp_policies": list(policies), **({"labels": labels} if labels else {})}
    for count in range(3)
    for policies in itertools.combinations((ENCRYPTS, OTHER, REMOVES, BLOCKS, BRANDS), count)
    for labels in ([], [{"name": "L", "encryption": "rights"}], [{"name": "L", "encryption": "remove"}])
]
MAIL = [
    message(**keys)
    for keys in (
        {},
        {"type": ["Encrypted"]},
        *(
            {"protection": {"kind": kind, "owner": owner}}
            for kind in ("encrypt", "do_not_forward")
            for owner in ("own", "other")
        ),
    )
]
CHAINS = ([], [ENCRYPT], [BRAND], [DECRYPT], [DECRYPT, BRAND], [BRAND, ENCRYPT])


def asked() -> Iterator[dict[str, Any]]:
    """Every wish, with what narrows it."""
    for then, wish in WISHES.items():
        yield {"name": then, "when": OUT, "then": then}
        if wish.narrowed_by == "template":
            yield {"name": f"{then} with Encrypt", "when": OUT, "then": then, "template": "Encrypt"}
        if wish.narrowed_by == "expires_within_days":
            yield {"name": f"{then} for 7 days", "when": OUT, "then": then, "expires_within_days": 7}


@pytest.mark.parametrize("rules", CHAINS, ids=lambda rules: "-".join(each["name"] for each in rules) or "none")
def test_simulator_and_prover_agree_on_what_was_told(rules: list[dict[str, Any]]) -> None:
    """What is proved, every message keeps; what some message surely breaks, is refuted; and a refutation replays."""
    guarantees = guarantees_of(list(asked()), "guarantees")
    rule_set, claims = RuleSet(rules), claims_of([each.selection for each in guarantees])
    verdicts = set()
    for told in TOLD:
        facts = {**FACTS, **told}
        known = facts_of(facts)
        mail = [message_of(each, "", "message") for each in MAIL]
        courses = [(each, courses_of(rule_set, each, known)[0]) for each in mail]
        for place, found in enumerate(prove(rules, facts, guarantees)):
            guarantee = found.guarantee
            about = [
                (each, course)
                for each, course in courses
                if is_about(claims, claims.rules[place], each, known, course.recipient.address) is True
            ]
            kept = [surely_keeps(course, guarantee, each, known) for each, course in about]
            broken = [surely_breaks(course, guarantee, each, known) for each, course in about]
            verdicts.add(found.verdict)
            assert found.unseen == known.encrypters.unseen
            assert found.verdict != "proved" or all(kept), (told, guarantee.name)
            assert found.verdict == "refuted" or not any(broken), (told, guarantee.name)
            if found.verdict == "refuted" and found.counterexample:
                sent = message_of(
                    {key: value for key, value in found.counterexample.message.items() if key != "name"}, "", "message"
                )
                (course, *_others) = courses_of(rule_set, sent, known)
                assert surely_breaks(course, guarantee, sent, known), (told, guarantee.name)
    assert {"refuted", "unknown"} <= verdicts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auto_label": []}, r"facts\.auto_label is not known\."),
        ({"dlp_policies": [{"name": "P", "locations": []}]}, r"facts\.dlp_policies\[0\]\.locations is not known"),
        ({"dlp_policies": [{"rules": []}]}, r"facts\.dlp_policies\[0\]\.name is required"),
        (
            {"dlp_policies": [policy(encrypt="Encrypt")]},
            r"facts\.dlp_policies\[0\]\.rules\[0\]\.actions\.encrypt is not known",
        ),
        ({"dlp_policies": [{"name": "P", "mode": "Enforce"}]}, r"facts\.dlp_policies\[0\]\.mode is 'Enforce'"),
        (
            {"dlp_policies": [{"name": "P", "scope": {"workload": "Exchange"}}]},
            r"facts\.dlp_policies\[0\]\.scope\.workload is not known",
        ),
        ({"labels": [{"name": "L"}]}, r"facts\.labels\[0\]\.encryption is required"),
        ({"labels": [{"name": "L", "encryption": "on"}]}, r"facts\.labels\[0\]\.encryption is 'on'"),
        ({"labels": [{"name": "L", "encrypts": True}]}, r"facts\.labels\[0\]\.encrypts is not known"),
    ],
)
def test_what_has_no_effect_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        facts_of(given)


def test_why_what_else_encrypts_was_not_read() -> None:
    asked = not_read_row(["dlp", "labels", "encrypt_button"], {}, asked=False)["not_read"]
    assert [("DLP policies" in line, "labels" in line, "compliance" in line) for line in asked] == [(True, True, True)]
    assert not_read_row(["encrypt_button"], {}, asked=False) == {}
    assert not_read_row(
        ["dlp"], {"dlp_policies": "No  role.", "labels": "No role.", "mail_users": "No."}, asked=True
    ) == {"not_read": ["Not read: DLP policies, labels. No role."]}
