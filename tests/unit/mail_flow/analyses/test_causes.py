# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy breaks a guarantee: what keeps the rule that is meant for it from acting, or the rule that decides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.breach_cause import (
    BreachCause,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import guarantees

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, OUTGOING, PARTNER, STOP, rule, verdict
from tests.unit.mail_flow.dlp_worlds import SENSITIVE, policy
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

TO_PARTNER = {"when": PARTNER, "then": "not_in_clear"}
PARTNERS = rule("Partners", PARTNER, ENCRYPT)
PREPENDED = {"apply_html_disclaimer_location": "Prepend", "apply_html_disclaimer_fallback_action": "Ignore"}
#: Rules that are about other mail, and less in the way of theirs.
OTHERS = [
    rule("Others", {**IN, "recipient_domain_is": ["a.com"]}, ENCRYPT),
    rule("Marked", {**OUTGOING, "subject_contains_words": ["x"]}, ENCRYPT),
]


def cause_words(cause: Values) -> str:
    return guarantees.cause_words(BreachCause.of_row(cause))


def cause(rules: list[Values], **guarantee: Any) -> Values:
    found = verdict(rules, **{**TO_PARTNER, **guarantee})["counterexample"].get("cause", {})
    assert not found or cause_words(found)
    return found


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ([{**PARTNERS, "enabled": False}], ("disabled", "Partners")),
        ([{**PARTNERS, "mode": "Audit"}], ("mode", "Partners")),
        ([{**PARTNERS, "expiry_date": "2020-01-01T00:00:00Z"}], ("dates", "Partners")),
        ([{**PARTNERS, "activation_date": "2090-01-01T00:00:00Z"}], ("dates", "Partners")),
        ([{**PARTNERS, "exceptions": {"subject_contains_words": ["news"]}}], ("exception", "Partners")),
        ([rule("Partners", {**PARTNER, "from_scope": "NotInOrganization"}, ENCRYPT)], ("scope", "Partners")),
        ([rule("Partners", {"recipient_domain_is": ["@partner.com"]}, ENCRYPT)], ("never_matches", "Partners")),
        ([rule("Stop", PARTNER, STOP), PARTNERS], ("stops", "Stop")),
        ([rule("No", PARTNER, {"reject_message_reason_text": "No."}), PARTNERS], ()),
        (
            [rule("Copies", PARTNER, {"redirect_message_to": ["z@other.example"]}), PARTNERS],
            ("sends_copy", "Copies"),
        ),
        (OTHERS, ()),
    ],
)  # fmt: skip
def test_the_cause_is_said_where_it_is_known(rules: list[Values], wanted: tuple[str, ...]) -> None:
    for every in ([*OTHERS, *rules], [*rules, *OTHERS]):
        if wanted:
            found = cause(every)
            assert (found["kind"], found["rule"]) == wanted
        elif rules is OTHERS:
            assert cause(every) == {}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"reject_message_reason_text": "No."}, "rejects"),
        ({"delete_message": True}, "deletes"),
        ({"quarantine": True}, "quarantines"),
        ({"redirect_message_to": ["bob@contoso.com"]}, "redirects"),
        ({"moderate_message_by_user": ["bob@contoso.com"]}, "holds"),
    ],
)
def test_a_rule_that_keeps_mail_back_is_the_cause(action: Values, kind: str) -> None:
    found = cause([rule("Keeps", PARTNER, action), PARTNERS], then="delivered")
    assert (found["kind"], found["rule"]) == (kind, "Keeps")


@pytest.mark.parametrize("action", [{"reject_message_reason_text": "No."}, {"delete_message": True}])
def test_the_exception_of_a_rule_that_keeps_mail_back_is_the_cause(action: Values) -> None:
    keeps = rule("Keeps", PARTNER, action) | {"exceptions": {"subject_contains_words": ["news"]}}
    other = rule("Other", {**IN, "recipient_domain_is": ["a.com"]}, action) | keeps["exceptions"]
    found = cause([other, keeps])
    assert (found["kind"], found["rule"], found["value"]) == ("exception", "Keeps", ["news"])
    assert cause([other, keeps], then="encrypted").get("rule") != "Keeps"


@pytest.mark.parametrize(
    ("action", "would"), [({"reject_message_reason_text": "No."}, "reject"), ({"delete_message": True}, "delete")]
)
@pytest.mark.parametrize(("change", "kind"), [({"mode": "Audit"}, "mode"), ({"enabled": False}, "disabled")])
def test_a_rule_that_would_keep_such_mail_back_and_is_off_or_tested_is_the_cause(
    action: Values, would: str, change: Values, kind: str
) -> None:
    keeps = rule("Keeps", PARTNER, {**action, "stop_rule_processing": True}) | change
    found = cause([keeps])
    assert (found["kind"], found["rule"], found["would"]) == (kind, "Keeps", would)
    assert f"which would {would} it, is" in cause_words(found)
    other = rule("Keeps", {**PARTNER, "subject_contains_words": ["x"]}, action) | change
    assert cause([other]) == {}


