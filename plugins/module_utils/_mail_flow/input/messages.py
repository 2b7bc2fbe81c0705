# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from an option, each with its expectations, and which of these a result meets."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.spelling import remedy
from ..model.connectors import VALIDATIONS
from ..model.message import Message
from ..model.outcomes import TEMPLATE, Fate, ProtectionKind, Tls
from .eml import message_from_eml
from .message_options import ABOUT_MESSAGE
from .parsing import message_of, ordinary, refuse_unknown, with_options

FATES = tuple(str(fate) for fate in Fate if fate not in (Fate.RELEASED, Fate.NOBODY))
PROTECTIONS = tuple(str(kind) for kind in ProtectionKind if kind is not ProtectionKind.SMIME_SIGNED)

#: Keys of a recipient's result that can be expected; for lists of dictionaries, with the key that identifies an entry.
KEYS = {
    **dict.fromkeys(
        (
            "fate",
            "protection",
            "protected_by",
            "protected_by_dlp",
            "label",
            "protected_on_arrival",
            "branding",
            "transit",
            "assumes",
            "after_approval",
            "after_release",
        ),
        "",
    ),
    "rules": "name",
    "opens": "way",
    "unknown": "id",
}

#: Keys of ``transit`` that can be expected, with the values of those that have no others.
TRANSIT: dict[str, tuple[str, ...]] = {
    "tls": tuple(map(str, Tls)),
    "validation": VALIDATIONS,
    "connector": (),
    "ends_at": (),
    "on_premises": (),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that is not met.

    :param path: the result's key, after the keys that lead to it: ``transit``, ``after_approval``, ``after_release``;
        empty if the recipient gets nothing.
    """

    recipient: str
    path: tuple[str, ...]
    wanted: Any
    found: Any

    @property
    def key(self) -> str:
        """The path as people read it: ``after_approval.protection``."""
        return ".".join(self.path)


def check(expect: Mapping[str, Any], message: Message, where: str) -> None:
    """Refuses an expectation that nothing could meet, by name.

    :raises OptionError: an invalid address, a key that results do not have, or a value that no result has.
    """
    if not isinstance(expect, Mapping):
        raise OptionError(f"{where} must be a mapping of addresses to what is expected of them.")
    for address, wanted in expect.items():
        if "@" not in str(address):
            raise OptionError(
                f"{where}.{address} is not an address.",
                remedy=f"Name one of the recipients: {', '.join((*message.to, *message.cc, *message.bcc))}.",
            )
        _check_result(wanted, f"{where}.{address}")


def _check_result(wanted: Any, where: str) -> None:
    if not isinstance(wanted, Mapping) or not wanted:
        raise OptionError(f"{where} must be a mapping with at least one of {', '.join(KEYS)}.")
    refuse_unknown(wanted, KEYS, f"{where}.")
    for key, choices in (("fate", FATES), ("protection", PROTECTIONS)):
        value = wanted.get(key)
        if value is not None and value not in choices and not (key == "protection" and str(value).startswith(TEMPLATE)):
            raise OptionError(f"{where}.{key} is {value!r}.", remedy=remedy(value, choices))
    if wanted.get("transit") is not None:
        _check_transit(wanted["transit"], f"{where}.transit")
    for key in ("after_approval", "after_release"):
        if wanted.get(key) is not None:
            _check_result(wanted[key], f"{where}.{key}")


def _check_transit(wanted: Any, where: str) -> None:
    if not isinstance(wanted, Mapping) or not wanted:
        raise OptionError(f"{where} must be a mapping with at least one of {', '.join(TRANSIT)}.")
    refuse_unknown(wanted, TRANSIT, f"{where}.")
    for key, value in wanted.items():
        if TRANSIT[key] and value not in TRANSIT[key]:
            raise OptionError(f"{where}.{key} is {value!r}.", remedy=remedy(value, TRANSIT[key]))


#: What an expectation finds where the answer is not known.
OPEN = "unknown"


def broken(
    expect: Mapping[str, Any],
    recipients: Mapping[str, Mapping[str, Any]],
    open_paths: Mapping[str, Collection[tuple[str, ...]]] = MappingProxyType({}),
) -> list[Broken]:
    """The expectations that are not met, in order. Somebody who is not in the result, and so gets nothing, meets none.

    :param open_paths: recipient to the paths of what is absent because it is not known.
    """
    by_address = {address.casefold(): result for address, result in recipients.items()}
    open_by_address = {address.casefold(): paths for address, paths in open_paths.items()}
    broken_expectations: list[Broken] = []
    for address, wanted in expect.items():
        result = by_address.get(str(address).casefold())
        if result is None:
            broken_expectations.append(Broken(str(address), (), dict(wanted), None))
        else:
            paths = open_by_address.get(str(address).casefold(), ())
            differences = _differences(wanted, result, paths)
            broken_expectations += [Broken(str(address), *difference) for difference in differences]
    return broken_expectations


def _differences(
    wanted: Mapping[str, Any],
    result: Mapping[str, Any],
    open_paths: Collection[tuple[str, ...]],
    path: tuple[str, ...] = (),
) -> Iterable[tuple[tuple[str, ...], Any, Any]]:
    for key, value in wanted.items():
        value_found = result.get(key)
        if value_found is None and (*path, key) in open_paths:
            value_found = OPEN
        if isinstance(value, Mapping) and key in ("transit", "after_approval", "after_release"):
            if isinstance(value_found, Mapping):
                yield from _differences(value, value_found, open_paths, (*path, key))
            else:
                yield (*path, key), dict(value), None
        elif not _is_met(key, value, value_found):
            yield (*path, key), value, value_found


def _is_met(key: str, wanted: Any, result: Any) -> bool:
    if key == "protection":
        return str(wanted).casefold() == str(result).casefold()
    if isinstance(result, list) or isinstance(wanted, list):
        wanted_list, found_list = _as_list(wanted), _as_list(result)
        return len(wanted_list) == len(found_list) and all(
            _entry_is(KEYS.get(key, ""), one, other) for one, other in zip(wanted_list, found_list, strict=True)
        )
    return bool(wanted == result)


def _as_list(value: Any) -> list[Any]:
    """The entries of a list; those of one value are itself, and those of nothing none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _entry_is(name: str, wanted: Any, entry: Any) -> bool:
    """Whether an entry of a list is the expected one. A named entry can be expected by its name, or by some of its
    keys.
    """
    if not isinstance(entry, Mapping):
        return bool(wanted == entry)
    if isinstance(wanted, Mapping):
        return all(entry.get(key) == value for key, value in wanted.items())
    return bool(entry.get(name) == wanted) and entry.get("matched", True) is True


@dataclass(frozen=True)
class Case:
    """A message, and the expectations for its recipients: address to keys of a result."""

    message: Message
    expect: Mapping[str, Any] = field(default_factory=dict)


def cases_of(
    options: Sequence[Mapping[str, Any]],
    find_file: Callable[[str], bytes],
    now: datetime.datetime,
    where: str = "messages",
    defaults: str | None = None,
) -> list[Case]:
    """The messages of an option. A message without a date passes now.

    :param where: the name of the option.
    :param defaults: what is taken of all that is not known, of messages that do not say it themselves.
    :raises OptionError: a message is invalid; the error names the option.
    """
    cases: list[Case] = []
    names: set[str] = set()
    for index, options_of_one in enumerate(options):
        at = f"{where}[{index}]."
        name = str(options_of_one["name"])
        if name in names:
            raise OptionError(
                f"{at}name is {name!r}, which another message already has.", remedy="Give each message a unique name."
            )
        names.add(name)
        fields = {key: value for key, value in options_of_one.items() if key not in ABOUT_MESSAGE and value is not None}
        if "protection" in fields:
            fields["protection"] = {key: value for key, value in fields["protection"].items() if value is not None}
        message = _message(options_of_one.get("eml_path"), fields, find_file, at, name)
        message = message if message.date else replace(message, date=now)
        message = ordinary(message) if (options_of_one.get("defaults") or defaults) == "ordinary" else message
        expect = options_of_one.get("expect") or {}
        check(expect, message, f"{at}expect")
        cases.append(Case(message, expect))
    return cases


def _message(
    path: str | None, fields: Mapping[str, Any], find_file: Callable[[str], bytes], at: str, name: str
) -> Message:
    if not path:
        return message_of(fields, at, name)
    message = message_from_eml(find_file(path), f"{at}eml_path: {path}", name)
    if not any(field in fields for field in ("to", "cc", "bcc")) and not (message.to or message.cc or message.bcc):
        raise OptionError(f"{at}eml_path: {path} names no recipient.", remedy=f"Give {at}to, {at}cc or {at}bcc.")
    return with_options(message, fields, at)
