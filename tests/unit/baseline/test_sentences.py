# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a run: what happened, of what it is said, and nothing that soothes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import terminal_lines
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import PlannedChange
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    ControlReport,
    OrganizationReport,
    RunReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import (
    ChangeState,
    ControlStatus,
    OrganizationStatus,
    RollbackClass,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import (
    attention_lines,
    lines_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact

from tests.unit.run_reports import run_of


def change(
    option: str = "enabled",
    before: Any = False,
    after: Any = True,
    control: str = "MFR-1",
    state: ChangeState = ChangeState.PLANNED,
) -> PlannedChange:
    about = {"control": control, "rollback": RollbackClass.EXACT, "command": "Set-TransportRule", "state": state}
    return PlannedChange("ome_transport_rule", "r", option, before, after, **about)


def control(id_: str, status: str) -> ControlReport:
    return ControlReport(id_, id_, True, ControlStatus(status), None, None, "", "", "", "", "", None)


def organization(status: str = "met", controls: str = "", **more: Any) -> OrganizationReport:
    rows = tuple(control(*row.split("=")) for row in controls.split(",") if row)
    return OrganizationReport(
        **{"host": "contoso", "message": "", **more, "status": OrganizationStatus(status), "controls": rows}
    )


def because(found: OrganizationReport, why: str) -> OrganizationReport:
    """The same with a reason beside each control."""
    return replace(found, controls=tuple(replace(each, findings=(why,)) for each in found.controls))


def run(kind: str, organizations: Sequence[OrganizationReport]) -> RunReport:
    return run_of(*organizations, kind=kind)


def line(kind: str, **fields: Any) -> str:
    return lines_of(run(kind, [organization(**fields)]), "report.html")[0]


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (
            "audit",
            {"controls": "OME-1=met,MFR-1=unmanaged,POL-2=unmanaged"},
            "contoso: as wanted (1 of 3 controls looked at)",
        ),
        # What is not known is no good news.
        (
            "audit",
            {"controls": "OME-1=met,POL-2=not assessable"},
            "contoso: not assessable: POL-2 (1 of 2 controls looked at)",
        ),
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
            {"status": "changed", "changes": [change(state=ChangeState.STORED)], "snapshot_file": "s.json"},
            "contoso: MFR-1 enabled of 'r' false -> true; snapshot s.json",
        ),
        ("snapshot", {"snapshot_file": "s.json"}, "contoso: snapshot s.json"),
        ("rollback", {}, "contoso: nothing to put back"),
        (
            "check",
            {"status": "refused", "findings": [Finding("IRM-5", "It.")]},
            "contoso: refused, nothing was written: IRM-5",
        ),
        (
            "apply",
            {
                "status": "refused",
                "findings": [
                    Finding("approved_plan", "It."),
                    Finding("IRM-5", "It."),
                    Finding("approved_plan", "And that."),
                ],
            },
            "contoso: refused, nothing was written: the plan is not approved; IRM-5",
        ),
        (
            "rollback",
            {
                "status": "refused",
                "findings": [Finding("rollback", "It."), Finding.acceptable("rollback", "It.", "irreversible")],
            },
            "contoso: refused, nothing was written: somebody changed something since; a change could not be rolled back",
        ),
        # A callback need not show the error of the task.
        (
            "audit",
            {"status": "not assessable", "message": "no line\nmore"},
            "contoso: not assessable: no line",
        ),
    ],
)
def test_a_line(kind: str, fields: dict[str, Any], text: str) -> None:
    assert line(kind, **fields) == text


def test_every_status_that_is_not_met_says_why() -> None:
    rows = (
        replace(control("MFR-1", "not met"), findings=("'r' is disabled.", "'s' has expired.", "And more.")),
        replace(control("MFR-2", "not assessable"), findings=("It cannot be told.\nMore lines.",)),
        replace(control("OME-1", "not met"), findings=("A change says it.",)),
        replace(control("IRM-1", "met"), findings=("A remark.",)),
    )
    report = replace(organization("drift", changes=(change(control="OME-1"),)), controls=rows)
    _line, *below, _last = lines_of(run("audit", [report]), "report.html")
    assert below == [
        "  MFR-1 not met: 'r' is disabled. 's' has expired. (1 more in the report)",
        "  MFR-2 not assessable: It cannot be told.",
    ]


def test_every_finding_that_is_not_of_a_control_has_words() -> None:
    texts = [path.read_text("utf-8") for path in Path(terminal_lines.__file__).parents[1].rglob("*.py")]
    ids = {name for text in texts for name in re.findall(r'Finding(?:\.acceptable)?\(\s*"(\w+)"', text)}
    assert ids | {"rollback"} == set(terminal_lines.REFUSALS)


def test_a_rule_that_is_made_is_one_change() -> None:
    rows = [
        change("state", "absent", "present"),
        change("mode", None, "Enforce"),
        change("conditions.from_scope", None, "InOrganization"),
    ]
    assert line("check", status="drift", changes=rows) == "contoso: would change: MFR-1 'r' created"
    assert line("audit", status="drift", changes=rows) == "contoso: drift: MFR-1 'r' is missing"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("check", "azure_rms_licensing true -> false"), ("audit", "azure_rms_licensing is true, not false")],
)
def test_what_turns_encryption_off_is_never_cut(kind: str, text: str) -> None:
    rows = [
        replace(change("state", "present", "absent"), identity=f"r{number}", impact=Impact.DELETES)
        for number in range(6)
    ]
    off = replace(
        change("azure_rms_licensing_enabled", True, False, "IRM-1"),
        resource="irm_configuration",
        identity="",
        impact=Impact.TAKES_AWAY,
    )
    told = line(kind, status="drift", changes=[*rows, off])
    assert f"IRM-1 {text}; MFR-1 'r0' " in told
    assert told.endswith("; and 2 more")
    # Drift is planned the other way round.
    assert "IRM-1 azure_rms_licensing is false, not true" in line(
        "audit", status="drift", changes=[*rows, replace(off, before=False, after=True)]
    )


