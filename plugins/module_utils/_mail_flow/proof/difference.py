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
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.compare import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evaluate import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.logic import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.outcome import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import high, low
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import Causes, Edit, edits_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.model import BudgetError, Model, Replayed, Side
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.replay import course_of, reasons_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.sentences import because, becomes, mail_of, section_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.treatment import categories, sure_kinds, treated
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.words import BUDGET, NOT_FOUND, settled_by
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import FlowRule, RuleSet

#: So many classes are looked for, and so many are shown unless told otherwise.
MOST_CLASSES, SHOWN = 400, 50

#: So many conflicts all questions may take together.
CONFLICTS = 20_000

_ROUNDS = 4


@dataclass
class _Class:
    """A kind of difference with its cause, by the cause's place among the edits."""

    kind: str
    cause: int
    row: dict[str, Any] | None = None
    refine: list[Key] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    witness: dict[str, Any] | None = None


@dataclass(frozen=True)
class Difference:
    """The classes of mail that are treated in another way.

    :param rows: the most important first: ``kind``, ``text``, ``when``, ``before``, ``after``, ``witness``, and of what may be so ``unknown``.
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
) -> Difference:
    """How mail is treated in another way.

    :param before: rules as a rule set takes them, and so :param:`after`.
    :param facts: as the option ``facts`` has them.
    :param now: when the mail passes the rules; the present unless given.
    :param shown: how many classes are shown at most.
    :param budget: conflicts that all questions may take together.
    """
    sets = [each if isinstance(each, RuleSet) else RuleSet(each) for each in (before, after)]
    edits = edits_of(*sets)
    if not edits:
        return Difference([])
    return _Differ(sets[0], sets[1], edits, facts, now or datetime.datetime.now(datetime.UTC), budget).differ(shown)


class _Differ:
    def __init__(self, before: RuleSet, after: RuleSet, edits: Sequence[Edit], facts: Mapping[str, Any], now: datetime.datetime, budget: int) -> None:
        self.sets, self.edits, self.budget = (before, after), edits, budget
        options = {option_name(str(template)) for rules in self.sets for rule in rules.rules for template in rule.does(Does.ENCRYPT).values()}
        self.options = sorted({"encrypt", "do_not_forward", *options})
        self._use(Model(self.sets, RuleSet([]), facts, now, self.options))
        self.complete = True
        self.classes: dict[tuple[str, int], _Class] = {}

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

    def differ(self, shown: int) -> Difference:
        found = self.classes
        try:
            self._look([(kind, cause) for kind in self.literals[True] for cause in range(len(self.causes[True]))])
            self._refine()
        except BudgetError:
            self.complete = False
        rows = [each.row for each in found.values() if each.row is not None]
        rows += self._unknown_rows([each for each in found.values() if each.row is None])
        rows = _merged(sorted(rows, key=lambda row: (KINDS.index(row["kind"]), row["text"])))
        if not self.complete:
            rows.append(_cut_short())
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
        usual = [each.literal for each in model.mail.assumptions]
        unseen = [each.literal for each in model.mail.assumptions if not each.seen]
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
                found = self.classes.setdefault((kind, cause), _Class(kind, cause))
                self._decide(found, tries)
                if not (known or found.row or found.refine or (tries[-1][0].rail.free and self._is_possible(found, assumed))):
                    del self.classes[kind, cause]
            left = [kind for kind in left if kind not in shown and not self._is_shown(kind, cause)]

    def _decide(self, found: _Class, tries: Sequence[tuple[Side, Sequence[int]]]) -> None:
        """Looks for a message of a class in turn."""
        for side, assumed in tries:
            if found.row is None:
                free = side.rail.free
                self._witness(found, side, [*assumed, self.causes[free][found.cause], self.literals[free][found.kind]])

    def _is_possible(self, found: _Class, assumed: Sequence[int]) -> bool:
        """Whether a message of a class may still exist, after all that the search for one taught."""
        return found.witness is not None or self.model.solve([*assumed, self.causes[True][found.cause], self.literals[True][found.kind]], self._left)

    def _is_shown(self, kind: str, cause: int) -> bool:
        return (kind, cause) in self.classes and self.classes[kind, cause].row is not None

    def _witness(self, found: _Class, side: Side, literals: Sequence[int]) -> None:
        """Looks for a message that surely shows the difference."""
        edit = self.edits[found.cause] if found.cause < len(self.edits) else None
        for candidate in self.model.candidates(literals, side):
            sides = self._sides(candidate)
            if sides is None:
                continue
            sure = sure_kinds(*(treated(course, candidate.message, candidate.facts) for course in sides))
            if edit is not None and not any(_acted(edit, sides)):
                sure = set()
            # One message may show several kinds of one cause.
            for kind in sorted(sure) if found.kind in sure else ():
                each = self.classes.setdefault((kind, found.cause), _Class(kind, found.cause))
                each.row = each.row or self._row(each, candidate, sides)
            if found.row is not None:
                return
            found.reasons = sorted({reason for course in sides for reason in reasons_of(course, candidate.message, candidate.facts)})
            found.witness = {"message": {"name": "witness", **candidate.letter.message}, "recipient": candidate.letter.recipient}
            found.refine = self.model.to_refine(side) or self.model.left_in_fields()
            return
        if self.model.circuit.solver.holds(literals[-1]):
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

    def _sides(self, candidate: Replayed) -> tuple[Course, Course] | None:
        found = [course_of(rules, candidate.message, candidate.facts, candidate.letter.recipient) for rules in self.sets]
        if found[0] is None or found[1] is None or any(course.too_many or course.twice for course in found if course):
            return None
        return found[0], found[1]

    # Rows

    def _row(self, found: _Class, candidate: Replayed, sides: tuple[Course, Course]) -> dict[str, Any]:
        before, after = (result(course, rules, candidate.message, candidate.facts) or {} for course, rules in zip(sides, self.sets, strict=True))
        edit = self.edits[found.cause] if found.cause < len(self.edits) else None
        deciding = self._deciding(found.kind, edit, sides)
        every = self._is_always(found.kind, deciding)
        overtaken = next((rule.name for rule in deciding if edit is None or rule.name != edit.rule.name), "")
        reason = because(edit, _acted(edit, sides), overtaken)
        treatment = becomes(found.kind, *_shown(found.kind, before, after))
        text = f"{mail_of(deciding, every=every)} {treatment}{'' if every else ', unless another rule takes it'}: {reason}."
        witness = {"message": {"name": "witness", **candidate.letter.message}, "recipient": candidate.letter.recipient}
        if candidate.letter.facts:
            witness["facts"] = candidate.letter.facts
        return {"kind": found.kind, "text": text, "when": section_of(deciding), "before": before, "after": after, "witness": witness}

    def _deciding(self, kind: str, edit: Edit | None, sides: tuple[Course, Course]) -> list[FlowRule]:
        """The edited rule, and the first that decides on each side."""
        found: list[FlowRule] = [_meant(edit, sides)] if edit else []
        wanted = {
            "protection_lost": (0,),
            "delivery_gained": (0,),
            "protection_gained": (1,),
            "delivery_lost": (1,),
        }.get(kind, (0, 1))
        for which in wanted:
            acting = {place for world in sides[which].worlds for _held, place in world.matched}
            rules = [self.sets[which].rules[place] for place in sorted(acting)]
            first = next((rule for rule in rules if rule.enforced and _decides(kind, rule)), None)
            if first is not None and all(first.name != rule.name for rule in found):
                found.append(first)
        return found

    def _is_always(self, kind: str, deciding: Sequence[FlowRule]) -> bool:
        """Whether all mail for which the named rules are is treated so."""
        side, usual = self.model.free, [each.literal for each in self.model.mail.assumptions]
        if kind.startswith("protection"):  # That mail which arrives protected stays so goes without saying.
            usual += [literal ^ 1 for literal in self.model.mail.arrival.values()]
        steps = {id(step.rule): step for chain in side.chains for step in chain.steps}
        if any(id(rule) not in steps for rule in deciding):
            return False
        literals = [high(steps[id(rule)].matches) for rule in deciding]
        differs = low(categories(side.outcomes[0], side.outcomes[1], self.options)[kind])
        return _no(self.model, [*literals, differs ^ 1, *usual], max(self.budget - self.model.circuit.solver.conflicts, 1))

    def _unknown_rows(self, classes: Sequence[_Class]) -> list[dict[str, Any]]:
        """One row for each cause with what may be."""
        by_cause: dict[int, list[_Class]] = {}
        for each in classes:
            by_cause.setdefault(each.cause, []).append(each)
        rows = []
        for cause, group in sorted(by_cause.items()):
            edit = self.edits[cause] if cause < len(self.edits) else None
            reasons = list(dict.fromkeys(reason for each in group for reason in each.reasons))
            why = [{"id": each.id, "reason": each.text, "settled_by": settled_by(each.id)} for each in reasons] or [{**NOT_FOUND}]
            numbers = ", ".join(dict.fromkeys(each["id"] for each in why))
            deciding = [edit.rule] if edit else []
            text = f"{mail_of(deciding, every=False)} {becomes('unknown', {}, {})} ({numbers}): {because(edit, (False, True), '')}."
            row: dict[str, Any] = {"kind": "unknown", "text": text, "when": section_of(deciding), "unknown": why}
            # A message of which all is known shows nothing.
            witness = next((each.witness for each in group if each.witness is not None and each.reasons), None)
            rows.append(row if witness is None else {**row, "witness": witness})
        return rows


def _no(model: Model, literals: Sequence[int], budget: int) -> bool:
    """Whether it is known that these cannot be true together."""
    return model.circuit.solver.solve(literals, budget, model.circuit.scope(literals)) is False


def _decides(kind: str, rule: FlowRule) -> bool:
    if kind == "branding_changed":
        return bool(rule.does(Does.BRAND))
    if kind in ("protection_lost", "protection_gained", "protection_changed"):
        return bool(rule.does(Does.ENCRYPT) or rule.does(Does.DECRYPT))
    return any(row.ends for row in rule.rows) or bool(rule.does(Does.MODERATE) or rule.does(Does.REDIRECT))


def _meant(edit: Edit, sides: tuple[Course, Course]) -> FlowRule:
    """The edited rule as it acts on the message: as it is now, or as it was."""
    was, now = _acted(edit, sides)
    return edit.before if edit.before is not None and was and not now else edit.rule


def _acted(edit: Edit | None, sides: tuple[Course, Course]) -> tuple[bool, bool]:
    if edit is None:
        return False, False
    found = []
    for rule, course in ((edit.before, sides[0]), (edit.after, sides[1])):
        found.append(rule is not None and any(rule.place == place for world in course.worlds for _held, place in world.matched))
    return found[0], found[1]


def _shown(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The stage at which the difference shows: as both are delivered, an approval or a release later."""
    for later in ("after_approval", "after_release"):
        if later in before and later in after and before["fate"] == after["fate"]:
            return _shown(kind, before[later], after[later])
    return before, after


def _merged(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without those that say the same."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["text"], row)
    return list(found.values())


def _cut_short() -> dict[str, Any]:
    text = "Not all mail was looked at: there are more classes, or the rules are harder to decide, than the budget allows."
    return {"kind": "unknown", "text": text, "when": {}, "unknown": [{**BUDGET}]}
