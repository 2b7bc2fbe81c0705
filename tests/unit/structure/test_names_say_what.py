# SPDX-License-Identifier: GPL-3.0-or-later
"""Names say what things are without their docstrings, and docstrings begin with their subject."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"

#: Words that say nothing alone, as names of files, functions, methods, classes, and attributes that ``self`` is given.
EMPTY = frozenset(
    (
        *("about", "all", "apart", "beside", "beyond", "busy", "but", "company", "each"),
        *("elsewhere", "evidenced", "first", "found", "given", "going", "is_told", "kept", "later", "leaned_on"),
        *("left", "looks", "lost", "meetings", "never", "of", "of_all", "of_copy", "often"),
        *("others", "parted", "recorded", "replayed", "said", "spared", "sparing", "stored", "tell_no_more", "those"),
        *("together", "told", "tried", "was_so"),
    )
)


@cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(PLUGINS.rglob("*.py")))


def names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name, node.lineno


def empty_names(source: str) -> list[str]:
    return [f"line {line}: {name}" for name, line in names(ast.parse(source)) if name.strip("_").lower() in EMPTY]


def docstrings_without_subject(source: str) -> list[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    first_lines = [(ast.get_docstring(node) or "").partition("\n")[0] for node in nodes]
    return [line for line in first_lines if line.startswith(("Of ", "That "))]


def test_files_have_names_that_say_something() -> None:
    assert len(files()) > 500
    assert [path.relative_to(PLUGINS).as_posix() for path in files() if path.stem.strip("_") in EMPTY] == []


def test_what_is_defined_has_a_name_that_says_something() -> None:
    found = {path.relative_to(PLUGINS).as_posix(): empty_names(path.read_text(encoding="utf-8")) for path in files()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_docstrings_begin_with_their_subject() -> None:
    found = {
        path.relative_to(PLUGINS).as_posix(): docstrings_without_subject(path.read_text(encoding="utf-8"))
        for path in files()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_they_refuse() -> None:
    source = (
        'class Told:\n    """Of mail."""\n    def __init__(self):\n        self._kept = 1\n    def mail(self): pass'
    )
    assert empty_names(source) == ["line 1: Told", "line 4: _kept"]
    assert docstrings_without_subject(source) == ["Of mail."]
