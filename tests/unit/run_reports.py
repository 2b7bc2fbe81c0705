# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of runs for what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
    RunReport,
)


def run_of(*organizations: OrganizationReport | Mapping[str, Any], kind: str = "audit", **more: Any) -> RunReport:
    """The report of a run over some organizations.

    :param organizations: their reports, or the rows of these.
    """
    reports = (
        report if isinstance(report, OrganizationReport) else OrganizationReport.from_row(report)
        for report in organizations
    )
    return RunReport(
        **{
            "run": "run",
            "generated_at": "2026-11-28T20:00:00Z",
            "kind": kind,
            "organizations": tuple(reports),
            **more,
        }
    )
