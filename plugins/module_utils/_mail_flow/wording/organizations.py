# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two organizations differ, as results and lines of a terminal have it. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.organizations import Contrast
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.overview import (
    KINDS_OF_MAIL,
    overview_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_contrast

_PROTECTED = {
    "always": "always protected",
    "never": "never protected",
    "depends": "protected or not, which depends on rules",
    "unknown": "unknown",
}


def contrast_row(found: Contrast) -> dict[str, Any]:
    """Where they differ, as results have it: ``overview`` (``kind_of_mail``, ``destination``, ``text``, ``before``,
    ``after``), ``only_before`` and ``only_after`` (sentences about what rules do, as :func:`policy_rows` makes them).
    """
    rows = []
    for pair in found.cells:
        before, after = overview_rows(pair)
        mail, where = KINDS_OF_MAIL[before["kind_of_mail"]], before["destination"]
        text = f"{mail} to {where}: before, {_PROTECTED[before['protected']]}; after, {_PROTECTED[after['protected']]}."
        rows.append(
            {
                "kind_of_mail": before["kind_of_mail"],
                "destination": where,
                "text": text,
                "before": before,
                "after": after,
            }
        )
    only_before, only_after = policy_contrast(*found.does)
    return {"overview": rows, "only_before": only_before, "only_after": only_after}


def contrast_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines for a terminal."""
    if not any(row.values()):
        yield "The two organizations treat mail alike, as far as this compares."
        return
    yield "Where the two organizations differ, each with its own facts:"
    yield from (f"  {each['text']}" for each in row["overview"])
    for name, key in (("Only before", "only_before"), ("Only after", "only_after")):
        yield from (f"  {name}: {each['text']}" for each in row[key])
