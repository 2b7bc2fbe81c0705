# SPDX-License-Identifier: GPL-3.0-or-later
"""The post office of an organization: it takes letters, and leaves copies, traces, reports and bounces."""

from __future__ import annotations

import base64
import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any

from .. import rule_reports
from ..mail_flow import Delivery, MailFlow
from ..mail_flow.delivery import facts_of
from ..organization import Organization, State
from ..recipients import legacy_name
from ..rules import classes
from ..values import stored_instant
from . import evidence, letters, notices
from .answers import Decided
from .evidence import Traced
from .letters import Letter

#: The actions of an inbox rule that send mail on.
_FORWARDING = ("ForwardTo", "ForwardAsAttachmentTo", "RedirectTo")
#: How often mail goes on by itself: forwarded, or answered automatically.
_HOPS = 3


@dataclass(frozen=True)
class Receipt:
    """What the sender of a letter is told.

    :param refusal: the line with which the service refuses everybody's copy; empty where it took the letter.
    """

    message_id: str
    refusal: str = ""


def take(organization: Organization, letter: Letter) -> Receipt:
    """Takes a letter and does everything with it that the organization does."""
    with organization.lock:
        state = organization.dump()
        passing = _Passing(state, datetime.datetime.now(datetime.UTC))
        receipt = passing.send(letter, 0)
        organization.commit(state)
    return receipt


def mailbox(state: Mapping[str, Any], address: str) -> str:
    """The primary address of the mailbox that an address reaches; empty: there is none."""
    for row in _boxes(state):
        if address.lower() in (row["address"].lower(), *(each.lower() for each in row.get("aliases", ()))):
            return str(row["address"])
    return ""


