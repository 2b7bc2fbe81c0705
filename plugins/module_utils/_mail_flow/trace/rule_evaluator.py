# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies of a block rules match, for some idea of who shares a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

from ..._resources.rules.action_effects import Does
from ..conditions.predicate import Atom
from ..model.facts import Facts
from ..model.kleene import all_of
from ..rules.flow_rule import FlowRule
from .chain import Chain
from .columns import Block, bits_of
from .conditions import RowConditions, why_open
from .rows import instant_of
from .sharing import Neighbors, Sharing
from .sought_texts import MOST_CHANGES, MOST_PREFIXES
from .truth_sets import CHANGED, TruthSets, Unknown

#: A header that a row does not say, since a rule edited it.
_EDITED = Unknown("header")


class RuleEvaluator:
    """Decides rules on the copies of a block.

    :param chains: the rule sets, which may have changed what rows show.
    :param claims: the mail that guarantees are about, as rules.
    :param guesses: whether likely answers count as answers.
    """

    def __init__(
        self, block: Block, facts: Facts, chains: Sequence[Chain], claims: Sequence[FlowRule], *, guesses: bool
    ) -> None:
        self.block = block
        self.facts = facts
        rules = [rule for chain in chains for rule in chain.rules.rules]
        prepending = [_prepending(chain) for chain in chains]
        self._old_prefixes = self._prefixes_of_inactive(
            [rule for rule in rules if rule.actions.declared.get("prepend_subject")]
        )
        prefixes = {
            _prefix(rule) for prepending_rules in prepending for rule in prepending_rules
        } | self._old_prefixes.keys()
        few = len(prefixes) <= MOST_PREFIXES
        added = max((sum(map(_added, chain.rules.rules)) for chain in chains), default=0)
        encrypts = any(rule.enforces(Does.ENCRYPT) for rule in rules)
        self.conditions = RowConditions(block, facts, sorted(prefixes) if few else (), added, guesses, encrypts)
        self.neighbors = Neighbors.of_block(block)
        # Before it is known what rules change, and whom they add, anything may be.
        self.anybody = Sharing(block, self.neighbors).doubted(block.every_copy)
        self._changed = block.every_copy
        self._unknown_subjects = 0
        read = frozenset[str]().union(*(rule.criteria.reads for rule in (*rules, *claims)))
        self._edited = dict.fromkeys(read, block.every_copy)
        self._edited = self._editing([rule for rule in rules if rule.edits & read], read)
        self._changed, self._unknown_subjects = self._subjects(prepending, MOST_CHANGES if few else 0)

    def matches(self, rule: FlowRule, sharing: Sharing) -> TruthSets:
        """The copies that a rule matches, or may match; with several reasons, the first one counts."""
        true = possible = self.block.every_copy
        open_of: list[TruthSets] = []
        for truth, wanted in self.parts(rule, sharing):
            met, perhaps = (
                (truth.true, truth.possible)
                if wanted
                else (self.block.every_copy & ~truth.possible, self.block.every_copy & ~truth.true)
            )
            true, possible = true & met, possible & perhaps
            open_of.append(truth)
            if not possible:
                return TruthSets()
        undecided = possible & ~true
        reasons: dict[Unknown, int] = {}
        for why, bits in (item for truth in open_of for item in truth.open.items()):
            if undecided & bits:
                reasons[why] = reasons.get(why, 0) | (undecided & bits)
                undecided &= ~bits
        return TruthSets(true, reasons)

    def resting_on_no_hop(self, rule: FlowRule) -> int:
        """The copies of mail from mailboxes for which a rule would be decided by the last hop, if they had one."""
        sections = (rule.criteria.conditions, rule.criteria.exceptions)
        asked = reduce(or_, (self.conditions.without_hop(atom) for atoms in sections for atom in atoms), 0)
        if not asked:
            return 0
        others = (tuple(atom for atom in atoms if atom.column != "hop") for atoms in sections)
        return asked & self.matches(rule.with_criteria(*others), self.anybody).possible

    def parts(self, rule: FlowRule, sharing: Sharing) -> Iterator[tuple[TruthSets, bool]]:
        """The copies for which each part of what a rule looks at is true, or open; and whether it must be true, or
        false, for the rule to match.
        """
        for wanted, atoms in ((True, rule.criteria.conditions), (False, rule.criteria.exceptions)):
            for atom in atoms:
                yield self._behind_rules(atom, self.conditions.shared_truth(atom, sharing)), wanted
        if rule.dates.begins or rule.dates.ends:
            yield self._dated(rule), True
        if rule.criteria.doubts:
            yield TruthSets(0, {Unknown("semantics", rule.criteria.doubts[0].id): self.block.every_copy}), True

    def edited(self, atom: Atom) -> int:
        """The copies on which rules may have edited a header that a condition reads."""
        return reduce(or_, (self._edited.get(field, 0) for field in atom.headers), 0)

    def truth_of_copy(self, atom: Atom) -> TruthSets:
        """The copies for which a condition is true that does not depend on who shares them."""
        return self._behind_rules(atom, self.conditions.truth_of(atom))

    def _behind_rules(self, atom: Atom, truth: TruthSets) -> TruthSets:
        """The copies for which a condition is true, with those open of which rules may have changed what it looks at."""
        truth = truth.changed(self._changed, self._unknown_subjects)
        for field in sorted(atom.headers & self._edited.keys()):
            known = self.block.every_copy & ~(truth.possible & ~truth.true)
            truth = truth.opened(self._edited[field] & known, CHANGED if field == "subject" else _EDITED)
        return truth

    def _dated(self, rule: FlowRule) -> TruthSets:
        """The copies for which a rule's dates let it act. Over time, each of the two dates changes its answer once."""
        places: dict[int, list[int]] = {}
        for place, time in enumerate(self.block.received):
            places.setdefault(time, []).append(place)
        if rule.dates.borders(instant_of(min(places))) == rule.dates.borders(instant_of(max(places))):
            places = {min(places): list(range(len(self.block)))}
        by_answer: dict[bool | Unknown, list[int]] = {}
        for time, here in places.items():
            truth = all_of(rule.dates.borders(instant_of(time)))
            by_answer.setdefault(truth if isinstance(truth, bool) else why_open(truth), []).extend(here)
        count = len(self.block)
        return TruthSets(
            bits_of(by_answer.get(True, ()), count),
            {why: bits_of(here, count) for why, here in by_answer.items() if isinstance(why, Unknown)},
        )

    def _subjects(self, prepending: Sequence[Sequence[FlowRule]], most: int) -> tuple[int, int]:
        """The copies whose subjects rules may have changed, and those whose original subjects are unknown."""
        changed = unknown_subjects = 0
        for rules in prepending:
            # The copies that so many of the rules may have changed.
            times = [self.block.every_copy, *([0] * (most + 1))]
            old_prefixes = dict(self._old_prefixes)
            possible = [
                self.matches(rule, self.anybody).possible | old_prefixes.pop(_prefix(rule), 0) for rule in rules
            ]
            for bits in (*possible, *old_prefixes.values()):
                for count in range(most + 1, 0, -1):
                    times[count] |= times[count - 1] & bits
            changed, unknown_subjects = changed | times[1], unknown_subjects | times[most + 1]
        return changed, unknown_subjects

    def _editing(self, rules: Sequence[FlowRule], read: frozenset[str]) -> dict[str, int]:
        """Header field to the copies on which rules may have edited it. The trace may show it as it was, or as it became.

        :param read: the fields that any rule looks at.
        """
        editing: dict[str, int] = {}
        for rule in rules:
            possible = self.matches(rule, self.anybody).possible
            for field in rule.edits & read:
                editing[field] = editing.get(field, 0) | possible
        return editing

    def _prefixes_of_inactive(self, rules: Sequence[FlowRule]) -> dict[str, int]:
        """What rules that do not act may have put before subjects when they did, to the copies whose subjects show it:
        rules that are disabled or in a test mode, or that have begun since or are over.
        """
        block = self.block
        ahead = f"(?:{'|'.join(sorted({re.escape(_prefix(rule)) for rule in rules}))}){{0,{MOST_CHANGES - 1}}}"
        copies_by_prefix: dict[str, int] = {}
        for prefix in {
            _prefix(rule) for rule in rules if not rule.is_on_and_enforced or rule.dates.begins or rule.dates.ends
        }:
            begins = re.compile(ahead + re.escape(prefix))
            numbers = {
                subject
                for subject in set(block.subject)
                if subject >= 0 and begins.match(block.texts["subject"][subject])
            }
            bits = bits_of((place for place, subject in enumerate(block.subject) if subject in numbers), len(block))
            copies_by_prefix.update({prefix: bits} if bits else {})
        return copies_by_prefix


def _prepending(chain: Chain) -> list[FlowRule]:
    """The rules of a rule set that put something before subjects."""
    return [rule for rule in chain.rules.rules if rule.is_on_and_enforced and "prepend_subject" in rule.actions.options]


def _prefix(rule: FlowRule) -> str:
    """What a rule puts before subjects."""
    return str(rule.actions.declared["prepend_subject"])


def _added(rule: FlowRule) -> int:
    """How many bytes a rule may add to a message, which may have its text twice, as HTML and without it."""
    text = str(rule.actions.options.get("apply_html_disclaimer_text") or "")
    return 2 * len(text.encode()) if rule.is_on_and_enforced else 0
