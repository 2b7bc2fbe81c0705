# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on trial, as sentences. Private to the collection.

A trial is a mapping with ``name``, ``rule``, ``expired``, and ``since`` and ``until`` (dates as texts) where they are
known, and ``changed`` where ``since`` is only the day of the last change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import reported_line
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import change_sentence


def trial_sentence(trial: Mapping[str, Any]) -> str:
    """That a rule is on trial, and since when."""
    dates = _dates(trial) or " since an unknown day"
    return f"{trial['name']!r} is on trial{dates}: as {trial['rule']!r} it does nothing to mail."


def expired_sentence(trial: Mapping[str, Any]) -> str:
    """That the time of a trial is over, and what to do."""
    return (
        f"The trial of {trial['name']!r} ended on {trial['until']}. To enforce the rule, remove its name from hardened_baseline_trial. "
        "To give it up, declare it with state: absent."
    )


def trial_lines(trial: Mapping[str, Any], most: int = 10, *, domains: bool = True) -> list[str]:
    """A trial as lines of a terminal: since when, what the rule would do to mail if it were enforced, what Exchange
    reports of the trial, and to how much of the mail of the last days the rule would have done that.

    :param trial: with ``difference`` and ``difference_more``, and maybe with ``replay``, ``evidence`` and
        ``contradicted``.
    :param most: the maximum number of differences that are named.
    :param domains: whether to name the domains of replayed mail.
    """
    rows, more = trial["difference"], trial["difference_more"]
    texts = [row["text"] for row in rows[:most]]
    left = len(rows) - len(texts) + more
    enforced = (
        " ".join([*texts, *([f"{left:,} more differences are not named here."] if left else [])])
        or "Nothing about who gets mail, how it is protected, and who is told of it."
    )
    reported = [reported_line(trial["evidence"], trial["evidence"]["window"])] if "evidence" in trial else []
    return [
        f"On trial{_dates(trial)}: {trial['name']!r}. What enforcing it changes: {enforced}",
        *reported,
        *_replayed(trial.get("replay"), most, domains),
        *trial.get("contradicted", ()),
    ]


def _dates(trial: Mapping[str, Any]) -> str:
    """Since when, or since which last change, and until when; empty if unknown."""
    until = f", until {trial['until']}" if "until" in trial else ""
    day = f"its last change on {trial['since']}" if trial.get("changed") else trial.get("since")
    return f" since {day}{until}" if day else ""


def _replayed(replay: Mapping[str, Any] | None, most: int, domains: bool) -> list[str]:
    """How much of the mail of the last days would have been treated differently."""
    if replay is None:
        return []
    if "from" not in replay["window"]:
        return [f"What it would have changed is unknown. {replay['window']['reason']}"]
    texts = [change_sentence(row, domains=domains) for row in replay["difference"][:most]] or [
        "No copy is protected or delivered differently."
    ]
    return [
        f"What it would have changed in the mail of {replay['window']['from'][:10]} to {replay['window']['until'][:10]}: {' '.join(texts)}"
    ]
