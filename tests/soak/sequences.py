# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines one sequence after the other until one breaks its law."""

from __future__ import annotations

import traceback
from collections.abc import Callable


def several(examine: Callable[[int], int], first: int, number: int) -> tuple[int, str]:
    """Examines ``number`` sequences from the seed ``first`` on. How many steps they had, and what broke the law; empty
    where nothing did.

    :param examine: one sequence by its seed: how many steps it had. Raises AssertionError.
    """
    steps = 0
    for seed in range(first, first + number):
        try:
            steps += examine(seed)
        except BaseException:
            return steps, f"{examine.__module__}, seed {seed}\n{traceback.format_exc()}"
    return steps, ""
