# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Exchange reports of a traced window, and compares it with what was computed, copy by copy.

Module and role call :func:`read_evidence`. :func:`window_of` names the window, and
``trace.reading.TraceReader`` reads its trace. :func:`compare` is a function of values: facts, rules, the rows of the
trace and those of the report. A contradiction is a finding about this collection: its simulation, a fact, or an answer
that it takes for likely. An uncertain copy contradicts nothing; the report settles it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from itertools import chain, zip_longest

from ..._exchange.cmdlet import Session
from ..._exchange.errors import OptionError, PermissionDeniedError, ThrottledError
from ..._resources.rules.action_effects import Does
from ..model.facts import Facts
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..trace.columns import Block, bits_of, blocks_of, places_of
from ..trace.reading import Window
from ..trace.replay import Example
from ..trace.rows import Trace, instant_of, left_out, microseconds_of
from .changes import RULE, TAKES_EFFECT, LatestChange, changed_rules, what_changed
from .encryption import Explained
from .prediction import Prediction, predictions
from .reports import APART, OLDEST, Copy, EncryptionReport, ReportReader, RuleReport, Traced

#: The kinds of contradictions: the rule certainly acted and that is not reported, or it is reported and cannot have
#: acted.
NOT_REPORTED, NOT_PREDICTED = KINDS = ("not_reported", "not_predicted")

#: The report comes hours late: a window counts once it ended so long ago.
REPORTED_AFTER = datetime.timedelta(hours=24)

#: Why a rule cannot be compared.
REFUSED, YOUNG, CHANGED, LATE, SILENT = "refused", "young", "changed", "late", "silent"


@dataclass(frozen=True)
class Incomparable:
    """Why a rule cannot be compared.

    :param kind: :data:`REFUSED` (:param:`detail` says why), :data:`YOUNG`, :data:`CHANGED` (:param:`change`),
        :data:`LATE`, or :data:`SILENT`: nothing is reported of it, and it has no severity.
    """

    kind: str
    detail: str = ""
    change: LatestChange | None = None


@dataclass(frozen=True)
class Contradiction:
    """Copies of which the computation and the report say opposite things.

    :param kind: one of :data:`KINDS`.
    :param ids: the numbers of the questions whose likely answers the computation rests on, for some of the copies.
    """

    kind: str
    copies: int
    ids: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class RuleEvidence:
    """What Exchange reports of a rule, and what was computed, in copies of the trace.

    :param reported: copies on which Exchange reports that the rule acted; ``None`` if the report could not be read.
    :param certain: copies on which it certainly acts, as computed, and :param:`possible` the further ones on which it
        may.
    :param acted: those of the latter that are reported, and :param:`not_acted` those that are not. Only of a rule that
        can be compared, and so the rest.
    :param left_out: reported copies that are not computed: rejected ones and the like, and those on which a rule acted
        that is gone, or that changed.
    :param untraced: reported copies that the trace does not have.
    :param late: certain copies that are newer than everything that is reported.
    :param compared: copies that could contradict: certain ones that are not late, and reported ones that are computed.
    :param why_not: why it cannot be compared.
    """

    name: str
    guid: str
    mode: str
    reported: int | None
    certain: int
    possible: int
    acted: int = 0
    not_acted: int = 0
    contradictions: tuple[Contradiction, ...] = ()
    left_out: int = 0
    untraced: int = 0
    late: int = 0
    compared: int = 0
    why_not: Incomparable | None = None


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
    return [rule for rule in rules.rules if not rule.idle and (rule.does(Does.ENCRYPT) or not rule.enforced)]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared with a report.

    :param trace: its rows, and :param:`window` their time.
    :param rules: all rules of the organization, in order, as they are now, and :param:`facts` about it.
    :param changes: when rules and facts changed, of :func:`changes.changes_of` and whatever else is known, such as from
        snapshots.
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
    names: Iterable[str] | None = None
    examples: int = 0
    sample: int = 0


