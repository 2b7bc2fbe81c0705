# SPDX-License-Identifier: GPL-3.0-or-later
"""What the compliance endpoint shows and nobody here can read: named, and never dropped.

A policy, rule or label with such a part is shown with all else that it says. What depends on the part is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: JSON texts are read up to this depth and length. Microsoft documents no limit; its own portal writes a tenth of it.
MOST_NESTED = 64
MOST_CHARACTERS = 1 << 20

#: A level of conditions is a mapping and its list; the last one has a value of its own.
_MOST_BRACKETS = 2 * MOST_NESTED + 12

#: A whole string of JSON, an opening and a closing bracket. An unfinished string reaches to the end of the text, so that
#: every character is looked at once.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A property that was not understood.

    :param property: Exchange's name of it.
    :param parts: the keys of the policy, rule or label that it may belong to, such as ``conditions``. A property that
        is newer than this collection may be a condition or an action.
    :param reason: why, as a clause.
    """

    property: str
    parts: tuple[str, ...]
    reason: str

    def describe(self) -> dict[str, Any]:
        """Its form in results and facts."""
        return {"property": self.property, "parts": list(self.parts), "reason": self.reason}


def bounded_json(text: str) -> Any:
    """What a JSON text holds.

    :raises ValueError: it is no JSON, or longer or deeper than anything that is read; the text says which.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, and at most {MOST_CHARACTERS} are read")
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        if token[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    if deepest > _MOST_BRACKETS:
        raise ValueError(f"it is nested more than {MOST_NESTED} levels deep")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("it is not JSON") from error


def plain(value: Any) -> Any:
    """A structure of Exchange's with its keys in lower case and its values as texts, however a wire carried it. Keys
    without a value are left out.

    :raises ValueError: it is deeper than anything that is read.
    """
    return _plain(value, MOST_NESTED)


def _plain(value: Any, levels: int) -> Any:
    if levels < 0:
        raise ValueError(f"it is nested more than {MOST_NESTED} levels deep")
    if isinstance(value, Mapping):
        return {str(key).lower(): _plain(content, levels - 1) for key, content in value.items() if content is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(member, levels - 1) for member in value]
    return str(value)
