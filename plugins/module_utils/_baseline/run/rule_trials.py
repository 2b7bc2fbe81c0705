# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules on trial would do to mail if they were enforced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import Organization
from ..._mail_flow.wording.plans import trial_lines
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
    replays: Mapping[str, Any],
    evidence: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The rules on trial: ``name``, ``rule``, ``since``, ``until``, ``expired``, how mail would be treated differently
    if the rule were enforced (``difference``, ``difference_more``), how much of the mail of the last days (``replay``),
    and what Exchange reports (``evidence``). Shows a few lines of each.

    :param known: reads the organization, and what decides about mail.
    :param enforcing: their names, with what would enforce them instead of the plan.
    :param replays: their names, with what a replay found of that.
    :param evidence: what Exchange reports of rules, as ``mail_flow_evidence`` returns it; empty if nobody asked.
    """
    if not enforcing:
        return []
    organization = known()
    now = Mail.of_organization(organization)
    rows = []
    for trial in controls.trials(organization):
        if trial.name not in enforcing:
            continue
        replay = {"replay": replays[trial.name]} if trial.name in replays else {}
        difference, more = difference_of(now.after(plan), now.after(enforcing[trial.name]))
        differs = {"difference": [row.as_row() for row in difference], "difference_more": more}
        rows.append({**trial.as_dict(), **differs, **replay, **_reported(trial.rule, evidence)})
        # AWX stores the terminal in its events.
        for line in trial_lines(rows[-1], most=1, domains="job_id" not in task.params["awx"])[:_LINES]:
            task.say(line)
    return rows


def _reported(name: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What Exchange reports of a rule, with the window; nothing if nobody asked."""
    rules = [rule for rule in evidence.get("rules", ()) if rule["name"] == name]
    return {"evidence": {**rules[0], "window": evidence["window"]}} if rules else {}
