# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to mail, in English: each sentence, their order, and where two organizations differ."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.changed_conditions import (
    BY_SPLITS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.contrast import (
    RulesWithFacts,
    another_organization,
    contrast,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import Exempting
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    CONFLICTS,
    Statement,
    policy,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.overview import (
    contrast_lines,
    contrast_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import (
    KINDS,
    PolicyRow,
    kept_rows,
    policy_lines,
    policy_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import unless_words

from tests.rounds import seeds
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, OUTGOING, STOP, rule
from tests.unit.mail_flow.mutating import subject
from tests.unit.mail_flow.small_rules import rule_set
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

CONTOSO: Values = {
    "accepted_domains": ["contoso.com"],
    "remote_domains": [],
    "mail_users": [],
    "outbound_connectors": [],
}
FABRIKAM: Values = {**CONTOSO, "accepted_domains": ["fabrikam.com"]}


def rows_of(*rules: Values, budget: int = CONFLICTS) -> list[Values]:
    return [row.as_row() for row in policy_rows(policy(rules, TENANT, NOW, budget))]


def test_rules_for_other_mail_are_not_named_where_there_are_guests() -> None:
    """A guest who sends might be inside and outside (U20): that is not usual mail."""
    facts = {**TENANT, "mail_users": ["guest@fabrikam.com"]}
    incoming = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    rules = [
        rule("Forwards", {**OUTGOING, "message_type_matches": "AutoForward"}, {"delete_message": True}),
        ALL,
        rule("Answers", {**incoming, "message_type_matches": "PermissionControlled"}, {"remove_ome_v2": True}),
    ]
    (said,) = (row.text for row in policy_rows(policy(rules, facts, NOW)) if row.kind == "decrypted")
    assert said == (
        "All mail of the type PermissionControlled from outside to people inside that arrives protected by the"
        " organization's own keys is decrypted ('Answers')."
    )


def said_of(*rules: Values) -> list[PolicyRow]:
    return policy_rows(policy(rules, TENANT, NOW, CONFLICTS))


def texts(*rules: Values) -> list[str]:
    return [row["text"] for row in rows_of(*rules) if row["kind"] != "unknown"]


SENTENCES: dict[str, tuple[Values, list[str]]] = {
    "encrypts": (ENCRYPT, ["All mail from inside to people outside is encrypted with 'Encrypt' ('R')."]),
    "rejects": ({"reject_message_reason_text": "No."}, ["All mail from inside to people outside is rejected ('R')."]),
    "deletes": ({"delete_message": True}, ["All mail from inside to people outside is deleted ('R')."]),
    "quarantines": ({"quarantine": True}, ["All mail from inside to people outside goes into quarantine ('R')."]),
    "asks": (
        {"moderate_message_by_user": ["bob@contoso.com"]},
        ["All mail from inside to people outside waits for approval by bob@contoso.com ('R')."],
    ),
    "copies": (
        {"blind_copy_to": ["joe@northwind.com"]},
        ["All mail from inside to people outside also reaches joe@northwind.com ('R')."],
    ),
    "reports": (
        {"generate_incident_report": "joe@northwind.com", "incident_report_content": ["AttachOriginalMail"]},
        ["All mail from inside to people outside is reported to joe@northwind.com with the original mail ('R')."],
    ),
}


@pytest.mark.parametrize("what", SENTENCES)
def test_what_a_rule_does(what: str) -> None:
    actions, said = SENTENCES[what]
    assert texts(rule("R", OUTGOING, actions)) == said


def test_the_most_important_comes_first_whatever_the_order_of_rules() -> None:
    rules = [
        rule("Copies", subject("offer"), {"blind_copy_to": ["joe@northwind.com"]}),
        rule("Rejects", {**IN, **subject("virus")}, {"reject_message_reason_text": "No."}),
        ALL,
    ]
    kinds = [row["kind"] for row in rows_of(*rules) if row["kind"] != "unknown"]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert kinds[:2] == ["encrypted", "rejected"]
    assert "copied" in kinds
    assert [row["kind"] for row in rows_of(*reversed(rules)) if row["kind"] != "unknown"] == kinds


def test_a_rule_that_stops_keeps_a_branding_from_mail_that_its_sender_has_encrypted() -> None:
    stops = rule("Stops", {**OUTGOING, "from": ["megan@contoso.com"]}, {"stop_rule_processing": True})
    brands = rule("Brands", OUTGOING, {**ENCRYPT, "apply_rights_protection_customization_template": "Board"})
    (row,) = [row for row in rows_of(stops, brands) if row["kind"] == "branded"]
    assert row["unless"] == [{"rule": "Stops", "how": "stops"}]


def test_a_rule_that_stops_what_it_encrypts_alike_itself_keeps_no_mail_from_that() -> None:
    marked = rule("Marked", {**OUTGOING, "subject_contains_words": ["secure"]}, {**ENCRYPT, **STOP})
    partner = rule("Partner", {**OUTGOING, "recipient_domain_is": ["partner.com"]}, ENCRYPT)
    plain = {**marked, "actions": STOP}
    said, unless = (texts(each, partner)[-1] for each in (marked, plain))
    assert said == "All mail from inside to people outside at partner.com is encrypted with 'Encrypt' ('Partner')."
    assert "is encrypted with 'Encrypt', unless 'Marked' stops processing first ('Partner')" in unless


def test_rules_that_do_the_same_share_a_sentence() -> None:
    report = {"generate_incident_report": "joe@northwind.com"}
    rows = said_of(rule("One", OUTGOING, report), rule("Two", OUTGOING, report))
    assert [(row.text, row.rules) for row in rows] == [
        ("All mail from inside to people outside is reported to joe@northwind.com ('One' and 'Two').", ("One", "Two"))
    ]
    assert list(policy_lines(rows)) == ["What the rules do, the most important first:", f"  {rows[0].text}"]


def test_rules_that_differ_in_one_condition_share_a_sentence() -> None:
    partners = [
        rule(f"P{number}", {**OUTGOING, "recipient_domain_is": [f"p{number}.example"]}, ENCRYPT) for number in range(3)
    ]
    secure = rule("Secure", {**OUTGOING, **subject("secure")}, ENCRYPT)
    (together, alone) = rows_of(partners[0], secure, *partners[1:])
    assert together["text"].startswith(
        "All mail from inside to people outside at p0.example, p1.example or p2.example is encrypted with 'Encrypt'"
    )
    assert together["text"].endswith("('P0', 'P1' and 'P2').")
    assert alone["rules"] == ["Secure"]


def test_a_template_that_may_not_win_is_not_said_to_be_that_of_all_mail() -> None:
    other = rule("Other", {**OUTGOING, **subject("offer")}, {"apply_rights_protection_template": "Do Not Forward"})
    with_words, its_own = rows_of(ALL, other)
    assert with_words["text"] == (
        "Mail from inside to people outside is encrypted with 'Encrypt', unless 'Other' asks for another template ('All')."
    )
    assert its_own["unless"] == [{"rule": "All", "how": "asks"}]
    elsewhere = {**other, "conditions": {**IN, "sent_to_scope": "InOrganization"}}
    assert "All mail from inside to people outside is encrypted with 'Encrypt' ('All')." in texts(ALL, elsewhere)
    rejects = rule("Rejects", {**OUTGOING, **subject("virus")}, {"reject_message_reason_text": "No."})
    assert "another template" not in " ".join(texts(ALL, rejects))


def test_a_rule_between_groups_surely_does_what_a_message_between_their_members_shows() -> None:
    between = {"between_member_of_1": ["sales@contoso.com"], "between_member_of_2": ["law@contoso.com"]}
    wall = rule("Wall", between, {"reject_message_reason_text": "No."})
    groups = {"sales@contoso.com": ["megan@contoso.com"], "law@contoso.com": ["bob@contoso.com"]}
    for members in (groups, {}):  # Who is in a group that is not given may be anybody.
        (known,) = policy_rows(policy([wall], {**TENANT, "groups": members}, NOW))
        assert (known.kind, known.unknown) == ("rejected", ())
    found = policy_rows(policy([wall], {**TENANT, "groups": {**groups, "law@contoso.com": []}}, NOW))
    assert all(row.kind == "unknown" and "not_found" not in row.unknown for row in found)


def test_whom_mail_is_redirected_to_gets_it_instead() -> None:
    assert texts(rule("R", OUTGOING, {"redirect_message_to": ["joe@northwind.com"]})) == [
        "All mail from inside to people outside is redirected and reaches joe@northwind.com instead ('R')."
    ]


def test_what_a_rule_may_do_is_no_more_than_it_does() -> None:
    unknown = {key: value for key, value in TENANT.items() if key != "managers"}
    who = "from inside to people outside whose sender has a manager"
    adds = rule("R", OUTGOING, {"add_manager_as_recipient_type": "Bcc"})
    assert rows_of(adds) == []
    rejects = rule("J", {**OUTGOING, **subject("virus")}, {"reject_message_reason_text": "No."})
    asks = rule("A", {**OUTGOING, **subject("offer")}, {"moderate_message_by_user": ["bob@contoso.com"]})
    redirects = {**rejects, "actions": {"add_manager_as_recipient_type": "Redirect"}}
    names_one = {**rejects, "actions": {"copy_to": ["bob@contoso.com"]}}
    for rules in ([adds, rejects], [adds, asks], [asks, adds], [adds, redirects], [names_one, adds]):
        rows = [row for row in policy_rows(policy(rules, unknown, NOW)) if row.rules == ("R",)]
        assert [row.text for row in rows] == [f"Mail {who} may also reach the sender's manager (U09) ('R')."]


def test_a_known_manager_gets_what_anybody_gets_whom_a_rule_names() -> None:
    """It said "may also reach the sender's manager (U09)" of a manager whom the simulator knows."""
    managed = {**TENANT, "managers": {"megan@contoso.com": "bob@contoso.com"}}
    mail = "ail from inside to people outside whose sender has a manager also reaches the sender's manager"
    adds = rule("R", OUTGOING, {"add_manager_as_recipient_type": "Bcc"})
    rejects = rule("J", {**OUTGOING, **subject("virus")}, {"reject_message_reason_text": "No."})
    asks = rule("A", {**OUTGOING, **subject("offer")}, {"moderate_message_by_user": ["ann@contoso.com"]})
    deletes = rule("D", {**IN, **subject("virus")}, {"delete_message": True})
    for rules, expected in (
        ([adds, rejects], f"All m{mail} ('R')."),
        ([rejects, adds], f"M{mail}, unless one of the two copies is rejected by 'J' ('R')."),
        ([asks, adds], f"M{mail}, unless one of the two copies is held for approval by 'A' ('R')."),
        ([adds, deletes], f"M{mail}, unless one of the two copies is deleted by 'D' ('R')."),
    ):
        rows = [row for row in policy_rows(policy(rules, managed, NOW)) if row.rules == ("R",)]
        assert [row.text for row in rows] == [expected]


@pytest.mark.parametrize("managers", [{"megan@contoso.com": "bob@contoso.com"}, None])
def test_a_manager_surely_gets_mail_that_no_later_rule_can_keep_back(managers: dict[str, str] | None) -> None:
    facts = {key: value for key, value in TENANT.items() if key != "managers"}
    facts |= {} if managers is None else {"managers": managers}
    adds = rule("R", OUTGOING, {"add_manager_as_recipient_type": "Bcc"})
    (also,) = policy_rows(policy([adds], facts, NOW))
    assert (also.kind, also.unknown, also.text) == (
        "copied",
        (),
        "All mail from inside to people outside whose sender has a manager also reaches the sender's manager ('R').",
    )
    redirects = rule("R", OUTGOING, {"add_manager_as_recipient_type": "Redirect"})
    assert [row.unknown for row in policy_rows(policy([redirects], facts, NOW))] == [()]
    stops = rule("S", {**OUTGOING, **subject("offer")}, {"stop_rule_processing": True})
    (*_others, unless) = policy_rows(policy([stops, adds], facts, NOW))
    assert [(each.rule, each.how) for each in unless.unless] == [("S", "stops")]


def test_what_is_approved_first_is_said_to_be() -> None:
    asks = rule("Asks", OUTGOING, {"moderate_message_by_user": ["bob@contoso.com"]})
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["joe@northwind.com"]})
    assert (
        "All mail from inside to people outside also reaches joe@northwind.com once it is approved ('Copies')."
        in texts(asks, copies)
    )
    some = {**asks, "conditions": {**OUTGOING, **subject("offer")}}
    assert (
        "Mail from inside to people outside also reaches joe@northwind.com, unless one of the two copies is held for approval by 'Asks' ('Copies')."
        in texts(some, copies)
    )
    rows = [row for row in rows_of(asks, copies) if row["kind"] == "moderated"]
    assert [row.get("unless") for row in rows] == [None]


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ({"generate_incident_report": "bob@contoso.com", "incident_report_content": ["Sender"]}, "report"),
        ({"generate_notification": "<p>Hello</p>"}, "notification"),
    ],
)
def test_what_is_told_of_mail_that_an_earlier_rule_holds_is_told_after_the_approval(actions: Values, kind: str) -> None:
    asks = rule("Asks", {**OUTGOING, **subject("offer")}, {"moderate_message_by_user": ["bob@contoso.com"]})
    every, tells = {**asks, "conditions": OUTGOING}, rule("Tells", OUTGOING, actions)

    def said(*rules: Values) -> Statement:
        (found,) = (said for said in policy(rules, TENANT, NOW).statements if said.effect.kind == kind)
        return found

    assert said(asks, tells).exempting == (Exempting("Asks", "holds"),)
    assert (said(every, tells).approved, said(every, tells).exempting) == (True, ())
    for later in (asks, every):
        assert (said(tells, later).approved, said(tells, later).exempting) == (False, ())


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"conditions": {"recipient_domain_is": ["fabrikam.com", "@adatum.com"]}}, "All mail to fabrikam.com"),
        (
            {"exceptions": {"from": ["bob@contoso.com", "*@adatum.com"]}},
            "All mail, except mail from bob@contoso.com,",
        ),
        ({"exceptions": {"from": ["*@adatum.com"]}}, "All mail"),
    ],
)
def test_nothing_is_said_of_a_value_that_matches_no_mail(section: Values, said: str) -> None:
    rejects = {**rule("R", {}, {"reject_message_reason_text": "No."}), **section}
    assert texts(rejects) == [f"{said} is rejected ('R')."]


