# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..conditions.predicate import Atom, Reach
from ..model.header_edits import ADDED
from ..model.kleene import Reason


@dataclass(frozen=True)
class RuleCriteria:
    """What a message must be for a rule to match it.

    :param doubts: why it is open whether the rule matches even if all of the known parts do.
    :param selects: whether these are no rule's but only select mail, including mail that rules do not see.
    """

    conditions: tuple[Atom, ...]
    exceptions: tuple[Atom, ...]
    doubts: tuple[Reason, ...] = ()
    selects: bool = False

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """The conditions and the exceptions."""
        return (*self.conditions, *self.exceptions)

    @cached_property
    def common(self) -> tuple[Atom, ...]:
        """The conditions that are the same for all recipients."""
        return tuple(atom for atom in self.conditions if atom.reach in (Reach.MESSAGE, Reach.SENDER))

    @cached_property
    def splits(self) -> bool:
        """Whether they may be met by some recipients of a copy alone."""
        return any(atom.reach in (Reach.RECIPIENT, Reach.RELATION) for atom in self.atoms)

    @cached_property
    def look_at_copies(self) -> bool:
        """Whether they look at all recipients of a copy."""
        return any(atom.reach is Reach.COPY for atom in self.atoms)

    @cached_property
    def content(self) -> bool:
        """Whether the rule needs content for them that S/MIME hides from rules."""
        return not self.selects and any(atom.predicate.content for atom in self.atoms)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The header fields that they read."""
        return frozenset[str]().union(
            *(atom.headers | {ADDED[name] for name in atom.predicate.fields} for atom in self.atoms)
        )

    @cached_property
    def as_texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The conditions and the exceptions, each as sorted texts, which do not depend on the rule set."""
        conditions, exceptions = (
            tuple(sorted(repr((atom.predicate.options, atom.values, atom.settings)) for atom in atoms))
            for atoms in (self.conditions, self.exceptions)
        )
        return conditions, exceptions
