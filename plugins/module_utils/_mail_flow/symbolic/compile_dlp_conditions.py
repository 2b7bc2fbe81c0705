# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether DLP rules match a copy after the mail flow rules, as formulas."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property

from ..._resources.compliance.dlp_fields import ATTACHMENTS
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Value
from ..model import questions
from ..model.carried_labels import may_be_set
from ..model.encrypters import DlpEncrypter
from ..rules.dlp_rules import LABEL, DlpRule, DlpRules, Node, changing_before_dlp
from .compile_rules import RuleChain


def unknown_afterwards(chain: RuleChain, *what: Hashable) -> Value:
    """Something open of what follows a chain of mail flow rules: one answer for each person."""
    return chain.logic.unknown("afterwards", *what, chain.person.name)


class DlpMatches:
    """The formulas of DLP rules that match the copy which a chain of mail flow rules leaves.

    :param chain: the chain.
    """

    def __init__(self, chain: RuleChain) -> None:
        self._chain = chain
        self._logic = chain.logic
        policies = chain.mail.facts.encrypters.dlp_policies
        #: The DLP policies; ``None`` if their rules are not known.
        self.policies = policies if isinstance(policies, DlpRules) else None
        self._changing = changing_before_dlp(chain.rules)

    @cached_property
    def maker(self) -> DlpRule | None:
        """The DLP rule that sends the copy; ``None`` if that is done by a mail flow rule, or by the sender."""
        place = self._chain.made_at - len(self._chain.rules.rules)
        return next((rule for rule in self.policies.sending if rule.place == place), None) if self.policies else None

    def matches(self, rule: DlpRule) -> Value:
        """Whether a rule matches the copy, if Exchange asks it."""
        value = self._value(rule.looks_for, (rule.place,))
        if not (rule.is_certain or rule.looks_for.is_open):
            value &= unknown_afterwards(self._chain, "dlp", rule.place)
        if self.maker is None or not rule.looks_at_recipients:
            return value
        person = self._chain.person.name
        counted = self._logic.unknown(questions.ADDED_RECIPIENTS, "added", person)
        taken = self._logic.unknown(questions.ADDED_RECIPIENTS, "taken along", person, rule.name)
        return self._logic.choose(counted, value, self._chain.state.met_by_others.get(rule.place, FALSE) & taken)

    def covers(self, does: DlpEncrypter) -> Value:
        """Whether the copy is for somebody to whose mail a rule does this."""
        if not does.outside_only:
            return TRUE
        return self._chain.conditions.scopes.recipient("NotInOrganization", self._chain.person)

    def _value(self, node: Node, path: tuple[int, ...]) -> Value:
        """Whether a part of what a rule looks for is true of the copy.

        :param path: the rule's place, and those of the part within its whole.
        """
        if node.atom is not None:
            return self._truth(node.atom)
        if node.operator == "open":
            is_met = unknown_afterwards(self._chain, "dlp condition", *path)
            return self._logic.any_of(list(map(self._has, node.needs))) & is_met if node.needs else is_met
        values = [self._value(part, (*path, place)) for place, part in enumerate(node.parts)]
        if node.operator == "and":
            return self._logic.all_of(values)
        value = self._logic.any_of(values)
        return value if node.operator == "or" else ~value

    def _has(self, key: str) -> Value:
        """Whether the message may have something of what DLP looks at: in its content, attached to it, or as its label. Labels
        that change no mail have no variable: they count as content.
        """
        if key == ATTACHMENTS:
            return self._has_attachment
        if key != LABEL:
            return self._chain.mail.sensitivity.information
        mail = self._chain.mail
        return TRUE if may_be_set(mail.facts) else mail.circuit.disjunction(mail.sensitivity.labels.values())

    @property
    def _has_attachment(self) -> Value:
        """Whether the message may have an attachment: see :attr:`.Message.has_no_attachment`. A disclaimer that is put around it
        makes it one.
        """
        mail = self._chain.mail
        as_it_arrives = [mail.sensitivity.attachment, *mail.arrival.values(), mail.kinds["Signed"]]
        return mail.circuit.disjunction(as_it_arrives) | self._chain.state.seen.wrapped

    def _truth(self, atom: Atom) -> Value:
        """Whether a condition is true of the copy as DLP sees it."""
        conditions = self._chain.conditions
        open_ = self._is_changed(atom)
        if open_ == TRUE:
            return unknown_afterwards(self._chain, "dlp sees", atom.number)
        value = conditions.truth(atom, SeenMessage(), self._chain.person)
        if atom.predicate.content:
            open_ |= conditions.hidden_by_smime(self._chain.state.seen)
        if open_ == FALSE:
            return value
        return self._logic.choose(open_, unknown_afterwards(self._chain, "dlp sees", atom.number), value)

    def _is_changed(self, atom: Atom) -> Value:
        """Whether a mail flow rule changes what a condition looks at. Of a copy that a rule makes, it may have done so before."""
        changing = self._changing(atom)
        if self._chain.made_at >= 0:
            return TRUE if changing else FALSE
        return self._logic.any_of([self._chain.acts(rule) for rule in changing])
