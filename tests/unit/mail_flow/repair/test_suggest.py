# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions: named cases, and the laws that each of them obeys."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    Counterexample,
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import (
    Case,
    broken,
    cases_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
    with_facts,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.advice import Advice
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import RuleEdit, as_options
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
    Suggestion,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules

from tests.rounds import seeds
from tests.unit.mail_flow import small_rules
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.dlp_worlds import encrypts
from tests.unit.mail_flow.organizations.loading import ORGANIZATIONS
from tests.unit.mail_flow.small_worlds import MORE_THENS, TENANT, THENS

Values = dict[str, Any]

AWAY = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})
G: Values = {"name": "G", "when": OUTGOING, "then": "encrypted"}
TO_PARTNER: Values = {
    "name": "Offer",
    "from": "megan@contoso.com",
    "mail_from": "megan@contoso.com",
    "authenticated": True,
    "to": ["ann@partner.com"],
}


def rows_of(*given: Any) -> list[dict[str, Any]]:
    return [row.as_row() for row in suggestion_rows(*given)]


def unread(path: str) -> bytes:
    raise AssertionError(path)


def repaired(
    rules: Sequence[Values],
    guarantees: Sequence[Values] = (G,),
    messages: Sequence[Values] = (),
    facts: Mapping[str, Any] = TENANT,
    **more: Any,
) -> list[GoalSuggestions]:
    read = RuleSet(rules)
    judged = prove(read, facts, guarantees_of(list(guarantees)), NOW)
    return suggestions(read, facts, judged, cases_of(list(messages), unread, NOW), NOW, **more)


def edits(found: GoalSuggestions) -> list[tuple[Any, ...]]:
    """Kind, rule, option, before and after of suggestions of one edit."""
    return [parts(each.edits[0]) for each in found.suggestions if len(each.edits) == 1]


def parts(edit: RuleEdit) -> tuple[Any, ...]:
    """Kind, rule, option, before and after of an edit."""
    return edit.kind, edit.rule, edit.option, edit.before, edit.after


def test_a_rule_that_stops_before() -> None:
    (found,) = repaired([AWAY, ALL])
    assert found.name == "G"
    assert ("move", "All", "priority", 1, 0) in edits(found)
    assert ("stop", "Partner", "actions.stop_rule_processing", True, None) in edits(found)
    moved = next(each for each in found.suggestions if each.edits[0].kind == "move")
    assert [each["name"] for each in moved.rules] in (["All", "Partner"],)
    assert [each.kind for each in moved.difference.findings] == ["protection_gained"]


@pytest.mark.parametrize(
    ("rules", "edit"),
    [
        ([{**ALL, "enabled": False}], ("enable", "All", "enabled", False, True)),
        ([{**ALL, "mode": "Audit"}], ("enable", "All", "mode", "Audit", "Enforce")),
        (
            [{**ALL, "exceptions": {"subject_contains_words": ["public"]}}],
            ("exception", "All", "exceptions.subject_contains_words", ["public"], None),
        ),
        (
            [rule("All", {**OUTGOING, "subject_contains_words": ["x"]}, ENCRYPT)],
            ("condition", "All", "conditions.subject_contains_words", ["x"], None),
        ),
        ([], ("add", "Encrypt: G", "priority", None, 0)),
    ],
)
def test_one_edit(rules: list[Values], edit: tuple[Any, ...]) -> None:
    (found,) = repaired(rules)
    assert edit in edits(found)


def test_a_condition_is_widened_by_the_values_of_the_guarantee() -> None:
    wanted = {"name": "G", "when": {**OUTGOING, "recipient_domain_is": ["a.com", "b.com"]}, "then": "encrypted"}
    (found,) = repaired([rule("A", {**OUTGOING, "recipient_domain_is": ["a.com"]}, ENCRYPT)], [wanted])
    assert ("condition", "A", "conditions.recipient_domain_is", ["a.com"], ["a.com", "b.com"]) in edits(found)


def test_a_rule_that_stops_loses_one_of_its_domains_or_gets_an_exception() -> None:
    wanted = {"name": "G", "when": {**OUTGOING, "recipient_domain_is": ["a.com"]}, "then": "encrypted"}
    (found,) = repaired([rule("Partners", {"recipient_domain_is": ["a.com", "b.com"]}, STOP), ALL], [wanted])
    assert ("condition", "Partners", "conditions.recipient_domain_is", ["a.com", "b.com"], ["b.com"]) in edits(found)
    assert ("exception", "Partners", "exceptions.recipient_domain_is", None, ["a.com"]) in edits(found)
    assert edits(found)[0] == ("condition", "Partners", "conditions.recipient_domain_is", ["a.com", "b.com"], ["b.com"])


