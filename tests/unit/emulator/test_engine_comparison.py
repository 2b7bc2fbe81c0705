# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own PSRP and a real PowerShell, statement by statement: the same records in the same order, the same
end.

What a cmdlet does is the emulator's on both sides. What is compared is what PowerShell makes of it: which errors end a
pipeline, in which place, and what runs after them; how errors are named; types of values; warnings; prompts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from xml.etree import ElementTree

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.messages import MessageType
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from tests.emulator import Emulator
from tests.emulator.engine import Engine

NAME = "contoso.onmicrosoft.com"
OME = "OME Configuration"

READ = ("Get-IRMConfiguration", {})
MARKER = ("Get-Command", {"Name": "Get-Command"})
UNKNOWN_CMDLET = ("Get-Nothing", {})
UNKNOWN_PARAMETER = ("Get-TransportRule", {"Bogus": 1})
WRONG_TYPE = ("Set-IRMConfiguration", {"SearchEnabled": "yes"})
WRONG_CHOICE = ("Set-IRMConfiguration", {"TransportDecryptionSetting": "Sideways"})
PROMPTS = ("Set-OMEConfiguration", {"Identity": OME, "OTPEnabled": False})
PROMPTS_THEN = ("Set-IRMConfiguration", {"InternalLicensingEnabled": False})
MISSING = ("Set-TransportRule", {"Comments": "x"})
NOT_FOUND = ("Set-TransportRule", {"Identity": "nobody", "Comments": "x"})
WARNS = ("Set-IRMConfiguration", {"SearchEnabled": True})
WRITES = ("Set-IRMConfiguration", {"SearchEnabled": False})
NO_COMMAND = ("Get-Command", {"Name": ["Get-IRMConfiguration", "Get-Nothing", "Get-Nowhere"]})
QUIET = ("Get-Command", {"Name": "Get-Nothing", "ErrorAction": "SilentlyContinue"})
STOPS = ("Set-TransportRule", {"Identity": "nobody", "Comments": "x", "ErrorAction": "Stop"})

ERRORS = {
    "unknown cmdlet": UNKNOWN_CMDLET,
    "unknown parameter": UNKNOWN_PARAMETER,
    "wrong type": WRONG_TYPE,
    "wrong choice": WRONG_CHOICE,
    "prompt": PROMPTS,
    "prompt of the service": PROMPTS_THEN,
    "missing parameter": MISSING,
    "not found": NOT_FOUND,
    "not found, stop": STOPS,
    "no such command": NO_COMMAND,
}
PLACES: dict[str, Callable[[Any], list[Any]]] = {
    "alone": lambda wrong: [wrong],
    "first of two": lambda wrong: [wrong, READ],
    "first of four": lambda wrong: [wrong, WRITES, READ, MARKER],
    "second": lambda wrong: [READ, wrong, WRITES, MARKER],
    "third": lambda wrong: [MARKER, READ, wrong, WRITES, MARKER],
    "last": lambda wrong: [READ, MARKER, wrong],
    "twice": lambda wrong: [wrong, wrong, READ],
}
PIPELINES = {f"{name}, {place}": arrange(wrong) for name, wrong in ERRORS.items() for place, arrange in PLACES.items()}
#: How a cmdlet leaves in another way than by its end.
LEAVES = {
    f"{kind}, {place}": (kind, statements)
    for kind in ("exit", "break", "continue", "return_null")
    for place, statements in {
        "a read alone": [READ],
        "a read first": [READ, MARKER, ("Get-OMEConfiguration", {}), MARKER],
        "a read between": [("Get-OMEConfiguration", {}), MARKER, READ, MARKER],
        "a write first": [WRITES, MARKER],
    }.items()
}
PIPELINES |= {name: statements for name, (_kind, statements) in LEAVES.items()}
PIPELINES |= {
    "no connection": [
        (
            "Connect-ExchangeOnline",
            {"AppId": "00000000-0000-0000-0000-000000000000", "Organization": NAME, "CertificateThumbprint": "00"},
        )
    ],
    "reads and markers": [READ, MARKER, ("Get-OMEConfiguration", {}), MARKER, ("Get-RMSTemplate", {}), MARKER],
    "warning": [WARNS],
    "warning between": [READ, WARNS, READ],
    "quiet": [QUIET, READ],
    "nothing": [("Get-TransportRule", {})],
    "every kind of object": [
        (f"Get-{noun}", {})
        for noun in ("OrganizationConfig", "OMEConfiguration", "ActiveSyncOrganizationSettings", "OwaMailboxPolicy")
    ],
    "rules": [
        ("Get-TransportRule", {"ResultSize": "Unlimited"}),
        ("Get-TransportConfig", {}),
        ("Get-MobileDeviceMailboxPolicy", {}),
    ],
}

