# SPDX-License-Identifier: GPL-3.0-or-later
"""Who outside can read what in clear: kinds of mail by destinations, each cell decided for all of its mail.

Mail counts as protected if it is encrypted, leaves only by forced TLS, or is not delivered.
A destination is where a copy goes: that of the recipient, or of somebody whom rules add or redirect mail to. A plain
message shows one side of a cell in the simulator; the prover says whether there is mail on the other.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from ..._resources.compliance.dlp_fields import SENSITIVE
from ..._resources.rules.never import never_matching
from ..actions.brought_people import brought_by
from ..budget import BudgetError, bounded
from ..conditions.senders import hop_in_no_range
from ..formula import FALSE, TRUE, Literal, Value, high
from ..input.guarantee_options import Guarantee
from ..input.parsing import facts_of, message_of
from ..model import questions
from ..model.addresses import domain, is_address, with_parents
from ..model.connectors import IN_TRANSIT, VALIDATIONS, named_domains
from ..model.domains import INSIDE
from ..model.encrypters import Encrypter
from ..model.facts import Facts
from ..model.kleene import Reason
from ..model.message import Message
from ..model.routing import connectors_for
from ..rules.dlp_rules import sending_rules
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import BUDGET, NOT_FOUND, TOO_MANY_COPIES, contradicted_by
from ..simulator.copy_result import CopyResult
from ..simulator.protection import SURELY_PROTECTED
from ..simulator.results import result
from ..simulator.showings import showings
from ..simulator.state import Course
from ..symbolic.address import AddressSlot
from ..symbolic.compile_outcomes import Outcome, shows
from ..symbolic.copy_properties import breaks
from ..symbolic.encoding import Model
from ..symbolic.symbolic_message import SymbolicMessage
from ..symbolic.witness_replay import course_of, courses_of, reasons_for, surely
from .besides_dlp import certain_dlp_rules, left_alone, undecided

#: Everybody outside whom neither rules nor connectors name.
EVERYBODY_ELSE = "everybody else"

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000

#: What is asked of each cell.
_PROTECTED = Guarantee("overview", {}, {}, IN_TRANSIT, tls_validation=VALIDATIONS[0])

#: So many messages of a kind are tried at other destinations before a new one is searched for.
_REMEMBERED = 6


class MailKind(StrEnum):
    """A kind of mail from inside. Results and pages have the texts."""

    FROM_INSIDE = "from_inside"
    AUTOMATIC_REPLY = "automatic_reply"
    FORWARDED = "forwarded"
    WITH_ATTACHMENT = "with_attachment"
    OVER_25_MB = "over_25_mb"


class CellVerdict(StrEnum):
    """How much of the mail of a cell is protected. Results and pages have the texts."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class KindOfMail:
    """What mail of a kind is.

    :param name: the kind.
    :param plain: what a plain message of it has, beside sender and recipient.
    :param unusual: the ids of assumptions about usual mail that it does not meet.
    :param literal: that mail is of it; ``None`` for all usual mail.
    """

    name: MailKind
    plain: Mapping[str, Any] = field(default_factory=dict)
    unusual: frozenset[str] = frozenset()
    literal: Callable[[SymbolicMessage], Literal] | None = None


def _automatic_reply(mail: SymbolicMessage) -> Literal:
    """A literal that is true of an automatic reply that is no request for approval, which rules may not see."""
    return mail.kinds["OOF"] & ~mail.kinds["ApprovalRequest"]


def _with_attachment(mail: SymbolicMessage) -> Literal:
    """The literal that is true if something of an attachment shows: of others no rule can tell whether they are there."""
    atoms = [
        literal
        for slot, attachments in mail.texts.items()
        if slot.startswith("attachment")
        for literal in attachments.values()
    ]
    return mail.circuit.disjunction([mail.pdf.attached, *atoms])


KINDS = (
    KindOfMail(MailKind.FROM_INSIDE),
    KindOfMail(
        MailKind.AUTOMATIC_REPLY,
        {"type": ["OOF"], "mail_from": ""},
        frozenset({questions.SYSTEM_MAIL}),
        _automatic_reply,
    ),
    KindOfMail(
        MailKind.FORWARDED,
        {"type": ["AutoForward"]},
        frozenset({questions.FORWARDED}),
        lambda mail: mail.kinds["AutoForward"],
    ),
    KindOfMail(
        MailKind.WITH_ATTACHMENT,
        {"attachments": [{"name": "document.pdf", "size": 1000}]},
        frozenset({questions.PDF}),
        _with_attachment,
    ),
    KindOfMail(
        MailKind.OVER_25_MB,
        {"size": "26MB"},
        frozenset({questions.TOO_LARGE}),
        lambda mail: mail.properties["message", SURELY_PROTECTED],
    ),
)


