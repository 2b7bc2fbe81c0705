# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the first page of the documentation site, which is also its sidebar, over the one that antsibull-docs has made.

The guides and their captions are those of ``docs/docsite/extra-docs.yml``. Modules come by themselves, under their short names.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = "m365.message_encryption"
#: What only the role calls.
INTERNAL = "baseline_"
MODULES, INTERNALS = "Modules", "Internals"


def described(index: str) -> dict[str, str]:
    """The modules of antsibull-docs' own first page, with their descriptions."""
    return dict(re.findall(rf"^\* :ansplugin:`\w+ module <{re.escape(COLLECTION)}\.(\w+)#module>` -- (.*)$", index, re.MULTILINE))


def sections(modules: list[str]) -> dict[str, list[str]]:
    """The sidebar: entries by caption, modules in front of the role and its playbooks."""
    extra = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    found = {section["title"]: [f"docsite/{page}" for page in section["toctree"]] for section in extra}
    public = [f"{name} <{name}_module>" for name in modules if not name.startswith(INTERNAL)]
    internal = [f"{name} <{name}_module>" for name in modules if name.startswith(INTERNAL)]
    found[INTERNALS] += [*internal, "Entry points of the role <hardened_baseline_role>", "Environment variables <environment_variables>"]
    last_guides = list(found).index("Guides") + 1
    rows = list(found.items())
    rows.insert(last_guides, (MODULES, [*public, "exchange (connection) <exchange_connection>"]))
    return dict(rows)


def first_page(index: str) -> str:
    """``index.rst`` of the site, from the one of antsibull-docs and ``docs/index.rst``."""
    modules = described(index)
    listed = [f"* :ansplugin:`{name} <{COLLECTION}.{name}#module>`: {text}" for name, text in modules.items() if not name.startswith(INTERNAL)]
    trees = []
    for caption, entries in sections(list(modules)).items():
        trees.append(f".. toctree::\n    :caption: {caption}\n    :maxdepth: 1\n    :hidden:\n\n" + "".join(f"    {entry}\n" for entry in entries))
    page = (ROOT / "docs/index.rst").read_text(encoding="utf-8")
    page = page.replace(".. modules with their descriptions\n", "\n".join(listed) + "\n")
    return page.replace(".. contents of the site\n", "\n".join(trees))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(first_page(target.read_text(encoding="utf-8")), encoding="utf-8")