def test_a_rule_that_acts_on_mail_from_outside_is_named() -> None:
    inbound = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    encrypts = rule("Everything", {"subject_contains_words": ["secure"]}, ENCRYPT)
    found = cause([encrypts], when={**inbound, "subject_contains_words": ["secure"]})
    assert (found["kind"], found["rule"]) == ("from_outside", "Everything")
    assert cause([ALL], when=inbound) == {}


def test_a_rule_that_encrypts_is_the_cause_where_nothing_is_to_be_encrypted() -> None:
    found = cause([PARTNERS], then="unencrypted")
    assert (found["kind"], found["rule"]) == ("encrypts", "Partners")


_PLAIN = {"when": PARTNER, "then": "unencrypted"}


def test_a_rule_that_is_to_keep_others_from_encrypting_and_stands_behind_them_is_named() -> None:
    plain = rule("Plain", PARTNER, STOP)
    found = cause([ALL, plain], **_PLAIN)
    assert (found["kind"], found["rule"], found["other"]) == ("encrypts", "All", "Plain")
    assert cause_words(found) == "the rule 'All' encrypts it before the rule 'Plain' could stop that"
    for other in (rule("Plain", {**IN, "recipient_domain_is": ["a.com"]}, STOP), {**plain, "enabled": False}):
        assert "other" not in cause([ALL, other], **_PLAIN)


def test_what_keeps_a_rule_from_keeping_others_from_encrypting_is_the_cause() -> None:
    plain = rule("Plain", PARTNER, STOP, exceptions={"subject_contains_words": ["secret"]})
    for rules in ([plain, ALL], [plain, ALL, {**ALL, "name": "All again"}]):
        found = cause(rules, **_PLAIN)
        assert (found["kind"], found["rule"], found["value"]) == ("exception", "Plain", ["secret"])


def test_what_keeps_a_rule_from_branding_mail_is_the_cause_where_it_is_encrypted() -> None:
    brand = {"apply_rights_protection_customization_template": "Portal"}
    portal = rule("Portal", OUTGOING, brand, exceptions={"recipient_domain_is": ["partner.com"]})
    found = cause([PARTNERS, portal], then="portal")
    assert (found["kind"], found["rule"], found["value"]) == ("exception", "Portal", ["partner.com"])
    assert cause([PARTNERS, {**portal, "enabled": False, "exceptions": {}}], then="portal")["would"] == "brand"


def test_mail_without_a_branding_is_stopped_before_the_rule_that_brands() -> None:
    brand = {"apply_rights_protection_customization_template": "Portal"}
    stop = rule("First", PARTNER, {**ENCRYPT, **STOP})
    found = cause([stop, PARTNERS, rule("Portal", PARTNER, brand)], then="portal")
    assert (found["kind"], found["rule"], found["other"]) == ("stops", "First", "Portal")


def test_the_rule_that_sends_mail_to_others_is_named() -> None:
    copies = rule("Copies", PARTNER, {"redirect_message_to": ["z@other.example"]})
    found = cause([copies, PARTNERS])
    assert (found["kind"], found["rule"], found["value"]) == ("sends_copy", "Copies", "z@other.example")
    assert cause_words(found) == "the rule 'Copies' sends it to z@other.example"


def test_a_rule_before_the_one_that_makes_a_copy_is_not_said_to_miss_it() -> None:
    joe = {"sent_to": ["joe@contoso.com"]}
    others = rule("Others", IN, ENCRYPT, exceptions=joe)
    redirects = rule("Redirects", joe, {"redirect_message_to": ["z@other.example"]})
    to_partner = {**IN, "any_of_recipient_address_matches_patterns": [r"@partner\.com$"]}
    found = cause([PARTNERS, others, redirects], when=to_partner)
    assert (found["kind"], found["rule"], found.get("other", "")) == ("sends_copy", "Redirects", "")


def test_people_whom_a_remote_domain_makes_internal_are_told_from_others_inside() -> None:
    leasing = {**IN, "recipient_domain_is": ["leasing.com"]}
    facts = {**TENANT, "remote_domains": [{"name": "leasing.com", "is_internal": True}]}
    found = verdict([ALL], facts, when=leasing, then="not_in_clear")["counterexample"]["cause"]
    assert (found["kind"], found["rule"], found["value"]) == ("internal_domain", "All", "leasing.com")
    assert cause_words(found)


def test_people_whom_a_remote_domain_makes_internal_meet_an_exception_for_people_inside() -> None:
    leasing = {**IN, "recipient_domain_is": ["leasing.com"]}
    facts = {**TENANT, "remote_domains": [{"name": "leasing.com", "is_internal": True}]}
    secrets = rule("Secrets", IN, ENCRYPT, exceptions={"sent_to_scope": "InOrganization"})
    found = verdict([secrets], facts, when=leasing, then="not_in_clear")["counterexample"]["cause"]
    assert (found["kind"], found["rule"], found["value"]) == ("internal_domain", "Secrets", "leasing.com")
    assert cause_words(found) == (
        "the rule 'Secrets' exempts mail to people inside, and a remote domain makes people at leasing.com internal"
    )
    to_bob = verdict([secrets], facts, when={**IN, "sent_to": ["bob@contoso.com"]}, then="not_in_clear")
    assert to_bob["counterexample"]["cause"]["kind"] == "exception"


