# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays of real mail, as the module's result and as sentences."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._exchange.text import listed, quoted
from ..analyses.aspects import DifferenceKind
from ..evidence.encryption import Explained
from ..evidence.reports import EncryptionReport
from ..model import questions
from ..model.outcomes import Fate
from ..model.reason_kinds import UntracedKind
from ..simulator.protection import MANY
from ..trace.reading import Window
from ..trace.replay import (
    COVERAGE,
    NOT_BY_RULES,
    NOT_DELIVERED,
    OF_DELIVERY,
    OF_MAILBOXES,
    OF_SIZES,
    PROTECTED,
    Tallies,
    Tally,
)
from ..trace.rows import EXPORT_COMMAND
from ..trace.truth_sets import DLP_AND_LABELS, FROM_IP, UNTRACED_KINDS
from .contradicted import certainty
from .encrypters import OtherEncryptionRow, other_encryption_row
from .replay_row import (
    ChangedDomainRow,
    ChangedTotalRow,
    CountsRow,
    DayRow,
    DomainRow,
    GuaranteeCountRow,
    OutcomeRow,
    PlainCountRow,
    PlainRow,
    PremiseRow,
    ReplayDifferenceRow,
    ReplayRow,
    UndecidedRow,
    WindowRow,
)
from .row import Row
from .sentences import BECOME, BECOMES, WOULD_BECOME
from .unseen import unseen_lines

#: Reason why something about a copy is open, to what is not known, in words.
NOT_KNOWN: Mapping[UntracedKind, str] = {
    "body": "the text",
    "attachment": "the attachments",
    "header": "the headers",
    "to_or_cc": "who is in To and Cc",
    "scl": "the spam confidence level",
    "type": "the type, or how it arrives protected",
    "classification": "the classification",
    "importance": "the importance",
    "label": "the sensitivity label",
    "envelope": "whether the sender signed in, the envelope's sender, or its last hop",
    "from_ip": "whether the sender signed in, or its last hop",
    "membership": "members of groups, managers or attributes",
    "address": "an SMTP address that the row does not have",
    "recipients": "other recipients, whose rows may be missing",
    "size": "the size",
    "subject_changed": "the subject before rules changed it",
    "subject_cut": "the end of a long subject",
    "kinds": "too many kinds of copies to follow all",
    "dlp": "what DLP rules and labels do",
    "semantics": "what Exchange does",
}

#: Reason why something about a copy is open, to what settles it.
SETTLED_BY: Mapping[UntracedKind, str] = {
    "body": "The text of the message: mail_flow_test with body.",
    "attachment": "The attachments of the message: mail_flow_test with attachments.",
    "header": "The headers of the message: mail_flow_test with headers.",
    "to_or_cc": "The To and Cc fields of the message: mail_flow_test with to and cc.",
    "scl": "The spam confidence level of the message: mail_flow_test with scl.",
    "type": "The type of the message, and how it arrives protected: mail_flow_test with type and protection.",
    "classification": "The classification of the message: mail_flow_test with classification.",
    "importance": "The importance of the message: mail_flow_test with importance.",
    "label": "The sensitivity label of the message: mail_flow_test with sensitivity_label.",
    "envelope": "The envelope of the message, whether its sender was authenticated, and its last hop: mail_flow_test with mail_from, "
    "authenticated and sender_ip.",
    "from_ip": "The column FromIP, which shows whether the sender signed in, and the last hop: a trace from Get-MessageTraceV2, or for a report that has "
    "the column directionality the option facts with inbound_connectors.",
    "membership": "The members of the groups, managers or attributes: the option facts.",
    "address": "The SMTP address of the sender or recipient, which the row does not have.",
    "recipients": "The other recipients of the message: all rows of its time, or mail_flow_test with to and cc.",
    "size": "The size of the message: a trace with the column Size, or mail_flow_test with size.",
    "subject_changed": "The subject before rules changed it: mail_flow_test with subject.",
    "subject_cut": "The whole subject, of which a trace has 256 characters: mail_flow_test with subject.",
    "kinds": "A replay of fewer days or rows: too many copies meet different rules to follow all of them.",
    "dlp": "What the message says, and its label: a test message, and the event DLP rule of its trace.",
    "semantics": "A test in Exchange: its documentation does not say what it does.",
}

