# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of every object that a cmdlet returns, in the service's order, each with its .NET kind.

The wires render values by kind; nothing else depends on these names.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .schema import cmdlets, rule_properties


class Kind(enum.Enum):
    """What a value is in .NET, so that each wire can show it in its own way."""

    BOOL = "bool"
    INT = "int"
    STRING = "string"
    ENUM = "enum"
    GUID = "guid"
    INSTANT = "instant"
    INSTANT_UTC = "instant, *UTC property"
    TIMESPAN = "timespan"
    BYTES = "bytes"
    SIZE = "size"
    URI = "uri"
    VERSION = "version"
    LIST = "multi-valued, never null"
    URI_LIST = "multi-valued of Uri, never null"
    RULE_LIST = "multi-valued, null when unused"
    TABLE = "hash table"


@dataclass(frozen=True)
class Record:
    """One returned object: its type, and its properties with stored values."""

    type: str
    values: Mapping[str, Any]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS[self.type]

    def kind(self, name: str) -> Kind:
        """Properties that no table knows (the service adds some now and then) are texts; of a type without a table, they are
        what their values show.
        """
        if not self.kinds:
            return kind_of(name, self.values.get(name))
        return self.kinds.get(name, Kind.STRING)


def _kinds(text: str, **special: Kind) -> dict[str, Kind]:
    tail = {
        "IsValid": Kind.BOOL,
        "ObjectState": Kind.ENUM,
        "Guid": Kind.GUID,
        "ExchangeObjectId": Kind.GUID,
        "ExchangeVersion": Kind.VERSION,
    }
    tail |= {
        "WhenChanged": Kind.INSTANT,
        "WhenCreated": Kind.INSTANT,
        "WhenChangedUTC": Kind.INSTANT_UTC,
        "WhenCreatedUTC": Kind.INSTANT_UTC,
    }
    return {name: special.get(name) or tail.get(name, Kind.STRING) for name in text.split()}


def _booleans(text: str) -> dict[str, Kind]:
    return dict.fromkeys(text.split(), Kind.BOOL)


OME = "OMEConfiguration"
IRM = "IRMConfiguration"
ACTIVESYNC = "ActiveSyncOrganizationSettings"
RULE = "TransportRule"
ORGANIZATION = "OrganizationConfig"
TEMPLATE = "RmsTemplate"
OWA = "OwaMailboxPolicy"
MOBILE = "MobileDeviceMailboxPolicy"
TRANSPORT = "TransportConfig"
PREDICATE = "TransportRulePredicate"
ACTION = "TransportRuleAction"
MESSAGE = "OMEMessageStatus"
IRM_TEST = "IRMConfigurationTest"
COMMAND = "Command"
CONNECTION = "ConnectionInformation"
ACCEPTED_DOMAIN = "AcceptedDomain"
REMOTE_DOMAIN = "DomainContentConfig"
INBOUND_CONNECTOR = "TenantInboundConnector"
OUTBOUND_CONNECTOR = "TenantOutboundConnector"
MAIL_USER = "MailUser"
JOURNAL_RULE = "JournalRuleObject"
RECIPIENT = "ReducedRecipient"
MAILBOX = "Mailbox"
INBOX_RULE = "InboxRule"
MESSAGE_TRACE = "MessageTrace"
MESSAGE_TRACE_DETAIL = "MessageTraceDetail"
RULE_REPORT = "MailDetailTransportRuleReport"
DLP_REPORT = "MailDetailDlpPolicyReport"
ENCRYPTION_REPORT = "MailTrafficEncryptionReport"

IRM_ON_OFF = """InternalLicensingEnabled ExternalLicensingEnabled AzureRMSLicensingEnabled AutomaticServiceUpdateEnabled EnablePdfEncryption
    SimplifiedClientAccessEncryptOnlyDisabled SimplifiedClientAccessDoNotForwardDisabled DecryptAttachmentForEncryptOnly EnablePortalTrackingLogs
    JournalReportDecryptionEnabled SimplifiedClientAccessEnabled ClientAccessServerEnabled SearchEnabled EDiscoverySuperUserEnabled
    InternetConfidentialEnabled DecryptAttachmentFromPortal RejectIfRecipientHasNoRights"""

