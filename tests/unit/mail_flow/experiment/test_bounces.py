# SPDX-License-Identifier: GPL-3.0-or-later
"""Non-delivery reports of test messages: which are of them, and what they say."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    GRAPH_ABOUT,
    GRAPH_MIME,
    Call,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.bounces import (
    Bounce,
    bounces_of,
)

from tests.emulator.post_office import notices
from tests.emulator.post_office.letters import Letter
from tests.unit.mail_flow.experiment.mailboxes import (
    DOMAIN,
    INSIDE,
    SENDER,
    KeptRecord,
    Mailboxes,
    message,
    run,
    session_with,
)

ID = "<Sent-1@contoso.onmicrosoft.com>"
OTHER = "<another@contoso.onmicrosoft.com>"
REFUSAL = notices.refusal("5.7.1", "Not by mail.")
NO: dict[str, Any] = {
    "name": "Salaries",
    "conditions": {"subject_contains_words": ["salary"]},
    "actions": {"reject_message_reason_text": "Not by mail.", "set_audit_severity": "Low"},
}


def report(message_id: str = ID, refusals: dict[str, str] | None = None) -> bytes:
    """A report as the emulator writes it."""
    head = f"From: {SENDER}\r\nSubject: My salary [x-1]\r\nMessage-ID: {message_id}\r\n\r\nHello"
    letter = Letter(head.encode(), SENDER, (INSIDE,), True)
    return notices.bounce(letter, refusals or {INSIDE: REFUSAL}, DOMAIN).as_bytes()


def with_original(kind: str, message_id: str) -> bytes:
    """A report that names the message in the original alone."""
    status = f"Reporting-MTA: dns;x\r\n\r\nFinal-Recipient: rfc822;{INSIDE}\r\nAction: failed\r\nStatus: 5.7.1\r\n"
    status += f"Diagnostic-Code: smtp;{REFUSAL}\r\n"
    parts = [("message/delivery-status", status), (kind, f"Message-ID: {message_id}\r\nSubject: x\r\n\r\n")]
    body = "".join(f"--b\r\nContent-Type: {name}\r\n\r\n{text}\r\n" for name, text in parts)
    head = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    return f"{head}{body}--b--\r\n".encode()


@pytest.mark.parametrize(
    "content",
    [report(), with_original("message/rfc822", ID), with_original("text/rfc822-headers", ID)],
    ids=["reply", "original", "headers"],
)
def test_a_report_is_of_the_message_whose_id_it_names(content: bytes) -> None:
    assert bounces_of(content, {ID.lower()}) == [Bounce(INSIDE.lower(), "5.7.1", REFUSAL)]
    assert bounces_of(content, {OTHER}) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        f"In-Reply-To: {ID}\r\nSubject: Undeliverable\r\n\r\n{REFUSAL}".encode(),
        report().replace(b"Action: failed", b"Action: delayed"),
        report().replace(b"rfc822;", b"x400 "),
        with_original("text/plain", ID),
    ],
    ids=["nothing", "no report", "delayed", "no address", "an id in a text"],
)
def test_what_is_no_report_of_a_failure_says_nothing(content: bytes) -> None:
    assert bounces_of(content, {ID.lower()}) == []


def test_each_recipient_has_its_own_refusal() -> None:
    other = "nobody@contoso.onmicrosoft.com"
    found = bounces_of(report(refusals={INSIDE: REFUSAL, other: notices.refusal("5.1.10")}), {ID.lower()})
    assert [(bounce.recipient, bounce.status) for bounce in found] == [(INSIDE.lower(), "5.7.1"), (other, "5.1.10")]


class Bouncing(Mailboxes):
    """Mailboxes in which the sender of a rejected message finds a report."""

    subject_only = False

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        (call,) = calls
        if call.cmdlet == GRAPH_ABOUT:
            assert call.parameters["Mailbox"] == SENDER
            return [Result([{"id": "bounce"}])]
        if call.cmdlet == GRAPH_MIME and call.parameters["Id"] == "bounce":
            content = report(OTHER if self.subject_only else str(self.sent[0]["Message-ID"]))
            return [Result([{"mime": base64.b64encode(content).decode("ascii")}])]
        return super().invoke(calls, fresh=fresh)


def rejected(mailboxes: type[Bouncing], fate: dict[str, Any], **options: Any) -> dict[str, Any]:
    session = session_with(NO, hidden_cmdlets=["Get-MessageTraceDetailV2"])
    given: dict[str, Any] = {"senders": [SENDER], "recipients": [INSIDE], "read_copies": True, **options}
    asked = message(to=[INSIDE], subject="My salary")
    found = run(session, mailboxes(session, {INSIDE: fate}), KeptRecord(), messages=[asked], **given)
    return dict(found["experiments"][0]["recipients"][INSIDE]["observed"])


FAILED = {"status": "Failed"}


def test_a_report_says_that_a_rule_rejected_a_copy_where_details_may_not_be_read() -> None:
    seen = rejected(Bouncing, FAILED)
    assert (seen["fate"], seen["evidence"]) == ("rejected", ["trace", "bounce"])
    assert seen["bounce"] == {"status": "5.7.1", "text": REFUSAL}
    unread = rejected(Bouncing, FAILED, read_copies=False)
    assert (unread["fate"], unread["evidence"]) == ("failed", ["trace"])


def test_a_report_with_the_subject_alone_says_nothing() -> None:
    class Forged(Bouncing):
        subject_only = True

    assert rejected(Forged, FAILED)["evidence"] == ["trace"]


def test_a_report_of_a_copy_that_was_delivered_is_not_looked_for() -> None:
    assert rejected(Bouncing, {"status": "Delivered"})["fate"] == "delivered"