#: What settles an answer that is open because of something else that is not known of the organization.
MISSING = "What is not known of the organization, such as its accepted domains: the option facts."

#: What every replay takes as given, since no row says it.
PREMISES = (
    PremiseRow(id="arrival", text="Messages arrive unencrypted: a trace does not show what their senders protected."),
    PremiseRow(
        id="ordinary",
        text="Messages are ordinary ones, which take a disclaimer and have, where enable_pdf_encryption is false, no PDF document "
        f"({questions.PDF}): a trace does not show forwarded mail, automatic replies, receipts and meeting items as such. Those "
        "that their rows show are undecided where that matters. The To and Cc fields of mail from inside name only people "
        "and groups that are among its recipients.",
    ),
    PremiseRow(id="attachments", text="An attachment is no larger than its message."),
    PremiseRow(id="recipients", text=f"Messages are to fewer than {MANY} recipients ({questions.MANY_RECIPIENTS})."),
)

#: What it takes as given of files that are said to be complete.
COMPLETE = PremiseRow(
    id="trace_complete",
    text="The files have the rows of all recipients of each message: trace_complete says so.",
)

#: What it takes as given where the rules that delivered copies passed tell something.
DELIVERED = PremiseRow(
    id=OF_DELIVERY,
    text="Delivered copies did not meet the rules that would have kept them back, where these and the rules before them have not "
    "changed since. That takes for granted that no rule was removed since, that groups and people were as they are now, and "
    "that a copy that was released from quarantine has a row that calls it quarantined.",
)

#: What it takes as given of rows without a size.
UNSIZED = PremiseRow(id=OF_SIZES, text="Messages whose size the trace does not have are not too large to be encrypted.")

#: What it takes as given where rules look at the sender's IP address.
MAILBOXES = PremiseRow(
    id=OF_MAILBOXES,
    text="No rule finds the sender's IP address of mail from a mailbox in a range. Its FromIP is 255.255.255.255, which by what was "
    "observed means that no server handed it to Exchange; how rules compare its address is not documented.",
)

#: What is taken as given of some copies only, in a few words.
_OF_SOME_COPIES = {
    OF_SIZES: "mail without a size is not too large",
    OF_DELIVERY: "delivered mail met no rule that keeps mail back",
    OF_MAILBOXES: "no rule finds an IP address of mail from mailboxes in a range",
}

#: Reason why copies are left out, in words.
LEFT_OUT = {
    "expanded": "of groups, whose members have rows of their own",
    "failed": "rejected or not deliverable",
    "quarantined": "quarantined, released since or not",
    "none": "rejected or redirected",
    "recalled": "recalled",
    "system": "non-delivery reports",
    "unknown_status": "with an unknown status",
    "no_address": "for a recipient without an address",
}

#: Reasons that are about the message itself: a test message can show it.
_OF_MESSAGES = frozenset(
    ("body", "attachment", "header", "to_or_cc", "scl", "type", "classification", "importance", "label")
)

#: Reasons of copies that were kept back: the rules may have done that, and their rows do not say so.
_KEPT_BACK = ("failed", "quarantined", "none")

#: What a row does not show of content, as part of a sentence: what a plain message lacks.
_IN_CONTENT: Mapping[UntracedKind, str] = {
    "body": "text",
    "attachment": "attachments",
    "header": "headers",
    "scl": "spam confidence level",
    "classification": "classification",
    "importance": "importance",
    "label": "sensitivity label",
}

#: So many rules are named in a line.
_NAMED = 3

#: Reason why a window is not complete.
_INCOMPLETE = {
    "limit": "There are more copies than max_copies.",
    "cut": "Reading stopped: {detail} The rest can be read with until.",
    "files": "A file does not say whether it holds all mail of its time.",
}

#: Why files without rows have no window.
_NO_ROWS = "The files have no rows, so they do not say of what time they are."


def window_reason(reason: str, detail: str) -> str:
    """Why a window is not complete."""
    return _INCOMPLETE[reason].format(detail=detail)


