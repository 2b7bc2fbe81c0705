# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of PSRP over the standard streams of a PowerShell process.

``pwsh -sshs`` reads and writes one packet a line: ``<Data Stream='Default'
PSGuid='g'>base64</Data>``, ``<Command PSGuid='g' />``, ``<Signal …/>``, ``<Close …/>``. It acknowledges each. It passes
every line to its thread pool, and loses data that overtakes its command, so each packet waits for the acknowledgement
of the previous one. Source: PowerShell 7.6; see docs/docsite/rst/fidelity.rst, "The wires".

The output of modules and profiles comes between the packets. A limited part of it is kept for error messages.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Collection

from .limits import LARGEST_SENT, Limits, TooLargeError, TooSlowError
from .processes import Child

#: The pool's own name in packets.
POOL = "00000000-0000-0000-0000-000000000000"
#: The prefix of the process's message that it cannot continue.
_FAILURE = "__NamedPipeError__:"
_PACKET = re.compile(
    rb"<(Data|DataAck|CommandAck|SignalAck|CloseAck)\b[^>]*\bPSGuid='([^']*)'[^>]*?(?:/>|>([^<]*)</Data>)\s*$"
)
#: The beginning of a packet. Text before it was printed without a newline.
_BEGINNING = re.compile(rb"<(?:Data|DataAck|CommandAck|SignalAck|CloseAck)\b")
#: The maximum size in bytes of a line that is a packet.
_LONGEST_LINE = 4 * 1024 * 1024
#: The maximum number of characters of printed text to keep.
_MOST_SAID = 2000
#: Seconds between two checks of the clock while the process does not read.
_POLL = 0.2
#: Seconds for the process to end by itself, and for the system to end it. Until then it keeps its place.
_END_TIMEOUT, _KILL_TIMEOUT = 2.0, 30.0


