# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a mail flow rule (New- and Set-TransportRule).

Argument spec, documentation, reading, comparing and sending all follow from them. An exception is the counterpart of a
condition, and its parameter begins with ``ExceptIf``. The names, types and limits are from Microsoft's cmdlet
reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.kinds import Boolean, Choice, Flag, Instant, Integer, Name, RecipientAddress, Size, StatusCode, Text
from ..._exchange.list_kinds import Listing, Patterns, Recipients, Words
from ..table import Field, argument_spec

#: The types of messages that a rule can ask for.
MESSAGE_TYPES = (
    *("OOF", "AutoForward", "Encrypted", "Calendaring", "PermissionControlled"),
    *("Voicemail", "Signed", "ApprovalRequest", "ReadReceipt"),
)

#: What the importance of a message can be.
IMPORTANCES = ("Low", "Normal", "High")

#: The directory attributes that rules can examine.
ATTRIBUTES = (
    *(
        "City",
        "Company",
        "Country",
        *(f"CustomAttribute{number}" for number in range(1, 16)),
        "Department",
        "DisplayName",
        "Email",
        "FaxNumber",
    ),
    *(
        "FirstName",
        "HomePhoneNumber",
        "Initials",
        "LastName",
        "Manager",
        "MobileNumber",
        "Notes",
        "Office",
        "OtherFaxNumber",
        "OtherHomePhoneNumber",
    ),
    *(
        "OtherPhoneNumber",
        "PagerNumber",
        "PhoneNumber",
        "POBox",
        "State",
        "Street",
        "Title",
        "UserLogonName",
        "ZipCode",
    ),
)


@dataclass(frozen=True)
class FieldGroup:
    """Fields that Exchange treats as a unit: if one changes, all are sent, and all are cleared together.

    :param options: the options of the fields.
    :param fills: option to the value that Exchange fills in if it is omitted.
    :param needs: options without which the others have no meaning; empty if any one of them is sufficient.
    """

    options: tuple[str, ...]
    fills: dict[str, Any]
    needs: tuple[str, ...] = ()


def _flag(option: str, parameter: str, doc: str, **more: Any) -> Field:
    return Field(option, Flag(), parameter, doc=doc, **more)