def test_the_rule_that_holds_mail_is_named_where_nothing_else_is_known_of_it() -> None:
    holds = rule("Press", PARTNER, {"moderate_message_by_user": ["bob@contoso.com"]})
    found = cause([holds])
    assert (found["kind"], found["rule"]) == ("holds", "Press")
    found = cause([holds, {**PARTNERS, "enabled": False}])
    assert (found["kind"], found["rule"]) == ("disabled", "Partners")


def test_no_rule_is_said_to_lack_for_mail_that_arrives_protected() -> None:
    off = {**PARTNERS, "enabled": False}
    forward = rule("Forward", PARTNER, {"apply_rights_protection_template": "Do Not Forward"})
    found = verdict([forward, off], when=PARTNER, then="not_in_clear", template="Do Not Forward")
    assert found["counterexample"]["message"]["protection"]
    assert "cause" not in found["counterexample"]


def test_a_rule_that_looks_for_the_same_words_in_another_place_is_named_before_one_that_is_off() -> None:
    subject = rule("Accounts", {**OUTGOING, "subject_contains_words": ["IBAN"]}, ENCRYPT)
    everything = {**ALL, "enabled": False}
    wanted = {**OUTGOING, "subject_or_body_contains_words": ["IBAN"]}
    found = cause([subject, everything], when=wanted)
    assert (found["kind"], found["rule"], found["value"]) == ("elsewhere", "Accounts", ["IBAN"])
    assert cause_words(found) == (
        "the rule 'Accounts', which would encrypt it otherwise, is only for mail with 'IBAN' in its subject"
    )
    meant = {**rule("Meant", wanted, ENCRYPT), "enabled": False}
    assert cause([subject, meant], when=wanted)["rule"] == "Meant"
    assert cause([subject, everything], when={**OUTGOING, "subject_or_body_contains_words": ["BIC"]})["rule"] == "All"


_ANN, _TEAM = "ann@contoso.com", "team@contoso.com"
_OF_TEAM = {**TENANT, "groups": {_TEAM: [_ANN]}}


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ({"subject_matches_patterns": [r"^\[secure\]"]}, {"subject_contains_words": ["[secure]"]}),
        ({"subject_matches_patterns": ["^Our ref"]}, {"subject_or_body_contains_words": ["our ref"]}),
        (
            {"attachment_name_matches_patterns": [r"exam.*\.pdf$"]},
            {"attachment_name_matches_patterns": ["exam"]},
        ),
        ({"subject_contains_words": ["secure:"]}, {"subject_contains_words": ["secure"]}),
        ({"subject_contains_words": ["bank details"]}, {"subject_or_body_contains_words": ["details"]}),
        (
            {"attachment_extension_matches_words": ["xlsx"]},
            {"attachment_extension_matches_words": ["csv", "XLSX"]},
        ),
        ({"any_of_to_cc_header": [_ANN]}, {"sent_to": [_ANN]}),
        ({"any_of_to_cc_header_member_of": [_TEAM]}, {"sent_to_member_of": [_TEAM]}),
    ],
)
def test_a_rule_that_misses_some_of_the_mail_that_it_is_for_is_named_before_one_that_is_off(
    written: Values, wanted: Values
) -> None:
    off = {**rule("All", IN, ENCRYPT), "enabled": False}
    found = verdict(
        [rule("Meant", {**IN, **written}, ENCRYPT), off], _OF_TEAM, when={**IN, **wanted}, then="not_in_clear"
    )
    assert (found["counterexample"]["cause"]["kind"], found["counterexample"]["cause"]["rule"]) == (
        "elsewhere",
        "Meant",
    )
    assert cause_words(found["counterexample"]["cause"])


@pytest.mark.parametrize(
    "written",
    [
        {"subject_matches_patterns": ["^(?:no|un)safe"]},
        {"subject_matches_patterns": [r"\d[a-z]"]},
        {"any_of_to_cc_header": ["bob@contoso.com"]},
        {"attachment_name_matches_patterns": ["secure"]},
        {"subject_contains_words": ["insecure", "secured"]},
        {"subject_contains_words": ["sec", "un_secure7"]},
    ],
)
def test_a_rule_for_other_mail_is_not_named(written: Values) -> None:
    off = {**ALL, "enabled": False}
    found = cause(
        [rule("Other", {**OUTGOING, **written}, ENCRYPT), off], when={**OUTGOING, "subject_contains_words": ["secure"]}
    )
    assert (found["kind"], found["rule"]) == ("disabled", "All")


def test_a_group_that_is_named_as_recipient_is_the_cause_of_mail_to_its_members() -> None:
    team = [rule("Team", {**IN, "sent_to": [_TEAM]}, ENCRYPT)]
    to_team = {"when": {**IN, "sent_to_member_of": [_TEAM]}, "then": "not_in_clear"}
    found = verdict(team, _OF_TEAM, **to_team)["counterexample"]["cause"]
    assert (found["kind"], found["rule"], found["value"]) == ("never_matches", "Team", [_TEAM])
    assert cause(team, when={**IN, "sent_to": ["bob@contoso.com"]}) == {}


