# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules, compiled for evaluation.

A condition that several rules share exists once. Rules that a message cannot match by its words, addresses and domains
are skipped without evaluating their other conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from ..._exchange.text import value_text
from ..._resources.rules.action_effects import Does
from ..._resources.rules.fields import DLP_PROPERTIES
from ..actions.actions import BY_OPTION as ACTION_BY_OPTION
from ..actions.actions import set_actions
from ..actions.bring import NAMING_PEOPLE
from ..conditions.predicate import Atom, Predicate
from ..conditions.predicates import OPTIONAL, PREDICATES
from ..model import questions
from ..model.addresses import is_address, person
from ..model.expressions import Dialect
from ..model.kleene import Reason
from ..model.reason_kinds import ReasonKind, RuleIdle
from ..model.rule_view import Settings
from .flow_rule import FlowRule
from .rule_actions import RuleActions
from .rule_criteria import RuleCriteria
from .rule_dates import RuleDates

#: Section of a rule to the prefix of an option's name in it.
_UNKNOWN: Mapping[str, ReasonKind] = {
    "conditions": "unknown_condition",
    "exceptions": "unknown_exception",
    "actions": "unknown_action",
}

#: Options with people.
_PEOPLE = frozenset(
    (*NAMING_PEOPLE, *(option for row in PREDICATES if row.sort == "address" for option in row.options))
)

#: Switches that are conditions when they are off, too.
_OFF_COUNTS = frozenset(option for row in PREDICATES if row.off_counts for option in row.options)

#: First option of a condition to its place in the table.
_PLACES = {row.options[0]: place for place, row in enumerate(PREDICATES)}