_CONDITIONS = (
    Field(
        "ad_comparison_attribute",
        Choice(*ATTRIBUTES),
        "AdComparisonAttribute",
        "ADComparisonAttribute",
        doc="An attribute of the sender, compared with the same attribute of all recipients.",
    ),
    Field(
        "ad_comparison_operator",
        Choice("Equal", "NotEqual"),
        "AdComparisonOperator",
        "ADComparisonOperator",
        doc="How O(REPLACE.ad_comparison_attribute) is compared; Exchange fills in V(Equal).",
    ),
    Field("any_of_cc_header", Recipients(), "AnyOfCcHeader", doc="Somebody in the Cc field, by primary SMTP address."),
    Field(
        "any_of_cc_header_member_of",
        Recipients(),
        "AnyOfCcHeaderMemberOf",
        doc="A member of these groups in the Cc field, by the groups' SMTP addresses.",
    ),
    Field(
        "any_of_recipient_address_contains_words",
        Words(),
        "AnyOfRecipientAddressContainsWords",
        doc="Words in the address of any recipient.",
    ),
    Field(
        "any_of_recipient_address_matches_patterns",
        Patterns(),
        "AnyOfRecipientAddressMatchesPatterns",
        doc="Regular expressions for the address of any recipient.",
    ),
    Field(
        "any_of_to_cc_header",
        Recipients(),
        "AnyOfToCcHeader",
        doc="Somebody in the To or Cc field, by primary SMTP address.",
    ),
    Field(
        "any_of_to_cc_header_member_of",
        Recipients(),
        "AnyOfToCcHeaderMemberOf",
        doc="A member of these groups in the To or Cc field, by the groups' SMTP addresses.",
    ),
    Field("any_of_to_header", Recipients(), "AnyOfToHeader", doc="Somebody in the To field, by primary SMTP address."),
    Field(
        "any_of_to_header_member_of",
        Recipients(),
        "AnyOfToHeaderMemberOf",
        doc="A member of these groups in the To field, by the groups' SMTP addresses.",
    ),
    Field(
        "attachment_contains_words",
        Words(),
        "AttachmentContainsWords",
        doc="Words in an attachment of a supported type.",
    ),
    Field(
        "attachment_extension_matches_words",
        Words(),
        "AttachmentExtensionMatchesWords",
        doc="File extensions of attachments, without the dot. Files inside archives and other files count, too.",
    ),
    _flag("attachment_has_executable_content", "AttachmentHasExecutableContent", "An attachment is executable."),
    _flag(
        "attachment_is_password_protected",
        "AttachmentIsPasswordProtected",
        "An attachment is protected by a password.",
        not_secret=True,
    ),
    _flag(
        "attachment_is_unsupported", "AttachmentIsUnsupported", "An attachment has a type that Exchange cannot inspect."
    ),
    Field(
        "attachment_matches_patterns",
        Patterns(),
        "AttachmentMatchesPatterns",
        doc="Regular expressions for an attachment's text, of which Exchange reads the first 150 KB.",
    ),
    Field(
        "attachment_name_matches_patterns",
        Patterns(),
        "AttachmentNameMatchesPatterns",
        doc="Regular expressions for an attachment's name.",
    ),
    _flag(
        "attachment_processing_limit_exceeded",
        "AttachmentProcessingLimitExceeded",
        "The rule engine could not finish inspecting the attachments.",
    ),
    Field(
        "attachment_property_contains_words",
        Words(),
        "AttachmentPropertyContainsWords",
        doc="Document properties of an attachment, each as C(property:word,word).",
    ),
    Field(
        "attachment_size_over",
        Size(),
        "AttachmentSizeOver",
        doc="An attachment is larger than this size, such as C(10MB). A number without a unit is in bytes.",
    ),
    Field(
        "between_member_of_1",
        Recipients(),
        "BetweenMemberOf1",
        doc="Mail between members of these groups and those of O(REPLACE.between_member_of_2).",
    ),
    Field(
        "between_member_of_2", Recipients(), "BetweenMemberOf2", doc="The other side of O(REPLACE.between_member_of_1)."
    ),
    Field(
        "content_character_set_contains_words",
        Words(),
        "ContentCharacterSetContainsWords",
        doc="Names of character sets.",
    ),
    Field("from", Recipients(), "From", doc="Senders, by SMTP address."),
    Field("from_address_contains_words", Words(), "FromAddressContainsWords", doc="Words in the sender's address."),
    Field(
        "from_address_matches_patterns",
        Patterns(),
        "FromAddressMatchesPatterns",
        doc="Regular expressions for the sender's address.",
    ),
    Field(
        "from_member_of",
        Recipients(),
        "FromMemberOf",
        doc="The sender is a member of these groups, by the groups' SMTP addresses.",
    ),
    Field("from_scope", Choice("InOrganization", "NotInOrganization"), "FromScope", doc="Where the sender is."),
    Field("has_classification", Text(), "HasClassification", doc="A message classification that the message has."),
    Field(
        "has_no_classification",
        Boolean(),
        "HasNoClassification",
        listed=("Conditions", "HasNoClassificationPredicate"),
        doc="V(true): the message has no classification. V(false): it has one or more. Omit it for neither.",
    ),
    Field(
        "header_contains_message_header",
        Name(),
        "HeaderContainsMessageHeader",
        doc="The header that O(REPLACE.header_contains_words) examines.",
    ),
    Field(
        "header_contains_words",
        Words(),
        "HeaderContainsWords",
        doc="Words in the header O(REPLACE.header_contains_message_header).",
    ),
    Field(
        "header_matches_message_header",
        Name(),
        "HeaderMatchesMessageHeader",
        doc="The header that O(REPLACE.header_matches_patterns) examines.",
    ),
    Field(
        "header_matches_patterns",
        Patterns(),
        "HeaderMatchesPatterns",
        doc="Regular expressions for the header O(REPLACE.header_matches_message_header).",
    ),
    Field(
        "manager_addresses",
        Recipients(),
        "ManagerAddresses",
        doc="Managers, by SMTP address. Use it with O(REPLACE.manager_for_evaluated_user).",
    ),
    Field(
        "manager_for_evaluated_user",
        Choice("Recipient", "Sender"),
        "ManagerForEvaluatedUser",
        doc="Whose manager O(REPLACE.manager_addresses) names.",
    ),
    Field(
        "message_size_over",
        Size(),
        "MessageSizeOver",
        doc="The message is larger than this size, such as C(25MB). A number without a unit is in bytes.",
    ),
    Field(
        "message_type_matches",
        Choice(*MESSAGE_TYPES),
        "MessageTypeMatches",
        doc="The kind of message. V(PermissionControlled) is mail that message encryption or rights management protects, V(Encrypted) is S/MIME.",
    ),
    Field(
        "recipient_ad_attribute_contains_words",
        Words(attributes=ATTRIBUTES),
        "RecipientADAttributeContainsWords",
        doc="Words in attributes of a recipient, each as C(attribute:word,word).",
    ),
    Field(
        "recipient_ad_attribute_matches_patterns",
        Patterns(attributes=ATTRIBUTES),
        "RecipientADAttributeMatchesPatterns",
        doc="Regular expressions for attributes of a recipient, each as C(attribute:pattern,pattern).",
    ),
    Field(
        "recipient_address_contains_words",
        Words(),
        "RecipientAddressContainsWords",
        doc="Words in a recipient's address.",
    ),
    Field(
        "recipient_address_matches_patterns",
        Patterns(),
        "RecipientAddressMatchesPatterns",
        doc="Regular expressions for a recipient's address.",
    ),
    Field(
        "recipient_domain_is", Words(), "RecipientDomainIs", doc="Domains of recipients; their subdomains count, too."
    ),
    Field("recipient_in_sender_list", Words(), "RecipientInSenderList", cloud_only=True, doc="Reserved by Microsoft."),
    Field("scl_over", Integer(-1, 9), "SCLOver", doc="The spam confidence level is this or higher, V(-1) to V(9)."),
    Field(
        "sender_ad_attribute_contains_words",
        Words(attributes=ATTRIBUTES),
        "SenderADAttributeContainsWords",
        doc="Words in attributes of the sender, each as C(attribute:word,word).",
    ),
    Field(
        "sender_ad_attribute_matches_patterns",
        Patterns(attributes=ATTRIBUTES),
        "SenderADAttributeMatchesPatterns",
        doc="Regular expressions for attributes of the sender, each as C(attribute:pattern,pattern).",
    ),
    Field("sender_domain_is", Words(), "SenderDomainIs", doc="Domains of the sender; their subdomains count, too."),
    Field("sender_in_recipient_list", Words(), "SenderInRecipientList", cloud_only=True, doc="Reserved by Microsoft."),
    Field(
        "sender_ip_ranges",
        Words(),
        "SenderIpRanges",
        doc="IP addresses, ranges or networks of the host that delivered the message.",
    ),
    Field(
        "sender_management_relationship",
        Choice("Manager", "DirectReport"),
        "SenderManagementRelationship",
        doc="The sender's relationship to a recipient.",
    ),
    Field("sent_to", Recipients(), "SentTo", doc="Recipients, by SMTP address."),
    Field(
        "sent_to_member_of",
        Recipients(),
        "SentToMemberOf",
        doc="A recipient is a member of these groups, by the groups' SMTP addresses.",
    ),
    Field(
        "sent_to_scope",
        Choice("InOrganization", "NotInOrganization", "ExternalPartner", "ExternalNonPartner"),
        "SentToScope",
        onprem_values=frozenset({"ExternalPartner", "ExternalNonPartner"}),
        doc="Where a recipient is. V(ExternalPartner) and V(ExternalNonPartner) exist on-premises only.",
    ),
    Field(
        "subject_contains_words",
        Words(maximum=128),
        "SubjectContainsWords",
        doc="Words in the subject, of at most 128 characters each.",
    ),
    Field("subject_matches_patterns", Patterns(), "SubjectMatchesPatterns", doc="Regular expressions for the subject."),
    Field(
        "subject_or_body_contains_words",
        Words(maximum=128),
        "SubjectOrBodyContainsWords",
        doc="Words in the subject or body, of at most 128 characters each.",
    ),
    Field(
        "subject_or_body_matches_patterns",
        Patterns(),
        "SubjectOrBodyMatchesPatterns",
        doc="Regular expressions for the subject or body.",
    ),
    Field("with_importance", Choice(*IMPORTANCES), "WithImportance", doc="The importance that the sender set."),
)

