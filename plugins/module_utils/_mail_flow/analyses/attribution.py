# SPDX-License-Identifier: GPL-3.0-or-later
"""Which edit is the cause of a difference, and what is the same in both rule sets before it.

The effect of an edit has parts: by the version of its rule that acts, and by the later rule that no longer acts, or
newly acts. The parts of a kind and a cause exclude each other, and cover all of its mail. All mail of a part meets the
conditions of both rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..actions.copy_state import CopyState
from ..actions.deliver import FATES
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..symbolic.compile_added_copies import AddedCopies, AddedCopy
from ..symbolic.compile_outcomes import Outcome
from ..symbolic.compile_recipients import OtherRecipientsFormulas
from ..symbolic.compile_rules import RuleChain, RuleStep, may_affect_copies
from ..symbolic.logic import Logic
from .aspects import Aspect
from .rule_changes import Edit, unedited

#: How somebody gets a copy: the number of a rule that is the same in both sets, whom it adds, and whether it redirects.
_Turn = tuple[int, str, bool]

#: Whether a rule acts on a copy.
Acts = Callable[[FlowRule], Value]

#: Aspect of mail to the sorts of actions that decide about it, in addition to those that change what later rules see or
#: whether they are reached.
DECIDING: dict[Aspect, frozenset[Does]] = {
    Aspect.PROTECTION: frozenset((Does.ENCRYPT, Does.DECRYPT, *FATES)),
    Aspect.BRANDING: frozenset((Does.BRAND, *FATES)),
    Aspect.DELIVERY: frozenset((Does.MODERATE, *FATES)),
    Aspect.TRANSIT: frozenset((Does.ROUTE, *FATES)),
}


@dataclass(frozen=True)
class Deciding:
    """Determines what an edited rule may decide, in one comparison of somebody's copies.

    :param leaves_one_set: rule by its ``id`` to whether somebody leaves the copy in one rule set only, as far as it
        decides.
    :param protection: whether the protection differs, on which the branding depends.
    """

    leaves_one_set: Mapping[int, Value]
    protection: Value


def acts_of(outcome: Outcome) -> Acts:
    """Whether rules act on a copy."""
    return outcome.chain.acts


def decides(outcome: Outcome, aspect: Aspect, deciding: Deciding, more: Iterable[Does] = ()) -> Acts:
    """Whether rules act on a copy in a way that may decide about an aspect.

    :param more: further sorts of actions that decide about it.
    """
    chain = outcome.chain
    logic = outcome.logic
    sorts = DECIDING[aspect].union(more)

    def acts(rule: FlowRule) -> Value:
        does = rule.actions.sorts if rule.actions.enforced else frozenset[Does]()
        if does & sorts or rule.actions.surprises:
            return chain.acts(rule)
        perhaps = [deciding.leaves_one_set.get(id(rule), FALSE)]
        if aspect is Aspect.DELIVERY and Does.ENCRYPT in does:  # Mail that cannot be protected may be refused.
            perhaps.append(outcome.by_rules.may_be_refused)
        if aspect is Aspect.BRANDING and does & {Does.ENCRYPT, Does.DECRYPT}:
            perhaps.append(deciding.protection)
        return chain.steers(rule) | (chain.acts(rule) & logic.any_of(perhaps))

    return acts


def acts_on_added(outcome: Outcome, copies: Sequence[AddedCopy], acts_on: Callable[[Outcome], Acts]) -> Acts:
    """Whether a rule acts on any copy of somebody whom rules add, and on the recipient's copy before that; on the recipient's,
    if there is no other.

    :param acts_on: whether rules act on one copy.
    """
    logic = outcome.logic
    first = acts_on(outcome)
    every = [(copy.when, _acts_up_to(copy, first, acts_on)) for copy in copies]
    none = logic.all_of([~copy.when for copy in copies])
    return lambda rule: logic.any_of([none & first(rule), *(when & acts(rule) for when, acts in every)])


def _acts_up_to(copy: AddedCopy, first: Acts, acts_on: Callable[[Outcome], Acts]) -> Acts:
    """Whether rules act on an added copy, or, before it was made, on the copies of which it was made."""
    before = first if copy.made_of is None else _acts_up_to(copy.made_of, first, acts_on)
    own = acts_on(copy.outcome)
    return lambda rule: before(rule) if rule.place <= copy.rule.place else own(rule)


def leaves_one_set(
    other_recipients: OtherRecipientsFormulas, edits: Sequence[Edit], chains: Sequence[RuleChain]
) -> list[Value]:
    """For each edit, whether somebody leaves the copy in only one of the two rule sets, as far as the edit decides."""
    leaving: list[Value] = []
    for edit in edits:
        both = zip((edit.before, edit.after), chains, strict=True)
        splits = [chain.splits[id(rule)] for rule, chain in both if rule is not None and id(rule) in chain.splits]
        leaving.append(other_recipients.leaves_one_set(splits, in_place=edit.does_the_same()) if splits else FALSE)
    return leaving


class Causes:
    """Whether each edit is the first that acts differently on a message in a way that may decide about an aspect.

    If nothing is open, exactly one cause is true of a message. Otherwise a cause is true if it certainly is the one:
    the edit certainly acts, and none before it possibly does.

    :param acts: by rule set, whether a rule acts in a way that may decide about the aspect.
    :param otherwise: other possible causes; all other mail on which no edit acts differently is certainly treated
        alike.

    ``literals`` has one for each edit; the last one means that no edited rule acts differently and another cause exists.
    """

    def __init__(
        self, logic: Logic, edits: Sequence[Edit], aspect: Aspect, acts: Sequence[Acts], otherwise: Literal
    ) -> None:
        self.literals: list[Literal] = []
        none = TRUE
        for edit in edits:
            surely, possibly = _differs(logic, edit, acts, alike=edit.does_the_same(aspect))
            self.literals.append(surely & none)
            none &= ~possibly
        self.literals.append(none & otherwise)


class CutPoints:
    """Cuts between the chains of two rule sets: while no edit steers mail apart, a rule that is the same in both is
    reached in both or in neither, and acts in both or in neither. Only if nothing but rules differs.

    The other clauses imply these, but the solver would have to find them for each rule and question again.

    :param one_sided: whether somebody leaves the copy in one rule set only, by edit.
    :param alike: the rules that are the same in both sets, as they are in each.
    :param sides: by rule set, the chain of the recipient's copy, and the copies that rules add.

    ``guard`` is true if nothing steers the recipient's copy apart.
    """

    def __init__(
        self,
        edits: Sequence[Edit],
        one_sided: Sequence[Value],
        alike: Sequence[tuple[FlowRule, FlowRule]],
        sides: Sequence[tuple[RuleChain, AddedCopies]],
    ) -> None:
        self._edits = edits
        self._one_sided = one_sided
        self._alike = alike
        names = {id(rule): place for place, both in enumerate(alike) for rule in both}
        (before, old), (after, new) = sides
        first = _CutPoint((before, after), TRUE)
        guards: dict[tuple[_Turn, ...], list[tuple[float, Literal]]] = {(): self._along(first, -1)}
        self.guard = first.guard
        first.end([edit.before for edit in edits], [edit.after for edit in edits])
        others = {way: copy for copy in old.copies if (way := _way(copy, names)) is not None}
        for copy in new.copies:
            way = _way(copy, names)
            if way is not None and way in others:
                reached = next(guard for place, guard in reversed(guards[way[:-1]]) if place <= copy.rule.place)
                guards[way] = self._along(
                    _CutPoint((others[way].outcome.chain, copy.outcome.chain), reached), copy.rule.place
                )

    def _along(self, cut: _CutPoint, start: int) -> list[tuple[float, Literal]]:
        """Cuts two chains that begin after a place of the second set.

        :returns: from each place on, the literal that is true if nothing has steered the mail apart before.
        """
        guards: list[tuple[float, Literal]] = [(start, cut.guard)]
        todo = deque(both for both in self._alike if both[1].place > start)
        for edit, one_sided in zip(self._edits, self._one_sided, strict=True):
            while todo and todo[0][1].place < edit.place:
                cut.unedited(*todo.popleft())
            cut.edited(edit, one_sided)
            guards.append((edit.place, cut.guard))
        for both in todo:
            cut.unedited(*both)
        return guards


class _CutPoint:
    """A cut between two chains, from their beginnings on.

    :param guard: the literal that is true if nothing has steered the mail apart before; it becomes stronger with each edit.
    """

    def __init__(self, chains: tuple[RuleChain, RuleChain], guard: Literal) -> None:
        self.guard = guard
        self._chains = chains
        self._logic = chains[0].logic
        self._other_recipients = chains[0].other_recipients

    def edited(self, edit: Edit, one_sided: Value) -> None:
        """Continues with an edited rule.

        :param one_sided: whether somebody leaves the copy in one rule set only.
        """
        if edit.does_the_same() and edit.before is not None and edit.after is not None:
            self._share(*self._steps(edit.before, edit.after))
        self._unless(
            _differs(self._logic, edit, [chain.steers for chain in self._chains], alike=edit.does_the_same())[1]
        )
        self._unless(high(one_sided))

    def unedited(self, *both: FlowRule) -> None:
        """Continues with a rule that is the same in both sets."""
        steps = self._steps(*both)
        self._share(*steps)
        for values in zip(*((step.alive, step.acts) for step in steps), strict=True):
            self._equate(*values)

    def end(self, *versions: Sequence[FlowRule | None]) -> None:
        """Adds that the copies of two whole chains end alike, except for the effects of edited rules: all others have
        the same effects in both.

        :param versions: the edited rules, by set.
        """
        circuit, chains = self._logic.circuit, self._chains
        ends = [_ends(chain.state) for chain in chains]
        for which, other in ((0, 1), (1, 0)):
            rules = [rule for rule in versions[which] if rule is not None]
            for (does, name), value in ends[which].items():
                acting = [high(chains[which].acts(rule)) for rule in rules if rule.actions.does(does)]
                for bound in (low, high):
                    circuit.follows(~self.guard, ~bound(value), bound(ends[other].get((does, name), FALSE)), *acting)

    def _unless(self, literal: Literal) -> None:
        self.guard &= ~literal

    def _steps(self, *both: FlowRule) -> list[RuleStep]:
        """The steps of a rule in both chains; none if it has no effect on copies, or the copy meets it in at most one
        of them.
        """
        steps = [step for rule, chain in zip(both, self._chains, strict=True) if (step := chain.step(rule)) is not None]
        return steps if len(steps) == len(both) and may_affect_copies(both[0], watched=False) else []

    def _share(self, *steps: RuleStep) -> None:
        """Adds that the same people share the copy that reaches two steps."""
        if steps:
            self._other_recipients.equate(self.guard, *(step.seen.splits for step in steps))

    def _equate(self, was: Value, now: Value) -> None:
        """Adds that two values are the same."""
        for one, other in ((low(was), low(now)), (high(was), high(now))):
            if one != other:
                self._logic.circuit.follows(~self.guard, ~one, other)
                self._logic.circuit.follows(~self.guard, one, ~other)


def _ends(state: CopyState) -> dict[tuple[Does, str], Value]:
    """What rules did to a copy, by the sort of action that does it."""
    ends: dict[tuple[Does, str], Value] = {
        (does, fate): state.fates[fate] for does, fate in FATES.items() if fate in state.fates
    }
    ends.update({(Does.ENCRYPT, name_key(option)): value for option, value in state.asked.items()})
    ends.update({(Does.BRAND, name_key(brand)): value for brand, value in state.brands.items()})
    ends.update({(Does.MODERATE, str(number)): value for number, value in enumerate(state.held)})
    ends.update({(Does.ROUTE, connector): value for connector, value in state.routes.items()})
    return {**ends, (Does.DECRYPT, ""): state.removed, (Does.ROUTE, ""): state.requires_tls}


def _way(copy: AddedCopy, names: Mapping[int, int]) -> tuple[_Turn, ...] | None:
    """The rules by which somebody gets a copy, and whom they add; ``None`` if they are not the same in both sets."""
    before = () if copy.made_of is None else _way(copy.made_of, names)
    name = names.get(id(copy.rule))
    return None if before is None or name is None else (*before, (name, copy.address, copy.instead))


def _differs(logic: Logic, edit: Edit, acts: Sequence[Acts], *, alike: bool) -> tuple[Literal, Literal]:
    """The literals that are true if an edit certainly, and if it possibly, acts differently on a message.

    :param acts: by rule set, whether a rule acts.
    :param alike: whether both versions of the rule do the same; otherwise it differs wherever one of them acts.
    """
    was, now = (
        FALSE if rule is None else acts_in_set(rule)
        for acts_in_set, rule in zip(acts, (edit.before, edit.after), strict=True)
    )
    differs = ~logic.equal(was, now) if alike else was | now
    return low(differs), high(differs)


#: Marks for no later rule, and for any later rule without a part of its own.
OWN, ANY = -1, -2

#: Aspect of mail to the sorts of actions that affect it directly.
_DIRECT_ACTIONS: dict[str, frozenset[Does]] = {
    Aspect.PROTECTION: frozenset((Does.ENCRYPT, Does.DECRYPT)),
    Aspect.BRANDING: frozenset((Does.BRAND, Does.ENCRYPT, Does.DECRYPT)),
    Aspect.DELIVERY: frozenset((Does.MODERATE, *FATES)),
    Aspect.TRANSIT: frozenset((Does.ROUTE,)),
}


def does_something(rule: FlowRule, aspect: Aspect, *, added: bool = False) -> bool:
    """Whether a rule affects an aspect of mail directly.

    :param added: whether it is about the copies of somebody whom rules add.
    """
    sorts = _DIRECT_ACTIONS[aspect] | ({Does.ADD, Does.REDIRECT} if added and aspect is Aspect.DELIVERY else set())
    return rule.enforces(*sorts)


@dataclass(frozen=True)
class Turn:
    """A rule in its two rule sets.

    :param place: where mail meets it, as a place in the second set.
    :param edit: the place of its edit; -1 if it is the same in both.
    """

    before: FlowRule | None
    after: FlowRule | None
    place: float
    edit: int = -1

    def does_the_same(self, edits: Sequence[Edit], aspect: Aspect) -> bool:
        """Whether both versions do the same."""
        return self.edit < 0 or edits[self.edit].does_the_same(aspect)

    def version(self, *, now: bool) -> FlowRule | None:
        """The rule as it is now, or as it was."""
        return self.after if now else self.before


def turns_of(edits: Sequence[Edit], before: RuleSet, after: RuleSet) -> list[Turn]:
    """The rules of two sets, in the order in which mail meets them."""
    turns = [Turn(edit.before, edit.after, edit.place, place) for place, edit in enumerate(edits)]
    turns += [Turn(one, other, other.place) for one, other in unedited(before, after)]
    return sorted(turns, key=lambda turn: turn.place)


@dataclass(frozen=True)
class Part:
    """A part of what an edit causes.

    :param now: whether the rule acts as it is now; otherwise it only did as it was. ``None`` if no edited rule is the
        cause.
    :param first_to_differ: the place among the turns of the first later rule that acts in one rule set only,
        :data:`OWN` if none does, :data:`ANY` for any.
    :param acts: whether it newly acts; otherwise it no longer does.
    :param others: the separate parts that :data:`ANY` excludes.
    """

    now: bool | None
    first_to_differ: int = OWN
    acts: bool = False
    others: tuple[Part, ...] = ()

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """The position of the part among those of a cause: in the order in which mail meets them, with all others last."""
        return self.now is not True, self.first_to_differ == ANY, self.first_to_differ, not self.acts


#: The part that is all mail of a cause.
WHOLE = Part(None, ANY)


class CauseParts:
    """The parts of causes, for an aspect of somebody's copies.

    :param acts: by rule set, whether a rule acts at all, and :param:`decides`: in a way that may decide.
    """

    def __init__(
        self,
        logic: Logic,
        edits: Sequence[Edit],
        turns: Sequence[Turn],
        aspect: Aspect,
        acts: Sequence[Acts],
        decides: Sequence[Acts],
        *,
        added: bool = False,
    ) -> None:
        self._logic = logic
        self._edits = edits
        self._turns = turns
        self._aspect = aspect
        self._acts = acts
        self._decides = decides
        self._added = added
        self._divergences: dict[Part, Literal] | None = None
        self._begins: list[Literal] = []  # that an edited rule may newly affect the aspect
        self._known: dict[int, dict[Part, tuple[Literal, Literal]]] = {}

    def parts(self, cause: int) -> dict[Part, tuple[Literal, Literal]]:
        """The parts of a cause, each with the two literals that are true of its mail: which version of the rule acts,
        and what acts first. Only those that are possible at all.
        """
        known = self._known.get(cause)
        if known is None:
            known = self._known[cause] = self._possible_parts(cause)
        return known

    def some(self, cause: int) -> tuple[Literal, Literal]:
        """Two literals that are true together if a message is of some part of a cause."""
        circuit = self._logic.circuit
        return circuit.disjunction(self._versions(cause).values()), circuit.disjunction(
            self._first_divergence().values()
        )

    def causes(self, first_edits: Sequence[Literal]) -> list[Literal]:
        """The causes. If the first rule that affects the aspect in only one set is an edited rule that newly does so,
        that is the cause, and not an earlier edit, which may decide what others do.

        :param first_edits: the first edit of those that may decide, by edit, and that none is.
        """
        circuit = self._logic.circuit
        first = self._first_divergence()
        own = {
            turn.edit: first.get(Part(None, place, acts=True), FALSE)
            for place, turn in enumerate(self._turns)
            if turn.edit >= 0
        }
        none = ~circuit.disjunction(own.values() if self._logic.free else self._begins)
        return [own.get(place, FALSE) | (literal & none) for place, literal in enumerate(first_edits)]

    def literal(self, cause: int, part: Part) -> Literal:
        """The literal that is true if a message is of a part."""
        if part.first_to_differ != ANY:
            return self._logic.circuit.conjunction(self.parts(cause).get(part, (FALSE,)))
        others = (~self.literal(cause, other) for other in part.others)
        version = TRUE if part.now is None else self._versions(cause)[part.now]
        return self._logic.circuit.conjunction((version, *others))

    def _possible_parts(self, cause: int) -> dict[Part, tuple[Literal, Literal]]:
        first = self._first_divergence()
        mine = {
            part for part in first if part.first_to_differ == OWN or self._turns[part.first_to_differ].edit == cause
        }
        parts = [(OWN, False, self._logic.circuit.disjunction([first[part] for part in mine]))]
        parts += [(part.first_to_differ, part.acts, literal) for part, literal in first.items() if part not in mine]
        return {
            Part(now, divergence, acts): (version, literal)
            for now, version in self._versions(cause).items()
            for divergence, acts, literal in parts
            if FALSE not in (version, literal) and version != ~literal
        }

    def _versions(self, cause: int) -> dict[bool | None, Literal]:
        """Which version of the edited rule acts, to its literal."""
        if cause == len(self._edits):
            return {None: TRUE}
        edit = self._edits[cause]
        was, now = (
            FALSE if rule is None else decides(rule)
            for rule, decides in zip((edit.before, edit.after), self._decides, strict=True)
        )
        return {True: low(now), False: low(was) & ~high(now)}

    def _first_divergence(self) -> dict[Part, Literal]:
        """The first rule that affects the aspect, and acts in only one set, or does something else. One that acts in both is
        none, although what later rules see of it matters in one set only.
        """
        if self._divergences is not None:
            return self._divergences
        none = TRUE
        divergences: dict[Part, Literal] = {}
        for place, turn in enumerate(self._turns):
            was, now = (
                self._affects(rule, which, self._decides) for which, rule in enumerate((turn.before, turn.after))
            )
            acted, acts = (
                self._affects(rule, which, self._acts) for which, rule in enumerate((turn.before, turn.after))
            )
            begins = now & ~acted if turn.does_the_same(self._edits, self._aspect) else now
            ends = was & ~acts
            if was == now == FALSE:
                continue
            self._begins += [high(begins)] if turn.edit >= 0 else []
            divergences[Part(None, place, acts=True)] = low(begins) & none
            divergences[Part(None, place)] = low(ends) & none
            none &= ~high(begins) & ~high(ends)
        divergences[Part(None)] = none
        self._divergences = {part: literal for part, literal in divergences.items() if literal != FALSE}
        return self._divergences

    def _affects(self, rule: FlowRule | None, which: int, acts: Sequence[Acts]) -> Value:
        """Whether a rule of a set acts on a message and so affects the aspect directly."""
        if rule is None or not does_something(rule, self._aspect, added=self._added):
            return FALSE
        return acts[which](rule)
