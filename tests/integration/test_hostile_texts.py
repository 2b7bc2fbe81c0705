# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's people write runs nowhere on the controller: not from results, not from any file that a run
leaves.

A text may bring its own delimiters: ``#jinja2:variable_start_string:...`` in its first line makes Ansible template the
rest of it with them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import preprocess_vars

from tests.emulator.organization import default_state

from .playbook import Run
from .role import PREFIX, included
from .tenant import Tenant

#: Each makes a file in the working directory once it is templated.
PLAIN = "{{lookup('pipe','touch pwned')}}"
DELIMITERS = "#jinja2:variable_start_string:'[%',variable_end_string:'%]'\n[% lookup('pipe', 'touch pwned') %]"
BLOCK = "#jinja2:block_start_string:'<<',block_end_string:'>>',trim_blocks:True\n<< if lookup('pipe', 'touch pwned') >>x<< endif >>"

pytestmark = pytest.mark.organizations(
    default_state() | {"advanced_message_encryption": True, "display_name": DELIMITERS}
)

#: Shows every variable of the host, which templates each of them.
SHOW = {"name": "show", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] | to_json }}"}}


def _poison(tenant: Tenant) -> None:
    """The attack in every text that an organization's people may write."""
    texts = ("PortalText", "EmailText", "DisclaimerText", "IntroductionText", "ReadButtonText")
    tenant.edit("Set-OMEConfiguration", Identity="OME Configuration", **dict.fromkeys(texts, DELIMITERS))
    tenant.edit("New-OMEConfiguration", Identity=PLAIN, EmailText=BLOCK)
    words = {
        "SubjectContainsWords": [PLAIN, DELIMITERS, BLOCK],
        "ExceptIfHeaderContainsWords": [DELIMITERS],
        "ExceptIfHeaderContainsMessageHeader": "X-A",
    }
    disclaimer = {
        "ApplyHtmlDisclaimerText": DELIMITERS,
        "ApplyHtmlDisclaimerFallbackAction": "Wrap",
        "ApplyHtmlDisclaimerLocation": "Append",
    }
    tenant.edit("New-TransportRule", Name=PLAIN, Comments=DELIMITERS, **words, **disclaimer)
    tenant.edit(
        "New-TransportRule",
        Name="encrypts",
        Comments=BLOCK,
        FromScope="InOrganization",
        ApplyRightsProtectionTemplate="Encrypt",
    )
    tenant.edit("Set-ActiveSyncOrganizationSettings", UserMailInsert=DELIMITERS, OtaNotificationMailInsert=PLAIN)


def _pwned(tenant: Tenant) -> bool:
    return bool(list(tenant.controller.home.rglob("pwned")))


def _playbook(name: str, **variables: Any) -> dict[str, Any]:
    """One of the collection's playbooks."""
    return {
        "ansible.builtin.import_playbook": PREFIX + name,
        "vars": {f"hardened_baseline_{key}": value for key, value in variables.items()},
    }


def _check(tenant: Tenant, **variables: Any) -> dict[str, Any]:
    """A play that checks the baseline."""
    settings = {f"hardened_baseline_{key}": value for key, value in variables.items()}
    play = {"name": "check", "hosts": tenant.host, "gather_facts": False, "check_mode": True, "diff": True}
    return {**play, "vars": settings, "tasks": [included()]}


def _every_artifact(tenant: Tenant) -> list[Path]:
    """The files of every kind that the collection leaves, hidden ones among them."""
    other = {"branding": {"portal_text": "plain"}, "encryption_rules": [{"name": "encrypts", "comments": "plain"}]}
    run = tenant.controller.plays(
        [
            _playbook("export"),
            _playbook("snapshot"),
            _check(tenant, reports=["html", "json", "jsonl", "csv", "junit"]),
            _playbook("baseline"),
            _playbook("audit"),
            _playbook("rollback", accept=["encryption_off"]),
            _check(tenant, **other),
        ]
    )
    assert run.rc == 0, run.output
    top = tenant.controller.home / "message_encryption"
    assert len(list((top / "runs").iterdir())) == 6
    return sorted(Path(folder) / name for folder, _folders, names in os.walk(top) for name in names)


