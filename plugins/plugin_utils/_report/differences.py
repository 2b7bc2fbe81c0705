# SPDX-License-Identifier: GPL-3.0-or-later
"""How two values of a control differ, for the page and for test results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What stands for a setting that one side does not have.
ABSENT = None


def differing(wanted: Any, actual: Any) -> list[tuple[str, Any, Any]]:
    """The settings that differ: the path, what was found, and what is wanted. A setting that one side does not have is
    ``None`` there.

    Lists of objects are compared place by place; one of them that has a name is called by it. Of an object that is to
    be and is not, or the other way round, only that is told.
    """
    return list(_differing("", wanted, actual))


def _differing(path: str, wanted: Any, actual: Any) -> Iterator[tuple[str, Any, Any]]:
    if wanted == actual:
        return
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        is_there, shall_be = actual.get("state"), wanted.get("state")
        if is_there != shall_be and "absent" in (is_there, shall_be):
            yield _joined(path, "state"), is_there, shall_be
            return
        for key in (*wanted, *(key for key in actual if key not in wanted)):
            yield from _differing(_joined(path, str(key)), wanted.get(key, ABSENT), actual.get(key, ABSENT))
    elif _are_objects(wanted) and _are_objects(actual) and len(wanted) == len(actual):
        for place, (one, other) in enumerate(zip(wanted, actual, strict=True), 1):
            yield from _differing(_joined(path, str(one.get("name") or other.get("name") or place)), one, other)
    else:
        yield path, actual, wanted


def _joined(path: str, key: str) -> str:
    return f"{path} > {key}" if path else key


def _are_objects(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(item, Mapping) for item in value)
    )
