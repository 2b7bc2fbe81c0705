# SPDX-License-Identifier: GPL-3.0-or-later
"""A DLP rule that looks for sensitive information, as nearly every organization has one, leaves what is known of rules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import overview
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    policy as policy_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    prove as judgments,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.answers import difference, prove
from tests.unit.mail_flow.asking import ALL, NOW
from tests.unit.mail_flow.dlp_worlds import OUTGOING, decrypts, encrypts, policy
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization, Question
from tests.unit.mail_flow.stating import Mail

_CARDS = {
    **OUTGOING,
    "content_contains_sensitive_information": [{"name": "Credit Card Number", "mincount": "1"}],
}

#: A DLP rule by what it does to mail with card numbers.
BY_CONTENT: dict[str, dict[str, Any]] = {
    "blocks": policy(_CARDS, "Cards", block_access=True),
    "encrypts": encrypts(_CARDS, "Cards"),
}
_BY_ALL = {**BY_CONTENT, "decrypts": decrypts(_CARDS, "Cards")}

#: What is refuted of mail with card numbers: in that mail, the DLP rule may find them, too.
_OF_CARDS = {"Card numbers", "Card numbers in documents"}

_ASKED = [(each, question) for each in ORGANIZATIONS.values() for question in each.questions]


@pytest.mark.parametrize("does", BY_CONTENT)
@pytest.mark.parametrize(
    ("organization", "question"),
    _ASKED,
    ids=[f"{each.name}: {question.guarantee['name']} {question.guarantee['then']}" for each, question in _ASKED],
)
def test_the_answers_to_what_auditors_ask_stay(organization: Organization, question: Question, does: str) -> None:
    """Mail that refutes has no sensitive information; what is proved does not rest on DLP."""
    told = {**organization.facts, "dlp_policies": [BY_CONTENT[does]]}
    (found,) = prove(organization.numbered_rules, told, [question.guarantee], NOW)
    decided_by_dlp = question.verdict == "refuted" and question.guarantee["name"] in _OF_CARDS
    assert found["verdict"] == ("unknown" if decided_by_dlp else question.verdict), found


@pytest.mark.parametrize("name", ORGANIZATIONS)
@pytest.mark.parametrize("does", _BY_ALL)
def test_what_is_said_of_rules_stays(name: str, does: str) -> None:
    """Each sentence is as certain as without the DLP rule, which is named once."""
    organization = ORGANIZATIONS[name]
    alone = policy_of(organization.numbered_rules, {**organization.facts, "dlp_policies": []}, NOW)
    beside = policy_of(organization.numbered_rules, {**organization.facts, "dlp_policies": [_BY_ALL[does]]}, NOW)
    assert [(said.rule.name, said.effect, said.certain, said.unknown) for said in beside.statements] == [
        (said.rule.name, said.effect, said.certain, said.unknown) for said in alone.statements
    ]
    assert bool(beside.dlp) is any(said.besides_dlp for said in beside.statements)


@pytest.mark.parametrize("name", ORGANIZATIONS)
@pytest.mark.parametrize("does", _BY_ALL)
def test_which_mail_is_protected_stays(name: str, does: str) -> None:
    """Each cell of the overview is as without the DLP rule, and names it where it may treat mail otherwise."""
    organization = ORGANIZATIONS[name]
    rules = RuleSet(organization.numbered_rules)
    alone = overview(rules, {**organization.facts, "dlp_policies": []}, NOW)
    beside = overview(rules, {**organization.facts, "dlp_policies": [_BY_ALL[does]]}, NOW)
    assert [(cell.kind, cell.destination, cell.protected) for cell in beside] == [
        (cell.kind, cell.destination, cell.protected) for cell in alone
    ]
    named = {cell.protected for cell in beside if cell.besides_dlp}
    assert named <= ({"always", "depends"} if does == "decrypts" else {"depends", "never"})


@pytest.mark.parametrize("name", ORGANIZATIONS)
@pytest.mark.parametrize("does", _BY_ALL)
def test_what_is_said_besides_a_dlp_rule_is_true_of_mail_without_sensitive_information(name: str, does: str) -> None:
    organization = ORGANIZATIONS[name]
    facts = {"outbound_connectors": [], **organization.facts, "dlp_policies": [_BY_ALL[does]]}
    sent = [message_of({**each, "sensitive_information": False}, "", name) for each in _a_week(organization)]
    mail = Mail(organization.numbered_rules, facts, sent)
    found = policy_of(organization.numbered_rules, facts, NOW)
    assert [text for said in found.statements for text in mail.false(said)] == []


def _a_week(organization: Organization) -> list[dict[str, Any]]:
    return list(organization.traffic(5, 100).messages.values())


@pytest.mark.parametrize("does", BY_CONTENT)
def test_what_is_suggested_stays(does: str) -> None:
    """The edits that are suggested first for a refuted guarantee are those without the DLP rule. Whether others are, too,
    depends on what they cost.
    """
    organization = ORGANIZATIONS["small"]
    rules = RuleSet(organization.numbered_rules)
    asked = [each.guarantee for each in organization.questions if each.guarantee["name"] == "The tax office"]

    def first(policies: list[dict[str, Any]]) -> list[tuple[str, str]]:
        facts = {**organization.facts, "dlp_policies": policies}
        (found,) = suggestions(rules, facts, judgments(rules, facts, asked, NOW), [], NOW)
        return [(edit.kind, edit.rule) for edit in found.suggestions[0].edits]

    assert first([BY_CONTENT[does]]) == first([])


@pytest.mark.parametrize("does", BY_CONTENT)
def test_what_a_change_does_stays(does: str) -> None:
    organization = ORGANIZATIONS["small"]
    before = organization.numbered_rules
    after = [each for each in before if each["name"] != "Secure"]

    def kinds(policies: list[dict[str, Any]]) -> list[str]:
        facts = {**organization.facts, "dlp_policies": policies}
        return [str(row["kind"]) for row in difference(before, after, facts, NOW).rows]

    assert kinds([BY_CONTENT[does]]) == kinds([]) != []


def test_a_rule_that_encrypts_takes_no_protection_away_beside_dlp_rules_that_encrypt_and_decrypt() -> None:
    """Whichever of the two acts, it does so before and after."""
    facts = {**ORGANIZATIONS["small"].facts, "dlp_policies": [encrypts(_CARDS, "Cards"), decrypts(_CARDS, "Old")]}
    found = difference([], [ALL], facts, NOW)
    assert {str(row["kind"]) for row in found.rows if row.get("about") != "unusual"} == {"protection_gained"}
