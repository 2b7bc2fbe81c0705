# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds problems in a rule set: rules that never act, exceptions without effect, and misused options. Private to the collection.

``lint(rules, facts, now)`` is the entry point. A check of a single rule is a row of :data:`CHECKS`; checks of several rules are decided over all mail.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import visible_line
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.outcome import option_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.patterns import is_agreed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.predicates import Reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.chain import Chain, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import Value, high, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import content_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.guesses import shown
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.meetings import Meetings
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.model import CONFLICTS, AddedCopies, Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import Atom, FlowRule, RuleSet, is_later

_Key = TypeVar("_Key", bound=Hashable)

#: Conditions that restrict a rule to senders inside, so that it does not encrypt mail from outside.
_KEEPS_INSIDE = frozenset(
    (
        *("from_scope", "from", "from_member_of", "sender_domain_is", "from_address_contains_words", "from_address_matches_patterns"),
        *("sender_ad_attribute_contains_words", "sender_ad_attribute_matches_patterns"),
    )
)


@dataclass(frozen=True)
class Look:
    """The input of a check: a rule, all rules, the facts, and the time."""

    rule: FlowRule
    rules: RuleSet
    facts: Mapping[str, Any]
    now: datetime.datetime

    @property
    def options(self) -> set[str]:
        """The options of its conditions and exceptions."""
        return {option for atom in self.atoms for option in atom.predicate.options}

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """Its conditions and exceptions."""
        return (*self.rule.conditions, *self.rule.exceptions)

    @property
    def encrypts(self) -> bool:
        """Whether its purpose is to encrypt."""
        return bool(self.rule.does(Does.ENCRYPT))

    def date(self, text: str) -> datetime.datetime | None:
        """A date of the rule."""
        try:
            found = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _expired(look: Look) -> str:
    return f"it ended on {look.rule.ends}" if look.rule.ends and not is_later(look.rule.ends, look.now) else ""


def _expiring(look: Look) -> str:
    ends = look.date(look.rule.ends)
    soon = ends is not None and is_later(look.rule.ends, look.now) and ends < look.now + datetime.timedelta(days=30)
    return f"it encrypts, and ends on {look.rule.ends}" if soon and look.encrypts else ""


def _idle_encryption(look: Look) -> str:
    if not look.encrypts:
        return ""
    if look.rule.idle:
        return f"it would encrypt, but never acts: {look.rule.idle}"
    return "" if look.rule.enforced else f"it would encrypt, and is only tried (mode {look.rule.mode})"


def _bad_patterns(look: Look) -> str:
    patterns = [
        pattern
        for atom in look.atoms
        if atom.predicate.options[0].endswith(("_patterns", "header_matches_message_header")) and "attribute" not in atom.predicate.options[0]
        for pattern in (atom.values[1] if atom.predicate.options[0].startswith("header_") else atom.values)
        if not is_agreed(pattern, atom.settings.legacy)
    ]
    return f"the sources do not agree what the pattern {patterns[0]!r} means to Exchange (U18)" if patterns else ""


def _asterisks(look: Look) -> str:
    words = [
        word
        for atom in look.atoms
        if "_contains_" in atom.predicate.options[0] and "attribute" not in atom.predicate.options[0]
        for word in (atom.values[1] if atom.predicate.options[0].startswith("header_") else atom.values)
        if "*" in word
    ]
    return f"the asterisk in {words[0]!r} stands for itself: words have no wildcards" if words else ""


def _subdomains(look: Look) -> str:
    spared = [atom for atom in look.rule.exceptions if atom.predicate.options == ("recipient_domain_is",)]
    opened = [atom for atom in look.rule.conditions if atom.predicate.options == ("recipient_domain_is",)]
    if spared and _acts(look, Does.ENCRYPT):
        return f"its exception for {spared[0].values[0]} also leaves mail to all subdomains unencrypted"
    return f"it also decrypts mail to all subdomains of {opened[0].values[0]}" if opened and _acts(look, Does.DECRYPT) else ""


