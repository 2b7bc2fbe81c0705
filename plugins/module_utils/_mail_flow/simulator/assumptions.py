# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assumptions of every proof, and how an administrator can find out what is unknown. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    FORWARDED_TYPES,
    LARGEST,
    SURELY_PROTECTED,
    SYSTEM_TYPES,
)


@dataclass(frozen=True, slots=True)
class Premise:
    """What a proof rests on.

    :param id: the number of the question, or a word.
    :param mail: the mail that it leaves out, in a few words; empty if it leaves none out.
    """

    id: str
    text: str
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Usual:
    """A property of usual mail, needed while the outcome of other mail is unknown. Fields and words say the same.

    :param id: the number of the question.
    :param text: the property, as a proof names it; :param:`other`: the mail without it; :param:`brief`: that mail in a
        few words.
    :param types: the types of messages that do not have it.
    :param arrivals: the protections on arrival that do not have it.
    :param most: the maximum size in bytes; ``None`` for any size.
    """

    id: str
    text: str
    other: str
    brief: str
    types: tuple[str, ...] = ()
    arrivals: tuple[str, ...] = ()
    most: int | None = None


#: Relations between words and patterns may rely on this: such texts are rare, and comparisons differ.
PLAIN_LETTERS = "The texts of the message have none of the letters \u0130, \u0131, \u017f and \u212a (kelvin), which some comparisons take for i, s and k."

_REQUEST = "ApprovalRequest"

#: The properties of usual mail in any organization.
USUAL = (
    Usual(
        questions.FORWARDED,
        "The message was not forwarded by an Inbox rule or a mailbox setting.",
        "mail that is forwarded automatically",
        "forwarded mail",
        FORWARDED_TYPES,
    ),
    Usual(
        questions.SMIME_SIGNED,
        "The message has no clear S/MIME signature.",
        "mail with a clear S/MIME signature",
        "S/MIME-signed mail",
        ("Signed",),
        ("smime_signed",),
    ),
    Usual(
        questions.SYSTEM_MAIL,
        "The message is not an automatic reply, read receipt or meeting item.",
        "automatic replies, read receipts and meeting items",
        "automatic replies, receipts, meetings",
        tuple(kind for kind in SYSTEM_TYPES if kind != _REQUEST),
    ),
    Usual(
        questions.SYSTEM_MAIL,
        "The message is not a request for approval.",
        "requests for approval",
        "requests for approval",
        (_REQUEST,),
    ),
    Usual(
        questions.TOO_LARGE,
        f"The message has at most {SURELY_PROTECTED:,} bytes ({SURELY_PROTECTED * 10 // (1 << 20) / 10} MB), so that it has at most {LARGEST >> 20} MB"
        " however it is encoded.",
        f"messages of more than {SURELY_PROTECTED * 10 // (1 << 20) / 10} MB, which may have more than {LARGEST >> 20} MB once they are encoded",
        f"mail over {SURELY_PROTECTED * 10 // (1 << 20) / 10} MB",
        most=SURELY_PROTECTED,
    ),
)

#: The assumption of a proof about rules that look into content.
NONE_FAILS = Premise(
    "rule_errors", "No rule fails on the message, as a rule that inspects large attachments can (rule_error_action)."
)

#: The assumptions of every proof, which do not depend on the rules.
ALWAYS = (
    Premise("settled", "The rules have been in effect for some hours: Exchange applies changes with a delay."),
    NONE_FAILS,
    Premise("configured", "Message encryption is configured and works."),
    Premise(
        "system_mail",
        "The message is not a non-delivery report, journal report or rule report, which rules may not process.",
        mail="Exchange's reports",
    ),
    Premise(
        "later",
        "Purview DLP, automatic labels, filters and other systems after the rules change neither the protection nor the delivery.",
    ),
)

#: What a proof assumes if rules or the guarantee have such conditions, because the sources disagree or are silent.
AUTHENTICATED = Premise(
    "authenticated",
    "Mail from inside is authenticated. Mail that names such a sender without authentication is neither inside nor outside, and is not considered.",
)
SUBDOMAINS = Premise(
    "subdomains", "Conditions on a domain also match its subdomains, as in Exchange Online since 2023."
)
SENT_FROM = Premise(
    "sent_from", "Mail is sent from primary addresses. What rules find in the alias of a sender is not considered."
)
SIZES = Premise("sizes", "A message counts as larger than each of its attachments.")


def internal_domains(names: Sequence[str]) -> Premise:
    """For remote domains that count as internal: mail to them is not mail to people outside."""
    return Premise(
        "internal_domains",
        f"People in {', '.join(names)} count as inside: a remote domain makes them internal (IsInternal).",
    )


