# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: what is read, planned and written when everything goes well."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import converge as _converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import (
    converge,
    converge_organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import (
    Phase,
    Plan,
    Step,
    first_trip,
    warning,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    OptionError,
    ProtocolError,
    VerificationError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import READS, things, wants


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


@pytest.mark.parametrize(
    ("phases", "groups"),
    [
        ({}, [["a", "b", "c"]]),
        ({"b": Phase.POLICIES, "c": Phase.CONFIGURATIONS}, [["a", "c", "b"]]),
        ({"c": Phase.RULES}, [["a", "b"], ["c"]]),
        ({"a": Phase.RULES, "b": Phase.RULES, "c": Phase.RULES}, [["a"], ["b"], ["c"]]),
        (
            {"a": Phase.RULE_REMOVAL, "b": Phase.CONFIGURATION_REMOVAL, "c": Phase.CONFIGURATION_REMOVAL},
            [["a"], ["b", "c"]],
        ),
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


def test_a_failed_read_is_an_error_and_nothing_is_written() -> None:
    session = FakeSession({})
    with pytest.raises(ExchangeError, match="Get-Thing: no such object"):
        converge(task(session), READS, wants(a="2"))
    assert session.writes == []


@pytest.mark.parametrize(
    ("warning", "nothing"),
    [
        ("The command completed successfully but no settings of 'a' have been modified.", True),
        ("WARNING: The command completed successfully but no settings of 'x\ny' have been modified.", True),
        ("  The command completed successfully but no settings of 'a' have been modified. \n", True),
        (
            "The rule 'The command completed successfully but no settings of 'b' have been modified.' is used elsewhere.",
            False,
        ),
        ("Mail of 'completed successfully but no settings of' is rejected.", False),
    ],
)
def test_only_exchanges_own_sentence_says_that_nothing_changed(warning: str, nothing: bool) -> None:
    """Whoever names a rule writes into warnings."""
    assert _converge._changed_nothing(warning) is nothing


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


def test_what_exchange_says_that_it_did_not_change_is_not_said_to_be_changed() -> None:
    """Somebody else wrote the value after it was read."""
    session = FakeSession(things(a="1"))
    session.warnings = ["The command completed successfully but no settings of 'a' have been modified.", "Mind this."]
    result = converge(task(session), READS, wants(a="2"))
    assert (result["changed"], result["commands"], result["after"]) == (False, [], {"a": "2"})


def test_warnings_and_places_of_a_plan_are_added_to_those_of_the_task() -> None:
    done = task(FakeSession(things(a="1")))
    done.warnings, done.places = ["before"], {"x": "first"}
    converge(
        done,
        READS,
        lambda organization: replace(
            wants(a="1")(organization), warnings=[warning("x", "planned")], places={"y": "last"}
        ),
    )
    assert (done.warnings, done.places) == (["before", "planned"], {"x": "first", "y": "last"})


@pytest.mark.parametrize(
    ("value", "options", "seen"),
    [("1", {}, "1"), ("2", {"check_mode": True}, "1"), ("2", {}, "2"), ("2", {"verify_timeout": 0}, None)],
)
def test_the_organization_as_it_was_read_after_the_last_write(
    value: str, options: dict[str, Any], seen: str | None
) -> None:
    done = converge_organization(task(FakeSession(things(a="1")), **options), READS, wants(a=value), fresh=False)
    assert (done.organization.only("Thing")["Value"] if done.organization else None) == seen


def test_the_state_afterwards_is_what_exchange_shows() -> None:
    session = FakeSession(things(a="1", b="1"))

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][1]["Value"] = "9"

    session.between = somebody
    result = converge(task(session), READS, wants(a="2"))
    assert (result["before"], result["after"]) == ({"a": "1", "b": "1"}, {"a": "2", "b": "9"})
    # Where reading back is left out, it is what was planned.
    assert converge(task(session, verify_timeout=0), READS, wants(a="3"))["after"] == {"a": "3", "b": "9"}


@pytest.mark.parametrize(
    ("wanted", "options", "reads"), [("1", {}, 1), ("2", {"check_mode": True}, 1), ("2", {"verify_timeout": 0}, 2)]
)
def test_a_reused_read_is_confirmed_only_before_a_write(wanted: str, options: dict[str, Any], reads: int) -> None:
    session = FakeSession(things(a="1"))
    session.old, session.reused = things(a="1"), True
    assert converge(task(session, **options), READS, wants(a=wanted))["changed"] is (wanted == "2")
    assert len(session.reads) == reads


def test_a_task_may_insist_on_a_fresh_read() -> None:
    session = FakeSession(things(a="2"))
    session.old, session.reused = things(a="1"), True
    assert converge(task(session), READS, wants(a="2"), fresh=True)["before"] == {"a": "2"}
    assert len(session.reads) == 1


def test_what_others_changed_meanwhile_is_told(clock: Clock) -> None:
    def others(before: Organization, after: Organization, steps: Sequence[Step]) -> list[str]:
        values = [organization.objects("Thing")[1]["Value"] for organization in (before, after)]
        return [f"b was {values[0]} and is {values[1]} after {len(steps)} steps"]

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][1]["Value"] = "9"

    def planner(organization: Organization) -> Plan:
        return replace(wants(a="2")(organization), concurrent_changes=others)

    for fault in (None, "ignored"):
        session = FakeSession(things(a="1", b="1"), faults=[fault])
        session.between = somebody
        done = task(session)
        done.warnings = ["before"]
        with contextlib.nullcontext() if fault is None else pytest.raises(VerificationError):
            converge(done, READS, planner)
        assert done.warnings == ["before", "b was 1 and is 9 after 1 steps"]


def test_a_defect_after_a_write_says_what_was_written() -> None:
    session = FakeSession(things(a="1"))

    def planner(organization: Organization) -> Plan:
        if session.writes:
            raise KeyError("secret")
        return wants(a="2")(organization)

    with pytest.raises(ProtocolError, match="this is a bug") as caught:
        converge(task(session), READS, planner)
    assert caught.value.result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert "secret" not in str(caught.value)
