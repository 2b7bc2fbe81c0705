# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action of a mail flow rule: what it does to protection, to delivery, and to what later rules see.

The actions of one rule have no order among themselves. Source: Microsoft's "Mail flow rules", "Mail flow rule actions"
and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.action_effects import DOES, ENDING, Does
from . import questions


@dataclass(frozen=True, slots=True)
class Action:
    """An action. ``simulator/effects.py`` does it to a message, and ``symbolic/compile_rules.py`` and
    ``compile_text_edits.py`` to all messages.

    :param seen: what later rules see of it, as a predicate's ``looks_at``; empty if they see nothing. A test holds it
        against both programs.
    :param content: whether it needs content that S/MIME hides.
    :param in_audit: the modes other than ``Enforce`` in which it is done.
    :param unknowns: the open questions that it can meet.
    :param fate_if: the option and its value with which it also decides what becomes of the copy; empty if there is
        none.
    """

    option: str
    seen: str = ""
    content: bool = False
    in_audit: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    fate_if: tuple[str, str] = ("", "")

    @property
    def does(self) -> Does:
        """What it does."""
        return DOES[self.option]

    @property
    def ends(self) -> bool:
        """Whether no later rule is evaluated for the copy."""
        return self.option in ENDING


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
    questions.MANY_RECIPIENTS,
)

#: With this, mail is rejected into which a disclaimer cannot be inserted.
REJECTS = ("apply_html_disclaimer_fallback_action", "Reject")

#: Every action, by the name of its option.
ACTIONS: tuple[Action, ...] = (
    Action("apply_rights_protection_template", "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_ome", "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_rights_protection_customization_template", unknowns=(questions.WHICH_TEMPLATE,)),
    Action(
        "remove_ome_v2",
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action(
        "remove_ome",
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action("remove_rms_attachment_encryption", content=True),
    Action("delete_message"),
    Action("quarantine"),
    Action("reject_message_reason_text", unknowns=(questions.AFTER_REJECTION,)),
    Action("reject_message_enhanced_status_code", unknowns=(questions.AFTER_REJECTION,)),
    Action("redirect_message_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("moderate_message_by_user"),
    Action("moderate_message_by_manager"),
    Action("add_to_recipients", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("copy_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("blind_copy_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action(
        "add_manager_as_recipient_type",
        "recipients",
        unknowns=(questions.ADDED_RECIPIENTS,),
        fate_if=("add_manager_as_recipient_type", "Redirect"),
    ),
    Action("prepend_subject", "subject"),
    Action("set_header_name", "header"),
    Action("set_header_value"),
    Action("remove_header", "header"),
    Action("apply_classification", "classification"),
    Action("set_scl", "scl", unknowns=(questions.SPAM_LEVEL,)),
    Action("apply_html_disclaimer_text", "body", fate_if=REJECTS),
    Action("apply_html_disclaimer_location"),
    Action("apply_html_disclaimer_fallback_action", fate_if=REJECTS),
    Action("route_message_outbound_connector"),
    Action("route_message_outbound_require_tls"),
    Action("generate_incident_report", in_audit=("Audit", "AuditAndNotify")),
    Action("incident_report_content"),
    Action("generate_notification", in_audit=("AuditAndNotify",)),
    Action("set_audit_severity"),
    Action("stop_rule_processing", unknowns=(questions.AUDIT_STOPS,)),
)

#: Options with a list of people.
PEOPLE = frozenset({"redirect_message_to", "moderate_message_by_user", "add_to_recipients", "copy_to", "blind_copy_to"})

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
        option: [value] if option in PEOPLE and isinstance(value, str) else value for option, value in found.items()
    }


_OPTIONS = {"encrypt": "encrypt", "do not forward": "do_not_forward"}


def option_name(template: str) -> str:
    """The name of a rights management template in a result."""
    return _OPTIONS.get(template.casefold(), f"template:{template}")
