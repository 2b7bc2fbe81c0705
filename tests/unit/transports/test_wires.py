# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behavior over every wire, against the emulator: the same calls, the same results, the same errors."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors as _errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SESSION
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import session as _session
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession, Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator import Emulator
from tests.unit.connections import ORGANIZATION, identity

#: Over PSRP: a management host, an Exchange server and a constrained endpoint of the emulator's, and a real PowerShell.
SHELLS = ("host", "server", "constrained", pytest.param("engine", marks=pytest.mark.engine))
WIRES = ("rest", *SHELLS)
#: And the constrained endpoint that the collection brings, on a real PowerShell. Opening it takes seconds, so not everywhere.
COUNTED = (*WIRES, pytest.param("endpoint", marks=pytest.mark.engine))
#: And a process of our own, whose round trips the emulator does not see.
EVERY_WIRE = (*COUNTED, pytest.param("powershell", marks=pytest.mark.engine))
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


def values(emulator: Emulator, wire: str, **more: Any) -> dict[str, Any]:
    """The variables of a host that reaches the emulator's first organization over a wire."""
    description = emulator.describe()
    (found,) = (item for item in description["organizations"] if item["name"] == more.get("exchange_organization", ORGANIZATION))
    if wire == "rest":
        return {
            "exchange_client_id": found["client_id"],
            "exchange_client_secret": found["client_secret"],
            "exchange_api_url": description["api_url"],
            "exchange_authority_url": description["authority_url"],
            "exchange_ca_cert": description["ca_cert"],
            **more,
        }
    if wire == "powershell":
        return {
            "exchange_transport": "powershell",
            "exchange_powershell_path": description["powershell_path"],
            "exchange_client_id": found["client_id"],
            "exchange_client_secret": found["client_secret"],
            "exchange_authority_url": description["authority_url"],
            "exchange_ca_cert": description["ca_cert"],
            **more,
        }
    psrp = {
        "exchange_transport": "psrp",
        "remote_addr": description["psrp"]["host"],
        "port": description["psrp"]["port"],
        "auth": "basic",
        "remote_user": found["psrp_user"],
        "remote_password": found["psrp_password"],
        "ca_cert": description["ca_cert"],
        "operation_timeout": 5,
    }
    if wire in ("host", "engine"):
        certificate = {
            "exchange_client_id": found["client_id"],
            "exchange_certificate_path": found["certificate_pfx_path"],
            "exchange_certificate_password": found["certificate_password"],
        }
        configuration = {"configuration_name": "PowerShell.7"} if wire == "engine" else {}
        return {**psrp, **certificate, **configuration, **more}
    configuration = {"server": "Microsoft.Exchange", "constrained": "OnlyExchange", "endpoint": "MessageEncryption.Baseline"}[wire]
    return {**psrp, "exchange_psrp_connect": "none", "configuration_name": configuration, **more}


Open = Callable[..., OrganizationSession]


@pytest.fixture
def fresh(emulator: Emulator) -> Emulator:
    """The emulator with a fresh first organization that has every license, and nothing counted."""
    emulator.faults.set([])
    emulator.organizations[ORGANIZATION].replace({"name": ORGANIZATION, "advanced_message_encryption": True})
    emulator.service.ledger.reset()
    return emulator


