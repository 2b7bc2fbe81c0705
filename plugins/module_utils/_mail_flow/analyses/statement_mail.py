# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail that a statement is about, as formulas."""

from __future__ import annotations

from ..actions.brought_people import THE_MANAGER, followed_managers
from ..actions.edit import may_insert
from ..formula import TRUE, Literal, Value, high
from ..model.addresses import is_name
from ..model.connectors import VALIDATIONS
from ..model.message_recipients import people_behind
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_outcomes import Outcome, in_transit
from ..symbolic.message_assumptions import contradicted_assumptions
from ..symbolic.side import Side
from .difference_kinds import SearchedMail
from .rule_effects import LEAVING, MISFITS, PROTECTING, RuleEffect
from .stated_rules import StatedRule, acts, brought_names, conditions_of, matches
from .statement_model import StatementModel


class StatementMail:
    """The formulas of the mail of statements: it meets the conditions of a rule, is usual, and is not for people who get it from
    the rule anyway.
    """

    def __init__(self, statement_model: StatementModel) -> None:
        self._statement_model = statement_model

    def named(self, rule: StatedRule, effect: RuleEffect, side: Side, *, managed: bool) -> Value:
        """The value that is true if mail is that of a statement: it meets the conditions when it reaches the rule, and all else
        that the statement says of it.
        """
        outcome, mail, logic = side.outcomes[0], self._statement_model.model.mail, side.logic
        parts: list[Value] = [matches(rule, outcome)]
        if effect == MISFITS:
            parts.append(self._misfits(rule, side))
        if managed:
            parts.append(mail.sender.managed)
        if effect.kind == "decrypted":
            parts.append(_may_be_decrypted(rule, outcome))
        if effect.kind in PROTECTING:
            parts += [~literal for literal in mail.arrival.values()]
        if effect.kind == "branded":  # A branding is also for mail that arrives protected by the organization.
            parts += [~literal for kind, literal in mail.arrival.items() if kind != "own"]
            parts.append(outcome.protection.by_rights)
        if effect.kind in LEAVING and self.leaves(rule):
            parts.append(side.conditions.scopes.leaves(mail.recipient))
        if effect.kind in ("in_transit", "clear_transit"):
            before = in_transit(side.chains[1], VALIDATIONS[0])
            parts.append(before if effect.kind == "clear_transit" else ~before)
        return logic.all_of(parts)

    def _misfits(self, rule: StatedRule, side: Side) -> Value:
        """The value that is true if a rule's disclaimer does not fit into a message."""
        step = side.chains[0].step(rule) if isinstance(rule, FlowRule) else None
        return TRUE if step is None else ~may_insert(self._statement_model.model.mail, step.seen)

    def leaves(self, rule: StatedRule) -> bool:
        """Whether a rule acts on mail that leaves."""
        side = self._statement_model.model.free
        leaves = high(side.conditions.scopes.leaves(self._statement_model.model.mail.recipient))
        return self._statement_model.is_possible([high(acts(rule, side.outcomes[0])), leaves])

    def usual(self, rule: StatedRule) -> list[Literal]:
        """Literals that are true together if mail is usual except for what the rule looks for, and S/MIME hides nothing of it."""
        conditions = conditions_of(rule)
        usual = SearchedMail(self._statement_model.model, contradicted_assumptions(conditions)).assumed(usual=True)
        looks_at_protection = any(atom.predicate.looks_at == "protection" for atom in conditions)
        return usual if looks_at_protection else [*usual, ~self._statement_model.model.mail.arrival["smime"]]

    def not_for_brought_people(self, rule: StatedRule, effect: RuleEffect) -> list[Literal]:
        """Literals that are true together if mail is not addressed to the people to whom the rule sends it."""
        model = self._statement_model.model
        people = {
            person.address
            for _option, name in brought_names(rule)
            for person in people_behind(model.facts, name)
            if not is_name(person.address)
        }
        known = [person for person in sorted(people) if ("address", person) in model.mail.recipient.atoms]
        literals = [~model.mail.recipient["address", person] for person in known]
        if effect.brings_people and effect.names != (THE_MANAGER,):
            literals += SearchedMail(model, ()).somebody_else(effect.names[0])
        return [*literals, *(self._not_for_managers() if effect.names == (THE_MANAGER,) else ())]

    def _not_for_managers(self) -> list[Literal]:
        """Literals that are true together if mail is not addressed to its sender's manager, as far as managers are followed."""
        model = self._statement_model.model
        mail = SearchedMail(model, ())
        return [
            model.circuit.disjunction((~high(theirs), literal))
            for manager, theirs in followed_managers(model.mail, model.free.logic) or ()
            for literal in mail.somebody_else(manager)
        ]


def _may_be_decrypted(rule: StatedRule, outcome: Outcome) -> Value:
    """Whether a copy is protected in a way that a rule can take away: by the organization's own keys, as it arrives, or as the
    mail flow rules leave it for a DLP rule.
    """
    if isinstance(rule, FlowRule):
        return outcome.mail.arrival["own"]
    by_rules = outcome.by_rules
    return by_rules.by_rights & ~(by_rules.keeps_foreign_rights | by_rules.smime)
