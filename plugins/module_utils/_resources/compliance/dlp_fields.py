# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions and actions of a DLP rule (New-DlpComplianceRule), as a table.

A condition or action whose parameter has the same name as one of New-TransportRule has that rule's option and value
shape. Everything else has Exchange's name in snake_case. An exception is the counterpart of a condition, and its
property begins with ``ExceptIf``.

Values:

* addresses, words, patterns and domains are lists of texts, sizes as ``10MB``, flags only ``true``;
* headers are the two options of a mail flow rule: ``header_contains_message_header`` and ``header_contains_words``,
  ``header_matches_message_header`` and ``header_matches_patterns``;
* attributes are texts ``attribute:word,word``, as in a mail flow rule;
* ``message_type_matches`` has a mail flow rule's literals: ``AutoForward`` for DLP's AutomaticForward, ``OOF`` for
  AutomaticReply;
* ``content_contains_sensitive_information`` is Exchange's structure with keys in lower case and values as texts: a list
  of ``{id, name, mincount, maxcount, confidencelevel, ...}``, or of ``{operator, groups}``, where a group has ``name``,
  ``operator``, ``sensitivetypes`` and ``labels`` (each ``{name, type}``);
* ``set_header`` is a mapping of header to value, ``remove_header`` a list of ``Header`` or ``Header:Value``,
  ``modify_subject`` a mapping of ``patterns``, ``subjecttext`` and ``replacestrategy``;
* what Microsoft documents no form of is Exchange's structure with keys in lower case and values as texts.

Source: Microsoft's page of New-DlpComplianceRule, and the properties of rules of a test organization that ScubaGear
publishes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._exchange.kinds import Flag, Instant, Kind, Size, Text
from ..._exchange.list_kinds import Listing, Patterns, Words
from ..rules.fields import FIELDS, IMPORTANCES
from .dlp_values import (
    Addresses,
    AttributePatterns,
    AttributeWords,
    HeaderValues,
    KnownChoice,
    MessageType,
    SplitAddresses,
    SplitTexts,
    Structure,
    hash_table,
    is_set,
)

#: What a message has to have for a condition to be true: something that DLP finds in what is written, by a type of
#: sensitive information or a classifier, or as a label; or an attachment. Source: Microsoft's page of
#: New-DlpComplianceRule, which says of each of these conditions that it looks at attachments, or at files. Of a limit of what
#: is inspected, and of file types, it does not say which.
SENSITIVE = "sensitive_information"
ATTACHMENTS = "attachments"

#: What conditions or actions say, by option.
Options = Mapping[str, Any]


