# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of messages, of guarantees and of a difference in mail, in sentences. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: How a copy is protected, in words.
_PROTECTION = {
    "none": "in clear",
    "encrypt": "encrypted",
    "do_not_forward": "encrypted, not to be forwarded",
    "smime": "protected by S/MIME",
    "protected_option_unknown": "encrypted (option unknown)",
    "unknown": "protected or in clear (unknown)",
}

_FATES = {"unknown": "delivered or not (unknown)", "moderated": "held for approval", "quarantined": "held in quarantine"}

#: What comes after somebody lets a copy go.
_LATER = {"after_approval": "once approved", "after_release": "once released"}


def outcome_words(outcome: Mapping[str, Any]) -> str:
    """What becomes of a copy: ``encrypted by 'Partners'``, ``in clear``, ``rejected``.

    :param outcome: a recipient's result.
    """
    fate, protection = str(outcome.get("fate") or "unknown"), str(outcome.get("protection") or "")
    if fate != "delivered":
        later = next((f", and {when} {outcome_words(outcome[key])}" for key, when in _LATER.items() if outcome.get(key)), "")
        return f"{_FATES.get(fate, fate)}{later}"
    words = _PROTECTION.get(protection) or f"protected with {protection.removeprefix('template:')!r}"
    by = ", ".join(repr(str(name)) for name in outcome.get("protected_by") or ())
    kept = " already on arrival" if outcome.get("protected_on_arrival") and protection not in ("none", "unknown") else ""
    branded = f", with the branding {outcome['branding']!r}" if outcome.get("branding") else ""
    return f"{words}{f' by {by}' if by else ''}{kept}{branded}"


def message_words(message: Mapping[str, Any], recipient: str) -> str:
    """A message and one of its recipients: ``mail from alexw@contoso.com to ann@fabrikam.com with the subject 'Offer'``."""
    subject = f" with the subject {message['subject']!r}" if message.get("subject") else ""
    kinds = f" ({', '.join(map(str, message['type']))})" if message.get("type") else ""
    return f"mail from {message.get('from') or 'nobody'} to {recipient}{subject}{kinds}"


def refutation(row: Mapping[str, Any]) -> str:
    """The counterexample of a refuted guarantee, as a sentence."""
    found = row["counterexample"]
    outcome = outcome_words(found["outcome"])
    verb = "is" if outcome.split(" ", maxsplit=1)[0] in ("deleted", "rejected", "redirected", "held", "delivered") else "is delivered"
    return f"{message_words(found['message'], found['recipient'])} {verb} {outcome}."


def reasons_of(row: Mapping[str, Any]) -> str:
    """Why it is unknown whether something is guaranteed."""
    return "; ".join(f"{each['reason']} ({each['id']})" for each in row.get("unknown") or ())


def verdict_sentence(row: Mapping[str, Any]) -> str:
    """A guarantee's verdict, as a sentence."""
    if row["verdict"] == "proved":
        return f"{row['name']!r} is guaranteed under {len(row['assumptions'])} assumptions."
    if row["verdict"] == "refuted":
        return f"{row['name']!r} is not guaranteed: {refutation(row)}"
    return f"Whether {row['name']!r} is guaranteed cannot be told: {reasons_of(row)}."


def mail_lines(mail: Mapping[str, Any], most: int | None = None) -> list[str]:
    """The effect on mail, and what is guaranteed, as lines of a terminal.

    :param most: the maximum number of sentences about a difference.
    """
    lines = [str(row["text"]) for row in mail.get("difference") or ()]
    lines += ["By the rules, no mail is encrypted, delivered or branded differently."] if mail.get("difference") == [] else []
    more = int(mail.get("difference_more") or 0) + len(lines[most:] if most else ())
    lines = lines[:most]
    lines += [f"At least {more} more kinds of mail are treated differently."] if more else []
    for row in mail.get("guarantees") or ():
        was = f" Until now: {row['before']}." if row.get("before") else ""
        lines.append(f"{verdict_sentence(row)}{was}")
    return lines
