# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for what a DLP rule looks at, where that is not computed: ``sensitive information or labels``."""

from __future__ import annotations

from collections.abc import Mapping

#: A condition of a DLP rule, by the mail flow rule's name where it is one, to what mail has that meets it. One about a
#: header is that about the header's name.
CONDITION_WORDS: Mapping[str, str] = {
    # Of the sender.
    "from": "a certain sender",
    "from_address_contains_words": "words in the sender's address",
    "from_address_matches_patterns": "patterns in the sender's address",
    "from_member_of": "a sender in a group",
    "from_scope": "a sender inside or outside",
    "sender_domain_is": "a domain of the sender",
    "sender_ip_ranges": "an IP address of the sender",
    "sender_ad_attribute_contains_words": "words in an attribute of the sender",
    "sender_ad_attribute_matches_patterns": "patterns in an attribute of the sender",
    # Of recipients.
    "sent_to": "a certain recipient",
    "sent_to_member_of": "a recipient in a group",
    "recipient_domain_is": "a domain of the recipient",
    "any_of_recipient_address_contains_words": "words in the address of any recipient",
    "any_of_recipient_address_matches_patterns": "patterns in the address of any recipient",
    "recipient_ad_attribute_contains_words": "words in an attribute of the recipient",
    "recipient_ad_attribute_matches_patterns": "patterns in an attribute of the recipient",
    "sent_to_scope": "a recipient inside or outside",
    "non_bifurcating_access_scope": "any recipient inside or outside",
    # Of texts.
    "subject_contains_words": "words in the subject",
    "subject_matches_patterns": "patterns in the subject",
    "subject_or_body_contains_words": "words in the subject or the text",
    "subject_or_body_matches_patterns": "patterns in the subject or the text",
    "header_contains_message_header": "words in a header",
    "header_matches_message_header": "patterns in a header",
    "content_character_set_contains_words": "a character set",
    # Of content and labels.
    "content_contains_sensitive_information": "sensitive information or labels",
    "content_property_contains_words": "words in the properties of a document",
    "content_is_not_labeled": "content without a label",
    "message_is_not_labeled": "a message without a label",
    "attachment_is_not_labeled": "an attachment without a label",
    # Of attachments.
    "document_is_password_protected": "an attachment with a password",
    "document_is_unsupported": "an attachment that cannot be inspected",
    "processing_limit_exceeded": "an attachment that was not inspected completely",
    "document_name_matches_words": "words in the name of an attachment",
    "document_name_matches_patterns": "patterns in the name of an attachment",
    "document_contains_words": "words in an attachment",
    "document_matches_patterns": "patterns in an attachment",
    "content_extension_matches_words": "the extension of an attachment",
    "content_file_type_matches": "the file type of an attachment",
    "unscannable_document_extension_is": "the extension of an attachment that cannot be inspected",
    "document_size_over": "the size of an attachment",
    # Of the message.
    "message_type_matches": "a type of message",
    "message_size_over": "the size of the message",
    "with_importance": "an importance",
    "has_sender_override": "an override by the sender",
    "shared_by_irm_user_risk": "an insider risk of the sender",
    # Not documented, or documented for other places than mail.
    "attachment_count_over": "a number of attachments",
    "header_contains_tokens": "texts in a header",
    "url_contains_text": "texts in links",
    "sender_type": "a kind of sender",
    "content_missing_sensitivity_label": "content without a sensitivity label",
    "message_label_change_detected": "a changed label",
    "has_label_downgraded_from": "a lowered label",
    "device_management_type": "a kind of device",
    "accessed_by": "people who open it",
    "accessed_by_member_of": "groups of people who open it",
    "has_activity": "an activity",
    "document_created_by": "the author of a document",
    "document_created_by_member_of": "a group of the author of a document",
    "shared_with_domain": "a domain that it is shared with",
    "content_is_shared": "content that is shared",
    "shared_by_irm_agent_risk": "an insider risk of an agent",
    "teams_shared_with_participant_category": "people that it is shared with in Teams",
}

#: What is open of a rule beside its conditions: the adaptive scopes of its policy, and its dates.
_BESIDE: Mapping[str, str] = {
    "adaptive": "a sender in an adaptive scope",
    "adaptive_except": "a sender outside of an adaptive scope",
    "activation_date": "a date on which it begins",
    "expiry_date": "a date on which it ends",
}


def condition_words(name: str) -> str:
    """What a DLP rule looks at, in words. One that is newer than the table is named."""
    return CONDITION_WORDS.get(name) or _BESIDE.get(name) or f"what {name!r} says"