def test_mail_into_which_a_disclaimer_does_not_fit_is_named() -> None:
    disclaimer = {
        "apply_html_disclaimer_text": "x",
        "apply_html_disclaimer_location": "Append",
        "apply_html_disclaimer_fallback_action": "Reject",
    }
    assert texts(rule("D", OUTGOING, disclaimer)) == [
        "All mail from inside to people outside into which its disclaimer does not fit is rejected ('D')."
    ]


def test_a_rule_that_sends_mail_on_in_clear_to_the_people_of_a_sentence_is_named() -> None:
    board = rule("Board", {**IN, "sent_to": ["megan@contoso.com"]}, ENCRYPT)
    sends_on = rule("Home", {"sent_to": ["ceo@example.org"]}, {"redirect_message_to": ["megan@contoso.com"]})
    assert texts(board, sends_on)[0] == (
        "Mail from inside to megan@contoso.com is encrypted with 'Encrypt', unless 'Home' sends it on to them ('Board')."
    )
    for_all = rule("Inside", {**IN, "sent_to_scope": "InOrganization"}, ENCRYPT)
    assert (
        texts(for_all, sends_on)[0] == "All mail from inside to people inside is encrypted with 'Encrypt' ('Inside')."
    )
    elsewhere = {**sends_on, "actions": {"redirect_message_to": ["bob@contoso.com"]}}
    assert "sends it on" not in " ".join(texts(board, elsewhere))


