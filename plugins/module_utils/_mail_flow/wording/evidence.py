# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules, beside what was computed, as the module's result and as sentences.

A report says that a rule acted. It never says that mail was encrypted.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..evidence.changes import DLP_POLICY, DLP_RULE, FACT, RULE
from ..evidence.comparison import EvidenceResult
from ..evidence.dlp_comparison import DlpEvidence
from ..evidence.reports import CopyDetails
from ..evidence.tally import (
    CHANGED,
    LATE,
    NOT_PREDICTED,
    NOT_REPORTED,
    REFUSED,
    REPORTED_AFTER,
    SILENT,
    YOUNG,
    Contradiction,
    Incomparable,
    RuleEvidence,
)
from .encrypters import other_encryption_row
from .evidence_row import (
    ContradictingCopiesRow,
    DetailRow,
    DlpEvidenceRow,
    EvidenceResultRow,
    EvidenceRow,
    KeptContradictionRow,
    PredictedRow,
    RuleEvidenceRow,
    TrialEvidenceRow,
)
from .replay import MAILBOXES, PREMISES, measured_lines, number_of, window_row
from .replay_row import NoResultRow, PremiseRow, ReplayResultRow, ReplayRow, TimeRow
from .unseen import unseen_lines

#: What a comparison takes as given beside the premises of a replay.
EVIDENCE_PREMISES = (
    *PREMISES,
    MAILBOXES,
    PremiseRow(
        id="people",
        text="Members of groups, guests, managers and accepted domains were in the window as they are now: Exchange does not show since when.",
    ),
    PremiseRow(id="removed", text="No rule was removed in the window: Exchange does not show removed rules."),
    PremiseRow(
        id="delivered",
        text="No rule rejected or deleted a delivered copy, and none quarantined it that would be reported, if Exchange does not report it of that copy.",
    ),
)

#: What changed, in words.
_CHANGED = {RULE: "the rule", FACT: "the fact", DLP_POLICY: "the DLP policy", DLP_RULE: "the DLP rule"}

_CONTRADICTS = {NOT_REPORTED: "certain and not reported", NOT_PREDICTED: "reported and computed as impossible"}


def evidence_row(
    result: EvidenceResult, *, unseen: Iterable[str], examples: int, unavailable: Mapping[str, str] | None = None
) -> EvidenceRow:
    """What Exchange reports, as results have it.

    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param examples: without any, no value of a column is kept that nobody documents.
    :param unavailable: facts that could not be read, each with the reason; ``None`` where that is said elsewhere.
    """
    evidence = result.evidence
    raw = tuple(
        {"report": cmdlet, "column": column, **({"value": value} if examples else {})}
        for cmdlet, columns in (
            ("rules", result.report.raw),
            ("dlp", result.dlp.report.raw if result.dlp else {}),
            ("encryption", result.encryption.raw),
        )
        for column, value in columns.items()
    )
    return EvidenceRow(
        window=window_row(result.window),
        copies=evidence.copies,
        rules=tuple(map(_rule, evidence.rules)),
        strangers=tuple(evidence.strangers),
        dlp=_dlp(result.dlp) if result.dlp else None,
        encryption=None if result.encryption.refused else tuple(result.encryption.days),
        encrypted_otherwise=other_encryption_row(result.encryption, result.window, evidence.explained),
        unseen=tuple(unseen),
        sample=tuple(_sample(result.details)),
        assumes=EVIDENCE_PREMISES,
        raw=raw,
        unavailable=unavailable,
    )


def evidence_lines(evidence: EvidenceRow) -> list[str]:
    """A sentence for each rule, for what no rule has, and for what else encrypts."""
    lines = [rule.text for rule in evidence.rules] or ["No rule protects or is in a test mode."]
    if evidence.strangers:
        lines.append(
            f"Exchange also reports rules that no longer exist by that name: {', '.join(map(repr, evidence.strangers))}."
        )
    otherwise = measured_lines(evidence.encrypted_otherwise)
    return [*lines, *dlp_lines(evidence.dlp), *otherwise, *unseen_lines(evidence.unseen)]


