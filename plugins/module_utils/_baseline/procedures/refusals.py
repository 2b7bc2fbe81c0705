# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is refused, found before the first write, in one list."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._exchange.organization import Organization
from ..._exchange.permissions import not_granted
from ..._exchange.tenant import SessionDescription, why_another
from ..._resources.irm_configuration import IRM_CONFIGURATION, LICENSING
from ..._resources.mailbox_policies import BUILT_IN_OWA_POLICY, OWA_MAILBOX_POLICY
from ..controls.acceptance import moment
from ..controls.controls import control_of
from ..controls.findings import PREFIX, Finding, allow
from ..documents.artifacts import Artifacts
from ..documents.change import PlannedChange
from ..documents.status import RollbackClass
from .baseline_context import BaselineContext


def organization_refusals(organization: Organization, plan: Plan, expected: str) -> list[Finding]:
    """The findings about any plan for this organization.

    :param expected: the organization that the inventory names.
    """
    return [
        *organization_findings(organization, expected),
        *encryption_findings(plan),
        *dehydration_findings(organization, plan),
        *cmdlet_findings(organization, plan),
    ]


def organization_findings(organization: Organization, expected: str) -> list[Finding]:
    """The findings about the organization itself."""
    error = organization.error("organization")
    if error is not None:
        return [Finding.acceptable("organization", f"it cannot be identified: {error}", "unidentified_organization")]
    findings = []
    another = why_another(organization.identity, expected)
    if another:
        findings.append(Finding("organization", f"{another}."))
    if organization.identity.on_premises:
        findings.append(
            Finding.acceptable(
                "organization",
                "it is on-premises, where most features of message encryption do not exist.",
                "on_premises",
            )
        )
    return findings


def encryption_findings(plan: Plan) -> list[Finding]:
    """The findings about changes that turn encryption itself off."""
    off = [
        change
        for change in plan.changes
        if change.resource == IRM_CONFIGURATION.name and change.option in LICENSING and change.after is False
    ]
    return [
        Finding.acceptable(
            control_of(change.resource, change.identity, change.option) or "encryption",
            f"{change.option} would become false. That turns encryption off: nobody can protect mail, and what rules that encrypt do then is unknown.",
            "encryption_off",
        )
        for change in off
    ]


def dehydration_findings(organization: Organization, plan: Plan) -> list[Finding]:
    """The findings about changes that Exchange refuses in a dehydrated organization, which every new one is."""
    if not organization.identity_or_unknown.is_dehydrated:
        return []
    touched = [
        change
        for change in plan.changes
        if change.resource == OWA_MAILBOX_POLICY.name and same_name(change.identity, BUILT_IN_OWA_POLICY)
    ]
    return [
        Finding(
            control_of(change.resource, change.identity, change.option),
            f"{change.identity!r} is built in: Exchange allows changes to such a policy only after Enable-OrganizationCustomization in this organization. "
            "That cannot be undone, so run it yourself if you agree.",
            f"{allow('mailbox_policies', 'warn')}, or {PREFIX}mailbox_policy_names without this one, which leaves the policy alone",
        )
        for change in touched
    ]


def cmdlet_findings(organization: Organization, plan: Plan) -> list[Finding]:
    """A finding for each cmdlet that the plan needs but the session does not have."""
    if not organization.available("exported_cmdlets"):
        return []
    return [
        Finding("permissions", text) for text in not_granted(organization, (step.call.cmdlet for step in plan.steps))
    ]


def rollback_findings(changes: Sequence[PlannedChange]) -> list[Finding]:
    """The findings about changes that a rollback could not undo."""
    return [
        Finding.acceptable(
            change.control or "rollback",
            f"{change.option} of {change.subject} could not be rolled back.",
            "irreversible",
        )
        for change in changes
        if change.rollback is RollbackClass.NOT_POSSIBLE
    ]


def confirmation_findings(variables: Mapping[str, Any], hosts: Sequence[str]) -> list[Finding]:
    """The findings about a rollback of several organizations whose names are not confirmed."""
    confirmed = variables.get("confirm_rollback") or []
    if len(hosts) < 2 or sorted(confirmed) == sorted(hosts):
        return []
    value = f"it is {', '.join(confirmed)}" if confirmed else "it is not set"
    text = f"this run rolls back {len(hosts)} organizations. The list of their names must confirm this, but {value}."
    names = json.dumps(list(hosts), ensure_ascii=False)
    # In "-e", Ansible takes a line of YAML for nothing.
    typed = f"""-e '{{"{PREFIX}confirm_rollback": {names}}}'"""
    return [Finding("confirm_rollback", text, f"{allow('confirm_rollback', names)}, or in a command {typed}")]


def session_findings(session: SessionDescription, *, writes: bool) -> list[Finding]:
    """What is refused about the session. Nothing allows it."""
    if not writes or not session.read_only:
        return []
    if session.transport == "file":
        return [
            Finding(
                "session",
                "ansible_exchange_transport is file, and a capture can only be read. Add --check, or use another transport.",
            )
        ]
    text = "it was opened by a person who signed in (ansible_exchange_device_code or ansible_exchange_interactive), which is for a look."
    return [
        Finding("session", f"{text} Add --check, or register an application and set ansible_exchange_certificate_path.")
    ]


def expired_approval(variables: Mapping[str, Any]) -> list[Finding]:
    """A finding if the approval no longer counts."""
    until = variables.get("approval_valid_until")
    if not until or moment(str(until), f"{PREFIX}approval_valid_until") > datetime.datetime.now(datetime.UTC):
        return []
    remedy = "a new approval, and its " + allow("approval_valid_until", "<date>")
    return [Finding("approval", f"the approval expired on {until}.", remedy)]


def run_findings(variables: Mapping[str, Any], awx: Mapping[str, Any], *, writes: bool) -> list[Finding]:
    """The findings about the run itself."""
    findings = expired_approval(variables)
    if (
        writes
        and awx.get("job_id")
        and not variables.get("artifacts_durable")
        and not variables.get("artifacts_publish")
    ):
        text = "AWX deletes the directory of a job, including the snapshot, and a rollback is not possible without it."
        findings.append(
            Finding("artifacts", text, f"{allow('artifacts_publish', '<task file>')} or {allow('artifacts_durable')}")
        )
    return findings


def check_ring(task: BaselineContext, artifacts: Artifacts) -> None:
    """Refuses to enter a ring after one that failed. Core itself goes on as long as one organization of the ring did
    not fail.
    """
    failed = (
        artifacts.notes.marked("failed", [host for host in task.hosts if host not in task.batch])
        if task.params.get("rings") and not task.check_mode
        else []
    )
    if failed:
        raise OptionError(
            f"Nothing was read or written, because an earlier ring failed: {', '.join(failed)}.",
            remedy="Find out why, and run the playbook again.",
        )
