# SPDX-License-Identifier: GPL-3.0-or-later
"""One Exchange organization: what it stores, and what a new one looks like.

The state is plain JSON under Exchange's own property names, so that a file can describe an organization completely.
Whatever a file leaves out has Exchange's documented default.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import compliance_objects
from .post_office.answers import checked as checked_answers
from .properties import IRM_ON_OFF
from .rules import filled
from .values import new_guid, now

DEFAULT_OME = "OME Configuration"
#: What nobody can change while an organization is dehydrated.
BUILT_IN_OWA_POLICY = "OwaMailboxPolicy-Default"

State = dict[str, Any]

#: What an organization can tell although it is not so: that a rule protects what goes out in clear, that refused mail
#: was delivered, that no rule acted, that those acted that did not.
LIES = frozenset({"clear", "delivered", "no rules", "other rules"})


def _guid(name: str, what: str) -> str:
    """A guid that is the same whenever the same organization is made."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{what}.{name}"))


def ome_configuration(identity: str) -> State:
    """A fresh OME configuration, as a live tenant showed its default one."""
    texts = dict.fromkeys(
        ("Image", "EmailText", "PortalText", "DisclaimerText", "BackgroundColor", "IntroductionText", "ReadButtonText")
    )
    return {
        "Identity": identity,
        **texts,
        "PrivacyStatementUrl": None,
        "OTPEnabled": True,
        "SocialIdSignIn": True,
        "ExternalMailExpiryInterval": "00:00:00",
    }


def _irm_configuration(*, cloud: bool) -> State:
    on = """InternalLicensingEnabled ExternalLicensingEnabled AutomaticServiceUpdateEnabled JournalReportDecryptionEnabled ClientAccessServerEnabled
        SearchEnabled EDiscoverySuperUserEnabled InternetConfidentialEnabled"""
    values: State = {name: name in on.split() for name in IRM_ON_OFF.split()}
    values |= {
        "TransportDecryptionSetting": "Optional",
        "LicensingLocation": [],
        "ServiceLocation": None,
        "PublishingLocation": None,
        "RMSOnlineKeySharingLocation": None,
        "SystemCleanupPeriod": 0,
        "ServerCertificatesVersion": 1,
        "SharedServerBoxRacIdentity": None,
        "RMSOnlineVersion": None,
        "WhenChanged": now(),
    }
    if not cloud:
        values |= {"InternalLicensingEnabled": False, "ExternalLicensingEnabled": False}
    return values


def _mobile_policy(name: str) -> State:
    return {
        "Name": name,
        "IsDefault": name == "Default",
        "Guid": new_guid(),
        "AllowSMIMEEncryptionAlgorithmNegotiation": "AllowAnyAlgorithmNegotiation",
        "AllowSMIMESoftCerts": True,
        "DeviceEncryptionEnabled": False,
        "IrmEnabled": True,
        "RequireDeviceEncryption": False,
        "RequireEncryptedSMIMEMessages": False,
        "RequireEncryptionSMIMEAlgorithm": "TripleDES",
        "RequireSignedSMIMEAlgorithm": "SHA1",
        "RequireSignedSMIMEMessages": False,
        "RequireStorageCardEncryption": False,
        "WhenChanged": now(),
    }


def _owa_policy(name: str) -> State:
    return {
        "Name": name,
        "IsDefault": True,
        "Guid": new_guid(),
        "IRMEnabled": True,
        "SMimeSuppressNameChecksEnabled": False,
        "WhenChanged": now(),
    }


def _accepted_domain(name: str) -> State:
    return {
        "DomainName": name,
        "DomainType": "Authoritative",
        "Default": False,
        "InitialDomain": name.endswith(".onmicrosoft.com"),
        "MatchSubDomains": False,
        "AuthenticationType": "Managed",
        "PendingRemoval": False,
        "OutboundOnly": False,
        "Name": name,
        "Guid": new_guid(),
    }


def _remote_domain(domain: str) -> State:
    return {
        "DomainName": domain,
        "IsInternal": False,
        "TargetDeliveryDomain": False,
        "AllowedOOFType": "External",
        "AutoReplyEnabled": True,
        "AutoForwardEnabled": True,
        "TrustedMailOutboundEnabled": False,
        "TrustedMailInboundEnabled": False,
        "Name": "Default" if domain == "*" else domain,
        "Guid": new_guid(),
        "WhenChanged": now(),
    }


def _mail_user(address: str) -> State:
    """A guest. Source: Microsoft's page of Get-MailUser, and of recipient types: a guest is a mail user of its own
    type.
    """
    return {
        "Name": address.replace("@", "_"),
        "Alias": address.partition("@")[0],
        "ExternalEmailAddress": f"SMTP:{address}",
        "RecipientType": "MailUser",
        "RecipientTypeDetails": "GuestMailUser",
    }


