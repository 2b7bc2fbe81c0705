# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the collection can say about mail, a row each: what it claims of a world.

A new verb is one more row: a function that asks it, and says in the vocabulary of :mod:`claims` what its answer means
for the messages of the world. Nothing is made of a sentence where there is the data of which it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import of_mail, of_organizations, of_repairs, of_traces
from .asked import Asked
from .claims import Claim


@dataclass(frozen=True)
class Verb:
    """Something that the collection says about mail.

    :param ask: what it claims of a world.
    :param each: it is asked about every so-manieth world, as it takes long.
    """

    name: str
    ask: Callable[[Asked], Iterator[Claim]]
    each: int = 1


VERBS: tuple[Verb, ...] = (
    Verb("trace", of_mail.of_trace, 3),
    Verb("guarantees", of_mail.of_guarantees),
    Verb("MFR-2", of_organizations.of_mail_control, 5),
    Verb("difference", of_mail.of_difference, 2),
    Verb("approval", of_organizations.of_approval, 6),
    Verb("policy", of_mail.of_policy, 3),
    Verb("policy, of any rule", of_organizations.of_any_rule, 3),
    Verb("lint", of_mail.of_lint, 2),
    Verb("overview", of_mail.of_overview, 3),
    Verb("Encrypts: and 35029", of_organizations.of_first_look),
    Verb("MFR-1", of_organizations.of_rules_control),
    Verb("module", of_organizations.of_module),
    Verb("texts", of_organizations.of_texts, 2),
    Verb("replay", of_traces.of_replay),
    Verb("prediction", of_traces.of_prediction),
    Verb("evidence", of_organizations.of_evidence),
    Verb("suggestions", of_repairs.of_suggestions, 15),
    Verb("simplify", of_repairs.of_simplify, 10),
    # Last, so that they are asked about each message that another verb shows.
    Verb("changed messages", of_mail.of_changed_messages),
    Verb("simulation", of_mail.of_simulation),
)
