# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed .NET objects, as Exchange on-premises answers with them, through PowerShell's own serialization: what is
decoded is what was meant.

The types are compiled by the engine (``tests/powershell/ExchangeTypes.cs``). How deep a session serializes is set by
its type data, so every depth that may be met is tried; and an object may have come over another session before, as over
a proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources import organization_state as states
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml

from tests.emulator import Emulator
from tests.unit.connections import identity

from .wires import values

TYPES = Path(__file__).parents[2] / "powershell/ExchangeTypes.cs"
DEPTHS = (1, 2, 3)
SESSIONS = (1, 2, 3)

#: Cmdlet to its type, and to what an object of it means.
MEANT: dict[str, tuple[str, dict[str, Any]]] = {
    "Get-TransportRule": (
        "Microsoft.Exchange.MessagingPolicies.Rules.Tasks.Rule",
        {
            "Priority": 0,
            "Comments": "line one\r\nline two _x0041_ it\u2019s",
            "ActivationDate": "2030-01-31T08:00:00Z",
            "ExpiryDate": None,
            "RuleVersion": "14.0.0.0",
            "Size": 412,
            "Conditions": [
                f"Microsoft.Exchange.MessagingPolicies.Rules.Tasks.{name}"
                for name in ("FromScopePredicate", "SubjectContainsPredicate")
            ],
            "Exceptions": None,
            "Actions": ["Microsoft.Exchange.MessagingPolicies.Rules.Tasks.RightsProtectMessageAction"],
            "State": "Enabled",
            "Mode": "Enforce",
            "RuleErrorAction": "Defer",
            "SenderAddressLocation": "HeaderOrEnvelope",
            "FromScope": "InOrganization",
            "SentToScope": None,
            "From": ["a@contoso.com"],
            "SentTo": [],
            "SubjectContainsWords": ["secret", "yes", "5"],
            "SubjectOrBodyContainsWords": ["alone"],
            "RecipientDomainIs": ["fabrikam.com", "contoso.com"],
            "SenderDomainIs": [],
            "HeaderContainsWords": None,
            "ExceptIfSubjectContainsWords": [""],
            "ExceptIfSenderDomainIs": [None, "contoso.com"],
            "MessageSizeOver": "10 MB (10,485,760 bytes)",
            "AttachmentSizeOver": "1536 B (1,536 bytes)",
            "SCLOver": "-1",
            "HasNoClassification": False,
            "ApplyRightsProtectionTemplate": "Encrypt",
            "ApplyHtmlDisclaimerLocation": "Append",
            "ApplyHtmlDisclaimerFallbackAction": "Wrap",
            "ApplyHtmlDisclaimerText": "<p>&amp;</p>",
            "StopRuleProcessing": True,
            "Identity": "r",
            "Guid": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "OrganizationId": "",
            "ExchangeVersion": "0.1 (8.0.535.0)",
            "WhenChanged": "2026-01-02T03:04:05Z",
            "ObjectState": "Unchanged",
        },
    ),
    "Get-IRMConfiguration": (
        "Microsoft.Exchange.Data.Directory.Management.IRMConfiguration",
        {
            "Identity": "ControlPoint Configuration",
            "InternalLicensingEnabled": True,
            "SearchEnabled": None,
            "TransportDecryptionSetting": "Mandatory",
            "ServiceLocation": None,
            "LicensingLocation": ["https://a.example.com/_wmcs/licensing", "https://b.example.com/_wmcs/licensing"],
        },
    ),
    "Get-ActiveSyncOrganizationSettings": (
        "Microsoft.Exchange.Data.Directory.Management.ActiveSyncOrganizationSettings",
        {
            "Identity": "Mobile Mailbox Settings",
            "DefaultAccessLevel": "Quarantine",
            "AllowAccessForUnSupportedPlatform": False,
            "AdminMailRecipients": ["b@contoso.com", "a@contoso.com"],
            "OtherWellKnownObjects": [],
            "UserMailInsert": None,
        },
    ),
    "Get-OrganizationConfig": (
        "Microsoft.Exchange.Data.Directory.Management.OrganizationConfig",
        {
            "Name": "First Organization",
            "DisplayName": "",
            "Identity": "First Organization",
            "Guid": "99999999-8888-7777-6666-555555555555",
            "OrganizationId": "",
            "IsDehydrated": False,
            "ActivityBasedAuthenticationTimeoutInterval": "14.06:00:00",
            "MaxConcurrentMigrations": "Unlimited",
        },
    ),
    "Get-TransportConfig": (
        "Microsoft.Exchange.Data.Directory.Management.TransportConfigContainer",
        {
            "MaxReceiveSize": "Unlimited",
            "TransportRuleSizeLimit": "8 KB (8,192 bytes)",
            "TransportRuleLimit": 300,
            "SafetyNetHoldTime": "2.00:00:00",
            "Logo": "iVBORwD/",
            "NoLogo": "",
        },
    ),
}

