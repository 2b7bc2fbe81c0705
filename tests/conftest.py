# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests run, and in which order; the real PowerShell of those that want one; how long all took."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, groupby

import pytest

from tests import printed
from tests.emulator.engine import Engine, EngineError, find_engine

_WHY = "no PowerShell: these tests want pwsh on PATH, or PWSH=PROGRAM, or PWSH_ARCHIVE=ARCHIVE (see CONTRIBUTING.md)"
_STARTED = time.monotonic()


@cache
def _found() -> Engine | None:
    try:
        return find_engine()
    except EngineError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--wires",
        help='wires of the integration tests: "all" (the whole matrix), or names with commas, as "psrp,powershell"',
    )


def pytest_configure(config: pytest.Config) -> None:
    if _found() is None and os.environ.get("REQUIRE_PWSH"):
        raise pytest.UsageError(f"REQUIRE_PWSH is set, and there is {_WHY}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only the whole matrix runs, lets what takes long begin first, and marks what is tried in rounds,
    so that "make soak" can run more of them.
    """
    if config.getoption("wires") != "all":
        left_out = [item for item in items if item.get_closest_marker("matrix")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("matrix")]
    for item in items:
        module = getattr(item, "module", None)
        if getattr(getattr(item, "function", None), "is_hypothesis_test", False) or any(
            hasattr(module, name) for name in ("rounds", "seeds")
        ):
            item.add_marker(pytest.mark.rounds)
    items[:] = _spread(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _spread(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Deals the files whose tests take long among the workers, and fills each worker's share up with the others.

    xdist (``--dist worksteal``) gives each worker an equal share of the list, one after another. A worker that is done
    takes half of what is left at the end of the longest rest. So all end with short tests, and none is left alone with
    a long one.
    """
    files = [list(file) for _path, file in groupby(items, key=lambda item: item.path)]
    longest, long, short = [], [], []
    for file in files:
        marked = any(item.get_closest_marker("long") for item in file)
        (longest if marked else long if "integration" in file[0].path.parts else short).append(file)
    dealt, rest = [*longest, *long], list(chain(*short))
    spread: list[pytest.Item] = []
    for worker in range(workers):
        part = list(chain(*dealt[worker::workers]))
        share = (len(items) - len(spread)) // (workers - worker)
        room = max(0, share - len(part))
        spread += part + rest[:room]
        del rest[:room]
    return spread


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("engine") and _found() is None:
        pytest.skip(_WHY)


@pytest.fixture(scope="session")
def engine() -> Engine | None:
    """The PowerShell for tests that are marked ``engine``. None where there is none, and then no such test runs."""
    return _found()


@pytest.fixture(scope="session", autouse=True)
def judged_by_powershell(engine: Engine | None) -> Iterator[None]:
    """Whatever command a plan of a test prints is given to PowerShell, where there is one."""
    printed.use(engine)
    yield
    printed.done()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for group in terminalreporter.stats.values() for report in group if isinstance(report, pytest.TestReport)
    ]
    for text in dict.fromkeys(
        str(value) for report in reports for name, value in report.user_properties if name == "says"
    ):
        terminalreporter.write_line(text)
    with_engine = [report for report in reports if "engine" in report.keywords]
    said = f"Took {_minutes(time.monotonic() - _STARTED)}."
    engine = _found()
    if with_engine and engine is not None:
        tests = len({report.nodeid for report in with_engine})
        seconds = sum(report.duration for report in with_engine)
        said += f" {tests} tests with PowerShell {engine.version} ran for {_minutes(seconds)}, over all workers."
    terminalreporter.write_line(said)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
