# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a mail flow rule by topic, for the documentation: a hundred and fifty in the order of the alphabet
help nobody.

Which are used most is the project's opinion, from rules that real organizations had and
Microsoft's own examples.
"""

from __future__ import annotations

from collections.abc import Mapping

# fmt: off
#: Section to its options that most rules use, as far as they have any; an exception is the same as its condition.
MOST_USED: Mapping[str, tuple[str, ...]] = {
    "conditions": (
        "from_scope", "sent_to_scope", "from", "from_member_of", "sender_domain_is", "sent_to", "sent_to_member_of",
        "recipient_domain_is", "subject_or_body_contains_words", "header_contains_words",
    ),
    "actions": ("apply_rights_protection_template", "apply_rights_protection_customization_template", "remove_ome_v2"),
}

#: Section to its topics, each with its options.
TOPICS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "conditions": {
        "Sender": (
            "from_scope", "from", "from_member_of", "sender_domain_is", "from_address_contains_words",
            "from_address_matches_patterns", "sender_ad_attribute_contains_words",
            "sender_ad_attribute_matches_patterns", "sender_ip_ranges", "sender_in_recipient_list",
        ),
        "Recipient": (
            "sent_to_scope", "sent_to", "sent_to_member_of", "recipient_domain_is", "recipient_address_contains_words",
            "recipient_address_matches_patterns", "recipient_ad_attribute_contains_words",
            "recipient_ad_attribute_matches_patterns", "any_of_recipient_address_contains_words",
            "any_of_recipient_address_matches_patterns", "any_of_to_header", "any_of_to_header_member_of",
            "any_of_cc_header", "any_of_cc_header_member_of", "any_of_to_cc_header", "any_of_to_cc_header_member_of",
            "recipient_in_sender_list",
        ),
        "Sender and recipient": (
            "between_member_of_1", "between_member_of_2", "sender_management_relationship",
            "manager_for_evaluated_user", "manager_addresses", "ad_comparison_attribute", "ad_comparison_operator",
        ),
        "Content": (
            "subject_or_body_contains_words", "subject_or_body_matches_patterns", "subject_contains_words",
            "subject_matches_patterns", "attachment_contains_words", "attachment_matches_patterns",
            "attachment_name_matches_patterns", "attachment_extension_matches_words",
            "attachment_property_contains_words", "attachment_size_over", "attachment_is_password_protected",
            "attachment_is_unsupported", "attachment_has_executable_content", "attachment_processing_limit_exceeded",
            "content_character_set_contains_words",
        ),
        "Message": (
            "header_contains_message_header", "header_contains_words", "header_matches_message_header",
            "header_matches_patterns", "message_type_matches", "message_size_over", "with_importance",
            "has_classification", "has_no_classification", "scl_over",
        ),
    },
    "actions": {
        "Encrypts": ("apply_rights_protection_template", "apply_ome"),
        "Brands": ("apply_rights_protection_customization_template",),
        "Decrypts": ("remove_ome_v2", "remove_rms_attachment_encryption", "remove_ome"),
        "Delivers in another way": (
            "reject_message_reason_text", "reject_message_enhanced_status_code", "delete_message", "quarantine",
            "redirect_message_to", "moderate_message_by_user", "moderate_message_by_manager",
            "route_message_outbound_connector", "route_message_outbound_require_tls",
        ),
        "Adds recipients": ("add_to_recipients", "copy_to", "blind_copy_to", "add_manager_as_recipient_type"),
        "Changes the message": (
            "apply_html_disclaimer_text", "apply_html_disclaimer_location", "apply_html_disclaimer_fallback_action",
            "prepend_subject", "set_header_name", "set_header_value", "remove_header", "apply_classification",
            "set_scl",
        ),
        "Reports": (
            "generate_incident_report", "incident_report_content", "generate_notification", "set_audit_severity",
        ),
        "Ends": ("stop_rule_processing",),
    },
}