def compare(asked: Comparison, report: RuleReport) -> Evidence:
    """What a window shows of rules."""
    rules, window = asked.rules.rules, asked.window
    compared = chosen(asked.rules, asked.names)
    names_of = {text for rule in rules for text in (rule.name.lower(), rule.guid.lower())}
    reported = {rule.place: report.copies_of_rule(rule.name, rule.guid) for rule in rules}
    silent = {rule.place for rule in rules if _is_silent(rule) and not reported[rule.place]}
    # Where a rule that changed stood, and what it did, nobody knows; nor whether it had a severity, unless it is
    # reported of a copy from before.
    changed = changed_rules(rules, asked.changes, window.begin)
    unseen = silent | {rule.place for rule in changed if not _was_reported(rule, reported[rule.place], asked)}
    last = max(_times_of(asked.trace, frozenset().union(*report.copies.values())), default=-1)
    tallies = []
    for rule in compared:
        others = [other for other in rules if other.place < rule.place or other.place in unseen]
        copies, most = reported[rule.place], max(asked.examples, asked.sample)
        why_not = _why_not(rule, others, asked, report)
        tallies.append(_RuleTally(rule, copies, copies - report.beyond, last, most, rule.place in silent, why_not))
    strangers = {name: acted_on for name, acted_on in report.copies.items() if name.lower() not in names_of}
    # A rule that is gone may have kept them from others, or changed what others see; so may one that changed.
    astray = frozenset().union(*strangers.values())
    edited = frozenset[Copy]().union(*(reported[rule.place] for rule in changed))
    count, begin, until = 0, microseconds_of(window.begin), microseconds_of(window.until)
    encrypting = [rule.place for rule in rules if rule.enforced and rule.does(Does.ENCRYPT)]
    explained = Explained()
    for block in blocks_of(asked.trace):
        part = _BlockCopies.in_window(block, begin, until, last, astray, edited)
        part = part.without(_vague(block, report.vague) | _beside_dates(block, rules))
        count += part.kept.bit_count()
        predicted = predictions(block, asked.rules, asked.facts)
        explained = _with_block(explained, part, [predicted[place] for place in encrypting])
        for tally in tallies:
            tally.add(part, predicted[tally.rule.place])
    return Evidence(
        count,
        tuple(tally.evidence(asked.examples) for tally in tallies),
        tuple(sorted(strangers)),
        _sampled(tallies, asked.sample),
        explained,
    )


def _with_block(explained: Explained, part: _BlockCopies, encrypting: Sequence[Prediction]) -> Explained:
    """With the messages of a block, which splits none."""
    certain = possible = 0
    for prediction in encrypting:
        certain, possible = certain | prediction.certain, possible | prediction.possible
    messages, surely, perhaps = (
        len({part.block.message[place] for place in places_of(bits & part.kept)})
        for bits in (part.kept, certain, certain | possible)
    )
    return Explained(explained.messages + messages, explained.certain + surely, explained.possible + perhaps)


def _why_not(rule: FlowRule, others: Iterable[FlowRule], asked: Comparison, report: RuleReport) -> Incomparable | None:
    if report.refused:
        return Incomparable(REFUSED, report.refused)
    if asked.now - asked.window.until < REPORTED_AFTER:
        return Incomparable(YOUNG)
    change = what_changed(rule, others, asked.changes, asked.window.begin)
    return Incomparable(CHANGED, change=change) if change else None


def _is_silent(rule: FlowRule) -> bool:
    """Whether Exchange need not report what a rule does, because it has no severity.

    Source: Microsoft's pages of mail flow rule actions, and of testing mail flow rules.
    """
    return str(rule.actions.get("set_audit_severity") or "DoNotAudit").casefold() == "donotaudit"


def _was_reported(rule: FlowRule, copies: frozenset[Copy], asked: Comparison) -> bool:
    """Whether a rule that changed is reported of a copy that came before, so that it had to be reported then, too."""
    own = [change for change in asked.changes if change.what == RULE and change.guid == rule.guid.lower()]
    since = [change.when for change in own if change.is_after(asked.window.begin)]
    dated = [microseconds_of(when) for when in since if when]
    return len(dated) == len(since) and any(time < min(dated) for time in _times_of(asked.trace, copies))


