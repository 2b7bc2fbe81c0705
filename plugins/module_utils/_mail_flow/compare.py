# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another rule set makes of the same messages. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Kinds of differences, the most important first.
KINDS = (*("protection_lost", "delivery_lost", "protection_gained", "delivery_gained", "protection_changed", "branding_changed", "fate_changed", "unknown"),)

_SAYS = {
    "protection_lost": "is no longer protected",
    "delivery_lost": "is no longer delivered",
    "protection_gained": "is protected now",
    "delivery_gained": "is delivered now",
    "protection_changed": "is protected differently",
    "branding_changed": "shows another branding",
    "fate_changed": "has another fate",
    "unknown": "may be treated differently",
}

#: What of a recipient's result says how mail is treated.
_TREATED = ("fate", "protection", "branding")


def differences(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How the results of the same messages differ, the most important first: ``kind``, ``text``, ``before``, ``after``, ``witness``."""
    found = []
    for old, new in zip(before, after, strict=True):
        for address in dict.fromkeys((*old["recipients"], *new["recipients"])):
            one, other = old["recipients"].get(address), new["recipients"].get(address)
            kind = _kind(one, other)
            if kind:
                text = f"The message {old['name']!r} to {address} {_SAYS[kind]}: before {_treated(one)}; after {_treated(other)}."
                sides = {side: result for side, result in (("before", one), ("after", other)) if result is not None}
                found.append({"kind": kind, "text": text, **sides, "witness": {"message": old["name"], "recipient": address}})
    return sorted(found, key=lambda each: KINDS.index(each["kind"]))


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    one, other = ({key: (result or {}).get(key) for key in _TREATED} for result in (before, after))
    if one == other:
        return ""
    if any("unknown" in str(value) for side in (one, other) for value in (side["fate"], side["protection"])) and not _both_definite(one, other):
        return "unknown"
    if one["fate"] != other["fate"]:
        return "delivery_lost" if one["fate"] == "delivered" else "delivery_gained" if other["fate"] == "delivered" else "fate_changed"
    if one["protection"] != other["protection"]:
        return "protection_lost" if other["protection"] == "none" else "protection_gained" if one["protection"] == "none" else "protection_changed"
    return "branding_changed"


def _both_definite(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether it is known of both whether the copy is delivered, and whether in clear. With which option it is protected does not count."""
    return all(side["fate"] != "unknown" and side["protection"] != "unknown" for side in (one, other))


def _treated(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return "not sent to"
    words = [str(result["fate"]), *([f"protection {result['protection']}"] if "protection" in result else [])]
    return ", ".join([*words, *([f"branding {result['branding']}"] if "branding" in result else [])])
