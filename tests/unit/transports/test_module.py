# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft's module makes of failures: it repeats writes by itself, fails at a refused token, and takes a
gateway's page for JSON.

Told over the stand-in, and over Microsoft's own module where EXCHANGE_MODULE names its folder (``make test-module``).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import session as _session
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import (
    OrganizationSession,
    Request,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.powershell import PowershellTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.microsofts_module import MicrosoftsModule
from tests.unit.connections import ORGANIZATION, identity

from .wires import values

pytestmark = pytest.mark.engine

READ, WRITE = Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})
RULE = {
    "name": "Encrypt",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
#: Bodies that the service has seen to give.
BUSY = '{"error": {"code": "ServiceUnavailable", "message": "Please try again."}}'
THROTTLED = '{"error": {"code": "TooManyRequests", "message": "Slow down.", "details": []}}'


@dataclass
class Lab:
    """A module in front of the emulator.

    :param wire: the emulator's name for its requests.
    :param connects: the step that gets the temporary module.
    """

    emulator: Emulator
    wire: str
    connects: str
    session: OrganizationSession
    line: Callable[[], PowershellTransport]

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        return self.session.invoke(Request(calls, fresh=fresh))

    def fault(self, kind: str, *, step: str = "invoke", **more: Any) -> dict[str, Any]:
        return {"kind": kind, "wire": self.wire, "step": self.connects if step == "connect" else step, **more}

    def strike(self, *faults: dict[str, Any]) -> None:
        """Opens the session, and then sets the faults."""
        assert self.invoke([READ])[0].error is None
        self.emulator.service.ledger.reset()
        self.emulator.faults.set(list(faults))

    def rule(self, **options: Any) -> dict[str, Any]:
        """Runs ome_transport_rule."""
        validation = ArgumentSpecValidator(**{"argument_spec": {}, **ome_transport_rule.SPEC}).validate(
            {**RULE, "verify_timeout": 3, **options}
        )
        assert not validation.error_messages
        task = ModuleContext(
            params=validation.validated_parameters,
            check_mode=False,
            session=self,
            describe=lambda: {"on_premises": False},
        )
        return dict(ome_transport_rule.run(task))

    @property
    def sent(self) -> list[str]:
        """The cmdlets that the service has run since the faults were set."""
        return [entry.cmdlet for entry in self.emulator.calls]


@pytest.fixture(name="microsofts", scope="module")
def microsofts_fixture(
    emulator: Emulator, engine: Engine | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MicrosoftsModule | None]:
    folder = os.environ.get("EXCHANGE_MODULE")
    if not folder:
        yield None
        return
    assert engine is not None
    with MicrosoftsModule(emulator, engine, Path(folder), tmp_path_factory.mktemp("module")) as module:
        yield module


@pytest.fixture(name="module", params=["stand-in", "microsofts"], scope="module")
def module_fixture(request: pytest.FixtureRequest, microsofts: MicrosoftsModule | None) -> MicrosoftsModule | None:
    """The module in front of the emulator; None is the stand-in."""
    if request.param == "stand-in":
        return None
    if microsofts is None:
        pytest.skip("EXCHANGE_MODULE names no folder of Microsoft's module")
    return microsofts


@contextmanager
def laboratory(emulator: Emulator, module: MicrosoftsModule | None, directory: Path) -> Iterator[Callable[..., Lab]]:
    """Makes laboratories whose sessions are not open, from more variables of a host."""
    more = {} if module is None else {"exchange_powershell_path": str(module.program), "exchange_proxy": module.proxy}
    wire, connects = ("powershell", "connect") if module is None else ("rest", "exomodulefile")
    processes = Processes(str(directory))
    sessions: list[OrganizationSession] = []

    def make(**variables: Any) -> Lab:
        lines: list[PowershellTransport] = []

        def line(described: Any) -> PowershellTransport:
            lines.append(PowershellTransport(described, processes))
            return lines[-1]

        sessions.append(OrganizationSession(identity(**values(emulator, "powershell", **more, **variables)), line))
        return Lab(emulator, wire, connects, sessions[-1], lambda: lines[-1])

    try:
        yield make
    finally:
        emulator.faults.set([])
        for session in sessions:
            session.close()
        processes.end()


@pytest.fixture(name="untouched")
def untouched_fixture(fresh: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator with a fresh organization and nothing that an earlier test left; waits between tries are left out."""
    monkeypatch.setattr(_session, "Policy", functools.partial(Policy, sleep=lambda seconds: None))
    fresh.reset()
    return fresh


@pytest.fixture(name="unopened")
def unopened_fixture(
    untouched: Emulator, module: MicrosoftsModule | None, tmp_path: Path
) -> Iterator[Callable[..., Lab]]:
    with laboratory(untouched, module, tmp_path) as make:
        yield make


@pytest.fixture(name="shared_lab", scope="module")
def shared_lab_fixture(
    emulator: Emulator, module: MicrosoftsModule | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    with laboratory(emulator, module, tmp_path_factory.mktemp("processes")) as make:
        yield make()


@pytest.fixture(name="lab")
def lab_fixture(untouched: Emulator, shared_lab: Lab) -> Lab:
    """One session for all tests that are not about connecting."""
    return shared_lab


# It repeats by itself


def test_a_rule_that_the_module_created_at_its_first_try_counts_as_created(lab: Lab) -> None:
    """The first try is carried out behind a 504, and the second is told that the rule exists."""
    lab.strike(lab.fault("504", cmdlet="New-TransportRule", after=True, body=BUSY))
    result = lab.rule()
    assert lab.sent.count("New-TransportRule") == 2
    assert (result["changed"], len(result["commands"])) == (True, 1)
    assert not lab.rule()["changed"]


def test_what_exists_already_and_cannot_be_seen_is_not_said_to_be_not_applied(lab: Lab) -> None:
    lab.strike(
        lab.fault("504", cmdlet="New-TransportRule", after=True, body=BUSY),
        {"kind": "stale_reads", "cmdlet": "New-TransportRule", "reads": 1000},
    )
    with pytest.raises(errors.OutcomeUnknownError, match="Microsoft's module repeats writes by itself") as caught:
        lab.rule()
    assert caught.value.progress is not None
    assert caught.value.progress["not_applied"] == []
    assert len(caught.value.progress["outcome_unknown"]) == 1
    assert lab.sent.count("New-TransportRule") == 2


def test_a_rule_that_the_module_removed_at_its_first_try_counts_as_removed(lab: Lab) -> None:
    lab.rule()
    lab.strike(lab.fault("504", cmdlet="Remove-TransportRule", after=True, body=BUSY))
    result = lab.rule(state="absent")
    assert lab.sent.count("Remove-TransportRule") == 2
    assert (result["changed"], len(result["commands"])) == (True, 1)


def test_a_setting_that_fails_at_every_try_is_not_known(lab: Lab) -> None:
    lab.strike(lab.fault("503", cmdlet="Set-*", body=BUSY, times=None))
    (result,) = lab.invoke([WRITE])
    assert result.error is not None
    assert result.error.uncertain or isinstance(result.error, errors.OutcomeUnknownError)
    assert lab.emulator.faults.struck[0].cmdlets == ["Set-IRMConfiguration"]
    assert len(lab.emulator.faults.struck) == 6


def test_a_write_whose_answer_is_lost_behind_the_module_is_looked_for(lab: Lab) -> None:
    """The module has a sentence for it that says nothing."""
    lab.strike(lab.fault("half_answer", cmdlet="New-TransportRule"))
    result = lab.rule()
    assert lab.sent.count("New-TransportRule") == 1
    assert (result["changed"], len(result["commands"])) == (True, 1)


def test_a_throttled_write_is_not_known(lab: Lab) -> None:
    """An earlier one of the module's tries may have been carried out."""
    lab.strike(lab.fault("429", cmdlet="Set-*", body=THROTTLED, times=None, retry_after=0))
    (result,) = lab.invoke([WRITE])
    assert isinstance(result.error, errors.OutcomeUnknownError)
    assert "Exchange throttles this caller: Slow down. Microsoft's module repeats writes by itself" in str(result.error)


def test_a_throttled_read_says_what_exchange_said(lab: Lab) -> None:
    lab.strike(lab.fault("429", cmdlet=READ.cmdlet, body=THROTTLED, times=None, retry_after=0))
    (result,) = lab.invoke([READ])
    assert isinstance(result.error, errors.ThrottledError)
    assert "Exchange throttles this caller: Slow down." in str(result.error)


def test_the_module_on_a_management_host_does_so_too(
    fresh: Emulator, sessions: Callable[..., OrganizationSession]
) -> None:
    """And fails in the same ways."""
    session = sessions("engine")
    rule = Call(
        "New-TransportRule",
        {"Name": "Encrypt", "FromScope": "InOrganization", "SetHeaderName": "X-A", "SetHeaderValue": "b"},
    )

    def write(call: Call, fault: dict[str, Any]) -> errors.ExchangeError | None:
        fresh.faults.set([{"wire": "powershell", "step": "invoke", "cmdlet": call.cmdlet, **fault}])
        return session.invoke(Request([call]))[0].error

    assert session.invoke(Request([READ]))[0].error is None
    exists = write(rule, {"kind": "504", "after": True, "body": BUSY})
    assert isinstance(exists, errors.AlreadyExistsError)
    assert exists.uncertain
    assert isinstance(write(WRITE, {"kind": "503"}), errors.OutcomeUnknownError)
    opened = fresh.service.ledger.counters["exchange_sessions_opened"]
    assert write(WRITE, {"kind": "401"}) is None
    assert fresh.service.ledger.counters["exchange_sessions_opened"] == opened + 1


def test_the_session_is_asked_for_its_connection_once(lab: Lab) -> None:
    (connection,) = lab.invoke([Call("Get-ConnectionInformation")])
    assert connection.objects[0]["TenantID"] == lab.emulator.organizations[ORGANIZATION].tenant_id
    assert lab.invoke([Call("Get-ConnectionInformation"), READ])[0].objects == connection.objects


# A gateway's page


def test_a_gateways_page_is_asked_again_for_a_read(lab: Lab) -> None:
    lab.strike(lab.fault("503", cmdlet=READ.cmdlet, times=2))
    assert lab.invoke([READ])[0].error is None


def test_a_gateways_page_says_nothing_of_a_write(lab: Lab) -> None:
    lab.strike(lab.fault("504", cmdlet="Set-*", after=True))
    (result,) = lab.invoke([WRITE])
    assert isinstance(result.error, errors.OutcomeUnknownError)
    assert "from a gateway before it" in str(result.error)


def test_a_page_in_the_place_of_an_answer_is_a_gateways(lab: Lab) -> None:
    lab.strike(lab.fault("wrong_content_type", cmdlet=READ.cmdlet, times=None))
    (result,) = lab.invoke([READ])
    assert isinstance(result.error, errors.ServiceError)
    assert "from a gateway before it" in str(result.error)


# Refused tokens


def expire(lab: Lab) -> None:
    """Every token that was issued so far is refused."""
    lab.emulator.authority.refuse_all("expired")


def test_a_refused_token_is_renewed_once_and_the_call_repeated(lab: Lab) -> None:
    for call in (READ, WRITE):
        lab.strike()
        known = set(lab.line().secrets)
        expire(lab)
        if lab.wire == "powershell":
            lab.emulator.faults.set([lab.fault("401_expired", cmdlet=call.cmdlet)])
        (result,) = lab.invoke([call])
        assert result.error is None, call
        assert lab.sent.count(call.cmdlet) == 1, call
        assert len(set(lab.line().secrets) - known) == 1, call


def test_a_token_that_is_refused_for_good_costs_one_more_connection(lab: Lab) -> None:
    """PowerShell may run the rest of the pipeline that the first refused call ends, unseen. Then one call is enough to
    know.
    """
    refused = lab.fault("401", times=None)
    lab.strike(refused)
    results = lab.invoke([READ, Call("Get-TransportConfig"), Call("Get-RMSTemplate"), Call("Get-TransportRule")])
    assert {type(result.error) for result in results} == {errors.NotSentError}
    assert "does not accept the session's token (401)" in str(results[0].error)
    assert "3.9.2 is not" in str(results[0].error)
    assert "Exchange.ManageAsApp" in str(results[0].error)
    before = len(lab.emulator.faults.struck)
    assert before <= len(results) + 1
    # The next task does not try a second time.
    lab.invoke([READ])
    assert len(lab.emulator.faults.struck) == before + 1


# Connecting


def test_a_caller_that_is_refused_is_told_so_once_another_token_is_refused(unopened: Callable[..., Lab]) -> None:
    lab, log = unopened(), list[str]()
    lab.emulator.faults.set(
        [lab.fault("401", step="connect"), lab.fault("403", step="connect", nth=2, times=None, body=BUSY)]
    )
    with pytest.raises(errors.UnreachableError) as caught:
        lab.session.invoke(Request([READ], log=log.append))
    assert any(
        "Connect-ExchangeOnline failed: Exchange does not accept the caller: UnAuthorized" in line for line in log
    )
    assert "Connect-ExchangeOnline failed: Exchange does not accept the caller: Please try again" in str(caught.value)
    assert caught.value.remedy
    # Who was refused asks without the module, too, whether Exchange redirects.
    assert len(lab.emulator.faults.struck) == 2 * (2 if lab.wire == "rest" else 1)


#: What passes, and what is told of it. The stand-in has one exception for the first two.
PASSING = [
    ({"kind": "429", "body": BUSY}, "Exchange is busy, or failed: Please try again"),
    ({"kind": "503", "body": BUSY}, "Exchange is busy, or failed: Please try again"),
    ({"kind": "503"}, "from a gateway before it"),
    ({"kind": "500"}, "returned no usable list of cmdlets"),
]


def test_trouble_that_passes_does_not_keep_from_connecting(unopened: Callable[..., Lab]) -> None:
    """Each failure is told by its exception, and worth another try."""
    lab, log = unopened(), list[str]()
    passing = PASSING if lab.wire == "rest" else PASSING[1:]
    lab.emulator.faults.set(
        [lab.fault(step="connect", nth=nth, **fault) for nth, (fault, _told) in enumerate(passing, 1)]
    )
    (result,) = lab.session.invoke(Request([READ], log=log.append))
    assert result.error is None
    tries = [line for line in log if line.startswith("Get-OrganizationConfig: Connect-ExchangeOnline failed: ")]
    assert [line for line, (_fault, told) in zip(tries, passing, strict=True) if told not in line] == []


def test_trouble_that_does_not_pass_is_told_after_the_last_try(unopened: Callable[..., Lab]) -> None:
    lab = unopened(exchange_retries=2)
    lab.emulator.faults.set([lab.fault("503", step="connect", times=None)])
    with pytest.raises(errors.UnreachableError, match="from a gateway before it") as caught:
        lab.invoke([READ])
    assert caught.value.remedy
    assert len(lab.emulator.faults.struck) == 2