def _boxes(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups = ("members", "dynamic_members", "linked_members")
    return [row for row in state["recipients"] if not any(key in row for key in groups)]


def is_own(state: Mapping[str, Any], address: str) -> bool:
    """Whether an address is in a domain of which the organization alone has the mailboxes."""
    return any(
        row["DomainName"].lower() == address.rpartition("@")[2].lower() and row["DomainType"] == "Authoritative"
        for row in state["accepted_domains"]
    )


@dataclass
class _Passing:
    """The work on one letter, and on those that it causes, in a state of the organization."""

    state: State
    now: datetime.datetime
    guids: dict[str, str] = field(init=False)
    actions: dict[str, list[str]] = field(init=False)
    stored: dict[str, Mapping[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        rows = self.state["transport_rules"]
        self.stored = {row["Name"]: row for row in rows}
        self.guids = {row["Name"]: row["Guid"] for row in rows}
        self.actions = {row["Name"]: classes(row, "actions") or [] for row in rows}

    @property
    def domain(self) -> str:
        return str(self.state["name"])

    def send(self, given: Letter, hop: int) -> Receipt:
        """Sends a letter. :param hop: how many letters have led to it."""
        from_mailbox = not given.sender_ip
        replaced = from_mailbox and self.state["mail_service"]["message_id"] == "replaced"
        kept = "" if replaced else given.message_id
        letter = letters.arrived(given, kept or letters.new_message_id(self.domain))
        flow = MailFlow(self._acting(), facts_of(self.state))
        deliveries, effects = flow.in_world(letters.seen_by_rules(letter), Decided(self.state["answers"]))
        trace = evidence.new_trace_id()
        self._trace_groups(letter, trace)
        refused: dict[str, str] = {}
        for delivery in deliveries:
            line = self._refusal_of(delivery)
            if line:
                refused[delivery.address] = line
            self._record(letter, trace, delivery, line)
            if delivery.outcome.fate == "delivered" and not line:
                self._deliver(letter, delivery, hop)
        for address in dict.fromkeys([*effects.incident_reports, *effects.notifications]):
            names = [name for delivery in deliveries for name, _certain in delivery.outcome.rules]
            self._post(notices.incident_report(letter, address, list(dict.fromkeys(names)), self.domain), hop)
        outsiders_hear_at_once = self.state["mail_service"]["rejects_outsiders"] == "refusal"
        if refused and len(refused) == len(deliveries) and outsiders_hear_at_once and not letter.authenticated:
            return Receipt(letter.message_id, next(iter(refused.values())))
        if refused and letter.envelope_sender:
            self._post(notices.bounce(letter, refused, self.domain), hop)
        return Receipt(letter.message_id)

    def _acting(self) -> list[Mapping[str, Any]]:
        """The rules that act by now: a server takes a new one later."""
        seconds = self.state["mail_service"]["rules_seconds"]
        if not seconds:
            return list(self.state["transport_rules"])
        latest = self.now - datetime.timedelta(seconds=seconds)
        return [row for row in self.state["transport_rules"] if row["WhenChanged"] <= stored_instant(latest)]

    def _refusal_of(self, delivery: Delivery) -> str:
        """The line of the refusal of a copy; empty where it is not refused."""
        if delivery.outcome.fate == "rejected":
            texts = [
                str(self.stored[name].get("RejectMessageReasonText") or "")
                for name, _certain in delivery.outcome.rules
                if self.stored[name].get("RejectMessageReasonText")
            ]
            return notices.refusal(delivery.outcome.status or "", texts[0] if texts else "")
        unknown = is_own(self.state, delivery.address) and not mailbox(self.state, delivery.address)
        return notices.refusal("5.1.10") if unknown and delivery.outcome.fate == "delivered" else ""

    # What is seen of it

    def _trace_groups(self, letter: Letter, trace: str) -> None:
        groups = {row["address"].lower(): row["address"] for row in self.state["recipients"]}
        groups = {low: name for low, name in groups.items() if not mailbox(self.state, name)}
        for address in letter.envelope:
            if address.lower() in groups:
                self._add_row(letter, trace, Traced(address, "Expanded", {}))

    def _record(self, letter: Letter, trace: str, delivery: Delivery, refusal: str) -> None:
        rules = {name: self.guids[name] for name, _certain in delivery.outcome.rules}
        status = "Failed" if refusal else evidence.status_of(delivery.outcome)
        lies = self.state["lies"]
        if "delivered" in lies and status == "Failed":
            status, refusal = "Delivered", ""
        shown = {} if "no rules" in lies else rules
        if "other rules" in lies:
            shown = {name: guid for name, guid in self.guids.items() if name not in rules}
        way = delivery.outcome.way
        leaves = not mailbox(self.state, delivery.address)
        connector = way.connector if way is not None and leaves else ""
        row = self._add_row(letter, trace, Traced(delivery.address, status, shown, refusal, leaves, connector))
        for name in shown:
            if self.stored[name].get("SetAuditSeverity") != "DoNotAudit":
                self.state["rule_report"].append(rule_reports.hit(row, name))
        policies = {rule["Name"]: rule["ParentPolicyName"] for rule in self.state["dlp_rules"]}
        for name in () if "no rules" in lies else delivery.outcome.matched_dlp:
            self.state["dlp_report"].append(rule_reports.dlp_hit(row, name, policies[name]))

    def _add_row(self, letter: Letter, trace: str, traced: Traced) -> dict[str, Any]:
        seen_from = self._after("trace_seconds")
        row = evidence.row(letter, trace, traced, self.now, seen_from)
        late = self.state["mail_service"]["trace_queries_late"]
        self.state["message_trace"].append(
            {**row, "Late": len(self.state["message_trace_queries"]) + late} if late else row
        )
        named = self.state["mail_service"]["rule_names"]
        seen_from = self._after("detail_seconds")
        self.state["message_trace_details"] += evidence.details(
            row, traced, named=named, seen_from=seen_from, actions=self.actions
        )
        return row

    def _after(self, what: str) -> str:
        return stored_instant(self.now + datetime.timedelta(seconds=self.state["mail_service"][what]))

    # Where it goes

    def _deliver(self, letter: Letter, delivery: Delivery, hop: int) -> None:
        copy, outcome = delivery.copy, delivery.outcome
        box = mailbox(self.state, delivery.address)
        written = {str(row["SetHeaderName"]).lower(): row["SetHeaderName"] for row in self._setting_headers()}
        changed = {written[name]: values for name, values in copy.headers.items() if name in copy.edits}
        changed |= {name: () for name in copy.edits if name not in copy.headers and name != "set_scl"}
        newly = outcome.protection not in ("none", "smime", None) and not outcome.on_arrival
        content = letters.delivered(
            letter,
            subject=copy.subject,
            headers=changed,
            protected=newly and "clear" not in self.state["lies"],
            inside=bool(box),
        )
        if not box:
            copied = {"recipient": delivery.address, "content": _text(content), "protection": outcome.protection}
            self.state["left"].append(copied)
            return
        self.store(box, content, "Inbox", str(outcome.protection))
        row = next(row for row in _boxes(self.state) if row["address"] == box)
        for address in self._onward(row) if hop < _HOPS else ():
            onward = letters.addressed(content, address)
            self.send(replace(letter, content=onward, envelope=(address,), types=("AutoForward",)), hop + 1)
        answered = row.get("auto_reply") and letter.envelope_sender and not notices.wants_no_reply(letter.parsed)
        if hop < _HOPS and answered:
            self._post(notices.automatic_reply(letter, box, row["auto_reply"], self.domain), hop)

    def _onward(self, row: Mapping[str, Any]) -> list[str]:
        """To whom a mailbox sends its mail on: by its own settings, of which an address of the directory takes precedence, and by
        its inbox rules.
        """
        rules = [rule for rule in row.get("inbox_rules", ()) if rule.get("Enabled", True)]
        shown = [text for rule in rules for key in _FORWARDING for text in rule.get(key, ())]
        named = (
            [row["forwarding_address"]] if row.get("forwarding_address") else [f"[SMTP:{row.get('forwards_to', '')}]"]
        )
        people = {legacy_name(each): each["address"] for each in self.state["recipients"]}
        people |= {each["name"]: each["address"] for each in self.state["recipients"]}
        targets = [text.rpartition(":")[2].rstrip("]") if "[SMTP:" in text else text for text in [*named, *shown]]
        targets = [people.get(text.rpartition("[EX:")[2].rstrip("]"), text) for text in targets]
        return list(dict.fromkeys(filter(None, targets)))

    def _setting_headers(self) -> list[Mapping[str, Any]]:
        return [row for row in self.stored.values() if row.get("SetHeaderName")]

    def _post(self, message: EmailMessage, hop: int) -> None:
        """Sends mail of the service's own, which rules see unless it is a report."""
        to = letters.addresses_of(message)
        types = () if str(message["Auto-Submitted"]) == "auto-replied" else ("NDR",)
        self.send(Letter(message.as_bytes(), "", to, authenticated=True, types=types), hop + 1)

    def store(self, box: str, content: bytes, folder: str, protection: str = "none") -> None:
        """Puts a message into a mailbox. :param protection: what somebody with the rights sees of it in Outlook."""
        self.state["mailboxes"].setdefault(box.lower(), []).append(
            {
                "id": base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode(),
                "received": stored_instant(self.now),
                "seen_from": self._after("copy_seconds") if folder == "Inbox" else stored_instant(self.now),
                "folder": folder,
                "protection": protection,
                "content": _text(content),
            }
        )


def keep_sent(organization: Organization, box: str, content: bytes) -> None:
    """Puts what a mailbox sent into its Sent Items, as it was before any rule."""
    with organization.lock:
        state = organization.dump()
        _Passing(state, datetime.datetime.now(datetime.UTC)).store(box, content, "SentItems")
        organization.commit(state)


def _text(content: bytes) -> str:
    """Bytes as JSON can hold them."""
    return content.decode("latin-1")


def messages_of(state: Mapping[str, Any], box: str) -> Sequence[Mapping[str, Any]]:
    """What can be seen in a mailbox by now."""
    instant = stored_instant(datetime.datetime.now(datetime.UTC))
    return [each for each in state["mailboxes"].get(box.lower(), ()) if each["seen_from"] <= instant]
