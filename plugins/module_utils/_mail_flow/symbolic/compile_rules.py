# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipient's copy on its path through the rules, as formulas.

One recipient is followed, whatever rules do. Moderation is not an end: an approval lets the copy continue. Who else
shares the copy matters only to conditions that look at all of its recipients.

Whether rules go on after a rejection is not documented (U10). The copy is gone anyway, but who is told of it depends on
that. So a rejected copy may go on, too, and shows in nothing but reports.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

from ..._resources.rules.action_effects import Does
from ..actions.deliver import FATES, SHARED
from ..actions.edit import may_insert
from ..actions.protect import request_protection, show_protection
from ..actions.route import route_by
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, Value
from ..model import questions
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.header_edits import ADDED, FIELD_OF, addition
from ..model.kleene import Reason
from ..model.message_recipients import people_behind
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .address import AddressSlot
from .atoms import ADDING, MANAGER, MOST_NAMED, REDIRECTS, THE_MANAGER
from .compile_conditions import Conditions
from .compile_recipients import Branch, Company, Split, State, branches, held_again
from .compile_text_edits import TextEdits

#: Parts of a state that its copies must not share.
_OWN = ("asked", "brands", "routes", "held")

#: What shows on no copy: who is told of it.
UNSEEN = frozenset((Does.REPORT, Does.DETAIL))


@dataclass(frozen=True)
class RuleStep:
    """A rule in the chain. Its match is compiled only on request, because nothing else depends on a rule without effect
    on copies.

    :param name: its unique name.
    :param alive: whether the copy is still being processed when it reaches the rule.
    :param rejected: whether it reaches the rule although it is rejected, and a rule from there on tells somebody.
    :param seen: what it sees.
    """

    rule: FlowRule
    name: Hashable
    alive: Value
    rejected: Value
    seen: SeenMessage
    _chain: RuleChain

    @cached_property
    def matches(self) -> Value:
        """Whether the rule matches, if the copy reaches it."""
        chain = self._chain
        return chain.conditions.matches(self.rule, self.name, self.seen, chain.person, added=chain.address is not None)

    @cached_property
    def acts(self) -> Value:
        """Whether the copy reaches the rule, and it matches."""
        return self.alive & self.matches

    @property
    def reached(self) -> Value:
        """Whether the copy reaches the rule; one that shows in what is told of rejected mail, also after a rejection."""
        shows = self._chain.shows_in_reports(self.rule)
        return self.alive | self.rejected if shows else self.alive


