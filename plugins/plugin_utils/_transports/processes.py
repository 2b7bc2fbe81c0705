# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and ends the PowerShell processes of a run.

A process leads its own process group and gets a signal when the session broker dies. The
system sends that signal when the thread that started the process ends, so this thread must live as long as the broker.
HOME and TMPDIR are in the run's directory, because PowerShell and Microsoft's module leave files in both.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .process_pool_limit import Places

#: The prefix of the directories of processes.
DIRECTORY = "exchange.pwsh-"
#: Requests the signal on the broker's death, and then becomes the program. It runs after exec, because the broker has
#: threads.
_LAUNCHER = """
import os, sys
parent, program = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != parent:
    os._exit(1)
try:
    os.execv(program[0], program)
except OSError as error:
    sys.exit(f"{program[0]}: {error.strerror}")
"""
_ARGUMENTS = ("-NoLogo", "-NoProfile", "-sshs")
#: Prefixes of environment variables that a process does not inherit: credentials, and Ansible's variables.
_NOT_INHERITED = ("EXCHANGE_", "ANSIBLE_")


@dataclass
class Child:
    """A process with its three streams.

    :param process: it leads its own process group.
    :param directory: the directory for its files, which is removed when it ends.
    """

    process: subprocess.Popen[bytes]
    directory: str

    def kill(self) -> None:
        """Ends the process and its children. Does nothing after the process is reaped, because its ID may be reused."""
        if self.process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Waits until the process ends. Then ends its children and removes its directory."""
        with contextlib.suppress(OSError):
            # The process is not reaped yet, so no other process can have its ID.
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
            self.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class StartError(Exception):
    """The program cannot be started. The text contains the reason."""


class Processes:
    """The processes of a run, and their places.

    :param directory: the run's directory; ``None`` uses the system's directory for temporary files.
    :param in_main_thread: calls a function in a thread that lives as long as this process.
    """

    def __init__(
        self,
        directory: str | None = None,
        in_main_thread: Callable[[Callable[[], Child]], Child] = lambda function: function(),
    ) -> None:
        self.places = Places()
        self._directory = directory
        self._in_main_thread = in_main_thread
        self._lock = threading.Lock()
        self._children: list[Child] = []

    def start(self, program: str, environment: Mapping[str, str]) -> Child:
        """Starts PowerShell.

        :param program: its path, or its name on PATH.
        :param environment: variables in addition to the environment of this process.
        :raises StartError: the program does not exist, or the system cannot start it.
        """
        path = shutil.which(os.path.expanduser(program))
        if path is None:
            raise StartError(
                f"{program} {'does not exist or is not executable' if os.path.dirname(program) else 'is not on PATH'}"
            )
        directory = ""
        try:
            directory = tempfile.mkdtemp(prefix=DIRECTORY, dir=self._directory)
            return self._in_main_thread(lambda: self._start(os.path.abspath(path), directory, environment))
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            raise StartError(f"{path}: {error.strerror or error}") from None

    def end(self) -> None:
        """Ends all processes at once."""
        with self._lock:
            children, self._children = self._children, []
        for child in children:
            child.kill()
        for child in children:
            child.bury()

    def _start(self, path: str, directory: str, environment: Mapping[str, str]) -> Child:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), path, *_ARGUMENTS],
            env={**_inherited(), **_own(directory), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            start_new_session=True,
        )
        child = Child(process, directory)
        with self._lock:
            self._children = [known for known in self._children if known.process.returncode is None] + [child]
        return child


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def _own(directory: str) -> dict[str, str]:
    """The variables with a process's directories, and with the path to the user's modules."""
    for name in ("home", "tmp"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.join(directory, name), 0o700)
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    modules = [os.path.join(data, "powershell", "Modules"), os.environ.get("PSModulePath", "")]  # noqa: SIM112 (PowerShell's own spelling)
    home = os.path.join(directory, "home")
    return {
        "HOME": home,
        "TMPDIR": os.path.join(directory, "tmp"),
        "XDG_CACHE_HOME": os.path.join(home, ".cache"),
        "XDG_CONFIG_HOME": os.path.join(home, ".config"),
        "XDG_DATA_HOME": os.path.join(home, ".local", "share"),
        "PSModulePath": os.pathsep.join(filter(None, modules)),
        "LC_ALL": "C.UTF-8",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
    }
