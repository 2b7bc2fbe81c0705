# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what two rule sets do with the same messages. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_kinds import (
    Treated,
    is_open,
    kinds_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    VALIDATIONS,
    at_least,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import NOBODY


@dataclass(frozen=True)
class Compared:
    """A recipient's copy of a message that is treated differently, or may be.

    :param kind: one of the kinds of differences.
    :param message: the message's name.
    :param before: the recipient's result before, and :param:`after` now; ``None`` for somebody who is not a recipient
        then.
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
    one, other = _treated(before or {}), _treated(after or {})
    if one == other:
        return ""
    certain = kinds_of(one, other)
    return next((kind for kind in KINDS if kind in certain), "unknown" if is_open(one, other) else "")


def _treated(result: Mapping[str, Any]) -> Treated:
    """What people see of a copy, from a recipient's result."""
    fate, protection, branding = (
        str(result.get(key, nothing)) for key, nothing in (("fate", NOBODY), ("protection", ""), ("branding", ""))
    )
    return Treated(0, fate, protection, branding, _transit(result.get("transit") or {}))


def _transit(transit: Mapping[str, Any]) -> tuple[bool | None, ...]:
    """By validation of TLS whether a copy leaves only by forced TLS that checks this."""
    if transit.get("tls") == "unknown":
        return (None,) * len(VALIDATIONS)
    checks = str(transit.get("validation", VALIDATIONS[0])) if transit.get("tls") == "forced" else ""
    return tuple(at_least(checks, least) for least in VALIDATIONS)
