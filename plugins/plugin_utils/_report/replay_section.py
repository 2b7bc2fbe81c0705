# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail of the last days, for a report: sentences, a picture of the days, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence

from ...module_utils._mail_flow.trace.replay import COVERAGE
from ...module_utils._mail_flow.wording.replay import (
    change_sentence,
    left_out_words,
    number_of,
    replay_lines,
    settled_line,
)
from ...module_utils._mail_flow.wording.replay_row import DayRow, Remark, ReplayOrRemark, ReplayRow
from ...module_utils._mail_flow.wording.result_rows import DifferenceRow
from .labels import Record, mail_of

#: How copies count, in words, in the order of :data:`COVERAGE`: by the organization's rules, and by proposed ones.
TITLES, PROPOSED_TITLES = (
    dict(zip(COVERAGE, (protected, "Not by rules", "Cannot be told", "Not delivered"), strict=True))
    for protected in ("Protected by rules", "Would be protected by rules")
)

#: The picture: its width, where the bars begin, and the height of a day, in units of the drawing.
_WIDTH, _MARGIN, _DAY = 400, 72, 18


def replay_of(organization: Record) -> Record | None:
    """The results of a replay for the page; ``None`` if there is none."""
    replay = mail_of(organization).replay
    return shown(replay) if replay else None


def shown(replay: ReplayOrRemark) -> Record:
    """The results of a replay for a page, or why there is none."""
    if isinstance(replay, Remark):
        return replay.as_row()
    return {
        "lines": replay_lines(replay),
        "left_out": left_out_words(replay.counts.left_out),
        "premises": [premise.text for premise in replay.assumes if premise.text],
        "settled_by": [settled_line(row) for row in replay.undecided],
        "titles": PROPOSED_TITLES if replay.proposed else TITLES,
        "days": [(row.date, list(row.by_coverage.values())) for row in replay.days],
        "domains": [(row.name, list(row.by_coverage.values())) for row in replay.domains],
        "picture": picture_of(replay.days),
    }


def change_of(organization: Record, difference: DifferenceRow) -> str:
    """How much of the last days' mail a difference affects, as a sentence; empty if that is not known: of what is open, and
    where several differences have the same kind and rules, copies are not told apart.
    """
    mail = mail_of(organization)
    alike = [row for row in mail.difference or () if (row.kind, row.rules) == (difference.kind, difference.rules)]
    if difference.is_open or len(alike) > 1 or not isinstance(mail.replay, ReplayRow):
        return ""
    for row in mail.replay.difference or ():
        if (row.kind, row.rules) == (difference.kind, difference.rules):
            return f"In the replayed mail, {change_sentence(row)}"
    return ""


def headline_of(organization: Record) -> str:
    """One line for the first screen; empty if there is no replay."""
    replay = mail_of(organization).replay
    if not isinstance(replay, ReplayRow):
        return ""
    copies, changed = replay.counts.copies, replay.counts.changed
    if not copies:
        return "No real mail was replayed"
    change = f": {changed.certain:,} would be treated differently, {changed.possible:,} perhaps" if changed else ""
    return f"{number_of(copies, 'copy', 'copies')} of real mail {'was' if copies == 1 else 'were'} replayed{change}"


def picture_of(days: Sequence[DayRow]) -> Record:
    """The days as bars, one below the other: their names, rectangles with a class, and the size of the drawing."""
    most = max((sum(day.by_coverage.values()) for day in days), default=0)
    bars = []
    for place, day in enumerate(days):
        x = float(_MARGIN)
        for how, copies in day.by_coverage.items():
            width = copies / most * (_WIDTH - _MARGIN) if most else 0
            if width:
                bars.append({"class": how, "x": f"{x:.1f}", "y": place * _DAY, "width": f"{width:.1f}"})
            x += width
    names = [{"text": day.date, "y": (place + 1) * _DAY - 8} for place, day in enumerate(days)]
    return {"bars": bars, "names": names, "width": _WIDTH, "height": len(days) * _DAY, "day": _DAY - 4}
