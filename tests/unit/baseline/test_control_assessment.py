# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of each control where nothing of the organization can be read, and where a run does not manage it."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.control import BaselineRequest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROLS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import ControlReport
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.control_assessment import (
    ControlAssessment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.control_selection import (
    ControlSelection,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.managed_mail_flow import (
    ManagedMailFlow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variables import profile_values
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import PermissionDeniedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)

VALUES = {name.removeprefix("hardened_baseline_"): value for name, value in profile_values("recommended").items()}
CLOSED = Organization(
    {name: Call("Get-Nothing") for name in SUBSETS},
    {name: Result(error=PermissionDeniedError("not granted.")) for name in SUBSETS},
)


def rows(selection: ControlSelection) -> dict[str, ControlReport]:
    request = BaselineRequest(selection.variables, ())
    return {row.id: row for row in ControlAssessment(selection, request, CLOSED).rows}


def test_every_control_has_a_row() -> None:
    assert list(rows(ControlSelection(VALUES))) == [control.id for control in CONTROLS]


def test_a_control_that_cannot_be_read_is_not_assessable() -> None:
    row = rows(ControlSelection(VALUES))["OME-1"]
    assert row.status is ControlStatus.NOT_ASSESSABLE
    assert row.findings


def test_a_control_that_is_not_selected_is_unmanaged() -> None:
    every = rows(ControlSelection(VALUES, ["OME-1"]))
    others = [row for name, row in every.items() if name != "OME-1"]
    assert {(row.status, row.selected) for row in others} == {(ControlStatus.UNMANAGED, False)}


def test_a_control_that_the_organization_cannot_have_has_the_status_and_the_reason_of_that() -> None:
    selection = ControlSelection(VALUES).without("OME-1", ControlStatus.NOT_APPLICABLE, "No license.")
    row = rows(selection)["OME-1"]
    assert (row.status, row.findings) == (ControlStatus.NOT_APPLICABLE, ("No license.",))


class TestMailFlow:
    def mail_flow(self, **more: Any) -> ManagedMailFlow:
        selection = ControlSelection({**VALUES, **more})
        return ManagedMailFlow(selection, BaselineRequest(selection.variables, ()))

    def test_rules_that_cannot_be_read_declare_nothing(self) -> None:
        assert self.mail_flow().declared_rules(CLOSED) == []

    def test_without_guarantees_there_are_no_verdicts_and_nothing_is_missed(self) -> None:
        mail_flow = self.mail_flow(mail_flow_guarantees=None, mail_flow_messages=None)
        assert mail_flow.guarantees(CLOSED, None) == []
        assert mail_flow.misses(CLOSED, ()) == []

    def test_evidence_is_asked_for_in_an_audit_alone(self) -> None:
        values = {**VALUES, "evidence_days": 7}
        audited = [ControlSelection(values, audits=audits) for audits in (False, True)]
        days = [ManagedMailFlow(selection, BaselineRequest(values, ())).evidence_days for selection in audited]
        assert days == [0, 7]
