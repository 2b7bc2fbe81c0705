# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a message from a file reaches: those of its To and Cc fields who are permitted, and nobody else."""

from __future__ import annotations

import datetime
from email.parser import BytesParser
from email.utils import getaddresses
from typing import TYPE_CHECKING

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import (
    Sending,
    UnsendableError,
    letter_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of

from tests.unit.mail_flow.experiment.mailboxes import INSIDE, PARTNER, SENDER

if TYPE_CHECKING:
    from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import (
        TestLetter,
    )

STRANGER = "stranger@elsewhere.example"


def letter(head: str, body: str = "Hello") -> TestLetter:
    now = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.UTC)
    sending = Sending("graph", [SENDER], [INSIDE, PARTNER], "0123abcd", now)
    content = f"From: Alex <{SENDER}>\r\n{head}\r\n\r\n{body}\r\n".encode()
    return letter_of(1, {"name": "File"}, content, sending, facts_of({}))


@pytest.mark.parametrize(
    "head",
    [
        f"Bcc: {STRANGER}",
        f"Resent-To: {STRANGER}\r\nResent-Cc: {STRANGER}\r\nResent-Bcc: {STRANGER}",
        f"Reply-To: {STRANGER}\r\nDisposition-Notification-To: {STRANGER}\r\nReturn-Receipt-To: {STRANGER}",
        f"Sender: {STRANGER}\r\nReturn-Path: <{STRANGER}>\r\nErrors-To: {STRANGER}",
        f"X-Own: a\rBcc: {STRANGER}",
        f"X-Own: a\nBcc: {STRANGER}",
        f"X-Own: a\x0bBcc: {STRANGER}",
        f"X-Own: a\r\n\x0cBcc: {STRANGER}",
        f"Apparently-To: {STRANGER}\r\nX-MS-Exchange-Organization-Bcc: {STRANGER}",
    ],
    ids=ascii,
)
def test_no_header_of_a_file_reaches_others(head: str) -> None:
    made = letter(f"To: {PARTNER}\r\n{head}\r\nSubject: x")
    parsed = BytesParser().parsebytes(made.mime)
    assert made.recipients == (PARTNER,)
    addressed = [value for field in ("To", "Cc", "Bcc", "Resent-To") for value in parsed.get_all(field, [])]
    assert [address for _name, address in getaddresses(addressed)] == [PARTNER]
    kept = [name for name, value in parsed.items() if STRANGER in str(value)]
    assert kept in ([], ["X-Own"])


@pytest.mark.parametrize(
    "to",
    [
        f"{PARTNER}, {STRANGER}",
        f"Team: {PARTNER}, {STRANGER};",
        f"{PARTNER}\r\nTo: {STRANGER}",
        f"{PARTNER}\r\nCc: {STRANGER}",
        f'"{PARTNER}" <{STRANGER}>',
        f"{PARTNER} <{STRANGER}>",
        f'"{INSIDE}, x"@elsewhere.example',
        f"{PARTNER.replace('@', '+more@')}",
        f"=?utf-8?q?x?= <{STRANGER}>",
        "t\u00ebsts@fabrikam.com",
        "undisclosed-recipients:;",
    ],
    ids=ascii,
)
def test_an_address_that_is_not_permitted_keeps_a_file_from_being_sent(to: str) -> None:
    with pytest.raises((UnsendableError, OptionError)):
        letter(f"To: {to}\r\nSubject: x")


@pytest.mark.parametrize("kind", ["text/calendar", "application/ms-tnef"])
def test_what_mailboxes_answer_by_themselves_is_not_sent(kind: str) -> None:
    part = f"--x\r\nContent-Type: {kind}\r\n\r\nORGANIZER:mailto:{STRANGER}\r\n--x--"
    with pytest.raises(UnsendableError) as caught:
        letter(f"To: {PARTNER}\r\nContent-Type: multipart/alternative; boundary=x", part)
    assert (caught.value.kind, caught.value.names) == ("answered", (kind,))
