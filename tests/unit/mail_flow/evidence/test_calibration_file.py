# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with which a user says what real mail told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.calibration import calibration_lines

ROW: dict[str, Any] = {"id": "U08", "for": 1200, "against": 2, "likely": True}


def file(folder: Path, *rows: dict[str, Any], name: str = "one.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"calibration": rows}), encoding="utf-8")
    return path


def test_the_copies_of_all_files_are_added(tmp_path: Path) -> None:
    paths = [
        file(tmp_path, ROW),
        file(tmp_path, {**ROW, "for": 3}, {"id": "U06", "for": 0, "against": 4, "likely": False}, name="other.json"),
    ]
    assert calibration_lines(paths)[4:] == [
        "| U06 | whether a rule in test mode splits a message | no | 0 | 4 |",
        "| U08 | whether stopping works in test mode | yes | 1,203 | 4 |",
        "",
    ]


@pytest.mark.parametrize("row", [{**ROW, "who": "kim@contoso.com"}, {**ROW, "id": "U100"}, {"id": "U08"}])
def test_anything_but_counts_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no calibration"):
        calibration_lines([file(tmp_path, row)])


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="has no list calibration"):
        calibration_lines([tmp_path / "other.json"])
