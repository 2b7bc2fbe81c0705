# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that show classes of mail: the simulator says what each of them certainly shows."""

from __future__ import annotations

from collections.abc import Sequence

from ..formula import Literal
from ..symbolic.message_search import CandidateMessage
from ..symbolic.side import Side
from ..symbolic.witness_replay import course_of, reasons_of
from .aspects import Aspect
from .class_model import ClassModel
from .difference_kinds import (
    ClassWitness,
    Courses,
    MailClass,
    acted,
    sure_kinds,
    surely_acted,
    treated,
    witness_of,
)


class ClassMessages:
    """The search for messages of classes, and what the simulator says of each: that it certainly shows its class, or why that
    is open.
    """

    def __init__(self, class_model: ClassModel) -> None:
        self._class_model = class_model

    def show_surely(self, mail_class: MailClass, *modes: bool) -> None:
        """Searches for a message that certainly shows a class, if none is known.

        :param modes: the mail to search, one after the other: whether it is usual.
        """
        for usual in modes:
            if mail_class.shown is None and not self._is_never_sure(mail_class, usual=usual):
                self.show(mail_class, self._class_model.model.open, self._class_model.met(), usual=usual)

    def _is_never_sure(self, mail_class: MailClass, *, usual: bool) -> bool:
        """Whether no message certainly shows a class."""
        class_model = self._class_model
        of_class = class_model.queries.free(mail_class.person).of_class(
            mail_class.kind, mail_class.cause, mail_class.part
        )
        return class_model.is_never_sure(
            of_class, class_model.mail.searched(class_model.model.free, mail_class.person, usual=usual)
        )

    def may_be_shown(self, mail_class: MailClass) -> bool:
        """Whether a message of a class may still exist after the search for one."""
        queries = self._class_model.queries.free(mail_class.person)
        literals = self._class_model.mail.searched(self._class_model.model.free, mail_class.person, usual=True)
        return self._class_model.model.solve(
            [*literals, *queries.of_class(mail_class.kind, mail_class.cause, mail_class.part)],
            self._class_model.remaining_budget,
        )

    def show(self, mail_class: MailClass, side: Side, preferred: Sequence[Literal] = (), *, usual: bool = True) -> None:
        """Searches for a message of a class, and notes what it certainly shows.

        :param preferred: what the message satisfies if it can.
        """
        queries = self._class_model.queries.about_copies(side, mail_class.person)
        may_show = False
        literals = self._class_model.mail.searched(side, mail_class.person, usual=usual)
        for candidate in self._class_model.model.messages.candidates(
            queries.of_class(mail_class.kind, mail_class.cause, mail_class.part),
            literals,
            side,
            self._class_model.remaining_budget,
            preferred,
        ):
            courses = self.courses(candidate, mail_class.person) if candidate else None
            if candidate and courses:
                self.note(mail_class, candidate, courses, usual=usual)
                if mail_class.shown is not None:
                    return
            if may_show:
                continue
            mail_class.refine = self._class_model.model.atoms_to_refine(side)
            if candidate and courses:
                mail_class.refine = mail_class.refine or self._class_model.model.unmodeled_in_fields()
                may_show = self._note_possible(mail_class, candidate, courses)

    def note(self, mail_class: MailClass, candidate: CandidateMessage, courses: Courses, *, usual: bool) -> None:
        """Notes a message for a class if it certainly shows it."""
        edit = self._class_model.edits[mail_class.cause] if mail_class.cause < len(self._class_model.edits) else None
        if edit is not None and (edit.unsure or not surely_acted(edit, courses)):
            return
        by_rule_set = zip(courses, candidate.facts, strict=True)
        if mail_class.shown is None and mail_class.kind in sure_kinds(
            *(treated(course, candidate.message, facts) for course, facts in by_rule_set)
        ):
            mail_class.shown = ClassWitness(candidate, courses, usual)

    def _note_possible(self, mail_class: MailClass, candidate: CandidateMessage, courses: Courses) -> bool:
        """Notes the unknowns of a message that may show a class, and the message, unless all that is known of it is the same in both
        rule sets. Returns whether it is not.
        """
        edit = self._class_model.edits[mail_class.cause] if mail_class.cause < len(self._class_model.edits) else None
        by_rule_set = list(zip(courses, candidate.facts, strict=True))
        transit = mail_class.kind.aspect is Aspect.TRANSIT
        mail_class.reasons = sorted(
            {
                reason
                for course, facts in by_rule_set
                for reason in reasons_of(course, candidate.message, facts, transit=transit)
            }
        )
        before, after = (treated(course, candidate.message, facts) for course, facts in by_rule_set)
        mail_class.acted = acted(edit, courses)
        if edit is None and before == after:
            return False
        mail_class.witness = witness_of(candidate, mail_class.person)
        return True

    def courses(self, candidate: CandidateMessage, person: str) -> Courses | None:
        """What happens to the recipient's copy, or to the copies of a person whom rules add, before and after; ``None`` if that is
        not followed to its end.
        """
        by_rule_set = zip(self._class_model.model.rule_sets, candidate.facts, strict=True)
        before, after = (
            course_of(rules, candidate.message, facts, candidate.written.recipient, person)
            for rules, facts in by_rule_set
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
