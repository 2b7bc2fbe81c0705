# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the history: open findings with their start, and ended findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...module_utils._baseline.documents.history import shown
from ...module_utils._baseline.documents.status import ControlStatus
from ...module_utils._mail_flow.wording.unseen import unseen_lines
from .labels import CONTROL, GOOD, LOOK, STOP, Record, Word, count, name_of
from .render import page_of

#: The maximum number of open and of ended findings on the page. All are in history.json.
MOST = 500

OPEN = Word("Open", "✕", STOP)
FLAPPING = Word("Flapping", "↻", LOOK)
_ENDED = {
    "accepted": CONTROL[ControlStatus.ACCEPTED],
    "not applicable": CONTROL[ControlStatus.NOT_APPLICABLE],
    "unmanaged": CONTROL[ControlStatus.UNMANAGED],
}
_FIXED = Word("Fixed", "✓", GOOD)


def render_history(history: Record) -> str:
    """The history as a self-contained page.

    :param history: the document, format 1.
    """
    return page_of("history.html.j2", view_of(history))


def view_of(history: Record) -> dict[str, Any]:
    """The variables of the page's template."""
    opened = [_finding(row) for row in history["findings"] if row["state"] == "open"]
    ended = sorted(
        (row for row in history["findings"] if row["state"] != "open"),
        key=lambda row: str(row["ended"]["by"]),
        reverse=True,
    )
    runs = history["runs"]
    flapping = sum(bool(row["flapping"]) for row in history["findings"])
    period = f" between {shown(runs['first'])} and {shown(runs['last'])}" if "first" in runs else ""
    return {
        "heading": f"{count(len(opened), 'finding')} open" if opened else "No open findings",
        "lead": f"From {count(runs['with_controls'], 'run')} with controls{period}, over {count(len(history['organizations']), 'organization')}.",
        "badges": [
            (word, number)
            for word, number in ((OPEN, len(opened)), (FLAPPING, flapping), (_FIXED, len(ended)))
            if number
        ],
        "generated_at": shown(history["generated_at"]),
        "open": opened[:MOST],
        "open_more": max(0, len(opened) - MOST),
        "ended": [_finding(row) for row in ended[:MOST]],
        "ended_more": max(0, len(ended) - MOST),
        "evidence": [_evidence(row) for row in reversed(history["evidence"][-MOST:])],
        "evidence_more": max(0, len(history["evidence"]) - MOST),
        "unseen": unseen_lines(history["unseen"]),
        "organizations": [_organization(row) for row in history["organizations"]],
    }


def _finding(row: Record) -> dict[str, Any]:
    ended = row.get("ended")
    how = str(row["state"])
    lines = [("Organization", name_of(row)), ("Since", row["since"]["text"])]
    if ended:
        lines.append(("Ended", f"{ended['text']}: {how}"))
    else:
        lines.append(("Last seen", shown(row["last_seen"])))
    if row["resource"] == "ome_transport_rule":
        lines.append(("Rule last changed by", row.get("modified_by") or "not known"))
    lines += [
        ("Earlier", f"since {episode['since']['text']}, ended {episode['ended']['text']}")
        for episode in _newest(row["earlier"])
    ]
    return {
        "control": row["control"],
        "title": row["title"],
        "what": row["text"],
        "word": _ENDED.get(how, _FIXED) if ended else OPEN,
        "flapping": Word(f"Flapping: open {row['openings']} times", FLAPPING.shape, FLAPPING.tone)
        if row["flapping"]
        else None,
        "found": row.get("found"),
        "wanted": row.get("wanted"),
        "values": "found" in row or "wanted" in row,
        "lines": lines,
    }


def _evidence(row: Record) -> tuple[str, ...]:
    """What Exchange reported of a rule, and what was computed, as the cells of a row."""
    window, predicted = row["window"], row["predicted"]
    contradicted = sum(contradiction["copies"] for contradiction in row["contradictions"])
    verdict = f"{contradicted:,}" if row["comparable"] else "not comparable"
    reported = f"{row['reported']:,}" if "reported" in row else "not known"
    dates = f"{window['from'][:10]} to {window['until'][:10]}"
    return (
        name_of(row),
        row["rule"],
        dates,
        reported,
        f"{predicted['certain']:,}",
        f"{predicted['possible']:,}",
        verdict,
    )


def _newest(earlier: Sequence[Record]) -> list[Record]:
    return list(reversed(earlier))[:5]


def _organization(row: Record) -> dict[str, Any]:
    earlier = f"earlier {', '.join(row['earlier_names'])}" if row["earlier_names"] else ""
    seen = f"last read {shown(row['last_seen'])}" if row.get("last_seen") else "never read"
    missed = f"{count(row['runs_missed'], 'run')} could not read it" if row["runs_missed"] else ""
    return {
        "name": name_of(row) or row["hosts"][-1],
        "facts": [text for text in (earlier, count(row["runs"], "run"), seen, missed) if text],
    }
