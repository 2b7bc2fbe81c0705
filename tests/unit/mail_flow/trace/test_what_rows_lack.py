# SPDX-License-Identifier: GPL-3.0-or-later
"""What rows do not show is not certain: rows that are missing, members and managers that nobody knows, the end of a
long subject, the size that a rule saw, and what rules of earlier days put before subjects.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.prediction import predictions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import (
    TraceReader,
    read_files,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import NO_TIME, Row, Trace
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import SETTLED_BY

Values = dict[str, Any]

KNOWN: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "inbound_connectors": []}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
INSIDE = {"name": "Inside", "conditions": {"from_scope": "InOrganization"}, "actions": ENCRYPT}
ANN, KIM, LIST = "ann@fabrikam.com", "kim@contoso.com", "list@contoso.com"
WHEN = 1_795_010_584_000_000
MEGABYTE = 1 << 20


def row(recipient: str = ANN, **said: Any) -> Row:
    values: Values = {"message": "m", "received": WHEN, "status": "Delivered", "subject": "Offer", "size": 2048}
    return Row(**{**values, "sender": "megan@contoso.com", "from_ip": NO_HOP, "recipient": recipient, **said})


def encrypting(conditions: Values, **more: Any) -> Values:
    return {"name": "Encrypt", "conditions": conditions, "actions": ENCRYPT, **more}


def traced(*rows: Row, whole: bool = True) -> Trace:
    trace = Trace()
    for each in rows:
        trace.add(each)
    if not whole:
        trace.whole = NO_TIME
    return trace


def fared(rules: list[Values], trace: Trace, **known: Any) -> dict[str, str]:
    """Recipient to the protection that is certain, or the reason why nothing is, with its number."""
    found = Replay(RuleSet(rules), facts_of({**KNOWN, **known}), examples=20).run(trace)
    certain = {
        example.recipient: protection
        for (_fate, protection, _by, _by_dlp), tally in found.outcomes.items()
        for example in tally.examples
    }
    undecided = {
        example.recipient: f"{why.kind} {why.id}".strip()
        for why, tally in found.undecided.items()
        for example in tally.examples
    }
    assert all(why.kind in SETTLED_BY for why in found.undecided)
    return certain | undecided


@pytest.mark.parametrize(
    ("conditions", "exceptions", "whole", "otherwise"),
    [
        ({"any_of_recipient_address_contains_words": ["contoso"]}, {}, "none", "recipients"),
        ({"any_of_recipient_address_contains_words": ["fabrikam"]}, {}, "encrypt", "encrypt"),
        ({}, {"any_of_recipient_address_contains_words": ["contoso"]}, "encrypt", "recipients"),
        ({}, {"any_of_recipient_address_contains_words": ["fabrikam"]}, "none", "none"),
        ({"sent_to_scope": "InOrganization"}, {}, "none", "none"),
    ],
)
def test_others_may_share_a_copy_whose_rows_a_file_lacks(
    conditions: Values, exceptions: Values, whole: str, otherwise: str
) -> None:
    rules = [encrypting(conditions, exceptions=exceptions)]
    assert fared(rules, traced(row())) == {ANN: whole}
    assert fared(rules, traced(row(), whole=False)) == {ANN: otherwise}


def test_which_recipients_a_relation_is_about_is_open_where_rows_may_be_missing() -> None:
    rules = [encrypting({"between_member_of_1": [LIST], "between_member_of_2": [LIST]})]
    groups = {LIST: ["megan@contoso.com", KIM]}
    for recipient, whole in ((KIM, "encrypt"), (ANN, "none")):
        assert fared(rules, traced(row(recipient)), groups=groups) == {recipient: whole}
        assert fared(rules, traced(row(recipient), whole=False), groups=groups) == {recipient: "recipients"}


class Exchange:
    """Answers with two rows: one in the middle of the window, and one at its end."""

    def invoke(self, calls: list[Any], *, fresh: bool) -> list[Result]:
        found = [
            {
                "MessageTraceId": message,
                "Received": received,
                "SenderAddress": "megan@contoso.com",
                "RecipientAddress": ANN,
                "Subject": "Offer",
                "Status": "Delivered",
                "Size": 2048,
                "FromIP": NO_HOP,
            }
            for message, received in (("edge", "2026-11-18T23:59:59Z"), ("middle", "2026-11-18T12:00:00Z"))
        ]
        return [Result(objects=found) for _call in calls]


def test_whose_rows_are_missing_depends_on_where_they_come_from() -> None:
    rules = RuleSet([encrypting({"any_of_recipient_address_contains_words": ["contoso"]})])

    def counted(trace: Trace) -> tuple[int, int]:
        found = Replay(rules, facts_of(KNOWN)).run(trace)
        return tuple(  # type: ignore[return-value]
            sum(tally.certain.total() for tally in each.values()) for each in (found.outcomes, found.undecided)
        )

    day = datetime.datetime(2026, 11, 18, tzinfo=datetime.UTC)
    session: Any = Exchange()
    trace, _window = TraceReader(session).read(day, day + datetime.timedelta(days=1))
    assert counted(trace) == (1, 1)
    (answer,) = session.invoke([None], fresh=True)
    content = json.dumps(answer.objects).encode()
    assert [counted(read_files([("a.json", content)], most)[0]) for most in (10, 1)] == [(0, 2), (0, 1)]


def test_a_rule_in_a_test_mode_may_be_reported_for_somebody_whose_row_is_missing() -> None:
    rules = RuleSet([encrypting({"sent_to": [KIM]}, mode="Audit"), encrypting({"sent_to": [KIM]}, name="Other")])
    outside = RuleSet([encrypting({"sent_to": [KIM], "from_scope": "NotInOrganization"}, mode="Audit")])
    for trace, possible in ((traced(row()), [False, False]), (traced(row(), whole=False), [True, False])):
        (block,) = blocks_of(trace)
        assert [bool(each.possible) for each in predictions(block, rules, facts_of(KNOWN))] == possible
        assert [bool(each.possible) for each in predictions(block, outside, facts_of(KNOWN))] == [False]


def test_who_may_be_the_unknown_manager_of_a_sender_may_have_been_added() -> None:
    rules = [{"name": "Manager", "actions": {"add_manager_as_recipient_type": "Bcc"}}, INSIDE]
    trace = traced(row(), row(KIM))
    assert fared(rules, trace) == {ANN: "encrypt", KIM: "membership U09"}
    assert fared(rules, trace, managers={}) == {ANN: "encrypt", KIM: "encrypt"}
    other = {**rules[0], "conditions": {"subject_contains_words": ["bill"]}}
    assert fared([other, INSIDE], trace) == {ANN: "encrypt", KIM: "encrypt"}


@pytest.mark.parametrize(
    "actions", [{"add_manager_as_recipient_type": "Bcc"}, {"blind_copy_to": [KIM]}, {"redirect_message_to": [KIM]}]
)
@pytest.mark.parametrize("mode", ["Audit", "AuditAndNotify"])
def test_a_rule_in_a_test_mode_adds_nobody(actions: Values, mode: str) -> None:
    rules = [{"name": "Adds", "mode": mode, "actions": actions}, INSIDE]
    assert fared(rules, traced(row(), row(KIM))) == {ANN: "encrypt", KIM: "encrypt"}


@pytest.mark.parametrize(
    ("rows", "whole", "known", "result"),
    [
        ([row(LIST, status="Expanded")], True, {}, "membership U09"),
        ([row(LIST)], True, {}, "encrypt"),
        ([], True, {}, "encrypt"),
        ([row(LIST, status="Expanded", message="other")], True, {}, "encrypt"),
        ([], False, {}, "membership U09"),
        ([row(LIST)], False, {}, "encrypt"),
        ([], False, {"mailboxes": [LIST, KIM]}, "encrypt"),
        ([], False, {"groups": {LIST: [ANN]}}, "encrypt"),
        ([row(LIST)], True, {"unread_groups": [LIST]}, "membership U09"),
    ],
)
def test_who_may_be_an_unknown_member_of_a_list_may_have_been_added(
    rows: list[Row], whole: bool, known: Values, result: str
) -> None:
    rules = [{"name": "List", "actions": {"blind_copy_to": [LIST]}}, INSIDE]
    assert fared(rules, traced(row(KIM), *rows, whole=whole), **known)[KIM] == result


@pytest.mark.parametrize(
    ("conditions", "length", "result"),
    [
        ({"subject_contains_words": ["secret"]}, 254, "none"),
        ({"subject_contains_words": ["secret"]}, 255, "subject_cut"),
        ({"subject_contains_words": ["secret", "start"]}, 256, "encrypt"),
        ({"subject_contains_words": ["endings"]}, 256, "subject_cut"),
        ({"subject_contains_words": ["endings"]}, 254, "encrypt"),
        ({"subject_matches_patterns": ["^start"]}, 256, "encrypt"),
        ({"subject_matches_patterns": ["endings$"]}, 256, "subject_cut"),
        ({"subject_matches_patterns": ["endings$"]}, 254, "encrypt"),
        ({"subject_matches_patterns": ["secret"]}, 256, "subject_cut"),
        ({"header_contains_message_header": "Subject", "header_contains_words": ["start"]}, 256, "encrypt"),
        ({"header_contains_message_header": "Subject", "header_contains_words": ["secret"]}, 256, "subject_cut"),
    ],
)
def test_a_long_subject_may_go_on(conditions: Values, length: int, result: str) -> None:
    subject = f"start {'x ' * 200}"[: length - 8] + " endings"
    assert fared([encrypting(conditions)], traced(row(subject=subject))) == {ANN: result}
    excepted = {"encrypt": "none", "none": "encrypt"}.get(result, result)
    assert fared([encrypting({}, exceptions=conditions)], traced(row(subject=subject))) == {ANN: excepted}


def test_a_subject_that_goes_on_leaves_others_as_they_are() -> None:
    rules = [
        {"name": "Prepend", "actions": {"prepend_subject": "[EXT] "}},
        encrypting({"subject_matches_patterns": ["^secret"], "message_size_over": "10MB"}),
    ]
    long = row(KIM, subject="x" * 256, size=10 * MEGABYTE, message="n")
    short = row(subject="[EXT] secret", size=10 * MEGABYTE)
    assert fared(rules, traced(short, long)) == {ANN: "subject_changed", KIM: "subject_cut"}
    assert fared([rules[0], encrypting({"message_size_over": "10MB"})], traced(short)) == {ANN: "semantics U23"}


@pytest.mark.parametrize(
    ("size", "disclaimer", "result"),
    [
        (7 * MEGABYTE, "", "none"),
        (8 * MEGABYTE, "", "semantics U23"),
        (10 * MEGABYTE + 5000, "", "semantics U23"),
        (13 * MEGABYTE, "", "semantics U23"),
        (15 * MEGABYTE, "", "encrypt"),
        (15 * MEGABYTE, "x" * 400_000, "semantics U23"),
        (None, "", "size"),
    ],
)
def test_a_row_may_have_another_size_than_the_rule_saw(size: int | None, disclaimer: str, result: str) -> None:
    says = [{"name": "Says", "actions": {"apply_html_disclaimer_text": disclaimer}}] if disclaimer else []
    assert fared([*says, encrypting({"message_size_over": "10MB"})], traced(row(size=size))) == {ANN: result}


@pytest.mark.parametrize("size", [None, 10 * MEGABYTE])
def test_what_is_reported_of_an_unknown_size_answers_no_question(size: int | None) -> None:
    (block,) = blocks_of(traced(row(size=size)))
    (found,) = predictions(block, RuleSet([encrypting({"message_size_over": "10MB"})]), facts_of(KNOWN))
    assert (found.certain, found.possible, found.guesses) == (0, 1, {})


@pytest.mark.parametrize(
    ("before", "subject", "result"),
    [
        ({}, "[EXT] secret", "subject_changed"),
        ({"enabled": False}, "[EXT] secret", "subject_changed"),
        ({"mode": "Audit"}, "[EXT] secret", "subject_changed"),
        ({"expiry_date": "2026-11-01T00:00:00Z"}, "[EXT] secret", "subject_changed"),
        ({"enabled": False}, "[SEC] [EXT] secret", "subject_changed"),
        ({"enabled": False}, "Re: [EXT] secret", "none"),
        ({"enabled": False}, "secret", "encrypt"),
    ],
)
def test_a_rule_that_no_longer_acts_may_have_changed_the_subject(before: Values, subject: str, result: str) -> None:
    rules = [
        {"name": "Prepend", "actions": {"prepend_subject": "[EXT] "}, **before},
        {"name": "Never", "actions": {"prepend_subject": "[SEC] "}, "conditions": {"sent_to": [KIM]}},
        encrypting({"subject_matches_patterns": ["^secret"]}),
    ]
    assert fared(rules, traced(row(subject=subject))) == {ANN: result}


@pytest.mark.parametrize(
    ("prefix", "conditions", "subject", "result"),
    [
        ("[EXT] ", {"subject_contains_words": ["secret"]}, "secret", "encrypt"),
        ("[EXT] ", {"subject_contains_words": ["secret"]}, "[EXT] secret", "encrypt"),
        ("[EXT] ", {"subject_contains_words": ["secret"]}, "Offer", "none"),
        ("[EXT] ", {"subject_contains_words": ["] secret"]}, "secret", "subject_changed"),
        ("[EXT] ", {"subject_contains_words": ["offer", "] secret"]}, "secret", "subject_changed"),
        ("[EXT] ", {"subject_contains_words": ["offer", "] secret"]}, "Offer", "encrypt"),
        ("[EXT] ", {"subject_contains_words": ["ext"]}, "Offer", "subject_changed"),
        ("EXT_", {"subject_contains_words": ["secret"]}, "secret", "subject_changed"),
        ("EXT", {"subject_contains_words": ["secret"]}, "secret", "subject_changed"),
        ("[EXT] ", {"subject_matches_patterns": ["^secret"]}, "secret", "subject_changed"),
        ("[EXT] ", {"subject_matches_patterns": ["secret$"]}, "secret", "encrypt"),
        ("[EXT] ", {"subject_matches_patterns": ["[A-Z]. secret"]}, "secret", "subject_changed"),
    ],
)
def test_what_rules_put_ahead_may_make_words_and_patterns_match(
    prefix: str, conditions: Values, subject: str, result: str
) -> None:
    rules = [{"name": "Prepend", "actions": {"prepend_subject": prefix}}, encrypting(conditions)]
    assert fared(rules, traced(row(subject=subject))) == {ANN: result}


BLOCK = {
    "name": "Block auto-forward",
    "conditions": {
        "from_scope": "InOrganization",
        "sent_to_scope": "NotInOrganization",
        "message_type_matches": "AutoForward",
    },
    "actions": {"reject_message_reason_text": "No."},
}


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ({}, "encrypt"),
        ({"subject": "Automatic reply: Offer"}, "type"),
        ({"subject": "Automatische Antwort: Offer"}, "type"),
        ({"subject": "The automatic reply: Offer"}, "encrypt"),
        ({"sender": "<>"}, "address"),
    ],
)
def test_ordinary_mail_has_no_special_type(said: Values, result: str) -> None:
    assert fared([BLOCK, INSIDE], traced(row(**said))) == {ANN: result}


def test_what_automatic_mail_is_protected_by_is_open() -> None:
    assert fared([INSIDE], traced(row(subject="Automatic reply: Offer"))) == {ANN: "semantics U29"}


def test_automatic_mail_is_told_behind_the_prefix_of_a_rule() -> None:
    marks = {**INSIDE, "name": "Marks", "actions": {"prepend_subject": "[Out] "}}
    assert fared([marks, INSIDE], traced(row(subject="[Out] Automatic reply: Offer"))) == {ANN: "semantics U29"}


def test_mail_from_outside_that_leaves_again_is_no_ordinary_mail() -> None:
    forwarded = row(sender="kim@northwind.com", from_ip="93.184.216.34")
    rejecting = {**BLOCK, "conditions": {"message_type_matches": "AutoForward"}}
    assert fared([rejecting], traced(forwarded)) == {ANN: "type"}
    assert fared([encrypting({})], traced(forwarded)) == {ANN: "envelope U26"}
    assert fared([rejecting], traced(row(KIM, sender="kim@northwind.com", from_ip="93.184.216.34"))) == {KIM: "none"}


@pytest.mark.parametrize(
    "kind", ["AutoForward", "OOF", "Calendaring", "ReadReceipt", "Encrypted", "Signed", "PermissionControlled"]
)
def test_an_ordinary_message_arrives_in_clear_and_has_no_type(kind: str) -> None:
    of_type = {"message_type_matches": kind}
    assert fared([encrypting(of_type)], traced(row())) == {ANN: "none"}
    assert fared([encrypting({}, exceptions=of_type)], traced(row())) == {ANN: "encrypt"}


def test_that_mail_is_not_yet_protected_for_later_rules_is_a_guess() -> None:
    stopping = {
        "name": "Stop",
        "conditions": {"message_type_matches": "PermissionControlled"},
        "actions": {"stop_rule_processing": True},
    }
    for rules, assumed in (([INSIDE, stopping], {"U03"}), ([stopping], set())):
        assert Replay(RuleSet(rules), facts_of(KNOWN)).run(traced(row())).assumed == assumed
    (block,) = blocks_of(traced(row()))
    _encrypts, stops = predictions(block, RuleSet([INSIDE, stopping]), facts_of(KNOWN))
    assert (stops.possible, stops.guesses) == (0, {"U03": 1})


@pytest.mark.parametrize(
    ("size", "result"),
    [(2048, "encrypt"), (17 * MEGABYTE, "encrypt"), (18 * MEGABYTE, "attachment"), (None, "attachment")],
)
def test_an_attachment_is_no_larger_than_its_message(size: int | None, result: str) -> None:
    large = {
        "name": "Large",
        "conditions": {"attachment_size_over": "25MB"},
        "actions": {"reject_message_reason_text": "No."},
    }
    assert fared([large, INSIDE], traced(row(size=size))) == {ANN: result}


WORDS = {"subject_or_body_contains_words": ["secret"]}
NOBODY = {"from": ["nobody@contoso.com"]}
REJECT = {"reject_message_reason_text": "No."}


@pytest.mark.parametrize(
    ("rules", "result"),
    [
        ([encrypting(WORDS), encrypting({}, exceptions=WORDS, name="Other")], "encrypt"),
        ([encrypting(WORDS, exceptions=NOBODY), encrypting({}, exceptions=WORDS, name="Other")], "encrypt"),
        (
            [encrypting(WORDS), encrypting({}, exceptions={"subject_or_body_contains_words": ["bill"]}, name="Other")],
            "body",
        ),
        # What the second one reads has the disclaimer in it.
        (
            [
                encrypting(WORDS),
                {"name": "Says", "actions": {"apply_html_disclaimer_text": "secret"}},
                encrypting({}, exceptions=WORDS, name="Other"),
            ],
            "body",
        ),
    ],
)
def test_a_question_that_several_rules_ask_of_a_copy_has_one_answer(rules: list[Values], result: str) -> None:
    assert fared(rules, traced(row())) == {ANN: result}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ({"actions": REJECT}, {"actions": REJECT, "exceptions": NOBODY}, set()),
        ({"actions": REJECT}, {"actions": REJECT, "conditions": {**WORDS, "from_scope": "InOrganization"}}, set()),
        ({"actions": REJECT}, {"actions": REJECT, "enabled": False}, {"delivery_gained", "side_effect_changed"}),
        (
            {"actions": ENCRYPT},
            {"actions": {"apply_rights_protection_template": "Do Not Forward"}},
            {"protection_changed"},
        ),
        (
            {"actions": REJECT},
            {"actions": REJECT, "conditions": {"subject_or_body_contains_words": ["bill"]}},
            {"delivery_gained", "delivery_lost", "side_effect_changed"},
        ),
    ],
)
def test_two_rule_sets_are_compared_over_the_same_questions(before: Values, after: Values, kinds: set[str]) -> None:
    old, new = ([{"name": "Words", "conditions": WORDS, **each}] for each in (before, after))
    found = Replay(RuleSet(new), facts_of(KNOWN), RuleSet(old)).run(traced(row()))
    assert found.difference.keys() == kinds
    assert not any(tally.certain for tally in found.difference.values())


EVERYBODY = "everybody@contoso.com"
HELD = {
    "name": "Hold",
    "conditions": {"any_of_to_cc_header": [EVERYBODY]},
    "actions": {"moderate_message_by_user": [KIM]},
}


@pytest.mark.parametrize(
    ("sender", "kinds"),
    [("megan@contoso.com", set()), (KIM, {"delivery_gained", "delivery_lost", "side_effect_changed"})],
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_edited_rule_opens_only_what_it_may_part(sender: str, kinds: set[str], whole: bool) -> None:
    """Who else gets a message decides whether a later rule is met. A rule that meets no copy of it has no part in that."""
    parts = {
        "name": "Part",
        "conditions": {"from": [KIM], "recipient_domain_is": ["fabrikam.com"]},
        "actions": {"prepend_subject": "[P] "},
    }
    exempt = {**parts, "exceptions": {"recipient_address_contains_words": ["joe"]}}
    trace = traced(
        row(sender=sender), row("joe@fabrikam.com", sender=sender), row(EVERYBODY, sender=sender), whole=whole
    )
    found = Replay(RuleSet([exempt, HELD]), facts_of(KNOWN), RuleSet([parts, HELD])).run(trace)
    assert found.undecided
    assert found.difference.keys() == kinds


@pytest.mark.parametrize(
    ("rows", "whole", "said", "result"),
    [
        ([], True, {}, "encrypt"),
        ([row(EVERYBODY, status="Expanded")], True, {}, "to_or_cc"),
        ([row(EVERYBODY)], True, {}, "to_or_cc"),
        ([row(EVERYBODY, status="Expanded", message="other")], True, {}, "encrypt"),
        ([], False, {}, "to_or_cc"),
        ([], True, {"subject": "Automatic reply: Offer"}, "to_or_cc"),
        ([], True, {"sender": "kim@northwind.com", "from_ip": "93.184.216.34"}, "to_or_cc"),
    ],
)
def test_fields_of_mail_from_inside_name_only_its_recipients(
    rows: list[Row], whole: bool, said: Values, result: str
) -> None:
    found = fared([HELD, encrypting({})], traced(row(**said), *rows, whole=whole))
    assert found[ANN].partition(" ")[0] == result


@pytest.mark.parametrize(
    ("rows", "known", "result"),
    [
        ([], {LIST: [KIM]}, "encrypt"),
        ([row(KIM)], {LIST: [KIM]}, "to_or_cc"),
        ([row(LIST, status="Expanded")], {LIST: [KIM]}, "to_or_cc"),
        ([row(EVERYBODY, status="Expanded")], {LIST: [EVERYBODY], EVERYBODY: [KIM]}, "to_or_cc"),
        ([row(KIM)], {LIST: [EVERYBODY], EVERYBODY: [KIM]}, "to_or_cc"),
        ([row("lee@contoso.com")], {LIST: [EVERYBODY], EVERYBODY: [KIM]}, "encrypt"),
        ([], {EVERYBODY: [KIM]}, "to_or_cc"),
    ],
)
def test_fields_of_mail_from_inside_name_no_members_of_groups_without_a_copy(
    rows: list[Row], known: Values, result: str
) -> None:
    held = {**HELD, "conditions": {"any_of_to_cc_header_member_of": [LIST]}}
    found = fared([held, encrypting({})], traced(row(), *rows), groups=known)
    assert found[ANN].partition(" ")[0] == result
