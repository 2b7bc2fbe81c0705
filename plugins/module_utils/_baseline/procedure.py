# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role does, in two halves: everything before the first write, and the writing. Private to the collection.

Every procedure (baseline, audit, snapshot, rollback, disable) is a planner with a preflight, and goes the same way: one read,
one list of findings, a plan with a digest, a snapshot, then the engine with that planner, then what the organization is like.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeAlias

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.acceptance import Acceptance
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.approval import (
    REQUIRE_APPROVAL,
    approval_findings,
    approval_of,
    refused_switch,
    used,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.baseline import Baseline, observed
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.chain import Chain
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import (
    CONTROL,
    CONTROL_VARIABLES,
    acceptable_words,
    known_variables,
    profile_values,
    variables_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.disable import Disable
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.findings import PREFIX, Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.plan import (
    digest_of,
    documented,
    named,
    plan_document,
    unplanned,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.preflight import (
    cmdlet_findings,
    confirmation_findings,
    dehydration_findings,
    organization_findings,
    rollback_findings,
    run_findings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.rollback import Rollback
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.sentences import drift_sentence
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.snapshot import SnapshotReference, check_snapshot, take
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.tags import tag_errors
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import MAIL_FACTS, SUBSETS, Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.suggestions import meant
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import describe_organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.cases import cases_of

BASELINE, AUDIT, SNAPSHOT, ROLLBACK, DISABLE = PROCEDURES = ("baseline", "audit", "snapshot", "rollback", "disable")

#: Procedure to the role's entry point.
_ENTRIES = {BASELINE: "main", AUDIT: "audit", SNAPSHOT: "snapshot", ROLLBACK: "rollback", DISABLE: "disable"}

#: What every procedure reads: neither what the session may run nor what only answers about mail need.
READ = [subset for subset in SUBSETS if subset not in ("exported_cmdlets", *MAIL_FACTS)]

DEFAULT_DIRECTORY = "./message_encryption"

#: What the modules of the role take in common.
PROCEDURE_ARGUMENT_SPEC: dict[str, Any] = {
    "procedure": {"type": "str", "required": True, "choices": list(PROCEDURES)},
    "variables": {"type": "dict"},
    "run_tags": {"type": "list", "elements": "str", "default": []},
    "skip_tags": {"type": "list", "elements": "str", "default": []},
}


class Artifacts(Protocol):
    """The files of one organization, on the controller, as a procedure of a run sees them."""

    @property
    def run(self) -> str:
        """The name of the run's folder."""

    def begin(self) -> None:
        """Begins the procedure: what an earlier one of this run kept does not count."""

    def remember(self, found: Mapping[str, Any]) -> None:
        """Keeps what a task of this run found for the tasks that follow."""

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have found so far."""

    def load(self, path: str) -> Any:
        """What a JSON file holds; an OptionError says why it cannot be read."""

    def load_plan(self, path: str) -> Any:
        """The organization's plan: in a file, or in the folder of a run. An OptionError says why there is none."""

    def store_plan(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan. Gives its path."""

    def plan_with(self, digest: str) -> Any:
        """The plan of an earlier run that has this digest; ``None`` where there is none."""

    def chain(self) -> Chain:
        """The snapshots."""

    def used_approval(self, digest: str) -> str:
        """The run that has used an approval, where retention has removed its snapshot since; empty where there is none."""

    def store_snapshot(self, document: Mapping[str, Any]) -> str:
        """Writes a snapshot under a name of its own. Gives its path."""

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Remembers that a snapshot has been rolled back."""

    def store_report(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report, with their SHA256SUMS. Gives their paths."""

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """The reports of the organizations that this run has reported on so far."""

    def cut_snapshots(self, keep: int) -> None:
        """Removes snapshots at the chain's old end, beyond ``keep`` of them."""

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs, beyond ``keep`` of each procedure."""


@dataclass
class BaselineContext(ModuleContext):
    """A task of the role.

    :param host: the organization's name in the inventory.
    :param hosts: those of all organizations of the run.
    :param artifacts: gives the files of the organization below a directory.
    :param command: how the playbook was called, without its check mode.
    :param renderers: file name of a report's form to what makes its text.
    :param given_on_launch: the full names of the role's variables that are extra variables.
    """

    host: str = ""
    hosts: Sequence[str] = ()
    ansible_version: str = ""
    command: str = ""
    artifacts: Callable[[str], Artifacts] = field(kw_only=True)
    renderers: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    given_on_launch: frozenset[str] = frozenset()


Procedure: TypeAlias = "Baseline | Disable | Rollback | None"


@dataclass
class Preparation:
    """What a task of the role starts with.

    :param procedure: the planner; ``None`` where nothing is to be planned.
    :param snapshot: the path of the snapshot that is rolled back.
    """

    kind: str
    variables: dict[str, Any]
    artifacts: Artifacts
    procedure: Procedure
    acceptance: Acceptance
    snapshot: str = ""

    @property
    def reference(self) -> SnapshotReference | None:
        """Which snapshot is rolled back; ``None`` where none is."""
        if not isinstance(self.procedure, Rollback):
            return None
        snapshot = self.procedure.snapshot
        return SnapshotReference(self.snapshot, snapshot["created_at"], snapshot["run"], self.procedure.scope)

    def planner(self, *, check_mode: bool = False) -> Callable[[Organization], Plan]:
        """From an organization to what is left to do."""

        def plan(organization: Organization) -> Plan:
            if self.procedure is None:
                return Plan()
            procedure = self.procedure.licensed(organization)[0] if isinstance(self.procedure, Baseline) else self.procedure
            return procedure.plan(organization, check_mode=check_mode)

        return plan


def variables_read(kind: str) -> set[str]:
    """The full names of the variables that a procedure reads. Others are looked at for their names only."""
    return set(variables_of(_ENTRIES.get(kind, "main")))


#: Those that a report shows, or is written to.
REPORTED = {PREFIX + name for name in ("artifacts_dir", "keep_runs", "change_reference", "approver", "approval_valid_until")}


def checked_variables(
    variables: Mapping[str, Any], kind: str, find_file: Callable[[str], bytes], given_on_launch: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The role's variables without their prefix, with their types. An OptionError names everything that is wrong with them.

    :param variables: by their full names. ``None`` leaves a control unmanaged, and of anything else is the default, as if it were not there.
    :param given_on_launch: the names of those that are extra variables.
    """
    spec = variables_of(_ENTRIES[kind])
    errors = [unknown_variable(name) for name in sorted(set(variables) - known_variables())]
    errors += refused_switch(variables, given_on_launch) if REQUIRE_APPROVAL in spec else []
    given = {name: value for name, value in variables.items() if value is not None or name.removeprefix(PREFIX) in CONTROL_VARIABLES}
    variables = {**profile_values(variables.get(f"{PREFIX}profile")), **given}
    # true and false are how people say that they want such a rule as it comes, or none.
    values = {name: _switched(value) if spec[name]["type"] == "dict" else value for name, value in variables.items() if name in spec}
    values = {name: value for name, value in values.items() if value is not None}
    validation, refused = validate(values, {name: dict(row) for name, row in spec.items()})
    errors = [*refused, *errors]
    if errors:
        raise OptionError("; ".join(errors))
    checked = {name.removeprefix(PREFIX): value for name, value in validation.validated_parameters.items() if value is not None}
    if checked.get("keep_runs", 0) < 0:
        raise OptionError(f"{PREFIX}keep_runs must be 0 or more, not {checked['keep_runs']}.")
    if checked.get("messages"):
        checked["messages"] = cases_of(checked["messages"], find_file, datetime.datetime.now(datetime.UTC), f"{PREFIX}messages")
    branding = checked.get("branding")
    if branding and branding.get("image_path"):
        content = base64.b64encode(find_file(branding["image_path"])).decode("ascii")
        checked["branding"] = {**branding, "image_path": None, "image_content": content}
    return checked


def unknown_variable(name: str) -> str:
    """What is said of a variable that the role does not have: almost always one that is misspelt."""
    return f"{name} is not a variable of this role{meant(name, known_variables())}"


def prepare(task: BaselineContext) -> Preparation:
    """The procedure that a task's options ask for."""
    kind = task.params["procedure"]
    tags = [*task.params["run_tags"], *task.params["skip_tags"]]
    errors = tag_errors(tags, selects=kind in (BASELINE, AUDIT), only_controls=bool(task.params.get("only_control_tags")))
    if errors:
        raise OptionError(" ".join(errors), remedy=f"The controls are {', '.join(CONTROL)}.")
    variables = checked_variables(task.params["variables"] or {}, kind, task.find_file, task.given_on_launch)
    artifacts = task.artifacts(directory_of(variables))
    acceptance = Acceptance(variables.get("accept") or (), acceptable_words())
    if kind in (BASELINE, AUDIT):
        return Preparation(kind, variables, artifacts, Baseline(variables, task.params["run_tags"], task.params["skip_tags"]), acceptance)
    if kind == DISABLE:
        stages = (task.params["stage"],) if task.params.get("stage") else ("rules", "settings")
        return Preparation(kind, variables, artifacts, Disable(variables["disable_rules"], stages), acceptance)
    if kind == SNAPSHOT:
        return Preparation(kind, variables, artifacts, None, acceptance)
    path = task.params.get("snapshot") or _choose_snapshot(artifacts, variables)
    return Preparation(kind, variables, artifacts, rollback_of(artifacts, path, variables) if path else None, acceptance, path)


def _switched(value: Any) -> Any:
    """A dictionary that may also be said with one word; ``-e`` makes that word a text."""
    try:
        return {} if boolean(value) else None
    except TypeError:
        return value


def rollback_of(artifacts: Artifacts, path: str, variables: Mapping[str, Any], *, scope: str = "") -> Rollback:
    """The way back from the snapshot in a file, once it is checked."""
    snapshot = check_snapshot(artifacts.load(path), path)
    return Rollback(
        snapshot,
        scope=scope or variables["rollback_scope"],
        remove_templates=bool(variables.get("remove_created_templates")),
        force=bool(variables.get("rollback_force")),
        later=_changed_since(artifacts, snapshot["id"]),
    )


def _changed_since(artifacts: Artifacts, id_: str) -> list[Mapping[str, Any]]:
    """The changes that runs planned after a snapshot, oldest first. A file that cannot be read tells of none: what it made passes for work of others."""
    changes: list[Mapping[str, Any]] = []
    for link in artifacts.chain().after(id_):
        with contextlib.suppress(OptionError):
            changes += (check_snapshot(artifacts.load(link.path), link.path)["plan"] or {}).get("changes", ())
    return changes


def preflight(task: BaselineContext) -> dict[str, Any]:
    """Everything before the first write: reads, finds what is refused, plans, and takes the snapshot.

    :raises OptionError: with all findings.
    """
    task.artifacts(directory_of(for_report(task))).begin()
    prepared = prepare(task)
    # An audit never writes, and a play may be told so, too.
    check_mode = task.check_mode or prepared.kind == AUDIT
    organization = _read(task, prepared)
    plan, findings, procedure = _planned(task, prepared, organization, check_mode=check_mode)
    changes = documented(organization, plan, "planned")
    findings += organization_findings(organization, task.params["expected_organization"]) if prepared.kind != SNAPSHOT else []
    writes = not check_mode and (bool(changes) or prepared.kind == SNAPSHOT)
    findings += dehydration_findings(organization, plan) + cmdlet_findings(organization, plan)
    findings += run_findings(prepared.variables, task.params["awx"], writes=writes)
    if prepared.kind in (BASELINE, DISABLE):
        findings += rollback_findings(changes)
    findings = prepared.acceptance.left(findings)
    who = _who(organization)
    wishes = procedure.wishes() if isinstance(procedure, (Baseline, Disable)) else {}
    wishes = {**wishes, "accept": prepared.acceptance.shown(), "skip": list(prepared.variables.get("skip") or ())}
    document = plan_document(prepared.kind, who, wishes, plan, changes)
    approval = None
    if prepared.kind in (BASELINE, DISABLE):
        approval = approval_of(prepared.variables, prepared.artifacts)
        findings += approval_findings(approval, document, prepared.variables, prepared.artifacts, writes=writes)
    task.warnings += plan.warnings
    task.places |= plan.places
    if prepared.kind == ROLLBACK:
        task.say(_goes_back(prepared, changes, check_mode=check_mode))
    report = _report(task, prepared.kind, organization, procedure, changes, [] if prepared.kind == AUDIT else findings, plan.warnings)
    report["digests"] = {"plan": document["digest"], "snapshot": "", "state": _state_digest(organization)}
    report["accepted"] = prepared.acceptance.reported()
    report["snapshot"] = asdict(prepared.reference) if prepared.reference else None
    result: dict[str, Any] = {
        "changed": False,
        "organization": who,
        "pending": bool(changes),
        "writes": writes,
        "digest": document["digest"],
        "plan": "",
        "snapshot": prepared.snapshot,
    }
    if check_mode:
        result.update(changed=bool(changes) and prepared.kind != AUDIT, changes=changes)
    if prepared.kind == AUDIT:
        result["msg"] = drift_sentence(changes)
    if check_mode and prepared.kind in (BASELINE, DISABLE):
        result["plan"] = prepared.artifacts.store_plan(document)
    prepared.artifacts.remember({"report": report})
    if findings and prepared.kind != AUDIT:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}, and nothing was written:"
        line = prepared.acceptance.line(findings)
        refusal = OptionError("\n".join([count, *(f"- {finding}" for finding in findings), *([f"To allow all of them: {line}"] if line else [])]))
        refusal.progress = result
        raise refusal
    if report["status"] == "not_assessable":
        # An audit that could read nothing must not pass for one that found nothing.
        raise ExchangeError(f"Nothing could be assessed: {next(finding for control in report['controls'] for finding in control['findings'])}")
    if prepared.kind == SNAPSHOT or (writes and prepared.kind in (BASELINE, DISABLE)):
        previous = prepared.artifacts.chain().last()
        snapshot = take(
            organization,
            document if changes else None,
            previous=previous.id if previous else "",
            run=prepared.artifacts.run,
            approved_plan=approval.digest if approval else "",
        )
        result["snapshot"] = prepared.artifacts.store_snapshot(snapshot)
        report["digests"]["snapshot"] = snapshot["digest"]
        report["snapshot_file"] = result["snapshot"]
        prepared.artifacts.remember({"report": report})
    if isinstance(procedure, Rollback) and not changes and not check_mode:
        _count_as_rolled_back(task, prepared, procedure, prepared.snapshot, organization)
    if writes:
        once = approval is not None and not prepared.variables.get("approval_valid_until")
        cleared = {"snapshot": result["snapshot"], "approved_once": approval.digest if approval and once else ""}
        prepared.artifacts.remember({"report": report, "cleared": cleared})
    return result


def apply(task: BaselineContext) -> dict[str, Any]:
    """The writing: runs the engine with the procedure's planner, if what is left to do is what was planned.

    :raises ExchangeError: with ``progress`` saying what was written and what was not.
    """
    prepared = prepare(task)
    report: dict[str, Any] = prepared.artifacts.remembered().get("report") or {}
    if not report:
        raise ExchangeError(
            "There is no plan of this run, so nothing was written.", remedy="Run m365.message_encryption.baseline_plan first, in the same playbook run."
        )
    if not task.check_mode:
        _check_cleared(prepared)
    planner = _guarded(prepared, report["changes"])
    subsets = prepared.procedure.subsets if prepared.procedure else []
    try:
        result = converge(task, subsets, planner)
    except ExchangeError as error:
        error.progress = _after_failure(task, prepared, error, report)
        _keep(task, prepared, report, error.progress)
        raise
    if task.check_mode:
        return result
    made = _keys(result["changes"])
    changes = [{**row, "state": "stored" if _key(row) in made else row["state"]} for row in report["changes"]]
    _settle(report, task, changes, status="changed")
    _keep(task, prepared, report, result)
    try:
        if isinstance(prepared.procedure, Rollback):
            _count_as_rolled_back(task, prepared, prepared.procedure, prepared.snapshot, read(task.session, prepared.procedure.subsets, fresh=True))
        report.update(_assessed(task, prepared))
    except ExchangeError as error:
        # Everything is stored, and that is what the task says; what comes after it is the report's.
        task.warnings.append(f"Everything is stored. What comes after it failed: {error}")
    report["warnings"] = list(dict.fromkeys([*report["warnings"], *task.warnings]))
    _keep(task, prepared, report, result)
    return result


def _check_cleared(prepared: Preparation) -> None:
    """Refuses to write what the preflight has not cleared, or what another run has used the approval for since."""
    cleared = prepared.artifacts.remembered().get("cleared")
    if cleared is None:
        raise OptionError(
            "The plan of this run was refused, or was a check only, so nothing was written.",
            remedy="See what the task before this one says. It is not to be passed over, with ignore_errors for instance.",
        )
    if cleared["approved_once"]:
        findings = used(cleared["approved_once"], prepared.artifacts, own=cleared["snapshot"])
        if findings:
            raise OptionError(f"Nothing was written: {findings[0]}")


def _keep(task: BaselineContext, prepared: Preparation, report: dict[str, Any], result: dict[str, Any]) -> None:
    """Keeps what became of the organization for the report; where no file can be written, in the task's own result, which never depends on a disk."""
    try:
        prepared.artifacts.remember({**prepared.artifacts.remembered(), "report": report})
        result.pop("unkept_report", None)
    except OptionError as error:
        task.warnings.append(f"{error} What was done in the organization is in the task's result, and in the report all the same.")
        result["unkept_report"] = report


def _settle(report: dict[str, Any], task: BaselineContext, changes: list[dict[str, Any]], *, status: str) -> None:
    """Puts into a report what became of the changes."""
    applied = sum(row["state"] == "stored" for row in changes)
    report.update(status=status, changes=changes, applied=applied, not_applied=len(changes) - applied)
    report["warnings"] = list(dict.fromkeys([*report["warnings"], *task.warnings]))


def _read(task: BaselineContext, prepared: Preparation) -> Organization:
    """The organization in one round trip. What the session may run is asked only where that matters: there is something to write."""
    needed = prepared.procedure.subsets if prepared.procedure else []
    organization = read(task.session, [subset for subset in SUBSETS if subset in READ or (subset in needed and subset != "exported_cmdlets")], fresh=True)
    try:
        pending = bool(prepared.planner(check_mode=True)(organization).steps)
    except ExchangeError:
        pending = True
    return organization.with_more(read(task.session, ["exported_cmdlets"], fresh=True)) if pending else organization


def _planned(task: BaselineContext, prepared: Preparation, organization: Organization, *, check_mode: bool) -> tuple[Plan, list[Finding], Procedure]:
    """The plan, what is refused about it, and the procedure as the organization's license allows it."""
    procedure = prepared.procedure
    variables = prepared.variables
    if isinstance(procedure, Baseline):
        licensed, findings = procedure.licensed(organization)
        plan, more = licensed.plannable(organization, check_mode=True)
        return plan, [*findings, *more], licensed
    if isinstance(procedure, Disable):
        plan = procedure.plan(organization, check_mode=True)
        return plan, procedure.findings(organization, str(variables.get("confirm_disable") or ""), len(task.hosts)), procedure
    if isinstance(procedure, Rollback):
        plan = procedure.plan(organization, check_mode=True)
        drift = [] if variables.get("rollback_force") else procedure.drift(organization, plan)
        unconfirmed = confirmation_findings(variables, task.hosts)
        if check_mode:
            plan.warnings += [f"The run itself needs {finding.allow}" for finding in unconfirmed]
        return plan, [*drift, *([] if check_mode else unconfirmed)], procedure
    return Plan(), [], None


def _goes_back(prepared: Preparation, changes: Sequence[Mapping[str, Any]], *, check_mode: bool) -> str:
    """Which snapshot a rollback takes and what it puts back, as a sentence."""
    if prepared.reference is None:
        return "Every snapshot of this organization has been rolled back, so there is nothing to put back."
    what = "Nothing is left to put back." if not changes else f"{'It would put' if check_mode else 'It puts'} back {named(changes)}."
    return f"Goes back to {prepared.reference}. {what}"


def _guarded(prepared: Preparation, planned: Sequence[Mapping[str, Any]]) -> Callable[[Organization], Plan]:
    """The planner, which refuses in its first plan what was not planned: nothing has been written then."""

    def check(organization: Organization, plan: Plan) -> None:
        new = unplanned(planned, documented(organization, plan, "planned"))
        if new:
            raise ExchangeError(f"The organization was changed after the plan was made, so nothing was written: {'; '.join(new)}.", remedy="Run it again.")

    return _checked_first(prepared.planner(), check)


def _checked_first(planner: Callable[[Organization], Plan], check: Callable[[Organization, Plan], None]) -> Callable[[Organization], Plan]:
    """The planner, whose first plan is checked: nothing has been written then. Later ones are what is left of it."""
    first = True

    def plan_once_checked(organization: Organization) -> Plan:
        nonlocal first
        plan = planner(organization)
        if first:
            check(organization, plan)
        first = False
        return plan

    return plan_once_checked


def _after_failure(task: BaselineContext, prepared: Preparation, error: ExchangeError, report: dict[str, Any]) -> dict[str, Any]:
    progress = dict(error.progress or {})
    made = _keys(progress.get("changes", ()))
    changes = [{**row, "state": "stored" if _key(row) in made or row["state"] == "stored" else "not applied"} for row in report["changes"]]
    snapshot = task.params.get("snapshot")
    stored = any(row["state"] == "stored" for row in changes)
    try:
        if snapshot and prepared.kind in (BASELINE, DISABLE) and not stored and not progress.get("outcome_unknown"):
            # Where nothing was written there is nothing to come back from, and a rollback means the run before this one. A fresh read has to say so.
            with contextlib.suppress(ExchangeError):
                rollback = rollback_of(prepared.artifacts, snapshot, prepared.variables, scope="changed")
                if not rollback.left(read(task.session, rollback.subsets, fresh=True)):
                    prepared.artifacts.mark_rolled_back(snapshot, rollback.snapshot["digest"])
        elif snapshot and prepared.variables.get("rollback_on_failure"):
            _roll_back(task, prepared, snapshot, made, bool(progress.get("outcome_unknown")))
            error.message = f"{error.message} What had been written was put back."
            changes = [{**row, "state": "not applied"} for row in changes]
    except ExchangeError as second:
        done = "; ".join((second.progress or {}).get("commands", ()))
        error.message = f"{error.message} The rollback failed, too: {second} {f'It had run: {done}. ' if done else ''}The snapshot is {snapshot}."
    _settle(report, task, changes, status="failed")
    report["message"] = str(error)
    return progress


def _roll_back(task: BaselineContext, prepared: Preparation, path: str, made: Collection[tuple[str, str, str]], unknown: bool) -> None:
    """Puts the old state back after a failure: of what was planned, what was done, or may have been.

    :param made: the changes that are known to be stored.
    :param unknown: whether there may be more of them.
    :raises ExchangeError: somebody else was at work on the same, or the rollback failed on its way.
    """
    rollback = rollback_of(prepared.artifacts, path, prepared.variables, scope="changed")
    rollback.recorded = [row for row in rollback.recorded if unknown or _key(row) in made]

    def check(organization: Organization, plan: Plan) -> None:
        drift = [] if prepared.variables.get("rollback_force") else rollback.drift(organization, plan)
        if drift:
            raise OptionError("; ".join(map(str, drift)))

    converge(task, rollback.subsets, _checked_first(rollback.plan, check))
    _count_as_rolled_back(task, prepared, rollback, path, read(task.session, rollback.subsets, fresh=True))


def _count_as_rolled_back(task: BaselineContext, prepared: Preparation, rollback: Rollback, path: str, organization: Organization) -> None:
    """Marks a snapshot as rolled back, if what was freshly read is what it brings back.

    :param organization: as a fresh read shows it.
    """
    left = rollback.left(organization)
    if left:
        task.warnings.append(f"{path.rpartition('/')[2]} does not count as rolled back: {' '.join(left)}")
        return
    try:
        prepared.artifacts.mark_rolled_back(path, rollback.snapshot["digest"])
    except OptionError as error:
        task.warnings.append(f"The organization is as {path.rpartition('/')[2]} has it, and no file says so, because {error}")


def _assessed(task: BaselineContext, prepared: Preparation) -> dict[str, Any]:
    """The controls as they are after the writing. A failed read makes them not assessable, and the run no failure."""
    if not isinstance(prepared.procedure, Baseline):
        return {}
    organization = read(task.session, prepared.procedure.subsets, fresh=True)
    return {"controls": prepared.procedure.licensed(organization)[0].controls(organization), "observed": observed(organization)}


def _choose_snapshot(artifacts: Artifacts, variables: Mapping[str, Any]) -> str:
    """The snapshot that is meant; empty where all of them have been rolled back."""
    if variables.get("rollback_snapshot"):
        return str(variables["rollback_snapshot"])
    chain = artifacts.chain()
    if not chain.links:
        raise OptionError(
            f"There is no snapshot of this organization below {variables['artifacts_dir']}.",
            remedy="A run that has nothing to change takes none. hardened_baseline_rollback_snapshot names a file elsewhere.",
        )
    newest = chain.newest()
    if newest is None:
        return ""
    snapshot = check_snapshot(artifacts.load(newest.path), newest.path)
    if (snapshot["id"], snapshot["previous"]) != (newest.id, newest.previous):
        raise OptionError(f"{newest.path} is the snapshot {snapshot['id']}, which its name does not say: it was renamed.", remedy="Give it its name back.")
    return newest.path


def _report(
    task: BaselineContext,
    kind: str,
    organization: Organization,
    procedure: Procedure,
    changes: list[dict[str, Any]],
    findings: Sequence[Finding],
    warnings: Sequence[str],
) -> dict[str, Any]:
    controls = procedure.controls(organization, planned=kind == BASELINE) if isinstance(procedure, Baseline) else []
    statuses = {control["status"] for control in controls}
    if findings:
        status = "refused"
    elif kind == AUDIT and controls and not statuses & {"met", "not met", "accepted exception"}:
        status = "not_assessable"
    else:
        status = "drift" if "not met" in statuses or changes else "met"
    described = task.describe()
    who = _who(organization)
    return {
        **{key: who[key] for key in ("name", "display_name", "tenant_id")},
        "status": status,
        "message": "",
        "connection": {
            "transport": described.get("transport"),
            "endpoint": described.get("endpoint"),
            "authentication": described.get("credential"),
            "client_id": described.get("client_id"),
        },
        "controls": controls,
        "observed": observed(organization),
        "changes": changes,
        "findings": [finding.as_dict() for finding in findings],
        "warnings": list(warnings),
        "applied": 0,
        "not_applied": len(changes),
    }


def _who(organization: Organization) -> dict[str, Any]:
    if organization.error("organization") is not None:
        return {"name": "", "display_name": "", "tenant_id": "", "guid": ""}
    return describe_organization(organization.only("organization"))


def _state_digest(organization: Organization) -> str:
    """The digest of the whole state as far as it can be read; empty where a read failed."""
    try:
        return digest_of(take(organization, None)["state"])
    except ExchangeError:
        return ""


def _key(change: Mapping[str, Any]) -> tuple[str, str, str]:
    return change["resource"], change["identity"], change["option"]


def _keys(changes: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    return {_key(change) for change in changes}


def for_report(task: BaselineContext) -> dict[str, Any]:
    """The few variables that a report shows. A run that is refused for its variables is reported, too, so they are not checked here."""
    return {name.removeprefix(PREFIX): value for name, value in (task.params["variables"] or {}).items()}


def directory_of(variables: Mapping[str, Any]) -> str:
    """Where the artifacts of all organizations lie."""
    return str(variables.get("artifacts_dir") or DEFAULT_DIRECTORY)
