# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the benchmarks: ``python -m tests.bench [--repeats N] [--write FILE] [measure ...]``."""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

from .measures import MEASURES, Row


def table(rows: list[Row]) -> str:
    """The rows as a table in Markdown."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[column]) for column in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """What this was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "pypsrp", "requests"))
    python = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {python}, {libraries}. The emulator runs on the same cores."


def main() -> None:
    """Measures, prints, and writes the figures between the marks of a page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], help="which; all unless named")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a page with marks, whose figures are replaced")
    arguments = parser.parse_args()
    print(machine(), flush=True)
    parts = {"machine": machine()}
    for name in arguments.measures or MEASURES:
        print(f"\n{name}: {' '.join((MEASURES[name].__doc__ or '').split())}\n", flush=True)
        parts[name] = table(list(MEASURES[name](arguments.repeats)))
        print(parts[name], flush=True)
    if arguments.write:
        page = arguments.write.read_text()
        for name, text in parts.items():
            before, _mark, rest = page.partition(f"<!-- {name} -->\n")
            _old, mark, after = rest.partition("\n<!-- end -->")
            page = f"{before}<!-- {name} -->\n{text}{mark}{after}"
        arguments.write.write_text(page)


if __name__ == "__main__":
    main()
