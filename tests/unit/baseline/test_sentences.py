# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a run: what happened, of what it is said, and nothing that soothes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.sentences import lines_of


def change(option: str = "enabled", before: Any = False, after: Any = True, control: str = "MFR-1", state: str = "planned") -> dict[str, Any]:
    row = {"resource": "ome_transport_rule", "identity": "r", "option": option, "before": before, "after": after, "control": control, "state": state}
    return {**row, "impact": "", "rollback": "exact", "command": "Set-TransportRule"}


def organization(status: str = "met", controls: str = "", **more: Any) -> dict[str, Any]:
    rows = [dict(zip(("id", "status"), row.split("="), strict=True)) for row in controls.split(",") if row]
    return {"host": "contoso", "status": status, "controls": rows, "changes": [], "findings": [], "message": "", "snapshot_file": "", **more}


def line(kind: str, **fields: Any) -> str:
    return lines_of({"kind": kind, "organizations": [organization(**fields)]}, "report.html")[0]


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("audit", {"controls": "OME-1=met,MFR-1=unmanaged,POL-2=unmanaged"}, "contoso: as wanted (1 of 3 controls looked at)"),
        # What is not known is no good news.
        ("audit", {"controls": "OME-1=met,POL-2=not assessable"}, "contoso: not assessable: POL-2 (1 of 2 controls looked at)"),
        (
            "audit",
            {"status": "drift", "controls": "MFR-1=not met,MFR-2=not met", "changes": [change()]},
            "contoso: drift: MFR-1 enabled of 'r' is false, not true; not met: MFR-2 (2 of 2 controls looked at)",
        ),
        (
            "audit",
            {"status": "drift", "changes": [change("exceptions.subject_contains_words", ["offer"], None)]},
            """contoso: drift: MFR-1 exceptions.subject_contains_words of 'r' is ["offer"], and should not be set""",
        ),
        (
            "apply",
            {"status": "changed", "changes": [change(state="stored")], "snapshot_file": "s.json"},
            "contoso: MFR-1 enabled of 'r' false -> true; snapshot s.json",
        ),
        ("snapshot", {"snapshot_file": "s.json"}, "contoso: snapshot s.json"),
        ("rollback", {}, "contoso: nothing to put back"),
        ("check", {"status": "refused", "findings": [{"id": "IRM-5"}]}, "contoso: refused, nothing was written: IRM-5"),
        ("audit", {"status": "not assessable", "message": "no line\nmore"}, "contoso: not assessable: no line"),
    ],
)
def test_a_line(kind: str, fields: dict[str, Any], text: str) -> None:
    assert line(kind, **fields) == text


def test_a_rule_that_is_made_is_one_change() -> None:
    rows = [change("state", "absent", "present"), change("mode", None, "Enforce"), change("conditions.from_scope", None, "InOrganization")]
    assert line("check", status="drift", changes=rows) == "contoso: would change: MFR-1 'r' created"
    assert line("audit", status="drift", changes=rows) == "contoso: drift: MFR-1 'r' is missing"


def test_the_last_line_counts_those_that_need_somebody_first() -> None:
    organizations = [organization("met"), *(organization("drift", host=f"o{number}", changes=[change()]) for number in range(13))]
    *lines, more, last = lines_of({"kind": "audit", "organizations": organizations}, "report.html")
    assert [text.partition(":")[0] for text in lines] == [f"o{number}" for number in range(12)]
    assert more == "2 more organizations are in the report."
    assert last == "14 organizations: 13 drifted, 1 as wanted. Report: report.html"
