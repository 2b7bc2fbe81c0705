# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests cost: a table by package and wire of tests, processor seconds and started programs.

A pytest plugin (``make test-costs``, or ``-p tests.costs``). Processor seconds are those of the worker and of the
children that it has waited for, and of what it has started warm; a daemon that outlives its test is not counted. Unlike
durations they say the same on a busy machine.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import warm_start

_LARGEST = 25
_started = 0


def _count(event: str, _arguments: Any) -> None:
    global _started
    if event in ("subprocess.Popen", "os.posix_spawn"):
        _started += 1


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used) + warm_start.used()


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(_count)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """The cost of set-up, test and clean-up; it travels in the report of the clean-up, which is made before this ends."""
    item.stash[_BEFORE] = (_processor_seconds(), _started)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    report = yield
    if call.when == "teardown":
        seconds, started = item.stash[_BEFORE]
        wire = getattr(item, "callspec", None) and item.callspec.params.get("wire", "-")
        cost = {"seconds": _processor_seconds() - seconds, "started": _started - started, "wire": str(wire or "-")}
        report.user_properties.append(("cost", cost))
    return report


_BEFORE: pytest.StashKey[tuple[float, int]] = pytest.StashKey()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A long run may be interrupted: COSTS names a file that gets each cost as it comes."""
    costs = [value for name, value in report.user_properties if name == "cost"]
    if costs and os.environ.get("COSTS") and not os.environ.get("PYTEST_XDIST_WORKER"):
        with open(os.environ["COSTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"test": report.nodeid, **costs[0]}) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for group in terminalreporter.stats.values() for report in group if isinstance(report, pytest.TestReport)
    ]
    # A test that passes is counted by its call's report; the report of its clean-up has no group's name.
    costs = {report.nodeid: value for report in reports for name, value in report.user_properties if name == "cost"}
    if not costs:
        return
    rows: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0, 0])
    for nodeid, cost in costs.items():
        row = rows[_package(nodeid), cost["wire"]]
        row[0] += 1
        row[1] += cost["seconds"]
        row[2] += cost["started"]
    write = terminalreporter.write_line
    write("")
    write(f"{'package':<56} {'wire':<12} {'tests':>6} {'processor s':>12} {'programs':>9}")
    for (package, wire), (tests, seconds, started) in sorted(rows.items(), key=lambda row: -row[1][1]):
        write(f"{package:<56} {wire:<12} {tests:>6.0f} {seconds:>12.1f} {started:>9.0f}")
    tests, seconds, started = (sum(row[index] for row in rows.values()) for index in range(3))
    write(f"{'all':<56} {'':<12} {tests:>6.0f} {seconds:>12.1f} {started:>9.0f}")
    write("")
    write(f"The {_LARGEST} tests that cost most, in processor seconds:")
    for nodeid, cost in sorted(costs.items(), key=lambda item: -item[1]["seconds"])[:_LARGEST]:
        write(f"{cost['seconds']:>8.1f}  {cost['started']:>4}  {nodeid}")


def _package(nodeid: str) -> str:
    """The folder of a unit test, the file of an integration test: there, a file is a subject."""
    path = nodeid.partition("::")[0]
    return path if path.startswith("tests/integration/") else path.rpartition("/")[0]