def test_who_still_shares_a_copy_is_said_once_whatever_rules_split_it() -> None:
    splits = rule("Splits", {**IN, "sent_to": ["bob@contoso.com"]}, {"set_audit_severity": "High"})
    but_for_union = {
        **rule("Inside", {**IN, "sent_to_scope": "InOrganization"}, ENCRYPT),
        "exceptions": {"any_of_cc_header": ["union@contoso.com"]},
    }
    assert texts(splits, but_for_union) == [
        "All mail from inside to people inside, except mail with union@contoso.com in its Cc field (still in the same copy),"
        " is encrypted with 'Encrypt' ('Inside')."
    ]


def test_how_mail_leaves_is_said_with_one_verb() -> None:
    connector = {
        "name": "Gate",
        "connector_type": "Partner",
        "is_transport_rule_scoped": True,
        "recipient_domains": ["*"],
    }
    facts = {**TENANT, "outbound_connectors": [{**connector, "tls_settings": "EncryptionOnly"}]}
    routes = rule("Route", OUTGOING, {"route_message_outbound_connector": "Gate"})
    (said,) = policy_rows(policy([routes], facts, NOW))
    assert said.text == (
        "All mail from inside to people outside leaves by forced TLS and through the connector 'Gate' ('Route')."
    )


def test_mail_may_leave_through_a_connector_where_another_one_takes_it_too() -> None:
    gate = {"name": "Gate", "is_transport_rule_scoped": True, "tls_settings": "EncryptionOnly"}
    other = {
        "name": "Other",
        "recipient_domains": ["northwind.com", "*.northwind.com"],
        "tls_settings": "EncryptionOnly",
    }
    facts = {**TENANT, "outbound_connectors": [gate, other]}
    routes = rule(
        "Route", {**IN, "recipient_domain_is": ["northwind.com"]}, {"route_message_outbound_connector": "Gate"}
    )
    assert [row.text for row in policy_rows(policy([routes], facts, NOW))] == [
        "Mail from inside to northwind.com may leave through the connector 'Gate' (U32) ('Route').",
    ]


