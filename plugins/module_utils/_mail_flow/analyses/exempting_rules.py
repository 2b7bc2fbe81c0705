# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the rules that may exempt mail from a sentence do so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..formula import FALSE, Literal
from ..rules.rule_set import RuleSet
from ..sat.batch import KnownModels
from ..symbolic.message_assumptions import contradicted_assumptions
from .finding import Exempting, KeepingUnusual

#: The maximum number of other rules that are found one by one for a sentence: each is a question to the solver.
MOST_COUNTED = 4

#: How a rule exempts mail, what explains the most first.
_RANKS = {
    **dict.fromkeys(("rejects", "deletes", "quarantines", "redirects", "stops"), 0),
    "may_stop": 1,
    **dict.fromkeys(("encrypts", "decrypts", "asks", "brands", "brands_alike", "routes", "brings", "repeats"), 2),
    "holds": 3,
    **dict.fromkeys(("dlp_blocks", "dlp_redirects", "dlp_quarantines", "dlp_decrypts"), 4),
    "takes": 5,
}


@dataclass(frozen=True)
class Exemptions:
    """What exempts named mail from a sentence: fields of the finding.

    :param limit: what exempts mail beside other rules, as the finding has it.
    :param by: the other rules that do so, and :param:`other_ways`: how yet others do, if there are many.
    :param keep_unusual: those that do so only where mail is not usual.
    """

    limit: str
    by: tuple[Exempting, ...] = ()
    other_ways: tuple[str, ...] = ()
    keep_unusual: tuple[KeepingUnusual, ...] = ()


def by_tense(before: Mapping[Exempting, Literal], now: Mapping[Exempting, Literal]) -> dict[Exempting, Literal]:
    """What exempts mail now, and then what exempted it before alone, each with the literal that is true if it does.

    :param before: what exempts mail in the first rule set; likewise :param:`now` in the second.
    """
    formerly = {
        replace(exempting, before=True): acts & ~now.get(exempting, FALSE) for exempting, acts in before.items()
    }
    return {**now, **formerly}


def keeping_unusual(
    known: KnownModels,
    exempt: Sequence[Literal],
    candidates: Mapping[Exempting, Literal],
    usual: Exemptions,
    rule_sets: Sequence[RuleSet],
) -> tuple[KeepingUnusual, ...]:
    """The rules that end or stop unusual mail of which a sentence is not true, and do not exempt usual mail.

    :param exempt: literals that are true together of such mail.
    :param candidates: the rules that may exempt mail, each with the literal that is true if it acts.
    :param usual: what exempts usual mail.
    """
    named = {exemption.rule for exemption in usual.by}
    told = {each for each in candidates if each.rule in named or each.how in usual.other_ways}
    others = {each: acts for each, acts in candidates.items() if each not in told and _RANKS[each.how] == 0}
    by_others, _ways = exempting_rules(known, [*exempt, *(~candidates[each] for each in told)], others)
    return tuple(dict.fromkeys(_keeping(exemption, rule_sets[not exemption.before]) for exemption in by_others))


def _keeping(exemption: Exempting, rules: RuleSet) -> KeepingUnusual:
    """A rule that exempts only unusual mail, with its conditions that look for such mail."""
    atoms = next(rule.criteria.conditions for rule in rules.rules if rule.name == exemption.rule)
    return KeepingUnusual(exemption.rule, tuple(atom for atom in atoms if contradicted_assumptions([atom])))


def exempting_rules(
    known: KnownModels, exempt: Sequence[Literal], candidates: Mapping[Exempting, Literal]
) -> tuple[tuple[Exempting, ...], tuple[str, ...]]:
    """The rules that exempt named mail from a sentence, each with mail on which none of the others acts that were found before, and
    how yet others do if there are many: several that may do so in one way.

    :param exempt: literals that are true together of mail that the sentence names and of which it is not true.
    :param candidates: the rules that may do so, each with the literal that is true if it acts.
    """
    unexplained = dict(sorted(candidates.items(), key=lambda item: _RANKS[item[0].how]))
    exempting: dict[Exempting, Literal] = {}
    others: list[str] = []
    while unexplained:
        first = known.first_possible([*exempt, *(~acts for acts in exempting.values())], unexplained)
        if first is None:
            break
        alike = {exemption.rule for exemption in unexplained if exemption.how == first.how}
        if len(exempting) < MOST_COUNTED or (len(alike) == 1 and first.how not in others):
            exempting[first] = unexplained.pop(first)
        else:
            others.append(first.how)
            unexplained = {exemption: acts for exemption, acts in unexplained.items() if exemption.how != first.how}
    return tuple(exemption for exemption in candidates if exemption in exempting), tuple(others)


def exempting_readable(
    known: KnownModels, exempt: Sequence[Literal], candidates: Mapping[Exempting, Literal], smime: Literal
) -> tuple[bool, tuple[Exempting, ...], tuple[str, ...]]:
    """The rules that exempt named mail, where it is always a rule that does, without those that exempt only what arrives encrypted
    with S/MIME, because they keep other rules from their work: not they are to be named, but that mail. First, whether there are
    such rules. See :func:`exempting_rules`.

    :param smime: the literal that is true of mail that arrives so.
    """
    by, other_ways = exempting_rules(known, exempt, candidates)
    if not by:
        return False, by, other_ways
    by_readable, other_readable = exempting_rules(known, [*exempt, ~smime], candidates)
    if (len(by_readable), len(other_readable)) < (len(by), len(other_ways)):
        return True, by_readable, other_readable
    return False, by, other_ways
