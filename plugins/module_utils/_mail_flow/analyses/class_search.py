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
from .class_model import ClassModel, MailClasses, Which
from .class_parts import Example, PartSearch
from .difference_kinds import MailClass


class ClassSearch:
    """The search of one model for classes: in usual mail, in unusual mail, and in mail with other recipients.

    :param asked: the model.
    :param classes: what is found.
    """

    def __init__(self, asked: ClassModel, classes: MailClasses) -> None:
        self.asked = asked
        self._classes = classes
        self._messages = ClassMessages(asked)
        self._parts = PartSearch(asked, classes, self._messages)
        self.dependence = ClassDependence(asked, classes)

    def refined(self, keys: Iterable[Key]) -> ClassSearch:
        """A search for the same classes in a model with other recipients for these atoms, within the remaining budget.

        :raises BudgetError: nothing remains.
        """
        return ClassSearch(self.asked.refined(keys), self._classes)

    def look(self, kinds: Mapping[Which, Sequence[DifferenceKind]]) -> dict[Which, list[DifferenceKind]]:
        """Searches for messages that show kinds and causes: in usual mail, and in unusual mail if rules distinguish it
        from usual mail.

        The free side answers which classes are possible: a class that is impossible there is impossible whatever the
        unknown values are.

        :param kinds: by person and cause; likewise the result: the kinds that usual mail cannot have for the recipients in question, and that
            other mail does not show.
        """
        usual, unseen = (
            [*self.asked.mail.assumed(usual=usual), *self.asked.mail.company(self.asked.model.free)]
            for usual in (True, False)
        )
        possible = self._examples(kinds, usual, self.asked.preferred())
        remaining = {
            which: [kind for kind in kinds_of_cause if (kind, which) not in possible]
            for which, kinds_of_cause in kinds.items()
        }
        unusual = self._examples(remaining, unseen, self.asked.preferred()) if self.asked.mail.some_unusual else {}
        parts_found = self._in_usual_mail(possible, usual)
        self._in_unusual_mail(
            [*(parts_found if self.asked.mail.some_unusual else ()), *unusual], parts_found, unusual, unseen
        )
        known = {(kind, (person, cause)) for kind, cause, person, _part in self._classes.by_key}
        return {
            which: [kind for kind in kinds_of_cause if (kind, which) not in known]
            for which, kinds_of_cause in remaining.items()
        }

    def _examples(
        self,
        kinds: Mapping[Which, Sequence[DifferenceKind]],
        assumed: Sequence[Literal],
        preferred: Sequence[Literal] = (),
    ) -> dict[tuple[DifferenceKind, Which], Example]:
        """The kinds and causes that mail may have, each with an example."""
        return {
            (kind, which): example
            for which, kinds_of_cause in kinds.items()
            for kind, example in self._possible(which, kinds_of_cause, assumed, preferred).items()
        }

    def _possible(
        self,
        which: Which,
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
        person, place = which
        model = self.asked.model
        free = self.asked.queries.free(person)
        examples: dict[DifferenceKind, Example] = {}
        for cause, remaining in free.kinds_by_cause(kinds, place).items():
            while remaining:
                any_left = model.circuit.disjunction([free.kinds[kind] for kind in remaining])
                parts = {literal: None for kind in remaining for literal in free.some_part(kind, place)}
                wanted = [*self.asked.mail.somebody_else(person), cause, any_left, *parts, *assumed]
                possible, candidate = model.messages.search(wanted, model.free, self.asked.remaining_budget, preferred)
                if not possible:
                    break
                shown = [kind for kind in remaining if model.circuit.holds(free.kinds[kind])]
                examples |= {kind: (self._parts.of_last_model(kind, which), candidate) for kind in shown}
                remaining = [kind for kind in remaining if kind not in shown]
        return examples

    def _in_usual_mail(
        self, possible: Mapping[tuple[DifferenceKind, Which], Example], assumed: Sequence[Literal]
    ) -> dict[tuple[DifferenceKind, Which], list[Part]]:
        """Searches usual mail for messages that show the parts of kinds; returns these parts. Possible differences in
        usual mail are reported.
        """
        modes = [True, False] if self.asked.mail.some_unusual else [True]
        parts_found: dict[tuple[DifferenceKind, Which], list[Part]] = {}
        for kind, which in sorted(possible, key=lambda key: (key[0].rank, key[1])):
            for mail_class in self._parts.classes(kind, which, assumed, example=possible[kind, which], usual=True):
                parts_found.setdefault((kind, which), []).append(mail_class.part)
                if mail_class.shown is None:
                    self._messages.show(mail_class, self.asked.model.free)
                self._messages.show_surely(mail_class, *modes)
                if self._is_impossible(mail_class):
                    self._classes.drop(mail_class)
        return parts_found

    def _is_impossible(self, mail_class: MailClass) -> bool:
        """Whether no message shows a class of usual mail, or may show it."""
        if mail_class.shown is not None or mail_class.witness is not None or mail_class.refine:
            return False
        return not self._messages.may_be_shown(mail_class)

    def _in_unusual_mail(
        self,
        wanted: Iterable[tuple[DifferenceKind, Which]],
        parts_found: Mapping[tuple[DifferenceKind, Which], Sequence[Part]],
        examples: Mapping[tuple[DifferenceKind, Which], Example],
        assumed: Sequence[Literal],
    ) -> None:
        """Searches unusual mail for messages that show other parts of kinds. Unknown outcomes of unusual mail are
        nothing new.

        :param parts_found: the parts that usual mail may show.
        """
        for kind, which in wanted:
            known = parts_found.get((kind, which), ())
            example = examples.get((kind, which))
            for mail_class in self._parts.classes(kind, which, assumed, known=known, example=example, usual=False):
                self._messages.show_surely(mail_class, False)
                if mail_class.shown is None and not mail_class.refine:
                    self._classes.drop(mail_class)
                    self._classes.unusual.add(which[1])
