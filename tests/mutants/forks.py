# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin that tries the mutants of one module, each in a fork of the one pytest that has collected the tests.

Tests that killed a mutant of a function are tried first on its other mutants. So a mutant takes hundredths of a second.
``MUTANTS`` names a file with the names of the mutants, as JSON; how each fork ended is written over it: 0 for a mutant
that lives.
"""

from __future__ import annotations

import json
import os
import resource
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.trampoline import set_mutant_under_test

#: A mutant that takes so many times the processor time of the tests without one does not end; and so many seconds,
#: because some tests take next to none.
_TIMES, _SECONDS = 4, 5

#: Seconds of processor time for the tests without a mutant.
_LONG = 600


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of the tests, once, all mutants."""
    path = Path(os.environ["MUTANTS"])
    names: list[str] = json.loads(path.read_text(encoding="utf-8"))
    if _ends("", session.items, _LONG) != (0, None):
        raise session.Failed("the tests fail without a mutant")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    most = int(_TIMES * (used.ru_utime + used.ru_stime)) + _SECONDS
    codes: dict[str, int] = {}
    killers: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for name in names:
        first = killers[name.rpartition("__mutmut_")[0]]
        codes[name], killer = _ends(name, [*first, *(item for item in session.items if item not in first)], most)
        if killer is not None:
            first[:] = [killer, *(item for item in first if item is not killer)]
    path.write_text(json.dumps(codes), encoding="utf-8")
    return True


def _ends(name: str, items: Sequence[pytest.Item], most: int) -> tuple[int, pytest.Item | None]:
    """How a fork ends that runs the tests with this mutant: its exit code or signal, and the first test that failed.

    :param most: seconds of processor time after which it is ended.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _try(name, items, writer, most)
    os.close(writer)
    with os.fdopen(reader) as found:
        failed = found.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, items[int(failed)] if failed else None


def _try(name: str, items: Sequence[pytest.Item], writer: int, most: int) -> None:
    code = 3
    try:
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + most, int(used) + most + 1))
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        set_mutant_under_test(name)
        for index, item in enumerate(items):
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
                os.write(writer, str(index).encode())
                os._exit(1)
        code = 0
    finally:
        os._exit(code)
