# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail to people outside is protected, and where two organizations differ, as rows of results and as lines of a
terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..._exchange.text import listed
from ..._exchange.unprotected import BY_RULES
from ..analyses.contrast import Contrast
from ..analyses.overview import Cell, CellVerdict
from ..analyses.overview_kinds import MailKind
from ..model import questions
from .policy import PolicyRow, policy_contrast
from .reasons import SURELY_MB, OpenReason, ids_words, open_reasons, worded
from .row import ResultRow, Row, as_list, one_of, row_of, rows_of

#: Kind of mail to how it is called.
KINDS_OF_MAIL: Mapping[MailKind, str] = {
    MailKind.FROM_INSIDE: "Mail from inside",
    MailKind.AUTOMATIC_REPLY: "Automatic replies",
    MailKind.FORWARDED: "Forwarded mail",
    MailKind.WITH_ATTACHMENT: "Mail with an attachment",
    MailKind.OVER_25_MB: f"Mail over {SURELY_MB} MB",
}

#: How a cell is said by itself, and one verdict of all destinations.
CELL_WORDS: Mapping[CellVerdict, str] = {
    CellVerdict.ALWAYS: f"always protected {BY_RULES}",
    CellVerdict.NEVER: f"never protected {BY_RULES}",
    CellVerdict.DEPENDS: "some protected, some not: that depends on rules",
    CellVerdict.UNKNOWN: "unknown",
}

#: How a cell is said of several destinations.
_VERDICT_WORDS: Mapping[CellVerdict, str] = {
    CellVerdict.ALWAYS: f"always protected {BY_RULES} to",
    CellVerdict.NEVER: f"never protected {BY_RULES} to",
    CellVerdict.DEPENDS: "some protected, some not, to",
    CellVerdict.UNKNOWN: "unknown to",
}


@dataclass(frozen=True)
class CellRow(ResultRow):
    """What is true of the mail of a kind to a destination.

    :param on: the rules on which it depends.
    :param witness: a message, its recipient and its outcome; ``None`` if none is shown.
    :param besides_dlp: the DLP rules that may treat some of the mail otherwise.
    :param unknown: why it is unknown.
    """

    kind_of_mail: MailKind = field(metadata=one_of(MailKind))
    destination: str
    protected: CellVerdict = field(metadata=one_of(CellVerdict))
    on: tuple[str, ...] = field(default=(), metadata=as_list())
    witness: Row | None = None
    besides_dlp: tuple[str, ...] = field(default=(), metadata=as_list())
    unknown: tuple[OpenReason, ...] = field(default=(), metadata=rows_of(OpenReason))


def overview_rows(cells: Iterable[Cell]) -> list[CellRow]:
    """The cells in words."""
    return list(map(_row, cells))


def _row(cell: Cell) -> CellRow:
    return CellRow(
        kind_of_mail=cell.kind,
        destination=cell.destination,
        protected=cell.protected,
        on=cell.on,
        witness=worded(cell.witness) if cell.witness else None,
        besides_dlp=cell.besides_dlp,
        unknown=open_reasons(cell.unknown),
    )


def _besides(rows: Iterable[CellRow]) -> str:
    """The DLP rules that may treat some mail of rows otherwise, as the subject of a sentence; empty if there are none."""
    names = list(dict.fromkeys(repr(name) for row in rows for name in row.besides_dlp))
    return f"the DLP rule{'s' if len(names) > 1 else ''} {listed(names, joint='and')}" if names else ""


def besides_words(row: CellRow) -> str:
    """The DLP rules that may treat some mail of a row otherwise: ``but for the DLP rule 'Cards' (U33)``; empty if there are
    none.
    """
    rules = _besides([row])
    return f"but for {rules} ({questions.DLP_RULES})" if rules else ""


def cell_words(row: CellRow) -> str:
    """How a row is said by itself."""
    return ", ".join(filter(None, [CELL_WORDS[row.protected], besides_words(row)]))


