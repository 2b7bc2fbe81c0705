# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's simulator and the emulator's mail flow give the same answers, as :mod:`.comparison` words it. The
soak tries many more.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.emulator.mail_flow import TooManyWorlds
from tests.rounds import rounds
from tests.unit.mail_flow import generators, respelling
from tests.unit.mail_flow.comparison import contradiction, disagreement
from tests.unit.mail_flow.translation import vectors

Values = dict[str, Any]


@pytest.mark.parametrize("vector", vectors(), ids=[vector["id"] for vector in vectors()])
def test_they_agree_about_the_vectors(vector: Values) -> None:
    assert disagreement(vector["tenant"], vector["rules"], vector["message"]) == ""


def agree(tenant: Values, rules: list[Values], message: Values) -> None:
    """They agree about a message, unless too much of it is unknown."""
    for name, value in (("tenant", tenant), ("rules", rules), ("message", message)):
        note(f"{name} = {value!r}")
    with contextlib.suppress(TooManyWorlds):
        assert disagreement(tenant, rules, message) == ""


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=rounds(80), suppress_health_check=list(HealthCheck))
def test_they_agree_about_random_organizations(source: random.Random, newcomers: bool) -> None:
    agree(generators.organization(source), generators.rules(source, newcomers=newcomers), generators.message(source))


@given(st.randoms(use_true_random=False))
@settings(max_examples=rounds(80), suppress_health_check=list(HealthCheck))
def test_they_agree_about_what_rules_make_of_headers(source: random.Random) -> None:
    agree(generators.organization(source), generators.editing_rules(source), generators.message(source))


@given(st.randoms(use_true_random=False))
@settings(max_examples=rounds(80), suppress_health_check=list(HealthCheck))
def test_they_agree_about_what_can_be_written_in_two_ways(source: random.Random) -> None:
    """International names in Unicode and in ASCII, letters with accents, and plus addresses."""
    tenant = respelling.organization(source, generators.organization(source))
    rules, message = (
        respelling.respelled(source, generators.rules(source)),
        respelling.respelled(source, generators.message(source), tags=True),
    )
    agree(tenant, rules, message)


def test_a_wrong_answer_is_told() -> None:
    """The comparison itself: each kind of difference, and none where one side does not say."""
    said = {
        "fate": "delivered",
        "protection": "encrypt",
        "protected_on_arrival": False,
        "protected_by": {"A"},
        "rules": {"A": True},
    }
    other: Values = {
        "fate": "delivered",
        "protection": "encrypt",
        "protected_by": ["A"],
        "rules": [{"name": "A", "matched": True}],
    }
    assert contradiction(said, other) == ""
    assert contradiction({**said, "rules": {"A": False}}, other) == ""
    for change, text in (
        ({"fate": "rejected"}, "fate"),
        ({"protection": "none"}, "protection"),
        ({"protected_by": ["B"]}, "protected_by"),
        ({"rules": []}, "rule A"),
        ({"rules": [{"name": "A", "matched": "unknown"}]}, "rule A"),
        ({"rules": [*other["rules"], {"name": "B", "matched": True}]}, "rule B"),
    ):
        assert text in contradiction(said, {**other, **change})
    assert "after_approval is missing" in contradiction({"after_approval": {}}, other)
