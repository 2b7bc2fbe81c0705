# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter binding, and what the cmdlets do to an organization."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.emulator import Organization
from tests.emulator.context import Outcome
from tests.emulator.errors import CmdletError, CmdletNotGranted
from tests.emulator.runner import granted, run
from tests.emulator.schema import cmdlets
from tests.emulator.values import convert

Shell = Callable[..., Outcome]


def test_unknown_parameter_is_worded_as_each_wire_words_it(organization: Organization) -> None:
    with pytest.raises(CmdletError, match="A parameter cannot be found that matches parameter name 'Bogus'"):
        run(organization, "Set-IRMConfiguration", {"Bogus": 1}, rest=False, prompts=False)
    with pytest.raises(CmdletError, match=r"Invalid cmdlet parameters specified\. Bogus"):
        run(organization, "Set-IRMConfiguration", {"Bogus": 1}, rest=True, prompts=False)


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "message"),
    [
        ("Set-OMEConfiguration", {"OTPEnabled": True}, "missing mandatory parameters: Identity"),
        ("Set-OMEConfiguration", {"Identity": "OME Configuration", "OTPEnabled": "yes"}, "Boolean"),
        ("Set-OMEConfiguration", {"Identity": "OME Configuration", "EmailText": "x" * 1025}, "maximum length is 1024"),
        ("Set-OMEConfiguration", {"Identity": "OME Configuration", "PortalText": "x" * 129}, "maximum length is 128"),
        (
            "Set-OMEConfiguration",
            {"Identity": "OME Configuration", "ExternalMailExpiryInDays": 7},
            "default configuration",
        ),
        ("Set-OMEConfiguration", {"Identity": "nobody", "OTPEnabled": True}, "object 'nobody' couldn't be found"),
        ("Remove-OMEConfiguration", {"Identity": "OME Configuration"}, "can't be removed"),
        ("New-OMEConfiguration", {"Identity": "OME Configuration"}, "already exists"),
        ("New-OMEConfiguration", {"Identity": "Weekly", "ExternalMailExpiryInDays": 731}, "between 0 and 730"),
        ("Set-IRMConfiguration", {"TransportDecryptionSetting": "Maybe"}, "valid enumerator name"),
        ("Set-IRMConfiguration", {"RMSOnlineKeySharingLocation": "https://x.example"}, "has been deprecated"),
        ("Set-IRMConfiguration", {"LicensingLocation": ["nowhere"]}, "absolute URL"),
        ("Set-ActiveSyncOrganizationSettings", {"UserMailInsert": "x" * 257}, "maximum length is 256"),
        ("Get-OMEMessageStatus", {"MessageId": "<none@contoso.com>"}, "couldn't be found"),
        (
            "Set-OMEMessageRevocation",
            {"MessageId": "<inline-1@contoso.onmicrosoft.com>", "Revoke": True},
            "can't be revoked",
        ),
        (
            "Set-OMEMessageRevocation",
            {"MessageId": "<portal-1@contoso.onmicrosoft.com>", "Revoke": None},
            "Cannot convert",
        ),
        ("Test-IRMConfiguration", {"Sender": "Alex", "Recipient": ["x@y.z"]}, "isn't correct"),
    ],
)
def test_refusals(
    shell: Shell, organization: Organization, cmdlet: str, parameters: dict[str, object], message: str
) -> None:
    before = organization.dump()
    with pytest.raises(CmdletError, match=message):
        shell(cmdlet, **parameters)
    assert organization.dump() == before


def test_enumerations_match_by_prefix_and_refuse_what_is_ambiguous(shell: Shell, organization: Organization) -> None:
    shell("Set-IRMConfiguration", TransportDecryptionSetting="mand")
    assert organization.state["irm_configuration"]["TransportDecryptionSetting"] == "Mandatory"
    shell("New-TransportRule", Name="r", ApplyRightsProtectionTemplate="Encrypt", Mode="Audit")
    with pytest.raises(CmdletError, match="multiple possible matches"):
        shell("Set-TransportRule", Identity="r", Mode="Au")


def test_unknown_ome_configuration_selects_everything(shell: Shell) -> None:
    shell("New-OMEConfiguration", Identity="Weekly", ExternalMailExpiryInDays=7)
    assert len(shell("Get-OMEConfiguration", Identity="nobody").records) == 2
    (found,) = shell("Get-OMEConfiguration", Identity="weekly").records
    assert found.values["ExternalMailExpiryInterval"] == "7.00:00:00"