def _templates(look: Look) -> str:
    asked = sorted(_options(look.rule), key=str.casefold)
    return f"it applies {' and '.join(asked)}: which one mail gets is not documented (U01)" if len(asked) > 1 else ""


def _options(rule: FlowRule) -> set[str]:
    """The options of protection that a rule applies."""
    return {option_name("Encrypt" if option == "apply_ome" else str(template)).casefold() for option, template in rule.does(Does.ENCRYPT).items()}


def _groups(look: Look) -> str:
    groups = look.facts.get("groups") or {}
    named = [each for atom in look.rule.conditions if atom.predicate.options == ("sent_to",) for each in atom.values if each in groups]
    return f"sent_to names the group {named[0]}, but matches only its members: use sent_to_member_of or any_of_to_header" if named else ""


def _widely(look: Look) -> str:
    wide = [atom for atom in look.rule.conditions if atom.reach is Reach.COPY]
    return f"{wide[0].predicate.options[0]} protects everyone who shares the copy, and depends on how earlier rules split it" if wide and look.encrypts else ""


def _freeing(look: Look) -> str:
    wide = [atom for atom in look.rule.exceptions if atom.reach is Reach.COPY]
    return f"the exception {wide[0].predicate.options[0]} removes protection for everyone who shares the copy" if wide and look.encrypts else ""


def _fails_open(look: Look) -> str:
    odd = look.encrypts and look.rule.content and not look.rule.defers
    return "if Exchange cannot finish inspecting the content, it ignores the rule: set rule_error_action to Defer" if odd else ""


def _fails_closed(look: Look) -> str:
    odd = look.encrypts and look.rule.content and look.rule.defers
    return "if Exchange cannot finish inspecting the content, it defers the message, and may return it to the sender (554 5.6.0)" if odd else ""


def _branding(look: Look) -> str:
    brands = look.rule.does(Does.BRAND)
    others = any(rule.does(Does.ENCRYPT) for rule in look.rules.rules if not rule.idle)
    return "it sets a branding, but no rule encrypts: only mail that people protect themselves shows it" if brands and not look.encrypts and not others else ""


def _unconfigured(look: Look) -> str:
    known = look.facts.get("ome_configurations")
    if known is None or not look.rule.does(Does.BRAND):
        return ""
    names = {str(each.get("identity")).casefold() for each in known}
    missing = [str(brand) for brand in look.rule.does(Does.BRAND).values() if str(brand).casefold() not in names]
    text = "which is not an OME configuration of the organization: only Advanced Message Encryption allows more than the default one"
    return f"it sets the branding {missing[0]}, {text}" if missing else ""


def _undone(look: Look) -> str:
    """What a rule is told beside an approval, a block or a redirection, and does not do."""
    rule, told = look.rule, look.rule.told
    if rule.left_undone:
        when = ", if the sender has a manager," if rule.by_manager else ""
        return f"it asks for an approval{when} and then takes no further action: Exchange does not do its {', '.join(rule.left_undone)}"
    added = [option for option in rule.does(Does.ADD) if told[option] != "Redirect"]
    blocks = [option for what in (Does.DELETE, Does.REJECT, Does.QUARANTINE) for option in rule.does(what)]
    idle = [*added, *(["prepend_subject"] if "prepend_subject" in told and not rule.does(Does.QUARANTINE) else [])]
    if idle and blocks and rule.enforced:
        return f"its {', '.join(idle)} has no effect beside {blocks[0]}: that takes two rules, the second of which has {blocks[0]}"
    away = [option for option in told if option == "redirect_message_to" or told[option] == "Redirect"]
    return f"whether its {', '.join(added)} does anything beside {away[0]} is not documented" if added and away and rule.enforced else ""


def _acts(look: Look, what: Does) -> bool:
    return bool(look.rule.does(what)) and look.rule.enforced and not look.rule.idle


