# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule matches, as a formula. Each condition has its own (``conditions``); here is what all have in common."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from ..conditions.copies import possible_for_added
from ..conditions.formulas import OtherRecipients
from ..conditions.keys import SUBJECT, Key, is_open, wider
from ..conditions.predicate import Atom, Reach
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, Value, high
from ..model import questions
from ..model.header_edits import HeaderEdit
from ..rules.flow_rule import FlowRule
from ..simulator.effects import beside_content
from .address import AddressSlot
from .logic import Logic
from .scopes import Scopes
from .symbolic_message import SymbolicMessage


class Conditions:
    """Conditions over the variables of a message, in one logic.

    :param now: when the message passes the rules.
    :param settings: the IRM configuration then.
    :param must_decrypt: whether Exchange then rejects protected mail that it cannot decrypt.
    """

    def __init__(
        self,
        mail: SymbolicMessage,
        logic: Logic,
        other_recipients: OtherRecipients,
        now: datetime.datetime,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.mail = mail
        self.logic = logic
        self.settings = settings or {}
        self.other_recipients = other_recipients
        self._now = now
        self.scopes = Scopes(mail, logic)
        self._formulas: dict[Hashable, Value] = {}
        setting = str(self.settings.get("transport_decryption_setting") or "Optional")
        self.must_decrypt = setting == "Mandatory"
        self.foreign = mail.arrival.rights if setting == "Disabled" else mail.arrival["other"]

    def matches(
        self,
        rule: FlowRule,
        name: Hashable,
        seen: SeenMessage,
        person: AddressSlot,
        *,
        added: bool = False,
        as_to_others: bool = True,
    ) -> Value:
        """Whether a rule acts on somebody's copy; see the simulator's ``Passage``.

        :param added: whether a rule added the person. A rule that looks at recipients may not look at that person, and
            then do to the copy what it does to the others who share it (U09). What it sees of all recipients of the copy
            stays open where it is not followed who they are; but it sees nobody there whom no field names.
        :param as_to_others: whether what a rule does to the copy only because it does so to the others counts.
        """
        if not (added and rule.parts_added):
            return self._matches(rule, name, seen, person, added=added)
        logic = self.logic
        counted = logic.unknown(questions.ADDED_RECIPIENTS, "added", person.name)
        matches = self._matches(rule, name, seen, person, added=True)
        may_take_along = as_to_others and rule.may_take_along and not seen.redirected
        others = self._matches_others(rule, name, seen) if may_take_along else FALSE
        as_others = others & logic.unknown(questions.ADDED_RECIPIENTS, "taken as_to_others", person.name, name)
        return logic.choose(counted, matches, as_others)

    def _matches_others(self, rule: FlowRule, name: Hashable, seen: SeenMessage) -> Value:
        """Whether a rule may match somebody whom the sender named, and whose copy somebody shares whom a rule added."""
        recipient = self.mail.recipient
        of_one = _with_reaches(rule, Reach.MESSAGE, Reach.SENDER, Reach.RECIPIENT)
        of_message = _with_reaches(rule, Reach.MESSAGE, Reach.SENDER)

        def matches(person: AddressSlot) -> Value:
            return self._matches(of_one, name, seen, person, added=False)

        anybody = self._matches(of_message, name, seen, recipient, added=False)
        return matches(recipient) | self.other_recipients.another_meets(matches, anybody, seen.splits)

    def _matches(self, rule: FlowRule, name: Hashable, seen: SeenMessage, person: AddressSlot, *, added: bool) -> Value:
        """Whether a rule matches somebody's copy, if it looks at them."""
        logic = self.logic
        mail = self.mail
        reaches = (Reach.COPY, Reach.RELATION) if seen.redirected or seen.sharers_unknown else (Reach.RELATION,)
        shared = [atom for atom in rule.criteria.atoms if added and atom.reach in reaches]
        parts = [
            possible_for_added(self, atom, seen) if atom in shared else self.truth(atom, seen, person)
            for atom in rule.criteria.conditions
        ]
        parts += [~self.truth(atom, seen, person) for atom in rule.criteria.exceptions if atom not in shared]
        if shared:
            sought = tuple((atom.predicate.options, repr(atom.values), atom.settings) for atom in shared)
            about = (person.name, name, sought, seen.splits, seen.edits)
            parts.append(logic.unknown(questions.ADDED_RECIPIENTS, "shared", *about))
        if rule.criteria.content:
            parts.append(~self.hidden_by_smime(seen))
        parts += [logic.known(truth) for truth in rule.dates.borders(self._now)]
        parts += [logic.unknown("doubt", name, reason) for reason in rule.criteria.doubts]
        if FALSE in parts:
            return FALSE
        if not rule.criteria.selects:
            parts.append(logic.choose(mail.kinds["ApprovalRequest"], self.sees_requests, TRUE))
        return logic.all_of(parts)

    @property
    def sees_requests(self) -> Value:
        """Whether rules see requests for approval."""
        return self.logic.unknown(questions.SYSTEM_MAIL, "approval request")

    def may_meet_or_fail(self, met: Iterable[Atom], unmet: Iterable[Atom], person: AddressSlot) -> Literal:
        """Whether arriving mail may meet one of some conditions, or fail one of others.

        :param met: the former; :param:`unmet`: the latter.
        """
        parts = [
            *(self.truth(atom, SeenMessage(), person) for atom in met),
            *(~self.truth(atom, SeenMessage(), person) for atom in unmet),
        ]
        return high(self.logic.any_of(parts))

    def hidden_by_smime(self, seen: SeenMessage) -> Value:
        """Whether S/MIME hides the content."""
        hidden: Value = self.mail.arrival["smime"] & ~seen.wrapped
        return hidden

    def prevented_by_smime(self, rule: FlowRule, name: Hashable, seen: SeenMessage) -> Value:
        """Whether S/MIME prevents a matching rule from acting. Whether it performs actions that do not involve content
        is not documented.
        """
        if not any(row.content for row in rule.actions.rows):
            return FALSE
        others = self.logic.unknown("S/MIME", name) if rule.actions.enforced and beside_content(rule) else FALSE
        return self.hidden_by_smime(seen) & ~others

    def truth(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        """Whether a condition is true for somebody."""
        if atom.predicate.may_differ_in_wrapper and seen.wrapped != FALSE:
            return self.logic.choose(seen.wrapped, self._inside_wrapper(atom, seen), self._truth(atom, seen, person))
        if not atom.predicate.is_steady or seen.edits_of(atom.headers):
            return self._truth(atom, seen, person)
        key = (atom.predicate.options, atom.values, atom.settings, person.name)
        known = self._formulas.get(key)
        if known is None:
            known = self._formulas[key] = self._truth(atom, seen, person)
        return known

    def _inside_wrapper(self, atom: Atom, seen: SeenMessage) -> Value:
        """The result of a condition on a message in a wrapping disclaimer: it may differ after a rule changed what the
        condition looks at.
        """
        texts = [
            (slot, tuple(text.values.items()), text.erasures)
            for slot, text in seen.texts.items()
            if slot.startswith("header ")
        ]
        return self.logic.unknown(
            questions.A_FACT,
            "wrapper",
            atom.predicate.options,
            repr(atom.values),
            atom.settings,
            tuple(texts),
            tuple(seen.classes.items()),
            seen.edits,
        )

    def _truth(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        truth = atom.predicate.formula(self, atom, seen, person)
        edits = seen.edits_of(atom.headers)
        return self._with_edited_headers(edits, truth, atom, seen, person) if edits else truth

    def _with_edited_headers(
        self,
        edits: Sequence[tuple[HeaderEdit, Value]],
        truth: Value,
        atom: Atom,
        seen: SeenMessage,
        person: AddressSlot,
    ) -> Value:
        """The result of a condition after rules edited headers that it reads; see ``Atom.evaluate``. Where an edit does
        not count, it is what it was before. Where it does, it depends on the edit and on the other fields, and on what was
        in the field before if the edit does not replace it.
        """
        logic = self.logic
        about: tuple[Hashable, ...] = (atom.predicate.options, repr(atom.values), atom.settings, seen.wrapped)
        if atom.reach in (Reach.RECIPIENT, Reach.RELATION):
            about = (*about, person.name)
        if atom.looks_around:
            about = (*about, seen.splits, seen.added)
        edited: Value = FALSE
        for place, (edit, acts) in enumerate(edits):
            counts = logic.unknown("edit counts", edit.field, edit.what, *about) if edit.reason else edited
            when = acts & counts
            before = tuple(
                earlier for earlier in edits[:place] if not (edit.replaces and earlier[0].field == edit.field)
            )
            then = logic.unknown("edited", edit.field, edit.what, self.mail.histories.number(before), *about)
            if edit.adds and atom.predicate.sort == "word":
                then = truth | then
            truth = logic.choose(when, then, truth)
            edited = edited | when
        outside_headers = atom.predicate.formula_outside_headers
        return truth if outside_headers is None else outside_headers(self, atom, seen) | truth

    def text(self, slot: str, key: Key, seen: SeenMessage) -> Value:
        """An atom of the current text."""
        first = self.logic.unknown(questions.PATTERN_SYNTAX, slot, key) if is_open(key) else self.mail.texts[slot][key]
        changed = seen.texts.get(slot)
        value: Value = first
        if changed is not None and slot == SUBJECT and is_open(key):
            unknown = self.logic.unknown(
                questions.PATTERN_SYNTAX, slot, key, self.mail.histories.number(changed.history)
            )
            value = changed.of_unagreed(key, first, unknown, self.logic)
        elif changed is not None:
            value = changed.value(key, first, self.logic)
        wide = wider(key) if is_open(key) else None
        return value if wide is None else value & self.text(slot, wide, seen)


def _with_reaches(rule: FlowRule, *reaches: Reach) -> FlowRule:
    """A rule with its conditions and exceptions of some reaches alone."""
    criteria = rule.criteria
    conditions, exceptions = (
        [atom for atom in atoms if atom.reach in reaches] for atoms in (criteria.conditions, criteria.exceptions)
    )
    return rule.with_criteria(conditions, exceptions)