class ProcessGoneError(Exception):
    """The process ended, or its answers cannot be interpreted. The text contains the reason and what the process
    printed.

    :param sent: whether a part of a pipeline may have reached it.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class PrintedText:
    """What a process printed: how it began, and the last of it."""

    def __init__(self) -> None:
        self._beginning: list[str] = []
        self._latest: deque[str] = deque()

    @property
    def text(self) -> str:
        """The two on one line."""
        return " ".join((*self._beginning, *self._latest))

    def add(self, printed: bytes) -> None:
        """Keeps what was printed, as far as there is room."""
        text = " ".join(printed.decode("utf-8", "replace").removeprefix(_FAILURE).split())
        if not text:
            return
        room = _MOST_SAID // 2 - sum(map(len, self._beginning))
        if room > 0:
            self._beginning.append(text[:room])
            text = text[room:]
        if text:
            self._latest.append(text[-_MOST_SAID // 2 :])
        while sum(map(len, self._latest)) > _MOST_SAID // 2:
            self._latest.popleft()


class PacketStream:
    """The packets to and from a process. Two threads read what it writes.

    :param child: the process. The stream takes ownership of it.
    :param limits: the limits of the session's calls.
    """

    def __init__(self, child: Child, limits: Limits) -> None:
        self._child = child
        self._limits = limits
        self._changed = threading.Condition()
        self._acknowledged: deque[str] = deque()
        self._received: deque[tuple[str, bytes]] = deque()
        self._waiting_bytes = 0
        self._printed = PrintedText()
        #: Why nothing more will come.
        self._gone: Exception | None = None
        self._sent = False
        limits.wakes(self._wake)
        os.set_blocking(self._stdin, False)
        self._burial = threading.Thread(target=child.bury, daemon=True)
        self._overhearing = threading.Thread(target=self._overhear, daemon=True)
        for thread in (self._burial, self._overhearing, threading.Thread(target=self._listen, daemon=True)):
            thread.start()

    @property
    def printed(self) -> str:
        """The text printed so far, without packets."""
        with self._changed:
            return self._printed.text

    def begin_pipeline(self, target: str) -> None:
        """Sends the packet that begins a pipeline. Nothing of it runs before its first fragment."""
        self._sent = False
        self.send("Command", target)

    def receive(self, targets: Collection[str], seconds: float) -> list[bytes]:
        """The data that came for some targets, once there is some; empty if none came in time. Drops all other data.

        :raises ProcessGoneError: the process ended.
        :raises TooSlowError: the time of the call is over.
        """
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                data = self._take_data(targets)
                if data:
                    return data
                if self._gone or self._limits.late or time.monotonic() >= end:
                    self._refuse_to_wait()
                    return []
                self._changed.wait(max(0.0, end - time.monotonic()))

    def _take_data(self, targets: Collection[str]) -> list[bytes]:
        """All data that came, of which that for some targets is kept."""
        data = list[bytes]()
        while self._received:
            target, fragment = self._received.popleft()
            self._waiting_bytes -= len(fragment)
            if target in targets:
                data.append(fragment)
        return data

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(Exception):
            self._write(f"<Close PSGuid='{POOL}' />\n".encode("ascii"))
        with contextlib.suppress(OSError):
            self._child.process.stdin.close()  # type: ignore[union-attr]  # the end of its input ends it, too
        self._burial.join(_END_TIMEOUT)
        if self._burial.is_alive():
            self._child.kill()
            self._burial.join(_KILL_TIMEOUT)
        with contextlib.suppress(ValueError):
            self._limits.wakes_no_more(self._wake)

    def _takes(self) -> bool:
        poller = select.poll()
        poller.register(self._stdin, select.POLLOUT)
        return bool(poller.poll(_POLL * 1000))

    @property
    def _stdin(self) -> int:
        return self._child.process.stdin.fileno()  # type: ignore[union-attr]

    def send(self, kind: str, target: str, data: bytes = b"") -> None:
        """Sends a packet, and waits for its acknowledgement.

        :raises ProcessGoneError: the process ended.
        :raises TooSlowError: the time of the call is over.
        """
        packet = f"<{kind} PSGuid='{target}' />\n"
        if kind == "Data":
            packet = f"<Data Stream='Default' PSGuid='{target}'>{base64.b64encode(data).decode('ascii')}</Data>\n"
        with self._changed:
            self._refuse_to_wait()
            self._acknowledged.clear()
        # A pipeline starts with its first fragment, so nothing has run before that.
        self._sent = self._sent or (kind == "Data" and target != POOL)
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
                # The process closed its input. Its exit status is known in a moment.
                self._burial.join(_END_TIMEOUT)
                with self._changed:
                    self._changed.wait_for(lambda: self._gone, _END_TIMEOUT)
                    self._refuse_to_wait()
                raise self._goodbye("it does not accept input") from None

    def _refuse_to_wait(self) -> None:
        if isinstance(self._gone, ProcessGoneError):
            raise ProcessGoneError(str(self._gone), sent=self._sent)
        if self._gone is not None:
            raise self._gone
        if self._limits.late:
            raise TooSlowError("no response within the timeout")

    def _goodbye(self, why: str) -> ProcessGoneError:
        return ProcessGoneError(f"{why}. {self.printed}".strip(), sent=self._sent)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _listen(self) -> None:
        """Reads packets until the process closes its output, and then determines how it ended."""
        failure: Exception | None = None
        with contextlib.suppress(OSError, ValueError), self._child.process.stdout as stream:  # type: ignore[union-attr]
            while failure is None and (line := stream.readline(_LONGEST_LINE)):
                failure = self._take(line)
        if failure is None:
            self._burial.join(_END_TIMEOUT)
        # Otherwise the process would keep waiting for packets that never come.
        if self._burial.is_alive():
            self._child.kill()
        self._burial.join()
        # What it printed last may not have been read yet. Somebody else may keep standard error open.
        self._overhearing.join(_END_TIMEOUT)
        returned = self._child.process.returncode
        how = f"it ended by signal {-returned}" if returned < 0 else f"it ended with exit code {returned}"
        with self._changed:
            self._gone = failure or self._goodbye(how)
            self._changed.notify_all()

    def _take(self, line: bytes) -> Exception | None:
        """Processes a line. Returns an error if no line can follow it."""
        match = _PACKET.search(line)
        beginning = _BEGINNING.search(line)
        printed = line[: match.start()] if match else line
        with self._changed:
            self._printed.add(printed)
            if match is None:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith(_FAILURE):
                    return self._goodbye("it cannot continue")
                return self._goodbye("its output is mixed into a packet") if beginning else None
            kind = match[1].decode("ascii")
            target = match[2].decode("ascii", "replace").lower()
            if kind != "Data":
                self._acknowledged.append(kind)
            else:
                try:
                    data = base64.b64decode(match[3] or b"", validate=True)
                except ValueError:
                    return self._goodbye("its output is mixed into a packet")
                self._received.append((target, data))
                self._waiting_bytes += len(data)
                if self._waiting_bytes > LARGEST_SENT:
                    return TooLargeError(f"more than {LARGEST_SENT} bytes")
            self._changed.notify_all()
        return None

    def _overhear(self) -> None:
        """Keeps the output on standard error."""
        with contextlib.suppress(OSError, ValueError), self._child.process.stderr as stream:  # type: ignore[union-attr]
            while line := stream.readline(_LONGEST_LINE):
                with self._changed:
                    self._printed.add(line)