_ACTIONS = (
    Field(
        "add_manager_as_recipient_type",
        Choice("To", "Cc", "Bcc", "Redirect"),
        "AddManagerAsRecipientType",
        doc="How the sender's manager is added to the recipients.",
    ),
    Field(
        "add_to_recipients", Recipients(), "AddToRecipients", doc="Adds recipients to the To field, by SMTP address."
    ),
    Field("apply_classification", Text(), "ApplyClassification", doc="Applies this classification to the message."),
    Field(
        "apply_html_disclaimer_fallback_action",
        Choice("Wrap", "Ignore", "Reject"),
        "ApplyHtmlDisclaimerFallbackAction",
        doc="What happens if the disclaimer cannot be inserted, for example into encrypted mail. Exchange fills in V(Wrap).",
    ),
    Field(
        "apply_html_disclaimer_location",
        Choice("Append", "Prepend"),
        "ApplyHtmlDisclaimerLocation",
        doc="Where the disclaimer is inserted. Exchange fills in V(Append).",
    ),
    Field(
        "apply_html_disclaimer_text",
        Text(5000),
        "ApplyHtmlDisclaimerText",
        doc="Inserts a disclaimer of at most 5000 characters of HTML.",
    ),
    _flag(
        "apply_ome",
        "ApplyOME",
        "The retired action to encrypt. It can only be removed from a rule: V(true) is refused.",
        cloud_only=True,
        refuse="since June 2023 Exchange Online allows it only to be read and removed (MC455516). Use apply_rights_protection_template: Encrypt.",
    ),
    Field(
        "apply_rights_protection_customization_template",
        Name(),
        "ApplyRightsProtectionCustomizationTemplate",
        cloud_only=True,
        doc="The OME configuration that sets branding and expiry of protected mail, which people outside then read only in the portal."
        " C(OME Configuration), which every organization has, does so, too; a custom one requires Advanced Message Encryption.",
    ),
    Field(
        "apply_rights_protection_template",
        Name(),
        "ApplyRightsProtectionTemplate",
        doc="Protects the message with this RMS template: V(Encrypt), V(Do Not Forward), or one of the organization's own, by name or GUID.",
    ),
    Field("blind_copy_to", Recipients(), "BlindCopyTo", doc="Adds recipients to the Bcc field, by SMTP address."),
    Field("copy_to", Recipients(), "CopyTo", doc="Adds recipients to the Cc field, by SMTP address."),
    _flag("delete_message", "DeleteMessage", "Deletes the message without notifying anybody."),
    Field(
        "generate_incident_report",
        RecipientAddress(),
        "GenerateIncidentReport",
        doc="Sends a report of the message to this SMTP address. Requires O(REPLACE.incident_report_content).",
    ),
    Field(
        "generate_notification",
        Text(5120),
        "GenerateNotification",
        doc="Sends recipients this notification, at most 5120 characters of HTML.",
    ),
    Field(
        "incident_report_content",
        Listing(
            choices=(
                "Sender",
                "Recipients",
                "Subject",
                "CC",
                "BCC",
                "Severity",
                "RuleDetections",
                "FalsePositive",
                "IdMatch",
                "AttachOriginalMail",
            )
        ),
        "IncidentReportContent",
        doc="What O(REPLACE.generate_incident_report) contains.",
    ),
    _flag("moderate_message_by_manager", "ModerateMessageByManager", "The sender's manager must approve the message."),
    Field(
        "moderate_message_by_user",
        Recipients(),
        "ModerateMessageByUser",
        doc="One of these people, by SMTP address, must approve the message. Exchange does not accept groups.",
    ),
    Field(
        "prepend_subject",
        Text(),
        "PrependSubject",
        doc="Prepends this text to the subject. A trailing space is significant.",
    ),
    _flag("quarantine", "Quarantine", "Puts the message into quarantine."),
    Field(
        "redirect_message_to",
        Recipients(),
        "RedirectMessageTo",
        doc="Sends the message to these people instead, by SMTP address.",
    ),
    Field(
        "reject_message_enhanced_status_code",
        StatusCode(),
        "RejectMessageEnhancedStatusCode",
        doc="Rejects the message with this code, C(5.7.1) or C(5.7.900) to C(5.7.999); Exchange fills in C(5.7.1).",
    ),
    Field(
        "reject_message_reason_text",
        Text(1024),
        "RejectMessageReasonText",
        doc="Rejects the message with this text, at most 1024 characters; Exchange fills in C(Delivery not authorized, message refused).",
    ),
    Field("remove_header", Name(), "RemoveHeader", doc="Removes this header."),
    _flag(
        "remove_ome",
        "RemoveOME",
        "The retired action to decrypt. It can only be removed from a rule: V(true) is refused.",
        cloud_only=True,
        refuse="since June 2023 Exchange Online allows it only to be read and removed (MC455516). Use remove_ome_v2: true.",
    ),
    _flag(
        "remove_ome_v2",
        "RemoveOMEv2",
        "Removes the protection from messages that message encryption protects.",
        cloud_only=True,
    ),
    _flag(
        "remove_rms_attachment_encryption",
        "RemoveRMSAttachmentEncryption",
        "Removes the protection that attachments had before they were sent. Requires O(REPLACE.remove_ome_v2).",
        cloud_only=True,
    ),
    Field(
        "route_message_outbound_connector",
        Name(),
        "RouteMessageOutboundConnector",
        cloud_only=True,
        doc="Sends the message through this outbound connector.",
    ),
    _flag(
        "route_message_outbound_require_tls",
        "RouteMessageOutboundRequireTls",
        "Sends the message over TLS or not at all.",
    ),
    Field(
        "set_audit_severity",
        Choice("DoNotAudit", "Low", "Medium", "High"),
        "SetAuditSeverity",
        doc="The severity in reports. If it is omitted, a severity that the portal set stays.",
    ),
    Field("set_header_name", Name(), "SetHeaderName", doc="Sets this header to O(REPLACE.set_header_value)."),
    Field("set_header_value", Text(), "SetHeaderValue", doc="The value for O(REPLACE.set_header_name)."),
    Field("set_scl", Integer(-1, 9), "SetSCL", doc="Sets the spam confidence level, V(-1) to V(9)."),
    _flag("stop_rule_processing", "StopRuleProcessing", "No later rule processes the message."),
)