#: The objects of the compliance endpoint: ``compliance_objects`` has their properties, and their values show of which
#: kind they are.
DLP_POLICY = "PsDlpCompliancePolicy"
DLP_RULE = "PsDlpComplianceRule"
LABEL = "PsLabel"
LABEL_POLICY = "PsLabelPolicy"
AUTO_LABEL_POLICY = "PsAutoSensitivityLabelPolicy"
AUTO_LABEL_RULE = "PsAutoSensitivityLabelRule"

KINDS: dict[str, dict[str, Kind]] = {
    **{name: {} for name in (DLP_POLICY, DLP_RULE, LABEL, LABEL_POLICY, AUTO_LABEL_POLICY, AUTO_LABEL_RULE)},
    OME: _kinds(
        """TemplateName Image ImageUrl EmailText PortalText DisclaimerText BackgroundColor IntroductionText ReadButtonText OTPEnabled SocialIdSignIn
        ExternalMailExpiryInterval PrivacyStatementUrl Identity IsValid ObjectState""",
        Image=Kind.BYTES,
        OTPEnabled=Kind.BOOL,
        SocialIdSignIn=Kind.BOOL,
        ExternalMailExpiryInterval=Kind.TIMESPAN,
    ),
    IRM: _kinds(
        """Name ServiceLocation PublishingLocation LicensingLocation InternalLicensingEnabled ExternalLicensingEnabled AzureRMSLicensingEnabled
        AutomaticServiceUpdateEnabled EnablePdfEncryption SimplifiedClientAccessEncryptOnlyDisabled SimplifiedClientAccessDoNotForwardDisabled
        DecryptAttachmentForEncryptOnly EnablePortalTrackingLogs TransportDecryptionSetting JournalReportDecryptionEnabled SimplifiedClientAccessEnabled
        ClientAccessServerEnabled SearchEnabled EDiscoverySuperUserEnabled InternetConfidentialEnabled DecryptAttachmentFromPortal
        RMSOnlineKeySharingLocation SystemCleanupPeriod RejectIfRecipientHasNoRights ServerCertificatesVersion SharedServerBoxRacIdentity RMSOnlineVersion
        Identity Guid WhenChanged WhenCreated WhenChangedUTC WhenCreatedUTC IsValid ObjectState""",
        **_booleans(IRM_ON_OFF),
        ServiceLocation=Kind.URI,
        PublishingLocation=Kind.URI,
        LicensingLocation=Kind.URI_LIST,
        RMSOnlineKeySharingLocation=Kind.URI,
        TransportDecryptionSetting=Kind.ENUM,
        SystemCleanupPeriod=Kind.INT,
        ServerCertificatesVersion=Kind.INT,
    ),
    ACTIVESYNC: _kinds(
        """DefaultAccessLevel TenantAdminPreference UserMailInsert AllowAccessForUnSupportedPlatform EnableMobileMailboxPolicyWhenCAInplace
        AllowRMSSupportForUnenlightenedApps AdminMailRecipients OtaNotificationMailInsert DeviceFiltering Name IsIntuneManaged HasAzurePremiumSubscription
        OtherWellKnownObjects AdminDisplayName ExchangeVersion DirectoryObjectVersion DistinguishedName Identity ObjectCategory ObjectClass WhenChanged
        WhenCreated WhenChangedUTC WhenCreatedUTC ExchangeObjectId OrganizationalUnitRoot OrganizationId Id Guid OriginatingServer IsValid ObjectState""",
        **_booleans(
            "AllowAccessForUnSupportedPlatform EnableMobileMailboxPolicyWhenCAInplace AllowRMSSupportForUnenlightenedApps IsIntuneManaged "
            "HasAzurePremiumSubscription"
        ),
        DefaultAccessLevel=Kind.ENUM,
        TenantAdminPreference=Kind.ENUM,
        AdminMailRecipients=Kind.LIST,
        OtherWellKnownObjects=Kind.LIST,
        ObjectClass=Kind.LIST,
    ),
    TEMPLATE: _kinds(
        "Name Description Type TemplateGuid Identity IsValid ObjectState", Type=Kind.ENUM, TemplateGuid=Kind.GUID
    ),
    OWA: _kinds(
        "Name IRMEnabled SMimeSuppressNameChecksEnabled IsDefault Identity Guid WhenChanged IsValid ObjectState"
    )
    | _booleans("IRMEnabled SMimeSuppressNameChecksEnabled IsDefault"),
    MOBILE: _kinds(
        """Name AllowSMIMEEncryptionAlgorithmNegotiation AllowSMIMESoftCerts DeviceEncryptionEnabled IrmEnabled RequireDeviceEncryption
        RequireEncryptedSMIMEMessages RequireEncryptionSMIMEAlgorithm RequireSignedSMIMEAlgorithm RequireSignedSMIMEMessages RequireStorageCardEncryption
        IsDefault Identity Guid WhenChanged IsValid ObjectState""",
        AllowSMIMEEncryptionAlgorithmNegotiation=Kind.ENUM,
        RequireEncryptionSMIMEAlgorithm=Kind.ENUM,
        RequireSignedSMIMEAlgorithm=Kind.ENUM,
    )
    | _booleans(
        "AllowSMIMESoftCerts DeviceEncryptionEnabled IrmEnabled RequireDeviceEncryption RequireEncryptedSMIMEMessages RequireSignedSMIMEMessages "
        "RequireStorageCardEncryption IsDefault"
    ),
    TRANSPORT: _kinds(
        """Name AllowLegacyTLSClients TransportRuleLimit TransportRuleSizeLimit TransportRuleCollectionRegexCharsLimit
        TransportRuleCollectionAddedRecipientsLimit TLSReceiveDomainSecureList TLSSendDomainSecureList VerifySecureSubmitEnabled
        Identity IsValid ObjectState""",
        AllowLegacyTLSClients=Kind.BOOL,
        VerifySecureSubmitEnabled=Kind.BOOL,
        TransportRuleLimit=Kind.INT,
        TransportRuleSizeLimit=Kind.SIZE,
        TransportRuleCollectionRegexCharsLimit=Kind.SIZE,
        TransportRuleCollectionAddedRecipientsLimit=Kind.INT,
        TLSReceiveDomainSecureList=Kind.LIST,
        TLSSendDomainSecureList=Kind.LIST,
    ),
    PREDICATE: _kinds(
        "Addresses RuleSubTypes Name Rank LinkedDisplayText Identity IsValid ObjectState",
        Rank=Kind.INT,
        Addresses=Kind.RULE_LIST,
    ),
    ACTION: _kinds("ConnectorName Name Rank LinkedDisplayText Identity IsValid ObjectState", Rank=Kind.INT),
    ACCEPTED_DOMAIN: _kinds(
        """DomainName DomainType Default InitialDomain MatchSubDomains AuthenticationType PendingRemoval OutboundOnly Name Identity AdminDisplayName Guid
        IsValid ObjectState""",
        **_booleans("Default InitialDomain MatchSubDomains PendingRemoval OutboundOnly"),
        DomainType=Kind.ENUM,
    ),
    REMOTE_DOMAIN: _kinds(
        """DomainName IsInternal TargetDeliveryDomain AllowedOOFType AutoReplyEnabled AutoForwardEnabled TrustedMailOutboundEnabled
        TrustedMailInboundEnabled AdminDisplayName Name Identity Guid WhenChanged WhenCreated IsValid ObjectState""",
        **_booleans(
            "IsInternal TargetDeliveryDomain AutoReplyEnabled AutoForwardEnabled TrustedMailOutboundEnabled TrustedMailInboundEnabled"
        ),
        AllowedOOFType=Kind.ENUM,
    ),
    MAIL_USER: _kinds(
        "PrimarySmtpAddress ExternalEmailAddress RecipientType RecipientTypeDetails Alias Name Identity Guid IsValid ObjectState",
        RecipientType=Kind.ENUM,
        RecipientTypeDetails=Kind.ENUM,
    ),
    JOURNAL_RULE: _kinds(
        "Recipient JournalEmailAddress Scope Enabled Name Identity Guid IsValid ObjectState",
        **_booleans("Enabled"),
        Scope=Kind.ENUM,
    ),
    RECIPIENT: _kinds(
        "PrimarySmtpAddress EmailAddresses ExternalEmailAddress RecipientType RecipientTypeDetails Manager Alias Name Identity Guid IsValid ObjectState",
        EmailAddresses=Kind.LIST,
        RecipientType=Kind.ENUM,
        RecipientTypeDetails=Kind.ENUM,
    ),
    MAILBOX: _kinds(
        "ForwardingAddress ForwardingSmtpAddress DeliverToMailboxAndForward PrimarySmtpAddress Alias Name Identity Guid IsValid ObjectState",
        **_booleans("DeliverToMailboxAndForward"),
    ),
    INBOX_RULE: _kinds(
        "Description Enabled Priority RuleIdentity ForwardAsAttachmentTo ForwardTo RedirectTo MailboxOwnerId Name Identity IsValid ObjectState",
        **_booleans("Enabled"),
        Priority=Kind.INT,
        ForwardAsAttachmentTo=Kind.RULE_LIST,
        ForwardTo=Kind.RULE_LIST,
        RedirectTo=Kind.RULE_LIST,
    ),
    INBOUND_CONNECTOR: _kinds(
        """Enabled ConnectorType ConnectorSource Comment SenderIPAddresses SenderDomains RequireTls CloudServicesMailEnabled TreatMessagesAsInternal
        TlsSenderCertificateName AdminDisplayName Name Identity WhenChangedUTC WhenCreatedUTC Guid IsValid ObjectState""",
        **_booleans("Enabled RequireTls CloudServicesMailEnabled TreatMessagesAsInternal"),
        ConnectorType=Kind.ENUM,
        ConnectorSource=Kind.ENUM,
        SenderIPAddresses=Kind.LIST,
        SenderDomains=Kind.LIST,
    ),
    OUTBOUND_CONNECTOR: _kinds(
        """Enabled UseMXRecord Comment ConnectorType ConnectorSource RecipientDomains SmartHosts TlsDomain TlsSettings IsTransportRuleScoped
        RouteAllMessagesViaOnPremises CloudServicesMailEnabled AllAcceptedDomains SenderRewritingEnabled MtaStsMode SmtpDaneMode TestMode
        ValidationRecipients IsValidated LastValidationTimestamp AdminDisplayName Name Identity WhenChangedUTC WhenCreatedUTC Guid IsValid ObjectState""",
        **_booleans(
            "Enabled UseMXRecord IsTransportRuleScoped RouteAllMessagesViaOnPremises CloudServicesMailEnabled AllAcceptedDomains TestMode"
        ),
        **_booleans("SenderRewritingEnabled IsValidated"),
        **dict.fromkeys(("ConnectorType", "ConnectorSource", "TlsSettings", "MtaStsMode", "SmtpDaneMode"), Kind.ENUM),
        **dict.fromkeys(("RecipientDomains", "SmartHosts", "ValidationRecipients"), Kind.LIST),
    ),
    MESSAGE_TRACE: _kinds(
        """MessageTraceId MessageId Received SenderAddress RecipientAddress Subject Status ToIP FromIP Size StartDate EndDate Index""",
        MessageTraceId=Kind.GUID,
        Received=Kind.INSTANT_UTC,
        StartDate=Kind.INSTANT_UTC,
        EndDate=Kind.INSTANT_UTC,
        Size=Kind.INT,
    ),
    MESSAGE_TRACE_DETAIL: _kinds(
        "MessageId MessageTraceId Date Event Action Detail Data StartDate EndDate Index",
        MessageTraceId=Kind.GUID,
        **dict.fromkeys(("Date", "StartDate", "EndDate"), Kind.INSTANT_UTC),
    ),
    RULE_REPORT: _kinds(
        """Date Direction Domain Action EventType MessageId MessageTraceId TransportRule SenderAddress RecipientAddress Subject MessageSize Index""",
        MessageTraceId=Kind.GUID,
        Date=Kind.INSTANT_UTC,
        MessageSize=Kind.INT,
        Index=Kind.INT,
    ),
    DLP_REPORT: _kinds(
        """Date Direction Domain Action EventType MessageId MessageTraceId DlpPolicy TransportRule SenderAddress RecipientAddress Subject MessageSize Index""",
        MessageTraceId=Kind.GUID,
        Date=Kind.INSTANT_UTC,
        MessageSize=Kind.INT,
        Index=Kind.INT,
    ),
    ENCRYPTION_REPORT: _kinds(
        "Date EventType Direction Action MessageCount RecipientCount Index",
        Date=Kind.INSTANT_UTC,
        **dict.fromkeys(("MessageCount", "RecipientCount", "Index"), Kind.INT),
    ),
    MESSAGE: _kinds("MessageId Subject IsRevocable Revoked", IsRevocable=Kind.BOOL, Revoked=Kind.BOOL),
    IRM_TEST: _kinds("Results"),
    COMMAND: _kinds("Name CommandType", CommandType=Kind.ENUM),
    CONNECTION: _kinds(
        """ConnectionId State Name UserPrincipalName ConnectionUri AzureAdAuthorizationEndpointUri TokenExpiryTimeUTC CertificateAuthentication ModuleName
        ModulePrefix Organization DelegatedOrganization AppId PageSize TenantID TokenStatus ConnectionUsedForInbuiltCmdlets IsEopSession""",
        State=Kind.ENUM,
        TokenExpiryTimeUTC=Kind.INSTANT_UTC,
        TokenStatus=Kind.ENUM,
        PageSize=Kind.INT,
    )
    | _booleans("CertificateAuthentication ConnectionUsedForInbuiltCmdlets IsEopSession"),
}

