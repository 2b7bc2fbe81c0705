# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules and labels do to any copy after the mail flow rules, as formulas. See the simulator's ``applied_encrypters``."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property

from ..formula import FALSE, Value
from ..model.carried_labels import automatic
from ..model.encrypters import Encrypter
from .compile_dlp_conditions import DlpMatches, unknown_afterwards
from .compile_dlp_effects import DlpEffects
from .compile_dlp_rules import AppliedDlpRules, DlpCopies, Has
from .compile_rules import RuleChain


class AppliedLabels:
    """The formulas of the labels that apply to a copy.

    :param chain: the mail flow rules before.
    """

    def __init__(self, chain: RuleChain) -> None:
        self._chain = chain

    @cached_property
    def applied(self) -> Sequence[tuple[Encrypter, Value]]:
        """The labels that change mail, each with whether it applies to the copy."""
        facts = self._chain.mail.facts
        changing = [label for label in facts.encrypters.labels or () if label.changes_mail]
        set_ = {label.name for label in automatic(facts)}
        return [
            (
                label,
                (self._chain.mail.sensitivity.labels[label.name] & unknown_afterwards(self._chain, "label", label.name))
                | (unknown_afterwards(self._chain, "label set", label.name) if label.name in set_ else FALSE),
            )
            for label in changing
        ]

    def any(self, has: Has) -> Value:
        """Whether a label with an effect applies."""
        return self._chain.logic.any_of([when for does, when in self.applied if has(does)])


class EncrypterFormulas:
    """What follows a chain of mail flow rules: DLP rules with the copies that they send and what they do, then labels.

    :param chain: the chain.
    """

    def __init__(self, chain: RuleChain) -> None:
        self._chain = chain
        matches = DlpMatches(chain)
        self.dlp = AppliedDlpRules(chain, matches)
        self.copies = DlpCopies(chain, self.dlp, matches.policies)
        self.effects = DlpEffects(chain, self.dlp)
        self.labels = AppliedLabels(chain)

    def unknown(self, *what: Hashable) -> Value:
        """Something open of what follows: one answer for each person."""
        return unknown_afterwards(self._chain, *what)

    @property
    def is_empty(self) -> bool:
        """Whether nothing follows."""
        return not (self.dlp.applied or self.labels.applied)