_SCRIPT = """
Add-Type -TypeDefinition ([System.IO.File]::ReadAllText('{types}'))
$global:Cmdlets = @{{ {cmdlets} }}
function global:Set-Way([int] $Depth, [int] $Sessions) {{
    $global:Depth, $global:Sessions = $Depth, $Sessions
    foreach ($type in $global:Cmdlets.Values) {{
        foreach ($prefix in '', 'Deserialized.') {{
            Update-TypeData -TypeName "$prefix$type" -SerializationDepth $Depth -Force
        }}
    }}
}}
foreach ($name in $global:Cmdlets.Keys) {{
    $type = $global:Cmdlets[$name]
    $made = {{
        $object = New-Object -TypeName $type
        for ($session = 1; $session -lt $global:Sessions; $session++) {{
            $xml = [System.Management.Automation.PSSerializer]::Serialize($object, $global:Depth)
            $object = [System.Management.Automation.PSSerializer]::Deserialize($xml)
        }}
        , $object
    }}.GetNewClosure()
    Set-Item -LiteralPath "function:global:$name" -Value $made
}}
"""


@pytest.fixture(scope="module")
def session(emulator: Emulator) -> Iterator[OrganizationSession]:
    """A session whose cmdlets answer with typed objects."""
    script, configuration = emulator.directory / "Typed.ps1", emulator.directory / "Typed.pssc"
    cmdlets = "; ".join(f"'{cmdlet}' = '{net_type}'" for cmdlet, (net_type, _meant) in MEANT.items())
    script.write_text(_SCRIPT.format(types=TYPES, cmdlets=cmdlets), encoding="utf-8")
    configuration.write_text(
        f"@{{ SchemaVersion = '2.0.0.0'; SessionType = 'Default'; ScriptsToProcess = '{script}' }}\n", encoding="utf-8"
    )
    emulator.register("Typed", configuration)
    given = values(emulator, "endpoint") | {"configuration_name": "Typed", "exchange_verify_organization": False}
    opened = OrganizationSession(identity(**given), open_transport)
    yield opened
    opened.close()


@pytest.fixture(
    scope="module",
    params=[(depth, sessions) for depth in DEPTHS for sessions in SESSIONS],
    ids=lambda pair: f"depth{pair[0]}-sessions{pair[1]}",
    autouse=True,
)
def depth(request: pytest.FixtureRequest, session: OrganizationSession) -> int:
    """How deep the session serializes from now on, and over how many sessions an object comes."""
    depth, sessions = request.param
    (result,) = session.invoke(Request([Call("Set-Way", {"Depth": depth, "Sessions": sessions})]))
    assert result.error is None
    return int(depth)


def read(session: OrganizationSession, call: Call) -> dict[str, Any]:
    (result,) = session.invoke(Request([call]))
    (item,) = result.unwrap()
    return item


@pytest.mark.engine
def test_what_is_decoded_is_what_was_meant(session: OrganizationSession) -> None:
    for cmdlet, (_type, meant) in MEANT.items():
        item = read(session, Call(cmdlet))
        assert {name: item.get(name, "nothing came") for name in meant} == meant, cmdlet


@pytest.mark.engine
def test_the_session_is_as_deep_as_it_says(
    session: OrganizationSession, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the others would try one depth several times."""
    seen: list[str] = []
    plain = clixml.decode
    monkeypatch.setattr(clixml, "decode", lambda text: seen.append(text) or plain(text))
    read(session, Call("Get-TransportRule"))
    (text,) = [text for text in seen if "SubjectContainsPredicate" in text]
    assert ("<Props>" in text.partition('N="Conditions"')[2].partition('N="Exceptions"')[0]) is (depth > 1)


@pytest.mark.engine
def test_they_are_described_as_what_they_mean(session: OrganizationSession) -> None:
    subsets = [subset for subset, call in SUBSETS.items() if call.cmdlet in MEANT]
    calls = {subset: Call(SUBSETS[subset].cmdlet) for subset in subsets}
    results = session.invoke(Request(list(calls.values())))
    known = Organization(calls, dict(zip(subsets, results, strict=True)))
    assert known.identity.on_premises
    described = states.describe(known, [subset for subset in subsets if subset != "organization"])
    (apart,) = described["transport_rules_unsupported"]
    assert "contains an empty element" in apart["reason"]
    assert described["irm_configuration"]["licensing_location"] == MEANT["Get-IRMConfiguration"][1]["LicensingLocation"]
    assert described["irm_configuration"]["transport_decryption_setting"] == "Mandatory"
    assert described["activesync_org_settings"]["default_access_level"] == "Quarantine"