_RULE_KINDS = {
    "Priority": Kind.INT,
    "Size": Kind.INT,
    "RegexSize": Kind.INT,
    "DlpPolicyId": Kind.GUID,
    "ImmutableId": Kind.GUID,
    "ManuallyModified": Kind.BOOL,
    "IsRuleConfigurationSupported": Kind.BOOL,
    "UseLegacyRegex": Kind.BOOL,
    "RuleVersion": Kind.VERSION,
    "State": Kind.ENUM,
    "Conditions": Kind.RULE_LIST,
    "Exceptions": Kind.RULE_LIST,
    "Actions": Kind.RULE_LIST,
    "MessageContainsAllDataClassifications": Kind.RULE_LIST,
    "ExceptIfMessageContainsAllDataClassifications": Kind.RULE_LIST,
}
_BY_TYPE = {
    "Boolean": Kind.BOOL,
    "Int32": Kind.INT,
    "SclValue": Kind.INT,
    "DateTime": Kind.INSTANT,
    "ByteQuantifiedSize": Kind.SIZE,
    "MultiValuedProperty": Kind.RULE_LIST,
}


@cache
def _rule_kinds() -> dict[str, Kind]:
    tail = _kinds(" ".join(rule_properties()))
    parameters = cmdlets()["new-transportrule"].parameters
    kinds = {}
    for name in rule_properties():
        parameter = parameters.get(name.lower())
        kind = _RULE_KINDS.get(name, tail[name])
        if parameter is not None and name not in _RULE_KINDS:
            fallback = Kind.ENUM if parameter.values else Kind.STRING
            kind = Kind.RULE_LIST if parameter.type.endswith("[]") else _BY_TYPE.get(parameter.type, fallback)
        kinds[name] = kind
    return kinds


