# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules, for a report: sentences, the traced sample, and what the mail settled of open
questions. Private to the collection.
"""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reported import (
    evidence_headline,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.words import Record


def evidence_of(organization: Record, *, detailed: bool) -> Record | None:
    """What Exchange reports, as the page shows it; ``None`` where nobody asked.

    :param detailed: whether to show more than a line.
    """
    found = (organization.get("mail") or {}).get("evidence")
    if not found:
        return None
    if not detailed:
        return {"headline": evidence_headline(found)}
    return {
        "headline": evidence_headline(found),
        "lines": [
            *(rule["text"] for rule in found.get("rules", ())),
            *(f"{name}: {why}" for name, why in found.get("unavailable", {}).items()),
        ],
        "sample": [
            (
                ", ".join(row["rules"]) or "none",
                row.get("connector", "not shown"),
                row.get("tls", "not shown"),
                row["copies"],
            )
            for row in found.get("sample", ())
        ],
        "calibration": [
            (row["id"], "yes" if row["likely"] else "no", row["for"], row["against"])
            for row in found.get("calibration", ())
        ],
        "premises": [each["text"] for each in found.get("assumes", ())],
    }
