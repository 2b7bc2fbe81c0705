# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail through random organizations: the simulator and the emulator's mail flow, compared over many more than the unit tests try."""

from __future__ import annotations

import random

from tests.emulator.mail_flow import TooManyWorlds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.comparison import disagreement


def compare(first: int, number: int) -> tuple[int, str]:
    """Compares ``number`` organizations, rules and messages from the seed ``first`` on.

    :returns: how many had an answer (where too much is unknown there is none), and what the first that differs says, empty where none does.
    """
    compared = 0
    for seed in range(first, first + number):
        source = random.Random(seed)
        tenant, rules = generators.organization(source), generators.rules(source, newcomers=seed % 2 == 1)
        message = generators.message(source)
        try:
            wrong = disagreement(tenant, rules, message)
        except TooManyWorlds:
            continue
        compared += 1
        if wrong:
            return compared, f"mail flow, seed {seed}: {wrong}\ntenant = {tenant!r}\nrules = {rules!r}\nmessage = {message!r}"
    return compared, ""
