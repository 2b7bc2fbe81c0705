# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of policies and labels that are given as facts. Whatever is invalid is refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from ..._exchange.errors import OptionError
from ..._exchange.kinds import Boolean, Kind, Text, is_address
from ..._exchange.list_kinds import Listing, Recipients
from ..._exchange.spelling import remedy
from .dlp_values import is_set
from .unreadable import Unreadable


def refuse(message: str, remedy: str = "") -> NoReturn:
    """Raises OptionError."""
    raise OptionError(message, remedy=remedy)


def checked(value: Any, where: str, keys: Collection[str], *, name: str = "name") -> Mapping[str, Any]:
    """A mapping with no other keys than these. What holds null is left out.

    :param name: a key that it must have; empty if none.
    """
    if not isinstance(value, Mapping):
        refuse(f"{where} must be a mapping, not {value!r}.")
    for key in value:
        if key not in keys:
            refuse(f"{where}.{key} is not known.", remedy(key, list(keys), f"Known are {', '.join(keys)}."))
    if name and not value.get(name):
        refuse(f"{where}.{name} is required.")
    return {key: given for key, given in value.items() if given is not None}


def items(value: Any, where: str) -> list[Any]:
    """A list; empty if nothing is given."""
    if value is None or value == "":
        return []
    if not isinstance(value, (list, tuple)):
        refuse(f"{where} must be a list, not {value!r}.")
    return list(value)


def texts(value: Any, where: str) -> list[str]:
    """A list of texts; empty if nothing is given."""
    listed = [value] if isinstance(value, str) and value else items(value, where)
    if not all(isinstance(text, str) for text in listed):
        refuse(f"{where} must be a list of texts, not {value!r}.", "Quote what YAML reads as a number or as true.")
    return listed


def flag(value: Any, where: str, default: bool | None) -> bool | None:
    """True or false."""
    if value is None:
        return default
    if not isinstance(value, bool):
        refuse(
            f"{where} must be true or false, not {value!r}.",
            "Write it without quotes." if str(value).lower() in ("true", "false") else "",
        )
    return value


def number(value: Any, where: str, default: int = 0) -> int:
    """A number of at least 0."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        refuse(f"{where} must be a number of 0 or more, not {value!r}.")
    return value


def choice(value: Any, where: str, choices: Collection[str]) -> str:
    """One of some texts."""
    if value not in choices:
        refuse(f"{where} is {value!r}.", remedy(value, list(choices)))
    return str(value)


def declared_mode(given: Mapping[str, Any], where: str, modes: Collection[str], default: str) -> str:
    """The mode of a told policy; empty if it tells that it was not understood."""
    unread = any("mode" in unreadable.parts for unreadable in declared_unreadable(given, where))
    if "mode" in given:
        return choice(given["mode"], f"{where}.mode", modes)
    return "" if unread else default


def declared_unreadable(given: Mapping[str, Any], where: str) -> tuple[Unreadable, ...]:
    """What was not understood when it was read."""
    unreadable = []
    for place, value in enumerate(items(given.get("unreadable"), f"{where}.unreadable")):
        at = f"{where}.unreadable[{place}]"
        part = checked(value, at, ("property", "parts", "reason"), name="property")
        parts = tuple(texts(part.get("parts"), f"{at}.parts"))
        unreadable.append(Unreadable(str(part["property"]), parts, str(part.get("reason") or "")))
    return tuple(unreadable)


def declared_values(value: Any, where: str, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The canonical form of conditions or actions. What is cleared, such as an empty list, is left out."""
    given = checked(value, where, kinds, name="")
    canonical = {option: _declared(told, f"{where}.{option}", kinds[option]) for option, told in given.items()}
    return {option: values for option, values in canonical.items() if is_set(values)}


def _declared(value: Any, where: str, kind: Kind) -> Any:
    """The canonical form of a value. Whatever Exchange showed is taken, even if a mail flow rule could not have it."""
    if isinstance(kind, Boolean):
        return flag(value, where, None)
    if isinstance(kind, Listing):
        listed = texts(value, where)
        for address in listed if isinstance(kind, Recipients) else ():
            if not is_address(address):
                refuse(f"{where} contains {address!r}, which is not an SMTP address.")
        return listed
    if kind.spec["type"] == "str" and not isinstance(value, str):
        refuse(f"{where} must be a text, not {value!r}.", "Quote it.")
    if "choices" in kind.spec:
        return choice(value, where, kind.spec["choices"])
    try:
        return value if isinstance(kind, Text) else kind.parse(value)
    except AttributeError:
        refuse(f"{where} must be a mapping, not {value!r}.")
    except ValueError as error:
        refuse(f"{where} {error}.")