WRAPPED = {"apply_html_disclaimer_text": "x"}


@pytest.mark.parametrize(
    ("actions", "conditions", "does", "text"),
    [
        (
            WRAPPED,
            {**OUTGOING, "attachment_size_over": "25MB"},
            {"reject_message_reason_text": "No."},
            "All mail from inside to people outside with an attachment over 25MB (as 'First' leaves it) is rejected ('R').",
        ),
        (
            WRAPPED,
            {**IN, "subject_or_body_contains_words": ["breach"]},
            {"generate_incident_report": "dpo@contoso.com"},
            "All mail from inside with 'breach' in its subject or text (as 'First' leaves it) is reported to dpo@contoso.com ('R').",
        ),
        (
            {"set_header_name": "X-Mark", "set_header_value": "1"},
            {**IN, "header_contains_message_header": "X-Mark", "header_contains_words": ["1"]},
            ENCRYPT,
            "All mail from inside with '1' in the header X-Mark (as 'First' leaves it) is encrypted with 'Encrypt' ('R').",
        ),
    ],
)
def test_a_sentence_keeps_its_condition_and_says_who_changes_it(
    actions: Values, conditions: Values, does: Values, text: str
) -> None:
    assert text in texts(rule("First", IN, actions), rule("R", conditions, does))


