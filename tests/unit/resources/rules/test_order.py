# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of mail flow rules: the fewest moves, and nobody else's order changed."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.reordering import (
    moves,
    moves_to_end,
)
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule_order
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.emulated_session import EmulatedSession, refusal

POSITIONS = ("first", "last", "relative")
_ORDERS = st.integers(0, 40).flatmap(
    lambda count: st.tuples(
        st.permutations(range(count)),
        st.lists(st.integers(0, max(count - 1, 0)), unique=True, max_size=count),
        st.sampled_from(POSITIONS),
    )
)


def longest_increasing(numbers: list[int]) -> int:
    tails: list[int] = []
    for number in numbers:
        place = bisect_left(tails, number)
        tails[place : place + 1] = [number]
    return len(tails)


@given(_ORDERS)
@settings(max_examples=rounds(200))
def test_any_order_is_reached_with_the_fewest_moves(drawn: tuple[list[int], list[int], str]) -> None:
    numbers, chosen, position = drawn
    current, named = list(map(str, numbers)), list(map(str, chosen))
    others = [rule for rule in current if rule not in named]
    target = {"first": named + others, "last": others + named, "relative": named}[position]
    done = moves(current, named, position)
    order = list(current)
    for rule, index in done:
        order.remove(rule)
        order.insert(index, rule)
    assert [rule for rule in order if rule in target] == target
    assert [rule for rule in order if rule not in named] == others
    assert len(done) == len(target) - longest_increasing([current.index(rule) for rule in target])
    assert moves(order, named, position) == []
    assert {rule for rule, _index in done} <= set(target)


@pytest.mark.parametrize(
    ("order", "named", "position", "moving", "expected"),
    [
        ("bxa", "ab", "relative", "a", [("a", 0)]),
        ("bxa", "ab", "relative", "b", [("b", 2)]),
        ("axb", "ab", "relative", "a", []),
        ("axb", "ab", "relative", "b", []),
        ("xbya", "ab", "relative", "a", [("a", 1)]),
        ("xba", "ab", "first", "b", [("b", 0), ("a", 0)]),
        ("bax", "ab", "last", "a", [("a", 2), ("b", 2)]),
        ("abx", "ba", "first", "a", [("a", 1)]),
        ("ab", "a", "relative", "a", []),
        # Of three the one that is meant moves where that is enough, and others only where it is not.
        ("cab", "abc", "relative", "c", [("c", 2)]),
        ("bca", "abc", "relative", "a", [("a", 0)]),
    ],
)
def test_the_rule_that_is_meant_moves(
    order: str, named: str, position: str, moving: str, expected: list[tuple[str, int]]
) -> None:
    assert moves(order, named, position, moving) == expected


def test_without_a_word_the_others_stay_and_any_rule_may_move() -> None:
    assert moves("bxa", "ab") == moves("bxa", "ab", "relative", "") != []


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), unique=True, max_size=8), st.sampled_from(POSITIONS))
@settings(max_examples=rounds(25))
def test_an_organization_gets_there_in_one_run(numbers: list[int], chosen: list[int], position: str) -> None:
    session = EmulatedSession(
        {"transport_rules": [{"Name": f"rule {number}", "DeleteMessage": True} for number in numbers]}
    )
    names = [f"rule {number}" for number in chosen]
    foretold = session.run(ome_transport_rule_order, check_mode=True, rules=names, position=position)
    done = session.run(ome_transport_rule_order, rules=names, position=position)
    assert (
        done["after"]
        == foretold["after"]
        == {"rules": [rule["Name"] for rule in session.organization.state["transport_rules"]]}
    )
    assert done["commands"] == foretold["commands"] == list(map(str, session.writes))
    assert not session.run(ome_transport_rule_order, rules=names, position=position)["changed"]


def rules(*names: str) -> dict[str, Any]:
    return {"transport_rules": [{"Name": name, "DeleteMessage": True} for name in names]}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("first", ["c", "a", "p", "b", "q"]),
        ("last", ["p", "b", "q", "c", "a"]),
        ("relative", ["p", "b", "q", "c", "a"]),
    ],
)
def test_unnamed_rules_keep_their_places(any_session: EmulatedSession, position: str, expected: list[str]) -> None:
    any_session.organization.replace(rules("p", "a", "b", "q", "c"))
    done = any_session.run(ome_transport_rule_order, rules=["C", "a"], position=position)
    order = [rule["Name"] for rule in any_session.organization.state["transport_rules"]]
    assert [name for name in order if name in "pbq"] == ["p", "b", "q"]
    assert (order.index("c") < order.index("a")) is True
    assert done["before"] == {"rules": ["p", "a", "b", "q", "c"]}
    assert done["after"] == {"rules": order}
    if position != "relative":
        assert order == expected
    else:
        assert len(any_session.writes) == 1


def test_a_rule_that_is_named_twice_or_is_not_there_is_refused(session: EmulatedSession) -> None:
    session.organization.replace(rules("a", "b"))
    assert "rules names 'a' twice" in refusal(session, ome_transport_rule_order, rules=["a", "A"])
    assert "rules names the rule 'x', which this organization does not have" in refusal(
        session, ome_transport_rule_order, rules=["a", "x"]
    )


def test_positions_are_taken_from_a_fresh_read_after_each_move(session: EmulatedSession) -> None:
    session.organization.replace(rules("a", "b", "c", "d"))
    pending = [lambda: session.edit("New-TransportRule", Name="new", DeleteMessage=True, Priority=0)]
    session.before_write = lambda call: pending.pop()() if pending else None
    session.run(ome_transport_rule_order, rules=["d", "c", "b", "a"], position="last")
    assert [rule["Name"] for rule in session.organization.state["transport_rules"]] == ["new", "d", "c", "b", "a"]


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(st.permutations(range(count)), st.lists(st.integers(0, count - 1), unique=True))
    )
)
@settings(max_examples=rounds(200))
def test_rules_come_last_and_each_move_may_be_planned_again(drawn: tuple[list[int], list[int]]) -> None:
    order, named = drawn
    others = [rule for rule in order if rule not in named]
    left = len(moves_to_end(list(map(str, order)), list(map(str, named))))
    order, named = list(order), list(named)
    while done := moves_to_end(list(map(str, order)), list(map(str, named))):
        assert len(done) == left
        rule, index = int(done[0][0]), done[0][1]
        assert index < len(order)
        order.remove(rule)
        order.insert(index, rule)
        left -= 1
    assert order == [*others, *named]
