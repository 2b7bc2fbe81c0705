# SPDX-License-Identifier: GPL-3.0-or-later
"""Which edited rule is the cause of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ALL, ENCRYPT, ENCRYPTING, IN, NOW, OUTGOING, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

SUBJECT = {**IN, "subject_contains_words": ["offer"]}
SECURE = {**IN, "subject_contains_words": ["[secure]"]}
PARTNERS = rule("Partners", {**IN, "recipient_domain_is": ["fabrikam.com"]}, STOP)


def test_the_cause_is_the_edit_that_mail_meets_first() -> None:
    """A removed rule is met where it was."""
    offers = rule("Offers", SUBJECT, {"delete_message": True})
    new = rule("New", {**SUBJECT, "with_importance": "High"}, {"reject_message_reason_text": "no"})
    for before, after, first in (
        ([offers, ALL], [ALL, new], "Offers"),
        ([ALL, offers], [new, ALL], "New"),
        ([new, ALL], [ALL, offers], "New"),
    ):
        assert [row["rules"] for row in compared(before, after).rows if row["kind"] == "fate_changed"] == [[first]]


BOSS = rule("Boss", SUBJECT, {"moderate_message_by_user": ["boss@contoso.com"]})
HOLD = rule(
    "Hold", {"from_scope": "NotInOrganization", "attachment_has_executable_content": True}, {"quarantine": True}
)
BRAND = rule("Brand", IN, {"apply_rights_protection_customization_template": "Board"})


@pytest.mark.parametrize(
    "new",
    [
        rule(
            "New",
            IN,
            {"apply_html_disclaimer_text": "<p>Public</p>", "apply_html_disclaimer_fallback_action": "Ignore"},
        ),
        rule("New", IN, {"prepend_subject": "[public] "}),
        rule("New", IN, {"set_header_name": "X-Class", "set_header_value": "public"}),
        rule("New", IN, {"blind_copy_to": ["archive@contoso.com"]}),
        rule("New", IN, {"set_scl": 5}),
        rule("New", IN, STOP, mode="Audit"),  # It may stop (U08), and what changes anyway does not rest on that.
    ],
    ids=lambda new: next(iter(new["actions"])),
)
def test_a_rule_that_decides_nothing_is_no_cause(new: Values) -> None:
    """Not even where mail meets it before the rules that do."""
    causes = {
        (row["kind"], *row["rules"])
        for row in compared([HOLD, ALL, BRAND, BOSS], [new, PARTNERS, ALL]).rows
        if "added" not in row and row["kind"] != "side_effect_changed"
    }
    wanted = {
        ("protection_lost", "Partners"),
        ("branding_changed", "Brand"),
        ("delivery_gained", "Boss"),
        ("delivery_gained", "Hold"),
    }
    assert {cause for cause in causes if cause[0] != "unknown" and "New" not in cause} >= wanted
    assert {cause for cause in causes if cause[0] != "unknown" and "New" in cause} == set()


REPORTED = {"set_audit_severity": "Low"}
COPY = rule("Copy", IN, {"copy_to": ["archive@contoso.com"]})
DELETE = rule("Delete", SUBJECT, {"delete_message": True})
BRANDED = {"apply_rights_protection_customization_template": "Board"}


TYPED = rule("Typed", {**IN, "message_type_matches": "PermissionControlled"}, {"prepend_subject": "[protected] "})


def _approver(name: str) -> Values:
    return rule("Boss", IN, {"moderate_message_by_user": [f"{name}@contoso.com"]})


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ([ENCRYPTING, BRAND], [rule("Encrypting", IN, {**ENCRYPT, **REPORTED})], "Brand"),
        ([_approver("ann"), DELETE], [_approver("bob")], "Delete"),
        ([BRAND, rule("Enc", SUBJECT, ENCRYPT), ENCRYPTING], [ENCRYPTING, rule("Enc", SUBJECT, ENCRYPT)], "Brand"),
        ([ENCRYPTING, BRAND], [rule("New", SUBJECT, ENCRYPT), ENCRYPTING], "Brand"),
        ([TYPED, rule("Enc", SUBJECT, ENCRYPT), BRAND, ENCRYPTING], [TYPED, ENCRYPTING], "Brand"),
        ([COPY, ENCRYPTING], [{**COPY, "actions": {**COPY["actions"], **REPORTED}}], "Encrypting"),
        ([rule("E", IN, {**ENCRYPT, **BRANDED}), DELETE], [rule("E", IN, ENCRYPT, exceptions=SECURE), DELETE], "E"),
    ],
)
def test_what_an_edit_does_as_before_is_no_cause(before: Sequence[Values], after: Sequence[Values], cause: str) -> None:
    rows = [
        row for row in compared(before, after).rows if row["kind"] != "side_effect_changed"
    ]  # Somebody else is asked.
    assert {name for row in rows for name in row["rules"]} == {cause}


def test_what_an_approval_leaves_undone_is_a_change() -> None:
    """Also where another rule no longer asks for one, so that mail waits for as many as before."""
    boss = rule("Boss", IN, {"moderate_message_by_user": ["boss@contoso.com"]})
    encrypts, asks = (rule("R", IN, {**ENCRYPT, **more}) for more in ({}, {"moderate_message_by_manager": True}))
    managed = {**TENANT, "managers": {"megan@contoso.com": "boss@contoso.com"}}
    rows = difference([boss, encrypts], [asks], managed, NOW).rows
    assert ("protection_lost", ["R"]) in [(row["kind"], row["rules"]) for row in rows]


def test_a_rule_that_is_gone_is_not_stopped() -> None:
    texts = [row["text"] for row in compared([rule("Enc", IN, ENCRYPT)], [rule("Stop", SUBJECT, STOP)]).rows]
    assert not any("stops before" in text for text in texts)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([ENCRYPTING], [rule("Encrypting", SUBJECT, {"prepend_subject": "[i] "})]),
        ([rule("R", IN, REPORTED)], [rule("R", {"subject_contains_words": ["offer"]}, {"delete_message": True})]),
    ],
)
def test_mail_of_both_versions_is_no_exception(before: Sequence[Values], after: Sequence[Values]) -> None:
    """Where a rule does something else, mail that both versions are about is treated differently, too."""
    (row,) = compared(before, after).rows
    assert (row["every"], "except" in row["text"], "unless" in row) == (True, False, False)
    assert "no longer applies" not in row["text"]


def test_a_rule_that_changes_what_later_ones_see_is_a_cause() -> None:
    marks = rule("Marks", IN, {"prepend_subject": "offer: "})
    reads = rule("Reads", SUBJECT, {"quarantine": True})
    assert {(row["kind"], *row["rules"]) for row in compared([reads], [marks, reads]).rows} == {
        ("delivery_lost", "Marks")
    }


FORWARD = {**ALL, "actions": {"apply_rights_protection_template": "Do Not Forward"}}
BIG = rule("Big", {"message_size_over": "25MB"}, {"reject_message_reason_text": "no"})
FOOTER = rule(
    "Footer", OUTGOING, {"apply_html_disclaimer_text": "<p>x</p>", "apply_html_disclaimer_fallback_action": "Wrap"}
)
PRIVACY = rule(
    "Privacy", {**OUTGOING, "recipient_domain_is": ["fabrikam.com"]}, {"blind_copy_to": ["privacy@contoso.com"]}
)


@pytest.mark.parametrize(
    ("before", "after", "kind", "cause"),
    [
        ([ALL], [FORWARD, BIG], "delivery_lost", "Big"),
        (
            [ALL, BIG],
            [FORWARD, rule("Reject", SUBJECT, {"reject_message_reason_text": "no"}), BIG],
            "delivery_lost",
            "Reject",
        ),
        ([], [FOOTER, PRIVACY], "delivery_gained", "Privacy"),
    ],
    ids=["protection that may fail", "another rule about size", "a disclaimer that later rules see"],
)
def test_the_rule_that_newly_does_it_is_the_cause(
    before: Sequence[Values], after: Sequence[Values], kind: str, cause: str
) -> None:
    """Not one before it that may decide about what others do: what is too large to be encrypted may not be delivered,
    and a disclaimer may be wrapped.
    """
    (row,) = [row for row in compared(before, after).rows if row["kind"] == kind]
    assert (row["rules"], f"the new rule '{cause}'" in row["text"]) == ([cause], True)


def test_what_rules_perhaps_see_of_an_earlier_encryption_is_the_cause_of_nothing_surely() -> None:
    """Whether mail that a rule encrypts is of the type PermissionControlled for later ones is open (U03). The message that shows
    what an edited rule does about such mail arrives protected; and the rule that encrypts acts on it as before.
    """
    to_eu = {"any_of_recipient_address_contains_words": ["eu"]}
    encrypts = rule("Encrypts", to_eu, ENCRYPT, recipient_address_type="Original")
    looks = rule("Looks", {"message_type_matches": "PermissionControlled", "recipient_domain_is": ["eu.com"]}, ENCRYPT)
    found = compared([encrypts], [encrypts, looks, rule("Brands", {}, BRAND["actions"])])
    for row in found.rows:
        assert row.get("later", []) == []
        if "message_type_matches" in row["when"]:
            assert row["witness"]["message"]["protection"]["kind"] not in ("none", "smime")
    assert {row["kind"] for row in found.rows} == {"branding_changed"}
