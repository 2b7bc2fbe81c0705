# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a rule that earlier rules change."""

from __future__ import annotations

from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import high
from ..rules.dlp_rules import DlpRule
from ..symbolic.compile_rules import RuleStep
from .open_findings import changing_steps
from .stated_rules import StatedRule
from .statement_model import StatementModel


def changed_conditions(rule: StatedRule, asked: StatementModel) -> dict[Atom, tuple[str, ...]]:
    """The conditions and exceptions of a rule whose result earlier rules change for some mail that meets the others. What a
    DLP rule looks at for certain, none changes.
    """
    if isinstance(rule, DlpRule):
        return {}
    model, chain = asked.model, asked.chain
    step = chain.step(rule)
    if step is None:
        return {}
    logic = model.free.logic
    changed = dict[Atom, tuple[str, ...]]()
    atoms = [
        *((atom, False) for atom in rule.criteria.conditions),
        *((atom, True) for atom in rule.criteria.exceptions),
    ]
    truths = {atom: chain.conditions.truth(atom, step.seen, chain.person) for atom, _exempts in atoms}
    for atom, _exempts in atoms:
        arrived = chain.conditions.truth(atom, _unedited(step), chain.person)
        if arrived == truths[atom]:
            continue
        others = [~truths[other] if exempts else truths[other] for other, exempts in atoms if other is not atom]
        differs = ~logic.equal(arrived, truths[atom])
        usual = [assumption.literal for assumption in model.mail.assumptions]
        meant = [*usual, high(logic.all_of((*others, differs)))]
        if asked.is_possible(meant):
            acting = ((earlier, high(earlier.acts)) for earlier in changing_steps(chain, atom, step))
            changed[atom] = tuple(earlier.rule.name for earlier, acts in acting if asked.is_possible([*meant, acts]))
    return changed


def _unedited(step: RuleStep) -> SeenMessage:
    """The message as it arrives, with the people who share the copy at a step."""
    return SeenMessage(splits=step.seen.splits, added=step.seen.added)
