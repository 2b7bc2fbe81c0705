# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that are meant for the mail of a guarantee are mended and placed before one more rule is added."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import Difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.aims import (
    Aim,
    RuleEdit,
    only_stops,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.ranking import first_by
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import Suggestion
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.pattern_samples import (
    finds_most,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

MEGAN: Values = {"from": ["megan@contoso.com"]}
PRESS = rule("Press", MEGAN, STOP)
IN_CLEAR = "not_in_clear"


@pytest.mark.parametrize(
    ("pattern", "other", "answer"),
    [
        (r"(4\d{3}|5[1-5]\d{2})-?\d{4}-?\d{4}-?\d{4}", r"4\d{3}-?\d{4}-?\d{4}-?\d{4}", True),
        (r"[A-Z]{2}\d{2} ?\d{4} ?\d{4} ?\d{4}", r"DE\d{2} \d{4} \d{4} \d{4} \d{4} \d{2}", True),
        (r"(chart|discharge|referral).*\.pdf$", r"discharge.*\.(docx|pdf)$", True),
        (r"4\d{3} ?\d{4} ?\d{4} ?\d{4}", r"DE\d{2} \d{4} \d{4} \d{4} \d{4} \d{2}", False),
        ("[secure]", "discharge", False),
        (r"(?<=a)b", "discharge", False),
        ("discharge", r"(?<=a)b", False),
    ],
    ids=["cards", "accounts", "files", "other_numbers", "one_letter", "open", "other_open"],
)
def test_a_pattern_finds_most_of_what_another_one_looks_for(pattern: str, other: str, answer: bool) -> None:
    assert finds_most(pattern, other) is answer


def test_a_rule_whose_pattern_finds_the_wanted_texts_is_mended_and_moved() -> None:
    cards: Values = {"subject_or_body_matches_patterns": [r"(4\d{3}|5[1-5]\d{2})-?\d{4}-?\d{4}-?\d{4}"]}
    scopes = {"from_scope": "NotInOrganization", "sent_to_scope": "NotInOrganization"}
    broken = rule("Cards", {**scopes, **cards}, ENCRYPT)
    wanted = {**OUTGOING, "subject_or_body_matches_patterns": [r"4\d{3}-?\d{4}-?\d{4}-?\d{4}"]}
    found, edits = repaired([PRESS, broken], {"when": wanted, "then": IN_CLEAR})
    assert edits[0] == [("condition", "Cards"), ("move", "Cards")]
    assert found.suggestions[0].left_open is None


@pytest.mark.parametrize(
    ("own", "wanted", "after"),
    [
        (
            {"subject_contains_words": ["encrypt"]},
            {**MEGAN, "subject_contains_words": ["encrypt", "secure"]},
            {"subject_contains_words": ["encrypt", "secure"]},
        ),
        (
            {**MEGAN, "subject_contains_words": ["loan"]},
            {**MEGAN, "subject_contains_words": ["grant"]},
            {**MEGAN, "subject_contains_words": ["loan", "grant"]},
        ),
    ],
    ids=["values_of_the_guarantee", "of_the_same_sender"],
)
def test_a_rule_that_misses_some_of_the_wanted_mail_takes_its_values(
    own: Values, wanted: Values, after: Values
) -> None:
    broken = rule("Broken", {**OUTGOING, **own}, ENCRYPT)
    found, edits = repaired([PRESS, broken], {"when": {**OUTGOING, **wanted}, "then": IN_CLEAR})
    assert edits[0] == [("condition", "Broken"), ("move", "Broken")]
    assert found.suggestions[0].rules[0]["conditions"] == {**OUTGOING, **after}


def test_a_rule_for_other_senders_takes_no_values() -> None:
    bob = rule("Bob", {**OUTGOING, "from": ["bob@contoso.com"], "subject_contains_words": ["loan"]}, ENCRYPT)
    wanted = {**OUTGOING, **MEGAN, "subject_contains_words": ["grant"]}
    _found, edits = repaired([bob], {"when": wanted, "then": IN_CLEAR})
    assert edits[0] == [("add", "Encrypt: G")]


PATIENTS: Values = {**OUTGOING, "subject_or_body_contains_words": ["patient"]}
EXEMPT: Values = {"subject_contains_words": ["no data"]}


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("enable", rule("Patients", PATIENTS, ENCRYPT, exceptions=EXEMPT, enabled=False)),
        ("enable", rule("Patients", PATIENTS, ENCRYPT, exceptions=EXEMPT, mode="Audit")),
        (
            "condition",
            rule(
                "Patients",
                {**OUTGOING, "subject_or_body_contains_words": ["patient*"]},
                ENCRYPT,
                exceptions=EXEMPT,
            ),
        ),
    ],
    ids=["disabled", "mode", "asterisk"],
)
def test_a_broken_rule_is_mended_and_moved_before_one_is_added_that_does_more(kind: str, broken: Values) -> None:
    """What it exempts stays open, and is said."""
    found, edits = repaired([PRESS, broken], {"when": PATIENTS, "then": IN_CLEAR})
    assert edits[0] == [(kind, "Patients"), ("move", "Patients")]
    assert found.suggestions[0].is_refuted
    assert edits[1] == [("add", "Encrypt: G")]
    assert found.suggestions[1].left_open is None


