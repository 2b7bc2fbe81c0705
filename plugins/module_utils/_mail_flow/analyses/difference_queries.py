# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries to a model about a difference: what differs, and which edit is the cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..._resources.rules.action_effects import Does
from ..conditions.keys import Key
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_added_copies import AddedCopies
from ..symbolic.compile_outcomes import Copies
from ..symbolic.encoding import Model
from ..symbolic.side import Side
from .aspects import Aspect, DifferenceKind
from .attribution import (
    DECIDING,
    Acts,
    CauseParts,
    Causes,
    CutPoints,
    Deciding,
    Part,
    Turn,
    acts_of,
    acts_on_added,
    decides,
    leaves_one_set,
)
from .difference_kinds import categories
from .rule_changes import Edit


@dataclass(frozen=True)
class CopyQueries:
    """The queries about a person's copies on a side.

    :param copies: the copies before and after.
    :param kinds: by kind, the literal that is true if a message shows it.
    :param causes: by aspect and edit, the literal that is true if the edit is the cause.
    :param parts: by aspect, the parts of the causes.
    """

    copies: tuple[Copies, Copies]
    kinds: Mapping[DifferenceKind, Literal]
    causes: Mapping[Aspect, Sequence[Literal]]
    parts: Mapping[Aspect, CauseParts]

    def cause(self, kind: DifferenceKind, place: int) -> Literal:
        """The literal that is true if an edit is the cause of a difference, if there is one of this kind."""
        return self.causes[kind.aspect][place]

    def of_class(self, kind: DifferenceKind, place: int, part: Part) -> list[Literal]:
        """Literals that are true together if a message is one of a class."""
        return [self.cause(kind, place), self.kinds[kind], self.part(kind, place, part)]

    def part(self, kind: DifferenceKind, place: int, part: Part) -> Literal:
        """The literal that is true if a message is of a part of a kind and a cause, if it is one of these."""
        return self.parts[kind.aspect].literal(place, part)

    def parts_of(self, kind: DifferenceKind, place: int) -> Mapping[Part, tuple[Literal, Literal]]:
        """The possible parts of a kind and a cause, each with the literals of its mail."""
        return self.parts[kind.aspect].parts(place)

    def some_part(self, kind: DifferenceKind, place: int) -> tuple[Literal, Literal]:
        """Two literals that are true together if a message is of some part of a kind and a cause."""
        return self.parts[kind.aspect].some(place)

    def kinds_by_cause(self, kinds: Sequence[DifferenceKind], place: int) -> dict[Literal, list[DifferenceKind]]:
        """The possible kinds with an edit as their cause, by the literal for that cause."""
        by_cause: dict[Literal, list[DifferenceKind]] = {}
        for kind in kinds:
            cause = self.cause(kind, place)
            if FALSE not in (cause, self.kinds[kind]):
                by_cause.setdefault(cause, []).append(kind)
        return by_cause


