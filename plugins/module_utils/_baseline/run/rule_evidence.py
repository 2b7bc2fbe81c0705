# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules in an audit, and what it has contradicted, until a later window agrees."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization
from ..._mail_flow.evidence.changes import dlp_changes_of
from ..._mail_flow.evidence.comparison import Comparison, read_evidence, window_of
from ..._mail_flow.input.parsing import facts_of
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.trace.reading import TraceReader
from ..._mail_flow.wording.contradicted import (
    contradicting_texts,
    replay_with_contradicted,
)
from ..._mail_flow.wording.evidence import (
    contradicted_sentence,
    dlp_lines,
    evidence_headline,
    evidence_row,
)
from ..._mail_flow.wording.evidence_row import (
    EvidenceResultRow,
    EvidenceRow,
    KeptContradictionRow,
    RuleEvidenceRow,
)
from ..._mail_flow.wording.replay_row import NoResultRow, ReplayRow
from ..._mail_flow.wording.result_rows import DifferenceRow
from ..._resources.rules.organization_rules import rules_of
from ..controls.effect_on_mail import EffectOnMail
from ..controls.mail import Mail
from ..controls.mail_control import EVIDENCE_CONTROL
from ..documents.artifacts import Artifacts
from ..documents.report import ControlReport
from ..documents.status import ControlStatus
from ..procedures.baseline_context import BaselineContext
from .dated_changes import known_changes

#: Copies that are read at most, and those that are looked at in detail.
_MOST, _SAMPLE = 500_000, 20

#: The share of the copies on which rules that protect act, from which on the control needs each of them compared.
_MOST_LEFT = 0.01

#: Why there is nothing to compare.
NO_RULE = "There is nothing to compare: no rule protects or is in a test mode."
NOTHING_TO_COMPARE = (
    "There is nothing to compare: no rule acted on mail of this time, neither as computed nor as reported."
)


def evidence_of_rules(
    task: BaselineContext, days: int, artifacts: Artifacts, known: Callable[[], Organization]
) -> EvidenceResultRow | None:
    """What Exchange reports of the rules beside what was computed, without addresses; ``None`` where nobody asks for it.
    Shows a line.

    What Exchange does not let the caller read is a remark.

    :param days: the days of which Exchange is asked; 0 if nobody asks.
    :param known: reads the organization, and what decides about mail.
    """
    if not days:
        return None
    now = datetime.datetime.now(datetime.UTC)
    try:
        organization = known()
        mail = Mail.of_organization(organization)
        begin, until = window_of(days, now)
        trace, window = TraceReader(task.session, task.say, _MOST).read(begin, until)
        asked = Comparison(
            trace=trace,
            window=window,
            rules=RuleSet(mail.rules),
            facts=facts_of(mail.facts),
            changes=known_changes(artifacts, organization, window.begin, now),
            dlp_changes=dlp_changes_of(organization),
            now=now,
            sample=_SAMPLE,
        )
        evidence = read_evidence(task.session, asked, task.say)
    except ExchangeError as error:
        return NoResultRow(remark=f"What Exchange reports of rules could not be compared: {error}")
    unavailable = {**mail.unavailable, **evidence.unavailable}
    row = evidence_row(evidence, unseen=mail.unseen, examples=0, unavailable=unavailable)
    for line in (evidence_headline(row), *dlp_lines(row.dlp)):
        task.say(line)
    return row


def contradictions_so_far(
    task: BaselineContext, artifacts: Artifacts, organization: Organization, evidence: EvidenceResultRow | None
) -> list[KeptContradictionRow]:
    """What Exchange has contradicted of the organization's rules: as earlier runs have stored it, and as a window of
    this run says now, which is stored.
    """
    try:
        rows = {row.guid: row for row in artifacts.notes.contradictions()}
    except OptionError as error:
        task.warnings.append(f"What Exchange has contradicted so far is unknown: {error}")
        return []
    before = dict(rows)
    if isinstance(evidence, EvidenceRow):
        _update(rows, evidence, artifacts.run)
    if rows != before:
        try:
            artifacts.notes.keep_contradictions(rows.values())
        except OptionError as error:
            task.warnings.append(
                f"What Exchange contradicts is in this report, but later runs will not know it: {error}"
            )
    readable = "transport_rules" in organization.subsets and organization.error("transport_rules") is None
    present = {rule.guid for rule in rules_of(organization)} if readable else set()
    return [row for guid, row in rows.items() if guid in present]


def _update(rows: dict[str, KeptContradictionRow], evidence: EvidenceRow, run: str) -> None:
    """Ends the contradictions with which a window agrees, and adds those of this window.

    :param rows: the GUID of a rule to what contradicts what is computed of it.
    """
    for rule in evidence.rules:
        if rule.compared:
            rows.pop(rule.guid, None)
        if rule.contradictions:
            rows[rule.guid] = KeptContradictionRow(
                begin=evidence.window.begin,
                until=evidence.window.until,
                guid=rule.guid,
                name=rule.name,
                contradictions=rule.contradictions,
                run=run,
            )


