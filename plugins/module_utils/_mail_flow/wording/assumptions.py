# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assumptions of proofs, in words. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import Premise
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    LARGEST,
    SURELY_PROTECTED,
)

#: The largest message that is surely protected, and the largest that is protected, in megabytes.
_SURELY, _MOST = SURELY_PROTECTED * 10 // (1 << 20) / 10, LARGEST >> 20

#: Kind of an assumption to its sentence, or to what makes one of its values.
_TEXTS: Mapping[str, str | Callable[..., str]] = {
    # Usual mail
    "not_forwarded": "The message was not forwarded by an Inbox rule or a mailbox setting.",
    "not_signed": "The message has no clear S/MIME signature.",
    "not_automatic": "The message is not an automatic reply, read receipt or meeting item.",
    "no_approval_request": "The message is not a request for approval.",
    "not_too_large": (
        f"The message has at most {SURELY_PROTECTED:,} bytes ({_SURELY} MB), so that it has at most {_MOST} MB"
        " however it is encoded."
    ),
    "no_pdf": "The message has no PDF attachment, which stays unencrypted while enable_pdf_encryption is false.",
    # Comparisons of such letters differ, and such texts are rare.
    "plain_letters": (
        "The texts of the message have none of the letters \u0130, \u0131, \u017f and \u212a (kelvin), which some"
        " comparisons take for i, s and k."
    ),
    "primary_addresses": "Mail is addressed to primary addresses.",
    # The organization
    "all_in_directory": "All recipients in the organization's domains are in its directory.",
    "guests_left_out": (
        "Mail from and to guests and mail users with outside addresses is not considered, because they are too many to"
        " distinguish."
    ),
    "no_guests": (
        "No person with an address outside is a guest or mail user of the organization, as Get-MailUser would show."
    ),
    "guests_send_nothing": (
        "Guests and mail users with addresses outside, who have no mailbox here, send no mail over an authenticated"
        " connection."
    ),
    "no_internal_domains": "No remote domain counts as internal (IsInternal), as Get-RemoteDomain would show.",
    # What every proof assumes
    "settled": "The rules have been in effect for some hours: Exchange applies changes with a delay.",
    "rule_errors": ("No rule fails on the message, as a rule that inspects large attachments can (rule_error_action)."),
    "configured": lambda *unread: (
        "Message encryption is configured and works"
        + "".join(f", also for PDF documents (enable_pdf_encryption), as {each} would show" for each in unread)
        + "."
    ),
    "system_mail": (
        "The message is not a non-delivery report, journal report or rule report, which rules may not process."
    ),
    "later": (
        "Purview DLP, automatic labels, filters and other systems after the rules change neither the protection nor the"
        " delivery."
    ),
    # What some proofs assume
    "authenticated": (
        "Mail from inside is authenticated. Mail that names such a sender without authentication is neither inside nor"
        " outside, and is not considered."
    ),
    "subdomains": "Conditions on a domain also match its subdomains, as in Exchange Online since 2023.",
    "sent_from": ("Mail is sent from primary addresses. What rules find in the alias of a sender is not considered."),
    "sizes": "A message counts as larger than each of its attachments.",
    "internal_domains": lambda *names: (
        f"People in {', '.join(names)} count as inside: a remote domain makes them internal (IsInternal)."
    ),
    "date": lambda *dates: f"The mail passes the rules before any of them begins or ends again ({listed(dates)}).",
    "internal_relay": lambda *names: (
        f"Mail to {', '.join(names)} (InternalRelay) does not leave the organization. How it gets to servers on premises is"
        " not considered."
    ),
    "own_servers": lambda domains, connectors: (
        f"Mail to {', '.join(domains)} does not leave the organization, although {listed(list(map(repr, connectors)))} may"
        " hand it to servers on premises. How it gets there is not considered."
    ),
    "journals": lambda *addresses: (
        f"Journal rules send copies of mail to {listed(addresses)}, which are not considered."
    ),
    "not_ours": (
        "Mail that arrives encrypted with S/MIME or with another organization's keys keeps that, and need not be led to"
        " the portal."
    ),
    "next_server": (
        "Forced TLS protects mail on its way to the next server. What that server does with it is not considered."
    ),
    "smart_hosts": lambda connector, hosts: (
        f"Mail that leaves through the connector {connector!r} is protected on its way to {' or '.join(hosts)} alone:"
        " what comes after is not known."
    ),
}

_GUESTS = "guests and mail users"

#: Kind of an assumption to the mail that it leaves out, in a few words.
_LEAVES_OUT = {
    "not_forwarded": "forwarded mail",
    "not_signed": "S/MIME-signed mail",
    "not_automatic": "automatic replies, receipts, meetings",
    "no_approval_request": "requests for approval",
    "not_too_large": f"mail over {_SURELY} MB",
    "no_pdf": "mail with PDF documents",
    "all_in_directory": "mail to people inside who are not in the directory",
    **dict.fromkeys(("guests_left_out", "no_guests", "guests_send_nothing"), _GUESTS),
    "no_internal_domains": "mail to remote domains that count as internal",
    "system_mail": "Exchange's reports",
    "journals": "copies for journals",
    "not_ours": "S/MIME-encrypted mail, mail that other organizations encrypt",
}

#: Number of an assumption about usual mail to the mail that does not meet it.
UNUSUAL = {
    questions.UNAUTHENTICATED_INSIDE: "mail to people in the organization's domains who are not in its directory",
    questions.GUESTS: "mail of guests and mail users",
    questions.REMOTE_DOMAINS: "mail to remote domains that count as internal",
    questions.ALIASES: "mail to aliases",
    questions.PDF: "mail with a PDF attachment",
    questions.FORWARDED: "mail that is forwarded automatically",
    questions.SMIME_SIGNED: "mail with a clear S/MIME signature",
    questions.SYSTEM_MAIL: "automatic replies, read receipts and meeting items and requests for approval",
    questions.TOO_LARGE: (
        f"messages of more than {_SURELY} MB, which may have more than {_MOST} MB once they are encoded"
    ),
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
    "own_servers": "mail that connectors hand to servers on premises",
}


def premise_row(premise: Premise) -> dict[str, str]:
    """An assumption of a proof, as results have it: ``id``, ``text``, and ``mail`` that it leaves out, if any."""
    kind = premise.kind or premise.id
    text = _TEXTS[kind]
    row = {"id": premise.id, "text": text if isinstance(text, str) else text(*premise.values)}
    return {**row, "mail": _LEAVES_OUT[kind]} if kind in _LEAVES_OUT else row
