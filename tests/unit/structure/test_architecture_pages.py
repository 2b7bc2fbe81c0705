# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about the architecture name files, folders, classes and functions that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("docs/docsite/rst/architecture.rst", "docs/docsite/rst/architecture_mail_flow.rst")
#: Where the code that they are about is.
TREES = ("plugins", "tests", "playbooks", "roles", "scripts")
_FILE = re.compile(r"[\w./*-]+\.(?:py|j2|yml|md)")
_FOLDER = re.compile(r"[\w.]+(?:/[\w.]+)*/?")
_CLASS = re.compile(r"_?[A-Z]\w*[a-z]\w*")
#: Names in code that are not the collection's own.
FOREIGN = frozenset(("OTPEnabled",))


@cache
def files() -> frozenset[str]:
    return frozenset(
        path.relative_to(ROOT).as_posix() for tree in TREES for path in (ROOT / tree).rglob("*") if path.is_file()
    )


@cache
def classes() -> frozenset[str]:
    return frozenset(
        node.name
        for tree in ("plugins", "tests")
        for path in (ROOT / tree).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )


def in_code(page: str) -> set[str]:
    """What a page has as code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return {re.sub(r"\s+", " ", name) for name in re.findall(r"``([^`]+)``", text)}


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_exist(page: str) -> None:
    named = {name for name in in_code(page) if _FILE.fullmatch(name)} - {"docs/performance.md"}
    assert len(named) > 20
    assert sorted(name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in files())) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_folders_that_a_page_names_exist(page: str) -> None:
    named = {name for name in in_code(page) if "/" in name and _FOLDER.fullmatch(name)}
    named = {name for name in named if not _FILE.fullmatch(name)}
    assert sorted(name for name in named if not any(f"/{name.strip('/')}/" in f"/{path}" for path in files())) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_classes_that_a_page_names_exist(page: str) -> None:
    named = {name.partition(".")[0] for name in in_code(page) if _CLASS.fullmatch(name.partition(".")[0])}
    assert sorted(named - classes() - FOREIGN) == []
