# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what a sender decides: texts that anybody can write, and answers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import lint_rows

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, STOP, rule
from tests.unit.mail_flow.organizations import hospital, small
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

KINDS = {"typed_exception", "typed_stop", "answers_missed", "prefix_repeats", "outsiders_locked_out"}


def found(*rules: Values, facts: Values = TENANT) -> list[tuple[str, str]]:
    return [(each.kind, each.rules[0]) for each in lint(rules, facts, NOW) if each.kind in KINDS]


def case(*rules: Values, facts: Values = TENANT) -> Values:
    (never,) = [each for each in lint(rules, facts, NOW) if each.kind == "never_acts"]
    return dict(never.about)


@pytest.mark.parametrize(
    ("exceptions", "typed"),
    [
        ({"subject_contains_words": ["public"]}, True),
        ({"subject_matches_patterns": [r"^\[open\]"]}, True),
        ({"subject_or_body_contains_words": ["public"]}, True),
        ({"header_contains_message_header": "X-Clear", "header_contains_words": ["yes"]}, True),
        (
            {"header_contains_message_header": "X-MS-Exchange-Organization-Clear", "header_contains_words": ["yes"]},
            False,
        ),
        ({"recipient_domain_is": ["partner.com"]}, False),
        ({"from": ["megan@contoso.com"]}, False),
    ],
)
def test_an_exception_that_a_sender_can_write_is_found(exceptions: Values, typed: bool) -> None:
    assert (("typed_exception", "All") in found({**ALL, "exceptions": exceptions})) is typed
    reports = rule("Reports", OUTGOING, {"set_audit_severity": "High"}, exceptions=exceptions)
    assert found(reports) == []


def test_an_exception_that_never_applies_is_nobodys_choice() -> None:
    spares = {**ALL, "exceptions": {"subject_contains_words": ["public"]}}
    inside = {**OUTGOING, "subject_contains_words": ["public"]}
    away = rule("Away", inside, {"redirect_message_to": ["new@b.com"], **STOP})
    kinds = [each.kind for each in lint([away, spares], TENANT, NOW)]
    assert ("typed_exception" in kinds) is not ("idle_exception" in kinds)


def test_a_stop_that_a_sender_can_write_is_found() -> None:
    word = {"subject_contains_words": ["public"]}
    assert found(rule("Stops", {**IN, **word}, STOP), ALL) == [("typed_stop", "Stops")]
    assert found(rule("Stops", {"from": ["megan@contoso.com"], **word}, STOP), ALL) == []
    assert found(rule("Stops", {**IN, "recipient_domain_is": ["partner.com"]}, STOP), ALL) == []
    assert found(rule("Stops", {**IN, **word}, STOP)) == []


@pytest.mark.parametrize(
    ("patterns", "missed"),
    [
        ([r"^\[secure\]"], True),
        ([r"^secure$"], True),
        ([r"\[secure\]"], False),
        ([r"\[secure\]$"], False),
        ([r"^(re: )?\[secure\]"], False),
        ([r"^\[secure\]", r"^re:"], False),
    ],
)
def test_a_pattern_that_answers_do_not_have_is_found(patterns: list[str], missed: bool) -> None:
    secure = rule("Secure", {**OUTGOING, "subject_matches_patterns": patterns}, ENCRYPT)
    assert found(secure) == ([("answers_missed", "Secure")] if missed else [])
    answers = rule("Answers", {**OUTGOING, "subject_contains_words": ["secure"]}, ENCRYPT)
    assert found(secure, answers) == []
    assert found(secure, ALL) == []
    partner = rule("Partner", {**OUTGOING, "recipient_domain_is": ["partner.com"]}, ENCRYPT)
    assert found(secure, partner) == found(secure)


@pytest.mark.parametrize(
    ("conditions", "exceptions", "repeats"),
    [
        ({}, {}, True),
        ({}, {"subject_contains_words": ["[Out]"]}, False),
        ({}, {"subject_matches_patterns": [r"^(re|fw): "]}, False),
        ({}, {"header_contains_message_header": "Subject", "header_contains_words": ["[Out]"]}, False),
        ({}, {"header_matches_message_header": "In-Reply-To", "header_matches_patterns": ["."]}, False),
        ({}, {"recipient_domain_is": ["partner.com"]}, True),
        ({"subject_contains_words": ["offer"]}, {}, True),
        ({"subject_matches_patterns": ["^offer"]}, {}, False),
    ],
)
def test_a_prefix_that_each_answer_gets_again_is_found(conditions: Values, exceptions: Values, repeats: bool) -> None:
    marks = rule("Marks", {**OUTGOING, **conditions}, {"prepend_subject": "[Out] "}, exceptions=exceptions)
    assert found(marks) == ([("prefix_repeats", "Marks")] if repeats else [])
    assert found({**marks, "mode": "Audit"}) == []
    assert found({**marks, "expiry_date": "2026-02-01T00:00:00Z"}) == []


@pytest.mark.parametrize(("pattern", "missed"), [(r"^\[Out\]", r"^\[Out\]"), (r"^offer", None)])
def test_an_exception_that_finds_a_prefix_in_the_first_message_alone_is_named(pattern: str, missed: str | None) -> None:
    marks = rule("Marks", OUTGOING, {"prepend_subject": "[Out] "}, exceptions={"subject_matches_patterns": [pattern]})
    (repeats,) = [each for each in lint([marks], TENANT, NOW) if each.kind == "prefix_repeats"]
    assert repeats.about.get("pattern") == missed


