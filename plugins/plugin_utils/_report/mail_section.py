# SPDX-License-Identifier: GPL-3.0-or-later
"""The effects on mail, for a run's report: sentences, each with its message as a small card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...module_utils._exchange.text import listed
from ...module_utils._mail_flow.analyses.overview import CellVerdict
from ...module_utils._mail_flow.analyses.overview_kinds import MailKind
from ...module_utils._mail_flow.model.questions import numbers_told
from ...module_utils._mail_flow.wording.copy_row import CopyRow
from ...module_utils._mail_flow.wording.encrypters import KINDS_OF_ENCRYPTER
from ...module_utils._mail_flow.wording.observed import observed_lines
from ...module_utils._mail_flow.wording.overview import (
    KINDS_OF_MAIL,
    CellRow,
    besides_words,
    undocumented,
    undocumented_line,
)
from ...module_utils._mail_flow.wording.plans import foreign_line
from ...module_utils._mail_flow.wording.reasons import ids_words
from ...module_utils._mail_flow.wording.result_rows import CounterexampleRow
from ...module_utils._mail_flow.wording.suggestions import replay_sentence
from ...module_utils._mail_flow.wording.summary import (
    causes,
    copy_words,
    lacking,
    message_lines,
    page_rows,
    reasons_words,
)
from ...module_utils._mail_flow.wording.unseen import unseen_line, unseen_lines
from .labels import MAIL, REACH, VERDICT, Record, Word, mail_of, name_of, overview_of, rank, word_for
from .replay_section import change_of

#: Classes of mail that a page shows; all of them are in the other files.
MOST_CLASSES = 12

#: Destinations that a page shows, those with the least protection first; all of them are in the other files.
MOST_DESTINATIONS = 40


def difference_of(organization: Record) -> list[Record]:
    """The classes of mail that are treated differently, most important first, as a page has them: ``classes`` is how many
    a record sums up.
    """
    rows = sorted(mail_of(organization).difference or (), key=lambda row: rank(MAIL, row.kind))
    return [
        {
            "kind": str(row.kind),
            "text": row.text,
            "card": _card(row.witness),
            "ends": [
                end
                for name, outcome in (("Before", row.before), ("After", row.after))
                if outcome
                for end in _ends(name, outcome)
            ],
            "open": _capital(reasons_words(row.unknown or ())),
            "counted": change_of(organization, row),
            "contradicted": list(row.contradicted),
            "classes": classes,
        }
        for row, classes in page_rows(rows)
    ]


def _ends(name: str, outcome: CopyRow) -> Iterator[tuple[str, str]]:
    """What becomes of a copy, and how it leaves."""
    words = copy_words(outcome)
    yield name, _capital(words["outcome"])
    if "transit" in words:
        yield "How it leaves", _capital(words["transit"])


def _counterexample_ends(counterexample: CounterexampleRow) -> Iterator[tuple[str, str]]:
    """What becomes of a counterexample, what it lacks, and why."""
    (name, text), *leaves = _ends("Outcome", counterexample.outcome)
    yield name, f"{text}{lacking(counterexample)}"
    yield from leaves
    if why := causes(counterexample):
        yield "Why", "; ".join(why)


def not_listed(organization: Record) -> int:
    """How many classes of mail the report does not list."""
    return mail_of(organization).difference_more


def guarantees_of(organization: Record) -> list[Record]:
    """The guarantees about mail, worst first."""
    return [
        {
            "name": row.name,
            "claim": _capital(row.claim),
            "verdict": str(row.verdict),
            "before": str(row.before or ""),
            "card": _card(row.counterexample.as_row() if row.counterexample else None),
            "ends": list(_counterexample_ends(row.counterexample)) if row.counterexample else [],
            "open": _capital(reasons_words(row.unknown)),
            "settled_by": [reason.settled_by for reason in row.unknown if reason.settled_by],
            "contradicted": list(row.contradicted),
            "assumptions": [assumption.text for assumption in row.assumptions],
            "unseen": unseen_line(row.unseen),
        }
        for row in sorted(mail_of(organization).guarantees, key=lambda row: rank(VERDICT, row.verdict))
    ]


def suggestions_of(organization: Record, *, detailed: bool) -> list[Record]:
    """The edits of rules that would put guarantees and expectations right, as they were sorted.

    :param detailed: whether to tell how many copies of each organization they would have changed: then no two
        organizations share one.
    """
    rows = mail_of(organization).suggestions
    return [
        {
            "for": row.about,
            "text": row.text,
            "diff": row.diff or "",
            "mail": [
                *(change.text for change, _classes in page_rows(row.difference or ())),
                *filter(None, [replay_sentence(row.replay) if detailed else ""]),
            ],
        }
        for row in rows
    ]


def encrypters_of(organization: Record) -> list[tuple[str, str, str, str]]:
    """Who encrypts what: kind, name, what that covers, and on what it rests."""
    rows = mail_of(organization).encrypters
    return [(KINDS_OF_ENCRYPTER[row.kind], row.name, row.covers, row.rests_on) for row in rows]


def unseen_of(organization: Record) -> list[str]:
    """What the verdicts about an organization's mail do not see, in lines."""
    lines = mail_of(organization).unseen_lines
    if overview := overview_of(organization):
        lines += unseen_lines(overview.unseen, overview.not_read, overview.untested)
    return list(dict.fromkeys(lines))


