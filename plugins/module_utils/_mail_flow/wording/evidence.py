# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules, beside what was computed, as the module's result and as sentences.

A report says that a rule acted. It never says that mail was encrypted.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..evidence.changes import DLP_POLICY, DLP_RULE, FACT, RULE
from ..evidence.comparison import Evidence, EvidenceResult
from ..evidence.dlp_comparison import DlpEvidence
from ..evidence.reports import Traced
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
from .encrypters import measured_lines, otherwise_row
from .replay import PREMISES, number_of, window_row
from .unseen import unseen_lines

#: What a comparison takes as given beside the premises of a replay.
EVIDENCE_PREMISES = (
    *PREMISES,
    {
        "id": "people",
        "text": "Members of groups, guests, managers and accepted domains were in the window as they are now: Exchange does not show since when.",
    },
    {"id": "removed", "text": "No rule was removed in the window: Exchange does not show removed rules."},
)

#: What changed, in words.
_CHANGED = {RULE: "the rule", FACT: "the fact", DLP_POLICY: "the DLP policy", DLP_RULE: "the DLP rule"}

_CONTRADICTS = {NOT_REPORTED: "certain and not reported", NOT_PREDICTED: "reported and computed as impossible"}


def evidence_result(result: EvidenceResult, *, unseen: Iterable[str], examples: int) -> dict[str, Any]:
    """The keys of the contract. What does not apply is absent.

    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param examples: without any, no value of a column is kept that nobody documents.
    """
    evidence = result.evidence
    raw = [
        {"report": cmdlet, "column": column, **({"value": value} if examples else {})}
        for cmdlet, columns in (
            ("rules", result.report.raw),
            ("dlp", result.dlp.report.raw if result.dlp else {}),
            ("encryption", result.encryption.raw),
        )
        for column, value in columns.items()
    ]
    return {
        "window": window_row(result.window),
        "copies": evidence.copies,
        "rules": [_rule(rule) for rule in evidence.rules],
        "strangers": list(evidence.strangers),
        **({"dlp": _dlp(result.dlp)} if result.dlp else {}),
        **({} if result.encryption.refused else {"encryption": [vars(day) for day in result.encryption.days]}),
        "encrypted_otherwise": otherwise_row(result.encryption, result.window, evidence.explained),
        "unseen": list(unseen),
        "sample": _sample(result.traced),
        "assumes": list(EVIDENCE_PREMISES),
        **({"raw": raw} if raw else {}),
    }


def evidence_lines(evidence: Evidence, result: Mapping[str, Any]) -> list[str]:
    """A sentence for each rule, for what no rule has, and for what else encrypts.

    :param result: as :func:`evidence_result` makes it.
    """
    lines = [rule_sentence(rule) for rule in evidence.rules] or ["No rule protects or is in a test mode."]
    if evidence.strangers:
        lines.append(
            f"Exchange also reports rules that no longer exist by that name: {', '.join(map(repr, evidence.strangers))}."
        )
    return [*lines, *dlp_lines(result), *measured_lines(result), *unseen_lines(result)]


def dlp_lines(result: Mapping[str, Any]) -> list[str]:
    """A sentence for each DLP rule of which something is reported, or that certainly acts; one for all if none can be
    compared.

    :param result: as :func:`evidence_result` makes it.
    """
    if "dlp" not in result:
        return []
    rules, strangers = result["dlp"]["rules"], result["dlp"]["strangers"]
    lines = []
    reasons = {rule["reason"] for rule in rules if not rule["comparable"]}
    if len(reasons) == 1 and not any(rule["comparable"] for rule in rules):
        lines.append(f"DLP rules cannot be compared: {reasons.pop()}")
    else:
        lines += [rule["text"] for rule in rules if rule.get("reported") or rule["predicted"]["certain"]]
    if strangers:
        names = ", ".join(map(repr, strangers))
        lines.append(f"Exchange also reports DLP rules that no longer exist by that name: {names}.")
    return lines


