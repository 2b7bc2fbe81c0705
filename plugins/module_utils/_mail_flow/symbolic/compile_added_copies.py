# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles the copies of people whom rules add."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..actions.copy_state import CopyByRule
from ..formula import FALSE, TRUE, Value
from ..rules.dlp_rules import SendingRule
from ..rules.flow_rule import FlowRule
from .address import AddressSlot
from .compile_outcomes import Outcome
from .compile_recipients import OtherRecipientsFormulas
from .compile_rules import RuleChain
from .logic import Logic

#: The maximum number of copies for people whom rules add that are compared.
_COPIES = 24

#: The maximum number of rules through which copies for added people are followed.
_STEPS = 6_000


@dataclass(frozen=True)
class AddedCopy:
    """The copy of somebody whom a rule adds.

    :param address: the primary address; :param:`person`: its atoms; empty for one of several people, or anybody.
    :param when: the condition for its existence.
    :param rule: the rule that adds them; :param:`instead`: whether it redirects the message to them.
    :param sources: the copies that it is made from, each with the condition for that; ``None`` for the recipient's.
    """

    address: str
    person: AddressSlot
    when: Value
    outcome: Outcome
    rule: FlowRule | SendingRule
    instead: bool
    sources: tuple[tuple[Value, AddedCopy | None], ...]

    @property
    def made_of(self) -> AddedCopy | None:
        """The first copy that it is made from."""
        return self.sources[0][1]


@dataclass(frozen=True)
class AddedCopies:
    """The copies of people whom rules add.

    :param cut: whether there are more copies than are followed.
    """

    copies: tuple[AddedCopy, ...]
    cut: bool

    def copies_of(self, address: str) -> list[AddedCopy]:
        """The copies of a person, by primary address."""
        return [copy for copy in self.copies if copy.address == address]


@dataclass(frozen=True)
class AddedCopyCompiler:
    """Follows the copies that the rules of a chain make, and those that are made of these.

    :param recipient: the recipient of the message.
    """

    logic: Logic
    other_recipients: OtherRecipientsFormulas
    recipient: AddressSlot

    def for_named(self, outcome: Outcome) -> AddedCopies:
        """The copies for people whom rules name by address, without copies that would only be somebody's second one."""
        copies: list[AddedCopy] = []
        waiting: list[tuple[CopyByRule, Value, AddedCopy | None]] = [
            (branch, branch.when, None) for branch in outcome.copies.named
        ]
        while waiting and len(copies) < _COPIES:
            branch, when, made_of = waiting.pop(0)
            if made_of is not None and not made_of.instead:
                source = outcome if made_of.made_of is None else made_of.made_of.outcome
                when &= ~source.makes(branch.place)
            if when == FALSE:
                continue
            copies.append(self._copy(outcome, branch, when, ((when, made_of),)))
            for more in copies[-1].outcome.copies.named:
                if more.address != branch.address and (
                    branch.instead or not outcome.maker(more.place).looks_at_recipients
                ):
                    waiting.append((more, copies[-1].when & more.when, copies[-1]))
        return AddedCopies(tuple(copies), bool(waiting))

    def for_everybody(self, outcome: Outcome) -> AddedCopies:
        """The copies for everybody to whom rules send one, first rule first. Equal copies for a rule's people count as
        one.
        """
        steps = 0
        copies: list[AddedCopy] = []
        waiting: dict[int, list[tuple[CopyByRule, list[tuple[Value, AddedCopy | None]]]]] = {}

        def wait(branches: Iterable[CopyByRule], of: Value, made_of: AddedCopy | None) -> None:
            for branch in branches:
                when = of & branch.when
                if when == FALSE or (made_of is not None and branch.address and branch.address == made_of.address):
                    continue
                row = waiting.setdefault(branch.place, [])
                same = next((sources for earlier, sources in row if replace(earlier, when=branch.when) == branch), None)
                if same is None:
                    row.append((branch, [(when, made_of)]))
                else:
                    same.append((when, made_of))

        wait(outcome.copies.every, TRUE, None)
        while waiting and steps < _STEPS:
            for branch, sources in waiting.pop(min(waiting)):
                steps += 1 + max(len(outcome.chain.rules.rules) - branch.place, 0)
                when = self.logic.any_of([condition for condition, _made_of in sources])
                copies.append(self._copy(outcome, branch, when, tuple(sources)))
                wait(copies[-1].outcome.copies.every, copies[-1].when, copies[-1])
        return AddedCopies(tuple(copies), bool(waiting))

    def made_by(self, outcome: Outcome, place: int) -> tuple[AddedCopy, ...]:
        """The copies that the rule at a place makes of an outcome's for people whom it does not name by address."""
        named = {branch.address for branch in outcome.copies.named if branch.place == place}
        return tuple(
            self._copy(outcome, branch, branch.when, ((branch.when, None),))
            for branch in outcome.copies.every
            if branch.place == place and branch.address not in named
        )

    def _copy(
        self, outcome: Outcome, branch: CopyByRule, when: Value, sources: tuple[tuple[Value, AddedCopy | None], ...]
    ) -> AddedCopy:
        """A copy that a rule makes for somebody. Nobody is added to their own copy.

        :param when: the condition under which the rule makes it; :param:`sources`: what it makes it from.
        """
        chain = outcome.chain
        copy = RuleChain(chain.rules, chain.conditions, self.other_recipients, chain.shared, branch)
        recipient = self.recipient
        if branch.address and not branch.instead:
            when &= ~recipient["address", branch.address]
        if branch.people:
            their = [
                theirs & copy.person["address", address] & (TRUE if branch.instead else ~recipient["address", address])
                for address, theirs in branch.people
            ]
            when &= self.logic.any_of(their)
        return AddedCopy(
            branch.address, copy.person, when, Outcome(copy), outcome.maker(branch.place), branch.instead, sources
        )
