# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested first for a guarantee is what one would sign, whatever else is refuted, and in whatever order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
    Judgment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization
from tests.unit.mail_flow.organizations.suggested import FIRST, first

#: Every how many of the guarantees are asked about alone, by the organization.
_EVERY = {"bank": 5, "hospital": 3, "small": 2}


def suggested(organization: Organization, judged: Sequence[Judgment]) -> dict[str, GoalSuggestions]:
    found = suggestions(RuleSet(organization.numbered_rules), organization.facts, judged, (), NOW)
    return {goal.name: goal for goal in found}


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_the_first_suggestion_is_the_expected_one_alone_and_among_others(name: str) -> None:
    organization = ORGANIZATIONS[name]
    asked = [*organization.guarantees, *(question.guarantee for question in organization.questions)]
    guarantees = guarantees_of([{**each, "name": f"{place} {each['name']}"} for place, each in enumerate(asked)])
    judged = prove(RuleSet(organization.numbered_rules), organization.facts, guarantees, NOW)
    refuted = [judgment for judgment in judged if judgment.verdict is GuaranteeVerdict.REFUTED]
    kept = [judgment for judgment in judged if judgment.verdict is not GuaranteeVerdict.REFUTED]
    among = suggested(organization, judged[::-1])
    assert {goal: first(found) for goal, found in among.items()} == FIRST[name]
    for judgment in refuted[:: _EVERY[name]]:
        goal = judgment.guarantee.name
        (alone,) = suggested(organization, [judgment, *kept]).values()
        assert [(each.edits, each.connector) for each in alone.suggestions[:1]] == [
            (each.edits, each.connector) for each in among[goal].suggestions[:1]
        ], goal
        assert alone.advice == among[goal].advice
