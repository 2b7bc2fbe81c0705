# SPDX-License-Identifier: GPL-3.0-or-later
"""The model in which classes of mail are searched, and the classes that are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ..budget import BudgetError
from ..conditions.keys import Key
from ..formula import Literal
from ..symbolic.encoding import Model
from .aspects import DifferenceKind
from .attribution import Part
from .difference_kinds import MailClass, SearchedMail
from .difference_queries import DifferenceQueries, DifferenceSearch
from .rule_changes import Edit

#: The maximum number of classes to search for.
MOST_CLASSES = 400

#: A class: its kind, its cause, the person whom rules add (or nobody), and its part.
ClassKey: TypeAlias = tuple[DifferenceKind, int, str, Part]

#: Whose copies, and by which cause: the person whom rules add (or nobody), and the place of an edit.
CopyCause: TypeAlias = tuple[str, int]


class MailClasses:
    """The classes that are found, also in models that follow each other."""

    def __init__(self) -> None:
        self.by_key: dict[ClassKey, MailClass] = {}
        #: The people and causes of possible differences in unusual mail. They share one finding.
        self.unusual: set[CopyCause] = set()

    def of_part(self, kind: DifferenceKind, copy_cause: CopyCause, part: Part) -> MailClass:
        """The class of a part of a kind and a cause. A new one is added.

        :raises BudgetError: there are :data:`MOST_CLASSES`.
        """
        if len(self.by_key) >= MOST_CLASSES:
            raise BudgetError
        person, cause = copy_cause
        return self.by_key.setdefault((kind, cause, person, part), MailClass(kind, cause, part, person))

    def drop(self, mail_class: MailClass) -> None:
        """Removes a class: there is no such mail."""
        del self.by_key[mail_class.kind, mail_class.cause, mail_class.person, mail_class.part]


class ClassModel:
    """A model of two rule sets with the questions about their differences, the mail to search for, and the conflicts that
    remain.

    :param budget: the maximum number of conflicts; it may be lowered.
    """

    def __init__(self, search: DifferenceSearch) -> None:
        self._search = search
        self.model: Model = search.model
        self.edits: Sequence[Edit] = search.edits
        self.queries: DifferenceQueries = search.queries
        self.budget = search.budget
        self.mail = SearchedMail(search.model, search.about)

    def refined(self, keys: Iterable[Key]) -> ClassModel:
        """A model with other recipients for these atoms, within the remaining budget.

        :raises BudgetError: nothing remains.
        """
        return ClassModel(self._search.refined(keys, self.remaining_budget))

    @property
    def remaining_budget(self) -> int:
        """The remaining budget of conflicts.

        :raises BudgetError: nothing remains.
        """
        remaining = self.budget - self.model.circuit.solver.conflicts
        if remaining <= 0:
            raise BudgetError
        return remaining

    def met(self) -> list[Literal]:
        """Literals that are true together if mail meets the assumptions that the edits are about."""
        return [assumption.literal for assumption in self.model.mail.assumptions if assumption.id in self._search.about]

    def is_never_sure(self, claim: Sequence[Literal], literals: Sequence[Literal]) -> bool:
        """Whether a claim is true of no message for every answer to what is unknown. The free side says so, which is built
        anyway; the other one, which says what is certain, is larger than a few questions.

        :param literals: what a message must satisfy anyway.
        """
        return self.model.messages.rules_out(claim, literals, self.model.free, self.remaining_budget)

    def preferred(self) -> list[Literal]:
        """What makes a good witness of usual mail, if it can have that, the most important first: it arrives in clear,
        its sender is known, it is not in quarantine, and it meets the assumptions that the edits are about.
        """
        mail = self.model.mail
        return [
            *(~literal for literal in mail.arrival.values()),
            self.mail.of_known_senders(),
            *self.mail.not_held_back(),
            *self.met(),
        ]
