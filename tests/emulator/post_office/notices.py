# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that the service itself writes: non-delivery reports, incident reports, automatic replies."""

from __future__ import annotations

import email.policy
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from .letters import Letter, new_message_id

#: Who sends non-delivery reports, before the organization's domain.
POSTMASTER = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e"
_RULE = "TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy"
_NOBODY = "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"


def refusal(status: str, text: str = "") -> str:
    """The line that says why a message was refused. :param text: what the rule's author wrote."""
    code, reason = ("5.1.10", _NOBODY) if status == "5.1.10" else (status or "5.7.1", _RULE)
    return f"550 {code} {reason}" + (f"; {text}" if text else "")


def bounce(letter: Letter, why: Mapping[str, str], domain: str) -> EmailMessage:
    """The non-delivery report to a sender. :param why: recipient to the line of the refusal."""
    report = _head(f"{POSTMASTER}@{domain}", letter.envelope_sender, f"Undeliverable: {letter.subject}", domain)
    blocked = any("TRANSPORT.RULES" in line for line in why.values())
    lines = ["Blocked by mail flow rule" if blocked else "Your message couldn't be delivered", ""]
    lines += [f"{address}\nRemote Server returned '{line}'" for address, line in why.items()]
    lines += ["", "Diagnostic information for administrators:", *why.values(), "", f"Message-ID: {letter.message_id}"]
    report.set_content("\n".join(lines))
    report["In-Reply-To"] = letter.message_id
    report["Auto-Submitted"] = "auto-generated"
    report.make_mixed()
    report.replace_header("Content-Type", "multipart/report; report-type=delivery-status")
    report.attach(_status(why))
    return report


def _status(why: Mapping[str, str]) -> EmailMessage:
    """The part of a report that programs read."""
    part = EmailMessage(policy=email.policy.SMTP)
    part["Content-Type"] = "message/delivery-status"
    blocks = []
    for address, line in why.items():
        block = EmailMessage(policy=email.policy.SMTP)
        block["Final-Recipient"] = f"rfc822;{address}"
        block["Action"] = "failed"
        block["Status"] = line.split()[1]
        block["Diagnostic-Code"] = f"smtp;{line}"
        blocks.append(block)
    part.set_payload(blocks)
    return part


def incident_report(letter: Letter, recipient: str, rules: Sequence[str], domain: str) -> EmailMessage:
    report = _head(f"postmaster@{domain}", recipient, f"Rule detected - {letter.subject}", domain)
    report.set_content("\n".join(["The message met mail flow rules.", *rules, f"Message-ID: {letter.message_id}"]))
    report["Auto-Submitted"] = "auto-generated"
    return report


def automatic_reply(letter: Letter, mailbox: str, text: str, domain: str) -> EmailMessage:
    reply = _head(mailbox, letter.envelope_sender, f"Automatic reply: {letter.subject}", domain)
    reply.set_content(text)
    reply["In-Reply-To"] = letter.message_id
    reply["Auto-Submitted"] = "auto-replied"
    reply["X-Auto-Response-Suppress"] = "All"
    return reply


def wants_no_reply(message: EmailMessage) -> bool:
    """Whether an automatic reply would be wrong: the message is automatic itself, or says so."""
    submitted = str(message["Auto-Submitted"] or "no").strip().lower()
    suppressed = str(message["X-Auto-Response-Suppress"] or "").lower()
    return submitted != "no" or any(each.strip() in ("all", "oof", "autoreply") for each in suppressed.split(","))


def _head(sender: str, recipient: str, subject: str, domain: str) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"] = sender, recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = new_message_id(domain)
    return message