@dataclass(frozen=True)
class Cell:
    """What is true of the mail of a kind to a destination.

    :param destination: a domain with its subdomains, or :data:`EVERYBODY_ELSE`.
    :param on: the rules on which it depends.
    :param witness: a message, its recipient and its outcome: one that is not protected, where there is one.
    :param besides_dlp: the DLP rules that may treat some of the mail otherwise, where it is open on which mail they act. The
        rest of the cell is about mail on which none of these acts.
    :param unknown: why it is unknown.
    """

    kind: MailKind
    destination: str
    protected: CellVerdict
    on: tuple[str, ...] = ()
    witness: Mapping[str, Any] = field(default_factory=dict)
    besides_dlp: tuple[str, ...] = ()
    unknown: tuple[Reason, ...] = ()


def destinations(rules: RuleSet, facts: Mapping[str, Any] | Facts, also: Iterable[str] = ()) -> list[str]:
    """The domains outside that are destinations of an overview.

    :param also: further domains, those inside among them.
    """
    known = facts_of(facts)
    return [name for name in sorted({*_named(rules, known), *also}) if known.domains.type_of(name) not in INSIDE]


def overview(
    rules: RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    also: Iterable[str] = (),
) -> list[Cell]:
    """The cells, destination by destination. What takes more than the budget is unknown, and so is what would be proved while a test
    message contradicts what is computed.

    :param facts: in the form of the option ``facts``.
    :param budget: the maximum number of conflicts for all questions together.
    :param also: further destinations, if they are outside.
    """
    known = facts_of(facts)
    domains = destinations(rules, known, also)
    cells: dict[tuple[str, MailKind], Cell] = {}
    try:
        with bounded():
            looking = _Overview(rules, known, domains, now or datetime.datetime.now(datetime.UTC), budget)
            for cell in looking.cells():
                cells[cell.destination, cell.kind] = cell
    except BudgetError:  # Of what is left nothing is known.
        pass
    contradicted = tuple(map(contradicted_by, facts_of(facts).contradicted))
    if contradicted:
        cells = {
            place: replace(cell, protected=CellVerdict.UNKNOWN, unknown=contradicted)
            if cell.protected in (CellVerdict.ALWAYS, CellVerdict.NEVER)
            else cell
            for place, cell in cells.items()
        }
    places = itertools.product([*domains, EVERYBODY_ELSE], KINDS)
    return [
        cells.get((name, kind.name)) or Cell(kind.name, name, CellVerdict.UNKNOWN, unknown=(BUDGET,))
        for name, kind in places
    ]


@dataclass(frozen=True)
class _SampleMessage:
    """A message and what happens to it.

    :param options: as the option ``messages`` has it.
    :param known: what is known of the organization with the :param:`facts` that the message needs beside, and
        :param:`alone` the same as mail meets it on which no DLP rule acts of which that is open.
    :param keeps: whether the recipient's copy surely is protected; ``None`` if that is open.
    """

    options: Mapping[str, Any]
    recipient: str
    message: Message
    rules: RuleSet
    course: Course | None
    keeps: bool | None
    known: Facts
    alone: Facts
    facts: Mapping[str, Any]

    @cached_property
    def outcome(self) -> CopyResult | None:
        """Its result if no DLP rule acts of which that is open; ``None`` if the recipient gets nothing."""
        return result(self.course, self.rules, self.message, self.alone) if self.course else None

    def _outcome_of(self, message: Message) -> CopyResult | None:
        """The result of the same recipient's copy of a message."""
        if self.course is None or (message is self.message and self.known is self.alone):
            return self.outcome
        course = course_of(self.rules, message, self.known, self.course.recipient.address)
        return result(course, self.rules, message, self.known) if course else None

    @property
    def acting(self) -> set[str]:
        """The rules that surely act on it."""
        return set(self.outcome.surely_matching) if self.outcome else set()

    @property
    def shown(self) -> dict[str, Any]:
        """The message as a witness."""
        outcome, options = self._outcome_of(self.message), self.options
        if SENSITIVE in options and self._outcome_of(replace(self.message, sensitive_information=None)) == outcome:
            options = {key: value for key, value in options.items() if key != SENSITIVE}
        witness = {
            "message": {"name": "overview", **options},
            "recipient": self.recipient,
            "outcome": outcome.as_row() if outcome else {},
        }
        return {**witness, "facts": self.facts} if self.facts else witness


