# SPDX-License-Identifier: GPL-3.0-or-later
"""What is computed of rules on which test messages contradicted that: it is not certain, and says so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from .observed import ContradictionRow, ObservedRow

#: What follows a sentence that rests on what was contradicted.
NOT_CERTAIN = "This is not certain: what it rests on was contradicted."

#: What follows counts, some of which may rest on what was contradicted.
COUNTS_NOT_CERTAIN = "What is counted as certain may not be: a test message contradicted what is computed."


def with_contradicted(
    rows: Iterable[Mapping[str, Any]],
    observed: Iterable[ObservedRow],
    names_of: Callable[[Mapping[str, Any]], Collection[str]] = lambda row: row["rules"],
) -> list[dict[str, Any]]:
    """Rows, of which each has ``contradicted``, the sentences about test messages, if these contradict what it rests on: a message
    on which no rule acts contradicts all, and a row that rests on no rule is contradicted by all.

    :param observed: what was observed.
    :param names_of: the names of the rules on which a row rests.
    """
    contradicting = _contradicting(observed)
    marked_rows = []
    for row in rows:
        texts = contradicting_texts(names_of(row), contradicting)
        known = row.get("contradicted", ())
        marked = {"contradicted": [*known, *(text for text in texts if text not in known)]} if texts else {}
        marked_rows.append({**row, **marked})
    return marked_rows


def contradicting_texts(names: Collection[str], observed: Iterable[ObservedRow]) -> list[str]:
    """The sentences about the test messages that contradict what rests on some rules, as :func:`with_contradicted` has
    them.

    :param names: the names of the rules; none if it rests on no rule.
    :param observed: what was observed.
    """
    return [
        message.line
        for message in _contradicting(observed)
        if not names or not message.rules or not set(names).isdisjoint(message.rules)
    ]


def replay_with_contradicted(replay: Mapping[str, Any], observed: Iterable[ObservedRow]) -> dict[str, Any]:
    """A replay whose rows have ``contradicted``, as :func:`with_contradicted` has it. An outcome rests on the rules that protect;
    without one, and a guarantee, on all rules.

    :param observed: what was observed.
    """
    rests_on: Mapping[str, Callable[[Mapping[str, Any]], Collection[str]]] = {
        "outcome": lambda row: row.get("protected_by", ()),
        "plain": lambda row: row.get("protected_by", ()),
        "difference": lambda row: row["rules"],
        "guarantees": lambda row: (),
    }
    seen = list(observed)
    marked = {name: with_contradicted(replay[name], seen, names) for name, names in rests_on.items() if name in replay}
    return {**replay, **marked}


def certainty(contradicted: Collection[str]) -> str:
    """What follows a sentence, with a space before it; empty if nothing does.

    :param contradicted: the sentences about what contradicts it.
    """
    return f" {NOT_CERTAIN}" if contradicted else ""


def certainty_of_counts(observed: Iterable[ObservedRow]) -> list[str]:
    """The line about counts of what is computed for many messages; none if no test message contradicted it.

    :param observed: what was observed.
    """
    return [COUNTS_NOT_CERTAIN] if _contradicting(observed) else []


def certainty_of_none(observed: Iterable[ObservedRow]) -> str:
    """What follows the sentence that nothing is different, which rests on all rules, with a space before it; empty if nothing
    does.

    :param observed: what was observed.
    """
    return f" {NOT_CERTAIN}" if _contradicting(observed) else ""


def _contradicting(observed: Iterable[ObservedRow]) -> list[ContradictionRow]:
    """The test messages that contradicted what is computed."""
    return [row for row in observed if isinstance(row, ContradictionRow)]
