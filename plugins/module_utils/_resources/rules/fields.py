# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a mail flow rule (New- and Set-TransportRule).

Argument spec, documentation, reading, comparing and sending all follow from them. An exception is the counterpart of a
condition, and its parameter begins with ``ExceptIf``. The names, types and limits are from Microsoft's cmdlet
reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.kinds import (
    Boolean,
    Choice,
    Flag,
    Instant,
    Integer,
    Kind,
    Name,
    RecipientAddress,
    Size,
    StatusCode,
    Text,
)
from ..._exchange.list_kinds import Listing, Patterns, Recipients, Words
from ..table import Field, argument_spec

# fmt: off
#: The types of messages that a rule can ask for.
MESSAGE_TYPES = (
    "OOF", "AutoForward", "Encrypted", "Calendaring", "PermissionControlled", "Voicemail", "Signed", "ApprovalRequest",
    "ReadReceipt",
)

#: What the importance of a message can be.
IMPORTANCES = ("Low", "Normal", "High")

#: The directory attributes that rules can examine.
ATTRIBUTES = (
    "City", "Company", "Country", "CustomAttribute1", "CustomAttribute2", "CustomAttribute3", "CustomAttribute4",
    "CustomAttribute5", "CustomAttribute6", "CustomAttribute7", "CustomAttribute8", "CustomAttribute9",
    "CustomAttribute10", "CustomAttribute11", "CustomAttribute12", "CustomAttribute13", "CustomAttribute14",
    "CustomAttribute15", "Department", "DisplayName", "Email", "FaxNumber", "FirstName", "HomePhoneNumber", "Initials",
    "LastName", "Manager", "MobileNumber", "Notes", "Office", "OtherFaxNumber", "OtherHomePhoneNumber",
    "OtherPhoneNumber", "PagerNumber", "PhoneNumber", "POBox", "State", "Street", "Title", "UserLogonName", "ZipCode",
)

#: What an incident report can contain.
INCIDENT_REPORT_CONTENT = (
    "Sender", "Recipients", "Subject", "CC", "BCC", "Severity", "RuleDetections", "FalsePositive", "IdMatch",
    "AttachOriginalMail",
)
# fmt: on


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


#: The words of options that parameters spell otherwise than with one capital.
_SPELLINGS = {"ad": "AD", "ome": "OME", "rms": "RMS", "scl": "SCL", "v2": "v2"}


def _field(option: str, kind: Kind, doc: str, *, parameter: str = "", **more: Any) -> Field:
    """A field whose parameter has the name of the option, unless another one is given."""
    spelled = "".join(_SPELLINGS.get(word, word.capitalize()) for word in option.split("_"))
    return Field(option, kind, parameter or spelled, doc=doc, **more)


