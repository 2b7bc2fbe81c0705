# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: what is written when everything goes well, and what when it does not."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import converge as _converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import LOST_TIMEOUT, converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Plan, Step, first_trip
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    OptionError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ServiceError,
    VerificationError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import ALWAYS, READS, things, wants


def test_nothing_to_do_is_one_read() -> None:
    session = FakeSession(things(a="1"))
    result = converge(task(session), READS, wants(a="1"))
    assert result == {"changed": False, "before": {"a": "1"}, "after": {"a": "1"}, "changes": [], "commands": []}
    assert (len(session.reads), session.writes) == (1, [])


def test_check_mode_says_what_a_run_does_and_writes_nothing() -> None:
    session = FakeSession(things(a="1", b="1"))
    foretold = converge(task(session, check_mode=True), READS, wants(a="2", b="2"))
    assert session.writes == []
    assert foretold["commands"] == ["Set-Thing -Identity 'a' -Value '2'", "Set-Thing -Identity 'b' -Value '2'"]
    assert converge(task(session), READS, wants(a="2", b="2")) == foretold


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


@pytest.mark.parametrize(
    ("phases", "groups"),
    [
        ({}, [["a", "b", "c"]]),
        ({"b": Phase.POLICIES, "c": Phase.CONFIGURATIONS}, [["a", "c", "b"]]),
        ({"c": Phase.RULES}, [["a", "b"], ["c"]]),
        ({"a": Phase.RULES, "b": Phase.RULES, "c": Phase.RULES}, [["a"], ["b"], ["c"]]),
        ({"a": Phase.RULE_REMOVAL, "b": Phase.CONFIGURATION_REMOVAL, "c": Phase.CONFIGURATION_REMOVAL}, [["a"], ["b", "c"]]),
        ({"b": Phase.LICENSING_REMOVAL}, [["a", "c"], ["b"]]),
    ],
)
def test_what_may_share_a_round_trip(phases: Mapping[str, Phase], groups: list[list[str]]) -> None:
    """Rules never share one, neither with each other nor with the OME configuration that they name."""
    session = FakeSession(things(a="1", b="1", c="1"))
    converge(task(session), READS, wants(phases=phases, a="2", b="2", c="2"))
    assert [[call.parameters["Identity"] for call in group] for group in session.groups] == groups


def test_two_steps_for_one_object_follow_each_other() -> None:
    steps = [Step(Call("Set-Thing", {"Identity": "a", name: "1"}), (), Phase.SETTINGS) for name in ("X", "Y")]
    assert first_trip(steps) == ([steps[0]], [steps[1]])