def test_no_change_is_a_warning(shell: Shell) -> None:
    outcome = shell("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=True)
    assert outcome.warnings == [
        "The command completed successfully but no settings of 'OME Configuration' have been modified."
    ]


def test_null_clears_a_text_and_a_shell_binds_it_as_an_empty_one(organization: Organization) -> None:
    text = cmdlets()["set-omeconfiguration"].parameters["emailtext"]
    assert (convert(text, None, rest=False), convert(text, None, rest=True)) == ("", None)
    for rest in (True, False):
        for value in ("Hello", None):
            run(
                organization,
                "Set-OMEConfiguration",
                {"Identity": "OME Configuration", "EmailText": value},
                rest=rest,
                prompts=False,
            )
            assert organization.state["ome_configurations"][0]["EmailText"] == value


def test_an_expiry_may_be_a_fraction_of_days(shell: Shell, organization: Organization) -> None:
    shell("New-OMEConfiguration", Identity="Weekly", ExternalMailExpiryInDays=7.5)
    assert organization.state["ome_configurations"][1]["ExternalMailExpiryInterval"] == "7.12:00:00"
    with pytest.raises(CmdletError, match="between 0 and 730"):
        shell("Set-OMEConfiguration", Identity="Weekly", ExternalMailExpiryInDays=730.5)
    with pytest.raises(CmdletError, match=r"System\.Double"):
        shell("Set-OMEConfiguration", Identity="Weekly", ExternalMailExpiryInDays=True)


def test_advanced_cmdlets_are_hidden_without_the_license(organization: Organization) -> None:
    assert "New-OMEConfiguration" in granted(organization.state)
    organization.patch({"advanced_message_encryption": False})
    assert "New-OMEConfiguration" not in granted(organization.state)
    with pytest.raises(CmdletNotGranted):
        run(organization, "New-OMEConfiguration", {"Identity": "x"}, rest=False, prompts=False)


def test_prompts_fail_unless_answered(organization: Organization) -> None:
    def ask(cmdlet: str, **parameters: object) -> Outcome:
        return run(organization, cmdlet, parameters, rest=False, prompts=True)

    with pytest.raises(CmdletError, match="does not support user interaction"):
        ask("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False)
    ask("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False, Confirm=False)
    ask("Set-IRMConfiguration", EnablePdfEncryption=True)
    with pytest.raises(CmdletError, match="does not support user interaction"):
        ask("Set-IRMConfiguration", InternalLicensingEnabled=False)
    ask("Set-IRMConfiguration", InternalLicensingEnabled=False, Force=True)


def test_templates_vanish_with_internal_licensing_and_follow_the_language(
    shell: Shell, organization: Organization
) -> None:
    organization.patch({"locale": "fr-FR"})
    names = [record.values["Name"] for record in shell("Get-RMSTemplate").records]
    assert names[:2] == ["Chiffrer", "Ne pas transférer"]
    shell("Set-IRMConfiguration", InternalLicensingEnabled=False)
    assert shell("Get-RMSTemplate").records == []


def test_lists_over_rest_are_cleared_by_removal_only(organization: Organization) -> None:
    def rest(**parameters: object) -> Outcome:
        return run(organization, "Set-ActiveSyncOrganizationSettings", parameters, rest=True, prompts=False)

    recipients = ["a@contoso.com", "b@contoso.com"]
    rest(AdminMailRecipients=recipients)
    rest(AdminMailRecipients=[])
    stored = organization.state["activesync_organization_settings"]["AdminMailRecipients"]
    assert stored == recipients
    with pytest.raises(CmdletError, match="JObject"):
        rest(AdminMailRecipients={"Remove": recipients})
    rest(AdminMailRecipients={"@odata.type": "#Exchange.GenericHashTable", "Remove": recipients})
    assert organization.state["activesync_organization_settings"]["AdminMailRecipients"] == []


def test_irm_test_text(shell: Shell, organization: Organization) -> None:
    def text() -> str:
        (record,) = shell(
            "Test-IRMConfiguration",
            Sender="AlexW@contoso.onmicrosoft.com",
            Recipient=["MeganB@contoso.onmicrosoft.com"],
        ).records
        return str(record.values["Results"])

    assert text().endswith("OVERALL RESULT: PASS")
    organization.patch({"irm_test_failure": "encryption"})
    assert "- FAIL: Failed to verify encryption." in text()
    assert text().endswith("OVERALL RESULT: FAIL")


def test_on_premises_lacks_what_the_cloud_has() -> None:
    organization = Organization({"name": "contoso.com", "cloud": False})
    assert "Get-OMEConfiguration" not in granted(organization.state)
    (config,) = run(organization, "Get-OrganizationConfig", {}, rest=False, prompts=False).records
    assert "ExternalDirectoryOrganizationId" not in config.values
    with pytest.raises(CmdletError, match="AzureRMSLicensingEnabled"):
        run(organization, "Set-IRMConfiguration", {"AzureRMSLicensingEnabled": True}, rest=False, prompts=False)


def test_a_setting_can_be_ignored_silently(organization: Organization, shell: Shell) -> None:
    organization.patch({"ignored_parameters": ["Set-IRMConfiguration -EnablePdfEncryption"]})
    assert shell("Set-IRMConfiguration", EnablePdfEncryption=True).warnings == []
    shell("Set-IRMConfiguration", EnablePdfEncryption=True, SearchEnabled=False)
    assert organization.state["irm_configuration"]["EnablePdfEncryption"] is False
    assert organization.state["irm_configuration"]["SearchEnabled"] is False


def test_a_described_organization_has_defaults_for_the_rest() -> None:
    organization = Organization(
        {"name": "x.onmicrosoft.com", "ome_configurations": [{"Identity": "Weekly", "OTPEnabled": False}]}
    )
    (row,) = organization.state["ome_configurations"]
    assert row["OTPEnabled"] is False
    assert row["SocialIdSignIn"] is True
    with pytest.raises(ValueError, match="nonsense"):
        Organization({"nonsense": 1})
