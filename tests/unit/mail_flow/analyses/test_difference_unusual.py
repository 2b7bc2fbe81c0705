# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences in unusual mail: S/MIME, aliases, and people of whom the usual assumptions are not true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import UNUSUAL_MAIL

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, STOP, compared, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

LARGE = rule("Large", {**IN, "message_size_over": "20MB"}, ENCRYPT)
NO_MEETINGS = rule("No meetings", {}, STOP, exceptions={"message_type_matches": "Calendaring"})
SECRET = rule("Secret", {"subject_matches_patterns": [r"\bsecret\b"]}, {"delete_message": True})


@pytest.mark.parametrize(
    ("conditions", "of_witness"),
    [
        ({"message_type_matches": "Calendaring"}, {"type": ["Calendaring"]}),
        ({"message_type_matches": "AutoForward"}, {"type": ["AutoForward"]}),
        ({"message_type_matches": "Signed"}, {}),
        ({"message_size_over": "60MB"}, {}),
        ({"attachment_size_over": "60MB"}, {}),
        ({"attachment_extension_matches_words": ["pdf"]}, {}),
        ({"recipient_ad_attribute_contains_words": ["City:Rome"], "sent_to_scope": "NotInOrganization"}, None),
    ],
)
def test_rules_about_unusual_mail_change_it(conditions: Values, of_witness: Values | None) -> None:
    reject = rule("Reject", conditions, {"reject_message_reason_text": "no"})
    settings = {"enable_pdf_encryption": False}
    found = difference(
        [], [reject], {"accepted_domains": ["contoso.com"], "remote_domains": [], "irm_configuration": settings}, NOW
    )
    if of_witness is None:  # Whether a guest is outside is open, and nobody else has an attribute.
        assert [(row["kind"], "U20" in {each["id"] for each in row["unknown"]}) for row in found.rows] == [
            ("unknown", True)
        ]
        return
    assert [row["kind"] for row in found.rows] == ["delivery_lost"]
    assert of_witness.items() <= found.rows[0]["witness"]["message"].items()


@pytest.mark.parametrize(
    ("before", "after", "number"),
    [
        (
            [LARGE],
            [rule("Stops", IN, STOP), LARGE],
            "U31",
        ),  # Before, it was encrypted or not delivered. Now it is in clear.
        ([NO_MEETINGS], [NO_MEETINGS, SECRET], "U29"),  # The pattern is in doubt (U18).
    ],
)
def test_what_is_unknown_of_unusual_mail_that_rules_tell_apart_is_said(
    before: Sequence[Values], after: Sequence[Values], number: str
) -> None:
    (row,) = compared(before, after).rows
    assert (row["kind"], row["text"].startswith("Mail that is not usual may be treated differently (")) == (
        "unknown",
        True,
    )
    assert number in [each["id"] for each in row["unknown"]]
    assert f"{number}, {UNUSUAL_MAIL[number]}" in row["text"]
    assert row["rules"] == [each["name"] for each in after if each not in before]


def test_only_unusual_mail_that_an_edit_may_change_is_named() -> None:
    """It named forwarded mail, too (U26), which a rule rejects before and after."""
    forwards = rule("Forwards", {"message_type_matches": "AutoForward"}, {"reject_message_reason_text": "No."})
    (row,) = compared([forwards, LARGE], [forwards, rule("Stops", IN, STOP), LARGE]).rows
    assert [each["id"] for each in row["unknown"]] == ["U31"]


def test_an_alias_matters_where_a_rule_looks_at_it() -> None:
    """What the rule finds in an alias is certain of conditions about addresses, and open of others about recipients
    (U24).
    """
    for conditions in (
        {"recipient_address_contains_words": ["robert"]},
        {"any_of_recipient_address_matches_patterns": ["^robert"]},
    ):
        resolved, original = (
            rule("Alias", conditions, {"delete_message": True}, recipient_address_type=kind)
            for kind in ("Resolved", "Original")
        )
        for tenant in (TENANT, {"accepted_domains": ["contoso.com"], "remote_domains": []}):
            rows = {row["kind"]: row for row in difference([resolved], [original], tenant, NOW).rows}
            assert list(rows) == ["delivery_lost", "delivery_gained"]
            lost = rows["delivery_lost"]
            assert "(as written) is no longer delivered" in lost["text"]
            assert lost["witness"]["message"]["to"] != [lost["witness"]["recipient"]]
    for conditions in ({"sent_to": ["bob@contoso.com"]}, {"recipient_domain_is": ["contoso.com"]}):
        resolved, original = (
            rule("Alias", conditions, {"delete_message": True}, recipient_address_type=kind)
            for kind in ("Resolved", "Original")
        )
        for before, after in (([resolved], [original]), ([{**resolved, "name": "Other"}], [original])):
            rows = compared(before, after).rows
            assert {(row["kind"], *(each["id"] for each in row["unknown"][:1])) for row in rows} == {("unknown", "U24")}
            assert all(row["witness"]["message"]["to"] != [row["witness"]["recipient"]] for row in rows)


