# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rows of results have in common: a field for each key, and how its value is read and written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Protocol, Self

#: A row of a result, as the documentation of the modules describes it.
Row = Mapping[str, Any]


class Writable(Protocol):
    """What a row is written of, and read as."""

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The values of a row. Raises ValueError if they are none of this kind."""

    def as_row(self) -> dict[str, Any]:
        """The row."""


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


def text() -> dict[str, Codec]:
    """The metadata of a field that is refused unless it is a text."""
    return codec(_text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def as_list(*, always: bool = False) -> dict[str, Codec]:
    """The metadata of a field that is a tuple, and written as a list."""
    return codec(lambda values: tuple(_list(values)), list, always=always)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{value!r} is no list")
    return value


def one_of(kind: type[StrEnum]) -> dict[str, Codec]:
    """The metadata of a field that is one of some texts."""
    return codec(kind, str)


def one_of_texts(texts: Collection[str]) -> dict[str, Codec]:
    """The metadata of a field that is one of some texts which are no enumeration."""

    def read(text: Any) -> Any:
        if text not in texts:
            raise ValueError(f"{text!r} is none of {', '.join(texts)}")
        return text

    return codec(read)


def rows_of(row_class: type[Writable], *, always: bool = False) -> dict[str, Codec]:
    """The metadata of a field that is a tuple of rows."""
    return rows_by(row_class.from_row, always=always)


def rows_by(read: Callable[[Row], Writable], *, always: bool = False) -> dict[str, Codec]:
    """The metadata of a field that is a tuple of rows of several classes.

    :param read: makes one of them of the written one.
    """
    return codec(lambda rows: tuple(map(read, _list(rows))), _written_rows, always=always)


def row_of(row_class: type[Writable]) -> dict[str, Codec]:
    """The metadata of a field that is a row."""
    return row_by(row_class.from_row)


def row_by(read: Callable[[Row], Writable]) -> dict[str, Codec]:
    """The metadata of a field that is a row of one of several classes.

    :param read: makes it of the written one.
    """
    return codec(read, lambda row: row.as_row())


def row_or(row_class: type[Writable], absent: Mapping[str, Any] | None) -> dict[str, Codec]:
    """The metadata of a field that is a row or ``None``.

    :param absent: what is written for ``None``.
    """
    return codec(
        lambda row: row_class.from_row(row) if row else None, lambda row: absent if row is None else row.as_row()
    )


def _written_rows(rows: Sequence[Writable]) -> list[dict[str, Any]]:
    return [row.as_row() for row in rows]


_PLAIN = Codec()


@dataclass(frozen=True)
class ResultRow:
    """A row of a result: its fields are the keys of the row, which leaves out those that have their default. Reading one
    refuses a key that is none of them: its value would be lost.
    """

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The values of a row. Raises ValueError if they are none of this kind."""
        if not isinstance(row, Mapping):
            raise ValueError(f"{row!r} is no {cls.__name__}")
        codecs = _codecs(cls)
        unknown = row.keys() - codecs.keys()
        if unknown:
            raise ValueError(f"{cls.__name__}: {', '.join(sorted(map(str, unknown)))}")
        try:
            return cls(**{part.name: how.read(row[key]) for key, (part, how) in codecs.items() if key in row})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{cls.__name__}: {error}") from error

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        return {
            key: how.write(getattr(self, part.name))
            for key, (part, how) in _codecs(type(self)).items()
            if self._is_written(part, how)
        }

    def _is_written(self, part: Field[Any], how: Codec) -> bool:
        return how.always or getattr(self, part.name) != part.default


@dataclass(frozen=True)
class WholeRow(ResultRow):
    """A row that is written with all of its keys."""

    def _is_written(self, part: Field[Any], how: Codec) -> bool:
        return True


@dataclass(frozen=True)
class ComputedRow(ResultRow):
    """A row that says what is computed of mail, which Exchange may contradict.

    :param contradicted: sentences about what Exchange did otherwise.
    """

    contradicted: tuple[str, ...] = field(default=(), kw_only=True, metadata=as_list())

    def with_contradicted(self, texts: Iterable[str]) -> Self:
        """The row with more of these sentences, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))


_CODECS: dict[type, dict[str, tuple[Field[Any], Codec]]] = {}


def _codecs(row_class: type[ResultRow]) -> dict[str, tuple[Field[Any], Codec]]:
    """The key of each field to the field and its codec."""
    if row_class not in _CODECS:
        written = [(part, part.metadata.get("codec", _PLAIN)) for part in fields(row_class)]
        _CODECS[row_class] = {how.key or part.name: (part, how) for part, how in written}
    return _CODECS[row_class]
