# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipient's copy on its path through the rules, as formulas.

One recipient is followed, whatever rules do. Moderation is not an end: an approval lets the copy continue. Who else
shares the copy matters only to conditions that look at all of its recipients.

Whether rules go on after a rejection is not documented (U10). The copy is gone anyway, but who is told of it depends on
that. So a rejected copy may go on, too, and shows in nothing but reports.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..._resources.rules.action_effects import Does
from ..actions.act import FormulaAct, FormulaScene
from ..actions.actions import FAMILIES
from ..actions.copy_state import CopyByRule, CopyState
from ..actions.deliver import reject
from ..actions.edit import insertion
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Value
from ..model import questions
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .address import AddressSlot
from .compile_conditions import Conditions
from .compile_recipients import OtherRecipientsFormulas, Split
from .compile_text_edits import TextEdits

#: What shows on no copy: who is told of it.
UNSEEN = frozenset((Does.REPORT, Does.DETAIL))


@dataclass
class CopiesOfChain:
    """The copies that the rules of a chain make of one.

    :param named: for others by the addresses that rules name; :param:`every`: for everybody to whom they send one.
    :param unfollowed: by the rule's place, the added people without an address.
    """

    named: list[CopyByRule] = field(default_factory=list)
    every: list[CopyByRule] = field(default_factory=list)
    unfollowed: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleStep:
    """A rule in the chain. Its match is compiled only on request, because nothing else depends on a rule without effect
    on copies.

    :param name: its unique name.
    :param alive: whether the copy is still being processed when it reaches the rule.
    :param rejected: whether it reaches the rule although it is rejected, and a rule from there on tells somebody.
    :param held: whether it reaches the rule only after an approval, if it does.
    :param seen: what it sees.
    """

    rule: FlowRule
    name: Hashable
    alive: Value
    rejected: Value
    held: Value
    seen: SeenMessage
    _chain: RuleChain

    @cached_property
    def matches(self) -> Value:
        """Whether the rule matches, if the copy reaches it."""
        chain = self._chain
        return chain.conditions.matches(self.rule, self.name, self.seen, chain.person, added=chain.address is not None)

    @cached_property
    def matches_alone(self) -> Value:
        """Whether the rule matches because of this copy, if the copy reaches it. A rule that matches other recipients may do to a
        copy that an earlier rule made what it does to theirs; a report or a request for approval is then about theirs alone.
        """
        chain = self._chain
        if chain.address is None:
            return self.matches
        return chain.conditions.matches(self.rule, self.name, self.seen, chain.person, added=True, as_to_others=False)

    @cached_property
    def acts(self) -> Value:
        """Whether the copy reaches the rule, and it matches."""
        return self.alive & self.matches

    @property
    def reached(self) -> Value:
        """Whether the copy reaches the rule; one that shows in what is told of rejected mail, also after a rejection."""
        shows = self._chain.shows_in_reports(self.rule)
        return self.alive | self.rejected if shows else self.alive


def may_affect_copies(rule: FlowRule, watched: bool) -> bool:
    """Whether a rule can affect any copy.

    :param watched: whether a condition depends on who shares a copy: then a rule that does nothing can also matter,
        because it splits copies.
    """
    return not rule.idle and bool(
        rule.actions.surprises
        or (watched and rule.criteria.splits)
        or (not rule.actions.sorts <= UNSEEN if rule.actions.enforced else Does.STOP in rule.actions.sorts)
    )


