# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

#: The minimum similarity, from 0 to 1, at which one name counts as a misspelling of the other.
_ALIKE = 0.75


def nearest(name: str, known: Iterable[str]) -> str:
    """The closest known name; empty if none is close. PowerShell's ``SubjectContainsWords`` is close to
    ``subject_contains_words``. What all known names begin with makes none of them alike.
    """
    names = list(known)
    prefix = _shared_prefix(names)
    shared = len(prefix) if name.startswith(prefix) else 0
    by_letters = {_letters(candidate[shared:]): candidate for candidate in names}
    matches = difflib.get_close_matches(_letters(name[shared:]), by_letters, 1, _ALIKE)
    return by_letters[matches[0]] if matches else ""


def _shared_prefix(names: Sequence[str]) -> str:
    """The words that all names begin with, such as ``hardened_baseline_``."""
    first, last = (min(names), max(names)) if names else ("", "")
    same = sum(1 for _pair in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return first[: first.rfind("_", 0, same) + 1]


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: a suggestion, or only the period."""
    near = nearest(name, known)
    return f". Did you mean {near}?" if near else "."


#: Parameters and properties of mail flow rules for data loss prevention. Exchange Online takes none since November 2023.
#: The last one is a condition of Purview's own rules.
LOSS_PREVENTION = (
    "DlpPolicy",
    "MessageContainsDataClassifications",
    "MessageContainsAllDataClassifications",
    "HasSenderOverride",
    "NotifySender",
    "SenderNotificationType",
    "ContentContainsSensitiveInformation",
)


def refusal(name: str) -> str:
    """Why no option has this name of a parameter, and what there is instead; empty if nothing is known of it."""
    if re.sub(r"^exceptif", "", _letters(name)) not in _LOSS_PREVENTION:
        return ""
    return (
        "Exchange Online takes no data loss prevention in mail flow rules since November 2023. Let a DLP policy of Microsoft "
        "Purview encrypt, or use subject_or_body_matches_patterns: the guide about mail flow rules has patterns for social "
        "security, card and IBAN numbers, with their false hits"
    )


def remedy(value: Any, known: Sequence[str], otherwise: str = "") -> str:
    """The remedy for an unknown value: a suggestion, or all known values.

    :param otherwise: what to say instead of these.
    """
    near = nearest(str(value), known)
    if near:
        return f"Did you mean {near}?"
    every = f"Use one of {', '.join(known)}." if known else "There is none at all."
    return otherwise or every


#: What people call somebody, to the options for them.
_CALLED = {"sender": "from", "recipient": "to", "recipients": "to"}


def nearest_option(name: str, spec: Mapping[str, Any], where: str = "") -> str:
    """The path of the closest option: at the same level, or inside a section if ``name`` is a cmdlet parameter such as
    ``ExceptIfFrom``; empty if none is close.

    :param spec: the argument spec of the level.
    :param where: the path of the level, with a dot.
    """
    paths = {_letters(path): path for path in _paths(spec)}
    letters = re.sub(r"^exceptif", "exceptions", _letters(name))
    exact = next((option for option in spec if _letters(option) == letters), "")
    called = _CALLED.get(letters, "")
    exact = exact or (called if called in spec else "")
    inside = paths.get(letters) or next(
        (paths[section + letters] for section in ("conditions", "actions") if section + letters in paths), ""
    )
    near = exact or inside or nearest(name, spec)
    return f"{where}{near}" if near else ""


def _paths(spec: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """The path of every option, such as ``conditions.from``."""
    for option, option_spec in spec.items():
        yield f"{where}{option}"
        if option_spec.get("options") and option_spec.get("type") != "list":
            yield from _paths(option_spec["options"], f"{where}{option}.")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_LOSS_PREVENTION = frozenset(map(_letters, LOSS_PREVENTION))