@pytest.fixture
def sessions(fresh: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens sessions, and closes them at the end. Waits between tries are left out."""
    monkeypatch.setattr(_session, "Policy", functools.partial(Policy, sleep=lambda seconds: None))
    opened: list[OrganizationSession] = []

    def make(wire: str, **more: Any) -> OrganizationSession:
        opened.append(OrganizationSession(identity(**values(fresh, wire, **more)), open_transport))
        return opened[-1]

    yield make
    fresh.faults.set([])
    for session in opened:
        session.close()


def invoke(session: OrganizationSession, *calls: Call, log: list[str] | None = None) -> list[Result]:
    return session.invoke(Request(calls, log=(log if log is not None else []).append))


def rich(emulator: Emulator) -> None:
    """Puts something of every kind into the organization."""
    edits = [
        ("New-OMEConfiguration", {"Identity": "Täglich_x0041_", "ExternalMailExpiryInDays": 7, "EmailText": 'a "b" & <c>\r\n\t😀'}),
        ("Set-OMEConfiguration", {"Identity": OME, "Image": b"\x89PNG\r\n\x00\xff", "BackgroundColor": "#0078d4"}),
        ("Set-IRMConfiguration", {"LicensingLocation": ["https://a.example.com/_wmcs/licensing", "https://b.example.com/_wmcs/licensing"]}),
        ("New-TransportRule", {"Name": "{{ lookup('pipe', 'id') }}", "SubjectContainsWords": ["yes", "5"], "ApplyRightsProtectionTemplate": "Encrypt"}),
        ("New-TransportRule", {"Name": "second", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt", "Enabled": False}),
        ("Set-ActiveSyncOrganizationSettings", {"AdminMailRecipients": ["a@contoso.com"]}),
    ]
    for cmdlet, parameters in edits:
        emulator.service.edit(emulator.organizations[ORGANIZATION], cmdlet, parameters)


@pytest.mark.parametrize("wire", EVERY_WIRE[1:])
def test_every_wire_brings_the_same_value_by_value(fresh: Emulator, sessions: Open, wire: str) -> None:
    rich(fresh)
    calls = [Call(name) for name in READS] + [Call("Get-Command", {"Name": ["Set-OMEConfiguration", "Get-Nothing"]})]
    over_rest, found = ([result.unwrap() for result in invoke(sessions(name), *calls)] for name in ("rest", wire))
    # Exchange's own endpoint has nobody to ask about the session, and the cloud shows in OrganizationId there.
    unlike = {SESSION} if wire == "server" else set()
    for name, ours, theirs in zip([*READS, "Get-Command"], over_rest, found, strict=True):
        assert len(ours) == len(theirs), name
        for one, other in zip(ours, theirs, strict=True):
            differing = {key: (one.get(key, "missing"), other.get(key, "missing")) for key in set(one) | set(other) if one.get(key) != other.get(key)}
            assert {key: pair for key, pair in differing.items() if key not in unlike and pair not in ((None, []), (None, ""))} == {}, name
    assert over_rest[2][0]["Image"] == base64.b64encode(b"\x89PNG\r\n\x00\xff").decode()


@pytest.mark.parametrize("wire", COUNTED)
def test_a_whole_read_is_one_round_trip(fresh: Emulator, sessions: Open, wire: str) -> None:
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    fresh.service.ledger.reset()
    invoke(session, *(Call(name) for name in READS))
    assert fresh.round_trips == 1


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_read_that_is_refused_leaves_the_others_alone(sessions: Open, wire: str) -> None:
    asked = [Call("Get-IRMConfiguration"), Call("Get-Nothing"), Call("Get-OMEConfiguration"), Call("Get-Nowhere"), Call("Get-RMSTemplate")]
    results = invoke(sessions(wire), *asked)
    assert [type(result.error) for result in results] == [type(None), _errors.CmdletNotAvailableError, type(None), _errors.CmdletNotAvailableError, type(None)]
    assert all(result.objects for result in (results[0], results[2], results[4]))


@pytest.mark.parametrize("wire", EVERY_WIRE)
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call("Set-TransportRule", {"Identity": "nowhere", "Comments": "x"}), _errors.NotFoundError),
        (Call("New-OMEConfiguration", {"Identity": OME, "Confirm": False}), _errors.AlreadyExistsError),
        (Call("Set-IRMConfiguration", {"Bogus": True}), _errors.CmdletNotAvailableError),
        (Call("Set-IRMConfiguration", {"TransportDecryptionSetting": "Sideways"}), _errors.InvalidValueError),
        (Call("Set-OMEConfiguration", {"Identity": OME, "EmailText": "x" * 1025, "Confirm": False}), _errors.InvalidValueError),
        (Call("Set-Nothing"), _errors.CmdletNotAvailableError),
    ],
)
def test_refusals_are_the_same_over_every_wire(sessions: Open, wire: str, call: Call, expected: type) -> None:
    (result,) = invoke(sessions(wire), call)
    assert result.error.__class__ is expected
    assert result.error.cmdlet == call.cmdlet


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_warning_is_heard(sessions: Open, wire: str) -> None:
    (result,) = invoke(sessions(wire), Call("Set-IRMConfiguration", {"SearchEnabled": True}))
    assert result.error is None
    assert "no settings" in result.warnings[0]


@pytest.mark.parametrize("wire", EVERY_WIRE)
@pytest.mark.parametrize(
    ("parameters", "name", "expected"),
    [
        (
            {"LicensingLocation": ["https://b.example.com/", "https://a.example.com/"]},
            "LicensingLocation",
            ["https://b.example.com/", "https://a.example.com/"],
        ),
        ({"LicensingLocation": []}, "LicensingLocation", []),
        ({"EDiscoverySuperUserEnabled": False}, "EDiscoverySuperUserEnabled", False),
        ({"TransportDecryptionSetting": "Mandatory"}, "TransportDecryptionSetting", "Mandatory"),
    ],
)
def test_values_are_stored(fresh: Emulator, sessions: Open, wire: str, parameters: dict[str, Any], name: str, expected: Any) -> None:
    session = sessions(wire)
    fresh.service.edit(fresh.organizations[ORGANIZATION], "Set-IRMConfiguration", {"LicensingLocation": ["https://x.example.com/"]})
    (result,) = invoke(session, Call("Set-IRMConfiguration", {**parameters, "Confirm": False}))
    assert result.error is None
    assert invoke(session, Call("Get-IRMConfiguration"))[0].unwrap()[0][name] == expected


TEXTS = st.text(st.characters(exclude_categories=()), max_size=60).filter(lambda text: text.strip() == text and text)


@pytest.mark.parametrize("wire", EVERY_WIRE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=TEXTS | st.sampled_from(["$(Get-Process)", "`n'\"", "a\0b", "_x0041_", "\ud800", "😀", "{{ 1 }}", "x\r\ny", "<![CDATA[]]>&amp;"]),
    picture=st.binary(min_size=1, max_size=3000),
)
def test_any_text_and_any_bytes_come_back(sessions: Open, wire: str, text: str, picture: bytes) -> None:
    session = _kept(sessions, wire)
    (result,) = invoke(session, Call("Set-OMEConfiguration", {"Identity": OME, "EmailText": text, "Image": picture, "Confirm": False}))
    assert result.error is None
    (found,) = invoke(session, Call("Get-OMEConfiguration"))[0].unwrap()
    assert (found["EmailText"], found["Image"]) == (text, base64.b64encode(picture).decode())


_keeping: dict[tuple[int, str], OrganizationSession] = {}


def _kept(sessions: Open, wire: str) -> OrganizationSession:
    """One session for all examples of a test."""
    key = (id(sessions), wire)
    if key not in _keeping:
        _keeping[key] = sessions(wire)
    return _keeping[key]


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_megabyte_goes_both_ways(sessions: Open, wire: str) -> None:
    session, picture = sessions(wire), bytes(range(256)) * 4096
    (result,) = invoke(session, Call("Set-OMEConfiguration", {"Identity": OME, "Image": picture, "Confirm": False}))
    assert result.error is None
    assert invoke(session, Call("Get-OMEConfiguration"))[0].unwrap()[0]["Image"] == base64.b64encode(picture).decode()


@pytest.mark.parametrize("wire", WIRES)
def test_another_organization_is_refused_before_anything_is_written(fresh: Emulator, sessions: Open, wire: str) -> None:
    if wire in ("rest", "host", "engine"):
        pytest.skip("the organization is in the request itself here")
    session = sessions(
        wire,
        exchange_organization="fabrikam.onmicrosoft.com",
        remote_user=values(fresh, wire)["remote_user"],
        remote_password=values(fresh, wire)["remote_password"],
    )
    with pytest.raises(_errors.WrongOrganizationError):
        invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    assert not any(entry.applied for entry in fresh.calls)


@pytest.mark.parametrize("wire", WIRES)
def test_sessions_leave_nothing_behind(fresh: Emulator, sessions: Open, wire: str) -> None:
    before = fresh.sessions
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    session.close()
    assert fresh.sessions == before


LOSSES = ["lost_before", "lost_after", "half_answer", "truncated", "no_body", "no_content", "garbled", "500", "503", "504", "wrong_content_type"]


def steps(wire: str) -> tuple[str, ...]:
    return ("invoke",) if wire == "rest" else ("command", "receive")


def fault(wire: str, kind: str, which: int) -> dict[str, Any]:
    """A fault at the first or second step of a call; what strikes while a cmdlet runs has no step."""
    return {"kind": kind} if kind == "garbled" else {"kind": kind, "step": steps(wire)[which % len(steps(wire))]}


def struck(emulator: Emulator, sessions: Open, wire: str, *faults: dict[str, Any]) -> OrganizationSession:
    """An open session whose next call meets the faults."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    emulator.faults.set(list(faults))
    return session


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_read_survives_what_passes(fresh: Emulator, sessions: Open, wire: str, kind: str, which: int) -> None:
    session = struck(fresh, sessions, wire, fault(wire, kind, which))
    (result,) = invoke(session, Call("Get-IRMConfiguration"))
    assert fresh.faults.struck
    assert result.unwrap()[0]["Name"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_write_is_never_doubled_and_never_claimed(fresh: Emulator, sessions: Open, wire: str, kind: str, which: int) -> None:
    session = struck(fresh, sessions, wire, fault(wire, kind, which))
    (result,) = invoke(session, Call("New-TransportRule", {"Name": "once", "ApplyRightsProtectionTemplate": "Encrypt"}))
    assert fresh.psrp.settle(5)
    assert fresh.faults.struck
    applied = sum(entry.applied for entry in fresh.calls if entry.cmdlet == "New-TransportRule")
    assert applied <= 1
    if result.error is None:
        assert applied == 1
    else:
        assert isinstance(result.error, _errors.OutcomeUnknownError)


#: Three writes that do not depend on each other, and reads that travel with them.
WRITES = (
    Call("Set-IRMConfiguration", {"SearchEnabled": False, "Confirm": False}),
    Call("New-OMEConfiguration", {"Identity": "once", "Confirm": False}),
    Call("Set-ActiveSyncOrganizationSettings", {"DefaultAccessLevel": "Block"}),
)
TRAVELLING = (Call("Get-IRMConfiguration"), Call("Get-OMEConfiguration"), Call("Get-ActiveSyncOrganizationSettings"))


def applied(emulator: Emulator) -> list[str]:
    return sorted(entry.cmdlet for entry in emulator.calls if entry.applied)


@pytest.mark.parametrize("wire", COUNTED)
def test_writes_and_their_reads_are_one_round_trip(fresh: Emulator, sessions: Open, wire: str) -> None:
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    fresh.service.ledger.reset()
    results = invoke(session, *WRITES, *TRAVELLING)
    assert [result.error for result in results] == [None] * 6
    assert fresh.round_trips == 1
    assert applied(fresh) == sorted(call.cmdlet for call in WRITES)
    assert results[3].objects[0]["SearchEnabled"] is False
    assert "once" in [row["Identity"] for row in results[4].objects]
    assert results[5].objects[0]["DefaultAccessLevel"] == "Block"


@pytest.mark.parametrize("wire", EVERY_WIRE)
@pytest.mark.parametrize(
    "refused", [Call("Set-IRMConfiguration", {"Bogus": True}), Call("Set-Nothing"), Call("Set-TransportRule", {"Identity": "nowhere", "Comments": "x"})]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_refused_write_leaves_those_beside_it_done_or_unknown(fresh: Emulator, sessions: Open, wire: str, refused: Call, place: int) -> None:
    writes = [WRITES[0], WRITES[1]]
    writes.insert(place, refused)
    results = invoke(sessions(wire), *writes, *TRAVELLING)
    assert results[place].error is not None
    assert not isinstance(results[place].error, _errors.OutcomeUnknownError)
    for write, result in zip(writes, results, strict=False):
        done = applied(fresh).count(write.cmdlet)
        assert done <= 1
        if write is not refused:
            assert (result.error is None and done == 1) or isinstance(result.error, _errors.OutcomeUnknownError)
    assert [result.error for result in results[3:]] == [None] * 3


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("order", ["given", "reversed"])
def test_writes_that_share_a_round_trip_are_never_doubled_and_never_claimed(fresh: Emulator, sessions: Open, wire: str, kind: str, order: str) -> None:
    """Lost as a whole, before or after the work; or, where a part of a batch loses the line, in the middle of it."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    fresh.organizations[ORGANIZATION].patch({"batch_order": order})
    for step in ("batch", "batched") if wire == "rest" else ("command", "receive"):
        if kind == "garbled" and step != "batch":
            continue
        fresh.service.ledger.reset()
        fresh.faults.set([{"kind": kind, "nth": 2} if kind == "garbled" else {"kind": kind, "step": step, "nth": 2 if step == "batched" else 1}])
        names = [f"{kind} {step} {number}" for number in range(3)]
        results = invoke(session, *(Call("New-OMEConfiguration", {"Identity": name, "Confirm": False}) for name in names), *TRAVELLING)
        assert fresh.psrp.settle(5)
        assert fresh.faults.struck
        done = [entry.parameters["Identity"] for entry in fresh.calls if entry.applied]
        assert len(set(done)) == len(done)
        for name, result in zip(names, results, strict=False):
            assert (result.error is None and name in done) or isinstance(result.error, _errors.OutcomeUnknownError)


@pytest.mark.parametrize("throttle", [{"kind": "429", "retry_after": 1}, {"kind": "concurrency_text"}])
def test_a_throttled_part_is_repeated_alone(fresh: Emulator, sessions: Open, throttle: dict[str, Any]) -> None:
    session = sessions("rest")
    invoke(session, Call("Get-IRMConfiguration"))
    fresh.service.ledger.reset()
    fresh.faults.set([{**throttle, "step": "batched", "cmdlet": "New-OMEConfiguration"}])
    results = invoke(session, *WRITES, *TRAVELLING)
    assert [result.error for result in results] == [None] * 6
    assert [entry.cmdlet for entry in fresh.calls].count("Set-IRMConfiguration") == 1
    assert applied(fresh) == sorted(call.cmdlet for call in WRITES)


@pytest.mark.parametrize("wire", WIRES[1:])
def test_a_value_that_does_not_fit_is_said_of_the_call_that_has_it(fresh: Emulator, sessions: Open, wire: str) -> None:
    huge = Call("Set-ActiveSyncOrganizationSettings", {"DefaultAccessLevel": 2**70})
    results = invoke(sessions(wire), WRITES[0], huge, *TRAVELLING)
    assert [type(result.error) for result in results] == [type(None), _errors.InvalidValueError, *[type(None)] * 3]
    assert applied(fresh) == ["Set-IRMConfiguration"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("throttle", [{"kind": "429", "retry_after": 1}, {"kind": "429"}, {"kind": "concurrency_text"}])
def test_a_throttled_write_is_repeated(fresh: Emulator, sessions: Open, wire: str, throttle: dict[str, Any]) -> None:
    session = struck(fresh, sessions, wire, {**throttle, "step": steps(wire)[0]})
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    if wire == "rest" or throttle["kind"] == "429":
        assert result.error is None
    assert sum(entry.applied for entry in fresh.calls) <= 1


@pytest.mark.parametrize("wire", SHELLS)
@pytest.mark.parametrize("call", [Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})])
def test_a_dead_shell_is_replaced(fresh: Emulator, sessions: Open, wire: str, call: Call) -> None:
    session = struck(fresh, sessions, wire, {"kind": "dead_shell", "step": "command"})
    (result,) = invoke(session, call)
    assert result.error is None


@pytest.mark.parametrize("wire", ["server", "constrained"])
@pytest.mark.parametrize("call", [Call("Get-TransportRule"), Call("Set-IRMConfiguration", {"SearchEnabled": False})], ids=["read", "write"])
def test_a_shell_that_takes_another_ones_place_is_of_the_same_organization(
    fresh: Emulator, sessions: Open, monkeypatch: pytest.MonkeyPatch, wire: str, call: Call
) -> None:
    """An address may lead to another host, and an endpoint to another organization, while a run is under way."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    (user,) = [name for name, (_password, organization) in fresh.psrp._accounts.items() if organization.name == ORGANIZATION]
    other = fresh.organizations["fabrikam.onmicrosoft.com"]
    monkeypatch.setitem(fresh.psrp._accounts, user, (fresh.psrp._accounts[user][0], other))
    fresh.faults.set([{"kind": "dead_shell", "step": "command"}])
    for _again in range(2):
        (result,) = invoke(session, call)
        assert isinstance(result.error, _errors.NotSentError)
        assert "fabrikam.onmicrosoft.com" in str(result.error)
    asked = {entry.cmdlet for entry in fresh.calls if entry.organization == other.name}
    assert asked <= {"Get-OrganizationConfig", "Get-ConnectionInformation"}


@pytest.mark.parametrize("wire", SHELLS)
def test_operation_timeouts_are_waited_through(fresh: Emulator, sessions: Open, wire: str) -> None:
    session = struck(fresh, sessions, wire, {"kind": "operation_timeout", "step": "receive", "times": 3})
    assert invoke(session, Call("Get-IRMConfiguration"))[0].error is None


@pytest.mark.parametrize("wire", ["rest"])
@pytest.mark.parametrize("kind", ["401_expired", "401_revoked"])
def test_a_token_that_is_refused_is_renewed_even_for_a_write(fresh: Emulator, sessions: Open, wire: str, kind: str) -> None:
    session = struck(fresh, sessions, wire, {"kind": kind, "step": "invoke"})
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    assert result.error is None
    assert sum(entry.applied for entry in fresh.calls) == 1


@pytest.mark.parametrize("wire", WIRES)
def test_losses_while_opening_are_survived(fresh: Emulator, sessions: Open, wire: str) -> None:
    fresh.faults.set([{"kind": "lost_after", "step": step} for step in (("discovery", "token") if wire == "rest" else ("create", "receive"))])
    assert invoke(sessions(wire), Call("Get-IRMConfiguration"))[0].error is None


@pytest.mark.parametrize("wire", WIRES)
def test_decisions_are_logged_without_secrets(fresh: Emulator, sessions: Open, wire: str) -> None:
    session, log = sessions(wire), list[str]()
    invoke(session, Call("Get-IRMConfiguration"), log=log)
    fresh.faults.set([{"kind": "503", "step": steps(wire)[0], "times": None}])
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}), log=log)
    text = "\n".join(log) + str(result.error)
    assert "Set-IRMConfiguration" in text
    found = values(fresh, wire)
    assert not any(found[name] in text for name in ("exchange_client_secret", "remote_password", "exchange_certificate_password") if found.get(name))


