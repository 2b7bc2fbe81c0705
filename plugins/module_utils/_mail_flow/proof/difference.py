# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of rule changes on mail: every class of mail that is treated differently, with a message that shows it. Private to the collection.

``difference(before, after, facts, now)`` is the entry point. A class is a kind of difference together with its cause, which is the first edited rule that
acts differently on a message. Causes exclude each other and cover all mail, so when the search finds no further class, there is none.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.outcome import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import high, low
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.copies import Copies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import (
    Causes,
    Cuts,
    Edit,
    acts_of,
    acts_of_added,
    edits_of,
    unedited,
    with_other_error_action,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.model import AddedCopies, BudgetError, Model, Replayed, Side, differing
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.replay import course_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.rows import (
    Asked,
    Courses,
    MailClass,
    Rows,
    acted,
    cut_short,
    merged,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.treatment import categories, sure_kinds, treated
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import watches_aliases
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import RuleSet

#: The maximum number of classes to search for, and the default number to show.
MOST_CLASSES, SHOWN = 400, 50

#: The maximum number of conflicts for all questions together, and for those about other recipients that are built: each of these takes longer.
CONFLICTS, REFINING = 20_000, 2_000

_ROUNDS = 4


@dataclass(frozen=True)
class Difference:
    """The classes of mail that are treated differently.

    :param rows: most important first: ``kind``, ``text``, ``when``, ``rules`` (the edited rules that cause it), ``before``, ``after``,
        ``witness``, and ``unknown`` for a possible difference.
    :param more: the number of classes that are not in the rows.
    :param complete: whether there is certainly no further class.
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
    """Which mail is treated differently.

    :param before: rules as a rule set takes them; :param:`after` likewise.
    :param facts: in the form of the option ``facts``.
    :param now: when the mail passes the rules; by default now.
    :param shown: the maximum number of classes to show.
    :param budget: the maximum number of conflicts for all questions together.
    :param irm_before: the IRM configuration before, if it differs.
    """
    sets = [each if isinstance(each, RuleSet) else RuleSet(each) for each in (before, after)]
    settings = [facts.get("irm_configuration") if irm_before is None else irm_before, facts.get("irm_configuration")]
    edits = edits_of(*sets)
    if not edits and not with_other_error_action(*sets) and not differing(settings):
        return Difference([])
    return _Differ(sets, edits, facts, now or datetime.datetime.now(datetime.UTC), settings, budget).differ(shown)


#: Whose copies, and by which cause: the person whom rules add, or nobody, and the place of an edit.
_Which = tuple[str, int]


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
        self.classes: dict[tuple[str, int, str], MailClass] = {}

    def _use(self, model: Model) -> None:
        self.model = model
        self.asked: dict[tuple[bool, str], Asked] = {}
        self.rows = Rows(model, self.edits, partial(self._of, model.free), self.budget)

    def _of(self, side: Side, person: str = "") -> Asked:
        """What is asked about somebody's copies on a side."""
        known = self.asked.get((side.rail.free, person))
        if known is None:
            known = self.asked[side.rail.free, person] = self._of_added(side, person) if person else self._of_recipient(side)
        return known

    def _of_recipient(self, side: Side) -> Asked:
        alike = self._rules_alone(side)
        if alike:
            Cuts(self.edits, unedited(*self.sets), [(chain, self._added(side, place)) for place, chain in enumerate(side.chains)])
        old, new = (Copies(side.rail, [(TRUE, outcome)]) for outcome in side.outcomes)
        return self._asked(side, old, new, Causes(side.rail, self.edits, [acts_of(chain) for chain in side.chains], exhausted=alike))

    def _of_added(self, side: Side, person: str) -> Asked:
        copies = [self._added(side, place).of(person) for place in (0, 1)]
        old, new = (Copies(side.rail, [(copy.when, copy.outcome) for copy in each]) for each in copies)
        acts = [acts_of_added(chain, each) for chain, each in zip(side.chains, copies, strict=True)]
        # Of several copies, one may be treated differently where another was before.
        alike = self._rules_alone(side) and all(len(each) < 2 for each in copies)
        return self._asked(side, old, new, Causes(side.rail, self.edits, acts, exhausted=alike))

    def _added(self, side: Side, place: int) -> AddedCopies:
        """The copies that are compared. Of a second one, which open questions alone can bring, nothing could be told."""
        return self.model.added(side, place, shared=False)

    def _rules_alone(self, side: Side) -> bool:
        """Whether nothing but rules differs, and no rule looks at who shares a copy. Then mail on which no edit acts differently is treated alike: the other
        rules see the same and do the same, one after the other.
        """
        return not side.company.watched and not self.model.settings_that_differ

    def _asked(self, side: Side, old: Copies, new: Copies, causes: Causes) -> Asked:
        kinds = categories(old, new, self.options)
        return Asked((old, new), {kind: high(value) if side.rail.free else low(value) for kind, value in kinds.items()}, causes.literals)

    def differ(self, shown: int) -> Difference:
        found, others = self.classes, list[MailClass]()
        try:
            for person in ("", *self._people()):
                asked = self._of(self.model.free, person)
                self._look({(person, cause): list(asked.kinds) for cause in range(len(asked.causes))})
            self._refine()
            others += self._sent_on()
        except BudgetError:
            self.complete = False
        others += [self.rows.on_error(rule) for rule in with_other_error_action(*self.sets)]
        open_ = self.rows.unknown(each for each in found.values() if each.row is None)
        rows = merged([*found.values(), *open_, *others])
        if not self.complete:
            rows.append(cut_short())
        return Difference(rows[:shown], max(len(rows) - shown, 0), self.complete)

    @property
    def _left(self) -> int:
        """The remaining budget of conflicts."""
        left = self.budget - self.model.circuit.solver.conflicts
        if left <= 0:
            raise BudgetError
        return left

    def _people(self) -> Iterator[str]:
        """Those whom rules add, and whose copies may be treated differently.

        :raises BudgetError: a question took too many conflicts.
        """
        added = [self._added(self.model.free, place) for place in (0, 1)]
        if any(each.cut for each in added):
            self.complete = False
        for person in sorted({copy.address for each in added for copy in each.copies}):
            kinds = self._of(self.model.free, person).kinds
            if self.model.solve([self.model.circuit.disjunction(kinds.values())], self._left):
                yield person

    def _sent_on(self) -> Iterator[MailClass]:
        """Of each edited rule that adds people who cannot be followed, that its mail may reach them. What becomes of their copies is not compared.

        :raises BudgetError: a question took too many conflicts.
        """
        for cause, edit in enumerate(self.edits):
            people: set[str] = set()
            for rule, chain in zip((edit.before, edit.after), self.model.free.chains, strict=True):
                lost = chain.unfollowed.get(rule.place, ()) if rule is not None else ()
                if rule is not None and lost and self.model.solve([high(acts_of(chain)(rule))], self._left):
                    people.update(lost)
            if people:
                yield self.rows.sent_on(cause, sorted(people))

    # Classes

    def _look(self, kinds: Mapping[_Which, Sequence[str]]) -> None:
        """Searches for messages that show kinds and causes: in usual mail, and in unusual mail if rules distinguish it from usual mail.

        The free side answers which classes are possible: a class that is impossible there is impossible whatever the unknown values are.

        :param kinds: by person and cause.
        """
        model, about = self.model, self._about()
        usual = [each.literal for each in model.mail.assumptions if each.id not in about]
        unseen = [each.literal for each in model.mail.assumptions if each.id not in about and not each.seen]
        plain = [*usual, *(literal ^ 1 for literal in model.mail.arrival.values()), self._of_known_senders()]
        first = [plain] if not about else [[*plain, *(each.literal for each in model.mail.assumptions if each.id in about)], plain]
        possible = [(kind, which) for which, each in kinds.items() for kind in self._possible(which, each, *first, usual)]
        left = {which: [kind for kind in each if (kind, which) not in possible] for which, each in kinds.items()} if len(unseen) < len(usual) else {}
        unusual = [(kind, which) for which, each in left.items() for kind in self._possible(which, each, unseen)]
        for kind, which in possible:
            # What may be of usual mail is said. What is unknown of unusual mail is no news.
            found = self._class(kind, which)
            self._sure(found, usual, *([unseen] if left else []))
            if found.row is None:
                self._witness(found, model.free, usual)
            if found.row is None and found.witness is None and not found.refine and not self._shows(found, usual):
                self._drop(found)
        for kind, which in unusual:
            found = self._class(kind, which)
            self._sure(found, unseen)
            if found.row is None and not found.refine:
                self._drop(found)

    def _about(self) -> set[str]:
        """The assumptions that a change is about: mail that does not meet them is affected. PDF documents, and aliases."""
        rules = [rule for edit in self.edits for rule in (edit.before, edit.after) if rule is not None]
        original = any(watches_aliases(atom) for rule in rules for atom in (*rule.conditions, *rule.exceptions))
        return {*(["U25"] if "enable_pdf_encryption" in self.model.settings_that_differ else []), *(["U24"] if original else [])}

    def _sure(self, found: MailClass, *assumed: Sequence[int]) -> None:
        """Searches for a message that certainly shows the difference, if none was found so far."""
        for each in assumed:
            if found.row is None:
                self._witness(found, self.model.open, each)

    def _of_known_senders(self) -> int:
        """That the sender is inside or outside: for other mail it is unknown whether it is encrypted."""
        conditions, sender = self.model.free.conditions, self.model.mail.sender
        return self.model.circuit.disjunction([high(conditions.sender_scope(value, sender)) for value in ("InOrganization", "NotInOrganization")])

    def _possible(self, which: _Which, kinds: Sequence[str], *assumed: Sequence[int]) -> list[str]:
        """Every kind that a cause can have under the last assumptions. Each answer excludes the kinds it shows; the final "no" proves that none is missing.

        Causes exclude each other, so each is asked about separately, which keeps the questions small.

        :param assumed: sets of assumptions, starting with mail about which most is known, so that the answers are useful messages.
        """
        person, cause = which
        model, free = self.model, self._of(self.model.free, person)
        left = [kind for kind in kinds if free.kinds[kind] != FALSE] if free.causes[cause] != FALSE else []
        found: list[str] = []
        for each in assumed:
            while left:
                any_left = model.circuit.disjunction([free.kinds[kind] for kind in left])
                possible, candidate = model.search([*each, *self._somebody_else(person), free.causes[cause], any_left], model.free, self._left)
                if not possible:
                    break
                shown = [kind for kind in left if model.circuit.solver.holds(free.kinds[kind])]
                if candidate is not None and (courses := self._courses(candidate, person)) is not None:
                    self._say(which, candidate, courses, assumed[-1])
                left = [kind for kind in left if kind not in shown]
                found += shown
        return found

    def _somebody_else(self, person: str) -> list[int]:
        """That a person whom rules add is not the recipient."""
        return [self.model.mail.recipient["address", person] ^ 1] if person else []

    def _say(self, which: _Which, candidate: Replayed, courses: Courses, assumed: Sequence[int]) -> None:
        """Writes the rows of all kinds that a message certainly shows for a cause, unless they are already written."""
        person, cause = which
        edit = self.edits[cause] if cause < len(self.edits) else None
        if edit is not None and not any(acted(edit, courses)):
            return
        both = zip(courses, candidate.facts, strict=True)
        for kind in sorted(sure_kinds(*(treated(course, candidate.message, facts) for course, facts in both))):
            found = self._class(kind, which)
            if found.row is None:
                self.rows.say(found, candidate, courses, [*assumed, *self._somebody_else(person)])

    def _class(self, kind: str, which: _Which) -> MailClass:
        if len(self.classes) >= MOST_CLASSES:
            raise BudgetError
        person, cause = which
        return self.classes.setdefault((kind, cause, person), MailClass(kind, cause, person))

    def _drop(self, found: MailClass) -> None:
        del self.classes[found.kind, found.cause, found.person]

    def _shows(self, found: MailClass, assumed: Sequence[int]) -> bool:
        """Whether a message of a class may still exist after the search for one."""
        return self.model.solve([*assumed, *self._of(self.model.free, found.person).of(found)], self._left)

    def _witness(self, found: MailClass, side: Side, assumed: Sequence[int]) -> None:
        """Searches for a message of a class, and writes the rows of what it certainly shows."""
        asked = self._of(side, found.person)
        for candidate in self.model.candidates([*assumed, *self._somebody_else(found.person), *asked.of(found)], side):
            courses = self._courses(candidate, found.person)
            if courses is None:
                continue
            self._say((found.person, found.cause), candidate, courses, assumed)
            if found.row is not None:
                return
            self.rows.show(found, candidate, courses)
            found.refine = self.model.to_refine(side) or self.model.left_in_fields()
            return
        if self.model.circuit.solver.holds(asked.kinds[found.kind]):
            found.refine = self.model.to_refine(side)

    def _refine(self) -> None:
        """Builds the other recipients that a class depends on, and asks again."""
        classes = list(self.classes.values())
        self.budget = min(self.budget, self.model.circuit.solver.conflicts + REFINING)
        for _round in range(_ROUNDS):
            classes = [each for each in classes if each.row is None and each.refine]
            keys = list(dict.fromkeys(key for each in classes for key in each.refine if key not in self.model.exact))
            if not keys:
                return
            self.budget -= self.model.circuit.solver.conflicts
            self._use(self.model.refined(keys[:8]))
            kinds: dict[_Which, list[str]] = {}
            for each in classes:
                self._drop(each)
                kinds.setdefault((each.person, each.cause), []).append(each.kind)
            self._look(kinds)
            classes = list(self.classes.values())

    def _courses(self, candidate: Replayed, person: str) -> Courses | None:
        """What becomes of the recipient's copy, or of the copies of a person whom rules add. ``None`` where that is not followed to its end."""
        both = zip(self.sets, candidate.facts, strict=True)
        before, after = (course_of(rules, candidate.message, facts, candidate.letter.recipient, person) for rules, facts in both)
        # The recipient's own copy is another one than those that rules add. Of several of a person, what they have in common is told.
        if before is None or after is None or any(course.too_many or (course.twice and not person) for course in (before, after)):
            return None
        return before, after
