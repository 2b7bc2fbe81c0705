# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is unknown is data below ``wording``, and each kind of reason has one sentence there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import reasons

HOUSE = Path(__file__).resolve().parents[3] / "plugins/module_utils/_mail_flow"


def nodes() -> Iterator[ast.AST]:
    """All code below ``wording``."""
    for path in sorted(HOUSE.rglob("*.py")):
        if path.parent.name != "wording":
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_each_reason_has_one_sentence_and_each_sentence_a_reason() -> None:
    texts = {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    # An attachment's kinds are those of its properties, and a connector's those of why it is idle.
    made = {kind for kind in reasons._SENTENCES if re.match(r"(attachment|routed_to)_", kind)}
    assert set(reasons._SENTENCES) - made - texts == set()
    given = [node for node in nodes() if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    kinds = {
        argument.value
        for call in given
        for argument in call.args[{"opened": 2, "Reason": 1}.get(str(getattr(call.func, "id", "")), 9) :][:1]
        if isinstance(argument, ast.Constant)
    }
    assert len(kinds) > 60
    assert kinds <= set(reasons._SENTENCES)
    assert set(reasons._SETTLED_BY) <= set(reasons._SENTENCES)
