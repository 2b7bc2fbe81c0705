# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP addresses and their domains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

#: An address, including one with a quoted local part.
_ADDRESS = re.compile(r'(?:[^\s@<>,;]+|"(?:[^"\\\r\n]|\\[^\r\n])*")@[^\s@<>,;]+')

#: A local part without quotation marks, and a domain: parts with a dot between each two. Source: RFC 5321, and RFC 6531
#: for letters beyond ASCII.
_ATOM, _LABEL = r"[^\s()<>\[\]:;@\\,.\"]+", r"[^\s!-,./:-@\[-`{-~]+"
DOTTED, DOMAIN = rf"{_ATOM}(\.{_ATOM})*", rf"{_LABEL}(\.{_LABEL})*"
_PLAIN = re.compile(f"{DOTTED}@{DOMAIN}")

#: An address within a sentence, without the marks around it.
_MARKS = r"\s@<>,;:\"'()\[\]"
_IN_TEXT = re.compile(rf'(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|[^{_MARKS}]+)@[^{_MARKS}]*[^{_MARKS}.]')

#: An address as Exchange may show it: after a display name, or with its type.
_SHOWN = re.compile(r"(?:[^<>]*<)?\s*(?:smtp:)?\s*([^<>]+?)\s*>?", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text is one SMTP address, without a display name."""
    return _ADDRESS.fullmatch(text) is not None


def is_plain_address(text: str) -> bool:
    """Whether a text is an address to which any mail system can send: one that needs no quotation marks, without a dot at
    the border of its local part or beside another dot.
    """
    return _PLAIN.fullmatch(text) is not None


def person(text: str) -> str:
    """Somebody whom a rule names: the SMTP address without its display name and type, or the name as it is."""
    shown = _SHOWN.fullmatch(text.strip())
    return shown[1] if shown and is_address(shown[1]) else text.strip()


def without_addresses(text: str) -> str:
    """A text for people who need not know whose mail it is about: it names no address."""
    return _IN_TEXT.sub("(an address)", text)


def is_name(address: str) -> bool:
    """Whether this is a name that was not resolved to an address."""
    return bool(address) and "@" not in address


def domain(address: str) -> str:
    """The domain of an address, in lower case; empty if it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def spellings(address: str) -> tuple[str, ...]:
    """Other spellings of an internationalized address or domain: with the domain in Unicode, or in ASCII
    (``xn--``). A letter such as ``ß`` has two in ASCII: IDNA of 2003 makes ``ss`` of it, and that of 2008 keeps it.
    """
    if address.isascii() and "xn--" not in address:
        return ()
    local, at, name = address.rpartition("@")
    others = {f"{local}{at}{other}" for way in (_in_ascii, _in_unicode, _by_labels) for other in way(name)}
    return tuple(sorted(others - {address}))


def _in_ascii(name: str) -> Iterator[str]:
    with suppress(UnicodeError):
        yield name.encode("idna").decode("ascii").lower()


def _in_unicode(name: str) -> Iterator[str]:
    with suppress(UnicodeError):
        yield name.encode("ascii").decode("idna").lower()


def _by_labels(name: str) -> Iterator[str]:
    """A domain with each label in the other spelling, its letters as they are, as IDNA of 2008 has it."""
    labels = name.lower().split(".")
    with suppress(UnicodeError):
        if name.isascii():
            labels = [label[4:].encode().decode("punycode") if label.startswith("xn--") else label for label in labels]
        else:
            labels = [label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels]
        yield ".".join(labels)


def without_tag(address: str) -> str:
    """The address without its plus tag (``ann+offers@``); unchanged if it has none."""
    local, _at, name = address.rpartition("@")
    return f"{local.partition('+')[0]}@{name}" if "+" in local.strip("+") and local.partition("+")[0] else address


def is_below(name: str, parent: str) -> bool:
    """Whether a domain is ``parent`` or a subdomain of it. Both are in lower case."""
    return name == parent or name.endswith("." + parent)


def with_parents(name: str) -> tuple[str, ...]:
    """A domain and all its parents, itself first: ``eu.fabrikam.com``, ``fabrikam.com``, ``com``."""
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))
