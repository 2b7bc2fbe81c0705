# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of conditions that Exchange takes, and that match no mail: people, domains and extensions have no wildcards.

Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PEOPLE = ("from", "sent_to", "any_of_to_header", "any_of_cc_header", "any_of_to_cc_header")
_DOMAINS = ("sender_domain_is", "recipient_domain_is")
_EXTENSIONS = ("attachment_extension_matches_words",)


def never_matching(section: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The values in conditions or exceptions that match no mail: option, value, and what to write."""
    for option, value in section.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            text = str(item)
            if option in _PEOPLE and ("*" in text or text.startswith("@")):
                yield option, text, _for_a_domain(option, text)
            elif option in _DOMAINS and is_no_domain(text):
                yield option, text, f"{meant_domain(text) or 'the domain'}, which means its subdomains, too"
            elif option in _EXTENSIONS and "*" in text:
                yield option, text, meant_extension(text) or "the extension"


def is_no_domain(value: str) -> bool:
    """Whether no address is in a domain that is written like this, nor below it."""
    return value.startswith(".") or value.endswith(".") or "@" in value or "*" in value


def meets_no_mail(section: Mapping[str, Any]) -> bool:
    """Whether no value of one of the conditions matches any mail."""
    for option, value in section.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        never = list(never_matching({option: values}))
        if never and len(never) == len(values):
            return True
    return False


def meant_domain(value: str) -> str:
    """The domain that such a value is meant for; empty if it has none."""
    return value.rpartition("@")[2].lstrip("*.").rstrip(".")


def meant_extension(value: str) -> str:
    """The extension that such a value is meant for; empty if it has none."""
    return value.rpartition(".")[2].strip("*")


def meant_value(option: str, value: str) -> str:
    """The value of the same condition that such a value is meant for; empty if it has none."""
    if option in _DOMAINS:
        return meant_domain(value)
    return meant_extension(value) if option in _EXTENSIONS else ""


def _for_a_domain(option: str, text: str) -> str:
    """What to use in place of a person who is to stand for all of a domain."""
    domain = meant_domain(text)
    if option in ("from", "sent_to"):
        return f"{'sender_domain_is' if option == 'from' else 'recipient_domain_is'}: [{domain}]"
    return "the address of each person or group"
