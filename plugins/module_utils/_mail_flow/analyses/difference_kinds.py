# SPDX-License-Identifier: GPL-3.0-or-later
"""How two rule sets treat a message differently: as formulas, and with the simulator for one message. A class of mail that
they treat differently is a kind with a cause. This is what is known of a class, and the mail that is searched for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import Key
from ..formula import Literal, Value, high
from ..model.connectors import VALIDATIONS
from ..model.encrypters import NOTHING
from ..model.facts import Facts
from ..model.kleene import Reason
from ..model.message import Message
from ..model.outcomes import OPEN_PROTECTIONS, Fate, ProtectionKind
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.protection import CopyProtection, protection_of, protects
from ..simulator.state import Course, World
from ..symbolic.compile_outcomes import Copies
from ..symbolic.compile_recipients import ANYBODY
from ..symbolic.encoding import Model
from ..symbolic.message_search import CandidateMessage
from ..symbolic.side import Side
from .aspects import DifferenceKind
from .attribution import Part
from .finding import ChangedMail
from .judgment import without_noise
from .rule_changes import Edit

_ENDS = (Fate.DELETED, Fate.REJECTED, Fate.REDIRECTED, Fate.QUARANTINED)


def transit_differs(sets: Sequence[RuleSet], facts: Facts) -> bool:
    """Whether rules affect how mail leaves, as far as that is known. If it is not, their side effects say what changes."""
    return facts.connectors.outbound is not None and any(
        rule.actions.does(Does.ROUTE) for rules in sets for rule in rules.rules
    )


def categories(
    old: Copies, new: Copies, options: Iterable[str], *, transit: bool = False
) -> dict[DifferenceKind, Value]:
    """By kind of difference, whether a message shows it, the most important kind first.

    :param transit: whether how a copy leaves may differ.
    """
    logic = old.logic

    def differ(before: Value, after: Value) -> Value:
        return ~logic.equal(before, after)

    held = [(old.held(approvals), new.held(approvals)) for approvals in range(max(old.approvals, new.approvals))]
    held_alike = logic.all_of([logic.equal(before, after) for before, after in held])
    sooner = logic.any_of([~before & after for before, after in held])
    held_longer = logic.any_of([before & ~after for before, after in held])
    visible = held_alike & ((old.delivered & new.delivered) | (old.released & new.released))
    ends_alike = logic.all_of([logic.equal(old.ends(fate), new.ends(fate)) for fate in _ENDS])
    other_end = ~old.delivered & ~new.delivered & ~(ends_alike & logic.equal(old.gone, new.gone))
    other_option = logic.any_of([differ(old.option(name), new.option(name)) for name in options])
    other_smime = differ(old.smime, new.smime) & ~old.surprised & ~new.surprised
    brands = sorted({*old.brands, *new.brands})
    other_branding = logic.any_of([differ(old.brand(name), new.brand(name)) for name in brands])
    kinds = {
        DifferenceKind.PROTECTION_LOST: visible & old.protected & ~new.protected,
        DifferenceKind.DELIVERY_LOST: old.delivered & (sooner | (held_alike & ~new.delivered)),
        DifferenceKind.PROTECTION_GAINED: visible & ~old.protected & new.protected,
        DifferenceKind.DELIVERY_GAINED: new.delivered & (held_longer | (held_alike & ~old.delivered)),
        DifferenceKind.PROTECTION_CHANGED: visible & old.protected & new.protected & (other_option | other_smime),
        DifferenceKind.BRANDING_CHANGED: visible & other_branding,
        DifferenceKind.FATE_CHANGED: (sooner & ~old.delivered)
        | (held_longer & ~new.delivered)
        | (held_alike & other_end),
    }
    if transit:
        ways = [(old.in_transit(least), new.in_transit(least)) for least in VALIDATIONS]
        kinds[DifferenceKind.TRANSIT_LOST] = visible & logic.any_of([before & ~after for before, after in ways])
        kinds[DifferenceKind.TRANSIT_GAINED] = visible & logic.any_of([~before & after for before, after in ways])
    return {kind: kinds[kind] for kind in DifferenceKind if kind in kinds}


@dataclass(frozen=True)
class Treated:
    """What people see of a copy in one world.

    :param held: how many approvals it waits for; ``None`` if that is open.
    :param protection: its protection once it is delivered or released; empty if it never is.
    :param branding: the OME configuration that it shows; empty if none does, ``None`` if that is open.
    :param transit: by validation of TLS, whether it does not leave, or leaves only by forced TLS that checks this;
        ``None`` if that is open.
    :param by_rules: what people would see without DLP rules and labels, where these leave something open: two copies
        that rules treat differently are not the same, although the same is open of both.
    """

    held: int | None
    fate: Fate
    protection: str = ""
    branding: str | None = ""
    transit: tuple[bool | None, ...] = ()
    by_rules: Treated | None = None


def treated(course: Course, message: Message, facts: Facts) -> list[Treated]:
    """What people may see of a copy; one element if everything is known."""
    return list(dict.fromkeys(_treated_in(world, course, message, facts) for world in course.worlds))


def treated_in_worlds(course: Course, message: Message, facts: Facts) -> list[tuple[World, Treated]]:
    """By world, what people see of a copy, without how it leaves: that depends on the recipient's domain."""
    outcomes = []
    for world in course.worlds:
        outcome = replace(_treated_in(world, course, message, facts), transit=())
        if world.after.every and is_open(outcome, outcome):
            by_rules = _treated_in(world.with_changes(after=NOTHING), course, message, facts)
            outcome = replace(outcome, by_rules=replace(by_rules, transit=()))
        outcomes.append((world, outcome))
    return outcomes


