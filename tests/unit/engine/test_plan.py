# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that are joined, and steps after which everything is planned anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import (
    Phase,
    Plan,
    PlanWarning,
    Step,
    warning,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from hypothesis import given
from hypothesis import strategies as st


def step(phase: Phase, *replans: Phase, name: str = "") -> Step:
    return Step(Call("Set-IRMConfiguration", {"Identity": name}), (), phase, frozenset(replans))


@pytest.mark.parametrize(
    ("replans", "later", "again"),
    [
        ((), (), False),
        ((), (Phase.RULES,), False),
        ((Phase.RULES,), (), False),
        ((Phase.RULES,), (Phase.SETTINGS, Phase.RULES), True),
        ((Phase.RULES,), (Phase.RULE_ORDER,), False),
        # On its own outcome it depends also where nothing is left to do.
        ((Phase.SETTINGS,), (), True),
        ((Phase.SETTINGS, Phase.RULES), (Phase.RULE_ORDER,), True),
    ],
)
def test_when_everything_is_planned_anew(replans: tuple[Phase, ...], later: tuple[Phase, ...], again: bool) -> None:
    assert step(Phase.SETTINGS, *replans).needs_replanning(map(step, later)) is again


@given(st.lists(st.lists(st.sampled_from(Phase), max_size=4), max_size=4))
def test_joined_plans_are_in_the_order_of_work_and_else_in_their_own(phases: list[list[Phase]]) -> None:
    plans = {
        str(key): Plan(steps=[step(phase, name=f"{key}.{place}") for place, phase in enumerate(row)])
        for key, row in enumerate(phases)
    }
    joined = Plan.join(plans).steps
    assert joined == sorted((one for plan in plans.values() for one in plan.steps), key=lambda one: one.phase)


def test_what_joined_plans_say() -> None:
    both, first, second = (warning(kind, f"{kind}.", name="x") for kind in ("both", "one", "two"))

    def found(before: Organization, after: Organization, steps: Sequence[Step]) -> list[str]:
        return ["changed"]

    def other(before: Organization, after: Organization, steps: Sequence[Step]) -> list[str]:
        return []

    one = Plan({"a": 1}, {"a": 2}, [step(Phase.RULES)], [both, first], None, {"x": "first"})
    two = Plan(
        {"b": 1},
        {"b": 2},
        [step(Phase.SETTINGS)],
        [second, replace(both, text="In other words.")],
        found,
        {"y": "last"},
    )
    three = Plan(concurrent_changes=other)
    whole = Plan.join({"one": one, "two": two, "three": three})
    assert (whole.before, whole.after) == (
        {"one": {"a": 1}, "two": {"b": 1}, "three": {}},
        {"one": {"a": 2}, "two": {"b": 2}, "three": {}},
    )
    assert (whole.steps, whole.warnings) == ([*two.steps, *one.steps], [both, first, second])
    assert (whole.places, whole.concurrent_changes) == ({"x": "first", "y": "last"}, found)
    # Those that were joined are as they were.
    assert (one.warnings, two.places, len(one.steps)) == ([both, first], {"y": "last"}, 1)
    assert Plan.join({}) == Plan()


def test_a_warning_is_what_it_names_and_not_its_words() -> None:
    one = warning("idle", "The rule 'a' is off.", rule="a", options=["x"])
    assert (str(one), one) == ("The rule 'a' is off.", warning("idle", "'a' does not act.", rule="a", options=["x"]))
    assert list(dict.fromkeys([one, replace(one, text="'a' does not act.")])) == [one]
    for other in (
        replace(one, kind="gone"),
        replace(one, values={"rule": "b", "options": ["x"]}),
        replace(one, values={"rule": "a"}),
    ):
        assert other != one
    assert PlanWarning.read(one.as_dict()) == one
    for row in (
        None,
        "The rule 'a' is off.",
        {},
        {**one.as_dict(), "text": None},
        {**one.as_dict(), "values": []},
        {**one.as_dict(), "more": 1},
    ):
        with pytest.raises(ValueError, match=r"^it is not a warning$"):
            PlanWarning.read(row)
