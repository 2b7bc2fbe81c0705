# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the rows of a message trace: what a replay counts, and what evidence predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.prediction import (
    predictions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies

from tests.unit.mail_flow.tracing import traced

from .asked import AFTER, BEFORE, Asked, Letter
from .claims import ACTS, FATE, PROTECTED, PROTECTION, Claim
from .of_mail import COUNTED, change, claim, is_outside, kept_as

#: More than a message has recipients.
_EVERY = 50


def of_replay(asked: Asked) -> Iterator[Claim]:
    guarantees = [each.guarantee for each in asked.judged if WISHES[each.guarantee.then].traced]
    replay = Replay(asked.rules[AFTER], asked.facts, asked.rules[BEFORE], guarantees=guarantees, examples=_EVERY)
    for letter in asked.ordinary:
        found = replay.run(traced([letter.message], asked.facts))
        yield from _outcomes(letter, found)
        yield from _changes(asked, letter, found)
        for each in guarantees:
            yield from _of_guarantee(asked, letter, each, found)


def _outcomes(letter: Letter, found: Tallies) -> Iterator[Claim]:
    for (fate, protection, _by, _by_dlp), tally in found.outcomes.items():
        for example in tally.examples:
            copy = (AFTER, letter.key, example.recipient)
            yield claim("replay", FATE, copy, fate, said=tally)
            if fate == "delivered":
                yield claim("replay", PROTECTED, copy, protection != "none", said=tally)
                if protection != "protected_option_unknown":
                    yield claim("replay", PROTECTION, copy, protection, said=tally)


def _changes(asked: Asked, letter: Letter, found: Tallies) -> Iterator[Claim]:
    """What is treated differently; and of the kinds that it does not count, that no copy of the message is."""
    for kind, tally in found.difference.items():
        for example in tally.examples if kind in COUNTED and not tally.possible else ():
            yield change("replay", letter, example.recipient, kind, True, tally)
    for kind in () if "unknown" in found.difference else COUNTED:
        for person in asked.people(letter) if kind not in found.difference else ():
            yield change("replay", letter, person, kind, False, found.difference)


def _of_guarantee(asked: Asked, letter: Letter, guarantee: Any, found: Tallies) -> Iterator[Claim]:
    """Whether its copies keep a guarantee, those that rules make of them included."""
    broken = found.broken[guarantee.name]
    for example in broken.examples:
        yield from kept_as("replay", guarantee, (AFTER, letter.key, example.recipient), broken, kept=False)
    if broken.examples or found.unsettled[guarantee.name] or not found.kept[guarantee.name]:
        return
    named = asked.named(letter)
    for person in asked.results(AFTER, letter):
        made = person not in named
        about = asked.about(letter, guarantee.when, guarantee.unless, named[0] if made else person)
        if about is True and (not made or (len(named) == 1 and is_outside(letter, person))):
            yield from kept_as("replay", guarantee, (AFTER, letter.key, person), found.kept, kept=True, made=made)


def of_prediction(asked: Asked) -> Iterator[Claim]:
    for letter in asked.ordinary:
        for block in blocks_of(traced([letter.message], asked.facts)):
            for rule, found in zip(
                asked.rules[AFTER].rules, predictions(block, asked.rules[AFTER], asked.facts), strict=True
            ):
                for place in range(len(block)):
                    copy = (AFTER, letter.key, block.text("recipient", place))
                    if found.certain >> place & 1:
                        yield claim("prediction", ACTS, copy, True, what=rule.name, said=found)
                    elif not found.possible >> place & 1:
                        yield claim("prediction", ACTS, copy, False, what=rule.name, said=found)
