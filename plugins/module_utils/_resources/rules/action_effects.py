# SPDX-License-Identifier: GPL-3.0-or-later
"""What each action of a mail flow rule does. Modules, role, simulator and prover all take it from here.

A branding alone encrypts nothing: it only chooses how mail looks that something else protects. Sources: Microsoft's
"Mail flow rule actions" and New-TransportRule pages, and its article about message encryption, whose rules with a
branding always name a template of rights, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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


#: Every action, by the name of its option.
DOES: Mapping[str, Does] = {
    "apply_rights_protection_template": Does.ENCRYPT,
    "apply_ome": Does.ENCRYPT,
    "apply_rights_protection_customization_template": Does.BRAND,
    "remove_ome_v2": Does.DECRYPT,
    "remove_ome": Does.DECRYPT,
    "remove_rms_attachment_encryption": Does.DETAIL,
    "delete_message": Does.DELETE,
    "quarantine": Does.QUARANTINE,
    "reject_message_reason_text": Does.REJECT,
    "reject_message_enhanced_status_code": Does.REJECT,
    "redirect_message_to": Does.REDIRECT,
    "moderate_message_by_user": Does.MODERATE,
    "moderate_message_by_manager": Does.MODERATE,
    "add_to_recipients": Does.ADD,
    "copy_to": Does.ADD,
    "blind_copy_to": Does.ADD,
    "add_manager_as_recipient_type": Does.ADD,
    "prepend_subject": Does.CHANGE,
    "set_header_name": Does.CHANGE,
    "set_header_value": Does.DETAIL,
    "remove_header": Does.CHANGE,
    "apply_classification": Does.CHANGE,
    "set_scl": Does.CHANGE,
    "apply_html_disclaimer_text": Does.CHANGE,
    "apply_html_disclaimer_location": Does.DETAIL,
    "apply_html_disclaimer_fallback_action": Does.DETAIL,
    "route_message_outbound_connector": Does.ROUTE,
    "route_message_outbound_require_tls": Does.ROUTE,
    "generate_incident_report": Does.REPORT,
    "incident_report_content": Does.DETAIL,
    "generate_notification": Does.REPORT,
    "set_audit_severity": Does.DETAIL,
    "stop_rule_processing": Does.STOP,
}


def _that(*what: Does) -> tuple[str, ...]:
    """The options of the actions that do one of these."""
    return tuple(option for option, does in DOES.items() if does in what)


#: Actions that protect a message.
ENCRYPTING = _that(Does.ENCRYPT)

#: Actions that choose how protected mail looks.
BRANDING = _that(Does.BRAND)

#: Actions that remove protection, that of attachments included.
DECRYPTING = (*_that(Does.DECRYPT), "remove_rms_attachment_encryption")

#: Actions that ask somebody for an approval.
MODERATING = _that(Does.MODERATE)

#: Actions after which recipients do not receive a message as it was sent to them.
REJECTING = _that(Does.DELETE, Does.QUARANTINE, Does.REDIRECT, Does.REJECT)

#: Actions after which no later rule processes a copy.
ENDING = _that(Does.DELETE, Does.QUARANTINE, Does.REDIRECT, Does.REJECT, Does.STOP)
