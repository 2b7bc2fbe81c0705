# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of conditions as atoms: each sort of value, and what a text must have for one.

The same value is the same atom in every list of values, of every condition that looks at the same text, address or
property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..model.expressions import Dialect
from ..model.kleene import Truth
from ..model.patterns import has_pattern, is_agreed
from ..model.widening import widened
from ..model.words import has_word

#: An atom of a slot: its sort and its value.
Key = tuple[str, Any]

#: The texts, addresses and properties of a message that values are looked for in.
SENDER, RECIPIENT, SUBJECT, BODY, HEADER = "sender", "recipient", "subject", "body", "header"
ATTACHED, ATTACHED_NAME, ATTACHMENT = "attachment text", "attachment name", "attachment"

#: The maximum number of people of a group or the directory to distinguish by name.
MOST_NAMED = 300

#: The address that the sender wrote for the recipient: the primary one, or an alias.
WRITTEN = "written"

#: Header that repeats another part of the message, to that part's slot.
SAME_AS = {"header subject": SUBJECT, "header from": SENDER}

#: The sorts of values that are looked for in what the directory says about somebody.
ATTRIBUTES = ("attribute word", "attribute pattern")


def _parts(value: str) -> tuple[str, list[str]]:
    """``name:value,value`` as the name and its values."""
    name, _colon, wanted = value.partition(":")
    return name.strip(), [part.strip() for part in wanted.split(",") if part.strip()]


def _attribute(value: str, dialect: Dialect) -> list[Any]:
    name, parts = _parts(value)
    return [(name.lower(), part, dialect) for part in parts]


def _property(value: str, dialect: Dialect) -> list[Any]:
    name, parts = _parts(value)
    return [(name.casefold(), part) for part in parts]


#: Sort of values to the values of the atoms of one. A sort that is not here has each value as it is.
_READ: dict[str, Callable[[Any, Dialect], list[Any]]] = {
    "word": lambda value, dialect: [value.lower()],
    "pattern": lambda value, dialect: [(value, dialect)],
    "attribute word": _attribute,
    "attribute pattern": _attribute,
    "property": _property,
    "extension": lambda value, dialect: [value.casefold().lstrip(".")],
}


def keys_of(sort: str, values: Iterable[Any], dialect: Dialect) -> list[Key]:
    """The atoms of values of a sort."""
    read = _READ.get(sort)
    if read is None:
        return list(dict.fromkeys((sort, value) for value in values))
    return list(dict.fromkeys((sort, part) for value in values for part in read(value, dialect)))


def header_slot(name: str) -> str:
    """The text of a header."""
    return f"{HEADER} {name.lower()}"


def holds(text: str, key: Key) -> Truth:
    """Whether a text has a word or a pattern."""
    sort, value = key
    return has_word(text, value) if sort == "word" else has_pattern(text, *value)


def is_open(key: Key) -> bool:
    """Whether an atom is a pattern without an agreed meaning (U18)."""
    sort, value = key
    return (sort == "pattern" and not is_agreed(*value)) or (sort == "attribute pattern" and not is_agreed(*value[1:]))


def wider(key: Key) -> Key | None:
    """For a pattern without an agreed meaning, one with an agreed meaning that matches wherever it may; ``None`` if
    only a trivial one does.
    """
    sort, value = key
    pattern, dialect = value[-2:]
    wide = widened(pattern, dialect is Dialect.LEGACY)
    return (sort, (*value[:-2], wide, Dialect.AGREED)) if wide else None