def test_people_outside_who_have_neither_passcode_nor_social_id() -> None:
    closed = {"identity": "OME Configuration", "otp_enabled": False, "social_id_sign_in": False}
    for configuration, finding in (
        (closed, [("outsiders_locked_out", "All")]),
        ({**closed, "otp_enabled": True}, []),
        ({**closed, "social_id_sign_in": True}, []),
        ({**closed, "identity": "Other"}, []),
    ):
        assert found(ALL, facts={**TENANT, "ome_configurations": [configuration]}) == finding
    locked_out = {**TENANT, "ome_configurations": [closed]}
    for to_colleagues in ({"sent_to_scope": "InOrganization"}, {"sent_to": ["megan@contoso.com"]}):
        assert found(rule("Inside", {**IN, **to_colleagues}, ENCRYPT), facts=locked_out) == []
    nobody_outside = rule("Inside", IN, ENCRYPT, exceptions={"sent_to_scope": "NotInOrganization"})
    assert found(nobody_outside, facts=locked_out) == []


def test_each_reason_why_a_rule_never_acts_is_told_apart() -> None:
    two = {"sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}
    assert case(rule("R", {**OUTGOING, **two}, ENCRYPT)) == {
        "case": "contradiction",
        "options": ["sent_to", "recipient_domain_is"],
    }
    begins = rule("R", {**OUTGOING, **two}, ENCRYPT, activation_date="2027-02-01T00:00:00Z")
    assert case(begins)["case"] == "dates"
    ended = rule("R", {**OUTGOING, **two}, ENCRYPT, expiry_date="2026-02-01T00:00:00Z")
    assert "never_acts" not in [each.kind for each in lint([ended], TENANT, NOW)]  # That it is over is said already.
    runs = rule("R", {**OUTGOING, **two}, ENCRYPT, expiry_date="2027-02-01T00:00:00Z")
    assert case(runs)["case"] == "contradiction"
    spared = rule("R", {**OUTGOING, "recipient_domain_is": ["a.com"]}, ENCRYPT)
    assert case({**spared, "exceptions": {"recipient_domain_is": ["a.com"]}}) == {
        "case": "exceptions",
        "options": ["recipient_domain_is"],
    }
    empty = {**TENANT, "groups": {"legal@contoso.com": []}}
    assert case(rule("R", {**OUTGOING, "from_member_of": ["legal@contoso.com"]}, ENCRYPT), facts=empty) == {
        "case": "nobody",
        "groups": ("legal@contoso.com",),
    }
    header = {"header_contains_message_header": "X-Mark", "header_contains_words": ["old"]}
    sets = rule("Sets", {}, {"set_header_name": "X-Mark", "set_header_value": "new"})
    assert case(sets, rule("R", {**OUTGOING, **header}, ENCRYPT))["case"] == "changed"
    tags = rule("Tags", {}, {"prepend_subject": "[EXT] "})
    begins = {"subject_matches_patterns": [r"^\[secure\]"]}
    assert case(tags, rule("R", {**OUTGOING, **begins}, ENCRYPT))["case"] == "one line"
    stops = rule("Stops", {}, STOP)
    assert case(stops, rule("R", OUTGOING, {"set_audit_severity": "High"}))["case"] == "stopped"
    others = rule("Stops", {}, STOP, exceptions=begins)
    assert case(tags, others, rule("R", OUTGOING, ENCRYPT))["case"] == "stopped, one line"
    tagged = {"subject_matches_patterns": [r"^\[EXT\] a"]}
    either = {"subject_matches_patterns": [r"^\[secure\]", r"^\[EXT\] a"]}
    spared = rule("R", {**OUTGOING, **either}, ENCRYPT, exceptions=tagged)
    assert case(tags, spared)["case"] == "exceptions, one line"


def test_what_only_a_subject_of_two_lines_shows_is_not_said_of_all_mail() -> None:
    """An exception that a subject of one line never meets is not idle, and a rule is not covered for its sake."""
    tags = rule("Tags", {}, {"prepend_subject": "[EXT] "})
    begins = {"subject_matches_patterns": [r"^\[secure\]"]}
    a, b = rule("A", OUTGOING, ENCRYPT, exceptions=begins), rule("B", OUTGOING, ENCRYPT)
    said = [(each.kind, each.rules) for each in lint([tags, a, b], TENANT, NOW)]
    assert "idle_exception" not in [kind for kind, _rules in said]
    assert [rules for kind, rules in said if kind == "covered_rule"] == [("A", "B")]


@pytest.mark.parametrize(
    ("organization", "findings"),
    [
        (
            hospital,
            [("answers_missed", "Secure"), ("prefix_repeats", "External"), ("typed_exception", "Insurers")],
        ),
        (
            small,
            [
                ("answers_missed", "Secure"),
                ("prefix_repeats", "External"),
                ("typed_exception", "Clients"),
                ("typed_stop", "Newsletter"),
            ],
        ),
    ],
    ids=["hospital", "small"],
)
def test_of_an_organization_are_found(organization: ModuleType, findings: list[tuple[str, str]]) -> None:
    rules = [{**each, "priority": place} for place, each in enumerate(organization.RULES)]
    every = lint(rules, organization.FACTS, NOW)
    assert sorted((each.kind, each.rules[0]) for each in every if each.kind in KINDS) == findings
    rows = lint_rows(every)
    assert {(row.kind, name) for row in rows for name in row.rules} == {
        (each.kind, name) for each in every for name in each.rules
    }
