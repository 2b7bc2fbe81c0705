# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules on trial would do to mail if they were enforced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..._engine.plan import Plan
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import Organization
from ..._mail_flow.wording.evidence_row import EvidenceResultRow, EvidenceRow, TrialEvidenceRow
from ..._mail_flow.wording.plans import TrialRow, trial_lines
from ..._mail_flow.wording.replay_row import TrialReplayRow
from ..controls.mail import Mail, difference_of
from ..procedures.baseline_context import BaselineContext
from ..procedures.managed_controls import ManagedControls

#: Lines of a trial on the terminal.
_LINES = 3


def plans_enforcing(controls: ManagedControls, organization: Organization) -> dict[str, Plan]:
    """The rules on trial by their names, each with the plan that would enforce it; without those of which none can be
    made.
    """
    plans = {}
    for trial in controls.trials(organization):
        try:
            plans[trial.name] = controls.enforcing(organization, trial)
        except ExchangeError:
            continue  # What keeps the rules from being planned is refused, or said of their control.
    return plans


def rows_of_trials(
    task: BaselineContext,
    controls: ManagedControls,
    known: Callable[[], Organization],
    plan: Plan,
    enforcing: Mapping[str, Plan],
    replays: Mapping[str, TrialReplayRow],
    evidence: EvidenceResultRow | None,
) -> list[TrialRow]:
    """The rules on trial, with how mail would be treated differently if the rule were enforced, how much of the mail of
    the last days, and what Exchange reports. Shows a few lines of each.

    :param known: reads the organization, and what decides about mail.
    :param enforcing: their names, with what would enforce them instead of the plan.
    :param replays: their names, with what a replay found of that.
    :param evidence: what Exchange reports of rules; ``None`` if nobody asked.
    """
    if not enforcing:
        return []
    organization = known()
    now = Mail.of_organization(organization)
    rows = []
    for trial in controls.trials(organization):
        if trial.name not in enforcing:
            continue
        difference, more = difference_of(now.after(plan), now.after(enforcing[trial.name]))
        row = replace(
            trial.row,
            difference=tuple(difference),
            difference_more=more,
            replay=replays.get(trial.name),
            evidence=_reported(trial.rule, evidence),
        )
        rows.append(row)
        # AWX stores the terminal in its events.
        for line in trial_lines(row, most=1, domains="job_id" not in task.params["awx"])[:_LINES]:
            task.say(line)
    return rows


def _reported(name: str, evidence: EvidenceResultRow | None) -> TrialEvidenceRow | None:
    """What Exchange reports of a rule, with the window; ``None`` if nobody asked."""
    if not isinstance(evidence, EvidenceRow):
        return None
    reported = (TrialEvidenceRow(**vars(rule), window=evidence.window) for rule in evidence.rules if rule.name == name)
    return next(reported, None)