def with_contradictions(mail: EffectOnMail, rows: Sequence[KeptContradictionRow]) -> EffectOnMail:
    """What a plan does to mail, of which every proof and computation says (``contradicted``) if Exchange has
    contradicted what is computed of its rules, by its reports or by what it did to test messages.

    A guarantee rests on all rules. Test messages make it unknown, which says so itself.
    """
    mail = replace(
        mail,
        difference=_with_each_marked(
            mail.difference, lambda row: row.with_contradicted(contradicting_texts(row.rules, mail.observed))
        ),
        trials=tuple(
            row.with_contradicted(contradicting_texts([row.rule, row.name], mail.observed)) for row in mail.trials
        ),
        suggestions=tuple(row.with_contradicted(contradicting_texts((), mail.observed)) for row in mail.suggestions),
        replay=replay_with_contradicted(mail.replay, mail.observed)
        if isinstance(mail.replay, ReplayRow)
        else mail.replay,
    )
    if not rows:
        return mail
    sentences = {row.name: contradicted_sentence(row) for row in rows}

    def texts_about(names: Collection[str]) -> list[str]:
        return [text for name, text in sentences.items() if name in names]

    return replace(
        mail,
        guarantees=tuple(row.with_contradicted(sentences.values()) for row in mail.guarantees),
        difference=_with_each_marked(mail.difference, lambda row: row.with_contradicted(texts_about(row.rules))),
        trials=tuple(row.with_contradicted(texts_about([row.rule])) for row in mail.trials),
    )


def _with_each_marked(
    rows: tuple[DifferenceRow, ...] | None, marked: Callable[[DifferenceRow], DifferenceRow]
) -> tuple[DifferenceRow, ...] | None:
    """The rows of a difference, marked; ``None`` if there is no difference to mark."""
    return None if rows is None else tuple(map(marked, rows))


def with_evidence(controls: Sequence[ControlReport], evidence: EvidenceResultRow | None) -> list[ControlReport]:
    """The controls of a report, with the one that evidence decides."""
    return [
        _decided(control, evidence) if control.id == EVIDENCE_CONTROL and evidence else control for control in controls
    ]


def _decided(control: ControlReport, evidence: EvidenceResultRow) -> ControlReport:
    if control.status is not ControlStatus.NOT_ASSESSABLE:
        return control  # The tags leave it out.
    status, findings = _status_by_evidence(evidence)
    if status is ControlStatus.NOT_MET and control.exception is not None and not control.exception.expired:
        status = ControlStatus.ACCEPTED
    return replace(control, status=status, findings=tuple(findings))


def _status_by_evidence(evidence: EvidenceResultRow) -> tuple[ControlStatus, list[str]]:
    """The status of the control, as Exchange's reports decide it, and what was found."""
    if isinstance(evidence, NoResultRow):
        return ControlStatus.NOT_ASSESSABLE, [evidence.remark]
    rules = evidence.rules
    # What DLP rules do belongs to what is computed of mail. That one is not compared does not matter: Microsoft retires
    # their report.
    against = [rule for rule in evidence.every_rule if rule.contradictions]
    others = [rule for rule in rules if not rule.contradictions]
    texts = [rule.text for rule in (*against, *others)]
    if against:
        return ControlStatus.NOT_MET, texts
    if any(rule.compared for rule in rules):
        lines, matters = _uncompared_rules(rules)
        return ControlStatus.NOT_ASSESSABLE if matters else ControlStatus.MET, [*lines, *texts]
    if any(rule.may_act or not rule.comparable for rule in rules):
        return ControlStatus.NOT_ASSESSABLE, texts
    # Of nothing, nothing is met, and nothing is unknown either.
    return ControlStatus.NOT_APPLICABLE, [*texts, NOTHING_TO_COMPARE if rules else NO_RULE]


def _uncompared_rules(rules: Sequence[RuleEvidenceRow]) -> tuple[list[str], bool]:
    """The rules that protect mail and of which no copy was compared, as a sentence with the share of each, and whether
    one has so large a share that what was compared tells too little.
    """
    acts_on = {rule.name: rule.predicted.certain + rule.predicted.possible for rule in rules if rule.mode == "Enforce"}
    shares = {
        rule.name: acts_on[rule.name] / sum(acts_on.values())
        for rule in rules
        if acts_on.get(rule.name) and not rule.compared
    }
    if not shares:
        return [], False
    named = ", ".join(f"{name!r} ({share:.1%})" for name, share in shares.items())
    text = f"Not compared, with their shares of the copies on which rules that protect act, as computed: {named}."
    return [text], max(shares.values()) >= _MOST_LEFT
