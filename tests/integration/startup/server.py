# SPDX-License-Identifier: GPL-3.0-or-later
"""Has imported what Ansible's programs import first, and becomes one of them, in a fork, as often as it is asked.

``tests/integration/warm_start.py`` starts and asks it. Nothing that is imported first depends on who asks: core reads
its configuration when ``ansible.constants`` is imported. That is left to each program, or to a fork that is told the
configuration (``configured.py``), and becomes programs that have the same one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys

import brokers

#: In a program's own order until core reads its configuration; then what belongs to Python and to other packages.
IMPORTED = (
    "ansible._internal",
    "ansible.errors",
    "ansible.config.manager",
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.serialization",
    "distro",
    "getpass",
    "importlib.metadata",
    "multiprocessing.queues",
    "multiprocessing.shared_memory",
    "packaging.specifiers",
    "tomllib",
    "urllib.request",
    "xml.dom.minidom",
    "xml.etree.ElementTree",
)


def serve(channel: socket.socket) -> list[int]:
    """Forks for each request. Returns in the fork, with the descriptors that came with the request."""
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with channel:
        while True:
            asked, descriptors, *_unused = socket.recv_fds(channel, 1, 4, socket.MSG_CMSG_CLOEXEC)
            if not asked:
                os._exit(0)
            if not os.fork():
                break
            for each in descriptors:
                os.close(each)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return descriptors


def become(request: int) -> None:
    """Takes arguments, directory and environment of a program, which are in a file."""
    with open(request, encoding="utf-8") as file:
        sys.argv, directory, environment = json.load(file)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = os.path.dirname(sys.argv[0])


def main(descriptor: int, brokers_at: str) -> None:
    """Serves requests on a socket. One of two descriptors has the configuration of programs to come, and the socket on
    which they are asked for; one of four has a program, its output, its errors, and a pipe for its process id, exit
    status and processor seconds.

    :param brokers_at: the name of the abstract socket of ``brokers.py``, without its zero byte.
    """
    for name in IMPORTED:
        importlib.import_module(name)
    assert "ansible.constants" not in sys.modules, "a program reads its own configuration"
    descriptors = serve(socket.socket(fileno=descriptor))
    configuration = None
    if len(descriptors) == 2:
        request, channel = descriptors
        become(request)
        configuration = importlib.import_module("configured")
        descriptors = serve(socket.socket(fileno=channel))
    request, output, errors, report = descriptors
    if program := os.fork():
        os.write(report, b"%d " % program)
        _pid, status, used = os.wait4(program, 0)
        os.write(report, b"%d %f" % (os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime))
        os._exit(0)
    os.close(report)
    for stream, end in ((1, output), (2, errors)):
        os.dup2(end, stream)
        os.close(end)
    become(request)
    if configuration:
        configuration.begin()
    brokers.Popen.address = f"\0{brokers_at}"
    subprocess.Popen = brokers.Popen
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