def _takes_all(look: Look) -> bool:
    """Whether nothing keeps the rule from any mail."""
    return not (look.atoms or look.rule.doubts or look.rule.idle) and look.rule.in_window(Message("", "", "", date=look.now)) is True


#: Kind of finding to its check, which returns the reason; empty if there is no problem.
CHECKS: Mapping[str, Callable[[Look], str]] = {
    "expired": _expired,
    "expiring": _expiring,
    "inactive_encryption": _idle_encryption,
    "unscoped_encryption": lambda look: (
        "it encrypts without a condition that limits its senders to people inside, but rules do not encrypt mail from outside"
        if _acts(look, Does.ENCRYPT) and not look.options & _KEEPS_INSIDE
        else ""
    ),
    "retired_action": lambda look: (
        "apply_ome and remove_ome are retired: use apply_rights_protection_template and remove_ome_v2"
        if {"apply_ome", "remove_ome"} & set(look.rule.actions)
        else ""
    ),
    "encrypts_and_decrypts": lambda look: (
        "it encrypts and decrypts, and the order is not guaranteed (U02)" if look.encrypts and look.rule.does(Does.DECRYPT) else ""
    ),
    "for_all_mail": lambda look: "it has no condition, so it applies to all mail, both ways" if _takes_all(look) else "",
    "whole_copy": _widely,
    "one_frees_all": _freeing,
    "names_a_group": _groups,
    "fails_open": _fails_open,
    "fails_closed": _fails_closed,
    "branding_alone": _branding,
    "branding_missing": _unconfigured,
    "unknown_pattern": _bad_patterns,
    "literal_asterisk": _asterisks,
    "subdomains": _subdomains,
    "two_templates": _templates,
    "on_premises_scope": lambda look: (
        "the scopes ExternalPartner and ExternalNonPartner exist only on-premises"
        if any(atom.predicate.options == ("sent_to_scope",) and atom.values.startswith("External") for atom in look.atoms)
        else ""
    ),
    "envelope_sender": lambda look: (
        "it checks the envelope's sender, which is empty for automatic replies"
        if any(atom.settings.location == "Envelope" and atom.predicate.looks_at == "sender" for atom in look.atoms)
        else ""
    ),
    "auto_forward": lambda look: (
        "AutoForward matches mail that an Inbox rule forwards, but not mail that a mailbox setting forwards"
        if any(atom.predicate.options == ("message_type_matches",) and atom.values == "AutoForward" for atom in look.atoms)
        else ""
    ),
    "adds_recipients": lambda look: (
        "whether later rules apply to the recipients that it adds is not documented (U09)"
        if _acts(look, Does.ADD)
        and any(later.does(Does.ENCRYPT) and later.enforced and not later.idle and later.place > look.rule.place for later in look.rules.rules)
        else ""
    ),
    "actions_left_undone": _undone,
    "dlp_rule": lambda look: f"it does nothing: {look.rule.idle}" if look.rule.dlp else "",
    "unsupported": lambda look: look.rule.doubts[0].text if look.rule.doubts else look.rule.surprises[0].text if look.rule.surprises else "",
}

#: The checks of how a rule is written, and why it does not act. The others say what it does to mail, which a rule that never acts does not.
_OF_IDLE_RULES = frozenset(
    (
        *("expired", "inactive_encryption", "retired_action", "names_a_group", "branding_missing", "unknown_pattern", "literal_asterisk"),
        *("on_premises_scope", "dlp_rule", "unsupported"),
    )
)


