# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes about mail that is rare: it is what they are about, so it is compared, and said to be unknown where it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.answers import difference, prove
from tests.unit.mail_flow.asking import ALL, ENCRYPT, NOW, OUTGOING, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

#: An organization in which everybody is known, and who is whose manager.
WITH_MANAGER: Values = {
    "accepted_domains": ["contoso.com"],
    "remote_domains": [],
    "mailboxes": ["bob@contoso.com", "megan@contoso.com"],
    "mail_users": [],
    "managers": {"bob@contoso.com": "megan@contoso.com"},
}

#: The same, but nobody knows who is whose manager.
WITH_MANAGERS: Values = {key: value for key, value in WITH_MANAGER.items() if key != "managers"}

MANAGER = rule("Manager", {"from_scope": "InOrganization"}, {"add_manager_as_recipient_type": "Redirect"})


@pytest.mark.parametrize(
    ("conditions", "number"),
    [
        ({"message_type_matches": "Calendaring"}, "U29"),
        ({"message_type_matches": "OOF"}, "U29"),
        ({"message_type_matches": "AutoForward"}, "U26"),
        ({"message_type_matches": "Signed"}, "U27"),
        ({"message_size_over": "30MB"}, "U31"),
    ],
)
def test_a_change_about_unusual_mail_is_not_nothing(conditions: Values, number: str) -> None:
    """Whether such mail is encrypted is not documented, so a rule that encrypts it may change it, and one that stops
    before may, too.
    """
    encrypts = rule("Unusual", {"from_scope": "InOrganization", **conditions}, ENCRYPT)
    stops = {**encrypts, "actions": STOP}
    for before, after in (([encrypts], []), ([], [encrypts]), ([ALL], [stops, ALL])):
        found = compared(before, after)
        assert found.complete
        assert number in {each["id"] for row in found.rows for each in row.get("unknown", ())} | {
            row["kind"] for row in found.rows
        }


def test_what_is_certain_of_unusual_mail_is_not_dropped() -> None:
    """It is deleted before and delivered after, where the To field has the word."""
    deletes = rule(
        "Deletes",
        {"message_type_matches": "OOF", "header_contains_message_header": "To", "header_contains_words": ["ann"]},
        {"delete_message": True},
    )
    assert compared([deletes], []).rows


def test_a_redirect_to_the_manager_keeps_mail_from_its_recipients() -> None:
    """Whoever has a manager no longer gets through: the rules behind are not reached any more."""
    for others in ([], [ALL]):
        rows = difference(others, [MANAGER, *others], WITH_MANAGER, NOW).rows
        assert "delivery_lost" in [row["kind"] for row in rows]


def test_a_copy_beside_the_manager_refutes() -> None:
    """Somebody gets a copy, whether or not the manager's is followed."""
    bob = {"from_scope": "InOrganization", "from": ["bob@contoso.com"]}
    rules = [{**MANAGER, "conditions": bob}, rule("Copy", bob, {"copy_to": ["new@x.com"]})]
    guarantee = {"name": "New", "when": {**bob, "sent_to": ["new@x.com"]}, "then": "not_in_clear"}
    (found,) = prove(rules, WITH_MANAGER, [guarantee], NOW)
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["recipient"] == "new@x.com"


@pytest.mark.parametrize("removed", [1, 3])
def test_many_rules_that_hold_mail_end_in_their_budget(removed: int) -> None:
    """Approvals are told apart up to a few, and mail that waits for more has a row of its own."""
    rules = [
        rule(
            f"Hold {each}", {"subject_contains_words": [f"w{each}"]}, {"moderate_message_by_user": ["boss@contoso.com"]}
        )
        for each in range(40)
    ]
    found = difference([*rules, ALL], [*rules[removed:], ALL], TENANT, NOW)
    assert found.complete
    assert [row["text"].partition(":")[0] for row in found.rows if not row["when"]] == [
        "Mail that waits for 4 or more approvals may be treated differently"
    ]
    assert {each["id"] for row in found.rows for each in row.get("unknown", ())} >= {"approvals"}
    assert "delivery_gained" in [row["kind"] for row in found.rows]


def test_few_approvals_are_told_apart() -> None:
    rules = [rule(f"Hold {each}", OUTGOING, {"moderate_message_by_user": ["boss@contoso.com"]}) for each in range(3)]
    rows = compared([*rules, ALL], [*rules[1:], ALL]).rows
    assert [row["kind"] for row in rows] == ["delivery_gained"]


def test_an_address_of_which_much_is_open_is_an_address() -> None:
    """It was one of two lines, which ended the comparison with an error about an option that nobody gave."""
    spares = rule(
        "Spares",
        {"recipient_address_matches_patterns": ["^ann@"]},
        {},
        exceptions={"recipient_address_matches_patterns": [r"@\w+\.com$"]},
    )
    holds = rule(
        "Holds",
        {"recipient_address_matches_patterns": [r"[.@]fabrikam\.com$"]},
        {"moderate_message_by_user": ["boss@contoso.com"]},
    )
    holds["exceptions"] = {"any_of_recipient_address_contains_words": ["@fabrikam"]}
    assert "unknown" in {row["kind"] for row in compared([holds], [spares, holds]).rows}


