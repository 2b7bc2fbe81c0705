# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is unknown is data below ``wording``, and each kind of reason has one sentence there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.reason_kinds import ReasonKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import reasons
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.settled_by import SETTLED_BY

HOUSE = Path(__file__).resolve().parents[3] / "plugins/module_utils/_mail_flow"
#: Tables with the words of conditions, of guarantees and of open questions, a row each.
TABLES = {"wishes.py", "questions.py"}
#: What takes the place of a name, and what Exchange calls an option.
NAMES = {
    "each member of ",
    "the manager of ",
    "servers on premises",
    "do not forward",
    "the sender's manager",
}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    """All code below ``wording``, with its file."""
    for path in sorted(HOUSE.rglob("*.py")):
        if path.parent.name != "wording":
            yield from ((path, node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_each_kind_of_reason_has_one_sentence() -> None:
    """That each reason is of one of the kinds, mypy says."""
    assert list(reasons._SENTENCES.keys() ^ set(get_args(ReasonKind))) == []
    assert set(SETTLED_BY) <= set(get_args(ReasonKind))


def test_each_kind_of_reason_is_given() -> None:
    given = [
        node.value
        for path, node in nodes()
        if path.name != "reason_kinds.py" and isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert sorted(set(get_args(ReasonKind)) - set(given)) == []


def test_each_construct_of_a_pattern_has_its_words() -> None:
    raised = [node for _path, node in nodes() if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    kinds = {call.args[0].value for call in raised if call.func.id == "NotAgreedError"}  # type: ignore[attr-defined]
    assert kinds - {"too_large"} == set(reasons._CONSTRUCTS)


def texts(tree: ast.AST) -> Iterator[str]:
    """The texts in code, without docstrings and errors of developers."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TypeError":
            left_out |= set(map(id, ast.walk(node)))
        if isinstance(node, ast.Expr):
            left_out.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def test_the_model_and_the_simulator_have_no_sentences() -> None:
    """Words in a row, three or more, are a sentence or a part of one."""
    found = {
        text
        for folder in ("model", "actions", "rules", "simulator")
        for path in (HOUSE / folder).glob("*.py")
        if path.name not in TABLES
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"[a-z'] +[A-Za-z']+ +[A-Za-z']*", text)
    }
    assert found == NAMES
