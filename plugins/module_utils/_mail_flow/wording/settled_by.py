# SPDX-License-Identifier: GPL-3.0-or-later
"""How to find out what is unknown: by giving what a message or an organization lacks, by other rules, or by a test
message alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model import questions
from ..model.kleene import Reason
from ..model.reason_kinds import ReasonKind

_SIMPLER = "Use fewer or simpler conditions in the rules that overlap."
_SEND = "Send a test message."
_LOOK = "A test message: look at what the report or the request for approval holds."
_SPLIT = "Let two rules do that, one after the other, or send a test message."
_WRAPPED = (
    "Send a test message into which the disclaimer cannot be put, such as a signed one. With the fallback action Ignore or Reject, no message is "
    "wrapped."
)
_DECRYPT = "Set transport_decryption_setting to Optional, or send a test message."

#: Kind of a reason to how to find out, where that is not what settles its question in general, nor the key of the
#: message or fact that it is about.
SETTLED_BY: Mapping[ReasonKind, str] = {
    # What a message or an organization lacks
    "address": "Give the address in facts.proxy_addresses, or in the rule instead of the name.",
    "arrival_keys": "Give protection.owner.",
    "arrival_option": "Give protection.kind.",
    "attachment_executable": "Give executable of the attachment.",
    "attachment_limit_exceeded": "Give limit_exceeded of the attachment.",
    "attachment_name": "Give name of the attachment.",
    "attachment_password_protected": "Give password_protected of the attachment.",
    "attachment_size": "Give size of the attachment.",
    "attachment_text": "Give text of the attachment.",
    "attachment_unsupported": "Give unsupported of the attachment.",
    "attachment_content": "Give nested of the attachment.",
    "attachment_property": "Give properties of the attachment.",
    "character_sets": "Give the message as a file, with eml_path.",
    "date_of_message": "Give date.",
    "date_without_offset": "Give date with an offset from UTC.",
    "from_field": "Give from.",
    "importance": "Give importance.",
    "keys_unknown": "Give protection.owner.",
    "name_in_field": "Give the whole field in headers, or let the rule look for addresses.",
    "nameless": "Give facts.managers.",
    "perhaps_guest": "Give facts.mail_users.",
    "readable": "Give protection.",
    "scl": "Give scl.",
    "size": "Give size.",
    "which_sender": "Give from.",
    # What other rules or settings avoid
    "added": "Put rules that look at recipients before rules that add people.",
    "approved_stops": _SPLIT,
    "decrypts_disabled": _DECRYPT,
    "decryption_off": _DECRYPT,
    "header_last": _SPLIT,
    "message_too_complex": _SIMPLER,
    "not_followed": "Add people by their addresses.",
    "on_premises_scope": "Use InOrganization or NotInOrganization.",
    "reserved": questions.BY_ID[questions.UNSUPPORTED].settled_by,
    "several_fates": _SPLIT,
    "too_complex": _SIMPLER,
    "too_many_copies": "Let fewer rules add people, or remove their conditions about recipients.",
    "too_many_questions": _SIMPLER,
    # What only Exchange shows
    "contradicted": (
        "Send the message again with mail_flow_experiment. If it still contradicts, report a bug, without addresses, subjects and other data of people."
    ),
    **dict.fromkeys(
        (
            "adds_and_redirects",
            "after_quarantine",
            "alias",
            "date_exactly",
            "files_in_message",
            "dlp_beside_approval",
            "dlp_beside_end",
            "dlp_perhaps_withholds",
            "dlp_withheld",
            "header_of_every_message",
            "header_of_mail_system",
            "hidden_and_matched",
            "hidden_from_rule",
            "many_approvals",
            "names_in_attachment",
            "not_found",
            "reports",
            "tokens",
        ),
        _SEND,
    ),
    **dict.fromkeys(("wrapped", "wrapped_attachments", "wrapped_subject"), _WRAPPED),
    "later": "Compare again after that date.",
    "shown_for_approval": _LOOK,
    "shown_in_report": _LOOK,
}

#: Key of a message to how it states that there is nothing.
_NOTHING = {
    "type": ", or [] for a message of no special type",
    "attachments": ", or [] if there are none",
    "classification": ", or [] if there is none",
    "mail_from": ", which is empty for automatic replies",
}


def settled_by(reason: Reason) -> str:
    """How to find out what is unknown, as a sentence."""
    if reason.kind in SETTLED_BY:
        return SETTLED_BY[reason.kind]
    if reason.id == questions.A_FACT and reason.field:
        return f"Give {reason.field}{_NOTHING.get(reason.field, '')}."
    return questions.BY_ID[reason.id].settled_by