def shows(rule: FlowRule, watched: bool) -> bool:
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
    :param branches: the copies that rules make of this one for others, by the addresses that the rules name.
    :param brings: the same for everybody to whom rules send it, including members of groups, managers, and people known
        only by name.
    :param unfollowed: by the rule's place, the added people without an address: a manager, a group, a name.
    """

    def __init__(
        self, rules: RuleSet, conditions: Conditions, company: Company, shared: int, branch: Branch | None = None
    ) -> None:
        self.rules = rules
        self.conditions = conditions
        self.logic = conditions.logic
        self.company = company
        self.shared = shared
        self.mail = conditions.mail
        self.watches_protection = rules.watches_protection
        self._last_telling = max(rules.reports, default=-1)
        self.state = (
            replace(branch.state, **{part: copy(getattr(branch.state, part)) for part in _OWN}) if branch else State()
        )
        self.person = self._owner(branch) if branch else conditions.mail.recipient
        self.address = branch.address if branch else None
        self._steps: dict[int, RuleStep] = {}
        self.splits: dict[int, Split] = {}
        self.branches: list[Branch] = []
        self.brings: list[Branch] = []
        self.unfollowed: dict[int, list[str]] = {}
        #: Rule's ``id`` to what is seen, and whether processing is over, before and after it, if it may change either.
        self._turns: dict[int, tuple[tuple[SeenMessage, Value], tuple[SeenMessage, Value]]] = {}
        self._texts = TextEdits(rules, conditions.mail, conditions.logic, conditions.text, shared)
        if branch is None:
            self._reject_encrypted()
        times: dict[Hashable, int] = {}
        for rule in rules.rules:
            known = (rule.name, rule.guid)
            times[known] = times.get(known, 0) + 1
            if not rule.idle and (branch is None or rule.place > branch.rule.place):
                self._take(rule, (*known, times[known]))

    def _owner(self, branch: Branch) -> AddressSlot:
        """The owner of the copy."""
        if branch.address:
            return self.mail.added(branch.address)
        return self.mail.added_perhaps(
            self.logic,
            [address for address, _when in branch.people],
            branch.rule.place,
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

    def tells(self, rule: FlowRule) -> Value:
        """Whether a rule that tells somebody of the copy does so, maybe after a rejection."""
        step = self.step(rule)
        return FALSE if step is None else step.reached & step.matches

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
        """If Exchange must decrypt arriving mail, it may reject mail protected by another organization's keys (U30)."""
        if self.conditions.must_decrypt:
            rejected = self.mail.arrival["other"] & self.logic.unknown(questions.UNREADABLE, "decrypted")
            self.state.fates[Fate.REJECTED] = self.state.over = rejected

    def _take(self, rule: FlowRule, name: Hashable) -> None:
        state = self.state
        logic = self.logic
        added = self.address is not None
        state.seen = self._texts.settled(rule, state.seen)
        if rule.place > self._last_telling:
            state.rejected = FALSE
        step = self._steps[id(rule)] = RuleStep(rule, name, ~state.over, state.rejected, state.seen, self)
        if not shows(rule, self.company.watched) or step.matches == FALSE:
            return
        matches = step.matches
        acts = step.acts
        rejected = step.rejected & step.matches
        if acts == FALSE and rejected == FALSE:
            return
        seen = state.seen
        over = state.over
        if rule.actions.by_manager:
            for case, when in (
                (rule.where(managed=True), self.mail.sender.managed),
                (rule.where(managed=False), ~self.mail.sender.managed),
            ):
                self._enforce(case, name, *(value & when for value in (acts, matches, rejected)))
        elif rule.actions.enforced:
            self._enforce(rule, name, acts, matches, rejected)
        elif "stop_rule_processing" in rule.actions.options and rule.place < len(self.rules.rules) - 1:
            done = ~self.conditions.undone(rule, name, seen) & logic.unknown(questions.AUDIT_STOPS, name)
            self._stop(acts & done)
            self._end_reports(rejected & done)
        if rule.actions.surprises or state.seen is not seen or (state.over, state.rejected) != (over, step.rejected):
            self._turns[id(rule)] = ((seen, over), (state.seen, state.over))
        if rule.criteria.splits and self.company.watched and not added:
            split = self.splits[id(rule)] = self.company.split(self.conditions, rule, name, step.alive, matches, seen)
            state.seen = state.seen.but(splits=split.after)

    def _enforce(self, rule: FlowRule, name: Hashable, acts: Value, matches: Value, rejected: Value) -> None:
        """The effect of a rule. Its content actions cannot change what S/MIME hides; whether it performs the others is
        not documented.

        :param rejected: whether it acts on a rejected copy.
        """
        seen = self.state.seen
        whole = acts
        done = ~self.conditions.undone(rule.as_declared, name, seen)
        beside_content = acts & done
        rejected = rejected & done
        if any(row.content for row in rule.actions.rows):
            acts &= ~self.conditions.hidden(seen)
        wraps: Value = FALSE
        if "apply_html_disclaimer_text" in rule.actions.options:
            fits = may_insert(self.mail, seen)
            fallback = str(rule.actions.options.get("apply_html_disclaimer_fallback_action") or "Wrap")
            if fallback == "Wrap":
                wraps = (beside_content | rejected) & ~fits
            else:
                if fallback == "Reject":
                    self._reject(rule, beside_content & ~fits)
                acts, beside_content, rejected = (value & fits for value in (acts, beside_content, rejected))
        self._show(rule, name, acts | rejected, beside_content | rejected, wraps)
        self._end_rejected(rule, name, rejected)
        if whole != FALSE:
            request_protection(self.state, rule, acts, beside_content)
            route_by(self.state, rule, beside_content)
            self._hold_and_end(rule, name, beside_content, matches if beside_content == whole else beside_content)
            self._branch(rule, name, beside_content)

    def _show(self, rule: FlowRule, name: Hashable, acts: Value, beside_content: Value, wraps: Value) -> None:
        """What later rules see of what a rule does."""
        state = self.state
        seen = state.seen
        if self.watches_protection:
            show_protection(state, rule, acts)
        state.seen = self._texts.changed(rule, name, beside_content, wraps, seen, state.seen)
        self._add(rule, name, beside_content)

    def _add(self, rule: FlowRule, name: Hashable, acts: Value) -> None:
        """The recipients that a rule adds. Conditions about all recipients, or about the To and Cc fields, may look at
        them.
        """
        named = (
            (person, field_)
            for option, field_ in FIELD_OF.items()
            for added_person in rule.actions.options.get(option) or ()
            for person in people_behind(self.mail.facts, str(added_person))
        )
        added = [("" if is_name(person.address) else person.address, field_) for person, field_ in named]
        added += [("", rule.actions.manager_field)] if rule.actions.manager_field else []
        if added and self.company.watched:
            self.state.seen = self.state.seen.but(
                added=(*self.state.seen.added, *((address, field_, acts, name) for address, field_ in added))
            )
        fields = [
            (str(person), field_)
            for option, field_ in FIELD_OF.items()
            for person in rule.actions.options.get(option) or ()
        ]
        fields += [(THE_MANAGER, rule.actions.manager_field)] if rule.actions.manager_field else []
        edits = [
            (addition(field_, address, Reason(questions.ADDED_RECIPIENTS, "added_by_rule", (address, rule.name))), acts)
            for address, field_ in fields
            if ADDED.get(field_) in self.rules.headers
        ]
        if edits:
            self.state.seen = self.state.seen.but(edits=(*self.state.seen.edits, *edits))

    def _branch(self, rule: FlowRule, name: Hashable, acts: Value) -> None:
        """The copies for people whom a rule adds or redirects to: like this one, and ended only by a stop, or by a
        shared fate.

        Whether a rule adds to a message that it redirects is not documented.
        """
        facts = self.mail.facts
        added = [
            (facts.people.primary(str(address)), option == REDIRECTS)
            for option in ADDING
            for address in rule.actions.options.get(option) or ()
        ]
        unfollowed = [address for address, _way in added if is_name(address) or address in facts.groups.expanded]
        unfollowed += [THE_MANAGER] if rule.actions.options.get(MANAGER) else []
        if unfollowed:
            self.unfollowed[rule.place] = unfollowed
        if not added and not unfollowed:
            return
        adds = acts & self._adds(rule, name)
        away = self._state_of_redirected(rule, acts)
        beside = self._state_of_added(rule, away)
        original = self.rules.rules[rule.place]
        for address, instead in dict.fromkeys(added):
            if is_name(address):
                continue
            when, state = (acts, away) if instead else (adds, beside)
            self.branches.append(Branch(original, address, instead, when, state))
        for instead, when, state in ((False, adds, beside), (True, acts, away)):
            self.brings += branches(self.mail, self.logic, rule, original, instead, when, state)

    def _state_of_redirected(self, rule: FlowRule, acts: Value) -> State:
        """The copy for whom a rule redirects to."""
        own = {part: copy(getattr(self.state, part)) for part in _OWN}
        stopped = self.state.stopped | acts if rule.actions.does(Does.STOP) else self.state.stopped
        return replace(self.state, **own, fates={}, over=stopped, stopped=stopped, rejected=FALSE)

    def _state_of_added(self, rule: FlowRule, redirected: State) -> State:
        """The copy for whom a rule adds: it shares a fate that all copies share."""
        shared = [fate for what, fate in FATES.items() if rule.actions.does(what) and fate in SHARED][:1]
        over = TRUE if shared else redirected.stopped
        state = replace(redirected, fates=dict.fromkeys(shared, TRUE), over=over)
        if shared == [Fate.REJECTED] and not rule.actions.does(Does.STOP):
            return replace(state, rejected=self._after_rejection(rule))
        return state

    def _adds(self, rule: FlowRule, name: Hashable) -> Value:
        """Whether a rule, if it acts, adds the people whom it is told to add."""
        redirects: Value = TRUE if rule.actions.does(Does.REDIRECT) else FALSE
        if rule.actions.redirects_to_manager:
            redirects |= self.mail.sender.managed
        return ~redirects | self.logic.unknown(questions.A_FACT, "adds", name)

    def _hold_and_end(self, rule: FlowRule, name: Hashable, acts: Value, matches: Value) -> None:
        logic = self.logic
        state = self.state
        if rule.actions.does(Does.MODERATE):
            state.held = held_again(state.held, acts)
        ends = self._fates(rule, name, acts)
        for fate, when in self._one_of(ends, name) if len(ends) > 1 else ends:
            self._end(fate, when, matches if when == acts else when)
            if fate == Fate.REJECTED and not rule.actions.does(Does.STOP):
                self._go_on(rule, when)
        if len(ends) > 1:
            state.over |= logic.any_of([when for _fate, when in ends])
        if rule.actions.does(Does.STOP) and all(when != acts for _fate, when in ends):
            self._stop(acts, matches)
        if rule.actions.stops_approved and rule.place < len(self.rules.rules) - 1:
            self._stop(acts & logic.unknown(questions.A_FACT, "approved stop", name))

    def _fates(self, rule: FlowRule, name: Hashable, acts: Value) -> list[tuple[Fate, Value]]:
        """The fates that a rule gives the copy, and when. If its owner is also the target of the redirection, the copy
        is both kept and gone.
        """
        ends = [(fate, acts) for what, fate in FATES.items() if rule.actions.does(what)]
        targets = redirected_to(rule, self.mail.facts)
        if self.address:
            theirs = TRUE if self.address in targets else FALSE
        else:
            theirs = self.mail.circuit.disjunction(
                [self.person.atoms.get(("address", target), FALSE) for target in targets]
            )
        if theirs != FALSE:
            goes = acts & (~theirs | self.logic.unknown(questions.A_FACT, "goes", name))
            ends = [(fate, goes if fate == FATES[Does.REDIRECT] else when) for fate, when in ends]
        if rule.actions.redirects_to_manager and not rule.actions.does(Does.REDIRECT):
            ends.insert(0, (Fate.REDIRECTED, acts & self.mail.sender.managed))
        return ends

    def _one_of(self, ends: Sequence[tuple[Fate, Value]], name: Hashable) -> list[tuple[Fate, Value]]:
        """One of several fates that a rule wants. Which one is not documented; each is as certain as the last one."""
        logic = self.logic
        state = self.state
        chosen: list[tuple[Fate, Value]] = []
        remaining: Value = TRUE
        for fate, when in ends[:-1]:
            chosen.append((fate, remaining & when & logic.unknown(questions.A_FACT, "fate", fate, name)))
            remaining &= ~chosen[-1][1]
        last = ends[-1][1]
        state.surprised |= last & logic.any_of([when for _fate, when in ends[:-1]])
        return [*chosen, (ends[-1][0], remaining & last)]

    def _reject(self, rule: FlowRule, when: Value) -> None:
        self._end(Fate.REJECTED, when, when)
        self._go_on(rule, when)

    def _go_on(self, rule: FlowRule, when: Value) -> None:
        """A copy that a rule rejects may go on."""
        going = when & self._after_rejection(rule)
        self.state.rejected |= going

    def _after_rejection(self, rule: FlowRule) -> Value:
        """Whether a copy goes on that a rule rejects, as far as a later rule would tell of it."""
        return self.logic.unknown(questions.AFTER_REJECTION) if rule.place < self._last_telling else FALSE

    def _end_rejected(self, rule: FlowRule, name: Hashable, when: Value) -> None:
        """What ends the way of a rejected copy. A redirection lets it go on, for others."""
        ends = (Does.STOP,) if rule.actions.does(Does.REJECT) else (Does.STOP, Does.DELETE, Does.QUARANTINE)
        if any(map(rule.actions.does, ends)):
            self._end_reports(when)
        elif rule.actions.stops_approved:
            self._end_reports(when & self.logic.unknown(questions.A_FACT, "approved stop", name))

    def _end_reports(self, when: Value) -> None:
        self.state.rejected &= ~when

    def _stop(self, when: Value, matches: Value | None = None) -> None:
        """No later rule is evaluated. If the copy may have been stopped before, it stops now at the latest, which is
        more certain than the remainder.

        :param matches: whether a rule asks for it, whatever happened before.
        """
        logic = self.logic
        state = self.state
        over = when
        if matches is not None and not isinstance(state.over, Literal):
            when |= matches & ~logic.any_of(state.fates.values())
            over = matches
        state.stopped |= when
        state.over |= over

    def _end(self, fate: Fate, when: Value, matches: Value) -> None:
        """A fate. A copy that may have met it before meets it now, unless something else ended its path, which is more
        certain than the remainder.
        """
        logic = self.logic
        state = self.state
        others = [state.stopped, *(value for other, value in state.fates.items() if other != fate)]
        if not isinstance(state.over, Literal):
            when |= matches & ~logic.any_of(others)
        state.fates[fate] = state.fates.get(fate, FALSE) | when
        state.over |= when


def redirected_to(rule: FlowRule, facts: Facts) -> list[str]:
    """The people to whom a rule redirects the message, by primary address, as far as they are distinguished."""
    groups = (people_behind(facts, str(person)) for person in rule.actions.options.get(REDIRECTS) or ())
    return [
        person.address
        for people in groups
        if len(people) <= MOST_NAMED
        for person in people
        if not is_name(person.address)
    ]
