# SPDX-License-Identifier: GPL-3.0-or-later
"""What exempts mail that a sentence names from a change of side effects: other rules, other connectors, and its recipients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..._exchange.names import name_key
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import Literal, Value, high
from ..rules.flow_rule import FlowRule
from ..sat.batch import KnownModels
from ..symbolic.compile_outcomes import taken_by
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import contradicted_assumptions
from .difference_kinds import assumed, unusual
from .exempting_rules import Exemptions, by_tense, exempting_readable, exempting_rules, keeping_unusual
from .finding import Exempting, SideEffect
from .rule_changes import Separation
from .rule_effects import ENDING, RuleEffect, ways_it_keeps
from .rule_ends import ended_by


@dataclass(frozen=True)
class NamedRule:
    """A rule whose conditions named mail meets.

    :param which: its rule set.
    :param named: the rule with the conditions and exceptions that a sentence names of mail as it arrives.
    :param changed: its other conditions, which earlier rules change, each with the names of these rules.
    """

    which: int
    rule: FlowRule
    named: FlowRule
    changed: Mapping[Atom, tuple[str, ...]]

    def with_condition(self, *met: Atom) -> NamedRule:
        """The same with a condition that is true of mail as it arrives."""
        changed = {atom: names for atom, names in self.changed.items() if atom not in met}
        return replace(self, named=self.named.with_criteria((*self.named.criteria.conditions, *met)), changed=changed)


@dataclass(frozen=True)
class StatedEffects:
    """A change of side effects, as a sentence states it.

    :param rule: the rule that has them, in the rule set :param:`which` alone.
    :param why: what is true of it, too.
    :param treated: the literal that is true if mail is treated as the sentence says.
    :param anyway: the rules that have one of the effects in the other set, each with the literal that is true if mail has it there.
    """

    rule: FlowRule
    which: int
    effects: Sequence[SideEffect]
    about: Sequence[NamedRule]
    why: Separation
    treated: Literal
    anyway: Sequence[tuple[FlowRule, Literal]]


class SideEffectExemptions:
    """Finds what exempts named mail from changes of side effects.

    :param solve: whether a message can satisfy literals; ``None`` if the budget ends first.
    """

    def __init__(self, model: Model, solve: Callable[[Sequence[Literal]], bool | None]) -> None:
        self._model = model
        self._known = KnownModels(model.circuit, solve)

    def of_change(self, stated: StatedEffects) -> tuple[Exemptions, tuple[Atom, ...]]:
        """What exempts named mail from a change, and the exceptions that some mail meets which would be named without them. The limit
        is ``""`` (nothing beside rules), ``smime`` (it arrives encrypted so), ``inside`` (its recipients are), ``unmanaged`` (its
        sender has no manager), or ``some`` (it is open).
        """
        named_or_exempt = self._named_or_exempt(stated)
        exceptions = self._exceptions(stated, named_or_exempt or [])
        if named_or_exempt is None:
            return Exemptions("some"), exceptions
        named = [*named_or_exempt, *self._without_exceptions(stated)]
        exempt = [*named, ~stated.treated]
        candidates = self._candidates(stated)
        rest = [*exempt, *(~acts for acts in candidates.values())]
        limit, literals = self._limit([*named, stated.treated], rest)
        if limit:
            found = Exemptions(limit, *exempting_rules(self._known, [*exempt, *literals], candidates))
        else:
            smime = self._model.mail.arrival["smime"]
            by_smime, by, other_ways = exempting_readable(self._known, exempt, candidates, smime)
            found = Exemptions("smime" if by_smime else "", by, other_ways)
        mail = unusual(self._model, exempt) if limit != "some" else []
        if not mail:
            return found, exceptions
        keeping = keeping_unusual(self._known, [*mail, *literals], candidates, found, self._model.rule_sets)
        return replace(found, keep_unusual=keeping), exceptions

    def _limit(self, treated: Sequence[Literal], rest: Sequence[Literal]) -> tuple[str, list[Literal]]:
        """What exempts mail beside rules, and literals that are true together of mail that this does not exempt: some of it is treated
        as is said.

        :param treated: literals that are true together of named mail that is treated so.
        :param rest: literals that are true together of named mail that is not, and that no rule exempts.
        """
        if self._known.can(rest) is False:
            return "", []
        mail = self._model.mail
        limits = {
            "inside": high(self._model.free.conditions.scopes.leaves(mail.recipient)),
            "unmanaged": mail.sender.managed,
        }
        for limit, literal in limits.items():
            if self._known.can([*rest, literal]) is False and self._known.can([*treated, literal]):
                return limit, [literal]
        return "some", []

    def _named_or_exempt(self, stated: StatedEffects) -> list[Literal] | None:
        """Literals that are true together of the mail that a sentence names, and of such that meets the exceptions of its rules;
        ``None`` if it never meets one of the rules.
        """
        recipient = self._model.mail.recipient
        literals = self._assumed(stated)
        if stated.why:
            literals.append(self._model.free.conditions.may_meet_or_fail(stated.why.met, stated.why.unmet, recipient))
        for about in stated.about:
            chain = self._model.free.chains[about.which]
            step = chain.step(about.rule)
            if step is None:
                return None
            conditions = about.named.with_criteria(exceptions=())
            literals.append(high(chain.conditions.matches(conditions, step.name, SeenMessage(), recipient)))
            literals += [high(chain.conditions.truth(atom, step.seen, recipient)) for atom in about.changed]
        return literals

    def _without_exceptions(self, stated: StatedEffects) -> Iterator[Literal]:
        """Literals that are true together of mail that meets no exception of the rules that a sentence names."""
        recipient = self._model.mail.recipient
        for about in stated.about:
            chain = self._model.free.chains[about.which]
            step = chain.step(about.rule)
            if step is not None and about.named.criteria.exceptions:
                yield high(chain.conditions.matches(about.named, step.name, SeenMessage(), recipient))

    def _assumed(self, stated: StatedEffects) -> list[Literal]:
        """The assumptions about usual mail; if that is not treated as the sentence says, those about mail that rules do not distinguish
        from it.
        """
        about = contradicted_assumptions(atom for rule in stated.about for atom in rule.named.criteria.conditions)
        usual = assumed(self._model, about, usual=True)
        shown = self._known.can([*usual, stated.treated]) is not False
        return usual if shown else assumed(self._model, about, usual=False)

    def _exceptions(self, stated: StatedEffects, mail: Sequence[Literal]) -> tuple[Atom, ...]:
        """The exceptions that some mail meets which would be named without them: usual mail, or such that rules distinguish from it."""
        conditions, recipient = self._model.free.conditions, self._model.mail.recipient
        atoms = dict.fromkeys(atom for about in stated.about for atom in about.named.criteria.exceptions)
        kinds = [literals for literals in (mail, unusual(self._model, mail)) if literals]
        return tuple(
            atom
            for atom in atoms
            if not kinds
            or any(
                self._known.can([*literals, high(conditions.truth(atom, SeenMessage(), recipient))]) is not False
                for literals in kinds
            )
        )

    def _candidates(self, stated: StatedEffects) -> dict[Exempting, Literal]:
        """What may exempt mail, each with the literal that is true if it does something to it."""
        candidates: dict[Exempting, list[Value]] = {}
        for exempting, acts in self._other_connectors(stated):
            candidates.setdefault(exempting, []).append(acts)
        for rule, has in stated.anyway:
            candidates.setdefault(Exempting(rule.name, "repeats"), []).append(has)
        others = {
            exempting: self._model.circuit.disjunction(high(acts) for acts in every)
            for exempting, every in candidates.items()
        }
        return {**self._keeping(stated), **others}

    def _keeping(self, stated: StatedEffects) -> dict[Exempting, Literal]:
        """The rules that may keep mail from the rule, or its copies from the effects, each with the literal that is true if it acts. One
        that keeps mail from effects that were kept it so before the edit, and may do so now.
        """
        kept = self._keeping_in(stated, stated.which)
        if stated.which:
            return kept
        now = self._keeping_in(stated, 1)
        return by_tense(
            kept, {exempting: kept[exempting] & acts for exempting, acts in now.items() if exempting in kept}
        )

    def _keeping_in(self, stated: StatedEffects, which: int) -> dict[Exempting, Literal]:
        """The rules of a set that may keep mail from the rule, or its copies from the effects."""
        chain = self._model.free.chains[which]
        own = {about.rule.place for about in stated.about if about.which == which}
        effects = [RuleEffect(effect.sort, (effect.name,)) for effect in stated.effects]
        keeping: dict[Exempting, list[Value]] = {}
        for other in self._model.rule_sets[which].rules:
            if other.idle or other.place in own:
                continue
            for how in dict.fromkeys(how for effect in effects for how in ways_it_keeps(other, stated.rule, effect)):
                acts = ended_by(other, chain) if how in ENDING else chain.acts(other)
                keeping.setdefault(Exempting(other.name, how), []).append(acts)
        return {
            exempting: self._model.circuit.disjunction(high(acts) for acts in every)
            for exempting, every in keeping.items()
        }

    def _other_connectors(self, stated: StatedEffects) -> Iterator[tuple[Exempting, Value]]:
        """The connectors that may take mail instead, each with the value that is true if it may."""
        ways = {name_key(effect.name) for effect in stated.effects if effect.sort == "connector"}
        for taking in taken_by(self._model.free.chains[stated.which]) if ways else ():
            if name_key(taking.connector.name) not in ways:
                yield Exempting(taking.connector.name, "takes"), taking.when
