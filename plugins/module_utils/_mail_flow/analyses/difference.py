# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of rule changes on mail: every class of mail that is treated differently, with a message that shows it.

``difference(before, after, facts, now)`` is the entry point. A class is a kind of difference together with its cause:
the first edited rule that acts differently on a message and may decide about that kind, and the first later rule that
no longer acts, or newly acts. For each kind, causes exclude each other and cover all mail that shows it; so do their
parts. So if the search finds no further class, there is none.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..actions.protect import option_name
from ..budget import BudgetError, bounded
from ..conditions.keys import Key
from ..input.parsing import facts_of
from ..model import questions
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import BUDGET
from ..symbolic.compile_recipients import ANYBODY
from ..symbolic.encoding import Model, differing
from ..symbolic.message_assumptions import contradicted_assumptions
from .aspects import DifferenceKind
from .attribution import WHOLE, turns_of
from .class_findings import ClassFindings
from .class_model import ClassKey, ClassModel, CopyCause, MailClasses
from .class_search import ClassSearch
from .difference_kinds import MailClass, transit_differs
from .difference_queries import DifferenceQueries, DifferenceSearch
from .finding import ChangedMail, MailFinding
from .later_differences import shown_later
from .open_findings import CUT_SHORT, OpenFindings
from .rule_changes import Edit, edits_of, with_later_dates, with_other_error_action
from .rule_side_effects import side_effects_differ
from .side_effect_findings import SideEffects
from .uncompared_mail import UncomparedMail

#: The maximum number of conflicts for all questions together, and for those with other recipients, each of which takes
#: longer.
CONFLICTS = 20_000
REFINING = 300

#: The maximum number of models with other recipients for words, one after the other.
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
    facts: Mapping[str, Any] | Facts,
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    irm_before: Mapping[str, Any] | None = None,
) -> Difference:
    """The classes of mail that two rule sets treat differently.

    :param before: rules as a rule set takes them; :param:`after` likewise.
    :param facts: as :func:`facts_of` takes them.
    :param now: when the mail passes the rules; by default now.
    :param budget: the maximum number of conflicts for all questions together.
    :param irm_before: the IRM configuration before, if it differs.
    """
    known = facts_of(facts)
    sets = [RuleSet.read(rules, known.dialect) for rules in (before, after)]
    irm = known.encryption.irm_configuration
    settings = [irm if irm_before is None else irm_before, irm]
    edits = edits_of(*sets)
    if not edits and not with_other_error_action(*sets) and not differing(settings) and not side_effects_differ(*sets):
        return Difference()
    classes: Collection[ClassKey] = ()
    try:
        with bounded():
            differ = _Differ(sets, edits, known, now or datetime.datetime.now(datetime.UTC), settings, budget)
            classes = differ.classes
            return differ.differ()
    except BudgetError:  # The rules, or the wording of the findings, exceed the budget.
        return Difference((CUT_SHORT,), len(classes), complete=False)


def _each_once(findings: Iterable[ChangedMail]) -> Iterable[ChangedMail]:
    """One of the findings that are true of the same mail: that with the fewest rules which exempt some of it."""
    alike: dict[Hashable, list[ChangedMail]] = {}
    for finding in findings:
        alike.setdefault(finding.what_is_told, []).append(finding)
    return [min(same, key=lambda finding: len(finding.by) + len(finding.other_ways)) for same in alike.values()]


