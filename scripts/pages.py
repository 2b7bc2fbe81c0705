# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates pages in two formats: Markdown for the repository and Galaxy, reStructuredText for the documentation site.

Texts are Markdown with code, bold, and links. A link to ``guide:name`` becomes a link to the file of the page of that
name, which the repository shows as it is, and which the site's build (``docs/conf.py``) turns into one to the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

LABEL = "ansible_collections.m365.message_encryption.docsite."
# REUSE-IgnoreStart
RIGHTS = (
    "SPDX-License-Identifier: GPL-3.0-or-later",
    "SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors",
)
# REUSE-IgnoreEnd
_GUIDE = re.compile(r"\[([^\]]+)\]\(guide:(\w+)\)")


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Code:
    language: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table. ``widths`` are percentages, used on the site. ``<br>`` in a cell starts a new line or, on the site, a
    new paragraph.
    """

    columns: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]


Block = Heading | Text | Code | Table


def markdown(title: str, generated: str, blocks: Sequence[Block], guides: PurePosixPath) -> str:
    """A page in Markdown. ``guides`` is the path from the page to the folder of the guides."""
    parts = [f"<!-- {line} -->\n" for line in (*RIGHTS, generated)] + [f"\n# {title}\n"]
    for block in blocks:
        parts.append("\n" + _GUIDE.sub(lambda found: f"[{found[1]}]({guides / found[2]}.rst)", _markdown(block)))
    return "".join(parts)


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}\n"
    if isinstance(block, Text):
        return f"{block.text.strip()}\n"
    if isinstance(block, Code):
        return f"```{block.language}\n{block.text.strip()}\n```\n"
    rows = [
        block.columns,
        ["---"] * len(block.columns),
        *([cell.replace("|", "\\|") for cell in row] for row in block.rows),
    ]
    return "".join("|" + "|".join(_padded(cell) for cell in row) + "|\n" for row in rows)


def _padded(cell: str) -> str:
    return cell if cell == "---" else f" {cell} "


def rst(name: str, title: str, generated: str, blocks: Sequence[Block]) -> str:
    """A page of the documentation site. ``name`` is the name of its file."""
    parts = [
        "..\n",
        *(f"  {line}\n" for line in (*RIGHTS, generated)),
        f"\n.. _{LABEL}{name}:\n\n{title}\n{'=' * len(title)}\n",
    ]
    return "".join([*parts, *("\n" + _rst(block) for block in blocks)])


def _rst(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{block.text}\n{'-' * len(block.text)}\n"
    if isinstance(block, Text):
        return f"{_inline(block.text.strip())}\n"
    if isinstance(block, Code):
        body = "".join(f"    {line}".rstrip() + "\n" for line in block.text.strip().splitlines())
        return f".. code-block:: {block.language}\n\n{body}"
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, block.widths))}", ""]
    for row in (block.columns, *block.rows):
        for place, cell in enumerate(row):
            first, *others = _inline(cell).split("<br>")
            lines += [
                f"   {'* -' if place == 0 else '  -'} {first}".rstrip(),
                *(text for line in others for text in ("", f"       {line}")),
            ]
    return "\n".join(lines) + "\n"


def _inline(text: str) -> str:
    """Converts Markdown text to reStructuredText. Code stays as it is."""
    links: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
        (_GUIDE, lambda found: f"`{found[1]} <{found[2]}.rst>`__"),
        (re.compile(r"\[([^\]]+)\]\((http[^)]+)\)"), lambda found: f"`{found[1]} <{found[2]}>`__"),
    )
    pieces = re.split(r"(`[^`]+`)", text)
    for place, piece in enumerate(pieces):
        if piece.startswith("`"):
            pieces[place] = f"`{piece}`"
            continue
        for pattern, made in links:
            piece = pattern.sub(made, piece)
        pieces[place] = piece
    return "".join(pieces)
