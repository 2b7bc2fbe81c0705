# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share is in modules of its own: importing a test module would run its tests' set-up, and its tests
twice."""

from __future__ import annotations

from scripts.tests_of_changes import ROOT, imported


def test_nothing_imports_a_test_module() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "plugins"]
    assert len(files) > 300
    tests = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files if path.name.startswith("test_")}
    assert [(str(path.relative_to(ROOT)), name) for path in files for name in imported(path) if name in tests] == []