#: Settings that change what a rule's conditions look at, and so which mail it takes. Only rules in which they are equal
#: are comparable.
LOOKS = ("sender_address_location", "recipient_address_type", "use_legacy_regex")

#: The settings of a rule outside its sections. ``enabled`` and ``priority`` have their own cmdlets and logic.
SETTINGS_FIELDS = (
    Field(
        "activation_date",
        Instant(),
        "ActivationDate",
        doc="When the rule becomes active, with an offset from UTC. An empty text clears it.",
    ),
    Field("comments", Text(1024), "Comments", doc="A comment, at most 1024 characters."),
    Field(
        "expiry_date",
        Instant(),
        "ExpiryDate",
        doc="When the rule expires, with an offset from UTC. An empty text clears it.",
    ),
    Field(
        "mode", Choice("Audit", "AuditAndNotify", "Enforce"), "Mode", doc="Whether the rule is enforced or only tested."
    ),
    Field(
        "recipient_address_type",
        Choice("Original", "Resolved"),
        "RecipientAddressType",
        cloud_only=True,
        doc="Which address of a recipient the conditions examine.",
    ),
    Field(
        "rule_error_action",
        Choice("Ignore", "Defer"),
        "RuleErrorAction",
        doc="What happens to a message if the rule fails on it: the message continues without the rule, or waits. With V(Defer), no mail leaves without it.",
    ),
    Field(
        "sender_address_location",
        Choice("Header", "Envelope", "HeaderOrEnvelope"),
        "SenderAddressLocation",
        doc="Where the conditions look for the sender's address.",
    ),
    Field(
        "use_legacy_regex",
        Flag(),
        "UseLegacyRegex",
        create_only=True,
        doc="Whether regular expressions use the legacy syntax. It can only be set on a new rule.",
    ),
)

