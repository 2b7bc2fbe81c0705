# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do beside protecting and delivering mail is a difference, too: reports, notifications, approvals,
connectors, TLS and decrypted attachments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import policy
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_rows

from tests.unit.mail_flow.answers import difference, difference_lines
from tests.unit.mail_flow.asking import ALL, ENCRYPT, ENCRYPTING, IN, NOW, OUTGOING, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

WHERE = {**IN, "subject_contains_words": ["deal"]}
TOLD = {"generate_incident_report": "soc@evil.example", "incident_report_content": ["Sender", "AttachOriginalMail"]}
REPORT = rule("Report", WHERE, TOLD)
CONNECTOR = rule("Connector", OUTGOING, {"route_message_outbound_connector": "Gate"})
TLS = rule("TLS", OUTGOING, {"route_message_outbound_require_tls": True})
DECRYPTS = rule("Decrypts", IN, {"remove_ome_v2": True, "remove_rms_attachment_encryption": True})
STOPS = rule("Stops", WHERE, STOP)
REJECTS = rule("Rejects", OUTGOING, {"reject_message_reason_text": "no"})
DELETES = rule("Deletes", OUTGOING, {"delete_message": True})
SOME_DELETES = rule("Deletes", {**OUTGOING, "subject_contains_words": ["deal"]}, {"delete_message": True})
NOTHING = "The rule changes do not affect who gets mail, how it is protected, and who is told of it."


def asks(who: str) -> Values:
    return rule("Asks", IN, {"moderate_message_by_user": [who]})


GATE = {"name": "Gate", "connector_type": "Partner", "is_transport_rule_scoped": True, "recipient_domains": ["*"]}
NORTHWIND = {"name": "Northwind", "connector_type": "Partner", "recipient_domains": ["northwind.com"]}


def changed_with(connectors: Sequence[Values], before: Sequence[Values], after: Sequence[Values]) -> list[Values]:
    facts = {**TENANT, "outbound_connectors": connectors}
    return list(difference(before, after, facts, NOW).rows)


def told(before: Sequence[Values], after: Sequence[Values]) -> list[tuple[str, str, bool]]:
    rows = changed_with([GATE], before, after)
    return [
        (each["kind"], each["name"], each["now"])
        for row in rows
        if row["kind"] == "side_effect_changed"
        for each in row["side_effects"]
    ]


@pytest.mark.parametrize(
    ("before", "after", "effects"),
    [
        ([ALL], [REPORT, ALL], [("original", "soc@evil.example", True)]),
        ([REPORT], [], [("original", "soc@evil.example", False)]),
        (
            [REPORT],
            [{**REPORT, "actions": {**TOLD, "incident_report_content": ["Sender"]}}],
            [("report", "soc@evil.example", True), ("original", "soc@evil.example", False)],
        ),
        ([ENCRYPTING], [{**ENCRYPTING, "actions": {**ENCRYPT, **TOLD}}], [("original", "soc@evil.example", True)]),
        ([REPORT], [STOPS, REPORT], [("original", "soc@evil.example", False)]),
        ([{**REPORT, "state": "Disabled"}], [REPORT], [("original", "soc@evil.example", True)]),
        ([{**REPORT, "conditions": IN}], [REPORT], [("original", "soc@evil.example", False)]),
        ([CONNECTOR, TLS], [TLS], [("connector", "Gate", False)]),
        ([CONNECTOR], [CONNECTOR, TLS], [("tls", "", True)]),
        ([rule("Decrypts", IN, {"remove_ome_v2": True})], [DECRYPTS], [("attachments", "", True)]),
        ([DECRYPTS], [{**DECRYPTS, "actions": {"remove_ome_v2": True}}], [("attachments", "", False)]),
        ([rule("N", IN, {})], [rule("N", IN, {"generate_notification": "Stay calm"})], [("notification", "", True)]),
        (
            [asks("bob@contoso.com")],
            [asks("x@evil.example")],
            [("approval", "x@evil.example", True), ("approval", "bob@contoso.com", False)],
        ),
        (
            [asks("bob@contoso.com")],
            [asks("megan@contoso.com")],
            [("approval", "megan@contoso.com", True), ("approval", "bob@contoso.com", False)],
        ),
        ([], [asks("x@evil.example")], [("approval", "x@evil.example", True)]),
        ([], [asks("bob@contoso.com")], []),  # That it waits says it.
        ([SOME_DELETES], [CONNECTOR, SOME_DELETES], [("connector", "Gate", True)]),
        (
            [REJECTS],
            [REPORT, REJECTS],
            [("original", "soc@evil.example", True)],
        ),  # Somebody is told of it all the same.
    ],
)
def test_a_change_of_what_rules_do_beside_is_told(
    before: Sequence[Values], after: Sequence[Values], effects: Sequence[tuple[str, str, bool]]
) -> None:
    assert told(before, after) == effects
    assert NOTHING not in difference_lines(compared(before, after))


