# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of earlier runs, as somebody may have left them: what is no report is refused with its name, and nothing
waits or is written.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import document_text
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.pages import runs_in

NAME = "20261125T030000Z-audit-1a"
ORGANIZATION = OrganizationReport(host="contoso", name="contoso.onmicrosoft.com").as_row()


def artifacts(directory: Path) -> ArtifactFiles:
    return ArtifactFiles(str(directory), "history", RunFolder("2b", "20261126T030000Z", directory / "own"), "history")


def report(**more: Any) -> dict[str, Any]:
    return {
        "kind": "audit",
        "generated_at": "2026-11-25T03:00:00Z",
        "run": NAME,
        "organizations": [ORGANIZATION],
        **more,
    }


def place(directory: Path) -> Path:
    """Where a run's report lies."""
    (directory / "runs" / NAME).mkdir(parents=True)
    return directory / "runs" / NAME / "report.json"


def test_a_report_is_read(tmp_path: Path) -> None:
    place(tmp_path).write_text(document_text(report()), encoding="ascii")
    ((look,),) = runs_in(artifacts(tmp_path))
    assert (look.at, look.run, look.host) == ("2026-11-25T03:00:00Z", NAME, "contoso")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON, or is truncated"),
        (document_text(report())[:200], "is not JSON, or is truncated"),
        ("[" * 100_000, "is not JSON, or is truncated"),
        (document_text(report()).replace('"kind"', '"kind": "check", "kind"', 1), "the key 'kind' twice"),
        (document_text(report(generated_at="yesterday")), "is not the report of a run"),
        (document_text(report(generated_at=5)), "is not the report of a run"),
        (document_text(report(kind=None)), "is not the report of a run"),
        (document_text(report(organizations=5)), "cannot read"),
        (document_text(report(organizations=[{"host": "contoso"}])), "cannot read"),
        (document_text(report(organizations=[{**ORGANIZATION, "mood": "good"}])), "cannot read"),
        (document_text(report(mood="good")), "cannot read"),
        (document_text(report(format=2)), "cannot read"),
        (document_text(report(format="1")), "cannot read"),
        (document_text(report(format=None)), "cannot read"),
    ],
)
def test_what_is_no_report_is_refused_with_what_to_do(tmp_path: Path, content: str, said: str) -> None:
    file = place(tmp_path)
    file.write_text(content, encoding="ascii")
    with pytest.raises(OptionError) as refused:
        list(runs_in(artifacts(tmp_path)))
    assert str(file) in str(refused.value)
    assert said in str(refused.value)
    assert "Remove" in refused.value.remedy
    assert sorted(path.name for path in file.parent.iterdir()) == ["report.json"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(place(tmp_path))
    with pytest.raises(OptionError, match="Not a regular file"):
        list(runs_in(artifacts(tmp_path)))
