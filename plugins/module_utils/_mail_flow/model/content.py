# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates that look at the subject, the text, headers, and properties of the message.

Each takes what it sees (a ``RuleView``), its values as the rule has them (most often a tuple of texts), and the rule's
settings. It returns a ``Truth``: true, false, or open with the number of the question (U-number) and a reason. Source:
Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule pages.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal

from ..._exchange.names import same_name
from . import questions
from .facts import Facts
from .header_edits import FIELDS
from .kleene import Open, Truth, about, any_of, opened
from .message import Message
from .patterns import any_pattern, begins_anywhere
from .rule_view import Content, RuleView, Settings
from .words import any_word

#: Decides about a text.
OfText = Callable[[str, tuple[str, ...], Settings], Truth]

#: Headers that the service or a client adds to every message, so that their absence from a description says nothing.
_STAMPED = re.compile(
    r"(x-ms-|x-microsoft-|x-forefront-|x-originat|x-eop|arc-|dkim-|received|authentication-results|message-id|date|mime-version|content-|return-path|thread-)"
)

#: The ones that hold names beside addresses.
_WITH_NAMES = frozenset({"from", "to", "cc"})

_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
#: A size, rounded or not, and the bytes that Exchange shows after it.
_SIZE = re.compile(r"\s*([\d,]+(?:\.\d+)?)\s*([kmgt]?b?)\b(?:.*\(([\d,]+) bytes\))?.*", re.IGNORECASE | re.DOTALL)

#: A message on the wire is larger than its content: the factor of base64 with line breaks, and the maximum size of
#: headers.
ENCODED, _HEADERS = 1.4, 100_000