# One line a field, as far as it fits.
# fmt: off
_CONDITIONS = (
    _field("ad_comparison_attribute", Choice(*ATTRIBUTES), parameter="AdComparisonAttribute", output="ADComparisonAttribute",
           doc="An attribute of the sender, compared with the same attribute of all recipients."),
    _field("ad_comparison_operator", Choice("Equal", "NotEqual"), parameter="AdComparisonOperator", output="ADComparisonOperator",
           doc="How O(REPLACE.ad_comparison_attribute) is compared; Exchange fills in V(Equal)."),
    _field("any_of_cc_header", Recipients(), "Somebody in the Cc field, by primary SMTP address."),
    _field("any_of_cc_header_member_of", Recipients(), "A member of these groups in the Cc field, by the groups' SMTP addresses."),
    _field("any_of_recipient_address_contains_words", Words(), "Words in the address of any recipient."),
    _field("any_of_recipient_address_matches_patterns", Patterns(), "Regular expressions for the address of any recipient."),
    _field("any_of_to_cc_header", Recipients(), "Somebody in the To or Cc field, by primary SMTP address."),
    _field("any_of_to_cc_header_member_of", Recipients(), "A member of these groups in the To or Cc field, by the groups' SMTP addresses."),
    _field("any_of_to_header", Recipients(), "Somebody in the To field, by primary SMTP address."),
    _field("any_of_to_header_member_of", Recipients(), "A member of these groups in the To field, by the groups' SMTP addresses."),
    _field("attachment_contains_words", Words(), "Words in an attachment of a supported type."),
    _field("attachment_extension_matches_words", Words(), "File extensions of attachments, without the dot. Files inside archives and other files count, too."),
    _field("attachment_has_executable_content", Flag(), "An attachment is executable."),
    _field("attachment_is_password_protected", Flag(), "An attachment is protected by a password.", not_secret=True),
    _field("attachment_is_unsupported", Flag(), "An attachment has a type that Exchange cannot inspect."),
    _field("attachment_matches_patterns", Patterns(), "Regular expressions for an attachment's text, of which Exchange reads the first 150 KB."),
    _field("attachment_name_matches_patterns", Patterns(), "Regular expressions for an attachment's name."),
    _field("attachment_processing_limit_exceeded", Flag(), "The rule engine could not finish inspecting the attachments."),
    _field("attachment_property_contains_words", Words(), "Document properties of an attachment, each as C(property:word,word)."),
    _field("attachment_size_over", Size(), "An attachment is larger than this size, such as C(10MB). A number without a unit is in bytes."),
    _field("between_member_of_1", Recipients(), "Mail between members of these groups and those of O(REPLACE.between_member_of_2)."),
    _field("between_member_of_2", Recipients(), "The other side of O(REPLACE.between_member_of_1)."),
    _field("content_character_set_contains_words", Words(), "Names of character sets."),
    _field("from", Recipients(), "Senders, by SMTP address."),
    _field("from_address_contains_words", Words(), "Words in the sender's address."),
    _field("from_address_matches_patterns", Patterns(), "Regular expressions for the sender's address."),
    _field("from_member_of", Recipients(), "The sender is a member of these groups, by the groups' SMTP addresses."),
    _field("from_scope", Choice("InOrganization", "NotInOrganization"), "Where the sender is."),
    _field("has_classification", Text(), "A message classification that the message has."),
    _field("has_no_classification", Boolean(), listed=("Conditions", "HasNoClassificationPredicate"),
           doc="V(true): the message has no classification. V(false): it has one or more. Omit it for neither."),
    _field("header_contains_message_header", Name(), "The header that O(REPLACE.header_contains_words) examines."),
    _field("header_contains_words", Words(), "Words in the header O(REPLACE.header_contains_message_header)."),
    _field("header_matches_message_header", Name(), "The header that O(REPLACE.header_matches_patterns) examines."),
    _field("header_matches_patterns", Patterns(), "Regular expressions for the header O(REPLACE.header_matches_message_header)."),
    _field("manager_addresses", Recipients(), "Managers, by SMTP address. Use it with O(REPLACE.manager_for_evaluated_user)."),
    _field("manager_for_evaluated_user", Choice("Recipient", "Sender"), "Whose manager O(REPLACE.manager_addresses) names."),
    _field("message_size_over", Size(), "The message is larger than this size, such as C(25MB). A number without a unit is in bytes."),
    _field("message_type_matches", Choice(*MESSAGE_TYPES),
           doc="The kind of message. V(PermissionControlled) is mail that message encryption or rights management protects, V(Encrypted) is S/MIME."),
    _field("recipient_ad_attribute_contains_words", Words(attributes=ATTRIBUTES), "Words in attributes of a recipient, each as C(attribute:word,word)."),
    _field("recipient_ad_attribute_matches_patterns", Patterns(attributes=ATTRIBUTES),
           doc="Regular expressions for attributes of a recipient, each as C(attribute:pattern,pattern)."),
    _field("recipient_address_contains_words", Words(), "Words in a recipient's address."),
    _field("recipient_address_matches_patterns", Patterns(), "Regular expressions for a recipient's address."),
    _field("recipient_domain_is", Words(), "Domains of recipients; their subdomains count, too."),
    _field("recipient_in_sender_list", Words(), "Reserved by Microsoft.", cloud_only=True),
    _field("scl_over", Integer(-1, 9), "The spam confidence level is this or higher, V(-1) to V(9)."),
    _field("sender_ad_attribute_contains_words", Words(attributes=ATTRIBUTES), "Words in attributes of the sender, each as C(attribute:word,word)."),
    _field("sender_ad_attribute_matches_patterns", Patterns(attributes=ATTRIBUTES),
           doc="Regular expressions for attributes of the sender, each as C(attribute:pattern,pattern)."),
    _field("sender_domain_is", Words(), "Domains of the sender; their subdomains count, too."),
    _field("sender_in_recipient_list", Words(), "Reserved by Microsoft.", cloud_only=True),
    _field("sender_ip_ranges", Words(), "IP addresses, ranges or networks of the host that delivered the message."),
    _field("sender_management_relationship", Choice("Manager", "DirectReport"), "The sender's relationship to a recipient."),
    _field("sent_to", Recipients(), "Recipients, by SMTP address."),
    _field("sent_to_member_of", Recipients(), "A recipient is a member of these groups, by the groups' SMTP addresses."),
    _field("sent_to_scope", Choice("InOrganization", "NotInOrganization", "ExternalPartner", "ExternalNonPartner"),
           "Where a recipient is. V(ExternalPartner) and V(ExternalNonPartner) exist on-premises only.",
           onprem_values=frozenset({"ExternalPartner", "ExternalNonPartner"})),
    _field("subject_contains_words", Words(maximum=128), "Words in the subject, of at most 128 characters each."),
    _field("subject_matches_patterns", Patterns(), "Regular expressions for the subject."),
    _field("subject_or_body_contains_words", Words(maximum=128), "Words in the subject or body, of at most 128 characters each."),
    _field("subject_or_body_matches_patterns", Patterns(), "Regular expressions for the subject or body."),
    _field("with_importance", Choice(*IMPORTANCES), "The importance that the sender set."),
)

