# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits change in mail beside what they are for."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ..analyses.difference import Difference
from ..analyses.finding import MailFinding, MayChange, in_section, section_of
from ..analyses.verifier import claims_of
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
from ..model.expressions import Dialect
from ..rules.rule_set import RuleSet
from ..symbolic.compile_text_edits import SeenMessage
from ..symbolic.encoding import CONFLICTS, Model
from ..symbolic.logic import high

#: The kinds of differences by which mail is worse off.
LOSSES = ("protection_lost", "delivery_lost", "transit_lost")


def beside(
    found: Sequence[Difference],
    wanted: Mapping[str, Any],
    takes: str,
    given: Mapping[str, Any],
    dialect: Dialect,
    now: datetime.datetime,
) -> list[tuple[MailFinding, ...]]:
    """Of each difference, what is not about the wanted mail alone, what may be, and losses that nobody asked for.

    :param wanted: what selects the mail that edits are to change, in the form of a rule.
    :param takes: the kind of loss that is asked for; empty for none.
    :param given: the facts, in the form of the option ``facts``.
    """
    likely = [each for difference in found for each in difference.findings if _may_be_wanted(each, takes)]
    asked = {id(each) for each in _within(likely, wanted, given, dialect, now)}
    return [tuple(each for each in difference.findings if id(each) not in asked) for difference in found]


def _may_be_wanted(found: MailFinding, takes: str) -> bool:
    # Nobody asks for what happens to people whom rules add.
    return not isinstance(found, MayChange) and not found.person and (found.kind not in LOSSES or found.kind == takes)


def _within(
    found: Sequence[MailFinding],
    wanted: Mapping[str, Any],
    given: Mapping[str, Any],
    dialect: Dialect,
    now: datetime.datetime,
) -> list[MailFinding]:
    """The findings all of whose mail is wanted."""
    if not found:
        return []
    conditions = [[atom for rule in each.about for atom in in_section(rule).conditions] for each in found]
    # One of these is true of the mail, too.
    apart = [(each.why.met, each.why.unmet) for each in found]
    atoms = [atom for each, (met, unmet) in zip(conditions, apart, strict=True) for atom in (*each, *met, *unmet)]
    try:
        with bounded():
            claims = claims_of([dict(wanted), *map(_as_rule, atoms)], dialect)
            model = Model([RuleSet([], dialect)], claims, given, now)
            selected, *truths = (
                model.free.conditions.matches(rule, ("claim", rule.place), SeenMessage(), model.mail.recipient)
                for rule in claims.rules
            )
            left = iter(truths)
            inside = []
            for each, met_by, (met, unmet) in zip(found, conditions, apart, strict=True):
                literals = [high(next(left)) for _atom in met_by]
                either = [*(high(next(left)) for _atom in met), *(high(~next(left)) for _atom in unmet)]
                literals += [model.circuit.disjunction(either)] if either else []
                if not model.solve([*literals, high(~selected)], CONFLICTS):
                    inside.append(each)
            return inside
    except BudgetError:
        return []


def _as_rule(atom: Atom) -> dict[str, Any]:
    return {"conditions": section_of([atom])}