def none_begins_or_ends(dates: Sequence[str]) -> Premise:
    """For rules with dates."""
    return Premise("date", f"The mail passes the rules before any of them begins or ends again ({listed(dates)}).")


def without_journals(addresses: Sequence[str]) -> Premise:
    """For journal rules, which send copies that rules for mail do not see."""
    return Premise(
        "journals",
        f"Journal rules send copies of mail to {listed(addresses)}, which are not considered.",
        mail="copies for journals",
    )


#: For mail that is led to the portal.
NOT_OURS = Premise(
    "not_ours",
    "Mail that arrives encrypted with S/MIME or with another organization's keys keeps that, and need not be led to the portal.",
    mail="S/MIME-encrypted mail, mail that other organizations encrypt",
)

#: For mail that is protected on its way.
NEXT_SERVER = Premise(
    "next_server",
    "Forced TLS protects mail on its way to the next server. What that server does with it is not considered.",
)


def ends_at(connector: str, hosts: Sequence[str]) -> Premise:
    """For a connector that hands mail to smart hosts."""
    text = f"Mail that leaves through the connector {connector!r} is protected on its way to {' or '.join(hosts)} alone: what comes after is not known."
    return Premise("smart_hosts", text)


def relayed(names: Sequence[str]) -> Premise:
    """For accepted domains whose mail Exchange relays to servers of the organization."""
    text = f"Mail to {', '.join(names)} (InternalRelay) does not leave the organization. How it gets to servers on premises is not considered."
    return Premise("internal_relay", text)


#: If rules make more copies than are followed.
TOO_MANY_COPIES = Reason(questions.ADDED_RECIPIENTS, "too_many_copies")

#: If a question took too many conflicts.
BUDGET = Reason("budget", "too_complex")

#: For a difference in whom rules add.
NOT_FOLLOWED = Reason(questions.ADDED_RECIPIENTS, "not_followed")

#: For a difference in what happens where Exchange fails on a rule.
FAILING = Reason(questions.RULE_FAILS, "rule_fails")

#: For mail that waits for many approvals.
MANY_APPROVALS = Reason("approvals", "many_approvals")

#: Assumption about usual mail to the mail without that property.
UNUSUAL = {
    questions.UNAUTHENTICATED_INSIDE: "mail to people in the organization's domains who are not in its directory",
    questions.GUESTS: "mail of guests and mail users",
    questions.REMOTE_DOMAINS: "mail to remote domains that count as internal",
    questions.ALIASES: "mail to aliases",
    questions.PDF: "mail with a PDF attachment",
    **{each.id: " and ".join(row.other for row in USUAL if row.id == each.id) for each in USUAL},
}

#: Assumption of a proof to the mail that it excludes, in a few words, beside those of :data:`USUAL`.
_LEAVES_OUT = {
    questions.UNAUTHENTICATED_INSIDE: "mail to people inside who are not in the directory",
    questions.GUESTS: "guests and mail users",
    questions.REMOTE_DOMAINS: "mail to remote domains that count as internal",
    questions.PDF: "mail with PDF documents",
}

#: Any other assumption of a proof, in a few words.
RELIED_ON = {
    questions.WORD_BORDERS: "texts without rare forms of i, s and k",
    "settled": "rules in effect for some hours",
    "rule_errors": "no rule errors",
    "configured": "working encryption",
    "later": "no change after the rules",
    "authenticated": "authenticated mail from inside",
    "subdomains": "domains with their subdomains",
    "sent_from": "senders' primary addresses",
    "sizes": "messages larger than their attachments",
    "internal_domains": "remote domains that stay internal",
    "date": "no rule that begins or ends",
    "next_server": "mail on its way to the next server alone",
    "smart_hosts": "smart hosts that pass it on",
    "internal_relay": "mail that is relayed to servers on premises",
}


def premise(number: str, text: str) -> Premise:
    """An assumption about usual mail as a premise of a proof: with the mail that it leaves out, where it does."""
    return Premise(number, text, next((each.brief for each in USUAL if each.text == text), _LEAVES_OUT.get(number, "")))


def nameless(rules: Sequence[str]) -> Reason:
    """For rules that send mail to managers whom nobody named."""
    return Reason(questions.A_FACT, "nameless", (tuple(rules),))


#: For a rule that begins or ends later.
LATER = Reason("date", "later")

#: For a verdict without a known reason.
NOT_FOUND = Reason(questions.A_FACT, "not_found")


def unusual(number: str) -> Reason:
    """That it is not known what happens to mail that does not meet an assumption."""
    return Reason(number, "unusual", (number,))