def test_what_concerns_the_wanted_mail_alone_is_before_what_changes_other_mail() -> None:
    wanted = {"name": "G", "when": {**OUTGOING, "recipient_domain_is": ["a.com"]}, "then": "encrypted"}
    (found,) = repaired(
        [rule("Partners", {"recipient_domain_is": ["a.com", "b.com"]}, {**STOP, "set_audit_severity": "Low"}), ALL],
        [wanted],
    )
    alone = [edit for edit, each in zip(edits(found), found.suggestions, strict=True) if not each.unwanted_changes]
    others = [edit for edit, each in zip(edits(found), found.suggestions, strict=True) if each.unwanted_changes]
    assert [*alone, *others] == edits(found)
    assert ("exception", "Partners", "exceptions.recipient_domain_is", None, ["a.com"]) in alone
    assert ("add", "Encrypt mail to a.com", "priority", None, 0) in alone
    assert ("stop", "Partners", "actions.stop_rule_processing", True, None) in others
    # Each of them makes one kind of mail newly encrypted.
    assert {len(each.difference.findings) for each in found.suggestions} == {1}


def test_among_what_changes_other_mail_the_narrowest_is_first() -> None:
    wanted = {"name": "G", "when": {**PARTNER, "subject_contains_words": ["x"]}, "then": "encrypted"}
    stops = rule(
        "Many", {"recipient_domain_is": ["a.com", "b.com", "partner.com"]}, {**STOP, "set_audit_severity": "Low"}
    )
    (found,) = repaired([stops, ALL], [wanted])
    narrowed = (
        "condition",
        "Many",
        "conditions.recipient_domain_is",
        ["a.com", "b.com", "partner.com"],
        ["a.com", "b.com"],
    )
    of_all_three = [("move", "All", "priority", 1, 0), ("stop", "Many", "actions.stop_rule_processing", True, None)]
    assert next(each for each in edits(found) if each == narrowed or each in of_all_three) == narrowed
    assert found.suggestions[0].unwanted_changes == ()
    assert found.suggestions[edits(found).index(narrowed)].unwanted_changes != ()


def test_what_takes_encryption_away_is_last_and_says_so() -> None:
    wanted = {"name": "G", "when": {**PARTNER, "subject_contains_words": ["x"]}, "then": "unencrypted"}
    (found,) = repaired([ALL], [wanted])
    costs = [[each.kind for each in suggestion.losses] for suggestion in found.suggestions]
    # That the wanted mail is no longer encrypted is what was asked for.
    assert costs[0] == []
    assert ["protection_lost"] in costs
    assert [len(each) for each in costs] == sorted(map(len, costs))
    texts = [row["text"] for row in rows_of([found], [ALL], str)]
    assert [", but it takes encryption from all mail from inside" in text for text in texts] == [
        bool(each) for each in costs
    ]


def test_mail_that_is_no_longer_delivered_is_named_with_the_condition_of_the_rule_that_keeps_it_back() -> None:
    news = rule("News", {"from": ["news@contoso.com"]}, {"stop_rule_processing": True})
    footer = rule(
        "Footer", OUTGOING, {"apply_html_disclaimer_text": "F", "apply_html_disclaimer_fallback_action": "Wrap"}
    )
    large = rule("Large", {"message_size_over": "20MB"}, {"delete_message": True})
    rules = [news, ALL, footer, large]
    (found,) = repaired(rules, [{"name": "G", "when": PARTNER, "then": "not_in_clear"}])
    lost = [one for one in found.suggestions if "delivery_lost" in [each.kind for each in one.losses]]
    assert lost
    for row in rows_of([replace(found, suggestions=tuple(lost))], rules, str):
        assert "it stops the delivery of all mail over 20MB (as 'Footer' leaves it)" in row["text"]


@pytest.mark.parametrize("odd", [{"actions": {"apply_ome": True}}, {"conditions": {**OUTGOING, "made_up": ["x"]}}])
def test_a_rule_that_cannot_be_written_is_not_edited(odd: Values) -> None:
    old = {**ALL, "name": "Old", "enabled": False, **odd}
    (found,) = repaired([old])
    assert [edit[:2] for edit in edits(found)] == [("add", "Encrypt: G")]
    (row,) = rows_of([found], [old], str)
    assert (row["unwritten"], "Encrypt: G" in row["yaml"]) == (["Old"], True)


def test_what_helps_until_a_rule_ends_only_comes_after_the_others_and_says_so() -> None:
    ends = {**ALL, "enabled": False, "expiry_date": "2026-05-01T00:00:00Z"}
    expected = {**TO_PARTNER, "expect": {"ann@partner.com": {"protection": "encrypt"}}}
    for found in (*repaired([ends]), *repaired([ends], [], [expected])):
        (text, *_others) = [row["text"] for row in rows_of([found], [ends], str) if row["edits"][0]["kind"] == "enable"]
        assert text == "Enable the rule 'All', which helps only until 2026-05-01."
        assert [each.until is None for each in found.suggestions] == [True, False]
    (found,) = repaired([{**AWAY, "expiry_date": "2026-05-01T00:00:00Z"}, ALL])
    assert {each.until for each in found.suggestions} == {None}
    dated = {**expected, "date": "2026-04-01T00:00:00Z"}
    (found,) = repaired([ends], [], [dated])
    assert {each.until for each in found.suggestions} == {None}


