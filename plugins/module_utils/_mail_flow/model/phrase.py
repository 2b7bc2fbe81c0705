# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for a condition, as a part of a sentence about mail. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words for a condition.

    :param place: its position in a sentence, from the sender to the message.
    :param form: its words, with a placeholder ``{}`` for a list of values, and ``<>`` for what is not a list.
    :param mark: the quotation mark around each value.
    :param forms: the words by what is not a list, instead of :param:`form` where it is one of these.
    """

    place: int
    form: str = ""
    mark: str = "'"
    forms: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def depends(self) -> bool:
        """Whether the words depend on what is not a list."""
        return bool(self.forms) or "<>" in self.form

    def said(self, about: str, lists: Sequence[Sequence[Any]]) -> str:
        """The phrase for lists of values. One value of each list is true.

        :param about: what is not a list.
        """
        before, placeholder, after = self.forms.get(about, self.form).partition("{}")
        found = [part.replace("<>", about) for part in (before, after)]
        return (_joined(lists, self.mark) if placeholder else "").join(found)


def _joined(lists: Sequence[Sequence[Any]], mark: str) -> str:
    joint = ", and " if any(len(values) > 1 for values in lists) else " and "
    return joint.join(listed(values, mark) for values in lists)
