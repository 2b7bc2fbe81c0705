# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator import Organization
from tests.emulator.context import Outcome
from tests.emulator.errors import CmdletError
from tests.emulator.schema import rule_properties

Shell = Callable[..., Outcome]


def _names(organization: Organization) -> list[str]:
    return [rule["Name"] for rule in organization.state["transport_rules"]]


def _read(shell: Shell, name: str) -> dict[str, Any]:
    (record,) = shell("Get-TransportRule", Identity=name).records
    return dict(record.values)


@pytest.fixture
def rule(shell: Shell) -> dict[str, Any]:
    shell("New-TransportRule", Name="Encrypt", FromScope="InOrganization", ApplyRightsProtectionTemplate="encrypt")
    return _read(shell, "Encrypt")


def test_a_rule_has_every_property(rule: dict[str, Any]) -> None:
    assert tuple(rule) == rule_properties()
    assert rule["From"] is None
    assert rule["DeleteMessage"] is False
    assert (rule["Mode"], rule["RuleErrorAction"], rule["SenderAddressLocation"]) == ("Enforce", "Ignore", "Header")
    assert rule["ApplyRightsProtectionTemplate"] == "Encrypt"
    assert rule["Conditions"] == ["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.FromScopePredicate"]
    assert rule["Actions"] == ["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.RightsProtectMessageAction"]
    assert rule["Guid"] == rule["ImmutableId"]


def test_priorities_are_renumbered(shell: Shell, organization: Organization) -> None:
    for name in "abc":
        shell("New-TransportRule", Name=name, DeleteMessage=True)
    shell("New-TransportRule", Name="d", DeleteMessage=True, Priority=0)
    assert _names(organization) == ["d", "a", "b", "c"]
    shell("Set-TransportRule", Identity="d", Priority=3)
    assert _names(organization) == ["a", "b", "c", "d"]
    assert [rule["Priority"] for rule in organization.state["transport_rules"]] == [0, 1, 2, 3]
    shell("Remove-TransportRule", Identity="a")
    assert _read(shell, "d")["Priority"] == 2
    for cmdlet, parameters in (
        ("Set-TransportRule", {"Identity": "d", "Priority": 3}),
        ("New-TransportRule", {"Name": "e", "Quarantine": True, "Priority": 4}),
    ):
        with pytest.raises(CmdletError, match="The specified rule priority is invalid"):
            shell(cmdlet, **parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Name": "encrypt"}, "already exists"),
        ({"Name": "n" * 65}, "maximum length is 64"),
        ({"HeaderContainsWords": ["x"]}, "must be used together with 'HeaderContainsMessageHeader'"),
        ({"ExceptIfManagerAddresses": ["a@b.c"]}, "must be used together with 'ExceptIfManagerForEvaluatedUser'"),
        ({"ApplyHtmlDisclaimerLocation": "Append"}, "must be used together with 'ApplyHtmlDisclaimerText'"),
        ({"RemoveRMSAttachmentEncryption": True}, "'RemoveOMEv2'"),
        ({"RejectMessageEnhancedStatusCode": "5.1.1"}, r"5\.7\.1 or between"),
        ({"From": ["nobody"]}, "couldn't be found"),
        ({"ApplyRightsProtectionTemplate": "nothing"}, "couldn't be found"),
        ({"ApplyRightsProtectionCustomizationTemplate": "nothing"}, "couldn't be found"),
        ({"MessageContainsDataClassifications": [{"Name": "x"}]}, "NoDLPinETRs"),
        ({"HasSenderOverride": True}, "NoDLPinETRs"),
        ({"SubjectMatchesPatterns": ["("]}, "regular expression"),
        ({"SubjectMatchesPatterns": ["x" * 20481]}, "limit"),
        ({"SubjectOrBodyContainsWords": ["w" * 120] * 80}, "too large"),
        ({"SubjectContainsWords": ["w" * 129]}, "maximum length is 128"),
        ({"SCLOver": 10}, "between -1 and 9"),
        ({"Enabled": False}, "Enabled"),
        ({"UseLegacyRegex": True}, "UseLegacyRegex"),
        ({"Mode": None}, "can't be empty"),
        ({"FromScope": "External"}, "enumerator"),
        ({"ApplyRightsProtectionTemplate": None}, "at least one action"),
    ],
)
def test_refusals(
    shell: Shell, rule: dict[str, Any], organization: Organization, parameters: dict[str, Any], message: str
) -> None:
    shell("New-TransportRule", Name="Other", DeleteMessage=True)
    before = organization.dump()
    target = "Other" if parameters.get("Name") == "encrypt" else "Encrypt"
    with pytest.raises(CmdletError, match=message):
        shell("Set-TransportRule", Identity=target, **parameters)
    assert organization.dump() == before