@pytest.mark.parametrize(
    ("connectors", "conditions", "certain"),
    [
        ([GATE], OUTGOING, True),
        ([GATE, NORTHWIND], OUTGOING, True),  # Of mail to others it is certain.
        ([GATE, NORTHWIND], {**IN, "sent_to": ["kim@northwind.com"]}, False),
        ([{**GATE, "enabled": False}], OUTGOING, False),
        ([], OUTGOING, False),
    ],
    ids=["alone", "beside another", "of another", "disabled", "not there"],
)
def test_mail_surely_leaves_through_a_connector_only_if_no_other_takes_it(
    connectors: Sequence[Values], conditions: Values, certain: bool
) -> None:
    rows = changed_with(connectors, [], [{**CONNECTOR, "conditions": conditions}])
    changed = [row for row in rows if row["kind"] == "side_effect_changed"]
    unknown = [row["text"] for row in rows if row["kind"] == "unknown" and "connector 'Gate' (U32)" in row["text"]]
    assert bool(changed) is certain
    assert certain or unknown


def test_an_edit_beside_a_connector_does_not_make_its_mail_leave_differently() -> None:
    rejects = rule("Rejects", {**OUTGOING, "subject_contains_words": ["deal"]}, {"reject_message_reason_text": "no"})
    routes = {**CONNECTOR, "conditions": {**IN, "recipient_domain_is": ["northwind.com"]}}
    rows = changed_with(
        [GATE, {**NORTHWIND, "recipient_domains": ["northwind.com", "*.northwind.com"]}], [rejects, routes], [routes]
    )
    assert [row["text"] for row in rows if "no longer leave through" in row["text"]] == []


@pytest.mark.parametrize("blocks", [REJECTS, DELETES], ids=["rejects", "deletes"])
@pytest.mark.parametrize(
    "does", [CONNECTOR, TLS, DECRYPTS, rule("Spam", OUTGOING, {"set_scl": 9})], ids=lambda does: str(does["name"])
)
def test_what_a_later_rule_blocks_takes_no_way(does: Values, blocks: Values) -> None:
    does = {**does, "conditions": OUTGOING}
    assert told([blocks], [does, blocks]) == []
    assert told([does, blocks], [blocks]) == []
    assert told([], [does, blocks]) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([REPORT], [{**REPORT, "name": "Other"}]),
        ([REPORT, ALL], [ALL, REPORT]),
        ([REPORT], [{**REPORT, "actions": {**TOLD, "set_audit_severity": "High"}}]),
        ([REPORT, TLS], [REPORT, TLS]),
        ([REPORT], [{**REPORT, "actions": {**TOLD, "generate_incident_report": "SOC@Evil.example"}}]),
        ([CONNECTOR], [{**CONNECTOR, "actions": {"route_message_outbound_connector": "GATE"}}]),
        ([asks("x@evil.example")], [asks("X@EVIL.example")]),
        ([{**TLS, "mode": "Audit"}], []),
    ],
    ids=[
        "another name",
        "another place",
        "another severity",
        "the same",
        "a person in capitals",
        "a connector in capitals",
        "a moderator in capitals",
        "only tried",
    ],
)
def test_what_stays_the_same_is_no_change(before: Sequence[Values], after: Sequence[Values]) -> None:
    found = compared(before, after)
    assert (found.rows, found.complete) == ([], True)
    assert difference_lines(found) == [NOTHING]


