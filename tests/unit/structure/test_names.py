# SPDX-License-Identifier: GPL-3.0-or-later
"""A name stands for one thing in all plugins."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"

#: Names of classes that stand for several things, with the reason.
SHARED = {
    "ActionModule": "ansible-core looks for it in each action plugin",
    "ModuleDocFragment": "ansible-core looks for it in each documentation fragment",
}


#: What Ansible finds by a module's name; what such a module does may have that name, too.
FOUND_BY_ANSIBLE = ("action", "connection", "doc_fragments", "modules")

#: What words findings may have the name of what finds them.
WORDING = "module_utils/_mail_flow/wording"


def test_no_two_files_have_one_name() -> None:
    folders = defaultdict(list)
    for path in PLUGINS.rglob("*.py"):
        folder = path.parent.relative_to(PLUGINS).as_posix()
        if path.name != "__init__.py" and folder not in FOUND_BY_ANSIBLE:
            folders[path.name].append(folder)
    assert len(folders) > 200
    assert {name: found for name, found in folders.items() if len(set(found) - {WORDING}) > 1} == {}
    worded = [found for found in folders.values() if len(found) > 1]
    assert [
        found for found in worded if not all(folder.startswith("module_utils/_mail_flow/") for folder in found)
    ] == []


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in PLUGINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{path.relative_to(PLUGINS)}:{node.lineno}")
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED} == {}
    assert [name for name in SHARED if len(places[name]) < 2] == []
