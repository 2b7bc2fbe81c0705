# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: its definition makes a build context, and what it would install is what the collection
needs.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from .awx import AWX, COLLECTION, configuration
from .playbook import BIN, COLLECTIONS


def builder(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(BIN / "ansible-builder"), *arguments],
        cwd=directory,
        env={"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["execution-environment.yml", "execution-environment-powershell.yml"])
def test_the_definition_makes_a_build_context(tmp_path: Path, name: str) -> None:
    definition = AWX / name
    builder(
        tmp_path,
        "create",
        "--file",
        str(definition),
        "--context",
        str(tmp_path / "context"),
        "--output-filename",
        "Containerfile",
    )
    containerfile = (tmp_path / "context/Containerfile").read_text(encoding="utf-8")
    build = tmp_path / "context/_build"
    assert (
        yaml.safe_load((build / "requirements.yml").read_text(encoding="utf-8"))["collections"][0]["name"]
        == "m365.message_encryption"
    )
    assert "git" in (build / "bindep.txt").read_text(encoding="utf-8")
    assert "ansible-core>=2.19" in containerfile
    # AWX runs every job with it.
    (environment,) = configuration()["controller_execution_environments"]
    assert environment["image"] in definition.read_text(encoding="utf-8")


def test_the_second_definition_is_the_first_with_powershell(tmp_path: Path) -> None:
    first, second = (
        yaml.safe_load((AWX / f"execution-environment{suffix}.yml").read_text(encoding="utf-8"))
        for suffix in ("", "-powershell")
    )
    steps = second.pop("additional_build_steps")["append_final"]
    assert second == first
    builder(
        tmp_path,
        "create",
        "--file",
        str(AWX / "execution-environment-powershell.yml"),
        "--context",
        str(tmp_path),
        "--output-filename",
        "Containerfile",
    )
    final = (tmp_path / "Containerfile").read_text(encoding="utf-8").partition("# Final build stage")[2]
    assert all(step in final for step in steps)
    # For all users, because AWX runs jobs as another one; and it is seen to load when the image is built.
    assert "Install-PSResource -Name ExchangeOnlineManagement -Scope AllUsers" in final
    assert "Import-Module ExchangeOnlineManagement -ErrorAction Stop" in final


def test_introspection_finds_what_the_collection_needs(tmp_path: Path) -> None:
    output = builder(
        tmp_path, "introspect", str(COLLECTIONS), "--write-pip", "requirements.txt", "--write-bindep", "bindep.txt"
    )
    found = (tmp_path / "requirements.txt").read_text(encoding="utf-8")
    wanted = [
        line
        for line in (COLLECTION / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert wanted
    for line in wanted:
        assert line in found, output
    assert "ansible-core" not in found
