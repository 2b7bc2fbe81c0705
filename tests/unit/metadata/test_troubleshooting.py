# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on troubleshooting explains messages that the collection really has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import unprotected
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.module_service import (
    COMPLIANCE,
    EXCHANGE,
    ModuleService,
)

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/docsite/rst/troubleshooting.rst").read_text(encoding="utf-8")
#: Stands for what varies in a message of the code; on the page, three dots do.
VARIES = "\0"
#: The terms that messages take from their one place.
TERMS = {name: text for name, text in vars(unprotected).items() if name.isupper()}


def quoted() -> list[str]:
    """The messages in the first columns of tables with the title "Message"."""
    tables = re.findall(r"^   \* - Message\n((?:^(?:   .*)?\n)+)", PAGE, re.MULTILINE)
    return [
        message
        for table in tables
        for row in re.findall(r"^   \* - (.*)$", table, re.MULTILINE)
        for message in re.findall(r"``([^`]+)``", row)
    ]


def said() -> Iterator[str]:
    """Every string of the collection's code, as a user may see it."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for service in (EXCHANGE, COMPLIANCE):
                    yield re.sub(r"\{[^{}]*\}", VARIES, node.value.replace("{service}", service.name))
            elif isinstance(node, ast.JoinedStr):
                for service in (EXCHANGE, COMPLIANCE):
                    yield "".join(_part(part, service) for part in node.values)
    for folder in ("roles", "playbooks"):
        for path in sorted((ROOT / folder).rglob("*.yml")):
            yield " ".join(path.read_text(encoding="utf-8").split())


def _part(part: ast.expr, service: ModuleService) -> str:
    """A part of an f-string, where Microsoft's module connects to a service."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    named = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(named, ast.Attribute) and named.attr == "connect":
        return service.connect
    return TERMS.get(named.id, VARIES) if isinstance(named, ast.Name) else VARIES


def test_the_page_has_messages_of_every_area() -> None:
    assert len(quoted()) > 120
    assert (
        PAGE.count("   * - Message\n") == PAGE.count(".. list-table::") - 1
    )  # The first table is about what has no message.


def test_messages_are_said() -> None:
    everything = "\n".join(dict.fromkeys(said()))

    def pattern(message: str) -> str:
        return ".{0,120}".join(map(re.escape, message.removeprefix("...").split("...")))

    assert [message for message in quoted() if not re.search(pattern(message), everything)] == []
