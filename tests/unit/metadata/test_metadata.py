# SPDX-License-Identifier: GPL-3.0-or-later
"""What galaxy.yml, meta and the requirements say, beside what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
MODULES = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def requirements(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    return {requirement.name: requirement for requirement in parsed}


def test_every_module_is_in_the_action_group() -> None:
    group = load("meta/runtime.yml")["action_groups"]["exchange"]
    assert group == sorted(group)
    assert set(group) >= MODULES


def test_every_module_has_its_action() -> None:
    actions = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    assert actions >= MODULES


def test_requires_ansible_has_three_parts() -> None:
    assert re.fullmatch(r">=\d+\.\d+\.\d+", load("meta/runtime.yml")["requires_ansible"])


def test_requirements_are_lower_bounds_without_ansible() -> None:
    needed = requirements("requirements.txt")
    assert needed
    assert not any("ansible" in name for name in needed)
    for requirement in needed.values():
        assert [specifier.operator for specifier in requirement.specifier] == [">="], requirement


def test_tools_are_pinned_and_meet_the_lower_bounds() -> None:
    needed = requirements("requirements.txt")
    for file in sorted((ROOT / "tests").glob("requirements-*.txt")):
        for requirement in requirements(file.relative_to(ROOT).as_posix()).values():
            (pin,) = requirement.specifier
            assert pin.operator == "==", f"{file.name}: {requirement}"
            if requirement.name in needed:
                assert pin.version in needed[requirement.name].specifier, f"{file.name}: {requirement}"
    assert set(needed) <= set(requirements("tests/requirements-test.txt"))


def test_execution_environment_points_at_the_requirements() -> None:
    assert (ROOT / "meta" / load("meta/execution-environment.yml")["dependencies"]["python"]).name == "requirements.txt"
