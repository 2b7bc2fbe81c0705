# SPDX-License-Identifier: GPL-3.0-or-later
"""Behavior over every wire, against the emulator: the same calls, the same results, the same errors."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors as _errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SESSION
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator import Emulator
from tests.rounds import rounds
from tests.unit.connections import ORGANIZATION
from tests.unit.matrix import matrix
from tests.unit.transports.wires import COUNTED, EVERY_WIRE, MODULE_BENEATH, WIRES, Open, invoke, steps, values

READS = (
    "Get-OrganizationConfig",
    "Get-IRMConfiguration",
    "Get-OMEConfiguration",
    "Get-ActiveSyncOrganizationSettings",
    "Get-TransportRule",
    "Get-RMSTemplate",
    "Get-OwaMailboxPolicy",
    "Get-MobileDeviceMailboxPolicy",
)
OME = "OME Configuration"


def rich(emulator: Emulator) -> None:
    """Puts something of every kind into the organization."""
    edits = [
        (
            "New-OMEConfiguration",
            {"Identity": "Täglich_x0041_", "ExternalMailExpiryInDays": 7, "EmailText": 'a "b" & <c>\r\n\t😀'},
        ),
        ("Set-OMEConfiguration", {"Identity": OME, "Image": b"\x89PNG\r\n\x00\xff", "BackgroundColor": "#0078d4"}),
        (
            "Set-IRMConfiguration",
            {"LicensingLocation": ["https://a.example.com/_wmcs/licensing", "https://b.example.com/_wmcs/licensing"]},
        ),
        (
            "New-TransportRule",
            {
                "Name": "{{ lookup('pipe', 'id') }}",
                "SubjectContainsWords": ["yes", "5"],
                "ApplyRightsProtectionTemplate": "Encrypt",
            },
        ),
        (
            "New-TransportRule",
            {
                "Name": "second",
                "FromScope": "InOrganization",
                "ApplyRightsProtectionTemplate": "Encrypt",
                "Enabled": False,
            },
        ),
        ("Set-ActiveSyncOrganizationSettings", {"AdminMailRecipients": ["a@contoso.com"]}),
    ]
    for cmdlet, parameters in edits:
        emulator.service.edit(emulator.organizations[ORGANIZATION], cmdlet, parameters)


@pytest.mark.parametrize("wire", EVERY_WIRE[1:])
def test_every_wire_brings_the_same_value_by_value(fresh: Emulator, shared: Open, wire: str) -> None:
    rich(fresh)
    calls = [Call(name) for name in READS] + [Call("Get-Command", {"Name": ["Set-OMEConfiguration", "Get-Nothing"]})]
    over_rest, found = ([result.unwrap() for result in invoke(shared(name), *calls)] for name in ("rest", wire))
    # Exchange's own endpoint has nobody to ask about the session, and the cloud shows in OrganizationId there.
    unlike = {SESSION} if wire == "server" else set()
    for name, ours, theirs in zip([*READS, "Get-Command"], over_rest, found, strict=True):
        assert len(ours) == len(theirs), name
        for one, other in zip(ours, theirs, strict=True):
            differing = {
                key: (one.get(key, "missing"), other.get(key, "missing"))
                for key in set(one) | set(other)
                if one.get(key) != other.get(key)
            }
            assert {
                key: pair
                for key, pair in differing.items()
                if key not in unlike and pair not in ((None, []), (None, ""))
            } == {}, name
    assert over_rest[2][0]["Image"] == base64.b64encode(b"\x89PNG\r\n\x00\xff").decode()


@pytest.mark.parametrize("wire", COUNTED)
def test_a_whole_read_is_one_round_trip(fresh: Emulator, shared: Open, wire: str) -> None:
    invoke(shared(wire), *(Call(name) for name in READS))
    assert fresh.round_trips == 1


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_read_that_is_refused_leaves_the_others_alone(shared: Open, wire: str) -> None:
    asked = [
        Call("Get-IRMConfiguration"),
        Call("Get-Nothing"),
        Call("Get-OMEConfiguration"),
        Call("Get-Nowhere"),
        Call("Get-RMSTemplate"),
    ]
    results = invoke(shared(wire), *asked)
    assert [type(result.error) for result in results] == [
        type(None),
        _errors.CmdletNotAvailableError,
        type(None),
        _errors.CmdletNotAvailableError,
        type(None),
    ]
    assert all(result.objects for result in (results[0], results[2], results[4]))


REFUSALS: list[tuple[Call, type]] = [
    (Call("Set-TransportRule", {"Identity": "nowhere", "Comments": "x"}), _errors.NotFoundError),
    (Call("New-OMEConfiguration", {"Identity": OME, "Confirm": False}), _errors.AlreadyExistsError),
    (Call("Set-IRMConfiguration", {"Bogus": True}), _errors.CmdletNotAvailableError),
    (Call("Set-IRMConfiguration", {"TransportDecryptionSetting": "Sideways"}), _errors.InvalidValueError),
    (
        Call("Set-OMEConfiguration", {"Identity": OME, "EmailText": "x" * 1025, "Confirm": False}),
        _errors.InvalidValueError,
    ),
    (Call("Set-Nothing"), _errors.CmdletNotAvailableError),
]


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_refusals_are_the_same_over_every_wire(shared: Open, wire: str) -> None:
    """But for what Microsoft's module reports after it has sent a write: it may have sent it more than once."""
    session = shared(wire)
    told = [(call, invoke(session, call)[0].error) for call, _expected in REFUSALS]
    expected = [
        kind if wire not in MODULE_BENEATH or kind is _errors.CmdletNotAvailableError else _errors.OutcomeUnknownError
        for _call, kind in REFUSALS
    ]
    assert [(call, error.__class__, getattr(error, "cmdlet", "")) for call, error in told] == [
        (call, kind, call.cmdlet) for (call, _kind), kind in zip(REFUSALS, expected, strict=True)
    ]


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_warning_is_heard(shared: Open, wire: str) -> None:
    (result,) = invoke(shared(wire), Call("Set-IRMConfiguration", {"SearchEnabled": True}))
    assert result.error is None
    assert "no settings" in result.warnings[0]


