# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange shows of messages that were sent: rows of the trace, their details, reports, and delivered copies.

A row is found by the mark in its subject. Nothing is concluded from silence: what is not there has not been seen. How a trace
shows protection is not documented, so protection is seen in a delivered copy alone. Sources: Microsoft's pages of the cmdlets,
and MS-OXORMMS for how a protected message looks.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any

from ..._exchange.cmdlet import GRAPH_ABOUT, GRAPH_FIND, GRAPH_MIME, Call, Session, Value
from ..._exchange.errors import ExchangeError, NotFoundError, PermissionDeniedError
from ..evidence.reports import DETAIL, RuleReport, details_of
from ..trace.reading import TraceReader
from ..trace.rows import Row
from .bounces import Bounce, bounces_of

#: What becomes of a copy, as a row's status says it. A row that waits may still change.
_FATES: Mapping[str, str] = {
    "delivered": "delivered",
    "failed": "failed",
    "quarantined": "quarantined",
    "filteredasspam": "filtered",
    "expanded": "expanded",
    "none": "not_delivered",
    "pending": "pending",
    "gettingstatus": "pending",
    "recalled": "recalled",
}
#: The fates after which a row is not expected to change.
FINAL = frozenset({"delivered", "failed", "rejected", "quarantined", "filtered", "expanded", "not_delivered"})

#: Nothing was seen of it.
NOT_SEEN = "not_seen"

#: What a rule's rejection says. Source: messages that tenants got.
_BY_RULE = re.compile(r"TRANSPORT\.RULES\.|RejectMessage", re.IGNORECASE)

#: In a detail: the rule that acted, and its GUID. The name may be empty. Source: what was observed on tenants.
_RULE = re.compile(r"Transport rule: '(.*?)', ID: \('?([^')]*)'?\)")

#: How much earlier than its sending a row may be dated, and how much later copies are looked for.
_EARLIER = datetime.timedelta(minutes=5)

#: The largest copy that is looked into, in bytes.
_LARGEST = 8 << 20

#: The file in which a protected message is.
_RIGHTS = re.compile(r"message[\w-]*\.rpmsg", re.IGNORECASE)


@dataclass(frozen=True)
class Sighting:
    """What was seen of a copy.

    :param fate: ``delivered``, ``rejected`` (by a rule), ``failed``, ``quarantined``, ``filtered`` (as spam), ``expanded`` (a group), ``not_delivered``
        (rejected or redirected), ``pending``, ``recalled``, or ``not_seen``.
    :param rules: the rules that its details name; ``None`` if there are no details.
    :param protection: ``protected``, ``clear`` or ``not_seen``.
    :param evidence: where that was seen: ``trace``, ``detail``, ``report``, ``copy``, ``bounce``.
    :param remarks: ``missing`` (no row), ``late`` (no end yet), ``duplicated`` (several), ``partial`` (a row without details), ``contradicting`` (what was
        seen contradicts itself).
    :param internal: whether the copy says that its sender was authenticated; ``None`` if it does not say it.
    :param bounce: what a non-delivery report says of it.
    """

    fate: str = NOT_SEEN
    rules: tuple[str, ...] | None = None
    protection: str = NOT_SEEN
    evidence: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    tls: str = ""
    connector: str = ""
    internal: bool | None = None
    bounce: Bounce | None = None

    @property
    def is_final(self) -> bool:
        """Whether its end was seen."""
        return self.fate in FINAL


@dataclass(frozen=True)
class MarkedRow:
    """A row of the trace that an experiment knows by its mark."""

    mark: str
    row: Row


class MarkedReader(TraceReader):
    """Reads the rows of marked messages."""

    def marked(
        self, senders: Sequence[str], marks: Iterable[str], begin: datetime.datetime, until: datetime.datetime
    ) -> list[MarkedRow]:
        """The rows of messages from these senders whose subjects have one of these marks.

        :raises ExchangeError: the trace cannot be read.
        """
        wanted = list(marks)
        marked_rows: list[MarkedRow] = []
        for page in self._paged(StartDate=begin - _EARLIER, EndDate=until, SenderAddress=list(senders)):
            for row in page:
                mark = next((candidate for candidate in wanted if f"[{candidate}]" in (row.subject or "")), None)
                if mark is not None:
                    marked_rows.append(MarkedRow(mark, row))
        return marked_rows


