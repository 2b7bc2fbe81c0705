# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces a solver's assignments back to their reasons.

``level`` and ``reasons`` are by variable: the decision level of its assignment, and the clause that forced it, ``None``
for a decision. A literal is ``2 * variable`` or, negated, ``2 * variable + 1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def follows(
    literal: int,
    clause: set[int],
    levels: set[int],
    level: Sequence[int],
    reasons: Sequence[Sequence[int] | None],
    known: dict[int, bool],
) -> bool:
    """Whether the other literals of a learnt clause imply one of its literals, over any number of reasons.

    :param clause: the variables of the clause.
    :param levels: the levels of the clause: an assignment at another level cannot follow from it.
    :param known: cached results by variable outside the clause; grows.
    """
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


def assumed(
    false: Iterable[int], value: Sequence[int], level: Sequence[int], reasons: Sequence[Sequence[int] | None]
) -> tuple[int, ...]:
    """The decisions that make all of these literals false.

    :param value: by literal: positive if it is true.
    """
    found: set[int] = set()
    todo = list(dict.fromkeys(literal >> 1 for literal in false))
    seen = set(todo)
    while todo:
        variable = todo.pop()
        reason = reasons[variable]
        if not level[variable]:
            continue
        if reason is None:
            found.add(2 * variable if value[2 * variable] > 0 else 2 * variable + 1)
            continue
        for other in reason:
            if other >> 1 not in seen:
                seen.add(other >> 1)
                todo.append(other >> 1)
    return tuple(sorted(found))
