# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow against recorded cases, each with its source and grade. Data: tests/data/mail_flow_vectors.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.options import facts_of, message_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulate import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.world import World

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "mail_flow_vectors.json").read_text(encoding="utf-8"))["vectors"]

#: Keys of a vector's recipient that a result shows in its own way, or that only the copy itself has.
OF_COPY = ("subject", "status", "disclaimer")


def _expected(vector: dict[str, Any]) -> dict[str, Any]:
    """Recipient to the keys of a result, as the contract words them."""
    return {address: _worded(recipient) for address, recipient in vector["expected"]["recipients"].items()}


def _worded(recipient: dict[str, Any]) -> dict[str, Any]:
    worded = {key: value for key, value in recipient.items() if value is not None and key not in (*OF_COPY, "protected_by", "rules")}
    by = recipient.get("protected_by")
    if by == "sender":
        worded["protected_on_arrival"] = True
    elif by:
        worded["protected_by"] = [by] if isinstance(by, str) else by
    if "rules" in recipient:
        worded["rules"] = [{"name": name.removeprefix("?"), "matched": "unknown" if name.startswith("?") else True} for name in recipient["rules"]]
    for later in ("after_approval", "after_release"):
        if later in worded:
            worded[later] = _worded(worded[later])
    return worded


def _agree(expected: dict[str, Any], found: dict[str, Any]) -> None:
    for key, value in expected.items():
        if isinstance(value, dict):
            _agree(value, found[key])
        else:
            assert found.get(key) == value, key


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    message = message_of(vector["message"], f"{vector['id']}.", vector["id"])
    simulator = Simulator(vector["rules"], facts_of(vector["tenant"]))
    found = simulator.run(message)["recipients"]
    expected = _expected(vector)
    assert set(found) == set(expected)
    for address, wanted in expected.items():
        given = vector["expected"]["recipients"][address]
        _agree(wanted, found[address])
        assert (given["protection"] is None) is ("protection" not in found[address])
        if "protected_by" in given and given["protected_by"] is None:
            assert "protected_by" not in found[address]
        assert bool(found[address].get("protected_on_arrival")) is (given.get("protected_by") == "sender")
        _agree_about_copy(given, simulator, vector, address)
    told = {item for course in simulator.courses(message) for item in _only(course.worlds).told}
    for kind, addresses in vector["expected"].get("effects", {}).items():
        if kind != "after_rules":
            assert sorted(address for found_kind, _rule, address in told if found_kind == kind) == sorted(addresses)


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector["grade"] == "?"], ids=lambda vector: vector["id"])
def test_what_nobody_knows_is_unknown_with_a_reason(vector: dict[str, Any]) -> None:
    found = Simulator(vector["rules"], facts_of(vector["tenant"])).run(message_of(vector["message"], "", vector["id"]))["recipients"]
    assert any("unknown" in str(result["protection"]) and result["unknown"] for result in found.values())


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 65
    assert all(vector["source"] for vector in VECTORS)


def _agree_about_copy(given: dict[str, Any], simulator: Simulator, vector: dict[str, Any], address: str) -> None:
    """What is no key of a result: the subject, the code of a rejection, the disclaimer."""
    if any(key in given for key in OF_COPY):
        message = message_of(vector["message"], "", vector["id"])
        world = _only(next(course.worlds for course in simulator.courses(message) if course.recipient.label == address))
        assert given.get("subject", world.content.subject) == world.content.subject
        assert given.get("status", world.status) == world.status
        assert given.get("disclaimer", world.disclaimer) is world.disclaimer


def _only(worlds: list[World]) -> World:
    likely = [world for world in worlds if not world.against_a_guess]
    return likely[0]
