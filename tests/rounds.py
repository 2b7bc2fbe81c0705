# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a property is tried: a few rounds in ``make test``, many in ``make soak``. This is the one place that says
so.

A test names the few: ``@settings(max_examples=rounds(20))`` of hypothesis, ``@pytest.mark.parametrize("seed",
seeds(4))`` of a search with seeds, or ``for seed in seeds(4)`` where its failures are listed together. ``ROUNDS=25`` in
the environment makes of each 25 times as many, and ``ROUNDS=0.2``, as ``make quick`` says it, a fifth, but at least one.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

#: How many times the few rounds are run; below one, a part of them.
TIMES = float(os.environ.get("ROUNDS") or 1)


def rounds(few: int) -> int:
    """How many rounds to run of something that ``make test`` runs ``few`` of."""
    return max(1, round(few * TIMES))


def seeds(few: int, *found: int) -> list[int]:
    """The seeds from zero on, ``few`` in ``make test``.

    :param found: seeds by which something was found once. They are always among them.
    """
    return [*range(rounds(few)), *(seed for seed in found if seed >= rounds(few))]


def load_profile() -> None:
    """Tells hypothesis: in ``make test`` it draws the same examples each time, in ``make soak`` others each time. No
    test fails because it is slow.
    """
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("quick", patient, max_examples=rounds(20), derandomize=TIMES <= 1)
    # A mutant that is found is found: its smallest example is of no use to anybody.
    settings.register_profile(
        "mutants", patient, max_examples=20, database=None, phases=[Phase.explicit, Phase.generate]
    )
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
