# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own harness: what it reports is what ran, and it runs the installed artifact."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .playbook import COLLECTIONS, Controller

LOCAL = {"all": {"hosts": {"here": {"ansible_connection": "local"}}}}
_IMPORTS = """
import sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=sys.argv[1:], scan_sys_paths=False)._install()
from ansible_collections.own.taken.plugins.module_utils.said import WORD
print(WORD)
"""


def test_results_of_every_outcome(tmp_path: Path) -> None:
    run = Controller(tmp_path, LOCAL).tasks(
        [
            {"name": "said", "ansible.builtin.debug": {"msg": "hello"}},
            {"name": "changed", "ansible.builtin.debug": {"msg": "hello"}, "changed_when": True},
            {"name": "left out", "ansible.builtin.debug": {"msg": "hello"}, "when": False},
            {"name": "wrong", "ansible.builtin.fail": {"msg": "as wished"}},
        ]
    )
    assert run.rc == 2
    assert [(task.task, task.outcome) for task in run] == [
        ("said", "ok"),
        ("changed", "ok"),
        ("left out", "skipped"),
        ("wrong", "failed"),
    ]
    assert run.changed == ["changed"]
    assert run["wrong"]["msg"] == "as wished"
    assert run.task("said").action == "ansible.builtin.debug"


def test_the_collection_is_the_installed_artifact(tmp_path: Path) -> None:
    done = Controller(tmp_path, LOCAL).command(
        "ansible-galaxy", "collection", "list", "m365.message_encryption", "--format", "json"
    )
    found = json.loads(done.stdout)
    assert list(found) == [str(COLLECTIONS / "ansible_collections")]
    assert (COLLECTIONS / "ansible_collections/m365/message_encryption/MANIFEST.json").is_file()


def test_the_artifact_has_what_users_need_and_no_more() -> None:
    artifact = COLLECTIONS / "ansible_collections/m365/message_encryption"
    users = {
        "CHANGELOG.md",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "COPYING",
        "LICENSES",
        "README.md",
        "SECURITY.md",
        "changelogs",
        "docs",
    }
    users |= {
        "extensions",
        "FILES.json",
        "MANIFEST.json",
        "meta",
        "playbooks",
        "plugins",
        "requirements.txt",
        "roles",
        "tests",
    }
    assert {path.name for path in artifact.iterdir()} <= users
    assert [path.name for path in (artifact / "tests").iterdir()] == ["config.yml"]


def test_the_bytecode_that_is_kept_is_of_the_source_that_is_there(tmp_path: Path) -> None:
    source = tmp_path / "ansible_collections/own/taken/plugins/module_utils/said.py"
    source.parent.mkdir(parents=True)
    controller = Controller(tmp_path, LOCAL)
    said = []
    for word in ("first", "second"):
        source.write_text(f"WORD = {word!r}\n", encoding="utf-8")
        said += [controller.command(sys.executable, "-c", _IMPORTS, str(tmp_path)).stdout.strip() for _time in range(2)]
    assert said == ["first", "first", "second", "second"]
    assert list(source.parent.glob("__pycache__/said.*.pyc"))