@pytest.mark.parametrize("wire", SHELLS)
def test_a_refused_user_is_named_with_the_variable_that_gave_it(sessions: Open, wire: str) -> None:
    with pytest.raises(_errors.AuthenticationError, match=r"root.*ansible_remote_user") as refusal:
        invoke(sessions(wire, remote_user="root", remote_password="planted-password"), Call("Get-IRMConfiguration"))
    assert "planted-password" not in str(refusal.value)


@pytest.mark.parametrize("wire", WIRES)
def test_an_untrusted_certificate_is_refused(sessions: Open, wire: str) -> None:
    with pytest.raises(_errors.UnreachableError, match=r"not trusted.*_ca_cert"):
        invoke(sessions(wire, exchange_ca_cert=None, ca_cert=None), Call("Get-IRMConfiguration"))


def test_a_management_host_that_refuses_the_application(sessions: Open) -> None:
    with pytest.raises(_errors.AuthenticationError, match="Connect-ExchangeOnline failed"):
        invoke(sessions("host", exchange_client_id="wrong"), Call("Get-IRMConfiguration"))


def test_a_host_without_the_module_is_told_what_to_install(sessions: Open) -> None:
    with pytest.raises(_errors.UnreachableError, match="ExchangeOnlineManagement"):
        invoke(sessions("host", configuration_name="OnlyExchange"), Call("Get-IRMConfiguration"))


@pytest.mark.parametrize(
    "more",
    [
        {"exchange_certificate_path": None, "exchange_certificate_password": None, "exchange_managed_identity": True},
        {"exchange_certificate_path": None, "exchange_certificate_password": None, "exchange_certificate_thumbprint": "?"},
    ],
)
def test_other_credentials_of_a_management_host(fresh: Emulator, sessions: Open, more: dict[str, Any]) -> None:
    if "exchange_certificate_thumbprint" in more:
        more = {**more, "exchange_certificate_thumbprint": fresh.describe()["organizations"][0]["certificate_thumbprint"]}
    assert invoke(sessions("host", **more), Call("Get-IRMConfiguration"))[0].error is None


def test_a_client_certificate_opens_a_pool(fresh: Emulator, sessions: Open) -> None:
    path = fresh.describe()["organizations"][0]["certificate_path"]
    session = sessions("server", auth="certificate", remote_user=None, remote_password=None, certificate_pem=path, certificate_key_pem=path)
    assert invoke(session, Call("Get-IRMConfiguration"))[0].error is None
