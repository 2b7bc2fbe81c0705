# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which the tests run, and what the mutants' tables name."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from scripts.tests_of_changes import ROOT
from tests.conftest import _spread
from tests.mutants.core import CORE


def _file(name: str, tests: int, *marks: str) -> list[Any]:
    """What pytest collects of a file, as far as the order looks at it. Its first test has the marks."""
    path = ROOT / "tests" / name
    return [
        SimpleNamespace(
            path=path,
            name=f"{path.stem}[{number}]",
            get_closest_marker=lambda mark, number=number: mark if mark in marks and number == 0 else None,
        )
        for number in range(tests)
    ]


#: 26 tests, of which no three or four workers get equal shares.
FILES = (
    _file("unit/test_first.py", 4),
    _file("integration/test_short.py", 2),
    _file("integration/test_longest.py", 3, "long"),
    _file("unit/test_next.py", 14),
    _file("integration/test_other.py", 2),
    _file("integration/test_last.py", 1),
)


def _shares(items: list[Any], workers: int) -> list[list[Any]]:
    """What xdist gives each worker first (``WorkStealingScheduling.check_schedule``)."""
    shares = []
    for waiting in range(workers, 0, -1):
        size = len(items) // waiting
        shares.append(items[:size])
        items = items[size:]
    return shares


@pytest.mark.parametrize("workers", [1, 3, 4])
def test_each_worker_begins_with_long_tests(workers: int) -> None:
    items = list(chain(*FILES))
    spread = _spread(items, workers)
    assert sorted(each.name for each in spread) == sorted(each.name for each in items)
    assert spread[0].name == "test_longest[0]"
    shares = _shares(spread, workers)
    assert [share[0].path.parent.name for share in shares] == ["integration"] * workers
    for share in shares:
        folders = [each.path.parent.name for each in share]
        assert folders == sorted(folders), share
        assert folders[-1] == "unit"
    for file in FILES:
        if file[0].path.parent.name == "integration":
            (share,) = (share for share in shares if file[0] in share)
            assert [each for each in share if each.path == file[0].path] == file


def test_a_part_that_is_larger_than_its_share() -> None:
    """Such as a run of the integration tests alone."""
    items = [
        *_file("integration/test_large.py", 7),
        *_file("integration/test_small.py", 1),
        *_file("unit/test_it.py", 2),
    ]
    assert [each.path.stem for each in _spread(items, 3)] == ["test_large"] * 7 + ["test_small"] + ["test_it"] * 2


def test_the_mutants_tables_name_what_exists() -> None:
    lost = [module for module in CORE if not (ROOT / "plugins" / module).is_file()]
    for file, _colons, test in (name.partition("::") for name in chain(*CORE.values())):
        if not (ROOT / file).is_file() or test not in (ROOT / file).read_text(encoding="utf-8"):
            lost.append(f"{file} {test}")
    explained = yaml.safe_load((ROOT / "tests/mutants/explained.yml").read_text(encoding="utf-8"))
    for module, mutants in explained.items():
        assert module in CORE
        lines = {line.strip() for line in (ROOT / "plugins" / module).read_text(encoding="utf-8").splitlines()}
        lost += [f"{module}: {each['was']}" for each in mutants if each["was"].strip() not in lines]
    assert lost == []