class _Differ:
    """The search for all classes, with what is told beside them."""

    def __init__(
        self,
        sets: Sequence[RuleSet],
        edits: Sequence[Edit],
        facts: Facts,
        now: datetime.datetime,
        settings: Sequence[Mapping[str, Any] | None],
        budget: int,
    ) -> None:
        self.sets = sets
        self.edits = edits
        options = {
            option_name(template) for rules in sets for rule in rules.rules for template in rule.actions.templates
        }
        named = sorted({"encrypt", "do_not_forward", *options})
        #: The first model. Findings about all mail use it: its messages may be for anybody.
        self.model = Model(
            sets, RuleSet([]), facts, now, named, settings=settings, transit=transit_differs(sets, facts)
        )
        about = contradicted_assumptions(atom for edit in edits for atom in edit.looks_for)
        if "enable_pdf_encryption" in self.model.settings_that_differ:
            about.add(questions.PDF)
        turns = turns_of(edits, *sets)
        search = DifferenceSearch(DifferenceQueries(self.model, edits, named, turns), about, budget)
        self._mail_classes = MailClasses()
        self.search = ClassSearch(ClassModel(search), self._mail_classes)
        self.classes = self._mail_classes.by_key
        self._class_findings = ClassFindings(search)
        self._open = OpenFindings(search)
        self.complete = True

    def differ(self) -> Difference:
        """The difference; incomplete if the budget ends before the search does."""
        others = list[MailFinding]()
        try:
            with bounded():  # The rest of the budget is for the findings.
                self._find_classes()
                others += self._findings_beside_classes()
                self._refine()
        except BudgetError:
            self.complete = False
        others += [self._open.on_error(rule) for rule in with_other_error_action(*self.sets)]
        dated_rules = with_later_dates(
            self.sets[0], self.sets[1], self.model.now, settings=bool(self.model.settings_that_differ)
        )
        others += [self._open.on_dates(rule, dates) for rule, dates in shown_later(self.model, self.edits, dated_rules)]
        every = sorted(
            self.classes.values(), key=lambda mail_class: (mail_class.person, mail_class.cause, mail_class.part.rank)
        )
        self._class_findings.record(every)
        open_ = self._open.unknown(mail_class for mail_class in every if mail_class.finding is None)
        unusual = sorted(self._mail_classes.unusual)
        others += [self._open.unusual(unusual)] if unusual else []
        of_classes = [mail_class.finding for mail_class in every if mail_class.finding]
        findings = sorted(
            [*_each_once(of_classes), *open_, *others],
            key=lambda finding: finding.kind.rank,
        )
        return Difference((*findings, *(() if self.complete else (CUT_SHORT,))), complete=self.complete)

    def _find_classes(self) -> None:
        """Finds the classes of messages to one recipient, and those that depend on other recipients."""
        for person in ("", *self._people()):
            kinds = list(self.search.class_model.queries.free(person).kinds)
            remaining = self.search.search({(person, cause): kinds for cause in range(len(self.edits) + 1)})
            if self.model.free.other_recipients.watched:
                self.search.dependence.add(person, remaining)

    def _people(self) -> Iterator[str]:
        """The people whom rules add and whose copies may be treated differently.

        :raises BudgetError: a question took too many conflicts.
        """
        queries = self.search.class_model.queries
        added = [queries.added(self.model.free, place) for place in (0, 1)]
        if any(copies.cut for copies in added):
            self.complete = False
        for person in sorted({copy.address for copies in added for copy in copies.copies}):
            if self.model.solve(
                [self.model.circuit.disjunction(queries.free(person).kinds.values())],
                self.search.class_model.remaining_budget,
            ):
                yield person

    def _findings_beside_classes(self) -> Iterator[MailFinding]:
        """The findings that are not about classes.

        :raises BudgetError: a question took too many conflicts.
        """
        class_model = self.search.class_model
        uncompared = UncomparedMail(
            self.model,
            class_model.queries,
            self.edits,
            self._open,
            lambda literals: self.model.solve(literals, class_model.remaining_budget),
        )
        yield from uncompared.held_longer()
        yield from uncompared.sent_on()
        yield from SideEffects(self.model, class_model.budget).findings()

    def _refine(self) -> None:
        """Models the other recipients on whom classes depend, and asks again: first one who may be anybody, then one
        for each word that matters. The classes are already known; within the budget, some are shown, and some ruled
        out.
        """
        self.search.class_model.budget = min(
            self.search.class_model.budget, self.model.circuit.solver.conflicts + REFINING
        )
        classes = self.classes
        try:
            if self.model.free.other_recipients.watched:
                self._ask_with_anybody()
            self._ask_with_words()
        except BudgetError:
            for mail_class in self._not_shown().values():
                if not mail_class.reasons:
                    mail_class.reasons = [BUDGET]
                    mail_class.witness = None
        for key, mail_class in self._not_shown().items():
            if not mail_class.usual:
                del classes[key]
                self._mail_classes.unusual.add((mail_class.person, mail_class.cause))

    def _not_shown(self) -> dict[ClassKey, MailClass]:
        """The classes that no message certainly shows."""
        return {key: mail_class for key, mail_class in self.classes.items() if mail_class.shown is None}

    def _ask_with_anybody(self) -> None:
        """Asks about the classes that no message shows, with one other recipient, who may be anybody. A class that no mail
        certainly shows, whoever else gets it, stays as it is known: that recipient would not show it, either, and what one
        does not show is not ruled out.
        """
        dependence = self.search.dependence
        known = {
            key: mail_class
            for key, mail_class in self._not_shown().items()
            if dependence.may_be_sure(mail_class.kind, (mail_class.person, mail_class.cause))
        }
        if not known:
            return
        self._ask([ANYBODY], known)
        classes = self.classes
        shown = {key[:3] for key, mail_class in classes.items() if mail_class.shown is not None}
        for key, mail_class in known.items():  # What one other recipient does not show, several may.
            is_shown = classes.get(key, mail_class).shown is not None or (mail_class.part == WHOLE and key[:3] in shown)
            if not is_shown:
                classes[key] = mail_class

    def _ask_with_words(self) -> None:
        """Asks with other recipients for the words on which classes depend, some in each round."""
        for _round in range(_ROUNDS):
            to_refine = {key: mail_class.refine for key, mail_class in self._not_shown().items() if mail_class.refine}
            exact = self.search.class_model.model.exact
            keys = list(dict.fromkeys(key for atoms in to_refine.values() for key in atoms if key not in exact))
            if not keys:
                return
            self._ask(keys[:_AT_ONCE], to_refine)

    def _ask(self, keys: Sequence[Key], classes: Collection[ClassKey]) -> None:
        """Asks a model with other recipients about classes."""
        self.search = self.search.refined(keys)
        before = {key: self.classes.pop(key) for key in classes}
        kinds: dict[CopyCause, list[DifferenceKind]] = {}
        for kind, cause, person in dict.fromkeys(key[:3] for key in classes):
            kinds.setdefault((person, cause), []).append(kind)
        try:
            self.search.search(kinds)
        except BudgetError:
            for key, mail_class in before.items():
                self.classes.setdefault(key, mail_class)
            raise
