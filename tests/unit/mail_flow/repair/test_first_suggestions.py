# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested first is what one signs: the rule that is meant for the mail is put right before one is added, rules that
keep mail back stay as they are, and rules for other mail are left to what they are for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    MayChangeUnusual,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions import meant_values
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import suggest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.compared_draft import compared
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import Suggestion
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import (
    unusual as unusual_mail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_lines,
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

OUTSIDE = {"from_scope": "NotInOrganization"}
AGENDA = rule("Agenda", {"subject_contains_words": ["agenda"]}, {**STOP, "set_audit_severity": "Low"})
COURTS = rule("Courts", {**IN, "recipient_domain_is": ["court.com"]}, {**STOP, "set_audit_severity": "Low"})
MARKED = {**OUTGOING, "subject_matches_patterns": [r"\[secure\]"]}
MEGAN = {**OUTGOING, "from": ["megan@contoso.com"]}


def test_a_rule_with_more_values_is_moved_before_one_is_added() -> None:
    both = rule("Trigger", {**OUTGOING, "subject_matches_patterns": [r"\[secure\]", r"\[encrypt\]"]}, ENCRYPT)
    _found, edits = repaired([AGENDA, COURTS, both], {"when": MARKED, "then": "not_in_clear"})
    assert edits[0] == [("move", "Trigger")]
    assert [("add", "Encrypt: G")] in edits


def test_an_exception_of_the_rule_that_is_meant_goes_before_one_is_added_also_where_something_stays_open() -> None:
    deals = rule(
        "Deals",
        {"from": ["megan@contoso.com"], "sent_to_scope": "NotInOrganization"},
        ENCRYPT,
        exceptions={"recipient_domain_is": ["banker.com"]},
    )
    wanted = {"from": ["megan@contoso.com"], "sent_to_scope": "NotInOrganization"}
    found, edits = repaired([COURTS, deals], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Deals"), ("move", "Deals")]
    assert all(suggestion.left_open is not None for suggestion in found.suggestions)


def test_a_rule_that_is_off_and_says_less_than_the_guarantee_is_used_before_one_is_added() -> None:
    off = rule("Police", {"from": ["megan@contoso.com"], "recipient_domain_is": ["a.com"]}, ENCRYPT, enabled=False)
    _found, edits = repaired(
        [AGENDA, off], {"when": {**MEGAN, "recipient_domain_is": ["a.com"]}, "then": "not_in_clear"}
    )
    assert edits[0] == [("enable", "Police"), ("move", "Police")]


def test_others_are_found_beside_one_that_nothing_goes_before_only_where_they_cost_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off, wanted = rule("Off", OUTGOING, ENCRYPT, enabled=False), {"when": OUTGOING, "then": "not_in_clear"}
    _found, with_others = repaired([off], wanted)
    monkeypatch.setattr(suggest, "_CHEAP", 0)
    found, alone = repaired([off], wanted)
    assert (with_others, alone) == ([[("enable", "Off")], [("add", "Encrypt: G")]], [[("enable", "Off")]])
    assert not found.tried.complete


MACROS = rule(
    "Macros", {**OUTSIDE, "attachment_extension_matches_words": ["docm"]}, {"reject_message_reason_text": "No."}
)
DECRYPTS = rule("Decrypts", OUTSIDE, {"remove_ome_v2": True})
REPLIES: Values = {"when": {**OUTSIDE, "sent_to_scope": "InOrganization"}, "then": "decrypted_on_arrival"}


@pytest.mark.parametrize("action", [{"reject_message_reason_text": "No."}, {"quarantine": True}])
def test_a_rule_that_keeps_mail_back_is_not_opened_where_others_are_wrong(action: Values) -> None:
    found, edits = repaired([{**MACROS, "actions": action}, AGENDA, DECRYPTS], REPLIES)
    assert edits[0] == [("move", "Decrypts")]
    assert "Macros" not in {name for each in edits for _kind, name in each}
    assert all(suggestion.left_open is not None for suggestion in found.suggestions)


def test_no_rule_is_added_before_one_that_keeps_mail_back() -> None:
    """It would stop, and so let that mail through."""
    clear = {"when": PARTNER, "then": "unencrypted"}
    all_mail = rule("All", OUTGOING, ENCRYPT)
    odd = rule("Odd", {**PARTNER, "attachment_extension_matches_words": ["docm"]}, {"quarantine": True})
    found, edits = repaired([odd, all_mail], clear)
    assert edits[0] == [("exception", "All")]
    assert {finding.kind for each in found.suggestions for finding in each.difference.findings} == {"protection_lost"}


def test_a_guarantee_of_delivery_asks_for_what_is_kept_back() -> None:
    _found, edits = repaired([MACROS], {"when": {**OUTSIDE, "sender_domain_is": ["bank.com"]}, "then": "delivered"})
    assert edits[0] == [("exception", "Macros")]


def test_a_guarantee_of_delivery_does_not_empty_a_rule() -> None:
    found, edits = repaired([MACROS], {"when": REPLIES["when"], "then": "delivered"})
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("unless", ("Macros",))


def test_all_rules_that_keep_mail_back_which_is_to_be_delivered_exempt_it() -> None:
    secret = rule("Secret", {**OUTGOING, "subject_contains_words": ["secret"]}, REJECT)
    partner = {"when": PARTNER, "then": "delivered"}
    found, edits = repaired([secret, rule("Trainee", TRAINEE, REJECT), MACROS], partner)
    assert edits[0] == [("exception", "Secret"), ("exception", "Trainee")]
    assert {repr(edit.after) for edit in found.suggestions[0].edits} == {"['partner.com']"}
    assert found.advice is None


HR: Values = {"from": ["megan@contoso.com"]}
INSIDE: Values = {**IN, "sent_to_scope": "InOrganization"}


@pytest.mark.parametrize("when", [INSIDE, {**INSIDE, **HR}])
def test_a_rule_that_also_encrypts_mail_inside_is_only_for_mail_that_leaves(when: Values) -> None:
    found, edits = repaired([rule("HR", HR, ENCRYPT)], {"when": when, "then": "unencrypted"})
    assert edits[0] == [("condition", "HR")]
    assert found.suggestions[0].rules[0]["conditions"] == {**HR, "sent_to_scope": "NotInOrganization"}


def test_a_rule_for_more_than_the_guarantee_keeps_its_scope() -> None:
    when = {**INSIDE, "subject_contains_words": ["lunch"]}
    _found, edits = repaired([rule("HR", HR, ENCRYPT)], {"when": when, "then": "unencrypted"})
    assert edits[0] == [("add", "Exempt: G")]


def test_a_rule_that_rejects_mail_inside_too_is_only_for_mail_that_leaves() -> None:
    forwarding = rule("Forwarding", {**IN, "message_type_matches": "AutoForward"}, REJECT)
    _found, edits = repaired([forwarding], {"when": INSIDE, "then": "delivered"})
    assert edits[0] == [("condition", "Forwarding")]


PROGRAMS = rule("Programs", {"attachment_extension_matches_words": ["exe"]}, {"quarantine": True})
SALARIES = rule("Salaries", {**MEGAN, "subject_contains_words": ["salary"]}, ENCRYPT)


@pytest.mark.parametrize(("then", "is_refuted"), [("not_in_clear", False), ("encrypted", True)])
def test_the_rule_that_encrypts_goes_before_the_one_that_puts_mail_in_quarantine(then: str, is_refuted: bool) -> None:
    """What is released passes no rule behind it. That some of it is not delivered stays so."""
    found, edits = repaired([PROGRAMS, SALARIES], {"when": SALARIES["conditions"], "then": then})
    assert edits[0] == [("move", "Salaries")]
    assert found.advice is None
    assert found.suggestions[0].left_open is not None
    assert found.suggestions[0].is_refuted is is_refuted


@pytest.mark.parametrize("written", ["clinic.com", "@clinic.com"])
def test_a_rule_for_others_is_not_made_one_for_the_wanted_mail(written: str) -> None:
    """A value that matches no mail is meant for something."""
    clinic = rule("Clinic", {**IN, "recipient_domain_is": [written]}, ENCRYPT)
    _found, edits = repaired([AGENDA, clinic], {"when": PARTNER, "then": "not_in_clear"})
    assert edits == [[("add", "Encrypt mail to partner.com")]]
    wanted = {**IN, "recipient_domain_is": ["clinic.com"]}
    _found, edits = repaired([AGENDA, clinic], {"when": wanted, "then": "not_in_clear"})
    repair = [("move", "Clinic")] if written == "clinic.com" else [("condition", "Clinic"), ("move", "Clinic")]
    assert edits[0] == repair


def test_a_word_with_an_asterisk_is_put_right() -> None:
    """It is no wildcard. Other words of the rule stay, put right likewise."""
    numbers = rule("Numbers", {**OUTGOING, "subject_or_body_contains_words": ["SSN*", "passport*", "visa"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_or_body_contains_words": ["SSN"]}
    found, edits = repaired([numbers], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Numbers")]
    assert found.suggestions[0].edits[0].after == ["SSN", "passport", "visa"]


def test_a_domain_with_an_at_sign_does_not_lose_the_others() -> None:
    clinic = rule("Clinic", {**IN, "recipient_domain_is": ["@clinic.com", "*.lab.com", "bank.com"]}, ENCRYPT)
    found, _edits = repaired([clinic], {"when": {**IN, "recipient_domain_is": ["clinic.com"]}, "then": "not_in_clear"})
    assert found.suggestions[0].edits[0].after == ["clinic.com", "lab.com", "bank.com"]


def test_a_rule_that_looks_in_another_place_for_the_same_looks_where_the_guarantee_does() -> None:
    accounts = rule("Accounts", {**OUTGOING, "subject_contains_words": ["IBAN"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_or_body_contains_words": ["IBAN"]}
    found, edits = repaired([accounts], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Accounts")]
    assert found.suggestions[0].rules[0]["conditions"] == wanted


REJECT: Values = {"reject_message_reason_text": "No."}
TRAINEE: Values = {**OUTGOING, "from": ["megan@contoso.com"]}


def test_a_rule_that_rejects_the_mail_loses_the_exception_that_a_colleague_in_copy_meets() -> None:
    """It is meant to keep that mail back, so that this mail is no longer delivered is asked for."""
    loose = {"any_of_recipient_address_contains_words": ["contoso.com"]}
    rejects = rule("Trainee", TRAINEE, REJECT, exceptions=loose)
    found, edits = repaired([rejects], {"when": TRAINEE, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Trainee")]
    assert found.suggestions[0].losses == ()


def test_what_an_exception_of_a_rejecting_rule_says_of_the_mail_itself_stays() -> None:
    rejects = rule("Trainee", TRAINEE, REJECT, exceptions={"recipient_domain_is": ["college.com"]})
    _found, edits = repaired([rejects], {"when": TRAINEE, "then": "not_in_clear"})
    assert edits[0] == [("add", "Encrypt: G")]


def test_what_cannot_be_encrypted_is_not_exempted_from_rejection_any_longer() -> None:
    """Exchange encrypts no mail over 25 MB. What is over 40 MB is over 30 MB, too."""
    large = rule(
        "Large", {**OUTGOING, "message_size_over": "30MB"}, REJECT, exceptions={"recipient_domain_is": ["partner.com"]}
    )
    wanted = {**OUTGOING, "message_size_over": "40MB"}
    found, edits = repaired([large], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Large")]
    assert found.suggestions[0].left_open is None


def test_a_rule_that_lets_mail_wait_is_meant_to_where_only_delivered_mail_counts() -> None:
    waits = rule(
        "Waits",
        {**IN, "subject_contains_words": ["sealed", "secret"]},
        {"moderate_message_by_user": ["joe@contoso.com"]},
        exceptions={"from": ["megan@contoso.com"]},
    )
    board = rule("Board", {"from": ["megan@contoso.com"]}, ENCRYPT, exceptions={"subject_contains_words": ["press"]})
    decrypts = rule("Patents", {**OUTGOING, "recipient_domain_is": ["patents.com"]}, {"remove_ome_v2": True})
    wanted = {**OUTGOING, "subject_contains_words": ["sealed"]}
    found, edits = repaired([waits, board, decrypts], {"when": wanted, "then": "not_in_clear_if_delivered"})
    assert edits[0] == [("exception", "Waits")]
    assert found.suggestions[0].left_open is None


@pytest.mark.parametrize("written", ["js", ".js"])
def test_a_rule_that_rejects_mail_goes_before_one_that_stops_some_of_it(written: str) -> None:
    """That the mail is not delivered is what the rule is for, also of mail that nobody asked about."""
    guard = rule("Guard", {"header_contains_message_header": "X-Done", "header_contains_words": ["yes"]}, STOP)
    scripts = rule("Scripts", {"attachment_extension_matches_words": [written, "vbs"]}, REJECT)
    wanted = {**OUTGOING, "attachment_extension_matches_words": ["js"]}
    _found, edits = repaired([guard, scripts], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("move", "Scripts")]


def test_a_misspelled_exception_is_put_right_before_a_rule_exempts() -> None:
    """Other rules still encrypt some of the mail."""
    claims = rule("Claims", MEGAN, ENCRYPT, exceptions={"recipient_domain_is": ["cuort.com", "police.com"]})
    marked = rule("Marked", {**OUTGOING, "subject_contains_words": ["secure"]}, ENCRYPT)
    no_forwarding = rule("Forwarding", {**OUTGOING, "message_type_matches": "AutoForward"}, REJECT)
    wanted = {"when": {**MEGAN, "recipient_domain_is": ["court.com"]}, "then": "unencrypted"}
    found, edits = repaired([no_forwarding, claims, marked], wanted)
    assert edits[0] == [("exception", "Claims")]
    assert found.suggestions[0].edits[0].after == ["cuort.com", "police.com", "court.com"]


def test_a_rule_that_rejects_the_mail_goes_before_one_that_stops() -> None:
    cards = rule("Cards", {**OUTGOING, "subject_contains_words": ["card"]}, REJECT)
    wanted = {**OUTGOING, "subject_contains_words": ["card"]}
    _found, edits = repaired([AGENDA, cards], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("move", "Cards")]


def test_a_rule_that_rejects_the_mail_goes_before_one_that_stops_also_where_something_stays_open() -> None:
    """Of what somebody inside gets, a copy still leaves in clear: that is no reason to encrypt what is to be rejected."""
    vault = rule("Vault", {**IN, "from": ["megan@contoso.com"]}, {"blind_copy_to": ["vault@archive.example"]})
    cards = rule("Cards", {**OUTGOING, "subject_contains_words": ["card"]}, REJECT)
    wanted = {**OUTGOING, "subject_contains_words": ["card"]}
    found, edits = repaired([AGENDA, vault, cards], {"when": wanted, "then": "not_in_clear_if_delivered"})
    assert edits[0] == [("move", "Cards")]
    assert found.suggestions[0].left_open is not None
    assert any(("add", "Encrypt: G") in others for others in edits[1:])


def test_all_exceptions_of_the_rule_that_is_meant_are_removed_where_one_is_not_enough() -> None:
    exceptions = {"recipient_domain_is": ["banker.com"], "subject_contains_words": ["public"]}
    deals = rule("Deals", MEGAN, {"apply_rights_protection_template": "Do Not Forward"}, exceptions=exceptions)
    found, edits = repaired([deals], {"when": MEGAN, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Deals")]
    assert found.suggestions[0].rules[0]["exceptions"] == {}


def test_a_rule_that_begins_later_begins_now() -> None:
    later = rule("Later", PARTNER, ENCRYPT, activation_date="2027-02-01T00:00:00Z")
    found, edits = repaired([later], {"when": PARTNER, "then": "not_in_clear"})
    assert edits[0] == [("enable", "Later")]
    assert found.suggestions[0].edits[0].option == "activation_date"


def test_the_rule_that_is_meant_goes_before_one_that_redirects_mail() -> None:
    copies = [
        rule(name, {**IN, "from": [f"{name}@contoso.com"]}, {"redirect_message_to": ["boss@contoso.com"]})
        for name in ("megan", "joe")
    ]
    partner = rule("Partner", {**PARTNER, "sent_to_scope": "NotInOrganization"}, ENCRYPT)
    _found, edits = repaired([*copies, partner], {"when": partner["conditions"], "then": "not_in_clear"})
    assert edits[0] == [("move", "Partner")]


def test_a_rule_goes_before_one_that_puts_mail_in_quarantine_and_not_before_all() -> None:
    """What is released passes no rule behind it."""
    marks = rule("Marks", {"subject_contains_words": ["m"]}, {"prepend_subject": "x"})
    programs = rule("Programs", {"attachment_extension_matches_words": ["exe"]}, {"quarantine": True})
    off = rule("Off", PARTNER, ENCRYPT, enabled=False)
    found, edits = repaired([marks, programs, AGENDA, off], {"when": PARTNER, "then": "not_in_clear"})
    assert edits[0] == [("enable", "Off"), ("move", "Off")]
    assert [each["name"] for each in found.suggestions[0].rules[:3]] == ["Marks", "Off", "Programs"]


def test_for_a_guarantee_of_delivery_nothing_lets_all_mail_pass_the_rules() -> None:
    rejects = rule("Trainee", TRAINEE, REJECT)
    strict = rule("Strict", {**OUTGOING, "subject_contains_words": ["x"]}, ENCRYPT)
    found, _edits = repaired([rejects, strict], {"when": OUTGOING, "then": "delivered"})
    assert found.suggestions == ()
    assert found.advice is not None
    assert (found.advice.kind, found.advice.unless) == ("unless", {"from": ["megan@contoso.com"]})
    found, _edits = repaired([rejects], {"when": TRAINEE, "then": "delivered"})
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("opposed_rule", ("Trainee",))


def test_a_contradiction_is_found_for_the_mail_that_no_rule_keeps_back() -> None:
    programs = rule("Programs", {"attachment_extension_matches_words": ["exe"]}, {"quarantine": True})
    board = rule("Board", {**OUTGOING, "subject_contains_words": ["board"]}, STOP)
    marked = {**OUTGOING, "subject_contains_words": ["marked"]}
    judged = prove(
        RuleSet([programs, board, rule("Marked", marked, ENCRYPT)]),
        {**TENANT, "dlp_policies": []},
        guarantees_of(
            [
                {"name": "G", "when": marked, "then": "not_in_clear"},
                {
                    "name": "Clear",
                    "when": board["conditions"],
                    "unless": programs["conditions"],
                    "then": "unencrypted",
                },
            ]
        ),
        NOW,
    )
    (found,) = suggestions(
        RuleSet([programs, board, rule("Marked", marked, ENCRYPT)]), {**TENANT, "dlp_policies": []}, judged, (), NOW
    )
    assert found.contradiction is not None
    assert (found.contradiction.guarantee, found.suggestions) == ("Clear", ())


def test_an_exception_that_all_mail_of_a_rejecting_rule_meets_is_removed() -> None:
    rejects = rule("Trainee", TRAINEE, REJECT, exceptions={"sent_to_scope": "NotInOrganization"})
    _found, edits = repaired([rejects], {"when": TRAINEE, "then": "not_in_clear"})
    assert edits[0] == [("exception", "Trainee")]


@pytest.mark.parametrize(
    ("written", "meant", "is_misspelled"),
    [
        ("councill.example", "council.example", True),
        ("concil.example", "council.example", True),
        ("cuoncil.example", "council.example", True),
        ("counsil.example", "council.example", True),
        # Other names often differ by one letter or digit.
        ("claim-a.example", "claim-b.example", False),
        ("branchA.example", "branchB.example", False),
        ("north.example", "forth.example", False),
        ("council7.example", "council8.example", False),
        ("lab1.example", "lab2.example", False),
        ("lab1.example", "lab.example", False),
        ("a.com", "b.com", False),
        ("council.example", "council.example", False),
    ],
)
def test_what_counts_as_misspelled(written: str, meant: str, is_misspelled: bool) -> None:
    assert meant_values.is_misspelled(written, meant) is is_misspelled


@pytest.mark.parametrize("written", ["councill.com", "counsil.com"])
def test_the_right_domain_is_put_beside_a_misspelled_one(written: str) -> None:
    council = rule("Council", {**IN, "recipient_domain_is": [written]}, ENCRYPT)
    wanted = {**IN, "recipient_domain_is": ["council.com"]}
    found, edits = repaired(
        [council, {**rule("All", OUTGOING, ENCRYPT), "enabled": False}], {"when": wanted, "then": "not_in_clear"}
    )
    assert edits[0] == [("condition", "Council")]
    assert found.suggestions[0].edits[0].after == [written, "council.com"]


def test_another_value_that_is_wrong_stays_as_it_is_beside_the_right_domain() -> None:
    """Mail to its domain would be encrypted, too, which nobody asked for."""
    given = ["www.council.com", "@partner.com"]
    council = rule("Council", {**IN, "recipient_domain_is": given}, ENCRYPT)
    wanted = {**IN, "recipient_domain_is": ["council.com"]}
    found, edits = repaired([council], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Council")]
    assert found.suggestions[0].edits[0].after == [*given, "council.com"]


@pytest.mark.parametrize(
    ("groups", "kind"),
    [
        ({"safeguarding@contoso.com": ["megan@contoso.com"]}, "condition"),
        ({"safeguarding@contoso.com": ["megan@contoso.com"], "safegaurding@contoso.com": ["joe@contoso.com"]}, "add"),
    ],
    ids=["nobody", "somebody"],
)
def test_the_right_group_is_put_beside_a_misspelled_one_that_nobody_is_known_in(groups: Values, kind: str) -> None:
    right, wrong = "safeguarding@contoso.com", "safegaurding@contoso.com"
    cares = rule("Cares", {**OUTGOING, "from_member_of": [wrong]}, ENCRYPT)
    wanted = {"when": {**OUTGOING, "from_member_of": [right]}, "then": "not_in_clear"}
    found, edits = repaired([cares], wanted, {**TENANT, "groups": groups})
    assert edits[0][0][0] == kind
    if kind == "condition":
        assert found.suggestions[0].edits[0].after == [wrong, right]


def test_a_rule_that_is_only_tested_and_is_the_cause_is_enforced_also_where_it_is_for_more_mail() -> None:
    """Another rule may exempt less instead, and changes less mail then."""
    payroll = {**IN, "recipient_domain_is": ["payroll.com"]}
    own = rule("Own", MEGAN, ENCRYPT, exceptions={"recipient_domain_is": ["payroll.com"]})
    tested = rule("Payroll", payroll, ENCRYPT, mode="Audit")
    wanted = {"when": {**payroll, "from": ["megan@contoso.com"]}, "then": "not_in_clear"}
    _found, edits = repaired([own, tested], wanted)
    assert edits[0] == [("enable", "Payroll")]
    assert [("exception", "Own")] in edits


def test_a_rule_that_is_only_tested_and_is_the_cause_is_enforced_before_one_is_added_that_leaves_nothing_open() -> None:
    """Digits of other scripts stay open."""
    tested = rule("IBAN", {**OUTGOING, "subject_matches_patterns": ["[A-Z]{2}[0-9]{22}"]}, ENCRYPT, mode="Audit")
    later = rule("Later", OUTGOING, ENCRYPT, activation_date="2027-01-01T00:00:00Z")
    wanted = {**OUTGOING, "subject_matches_patterns": [r"SE\d{22}"]}
    found, edits = repaired([tested, later], {"when": wanted, "then": "not_in_clear"})
    assert edits[:2] == [[("enable", "IBAN")], [("add", "Encrypt: G")]]
    assert found.suggestions[0].is_refuted


def test_a_trial_of_all_mail_is_not_enforced_for_a_part_of_it() -> None:
    trial = rule("Trial", OUTGOING, ENCRYPT, mode="Audit")
    wanted = {**OUTGOING, "subject_contains_words": ["patient"]}
    _found, edits = repaired([AGENDA, trial], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("add", "Encrypt: G")]


def test_a_rule_that_is_meant_is_put_right_before_one_that_stops_is_opened() -> None:
    workers = rule("Workers", {"from": ["megan@contoso.com"], "sent_to_scope": "InOrganization"}, ENCRYPT)
    stops = rule("Stop all", IN, {**STOP, "set_audit_severity": "Low"})
    everything = rule("Everything", OUTGOING, ENCRYPT)
    _found, edits = repaired([workers, stops, everything], {"when": MEGAN, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Workers")]


def test_where_mail_expires_too_late_its_branding_is_named() -> None:
    branded = {**ENCRYPT, "apply_rights_protection_customization_template": "Ours"}
    facts = {**TENANT, "ome_configurations": [{"identity": "Ours", "external_mail_expiry_in_days": 30}]}
    guarantee = {"when": PARTNER, "then": "portal", "expires_within_days": 14}
    found, _edits = repaired([rule("Partner", PARTNER, branded)], guarantee, facts)
    assert found.advice is not None
    assert (found.advice.kind, found.advice.value, found.advice.days) == ("expiry", "Ours", 14)
    assert "to 14 or less" in next(iter(suggestion_rows([found], [], str))).text


def test_where_other_mail_expires_too_late_as_well_its_branding_is_named_and_what_stays_open() -> None:
    """No edit of rules helps before a branding expires in time."""
    branded = {**ENCRYPT, "apply_rights_protection_customization_template": "Ours"}
    facts = {**TENANT, "ome_configurations": [{"identity": "Ours", "external_mail_expiry_in_days": 30}]}
    plain = rule("Agenda", {**OUTGOING, "subject_contains_words": ["agenda"]}, {**ENCRYPT, **STOP})
    found, _edits = repaired(
        [plain, rule("Partner", PARTNER, branded)],
        {"when": PARTNER, "then": "portal", "expires_within_days": 14},
        facts,
    )
    assert found.advice is not None
    assert (found.advice.kind, found.advice.value) == ("expiry", "Ours")
    assert found.advice.left_open is not None
    row = next(iter(suggestion_rows([found], [], str)))
    assert [dict(edit) for edit in row.edits] == [
        {
            "kind": "ome_configuration",
            "configuration": "Ours",
            "option": "external_mail_expiry_in_days",
            "after": 14,
        }
    ]


@pytest.mark.parametrize("days", [14, None])
def test_the_default_branding_gets_no_expiry_and_another_one_is_added(days: int | None) -> None:
    """Exchange gives it none, and it forces nobody into the portal."""
    facts = {**TENANT, "ome_configurations": [{"identity": "OME Configuration", "external_mail_expiry_in_days": 0}]}
    found, _edits = repaired(
        [rule("Partner", PARTNER, ENCRYPT)], {"when": PARTNER, "then": "portal", "expires_within_days": days}, facts
    )
    assert found.advice is not None
    assert (found.advice.kind, found.advice.days) == ("add_branding", days or 0)


SLOW, FAST = ({"apply_rights_protection_customization_template": name} for name in ("Slow", "Fast"))
OWN_TEMPLATE = {"apply_rights_protection_template": "Contoso Confidential"}
BRANDINGS = [
    {"identity": "Slow", "external_mail_expiry_in_days": 30},
    {"identity": "Fast", "external_mail_expiry_in_days": 7},
]


@pytest.mark.parametrize(
    ("actions", "days", "after"),
    [
        (OWN_TEMPLATE, None, {**ENCRYPT, **SLOW}),
        ({**OWN_TEMPLATE, **SLOW}, 7, {**ENCRYPT, **FAST}),
        ({**ENCRYPT, **SLOW}, 7, "Fast"),
        ({"apply_rights_protection_template": "Do Not Forward"}, None, "Slow"),
    ],
)
def test_a_rule_that_protects_otherwise_than_is_asked_does_so_as_it_is_asked(
    actions: Values, days: int | None, after: Any
) -> None:
    facts = {**TENANT, "ome_configurations": BRANDINGS}
    wanted = {"name": "G", "when": PARTNER, "then": "portal", "expires_within_days": days}
    found, edits = repaired([AGENDA, rule("Partner", PARTNER, actions)], wanted, facts)
    assert edits[0] == [("action", "Partner"), ("move", "Partner")]
    first = found.suggestions[0]
    assert first.edits[0].after == after
    (judged,) = prove(RuleSet(first.rules), facts, guarantees_of([wanted]), NOW)
    assert judged.unless_proved is None


def test_a_rule_with_another_template_for_other_mail_too_keeps_it() -> None:
    every = rule("Every", OUTGOING, OWN_TEMPLATE)
    _found, edits = repaired([every], {"when": PARTNER, "then": "portal"}, {**TENANT, "ome_configurations": BRANDINGS})
    assert ("action", "Every") not in [edit for each in edits for edit in each]


def test_a_rule_that_holds_the_very_mail_that_is_to_be_delivered_is_named() -> None:
    wanted = {**OUTGOING, "subject_contains_words": ["offer"]}
    holds = rule("Holds", wanted, {"moderate_message_by_user": ["megan@contoso.com"]})
    found, _edits = repaired([holds], {"when": wanted, "then": "encrypted"})
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("opposed_rule", ("Holds",))


@pytest.mark.parametrize(
    ("validation", "action"),
    [
        ("encryption_only", "route_message_outbound_require_tls"),
        # No rule says what TLS checks.
        ("certificate", "apply_rights_protection_template"),
    ],
)
def test_a_rule_for_the_way_forces_tls_where_that_does(validation: str, action: str) -> None:
    wanted = {"when": PARTNER, "then": "protected_in_transit", "tls_validation": validation}
    found, _edits = repaired([], wanted, {**TENANT, "outbound_connectors": []})
    rules = next(each.rules for each in found.suggestions if each.rules)
    assert action in rules[-1]["actions"]


def test_where_no_rule_can_say_what_tls_checks_a_connector_is_added_by_hand() -> None:
    """None comes near, and a rule requires less."""
    tls = rule("Tls", PARTNER, {"route_message_outbound_require_tls": True})
    wanted = {"when": PARTNER, "then": "protected_in_transit", "tls_validation": "certificate"}
    found, _edits = repaired([tls], wanted, {**TENANT, "outbound_connectors": []})
    first = found.suggestions[0]
    assert first.connector is not None
    assert first.left_open is None
    assert first.connector.new["recipient_domains"] == ["partner.com", "*.partner.com"]
    assert first.connector.new["tls_settings"] == "CertificateValidation"
    row = next(iter(suggestion_rows([found], [], str)))
    assert (row.edits[0]["kind"], row.cmdlet.split()[0]) == ("connector", "New-OutboundConnector")


@pytest.mark.parametrize("validation", ["encryption_only", "domain"])
def test_no_connector_is_added_where_a_rule_does_or_its_settings_are_not_known(validation: str) -> None:
    """Nobody but the organization knows the name that a certificate is to have."""
    wanted = {"when": PARTNER, "then": "protected_in_transit", "tls_validation": validation}
    found, _edits = repaired([], wanted, {**TENANT, "outbound_connectors": []})
    assert all(each.connector is None for each in found.suggestions)


@pytest.mark.parametrize(
    ("person", "copies", "place"),
    [
        ("boss@lawyer.com", "all", 1),
        ("boss@lawyer.com", "outside", 1),
        ("boss@lawyer.com", "recipients_only", 3),
        ("joe@contoso.com", "all", 1),
        ("joe@contoso.com", "outside", 3),
    ],
)
def test_a_rule_goes_before_those_that_make_copies_which_count(person: str, copies: str, place: int) -> None:
    marks = rule("Marks", {"subject_contains_words": ["m"]}, {"prepend_subject": "x"})
    sends = rule("Copies", {"from": ["megan@contoso.com"]}, {"blind_copy_to": [person]})
    wraps = rule("Wraps", {"subject_contains_words": ["w"]}, {"apply_html_disclaimer_text": "d"})
    off = rule("Off", PARTNER, ENCRYPT, enabled=False)
    found, edits = repaired(
        [marks, sends, wraps, AGENDA, off], {"when": PARTNER, "then": "not_in_clear", "copies": copies}
    )
    assert edits[0] == [("enable", "Off"), ("move", "Off")]
    assert found.suggestions[0].rules[place]["name"] == "Off"


def test_a_step_that_costs_no_mail_anything_goes_before_edits_that_take_copies_from_somebody() -> None:
    partner = rule(
        "Partner",
        {**OUTGOING, "recipient_domain_is": ["partner.com"]},
        STOP,
        exceptions={"subject_contains_words": ["trial"]},
    )
    footer = rule(
        "Footer",
        OUTGOING,
        {"apply_html_disclaimer_text": "<p>Note</p>", "apply_html_disclaimer_fallback_action": "Wrap"},
    )
    records = rule("Records", MEGAN, {"blind_copy_to": ["vault@archive.com"]})
    found, edits = repaired(
        [partner, footer, records],
        {
            "when": {**OUTGOING, "subject_contains_words": ["exam"]},
            "unless": {"recipient_domain_is": ["partner.com"]},
            "then": "not_in_clear",
            "copies": "outside",
        },
    )
    first, *others = found.suggestions
    assert edits[0] == [("add", "Encrypt: G")]
    assert first.is_refuted
    assert not first.losses
    assert others
    assert all(suggestion.losses for suggestion in others)
    # An exception of all senders inside would end the records.
    exceptions = {edit.option for suggestion in others for edit in suggestion.edits if edit.kind == "exception"}
    assert exceptions == {"exceptions.subject_contains_words"}


def test_a_step_also_goes_before_edits_of_which_nobody_knows_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that is incomplete may have missed the mail that loses by it."""

    def cut_short(*args: Any) -> Suggestion:
        found = compared(*args)
        return replace(found, unwanted_changes=(), difference=replace(found.difference, complete=False))

    monkeypatch.setattr(suggest, "compared", cut_short)
    secure = rule("Secure", MARKED, ENCRYPT)
    records = rule("Records", {"from": ["megan@contoso.com"]}, {"blind_copy_to": ["vault@archive.com"]})
    _found, edits = repaired([AGENDA, secure, records], {"when": MARKED, "then": "not_in_clear", "copies": "outside"})
    assert edits[0] == [("move", "Secure")]
    assert edits[1:]


def test_a_report_to_somebody_outside_no_longer_has_the_original_mail_in_it() -> None:
    """The mail itself is rejected: only the report shows it in clear."""
    breach = {**OUTGOING, "subject_contains_words": ["breach"]}
    shows = {"generate_incident_report": "dpo@lawyer.com", "incident_report_content": ["Sender", "AttachOriginalMail"]}
    found, edits = repaired(
        [rule("Report", breach, shows), rule("Breach", breach, REJECT)], {"when": breach, "then": "not_in_clear"}
    )
    assert edits[0] == [("action", "Report")]
    assert found.suggestions[0].left_open is None
    row = next(iter(suggestion_rows([found], [], str)))
    assert row.text == "Remove 'AttachOriginalMail' from the action incident_report_content of the rule 'Report'."


def test_two_rules_that_also_encrypt_mail_inside_are_both_only_for_mail_that_leaves() -> None:
    marked = rule("Marked", {**IN, "subject_contains_words": ["secure"]}, ENCRYPT)
    found, edits = repaired([marked, rule("HR", HR, ENCRYPT)], {"when": INSIDE, "then": "unencrypted"})
    assert edits[0] == [("condition", "Marked"), ("condition", "HR")]
    assert {edit.option for edit in found.suggestions[0].edits} == {"conditions.sent_to_scope"}


def test_a_rule_that_keeps_mail_back_exempts_it_before_another_one_passes_it_by() -> None:
    """The rule that stops would also pass by all that is between."""
    scans = rule("Scans", MEGAN, {**STOP, "set_audit_severity": "Low"})
    programs = rule("Programs", {**IN, "attachment_extension_matches_words": ["exe"]}, {"quarantine": True})
    _found, edits = repaired([programs, scans], {"when": MEGAN, "then": "delivered"})
    assert edits[0] == [("exception", "Programs")]
    assert edits[1] == [("move", "Scans")]


def test_a_rule_whose_mail_is_to_be_delivered_encrypted_goes_before_all_from_which_it_may_leave_in_clear() -> None:
    """Some of it is never delivered: for that, nothing is edited."""
    found, edits = repaired([PROGRAMS, AGENDA, SALARIES], {"when": SALARIES["conditions"], "then": "encrypted"})
    assert edits[0] == [("move", "Salaries")]
    assert found.suggestions[0].rules[0]["name"] == "Salaries"
    assert found.suggestions[0].is_refuted


def test_what_edits_may_do_to_unusual_mail_is_said_once_behind_all_of_them() -> None:
    found, edits = repaired([AGENDA, rule("Megan", MEGAN, ENCRYPT)], {"when": MEGAN, "then": "not_in_clear"})
    unusual = MayChangeUnusual(rules=("Megan",), unknown=(unusual_mail("U31"),))
    suggested = [
        replace(each, difference=replace(each.difference, findings=(*each.difference.findings, unusual)))
        for each in found.suggestions
    ]
    *lines, last = suggestion_lines(suggestion_rows([replace(found, suggestions=tuple(suggested))], [], str))
    assert len(lines) == 1 + len(edits)
    assert last.startswith("Once edits are applied: Mail that is not usual may be treated differently (U31")
    assert last.count("not usual") == 1
    assert not any("not usual" in line for line in lines)


def test_no_edit_joins_one_that_leaves_as_much_open_alone() -> None:
    """What becomes of mail that may be over 25 MB, and that a rule encrypts, is open whatever else is edited (U31)."""
    large = {**OUTGOING, "attachment_size_over": "20MB"}
    customs = rule("Customs", {**OUTGOING, "recipient_domain_is": ["customs.com"]}, STOP)
    drivers = rule("Drivers", {**OUTGOING, "recipient_domain_is": ["drivers.com"]}, ENCRYPT, enabled=False)
    found, edits = repaired([customs, drivers], {"when": large, "then": "not_in_clear"})
    assert edits == [[("add", "Encrypt: G")]]
    assert {reason.id for reason in found.suggestions[0].left_open.unknown} == {"U31"}