def _inbound_connector(name: str) -> State:
    return {
        "Enabled": True,
        "ConnectorType": "OnPremises",
        "ConnectorSource": "AdminUI",
        "Comment": "",
        "SenderIPAddresses": [],
        "SenderDomains": ["smtp:*;1"],
        "RequireTls": True,
        "CloudServicesMailEnabled": False,
        "TreatMessagesAsInternal": False,
        "TlsSenderCertificateName": None,
        "Name": name,
        "Guid": new_guid(),
        "WhenChangedUTC": now(),
    }


def _outbound_connector(name: str) -> State:
    """A connector with the defaults of New-OutboundConnector. Source: Microsoft's page of the cmdlet, and a captured
    connector.
    """
    return {
        "Enabled": True,
        "UseMXRecord": True,
        "Comment": "",
        "ConnectorType": "Partner",
        "ConnectorSource": "Default",
        "RecipientDomains": [],
        "SmartHosts": [],
        "TlsDomain": None,
        "TlsSettings": None,
        "IsTransportRuleScoped": False,
        "RouteAllMessagesViaOnPremises": False,
        "CloudServicesMailEnabled": False,
        "AllAcceptedDomains": False,
        "SenderRewritingEnabled": False,
        "MtaStsMode": "Opportunistic",
        "SmtpDaneMode": "Opportunistic",
        "TestMode": False,
        "ValidationRecipients": [],
        "IsValidated": False,
        "Name": name,
        "Guid": new_guid(),
        "WhenChangedUTC": now(),
    }


def _template(name: str, organization: str, **localized: str) -> State:
    return {
        "Name": name,
        "Description": "",
        "Type": "Distributed",
        "TemplateGuid": _guid(organization, name),
        "Localized": localized,
    }


