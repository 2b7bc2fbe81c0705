# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins import directly below their documentation, as validate-modules wants it (import-before-documentation,
import-placement)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
DOCUMENTED = [path for path in sorted(PLUGINS.rglob("*.py")) if "\nDOCUMENTATION = " in path.read_text("utf-8")]


def misplaced(source: str) -> list[str]:
    """The imports of a plugin that are not between its documentation and its first function or class."""
    body = ast.parse(source).body
    texts = [
        node
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    ]
    first = min((node.lineno for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))), default=10**6)
    imports = [
        node
        for outer in body
        for node in (ast.walk(outer) if isinstance(outer, ast.Try) else (outer,))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__"
    ]
    return [ast.unparse(node) for node in imports if not texts[-1].lineno < node.lineno < first]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nDOCUMENTATION = ''\n",
        "try:\n    import os\nexcept ImportError:\n    pass\nDOCUMENTATION = ''\n",
        "DOCUMENTATION = ''\nimport os\nRETURN = ''\n",
        "DOCUMENTATION = ''\n\ndef run(): ...\n\nimport os\n",
    ],
    ids=["above", "tried above", "between", "below a function"],
)
def test_an_import_elsewhere_is_seen(source: str) -> None:
    assert misplaced(source) == ["import os"]


def test_an_import_below_the_documentation_is_fine() -> None:
    assert misplaced("from __future__ import annotations\nDOCUMENTATION = ''\nimport os\n\ndef run(): ...\n") == []


def test_plugins_import_directly_below_their_documentation() -> None:
    assert {"connection", "modules"} <= {path.parent.name for path in DOCUMENTED}
    found = {str(path.relative_to(PLUGINS)): misplaced(path.read_text("utf-8")) for path in DOCUMENTED}
    assert {name: imports for name, imports in found.items() if imports} == {}
