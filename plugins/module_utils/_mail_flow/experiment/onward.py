# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mail of recipients goes on to: mail contacts and mail users stand for an address elsewhere, mailboxes forward, and
their inbox rules forward and redirect.

Only the people are asked about whom an experiment's mail reaches. Whether Exchange lets forwarded mail out (remote domains,
outbound spam policies) is not asked, so all of it may get there. Sources: Microsoft's pages of Get-Recipient
(``ExternalEmailAddress``), of Set-Mailbox (a ``ForwardingAddress`` makes Exchange ignore ``ForwardingSmtpAddress``), and of
Get-InboxRule, which shows people as ``"Name" [SMTP:address]``, or as ``[EX:/o=...]`` if they are in the directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.cmdlet import Call, Result, Session
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError, NotFoundError
from ..._exchange.permissions import GRANTED_BY
from ..model.addresses import domain, is_address
from ..model.facts import Facts
from .reach import BY_RULE, FORWARDS, STANDS_FOR, Forward, is_inside
from .sampling import PlannedMail

#: The cmdlets, which are also what could not be read.
RECIPIENT, MAILBOX, INBOX_RULE = "Get-Recipient", "Get-Mailbox", "Get-InboxRule"

#: Why it is not known who else may get copies, in a word.
OPEN = "forwarding"

#: Mail is followed over so many objects. Who may get it after that is not known.
MOST_HOPS = 4

#: The most inbox rules that Exchange shows of a mailbox, unless it is asked for more.
_MOST_RULES = 1000

#: The actions of an inbox rule that send mail on.
_SENDING_ON = ("ForwardTo", "ForwardAsAttachmentTo", "RedirectTo")

_PERSON = re.compile(r"\[(SMTP|EX):([^\]]+)\]\s*$", re.IGNORECASE)


@dataclass
class OnwardAddresses:
    """Where people's mail goes on to.

    :param forwards: address to what sends mail for it on.
    :param unread: cmdlet to why it could not be read of somebody.
    :param open: the addresses of which it is not known.
    """

    forwards: dict[str, list[Forward]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)


def read_onward_addresses(session: Session, planned: Iterable[PlannedMail], facts: Facts) -> OnwardAddresses:
    """Where the mail of all people goes on to whom some messages reach, and that of their senders, who get reports. People in other
    domains than the organization's are not asked about.
    """
    return _OnwardReader(session, facts).read(
        dict.fromkeys(address for mail in planned for address in _reached(mail, facts))
    )


def with_onward_addresses(
    planned: Iterable[PlannedMail], onward: OnwardAddresses, facts: Facts
) -> Sequence[PlannedMail]:
    """Messages that may also get to whom others send them on."""
    return [_with_targets(mail, onward, facts) for mail in planned]


def absent_of(session: Session, people: Sequence[str]) -> list[str]:
    """The addresses among some that the directory certainly does not have."""
    if not people:
        return []
    answers = session.invoke([Call(RECIPIENT, {"Identity": address}) for address in people], fresh=True)
    return [address for address, answer in zip(people, answers, strict=True) if isinstance(answer.error, NotFoundError)]


def _reached(mail: PlannedMail, facts: Facts) -> list[str]:
    """Whom a message reaches by rules, and its sender, in lower case; of these, people who may be the organization's."""
    everybody = (mail.letter.sender, *mail.letter.recipients, *mail.reach.inside)
    return [address.lower() for address in everybody if facts.domains.type_of(domain(address)) != ""]


def _with_targets(mail: PlannedMail, onward: OnwardAddresses, facts: Facts) -> PlannedMail:
    waiting = _reached(mail, facts)
    known = {*waiting, *mail.letter.recipients, *mail.reach.inside, *mail.reach.outside}
    seen, used, more = set[str](), list[Forward](), list[str]()
    while waiting:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        for forward in onward.forwards.get(address, ()):
            used.append(forward)
            waiting.append(forward.to)
            if forward.to not in known:
                known.add(forward.to)
                more.append(forward.to)
    inside = tuple(address for address in more if is_inside(facts, address))
    outside = tuple(address for address in more if address not in inside)
    reach = replace(
        mail.reach,
        inside=(*mail.reach.inside, *inside),
        outside=(*mail.reach.outside, *outside),
        open=(*mail.reach.open, *([OPEN] if seen & onward.open else [])),
        forwards=tuple(used),
    )
    return replace(mail, reach=reach)