def lint(
    rules: Iterable[Mapping[str, Any]] | RuleSet, facts: Mapping[str, Any], now: datetime.datetime | None = None, budget: int = CONFLICTS
) -> list[dict[str, Any]]:
    """The findings, in a fixed order: ``kind``, ``rules`` (names) and ``reason``.

    :param rules: as a rule set takes them.
    :param facts: in the form of the option ``facts``.
    :param now: the date for checks of dates; by default now.
    :param budget: the maximum number of conflicts for all questions together; findings that would need more are omitted.
    """
    rule_set = rules if isinstance(rules, RuleSet) else RuleSet(rules)
    date = now or datetime.datetime.now(datetime.UTC)
    found: list[dict[str, Any]] = []
    for rule in rule_set.rules:
        look = Look(rule, rule_set, facts, date)
        for kind, check in CHECKS.items():
            reason = check(look) if kind in _OF_IDLE_RULES or not rule.idle else ""
            if reason:
                found.append(_finding(kind, [rule.name], f"The rule {rule.name!r}: {reason}."))
    found += _equal_rules(rule_set)
    deciding = _Deciding(Model([rule_set], RuleSet([]), facts, date), budget)
    found += deciding.findings()
    meetings = Meetings(deciding.model, rule_set, deciding.left)
    clear = deciding.acting_on(meetings.usual(deciding.model.free))
    found += _Meeting(meetings, deciding.live, clear).findings()
    return found


def _finding(kind: str, names: Sequence[str], reason: str) -> dict[str, Any]:
    return {"kind": kind, "rules": list(dict.fromkeys(names)), "reason": visible_line(reason)}


def _equal_rules(rules: RuleSet) -> Iterator[dict[str, Any]]:
    first: dict[object, FlowRule] = {}
    for rule in rules.rules:
        known = first.setdefault((content_of(rule), rule.defers), rule)
        if known is not rule and not rule.idle:
            yield _finding("equal_rules", [known.name, rule.name], f"The rules {known.name!r} and {rule.name!r} are duplicates.")


