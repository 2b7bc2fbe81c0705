# SPDX-License-Identifier: GPL-3.0-or-later
"""What auditors ask lived-in organizations is answered as the documented semantics answer it."""

from __future__ import annotations

import pytest

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.organizations.loading import ASKED
from tests.unit.mail_flow.organizations.organization import Organization, Question

_ASKED = [(each, question) for each in ASKED.values() for question in each.questions]


@pytest.mark.parametrize(
    ("organization", "question"),
    _ASKED,
    ids=[f"{each.name}: {question.guarantee['name']} {question.guarantee['then']}" for each, question in _ASKED],
)
def test_the_verdict_is_the_expected_one(organization: Organization, question: Question) -> None:
    (found,) = prove(organization.numbered_rules, organization.facts, [question.guarantee], NOW)
    assert found["verdict"] == question.verdict, found