@pytest.mark.parametrize(
    ("guarantee", "name"),
    [
        ({"when": {**OUTGOING, "recipient_domain_is": ["a.com"]}, "then": "encrypted"}, "Encrypt mail to a.com"),
        ({"when": {**OUTGOING, "recipient_domain_is": ["a.com", "b.com"]}, "then": "encrypted"}, "Encrypt: G"),
        (
            {
                "when": {**OUTGOING, "recipient_domain_is": ["a.com"]},
                "unless": {"subject_contains_words": ["x"]},
                "then": "encrypted",
            },
            "Encrypt: G",
        ),
        (
            {"when": {**PARTNER, "subject_contains_words": ["x"]}, "then": "encrypted", "name": "n" * 64},
            f"Encrypt: {'n' * 55}",
        ),
    ],
)
def test_a_rule_that_is_added_has_a_telling_name(guarantee: Values, name: str) -> None:
    (found,) = repaired([], [{"name": "G", **guarantee}])
    assert [edit.rule for each in found.suggestions for edit in each.edits if edit.kind == "add"] == [name]


def test_a_rule_for_a_message_is_not_called_like_the_message() -> None:
    spared = {**TO_PARTNER, "expect": {"ann@partner.com": {"protection": "none"}}}
    for rules, expected, name in (
        ([], "encrypt", "Encrypt mail to partner.com"),
        ([ALL], "none", "Exempt mail to partner.com"),
    ):
        (found,) = repaired(
            rules, (), [{**spared, "name": "m1", "expect": {"ann@partner.com": {"protection": expected}}}]
        )
        assert name in [edit.rule for each in found.suggestions for edit in each.edits if edit.kind == "add"]


def test_no_exception_for_everything() -> None:
    """The rule would never act: that only hides the question."""
    (found,) = repaired([rule("Partner", PARTNER, STOP), ALL])
    assert [each for each in found.suggestions if each.edits[0].kind == "exception"] == []
    wanted = {"name": "G", "when": {**PARTNER}, "then": "encrypted"}
    (found,) = repaired([rule("Partner", {**PARTNER, "subject_contains_words": ["x"]}, STOP), ALL], [wanted])
    assert [each for each in found.suggestions if each.edits[0].kind == "exception"] == []


def test_patterns_are_read_in_the_dialect_of_the_facts() -> None:
    """What ``\\b`` means is agreed in .NET alone (U18)."""
    spared = rule("Spared", {"subject_matches_patterns": [r"\bpublic\b"]}, STOP)
    (found,) = repaired([spared, ALL], facts={**TENANT, "dialect": "dotnet"})
    assert ("move", "All", "priority", 1, 0) in edits(found)
    assert repaired([spared, ALL]) == []


def test_what_held_still_holds() -> None:
    spared = {"name": "Spared", "when": PARTNER, "then": "unencrypted"}
    wanted = {"name": "G", "when": {**OUTGOING, "recipient_domain_is": ["a.com"]}, "then": "encrypted"}
    (found,) = repaired(
        [rule("Both", {**IN, "recipient_domain_is": ["a.com", "partner.com"]}, STOP), ALL], [spared, wanted]
    )
    assert found.name == "G"
    assert {each.edits[0].kind for each in found.suggestions} == {"condition", "exception"} | (
        {"add"} if "add" in kinds(found) else set()
    )
    for each in found.suggestions:
        assert [judged.verdict for judged in prove(each.rules, TENANT, [spared, wanted], NOW)] == [
            GuaranteeVerdict.PROVED,
            GuaranteeVerdict.PROVED,
        ]


def is_about_mail(guarantee: Values) -> bool:
    try:
        return bool(prove([], TENANT, [guarantee], NOW))
    except OptionError:
        return False


def kinds(found: GoalSuggestions) -> set[str]:
    return {edit.kind for each in found.suggestions for edit in each.edits}


def test_two_edits_where_no_single_one_does() -> None:
    strict = rule(
        "Strict",
        {**OUTGOING, "subject_contains_words": ["x"]},
        {"apply_rights_protection_template": "Do Not Forward", **STOP},
    )
    stops = rule("Partner", PARTNER, {**STOP, "set_audit_severity": "Low"})
    rules = [stops, strict, {**ALL, "exceptions": {"recipient_domain_is": ["b.com"]}}]
    held = {
        **TO_PARTNER,
        "to": ["joe@b.com"],
        "subject": "x",
        "expect": {"joe@b.com": {"protection": "do_not_forward"}},
    }
    (found,) = repaired(rules, [G], [held])
    assert found.tried.pairs > 0
    assert found.suggestions
    assert {len(each.edits) for each in found.suggestions} == {2}
    stop = ("stop", "Partner", "actions.stop_rule_processing", True, None)
    exception = ("exception", "All", "exceptions.recipient_domain_is", ["b.com"], None)
    assert [stop, exception] in [sorted(map(parts, each.edits), reverse=True) for each in found.suggestions]


def test_nothing_is_an_answer() -> None:
    """Two guarantees that contradict each other."""
    spared = {"name": "Spared", "when": OUTGOING, "then": "unencrypted"}
    (found,) = repaired([], [spared, G])
    assert (found.name, found.suggestions, found.tried.complete) == ("G", (), True)
    assert found.contradiction is not None
    assert (found.contradiction.guarantee, found.contradiction.unless) == ("Spared", {})