def test_a_rule_in_effect_is_named_before_a_test_of_the_same() -> None:
    tested = {**PARTNERS, "name": "Tested", "mode": "Audit"}
    exempts = {**PARTNERS, "exceptions": {"subject_contains_words": ["news"]}}
    found = cause([tested, exempts])
    assert (found["kind"], found["rule"]) == ("exception", "Partners")


def test_a_rule_that_keeps_just_this_mail_back_is_named_before_a_test_for_all() -> None:
    keeps = rule("Keeps", {"recipient_domain_is": ["partner.com"]}, {"reject_message_reason_text": "No."})
    keeps |= {"exceptions": {"subject_contains_words": ["news"]}}
    found = cause([keeps, {**ALL, "mode": "Audit"}])
    assert (found["kind"], found["rule"]) == ("exception", "Keeps")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"apply_rights_protection_customization_template": "Partners"}, "only_brands"),
        ({"route_message_outbound_require_tls": True}, "only_routes"),
    ],
)
def test_a_rule_that_is_meant_for_it_and_does_not_encrypt_is_named_before_others(action: Values, kind: str) -> None:
    half = rule("Half", {**PARTNER, "subject_contains_words": ["offer"]}, action)
    disabled = {**PARTNERS, "enabled": False}
    wanted = {**PARTNER, "subject_contains_words": ["offer"]}
    for every in ([half, disabled], [disabled, half]):
        found = cause(every, when=wanted, then="portal")
        assert (found["kind"], found["rule"]) == (kind, "Half")
        # Of all mail to the partner, the other rule is nearer.
        assert cause(every)["rule"] == "Partners"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"enabled": False}, "disabled"),
        ({"mode": "Audit"}, "mode"),
        ({"activation_date": "2090-01-01T00:00:00Z"}, "dates"),
        ({"conditions": {"from_scope": "NotInOrganization", "recipient_domain_is": ["partner.com"]}}, "scope"),
    ],
)
def test_a_rule_that_is_meant_for_it_is_named_before_one_that_stops_before_a_rule_for_all(
    change: Values, kind: str
) -> None:
    meant, stops = {**PARTNERS, **change}, rule("Stop", IN, STOP)
    assert cause([meant, stops, ALL])["kind"] == kind
    assert cause([stops, meant, ALL]) == {"kind": "stops", "rule": "Stop", "other": "All"}
    assert cause([rule("Others", {**IN, "recipient_domain_is": ["a.com"]}, ENCRYPT), stops, ALL])["kind"] == "stops"


def test_a_rule_that_encrypts_some_of_the_mail_is_not_meant_for_the_way_of_all_of_it() -> None:
    drawings = rule("Drawings", {**PARTNER, "attachment_extension_matches_words": ["dwg"]}, ENCRYPT)
    row = verdict([drawings], {**TENANT, "outbound_connectors": []}, when=PARTNER, then="protected_in_transit")
    assert "cause" not in row["counterexample"]
    assert cause([drawings])["kind"] == "elsewhere"


def test_what_is_stopped_is_a_rule_that_would_act_on_the_message() -> None:
    """Whether it is large is open: it need not be."""
    refuses = {"reject_message_reason_text": "No."}
    stops = rule("Archive", {"header_contains_message_header": "X-Archive", "header_contains_words": ["done"]}, STOP)
    large = rule("Large", {**OUTGOING, "message_size_over": "30MB"}, refuses)
    scripts = rule("Scripts", {"attachment_extension_matches_words": [".js", "vbs"]}, refuses)
    found = cause([stops, large, scripts], when={**OUTGOING, "attachment_extension_matches_words": ["js"]})
    assert found == {"kind": "stops", "rule": "Archive", "other": "Scripts"}


def test_two_rules_that_stop_are_named_by_the_rule_that_they_stop_before() -> None:
    """Without one of them, the other one stops it: neither decides."""
    stops = [rule("One", PARTNER, STOP), rule("Two", PARTNER, {**STOP, "set_audit_severity": "Low"})]
    row = verdict([*stops, ALL], **TO_PARTNER)["counterexample"]
    assert "decided_by" not in row or row["cause"]["kind"] == "stops"
    assert row["cause"]["rule"] in ("One", "All")


def test_mail_whose_sender_did_not_sign_in_says_so() -> None:
    found = cause([rule("Device", {"from": ["megan@contoso.com"], **OUTGOING}, ENCRYPT)],
                  when={"from": ["megan@contoso.com"], "sent_to_scope": "NotInOrganization"})  # fmt: skip
    assert (found["kind"], found["rule"]) == ("unauthenticated", "Device")


def test_a_value_that_never_matches_is_the_cause_of_mail_that_it_is_meant_for_alone() -> None:
    rules = [rule("Clinic", {**IN, "recipient_domain_is": ["@clinic.example"]}, ENCRYPT)]
    to_clinic = {**IN, "recipient_domain_is": ["clinic.example"]}
    assert cause(rules, when=to_clinic)["kind"] == "never_matches"
    assert cause(rules, when=OUTGOING) == {}
    drawings = rule("Drawings", {**OUTGOING, "attachment_extension_matches_words": ["*.dwg"]}, ENCRYPT)
    attached = {**OUTGOING, "attachment_extension_matches_words": ["dwg"]}
    assert cause([drawings], when=attached)["kind"] == "never_matches"
    assert cause([drawings], when=OUTGOING) == {}