def has_word(text: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the words in it."""
    return any_word(text, values)


def has_pattern(text: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in it."""
    return any_pattern(text, values, settings.dialect)


def in_subject(decide: OfText) -> Callable[[RuleView, Any, Settings], Truth]:
    """A predicate about the subject as earlier rules left it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        found = about(decide(rule_view.content.subject, values, settings), "subject")
        if found is not False and rule_view.content.wrapped:
            return opened(("wrapper", values), questions.A_FACT, "wrapped_subject")
        return found

    return evaluate


def in_subject_or_body(decide: OfText) -> Callable[[RuleView, Any, Settings], Truth]:
    """A predicate about the subject and the text as earlier rules left them."""
    of_subject, of_body = in_subject(decide), in_body(decide)

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        subject = of_subject(rule_view, values, settings)
        return True if subject is True else any_of((subject, of_body(rule_view, values, settings)))

    return evaluate


def in_body(decide: OfText) -> Callable[[RuleView, Any, Settings], Truth]:
    """A predicate about the text alone as earlier rules left it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        closed = unreadable(rule_view)
        if closed is not None:
            return closed
        if rule_view.content.body is None:
            kind = "body" if rule_view.message.body is None else "tokens"
            return opened(("body", values), questions.A_FACT, kind)
        return about(_in_body(decide, rule_view.content, values, settings), "body")

    return evaluate


def _in_body(decide: OfText, content: Content, values: Any, settings: Settings) -> Truth:
    """What is found in the text; open if its alternatives, or readings of its markup, differ (U17)."""
    found = decide(content.body or "", values, settings)
    others = (*content.readings, *(content.sources if decide is has_pattern else ()))
    if all(decide(other, values, settings) == found for other in others):
        return found
    return opened(
        ("reading", values, decide is has_pattern),
        questions.WORD_BORDERS,
        "which_text",
    )


def unreadable(rule_view: RuleView) -> Truth | None:
    """The open answer (U30) of each predicate that looks at the content of a message that Exchange may not be able to
    read; ``None`` if it can.
    """
    protection = rule_view.message.protection
    if rule_view.content.wrapped:
        return None
    if protection is None:
        return opened(("readable",), questions.UNREADABLE, "readable")
    if not protection.by_rights:
        return None
    setting = str((rule_view.facts.irm_configuration or {}).get("transport_decryption_setting") or "Optional")
    if protection.owner == "own" and setting != "Disabled":
        return None
    kind = {"own": "decryption_off", "other": "keys_of_others"}.get(protection.owner, "keys_unknown")
    return opened(("readable",), questions.UNREADABLE, kind)


def decrypted(message: Message, facts: Facts) -> Literal[True] | Open:
    """Whether Exchange decrypts what it must (``transport_decryption_setting: Mandatory``), and would otherwise reject."""
    protection, setting = (
        message.protection,
        str((facts.irm_configuration or {}).get("transport_decryption_setting") or "Optional"),
    )
    if setting != "Mandatory" or (protection is not None and (not protection.by_rights or protection.owner == "own")):
        return True
    return opened(("decrypted",), questions.UNREADABLE, "decryption_mandatory")


def in_header(decide: OfText) -> Callable[[RuleView, Any, Settings], Truth]:
    """A predicate about one header, as earlier rules left it if only rules have such a header. Its values are the header's name and what is looked for."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        name, wanted = values
        given = rule_view.content.header(name.lower())
        values = header_values(rule_view, name.lower())
        if values is None:
            kind = "header" if is_own_header(name.lower()) else "header_that_is_set"
            return opened(("header", name.lower(), wanted), questions.A_FACT, kind, name)
        found = about(any_of(decide(value, wanted, settings) for value in values), "headers")
        beside_a_name = bool(values) and given is None and name.lower() in _WITH_NAMES
        if beside_a_name and decide is has_pattern and "headers" in rule_view.message.unsaid:
            # A pattern that says where the field begins or ends may not be found.
            wherever = tuple(each for each in wanted if begins_anywhere(each, settings.dialect, both=True))
            found = about(any_of(decide(value, wherever, settings) for value in values), "headers")
        if found is False and beside_a_name:
            return opened(("header", name.lower(), wanted), questions.A_FACT, "name_in_field", name)
        return found

    return evaluate


def header_values(rule_view: RuleView, name: str) -> tuple[str, ...] | None:
    """The values of a header; ``None`` if unknown."""
    given = rule_view.content.header(name)
    if given is not None:
        return given
    message = rule_view.message
    fields: dict[str, Iterable[str]] = {
        "subject": (rule_view.content.subject,),
        "from": (message.sender,),
        "to": (", ".join(message.to),) if message.to else (),
        "cc": (", ".join(message.cc),) if message.cc else (),
        "importance": (message.importance,) if message.importance not in ("Normal", None) else (),
    }
    if name == "importance" and message.importance is None:
        return None
    if name in ("to", "cc") and "fields" in message.unsaid:
        return None
    if name in fields:
        return tuple(fields[name])
    return None if "headers" in message.unsaid or _STAMPED.match(name) else ()


def is_own_header(name: str) -> bool:
    """Whether a message has this header only if it was given as a header."""
    return name not in FIELDS and not _STAMPED.match(name)


def importance_is(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """The importance; a message that has none is normal."""
    if rule_view.message.importance is None:
        return opened(("importance",), questions.A_FACT, "importance")
    return rule_view.message.importance.casefold() == value.casefold()


def has_classification(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """One of the message's classifications."""
    known = rule_view.content.classifications
    if known is None:
        return opened(("classification",), questions.A_FACT, "classification")
    return any(same_name(value, each) for each in known)


def has_no_classification(rule_view: RuleView, value: bool, settings: Settings) -> Truth:
    """No classification. What the condition does if it is false is unknown."""
    known = rule_view.content.classifications
    if not value:
        return opened(("no classification",), questions.CLASSIFICATION_FALSE, "has_no_classification_false")
    return opened(("classified",), questions.A_FACT, "classification") if known is None else not known


def spam_level_is(rule_view: RuleView, value: int, settings: Settings) -> Truth:
    """The spam confidence level is this or higher."""
    if rule_view.message.scl is None:
        return opened(("scl", value), questions.SPAM_LEVEL, "scl")
    return rule_view.message.scl >= int(value)


def sent_from(rule_view: RuleView, values: tuple[str, ...], settings: Settings) -> Truth:
    """The last hop is in one of the ranges."""
    if rule_view.message.sender_ip is None:
        return opened(("last hop", values), questions.A_FACT, "sender_ip")
    here = ipaddress.ip_address(rule_view.message.sender_ip)
    return any_of(_in_range(here, value) for value in values)


def _in_range(here: ipaddress.IPv4Address | ipaddress.IPv6Address, value: str) -> Truth:
    first, dash, last = (part.strip() for part in value.partition("-"))
    try:
        if dash:
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
            return here.version == low.version == high.version and int(low) <= int(here) <= int(high)
        return here in ipaddress.ip_network(first, strict=False)
    except ValueError:
        return opened(("range", value), questions.UNSUPPORTED, "range", value)


def is_type(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """One of the message types. What protects the message makes two of them: S/MIME, and message encryption or rights
    management.
    """
    message, content = rule_view.message, rule_view.content
    protection = message.protection
    if protection is None and value in ("Encrypted", "PermissionControlled", "Signed"):
        return opened(("arrival", value), questions.A_FACT, "protection")
    if protection is not None and value == "Encrypted":
        return protection.kind == "smime"
    if protection is not None and value == "PermissionControlled":
        if content.asked and not protection.by_rights:
            return opened(("controlled", "asked"), questions.PROTECTED_BY_NOW, "protected_by_now", guess=False)
        if content.removed and protection.by_rights and protection.owner != "other":
            return opened(("controlled", "removed"), questions.PROTECTED_BY_NOW, "protected_still", guess=True)
        return protection.by_rights
    if value == "Signed" and message.signed:
        return True
    if message.types is None or value in message.types_open:
        return opened(("type", value), questions.A_FACT, "type", value)
    return value in message.types


def has_character_set(rule_view: RuleView, values: tuple[str, ...], settings: Settings) -> Truth:
    """One of the character sets."""
    known = rule_view.message.character_sets
    if known is None:
        return opened(("character set", values), questions.A_FACT, "character_sets")
    return any(value.casefold() in known for value in values)


def never_documented(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
    """A supervision list: Microsoft reserves it, so its content is unknown."""
    return opened(("list", rule_view.recipient.address, values), questions.A_FACT, "reserved")


def bytes_of(size: str | int) -> int | None:
    """The bytes of a size such as ``10MB``, or of Exchange's form of it; ``None`` if it is not a size."""
    found = _SIZE.fullmatch(str(size))
    if not found:
        return None
    number, unit, exact = found.groups()
    return int(exact.replace(",", "")) if exact else int(float(number.replace(",", "")) * _UNITS.get(unit.lower(), 1))


def over(size: int, limit: int, kind: str) -> Truth:
    """Larger than a limit. Microsoft's pages disagree about exactly the limit: a reason of this kind."""
    return size > limit if size != limit else opened(("size", kind, limit), questions.AT_THE_LIMIT, kind, limit)


def message_size_over(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """The message is larger than this."""
    limit = bytes_of(value)
    if limit is None:
        return opened(("limit", value), questions.UNSUPPORTED, "limit", value)
    if rule_view.message.size is not None:
        return over(rule_view.message.size, limit, "message_at_limit")
    least, most = size_range(rule_view.message)
    if least > limit:
        return True
    if most is not None and most < limit:
        return False
    return opened(("message size", value), questions.AT_THE_LIMIT, "size")


def size_range(message: Message) -> tuple[int, int | None]:
    """The minimum and maximum size, in bytes, of a message without a given size; ``None`` if unknown."""
    sizes = None if message.attachments is None else [attachment.size for attachment in message.attachments]
    least = len(message.subject) + len(message.body or "") + sum(size or 0 for size in sizes or ())
    if sizes is None or None in sizes or message.body is None:
        return least, None
    return least, int(least * ENCODED) + _HEADERS
