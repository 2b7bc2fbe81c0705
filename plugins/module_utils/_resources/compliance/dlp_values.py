# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of DLP rules, labels and their policies, as Exchange shows them: the same kinds as those of mail flow rules,
read from other forms.

A kind's ``read`` raises ValueError with a clause that begins with "it" if a value has no form that is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._exchange.kinds import Choice, Kind, is_address, scalar
from ..._exchange.list_kinds import Listing, Patterns, Recipients, Words
from ..rules.fields import ATTRIBUTES, MESSAGE_TYPES
from .unreadable import bounded_json, plain

#: DLP's names, in lower case, of the message types that mail flow rules call otherwise.
_TYPES = {"automaticforward": "AutoForward", "automaticreply": "OOF"}

_ADDRESS_KEYS = ("primarysmtpaddress", "smtpaddress", "emailaddress", "address")


def is_set(value: Any) -> bool:
    """Whether a property says anything. Exchange shows unset ones as nothing, false, or an empty text or list."""
    return value not in (None, False, "", [], {})


def listed(value: Any) -> list[Any]:
    """A list of Exchange's, which a wire may carry as one value."""
    if value in (None, ""):
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def split(value: Any) -> list[str]:
    """The texts of a list, which Exchange also shows as one text with commas."""
    return [text.strip() for texts in listed(value) for text in scalar(texts).split(",") if text.strip()]


def people(value: Any) -> list[str]:
    """The addresses in a list of Exchange's.

    :raises ValueError: somebody has none.
    """
    return list(map(_address, listed(value)))


def _address(value: Any) -> str:
    """The address of a member: the address itself, an object that has one, or the JSON text of such an object."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = bounded_json(value)
    if isinstance(value, Mapping):
        small = {str(key).lower(): content for key, content in value.items()}
        value = next((small[key] for key in _ADDRESS_KEYS if small.get(key)), None)
    if not isinstance(value, str) or not is_address(value.strip()):
        raise ValueError("it names somebody without an SMTP address")
    return value.strip()


def hash_table(value: Any) -> dict[str, list[str]]:
    """A hash table of names to texts, which Exchange also shows as texts ``Name:text``.

    :raises ValueError: it is neither.
    """
    if not is_set(value):
        return {}
    if isinstance(value, Mapping):
        return {str(name): list(map(scalar, listed(texts))) for name, texts in value.items()}
    table: dict[str, list[str]] = {}
    for pair in listed(value):
        name, colon, text = scalar(pair).partition(":")
        if not colon:
            raise ValueError("it is not a list of names and values")
        table.setdefault(name.strip(), []).append(text)
    return table


class Structure(Kind):
    """Exchange's own structure, with keys in lower case and values as texts."""

    def __init__(self) -> None:
        super().__init__({"type": "raw"})

    def parse(self, value: Any) -> Any:
        return plain(value)

    def read(self, value: Any) -> Any:
        return plain(value) if is_set(value) else None


class HeaderValues(Kind):
    """Headers to their values."""

    def __init__(self) -> None:
        super().__init__({"type": "dict"}, cleared={})

    def parse(self, value: Any) -> Any:
        return {str(name): scalar(text) for name, text in value.items()}

    def read(self, value: Any) -> Any:
        return {name: ",".join(texts) for name, texts in hash_table(value).items()}


class KnownChoice(Choice):
    """One of Microsoft's literals, of which None means that nothing is set."""

    def read(self, value: Any) -> Any:
        literal = super().read(value)
        if literal is None or str(literal).lower() == "none":
            return None
        if literal not in self.spec["choices"]:
            raise ValueError(f"it is {literal!r}, which Microsoft does not document")
        return literal


class MessageType(KnownChoice):
    """A type of messages, by the name that mail flow rules have for it."""

    def __init__(self) -> None:
        super().__init__(*MESSAGE_TYPES)

    def read(self, value: Any) -> Any:
        return super().read(_TYPES.get(str(value).lower(), value))


class Addresses(Recipients):
    """Recipients or groups, by SMTP address."""

    def read(self, value: Any) -> Any:
        return people(value)


class SplitAddresses(Addresses):
    """Recipients in one text with commas."""

    def read(self, value: Any) -> Any:
        return people(split(value))


class SplitTexts(Listing):
    """Texts in one text with commas."""

    def read(self, value: Any) -> Any:
        return split(value)


class AttributeWords(Words):
    """Words in attributes, as mail flow rules write them: ``attribute:word,word``."""

    def __init__(self) -> None:
        super().__init__(attributes=ATTRIBUTES)

    def read(self, value: Any) -> Any:
        return [f"{attribute}:{','.join(words)}" for attribute, words in hash_table(value).items()]


class AttributePatterns(Patterns):
    """Patterns for attributes, as mail flow rules write them: ``attribute:pattern,pattern``."""

    def __init__(self) -> None:
        super().__init__(attributes=ATTRIBUTES)

    def read(self, value: Any) -> Any:
        return [f"{attribute}:{','.join(patterns)}" for attribute, patterns in hash_table(value).items()]