Told = list[Any]
Run = Callable[[list[tuple[str, Mapping[str, Any]]]], Told]


@pytest.fixture(scope="module")
def emulator(engine: Engine | None) -> Iterator[Emulator]:
    with Emulator([{"name": NAME, "advanced_message_encryption": True}], engine=engine) as running:
        yield running


@pytest.fixture(scope="module")
def sides(emulator: Emulator) -> Iterator[dict[str, Run]]:
    """A session of each side, connected to the same organization."""
    (organization,) = emulator.describe()["organizations"]
    account = {"username": organization["psrp_user"], "password": organization["psrp_password"]}
    sign_in = {
        "AppId": organization["client_id"],
        "CertificateThumbprint": organization["certificate_thumbprint"],
        "Organization": NAME,
    }
    with ExitStack() as stack:
        opened = {}
        for side, configuration in (("emulated", "Microsoft.PowerShell"), ("real", "PowerShell.7")):
            line = WSMan(
                "127.0.0.1",
                port=emulator.psrp_plain_front.port,
                ssl=False,
                auth="basic",
                encryption="never",
                no_proxy=True,
                **account,
            )
            pool = stack.enter_context(RunspacePool(stack.enter_context(line), configuration_name=configuration))
            opened[side] = _runner(pool)
            opened[side]([("Connect-ExchangeOnline", sign_in)])
        yield opened


def _runner(pool: RunspacePool) -> Run:
    def run(statements: list[tuple[str, Mapping[str, Any]]]) -> Told:
        shell = PowerShell(pool)
        for cmdlet, parameters in statements:
            shell.add_cmdlet(cmdlet).add_parameters(parameters).add_statement()
        shell.begin_invoke()
        told: Told = []
        while shell.state == PSInvocationState.RUNNING:
            errors = len(shell.streams.error)
            for kind, message in pool._receive(shell.id):
                if kind == MessageType.PIPELINE_OUTPUT:
                    told.append(("output", _types(message.data.data)))
                elif kind == MessageType.WARNING_RECORD:
                    told.append(("warning", shell.streams.warning[-1].message))
                elif kind == MessageType.ERROR_RECORD:
                    told.append(("error", *_error(shell.streams.error[errors])))
                    errors += 1
                elif kind == MessageType.PIPELINE_STATE:
                    told += [("ended by", *_error(error)) for error in shell.streams.error[errors:]]
        told.append(("state", shell.state))
        # It is not closed: that would stop what still runs unseen.
        return told

    return run


def _types(item: Any) -> Any:
    """An output: the properties of an object and of which types their values are."""
    values = {**getattr(item, "adapted_properties", {}), **getattr(item, "extended_properties", {})}
    if "CommandType" in values:
        return values["Name"]
    return {name: _type(value) for name, value in values.items()} if values else _type(item)


def _type(value: Any) -> str:
    if isinstance(value, ElementTree.Element):
        return value.tag
    return f"list of {sorted({_type(item) for item in value})}" if isinstance(value, list) else type(value).__name__


def _error(record: Any) -> tuple[str, str, str, int]:
    """The exception's type, and what names the error; not the parts that are drawn anew for each."""
    exception = (getattr(record.exception, "types", None) or [""])[0]
    return (
        exception,
        re.sub(r"^\[Server=[^\]]*\]", "[]", str(record.fq_error)),
        str(record.activity or ""),
        int(record.category),
    )


@pytest.mark.engine
@pytest.mark.parametrize("name", list(PIPELINES))
def test_both_tell_the_same(emulator: Emulator, sides: dict[str, Run], name: str) -> None:
    told: dict[str, Any] = {}
    for side, run in sides.items():
        emulator.organizations[NAME].replace({"name": NAME, "advanced_message_encryption": True})
        emulator.service.edit(
            emulator.organizations[NAME],
            "New-TransportRule",
            {"Name": "r", "SubjectContainsWords": ["a", "b"], "DeleteMessage": True},
        )
        emulator.service.ledger.reset()
        emulator.faults.set([{"kind": LEAVES[name][0], "cmdlet": "*-IRMConfiguration"}] if name in LEAVES else [])
        told[side] = (run(PIPELINES[name]), _settled(emulator, told))
    assert told["emulated"] == told["real"]


def _settled(emulator: Emulator, told: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The calls of a pipeline, with those that come after its end; where one side has told, as many as came there."""
    assert emulator.psrp.settle(60)
    deadline = time.monotonic() + 60
    while told and len(emulator.calls) < len(told["emulated"][1]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [(entry.cmdlet, entry.applied) for entry in emulator.calls]
