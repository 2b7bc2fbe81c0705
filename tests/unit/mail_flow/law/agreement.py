# SPDX-License-Identifier: GPL-3.0-or-later
"""The law: whatever two verbs say about one world can be true together."""

from __future__ import annotations

import contextlib
import pprint
from collections.abc import Iterable, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from .asked import Asked
from .claims import Claim, Contradiction, contradictions
from .verbs import VERBS, Verb
from .worlds import World, drawn, smaller

#: So many smaller worlds are tried at most.
_TRIES = 400


def claims_of(world: World, verbs: Iterable[Verb] = VERBS) -> list[Claim]:
    """What the verbs claim of a world."""
    asked = Asked(world)
    return [claim for verb in verbs for claim in verb.ask(asked)]


def disagreements(world: World, verbs: Sequence[Verb] | None = None) -> list[Contradiction]:
    """The kinds of contradictions about a world; by default of the verbs that are asked about it."""
    chosen = [each for each in VERBS if world.number % each.each == 0] if verbs is None else verbs
    return list(contradictions(claims_of(world, chosen)))


def shrunk(world: World, kind: tuple[str, ...]) -> tuple[World, Contradiction]:
    """The smallest world found in which verbs contradict each other in the same way."""
    rows, found = _rows_of(world, kind)
    tries, candidates = 0, smaller(world)
    while tries < _TRIES and (candidate := next(candidates, None)):
        tries += 1
        again = None
        with contextlib.suppress(ExchangeError):  # Less may be refused.
            again = next((each for each in disagreements(candidate, rows) if each.kind == kind), None)
        if again:
            world, found, candidates = candidate, again, smaller(candidate)
    return world, found


def _rows_of(world: World, kind: tuple[str, ...]) -> tuple[Sequence[Verb], Contradiction]:
    """The rows that contradict each other, and how: those alone of the two verbs, where these show it."""
    asked = Asked(world)
    two = [verb for verb in VERBS if any(claim.verb in kind[:2] for claim in verb.ask(asked))]
    for rows in (two, VERBS):
        found = next((each for each in disagreements(world, rows) if each.kind == kind), None)
        if found:
            return rows, found
    raise AssertionError(f"world {world.number} no longer shows {kind}")


def told(world: World, found: Contradiction) -> str:
    """A contradiction, with the world that shows it."""
    one, other = found.one, found.other
    shown = {
        "subject": (one.subject.aspect, one.subject.what, one.subject.about),
        one.verb: (sorted(map(str, one.values)), one.said),
        f"{other.verb} ": (sorted(map(str, other.values)), other.said),
        "tenant": world.tenant,
        "before": world.before if world.before != world.rules else "the same",
        "rules": world.rules,
        "mail": world.mail,
        "guarantees": world.guarantees,
    }
    return (
        f"world {world.number}: {one.verb} and {other.verb} contradict each other\n{pprint.pformat(shown, width=160)}"
    )


def wrong_about(number: int) -> list[str]:
    """What verbs contradict each other about in a world, each shown by the smallest world that was found."""
    world = drawn(number)
    return [told(*shrunk(world, each.kind)) for each in disagreements(world)]