class DifferenceQueries:
    """The queries to a model, built on first use.

    :param options: the options of protection that rules ask for.
    :param turns: the rules of both sets.
    """

    def __init__(self, model: Model, edits: Sequence[Edit], options: Sequence[str], turns: Sequence[Turn]) -> None:
        self.model = model
        self.edits = edits
        self._options = options
        self.turns = turns
        self._queries_by_side: dict[tuple[bool, str], CopyQueries] = {}
        self._leaves_one_set: dict[bool, Sequence[Value]] = {}

    def about_copies(self, side: Side, person: str = "") -> CopyQueries:
        """The queries about the recipient's copy on a side, or about the copies of a person whom rules add."""
        known = self._queries_by_side.get((side.logic.free, person))
        if known is None:
            known = self._queries_by_side[side.logic.free, person] = (
                self._about_added(side, person) if person else self._about_recipient(side)
            )
        return known

    def refined(self, keys: Iterable[Key]) -> DifferenceQueries:
        """These queries to a model that also has recipients for some keys."""
        return DifferenceQueries(self.model.refined(keys), self.edits, self._options, self.turns)

    def free(self, person: str = "") -> CopyQueries:
        """The queries with unknown values as free variables."""
        return self.about_copies(self.model.free, person)

    def added(self, side: Side, place: int) -> AddedCopies:
        """The added copies to compare. A second copy of a person is none of them: only open questions cause one, and nothing
        would be known about it.
        """
        return self.model.added(side, place, shared=False)

    def kinds_of_unfollowed(self, alike: tuple[FlowRule, FlowRule]) -> tuple[Literal, Sequence[Literal]]:
        """Whether copies that a rule makes in both sets for people whom it does not name by address may be treated differently;
        and by edit, whether its rule acts on such a copy, or on the one that it is made from.

        :param alike: the rule in each set.
        """
        side = self.model.free
        compiler = self.model.compiler_of_added(side)
        made = [compiler.made_by(outcome, rule.place) for outcome, rule in zip(side.outcomes, alike, strict=True)]
        old, new = (Copies(side.logic, [(copy.when, copy.outcome) for copy in copies]) for copies in made)
        kinds = categories(old, new, self._options, transit=self.model.transit).values()
        acts: list[Literal] = []
        for edit in self.edits:
            values = [
                chain.acts(version) | side.logic.any_of([copy.outcome.chain.acts(version) for copy in copies])
                for version, chain, copies in zip((edit.before, edit.after), side.chains, made, strict=True)
                if version is not None
            ]
            acts.append(high(side.logic.any_of(values)))
        return side.logic.circuit.disjunction(map(high, kinds)), acts

    def _about_recipient(self, side: Side) -> CopyQueries:
        old, new = (Copies(side.logic, [(TRUE, outcome)]) for outcome in side.outcomes)
        deciding = self._deciding(side, old, new)
        acts_deciding = {
            aspect: [decides(outcome, aspect, deciding) for outcome in side.outcomes] for aspect in self._aspects
        }
        acts = [acts_of(outcome) for outcome in side.outcomes]
        queries = self._queries(side, old, new, acts, acts_deciding, self._other_cause(side), added=False)
        if self._only_rules_differ:
            chains = [(chain, self.added(side, place)) for place, chain in enumerate(side.chains)]
            same = [
                (turn.before, turn.after)
                for turn in self.turns
                if turn.edit < 0 and turn.before is not None and turn.after is not None
            ]
            cuts = CutPoints(self.edits, self.leaves_one_set(side), same, chains)
            side.logic.circuit.helps(cuts.guard, queries.kinds.values())
        return queries

    def _about_added(self, side: Side, person: str) -> CopyQueries:
        copies = [self.added(side, place).copies_of(person) for place in (0, 1)]
        old, new = (Copies(side.logic, [(copy.when, copy.outcome) for copy in side_copies]) for side_copies in copies)
        deciding = self._deciding(side, old, new)
        both = list(zip(side.outcomes, copies, strict=True))
        acts_deciding: dict[Aspect, list[Acts]] = {}
        for aspect in self._aspects:
            acts_on = partial(decides, aspect=aspect, deciding=deciding, more=(Does.ADD,))
            acts_deciding[aspect] = [acts_on_added(outcome, copies_of_set, acts_on) for outcome, copies_of_set in both]
        acts = [acts_on_added(outcome, copies_of_set, acts_of) for outcome, copies_of_set in both]
        # If a person has several copies, another one may be treated differently than before.
        other_cause = self._other_cause(side) if all(len(side_copies) < 2 for side_copies in copies) else TRUE
        return self._queries(side, old, new, acts, acts_deciding, other_cause, added=True)

    def _deciding(self, side: Side, old: Copies, new: Copies) -> Deciding:
        leaving = zip(self.edits, self.leaves_one_set(side), strict=True)
        by_rule = {id(rule): value for edit, value in leaving for rule in (edit.before, edit.after) if rule is not None}
        pairs = ((old.protected, new.protected), (old.smime, new.smime))
        return Deciding(by_rule, side.logic.any_of([~side.logic.equal(*pair) for pair in pairs]))

    def _other_cause(self, side: Side) -> Literal:
        """The literal of other possible causes of a difference: settings, or that others leave the copy."""
        if not self._only_rules_differ:
            return TRUE
        known = high if side.logic.free else low
        return side.logic.circuit.disjunction(map(known, self.leaves_one_set(side)))

    def leaves_one_set(self, side: Side) -> Sequence[Value]:
        """Whether somebody leaves the copy in one rule set only, as far as an edit decides, for each edit."""
        known = self._leaves_one_set.get(side.logic.free)
        if known is None:
            known = self._leaves_one_set[side.logic.free] = leaves_one_set(
                side.other_recipients, self.edits, side.chains
            )
        return known

    @property
    def _aspects(self) -> list[Aspect]:
        """The aspects of mail that may differ."""
        return [aspect for aspect in DECIDING if aspect is not Aspect.TRANSIT or self.model.transit]

    @property
    def _only_rules_differ(self) -> bool:
        """Whether only rules differ. Then mail that no edit acts on or splits differently is treated alike: the
        other rules see the same, apply to the same people, and do the same, one after the other.
        """
        return not self.model.settings_that_differ

    def _queries(
        self,
        side: Side,
        old: Copies,
        new: Copies,
        acts: Sequence[Acts],
        acts_deciding: Mapping[Aspect, Sequence[Acts]],
        other_cause: Literal,
        *,
        added: bool,
    ) -> CopyQueries:
        known = high if side.logic.free else low
        kinds = {
            kind: known(value)
            for kind, value in categories(old, new, self._options, transit=self.model.transit).items()
        }
        parts = {
            aspect: CauseParts(side.logic, self.edits, self.turns, aspect, acts, decide, added=added)
            for aspect, decide in acts_deciding.items()
        }
        first = {
            aspect: Causes(side.logic, self.edits, aspect, decide, other_cause).literals
            for aspect, decide in acts_deciding.items()
        }
        causes = {aspect: parts[aspect].causes(literals) for aspect, literals in first.items()}
        return CopyQueries((old, new), kinds, causes, parts)


