# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a document is what was written into it, in the same order; and what is none is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import PlannedChange
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
    run_report_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import read_snapshot
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import report_run
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
    document_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from tests.unit.run_reports import run_of

from .conftest import Role

RULE = {
    "name": "ours",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
SKIP = [{"control": "OME-1", "reason": "partners", "owner": "desk", "until": "2999-01-01"}]


def same(first: Any, second: Any) -> bool:
    """Also in the order of keys."""
    return json.dumps(first) == json.dumps(second)


def snapshot(role: Role) -> dict[str, Any]:
    return document_of(Path(role.run(encryption_rules=[RULE], skip=SKIP)["snapshot"]).read_bytes())


def test_a_snapshot(role: Role) -> None:
    document = snapshot(role)
    assert document["plan"]["changes"]
    assert same(read_snapshot(document, "s.json").as_dict(), document)


@pytest.mark.parametrize("part", ["id", "order", "state", "plan", "unavailable", "created_at", "approved_plan"])
def test_what_is_no_snapshot_is_named(role: Role, part: str) -> None:
    document = snapshot(role)
    for value in (7, ["x"], {"changes": []}):
        with pytest.raises(OptionError, match=r"s\.json does not match its own digest"):
            read_snapshot({**document, part: value}, "s.json")


@pytest.mark.parametrize("procedure", ["baseline", "audit", "snapshot", "rollback", "disable"])
def test_the_report_of_an_organization(role: Role, procedure: str) -> None:
    role.run(encryption_rules=[RULE], skip=SKIP)
    role.session.edit("Set-IRMConfiguration", SimplifiedClientAccessEnabled=False)
    written = {
        "baseline": {"encryption_rules": [RULE], "skip": SKIP},
        "disable": {"confirm_disable": "contoso.onmicrosoft.com"},
    }.get(procedure, {})
    role.plan(procedure, check=True, **written)
    assert role.report["changes"] or procedure == "snapshot"
    assert same(OrganizationReport.from_row(role.report).as_row(), role.report)


def test_a_report_of_which_nothing_is_known() -> None:
    report = OrganizationReport(host="contoso")
    assert OrganizationReport.from_row(report.as_row()) == report


Ruin = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    "ruin",
    [
        lambda report: report.pop("status"),
        lambda report: report.update(status="fine"),
        lambda report: report.update(changes=[{}]),
        lambda report: report["changes"][0].update(impact="mild"),
        lambda report: report["changes"][0].update(option=7),
        lambda report: report["controls"][0].pop("status"),
        lambda report: report["controls"][0].update(more=1),
        lambda report: report["digests"].update(more=1),
        lambda report: report.update(findings=[7]),
        lambda report: report.update(connection={"host": "x"}),
        lambda report: report.update(more=1),
        lambda report: report.update(name=5),
        lambda report: report.update(tenant_id=["x"]),
        lambda report: report.update(host=None),
        lambda report: report.update(rules=[5]),
        lambda report: report.update(rules=[{"guid": "x"}]),
        lambda report: report.update(observed=["x"]),
    ],
)
def test_what_is_no_report_is_named(role: Role, ruin: Ruin) -> None:
    role.plan(check=True)
    report = role.report
    ruin(report)
    with pytest.raises(ValueError, match="OrganizationReport"):
        OrganizationReport.from_row(report)
    document = {**run_of().as_row(), "organizations": [report]}
    with pytest.raises(OptionError, match="runs/1 contains a report that this version of the collection cannot read"):
        run_report_of(document, "runs/1")


def test_the_report_of_a_run_names_what_it_cannot_read(role: Role) -> None:
    role.plan(check=True)
    role.task.params |= {"hosts": ["contoso"], "awx": {}}
    folder = Path(role.directory) / "runs" / role.artifacts.run / "contoso"
    (folder / "report.json").write_text(document_text(run_of().as_row() | {"format": 2}))
    with pytest.raises(OptionError, match="contains a report that this version of the collection cannot read"):
        report_run(role.task)


@pytest.mark.parametrize("row", [None, [], {}, {"control": "MFR-1"}])
def test_what_is_no_change_is_named(row: Any) -> None:
    with pytest.raises(ValueError, match="it is not a change"):
        PlannedChange.from_row(row)
