# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report after the writes: controls and mail as read since, not as planned. Private to the collection."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import (
    read_with_people,
    verdict_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline import observed
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.functional_test import (
    CONTROL as TESTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import Procedure
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Session
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import UNREAD, Organization


def reassessed(procedure: Procedure, report: OrganizationReport, organization: Organization) -> OrganizationReport:
    """The report of a finished run. The effect on mail stays as planned; guarantees are proved again from what was
    read.
    """
    if not report.controls:
        return report
    report = _assessed(procedure, report, organization)
    planned = {row["name"]: row.get("before", row["verdict"]) for row in report.mail.get("guarantees", ())}
    rows = verdict_rows(
        ({"verdict": planned.get(row["name"], row["verdict"])}, row) for row in procedure.guarantees(organization, None)
    )
    return replace(report, mail={**report.mail, **({"guarantees": rows} if rows else {})})


def after_failure(session: Session, procedure: Procedure, report: OrganizationReport) -> OrganizationReport:
    """The report of a failed run. Since its plan is incomplete or was rolled back, the planned effect on mail is left
    out.
    """
    try:
        organization = read_with_people(session, UNREAD, procedure.subsets, procedure.promised)
        report = _assessed(procedure, report, organization)
        return replace(report, mail=procedure.mail(organization, Plan()))
    except ExchangeError as error:
        return unassessed(replace(report, mail={}), error)


def unassessed(report: OrganizationReport, error: ExchangeError) -> OrganizationReport:
    """The report if nothing could be read after the writes: nothing of what was planned is known."""
    why = f"It could not be read after the changes: {error.message}"
    foreseen = (ControlStatus.MET, ControlStatus.NOT_MET)
    controls = [
        replace(row, status=ControlStatus.NOT_ASSESSABLE, found=None, findings=(why,))
        if row.status in foreseen
        else row
        for row in report.controls
    ]
    return replace(
        report,
        controls=tuple(controls),
        mail={key: rows for key, rows in report.mail.items() if key.startswith("difference")},
    )


def _assessed(procedure: Procedure, report: OrganizationReport, organization: Organization) -> OrganizationReport:
    if not report.controls:
        return report
    # What failed the functional test has failed it, even if it was rolled back since.
    failed = {row.id: row for row in report.controls if row.id == TESTED and row.status is ControlStatus.NOT_MET}
    controls = tuple(failed.get(row.id, row) for row in procedure.assess(organization))
    return replace(report, controls=controls, observed=tuple(observed(organization)))
