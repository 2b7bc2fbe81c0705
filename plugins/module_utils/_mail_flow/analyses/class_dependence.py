# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of mail that depend on other recipients of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..formula import Literal
from ..symbolic.side import Side
from .aspects import DifferenceKind
from .attribution import WHOLE, Part
from .class_model import ClassModel, MailClasses, Which
from .difference_queries import CopyQueries


class ClassDependence:
    """The search for classes that are impossible for a message to one recipient but may be possible with others."""

    def __init__(self, asked: ClassModel, classes: MailClasses) -> None:
        self._asked = asked
        self._classes = classes

    def add(self, person: str, kinds: Mapping[Which, Sequence[DifferenceKind]]) -> None:
        """Adds the classes that are impossible for a message to one recipient but may be possible with others, and whom
        to model to find out: all in usual mail, and those that are certain in other mail.

        :param kinds: those of which no mail is known, by person and cause. Of a kind with known parts, the other parts
            are searched in usual mail.
        """
        known: dict[Which, dict[DifferenceKind, list[Part]]] = {}
        for kind, cause, whom, part in self._classes.by_key:
            if whom == person:
                known.setdefault((person, cause), {}).setdefault(kind, []).append(part)
        for which, parts in known.items():
            self._depending(self._asked.model.free, which, parts, usual=True)
        for which, kinds_of_cause in kinds.items():
            remaining = self._depending(self._asked.model.free, which, dict.fromkeys(kinds_of_cause, ()), usual=True)
            if remaining and self._asked.mail.some_unusual:
                impossible = self._depending(self._asked.model.free, which, dict.fromkeys(remaining, ()), usual=False)
                others = [kind for kind in remaining if kind not in impossible]
                unsettled = [kind for kind in others if not self._is_never_sure(kind, which, usual=False)]
                if unsettled:
                    self._depending(self._asked.model.open, which, dict.fromkeys(unsettled, ()), usual=False)

    def _depending(
        self, side: Side, which: Which, known: Mapping[DifferenceKind, Sequence[Part]], *, usual: bool
    ) -> list[DifferenceKind]:
        """Searches a side for kinds that a cause may have, and adds their classes. Returns the kinds that it cannot
        have.

        :param known: by kind, the parts that are known.
        """
        person, place = which
        model = self._asked.model
        asked = self._asked.queries.about_copies(side, person)
        impossible = list(known)
        for cause, remaining in asked.kinds_by_cause(impossible, place).items():
            others = {kind: self._unknown_part(asked, kind, place, known[kind]) for kind in remaining}
            while remaining:
                any_left = model.circuit.disjunction([others[kind] for kind in remaining])
                if not model.solve(
                    [*self._asked.mail.assumed(usual=usual), *self._asked.mail.somebody_else(person), cause, any_left],
                    self._asked.remaining_budget,
                ):
                    break
                shown = [kind for kind in remaining if model.circuit.holds(others[kind])]
                for kind in shown:
                    remaining.remove(kind)
                    impossible.remove(kind)
                if usual or not side.logic.free:
                    self._add_open(side, which, shown, usual=usual)
        return impossible

    def may_be_sure(self, kind: DifferenceKind, which: Which) -> bool:
        """Whether mail with other recipients may certainly show a kind with a cause.

        :raises BudgetError: a question took too many conflicts.
        """
        modes = (True, False) if self._asked.mail.some_unusual else (True,)
        return not all(self._is_never_sure(kind, which, usual=usual) for usual in modes)

    def _is_never_sure(self, kind: DifferenceKind, which: Which, *, usual: bool) -> bool:
        """Whether no mail certainly shows a kind with a cause, whoever else gets it.

        :param usual: whether it is usual mail.
        """
        person, place = which
        asked = self._asked.queries.free(person)
        mail = self._asked.mail
        return self._asked.is_never_sure(
            [asked.cause(kind, place), asked.kinds[kind]], [*mail.assumed(usual=usual), *mail.somebody_else(person)]
        )

    def _add_open(self, side: Side, which: Which, kinds: Sequence[DifferenceKind], *, usual: bool) -> None:
        """Adds classes that other recipients may show, with whom to model to find out.

        :param usual: whether it is usual mail.
        """
        model = self._asked.model
        for kind in kinds:
            mail_class = self._classes.of_part(kind, which, WHOLE)
            mail_class.refine = model.to_refine(side) or model.left_in_fields()
            mail_class.usual = usual

    def _unknown_part(self, asked: CopyQueries, kind: DifferenceKind, place: int, known: Sequence[Part]) -> Literal:
        """The literal that is true if a message shows a kind, but none of the known parts of it."""
        if not known:
            return asked.kinds[kind]
        parts = (~asked.part(kind, place, part) for part in known)
        return self._asked.model.circuit.conjunction([asked.kinds[kind], *asked.some_part(kind, place), *parts])