def _in_order(rules: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rules that are to be there, first to last."""
    present = [rule for rule in rules if rule.get("state") != "absent"]
    if all(rule.get("priority") is not None for rule in present):
        present.sort(key=lambda rule: int(rule["priority"]))
    return present


class RuleSet:
    """The rules of an organization, first to last.

    :param rules: as the modules describe them; also with ``state`` as Exchange shows it, and its read-only properties in lower case.
        If every rule has a ``priority``, that is their order; otherwise the list's order is.
    :param dialect: how patterns are read, unless a rule says that they are of the old kind.
    :param like: rules in the same dialect. Those of them that are here, too, as the same objects, are not read again.
    """

    def __init__(
        self, rules: Iterable[Mapping[str, Any]], dialect: Dialect = Dialect.AGREED, like: RuleSet | None = None
    ) -> None:
        #: The rules as they were given, first to last.
        self.descriptions = tuple(_in_order(rules))
        self.dialect = dialect
        self._atoms: dict[Any, Atom] = dict(like._atoms) if like else {}
        known = dict(zip(map(id, like.descriptions), like.rules, strict=True)) if like else {}
        self.rules: tuple[FlowRule, ...] = tuple(
            _placed(known[id(rule)], place) if id(rule) in known else self._rule(place, rule)
            for place, rule in enumerate(self.descriptions)
        )
        used = {id(atom) for rule in self.rules for atom in rule.criteria.atoms}
        self.atoms = tuple(atom for atom in self._atoms.values() if id(atom) in used)
        #: Whether anything depends on who shares a copy.
        self.watches_copies = any(atom.looks_around for atom in self.atoms)
        #: The place of the last rule that looks at what rules did to protection; -1 if none does.
        self.last_watching_protection = max(
            (rule.place for rule in self.rules if not rule.idle and any(map(_watches_protection, rule.criteria.atoms))),
            default=-1,
        )
        #: The header fields that rules read, and the people added to fields in which they look for somebody.
        self.headers = frozenset[str]().union(*(rule.criteria.reads for rule in self.rules))
        #: Whether a rule gives somebody a copy.
        self.adds = any(rule.enforces(Does.ADD, Does.REDIRECT) for rule in self.rules)
        #: The places of rules that tell somebody something.
        self.reports = tuple(rule.place for rule in self.rules if not rule.idle and rule.actions.does(Does.REPORT))
        self._turns, self._needless, self._waiting = self._index()

    @classmethod
    def read(cls, rules: Iterable[Mapping[str, Any]] | RuleSet, dialect: Dialect) -> RuleSet:
        """Rules, with their patterns read in a dialect."""
        if not isinstance(rules, RuleSet):
            return cls(rules, dialect)
        return rules if rules.dialect is dialect else cls(rules.descriptions, dialect)

    def with_rules(self, rules: Iterable[FlowRule]) -> RuleSet:
        """Other rules that look at nothing at which these do not look, such as some of them, or the same with other effects.
        What these together look at stays.
        """
        others = copy(self)
        others.rules = tuple(rules)
        return others

    @property
    def without_reports(self) -> RuleSet:
        """These rules. They tell nobody anything."""
        others = copy(self)
        others.reports = ()
        return others

    @property
    def unwatched(self) -> RuleSet:
        """These rules without reports, as if their conditions looked at nothing that rules change."""
        others = self.without_reports
        others.headers = frozenset()
        others.watches_copies = False
        others.last_watching_protection = -1
        return others

    def needs_met(self, seen: Iterable[tuple[str, str]]) -> int:
        """What rules need that a message with these keys has, as bits."""
        met = 0
        for kind, value in seen:
            met |= self._waiting.get(kind, {}).get(value, 0)
        return met

    def needs_met_by_words(self, kinds: Iterable[str], words: frozenset[str]) -> int:
        """What rules need that a message with these words has, as bits.

        :param kinds: of the keys that each word is.
        """
        met = 0
        for waiting in (self._waiting.get(kind, {}) for kind in kinds):
            for word in waiting.keys() & words:
                met |= waiting[word]
        return met

    def candidates(self, met: int) -> int:
        """The rules that can match a message that meets these needs, as bits: those that need nothing else."""
        met |= self._needless
        candidates = self.active
        for _turn in range(self._turns):
            candidates &= met
            met >>= len(self.rules)
        return candidates

    def _index(self) -> tuple[int, int, dict[str, dict[str, int]]]:
        """How many needs a rule has at most; the needs that rules do not have, as bits; and by kind and value of a key
        the needs that it meets. The bits of the first need of each rule come first, then those of the second.
        """
        wants = [
            [needs for atom in rule.criteria.conditions if (needs := atom.predicate.needs(atom.values)) is not None]
            for rule in self.rules
        ]
        turns = max(map(len, wants), default=0)
        needless = 0
        waiting: dict[str, dict[str, int]] = {}
        for place, rule_needs in enumerate(wants):
            for turn in range(turns):
                bit = 1 << turn * len(wants) + place
                needless |= 0 if turn < len(rule_needs) else bit
                for kind, value in rule_needs[turn] if turn < len(rule_needs) else ():
                    rules = waiting.setdefault(kind, {})
                    rules[value] = rules.get(value, 0) | bit
        return turns, needless, waiting

    @cached_property
    def active(self) -> int:
        """Every rule that can act, as bits."""
        return sum(1 << rule.place for rule in self.rules if not rule.idle)

    def _rule(self, place: int, rule: Mapping[str, Any]) -> FlowRule:
        name = str(rule.get("name") or rule.get("guid") or "")
        settings = Settings(
            str(rule.get("sender_address_location") or "Header"),
            str(rule.get("recipient_address_type") or "Resolved"),
            Dialect.LEGACY if rule.get("use_legacy_regex") else self.dialect,
        )
        conditions, strange = self._section(rule.get("conditions") or {}, settings)
        exceptions, strange_too = self._section(rule.get("exceptions") or {}, settings)
        actions = {option: _people(option, value) for option, value in set_actions(rule.get("actions") or {}).items()}
        known = {option: value for option, value in actions.items() if option in ACTION_BY_OPTION}
        odd = [option for option in actions if option not in known]
        unread = (
            *_valued(rule, "conditions", strange),
            *_valued(rule, "exceptions", strange_too),
            *_valued(rule, "actions", odd),
        )
        doubts, surprises = _unread_reasons(name, unread)
        if rule.get("is_rule_configuration_supported") is False:
            doubts.append(Reason(questions.UNSUPPORTED, "unsupported_rule", (name,)))
        return FlowRule(
            place=place,
            name=name,
            guid=str(rule.get("guid") or ""),
            idle=_idle(rule),
            dlp=_dlp(rule),
            criteria=RuleCriteria(conditions, exceptions, tuple(doubts)),
            actions=RuleActions.from_options(known, str(rule.get("mode") or "Enforce"), tuple(surprises)),
            dates=RuleDates(str(rule.get("activation_date") or ""), str(rule.get("expiry_date") or "")),
            defers=str(rule.get("rule_error_action") or "").casefold() == "defer",
            unread=unread,
        )

    def _section(self, section: Mapping[str, Any], settings: Settings) -> tuple[tuple[Atom, ...], list[str]]:
        """The conditions of a section, and its options that cannot be evaluated."""
        declared = {option: _people(option, value) for option, value in section.items() if _is_set(option, value)}
        read = {option for option, value in declared.items() if _is_read(option, value)}
        atoms: list[Atom] = []
        used: set[str] = set()
        for place in sorted(_PLACES[option] for option in read if option in _PLACES):
            predicate = PREDICATES[place]
            if all(option in read or option in OPTIONAL for option in predicate.options):
                atoms.append(self._atom(predicate, predicate.read(declared), settings))
                used.update(predicate.options)
        return tuple(atoms), sorted(set(declared) - used)

    def _atom(self, predicate: Predicate, values: Any, settings: Settings) -> Atom:
        key = (predicate.options, values, settings)
        if key not in self._atoms:
            reach = predicate.reach_of(values) if predicate.reach_of else predicate.reach
            headers = predicate.reads(values, settings)
            self._atoms[key] = Atom(len(self._atoms), predicate, values, settings, reach, headers)
        return self._atoms[key]


def _watches_protection(atom: Atom) -> bool:
    """Whether a condition looks at what rules did to protection."""
    return atom.predicate.looks_at == "protection" and atom.values == "PermissionControlled"


def _placed(rule: FlowRule, place: int) -> FlowRule:
    return rule if rule.place == place else replace(rule, place=place)


def _is_set(option: str, value: Any) -> bool:
    """Whether a section has an option. Most switches do not count when they are off."""
    if value is False:
        return option in _OFF_COUNTS
    return not (value is None or value in ("", [], ()))


def _people(option: str, value: Any) -> Any:
    """A value with its people as SMTP addresses. Somebody with only a name keeps it."""
    if option not in _PEOPLE:
        return value
    return [person(str(name)) for name in (value if isinstance(value, (list, tuple)) else [value])]


def _is_read(option: str, value: Any) -> bool:
    """Whether the meaning of a condition's value is known. A person is known by an SMTP address."""
    return option not in _PEOPLE or all(
        is_address(str(address)) for address in (value if isinstance(value, (list, tuple)) else [value])
    )


def _valued(rule: Mapping[str, Any], section: str, options: Iterable[str]) -> list[tuple[str, str, str]]:
    """Options of a section with the section and their values."""
    return [(section, option, value_text(rule[section][option])) for option in options]


def _unread_reasons(name: str, unread: Iterable[tuple[str, str, str]]) -> tuple[list[Reason], list[Reason]]:
    """Why it is open whether a rule matches, and what it does then. Two unknown options mean the same only if their
    values are equal.
    """
    doubts: list[Reason] = []
    surprises: list[Reason] = []
    for section, option, value in unread:
        reasons = surprises if section == "actions" else doubts
        kind: ReasonKind = "dlp_part" if option in DLP_PROPERTIES else _UNKNOWN[section]
        reasons.append(Reason(questions.UNSUPPORTED, kind, (name, option, value)))
    return doubts, surprises


def _idle(rule: Mapping[str, Any]) -> RuleIdle | Literal[""]:
    """Why a rule never acts."""
    if _dlp(rule):
        return "dlp_rule"
    is_off = rule.get("enabled") is False or str(rule.get("state") or "").casefold() == "disabled"
    return "disabled_rule" if is_off else ""


def _dlp(rule: Mapping[str, Any]) -> bool:
    return bool(rule.get("dlp_policy"))
