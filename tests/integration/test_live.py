# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live tests, on an emulated organization: they refuse without the word, ask over both wires, and put everything back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.emulator.organization import default_state

from .playbook import COLLECTIONS, ROOT
from .tenant import WIRES

NAME = "contoso.onmicrosoft.com"


def live(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.live", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(COLLECTIONS), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["--organization", NAME], ["--organization", NAME, "--confirm", "fabrikam.onmicrosoft.com"]])
def test_without_the_word_nothing_happens(arguments: list[str]) -> None:
    done = live(*arguments)
    assert done.returncode == 2
    assert "name it twice" in done.stderr


@pytest.mark.parametrize("output", ["bytes", "url"])
def test_everything_is_asked_over_both_wires_and_put_back(tmp_path: Path, output: str) -> None:
    with Emulator([default_state(NAME) | {"image_output": output}], directory=tmp_path / "emulator") as emulator:
        organization = emulator.organizations[NAME]
        emulator.service.edit(organization, "Set-OMEConfiguration", {"Identity": "OME Configuration", "PortalText": "Hello", "BackgroundColor": "red"})
        before = organization.dump()
        described = emulator.describe()
        for wire in ("rest", "psrp"):
            given = WIRES[wire](described, described["organizations"][0])
            (tmp_path / "variables.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
            report = tmp_path / f"{wire}.md"
            done = live("--organization", NAME, "--confirm", NAME, "--variables", str(tmp_path / "variables.yml"), "--wires", wire, "--report", str(report))
            assert done.returncode == 0, done.stderr + report.read_text(encoding="utf-8")
            text = report.read_text(encoding="utf-8")
            assert "Restored: yes." in text
            assert "it ended:" not in text
            assert "| changed, changed, not changed | changed, changed, not changed |" in text
            expected = "Image holds the same bytes" if output == "bytes" else "Image holds nothing; ImageUrl holds an address"
            assert expected in text
            assert "Hello" not in text, "the report shows what the organization has stored"
            after = organization.dump()
            assert after["transport_rules"] == before["transport_rules"] == []
            assert after["ome_configurations"] == before["ome_configurations"]


def test_an_organization_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    done = live("--organization", NAME, "--confirm", NAME, "--report", str(tmp_path / "report.md"))
    assert done.returncode == 1
    assert "No credential" in done.stderr or "ansible_exchange_" in done.stderr
