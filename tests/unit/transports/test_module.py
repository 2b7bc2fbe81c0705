# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft's module makes of failures: it repeats writes by itself, fails at a refused token, and takes a
gateway's page for JSON.

Told over the stand-in, and over Microsoft's own module where EXCHANGE_MODULE names its folder (``make test-module``).
"""

from __future__ import annotations

import functools
import importlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import tries as _tries
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.powershell import PowershellTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.microsofts_module import MicrosoftsModule
from tests.unit.clock import Clock
from tests.unit.connections import ORGANIZATION, identity

from .wires import values

pytestmark = pytest.mark.engine

READ, WRITE = Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})
RULE = {
    "name": "Encrypt",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
#: What is said where the module could not read an answer.
NO_ANSWER = "a page of a gateway came in its place, or the connection was lost"
#: Bodies that the service has seen to give.
BUSY = '{"error": {"code": "ServiceUnavailable", "message": "Please try again."}}'
THROTTLED = '{"error": {"code": "TooManyRequests", "message": "Slow down.", "details": []}}'


def refusal(kind: str, text: str) -> str:
    """A body in which the service names an exception."""
    return json.dumps(
        {"error": {"code": "", "message": "Error executing cmdlet", "details": [{"message": f"|{kind}|{text}"}]}}
    )


#: What the service may answer to the module's second try of a write whose first one was carried out behind a 504; None
#: is what it says by itself.
SECOND_ANSWERS: dict[str, dict[str, Any] | None] = {
    "nothing unusual": None,
    "401": {"kind": "401"},
    "400 limit": {
        "kind": "400",
        "body": refusal("Microsoft.Exchange.Data.LimitExceededException", "The limit is reached."),
    },
    "400 value": {
        "kind": "400",
        "body": refusal("Microsoft.Exchange.Data.DataValidationException", "The value is wrong."),
    },
    "403": {"kind": "403"},
    "404": {"kind": "400", "status": 404, "body": refusal("X.ManagementObjectNotFoundException", "It is not there.")},
    "409": {"kind": "400", "status": 409, "body": refusal("X.ADObjectAlreadyExistsException", "It exists.")},
    "429": {"kind": "429", "body": THROTTLED, "times": None, "retry_after": 0},
    "500 timeout": {"kind": "500", "body": refusal("System.TimeoutException", "It took too long.")},
    "502 page": {"kind": "502"},
    "503": {"kind": "503", "body": BUSY, "times": None},
    "lost": {"kind": "lost_before"},
}
#: A task for each cmdlet that writes: the module, its options, the state before it as another task's.
TASKS: dict[str, tuple[str, dict[str, Any], tuple[str, dict[str, Any]] | None]] = {
    "New-TransportRule": ("ome_transport_rule", RULE, None),
    "Set-TransportRule": ("ome_transport_rule", {**RULE, "comments": "changed"}, ("ome_transport_rule", RULE)),
    "Disable-TransportRule": ("ome_transport_rule", {**RULE, "enabled": False}, ("ome_transport_rule", RULE)),
    "Remove-TransportRule": (
        "ome_transport_rule",
        {"name": "Encrypt", "state": "absent"},
        ("ome_transport_rule", RULE),
    ),
    "Set-IRMConfiguration": ("irm_configuration", {"search_enabled": False}, None),
    "Set-ActiveSyncOrganizationSettings": ("activesync_org_settings", {"default_access_level": "Block"}, None),
    "New-OMEConfiguration": ("ome_configuration", {"identity": "One"}, None),
    "Set-OMEConfiguration": ("ome_configuration", {"otp_enabled": False}, None),
    "Remove-OMEConfiguration": (
        "ome_configuration",
        {"identity": "One", "state": "absent"},
        ("ome_configuration", {"identity": "One"}),
    ),
}


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
        return self.run("ome_transport_rule", **{**RULE, "verify_timeout": 3, **options})

    def run(self, module: str, **options: Any) -> dict[str, Any]:
        """Runs a module."""
        code = importlib.import_module(f"ansible_collections.m365.message_encryption.plugins.modules.{module}")
        validation = ArgumentSpecValidator(**{"argument_spec": {}, **code.SPEC}).validate(options)
        assert not validation.error_messages
        task = ModuleContext(
            params=validation.validated_parameters,
            check_mode=False,
            session=self,
            describe=lambda: SessionDescription(organization=OrganizationIdentity(on_premises=False)),
        )
        return dict(code.run(task))

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
    monkeypatch.setattr(_tries, "Policy", functools.partial(Policy, sleep=lambda seconds: None))
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


def _usual(cmdlet: str, second: str) -> bool:
    """Whether "make test" tries these; the matrix tries all."""
    return (cmdlet, second) in {
        ("Set-IRMConfiguration", "401"),
        ("Set-TransportRule", "nothing unusual"),
        ("New-TransportRule", "400 limit"),
        ("Set-OMEConfiguration", "500 timeout"),
        ("Remove-TransportRule", "502 page"),
        ("Set-IRMConfiguration", "429"),
    }


PAIRS = [
    pytest.param(cmdlet, second, marks=[] if _usual(cmdlet, second) else [pytest.mark.matrix])
    for cmdlet in TASKS
    for second in SECOND_ANSWERS
]


@pytest.mark.parametrize(("cmdlet", "second"), PAIRS)
def test_a_write_that_was_done_behind_a_504_is_found_whatever_is_answered_to_its_repetition(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, cmdlet: str, second: str
) -> None:
    """Reads are behind for a while, and the task waits."""
    module, options, past = TASKS[cmdlet]
    monkeypatch.setattr(_waiting, "time", Clock())
    lab.emulator.organizations[ORGANIZATION].patch({"advanced_message_encryption": True})
    if past:
        lab.run(past[0], **past[1])
    answer = SECOND_ANSWERS[second]
    lab.strike(
        lab.fault("504", cmdlet=cmdlet, after=True, body=BUSY),
        *([] if answer is None else [lab.fault(**answer, cmdlet=cmdlet, nth=2)]),
        {"kind": "stale_reads", "cmdlet": cmdlet, "reads": 6},
    )
    result = lab.run(module, **options)
    assert 2 <= lab.emulator.faults.schedule[0].seen <= 6
    assert (result["changed"], len(result["commands"])) == (True, 1)
    lab.emulator.faults.set([])
    assert not lab.run(module, **options)["changed"]


@pytest.mark.parametrize(
    ("cmdlet", "second"),
    [pair for pair in PAIRS if pair.values[1] not in ("nothing unusual", "401", "502 page", "lost")],
)
def test_a_write_that_was_not_done_is_not_said_to_be_done_nor_to_be_certainly_undone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, cmdlet: str, second: str
) -> None:
    """The same two answers where the first try was lost before it was carried out."""
    module, options, past = TASKS[cmdlet]
    answer = SECOND_ANSWERS[second]
    assert answer is not None
    monkeypatch.setattr(_waiting, "time", Clock())
    lab.emulator.organizations[ORGANIZATION].patch({"advanced_message_encryption": True})
    if past:
        lab.run(past[0], **past[1])
    lab.strike(lab.fault("504", cmdlet=cmdlet, body=BUSY), lab.fault(**answer, cmdlet=cmdlet, nth=2))
    with pytest.raises(errors.OutcomeUnknownError, match="read back for 60 seconds: not stored") as caught:
        lab.run(module, **options)
    assert (caught.value.result["changed"], caught.value.result["not_applied"]) == (False, [])
    assert len(caught.value.result["outcome_unknown"]) == 1
    # What the module has repeated is not repeated once more.
    assert len(lab.emulator.faults.struck) <= 6


def test_what_is_never_seen_is_not_said_to_be_not_applied(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "time", Clock())
    lab.strike(
        lab.fault("504", cmdlet="New-TransportRule", after=True, body=BUSY),
        {"kind": "stale_reads", "cmdlet": "New-TransportRule", "reads": 1000},
    )
    with pytest.raises(errors.OutcomeUnknownError, match="Microsoft's module repeats calls by itself") as caught:
        lab.rule()
    assert caught.value.result["not_applied"] == []
    assert len(caught.value.result["outcome_unknown"]) == 1
    assert lab.sent.count("New-TransportRule") == 2


def test_a_write_that_powershell_refuses_was_not_sent(lab: Lab) -> None:
    lab.strike()
    for call in (Call("Set-IRMConfiguration", {"Bogus": True}), Call("Set-Nothing")):
        (result,) = lab.invoke([call])
        assert result.error.__class__ is errors.CmdletNotAvailableError
    assert lab.sent == []


def test_a_rule_that_the_module_removed_at_its_first_try_counts_as_removed(lab: Lab) -> None:
    lab.rule()
    lab.strike(lab.fault("504", cmdlet="Remove-TransportRule", after=True, body=BUSY))
    result = lab.rule(state="absent")
    assert lab.sent.count("Remove-TransportRule") == 2
    assert (result["changed"], len(result["commands"])) == (True, 1)


def test_a_setting_that_fails_at_every_try_is_not_known(lab: Lab) -> None:
    lab.strike(lab.fault("503", cmdlet="Set-*", body=BUSY, times=None))
    (result,) = lab.invoke([WRITE])
    assert isinstance(result.error, errors.OutcomeUnknownError)
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
    assert "Exchange throttles this caller: Slow down. Microsoft's module repeats calls by itself" in str(result.error)
    assert len(lab.emulator.faults.struck) == 6


def test_a_throttled_task_sends_a_write_as_often_as_the_module_does(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "time", Clock())
    lab.strike(lab.fault("429", cmdlet="New-*", body=THROTTLED, times=None, retry_after=0))
    with pytest.raises(errors.OutcomeUnknownError, match="read back for 3 seconds: not stored"):
        lab.rule()
    assert len(lab.emulator.faults.struck) == 6


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
    assert isinstance(exists, errors.OutcomeUnknownError)
    assert "already exists" in exists.reason
    assert isinstance(write(WRITE, {"kind": "503"}), errors.OutcomeUnknownError)
    opened = fresh.service.ledger.counters["exchange_sessions_opened"]
    refused = write(WRITE, {"kind": "401"})
    assert isinstance(refused, errors.OutcomeUnknownError)
    assert refused.again
    assert write(WRITE, {"kind": "401", "nth": 2}) is None
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
    assert NO_ANSWER in str(result.error)


@pytest.mark.parametrize(
    "fault", [{"kind": "wrong_content_type"}, {"kind": "502"}, {"kind": "half_answer"}, {"kind": "lost_before"}]
)
def test_what_takes_the_place_of_an_answer_is_asked_again_and_never_called_a_missing_role(
    lab: Lab, fault: dict[str, Any]
) -> None:
    """The module says the same of a page and of a lost connection, so that neither is said to be the other."""
    if lab.wire == "powershell" and fault["kind"] == "lost_before":
        pytest.skip("the stand-in's process dies with its connection")
    lab.strike(lab.fault(**fault, cmdlet=READ.cmdlet))
    assert lab.invoke([READ])[0].error is None
    lab.strike(lab.fault(**fault, cmdlet=READ.cmdlet, times=None))
    (result,) = lab.invoke([READ])
    assert result.error.__class__ is errors.ServiceError
    told = str(result.error)
    assert NO_ANSWER in told or "a gateway's page took the place of its response, the connection was lost" in told


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
        if call is WRITE:
            # The refusal may be that of the module's second try, so that whoever sent it reads first.
            assert isinstance(result.error, errors.OutcomeUnknownError)
            assert result.error.again
            (result,) = lab.invoke([call])
        assert result.error is None, call
        assert lab.sent.count(call.cmdlet) == 1, call
        assert len(set(lab.line().secrets) - known) == 1, call


def test_a_write_whose_token_is_refused_is_sent_again_once_reads_do_not_show_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_waiting, "time", Clock())
    lab.strike()
    expire(lab)
    if lab.wire == "powershell":
        lab.emulator.faults.set([lab.fault("401_expired", cmdlet="Set-*")])
    assert lab.run("irm_configuration", search_enabled=False)["changed"]
    assert lab.sent.count("Set-IRMConfiguration") == 1


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