class RuleChain:
    """The rules of a set, in order.

    :param shared: the number of first rules that all rule sets share.
    :param branch: the copy to follow from there on; by default, that of the recipient whom the sender names.
    :param person: who gets the copy; :param:`address`: the primary address of somebody whom a rule adds.
    :param state: the state after the last one.
    :param splits: how rules change who shares the copy, by the rule's ``id``.
    :param copies: the copies that rules make of this one.
    :param scene: the context in which they act.
    """

    def __init__(
        self,
        rules: RuleSet,
        conditions: Conditions,
        other_recipients: OtherRecipientsFormulas,
        shared: int,
        branch: CopyByRule | None = None,
    ) -> None:
        self.rules = rules
        self.conditions = conditions
        self.logic = conditions.logic
        self.other_recipients = other_recipients
        self.shared = shared
        self.mail = conditions.mail
        self._last = len(rules.rules) - 1
        self._last_telling = max(rules.reports, default=-1)
        self.state = branch.state.copy() if branch else CopyState()
        self.person = self._owner(branch) if branch else conditions.mail.recipient
        self.address = branch.address if branch else None
        #: The place of the rule that makes the copy; before all rules if the sender does.
        self.made_at = branch.place if branch else -1
        self._steps: dict[int, RuleStep] = {}
        self.splits: dict[int, Split] = {}
        self.copies = CopiesOfChain()
        #: Rule's ``id`` to what is seen, and whether processing is over, before and after it, if it may change either.
        self._turns: dict[int, tuple[tuple[SeenMessage, Value], tuple[SeenMessage, Value]]] = {}
        self._texts = TextEdits(rules, conditions.mail, conditions.logic, conditions.text, shared)
        self.scene = FormulaScene(
            self.mail,
            self.logic,
            self.person,
            self.address,
            self._texts,
            rules.last_watching_protection,
            rules.headers,
            other_recipients.watched,
        )
        if branch is None:
            self._reject_encrypted()
        times: dict[Hashable, int] = {}
        for rule in rules.rules:
            known = (rule.name, rule.guid)
            times[known] = times.get(known, 0) + 1
            if not rule.idle and (branch is None or rule.place > branch.place):
                self._take(rule, (*known, times[known]))

    def _owner(self, branch: CopyByRule) -> AddressSlot:
        """The owner of the copy."""
        if branch.address:
            return self.mail.added_people.added(branch.address)
        return self.mail.added_people.one_of(
            self.logic,
            [address for address, _when in branch.people],
            branch.place,
            branch.instead,
            bool(branch.people),
        )

    @property
    def steps(self) -> Sequence[RuleStep]:
        """The rules that can act, first to last."""
        return list(self._steps.values())

    def step(self, rule: FlowRule) -> RuleStep | None:
        """The step of a rule; ``None`` if the copy never meets it."""
        return self._steps.get(id(rule))

    def acts(self, rule: FlowRule) -> Value:
        """Whether a rule acts on the copy."""
        step = self.step(rule)
        return FALSE if step is None else step.acts

    def discloses(self, rule: FlowRule) -> Value:
        """Whether a rule reports the copy, or asks somebody to approve it, and so shows it to them."""
        step = self.step(rule)
        return FALSE if step is None else step.alive & step.matches_alone

    def notifies(self, rule: FlowRule) -> Value:
        """Whether a rule reports the copy or notifies somebody of it, maybe after a rejection."""
        step = self.step(rule)
        return FALSE if step is None else step.reached & step.matches_alone

    def shows_in_reports(self, rule: FlowRule) -> bool:
        """Whether a rule tells somebody, or may change what later rules see, or whether they are reached."""
        return bool(rule.actions.does(Does.REPORT)) or id(rule) in self._turns or id(rule) in self.splits

    def steers(self, rule: FlowRule) -> Value:
        """Whether a rule, if it acts, may change what later rules see, or whether they are reached."""
        if id(rule) not in self._turns:
            return FALSE
        if rule.actions.surprises or rule.actions.is_final:
            return self.acts(rule)
        (seen, over), (seen_after, over_after) = self._turns[id(rule)]
        ends = FALSE if over == over_after else over_after & ~over
        return ends | (self.acts(rule) & self._texts.differ(seen, seen_after))

    def _reject_encrypted(self) -> None:
        """Exchange may reject mail protected by another organization's keys if it must decrypt arriving mail (U30)."""
        if self.conditions.must_decrypt:
            rejected = self.mail.arrival["other"] & self.logic.unknown(questions.UNREADABLE, "decrypted")
            self.state.fates[Fate.REJECTED] = self.state.over = rejected

    def _take(self, rule: FlowRule, name: Hashable) -> None:
        state = self.state
        logic = self.logic
        added = self.address is not None
        state.seen = self._texts.with_last_values(rule, state.seen)
        if rule.place > self._last_telling:
            state.rejected = FALSE
        held = state.held[0] if state.held else FALSE
        step = self._steps[id(rule)] = RuleStep(rule, name, ~state.over, state.rejected, held, state.seen, self)
        if not may_affect_copies(rule, self.other_recipients.watched) or step.matches == FALSE:
            return
        matches = step.matches
        acts = step.acts
        rejected = step.rejected & step.matches
        if acts == FALSE and rejected == FALSE:
            return
        seen = state.seen
        over = state.over
        if rule.actions.enforced:
            for case, when in self.cases(rule):
                self._enforce(case, name, when & acts, when & matches, when & rejected)
        elif rule.actions.does(Does.STOP) and rule.place < self._last:
            done = ~self.conditions.prevented_by_smime(rule, name, seen) & logic.unknown(questions.AUDIT_STOPS, name)
            state.stop(logic, acts & done)
            state.end_reports(rejected & done)
        if rule.actions.surprises or state.seen is not seen or (state.over, state.rejected) != (over, step.rejected):
            self._turns[id(rule)] = ((seen, over), (state.seen, state.over))
        if rule.criteria.splits and self.other_recipients.watched and not added:
            split = self.splits[id(rule)] = self.other_recipients.split(
                self.conditions, rule, name, step.alive, matches, seen
            )
            state.seen = state.seen.with_changes(splits=split.after)
        if rule.parts_added and added and not state.seen.sharers_unknown:
            state.seen = state.seen.with_changes(sharers_unknown=True)

    def cases(self, rule: FlowRule) -> list[tuple[FlowRule, Value]]:
        """A rule as it acts, each time with the condition for that: it may depend on the sender's manager."""
        if not rule.actions.by_manager:
            return [(rule, TRUE)]
        managed = self.mail.sender.managed
        return [(rule.where(managed=True), managed), (rule.where(managed=False), ~managed)]

    def _enforce(self, rule: FlowRule, name: Hashable, acts: Value, matches: Value, rejected: Value) -> None:
        """The effect of a rule. Its content actions cannot change what S/MIME hides; whether it performs the others is
        not documented.

        :param acts: whether it matches a copy that it reaches; :param:`matches`: whether it matches if it is reached.
        :param rejected: whether it matches a rejected copy.
        """
        state = self.state
        seen = state.seen
        done = ~self.conditions.prevented_by_smime(rule.as_declared, name, seen)
        is_met = acts_on_content = acts
        acts = acts & done
        rejected = rejected & done
        if any(row.content for row in rule.actions.rows):
            acts_on_content &= ~self.conditions.hidden_by_smime(seen)
        inserted = insertion(rule, self.mail, seen)
        act = FormulaAct(
            rule, self.scene, name, seen, last=rule.place == self._last, told_later=rule.place < self._last_telling
        )
        if inserted.rejects != FALSE:
            reject(state, act, acts & inserted.rejects)
        if inserted.acts != TRUE:
            acts_on_content &= inserted.acts
            acts &= inserted.acts
            rejected &= inserted.acts
        told = acts | rejected
        shown = replace(act, acts=told, acts_on_content=acts_on_content | rejected, wraps=inserted.wraps & told)
        for family in FAMILIES:
            family.on_seen(state, shown)
        if rejected != FALSE:
            of_rejected = replace(act, acts=rejected)
            for family in FAMILIES:
                family.on_rejected(state, of_rejected)
        if is_met != FALSE:
            self._act(
                replace(
                    act,
                    acts=acts,
                    acts_on_content=acts_on_content,
                    matches=matches if acts == is_met else acts,
                )
            )

    def _act(self, act: FormulaAct) -> None:
        """What a rule does to the copy beside what later rules see, and the copies that it makes."""
        state = self.state
        if act.rule.actions.surprises:
            state.surprised |= act.acts
        for family in FAMILIES:
            family.on_copy(state, act)
        for family in FAMILIES:
            made = family.makes(state, act)
            self.copies.named += made.named
            self.copies.every += made.every
            if made.unfollowed:
                self.copies.unfollowed[act.rule.place] = made.unfollowed