def rejects(text: str, code: str = "5.7.1") -> Values:
    return rule("R", WHERE, {"reject_message_reason_text": text, "reject_message_enhanced_status_code": code})


def disclaims(text: str, location: str = "Append", fallback: str = "Wrap") -> Values:
    actions = {"apply_html_disclaimer_text": text, "apply_html_disclaimer_location": location}
    return rule("D", OUTGOING, {**actions, "apply_html_disclaimer_fallback_action": fallback})


def notifies(text: str) -> Values:
    return rule("N", IN, {"generate_notification": text})


def scores(level: int) -> Values:
    return rule("S", OUTGOING, {"set_scl": level})


@pytest.mark.parametrize(
    ("before", "after", "effects", "said"),
    [
        ([], [scores(9)], [("spam", "9", True)], "may now be treated as spam (SCL 9)"),
        ([scores(6)], [], [("spam", "6", False)], "may no longer be treated as spam (SCL 6)"),
        ([], [scores(-1)], [("no_spam", "-1", True)], "is now marked as no spam (SCL -1)"),
        (
            [scores(-1)],
            [scores(5)],
            [("spam", "5", True), ("no_spam", "-1", False)],
            "may now be treated as spam (SCL 5)",
        ),
        ([STOPS, scores(9)], [scores(9)], [("spam", "9", True)], "may now be treated as spam (SCL 9)"),
        (
            [rejects("No.")],
            [rejects("Never.")],
            [("rejection_text", "Never.; 5.7.1", True)],
            "is now rejected with another text",
        ),
        (
            [rejects("No.")],
            [rejects("No.", "5.7.901")],
            [("rejection_text", "No.; 5.7.901", True)],
            "is now rejected with another text",
        ),
        (
            [rejects("No.")],
            [rejects("no.")],
            [("rejection_text", "no.; 5.7.1", True)],
            "is now rejected with another text",
        ),
        (
            [notifies("Calm")],
            [notifies("Alarm")],
            [("notification_text", "Alarm", True)],
            "now brings another notification",
        ),
        (
            [disclaims("Ours")],
            [disclaims("Theirs")],
            [("disclaimer_text", "Theirs; Append", True)],
            "now gets another disclaimer",
        ),
        (
            [disclaims("Ours")],
            [disclaims("Ours", "Prepend")],
            [("disclaimer_text", "Ours; Prepend", True)],
            "now gets another disclaimer",
        ),
        (
            [disclaims("Ours")],
            [disclaims("Ours", fallback="Ignore")],
            [("disclaimer_fallback", "Ignore", True)],
            "is now handled differently if its disclaimer does not fit",
        ),
    ],
)
def test_spam_and_other_texts_are_differences(
    before: Sequence[Values], after: Sequence[Values], effects: Sequence[tuple[str, str, bool]], said: str
) -> None:
    assert told(before, after) == effects
    lines = difference_lines(compared(before, after))
    assert NOTHING not in lines
    assert said in lines[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([rejects("No.")], [{**rejects("No."), "name": "Other"}]),
        ([scores(9)], [{**scores(9), "comments": "x"}]),
        ([scores(9)], [{**scores(9), "mode": "Audit"}, scores(9)]),
        ([notifies("Calm")], [notifies("Calm"), rule("Again", WHERE, {"generate_notification": "Calm"})]),
    ],
)
def test_the_same_texts_and_levels_are_no_difference(before: Sequence[Values], after: Sequence[Values]) -> None:
    assert compared(before, after).rows == []