@dataclass
class Observer:
    """Looks for what became of messages.

    :param session: the organization's.
    :param mailboxes: opens a session with Microsoft Graph; ``None`` if copies are not looked at.
    :param say: called with the progress.
    :param unavailable: what could not be read, with the reason.
    """

    session: Session
    mailboxes: Callable[[], Session] | None
    say: Callable[[str], None]
    senders: Sequence[str]
    unavailable: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reader = MarkedReader(self.session, self.say)
        self._graph: Session | None = None
        self._closed: set[str] = set()  # mailboxes that cannot be looked into

    def rows(self, marks: Iterable[str], begin: datetime.datetime, now: datetime.datetime) -> list[MarkedRow]:
        """The rows so far."""
        return self._reader.marked(self.senders, marks, begin, now)

    def details(self, row: Row) -> list[dict[str, Any]]:
        """The events of a copy; none if they may not be read."""
        (result,) = self._reader.ask(Call(DETAIL, {"MessageTraceId": row.message, "RecipientAddress": row.recipient}))
        if isinstance(result.error, PermissionDeniedError):
            self.unavailable[DETAIL] = str(result.error)
            return []
        return result.unwrap()

    def copies(self, row: Row, message_id: str) -> list[bytes] | None:
        """The messages with this ID in the recipient's mailbox, as MIME; ``None`` if they cannot be seen.

        :param message_id: the message's ID as it is written: Microsoft Graph may look at its case.
        """
        return self._messages(GRAPH_FIND, row.recipient, {"MessageId": message_id}) if message_id else None

    def bounces(self, sender: str, mark: str, since: datetime.datetime, message_ids: set[str]) -> list[Bounce] | None:
        """What non-delivery reports in the sender's mailbox say of a message; ``None`` if they cannot be seen.

        :param message_ids: those of the message, in lower case and in angle brackets.
        """
        contents = self._messages(GRAPH_ABOUT, sender, {"Since": since - _EARLIER, "Subject": f"[{mark}]"})
        if contents is None:
            return None
        return list(dict.fromkeys(bounce for content in contents for bounce in bounces_of(content, message_ids)))

    def _messages(self, listing: str, mailbox: str, wanted: Mapping[str, Value]) -> list[bytes] | None:
        """Messages in a mailbox, as MIME; ``None`` if they cannot be seen."""
        if self.mailboxes is None or mailbox in self._closed:
            return None
        contents: list[bytes] = []
        try:
            self._graph = self._graph or self.mailboxes()
            (listed,) = self._graph.invoke([Call(listing, {"Mailbox": mailbox, **wanted})], fresh=True)
            for listed_message in listed.unwrap():
                call = Call(GRAPH_MIME, {"Mailbox": mailbox, "Id": str(listed_message.get("id") or "")})
                (content,) = self._graph.invoke([call], fresh=True)
                contents.append(base64.b64decode(str(content.unwrap()[0].get("mime") or ""), validate=True))
        except NotFoundError:  # a mailbox of others, or none
            self._closed.add(mailbox)
            return None
        except (ExchangeError, binascii.Error) as error:
            if isinstance(error, PermissionDeniedError):
                self._closed.add(mailbox)
            self.unavailable.setdefault("bounces" if listing == GRAPH_ABOUT else "copies", str(error))
            return None
        return contents


def is_by_rule(text: str) -> bool:
    """Whether what a server or a detail says of a copy that failed is a rule's rejection."""
    return bool(_BY_RULE.search(text))


def is_final(row: Row) -> bool:
    """Whether a row shows an end, which is not expected to change."""
    return _fate_of(row) in FINAL


def is_failure(row: Row) -> bool:
    """Whether a row shows an end of which the sender may get a non-delivery report."""
    return _fate_of(row) in ("failed", "not_delivered")


def _fate_of(row: Row) -> str:
    return _FATES.get(row.status.lower(), NOT_SEEN)


