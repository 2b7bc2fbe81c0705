# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task reads while it writes: what its writes may have changed, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.round_trips import (
    RoundTrips,
    is_about_itself,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
    read,
)

READS = {name: SUBSETS[name] for name in ("transport_rules", "irm_configuration", "rms_templates")}
RULE, LICENSING, POLICY = "Set-TransportRule", "Set-IRMConfiguration", "Set-OwaMailboxPolicy"


class Recorder:
    """A session whose answers are numbers, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.fresh: list[bool] = []
        self._answers = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        self.calls.append([call.cmdlet for call in calls])
        self.fresh.append(fresh)
        return [Result(objects=[{"Answer": self._answer()}]) for _call in calls]

    def _answer(self) -> int:
        self._answers += 1
        return self._answers


def round_trips() -> tuple[RoundTrips, Recorder]:
    """Those of a task that has read 1, 2 and 3."""
    session = Recorder()
    seen = RoundTrips(session, READS, read(session, READS))
    session.calls.clear()
    session.fresh.clear()
    return seen, session


def steps(*cmdlets: str) -> list[Step]:
    return [Step(Call(cmdlet), (), Phase.SETTINGS) for cmdlet in cmdlets]


def shown(organization: Organization) -> list[int]:
    """The answers for rules, IRM configuration and templates."""
    return [organization.only(name)["Answer"] for name in READS]


def answers(results: Sequence[Result]) -> list[int]:
    return [result.objects[0]["Answer"] for result in results]


def test_steps_travel_alone_if_nothing_is_looked_at() -> None:
    seen, session = round_trips()
    results, reads = seen.send(steps(RULE, LICENSING), read_backs=0)
    assert (session.calls, session.fresh) == ([[RULE, LICENSING]], [True])
    assert (answers(results), reads) == ([4, 5], [])


def test_what_steps_may_change_travels_with_them_as_often_as_asked() -> None:
    seen, session = round_trips()
    results, reads = seen.send(steps(LICENSING, LICENSING), read_backs=2)
    about = ["Get-IRMConfiguration", "Get-RMSTemplate"]
    assert (session.calls, session.fresh) == ([[LICENSING, LICENSING, *about, *about]], [True])
    assert answers(results) == [4, 5]
    # The rules are as they were read before.
    assert list(map(shown, reads)) == [[1, 6, 7], [1, 8, 9]]


def test_a_look_that_travelled_may_be_old_and_is_not_kept() -> None:
    seen, _session = round_trips()
    seen.send(steps(RULE), read_backs=1)
    assert shown(seen.organization) == [1, 2, 3]


def test_a_look_afterwards_reads_what_any_write_may_have_changed() -> None:
    seen, session = round_trips()
    seen.send(steps(RULE), read_backs=0)
    seen.send(steps(LICENSING), read_backs=0)
    assert shown(seen.read()) == [6, 7, 8]
    assert (session.calls[-1], session.fresh[-1]) == ([call.cmdlet for call in READS.values()], True)


def test_a_look_is_kept_for_what_is_not_read_again() -> None:
    seen, session = round_trips()
    seen.send(steps(RULE), read_backs=0)
    assert shown(seen.read()) == [5, 2, 3]
    assert shown(seen.organization) == [5, 2, 3]
    assert shown(seen.read()) == [6, 2, 3]
    assert session.calls[1:] == [["Get-TransportRule"]] * 2


@pytest.mark.parametrize("written", [[], [POLICY]])
def test_everything_is_read_where_no_write_is_known_to_change_any_of_it(written: list[str]) -> None:
    seen, session = round_trips()
    if written:
        seen.send(steps(*written), read_backs=0)
    seen.read()
    assert session.calls[-1] == [call.cmdlet for call in READS.values()]


@pytest.mark.parametrize(
    ("cmdlet", "itself"),
    [
        (RULE, True),
        ("Remove-TransportRule", True),
        (POLICY, True),
        (LICENSING, False),
        ("Set-OMEConfiguration", False),
        ("Set-Thing", False),
    ],
)
def test_what_a_read_of_a_steps_own_object_shows(cmdlet: str, itself: bool) -> None:
    """All that it may change, or less."""
    (step,) = steps(cmdlet)
    assert is_about_itself(step) is itself
