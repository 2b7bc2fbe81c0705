# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires of a test that goes over many of them and has many cases: two in "make test", all in "make test-all"
(``--wires all``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

#: REST, and PowerShell remoting to a shell of the emulator's. A case goes over both of them, or wrong over one of them.
TWO = ("rest", "server")


def matrix(wires: Iterable[Any], *also: str) -> list[Any]:
    """The same wires, of which those beside ``TWO`` run in "make test-all" only.

    :param also: wires that run in "make test", too, because they have a part in what is tested.
    """
    return [_marked(wire, {*TWO, *also}) for wire in wires]


def _marked(wire: Any, kept: set[str]) -> Any:
    (name,), marks = ((wire,), ()) if isinstance(wire, str) else (wire.values, wire.marks)
    return wire if name in kept else pytest.param(name, marks=[*marks, pytest.mark.matrix])