def _dlp(evidence: DlpEvidence) -> dict[str, Any]:
    """What Exchange reports of DLP rules, in the result."""
    window = {key: value for key, value in window_row(evidence.window).items() if key in ("from", "until")}
    return {
        "window": window,
        "rules": [{**_rule(rule), "policy": rule.policy} for rule in evidence.rules],
        "strangers": list(evidence.strangers),
    }


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


def contradiction_sentence(contradiction: Contradiction) -> str:
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


def _rule(rule: RuleEvidence) -> dict[str, Any]:
    return {
        "name": rule.name,
        "guid": rule.guid,
        "mode": rule.mode,
        **({} if rule.reported is None else {"reported": rule.reported}),
        "predicted": {"certain": rule.certain, "possible": rule.possible},
        "comparable": rule.why_not is None,
        **(
            {"reason": _reason(rule), "why": rule.why_not.kind}
            if rule.why_not
            else {
                "compared": rule.compared,
                "settled": {"acted": rule.acted, "not_acted": rule.not_acted},
                **{name: count for name in ("left_out", "untraced", "late") if (count := getattr(rule, name))},
            }
        ),
        "contradictions": [
            {
                "kind": contradiction.kind,
                "copies": contradiction.copies,
                "ids": list(contradiction.ids),
                **(
                    {"examples": [example.described() for example in contradiction.examples]}
                    if contradiction.examples
                    else {}
                ),
            }
            for contradiction in rule.contradictions
        ],
        "text": rule_sentence(rule),
    }


def _sample(traced: Iterable[Traced]) -> list[dict[str, Any]]:
    """The copies that were looked at, equal ones together, the most first."""
    counts = Counter(traced)
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "rules": list(row.rules),
            **{name: text for name in ("tls", "connector") if (text := getattr(row, name))},
            "copies": count,
        }
        for row, count in rows
    ]


def _text(instant: datetime.datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M} UTC"


def _copies(count: int) -> str:
    return number_of(count, "copy", "copies")


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def evidence_headline(row: Mapping[str, Any]) -> str:
    """The evidence of an organization in one sentence.

    :param row: the result of ``mail_flow_evidence``, or why there is none (``remark``).
    """
    if "remark" in row:
        return str(row["remark"])
    compared = [rule for rule in row["rules"] if rule.get("compared")]
    against = [rule["name"] for rule in compared if rule["contradictions"]]
    contradicted = f"of which {', '.join(map(repr, against))} is contradicted" if against else "none contradicted"
    texts = [f"{number_of(len(compared), 'rule')} compared, {contradicted}"] if compared else ["no rule compared"]
    remaining = len(row["rules"]) - len(compared)
    return f"Exchange's reports of {_window(row['window'])}: {'; '.join([*texts, *([f'{remaining:,} not compared'] if remaining else [])])}."


def contradicted_sentence(row: Mapping[str, Any]) -> str:
    """The sentence that Exchange contradicted what is computed of a rule, and no later window has agreed.

    :param row: ``name`` of the rule, ``from`` and ``until`` of the window, and ``contradictions`` as the result of
        ``mail_flow_evidence`` has them.
    """
    contradictions = (
        Contradiction(described["kind"], described["copies"], tuple(described["ids"]))
        for described in row["contradictions"]
    )
    text = " ".join(map(contradiction_sentence, contradictions))
    window = f"by its reports since {row['from'][:10]} of the rule {row['name']!r}"
    return f"Exchange contradicted this on {row['until'][:10]}, {window}: {text} No later window agrees."


def reported_line(row: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    """What Exchange reports of a rule, with its dates.

    :param row: the rule in the result of ``mail_flow_evidence``, and :param:`window` the window of the latter.
    """
    return f"Exchange's reports of {_window(window)}: {row['text']}"


def _window(window: Mapping[str, Any]) -> str:
    return f"{window['from'][:10]} to {window['until'][:10]}"
