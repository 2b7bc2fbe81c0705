# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what two rule sets do with the same messages. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import VALIDATIONS

#: The keys of a recipient's result that say how mail is treated.
_TREATED = ("fate", "protection", "branding")

#: That it is open how a copy leaves.
OPEN = -1


@dataclass(frozen=True)
class Compared:
    """A recipient's copy of a message that is treated differently, or may be.

    :param kind: one of the kinds of differences.
    :param message: the message's name.
    :param before: the recipient's result before, and :param:`after` now; ``None`` for somebody who is not a recipient then.
    """

    kind: str
    message: str
    recipient: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def differences(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Compared]:
    """How the results of the same messages differ, the most important first."""
    found = []
    for old, new in zip(before, after, strict=True):
        for address in dict.fromkeys((*old["recipients"], *new["recipients"])):
            one, other = old["recipients"].get(address), new["recipients"].get(address)
            kind = _kind(one, other)
            if kind:
                found.append(Compared(kind, old["name"], address, one, other))
    return sorted(found, key=lambda each: KINDS.index(each.kind))


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    one, other = ({key: (result or {}).get(key) for key in (*_TREATED, "transit")} for result in (before, after))
    if _alike(one, other):
        return ""
    if not _both_definite(one, other):
        return "unknown"
    if one["fate"] != other["fate"]:
        return "delivery_lost" if one["fate"] == "delivered" else "delivery_gained" if other["fate"] == "delivered" else "fate_changed"
    if name_key(str(one["protection"])) != name_key(str(other["protection"])):
        return "protection_lost" if other["protection"] == "none" else "protection_gained" if one["protection"] == "none" else "protection_changed"
    if name_key(str(one["branding"])) != name_key(str(other["branding"])):
        return "branding_changed"
    was, now = _checked(one), _checked(other)
    return "unknown" if OPEN in (was, now) else "transit_lost" if was > now else "transit_gained"


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two copies are treated alike. The names of templates and OME configurations are compared ignoring case."""
    return all(name_key(str(one[key])) == name_key(str(other[key])) for key in _TREATED) and _checked(one) == _checked(other)


def _checked(result: Mapping[str, Any]) -> int:
    """How much the TLS checks by which a copy leaves: nothing where it is not forced, and :data:`OPEN` where that is open."""
    transit = result.get("transit") or {}
    if transit.get("tls") == "forced":
        return 1 + VALIDATIONS.index(transit.get("validation", VALIDATIONS[0]))
    return OPEN if transit.get("tls") == "unknown" else 0


def _both_definite(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether it is known for both if the copy is delivered, and if in clear. The option of protection does not matter."""
    return all(side["fate"] != "unknown" and side["protection"] != "unknown" for side in (one, other))