def test_a_rule_that_surely_keeps_mail_back_is_named_where_the_rest_is_open() -> None:
    replies = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    rules = [
        rule("No macros", {**replies, "attachment_extension_matches_words": ["xlsm"]}, {"delete_message": True}),
        rule("Readable", replies, {"remove_ome_v2": True}),
    ]
    found = cause(rules, when=replies, then="decrypted_on_arrival")
    assert (found["kind"], found["rule"]) == ("deletes", "No macros")


def test_a_rule_that_keeps_mail_back_is_named_before_one_that_it_keeps_from_encrypting() -> None:
    """Also where DLP leaves open what becomes of the mail without it."""
    rules = [rule("No", {**PARTNER, "subject_contains_words": ["x"]}, {"reject_message_reason_text": "No."}), PARTNERS]
    facts = {**TENANT, "dlp_policies": [policy({**PARTNER, **SENSITIVE}, block_access=True)]}
    found = verdict(rules, facts, when=PARTNER)["counterexample"]["cause"]
    assert (found["kind"], found["rule"]) == ("rejects", "No")


@pytest.mark.parametrize(
    ("managers", "wanted"), [({}, ()), ({"sender@contoso.com": "boss@contoso.com"}, ("holds", "Wait"))]
)
def test_a_rule_that_asks_the_manager_holds_no_mail_of_a_sender_without_one(
    managers: Values, wanted: tuple[str, ...]
) -> None:
    of_sender = {**PARTNER, "from": ["sender@contoso.com"]}
    rules = [rule("Wait", of_sender, {"moderate_message_by_manager": True})]
    facts = {**TENANT, "managers": managers}
    found = verdict(rules, facts, when=of_sender, then="encrypted")["counterexample"].get("cause", {})
    assert (found.get("kind"), found.get("rule")) == (wanted or (None, None))


_BLOCKS = {"block_access": True}
_TESTED = {"mode": "TestWithoutNotifications"}
_LEAVES = {**IN, "access_scope": "NotInOrganization"}


@pytest.mark.parametrize(
    ("rules", "policies", "wanted"),
    [
        ([], [policy(PARTNER, "D", **_TESTED, **_BLOCKS)], ("dlp_tested", "D")),
        ([], [policy(PARTNER, "D", **_TESTED, encrypt_rms_template="Encrypt")], ("dlp_tested", "D")),
        ([], [policy(PARTNER, "D", enabled=False, **_BLOCKS)], ("dlp_disabled", "D")),
        ([], [policy(PARTNER, "D", mode="Disable", **_BLOCKS)], ("dlp_disabled", "D")),
        # Whether it would match is open (U33).
        ([], [policy({**PARTNER, "subject_contains_words": ["x"]}, "D", **_TESTED, **_BLOCKS)], ("dlp_tested", "D")),
        ([], [policy({"recipient_domain_is": ["other.example"]}, "D", **_TESTED, **_BLOCKS)], None),
        ([], [policy({**PARTNER, **SENSITIVE}, "D", **_TESTED, **_BLOCKS)], None),
        ([], [policy(PARTNER, "D", **_TESTED, notify_user=["Owner"])], None),
        ([], [policy(PARTNER, "D", **_TESTED, scope={"exchange": False}, **_BLOCKS)], None),
        # What would surely keep it comes before a rule that is meant for it, and that one before what perhaps would.
        ([{**PARTNERS, "mode": "Audit"}], [policy(PARTNER, "D", **_TESTED, **_BLOCKS)], ("dlp_tested", "D")),
        (
            [{**PARTNERS, "mode": "Audit"}],
            [policy({**PARTNER, "subject_contains_words": ["x"]}, "D", **_TESTED, **_BLOCKS)],
            ("mode", "Partners"),
        ),
        # One for whatever leaves hides no cause of a rule that is meant for it.
        ([{**PARTNERS, "mode": "Audit"}], [policy(_LEAVES, "D", **_TESTED, **_BLOCKS)], ("mode", "Partners")),
        ([], [policy(_LEAVES, "D", **_TESTED, **_BLOCKS)], ("dlp_tested", "D")),
        # Whatever rules do.
        ([], [policy(PARTNER, "U", remove_rms_template=True)], ("dlp_undoes", "U")),
        ([{**PARTNERS, "mode": "Audit"}], [policy(PARTNER, "U", remove_rms_template=True)], ("dlp_undoes", "U")),
        ([PARTNERS], [policy(PARTNER, "U", remove_rms_template=True)], ("dlp_decrypts", "U")),
    ],
)
def test_a_dlp_rule_that_does_not_act_or_undoes_all_is_the_cause(
    rules: list[Values], policies: list[Values], wanted: tuple[str, str] | None
) -> None:
    subject = {**PARTNER, "subject_contains_words": ["x"]}
    facts = {**TENANT, "dlp_policies": policies, "labels": []}
    found = verdict(rules, facts, when=subject, then="not_in_clear")["counterexample"].get("cause")
    assert (found and (found["kind"], found["rule"])) == wanted
    assert not found or cause_words(found)


