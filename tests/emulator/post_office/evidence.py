# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service shows of a message that was sent: its row in the trace, and the events of the row.

Source of the events: a published trace of mail to an outside address, once rejected by a rule and once not. What a trace
shows of a copy that was deleted, redirected, held or released is the emulator's own.
"""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import rule_reports
from ..mail_flow.outcomes import Outcome
from ..values import stored_instant
from .letters import Letter

_STATUS = {
    "delivered": "Delivered",
    "rejected": "Failed",
    "deleted": "Failed",
    "quarantined": "Quarantined",
    "redirected": "None",
    "moderated": "Pending",
}


@dataclass(frozen=True)
class Traced:
    """What there is to tell of one recipient's copy.

    :param rules: names of the rules that are said to have acted, to their GUIDs.
    :param failure: the line of a refusal; empty where there is none.
    """

    address: str
    status: str
    rules: Mapping[str, str]
    failure: str = ""
    leaves: bool = False
    connector: str = ""


def status_of(outcome: Outcome) -> str:
    return _STATUS[outcome.fate]


def row(letter: Letter, trace: str, traced: Traced, instant: datetime.datetime, seen_from: str) -> dict[str, Any]:
    """A row of the message trace. :param seen_from: the instant from which queries have it."""
    return {
        "MessageTraceId": trace,
        "MessageId": letter.message_id,
        "Received": stored_instant(instant),
        "SenderAddress": letter.sender,
        "RecipientAddress": traced.address,
        "Subject": letter.subject,
        "Status": traced.status,
        "Size": len(letter.content),
        "FromIP": letter.sender_ip or rule_reports.NO_HOP,
        "ToIP": "203.0.113.80" if traced.leaves else None,
        "SeenFrom": seen_from,
    }


def details(
    found: Mapping[str, Any], traced: Traced, *, named: bool, seen_from: str, actions: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The events of a row, those of one second in no order.

    :param named: whether rules are called by their names; else by their GUIDs only.
    :param actions: rule to the classes of its actions: an event for each.
    """
    events = [
        ("Receive", "Message received by: MAIL.PROD.OUTLOOK.COM", ""),
        ("Submit", "The message was submitted.", ""),
    ]
    for name, guid in traced.rules.items():
        shown = name if named else ""
        said = f"Transport rule: '{shown}', ID: ('{guid}'), DLP policy: '', ID: (00000000-0000-0000-0000-000000000000)"
        events += [("Transport rule", said, rule_reports.data("ruleId", guid))] * max(1, len(actions.get(name, ())))
    if traced.status == "Failed" and traced.failure:
        events += [("Fail", f"Reason: [{{LED={traced.failure}}};{{FQDN=}};{{IP=}}]", "")] * 2
    elif traced.status == "Failed":
        events.append(("Drop", "The message was deleted.", ""))
    elif traced.status == "Delivered" and traced.leaves:
        events.append(("Transfer", "Message transferred from: Submit to: SmtpDeliveryToMx", ""))
        sent = f"Message sent to mail.{traced.address.rpartition('@')[2]} at 203.0.113.80 using TLS1.2 with AES256"
        events.append(
            ("Send external", sent, rule_reports.data("ConnectorId", traced.connector) if traced.connector else "")
        )
    elif traced.status == "Delivered":
        events.append(("Deliver", "The message was delivered to the folder: DefaultFolderType:Inbox", ""))
    elif traced.status == "Expanded":
        events.append(("Expand DL", "The members of the group get the message.", ""))
    head = {name: found[name] for name in ("MessageId", "MessageTraceId", "RecipientAddress")}
    rows = [
        {"Date": found["Received"], **head, "Event": event, "Action": "", "Detail": text, "Data": held}
        | {"SeenFrom": seen_from}
        for event, text, held in events
    ]
    random.Random(str(found["MessageTraceId"])).shuffle(rows)
    return rows


def new_trace_id() -> str:
    return str(uuid.uuid4())
