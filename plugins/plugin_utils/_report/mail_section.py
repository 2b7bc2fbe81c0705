# SPDX-License-Identifier: GPL-3.0-or-later
"""The effects on mail, for a run's report: sentences, each with its message as a small card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._baseline.documents.report import OrganizationReport
from ...module_utils._exchange.text import listed
from ...module_utils._mail_flow.analyses.aspects import DifferenceKind
from ...module_utils._mail_flow.analyses.judgment import GuaranteeVerdict
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
from ...module_utils._mail_flow.wording.plans import ForeignRow
from ...module_utils._mail_flow.wording.reasons import ids_words
from ...module_utils._mail_flow.wording.result_rows import CounterexampleRow, GuaranteeRow
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
from .labels import MAIL, REACH, VERDICT, Word, rank, word_for
from .replay_section import change_of

#: Classes of mail that a page shows; all of them are in the other files.
MOST_CLASSES = 12

#: Destinations that a page shows, those with the least protection first; all of them are in the other files.
MOST_DESTINATIONS = 40


#: Lines of a card: a label and a content each.
Lines = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class MailCard:
    """A class of mail that is treated differently, as a page has it.

    :param card: its message.
    :param ends: what becomes of it, before and after.
    :param open: why that is not known.
    :param counted: how much of the last days' mail is in it.
    :param classes: how many classes it sums up.
    """

    kind: DifferenceKind
    text: str
    card: Lines
    ends: Lines
    open: str
    counted: str
    contradicted: tuple[str, ...]
    classes: int


def difference_of(organization: OrganizationReport) -> list[MailCard]:
    """The classes of mail that are treated differently, most important first."""
    rows = sorted(organization.mail.difference or (), key=lambda row: rank(MAIL, row.kind))
    return [
        MailCard(
            kind=row.kind,
            text=row.text,
            card=_card(row.witness["message"], row.witness["recipient"]) if row.witness else (),
            ends=[
                end
                for name, outcome in (("Before", row.before), ("After", row.after))
                if outcome
                for end in _ends(name, outcome)
            ],
            open=_capital(reasons_words(row.unknown or ())),
            counted=change_of(organization, row),
            contradicted=row.contradicted,
            classes=classes,
        )
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


@dataclass(frozen=True)
class GuaranteeCard:
    """A guarantee, as a page has it.

    :param before: the verdict before the plan, where that is another one.
    :param card: the message that refutes it.
    :param ends: what becomes of that, and why.
    :param open: why it is neither proved nor refuted.
    """

    name: str
    claim: str
    verdict: GuaranteeVerdict
    before: GuaranteeVerdict | None
    card: Lines
    ends: Lines
    open: str
    settled_by: tuple[str, ...]
    contradicted: tuple[str, ...]
    assumptions: tuple[str, ...]
    unseen: str


def guarantees_of(organization: OrganizationReport) -> list[GuaranteeCard]:
    """The guarantees about mail, worst first."""
    rows = sorted(organization.mail.guarantees, key=lambda row: rank(VERDICT, row.verdict))
    return list(map(_guarantee_card, rows))


def _guarantee_card(row: GuaranteeRow) -> GuaranteeCard:
    shown = row.counterexample
    return GuaranteeCard(
        name=row.name,
        claim=_capital(row.claim),
        verdict=row.verdict,
        before=row.before,
        card=_card(shown.message, shown.recipient) if shown else (),
        ends=list(_counterexample_ends(shown)) if shown else (),
        open=_capital(reasons_words(row.unknown)),
        settled_by=tuple(reason.settled_by for reason in row.unknown if reason.settled_by),
        contradicted=row.contradicted,
        assumptions=tuple(assumption.text for assumption in row.assumptions),
        unseen=unseen_line(row.unseen),
    )


@dataclass(frozen=True)
class SuggestionCard:
    """Edits of rules that would put guarantees and expectations right, as a page has them.

    :param about: what they put right.
    :param diff: the edits of the variables; empty if there are none.
    :param mail: what they do to mail, as sentences.
    """

    about: str
    text: str
    diff: str
    mail: tuple[str, ...]


def suggestions_of(organization: OrganizationReport, *, detailed: bool) -> list[SuggestionCard]:
    """The edits of rules that would put guarantees and expectations right, as they were sorted.

    :param detailed: whether to tell how many copies of each organization they would have changed: then no two
        organizations share one.
    """
    return [
        SuggestionCard(
            about=row.about,
            text=row.text,
            diff=row.diff or "",
            mail=(
                *(change.text for change, _classes in page_rows(row.difference or ())),
                *filter(None, [replay_sentence(row.replay) if detailed else ""]),
            ),
        )
        for row in organization.mail.suggestions
    ]


def encrypters_of(organization: OrganizationReport) -> list[tuple[str, str, str, str]]:
    """Who encrypts what: kind, name, what that covers, and on what it rests."""
    rows = organization.mail.encrypters
    return [(KINDS_OF_ENCRYPTER[row.kind], row.name, row.covers, row.rests_on) for row in rows]


def unseen_of(organization: OrganizationReport) -> list[str]:
    """What the verdicts about an organization's mail do not see, in lines."""
    lines = organization.mail.unseen_lines
    if overview := organization.overview:
        lines += unseen_lines(overview.unseen, overview.not_read, overview.untested)
    return list(dict.fromkeys(lines))


def unseen_of_all(organizations: Sequence[OrganizationReport]) -> list[str]:
    """What the verdicts about the mail of several organizations do not see, each line once. One that is not of all of them names those that it is of."""
    names_by_line: dict[str, list[str]] = {}
    lines_by_organization = [(organization.shown_name, unseen_of(organization)) for organization in organizations]
    judged = [(name, lines) for name, lines in lines_by_organization if lines]
    for name, lines in judged:
        for line in lines:
            names_by_line.setdefault(line, []).append(name)
    return [
        line if len(names) == len(judged) else f"{listed(names, joint='and')}: {line}"
        for line, names in names_by_line.items()
    ]


def observed_of(organization: OrganizationReport) -> list[str]:
    """What was observed in an organization and counts for its verdicts, and what does not count, in lines."""
    return observed_lines(organization.mail.observed)


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


def foreign_of(organization: OrganizationReport) -> list[ForeignRow]:
    """The foreign rules that need a look."""
    return [row for row in organization.mail.foreign if row.needs_a_look]


def _card(message: Mapping[str, Any], recipient: str) -> Lines:
    """A message as lines of a card: ``From``, ``To``, and its other properties."""
    return list(message_lines(message, recipient))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
