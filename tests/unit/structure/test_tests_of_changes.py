# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests that ``make quick`` runs of a change."""

from __future__ import annotations

from pathlib import Path

from scripts.tests_of_changes import ROOT, chosen

STRUCTURE = "tests/unit/structure"


def test_of_a_module_its_importers_are_run() -> None:
    found = chosen([Path("plugins/module_utils/_baseline/documents/snapshot_chain.py")])
    assert {STRUCTURE, "tests/unit/baseline/test_chain.py"} <= set(found)
    assert len(found) < 10


def test_of_a_module_that_no_test_imports_its_package_is_run() -> None:
    assert chosen([Path("plugins/plugin_utils/_transports/no_such_module.py")]) == [STRUCTURE, "tests/unit/transports"]
    assert chosen([Path("plugins/module_utils/_mail_flow/sat/no_such_module.py")]) == [
        "tests/unit/mail_flow/sat",
        STRUCTURE,
    ]


def test_of_a_module_that_few_tests_import_those_of_its_neighbors_are_run() -> None:
    found = chosen([Path("plugins/module_utils/_exchange/text.py")])
    assert {"tests/unit/broker/test_redaction.py", "tests/unit/exchange/test_powershell_text.py"} <= set(found)
    assert len(found) < 8


def test_of_a_helper_its_users_are_run() -> None:
    assert "tests/unit/transports/test_seam.py" in chosen([Path("tests/stories.py")])


def test_of_a_test_itself_is_run_and_of_a_page_the_structure() -> None:
    assert chosen([Path("tests/unit/engine/test_plan.py"), Path("README.md")]) == [
        "tests/unit/engine/test_plan.py",
        STRUCTURE,
    ]


def test_whatever_is_named_exists() -> None:
    everything = [path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*.py")]
    assert [path for path in chosen(everything) if not (ROOT / path).exists()] == []


def test_long_searches_run_only_if_they_changed() -> None:
    search = "tests/unit/trust/test_approvals.py"
    assert not any(
        path.startswith("tests/unit/trust") for path in chosen([Path("plugins/module_utils/_baseline/run/apply.py")])
    )
    assert search in chosen([Path(search)])
