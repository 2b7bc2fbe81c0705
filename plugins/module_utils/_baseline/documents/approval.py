# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: which plan was approved, whether it is the plan that is needed now, and whether a run has already used it.

An approval covers one plan of one run. Its digest identifies what was read and approved; the run identifies the plan,
because after a rollback the same change has the same digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..controls.findings import PREFIX, Finding, allow
from .artifacts import Artifacts
from .plan_document import PlanDocument, moved, read_plan
from .snapshot import read_snapshot
from .snapshot_chain import TakenApproval

#: The variable that refuses to write without an approved plan.
REQUIRE_APPROVAL = f"{PREFIX}require_approval"

_AGAIN = "a check-mode run, and the approval of its plan"
_VALID_UNTIL = f"{allow('approval_valid_until', '<date>')}, until which the approval counts for more than one run"


@dataclass(frozen=True)
class Approval:
    """A plan that was approved.

    :param digest: its digest.
    :param plan: its document; ``None`` if only the digest is known.
    :param missing: why it is not known, as a sentence.
    :param run: the run that made the plan; empty if that is not known, so that any use of the digest counts.
    """

    digest: str
    plan: PlanDocument | None
    missing: str = ""
    run: str = ""


def approval_of(variables: Mapping[str, Any], artifacts: Artifacts) -> Approval | None:
    """The approved plan that the variables name; ``None`` if they name none. Raises OptionError if a file is not an
    approved plan.
    """
    approved = str(variables.get("approved_plan") or "")
    if not approved:
        return None
    if not approved.startswith("sha256:"):
        plan = read_plan(artifacts.plans.load(approved), approved)
        return Approval(plan.digest, plan, run=plan.run)
    approval = _with_digest(artifacts, approved)
    owner = "" if approval.plan else artifacts.plans.owner_of(approved)
    if not owner:
        return approval
    return replace(approval, missing=f"It is the digest of the plan for {owner}: an approval is for one organization.")


def approval_findings(
    approval: Approval | None,
    plan: PlanDocument,
    variables: Mapping[str, Any],
    artifacts: Artifacts,
    *,
    writes: bool,
    named: bool = False,
) -> list[Finding]:
    """The findings about the approval of a plan.

    :param plan: the plan that is needed now.
    :param writes: whether the run would write.
    :param named: whether the run was started with the variable for it, perhaps empty, as from a script's unset one.
    """
    if approval is None:
        if not writes or not (named or variables.get("require_approval")):
            return []
        text = f"The extra variable {PREFIX}approved_plan is empty, so no plan was approved."
        if variables.get("require_approval"):
            text = f"{REQUIRE_APPROVAL} is true, but no plan was approved."
        return [Finding("approved_plan", text, f"{_AGAIN}, as {allow('approved_plan', '<file, or sha256:...>')}")]
    findings = _moved(approval, plan)
    if not plan.changes or variables.get("approval_valid_until"):
        return findings  # Another finding covers an approval that has expired.
    return [*findings, *used(approval.digest, approval.run, artifacts)]


def _moved(approval: Approval, plan: PlanDocument) -> list[Finding]:
    """The findings if the plan that is needed now goes beyond the approved plan."""
    if approval.plan is not None:
        return [Finding("approved_plan", f"{difference}.", _AGAIN) for difference in moved(approval.plan, plan)]
    if approval.digest == plan.digest:
        return []
    text = f"{approval.digest} was approved, but the digest of the plan is now {plan.digest}. {approval.missing}"
    return [Finding("approved_plan", text, _AGAIN)]


def used(digest: str, planned_by: str, artifacts: Artifacts, *, own: str = "") -> list[Finding]:
    """A finding if a run has already taken an approval, which its snapshot records, also in its name. If that snapshot
    cannot be read, it is unknown.

    :param planned_by: the run that made the approved plan; empty if that is not known.
    :param own: the snapshot of the run that asks.
    """
    for link in artifacts.snapshots.chain().links:
        if not link.approved or not digest.removeprefix("sha256:").startswith(link.approved) or link.path == own:
            continue
        try:
            snapshot = read_snapshot(artifacts.load(link.path), link.path)
        except OptionError as error:
            return [_taken(f"whether a run took the approval of {digest} before is unknown: {error}")]
        if TakenApproval(snapshot.approved_plan, snapshot.approved_run, snapshot.run).is_of(digest, planned_by):
            return [
                _taken(
                    f"{digest} was approved for one run, and the run of {snapshot.created_at} took it ({link.path})."
                )
            ]
    others = [taken for taken in artifacts.snapshots.taken_approvals(digest) if taken.is_of(digest, planned_by)]
    return [
        _taken(
            f"{digest} was approved for one run, and {taken.run} took it "
            f"({f'for the same organization as {taken.host}' if taken.host else 'its snapshot is no longer kept'})."
        )
        for taken in others[:1]
    ]


def _taken(text: str) -> Finding:
    return Finding("approved_plan", text, f"{_AGAIN}; or {_VALID_UNTIL}")


def _with_digest(artifacts: Artifacts, digest: str) -> Approval:
    """The approval of the newest plan with this digest. It comes from the organization's files: from a check, or from
    the last run that wrote.

    A run that wrote has kept the plan as that run saw it, which does not show which check made the approved one.
    """
    missing = "No file here contains the approved plan, so the differences are unknown."
    last = artifacts.snapshots.chain().last()
    sources: list[tuple[bool, Callable[[], Any]]] = [(True, lambda: artifacts.plans.with_digest(digest))]
    sources += [(False, lambda: artifacts.load(last.path)["plan"])] if last else []
    for checked, source in sources:
        try:
            document = source()
            if not document or document["digest"] != digest:
                continue
        except (OptionError, KeyError, TypeError):
            continue  # A broken file, or a file that is not a plan, is no approval.
        try:
            plan = read_plan(document, "the plan of that digest")
            return Approval(digest, plan, run=plan.run if checked else "")
        except OptionError as error:
            missing = str(error)
    return Approval(digest, None, missing)


def refused_switch(variables: Mapping[str, Any], given_on_launch: frozenset[str]) -> list[str]:
    """Why the variable that requires an approval is refused as an extra variable, which overrides the playbook; nothing
    if it is accepted.

    :param variables: by their full names.
    :param given_on_launch: the names of those that are extra variables.
    """
    value = variables.get(REQUIRE_APPROVAL)
    if REQUIRE_APPROVAL not in given_on_launch or str(value).lower() in ("true", "yes", "on", "1"):
        return []
    return [
        f"{REQUIRE_APPROVAL} is {value!r} as an extra variable (-e, or a launch variable), but only true is accepted there: "
        "a single run cannot switch off approvals. Remove it"
    ]
