# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of rule sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import (
    LintRow,
    lint_lines,
)

from tests.rounds import seeds
from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.deciding import never
from tests.unit.mail_flow.dlp_worlds import SENSITIVE, policy
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]


def found(*rules: Values, facts: Mapping[str, Any] = TENANT) -> list[tuple[str, list[str]]]:
    return [(each["kind"], each["rules"]) for each in lint(rules, facts, NOW)]


def test_an_ordinary_rule_is_not_odd() -> None:
    assert found(ALL) == []


def test_rules_that_never_act_name_what_is_before_them() -> None:
    behind = rule("Behind", {**PARTNER, "subject_contains_words": ["offer"]}, ENCRYPT)
    assert found(rule("Away", PARTNER, STOP), behind) == [("never_acts", ["Behind", "Away"])]
    contradictory = rule("Odd", {**OUTGOING, "sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}, ENCRYPT)
    assert found(contradictory) == [("never_acts", ["Odd"])]


def test_a_rule_that_need_not_keep_mail_from_another_is_not_named() -> None:
    letters = rule("Letters", {**OUTGOING, "subject_contains_words": ["letter"]}, STOP)
    away, other = rule("Away", OUTGOING, STOP), rule("Other", PARTNER, STOP)
    behind = rule("Behind", {**PARTNER, "subject_contains_words": ["offer"]}, ENCRYPT)
    assert ("never_acts", ["Behind", "Away"]) in found(letters, away, behind)
    assert ("never_acts", ["Behind", "Other"]) in found(letters, other, behind)


def test_a_rule_that_parts_copies_before_a_look_at_all_their_recipients_is_not_covered() -> None:
    """Without it, a later rule would see the recipients outside beside those inside, and delete the mail of both."""
    every, parts = rule("Every", {}, ENCRYPT), rule("Parts", OUTGOING, ENCRYPT)
    looks = rule("Looks", {"any_of_recipient_address_contains_words": ["fabrikam"]}, {"delete_message": True})
    covered = ("covered_rule", ["Parts", "Every"])
    assert covered in found(every, parts)
    assert covered in found(looks, every, parts)
    assert covered not in found(every, parts, looks)


def test_a_rule_that_is_only_tried_keeps_no_mail_from_others() -> None:
    tried = rule("Tried", {}, {"redirect_message_to": ["a@b.com"]}, mode="Audit")
    assert ("never_acts", ["All", "Deletes"]) in found(tried, rule("Deletes", {}, {"delete_message": True}), ALL)


def test_the_first_rules_that_keep_mail_from_another_are_named() -> None:
    words = [f"word{number}" for number in range(5)]
    away = [rule(f"Away {word}", {"subject_contains_words": [word]}, STOP) for word in words]
    findings = lint([*away, rule("Last", {**OUTGOING, "subject_contains_words": words}, ENCRYPT)], TENANT, NOW)
    (reason,) = [each["reason"] for each in findings if each["kind"] == "never_acts"]
    assert (
        reason
        == "The rule 'Last' never acts: none of its mail gets past 'Away word0', 'Away word1', 'Away word2' and 2 others."
    )


def test_what_is_open_of_one_condition_says_nothing_of_another() -> None:
    """Of a copy that has lost the one whom a field names, To may show them, and To or Cc may not."""
    split = rule("Split", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"})
    acts = rule(
        "Acts",
        {"any_of_to_header": ["joe@northwind.com"]},
        {"set_audit_severity": "High"},
        exceptions={"any_of_to_cc_header": ["joe@northwind.com"]},
    )
    assert found(split, acts) == []
    assert found(acts) == [("never_acts", ["Acts"])]


def test_exceptions_without_effect() -> None:
    spared = {**ALL, "exceptions": {"from_scope": "NotInOrganization"}}
    assert found(spared) == [("idle_exception", ["All"])]
    assert found({**ALL, "exceptions": {"subject_contains_words": ["public"]}}) == [("typed_exception", ["All"])]


def test_rules_that_meet() -> None:
    decrypt = rule("Decrypt", {"subject_contains_words": ["open"]}, {"remove_ome_v2": True})
    assert found(ALL, decrypt) == [("encrypt_meets_decrypt", ["All", "Decrypt"])]
    inside = rule("Decrypt", {"sent_to_scope": "InOrganization"}, {"remove_ome_v2": True})
    assert found(ALL, inside) == []
    other = rule(
        "Other", {**OUTGOING, "subject_contains_words": ["x"]}, {"apply_rights_protection_template": "Do Not Forward"}
    )
    assert found(ALL, other) == [("templates_meet", ["All", "Other"])]
    assert ("ends_before_encryption", ["Away", "All"]) in found(rule("Away", PARTNER, STOP), ALL)
    assert ("equal_rules", ["All", "Again"]) in found(ALL, {**ALL, "name": "Again"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"rule_error_action": "Defer"}),
        (
            {"conditions": {"has_sender_override": True}},
            {"conditions": {"message_contains_data_classifications": ["a"]}},
        ),
        (
            {"conditions": {"message_contains_data_classifications": ["a"]}},
            {"conditions": {"message_contains_data_classifications": ["b"]}},
        ),
        (
            {"conditions": {"has_sender_override": True}},
            {"conditions": {}, "exceptions": {"has_sender_override": True}},
        ),
        ({"actions": {"sign_message": "a"}}, {"actions": {"sign_message": "b"}}),
    ],
)
def test_rules_that_differ_are_no_duplicates(one: Values, other: Values) -> None:
    assert "equal_rules" not in [kind for kind, _rules in found({**ALL, **one}, {**ALL, **other, "name": "Again"})]
    assert ("equal_rules", ["All", "Again"]) in found({**ALL, **one}, {**ALL, **one, "name": "Again"})


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        ({"expiry_date": "2026-02-01T00:00:00Z"}, "expired"),
        ({"expiry_date": "2026-03-20T00:00:00Z"}, "expiring"),
        ({"enabled": False}, "inactive_encryption"),
        ({"mode": "Audit"}, "inactive_encryption"),
        ({"conditions": {"subject_contains_words": ["x"]}}, "unscoped_encryption"),
        ({"conditions": {}}, "for_all_mail"),
        ({"actions": {"apply_ome": True}}, "retired_action"),
        ({"actions": {**ENCRYPT, "remove_ome_v2": True}}, "encrypts_and_decrypts"),
        ({"conditions": {**OUTGOING, "any_of_recipient_address_contains_words": ["x"]}}, "whole_copy"),
        ({"exceptions": {"any_of_to_header": ["a@b.com"]}}, "one_frees_all"),
        ({"conditions": {**OUTGOING, "sent_to": ["sales@contoso.com"]}}, "names_a_group"),
        ({"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}}, "fails_open"),
        (
            {"conditions": {**OUTGOING, "subject_or_body_contains_words": ["x"]}, "rule_error_action": "Ignore"},
            "fails_open",
        ),
        ({"exceptions": {"attachment_size_over": "5MB"}}, "fails_open"),
        (
            {"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}, "rule_error_action": "Defer"},
            "fails_closed",
        ),
        ({"exceptions": {"recipient_domain_is": ["fabrikam.com"]}}, "subdomains"),
        ({"conditions": PARTNER, "actions": {"remove_ome_v2": True}}, "subdomains"),
        ({"conditions": {**OUTGOING, "subject_contains_words": ["secure*"]}}, "literal_asterisk"),
        (
            {"exceptions": {"header_contains_message_header": "X-Tag", "header_contains_words": ["*"]}},
            "literal_asterisk",
        ),
        *(
            ({"conditions": {**OUTGOING, "subject_matches_patterns": [pattern]}}, "set_of_letters")
            for pattern in ("[secure]", "^[SECURE]", "[secure mail]$")
        ),
        *(
            ({"exceptions": {"sent_to": [value]}}, "value_never_matches")
            for value in ("*@partner.com", "a*@partner.com", "ann@*.com")
        ),
        *(
            ({"conditions": {**OUTGOING, "recipient_domain_is": ["x.com", value]}}, "value_never_matches")
            for value in ("@y.com", "*.y.com", ".y.com", "y.com.", "a@y.com")
        ),
        ({"exceptions": {"sender_domain_is": ["*.y.com"]}, "enabled": False}, "value_never_matches"),
        ({"exceptions": {"attachment_extension_matches_words": ["*.pdf"]}}, "value_never_matches"),
        ({"exceptions": {"recipient_domain_is": ["x.com", "www.y.com"]}}, "web_domain"),
        ({"conditions": {"attachment_extension_matches_words": ["exe", ".js"]}}, "extension_with_dot"),
        ({"conditions": {**OUTGOING, "recipient_domain_is": ["WWW.y.com"]}, "enabled": False}, "web_domain"),
        ({"actions": {"apply_ome": True, "apply_rights_protection_template": "Do Not Forward"}}, "two_templates"),
        ({"conditions": {**OUTGOING, "subject_matches_patterns": ["*"]}}, "unknown_pattern"),
        ({"conditions": {**OUTGOING, "sender_ad_attribute_matches_patterns": ["Department:(?=x)"]}}, "unknown_pattern"),
        ({"actions": {"apply_rights_protection_customization_template": "B"}}, "branding_alone"),
        ({"conditions": {**OUTGOING, "subject_matches_patterns": ["(?=x)"]}}, "unknown_pattern"),
        ({"conditions": {"sent_to_scope": "ExternalPartner"}}, "on_premises_scope"),
        ({"exceptions": {"sent_to_scope": "ExternalNonPartner"}}, "on_premises_scope"),
        ({"sender_address_location": "Envelope", "conditions": OUTGOING}, "envelope_sender"),
        (
            {"sender_address_location": "Envelope", "conditions": {}, "exceptions": {"from": ["bob@contoso.com"]}},
            "envelope_sender",
        ),
        ({"exceptions": {"message_type_matches": "AutoForward"}}, "auto_forward"),
        ({"conditions": {**OUTGOING, "message_type_matches": "AutoForward"}}, "auto_forward"),
        ({"dlp_policy": True}, "dlp_rule"),
        ({"is_rule_configuration_supported": False}, "unsupported"),
    ],
)
def test_what_goes_against_the_semantics(odd: Values, kind: str) -> None:
    facts = {**TENANT, "groups": {"sales@contoso.com": ["bob@contoso.com"]}}
    assert kind in [each for each, _rules in found({**ALL, **odd}, facts=facts)]


@pytest.mark.parametrize(
    ("usual", "kind"),
    [
        ({"rule_error_action": "Ignore"}, "fails_open"),
        ({"conditions": {**OUTGOING, "subject_contains_words": ["x"]}}, "fails_open"),
        ({"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}, "rule_error_action": "Defer"}, "fails_open"),
        ({"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}, "actions": STOP}, "fails_open"),
        ({"rule_error_action": "Defer"}, "fails_closed"),
        ({"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}}, "fails_closed"),
        ({"conditions": PARTNER}, "subdomains"),
        ({"exceptions": {"sent_to": ["ann@fabrikam.com"]}}, "subdomains"),
        ({"actions": STOP, "exceptions": {"recipient_domain_is": ["fabrikam.com"]}}, "subdomains"),
        ({"conditions": {**OUTGOING, "subject_matches_patterns": ["x*"]}}, "literal_asterisk"),
        *(
            ({"conditions": {**OUTGOING, "subject_matches_patterns": [pattern]}}, "set_of_letters")
            for pattern in (r"\[secure\]", "[a-z]", "[x]", "[secure]+", "[^secure]", "[0-9]", "[ab]c")
        ),
        ({"actions": {"apply_ome": True, "apply_rights_protection_template": "Encrypt"}}, "two_templates"),
        ({"exceptions": {"sent_to_scope": "NotInOrganization"}}, "on_premises_scope"),
        ({"exceptions": {"from": ["bob@contoso.com"]}}, "envelope_sender"),
        ({"exceptions": {"message_type_matches": "OOF"}}, "auto_forward"),
    ],
)
def test_what_goes_with_the_semantics(usual: Values, kind: str) -> None:
    assert kind not in [each for each, _rules in found({**ALL, **usual})]


@pytest.mark.parametrize(
    ("other", "is_alone"),
    [
        (rule("E", OUTGOING, ENCRYPT), False),
        (rule("E", IN, ENCRYPT), False),
        (rule("E", {**OUTGOING, "subject_contains_words": ["x"]}, ENCRYPT), False),
        (rule("E", {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}, ENCRYPT), True),
        (rule("E", {"from_scope": "NotInOrganization"}, ENCRYPT), True),
        ({**rule("E", OUTGOING, ENCRYPT), "mode": "Audit"}, True),
    ],
)
def test_a_branding_is_alone_where_no_mail_of_it_is_encrypted(other: Values, is_alone: bool) -> None:
    brands = rule("B", OUTGOING, {"apply_rights_protection_customization_template": "B"})
    for rules in ((brands, other), (other, brands)):
        assert (("branding_alone", ["B"]) in found(*rules)) is is_alone


@pytest.mark.parametrize(("mode", "is_alone"), [("Enable", False), ("TestWithoutNotifications", True)])
def test_a_branding_is_not_alone_where_dlp_encrypts_some_mail_of_it(mode: str, is_alone: bool) -> None:
    policies = [policy(SENSITIVE, mode=mode, encrypt_rms_template="Encrypt")]
    brands = rule("B", OUTGOING, {"apply_rights_protection_customization_template": "B"})
    kinds = {kind for kind, _rules in found(brands, facts={**TENANT, "dlp_policies": policies, "labels": []})}
    assert ("branding_alone" in kinds) is is_alone


@pytest.mark.parametrize("idle", [{"enabled": False}, {"state": "Disabled"}])
@pytest.mark.parametrize(
    ("odd", "kinds"),
    [
        ({"conditions": {}}, ["inactive_encryption"]),
        ({"conditions": {}, "actions": STOP}, []),
        ({"expiry_date": "2026-03-20T00:00:00Z"}, ["inactive_encryption"]),
        ({"conditions": {**OUTGOING, "attachment_contains_words": ["x"]}}, ["inactive_encryption"]),
        ({"conditions": {**OUTGOING, "any_of_recipient_address_contains_words": ["x"]}}, ["inactive_encryption"]),
        ({"exceptions": {"recipient_domain_is": ["fabrikam.com"]}}, ["inactive_encryption"]),
        ({"actions": {**ENCRYPT, "remove_ome_v2": True}}, ["inactive_encryption"]),
        (
            {"actions": {"apply_ome": True, "apply_rights_protection_template": "Do Not Forward"}},
            ["inactive_encryption", "retired_action"],
        ),
        (
            {"conditions": {**OUTGOING, "subject_contains_words": ["secure*"]}},
            ["inactive_encryption", "literal_asterisk"],
        ),
    ],
)
def test_what_a_rule_does_is_no_finding_about_one_that_never_acts(idle: Values, odd: Values, kinds: list[str]) -> None:
    assert [kind for kind, _rules in found({**ALL, **odd, **idle})] == kinds


def test_a_rule_of_data_loss_prevention_does_nothing() -> None:
    assert [kind for kind, _rules in found({**ALL, "conditions": {}, "dlp_policy": True})] == [
        "inactive_encryption",
        "dlp_rule",
    ]


@pytest.mark.parametrize(
    "limited",
    [
        {"exceptions": {"subject_contains_words": ["x"]}},
        {"enabled": False},
        {"expiry_date": "2026-02-01"},
        {"activation_date": "2026-03-01T09:00:00"},
    ],
)
def test_a_rule_that_does_not_apply_to_all_mail(limited: Values) -> None:
    assert "for_all_mail" not in [kind for kind, _rules in found({**ALL, "conditions": {}, **limited})]


@pytest.mark.parametrize("idle", [{"enabled": False}, {"mode": "Audit"}])
def test_a_rule_that_does_nothing_does_nothing_to_subdomains(idle: Values) -> None:
    spares = {**ALL, "exceptions": {"recipient_domain_is": ["fabrikam.com"]}}
    decrypts = rule("Decrypt", PARTNER, {"remove_ome_v2": True})
    assert "subdomains" not in [kind for each in (spares, decrypts) for kind, _rules in found({**each, **idle})]


@pytest.mark.parametrize(
    ("date", "kinds"),
    [
        ("2026-02-28T20:00:00", {"expiring"}),  # Without an offset, it may be over.
        ("2026-02-28T20:00:00Z", {"expired"}),
        ("2026-02-27T20:00:00", {"expired"}),
        ("2026-03-31T20:00:00", set()),
    ],
)
def test_a_date_is_over_where_every_time_zone_says_so(date: str, kinds: set[str]) -> None:
    assert {kind for kind, _rules in found({**ALL, "expiry_date": date})} == kinds


def test_a_rule_that_is_still_to_begin_is_told_with_its_date() -> None:
    (row,) = lint([{**ALL, "activation_date": "2026-04-01T00:00:00Z"}], TENANT, NOW)
    assert row["reason"] == "The rule 'All' does not act yet: it begins on 2026-04-01 00:00 UTC."


def test_a_stop_behind_all_that_encrypts_its_mail_is_named() -> None:
    stops = rule("Stops", {**OUTGOING, "from": ["bob@contoso.com"]}, STOP)
    (row,) = lint([ALL, stops], TENANT, NOW)
    assert (row["kind"], row["rules"]) == ("stops_after_encryption", ["Stops", "All"])
    assert row["reason"] == (
        "'Stops' stops processing, but 'All' has encrypted some of its mail by then, and no later rule would encrypt any."
    )
    later = rule("Later", {**OUTGOING, "subject_contains_words": ["offer"]}, ENCRYPT)
    assert "stops_after_encryption" not in kinds(ALL, stops, later)
    of_ann = rule("Of Ann", {**OUTGOING, "from": ["ann@contoso.com"]}, ENCRYPT)
    assert "stops_after_encryption" not in kinds(of_ann, stops)
    assert "stops_after_encryption" not in kinds(ALL, {**stops, "actions": {**STOP, "set_scl": -1}})


def test_a_branding_that_there_is_not() -> None:
    branded = {**ALL, "actions": {**ENCRYPT, "apply_rights_protection_customization_template": "Sales"}}
    assert found(branded) == []  # Nobody knows.
    default = {"identity": "OME Configuration"}
    assert found(branded, facts={**TENANT, "ome_configurations": [default]}) == [("branding_missing", ["All"])]
    assert found(branded, facts={**TENANT, "ome_configurations": [default, {"identity": "sales"}]}) == []


def test_a_template_of_the_organizations_own_for_people_outside() -> None:
    own = {"apply_rights_protection_template": "Board only"}
    assert found({**ALL, "actions": own}) == [("template_outside", ["All"])]
    assert found(rule("Inside", {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}, own)) == []
    assert "template_outside" not in [kind for kind, _rules in found({**ALL, "actions": {"apply_ome": True}})]


def test_recipients_that_a_rule_adds() -> None:
    """Those whom a rule adds that encrypts, or that stands behind one that does, get what the others get."""
    copy = rule("Copy", {"from_scope": "InOrganization"}, {"copy_to": ["a@b.com"]})
    assert ("adds_recipients", ["Copy"]) in found(copy, ALL)
    for others in (
        [ALL, copy],
        [copy],
        [copy, {**ALL, "enabled": False}],
        [{**copy, "actions": {**copy["actions"], **ENCRYPT}}],
    ):
        assert "adds_recipients" not in [kind for kind, _rules in found(*others)]


@pytest.mark.parametrize("seed", seeds(10))
def test_rules_that_are_said_never_to_act_never_do(seed: int) -> None:
    assert Search(100).idle(never, seed) == ""


def test_of_a_rule_for_members_of_an_empty_group_the_group_is_named() -> None:
    legal = rule("Legal", {**OUTGOING, "from_member_of": ["legal@contoso.com"]}, ENCRYPT)
    for members, reasons in (
        ([], ["The rule 'Legal' never acts: nobody is a member of legal@contoso.com, as far as the facts say."]),
        (["megan@contoso.com"], []),
    ):
        facts = {**TENANT, "groups": {"legal@contoso.com": members}}
        assert [each["reason"] for each in lint([legal], facts, NOW) if each["kind"] == "never_acts"] == reasons


def test_an_exception_for_domains_is_not_said_to_leave_mail_unencrypted() -> None:
    """Another rule may encrypt it."""
    spares = {**ALL, "exceptions": {"recipient_domain_is": ["a.com", "b.com"]}}
    (reason,) = [each["reason"] for each in lint([spares, ALL], TENANT, NOW) if each["kind"] == "subdomains"]
    assert reason == "The rule 'All' also exempts mail to all subdomains of a.com and b.com."


def test_rules_with_the_same_problem_share_a_row() -> None:
    facts = {**TENANT, "remote_domains": [{"name": "leasing.com", "is_internal": True}]}
    every = [{**ALL, "name": f"Rule {number}"} for number in range(10)]
    every += [{**ALL, "name": "Other", "exceptions": {"subject_contains_words": ["public"]}}]
    rows = lint(every, facts, NOW)
    (internal,) = [each["rules"] for each in rows if each["kind"] == "internal_domains"]
    assert internal == [each["name"] for each in every]
    assert [each["rules"] for each in rows if each["kind"] == "typed_exception"] == [["Other"]]


def test_an_exception_for_people_inside_misses_internal_domains_too() -> None:
    facts = {**TENANT, "remote_domains": [{"name": "leasing.com", "is_internal": True}]}
    scopes = ("InOrganization", "NotInOrganization")
    every = [rule(scope, IN, ENCRYPT, exceptions={"sent_to_scope": scope}) for scope in scopes]
    (internal,) = [each["rules"] for each in lint(every, facts, NOW) if each["kind"] == "internal_domains"]
    assert internal == ["InOrganization"]


def test_a_name_of_nobody_in_the_directory_is_named() -> None:
    def of_senders(*senders: str, **facts: Any) -> list[str]:
        rows = lint([rule("Old", {"from": list(senders)}, STOP)], {**TENANT, **facts}, NOW)
        return [each["reason"] for each in rows if each["kind"] == "no_such_person"]

    assert of_senders("robert@contoso.com", "oldfax@contoso.com") == [
        "The rule 'Old' has 'oldfax@contoso.com' in from, which is no address of the organization, as far as the facts say."
    ]
    assert not of_senders("robert@contoso.com", "fax@fabrikam.com")
    assert not of_senders("oldfax@contoso.com", mailboxes=None)
    relayed = [{"name": "contoso.com", "type": "InternalRelay", "match_subdomains": False}]
    assert not of_senders("oldfax@contoso.com", accepted_domains=relayed)


@pytest.mark.parametrize(
    ("actions", "kinds_found"),
    [
        ({"reject_message_reason_text": "No."}, {"typed_exception"}),
        ({"quarantine": True}, {"typed_exception"}),
        ({"prepend_subject": "[Outside] "}, set()),
    ],
)
def test_what_keeps_mail_back_is_not_to_be_evaded(actions: Mapping[str, Any], kinds_found: set[str]) -> None:
    """A rule that marks a subject exempts what is marked."""
    files = rule("Files", {"attachment_extension_matches_words": ["exe"]}, actions)
    spares = {**files, "exceptions": {"subject_contains_words": ["[Outside]"]}}
    found_kinds = {each["kind"] for each in lint([spares], TENANT, NOW)}
    assert found_kinds & {"typed_exception"} == kinds_found


def test_what_senders_choose_beside_the_text_is_named() -> None:
    urgent = rule("Secret", OUTGOING, ENCRYPT, exceptions={"with_importance": "Low"})
    stops = rule("Urgent", {**IN, "with_importance": "High"}, STOP)
    reasons = {each["kind"]: each["reason"] for each in lint([stops, urgent], TENANT, NOW)}
    assert reasons["typed_exception"] == (
        "The rule 'Secret' lets anybody keep mail from it by giving it the importance 'Low': its exception is with_importance."
    )
    assert reasons["typed_stop"].startswith("Anybody can keep mail from 'Secret' by giving it the importance 'High'")


def test_names_that_are_almost_the_same_may_be_misspelled() -> None:
    def misspelled(*rules: Mapping[str, Any], **facts: Any) -> list[tuple[list[str], str]]:
        rows = lint(list(rules), {**TENANT, **facts}, NOW)
        return [(each["rules"], each["reason"]) for each in rows if each["kind"] == "misspelled"]

    law = rule("Law", {**IN, "recipient_domain_is": ["lexwell.exmaple"]}, ENCRYPT)
    files = rule("Files", {**IN, "recipient_domain_is": ["lexwell.example"]}, {"blind_copy_to": ["joe@contoso.com"]})
    assert misspelled(law, files) == [
        (
            ["Law", "Files"],
            "'Law' names 'lexwell.exmaple' and 'Files' names 'lexwell.example': one of them may be misspelled.",
        )
    ]
    remote = [{"name": "lexwell.example", "is_internal": False}]
    spares = rule("Spares", IN, ENCRYPT, exceptions={"recipient_domain_is": ["lexwell.exmaple"]})
    assert misspelled(law, files, spares, remote_domains=remote) == [
        (
            ["Law", "Spares"],
            "Each of the rules 'Law' and 'Spares' names 'lexwell.exmaple', which may be misspelled:"
            " the facts have 'lexwell.example'.",
        )
    ]
    both = rule("Both", {**IN, "recipient_domain_is": ["lexwell.exmaple", "lexwell.example"]}, ENCRYPT)
    assert not misspelled(both)
    assert not misspelled(law)
    assert not misspelled(files, remote_domains=remote)


def test_a_rule_with_a_rare_template_meets_all_others() -> None:
    forward = {"apply_rights_protection_template": "Do Not Forward"}
    others = [rule(word, {**OUTGOING, "subject_contains_words": [word]}, ENCRYPT) for word in "abc"]
    rare = rule("Rare", {**OUTGOING, "from": ["joe@contoso.com"]}, forward)
    for rules in ([rare, *others], [*others[:1], rare, *others[1:]], [*others, rare]):
        (row,) = [row for row in lint(rules, TENANT, NOW) if row["kind"] == "templates_meet"]
        assert row["rules"] == ["a", "b", "c", "Rare"]


def test_rules_that_meet_the_same_rule_share_a_row() -> None:
    away = [rule(f"Away {word}", {**PARTNER, "subject_contains_words": [word]}, STOP) for word in ("a", "b")]
    others = [
        rule(
            f"Other {word}",
            {**OUTGOING, "subject_contains_words": [word]},
            {"apply_rights_protection_template": "Do Not Forward"},
        )
        for word in ("c", "d")
    ]
    rows = [row for row in lint([*away, *others, ALL], TENANT, NOW) if row["kind"] != "typed_stop"]
    meeting = {row["kind"]: (row["rules"], row["reason"]) for row in rows if row["rules"][-1] == "All"}
    assert meeting["templates_meet"] == (
        ["Other c", "Other d", "All"],
        "'All' and each of 'Other c' and 'Other d' apply different templates to the same message:"
        " which one it gets is not documented (U01).",
    )
    stopping = [(row["rules"], row["reason"]) for row in rows if row["kind"] == "ends_before_encryption"]
    assert (
        ["Away a", "Away b", "Other c"],
        "'Away a' and 'Away b' stop mail that 'Other c' would encrypt.",
    ) in stopping


def test_problems_that_differ_have_rows_of_their_own() -> None:
    spares = [{**ALL, "name": name, "exceptions": {"subject_contains_words": [name]}} for name in ("A", "B")]
    typed = [rules for kind, rules in found(*spares) if kind == "typed_exception"]
    assert typed == [["A"], ["B"]]


@pytest.mark.parametrize("pattern", [r"(?=\d)", r"Tom's (?=\d)"])
def test_a_pattern_is_quoted_as_it_is_written(pattern: str) -> None:
    odd = rule("Odd", {**OUTGOING, "subject_matches_patterns": [pattern]}, ENCRYPT)
    (reason,) = [each["reason"] for each in lint([odd], TENANT, NOW) if each["kind"] == "unknown_pattern"]
    assert pattern in reason


def test_a_reason_is_one_line() -> None:
    spares = {**ALL, "exceptions": {"recipient_domain_is": ["fab\nrikam.com\u202e"]}}
    assert "fab[U+000A]rikam.com[U+202E]" in next(
        each["reason"] for each in lint([spares], TENANT, NOW) if each["kind"] == "subdomains"
    )


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        ({"expiry_date": "2026-03-20T00:00:00Z"}, "expiring"),
        ({"actions": {**ENCRYPT, "remove_ome_v2": True}}, "encrypts_and_decrypts"),
        ({"actions": {"apply_ome": True, "apply_rights_protection_template": "Do Not Forward"}}, "two_templates"),
        ({}, "internal_domains"),
    ],
)
@pytest.mark.parametrize("mode", ["Audit", "AuditAndNotify"])
def test_what_a_rule_does_to_mail_is_not_said_of_one_that_is_only_tried(odd: Values, kind: str, mode: str) -> None:
    facts = {**TENANT, "remote_domains": [{"name": "partner.com", "is_internal": True}]}
    enforced = {**ALL, "conditions": OUTGOING, **odd}
    assert kind in {found_kind for found_kind, _rules in found(enforced, facts=facts)}
    assert {found_kind for found_kind, _rules in found({**enforced, "mode": mode}, facts=facts)} == (
        {"inactive_encryption", "retired_action"} if kind == "two_templates" else {"inactive_encryption"}
    )


OUTSIDE = {"from_scope": "NotInOrganization"}
ENCRYPTS = rule("Encrypts", IN, ENCRYPT)


def kinds(*rules: Values, facts: Mapping[str, Any] = TENANT) -> set[str]:
    return {kind for kind, _rules in found(*rules, facts=facts)} - {
        "unscoped_encryption",
        "for_all_mail",
        "adds_recipients",
        "shows_outside",
    }


def test_a_rule_that_quarantines_mail_does_not_stop_it() -> None:
    held = rule("Held", {**IN, "attachment_has_executable_content": True}, {"quarantine": True})
    (row,) = lint([held, ENCRYPTS], TENANT, NOW)
    assert row["reason"] == (
        "'Held' quarantines mail that 'Encrypts' would encrypt: once released, it meets no later rule."
    )


def test_a_redirected_copy_goes_on() -> None:
    """A rule that acts on no recipient's copy may act on the copy of the one whom the message is redirected to."""
    away = {"redirect_message_to": ["new@b.com"]}
    assert kinds(rule("Away", IN, away), ENCRYPTS) == set()
    assert ("never_acts", ["Encrypts", "Away"]) in found(rule("Away", IN, {**away, **STOP}), ENCRYPTS)
    elsewhere = rule("Elsewhere", {**IN, "recipient_domain_is": ["a.com"]}, ENCRYPT)
    assert ("never_acts", ["Elsewhere", "Away"]) in found(rule("Away", IN, away), elsewhere)


def test_of_what_a_manager_or_a_group_gets_nothing_is_said() -> None:
    bob = {"from": ["bob@contoso.com"]}
    facts = {
        **TENANT,
        "managers": {"bob@contoso.com": "megan@contoso.com"},
        "groups": {"sales@contoso.com": ["megan@contoso.com"]},
    }
    for actions in ({"add_manager_as_recipient_type": "Redirect"}, {"redirect_message_to": ["sales@contoso.com"]}):
        assert kinds(rule("Boss", bob, actions), rule("Encrypts", bob, ENCRYPT), facts=facts) == set()
    before = [
        rule("Odd", {**bob, "sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}, ENCRYPT),
        rule("Boss", bob, actions),
    ]
    assert found(*before, facts=facts) == [("never_acts", ["Odd"])]


def test_an_exception_may_apply_to_a_copy_for_somebody_whom_a_rule_adds() -> None:
    public, away = {"subject_contains_words": ["public"]}, {"redirect_message_to": ["new@b.com"]}
    spares = {**ENCRYPTS, "exceptions": {**public, "message_type_matches": "ApprovalRequest"}}
    assert kinds(rule("Away", {**IN, **public}, {**away, **STOP}), spares) == {"idle_exception"}
    assert kinds(rule("Away", {**IN, **public}, away), spares) == {"typed_exception"}


@pytest.mark.parametrize(
    "stops",
    [
        OUTSIDE,  # The scopes exclude each other, but for guests, of whom it is unknown.
        {**IN, "message_type_matches": "PermissionControlled"},
        {**IN, "message_type_matches": "Encrypted"},
        {"sender_domain_is": ["b.com"]},  # Nobody encrypts mail from outside.
    ],
)
@pytest.mark.parametrize("encrypts", [IN, {"subject_contains_words": ["secret"]}])
def test_a_rule_keeps_nothing_from_encryption_that_is_not_encrypted_anyway(stops: Values, encrypts: Values) -> None:
    for facts in (TENANT, {"accepted_domains": ["contoso.com"], "remote_domains": []}):
        assert kinds(rule("Stops", stops, STOP), rule("Encrypts", encrypts, ENCRYPT), facts=facts) == set()
        assert kinds(
            rule("Stops", {"subject_contains_words": ["public"]}, STOP),
            rule("Encrypts", encrypts, ENCRYPT),
            facts=facts,
        ) == {"ends_before_encryption", "typed_stop"}


def test_what_another_rule_encrypts_or_stops_anyway_is_kept_from_nothing() -> None:
    public = {**IN, "subject_contains_words": ["public"]}
    stops, first = rule("Stops", public, STOP), rule("First", public, ENCRYPT)
    assert kinds(first, stops, ENCRYPTS) == set()
    assert (
        found(stops, rule("Deletes", public, {"delete_message": True}), rule("Encrypts", public, ENCRYPT))[0][0]
        == "never_acts"
    )


def test_mail_that_would_come_to_quarantine_shows_nothing_where_other_mail_does() -> None:
    """Of mail in quarantine it is open whether it stays encrypted (U00)."""
    public = {**IN, "subject_contains_words": ["public"]}
    stops, held = (
        rule("Stops", public, STOP),
        rule("Held", IN, {"quarantine": True}, exceptions={"subject_contains_words": ["free"]}),
    )
    assert kinds(stops, ENCRYPTS, held) == {"ends_before_encryption", "typed_stop", "typed_exception"}
    assert kinds(stops, ENCRYPTS, rule("Held", IN, {"quarantine": True})) == set()


def test_rules_meet_where_a_message_shows_it() -> None:
    """No address ends on two domains, and what rules do to mail from outside makes no difference."""
    a, b = ({**IN, "recipient_address_matches_patterns": [rf"@{name}\.com$"]} for name in "ab")
    other = {"apply_rights_protection_template": "Do Not Forward"}
    assert kinds(rule("A", a, ENCRYPT), rule("B", b, other)) == set()
    assert kinds(rule("A", a, ENCRYPT), rule("B", IN, other)) == {"templates_meet"}
    assert kinds(rule("A", a, STOP), rule("B", b, ENCRYPT)) == set()
    assert kinds(rule("A", a, ENCRYPT), rule("B", b, {"remove_ome_v2": True})) == set()
    assert kinds(rule("A", OUTSIDE, ENCRYPT), rule("B", OUTSIDE, other)) == set()
    assert kinds(rule("A", OUTSIDE, {"apply_rights_protection_template": "Board only"})) == set()


def test_mail_that_arrives_protected_may_be_encrypted_and_decrypted() -> None:
    protected = {"message_type_matches": "PermissionControlled"}
    assert "encrypt_meets_decrypt" in kinds(
        rule("A", {**IN, **protected}, ENCRYPT), rule("B", protected, {"remove_ome_v2": True})
    )


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"conditions": {"from_scope": "NotInOrganization"}}, "encrypts only mail from outside"),
        ({"conditions": {"sender_domain_is": ["northwind.com"]}}, "encrypts only mail from outside"),
        (
            {"conditions": {"subject_contains_words": ["x"]}, "exceptions": {"from_scope": "InOrganization"}},
            "without a condition that limits its senders",
        ),
        (
            {"conditions": {"subject_contains_words": ["x"]}, "exceptions": {"from": ["megan@contoso.com"]}},
            "without a condition that limits its senders",
        ),
        ({"conditions": {"sender_domain_is": ["contoso.com"]}}, ""),
        ({"conditions": {"sender_domain_is": ["eu.contoso.com"]}}, "encrypts only mail from outside"),
        ({"conditions": {"sender_domain_is": ["com"]}}, "without a condition that limits its senders"),
        ({"conditions": {}, "exceptions": {"from_scope": "NotInOrganization"}}, ""),
    ],
)
def test_an_encrypting_rule_is_for_mail_from_inside(limits: Values, reason: str) -> None:
    reasons = [
        each["reason"]
        for each in lint([{**rule("R", {}, ENCRYPT), **limits}], TENANT, NOW)
        if each["kind"] == "unscoped_encryption"
    ]
    assert (len(reasons) == 1 and reason in reasons[0]) if reason else not reasons


@pytest.mark.parametrize(
    ("accepted", "mailboxes", "domain", "reason"),
    [
        ({"match_subdomains": True}, [], "eu.contoso.com", ""),
        ({}, ["ann@eu.contoso.com"], "eu.contoso.com", ""),  # Whether somebody with a mailbox is inside is open (U20).
        ({"type": "ExternalRelay"}, [], "contoso.com", "encrypts only mail from outside"),
        ({"type": "InternalRelay"}, [], "contoso.com", ""),
    ],
)
def test_whose_mail_a_domain_is_about_is_said_by_the_accepted_domains(
    accepted: Values, mailboxes: list[str], domain: str, reason: str
) -> None:
    facts = {**TENANT, "accepted_domains": [{"name": "contoso.com", **accepted}], "mailboxes": mailboxes}
    reasons = [
        each["reason"]
        for each in lint([rule("R", {"sender_domain_is": [domain]}, ENCRYPT)], facts, NOW)
        if each["kind"] == "unscoped_encryption"
    ]
    assert [reason in each for each in reasons] == ([True] if reason else [])


def test_a_domain_that_is_accepted_by_itself_is_no_subdomain() -> None:
    domains = [
        {"name": "contoso.com", "match_subdomains": True},
        {"name": "relay.contoso.com", "type": "ExternalRelay"},
    ]
    relayed = rule("R", {"sender_domain_is": ["relay.contoso.com"]}, ENCRYPT)
    assert "unscoped_encryption" in {
        kind for kind, _rules in found(relayed, facts={**TENANT, "accepted_domains": domains})
    }


@pytest.mark.parametrize("written", ["sales@contoso.com", "Sales@Contoso.com"])
def test_a_group_that_is_named_is_nobody(written: str) -> None:
    facts = {**TENANT, "groups": {written: ["bob@contoso.com"]}}
    reasons = [
        each["reason"]
        for each in lint([rule("R", {**OUTGOING, "sent_to": ["sales@contoso.com"]}, ENCRYPT)], facts, NOW)
    ]
    assert any(
        "names the group sales@contoso.com in sent_to, which matches none of its members" in each for each in reasons
    )


def test_a_stop_keeps_mail_from_encryption_whomever_a_rule_adds() -> None:
    """What becomes of the copy of somebody of whom only a name is known is unknown. That the recipient's is stopped is
    not.
    """
    adds = rule("Adds", {"sent_to": ["joe@northwind.com"]}, {"copy_to": ["Ext Contact"]})
    assert kinds(adds, rule("Stops", OUTGOING, STOP), ENCRYPTS) == {"ends_before_encryption"}
    assert kinds(adds, rule("Stops", IN, STOP), ENCRYPTS) == {"never_acts"}


@pytest.mark.parametrize(
    ("odd", "kind", "is_found"),
    [
        (
            {
                "conditions": {"sender_ad_attribute_contains_words": ["Department:Sales"]},
                "sender_address_location": "Envelope",
            },
            "envelope_sender",
            False,
        ),
        (
            {"conditions": {"from": ["megan@contoso.com"]}, "sender_address_location": "Envelope"},
            "envelope_sender",
            True,
        ),
        ({"conditions": {**IN, "any_of_to_header": ["ann@fabrikam.com"]}, "mode": "Audit"}, "whole_copy", False),
        (
            {"conditions": IN, "exceptions": {"any_of_to_header": ["ann@fabrikam.com"]}, "mode": "Audit"},
            "one_frees_all",
            False,
        ),
    ],
)
def test_a_check_is_about_what_a_rule_does(odd: Values, kind: str, *, is_found: bool) -> None:
    assert (kind in {name for name, _rules in found({**ALL, **odd})}) is is_found


@pytest.mark.parametrize(
    ("conditions", "is_open"), [(IN, False), ({**IN, "recipient_domain_is": ["fabrikam.com"]}, True)]
)
def test_whom_a_rule_adds_matters_to_rules_about_recipients(conditions: Values, *, is_open: bool) -> None:
    copies = rule("Copies", IN, {"copy_to": ["joe@northwind.com"]})
    assert (
        "adds_recipients" in {kind for kind, _rules in found(copies, rule("Encrypts", conditions, ENCRYPT))}
    ) is is_open


FOOTER = rule(
    "Footer",
    OUTGOING,
    {
        "apply_html_disclaimer_text": "<p>This is <b>confidential</b></p>",
        "apply_html_disclaimer_fallback_action": "Ignore",
    },
)
CONFIDENTIAL: Values = {"subject_or_body_contains_words": ["Confidential"]}


@pytest.mark.parametrize(
    ("rules", "option"),
    [
        ([FOOTER, rule("Later", {**OUTGOING, **CONFIDENTIAL}, ENCRYPT)], "condition subject_or_body_contains_words"),
        (
            [FOOTER, rule("Later", {**OUTGOING, "subject_or_body_matches_patterns": [r"conf\w+"]}, ENCRYPT)],
            "condition subject_or_body_matches_patterns",
        ),
        (
            [FOOTER, rule("Later", OUTGOING, ENCRYPT, exceptions=CONFIDENTIAL)],
            "exception subject_or_body_contains_words",
        ),
        ([rule("Later", {**OUTGOING, **CONFIDENTIAL}, ENCRYPT), FOOTER], ""),
        ([FOOTER, rule("Later", {**OUTGOING, "subject_contains_words": ["confidential"]}, ENCRYPT)], ""),
        ([FOOTER, rule("Later", {**OUTGOING, "subject_or_body_contains_words": ["secret"]}, ENCRYPT)], ""),
        ([{**FOOTER, "mode": "Audit"}, rule("Later", {**OUTGOING, **CONFIDENTIAL}, ENCRYPT)], ""),
        (
            [
                {**FOOTER, "conditions": {**IN, "sent_to_scope": "InOrganization"}},
                rule("Later", {**OUTGOING, **CONFIDENTIAL}, ENCRYPT),
            ],
            "",
        ),
    ],
)
def test_a_disclaimer_whose_text_meets_a_later_rule_is_named(rules: list[Values], option: str) -> None:
    rows = [row for row in lint(rules, TENANT, NOW) if row["kind"] == "disclaimer_meets_rule"]
    assert [row["rules"] for row in rows] == ([["Footer", "Later"]] if option else [])
    assert all(row["reason"].startswith(f"The text that 'Footer' adds meets the {option} of 'Later'") for row in rows)
    assert not any(" may " in row["reason"] for row in rows)


@pytest.mark.parametrize(
    ("later", "may"),
    [
        (rule("Later", {**OUTGOING, **CONFIDENTIAL}, ENCRYPT), "it may then apply to mail"),
        (rule("Later", OUTGOING, ENCRYPT, exceptions=CONFIDENTIAL), "it may then no longer apply to mail"),
    ],
)
def test_a_disclaimer_that_no_message_is_sure_to_get_may_meet_a_later_rule(later: Values, may: str) -> None:
    rows = lint([rule("Tried", OUTGOING, STOP, mode="Audit"), FOOTER, later], TENANT, NOW)
    (reason,) = [row["reason"] for row in rows if row["kind"] == "disclaimer_meets_rule"]
    assert may in reason


def test_a_terminal_has_first_what_leaves_mail_open() -> None:
    rows = [
        LintRow("prefix_repeats", ("A",), "a."),
        LintRow("typed_stop", ("B",), "b."),
        LintRow("fails_open", ("C",), "c."),
    ]
    assert lint_lines(rows, 3) == ["Lint: b.", "Lint: a.", "Lint: c."]
    assert lint_lines(rows, 2) == ["Lint: b.", "Lint: a.", "Lint: 1 more is in the result (lint)."]
    assert lint_lines(rows, 1)[1:] == ["Lint: 2 more are in the result (lint)."]
    assert lint_lines([], 3) == ["Lint: no problem found."]