def _times_of(trace: Trace, copies: frozenset[Copy]) -> Iterable[int]:
    """When the traced ones of these copies were received."""
    columns, messages, recipients = trace.columns, trace.texts["message"].listed, trace.texts["recipient"].listed
    for message, recipient, received in zip(columns["message"], columns["recipient"], columns["received"], strict=True):
        if (messages[message], recipients[recipient]) in copies:
            yield received


def _vague(block: Block, messages: frozenset[str]) -> int:
    """The copies of messages of which the report does not say which of them a rule acted on."""
    return bits_of((place for place in range(len(block)) if block.text("message", place) in messages), len(block))


def _beside_dates(block: Block, rules: Iterable[FlowRule]) -> int:
    """The copies that came when a rule had just begun or ended, which takes effect later."""
    dated = [rule for rule in rules if not rule.idle and (rule.begins or rule.ends)]
    times = {time: instant_of(time) for time in (block.received if dated else ())}
    near_dates = {
        time
        for time, instant in times.items()
        if any(rule.borders(instant) != rule.borders(instant - TAKES_EFFECT) for rule in dated)
    }
    return bits_of((place for place, time in enumerate(block.received) if time in near_dates), len(block))


@dataclass(frozen=True)
class _BlockCopies:
    """The copies of a block: where each is, and those of the window, those of them that are computed, those that are as
    old as something reported, and those on which a changed rule acted, or whose date or recipient leaves it open.
    """

    block: Block
    places: Mapping[Copy, int]
    within: int
    kept: int
    arrived: int
    edited: int

    @classmethod
    def in_window(
        cls, block: Block, begin: int, until: int, last: int, astray: frozenset[Copy], edited: frozenset[Copy]
    ) -> _BlockCopies:
        """A block in a window. Times are in microseconds.

        :param last: as in :class:`_RuleTally`.
        :param astray: copies that cannot be computed, and :param:`edited` those that cannot be compared.
        """
        count = len(block)
        within = bits_of((place for place, time in enumerate(block.received) if begin <= time <= until), count)
        included = within & bits_of(
            (place for place in range(count) if not left_out(block.text("status", place), block.text("sender", place))),
            count,
        )
        arrived = bits_of((place for place, time in enumerate(block.received) if time <= last), count)
        places = {_copy(block, place): place for place in range(count)}
        untraced, out = (
            bits_of((places[copy] for copy in copies & places.keys()), count) for copies in (astray, edited)
        )
        return cls(block, places, within, included & ~untraced, arrived, out)

    def without(self, copies: int) -> _BlockCopies:
        """The same with further copies that cannot be compared."""
        return replace(self, edited=self.edited | copies)


