# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Immutable values, and a fast way to copy them with changes. Private to the collection."""

from __future__ import annotations

from typing import Any, Self


class Value:
    """A frozen dataclass with a fast copy: ``dataclasses.replace`` is six times slower, and would take most of the
    simulator's time.
    """

    def but(self, **changes: Any) -> Self:
        """The same with other values for some fields."""
        if changes.keys() - self.__dict__.keys():
            raise TypeError(
                f"{type(self).__name__} has no such fields: {sorted(changes.keys() - self.__dict__.keys())}"
            )
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.__dict__.update(changes)
        return new