KINDS[RULE] = _rule_kinds()


def kind_of(name: str, value: Any) -> Kind:
    """The kind of a value, as its JSON shows it."""
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, int):
        return Kind.INT
    if isinstance(value, list):
        return Kind.LIST
    if isinstance(value, Mapping):
        return Kind.TABLE
    if isinstance(value, str) and re.fullmatch(r"/Date\(-?\d+\)/", value):
        return Kind.INSTANT_UTC if name.endswith("UTC") else Kind.INSTANT
    if isinstance(value, str) and re.fullmatch(r"(\d+\.)?\d\d:\d\d:\d\d(\.\d+)?", value):
        return Kind.TIMESPAN
    return {"Guid": Kind.GUID, "ExchangeObjectId": Kind.GUID}.get(name, Kind.STRING)


@cache
def organization_template() -> dict[str, Any]:
    """The properties of a real organization (2022, 253 of them) with their values, its name written as
    ``northwind.onmicrosoft.com``.
    """
    captured: dict[str, Any] = json.loads(
        (Path(__file__).parents[1] / "data/captures/Get-OrganizationConfig/3.json").read_text(encoding="utf-8")
    )
    return {name: value for name, value in captured.items() if not isinstance(value, dict)}


#: The tenant id is of no capture; whether the newest organizations show it is open.
KINDS[ORGANIZATION] = {
    **{name: kind_of(name, value) for name, value in organization_template().items()},
    "ExternalDirectoryOrganizationId": Kind.STRING,
}