def _treated_in(world: World, course: Course, message: Message, facts: Facts) -> Treated:
    """What people see of a copy in one world."""
    if world.fate == Fate.NOBODY:
        return Treated(0, Fate.NOBODY)
    end = protection_of(world, message, facts)
    if end.ended and world.fate == Fate.DELIVERED:
        return Treated(world.held, end.ended)
    if world.surprises or not end.delivered:
        return Treated(None if world.surprises else world.held, Fate.UNKNOWN, ProtectionKind.UNKNOWN)
    if world.fate not in (Fate.DELIVERED, Fate.QUARANTINED):
        return Treated(world.held, world.fate)
    protection = ProtectionKind.UNKNOWN if end.assumes else end.kind
    branding = None if end.assumes or _is_branding_open(world, end, message) else end.branding
    on_the_way = tuple(protects(world, facts, course.recipient.address, least) for least in VALIDATIONS)
    return Treated(world.held, world.fate, protection, branding, on_the_way)


def _is_branding_open(world: World, end: CopyProtection, message: Message) -> bool:
    """Whether it is open which OME configuration a copy shows."""
    if end.kind in (ProtectionKind.NONE, ProtectionKind.SMIME):
        return False
    brands = {name_key(name) for _rule, name in world.brands}
    if len(brands) > 1 or end.rebranded:
        return True
    foreign = bool(end.on_arrival) and message.protection is not None and message.protection.owner == "other"
    return bool(brands) and (foreign or end.kind == ProtectionKind.UNKNOWN)


def kinds_of(old: Treated, new: Treated) -> set[DifferenceKind]:
    """The kinds of difference that two treatments certainly show."""
    if old.held is None or new.held is None:
        return set()
    if old.held != new.held:  # What happens to the other copy shows once it is approved.
        first = old if old.held < new.held else new
        if first.fate == Fate.UNKNOWN:
            return set()
        if first.fate != Fate.DELIVERED:
            return {DifferenceKind.FATE_CHANGED}
        return {DifferenceKind.DELIVERY_LOST if first is old else DifferenceKind.DELIVERY_GAINED}
    if Fate.UNKNOWN in (old.fate, new.fate):
        return set()
    if old.fate != new.fate:
        if old.fate == Fate.DELIVERED:
            return {DifferenceKind.DELIVERY_LOST}
        return {DifferenceKind.DELIVERY_GAINED if new.fate == Fate.DELIVERED else DifferenceKind.FATE_CHANGED}
    if not old.protection:
        return set()
    return {
        *_protection(old.protection, new.protection),
        *_branding(old.branding, new.branding),
        *_transit(old.transit, new.transit),
    }


