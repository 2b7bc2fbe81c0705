# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires of the fault search as parameters of tests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.soak.world import ENGINE_WIRES, WIRES

ENGINE = [pytest.param(wire, marks=pytest.mark.engine) for wire in ENGINE_WIRES]
_HOST, _ENDPOINT, PROCESS = ENGINE
#: The constrained endpoint differs from a management host in how it is opened and in what it shows, so that one of them
#: is enough here.
EVERY_WIRE: list[Any] = [*WIRES, _HOST, PROCESS]
#: Those of PowerShell remoting.
SHELLS: list[Any] = [*WIRES[1:], _HOST]
