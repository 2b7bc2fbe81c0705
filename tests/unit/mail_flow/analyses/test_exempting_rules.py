# SPDX-License-Identifier: GPL-3.0-or-later
"""Which other rules keep some mail from a change: few are named, of more it is told how they do it, and what the steps do not
suffice for is left open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import class_findings
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.exempting_rules import (
    MOST_COUNTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import Exempting
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import Solver
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import unless_words

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, STOP, compared, rule

Values = dict[str, Any]


def stops(count: int) -> list[Values]:
    """Rules, each of which stops mail with a word of its own."""
    return [rule(f"S{number}", {**IN, "subject_contains_words": [f"word{number}"]}, STOP) for number in range(count)]


def texts(before: Sequence[Values], after: Sequence[Values]) -> list[str]:
    """The sentences about a change that is known completely."""
    found = compared(before, after)
    assert found.complete
    return [row["text"] for row in found.rows]


@pytest.mark.parametrize("count", [2, MOST_COUNTED, MOST_COUNTED + 2, 3 * MOST_COUNTED])
def test_a_few_exempting_rules_are_named_and_of_many_it_is_said_that_there_are_more(count: int) -> None:
    (text,) = texts(stops(count), [*stops(count), ALL])
    assert (text.count("'S"), "another rule" in text) == (min(count, MOST_COUNTED), count > MOST_COUNTED)


def test_another_rule_that_is_the_only_one_of_its_kind_is_named() -> None:
    """It said "or another rule rejects it" where one rule rejects any."""
    many = stops(3 * MOST_COUNTED)
    rejects = rule("Virus", {**IN, "subject_contains_words": ["virus"]}, {"reject_message_reason_text": "No."})
    (text,) = texts([*many, rejects], [*many, rejects, ALL])
    assert "rejected by 'Virus'" in text
    assert "or another rule stops processing first" in text
    several = [rejects, {**rejects, "name": "Worm", "conditions": {**IN, "subject_contains_words": ["worm"]}}]
    for rules in ([*many, *several], [*several, *many]):
        (text,) = texts(rules, [*rules, ALL])
        assert ("another rule" in text, "'Virus' or another" in text) == (True, False)


def test_many_exempting_rules_take_as_many_questions_as_some(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    solve: Callable[..., bool | None] = Solver.solve

    def counted(*args: Any, **named: Any) -> bool | None:
        asked[-1] += 1
        return solve(*args, **named)

    monkeypatch.setattr(Solver, "solve", counted)
    for count in (2 * MOST_COUNTED, 8 * MOST_COUNTED):
        asked.append(0)
        texts(stops(count), [*stops(count), ALL])
    assert asked[0] == asked[1]


def test_a_class_is_told_though_nobody_knows_how_much_mail_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may still be found of a class is no reason to be silent about it."""
    known = compared([], [ALL])

    def reach(*_args: Any) -> list[tuple[str, bool]]:
        raise BudgetError

    monkeypatch.setattr(class_findings, "reach", reach)
    found = compared([], [ALL])
    assert (found.complete, [row["kind"] for row in found.rows]) == (True, [row["kind"] for row in known.rows])
    assert ([row["every"] for row in known.rows], [row["every"] for row in found.rows]) == ([True], [False])


def test_another_rule_that_encrypts_keeps_no_mail_from_another_branding() -> None:
    def branding(name: str) -> Values:
        return rule("A", IN, {**ENCRYPT, "apply_rights_protection_customization_template": name})

    (text,) = texts([branding("One"), ALL], [branding("Two"), ALL])
    assert "'Two' instead of 'One'" in text
    assert "encrypted by" not in text


@pytest.mark.parametrize(
    ("template", "how"), [("Encrypt", "it is encrypted by 'Other'"), ("Internal", "'Other' asks for another template")]
)
def test_a_rule_asks_for_another_template_only_if_it_has_another_than_the_mail_has_now(template: str, how: str) -> None:
    """The disclaimer makes an S/MIME message the attachment of one that rules encrypt."""
    wrapping = rule("Footer", IN, {"apply_html_disclaimer_text": "<p>Ours</p>"})
    word = {**IN, "subject_contains_words": ["secret"]}
    other = rule("Other", word, {"apply_rights_protection_template": template})
    rows = compared([wrapping, other], [wrapping, other, ALL]).rows
    (text,) = [row["text"] for row in rows if row["kind"] == "protection_changed"]
    assert text.partition(": ")[0].endswith(f", unless {how}")