class _Deciding:
    """Findings about all mail, whatever is unknown: a rule that may act is not a finding."""

    def __init__(self, model: Model, budget: int) -> None:
        self.model, self.left, self._sat = model, budget, False
        self.chain: Chain = model.free.chains[0]
        #: The rules that may act on a recipient's copy, once the findings are there.
        self.live: list[FlowRule] = []
        self._copies: AddedCopies | None = None
        self._followed = len(self.chain.rules.rules)  # The place up to which all copies are followed.

    def findings(self) -> list[dict[str, Any]]:
        acting = self._possible([(id(step), [high(step.acts)]) for step in reversed(self.chain.steps)])
        self.live = [step.rule for step in self.chain.steps if id(step) in acting]
        self._follow()
        followed = [step for step in self.chain.steps if step.rule.place <= self._followed]
        ways = [
            (step.rule.place, [high(when), high(each.acts)]) for step in followed if id(step) not in acting for when, each, _person in self._added(step.rule)
        ]
        later = self._possible([((place, number), literals) for number, (place, literals) in enumerate(ways)])
        busy = {place for place, _number in later}
        found = [self._never(step) for step in followed if id(step) not in acting and step.rule.place not in busy]
        return [*found, *self._exceptions([step for step in followed if id(step) in acting or step.rule.place in busy])]

    def acting_on(self, mail: Sequence[int]) -> list[FlowRule]:
        """The rules that may act on a recipient's copy of such mail."""
        asked = [rule for rule in self.live if rule.enforced and (rule.does(Does.ENCRYPT) or any(row.ends for row in rule.rows))]
        acting = self._possible([(rule.place, [high(self.chain.acts(rule)), *mail]) for rule in asked])
        return [rule for rule in asked if rule.place in acting]

    def _follow(self) -> None:
        """Looks for the copies of people whom rules add, which go on from there. Of rules behind one whose people cannot be followed nothing is known."""
        live = {rule.place for rule in self.live}
        if not any(branch.rule.place in live for branch in self.chain.branches) and not live & set(self.chain.unfollowed):
            return
        self._copies = self.model.added(self.model.free)
        chains = [self.chain, *(copy.outcome.chain for copy in self._copies.copies)]
        lost = [place for chain in chains for place in chain.unfollowed if chain is not self.chain or place in live]
        if self._copies.cut:
            lost += [branch.rule.place for branch in self.chain.branches]
        self._followed = min(lost, default=self._followed)

    def _added(self, rule: FlowRule) -> Iterator[tuple[Value, Step, AddressSlot]]:
        """A rule's steps in the copies of people whom rules add, each with whether there is the copy, and whose it is."""
        for copy in self._copies.copies if self._copies else ():
            step = copy.outcome.chain.step(rule)
            if step is not None:
                yield copy.when, step, copy.person

    def _possible(self, questions: Sequence[tuple[_Key, list[int]]]) -> set[_Key]:
        """The questions whose literals can, or may, be true together. Guesses answer most of them, and one model of the solver answers many."""
        found: set[_Key] = set()
        left, asked, model = list(questions), 0, list[int]()
        while left:
            guessed = shown(self.model.circuit, [literals for _key, literals in left], model)
            found |= {key for (key, _literals), answer in zip(left, guessed, strict=True) if answer}
            left = [each for each in left if each[0] not in found]
            # The more was asked in between, the more a new model is worth to guess from.
            asked = 2 * asked + 1
            for key, literals in left[:asked]:
                if key not in found and self._can(literals):
                    found.add(key)
                    if self._sat:
                        model = self.model.circuit.solver.model
                        found |= {other for other, each in left if all(model[literal] > 0 for literal in each)}
            left = [each for each in left[asked:] if each[0] not in found]
        return found

    def _can(self, literals: Sequence[int]) -> bool:
        """Whether these can be true together. Once the budget is spent, everything can."""
        circuit, before = self.model.circuit, self.model.circuit.solver.conflicts
        answer = circuit.solve(literals, self.left) if self.left > 0 else None
        self.left -= circuit.solver.conflicts - before
        self._sat = answer is True
        return answer is not False

    def _never(self, step: Step) -> dict[str, Any]:
        """Why a rule never acts: its conditions contradict each other, or earlier rules stop all mail that it applies to."""
        name = step.rule.name
        if not self._can([high(step.matches)]):
            if step.rule.begins or step.rule.ends:
                return _finding("never_acts", [name], f"The rule {name!r} never acts: its dates exclude today, or its conditions contradict each other.")
            return _finding(
                "never_acts",
                [name],
                f"The rule {name!r} never acts: its conditions, its exceptions, and the changes by earlier rules contradict each other.",
            )
        before = [each for each in self.chain.steps if each.rule.place < step.rule.place and _ends(each.rule)]
        going = [high(negate(each.acts)) for each in before]
        # The core names the rules that keep the mail from this rule.
        core = set() if self._can([high(step.matches), *going]) else set(self.model.circuit.solver.core)
        taken = [each.rule.name for each, literal in zip(before, going, strict=True) if not core or literal in core]
        shown = ", ".join(repr(each) for each in taken[:3]) + (f" and {len(taken) - 3} others" if len(taken) > 3 else "")
        return _finding(
            "never_acts", [name, *taken], f"The rule {name!r} never acts: {shown} {'stops' if len(taken) == 1 else 'stop'} all mail that it applies to."
        )

    def _exceptions(self, live: Sequence[Step]) -> Iterator[dict[str, Any]]:
        """An exception that never applies: no mail that reaches the rule and meets its conditions matches it."""
        questions: list[tuple[tuple[int, int, int], list[int]]] = []
        for step in live:
            for place in range(len(step.rule.exceptions)):
                ways = [self._spared(step, place, self.model.mail.recipient)]
                ways += [[high(when), *self._spared(each, place, person)] for when, each, person in self._added(step.rule)]
                questions += [((step.rule.place, place, number), literals) for number, literals in enumerate(ways)]
        met = {key[:2] for key in self._possible(questions)}
        for step in live:
            for place, atom in enumerate(step.rule.exceptions):
                if (step.rule.place, place) not in met:
                    text = f"The exception {atom.predicate.options[0]} of the rule {step.rule.name!r} never applies: no mail of the rule matches it"
                    more = ", or other exceptions already match that mail" if len(step.rule.exceptions) > 1 else ""
                    yield _finding("idle_exception", [step.rule.name], f"{text}{more}.")

    def _spared(self, step: Step, place: int, person: AddressSlot) -> list[int]:
        """That somebody's copy reaches a rule and meets its conditions and the exception at a place, but no other. What a condition about all who share the
        copy of somebody whom a rule added finds there is left open.
        """
        added = person is not self.model.mail.recipient

        def known(atoms: Iterable[Atom]) -> list[Value]:
            left = (atom for atom in atoms if not (added and atom.reach in (Reach.COPY, Reach.RELATION)))
            return [self.model.free.conditions.truth(atom, step.seen, person) for atom in left]

        exceptions = step.rule.exceptions
        met = known((*step.rule.conditions, exceptions[place]))
        unmet = known((*exceptions[:place], *exceptions[place + 1 :]))
        return [high(value) for value in (step.alive, *met, *map(negate, unmet))]


