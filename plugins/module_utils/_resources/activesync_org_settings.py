# SPDX-License-Identifier: GPL-3.0-or-later
"""The ActiveSync organization settings (Get- and Set-ActiveSyncOrganizationSettings)."""

from __future__ import annotations

from .._engine.plan import Impact, Phase
from .._exchange.kinds import Boolean, Choice, Name, Text
from .._exchange.list_kinds import Recipients
from .mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY
from .table import Field, Table

ACTIVESYNC_ORG_SETTINGS = Table(
    name="activesync_org_settings",
    subset="activesync_org_settings",
    noun="ActiveSyncOrganizationSettings",
    phase=Phase.POLICIES,
    fields=(
        Field("admin_mail_recipients", Recipients(multivalued=True), "AdminMailRecipients"),
        Field("allow_access_for_un_supported_platform", Boolean(), "AllowAccessForUnSupportedPlatform"),
        Field(
            "allow_rms_support_for_unenlightened_apps",
            Boolean(),
            "AllowRMSSupportForUnenlightenedApps",
            impacts={False: Impact.TAKES_AWAY, True: Impact.WIDENS},
            policies=(OWA_MAILBOX_POLICY, MOBILE_DEVICE_MAILBOX_POLICY),
        ),
        Field(
            "default_access_level",
            Choice("Allow", "Block", "Quarantine"),
            "DefaultAccessLevel",
            impacts={"Block": Impact.TAKES_AWAY, "Quarantine": Impact.TAKES_AWAY, "Allow": Impact.WIDENS},
            dangers=dict.fromkeys(
                ("Block", "Quarantine"), "This applies immediately, also to devices that are already connected."
            ),
        ),
        Field(
            "enable_mobile_mailbox_policy_when_ca_inplace",
            Boolean(),
            "EnableMobileMailboxPolicyWhenCAInplace",
            cloud_only=True,
        ),
        Field("ota_notification_mail_insert", Text(256), "OtaNotificationMailInsert"),
        # The values are not documented, so any value is accepted. A name cannot be cleared.
        Field("tenant_admin_preference", Name(64, clears=False), "TenantAdminPreference", cloud_only=True),
        Field("user_mail_insert", Text(256), "UserMailInsert"),
    ),
)
