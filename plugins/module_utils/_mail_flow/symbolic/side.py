# SPDX-License-Identifier: GPL-3.0-or-later
"""One encoding of what is unknown, with all that is built on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..conditions.keys import Key
from ..formula import Literal
from .compile_conditions import Conditions
from .compile_outcomes import Outcome
from .compile_recipients import OtherRecipientsFormulas
from .compile_rules import RuleChain
from .logic import Logic


@dataclass(frozen=True)
class Side:
    """One encoding of what is unknown, with the chain of each rule set.

    :param chains: the rule sets' chains, in order.
    """

    logic: Logic
    other_recipients: OtherRecipientsFormulas
    conditions: Conditions
    chains: tuple[RuleChain, ...]
    outcomes: tuple[Outcome, ...]

    def unmodeled_atoms(self, is_true: Callable[[Literal], bool]) -> list[Key]:
        """The atoms that a model gives to another recipient who is not modeled."""
        return list(
            dict.fromkeys(key for (key, _history), literal in self.other_recipients.used.items() if is_true(literal))
        )
