# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested first for a guarantee is what one would sign, whatever else is refuted, and in whatever order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
    Judgment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    DraftVerifier,
    prove,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import compared_draft, suggest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import (
    EditedRules,
    RuleEdit,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.draft_proof import DraftProof
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.draft_search import DraftSearch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.first_steps import (
    is_same_repair,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.known_counterexamples import (
    KnownCounterexamples,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
    Suggestion,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.task import RepairTask
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import NOW, OUTGOING, rule
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.organizations.organization import Organization
from tests.unit.mail_flow.organizations.suggested import FIRST, first
from tests.unit.mail_flow.small_worlds import TENANT

#: Every how many of the guarantees are asked about alone, by the organization.
_EVERY = {"bank": 5, "hospital": 3, "small": 2}


def suggested(organization: Organization, judged: Sequence[Judgment]) -> dict[str, GoalSuggestions]:
    found = suggest.suggestions(RuleSet(organization.numbered_rules), organization.facts, judged, (), NOW)
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


def test_the_same_repair_is_not_compared_at_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison costs more than all else: one that changes no other mail is not compared at further places."""
    bank = ORGANIZATIONS["bank"]
    rules = RuleSet(bank.numbered_rules)
    asked = [question.guarantee for question in bank.questions]
    (guarantee,) = guarantees_of([each for each in asked if each["name"] == "All that leaves"])
    compared: list[Suggestion] = []

    def comparing(*values: Any) -> Suggestion:
        compared.append(compared_draft.compared(*values))
        return compared[-1]

    monkeypatch.setattr(suggest, "compared", comparing)
    suggest.suggestions(rules, bank.facts, prove(rules, bank.facts, [guarantee], NOW), (), NOW)
    assert compared
    for place, suggestion in enumerate(compared):
        better = [other for other in compared[:place] if is_same_repair(suggestion.edits, other.edits)]
        assert all(other.surely_unwanted for other in better)


def test_what_a_known_message_leaves_open_is_not_proved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six edits of the bank would encrypt the mail, and a report leaves each of them open: one proof says so, and by its
    message the simulator says it of the others.
    """
    bank = ORGANIZATIONS["bank"]
    rules = RuleSet(bank.numbered_rules)
    asked = [question.guarantee for question in bank.questions]
    guarantees = guarantees_of([each for each in asked if each["name"] == "The look of private banking"])
    proved: list[EditedRules] = []
    under = DraftProof.under

    def proving(proof: DraftProof, draft: EditedRules) -> DraftVerifier:
        proved.append(draft)
        return under(proof, draft)

    monkeypatch.setattr(DraftProof, "under", proving)
    (found,) = suggest.suggestions(rules, bank.facts, prove(rules, bank.facts, guarantees, NOW), (), NOW)
    edits = [draft.edits for draft in proved]
    assert all(suggestion.edits in edits for suggestion in found.suggestions)
    assert found.tried.undecided > len(proved)


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_what_the_simulator_says_is_left_open_no_proof_settles(name: str) -> None:
    organization = ORGANIZATIONS[name]
    rules = RuleSet(organization.numbered_rules)
    asked = [question.guarantee for question in organization.questions]
    guarantees = guarantees_of([{**each, "name": f"{place} {each['name']}"} for place, each in enumerate(asked)])
    task = RepairTask(rules, organization.facts, prove(rules, organization.facts, guarantees, NOW), (), NOW)
    for goal in task.goals():
        known = KnownCounterexamples(task, goal)
        search = DraftSearch(task, goal, known, DraftProof(task, goal, known))
        for found in itertools.islice(search.drafts(), 4):
            is_left_open = known.is_left_open(task.rules_of(found.draft))
            assert is_left_open is (found.left_open is not None), (goal.aim.name, found.draft.edits)


def edit(kind: str, rule: str, option: str, after: Any) -> RuleEdit:
    return RuleEdit(kind, rule, option, None, after)


EXCEPTION = edit("exception", "A", "exceptions.sent_to", ["a@b.example"])


@pytest.mark.parametrize(
    ("edits", "others", "is_same"),
    [
        ([edit("move", "A", "priority", 1)], [edit("move", "A", "priority", 0)], True),
        ([edit("move", "A", "priority", 1)], [edit("move", "B", "priority", 1)], False),
        ([EXCEPTION], [EXCEPTION, edit("move", "A", "priority", 0)], True),
        ([EXCEPTION], [EXCEPTION, edit("move", "B", "priority", 0)], False),
        ([EXCEPTION], [edit("exception", "A", "exceptions.sent_to", ["c@b.example"])], False),
        ([edit("add", "New", "priority", 7)], [edit("add", "New", "priority", 0)], True),
        ([edit("add", "New", "priority", 7)], [edit("add", "Other", "priority", 7)], False),
        ([edit("add", "New", "priority", 7)], [EXCEPTION, edit("add", "New", "priority", 7)], False),
    ],
)
def test_a_repair_is_the_same_wherever_its_rules_stand(
    edits: list[RuleEdit], others: list[RuleEdit], is_same: bool
) -> None:
    assert is_same_repair(edits, others) is is_same


def test_a_new_rule_that_looks_at_what_mail_says_goes_before_what_may_hide_it() -> None:
    """One that does not stays behind all rules."""
    disclaimer = rule(
        "Footer", OUTGOING, {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_location": "Append"}
    )
    last = rule("Last", OUTGOING, {"set_audit_severity": "Low"})
    rules = RuleSet([disclaimer, last])
    for extra, place in (({"subject_contains_words": ["secret"]}, 0), ({"recipient_domain_is": ["b.example"]}, 2)):
        (goal,) = guarantees_of([{"name": "G", "when": {**OUTGOING, **extra}, "then": "not_in_clear"}])
        (found,) = suggest.suggestions(rules, TENANT, prove(rules, TENANT, [goal], NOW), (), NOW)
        assert [(each.kind, each.after) for each in found.suggestions[0].edits] == [("add", place)]
