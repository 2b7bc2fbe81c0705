# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces the assignments of a :class:`.Trail` back to their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .trail import Trail


def learned_clause(conflict: Sequence[int], trail: Trail, bump: Callable[[int], None]) -> list[int]:
    """The clause that a conflict teaches, from the first unique implication point. Its first literal is to become true,
    the others are sorted by level, the highest first.

    :param conflict: a clause that is false.
    :param bump: called with each variable that takes part.
    """
    level = trail.level
    current = len(trail.starts)
    unresolved = reversed(trail.literals)
    seen: set[int] = set()
    learned: list[int] = []
    open_ = 0  # the literals of the present level that have to be resolved
    clause = conflict
    literal = -1
    while True:
        for other in clause:
            variable = other >> 1
            if other == literal or variable in seen or not level[variable]:
                continue
            seen.add(variable)
            bump(variable)
            if level[variable] == current:
                open_ += 1
            else:
                learned.append(other)
        for literal in unresolved:
            if literal >> 1 in seen:
                break
        open_ -= 1
        if not open_:
            break
        clause = trail.reasons[literal >> 1] or ()
    levels = {level[other >> 1] for other in learned}
    known: dict[int, bool] = {}
    needed = [other for other in learned if not _is_implied(other, seen, levels, trail, known)]
    needed.sort(key=lambda other: (-level[other >> 1], other))
    return [literal ^ 1, *needed]


def _is_implied(literal: int, clause: set[int], levels: set[int], trail: Trail, known: dict[int, bool]) -> bool:
    """Whether the other literals of a learned clause imply one of its literals, over any number of reasons.

    :param clause: the variables of the clause.
    :param levels: the levels of the clause: an assignment at another level cannot follow from it.
    :param known: cached results by variable outside the clause; grows.
    """
    level = trail.level
    reasons = trail.reasons
    reason = reasons[literal >> 1]
    if reason is None:
        return False
    path = [(literal >> 1, iter(reason))]
    while path:
        variable, others = path[-1]
        for other in others:
            inner = other >> 1
            if inner == variable or not level[inner] or inner in clause or known.get(inner):
                continue
            reason = reasons[inner]
            if reason is None or level[inner] not in levels or inner in known:
                known.update((outer, False) for outer, _others in path)
                known[inner] = False
                return False
            path.append((inner, iter(reason)))
            break
        else:
            known[variable] = True
            path.pop()
    return True


def decisions_behind(false: Iterable[int], trail: Trail) -> tuple[int, ...]:
    """The decisions that make all of these literals false, in order."""
    level = trail.level
    decisions: set[int] = set()
    todo = list(dict.fromkeys(literal >> 1 for literal in false))
    seen = set(todo)
    while todo:
        variable = todo.pop()
        if not level[variable]:
            continue
        reason = trail.reasons[variable]
        if reason is None:
            decisions.add(2 * variable if trail.value[2 * variable] > 0 else 2 * variable + 1)
            continue
        inner = {other >> 1 for other in reason} - seen
        seen |= inner
        todo += inner
    return tuple(sorted(decisions))
