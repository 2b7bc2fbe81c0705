# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail through random organizations: the simulator and the emulator's mail flow, compared over many more than the unit
tests try.
"""

from __future__ import annotations

import random

from tests.emulator.mail_flow import TooManyWorlds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.comparison import disagreement
from tests.unit.mail_flow.deciding import classes, never, of_settings, proofs
from tests.unit.mail_flow.law.agreement import wrong_about as contradicted_about
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.themes import CROWDED, WISHES, drawn
from tests.unit.mail_flow.unusual import wrong_about

#: Random claims about one random rule set, and messages of the small world that they are held against.
CLAIMS, _MESSAGES = 20, 150

#: Random claims with rare wishes for each of these rule sets.
_WISHES = 6

#: Random edits of many rules for each of these rule sets.
_EDITS = 2


def compare(first: int, number: int) -> tuple[int, str]:
    """Compares ``number`` organizations, rules and messages from the seed ``first`` on.

    :returns: how many had an answer (where too much is unknown there is none), and what the first that differs says,
        empty where none does.
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
            return (
                compared,
                f"mail flow, seed {seed}: {wrong}\ntenant = {tenant!r}\nrules = {rules!r}\nmessage = {message!r}",
            )
    return compared, ""


def prove(first: int, number: int) -> tuple[int, str]:
    """Decides ``number`` random claims from the seed ``first`` on, and random edits, other settings and the lint of
    each of their rule sets.

    Messages are enumerated, and say whether it is so: those of the plain small world for half of the rule sets, and of
    one with a theme for the others.

    :returns: how many claims were decided, and what the first wrong answer says, empty where none is.
    """
    crowded, wishes = Search(_MESSAGES, CROWDED), Search(_MESSAGES, WISHES, wishing=True)
    for seed in range(first, first + number // CLAIMS):
        search = Search(_MESSAGES, drawn(seed))
        for wrong in (
            search.claims(proofs, seed, CLAIMS),
            wishes.claims(proofs, seed, _WISHES),
            search.changes(classes, seed),
            search.changes(classes, seed, shared=True),
            *(crowded.changes(classes, seed * _EDITS + number, shared=number % 2 == 1) for number in range(_EDITS)),
            search.settings(of_settings, seed),
            search.idle(never, seed),
        ):
            if wrong:
                return (seed - first) * CLAIMS, f"proof, {wrong}"
    return number, ""


#: Of so many rule sets one is tried with addresses and texts that can be written in two ways, too.
_RESPELLED = 4


def assume(first: int, number: int) -> tuple[int, str]:
    """Holds guarantees over ``number`` random rule sets from the seed ``first`` on against the simulator's answers
    about unusual mail.

    :returns: how many there were, and what the first wrong verdict says, empty where none is.
    """
    for seed in range(first, first + number):
        if wrong := wrong_about(seed) or (wrong_about(seed, respelled=True) if seed % _RESPELLED == 0 else ""):
            return seed - first, f"unusual mail, {wrong}"
    return number, ""


def agree(first: int, number: int) -> tuple[int, str]:
    """Asks everything that can be said about mail of ``number`` random worlds from the seed ``first`` on.

    :returns: how many there were, and the first contradiction, empty where there is none.
    """
    for seed in range(first, first + number):
        if wrong := contradicted_about(seed):
            return seed - first, f"verbs, {wrong[0]}"
    return number, ""
