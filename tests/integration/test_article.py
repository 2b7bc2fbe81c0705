# SPDX-License-Identifier: GPL-3.0-or-later
"""Every procedure of Microsoft's article "Manage Office 365 Message Encryption", on an organization that looks like the
captures.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.captured import captured_state

from .tenant import Tenant

M = "m365.message_encryption."
DEFAULT = "OME Configuration"
TEMPLATE = "One week expiration"
OUTGOING = "All outgoing mail"


def ome(**options: Any) -> dict[str, Any]:
    return {M + "ome_configuration": {"identity": DEFAULT, **options}}


def irm(**options: Any) -> dict[str, Any]:
    return {M + "irm_configuration": options}


def outgoing(template: str) -> dict[str, Any]:
    actions = {"apply_rights_protection_template": template, "apply_rights_protection_customization_template": TEMPLATE}
    return {
        M + "ome_transport_rule": {"name": OUTGOING, "conditions": {"from_scope": "InOrganization"}, "actions": actions}
    }


@pytest.mark.organizations(captured_state())
@pytest.mark.endpoint
def test_every_procedure_of_the_article(tenant: Tenant) -> None:
    rules_before = tenant.state()["transport_rules"]
    on = tenant.converge(
        ome(social_id_sign_in=False, otp_enabled=False),
        irm(
            azure_rms_licensing_enabled=True,
            simplified_client_access_enabled=True,
            decrypt_attachment_for_encrypt_only=True,
        ),
        {M + "activesync_org_settings": {"allow_rms_support_for_unenlightened_apps": True}},
        ome(identity=TEMPLATE, external_mail_expiry_in_days=7),
        outgoing("Encrypt"),
    ).after
    default, template = on["ome_configurations"]
    assert (default["SocialIdSignIn"], default["OTPEnabled"]) == (False, False)
    assert (template["Identity"], template["ExternalMailExpiryInterval"]) == (TEMPLATE, "7.00:00:00")
    assert on["irm_configuration"]["SimplifiedClientAccessEnabled"] is True
    assert on["irm_configuration"]["DecryptAttachmentForEncryptOnly"] is True
    assert on["activesync_organization_settings"]["AllowRMSSupportForUnenlightenedApps"] is True
    *others, rule = on["transport_rules"]
    assert others == rules_before, "the rules that were there are as they were"
    assert (
        rule["FromScope"],
        rule["ApplyRightsProtectionTemplate"],
        rule["ApplyRightsProtectionCustomizationTemplate"],
    ) == (
        "InOrganization",
        "Encrypt",
        TEMPLATE,
    )

    off = tenant.converge(
        ome(social_id_sign_in=True, otp_enabled=True),
        outgoing("Do Not Forward"),
        {M + "activesync_org_settings": {"allow_rms_support_for_unenlightened_apps": False}},
        irm(decrypt_attachment_for_encrypt_only=False),
        irm(simplified_client_access_enabled=False),
        irm(azure_rms_licensing_enabled=False),
    ).after
    assert (off["ome_configurations"][0]["SocialIdSignIn"], off["ome_configurations"][0]["OTPEnabled"]) == (True, True)
    assert off["transport_rules"][-1]["ApplyRightsProtectionTemplate"] == "Do Not Forward"
    assert off["activesync_organization_settings"]["AllowRMSSupportForUnenlightenedApps"] is False
    shown = {
        name: off["irm_configuration"][name]
        for name in ("DecryptAttachmentForEncryptOnly", "SimplifiedClientAccessEnabled", "AzureRMSLicensingEnabled")
    }
    assert set(shown.values()) == {False}


@pytest.mark.organizations(captured_state())
@pytest.mark.endpoint
def test_who_such_an_organization_is(tenant: Tenant) -> None:
    found = tenant.run({M + "exchange_connection_info": {}, "register": "found"})
    assert found.rc == 0, found.output
    assert found["exchange_connection_info"]["organization"]["name"] == tenant.organization
    read = tenant.run({M + "message_encryption_info": {}})
    assert read.rc == 0, read.output
    organization = read["message_encryption_info"]["organization"]
    assert (organization["is_dehydrated"], organization["on_premises"]) == (True, False)
    assert organization["tenant_id"] == tenant.emulator.organizations[tenant.organization].tenant_id, (
        "from the token, or from Get-ConnectionInformation"
    )
    assert len(read["message_encryption_info"]["transport_rules"]) == len(tenant.state()["transport_rules"])
