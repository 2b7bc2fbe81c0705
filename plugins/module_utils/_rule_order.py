# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting rules into an order with the fewest moves. Private to the collection.

A move takes one rule out and puts it in at another place, which is what setting a priority does. The rules that need not
move are a longest run that is in order already; every other one moves exactly once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def moves(order: Sequence[str], named: Sequence[str], position: str = "relative", moving: str = "") -> list[tuple[str, int]]:
    """The moves that bring ``named`` into their order.

    :param order: all rules as they are, each once.
    :param named: those whose order matters, first to last; each is in ``order``.
    :param position: ``first`` and ``last`` put them before or behind all others; ``relative`` leaves the others where they are.
    :param moving: a rule that moves, rather than others around it, where the order is wrong.
    :returns: rule and new index of each move, to be done one after the other. The others keep their own order.
    """
    current = list(order)
    rest = [rule for rule in current if rule not in set(named)]
    target = {"first": [*named, *rest], "last": [*rest, *named], "relative": list(named)}[position]
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
            place = min((current.index(other) for other in target if other in staying), default=0)
        current.insert(place, rule)
        done.append((rule, place))
        staying.add(rule)
    return done


def _longest_run(current: Sequence[str], target: Sequence[str]) -> set[str]:
    """A longest subsequence of ``target`` that stands in ``current`` in the same order (patience sorting)."""
    places = {rule: index for index, rule in enumerate(current)}
    tails: list[int] = []
    links: list[int | None] = []
    piles: list[int] = []
    for index, rule in enumerate(target):
        pile = bisect_left(tails, places[rule])
        links.append(piles[pile - 1] if pile else None)
        if pile == len(tails):
            tails.append(places[rule])
            piles.append(index)
        else:
            tails[pile] = places[rule]
            piles[pile] = index
    run: set[str] = set()
    step = piles[-1] if piles else None
    while step is not None:
        run.add(target[step])
        step = links[step]
    return run