def test_a_text_that_is_new_is_no_other_one() -> None:
    """That mail is rejected, or brings a notification, says it."""
    assert told([], [rejects("No.")]) == []
    assert [row["kind"] for row in compared([], [rejects("No.")]).rows] == ["delivery_lost"]
    assert told([], [notifies("Calm")]) == [("notification", "", True)]
    assert told([notifies("Calm")], []) == [("notification", "", False)]


def test_rules_about_spam_are_part_of_the_policy() -> None:
    rows = policy_rows(policy([scores(9)], TENANT, NOW))
    assert [(row.kind, row.text) for row in rows] == [
        ("marked", "All mail from inside to people outside may be treated as spam (SCL 9) ('S').")
    ]


@pytest.mark.parametrize("actions", [{"apply_classification": "Internal"}, {"prepend_subject": "[x] "}])
def test_what_is_not_compared_is_not_said_to_be_the_same(actions: Values) -> None:
    found = compared([ALL], [rule("Marks", IN, actions), ALL])
    (line,) = difference_lines(found)
    assert line == NOTHING
    assert line.endswith("who gets mail, how it is protected, and who is told of it.")


def test_names_are_shown_as_they_are_written() -> None:
    capitals = {**REPORT, "actions": {**TOLD, "generate_incident_report": "SOC@Evil.example"}}
    assert told([REPORT], []) == [("original", "soc@evil.example", False)]
    assert told([], [capitals]) == [("original", "SOC@Evil.example", True)]
    assert told([REPORT], [{**capitals, "conditions": IN}]) == [("original", "SOC@Evil.example", True)]


def test_attachments_that_are_decrypted_are_told() -> None:
    (row,) = compared([rule("Decrypts", IN, {"remove_ome_v2": True})], [DECRYPTS]).rows
    assert row["text"] == (
        "Mail from inside now has its protected attachments decrypted: the changed rule 'Decrypts' now has "
        "remove_rms_attachment_encryption."
    )
    texts = [row.text for row in policy_rows(policy([DECRYPTS], TENANT, NOW))]
    assert "All mail from inside has its protected attachments decrypted ('Decrypts')." in texts


def test_a_sentence_says_who_is_told_and_why() -> None:
    (row,) = compared([REPORT], [STOPS, REPORT]).rows
    assert row["text"] == (
        "Mail from inside with 'deal' in its subject is no longer reported to soc@evil.example with the original mail: "
        "the new rule 'Stops' stops before 'Report'."
    )
    assert (row["rules"], row["later"], row["when"]) == (["Stops"], ["Report"], WHERE)
    assert "deal" in row["witness"]["message"]["subject"]


def test_mail_whose_side_effect_changes_meets_the_conditions_of_the_edited_rule_too() -> None:
    """Of the mail that the later rule is about, only what the edited rule stops is no longer reported."""
    stops = rule("Stops", {**IN, "attachment_size_over": "35MB"}, STOP)
    wider = {**stops, "conditions": {**IN, "attachment_size_over": "25MB"}}
    (row,) = (row for row in compared([stops, REPORT], [wider, REPORT]).rows if row.get("side_effects"))
    assert row["kind"] == "side_effect_changed"
    assert {key: row["when"][key] for key in ("attachment_size_over", "subject_contains_words")} == {
        "attachment_size_over": "25MB",
        "subject_contains_words": ["deal"],
    }
    assert row["unless"] == {"attachment_size_over": "35MB"}
    (attached,) = row["witness"]["message"]["attachments"]
    assert 25 << 20 < int(attached["size"]) <= 35 << 20


def test_a_rule_that_is_about_more_mail_is_said_to_tell_of_what_is_more() -> None:
    wider = {**REPORT, "conditions": {**IN, "subject_contains_words": ["deal", "offer"]}}
    (row,) = (row for row in compared([REPORT], [wider]).rows if row.get("side_effects"))
    assert row["kind"] == "side_effect_changed"
    assert row["unless"] == {"subject_contains_words": ["deal"]}
    assert "offer" in row["witness"]["message"]["subject"]


