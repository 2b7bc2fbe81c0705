# SPDX-License-Identifier: GPL-3.0-or-later
"""What is computed of rules on which test messages contradicted that: it is not certain, and says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from .observed import ContradictionRow, ObservedRow
from .replay_row import ReplayRow
from .row import ComputedRow

_Computed = TypeVar("_Computed", bound=ComputedRow)

#: What follows a sentence that rests on what was contradicted.
NOT_CERTAIN = "This is not certain: what it rests on was contradicted."

#: What follows counts, some of which may rest on what was contradicted.
COUNTS_NOT_CERTAIN = "What is counted as certain may not be: a test message contradicted what is computed."


def contradicting_texts(names: Collection[str], observed: Iterable[ObservedRow]) -> list[str]:
    """The sentences about the test messages that contradict what rests on some rules: a message on which no rule acts
    contradicts all, and what rests on no rule is contradicted by all.

    :param names: the names of the rules; none if it rests on no rule.
    :param observed: what was observed.
    """
    return [
        message.line
        for message in _contradicting(observed)
        if not names or not message.rules or not set(names).isdisjoint(message.rules)
    ]


def replay_with_contradicted(replay: ReplayRow, observed: Iterable[ObservedRow]) -> ReplayRow:
    """A replay whose rows have the sentences about the test messages that contradict what they rest on. An outcome rests on
    the rules that protect; without one, and a guarantee, on all rules.

    :param observed: what was observed.
    """
    contradicting = _contradicting(observed)

    def marked(row: _Computed, names: Collection[str]) -> _Computed:
        return row.with_contradicted(contradicting_texts(names, contradicting))

    difference, guarantees = replay.difference, replay.guarantees
    return replace(
        replay,
        outcome=tuple(marked(row, row.protected_by) for row in replay.outcome),
        plain=tuple(marked(row, row.protected_by) for row in replay.plain),
        difference=None if difference is None else tuple(marked(row, row.rules) for row in difference),
        guarantees=None if guarantees is None else tuple(marked(row, ()) for row in guarantees),
    )


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
