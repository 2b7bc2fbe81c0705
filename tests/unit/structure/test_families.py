# SPDX-License-Identifier: GPL-3.0-or-later
"""A condition or an action is one place: its family knows no solver, and what proves knows families alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicates import BY_OPTION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import DOES

from tests.unit.structure.import_graph import FILES, graph

HOUSE = "module_utils._mail_flow"

#: What the files of conditions and actions are that are no family: the parts of rows, and the tables of all of them.
NO_FAMILIES = {
    "conditions": (
        "connectives",
        "content",
        "formulas",
        "keys",
        "predicate",
        "predicates",
        "seen_message",
        "thresholds",
        "witness",
    ),
    "actions": ("act", "actions", "copy_state", "text_edits"),
}

#: What ``symbolic`` takes from a family, with the reason.
TAKEN = {
    ("atoms", "actions.brought_people", "brings_manager"): "people whom rules bring are atoms",
    ("atoms", "actions.brought_people", "looks_at_manager"): "people with a manager are atoms if that matters",
    ("atoms", "actions.brought_people", "named_by"): "people whom rules name are atoms",
    ("atoms", "conditions.copies", "members_in_fields"): "members of groups in fields are atoms",
    ("compile_conditions", "conditions.copies", "possible_for_added"): "a copy for somebody whom a rule adds is open",
    ("compile_dlp_rules", "actions.bring", "make_copies"): "DLP rules send copies as mail flow rules do",
    ("compile_outcomes", "actions.brought_people", "sent_by"): "a rule shows mail of some senders to others",
    ("compile_recipients", "conditions.copies", "SHOWN_FIELDS"): "who shares a copy stands in fields",
    ("compile_rules", "actions.deliver", "reject"): "a disclaimer that does not fit replaces all that the rule does",
    ("compile_rules", "actions.edit", "insertion"): "a disclaimer that does not fit replaces all that the rule does",
    ("compile_text_edits", "actions.edit", "text_edits"): "the last edit of a text decides what is followed of it",
    ("concretizer", "conditions.copies", "SHOWN_FIELDS"): "a message has fields",
    ("copy_properties", "actions.protect", "option_name"): "a guarantee names an option as a result does",
    ("encoding", "conditions.copies", "SHOWN_FIELDS"): "who shares a copy stands in fields",
    ("symbolic_message", "actions.edit", "text_edits"): "a prefix may hide the beginning of a subject",
    ("other_people", "conditions.copies", "SHOWN_FIELDS"): "other recipients stand in fields",
}

#: The sorts of actions that ``symbolic`` tells apart, with the reason.
SORTS = {
    ("compile_protection", "BRAND"): "Exchange applies what rules ask for after the last one, in their order",
    ("compile_protection", "DECRYPT"): "Exchange applies what rules ask for after the last one, in their order",
    ("compile_protection", "ENCRYPT"): "Exchange applies what rules ask for after the last one, in their order",
    ("compile_outcomes", "ENCRYPT"): "rules may encrypt reports",
    ("compile_outcomes", "ROUTE"): "rules may route reports",
    ("compile_recipients", "STOP"): "a rule in a test mode may stop, which parts a copy",
    ("compile_rules", "DETAIL"): "it shows on no copy",
    ("compile_rules", "REPORT"): "it shows on no copy, and is done after a rejection",
    ("compile_rules", "STOP"): "a rule in a test mode may stop",
    ("copy_properties", "BRAND"): "which of several brandings a copy has depends on their order",
    ("witness_replay", "ENCRYPT"): "rules may encrypt reports",
    ("witness_replay", "ROUTE"): "rules may route reports",
}

#: Strings in ``symbolic`` that are options elsewhere.
OTHERWISE_MEANT = {("concretizer", "from"): "the key of a message"}


def module(name: str) -> str:
    return name.rpartition(".")[2]


def nodes(folder: str) -> Iterator[tuple[str, ast.AST]]:
    """The code of a folder, with the name of its file."""
    for name in FILES:
        if name.startswith(f"{HOUSE}.{folder}."):
            yield from ((module(name), node) for node in ast.walk(ast.parse(Path(FILES[name]).read_text("utf-8"))))


def reached_from(folder: str) -> set[str]:
    """The modules that those of a folder import, and what these import."""
    found = {name for name in FILES if name.startswith(f"{HOUSE}.{folder}.")}
    todo = list(found)
    while todo:
        new = graph()[todo.pop()] - found
        found |= new
        todo += new
    return found


def test_a_family_knows_no_solver() -> None:
    for folder in ("conditions", "actions", "rules", "simulator"):
        reached = reached_from(folder)
        assert [name for name in reached if name.startswith((f"{HOUSE}.sat.", f"{HOUSE}.symbolic."))] == []
        assert f"{HOUSE}.model.questions" in reached


def test_what_proves_names_no_action_and_no_condition() -> None:
    options = DOES.keys() | BY_OPTION.keys()
    named = {
        (file, node.value)
        for folder in ("symbolic", "sat")
        for file, node in nodes(folder)
        if isinstance(node, ast.Constant) and node.value in options
    }
    assert named == set(OTHERWISE_MEANT)


def test_what_proves_takes_little_from_a_single_family() -> None:
    taken = {
        (file, node.module, name.name)
        for file, node in nodes("symbolic")
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
        if node.module.partition(".")[0] in NO_FAMILIES
        and module(node.module) not in NO_FAMILIES[node.module.partition(".")[0]]
    }
    assert taken == set(TAKEN)


def test_what_proves_tells_few_sorts_of_actions_apart() -> None:
    sorts = {
        (file, node.attr)
        for file, node in nodes("symbolic")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Does"
    }
    assert sorts == set(SORTS)