def sighting_of(
    row: Row | None, events: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, is_single: bool = True
) -> Sighting:
    """What the trace shows of a recipient's copy.

    :param row: its newest row; ``None`` if there is none.
    :param events: the details of that row; none if they were not read.
    :param names: the names of the organization's rules to their GUIDs.
    :param is_single: whether it is the only row of the message and this recipient.
    """
    if row is None:
        return Sighting(remarks=("missing",))
    fate = _fate_of(row)
    remarks = [] if is_single else ["duplicated"]
    if fate not in FINAL:
        remarks.append("late")
    if not events:
        return Sighting(fate, evidence=("trace",), remarks=(*remarks, "partial"))
    shown = details_of(events)
    rules = _rules_of(events, names)
    details = " ".join(str(event.get("Detail") or "") + str(event.get("Data") or "") for event in events)
    if fate in ("failed", "not_delivered") and is_by_rule(details):
        fate = "rejected"
    kinds = {str(event.get("Event") or "").casefold() for event in events}
    if (fate == "delivered" and kinds & {"fail", "drop"}) or (
        fate == "rejected" and kinds & {"deliver", "send external"}
    ):
        remarks.append("contradicting")
    return Sighting(fate, rules, NOT_SEEN, ("trace", "detail"), tuple(remarks), shown.tls, shown.connector)


def _rules_of(events: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[str, ...]:
    """The rules that details name, by name or by GUID alone; one that nobody knows by what stands there."""
    by_guid = {guid.lower(): name for name, guid in names.items() if guid}
    acting: dict[str, None] = {}
    for event in events:
        if str(event.get("Event") or "").casefold() == "transport rule":
            for name, guid in _RULE.findall(str(event.get("Detail") or "")):
                acting[by_guid.get(guid.lower(), name or guid)] = None
    return tuple(acting)


def with_copies(seen: Sighting, contents: Sequence[bytes]) -> Sighting:
    """The sighting with what a delivered copy shows. Of several that differ, nobody knows which was delivered."""
    if any(len(content) > _LARGEST for content in contents):
        return seen
    shown = set(map(_copy_shows, contents))
    if len(shown) != 1:
        return seen
    is_protected, internal = shown.pop()
    remarks = seen.remarks
    if seen.fate in ("failed", "rejected", "not_delivered"):
        remarks = tuple(dict.fromkeys((*remarks, "contradicting")))
    return replace(
        seen,
        protection="protected" if is_protected else "clear",
        evidence=(*seen.evidence, "copy"),
        internal=internal,
        remarks=remarks,
    )


def with_bounce(seen: Sighting, bounce: Bounce | None) -> Sighting:
    """The sighting with what a non-delivery report says. It decides only what became of a copy that failed: one that was delivered was
    perhaps sent on to a server that refused it.
    """
    if bounce is None:
        return seen
    is_rejected = seen.fate in ("failed", "not_delivered") and is_by_rule(bounce.text)
    fate = "rejected" if is_rejected else seen.fate
    return replace(seen, fate=fate, bounce=bounce, evidence=(*seen.evidence, "bounce"))


def with_report(seen: Sighting, row: Row, report: RuleReport, names: Mapping[str, str]) -> Sighting:
    """The sighting with the rules that Exchange reports of a copy. What it does not report says nothing: reports are late.

    :param names: the names of the organization's rules to their GUIDs.
    """
    copy = (row.message.lower().strip("{}"), row.recipient.lower())
    reported = {name for name, guid in names.items() if copy in report.copies_of_rule(name, guid)}
    if not reported:
        return seen
    rules = seen.rules or ()
    more = tuple(name for name in names if name in reported and name not in rules)
    remarks = (*seen.remarks, "contradicting") if more and seen.rules is not None else seen.remarks
    return replace(
        seen,
        rules=(*rules, *more),
        evidence=(*seen.evidence, "report"),
        remarks=tuple(dict.fromkeys(remark for remark in remarks if remark != "partial")),
    )


def _own_parts(part: Message) -> Iterator[Message]:
    """A part and those in it, without those of a message that is attached."""
    yield part
    inner = part.get_payload()
    if part.get_content_maintype() != "multipart" or not isinstance(inner, list):
        return
    for inner_part in inner:
        if isinstance(inner_part, Message):
            yield from _own_parts(inner_part)


def _copy_shows(content: bytes) -> tuple[bool, bool | None]:
    """Whether a copy is protected by rights, and whether its sender counts as authenticated.

    What people see as the text of a protected message says nothing: an organization can change it.
    """
    parsed = BytesParser(policy=policy.compat32).parsebytes(content)
    is_class = str(parsed.get("content-class") or "").strip().casefold() == "rpmsg.message"
    has_part = any(
        _RIGHTS.fullmatch(str(part.get_filename() or ""))
        or part.get_content_type() == "application/x-microsoft-rpmsg-message"
        for part in _own_parts(parsed)
    )
    said = str(parsed.get("x-ms-exchange-organization-authas") or "").strip().casefold()
    return is_class or has_part, {"internal": True, "anonymous": False}.get(said)