class _Overview:
    def __init__(
        self, rules: RuleSet, facts: Facts, domains: Sequence[str], now: datetime.datetime, budget: int
    ) -> None:
        self._rules = rules
        self._domains = domains
        self._now = now
        self._model = model = Model([rules], _selecting(domains), facts, now, transit=True)
        self._facts: Facts = model.facts
        self._budget = budget
        self._brought = _brought(rules, model.facts)
        self._undecided = undecided(model.facts)
        self._certain = certain_dlp_rules(model.facts)
        #: What a plain message has where a DLP rule looks into it, or a rule at the address that it came from last.
        self._content: dict[str, Any] = {} if model.mail.sensitivity.information is FALSE else {SENSITIVE: False}
        ranges = [value for atom in rules.atoms if atom.predicate.sort == "range" for value in atom.values]
        if ranges and (hop := hop_in_no_range(ranges)):
            self._content["sender_ip"] = hop
        self._showings = list(showings(rules.rules, model.facts))
        inside = [accepted.name for accepted in self._facts.domains.accepted or () if accepted.type in INSIDE]
        self._sender = f"sender@{inside[0] if inside else 'contoso.example'}"
        #: By kind the messages that were found so far, the last one first: what one destination shows, another may show
        #: as well.
        self._known: dict[str, list[_SampleMessage]] = {}

    def cells(self) -> Iterator[Cell]:
        """One for each destination and kind."""
        for name, kind in itertools.product([*self._domains, EVERYBODY_ELSE], KINDS):
            yield self._with_dlp(self._cell(name, kind), kind)

    def _cell(self, name: str, kind: KindOfMail) -> Cell:
        """The one of a destination and kind, of mail on which no DLP rule acts of which that is open."""
        seen = self._plain(name, kind)
        if seen.keeps is None:
            return self._unknown(name, kind, seen)
        other = self._like_others(name, kind, keeps=not seen.keeps)
        try:
            possible, other = (
                (True, other)
                if other
                else self._possible_sample(name, kind, self._side(name, keeps=not seen.keeps), keeps=not seen.keeps)
            )
            shown, why = self._shown(name, kind) if seen.keeps and not possible else (None, None)
        except BudgetError:
            return self._unknown(name, kind, seen, BUDGET)
        if why:
            return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=(shown or seen).shown, unknown=(why,))
        if not possible and self._model.added(self._model.free).cut:
            return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=seen.shown, unknown=(TOO_MANY_COPIES,))
        if not possible:
            verdict = CellVerdict.ALWAYS if seen.keeps else CellVerdict.NEVER
            return Cell(kind.name, name, verdict, witness=seen.shown)
        if other is None or other.keeps is not (not seen.keeps):
            return self._unknown(name, kind, other or seen)
        order = {rule.name: rule.place for rule in self._rules.rules}
        on = sorted(seen.acting ^ other.acting, key=lambda destination: order.get(destination, -1))
        return Cell(kind.name, name, CellVerdict.DEPENDS, tuple(on), (seen if seen.keeps is False else other).shown)

    def _unknown(self, name: str, kind: KindOfMail, seen: _SampleMessage, why: Reason = NOT_FOUND) -> Cell:
        """A cell of which nothing is known, since that is open of a message, or for another reason."""
        reasons = reasons_for(seen.course, _PROTECTED, seen.message, seen.alone) if seen.keeps is None else []
        return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=seen.shown, unknown=tuple(reasons) or (why,))

    # DLP rules of which it is open on which mail they act

    @cached_property
    def _acting_dlp(self) -> dict[int, Literal]:
        """By the identity of what each of them does, the literal that is true if it may act on one of the copies."""
        return {
            id(rule.does): self._model.circuit.disjunction(
                high(when & outcome.after.dlp.acts(rule)) for when, outcome in self._copies
            )
            for rule in self._undecided
        }

    def _with_dlp(self, cell: Cell, kind: KindOfMail) -> Cell:
        """A cell with the DLP rules that may treat some of its mail otherwise. One of which that takes too long to find out is
        unknown.
        """
        remaining = {
            rule.does.name: self._acting_dlp[id(rule.does)]
            for rule in self._undecided
            if _may_change(cell.protected, rule.does, instead=bool(self._certain))
        }
        otherwise = self._otherwise(cell) if remaining else FALSE
        named: list[str] = []
        while remaining:
            acting = list(remaining.values())
            asked = [*self._of_kind[kind.name], otherwise, self._model.circuit.disjunction(acting)]
            try:
                if not self._model.solve(asked, self._remaining_budget, preferred=acting):
                    break
            except BudgetError:
                return Cell(cell.kind, cell.destination, CellVerdict.UNKNOWN, witness=cell.witness, unknown=(BUDGET,))
            found = [name for name, acts in remaining.items() if self._model.circuit.holds(acts)]
            named += found
            remaining = {name: acts for name, acts in remaining.items() if name not in found}
        return replace(cell, besides_dlp=tuple(named))

    def _otherwise(self, cell: Cell) -> Literal:
        """The literal that is true if a copy may contradict a cell; of one that depends on rules, if it is about it."""
        if cell.protected is not CellVerdict.DEPENDS:
            return self._side(cell.destination, keeps=cell.protected is CellVerdict.NEVER)
        there = [when & self._at(cell.destination, copy.chain.person) for when, copy in self._copies]
        return high(self._model.free.logic.any_of(there))

    @property
    def _remaining_budget(self) -> int:
        return max(self._budget - self._model.circuit.solver.conflicts, 0)

    # Messages

    def _plain(self, name: str, kind: KindOfMail) -> _SampleMessage:
        """A plain message of a kind to a destination."""
        recipient = f"recipient@{self._domain(name)}"
        options = {"from": self._sender, "authenticated": True, "to": [recipient], **kind.plain, **self._content}
        return self._seen(options, recipient, self._facts, {})

    def _domain(self, name: str) -> str:
        return self._elsewhere if name == EVERYBODY_ELSE else name

    @cached_property
    def _elsewhere(self) -> str:
        """A domain that nobody names."""
        names = {*self._domains, *(accepted.name for accepted in self._facts.domains.accepted or ())}
        return next(name for number in range(len(names) + 1) if (name := f"else{number or ''}.example") not in names)

    def _like_others(self, name: str, kind: KindOfMail, *, keeps: bool) -> _SampleMessage | None:
        """A message that surely is on a side, like a plain one or those of other destinations."""
        there = self._domain(name)
        below = f"mail.{self._domain(name)}"
        if (
            connectors_for(self._facts, below) != connectors_for(self._facts, there)
            and (sample := self._plain(below, kind)).keeps is keeps
        ):
            return sample
        recipient = f"recipient@{there}"
        every = self._known.setdefault(kind.name, [])
        for place, known in enumerate(every):
            sample = self._seen({**known.options, "to": [recipient]}, recipient, known.known, known.facts)
            if sample.keeps is keeps:
                every.insert(0, every.pop(place))  # It is likely to show the next one, too.
                return sample
        return None

    def _possible_sample(
        self, name: str, kind: KindOfMail, literal: Literal, *, keeps: bool | None = None
    ) -> tuple[bool, _SampleMessage | None]:
        """Whether mail of a kind may be like this, and a message that may be; ``None`` if none is written. It shows the
        copy of somebody at the destination, if possible one that surely is protected, or surely is not.

        :raises BudgetError: that took too many conflicts.
        """
        possible, candidate = self._model.messages.search(
            [*self._of_kind[kind.name], *(~acts for acts in self._acting_dlp.values()), literal],
            self._model.free,
            self._remaining_budget,
        )
        if candidate is None:
            return possible, None
        letter = candidate.letter
        people = dict.fromkeys((letter.recipient, *self._brought))
        there = [person for person in people if self._is_at(name, person)] or [letter.recipient]
        every = self._copies_seen(letter.message, there, candidate.facts[0], letter.facts)
        sample = next((one for one in every if one.keeps is keeps), every[0])
        if letter.message.get("to") == [sample.recipient] and not {"cc", "bcc"} & set(letter.message):
            self._known[kind.name] = [sample, *self._known.get(kind.name, ())][:_REMEMBERED]
        return possible, sample

    def _is_at(self, name: str, address: str) -> bool:
        parents = with_parents(domain(address))
        return name in parents if name in self._domains else not set(parents) & set(self._domains)

    def _seen(
        self, options: Mapping[str, Any], recipient: str, facts: Facts, more: Mapping[str, Any]
    ) -> _SampleMessage:
        (sample,) = self._copies_seen(options, [recipient], facts, more)
        return sample

    def _copies_seen(
        self, options: Mapping[str, Any], people: Sequence[str], facts: Facts, more: Mapping[str, Any]
    ) -> list[_SampleMessage]:
        """A message with the copy of each of these people who gets one; without a copy if none does."""
        message = message_of({**options, "date": self._now}, "", "overview")
        alone = left_alone(facts, self._undecided)
        courses = {course.recipient.address: course for course in courses_of(self._rules, message, alone)}
        return [
            _SampleMessage(
                options,
                person,
                message,
                self._rules,
                course,
                surely(course, _PROTECTED, message, alone),
                facts,
                alone,
                more,
            )
            for person in [person for person in people if person in courses] or people[:1]
            for course in [courses.get(person)]
        ]

    # Formulas

    def _side(self, name: str, *, keeps: bool) -> Literal:
        """The literal that is true if a copy to a destination may be delivered protected, or not protected."""
        literals = list[Literal]()
        for when, outcome in self._copies:
            broken = breaks(outcome, _PROTECTED)
            ends = outcome.fate.delivered & ~broken if keeps else broken
            literals.append(high(when & self._at(name, outcome.chain.person) & ends))
        return self._model.circuit.disjunction(literals)

    def _at(self, name: str, person: AddressSlot) -> Value:
        """The value that is true if somebody is at a destination, and mail to them leaves."""
        side = self._model.free
        if name in self._domains:
            there = person["below", name]
        else:
            there = ~side.logic.circuit.disjunction([person["below", domain] for domain in self._domains])
        return there & side.conditions.scopes.leaves(person)

    @cached_property
    def _copies(self) -> list[tuple[Value, Outcome]]:
        """The recipient's copy, and those of people whom rules add, each with its condition."""
        side = self._model.free
        return [(TRUE, side.outcomes[0]), *((copy.when, copy.outcome) for copy in self._model.added(side).copies)]

    def _shown(self, name: str, kind: KindOfMail) -> tuple[_SampleMessage | None, Reason | None]:
        """A message that rules may show somebody at a destination in clear, and why that is open.

        :raises BudgetError: that took too many conflicts.
        """
        side = self._model.free
        chains = [(when, outcome.chain) for when, outcome in self._copies]
        for showing in self._showings:
            there = self._at(name, self._model.mail.added_people.shown(side.logic, showing.person.address))
            sees = high(there & shows(showing, chains, side.logic))
            possible, sample = self._possible_sample(name, kind, sees)
            if possible:
                return sample, showing.reason
        return None, None

    @cached_property
    def _of_kind(self) -> dict[str, list[Literal]]:
        """By kind that mail is of it: usual but for that, from inside, and in clear as it arrives."""
        side = self._model.free
        mail = self._model.mail
        sender = high(side.conditions.scopes.sender("InOrganization", mail.sender))
        common = [sender, *(~literal for literal in mail.arrival.values())]
        usual = {
            kind.name: [
                assumption.literal for assumption in mail.assumptions.for_claims if assumption.id not in kind.unusual
            ]
            for kind in KINDS
        }
        return {
            kind.name: [*common, *usual[kind.name], *([kind.literal(mail)] if kind.literal else [])] for kind in KINDS
        }


