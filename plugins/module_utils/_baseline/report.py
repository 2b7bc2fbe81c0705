# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: what its tasks returned, as one document. Private to the collection."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.status import ControlStatus, OrganizationStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import VERSION
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError, UnreachableError

FORMAT = 1

#: Statuses that the failure of a task replaces.
_UNSETTLED = (OrganizationStatus.NOT_ASSESSABLE, OrganizationStatus.MET, OrganizationStatus.DRIFT)
#: What a status becomes where the test of rights management fails.
_AFTER_A_FAILED_TEST = {OrganizationStatus.MET: OrganizationStatus.DRIFT, OrganizationStatus.CHANGED: OrganizationStatus.FAILED}

_EMPTY: Mapping[str, Any] = {
    "name": "",
    "display_name": "",
    "tenant_id": "",
    "connection": {},
    "controls": [],
    "observed": [],
    "changes": [],
    "mail": {},
    "findings": [],
    "accepted": [],
    "warnings": [],
    "snapshot": None,
    "snapshot_file": "",
    "digests": {"plan": "", "snapshot": "", "state": ""},
    "applied": 0,
    "not_applied": 0,
}


def organization_report(host: str, procedure: str, found: Mapping[str, Any], results: Sequence[Mapping[str, Any]], test: Mapping[str, Any]) -> dict[str, Any]:
    """What a run found and did in one organization.

    :param found: what the tasks that planned and applied have kept for the report; empty where none came so far.
    :param results: what those tasks returned, in order; those that did not run left out.
    :param test: what the test of rights management returned; empty where it did not run.
    """
    report: dict[str, Any] = {
        **_EMPTY,
        "host": host,
        "status": OrganizationStatus.NOT_ASSESSABLE,
        "message": "Its result is unknown: the run ended before its turn, or its report could not be written.",
    }
    report.update(found)
    for result in results:
        if result.get("failed"):
            message = str(result.get("msg") or "It failed.")
            report["message"] = message
            report["status"] = _status_of_failure(procedure, result) if report["status"] in _UNSETTLED else report["status"]
    if test and not test.get("skipped"):
        report["controls"] = [_tested(control, test) if control["id"] == "VRF-1" else control for control in report["controls"]]
        if not test.get("passed"):
            report["status"] = _AFTER_A_FAILED_TEST.get(report["status"], report["status"])
            report["message"] = report["message"] or str(test.get("msg") or "")
    return report


def run_report(
    kind: str,
    organizations: Sequence[Mapping[str, Any]],
    variables: Mapping[str, Any],
    awx: Mapping[str, Any],
    run: Mapping[str, Any],
) -> dict[str, Any]:
    """The report of a run over some organizations.

    :param run: ``id``, ``ansible_version``, ``command`` (what applies a check's plan; empty where nothing is to be applied) and ``approvable``.
    """
    return {
        "format": FORMAT,
        "run": run.get("id", ""),
        "command": run.get("command", ""),
        "approvable": bool(run.get("approvable")),
        "generated_at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": kind,
        "collection_version": VERSION,
        "ansible_version": run.get("ansible_version", ""),
        "change_reference": variables.get("change_reference") or "",
        "approver": variables.get("approver") or "",
        "approval_valid_until": variables.get("approval_valid_until") or "",
        "awx": dict(awx) if awx.get("job_id") else None,
        "organizations": list(organizations),
    }


def counts(report: Mapping[str, Any]) -> dict[str, int]:
    """How many organizations have which status."""
    return dict(sorted(Counter(organization["status"] for organization in report["organizations"]).items()))


def _status_of_failure(procedure: str, result: Mapping[str, Any]) -> OrganizationStatus:
    error = ExchangeError.classes.get((result.get("error") or {}).get("class", ""), ExchangeError)
    if issubclass(error, UnreachableError) or procedure == "audit":
        return OrganizationStatus.NOT_ASSESSABLE
    return OrganizationStatus.REFUSED if issubclass(error, OptionError) else OrganizationStatus.FAILED


def _tested(control: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    passed = test.get("passed")
    if passed is None:
        return {**control, "status": ControlStatus.NOT_ASSESSABLE, "findings": [str(test.get("msg") or "The test could not run.")]}
    failures = [f"{step['name']}: {step['detail']}" for step in test.get("steps", ()) if not step.get("passed", True)]
    return {
        **control,
        "status": ControlStatus.MET if passed else ControlStatus.NOT_MET,
        "wanted": "PASS",
        "found": "PASS" if passed else "FAIL",
        "findings": failures,
    }
