# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service reports of its rules: three reports, and a traced message in detail.

Sources: Microsoft's pages of the cmdlets and MC1323250; the details' texts as published scripts quote them. The columns of
the report of DLP rules are documented nowhere: they are called as its parameters. A state
holds the rows, so that a report can say whatever a test wants, also what no rule did; :func:`computed` makes those that
the emulator's own rules cause.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from . import properties
from .compliance_objects import policies_for_mail
from .context import Context
from .errors import refused
from .mail_flow import GUESSES, MailFlow
from .mail_flow.delivery import deliver, facts_of
from .message_trace import is_seen
from .organization import Organization
from .values import parse_instant, stored_instant

#: The last hop of mail from a mailbox of the organization.
NO_HOP = "255.255.255.255"

#: Details in so many seconds, and the days of the three reports.
QUERIES, SECONDS, RULE_DAYS, DLP_DAYS, ENCRYPTION_DAYS = 100, 300, 10, 7, 92

#: The events of the rule report: those of rules only come where they are asked for.
RULE_EVENTS = ("TransportRuleHits", "TransportRuleActionHits")
_EVENTS = (*RULE_EVENTS, "DLPActionHits", "DLPMessages", "DLPRuleHits")

#: The events of the report of DLP rules.
DLP_EVENTS = ("DLPActionHits", "DLPPolicyFalsePositive", "DLPPolicyHits", "DLPPolicyOverride", "DLPRuleHits")


def hit(row: Mapping[str, Any], rule: str, **others: Any) -> dict[str, Any]:
    """A row of the rule report: the rule acted on a copy of the message trace. :param row: of ``message_trace.row``."""
    shared = {
        name: row[name] for name in ("MessageId", "MessageTraceId", "SenderAddress", "RecipientAddress", "Subject")
    }
    said = {
        "Direction": "Outbound",
        "Domain": row["SenderAddress"].partition("@")[2],
        "Action": "ApplyRightsProtectionTemplate",
        "MessageSize": row["Size"],
    }
    return {"Date": row["Received"], **shared, **said, "EventType": RULE_EVENTS[0], "TransportRule": rule, **others}


def hits(rows: Iterable[Mapping[str, Any]], rule: str, *, omitted: Collection[str] = ()) -> list[dict[str, Any]]:
    """A row for each copy, but for those of the omitted messages. Rows that no rule caused, and omitted ones,
    contradict what is computed.
    """
    return [hit(row, rule) for row in rows if row["MessageTraceId"] not in omitted]


