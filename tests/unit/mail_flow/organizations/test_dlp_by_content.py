# SPDX-License-Identifier: GPL-3.0-or-later
"""A DLP rule that looks for sensitive information, as nearly every organization has one, leaves what is known of rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.dlp_worlds import OUTGOING, encrypts, policy
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization, Question

_CARDS = {
    **OUTGOING,
    "content_contains_sensitive_information": [{"name": "Credit Card Number", "mincount": "1"}],
}

#: A DLP rule by what it does to mail with card numbers.
BY_CONTENT: dict[str, dict[str, Any]] = {
    "blocks": policy(_CARDS, "Cards", block_access=True),
    "encrypts": encrypts(_CARDS, "Cards"),
}

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