def replay_lines(replay: ReplayRow, most: int = 10, *, domains: bool = True) -> list[str]:
    """A replay as lines of a terminal: what was read, what happens to it, what a change changes, and guarantees.

    :param most: the maximum number of rules and of kinds of change that are named.
    :param domains: whether to name domains.
    """
    counts, window = replay.counts, replay.window
    incomplete = "" if window.complete else f" {window.reason}"
    if not counts.copies:
        return [f"No mail was traced.{incomplete}"]
    left_out = sum(counts.left_out.values())
    read = f"{_copies(counts.copies)} of {number_of(counts.messages, 'message')}, {window.begin[:16]} to {window.until[:16]} UTC"
    lines = [f"{read}{f'; {left_out:,} left out' if left_out else ''}.{incomplete}"]
    if counts.perhaps_twice:
        lines[0] += f" {twice_sentence(counts.perhaps_twice)}"
    lines += [f"{coverage_sentence(replay)}{undecided_sentence(replay)}"]
    lines += [
        *plain_lines(replay),
        *open_rules_lines(replay),
        *measured_lines(replay.encrypted_otherwise),
        *unseen_lines(replay.unseen),
    ]
    if replay.difference is not None:
        lines += change_lines(replay.difference, counts, most, domains=domains)
        lines += kept_back_lines(counts.left_out)
    guarantees = [f"{guarantee_sentence(row)}{certainty(row.contradicted)}" for row in replay.guarantees or ()]
    return [*lines, *guarantees, *premise_lines(replay), *incomplete_files_lines(replay), *hopless_lines(replay)]


def coverage_sentence(replay: ReplayRow) -> str:
    """How many copies are protected by rules, not by rules (those that DLP rules protect among them), or not delivered."""
    known = {how: sum(day.by_coverage[how] for day in replay.days) for how in (PROTECTED, NOT_BY_RULES, NOT_DELIVERED)}
    away = f", {known[NOT_DELIVERED]:,} not delivered" if known[NOT_DELIVERED] else ""
    by_dlp = sum(row.copies for row in replay.outcome if row.is_protected_by_dlp_alone)
    of_these = f" ({by_dlp:,} of them by DLP rules)" if by_dlp else ""
    protected = "Would be protected by rules" if replay.proposed else "Protected by rules"
    return f"{protected}: {known[PROTECTED]:,}; not by rules: {known[NOT_BY_RULES]:,}{of_these}{away}."


def undecided_sentence(replay: ReplayRow) -> str:
    """How many copies cannot be decided, and why, the most frequent reason first; empty if all can."""
    counts = _undecided_by_reason(replay)
    if not counts:
        return ""
    because = "; ".join(f"{NOT_KNOWN[reason]} {count:,}" for reason, count in counts.most_common())
    return f" Cannot be told from a trace: {counts.total():,} ({because})."


def plain_lines(replay: ReplayRow) -> list[str]:
    """What becomes of undecided copies if rules find nothing in what no row shows of their content."""
    rows = replay.plain
    if not rows:
        return []
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.coverage] += row.copies
    would = "would be protected" if replay.proposed else "are protected"
    how = {PROTECTED: f"{would} by rules", NOT_BY_RULES: "not", NOT_DELIVERED: "not delivered"}
    outcomes = [f"{counts[each]:,} {words}" for each, words in how.items() if counts[each]]
    kinds = [kind for kind in _IN_CONTENT if any(kind in row.because for row in rows)]
    content = listed([_IN_CONTENT[kind] for kind in kinds], joint="or", most=len(kinds))
    names = [quoted(name) for name in _rules_of(rows)]
    if any(DLP_AND_LABELS in row.because for row in rows):
        names.insert(0, "DLP rules and labels")
    rules = listed(names, joint="and", most=_NAMED)
    contradicted = [text for row in rows for text in row.contradicted]
    return [
        f"{counts.total():,} of these can be told if they are plain, with nothing in {content or 'them'} that {rules} "
        f"{'looks' if len(_rules_of(rows)) == len(names) == 1 else 'look'} for: {listed(outcomes, joint='and')}.{certainty(contradicted)}"
    ]


