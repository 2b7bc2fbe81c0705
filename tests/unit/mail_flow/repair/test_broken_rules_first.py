# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that is about the mail of a guarantee, and is broken, is put right before a rule is added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import ChangedMail
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import Aim
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.ranking import first_by
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

BUILDERS = rule(
    "Builders", {"any_of_recipient_address_contains_words": ["builders.com"]}, {**STOP, "set_audit_severity": "Low"}
)
BROKERS, ANALYSTS = "brokers@contoso.com", "analysts@contoso.com"
GROUPS: Values = {**TENANT, "groups": {BROKERS: ["megan@contoso.com"], ANALYSTS: ["joe@contoso.com"]}}
TO_ANALYSTS: Values = {**IN, "from_member_of": [BROKERS], "sent_to_member_of": [ANALYSTS]}
REJECT: Values = {"reject_message_reason_text": "No."}


def wall(one: str, other: str) -> Values:
    between = {"between_member_of_1": [one], "between_member_of_2": [other]}
    return rule("Wall", between, REJECT, exceptions={"any_of_to_cc_header": ["compliance@contoso.com"]})


@pytest.mark.parametrize("groups", [(BROKERS, ANALYSTS), (ANALYSTS, BROKERS)])
def test_a_wall_between_two_groups_is_for_the_mail_from_one_to_the_other(groups: tuple[str, str]) -> None:
    found, edits = repaired([wall(*groups)], {"when": TO_ANALYSTS, "then": "delivered"}, GROUPS)
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("opposed_rule", ("Wall",))


def test_a_rule_whose_words_are_in_all_mail_of_a_guarantee_is_for_it() -> None:
    """Without the rule's mail, the guarantee would be about none."""
    words = {"subject_or_body_contains_words": ["offer", "top secret"]}
    asks = rule(
        "Asks",
        words,
        {"moderate_message_by_user": ["joe@contoso.com"]},
        exceptions={"any_of_to_header": ["megan@contoso.com"]},
    )
    found, _edits = repaired([asks], {"when": {"subject_contains_words": ["offer"]}, "then": "unencrypted"})
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("opposed_rule", ("Asks",))


@pytest.mark.parametrize("groups", [(BROKERS, BROKERS), (ANALYSTS, ANALYSTS)])
def test_a_wall_between_others_is_not_for_it(groups: tuple[str, str]) -> None:
    rejects = rule("Trainee", {**IN, "subject_contains_words": ["x"]}, REJECT)
    found, _edits = repaired([wall(*groups), rejects], {"when": TO_ANALYSTS, "then": "delivered"}, GROUPS)
    assert found.advice is None or found.advice.kind != "opposed_rule"


