# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rows of results have in common: a field for each key, and how its value is read and written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

#: A row of a result, as the documentation of the modules describes it.
Row = Mapping[str, Any]


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Codec:
    """How a field is read and written.

    :param read: makes its value of the written one, and :param:`write` the reverse. Reading raises KeyError, TypeError or
        ValueError for another value.
    :param key: its key, where that is not its name.
    :param always: whether it is written even if it has its default.
    """

    read: Callable[[Any], Any] = _as_it_is
    write: Callable[[Any], Any] = _as_it_is
    key: str = ""
    always: bool = False


def codec(
    read: Callable[[Any], Any] = _as_it_is,
    write: Callable[[Any], Any] = _as_it_is,
    *,
    key: str = "",
    always: bool = False,
) -> dict[str, Codec]:
    """The metadata of a field with a codec of its own."""
    return {"codec": Codec(read, write, key, always)}


def as_list(*, always: bool = False) -> dict[str, Codec]:
    """The metadata of a field that is a tuple, and written as a list."""
    return codec(tuple, list, always=always)


def one_of(kind: type[StrEnum]) -> dict[str, Codec]:
    """The metadata of a field that is one of some texts."""
    return codec(kind, str)


def one_of_texts(texts: Collection[str]) -> dict[str, Codec]:
    """The same of texts that are no enumeration."""

    def read(text: Any) -> Any:
        if text not in texts:
            raise ValueError(f"{text!r} is none of {', '.join(texts)}")
        return text

    return codec(read)


def rows_of(row_class: type[ResultRow], *, always: bool = False) -> dict[str, Codec]:
    """The metadata of a field that is a tuple of rows."""
    return codec(lambda rows: tuple(map(row_class.from_row, rows)), _written_rows, always=always)


def row_of(row_class: type[ResultRow]) -> dict[str, Codec]:
    """The metadata of a field that is a row."""
    return row_by(row_class.from_row)


def row_by(read: Callable[[Row], ResultRow]) -> dict[str, Codec]:
    """The metadata of a field that is a row of one of several classes.

    :param read: makes it of the written one.
    """
    return codec(read, lambda row: row.as_row())


def _written_rows(rows: Sequence[ResultRow]) -> list[dict[str, Any]]:
    return [row.as_row() for row in rows]


_PLAIN = Codec()


@dataclass(frozen=True)
class ResultRow:
    """A row of a result: its fields are the keys of the row, which leaves out those that have their default. Reading one
    refuses a key that is none of them: its value would be lost.
    """

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        if not isinstance(row, Mapping):
            raise TypeError(f"{row!r} is no row of {cls.__name__}")
        by_key = {_codec(part).key or part.name: part for part in fields(cls)}
        unknown = row.keys() - by_key.keys()
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} in a row of {cls.__name__}")
        return cls(**{part.name: _codec(part).read(row[key]) for key, part in by_key.items() if key in row})

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        return {
            _codec(part).key or part.name: _codec(part).write(getattr(self, part.name))
            for part in fields(self)
            if _codec(part).always or not self._has_default(part)
        }

    def _has_default(self, part: Field[Any]) -> bool:
        return bool(getattr(self, part.name) == part.default)


@dataclass(frozen=True)
class ComputedRow(ResultRow):
    """A row that says what is computed of mail, which Exchange may contradict.

    :param contradicted: sentences about what Exchange did otherwise.
    """

    contradicted: tuple[str, ...] = field(default=(), kw_only=True, metadata=as_list())

    def with_contradicted(self, texts: Iterable[str]) -> Self:
        """The row with more of these sentences, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


def _codec(part: Field[Any]) -> Codec:
    written: Codec = part.metadata.get("codec", _PLAIN)
    return written
