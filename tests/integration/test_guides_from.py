# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides for people who come from PowerShell and Microsoft365DSC: each task does what stands beside it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.emulator.organization import default_state

from .awx import configuration
from .playbook import ROOT
from .tenant import MADE_ANEW, lasting, tenant

RST = ROOT / "docs/docsite/rst"
LITERALS = {"$true": True, "$false": False}
# The service asks for them where a person would be asked; no procedure of the article has them.
ANSWERS = {"Confirm", "Force"}


def blocks(guide: str) -> list[tuple[str, str]]:
    """The code blocks of a guide, in order, with their languages."""
    text = (RST / guide).read_text(encoding="utf-8")
    found = re.findall(r"^\.\. code-block:: (\w+)\n\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    return [(language, re.sub(r"^    ", "", body, flags=re.MULTILINE).strip() + "\n") for language, body in found]


def pairs(guide: str, language: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each block of a language with the tasks of the YAML block behind it."""
    found = blocks(guide)
    return [
        (body, yaml.safe_load(found[place + 1][1]))
        for place, (kind, body) in enumerate(found)
        if kind == language and found[place + 1][0] == "yaml"
    ]


def cmdlet(line: str) -> tuple[str, dict[str, Any]]:
    """A cmdlet and its parameters."""
    name, *words = shlex.split(line)
    return name, {
        key.removeprefix("-"): LITERALS.get(value, int(value) if value.isdecimal() else value)
        for key, value in zip(words[::2], words[1::2], strict=True)
    }


def licensed(name: str) -> dict[str, Any]:
    """An organization with everything that a task of the guides changes, such as a button to hide."""
    state = default_state(f"{name}.onmicrosoft.com")
    shows = {**state["irm_configuration"], "SimplifiedClientAccessEnabled": True}
    return state | {"advanced_message_encryption": True, "irm_configuration": shows}


# A constrained endpoint connects to one organization.
@pytest.mark.possible_wires("rest", "psrp", "engine", "powershell")
@pytest.mark.organizations(licensed("contoso"), licensed("fabrikam"))
def test_each_task_does_what_its_cmdlet_does(emulator: Emulator, tmp_path: Path, wire: str) -> None:
    found = pairs("guide_from_powershell.rst", "powershell")
    assert len(found) == 17
    by_task, by_hand = (tenant(tmp_path / name, emulator, wire, f"{name}.onmicrosoft.com") for name in _homes(tmp_path))
    wanted: list[tuple[str, dict[str, Any]]] = []
    for lines, _tasks in found:
        for line in lines.splitlines():
            name, parameters = cmdlet(line)
            before = lasting(by_hand.state())
            by_hand.edit(name, **parameters)
            if lasting(by_hand.state()) != before:
                wanted.append((name, parameters))
    run = by_task.run(*(task for _lines, tasks in found for task in tasks))
    assert run.rc == 0, run.output
    sent = [
        (call.cmdlet, {key: value for key, value in call.parameters.items() if key not in ANSWERS})
        for call in by_task.applied
    ]
    assert [name for name, _parameters in sent] == [name for name, _parameters in wanted]
    assert len(wanted) >= 14
    for (name, given), (_name, stands) in zip(sent, wanted, strict=True):
        assert {key for key in stands if key != "Identity"} <= set(given), name
    assert (
        lasting(by_task.state(), MADE_ANEW)["irm_configuration"]
        == lasting(by_hand.state(), MADE_ANEW)["irm_configuration"]
    )
    for part in ("ome_configurations", "activesync_organization_settings", "transport_rules"):
        assert lasting(by_task.state()[part], MADE_ANEW) == lasting(by_hand.state()[part], MADE_ANEW), part


def _homes(directory: Path) -> list[str]:
    names = ["contoso", "fabrikam"]
    for name in names:
        (directory / name).mkdir()
    return names


def test_every_procedure_of_the_article_is_there() -> None:
    text = (RST / "guide_from_powershell.rst").read_text(encoding="utf-8")
    for parameter in (
        "SocialIdSignIn $false",
        "OTPEnabled $false",
        "SimplifiedClientAccessEnabled $false",
        "AllowRMSSupportForUnenlightenedApps $true",
        "DecryptAttachmentForEncryptOnly $true",
        "ExternalMailExpiryInDays 7",
        'ApplyRightsProtectionTemplate "Encrypt"',
        'ApplyRightsProtectionTemplate "Do Not Forward"',
        "AzureRMSLicensingEnabled $false",
    ):
        assert parameter in text


def test_each_task_converges_to_what_its_resource_declares(emulator: Emulator, tmp_path: Path, wire: str) -> None:
    found = pairs("guide_from_microsoft365dsc.rst", "text")
    assert len(found) == 2
    organization = tenant(tmp_path, emulator, wire)
    done = organization.converge(*(task for _resource, tasks in found for task in tasks), predicts=False)
    for resource, _tasks in found:
        declared = dict(re.findall(r"^ +(\w+) += (.+)$", resource, re.MULTILINE))
        objects = done.after["ome_configurations" if "EXOOMEConfiguration" in resource else "transport_rules"]
        (stored,) = [
            item
            for item in objects
            if declared.get("Identity", declared.get("Name", "")).strip('"') in (item.get("Identity"), item.get("Name"))
        ]
        for name, value in declared.items():
            if name in stored and name not in ("Identity", "Name"):
                expected = (
                    re.findall(r'"([^"]*)"', value) if value.startswith("@") else LITERALS.get(value, value.strip('"'))
                )
                assert str(stored[name]) == str(expected), name


def test_the_tasks_that_fetch_from_git_are_yaml_with_a_play() -> None:
    (play,) = [
        yaml.safe_load(body) for language, body in blocks("guide_awx.rst") if language == "yaml" and "tasks:" in body
    ]
    assert play[0]["tasks"][0]["ansible.builtin.include_role"]["tasks_from"] == "fetch_git"


def test_the_templates_with_slices_are_those_that_there_are() -> None:
    (sliced,) = [
        yaml.safe_load(body)
        for language, body in blocks("guide_awx.rst")
        if language == "yaml" and "job_slice_count" in body
    ]
    templates = {item["name"]: item for item in configuration()["controller_templates"]}
    for item in sliced["controller_templates"]:
        assert set(item) <= {*templates[item["name"]], "instance_groups"}
    # What writes has rings, which are made within a job.
    assert {item["name"].rpartition(" - ")[2] for item in sliced["controller_templates"]} == {"audit", "check"}


def test_the_guide_names_the_templates_and_types_that_there_are() -> None:
    text = (RST / "guide_awx.rst").read_text(encoding="utf-8")
    objects = configuration()
    for variable in ("controller_credential_types", "controller_templates", "controller_workflows", "controller_teams"):
        for item in objects[variable]:
            assert item["name"] in text
    for kind in objects["controller_credential_types"]:
        for name in [*kind["injectors"].get("env", {}), *kind["injectors"].get("extra_vars", {})]:
            assert name in text or name.startswith(("GIT_CONFIG_", "MESSAGE_ENCRYPTION_GIT_"))