def _as_inventories(tenant: Tenant, files: Iterable[Path]) -> Run:
    return tenant.controller.tasks([SHOW], *(part for file in files for part in ("-i", str(file))))


def _show(tenant: Tenant, *tasks: Mapping[str, Any], **play: Any) -> dict[str, Any]:
    return {"hosts": tenant.host, "gather_facts": False, **play, "tasks": [*tasks, SHOW]}


def _takes(file: Path, copies: Path) -> list[dict[str, Any]]:
    """Tasks that take a file for one of variables, and go on when it is none."""
    copy = copies / f"{file.name}.yml"
    copy.write_bytes(file.read_bytes())
    ways: tuple[dict[str, Any], ...] = ({"file": str(copy)}, {"file": str(copy), "name": "all_of_it"})
    return [{"name": file.name, "ansible.builtin.include_vars": way, "ignore_errors": True} for way in ways]


def _is_for_vars_files(file: Path) -> bool:
    """Whether ``vars_files`` takes a file: it ends a run that has another one, and takes lists of mappings, too."""
    try:
        preprocess_vars(DataLoader().load_from_file(str(file)))
    except AnsibleError:
        return False
    return True


def _loads(tenant: Tenant, file: Path, variables_of: Path) -> dict[str, Run]:
    """A file of variables in every way in which Ansible may take it for one before a play does."""
    controller = tenant.controller
    variables_of.write_bytes(file.read_bytes())
    runs = {"host_vars": controller.plays([_show(tenant)])}
    variables_of.unlink()
    runs["extra_vars"] = controller.plays([_show(tenant)], "-e", f"@{file}")
    return runs


@pytest.fixture(name="variables_of")
def variables_of_fixture(tenant: Tenant) -> Path:
    folder = tenant.controller.home / "host_vars"
    folder.mkdir()
    return folder / f"{tenant.host}.yml"


def test_no_artifact_runs_anything_whatever_ansible_takes_it_for(
    tenant: Tenant, variables_of: Path, tmp_path: Path
) -> None:
    _poison(tenant)
    files = _every_artifact(tenant)
    assert {file.suffix for file in files} >= {".yml", ".json", ".html", ".csv", ".xml"}
    assert {"export.yml", "enforce.yml"} <= {file.name for file in files}
    assert any(
        DELIMITERS in json.dumps(json.loads(file.read_text())).encode().decode("unicode_escape")
        for file in files
        if file.suffix == ".json"
    )
    kinds = {file.name.partition("-")[0] + file.name[-18:]: file for file in files}
    (export,) = (file for file in kinds.values() if file.name == "export.yml")
    assert PLAIN not in str(
        [run.result for run in _as_inventories(tenant, (file for file in kinds.values() if file != export)).all("show")]
    )
    _as_inventories(tenant, [export])
    assert not _pwned(tenant)

    # Of JSON, which is marked in one way, one file is refused in every way before a task sees it. All others are, and
    # each kind of text that is no variables, by the task that takes them.
    document, *documents = (file for file in kinds.values() if file.suffix == ".json")
    assert [
        (way, run.output)
        for way, run in _loads(tenant, document, variables_of).items()
        if run.rc == 0 or run.all("show")
    ] == []
    assert not _pwned(tenant)
    texts = {file.suffix: file for file in kinds.values() if file.suffix != ".json" and file != export}
    enforce = texts.pop(".yml")
    taken = tenant.run(
        *(task for file in (document, *documents, *texts.values(), enforce) for task in _takes(file, tmp_path)), SHOW
    )
    assert {task.outcome for task in taken if task.task != "show"} == {"failed"}, taken.output
    assert PLAIN not in str(taken["show"])
    assert [file for file in (document, *documents, *texts.values()) if _is_for_vars_files(file)] == []
    assert not _pwned(tenant)

    for way, run in _loads(tenant, export, variables_of).items():
        assert run.rc == 0, (way, run.output)
    # An export refers to a variable of its own, which has another name there.
    below = {"ansible.builtin.include_vars": {"file": str(export), "name": "all_of_it"}}
    run = tenant.controller.plays(
        [
            _show(tenant, vars_files=[str(export)]),
            _show(tenant, vars_files=[str(enforce)]),
            _show(tenant, {"ansible.builtin.include_vars": str(export)}),
            _show(tenant, below),
        ]
    )
    assert run.rc == 0, run.output
    assert not _pwned(tenant)