@pytest.mark.parametrize(("branding", "unless"), [("X", "it already did"), ("Y", "'Other' chooses another branding")])
def test_a_rule_chooses_another_branding_only_if_that_is_another(branding: str, unless: str) -> None:
    def chooses(name: str, word: str, branding: str) -> dict[str, Any]:
        actions = {"apply_rights_protection_customization_template": branding}
        return rule(name, {**IN, "subject_contains_words": [word]}, actions)

    before = [ALL, chooses("Other", "other", branding)]
    rows = compared(before, [*before, chooses("New", "new", "X")]).rows
    (text,) = [row["text"] for row in rows if row["kind"] == "branding_changed"]
    assert text.partition(": ")[0].endswith(f", unless {unless}")


def test_rules_that_are_not_counted_are_one_more() -> None:
    stopping = [Exempting(f"R{number}", "stops") for number in range(5)]
    assert unless_words(stopping, other_ways=["stops"]).endswith("'R2' or another rule stops processing first")
    assert unless_words(stopping[:1], other_ways=["rejects"]) == (
        ", unless it is rejected by another rule, or 'R0' stops processing first"
    )


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        (["rejects", "holds"], "it is rejected by 'R', or held for approval by 'R'"),
        (["rejects", "stops", "deletes"], "it is rejected by 'R', or deleted by 'R', or 'R' stops processing first"),
        (["dlp_blocks", "rejects"], "it is rejected by 'R', or DLP blocks it with 'R'"),
        (
            ["brands", "may_stop"],
            "'R' chooses another branding, or 'R' stops processing first even in a test mode (U08)",
        ),
    ],
)
def test_what_mail_is_otherwise_is_said_first_and_once(ways: list[str], words: str) -> None:
    assert unless_words([Exempting("R", how) for how in ways]) == f", unless {words}"


def test_copies_are_named_once() -> None:
    keeping = [Exempting("R", how) for how in ("rejects", "deletes", "dlp_blocks")]
    assert unless_words(keeping, what=("one of the two copies", "one of them")) == (
        ", unless one of the two copies is rejected by 'R', or deleted by 'R', or DLP blocks one of them with 'R'"
    )


def test_the_rule_by_which_somebody_gets_a_copy_does_not_keep_it_from_a_change() -> None:
    encrypts = rule("Encrypts", {**IN, "recipient_domain_is": ["contoso.com"]}, ENCRYPT)
    behind = [
        rule("Board", {"subject_contains_words": ["board"]}, ENCRYPT),
        encrypts,
        rule("Moved", {"sent_to": ["megan@contoso.com"]}, {"redirect_message_to": ["bob@contoso.com"]}),
    ]
    narrower = {**encrypts, "conditions": {**encrypts["conditions"], "sent_to_scope": "NotInOrganization"}}
    found = compared(behind, [behind[0], narrower, behind[2]])
    (text,) = [row["text"] for row in found.rows if "for bob@contoso.com" in row["text"]]
    assert "'Board'" in text
    assert "'Moved'" not in text


def test_a_rule_that_exempted_mail_only_before_is_said_in_the_past() -> None:
    """The new rule stops mail before the rule that rejected some of it."""
    rejects = rule("Rejects", {**IN, "subject_contains_words": ["a"]}, {"reject_message_reason_text": "No."})
    told = texts([rejects], [rule("First", IN, {**ENCRYPT, **STOP}), rejects])
    (encrypted,) = (text for text in told if "is now encrypted" in text)
    assert "unless it was rejected by 'Rejects' before" in encrypted


def test_rules_that_exempt_mail_now_come_before_those_that_did() -> None:
    exempting = [
        Exempting("R", "rejects", before=True),
        Exempting("S", "stops", before=True),
        Exempting("Q", "rejects"),
    ]
    assert unless_words(exempting) == (
        ", unless it is rejected by 'Q', or it was rejected by 'R' before, or 'S' stopped processing first"
    )


def test_a_rule_that_stops_mail_before_and_after_the_edit_is_said_in_the_present() -> None:
    (text,) = texts([*stops(1), ALL], stops(1))
    assert "unless 'S0' stops processing first" in text


def test_who_is_named_in_a_field_is_one_question_for_both_rule_sets() -> None:
    """That another rule splits the message changes nothing for somebody who stays in the copy (U07)."""
    tls = rule("TLS", {**IN, "recipient_domain_is": ["partner.com"]}, STOP)
    words = rule(
        "Words", {**IN, "subject_contains_words": ["a"]}, ENCRYPT, exceptions={"any_of_to_header": ["bob@contoso.com"]}
    )
    rows = compared([tls, words], [words]).rows
    assert [row["text"] for row in rows if "splits the message" in row["text"]] == []
