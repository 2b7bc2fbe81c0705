# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of rules does to mail: every class of mail that is treated in another way, with a message that shows it. Private to the collection.

``difference(before, after, facts, now)`` is the entrance. A class is a kind of difference and the first edited rule that a message meets in another way.
These causes exclude each other and leave nothing out, so once no further class is found there is none.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evaluate import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.outcome import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import high, low
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import Causes, Edit, edits_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.model import BudgetError, Model, Replayed, Side, differing
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.replay import course_of, reasons_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.rows import MailClass, Rows, acted, cut_short, merged, witness_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.treatment import categories, sure_kinds, treated
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import RuleSet

#: So many classes are looked for, and so many are shown unless told otherwise.
MOST_CLASSES, SHOWN = 400, 50

#: So many conflicts all questions may take together.
CONFLICTS = 20_000

_ROUNDS = 4


@dataclass(frozen=True)
class Difference:
    """The classes of mail that are treated in another way.

    :param rows: the most important first: ``kind``, ``text``, ``when``, ``rules`` (the edited ones that it is put down to), ``before``, ``after``,
        ``witness``, and of what may be so ``unknown``.
    :param more: how many classes are not among them.
    :param complete: whether there is no further class at all.
    """

    rows: list[dict[str, Any]]
    more: int = 0
    complete: bool = True


def difference(
    before: Iterable[Mapping[str, Any]] | RuleSet,
    after: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    shown: int = SHOWN,
    budget: int = CONFLICTS,
    irm_before: Mapping[str, Any] | None = None,
) -> Difference:
    """How mail is treated in another way.

    :param before: rules as a rule set takes them, and so :param:`after`.
    :param facts: as the option ``facts`` has them.
    :param now: when the mail passes the rules; the present unless given.
    :param shown: how many classes are shown at most.
    :param budget: conflicts that all questions may take together.
    :param irm_before: the IRM configuration before, where it is another one.
    """
    sets = [each if isinstance(each, RuleSet) else RuleSet(each) for each in (before, after)]
    settings = [facts.get("irm_configuration") if irm_before is None else irm_before, facts.get("irm_configuration")]
    edits = edits_of(*sets)
    if not edits and not differing(settings):
        return Difference([])
    return _Differ(sets, edits, facts, now or datetime.datetime.now(datetime.UTC), settings, budget).differ(shown)