def test_a_condition_about_all_who_share_a_copy_says_that_rules_split_it_before() -> None:
    """Mail for somebody at fabrikam.com and others is split: the others' copy is not for anybody there, and is not rejected."""
    split = rule("Split", {"recipient_domain_is": ["fabrikam.com"]}, STOP)
    block = rule(
        "Block", {"any_of_recipient_address_contains_words": ["fabrikam"]}, {"reject_message_reason_text": "No."}
    )
    (said,) = [each for each in policy([split, block], TENANT).statements if each.effect.kind == "rejected"]
    assert list(said.changed.values()) == [BY_SPLITS]
    (said,) = [each for each in policy([block, split], TENANT).statements if each.effect.kind == "rejected"]
    assert said.changed == {}


def test_a_rule_that_keeps_no_mail_from_it_is_not_named() -> None:
    """A prefix and a disclaimer end nothing."""
    first = rule("Tag", {"from_scope": "NotInOrganization"}, {"prepend_subject": "[EXT] "})
    copies = rule("Copies", {"sent_to": ["bob@contoso.com"]}, {"blind_copy_to": ["joe@northwind.com"]})
    assert texts(first, copies) == ["All mail to bob@contoso.com also reaches joe@northwind.com ('Copies')."]
    assert texts(rule("Disclaimer", IN, WRAPPED), rule("No", OUTGOING, {"reject_message_reason_text": "No."})) == [
        "All mail from inside to people outside is rejected ('No')."
    ]


def test_a_limit_of_size_makes_delivery_no_question() -> None:
    limit = rule("Limit", {"message_size_over": "25MB"}, {"reject_message_reason_text": "No."})
    assert [(row["kind"], row.get("unless")) for row in rows_of(limit, ALL)] == [
        ("encrypted", [{"rule": "Limit", "how": "rejects"}]),
        ("rejected", None),
    ]


