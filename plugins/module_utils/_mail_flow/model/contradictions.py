# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of test messages to which Exchange did something else than what was computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..._exchange.text import listed

#: What of a copy can contradict, in a sentence.
CONTRADICTING_PARTS: Mapping[str, str] = {
    "fate": "its fate",
    "rules": "the rules that acted",
    "protection": "its protection",
    "copy": "a copy for somebody for whom none was computed",
}


@dataclass(frozen=True, order=True)
class ContradictedCopy:
    """A copy that contradicted what is computed of it.

    :param rules: the names of the rules that acted on it, as computed or seen.
    :param parts: what contradicted, of :data:`CONTRADICTING_PARTS`.
    """

    rules: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """It as the rest of a sentence."""
        parts = listed([CONTRADICTING_PARTS[part] for part in self.parts], joint="and")
        names = [repr(name) for name in self.rules]
        where = f" on which {listed(names, joint='and')} {'acts' if len(names) == 1 else 'act'}" if names else ""
        return f"a test message{where} contradicted what is computed ({parts})"
