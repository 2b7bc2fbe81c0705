# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail of the last days, for a report: sentences, a picture of the days, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...module_utils._baseline.documents.report import OrganizationReport
from ...module_utils._mail_flow.trace.replay import COVERAGE
from ...module_utils._mail_flow.wording.replay import (
    change_sentence,
    left_out_words,
    number_of,
    replay_lines,
    settled_line,
)
from ...module_utils._mail_flow.wording.replay_row import DayRow, NoResultRow, ReplayResultRow, ReplayRow
from ...module_utils._mail_flow.wording.result_rows import DifferenceRow

#: How copies count, in words, in the order of :data:`COVERAGE`: by the organization's rules, and by proposed ones.
TITLES, PROPOSED_TITLES = (
    dict(zip(COVERAGE, (protected, "Not by rules", "Cannot be told", "Not delivered"), strict=True))
    for protected in ("Protected by rules", "Would be protected by rules")
)

#: The picture: its width, where the bars begin, and the height of a day, in units of the drawing.
_WIDTH, _MARGIN, _DAY = 400, 72, 18


@dataclass(frozen=True)
class Bar:
    """A rectangle of the picture.

    :param how: how its copies count.
    """

    how: str
    x: str
    y: int
    width: str


@dataclass(frozen=True)
class Picture:
    """The days as bars, one below the other.

    :param names: of the days, with the height at which they stand.
    :param day: the height of a bar.
    """

    bars: Sequence[Bar]
    names: Sequence[tuple[str, int]]
    width: int
    height: int
    day: int


@dataclass(frozen=True)
class ReplaySection:
    """The results of a replay for a page.

    :param titles: how copies count, to the heading of the column.
    :param days: the days and :param:`domains` the domains of recipients, with the numbers of their columns.
    """

    lines: Sequence[str]
    left_out: Sequence[str]
    premises: Sequence[str]
    settled_by: Sequence[str]
    titles: Mapping[str, str]
    days: Sequence[tuple[str, Sequence[int]]]
    domains: Sequence[tuple[str, Sequence[int]]]
    picture: Picture


def replay_of(organization: OrganizationReport) -> ReplaySection | NoResultRow | None:
    """The results of a replay for the page; ``None`` if there is none."""
    replay = organization.mail.replay
    return replay_section(replay) if replay else None


def replay_section(replay: ReplayResultRow) -> ReplaySection | NoResultRow:
    """The results of a replay for a page, or why there is none."""
    if isinstance(replay, NoResultRow):
        return replay
    return ReplaySection(
        lines=replay_lines(replay),
        left_out=left_out_words(replay.counts.left_out),
        premises=[premise.text for premise in replay.assumes if premise.text],
        settled_by=[settled_line(row) for row in replay.undecided],
        titles=PROPOSED_TITLES if replay.proposed else TITLES,
        days=[(row.date, list(row.by_coverage.values())) for row in replay.days],
        domains=[(row.name, list(row.by_coverage.values())) for row in replay.domains],
        picture=picture_of(replay.days),
    )


def change_of(organization: OrganizationReport, difference: DifferenceRow) -> str:
    """How much of the last days' mail a difference affects, as a sentence; empty if that is not known: of what is open, and
    where several differences have the same kind and rules, copies are not told apart.
    """
    mail = organization.mail
    alike = [row for row in mail.difference or () if (row.kind, row.rules) == (difference.kind, difference.rules)]
    if difference.is_open or len(alike) > 1 or not isinstance(mail.replay, ReplayRow):
        return ""
    for row in mail.replay.difference or ():
        if (row.kind, row.rules) == (difference.kind, difference.rules):
            return f"In the replayed mail, {change_sentence(row)}"
    return ""


def headline_of(organization: OrganizationReport) -> str:
    """One line for the first screen; empty if there is no replay."""
    replay = organization.mail.replay
    if not isinstance(replay, ReplayRow):
        return ""
    copies, changed = replay.counts.copies, replay.counts.changed
    if not copies:
        return "No real mail was replayed"
    perhaps = f", {changed.possible:,} more perhaps" if changed and changed.possible else ""
    change = f": {changed.certain:,} would be treated differently{perhaps}" if changed else ""
    return f"{number_of(copies, 'copy', 'copies')} of real mail {'was' if copies == 1 else 'were'} replayed{change}"


def picture_of(days: Sequence[DayRow]) -> Picture:
    """The days as bars."""
    most = max((sum(day.by_coverage.values()) for day in days), default=0)
    bars = []
    for place, day in enumerate(days):
        x = float(_MARGIN)
        for how, copies in day.by_coverage.items():
            width = copies / most * (_WIDTH - _MARGIN) if most else 0
            if width:
                bars.append(Bar(how, f"{x:.1f}", place * _DAY, f"{width:.1f}"))
            x += width
    names = [(day.date, (place + 1) * _DAY - 8) for place, day in enumerate(days)]
    return Picture(bars, names, _WIDTH, len(days) * _DAY, _DAY - 4)