def is_open(old: Treated, new: Treated) -> bool:
    """Whether something is open of one of two copies that people see differently, so that their difference is not certain."""
    if Fate.UNKNOWN in (old.fate, new.fate) or OPEN_PROTECTIONS & {old.protection, new.protection}:
        return True
    return None in (
        old.branding,
        new.branding,
        old.held,
        new.held,
        *old.transit,
        *new.transit,
    )


def _protection(old: str, new: str) -> set[DifferenceKind]:
    if same_name(old, new) or ProtectionKind.UNKNOWN in (old, new):
        return set()
    if new == ProtectionKind.NONE:
        return {DifferenceKind.PROTECTION_LOST}
    if old == ProtectionKind.NONE:
        return {DifferenceKind.PROTECTION_GAINED}
    return set() if ProtectionKind.OPTION_UNKNOWN in (old, new) else {DifferenceKind.PROTECTION_CHANGED}


def _transit(old: Sequence[bool | None], new: Sequence[bool | None]) -> set[DifferenceKind]:
    pairs = list(zip(old, new, strict=True))
    return {
        *([DifferenceKind.TRANSIT_LOST] if (True, False) in pairs else []),
        *([DifferenceKind.TRANSIT_GAINED] if (False, True) in pairs else []),
    }


def _branding(old: str | None, new: str | None) -> set[DifferenceKind]:
    return set() if old is None or new is None or same_name(old, new) else {DifferenceKind.BRANDING_CHANGED}


def sure_kinds(old: list[Treated], new: list[Treated]) -> set[DifferenceKind]:
    """The kinds of difference that all pairs of worlds certainly show."""
    pairs = [kinds_of(one, other) for one in old for other in new]
    return set(pairs[0]).intersection(*pairs[1:]) if pairs else set()


#: What happens to a person's copy, before and after.
Courses = tuple[Course, Course]


@dataclass(frozen=True)
class ClassWitness:
    """A message that shows a class.

    :param usual: whether it is usual mail.
    """

    candidate: CandidateMessage
    courses: Courses
    usual: bool


@dataclass
class MailClass:
    """A kind of difference with its cause, which is an index into the edits, and its part.

    :param person: whose copies it is about, if rules add them; empty for the recipient whom the sender names.
    :param shown: the message that shows it, once one is known, and :param:`finding`: the finding about it then.
    :param refine: the atoms for which another recipient must be modeled to find out more.
    :param reasons: what is unknown about :param:`witness`.
    :param acted: whether the edited rule acted on it before, and whether it acts now.
    :param usual: whether it is about usual mail. Only certain differences of other mail are told.
    """

    kind: DifferenceKind
    cause: int
    part: Part
    person: str = ""
    shown: ClassWitness | None = None
    finding: ChangedMail | None = None
    refine: list[Key] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    witness: dict[str, Any] | None = None
    acted: tuple[bool, bool] = (False, False)
    usual: bool = True


def assumed(model: Model, about: Collection[str], *, usual: bool) -> list[Literal]:
    """The assumptions about usual mail, or about mail that rules do not distinguish from it.

    :param about: the ids of those that the edits are about. They are not made.
    """
    return [
        assumption.literal
        for assumption in model.mail.assumptions
        if assumption.id not in about and (usual or not assumption.seen)
    ]


def unusual(model: Model, mail: Sequence[Literal]) -> list[Literal]:
    """Literals that are true together of such mail that is not usual, where rules distinguish it; none if they do not.

    :param mail: literals that are true together of such usual mail.
    """
    distinguished = {each.literal for each in model.mail.assumptions if each.seen and each.of_mail}
    usual = [literal for literal in mail if literal in distinguished]
    if not usual:
        return []
    return [*(literal for literal in mail if literal not in usual), model.circuit.disjunction(~each for each in usual)]


def witness_of(
    candidate: CandidateMessage, person: str = "", shows: Callable[[Message], bool] = lambda message: False
) -> dict[str, Any]:
    """The keys ``message``, ``recipient`` and ``facts`` of a witness: a message that shows the difference, its recipient or the
    person whom rules add, and the facts that it assumes in addition to those that are known, if there are any.

    :param shows: whether a shorter message shows the same. What the message can do without is left out.
    """
    written = candidate.written
    witness: dict[str, Any] = {
        "message": {"name": "witness", **without_noise(candidate, written.recipient, shows)},
        "recipient": person or written.recipient,
    }
    return {**witness, "facts": written.facts} if written.facts else witness


