# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of controls is the one source: what the role says follows from it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import jinja2
import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import (
    CONTROL_VARIABLES,
    CONTROLS,
    PROFILES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variables import SETTINGS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(name="generator", scope="module")
def generator_fixture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_role", ROOT / "scripts/generate_role.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_defaults_argument_specs_and_readme_follow_from_the_table(generator: ModuleType) -> None:
    for path, text in generator.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is not up to date: run scripts/generate_role.py"


def test_the_page_of_the_role_is_short_and_names_each_variable_once() -> None:
    page = (ROOT / "roles/hardened_baseline/README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 160
    named = re.findall(r"^\|(?: \*\*[^|]*\|)? `(hardened_baseline_\w+)`<br>", page, re.MULTILINE)
    assert sorted(named) == sorted(
        f"hardened_baseline_{name}" for name in (*CONTROL_VARIABLES, *(setting.name for setting in SETTINGS))
    )


def test_every_playbook_looks_for_organizations_first() -> None:
    """test_role_baseline.py runs one of them where there is none."""
    playbooks = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "playbooks").glob("*.yml")
    }
    first = {name: plays[0].get("ansible.builtin.import_playbook") for name, plays in playbooks.items()}
    assert first == dict.fromkeys(playbooks, "see_organizations.yml") | {"see_organizations": None}


def test_every_playbook_of_the_role_refuses_tags_that_are_no_controls() -> None:
    """test_role_baseline.py runs two of them with such a tag."""
    plays = {
        path.stem: play
        for path in (ROOT / "playbooks").glob("*.yml")
        for play in yaml.safe_load(path.read_text(encoding="utf-8"))
        if "m365.message_encryption.hardened_baseline" in str(play.get("tasks"))
    }
    assert set(plays) == {"audit", "baseline", "disable_message_encryption", "rollback", "snapshot"}
    for name, play in plays.items():
        (task,) = play["tasks"]
        assert task["vars"]["__hardened_baseline_only_control_tags"] is True, name
        assert "tags" not in str([key for item in (play, task) for key in item]), name


@pytest.mark.parametrize("playbook", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_every_playbook_has_a_page_with_the_variables_that_it_reads(playbook: Path) -> None:
    if playbook.stem == "see_organizations":  # A part of all others.
        return
    page = (ROOT / f"docs/docsite/rst/playbook_{playbook.stem}.rst").read_text(encoding="utf-8")
    text = playbook.read_text(encoding="utf-8")
    read = set(
        re.findall(
            r"\b(exchange_organizations|(?:ome|message_encryption|hardened_baseline)_[a-z_]+)\s*(?:\||\}|$)", text
        )
    )
    if "name: m365.message_encryption.hardened_baseline" in text:
        entry = re.search(r"tasks_from: (\w+)", text)
        read |= {
            f"hardened_baseline_{setting.name}"
            for setting in SETTINGS
            if (entry[1] if entry else "main") in setting.entries
        }
    assert "exchange_organizations" in read
    assert read <= set(re.findall(r"^   \* - ``(\w+)``$", page, re.MULTILINE))


def test_every_control_is_whole() -> None:
    for control in CONTROLS:
        assert all([control.title, control.sets, control.reason, control.risk, control.notice, control.provenance]), (
            control.id
        )
        assert control.source.startswith("https://learn.microsoft.com/"), control.id
        assert control.variables, control.id


def test_ids_and_variables_are_used_once() -> None:
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)
    assert not set(CONTROL_VARIABLES) & {setting.name for setting in SETTINGS}
    assert all(len(variable.values) == len(PROFILES) for variable in CONTROL_VARIABLES.values())


def test_options_are_those_of_the_resource() -> None:
    options = {
        table.name: set(table.argument_spec())
        for table in (ACTIVESYNC_ORG_SETTINGS, IRM_CONFIGURATION, OME_CONFIGURATION)
    }
    for control in CONTROLS:
        for variable in control.variables:
            assert not variable.option or variable.option in options[control.resource], (control.id, variable.name)


def test_an_option_and_the_variable_that_sets_it_name_each_other() -> None:
    specs = yaml.safe_load((ROOT / "roles/hardened_baseline/meta/argument_specs.yml").read_text(encoding="utf-8"))
    variables = specs["argument_specs"]["main"]["options"]
    pairs = [(control.resource, each) for control in CONTROLS for each in control.variables if each.option]
    assert ("irm_configuration", "encrypt_button") in [(module, each.name) for module, each in pairs]
    wrong = []
    for module, each in pairs:
        text = (ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8")
        options = yaml.safe_load(re.search(r'^DOCUMENTATION = r"""\n(.*?)^"""', text, re.DOTALL | re.MULTILINE)[1])[
            "options"
        ]  # type: ignore[index]
        there = f"C(hardened_baseline_{each.name})" in str(options[each.option]["description"])
        here = f"{module}#module:{each.option})" in str(variables[f"hardened_baseline_{each.name}"]["description"])
        wrong += [(module, each.option, each.name)] if not (there and here) else []
    assert wrong == []


def test_the_argument_specs_show_the_defaults() -> None:
    specs = yaml.safe_load((ROOT / "roles/hardened_baseline/meta/argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"
    ]
    values = yaml.safe_load((ROOT / "roles/hardened_baseline/defaults/main.yml").read_text(encoding="utf-8"))
    for entry in (kind.entry for kind in KINDS.values()):
        shown = {name: option.get("default") for name, option in specs[entry]["options"].items()}
        wrong = {name: value for name, value in shown.items() if name in values and value != values[name]}
        assert not wrong, entry
    # What depends on the profile has the value of the recommended one, which counts unless another is set.
    assert specs["main"]["options"]["hardened_baseline_mailbox_policies"]["default"] == "warn"


def test_a_ring_in_which_anything_failed_lets_nothing_go_on() -> None:
    """Whatever fails outside of the role's block is Ansible's alone to count, and neither report nor ring hears of it.

    A check writes nothing, so each organization is looked at whatever became of the others.
    """
    plays = [
        play
        for path in sorted((ROOT / "playbooks").glob("*.yml"))
        for play in yaml.safe_load(path.read_text(encoding="utf-8"))
        if "serial" in play
    ]
    assert plays
    for play in plays:
        template = jinja2.Environment(autoescape=True).from_string(str(play["max_fail_percentage"]))
        assert [template.render(ansible_check_mode=checks) for checks in (False, True)] == ["0", "100"]
