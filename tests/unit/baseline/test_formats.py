# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of a report are those that somebody wished, and the JSON that later runs read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import FILES
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import (
    conclude,
    report_run,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import (
    report_files,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_json

from .conftest import Role

DEFAULT = {"report.html", "fleet.html", "report.json"}


@pytest.mark.parametrize(
    ("wish", "files"),
    [
        (None, DEFAULT),
        (["csv"], {"report.csv", "report.json"}),
        ("junit", {"junit.xml", "report.json"}),
        ("jsonl,csv", {"report.jsonl", "report.csv", "report.json"}),
        ("[html, csv]", {*DEFAULT, "report.csv"}),
        ([], {"report.json"}),
        (["pdf"], DEFAULT),
        ({"csv": True}, DEFAULT),
    ],
)
def test_wishes(wish: Any, files: set[str]) -> None:
    assert report_files({"reports": wish}) == files


def test_a_format_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="hardened_baseline_reports is 'pdf': use html, json, jsonl, csv or junit"):
        Role(None, str(tmp_path)).plan("audit", reports=["pdf"])


def test_the_report_of_a_run_has_no_format_that_lacks_its_last_ring(tmp_path: Path) -> None:
    """The rings' first organizations may wish for other formats."""
    role = Role(None, str(tmp_path))
    planned = role.plan("audit")
    folder = role.artifacts.folders.run_folder
    texts = dict.fromkeys([file for form in FILES.values() for file in form if file != "fleet.html"], render_json)

    def written(wish: Any) -> tuple[str, set[str], str]:
        task = role._task("audit", "recommended", {"reports": wish}, False, awx={}, hosts=["contoso"])
        task.renderers = texts
        conclude(task, planned, goes_on=False)
        page = Path(report_run(task)["report"])
        return (
            page.name,
            {name for name in os.listdir(folder) if name != "contoso"},
            (folder / "SHA256SUMS").read_text(),
        )

    page, files, sums = written(["csv", "junit"])
    assert (page, files) == ("report.json", {"report.json", "report.csv", "junit.xml", "SHA256SUMS"})
    page, files, sums = written(["html"])
    assert (page, files) == ("report.html", {"report.json", "report.html", "SHA256SUMS"})
    assert {line.split()[1] for line in sums.splitlines()} == {"report.json", "report.html"}