#: The defaults that Exchange gives a new rule, as every rule shows them.
SETTINGS_OF_A_NEW_RULE = {
    **{field.option: field.kind.cleared for field in SETTINGS_FIELDS},
    "mode": "Enforce",
    "recipient_address_type": "Resolved",
    "rule_error_action": "Ignore",
    "sender_address_location": "Header",
}


def _documented(fields: tuple[Field, ...], section: str) -> tuple[Field, ...]:
    return tuple(replace(field, doc=field.doc.replace("REPLACE", section)) for field in fields)


def _exception(condition: Field) -> Field:
    """The exception that corresponds to a condition."""
    twin = replace(
        condition,
        parameter=f"ExceptIf{condition.parameter}",
        output=f"ExceptIf{condition.output}" if condition.output else "",
    )
    return replace(twin, listed=("Exceptions", condition.listed[1])) if condition.listed[1] else twin


#: Section to its fields.
SECTIONS: dict[str, tuple[Field, ...]] = {
    "conditions": _documented(_CONDITIONS, "conditions"),
    "exceptions": _documented(tuple(map(_exception, _CONDITIONS)), "exceptions"),
    "actions": _documented(_ACTIONS, "actions"),
}

#: Section and option to the field.
FIELDS: dict[str, dict[str, Field]] = {
    section: {field.option: field for field in fields} for section, fields in SECTIONS.items()
}

