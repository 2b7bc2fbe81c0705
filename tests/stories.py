# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that use every module: reading, values of each kind, an image, clearing, rules and their order, and
refusals."""

from __future__ import annotations

from typing import Any

RULE = {
    "name": "Encrypt all outgoing mail",
    "rule_error_action": "Defer",
    "conditions": {
        "from_scope": "InOrganization",
        "sent_to_scope": "NotInOrganization",
        "message_size_over": "10MB",
        "scl_over": 5,
    },
    "exceptions": {"recipient_domain_is": ["fabrikam.com"], "subject_matches_patterns": ["^\\[Public\\]"]},
    "actions": {
        "apply_rights_protection_template": "Encrypt",
        "apply_rights_protection_customization_template": "One week",
    },
}
#: A rule that names what the organization has, what it lacks, and what is not its own.
NAMING = {
    "name": "Names much",
    "conditions": {
        "from": ["meganb@contoso.onmicrosoft.com", "gone@contoso.onmicrosoft.com"],
        "from_member_of": ["legal@contoso.onmicrosoft.com"],
    },
    "exceptions": {"sent_to": ["ann@fabrikam.com"], "has_classification": "Secret"},
    "actions": {
        "apply_rights_protection_template": "Encrypt",
        "apply_rights_protection_customization_template": "One week",
        "route_message_outbound_connector": "To the scanner",
        "copy_to": ["executives@contoso.onmicrosoft.com"],
    },
}
#: Short names of modules, with their options.
TASKS: list[dict[str, Any]] = [
    {"exchange_connection_info": {}},
    {"message_encryption_info": {}},
    {
        "ome_configuration": {
            "social_id_sign_in": False,
            "portal_text": "It's \u201eours\u201c\nNow",
            "background_color": "#102030",
            "image_content": "iVBORw0KGgo=",
        }
    },
    {
        "ome_configuration": {
            "identity": "One week",
            "external_mail_expiry_in_days": 7,
            "otp_enabled": False,
            "social_id_sign_in": False,
        }
    },
    {
        "irm_configuration": {
            "simplified_client_access_enabled": True,
            "licensing_location": ["https://contoso.rms.aadrm.com/_wmcs/licensing"],
        }
    },
    {
        "irm_configuration": {
            "licensing_location": [],
            "internal_licensing_enabled": True,
            "transport_decryption_setting": "Mandatory",
        }
    },
    {
        "activesync_org_settings": {
            "admin_mail_recipients": ["admin@contoso.com"],
            "default_access_level": "Quarantine",
            "user_mail_insert": "x",
        }
    },
    {"activesync_org_settings": {"admin_mail_recipients": []}},
    {"owa_mailbox_policy": {"identity": "*", "irm_enabled": False, "verify_timeout": 3}},
    {"mobile_device_mailbox_policy": {"identity": "Default", "irm_enabled": False}},
    {"ome_transport_rule": RULE},
    {
        "ome_transport_rules": {
            "rules": [
                {"name": "First", "actions": {"prepend_subject": "[x] "}},
                {"name": RULE["name"], "enabled": False},
            ]
        }
    },
    {"ome_transport_rule_order": {"rules": [RULE["name"], "First"]}},
    {"message_encryption_info": {}},
    {"mail_flow_test": {"rules": [NAMING], "references": True}},
    {"irm_test": {"sender": "meganb@contoso.com", "recipients": ["alexw@contoso.com"], "fail_on_error": False}},
    {"ome_message_info": {"message_id": "<nobody@contoso.com>"}},
    {"ome_message_revocation": {"message_id": "<nobody@contoso.com>"}},
    {
        "message_encryption_state": {
            "irm_configuration": {"transport_decryption_setting": "Optional"},
            "transport_rules": [],
            "unmanaged": "remove",
        }
    },
    {"ome_configuration": {"identity": "One week", "state": "absent"}},
    {"ome_transport_rule": {"name": "x", "actions": {"apply_rights_protection_template": "No such template"}}},
]