def _rules_of(rows: Iterable[PlainRow | ReplayDifferenceRow]) -> list[str]:
    """The names of the rules of some rows, each once."""
    return list(dict.fromkeys(name for row in rows for name in row.rules))


def open_rules_lines(replay: ReplayRow) -> list[str]:
    """The rules that leave most copies open because they look at what no row shows, and what would tell; none where that
    is known of plain copies.
    """
    if 2 * sum(row.copies for row in replay.plain) > sum(row.copies for row in replay.undecided):
        return []
    copies = sum(row.copies for row in replay.outcome) + sum(row.copies for row in replay.undecided)
    for row in replay.undecided:
        if row.reason in _OF_MESSAGES and 0 < len(row.rules) <= _NAMED and 2 * row.copies > copies:
            these = "this rule" if len(row.rules) == 1 else "these rules"
            rules = listed(list(map(quoted, row.rules)), joint="and")
            return [
                f"What becomes of {row.copies:,} of {_copies(copies)} depends on {rules}: no row shows "
                f"{NOT_KNOWN[row.reason]}. Replay without {these} to see what the others do; mail_flow_test tells of one message."
            ]
    return []


def hopless_lines(replay: ReplayRow) -> list[str]:
    """What to do about copies that are undecided because their rows do not say where they came from."""
    count = _undecided_by_reason(replay)[FROM_IP]
    if not count:
        return []
    return [
        f"Undecided: {count:,}, because FromIP is missing or empty in their rows: did a mailbox send them, or which server handed "
        f"them over? Export the trace with {EXPORT_COMMAND}"
    ]


def premise_lines(replay: ReplayRow) -> list[str]:
    """What is taken as given of some copies only, each with how many rest on it."""
    return [
        f"{_resting(premise.copies, replay.counts)} on this: {_OF_SOME_COPIES[premise.id]}."
        for premise in replay.assumes
        if premise.copies is not None
    ]


def incomplete_files_lines(replay: ReplayRow) -> list[str]:
    """What to do about copies that are undecided because files may lack rows of other recipients."""
    counts = _undecided_by_reason(replay)
    count = counts["to_or_cc"] + counts["recipients"]
    if not count or replay.window.reason != window_reason("files", ""):
        return []
    return [
        f"Undecided: {count:,}, because of To and Cc, or of other recipients. If the files have the rows of all recipients of each message, "
        "say so with trace_complete: true, and more may be known."
    ]


def settled_line(row: UndecidedRow) -> str:
    """What is not known of undecided copies, and what settles it."""
    unknown = NOT_KNOWN[row.reason]
    return f"{unknown[:1].upper()}{unknown[1:]} ({row.copies:,}): {row.settled_by}"


def _undecided_by_reason(replay: ReplayRow) -> Counter[UntracedKind]:
    counts: Counter[UntracedKind] = Counter()
    for row in replay.undecided:
        counts[row.reason] += row.copies
    return counts


def change_lines(
    rows: Sequence[ReplayDifferenceRow], counts: CountsRow, most: int, *, domains: bool = True
) -> list[str]:
    """What a change of the rules changes, as sentences: first what changes for certain, or of plain copies, each kind by
    itself, then what else may change.

    :param most: the maximum number of sentences of the first kind.
    """
    if not rows:
        return [same_sentence(counts)]
    told = [row for row in rows if not row.is_of_unplain_copies]
    others = [row for row in rows if row.is_of_unplain_copies]
    lines = [f"{change_sentence(row, domains=domains)}{certainty(row.contradicted)}" for row in told[:most]]
    if not others:
        return lines
    kinds = [f"{row.possible:,} may {_would_become(row.kind)}" for row in others]
    contradicted = [text for row in others for text in row.contradicted]
    begin = "Further copies, if they are not plain" if told else "No copy changes if it is plain. Of the others"
    return [*lines, f"{begin}: {'; '.join(kinds)}{_by_rules(_rules_of(others))}.{certainty(contradicted)}"]