def computed(state: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the rules of an organization cause, for ordinary mail without a text. DoNotAudit keeps a rule out."""
    whole = Organization(state).dump()
    silent = {rule["Name"] for rule in whole["transport_rules"] if rule.get("SetAuditSeverity") == "DoNotAudit"}
    found = []
    for each in rows:
        results = deliver(whole, _plain(each))["recipients"]
        found += [
            hit(each, rule["name"])
            for result in results.values()
            for rule in result["rules"]
            if rule["matched"] is True and rule["name"] not in silent
        ]
    return found


def dlp_hit(row: Mapping[str, Any], rule: str, policy: str, **others: Any) -> dict[str, Any]:
    """A row of the report of DLP rules: the rule matched a copy of the message trace."""
    return hit(row, rule, DlpPolicy=policy, Action="", EventType="DLPRuleHits", **others)


def computed_dlp(state: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the DLP rules of an organization surely cause, for ordinary mail without a text."""
    whole = Organization(state).dump()
    flow = MailFlow(whole["transport_rules"], facts_of(whole))
    policies = {rule["Name"]: policy["Name"] for policy in policies_for_mail(whole) for rule in policy["Rules"]}
    found = []
    for each in rows:
        for outcomes in flow.worlds(_plain(each), guesses=GUESSES).values():
            matched = [set(outcome.matched_dlp) if outcome else set() for outcome in outcomes]
            found += [dlp_hit(each, name, policies[name]) for name in sorted(set.intersection(*matched))]
    return found


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The ordinary message without a text that a row of the message trace may be of."""
    return {
        "body": "",
        "headers": {},
        "attachments": [],
        "cc": [],
        "bcc": [],
        "protection": {"kind": "none"},
        "from": row["SenderAddress"],
        "to": [row["RecipientAddress"]],
        "subject": row["Subject"],
        "size": row["Size"],
        "authenticated": row["FromIP"] == NO_HOP,
    }


def detail(
    row: Mapping[str, Any], rules: Mapping[str, str], tls: str = "", connector: str = ""
) -> list[dict[str, Any]]:
    """The events of a copy in detail. :param rules: names of the rules that acted, to their GUIDs. :param connector: by
    which it left.
    """
    head = {name: row[name] for name in ("MessageId", "MessageTraceId", "RecipientAddress")}
    events = [("Receive", "Message received by: MAIL.PROD.OUTLOOK.COM", "")]
    for name, guid in rules.items():
        said = f"Transport rule: '{name}', ID: ('{guid}'), DLP policy: '', ID: (00000000-0000-0000-0000-000000000000)"
        events.append(("Transport rule", said, data("ruleId", guid)))
    if tls:
        said = f"Message sent to mail.fabrikam.com at 203.0.113.25 using {tls} with AES256"
        events.append(("Send external", said, data("ConnectorId", connector) if connector else ""))
    return [
        {"Date": row["Received"], **head, "Event": event, "Action": "", "Detail": text, "Data": held}
        for event, text, held in events
    ]


def data(name: str, value: str) -> str:
    """What an event holds beside its text."""
    return f"<root><MEP Name={quoteattr(name)} String={quoteattr(value)}/></root>"


def settled(state: Mapping[str, Any], days: int = 60) -> dict[str, Any]:
    """A state in which everything that can change did so that long ago."""
    then = stored_instant(datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days))
    dated = {"transport_rules": "WhenChanged", "remote_domains": "WhenChanged", "inbound_connectors": "WhenChangedUTC"}
    return {
        **state,
        **{name: [{when: then, **_without(row, when)} for row in state[name]] for name, when in dated.items()},
    }


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def get_rule_report(context: Context) -> None:
    """Rows of the events that are asked for; without EventType, none of rules."""
    wanted = _events(context, _EVENTS)
    rows = [row for row in _reported(context, "rule_report", RULE_DAYS) if row["EventType"].lower() in wanted]
    _emit_page(context, properties.RULE_REPORT, _filtered(context, rows))


def get_dlp_report(context: Context) -> None:
    """Rows of the events that are asked for; without EventType, of all."""
    wanted = _events(context, DLP_EVENTS) or {event.lower() for event in DLP_EVENTS}
    rows = [row for row in _reported(context, "dlp_report", DLP_DAYS) if row["EventType"].lower() in wanted]
    _emit_page(context, properties.DLP_REPORT, _filtered(context, rows))


def _events(context: Context, known: Collection[str]) -> set[str]:
    """The events that are asked for, in lower case."""
    wanted = {str(event).lower() for event in context.parameters.get("EventType") or ()}
    unknown = wanted - {event.lower() for event in known}
    if unknown:
        raise refused(f"The value '{sorted(unknown)[0]}' of the parameter EventType isn't valid.")
    return wanted


def _filtered(context: Context, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that have the values that are asked for."""
    asked = context.parameters
    for name in (
        "Direction",
        "Domain",
        "Action",
        "DlpPolicy",
        "MessageId",
        "MessageTraceId",
        "RecipientAddress",
        "SenderAddress",
        "TransportRule",
    ):
        values = asked.get(name)
        if values:
            meant = {str(value).lower() for value in (values if isinstance(values, list) else [values])}
            rows = [row for row in rows if str(row[name]).lower() in meant]
    return rows


def get_encryption_report(context: Context) -> None:
    """Counts of days."""
    _emit_page(context, properties.ENCRYPTION_REPORT, _reported(context, "encryption_report", ENCRYPTION_DAYS))


def get_detail(context: Context) -> None:
    """The events of a copy; without the message or the recipient, nothing and no error."""
    state, asked = context.state, context.parameters
    now = time.time()
    queries: list[float] = state["message_trace_detail_queries"]
    queries[:] = [each for each in queries if now - each < SECONDS]
    if len(queries) >= QUERIES:
        raise refused(
            "You have exceeded the number of queries that are allowed in 5 minutes. Please wait and try again."
        )
    queries.append(now)
    keys = [str(asked.get(name) or "").lower() for name in ("MessageTraceId", "RecipientAddress")]
    for row in state["message_trace_details"] if all(keys) else ():
        mine = [str(row[name]).lower() for name in ("MessageTraceId", "RecipientAddress")] == keys
        if mine and is_seen(row):
            context.emit(properties.MESSAGE_TRACE_DETAIL, row)


def _reported(context: Context, name: str, days: int) -> list[dict[str, Any]]:
    """The rows of a window that have come by now, newest first."""
    asked, now = context.parameters, datetime.datetime.now(datetime.UTC)
    if bool(asked.get("StartDate")) is not bool(asked.get("EndDate")):
        raise refused("StartDate and EndDate must be given together.")
    start = parse_instant(asked["StartDate"]) if asked.get("StartDate") else now - datetime.timedelta(days=2)
    end = parse_instant(asked["EndDate"]) if asked.get("EndDate") else now
    if start >= end:
        raise refused("The StartDate must be before the EndDate.")
    if start < now - datetime.timedelta(days=days, minutes=5):
        raise refused(f"The StartDate can't be earlier than {days} days ago.")
    newest = min(end, now - datetime.timedelta(hours=context.state["report_hours_late"]))
    rows = [row for row in context.state[name] if start <= parse_instant(row["Date"]) <= newest]
    return sorted(rows, key=lambda row: str(row["Date"]), reverse=True)


def _emit_page(context: Context, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    page, size = context.parameters.get("Page") or 1, context.parameters.get("PageSize") or 1000
    for index, row in enumerate(rows[(page - 1) * size : page * size]):
        context.emit(kind, {**row, "Index": index})
