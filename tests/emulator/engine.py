# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PowerShell behind the PSRP front: one process a shell, its fragments handed through untouched.

``pwsh -sshs`` speaks PSRP over its standard streams, one packet a line. It hands every line to its thread pool, and
data that overtakes its command is lost: so each packet waits for the acknowledgement of the one before.

Exchange's cmdlets come from the stand-in for the module ExchangeOnlineManagement in ``tests/powershell``, which asks
the console of its shell; see ``module_service.py``.
"""

from __future__ import annotations

import base64
import os
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from . import wsman
from .console import Console
from .ledger import Ledger
from .shell import Pipeline, Shell

#: The oldest PowerShell that has all that the tests use: session configurations over standard streams.
OLDEST = (7, 4)
MODULES = Path(__file__).parents[1] / "powershell"
#: Spares .NET work at each start, which is most of what a test's PowerShell does: nothing is counted and compiled anew
#: because it runs often, and code is in pages that stay writable.
QUICK = {"DOTNET_TC_CallCounting": "0", "DOTNET_TieredPGO": "0", "DOTNET_EnableWriteXorExecute": "0"}

_POOL = UUID(int=0)
#: How it says that it cannot go on.
_FAILURE = "__NamedPipeError__:"
_PACKET = re.compile(r"<(Data|DataAck|CommandAck|SignalAck|CloseAck)\b([^>]*?)/?>([^<]*)")
_GUID = re.compile(r"PSGuid='([^']*)'")
_PIPELINE_STATE = 0x00041006
_HEADER = 21
#: Seconds: for an acknowledgement, and for a process that was told to end.
_START_TIMEOUT, _END_TIMEOUT = 300.0, 5.0


class EngineError(Exception):
    """There is no PowerShell that the tests could use, though one was named."""


@dataclass(frozen=True)
class Engine:
    """A PowerShell that has said which version it is."""

    path: Path
    version: str


def find_engine(environment: Mapping[str, str] | None = None) -> Engine | None:
    """The PowerShell that ``PWSH`` names, or the one on PATH; None where there is none.

    :raises EngineError: it does not run, or is too old.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("PWSH")
    path = named or shutil.which("pwsh", path=environment.get("PATH"))
    if path is None:
        return None
    origin = f"{path} (from PWSH)" if named else f"{path} (from PATH)"
    try:
        asked = subprocess.run(
            [path, "-NoLogo", "-NoProfile", "-Version"],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(
            f"{origin} cannot be run: {error}. Name a PowerShell {OLDEST[0]}.{OLDEST[1]} or newer."
        ) from error
    match = re.fullmatch(r"PowerShell (\d+)\.(\d+)(\S*)", asked.stdout.strip())
    if match is None:
        told = " ".join((asked.stdout + asked.stderr).split())[:200]
        raise EngineError(
            f"{origin} is not PowerShell: asked for its version, it ends with {asked.returncode} and says '{told}'."
        )
    if (int(match[1]), int(match[2])) < OLDEST:
        raise EngineError(
            f"{origin} is PowerShell {match[1]}.{match[2]}{match[3]}, and the tests need {OLDEST[0]}.{OLDEST[1]} or newer."
        )
    return Engine(Path(path), "".join((f"{match[1]}.{match[2]}", match[3])))


def _environment(**more: str) -> dict[str, str]:
    """Nothing of the caller's but the way to programs and to a directory for caches."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join(os.environ.get("HOME", "/tmp"), ".cache"))  # noqa: S108
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "XDG_CACHE_HOME": cache,
        "LC_ALL": "C.UTF-8",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        **QUICK,
        "PSModulePath": str(MODULES),
        **more,
    }


def _fragments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The object id, the flags (1: first, 2: last) and the content of each fragment.

    Its header: object id and fragment id (8 bytes each), flags (1 byte), length (4 bytes; [MS-PSRP] 2.2.4).
    """
    while data:
        end = _HEADER + int.from_bytes(data[17:_HEADER], "big")
        yield int.from_bytes(data[:8], "big"), data[16], data[_HEADER:end]
        data = data[end:]


class EngineShell(Shell):
    """One PowerShell process.

    :param home: the user's home directory; its certificate store is there.
    :param configuration: a session configuration file; none gives the default session, which is unconstrained.
    :param url: where the stand-in for Exchange's module reaches the emulator.
    :param died: called when the process ends without being told to.
    """

    def __init__(
        self,
        shell_id: str,
        console: Console,
        ledger: Ledger,
        engine: Engine,
        home: Path,
        configuration: Path | None,
        url: str,
        died: Callable[[str], None],
    ) -> None:
        super().__init__(shell_id, console)
        self._ledger = ledger
        self._died = died
        self._acknowledged: queue.Queue[str] = queue.Queue()
        self._writing = threading.Lock()
        self._states: set[int] = set()
        #: What it printed that is no packet: why it could not start.
        self._said: list[str] = []
        arguments = [str(engine.path), "-NoLogo", "-NoProfile", "-sshs"]
        if configuration is not None:
            arguments += ["-ConfigurationFile", str(configuration)]
        self._process = subprocess.Popen(
            arguments,
            env=_environment(HOME=str(home), EMULATOR_MODULE_SERVICE=f"{url}/{shell_id}", EMULATOR_MODULE_WAIT="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, target: str, cmdlets: list[str]) -> None:
        with self.ready:
            self.pipelines[target] = Pipeline(cmdlets)
        self._ledger.count("psrp")
        self._send("Command", UUID(target))

    @property
    def is_idle(self) -> bool:
        return bool(self.gone) or super().is_idle

    def feed(self, target: str, data: bytes) -> None:
        # The first message of a pipeline is its command.
        if target in self.pipelines and any(flags & 2 for _object, flags, _content in _fragments(data)):
            self.pipelines[target].begun = True
        self._send("Data", UUID(target) if target else _POOL, data)

    def interrupt(self, target: str) -> None:
        if target in self.pipelines:
            self._send("Signal", UUID(target))

    def dismiss(self, target: str) -> None:
        if target in self.pipelines:
            self._send("Close", UUID(target))
            with self.ready:
                self.pipelines.pop(target, None)
                self.ready.notify_all()

    def end(self) -> None:
        with self.ready:
            was_gone, self.gone = self.gone, self.gone or "it was closed"
            self.ready.notify_all()
        try:
            if not was_gone:
                self._write("Close", _POOL)
                assert self._process.stdin is not None
                self._process.stdin.close()
                self._process.wait(_END_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:
            self._process.kill()
            self._process.wait()
            self.console.close(orderly=False)

    def kill(self) -> None:
        """The process dies, as of a signal or for want of memory."""
        self._process.kill()

    def _send(self, kind: str, target: UUID, data: bytes = b"") -> None:
        """Sends a packet and waits until it is acknowledged.

        :raises wsman.Fault: the process is gone, or silent.
        """
        with self._writing:
            try:
                self._write(kind, target, data)
                acknowledged = self._acknowledged.get(timeout=_START_TIMEOUT)
            except (OSError, queue.Empty) as error:
                raise self._fault() from error
            if acknowledged != f"{kind}Ack":
                raise self._fault()

    def _write(self, kind: str, target: UUID, data: bytes = b"") -> None:
        packet = f"<{kind} PSGuid='{target}' />\n"
        if kind == "Data":
            packet = f"<Data Stream='Default' PSGuid='{target}'>{base64.b64encode(data).decode('ascii')}</Data>\n"
        assert self._process.stdin is not None
        self._process.stdin.write(packet.encode("ascii"))
        self._process.stdin.flush()

    def _fault(self) -> wsman.Fault:
        said = " ".join(self._said)[:2000]
        reason = f"The WSMan provider host process did not return a proper response. {said}".strip()
        return wsman.Fault(wsman.BAD_CONFIGURATION if self._said else wsman.SHELL_NOT_FOUND, reason)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode("utf-8", "replace").strip()
            match = _PACKET.match(text)
            guid = _GUID.search(match[2]) if match else None
            if match is None or guid is None:
                self._said += [text.removeprefix(_FAILURE)] if text else []
                if text.startswith(_FAILURE):
                    break
            elif match[1] == "Data":
                self._receive(UUID(guid[1]), base64.b64decode(match[3]))
            else:
                self._acknowledged.put(match[1])
        # Where it has failed, it would wait for packets that never come.
        self._process.kill()
        with self.ready:
            told = bool(self.gone)
            self.gone = self.gone or "its process ended"
            self.ready.notify_all()
        # Nobody waits for an acknowledgement any longer.
        self._acknowledged.put("")
        if not told:
            self._died(self.id)

    def _receive(self, target: UUID, data: bytes) -> None:
        name = "" if target == _POOL else str(target).upper()
        ended = self._ends_a_pipeline(data)
        with self.ready:
            self.put(name, data)
            if ended and name in self.pipelines:
                self.pipelines[name].finished = True

    def _ends_a_pipeline(self, data: bytes) -> bool:
        """Whether fragments hold the end of a message about a pipeline's state: such messages are sent about its end
        only. A message begins with its destination and type ([MS-PSRP] 2.2.1).
        """
        ended = False
        for object_id, flags, content in _fragments(data):
            if flags & 1 and int.from_bytes(content[4:8], "little") == _PIPELINE_STATE:
                self._states.add(object_id)
            if flags & 2 and object_id in self._states:
                self._states.discard(object_id)
                ended = True
        return ended
