# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the organization and of its policies: every option, bad input, overriding policies, and the way back from
what info returns.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.organization import default_state

from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
STATE = default_state(NAME)
LICENSED = STATE | {"advanced_message_encryption": True}
OWA, PHONES = STATE["owa_mailbox_policies"][0], STATE["mobile_device_mailbox_policies"][0]
POLICIES = STATE | {
    "owa_mailbox_policies": [OWA, {**OWA, "Name": "Frontline", "IRMEnabled": False}],
    "mobile_device_mailbox_policies": [PHONES, {**PHONES, "Name": "Kiosk", "IrmEnabled": False}],
}


def module(name: str, **options: Any) -> dict[str, Any]:
    return {f"m365.message_encryption.{name}": options}


IRM = module(
    "irm_configuration",
    automatic_service_update_enabled=False,
    azure_rms_licensing_enabled=True,
    decrypt_attachment_for_encrypt_only=True,
    e_discovery_super_user_enabled=False,
    enable_pdf_encryption=True,
    enable_portal_tracking_logs=True,
    internal_licensing_enabled=True,
    journal_report_decryption_enabled=False,
    licensing_location=["https://a.rms.na.aadrm.com/_wmcs/licensing", "https://rms.contoso.com/_wmcs/licensing"],
    reject_if_recipient_has_no_rights=True,
    rms_online_key_sharing_location="",
    search_enabled=False,
    simplified_client_access_do_not_forward_disabled=True,
    simplified_client_access_enabled=True,
    simplified_client_access_encrypt_only_disabled=True,
    transport_decryption_setting="Mandatory",
)
ACTIVESYNC = module(
    "activesync_org_settings",
    admin_mail_recipients=[f"Admins@{NAME}"],
    allow_access_for_un_supported_platform=True,
    allow_rms_support_for_unenlightened_apps=True,
    default_access_level="Quarantine",
    enable_mobile_mailbox_policy_when_ca_inplace=True,
    ota_notification_mail_insert="Update your device.",
    user_mail_insert="Ask the help desk.",
)
OFF = [
    module("irm_configuration", licensing_location=[]),
    module("activesync_org_settings", admin_mail_recipients=[], user_mail_insert=""),
]


@pytest.mark.organizations(LICENSED)
def test_every_setting_is_stored_and_lists_and_texts_are_cleared(tenant: Tenant) -> None:
    done = tenant.converge(IRM, ACTIVESYNC)
    assert done.after["irm_configuration"]["TransportDecryptionSetting"] == "Mandatory"
    assert (
        done.after["irm_configuration"]["LicensingLocation"]
        == IRM["m365.message_encryption.irm_configuration"]["licensing_location"]
    )
    assert done.after["activesync_organization_settings"]["DefaultAccessLevel"] == "Quarantine"
    assert any(
        warning.startswith("transport_decryption_setting Mandatory:")
        for warning in done.run["irm_configuration"]["warnings"]
    )
    assert any("already connected" in warning for warning in done.run["activesync_org_settings"]["warnings"])
    assert len(tenant.applied) == 2
    cleared = tenant.converge(*OFF)
    assert not cleared.after["irm_configuration"]["LicensingLocation"]
    assert not cleared.after["activesync_organization_settings"]["AdminMailRecipients"]


@pytest.mark.organizations(POLICIES)
def test_policies_one_all_and_the_warning_where_they_override(tenant: Tenant) -> None:
    done = tenant.converge(
        module("activesync_org_settings", allow_rms_support_for_unenlightened_apps=True),
        module("owa_mailbox_policy", identity="*", irm_enabled=True),
        module("mobile_device_mailbox_policy", identity="kiosk", irm_enabled=True),
    )
    for play in (done.check, done.run):
        assert [warning.partition(": ")[0] for warning in play["activesync_org_settings"]["warnings"]] == [
            f"allow_rms_support_for_unenlightened_apps has no effect for users of {name}"
            for name in ("Frontline", "Kiosk")
        ]
    assert "warnings" not in done.again["activesync_org_settings"]
    assert [row["IRMEnabled"] for row in done.after["owa_mailbox_policies"]] == [True, True]
    assert [row["IrmEnabled"] for row in done.after["mobile_device_mailbox_policies"]] == [True, True]
    assert set(done.run["owa_mailbox_policy"]["after"]) == {OWA["Name"], "Frontline"}


