# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for classes of mail that are treated differently, each with a message that shows it, in one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..conditions.keys import Key
from ..formula import Literal
from .aspects import DifferenceKind
from .attribution import Part
from .class_dependence import ClassDependence
from .class_messages import ClassMessages
from .class_model import ClassModel, CopyCause, MailClasses
from .class_parts import Example, PartSearch
from .difference_kinds import MailClass


class ClassSearch:
    """The search of one model for classes: in usual mail, in unusual mail, and in mail with other recipients.

    :param class_model: the model.
    :param classes: what is found.
    """

    def __init__(self, class_model: ClassModel, classes: MailClasses) -> None:
        self.class_model = class_model
        self._classes = classes
        self._messages = ClassMessages(class_model)
        self._parts = PartSearch(class_model, classes, self._messages)
        self.dependence = ClassDependence(class_model, classes)

    def refined(self, keys: Iterable[Key]) -> ClassSearch:
        """A search for the same classes in a model with other recipients for these atoms, within the remaining budget.

        :raises BudgetError: nothing remains.
        """
        return ClassSearch(self.class_model.refined(keys), self._classes)

    def search(self, kinds: Mapping[CopyCause, Sequence[DifferenceKind]]) -> dict[CopyCause, list[DifferenceKind]]:
        """Searches for messages that show kinds and causes: in usual mail, and in unusual mail if rules distinguish it
        from usual mail.

        The free side answers which classes are possible: a class that is impossible there is impossible whatever the
        unknown values are.

        :param kinds: the kinds to search for, by person and cause.
        :returns: by person and cause, the kinds that usual mail cannot have for the recipients in question, and that other
            mail does not show.
        """
        usual, unseen = (
            [
                *self.class_model.mail.assumed(usual=usual),
                *self.class_model.mail.preferred_recipients(self.class_model.model.free),
            ]
            for usual in (True, False)
        )
        possible = self._examples(kinds, usual, self.class_model.preferred())
        remaining = {
            copy_cause: [kind for kind in kinds_of_cause if (kind, copy_cause) not in possible]
            for copy_cause, kinds_of_cause in kinds.items()
        }
        unusual = (
            self._examples(remaining, unseen, self.class_model.preferred())
            if self.class_model.mail.some_unusual
            else {}
        )
        parts_found = self._in_usual_mail(possible, usual)
        self._in_unusual_mail(
            [*(parts_found if self.class_model.mail.some_unusual else ()), *unusual], parts_found, unusual, unseen
        )
        known = {(kind, (person, cause)) for kind, cause, person, _part in self._classes.by_key}
        return {
            copy_cause: [kind for kind in kinds_of_cause if (kind, copy_cause) not in known]
            for copy_cause, kinds_of_cause in remaining.items()
        }

    def _examples(
        self,
        kinds: Mapping[CopyCause, Sequence[DifferenceKind]],
        assumed: Sequence[Literal],
        preferred: Sequence[Literal] = (),
    ) -> dict[tuple[DifferenceKind, CopyCause], Example]:
        """The kinds and causes that mail may have, each with an example."""
        return {
            (kind, copy_cause): example
            for copy_cause, kinds_of_cause in kinds.items()
            for kind, example in self._possible(copy_cause, kinds_of_cause, assumed, preferred).items()
        }

    def _possible(
        self,
        copy_cause: CopyCause,
        kinds: Sequence[DifferenceKind],
        assumed: Sequence[Literal],
        preferred: Sequence[Literal] = (),
    ) -> dict[DifferenceKind, Example]:
        """Every kind that a cause can have under assumptions, with an example. Each answer excludes the kinds it shows;
        the final "no" proves that none is missing.

        Causes of a kind exclude each other, so each is asked about separately, which keeps the questions small. Kinds
        that share one are asked about together.

        :param preferred: what messages satisfy if they can.
        """
        person, place = copy_cause
        model = self.class_model.model
        free = self.class_model.queries.free(person)
        examples: dict[DifferenceKind, Example] = {}
        for cause, remaining in free.kinds_by_cause(kinds, place).items():
            while remaining:
                any_left = model.circuit.disjunction([free.kinds[kind] for kind in remaining])
                parts = {literal: None for kind in remaining for literal in free.some_part(kind, place)}
                wanted = [*self.class_model.mail.somebody_else(person), cause, any_left, *parts, *assumed]
                possible, candidate = model.messages.search(
                    wanted, model.free, self.class_model.remaining_budget, preferred
                )
                if not possible:
                    break
                shown = [kind for kind in remaining if model.circuit.holds(free.kinds[kind])]
                examples |= {kind: (self._parts.of_last_model(kind, copy_cause), candidate) for kind in shown}
                remaining = [kind for kind in remaining if kind not in shown]
        return examples

    def _in_usual_mail(
        self, possible: Mapping[tuple[DifferenceKind, CopyCause], Example], assumed: Sequence[Literal]
    ) -> dict[tuple[DifferenceKind, CopyCause], list[Part]]:
        """Searches usual mail for messages that show the parts of kinds; returns these parts. Possible differences in
        usual mail are reported.
        """
        modes = [True, False] if self.class_model.mail.some_unusual else [True]
        parts_found: dict[tuple[DifferenceKind, CopyCause], list[Part]] = {}
        for kind, copy_cause in sorted(possible, key=lambda key: (key[0].rank, key[1])):
            for mail_class in self._parts.classes(
                kind, copy_cause, assumed, example=possible[kind, copy_cause], usual=True
            ):
                parts_found.setdefault((kind, copy_cause), []).append(mail_class.part)
                if mail_class.shown is None:
                    self._messages.show(mail_class, self.class_model.model.free, self.class_model.preferred())
                self._messages.show_surely(mail_class, *modes)
                if self._is_impossible(mail_class):
                    self._classes.drop(mail_class)
        return parts_found

    def _is_impossible(self, mail_class: MailClass) -> bool:
        """Whether no message shows a class of usual mail, and none may show it."""
        if mail_class.shown is not None or mail_class.witness is not None or mail_class.refine:
            return False
        return not self._messages.may_be_shown(mail_class)

    def _in_unusual_mail(
        self,
        wanted: Iterable[tuple[DifferenceKind, CopyCause]],
        parts_found: Mapping[tuple[DifferenceKind, CopyCause], Sequence[Part]],
        examples: Mapping[tuple[DifferenceKind, CopyCause], Example],
        assumed: Sequence[Literal],
    ) -> None:
        """Searches unusual mail for messages that show other parts of kinds. Unknown outcomes of unusual mail are
        nothing new.

        :param parts_found: the parts that usual mail may show.
        """
        for kind, copy_cause in wanted:
            known = parts_found.get((kind, copy_cause), ())
            example = examples.get((kind, copy_cause))
            for mail_class in self._parts.classes(kind, copy_cause, assumed, known=known, example=example, usual=False):
                self._messages.show_surely(mail_class, False)
                if mail_class.shown is None and not mail_class.refine:
                    self._classes.drop(mail_class)
                    self._classes.unusual.add(copy_cause)
