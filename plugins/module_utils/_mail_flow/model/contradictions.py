# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of test messages to which Exchange did something else than what was computed."""

from __future__ import annotations

from dataclasses import dataclass

#: What of a copy can contradict; ``copy`` is that there is one.
CONTRADICTING_PARTS = ("fate", "rules", "protection", "copy")


@dataclass(frozen=True, order=True)
class ContradictedCopy:
    """A copy that contradicted what is computed of it.

    :param rules: the names of the rules that acted on it, as computed or seen.
    :param parts: what contradicted, of :data:`CONTRADICTING_PARTS`.
    """

    rules: tuple[str, ...]
    parts: tuple[str, ...]
