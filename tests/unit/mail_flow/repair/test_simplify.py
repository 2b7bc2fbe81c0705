# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer rules that do the same: what goes, what is merged, what stays and why; and that the emulator agrees."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import coverage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import order
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import simplify as simplifier
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.fewer_rules import (
    simplified_lines,
    simplified_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules

from tests.rounds import seeds
from tests.unit.mail_flow import generators, redundant
from tests.unit.mail_flow.answers import difference, lint
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, STOP, rule
from tests.unit.mail_flow.emulating import emulated
from tests.unit.mail_flow.mutating import Patch, subject
from tests.unit.mail_flow.redundant import (
    prefixing_rules,
    redundant_rules,
    redundant_rules_of_all_kinds,
    treated_differently,
)
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]


def fabrikam(name: str, domain: str = "fabrikam.com", actions: Values | None = None, **more: Any) -> Values:
    return rule(name, {**OUTGOING, "recipient_domain_is": [domain]}, ENCRYPT if actions is None else actions, **more)


def simplified(*rules: Values) -> Values:
    return simplified_row(simplifier.simplify(rules, TENANT, NOW), yaml.safe_dump)


def removed(*rules: Values) -> dict[str, list[str]]:
    return {each["rule"]: each["by"] for each in simplified(*rules)["removed"]}


def reasons(*rules: Values) -> dict[str, str]:
    found = simplified(*rules)
    assert not found["removed"]
    return {each["rule"]: each["reason"] for each in found["kept"]}


KEEPS = rule("Keeps", subject("public"), STOP)


def test_a_rule_whose_mail_another_one_treats_in_the_same_way_can_go() -> None:
    found = simplified(fabrikam("Partner"), ALL)
    assert yaml.safe_load(found.pop("yaml")) == found["rules"]
    assert found == {
        "rules": [{"name": "All", "conditions": OUTGOING, "actions": ENCRYPT}, {"name": "Partner", "state": "absent"}],
        "removed": [{"rule": "Partner", "reason": "'All' does the same to all of its mail", "by": ["All"]}],
        "merged": [],
        "kept": [],
        "proof": {"equal": True, "assumptions": [], "rules_before": 2, "rules_after": 1, "comparisons": 1},
    }


def test_of_equal_rules_the_first_stays() -> None:
    assert removed(ALL, {**ALL, "name": "Again"}, {**ALL, "name": "Once more"}) == {
        "Again": ["All"],
        "Once more": ["All"],
    }


def test_several_rules_together_may_cover_one() -> None:
    without = {**ALL, "name": "Without", "exceptions": {"subject_contains_words": ["offer"]}}
    assert removed(without, rule("Offers", {**OUTGOING, **subject("offer")}, ENCRYPT), fabrikam("Partner")) == {
        "Partner": ["Without", "Offers"]
    }


def test_a_rule_that_ends_the_way_of_its_mail_may_be_covered_by_a_later_one() -> None:
    no = {"reject_message_reason_text": "No."}
    assert removed(fabrikam("Partner", actions=no), rule("None", OUTGOING, no)) == {"Partner": ["None"]}
    assert removed(fabrikam("Partner", actions=no), KEEPS, rule("None", OUTGOING, no)) == {}
    assert (
        removed(fabrikam("Partner", actions=no), rule("None", OUTGOING, {"reject_message_reason_text": "Never."})) == {}
    )


