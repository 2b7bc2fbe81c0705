# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays of real mail, as the module's result and as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
from ..trace.replay import COVERAGE, NOT_BY_RULES, NOT_DELIVERED, PROTECTED, Tallies, Tally
from ..trace.rows import EXPORT_COMMAND
from ..trace.truth_sets import DLP_AND_LABELS, FROM_IP, UNTRACED_KINDS
from .contradicted import certainty
from .encrypters import measured_lines, otherwise_row
from .sentences import BECOME, BECOMES
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
    "envelope": "whether the sender signed in, or the envelope's sender",
    "from_ip": "whether the sender signed in",
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
    "envelope": "The envelope of the message, and whether its sender was authenticated: mail_flow_test with mail_from and authenticated.",
    "from_ip": "The column FromIP, which shows whether the sender signed in: a trace from Get-MessageTraceV2, or for a report that has "
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
    {"id": "arrival", "text": "Messages arrive unencrypted: a trace does not show what their senders protected."},
    {
        "id": "ordinary",
        "text": "Messages are ordinary ones, which take a disclaimer: a trace does not show forwarded mail, automatic replies, "
        "receipts and meeting items as such. Those that their rows show are undecided where that matters. The To and Cc "
        "fields of mail from inside name only people and groups that are among its recipients.",
    },
    {"id": "attachments", "text": "An attachment is no larger than its message."},
    {"id": "recipients", "text": f"Messages are to fewer than {MANY} recipients ({questions.MANY_RECIPIENTS})."},
)

#: What it takes as given of files that are said to be complete.
COMPLETE = {
    "id": "trace_complete",
    "text": "The files have the rows of all recipients of each message: trace_complete says so.",
}

#: What it takes as given of rows without a size.
UNSIZED = {"id": "size", "text": "Messages whose size the trace does not have are not too large to be encrypted."}

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


def replay_lines(replay: Mapping[str, Any], most: int = 10, *, domains: bool = True) -> list[str]:
    """A replay as lines of a terminal: what was read, what happens to it, what a change changes, and guarantees.

    :param replay: the module's result.
    :param most: the maximum number of rules and of kinds of change that are named.
    :param domains: whether to name domains.
    """
    counts, window = replay["counts"], replay["window"]
    if not counts["copies"]:
        return [f"No mail was traced.{'' if window['complete'] else ' ' + window['reason']}"]
    left_out = sum(counts["left_out"].values())
    read = f"{_copies(counts['copies'])} of {number_of(counts['messages'], 'message')}, {window['from'][:16]} to {window['until'][:16]} UTC"
    lines = [
        f"{read}{f'; {left_out:,} left out' if left_out else ''}.{'' if window['complete'] else ' ' + window['reason']}"
    ]
    if "perhaps_twice" in counts:
        lines[0] += f" {twice_sentence(counts['perhaps_twice'])}"
    lines += [f"{coverage_sentence(replay)}{undecided_sentence(replay)}"]
    lines += [*plain_lines(replay), *open_rules_lines(replay), *measured_lines(replay), *unseen_lines(replay)]
    lines += change_lines(replay, most, domains=domains) if "difference" in replay else []
    lines += kept_back_lines(replay) if "difference" in replay else []
    guarantees = [
        f"{guarantee_sentence(row)}{certainty(row.get('contradicted', ()))}" for row in replay.get("guarantees") or ()
    ]
    return [*lines, *guarantees, *incomplete_files_lines(replay), *hopless_lines(replay)]


def coverage_sentence(replay: Mapping[str, Any]) -> str:
    """How many copies are protected by rules, not by rules (those that DLP rules protect among them), or not delivered."""
    known = {how: sum(day[how] for day in replay["days"]) for how in (PROTECTED, NOT_BY_RULES, NOT_DELIVERED)}
    away = f", {known[NOT_DELIVERED]:,} not delivered" if known[NOT_DELIVERED] else ""
    by_dlp = sum(
        row["copies"]
        for row in replay["outcome"]
        if row["fate"] == Fate.DELIVERED and "protected_by_dlp" in row and "protected_by" not in row
    )
    of_these = f" ({by_dlp:,} of them by DLP rules)" if by_dlp else ""
    protected = "Would be protected by rules" if replay.get("proposed") else "Protected by rules"
    return f"{protected}: {known[PROTECTED]:,}; not by rules: {known[NOT_BY_RULES]:,}{of_these}{away}."


