# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who outside can read what in clear: kinds of mail by destinations, each cell decided for all of its mail.

Private to the collection. Mail counts as protected if it is encrypted, leaves only by forced TLS, or is not delivered.
A plain message shows one side of a cell in the simulator; the prover says whether there is mail on the other.

People and domains of one organization are nobody in another. So what is compared of two is kinds of mail by
destinations outside, and what their rules do to mail."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import (
    Difference,
    difference,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError, bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_address
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    IN_TRANSIT,
    VALIDATIONS,
    named_domains,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import INSIDE, Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import (
    BUDGET,
    NOT_FOUND,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    SURELY_PROTECTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.copy_properties import breaks
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SymbolicMessage,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    course_of,
    reasons_for,
    surely,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.never import never_matching

#: Everybody outside whom neither rules nor connectors name.
EVERYBODY_ELSE = "everybody else"

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000

#: What is asked of each cell.
_PROTECTED = Guarantee("overview", {}, {}, IN_TRANSIT, tls_validation=VALIDATIONS[0])

#: So many messages of a kind are tried at other destinations before a new one is searched for.
_REMEMBERED = 6


@dataclass(frozen=True, eq=False)
class KindOfMail:
    """A kind of mail from inside.

    :param name: its name in results.
    :param plain: what a plain message of it has, beside sender and recipient.
    :param unusual: the ids of assumptions about usual mail that it does not meet.
    :param literal: that mail is of it; ``None`` for all usual mail.
    """

    name: str
    plain: Mapping[str, Any] = field(default_factory=dict)
    unusual: frozenset[str] = frozenset()
    literal: Callable[[SymbolicMessage], int] | None = None


def _automatic_reply(mail: SymbolicMessage) -> int:
    """That it is one, and no request for approval, which rules may not see."""
    return mail.circuit.conjunction((mail.kinds["OOF"], mail.kinds["ApprovalRequest"] ^ 1))


def _with_attachment(mail: SymbolicMessage) -> int:
    """That something of an attachment shows: of others no rule can tell whether they are there."""
    atoms = [
        literal for slot, found in mail.texts.items() if slot.startswith("attachment") for literal in found.values()
    ]
    return mail.circuit.disjunction([mail.pdf, *atoms])


KINDS = (
    KindOfMail("from_inside"),
    KindOfMail(
        "automatic_reply", {"type": ["OOF"], "mail_from": ""}, frozenset({questions.SYSTEM_MAIL}), _automatic_reply
    ),
    KindOfMail(
        "forwarded", {"type": ["AutoForward"]}, frozenset({questions.FORWARDED}), lambda mail: mail.kinds["AutoForward"]
    ),
    KindOfMail(
        "with_attachment",
        {"attachments": [{"name": "document.pdf", "size": 1000}]},
        frozenset({questions.PDF}),
        _with_attachment,
    ),
    KindOfMail(
        "over_25_mb",
        {"size": "26MB"},
        frozenset({questions.TOO_LARGE}),
        lambda mail: mail.properties["message", SURELY_PROTECTED],
    ),
)


@dataclass(frozen=True)
class Cell:
    """What is true of the mail of a kind to a destination.

    :param destination: a domain with its subdomains, or :data:`EVERYBODY_ELSE`.
    :param protected: ``always``, ``never``, ``depends`` or ``unknown``.
    :param on: the rules on which it depends.
    :param witness: a message, its recipient and its outcome: one that is not protected, where there is one.
    :param unknown: why it is unknown.
    """

    kind: str
    destination: str
    protected: str
    on: tuple[str, ...] = ()
    witness: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[Reason, ...] = ()


def destinations(rules: RuleSet, facts: Mapping[str, Any], also: Iterable[str] = ()) -> list[str]:
    """The domains outside that are destinations of an overview.

    :param also: further domains, those inside among them.
    """
    known = facts_of(facts)
    return [name for name in sorted({*_named(rules, known), *also}) if known.domain_type(name) not in INSIDE]


def overview(
    rules: RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    also: Iterable[str] = (),
) -> list[Cell]:
    """The cells, destination by destination. What takes more than the budget is unknown.

    :param facts: in the form of the option ``facts``.
    :param budget: the maximum number of conflicts for all questions together.
    :param also: further destinations, if they are outside.
    """
    domains = destinations(rules, facts, also)
    found: dict[tuple[str, str], Cell] = {}
    try:
        with bounded():
            looking = _Overview(rules, facts, domains, now or datetime.datetime.now(datetime.UTC), budget)
            for cell in looking.cells():
                found[cell.destination, cell.kind] = cell
    except BudgetError:  # Of what is left nothing is known.
        pass
    places = itertools.product([*domains, EVERYBODY_ELSE], KINDS)
    return [
        found.get((name, kind.name)) or Cell(kind.name, name, "unknown", unknown=(BUDGET,)) for name, kind in places
    ]


@dataclass(frozen=True)
class _SampleMessage:
    """A message and what happens to it.

    :param options: as the option ``messages`` has it.
    :param known: what is known of the organization with the :param:`facts` that the message needs beside.
    :param keeps: whether the recipient's copy surely is protected; ``None`` if that is open.
    """

    options: Mapping[str, Any]
    recipient: str
    message: Message
    rules: RuleSet
    course: Course | None
    keeps: bool | None
    known: Facts
    facts: Mapping[str, Any]

    @cached_property
    def outcome(self) -> Mapping[str, Any]:
        """Its result."""
        return (result(self.course, self.rules, self.message, self.known) if self.course else None) or {}

    @property
    def acting(self) -> set[str]:
        """The rules that surely act on it."""
        return {str(each["name"]) for each in self.outcome.get("rules", ()) if each["matched"] is True}

    @property
    def shown(self) -> dict[str, Any]:
        """It as a witness."""
        found = {"message": {"name": "overview", **self.options}, "recipient": self.recipient, "outcome": self.outcome}
        return {**found, "facts": self.facts} if self.facts else found


class _Overview:
    def __init__(
        self, rules: RuleSet, facts: Mapping[str, Any], domains: Sequence[str], now: datetime.datetime, budget: int
    ) -> None:
        self._rules, self._domains, self._now = rules, domains, now
        self._model = model = Model([rules], _selecting(domains), facts, now, transit=True)
        self._facts: Facts = model.facts
        self._budget = budget
        inside = [each.name for each in self._facts.accepted_domains or () if each.type in INSIDE]
        self._sender = f"sender@{inside[0] if inside else 'contoso.example'}"
        #: By kind the messages that were found so far, the last one first: what one destination shows, another may show
        #: as well.
        self._known: dict[str, list[_SampleMessage]] = {}

    def cells(self) -> Iterator[Cell]:
        """One for each destination and kind."""
        for name, kind in itertools.product([*self._domains, EVERYBODY_ELSE], KINDS):
            seen = self._plain(name, kind)
            if seen.keeps is None:
                yield self._unknown(name, kind, seen)
                continue
            other = self._like_others(name, kind, keeps=not seen.keeps)
            try:
                possible, other = (
                    (True, other) if other else self._found(kind, self._side(name, kind, keeps=not seen.keeps))
                )
            except BudgetError:
                yield self._unknown(name, kind, seen, BUDGET)
                continue
            if not possible:
                yield Cell(kind.name, name, "always" if seen.keeps else "never", witness=seen.shown)
            elif other is None or other.keeps is not (not seen.keeps):
                yield self._unknown(name, kind, other or seen)
            else:
                order = {rule.name: rule.place for rule in self._rules.rules}
                on = sorted(seen.acting ^ other.acting, key=lambda each: order.get(each, -1))
                yield Cell(kind.name, name, "depends", tuple(on), (seen if seen.keeps is False else other).shown)

    def _unknown(self, name: str, kind: KindOfMail, seen: _SampleMessage, why: Reason = NOT_FOUND) -> Cell:
        """A cell of which nothing is known, since that is open of a message, or for another reason."""
        reasons = reasons_for(seen.course, _PROTECTED, seen.message, seen.known) if seen.keeps is None else []
        return Cell(kind.name, name, "unknown", witness=seen.shown, unknown=tuple(reasons) or (why,))

    # Messages

    def _plain(self, name: str, kind: KindOfMail) -> _SampleMessage:
        """A plain message of a kind to a destination."""
        recipient = f"recipient@{self._domain(name)}"
        return self._seen(
            {"from": self._sender, "authenticated": True, "to": [recipient], **kind.plain}, recipient, self._facts, {}
        )

    def _domain(self, name: str) -> str:
        return self._elsewhere if name == EVERYBODY_ELSE else name

    @cached_property
    def _elsewhere(self) -> str:
        """A domain that nobody names."""
        names = {*self._domains, *(each.name for each in self._facts.accepted_domains or ())}
        return next(name for number in range(len(names) + 1) if (name := f"else{number or ''}.example") not in names)

    def _like_others(self, name: str, kind: KindOfMail, *, keeps: bool) -> _SampleMessage | None:
        """A message that surely is on a side, like a plain one or those of other destinations."""
        domain, below = self._domain(name), f"mail.{self._domain(name)}"
        if (
            self._facts.connectors_for(below) != self._facts.connectors_for(domain)
            and (found := self._plain(below, kind)).keeps is keeps
        ):
            return found
        recipient, every = f"recipient@{domain}", self._known.setdefault(kind.name, [])
        for place, known in enumerate(every):
            found = self._seen({**known.options, "to": [recipient]}, recipient, known.known, known.facts)
            if found.keeps is keeps:
                every.insert(0, every.pop(place))  # It is likely to show the next one, too.
                return found
        return None

    def _found(self, kind: KindOfMail, literals: list[int]) -> tuple[bool, _SampleMessage | None]:
        """Whether mail may be like this, and a message that may be; ``None`` if none is written.

        :raises BudgetError: that took too many conflicts.
        """
        possible, candidate = self._model.search(
            literals, self._model.free, max(self._budget - self._model.circuit.solver.conflicts, 0)
        )
        if candidate is None:
            return possible, None
        letter = candidate.letter
        found = self._seen(letter.message, letter.recipient, candidate.facts[0], letter.facts)
        if letter.message.get("to") == [letter.recipient] and not {"cc", "bcc"} & set(letter.message):
            self._known[kind.name] = [found, *self._known.get(kind.name, ())][:_REMEMBERED]
        return possible, found

    def _seen(
        self, options: Mapping[str, Any], recipient: str, facts: Facts, more: Mapping[str, Any]
    ) -> _SampleMessage:
        message = message_of({**options, "date": self._now}, "", "overview")
        course = course_of(self._rules, message, facts, recipient)
        return _SampleMessage(
            options, recipient, message, self._rules, course, surely(course, _PROTECTED, message, facts), facts, more
        )

    # Formulas

    def _side(self, name: str, kind: KindOfMail, *, keeps: bool) -> list[int]:
        """That mail of a cell may be delivered protected, or not protected."""
        person = self._model.mail.recipient
        there = (
            [person["below", name]] if name in self._domains else [person["below", each] ^ 1 for each in self._domains]
        )
        return [*there, *self._of_kind[kind.name], self._sides[keeps]]

    @cached_property
    def _of_kind(self) -> dict[str, list[int]]:
        """By kind that mail is of it: usual but for that, from inside, in clear as it arrives, and that it leaves."""
        side, mail = self._model.free, self._model.mail
        sender, leaves = (
            high(side.conditions.scopes.sender("InOrganization", mail.sender)),
            high(side.conditions.scopes.leaves(mail.recipient)),
        )
        common = [sender, leaves, *(literal ^ 1 for literal in mail.arrival.values())]
        usual = {kind.name: [each.literal for each in mail.assumed if each.id not in kind.unusual] for kind in KINDS}
        return {
            kind.name: [*common, *usual[kind.name], *([kind.literal(mail)] if kind.literal else [])] for kind in KINDS
        }

    @cached_property
    def _sides(self) -> dict[bool, int]:
        """By whether it is protected, that mail is delivered so."""
        outcome, logic = self._model.free.outcomes[0], self._model.free.logic
        broken = breaks(outcome, _PROTECTED)
        return {True: high(logic.all_of((outcome.delivered, negate(broken)))), False: high(broken)}


def _named(rules: RuleSet, facts: Facts) -> list[str]:
    """The domains outside that rules which can act, and connectors, name."""
    acting = (atom for rule in rules.rules if not rule.idle for atom in (*rule.conditions, *rule.exceptions))
    by_rules = {
        name.lower() for atom in acting if atom.predicate.options[0] == "recipient_domain_is" for name in atom.values
    }
    every = {*by_rules, *named_domains(facts.outbound_connectors or ())}
    return sorted(name for name in every if _is_domain(name))


def _is_domain(name: str) -> bool:
    """Whether mail can be for it, unlike for ``@fabrikam.com``."""
    return is_address(f"recipient@{name}") and not any(never_matching({"recipient_domain_is": name}))


def _selecting(domains: Sequence[str]) -> RuleSet:
    """What selects mail to these domains, so that it can be told from other mail even if no rule names them."""
    return RuleSet([{"conditions": {"recipient_domain_is": list(domains)}}] if domains else [])


@dataclass(frozen=True)
class RulesWithFacts:
    """The rules of an organization, and its facts in the form of the option ``facts``."""

    rules: RuleSet
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Contrast:
    """Where two organizations differ.

    :param cells: a kind of mail to a destination, in each of them, where it is not decided alike.
    :param unknown: those of which it is unknown in both.
    :param does: what the rules of each do: the difference from none.
    """

    cells: tuple[tuple[Cell, Cell], ...]
    unknown: tuple[Cell, ...]
    does: tuple[Difference, Difference]


def another_organization(
    rules: RuleSet | None, facts: Mapping[str, Any], here: Mapping[str, Any]
) -> RulesWithFacts | None:
    """The organization that other rules are of, if it is another one: both name their accepted domains, and these are
    not the same.

    :param facts: what is known of it, and :param:`here` of the tested one.
    """
    names = [
        {
            str(each["name"] if isinstance(each, Mapping) else each).lower()
            for each in known.get("accepted_domains") or ()
        }
        for known in (facts, here)
    ]
    return RulesWithFacts(rules, facts) if rules is not None and all(names) and names[0] != names[1] else None


def contrast(one: RulesWithFacts, other: RulesWithFacts, now: datetime.datetime) -> Contrast:
    """Where two organizations differ. Destinations that are inside one of them are not compared."""
    names = {name for each in (one, other) for name in destinations(each.rules, each.facts)}
    both = [
        {(cell.destination, cell.kind): cell for cell in overview(each.rules, each.facts, now, also=names)}
        for each in (one, other)
    ]
    pairs = [(cell, both[1][key]) for key, cell in both[0].items() if key in both[1]]
    does = (difference([], one.rules, one.facts, now), difference([], other.rules, other.facts, now))
    unlike = tuple(pair for pair in pairs if pair[0].protected != pair[1].protected)
    unknown = tuple(one for one, other in pairs if one.protected == other.protected == "unknown")
    return Contrast(unlike, unknown, does)
