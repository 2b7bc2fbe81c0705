# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to do of a plan by a read, and by what travelled with a write."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.remaining_work import RemainingWork
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.round_trips import RoundTrips
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import PermissionDeniedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read

from tests.unit.engine.things import READS, things, wants
from tests.unit.fake_session import FakeSession


def organization(**values: str) -> Organization:
    return Organization(READS, {"Thing": Result(objects=things(**values)["Thing"])})


UNREADABLE = Organization(READS, {"Thing": Result(error=PermissionDeniedError("not granted."))})


def remaining(*, is_visible: bool = True, **values: str) -> RemainingWork:
    """Two things are to be new, and both are old."""
    session = FakeSession(things(one="old", other="old", **values))
    planner = wants(one="new", other="new", is_visible=is_visible)
    first = read(session, READS, fresh=True)
    return RemainingWork(planner, planner(first), RoundTrips(session, READS, first))


def targets(steps: Any) -> list[str]:
    return [step.call.parameters["Identity"] for step in steps]


def test_what_a_read_shows_is_done() -> None:
    assert targets(remaining().plan(organization(one="new", other="old")).steps) == ["other"]


def test_what_no_read_shows_is_done_once_it_was_accepted() -> None:
    work = remaining(is_visible=False)
    plan = work.plan(organization(one="old", other="old"))
    assert targets(plan.steps) == ["one", "other"]
    work.accept(plan.steps[0])
    assert targets(work.plan(organization(one="old", other="old")).steps) == ["other"]


def test_what_travelled_with_a_write_comes_first_and_counts_once() -> None:
    work = remaining()
    travelled = [organization(one="new", other="new")]
    reads = [work.next_read(travelled), work.next_read(travelled)]
    assert [(read_back.is_fresh, read_back.shows_all) for read_back in reads] == [(False, True), (True, False)]


def test_what_travelled_and_cannot_be_read_is_no_basis_for_a_plan() -> None:
    work = remaining()
    read_back = work.next_read([UNREADABLE])
    assert (read_back.plan, read_back.shows_all) == (None, False)
    work.travelled_reads = [UNREADABLE, organization(one="new", other="old")]
    assert [targets(plan.steps) for plan in work.plans_by_travelled()] == [["other"]]
    assert work.plans_by_travelled() == []
