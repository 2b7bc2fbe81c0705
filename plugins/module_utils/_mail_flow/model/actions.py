# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action of a mail flow rule: what it does to protection, to delivery, and to what later rules see.

The actions of one rule have no order among themselves. Source: Microsoft's "Mail flow rules", "Mail flow rule actions"
and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import questions


class Does(StrEnum):
    """What an action does."""

    ENCRYPT = "encrypt"  #: Asks for protection, which Exchange applies after the last rule.
    DECRYPT = "decrypt"  #: Asks to remove protection by the organization's own keys.
    BRAND = "brand"  #: Chooses the OME configuration for protected mail, whatever protects it.
    DELETE = "delete"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    REDIRECT = "redirect"
    MODERATE = "moderate"  #: Holds the message; later rules run once it is approved.
    ADD = "add"  #: Adds recipients.
    CHANGE = "change"  #: Changes what later rules see.
    ROUTE = "route"  #: How the message leaves. TLS is not message encryption.
    REPORT = "report"  #: Tells somebody.
    STOP = "stop"  #: No later rule sees the copy.
    DETAIL = "detail"  #: Belongs to another action.


@dataclass(frozen=True, slots=True)
class Action:
    """An action.

    :param does: what it does.
    :param seen: what later rules see of it, as a predicate's ``looks_at``; empty if they see nothing.
    :param ends: whether no later rule is evaluated for the copy.
    :param content: whether it needs content that S/MIME hides.
    :param in_audit: the modes other than ``Enforce`` in which it is done.
    :param unknowns: the open questions that it can meet.
    :param fate_if: the option and its value with which it also decides what becomes of the copy; empty if there is
        none.
    """

    option: str
    does: Does
    seen: str = ""
    ends: bool = False
    content: bool = False
    in_audit: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    fate_if: tuple[str, str] = ("", "")


_ENCRYPTING = (
    questions.WHICH_TEMPLATE,
    questions.ENCRYPTED_AND_DECRYPTED,
    questions.PROTECTED_BY_NOW,
    questions.PDF,
    questions.FORWARDED,
    questions.SMIME_SIGNED,
    questions.LICENSING_OFF,
    questions.SYSTEM_MAIL,
    questions.TOO_LARGE,
)

#: With this, mail is rejected into which a disclaimer cannot be inserted.
REJECTS = ("apply_html_disclaimer_fallback_action", "Reject")

#: Every action, by the name of its option.
ACTIONS: tuple[Action, ...] = (
    Action("apply_rights_protection_template", Does.ENCRYPT, "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_ome", Does.ENCRYPT, "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_rights_protection_customization_template", Does.BRAND, unknowns=(questions.WHICH_TEMPLATE,)),
    Action(
        "remove_ome_v2",
        Does.DECRYPT,
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action(
        "remove_ome",
        Does.DECRYPT,
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action("remove_rms_attachment_encryption", Does.DETAIL, content=True),
    Action("delete_message", Does.DELETE, ends=True),
    Action("quarantine", Does.QUARANTINE, ends=True),
    Action("reject_message_reason_text", Does.REJECT, ends=True, unknowns=(questions.AFTER_REJECTION,)),
    Action("reject_message_enhanced_status_code", Does.REJECT, ends=True, unknowns=(questions.AFTER_REJECTION,)),
    Action("redirect_message_to", Does.REDIRECT, "recipients", ends=True, unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("moderate_message_by_user", Does.MODERATE),
    Action("moderate_message_by_manager", Does.MODERATE),
    Action("add_to_recipients", Does.ADD, "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("copy_to", Does.ADD, "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("blind_copy_to", Does.ADD, "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action(
        "add_manager_as_recipient_type",
        Does.ADD,
        "recipients",
        unknowns=(questions.ADDED_RECIPIENTS,),
        fate_if=("add_manager_as_recipient_type", "Redirect"),
    ),
    Action("prepend_subject", Does.CHANGE, "subject"),
    Action("set_header_name", Does.CHANGE, "header"),
    Action("set_header_value", Does.DETAIL),
    Action("remove_header", Does.CHANGE, "header"),
    Action("apply_classification", Does.CHANGE, "classification"),
    Action("set_scl", Does.CHANGE, "scl", unknowns=(questions.SPAM_LEVEL,)),
    Action("apply_html_disclaimer_text", Does.CHANGE, "body", fate_if=REJECTS),
    Action("apply_html_disclaimer_location", Does.DETAIL),
    Action("apply_html_disclaimer_fallback_action", Does.DETAIL, fate_if=REJECTS),
    Action("route_message_outbound_connector", Does.ROUTE),
    Action("route_message_outbound_require_tls", Does.ROUTE),
    Action("generate_incident_report", Does.REPORT, in_audit=("Audit", "AuditAndNotify")),
    Action("incident_report_content", Does.DETAIL),
    Action("generate_notification", Does.REPORT, in_audit=("AuditAndNotify",)),
    Action("set_audit_severity", Does.DETAIL),
    Action("stop_rule_processing", Does.STOP, ends=True, unknowns=(questions.AUDIT_STOPS,)),
)

#: Options with a list of people.
_PEOPLE = frozenset(
    {"redirect_message_to", "moderate_message_by_user", "add_to_recipients", "copy_to", "blind_copy_to"}
)

#: Option to its action.
BY_OPTION: dict[str, Action] = {row.option: row for row in ACTIONS}


def set_actions(section: Mapping[str, Any]) -> dict[str, Any]:
    """The actions of a rule that do something, so no switch that is off and no empty text or list. One person becomes a
    list of one.
    """
    found = {
        option: value
        for option, value in section.items()
        if value is not None and value is not False and value not in ("", [], ())
    }
    return {
        option: [value] if option in _PEOPLE and isinstance(value, str) else value for option, value in found.items()
    }


_OPTIONS = {"encrypt": "encrypt", "do not forward": "do_not_forward"}


def option_name(template: str) -> str:
    """The name of a rights management template in a result."""
    return _OPTIONS.get(template.casefold(), f"template:{template}")
