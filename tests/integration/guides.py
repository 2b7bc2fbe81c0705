# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages for users show as code."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from pathlib import Path

from .playbook import ROOT, Controller

README = ROOT / "README.md"
GUIDES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
_MARKDOWN = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: In such a line, a shell does nothing but take the quotes off.
_WORDS = re.compile(r"ansible[-\w]* [^$`\\|&;<>()*?~#!]*")
_RST = re.compile(r"^\.\. code-block:: (\w+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def code(page: Path, *languages: str) -> list[str]:
    """The code of a page in these languages, in order."""
    pattern = _MARKDOWN if page.suffix == ".md" else _RST
    return [
        textwrap.dedent(text)
        for language, text in pattern.findall(page.read_text(encoding="utf-8"))
        if language in languages
    ]


def commands(page: Path) -> list[str]:
    """The lines of a page's shell code, continued ones as one."""
    text = "\n".join(code(page, "bash")).replace("\\\n", " ")
    return [line.partition("  #")[0].strip() for line in text.splitlines() if line.strip()]


def typed(controller: Controller, line: str) -> subprocess.CompletedProcess[str]:
    """Types a line into a shell, where it needs one: what starts below a shell starts cold."""
    return controller.command(*(shlex.split(line) if _WORDS.fullmatch(line) else ("sh", "-c", line)))


def file_name(text: str) -> str:
    """The name that a piece of code has in its first line, as ``# inventory.yml``; empty where it has none."""
    found = re.match(r"# (\S+\.\w+)\n", text)
    return found[1] if found else ""
