# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool's line to a PowerShell process of our own: PSRP over its standard streams.

Private to the collection. ``pwsh -sshs`` takes and gives one packet a line: ``<Data Stream='Default' PSGuid='g'>base64</Data>``,
``<Command PSGuid='g' />``, ``<Signal …/>``, ``<Close …/>``; each is answered by its acknowledgement. It hands every line to its thread
pool, and data that overtakes its command is lost: so each packet waits for the acknowledgement of the one before. Source: the
reference on the wires, section 2b.

What a module or a profile prints comes between the packets. It is kept for the error message, as far as there is room.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import LARGEST_SENT, Limits, TooLargeError, TooSlowError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Child

try:
    from pypsrp.powershell import RunspacePool
    from pypsrp.shell import SignalCode
    from pypsrp.wsman import NAMESPACES
except ImportError:  # the session broker says so before any of it is used
    pass

#: The pool's own name in packets.
_POOL = "00000000-0000-0000-0000-000000000000"
#: How the process says that it cannot go on.
_FAILURE = "__NamedPipeError__:"
_PACKET = re.compile(rb"<(Data|DataAck|CommandAck|SignalAck|CloseAck)\b[^>]*\bPSGuid='([^']*)'[^>]*?(?:/>|>([^<]*)</Data>)\s*$")
#: Where a packet begins. Text in front of it was printed without an end of line.
_BEGINNING = re.compile(rb"<(?:Data|DataAck|CommandAck|SignalAck|CloseAck)\b")
#: Bytes of a fragment that are sent in one packet, and of a line that can be one.
_FRAGMENT, _LONGEST_LINE = 32_768, 4 * 1024 * 1024
#: Characters of what was printed that are kept.
_MOST_SAID = 2000
#: Seconds between two looks at the clock while the process takes nothing in.
_POLL = 0.2
#: Seconds that a process has to end by itself, and that the system has to end it. Until then it has its place.
_END_TIMEOUT, _KILL_TIMEOUT = 2.0, 30.0


