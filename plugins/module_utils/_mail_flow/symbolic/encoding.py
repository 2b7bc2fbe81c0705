# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets and claims over one symbolic message."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import Key
from ..input.parsing import facts_of
from ..model.facts import Facts
from ..rules.dlp_rules import DlpRules
from ..rules.rule_set import RuleSet
from ..sat.circuit import Circuit
from .atoms import vocabulary_of
from .compile_added_copies import AddedCopies, AddedCopyCompiler
from .compile_conditions import Conditions
from .compile_outcomes import Outcome
from .compile_recipients import ANYBODY, Histories, OtherRecipientsFormulas
from .compile_rules import RuleChain
from .logic import Logic
from .message_search import MessageSearch
from .side import Side
from .symbolic_message import SymbolicMessage

#: The IRM settings that affect mail.
DECIDING_SETTINGS = (
    "azure_rms_licensing_enabled",
    "internal_licensing_enabled",
    "enable_pdf_encryption",
    "transport_decryption_setting",
)

#: The maximum number of addresses in fields that are modeled exactly at once.
_FIELDS_AT_ONCE = 4


class Model:
    """Rule sets and claims over the variables of one message.

    :param rule_sets: the rule sets that the message goes through.
    :param claims: further rules, which select mail.
    :param facts: as :func:`facts_of` takes them.
    :param options: the options of protection to ask about beside those of the rules.
    :param exact: the atoms for which another recipient is modeled.
    :param settings: the IRM configuration by rule set; by default, the one in the facts.
    :param transit: whether it is asked how mail leaves.

    ``messages`` searches for messages of which its formulas are true.
    """

    def __init__(
        self,
        rule_sets: Sequence[RuleSet],
        claims: RuleSet,
        facts: Mapping[str, Any] | Facts,
        now: datetime.datetime,
        options: Iterable[str] = (),
        exact: Sequence[Key] = (),
        settings: Sequence[Mapping[str, Any] | None] = (),
        *,
        transit: bool = False,
    ) -> None:
        self.rule_sets = rule_sets
        self.claims = claims
        self.now = now
        self.exact = tuple(exact)
        self.options = tuple(options)
        self.transit = transit
        self.facts = facts_of(facts)
        self.settings = list(settings) or [self.facts.encryption.irm_configuration] * len(rule_sets)
        self.settings_that_differ = differing(self.settings)
        policies = self.facts.encrypters.dlp_policies
        every = [*rule_sets, claims, *([policies.leaves] if isinstance(policies, DlpRules) else [])]
        self._shared = _shared(rule_sets)
        self.circuit = Circuit()
        self.mail = SymbolicMessage(
            self.circuit,
            vocabulary_of(every, self.facts, transit=transit),
            self.facts,
            every,
            self.options,
            self.settings,
        )
        self.free = self._side(free=True)
        self._added: dict[tuple[bool, int, bool], AddedCopies] = {}
        self.messages = MessageSearch(self.mail, self.circuit, self.facts, self.settings, now)
        #: Whether literals can be true together: see :meth:`.MessageSearch.solve`.
        self.solve = self.messages.solve

    @cached_property
    def open(self) -> Side:
        """The side on which the unknown is open. It is built on first use: questions are smaller without it."""
        return self._side(free=False)

    def _side(self, *, free: bool) -> Side:
        every = [*self.rule_sets, self.claims]
        logic = Logic(self.circuit, free=free, observed=self.facts.observed)
        other_recipients = OtherRecipientsFormulas(self.mail, logic, Histories(), self.exact, every)
        conditions: list[Conditions] = []
        chains = []
        for place, rules in enumerate(self.rule_sets):
            if not conditions or self.settings_that_differ:
                conditions.append(Conditions(self.mail, logic, other_recipients, self.now, self.settings[place]))
            chains.append(RuleChain(rules, conditions[-1], other_recipients, self._shared))
        return Side(logic, other_recipients, conditions[0], tuple(chains), tuple(Outcome(chain) for chain in chains))

    def added(self, side: Side, place: int = 0, *, shared: bool = True) -> AddedCopies:
        """The copies for people whom rules of a set add, and for people added to these copies.

        :param shared: whether to include people whom a rule adds to a shared copy that they are on anyway: they get a second one only if
            rules split the copy before.
        """
        known = self._added.get((side.logic.free, place, shared))
        if known is not None:
            return known
        compiler = self.compiler_of_added(side)
        added = (compiler.for_everybody if shared else compiler.for_named)(side.outcomes[place])
        self._added[side.logic.free, place, shared] = added
        return added

    def compiler_of_added(self, side: Side) -> AddedCopyCompiler:
        """What follows the copies of people whom rules add, on a side."""
        return AddedCopyCompiler(side.logic, side.other_recipients, self.mail.recipient)

    def atoms_to_refine(self, side: Side) -> list[Key]:
        """After a model: the atoms for which another recipient must be modeled to improve the next answer."""
        holds = self.circuit.holds
        wanted = side.unmodeled_atoms(holds)
        for address in self._people_in_fields:
            if any(holds(self.mail.addressing.named(address, name)) for name in SHOWN_FIELDS) and not holds(
                self.mail.recipient["address", address]
            ):
                wanted.append(("address", address))
        return [key for key in wanted if key not in self.exact]

    def unmodeled_in_fields(self) -> list[Key]:
        """Some of the addresses that conditions look for in the To or Cc field: only a modeled recipient certainly
        stays in a copy.
        """
        keys: list[Key] = [("address", address) for address in self._people_in_fields]
        return (
            [key for key in keys if key not in self.exact][:_FIELDS_AT_ONCE]
            if self.free.other_recipients.watched
            else []
        )

    @property
    def _people_in_fields(self) -> list[str]:
        """The addresses that conditions look for in the To or Cc field, without those of groups: their members share
        the copy.
        """
        return [address for address in self.mail.vocabulary.fields if address not in self.facts.groups.expanded]

    def refined(self, keys: Iterable[Key]) -> Model:
        """This model with recipients for these keys, too."""
        exact = [key for key in self.exact if key != ANYBODY]
        return Model(
            self.rule_sets,
            self.claims,
            self.facts,
            self.now,
            self.options,
            (*exact, *keys),
            self.settings,
            transit=self.transit,
        )


def _shared(rule_sets: Sequence[RuleSet]) -> int:
    """The number of first rules that all rule sets share, whatever their GUIDs are."""
    every = zip(*((replace(rule, guid="") for rule in rules.rules) for rules in rule_sets), strict=False)
    return sum(1 for _rules in itertools.takewhile(lambda rules: all(rule == rules[0] for rule in rules), every))


def differing(settings: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """The IRM settings that affect mail and differ between rule sets, with the last value of each."""
    values = {name: [(settings_of_set or {}).get(name) for settings_of_set in settings] for name in DECIDING_SETTINGS}
    return {
        name: values_of_setting[-1]
        for name, values_of_setting in values.items()
        if any(value != values_of_setting[0] for value in values_of_setting)
    }
