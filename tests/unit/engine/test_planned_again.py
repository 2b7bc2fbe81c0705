# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that later ones depend on: the organization is read and planned again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import (
    Change,
    Impact,
    Phase,
    Plan,
    Step,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    VerificationError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.clock import Clock
from tests.unit.fake_session import FakeSession, task

from .things import ALWAYS, READS, Alternating, things, wants


def test_what_others_depend_on_is_planned_again() -> None:
    session = FakeSession(things(a="1", b="1"))

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][1]["Value"] = "2"

    session.between = somebody
    result = converge(task(session), READS, wants(replans=ALWAYS, a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a"]
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]


@pytest.mark.parametrize("timeout", [0, 60])
def test_what_depends_on_an_ignored_write_is_not_silently_left_out(timeout: int) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["ignored"])
    with pytest.raises(VerificationError) as caught:
        converge(task(session, verify_timeout=timeout), READS, wants(replans=ALWAYS, a="2", b="2"))
    assert caught.value.result["not_applied"] == [
        "Set-Thing -Identity 'a' -Value '2'",
        "Set-Thing -Identity 'b' -Value '2'",
    ]
    assert session.writes == []


def test_what_others_depend_on_is_waited_for_as_long_as_verifying_allows() -> None:
    session = FakeSession(things(a="1", b="1"), lag=12)
    result = converge(task(session), READS, wants(replans=ALWAYS, a="2", b="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]
    assert len(result["commands"]) == 2


def test_a_read_that_is_behind_with_an_earlier_step_does_not_have_it_sent_again() -> None:
    """The step that is waited for is seen before the one that was done first."""
    session = FakeSession(things(a="1", b="1", c="1"))
    behind = [3]

    def planner(organization: Organization) -> Plan:
        plan = wants(a="2", b="2", c="2")(organization)
        steps = [
            replace(step, replans=ALWAYS if step.call.parameters["Identity"] == "b" else frozenset())
            for step in plan.steps
        ]
        if len(session.writes) == 2 and behind[0]:
            behind[0] -= 1
            steps = [
                Step(Call("Set-Thing", {"Identity": "a", "Value": "2"}), (Change("thing", "a", "value", "1", "2"),), 0),
                *steps,
            ]
        return replace(plan, steps=steps)

    converge(task(session), READS, planner)
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b", "c"]


def test_somebody_who_undoes_every_move_ends_the_task(clock: Clock) -> None:
    """The number of a place is relative, so a rule may have to move again."""
    session = FakeSession(things(a="1", b="1"))

    def somebody(session: FakeSession) -> None:
        session.objects["Thing"][len(session.writes) % 2]["Value"] = str(len(session.writes))

    session.between = somebody
    moves = dict.fromkeys("ab", Phase.RULE_ORDER)
    with pytest.raises(VerificationError, match="changes as fast as this task writes") as caught:
        converge(task(session), READS, wants(replans=ALWAYS, phases=moves, a="x", b="x"))
    # Twice for each of two steps, three more, and the one that is too much.
    assert len(session.writes) == 8
    assert "Another administrator" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("b", "9", "value of 'b' is '9', not '2'"),  # what is planned, from another value
        ("c", "9", "value of 'c' is '9', not '1'"),  # what was as wanted
    ],
)
def test_what_somebody_else_changed_meanwhile_is_not_taken_back(
    clock: Clock, name: str, value: str, shown: str
) -> None:
    session = FakeSession(things(a="1", b="1", c="1"))
    session.between = lambda session: session.objects["Thing"]["abc".index(name)].update(Value=value)
    with pytest.raises(VerificationError, match="Somebody else changed something while this task wrote") as caught:
        converge(task(session), READS, wants(replans=ALWAYS, phases={"b": Phase.RULES}, a="2", b="2", c="1"))
    assert shown in caught.value.message
    assert "Run it again" in caught.value.remedy
    assert [call.parameters["Identity"] for call in session.writes] == ["a"]
    result = caught.value.result
    assert result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert result["not_applied"] == ["Set-Thing -Identity 'b' -Value '2'"]


def test_a_replica_that_is_far_behind_is_waited_for_and_nothing_of_it_is_written() -> None:
    """It shows what was there before the task began, which would be somebody else's change."""
    session = Alternating(things(a="1", b="1", c="1"))
    session.shows = [False, True]
    session.between = lambda session: setattr(session, "old", things(a="2", b="1", c="0"))
    result = converge(task(session), READS, wants(replans=ALWAYS, phases={"b": Phase.RULES}, a="2", b="2", c="1"))
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]
    assert len(result["commands"]) == 2


def test_what_was_written_and_then_undone_is_not_written_again(clock: Clock) -> None:
    """Also not when the plan is made again after a later step."""
    session = FakeSession(things(a="1", b="1", c="1"))
    phases = {"b": Phase.RULES, "c": Phase.RULE_STATE}

    def somebody(session: FakeSession) -> None:
        if len(session.writes) == 2:
            session.objects["Thing"][0]["Value"] = "1"

    session.between = somebody
    with pytest.raises(VerificationError, match="value of 'a' is '1', not '2'"):
        converge(
            task(session),
            READS,
            wants(replans=frozenset({Phase.RULES, Phase.RULE_STATE}), phases=phases, a="2", b="2", c="2"),
        )
    assert [call.parameters["Identity"] for call in session.writes] == ["a", "b"]