def acted(edit: Edit | None, courses: Courses) -> tuple[bool, bool]:
    """Whether an edited rule acted on a message before, and whether it acts now, in at least one world."""
    if edit is None:
        return False, False
    before, after = (
        any(_acts_in(world, rule) for world in course.worlds)
        for rule, course in zip((edit.before, edit.after), courses, strict=True)
    )
    return before, after


def surely_acted(edit: Edit, courses: Courses) -> bool:
    """Whether an edited rule acts on a message, as it was or as it is now, in every world that is not against a guess."""
    versions = zip((edit.before, edit.after), courses, strict=True)
    return any(rule is not None and surely_acts(rule, course) for rule, course in versions)


def surely_acts(rule: FlowRule, course: Course) -> bool:
    """Whether a rule acts on a message in every world that is not against a guess."""
    return all(_acts_in(world, rule) for world in course.worlds if not world.against_a_guess)


def _acts_in(world: World, rule: FlowRule | None) -> bool:
    """Whether a rule acts in a world. A rule that S/MIME keeps from its work perhaps acts."""
    return rule is not None and any(rule.place == place for _held, place in (*world.matched, *world.perhaps))


class SearchedMail:
    """The mail to search, as literals that its messages satisfy.

    :param about: the ids of the assumptions that a change is about: mail that does not meet them is affected.
    """

    def __init__(self, model: Model, about: Collection[str]) -> None:
        self._model = model
        self._assumptions_of_edits = about

    def searched(self, side: Side, person: str, *, usual: bool) -> list[Literal]:
        """Literals that are true together of a message to search for: one for a recipient, or one that a rule copies to a person."""
        return [*self.assumed(usual=usual), *self.preferred_recipients(side), *self.somebody_else(person)]

    def assumed(self, *, usual: bool) -> list[Literal]:
        """The assumptions about usual mail, or about other mail that rules distinguish from it, which is searched if
        usual mail shows nothing.
        """
        literals = assumed(self._model, self._assumptions_of_edits, usual=usual)
        if usual:
            return literals
        only_of_usual = set(self.assumed(usual=True)) - set(literals)
        return [*literals, self._model.circuit.disjunction(~literal for literal in only_of_usual)]

    @property
    def some_unusual(self) -> bool:
        """Whether rules distinguish some mail from usual mail."""
        return any(
            assumption.seen and assumption.id not in self._assumptions_of_edits
            for assumption in self._model.mail.assumptions
        )

    def preferred_recipients(self, side: Side) -> Sequence[Literal]:
        """Literals about the other recipients of the messages to search for: at first there is none, then one who may be
        anybody; then those who are modeled, and others.
        """
        if not side.other_recipients.watched or (self._model.exact and ANYBODY not in self._model.exact):
            return []
        return side.other_recipients.nobody_else

    def of_known_senders(self) -> Literal:
        """The literal that is true if it is known whether the sender is inside: otherwise it is unknown whether mail is
        encrypted.
        """
        conditions = self._model.free.conditions
        sender = self._model.mail.sender
        return self._model.circuit.disjunction(
            [high(conditions.scopes.sender(value, sender)) for value in ("InOrganization", "NotInOrganization")]
        )

    def not_held_back(self) -> list[Literal]:
        """Literals that are true together if mail is not in quarantine: whether it is still protected after its release
        is unknown.
        """
        return [~high(outcome.fate.released) for outcome in self._model.free.outcomes]

    def somebody_else(self, person: str) -> list[Literal]:
        """Literals that are true together if a person whom rules add is not a recipient of the message."""
        if not person:
            return []
        companions = self._model.free.other_recipients.companions.values()
        is_companion = (companion.there & companion.slot["address", person] for companion in companions)
        mail = self._model.mail
        named = (mail.addressing.named(person, field) for field in SHOWN_FIELDS if person in mail.vocabulary.fields)
        return [~literal for literal in (mail.recipient["address", person], *is_companion, *named)]
