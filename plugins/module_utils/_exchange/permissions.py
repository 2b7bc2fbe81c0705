# SPDX-License-Identifier: GPL-3.0-or-later
"""Which role or license grants a cmdlet.

The roles are from Microsoft365DSC's resources for the same cmdlets and from Microsoft's pages on permissions. The least
privileged role for OME configurations is not documented and was not tested: the sources name several roles together
(Compliance Admin, Security Admin, Transport Rules, Information Rights Management).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .cmdlet import CMDLETS
from .errors import ExchangeError, NotCapturedError, NotSentError, PermissionDeniedError
from .organization import Organization

#: Cmdlets that require the license Advanced Message Encryption.
ADVANCED_MESSAGE_ENCRYPTION = frozenset(
    {"New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"}
)

#: Cmdlets of which Microsoft's pages do not name the role.
REPORTS = frozenset(
    {"Get-MailDetailTransportRuleReport", "Get-MailDetailDlpPolicyReport", "Get-MailTrafficEncryptionReport"}
)

#: A cmdlet that Microsoft retires, so that an organization without it lacks no permission. Source: Microsoft's pages of the
#: reports of DLP.
RETIRED = frozenset({"Get-MailDetailDlpPolicyReport"})

#: Cmdlets that Exchange on-premises does not have.
CLOUD_ONLY = ADVANCED_MESSAGE_ENCRYPTION | {
    "Get-OMEConfiguration",
    "Set-OMEConfiguration",
    "Get-InboundConnector",
    "Get-OutboundConnector",
    "Get-MessageTraceV2",
    "Get-MessageTraceDetailV2",
    *REPORTS,
    "Get-DynamicDistributionGroupMember",
    "Get-UnifiedGroupLinks",
}

#: A cmdlet that only experiments call, which do without it if they are told to. Roles that only read do not have it, so an
#: organization without it lacks no permission for anything else. Source: Microsoft's page of Get-InboxRule.
EXPERIMENT_ONLY = frozenset({"Get-InboxRule"})

_ROLES = {
    "OMEConfiguration": ("View-Only Configuration", "Information Rights Management"),
    "IRMConfiguration": ("View-Only Configuration", "Information Rights Management"),
    "TransportRule": ("View-Only Configuration", "Transport Rules"),
    "RMSTemplate": ("View-Only Configuration", "Information Rights Management"),
    "TransportConfig": ("View-Only Configuration", "Organization Transport Settings"),
    "OrganizationConfig": ("View-Only Configuration", "Organization Configuration"),
    "ActiveSyncOrganizationSettings": ("View-Only Configuration", "Organization Client Access"),
    "OwaMailboxPolicy": ("View-Only Configuration", "Recipient Policies"),
    "MobileDeviceMailboxPolicy": ("View-Only Configuration", "Recipient Policies"),
    "AcceptedDomain": ("View-Only Configuration", "Remote and Accepted Domains"),
    "RemoteDomain": ("View-Only Configuration", "Remote and Accepted Domains"),
    "InboundConnector": ("View-Only Configuration", "Remote and Accepted Domains"),
    "OutboundConnector": ("View-Only Configuration", "Remote and Accepted Domains"),
    "JournalRule": ("View-Only Configuration", "Journaling"),
    "MailUser": ("View-Only Recipients", "Mail Recipients"),
    "DistributionGroupMember": ("View-Only Recipients", "Distribution Groups"),
    "DynamicDistributionGroupMember": ("View-Only Recipients", "Distribution Groups"),
    "UnifiedGroupLinks": ("View-Only Recipients", "Mail Recipients"),
    "MessageTraceV2": ("View-Only Recipients", "Message Tracking"),
    "MessageTraceDetailV2": ("View-Only Recipients", "Message Tracking"),
    "Recipient": ("View-Only Recipients", "Mail Recipients"),
    "Mailbox": ("View-Only Recipients", "Mail Recipients"),
    "InboxRule": ("Mail Recipients", "User Options"),
}


#: What grants the cmdlets of the compliance endpoint. Source: Microsoft's page of app-only authentication for Exchange
#: Online and Security & Compliance PowerShell; which role is the least privileged is not documented.
COMPLIANCE_REMEDY = (
    "DLP policies and labels need the directory role Security Reader, Global Reader or Compliance Administrator (Exchange Administrator is not enough), "
    "and the application permission Exchange.ManageAsApp, in GCC High and DoD also that of Microsoft Exchange Online Protection."
)


def why_not_read(error: ExchangeError) -> str:
    """Why the compliance endpoint did not show something, as a sentence that is the same for all that it did not show for
    that reason; empty for an error that is about one read alone.
    """
    if isinstance(error, NotCapturedError):
        return "The capture does not have them."
    if isinstance(error, PermissionDeniedError):
        return COMPLIANCE_REMEDY
    if isinstance(error, NotSentError):
        return f"{error.message[:1].upper()}{error.message[1:]} {error.remedy}".rstrip()
    return ""


def _granted_by(cmdlet: str) -> str:
    verb, _dash, noun = cmdlet.partition("-")
    if cmdlet in ADVANCED_MESSAGE_ENCRYPTION:
        return "the license Advanced Message Encryption"
    if cmdlet in REPORTS:
        return "permissions that Microsoft's pages do not name"
    to_read, to_write = _ROLES[noun]
    return f"the role {to_read} or {to_write}" if verb == "Get" else f"the role {to_write}"


#: Cmdlet to the role or license that grants it.
GRANTED_BY: dict[str, str] = {cmdlet: _granted_by(cmdlet) for cmdlet in CMDLETS}


def missing_cmdlets(granted: Collection[str], *, on_premises: bool) -> dict[str, str]:
    """Each cmdlet that the collection needs and the session does not have, with what grants it."""
    optional = RETIRED | EXPERIMENT_ONLY | (CLOUD_ONLY if on_premises else frozenset())
    needed = [cmdlet for cmdlet in CMDLETS if cmdlet not in optional]
    return {cmdlet: GRANTED_BY[cmdlet] for cmdlet in needed if cmdlet not in granted}


def missing_sentences(missing: Mapping[str, str]) -> list[str]:
    """What is missing, for people: a sentence for each role or license."""
    by_grant: dict[str, list[str]] = {}
    for cmdlet, grant in missing.items():
        by_grant.setdefault(grant, []).append(cmdlet)
    return [
        f"{', '.join(cmdlets)} {'are not granted. They come' if len(cmdlets) > 1 else 'is not granted. It comes'} with {grant}."
        for grant, cmdlets in by_grant.items()
    ]


def not_granted(organization: Organization, cmdlets: Iterable[str]) -> list[str]:
    """A sentence for each of these cmdlets that the session does not have. None if its cmdlets were not read."""
    if "exported_cmdlets" not in organization.subsets or organization.error("exported_cmdlets") is not None:
        return []
    granted = {str(item["Name"]) for item in organization.objects("exported_cmdlets")}
    missing = sorted(set(cmdlets) - granted) if granted else []
    return [
        f"{cmdlet} is not granted to this session. It requires {GRANTED_BY.get(cmdlet, 'an Exchange role')}."
        for cmdlet in missing
    ]


def lacks_roles(missing: Mapping[str, str]) -> bool:
    """Whether a cmdlet is missing that a role would grant."""
    return any(cmdlet not in ADVANCED_MESSAGE_ENCRYPTION | REPORTS for cmdlet in missing)