class _Differ:
    def __init__(
        self,
        sets: Sequence[RuleSet],
        edits: Sequence[Edit],
        facts: Mapping[str, Any],
        now: datetime.datetime,
        settings: Sequence[Mapping[str, Any] | None],
        budget: int,
    ) -> None:
        self.sets, self.edits, self.budget = sets, edits, budget
        options = {option_name(str(template)) for rules in self.sets for rule in rules.rules for template in rule.does(Does.ENCRYPT).values()}
        self.options = sorted({"encrypt", "do_not_forward", *options})
        self._use(Model(self.sets, RuleSet([]), facts, now, self.options, settings=settings))
        self.complete = True
        self.classes: dict[tuple[str, int], MailClass] = {}

    def _use(self, model: Model) -> None:
        self.model = model
        self.literals: dict[bool, dict[str, int]] = {}
        self.causes: dict[bool, list[int]] = {}
        self.settled = TRUE
        for side in (model.open, model.free):
            found = categories(side.outcomes[0], side.outcomes[1], self.options)
            self.literals[side.rail.free] = {kind: high(value) if side.rail.free else low(value) for kind, value in found.items()}
            if not side.rail.free:
                self.settled = model.circuit.conjunction([outcome.settled(self.options) for outcome in side.outcomes])
            self.causes[side.rail.free] = Causes(model.circuit, self.edits, *side.chains).literals
        self.rows = Rows(model, self.edits, self.literals[True], self.causes[True], self.budget)

    def differ(self, shown: int) -> Difference:
        found = self.classes
        try:
            self._look([(kind, cause) for kind in self.literals[True] for cause in range(len(self.causes[True]))])
            self._refine()
        except BudgetError:
            self.complete = False
        open_ = self.rows.unknown(each for each in found.values() if each.row is None)
        rows = merged([*found.values(), *open_])
        if not self.complete:
            rows.append(cut_short())
        return Difference(rows[:shown], max(len(rows) - shown, 0), self.complete)

    @property
    def _left(self) -> int:
        """The conflicts that are left of the budget."""
        left = self.budget - self.model.circuit.solver.conflicts
        if left <= 0:
            raise BudgetError
        return left

    # Classes

    def _look(self, pairs: Sequence[tuple[str, int]]) -> None:
        """Looks for messages that show kinds with causes: in usual mail, and in unusual mail where rules tell it from the usual.

        Causes exclude each other, so each is asked about on its own: what comes before it is settled then, and questions are small. Whether there is any
        more is asked where what is unknown is free. That rules out most, and at half the price of asking for what is sure.
        """
        kinds: dict[int, list[str]] = {}
        for kind, cause in pairs:
            kinds.setdefault(cause, []).append(kind)
        model = self.model
        # Where it changes whether documents are left out, mail with documents is what it is about.
        about = {"U25"} if "enable_pdf_encryption" in model.settings_that_differ else set()
        usual = [each.literal for each in model.mail.assumptions if each.id not in about]
        unseen = [each.literal for each in model.mail.assumptions if each.id not in about and not each.seen]
        for cause, each in kinds.items():
            self._enumerate(cause, each, usual, [(model.open, [*usual, self.settled]), (model.open, usual), (model.free, usual)])
            if len(unseen) < len(usual):
                self._enumerate(cause, each, unseen, [(model.open, [*unseen, self.settled]), (model.open, unseen)])

    def _enumerate(self, cause: int, kinds: Sequence[str], assumed: Sequence[int], tries: Sequence[tuple[Side, Sequence[int]]]) -> None:
        """Every kind that a cause can have with what is assumed. Each answer rules out what it shows; the last no says that nothing is missing.

        :param tries: where, and with what assumed, a message is looked for in turn. Where the last one is not about what may be, what is not sure is no news.
        """
        model, literals, why = self.model, self.literals[True], self.causes[True][cause]
        left = [kind for kind in kinds if literals[kind] != FALSE and not self._is_shown(kind, cause)] if why != FALSE else []
        while left:
            if len(self.classes) >= MOST_CLASSES:
                self.complete = False
                return
            any_left = model.circuit.disjunction([literals[kind] for kind in left])
            if not model.solve([*assumed, why, any_left], self._left):
                return
            shown = [kind for kind in left if model.circuit.solver.holds(literals[kind])]
            for kind in shown:
                known = (kind, cause) in self.classes
                found = self.classes.setdefault((kind, cause), MailClass(kind, cause))
                self._decide(found, tries)
                if not (known or found.row or found.refine or (tries[-1][0].rail.free and self._is_possible(found, assumed))):
                    del self.classes[kind, cause]
            left = [kind for kind in left if kind not in shown and not self._is_shown(kind, cause)]

    def _decide(self, found: MailClass, tries: Sequence[tuple[Side, Sequence[int]]]) -> None:
        """Looks for a message of a class in turn."""
        for side, assumed in tries:
            if found.row is None:
                free = side.rail.free
                self._witness(found, side, assumed, [self.causes[free][found.cause], self.literals[free][found.kind]])

    def _is_possible(self, found: MailClass, assumed: Sequence[int]) -> bool:
        """Whether a message of a class may still exist, after all that the search for one taught."""
        return found.witness is not None or self.model.solve([*assumed, self.causes[True][found.cause], self.literals[True][found.kind]], self._left)

    def _is_shown(self, kind: str, cause: int) -> bool:
        return (kind, cause) in self.classes and self.classes[kind, cause].row is not None

    def _witness(self, found: MailClass, side: Side, assumed: Sequence[int], shows: Sequence[int]) -> None:
        """Looks for a message that surely shows the difference.

        :param shows: that it is of the kind, and has the cause.
        """
        edit = self.edits[found.cause] if found.cause < len(self.edits) else None
        for candidate in self.model.candidates([*assumed, *shows], side):
            courses = self._courses(candidate)
            if courses is None:
                continue
            sure = sure_kinds(*(treated(course, candidate.message, facts) for course, facts in zip(courses, candidate.facts, strict=True)))
            if edit is not None and not any(acted(edit, courses)):
                sure = set()
            # One message may show several kinds of one cause.
            for kind in sorted(sure) if found.kind in sure else ():
                each = self.classes.setdefault((kind, found.cause), MailClass(kind, found.cause))
                if each.row is None:
                    self.rows.say(each, candidate, courses, [literal for literal in assumed if literal != self.settled])
            if found.row is not None:
                return
            both = zip(courses, candidate.facts, strict=True)
            found.reasons = sorted({reason for course, facts in both for reason in reasons_of(course, candidate.message, facts)})
            found.witness = witness_of(candidate)
            found.refine = self.model.to_refine(side) or self.model.left_in_fields()
            return
        if self.model.circuit.solver.holds(shows[-1]):
            found.refine = self.model.to_refine(side)

    def _refine(self) -> None:
        """Builds the other recipients on whom a class turns, and asks again."""
        classes = list(self.classes.values())
        for _round in range(_ROUNDS):
            classes = [each for each in classes if each.row is None and each.refine]
            keys = list(dict.fromkeys(key for each in classes for key in each.refine if key not in self.model.exact))
            if not keys:
                return
            self._use(self.model.refined(keys[:8]))
            for each in classes:
                del self.classes[each.kind, each.cause]
            self._look([(each.kind, each.cause) for each in classes])
            classes = list(self.classes.values())

    def _courses(self, candidate: Replayed) -> tuple[Course, Course] | None:
        both = zip(self.sets, candidate.facts, strict=True)
        before, after = (course_of(rules, candidate.message, facts, candidate.letter.recipient) for rules, facts in both)
        if before is None or after is None or any(course.too_many or course.twice for course in (before, after)):
            return None
        return before, after
