# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as they arrive, and their copies on the way through the rules."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .directory import Directory

_ENVELOPE = {"name", "from", "mail_from", "authenticated", "sender_ip", "date"}
_CONTENT = {
    "subject",
    "body",
    "headers",
    "attachments",
    "size",
    "character_sets",
    "protection",
    "disclaimer_insertable",
    "sensitivity_label",
    "sensitive_information",
}
_PROPERTIES = {"type", "importance", "classification", "scl"}
_FIELDS = ("to", "cc", "bcc")
_KEYS = {*_ENVELOPE, *_FIELDS, *_CONTENT, *_PROPERTIES}
#: How texts and attachments grow when they are encoded, and the most that the fields may take.
_ENCODING, _FIELDS_SIZE = 4 / 3, 64 * 2**10
_SMIME = ("smime", "smime_signed")
#: Types that name a protection. The second one does not say with which option.
_PROTECTED_TYPES = {"Encrypted": "smime", "PermissionControlled": "protected_option_unknown"}


@dataclass(frozen=True)
class Mail:
    """A message on arrival. None: not told."""

    sender: str
    envelope_sender: str
    authenticated: bool | None
    written: Mapping[str, tuple[str, ...]]
    subject: str
    body: str
    headers: Mapping[str, tuple[str, ...]]
    attachments: tuple[Mapping[str, Any], ...]
    types: frozenset[str]
    importance: str
    classifications: frozenset[str]
    scl: int | None
    sender_ip: str | None
    size: int | None
    date: str | None
    kind: str
    own_keys: bool | None
    disclaimer_insertable: bool | None
    character_sets: tuple[str, ...] | None
    sensitivity_label: str = ""
    sensitive_information: bool | None = None

    @property
    def rights_protected(self) -> bool:
        """Protected by Message Encryption, Rights Management or a label."""
        return self.kind not in ("none", *_SMIME)

    @property
    def sizes(self) -> tuple[int, float | None]:
        """The least and the most bytes that the message can have; None: there is no telling. Attachments grow by a
        third when they are encoded.
        """
        if self.size is not None:
            return self.size, self.size
        told = [one.get("size") for one in self.attachments]
        least = len(self.subject) + len(self.body) + sum(size or 0 for size in told)
        return least, None if None in told else least * _ENCODING + _FIELDS_SIZE

    @property
    def smime(self) -> bool:
        return self.kind == "smime"

    @property
    def signed(self) -> bool:
        return self.kind == "smime_signed" or "Signed" in self.types


def mail(given: Mapping[str, Any]) -> Mail:
    """A message from the keys of a test vector.

    What people can see of a message is told completely: texts, fields, attachments, type and classification that are
    left out are not there. Other facts are not known.

    :raises ValueError: a key that no message has, or a protection of which the type says the opposite.
    """
    if unknown := set(given) - _KEYS:
        raise ValueError(f"unknown keys of a message: {', '.join(sorted(unknown))}")
    protection = given.get("protection") or {}
    owner = protection.get("owner")
    types = given.get("type") or ()
    types = frozenset([types] if isinstance(types, str) else types)
    named = given.get("classification") or ()
    return Mail(
        sender=given["from"].lower(),
        envelope_sender=given.get("mail_from", given["from"]).strip("<>").lower(),
        authenticated=given.get("authenticated"),
        written={name: tuple(given.get(name) or ()) for name in _FIELDS},
        subject=given.get("subject", ""),
        body=given.get("body", ""),
        headers={
            name.lower(): (value,) if isinstance(value, str) else tuple(value)
            for name, value in (given.get("headers") or {}).items()
        },
        attachments=tuple(given.get("attachments") or ()),
        types=types,
        importance=given.get("importance", "Normal"),
        classifications=frozenset([named] if isinstance(named, str) else named),
        scl=given.get("scl"),
        sender_ip=given.get("sender_ip"),
        size=given.get("size"),
        date=given.get("date"),
        kind=_kind(protection.get("kind"), types),
        own_keys={"own": True, "other": False}.get(owner or ""),
        disclaimer_insertable=given.get("disclaimer_insertable"),
        character_sets=None if given.get("character_sets") is None else tuple(given["character_sets"]),
        sensitivity_label=given.get("sensitivity_label", ""),
        sensitive_information=given.get("sensitive_information"),
    )


