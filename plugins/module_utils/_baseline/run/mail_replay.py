# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays the mail of the last days through the rules after and before a plan.

Reports and plans show it beside the effect on mail. The digest does not cover it, because new mail arrives all the
time.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization
from ..._mail_flow.evidence.changes import unchanged_since
from ..._mail_flow.evidence.encryption import read_encryption
from ..._mail_flow.evidence.reports import EncryptionReport
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.parsing import facts_of
from ..._mail_flow.model.wishes import WISHES
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.trace.reading import (
    OLDEST,
    SETTLES,
    GraphReader,
    TracedMail,
    TraceReader,
    Window,
    WindowedTrace,
    read_files,
)
from ..._mail_flow.trace.replay import Replay
from ..._mail_flow.trace.rows import Trace
from ..._mail_flow.wording.replay import COMPLETE, replay_lines, replay_row
from ..._mail_flow.wording.replay_row import NoResultRow, ReplayResultRow, ReplayRow, TrialReplayRow
from ..controls.control import BaselineRequest
from ..controls.effect_on_mail import EffectOnMail
from ..controls.mail import IRM, Mail, changes_mail, facts_for_comparison
from ..controls.mail_control import guarantees_of
from ..documents.artifacts import Artifacts
from ..procedures.baseline_context import BaselineContext
from .dated_changes import known_changes

#: Copies that are read at most, and domains that a row names.
_MOST, _DOMAINS = 500_000, 10

#: Lines on the terminal.
_LINES = 5

_FILES = "hardened_baseline_replay_trace"

#: What a task's result has of it: no domain. Plan and report have all of it.
_COUNTS = ("window", "counts", "remark")


@dataclass(frozen=True)
class RunReplay:
    """What would have become of the mail of the last days.

    :param mail: that, or why it is not known; ``None`` if nobody asked for it.
    :param trials: for each rule on trial what a replay would change that has it enforced.
    :param traced: the mail; ``None`` if there is none.
    """

    mail: ReplayResultRow | None = None
    trials: Mapping[str, TrialReplayRow] = field(default_factory=dict)
    traced: TracedMail | None = None


def replay_mail(
    task: BaselineContext,
    variables: Mapping[str, Any],
    artifacts: Artifacts,
    known: Callable[[], Organization],
    plan: Plan,
    enforcing: Mapping[str, Plan],
) -> RunReplay:
    """The replay of the last days' mail through the rules after the plan and now. Shows a few lines.

    If the trace cannot be read, a remark says why.

    :param known: reads the organization, and what decides about mail.
    :param enforcing: the rules on trial by their names, with what would enforce them instead of the plan.
    :raises OptionError: the days or the files are none.
    """
    days = int(variables.get("replay_days") or 0)
    files = _files(variables.get("replay_trace"), task.host)
    if not 0 <= days <= OLDEST:
        raise OptionError(
            f"hardened_baseline_replay_days is {days}.", remedy=f"Use a number from 0 to {OLDEST}; 0 turns it off."
        )
    if files is None:
        return RunReplay(
            NoResultRow(remark=f"The mail of the last days was not replayed: {_FILES} has no files for {task.host!r}.")
        )
    if not days and not files:
        return RunReplay()
    try:
        complete = bool(files and variables.get("replay_trace_complete"))
        trace, window = _traced(
            task, days, files, complete=complete, from_graph=variables.get("replay_source") == "graph"
        )
        guarantees = [
            guarantee for guarantee in guarantees_of(BaselineRequest(variables)) if WISHES[guarantee.then].traced
        ]
        organization = known()
        now = Mail.of_organization(organization)
        then = now.after(plan)
        changes = changes_mail(plan.changes)
        since = _since(task, now, artifacts, organization, window)
        # A file may be of another time than the report.
        report = read_encryption(task.session, window.begin, window.until) if window and not files else None
        replay = _replay(now, then, changes, guarantees, trace, window, since, report)
        if complete:
            replay = replace(replay, assumes=(*replay.assumes, COMPLETE))
        trials = {
            name: _of_trial(_replay(then, now.after(other), True, (), trace, window, [] if changes else since))
            for name, other in enforcing.items()
        }
    except OptionError:
        raise
    except ExchangeError as error:
        return RunReplay(
            NoResultRow(
                remark=f"The mail of the last days could not be replayed: {error} A file needs no permission: {_FILES}."
            )
        )
    # AWX stores the terminal in its events.
    for line in replay_lines(replay, most=1, domains="job_id" not in task.params["awx"])[:_LINES]:
        task.say(line)
    return RunReplay(replay, trials, TracedMail(trace, window, [] if changes else since))


