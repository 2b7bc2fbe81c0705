# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Exchange reports of its rules, of DLP rules, and of encryption.

Sources: Microsoft's pages of the cmdlets, and MC1323250: rules are only reported where EventType names their events.
Columns beyond the documented ones are kept by their names. Those of the report of DLP rules are documented nowhere; they
are taken to be called as its parameters. Microsoft retires the reports of DLP, so it may be gone. How protection by a rule is reported is unknown, so no row
ever means "encrypted".
"""

from __future__ import annotations

import datetime
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..._exchange.cmdlet import Call
from ..._exchange.errors import ExchangeError, PermissionDeniedError, ProtocolError
from ..model.addresses import person
from ..trace.reading import QUERIES, Queries
from ..trace.rows import RowError, date_of, microseconds_of, name_of_column

RULE_REPORT, DLP_REPORT, ENCRYPTION_REPORT, DETAIL = (
    "Get-MailDetailTransportRuleReport",
    "Get-MailDetailDlpPolicyReport",
    "Get-MailTrafficEncryptionReport",
    "Get-MessageTraceDetailV2",
)

#: Rows of a page, pages of a query, and the days of the rule report, and of the report of DLP rules.
PAGE, MOST_PAGES, OLDEST, OLDEST_DLP = 5000, 1000, 10, 7

#: A report may date a copy so much before or after the trace.
APART = datetime.timedelta(hours=1)

#: The events of rules.
EVENTS = ("TransportRuleHits", "TransportRuleActionHits")

#: The events of DLP rules that match, or act.
DLP_EVENTS = ("DLPRuleHits", "DLPActionHits")

#: The calls of a round trip.
_AT_ONCE = 10

#: The columns that are documented, and those that PowerShell adds.
_COMMON_COLUMNS = "date eventtype direction domain action organization startdate enddate page pagesize index"
_COPY_COLUMNS = "messageid messagetraceid transportrule senderaddress recipientaddress subject messagesize"
_KNOWN = {
    RULE_REPORT: f"{_COMMON_COLUMNS} {_COPY_COLUMNS}",
    DLP_REPORT: f"{_COMMON_COLUMNS} {_COPY_COLUMNS} dlppolicy",
    ENCRYPTION_REPORT: f"{_COMMON_COLUMNS} messagecount recipientcount aggregateby summarizeby",
}
_OF_SHELLS = frozenset(("pscomputername", "runspaceid", "psshowcomputername", "psobjectname"))

#: Column of the reports of rules to its name for messages.
_NEEDED = {"messagetraceid": "MessageTraceId", "recipientaddress": "RecipientAddress", "transportrule": "TransportRule"}

#: A copy: the message trace's id and the recipient, in lower case.
Copy = tuple[str, str]


@dataclass(frozen=True)
class RuleReport:
    """On which copies Exchange reports that rules, or DLP rules, acted.

    :param copies: a rule's name or GUID, as the report has it, to copies; :param:`beyond` those of them that it dates
        out of the window.
    :param vague: messages of which a row names no recipient, or no rule.
    :param raw: each unknown column with its first value.
    :param refused: why it could not be read; empty if it was.
    """

    copies: Mapping[str, frozenset[Copy]] = field(default_factory=dict)
    raw: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    beyond: frozenset[Copy] = frozenset()
    vague: frozenset[str] = frozenset()

    def copies_of_rule(self, name: str, guid: str) -> frozenset[Copy]:
        """The copies on which a rule acted."""
        return frozenset().union(
            *(copies for rule_name, copies in self.copies.items() if rule_name.lower() in (name.lower(), guid.lower()))
        )


@dataclass(frozen=True, order=True)
class Encrypted:
    """What the encryption report counts for a day.

    :param policy: messages that a policy encrypted, and :param:`manual` those that people did.
    :param copies: their recipients.
    """

    date: str
    policy: int
    manual: int
    copies: int


@dataclass(frozen=True)
class EncryptionReport:
    """The encryption report; :param:`refused` says why it could not be read."""

    days: Sequence[Encrypted] = ()
    raw: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, order=True)
class CopyDetails:
    """What the trace of a copy shows in detail, in Exchange's words; empty where it shows nothing.

    :param rules: the rules that it names, in order.
    """

    rules: tuple[str, ...] = ()
    tls: str = ""
    connector: str = ""


class ReportReader(Queries):
    """Reads the reports of a window, and copies in detail."""

    about: ClassVar[str] = "the reports"

    def rule_report(self, begin: datetime.datetime, until: datetime.datetime, now: datetime.datetime) -> RuleReport:
        """The copies on which rules acted, somewhat before and after the window included, because the report may date a
        copy otherwise than the trace.

        A refusal is part of it.

        :raises ExchangeError: reading failed in any other way, or a page repeats another.
        """
        try:
            return self._rules_of(RULE_REPORT, EVENTS, begin, until, now)
        except PermissionDeniedError as error:
            return RuleReport(refused=str(error))

    def dlp_report(self, begin: datetime.datetime, until: datetime.datetime, now: datetime.datetime) -> RuleReport:
        """The copies on which DLP rules acted, as :meth:`rule_report`.

        Whatever keeps it from being read is a part of it, as that Microsoft has retired it, or that it has other columns.
        """
        try:
            return self._rules_of(DLP_REPORT, DLP_EVENTS, begin, until, now)
        except ExchangeError as error:
            return RuleReport(refused=str(error))

    def _rules_of(
        self,
        cmdlet: str,
        events: Sequence[str],
        begin: datetime.datetime,
        until: datetime.datetime,
        now: datetime.datetime,
    ) -> RuleReport:
        """What a report has of rules.

        :raises ExchangeError: reading failed, or a page repeats another.
        """
        raw: dict[str, str] = {}
        copies: dict[str, set[Copy]] = {}
        beyond: set[Copy] = set()
        vague: set[str] = set()
        for row in self._pages(cmdlet, begin - APART, min(until + APART, now), raw, EventType=list(events)):
            missing = [_NEEDED[name] for name in _NEEDED if name not in row]
            if missing:
                raise _broken(f"has no column {', '.join(missing)}", cmdlet)
            rule = _text(row, "transportrule")
            message = _text(row, "messagetraceid").lower().strip("{}")
            named = filter(str.strip, _text(row, "recipientaddress").split(";"))
            acted_on = {(message, person(recipient).lower()) for recipient in named}
            if not (acted_on and rule):
                vague.add(message)
            if not rule:
                continue
            copies.setdefault(rule, set()).update(acted_on)
            if not _is_within(row.get("date"), begin, until):
                beyond |= acted_on
        return RuleReport(
            {rule: frozenset(copies_of_name) for rule, copies_of_name in sorted(copies.items())},
            raw,
            beyond=frozenset(beyond),
            vague=frozenset(vague),
        )

    def encryption_report(self, begin: datetime.datetime, until: datetime.datetime) -> EncryptionReport:
        """What was encrypted by policies and by people, by day.

        :raises ExchangeError: as :meth:`rule_report`.
        """
        raw: dict[str, str] = {}
        days: dict[str, Counter[str]] = {}
        try:
            for row in self._pages(ENCRYPTION_REPORT, begin, until, raw):
                event = _text(row, "eventtype").lower()
                day = days.setdefault(_text(row, "date")[:10], Counter())
                kind = {"encryptionpolicy": "policy", "encryptionmanual": "manual"}.get(event)
                if kind:
                    day[kind] += _number(row, "messagecount")
                    day["copies"] += _number(row, "recipientcount")
        except PermissionDeniedError as error:
            return EncryptionReport(refused=str(error))
        return EncryptionReport(
            [
                Encrypted(day, per_direction["policy"], per_direction["manual"], per_direction["copies"])
                for day, per_direction in sorted(days.items())
            ],
            raw,
        )

    def details(self, copies: Sequence[Copy]) -> dict[Copy, CopyDetails]:
        """What the trace shows of copies in detail. Not more than the queries that Exchange allows at a time.

        :raises ExchangeError: reading failed.
        """
        details: dict[Copy, CopyDetails] = {}
        asked = copies[:QUERIES]
        for first in range(0, len(asked), _AT_ONCE):
            group = asked[first : first + _AT_ONCE]
            # Without one of the two parameters, the answer is empty.
            results = self.ask(
                *(
                    Call(DETAIL, {"MessageTraceId": message, "RecipientAddress": recipient})
                    for message, recipient in group
                )
            )
            details.update({copy: details_of(result.unwrap()) for copy, result in zip(group, results, strict=True)})
        return details

    def _pages(
        self, cmdlet: str, begin: datetime.datetime, until: datetime.datetime, raw: dict[str, str], **more: list[str]
    ) -> Iterator[dict[str, Any]]:
        """The rows of all pages, by the names of columns in lower case. A page that is full asks for the next.

        :param raw: each unknown column with its first value: those of the rows are added.
        """
        known = {*_KNOWN[cmdlet].split(), *_OF_SHELLS}
        seen: set[frozenset[tuple[str, str]]] = set()
        for number in range(1, MOST_PAGES + 1):
            (result,) = self.ask(
                Call(cmdlet, {"StartDate": begin, "EndDate": until, "Page": number, "PageSize": PAGE, **more})
            )
            objects = list(result.unwrap())
            for column, value in (pair for object_ in objects for pair in object_.items()):
                if name_of_column(column) not in known:
                    raw.setdefault(column, str(value))
            rows = [{name_of_column(column): value for column, value in object_.items()} for object_ in objects]
            before = len(seen)
            seen.update(map(_values, rows))
            yield from rows
            if len(rows) < PAGE:
                return
            if len(seen) == before:
                raise _broken(f"repeats a page that was read already (page {number})", cmdlet)
            self.say(f"{len(seen):,} rows of {cmdlet}")
        raise _broken(f"has more than {MOST_PAGES} pages", cmdlet)


#: In a detail: the rule that acted, and the TLS version. Source: what was observed on tenants.
_RULE = re.compile(r"Transport rule: '(.*?)', ID: \(")
_TLS = re.compile(r"\busing (TLS[\w.]*)")
_PART = re.compile(r"<MEP\b([^>]*)>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def details_of(events: Iterable[Mapping[str, Any]]) -> CopyDetails:
    """The rules, TLS version and connector that the events of a copy name."""
    rules: dict[str, None] = {}
    tls = connector = ""
    for event in events:
        detail = str(event.get("Detail") or "")
        kind = str(event.get("Event") or "").lower()
        if kind == "transport rule":
            rules.update(dict.fromkeys(_RULE.findall(detail)))
        if kind.startswith("send"):
            tls = next(iter(_TLS.findall(detail)), tls)
            connector = next(_connectors(str(event.get("Data") or "")), connector)
    return CopyDetails(tuple(rules), tls, connector)


def _connectors(data: str) -> Iterator[str]:
    """The connectors that the data of an event name: ``<root><MEP Name="…Connector…" String="…"/></root>``."""
    for part in _PART.findall(data):
        values = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(part)}
        if "connector" in values.get("Name", "").lower() and values.get("String"):
            yield values["String"]


def _values(row: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The values of a row, without its number and that of its page."""
    return frozenset((name, str(value)) for name, value in row.items() if name not in ("page", "index"))


def _is_within(date: Any, begin: datetime.datetime, until: datetime.datetime) -> bool:
    """Whether a date is in a window. One that cannot be read counts as in it."""
    try:
        return microseconds_of(begin) <= date_of(date) <= microseconds_of(until)
    except RowError:
        return True


def _text(row: Mapping[str, Any], column: str) -> str:
    return str(row.get(column) or "").strip()


def _number(row: Mapping[str, Any], column: str) -> int:
    text = _text(row, column)
    if text and not text.isdecimal():
        raise _broken(f"has no number in the column {column}", ENCRYPTION_REPORT)
    return int(text or 0)


def _broken(why: str, cmdlet: str) -> ProtocolError:
    return ProtocolError(f"The report {why}.", cmdlet=cmdlet)
