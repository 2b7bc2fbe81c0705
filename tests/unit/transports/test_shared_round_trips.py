# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes that share a round trip with each other and with reads, over every wire."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors as _errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call

from tests.emulator import Emulator
from tests.unit.connections import ORGANIZATION
from tests.unit.matrix import matrix
from tests.unit.transports.wires import COUNTED, EVERY_WIRE, LOSSES, MODULE_BENEATH, WIRES, Open, invoke

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
def test_writes_and_their_reads_are_one_round_trip(fresh: Emulator, shared: Open, wire: str) -> None:
    results = invoke(shared(wire), *WRITES, *TRAVELLING)
    assert [result.error for result in results] == [None] * 6
    assert fresh.round_trips == 1
    assert applied(fresh) == sorted(call.cmdlet for call in WRITES)
    assert results[3].objects[0]["SearchEnabled"] is False
    assert "once" in [row["Identity"] for row in results[4].objects]
    assert results[5].objects[0]["DefaultAccessLevel"] == "Block"


#: Those of a real PowerShell.
_REAL = ("engine", "endpoint", "powershell")
REFUSED = [
    Call("Set-IRMConfiguration", {"Bogus": True}),
    Call("Set-Nothing"),
    Call("Set-TransportRule", {"Identity": "nowhere", "Comments": "x"}),
]


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_a_refused_write_leaves_those_beside_it_done_or_unknown(fresh: Emulator, shared: Open, wire: str) -> None:
    session = shared(wire)
    # In the middle there are writes before it and after it, which is enough where a call takes long.
    for refused, place in itertools.product(REFUSED, (1,) if wire in _REAL else range(3)):
        fresh.organizations[ORGANIZATION].replace({"name": ORGANIZATION, "advanced_message_encryption": True})
        fresh.service.ledger.reset()
        writes = [WRITES[0], WRITES[1]]
        writes.insert(place, refused)
        results = invoke(session, *writes, *TRAVELLING)
        assert results[place].error is not None
        # Of what Microsoft's module reports, nobody knows which of its tries it is about.
        repeated = refused is REFUSED[-1] and wire in MODULE_BENEATH
        assert isinstance(results[place].error, _errors.OutcomeUnknownError) is repeated
        for write, result in zip(writes, results, strict=False):
            done = applied(fresh).count(write.cmdlet)
            assert done <= 1
            if write is not refused:
                assert (result.error is None and done == 1) or isinstance(result.error, _errors.OutcomeUnknownError)
        assert [result.error for result in results[3:]] == [None] * 3, (refused, place)


@pytest.mark.parametrize("wire", matrix(WIRES))
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("order", ["given", "reversed"])
def test_writes_that_share_a_round_trip_are_never_doubled_and_never_claimed(
    fresh: Emulator, sessions: Open, wire: str, kind: str, order: str
) -> None:
    """Lost as a whole, before or after the work; or, where a part of a batch loses the line, in the middle of it."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    fresh.organizations[ORGANIZATION].patch({"batch_order": order})
    for step in ("batch", "batched") if wire == "rest" else ("command", "receive"):
        if kind == "garbled" and step != "batch":
            continue
        fresh.service.ledger.reset()
        fresh.faults.set(
            [
                {"kind": kind, "nth": 2}
                if kind == "garbled"
                else {"kind": kind, "step": step, "nth": 2 if step == "batched" else 1}
            ]
        )
        names = [f"{kind} {step} {number}" for number in range(3)]
        results = invoke(
            session,
            *(Call("New-OMEConfiguration", {"Identity": name, "Confirm": False}) for name in names),
            *TRAVELLING,
        )
        assert fresh.psrp.settle(60)
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
def test_a_value_that_does_not_fit_is_said_of_the_call_that_has_it(fresh: Emulator, shared: Open, wire: str) -> None:
    huge = Call("Set-ActiveSyncOrganizationSettings", {"DefaultAccessLevel": 2**70})
    results = invoke(shared(wire), WRITES[0], huge, *TRAVELLING)
    assert [type(result.error) for result in results] == [type(None), _errors.InvalidValueError, *[type(None)] * 3]
    assert applied(fresh) == ["Set-IRMConfiguration"]
