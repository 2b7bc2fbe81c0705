# SPDX-License-Identifier: GPL-3.0-or-later
"""What each rule of a set looks at and does, such that it can be compared between rule sets, whatever rules are called.

A question about a copy is one in both rule sets as long as nothing changed that its answer depends on: of an earlier rule, which copies
it matches, and what it changes of them, or whom it adds; not what else it does to them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias

from ..._exchange.text import value_text
from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..conditions.keys import HEADER
from ..conditions.predicate import Atom
from ..model.header_edits import ADDED
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet

#: Rules, by what they look at and do, and what each changes that conditions look at.
RuleChanges: TypeAlias = tuple[tuple[Hashable, frozenset[str]], ...]

#: What rules change of messages beside headers: the action to what conditions look at.
_CHANGES = {
    "prepend_subject": ("subject",),
    "apply_html_disclaimer_text": ("body", "size", "character sets"),
    "apply_classification": ("classification",),
    "set_scl": ("scl",),
    "apply_rights_protection_template": ("protection",),
    "apply_ome": ("protection",),
    "remove_ome": ("protection",),
    "remove_ome_v2": ("protection",),
}

#: Details of actions that change messages.
_DETAILS = frozenset(
    (
        "set_header_value",
        "apply_html_disclaimer_location",
        "apply_html_disclaimer_fallback_action",
        "remove_rms_attachment_encryption",
    )
)


class RuleIdentities:
    """The identities of the rules of a set: two rules with equal ones are met alike and do the same.

    :param earlier: for each rule that looks at all who share a copy, the places of the earlier rules that split copies or add people;
        nothing for the others.
    :param changes: for each rule, and behind the last one, what earlier rules change of messages.
    :param matching: for each rule, which copies it matches: what it looks at, with the earlier rules that change that, and those that
        split copies.
    :param complete: the same with all that the rule does.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules.rules
        self._own = tuple(map(_what_matches, rules.rules))
        self.earlier = tuple(_splitting_before(rule, rules) if _looks_around(rule) else () for rule in rules.rules)
        self.changes: tuple[RuleChanges, ...] = _changes_before(rules, self._own)
        #: What all rules change before DLP rules see it.
        self.changes_before_dlp = self.changes[-1]
        self.matching = tuple(
            (
                self._own[place],
                *changing(self.changes[place], rule.criteria.atoms),
                *(("earlier", self._own[other], _people_added(self._rules[other])) for other in self.earlier[place]),
            )
            for place, rule in enumerate(rules.rules)
        )
        self.complete = tuple(zip(self.matching, map(_what_is_done, rules.rules), strict=True))

    def splitting(self, place: int) -> tuple[Hashable, ...]:
        """How a rule splits copies: which it matches, whatever earlier rules split, and whom it adds."""
        rule = self._rules[place]
        return (self._own[place], _people_added(rule), *changing(self.changes[place], rule.criteria.atoms))

    def changing_before(self, place: int, atom: Atom) -> list[FlowRule]:
        """The rules before one that change what a condition of it looks at."""
        looked = _looked_at(atom)
        return [earlier for earlier in self._rules[:place] if not looked.isdisjoint(_changed_by(earlier))]


def makes_copies(rule: FlowRule) -> bool:
    """Whether a rule may give others a copy, as it acts, or as it is told."""
    return rule.is_on_and_enforced and any(
        BY_OPTION[option].does in (Does.ADD, Does.REDIRECT) for option in rule.actions.declared
    )


def _looks_around(rule: FlowRule) -> bool:
    """Whether a rule looks at all who share a copy."""
    return any(atom.looks_around for atom in rule.criteria.atoms)


def _splits_copies(rule: FlowRule) -> bool:
    """Whether a rule may split a copy, or add people to it."""
    return makes_copies(rule) or (not rule.idle and rule.criteria.splits)


def _splitting_before(rule: FlowRule, rules: RuleSet) -> tuple[int, ...]:
    """The places of the rules before one that split copies, or add people."""
    return tuple(earlier.place for earlier in rules.rules[: rule.place] if _splits_copies(earlier))


def _changes_before(rules: RuleSet, identities: Sequence[Hashable]) -> tuple[RuleChanges, ...]:
    """The earlier rules that change something that conditions look at, for each rule and behind the last one, and what
    that is.
    """
    changes: list[RuleChanges] = []
    before: RuleChanges = ()
    for rule, identity in zip(rules.rules, identities, strict=True):
        changes.append(before)
        changed = _changed_by(rule)
        if changed:
            before = (*before, ((identity, _what_changes(rule)), changed))
    return (*changes, before)


def _changed_by(rule: FlowRule) -> frozenset[str]:
    """What a rule changes that conditions look at."""
    acts = rule.actions.declared if rule.is_on_and_enforced else {}
    return rule.edits.union(*(looked for option, looked in _CHANGES.items() if option in acts))


def changing(changes: RuleChanges, atoms: Iterable[Atom]) -> tuple[Hashable, ...]:
    """The rules that change what conditions look at.

    :param changes: rules, and what they change.
    """
    looked = frozenset[str]().union(*map(_looked_at, atoms))
    return tuple(identity for identity, changed in changes if not looked.isdisjoint(changed))


def _looked_at(atom: Atom) -> frozenset[str]:
    """What a condition looks at that rules may change. Of the types of messages, protection makes one."""
    predicate = atom.predicate
    looked = {*atom.headers, *(ADDED[name] for name in predicate.fields), *predicate.slots}
    if predicate.slots == (HEADER,):
        looked.add(str(atom.values[0]).lower())
    if predicate.sort != "type" or atom.values == "PermissionControlled":
        looked.add(predicate.looks_at)
    return frozenset(looked)


def _what_matches(rule: FlowRule) -> Hashable:
    """What a rule looks at, and whether it acts: two rules with the same match the same copies where they stand."""
    sections = (
        frozenset((atom.predicate.options, atom.values, atom.settings) for atom in atoms)
        for atoms in (rule.criteria.conditions, rule.criteria.exceptions)
    )
    return (
        *sections,
        rule.actions.mode,
        rule.idle,
        rule.dates.begins,
        rule.dates.ends,
        rule.criteria.doubts,
        rule.actions.surprises,
    )


def _what_is_done(rule: FlowRule) -> Hashable:
    """All that a rule does."""
    return frozenset((option, value_text(value)) for option, value in rule.actions.declared.items())


def _people_added(rule: FlowRule) -> Hashable:
    """To whom a rule may give a copy."""
    return frozenset(
        (option, value_text(value))
        for option, value in rule.actions.declared.items()
        if makes_copies(rule) and BY_OPTION[option].does in (Does.ADD, Does.REDIRECT)
    )


def _what_changes(rule: FlowRule) -> Hashable:
    """The actions of a rule that change what conditions look at, with their details. All templates protect alike."""
    return frozenset(
        (option, "" if BY_OPTION[option].does is Does.ENCRYPT else value_text(value))
        for option, value in rule.actions.declared.items()
        if option in _CHANGES or option in _DETAILS or BY_OPTION[option].does is Does.CHANGE
    )