def test_a_dlp_rule_that_does_not_act_is_no_cause_of_what_a_rule_decides() -> None:
    facts = {**TENANT, "dlp_policies": [policy(PARTNER, "D", **_TESTED, encrypt_rms_template="Encrypt")], "labels": []}
    found = verdict([rule("Stop", PARTNER, STOP), PARTNERS], facts, when=PARTNER, then="not_in_clear")
    assert found["counterexample"]["cause"]["kind"] == "stops"


def test_the_mode_of_a_policy_that_is_only_tested_is_said() -> None:
    facts = {**TENANT, "dlp_policies": [policy(PARTNER, "D", **_TESTED, **_BLOCKS)], "labels": []}
    found = verdict([], facts, when=PARTNER, then="not_in_clear")["counterexample"]["cause"]
    assert cause_words(found) == (
        "the DLP rule 'D' could prevent that, but its policy is in a test mode (TestWithoutNotifications)"
    )


def test_the_rule_that_a_stop_keeps_from_mail_is_the_one_that_is_most_likely_meant_for_it() -> None:
    """Also one that keeps mail back, or that forces TLS, where that is what is guaranteed."""
    stops, numbers = rule("Stop", PARTNER, STOP), {"subject_matches_patterns": [r"4\d{15}"]}
    others = rule("Others", {"sender_ip_ranges": ["10.9.0.0/16"]}, ENCRYPT)
    refuses = rule("Numbers", {**OUTGOING, **numbers}, {"reject_message_reason_text": "No."})
    found = cause([stops, others, refuses], when={**OUTGOING, **numbers})
    assert (found["kind"], found["rule"], found["other"]) == ("stops", "Stop", "Numbers")
    by_tls = rule("By TLS", PARTNER, {"route_message_outbound_require_tls": True})
    facts = {**TENANT, "outbound_connectors": []}
    row = verdict([stops, others, by_tls], facts, when=PARTNER, then="protected_in_transit")
    assert row["counterexample"]["cause"] == {"kind": "stops", "rule": "Stop", "other": "By TLS"}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"exceptions": {"sent_to": ["bob@contoso.com"]}}, "exception"),
        ({"enabled": False}, "disabled"),
    ],
)
def test_what_keeps_a_rule_from_decrypting_is_the_cause(change: Values, kind: str) -> None:
    replies = {"from_scope": "NotInOrganization", "sent_to": ["bob@contoso.com"]}
    decrypts = rule("Replies", {"from_scope": "NotInOrganization"}, {"remove_ome_v2": True})
    found = cause([{**decrypts, **change}], when=replies, then="decrypted_on_arrival")
    assert (found["kind"], found["rule"]) == (kind, "Replies")
    found = cause([rule("Stop", {}, STOP), decrypts], when=replies, then="decrypted_on_arrival")
    assert found == {"kind": "stops", "rule": "Stop", "other": "Replies"}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ({"subject_contains_words": ["encrypt*"]}, "asterisk"),
        ({"subject_contains_words": ["encry*"]}, "asterisk"),
        ({"subject_contains_words": ["crypt*"]}, ""),
        ({"subject_contains_words": ["encrypted"]}, ""),
    ],
)
def test_a_word_with_an_asterisk_is_the_cause_of_mail_with_the_word(written: Values, kind: str) -> None:
    found = cause([rule("Marked", {**OUTGOING, **written}, ENCRYPT)], when={**OUTGOING, "subject_contains_words": ["encrypt"]})  # fmt: skip
    assert found.get("kind", "") == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("partnner.com", "misspelled"), ("www.partner.com", "misspelled"), ("other.example", "")]
)
def test_a_misspelled_domain_is_the_cause_of_mail_to_the_domain(name: str, kind: str) -> None:
    found = cause([rule("Partner", {**IN, "recipient_domain_is": [name]}, ENCRYPT)])
    assert found.get("kind", "") == kind


@pytest.mark.parametrize(("written", "kinds"), [("taem@contoso.com", {"misspelled"}), ("others@contoso.com", set())])
def test_a_misspelled_group_is_the_cause_of_mail_of_its_members(written: str, kinds: set[str]) -> None:
    team = rule("Team", {**OUTGOING, "from_member_of": [written]}, ENCRYPT)
    when = {**OUTGOING, "from_member_of": [_TEAM]}
    found = verdict([team], _OF_TEAM, when=when, then="not_in_clear")["counterexample"].get("cause", {})
    assert {found["kind"] for found in [found] if found} == kinds
    assert found.get("value") == ([written] if kinds else None)


def test_a_pattern_that_finds_most_of_the_files_is_the_cause_of_the_others() -> None:
    files = rule("Files", {**OUTGOING, "attachment_name_matches_patterns": [r"(chart|letter).*\.pdf$"]}, ENCRYPT)
    found = cause([files], when={**OUTGOING, "attachment_name_matches_patterns": [r"letter.*\.(pdf|docx)$"]})
    assert (found["kind"], found["rule"]) == ("elsewhere", "Files")


