# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assumptions of every proof, and how an administrator can find out what is unknown. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    FORWARDED_TYPES,
    LARGEST,
    SURELY_PROTECTED,
    SYSTEM_TYPES,
)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is true of usual mail, while it is not known what becomes of other mail. The fields say it, and so do the words.

    :param id: the number of the question.
    :param text: that it is so, as a proof names it, and :param:`other` the mail of which it is not; :param:`brief` in a few words.
    :param types: the types of messages that it is not of.
    :param arrivals: how it does not arrive.
    :param most: how many bytes it has at most; ``None`` for any number.
    """

    id: str
    text: str
    other: str
    brief: str
    types: tuple[str, ...] = ()
    arrivals: tuple[str, ...] = ()
    most: int | None = None


#: What relations between words and patterns may rest on: such texts are seldom, and the comparisons differ.
PLAIN_LETTERS = "The texts of the message have none of the letters \u0130, \u0131, \u017f and \u212a (kelvin), which some comparisons take for i, s and k."

_REQUEST = "ApprovalRequest"

#: What is true of usual mail, whatever the organization is like.
USUAL = (
    Usual(
        "U26", "The message was not forwarded by an Inbox rule or a mailbox setting.", "mail that is forwarded automatically", "forwarded mail", FORWARDED_TYPES
    ),
    Usual(
        "U27",
        "The message has no clear S/MIME signature.",
        "mail with a clear S/MIME signature",
        "S/MIME-signed mail",
        ("Signed",),
        ("smime_signed",),
    ),
    Usual(
        "U29",
        "The message is not an automatic reply, read receipt or meeting item.",
        "automatic replies, read receipts and meeting items",
        "automatic replies, receipts, meetings",
        tuple(kind for kind in SYSTEM_TYPES if kind != _REQUEST),
    ),
    Usual("U29", "The message is not a request for approval.", "requests for approval", "requests for approval", (_REQUEST,)),
    Usual(
        "U31",
        f"The message has at most {SURELY_PROTECTED:,} bytes ({SURELY_PROTECTED * 10 // (1 << 20) / 10} MB), so that it has at most {LARGEST >> 20} MB"
        " however it is encoded.",
        f"messages of more than {SURELY_PROTECTED * 10 // (1 << 20) / 10} MB, which may have more than {LARGEST >> 20} MB once they are encoded",
        f"mail over {SURELY_PROTECTED * 10 // (1 << 20) / 10} MB",
        most=SURELY_PROTECTED,
    ),
)

#: The assumptions of every proof, which do not depend on the rules.
ALWAYS: tuple[dict[str, str], ...] = (
    {"id": "settled", "text": "The rules have been in effect for some hours: Exchange applies changes with a delay."},
    {"id": "rule_errors", "text": "No rule fails on the message, as a rule that inspects large attachments can (rule_error_action)."},
    {"id": "configured", "text": "Message encryption is configured and works."},
    {
        "id": "system_mail",
        "text": "The message is not a non-delivery report, journal report or rule report, which rules may not process.",
        "mail": "Exchange's reports",
    },
    {"id": "later", "text": "Purview DLP, automatic labels, filters and other systems after the rules do not change the protection."},
)

#: What a proof rests on where rules or the guarantee have such conditions: on this the sources do not agree, or do not say it.
AUTHENTICATED = {
    "id": "authenticated",
    "text": "Mail from inside is authenticated. Mail that names such a sender without authentication is neither inside nor outside, and is not considered.",
}
SUBDOMAINS = {"id": "subdomains", "text": "Conditions on a domain also match its subdomains, as in Exchange Online since 2023."}
SENT_FROM = {"id": "sent_from", "text": "Mail is sent from primary addresses. What rules find in the alias of a sender is not considered."}
SIZES = {"id": "sizes", "text": "A message counts as larger than each of its attachments."}


def internal_domains(names: Sequence[str]) -> dict[str, str]:
    """For remote domains that count as internal: mail to them is none to people outside."""
    return {"id": "internal_domains", "text": f"People in {', '.join(names)} count as inside: a remote domain makes them internal (IsInternal)."}


#: For rules that make more copies than are followed.
TOO_MANY_COPIES = {
    "id": "U09",
    "reason": "rules make more copies for people whom they add than are followed",
    "settled_by": "Let fewer rules add people, or let them do so without a look at recipients.",
}

_SIMPLER = "Use fewer or simpler conditions in the rules that overlap."

#: For a question that took too many conflicts.
BUDGET = {"id": "budget", "reason": "the question is too complex", "settled_by": _SIMPLER}

#: For a difference in whom rules add.
NOT_FOLLOWED = {"id": "U09", "reason": "copies of managers and members of groups are not followed", "settled_by": "Add people by their addresses."}

#: For mail that waits for many approvals.
MANY_APPROVALS = {"id": "approvals", "reason": "how many approvals mail waits for is compared only up to a few", "settled_by": "Send a test message."}

#: Assumption about usual mail to the mail of which it is not true.
UNUSUAL = {
    "U19": "mail to people in the organization's domains who are not in its directory",
    "U20": "mail of guests and mail users",
    "U21": "mail to remote domains that count as internal",
    "U24": "mail to aliases",
    "U25": "mail with a PDF attachment",
    **{each.id: " and ".join(row.other for row in USUAL if row.id == each.id) for each in USUAL},
}

#: Assumption of a proof to the mail that it leaves out, in a few words; of usual mail each says it itself.
_LEAVES_OUT = {
    "U19": "mail to people inside who are not in the directory",
    "U20": "guests and mail users",
    "U21": "mail to remote domains that count as internal",
    "U25": "mail with PDF documents",
}

#: Any other assumption of a proof, in a few words.
RELIED_ON = {
    "U17": "texts without rare forms of i, s and k",
    "settled": "rules in effect for some hours",
    "rule_errors": "no errors of rules",
    "configured": "encryption that works",
    "later": "no change of protection after the rules",
    "authenticated": "authenticated mail from inside",
    "subdomains": "domains with their subdomains",
    "sent_from": "primary addresses of senders",
    "sizes": "messages larger than their attachments",
    "internal_domains": "remote domains that stay internal",
    "date": "no rule that begins or ends",
}


def assumed(number: str, text: str) -> dict[str, str]:
    """An assumption of a proof, as results have it: with the mail that it leaves out, where it does."""
    mail = next((each.brief for each in USUAL if each.text == text), _LEAVES_OUT.get(number, ""))
    return {"id": number, "text": text, **({"mail": mail} if mail else {})}


#: For a rule that begins or ends later.
LATER = {"id": "date", "reason": "only mail of today is compared", "settled_by": "Compare again after that date."}

#: For a verdict without a known reason.
NOT_FOUND = {"id": "U00", "reason": "no message was found of which that is certain, but none is ruled out", "settled_by": "Send a test message."}

_SETTLED_BY = {
    "budget": _SIMPLER,
    "shown": "A test message: look at what the report or the request for approval holds.",
    "U00": "Give the fact, as an option or in the message.",
    "U01": "Two rules with different templates on one test message: read the label of what arrives, then swap the rules.",
    "U02": "An encrypting and a decrypting rule on one test message, in both orders.",
    "U03": "An encrypting rule, followed by a rule for PermissionControlled messages that changes the subject.",
    "U04": "A test message to a member of a nested group.",
    "U05": "A test message to recipients for whom the condition has different results.",
    "U06": "A rule in Audit mode for some of the recipients, followed by a rule with an any_of condition.",
    "U07": "A test message to two people, with a rule for one of them, followed by a rule about the To field.",
    "U08": "Two rules, the first in Audit mode with stop_rule_processing. Enforce it, or remove the stop.",
    "U09": "A rule that adds a recipient, followed by a rule for this recipient.",
    "U11": "A message trace of mail with a spam level.",
    "U12": "A message with a large attachment.",
    "U13": "Rewrite the rule with conditions and actions that Exchange supports.",
    "U14": "Give the rule's dates with an offset from UTC.",
    "U15": "Omit has_no_classification, or set it to true.",
    "U16": "Set the rule's sender_address_location to Header, or test an automatic reply.",
    "U17": "Test-Message with such subjects.",
    "U18": "Rewrite the pattern with syntax that the sources agree on.",
    "U19": "A test message from outside to such an address.",
    "U20": "A test message to a guest.",
    "U21": "Get-RemoteDomain.",
    "U22": "The header X-MS-Exchange-Organization-AuthAs of such mail.",
    "U23": "A test message of exactly the limit.",
    "U24": "A test message to a secondary address.",
    "U25": "A test message with a PDF document, or set enable_pdf_encryption.",
    "U26": "A forwarded test message, and one with a forged sender.",
    "U27": "A test message with an S/MIME signature.",
    "U28": "Enable licensing.",
    "U29": "An automatic reply and a meeting request.",
    "U30": "A test message that another organization protected.",
    "U31": "A test message over 25 MB.",
}


#: Key of a message to how it says that there is nothing.
_NOTHING = {
    "type": ", [] for a message of no special type",
    "attachments": ", [] where there are none",
    "classification": ", [] where there is none",
    "mail_from": ", which is empty for automatic replies",
}


def described(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """What is unknown, as results have it; that nothing was found where no reason is known."""
    found = [as_row(each) for each in dict.fromkeys(reasons)]
    return found or [{**NOT_FOUND}]


def as_row(reason: Reason) -> dict[str, str]:
    """A reason, as results have it: with the key of a message or of the facts that it is about, and how to find out."""
    given = f"Give {reason.field}{_NOTHING.get(reason.field, '')}." if reason.id == "U00" and reason.field else settled_by(reason.id)
    return {"id": reason.id, "reason": reason.text, **({"field": reason.field} if reason.field else {}), "settled_by": given}


def settled_by(number: str) -> str:
    """How to find out what is unknown: the smallest experiment."""
    return _SETTLED_BY.get(number, "A test message.")
