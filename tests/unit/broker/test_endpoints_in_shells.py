# SPDX-License-Identifier: GPL-3.0-or-later
"""The second endpoint of an organization where Microsoft's module connects to it: on a management host, and in a
PowerShell process beside ansible-playbook.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    COMPLIANCE_CMDLETS,
    Call,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import endpoints
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import tries as _tries
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.remoting import RemotingTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.microsofts_module import COMPLIANCE_FRONT, SERVICE, MicrosoftsModule
from tests.unit.connections import ORGANIZATION, identity
from tests.unit.transports.wires import values

OWN, POLICIES, RULES, LABELS = (
    Call(name) for name in ("Get-IRMConfiguration", "Get-DlpCompliancePolicy", "Get-DlpComplianceRule", "Get-Label")
)
OTHER = "fabrikam.onmicrosoft.com"
STATE: dict[str, Any] = {
    "name": ORGANIZATION,
    "compliance_role": True,
    "dlp_policies": [{"Name": "Cards"}],
    "dlp_rules": [{"Name": "Cards 1", "ParentPolicyName": "Cards", "AccessScope": "NotInOrganization"}],
    "labels": [{"Name": "Secret"}],
}
POWERSHELL = pytest.param("powershell", marks=pytest.mark.engine)
#: A management host of the emulator's own, and a process of our own.
SHELLS = ("host", POWERSHELL)
#: And a management host with a real PowerShell.
EVERY_SHELL = (*SHELLS, pytest.param("engine", marks=pytest.mark.engine))


class Broker:
    """Sessions by identity, as the broker has them."""

    def __init__(self, emulator: Emulator, wire: str, processes: Processes, **more: Any) -> None:
        self.emulator = emulator
        self.identity = identity(**values(emulator, wire, **more))
        self.processes = processes
        self.sessions: dict[str, OrganizationSession] = {}

    def session(self, wanted: Any) -> OrganizationSession:
        session = OrganizationSession(wanted, lambda given: open_transport(given, self.processes))
        return self.sessions.setdefault(_identity.key(wanted), session)

    def invoke(self, *calls: Call) -> list[Result]:
        return endpoints.invoke(self.session(self.identity), self.session, Request(calls, fresh=True))

    def close(self, *, own: bool = True) -> None:
        """Ends its sessions.

        :param own: also the one with Exchange.
        """
        for key, session in list(self.sessions.items()):
            if own or key != _identity.key(self.identity):
                session.close()
                del self.sessions[key]


@pytest.fixture(name="processes", scope="module")
def processes_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    processes = Processes(str(tmp_path_factory.mktemp("processes")))
    yield processes
    processes.end()


@pytest.fixture(name="shells", scope="module")
def shells_fixture(engine: Engine | None) -> Iterator[Emulator]:
    with Emulator([STATE, OTHER], engine=engine) as made:
        yield made


@pytest.fixture(name="lasting", scope="module")
def lasting_fixture() -> Iterator[dict[str, Broker]]:
    lasting: dict[str, Broker] = {}
    yield lasting
    for broker in lasting.values():
        broker.close()


@pytest.fixture
def brokers(
    shells: Emulator, processes: Processes, lasting: dict[str, Broker], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Broker]]:
    """Gives brokers with a fresh organization. Without variables, the session with Exchange is one for all tests: a real
    PowerShell takes seconds to start. Waits between tries are left out.
    """
    monkeypatch.setattr(_tries, "Policy", functools.partial(Policy, sleep=lambda seconds: None))
    shells.reset()
    shells.organizations[ORGANIZATION].replace(STATE)
    opened: list[Broker] = []

    def make(wire: str, **more: Any) -> Broker:
        if not more:
            broker = lasting.setdefault(wire, Broker(shells, wire, processes))
            broker.close(own=False)
            assert broker.invoke(OWN)[0].error is None
            return broker
        opened.append(Broker(shells, wire, processes, **more))
        return opened[-1]

    yield make
    shells.faults.clear()
    for broker in opened:
        broker.close()


@pytest.mark.parametrize("wire", EVERY_SHELL)
def test_every_cmdlet_brings_what_it_brings_over_rest_in_the_order_of_the_calls(
    brokers: Callable[..., Broker], shells: Emulator, wire: str
) -> None:
    calls = [POLICIES, OWN, *(Call(cmdlet) for cmdlet in COMPLIANCE_CMDLETS if cmdlet != POLICIES.cmdlet)]
    ours = brokers("rest", exchange_compliance_url=shells.describe()["compliance_url"]).invoke(*calls)
    broker = brokers(wire)
    assert len(broker.sessions) == 1
    theirs = broker.invoke(*calls)
    assert [result.error for result in theirs] == [None] * len(calls)
    assert [result.objects for result in theirs] == [result.objects for result in ours]
    assert len(broker.sessions) == 2


def test_both_sessions_end(brokers: Callable[..., Broker]) -> None:
    broker = brokers("host", exchange_retries=2)
    before = broker.emulator.sessions["exchange_sessions"]
    broker.invoke(OWN, POLICIES)
    assert broker.emulator.sessions["exchange_sessions"] == before + 2
    broker.close()
    assert broker.emulator.sessions["exchange_sessions"] == before


def test_both_sessions_are_asked_at_once(brokers: Callable[..., Broker]) -> None:
    """No task waits longer than for the slower one."""
    broker = brokers("host")
    broker.invoke(OWN, POLICIES)
    broker.emulator.faults.set(
        [{"kind": "meets", "step": "command", "cmdlet": call.cmdlet} for call in (OWN, POLICIES)]
    )
    broker.invoke(OWN, POLICIES)
    assert not broker.emulator.faults.missed
    assert len(broker.emulator.faults.struck) == 2


# Refusals and losses


@pytest.mark.parametrize("wire", SHELLS)
def test_what_is_not_granted_is_an_error_of_its_calls_with_the_role(brokers: Callable[..., Broker], wire: str) -> None:
    broker = brokers(wire)
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    own, policies, labels = broker.invoke(OWN, POLICIES, LABELS)
    assert own.error is None
    for result, call in ((policies, POLICIES), (labels, LABELS)):
        assert isinstance(result.error, errors.PermissionDeniedError)
        assert result.error.cmdlet == call.cmdlet
        assert "Security Reader" in result.error.remedy


@pytest.mark.parametrize("wire", SHELLS)
def test_who_has_no_role_is_refused_once(
    brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    """With another token, it would be the same."""
    tried: list[str] = []
    connect = RemotingTransport._connect

    def counted(self: RemotingTransport, *given: Any, **more: Any) -> None:
        tried.append(self._service.connect)
        connect(self, *given, **more)

    monkeypatch.setattr(RemotingTransport, "_connect", counted)
    broker = brokers(wire)
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    for _task in range(2):
        (policies,) = broker.invoke(POLICIES)
        assert isinstance(policies.error, errors.PermissionDeniedError)
    assert tried.count("Connect-IPPSSession") == 1


@pytest.mark.parametrize("wire", SHELLS)
def test_a_role_may_grant_a_part(brokers: Callable[..., Broker], wire: str) -> None:
    broker = brokers(wire)
    broker.emulator.organizations[ORGANIZATION].patch({"hidden_cmdlets": ["Get-Label"]})
    policies, labels = broker.invoke(POLICIES, LABELS)
    assert policies.error is None
    assert isinstance(labels.error, errors.CmdletNotAvailableError)
    assert "Security Reader" in labels.error.remedy


#: Every try to connect to the compliance endpoint is lost.
UNREACHABLE = {"kind": "lost_before", "step": "command", "cmdlet": "Connect-IPPSSession", "times": None}


def test_an_endpoint_that_cannot_be_reached_costs_only_its_calls_and_is_tried_once_in_a_run(
    brokers: Callable[..., Broker],
) -> None:
    broker = brokers("host")
    broker.emulator.faults.set([UNREACHABLE])
    own, policies = broker.invoke(OWN, POLICIES)
    assert (own.error, type(policies.error)) == (None, errors.NotSentError)
    struck = len(broker.emulator.faults.struck)
    assert struck
    own, policies = broker.invoke(OWN, POLICIES)
    assert (own.error, type(policies.error)) == (None, errors.NotSentError)
    assert len(broker.emulator.faults.struck) == struck


def test_whoever_asks_for_it_wants_it_reached(brokers: Callable[..., Broker]) -> None:
    broker = brokers("host", exchange_retries=1, exchange_compliance=True)
    broker.emulator.faults.set([UNREACHABLE])
    with pytest.raises(errors.UnreachableError):
        broker.invoke(OWN, POLICIES)


def test_whoever_refuses_it_is_not_asked(brokers: Callable[..., Broker]) -> None:
    broker = brokers("host", exchange_compliance=False)
    own, policies = broker.invoke(OWN, POLICIES)
    assert own.error is None
    assert "exchange_compliance" in str(policies.error)
    assert len(broker.sessions) == 1


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("lost_before", "command"),
        ("lost_after", "command"),
        ("half_answer", "receive"),
        ("500", "command"),
        ("503", "receive"),
        ("429", "command"),
        ("dead_shell", "receive"),
        ("operation_timeout", "receive"),
    ],
)
@pytest.mark.parametrize("cmdlet", ["Connect-IPPSSession", "Get-DlpCompliancePolicy"])
def test_a_loss_is_made_good(brokers: Callable[..., Broker], kind: str, step: str, cmdlet: str) -> None:
    broker = brokers("host")
    broker.emulator.faults.set([{"kind": kind, "step": step, "cmdlet": cmdlet, "retry_after": 0}])
    own, policies = broker.invoke(OWN, POLICIES)
    assert (own.error, policies.error) == (None, None)
    assert policies.objects[0]["Name"] == "Cards"
    assert broker.emulator.faults.struck


@pytest.mark.engine
@pytest.mark.parametrize(
    ("kind", "step"), [("dead_shell", "connect-compliance"), ("lost_after", "invoke"), ("401", "invoke")]
)
def test_a_loss_in_a_process_is_made_good(brokers: Callable[..., Broker], kind: str, step: str) -> None:
    broker = brokers("powershell")
    cmdlet = {"cmdlet": "Get-Dlp*"} if step == "invoke" else {}
    broker.emulator.faults.set([{"kind": kind, "wire": "powershell", "step": step, **cmdlet}])
    own, policies = broker.invoke(OWN, POLICIES)
    assert broker.emulator.faults.struck
    assert (own.error, policies.error) == (None, None)
    assert policies.objects[0]["Name"] == "Cards"


@pytest.mark.engine
def test_two_sessions_take_turns_where_one_process_may_live(
    brokers: Callable[..., Broker], shells: Emulator, tmp_path: Path
) -> None:
    processes = Processes(str(tmp_path))
    broker = Broker(shells, "powershell", processes, exchange_powershell_processes=1)
    try:
        for _again in range(2):
            assert [result.error for result in broker.invoke(OWN, POLICIES)] == [None, None]
        assert len(shells.own_processes.living) <= 2
    finally:
        broker.close()
        processes.end()


@pytest.mark.parametrize("kind", ["garbled", "error_in_200"])
def test_an_answer_that_is_none_is_not_taken_for_nothing_there(brokers: Callable[..., Broker], kind: str) -> None:
    broker = brokers("host")
    broker.emulator.faults.set([{"kind": kind, "cmdlet": POLICIES.cmdlet, "times": None}])
    (policies,) = broker.invoke(POLICIES)
    assert broker.emulator.faults.struck
    assert policies.error is not None


# The right organization


@pytest.mark.parametrize("wire", SHELLS)
def test_another_tenant_is_refused_with_all_that_it_brought(brokers: Callable[..., Broker], wire: str) -> None:
    broker = brokers(wire)
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_of": OTHER})
    broker.emulator.organizations[OTHER].patch({"compliance_role": True, "dlp_policies": []})
    tenant = broker.emulator.organizations[OTHER].tenant_id
    with pytest.raises(errors.WrongOrganizationError, match=tenant):
        broker.invoke(OWN, POLICIES)


@pytest.mark.parametrize("other", ["", OTHER])
def test_an_endpoint_that_is_connected_to_both_must_be_in_one_organization(
    brokers: Callable[..., Broker], other: str
) -> None:
    broker = brokers("constrained", exchange_compliance=True, configuration_name="Exchange.Purview")
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_of": other})
    broker.emulator.organizations[OTHER].patch({"compliance_role": True, "dlp_policies": [{"Name": "Theirs"}]})
    if other:
        with pytest.raises(errors.WrongOrganizationError, match=broker.emulator.organizations[OTHER].tenant_id):
            broker.invoke(OWN, POLICIES)
        return
    own, policies = broker.invoke(OWN, POLICIES)
    assert own.error is None
    assert [each["Name"] for each in policies.objects] == ["Cards"]
    assert len(broker.sessions) == 1


# Microsoft's own module


@pytest.fixture(name="microsofts", scope="module")
def microsofts_fixture(
    shells: Emulator, engine: Engine | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MicrosoftsModule]:
    folder = os.environ.get("EXCHANGE_MODULE")
    if not folder:
        pytest.skip("EXCHANGE_MODULE names no folder of Microsoft's module")
    assert engine is not None
    with MicrosoftsModule(shells, engine, Path(folder), tmp_path_factory.mktemp("module")) as module:
        yield module


@pytest.mark.engine
@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("", "nam10b"),
        ("https://evil.example.com:446/", "evil"),
        ("https://user@nam10b.admin.protection.outlook.com.evil.example.com/", "nam10b"),
        ("http://nam10b.admin.protection.outlook.com/", "nam10b"),
    ],
)
def test_microsofts_module_reads_and_shows_its_token_to_the_endpoint_alone(
    brokers: Callable[..., Broker], microsofts: MicrosoftsModule, location: str, place: str
) -> None:
    own = {"exchange_powershell_path": str(microsofts.program), "exchange_proxy": microsofts.proxy}
    broker = brokers("powershell", **own)
    microsofts.tunnel.asked.clear()
    microsofts.requests.clear()
    broker.emulator.compliance.redirects_to = location
    results = broker.invoke(OWN, *map(Call, COMPLIANCE_CMDLETS))
    broker.emulator.compliance.redirects_to = ""
    assert [result.error for result in results] == [None] * len(results)
    assert results[1].objects[0]["Name"] == "Cards"
    assert {host for host, _port in microsofts.tunnel.asked} == {
        "127.0.0.1",
        SERVICE,
        COMPLIANCE_FRONT,
        f"{place}.{COMPLIANCE_FRONT}",
    }
    tokens: dict[bool, set[str]] = {True: set(), False: set()}
    for request in microsofts.requests:
        tokens[request.headers["Host"] == SERVICE].add(request.headers["Authorization"])
    assert len(tokens[True]) == len(tokens[False]) == 1
    assert not tokens[True] & tokens[False]


@pytest.mark.engine
@pytest.mark.parametrize(
    "location",
    ["https://evil.example.com/adminapi", f"https://nam10b.{COMPLIANCE_FRONT}/AdminApi/v1.0/x/EXOModuleFile"],
)
@pytest.mark.parametrize("step", ["exomodulefile", "invoke"])
def test_microsofts_module_takes_its_token_nowhere_else(
    brokers: Callable[..., Broker], microsofts: MicrosoftsModule, location: str, step: str
) -> None:
    own = {"exchange_powershell_path": str(microsofts.program), "exchange_proxy": microsofts.proxy}
    broker = brokers("powershell", **own, exchange_retries=1)
    microsofts.requests.clear()
    broker.emulator.faults.set(
        [{"kind": "redirect", "wire": "compliance", "step": step, "location": location, "times": None}]
    )
    mine, policies = broker.invoke(OWN, POLICIES)
    assert (mine.error, policies.objects) == (None, [])
    assert policies.error is not None
    shown = {request.headers["Host"] for request in microsofts.requests if "Authorization" in request.headers}
    assert shown <= {SERVICE, COMPLIANCE_FRONT, f"nam10b.{COMPLIANCE_FRONT}"}
    assert len(microsofts.requests) < 200


@pytest.mark.engine
def test_microsofts_module_without_the_role_costs_only_its_calls(
    brokers: Callable[..., Broker], microsofts: MicrosoftsModule
) -> None:
    own = {"exchange_powershell_path": str(microsofts.program), "exchange_proxy": microsofts.proxy}
    broker = brokers("powershell", **own, exchange_retries=1)
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    mine, policies = broker.invoke(OWN, POLICIES)
    assert (mine.error, policies.objects) == (None, [])
    assert "Connect-IPPSSession" in str(policies.error)


# What it brings


def test_much_and_hostile_is_brought_whole(brokers: Callable[..., Broker]) -> None:
    names = ["{{ 7 * 7 }}", "'; Remove-DlpCompliancePolicy ;'", "a\u2019b\r\nc", "$(exit)", "_x0041_", "\U0001f512"]
    policies = [{"Name": name} for name in names] + [{"Name": f"P{number}"} for number in range(494)]
    tree = {"Version": "1.0", "Condition": {"Operator": "And", "SubConditions": []}}
    tree["Padding"] = "x" * (1 << 20)
    rule = {"Name": "R", "ParentPolicyName": "P1", "IsAdvancedRule": True, "AdvancedRule": json.dumps(tree)}
    broker = brokers("host")
    broker.emulator.organizations[ORGANIZATION].replace({**STATE, "dlp_policies": policies, "dlp_rules": [rule]})
    found, rules = broker.invoke(POLICIES, RULES)
    assert [each["Name"] for each in found.objects] == [each["Name"] for each in policies]
    assert rules.objects[0]["AdvancedRule"] == rule["AdvancedRule"]


def test_of_nothing_there_is_nothing(brokers: Callable[..., Broker]) -> None:
    broker = brokers("host")
    broker.emulator.organizations[ORGANIZATION].replace({"name": ORGANIZATION, "compliance_role": True})
    results = broker.invoke(OWN, *map(Call, COMPLIANCE_CMDLETS))
    assert [result.error for result in results] == [None] * len(results)
    assert [result.objects for result in results[1:]] == [[]] * len(COMPLIANCE_CMDLETS)