def test_a_rule_for_some_people_of_a_domain_is_the_cause_of_mail_to_the_others() -> None:
    found = cause([rule("Ann", {**IN, "sent_to": ["ann@partner.com"]}, ENCRYPT)])
    assert (found["kind"], found["value"]) == ("elsewhere", ["ann@partner.com"])


@pytest.mark.parametrize(
    "beside", [{"attachment_extension_matches_words": ["pdf"]}, {"subject_contains_words": ["pay"]}]
)
def test_a_rule_for_a_part_of_the_mail_is_the_cause_of_the_rest(beside: Values) -> None:
    off = {**ALL, "enabled": False}
    found = cause([rule("Part", {**IN, **PARTNER, **beside}, ENCRYPT), off])
    assert (found["kind"], found["rule"], found["option"]) == ("elsewhere", "Part", f"conditions.{next(iter(beside))}")


def test_a_rule_that_seeks_a_word_by_a_pattern_and_a_file_beside_is_the_cause_of_mail_without_one() -> None:
    tenders = {**OUTGOING, "subject_matches_patterns": ["tender*"], "attachment_name_matches_patterns": [r"\.pdf"]}
    found = cause(
        [rule("Tenders", tenders, ENCRYPT), {**ALL, "exceptions": {"subject_contains_words": ["tender"]}}],
        when={**OUTGOING, "subject_contains_words": ["tender"]},
    )
    assert (found["kind"], found["rule"]) == ("elsewhere", "Tenders")


def test_a_rule_whose_value_never_matches_is_named_before_an_exception_of_a_rule_for_other_mail() -> None:
    footer = rule("Footer", OUTGOING, {"apply_html_disclaimer_text": "This is secret", **PREPENDED})
    other = {**rule("Other", {**OUTGOING, "subject_or_body_contains_words": ["secret"]}, ENCRYPT)}
    other["exceptions"] = {"subject_or_body_contains_words": ["this is secret"]}
    found = cause([footer, other, rule("Partners", {**OUTGOING, "recipient_domain_is": ["@partner.com"]}, ENCRYPT)])
    assert (found["kind"], found["rule"]) == ("never_matches", "Partners")


def test_a_rule_that_brands_all_mail_is_no_cause_of_some_mail_that_no_rule_is_meant_for() -> None:
    brands = rule("Portal", OUTGOING, {"apply_rights_protection_customization_template": "Portal"})
    assert cause([brands], when={**OUTGOING, "from": ["billing@contoso.com"]}) == {}
    assert cause([brands], when=OUTGOING)["kind"] == "only_brands"


def test_mail_that_is_encrypted_and_expires_late_has_no_rule_that_would_encrypt_it_as_its_cause() -> None:
    brand = {**ENCRYPT, "apply_rights_protection_customization_template": "Month"}
    facts = {**TENANT, "ome_configurations": [{"identity": "Month", "external_mail_expiry_in_days": 30}]}
    rules = [rule("Partners", PARTNER, brand), {**ALL, "enabled": False}]
    late = verdict(rules, facts, when=PARTNER, then="portal", expires_within_days=7)["counterexample"]
    assert (late["expiry"], late.get("cause")) == (30, None)
    clear = verdict(rules[1:], facts, when=PARTNER, then="portal", expires_within_days=7)["counterexample"]
    assert clear["cause"]["rule"] == "All"


@pytest.mark.parametrize(
    "asked",
    [{"attachment_is_password_protected": True}, {"attachment_processing_limit_exceeded": True}, {"scl_over": 5}],
)
def test_a_rule_that_asks_for_no_list_of_values_misses_what_a_guarantee_seeks(asked: Values) -> None:
    """It looks for no part of the guarantee's words, people or domains."""
    for when in ({"subject_contains_words": ["offer"]}, {"sent_to": ["ann@partner.com"]}, PARTNER):
        found = verdict([rule("Asks", asked, ENCRYPT)], when=when, then="not_in_clear")
        assert found["verdict"] in ("refuted", "unknown")


_SECURE = {"subject_or_body_contains_words": ["secure"]}
_BUT_NEWS = rule("Secure", {**OUTGOING, **_SECURE}, ENCRYPT, exceptions={"subject_contains_words": ["news"]})


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        ([rule("News", {"subject_contains_words": ["news"]}, STOP), _BUT_NEWS], ("exception", "stopped")),
        (
            [
                rule(
                    "Secure", {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization", **_SECURE}, ENCRYPT
                )
            ],
            ("scope", "scope"),
        ),
    ],
)
def test_two_things_that_keep_a_rule_from_its_mail_are_both_the_cause(
    rules: list[Values], kinds: tuple[str, str]
) -> None:
    both = {"subject_or_body_contains_words": ["secure"], "subject_contains_words": ["news"]}
    when = {**OUTGOING, **(both if len(rules) > 1 else _SECURE)}
    everything = {**ALL, "mode": "Audit"}
    found = cause([*rules, everything], when=when)
    assert (found["kind"], found["also"]["kind"], found["rule"], found["also"]["rule"]) == (*kinds, "Secure", "Secure")
    off = [{**rules[-1], "enabled": False} if one is rules[-1] else one for one in rules]
    assert "also" not in cause([*off, everything], when=when)