def test_two_scopes_that_are_wrong_are_turned_by_one_edit() -> None:
    swapped = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    secure = rule("Secure", {**swapped, "subject_contains_words": ["secure"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_contains_words": ["secure"]}
    found, edits = repaired([BUILDERS, secure], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Secure"), ("move", "Secure")]
    assert found.suggestions[0].rules[0]["conditions"] == wanted


@pytest.mark.parametrize(
    ("known", "named"), [({}, "THE NAME IN ITS CERTIFICATE"), ({"tls_domain": "mx.partner.com"}, "")]
)
def test_the_name_in_a_certificate_is_for_people_to_say(known: Mapping[str, Any], named: str) -> None:
    partner = {"name": "Partner", "connector_type": "Partner", "recipient_domains": ["partner.com", "*.partner.com"]}
    facts = {**TENANT, "outbound_connectors": [{**partner, "tls_settings": "CertificateValidation", **known}]}
    to_partner = {**IN, "recipient_domain_is": ["partner.com"]}
    wanted = {"when": to_partner, "then": "protected_in_transit", "tls_validation": "domain"}
    found, edits = repaired([], wanted, facts)
    assert edits[0] == [("connector", "Partner")]
    assert found.suggestions[0].left_open is None
    row = suggestion_rows([found], [], str)[0]
    assert "-TlsSettings 'DomainValidation'" in row.cmdlet
    assert row.cmdlet.partition("-TlsDomain ")[2].strip("'") == named


AGENDA = rule("Agenda", {"subject_contains_words": ["agenda"]}, {**STOP, "set_audit_severity": "Low"})
LETTERS: Values = {"attachment_name_matches_patterns": ["letter"]}
PRACTICE: Values = {"recipient_domain_is": ["practice.com"]}


def test_a_rule_for_more_mail_that_exempts_the_wanted_mail_exempts_it_no_longer() -> None:
    letters = rule("Letters", {**OUTGOING, **LETTERS}, ENCRYPT, exceptions=PRACTICE)
    found, edits = repaired([AGENDA, letters], {"when": {**IN, **PRACTICE, **LETTERS}, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Letters"), ("move", "Letters")]
    assert found.suggestions[0].rules[0]["exceptions"] == {}


def test_another_exception_of_a_rule_for_more_mail_goes_and_that_of_the_guarantee_stays() -> None:
    exceptions = {"any_of_recipient_address_contains_words": ["assistant"], "subject_contains_words": ["invoice"]}
    client = rule("Client", {**OUTGOING, "recipient_domain_is": ["client.com"]}, ENCRYPT, exceptions=exceptions)
    when = {**IN, "from": ["megan@contoso.com"], "recipient_domain_is": ["client.com"]}
    wanted = {"when": when, "unless": {"subject_contains_words": ["invoice"]}, "then": "not_in_clear"}
    found, edits = repaired([BUILDERS, client], wanted)
    assert edits[0] == [("exception", "Client"), ("move", "Client")]
    assert found.suggestions[0].rules[0]["exceptions"] == {"subject_contains_words": ["invoice"]}


def test_a_rule_for_more_mail_is_not_moved_where_the_one_before_can_leave_out_the_wanted_mail() -> None:
    header = {"header_contains_message_header": "X-Fax", "header_contains_words": ["yes"]}
    bypass = rule("Bypass", header, {**STOP, "set_audit_severity": "Low"})
    patients = rule("Patients", {**OUTGOING, "subject_contains_words": ["patient"]}, ENCRYPT)
    when = {**IN, "sent_to": ["ann@fabrikam.com"], "subject_contains_words": ["patient"]}
    found, edits = repaired([bypass, patients], {"when": when, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Bypass")]
    assert found.suggestions[0].rules[0]["exceptions"] == {"sent_to": ["ann@fabrikam.com"]}


def test_a_rule_for_all_that_leaves_is_not_moved_for_some_of_it() -> None:
    every = rule("Everything", OUTGOING, ENCRYPT, exceptions={"any_of_recipient_address_contains_words": ["assistant"]})
    wanted = {"when": {**OUTGOING, "subject_contains_words": ["contract"]}, "then": "not_in_clear"}
    _found, edits = repaired([BUILDERS, every], wanted)
    assert edits[0] == [("add", "Encrypt: G")]


def test_mail_that_is_encrypted_instead_may_leave_with_less_tls() -> None:
    """The rule that is meant for it goes before the one that only forces TLS."""
    tls = rule("Tls", {**IN, **PRACTICE}, {"route_message_outbound_require_tls": True, **STOP})
    board = rule("Board", {**OUTGOING, "from": ["megan@contoso.com"]}, {**ENCRYPT, **STOP})
    when = {**OUTGOING, "from": ["megan@contoso.com"]}
    found, edits = repaired([tls, board], {"when": when, "then": "not_in_clear"}, {**TENANT, "outbound_connectors": []})
    assert edits[0] == [("move", "Board")]
    assert [finding.kind for finding in found.suggestions[0].losses] == ["transit_lost"]


CONTRACTS: Values = {**OUTGOING, "subject_matches_patterns": [r"KV-\d{6}"]}


@pytest.mark.parametrize(
    ("conditions", "when"),
    [
        ({"subject_matches_patterns": [r"^KV-\d{6}"]}, CONTRACTS),
        ({"subject_matches_patterns": [r"^KV-\d{6}"]}, {**OUTGOING, "subject_or_body_matches_patterns": [r"KV-\d{6}"]}),
    ],
    ids=["in_place", "elsewhere"],
)
def test_a_pattern_with_an_anchor_too_many_becomes_that_of_the_guarantee(conditions: Values, when: Values) -> None:
    contracts = rule("Contracts", {**OUTGOING, **conditions}, ENCRYPT)
    found, edits = repaired([contracts], {"when": when, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Contracts")]
    assert found.suggestions[0].rules[0]["conditions"] == when


def test_a_pattern_with_a_backslash_too_few_stays_beside_that_of_the_guarantee() -> None:
    """What it matches is encrypted until now."""
    contracts = rule("Contracts", {**OUTGOING, "subject_matches_patterns": [r"KV-d{6}"]}, ENCRYPT)
    found, edits = repaired([contracts], {"when": CONTRACTS, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Contracts")]
    assert found.suggestions[0].edits[0].after == [r"KV-d{6}", r"KV-\d{6}"]


def test_other_patterns_of_the_rule_stay() -> None:
    contracts = rule("Contracts", {**OUTGOING, "subject_matches_patterns": [r"AB-\d", r"^KV-\d{6}"]}, ENCRYPT)
    found, _edits = repaired([contracts], {"when": CONTRACTS, "then": "not_in_clear"})
    assert found.suggestions[0].rules[0]["conditions"]["subject_matches_patterns"] == [r"AB-\d", r"KV-\d{6}"]


def test_another_pattern_is_not_taken_for_that_of_the_guarantee() -> None:
    other = rule("Other", {**OUTGOING, "subject_matches_patterns": [r"^KW-\d{6}"]}, ENCRYPT)
    _found, edits = repaired([other], {"when": CONTRACTS, "then": "not_in_clear"})
    assert edits[0] == [("add", "Encrypt: G")]


def test_the_rule_that_is_meant_is_tried_however_many_are_as_near() -> None:
    """Other rules have more values in common with the guarantee."""
    others = [
        rule(f"Other {number}", {**OUTGOING, "subject_contains_words": [f"word{number}"]}, ENCRYPT)
        for number in range(14)
    ]
    inside = {"from": ["megan@contoso.com"], "sent_to_scope": "InOrganization"}
    portal = rule("Portal", inside, ENCRYPT)
    wanted = {"when": {**OUTGOING, "from": ["megan@contoso.com"]}, "then": "not_in_clear"}
    found, edits = repaired([*others, portal], wanted)
    assert edits[0] == [("condition", "Portal")]
    assert found.suggestions[0].rules[-1]["conditions"] == {"from": ["megan@contoso.com"]}


def test_a_meant_rule_whose_changes_are_not_all_known_goes_before_a_rule_for_all_that_leaves() -> None:
    contracts = rule("Contracts", {**OUTGOING, "subject_matches_patterns": [r"^KV-\d{6}"]}, ENCRYPT)
    trial = rule("Trial", OUTGOING, ENCRYPT, mode="Audit")
    found, _edits = repaired([contracts, trial], {"when": CONTRACTS, "then": "not_in_clear"})
    of_meant, of_all = (
        next(one for one in found.suggestions if one.edits[0].rule == name) for name in ("Contracts", "Trial")
    )
    unknown = replace(of_meant, difference=replace(of_meant.difference, complete=False))
    aim = Aim("G", frozenset({Does.ENCRYPT}), CONTRACTS)
    assert first_by(unknown, aim) < first_by(of_all, aim)


MARKED: Values = {**OUTGOING, "subject_contains_words": ["[secure]"]}


def test_a_pattern_that_is_an_anchored_word_of_the_guarantee_loses_the_anchor() -> None:
    marked = rule("Marked", {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}, ENCRYPT)
    found, edits = repaired([marked], {"when": MARKED, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Marked")]
    assert found.suggestions[0].rules[0]["conditions"] == {**OUTGOING, "subject_matches_patterns": [r"\[secure\]"]}
    assert found.suggestions[0].left_open is None


def test_a_pattern_that_is_a_word_of_the_guarantee_in_another_place_remains_a_pattern_there() -> None:
    """As a word it would match less than it does."""
    marked = rule("Marked", {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}, ENCRYPT)
    anywhere = {**OUTGOING, "subject_or_body_contains_words": ["[secure]"]}
    found, edits = repaired([marked], {"when": anywhere, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Marked")]
    conditions = {**OUTGOING, "subject_or_body_matches_patterns": [r"\[secure\]"]}
    assert found.suggestions[0].rules[0]["conditions"] == conditions


def test_a_rule_for_a_part_of_what_is_wanted_gets_the_pattern_of_the_guarantee() -> None:
    papers = rule("Papers", {**OUTGOING, "attachment_name_matches_patterns": [r"exam.*\.pdf$"]}, ENCRYPT)
    wanted = {**OUTGOING, "attachment_name_matches_patterns": ["exam"]}
    found, edits = repaired([papers], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Papers")]
    assert found.suggestions[0].rules[0]["conditions"]["attachment_name_matches_patterns"] == [r"exam.*\.pdf$", "exam"]


CLIENTS = "clients@contoso.com"
WITH_CLIENTS: Values = {**TENANT, "groups": {CLIENTS: ["ann@fabrikam.com"]}}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"recipient_domain_is": ["www.client.com"]}, {"recipient_domain_is": ["client.com"]}),
        ({"sent_to": [CLIENTS]}, {"sent_to_member_of": [CLIENTS]}),
        ({"subject_matches_patterns": ["^Our ref"]}, {"subject_contains_words": ["our ref"]}),
    ],
    ids=["website", "group", "anchor"],
)
def test_a_rule_that_misses_what_it_is_meant_for_is_put_right_also_for_more_mail(
    written: Values, meant: Values
) -> None:
    broken = rule("Broken", {**IN, **written}, ENCRYPT)
    wanted = {"when": {**IN, "from": ["megan@contoso.com"], **meant}, "then": "not_in_clear"}
    _found, edits = repaired([broken], wanted, WITH_CLIENTS)
    assert edits[0] == [("condition", "Broken")]


def test_a_rule_that_is_right_for_others_is_not_made_one_for_more_mail_than_is_wanted() -> None:
    others = rule("Others", {**IN, "recipient_domain_is": ["other.com", "client.com"]}, ENCRYPT)
    to_new = {**IN, "from": ["megan@contoso.com"], "recipient_domain_is": ["client.com", "new.com"]}
    _found, edits = repaired([others], {"when": to_new, "then": "not_in_clear"})
    assert edits[0] == [("add", "Encrypt: G")]


def test_a_word_with_a_sign_stays_beside_the_word_of_the_guarantee() -> None:
    staff = rule("Staff", {**OUTGOING, "subject_contains_words": ["HR:"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_contains_words": ["HR"]}
    found, edits = repaired([staff], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Staff")]
    assert found.suggestions[0].rules[0]["conditions"]["subject_contains_words"] == ["HR:", "HR"]


def test_an_old_test_of_a_rule_that_is_on_stays_a_test() -> None:
    """The rule in its place exempts somebody no longer."""
    numbers: Values = {**OUTGOING, "subject_contains_words": ["number"]}
    old = rule("Old", numbers, ENCRYPT, mode="Audit")
    new = rule("New", numbers, ENCRYPT, exceptions={"recipient_domain_is": ["fabrikam.com"]})
    _found, edits = repaired([old, new], {"when": numbers, "then": "not_in_clear"})
    assert edits[0] == [("exception", "New")]
    assert not any(("enable", "Old") in each for each in edits)


def test_a_rule_that_is_stopped_and_exempts_wanted_mail_goes_before_the_stop_for_all_of_it() -> None:
    lund = rule("Lund", {"from": ["megan@contoso.com"]}, {**STOP, "set_audit_severity": "Low"})
    research: Values = {**OUTGOING, "from": ["megan@contoso.com"], "subject_contains_words": ["research"]}
    own = rule("Research", research, ENCRYPT, exceptions={"sent_to": ["ann@fabrikam.com"]})
    found, edits = repaired([lund, own], {"when": research, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Research"), ("move", "Research")]
    assert found.suggestions[0].rules[0] == {**own, "exceptions": {}}


SCANNED: Values = {"header_contains_message_header": "X-Scanned", "header_contains_words": ["yes"]}
BY_GATEWAY: Values = {
    **TENANT,
    "outbound_connectors": [
        {
            "name": "Gateway",
            "connector_type": "Partner",
            "is_transport_rule_scoped": True,
            "recipient_domains": ["*"],
            "smart_hosts": ["gateway.example"],
            "tls_settings": "CertificateValidation",
        }
    ],
}
TO_GATEWAY: Values = {"route_message_outbound_connector": "Gateway"}
BACK = rule("Back", {**IN, **SCANNED}, {**STOP, "set_audit_severity": "Low"})


@pytest.mark.parametrize(
    ("rules", "guard"),
    [
        ([rule("Out", OUTGOING, TO_GATEWAY, exceptions=SCANNED)], "Out"),
        ([BACK, rule("Out", OUTGOING, TO_GATEWAY)], "Back"),
    ],
    ids=["exception", "stop"],
)
def test_what_keeps_mail_from_a_loop_stays_and_the_guarantee_leaves_that_mail_out(
    rules: list[Values], guard: str
) -> None:
    found, edits = repaired(rules, {"when": OUTGOING, "then": "protected_in_transit"}, BY_GATEWAY)
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.value, found.advice.rules) == ("returned", "Out", (guard,))
    assert found.advice.unless == SCANNED
    assert found.advice.left_open is None


def test_beside_that_advice_stands_what_puts_the_rest_right() -> None:
    rules = [AGENDA, rule("Out", OUTGOING, TO_GATEWAY, exceptions=SCANNED)]
    found, edits = repaired(rules, {"when": OUTGOING, "then": "protected_in_transit"}, BY_GATEWAY)
    assert found.advice is not None
    assert found.advice.kind == "returned"
    assert edits[0] == [("move", "Out")]


def test_a_connector_whose_edit_proves_it_alone_goes_before_that_advice() -> None:
    partner = {"name": "Partner", "connector_type": "Partner", "recipient_domains": ["partner.com"]}
    connectors = [*BY_GATEWAY["outbound_connectors"], {**partner, "tls_settings": "EncryptionOnly"}]
    out = rule("Out", OUTGOING, TO_GATEWAY, exceptions=SCANNED)
    wanted = {"when": {**IN, "recipient_domain_is": ["partner.com"]}, "then": "protected_in_transit"}
    found, _edits = repaired([out], wanted, {**TENANT, "outbound_connectors": connectors})
    assert found.advice is None
    (only,) = found.suggestions
    assert only.connector is not None
    assert (only.connector.connector, only.connector.added) == ("Partner", "*.partner.com")


def test_a_rule_for_a_connector_goes_before_no_rule_that_stops_what_comes_back_from_it() -> None:
    rules = [AGENDA, BACK, rule("Out", OUTGOING, TO_GATEWAY)]
    wanted = {"when": OUTGOING, "unless": SCANNED, "then": "protected_in_transit"}
    found, edits = repaired(rules, wanted, BY_GATEWAY)
    assert edits
    for one in found.suggestions:
        assert not any(edit.kind == "move" and edit.rule == "Out" for edit in one.edits)


def test_a_rule_that_exempts_stands_before_the_first_one_that_encrypts_such_mail() -> None:
    """What goes before keeps its effect."""
    footer = rule("Footer", OUTGOING, {"apply_html_disclaimer_text": "<p>Contoso</p>"})
    other = rule("Other", {**OUTGOING, "from": ["bob@contoso.com"]}, ENCRYPT)
    offers = rule("Offers", {**OUTGOING, "subject_contains_words": ["offer"]}, ENCRYPT)
    press: Values = {**OUTGOING, "from": ["megan@contoso.com"]}
    every = rule("Every", {**IN, "subject_contains_words": ["secret", "offer"]}, ENCRYPT)
    found, edits = repaired([footer, other, offers, every], {"when": press, "then": "unencrypted"})
    assert edits[0] == [("add", "Exempt: G")]
    assert found.suggestions[0].edits[0].after == 2


def test_encryption_that_is_not_wanted_is_no_loss_also_where_rules_keep_some_of_the_mail_back() -> None:
    held = rule(
        "Held", {**OUTGOING, "subject_contains_words": ["budget"]}, {"moderate_message_by_user": ["bob@contoso.com"]}
    )
    offers = rule("Offers", {**OUTGOING, "subject_contains_words": ["offer"]}, ENCRYPT)
    found, edits = repaired([held, offers], {"when": OUTGOING, "then": "unencrypted"})
    assert edits
    assert [one.losses for one in found.suggestions] == [()] * len(edits)


BRANDING = "apply_rights_protection_customization_template"


@pytest.mark.parametrize(("others", "advised"), [("Board", "expiry"), ("", "")])
def test_the_branding_of_others_is_not_shown_in_place_of_one_that_expires_too_late(others: str, advised: str) -> None:
    days = {"Finance": 14, "Board": 3}
    facts = {
        **TENANT,
        "ome_configurations": [
            {"identity": name, "external_mail_expiry_in_days": number} for name, number in days.items()
        ],
    }
    finance: Values = {**OUTGOING, "from": ["megan@contoso.com"]}
    board: Values = {**OUTGOING, "from": ["bob@contoso.com"]}
    rules = [
        rule("Finance", finance, {**ENCRYPT, BRANDING: "Finance"}),
        rule("Board", board, {**ENCRYPT, **({BRANDING: others} if others else {})}),
    ]
    found, _edits = repaired(rules, {"when": finance, "then": "portal", "expires_within_days": 7}, facts)
    assert (found.advice.kind if found.advice else "") == advised


def test_mail_that_an_edited_rule_encrypts_may_leave_with_less_tls_also_where_another_one_did() -> None:
    marked = rule("Marked", {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}, {**ENCRYPT, **STOP})
    broker = rule(
        "Broker", {**IN, "recipient_domain_is": ["fabrikam.com"]}, {"route_message_outbound_require_tls": True}
    )
    facts = {**TENANT, "outbound_connectors": []}
    found, edits = repaired([marked, broker], {"when": MARKED, "then": "not_in_clear"}, facts)
    assert edits[0] == [("condition", "Marked")]
    first = found.suggestions[0]
    (loss,) = first.losses
    assert isinstance(loss, ChangedMail)
    before = loss.sides["before"]
    assert before is not None
    encrypted = replace(
        loss, sides={**loss.sides, "before": replace(before, protection="encrypt", protected_by=("Numbers",))}
    )
    others = tuple(replace(edit, rule="Other") for edit in first.edits)
    assert replace(first, unwanted_changes=(encrypted,)).grave_losses == []
    assert replace(first, unwanted_changes=(encrypted,), edits=others).grave_losses == [encrypted]
