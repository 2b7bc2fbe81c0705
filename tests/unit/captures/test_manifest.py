# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is sent, held against the live module's manifest.

Every call of every unit test is (``EmulatedSession``); here are the tables, setting by setting.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, GRAPH_TRACE, Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.registry import RESOURCES
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    SECTIONS,
    SETTINGS_FIELDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table

from tests.emulator.schema import cmdlets, manifest
from tests.unit.manifest import objections, withheld

CAPTURES = Path(__file__).parents[2] / "data/captures"

_TEXTS = {
    "BackgroundColor": "red",
    "Image": base64.b64encode(b"picture").decode(),
    "ActivationDate": "2030-01-31T08:00:00Z",
    "ExpiryDate": "2030-01-31T08:00:00Z",
    "RejectMessageEnhancedStatusCode": "5.7.1",
}


def settings() -> list[tuple[str, Field, dict[str, Any]]]:
    tables: list[Table] = [resource.table for resource in RESOURCES if hasattr(resource, "table")]
    rows = [(table.noun, row, table.extra) for table in tables for row in table.fields]
    rule_fields = [*SETTINGS_FIELDS, *(row for fields in SECTIONS.values() for row in fields)]
    return [*rows, *(("TransportRule", row, {"Confirm": False}) for row in rule_fields)]


def sample(row: Field) -> Any:
    """A value that the option takes, in canonical form."""
    if row.refuse:
        return row.kind.cleared
    base = row.parameter.removeprefix("ExceptIf")
    spec = row.kind.spec
    if spec.get("choices"):
        return spec["choices"][0] if spec["type"] == "str" else spec["choices"][:1]
    raw: Any = {"bool": True, "int": 1, "list": ["https://a@b.example/x"]}.get(
        spec["type"], _TEXTS.get(base, "1MB" if base.endswith("SizeOver") else "a@b.example")
    )
    return row.parse(raw)


def wrong(noun: str, row: Field, extra: dict[str, Any]) -> list[str]:
    """What the live module does not take of what is sent for a setting."""
    value, found = sample(row), list[str]()
    verb = "New" if row.create_only else "Set"
    needed: dict[str, Any] = (
        {"Identity": "x"} if "Identity" in manifest()[f"{verb}-{noun}"]["parameters"] else {"Name": "x"}
    )
    for what, sent in {"set": row.send(value), "cleared": row.send(None, stored=value)}.items():
        if (
            row.kind.cleared is None
            and what == "cleared"
            and row.kind.clear(value) is None
            and row.kind.spec["type"] != "str"
            and not row.listed[1]
        ):
            continue  # a setting that always has a value
        found += objections(Call(f"{verb}-{noun}", {**needed, row.parameter: sent, **extra}))
    if (
        not row.create_only
        and f"New-{noun}" in manifest()
        and not row.refuse
        and row.parameter not in manifest()[f"New-{noun}"]["parameters"]
    ):
        found.append(f"New-{noun} has no -{row.parameter}")
    return found


def test_every_setting_is_sent_as_the_live_module_takes_it() -> None:
    rows = settings()
    assert len(rows) > 150
    assert [text for row in rows for text in wrong(*row)] == []


def test_every_read_is_sent_as_the_live_module_takes_it() -> None:
    reads = [call for call in SUBSETS.values() if call.cmdlet in manifest()]
    assert len(reads) >= 9
    assert [text for call in reads for text in objections(call)] == []


#: Known from Microsoft's pages alone: no answer was captured, and the manifest of the live module that we have does not
#: hold them.
_DOCUMENTED = [
    *(
        "Get-MailUser",
        "Get-JournalRule",
        "Get-DistributionGroupMember",
        "Get-DynamicDistributionGroupMember",
        "Get-UnifiedGroupLinks",
    ),
    *("Get-Recipient", "Get-Mailbox", "Get-InboxRule"),
    *(
        "Get-MessageTraceV2",
        "Get-MessageTraceDetailV2",
        "Get-MailDetailTransportRuleReport",
        "Get-MailDetailDlpPolicyReport",
        "Get-MailTrafficEncryptionReport",
    ),
]


def test_every_cmdlet_of_ours_is_the_live_modules_or_of_a_capture_or_named_here() -> None:
    assert [
        cmdlet for cmdlet in CMDLETS if cmdlet not in manifest() and not (CAPTURES / cmdlet).is_dir()
    ] == _DOCUMENTED


def test_no_setting_is_of_a_type_that_nobody_told() -> None:
    untold = {
        f"{noun}.{row.parameter}"
        for noun, row, _extra in settings()
        for known in [
            cmdlets()[f"{'new' if row.create_only else 'set'}-{noun.lower()}"].parameters.get(row.parameter.lower())
        ]
        if known is None or known.type_source == "nobody"
    }
    assert untold == set()


@pytest.mark.parametrize(
    ("call", "objection"),
    [
        (
            Call("Set-TransportRule", {"Identity": "x", "ADComparisonAttribute": "City"}),
            "Set-TransportRule has no -ADComparisonAttribute",
        ),
        (
            Call("Set-OMEConfiguration", {"Identity": "x", "Image": "text"}),
            "Set-OMEConfiguration -Image is byte[], not str",
        ),
        (Call("Set-OMEConfiguration", {"OTPEnabled": True}), "Set-OMEConfiguration needs -Identity"),
        (
            Call("Set-OMEConfiguration", {"Identity": "x", "OTPEnabled": "yes"}),
            "Set-OMEConfiguration -OTPEnabled is bool, not str",
        ),
    ],
)
def test_what_does_not_fit_is_told(call: Call, objection: str) -> None:
    assert objections(call) == [objection]


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (Call("Get-Mailbox", {"Anr": "x"}), ["the constrained endpoint has no -Anr of Get-Mailbox"]),
        (Call("Remove-Mailbox", {"Identity": "x"}), ["the constrained endpoint has no Remove-Mailbox"]),
        (Call("Get-Mailbox", {"Identity": "x"}), []),
        (Call("Get-Label"), []),
        (Call(GRAPH_TRACE, {"Next": "x"}), []),
    ],
)
def test_what_the_constrained_endpoint_withholds_is_told(call: Call, refusal: list[str]) -> None:
    assert withheld(call) == refusal