def test_what_is_cut_is_what_matters_least() -> None:
    rows = [change(f"option{number}") for number in range(6)]
    worst = replace(change("exceptions.subject_contains_words", None, ["x"]), impact=Impact.IN_CLEAR)
    told = line("check", status="drift", changes=[*rows, worst])
    assert (
        told.index("exceptions.subject_contains_words")
        < told.index("option0")
        < told.index("option3")
        < told.index("and 2 more")
    )


def test_the_last_line_counts_those_that_need_somebody_first() -> None:
    organizations = [
        organization("met"),
        *(organization("drift", host=f"o{number}", changes=[change()]) for number in range(13)),
    ]
    *lines, too, more, last = lines_of(run("audit", organizations), "report.html")
    assert [text.partition(":")[0] for text in lines] == [f"o{number}" for number in range(12)]
    assert (too, more) == ("Drifted, too: o12.", "1 more organization is in the report.")
    assert last == "14 organizations: 13 drifted, 1 as wanted. Report: report.html"


def test_drift_comes_before_what_nobody_knows_and_is_never_hidden() -> None:
    """In the lines, in the last one, and in a mail."""
    unknown = [
        organization("not assessable", host=f"u{number}", controls="VRF-2=not assessable") for number in range(22)
    ]
    drifted = [
        organization("drift", host=f"d{number}", changes=[change()], controls="MFR-1=not met") for number in range(14)
    ]
    report = run("audit", [*unknown, organization("met"), *drifted, organization("refused", host="r")])
    lines = lines_of(report, "report.html")
    assert [text.partition(":")[0] for text in lines[:12]] == ["r", *(f"d{number}" for number in range(11))]
    assert lines[12:] == [
        "Drifted, too: d11, d12, d13.",
        "23 more organizations are in the report.",
        "38 organizations: 1 refused, 14 drifted, 22 not assessable, 1 as wanted. Report: report.html",
    ]
    mail = attention_lines(report)
    assert mail[:12] == lines[:12]
    assert mail[12:] == ["Drifted, too: d11, d12, d13.", "22 more organizations are in the report."]


def test_of_an_organization_what_is_not_met_comes_before_what_nobody_knows() -> None:
    found = because(organization("drift", "MFR-1=not assessable,MFR-2=not met"), "why")
    first, *below, _last = lines_of(run("audit", [found]), "report.html")
    assert first.startswith("contoso: not met: MFR-2; not assessable: MFR-1")
    assert below == ["  MFR-2 not met: why", "  MFR-1 not assessable: why"]


def test_a_mail_names_organizations_controls_and_reasons_but_no_address() -> None:
    why = "'Bank': mail from ann@contoso.com to 'o.b@fabrikam.com'; it leaves as <x+y@fabrikam.com>."
    needy = because(organization("drift", "MFR-2=not met"), why)
    assert attention_lines(run("audit", [needy, organization("met", host="fine")])) == [
        "contoso: not met: MFR-2 (1 of 1 controls looked at)",
        "  MFR-2 not met: 'Bank': mail from (an address) to '(an address)'; it leaves as <(an address)>.",
    ]
    assert attention_lines(run("audit", [organization("met"), organization("changed", host="other")])) == []
    refused = organization("refused", findings=[Finding("IRM-5", "enabled would become true. ann@contoso.com knows.")])
    assert attention_lines(run("check", [refused])) == [
        "contoso: refused, nothing was written: IRM-5",
        "  IRM-5: enabled would become true. (an address) knows.",
    ]


def test_an_organization_of_a_later_ring_has_not_failed() -> None:
    organizations = [
        organization("not assessable", host="later", waits=True),
        organization("changed", changes=[change(state=ChangeState.STORED)]),
    ]
    first, second, last = lines_of(run("apply", organizations), "report.html")
    assert first.startswith("contoso: ")
    assert second == "later: not run yet: a later ring"
    assert last == "2 organizations: 1 changed, 1 not run yet. Report: report.html"


@pytest.mark.parametrize("kind", ["check", "apply", "audit"])
def test_an_organization_that_is_not_met_and_would_not_change_is_not_counted_as_if_it_would(kind: str) -> None:
    """A rule that is as declared but switched off."""
    organizations = [
        organization("drift", "MFR-1=not met"),
        organization("drift", "OME-1=not met", host="other", changes=[change()]),
    ]
    _other, told, last = lines_of(run(kind, organizations), "report.html")
    assert told == "contoso: not met: MFR-1 (1 of 1 controls looked at)"
    assert (
        last == f"2 organizations: 1 {'drifted' if kind == 'audit' else 'would change'}, 1 not met. Report: report.html"
    )


def test_a_snapshot_counts_snapshots_whatever_is_met() -> None:
    organizations = [
        organization("drift", "MFR-1=not met", snapshot_file="s.json"),
        organization("met", snapshot_file="t.json"),
    ]
    assert (
        lines_of(run("snapshot", organizations), "report.html")[-1]
        == "2 organizations: 2 with a snapshot. Report: report.html"
    )