class _Meeting:
    """Findings about rules that get in each other's way, each of which a message shows.

    :param live: the rules that may act, and :param:`clear` those that may act on mail that rules encrypt.
    """

    def __init__(self, meetings: Meetings, live: Sequence[FlowRule], clear: Sequence[FlowRule]) -> None:
        self._meetings, self._live, self._clear = meetings, live, clear

    def findings(self) -> Iterator[dict[str, Any]]:
        yield from self._two_requests()
        yield from self._ends_before()
        yield from self._outside()

    def _two_requests(self) -> Iterator[dict[str, Any]]:
        """Rules that both encrypt and decrypt the same message, or apply two templates to it."""
        enforced = [rule for rule in self._live if rule.enforced]
        for rule in (rule for rule in enforced if rule.does(Does.DECRYPT)):
            other = self._meetings.decrypted(rule, [each for each in enforced if each.does(Does.ENCRYPT) and each is not rule])
            if other is not None:
                text = f"{other.name!r} encrypts and {rule.name!r} decrypts the same message: the result is not documented (U02)."
                yield _finding("encrypt_meets_decrypt", [other.name, rule.name], text)
        encrypting = [rule for rule in self._clear if rule.does(Does.ENCRYPT)]
        for place, rule in enumerate(encrypting):
            other = self._meetings.differing(rule, [each for each in encrypting[place + 1 :] if _options(each) != _options(rule)])
            if other is not None:
                text = f"{rule.name!r} and {other.name!r} apply different templates to the same message: which one it gets is not documented (U01)."
                yield _finding("templates_meet", [rule.name, other.name], text)

    def _ends_before(self) -> Iterator[dict[str, Any]]:
        """A rule that stops the processing, and lets mail be delivered, before a later rule would encrypt it."""
        every = (*self._clear, *(rule for rule in self._live if all(rule is not each for each in self._clear)))
        encrypting = [rule for rule in every if rule.enforced and rule.does(Does.ENCRYPT)]
        for rule in self._clear:
            if not any(row.ends for row in rule.rows) or any(rule.does(what) for what in (Does.DELETE, Does.REJECT, Does.REDIRECT, Does.ENCRYPT)):
                continue
            other = self._meetings.kept_from(rule, [each for each in encrypting if each.place > rule.place])
            if other is not None:
                yield _finding("ends_before_encryption", [rule.name, other.name], f"{rule.name!r} stops mail that {other.name!r} would encrypt.")

    def _outside(self) -> Iterator[dict[str, Any]]:
        """A custom template for people outside, who have only the rights that it grants them."""
        for rule in self._clear:
            asked = [str(each) for option, each in rule.does(Does.ENCRYPT).items() if option != "apply_ome"]
            own = [each for each in asked if option_name(each).startswith("template:")]
            if own and self._meetings.for_outside(rule, own[0]):
                text = f"The rule {rule.name!r} protects mail to people outside with {own[0]!r}: they can open it only if it grants them rights."
                yield _finding("template_outside", [rule.name], text)


def _ends(rule: FlowRule) -> bool:
    return (rule.enforced and any(row.ends for row in rule.rows)) or bool(rule.does(Does.REDIRECT))