def _since(
    task: BaselineContext, present: Mail, artifacts: Artifacts, organization: Organization, window: Window | None
) -> Sequence[int | None]:
    """For each present rule: since when mail meets it and all rules before it as they are now, in microseconds; ``None`` where
    nobody knows. Empty if there is no mail, or with a warning, if a snapshot cannot be read.
    """
    if window is None:
        return []
    try:
        changes = known_changes(artifacts, organization, window.begin, datetime.datetime.now(datetime.UTC))
    except OptionError as error:
        task.warnings.append(f"The replay does not know since when the rules are as they are: {error}")
        return []
    return unchanged_since(RuleSet(present.rules).rules, changes)


def _of_trial(replay: ReplayRow) -> TrialReplayRow:
    """What a replay that has a rule on trial enforced says of it."""
    return TrialReplayRow(window=replay.window, counts=replay.counts, difference=replay.difference or ())


def without_domains(mail: EffectOnMail) -> dict[str, Any]:
    """The effect on mail, as the result of a task has it: of replays, only counts."""
    trials = (replace(row, replay=None) for row in mail.trials)
    written = replace(mail, trials=tuple(trials)).as_row()
    if "replay" in written:
        written["replay"] = {key: value for key, value in written["replay"].items() if key in _COUNTS}
    return written


def _files(value: Any, host: str) -> Sequence[str] | None:
    """The files of an organization: one or several for all, or each organization's under its name in the inventory;
    ``None`` if the organization is not among these.

    :raises OptionError: the list is empty.
    """
    if isinstance(value, Mapping):
        if host not in value:
            return None
        value = value[host]
    if value == []:
        raise OptionError(f"The list {_FILES} is empty.", remedy="Name a file, or null for none.")
    return [value] if isinstance(value, str) else list(map(str, value or ()))


def _traced(
    task: BaselineContext, days: int, files: Sequence[str], *, complete: bool, from_graph: bool
) -> WindowedTrace:
    if files:
        return read_files(((path, task.find_file(path)) for path in files), _MOST, complete=complete)
    until = (datetime.datetime.now(datetime.UTC) - SETTLES).replace(microsecond=0)
    begin = until - min(datetime.timedelta(days=days), datetime.timedelta(days=OLDEST) - SETTLES)
    reader = GraphReader(task.graph(), task.say, _MOST) if from_graph else TraceReader(task.session, task.say, _MOST)
    return reader.read(begin, until)


def _replay(
    now: Mail,
    then: Mail,
    changes: bool,
    guarantees: Sequence[Guarantee],
    trace: Trace,
    window: Window | None,
    since: Sequence[int | None],
    report: EncryptionReport | None = None,
) -> ReplayRow:
    """The replay through two rule sets.

    :param since: since when mail meets the rules before the change as they are; empty if these are not the present ones.
    """
    before, after = RuleSet(now.rules), RuleSet(then.rules)
    facts = facts_of(facts_for_comparison(now, then))
    asked = Replay(
        after,
        facts,
        before if changes else None,
        facts.with_irm_configuration(now.facts.get(IRM)),
        guarantees,
        present=-1,
        since=since,
    )
    names = [rule.name for rule in (*after.rules, *before.rules)]
    return replay_row(
        asked.run(trace),
        window,
        compared=changes,
        guaranteed=bool(guarantees),
        domains=_DOMAINS,
        rules=names,
        report=report,
        proposed=changes,
    )
