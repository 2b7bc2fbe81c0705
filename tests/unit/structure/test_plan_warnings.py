# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval covers what a plan warns of: what the sentence of a warning names is among its values."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
#: Kind to the names in its sentence that follow from its values.
DERIVED = {
    "expectation_missed": {"failure_text"},
    "exception_removed": {"value_text"},
    "licensing_off": {"cure", "shown"},
    "matches_no_mail": {"instead"},
    "pattern_unbalanced": {"wrong"},
    "idle": {"reason"},
    "may_leave_in_clear": {"more", "named"},
    "dangerous": {"value_text"},
    # Why it is not known differs between wires, and is not approved.
    "template_not_checked": {"book"},
    "configuration_used": {"named"},
    "configuration_use_unknown": {"error"},
    "unmanaged_rule": {"foreign_line", "foreign_row"},
}


def names(tree: ast.AST) -> set[str]:
    """The names that an expression uses from around it, apart from constants."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    return {node.id for node in found if not node.id.isupper() and not hasattr(builtins, node.id)} - own


def warnings() -> Iterator[tuple[str, set[str], set[str]]]:
    """Each warning of a plan: its kind, the names in its sentence, and those in its values."""
    for path in sorted(PLUGINS.rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        assigned = [node for node in nodes if isinstance(node, ast.Assign)]
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "warning":
                kind, text = call.args
                before = [node for node in assigned if node.lineno < call.lineno and names(text) <= names_of(node)]
                said = max(before, key=lambda node: node.lineno).value if isinstance(text, ast.Name) else text
                assert isinstance(kind, ast.Constant)
                yield kind.value, names(said), set().union(*(names(each.value) for each in call.keywords))


def names_of(assignment: ast.Assign) -> set[str]:
    """What it assigns to."""
    return {node.id for node in assignment.targets if isinstance(node, ast.Name)}


def test_the_values_have_what_the_sentence_names() -> None:
    found = list(warnings())
    left = {kind: said - values for kind, said, values in found if said - values}
    assert left == DERIVED
    assert len(found) == len({kind for kind, _said, _values in found}) > 25
