# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who outside can read what in clear, as rows of results and as lines of a terminal. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import Cell
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import as_row

#: Kind of mail to how it is called.
KINDS_OF_MAIL = {
    "from_inside": "Mail from inside",
    "automatic_reply": "Automatic replies",
    "forwarded": "Forwarded mail",
    "with_attachment": "Mail with an attachment",
    "over_25_mb": "Mail over 25 MB",
}

#: How a cell is said of several destinations.
_SAID = {
    "always": "always protected to",
    "never": "never protected to",
    "depends": "it depends for",
    "unknown": "unknown for",
}


def overview_rows(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """The cells as results have them: ``kind_of_mail``, ``destination``, ``protected``, ``on``, ``witness`` and, where
    that is unknown, ``unknown``.
    """
    return [_row(cell) for cell in cells]


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {"kind_of_mail": cell.kind, "destination": cell.destination, "protected": cell.protected}
    row |= {"on": list(cell.on)} if cell.on else {}
    row |= {"witness": dict(cell.witness)} if cell.witness else {}
    return {**row, "unknown": list(map(as_row, cell.unknown))} if cell.unknown else row


def reach_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each kind of mail, and one before them."""
    if rows:
        yield "Who outside can read what in clear (protected: encrypted, by forced TLS only, or not delivered):"
    for kind, name in KINDS_OF_MAIL.items():
        found = {
            verdict: [
                str(row["destination"]) for row in rows if (row["kind_of_mail"], row["protected"]) == (kind, verdict)
            ]
            for verdict in _SAID
        }
        said = [
            f"{_SAID[verdict]} {listed(destinations, joint='and')}"
            for verdict, destinations in found.items()
            if destinations
        ]
        if found["unknown"]:
            ids = sorted({each["id"] for row in rows if row["kind_of_mail"] == kind for each in row.get("unknown", ())})
            said[-1] += f" ({', '.join(ids)})" if ids else ""
        if said:
            yield f"  {name}: {'; '.join(said)}."
