# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edited rules, and which of them a message meets first. Private to the collection."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.chain import Chain, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import Circuit, Rail, high, low, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import FlowRule, RuleSet


@dataclass(frozen=True)
class Edit:
    """A rule that is different or at a different place in the second rule set, or exists in only one of them.

    :param how: ``new``, ``removed``, ``changed`` or ``moved``.
    :param before: the rule in the first set, and its place; :param:`after` in the second.
    :param acts_alike: whether it does the same at the same place, so that only the mail it acts on differs.
    """

    how: str
    before: FlowRule | None
    after: FlowRule | None
    acts_alike: bool = False

    @property
    def rule(self) -> FlowRule:
        """The rule as it is now, or as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("An edit without a rule.")
        return found


def edits_of(before: RuleSet, after: RuleSet) -> list[Edit]:
    """The edits in order: those in the second set by their place, then the removed rules."""
    old, new = _named(before), _named(after)
    pairs = _pairs(old, new)
    kept = _in_order([(old_place, place) for place, old_place in sorted(pairs.items())])
    found: list[Edit] = []
    for place, rule in enumerate(after.rules):
        if place not in pairs:
            found.append(Edit("new", None, rule))
            continue
        earlier = before.rules[pairs[place]]
        if content_of(earlier) != content_of(rule):
            alike = place in kept and _does(earlier) == _does(rule)
            found.append(Edit("changed", earlier, rule, alike))
        elif place not in kept:
            found.append(Edit("moved", earlier, rule))
    taken = set(pairs.values())
    found += [Edit("removed", rule, None) for place, rule in enumerate(before.rules) if place not in taken]
    return [edit for edit in found if not all(rule is None or rule.idle for rule in (edit.before, edit.after))]


def _named(rules: RuleSet) -> list[tuple[Hashable, Hashable]]:
    """Of each rule its GUID and its name, each with how often it came before."""
    times: dict[Hashable, int] = {}
    found: list[tuple[Hashable, Hashable]] = []
    for rule in rules.rules:
        keys: list[Hashable] = []
        for key in (("guid", rule.guid), ("name", rule.name.casefold())):
            times[key] = times.get(key, 0) + 1
            keys.append((*key, times[key]) if key[1] else None)
        found.append((keys[0], keys[1]))
    return found


def _pairs(old: Sequence[tuple[Hashable, Hashable]], new: Sequence[tuple[Hashable, Hashable]]) -> dict[int, int]:
    """Place in the second set to place in the first one: by GUID, else by name."""
    found: dict[int, int] = {}
    for which in (0, 1):
        known = {keys[which]: place for place, keys in enumerate(old) if keys[which] is not None and place not in found.values()}
        for place, keys in enumerate(new):
            if place not in found and keys[which] in known:
                found[place] = known[keys[which]]
    return found


def _in_order(pairs: Sequence[tuple[int, int]]) -> set[int]:
    """The places in the second set of the longest run of rules that kept their order."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int] = {}
    for index, (old_place, _place) in enumerate(pairs):
        at = bisect.bisect_left(tails, old_place)
        tails[at : at + 1] = [old_place]
        ends[at : at + 1] = [index]
        before[index] = ends[at - 1] if at else -1
    kept, index = set(), ends[-1] if ends else -1
    while index >= 0:
        kept.add(pairs[index][1])
        index = before[index]
    return kept


def content_of(rule: FlowRule) -> tuple[object, ...]:
    """Everything that determines how a rule acts."""
    atoms = tuple(sorted(repr((atom.predicate.options, atom.values, atom.settings)) for atom in rule.conditions))
    others = tuple(sorted(repr((atom.predicate.options, atom.values, atom.settings)) for atom in rule.exceptions))
    doubts = tuple(reason.id for reason in rule.doubts)
    return (*_does(rule), bool(rule.idle), rule.begins, rule.ends, atoms, others, doubts)


def _does(rule: FlowRule) -> tuple[object, ...]:
    return (rule.mode, rule.splits, repr(sorted(rule.actions.items())), tuple(reason.text for reason in rule.surprises))


class Causes:
    """Whether each edit is the first that acts differently on a message.

    Where nothing is open, exactly one cause is true of a message. Elsewhere a cause is true where it surely is the one: the edit surely acts, and none
    before it possibly does.

    :param literals: by edit; the last one means that no edited rule acts differently.
    """

    def __init__(self, circuit: Circuit, edits: Sequence[Edit], before: Chain, after: Chain) -> None:
        old, new = ({id(step.rule): step for step in chain.steps} for chain in (before, after))
        self.literals: list[int] = []
        earlier: list[int] = []
        for edit in edits:
            surely, possibly = _differs(before.rail, edit, old, new)
            self.literals.append(circuit.conjunction([surely, *(literal ^ 1 for literal in earlier)]))
            earlier.append(possibly)
        self.literals.append(circuit.conjunction([literal ^ 1 for literal in earlier]))


def _differs(rail: Rail, edit: Edit, old: Mapping[int, Step], new: Mapping[int, Step]) -> tuple[int, int]:
    one, other = (known.get(id(rule)) if rule else None for known, rule in ((old, edit.before), (new, edit.after)))
    was, now = (FALSE if step is None else step.acts for step in (one, other))
    found = negate(rail.equal(was, now)) if edit.acts_alike else rail.any_of((was, now))
    return low(found), high(found)
