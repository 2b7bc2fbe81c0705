# SPDX-License-Identifier: GPL-3.0-or-later
"""One report of all slices of an AWX job, whichever of them is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import (
    conclude,
    report_slices,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_json

from .conftest import Role


class Slice(Role):
    """A job of AWX with one organization."""

    def __init__(self, directory: Path, number: int, host: str) -> None:
        self.number, self.host = number, host
        super().__init__(None, str(directory))

    def begin(self, procedure: str) -> None:
        own = Path(self.directory) / f".run-{self.number}"
        own.mkdir(parents=True, exist_ok=True)
        self.artifacts = ArtifactFiles(
            self.directory,
            self.host,
            RunFolder(f"workflow7_{self.number}x", f"20261125T03000{self.number}Z", own),
            procedure,
        )

    def write_report(self, **params: Any) -> dict[str, Any]:
        """What is written after a plan; with ``run``, the report of all slices."""
        self.task.host = self.host
        self.task.params |= {"results": [], **params}
        self.task.renderers = {"report.json": render_json}
        return report_slices(self.task) if "run" in params else conclude(self.task, {}, goes_on=False)


@pytest.mark.parametrize("procedure", ["baseline", "audit"])
@pytest.mark.parametrize("known", [0, 1])
def test_a_host_without_a_report_is_named(tmp_path: Path, procedure: str, known: int) -> None:
    slices = [Slice(tmp_path, number, host) for number, host in enumerate(("contoso", "fabrikam"), 1)]
    for one in slices:
        one.plan(procedure, check=procedure == "baseline")
        one.write_report()
    merged = Slice(tmp_path, 3, "contoso")
    merged.plan(procedure, check=False)
    written = merged.write_report(run=slices[known].artifacts.run, hosts=["contoso", "fabrikam", "tailspin"])
    assert written["statuses"] == {"contoso": "drift", "fabrikam": "drift", "tailspin": "not assessable"}
    assert written["counts"] == {"drift": 2, "not assessable": 1}
    assert written["ansible_stats"]["data"]["hardened_baseline"]["run"] == written["run"] == merged.artifacts.run
    report = document_of((tmp_path / "runs" / written["run"] / "report.json").read_bytes())
    # It is of the slices' kind, although the job that merges is no check.
    assert report["kind"] == ("check" if procedure == "baseline" else procedure)
    assert "tailspin: not assessable" in "\n".join(written["lines"])
    assert (tmp_path / "latest").read_text(encoding="ascii").strip() == written["run"]


def test_without_slices_there_is_nothing_to_merge(tmp_path: Path) -> None:
    merged = Slice(tmp_path, 1, "contoso")
    merged.plan("audit")
    with pytest.raises(OptionError, match="nor of another slice"):
        merged.write_report(run="20261125T030000Z-audit-workflow7_9x", hosts=["contoso"])
