# SPDX-License-Identifier: GPL-3.0-or-later
"""Reorders rules with the fewest moves.

A move takes one rule out and inserts it at another place, as setting a priority does. The rules that do not need to
move are a longest run that is already in order. Every other rule moves exactly once.

Each move is planned again from a fresh read, so every intermediate order must lead to the same result: rules that are
not named keep their own order at each step, and of several longest runs the same one is always chosen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def moves(
    order: Sequence[str], named: Sequence[str], position: str = "relative", moving: str = ""
) -> list[tuple[str, int]]:
    """The moves that bring ``named`` into order.

    :param order: the current order of all rules, each once.
    :param named: the rules whose order matters, first to last. Each is in ``order``.
    :param position: ``first`` and ``last`` put them before or after all others; ``relative`` leaves the others in
        place.
    :param moving: the rule to move, instead of the others around it, if the order is wrong.
    :returns: rule and new index of each move, in the order of execution. The other rules keep their own order.
    """
    chosen = set(named)
    others = [rule for rule in order if rule not in chosen]
    if position == "first":
        # Computed from the other end, so that the last of the rules to move goes first and only named rules are passed.
        seen = _forward(list(reversed(order)), [*reversed(others), *reversed(named)], moving)
        return [(rule, len(order) - 1 - index) for rule, index in seen]
    return _forward(list(order), [*others, *named] if position == "last" else list(named), moving)


def moves_to_end(order: Sequence[str], named: Sequence[str]) -> list[tuple[str, int]]:
    """The moves that bring ``named`` behind all other rules, in this order. No other rule is moved."""
    staying = max(
        count
        for count in range(len(named) + 1)
        if _ends_with([rule for rule in order if rule not in named[count:]], named[:count])
    )
    return [(rule, len(order) - 1) for rule in named[staying:]]


def _ends_with(order: Sequence[str], named: Sequence[str]) -> bool:
    return list(order[len(order) - len(named) :]) == list(named)


def _forward(current: list[str], target: Sequence[str], moving: str) -> list[tuple[str, int]]:
    """The moves that bring ``target`` into order, its first rule first, each directly after the previous one."""
    staying = _longest_run(current, target)
    if moving and len(staying) < len(target):
        staying = _longest_run(current, [rule for rule in target if rule != moving])
    done: list[tuple[str, int]] = []
    for index, rule in enumerate(target):
        if rule in staying:
            continue
        current.remove(rule)
        if index > 0:
            place = current.index(target[index - 1]) + 1
        else:
            place = min(current.index(other) for other in staying)
        current.insert(place, rule)
        done.append((rule, place))
    return done


def _longest_run(current: Sequence[str], target: Sequence[str]) -> set[str]:
    """The longest subsequence of ``target`` that appears in ``current`` in the same order. Of several, the one that
    begins earliest at each rule.

    This choice does not change when a rule outside the run is put in its place.
    """
    places = {rule: index for index, rule in enumerate(current)}
    # From the end: the length of the longest run that begins with each rule.
    lengths: list[int] = []
    tails: list[int] = []
    for rule in reversed(target):
        length = bisect_left(tails, -places[rule])
        tails[length : length + 1] = [-places[rule]]
        lengths.append(length + 1)
    run: set[str] = set()
    last = -1
    length_left = len(tails)
    for rule, length in zip(target, reversed(lengths), strict=True):
        if length == length_left and places[rule] > last:
            run.add(rule)
            last = places[rule]
            length_left -= 1
    return run
