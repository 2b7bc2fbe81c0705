# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rows of results have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

#: A row of a result, as the documentation of the modules describes it.
Row = Mapping[str, Any]


class ResultRow(ABC):
    """A row of a result. Reading one refuses a key that is no field: its value would be lost."""

    @classmethod
    @abstractmethod
    def from_row(cls, row: Row) -> ResultRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""

    @abstractmethod
    def as_row(self) -> dict[str, Any]:
        """The row of results."""

    @classmethod
    def refuse_unknown(cls, row: Row) -> None:
        """Raises ValueError if a row has keys that are no fields."""
        unknown = row.keys() - {part.name for part in fields(cls)}  # type: ignore[arg-type]
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} in a row of {cls.__name__}")
