# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of the collection import of each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "ansible_collections.m365.message_encryption.plugins."


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)


#: Each module of the collection to its file.
FILES = {_name(path): path for path in sorted((ROOT / "plugins").rglob("*.py")) if path.name != "__init__.py"}


def _imported_from(module: str, node: ast.AST) -> str | None:
    """The package of the collection from which a statement imports, written as a relative import or in full."""
    if not isinstance(node, ast.ImportFrom):
        return None
    if node.level:
        return ".".join([*module.split(".")[: -node.level], *filter(None, [node.module])])
    return node.module.removeprefix(PREFIX) if node.module and node.module.startswith(PREFIX) else None


def _is_for_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(module: str) -> Iterator[str]:
    """The modules of the collection that a module imports at any place but for type checkers only."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    for_checkers = {id(node) for block in ast.walk(tree) if _is_for_checkers(block) for node in block.body}
    for node in ast.walk(tree):
        package = _imported_from(module, node)
        if package and isinstance(node, ast.ImportFrom) and id(node) not in for_checkers:
            for name in node.names:
                inner = f"{package}.{name.name}"
                yield inner if inner in FILES else package


@cache
def graph() -> dict[str, set[str]]:
    """Each module of the collection, and those that it imports."""
    return {module: {name for name in imports_of(module) if name in FILES} for module in FILES}
