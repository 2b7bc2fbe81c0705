# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of one object, and the fields that they consist of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    NotFoundError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Boolean, Integer, Text
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import (
    MOBILE_DEVICE_MAILBOX_POLICY,
    OWA_MAILBOX_POLICY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import (
    converge_policies,
    converge_settings,
    declared,
    plan_settings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table

from tests.unit.fake_session import FakeSession, task

POLICIES = {
    "OwaMailboxPolicy": [{"Identity": "Default", "IRMEnabled": True}, {"Identity": "Frontline", "IRMEnabled": False}]
}


def irm(**stored: Any) -> FakeSession:
    return FakeSession({"IRMConfiguration": [{"Identity": "ControlPoint Configuration", **stored}], **POLICIES})


def params(table: Table, **given: Any) -> dict[str, Any]:
    return {**{row.option: None for row in table.fields}, **given}


def test_only_the_difference_is_sent() -> None:
    session = irm(SearchEnabled=True, EnablePdfEncryption=False)
    result = converge_settings(
        task(session, **params(IRM_CONFIGURATION, search_enabled=True, enable_pdf_encryption=True)), IRM_CONFIGURATION
    )
    (call,) = session.writes
    assert call.parameters == {"EnablePdfEncryption": True, "Force": True, "Confirm": False}
    assert result["before"] == {"search_enabled": True, "enable_pdf_encryption": False}
    (change,) = result["changes"]
    assert (change["option"], change["before"], change["after"], change["impact"]) == (
        "enable_pdf_encryption",
        False,
        True,
        "takes away",
    )


def test_no_option_is_no_change() -> None:
    session = irm(SearchEnabled=True)
    assert converge_settings(task(session, **params(IRM_CONFIGURATION)), IRM_CONFIGURATION)["changed"] is False
    assert session.writes == []


@pytest.mark.parametrize(
    ("stored", "wanted", "sent"),
    [
        ([], ["https://a/x", "https://b/y"], ["https://a/x", "https://b/y"]),
        ("https://a/x", ["https://a/x/"], None),
        (["https://A/x", "https://b/y"], ["https://b/y", "https://a/x"], ["https://b/y", "https://a/x"]),
        (["https://a/x", "https://b/y"], [], {"Remove": ["https://a/x", "https://b/y"]}),
        (None, [], None),
    ],
)
def test_licensing_locations_are_an_ordered_list(stored: Any, wanted: list[str], sent: Any) -> None:
    plan = plan_settings(
        IRM_CONFIGURATION, declared(IRM_CONFIGURATION, {"licensing_location": wanted}), {"LicensingLocation": stored}
    )
    assert [step.call.parameters["LicensingLocation"] for step in plan.steps] == ([] if sent is None else [sent])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("licensing_location", ["somewhere"], "licensing_location contains 'somewhere', which is not an absolute URL."),
        (
            "rms_online_key_sharing_location",
            "https://a/x",
            "rms_online_key_sharing_location cannot be set: Exchange deprecated it",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_options_name(option: str, value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("(", r"\(")):
        declared(IRM_CONFIGURATION, {option: value})


def test_a_dangerous_value_is_warned_of_even_where_it_is_there_already() -> None:
    session = irm(TransportDecryptionSetting="Mandatory")
    done = task(session, **params(IRM_CONFIGURATION, transport_decryption_setting="Mandatory"))
    converge_settings(done, IRM_CONFIGURATION)
    assert done.warnings == [
        "transport_decryption_setting Mandatory: Exchange rejects mail that it cannot decrypt in transport with a non-delivery report."
    ]
    off = task(irm(), **params(IRM_CONFIGURATION, azure_rms_licensing_enabled=False))
    converge_settings(off, IRM_CONFIGURATION)
    assert off.warnings[0].startswith("azure_rms_licensing_enabled false: ")


def test_a_policy_that_overrides_is_warned_of() -> None:
    session = irm(SimplifiedClientAccessEnabled=True)
    done = task(session, **params(IRM_CONFIGURATION, simplified_client_access_enabled=True))
    converge_settings(done, IRM_CONFIGURATION)
    assert done.warnings == [
        "simplified_client_access_enabled has no effect for users of Frontline: IRM is off in their policy (OwaMailboxPolicy)."
    ]
    assert [[call.cmdlet for call in calls] for calls in session.reads] == [
        ["Get-IRMConfiguration", "Get-OwaMailboxPolicy"]
    ]


def test_policies_are_not_read_where_they_override_nothing() -> None:
    session = irm(SimplifiedClientAccessEnabled=False)
    done = task(session, **params(IRM_CONFIGURATION, simplified_client_access_enabled=False))
    converge_settings(done, IRM_CONFIGURATION)
    assert ([[call.cmdlet for call in calls] for calls in session.reads], done.warnings) == (
        [["Get-IRMConfiguration"]],
        [],
    )


def test_policies_that_may_not_be_read_are_no_hindrance_and_those_that_fail_are() -> None:
    session = irm(SimplifiedClientAccessEnabled=True)
    del session.objects["OwaMailboxPolicy"]
    session.errors["OwaMailboxPolicy"] = CmdletNotAvailableError("no")
    wanted = params(IRM_CONFIGURATION, simplified_client_access_enabled=True)
    assert converge_settings(task(session, **wanted), IRM_CONFIGURATION)["changed"] is False
    session.errors["OwaMailboxPolicy"] = ExchangeError("broken")
    with pytest.raises(ExchangeError, match="broken"):
        converge_settings(task(session, **wanted), IRM_CONFIGURATION)


def test_the_settings_of_phones_mind_both_kinds_of_policies() -> None:
    objects = {
        "ActiveSyncOrganizationSettings": [{"Identity": "x", "AllowRMSSupportForUnenlightenedApps": False}],
        "OwaMailboxPolicy": [{"Identity": "Default", "IRMEnabled": True}],
        "MobileDeviceMailboxPolicy": [{"Identity": "Phones", "IrmEnabled": False}],
    }
    done = task(FakeSession(objects), **params(ACTIVESYNC_ORG_SETTINGS, allow_rms_support_for_unenlightened_apps=True))
    converge_settings(done, ACTIVESYNC_ORG_SETTINGS)
    assert done.warnings == [
        "allow_rms_support_for_unenlightened_apps has no effect for users of Phones: IRM is off in their policy (MobileDeviceMailboxPolicy)."
    ]


def test_what_exchange_on_premises_lacks_is_refused_before_a_write() -> None:
    session = irm(AzureRMSLicensingEnabled=False, SearchEnabled=False)
    wanted = params(IRM_CONFIGURATION, azure_rms_licensing_enabled=True, search_enabled=True)
    with pytest.raises(OptionError, match=r"azure_rms_licensing_enabled: available only in Exchange Online"):
        converge_settings(task(session, on_premises=True, **wanted), IRM_CONFIGURATION)
    assert session.writes == []
    assert converge_settings(
        task(session, on_premises=True, **params(IRM_CONFIGURATION, search_enabled=True)), IRM_CONFIGURATION
    )["changed"]


def test_more_than_one_object_where_there_must_be_one_is_an_error() -> None:
    session = irm()
    session.objects["IRMConfiguration"] = []
    with pytest.raises(ExchangeError, match="Exchange returned 0 objects; exactly one was expected"):
        converge_settings(task(session, **params(IRM_CONFIGURATION, search_enabled=True)), IRM_CONFIGURATION)


def test_one_policy() -> None:
    session = FakeSession(POLICIES)
    result = converge_policies(
        task(session, **params(OWA_MAILBOX_POLICY, identity="frontline", irm_enabled=True)), OWA_MAILBOX_POLICY
    )
    assert result["commands"] == ["Set-OwaMailboxPolicy -Identity 'Frontline' -IRMEnabled $true -Confirm:$false"]
    assert (result["before"], result["after"]) == ({"irm_enabled": False}, {"irm_enabled": True})


def test_every_policy() -> None:
    session = FakeSession(POLICIES)
    result = converge_policies(
        task(session, **params(OWA_MAILBOX_POLICY, identity="*", irm_enabled=True)), OWA_MAILBOX_POLICY
    )
    assert result["commands"] == ["Set-OwaMailboxPolicy -Identity 'Frontline' -IRMEnabled $true -Confirm:$false"]
    assert result["after"] == {"Default": {"irm_enabled": True}, "Frontline": {"irm_enabled": True}}


def test_a_policy_that_does_not_exist() -> None:
    with pytest.raises(
        NotFoundError,
        match=r"identity 'Backline' is not a policy of this organization\. Known policies: Default, Frontline\.",
    ):
        converge_policies(
            task(FakeSession(POLICIES), **params(OWA_MAILBOX_POLICY, identity="Backline", irm_enabled=True)),
            OWA_MAILBOX_POLICY,
        )


def test_the_two_policies_spell_their_parameter_differently() -> None:
    session = FakeSession({"MobileDeviceMailboxPolicy": [{"Identity": "Default", "IrmEnabled": True}]})
    converge_policies(
        task(session, **params(MOBILE_DEVICE_MAILBOX_POLICY, identity="Default", irm_enabled=False)),
        MOBILE_DEVICE_MAILBOX_POLICY,
    )
    assert session.writes[0].parameters == {"Identity": "Default", "IrmEnabled": False, "Confirm": False}


def test_a_field_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="needs an option and a parameter"):
        Field("", Boolean(), "X")
    with pytest.raises(ValueError, match="needs a cleared form"):
        Field("x", Integer(0), "X", refuse="it is not")


def test_a_field_that_is_shown_by_another_property_only() -> None:
    row = Field("x", Text(), "X", shown_by="XUrl")
    assert row.read({"X": "a", "XUrl": "u"}) == "a"
    assert row.read({"X": None, "XUrl": None}) == ""
    assert row.read({"X": None, "XUrl": "u"}) is None


def test_description_holds_what_can_be_put_back() -> None:
    described = IRM_CONFIGURATION.describe(
        {"SearchEnabled": True, "RMSOnlineKeySharingLocation": "https://old", "LicensingLocation": None}
    )
    assert described["search_enabled"] is True
    assert described["licensing_location"] == []
    assert "rms_online_key_sharing_location" not in described
    assert "enable_portal_tracking_logs" not in described
