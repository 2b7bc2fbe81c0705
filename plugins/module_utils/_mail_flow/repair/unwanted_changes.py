# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits change in mail beside what they are for."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..analyses.aspects import LOSSES, DifferenceKind
from ..analyses.difference import Difference
from ..analyses.finding import MailFinding, MayChange, in_section, section_of
from ..analyses.verifier import claims_of
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import Literal, high
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..symbolic.encoding import Model
from ..symbolic.message_search import CONFLICTS
from .aims import Rule


def unwanted_changes(
    difference: Difference,
    wanted: Sequence[Mapping[str, Any]],
    takes: DifferenceKind | None,
    facts: Facts,
    dialect: Dialect,
    now: datetime.datetime,
    *,
    copies: bool = False,
) -> tuple[MailFinding, ...]:
    """The findings of a difference that are not about the wanted mail alone, or may not be, and losses that nobody asked
    for.

    :param wanted: what selects the mail that edits are to change, in the form of rules. That a rule which is meant for the
        wanted mail does for more of its own mail what it is for counts as wanted, too.
    :param takes: the kind of loss that is asked for; ``None`` for none.
    :param copies: whether what happens to people whom rules add is asked for, too.
    """
    likely = [
        finding for finding in difference.findings if _may_be_wanted(finding, takes) and (copies or not finding.person)
    ]
    asked = {id(finding) for finding in _within(likely, wanted, facts, dialect, now)}
    return tuple(finding for finding in difference.findings if id(finding) not in asked)


def _may_be_wanted(finding: MailFinding, takes: DifferenceKind | None) -> bool:
    return not isinstance(finding, MayChange) and (finding.kind not in LOSSES or finding.kind is takes)


def _within(
    findings: Sequence[MailFinding],
    selections: Sequence[Mapping[str, Any]],
    facts: Facts,
    dialect: Dialect,
    now: datetime.datetime,
) -> list[MailFinding]:
    """The findings all of whose mail is selected.

    :param selections: what selects mail, in the form of rules.
    """
    if not findings:
        return []
    try:
        with bounded():
            model, literals = _mail_of(findings, selections, facts, dialect, now)
            selected, mail = literals[: len(selections)], literals[len(selections) :]
            beside = [*(~literal for literal in selected), _signed_in(model)]
            return [
                finding
                for finding, its_mail in zip(findings, mail, strict=True)
                if not model.solve([its_mail, *beside], CONFLICTS)
            ]
    except BudgetError:
        return []


def _signed_in(model: Model) -> Literal:
    """The literal that is true if whoever writes from an address of the organization signed in. Of others' mail, rules change nothing for
    certain (U26).
    """
    return ~model.mail.people.inside(model.mail.sender) | model.mail.authenticated


def wider_than(
    changes: Sequence[Sequence[MailFinding]], facts: Facts, dialect: Dialect, now: datetime.datetime
) -> list[int]:
    """For each list of findings, how many of the others are about a part of the mail only that it is about. All are 0 if
    that is not found out.
    """
    counts = [0] * len(changes)
    if sum(map(bool, changes)) < 2:
        return counts
    try:
        with bounded():
            findings = [finding for change in changes for finding in change]
            model, literals = _mail_of(findings, [], facts, dialect, now)
            remaining = iter(literals)
            mail = [model.circuit.disjunction([next(remaining) for _finding in change]) for change in changes]
            inside = {
                (one, other): not model.solve([mail[one], ~mail[other]], CONFLICTS)
                for one, other in itertools.permutations(range(len(mail)), 2)
            }
            return [
                sum(inside[other, one] and not inside[one, other] for other in range(len(mail)) if other != one)
                for one in range(len(mail))
            ]
    except BudgetError:
        return counts


def are_disjoint(
    selection: Rule,
    others: Sequence[Rule],
    facts: Facts,
    dialect: Dialect,
    now: datetime.datetime,
    *,
    in_clear: bool,
) -> list[bool]:
    """Whether no selected mail meets the conditions and exceptions of a rule, for each of some rules. All are false if that is not found
    out.

    :param selection: what selects mail, in the form of a rule.
    :param in_clear: whether only what arrives unprotected is selected.
    """
    if not others:
        return []
    sections = ("conditions", "exceptions")
    criteria = [{section: rule.get(section) or {} for section in sections} for rule in (selection, *others)]
    try:
        with bounded():
            model, (selected, *of_others) = _mail_of([], criteria, facts, dialect, now)
            arrival = model.mail.arrival
            unprotected = [~(arrival.rights | arrival["smime"])] if in_clear else []
            return [not model.solve([selected, *unprotected, other], CONFLICTS) for other in of_others]
    except BudgetError:
        return [False] * len(others)


def _mail_of(
    findings: Sequence[MailFinding],
    selections: Sequence[Mapping[str, Any]],
    facts: Facts,
    dialect: Dialect,
    now: datetime.datetime,
) -> tuple[Model, list[Literal]]:
    """A model of mail without rules, and as literals of it what is selected, and the mail of each finding: it meets all
    conditions of the finding and, where an edit has several, one of those that make it act.

    :param selections: what selects mail, in the form of a rule.
    """
    conditions = [
        [atom for rule in finding.about for atom in in_section(rule).criteria.conditions] for finding in findings
    ]
    atoms = [
        atom
        for finding, atoms_of_finding in zip(findings, conditions, strict=True)
        for atom in (*atoms_of_finding, *finding.why.met, *finding.why.unmet)
    ]
    claims = claims_of([*map(dict, selections), *map(_as_rule, atoms)], dialect)
    model = Model([RuleSet([], dialect)], claims, facts, now)
    truths = iter(
        [
            model.free.conditions.matches(rule, ("claim", rule.place), SeenMessage(), model.mail.recipient)
            for rule in claims.rules
        ]
    )
    literals = [high(next(truths)) for _selection in selections]
    for finding, atoms_of_finding in zip(findings, conditions, strict=True):
        met = [high(next(truths)) for _atom in atoms_of_finding]
        one_of = [high(next(truths)) for _atom in finding.why.met]
        one_of += [high(~next(truths)) for _atom in finding.why.unmet]
        literals.append(model.circuit.conjunction([*met, *([model.circuit.disjunction(one_of)] if one_of else [])]))
    return model, literals


def _as_rule(atom: Atom) -> dict[str, Any]:
    return {"conditions": section_of([atom])}
