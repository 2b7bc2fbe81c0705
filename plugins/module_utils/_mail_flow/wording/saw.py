# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a condition looked at, for people. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.content import header_values
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rule_view import Fork, Sight
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.sender_recipient import (
    sender_addresses,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Saw

#: The number of characters of a text that are shown.
_SHOWN = 120


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _people(fork: Fork) -> str:
    return ", ".join(
        [*(person.label for person in fork.sure), *(f"perhaps {person.label}" for person, _reasons in fork.perhaps)]
    )


def saw_text(looked: Saw) -> str:
    """What a condition looked at."""
    atom, sight = looked.atom, looked.sight
    if atom.predicate.looks_at == "header":
        found = header_values(sight, str(atom.values[0]).lower())
        return "not known" if found is None else _short(" | ".join(found)) or "no such header"
    return _short(_VIEWS[atom.predicate.looks_at](sight, atom))


def _sender(sight: Sight, atom: Atom) -> str:
    sender = " or ".join(address or "nobody" for address in sender_addresses(sight, atom.settings))
    signed_in = {True: "authenticated", False: "not authenticated", None: "authentication not known"}[
        sight.message.authenticated
    ]
    return f"{sender}, {signed_in}" if atom.predicate.options == ("from_scope",) else sender


def _recipient(sight: Sight, atom: Atom) -> str:
    person = sight.recipient
    return person.address if person.written == person.address else f"{person.address}, written as {person.written}"


def _protection(sight: Sight, atom: Atom) -> str:
    kind = sight.message.protection.kind if sight.message.protection else "not known"
    types = (
        "not known" if sight.message.types is None else ", ".join(sorted(sight.message.types)) or "an ordinary message"
    )
    return f"{types}; protection on arrival: {kind}"


_VIEWS: dict[str, Callable[[Sight, Atom], str]] = {
    "sender": _sender,
    "last hop": lambda sight, atom: sight.message.sender_ip or "not known",
    "relation": lambda sight, atom: f"{sight.message.sender} to {_people(sight.fork)}",
    "recipient": _recipient,
    "recipients": lambda sight, atom: _people(sight.fork),
    "fields": lambda sight, atom: f"To: {', '.join(sight.message.to)}; Cc: {', '.join(sight.message.cc)}",
    "subject": lambda sight, atom: sight.content.subject or "no subject",
    "body": lambda sight, atom: (
        f"{sight.content.subject or 'no subject'} / {'text not known' if sight.content.body is None else sight.content.body or 'no text'}"
    ),
    "character sets": lambda sight, atom: (
        "not known" if sight.message.character_sets is None else ", ".join(sorted(sight.message.character_sets))
    ),
    "attachments": lambda sight, atom: (
        ", ".join(attachment.name for attachment in sight.message.attachments or ()) or "no attachment"
    ),
    "size": lambda sight, atom: "not given" if sight.message.size is None else f"{sight.message.size} bytes",
    "protection": _protection,
    "importance": lambda sight, atom: sight.message.importance or "not known",
    "classification": lambda sight, atom: (
        "not known"
        if sight.content.classifications is None
        else ", ".join(sorted(sight.content.classifications)) or "none"
    ),
    "scl": lambda sight, atom: "not given" if sight.message.scl is None else str(sight.message.scl),
}
