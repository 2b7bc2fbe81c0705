# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded cases of mail flow, each with its source and grade (tests/data/mail_flow_vectors.json), and whether the
simulator agrees with one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import World

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "mail_flow_vectors.json").read_text(encoding="utf-8")
)["vectors"]
for _vector in VECTORS:
    # What a label does after the rules is no part of a vector's recipients.
    _vector["tenant"].pop("auto_label", None)
BY_ID = {vector["id"]: vector for vector in VECTORS}

#: Keys of a vector's recipient that are no keys of a result: they are the copy's own.
OF_COPY = ("subject", "status", "disclaimer")


def answer(vector: dict[str, Any]) -> dict[str, Any]:
    """Recipient to the simulator's result."""
    simulator = Simulator(vector["rules"], facts_of(vector["tenant"]))
    found: dict[str, Any] = simulator.run(message_of(vector["message"], "", vector["id"]))["recipients"]
    return found


def verify(vector: dict[str, Any]) -> None:
    """Asserts that the simulator says what a vector says, of each recipient, in the contract's words."""
    message = message_of(vector["message"], f"{vector['id']}.", vector["id"])
    simulator = Simulator(vector["rules"], facts_of(vector["tenant"]))
    found = simulator.run(message)["recipients"]
    courses = simulator.courses(message)
    expected = vector["expected"]["recipients"]
    assert set(found) == set(expected)
    for address, given in expected.items():
        _agree(_worded(given), found[address])
        assert (given["protection"] is None) is ("protection" not in found[address])
        assert given.get("protected_by", "") is not None or "protected_by" not in found[address]
        assert bool(found[address].get("protected_on_arrival")) is (given.get("protected_by") == "sender")
        world = _likely(next(course.worlds for course in courses if course.recipient.label == address))
        copy = {"subject": world.content.subject, "status": world.status, "disclaimer": world.disclaimer}
        assert {key: given.get(key, copy[key]) for key in OF_COPY} == copy
    told = {item for course in courses for item in _likely(course.worlds).notified}
    for kind, addresses in vector["expected"].get("effects", {}).items():
        if kind != "after_rules":
            assert sorted(address for found_kind, _rule, address in told if found_kind == kind) == sorted(addresses)


def _worded(recipient: dict[str, Any]) -> dict[str, Any]:
    worded = {
        key: value
        for key, value in recipient.items()
        if value is not None and key not in (*OF_COPY, "protected_by", "rules")
    }
    by = recipient.get("protected_by")
    if by and by != "sender":
        worded["protected_by"] = [by] if isinstance(by, str) else by
    if "rules" in recipient:
        worded["rules"] = [
            {"name": name.removeprefix("?"), "matched": "unknown" if name.startswith("?") else True}
            for name in recipient["rules"]
        ]
    return {
        key: _worded(value) if key in ("after_approval", "after_release") else value for key, value in worded.items()
    }


def _agree(expected: dict[str, Any], found: dict[str, Any]) -> None:
    for key, value in expected.items():
        if isinstance(value, dict):
            _agree(value, found[key])
        else:
            assert found.get(key) == value, key


def _likely(worlds: list[World]) -> World:
    return next(world for world in worlds if not world.against_a_guess)