class ProcessGoneError(Exception):
    """The process ended, or its answers cannot be understood. The text says how, and what it printed.

    :param sent: whether a part of a pipeline may have reached it.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class ProcessLine:
    """One line; see ``pypsrp.Line``. To pypsrp's pool it is the shell, too.

    :param child: the process that it takes over.
    :param limits: those of the session's calls.
    """

    operation_timeout = 20
    resent = done = False

    def __init__(self, child: Child, limits: Limits) -> None:
        self.limits = limits
        self.connection = SimpleNamespace(max_payload_size=_FRAGMENT, max_envelope_size=0)
        self.opened = False
        self.id = ""
        self._child = child
        self._changed = threading.Condition()
        self._acknowledged: deque[str] = deque()
        self._received: deque[tuple[str, bytes]] = deque()
        self._waiting_bytes = 0
        #: What was printed first, and what was printed last.
        self._said: tuple[list[str], deque[str]] = ([], deque())
        #: Why nothing more will come.
        self._gone: Exception | None = None
        self._sent = False
        limits.wakes(self._wake)
        os.set_blocking(self._stdin, False)
        self._burial = threading.Thread(target=child.bury, daemon=True)
        listeners = [threading.Thread(target=listen, daemon=True) for listen in (self._listen, self._overhear)]
        for thread in (self._burial, *listeners):
            thread.start()

    @property
    def said(self) -> str:
        """What was printed so far that is no packet."""
        with self._changed:
            return " ".join(itertools.chain(*self._said))

    def attach(self, pool: RunspacePool) -> None:
        """Becomes the pool's shell."""
        pool.shell = self
        self.id = pool.id

    def hurry(self, seconds: float) -> None:
        """Nothing: every wait ends with its call."""

    # What pypsrp's pool and pipelines want of a shell

    def open(self, _options: Any, content: ElementTree.Element) -> None:
        """Sends the first packet of the session."""
        self.opened = True
        self._send("Data", _POOL, base64.b64decode(content.text or ""))

    def command(self, _executable: str, arguments: Sequence[str], *, command_id: str) -> ElementTree.Element:
        """Begins a pipeline."""
        self._sent = False
        self._send("Command", command_id)
        self._send("Data", command_id, base64.b64decode(arguments[0]))
        answer = ElementTree.Element("Body")
        response = ElementTree.SubElement(answer, f"{{{NAMESPACES['rsp']}}}CommandResponse")
        ElementTree.SubElement(response, f"{{{NAMESPACES['rsp']}}}CommandId").text = command_id
        return answer

    def send(self, _stream: str, data: bytes, command_id: str | None = None) -> None:
        """Sends a fragment to a pipeline or to the pool."""
        self._send("Data", command_id or _POOL, data)

    def receive(self, _stream: str = "stdout", command_id: str | None = None, timeout: float | None = None) -> tuple[str, None, dict[str, bytes]]:
        """What has come for a pipeline, or for the pool; nothing where nothing came in time. What is for neither is dropped.

        :param timeout: seconds.
        """
        end = time.monotonic() + (timeout or self.operation_timeout)
        wanted = {_POOL, (command_id or _POOL).lower()}
        data: list[bytes] = []
        with self._changed:
            while not data:
                while self._received:
                    target, fragment = self._received.popleft()
                    self._waiting_bytes -= len(fragment)
                    data += [fragment] if target in wanted else []
                if not data and (self._gone or self.limits.late or time.monotonic() >= end):
                    break
                if not data:
                    self._changed.wait(max(0.0, end - time.monotonic()))
            if not data:
                self._refuse_to_wait()
        content = b"".join(data)
        self.limits.spend(sent=len(content), unpacked=len(content))
        return "", None, {"stdout": content}

    def signal(self, code: str, command_id: str) -> None:
        """Stops a pipeline, or has one forgotten that has ended."""
        self._send("Close" if code == SignalCode.TERMINATE else "Signal", command_id)

    def close(self) -> None:
        """Ends the process: pypsrp calls this for the pool, and the pool for the line."""
        with contextlib.suppress(Exception):
            self._write(f"<Close PSGuid='{_POOL}' />\n".encode("ascii"))
        with contextlib.suppress(OSError):
            self._child.process.stdin.close()  # type: ignore[union-attr]  # the end of its input ends it, too
        self._burial.join(_END_TIMEOUT)
        if self._burial.is_alive():
            self._child.kill()
            self._burial.join(_KILL_TIMEOUT)
        with contextlib.suppress(ValueError):
            self.limits.wakes_no_more(self._wake)

    # The streams

    def _takes(self) -> bool:
        poller = select.poll()
        poller.register(self._stdin, select.POLLOUT)
        return bool(poller.poll(_POLL * 1000))

    @property
    def _stdin(self) -> int:
        return self._child.process.stdin.fileno()  # type: ignore[union-attr]

    def _send(self, kind: str, target: str, data: bytes = b"") -> None:
        """Sends a packet, and waits until it is acknowledged.

        :raises ProcessGoneError: the process ended.
        :raises TooSlowError: the time of the call is over.
        """
        packet = f"<{kind} PSGuid='{target}' />\n"
        if kind == "Data":
            packet = f"<Data Stream='Default' PSGuid='{target}'>{base64.b64encode(data).decode('ascii')}</Data>\n"
        with self._changed:
            self._refuse_to_wait()
            self._acknowledged.clear()
        # The first fragment of a pipeline is what it runs from, so nothing has run before it.
        self._sent = self._sent or (kind == "Data" and target != _POOL)
        self._write(packet.encode("ascii"))
        with self._changed:
            while not self._acknowledged:
                self._refuse_to_wait()
                self._changed.wait()
            acknowledged = self._acknowledged.popleft()
        if acknowledged != f"{kind}Ack":
            raise self._goodbye(f"it answers {kind} with {acknowledged}")

    def _write(self, packet: bytes) -> None:
        while packet:
            self._refuse_to_wait()
            try:
                if self._takes():
                    packet = packet[os.write(self._stdin, packet) :]
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                # It closed its input. How it ended is known in a moment.
                self._burial.join(_END_TIMEOUT)
                with self._changed:
                    self._changed.wait_for(lambda: self._gone, _END_TIMEOUT)
                    self._refuse_to_wait()
                raise self._goodbye("it takes nothing in") from None

    def _refuse_to_wait(self) -> None:
        if isinstance(self._gone, ProcessGoneError):
            raise ProcessGoneError(str(self._gone), sent=self._sent)
        if self._gone is not None:
            raise self._gone
        if self.limits.late:
            raise TooSlowError("no response within the timeout")

    def _goodbye(self, why: str) -> ProcessGoneError:
        return ProcessGoneError(f"{why}. {self.said}".strip(), sent=self._sent)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _listen(self) -> None:
        """Reads packets until the process closes its output, and then sees how it ended."""
        failure: Exception | None = None
        with contextlib.suppress(OSError, ValueError), self._child.process.stdout as stream:  # type: ignore[union-attr]
            while failure is None and (line := stream.readline(_LONGEST_LINE)):
                failure = self._take(line)
        if failure is None:
            self._burial.join(_END_TIMEOUT)
        # Without a line it would go on to wait for packets that never come.
        if self._burial.is_alive():
            self._child.kill()
        self._burial.join()
        returned = self._child.process.returncode
        how = f"it ended by signal {-returned}" if returned < 0 else f"it ended with exit code {returned}"
        with self._changed:
            self._gone = failure or self._goodbye(how)
            self._changed.notify_all()

    def _take(self, line: bytes) -> Exception | None:
        """Takes a line in. Gives why nothing can follow it, if so."""
        match = _PACKET.search(line)
        beginning = _BEGINNING.search(line)
        printed = line[: match.start()] if match else line
        with self._changed:
            self._say(printed)
            if match is None:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith(_FAILURE):
                    return self._goodbye("it cannot go on")
                return self._goodbye("something it printed is in the middle of a packet") if beginning else None
            kind, target = match[1].decode("ascii"), match[2].decode("ascii", "replace").lower()
            if kind != "Data":
                self._acknowledged.append(kind)
            else:
                try:
                    data = base64.b64decode(match[3] or b"", validate=True)
                except ValueError:
                    return self._goodbye("something it printed is in the middle of a packet")
                self._received.append((target, data))
                self._waiting_bytes += len(data)
                if self._waiting_bytes > LARGEST_SENT:
                    return TooLargeError(f"more than {LARGEST_SENT} bytes")
            self._changed.notify_all()
        return None

    def _overhear(self) -> None:
        """Keeps what comes on the other stream."""
        with contextlib.suppress(OSError, ValueError), self._child.process.stderr as stream:  # type: ignore[union-attr]
            while line := stream.readline(_LONGEST_LINE):
                with self._changed:
                    self._say(line)

    def _say(self, printed: bytes) -> None:
        text = " ".join(printed.decode("utf-8", "replace").removeprefix(_FAILURE).split())
        if not text:
            return
        first, last = self._said
        left = _MOST_SAID // 2 - sum(map(len, first))
        if left > 0:
            first.append(text[:left])
            text = text[left:]
        if text:
            last.append(text[-_MOST_SAID // 2 :])
        while sum(map(len, last)) > _MOST_SAID // 2:
            last.popleft()
