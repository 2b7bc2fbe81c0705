# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes that Exchange refused: what they stored all the same, and what the error says."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.remaining_work import Planner
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AlreadyExistsError,
    CmdletNotAvailableError,
    ExchangeError,
    InvalidValueError,
    NotFoundError,
    NotSentError,
    OptionError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import ALWAYS, READS, Alternating, things, wants


def test_a_refusal_says_what_was_done_and_what_was_not() -> None:
    """What travels with a refused step does not depend on it; what comes later does."""
    session = FakeSession(
        things(a="1", b="1", c="1", d="1"), faults=[None, PermissionDeniedError("no", cmdlet="Set-Thing")]
    )
    with pytest.raises(PermissionDeniedError) as caught:
        converge(task(session), READS, wants(phases={"d": Phase.RULES}, a="2", b="2", c="2", d="2"))
    result = caught.value.result
    assert result["changed"] is True
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'", "Set-Thing -Identity 'c' -Value '2'"]
    assert result["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'", "Set-Thing -Identity 'd' -Value '2'"]
    assert result["outcome_unknown"] == []


class UndoneSession(FakeSession):
    """Exchange stores a write and says that it failed. A read that travels with it shows it, and then somebody else
    takes it back.
    """

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        before = copy.deepcopy(self.objects)
        (first, *others) = super().invoke(calls, fresh=fresh)
        if calls[0].is_read:
            return [first, *others]
        self.objects = before
        return [Result(error=ServiceError("the service failed.", cmdlet=calls[0].cmdlet)), *others]


