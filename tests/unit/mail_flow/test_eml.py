# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from files: what they show, what nobody can know of them, and files that are made to exhaust whoever reads
them.
"""

from __future__ import annotations

import contextlib
from email.message import EmailMessage
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
    with_options,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

Values = dict[str, Any]

HEAD = b"From: megan@contoso.com\r\nTo: ann@fabrikam.com\r\n"
FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["megan@contoso.com"]}


def matched(message: Message, **conditions: Any) -> bool | str:
    """Whether a rule matches: true, false, or ``unknown``."""
    rule = {"name": "Rule", "conditions": conditions, "actions": {"set_audit_severity": "Low"}}
    (found,) = Simulator([rule], facts_of(FACTS)).run(message)["recipients"].values()
    return found["rules"][0]["matched"] if found["rules"] else False


def read(content: bytes) -> Message:
    return message_from_eml(HEAD + content, "x.eml")


def html(source: str, plain: str | None = None) -> Message:
    mail = EmailMessage()
    mail["From"], mail["To"] = "megan@contoso.com", "ann@fabrikam.com"
    if plain is None:
        mail.set_content(source, subtype="html")
    else:
        mail.set_content(plain)
        mail.add_alternative(source, subtype="html")
    return message_from_eml(mail.as_bytes(), "x.eml")


def words(message: Message, word: str) -> bool | str:
    return matched(message, subject_or_body_contains_words=[word])


# What is known


def test_a_word_that_only_one_alternative_has_is_unknown() -> None:
    message = html("<p>our patient</p>", plain="our client")
    assert [words(message, word) for word in ("patient", "client", "our", "nothing")] == [
        "unknown",
        "unknown",
        True,
        False,
    ]


def test_a_word_that_markup_splits_is_unknown() -> None:
    assert words(html("<p><b>pat</b>ient</p>"), "patient") == "unknown"
    assert words(html("<p>out<b>patient</b></p>"), "patient") == "unknown"
    assert words(html("<p>a <b>patient</b> two</p><p>three</p>"), "patient") is True
    assert words(html("<style>patient</style><!-- patient -->x"), "patient") is False
    assert words(html("one<br>two"), "onetwo") is False


def test_a_pattern_that_only_the_source_of_html_has_is_unknown() -> None:
    message = html('<p>text</p><img height="1">')
    assert matched(message, subject_or_body_matches_patterns=[r"\<img height\="]) == "unknown"
    assert matched(message, subject_or_body_matches_patterns=["text"]) is True
    assert matched(message, subject_or_body_matches_patterns=["nowhere"]) is False


@pytest.mark.parametrize("location", ["Append", "Prepend"])
def test_a_disclaimer_is_in_the_source_of_html_as_in_its_text(location: str) -> None:
    """So a later pattern surely finds it, and what only its own markup has is open as in any HTML."""
    adds: Values = {
        "name": "Adds",
        "actions": {
            "apply_html_disclaimer_text": '<p id="note">Confidential</p>',
            "apply_html_disclaimer_location": location,
        },
    }
    for pattern, found in (("Confidential", True), ('id="note"', "unknown"), ("text", True), ("nowhere", False)):
        looks = {
            "name": "Looks",
            "conditions": {"subject_or_body_matches_patterns": [pattern]},
            "actions": {"set_audit_severity": "Low"},
        }
        (copy,) = Simulator([adds, looks], facts_of(FACTS)).run(html("<p>text</p>"))["recipients"].values()
        assert {row["name"]: row["matched"] for row in copy["rules"]}.get("Looks", False) == found


def test_what_an_attached_message_holds_may_count() -> None:
    inner = b'From: a@b.com\r\nContent-Type: application/octet-stream; name="a.exe"\r\nContent-Disposition: attachment; filename="a.exe"\r\n\r\nx\r\n'
    message = read(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: message/rfc822; name=x.eml\r\n\r\n"
        + inner
        + b"--b--\r\n"
    )
    assert matched(message, attachment_extension_matches_words=["exe"]) == "unknown"
    assert matched(message, attachment_extension_matches_words=["pdf"]) is False


def test_the_name_of_a_file_without_one_is_open() -> None:
    """Its type is no name, and Exchange may make one up."""
    parts = b"".join(
        b"--b\r\nContent-Type: " + kind + b"\r\n\r\nx\r\n"
        for kind in (b"text/plain", b"image/png", b"text/calendar; method=REQUEST")
    )
    message = read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n")
    assert [each.name for each in message.attachments or ()] == ["image/png"]
    for wanted in ("png", "exe"):
        assert matched(message, attachment_extension_matches_words=[wanted]) == "unknown"
        assert matched(message, attachment_name_matches_patterns=[wanted]) == "unknown"
    assert matched(message, attachment_size_over="1MB") is False


def test_a_meeting_without_files_has_no_attachment() -> None:
    message = read(b"Content-Type: text/calendar; method=REQUEST\r\n\r\nx")
    assert message.attachments == ()
    assert matched(message, attachment_extension_matches_words=["exe"]) is False


def test_two_addresses_in_the_from_field_leave_the_sender_open() -> None:
    message = message_from_eml(b"From: megan@contoso.com, eve@evil.example\r\nTo: ann@fabrikam.com\r\n\r\nx", "x.eml")
    assert matched(message, sender_domain_is=["contoso.com"]) == "unknown"
    assert matched(message, from_scope="NotInOrganization") == "unknown"
    assert matched(message, sender_domain_is=["other.example"]) is False
    assert matched(with_options(message, {"from": "eve@evil.example"}, ""), sender_domain_is=["contoso.com"]) is False


def test_the_priority_of_other_systems_leaves_the_importance_open() -> None:
    assert matched(read(b"X-Priority: 1\r\n\r\nx"), with_importance="High") == "unknown"
    assert matched(read(b"X-Priority: 1\r\nImportance: high\r\n\r\nx"), with_importance="High") is True
    assert matched(read(b"\r\nx"), with_importance="High") is False


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        (b"Auto-Submitted: auto-replied", "OOF"),
        (b"Content-Type: text/calendar; method=REQUEST", "Calendaring"),
        (b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "ReadReceipt"),
    ],
)
def test_types_are_what_a_file_shows(headers: bytes, shown: str) -> None:
    assert matched(read(headers + b"\r\n\r\nx"), message_type_matches=shown) is True
    plain = read(b"\r\nx")
    assert [matched(plain, message_type_matches=kind) for kind in ("Calendaring", "ReadReceipt", "Signed")] == [
        False,
        False,
        False,
    ]
    assert [
        matched(plain, message_type_matches=kind) for kind in ("OOF", "AutoForward", "ApprovalRequest", "Voicemail")
    ] == ["unknown"] * 4
    told = with_options(plain, {"type": []}, "")
    assert [
        matched(told, message_type_matches=kind) for kind in ("OOF", "AutoForward", "ApprovalRequest", "Voicemail")
    ] == [False] * 4


def test_a_type_that_is_given_says_how_the_message_of_a_file_arrives() -> None:
    plain = read(b"\r\nx")
    hidden, restricted = (with_options(plain, {"type": [kind]}, "") for kind in ("Encrypted", "PermissionControlled"))
    assert [matched(hidden, message_type_matches=kind) for kind in ("Encrypted", "PermissionControlled")] == [
        True,
        False,
    ]
    assert matched(restricted, message_type_matches="PermissionControlled") is True
    assert matched(restricted, subject_or_body_contains_words=["x"]) == "unknown"
    smime = read(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx")
    assert matched(with_options(smime, {"type": ["OOF"]}, ""), message_type_matches="Encrypted") is True


def test_a_header_that_is_there_but_empty_is_the_same_in_a_file_and_in_an_option() -> None:
    given = message_of({"from": "megan@contoso.com", "to": ["ann@fabrikam.com"], "headers": {"X-A": ""}}, "")
    for message in (read(b"X-A:\r\n\r\nx"), given):
        assert dict(message.headers)["x-a"] == ("",)
        assert matched(message, header_matches_message_header="X-A", header_matches_patterns=["^$"]) is True


def test_what_outlook_encoded_may_be_a_meeting() -> None:
    assert matched(read(b"Content-Type: application/ms-tnef\r\n\r\nx"), message_type_matches="Calendaring") == "unknown"


# Files that are made for it


@pytest.mark.parametrize(
    "content",
    [
        *(b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx", b"Subject: " + b"=?" * 30_000 + b"\r\n\r\nx"),
        *(b"Cc: " + each * 19_000 + b"\r\n\r\nx" for each in (b'"', b"(", b"<", b'"\\', b",")),
        b"Cc: " + b",".join(b"u%d@x.com" % number for number in range(200_000)) + b"\r\n\r\nx",
        b"".join(b"Cc: u%d@x.com\r\n" % number for number in range(15_000)) + b"\r\nx",
        *(
            b"Content-Type: text/html\r\n\r\n" + each * 200_000
            for each in (b"<!--", b"<a", b"<style>", b"<script></script", b"&", b"<b")
        ),
        b"Content-Type: text/html\r\n\r\n&#" + b"9" * 100_000,
        *(
            b"Content-Type: text/plain; charset=" + each + b"\r\n\r\n" + b"a" * 100_000
            for each in (b"idna", b"undefined", b"hex", b"no-such")
        ),
        b"X-MS-Exchange-Organization-SCL: --1\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n" * 1_000 + b"x",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 200_000,
        b"X-A: b\r\n" * 300_000 + b"\r\nx",
        b'Content-Type: text/plain; "' + b'"' * 60_000 + b"\r\n\r\nx",
        *(
            b"Date: " + each + b"\r\n\r\nx"
            for each in (b"1 " * 30_000, b"Mon, 99999999999999999999 Jan 99999 99:99:99 +99999999")
        ),
        b"Content-Type: application/pdf; name*=undefined''%ff\r\n\r\nx",
        b"Subject: =?idna?q?" + b"a" * 60_000 + b"?=\r\n\r\nx",
    ],
    ids=lambda content: f"{content[:24]!r} {len(content)}",
)
def test_no_file_exhausts_its_reader(content: bytes) -> None:
    """It is read, or refused as the option's error: each takes less than a second, where some took minutes and
    gigabytes.
    """
    with contextlib.suppress(OptionError):
        message = read(content)
        assert (message.sender, message.scl) == ("megan@contoso.com", None)


def test_a_text_in_no_known_character_set_is_unknown() -> None:
    message = read(b"Content-Type: text/plain; charset=undefined\r\n\r\nsecret")
    assert (message.body, words(message, "secret")) == (None, "unknown")