def test_the_service_fills_in_the_other_half(shell: Shell, rule: dict[str, Any]) -> None:
    shell(
        "Set-TransportRule",
        Identity="Encrypt",
        RejectMessageReasonText="No.",
        ADComparisonAttribute="Department",
        ApplyHtmlDisclaimerText="Hi",
    )
    filled = _read(shell, "Encrypt")
    assert filled["RejectMessageEnhancedStatusCode"] == "5.7.1"
    assert filled["ADComparisonOperator"] == "Equal"
    assert (filled["ApplyHtmlDisclaimerLocation"], filled["ApplyHtmlDisclaimerFallbackAction"]) == ("Append", "Wrap")
    shell(
        "Set-TransportRule",
        Identity="Encrypt",
        ApplyHtmlDisclaimerText=None,
        RejectMessageReasonText=None,
        RejectMessageEnhancedStatusCode=None,
    )
    cleared = _read(shell, "Encrypt")
    assert [
        cleared[name]
        for name in ("ApplyHtmlDisclaimerLocation", "RejectMessageReasonText", "RejectMessageEnhancedStatusCode")
    ] == [None] * 3


def test_values_are_normalized(shell: Shell, rule: dict[str, Any]) -> None:
    shell(
        "Set-TransportRule",
        Identity=rule["Guid"],
        From=["AlexW", "out@example.com"],
        AttachmentSizeOver="10MB",
        SCLOver=0,
        ExpiryDate="2999-01-01T10:00:00+02:00",
    )
    stored = _read(shell, "Encrypt")
    assert stored["From"] == ["AlexW@contoso.onmicrosoft.com", "out@example.com"]
    assert stored["AttachmentSizeOver"] == "10 MB (10,485,760 bytes)"
    assert stored["SCLOver"] == 0
    assert stored["ExpiryDate"] == "2999-01-01T08:00:00.0000000Z"


def test_omitted_is_unchanged_null_clears_and_no_change_warns(shell: Shell, rule: dict[str, Any]) -> None:
    shell("Set-TransportRule", Identity="Encrypt", SubjectContainsWords=["a"])
    shell("Set-TransportRule", Identity="Encrypt", Comments="x")
    assert _read(shell, "Encrypt")["SubjectContainsWords"] == ["a"]
    shell("Set-TransportRule", Identity="Encrypt", SubjectContainsWords=None)
    assert _read(shell, "Encrypt")["SubjectContainsWords"] is None
    before = _read(shell, "Encrypt")
    assert shell("Set-TransportRule", Identity="Encrypt", Comments="x").warnings
    assert _read(shell, "Encrypt") == before


def test_state_changes_by_its_own_cmdlets(shell: Shell, rule: dict[str, Any]) -> None:
    shell("Disable-TransportRule", Identity="Encrypt")
    assert _read(shell, "Encrypt")["State"] == "Disabled"
    shell("Enable-TransportRule", Identity="Encrypt", Mode="Audit")
    assert (_read(shell, "Encrypt")["State"], _read(shell, "Encrypt")["Mode"]) == ("Enabled", "Audit")


def test_more_rules_than_asked_for_is_a_warning(shell: Shell) -> None:
    for number in range(3):
        shell("New-TransportRule", Name=f"r{number}", DeleteMessage=True)
    outcome = shell("Get-TransportRule", ResultSize=2)
    assert len(outcome.records) == 2
    assert "increase the value for the ResultSize parameter" in outcome.warnings[0]
    assert len(shell("Get-TransportRule", ResultSize="Unlimited").records) == 3


def test_three_hundred_rules_are_the_limit(shell: Shell, organization: Organization) -> None:
    organization.patch(
        {
            "transport_rules": [
                {"Name": f"r{number}", "Guid": f"{number}", "State": "Enabled", "DeleteMessage": True}
                for number in range(300)
            ]
        }
    )
    with pytest.raises(CmdletError, match="300 rules"):
        shell("New-TransportRule", Name="one more", DeleteMessage=True)


def test_details_can_be_left_out(shell: Shell, rule: dict[str, Any]) -> None:
    (record,) = shell("Get-TransportRule", ExcludeConditionActionDetails=True).records
    assert record.values["FromScope"] is None
    assert record.values["Conditions"] is None
    assert record.values["Name"] == "Encrypt"


def test_a_rule_that_a_file_describes_has_what_the_service_fills_in() -> None:
    """Otherwise it would differ from the same rule that a task declares, and a rollback would change it."""
    rejects = {"Name": "R", "FromScope": "InOrganization", "RejectMessageReasonText": "No.", "Comments": None}
    (stored,) = Organization({"transport_rules": [rejects]}).state["transport_rules"]
    assert (stored["RejectMessageReasonText"], stored["RejectMessageEnhancedStatusCode"]) == ("No.", "5.7.1")
    (plain,) = Organization({"transport_rules": [{"Name": "P", "RejectMessageReasonText": None}]}).state[
        "transport_rules"
    ]
    assert "RejectMessageEnhancedStatusCode" not in plain