@dataclass(frozen=True)
class DifferenceSearch:
    """The queries of a search for differences in a model of two rule sets, and its budget.

    :param about: the ids of the assumptions that the edits are about: mail that does not meet them is affected.
    :param budget: the maximum number of conflicts for all questions together.
    """

    queries: DifferenceQueries
    about: Collection[str]
    budget: int

    @property
    def model(self) -> Model:
        """The model, of both rule sets."""
        return self.queries.model

    @property
    def edits(self) -> Sequence[Edit]:
        """What differs between the rule sets."""
        return self.queries.edits

    @property
    def turns(self) -> Sequence[Turn]:
        """The rules of both sets."""
        return self.queries.turns

    def passed_by(self, edit: Edit) -> tuple[list[FlowRule], list[FlowRule]]:
        """The rules that are before a moved one in one rule set and behind it in the other: those before it in the first set, as they
        are there, and those before it in the second.
        """
        if edit.before is None or edit.after is None:
            return [], []
        both = [(turn.before, turn.after) for turn in self.turns if turn.before is not None and turn.after is not None]
        first = (edit.before.place, edit.after.place)
        return (
            [was for was, now in both if was.place < first[0] and now.place > first[1]],
            [now for was, now in both if now.place < first[1] and was.place > first[0]],
        )

    @property
    def remaining(self) -> int:
        """The number of conflicts that remain; 0 or less if none does."""
        return self.budget - self.model.circuit.solver.conflicts

    def about_copies(self, person: str = "") -> CopyQueries:
        """The queries about a person's copies, with unknown values as free variables."""
        return self.queries.free(person)

    def solve(self, literals: Sequence[Literal]) -> bool | None:
        """Whether a message can satisfy literals; ``None`` if the budget ends first."""
        return self.model.circuit.solve(literals, self.remaining) if self.remaining > 0 else None

    def refined(self, keys: Iterable[Key], budget: int) -> DifferenceSearch:
        """This search in a model that also has recipients for some keys.

        :param budget: the maximum number of conflicts.
        """
        return replace(self, queries=self.queries.refined(keys), budget=budget)
