# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans of rules say beside mail: rules on trial, rules that encrypt while licensing is off, and rules that nobody
here declared.

A trial is a mapping with ``name``, ``rule``, ``expired``, and ``since`` and ``until`` (dates as texts) where they are
known, and ``changed`` where ``since`` is only the day of the last change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any

from ..._engine.plan import PlanWarning, warning
from ..._resources.rights_management import Obstacle
from ..._resources.rules.rule import idle_words
from ..analyses.foreign_rules import REPORTS, STOPS, ForeignRule
from .evidence import reported_line
from .reasons import RULE_IDLE
from .replay import SAME, change_sentence
from .result_rows import DifferenceRow
from .summary import left_out, page_rows


def trial_sentence(trial: Mapping[str, Any]) -> str:
    """The sentence that a rule is on trial, and since when."""
    dates = _dates(trial) or " since an unknown day"
    return f"{trial['name']!r} is on trial{dates}: as {trial['rule']!r} it does nothing to mail."


def expired_sentence(trial: Mapping[str, Any]) -> str:
    """The sentence that the time of a trial is over, with what to do."""
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
    summed_up = page_rows(list(map(DifferenceRow.from_row, rows)))
    texts = [row.text for row, _kinds in summed_up[:most]]
    enforced = (
        " ".join([*texts, *left_out(more, in_result=sum(kinds for _row, kinds in summed_up[most:]))])
        or "Nothing about who gets mail, how it is protected, and who is told of it."
    )
    reported = [reported_line(trial["evidence"], trial["evidence"]["window"])] if "evidence" in trial else []
    return [
        f"On trial{_dates(trial)}: {trial['name']!r}. What enforcing it changes: {enforced}",
        *reported,
        *_replay_texts(trial.get("replay"), most, domains),
        *trial.get("contradicted", ()),
    ]


def _dates(trial: Mapping[str, Any]) -> str:
    """Since when, or since which last change, and until when; empty if unknown."""
    until = f", until {trial['until']}" if "until" in trial else ""
    day = f"its last change on {trial['since']}" if trial.get("changed") else trial.get("since")
    return f" since {day}{until}" if day else ""


def _replay_texts(replay: Mapping[str, Any] | None, most: int, domains: bool) -> list[str]:
    """How much of the mail of the last days would have been treated differently."""
    if replay is None:
        return []
    if "from" not in replay["window"]:
        return [f"What it would have changed is unknown. {replay['window']['reason']}"]
    texts = [change_sentence(row, domains=domains) for row in replay["difference"][:most]] or [SAME]
    return [
        f"What it would have changed in the mail of {replay['window']['from'][:10]} to {replay['window']['until'][:10]}: {' '.join(texts)}"
    ]


def licensing_warnings(obstacle: Obstacle | None, rules: Sequence[str], switched_on_by: str = "") -> list[PlanWarning]:
    """The warning; nothing where rights management may work, or no rule encrypts.

    :param obstacle: what keeps rights management from working.
    :param rules: the names of the rules that encrypt.
    :param switched_on_by: what turns licensing on, as a sentence, where it is not the module.
    """
    if obstacle is None or not rules:
        return []
    shown = _named(rules, most=5)
    cure = switched_on_by if obstacle.switched_off and switched_on_by else obstacle.cure
    text = f"{obstacle.cause} while rules encrypt ({shown}): what happens to their mail is unknown (U28). {cure}"
    return [warning("licensing_off", text, cause=obstacle.cause, rules=list(rules))]


#: What a rule can do to mail of some rules.
_CAN: Mapping[str, str] = {
    "deletes": "can delete mail of {}",
    "rejects": "can reject mail of {}",
    "redirects": "can redirect mail of {}",
    "quarantines": "can hold mail of {} in quarantine",
    "moderates": "can hold mail of {} for approval",
    "decrypts": "can decrypt mail of {}",
    REPORTS: "can report mail of {} to somebody outside",
    STOPS: "can keep mail from {}",
}


#: What it does at all.
_ACTS: Mapping[str, str] = {
    "deletes": "deletes mail",
    "rejects": "rejects mail",
    "redirects": "redirects mail",
    "quarantines": "holds mail in quarantine",
    "moderates": "holds mail for approval",
    "decrypts": "decrypts mail",
    "encrypts": "encrypts mail",
    REPORTS: "reports mail to somebody outside",
    STOPS: "keeps mail from later rules",
}


def foreign_row(rule: ForeignRule) -> dict[str, Any]:
    """A rule that is not ours, as results have it: ``name``, ``guid``, ``place``, ``rules``, ``idle`` where it does not
    act, ``acts``, and ``does``, a list of ``what`` it can do and ``mail_of``: to mail of which rules of ours.
    """
    why = RULE_IDLE[rule.never] if rule.never else " and ".join(starmap(idle_words, rule.idle.items()))
    does = [{"what": what, "mail_of": list(names)} for what, names in rule.does.items()]
    row = {"name": rule.name, "guid": rule.guid, "place": rule.place, "rules": rule.rules}
    return {
        **row,
        **({"idle": why} if why else {}),
        "acts": list(rule.acts),
        "does": does,
    }


def foreign_line(row: Mapping[str, Any]) -> str:
    """A rule that is not ours, as a line: where it stands, since when, and what it can do to mail of ours.

    :param row: as :func:`foreign_row` makes it, also with ``since`` and ``changed`` (texts).
    """
    about = [
        f"place {row['place']} of {row['rules']}",
        *(str(row[key]) for key in ("since", "changed") if row.get(key)),
    ]
    texts = [_CAN[effect["what"]].format(_named(effect["mail_of"])) for effect in row["does"]] or [
        _ACTS[effect] for effect in row["acts"]
    ]
    idle_ = f" It {row['idle']}." if row.get("idle") else ""
    return f"{row['name']!r} ({', '.join(about)}){': ' if texts else ''}{', '.join(texts)}.{idle_}"


def _named(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(repr, names[:most]))}{more}"