def undocumented(rows: Sequence[CellRow]) -> dict[MailKind, str]:
    """The kinds of mail of which one open question leaves unknown whether they are protected, each with the number of
    the question. To some destinations, they may always be protected.
    """
    by_number: dict[MailKind, str] = {}
    for kind in KINDS_OF_MAIL:
        cells = [row for row in rows if row.kind_of_mail is kind]
        numbers = {reason.id for row in cells for reason in row.unknown}
        if len(numbers) != 1 or not {row.protected for row in cells} <= {CellVerdict.ALWAYS, CellVerdict.UNKNOWN}:
            continue
        (number,) = numbers
        if number in questions.BY_ID and number != questions.A_FACT:
            by_number[kind] = number
    return by_number


def undocumented_line(rows: Sequence[CellRow]) -> str:
    """The kinds of mail that one open question leaves unknown, how much is known of it, and the test messages that tell,
    as a line; empty if there are none.
    """
    return _unknown_line(rows, undocumented(rows))


def _unknown_line(rows: Sequence[CellRow], by_number: Mapping[MailKind, str]) -> str:
    if not by_number:
        return ""
    mail = []
    for kind, number in by_number.items():
        name = KINDS_OF_MAIL[kind]
        cells = [row for row in rows if row.kind_of_mail is kind]
        destinations = [row.destination for row in cells if row.protected is CellVerdict.UNKNOWN]
        where = f" to {listed(destinations, joint='and')}" if len(destinations) < len(cells) else ""
        known = f"{number}, {questions.BY_ID[number].grade}"
        mail.append(f"{name[0].lower()}{name[1:]}{where} ({known})")
    tests = [questions.BY_ID[number].settled_by.rstrip(".") for number in dict.fromkeys(by_number.values())]
    tells = "; ".join(f"{text[0].lower()}{text[1:]}" for text in tests)
    return f"Unknown: {listed(mail, joint='and', most=len(mail))}. What would tell: {tells}."


def reach_lines(rows: Sequence[CellRow]) -> Iterator[str]:
    """A line for all kinds of mail that are protected alike, one before them, one about the DLP rules that may treat mail
    otherwise, and one about all mail that one open question leaves unknown.
    """
    if rows:
        yield "Which mail to people outside rules or forced TLS protect (what is not delivered counts as protected):"
    undocumented_kinds = undocumented(rows)
    kinds_by_line: dict[str, list[str]] = {}
    for kind, name in KINDS_OF_MAIL.items():
        line = _reach_of(kind, rows, is_undocumented=kind in undocumented_kinds)
        if line:
            kinds_by_line.setdefault(line, []).append(name)
    for line, names in kinds_by_line.items():
        first, *others = names
        mail = [first, *(f"{name[0].lower()}{name[1:]}" for name in others)]
        yield f"  {listed(mail, joint='and', most=len(mail))}: {line}."
    dlp = _besides(rows)
    if dlp:
        yield f"  But for DLP: {dlp} may treat some of this mail otherwise, and it is open which ({questions.DLP_RULES})."
    if undocumented_kinds:
        yield f"  {_unknown_line(rows, undocumented_kinds)}"


def _reach_of(kind: MailKind, rows: Sequence[CellRow], *, is_undocumented: bool) -> str:
    """Which mail of a kind is protected, without its name; empty if there is nothing to say.

    :param is_undocumented: whether what is unknown of it has a line of its own.
    """
    cells = [row for row in rows if row.kind_of_mail is kind]
    domains_by_verdict = {
        verdict: [cell.destination for cell in cells if cell.protected is verdict] for verdict in _VERDICT_WORDS
    }
    given_domains = {verdict: destinations for verdict, destinations in domains_by_verdict.items() if destinations}
    besides = {cell.protected for cell in cells if cell.besides_dlp}
    parts = [
        (
            f"{_VERDICT_WORDS[verdict]} {listed(destinations, joint='and')}"
            if len(given_domains) > 1
            else CELL_WORDS[verdict]
        )
        + (" (but for DLP)" if verdict in besides else "")
        for verdict, destinations in given_domains.items()
        if not is_undocumented or verdict is not CellVerdict.UNKNOWN
    ]
    if domains_by_verdict[CellVerdict.UNKNOWN] and not is_undocumented:
        ids = sorted({reason.id for cell in cells for reason in cell.unknown})
        parts[-1] += f" ({ids_words(ids)})" if ids else ""
    return "; ".join(parts)