@pytest.mark.parametrize(
    ("noun", "replans", "trips", "reads"),
    [
        # A rule's write changes nothing but rules, so a read that travels with it may show all of it.
        ("TransportRule", ALWAYS, 3, 1 + 1 + 2),
        ("TransportRule", frozenset(), 3, 1 + 0 + 2),
        ("Thing", ALWAYS, 4, 1 + 1 + 2),
    ],
)
def test_a_look_travels_with_what_others_depend_on_where_it_can_show_all_of_it(
    noun: str, replans: frozenset[Phase], trips: int, reads: int
) -> None:
    session = FakeSession(things(noun, a="1", b="1"))
    names = {"nouns": dict.fromkeys("ab", noun), "phases": dict.fromkeys("ab", Phase.RULES)}
    result = converge(task(session), {noun: Call(f"Get-{noun}")}, wants(replans=replans, **names, a="2", b="2"))
    assert (len(result["commands"]), session.trips, len(session.reads)) == (2, trips, reads)


def test_no_look_travels_where_one_of_several_writes_changes_more_than_itself() -> None:
    nouns = {"a": "OwaMailboxPolicy", "b": "OMEConfiguration", "c": "TransportRule"}
    session = FakeSession({noun: things(noun, **{name: "1"})[noun] for name, noun in nouns.items()})
    reads = {noun: Call(f"Get-{noun}") for noun in nouns.values()}
    converge(
        task(session),
        reads,
        wants(replans=frozenset({Phase.RULES}), nouns=nouns, phases={"c": Phase.RULES}, a="2", b="2", c="2"),
    )
    assert [[call.cmdlet for call in group] for group in session.groups] == [
        ["Set-OwaMailboxPolicy", "Set-OMEConfiguration"],
        ["Set-TransportRule"],
    ]
    # Before; after the first two; and two with the last.
    assert len(session.reads) == 1 + 1 + 2


@pytest.mark.parametrize(("timeout", "waited"), [(0, 60), (60, 60)])
def test_what_others_depend_on_is_waited_for_and_then_told(clock: Clock, timeout: int, waited: int) -> None:
    session = FakeSession(things(a="1", b="1"), faults=["ignored"])
    with pytest.raises(VerificationError, match=f"after {waited} seconds: value of 'a' is '1', not '2'"):
        converge(task(session, verify_timeout=timeout), READS, wants(replans=ALWAYS, a="2", b="2"))
    assert clock.now == pytest.approx(waited, abs=1)


def test_what_others_depend_on_is_waited_for_no_longer_than_what_was_lost_with_it(clock: Clock) -> None:
    session = FakeSession(things(a="1", b="1", c="1"), faults=["ignored", "lost_after"])
    with pytest.raises(VerificationError, match="after 60 seconds: value of 'a' is '1', not '2'"):
        converge(
            task(session),
            READS,
            wants(replans=frozenset({Phase.RULES}), phases={"c": Phase.RULES}, a="2", b="2", c="2"),
        )
    assert [call.parameters["Identity"] for call in session.writes] == ["b"]


def test_a_step_that_nothing_left_depends_on_is_not_waited_for_before_the_others(clock: Clock) -> None:
    """It is verified at the end."""
    session = FakeSession(things(a="1", b="1", c="1"), faults=["ignored", "lost_after"])
    with pytest.raises(VerificationError, match="value of 'a' is '1', not '2'"):
        converge(task(session), READS, wants(phases={"c": Phase.RULES}, a="2", b="2", c="2"))
    assert [call.parameters["Identity"] for call in session.writes] == ["b", "c"]


def test_a_step_whose_impact_is_another_one_by_now_is_still_the_same() -> None:
    """To disable a rule takes nothing away once it does not encrypt."""
    session = FakeSession(things(a="1", b="1"), faults=["ignored"])

    def planner(organization: Organization) -> Plan:
        plan = wants(replans=ALWAYS, a="2", b="2")(organization)
        impact = Impact.WIDENS if session.groups else Impact.IN_CLEAR
        return replace(
            plan,
            steps=[
                replace(step, changes=tuple(replace(change, impact=impact) for change in step.changes))
                for step in plan.steps
            ],
        )

    with pytest.raises(VerificationError, match="value of 'a' is '1', not '2'"):
        converge(task(session), READS, planner)
    assert session.writes == []


def test_the_last_write_counts_although_it_is_not_seen() -> None:
    """Only what is left may depend on it, and nothing is."""
    with pytest.raises(VerificationError) as caught:
        converge(task(FakeSession(things(a="1"), faults=["ignored"])), READS, wants(replans=ALWAYS, a="2"))
    assert caught.value.result["commands"] == ["Set-Thing -Identity 'a' -Value '2'"]
    assert caught.value.result["not_applied"] == []