def _may_change(protected: CellVerdict, does: Encrypter, *, instead: bool) -> bool:
    """Whether a DLP rule that acts on mail of a cell may make another verdict of it. Mail that is not delivered counts as
    protected.

    :param instead: whether there are other DLP rules that it may keep from acting.
    """
    if protected is CellVerdict.UNKNOWN:
        return False
    if does.not_understood or instead:
        return True
    protects = protected is not CellVerdict.ALWAYS and bool(does.options or does.ends)
    return protects or (protected is not CellVerdict.NEVER and does.removes)


def _named(rules: RuleSet, facts: Facts) -> list[str]:
    """The domains outside that rules which can act, and connectors, name, and those of people whom such rules bring or show
    mail. Of DLP rules, these are those that surely act.
    """
    acting = [atom for rule in rules.rules if not rule.idle for atom in rule.criteria.atoms]
    acting += [
        leaf.atom for rule in certain_dlp_rules(facts) for leaf in rule.looks_for.leaves if leaf.atom is not None
    ]
    by_rules = {
        name.lower() for atom in acting if atom.predicate.options[0] == "recipient_domain_is" for name in atom.values
    }
    people = {*_brought(rules, facts), *(showing.person.address for showing in showings(rules.rules, facts))}
    every = {*by_rules, *named_domains(facts.connectors.outbound or ()), *map(domain, people)}
    return sorted(name for name in every if _is_domain(name))


def _brought(rules: RuleSet, facts: Facts) -> list[str]:
    """The addresses of the people to whom rules that can act send mail."""
    sending = sending_rules(rules, facts)
    return sorted({address for rule in sending for _option, address, _senders in brought_by(rule, facts)})


def _is_domain(name: str) -> bool:
    """Whether mail can be for it, unlike for ``@fabrikam.com``."""
    return is_address(f"recipient@{name}") and not any(never_matching({"recipient_domain_is": name}))


def _selecting(domains: Sequence[str]) -> RuleSet:
    """What selects mail to these domains, so that it can be told from other mail even if no rule names them."""
    return RuleSet([{"conditions": {"recipient_domain_is": list(domains)}}] if domains else [])
