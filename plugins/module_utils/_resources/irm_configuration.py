# SPDX-License-Identifier: GPL-3.0-or-later
"""The IRM configuration (Get- and Set-IRMConfiguration)."""

from __future__ import annotations

from .._engine.plan import Impact, Phase
from .._exchange.kinds import Boolean, Choice, Text
from .._exchange.list_kinds import Locations
from .mailbox_policies import OWA_MAILBOX_POLICY
from .table import Field, Order, Table

#: Exchange lists RMS templates only while internal licensing is on, and only that list shows by which name an
#: organization knows a built-in template. Therefore rules are written before licensing is turned off, and planned again
#: after it is turned on.
_NAME_TEMPLATES = frozenset({Phase.RULES, Phase.RULE_ORDER, Phase.RULE_STATE, Phase.RULE_REMOVAL})

#: The settings without which nobody can protect mail.
LICENSING = ("azure_rms_licensing_enabled", "internal_licensing_enabled")

IRM_CONFIGURATION = Table(
    name="irm_configuration",
    subset="irm_configuration",
    noun="IRMConfiguration",
    phase=Phase.SETTINGS,
    # Force answers the prompt for a change of InternalLicensingEnabled.
    extra={"Force": True, "Confirm": False},
    fields=(
        Field("automatic_service_update_enabled", Boolean(), "AutomaticServiceUpdateEnabled", cloud_only=True),
        Field(
            "azure_rms_licensing_enabled",
            Boolean(),
            "AzureRMSLicensingEnabled",
            cloud_only=True,
            impacts={False: Impact.TAKES_AWAY},
            dangers={
                False: "Exchange Online stops using Azure Rights Management, which turns off message encryption for everybody."
            },
        ),
        Field(
            "decrypt_attachment_for_encrypt_only",
            Boolean(),
            "DecryptAttachmentForEncryptOnly",
            cloud_only=True,
            impacts={False: Impact.TAKES_AWAY, True: Impact.WIDENS},
            policies=(OWA_MAILBOX_POLICY,),
        ),
        Field("e_discovery_super_user_enabled", Boolean(), "EDiscoverySuperUserEnabled", impacts={True: Impact.WIDENS}),
        Field(
            "enable_pdf_encryption",
            Boolean(),
            "EnablePdfEncryption",
            cloud_only=True,
            impacts={True: Impact.TAKES_AWAY},
        ),
        Field("enable_portal_tracking_logs", Boolean(), "EnablePortalTrackingLogs", cloud_only=True),
        Field(
            "internal_licensing_enabled",
            Boolean(),
            "InternalLicensingEnabled",
            impacts={False: Impact.TAKES_AWAY},
            dangers={False: "Nobody can protect mail, and Exchange finds no RMS template."},
            order={True: Order(replans=_NAME_TEMPLATES), False: Order(phase=Phase.LICENSING_REMOVAL)},
        ),
        Field(
            "journal_report_decryption_enabled",
            Boolean(),
            "JournalReportDecryptionEnabled",
            impacts={True: Impact.WIDENS},
        ),
        Field("licensing_location", Locations(), "LicensingLocation"),
        Field(
            "reject_if_recipient_has_no_rights",
            Boolean(),
            "RejectIfRecipientHasNoRights",
            cloud_only=True,
            impacts={True: Impact.REJECTS},
        ),
        Field(
            "rms_online_key_sharing_location",
            Text(),
            "RMSOnlineKeySharingLocation",
            not_secret=True,
            cloud_only=True,
            refuse="Exchange deprecated it: Azure Rights Management manages the trusted publishing domain. Only an empty text is accepted.",
        ),
        Field("search_enabled", Boolean(), "SearchEnabled"),
        Field(
            "simplified_client_access_do_not_forward_disabled",
            Boolean(),
            "SimplifiedClientAccessDoNotForwardDisabled",
            cloud_only=True,
            impacts={True: Impact.TAKES_AWAY},
        ),
        Field(
            "simplified_client_access_enabled",
            Boolean(),
            "SimplifiedClientAccessEnabled",
            cloud_only=True,
            impacts={False: Impact.TAKES_AWAY},
            policies=(OWA_MAILBOX_POLICY,),
        ),
        Field(
            "simplified_client_access_encrypt_only_disabled",
            Boolean(),
            "SimplifiedClientAccessEncryptOnlyDisabled",
            cloud_only=True,
            impacts={True: Impact.TAKES_AWAY},
        ),
        Field(
            "transport_decryption_setting",
            Choice("Disabled", "Mandatory", "Optional"),
            "TransportDecryptionSetting",
            impacts={"Mandatory": Impact.REJECTS, "Disabled": Impact.TAKES_AWAY},
            dangers={
                "Mandatory": "Exchange rejects mail that it cannot decrypt in transport with a non-delivery report.",
                "Disabled": "Mail flow rules, journaling and malware scanning cannot read protected mail.",
            },
        ),
    ),
)