@pytest.mark.parametrize(("then", "is_opposed"), [("not_in_clear", True), ("encrypted", True), ("delivered", False)])
def test_guarantees_that_want_opposite_things_of_a_message(then: str, is_opposed: bool) -> None:
    """A guarantee about other mail does not count, nor one that is not kept."""
    clear = {"name": "Clear", "when": PARTNER, "then": "unencrypted"}
    rejects = rule("No", {**PARTNER, "subject_contains_words": ["x"]}, {"reject_message_reason_text": "No."})
    wanted = {"name": "G", "when": OUTGOING, "then": then}
    found = repaired([] if is_opposed else [rejects], [wanted, clear])[0]
    assert (found.contradiction is not None) is is_opposed
    if found.contradiction:
        assert found.contradiction.unless == {"recipient_domain_is": ["partner.com"]}
        apart = {**wanted, "unless": found.contradiction.unless}
        (found,) = repaired([], [apart, clear])
        assert found.contradiction is None
    (found,) = repaired([], [{**wanted, "when": FIRM, "then": "encrypted"}, clear])
    assert found.contradiction is None


def test_a_guarantee_that_is_unknown_is_not_said_to_hold_where_it_wants_the_opposite() -> None:
    """Where it is unknown, edits that would refute it are no suggestions either."""
    clear = {"name": "Clear", "when": {"recipient_domain_is": ["partner.com"]}, "then": "unencrypted"}
    odd = rule("Odd", {**PARTNER, "subject_matches_patterns": ["a(?>b)"]}, ENCRYPT)
    wanted = {"name": "G", "when": OUTGOING, "then": "not_in_clear"}
    found = next(each for each in repaired([odd], [wanted, clear]) if each.name == "G")
    assert found.contradiction is not None
    assert (found.contradiction.guarantee, found.contradiction.holds, found.suggestions) == ("Clear", False, ())


def test_where_dlp_may_protect_mail_two_guarantees_do_not_contradict_each_other() -> None:
    """A guarantee that no rule encrypts mail says nothing of what comes after the rules."""
    clear = {"name": "Clear", "when": OUTGOING, "then": "unencrypted"}
    facts = {**TENANT, "dlp_policies": [encrypts({"access_scope": "NotInOrganization"})]}
    for found in repaired([], [G, clear], (), facts):
        assert found.contradiction is None


def test_where_mail_arrives_protected_a_guarantee_is_advised_to_ask_for_no_template() -> None:
    protected = rule("Protected", {**IN, "message_type_matches": "PermissionControlled"}, STOP)
    wanted = {"name": "G", "when": OUTGOING, "then": "not_in_clear_if_delivered", "template": "Do Not Forward"}
    strict = rule("Strict", OUTGOING, {"apply_rights_protection_template": "Do Not Forward"})
    (found,) = repaired([protected, strict], [wanted])
    assert (found.suggestions, found.advice) == ((), Advice("template", "Do Not Forward"))
    (judged,) = prove([protected, strict], TENANT, [{**wanted, "template": None}], NOW)
    assert judged.verdict is GuaranteeVerdict.PROVED


def test_a_failed_expectation() -> None:
    message = {**TO_PARTNER, "expect": {"ann@partner.com": {"protection": "encrypt"}}}
    (found,) = repaired([AWAY, ALL], (), [message])
    assert found.name == "Offer"
    assert ("move", "All", "priority", 1, 0) in edits(found)
    assert ("stop", "Partner", "actions.stop_rule_processing", True, None) in edits(found)
    kept = {
        **TO_PARTNER,
        "name": "Kept",
        "to": ["bob@partner.com"],
        "expect": {"bob@partner.com": {"protection": "none"}},
    }
    (found,) = repaired([AWAY, ALL], (), [message, kept])
    assert found.name == "Offer"
    assert all(not missed(each, [message, kept]) for each in found.suggestions)


def test_each_recipient_of_whom_something_else_is_expected() -> None:
    encrypting = [
        rule(name, {**IN, "recipient_domain_is": [name], "subject_contains_words": ["x"]}, ENCRYPT)
        for name in ("a.com", "b.com")
    ]
    both = ["ann@a.com", "joe@b.com"]
    (found,) = repaired(
        encrypting, (), [{**TO_PARTNER, "to": both, "expect": {address: {"protection": "encrypt"} for address in both}}]
    )
    assert {len(each.edits) for each in found.suggestions} == {2}
    widened = [("condition", name, "conditions.subject_contains_words") for name in ("a.com", "b.com")]
    assert widened in [[parts(edit)[:3] for edit in each.edits] for each in found.suggestions]


def missed(found: Suggestion, messages: Sequence[Values]) -> list[Any]:
    simulator = Simulator(found.rules, facts_of(TENANT))
    cases: list[Case] = cases_of(list(messages), unread, NOW)
    return [each for case in cases for each in broken(case.expect, simulator.run(case.message)["recipients"])]


def test_mail_that_is_expected_in_clear() -> None:
    message = {**TO_PARTNER, "expect": {"ann@partner.com": {"protection": "none"}}}
    (found,) = repaired([ALL, AWAY], (), [message])
    assert ("move", "Partner", "priority", 1, 0) in edits(found)
    assert ("exception", "All", "exceptions.recipient_domain_is", None, ["partner.com"]) in edits(found)


