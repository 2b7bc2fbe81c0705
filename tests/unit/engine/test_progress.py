# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says that it has written."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.progress import Progress, listed
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call


def step(name: str, remedy: str = "") -> Step:
    """A step for the thing of that name. Another remedy makes another step of the same call, as another plan does."""
    changes = (
        Change("thing", name, "value", "1", "2"),
        Change("thing", name, "switch", True, False, Impact.TAKES_AWAY),
    )
    return Step(Call("Set-Thing", {"Identity": name}), changes, Phase.SETTINGS, remedy=remedy)


A, B, C = map(step, "abc")


def test_a_success_counts_unless_it_changed_nothing() -> None:
    progress = Progress()
    progress.succeed(A, changed_nothing=False)
    progress.succeed(B, changed_nothing=True)
    assert (progress.applied, progress.unknown) == ([A], [])


def test_a_second_try_that_changed_nothing_shows_that_the_lost_one_did_it() -> None:
    progress = Progress()
    progress.lose(A)
    progress.lose(B)
    assert (progress.applied, progress.unknown) == ([], [A, B])
    again = step("a", remedy="Try again.")
    progress.succeed(again, changed_nothing=True)
    assert (progress.applied, progress.unknown) == ([again], [B])


def test_a_step_that_is_lost_twice_is_one() -> None:
    progress = Progress()
    again = step("a", remedy="Try again.")
    progress.lose(A)
    progress.lose(again)
    assert progress.unknown == [again]


def test_a_lost_step_that_is_found_counts() -> None:
    progress = Progress()
    progress.lose(A)
    progress.lose(B)
    progress.record_stored(B)
    assert (progress.applied, progress.unknown) == ([B], [A])


def test_what_a_failed_task_returns() -> None:
    whole = Progress(applied=[A], pending=[B], unknown=[C]).result()
    assert whole == {
        "changed": True,
        "changes": listed(A.changes),
        "commands": ["Set-Thing -Identity 'a'"],
        "not_applied": ["Set-Thing -Identity 'b'"],
        "outcome_unknown": ["Set-Thing -Identity 'c'"],
    }
    assert Progress().result() == {
        "changed": False,
        "changes": [],
        "commands": [],
        "not_applied": [],
        "outcome_unknown": [],
    }


def test_changes_are_plain_values() -> None:
    one = {"resource": "thing", "identity": "a", "option": "value", "before": "1", "after": "2", "impact": ""}
    other = {**one, "option": "switch", "before": True, "after": False, "impact": "takes away"}
    changes = listed(A.changes)
    assert changes == [one, other]
    assert {type(change["impact"]) for change in changes} == {str}
