# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Exchange reports of a traced window, and compares it with what was computed, copy by copy.

Module and role call :func:`read_evidence`. :func:`window_of` names the window, and
``trace.reading.TraceReader`` reads its trace. :func:`compare` is a function of values: facts, rules, the rows of the
trace and those of the report. :mod:`.dlp_comparison` does the same of DLP rules."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest

from ..._exchange.cmdlet import Session
from ..._exchange.errors import OptionError, PermissionDeniedError, ThrottledError
from ..._resources.rules.action_effects import Does
from ..model.facts import Facts
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..trace.columns import Block, bits_of, blocks_of, places_of
from ..trace.delivered import ReportedRules, RulesInEffect
from ..trace.reading import Window
from ..trace.rows import Trace, instant_of, microseconds_of
from .changes import RULE, TAKES_EFFECT, LatestChange, changed_rules, unchanged_since, what_changed
from .dlp_comparison import DlpEvidence, acting_rules, compare_dlp
from .encryption import Explained
from .prediction import Prediction, predictions
from .reports import APART, OLDEST, OLDEST_DLP, Copy, CopyDetails, EncryptionReport, ReportReader, RuleReport
from .tally import (
    CHANGED,
    KINDS,
    REFUSED,
    REPORTED_AFTER,
    YOUNG,
    BlockCopies,
    ComparedRule,
    Incomparable,
    RuleEvidence,
    RuleTally,
    of_messages,
    times_of,
)


@dataclass(frozen=True)
class Evidence:
    """What a window shows.

    :param copies: the copies that were computed.
    :param rules: the compared rules, first to last.
    :param strangers: names of reported rules that no present rule has.
    :param sample: copies to look at in detail, those of contradictions first.
    :param explained: the messages that were computed, and those that rules encrypt.
    """

    copies: int
    rules: tuple[RuleEvidence, ...]
    strangers: tuple[str, ...]
    sample: tuple[Copy, ...]
    explained: Explained


