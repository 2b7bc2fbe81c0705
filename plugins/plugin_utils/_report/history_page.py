# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the history: open findings with their start, and ended findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._baseline.documents.history import shown
from ...module_utils._baseline.documents.history_rows import FindingRow, History, OrganizationRow, RuleReportRow
from ...module_utils._baseline.documents.status import ControlStatus
from ...module_utils._exchange.document import document_text
from ...module_utils._mail_flow.wording.unseen import unseen_lines
from ...module_utils._resources.rules.organization_rules import RULE
from .labels import CONTROL, GOOD, LOOK, STOP, Word, count
from .page import page_of

#: The maximum number of open and of ended findings on the page. All are in history.json.
MOST = 500
#: The maximum number of earlier episodes of a finding on the page, the newest first.
_MOST_EARLIER = 5

OPEN = Word("Open", "✕", STOP)
FLAPPING = Word("Flapping", "↻", LOOK)
_ENDED = {
    "accepted": CONTROL[ControlStatus.ACCEPTED],
    "not applicable": CONTROL[ControlStatus.NOT_APPLICABLE],
    "unmanaged": CONTROL[ControlStatus.UNMANAGED],
}
_FIXED = Word("Fixed", "✓", GOOD)


def render_json(history: History) -> str:
    """The history as a JSON document."""
    return document_text(history.as_row())


def render_history(history: History) -> str:
    """The history as a self-contained page."""
    return page_of("history.html.j2", view_of(history))


def view_of(history: History) -> dict[str, Any]:
    """The variables of the page's template."""
    opened = [_finding(row) for row in history.findings if not row.ended]
    closed = [(row.ended.by, row) for row in history.findings if row.ended]
    ended = [row for _by, row in sorted(closed, key=lambda pair: pair[0], reverse=True)]
    runs = history.runs
    flapping = sum(row.flapping for row in history.findings)
    period = f" between {shown(runs.first)} and {shown(runs.last)}" if runs.first else ""
    return {
        "heading": f"{count(len(opened), 'finding')} open" if opened else "No open findings",
        "lead": f"From {count(runs.with_controls, 'run')} with controls{period}, over {count(len(history.organizations), 'organization')}.",
        "badges": [
            (word, number)
            for word, number in ((OPEN, len(opened)), (FLAPPING, flapping), (_FIXED, len(ended)))
            if number
        ],
        "generated_at": shown(history.generated_at),
        "open": opened[:MOST],
        "open_more": max(0, len(opened) - MOST),
        "ended": [_finding(row) for row in ended[:MOST]],
        "ended_more": max(0, len(ended) - MOST),
        "evidence": [_evidence(row) for row in reversed(history.evidence[-MOST:])],
        "evidence_more": max(0, len(history.evidence) - MOST),
        "unseen": unseen_lines(history.unseen),
        "organizations": [_organization(row) for row in history.organizations],
    }


@dataclass(frozen=True)
class FindingCard:
    """A finding, as the page shows it.

    :param flapping: how often it was open; ``None`` if once.
    :param lines: pairs of a label and its content.
    """

    finding: FindingRow
    word: Word
    flapping: Word | None
    lines: Sequence[tuple[str, str]]


def _finding(row: FindingRow) -> FindingCard:
    lines = [("Organization", row.shown_name), ("Since", row.since.text)]
    if row.ended:
        lines.append(("Ended", f"{row.ended.text}: {row.state}"))
    else:
        lines.append(("Last seen", shown(row.last_seen)))
    if row.resource == RULE:
        lines.append(("Rule last changed by", row.modified_by or "not known"))
    lines += [
        ("Earlier", f"since {episode.since.text}, ended {episode.ended.text}")
        for episode in reversed(row.earlier[-_MOST_EARLIER:])
        if episode.ended
    ]
    flapping = Word(f"Flapping: open {row.openings} times", FLAPPING.shape, FLAPPING.tone) if row.flapping else None
    return FindingCard(row, _ENDED.get(row.state, _FIXED) if row.ended else OPEN, flapping, lines)


def _evidence(row: RuleReportRow) -> tuple[str, ...]:
    """What Exchange reported of a rule, and what was computed, as the cells of a row."""
    contradicted = sum(contradiction.copies for contradiction in row.contradictions)
    return (
        row.shown_name,
        row.rule,
        row.window.days,
        "not known" if row.reported is None else f"{row.reported:,}",
        f"{row.predicted.certain:,}",
        f"{row.predicted.possible:,}",
        f"{contradicted:,}" if row.comparable else "not comparable",
    )


def _organization(row: OrganizationRow) -> tuple[str, list[str]]:
    """An organization's name, and what is counted of it."""
    earlier = f"earlier {', '.join(row.earlier_names)}" if row.earlier_names else ""
    seen = f"last read {shown(row.last_seen)}" if row.last_seen else "never read"
    missed = f"{count(row.runs_missed, 'run')} could not read it" if row.runs_missed else ""
    return row.shown_name, [text for text in (earlier, count(row.runs, "run"), seen, missed) if text]