#: What a difference means whose two rule sets are of two organizations.
ANOTHER_ORGANIZATION = "compare_with is of another organization: a difference says what its rules would do in this one."


#: A fact about settings that differ to what is not compared of them.
_NOT_COMPARED = {
    "outbound_connectors": (
        "The outbound connectors differ. Whether TLS is forced is compared, but not what it checks or to which server."
    ),
    "irm_configuration": (
        "The IRM configurations differ. Whether mail is protected is compared, but not how it is opened."
    ),
    "remote_domains": "The remote domains differ. Their people are compared only where rules or connectors name them.",
}


@dataclass(frozen=True, kw_only=True)
class ContrastCellRow(ResultRow):
    """Mail of a kind to a destination that two organizations protect differently.

    :param text: it as a sentence.
    """

    kind_of_mail: MailKind = field(metadata=one_of(MailKind))
    destination: str
    text: str
    before: CellRow = field(metadata=row_of(CellRow))
    after: CellRow = field(metadata=row_of(CellRow))


@dataclass(frozen=True, kw_only=True)
class ContrastRow(ResultRow):
    """Where two organizations differ, each with its own facts.

    :param only_before: what the rules of one of them do, and :param:`only_after`: what those of the other do.
    :param unknown: what is unknown of both, and :param:`not_compared`: what differs and is not compared, as sentences.
    """

    overview: tuple[ContrastCellRow, ...] = field(metadata=rows_of(ContrastCellRow))
    only_before: tuple[PolicyRow, ...] = field(metadata=rows_of(PolicyRow))
    only_after: tuple[PolicyRow, ...] = field(metadata=rows_of(PolicyRow))
    unknown: tuple[str, ...] = field(metadata=as_list())
    not_compared: tuple[str, ...] = field(metadata=as_list())


def contrast_row(contrast: Contrast) -> ContrastRow:
    """A comparison of two organizations in words."""
    cells = (f"{KINDS_OF_MAIL[cell.kind]} to {cell.destination}." for cell in contrast.unknown)
    only_before, only_after, unknown = policy_contrast(*contrast.does)
    return ContrastRow(
        overview=tuple(_contrast_cell_row(*overview_rows(pair)) for pair in contrast.cells),
        only_before=tuple(only_before),
        only_after=tuple(only_after),
        unknown=(*cells, *unknown),
        not_compared=tuple(_NOT_COMPARED[name] for name in contrast.settings),
    )


def _contrast_cell_row(before: CellRow, after: CellRow) -> ContrastCellRow:
    mail = f"{KINDS_OF_MAIL[before.kind_of_mail]} to {before.destination}"
    return ContrastCellRow(
        kind_of_mail=before.kind_of_mail,
        destination=before.destination,
        text=f"{mail}: before, {cell_words(before)}; after, {cell_words(after)}.",
        before=before,
        after=after,
    )


def contrast_lines(row: ContrastRow) -> Iterator[str]:
    """The comparison as lines for a terminal."""
    if row.overview or row.only_before or row.only_after:
        yield "Where the two organizations differ, each with its own facts:"
    elif row.not_compared:
        yield "Nothing that is compared of the two organizations differs, but their settings do:"
    else:
        yield "The two organizations treat mail alike, as far as this compares."
    yield from (f"  {cell.text}" for cell in row.overview)
    yield from (f"  Only before: {sentence.text}" for sentence in row.only_before)
    yield from (f"  Only after: {sentence.text}" for sentence in row.only_after)
    yield from (f"  Unknown of both: {text}" for text in row.unknown)
    yield from (f"  Not compared: {text}" for text in row.not_compared)