def default_state(name: str = "contoso.onmicrosoft.com", *, cloud: bool = True) -> State:
    """The state of an organization in which nobody has changed anything.

    Beside Exchange's own objects it holds what decides how the service behaves:

    * ``cloud``: false for an on-premises organization.
    * ``advanced_message_encryption``: whether the license is there.
    * ``dehydrated``: whether nobody has run Enable-OrganizationCustomization yet; every new organization is.
    * ``shows_tenant_id``: whether Get-OrganizationConfig has a property for it. In no capture it has.
    * ``retired_actions_refused``: whether a rule can no longer get an action of OMEv1.
    * ``hidden_cmdlets``, ``hidden_parameters`` (``"Set-X -Y"``): what roles, licenses or roll-outs keep from the
      caller.
    * ``ignored_parameters`` (``"Set-X -Y"``): accepted, and silently not stored.
    * ``added_properties`` (``{"Get-X": {...}}``) and ``dropped_properties`` (``{"Get-X": [...]}``): output drift.
    * ``flickering_properties`` (``{"Get-X": [...]}``): in every second answer only.
    * ``locale``: language of template names and messages.
    * ``image_output``: ``bytes``, ``integers`` (REST shows numbers instead of base64) or ``url`` (only ImageUrl is
      filled).
    * ``reorder_lists``: lists of predicates come back in another order than they were sent.
    * ``page_size``: the most objects of one REST answer, whatever the caller prefers; 0 for no limit of its own.
      ``page_links``: ``post`` (the same body again) or ``expired`` (following one fails).
    * ``batch_order``: in which order the parts of a batch run: ``given``, ``reversed``, ``reads_first`` or
      ``reads_last``.
    * ``error_details``: ``pipe``, ``json`` or ``inner``, the form of an error's text over REST.
    * ``message_trace``: rows as ``message_trace.row`` makes them; ``message_trace_quota``: queries that are allowed in
      5 minutes.
    * ``rule_report``, ``dlp_report``, ``encryption_report``, ``message_trace_details``: rows as ``rule_reports`` makes them;
      ``report_hours_late``: how late reports are.
    * ``answers``: to the open questions about mail flow, for mail that is sent (``post_office.answers``); ``mail_service``:
      how sending and reading behave; ``mail_grants``: the mailboxes that the application may ``send`` from and ``read``;
      ``mailboxes``, ``left``: what was delivered, and what went to addresses outside; ``lies``: what the organization
      tells although it is not so. The README has their values.
    * ``smtp_client``: the address from which mail over SMTP is said to come; ``reject_direct_send``: such mail with an
      envelope's sender of the organization's own is refused.
    * ``dlp_policies``, ``dlp_rules``, ``labels``, ``label_policies``, ``auto_label_policies``, ``auto_label_rules``: as
      ``compliance_objects`` completes them; ``compliance_place``: where the compliance endpoint's front redirects to,
      empty for nowhere; ``compliance_role``: whether the caller has a role of Entra that this endpoint knows, which
      Exchange Administrator is not; ``compliance_of``: the organization that a shell's session with this endpoint is
      in, if not this one.
    * ``irm_test_failure``: the step at which Test-IRMConfiguration fails, empty for a pass.
    """
    domain = name.partition(".")[0]
    return {
        "name": name,
        "tenant_id": _guid(name, "tenant"),
        "guid": _guid(name, "organization"),
        "display_name": domain.capitalize(),
        "dehydrated": False,
        "shows_tenant_id": False,
        "cloud": cloud,
        "locale": "en-US",
        "advanced_message_encryption": False,
        "retired_actions_refused": True,
        "hidden_cmdlets": [],
        "hidden_parameters": [],
        "ignored_parameters": [],
        "added_properties": {},
        "dropped_properties": {},
        "flickering_properties": {},
        "image_output": "bytes",
        "reorder_lists": False,
        "page_size": 0,
        "page_links": "post",
        "batch_order": "given",
        "error_details": "pipe",
        "irm_test_failure": "",
        "administrator": "Administrator",
        "ome_configurations": [ome_configuration(DEFAULT_OME)] if cloud else [],
        "irm_configuration": _irm_configuration(cloud=cloud),
        "activesync_organization_settings": {
            "DefaultAccessLevel": "Allow",
            "TenantAdminPreference": None,
            "UserMailInsert": None,
            "AllowAccessForUnSupportedPlatform": False,
            "EnableMobileMailboxPolicyWhenCAInplace": False,
            "AllowRMSSupportForUnenlightenedApps": False,
            "AdminMailRecipients": [],
            "OtaNotificationMailInsert": None,
            "IsIntuneManaged": False,
            "HasAzurePremiumSubscription": False,
            "Guid": _guid(name, "activesync"),
            "WhenChanged": now(),
        },
        "transport_rules": [],
        "dlp_policies": [],
        "dlp_rules": [],
        "labels": [],
        "label_policies": [],
        "auto_label_policies": [],
        "auto_label_rules": [],
        "compliance_place": "nam10b",
        "compliance_role": False,
        "compliance_of": "",
        "rms_templates": [
            _template("Encrypt", name, fr="Chiffrer", de="Verschlüsseln"),
            _template("Do Not Forward", name, fr="Ne pas transférer", de="Nicht weiterleiten"),
            _template("Confidential \\ All Employees", name),
            _template("Highly Confidential \\ All Employees", name),
        ],
        "owa_mailbox_policies": [_owa_policy(BUILT_IN_OWA_POLICY)],
        "mobile_device_mailbox_policies": [_mobile_policy("Default")],
        "transport_config": {
            "AllowLegacyTLSClients": None,
            "TLSReceiveDomainSecureList": [],
            "TLSSendDomainSecureList": [],
            "VerifySecureSubmitEnabled": False,
        },
        "accepted_domains": [{**_accepted_domain(name), "Default": True}],
        "remote_domains": [_remote_domain("*")],
        "inbound_connectors": [],
        "outbound_connectors": [],
        "mail_users": [],
        "journal_rules": [],
        "recipients": [
            {"name": "Alex Wilber", "alias": "AlexW", "address": f"AlexW@{name}"},
            {"name": "Megan Bowen", "alias": "MeganB", "address": f"MeganB@{name}"},
            {"name": "Executives", "alias": "executives", "address": f"executives@{name}"},
            {"name": "Legal", "alias": "legal", "address": f"legal@{name}"},
        ],
        "message_trace": [],
        "message_trace_quota": 100,
        "message_trace_queries": [],
        "message_trace_details": [],
        "message_trace_detail_queries": [],
        "rule_report": [],
        "dlp_report": [],
        "encryption_report": [],
        "report_hours_late": 0,
        "answers": {},
        "mail_service": {
            "message_id": "kept",
            "blind_recipients": "kept",
            "inner_text": "wrapper",
            "large_mime": "refused",
            "rejects_outsiders": "bounce",
            "rule_names": True,
            "trace_queries_late": 0,
            "trace_seconds": 0,
            "detail_seconds": 0,
            "copy_seconds": 0,
            "rules_seconds": 0,
            "sends_a_minute": 30,
        },
        "mail_grants": {"send": [], "read": []},
        "mail_sent_at": {},
        "mailboxes": {},
        "left": [],
        "lies": [],
        "smtp_client": "203.0.113.25",
        "reject_direct_send": False,
        "messages": [
            {"MessageId": f"<portal-1@{name}>", "Subject": "Quarterly figures", "IsRevocable": True, "Revoked": False},
            {"MessageId": f"<inline-1@{name}>", "Subject": "Lunch", "IsRevocable": False, "Revoked": False},
        ],
    }