_CONDITION_GROUPS = (
    FieldGroup(
        ("ad_comparison_attribute", "ad_comparison_operator"),
        {"ad_comparison_operator": "Equal"},
        needs=("ad_comparison_attribute",),
    ),
    FieldGroup(
        ("between_member_of_1", "between_member_of_2"), {}, needs=("between_member_of_1", "between_member_of_2")
    ),
    FieldGroup(
        ("header_contains_message_header", "header_contains_words"),
        {},
        needs=("header_contains_message_header", "header_contains_words"),
    ),
    FieldGroup(
        ("header_matches_message_header", "header_matches_patterns"),
        {},
        needs=("header_matches_message_header", "header_matches_patterns"),
    ),
    FieldGroup(
        ("manager_addresses", "manager_for_evaluated_user"),
        {},
        needs=("manager_addresses", "manager_for_evaluated_user"),
    ),
)

#: Section to its groups of fields.
GROUPS: dict[str, tuple[FieldGroup, ...]] = {
    "conditions": _CONDITION_GROUPS,
    "exceptions": _CONDITION_GROUPS,
    "actions": (
        FieldGroup(
            ("apply_html_disclaimer_text", "apply_html_disclaimer_location", "apply_html_disclaimer_fallback_action"),
            {"apply_html_disclaimer_location": "Append", "apply_html_disclaimer_fallback_action": "Wrap"},
            needs=("apply_html_disclaimer_text",),
        ),
        FieldGroup(
            ("reject_message_reason_text", "reject_message_enhanced_status_code"),
            {
                "reject_message_reason_text": "Delivery not authorized, message refused",
                "reject_message_enhanced_status_code": "5.7.1",
            },
        ),
        FieldGroup(("generate_incident_report", "incident_report_content"), {}, needs=("generate_incident_report",)),
        FieldGroup(("set_header_name", "set_header_value"), {}, needs=("set_header_name", "set_header_value")),
        FieldGroup(("remove_ome_v2", "remove_rms_attachment_encryption"), {}, needs=("remove_ome_v2",)),
    ),
}