def unseen_of_all(organizations: Sequence[Record]) -> list[str]:
    """The same of several organizations, each line once. One that is not of all of them names those that it is of."""
    names_by_line: dict[str, list[str]] = {}
    lines_by_organization = [(name_of(organization), unseen_of(organization)) for organization in organizations]
    judged = [(name, lines) for name, lines in lines_by_organization if lines]
    for name, lines in judged:
        for line in lines:
            names_by_line.setdefault(line, []).append(name)
    return [
        line if len(names) == len(judged) else f"{listed(names, joint='and')}: {line}"
        for line, names in names_by_line.items()
    ]


def observed_of(organization: Record) -> list[str]:
    """What was observed in an organization and counts for its verdicts, and what does not count, in lines."""
    return observed_lines(mail_of(organization).observed)


@dataclass(frozen=True)
class ReachTable:
    """Which mail to people outside is protected, as a table.

    :param kinds: the columns.
    :param rows: a destination, and for each kind a word and the rules or questions on which that depends.
    :param left_out: how many destinations are not shown.
    :param undocumented: a line about the kinds of which it is unknown everywhere for one reason.
    :param questions: a line for each open question whose number the table or that line has.
    """

    kinds: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[Word, str] | None]]]
    left_out: int
    undocumented: str
    questions: Sequence[str]


def reach_of(reach: Iterable[CellRow]) -> ReachTable | None:
    """The table of an organization's reach; ``None`` where it is not known."""
    cells = list(reach)
    if not cells:
        return None
    by_destination: dict[str, dict[MailKind, tuple[Word, str]]] = {}
    for cell in cells:
        word = word_for(REACH, cell.protected)
        by_destination.setdefault(cell.destination, {})[cell.kind_of_mail] = (word, _depends_on(cell))
    known = {cell.kind_of_mail for cell in cells if cell.protected is not CellVerdict.UNKNOWN}
    without_column = undocumented(cells).keys() - known
    seen = {cell.kind_of_mail for cell in cells}
    kinds = [kind for kind in KINDS_OF_MAIL if kind in seen and kind not in without_column]
    destinations = sorted(by_destination, key=lambda name: _least_protected(by_destination[name].values()))
    rows = [
        # Where nobody else is named, it is not "everybody else".
        (name if len(destinations) > 1 else "everybody outside", [by_destination[name].get(kind) for kind in kinds])
        for name in destinations[:MOST_DESTINATIONS]
    ]
    line = undocumented_line(cells)
    shown = [cell[1] for _name, row in rows for cell in row if cell]
    return ReachTable(
        kinds=[KINDS_OF_MAIL[kind] for kind in kinds],
        rows=rows,
        left_out=len(destinations) - len(rows),
        undocumented=line,
        questions=numbers_told([*shown, line]),
    )


def _depends_on(cell: CellRow) -> str:
    """The rules on which a cell depends, or else the questions that are open of it; and the DLP rules that may treat some of
    its mail otherwise.
    """
    rules = ", ".join(cell.on)
    open_questions = ids_words(dict.fromkeys(reason.id for reason in cell.unknown))
    return ", ".join(filter(None, [rules or open_questions, besides_words(cell)]))


def _least_protected(cells: Iterable[tuple[Word, str]]) -> list[int]:
    """The key that sorts destinations: those with the least protection first."""
    words = list(REACH.values())
    return sorted(words.index(word) if word in words else 0 for word, _on in cells)


def lint_of(organization: Record) -> list[Record]:
    """Remarks about the rules."""
    return [row.as_row() for row in mail_of(organization).lint]


def foreign_of(organization: Record) -> list[Record]:
    """The foreign rules that need a look."""
    rows = mail_of(organization).foreign
    return [{**row.as_row(), "text": foreign_line(row)} for row in rows if row.needs_a_look]


def harmless(organization: Record) -> int:
    """The number of other foreign rules."""
    return len(mail_of(organization).foreign) - len(foreign_of(organization))


def _card(shown: Record | None) -> list[tuple[str, str]]:
    """A message as lines of a card, ``From``, ``To``, and its other properties; none if no message is shown.

    :param shown: ``message`` and ``recipient``.
    """
    return list(message_lines(shown["message"], shown["recipient"])) if shown else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
