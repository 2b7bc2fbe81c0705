# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of copies from the rows that modules return, as far as tests write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.outcomes import Fate, Tls
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.copy_result import (
    CopyResult,
    MessageResult,
    Transit,
)


def copy_result(row: Mapping[str, Any]) -> CopyResult:
    """What a row says of a copy's fate, its protection, its branding, and how it leaves."""
    transit = row.get("transit")
    return CopyResult(
        Fate(row["fate"]),
        row.get("protection", ""),
        tuple(row.get("protected_by", ())),
        branding=row.get("branding", ""),
        transit=Transit(**{**transit, "tls": Tls(transit["tls"])}) if transit and "tls" in transit else None,
    )


def message_result(row: Mapping[str, Any]) -> MessageResult:
    """The same of all copies of a message."""
    return MessageResult(row["name"], {label: copy_result(each) for label, each in row["recipients"].items()})
