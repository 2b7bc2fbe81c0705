# SPDX-License-Identifier: GPL-3.0-or-later
"""A condition is one place: its row has all parts, and a simulation needs no solver for them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import (
    Predicate,
    row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicates import BY_OPTION

HOUSE = Path(__file__).resolve().parents[3] / "plugins/module_utils/_mail_flow"

#: The parts of a row, those that it must have first.
PARTS = [each.name for each in fields(Predicate) if each.name != "options"]
NEEDED = [each.name for each in fields(Predicate) if each.default is MISSING and each.name != "options"]

SIMULATION = """
import sys
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of, message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

rules = [{"name": "R", "conditions": {"subject_contains_words": ["offer"]}, "actions": {"apply_ome": True}}]
message = {"from": "a@contoso.com", "to": ["b@fabrikam.com"], "subject": "An offer"}
Simulator(rules, facts_of({})).run(message_of(message, "messages[0]"))
print([name for name in sys.modules if "._mail_flow.sat" in name or "._mail_flow.symbolic" in name])
"""


def parts_of(option: str) -> dict[str, Any]:
    return {name: getattr(BY_OPTION[option], name) for name in PARTS}


@pytest.mark.parametrize("part", NEEDED)
def test_a_row_without_one_of_its_parts_is_named(part: str) -> None:
    parts = parts_of("scl_over")
    del parts[part]
    with pytest.raises(TypeError, match=f"^scl_over has no {part}$"):
        row("scl_over", **parts)


@pytest.mark.parametrize(
    ("option", "lacking", "said"),
    [
        ("scl_over", {"witness": None}, "scl_over has variables, and no witness that writes them"),
        ("scl_over", {"untraced": ""}, "scl_over has neither column nor untraced"),
        (
            "subject_or_body_contains_words",
            {"formula_outside_headers": None},
            "subject_or_body_contains_words has only one of outside_headers and formula_outside_headers",
        ),
    ],
)
def test_a_row_whose_parts_do_not_fit_is_named(option: str, lacking: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=f"^{said}$"):
        row(option, **{**parts_of(option), **lacking})


def test_a_simulation_imports_no_solver() -> None:
    ran = subprocess.run([sys.executable, "-c", SIMULATION], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


#: The folders whose code is the same for all conditions. What is said of one condition alone, such as a remark on a
#: rule or a claim about mail that leaves, may name it: in input, analyses and repair.
SAME_FOR_ALL = ("model", "actions", "rules", "simulator", "sat", "symbolic", "trace", "evidence", "wording")


def test_what_is_the_same_for_all_conditions_names_none() -> None:
    named: dict[str, set[str]] = {}
    for path in sorted(path for folder in SAME_FOR_ALL for path in (HOUSE / folder).glob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        options = texts & (BY_OPTION.keys() - {"from"})
        if options:
            named[path.name] = options
    assert named == {}


@pytest.mark.parametrize("option", BY_OPTION)
def test_a_condition_is_named_in_one_file_of_the_families(option: str) -> None:
    names = re.compile(rf'"{option}"')
    files = [path.name for path in (HOUSE / "conditions").glob("*.py") if names.search(path.read_text("utf-8"))]
    # The field "from" is a header, too, and fields of recipients have three conditions in one row.
    assert len(files) == 1 or option == "from" or option.endswith(("_header", "_header_member_of")), files
