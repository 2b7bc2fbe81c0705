# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of the search for suggestions by itself: what is to be repaired, what is known against edits, the proof of a
draft, the search, first steps, and the guarantee that opposes a goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import cases_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.advice import instead_of_edits
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import EditedRules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.compared_draft import compared
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.draft_fit import DraftFit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.draft_proof import (
    DraftProof,
    edits_act,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.draft_search import (
    DraftSearch,
    FirstStep,
    FoundDraft,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.first_steps import first_steps
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.found_suggestions import (
    FoundSuggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.known_counterexamples import (
    KnownCounterexamples,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.opposed import (
    opposed_guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.ranking import ranked
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.task import Goal, RepairTask
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet

from tests.unit.mail_flow.asking import ALL, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

AWAY = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})
LEAVING: Values = {"name": "Leaving", "when": OUTGOING, "then": "encrypted"}
OFFER: Values = {
    "name": "Offer",
    "from": "megan@contoso.com",
    "mail_from": "megan@contoso.com",
    "authenticated": True,
    "to": ["ann@partner.com"],
    "expect": {"ann@partner.com": {"protection": "encrypt"}},
}


def unread(path: str) -> bytes:
    raise AssertionError(path)


def task_of(rules: Sequence[Values], guarantees: Sequence[Values], messages: Sequence[Values] = ()) -> RepairTask:
    read = RuleSet(rules)
    judged = prove(read, TENANT, guarantees_of(list(guarantees)), NOW)
    return RepairTask(read, TENANT, judged, cases_of(list(messages), unread, NOW), NOW)


def parts(task: RepairTask) -> tuple[Goal, KnownCounterexamples, DraftProof]:
    """The first goal of a task, what is known against edits, and the proof of drafts."""
    goal = next(task.goals())
    known = KnownCounterexamples(task, goal)
    return goal, known, DraftProof(task, goal, known)


def going_on(task: RepairTask, known: KnownCounterexamples) -> list[EditedRules]:
    """The drafts by which one rule that stops no longer does, and that the simulator lets pass."""
    places = [rule.place for rule in task.rules.rules if rule.actions.is_final]
    drafts = [task.present.with_section(place, "stop", "actions", {"stop_rule_processing": None}) for place in places]
    return [draft for draft in drafts if known.first_wrong(task.rules_of(draft)) is None]


def test_goals_are_guarantees_that_are_refuted_and_messages_that_miss_something() -> None:
    task = task_of([AWAY, ALL], [LEAVING, {"name": "Partner", "when": PARTNER, "then": "delivered"}], [OFFER])
    of_guarantee, of_message = task.goals()
    assert of_guarantee.guarantee is task.judged[0].guarantee
    assert of_message.case is task.cases[0]
    assert of_message.wrong.copy.recipient == "ann@partner.com"
    assert [guarantee.name for guarantee in task.to_keep(of_guarantee)] == ["Leaving", "Partner"]


def test_known_counterexamples_refute_drafts_without_a_proof() -> None:
    task = task_of([AWAY, ALL], [LEAVING], [OFFER])
    goal, known, _proof = parts(task)
    moved = task.present.moved(1, 0)
    assert known.first_wrong(task.rules_of(task.present)) is goal.wrong
    assert known.first_wrong(task.rules_of(moved)) is None
    assert known.until(moved) is None
    assert known.put_right(moved) == tuple(shown.counterexample for shown in known)


def test_a_proof_that_fails_leaves_a_counterexample_more() -> None:
    other = rule("Trade", {"recipient_domain_is": ["trade.com"]}, {**STOP, "set_audit_severity": "Low"})
    task = task_of([AWAY, other, ALL], [LEAVING])
    goal, known, proof = parts(task)
    (first,) = going_on(task, known)
    assert known.first_wrong(task.rules_of(first)) is None
    wrong = proof.refuting(proof.under(first), task.to_keep(goal))
    assert wrong is not None
    assert wrong is not goal.wrong
    assert known.first_wrong(task.rules_of(first)) is wrong
    whole = task.present.moved(2, 0)
    verifier = proof.under(whole)
    assert proof.refuting(verifier, task.to_keep(goal)) is None
    assert edits_act(whole, verifier)


def test_an_edit_does_not_help_until_a_day_where_mail_is_treated_wrongly_before_it_too() -> None:
    other = rule("Trade", {"recipient_domain_is": ["trade.com"]}, {**STOP, "set_audit_severity": "Low"})
    later = {
        **rule("Later", {"from_scope": "NotInOrganization"}, {"set_scl": 1}),
        "activation_date": "2030-01-01T00:00:00Z",
    }
    task = task_of([AWAY, other, ALL, later], [LEAVING])
    goal, known, proof = parts(task)
    (first,) = going_on(task, known)
    wrong = proof.refuting(proof.under(first), task.to_keep(goal))
    assert known.first_wrong(task.rules_of(first)) is wrong is not None
    assert known.until(first) is None


def test_the_search_gives_drafts_that_are_compared_and_ranked() -> None:
    task = task_of([AWAY, ALL], [LEAVING])
    goal, known, proof = parts(task)
    search = DraftSearch(task, goal, known, proof)
    found = [compared(each.draft, task, goal, known) for each in search.drafts()]
    assert search.effort.complete
    assert search.effort.pairs == 0
    assert search.forbidding == ()
    (best, *_others) = ranked(found, goal.wrong.aim, task)
    assert [(edit.kind, edit.rule) for edit in best.edits] in ([("move", "All")], [("stop", "Partner")])


def test_only_what_may_go_before_is_worth_a_proof_unless_it_costs_little() -> None:
    task = task_of([AWAY, ALL], [LEAVING])
    goal, known, _proof = parts(task)
    moved, opened = task.present.moved(1, 0), task.present.with_section(0, "stop", "actions", {})
    found = FoundSuggestions(task, goal)
    assert found.is_worth_a_proof(moved)
    first = compared(moved, task, goal, known)
    found.every.append(first)
    assert found.is_worth_a_proof(opened)  # As long as that costs little.
    found.is_cheap = False
    assert not found.is_worth_a_proof(opened)  # It is not meant for the mail, and nothing is changed beside.
    with_loss = replace(
        first, unwanted_changes=(replace(first.difference.findings[0], kind=DifferenceKind.PROTECTION_LOST),)
    )
    found.every[:] = [with_loss]
    assert found.is_worth_a_proof(opened)


def test_a_repair_that_open_questions_keep_from_a_proof_at_two_places_is_not_proved_at_a_third() -> None:
    stops = [rule(name, {"recipient_domain_is": [name]}, STOP) for name in ("a.com", "b.com", "c.com")]
    task = task_of([*stops, ALL], [LEAVING])
    goal, _known, _proof = parts(task)
    found = FoundSuggestions(task, goal)
    for place in (2, 1):
        draft = task.present.moved(3, place)
        assert found.is_worth_a_proof(draft)
        assert found.is_worth_a_comparison(FoundDraft(draft, task.judged[0]))
    assert not found.is_worth_a_proof(task.present.moved(3, 0))
    assert found.is_worth_a_proof(task.present.moved(3, 0).with_section(0, "enable", "actions", {}))


def test_a_rule_for_other_mail_is_not_tried_at_further_places_once_something_goes_before_it() -> None:
    task = task_of([AWAY, ALL, rule("Ours", {"from": ["ann@contoso.com"]}, {"set_scl": 1})], [LEAVING])
    goal, known, _proof = parts(task)
    nearer, farther = task.present.moved(0, 1), task.present.moved(0, 2)
    moved = compared(nearer, task, goal, known)
    beside = (replace(moved.difference.findings[0], kind=DifferenceKind.PROTECTION_LOST),)
    found = FoundSuggestions(task, goal)
    found.every.append(replace(moved, unwanted_changes=beside, fit=DraftFit()))
    assert found.is_worth_a_proof(farther)
    found.every.append(compared(task.present.moved(1, 0), task, goal, known))
    assert not found.is_worth_a_proof(farther)


def test_edits_that_put_one_message_right_are_first_steps_once_a_rule_and_edit() -> None:
    names = ("a.com", "b.com", "c.com")
    rules = [rule(name, {"recipient_domain_is": [name]}, {**STOP, "set_audit_severity": "Low"}) for name in names]
    task = task_of([*rules, ALL], [LEAVING])
    goal, known, proof = parts(task)
    (draft,) = going_on(task, known)
    steps = [FirstStep(draft, refuted=True)] * 2
    (suggested,) = first_steps(steps, task, goal, known, proof)
    assert suggested.edits == draft.edits
    assert suggested.is_refuted


def test_guarantees_that_want_the_same_mail_protected_and_not_are_opposed() -> None:
    readable = {"name": "Readable", "when": PARTNER, "then": "unencrypted"}
    task = task_of([AWAY, ALL], [LEAVING, readable])
    goal, known, _proof = parts(task)
    opposed = opposed_guarantee(goal.guarantee, task, known)
    assert opposed is not None
    assert (opposed.guarantee, opposed.unless) == ("Readable", {"recipient_domain_is": ["partner.com"]})
    assert opposed_guarantee(None, task, known) is None


@pytest.mark.parametrize(
    ("then", "kind", "value", "rules"),
    [("encrypted", "then", "not_in_clear", ()), ("delivered", "unless", "", ("No",))],
)
def test_advice_instead_of_edits(then: str, kind: str, value: str, rules: tuple[str, ...]) -> None:
    rejecting = rule("No", PARTNER, {"reject_message_reason_text": "No."})
    task = task_of([rejecting, ALL], [{**LEAVING, "then": then}])
    (judged,) = task.judged
    (goal,) = task.goals()
    advice = instead_of_edits(judged, goal.wrong.copy, task)
    assert advice is not None
    assert (advice.kind, advice.value, advice.rules) == (kind, value, rules)
