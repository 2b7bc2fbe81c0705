# SPDX-License-Identifier: GPL-3.0-or-later
"""What actions make of texts, as data. Formulas are made of it; a simulation makes the texts themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Joins(Enum):
    """How a known text joins the one that is there."""

    DIRECTLY_BEFORE = auto()
    ON_LINES_BEFORE = auto()
    ON_LINES_AFTER = auto()
    INSTEAD = auto()


@dataclass(frozen=True, slots=True)
class TextEdit:
    """What an action makes of a text.

    :param slot: the text.
    :param joins: how the known text joins it.
    :param given: the known text as the rule has it; ``None`` if the text is removed.
    :param visible: the same as a reader sees it; ``None`` if that depends on the sender.
    :param is_open: whether it is open that it is done: another action of the rule may undo it.
    """

    slot: str
    joins: Joins
    given: str | None
    visible: str | None
    is_open: bool = False