@dataclass
class _RuleTally:
    """Counts of one rule.

    :param copies: those on which it is reported; :param:`dated` those of them that the report dates in the window.
    :param last: when the newest copy was received of which anything is reported, in microseconds; ``-1`` if nothing is.
    :param most: how many copies of a sort are kept by name.
    :param silent: whether nothing is reported of it, and need not be.
    """

    rule: FlowRule
    copies: frozenset[Copy]
    dated: frozenset[Copy]
    last: int
    most: int
    silent: bool
    why_not: Incomparable | None = None
    counts: Counter[str] = field(default_factory=Counter)
    ids: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    named: dict[str, list[tuple[Example, Copy]]] = field(default_factory=dict)

    def add(self, part: _BlockCopies, prediction: Prediction) -> None:
        """Adds the copies of a block."""
        block, arrived = part.block, part.arrived
        included = part.kept if self.why_not else part.kept & ~part.edited
        reported = part.within & bits_of((part.places[copy] for copy in self.copies & part.places.keys()), len(block))
        certain, possible = prediction.certain & included, prediction.possible & included
        uncertain = possible & ~certain
        sets = {
            "reported": reported,
            "certain": certain,
            "possible": uncertain,
            "acted": uncertain & reported,
            "not_acted": uncertain & ~reported & arrived,
            "left_out": reported & ~included,
            "late": certain & ~reported & ~arrived,
            NOT_REPORTED: certain & ~reported & arrived,
            NOT_PREDICTED: reported & included & ~possible,
            "compared": (certain & (reported | arrived)) | (reported & included),
        }
        self.counts.update(
            {name: bits.bit_count() for name, bits in sets.items()}, traced=len(self.dated & part.places.keys())
        )
        for kind in KINDS:
            self.ids[kind].update(
                rest.id
                for rest, bits in prediction.rests.items()
                if rest.id and rest.likely is not None and bits & sets[kind]
            )
        for name in (*KINDS, "reported", "certain"):
            self._keep(name, block, sets[name])

    def _keep(self, name: str, block: Block, bits: int) -> None:
        """Keeps the newest copies of a sort by name."""
        named = self.named.setdefault(name, [])
        newest = (
            nsmallest(self.most, ((-block.received[place], _copy(block, place), place) for place in places_of(bits)))
            if self.most
            else []
        )
        named += (
            (Example(age, *(block.text(column, place) for column in ("sender", "recipient", "subject"))), copy)
            for age, copy, place in newest
        )
        named.sort()
        del named[self.most :]

    @property
    def too_late(self) -> bool:
        """Whether nothing that was computed is older than what is reported."""
        counts = self.counts
        return 0 < counts["certain"] == counts["late"] or (self.last < 0 and counts["possible"] > 0)

    @property
    def reason(self) -> Incomparable | None:
        """Why the rule cannot be compared."""
        unseen = self.silent and (self.counts["certain"] or self.counts["possible"])
        return self.why_not or (Incomparable(LATE if self.too_late else SILENT) if self.too_late or unseen else None)

    def evidence(self, examples: int) -> RuleEvidence:
        """What was counted."""
        counts, reason = self.counts, self.reason
        refused = reason is not None and reason.kind == REFUSED
        rule = self.rule
        plain = RuleEvidence(
            rule.name,
            rule.guid,
            rule.mode,
            None if refused else counts["reported"],
            counts["certain"],
            counts["possible"],
            why_not=reason,
        )
        if reason:
            return plain
        contradictions = tuple(
            Contradiction(
                kind,
                counts[kind],
                tuple(sorted(self.ids[kind])),
                tuple(example for example, _copy_ in self.named[kind][:examples]),
            )
            for kind in KINDS
            if counts[kind]
        )
        untraced, settled = (
            len(self.dated) - counts["traced"],
            {name: counts[name] for name in ("acted", "not_acted", "left_out", "late", "compared")},
        )
        return replace(plain, contradictions=contradictions, untraced=untraced, **settled)  # type: ignore[arg-type]


def _copy(block: Block, place: int) -> Copy:
    return block.text("message", place), block.text("recipient", place)


def _sampled(tallies: Sequence[_RuleTally], most: int) -> tuple[Copy, ...]:
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
    :param traced: the sample of copies in detail.
    :param unavailable: ``rule_report``, ``encryption_report`` or ``sample`` to the reason why it could not be read.
    """

    evidence: Evidence
    window: Window
    report: RuleReport
    encryption: EncryptionReport
    traced: Sequence[Traced] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)


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
    begin, until = min(max(asked.window.begin, _earliest(asked.now)), asked.window.until), asked.window.until
    window = replace(asked.window, begin=begin)
    reader = ReportReader(session, say)
    report, encryption = reader.rule_report(begin, until, asked.now), reader.encryption_report(begin, until)
    evidence = compare(replace(asked, window=window), report)
    refused = {"rule_report": report.refused, "encryption_report": encryption.refused}
    traced: Sequence[Traced] = ()
    try:
        traced = list(ReportReader(session, say).details(evidence.sample).values())
    except (PermissionDeniedError, ThrottledError) as error:
        refused["sample"] = str(error)
    return EvidenceResult(
        evidence, window, report, encryption, traced, {name: why for name, why in refused.items() if why}
    )


def _earliest(now: datetime.datetime) -> datetime.datetime:
    """The earliest time of a window of which the report is complete."""
    return now - datetime.timedelta(days=OLDEST) + APART