def test_what_else_keeps_a_rule_from_its_mail_is_said_behind_it() -> None:
    also = {"kind": "stopped", "rule": "Secure", "other": "News"}
    exempts = {"kind": "exception", "rule": "Secure", "option": "exceptions.subject_contains_words", "value": ["news"]}
    assert cause_words({**exempts, "also": also}) == (
        "the rule 'Secure' exempts mail with 'news' in its subject, and the rule 'News' stops before it"
    )


@pytest.mark.parametrize(
    ("exceptions", "kind"),
    [
        ({"recipient_domain_is": ["partnner.com"]}, "misspelled"),
        ({"recipient_domain_is": ["@partner.com"]}, "never_matches"),
        ({"recipient_domain_is": ["other.example"]}, ""),
    ],
)
def test_an_exception_that_is_meant_for_the_mail_and_misses_it_is_said_of_the_rule_that_decides(
    exceptions: Values, kind: str
) -> None:
    found = cause([{**PARTNERS, "exceptions": exceptions}], **_PLAIN)
    assert (found["kind"], found["rule"], found.get("also", {}).get("kind", "")) == ("encrypts", "Partners", kind)
    stop = rule("Stop", PARTNER, STOP, exceptions=exceptions)
    found = cause([stop, PARTNERS])
    assert (found["kind"], found["rule"], found.get("also", {}).get("kind", "")) == ("stops", "Stop", kind)
    if kind == "misspelled":
        assert cause_words(found) == (
            "the rule 'Stop' stops before the rule 'Partners', and its exception is for 'partnner.com', which may be misspelled"
        )


def test_an_exception_names_the_values_that_the_mail_has() -> None:
    spares = {**PARTNERS, "exceptions": {"subject_contains_words": ["news", "invitation", "press"]}}
    when = {**PARTNER, "subject_contains_words": ["invitation"]}
    assert cause([spares], when=when)["value"] == ["invitation"]


def test_a_rule_that_is_called_like_the_guarantee_and_looks_for_other_files_is_named() -> None:
    contracts = rule("Contracts", {**OUTGOING, "attachment_name_matches_patterns": [r"contract.*\.pdf$"]}, ENCRYPT)
    keyword = rule("Keyword", {**OUTGOING, "subject_contains_words": ["secure"]}, ENCRYPT)
    when = {**OUTGOING, "attachment_name_matches_patterns": [r"contract.*\.docx$"]}
    for name, wanted in (("Contracts", "elsewhere"), ("Files", "")):
        found = cause([keyword, {**contracts, "name": name}], when=when)
        assert (found.get("kind", ""), found.get("rule", name)) == (wanted, name)


def test_a_rule_for_other_types_of_the_same_mail_is_named() -> None:
    def files(*types: str) -> Values:
        return {**IN, "recipient_domain_is": ["partner.com"], "attachment_extension_matches_words": list(types)}

    found = cause([rule("Plans", files("dwg", "step"), ENCRYPT)], when=files("stp"))
    assert (found["kind"], found["rule"], found["value"]) == ("elsewhere", "Plans", ["dwg", "step"])


def test_where_waiting_is_enough_the_exception_of_the_rule_that_holds_such_mail_is_the_cause() -> None:
    secret = {**OUTGOING, "subject_contains_words": ["secret"]}
    holds = rule(
        "Secret", secret, {"moderate_message_by_user": ["bob@contoso.com"]}, exceptions={"from": ["joe@contoso.com"]}
    )
    joe = rule("Joe", {"from": ["joe@contoso.com"]}, ENCRYPT, exceptions={"subject_contains_words": ["secret"]})
    when = {**secret, "from": ["joe@contoso.com"]}
    found = cause([holds, joe], when=when, then="not_in_clear_if_delivered")
    assert (found["kind"], found["rule"], found["value"]) == ("exception", "Secret", ["joe@contoso.com"])
    assert cause([holds, joe], when=when)["rule"] == "Joe"


def test_a_rule_that_asks_a_manager_holds_no_mail_of_those_who_have_none() -> None:
    holds = rule("Secret", OUTGOING, {"moderate_message_by_manager": True})
    facts = {**TENANT, "managers": {"joe@contoso.com": "bob@contoso.com"}}
    for sender, kind in (("bob@contoso.com", "no_manager"), ("joe@contoso.com", "holds")):
        when = {**OUTGOING, "from": [sender]}
        judged = verdict(
            [holds], facts, when=when, then="not_in_clear_if_delivered" if kind == "no_manager" else "not_in_clear"
        )
        found = judged["counterexample"]["cause"]
        assert (found["kind"], found["rule"]) == (kind, "Secret")
        if kind == "no_manager":
            assert cause_words(found) == "the rule 'Secret' would hold it for approval if the sender had a manager"