def dlp_lines(evidence: DlpEvidenceRow | None) -> list[str]:
    """A sentence for each DLP rule of which something is reported, or that certainly acts; one for all if none can be
    compared.

    :param evidence: what Exchange reports of DLP rules; ``None`` if there are none.
    """
    if evidence is None:
        return []
    lines = []
    reasons = {rule.reason for rule in evidence.rules if not rule.comparable}
    if len(reasons) == 1 and not any(rule.comparable for rule in evidence.rules):
        lines.append(f"DLP rules cannot be compared: {reasons.pop()}")
    else:
        lines += [rule.text for rule in evidence.rules if rule.reported or rule.predicted.certain]
    if evidence.strangers:
        names = ", ".join(map(repr, evidence.strangers))
        lines.append(f"Exchange also reports DLP rules that no longer exist by that name: {names}.")
    return lines


def _dlp(evidence: DlpEvidence) -> DlpEvidenceRow:
    """What Exchange reports of DLP rules, in the result."""
    window = window_row(evidence.window)
    return DlpEvidenceRow(
        window=TimeRow(begin=window.begin, until=window.until),
        rules=tuple(map(_rule, evidence.rules)),
        strangers=tuple(evidence.strangers),
    )


def rule_sentence(rule: RuleEvidence) -> str:
    """What Exchange reports of a rule: ``Exchange reports that 'X' acted on 412 copies; 409 were certain, 31 uncertain,
    none contradicts.``
    """
    name = f"the DLP rule {rule.name!r} of the policy {rule.policy!r}" if rule.policy else repr(rule.name)
    if rule.why_not:
        return f"{name[0].upper()}{name[1:]} cannot be compared: {_reason(rule)}"
    acted = "acted on" if rule.mode == "Enforce" else "would have acted on"
    if rule.policy:
        acted = "matched"
    computed = f"{rule.certain:,} {_were(rule.certain)} certain, {rule.possible:,} uncertain"
    head = f"Exchange reports that {name} {acted} {_copies(rule.reported or 0)}; {computed}"
    against = [f"{head}.", *map(contradiction_sentence, rule.contradictions)]
    lines = [f"{head}, none contradicts." if rule.compared else f"{head}: no copy can be compared."]
    return " ".join([*(against if rule.contradictions else lines), *_not_compared(rule)])


def _not_compared(rule: RuleEvidence) -> Iterator[str]:
    """The copies that are not compared."""
    if rule.left_out:
        yield f"{rule.left_out:,} of the reported copies {_were(rule.left_out)} not computed."
    if rule.untraced:
        yield f"{rule.untraced:,} more {_were(rule.untraced)} reported that the trace does not have."
    if rule.late and rule.policy:
        yield f"{_copies(rule.late)} {_were(rule.late)} certain of which nothing is reported."
    elif rule.late:
        yield f"{_copies(rule.late)} {_were(rule.late)} newer than the report."


def contradiction_sentence(contradiction: Contradiction | ContradictingCopiesRow) -> str:
    """How many copies contradict, and on which open questions that rests."""
    rests = f", which rests on {' and '.join(contradiction.ids)}" if contradiction.ids else ""
    return f"{_copies(contradiction.copies)} {'contradicts' if contradiction.copies == 1 else 'contradict'}: {_CONTRADICTS[contradiction.kind]}{rests}."


def _reason(rule: RuleEvidence) -> str:
    """Why a rule cannot be compared."""
    if rule.why_not is None:
        return ""
    if rule.policy and rule.why_not.kind == LATE:
        return (
            "nothing is reported of the mail that it matches. Whether the report has all DLP rules is not documented."
        )
    return why_not(rule.why_not)


