# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of mail that depend on other recipients of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..formula import Literal
from ..symbolic.side import Side
from .aspects import DifferenceKind
from .attribution import WHOLE, Part
from .class_model import ClassModel, CopyCause, MailClasses
from .difference_queries import CopyQueries


class ClassDependence:
    """The search for classes that are impossible for a message to one recipient but may be possible with others."""

    def __init__(self, class_model: ClassModel, classes: MailClasses) -> None:
        self._class_model = class_model
        self._classes = classes

    def add(self, person: str, kinds: Mapping[CopyCause, Sequence[DifferenceKind]]) -> None:
        """Adds the classes that are impossible for a message to one recipient but may be possible with others, each with
        the recipients to model to find out: all in usual mail, and those that are certain in other mail.

        :param kinds: those of which no mail is known, by person and cause. Of a kind with known parts, the other parts
            are searched in usual mail.
        """
        known: dict[CopyCause, dict[DifferenceKind, list[Part]]] = {}
        for kind, cause, class_person, part in self._classes.by_key:
            if class_person == person:
                known.setdefault((person, cause), {}).setdefault(kind, []).append(part)
        for copy_cause, parts in known.items():
            self._add_depending(self._class_model.model.free, copy_cause, parts, usual=True)
        for copy_cause, kinds_of_cause in kinds.items():
            remaining = self._add_depending(
                self._class_model.model.free, copy_cause, dict.fromkeys(kinds_of_cause, ()), usual=True
            )
            if remaining and self._class_model.mail.some_unusual:
                impossible = self._add_depending(
                    self._class_model.model.free, copy_cause, dict.fromkeys(remaining, ()), usual=False
                )
                others = [kind for kind in remaining if kind not in impossible]
                unsettled = [kind for kind in others if not self._is_never_sure(kind, copy_cause, usual=False)]
                if unsettled:
                    self._add_depending(
                        self._class_model.model.open, copy_cause, dict.fromkeys(unsettled, ()), usual=False
                    )

    def _add_depending(
        self, side: Side, copy_cause: CopyCause, known: Mapping[DifferenceKind, Sequence[Part]], *, usual: bool
    ) -> list[DifferenceKind]:
        """Searches a side for kinds that a cause may have, and adds their classes. Returns the kinds that it cannot
        have.

        :param known: by kind, the parts that are known.
        """
        person, place = copy_cause
        model = self._class_model.model
        queries = self._class_model.queries.about_copies(side, person)
        impossible = list(known)
        for cause, remaining in queries.kinds_by_cause(impossible, place).items():
            others = {kind: self._unknown_part(queries, kind, place, known[kind]) for kind in remaining}
            while remaining:
                any_left = model.circuit.disjunction([others[kind] for kind in remaining])
                if not model.solve(
                    [
                        *self._class_model.mail.assumed(usual=usual),
                        *self._class_model.mail.somebody_else(person),
                        cause,
                        any_left,
                    ],
                    self._class_model.remaining_budget,
                ):
                    break
                shown = [kind for kind in remaining if model.circuit.holds(others[kind])]
                for kind in shown:
                    remaining.remove(kind)
                    impossible.remove(kind)
                if usual or not side.logic.free:
                    self._add_open(side, copy_cause, shown, usual=usual)
        return impossible

    def may_be_sure(self, kind: DifferenceKind, copy_cause: CopyCause) -> bool:
        """Whether mail with other recipients may certainly show a kind with a cause.

        :raises BudgetError: a question took too many conflicts.
        """
        modes = (True, False) if self._class_model.mail.some_unusual else (True,)
        return not all(self._is_never_sure(kind, copy_cause, usual=usual) for usual in modes)

    def _is_never_sure(self, kind: DifferenceKind, copy_cause: CopyCause, *, usual: bool) -> bool:
        """Whether no mail certainly shows a kind with a cause, whoever else gets it.

        :param usual: whether it is usual mail.
        """
        person, place = copy_cause
        queries = self._class_model.queries.free(person)
        mail = self._class_model.mail
        return self._class_model.is_never_sure(
            [queries.cause(kind, place), queries.kinds[kind]], [*mail.assumed(usual=usual), *mail.somebody_else(person)]
        )

    def _add_open(self, side: Side, copy_cause: CopyCause, kinds: Sequence[DifferenceKind], *, usual: bool) -> None:
        """Adds classes that other recipients may show, each with the recipients to model to find out.

        :param usual: whether it is usual mail.
        """
        model = self._class_model.model
        for kind in kinds:
            mail_class = self._classes.of_part(kind, copy_cause, WHOLE)
            mail_class.refine = model.atoms_to_refine(side) or model.unmodeled_in_fields()
            mail_class.usual = usual

    def _unknown_part(self, queries: CopyQueries, kind: DifferenceKind, place: int, known: Sequence[Part]) -> Literal:
        """The literal that is true if a message shows a kind, but none of the known parts of it."""
        if not known:
            return queries.kinds[kind]
        parts = (~queries.part(kind, place, part) for part in known)
        return self._class_model.model.circuit.conjunction(
            [queries.kinds[kind], *queries.some_part(kind, place), *parts]
        )