def test_the_search_itself_finds_what_is_not_marked(tenant: Tenant) -> None:
    for text in (PLAIN, DELIMITERS):
        file = tenant.controller.home / "unmarked.yml"
        file.write_text(yaml.safe_dump({"comments": text}), encoding="utf-8")
        tenant.run({"ansible.builtin.include_vars": str(file)}, SHOW)
        assert _pwned(tenant), text
        (tenant.controller.home / "pwned").unlink()


def test_an_export_is_host_vars_with_which_nothing_changes_and_nothing_runs(tenant: Tenant, variables_of: Path) -> None:
    _poison(tenant)
    exported = tenant.controller.plays([_playbook("export")])
    assert exported.rc == 0, exported.output
    variables_of.write_bytes((tenant.controller.home / "message_encryption" / tenant.host / "export.yml").read_bytes())
    state = {
        "name": "state",
        "m365.message_encryption.message_encryption_state": {"state": "{{ message_encryption_state }}"},
    }
    run = tenant.controller.plays(
        [{**_show(tenant), "tasks": [SHOW, state]}, _check(tenant, accept=["any_sender"])], "--diff"
    )
    assert run.rc == 0, run.output
    assert run.changed == []
    assert tenant.applied == []
    assert not _pwned(tenant)


def test_results_stay_data_wherever_a_playbook_puts_them(tenant: Tenant) -> None:
    _poison(tenant)
    ask = {"name": "ask", "m365.message_encryption.message_encryption_info": {}, "register": "found"}
    rules = "{{ found.transport_rules }}"
    tasks: list[dict[str, Any]] = [
        ask,
        {
            "ansible.builtin.set_fact": {
                "rules": rules,
                "comment": "{{ found.transport_rules[0].comments }}",
                "cacheable": True,
            }
        },
        {
            "name": "data",
            "ansible.builtin.debug": {
                "msg": ["{{ comment }}", "{{ rules[0].comments }}", "{{ found.transport_rules[0].comments | trim }}"]
            },
        },
        {
            "ansible.builtin.debug": {"msg": "{{ item.name }} {{ item.comments }}"},
            "loop": rules,
            "loop_control": {"label": "{{ item.comments }}"},
        },
        {"ansible.builtin.set_stats": {"data": {"rules": rules, "organization": "{{ found.organization }}"}}},
        {
            "ansible.builtin.assert": {
                "that": ["rules[0].comments == comment", "found.organization.display_name == comment"],
                "fail_msg": "{{ comment }}",
            }
        },
        {
            "ansible.builtin.add_host": {
                "name": "made",
                "groups": "others",
                "comment": "{{ comment }}",
                "ansible_connection": "local",
            }
        },
        {"name": "made", "ansible.builtin.debug": {"msg": "{{ hostvars.made.comment }}"}},
        {"name": "passed", "ansible.builtin.debug": {"msg": "{{ text }}"}, "vars": {"text": "{{ rules[0].comments }}"}},
        {
            "name": "again",
            "m365.message_encryption.message_encryption_state": {"state": "{{ found }}"},
            "check_mode": True,
        },
        {
            "name": "change",
            "m365.message_encryption.ome_configuration": {"portal_text": "plain"},
            "register": "made",
            "check_mode": True,
        },
        {
            "name": "was",
            "ansible.builtin.debug": {
                "msg": "{{ made.before.portal_text }}{{ made.commands | length }}{{ made.diff }}"
            },
            "when": "made.changes | length > 0",
        },
        {"name": "facts", "ansible.builtin.debug": {"msg": "{{ ansible_facts }}"}},
        SHOW,
    ]
    run = tenant.run(*tasks, arguments=["--diff", "-v"], ANSIBLE_SHOW_CUSTOM_STATS="1")
    assert run.rc == 0, run.output
    assert not _pwned(tenant)
    assert run["data"]["msg"] == [DELIMITERS] * 3
    assert run["made"]["msg"] == run["passed"]["msg"] == DELIMITERS
    assert not run["again"]["changed"]
    assert DELIMITERS in run["was"]["msg"]
