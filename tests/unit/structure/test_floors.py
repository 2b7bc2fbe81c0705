# SPDX-License-Identifier: GPL-3.0-or-later
"""The house as its imports make it: no floor leans on one above it, and nothing goes in a circle."""

from __future__ import annotations

import graphlib

from tests.unit.structure.floors import FLOORS, FOLDERS
from tests.unit.structure.import_graph import FILES, ROOT, graph

#: What is pure knows nothing of who runs it; a transport knows nothing of message encryption.
FORBIDDEN = {
    "plugin_utils._transports": (
        "module_utils._engine",
        "module_utils._resources",
        "module_utils._baseline",
        "module_utils._mail_flow",
        "modules",
    ),
    # A solver knows no mail.
    "module_utils._mail_flow.sat": (
        "module_utils._mail_flow.model",
        "module_utils._mail_flow.input",
        "module_utils._mail_flow.simulator",
    ),
    "plugin_utils._broker": (
        "module_utils._engine",
        "module_utils._resources",
        "module_utils._baseline",
        "module_utils._mail_flow",
        "modules",
    ),
}


def floor_of(module: str) -> str:
    return next(floor for floor in FLOORS if module == floor or module.startswith(f"{floor}."))


def test_every_file_lies_on_a_floor() -> None:
    assert [module for module in FILES if not any(module.startswith(f"{floor}.") for floor in FLOORS)] == []


def rank_of(module: str) -> tuple[int, int]:
    """The floor of a module, and the place of its folder there; 0 of a file beside the folders."""
    floor = floor_of(module)
    first = module.removeprefix(f"{floor}.").split(".")[0]
    folders = FOLDERS.get(floor, ())
    return FLOORS.index(floor), folders.index(first) + 1 if first in folders else 0


def test_no_arrow_goes_up() -> None:
    up = [(module, name) for module in FILES for name in graph()[module] if rank_of(name) > rank_of(module)]
    assert sorted(up) == []


def test_no_arrow_goes_where_it_must_not() -> None:
    wrong = [
        (module, name)
        for module in FILES
        for name in graph()[module]
        if any(
            name.startswith(f"{other}.")
            for place, others in FORBIDDEN.items()
            if module.startswith(f"{place}.")
            for other in others
        )
    ]
    assert sorted(wrong) == []


def test_nothing_goes_in_a_circle() -> None:
    list(graphlib.TopologicalSorter(graph()).static_order())


def test_the_test_sees_the_imports() -> None:
    assert "module_utils._exchange.cmdlet" in graph()["module_utils._engine.converge"]
    assert sum(map(len, graph().values())) > 300


def test_each_package_has_tests_of_its_name() -> None:
    named = {floor.split("._", 1)[1].replace(".", "/") for floor in FLOORS if "._" in floor}
    assert sorted(name for name in named if not any((ROOT / "tests/unit" / name).glob("test_*.py"))) == []