def chosen(rules: RuleSet, names: Iterable[str] | None) -> list[FlowRule]:
    """The rules of these names; by default those that protect, and those in a test mode."""
    if names is not None:
        wanted = {name.casefold() for name in names}
        return [rule for rule in rules.rules if rule.name.casefold() in wanted]
    return [
        rule for rule in rules.rules if not rule.idle and (rule.actions.does(Does.ENCRYPT) or not rule.actions.enforced)
    ]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared with a report.

    :param trace: its rows, and :param:`window` their time.
    :param rules: all rules of the organization, in order, as they are now, and :param:`facts` about it.
    :param changes: when rules and facts changed, of :func:`changes.changes_of` and whatever else is known, such as from
        snapshots.
    :param dlp_changes: when DLP policies and their rules changed, of :func:`changes.dlp_changes_of`.
    :param names: the rules to look at; see :func:`chosen`.
    :param examples: how many copies a contradiction names.
    :param sample: how many copies to look at in detail, up to 100.
    """

    trace: Trace
    window: Window
    rules: RuleSet
    facts: Facts
    changes: Sequence[LatestChange]
    now: datetime.datetime
    dlp_changes: Sequence[LatestChange] = ()
    names: Iterable[str] | None = None
    examples: int = 0
    sample: int = 0


def compare(asked: Comparison, report: RuleReport) -> Evidence:
    """What a window shows of rules."""
    rules = asked.rules.rules
    window = asked.window
    names_of = {text for rule in rules for text in (rule.name.lower(), rule.guid.lower())}
    reported = {rule.place: report.copies_of_rule(rule.name, rule.guid) for rule in rules}
    changed = changed_rules(rules, asked.changes, window.begin)
    last = max(times_of(asked.trace, frozenset().union(*report.copies.values())), default=-1)
    tallies = _tallies(asked, report, reported, changed, last)
    strangers = {name: acted_on for name, acted_on in report.copies.items() if name.lower() not in names_of}
    # A rule that is gone may have kept them from others, or changed what others see; so may one that changed.
    astray = frozenset().union(*strangers.values())
    edited = frozenset[Copy]().union(*(reported[rule.place] for rule in changed))
    count = 0
    begin = microseconds_of(window.begin)
    until = microseconds_of(window.until)
    always = set() if report.refused else {rule.place for rule in rules} - _silent(rules, reported)
    in_effect = RulesInEffect(0, unchanged_since(rules, asked.changes), ReportedRules(reported, always, last))
    encrypting = [rule.place for rule in rules if rule.enforces(Does.ENCRYPT)]
    explained = Explained()
    for block in blocks_of(asked.trace):
        part = BlockCopies.in_window(block, begin, until, last, astray, edited)
        part = part.with_incomparable(of_messages(block, report.vague) | _beside_dates(block, rules))
        count += part.computed.bit_count()
        predicted = predictions(block, asked.rules, asked.facts, in_effect)
        explained = _with_block(explained, part, [predicted[place] for place in encrypting])
        for place, tally in tallies.items():
            tally.add(part, predicted[place])
    return Evidence(
        count,
        tuple(tally.evidence(asked.examples) for tally in tallies.values()),
        tuple(sorted(strangers)),
        _sampled(list(tallies.values()), asked.sample),
        explained,
    )


def _tallies(
    asked: Comparison,
    report: RuleReport,
    reported: Mapping[int, frozenset[Copy]],
    changed: Iterable[FlowRule],
    last: int,
) -> dict[int, RuleTally]:
    """Place to what is counted of each compared rule.

    :param reported: place to the copies of which the rule is reported.
    :param changed: the rules that changed in the window. Where such a rule stood, and what it did, is not known; nor
        whether it had a severity, unless it is reported of a copy from before.
    :param last: when the last reported copy came, in microseconds.
    """
    rules = asked.rules.rules
    silent = _silent(rules, reported)
    unseen = silent | {rule.place for rule in changed if not _was_reported(rule, reported[rule.place], asked)}
    most = max(asked.examples, asked.sample)
    tallies = {}
    for rule in chosen(asked.rules, asked.names):
        others = [other for other in rules if other.place < rule.place or other.place in unseen]
        copies = reported[rule.place]
        why_not = _why_not(rule, others, asked, report)
        about = ComparedRule(rule.name, rule.guid, rule.actions.mode)
        is_silent = rule.place in silent
        tallies[rule.place] = RuleTally(about, copies, copies - report.beyond, last, most, is_silent, why_not)
    return tallies


def _with_block(explained: Explained, part: BlockCopies, encrypting: Sequence[Prediction]) -> Explained:
    """The reports explained so far, and those of a block, which splits no message."""
    certain = possible = 0
    for prediction in encrypting:
        certain, possible = certain | prediction.certain, possible | prediction.possible
    messages, surely, perhaps = (
        len({part.block.message[place] for place in places_of(bits & part.computed)})
        for bits in (part.computed, certain, certain | possible)
    )
    return Explained(explained.messages + messages, explained.certain + surely, explained.possible + perhaps)


def _why_not(rule: FlowRule, others: Iterable[FlowRule], asked: Comparison, report: RuleReport) -> Incomparable | None:
    """Why a rule cannot be compared.

    :param others: the other rules of which a change matters; see :func:`.changes.what_changed`.
    """
    if report.refused:
        return Incomparable(REFUSED, report.refused)
    if asked.now - asked.window.until < REPORTED_AFTER:
        return Incomparable(YOUNG)
    change = what_changed(rule, others, asked.changes, asked.window.begin)
    return Incomparable(CHANGED, change=change) if change else None


def _silent(rules: Iterable[FlowRule], reported: Mapping[int, frozenset[Copy]]) -> set[int]:
    """The places of the rules of which nothing is reported, and need not be."""
    return {rule.place for rule in rules if _is_silent(rule) and not reported[rule.place]}


def _is_silent(rule: FlowRule) -> bool:
    """Whether Exchange need not report what a rule does, because it has no severity.

    Source: Microsoft's pages of mail flow rule actions, and of testing mail flow rules.
    """
    return str(rule.actions.options.get("set_audit_severity") or "DoNotAudit").casefold() == "donotaudit"


def _was_reported(rule: FlowRule, copies: frozenset[Copy], asked: Comparison) -> bool:
    """Whether a rule that changed is reported of a copy that came before, so that it had to be reported then, too."""
    own = [change for change in asked.changes if change.what == RULE and change.guid == rule.guid.lower()]
    since = [change.when for change in own if change.is_after(asked.window.begin)]
    dated = [microseconds_of(when) for when in since if when]
    return len(dated) == len(since) and any(time < min(dated) for time in times_of(asked.trace, copies))


def _beside_dates(block: Block, rules: Iterable[FlowRule]) -> int:
    """The copies that came when a rule had just begun or ended, which takes effect later."""
    dated = [rule for rule in rules if not rule.idle and (rule.dates.begins or rule.dates.ends)]
    times = {time: instant_of(time) for time in (block.received if dated else ())}
    near_dates = {
        time
        for time, instant in times.items()
        if any(rule.dates.borders(instant) != rule.dates.borders(instant - TAKES_EFFECT) for rule in dated)
    }
    return bits_of((place for place, time in enumerate(block.received) if time in near_dates), len(block))


def _sampled(tallies: Sequence[RuleTally], most: int) -> tuple[Copy, ...]:
    """Copies of all rules in turn: those of contradictions, then reported ones, then those that are computed to be met."""
    lists = [
        [[copy for _example, copy in tally.named.get(name, ())] for tally in tallies]
        for name in (*KINDS, "reported", "certain")
    ]
    turns = chain.from_iterable(chain.from_iterable(zip_longest(*copies)) for copies in lists)
    return tuple(dict.fromkeys(copy for copy in turns if copy))[:most]


@dataclass(frozen=True)
class EvidenceResult:
    """What was read and what it shows.

    :param evidence: the comparison, in the trace's window as far as the report reaches back (:param:`window`).
    :param details: what the trace shows of the sample of copies.
    :param dlp: the comparison of DLP rules; ``None`` if it is not known that one acts on mail.
    :param unavailable: ``rule_report``, ``dlp_report``, ``encryption_report`` or ``sample`` to the reason why it could
        not be read.
    """

    evidence: Evidence
    window: Window
    report: RuleReport
    encryption: EncryptionReport
    details: Sequence[CopyDetails] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)
    dlp: DlpEvidence | None = None


def window_of(
    days: int, now: datetime.datetime, until: datetime.datetime | None = None
) -> tuple[datetime.datetime, datetime.datetime]:
    """The beginning and the end of a window: so many days, by default until the reports are complete (24 hours ago)."""
    end = until or (now - REPORTED_AFTER).replace(microsecond=0)
    return max(end - datetime.timedelta(days=days), _earliest(now)), end


def read_evidence(
    session: Session, asked: Comparison, say: Callable[[str], None] = lambda text: None
) -> EvidenceResult:
    """Reads the reports of the trace's window and compares them with what the rules do to its copies.

    :raises OptionError: the trace is older than the report.
    :raises ExchangeError: a report could not be read for another reason than that it is not granted.
    """
    if asked.window.until <= _earliest(asked.now):
        raise OptionError(
            f"The trace ends on {asked.window.until:%Y-%m-%d}, before the days of the report.",
            remedy=f"Use a trace of the last {OLDEST} days: Exchange reports no older mail.",
        )
    # The report does not reach back as far as the trace.
    begin = min(max(asked.window.begin, _earliest(asked.now)), asked.window.until)
    until = asked.window.until
    window = replace(asked.window, begin=begin)
    reader = ReportReader(session, say)
    report = reader.rule_report(begin, until, asked.now)
    encryption = reader.encryption_report(begin, until)
    evidence = compare(replace(asked, window=window), report)
    refused = {"rule_report": report.refused, "encryption_report": encryption.refused}
    dlp = _read_dlp(reader, asked)
    refused["dlp_report"] = dlp.report.refused if dlp else ""
    details: Sequence[CopyDetails] = ()
    try:
        details = list(ReportReader(session, say).details(evidence.sample).values())
    except (PermissionDeniedError, ThrottledError) as error:
        refused["sample"] = str(error)
    return EvidenceResult(
        evidence, window, report, encryption, details, {name: why for name, why in refused.items() if why}, dlp
    )


def _read_dlp(reader: ReportReader, asked: Comparison) -> DlpEvidence | None:
    """The comparison of DLP rules, in the part of the window that their report reaches back to."""
    if not acting_rules(asked.facts):
        return None
    begin = max(asked.window.begin, _earliest(asked.now, OLDEST_DLP))
    until = asked.window.until
    window = replace(asked.window, begin=min(begin, until))
    too_old = RuleReport(refused=f"Exchange reports DLP rules for {OLDEST_DLP} days, and this mail is older.")
    report = reader.dlp_report(window.begin, until, asked.now) if begin < until else too_old
    return compare_dlp(
        report,
        trace=asked.trace,
        window=window,
        rules=asked.rules,
        facts=asked.facts,
        changes=[*asked.dlp_changes, *asked.changes],
        now=asked.now,
        examples=asked.examples,
    )


def _earliest(now: datetime.datetime, days: int = OLDEST) -> datetime.datetime:
    """The earliest time of a window of which a report of so many days is complete."""
    return now - datetime.timedelta(days=days) + APART
