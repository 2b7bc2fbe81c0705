# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP addresses and their domains. Private to the collection."""

from __future__ import annotations

import re

#: An address, including one with a quoted local part.
_ADDRESS = re.compile(r'(?:[^\s@<>,;]+|"(?:[^"\\\r\n]|\\[^\r\n])*")@[^\s@<>,;]+')

#: An address as Exchange may show it: after a display name, or with its type.
_SHOWN = re.compile(r"(?:[^<>]*<)?\s*(?:smtp:)?\s*([^<>]+?)\s*>?", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text is one SMTP address, without a display name."""
    return _ADDRESS.fullmatch(text) is not None


def person(text: str) -> str:
    """Somebody whom a rule names: the SMTP address without its display name and type, or the name as it is."""
    shown = _SHOWN.fullmatch(text.strip())
    return shown[1] if shown and is_address(shown[1]) else text.strip()


def is_name(address: str) -> bool:
    """Whether this is a name that was not resolved to an address."""
    return bool(address) and "@" not in address


def domain(address: str) -> str:
    """The domain of an address, in lower case; empty if it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def spellings(address: str) -> tuple[str, ...]:
    """Other spellings of an internationalized address or domain: with the domain in Unicode, or in ASCII
    (``xn--``).
    """
    if address.isascii() and "xn--" not in address:
        return ()
    local, at, name = address.rpartition("@")
    found = {f"{local}{at}{other}" for other in (_in_ascii(name), _in_unicode(name))}
    return tuple(sorted(found - {address}))


def _in_ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii").lower()
    except (UnicodeError, ValueError):
        return name


def _in_unicode(name: str) -> str:
    try:
        return name.encode("ascii").decode("idna").lower()
    except (UnicodeError, ValueError):
        return name


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
