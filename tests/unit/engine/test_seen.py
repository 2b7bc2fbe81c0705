# SPDX-License-Identifier: GPL-3.0-or-later
"""What was written is waited for until it is seen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    NotSentError,
    ServiceError,
    VerificationError,
)

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import ALWAYS, READS, Alternating, things, wants


def test_a_change_is_read_back_twice() -> None:
    session = FakeSession(things(a="1"))
    assert converge(task(session), READS, wants(a="2"))["after"] == {"a": "2"}
    assert len(session.reads) == 3


def test_a_change_and_its_reads_are_one_round_trip() -> None:
    session = FakeSession(things(a="1", b="1"))
    assert converge(task(session), READS, wants(a="2", b="2"))["changed"]
    assert (session.trips, len(session.reads), len(session.writes)) == (2, 3, 2)


def test_a_read_that_is_older_than_the_write_that_it_travels_with_does_not_count() -> None:
    session = FakeSession(things(a="1", b="1"))
    session.reads_first = True
    assert converge(task(session), READS, wants(a="2", b="2"))["after"] == {"a": "2", "b": "2"}
    assert (session.trips, len(session.writes)) == (4, 2)


def test_a_failed_read_that_travels_with_a_write_is_made_again() -> None:
    class Failing(FakeSession):
        failing = True

        def _look(self, calls: Sequence[Call], *, fresh: bool) -> list[Result]:
            results = super()._look(calls, fresh=fresh)
            if not self.writes or not self.failing:
                return results
            self.failing = False
            return [Result(error=NotSentError("the session was lost.")) for _call in calls]

    session = Failing(things(a="1"))
    assert converge(task(session), READS, wants(a="2"))["after"] == {"a": "2"}
    assert (len(session.writes), session.failing) == (1, False)


def test_reading_back_can_be_left_out() -> None:
    session = FakeSession(things(a="1"), faults=["ignored"])
    assert converge(task(session, verify_timeout=0), READS, wants(a="2"))["changed"]
    assert len(session.reads) == 1


def test_replicas_that_are_behind_are_waited_for(clock: Clock) -> None:
    session = FakeSession(things(a="1"), lag=5)
    assert converge(task(session), READS, wants(a="2"))["after"] == {"a": "2"}
    assert 0 < clock.now < 60


def test_a_write_that_is_never_seen_fails_after_the_timeout(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["ignored"])
    with pytest.raises(VerificationError, match="after 60 seconds: value of 'a' is '1', not '2'") as caught:
        converge(task(session), READS, wants(a="2"))
    assert caught.value.result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert clock.now == 60


def test_the_last_write_is_waited_for_as_long_as_verifying_allows() -> None:
    session = FakeSession(things(a="1"), lag=12)
    result = converge(task(session), READS, wants(replans=ALWAYS, a="2"))
    assert len(session.writes) == 1
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]


def test_a_long_wait_is_said_from_time_to_time(clock: Clock) -> None:
    said: list[str] = []
    waiting = task(FakeSession(things(a="1"), lag=22))
    waiting.say = said.append
    clock.now = 1000
    converge(waiting, READS, wants(a="2"))
    assert clock.now >= 1040
    assert [text.partition("yet.")[2] for text in said] == [" Waited 16 of 60 s.", " Waited 32 of 60 s."]
    assert all("value of 'a'" in text for text in said)


def test_all_that_is_waited_for_is_named_once() -> None:
    said: list[str] = []
    waiting = task(FakeSession(things(a="1", b="1", c="1"), faults=["ignored", "ignored"]), verify_timeout=20)
    waiting.say = said.append
    with pytest.raises(VerificationError):
        converge(waiting, READS, wants(a="2", b="2", c="1"))
    assert [text.partition(" yet.")[0] for text in said] == [
        "Exchange does not show value of 'a', value of 'b' on every server"
    ]


def test_a_short_timeout_is_not_exceeded(clock: Clock) -> None:
    with pytest.raises(VerificationError, match="after 1 seconds"):
        converge(task(FakeSession(things(a="1"), faults=["ignored"]), verify_timeout=1), READS, wants(a="2"))
    assert clock.now == 1


def test_two_reads_in_a_row_must_show_a_change(clock: Clock) -> None:
    session = Alternating(things(a="1"))
    session.shows = [True, False, True, False, True, True, False]
    assert converge(task(session), READS, wants(a="2"))["after"] == {"a": "2"}
    assert len(session.shows) == 1
    # The reads that travelled with the write cost no time.
    assert clock.now == 2


def test_a_change_that_is_seen_only_in_turn_is_stored_and_not_everywhere() -> None:
    session = Alternating(things(a="1"))
    session.shows = [False, True] * 50
    with pytest.raises(VerificationError, match="value of 'a' is stored, but not on every server yet"):
        converge(task(session), READS, wants(a="2"))


def test_a_change_that_was_seen_with_the_write_only_is_stored_and_not_everywhere() -> None:
    session = Alternating(things(a="1"))
    session.shows = [True, *[False] * 100]
    with pytest.raises(VerificationError, match="value of 'a' is stored, but not on every server yet"):
        converge(task(session), READS, wants(a="2"))


def test_a_read_that_fails_while_a_change_is_looked_for_ends_the_task() -> None:
    class Failing(FakeSession):
        def _look(self, calls: Sequence[Call], *, fresh: bool) -> list[Result]:
            failing = len(self.reads) > 3
            return (
                [Result(error=ServiceError("cannot read")) for _call in calls]
                if failing
                else super()._look(calls, fresh=fresh)
            )

    with pytest.raises(ServiceError) as caught:
        converge(task(Failing(things(a="1"), lag=9)), READS, wants(a="2"))
    assert caught.value.result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
