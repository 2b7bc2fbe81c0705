# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says at its end: of whom, and where its files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import (
    conclude,
    report_run,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_json

from .conftest import Role


def end(role: Role, hosts: list[str]) -> dict[str, Any]:
    """The end of a run, or of its first ring where it has more hosts."""
    role.task.params |= {"results": [], "hosts": []}
    role.task.hosts = hosts
    role.task.renderers = {"report.json": render_json, "report.html": render_json}
    shown: list[str] = []
    role.task.show = shown.append
    conclude(role.task, {}, goes_on=False)
    found = report_run(role.task)
    assert shown == found["lines"]
    return found


def test_a_ring_names_its_own_organizations_and_the_last_one_counts_all(role: Role) -> None:
    role.run(change_reference="CHG-1")
    found = end(role, ["contoso", "later", "last"])
    (line,) = found["lines"]
    assert line.startswith("contoso: IRM-1 ")
    assert found["summary"].startswith("3 organizations: 1 changed, 2 not run yet. Report: ")
    first, last = end(role, ["contoso"])["lines"]
    assert first == line
    assert last.startswith("1 organization: 1 changed. Report: ")


def test_a_ring_that_ends_the_run_names_those_that_will_not_run(role: Role) -> None:
    with pytest.raises(OptionError):
        role.plan(one_time_passcode=False)
    lines = end(role, ["contoso", "later"])["lines"]
    assert lines[0].startswith("contoso: refused, nothing was written: ")
    assert lines[1] == "later: not run yet: a later ring"


@pytest.mark.parametrize(
    ("awx", "durable", "named"), [({"job_id": "41"}, False, False), ({"job_id": "41"}, True, True), ({}, False, True)]
)
def test_a_job_whose_directory_is_thrown_away_names_files_from_the_root_of_the_repository(
    role: Role, tmp_path: Path, awx: dict[str, str], durable: bool, named: bool
) -> None:
    role.plan("snapshot", awx=awx, artifacts_durable=durable, artifacts_publish="publish_git.yml")
    written = end(role, ["contoso"])
    assert written["lines"][-1].endswith(
        f"Report: {f'{tmp_path}/' if named else ''}runs/{role.artifacts.run}/report.html"
    )
    assert "snapshot-" in written["lines"][0]
    stored = (tmp_path / "runs" / role.artifacts.run / "report.json").read_text(encoding="utf-8")
    assert "organizations/contoso/snapshots/snapshot-" in stored
    assert (str(tmp_path) in stored + "".join(written["lines"])) is named


def test_a_setting_that_says_the_opposite_is_shown_as_its_variable(role: Role) -> None:
    role.run(encrypt_button=True, encrypt_only_option=False)
    (line,) = end(role, ["contoso"])["lines"][:1]
    assert "encrypt_only_option true -> false" in line
    assert role.state()["irm_configuration"]["SimplifiedClientAccessEncryptOnlyDisabled"] is True