def undecided_sentence(replay: Mapping[str, Any]) -> str:
    """How many copies cannot be decided, and why, the most frequent reason first; empty if all can."""
    counts = _undecided_by_reason(replay)
    if not counts:
        return ""
    because = "; ".join(f"{NOT_KNOWN[reason]} {count:,}" for reason, count in counts.most_common())
    return f" Cannot be told from a trace: {counts.total():,} ({because})."


def plain_lines(replay: Mapping[str, Any]) -> list[str]:
    """What becomes of undecided copies if rules find nothing in what no row shows of their content."""
    rows = replay["plain"]
    if not rows:
        return []
    counts: Counter[str] = Counter()
    for row in rows:
        counts[coverage_of(row)] += row["copies"]
    would = "would be protected" if replay.get("proposed") else "are protected"
    how = {PROTECTED: f"{would} by rules", NOT_BY_RULES: "not", NOT_DELIVERED: "not delivered"}
    outcomes = [f"{counts[each]:,} {words}" for each, words in how.items() if counts[each]]
    kinds = [kind for kind in _IN_CONTENT if any(kind in row["because"] for row in rows)]
    content = listed([_IN_CONTENT[kind] for kind in kinds], joint="or", most=len(kinds))
    names = [quoted(name) for name in _rules_of(rows)]
    if any(DLP_AND_LABELS in row["because"] for row in rows):
        names.insert(0, "DLP rules and labels")
    rules = listed(names, joint="and", most=_NAMED)
    contradicted = [text for row in rows for text in row.get("contradicted", ())]
    return [
        f"{counts.total():,} of these can be told if they are plain, with nothing in {content or 'them'} that {rules} "
        f"{'looks' if len(_rules_of(rows)) == len(names) == 1 else 'look'} for: {listed(outcomes, joint='and')}.{certainty(contradicted)}"
    ]


def coverage_of(row: Mapping[str, Any]) -> str:
    """How a row of outcomes counts, one of :data:`COVERAGE`. DLP rules are no rules here."""
    if row["fate"] != Fate.DELIVERED:
        return NOT_DELIVERED
    return PROTECTED if "protected_by" in row else NOT_BY_RULES