def test_a_refused_write_that_was_seen_for_a_moment_is_not_said_to_be_undone() -> None:
    session = UndoneSession(things(a="1"))
    with pytest.raises(OutcomeUnknownError, match="the change was stored, and not every read shows it") as caught:
        converge(task(session), READS, wants(a="2"))
    assert caught.value.result["outcome_unknown"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert (caught.value.result["changed"], caught.value.result["not_applied"]) == (False, [])
    assert len(session.writes) == 1


class Behind(FakeSession):
    """Exchange stores a write and answers with an error. Reads are behind.

    :param lag: for how many reads.
    """

    def __init__(self, objects: dict[str, list[dict[str, Any]]], error: ExchangeError, lag: int) -> None:
        super().__init__(objects, lag=lag)
        self._error = error

    def _write(self, call: Call) -> Result:
        super()._write(call)
        return Result(error=self._error)


def refused(session: FakeSession, planner: Planner | None = None) -> ExchangeError:
    """The error of a task that fails."""
    with pytest.raises(ExchangeError) as caught:
        converge(task(session), READS, planner or wants(a="2"))
    return caught.value


def progress(error: ExchangeError) -> tuple[list[str], list[str], list[str]]:
    """The things whose steps were applied, were not, and may have been."""
    lists = (error.result[key] for key in ("commands", "not_applied", "outcome_unknown"))
    applied, pending, unknown = ([command.split("'")[1] for command in commands] for commands in lists)
    return applied, pending, unknown


@pytest.mark.parametrize(
    "error",
    [
        OptionError("no"),
        NotSentError("no"),
        UnreachableError("no"),
        ThrottledError("no"),
        AlreadyExistsError("no"),
        NotFoundError("no"),
        PermissionDeniedError("no"),
        CmdletNotAvailableError("no"),
        InvalidValueError("no"),
    ],
)
def test_a_clear_refusal_is_told_at_once(clock: Clock, error: ExchangeError) -> None:
    session = FakeSession(things(a="1"), faults=[error])
    assert refused(session) is error
    assert progress(error) == ([], ["a"], [])
    assert (session.trips, clock.now) == (2, 0)


@pytest.mark.parametrize("lag", [0, 5, 1000])
@pytest.mark.parametrize(
    "error",
    [
        ExchangeError("no"),
        ServiceError("no"),
        ProtocolError("no"),
        OutcomeUnknownError("it is unknown (no).", reason="no", again=False),
    ],
)
def test_the_outcome_behind_any_other_error_is_read_for_the_whole_wait(
    clock: Clock, error: ExchangeError, lag: int
) -> None:
    """A read that is behind says nothing, and what the wait does not show remains unknown."""
    session = Behind(things(a="1"), error, lag)
    done = task(session)
    if lag < 30:
        assert converge(done, READS, wants(a="2"))["changed"]
        assert done.warnings == ["Set-Thing: Exchange returned an error but shows the change: no"]
    else:
        error = refused(session)
        assert isinstance(error, OutcomeUnknownError)
        assert error.message == "no; read back for 60 seconds: not stored."
        assert progress(error) == ([], [], ["a"])
        assert clock.now == pytest.approx(60, abs=2)
    assert len(session.writes) == 1


def test_an_error_that_is_no_clear_refusal_is_not_answered_with_another_try(clock: Clock) -> None:
    """Nothing was stored, but no answer says so."""
    session = FakeSession(things(a="1"), faults=[ServiceError("no")])
    error = refused(session)
    assert error.message == "no; read back for 60 seconds: not stored."
    assert (progress(error), session.groups) == (
        ([], [], ["a"]),
        [[Call("Set-Thing", {"Identity": "a", "Value": "2"})]],
    )


@pytest.mark.parametrize(
    "error", [AlreadyExistsError("no"), NotFoundError("no"), InvalidValueError("no"), ServiceError("no")]
)
def test_any_error_after_a_lost_try_may_be_about_that_try(clock: Clock, error: ExchangeError) -> None:
    """The first try is carried out late, after it was given up."""
    found = refused(FakeSession(things(a="1"), faults=["lost_before", error]))
    assert isinstance(found, OutcomeUnknownError)
    assert found.message == "no; read back for 60 seconds: not stored."
    assert progress(found) == ([], [], ["a"])


def test_what_to_do_about_a_refusal_is_said_by_the_error_and_by_the_step() -> None:
    def planner(organization: Organization) -> Plan:
        plan = wants(a="2")(organization)
        return replace(plan, steps=[replace(step, remedy="Ask.") for step in plan.steps])

    assert (
        refused(FakeSession(things(a="1"), faults=[PermissionDeniedError("no", remedy="Wait.")]), planner).remedy
        == "Wait. Ask."
    )
    assert refused(FakeSession(things(a="1"), faults=[PermissionDeniedError("no")]), planner).remedy == "Ask."
    assert refused(FakeSession(things(a="1"), faults=[PermissionDeniedError("no", remedy="Wait.")])).remedy == "Wait."


def test_the_first_of_several_refusals_is_told() -> None:
    faults = [PermissionDeniedError("first"), OptionError("second")]
    error = refused(FakeSession(things(a="1", b="1", c="1"), faults=faults), wants(a="2", b="2", c="2"))
    assert error.message == "first"
    assert progress(error) == (["c"], ["a", "b"], [])


@pytest.mark.parametrize("replans", [frozenset(), ALWAYS])
def test_a_write_that_was_stored_although_it_was_refused_counts(replans: frozenset[Phase]) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["refused_after"])
    done = task(session)
    done.warnings = ["before"]
    result = converge(done, READS, wants(replans=replans, phases={"b": Phase.RULES}, a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]
    assert (len(result["commands"]), result["after"]) == (2, {"a": "2", "b": "2"})
    assert done.warnings == [
        "before",
        "Set-Thing: Exchange returned an error but shows the change: the service failed.",
    ]


def test_one_of_two_reads_is_enough_to_show_that_a_write_was_stored() -> None:
    """Replicas answer in turn, and one of them is behind."""
    session = FakeSession(things(a="1"), faults=["refused_after"], lag=3)
    done = task(session)
    assert converge(done, READS, wants(a="2"))["changed"]
    assert (len(session.writes), len(done.warnings)) == (1, 1)


@pytest.mark.parametrize("faults", [["refused_after"], ["refused_after", None], ["refused_after", "lost_after"]])
def test_a_write_that_only_the_first_of_two_reads_shows_is_not_sent_again(faults: list[Any]) -> None:
    """The second read is of a replica that is behind, also with what travelled with the write. To create a rule again
    would make two of them.
    """
    wishes = dict.fromkeys("ab"[: len(faults)], "2")
    session = Alternating(things(**dict.fromkeys(wishes, "1")), faults=faults)
    session.shows = [False, False, True, False]
    assert len(converge(task(session), READS, wants(**wishes))["commands"]) == len(wishes)
    assert [call.parameters["Identity"] for call in session.writes] == list(wishes)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (["refused_after", PermissionDeniedError("no")], (["a"], ["b"], [])),
        ([PermissionDeniedError("no"), "refused_after"], (["b"], ["a"], [])),
        ([OptionError("no"), "refused_after"], (["b"], ["a"], [])),
    ],
)
def test_a_refusal_beside_one_that_was_stored(faults: list[Any], expected: Any) -> None:
    error = refused(FakeSession(things(a="1", b="1"), faults=faults), wants(a="2", b="2"))
    assert (error.message, progress(error)) == ("no", expected)


