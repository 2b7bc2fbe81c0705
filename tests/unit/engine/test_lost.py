# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that were lost: what was written is read back, and nothing is written twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Phase, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    OutcomeUnknownError,
    PermissionDeniedError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import READS, things, wants


@pytest.mark.parametrize("lost", ["lost_after", "lost_before"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_lost_answer_among_several_writes(clock: Clock, place: int, lost: str) -> None:
    faults: list[Any] = [None, None, None]
    faults[place] = lost
    session = FakeSession(things(a="1", b="1", c="1"), faults=faults)
    result = converge(task(session), READS, wants(a="2", b="2", c="2"))
    assert sorted(call.parameters["Identity"] for call in session.writes) == ["a", "b", "c"]
    assert len(result["commands"]) == 3


def test_a_lost_answer_of_a_write_that_happened_is_not_repeated() -> None:
    session = FakeSession(things(a="1", b="1"), faults=["lost_after"])
    result = converge(task(session), READS, wants(a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]
    assert len(result["commands"]) == 2


def test_a_lost_write_is_sent_again_only_after_reading_for_a_while(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_before"])
    result = converge(task(session), READS, wants(a="2"))
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert len(session.writes) == 1
    # Then it is seen at once.
    assert clock.now == pytest.approx(60, abs=2)


def test_a_lost_answer_is_waited_for_where_reading_back_is_left_out(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_after"], lag=3)
    converge(task(session, verify_timeout=0), READS, wants(a="2"))
    assert len(session.writes) == 1


def test_writes_that_are_always_lost_end(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_before"] * 50)
    with pytest.raises(OutcomeUnknownError) as caught:
        converge(task(session), READS, wants(a="2"))
    # It is sent again once, after it was looked for, and looked for once more.
    assert len(session.faults) == 50 - 2
    assert clock.now == pytest.approx(2 * 60, abs=4)
    assert caught.value.message == "the answer was lost; read back for 60 seconds: not stored."
    assert caught.value.result["outcome_unknown"] == ["Set-Thing -Identity 'a' -Value '2'"]


@pytest.mark.parametrize("done", ["lost_after", "lost_before"])
def test_a_refusal_beside_a_lost_answer_says_what_is_not_known(clock: Clock, done: str) -> None:
    session = FakeSession(things(a="1", b="1"), faults=[done, PermissionDeniedError("no", cmdlet="Set-Thing")])
    with pytest.raises(PermissionDeniedError) as caught:
        converge(task(session), READS, wants(a="2", b="2"))
    result = caught.value.result
    seen = ["Set-Thing -Identity 'a' -Value '2'"] if done == "lost_after" else []
    assert (result["commands"], result["outcome_unknown"]) == (
        seen,
        [] if seen else ["Set-Thing -Identity 'a' -Value '2'"],
    )
    assert result["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'"]


def test_a_lost_write_is_looked_for_no_longer_than_a_shorter_timeout_allows(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_before"])
    assert converge(task(session, verify_timeout=4), READS, wants(a="2"))["changed"]
    assert clock.now == 4


def test_a_lost_write_counts_only_if_two_reads_in_a_row_show_it(clock: Clock) -> None:
    """One may be of a replica that is ahead of the others, or behind them."""
    session = FakeSession(things(a="1"), faults=["lost_after"])
    shows = iter([True, False, True])

    def planner(organization: Organization) -> Plan:
        seen = (
            organization
            if not session.writes or next(shows, True)
            else Organization(READS, {"Thing": Result(objects=things(a="1")["Thing"])})
        )
        return wants(a="2")(seen)

    assert converge(task(session), READS, planner)["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert len(session.writes) == 1
    # One before, and of the lost write: seen, not seen, seen twice; then it is verified by two of its own.
    assert len(session.reads) == 1 + 4 + 2
    # Nobody waits between what travelled with the write and a read, nor between two reads that show it.
    assert clock.now == 0


def test_a_lost_write_that_no_read_shows_ends_the_task_at_once(clock: Clock) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["lost_after"])
    with pytest.raises(OutcomeUnknownError) as caught:
        converge(task(session), READS, wants(phases={"b": Phase.RULES}, is_visible=False, a="2", b="2"))
    assert caught.value.result["outcome_unknown"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert caught.value.result["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'"]
    assert (len(session.writes), clock.now) == (1, 0)


def test_a_lost_write_that_is_seen_beside_one_that_no_read_shows_counts() -> None:
    def planner(organization: Organization) -> Plan:
        plan = wants(a="2", b="2")(organization)
        return replace(
            plan, steps=[replace(step, is_visible=step.call.parameters["Identity"] == "a") for step in plan.steps]
        )

    session = FakeSession(things(a="1", b="1"), faults=["lost_after", "lost_before"])
    with pytest.raises(OutcomeUnknownError) as caught:
        converge(task(session), READS, planner)
    assert caught.value.result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert caught.value.result["outcome_unknown"] == ["Set-Thing -Identity 'b' -Value '2'"]


def test_a_lost_write_beside_one_that_was_stored_although_it_was_refused(clock: Clock) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["lost_before", "refused_after"])
    result = converge(task(session), READS, wants(a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["b", "a"]
    assert clock.now == pytest.approx(60, abs=2)
    assert (len(result["commands"]), result["after"]) == (2, {"a": "2", "b": "2"})


def test_a_lost_write_whose_second_try_changes_nothing_is_said_to_be_changed(clock: Clock) -> None:
    """The first try was carried out late."""
    session = FakeSession(things(a="1"), faults=["lost_before"])
    session.warnings = ["The command completed successfully but no settings of 'a' have been modified."]
    assert converge(task(session), READS, wants(a="2"))["changed"]
