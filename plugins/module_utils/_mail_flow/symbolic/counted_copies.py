# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies that count for a guarantee, as formulas: those for people whom it applies to, and those that rules make for
others of mail that it applies to. ``witness_replay.counted`` says the same of one message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Value
from ..input.guarantee_options import Guarantee
from ..model.connectors import IN_TRANSIT
from ..rules.flow_rule import FlowRule
from ..simulator.disclosures import Disclosure
from .address import AddressSlot
from .compile_added_copies import AddedCopy
from .compile_outcomes import Outcome, disclosed, sent_in_clear
from .compile_rules import RuleChain
from .copy_properties import breaks
from .encoding import Model
from .side import Side


@dataclass(frozen=True)
class CountedCopy:
    """A copy of mail that a guarantee may be about.

    :param own: whether the guarantee applies to whoever gets it.
    :param made: whether it is made of mail that the guarantee applies to.
    :param counts: whether it counts as such.
    """

    person: AddressSlot
    outcome: Outcome
    own: Value
    made: Value
    counts: Value
    copy: AddedCopy | None = None


@dataclass(frozen=True)
class CountedCopies:
    """The copies of a rule set that a guarantee may be about.

    :param claim: what selects its mail; :param:`place`: its place in the model.
    :param rules: the place of the rule set.
    """

    model: Model
    side: Side
    guarantee: Guarantee
    claim: FlowRule
    place: int = 0
    rules: int = 0

    def applies(self, person: AddressSlot) -> Value:
        """Whether the guarantee applies to somebody's copy."""
        return self.side.conditions.matches(self.claim, ("claim", self.place), SeenMessage(), person)

    @cached_property
    def every(self) -> list[CountedCopy]:
        """The recipient's copy, and those that rules make."""
        logic = self.side.logic
        side = self.side
        own = self.applies(self.model.mail.recipient)
        copies = [CountedCopy(self.model.mail.recipient, side.outcomes[self.rules], own, FALSE, FALSE)]
        of_mail: dict[int, Value] = {}
        for added_copy in self.model.added(side, self.rules).copies:
            theirs = added_copy.when & self.applies(added_copy.person)
            sources = [when & (own if source is None else of_mail[id(source)]) for when, source in added_copy.sources]
            made = added_copy.when & logic.any_of(sources)
            of_mail[id(added_copy)] = theirs | made
            counts = self._counts(added_copy.person, made)
            copies.append(CountedCopy(added_copy.person, added_copy.outcome, theirs, made, counts, added_copy))
        return copies

    def _counts(self, person: AddressSlot, made: Value) -> Value:
        asked = self.guarantee.added_copy_counts_if(lambda: self.side.conditions.scopes.leaves(person))
        return FALSE if asked is None else self.side.logic.all_of([made, *asked])

    def disclosed(self, disclosure: Disclosure, *, counted: bool) -> Value:
        """Whether a rule may show somebody, in clear, mail that the guarantee applies to.

        :param counted: whether it counts; otherwise, it is left out.
        """
        logic = self.side.logic
        person = self.model.mail.added_people.shown(logic, disclosure.person.address)
        own = self.applies(person)
        chains: list[tuple[Value, RuleChain]] = []
        for copy_ in self.every:
            there = TRUE if copy_.copy is None else copy_.copy.when
            of_mail = copy_.own | copy_.made
            counts = own | self._counts(person, of_mail) if self.guarantee.covers_disclosures else FALSE
            which = counts if counted else of_mail & ~counts
            chains.append((there & which, copy_.outcome.chain))
        return disclosed(disclosure, chains, logic)

    def breaking_disclosure(self, disclosure: Disclosure) -> Value:
        """Whether somebody to whom a rule shows mail sees, in clear, mail that counts, sent as it must not be."""
        shown = self.disclosed(disclosure, counted=True)
        if self.guarantee.then != IN_TRANSIT:
            return shown
        model, logic = self.model, self.side.logic
        person = model.mail.added_people.shown(logic, disclosure.person.address)
        least, rules = self.guarantee.tls_validation, model.rule_sets[self.rules]
        sent = sent_in_clear(disclosure, person, model.mail, logic, least, rules)
        return shown & sent & self.side.conditions.scopes.leaves(person)

    def broken(self, copy_: CountedCopy, breaks: Callable[[Outcome, Guarantee], Value]) -> tuple[Value, Value]:
        """Whether a copy counts, and whether it breaks what it has to keep."""
        of_copies = self.guarantee.of_copies
        breaking = breaks(copy_.outcome, self.guarantee)
        counts = copy_.own | copy_.counts
        if copy_.counts == FALSE or of_copies is None or of_copies == self.guarantee:
            return counts, breaking
        others = copy_.counts & breaks(copy_.outcome, of_copies)
        return counts, (copy_.own & breaking) | others

    def left_out(self, copy_: CountedCopy) -> Value:
        """Whether a copy that does not count is made of the mail, and breaks what copies for others have to keep."""
        if self.guarantee.of_copies is None:
            return FALSE
        breaks_it = breaks(copy_.outcome, self.guarantee.of_copies)
        return copy_.made & ~copy_.own & ~copy_.counts & breaks_it
