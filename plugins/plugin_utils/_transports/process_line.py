# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool's line to a PowerShell process: PSRP over its standard streams, as the shell of pypsrp's pool."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from .limits import Limits
from .packet_stream import POOL, PacketStream
from .processes import Child

try:
    from pypsrp.powershell import RunspacePool
    from pypsrp.shell import SignalCode
    from pypsrp.wsman import NAMESPACES
except ImportError:  # the session broker says so before any of it is used
    pass

#: The maximum size in bytes of a fragment in a sent packet.
_FRAGMENT = 32_768


class ProcessLine:
    """One line; see ``pypsrp.Line``. It is also the shell of pypsrp's pool.

    :param child: the process. The line takes ownership of it.
    :param limits: the limits of the session's calls.
    """

    operation_timeout = 20
    resent = done = False

    def __init__(self, child: Child, limits: Limits) -> None:
        self.limits = limits
        self.connection = SimpleNamespace(max_payload_size=_FRAGMENT, max_envelope_size=0)
        self.opened = False
        self.id = ""
        self._packets = PacketStream(child, limits)

    @property
    def printed(self) -> str:
        """The text that the process printed so far."""
        return self._packets.printed

    def attach(self, pool: RunspacePool) -> None:
        """Becomes the pool's shell."""
        pool.shell = self
        self.id = pool.id

    def hurry(self, seconds: float) -> None:
        """Does nothing: every wait ends with its call."""

    def open(self, _options: Any, content: ElementTree.Element) -> None:
        """Sends the first packet of the session."""
        self.opened = True
        self._packets.send("Data", POOL, base64.b64decode(content.text or ""))

    def command(self, _executable: str, arguments: Sequence[str], *, command_id: str) -> ElementTree.Element:
        """Begins a pipeline."""
        self._packets.begin_pipeline(command_id)
        self._packets.send("Data", command_id, base64.b64decode(arguments[0]))
        answer = ElementTree.Element("Body")
        response = ElementTree.SubElement(answer, f"{{{NAMESPACES['rsp']}}}CommandResponse")
        ElementTree.SubElement(response, f"{{{NAMESPACES['rsp']}}}CommandId").text = command_id
        return answer

    def send(self, _stream: str, data: bytes, command_id: str | None = None) -> None:
        """Sends a fragment to a pipeline or to the pool."""
        self._packets.send("Data", command_id or POOL, data)

    def receive(
        self, _stream: str = "stdout", command_id: str | None = None, timeout: float | None = None
    ) -> tuple[str, None, dict[str, bytes]]:
        """The data received for a pipeline or for the pool; empty if none came in time. Drops all other data.

        :param timeout: seconds.
        """
        targets = {POOL, (command_id or POOL).lower()}
        data = self._packets.receive(targets, timeout or self.operation_timeout)
        content = b"".join(data)
        self.limits.spend(sent=len(content), unpacked=len(content))
        return "", None, {"stdout": content}

    def signal(self, code: str, command_id: str) -> None:
        """Stops a pipeline, or closes one that has ended."""
        self._packets.send("Close" if code == SignalCode.TERMINATE else "Signal", command_id)

    def close(self) -> None:
        """Ends the process: pypsrp calls this for the pool, and the pool for the line."""
        self._packets.close()
