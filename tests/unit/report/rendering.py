# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages and files of reports in their written form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import RunReport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report import (
    first_screen,
    fleet,
    junit,
    report_data,
    run_page,
)

Written = Mapping[str, Any]


def render_html(report: Written) -> str:
    return run_page.render_html(RunReport.from_row(report))


def render_fleet(report: Written) -> str:
    return fleet.render_fleet(RunReport.from_row(report))


def render_csv(report: Written) -> str:
    return report_data.render_csv(RunReport.from_row(report))


def render_lines(report: Written) -> str:
    return report_data.render_lines(RunReport.from_row(report))


def render_junit(report: Written) -> str:
    return junit.render_junit(RunReport.from_row(report))


def answers_of(report: Written) -> list[first_screen.Answer]:
    return first_screen.answers_of(RunReport.from_row(report))