@pytest.mark.parametrize(
    "between",
    [
        rule("Marks", IN, {"prepend_subject": "[P] "}),
        rule("Marks", IN, {"set_header_name": "X-Mark", "set_header_value": "1"}),
        rule("Tried", IN, ENCRYPT, mode="Audit"),
    ],
    ids=lambda each: str(each["actions"]),
)
@pytest.mark.parametrize("ends", [STOP, {"quarantine": True}], ids=lambda actions: str(*actions))
def test_a_rule_stays_that_keeps_its_mail_from_one_that_marks_or_logs_it(between: Values, ends: Values) -> None:
    first, last = rule("First", {**IN, **subject("public")}, ends), rule("Last", IN, ends)
    assert reasons(first, between, last) == {
        "First": "without it, a later rule may mark or log mail that it does not now, which is not compared"
    }
    elsewhere = {**between, "conditions": {"from_scope": "NotInOrganization"}}
    assert removed(first, elsewhere, last) == {"First": ["Last"]}
    assert removed(first, {**between, "enabled": False}, last) == {"First": ["Last"], between["name"]: []}


def test_a_rule_that_is_logged_is_not_covered_by_one_that_is_not() -> None:
    silent, loud = ({**ENCRYPT, "set_audit_severity": each} for each in ("DoNotAudit", "High"))
    why = "Exchange logs what it does, and nothing of a rule that does the same (set_audit_severity: DoNotAudit)"
    assert reasons(fabrikam("Partner"), rule("Every", OUTGOING, silent)) == {"Partner": why}
    assert removed(fabrikam("Partner", actions=silent), rule("Every", OUTGOING, silent)) == {"Partner": ["Every"]}
    assert removed(fabrikam("Partner"), rule("Every", OUTGOING, loud)) == {"Partner": ["Every"]}


def test_a_rule_that_never_acts_can_go_whatever_it_does() -> None:
    marks = fabrikam("Marks", actions={"prepend_subject": "[P] ", "generate_incident_report": "joe@northwind.com"})
    assert removed(rule("Stops", OUTGOING, STOP), marks) == {"Marks": ["Stops"]}


PEOPLE: Values = {"from_member_of": ["legal@contoso.com"]}


@pytest.mark.parametrize(
    ("groups", "rules"),
    [
        # Nobody is a member.
        ([], [rule("Gone", {**OUTGOING, **PEOPLE}, ENCRYPT)]),
        # One person is.
        (
            ["megan@contoso.com"],
            [
                rule("Legal", {**OUTGOING, **PEOPLE}, ENCRYPT),
                rule("Gone", {**OUTGOING, "from": ["megan@contoso.com"]}, ENCRYPT),
            ],
        ),
        # Nobody outside is a mail user.
        ([], [rule("Gone", {**OUTGOING, "from": ["guest@x.com"]}, ENCRYPT)]),
    ],
    ids=["nobody", "one", "guests"],
)
def test_a_rule_stays_that_other_people_may_need(groups: list[str], rules: list[Values]) -> None:
    """Who is in the organization and its groups changes from day to day."""
    facts = {**TENANT, "groups": {"legal@contoso.com": groups}}
    found = simplified_row(simplifier.simplify([*rules, KEEPS], facts, NOW), yaml.safe_dump)
    assert found["removed"] == []
    assert [each for each in found["kept"] if each["rule"] == "Gone"] == [
        {
            "rule": "Gone",
            "reason": "without it, mail may be treated differently once other people are in the organization or its groups",
        }
    ]


def test_a_disabled_rule_can_go_and_one_that_begins_later_stays() -> None:
    assert removed({**ALL, "enabled": False}) == {"All": []}
    assert reasons({**ALL, "activation_date": "2026-05-01T00:00:00Z"}) == {"All": "it begins on 2026-05-01 00:00 UTC"}


def test_rules_that_differ_in_the_values_of_one_condition_can_be_one() -> None:
    found = simplified(
        fabrikam("One"),
        KEEPS | {"conditions": {"from_scope": "NotInOrganization"}},
        fabrikam("Two", "northwind.com"),
        fabrikam("Three", "x.com"),
    )
    assert found["merged"] == [{"rules": ["One", "Two", "Three"], "into": "One", "option": "recipient_domain_is"}]
    assert found["rules"][0]["conditions"] == {
        **OUTGOING,
        "recipient_domain_is": ["fabrikam.com", "northwind.com", "x.com"],
    }
    assert [each["name"] for each in found["rules"] if each.get("state") == "absent"] == ["Two", "Three"]


