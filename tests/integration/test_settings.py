# SPDX-License-Identifier: GPL-3.0-or-later
"""The organization-wide settings: checked, changed, and left alone when they are right."""

from __future__ import annotations

import re

from .tenant import Tenant

IRM = {
    "m365.message_encryption.irm_configuration": {
        "azure_rms_licensing_enabled": True,
        "decrypt_attachment_for_encrypt_only": True,
    }
}
ACTIVESYNC = {"m365.message_encryption.activesync_org_settings": {"allow_rms_support_for_unenlightened_apps": True}}
PORTAL = {
    "m365.message_encryption.ome_configuration": {"social_id_sign_in": False, "portal_text": "Contoso secure mail"}
}


def test_settings_converge(tenant: Tenant) -> None:
    done = tenant.converge(IRM, ACTIVESYNC, PORTAL)
    assert done.run.changed == ["irm_configuration", "activesync_org_settings", "ome_configuration"]
    assert done.after["irm_configuration"]["AzureRMSLicensingEnabled"] is True
    assert done.after["irm_configuration"]["DecryptAttachmentForEncryptOnly"] is True
    assert done.after["activesync_organization_settings"]["AllowRMSSupportForUnenlightenedApps"] is True
    (portal,) = done.after["ome_configurations"]
    assert (portal["SocialIdSignIn"], portal["PortalText"]) == (False, "Contoso secure mail")
    assert [call.cmdlet for call in tenant.applied] == [
        "Set-IRMConfiguration",
        "Set-ActiveSyncOrganizationSettings",
        "Set-OMEConfiguration",
    ]


def test_what_somebody_else_changes_is_found(tenant: Tenant) -> None:
    tenant.converge(PORTAL)
    tenant.edit("Set-OMEConfiguration", Identity="OME Configuration", PortalText="Welcome")
    run = tenant.run(PORTAL)
    assert [change["option"] for change in run["ome_configuration"]["changes"]] == ["portal_text"]
    assert tenant.state()["ome_configurations"][0]["PortalText"] == "Contoso secure mail"


def test_a_long_wait_is_said_while_it_lasts(tenant: Tenant) -> None:
    tenant.emulator.organizations[tenant.organization].patch(
        {"ignored_parameters": ["Set-IRMConfiguration -SearchEnabled"]}
    )
    run = tenant.run({"m365.message_encryption.irm_configuration": {"search_enabled": False, "verify_timeout": 30}})
    assert run.rc == 2
    assert re.search(
        rf"\[{tenant.host}\] Exchange does not show search_enabled on every server yet. Waited \d+ of 30 s\.",
        run.stdout,
    )
