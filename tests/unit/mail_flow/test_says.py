# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of messages."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.says import message_lines


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("subject", "Offer", ("Subject", "Offer")),
        ("body", "secret", ("Text", "secret")),
        ("headers", {"x-class": "yes", "x-tag": "1"}, ("Headers", "x-class: yes, x-tag: 1")),
        ("type", ["Calendaring", "Signed"], ("Type", "Calendaring, Signed")),
        ("size", 26214401, ("Size", "26,214,401 bytes")),
        ("size", "25MB", ("Size", "25MB")),
        ("sender_ip", "192.0.2.1", ("Sender's IP", "192.0.2.1")),
        ("authenticated", False, ("Sender", "not authenticated")),
        ("disclaimer_insertable", False, ("Disclaimer", "cannot be inserted")),
        ("protection", {"kind": "encrypt", "owner": "own"}, ("Arrives", "encrypted, with the organization's own keys")),
        ("protection", {"kind": "template:Board", "owner": "other"}, ("Arrives", "protected with 'Board', with another organization's keys")),
        ("protection", {"kind": "smime"}, ("Arrives", "protected by S/MIME")),
        ("protection", {"kind": "smime_signed"}, ("Arrives", "signed with S/MIME")),
        ("protection", {"kind": "none"}, ("Arrives", "in clear")),
        ("attachments", [{"name": "a.exe", "size": 1, "text": "", "nested": [], "properties": {}, "executable": True}], ("Attached", "a.exe (executable)")),
        (
            "attachments",
            [{"name": "a", "size": 1200, "text": "secret", "nested": ["b.docx"], "properties": {"Department": "Legal"}}, {"name": "b", "size": "2MB"}],
            ("Attached", "a (1,200 bytes, with 'secret', with 'b.docx', Department: Legal), b (2MB)"),
        ),
        ("attachments", [{"name": "a", "password_protected": True}], ("Attached", "a (protected by a password)")),
    ],
)
def test_a_message_is_a_list_of_lines(key: str, value: Any, line: tuple[str, str]) -> None:
    lines = list(message_lines({"name": "witness", "from": "megan@contoso.com", "to": ["ann@fabrikam.com"], key: value}, "ann@fabrikam.com"))
    sender = "Claims to be from" if (key, value) == ("authenticated", False) else "From"
    assert lines == [(sender, "megan@contoso.com"), ("To", "ann@fabrikam.com"), line]


def test_what_is_taken_for_granted_is_not_said() -> None:
    message = {"name": "witness", "authenticated": True, "bcc": ["Ann@fabrikam.com"], "subject": "", "attachments": [], "headers": {}, "size": None}
    assert list(message_lines(message, "ann@fabrikam.com")) == [("From", "nobody"), ("Bcc", "Ann@fabrikam.com")]


def test_of_many_people_it_is_said_whom_a_message_is_about() -> None:
    message = {"name": "witness", "from": "megan@contoso.com", "to": [f"a{number}@b.com" for number in range(5)], "cc": ["joe@b.com"], "mail_from": ""}
    assert list(message_lines(message, "joe@b.com"))[1:] == [
        ("To", "a0@b.com, a1@b.com, a2@b.com and 2 more"),
        ("Cc", "joe@b.com"),
        ("Seen by", "joe@b.com"),
        ("Envelope", "empty"),
    ]
    added = {"name": "witness", "from": "megan@contoso.com", "to": ["ann@b.com"]}
    assert list(message_lines(added, "archive@b.com"))[1:] == [("To", "ann@b.com"), ("Seen by", "archive@b.com")]