def test_for_one_message_the_loss_of_all_other_mail_is_said() -> None:
    message = {**TO_PARTNER, "subject": "newsletter", "expect": {"ann@partner.com": {"protection": "none"}}}
    marks = rule("Marks", {"subject_contains_words": ["newsletter"]}, {"prepend_subject": "[N] "})
    (found,) = repaired([marks, ALL], (), [message])
    assert len(found.suggestions) > 2
    assert {tuple(each.kind for each in suggestion.losses) for suggestion in found.suggestions} == {
        ("protection_lost",)
    }
    # What takes it from all mail is the last resort.
    assert ("enable", "All", "enabled", True, False) not in edits(found)


NEWS = {**ALL, "exceptions": {"subject_contains_words": ["do not encrypt"], "from": ["megan@contoso.com"]}}


def test_an_exception_goes_before_all_mail_is_encrypted() -> None:
    unless = {"from": ["megan@contoso.com"]}
    (found,) = repaired([NEWS], [{**G, "unless": unless}])
    assert edits(found)[0] == (
        "exception", "All", "exceptions.subject_contains_words", ["do not encrypt"], None
    )  # fmt: skip
    assert any(kind == "add" for kind, *_more in edits(found))


def test_a_first_step_is_offered_with_what_it_leaves_open() -> None:
    reports = rule("Large", {"message_size_over": "10MB"}, {"reject_message_reason_text": "No."})
    odd = rule("Odd", {**OUTGOING, "with_importance": "High"}, {"quarantine": True})
    (found,) = repaired([reports, odd, NEWS])
    assert found.suggestions
    assert all(
        each.left_open is not None and each.left_open.verdict is not GuaranteeVerdict.PROVED
        for each in found.suggestions
    )
    rows = rows_of([found], [reports, odd, NEWS], str)
    assert all(row["open"] and row["open"] in row["text"] for row in rows)


INSURER: Values = {**IN, "recipient_domain_is": ["insurer.com"]}
TO_INSURER: Values = {"name": "G", "when": INSURER, "then": "encrypted"}


def test_a_text_is_dropped_before_a_rule_is_added_only_where_all_of_its_mail_is_wanted() -> None:
    text = {"subject_contains_words": ["claim"]}
    insurer, other = (rule(name, {**about, **text}, ENCRYPT) for name, about in (("I", INSURER), ("O", OUTGOING)))
    dropped = ("condition", "conditions.subject_contains_words")
    (found,) = repaired([insurer, other], [TO_INSURER])
    # The other rule would encrypt all mail.
    assert [(edit[0], edit[2]) for edit in edits(found)] == [dropped, ("add", "priority")]
    assert edits(found)[0][1] == "I"
    # What says of its mail only who is inside or outside is another rule without the text.
    (found,) = repaired([other])
    assert [(edit[0], edit[2]) for edit in edits(found)] == [("add", "priority"), dropped]


@pytest.mark.parametrize("off", [{"enabled": False}, {"mode": "Audit"}])
def test_a_rule_that_is_off_is_used_before_one_more_is_added(off: Values) -> None:
    news = rule("News", {"subject_contains_words": ["news"]}, {**STOP, "set_audit_severity": "Low"})
    (found,) = repaired(
        [rule("Marks", {"subject_contains_words": ["m"]}, {"prepend_subject": "x"}), news, {**ALL, **off}]
    )
    assert [[edit.kind for edit in each.edits] for each in found.suggestions] == [["enable", "move"], ["add"]]
    assert [each["name"] for each in found.suggestions[0].rules] == ["Marks", "All", "News"]
    assert found.suggestions[1].edits[0].after == 1


NEWS_STOPS = rule("News", {"subject_contains_words": ["news"]}, {**STOP, "set_audit_severity": "Low"})
FIRM: Values = {**IN, "recipient_domain_is": ["a.com"]}
BRAND: Values = {"apply_rights_protection_customization_template": "Ours"}


@pytest.mark.parametrize(
    ("broken_rule", "then", "edit"),
    [
        (
            rule("R", {**FIRM, "from_scope": "NotInOrganization"}, ENCRYPT),
            "encrypted",
            ("condition", "R", "conditions.from_scope", "NotInOrganization", "InOrganization"),
        ),
        (
            rule("R", {**FIRM, "sent_to_scope": "InOrganization"}, ENCRYPT),
            "encrypted",
            ("condition", "R", "conditions.sent_to_scope", "InOrganization", None),
        ),
        (
            rule("R", {**IN, "recipient_domain_is": ["@a.com"]}, ENCRYPT),
            "encrypted",
            ("condition", "R", "conditions.recipient_domain_is", ["@a.com"], ["a.com"]),
        ),
        (
            rule("R", FIRM, BRAND),
            "portal",
            ("action", "R", "actions.apply_rights_protection_template", None, "Encrypt"),
        ),
        (
            rule("R", FIRM, ENCRYPT, expiry_date="2020-01-01T00:00:00Z"),
            "encrypted",
            ("enable", "R", "expiry_date", "2020-01-01T00:00:00Z", ""),
        ),
        (rule("R", FIRM, ENCRYPT, enabled=False), "encrypted", ("enable", "R", "enabled", False, True)),
    ],
)
def test_a_broken_rule_is_put_right_before_one_more_is_added(
    broken_rule: Values, then: str, edit: tuple[Any, ...]
) -> None:
    """It also goes before the rule that stops, if there is one: one of both edits alone would not do."""
    wanted = {"name": "G", "when": FIRM, "then": then}
    (found,) = repaired([broken_rule], [wanted])
    assert edits(found)[0] == edit
    (found,) = repaired([NEWS_STOPS, broken_rule], [wanted])
    first = found.suggestions[0]
    assert list(map(parts, first.edits)) == [edit, ("move", "R", "priority", 1, 0)]
    assert "add" in kinds(found)
    pasted = proposed_rules(as_options(first.rules, [NEWS_STOPS, broken_rule]), "rules")
    (judged,) = prove(pasted, TENANT, [wanted], NOW)
    assert judged.verdict is GuaranteeVerdict.PROVED


