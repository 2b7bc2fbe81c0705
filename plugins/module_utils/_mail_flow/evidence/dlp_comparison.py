# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what Exchange reports of DLP rules in a traced window with what was computed, copy by copy.

Whether the report has all DLP rules of Purview is not documented, and Microsoft retires it. So a copy on which a rule
certainly acts contradicts only where the report has a row of its message, and says nothing of that rule and recipient.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.facts import Facts
from ..rules.dlp_rules import DlpRule, DlpRules
from ..rules.rule_set import RuleSet
from ..trace.columns import blocks_of
from ..trace.reading import Window
from ..trace.rows import Trace, microseconds_of
from .changes import LatestChange
from .dlp_prediction import dlp_predictions
from .reports import Copy, RuleReport
from .tally import (
    CHANGED,
    REFUSED,
    REPORTED_AFTER,
    YOUNG,
    BlockCopies,
    ComparedRule,
    Incomparable,
    RuleEvidence,
    RuleTally,
    of_messages,
)


@dataclass(frozen=True)
class DlpEvidence:
    """What a window shows of DLP rules.

    :param window: as far as their report reaches back.
    :param rules: those that act on mail, first to last.
    :param strangers: names of reported rules that no present DLP rule has.
    """

    window: Window
    report: RuleReport
    rules: tuple[RuleEvidence, ...]
    strangers: tuple[str, ...]


def acting_rules(facts: Facts) -> tuple[DlpRule, ...]:
    """The DLP rules that act on mail, or may, as far as they were read or told."""
    policies = facts.encrypters.dlp_policies
    return policies.rules if isinstance(policies, DlpRules) else ()


def compare_dlp(
    report: RuleReport,
    *,
    trace: Trace,
    window: Window,
    rules: RuleSet,
    facts: Facts,
    changes: Sequence[LatestChange],
    now: datetime.datetime,
    examples: int = 0,
) -> DlpEvidence:
    """What a window shows of DLP rules.

    :param rules: the mail flow rules, which come first.
    :param changes: when mail flow rules, facts, DLP policies and DLP rules changed: any may change what DLP did.
    """
    why_not = _why_not(report, window, changes, now)
    known = _names(facts)
    strangers = {name: copies for name, copies in report.copies.items() if name.lower() not in known}
    # A rule that is gone may have kept them from others.
    astray = frozenset[Copy]().union(*strangers.values())
    messages = frozenset(message for copies in report.copies.values() for message, _recipient in copies)
    tallies = [_tally(rule, report, examples, why_not) for rule in acting_rules(facts)]
    begin, until = microseconds_of(window.begin), microseconds_of(window.until)
    for block in blocks_of(trace):
        part = BlockCopies.in_window(block, begin, until, -1, astray, frozenset())
        part = part.with_incomparable(of_messages(block, report.vague)).with_arrived(of_messages(block, messages))
        policies = facts.encrypters.dlp_policies
        predicted = dlp_predictions(block, policies, rules, facts) if isinstance(policies, DlpRules) else []
        for tally, prediction in zip(tallies, predicted, strict=True):
            tally.add(part, prediction)
    return DlpEvidence(window, report, tuple(tally.evidence(examples) for tally in tallies), tuple(sorted(strangers)))


def _tally(rule: DlpRule, report: RuleReport, examples: int, why_not: Incomparable | None) -> RuleTally:
    does = rule.does
    copies = report.copies_of_rule(does.name, does.guid)
    last = 0 if any(report.copies.values()) else -1
    about = ComparedRule(does.name, does.guid, does.mode, does.policy)
    return RuleTally(about, copies, copies - report.beyond, last, examples, False, why_not)


def _names(facts: Facts) -> frozenset[str]:
    """The names and GUIDs of all DLP rules, those that do not act included, in lower case."""
    policies = facts.encrypters.dlp_policies
    encrypters = policies.encrypters if isinstance(policies, DlpRules) else ()
    return frozenset(text.lower() for does in encrypters for text in (does.name, does.guid) if text)


def _why_not(
    report: RuleReport, window: Window, changes: Sequence[LatestChange], now: datetime.datetime
) -> Incomparable | None:
    """Why no DLP rule can be compared."""
    if report.refused:
        return Incomparable(REFUSED, report.refused)
    if now - window.until < REPORTED_AFTER:
        return Incomparable(YOUNG)
    change = next((change for change in changes if change.is_after(window.begin)), None)
    return Incomparable(CHANGED, change=change) if change else None