_ACTIONS = (
    _field("add_manager_as_recipient_type", Choice("To", "Cc", "Bcc", "Redirect"), "How the sender's manager is added to the recipients."),
    _field("add_to_recipients", Recipients(), "Adds recipients to the To field, by SMTP address."),
    _field("apply_classification", Text(), "Applies this classification to the message."),
    _field("apply_html_disclaimer_fallback_action", Choice("Wrap", "Ignore", "Reject"),
           doc="What happens if the disclaimer cannot be inserted, for example into encrypted mail. Exchange fills in V(Wrap)."),
    _field("apply_html_disclaimer_location", Choice("Append", "Prepend"), "Where the disclaimer is inserted. Exchange fills in V(Append)."),
    _field("apply_html_disclaimer_text", Text(5000), "Inserts a disclaimer of at most 5000 characters of HTML."),
    _field("apply_ome", Flag(),
           "The retired action to encrypt. It can only be removed from a rule: V(true) is refused.",
           cloud_only=True,
           refuse="since June 2023 Exchange Online allows it only to be read and removed (MC455516). Use apply_rights_protection_template: Encrypt."),
    _field("apply_rights_protection_customization_template", Name(),
           "The OME configuration that sets branding and expiry of protected mail, which people outside then read only in the portal. C(OME Configuration),"
           " which every organization has, does so, too; a custom one requires Advanced Message Encryption.",
           cloud_only=True),
    _field("apply_rights_protection_template", Name(),
           doc="Protects the message with this RMS template: V(Encrypt), V(Do Not Forward), or one of the organization's own, by name or GUID."),
    _field("blind_copy_to", Recipients(), "Adds recipients to the Bcc field, by SMTP address."),
    _field("copy_to", Recipients(), "Adds recipients to the Cc field, by SMTP address."),
    _field("delete_message", Flag(), "Deletes the message without notifying anybody."),
    _field("generate_incident_report", RecipientAddress(), "Sends a report of the message to this SMTP address. Requires O(REPLACE.incident_report_content)."),
    _field("generate_notification", Text(5120), "Sends recipients this notification, at most 5120 characters of HTML."),
    _field("incident_report_content", Listing(choices=INCIDENT_REPORT_CONTENT), "What O(REPLACE.generate_incident_report) contains."),
    _field("moderate_message_by_manager", Flag(), "The sender's manager must approve the message."),
    _field("moderate_message_by_user", Recipients(), "One of these people, by SMTP address, must approve the message. Exchange does not accept groups."),
    _field("prepend_subject", Text(), "Prepends this text to the subject. A trailing space is significant."),
    _field("quarantine", Flag(), "Puts the message into quarantine."),
    _field("redirect_message_to", Recipients(), "Sends the message to these people instead, by SMTP address."),
    _field("reject_message_enhanced_status_code", StatusCode(),
           doc="Rejects the message with this code, C(5.7.1) or C(5.7.900) to C(5.7.999); Exchange fills in C(5.7.1)."),
    _field("reject_message_reason_text", Text(1024),
           doc="Rejects the message with this text, at most 1024 characters; Exchange fills in C(Delivery not authorized, message refused)."),
    _field("remove_header", Name(), "Removes this header."),
    _field("remove_ome", Flag(),
           "The retired action to decrypt. It can only be removed from a rule: V(true) is refused.",
           cloud_only=True,
           refuse="since June 2023 Exchange Online allows it only to be read and removed (MC455516). Use remove_ome_v2: true."),
    _field("remove_ome_v2", Flag(), "Removes the protection from messages that message encryption protects.", cloud_only=True),
    _field("remove_rms_attachment_encryption", Flag(), cloud_only=True,
           doc="Removes the protection that attachments had before they were sent. Requires O(REPLACE.remove_ome_v2)."),
    _field("route_message_outbound_connector", Name(), "Sends the message through this outbound connector.", cloud_only=True),
    _field("route_message_outbound_require_tls", Flag(), "Sends the message over TLS or not at all."),
    _field("set_audit_severity", Choice("DoNotAudit", "Low", "Medium", "High"),
           doc="The severity in reports. If it is omitted, a severity that the portal set stays."),
    _field("set_header_name", Name(), "Sets this header to O(REPLACE.set_header_value)."),
    _field("set_header_value", Text(), "The value for O(REPLACE.set_header_name)."),
    _field("set_scl", Integer(-1, 9), "Sets the spam confidence level, V(-1) to V(9)."),
    _field("stop_rule_processing", Flag(), "No later rule processes the message."),
)

