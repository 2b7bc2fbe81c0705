# SPDX-License-Identifier: GPL-3.0-or-later
"""A remote shell whose every message a test writes itself: what a real engine sends, and what a hostile one could.

What a real engine (PowerShell 7.6) sends in which case was recorded from it; the tests name the case.
"""

from __future__ import annotations

import base64
import itertools
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import psrp, pypsrp

from tests.unit.connections import identity

CAPABILITY, POOL_STATE, OUTPUT, ERROR, STATE = 0x00010002, 0x00021005, 0x00041004, 0x00041005, 0x00041006
DEBUG, VERBOSE, WARNING, PROGRESS, INFORMATION = 0x00041007, 0x00041008, 0x00041009, 0x00041010, 0x00041011
COMPLETED, FAILED = 4, 5

Message = tuple[int, bytes]
_numbers = itertools.count(1)


def message(kind: int, text: str | bytes) -> Message:
    return kind, text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def member(name: str, value: str | None, tag: str = "S") -> str:
    return "" if value is None else f"<{tag} N={quoteattr(name)}>{escape(value)}</{tag}>"


def output(**values: str) -> Message:
    return message(
        OUTPUT, f'<Obj RefId="0"><MS>{"".join(member(name, value) for name, value in values.items())}</MS></Obj>'
    )


def record(
    text: str,
    kind: str = "System.Exception",
    error_id: str = "",
    activity: str | None = None,
    target: str | None = None,
    name: str = "",
) -> str:
    """The CLIXML of an error record."""
    attribute = f" N={quoteattr(name)}" if name else ""
    return (
        f'<Obj{attribute} RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T></TN><ToString>{escape(text)}</ToString><MS>'
        f'<Obj N="Exception" RefId="1"><TN RefId="1"><T>{kind}</T></TN><Props>{member("Message", text)}</Props></Obj>'
        f"{member('FullyQualifiedErrorId', error_id)}{member('ErrorCategory_Activity', activity)}{member('ErrorCategory_TargetName', target)}</MS></Obj>"
    )


def error(text: str, **how: Any) -> Message:
    return message(ERROR, record(text, **how))


def missing(cmdlet: str, *, first: bool = False) -> dict[str, Any]:
    """How an engine says that it does not have a cmdlet: in a pipeline's first statement, the exception is wrapped."""
    kind = "ParentContainsErrorRecordException" if first else "CommandNotFoundException"
    text = f"The term '{cmdlet}' is not recognized as a name of a cmdlet, function, script file, or executable program."
    return {
        "text": text,
        "kind": f"System.Management.Automation.{kind}",
        "error_id": "CommandNotFoundException",
        "activity": "",
        "target": cmdlet,
    }


def warning(text: str) -> Message:
    return message(WARNING, f'<Obj RefId="0"><MS>{member("InformationalRecord_Message", text)}</MS></Obj>')


def state(number: int, reason: str = "") -> Message:
    return message(STATE, f'<Obj RefId="9"><MS><I32 N="PipelineState">{number}</I32>{reason}</MS></Obj>')


def failed(**how: Any) -> Message:
    """The end of a pipeline that an error ended."""
    return state(FAILED, record(name="ExceptionAsErrorRecord", **how))


MARKER = output(Name="Get-Command", CommandType="Cmdlet")
DONE = state(COMPLETED)


def fragments(messages: Sequence[Message], size: int = 30_000) -> Iterator[bytes]:
    for kind, content in messages:
        data = struct.pack("<II", 1, kind) + bytes(32) + content
        number = next(_numbers)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        for index, piece in enumerate(pieces):
            yield (
                struct.pack(">QQBI", number, index, (index == 0) | (index == len(pieces) - 1) << 1, len(piece)) + piece
            )


class Shell:
    """What pypsrp wants from the line.

    :param pipelines: gives the messages of each pipeline, by the cmdlets of its statements.
    :param opening: what comes when the pool is opened.
    """

    def __init__(
        self, pipelines: Callable[[list[str]], Sequence[Message]], opening: Sequence[Message] | None = None
    ) -> None:
        self.pipelines = pipelines
        self.asked: list[list[str]] = []
        versions = {"protocolversion": "2.3", "PSVersion": "2.0", "SerializationVersion": "1.1.0.1"}
        members = "".join(member(name, value, "Version") for name, value in versions.items())
        capability = f'<Obj RefId="0"><MS>{members}</MS></Obj>'
        opened = message(POOL_STATE, '<Obj RefId="0"><MS><I32 N="RunspaceState">2</I32></MS></Obj>')
        self._opening = opening if opening is not None else [message(CAPABILITY, capability), opened]
        self._waiting: list[bytes] = []
        self.id, self.opened = "x", False

    def open(self, _options: Any, _content: Any) -> None:
        self.opened = True
        self._waiting = list(fragments(self._opening))

    def command(self, _executable: str, arguments: list[str], command_id: str) -> ElementTree.Element:
        text = base64.b64decode(arguments[0]).decode("utf-8", "replace")
        found = re.findall(r'N="Cmd">([^<]*)<', text)
        self.asked.append(
            found[:-1] if len(found) > 1 else found
        )  # where there are several statements, the first one comes twice
        self._waiting = list(fragments(self.pipelines(self.asked[-1])))
        return ElementTree.Element("none")

    def receive(
        self, _stream: str, command_id: str | None = None, timeout: int | None = None
    ) -> tuple[str, None, dict[str, bytes]]:
        data, self._waiting = b"".join(self._waiting), []
        if not data:
            raise ConnectionError
        return "", None, {"stdout": data}

    def signal(self, *_arguments: Any, **_more: Any) -> None:
        pass

    send = signal

    def close(self) -> None:
        pass


def transport(monkeypatch: pytest.MonkeyPatch, shell: Shell, **values: Any) -> psrp.PsrpTransport:
    """A transport whose pool has this shell."""

    class Pool(pypsrp.Pool):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pool.shell = shell

    monkeypatch.setattr(pypsrp, "Pool", Pool)
    given = {
        "exchange_transport": "psrp",
        "exchange_psrp_connect": "none",
        "remote_addr": "h",
        "remote_user": "u",
        "remote_password": "p",
        **values,
    }
    return psrp.PsrpTransport(identity(**given))


def attempt(
    monkeypatch: pytest.MonkeyPatch,
    pipelines: Callable[[list[str]], Sequence[Message]] | Sequence[Message],
    *calls: Call,
    **values: Any,
) -> list[Any]:
    """The outcomes of calls; ``pipelines`` may be the messages of the only pipeline."""
    given = pipelines if callable(pipelines) else lambda _cmdlets: pipelines
    return list(transport(monkeypatch, Shell(given), **values).attempt(calls))