def same_sentence(counts: CountsRow) -> str:
    """The sentence that no copy changes, of those that were compared."""
    compared = counts.copies - sum(counts.left_out.values())
    if not compared:
        return "No copy could be compared."
    none = "The one copy" if compared == 1 else f"None of the {compared:,} copies"
    return f"{none} that {'was' if compared == 1 else 'were'} compared is {'not ' if compared == 1 else ''}protected or delivered differently."


def change_sentence(row: ReplayDifferenceRow, *, domains: bool = True) -> str:
    """A kind of change: ``231 copies are now encrypted (fabrikam.com 180, …), 12 more perhaps: 'Partners'.``"""
    names = [f"{domain.name} {domain.copies:,}" for domain in row.domains] if domains else []
    of_domains = f" ({', '.join(names)}{', ...' if row.more_domains else ''})" if names else ""
    if row.certain:
        perhaps = f", {row.possible:,} more perhaps{_if_plain(row)}" if row.possible else ""
        head = f"{_copies(row.certain)} {_becomes(row.kind, row.certain)}{perhaps}"
    else:
        head = f"{_copies(row.possible)} may {_would_become(row.kind)}{_if_plain(row)}"
    return f"{head}{of_domains}{_by_rules(row.rules)}."


def _if_plain(row: ReplayDifferenceRow) -> str:
    """How many copies that perhaps change certainly do if they are plain; empty if nothing more is known of plain ones."""
    if row.plain is None:
        return ""
    certain, possible = row.plain.certain, row.plain.possible
    most = certain + possible
    if certain == row.possible:
        return " (all if they are plain)"
    if most == row.possible and not certain:
        return ""
    if not most:
        return " (none if they are plain)"
    if not certain:
        return f" (at most {most:,} if they are plain)"
    return f" ({certain:,} to {most:,} if they are plain)" if possible else f" ({certain:,} if they are plain)"


def _by_rules(names: Sequence[str]) -> str:
    """The rules that make a difference, the first ones by name; empty if there are none."""
    more = len(names) - _NAMED
    return f": {', '.join(map(repr, names[:_NAMED]))}{f' and {more} more' if more > 0 else ''}" if names else ""


#: Sorts of side effects, behind their word.
_SIDE_EFFECTS = " (reports, approvals, texts, spam levels, connectors)"


def _becomes(kind: DifferenceKind, copies: int) -> str:
    """What happens to copies."""
    words = (BECOMES if copies == 1 else BECOME)[kind]
    return f"{words}{_SIDE_EFFECTS}" if kind is DifferenceKind.SIDE_EFFECT_CHANGED else words


def _would_become(kind: DifferenceKind) -> str:
    """What may happen to copies."""
    return f"{WOULD_BECOME[kind]}{_SIDE_EFFECTS if kind is DifferenceKind.SIDE_EFFECT_CHANGED else ''}"


def kept_back_lines(left_out: Mapping[str, int]) -> list[str]:
    """The copies that are not compared because they were kept back: other rules may deliver them.

    :param left_out: the reasons why copies are left out, to how many.
    """
    kept_back = {reason: count for reason, count in left_out.items() if reason in _KEPT_BACK}
    if not kept_back:
        return []
    copies, were = _copies(sum(kept_back.values())), "was" if sum(kept_back.values()) == 1 else "were"
    why = "; ".join(left_out_words(kept_back))
    return [
        f"Not compared: {copies} that {were} kept back ({why}). Their rows do not say by what, so an edit of a rule that rejects, holds "
        "or redirects mail may deliver them: mail_flow_test compares all mail."
    ]


def measured_lines(otherwise: OtherEncryptionRow | None) -> list[str]:
    """How much something besides the rules encrypts, as a line; none if nobody asked."""
    return [otherwise.text] if otherwise else []


def guarantee_sentence(row: GuaranteeCountRow) -> str:
    """How a guarantee fares."""
    return f"{row.name!r}: {row.kept:,} copies keep it, {row.broken:,} break it, {row.undecided:,} cannot be told."


def twice_sentence(count: int) -> str:
    """How many copies may be counted twice."""
    return f"Up to {_copies(count)} may be counted twice: the files name messages differently, and no MessageId tells."