def test_a_rule_that_brands_other_mail_is_not_made_one_that_encrypts() -> None:
    brands = rule("R", {**IN, "subject_contains_words": ["x"]}, BRAND)
    (found,) = repaired([brands], [{"name": "G", "when": FIRM, "then": "portal"}])
    assert "action" not in kinds(found)


def test_a_rule_goes_before_all_that_stop() -> None:
    stops = [
        rule(name, {"subject_contains_words": [name]}, {**STOP, "set_audit_severity": "Low"})
        for name in ("a", "b", "c")
    ]
    (found,) = repaired([*stops, ALL])
    assert edits(found)[0] == ("move", "All", "priority", 3, 0)


def test_a_copy_that_counts_is_not_mail_beside() -> None:
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["boss@contoso.com"]})
    (found,) = repaired([copies], [{"name": "G", "when": PARTNER, "then": "not_in_clear"}])
    assert [(edit[0], edit[4]) for edit in edits(found)] == [("add", 0)]
    assert [each.person for each in found.suggestions[0].difference.findings] == ["", "boss@contoso.com"]
    assert found.suggestions[0].unwanted_changes == ()


def test_people_outside_get_no_template_that_they_may_not_open() -> None:
    ours = rule("Ours", OUTGOING, {"apply_rights_protection_template": "Company only"}, enabled=False)
    (found,) = repaired([ours])
    assert [edit[:2] for edit in edits(found)] == [("add", "Encrypt: G")]
    (found,) = repaired([ours], [{**G, "template": "Company only"}])
    assert ("enable", "Ours", "enabled", False, True) in edits(found)


def test_a_rule_for_other_people_is_not_made_one_for_all() -> None:
    deals = rule("Deals", {**OUTGOING, "from": ["megan@contoso.com"]}, ENCRYPT)
    (found,) = repaired([deals])
    assert [edit[:2] for edit in edits(found)] == [("add", "Encrypt: G")]


@pytest.mark.parametrize(
    ("connector", "option", "cmdlet"),
    [
        (
            {"recipient_domains": ["partner.com"]},
            "recipient_domains",
            "Set-OutboundConnector -Identity 'Partner''s' -RecipientDomains @('partner.com', '*.partner.com')",
        ),
        (
            {"recipient_domains": ["partner.com", "*.partner.com"], "enabled": False},
            "enabled",
            "Set-OutboundConnector -Identity 'Partner''s' -Enabled $true",
        ),
        (
            {"recipient_domains": ["partner.com", "*.partner.com"], "tls_settings": ""},
            "tls_settings",
            "Set-OutboundConnector -Identity 'Partner''s' -TlsSettings 'EncryptionOnly'",
        ),
    ],
)
def test_a_hole_of_a_connector_is_closed_by_an_edit_of_it(connector: Values, option: str, cmdlet: str) -> None:
    facts = {**TENANT, "outbound_connectors": [{"name": "Partner's", "tls_settings": "EncryptionOnly", **connector}]}
    (found,) = repaired([], [{"name": "G", "when": PARTNER, "then": "protected_in_transit"}], (), facts)
    first = found.suggestions[0]
    assert first.connector is not None
    assert first.left_open is None
    assert (first.connector.option, first.rules) == (option, ())
    row = rows_of([found], [], str)[0]
    assert (row["cmdlet"], row["edits"][0]["kind"]) == (cmdlet, "connector")


def test_a_device_that_does_not_sign_in_is_to_do_so() -> None:
    scans = {"name": "G", "when": {"from": ["scan@contoso.com"], "sent_to_scope": "NotInOrganization"}}
    (found,) = repaired([ALL], [{**scans, "then": "not_in_clear"}])
    assert (found.suggestions, found.advice) == ((), Advice("sign_in", "scan@contoso.com"))
    (row,) = rows_of([found], [ALL], str)
    assert row["edits"] == []
    assert row["text"].startswith("Let scan@contoso.com sign in, or let a connector take its mail.")