def test_a_side_effect_that_is_open_in_both_rule_sets_only_may_change() -> None:
    """What the pattern means is open (U18), also behind a prefix that other mail gets."""
    prefixes = rule("Prefixes", {**IN, "sent_to_scope": "InOrganization"}, {"prepend_subject": "[In] "})
    numbers = rule("Numbers", {**IN, "subject_matches_patterns": [r"\b\d{3}\b"]}, TOLD)
    agenda = rule("Agenda", {"subject_contains_words": ["agenda"]}, STOP)
    rows = compared([agenda, prefixes, numbers], [prefixes, numbers, agenda]).rows
    assert [row for row in rows if row["kind"] == "side_effect_changed"] == []
    assert {reason["id"] for row in rows if row.get("side_effects") for reason in row["unknown"]} == {"U18"}


FOOTER = rule(
    "Footer",
    OUTGOING,
    {"apply_html_disclaimer_text": "Contoso", "apply_html_disclaimer_fallback_action": "Wrap"},
)
CARDS = {**OUTGOING, "subject_contains_words": ["card"]}
DEALS = rule("Deals", {**OUTGOING, "subject_or_body_contains_words": ["deal"]}, TOLD)


def test_a_condition_that_an_earlier_rule_changes_is_said_of_mail_whose_side_effects_change() -> None:
    texts = [row["text"] for row in compared([FOOTER], [FOOTER, DEALS]).rows if row.get("side_effects")]
    (told_now,) = (text for text in texts if "is now reported" in text)
    assert "with 'deal' in its subject or text (as 'Footer' leaves it)" in told_now


def test_mail_that_had_a_side_effect_before_is_not_said_to_have_it_newly() -> None:
    """The footer hides the words of a few messages, which it is wrapped around. Others were reported before."""
    rows = [row for row in compared([FOOTER, DEALS], [DEALS]).rows if row["kind"] == "side_effect_changed"]
    assert [row["text"].rpartition(": ")[0] for row in rows] == [
        "Mail from inside to people outside with 'deal' in its subject or text is now reported to soc@evil.example with "
        "the original mail, unless it already was"
    ]
    (row,) = compared([STOPS, REPORT], [REPORT]).rows
    assert row["text"].startswith("Mail from inside with 'deal' in its subject is now reported")


def unless(before: Sequence[Values], after: Sequence[Values], connectors: Sequence[Values] = (GATE,)) -> list[str]:
    """What is said of mail whose side effects change, without its cause."""
    rows = changed_with(connectors, before, after)
    return [row["text"].rpartition(": ")[0] for row in rows if row["kind"] == "side_effect_changed"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            [SOME_DELETES],
            [SOME_DELETES, CONNECTOR],
            "Mail from inside to people outside now leaves through the connector 'Gate', unless it is deleted by 'Deletes'",
        ),
        (
            [],
            [CONNECTOR, SOME_DELETES],
            "Mail from inside to people outside now leaves through the connector 'Gate', unless it is deleted by 'Deletes'",
        ),
        (
            [STOPS],
            [STOPS, {**TLS, "exceptions": {"recipient_domain_is": ["partner.com"]}}],
            "Mail from inside to people outside, except mail to partner.com, now leaves by TLS only, unless 'Stops' stops "
            "processing first",
        ),
        (
            [STOPS, {**CONNECTOR, "conditions": IN}],
            [STOPS],
            "Mail from inside to people outside no longer leaves through the connector 'Gate', unless 'Stops' stops "
            "processing first",
        ),
        (
            [REPORT, {**REPORT, "name": "Other", "conditions": IN}],
            [REPORT],
            "Mail from inside is no longer reported to soc@evil.example with the original mail, unless 'Report' asks for "
            "that, too",
        ),
        (
            [STOPS],
            [STOPS, rule("Spam", {**IN, "message_type_matches": "AutoForward"}, {"set_scl": 9})],
            "Mail of the type AutoForward from inside may now be treated as spam (SCL 9), unless 'Stops' stops processing "
            "first",
        ),
    ],
)
def test_what_keeps_mail_from_a_side_effect_is_named(
    before: Sequence[Values], after: Sequence[Values], said: str
) -> None:
    assert said in unless(before, after)


