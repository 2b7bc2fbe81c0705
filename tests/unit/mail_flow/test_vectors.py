# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator against recorded cases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.vectors import BY_ID, VECTORS, answer, verify


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    verify(vector)


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["grade"] == "?"], ids=lambda vector: vector["id"]
)
def test_what_nobody_knows_is_unknown_with_a_reason(vector: dict[str, Any]) -> None:
    assert any("unknown" in str(result["protection"]) and result["unknown"] for result in answer(vector).values())


def test_there_are_vectors_of_each_grade_with_their_sources() -> None:
    assert len(VECTORS) == 65
    assert {vector["grade"] for vector in VECTORS} == {"doc", "inf", "code", "?"}
    assert all(vector["source"] for vector in VECTORS)


@pytest.mark.parametrize(("vector", "number"), [("D20", "U13"), ("C18", "U02"), ("C22", "U31"), ("I08", "U26")])
def test_an_unknown_names_its_number(vector: str, number: str) -> None:
    (result,) = answer(BY_ID[vector]).values()
    assert number in {each["id"] for each in result["unknown"]}