BAD = {
    "policy": (
        module("owa_mailbox_policy", identity="Backline", irm_enabled=True),
        "identity 'Backline' is not a policy of this organization.",
    ),
    "unknown": (
        module("irm_configuration", azure_rms=True, pdf=True),
        "azure_rms and pdf are not options: use automatic_service_update_enabled",
    ),
    "choice": (
        module("irm_configuration", transport_decryption_setting="Opt"),
        "transport_decryption_setting is 'Opt': use Disabled, Mandatory or Optional",
    ),
    "deprecated": (
        module("irm_configuration", rms_online_key_sharing_location="https://a/x"),
        "rms_online_key_sharing_location cannot be set",
    ),
    "no url": (
        module("irm_configuration", licensing_location=["rms"]),
        "licensing_location contains 'rms', which is not an absolute URL.",
    ),
    "yes": (
        module("irm_configuration", licensing_location=[True]),
        "licensing_location contains true, which is not text: put it in quotes",
    ),
    "name": (
        module("activesync_org_settings", admin_mail_recipients=["Admins"]),
        "admin_mail_recipients contains 'Admins', which is not an SMTP address",
    ),
    "long": (
        module("activesync_org_settings", user_mail_insert="x" * 257),
        "user_mail_insert has 257 characters; Exchange accepts at most 256.",
    ),
}


def test_bad_input_is_named_and_writes_nothing(tenant: Tenant) -> None:
    run = tenant.run(*({"name": name, "ignore_errors": True, **task} for name, (task, _message) in BAD.items()))
    for name, (_task, message) in BAD.items():
        assert run.task(name).outcome == "failed", name
        assert message in run[name]["msg"], (name, run[name]["msg"])
    assert tenant.applied == []


@pytest.mark.organizations(STATE | {"hidden_cmdlets": ["Set-IRMConfiguration"]})
def test_a_role_that_is_missing_is_named(tenant: Tenant) -> None:
    run = tenant.run(module("irm_configuration", search_enabled=False))
    assert run["irm_configuration"]["msg"].endswith(
        "Set-IRMConfiguration requires the role Information Rights Management."
    )
    assert run["irm_configuration"]["not_applied"] == [
        "Set-IRMConfiguration -SearchEnabled $false -Force:$true -Confirm:$false"
    ]


def _lasting(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without the time of their last change. A text that PowerShell clears is empty: it binds no null to a
    string.
    """
    return {name: None if value == "" else value for name, value in settings.items() if name != "WhenChanged"}


@pytest.mark.organizations(POLICIES | {"advanced_message_encryption": True})
def test_what_info_returns_puts_the_old_state_back(tenant: Tenant) -> None:
    before = tenant.state()
    run = tenant.run(
        {**module("message_encryption_info"), "register": "found"},
        module("message_encryption_state", state="{{ found }}"),
        IRM,
        ACTIVESYNC,
        module("owa_mailbox_policy", identity="*", irm_enabled=False),
        module("ome_configuration", portal_text="x"),
    )
    assert run.rc == 0, run.output
    assert not run["message_encryption_state"]["changed"]
    info = run["message_encryption_info"]
    assert [row["name"] for row in info["rms_templates"]] == [row["Name"] for row in before["rms_templates"]]
    assert all(row["guid"] for row in info["rms_templates"])
    state = module(
        "message_encryption_state",
        state={key: info[key] for key in info if key not in ("changed", "failed", "invocation", "warnings")},
    )
    assert tenant.state()["irm_configuration"] != before["irm_configuration"]
    tenant.converge(state)
    after = tenant.state()
    for part in ("irm_configuration", "activesync_organization_settings"):
        assert _lasting(after[part]) == _lasting(before[part])
    assert [row["IRMEnabled"] for row in after["owa_mailbox_policies"]] == [True, False]


def test_a_task_that_leaves_check_mode_writes_in_a_check(tenant: Tenant) -> None:
    """It is ansible-core's own switch, and the guide says so."""
    wish = module("irm_configuration", search_enabled=False)
    kept = tenant.run({**wish, "name": "kept", "check_mode": True}, arguments=[])
    assert (kept["kept"]["changed"], tenant.applied) == (True, [])
    left = tenant.run({**wish, "name": "left", "check_mode": False}, arguments=["--check"])
    assert left["left"]["changed"] is True
    assert len(tenant.applied) == 1