def test_others_are_written_to_at_an_alias() -> None:
    """A rule that looks at the aliases of all who share a copy finds none any more, once another rule redirects the
    mail of whoever has it.
    """
    brand = rule(
        "Brand", {}, {"apply_rights_protection_customization_template": "Branding1"}, recipient_address_type="Original"
    )
    brand["exceptions"] = {"any_of_recipient_address_contains_words": ["robert"]}
    encrypt, redirect = (
        rule("All", IN, ENCRYPT),
        rule("Redirect", {"sent_to": ["bob@contoso.com"]}, {"redirect_message_to": ["new@fabrikam.com"]}),
    )
    (found,) = (
        row for row in compared([encrypt, brand], [redirect, encrypt, brand]).rows if row["kind"] == "branding_changed"
    )
    assert (found["before"].get("branding"), found["after"]["branding"]) == (None, "Branding1")
    written = [address for field in ("to", "cc", "bcc") for address in found["witness"]["message"].get(field, ())]
    assert "robert" in "".join(written)
    assert found["witness"]["recipient"] in written


def test_mail_that_smime_hides_is_put_down_to_a_rule_that_perhaps_acts_on_it() -> None:
    """The rule is met first, and what it does there is not documented. That the mail is no longer held back is."""
    held = rule("Held", {"message_type_matches": "Encrypted"}, {"quarantine": True})
    rows = {row["kind"]: row for row in compared([held], [rule("All", {}, ENCRYPT)]).rows}
    assert rows["delivery_gained"]["witness"]["message"]["protection"]["kind"] == "smime"


def test_a_rule_that_smime_leaves_nothing_to_do_splits_nothing() -> None:
    """Of other mail it is open whether To still names somebody whom the rule has split off (U07)."""
    split = rule("Split", {}, ENCRYPT, exceptions={"sent_to_scope": "NotInOrganization"})
    reject = rule(
        "Reject",
        {"recipient_domain_is": ["fabrikam.com"], "any_of_to_header": ["bob@contoso.com"]},
        {"reject_message_reason_text": "no"},
    )
    rows = {row["kind"]: row for row in compared([split], [split, reject]).rows}
    assert rows["delivery_lost"]["witness"]["message"]["protection"]["kind"] == "smime"


def test_a_rule_that_does_not_act_takes_nobody_out_of_a_copy() -> None:
    """Whether To or Cc still names a group is open only of mail that a rule has split (U07)."""
    asks = {"moderate_message_by_user": ["boss@contoso.com"]}
    trainees = rule("Trainees", {"from": ["alice@contoso.com"], "sent_to_scope": "NotInOrganization"}, asks)
    everybody = rule("Everybody", {"any_of_to_cc_header": ["all@contoso.com"]}, asks)
    facts = {**TENANT, "groups": {"all@contoso.com": ["bob@contoso.com", "carol@contoso.com"]}}
    rows = difference([trainees, everybody], [trainees], facts, NOW).rows
    (row,) = (row for row in rows if row["kind"] == "delivery_gained")
    assert row["text"].startswith("Mail with all@contoso.com in its To or Cc field is now delivered (before, it waited")


#: A rule about somebody, and facts that contradict what is assumed of all people: that there are no guests, and that
#: all insiders are in the directory.
UNUSUAL_PEOPLE = {
    "no object": ({}, {"copy_to": ["archive@contoso.com"]}, {"mailboxes": ["bob@contoso.com"]}),
    "contact": ({}, {"copy_to": ["archive@contoso.com"]}, {"contacts": ["archive@contoso.com"]}),
    "guest": ({}, {"copy_to": ["guest@fabrikam.com"]}, {"mail_users": ["guest@fabrikam.com"]}),
    "no object in a field": ({"any_of_to_header": ["archive@contoso.com"]}, STOP, {"mailboxes": ["bob@contoso.com"]}),
}


@pytest.mark.parametrize("case", UNUSUAL_PEOPLE)
def test_somebody_of_whom_the_usual_is_not_true_does_not_make_all_mail_unusual(case: str) -> None:
    """What is unknown of unusual mail is no news, so nothing was said of what another rule changes."""
    conditions, actions, facts = UNUSUAL_PEOPLE[case]
    other, encrypts = rule("Other", conditions, actions), rule("Encrypts", {"from_scope": "InOrganization"}, ENCRYPT)
    spares = {**encrypts, "exceptions": {"sent_to_scope": "ExternalPartner"}}
    known = {"accepted_domains": ["contoso.com"], "remote_domains": [], **facts}
    rows = difference([other, encrypts], [other, spares], known, NOW).rows
    assert [row["kind"] for row in rows if "added" not in row] == ["unknown"]


def test_what_is_said_of_unusual_mail_is_not_limited_to_mail_that_arrives_protected() -> None:
    """Over 20 MB it is not usual, but what becomes of it is known: it arrived, and is rejected now."""
    agenda = rule("Agenda", {"subject_contains_words": ["agenda"]}, STOP)
    size = rule("Size", {"message_size_over": "20MB"}, {"reject_message_reason_text": "No."})
    marked = rule("Marked", {**OUTGOING, "subject_contains_words": ["secret"]}, ENCRYPT)
    rows = compared([agenda, size, marked], [size, marked, agenda]).rows
    (lost,) = (row for row in rows if row["kind"] == "delivery_lost")
    assert lost["every"] is True
    assert "arrives" not in lost
    assert "protection" not in lost["witness"]["message"]
