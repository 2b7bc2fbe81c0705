# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that tell somebody of a message."""

from __future__ import annotations

from collections.abc import Collection

from ..._resources.rules.action_effects import Does
from ..model.addresses import person
from .act import Act, ActingRule, Action, Scene, World

#: What an incident report has in it with the whole message.
WHOLE = "attachoriginalmail"

# The effect on a message


def tell(act: Act, world: World) -> list[World]:
    """The world after the reports and notifications of the rule."""
    return [with_reports(act.rule, world, act.scene, act.rule.actions.options) if Does.REPORT in act.does else world]


def with_reports(rule: ActingRule, world: World, scene: Scene, options: Collection[str]) -> World:
    """The world with the reports that some options of a rule send."""
    reports = []
    if "generate_incident_report" in options:
        reports.append(("incident_report", rule.name, str(rule.actions.options["generate_incident_report"])))
    if "generate_notification" in options:
        reports.append(("notification", rule.name, scene.recipient.label))
    return world.with_changes(notified=(*world.notified, *reports)) if reports else world


# Who else sees a message


def reported_whole_to(rule: ActingRule) -> str | None:
    """The person who gets incident reports with the original mail; ``None`` if nobody does."""
    options = rule.actions.options
    content = options.get("incident_report_content") or ()
    parts = {str(part).lower() for part in ([content] if isinstance(content, str) else content)}
    if "generate_incident_report" not in options or WHOLE not in parts:
        return None
    return person(str(options["generate_incident_report"]))


# The rows

#: The actions.
TELL: tuple[Action, ...] = (
    Action("generate_incident_report", in_audit=("Audit", "AuditAndNotify")),
    Action("incident_report_content"),
    Action("generate_notification", in_audit=("AuditAndNotify",)),
    Action("set_audit_severity"),
)