def test_where_rules_keep_mail_from_delivery_another_claim_is_named() -> None:
    large = rule("Large", {"message_size_over": "10MB"}, {"reject_message_reason_text": "No."})
    odd = rule("Odd", {**OUTGOING, "with_importance": "High"}, {"reject_message_reason_text": "No."})
    late = rule("Late", {**OUTGOING, "subject_contains_words": ["x"]}, {"reject_message_reason_text": "No."})
    (found,) = repaired([large, odd, late, ALL])
    assert (found.suggestions, found.advice) == ((), Advice("then", "not_in_clear"))
    (row,) = rows_of([found], [ALL], str)
    assert "use then: not_in_clear." in row["text"]
    (judged,) = prove([large, odd, late, ALL], TENANT, [{**G, "then": "not_in_clear"}], NOW)
    assert judged.verdict is GuaranteeVerdict.PROVED


@pytest.mark.parametrize(
    ("name", "goal", "rules", "options"),
    [
        (
            "hospital",
            "Faxes",
            ("Fax is small", "No replies of shared mailboxes", "Block auto-forward"),
            ["message_size_over", "from_member_of", "message_type_matches"],
        ),
        ("small", "Newsletters to clients stay readable", ("No forwarding",), ["message_type_matches"]),
    ],
)
def test_a_guarantee_that_is_too_wide_is_advised_what_to_leave_out(
    name: str, goal: str, rules: tuple[str, ...], options: list[str]
) -> None:
    """With that, it is kept."""
    organization = ORGANIZATIONS[name]
    questions = list({question.guarantee["name"]: question.guarantee for question in organization.questions}.values())
    judged = prove(organization.numbered_rules, organization.facts, questions, NOW)
    asked = [
        judgment
        for judgment in judged
        if judgment.guarantee.name == goal or judgment.verdict is not GuaranteeVerdict.REFUTED
    ]
    (found,) = suggestions(RuleSet(organization.numbered_rules), organization.facts, asked, (), NOW)
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules, list(found.advice.unless)) == ("unless", rules, options)
    wide = next(guarantee for guarantee in questions if guarantee["name"] == goal)
    narrower = {**wide, "unless": found.advice.unless}
    (kept,) = prove(organization.numbered_rules, organization.facts, [narrower], NOW)
    assert kept.verdict is GuaranteeVerdict.PROVED
    (row,) = rows_of([found], organization.numbered_rules, yaml.safe_dump)
    assert (row["edits"], row["unless"]) == ([], found.advice.unless)


def test_a_guarantee_that_forbids_all_that_would_help_is_named() -> None:
    firm = {"name": "Firm", "when": PARTNER, "then": "not_in_clear"}
    (found,) = repaired([ALL], [firm], [{**TO_PARTNER, "expect": {"ann@partner.com": {"protection": "none"}}}])
    assert (found.name, found.forbidding, found.suggestions) == ("Offer", ("Firm",), ())


def test_a_connector_that_misses_subdomains_is_named_where_a_rule_requires_less() -> None:
    connector = {
        "name": "P", "recipient_domains": ["partner.com"], "tls_settings": "DomainValidation", "tls_domain": "mx.partner.com"
    }  # fmt: skip
    tls = rule("Tls", PARTNER, {"route_message_outbound_require_tls": True})
    wanted = {"name": "G", "when": PARTNER, "then": "protected_in_transit", "tls_validation": "domain"}
    (found,) = repaired([tls], [wanted], (), {**TENANT, "outbound_connectors": [connector]})
    first = found.suggestions[0].connector
    assert first is not None
    assert (first.connector, first.added) == ("P", "*.partner.com")


def test_how_mail_leaves_is_put_right_by_what_routes_it() -> None:
    forced = {**TO_PARTNER, "expect": {"ann@partner.com": {"transit": {"tls": "forced"}}}}
    facts = {**TENANT, "outbound_connectors": []}
    tls = rule("Tls", {"recipient_domain_is": ["a.com"]}, {"route_message_outbound_require_tls": True})
    (found,) = repaired([tls, rule("Marks", PARTNER, {"prepend_subject": "x"})], (), [forced], facts)
    # A rule for another partner is left to what it is for.
    assert edits(found) == [("add", "Force TLS for mail to partner.com", "priority", None, 2)]
    plain = {**TO_PARTNER, "expect": {"ann@partner.com": {"transit": {"tls": "opportunistic"}}}}
    (found,) = repaired([{**tls, "conditions": {}}], (), [plain], facts)
    assert ("exception", "Tls", "exceptions.recipient_domain_is", None, ["partner.com"]) in edits(found)


@pytest.mark.parametrize(("template", "protection"), [("HR", "encrypt"), ("Encrypt", "template:HR")])
def test_a_rule_with_another_template_makes_way_for_one_with_the_right_one(template: str, protection: str) -> None:
    other = rule("Other", OUTGOING, {"apply_rights_protection_template": template})
    (found,) = repaired([other], (), [{**TO_PARTNER, "expect": {"ann@partner.com": {"protection": protection}}}])
    pairs = [[parts(edit)[:2] for edit in each.edits] for each in found.suggestions]
    assert [("exception", "Other"), ("add", "Encrypt mail to partner.com")] in pairs


