# SPDX-License-Identifier: GPL-3.0-or-later
"""The house as its imports make it: no floor leans on one above it, and nothing goes in a circle."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

from tests.unit.structure.floors import FLOORS, FOLDERS

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "ansible_collections.m365.message_encryption.plugins."

#: What is pure knows nothing of who runs it; a transport knows nothing of message encryption.
FORBIDDEN = {
    "plugin_utils._transports": (
        "module_utils._engine",
        "module_utils._resources",
        "module_utils._baseline",
        "module_utils._mail_flow",
        "modules",
    ),
    # A solver knows no mail.
    "module_utils._mail_flow.sat": (
        "module_utils._mail_flow.model",
        "module_utils._mail_flow.input",
        "module_utils._mail_flow.simulator",
    ),
    "plugin_utils._broker": (
        "module_utils._engine",
        "module_utils._resources",
        "module_utils._baseline",
        "module_utils._mail_flow",
        "modules",
    ),
}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)


FILES = {_name(path): path for path in sorted((ROOT / "plugins").rglob("*.py")) if path.name != "__init__.py"}


def floor_of(module: str) -> str:
    return next(floor for floor in FLOORS if module == floor or module.startswith(f"{floor}."))


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


def test_every_file_lies_on_a_floor() -> None:
    assert [module for module in FILES if not any(module.startswith(f"{floor}.") for floor in FLOORS)] == []


def rank_of(module: str) -> tuple[int, int]:
    """The floor of a module, and the place of its folder there; 0 of a file beside the folders."""
    floor = floor_of(module)
    first = module.removeprefix(f"{floor}.").split(".")[0]
    folders = FOLDERS.get(floor, ())
    return FLOORS.index(floor), folders.index(first) + 1 if first in folders else 0


def test_no_arrow_goes_up() -> None:
    up = [(module, name) for module in FILES for name in graph()[module] if rank_of(name) > rank_of(module)]
    assert sorted(up) == []


def test_no_arrow_goes_where_it_must_not() -> None:
    wrong = [
        (module, name)
        for module in FILES
        for name in graph()[module]
        if any(
            name.startswith(f"{other}.")
            for place, others in FORBIDDEN.items()
            if module.startswith(f"{place}.")
            for other in others
        )
    ]
    assert sorted(wrong) == []


def test_nothing_goes_in_a_circle() -> None:
    list(graphlib.TopologicalSorter(graph()).static_order())


def test_the_test_sees_the_imports() -> None:
    assert "module_utils._exchange.cmdlet" in graph()["module_utils._engine.converge"]
    assert sum(map(len, graph().values())) > 300


def test_each_package_has_tests_of_its_name() -> None:
    named = {floor.split("._", 1)[1].replace(".", "/") for floor in FLOORS if "._" in floor}
    assert sorted(name for name in named if not any((ROOT / "tests/unit" / name).glob("test_*.py"))) == []
