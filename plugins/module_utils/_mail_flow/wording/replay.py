# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay found, as sentences: what settles an open answer, why a window is not complete, and the lines of a
terminal. Private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import BECOMES

#: Reason why something about a copy is open, to what settles it.
SETTLED_BY = {
    "body": "The text of the message: mail_flow_test with body.",
    "attachment": "The attachments of the message: mail_flow_test with attachments.",
    "header": "The headers of the message: mail_flow_test with headers.",
    "to_or_cc": "The To and Cc fields of the message: mail_flow_test with to and cc.",
    "scl": "The spam confidence level of the message: mail_flow_test with scl.",
    "type": "The type of the message, and how it arrives protected: mail_flow_test with type and protection.",
    "classification": "The classification of the message: mail_flow_test with classification.",
    "importance": "The importance of the message: mail_flow_test with importance.",
    "envelope": "The envelope of the message, and whether its sender was authenticated: mail_flow_test with mail_from and authenticated.",
    "membership": "The members of the groups, managers or attributes: the option facts.",
    "subject_changed": "The subject before rules changed it: mail_flow_test with subject.",
    "semantics": "A test in Exchange: its documentation does not say what it does.",
}

#: What settles an answer that is open because of something else that is not known of the organization.
MISSING = "What is not known of the organization, such as its accepted domains: the option facts."

#: What every replay takes as given, since no row says it.
PREMISES = (
    {"id": "arrival", "text": "Messages arrive in clear: a trace does not show what their senders protected."},
    {
        "id": "ordinary",
        "text": "Messages are ordinary ones, which take a disclaimer: a trace does not show automatic replies, receipts and meeting items as such.",
    },
)

#: What it takes as given of rows without a size.
UNSIZED = {"id": "size", "text": "Messages whose size the trace does not have are not too large to be encrypted."}

#: Reason why copies are left out, in words.
LEFT_OUT = {
    "expanded": "of groups, whose members have rows of their own",
    "failed": "rejected or not deliverable",
    "quarantined": "quarantined",
    "none": "rejected or redirected",
    "recalled": "recalled",
    "system": "non-delivery reports",
    "unknown_status": "with an unknown status",
}

#: So many rules are named in a line.
_NAMED = 3

#: Reason why a window is not complete.
_INCOMPLETE = {
    "limit": "There are more copies than max_copies.",
    "cut": "Reading stopped: {detail} The rest can be read with until.",
    "files": "A file does not say whether it holds all mail of its time.",
}


def window_reason(reason: str, detail: str) -> str:
    """Why a window is not complete."""
    return _INCOMPLETE[reason].format(detail=detail)


def replay_lines(found: Mapping[str, Any], most: int = 10, *, domains: bool = True) -> list[str]:
    """A replay as lines of a terminal: what was read, what happens to it, what a change changes, and guarantees.

    :param found: the module's result.
    :param most: the maximum number of rules and of kinds of change that are named.
    :param domains: whether to name domains.
    """
    counts, window = found["counts"], found["window"]
    if not counts["copies"]:
        return ["No mail was traced."]
    left_out = sum(counts["left_out"].values())
    read = f"{_copies(counts['copies'])} of {number_of(counts['messages'], 'message')}, {window['from'][:16]} to {window['until'][:16]} UTC"
    lines = [
        f"{read}{f'; {left_out:,} left out' if left_out else ''}.{'' if window['complete'] else ' ' + window['reason']}"
    ]
    lines.append(f"{coverage_sentence(found)}{undecided_sentence(found)}")
    lines += [change_sentence(row, domains=domains) for row in (found.get("difference") or ())[:most]]
    lines += ["No copy is protected or delivered differently."] if found.get("difference") == [] else []
    return [*lines, *map(guarantee_sentence, found.get("guarantees") or ())]


def coverage_sentence(found: Mapping[str, Any]) -> str:
    """How many copies are protected, in clear, or not delivered."""
    known = {how: sum(day[how] for day in found["days"]) for how in ("protected", "clear", "not_delivered")}
    away = f", {known['not_delivered']:,} not delivered" if known["not_delivered"] else ""
    return f"Protected by rules: {known['protected']:,}; in clear: {known['clear']:,}{away}."


def undecided_sentence(found: Mapping[str, Any]) -> str:
    """How many copies cannot be decided, and why; empty if all can."""
    rows = found["undecided"]
    if not rows:
        return ""
    because = ", ".join(f"{row['reason'].replace('_', ' ')} {row['copies']:,}" for row in rows)
    return f" Cannot be told from a trace: {sum(row['copies'] for row in rows):,} ({because})."


def change_sentence(row: Mapping[str, Any], *, domains: bool = True) -> str:
    """A kind of change: ``231 copies are now encrypted (fabrikam.com 180, …), 12 more perhaps: 'Partners'.``"""
    names = [f"{each['name']} {each['certain'] + each['possible']:,}" for each in row["domains"]] if domains else []
    of_domains = f" ({', '.join(names)}{', ...' if row['more_domains'] else ''})" if names else ""
    more = len(row["rules"]) - _NAMED
    rules = (
        f": {', '.join(map(repr, row['rules'][:_NAMED]))}{f' and {more} more' if more > 0 else ''}"
        if row["rules"]
        else ""
    )
    becomes = BECOMES[row["kind"]].replace("is ", "", 1)
    if row["certain"]:
        perhaps = f", {row['possible']:,} more perhaps" if row["possible"] else ""
        head = f"{_copies(row['certain'])} {'is' if row['certain'] == 1 else 'are'} {becomes}{perhaps}"
    else:
        head = f"{_copies(row['possible'])} perhaps {'is' if row['possible'] == 1 else 'are'} {becomes}"
    return f"{head}{of_domains}{rules}."


def guarantee_sentence(row: Mapping[str, Any]) -> str:
    """How a guarantee fares."""
    return f"{row['name']!r}: {row['kept']:,} copies keep it, {row['broken']:,} break it, {row['undecided']:,} cannot be told."


def left_out_words(counts: Mapping[str, int]) -> Sequence[str]:
    """The copies that are left out, by reason."""
    return [f"{count:,} {LEFT_OUT[reason]}" for reason, count in counts.items()]


def _copies(count: int) -> str:
    return number_of(count, "copy", "copies")


def number_of(count: int, one: str, several: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