#: An action that a portal adds on its own. It is left alone if a section does not name it.
AMBIENT = frozenset({"set_audit_severity"})

#: Conditions that can keep a rule's senders inside the organization. An encrypting rule has no effect on mail from
#: outside, or bounces it.
SENDER_CONDITIONS = frozenset(
    {
        *("from", "from_address_contains_words", "from_address_matches_patterns", "from_member_of", "sender_domain_is"),
        *("sender_ad_attribute_contains_words", "sender_ad_attribute_matches_patterns"),
    }
)

#: Properties that put a rule into a policy of data loss prevention. Exchange Online no longer evaluates such a rule.
DLP_POLICY_PROPERTIES = ("DlpPolicy", "RuleSubType")

#: Conditions of data loss prevention. Whether Exchange Online still evaluates a rule that has one and no policy is not
#: documented.
DLP_CONDITIONS = (
    "MessageContainsDataClassifications",
    "ExceptIfMessageContainsDataClassifications",
    "MessageContainsAllDataClassifications",
    "ExceptIfMessageContainsAllDataClassifications",
    "HasSenderOverride",
    "ExceptIfHasSenderOverride",
)

#: Properties of data loss prevention, which Exchange Online no longer allows anybody to write. The last one is an
#: action.
DLP_PROPERTIES = (*DLP_POLICY_PROPERTIES, *DLP_CONDITIONS, "SenderNotificationType")

#: Actions of Edge servers: Exchange Online shows them but ignores them.
EDGE_PROPERTIES = ("Disconnect", "LogEventText", "SmtpRejectMessageRejectStatusCode", "SmtpRejectMessageRejectText")

#: Properties that describe a rule but are not predicates: read-only ones, and ones that correspond to an option with
#: another name.
DESCRIPTIVE_PROPERTIES = frozenset(
    {
        *(
            "Priority",
            "DlpPolicyId",
            "Comments",
            "CreatedBy",
            "LastModifiedBy",
            "ManuallyModified",
            "ActivationDate",
            "ExpiryDate",
            "Description",
            "RuleVersion",
        ),
        *(
            "Size",
            "Conditions",
            "Exceptions",
            "Actions",
            "State",
            "Mode",
            "IsRuleConfigurationSupported",
            "RuleConfigurationUnsupportedReason",
        ),
        *(
            "RuleErrorAction",
            "SenderAddressLocation",
            "RecipientAddressType",
            "RuleSubType",
            "RegexSize",
            "UseLegacyRegex",
            "Identity",
            "Id",
            "DistinguishedName",
        ),
        *(
            "Guid",
            "ImmutableId",
            "OrganizationId",
            "Name",
            "IsValid",
            "WhenChanged",
            "WhenChangedUTC",
            "WhenCreated",
            "WhenCreatedUTC",
            "ObjectState",
        ),
        *(
            "ExchangeVersion",
            "RunspaceId",
            "SerializationData",
            "OMEExpiryDays",
            "PSComputerName",
            "PSShowComputerName",
            "ObjectClass",
            "ObjectCategory",
        ),
        *("ExchangeObjectId", "OrganizationalUnitRoot", "OriginatingServer", "AdminDisplayName"),
    }
)


def rule_argument_spec() -> dict[str, Any]:
    """The argument spec of one rule, for ``ome_transport_rule`` and for the list of ``ome_transport_rules``."""
    return {
        "name": {"type": "str"},
        "guid": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "enabled": {"type": "bool"},
        "priority": {"type": "int"},
        **argument_spec(SETTINGS_FIELDS),
        **{section: {"type": "dict", "options": argument_spec(fields)} for section, fields in SECTIONS.items()},
    }