def test_rules_between_which_mail_is_stopped_are_not_merged_and_neighbors_are() -> None:
    found = simplified(fabrikam("One"), fabrikam("Two", "x.com"), KEEPS, fabrikam("Three", "northwind.com"))
    assert [each["rules"] for each in found["merged"]] == [["One", "Two"]]
    assert simplified(fabrikam("One"), KEEPS, fabrikam("Three", "northwind.com"))["proof"]["equal"] is False


def test_a_rule_too_large_for_exchange_is_not_made() -> None:
    words = [f"a word that is long enough to count {number}" for number in range(100)]
    found = simplified(
        rule("A", {**OUTGOING, **subject(*words)}, ENCRYPT),
        rule("B", {**OUTGOING, **subject(*(f"{word}!" for word in words))}, ENCRYPT),
    )
    assert found["merged"] == []


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        ({"prepend_subject": "[P] "}, "prepend_subject"),
        ({"generate_incident_report": "joe@northwind.com"}, "generate_incident_report"),
        ({"moderate_message_by_user": ["bob@contoso.com"]}, "moderate_message_by_user"),
    ],
)
def test_what_adds_up_stays(actions: Values, named: str) -> None:
    assert reasons(fabrikam("Partner", actions=actions), rule("Every", OUTGOING, actions)) == {
        "Partner": f"what its {named} adds is not compared"
    }
    assert simplified(fabrikam("One", actions=actions), fabrikam("Two", "x.com", actions))["merged"] == []


def test_changes_for_one_sender_each_can_be_one_rule() -> None:
    def marks(name: str, sender: str, text: str = "[HR] ", **conditions: Any) -> Values:
        return rule(name, {"from": [sender], **conditions}, {"prepend_subject": text})

    one, other = marks("One", "megan@contoso.com"), marks("Other", "bob@contoso.com")
    assert [each["rules"] for each in simplified(one, ALL, other)["merged"]] == [["One", "Other"]]
    several = {**other, "conditions": {"from": ["bob@contoso.com", "megan@contoso.com"]}}
    assert simplified(one, several)["merged"] == []
    assert simplified(one, marks("Between", "bob@contoso.com", "[X] "), other)["merged"] == []
    assert (
        simplified(one, rule("Reports", IN, {"generate_incident_report": "joe@northwind.com"}), other)["merged"] == []
    )
    assert simplified(one, rule("Looks", subject("[HR]"), ENCRYPT), other)["merged"] == []
    assert (
        simplified(marks("A", "megan@contoso.com", **subject("a")), marks("B", "bob@contoso.com", **subject("a")))[
            "merged"
        ]
        == []
    )


def test_rules_that_route_beside_another_connector_stay() -> None:
    def routes(name: str, connector: str, **more: Any) -> Values:
        return rule(name, {**OUTGOING, **more}, {"route_message_outbound_connector": connector})

    partner = routes("Partner", "One", recipient_domain_is=["fabrikam.com"])
    assert removed(partner, routes("Every", "One")) == {"Partner": ["Every"]}
    assert "Partner" in reasons(partner, routes("Other", "Two"), routes("Every", "One"))


def test_a_rule_that_meets_another_template_stays() -> None:
    other = rule("Other", {**OUTGOING, **subject("offer")}, {"apply_rights_protection_template": "Do Not Forward"})
    why = "it meets rules that protect, brand or route mail in another way, and which one wins is not documented (U01, U02)"
    assert reasons(fabrikam("Partner"), other, ALL) == {"Partner": why}
    assert removed(fabrikam("Partner"), {**other, "conditions": {"from_scope": "NotInOrganization"}}, ALL) == {
        "Partner": ["All"]
    }