def _rules_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the rules of some rows, each once."""
    return list(dict.fromkeys(name for row in rows for name in row["rules"]))


def open_rules_lines(replay: Mapping[str, Any]) -> list[str]:
    """The rules that leave most copies open because they look at what no row shows, and what would tell; none where that
    is known of plain copies.
    """
    if 2 * sum(row["copies"] for row in replay["plain"]) > sum(row["copies"] for row in replay["undecided"]):
        return []
    copies = sum(row["copies"] for row in (*replay["outcome"], *replay["undecided"]))
    for row in replay["undecided"]:
        if row["reason"] in _OF_MESSAGES and 0 < len(row["rules"]) <= _NAMED and 2 * row["copies"] > copies:
            these = "this rule" if len(row["rules"]) == 1 else "these rules"
            rules = listed(list(map(quoted, row["rules"])), joint="and")
            return [
                f"What becomes of {row['copies']:,} of {_copies(copies)} depends on {rules}: no row shows "
                f"{NOT_KNOWN[row['reason']]}. Replay without {these} to see what the others do; mail_flow_test tells of one message."
            ]
    return []


def hopless_lines(replay: Mapping[str, Any]) -> list[str]:
    """What to do about copies that are undecided because rows have no FromIP."""
    count = _undecided_by_reason(replay)[FROM_IP]
    if not count:
        return []
    return [
        f"Undecided: {count:,}, because the file has no FromIP: did the sender sign in? Export it with {EXPORT_COMMAND}"
    ]


def incomplete_files_lines(replay: Mapping[str, Any]) -> list[str]:
    """What to do about copies that are undecided because files may lack rows of other recipients."""
    counts = _undecided_by_reason(replay)
    count = counts["to_or_cc"] + counts["recipients"]
    if not count or replay["window"].get("reason") != window_reason("files", ""):
        return []
    return [
        f"Undecided: {count:,}, because of To and Cc, or of other recipients. If the files have the rows of all recipients of each message, "
        "say so with trace_complete: true, and more may be known."
    ]


def settled_line(row: Mapping[str, Any]) -> str:
    """What is not known of undecided copies, and what settles it."""
    unknown = NOT_KNOWN[row["reason"]]
    return f"{unknown[:1].upper()}{unknown[1:]} ({row['copies']:,}): {row['settled_by']}"


def _undecided_by_reason(replay: Mapping[str, Any]) -> Counter[UntracedKind]:
    counts: Counter[UntracedKind] = Counter()
    for row in replay["undecided"]:
        counts[row["reason"]] += row["copies"]
    return counts


def change_lines(replay: Mapping[str, Any], most: int, *, domains: bool = True) -> list[str]:
    """What a change of the rules changes, as sentences: first what changes for certain, or of plain copies, each kind by
    itself, then what else may change.

    :param most: the maximum number of sentences of the first kind.
    """
    rows = replay["difference"]
    if not rows:
        return [same_sentence(replay)]
    told = [row for row in rows if not _only_unplain(row)]
    others = [row for row in rows if _only_unplain(row)]
    lines = [f"{change_sentence(row, domains=domains)}{certainty(row.get('contradicted', ()))}" for row in told[:most]]
    if not others:
        return lines
    kinds = [f"{row['possible']:,} {_becomes(DifferenceKind(row['kind']), row['possible'])}" for row in others]
    contradicted = [text for row in others for text in row.get("contradicted", ())]
    begin = "Further copies, if they are not plain" if told else "No copy changes if it is plain. Of the others"
    return [*lines, f"{begin}, perhaps: {'; '.join(kinds)}{_by_rules(_rules_of(others))}.{certainty(contradicted)}"]


def _only_unplain(row: Mapping[str, Any]) -> bool:
    """Whether no plain copy changes so."""
    return not row["certain"] and row.get("plain") == {"certain": 0, "possible": 0}


def same_sentence(replay: Mapping[str, Any]) -> str:
    """The sentence that no copy changes, of those that were compared."""
    compared = replay["counts"]["copies"] - sum(replay["counts"]["left_out"].values())
    if not compared:
        return "No copy could be compared."
    none = "The one copy" if compared == 1 else f"None of the {compared:,} copies"
    return f"{none} that {'was' if compared == 1 else 'were'} compared is {'not ' if compared == 1 else ''}protected or delivered differently."


def change_sentence(row: Mapping[str, Any], *, domains: bool = True) -> str:
    """A kind of change: ``231 copies are now encrypted (fabrikam.com 180, …), 12 more perhaps: 'Partners'.``"""
    names = (
        [f"{domain['name']} {domain['certain'] + domain['possible']:,}" for domain in row["domains"]] if domains else []
    )
    of_domains = f" ({', '.join(names)}{', ...' if row['more_domains'] else ''})" if names else ""
    if row["certain"]:
        perhaps = f", {row['possible']:,} more perhaps{_if_plain(row)}" if row["possible"] else ""
        head = f"{_copies(row['certain'])} {_becomes(DifferenceKind(row['kind']), row['certain'])}{perhaps}"
    else:
        perhaps = "" if row["kind"] == DifferenceKind.UNKNOWN else "perhaps "
        becomes = _becomes(DifferenceKind(row["kind"]), row["possible"])
        head = f"{_copies(row['possible'])} {perhaps}{becomes}{_if_plain(row)}"
    return f"{head}{of_domains}{_by_rules(row['rules'])}."


def _if_plain(row: Mapping[str, Any]) -> str:
    """How many copies that perhaps change certainly do if they are plain; empty if nothing more is known of plain ones."""
    if "plain" not in row:
        return ""
    certain, possible = row["plain"]["certain"], row["plain"]["possible"]
    most = certain + possible
    if certain == row["possible"]:
        return " (all if they are plain)"
    if most == row["possible"] and not certain:
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


def _becomes(kind: DifferenceKind, copies: int) -> str:
    if kind is DifferenceKind.SIDE_EFFECT_CHANGED:
        has = "has" if copies == 1 else "have"
        return f"{has} other side effects (reports, approvals, texts, spam levels, connectors)"
    return (BECOMES if copies == 1 else BECOME)[kind]


def kept_back_lines(replay: Mapping[str, Any]) -> list[str]:
    """The copies that are not compared because they were kept back: other rules may deliver them."""
    kept_back = {reason: count for reason, count in replay["counts"]["left_out"].items() if reason in _KEPT_BACK}
    if not kept_back:
        return []
    copies, were = _copies(sum(kept_back.values())), "was" if sum(kept_back.values()) == 1 else "were"
    why = "; ".join(left_out_words(kept_back))
    return [
        f"Not compared: {copies} that {were} kept back ({why}). Their rows do not say by what, so an edit of a rule that rejects, holds "
        "or redirects mail may deliver them: mail_flow_test compares all mail."
    ]


def guarantee_sentence(row: Mapping[str, Any]) -> str:
    """How a guarantee fares."""
    return f"{row['name']!r}: {row['kept']:,} copies keep it, {row['broken']:,} break it, {row['undecided']:,} cannot be told."


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


def described(
    tallies: Tallies,
    window: Window | None,
    *,
    compared: bool,
    guaranteed: bool,
    domains: int,
    rules: Sequence[str],
    report: EncryptionReport | None = None,
    proposed: bool = False,
) -> dict[str, Any]:
    """The keys of the contract. What does not apply is absent.

    :param domains: how many domains a row names.
    :param rules: the names of the rules, in their order.
    :param report: what Exchange counts as encrypted; ``None`` if nobody asked it.
    :param proposed: whether the rules are not those of the organization, but would be.
    """
    counts: dict[str, Any] = {
        "copies": tallies.copies,
        "messages": tallies.messages,
        "recipients": tallies.recipients,
        **({"perhaps_twice": tallies.perhaps_twice} if tallies.perhaps_twice else {}),
        "left_out": dict(sorted(tallies.left_out.items())),
    }
    if compared:
        counts["changed"] = {
            "certain": tallies.changed.certain.total(),
            "possible": tallies.changed.possible.total(),
            **_of_plain(tallies.changed),
        }
    days = sorted({day for day, _how in tallies.days})
    result: dict[str, Any] = {
        "window": window_row(window),
        "counts": counts,
        "outcome": sorted((_outcome(*key, tally, rules) for key, tally in tallies.outcomes.items()), key=_largest),
        "undecided": _undecided(tallies, rules),
        "plain": sorted((_plain(*key, tally, rules) for key, tally in tallies.plain.items()), key=_largest),
        "days": [{"date": day.isoformat(), **_coverage(tallies.days, day)} for day in days],
        "domains": _covered(tallies.domains, domains),
        "assumes": [
            *PREMISES,
            *([UNSIZED] if tallies.unsized else []),
            *({"id": number} for number in sorted(tallies.assumed)),
        ],
        "unseen": list(tallies.unseen),
        **({"proposed": True} if proposed else {}),
    }
    if report and window:
        explained = Explained(tallies.messages, tallies.encrypted, tallies.perhaps_encrypted)
        result["encrypted_otherwise"] = otherwise_row(report, window, explained, beside_plan=proposed)
    if compared:
        result["difference"] = [
            _change(kind, tallies.difference[kind], domains, rules)
            for kind in DifferenceKind
            if kind in tallies.difference
        ]
    return {**result, "guarantees": _guaranteed(tallies)} if guaranteed else result


def _undecided(tallies: Tallies, rules: Sequence[str]) -> list[dict[str, Any]]:
    """The copies of which a trace does not tell enough, by reason."""
    return [
        {
            "reason": why.kind,
            **({"id": why.id} if why.id else {}),
            "rules": _in_order(tally.rules, rules),
            "copies": tally.certain.total(),
            "settled_by": SETTLED_BY[why.kind] if why.id or why.silent or why.kind != "semantics" else MISSING,
            **_examples(tally),
        }
        for why, tally in sorted(
            tallies.undecided.items(), key=lambda item: (UNTRACED_KINDS.index(item[0].kind), item[0])
        )
    ]


def _guaranteed(tallies: Tallies) -> list[dict[str, Any]]:
    """How many copies keep each guarantee."""
    return [
        {
            "name": name,
            "kept": tallies.kept[name],
            "broken": tally.certain.total(),
            "undecided": tallies.unsettled[name],
            **_examples(tally),
        }
        for name, tally in tallies.broken.items()
    ]


def window_row(window: Window | None) -> dict[str, Any]:
    """The time of the rows, and what it lacks."""
    if not window:
        return {"complete": False, "reason": _NO_ROWS}
    row = {"from": _text(window.begin), "until": _text(window.until), "complete": not window.reason}
    return {**row, **({"reason": window_reason(window.reason, window.detail)} if window.reason else {})}


def _text(instant: Any) -> str:
    return str(instant.isoformat().replace("+00:00", "Z"))


def _outcome(
    fate: Fate, protection: str, by: Iterable[str], by_dlp: Sequence[str], tally: Tally, rules: Sequence[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "fate": str(fate),
        **({"protection": str(protection)} if protection else {}),
        **({"protected_by": names} if (names := _in_order(by, rules)) else {}),
        **({"protected_by_dlp": list(by_dlp)} if by_dlp else {}),
    }
    return {**row, "copies": tally.certain.total(), **_examples(tally)}


def _plain(
    fate: Fate, protection: str, by: Iterable[str], by_dlp: Sequence[str], tally: Tally, rules: Sequence[str]
) -> dict[str, Any]:
    """What becomes of undecided copies if they are plain, and the rules that would have to find something."""
    return {
        **_outcome(fate, protection, by, by_dlp, tally, rules),
        "rules": _in_order(tally.rules, rules),
        "because": sorted(tally.because, key=UNTRACED_KINDS.index),
    }


def _of_plain(tally: Tally) -> dict[str, Any]:
    """How many of the copies that are possibly changed certainly are if they are plain, and how many may be even so."""
    return {"plain": {"certain": tally.plain, "possible": tally.plain_possible}} if tally.possible else {}


def _largest(row: Mapping[str, Any]) -> tuple[int, str]:
    return -row["copies"], str(sorted((key, str(value)) for key, value in row.items()))


def _examples(tally: Tally) -> dict[str, Any]:
    return {"examples": [example.described() for example in tally.examples]} if tally.examples else {}


def _in_order(names: Iterable[str], rules: Sequence[str]) -> list[str]:
    places = {name: place for place, name in enumerate(rules)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _change(kind: DifferenceKind, tally: Tally, domains: int, rules: Sequence[str]) -> dict[str, Any]:
    every = tally.certain + tally.possible
    names = sorted(every, key=lambda name: (-tally.certain[name], -every[name], name))
    rows = [
        {"name": name, "certain": tally.certain[name], "possible": tally.possible[name]} for name in names[:domains]
    ]
    return {
        "kind": str(kind),
        "certain": tally.certain.total(),
        "possible": tally.possible.total(),
        **({"because": sorted(tally.because, key=UNTRACED_KINDS.index)} if tally.possible else {}),
        **_of_plain(tally),
        "senders": len(tally.senders),
        "domains": rows,
        "more_domains": len(names) - len(rows),
        "rules": _in_order(tally.rules, rules),
        **_examples(tally),
    }


def _coverage(counts: Counter[tuple[Any, str]], key: Any) -> dict[str, int]:
    return {how: counts[key, how] for how in COVERAGE}


def _covered(counts: Counter[tuple[str, str]], most: int) -> list[dict[str, Any]]:
    """The recipients' domains with the most copies, and the others together."""
    totals: Counter[str] = Counter()
    for (name, _how), count in counts.items():
        totals[name] += count
    first = sorted(totals, key=lambda name: (-totals[name], name))[:most]
    return [{"name": name, **_coverage(counts, name)} for name in first]
