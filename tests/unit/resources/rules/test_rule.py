# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail flow rule: sections, pairs, dates, place and state, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_in_place
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_plan import plan_rule
from ansible_collections.m365.message_encryption.plugins.modules import message_encryption_info, ome_transport_rule

from tests.unit.emulated_session import EmulatedSession, refusal

from .rule_tasks import ENCRYPT, INSIDE, NAME, ensure, impacts, order, stored


def test_a_rule_is_made_in_its_place_and_state_with_one_call(any_session: EmulatedSession) -> None:
    for name in ("first", "second"):
        any_session.edit("New-TransportRule", Name=name, DeleteMessage=True)
    done = ensure(
        any_session, enabled=False, priority=1, conditions=INSIDE, actions=ENCRYPT, comments="Rolled out in May"
    )
    assert [call.cmdlet for call in any_session.writes] == ["New-TransportRule"]
    assert order(any_session) == ["first", NAME, "second"]
    assert stored(any_session)["State"] == "Disabled"
    assert done["after"] == {
        "state": "present",
        "name": NAME,
        "enabled": False,
        "priority": 1,
        "comments": "Rolled out in May",
        "conditions": INSIDE,
        "actions": ENCRYPT,
    }


def test_a_given_section_is_the_whole_truth_and_an_omitted_one_is_left_alone(any_session: EmulatedSession) -> None:
    ensure(
        any_session,
        conditions={**INSIDE, "subject_contains_words": ["secret"]},
        exceptions={"sent_to_scope": "InOrganization"},
        actions=ENCRYPT,
    )
    any_session.edit("Set-TransportRule", Identity=NAME, ExceptIfSenderDomainIs=["fabrikam.com"], WithImportance="High")
    done = ensure(any_session, conditions=INSIDE)
    assert impacts(done) == {"conditions.subject_contains_words": "widens", "conditions.with_importance": "widens"}
    assert stored(any_session)["ExceptIfSenderDomainIs"] == ["fabrikam.com"]
    done = ensure(any_session, exceptions={})
    assert impacts(done) == {"exceptions.sender_domain_is": "widens", "exceptions.sent_to_scope": "widens"}
    assert "ExceptIfSenderDomainIs" not in stored(any_session)
    assert stored(any_session)["FromScope"] == "InOrganization"


def test_empty_values_are_none(any_session: EmulatedSession) -> None:
    ensure(any_session, conditions=INSIDE, actions=ENCRYPT)
    empty = {"subject_contains_words": [], "attachment_is_unsupported": False, "has_classification": "", "from": []}
    assert not any_session.run(ome_transport_rule, name=NAME, conditions={**INSIDE, **empty})["changed"]


def test_no_condition_is_every_message(session: EmulatedSession) -> None:
    ensure(session, conditions=INSIDE, actions=ENCRYPT)
    done = ensure(session, conditions={})
    assert impacts(done) == {"conditions.from_scope": "widens"}
    assert "550 5.7.162" in session.warnings[0]


def test_a_rule_without_an_action_is_refused_by_name(session: EmulatedSession) -> None:
    assert "actions of 'x' is empty" in refusal(session, ome_transport_rule, name="x", actions={})
    assert "actions of 'x' is empty" in refusal(
        session, ome_transport_rule, name="x", actions={"delete_message": False}
    )
    assert "name: there is no rule 'x'. Correct the name. To create the rule, set actions" in refusal(
        session, ome_transport_rule, name="x", conditions=INSIDE
    )


@pytest.mark.parametrize(
    ("section", "given", "missing"),
    [
        ("conditions", {"header_contains_message_header": "Sensitivity"}, "header_contains_words"),
        ("conditions", {"header_matches_patterns": ["x"]}, "header_matches_message_header"),
        ("exceptions", {"manager_addresses": ["a@b.c"]}, "manager_for_evaluated_user"),
        ("conditions", {"between_member_of_2": ["a@b.c"]}, "between_member_of_1"),
        ("conditions", {"ad_comparison_operator": "Equal"}, "ad_comparison_attribute"),
        ("actions", {"set_header_name": "X-Encrypted"}, "set_header_value"),
        ("actions", {"apply_html_disclaimer_location": "Append"}, "apply_html_disclaimer_text"),
        ("actions", {"incident_report_content": ["CC"]}, "generate_incident_report"),
        ("actions", {"remove_rms_attachment_encryption": True}, "remove_ome_v2"),
    ],
)
def test_half_a_pair_is_refused_by_name(
    session: EmulatedSession, section: str, given: dict[str, Any], missing: str
) -> None:
    options = {"actions": ENCRYPT, section: given}
    said = refusal(session, ome_transport_rule, name="x", **options)
    assert f"{section}.{next(iter(given))} needs {section}.{missing}" in said