@dataclass(frozen=True)
class DlpPart:
    """A condition or action of a DLP rule.

    :param name: its parameter and property; an exception's begins with ``ExceptIf``.
    :param kinds: option to kind: one, and more where a mail flow rule has several.
    :param unpack: Exchange's value as options, if there are several; raises ValueError.
    :param twin: whether there is an exception of this name.
    :param same_as: a mail flow rule's condition that it is under another name.
    :param certain: whether a rule that looks at nothing else surely matches mail that has it (U33).
    :param needs: what a message has to have for it to be true: :data:`SENSITIVE` or :data:`ATTACHMENTS`; empty if that is
        not known.
    :param words: of a condition, what mail has that meets it.
    """

    name: str
    kinds: Mapping[str, Kind]
    unpack: Callable[[Any], Options] | None = None
    twin: bool = True
    same_as: str = ""
    certain: bool = False
    needs: str = ""
    words: str = ""

    def read(self, value: Any) -> dict[str, Any]:
        """The options that Exchange's value sets; empty if it sets nothing.

        :raises ValueError: it was not understood; the text says why, as a clause.
        """
        try:
            options = (
                self.unpack(value) if self.unpack else {option: kind.read(value) for option, kind in self.kinds.items()}
            )
            for option, canonical in options.items():
                if canonical is not None:
                    # A value that cannot be compared was not understood.
                    self.kinds[option].key(canonical)
        except ValueError as error:
            raise ValueError(_clause(error)) from error
        except (TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise ValueError(_OTHER_FORM) from error
        return {option: canonical for option, canonical in options.items() if is_set(canonical)}


_OTHER_FORM = "it has another form than Microsoft documents"


def _clause(error: ValueError) -> str:
    """Why a value was not understood. Texts of other code are not written as a clause."""
    text = str(error)
    return text if text.startswith("it ") else _OTHER_FORM


def snake_case(name: str) -> str:
    """``shared_by_irm_user_risk`` for ``SharedByIRMUserRisk``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _part(name: str, kind: Kind, *, twin: bool = True) -> DlpPart:
    return DlpPart(name, {snake_case(name): kind}, twin=twin)


def _parts(kind: Kind, *names: str, twin: bool = True) -> list[DlpPart]:
    return [_part(name, kind, twin=twin) for name in names]


def _condition(
    name: str, words: str, kind: Kind, *, twin: bool = True, same_as: str = "", certain: bool = False, needs: str = ""
) -> DlpPart:
    return DlpPart(
        name, {snake_case(name): kind}, twin=twin, same_as=same_as, certain=certain, needs=needs, words=words
    )


def _as_in_rules(name: str, words: str, option: str, *, certain: bool = False) -> DlpPart:
    """A condition that a mail flow rule has, too, and that Exchange shows in the same form."""
    return DlpPart(name, {option: FIELDS["conditions"][option].kind}, certain=certain, words=words)


def _header(name: str, looks_at: str, header: str, texts: str) -> DlpPart:
    """A header and what is looked for in it: two options of a mail flow rule."""

    def unpack(value: Any) -> Options:
        words_by_header = hash_table(value)
        if not all(words_by_header.values()):
            raise ValueError("it looks for nothing in a header")
        if "" in words_by_header:
            raise ValueError("it names no header")
        if len(words_by_header) > 1:
            raise ValueError(
                f"it is about {len(words_by_header)} headers, and Microsoft does not say whether one is enough"
            )
        options: dict[str, Any] = {}
        for name, words in words_by_header.items():
            options |= {header: name, texts: words}
        return options

    kinds = {option: FIELDS["conditions"][option].kind for option in (header, texts)}
    return DlpPart(name, kinds, unpack, words=looks_at)


CONDITIONS = (
    # Of the sender.
    _condition("From", "a certain sender", Addresses(), certain=True),
    _as_in_rules(
        "FromAddressContainsWords", "words in the sender's address", "from_address_contains_words", certain=True
    ),
    _as_in_rules(
        "FromAddressMatchesPatterns", "patterns in the sender's address", "from_address_matches_patterns", certain=True
    ),
    _condition("FromMemberOf", "a sender in a group", Addresses(), certain=True),
    _condition(
        "FromScope", "a sender inside or outside", KnownChoice("InOrganization", "NotInOrganization"), certain=True
    ),
    _as_in_rules("SenderDomainIs", "a domain of the sender", "sender_domain_is", certain=True),
    _as_in_rules("SenderIPRanges", "an IP address of the sender", "sender_ip_ranges"),
    _condition("SenderADAttributeContainsWords", "words in an attribute of the sender", AttributeWords(), certain=True),
    _condition(
        "SenderADAttributeMatchesPatterns", "patterns in an attribute of the sender", AttributePatterns(), certain=True
    ),
    # Of recipients.
    _condition("SentTo", "a certain recipient", Addresses(), certain=True),
    _condition("SentToMemberOf", "a recipient in a group", Addresses(), certain=True),
    _as_in_rules("RecipientDomainIs", "a domain of the recipient", "recipient_domain_is", certain=True),
    _as_in_rules(
        "AnyOfRecipientAddressContainsWords",
        "words in the address of any recipient",
        "any_of_recipient_address_contains_words",
    ),
    _as_in_rules(
        "AnyOfRecipientAddressMatchesPatterns",
        "patterns in the address of any recipient",
        "any_of_recipient_address_matches_patterns",
    ),
    _condition(
        "RecipientADAttributeContainsWords", "words in an attribute of the recipient", AttributeWords(), certain=True
    ),
    _condition(
        "RecipientADAttributeMatchesPatterns",
        "patterns in an attribute of the recipient",
        AttributePatterns(),
        certain=True,
    ),
    _condition(
        "AccessScope",
        "a recipient inside or outside",
        KnownChoice("InOrganization", "NotInOrganization"),
        same_as="sent_to_scope",
        certain=True,
    ),
    _condition(
        "NonBifurcatingAccessScope",
        "any recipient inside or outside",
        KnownChoice("HasInternal", "HasExternal"),
        twin=False,
    ),
    # Of texts.
    _as_in_rules("SubjectContainsWords", "words in the subject", "subject_contains_words"),
    _as_in_rules("SubjectMatchesPatterns", "patterns in the subject", "subject_matches_patterns"),
    _as_in_rules("SubjectOrBodyContainsWords", "words in the subject or the text", "subject_or_body_contains_words"),
    _as_in_rules(
        "SubjectOrBodyMatchesPatterns", "patterns in the subject or the text", "subject_or_body_matches_patterns"
    ),
    _header("HeaderContainsWords", "words in a header", "header_contains_message_header", "header_contains_words"),
    _header(
        "HeaderMatchesPatterns", "patterns in a header", "header_matches_message_header", "header_matches_patterns"
    ),
    _as_in_rules("ContentCharacterSetContainsWords", "a character set", "content_character_set_contains_words"),
    # Of content and labels.
    _condition("ContentContainsSensitiveInformation", "sensitive information or labels", Structure(), needs=SENSITIVE),
    _condition("ContentPropertyContainsWords", "words in the properties of a document", Words()),
    _condition("ContentIsNotLabeled", "content without a label", Flag(), twin=False),
    _condition("MessageIsNotLabeled", "a message without a label", Flag(), twin=False),
    _condition("AttachmentIsNotLabeled", "an attachment without a label", Flag(), twin=False),
    # Of attachments.
    _condition("DocumentIsPasswordProtected", "an attachment with a password", Flag(), needs=ATTACHMENTS),
    _condition("DocumentIsUnsupported", "an attachment that cannot be inspected", Flag(), needs=ATTACHMENTS),
    _condition("ProcessingLimitExceeded", "an attachment that was not inspected completely", Flag()),
    _condition("DocumentNameMatchesWords", "words in the name of an attachment", Words(), needs=ATTACHMENTS),
    _condition("DocumentContainsWords", "words in an attachment", Words(), needs=ATTACHMENTS),
    _condition("ContentExtensionMatchesWords", "the extension of an attachment", Words(), needs=ATTACHMENTS),
    _condition("ContentFileTypeMatches", "the file type of an attachment", Words()),
    _condition(
        "UnscannableDocumentExtensionIs",
        "the extension of an attachment that cannot be inspected",
        Words(),
        needs=ATTACHMENTS,
    ),
    _condition("DocumentNameMatchesPatterns", "patterns in the name of an attachment", Patterns(), needs=ATTACHMENTS),
    _condition("DocumentMatchesPatterns", "patterns in an attachment", Patterns(), needs=ATTACHMENTS),
    _condition("DocumentSizeOver", "the size of an attachment", Size(), needs=ATTACHMENTS),
    # Of the message.
    _condition("MessageTypeMatches", "a type of message", MessageType()),
    _as_in_rules("MessageSizeOver", "the size of the message", "message_size_over"),
    _condition("WithImportance", "an importance", KnownChoice(*IMPORTANCES)),
    _condition("HasSenderOverride", "an override by the sender", Flag()),
    _condition("SharedByIRMUserRisk", "an insider risk of the sender", Words(), twin=False),
    # Readable, but not documented, or documented for other places than mail.
    _condition("AttachmentCountOver", "a number of attachments", Structure()),
    _condition("HeaderContainsTokens", "texts in a header", Structure()),
    _condition("UrlContainsText", "texts in links", Structure()),
    _condition("SenderType", "a kind of sender", Structure()),
    _condition("ContentMissingSensitivityLabel", "content without a sensitivity label", Structure()),
    _condition("MessageLabelChangeDetected", "a changed label", Structure()),
    _condition("HasLabelDowngradedFrom", "a lowered label", Structure()),
    _condition("DeviceManagementType", "a kind of device", Structure()),
    _condition("AccessedBy", "people who open it", Structure()),
    _condition("AccessedByMemberOf", "groups of people who open it", Structure()),
    _condition("HasActivity", "an activity", Structure()),
    _condition("DocumentCreatedBy", "the author of a document", Structure()),
    _condition("DocumentCreatedByMemberOf", "a group of the author of a document", Structure()),
    _condition("SharedWithDomain", "a domain that it is shared with", Structure()),
    _condition("ContentIsShared", "content that is shared", Structure()),
    _condition("SharedByIRMAgentRisk", "an insider risk of an agent", Structure()),
    _condition("TeamsSharedWithParticipantCategory", "people that it is shared with in Teams", Structure()),
)

#: The keys of three hash tables, in lower case, to a mail flow rule's actions.
_ADDED = {
    "addtorecipients": "add_to_recipients",
    "copyto": "copy_to",
    "blindcopyto": "blind_copy_to",
    "addmanagerasrecipienttype": "add_manager_as_recipient_type",
}
_DISCLAIMER = {
    "text": "apply_html_disclaimer_text",
    "location": "apply_html_disclaimer_location",
    "fallbackaction": "apply_html_disclaimer_fallback_action",
}
_MODERATE = {
    "moderatemessagebymanager": "moderate_message_by_manager",
    "moderatemessagebyuser": "moderate_message_by_user",
}


def _actions_of_rules(name: str, options: Mapping[str, str]) -> DlpPart:
    """A hash table whose keys are actions of a mail flow rule."""
    kinds = {option: _kind_of_action(option) for option in options.values()}

    def unpack(value: Any) -> Options:
        values = {options.get(str(key).lower(), ""): shown for key, shown in value.items()} if is_set(value) else {}
        if "" in values:
            raise ValueError("it has a key that Microsoft does not document")
        return {option: kinds[option].read(shown) for option, shown in values.items()}

    return DlpPart(name, kinds, unpack, twin=False)


def _kind_of_action(option: str) -> Kind:
    kind = FIELDS["actions"][option].kind
    if isinstance(kind, Listing):
        return SplitAddresses()
    return KnownChoice(*kind.spec["choices"]) if "choices" in kind.spec else kind


ACTIONS = (
    _part("EncryptRMSTemplate", Text(), twin=False),
    _part("RemoveRMSTemplate", Flag(), twin=False),
    _part("ApplyBrandingTemplate", Text(), twin=False),
    _part("EnforcePortalAccess", Flag(), twin=False),
    _part("BlockAccess", Flag(), twin=False),
    _part("BlockAccessScope", KnownChoice("All", "PerUser", "PerAnonymousUser"), twin=False),
    _part("RedirectMessageTo", Addresses(), twin=False),
    _actions_of_rules("AddRecipients", _ADDED),
    _actions_of_rules("Moderate", _MODERATE),
    _part("Quarantine", Flag(), twin=False),
    _actions_of_rules("ApplyHtmlDisclaimer", _DISCLAIMER),
    _part("ModifySubject", Structure(), twin=False),
    _part("PrependSubject", Text(), twin=False),
    _part("SetHeader", HeaderValues(), twin=False),
    _part("RemoveHeader", Listing(), twin=False),
    _part("StopPolicyProcessing", Flag(), twin=False),
    *_parts(Listing(), "GenerateIncidentReport", "GenerateAlert", "NotifyUser", twin=False),
    *_parts(SplitTexts(), "IncidentReportContent", "NotifyAllowOverride", twin=False),
    # Readable, but Microsoft's pages do not say what they do to mail.
    *_parts(Structure(), "RestrictAccess", "MipRestrictAccess", "RestrictBrowserAccess", twin=False),
    *_parts(Structure(), "AccessTimeControl", "MapRecipients", "RedactSensitiveInfo", twin=False),
    *_parts(Structure(), "BlockDomainsOrUsers", "BlockDomains", "BlockDomainsExcept", twin=False),
    *_parts(Structure(), "BlockUsers", "BlockUsersExcept", "TriggerPowerAutomateFlow", twin=False),
)

#: What a rule says beside its sections.
SETTINGS = (
    _part("SenderAddressLocation", KnownChoice("Header", "Envelope", "HeaderOrEnvelope"), twin=False),
    _part("RuleErrorAction", KnownChoice("Ignore", "RetryThenBlock"), twin=False),
    _part("EvaluateRulePerComponent", Flag(), twin=False),
    *_parts(Instant(), "ActivationDate", "ExpiryDate", twin=False),
)

#: An action that means nothing without another: the option to the other.
_ONLY_BESIDE = {"enforce_portal_access": "apply_branding_template", "block_access_scope": "block_access"}

#: Actions for devices, files, other programs and other places than mail, and what describes a rule.
_ELSEWHERE = frozenset(
    {
        "EndpointDlpRestrictions",
        "EndpointDlpBrowserRestrictions",
        "ThirdPartyAppDlpRestrictions",
        "OnPremisesScannerDlpRestrictions",
        "PowerBIDlpRestrictions",
        "NotifyEndpointUser",
        "SPMoveToQuarantineLocation",
        "RestrictWebGrounding",
    }
)
_DESCRIPTIVE = frozenset(
    {
        "AlertProperties",
        "ReportSeverityLevel",
        "NotifyEmailCustomText",
        "NotifyEmailCustomSubject",
        "NotifyEmailCustomSenderDisplayName",
        "NotifyEmailExchangeIncludeAttachment",
        "NotifyUserType",
        "NotifyEmailOnedriveRemediationActions",
        "NotifyJustificationCustomText",
        "NotifyOverrideRequirements",
        "NotifyJustificationCustomTextTranslations",
        "NotifyPolicyTipCustomText",
        "NotifyPolicyTipDisplayOption",
        "NotifyPolicyTipCustomTextTranslations",
        "NotifyPolicyTipUrl",
        "NotifyPolicyTipCustomDialog",
        "SourceType",
        "Guid",
        "AdvancedRuleBuilderContext",
        "ParentPolicyName",
        "AdvancedRule",
        "ExecutionRuleGuids",
        "DisplayName",
        "StorageBindings",
        "IsAdvancedRule",
        "ExternalScenarioDependancies",
        "RuleXml",
        "ReadOnly",
        "ErrorMetadata",
        "ExternalIdentity",
        "ImmutableId",
        "Priority",
        "Workload",
        "LogicalWorkload",
        "Policy",
        "Comment",
        "Disabled",
        "Mode",
        "ObjectVersion",
        "MaximumBlobRuleLength",
        "CreatedBy",
        "LastModifiedBy",
        "Identity",
        "Id",
        "IsValid",
        "ExchangeVersion",
        "Name",
        "DistinguishedName",
        "ObjectCategory",
        "ObjectClass",
        "WhenChanged",
        "WhenCreated",
        "WhenChangedUTC",
        "WhenCreatedUTC",
        "ExchangeObjectId",
        "OrganizationId",
        "OrganizationalUnitRoot",
        "OriginatingServer",
        "ObjectState",
        "IsObjectUnderSystemOperation",
        "RunspaceId",
        "PSComputerName",
        "PSShowComputerName",
        "SerializationData",
        "AdminDisplayName",
        "CreationTimeUtc",
        "ModificationTimeUtc",
    }
)

_KNOWN = {
    *_ELSEWHERE,
    *_DESCRIPTIVE,
    *(part.name for part in (*CONDITIONS, *ACTIONS, *SETTINGS)),
    *(f"ExceptIf{part.name}" for part in CONDITIONS),
}

#: Exchange's name of a condition, in lower case, to the condition.
CONDITION: Mapping[str, DlpPart] = {part.name.lower(): part for part in CONDITIONS}

#: The options of a condition that mean nothing without each other.
TOGETHER = tuple(tuple(part.kinds) for part in CONDITIONS if len(part.kinds) > 1)

#: A condition to the mail flow rule's that it is under another name.
SAME_CONDITION = {option: part.same_as for part in CONDITIONS if part.same_as for option in part.kinds}

#: A condition to what a message has to have for it to be true.
NEEDS = {option: part.needs for part in CONDITIONS if part.needs for option in part.kinds}

#: A condition, by a mail flow rule's name where it is one, to what mail has that meets it. One about a header is that about
#: the header's name.
WORDS: Mapping[str, str] = {
    part.same_as or option: part.words for part in CONDITIONS for option in itertools.islice(part.kinds, 1)
}

#: The conditions with which a DLP rule can be certain, by a mail flow rule's names: those of the sender, the recipient, and the access scope.
CERTAIN = frozenset(part.same_as or option for part in CONDITIONS if part.certain for option in part.kinds)

#: Section to option to kind.
KINDS: Mapping[str, Mapping[str, Kind]] = {
    "conditions": {option: kind for part in CONDITIONS for option, kind in part.kinds.items()},
    "exceptions": {option: kind for part in CONDITIONS if part.twin for option, kind in part.kinds.items()},
    "actions": {option: kind for part in ACTIONS for option, kind in part.kinds.items()},
    "settings": {option: kind for part in SETTINGS for option, kind in part.kinds.items()},
}


def is_overlooked(name: str, value: Any) -> bool:
    """Whether a rule's property with this value says something that no option says."""
    return name not in _KNOWN and is_set(value)


def with_meaning(actions: Options) -> dict[str, Any]:
    """Actions without those that mean nothing: EnforcePortalAccess is true on every rule."""
    return {
        option: value
        for option, value in actions.items()
        if option not in _ONLY_BESIDE or actions.get(_ONLY_BESIDE[option])
    }
