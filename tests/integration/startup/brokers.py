# SPDX-License-Identifier: GPL-3.0-or-later
"""Has imported the other people's packages that session brokers use, and becomes a broker, in a fork, as often as it is
asked. It ends with pytest's worker, which holds the other end of a pipe. Each broker imports the collection's own code.

``tests/integration/warm_start.py`` starts it. A playbook that was started warm asks it, by :class:`Popen`.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Any

_MARK = "_broker.server import main"


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """``subprocess.Popen`` that has a session broker started there. Whoever starts one never waits for it."""

    #: The name of the abstract socket on which requests are taken, with its zero byte.
    address = ""

    def __init__(self, args: Any, **options: Any) -> None:
        if isinstance(args, list) and args[:3] == [sys.executable, "-P", "-c"] and _MARK in args[3]:
            (listener,) = options["pass_fds"]
            request = [args[3:], os.getcwd(), options["env"], listener]
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect(self.address)
                socket.send_fds(channel, [b"."], [listener, options["stderr"]])
                channel.sendall(json.dumps(request).encode())
        else:
            super().__init__(args, **options)


def main(descriptor: int, life: int) -> None:
    """Forks for each request on a listening socket, as long as the other end of the pipe ``life`` is open."""
    import msal  # noqa: F401
    import requests  # noqa: F401

    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as listening, os.fdopen(life):
        while True:
            readable, *_unused = select.select([listening, life], [], [])
            if life in readable:
                return
            channel, _address = listening.accept()
            with channel:
                _asked, descriptors, *_unused = socket.recv_fds(channel, 1, 2)
                if not os.fork():
                    with channel.makefile(encoding="utf-8") as file:
                        request = json.load(file)
                    break
            for each in descriptors:
                os.close(each)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    become(request, *descriptors)


def become(request: list[Any], listener: int, words: int) -> None:
    """Becomes a broker: its arguments, directory and environment, and the number of its listener's descriptor."""
    (program, *arguments), directory, environment, number = request
    os.setsid()
    os.dup2(words, 2)
    os.close(words)
    if listener != number:
        os.dup2(listener, number)
        os.close(listener)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    exec(compile(program, "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
