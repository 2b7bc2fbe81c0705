# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of the fault search, with the faults that it has to meet."""

from __future__ import annotations

from typing import Any

from tests.soak.search import Case, Tally, examine
from tests.soak.world import World

IRM = "irm_configuration"


ENCRYPT = {"apply_rights_protection_template": "Encrypt"}


WRITES = "[!gG]*"


def check(
    world: World, wire: str, wish: tuple[str, dict[str, Any]], *faults: dict[str, Any], past: Any = (), **more: Any
) -> Tally:
    tally = Tally()
    examine(world, Case(wire, past, {}, wish, faults, **more), tally)
    assert tally.struck, "the fault did not strike"
    return tally
