# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of conditions and actions: complete, and of one mind with the documentation extract."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import actions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions import predicates
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import Reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.truth_sets import UNTRACED_KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import (
    DOES,
    MODERATING,
    Does,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import SECTIONS

ROOT = Path(__file__).resolve().parents[3]
_EXTRACT = json.loads(
    (Path(__file__).parents[2] / "emulator/data/transport_rule_options.json").read_text(encoding="utf-8")
)

#: Section to its parameters of New-TransportRule.
PARAMETERS = {
    section: {name.casefold() for name, row in _EXTRACT.items() if row.get("section") == section}
    for section in ("conditions", "exceptions", "actions")
}


def _options(section: str) -> set[str]:
    """The options of a section, whose parameters are all that the documentation has."""
    assert {row.parameter.casefold() for row in SECTIONS[section]} == PARAMETERS[section]
    return {row.option for row in SECTIONS[section]}


@pytest.mark.parametrize("section", ["conditions", "exceptions"])
def test_every_condition_and_exception_has_its_row(section: str) -> None:
    assert set(predicates.BY_OPTION) == _options(section)


def test_every_action_has_its_row() -> None:
    assert set(actions.BY_OPTION) == _options("actions")
    assert set(actions.BY_OPTION) == set(DOES)
    assert {row.option for row in actions.ACTIONS if row.does is Does.MODERATE} == set(MODERATING)


def test_no_option_has_two_rows() -> None:
    options = [option for row in predicates.PREDICATES for option in row.options]
    assert len(options) == len(set(options))
    assert len(actions.ACTIONS) == len(actions.BY_OPTION)


def _table(guide: str) -> dict[str, str]:
    """The rows of a guide's tables: the number, and what is beside it."""
    text = (ROOT / f"docs/docsite/rst/{guide}.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ([UL]\d+)\n     - (.+(?:\n       .+)*)", text, re.MULTILINE)
    return {number: " ".join(said.split()) for number, said in rows}


def _cited(letter: str) -> set[str]:
    """The numbers that comments, tests and words cite."""
    files = [
        path
        for folder in ("plugins/module_utils/_mail_flow", "tests/unit/mail_flow")
        for path in (ROOT / folder).rglob("*.py")
    ]
    return {
        number for path in files for number in re.findall(rf"\b{letter}\d{{1,2}}\b", path.read_text(encoding="utf-8"))
    }


def test_open_questions_are_those_that_are_listed() -> None:
    numbers = {number for row in (*predicates.PREDICATES, *actions.ACTIONS) for number in row.unknowns}
    assert numbers <= set(questions.BY_ID)
    assert [question.id for question in questions.QUESTIONS] == [f"U{number:02}" for number in range(38)]


def test_a_question_is_named_where_it_is_asked() -> None:
    """Its number stands in one table, for all that code says of it."""
    files = [path for path in (ROOT / "plugins/module_utils").rglob("*.py") if path.name != "questions.py"]
    assert [path.name for path in files if re.search(r"""["']U\d\d["']""", path.read_text(encoding="utf-8"))] == []


def test_the_guide_lists_the_questions() -> None:
    assert _table("guide_what_is_unknown") == {question.id: question.sentence for question in questions.QUESTIONS}


def test_what_is_cited_is_listed() -> None:
    assert _cited("U") == set(questions.BY_ID)
    assert _cited("L") <= set(_table("architecture_mail_flow"))


def test_why_no_row_of_the_trace_says_a_condition_has_its_word() -> None:
    assert {row.untraced for row in predicates.PREDICATES} <= {None, *UNTRACED_KINDS}


def test_what_splits_a_copy_and_what_does_not() -> None:
    reach = {row.options[0]: row.reach for row in predicates.PREDICATES}
    assert {option for option, value in reach.items() if value is Reach.RECIPIENT} == {
        *(
            "sent_to",
            "sent_to_scope",
            "sent_to_member_of",
            "recipient_address_contains_words",
            "recipient_address_matches_patterns",
        ),
        *("recipient_domain_is", "recipient_ad_attribute_contains_words", "recipient_ad_attribute_matches_patterns"),
    }
    assert {option for option, value in reach.items() if value is Reach.COPY} == {
        option for option in reach if option.startswith("any_of_")
    }


def test_what_ends_a_way_and_what_later_rules_see() -> None:
    assert {row.does for row in actions.ACTIONS if row.ends} == {
        Does.DELETE,
        Does.QUARANTINE,
        Does.REJECT,
        Does.REDIRECT,
        Does.STOP,
    }
    assert {row.option: row.in_audit for row in actions.ACTIONS if row.in_audit} == {
        "generate_incident_report": ("Audit", "AuditAndNotify"),
        "generate_notification": ("AuditAndNotify",),
    }
    seen = {row.seen for row in actions.ACTIONS if row.seen}
    assert seen <= {row.looks_at for row in predicates.PREDICATES}