class _OnwardReader:
    """Asks for what sends mail on, one object after the other."""

    def __init__(self, session: Session, facts: Facts) -> None:
        self._session, self._facts = session, facts
        self._addresses = OnwardAddresses()

    def read(self, people: Iterable[str]) -> OnwardAddresses:
        """Where their mail goes on to."""
        seen: set[str] = set()
        waiting = list(people)
        for _hop in range(MOST_HOPS):
            seen |= set(waiting)
            self._ask(waiting)
            targets = (forward.to for address in waiting for forward in self._addresses.forwards.get(address, ()))
            waiting = [target for target in dict.fromkeys(targets) if target not in seen and self._may_be_own(target)]
            if not waiting:
                break
        self._addresses.open |= set(waiting)
        return self._addresses

    def _may_be_own(self, address: str) -> bool:
        return self._facts.domains.type_of(domain(address)) != ""

    def _ask(self, people: Sequence[str]) -> None:
        """Asks about each of some people, all at once: first who they are, then what the mailboxes among them forward."""
        if not people:
            return
        mailboxes = []
        answers = self._session.invoke([Call(RECIPIENT, {"Identity": person}) for person in people], fresh=True)
        for address, answer in zip(people, answers, strict=True):
            shown = self._objects(RECIPIENT, address, answer)
            if shown is None:
                mailboxes.append(address)
                continue
            for row in shown:
                self._note_object(address, row)
            if any(str(row.get("RecipientType")) == "UserMailbox" for row in shown):
                mailboxes.append(address)
        self._ask_mailboxes(mailboxes)

    def _note_object(self, address: str, row: Mapping[str, Any]) -> None:
        """Notes for whom an object stands. Of a group of which the facts have no members, it is not known."""
        target = str(row.get("ExternalEmailAddress") or "").rpartition(":")[2].strip().lower()
        if is_address(target) and target != address:
            self._note(Forward(address, target, STANDS_FOR))
        if "group" in str(row.get("RecipientType")).lower() and address not in (self._facts.groups.members or ()):
            self._addresses.open.add(address)

    def _ask_mailboxes(self, people: Sequence[str]) -> None:
        if not people:
            return
        calls = [
            *(Call(MAILBOX, {"Identity": person}) for person in people),
            *(Call(INBOX_RULE, {"Mailbox": person, "IncludeHidden": True}) for person in people),
        ]
        answers = self._session.invoke(calls, fresh=True)
        named: list[tuple[Forward, str]] = []
        for address, answer in zip(people, answers[: len(people)], strict=True):
            for row in self._objects(MAILBOX, address, answer) or ():
                named += self._of_mailbox(address, row)
        for address, answer in zip(people, answers[len(people) :], strict=True):
            rules = self._objects(INBOX_RULE, address, answer) or []
            if len(rules) >= _MOST_RULES:
                self._addresses.open.add(address)
            for rule in rules:
                named += self._of_inbox_rule(address, rule)
        self._resolve(named)

    def _of_mailbox(self, address: str, row: Mapping[str, Any]) -> Iterator[tuple[Forward, str]]:
        """To whom a mailbox forwards, and those of them whose address is yet to be asked."""
        if row.get("ForwardingAddress"):
            yield Forward(address, "", FORWARDS), str(row["ForwardingAddress"])
            return
        target = str(row.get("ForwardingSmtpAddress") or "").rpartition(":")[2].strip().lower()
        if is_address(target):
            self._note(Forward(address, target, FORWARDS))
        elif row.get("ForwardingSmtpAddress"):
            self._addresses.open.add(address)

    def _of_inbox_rule(self, address: str, rule: Mapping[str, Any]) -> Iterator[tuple[Forward, str]]:
        """To whom an inbox rule sends mail on, whatever its conditions are, and those whose address is yet to be asked."""
        if rule.get("Enabled") is False:
            return
        name = str(rule.get("Name") or "")
        for option in _SENDING_ON:
            value = rule.get(option) or ()
            for text in [value] if isinstance(value, str) else value:
                person = _PERSON.search(str(text))
                target = (person[2] if person else str(text)).strip()
                if is_address(target):
                    self._note(Forward(address, target.lower(), BY_RULE, name))
                else:
                    yield Forward(address, "", BY_RULE, name), target

    def _resolve(self, named: Sequence[tuple[Forward, str]]) -> None:
        """Notes the forwards to objects of the directory. Whose address is not shown is not known."""
        if not named:
            return
        identities = list(dict.fromkeys(identity for _forward, identity in named))
        answers = self._session.invoke([Call(RECIPIENT, {"Identity": each}) for each in identities], fresh=True)
        addresses: dict[str, str] = {}
        for identity, answer in zip(identities, answers, strict=True):
            rows = answer.unwrap() if answer.error is None else []
            shown = [str(row.get("PrimarySmtpAddress") or "").lower() for row in rows]
            if len(shown) == 1 and is_address(shown[0]):
                addresses[identity] = shown[0]
        for forward, identity in named:
            if identity in addresses:
                self._note(replace(forward, to=addresses[identity]))
            else:
                self._addresses.open.add(forward.mailbox)

    def _note(self, forward: Forward) -> None:
        known = self._addresses.forwards.setdefault(forward.mailbox, [])
        if forward not in known and forward.to != forward.mailbox:
            known.append(forward)

    def _objects(self, cmdlet: str, address: str, answer: Result) -> list[dict[str, Any]] | None:
        """What an answer shows; nothing of somebody who is not there, and ``None`` if it was refused."""
        if isinstance(answer.error, NotFoundError):
            return []
        if answer.error is not None:
            self._addresses.unread.setdefault(cmdlet, _why(cmdlet, answer.error))
            self._addresses.open.add(address)
            return None
        return list(answer.unwrap())


def _why(cmdlet: str, error: ExchangeError) -> str:
    """Why a cmdlet showed nothing, with what grants it if the session does not have it."""
    is_missing = isinstance(error, CmdletNotAvailableError)
    return f"{error} It requires {GRANTED_BY[cmdlet]}." if is_missing else str(error)
