# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that people read calls mail "in clear": of mail that no rule encrypts, nobody knows more than that.

The name of an impact, ``may leave in clear``, stays in results; pages have words of their own for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: What people read, but for the texts of programs.
PAGES = ("README.md", "docs/docsite/rst/*.rst", "docs/*.rst", "roles/**/*", "playbooks/*.yml", "plugins/**/*.j2")
PROGRAMS = ("plugins/**/*.py", "scripts/*.py")
_SAID = re.compile(r"in\s+clear(\s+text)?\b", re.IGNORECASE)
_IMPACT = re.compile(r"(V\(|``|^)may leave in clear(\)|``|$)")


def said_in(text: str) -> list[str]:
    """The places of a text that call mail so."""
    return [text[max(0, found.start() - 40) : found.end()] for found in _SAID.finditer(_IMPACT.sub("", text))]


def texts_of(program: str) -> Iterator[str]:
    """A program's texts, without its docstrings. A module's documentation is a text."""
    tree = ast.parse(program)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def files(patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file())


def test_no_page_says_it() -> None:
    found = {str(path.relative_to(ROOT)): said_in(path.read_text(encoding="utf-8")) for path in files(PAGES)}
    assert {name: said for name, said in found.items() if said} == {}


def test_no_text_of_a_program_says_it() -> None:
    found = {
        str(path.relative_to(ROOT)): [
            said for text in texts_of(path.read_text(encoding="utf-8")) for said in said_in(text)
        ]
        for path in files(PROGRAMS)
    }
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Mail leaves in clear.", True),
        ("It leaves in\n   clear text.", True),
        ("then: not_in_clear", False),
        ("may leave in clear", False),
        ("worst first: V(may leave in clear), V(rejects)", False),
        ("Mail may leave in clear: rule 'A'", True),
    ],
)
def test_it_is_found(text: str, says: bool) -> None:
    assert bool(said_in(text)) is says


def test_a_docstring_is_no_text_and_documentation_is_one() -> None:
    assert list(texts_of('"""In clear."""\nDOCUMENTATION = "In clear."\ndef f():\n    "In clear."\n')) == ["In clear."]
