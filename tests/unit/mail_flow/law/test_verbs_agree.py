# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that the collection says about a world contradicts another thing that it says of it. The soak tries many
more.
"""

from __future__ import annotations

import pytest

from tests.rounds import seeds
from tests.unit.mail_flow.law.agreement import disagreements, wrong_about
from tests.unit.mail_flow.law.planted import PLANTED, Planted
from tests.unit.mail_flow.law.verbs import VERBS
from tests.unit.mail_flow.law.worlds import drawn, smaller

_PARTS = 12


@pytest.mark.parametrize("part", range(_PARTS))
def test_verbs_agree(part: int) -> None:
    assert [
        wrong for number in seeds(240, 8100184, 8100216, 8300395)[part::_PARTS] for wrong in wrong_about(number)
    ] == []


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: each.name)
def test_a_mistake_is_a_contradiction(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disagreements(planted.world, VERBS) == []
    planted.mistake(monkeypatch.setattr)
    assert set(planted.kinds) <= {each.kind[:3] for each in disagreements(planted.world, VERBS)}


def test_a_mistake_is_found_in_a_random_world_and_shown_by_the_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PLANTED[0]
    planted.mistake(monkeypatch.setattr)
    found = next(wrong for number in range(240) for wrong in wrong_about(number))
    assert "Encrypts:" in found
    assert "contradict each other" in found
    assert found.count("'conditions'") == 1
    assert found.count("'mail_from'") <= 2  # The message, and the claim that quotes it.


def test_worlds_shrink() -> None:
    world = drawn(1)
    rules, mail = len(world.before) + len(world.rules), len(world.mail)
    for each in smaller(world):
        assert repr(each) != repr(world)
        assert (len(each.before) + len(each.rules), len(each.mail)) <= (rules, mail) or each.before == each.rules