def test_a_rule_that_is_to_begin_later_is_not_broken() -> None:
    later = rule("Later", PATIENTS, ENCRYPT, exceptions=EXEMPT, activation_date="2027-01-01T00:00:00Z")
    _found, edits = repaired([PRESS, later], {"when": PATIENTS, "then": IN_CLEAR})
    assert edits[0] == [("add", "Encrypt: G")]


BOTH = rule("Both", PATIENTS, {**ENCRYPT, "remove_ome_v2": True})
PROTECTED = rule("Protected", {"message_type_matches": "PermissionControlled"}, STOP)


def test_a_rule_need_not_go_before_a_stop_for_mail_that_arrives_as_wanted() -> None:
    patients = rule("Patients", PATIENTS, ENCRYPT)
    found, edits = repaired([PROTECTED, PRESS, patients], {"when": PATIENTS, "then": IN_CLEAR})
    assert edits[0] == [("move", "Patients")]
    assert (found.suggestions[0].edits[0].after, found.suggestions[0].left_open) == (1, None)


def test_a_stop_goes_behind_the_rule_that_is_meant_before_one_is_added() -> None:
    """The rule itself would leave open what it exempts, and an exception of the stop would let mail be deleted."""
    large = rule("Large", {"message_size_over": "20MB"}, {"delete_message": True})
    letters = rule("Letters", {**MEGAN, "subject_contains_words": ["letter"]}, STOP)
    data = rule("Data", {**OUTGOING, "subject_contains_words": ["data", "letter"]}, ENCRYPT)
    patients = rule("Patients", PATIENTS, ENCRYPT, exceptions=EXEMPT)
    _found, edits = repaired([letters, data, patients, large], {"when": PATIENTS, "then": IN_CLEAR})
    assert edits[0] == [("move", "Letters")]


def test_only_the_value_goes_that_exempts_the_wanted_mail() -> None:
    exempt = {"recipient_domain_is": ["client.com", "other.com"]}
    numbers = rule("Numbers", PATIENTS, ENCRYPT, exceptions=exempt)
    wanted = {**IN, "recipient_domain_is": ["client.com"], "subject_or_body_contains_words": ["patient"]}
    found, edits = repaired([numbers], {"when": wanted, "then": IN_CLEAR})
    assert edits[0] == [("exception", "Numbers")]
    assert found.suggestions[0].rules[0]["exceptions"] == {"recipient_domain_is": ["other.com"]}


def test_what_is_not_compared_to_its_end_goes_behind_what_is_known_to_change_nothing_else() -> None:
    """Other rules are edited than those that are meant."""
    aim = Aim("G", frozenset(), PATIENTS)
    edits = (RuleEdit("move", "Other", "priority", 3, 0),)
    known = Suggestion(edits, (), Difference(), ())
    incomplete = Suggestion(edits, (), Difference(complete=False), ())
    added = Suggestion((RuleEdit("add", "New", "priority", None, 0),), (), Difference(), ())
    assert first_by(known, aim) < first_by(added, aim) < first_by(incomplete, aim)


@pytest.mark.parametrize(
    ("actions", "answer"),
    [
        (STOP, True),
        ({**STOP, "remove_ome_v2": True}, True),
        ({**STOP, "blind_copy_to": ["joe@contoso.com"]}, False),
        ({"remove_ome_v2": True}, False),
    ],
    ids=["stop", "decrypt", "copy", "no_stop"],
)
def test_a_rule_that_only_keeps_mail_from_later_ones_may_decrypt_it(actions: Values, answer: bool) -> None:
    assert only_stops(rule("Exempt", MEGAN, actions)) is answer


BOB: Values = {"recipient_domain_is": ["bob.com"]}
COPIED = rule("Copied", {"from": ["joe@contoso.com"]}, {"blind_copy_to": ["sue@contoso.com"]})


