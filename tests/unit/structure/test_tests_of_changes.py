# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests that ``make quick`` runs of a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.tests_of_changes import OF_MAIL, ROOT, chosen, decides_about_mail

STRUCTURE = "tests/unit/structure"


def test_of_a_module_its_importers_are_run() -> None:
    found = chosen([Path("plugins/module_utils/_baseline/documents/snapshot_chain.py")])
    assert {STRUCTURE, "tests/unit/baseline/test_chain.py"} <= set(found)
    assert len(found) < 10


def test_of_a_module_that_no_test_imports_its_package_is_run() -> None:
    assert chosen([Path("plugins/plugin_utils/_transports/no_such_module.py")]) == [STRUCTURE, "tests/unit/transports"]
    assert chosen([Path("plugins/module_utils/_mail_flow/repair/no_such_module.py")]) == [
        "tests/unit/mail_flow/repair",
        STRUCTURE,
    ]


def test_of_a_module_that_few_tests_import_those_of_its_neighbors_are_run() -> None:
    found = chosen([Path("plugins/module_utils/_exchange/text.py")])
    assert {"tests/unit/broker/test_redaction.py", "tests/unit/exchange/test_powershell_text.py"} <= set(found)
    assert len(found) < 8


@pytest.mark.parametrize(
    "module",
    ["model/facts", "conditions/senders", "rules/flow_rule", "sat/solver", "simulator/effects", "symbolic/address"],
)
def test_of_what_decides_about_mail_few_of_the_many_importers_are_run(module: str) -> None:
    file = Path(f"plugins/module_utils/_mail_flow/{module}.py")
    assert (ROOT / file).exists()
    assert decides_about_mail(file)
    assert len(chosen([file])) <= 6
    assert len(chosen([path.relative_to(ROOT) for path in (ROOT / file).parent.glob("*.py")])) <= 6


def test_the_tests_of_what_decides_about_mail_exist() -> None:
    assert [path for path in OF_MAIL if not (ROOT / path).exists()] == []
    assert not decides_about_mail(Path("plugins/module_utils/_mail_flow/wording/lint.py"))
    assert not decides_about_mail(Path("plugins/module_utils/_exchange/text.py"))


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
