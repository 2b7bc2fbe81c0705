# SPDX-License-Identifier: GPL-3.0-or-later
"""An experiment as a task's result, and in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._exchange.text import listed
from ..experiment.letters import LARGEST, TEXTS
from ..experiment.reach import ANYBODY
from ..experiment.sampling import Demonstration, Planned, Sample, Unsent
from ..input.messages import broken
from .reasons import worded

#: Why a message is not sent.
_UNSENT: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "described": lambda names: f"mail cannot be sent with {listed(names, joint='and')}, which only describes it",
    "blind_copy": lambda names: "it has recipients whom no header shows (bcc)",
    "attachment": lambda names: (
        f"the file {listed(names)} cannot be written, only plain text can ({listed(TEXTS)}): use eml_path"
    ),
    "large": lambda names: f"it has {listed(names)} bytes, and at most {LARGEST:,} are sent",
    "address": lambda names: f"{listed(names, chr(39))} is no plain address",
    "header": lambda names: (
        f"the header {listed(names)} cannot be sent, only headers of your own that begin with X- can"
    ),
    "several_senders": lambda names: "its From field has several addresses",
    "sender": lambda names: f"it is from {listed(names)}, which is not in senders",
    "recipient": lambda names: (
        f"it is to {listed(names, joint='and')}, not in recipients" if names else "it has no recipient"
    ),
    "limit": lambda names: "there are max_messages before it",
    "idle": lambda names: "the rule never acts: it is disabled, or belongs to a DLP policy",
    "nobody": lambda names: "no plain message from senders to recipients shows it",
}

#: What a goal is.
_GOALS: Mapping[str, Callable[[Demonstration], str]] = {
    "acts": lambda goal: f"the rule {goal.name!r} acts",
    "misses": lambda goal: f"the rule {goal.name!r} just does not act",
    "about": lambda goal: f"the guarantee {goal.name!r} covers it",
    "beside": lambda goal: f"the guarantee {goal.name!r} just does not cover it{f' ({goal.by})' if goal.by else ''}",
    "protects": lambda goal: f"the rule {goal.rule!r} protects what the guarantee {goal.name!r} covers",
    "idle": lambda goal: f"the rule {goal.name!r} acts",
}

#: Why it is not known who else may get a copy.
_OPEN: Mapping[str, str] = {
    "names": "rules name people whose addresses are not known",
    "budget": "the rules are too complex for it",
    "rules": "a rule does something unknown",
    "journal_rules": "the journal rules cannot be read",
}


def goal_text(goal: Demonstration) -> str:
    """What a message shows."""
    return _GOALS[goal.kind](goal)


def unsent_row(unsent: Unsent) -> dict[str, Any]:
    """What is not sent, as a result has it."""
    name = unsent.name or (goal_text(unsent.goal) if unsent.goal else "")
    return {"name": name, "why": unsent.kind, "reason": f"{_UNSENT[unsent.kind](unsent.names)}."}


def planned_row(planned: Planned) -> dict[str, Any]:
    """A message that is planned, as a result has it."""
    missed = broken(planned.expect, planned.predicted)
    row: dict[str, Any] = {
        "name": planned.letter.name,
        "message": dict(planned.options),
        "message_id": planned.letter.message_id,
        "recipients": {address: {"predicted": result} for address, result in worded(planned.predicted).items()},
        "shows": [goal_text(goal) for goal in planned.goals],
        "may_get": [*planned.reach.inside, *planned.reach.outside],
        "unexpected": [
            {"recipient": each.recipient, "key": each.key, "expected": each.wanted, "predicted": each.found}
            for each in missed
        ],
    }
    return {key: value for key, value in row.items() if value != []}


def refused_text(planned: Sequence[Planned], may_reach: Iterable[str]) -> str:
    """Who may get a copy although nobody allowed it; empty if there is none."""
    allowed = list(may_reach)
    addresses: dict[str, None] = {}
    why: dict[str, None] = {}
    for each in planned:
        refused = each.reach.refused(allowed)
        addresses.update(dict.fromkeys(address for address in refused if address != ANYBODY))
        if ANYBODY in refused:
            why.update(dict.fromkeys(_OPEN[word] for word in each.reach.open))
    parts = []
    if addresses:
        parts.append(f"by rules, {listed(list(addresses), joint='and')} may get copies")
    if why:
        parts.append(f"it is not known who may get copies ({'; '.join(why)})")
    return ", and ".join(parts)


def plan_lines(plan: Sample) -> list[str]:
    """What would be sent, without addresses and subjects."""
    count = len(plan.messages)
    lines = [f"Would send {count} message{'' if count == 1 else 's'}."]
    for planned in plan.messages:
        shows = f": {'; '.join(map(goal_text, planned.goals))}" if planned.goals else ""
        lines.append(f"  {planned.letter.name}{shows}")
        lines += [
            f"    Not as expected: {each.key or 'the recipient'} is computed as {each.found!r}, not {each.wanted!r}."
            for each in broken(planned.expect, planned.predicted)
        ]
    lines += [f"Not sent: {row['name']}: {row['reason']}" for row in map(unsent_row, plan.unsent)]
    return lines