@pytest.mark.parametrize(
    ("section", "first", "second"),
    [
        (
            "conditions",
            {"header_contains_message_header": "X-A", "header_contains_words": ["a"]},
            {"header_contains_words": ["b"]},
        ),
        ("conditions", {"ad_comparison_attribute": "City"}, {"ad_comparison_operator": "NotEqual"}),
        (
            "exceptions",
            {"manager_addresses": ["a@b.c"], "manager_for_evaluated_user": "Sender"},
            {"manager_for_evaluated_user": "Recipient"},
        ),
        (
            "exceptions",
            {"between_member_of_1": ["a@b.c"], "between_member_of_2": ["d@b.c"]},
            {"between_member_of_2": ["e@b.c"]},
        ),
        ("actions", {"set_header_name": "X-A", "set_header_value": "1"}, {"set_header_value": "2"}),
        ("actions", {"reject_message_reason_text": "No."}, {"reject_message_enhanced_status_code": "5.7.900"}),
        ("actions", {"apply_html_disclaimer_text": "Hello"}, {"apply_html_disclaimer_location": "Prepend"}),
        (
            "actions",
            {"generate_incident_report": "a@b.c", "incident_report_content": ["CC"]},
            {"incident_report_content": ["BCC", "Subject"]},
        ),
        (
            "actions",
            {"remove_ome_v2": True, "remove_rms_attachment_encryption": True},
            {"remove_rms_attachment_encryption": False},
        ),
    ],
)
def test_pairs_come_change_and_go_together(
    any_session: EmulatedSession, section: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    base: dict[str, Any] = {"stop_rule_processing": True} if section == "actions" else {}
    rest = {} if section == "actions" else {"actions": ENCRYPT}
    ensure(any_session, **{section: {**base, **first}}, **rest)
    ensure(any_session, **{section: {**base, **first, **second}})
    ensure(any_session, **{section: {**base, **first}})
    ensure(any_session, **{section: base})
    assert any_session.run(message_encryption_info)["transport_rules"][0][section] == base


def test_what_exchange_fills_in_is_no_drift_and_its_change_is(any_session: EmulatedSession) -> None:
    ensure(
        any_session,
        conditions=INSIDE,
        actions={"apply_html_disclaimer_text": "<p>Confidential</p>", "reject_message_enhanced_status_code": "5.7.950"},
    )
    rule = stored(any_session)
    assert rule["ApplyHtmlDisclaimerFallbackAction"] == "Wrap"
    assert rule["RejectMessageReasonText"] == "Delivery not authorized, message refused"
    any_session.edit(
        "Set-TransportRule",
        Identity=NAME,
        ApplyHtmlDisclaimerFallbackAction="Ignore",
        RejectMessageReasonText="Go away",
    )
    done = ensure(
        any_session,
        actions={"apply_html_disclaimer_text": "<p>Confidential</p>", "reject_message_enhanced_status_code": "5.7.950"},
    )
    assert set(impacts(done)) == {"actions.apply_html_disclaimer_fallback_action", "actions.reject_message_reason_text"}


def test_audit_severity_of_the_portal_stays_until_it_is_declared(any_session: EmulatedSession) -> None:
    any_session.edit(
        "New-TransportRule",
        Name=NAME,
        ApplyRightsProtectionTemplate="Encrypt",
        FromScope="InOrganization",
        SetAuditSeverity="DoNotAudit",
    )
    assert not any_session.run(ome_transport_rule, name=NAME, actions=ENCRYPT)["changed"]
    done = ensure(any_session, actions={"apply_rights_protection_template": "Do Not Forward"})
    assert stored(any_session)["SetAuditSeverity"] == "DoNotAudit"
    assert done["after"]["actions"] == {
        "apply_rights_protection_template": "Do Not Forward",
        "set_audit_severity": "DoNotAudit",
    }
    ensure(any_session, actions={"apply_rights_protection_template": "Do Not Forward", "set_audit_severity": "High"})
    assert stored(any_session)["SetAuditSeverity"] == "High"


def test_dates(any_session: EmulatedSession) -> None:
    ensure(
        any_session,
        conditions=INSIDE,
        actions=ENCRYPT,
        activation_date="2099-01-01T00:00:00+01:00",
        expiry_date="2099-06-30T23:59:59-07:00",
    )
    assert stored(any_session)["ActivationDate"].startswith("2098-12-31T23:00:00")
    assert not any_session.run(ome_transport_rule, name=NAME, activation_date="2098-12-31T23:00:00Z")["changed"]
    ensure(any_session, expiry_date="")
    assert "ExpiryDate" not in stored(any_session)
    assert "expiry_date must be a date and time with an offset" in refusal(
        any_session, ome_transport_rule, name=NAME, expiry_date="2099-06-30"
    )


def test_a_past_expiry_is_refused_for_a_new_rule(session: EmulatedSession) -> None:
    said = refusal(session, ome_transport_rule, name="x", actions=ENCRYPT, expiry_date="2020-01-01T00:00:00Z")
    assert "expiry_date 2020-01-01T00:00:00Z is in the past" in said


def test_an_expired_rule_says_that_it_cannot_be_recreated(session: EmulatedSession) -> None:
    session.edit(
        "New-TransportRule", Name=NAME, ApplyRightsProtectionTemplate="Encrypt", ExpiryDate="2020-01-01T00:00:00Z"
    )
    (row,) = session.run(message_encryption_info)["transport_rules_not_rebuildable"]
    assert "past date" in row["reason"]
    session.run(ome_transport_rule, name=NAME, state="absent", check_mode=True)
    assert "cannot be recreated" in session.warnings[0]


def test_priorities_have_exchanges_bounds(session: EmulatedSession) -> None:
    assert "priority 1 is too high: the valid range for a new rule is 0 to 0" in refusal(
        session, ome_transport_rule, name="x", actions=ENCRYPT, priority=1
    )
    assert "priority must be 0 or more" in refusal(session, ome_transport_rule, name="x", actions=ENCRYPT, priority=-1)
    for name in "abc":
        session.run(ome_transport_rule, name=name, conditions=INSIDE, actions=ENCRYPT)
    assert "priority 3 is too high: with 3 rules, the highest priority value is 2" in refusal(
        session, ome_transport_rule, name="a", priority=3
    )
    for name, priority, expected in (("a", 2, "bca"), ("a", 0, "abc"), ("b", 2, "acb"), ("d", 3, "acbd")):
        ensure(
            session,
            name=name,
            priority=priority,
            **({} if name in "abc" else {"conditions": INSIDE, "actions": ENCRYPT}),
        )
        assert order(session) == list(expected)


@pytest.mark.parametrize(
    ("name", "place", "beside", "expected"),
    [
        ("c", "place_before", "a", "cabd"),
        ("a", "place_before", "c", "abcd"),
        ("a", "place_after", "c", "bcad"),
        ("d", "place_after", "a", "abcd"),
        ("x", "place_before", "a", "xabcd"),
        ("x", "place_after", "b", "abxcd"),
        ("x", "place_after", "D", "abcdx"),
    ],
)
def test_a_place_is_beside_another_rule(
    session: EmulatedSession, name: str, place: str, beside: str, expected: str
) -> None:
    for rule in "abcd":
        session.run(ome_transport_rule, name=rule, conditions=INSIDE, actions=ENCRYPT)
    writes = len(session.writes)
    ensure(session, name=name, conditions=INSIDE, actions=ENCRYPT, **{place: beside})
    assert order(session) == list(expected)
    assert len(session.writes) - writes == (expected != "abcd")


def test_a_place_needs_another_rule_that_exists(session: EmulatedSession) -> None:
    session.run(ome_transport_rule, name="a", conditions=INSIDE, actions=ENCRYPT)
    assert "place_before names the rule itself" in refusal(session, ome_transport_rule, name="a", place_before="A")
    assert "place_after names the rule 'b', which this organization does not have" in refusal(
        session, ome_transport_rule, name="a", place_after="b"
    )
    assert "place_after exclude each other" in refusal(
        session, ome_transport_rule, name="a", place_after="b", priority=0
    )


def test_a_name_that_several_rules_have_is_never_picked(session: EmulatedSession) -> None:
    """Exchange keeps names apart. Replicas that had no line to each other may not."""
    for name in ("one", "other"):
        session.run(ome_transport_rule, name=name, conditions=INSIDE, actions=ENCRYPT)
    for rule in session.organization.state["transport_rules"]:
        rule["Name"] = "twin"
    guids = [rule["Guid"] for rule in session.organization.dump()["transport_rules"]]
    text = refusal(session, ome_transport_rule, name="Twin", enabled=False)
    assert "name 'Twin' is the name of several rules" in text
    assert all(guid in text for guid in guids)
    assert "is the name of several rules" in refusal(
        session, ome_transport_rule, name="new", conditions=INSIDE, actions=ENCRYPT, place_before="twin"
    )
    assert session.run(ome_transport_rule, guid=guids[1], enabled=False)["changed"]
    assert [rule["State"] for rule in session.organization.dump()["transport_rules"]] == ["Enabled", "Disabled"]


def test_a_rule_is_renamed_by_its_guid_also_by_case(any_session: EmulatedSession) -> None:
    ensure(any_session, name="encrypt", conditions=INSIDE, actions=ENCRYPT)
    guid = stored(any_session, "encrypt")["Guid"]
    done = any_session.run(ome_transport_rule, name="Encrypt", guid=guid.upper(), conditions=INSIDE)
    assert [(change["option"], change["before"], change["after"]) for change in done["changes"]] == [
        ("name", "encrypt", "Encrypt")
    ]
    any_session.run(ome_transport_rule, name="Protect", guid=guid)
    assert order(any_session) == ["Protect"]
    any_session.edit("New-TransportRule", Name="Other", DeleteMessage=True)
    assert "another rule has the name 'other'" in refusal(any_session, ome_transport_rule, name="other", guid=guid)
    unknown = "00000000-0000-0000-0000-000000000001"
    assert "is not a rule of this organization" in refusal(any_session, ome_transport_rule, guid=unknown, enabled=True)
    assert not any_session.run(ome_transport_rule, name="Protect", guid=unknown, conditions=INSIDE)["changed"], (
        "a guid that is gone does not count"
    )


def test_recipients_are_addresses(any_session: EmulatedSession) -> None:
    for reference in ("Megan Bowen", "MeganB"):
        said = refusal(any_session, ome_transport_rule, name=NAME, conditions={"from": [reference]}, actions=ENCRYPT)
        assert f"conditions.from contains {reference!r}, which is not an SMTP address" in said
    ensure(
        any_session,
        conditions={"from": ["meganb@contoso.onmicrosoft.com", "alexw@CONTOSO.onmicrosoft.com"]},
        actions=ENCRYPT,
    )
    assert "not an SMTP address" in refusal(
        any_session, ome_transport_rule, name=NAME, actions={**ENCRYPT, "generate_incident_report": "MeganB"}
    )


def test_words_that_are_no_texts_are_refused_by_name(session: EmulatedSession) -> None:
    said = refusal(
        session, ome_transport_rule, name=NAME, conditions={"subject_contains_words": [True, 5, "a"]}, actions=ENCRYPT
    )
    assert "conditions.subject_contains_words contains true, which is not text: put it in quotes" in said
    assert "conditions.subject_contains_words contains 5" in said


def test_states_are_switched_with_their_own_cmdlets(any_session: EmulatedSession) -> None:
    ensure(any_session, conditions=INSIDE, actions=ENCRYPT, enabled=True)
    ensure(any_session, enabled=False, mode="Audit")
    ensure(any_session, enabled=True)
    cmdlets = [call.cmdlet for call in any_session.writes]
    assert cmdlets == ["New-TransportRule", "Set-TransportRule", "Disable-TransportRule", "Enable-TransportRule"]


def test_a_rule_goes_and_stays_away(any_session: EmulatedSession) -> None:
    ensure(any_session, conditions=INSIDE, actions=ENCRYPT)
    done = ensure(any_session, state="absent")
    assert (done["before"]["state"], done["after"]) == ("present", {"state": "absent"})
    assert impacts(done) == {"state": "deletes"}
    assert order(any_session) == []


def test_what_only_a_new_rule_takes(session: EmulatedSession) -> None:
    ensure(session, conditions=INSIDE, actions=ENCRYPT)
    assert "use_legacy_regex can only be set on a new rule" in refusal(
        session, ome_transport_rule, name=NAME, use_legacy_regex=True
    )
    assert not session.run(ome_transport_rule, name=NAME, use_legacy_regex=False)["changed"]


def test_names_have_exchanges_limits(session: EmulatedSession) -> None:
    assert "name has 65 characters" in refusal(session, ome_transport_rule, name="x" * 65, actions=ENCRYPT)


def test_the_false_of_has_no_classification_says_something(session: EmulatedSession) -> None:
    done = ensure(session, conditions={**INSIDE, "has_no_classification": False}, actions=ENCRYPT)
    assert done["after"]["conditions"] == {**INSIDE, "has_no_classification": False}
    assert stored(session)["HasNoClassification"] is False
    info = session.run(message_encryption_info)
    assert info["transport_rules"][0]["conditions"]["has_no_classification"] is False
    ensure(session, conditions=INSIDE)
    assert "HasNoClassification" not in stored(session)
    assert session.run(message_encryption_info)["transport_rules"][0]["conditions"] == INSIDE
    ensure(session, exceptions={"has_no_classification": True})
    ensure(session, exceptions={"has_no_classification": False})
    assert stored(session)["ExceptIfHasNoClassification"] is False


@pytest.mark.parametrize("wire", ["module", "server"])
def test_where_has_no_classification_cannot_be_taken_away_that_is_said(wire: str) -> None:
    session = EmulatedSession({}, wire)
    ensure(session, conditions={**INSIDE, "has_no_classification": False}, actions=ENCRYPT)
    with pytest.raises(ExchangeError, match="Remove the condition in the portal"):
        session.run(ome_transport_rule, name=NAME, conditions=INSIDE)
    assert stored(session)["HasNoClassification"] is False


@pytest.mark.parametrize("section", ["conditions", "exceptions"])
@pytest.mark.parametrize("scope", ["ExternalPartner", "ExternalNonPartner"])
def test_partner_scopes_are_refused_in_the_cloud_by_name(session: EmulatedSession, section: str, scope: str) -> None:
    said = refusal(session, ome_transport_rule, name="x", actions=ENCRYPT, **{section: {"sent_to_scope": scope}})
    assert f"{section}.sent_to_scope {scope} is available only in Exchange on-premises." in said


def test_partner_scopes_exist_on_premises() -> None:
    session = EmulatedSession({"name": "contoso.com", "cloud": False}, "server")
    ensure(session, conditions={"sent_to_scope": "ExternalPartner"}, actions={"delete_message": True})
    assert stored(session)["SentToScope"] == "ExternalPartner"


def test_a_name_that_a_directory_might_take_for_another_is_told(session: EmulatedSession) -> None:
    ensure(session, name="Resume", actions=ENCRYPT, conditions=INSIDE)
    ensure(session, name="Résumé", actions=ENCRYPT, conditions=INSIDE)
    assert order(session) == ["Resume", "Résumé"]
    assert "'Résumé' and 'Resume' differ only in accents" in session.warnings[0]
    ensure(session, name="RÉSUMÉ", enabled=False)
    assert order(session) == ["Resume", "RÉSUMÉ"]


def test_a_date_that_differs_by_a_zone_only_is_told_and_not_written(session: EmulatedSession) -> None:
    ensure(session, actions=ENCRYPT, conditions=INSIDE, expiry_date="2999-01-31T08:00:00Z")
    shown: dict[str, Any] = next(iter(session.edit("Get-TransportRule")))
    read = Organization(
        {"transport_rules": SUBSETS["transport_rules"]},
        {"transport_rules": Result([{**shown, "ExpiryDate": "2999-01-31T08:00:00"}])},
    )

    def planned(date: str) -> tuple[list[str], list[str]]:
        plan = plan_in_place(RuleBook(read), declare({"name": NAME, "expiry_date": date}))
        return [step.call.cmdlet for step in plan.steps], list(map(str, plan.warnings))

    assert planned("2999-01-31T08:00:00+00:00") == ([], [])
    steps, (warning,) = planned("2999-01-31T08:00:00+01:00")
    assert (steps, "without a time zone" in warning) == ([], True)
    assert planned("2999-02-01T08:00:00+01:00") == (["Set-TransportRule"], [])


def test_planning_a_rule_leaves_the_book_as_it_is(session: EmulatedSession) -> None:
    """What a rule takes is a function of the rules; only who plans several takes a plan into the book."""
    ensure(session, name="First", actions=ENCRYPT, conditions=INSIDE)
    read = Organization(
        {"transport_rules": SUBSETS["transport_rules"]},
        {"transport_rules": Result(list(session.edit("Get-TransportRule")))},
    )
    book = RuleBook(read)
    wanted = declare({"name": "Second", "actions": ENCRYPT, "conditions": INSIDE, "priority": 0})
    one, other = plan_rule(book, wanted), plan_rule(book, wanted)
    assert (one, book.order, book.standings) == (other, [book.rules[0].guid], {})
    assert one.order == ["Second", book.rules[0].guid]
    book.take(one)
    assert (book.order, book.standing("Second").name) == (one.order, "Second")