STORED: list[tuple[dict[str, Any], str, Any]] = [
    (
        {"LicensingLocation": ["https://b.example.com/", "https://a.example.com/"]},
        "LicensingLocation",
        ["https://b.example.com/", "https://a.example.com/"],
    ),
    ({"LicensingLocation": []}, "LicensingLocation", []),
    ({"EDiscoverySuperUserEnabled": False}, "EDiscoverySuperUserEnabled", False),
    ({"TransportDecryptionSetting": "Mandatory"}, "TransportDecryptionSetting", "Mandatory"),
]


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_values_are_stored(fresh: Emulator, shared: Open, wire: str) -> None:
    session, found = shared(wire), list[Any]()
    for parameters, name, _expected in STORED:
        fresh.service.edit(
            fresh.organizations[ORGANIZATION], "Set-IRMConfiguration", {"LicensingLocation": ["https://x.example.com/"]}
        )
        (result,) = invoke(session, Call("Set-IRMConfiguration", {**parameters, "Confirm": False}))
        found.append((result.error, invoke(session, Call("Get-IRMConfiguration"))[0].unwrap()[0][name]))
    assert found == [(None, expected) for _parameters, _name, expected in STORED]


TEXTS = st.text(st.characters(exclude_categories=()), max_size=60).filter(lambda text: text.strip() == text and text)


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE, "engine", "powershell"))
@settings(max_examples=rounds(10), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    text=TEXTS
    | st.sampled_from(
        ["$(Get-Process)", "`n'\"", "a\0b", "_x0041_", "\ud800", "😀", "{{ 1 }}", "x\r\ny", "<![CDATA[]]>&amp;"]
    ),
    picture=st.binary(min_size=1, max_size=3000),
)
def test_any_text_and_any_bytes_come_back(shared: Open, wire: str, text: str, picture: bytes) -> None:
    session = shared(wire)
    (result,) = invoke(
        session, Call("Set-OMEConfiguration", {"Identity": OME, "EmailText": text, "Image": picture, "Confirm": False})
    )
    assert result.error is None
    (found,) = invoke(session, Call("Get-OMEConfiguration"))[0].unwrap()
    assert (found["EmailText"], found["Image"]) == (text, base64.b64encode(picture).decode())


@pytest.mark.parametrize("wire", matrix(EVERY_WIRE, "engine", "powershell"))
def test_a_megabyte_goes_both_ways(shared: Open, wire: str) -> None:
    session, picture = shared(wire), bytes(range(256)) * 4096
    (result,) = invoke(session, Call("Set-OMEConfiguration", {"Identity": OME, "Image": picture, "Confirm": False}))
    assert result.error is None
    assert invoke(session, Call("Get-OMEConfiguration"))[0].unwrap()[0]["Image"] == base64.b64encode(picture).decode()


@pytest.mark.parametrize("wire", WIRES)
def test_sessions_leave_nothing_behind(fresh: Emulator, sessions: Open, wire: str) -> None:
    before = fresh.sessions
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    session.close()
    assert fresh.sessions == before


@pytest.mark.parametrize("wire", WIRES)
def test_decisions_are_logged_without_secrets(fresh: Emulator, sessions: Open, wire: str) -> None:
    session, log = sessions(wire), list[str]()
    invoke(session, Call("Get-IRMConfiguration"), log=log)
    fresh.faults.set([{"kind": "503", "step": steps(wire)[0], "times": None}])
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}), log=log)
    text = "\n".join(log) + str(result.error)
    assert "Set-IRMConfiguration" in text
    found = values(fresh, wire)
    assert not any(
        found[name] in text
        for name in ("exchange_client_secret", "remote_password", "exchange_certificate_password")
        if found.get(name)
    )