def test_what_keeps_mail_from_it_is_named_by_reason_and_the_others_in_a_table() -> None:
    words = ("one", "two", "three", "four", "five")
    blocks = [rule(f"B{word}", {**IN, **subject(word)}, {"reject_message_reason_text": "No."}) for word in words[:4]]
    stops = rule("Stops", {**OUTGOING, **subject("five")}, {"stop_rule_processing": True})
    rows = said_of(stops, *blocks, ALL)
    (encrypted,) = [row for row in rows if row.kind == "encrypted"]
    assert (
        "unless it is rejected by 'Bone', 'Btwo' or 2 other rules, or 'Stops' stops processing first" in encrypted.text
    )
    assert [each.rule for each in encrypted.unless] == ["Stops", "Bone", "Btwo", "Bthree", "Bfour"]
    assert [(each.rule, each.rules) for each in kept_rows(rows)] == [("Bthree", ("All",)), ("Bfour", ("All",))]
    assert "  'Bfour' rejects mail of 'All'." in list(policy_lines(rows))


def test_rules_that_end_mail_of_many_are_said_once() -> None:
    """A sentence names what is special to it; a table has the rules that reject mail of all."""
    words = ("one", "two", "three", "four")
    blocks = [rule(f"B{word}", {**IN, **subject(word)}, {"reject_message_reason_text": "No."}) for word in words]
    stops = rule("Stops", {**OUTGOING, **subject("five")}, {"stop_rule_processing": True})
    copies = [
        rule(
            f"C{word}",
            {**OUTGOING, "recipient_domain_is": [f"{word}.example"]},
            {"blind_copy_to": [f"{word}@contoso.com"]},
        )
        for word in words
    ]
    rows = said_of(*blocks, stops, *copies, ALL)
    (encrypted,) = [row for row in rows if row.kind == "encrypted"]
    assert "unless it is rejected by one of 4 rules, or 'Stops' stops processing first" in encrypted.text
    assert [(each.rule, each.how) for each in encrypted.unnamed] == [(f"B{word}", "rejects") for word in words]
    kept = kept_rows(rows)
    assert [(each.rule, each.how) for each in kept] == [(each.rule, each.how) for each in encrypted.unnamed]
    assert all("All" in each.rules for each in kept)


def test_all_that_a_rule_does_to_the_same_mail_is_one_sentence() -> None:
    both = {**ENCRYPT, "blind_copy_to": ["joe@northwind.com"], "generate_incident_report": "dpo@contoso.com"}
    assert texts(rule("R", OUTGOING, both)) == [
        "All mail from inside to people outside is encrypted with 'Encrypt', also reaches joe@northwind.com and is "
        "reported to dpo@contoso.com ('R')."
    ]


def test_no_rules_and_disabled_ones_do_nothing() -> None:
    assert rows_of() == rows_of({**ALL, "enabled": False}) == []
    assert list(policy_lines([])) == [
        "No rule encrypts, decrypts, rejects, deletes, holds, redirects, copies, brands, reports, routes or marks mail."
    ]


def test_what_is_open_and_what_is_left_out_is_said() -> None:
    assert [row["kind"] for row in rows_of(rule("R", {**IN, "subject_matches_patterns": [r"\bx"]}, ENCRYPT))] == [
        "unknown"
    ]
    more = [rule(f"More {number}", {**OUTGOING, "from": ["bob@contoso.com"]}, STOP) for number in range(4)]
    assert [row["text"] for row in rows_of(ALL, budget=1)][
        -1
    ] == "This is not all that 'All' does: the rules are too complex."
    assert [row["text"] for row in rows_of(ALL, *more, budget=1)][-1] == (
        "This is not all that 'All', 'More 0', 'More 1' and 2 others do: the rules are too complex."
    )
    with bounded(100, share=1):  # It does not even begin.
        (row,) = rows_of(ALL)
    assert row["text"] == "This is not all: there are too many rules, or the rules are too complex."


@pytest.mark.parametrize("seed", seeds(4))
def test_there_are_words_for_all_that_random_rules_do(seed: int) -> None:
    rows = rows_of(*rule_set(random.Random(f"policy {seed}")))
    assert [
        row
        for row in rows
        if row["kind"] not in KINDS or not row["text"].endswith(".") or " now " in row["text"].split(" (")[0]
    ] == []


