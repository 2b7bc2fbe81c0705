# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a condition looked at, for people. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.content import header_values
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rule_view import Fork, RuleView
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
    atom, rule_view = looked.atom, looked.rule_view
    if atom.predicate.looks_at == "header":
        found = header_values(rule_view, str(atom.values[0]).lower())
        return "not known" if found is None else _short(" | ".join(found)) or "no such header"
    return _short(_VIEWS[atom.predicate.looks_at](rule_view, atom))


def _sender(rule_view: RuleView, atom: Atom) -> str:
    sender = " or ".join(address or "nobody" for address in sender_addresses(rule_view, atom.settings))
    signed_in = {True: "authenticated", False: "not authenticated", None: "authentication not known"}[
        rule_view.message.authenticated
    ]
    return f"{sender}, {signed_in}" if atom.predicate.options == ("from_scope",) else sender


def _recipient(rule_view: RuleView, atom: Atom) -> str:
    person = rule_view.recipient
    return person.address if person.written == person.address else f"{person.address}, written as {person.written}"


def _protection(rule_view: RuleView, atom: Atom) -> str:
    kind = rule_view.message.protection.kind if rule_view.message.protection else "not known"
    types = (
        "not known"
        if rule_view.message.types is None
        else ", ".join(sorted(rule_view.message.types)) or "an ordinary message"
    )
    return f"{types}; protection on arrival: {kind}"


def _text(rule_view: RuleView, atom: Atom) -> str:
    content = rule_view.content
    body = "text not known" if content.body is None else content.body or "no text"
    return f"{content.subject or 'no subject'} / {body}"


_VIEWS: dict[str, Callable[[RuleView, Atom], str]] = {
    "sender": _sender,
    "last hop": lambda rule_view, atom: rule_view.message.sender_ip or "not known",
    "relation": lambda rule_view, atom: f"{rule_view.message.sender} to {_people(rule_view.fork)}",
    "recipient": _recipient,
    "recipients": lambda rule_view, atom: _people(rule_view.fork),
    "fields": lambda rule_view, atom: f"To: {', '.join(rule_view.message.to)}; Cc: {', '.join(rule_view.message.cc)}",
    "subject": lambda rule_view, atom: rule_view.content.subject or "no subject",
    "body": _text,
    "character sets": lambda rule_view, atom: (
        "not known" if rule_view.message.character_sets is None else ", ".join(sorted(rule_view.message.character_sets))
    ),
    "attachments": lambda rule_view, atom: (
        ", ".join(attachment.name for attachment in rule_view.message.attachments or ()) or "no attachment"
    ),
    "size": lambda rule_view, atom: (
        "not given" if rule_view.message.size is None else f"{rule_view.message.size} bytes"
    ),
    "protection": _protection,
    "importance": lambda rule_view, atom: rule_view.message.importance or "not known",
    "classification": lambda rule_view, atom: (
        "not known"
        if rule_view.content.classifications is None
        else ", ".join(sorted(rule_view.content.classifications)) or "none"
    ),
    "scl": lambda rule_view, atom: "not given" if rule_view.message.scl is None else str(rule_view.message.scl),
}
