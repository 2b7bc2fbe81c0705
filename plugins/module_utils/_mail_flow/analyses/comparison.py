# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another rule set makes of the same messages. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import outcome_words

#: Kind of difference, the most important first, to what happens to the mail.
BECOMES = {
    "protection_lost": "is no longer encrypted",
    "delivery_lost": "is no longer delivered",
    "protection_gained": "is now encrypted",
    "delivery_gained": "is now delivered",
    "protection_changed": "is now protected differently",
    "branding_changed": "now shows a different branding or none",
    "fate_changed": "is now handled differently",
    "side_effect_changed": "is now told to others, shown to others, or sent by another way",
    "unknown": "may be treated differently",
}
KINDS = tuple(BECOMES)

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
                text = f"The message {old['name']!r} to {address} {BECOMES[kind]}: before, {_words(one)}; after, {_words(other)}."
                sides = {side: result for side, result in (("before", one), ("after", other)) if result is not None}
                found.append({"kind": kind, "text": text, **sides, "witness": {"message": old["name"], "recipient": address}})
    return sorted(found, key=lambda each: KINDS.index(each["kind"]))


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    one, other = ({key: (result or {}).get(key) for key in _TREATED} for result in (before, after))
    if _alike(one, other):
        return ""
    if not _both_definite(one, other):
        return "unknown"
    if one["fate"] != other["fate"]:
        return "delivery_lost" if one["fate"] == "delivered" else "delivery_gained" if other["fate"] == "delivered" else "fate_changed"
    if name_key(str(one["protection"])) != name_key(str(other["protection"])):
        return "protection_lost" if other["protection"] == "none" else "protection_gained" if one["protection"] == "none" else "protection_changed"
    return "branding_changed"


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two copies are treated alike. Templates and OME configurations are named without regard to case."""
    return all(name_key(str(one[key])) == name_key(str(other[key])) for key in _TREATED)


def _both_definite(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether it is known of both whether the copy is delivered, and whether in clear. With which option it is protected does not count."""
    return all(side["fate"] != "unknown" and side["protection"] != "unknown" for side in (one, other))


def _words(result: Mapping[str, Any] | None) -> str:
    return "not a recipient" if result is None else outcome_words(result)
