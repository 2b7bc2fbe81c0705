# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost, refused for a while or cut off, over every wire: reads survive it, and writes are never doubled and
never claimed.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors as _errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call

from tests.emulator import Emulator
from tests.unit.connections import ORGANIZATION
from tests.unit.matrix import matrix
from tests.unit.transports.wires import LOSSES, SHELLS, WIRES, Open, fault, invoke, steps, struck


@pytest.mark.parametrize("wire", matrix(WIRES))
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_read_survives_what_passes(fresh: Emulator, sessions: Open, wire: str, kind: str, which: int) -> None:
    session = struck(fresh, sessions, wire, fault(wire, kind, which))
    (result,) = invoke(session, Call("Get-IRMConfiguration"))
    assert fresh.faults.struck
    assert result.unwrap()[0]["Name"]


@pytest.mark.parametrize("wire", matrix(WIRES))
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_write_is_never_doubled_and_never_claimed(
    fresh: Emulator, sessions: Open, wire: str, kind: str, which: int
) -> None:
    session = struck(fresh, sessions, wire, fault(wire, kind, which))
    (result,) = invoke(session, Call("New-TransportRule", {"Name": "once", "ApplyRightsProtectionTemplate": "Encrypt"}))
    assert fresh.psrp.settle(60)
    assert fresh.faults.struck
    applied = sum(entry.applied for entry in fresh.calls if entry.cmdlet == "New-TransportRule")
    assert applied <= 1
    if result.error is None:
        assert applied == 1
    else:
        assert isinstance(result.error, _errors.OutcomeUnknownError)


@pytest.mark.parametrize("wire", matrix(WIRES))
@pytest.mark.parametrize("throttle", [{"kind": "429", "retry_after": 1}, {"kind": "429"}, {"kind": "concurrency_text"}])
def test_a_throttled_write_is_repeated(fresh: Emulator, sessions: Open, wire: str, throttle: dict[str, Any]) -> None:
    session = struck(fresh, sessions, wire, {**throttle, "step": steps(wire)[0]})
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    if wire == "rest" or throttle["kind"] == "429":
        assert result.error is None
    assert sum(entry.applied for entry in fresh.calls) <= 1


@pytest.mark.parametrize("wire", matrix(SHELLS))
@pytest.mark.parametrize("call", [Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})])
def test_a_dead_shell_is_replaced(fresh: Emulator, sessions: Open, wire: str, call: Call) -> None:
    session = struck(fresh, sessions, wire, {"kind": "dead_shell", "step": "command"})
    (result,) = invoke(session, call)
    assert result.error is None


@pytest.mark.parametrize("wire", ["server", "constrained"])
@pytest.mark.parametrize(
    "call", [Call("Get-TransportRule"), Call("Set-IRMConfiguration", {"SearchEnabled": False})], ids=["read", "write"]
)
def test_a_shell_that_takes_another_ones_place_is_of_the_same_organization(
    fresh: Emulator, sessions: Open, monkeypatch: pytest.MonkeyPatch, wire: str, call: Call
) -> None:
    """An address may lead to another host, and an endpoint to another organization, while a run is under way."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    (user,) = [
        name for name, (_password, organization) in fresh.psrp._accounts.items() if organization.name == ORGANIZATION
    ]
    other = fresh.organizations["fabrikam.onmicrosoft.com"]
    monkeypatch.setitem(fresh.psrp._accounts, user, (fresh.psrp._accounts[user][0], other))
    fresh.faults.set([{"kind": "dead_shell", "step": "command"}])
    for _again in range(2):
        (result,) = invoke(session, call)
        assert isinstance(result.error, _errors.NotSentError)
        assert "fabrikam.onmicrosoft.com" in str(result.error)
    asked = {entry.cmdlet for entry in fresh.calls if entry.organization == other.name}
    assert asked <= {"Get-OrganizationConfig", "Get-ConnectionInformation"}


@pytest.mark.parametrize("wire", matrix(SHELLS))
def test_operation_timeouts_are_waited_through(fresh: Emulator, sessions: Open, wire: str) -> None:
    session = struck(fresh, sessions, wire, {"kind": "operation_timeout", "step": "receive", "times": 3})
    assert invoke(session, Call("Get-IRMConfiguration"))[0].error is None


@pytest.mark.parametrize("wire", ["rest"])
@pytest.mark.parametrize("kind", ["401_expired", "401_revoked"])
def test_a_token_that_is_refused_is_renewed_even_for_a_write(
    fresh: Emulator, sessions: Open, wire: str, kind: str
) -> None:
    session = struck(fresh, sessions, wire, {"kind": kind, "step": "invoke"})
    (result,) = invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    assert result.error is None
    assert sum(entry.applied for entry in fresh.calls) == 1
