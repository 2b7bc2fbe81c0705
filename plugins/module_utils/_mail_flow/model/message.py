# SPDX-License-Identifier: GPL-3.0-or-later
"""A message as mail flow rules see it.

A described message is complete: it has only the headers, attachments and classifications that were given. What only the
transport knows (whether the sender was authenticated, the spam level, the last hop) is unknown until it is given.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from .outcomes import OPEN_PROTECTIONS, ProtectionKind

#: Other types of messages. No rule asks for these; non-delivery reports never reach the rules.
OTHER_TYPES = ("NDR", "SmtpForwarding", "JournalReport", "RuleReport")

#: Protections without a template's name, with which messages arrive.
PROTECTIONS = tuple(str(kind) for kind in ProtectionKind if kind not in OPEN_PROTECTIONS)

#: Whose keys protect a message on arrival.
OWNERS = ("own", "other", "unknown")


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment. What is ``None`` is not known.

    :param size: bytes.
    :param text: what Exchange reads in it.
    :param nested: names of the files in it, at any depth.
    :param properties: document property to value.
    :param unnamed: whether the file shows no name for it; :param:`name` is its type then.
    :param message: whether it is a message. Whether the names of files in it count is not documented.
    """

    name: str
    size: int | None = None
    text: str | None = None
    nested: tuple[str, ...] | None = None
    properties: tuple[tuple[str, str], ...] | None = None
    executable: bool | None = None
    password_protected: bool | None = None
    unsupported: bool | None = None
    limit_exceeded: bool | None = None
    message: bool | None = False
    unnamed: bool | None = False


_NOT_BY_RIGHTS = frozenset((ProtectionKind.NONE, ProtectionKind.SMIME, ProtectionKind.SMIME_SIGNED))


@dataclass(frozen=True, slots=True)
class Protection:
    """How a message is protected when it arrives.

    :param kind: one of :data:`PROTECTIONS` or ``template:<name>``.
    :param owner: one of :data:`OWNERS`.
    """

    kind: str = ProtectionKind.NONE
    owner: str = "own"

    @property
    def by_rights(self) -> bool:
        """Whether message encryption or rights management protects it."""
        return self.kind not in _NOT_BY_RIGHTS


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way. What is ``None`` is not known.

    :param name: what reports call it.
    :param sender: the From field's address.
    :param mail_from: the envelope's sender; empty for an automatic reply, ``None`` if unknown.
    :param to: the To field as written; likewise :param:`cc` and :param:`bcc`.
    :param headers: name in lower case to values, in the order of names. Headers that have a field here are not in it.
    :param types: of ``MESSAGE_TYPES`` and :data:`OTHER_TYPES`; an ordinary message has none.
    :param types_open: types that it may or may not have.
    :param also_from: further addresses in the From field. Which one counts is not documented.
    :param readings: other texts that rules may read instead of the body; :param:`sources`: HTML in which patterns may
        match.
    :param size: bytes of the whole message.
    :param date: when it passes the rules.
    :param insertable: whether a disclaimer can be put into it.
    :param sensitivity_label: the name or GUID of the label that it carries; empty for none.
    :param sensitive_information: whether DLP finds anything in its content, what mail flow rules add to it included, by any
        type of sensitive information, any classifier or any label of a document.
    :param unsaid: of ``headers`` and ``fields`` (To and Cc) those of which nobody knows what is in them beyond what is
        given.
    """

    name: str
    sender: str
    mail_from: str | None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    authenticated: bool | None = None
    subject: str = ""
    body: str | None = ""
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    attachments: tuple[Attachment, ...] | None = ()
    types: frozenset[str] | None = frozenset()
    importance: str | None = "Normal"
    classifications: frozenset[str] | None = frozenset()
    scl: int | None = None
    sender_ip: str | None = None
    size: int | None = None
    date: datetime.datetime | None = None
    protection: Protection | None = field(default_factory=Protection)
    insertable: bool | None = None
    sensitivity_label: str | None = ""
    sensitive_information: bool | None = None
    character_sets: frozenset[str] | None = None
    types_open: frozenset[str] = frozenset()
    also_from: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    unsaid: frozenset[str] = frozenset()

    @property
    def arrives_in_clear(self) -> bool:
        """Whether it is surely not protected when it arrives."""
        return self.protection is not None and self.protection.kind == ProtectionKind.NONE

    @property
    def has_no_attachment(self) -> bool:
        """Whether nothing is attached to it, nor a signature, or what is in it, as a file of its own."""
        if self.attachments is None or self.attachments or self.types is None:
            return False
        return self.arrives_in_clear and "Signed" not in self.types | self.types_open

    @property
    def signed(self) -> bool:
        """Whether the message is known to carry an S/MIME signature in clear."""
        return "Signed" in (self.types or ()) or (
            self.protection is not None and self.protection.kind == "smime_signed"
        )

    @property
    def unalterable(self) -> bool:
        """Whether it is known that Exchange can put no disclaimer into the message as it arrives: it is signed, or
        encrypted with keys that are not the organization's own. Other mail may be unalterable, too.
        """
        protection = self.protection
        return self.signed or (
            protection is not None
            and (protection.kind == "smime" or (protection.by_rights and protection.owner == "other"))
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets the message, after groups were expanded.

    :param address: the primary address, in lower case.
    :param written: the address as written in the message, in lower case.
    :param label: the address as a result shows it.
    :param group: the group through which the message arrives; empty if none.
    :param also: further addresses in the message that reach them, in lower case.
    :param brought_by: the name of the rule that brings them the message; empty if the sender does.
    """

    address: str
    written: str
    label: str
    group: str = ""
    also: tuple[str, ...] = ()
    brought_by: str = ""
