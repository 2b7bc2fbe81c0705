# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever rules and messages are, an answer takes a bounded number of steps, and says so where that was not enough.
Times: ``tests/bench/mail_hard.py``.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import (
    BudgetError,
    bounded,
    remembered,
    spend,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import any_pattern
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import Solver

from tests.bench.mail_hard import CASES, NOW, QUESTIONS
from tests.bench.mail_proof import of_dlp
from tests.unit.mail_flow.answers import prove

#: A tenth of a second or so, instead of the ten that an organization has.
_FEW = 100_000

#: What one more count may take beyond the budget before it is noticed.
_AT_ONCE = 3_000_000


@pytest.mark.parametrize("name", CASES)
def test_a_hard_organization_is_answered_within_its_steps(name: str) -> None:
    case, wrong = CASES[name](), []
    for question, ask in QUESTIONS.items():
        with bounded(_FEW, share=1) as meter:
            answer = ask(case)
        if not answer or meter.remaining < -_AT_ONCE:
            wrong.append((question, answer, meter.remaining))
    assert not wrong


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("many copies", "prove", "unknown budget"),
        ("many copies", "compare", "budget"),
        ("many copies", "lint", "budget"),
        ("recipients", "simulate", "unknown unknown budget"),
        ("states", "simulate", "unknown unknown budget"),
    ],
)
def test_what_takes_more_steps_is_unknown_for_that_reason(name: str, question: str, answer: str) -> None:
    with bounded(_FEW, share=1):
        assert answer in QUESTIONS[question](CASES[name]())


@pytest.mark.parametrize(
    ("question", "answer"), [("prove", ["proved"]), ("compare", ["0 rows"]), ("lint", ["299 findings"])]
)
def test_patterns_that_nobody_knows_behind_many_prefixes_are_followed_to_the_end(
    question: str, answer: list[str]
) -> None:
    with bounded(25 * _FEW, share=1):
        assert QUESTIONS[question](CASES["not agreed"]()) == answer


def test_what_is_known_of_groups_in_groups_is_small() -> None:
    """A set of members for each of 2,000 groups took 180 MiB."""
    facts = facts_of(CASES["groups"]().facts)
    tracemalloc.start()
    try:
        doubtful = [
            group
            for group in facts.groups.members or ()
            if isinstance(facts.groups.is_member("u1999@contoso.example", group), Open)
        ]
        assert len(facts.groups.members_of("g0@contoso.example")) == 4_000
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(doubtful) == 1_999
    assert most < 10 << 20


def test_groups_may_be_in_each_other() -> None:
    groups = {
        "a@x.example": ["b@x.example", "ann@x.example"],
        "b@x.example": ["c@x.example"],
        "c@x.example": ["a@x.example", "bob@x.example"],
    }
    facts = facts_of({"groups": {**groups, "d@x.example": ["a@x.example", "joe@x.example"]}})
    whole = frozenset(member for members in groups.values() for member in members)
    assert {group: facts.groups.members_of(group) for group in groups} == dict.fromkeys(groups, whole)
    assert facts.groups.members_of("d@x.example") == whole | {"joe@x.example"}
    assert facts.groups.members_of("nobody@x.example") == frozenset()
    assert facts.groups.is_member("bob@x.example", "c@x.example") is True
    assert isinstance(facts.groups.is_member("bob@x.example", "d@x.example"), Open)
    assert facts.groups.is_member("joe@x.example", "a@x.example") is False


def test_a_question_costs_the_same_when_it_is_asked_again() -> None:
    """Answers would depend on what was asked before if what is remembered were for free."""
    spent = []
    for _time in range(2):
        with bounded(share=1) as meter:
            before = meter.remaining
            assert QUESTIONS["prove"](CASES["phrases"]())
            assert QUESTIONS["simulate"](CASES["copies"]())
            any_pattern("a.b." * 200, ["(a|b|[.])*c"])
        spent.append(before - meter.remaining)
    assert spent[0] == spent[1] > 0


@pytest.mark.parametrize("task", ["dlp_encrypts", "dlp_decrypts", "dlp_sensitive"])
def test_a_proof_beside_many_dlp_rules_takes_at_most_twice_the_steps(task: str) -> None:
    steps = []
    for asked in ("dlp_none", task):
        with bounded(share=1) as meter:
            before = meter.remaining
            of_dlp(asked, 200)
        steps.append(before - meter.remaining)
    assert steps[1] <= 2 * steps[0]


def test_a_hard_guarantee_leaves_steps_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["copies"]()
    outgoing = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    guarantees = [{"name": name, "when": outgoing, "then": "not_in_clear"} for name in ("Hard", "Easy")]
    facts = {"accepted_domains": ["contoso.example"], "remote_domains": []}
    found = prove(case.before, facts, guarantees, NOW)
    solve, asked = Solver.solve, []

    def endless(self: Solver, *args: Any) -> bool | None:
        asked.append(args)
        spend(1 << 40 if len(asked) <= 2 else 0)  # Among the others, and alone.
        return solve(self, *args)

    monkeypatch.setattr(Solver, "solve", endless)
    again = prove(case.before, facts, guarantees, NOW)
    assert [each["id"] for each in again[0]["unknown"]] == ["budget"]
    assert again[1] == found[1]


def test_an_inner_budget_takes_its_part_and_gives_back_the_rest() -> None:
    with bounded(100, share=1) as outer:
        with bounded(share=0.25) as inner:
            assert inner.remaining == 25
            spend(5)
        assert outer.remaining == 95
        with pytest.raises(BudgetError), bounded(10, share=1):
            spend(11)
        assert outer.remaining == 85
        spend(85)
        with pytest.raises(BudgetError):
            spend(1)


def test_what_is_remembered_costs_what_it_cost() -> None:
    asked = []

    @remembered(2)
    def costly(steps: int) -> int:
        asked.append(steps)
        spend(steps)
        return steps

    with bounded(100, share=1) as meter:
        assert [costly(40), costly(40)] == [40, 40]
        assert (meter.remaining, asked) == (20, [40])
        with pytest.raises(BudgetError):
            costly(40)
