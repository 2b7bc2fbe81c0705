# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit that could not read what is wanted says so, and is never one that found everything as wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
    RunReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import conclude
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.junit import render_junit
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_json
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.unit.report.page import Page
from tests.unit.run_reports import run_of

from .conftest import Role

WANTED = {"encrypt_outgoing": True, "fail_on_drift": True}


@pytest.fixture(name="role")
def met(tmp_path: Path) -> Role:
    """An organization that is as wanted."""
    role = Role({"advanced_message_encryption": True}, str(tmp_path))
    role.run(encrypt_outgoing=True)
    return role


def audit(role: Role, **variables: Any) -> dict[str, Any]:
    """The result of an audit, with its failure."""
    role.plan("audit", **{**WANTED, **variables})
    role.task.params["results"] = []
    role.task.renderers = {"report.json": render_json}
    return conclude(role.task, {}, goes_on=False)


def ran(role: Role) -> RunReport:
    report = OrganizationReport.from_row({**role.report, "host": role.host})
    return run_of(report)


def withhold(role: Role, *cmdlets: str) -> None:
    role.session.organization.patch({"hidden_cmdlets": list(cmdlets)})


def test_what_is_read_and_as_wanted_is_met(role: Role) -> None:
    assert audit(role)["status"] == "met"


def test_rules_that_cannot_be_read_are_not_as_wanted(role: Role) -> None:
    withhold(role, "Get-TransportRule")
    result = audit(role)
    assert (result["status"], result["failed"]) == ("not assessable", True)
    assert result["msg"].startswith("Whether contoso meets the baseline is unknown (not assessable): MFR-1, MFR-2: ")
    assert "Get-TransportRule" in result["msg"]
    report = ran(role)
    assert report.counts == {"not assessable": 1}
    line, *below, last = lines_of(report, "report.html")
    assert line.startswith("contoso: not assessable: MFR-1, MFR-2 (")
    assert any(text.startswith("  MFR-1 not assessable: ") and "Get-TransportRule" in text for text in below)
    assert last == "1 organization: 1 not assessable. Report: report.html"


def test_controls_of_one_read_are_named_together(role: Role) -> None:
    withhold(role, "Get-IRMConfiguration")
    (line,) = [text for text in audit(role)["msg"].split(" Report: ") if "Get-IRMConfiguration" in text]
    assert "IRM-1, IRM-2, IRM-3" in line
    assert line.count("Get-IRMConfiguration") == 1


def test_without_fail_on_drift_the_status_alone_says_so(role: Role) -> None:
    withhold(role, "Get-TransportRule")
    result = audit(role, fail_on_drift=False)
    assert (result["status"], "failed" in result) == ("not assessable", False)


def excepted(control: str, until: str = "2999-01-01") -> dict[str, str]:
    return {"control": control, "reason": "partners", "owner": "desk", "until": until}


@pytest.mark.parametrize(
    "variables",
    [
        {"encrypt_outgoing": None},
        {"skip_tags": ["MFR-1", "MFR-2"]},
        {"run_tags": ["OME-1"]},
        {"skip": [excepted("MFR-1"), excepted("MFR-2")]},
    ],
    ids=["unmanaged", "left out", "not chosen", "excepted"],
)
def test_what_nobody_wants_need_not_be_read(role: Role, variables: dict[str, Any]) -> None:
    withhold(role, "Get-TransportRule")
    assert audit(role, **variables)["status"] == "met"


def test_an_exception_that_has_expired_excuses_nothing(role: Role) -> None:
    withhold(role, "Get-TransportRule")
    assert audit(role, skip=[excepted("MFR-1", "2020-01-01"), excepted("MFR-2")])["status"] == "not assessable"


def test_known_drift_is_drift_and_what_is_unknown_is_said_beside_it(role: Role) -> None:
    role.session.edit("Set-IRMConfiguration", SimplifiedClientAccessEnabled=False)
    for cmdlet, controls in (("Get-OwaMailboxPolicy", "POL-1"), ("Get-TransportRule", "MFR-1, MFR-2")):
        withhold(role, cmdlet)
        result = audit(role)
        assert result["status"] == "drift"
        named = "IRM-3 (People can encrypt in Outlook on the web)"
        assert result["msg"].startswith("contoso does not meet the baseline (drift). Not met: ")
        assert named in result["msg"]
        assert f" Not assessable: {controls}: {cmdlet}: " in result["msg"]


def test_a_test_that_failed_is_drift_and_one_that_passed_is_met(role: Role) -> None:
    sender = {"test_sender": "ada@contoso.com"}
    assert audit(role, **sender, run_tags=["VRF-1"])["status"] == "met"
    assert audit(role, **sender)["status"] == "met"
    role.session.organization.patch({"irm_test_failure": "encryption"})
    assert audit(role, **sender)["status"] == "drift"


def test_a_test_that_is_not_granted_is_not_met(role: Role) -> None:
    withhold(role, "Test-IRMConfiguration")
    with pytest.raises(CmdletNotAvailableError, match="Test-IRMConfiguration"):
        audit(role, test_sender="ada@contoso.com")
    assert role.report["status"] != "met"


def test_the_reports_agree(role: Role) -> None:
    withhold(role, "Get-TransportRule")
    audit(role)
    document = ran(role)
    text = Page(render_html(document)).text
    assert "2 controls not assessable: nothing is known of them." in text
    assert "nothing is known." not in text
    assert "Restore access" not in text
    assert 'errors="3"' in render_junit(document)


def test_a_long_finding_is_cut_between_words(role: Role) -> None:
    withhold(role, "Get-TransportRule")
    audit(role)
    report = ran(role)
    (one,) = report.organizations
    (control,) = [row for row in one.controls if row.id == "MFR-1"]
    one = replace(one, controls=(replace(control, findings=("settings " * 100,)),))
    (line,) = [
        text for text in lines_of(replace(report, organizations=(one,)), "report.html") if text.startswith("  MFR-1 ")
    ]
    assert set(line.partition("assessable: ")[2].split()) == {"settings", "…"}