def test_a_rule_does_not_go_before_a_stop_for_mail_that_the_guarantee_leaves_out() -> None:
    """What the copy leaves open is said instead."""
    patients = rule("Patients", PATIENTS, ENCRYPT, exceptions=EXEMPT)
    rules = [COPIED, rule("Bob", {**IN, **BOB}, STOP), patients]
    found, edits = repaired(rules, {"when": PATIENTS, "unless": BOB, "then": IN_CLEAR})
    assert edits[0] == [("exception", "Patients")]
    assert found.suggestions[0].left_open is not None
    assert not found.suggestions[0].fit.passes_left_out


def test_a_rule_goes_before_the_first_stop_only_if_it_would_pass_another_for_mail_that_is_left_out() -> None:
    rules = [COPIED, rule("Bob", {**IN, **BOB}, STOP), PRESS, rule("Patients", PATIENTS, ENCRYPT, mode="Audit")]
    found, edits = repaired(rules, {"when": PATIENTS, "unless": BOB, "then": IN_CLEAR})
    assert edits[0] == [("enable", "Patients"), ("move", "Patients")]
    assert found.suggestions[0].edits[1].after == 2


def test_a_pattern_that_finds_the_wanted_word_loses_its_anchor() -> None:
    marked = rule("Marked", {**OUTGOING, "subject_matches_patterns": [r"^(\[secure\]|#secure)"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_contains_words": ["[secure]"]}
    found, edits = repaired([marked], {"when": wanted, "then": IN_CLEAR})
    assert edits[0] == [("condition", "Marked")]
    assert found.suggestions[0].rules[0]["conditions"]["subject_matches_patterns"] == [r"(\[secure\]|#secure)"]


def test_nothing_is_put_right_of_which_the_outcome_is_unknown() -> None:
    found, edits = repaired([PRESS, BOTH], {"when": PATIENTS, "then": IN_CLEAR})
    moved = found.suggestions[edits.index([("move", "Both")])]
    assert moved.puts_right == ()


def test_a_rule_that_encrypts_and_decrypts_only_encrypts_then() -> None:
    found, edits = repaired([PRESS, BOTH], {"when": PATIENTS, "then": IN_CLEAR})
    assert edits[0] == [("action", "Both"), ("move", "Both")]
    assert found.suggestions[0].rules[0]["actions"] == ENCRYPT
    assert found.suggestions[0].left_open is None
    row = suggestion_rows([found], [BOTH, PRESS], str)[0]
    assert row.text.startswith("Remove the action remove_ome_v2 from the rule 'Both' and move it")


def test_a_condition_that_no_mail_of_a_rule_can_meet_goes() -> None:
    """The partners only write to people inside by it, and the rule is for mail to people outside."""
    groups = {"partners@contoso.com": ["megan@contoso.com"], "all@contoso.com": ["megan@contoso.com"]}
    wanted = {**OUTGOING, "from_member_of": ["partners@contoso.com"]}
    partners = rule("Partners", {**wanted, "sent_to_member_of": ["all@contoso.com"]}, ENCRYPT)
    found, edits = repaired([partners], {"when": wanted, "then": IN_CLEAR}, {**TENANT, "groups": groups})
    assert edits[0] == [("condition", "Partners")]
    assert found.suggestions[0].rules[0]["conditions"] == wanted


def test_a_condition_on_people_stays_if_the_rule_acts_on_mail_to_them() -> None:
    wanted = {**OUTGOING, "from_member_of": ["partners@contoso.com"]}
    partners = rule("Partners", {**wanted, "recipient_domain_is": ["partner.com"]}, ENCRYPT)
    groups = {"partners@contoso.com": ["megan@contoso.com"]}
    _found, edits = repaired([partners], {"when": wanted, "then": IN_CLEAR}, {**TENANT, "groups": groups})
    assert edits[0] == [("add", "Encrypt: G")]


def test_a_rule_for_a_part_of_the_wanted_mail_is_for_all_of_it_also_if_a_pattern_says_it() -> None:
    part = {**OUTGOING, "subject_matches_patterns": ["tender"], "attachment_extension_matches_words": ["pdf"]}
    wanted = {**OUTGOING, "subject_contains_words": ["tender"]}
    found, edits = repaired([rule("Tenders", part, ENCRYPT)], {"when": wanted, "then": IN_CLEAR})
    assert edits[0] == [("condition", "Tenders")]
    assert "attachment_extension_matches_words" not in found.suggestions[0].rules[0]["conditions"]


PARTNERS: Values = {
    **TENANT,
    "outbound_connectors": [
        {
            "name": "Partner",
            "connector_type": "Partner",
            "recipient_domains": ["partner.com"],
            "tls_settings": "EncryptionOnly",
        }
    ],
}
IN_TRANSIT: Values = {"when": PARTNER, "then": "protected_in_transit"}
TLS: Values = {"route_message_outbound_require_tls": True}
OUTSIDE_COPY = rule("Copy", PARTNER, {"blind_copy_to": ["vault@archive.com"]})


def test_a_connector_that_leaves_something_open_goes_behind_a_rule_that_leaves_nothing() -> None:
    by_tls = rule("By TLS", PARTNER, TLS, exceptions={"subject_contains_words": ["plan"]})
    found, edits = repaired([by_tls, OUTSIDE_COPY], IN_TRANSIT, PARTNERS)
    connectors = [place for place, each in enumerate(found.suggestions) if each.connector]
    assert edits[0] == [("exception", "By TLS")]
    assert connectors
    assert found.suggestions[0].how_open < found.suggestions[connectors[0]].how_open == 2


def test_a_connector_that_leaves_something_open_goes_before_one_more_rule() -> None:
    found, edits = repaired([OUTSIDE_COPY], IN_TRANSIT, PARTNERS)
    assert edits[0] == [("connector", "Partner")]
    assert found.suggestions[0].how_open == 2
    assert any(kind == "add" for kind, _rule in edits[1])


REJECT: Values = {"reject_message_reason_text": "No."}
CARD = {"subject_or_body_matches_patterns": [r"4\d{15}"]}
GROUPED = {"subject_or_body_matches_patterns": [r"4\d{3} \d{4} \d{4} \d{4}"]}
TWO_PATTERNS = {"subject_or_body_matches_patterns": [r"4\d{15}", r"4\d{3} \d{4} \d{4} \d{4}"]}


@pytest.mark.parametrize("action", [REJECT, ENCRYPT])
@pytest.mark.parametrize(
    ("own", "wanted", "after"),
    [
        (CARD, GROUPED, TWO_PATTERNS),
        (GROUPED, CARD, {"subject_or_body_matches_patterns": TWO_PATTERNS["subject_or_body_matches_patterns"][::-1]}),
        ({"subject_matches_patterns": [r"^4\d{15}"]}, CARD, CARD),
        ({"subject_contains_words": ["top secret"]}, {"subject_contains_words": ["secret"]}, None),
    ],
    ids=["longer", "shorter", "elsewhere", "words"],
)
def test_a_rule_that_misses_the_texts_of_the_guarantee_gets_them(
    own: Values, wanted: Values, after: Values | None, action: Values
) -> None:
    """Also one that rejects such mail: nothing needs to be encrypted then."""
    found, edits = repaired(
        [rule("Cards", {**OUTGOING, **own}, action)], {"when": {**OUTGOING, **wanted}, "then": IN_CLEAR}
    )
    assert edits[0] == [("condition", "Cards")]
    after = after or {"subject_contains_words": ["top secret", "secret"]}
    assert found.suggestions[0].rules[0]["conditions"] == {**OUTGOING, **after}


def test_a_rule_that_rejects_mail_inside_and_is_meant_for_what_leaves_rejects_both() -> None:
    secret: Values = {"subject_contains_words": ["secret"]}
    inside = rule("Secret", {**IN, "sent_to_scope": "InOrganization", **secret}, REJECT)
    found, edits = repaired([inside], {"when": {**OUTGOING, **secret}, "then": IN_CLEAR})
    assert edits[0] == [("condition", "Secret")]
    assert found.suggestions[0].rules[0]["conditions"] == {**IN, **secret}


@pytest.mark.parametrize(
    ("name", "own", "guarantee", "first"),
    [
        ("Marked mail", {"subject_contains_words": ["[secure]"]}, "All that is marked", "condition"),
        ("Brokers", {"recipient_domain_is": ["north-brokers.com"]}, "G", "condition"),
        ("Insurers", {"recipient_domain_is": ["insurer.com"]}, "G", "add"),
        ("Encrypt mail", {"subject_contains_words": ["[secure]"]}, "Encrypted mail", "add"),
    ],
    ids=["name", "value", "other_name", "common_words"],
)
def test_a_rule_that_is_called_like_what_is_wanted_gets_its_value(
    name: str, own: Values, guarantee: str, first: str
) -> None:
    """It is named for that, whatever it looks for."""
    wanted = {next(iter(own)): ["brokers.com" if "recipient_domain_is" in own else "confidential"]}
    about = {"name": guarantee, "when": {**OUTGOING, **wanted}, "then": IN_CLEAR}
    _found, edits = repaired([rule(name, {**OUTGOING, **own}, ENCRYPT)], about)
    assert edits[0][0][0] == first