def test_no_rule_is_made_that_exchange_does_not_store() -> None:
    """8 KB a rule, and 300 rules."""
    many = [f"a-name-that-is-long-enough-{number}.example" for number in range(150)]
    wanted = {"name": "G", "when": {**OUTGOING, "recipient_domain_is": many}, "then": "encrypted"}
    known = [f"another-name-that-is-long-enough-{number}.example" for number in range(100)]
    large = rule("Large", {**OUTGOING, "recipient_domain_is": known}, ENCRYPT)
    (found,) = repaired([large], [wanted])
    assert found.suggestions
    assert all(len(json.dumps(each)) < 8_192 for suggestion in found.suggestions for each in suggestion.rules)
    marks = [
        rule(f"M{number}", {"subject_contains_words": [f"w{number}"]}, STOP, enabled=False) for number in range(300)
    ]
    for rules, kinds in ((marks[1:], {"add"}), (marks, set())):
        (found,) = repaired(rules)
        assert {edit[0] for edit in edits(found)} == kinds


def test_the_budget_counts_steps_and_says_so() -> None:
    (found,) = repaired([AWAY, ALL], steps=100)
    assert (found.suggestions, found.tried.complete) == ((), False)


def outcome(rules: Sequence[Mapping[str, Any]], shown: Counterexample) -> Values:
    """What becomes of a copy that breaks a guarantee."""
    facts = with_facts(facts_of(TENANT), shown.facts)
    message = message_of({key: value for key, value in shown.message.items() if key != "name"}, "", "m")
    results: Values = Simulator(rules, facts).run(replace(message, date=message.date or NOW))["recipients"]
    return results


def test_what_edits_put_right_is_said_of_each() -> None:
    """The second edit is for mail that the first one leaves."""
    (found,) = repaired([NEWS_STOPS, rule("R", FIRM, ENCRYPT, enabled=False)], [{**TO_INSURER, "when": FIRM}])
    first = found.suggestions[0]
    assert [edit.kind for edit in first.edits] == ["enable", "move"]
    plain, news = first.puts_right
    assert (plain.message.get("subject"), news.message["subject"]) == (None, "news")
    assert len(found.suggestions[1].puts_right) == 1


@pytest.mark.parametrize("seed", seeds(6, 7, 8))
def test_every_suggestion_is_proved_and_keeps_what_held(seed: int) -> None:
    source = random.Random(seed)
    rules = [{key: value for key, value in each.items() if key != "priority"} for each in small_rules.rule_set(source)]
    thens = ("encrypted", "not_in_clear", "unencrypted", *MORE_THENS) if seed % 2 else THENS
    drawn = [
        {"name": f"G{number}", "when": {**IN, **small_rules.section(source, 1)}, "then": source.choice(thens)}
        for number in range(3)
    ]
    guarantees = [each for each in drawn if is_about_mail(each)]
    expected = {
        **TO_PARTNER,
        "to": ["ann@fabrikam.com"],
        "expect": {"ann@fabrikam.com": {"protection": source.choice(["encrypt", "none"])}},
    }
    before = {each.guarantee.name: each.verdict for each in prove(rules, TENANT, guarantees, NOW)}
    held = not broken(
        expected["expect"],
        Simulator(rules, facts_of(TENANT)).run(cases_of([expected], unread, NOW)[0].message)["recipients"],
    )
    found = repaired(rules, guarantees, [expected])
    wanting = {name for name, verdict in before.items() if verdict == GuaranteeVerdict.REFUTED}
    wanting |= set() if held else {"Offer"}
    unknown = {name for name, verdict in before.items() if verdict == GuaranteeVerdict.UNKNOWN}
    assert wanting <= {each.name for each in found} <= wanting | unknown
    dead = {each.rules[0] for each in lint(rules, TENANT, NOW) if each.kind == "never_acts"}
    for each in found:
        for suggestion in each.suggestions:
            for shown in suggestion.puts_right:
                was, now = (outcome(kept, shown) for kept in (rules, suggestion.rules))
                assert was != now, (each.name, suggestion.edits)
            if suggestion.left_open or suggestion.connector:
                continue
            after = {
                judged.guarantee.name: judged.verdict for judged in prove(suggestion.rules, TENANT, guarantees, NOW)
            }
            wrong = [
                name
                for name, verdict in before.items()
                if (name == each.name or verdict == GuaranteeVerdict.PROVED) and after[name] != GuaranteeVerdict.PROVED
            ]
            wrong += [
                name
                for name, verdict in before.items()
                if verdict == GuaranteeVerdict.UNKNOWN and after[name] == GuaranteeVerdict.REFUTED
            ]
            assert wrong == [], suggestion.edits
            if held or each.name == "Offer":
                assert missed(suggestion, [expected]) == []
            new = {
                finding.rules[0] for finding in lint(suggestion.rules, TENANT, NOW) if finding.kind == "never_acts"
            } - dead
            assert not new & {edit.rule for edit in suggestion.edits}
            assert 1 <= len(suggestion.edits) <= 2
            pasted = proposed_rules(as_options(suggestion.rules, rules), "rules")
            assert [judged.verdict for judged in prove(pasted, TENANT, guarantees, NOW)] == list(after.values())
        assert len(each.suggestions) <= 5
        losses = [len(one.grave_losses) for one in each.suggestions]
        assert losses == sorted(losses)
