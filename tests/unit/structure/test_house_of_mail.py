# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the architecture of mail flow names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.structure.floors import FOLDERS

ROOT = Path(__file__).resolve().parents[3]
HOUSE = ROOT / "plugins/module_utils/_mail_flow"
PAGE = (ROOT / "docs/docsite/rst/architecture_mail_flow.rst").read_text(encoding="utf-8")


def test_the_page_names_files_that_exist() -> None:
    named = set(re.findall(rf"``((?:{'|'.join(FOLDERS['module_utils._mail_flow'])})/\w+\.py)``", PAGE))
    assert len(named) > 20
    assert sorted(path for path in named if not (HOUSE / path).is_file()) == []


def test_the_page_names_each_folder_in_order() -> None:
    folders = sorted(path.name for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__")
    assert sorted(FOLDERS["module_utils._mail_flow"]) == folders
    assert tuple(re.findall(r"\* - ``(\w+)``", PAGE)) == FOLDERS["module_utils._mail_flow"]
