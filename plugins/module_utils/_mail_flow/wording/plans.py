# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans of rules say beside mail: rules on trial, rules that encrypt while licensing is off, and rules that nobody
here declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap

from ..._engine.plan import PlanWarning, warning
from ..._resources.rights_management import Obstacle
from ..._resources.rules.rule import idle_words
from ..analyses.foreign_rules import REPORTS, STOPS, ForeignRule
from .evidence import reported_line
from .evidence_row import TrialEvidenceRow
from .reasons import RULE_IDLE
from .replay import change_lines
from .replay_row import TrialReplayRow
from .result_rows import DifferenceRow
from .row import ComputedRow, ResultRow, Row, as_list, codec, row_of, rows_of
from .summary import left_out, page_rows, unusual_mail


@dataclass(frozen=True)
class TrialRow(ComputedRow):
    """A rule on trial.

    :param name: the rule that is tried, and :param:`rule`: the name of its trial in Exchange.
    :param expired: whether its time is over.
    :param since: the day since which it is as it is, and :param:`until`: the last day of its time; empty if unknown.
    :param changed: whether ``since`` is only the day of its last change.
    :param difference: how mail would be treated differently if the rule were enforced; ``None`` if that was not asked.
    :param difference_more: how many more classes of mail there are at least; ``None`` with ``difference``.
    :param replay: how much of the mail of the last days.
    :param evidence: what Exchange reports of it.
    """

    name: str
    rule: str
    expired: bool
    since: str = ""
    until: str = ""
    changed: bool = False
    difference: tuple[DifferenceRow, ...] | None = field(default=None, metadata=rows_of(DifferenceRow))
    difference_more: int | None = None
    replay: TrialReplayRow | None = field(default=None, metadata=row_of(TrialReplayRow))
    evidence: TrialEvidenceRow | None = field(default=None, metadata=row_of(TrialEvidenceRow))


def trial_sentence(trial: TrialRow) -> str:
    """The sentence that a rule is on trial, and since when."""
    dates = _dates(trial) or " since an unknown day"
    return f"{trial.name!r} is on trial{dates}: as {trial.rule!r} it does nothing to mail."


def expired_sentence(trial: TrialRow) -> str:
    """The sentence that the time of a trial is over, with what to do."""
    return (
        f"The trial of {trial.name!r} ended on {trial.until}. To enforce the rule, remove its name from hardened_baseline_trial. "
        "To give it up, declare it with state: absent."
    )


def trial_lines(trial: TrialRow, most: int = 10, *, domains: bool = True) -> list[str]:
    """A trial as lines of a terminal: since when, what the rule would do to mail if it were enforced, what Exchange
    reports of the trial, and to how much of the mail of the last days the rule would have done that.

    :param most: the maximum number of differences that are named.
    :param domains: whether to name the domains of replayed mail.
    """
    summed_up = page_rows(trial.difference or ())
    texts = [row.text for row, _kinds in summed_up[:most]]
    enforced = (
        " ".join(
            [
                *texts,
                *left_out(trial.difference_more or 0, in_result=sum(kinds for _row, kinds in summed_up[most:])),
                *unusual_mail(trial.difference or ()),
            ]
        )
        or "Nothing about who gets mail, how it is protected, and who is told of it."
    )
    reported = [reported_line(trial.evidence)] if trial.evidence else []
    return [
        f"On trial{_dates(trial)}: {trial.name!r}. What enforcing it changes: {enforced}",
        *reported,
        *_replay_texts(trial.replay, most, domains),
        *trial.contradicted,
    ]


def _dates(trial: TrialRow) -> str:
    """Since when, or since which last change, and until when; empty if unknown."""
    if not trial.since:
        return ""
    day = f"its last change on {trial.since}" if trial.changed else trial.since
    return f" since {day}{f', until {trial.until}' if trial.until else ''}"


def _replay_texts(replay: TrialReplayRow | None, most: int, domains: bool) -> list[str]:
    """How much of the mail of the last days would have been treated differently."""
    if replay is None:
        return []
    if not replay.window.begin:
        return [f"What it would have changed is unknown. {replay.window.reason}"]
    texts = change_lines(replay.difference, replay.counts, most, domains=domains)
    return [f"What it would have changed in the mail of {replay.window.days}: {' '.join(texts)}"]


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


#: What a rule does to mail.
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


def _read_effects(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    return {row["what"]: tuple(row["mail_of"]) for row in rows}


def _written_effects(effects: Mapping[str, Sequence[str]]) -> list[Row]:
    return [{"what": what, "mail_of": list(names)} for what, names in effects.items()]


@dataclass(frozen=True)
class ForeignRow(ResultRow):
    """A rule that is not declared.

    :param place: its place among all :param:`rules`, from 1.
    :param acts: its effects on its mail; :param:`does`: each effect that it can have on mail of declared rules, to their names.
    :param idle: why it does not act; empty if it acts.
    :param since: what is known of when it came or changed, and :param:`changed`: when it last changed, and by whom; empty
        if unknown.
    """

    name: str
    guid: str
    place: int
    rules: int
    acts: tuple[str, ...] = field(metadata=as_list())
    does: Mapping[str, tuple[str, ...]] = field(metadata=codec(_read_effects, _written_effects))
    idle: str = ""
    since: str = ""
    changed: str = ""

    @property
    def needs_a_look(self) -> bool:
        """Whether it can affect our mail, or decides about mail and has changed since a snapshot."""
        return bool(self.does or (self.acts and self.since))


def foreign_row(rule: ForeignRule, since: str = "", changed: str = "") -> ForeignRow:
    """A rule that is not declared, in words.

    :param since: what is known of when it came or changed, and :param:`changed`: when it last changed, and by whom.
    """
    why = RULE_IDLE[rule.never] if rule.never else " and ".join(starmap(idle_words, rule.idle.items()))
    return ForeignRow(
        name=rule.name,
        guid=rule.guid,
        place=rule.place,
        rules=rule.rules,
        acts=tuple(rule.acts),
        does={what: tuple(names) for what, names in rule.does.items()},
        idle=why,
        since=since,
        changed=changed,
    )


def foreign_line(row: ForeignRow) -> str:
    """A rule that is not declared, as a line: its place, since when, and what it can do to mail of declared rules."""
    about = list(filter(None, [f"place {row.place} of {row.rules}", row.since, row.changed]))
    texts = [_CAN[what].format(_named(names)) for what, names in row.does.items()]
    texts = texts or [_ACTS[effect] for effect in row.acts]
    idle = f" It {row.idle}." if row.idle else ""
    return f"{row.name!r} ({', '.join(about)}){': ' if texts else ''}{', '.join(texts)}.{idle}"


def _named(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(repr, names[:most]))}{more}"