def _kind(told: str | None, types: frozenset[str]) -> str:
    """How a message is protected on arrival, by what is told of it and by its types."""
    by_type = {_PROTECTED_TYPES[name] for name in types if name in _PROTECTED_TYPES}
    if told is None:
        (kind,) = by_type or {"none"}
        return kind
    alike = {"smime"} if told == "smime" else set() if told in ("none", *_SMIME) else {"protected_option_unknown"}
    if by_type - alike:
        raise ValueError(f"a message of the types {', '.join(sorted(types))} does not arrive as {told}")
    return told


@dataclass(frozen=True)
class Sent:
    """How a DLP rule brings somebody a copy: the rule, and the DLP rules that acted on the copy before it, all as they are
    stored.

    :param met: the names of the rules that match the copy of which this one is sent.
    """

    rule: Mapping[str, Any]
    before: tuple[Mapping[str, Any], ...] = ()
    met: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rule["Name"] for rule in (*self.before, self.rule))


@dataclass
class Recipient:
    """Somebody in the envelope of a copy.

    ``originals`` are the addresses under which the message names the person (a proxy, a group, or the primary one).
    ``log`` holds the names of the rules that matched, each with whether that is certain; a rule that asks a moderator
    opens another list. ``added``: the action by which a rule brought them; empty for those whom the sender named.
    ``beside``: whose copy theirs is made of: all of that copy whom the sender named. ``sent``: how a DLP rule brings them
    the copy, if one does.
    """

    address: str
    originals: tuple[str, ...]
    added: str = ""
    log: list[list[tuple[str, bool]]] = field(default_factory=lambda: [[]])
    beside: frozenset[str] = frozenset()
    sent: Sent | None = None


@dataclass
class Copy:
    """One copy of the message: the people in its envelope, and what the rules have done to it.

    ``edits``: header to how rules set or removed it, in order. ``brought``: whom rules added, each with the field.
    """

    recipients: list[Recipient]
    subject: str
    texts: list[str]
    headers: dict[str, tuple[str, ...]]
    forked: bool = False
    wrapped: bool = False
    tokens: bool = False
    disclaimer: bool = False
    edits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    brought: list[tuple[str, str]] = field(default_factory=list)
    classifications: set[str] = field(default_factory=set)
    encrypting: list[tuple[str, str]] = field(default_factory=list)
    decrypting: list[str] = field(default_factory=list)
    brandings: list[tuple[str, str]] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    ended: bool = False
    reports_only: bool = False
    status: str = ""
    routes: list[str] = field(default_factory=list)
    requires_tls: bool = False

    def split(self, chosen: Sequence[Recipient]) -> Copy:
        """Takes the chosen recipients into a copy of their own."""
        rest = [one for one in self.recipients if all(one is not other for other in chosen)]
        self.recipients = rest
        self.forked = True
        twin = copy.copy(self)
        for one in dataclasses.fields(self):
            setattr(twin, one.name, copy.copy(getattr(self, one.name)))
        twin.recipients = list(chosen)
        return twin


def first_copy(message: Mail, directory: Directory) -> Copy:
    """The message as the rules meet it: proxies resolved, groups expanded."""
    found: dict[str, list[str]] = {}
    for name in _FIELDS:
        for written in message.written[name]:
            for address in directory.expand(written):
                found.setdefault(address, []).append(written.lower())
    recipients = [Recipient(address, tuple(dict.fromkeys(originals))) for address, originals in found.items()]
    return Copy(recipients, message.subject, [message.body], dict(message.headers))