def test_two_organizations_are_compared_each_with_its_own_facts() -> None:
    there = RulesWithFacts(RuleSet([{**ALL, "name": "There"}]), FABRIKAM)
    here = RulesWithFacts(
        RuleSet([rule("Bank", {**OUTGOING, "recipient_domain_is": ["bank.example"]}, ENCRYPT)]), CONTOSO
    )
    contrasted = contrast_row(contrast(there, here, NOW))
    found = contrasted.as_row()
    plain = {
        row["destination"]: (row["before"]["protected"], row["after"]["protected"])
        for row in found["overview"]
        if row["kind_of_mail"] == "from_inside"
    }
    assert plain == {"everybody else": ("always", "never")}
    assert [row["rules"] for row in found["only_before"]] == [["There"]]
    assert [row["rules"] for row in found["only_after"]] == [["Bank"]]
    assert (
        "  Mail from inside to everybody else: before, always protected by rules or forced TLS; after, never protected by rules or forced TLS."
        in list(contrast_lines(contrasted))
    )


def test_the_same_rules_under_other_names_in_two_organizations_are_no_difference() -> None:
    pair = [
        RulesWithFacts(RuleSet([{**ALL, "name": name}]), facts) for name, facts in (("One", CONTOSO), ("Two", FABRIKAM))
    ]
    alike, *unknown = contrast_lines(contrast_row(contrast(pair[0], pair[1], NOW)))
    assert alike == "The two organizations treat mail alike, as far as this compares."
    assert "  Unknown of both: Automatic replies to everybody else." in unknown


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"tls_settings": "EncryptionOnly"}, {"tls_settings": "DomainValidation", "tls_domain": "bank.example"}),
        ({"tls_domain": "bank.example"}, {"tls_domain": "other.example"}),
        ({"use_mx_record": False, "smart_hosts": ["gate.example"]}, {}),
    ],
)
def test_connectors_that_differ_are_not_said_to_be_alike(there: dict[str, Any], here: dict[str, Any]) -> None:
    forced = {"name": "All", "recipient_domains": ["*"], "tls_settings": "DomainValidation"}
    pair = [
        RulesWithFacts(RuleSet([]), {**facts, "outbound_connectors": [{**forced, **each}]})
        for facts, each in ((CONTOSO, there), (FABRIKAM, here))
    ]
    row = contrast_row(contrast(pair[0], pair[1], NOW))
    assert (row.overview, row.only_before, row.only_after) == ((), (), ())
    assert [text.split(".")[0] for text in row.not_compared] == ["The outbound connectors differ"]
    first, *lines = contrast_lines(row)
    assert first == "Nothing that is compared of the two organizations differs, but their settings do:"
    assert f"  Not compared: {row.not_compared[0]}" in lines


def test_only_settings_that_differ_are_named() -> None:
    alike = [{"name": name, "recipient_domains": ["*"]} for name in ("One", "Two")]
    pair = [
        RulesWithFacts(RuleSet([]), {**facts, "outbound_connectors": [each]})
        for facts, each in zip((CONTOSO, FABRIKAM), alike, strict=True)
    ]
    assert contrast(pair[0], pair[1], NOW).settings == ()
    others = {
        "irm_configuration": {"enable_pdf_encryption": False},
        "remote_domains": [{"name": "x.example", "is_internal": True}],
    }
    there = RulesWithFacts(RuleSet([]), {**pair[1].facts, **others})
    assert contrast(pair[0], there, NOW).settings == ("irm_configuration", "remote_domains")


def test_what_is_unknown_of_both_organizations_is_not_said_to_be_alike() -> None:
    odd = rule("R", {**IN, "subject_matches_patterns": [r"\bx"]}, ENCRYPT)
    pair = [RulesWithFacts(RuleSet([odd]), facts) for facts in (CONTOSO, FABRIKAM)]
    row = contrast_row(contrast(pair[0], pair[1], NOW))
    assert (row.overview, row.only_before, row.only_after) == ((), (), ())
    assert "Mail from inside to everybody else." in row.unknown
    assert row.unknown[-1].endswith("may be encrypted with 'Encrypt' (U18) ('R').")
    alike, *unknown = contrast_lines(row)
    assert alike == "The two organizations treat mail alike, as far as this compares."
    assert unknown == [f"  Unknown of both: {text}" for text in row.unknown]


