# SPDX-License-Identifier: GPL-3.0-or-later
"""Each condition means one thing, to the simulator, to the prover and to a replay, whatever a rule did before. The tests
are made from the tables of conditions and actions: a row without samples fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import actions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions.act import Action
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions import (
    attachments,
    copies,
    predicates,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.formulas import Properties
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import (
    Atom,
    Phrase,
    Predicate,
    Reach,
    single,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.seen_message import (
    SeenMessage,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import condition_values
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import dlp_rules, rule_set
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import message_properties
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_conditions import (
    Conditions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.dlp_fields import (
    CONDITIONS,
    KINDS,
    DlpPart,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does

from tests.unit.mail_flow import dlp_agreement, generators, message_literals
from tests.unit.mail_flow.condition_agreement import wrong_about, wrong_about_action
from tests.unit.mail_flow.condition_samples import ACTIONS, drawn
from tests.unit.mail_flow.dlp_agreement import wrong_about_dlp, wrong_about_dlp_action


@pytest.mark.parametrize("row", predicates.PREDICATES, ids=lambda row: row.options[0])
def test_formula_evaluation_and_trace_agree(row: Predicate) -> None:
    assert wrong_about(row) == []


@pytest.mark.parametrize("part", CONDITIONS, ids=lambda part: part.name)
def test_simulator_formula_and_trace_agree_about_a_condition_of_dlp(part: DlpPart) -> None:
    assert wrong_about_dlp(part) == []


@pytest.mark.parametrize("option", KINDS["actions"])
def test_an_action_of_dlp_changes_what_its_row_says(option: str) -> None:
    assert wrong_about_dlp_action(option) == []


@pytest.mark.parametrize("option", actions.BY_OPTION)
def test_an_action_changes_what_its_row_says(option: str) -> None:
    assert wrong_about_action(option) == []


# Rows that are wrong, or not whole


def subjects_as_they_arrive(patch: pytest.MonkeyPatch) -> Predicate:
    """A condition of its own for mail without a subject, compiled as what only the message itself shows."""

    def declare(properties: Properties, atoms: Sequence[Atom]) -> None:
        properties.literals["subject_is_empty", True] = properties.circuit.variable("subject_is_empty")

    row = single(
        "subject_is_empty",
        looks_at="subject",
        sort="switch",
        reach=Reach.MESSAGE,
        headers=("subject",),
        column="subject",
        evaluate=lambda rule_view, value, settings: rule_view.content.subject == "",
        formula=lambda formulas, atom, seen, person: formulas.mail.properties["subject_is_empty", True],
        variables=declare,
        witness=lambda witness: {},
        phrase=Phrase(5, "without a subject"),
        saw=lambda rule_view, atom: rule_view.content.subject,
    )
    with_row = (*predicates.PREDICATES, row)
    for module in (predicates, rule_set, condition_values, message_properties):
        patch.setattr(module, "PREDICATES", with_row)
    patch.setitem(predicates.BY_OPTION, "subject_is_empty", row)
    patch.setitem(rule_set._PLACES, "subject_is_empty", len(with_row) - 1)
    patch.setitem(message_literals.SWITCHES, "subject_is_empty", lambda message: message.subject == "")
    patch.setitem(generators.RARE, "subject_is_empty", lambda source: True)
    drawn.cache_clear()
    return row


def nobody_is_added_to_fields(patch: pytest.MonkeyPatch) -> Predicate:
    """Of people: formulas would not see whom a rule adds."""
    patch.setattr(copies, "_by_added_recipients", lambda *about: [])
    return predicates.BY_OPTION["any_of_to_cc_header"]


def attachments_stay_in_sight(patch: pytest.MonkeyPatch) -> Predicate:
    """Of attachments: a disclaimer around the message would not hide them from formulas."""
    patch.setattr(attachments, "_attached_as", attachments.readable)
    return predicates.BY_OPTION["attachment_name_matches_patterns"]


def headers_as_they_arrive(patch: pytest.MonkeyPatch) -> Predicate:
    """Of headers: formulas would not see what a rule sets."""
    row, text = predicates.BY_OPTION["header_contains_words"], Conditions.text
    patch.setattr(Conditions, "text", lambda self, slot, key, seen: text(self, slot, key, SeenMessage()))
    return row


def recipients_told_by_subjects(patch: pytest.MonkeyPatch) -> Predicate:
    """Of a trace: the subject in a row would decide about the recipient."""
    return _told_by(patch, "recipient_domain_is", "subject")


def subjects_told_by_recipients(patch: pytest.MonkeyPatch) -> Predicate:
    """Of a trace: the recipient in a row would decide about the subject."""
    return _told_by(patch, "subject_contains_words", "recipient")


def _told_by(patch: pytest.MonkeyPatch, option: str, column: str) -> Predicate:
    """A row that names another column of a trace than the one that says it."""
    row = replace(predicates.BY_OPTION[option], column=column, untraced="")
    others = tuple(row if each.options == row.options else each for each in predicates.PREDICATES)
    for module in (predicates, rule_set, condition_values, message_properties):
        patch.setattr(module, "PREDICATES", others)
    patch.setitem(predicates.BY_OPTION, option, row)
    return row


Mistake = Callable[[pytest.MonkeyPatch], Predicate]


@pytest.fixture
def samples() -> Iterator[None]:
    yield
    drawn.cache_clear()


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (subjects_as_they_arrive, "proved never to be in clear, the simulator says in clear"),
        (nobody_is_added_to_fields, "the formula is False, the simulator says None"),
        (attachments_stay_in_sight, "the formula is True, the simulator says None"),
        (headers_as_they_arrive, "the formula is False, the simulator says True"),
        (recipients_told_by_subjects, "a row says"),
        (subjects_told_by_recipients, "a row says"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_found(mistake: Mistake, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = wrong_about(mistake(monkeypatch))
    assert [wrong for wrong in found if said in wrong], found


@pytest.mark.usefixtures("samples")
def test_a_condition_without_samples_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(generators.RARE, "scl_over")
    drawn.cache_clear()
    (found,) = wrong_about(predicates.BY_OPTION["scl_over"])
    assert found.startswith("scl_over has no samples")


def test_a_row_of_dlp_without_samples_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(dlp_agreement.SAMPLES, "sender_type")
    (part,) = [each for each in CONDITIONS if each.name == "SenderType"]
    assert wrong_about_dlp(part) == ["SenderType has no samples: see dlp_agreement.py"]
    monkeypatch.delitem(dlp_agreement.ACTIONS, "quarantine")
    assert wrong_about_dlp_action("quarantine") == ["quarantine has no samples: see dlp_agreement.py"]


def test_a_row_of_dlp_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = [each for each in CONDITIONS if each.name == "RecipientDomainIs"]
    (wrong, *_more) = wrong_about_dlp(replace(part, certain=False))
    assert wrong.endswith("surely matches, and its row does not say so")
    monkeypatch.setitem(dlp_rules.CHANGES, "quarantine", dlp_rules.CONTENT)
    assert wrong_about_dlp_action("quarantine")[0].startswith("quarantine: the row says")


def test_an_action_of_dlp_that_does_not_say_what_it_changes_is_refused() -> None:
    changes = {option: what for option, what in dlp_rules.CHANGES.items() if option != "quarantine"}
    with pytest.raises(TypeError, match="nothing says what quarantine changes of mail"):
        dlp_rules.check(KINDS["actions"], changes)


def test_an_action_without_samples_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ACTIONS, "set_scl")
    assert wrong_about_action("set_scl") == ["set_scl has no samples: see condition_samples.py"]


@pytest.mark.parametrize("option", ["prepend_subject", "set_scl", "apply_ome", "copy_to"])
def test_an_action_whose_row_says_that_it_changes_something_else_is_named(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(actions.BY_OPTION, option, replace(actions.BY_OPTION[option], seen="importance"))
    assert wrong_about_action(option)[0].startswith(f"{option}: the rows say")


@pytest.mark.parametrize("option", ["prepend_subject", "set_scl", "apply_ome", "copy_to"])
def test_an_action_whose_row_does_not_say_what_it_changes_is_refused(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        replace(actions.BY_OPTION[option], seen="")


def test_a_table_of_actions_that_is_not_whole_is_refused() -> None:
    done = frozenset[Does]().union(*(family.does for family in actions.FAMILIES))
    for rows, families, said in (
        (actions.ACTIONS[1:], done, f"{actions.ACTIONS[0].option} has 0 rows"),
        ((*actions.ACTIONS, actions.ACTIONS[0]), done, f"{actions.ACTIONS[0].option} has 2 rows"),
        (actions.ACTIONS, done - {Does.BRAND}, "no family of actions does what apply_rights_protection_customization"),
    ):
        with pytest.raises(TypeError, match=said):
            actions.check(rows, families)
    with pytest.raises(TypeError, match="nothing in DOES"):
        Action("encrypt_everything")