#: The settings of a rule outside its sections. ``enabled`` and ``priority`` have their own cmdlets and logic.
SETTINGS_FIELDS = (
    _field("activation_date", Instant(), "When the rule becomes active, with an offset from UTC. An empty text clears it."),
    _field("comments", Text(1024), "A comment, at most 1024 characters."),
    _field("expiry_date", Instant(), "When the rule expires, with an offset from UTC. An empty text clears it."),
    _field("mode", Choice("Audit", "AuditAndNotify", "Enforce"), "Whether the rule is enforced or only tested."),
    _field("recipient_address_type", Choice("Original", "Resolved"), "Which address of a recipient the conditions examine.", cloud_only=True),
    _field("rule_error_action", Choice("Ignore", "Defer"),
           "What happens to a message if the rule fails on it: the message continues without the rule, or waits. With V(Defer), no mail leaves without it."),
    _field("sender_address_location", Choice("Header", "Envelope", "HeaderOrEnvelope"), "Where the conditions look for the sender's address."),
    _field("use_legacy_regex", Flag(), "Whether regular expressions use the legacy syntax. It can only be set on a new rule.", create_only=True),
)
# fmt: on

#: Settings that change what a rule's conditions look at, and so which mail it takes. Only rules in which they are equal
#: are comparable.
LOOKS = ("sender_address_location", "recipient_address_type", "use_legacy_regex")

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

# fmt: off
#: Conditions that can keep a rule's senders inside the organization. An encrypting rule has no effect on mail from
#: outside, or bounces it.
SENDER_CONDITIONS = frozenset((
    "from", "from_address_contains_words", "from_address_matches_patterns", "from_member_of", "sender_domain_is",
    "sender_ad_attribute_contains_words", "sender_ad_attribute_matches_patterns",
))

#: Properties that put a rule into a policy of data loss prevention. Exchange Online no longer evaluates such a rule.
DLP_POLICY_PROPERTIES = ("DlpPolicy", "RuleSubType")

#: Conditions of data loss prevention. Whether Exchange Online still evaluates a rule that has one and no policy is not
#: documented.
DLP_CONDITIONS = (
    "MessageContainsDataClassifications", "ExceptIfMessageContainsDataClassifications",
    "MessageContainsAllDataClassifications", "ExceptIfMessageContainsAllDataClassifications", "HasSenderOverride",
    "ExceptIfHasSenderOverride",
)

#: Properties of data loss prevention, which Exchange Online no longer allows anybody to write. The last one is an
#: action.
DLP_PROPERTIES = (*DLP_POLICY_PROPERTIES, *DLP_CONDITIONS, "SenderNotificationType")

#: Actions of Edge servers: Exchange Online shows them but ignores them.
EDGE_PROPERTIES = ("Disconnect", "LogEventText", "SmtpRejectMessageRejectStatusCode", "SmtpRejectMessageRejectText")

#: Properties that describe a rule but are not predicates: read-only ones, and ones that correspond to an option with
#: another name.
DESCRIPTIVE_PROPERTIES = frozenset((
    "Priority", "DlpPolicyId", "Comments", "CreatedBy", "LastModifiedBy", "ManuallyModified", "ActivationDate",
    "ExpiryDate", "Description", "RuleVersion", "Size", "Conditions", "Exceptions", "Actions", "State", "Mode",
    "IsRuleConfigurationSupported", "RuleConfigurationUnsupportedReason", "RuleErrorAction", "SenderAddressLocation",
    "RecipientAddressType", "RuleSubType", "RegexSize", "UseLegacyRegex", "Identity", "Id", "DistinguishedName", "Guid",
    "ImmutableId", "OrganizationId", "Name", "IsValid", "WhenChanged", "WhenChangedUTC", "WhenCreated",
    "WhenCreatedUTC", "ObjectState", "ExchangeVersion", "RunspaceId", "SerializationData", "OMEExpiryDays",
    "PSComputerName", "PSShowComputerName", "ObjectClass", "ObjectCategory", "ExchangeObjectId",
    "OrganizationalUnitRoot", "OriginatingServer", "AdminDisplayName",
))
# fmt: on


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