def test_what_may_reach_a_manager_is_the_mail_of_the_version_that_sends_it() -> None:
    """It was said of mail that meets the new conditions, although the rule did so to all mail, and no longer does."""
    copies = rule("Copies", {"from_scope": "InOrganization"}, {"add_manager_as_recipient_type": "Cc"})
    some = {**copies["conditions"], "subject_contains_words": ["offer"]}
    cases: list[tuple[list[Values], list[Values], str, Values]] = [
        (
            [copies],
            [{**copies, "conditions": some, "actions": {"prepend_subject": "[X] "}}],
            "no longer reach",
            copies["conditions"],
        ),
        (
            [{**copies, "conditions": some, "actions": {"prepend_subject": "[X] "}}],
            [copies],
            "may now reach",
            copies["conditions"],
        ),
        ([copies], [{**copies, "conditions": some}], "may now, or may no longer, reach", {}),
    ]
    for before, after, text, when in cases:
        (row,) = [each for each in difference(before, after, WITH_MANAGERS, NOW).rows if "manager" in each["text"]]
        assert (text in row["text"], row["when"]) == (True, when)


def test_an_edited_rule_may_keep_mail_from_a_rule_that_sends_it_to_a_manager() -> None:
    """Nothing was said: the copies of managers are not compared, and the rule that makes them is the same."""
    copies = rule("Copies", {"from_scope": "InOrganization"}, {"add_manager_as_recipient_type": "Cc"})
    stops, marks = (
        rule("First", {"subject_contains_words": ["offer"]}, actions)
        for actions in (STOP, {"set_audit_severity": "Low"})
    )
    for before, after in (([copies], [stops, copies]), ([stops, copies], [copies]), ([stops, copies], [copies, stops])):
        (row,) = difference(before, after, WITH_MANAGERS, NOW).rows
        assert "Mail from inside may now, or may no longer, reach the sender's manager (U09)" in row["text"]
    for before, after in (
        ([copies], [copies, stops]),
        ([copies], [marks, copies]),
        ([stops, copies], [stops, copies, marks]),
    ):
        assert difference(before, after, WITH_MANAGERS, NOW).rows == []


def test_an_edit_may_change_the_copy_of_a_manager_to_whom_another_rule_sends_mail() -> None:
    """Nothing was said, and the comparison was complete: found by the soak (world 1550000158)."""
    copies = rule("Copies", {"from_scope": "InOrganization"}, {"add_manager_as_recipient_type": "Cc"})
    encrypts = rule("Encrypts", {}, ENCRYPT)
    stops = rule("Stops", {"subject_contains_words": ["offer"]}, STOP)
    text = "Mail from inside may be treated differently for the sender's manager (U09)"
    for before, after in (
        ([copies], [copies, encrypts]),
        ([copies], [encrypts, copies]),
        ([copies, encrypts], [copies]),
        ([copies, encrypts], [copies, stops, encrypts]),
    ):
        rows = difference(before, after, WITH_MANAGERS, NOW).rows
        assert [row["people"] for row in rows if text in row["text"]] == [["the sender's manager"]]
    for before, after in (([copies], [copies, stops]), ([copies], [copies, {**encrypts, "mode": "Audit"}])):
        assert not [row for row in difference(before, after, WITH_MANAGERS, NOW).rows if text in row["text"]]


def test_mail_that_no_rule_keeps_back_any_more_may_reach_the_manager() -> None:
    """Nothing was said of the manager: only the rules before were asked, which let no mail through to the rule that sends it."""
    copies = rule("Copies", {}, {"add_manager_as_recipient_type": "Cc"})
    deletes = rule("Deletes", {}, {"delete_message": True})
    for before, after in (([deletes, copies], [copies]), ([copies], [deletes, copies])):
        rows = difference(before, after, WITH_MANAGERS, NOW).rows
        assert [row["people"] for row in rows if row["kind"] == "unknown"] == [["the sender's manager"]]


def test_an_edit_that_parts_recipients_may_bring_the_manager_among_them_a_copy() -> None:
    """Nobody is added to a copy that is theirs. Found by the soak: once the manager has a copy of their own, the rule
    adds them to that of the others.
    """
    copies = rule("Copies", {"from_scope": "InOrganization"}, {"add_manager_as_recipient_type": "Cc"})
    parts = rule("Parts", {"sent_to": ["megan@contoso.com"]}, {"set_audit_severity": "Low"})
    looks = rule(
        "Looks", {"any_of_recipient_address_contains_words": ["eu"], "message_type_matches": "Encrypted"}, ENCRYPT
    )
    pairs = [
        ([copies, looks], [parts, copies, looks]),
        ([parts, copies, looks], [copies, looks]),
        ([copies, parts, looks], [parts, copies, looks]),
    ]
    for before, after in pairs:
        texts = [row["text"] for row in difference(before, after, WITH_MANAGERS, NOW).rows]
        assert [text for text in texts if "may now, or may no longer, reach the sender's manager (U09)" in text], texts
    assert not [
        row
        for row in difference([copies, looks], [copies, parts, looks], WITH_MANAGERS, NOW).rows
        if "manager" in row["text"]
    ]


@pytest.mark.parametrize("kind", ["Calendaring", "OOF"])
def test_what_may_change_keeps_the_kind_of_mail_that_it_is_about(kind: str) -> None:
    """An exception spares it, and whether it was encrypted before is not known (U29)."""
    spared = {**ALL, "exceptions": {"message_type_matches": kind}}
    for before, after, becomes, does in (
        ([ALL], [spared], "no longer be", "no longer"),
        ([spared], [ALL], "now be", "now"),
    ):
        (row,) = compared(before, after).rows
        assert row["text"] == (
            f"Mail of the type {kind} from inside to people outside may {becomes} encrypted (U29, automatic replies, receipts and meetings): "
            f"the changed rule 'All' {does} applies to it."
        )
        assert row["when"] == {**OUTGOING, "message_type_matches": kind}