class Organization:
    """An organization's state behind a lock. Cmdlets read :attr:`state` and replace it as a whole with :meth:`commit`."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.lock = threading.RLock()
        self.state: State = {}
        self.replace(state or {})

    @property
    def name(self) -> str:
        return str(self.state["name"])

    @property
    def tenant_id(self) -> str:
        return str(self.state["tenant_id"])

    @property
    def cloud(self) -> bool:
        return bool(self.state["cloud"])

    def replace(self, state: Mapping[str, Any]) -> None:
        """The organization is now what ``state`` says, with defaults for what it leaves out."""
        self.commit(complete(state, name=self.state.get("name"), cloud=self.state.get("cloud")))

    def patch(self, changes: Mapping[str, Any]) -> None:
        """Dictionaries are merged, everything else is replaced."""
        with self.lock:
            merged = _merged(self.state, changes)
            _check_mail(merged)
            self.commit(merged)

    def commit(self, state: State) -> None:
        with self.lock:
            for priority, rule in enumerate(state["transport_rules"]):
                rule["Priority"] = priority
            self.state = state

    def dump(self) -> State:
        with self.lock:
            return copy.deepcopy(self.state)

    def answers_to(self, identifier: str) -> bool:
        """Whether a tenant segment of a URL means this organization."""
        return self.is_addressed_well_by(identifier) or identifier.lower() in (
            row["DomainName"].lower() for row in self.state["accepted_domains"]
        )

    def is_addressed_well_by(self, identifier: str) -> bool:
        """Whether it means the organization by its tenant id or its initial domain. By another domain, further pages
        are refused [Microsoft Q&A 1023619].
        """
        return identifier.lower() in (self.name.lower(), self.tenant_id.lower())

    @classmethod
    def load(cls, path: Path) -> Organization:
        return cls(json.loads(path.read_text(encoding="utf-8")))


def complete(state: Mapping[str, Any], *, name: str | None = None, cloud: bool | None = None) -> State:
    """``state`` with defaults for what it leaves out, also inside rules, configurations and policies.

    :raises ValueError: a key that no organization has.
    """
    name = state.get("name", name or "contoso.onmicrosoft.com")
    cloud = state.get("cloud", True if cloud is None else cloud)
    defaults = default_state(name, cloud=cloud)
    unknown = set(state) - set(defaults)
    if unknown:
        raise ValueError(f"unknown keys of an organization's state: {', '.join(sorted(unknown))}")
    whole = _merged(defaults, state)
    _check_mail(whole)
    whole["ome_configurations"] = [{**ome_configuration(row["Identity"]), **row} for row in whole["ome_configurations"]]
    whole["owa_mailbox_policies"] = [{**_owa_policy(row["Name"]), **row} for row in whole["owa_mailbox_policies"]]
    whole["mobile_device_mailbox_policies"] = [
        {**_mobile_policy(row["Name"]), **row} for row in whole["mobile_device_mailbox_policies"]
    ]
    whole["accepted_domains"] = [{**_accepted_domain(row["DomainName"]), **row} for row in whole["accepted_domains"]]
    compliance_objects.complete(whole)
    whole["remote_domains"] = [{**_remote_domain(row["DomainName"]), **row} for row in whole["remote_domains"]]
    whole["mail_users"] = [{**_mail_user(row["PrimarySmtpAddress"]), **row} for row in whole["mail_users"]]
    whole["journal_rules"] = [
        {"Recipient": None, "Scope": "Global", "Enabled": True, **row} for row in whole["journal_rules"]
    ]
    whole["inbound_connectors"] = [{**_inbound_connector(row["Name"]), **row} for row in whole["inbound_connectors"]]
    whole["outbound_connectors"] = [{**_outbound_connector(row["Name"]), **row} for row in whole["outbound_connectors"]]
    # Rules that a file describes may leave out all that the service would have filled in.
    head = {
        "State": "Enabled",
        "Mode": "Enforce",
        "RuleErrorAction": "Ignore",
        "SenderAddressLocation": "Header",
        "RecipientAddressType": "Resolved",
    }
    whole["transport_rules"] = [
        filled({**head, "Guid": _guid(name, row["Name"]), "WhenChanged": now(), **row})
        for row in sorted(whole["transport_rules"], key=lambda row: row.get("Priority", len(whole["transport_rules"])))
    ]
    return whole


def _check_mail(state: Mapping[str, Any]) -> None:
    """:raises ValueError: a switch of mail, an answer or a lie that is none."""
    if unknown := set(state["mail_service"]) - set(default_state()["mail_service"]):
        raise ValueError(f"unknown keys of mail_service: {', '.join(sorted(unknown))}")
    if unknown := set(state["lies"]) - LIES:
        raise ValueError(f"unknown lies: {', '.join(sorted(unknown))}")
    checked_answers(state["answers"])


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> State:
    merged = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged
