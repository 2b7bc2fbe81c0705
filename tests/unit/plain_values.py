# SPDX-License-Identifier: GPL-3.0-or-later
"""Results hold plain values: a text that is a member of an enumeration cannot be written as YAML, nor sent by Ansible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: A member of an enumeration is an instance of str, too, so that the class itself counts.
_PLAIN = (str, int, float, bool, type(None))


def not_plain(value: Any, path: str = "result") -> Iterator[str]:
    """Where a result holds something other than plain values, with its type."""
    if value.__class__ is dict:
        for key, each in value.items():
            yield from not_plain(key, f"{path}: the key {key!r}")
            yield from not_plain(each, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for place, each in enumerate(value):
            yield from not_plain(each, f"{path}[{place}]")
    elif type(value) not in _PLAIN:
        yield f"{path} is a {type(value).__name__}"