def test_another_organization_has_other_domains() -> None:
    none = RuleSet([])
    assert another_organization(none, FABRIKAM, CONTOSO) == RulesWithFacts(none, FABRIKAM)
    assert another_organization(None, FABRIKAM, CONTOSO) is None
    assert (
        another_organization(
            none, {**CONTOSO, "accepted_domains": [{"name": "Contoso.com", "type": "Authoritative"}]}, CONTOSO
        )
        is None
    )
    assert another_organization(none, {}, CONTOSO) is None


def test_only_the_rules_that_decide_are_named() -> None:
    """A rule that has nothing to do with it is not blamed, wherever it stands."""
    newsletter = rule("Newsletter", {**OUTGOING, **subject("newsletter")}, {"stop_rule_processing": True})
    unrelated = rule("Unrelated", {**OUTGOING, **subject("offer")}, {"prepend_subject": "Offer: "})
    for before in ([newsletter], [unrelated, newsletter], [newsletter, unrelated]):
        (row,) = rows_of(*before, ALL)
        assert row["unless"] == [{"rule": "Newsletter", "how": "stops"}]


def test_several_rules_ask_and_one_of_them_asks() -> None:
    asking = [Exempting(f"R{number}", "asks") for number in range(5)]
    assert unless_words(asking).endswith("'R2' or 2 other rules ask for another template")
    assert unless_words(asking[:1]).endswith("'R0' asks for another template")
    assert unless_words(asking, often=asking).endswith("one of 5 rules asks for another template")


def test_a_rule_alone_in_its_way_and_tense_is_named() -> None:
    ending = [Exempting(f"R{number}", "rejects") for number in range(3)]
    holding = [Exempting("Now", "holds"), Exempting("Former", "holds", before=True)]
    assert "or held for approval by 'Now', or it was held for approval by 'Former' before" in unless_words(
        [*ending, *holding]
    )


_REJECTING_DISCLAIMER = {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Reject"}
_MARKED = rule("Marked", {**OUTGOING, "subject_contains_words": ["secret"]}, ENCRYPT)


def _kept_from_encryption(*rules: Values) -> list[tuple[str, str]]:
    """The rules that keep mail of the rule 'Marked' from encryption, and how."""
    (said,) = [each for each in policy(rules, TENANT, NOW).statements if each.rule.name == "Marked"]
    return [(each.rule, each.how) for each in said.exempting]


def test_a_rule_that_rejects_some_of_its_mail_hides_no_other_that_keeps_the_rest_from_an_effect() -> None:
    """A disclaimer fits into most mail, which is not rejected, and may get the other template."""
    template = {"apply_rights_protection_template": "Confidential"}
    managers = rule("Managers", {**OUTGOING, "from": ["megan@contoso.com"]}, template)
    disclaimer = rule("Disclaimer", OUTGOING, _REJECTING_DISCLAIMER)
    found = _kept_from_encryption(_MARKED, managers, disclaimer)
    assert found == [("Disclaimer", "rejects"), ("Managers", "asks")]


def test_a_rule_that_rejects_some_of_its_mail_may_stop_the_rules_for_the_rest() -> None:
    conditions = {**IN, "recipient_domain_is": ["fabrikam.com"]}
    disclaimer = rule("Disclaimer", conditions, {**_REJECTING_DISCLAIMER, "stop_rule_processing": True})
    assert _kept_from_encryption(disclaimer, _MARKED) == [("Disclaimer", "stops")]


def test_of_two_copies_that_rules_may_keep_back_the_reasons_say_that_it_may_be_either() -> None:
    rejects = rule("Rejects", {**OUTGOING, "subject_contains_words": ["a"]}, {"reject_message_reason_text": "No."})
    deletes = rule("Deletes", {**OUTGOING, "subject_contains_words": ["b"]}, {"delete_message": True})
    copies = rule("Copies", OUTGOING, {"blind_copy_to": ["bob@contoso.com"]})
    assert (
        "Mail from inside to people outside also reaches bob@contoso.com, unless one of the two copies is rejected by 'Rejects',"
        " or deleted by 'Deletes' ('Copies')."
    ) in texts(rejects, deletes, copies)


def test_a_rule_that_redirects_mail_to_managers_keeps_mail_of_managed_senders_only() -> None:
    to_manager = rule("To manager", OUTGOING, {"add_manager_as_recipient_type": "Redirect"})
    managers = rule("Managers", OUTGOING, {"apply_rights_protection_template": "Confidential"})
    assert ("Managers", "asks") in _kept_from_encryption(_MARKED, managers, to_manager)