def test_what_is_proved_is_proved_even_if_the_search_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order.RuleOrder, "may_move", lambda self, place, to: True)
    found = simplified(fabrikam("One"), rule("Keeps", subject("secure"), STOP), fabrikam("Two", "northwind.com"))
    assert (found["merged"], found["proof"]["equal"]) == ([], False)


def test_a_rule_stays_where_exchange_may_fail_on_another_one() -> None:
    body = {**OUTGOING, "attachment_contains_words": ["secret"]}
    sure = {"rule_error_action": "Defer"}
    narrow = rule("Narrow", {**body, "recipient_domain_is": ["fabrikam.com"]}, ENCRYPT)
    assert removed(narrow, rule("Wide", body, ENCRYPT)) == {"Narrow": ["Wide"]}
    assert removed({**narrow, **sure}, rule("Wide", body, ENCRYPT, **sure)) == {"Narrow": ["Wide"]}
    assert reasons({**narrow, **sure}, rule("Wide", body, ENCRYPT)).keys() == {"Narrow"}
    assert reasons({**narrow, **sure}, ALL).keys() == {"Narrow"}
    assert removed(narrow, ALL) == {"Narrow": ["All"]}
    assert [each["id"] for each in simplified(narrow, ALL)["proof"]["assumptions"]] == ["rule_errors"]
    deletes = rule("Deletes", OUTGOING, {"delete_message": True}, exceptions={"attachment_contains_words": ["secret"]})
    marks = rule("Marks", OUTGOING, {"prepend_subject": "x"}, exceptions={"attachment_contains_words": ["secret"]})
    assert removed(deletes, marks) == {"Marks": ["Deletes"]}
    assert reasons(rule("Stops", OUTGOING, STOP), {**narrow, **sure}).keys() == {"Narrow"}