def why_not(incomparable: Incomparable) -> str:
    """Why a rule cannot be compared, as a sentence without its subject."""
    if incomparable.kind == REFUSED:
        return f"the report could not be read. {incomparable.detail}"
    if incomparable.kind == CHANGED and incomparable.change:
        change = incomparable.change
        what = f"{_CHANGED[change.what]} {change.name!r}" if change.name else "the DLP policies"
        if change.when is None:
            return f"Exchange does not show when {what} changed."
        return f"{what} changed on {_text(change.when)}: only a window that begins an hour after that, or later, can be compared."
    return {
        YOUNG: f"the window ended less than {REPORTED_AFTER // datetime.timedelta(hours=1)} hours ago, and reports come hours late.",
        SILENT: (
            "nothing is reported of it, and it has no severity, without which Exchange need not report a rule. "
            "Give it set_audit_severity: Low, Medium or High."
        ),
        LATE: "nothing is reported of mail as new as this. The report comes late, or no rule acted.",
    }[incomparable.kind]


def _rule(rule: RuleEvidence) -> RuleEvidenceRow:
    row = RuleEvidenceRow(
        name=rule.name,
        guid=rule.guid,
        mode=rule.mode,
        reported=rule.reported,
        predicted=PredictedRow(certain=rule.certain, possible=rule.possible),
        comparable=rule.why_not is None,
        contradictions=tuple(map(_contradiction, rule.contradictions)),
        text=rule_sentence(rule),
        policy=rule.policy,
    )
    if rule.why_not:
        return replace(row, reason=_reason(rule), why=rule.why_not.kind)
    return replace(
        row,
        compared=rule.compared,
        settled={"acted": rule.acted, "not_acted": rule.not_acted},
        left_out=rule.left_out,
        untraced=rule.untraced,
        late=rule.late,
    )


def _contradiction(contradiction: Contradiction) -> ContradictingCopiesRow:
    return ContradictingCopiesRow(
        kind=contradiction.kind,
        copies=contradiction.copies,
        ids=contradiction.ids,
        examples=tuple(example.described() for example in contradiction.examples),
    )


def _sample(details: Iterable[CopyDetails]) -> Iterator[DetailRow]:
    """The copies that were looked at, equal ones together, the most first."""
    counts = Counter(details)
    for row, copies in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield DetailRow(rules=row.rules, tls=row.tls, connector=row.connector, copies=copies)


def _text(instant: datetime.datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M} UTC"


def _copies(count: int) -> str:
    return number_of(count, "copy", "copies")


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def evidence_headline(evidence: EvidenceResultRow) -> str:
    """The evidence of an organization in one sentence, or why there is none."""
    if isinstance(evidence, NoResultRow):
        return evidence.remark
    compared = [rule for rule in evidence.rules if rule.compared]
    against = [rule.name for rule in compared if rule.contradictions]
    are = "is" if len(against) == 1 else "are"
    contradicted = f"of which {', '.join(map(repr, against))} {are} contradicted" if against else "none contradicted"
    texts = [f"{number_of(len(compared), 'rule')} compared, {contradicted}"] if compared else ["no rule compared"]
    remaining = len(evidence.rules) - len(compared)
    texts += [f"{remaining:,} not compared"] if remaining else []
    return f"Exchange's reports of {evidence.window.days}: {'; '.join(texts)}."


def measured_lines_beside(evidence: EvidenceRow, replay: ReplayResultRow | None) -> list[str]:
    """How much something besides the rules encrypts, where no replay beside the evidence says it already."""
    if isinstance(replay, ReplayRow) and replay.encrypted_otherwise:
        return []
    return measured_lines(evidence.encrypted_otherwise)


def contradicted_sentence(row: KeptContradictionRow) -> str:
    """The sentence that Exchange contradicted what is computed of a rule, and no later window has agreed."""
    text = " ".join(map(contradiction_sentence, row.contradictions))
    window = f"by its reports since {row.begin[:10]} of the rule {row.name!r}"
    return f"Exchange contradicted this on {row.until[:10]}, {window}: {text} No later window agrees."


def reported_line(trial: TrialEvidenceRow) -> str:
    """What Exchange reports of a rule on trial, with its dates."""
    return f"Exchange's reports of {trial.window.days}: {trial.text}"