def left_out_words(counts: Mapping[str, int]) -> Sequence[str]:
    """The copies that are left out, by reason."""
    return [f"{count:,} {LEFT_OUT[reason]}" for reason, count in counts.items()]


def _copies(count: int) -> str:
    return number_of(count, "copy", "copies")


def number_of(count: int, one: str, several: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def replay_row(
    tallies: Tallies,
    window: Window | None,
    *,
    compared: bool,
    guaranteed: bool,
    domains: int,
    rules: Sequence[str],
    report: EncryptionReport | None = None,
    proposed: bool = False,
) -> ReplayRow:
    """A replay as results have it.

    :param domains: how many domains a row names.
    :param rules: the names of the rules, in their order.
    :param report: what Exchange counts as encrypted; ``None`` if nobody asked it.
    :param proposed: whether the rules are not those of the organization, but would be.
    """
    days = sorted({day for day, _how in tallies.days})
    explained = Explained(tallies.messages, tallies.encrypted, tallies.perhaps_encrypted)
    counts = _counts(tallies, compared=compared)
    return ReplayRow(
        window=window_row(window),
        counts=counts,
        outcome=tuple(sorted((_outcome(*key, tally, rules) for key, tally in tallies.outcomes.items()), key=_largest)),
        undecided=tuple(_undecided(tallies, rules)),
        plain=tuple(sorted((_plain(*key, tally, rules) for key, tally in tallies.plain.items()), key=_largest)),
        days=tuple(DayRow(date=day.isoformat(), **_coverage(tallies.days, day)) for day in days),
        domains=tuple(_covered(tallies.domains, domains)),
        assumes=(
            *PREMISES,
            *_premises_of_some(tallies, counts),
            *(PremiseRow(id=number) for number in sorted(tallies.assumed)),
        ),
        unseen=tallies.unseen,
        proposed=proposed,
        encrypted_otherwise=other_encryption_row(report, window, explained, beside_plan=proposed)
        if report and window
        else None,
        difference=_difference(tallies, domains, rules) if compared else None,
        guarantees=tuple(_guaranteed(tallies)) if guaranteed else None,
    )


def _premises_of_some(tallies: Tallies, counts: CountsRow) -> Iterator[PremiseRow]:
    """What is taken as given of some copies only, with how many these are."""
    for premise in (UNSIZED, DELIVERED, MAILBOXES):
        copies = tallies.premises[premise.id]
        if copies:
            yield replace(premise, text=f"{premise.text} {_resting(copies, counts)} on it.", copies=copies)


def _resting(copies: int, counts: CountsRow) -> str:
    """How many of the replayed copies rest on something, as the beginning of a sentence."""
    replayed = counts.copies - sum(counts.left_out.values())
    return f"{copies:,} of {_copies(replayed)} {'rests' if copies == 1 else 'rest'}"


def _counts(tallies: Tallies, *, compared: bool) -> CountsRow:
    """How much was read, and of it how much is treated differently."""
    changed = tallies.changed
    return CountsRow(
        copies=tallies.copies,
        messages=tallies.messages,
        recipients=tallies.recipients,
        perhaps_twice=tallies.perhaps_twice,
        left_out=dict(sorted(tallies.left_out.items())),
        changed=ChangedTotalRow(
            certain=changed.certain.total(), possible=changed.possible.total(), plain=_of_plain(changed)
        )
        if compared
        else None,
    )


def _undecided(tallies: Tallies, rules: Sequence[str]) -> Iterator[UndecidedRow]:
    """The copies of which a trace does not tell enough, by reason."""
    for why, tally in sorted(tallies.undecided.items(), key=lambda item: (UNTRACED_KINDS.index(item[0].kind), item[0])):
        yield UndecidedRow(
            reason=why.kind,
            id=why.id,
            rules=_in_order(tally.rules, rules),
            copies=tally.certain.total(),
            settled_by=SETTLED_BY[why.kind] if why.id or why.silent or why.kind != "semantics" else MISSING,
            examples=_examples(tally),
        )


def _guaranteed(tallies: Tallies) -> Iterator[GuaranteeCountRow]:
    """How many copies keep each guarantee."""
    for name, tally in tallies.broken.items():
        yield GuaranteeCountRow(
            name=name,
            kept=tallies.kept[name],
            broken=tally.certain.total(),
            undecided=tallies.unsettled[name],
            examples=_examples(tally),
        )


def window_row(window: Window | None) -> WindowRow:
    """The time of the rows, and what it lacks."""
    if not window:
        return WindowRow(complete=False, reason=_NO_ROWS)
    reason = window_reason(window.reason, window.detail) if window.reason else ""
    return WindowRow(begin=_text(window.begin), until=_text(window.until), complete=not window.reason, reason=reason)


def _text(instant: datetime.datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _outcome(
    fate: Fate, protection: str, by: Iterable[str], by_dlp: Sequence[str], tally: Tally, rules: Sequence[str]
) -> OutcomeRow:
    return OutcomeRow(
        fate=fate,
        protection=str(protection),
        protected_by=_in_order(by, rules),
        protected_by_dlp=tuple(by_dlp),
        copies=tally.certain.total(),
        examples=_examples(tally),
    )


def _plain(
    fate: Fate, protection: str, by: Iterable[str], by_dlp: Sequence[str], tally: Tally, rules: Sequence[str]
) -> PlainRow:
    """What becomes of undecided copies if they are plain, and the rules that would have to find something."""
    return PlainRow(
        **vars(_outcome(fate, protection, by, by_dlp, tally, rules)),
        rules=_in_order(tally.rules, rules),
        because=tuple(sorted(tally.because, key=UNTRACED_KINDS.index)),
    )


def _of_plain(tally: Tally) -> PlainCountRow | None:
    """What is known of the copies that are possibly changed if they are plain; ``None`` if there are none."""
    return PlainCountRow(certain=tally.plain, possible=tally.plain_possible) if tally.possible else None


def _largest(row: OutcomeRow) -> tuple[int, str]:
    return -row.copies, str(sorted((key, str(value)) for key, value in row.as_row().items()))


def _examples(tally: Tally) -> tuple[Row, ...]:
    return tuple(example.described() for example in tally.examples)


def _in_order(names: Iterable[str], rules: Sequence[str]) -> tuple[str, ...]:
    places = {name: place for place, name in enumerate(rules)}
    return tuple(sorted(names, key=lambda name: (places.get(name, len(places)), name)))


def _difference(tallies: Tallies, domains: int, rules: Sequence[str]) -> tuple[ReplayDifferenceRow, ...]:
    """What a change changes, most important first."""
    return tuple(
        _change(kind, tallies.difference[kind], domains, rules) for kind in DifferenceKind if kind in tallies.difference
    )


def _change(kind: DifferenceKind, tally: Tally, domains: int, rules: Sequence[str]) -> ReplayDifferenceRow:
    every = tally.certain + tally.possible
    names = sorted(every, key=lambda name: (-tally.certain[name], -every[name], name))
    rows = tuple(
        ChangedDomainRow(name=name, certain=tally.certain[name], possible=tally.possible[name])
        for name in names[:domains]
    )
    return ReplayDifferenceRow(
        kind=kind,
        certain=tally.certain.total(),
        possible=tally.possible.total(),
        because=tuple(sorted(tally.because, key=UNTRACED_KINDS.index)) if tally.possible else None,
        plain=_of_plain(tally),
        senders=len(tally.senders),
        domains=rows,
        more_domains=len(names) - len(rows),
        rules=_in_order(tally.rules, rules),
        examples=_examples(tally),
    )


def _coverage(counts: Counter[tuple[Any, str]], key: Any) -> dict[str, int]:
    return {how: counts[key, how] for how in COVERAGE}


def _covered(counts: Counter[tuple[str, str]], most: int) -> Iterator[DomainRow]:
    """The recipients' domains with the most copies, and the others together."""
    totals: Counter[str] = Counter()
    for (name, _how), count in counts.items():
        totals[name] += count
    for name in sorted(totals, key=lambda name: (-totals[name], name))[:most]:
        yield DomainRow(name=name, **_coverage(counts, name))