def test_an_observed_answer_removes_no_rule_and_a_contradiction_proves_nothing() -> None:
    """An answer counts for some weeks, and a rule that went does not come back."""
    guests = {"sent_to_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
    rules = (rule("Guests", guests, {"delete_message": True}), ALL)
    assert not simplifier.simplify(rules, {**TENANT, "observed": {"U20": False}}, NOW).removed
    contradicted = {"contradicted": [{"rules": ["All"], "parts": ["fate"]}]}
    assert removed(fabrikam("Partner"), ALL)
    found = simplifier.simplify((fabrikam("Partner"), ALL), {**TENANT, **contradicted}, NOW)
    assert (found.removed, found.why_not) == ((), "contradicted")


def test_a_proof_that_rests_on_subjects_of_one_line_says_so() -> None:
    tags = rule("Tags", {}, {"prepend_subject": "[EXT] "})
    never = rule("Never", {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}, ENCRYPT)
    found = simplified(tags, never)
    assert [each["rule"] for each in found["removed"]] == ["Never"]
    assert [each["id"] for each in found["proof"]["assumptions"]] == ["U18"]
    assert list(simplified_lines(simplifier.simplify([tags, never], TENANT, NOW))) == [
        "1 rule does the same to all mail as 2:",
        "  Assumes: subjects of one line.",
        "  'Never' can go: it never acts: its dates exclude today, or no mail meets its conditions.",
    ]


def test_a_rule_that_is_only_tried_or_not_known_stays() -> None:
    stops = rule("Stops", OUTGOING, STOP)
    assert reasons(stops, fabrikam("Tried", mode="Audit")) == {"Tried": "it is in a test mode (Audit)"}
    odd = fabrikam("Odd")
    odd["conditions"]["which_nobody_knows"] = True
    assert "Odd" not in removed(stops, odd)
    assert simplified(stops, odd, ALL)["unwritten"] == ["Odd"]


def test_without_rules_nothing_is_proposed() -> None:
    """A playbook takes ``rules`` where the proof says that they are equal."""
    found = simplifier.simplify([], TENANT, NOW)
    row = simplified_row(found, str)
    assert (row["proof"]["equal"], "rules" in row) == (False, False)
    assert list(simplified_lines(found)) == ["There are no rules."]


def test_the_one_rule_has_the_comments_of_all() -> None:
    one, two, three = (
        fabrikam(name, f"{name}.example", comments=comments)
        for name, comments in (("one", "Ticket 1"), ("two", "Ticket 2"), ("three", "Ticket 1"))
    )
    assert simplified(one, two, three)["rules"][0]["comments"] == "Ticket 1; Ticket 2"
    assert "comments" not in simplified(fabrikam("one"), fabrikam("two", "two.example"))["rules"][0]
    # Exchange stores 1024 characters.
    assert simplified({**one, "comments": "x" * 1000}, {**two, "comments": "y" * 1000})["merged"] == []


def test_a_rule_with_a_retired_action_is_not_in_a_list_to_paste() -> None:
    retired = rule("Old", {**OUTGOING, **subject("old")}, {"apply_ome": True})
    found = simplified(retired, ALL, {**ALL, "name": "Again"})
    assert found["unwritten"] == ["Old"]
    assert [each["name"] for each in found["rules"]] == ["All", "Again"]


def test_without_fewer_rules_the_reason_is_said() -> None:
    found = simplifier.simplify([ALL], TENANT, NOW)
    assert simplified_row(found, str)["proof"]["equal"] is False
    assert list(simplified_lines(found)) == [
        "No fewer rules do provably the same: no rule is disabled, never acts, or leaves all of its work to others, and no two differ in the values of "
        "one condition only."
    ]


def test_the_lines_name_what_goes_and_what_stays() -> None:
    prefix = {"prepend_subject": "[P] "}
    rules = [
        fabrikam("One"),
        fabrikam("Two", "x.com"),
        fabrikam("P", actions=prefix),
        rule("Q", OUTGOING, prefix),
        {**ALL, "enabled": False},
    ]
    assert list(simplified_lines(simplifier.simplify(rules, TENANT, NOW))) == [
        "3 rules do the same to all mail as 5:",
        "  'All' can go: it is disabled.",
        "  'One' and 'Two' can be one: 'One' with the values of all of them in recipient_domain_is.",
        "  'P' stays: what its prepend_subject adds is not compared.",
    ]


def test_the_list_is_one_that_the_modules_take_and_leaves_nothing_to_do() -> None:
    rules = proposed_rules(
        [
            fabrikam("One"),
            fabrikam("Two", "x.com"),
            fabrikam("Three", guid="11111111-2222-3333-4444-555555555555"),
            ALL,
        ],
        "rules",
    )
    found = simplified(*rules)
    again = proposed_rules(found["rules"], "rules")
    assert [each["name"] for each in again] == ["All"]
    assert {"name": "Three", "guid": "11111111-2222-3333-4444-555555555555", "state": "absent"} in found["rules"]
    assert simplified(*again)["proof"]["equal"] is False


def test_lint_names_a_rule_that_does_nothing_of_its_own() -> None:
    def said(*rules: Values) -> list[str]:
        return [each["reason"] for each in lint(rules, TENANT, NOW) if each["kind"] == "covered_rule"]

    assert said(fabrikam("Partner"), ALL) == [
        "The rule 'Partner' does nothing of its own: 'All' does the same to all of its mail."
    ]
    assert (
        said(fabrikam("Partner", actions={"prepend_subject": "x"}), rule("Every", OUTGOING, {"prepend_subject": "x"}))
        == []
    )
    assert said(ALL, {**ALL, "name": "Again"}) == []


@pytest.mark.parametrize("seed", seeds(6))
def test_the_emulator_treats_all_mail_alike(seed: int) -> None:
    rules = redundant_rules(random.Random(f"simplify {seed}"))
    found = simplified(*rules)
    if "rules" in found:
        left = [each for each in found["rules"] if each.get("state") != "absent"]
        assert len(left) == found["proof"]["rules_after"]
        assert treated_differently(rules, found["rules"]) == []
        assert difference(rules, RuleSet(left), TENANT, NOW).rows == []


#: What people see of a message.
_SEEN = ("fate", "protection", "subject")


@pytest.mark.parametrize("seed", seeds(3))
def test_subjects_stay_what_they_are(seed: int) -> None:
    rules = prefixing_rules(random.Random(f"prefixes {seed}"))
    left = [each for each in simplifier.simplify(rules, TENANT, NOW).rules if each.get("state") != "absent"] or rules
    for sender, subject_, recipient in itertools.product(
        redundant.SENDERS, ("", "secure"), ("ann@fabrikam.com", "bob@contoso.com")
    ):
        message = {
            "from": sender,
            "mail_from": sender,
            "authenticated": sender.endswith("@contoso.com"),
            "to": [recipient],
            "subject": subject_,
        }
        before, after = (
            emulated([{"exceptions": {}, **each} for each in sets], recipient=recipient, **message)
            for sets in (rules, left)
        )
        assert before["subject"].endswith(subject_)
        assert {key: before.get(key) for key in _SEEN} == {key: after.get(key) for key in _SEEN}


#: What is not about the mail of a result, but about the rules.
_OF_RULES = ("rules", "protected_by", "assumes", "unknown")


def without_rules(result: Values) -> Values:
    return {
        key: without_rules(value) if key.startswith("after_") else value
        for key, value in result.items()
        if key not in _OF_RULES
    }


@pytest.mark.parametrize("seed", seeds(8))
def test_the_simulator_treats_random_mail_alike(seed: int) -> None:
    source = random.Random(f"fewer {seed}")
    tenant, rules = generators.organization(source), redundant_rules_of_all_kinds(source)
    found = simplifier.simplify(rules, tenant, NOW)
    if found.unwritten:
        return
    sets = [rules, [each for each in found.rules or rules if each.get("state") != "absent"]]
    for _message in range(20):
        message = message_of({**generators.message(source), "date": NOW}, "", "message")
        before, after = (Simulator(RuleSet(each), facts_of(tenant)).run(message)["recipients"] for each in sets)
        assert {address: without_rules(result) for address, result in before.items()} == {
            address: without_rules(result) for address, result in after.items()
        }


def test_most_random_rules_can_be_fewer() -> None:
    """Otherwise the law above says little."""
    fewer = sum("rules" in simplified(*redundant_rules(random.Random(f"simplify {seed}"))) for seed in range(8))
    assert fewer > 3


def proves_nothing(patch: Patch) -> None:
    """Whatever looks as if it could go would go."""
    patch(simplifier, "_is_empty", lambda found: True)


def moves_before_all(patch: Patch) -> None:
    """Any rule could move before any other, and nothing would be proved."""
    proves_nothing(patch)
    patch(order.RuleOrder, "may_move", lambda self, place, to: True)


def looks_at_no_mail(patch: Patch) -> None:
    """A rule would cover each that does less, and nothing would be proved."""
    proves_nothing(patch)
    patch(coverage, "_minimal_cover", lambda rule, others, ways, asked: tuple(others))
    patch(coverage, "_acts_alone", lambda rule, others, when, chain: [FALSE])


@pytest.mark.parametrize(
    ("mutant", "rules"),
    [
        (moves_before_all, [fabrikam("One"), rule("Keeps", subject("secure"), STOP), fabrikam("Two", "northwind.com")]),
        (looks_at_no_mail, [fabrikam("One"), rule("Two", {**IN, **subject("secure")}, ENCRYPT)]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_wrong_simplifier_is_noticed(
    mutant: Callable[[Patch], None], rules: Sequence[Values], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "rules" not in simplified(*rules)
    mutant(monkeypatch.setattr)
    assert treated_differently(rules, simplified(*rules)["rules"], every=3)
