# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of rule changes on mail: every class of mail that is treated differently, with a message that shows it.
Private to the collection.

``difference(before, after, facts, now)`` is the entry point. A class is a kind of difference together with its cause:
the first edited rule that acts differently on a message and may decide about that kind, and the first later rule that
no longer acts, or newly acts. For each kind, causes exclude each other and cover all mail that shows it; so do their
parts. So if the search finds no further class, there is none.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.attribution import (
    ANY,
    WHOLE,
    Part,
    turns_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.class_findings import (
    ClassFindings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_kinds import (
    Courses,
    MailClass,
    SearchedMail,
    Shown,
    acted,
    aspect_of,
    sure_kinds,
    transit_differs,
    treated,
    witness_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_queries import (
    Questions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    KINDS,
    MailFinding,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.open_findings import (
    CUT_SHORT,
    OpenFindings,
    SideEffects,
    UncomparedMail,
    side_effects_differ,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import (
    Edit,
    edits_of,
    with_later_dates,
    with_other_error_action,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError, bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import BUDGET
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_recipients import (
    ANYBODY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import (
    Model,
    Replayed,
    Side,
    differing,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    named_assumptions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    course_of,
    reasons_of,
)

#: The maximum number of classes to search for.
MOST_CLASSES = 400

#: The maximum number of later rules with a class of their own per kind and cause, and of such classes in all, most
#: important kinds first. All others of a kind and a cause are one class.
MOST_LATER, MOST_PARTS = 8, 24

#: The maximum number of conflicts for all questions together, and for those with other recipients, each of which takes
#: longer.
CONFLICTS, REFINING = 20_000, 300

_ROUNDS = 2

#: The maximum number of recipients that are modeled at once for words.
_AT_ONCE = 8


@dataclass(frozen=True)
class Difference:
    """The classes of mail that are treated differently.

    :param findings: the most important first.
    :param more: the number of classes without a finding.
    :param complete: whether there is certainly no further class.
    """

    findings: tuple[MailFinding, ...] = ()
    more: int = 0
    complete: bool = True


def difference(
    before: Iterable[Mapping[str, Any]] | RuleSet,
    after: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    irm_before: Mapping[str, Any] | None = None,
) -> Difference:
    """Which mail is treated differently.

    :param before: rules as a rule set takes them; :param:`after` likewise.
    :param facts: in the form of the option ``facts``.
    :param now: when the mail passes the rules; by default now.
    :param budget: the maximum number of conflicts for all questions together.
    :param irm_before: the IRM configuration before, if it differs.
    """
    sets = [RuleSet.read(each, facts_of(facts).dialect) for each in (before, after)]
    settings = [facts.get("irm_configuration") if irm_before is None else irm_before, facts.get("irm_configuration")]
    edits = edits_of(*sets)
    if not edits and not with_other_error_action(*sets) and not differing(settings) and not side_effects_differ(*sets):
        return Difference()
    found: Collection[_Key] = ()
    try:
        with bounded():
            differ = _Differ(sets, edits, facts, now or datetime.datetime.now(datetime.UTC), settings, budget)
            found = differ.classes
            return differ.differ()
    except BudgetError:  # The rules, or the wording of the findings, exceed the budget.
        return Difference((CUT_SHORT,), len(found), complete=False)


#: A class: its kind, its cause, the person whom rules add (or nobody), and its part.
_Key = tuple[str, int, str, Part]

#: Whose copies, and by which cause: the person whom rules add (or nobody), and the place of an edit.
_Which = tuple[str, int]

#: The part of a class, and a message of it, if one could be written.
_Example = tuple[Part, "Replayed | None"]


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
        self.turns = turns_of(edits, *sets)
        options = {option_name(template) for rules in self.sets for rule in rules.rules for template in rule.templates}
        self.options = sorted({"encrypt", "do_not_forward", *options})
        #: The assumptions that a change is about: mail that does not meet them is affected.
        self._about = named_assumptions(atom for edit in self.edits for atom in edit.looks_for)
        self._use(
            Model(
                self.sets,
                RuleSet([]),
                facts,
                now,
                self.options,
                settings=settings,
                transit=transit_differs(sets, facts),
            )
        )
        if "enable_pdf_encryption" in self.model.settings_that_differ:
            self._about.add(questions.PDF)
        self._told = ClassFindings(self.model, self.edits, self.turns, self.questions.free, self.budget, self._about)
        self._open = OpenFindings(self.model, self.edits, self.questions.free, self.budget, self._about)
        self._room = MOST_PARTS
        self.complete = True
        self.classes: dict[_Key, MailClass] = {}
        #: The causes of possible differences in unusual mail. They share one finding.
        self._unusual: set[int] = set()

    def _use(self, model: Model) -> None:
        """Uses a model from now on. Findings about all mail use the first one, whose messages may be for anybody."""
        self.model, self.questions = model, Questions(model, self.edits, self.options, self.turns)
        self.mail = SearchedMail(model, self._about)

    def differ(self) -> Difference:
        found, others = self.classes, list[MailFinding]()
        try:
            with bounded():  # The rest of the budget is for the findings.
                for person in ("", *self._people()):
                    asked = self.questions.free(person)
                    left = self._look({(person, cause): list(asked.kinds) for cause in range(len(self.edits) + 1)})
                    if self.model.free.company.watched:
                        self._depend_in_part(person)
                        self._depend(left)
                uncompared = UncomparedMail(
                    self.model,
                    self.questions,
                    self.edits,
                    self._open,
                    lambda literals: self.model.solve(literals, self._left),
                )
                others += uncompared.held_longer()
                others += uncompared.sent_on()
                others += SideEffects(self.model, self.budget).findings()
                self._refine()
        except BudgetError:
            self.complete = False
        others += [self._open.on_error(rule) for rule in with_other_error_action(*self.sets)]
        later = with_later_dates(
            self.sets[0], self.sets[1], self.model.now, settings=bool(self.model.settings_that_differ)
        )
        others += [self._open.on_dates(rule, dates) for rule, dates in later]
        every = sorted(found.values(), key=lambda each: (each.person, each.cause, each.part.rank))
        self._told.tell(every)
        open_ = self._open.unknown(each for each in every if each.told is None)
        others += [self._open.unusual(sorted(self._unusual))] if self._unusual else []
        told = sorted(
            [*(each.told for each in every if each.told), *open_, *others], key=lambda each: KINDS.index(each.kind)
        )
        return Difference((*told, *(() if self.complete else (CUT_SHORT,))), complete=self.complete)

    @property
    def _left(self) -> int:
        """The remaining budget of conflicts."""
        left = self.budget - self.model.circuit.solver.conflicts
        if left <= 0:
            raise BudgetError
        return left

    def _people(self) -> Iterator[str]:
        """The people whom rules add and whose copies may be treated differently.

        :raises BudgetError: a question took too many conflicts.
        """
        added = [self.questions.added(self.model.free, place) for place in (0, 1)]
        if any(each.cut for each in added):
            self.complete = False
        for person in sorted({copy.address for each in added for copy in each.copies}):
            kinds = self.questions.free(person).kinds
            if self.model.solve([self.model.circuit.disjunction(kinds.values())], self._left):
                yield person

    # Classes

    def _look(self, kinds: Mapping[_Which, Sequence[str]]) -> dict[_Which, list[str]]:
        """Searches for messages that show kinds and causes: in usual mail, and in unusual mail if rules distinguish it
        from usual mail.

        The free side answers which classes are possible: a class that is impossible there is impossible whatever the
        unknown values are.

        :param kinds: by person and cause; likewise the result: the kinds that usual mail cannot have for the recipients in question, and that
            other mail does not show.
        """
        model = self.model
        usual, unseen = ([*self.mail.assumed(usual=usual), *self.mail.company(model.free)] for usual in (True, False))
        possible = {
            (kind, which): example
            for which, each in kinds.items()
            for kind, example in self._possible(which, each, usual, self._good()).items()
        }
        left = {which: [kind for kind in each if (kind, which) not in possible] for which, each in kinds.items()}
        modes = [True, False] if self.mail.some_unusual else [True]
        unusual = {
            (kind, which): example
            for which, each in (left.items() if self.mail.some_unusual else ())
            for kind, example in self._possible(which, each, unseen).items()
        }
        parted: dict[tuple[str, _Which], list[Part]] = {}
        for kind, which in sorted(possible, key=lambda each: (KINDS.index(each[0]), each[1])):
            # Possible differences in usual mail are reported. Unknown outcomes of unusual mail are nothing new.
            for found in self._parts(kind, which, usual, self._good(), example=possible[kind, which]):
                parted.setdefault((kind, which), []).append(found.part)
                if found.shown is None:
                    self._witness(found, model.free)
                self._sure(found, *modes)
                if found.shown is None and found.witness is None and not found.refine and not self._shows(found):
                    self._drop(found)
        for kind, which in [*(parted if self.mail.some_unusual else ()), *unusual]:
            known = parted.get((kind, which), ())
            for found in self._parts(kind, which, unseen, known=known, example=unusual.get((kind, which))):
                self._sure(found, False)
                if found.shown is None and not found.refine:
                    self._drop(found)
                    self._unusual.add(which[1])
        told = {(kind, (person, cause)) for kind, cause, person, _part in self.classes}
        return {which: [kind for kind in each if (kind, which) not in told] for which, each in left.items()}

    def _good(self) -> list[int]:
        """What makes a good witness of usual mail, if it can have that, the most important first: it arrives in clear,
        its sender is known, it is not in quarantine, and it meets the assumptions that the edits are about.
        """
        mail = self.model.mail
        return [
            *(literal ^ 1 for literal in mail.arrival.values()),
            self.mail.of_known_senders(),
            *self.mail.not_held_back(),
            *self._met(),
        ]

    def _met(self) -> list[int]:
        """That mail meets the assumptions that the edits are about."""
        return [each.literal for each in self.model.mail.assumptions if each.id in self._about]

    def _parts(
        self,
        kind: str,
        which: _Which,
        assumed: Sequence[int],
        preferred: Sequence[int] = (),
        *,
        known: Sequence[Part] = (),
        example: _Example | None = None,
    ) -> Iterator[MailClass]:
        """The classes of a kind and a cause, each with a message that certainly shows it, if a search finds one.

        :param preferred: what messages satisfy if they can.
        :param known: parts that are known; :param:`example`: a part that is possible.
        """
        person, cause = which
        model, asked, most = self.model, self.questions.free(person), min(MOST_LATER, self._room)
        literals = asked.parts_of(kind, cause)
        of_kind = [*self.mail.somebody_else(person), asked.cause(kind, cause), asked.kinds[kind], *assumed]
        found = [part for part in known if part.later != ANY]
        if any(part == WHOLE for part in known):
            return
        while True:
            left = [part for part in literals if part not in found]
            if len(left) > 1 and len(found) >= most:
                break
            if example is None or example[0] in found:
                others = [asked.part(kind, cause, part) ^ 1 for part in found if part in literals]
                wanted = [*of_kind, *asked.some_part(kind, cause), *others]
                possible, candidate = model.search(wanted, model.free, self._left, preferred) if left else (False, None)
                if not possible:
                    return
                example = self._part(kind, which), candidate
            found.append(example[0])
            self._room -= 1
            yield self._noted(kind, which, *example, usual=not known)
        for now in dict.fromkeys(part.now for part in literals):
            part = Part(now, ANY, others=tuple(part for part in found if part.now is now))
            if any(each.later == ANY and each.now is now for each in known):
                continue
            if example is not None and example[0] not in found and example[0].now is now:
                possible, candidate = True, example[1]
            else:
                wanted = [*of_kind, asked.part(kind, cause, part)]
                possible, candidate = model.search(wanted, model.free, self._left, preferred)
            if possible:
                yield self._noted(kind, which, part, candidate, usual=not known)

    def _part(self, kind: str, which: _Which) -> Part:
        """The part of a kind and a cause to which the last model belongs."""
        person, cause = which
        holds, parts = self.model.circuit.solver.holds, self.questions.free(person).parts_of(kind, cause)
        return next(part for part, both in parts.items() if all(map(holds, both)))

    def _noted(self, kind: str, which: _Which, part: Part, candidate: Replayed | None, *, usual: bool) -> MailClass:
        """A class, with the message if it certainly shows it."""
        found = self._class(kind, which, part)
        if candidate is not None and (courses := self._courses(candidate, found.person)) is not None:
            self._note(found, candidate, courses, usual=usual)
        return found

    def _depend(self, kinds: Mapping[_Which, Sequence[str]]) -> None:
        """The kinds and causes that are impossible for a message to one recipient but may be possible with others, and
        whom to model to find out: all that are possible in usual mail, and those that are certain in other mail.
        """
        for which, each in kinds.items():
            left = self._depending(self.model.free, which, each, usual=True)
            if left and self.mail.some_unusual:
                impossible = self._depending(self.model.free, which, left, usual=False)
                self._depending(self.model.open, which, [kind for kind in left if kind not in impossible], usual=False)

    def _depend_in_part(self, person: str) -> None:
        """The kinds and causes of which a part is impossible for a message to one recipient but may be possible with
        others, and whom to model to find out.
        """
        model, asked, known = self.model, self.questions.free(person), dict[tuple[str, int], list[Part]]()
        for kind, cause, whom, part in self.classes:
            if whom == person:
                known.setdefault((kind, cause), []).append(part)
        for (kind, cause), parts in known.items():
            others = [asked.part(kind, cause, part) ^ 1 for part in parts]
            of_kind = [*self.mail.somebody_else(person), asked.cause(kind, cause), asked.kinds[kind]]
            wanted = [*self.mail.assumed(usual=True), *of_kind, *asked.some_part(kind, cause), *others]
            if model.solve(wanted, self._left):
                found = self._class(kind, (person, cause), WHOLE)
                found.refine, found.usual = model.to_refine(model.free) or model.left_in_fields(), True

    def _depending(self, side: Side, which: _Which, kinds: Sequence[str], *, usual: bool) -> list[str]:
        """Searches a side for kinds that a cause may have, and adds their classes. Returns the kinds that it cannot
        have.
        """
        person, place = which
        model, asked, impossible = self.model, self.questions.of(side, person), list(kinds)
        for cause, left in asked.together(kinds, place).items():
            while left:
                any_left = model.circuit.disjunction([asked.kinds[kind] for kind in left])
                if not model.solve(
                    [*self.mail.assumed(usual=usual), *self.mail.somebody_else(person), cause, any_left], self._left
                ):
                    break
                for kind in [kind for kind in left if model.circuit.solver.holds(asked.kinds[kind])]:
                    left.remove(kind)
                    impossible.remove(kind)
                    if usual or not side.logic.free:
                        found = self._class(kind, which, WHOLE)
                        found.refine, found.usual = model.to_refine(side) or model.left_in_fields(), usual
        return impossible

    def _sure(self, found: MailClass, *modes: bool) -> None:
        """Searches for a message that certainly shows the difference, if none was found so far."""
        for usual in modes:
            if found.shown is None:
                self._witness(found, self.model.open, self._met(), usual=usual)

    def _possible(
        self, which: _Which, kinds: Sequence[str], assumed: Sequence[int], preferred: Sequence[int] = ()
    ) -> dict[str, _Example]:
        """Every kind that a cause can have under assumptions, with an example. Each answer excludes the kinds it shows;
        the final "no" proves that none is missing.

        Causes of a kind exclude each other, so each is asked about separately, which keeps the questions small. Kinds
        that share one are asked about together.

        :param preferred: what messages satisfy if they can.
        """
        person, place = which
        model, free = self.model, self.questions.free(person)
        found: dict[str, _Example] = {}
        for cause, left in free.together(kinds, place).items():
            while left:
                any_left = model.circuit.disjunction([free.kinds[kind] for kind in left])
                parts = {literal: None for kind in left for literal in free.some_part(kind, place)}
                wanted = [*self.mail.somebody_else(person), cause, any_left, *parts, *assumed]
                possible, candidate = model.search(wanted, model.free, self._left, preferred)
                if not possible:
                    break
                shown = [kind for kind in left if model.circuit.solver.holds(free.kinds[kind])]
                found |= {kind: (self._part(kind, which), candidate) for kind in shown}
                left = [kind for kind in left if kind not in shown]
        return found

    def _note(self, found: MailClass, candidate: Replayed, courses: Courses, *, usual: bool) -> None:
        """Notes a message for a class if it certainly shows it."""
        edit = self.edits[found.cause] if found.cause < len(self.edits) else None
        if edit is not None and (edit.unsure or not any(acted(edit, courses))):
            return
        both = zip(courses, candidate.facts, strict=True)
        if found.shown is None and found.kind in sure_kinds(
            *(treated(course, candidate.message, facts) for course, facts in both)
        ):
            found.shown = Shown(candidate, courses, usual)

    def _class(self, kind: str, which: _Which, part: Part) -> MailClass:
        if len(self.classes) >= MOST_CLASSES:
            raise BudgetError
        person, cause = which
        return self.classes.setdefault((kind, cause, person, part), MailClass(kind, cause, part, person))

    def _drop(self, found: MailClass) -> None:
        del self.classes[found.kind, found.cause, found.person, found.part]

    def _shows(self, found: MailClass) -> bool:
        """Whether a message of a class may still exist after the search for one."""
        asked, meant = self.questions.free(found.person), self.mail.meant(self.model.free, found.person, usual=True)
        return self.model.solve([*meant, *asked.of(found.kind, found.cause, found.part)], self._left)

    def _witness(self, found: MailClass, side: Side, preferred: Sequence[int] = (), *, usual: bool = True) -> None:
        """Searches for a message of a class, and notes what it certainly shows.

        :param preferred: what it satisfies if it can.
        """
        asked, told = self.questions.of(side, found.person), False
        literals = self.mail.meant(side, found.person, usual=usual)
        for candidate in self.model.candidates(
            asked.of(found.kind, found.cause, found.part), literals, side, self._left, preferred
        ):
            courses = self._courses(candidate, found.person) if candidate else None
            if candidate and courses:
                self._note(found, candidate, courses, usual=usual)
                if found.shown is not None:
                    return
            if told:
                continue
            found.refine = self.model.to_refine(side)
            if candidate and courses:
                told, found.refine = True, found.refine or self.model.left_in_fields()
                self._tell(found, candidate, courses)

    def _tell(self, found: MailClass, candidate: Replayed, courses: Courses) -> None:
        """Notes a message that may show a class, with its unknowns."""
        edit = self.edits[found.cause] if found.cause < len(self.edits) else None
        both = zip(courses, candidate.facts, strict=True)
        transit = aspect_of(found.kind) == "transit"
        found.reasons = sorted(
            {reason for course, each in both for reason in reasons_of(course, candidate.message, each, transit=transit)}
        )
        found.witness, found.acted = witness_of(candidate, found.person), acted(edit, courses)

    def _refine(self) -> None:
        """Models the other recipients that classes depend on, and asks again: first one who may be anybody, then one
        for each word that matters. The classes are already known; within the budget, some are shown, and some ruled
        out.
        """
        self.budget = min(self.budget, self.model.circuit.solver.conflicts + REFINING)
        known = (
            {key: each for key, each in self.classes.items() if each.shown is None}
            if self.model.free.company.watched
            else {}
        )
        try:
            if known:
                self._ask(self.model.refined([ANYBODY]), known)
                shown = {key[:3] for key, each in self.classes.items() if each.shown is not None}
                for key, each in known.items():  # What one other recipient does not show, several may.
                    if self.classes.get(key, each).shown is None and not (each.part == WHOLE and key[:3] in shown):
                        self.classes[key] = each
            for _round in range(_ROUNDS):
                left = {key: each.refine for key, each in self.classes.items() if each.shown is None and each.refine}
                keys = list(dict.fromkeys(key for each in left.values() for key in each if key not in self.model.exact))
                if not keys:
                    break
                self._ask(self.model.refined(keys[:_AT_ONCE]), left)
        except BudgetError:
            for each in self.classes.values():
                if each.shown is None and not each.reasons:
                    each.reasons, each.witness = [BUDGET], None
        for key, each in list(self.classes.items()):
            if each.shown is None and not each.usual:
                del self.classes[key]
                self._unusual.add(each.cause)

    def _ask(self, model: Model, classes: Collection[_Key]) -> None:
        """Asks a model about classes."""
        self.budget -= self.model.circuit.solver.conflicts
        self._room = MOST_PARTS
        self._use(model)
        before = {key: self.classes.pop(key) for key in classes}
        kinds: dict[_Which, list[str]] = {}
        for kind, cause, person in dict.fromkeys(key[:3] for key in classes):
            kinds.setdefault((person, cause), []).append(kind)
        try:
            self._look(kinds)
        except BudgetError:
            for key, each in before.items():
                self.classes.setdefault(key, each)
            raise

    def _courses(self, candidate: Replayed, person: str) -> Courses | None:
        """What happens to the recipient's copy, or to the copies of a person whom rules add. ``None`` if that is not
        followed to its end.
        """
        both = zip(self.sets, candidate.facts, strict=True)
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