class PartialSession(FakeSession):
    """Exchange stores the first of the properties that a write sets."""

    def _carry_out(self, call: Call) -> None:
        identity, value, *_others = call.parameters.items()
        super()._carry_out(Call(call.cmdlet, dict([identity, value])))


def both(organization: Organization) -> Plan:
    """A planner that wants the value of a thing, and its color."""
    (row,) = organization.objects("Thing")
    missing = [(name, wish) for name, wish in (("Value", "2"), ("Color", "red")) if row[name] != wish]
    changes = tuple(Change("thing", "a", name.lower(), row[name], wish) for name, wish in missing)
    steps = [Step(Call("Set-Thing", {"Identity": "a", **dict(missing)}), changes, Phase.SETTINGS)] if missing else []
    return Plan(before=row, after=row, steps=steps)


def test_a_refused_write_that_was_stored_in_part() -> None:
    session = PartialSession({"Thing": [{"Identity": "a", "Value": "1", "Color": "blue"}]}, faults=["refused_after"])
    error = refused(session, both)
    assert isinstance(error, OutcomeUnknownError)
    assert error.message == "the service failed; a part of the change is stored: value of 'a'."
    assert error.remedy == "Wait. The next run reads the organization first and applies what is missing."
    assert (error.cmdlet, error.error_id) == ("Set-Thing", "Busy")
    assert progress(error) == ([], [], ["a"])


def test_a_refused_write_that_cannot_be_looked_for() -> None:
    class Blind(FakeSession):
        def _look(self, calls: Sequence[Call], *, fresh: bool) -> list[Result]:
            return (
                [Result(error=ServiceError("cannot read.")) for _call in calls]
                if self.groups
                else super()._look(calls, fresh=fresh)
            )

    error = refused(Blind(things(a="1"), faults=[ServiceError("no.")]))
    assert isinstance(error, OutcomeUnknownError)
    assert error.message == "no; it is unknown whether the change is stored, because the read failed: cannot read."
    assert error.remedy.startswith("The next run")
    assert progress(error) == ([], [], ["a"])


def test_a_defect_while_a_refused_write_is_looked_for() -> None:
    session = FakeSession(things(a="1"), faults=[ServiceError("no")])

    def planner(organization: Organization) -> Plan:
        if session.groups:
            raise KeyError("secret")
        return wants(a="2")(organization)

    error = refused(session, planner)
    assert isinstance(error, OutcomeUnknownError)
    assert "because the read failed: Unexpected error (KeyError" in error.message
    assert "secret" not in str(error)


def test_a_refused_write_that_no_read_shows() -> None:
    session = FakeSession(things(a="1"), faults=[ServiceError("no")])
    error = refused(session, wants(is_visible=False, a="2"))
    assert isinstance(error, OutcomeUnknownError)
    assert "because Exchange does not show the properties that it changes" in error.message
    assert (progress(error), session.trips) == (([], [], ["a"]), 2)
    # One that was certainly not carried out needs no look.
    error = refused(FakeSession(things(a="1"), faults=[ThrottledError("no")]), wants(is_visible=False, a="2"))
    assert (error.message, progress(error)) == ("no", ([], ["a"], []))


def test_what_is_known_of_an_unknown_outcome_travels_to_the_task() -> None:
    error = OutcomeUnknownError("it is unknown (lost).", cmdlet="New-Thing", reason="lost.", again=False)
    found = ExchangeError.from_wire(error.to_wire())
    assert isinstance(found, OutcomeUnknownError)
    assert (found.reason, found.again) == ("lost.", False)
    assert OutcomeUnknownError("lost.").again