@pytest.mark.parametrize("lost", ["lost_after", "lost_before"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_lost_answer_among_several_writes(clock: Clock, place: int, lost: str) -> None:
    faults: list[Any] = [None, None, None]
    faults[place] = lost
    session = FakeSession(things(a="1", b="1", c="1"), faults=faults)
    result = converge(task(session), READS, wants(a="2", b="2", c="2"))
    assert sorted(call.parameters["Identity"] for call in session.writes) == ["a", "b", "c"]
    assert len(result["commands"]) == 3


@pytest.mark.parametrize("done", ["lost_after", "lost_before"])
def test_a_refusal_beside_a_lost_answer_says_what_is_not_known(clock: Clock, done: str) -> None:
    session = FakeSession(things(a="1", b="1"), faults=[done, PermissionDeniedError("no", cmdlet="Set-Thing")])
    with pytest.raises(PermissionDeniedError) as caught:
        converge(task(session), READS, wants(a="2", b="2"))
    progress = caught.value.progress
    assert progress is not None
    seen = ["Set-Thing -Identity 'a' -Value '2'"] if done == "lost_after" else []
    assert (progress["commands"], progress["outcome_unknown"]) == (seen, [] if seen else ["Set-Thing -Identity 'a' -Value '2'"])
    assert progress["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'"]


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
    assert caught.value.progress is not None
    assert caught.value.progress["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert clock.now == pytest.approx(60, abs=3)


def test_a_refusal_says_what_was_done_and_what_was_not() -> None:
    """What travels with a refused step does not depend on it; what comes later does."""
    session = FakeSession(things(a="1", b="1", c="1", d="1"), faults=[None, PermissionDeniedError("no", cmdlet="Set-Thing")])
    with pytest.raises(PermissionDeniedError) as caught:
        converge(task(session), READS, wants(phases={"d": Phase.RULES}, a="2", b="2", c="2", d="2"))
    progress = caught.value.progress
    assert progress is not None
    assert progress["changed"] is True
    assert progress["commands"] == ["Set-Thing -Identity 'a' -Value '2'", "Set-Thing -Identity 'c' -Value '2'"]
    assert progress["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'", "Set-Thing -Identity 'd' -Value '2'"]
    assert progress["outcome_unknown"] == []


class UndoneSession(FakeSession):
    """Exchange stores a write and says that it failed. A read that travels with it shows it, and then somebody else takes it back."""

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        before = copy.deepcopy(self.objects)
        (first, *others) = super().invoke(calls, fresh=fresh)
        if calls[0].is_read:
            return [first, *others]
        self.objects = before
        return [Result(error=ServiceError("the service failed.", cmdlet=calls[0].cmdlet)), *others]


def test_a_refused_write_that_was_seen_for_a_moment_is_not_said_to_be_undone() -> None:
    session = UndoneSession(things(a="1"))
    with pytest.raises(OutcomeUnknownError, match="the change was stored, and is no longer visible") as caught:
        converge(task(session), READS, wants(a="2"))
    assert caught.value.progress is not None
    assert caught.value.progress["outcome_unknown"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert (caught.value.progress["changed"], caught.value.progress["not_applied"]) == (False, [])
    assert len(session.writes) == 1


def test_a_failed_read_is_an_error_and_nothing_is_written() -> None:
    session = FakeSession({})
    with pytest.raises(ExchangeError):
        converge(task(session), READS, wants(a="2"))
    assert session.writes == []


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
    assert clock.now >= LOST_TIMEOUT


@pytest.mark.parametrize(
    ("warning", "nothing"),
    [
        ("The command completed successfully but no settings of 'a' have been modified.", True),
        ("WARNING: The command completed successfully but no settings of 'x\ny' have been modified.", True),
        ("The rule 'The command completed successfully but no settings of 'b' have been modified.' is used elsewhere.", False),
        ("Mail of 'completed successfully but no settings of' is rejected.", False),
    ],
)
def test_only_exchanges_own_sentence_says_that_nothing_changed(warning: str, nothing: bool) -> None:
    """Whoever names a rule writes into warnings."""
    assert _converge._changed_nothing(warning) is nothing


def test_a_lost_answer_is_waited_for_where_reading_back_is_left_out(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_after"], lag=3)
    converge(task(session, verify_timeout=0), READS, wants(a="2"))
    assert len(session.writes) == 1


def test_writes_that_are_always_lost_end(clock: Clock) -> None:
    session = FakeSession(things(a="1"), faults=["lost_before"] * 50)
    with pytest.raises(ExchangeError):
        converge(task(session), READS, wants(a="2"))
    assert len(session.faults) > 40


def test_what_others_depend_on_is_planned_again() -> None:
    session = FakeSession(things(a="1", b="1"))

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][1]["Value"] = "2"

    session.between = somebody
    result = converge(task(session), READS, wants(replans=True, a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a"]
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]


@pytest.mark.parametrize("timeout", [0, 60])
def test_what_depends_on_an_ignored_write_is_not_silently_left_out(timeout: int) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["ignored"])
    with pytest.raises(VerificationError) as caught:
        converge(task(session, verify_timeout=timeout), READS, wants(replans=True, a="2", b="2"))
    assert caught.value.progress is not None
    assert caught.value.progress["not_applied"] == ["Set-Thing -Identity 'a' -Value '2'", "Set-Thing -Identity 'b' -Value '2'"]
    assert session.writes == []


def test_the_last_write_is_waited_for_as_long_as_verifying_allows() -> None:
    session = FakeSession(things(a="1"), lag=12)
    result = converge(task(session), READS, wants(replans=True, a="2"))
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]


def test_a_long_wait_is_said_from_time_to_time(clock: Clock) -> None:
    said: list[str] = []
    waiting = task(FakeSession(things(a="1"), lag=22))
    waiting.say = said.append
    converge(waiting, READS, wants(a="2"))
    assert clock.now >= 40
    assert [text.partition("yet.")[2] for text in said] == [" Waited 16 of 60 s.", " Waited 32 of 60 s."]
    assert all("value of 'a'" in text for text in said)


def test_what_others_depend_on_is_waited_for_as_long_as_verifying_allows() -> None:
    session = FakeSession(things(a="1", b="1"), lag=12)
    result = converge(task(session), READS, wants(replans=True, a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]
    assert len(result["commands"]) == 2


def test_a_read_that_is_behind_with_an_earlier_step_does_not_have_it_sent_again() -> None:
    """The step that is waited for is seen before the one that was done first."""
    session = FakeSession(things(a="1", b="1", c="1"))
    behind = [3]

    def planner(organization: Organization) -> Plan:
        plan = wants(a="2", b="2", c="2")(organization)
        steps = [replace(step, replans=ALWAYS if step.call.parameters["Identity"] == "b" else frozenset()) for step in plan.steps]
        if len(session.writes) == 2 and behind[0]:
            behind[0] -= 1
            steps = [Step(Call("Set-Thing", {"Identity": "a", "Value": "2"}), (Change("thing", "a", "value", "1", "2"),), 0), *steps]
        return replace(plan, steps=steps)

    converge(task(session), READS, planner)
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b", "c"]


def test_somebody_who_undoes_everything_ends_the_task(clock: Clock) -> None:
    session = FakeSession(things(a="1", b="1"))

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][len(session.writes) % 2]["Value"] = str(len(session.writes))

    session.between = somebody
    with pytest.raises(VerificationError):
        converge(task(session), READS, wants(replans=True, a="x", b="x"))
    assert len(session.writes) < 20


def test_a_difference_in_a_reused_read_is_confirmed_by_a_fresh_one() -> None:
    session = FakeSession(things(a="2"))
    session.old, session.reused = things(a="1"), True
    assert converge(task(session), READS, wants(a="2"))["changed"] is False
    assert (len(session.reads), session.writes) == (2, [])


def test_what_exchange_on_premises_does_not_have_is_refused_before_anything_is_planned() -> None:
    session = FakeSession(things(a="1"))

    def planner(organization: Organization) -> Plan:
        raise AssertionError

    with pytest.raises(OptionError, match=r"^mode, scope: available only in Exchange Online"):
        converge(task(session, on_premises=True), READS, planner, cloud_only=["mode", "scope"])
    assert (len(session.reads), session.writes) == (1, [])


@pytest.mark.parametrize(("on_premises", "cloud_only"), [(False, ["mode"]), (True, [])])
def test_what_every_exchange_has_is_refused_by_none(on_premises: bool, cloud_only: list[str]) -> None:
    session = FakeSession(things(a="1"))
    assert converge(task(session, on_premises=on_premises), READS, wants(a="2"), cloud_only=cloud_only)["changed"]


def test_warnings_of_cmdlets_reach_the_user() -> None:
    session = FakeSession(things(a="1"))
    session.warnings = ["Mind this."]
    done = task(session)
    converge(done, READS, wants(a="2"))
    assert done.warnings == ["Set-Thing: Mind this."]
