# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the DLP rules that surely act on the mail that they are about: in sentences, and in the overview."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import ChangedMail
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import overview
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    policy as policy_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_rows

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.dlp_worlds import SENSITIVE, decrypts, encrypts, policy, tree
from tests.unit.mail_flow.followed_rules import ENCRYPT, FACTS

_TO = {"access_scope": "NotInOrganization", "recipient_domain_is": ["adatum.com"]}
_DND = {"encrypt_rms_template": "Do Not Forward"}


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ({"encrypt_rms_template": "Encrypt"}, ["encrypted"]),
        ({"remove_rms_template": True}, ["decrypted"]),
        ({"block_access": True}, ["rejected"]),
        ({"quarantine": True}, ["quarantined"]),
        ({"redirect_message_to": ["megan@contoso.com"]}, ["redirected", "copied_instead"]),
        ({"blind_copy_to": ["megan@contoso.com"]}, ["copied"]),
        ({"moderate_message_by_user": ["joe@contoso.com"]}, ["moderated"]),
        ({"prepend_subject": "x"}, []),
        ({"notify_user": ["Owner"]}, []),
    ],
)
def test_what_certain_dlp_rules_do_is_said(action: dict[str, Any], kinds: list[str]) -> None:
    found = policy_of([ENCRYPT], {**FACTS, "dlp_policies": [policy(_TO, "D", **action)]})
    by_dlp = [said for said in found.statements if said.rule.name == "D"]
    assert [(said.effect.kind, said.certain, said.unknown) for said in by_dlp] == [(kind, True, ()) for kind in kinds]


@pytest.mark.parametrize(
    ("others", "exempting", "besides"),
    [
        # Which of the two acts, nobody knows; nothing restricts more than a block.
        ([policy({"from": ["megan@contoso.com"]}, "Q", quarantine=True)], [("Q", "dlp_acts")], False),
        ([policy({"from": ["megan@contoso.com"]}, "B", block_access=True)], [("B", "dlp_blocks")], False),
        ([policy({"from": ["megan@contoso.com"]}, "O", **_DND)], [("O", "dlp_asks")], False),
        ([policy({"from": ["megan@contoso.com"]}, "S", stop_policy_processing=True)], [("S", "dlp_stops")], False),
        ([policy({**_TO, **SENSITIVE}, "S", stop_policy_processing=True)], [], True),
        ([policy({**_TO, **SENSITIVE}, "X", prepend_subject="x")], [], True),
        # Those after it stop nothing, and the same again changes nothing.
        ([policy(_TO, "S", stop_policy_processing=True, priority=9)], [], False),
        ([encrypts({**_TO, **SENSITIVE}, "E")], [], False),
    ],
)
def test_what_a_dlp_rule_does_excepts_what_others_may_do_instead(
    others: list[dict[str, Any]], exempting: list[tuple[str, str]], besides: bool
) -> None:
    told = [*others, encrypts(_TO, "D", priority=5)]
    found = policy_of([], {**FACTS, "dlp_policies": told})
    said = next(said for said in found.statements if said.rule.name == "D")
    about = [(each.rule, each.how) for each in said.exempting]
    assert (said.effect.kind, said.certain, said.unknown) == ("encrypted", True, ())
    assert (about, said.besides_dlp) == (exempting, besides)


def test_a_sentence_about_dlp_rules_names_them_as_such_and_once() -> None:
    told = [
        encrypts({"from_scope": "InOrganization", "recipient_domain_is": [name]}, name, priority=place)
        for place, name in enumerate(("adatum.com", "fabrikam.com"))
    ]
    (row,) = policy_rows(policy_of([], {**FACTS, "dlp_policies": told}))
    assert (row.kind, row.by_dlp, row.rules) == ("encrypted", True, ("adatum.com", "fabrikam.com"))
    assert row.text == (
        "All mail from inside to adatum.com or fabrikam.com is encrypted with 'Encrypt' (the DLP rules 'adatum.com' and"
        " 'fabrikam.com')."
    )


def test_what_mail_flow_rules_and_dlp_rules_do_to_mail_are_two_sentences() -> None:
    rows = policy_rows(policy_of([ENCRYPT], {**FACTS, "dlp_policies": [decrypts(_TO, "Reads")]}))
    assert [(row.kind, row.by_dlp) for row in rows] == [("encrypted", False), ("decrypted", True)]


def test_a_block_for_people_outside_is_said_of_their_mail() -> None:
    told = policy({"from_scope": "InOrganization"}, "P", block_access=True, block_access_scope="PerUser")
    (row,) = policy_rows(policy_of([ENCRYPT], {**FACTS, "dlp_policies": [told]}))
    assert row.text == "All mail from inside to people outside is rejected (the DLP rule 'P')."


def test_a_dlp_rule_with_alternatives_is_about_either_mail() -> None:
    one_of = {"advanced": tree("or", {"from": ["megan@contoso.com"]}, {"recipient_domain_is": ["adatum.com"]})}
    (row,) = policy_rows(policy_of([], {**FACTS, "dlp_policies": [policy(one_of, "B", block_access=True)]}))
    assert row.text == "All mail, either from megan@contoso.com or to adatum.com, is rejected (the DLP rule 'B')."


def test_the_overview_has_the_domains_of_dlp_rules_that_surely_act() -> None:
    told = [
        encrypts({"from_scope": "InOrganization", "recipient_domain_is": ["adatum.com"]}, "D", priority=1),
        encrypts({"recipient_domain_is": ["bank.example"], **SENSITIVE}, "S", priority=2),
        policy({"from_scope": "InOrganization", **SENSITIVE}, "T", stop_policy_processing=True),
    ]
    cells = {
        cell.destination: (cell.protected, cell.besides_dlp)
        for cell in overview(RuleSet([]), {**FACTS, "dlp_policies": told}, NOW)
        if cell.kind == "from_inside"
    }
    assert cells == {"adatum.com": ("always", ("T",)), "everybody else": ("never", ("S",))}


@pytest.mark.parametrize(
    ("action", "how"),
    [
        ({"remove_rms_template": True}, "dlp_decrypts"),
        ({"block_access": True}, "dlp_blocks"),
        ({"quarantine": True}, "dlp_quarantines"),
        ({"redirect_message_to": ["megan@contoso.com"]}, "dlp_redirects"),
    ],
)
def test_a_difference_names_the_dlp_rule_that_exempts_mail(action: dict[str, Any], how: str) -> None:
    """What a new rule encrypts, and DLP undoes, is no difference."""
    told = {**FACTS, "dlp_policies": [policy(_TO, "D", **action)], "labels": []}
    found = difference([], [ENCRYPT], told, NOW).findings[0]
    assert isinstance(found, ChangedMail)
    assert (found.kind, found.limit, [(each.rule, each.how) for each in found.by]) == (
        "protection_gained",
        "another",
        [("D", how)],
    )
