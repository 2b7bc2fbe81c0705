# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for classes of mail that are treated differently, each with a message that shows it, in one model."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..budget import BudgetError
from ..conditions.keys import Key
from ..formula import Literal
from ..symbolic.message_search import CandidateMessage
from ..symbolic.side import Side
from ..symbolic.witness_replay import course_of, reasons_of
from .aspects import Aspect, DifferenceKind
from .attribution import ANY, WHOLE, Part
from .difference_kinds import (
    ClassWitness,
    Courses,
    MailClass,
    SearchedMail,
    acted,
    sure_kinds,
    treated,
    witness_of,
)
from .difference_queries import CopyQueries, DifferenceSearch

#: The maximum number of classes to search for.
MOST_CLASSES = 400

#: The maximum number of later rules with a class of their own per kind and cause, and of such classes in all, most
#: important kinds first. All others of a kind and a cause are one class.
MOST_LATER, MOST_PARTS = 8, 24


#: A class: its kind, its cause, the person whom rules add (or nobody), and its part.
ClassKey = tuple[DifferenceKind, int, str, Part]

#: Whose copies, and by which cause: the person whom rules add (or nobody), and the place of an edit.
Which = tuple[str, int]

#: The part of a class, and a message of it, if one could be written.
_Example = tuple[Part, "CandidateMessage | None"]


@dataclass(frozen=True)
class _Sought:
    """What a search for the classes of a kind and a cause looks for.

    :param literals: what its mail satisfies.
    :param preferred: what messages satisfy if they can.
    :param usual: whether it is usual mail.
    """

    kind: DifferenceKind
    which: Which
    literals: Sequence[Literal]
    preferred: Sequence[Literal]
    usual: bool