def test_a_manager_is_only_asked_of_senders_who_have_one() -> None:
    facts = {**TENANT, "managers": {"alice@contoso.com": "bob@contoso.com"}}
    asks_manager = rule("Asks", OUTGOING, {"moderate_message_by_manager": True})
    (row,) = (row for row in difference([], [asks_manager], facts, NOW).rows if row["kind"] == "side_effect_changed")
    assert "is now shown to the sender's manager for approval, unless its sender has no manager" in row["text"]
    assert row["witness"]["message"]["from"] == "alice@contoso.com"


def test_a_condition_of_the_edited_rule_that_an_earlier_rule_changes_is_said_too() -> None:
    """Of mail that the later rule is about, only what the edited rule now stops is no longer reported."""
    cards = rule("Cards", {**OUTGOING, "subject_or_body_contains_words": ["card"]}, {"set_scl": 1})
    texts = unless([FOOTER, cards, DEALS], [FOOTER, {**cards, "actions": STOP}, DEALS])
    (told_no_longer,) = (text for text in texts if "is no longer reported" in text)
    assert "with both 'card' and 'deal' in its subject or text (as 'Footer' leaves it)" in told_no_longer


def test_a_connector_that_may_take_mail_instead_is_named() -> None:
    assert unless([], [CONNECTOR], [GATE, NORTHWIND]) == [
        "Mail from inside to people outside now leaves through the connector 'Gate', unless it is taken by 'Northwind' "
        "(U32)"
    ]


def test_side_effects_that_not_all_mail_has_together_are_told_apart() -> None:
    """The edit reports all mail, but only some of it had no notification before."""
    notified = rule("Notified", WHERE, {"generate_notification": "Stay calm"})
    both = rule("Both", IN, {**TOLD, "generate_notification": "Stay calm"})
    assert unless([notified], [notified, both]) == [
        "Mail from inside now brings its recipients a notification, unless it already did",
        "Mail from inside is now reported to soc@evil.example with the original mail",
    ]


def test_whether_rejected_mail_is_reported_is_not_guessed() -> None:
    """U10, also where an earlier rule changes the text that the later one looks at."""
    rejects_cards = rule("Cards", CARDS, {"reject_message_reason_text": "No."})
    rows = compared([FOOTER, DEALS], [rejects_cards, FOOTER, DEALS]).rows
    about_reports = [
        row for row in rows if any(each["name"] == "soc@evil.example" for each in row.get("side_effects", ()))
    ]
    assert about_reports
    assert {row["kind"] for row in about_reports} == {"unknown"}
    assert "U10" in {reason["id"] for row in about_reports for reason in row["unknown"]}


def test_a_rule_that_only_keeps_what_smime_hides_is_not_named() -> None:
    """That mail is: 'Marks' lets all other mail past 'Stops'."""
    marks = rule(
        "Marks",
        {"subject_or_body_contains_words": ["deal"]},
        {"set_header_name": "X-Skip", "set_header_value": "no"},
    )
    skip = {"header_contains_message_header": "X-Skip", "header_contains_words": ["no"]}
    stops = rule("Stops", IN, STOP, exceptions=skip)
    (row,) = compared([marks, stops], [marks, stops, REPORT]).rows
    assert row["text"].startswith("Mail from inside with 'deal' in its subject ")
    assert ", unless it arrives encrypted with S/MIME: the new rule 'Report' now applies" in row["text"]