class ClassSearch:
    """Searches a model for classes.

    :param classes: what is found.
    :param unusual: the causes of possible differences in unusual mail. They share one finding.
    """

    def __init__(
        self,
        search: DifferenceSearch,
        classes: dict[ClassKey, MailClass] | None = None,
        unusual: set[int] | None = None,
    ) -> None:
        self._search = search
        self.model = search.model
        self.edits = search.edits
        self.questions = search.queries
        self.budget = search.budget
        self.mail = SearchedMail(search.model, search.about)
        self.classes = {} if classes is None else classes
        self.unusual = set() if unusual is None else unusual
        self._room = MOST_PARTS

    def refined(self, keys: Iterable[Key]) -> ClassSearch:
        """A search for the same classes in a model with other recipients for these atoms, within the remaining budget.

        :raises BudgetError: nothing remains.
        """
        refined = self._search.refined(keys, self.remaining_budget)
        return ClassSearch(refined, self.classes, self.unusual)

    @property
    def remaining_budget(self) -> int:
        """The remaining budget of conflicts."""
        remaining = self.budget - self.model.circuit.solver.conflicts
        if remaining <= 0:
            raise BudgetError
        return remaining

    def look(self, kinds: Mapping[Which, Sequence[DifferenceKind]]) -> dict[Which, list[DifferenceKind]]:
        """Searches for messages that show kinds and causes: in usual mail, and in unusual mail if rules distinguish it
        from usual mail.

        The free side answers which classes are possible: a class that is impossible there is impossible whatever the
        unknown values are.

        :param kinds: by person and cause; likewise the result: the kinds that usual mail cannot have for the recipients in question, and that
            other mail does not show.
        """
        usual, unseen = (
            [*self.mail.assumed(usual=usual), *self.mail.company(self.model.free)] for usual in (True, False)
        )
        possible = self._examples(kinds, usual, self._good())
        remaining = {
            which: [kind for kind in kinds_of_cause if (kind, which) not in possible]
            for which, kinds_of_cause in kinds.items()
        }
        unusual = self._examples(remaining, unseen, self._good()) if self.mail.some_unusual else {}
        parts_found = self._in_usual_mail(possible, usual)
        self._in_unusual_mail(
            [*(parts_found if self.mail.some_unusual else ()), *unusual], parts_found, unusual, unseen
        )
        known = {(kind, (person, cause)) for kind, cause, person, _part in self.classes}
        return {
            which: [kind for kind in kinds_of_cause if (kind, which) not in known]
            for which, kinds_of_cause in remaining.items()
        }

    def _examples(
        self,
        kinds: Mapping[Which, Sequence[DifferenceKind]],
        assumed: Sequence[Literal],
        preferred: Sequence[Literal] = (),
    ) -> dict[tuple[DifferenceKind, Which], _Example]:
        """The kinds and causes that mail may have, each with an example."""
        return {
            (kind, which): example
            for which, kinds_of_cause in kinds.items()
            for kind, example in self._possible(which, kinds_of_cause, assumed, preferred).items()
        }

    def _in_usual_mail(
        self, possible: Mapping[tuple[DifferenceKind, Which], _Example], assumed: Sequence[Literal]
    ) -> dict[tuple[DifferenceKind, Which], list[Part]]:
        """Searches usual mail for messages that show the parts of kinds; returns these parts. Possible differences in
        usual mail are reported.
        """
        modes = [True, False] if self.mail.some_unusual else [True]
        parts_found: dict[tuple[DifferenceKind, Which], list[Part]] = {}
        for kind, which in sorted(possible, key=lambda key: (key[0].rank, key[1])):
            for mail_class in self._parts(kind, which, assumed, example=possible[kind, which], usual=True):
                parts_found.setdefault((kind, which), []).append(mail_class.part)
                if mail_class.shown is None:
                    self._witness(mail_class, self.model.free)
                self._sure(mail_class, *modes)
                if (
                    mail_class.shown is None
                    and mail_class.witness is None
                    and not mail_class.refine
                    and not self._shows(mail_class)
                ):
                    self._drop(mail_class)
        return parts_found

    def _in_unusual_mail(
        self,
        wanted: Iterable[tuple[DifferenceKind, Which]],
        parts_found: Mapping[tuple[DifferenceKind, Which], Sequence[Part]],
        examples: Mapping[tuple[DifferenceKind, Which], _Example],
        assumed: Sequence[Literal],
    ) -> None:
        """Searches unusual mail for messages that show other parts of kinds. Unknown outcomes of unusual mail are
        nothing new.

        :param parts_found: the parts that usual mail may show.
        """
        for kind, which in wanted:
            known = parts_found.get((kind, which), ())
            example = examples.get((kind, which))
            for mail_class in self._parts(kind, which, assumed, known=known, example=example, usual=False):
                self._sure(mail_class, False)
                if mail_class.shown is None and not mail_class.refine:
                    self._drop(mail_class)
                    self.unusual.add(which[1])

    def _good(self) -> list[Literal]:
        """What makes a good witness of usual mail, if it can have that, the most important first: it arrives in clear,
        its sender is known, it is not in quarantine, and it meets the assumptions that the edits are about.
        """
        mail = self.model.mail
        return [
            *(~literal for literal in mail.arrival.values()),
            self.mail.of_known_senders(),
            *self.mail.not_held_back(),
            *self._met(),
        ]

    def _met(self) -> list[Literal]:
        """Literals that are true together if mail meets the assumptions that the edits are about."""
        return [assumption.literal for assumption in self.model.mail.assumptions if assumption.id in self._search.about]

    def _parts(
        self,
        kind: DifferenceKind,
        which: Which,
        assumed: Sequence[Literal],
        *,
        known: Sequence[Part] = (),
        example: _Example | None = None,
        usual: bool,
    ) -> Iterator[MailClass]:
        """The classes of a kind and a cause, each with a message that certainly shows it, if a search finds one.

        :param known: parts that are known; :param:`example`: a part that is possible.
        :param usual: whether it is usual mail that the assumptions are about.
        """
        if WHOLE in known:
            return
        person, cause = which
        asked = self.questions.free(person)
        of_kind = [*self.mail.somebody_else(person), asked.cause(kind, cause), asked.kinds[kind], *assumed]
        sought = _Sought(kind, which, of_kind, self._good(), usual=usual)
        parts = [part for part in known if part.first_to_differ != ANY]
        has_more = yield from self._by_first_to_differ(sought, parts, example)
        if has_more:
            yield from self._with_any_first(sought, known, parts, example)

    def _by_first_to_differ(
        self, sought: _Sought, parts: list[Part], example: _Example | None
    ) -> Generator[MailClass, None, bool]:
        """The classes by who differs first, as many as there is room for. Returns whether there may be more.

        :param parts: those that are known; the ones that are found are added.
        :param example: a part that is possible.
        """
        person, cause = sought.which
        asked = self.questions.free(person)
        literals = asked.parts_of(sought.kind, cause)
        most = min(MOST_LATER, self._room)
        while True:
            remaining = [part for part in literals if part not in parts]
            if len(remaining) > 1 and len(parts) >= most:
                return True
            if example is None or example[0] in parts:
                if not remaining:
                    return False
                others = [~asked.part(sought.kind, cause, part) for part in parts if part in literals]
                possible, candidate = self._message_of(sought, *asked.some_part(sought.kind, cause), *others)
                if not possible:
                    return False
                example = self._part(sought.kind, sought.which), candidate
            parts.append(example[0])
            self._room -= 1
            yield self._noted(sought.kind, sought.which, *example, usual=sought.usual)

    def _with_any_first(
        self, sought: _Sought, known: Sequence[Part], parts: Sequence[Part], example: _Example | None
    ) -> Iterator[MailClass]:
        """The classes of the other parts together, whoever differs first.

        :param parts: those that have classes of their own.
        """
        person, cause = sought.which
        asked = self.questions.free(person)
        for now in dict.fromkeys(part.now for part in asked.parts_of(sought.kind, cause)):
            if any(part.first_to_differ == ANY and part.now is now for part in known):
                continue
            rest = Part(now, ANY, others=tuple(part for part in parts if part.now is now))
            if example is not None and example[0] not in parts and example[0].now is now:
                possible, candidate = True, example[1]
            else:
                possible, candidate = self._message_of(sought, asked.part(sought.kind, cause, rest))
            if possible:
                yield self._noted(sought.kind, sought.which, rest, candidate, usual=sought.usual)

    def _message_of(self, sought: _Sought, *literals: Literal) -> tuple[bool, CandidateMessage | None]:
        """Whether mail of a kind and a cause can satisfy literals, with a message that does."""
        wanted = [*sought.literals, *literals]
        return self.model.messages.search(wanted, self.model.free, self.remaining_budget, sought.preferred)

    def _part(self, kind: DifferenceKind, which: Which) -> Part:
        """The part of a kind and a cause to which the last model belongs."""
        person, cause = which
        holds = self.model.circuit.holds
        parts = self.questions.free(person).parts_of(kind, cause)
        return next(part for part, both in parts.items() if all(map(holds, both)))

    def _noted(
        self, kind: DifferenceKind, which: Which, part: Part, candidate: CandidateMessage | None, *, usual: bool
    ) -> MailClass:
        """A class, with the message if it certainly shows it."""
        mail_class = self._class(kind, which, part)
        if candidate is not None and (courses := self._courses(candidate, mail_class.person)) is not None:
            self._note(mail_class, candidate, courses, usual=usual)
        return mail_class

    def depend(self, person: str, kinds: Mapping[Which, Sequence[DifferenceKind]]) -> None:
        """Adds the classes that are impossible for a message to one recipient but may be possible with others, and whom
        to model to find out: all in usual mail, and those that are certain in other mail.

        :param kinds: those of which no mail is known, by person and cause. Of a kind with known parts, the other parts
            are searched in usual mail.
        """
        known: dict[Which, dict[DifferenceKind, list[Part]]] = {}
        for kind, cause, whom, part in self.classes:
            if whom == person:
                known.setdefault((person, cause), {}).setdefault(kind, []).append(part)
        for which, parts in known.items():
            self._depending(self.model.free, which, parts, usual=True)
        for which, kinds_of_cause in kinds.items():
            remaining = self._depending(self.model.free, which, dict.fromkeys(kinds_of_cause, ()), usual=True)
            if remaining and self.mail.some_unusual:
                impossible = self._depending(self.model.free, which, dict.fromkeys(remaining, ()), usual=False)
                others = {kind: () for kind in remaining if kind not in impossible}
                self._depending(self.model.open, which, others, usual=False)

    def _depending(
        self, side: Side, which: Which, known: Mapping[DifferenceKind, Sequence[Part]], *, usual: bool
    ) -> list[DifferenceKind]:
        """Searches a side for kinds that a cause may have, and adds their classes. Returns the kinds that it cannot
        have.

        :param known: by kind, the parts that are known.
        """
        person, place = which
        model = self.model
        asked = self.questions.about_copies(side, person)
        impossible = list(known)
        for cause, remaining in asked.kinds_by_cause(impossible, place).items():
            others = {kind: self._unknown_part(asked, kind, place, known[kind]) for kind in remaining}
            while remaining:
                any_left = model.circuit.disjunction([others[kind] for kind in remaining])
                if not model.solve(
                    [*self.mail.assumed(usual=usual), *self.mail.somebody_else(person), cause, any_left],
                    self.remaining_budget,
                ):
                    break
                for kind in [kind for kind in remaining if model.circuit.holds(others[kind])]:
                    remaining.remove(kind)
                    impossible.remove(kind)
                    if usual or not side.logic.free:
                        mail_class = self._class(kind, which, WHOLE)
                        mail_class.refine = model.to_refine(side) or model.left_in_fields()
                        mail_class.usual = usual
        return impossible

    def _unknown_part(self, asked: CopyQueries, kind: DifferenceKind, place: int, known: Sequence[Part]) -> Literal:
        """The literal that is true if a message shows a kind, but none of the known parts of it."""
        if not known:
            return asked.kinds[kind]
        parts = (~asked.part(kind, place, part) for part in known)
        return self.model.circuit.conjunction([asked.kinds[kind], *asked.some_part(kind, place), *parts])

    def _sure(self, mail_class: MailClass, *modes: bool) -> None:
        """Searches for a message that certainly shows the difference, if none was found so far."""
        for usual in modes:
            if mail_class.shown is None:
                self._witness(mail_class, self.model.open, self._met(), usual=usual)

    def _possible(
        self,
        which: Which,
        kinds: Sequence[DifferenceKind],
        assumed: Sequence[Literal],
        preferred: Sequence[Literal] = (),
    ) -> dict[DifferenceKind, _Example]:
        """Every kind that a cause can have under assumptions, with an example. Each answer excludes the kinds it shows;
        the final "no" proves that none is missing.

        Causes of a kind exclude each other, so each is asked about separately, which keeps the questions small. Kinds
        that share one are asked about together.

        :param preferred: what messages satisfy if they can.
        """
        person, place = which
        model = self.model
        free = self.questions.free(person)
        examples: dict[DifferenceKind, _Example] = {}
        for cause, remaining in free.kinds_by_cause(kinds, place).items():
            while remaining:
                any_left = model.circuit.disjunction([free.kinds[kind] for kind in remaining])
                parts = {literal: None for kind in remaining for literal in free.some_part(kind, place)}
                wanted = [*self.mail.somebody_else(person), cause, any_left, *parts, *assumed]
                possible, candidate = model.messages.search(wanted, model.free, self.remaining_budget, preferred)
                if not possible:
                    break
                shown = [kind for kind in remaining if model.circuit.holds(free.kinds[kind])]
                examples |= {kind: (self._part(kind, which), candidate) for kind in shown}
                remaining = [kind for kind in remaining if kind not in shown]
        return examples

    def _note(self, mail_class: MailClass, candidate: CandidateMessage, courses: Courses, *, usual: bool) -> None:
        """Notes a message for a class if it certainly shows it."""
        edit = self.edits[mail_class.cause] if mail_class.cause < len(self.edits) else None
        if edit is not None and (edit.unsure or not any(acted(edit, courses))):
            return
        both = zip(courses, candidate.facts, strict=True)
        if mail_class.shown is None and mail_class.kind in sure_kinds(
            *(treated(course, candidate.message, facts) for course, facts in both)
        ):
            mail_class.shown = ClassWitness(candidate, courses, usual)

    def _class(self, kind: DifferenceKind, which: Which, part: Part) -> MailClass:
        if len(self.classes) >= MOST_CLASSES:
            raise BudgetError
        person, cause = which
        return self.classes.setdefault((kind, cause, person, part), MailClass(kind, cause, part, person))

    def _drop(self, mail_class: MailClass) -> None:
        del self.classes[mail_class.kind, mail_class.cause, mail_class.person, mail_class.part]

    def _shows(self, mail_class: MailClass) -> bool:
        """Whether a message of a class may still exist after the search for one."""
        asked = self.questions.free(mail_class.person)
        meant = self.mail.meant(self.model.free, mail_class.person, usual=True)
        return self.model.solve(
            [*meant, *asked.of_class(mail_class.kind, mail_class.cause, mail_class.part)], self.remaining_budget
        )

    def _witness(
        self, mail_class: MailClass, side: Side, preferred: Sequence[Literal] = (), *, usual: bool = True
    ) -> None:
        """Searches for a message of a class, and notes what it certainly shows.

        :param preferred: what it satisfies if it can.
        """
        asked = self.questions.about_copies(side, mail_class.person)
        may_show = False
        literals = self.mail.meant(side, mail_class.person, usual=usual)
        for candidate in self.model.messages.candidates(
            asked.of_class(mail_class.kind, mail_class.cause, mail_class.part),
            literals,
            side,
            self.remaining_budget,
            preferred,
        ):
            courses = self._courses(candidate, mail_class.person) if candidate else None
            if candidate and courses:
                self._note(mail_class, candidate, courses, usual=usual)
                if mail_class.shown is not None:
                    return
            if may_show:
                continue
            mail_class.refine = self.model.to_refine(side)
            if candidate and courses:
                may_show = True
                mail_class.refine = mail_class.refine or self.model.left_in_fields()
                self._tell(mail_class, candidate, courses)

    def _tell(self, mail_class: MailClass, candidate: CandidateMessage, courses: Courses) -> None:
        """Notes a message that may show a class, with its unknowns."""
        edit = self.edits[mail_class.cause] if mail_class.cause < len(self.edits) else None
        both = zip(courses, candidate.facts, strict=True)
        transit = mail_class.kind.aspect is Aspect.TRANSIT
        mail_class.reasons = sorted(
            {
                reason
                for course, facts in both
                for reason in reasons_of(course, candidate.message, facts, transit=transit)
            }
        )
        mail_class.witness = witness_of(candidate, mail_class.person)
        mail_class.acted = acted(edit, courses)

    def _courses(self, candidate: CandidateMessage, person: str) -> Courses | None:
        """What happens to the recipient's copy, or to the copies of a person whom rules add. ``None`` if that is not
        followed to its end.
        """
        both = zip(self.model.rule_sets, candidate.facts, strict=True)
        before, after = (
            course_of(rules, candidate.message, facts, candidate.letter.recipient, person) for rules, facts in both
        )
        # The recipient's own copy differs from those that rules add. For several copies of a person, only their common
        # result counts.
        if (
            before is None
            or after is None
            or any(course.too_many or (course.twice and not person) for course in (before, after))
        ):
            return None
        return before, after
