# SPDX-License-Identifier: GPL-3.0-or-later
"""The hardened baseline: the controls that a run selects, the state that they want together, and the status of each.

There is one planner. Check mode, the run, the audit and the proof afterwards all use it; a control on its own is the
same planner with that control alone.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

from ..._engine.plan import Plan, warning
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError
from ..._exchange.names import same_name
from ..._exchange.organization import MAIL_FACTS, SUBSETS, Organization
from ..._exchange.permissions import GRANTED_BY
from ..._exchange.tenant import describe_organization
from ..._mail_flow.model.wishes import WISHES
from ..._mail_flow.trace.reading import Traced
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.organization_state import plan_state
from ..._resources.rules.stored import rules_of
from ..controls.acceptance import AcceptedFinding, moment
from ..controls.control import Assessment, BaselineRequest, Control, Outlook, Parts, merged
from ..controls.controls import CONTROLS, OBSERVED
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding, allow, found_once
from ..controls.foreign import foreign_to
from ..controls.mail import licensing_warnings, mail_difference, mail_lint, observed_in, with_unseen
from ..controls.mail_control import BROKEN_GUARANTEE, EVIDENCE_CONTROL, guarantees_of
from ..controls.rules_control import RULES_CONTROL
from ..controls.trial import Trial
from ..controls.weakened import weakened_mail
from ..documents.change import PlannedChange
from ..documents.first_look import overview_of
from ..documents.report import ControlReport
from ..documents.status import ControlStatus
from ..documents.terminal_lines import drift_sentence
from ..documents.writing import Writing
from .procedure import Draft, Procedure, Run, Takes
from .refusals import organization_refusals


class Baseline(Procedure):
    """What the variables ask for.

    :param variables: the role's variables without their prefix, validated; what is not there or ``None`` is unmanaged.
    :param run_tags: Ansible's tags of the run: where control ids are among them, only those are managed.
    :param skip_tags: control ids that are not managed in this run.
    :param left_out: controls that the organization cannot have: id to status and reason.
    """

    kind = "baseline"
    takes_snapshot = Takes.BEFORE_WRITING
    approvable = True
    selects_controls = True
    #: Whether it looks at what only an audit looks at.
    audits: ClassVar[bool] = False

    def __init__(
        self,
        variables: Mapping[str, Any],
        run_tags: Iterable[str] = (),
        skip_tags: Iterable[str] = (),
        left_out: Mapping[str, tuple[ControlStatus, str]] = types.MappingProxyType({}),
    ) -> None:
        self.variables = variables
        self.tags = (run_tags, skip_tags)
        self.left_out = left_out
        self._licensed: tuple[Organization, Baseline, list[Finding]] | None = None
        self.exceptions = {
            item["control"]: AcceptedFinding(item["reason"], item["owner"], str(item["until"]))
            for item in variables.get("skip") or ()
        }
        for exception in self.exceptions.values():
            moment(exception.until, "hardened_baseline_skip[].until")
        chosen = {tag.upper() for tag in run_tags} & {control.id for control in CONTROLS}
        #: The controls that the tags of the run leave out.
        self.unselected = {
            control.id
            for control in CONTROLS
            if (chosen and control.id not in chosen) or control.id in {tag.upper() for tag in skip_tags}
        }
        dropped = {*self.unselected, *left_out}
        self.selected = [control for control in CONTROLS if control.id not in dropped]
        #: The selected controls that the variables give a value.
        self.wanted = [
            control
            for control in self.selected
            if control.is_wanted(variables) and (self.audits or not control.is_for_audits(variables))
        ]
        #: The controls that this run may write.
        self.written = [
            control for control in self.wanted if control.id not in self.exceptions and control.is_written(variables)
        ]
        #: The controls that write nothing but can refuse what the others would do. An accepted exception refuses
        #: nothing.
        self.guarding = [control for control in self.wanted if not control.resource and not self._is_excepted(control)]
        self.request = BaselineRequest(
            variables, tuple(name for control in self.wanted for name in control.creates(variables))
        )
        needed = {subset for control in self.wanted for subset in control.needs()}
        self.subsets = [
            subset for subset in SUBSETS if subset not in ("exported_cmdlets", *MAIL_FACTS) or subset in needed
        ]
        for control in CONTROLS:
            # An invalid variable is refused even if its control is not selected, except for names and settings that
            # nothing would use.
            if control in self.wanted or not control.resource:
                control.check(self.request)

    def _is_excepted(self, control: Control) -> bool:
        exception = self.exceptions.get(control.id)
        return exception is not None and not exception.expired

    def without(self, control: str, status: ControlStatus, why: str) -> Baseline:
        """The same baseline without a control, which the report shows with that status."""
        return type(self)(self.variables, *self.tags, {**self.left_out, control: (status, why)})

    def licensed(self, organization: Organization) -> tuple[Baseline, list[Finding]]:
        """The part of the baseline that the organization's license allows, and the findings about the rest. Computed
        once for each read of the organization.
        """
        if self._licensed is None or self._licensed[0] is not organization:
            self._licensed = (organization, *self._allowed(organization))
        return self._licensed[1], self._licensed[2]

    def _allowed(self, organization: Organization) -> tuple[Baseline, list[Finding]]:
        baseline: Baseline = self
        findings: list[Finding] = []
        skip = self.variables.get("on_missing_license") == "skip"
        for control in self.written:
            why = control.without_license(self.request, organization)
            if why:
                baseline = baseline.without(
                    control.id, ControlStatus.NOT_APPLICABLE if skip else ControlStatus.NOT_MET, why
                )
                findings += (
                    []
                    if skip
                    else [Finding(control.id, why, allow("on_missing_license", "skip") + ", which leaves it out")]
                )
        return baseline, findings

    @classmethod
    def reported_as(cls, *, check_mode: bool) -> str:
        return "check" if check_mode else "apply"

    def draft(self, organization: Organization, run: Run) -> Draft:
        licensed, findings = self.licensed(organization)
        plan, more = licensed.plannable(organization, check_mode=True)
        plan.warnings += licensing_warnings(organization, plan)
        plan.warnings += [
            warning(
                "exception_expired",
                f"hardened_baseline_skip: the exception of {id_} (owner: {accepted.owner}) has expired: it ended on {accepted.until}. "
                "The control counts as it is, and what it wants is written.",
                control=id_,
                owner=accepted.owner,
                until=accepted.until,
            )
            for id_, accepted in self.exceptions.items()
            if accepted.expired
        ]
        return Draft(plan, [*findings, *more, *organization_refusals(organization, plan, run.expected_organization)])

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        licensed = self.licensed(organization)[0]
        return licensed._plan(organization, licensed.written, check_mode)

    def desired(self, organization: Organization) -> dict[str, Any]:
        licensed = self.licensed(organization)[0]
        return {control.id: control.shown(licensed.request) for control in licensed.written}

    def assess(self, organization: Organization, *, planned: Plan | None = None) -> list[ControlReport]:
        licensed = self.licensed(organization)[0]
        return [licensed._assess(control, organization, planned=planned) for control in CONTROLS]

    def completes(self, interrupted: Writing) -> bool:
        if interrupted.unreadable:
            return not self.unselected
        return interrupted.kind == self.kind and {*interrupted.controls} <= {control.id for control in self.written}

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        planned = self._looked_at(plan)
        ours = {name for control in self.wanted for name in control.names_of_rules(self.request, organization)}
        effect = replace(
            mail_difference(organization, plan),
            guarantees=tuple(self.guarantees(organization, planned)),
            lint=tuple(mail_lint(organization, planned)),
            # They are held against our rules as they should be, in an audit too.
            foreign=tuple(foreign_to(organization, plan, ours) if ours else ()),
            observed=observed_in(organization, planned),
        )
        return with_unseen(effect, organization)

    def refused_of_mail(
        self, organization: Organization, plan: Plan, mail: EffectOnMail, findings: Sequence[Finding]
    ) -> list[Finding]:
        protecting = {
            (BROKEN_GUARANTEE, guarantee.name)
            for guarantee in guarantees_of(self.request)
            if WISHES[guarantee.then].wants_protection
        }
        if not self.writes or any(finding.about in protecting for finding in findings):
            return []
        return weakened_mail(organization, plan, mail, RULES_CONTROL)

    def guarantees(self, organization: Organization, plan: Plan | None) -> list[dict[str, Any]]:
        assessment = Assessment(self.request, organization, plan)
        return [row for control in self.wanted for row in control.guaranteed(assessment)]

    def trials(self, organization: Organization) -> list[Trial]:
        licensed = self.licensed(organization)[0]
        written = [
            control for control in licensed.written if not control.subset or organization.error(control.subset) is None
        ]
        return [trial for control in written for trial in control.trials(licensed.request, organization)]

    def enforcing(self, organization: Organization, trial: Trial) -> Plan:
        remaining = [name for name in self.variables["trial"] if not same_name(name, trial.name)]
        return type(self)({**self.variables, "trial": remaining}, *self.tags, self.left_out).plan(
            organization, check_mode=True
        )

    def suggested(
        self, organization: Organization, plan: Plan, to_yaml: Callable[[Any], str], traced: Traced | None
    ) -> list[dict[str, Any]]:
        assessment = Assessment(self.request, organization, self._looked_at(plan))
        return [row for control in self.wanted for row in control.suggested(assessment, to_yaml, traced)]

    @property
    def evidence_days(self) -> int:
        wanted = any(control.id == EVIDENCE_CONTROL for control in self.wanted)
        return int(self.variables["evidence_days"]) if wanted else 0

    def declared_rules(self, organization: Organization) -> list[str]:
        if organization.error("transport_rules") is not None:
            return []
        ours = {
            name.casefold() for control in self.wanted for name in control.names_of_rules(self.request, organization)
        }
        return [
            rule.name
            for rule in rules_of(organization)
            if rule.name.casefold() in ours and rule.settings["mode"] == "Enforce"
        ]

    def misses(self, organization: Organization, refuted: Collection[str]) -> list[str]:
        return [
            text
            for control in self.wanted
            if not self._is_excepted(control)
            for text in control.misses(self.request, organization, refuted)
        ]

    def _looked_at(self, plan: Plan) -> Plan | None:
        """The plan, if its result is judged instead of the current state."""
        return plan

    def plannable(self, organization: Organization, *, check_mode: bool) -> tuple[Plan, list[Finding]]:
        """The plan of all controls that can be planned, with its warnings, and the findings about these and all other
        controls.
        """
        errors = {
            control.id: control.errors(self.request, organization, check_mode=check_mode) for control in self.written
        }
        fine = [control for control in self.written if not errors[control.id]]
        findings = [
            Finding(id_, _sentence(error), f"--skip-tags {id_}, which leaves the control out of the run", about=error)
            for id_, them in errors.items()
            for error in them
        ]
        findings += [finding for control in self.wanted for finding in control.mistakes(self.request, organization)]
        plan = self._plan(organization, fine, check_mode)
        outlook = Outlook(self.request, organization, self._state(organization, fine), plan)
        for control in (*self.written, *self.guarding):
            if control.subset and organization.error(control.subset) is not None:
                continue  # That it cannot be read is among the findings already.
            try:
                findings += control.findings(outlook)
                plan.warnings += control.warnings(outlook)
            except ExchangeError:
                if self.writes and not errors.get(control.id):
                    raise
                # Something else that it needs cannot be read, which is among the findings, too. In an audit, the control
                # is not assessable and says so.
        return plan, found_once(findings)

    def _state(self, organization: Organization, controls: Iterable[Control]) -> Parts:
        """The state that some controls want together."""
        return reduce(merged, (control.desired(self.request, organization) for control in controls), {})

    def _plan(self, organization: Organization, controls: Sequence[Control], check_mode: bool) -> Plan:
        # An audit changes nothing, so nothing of what it finds lets mail out.
        planning = self.request.planning(check_mode=check_mode, says_in_clear=self.writes)
        return plan_state(organization, self._state(organization, controls), planning)

    def _judge(
        self, control: Control, organization: Organization, *, planned: Plan | None
    ) -> tuple[ControlStatus, list[str]]:
        """Status and findings of a control that writes nothing."""
        try:
            verdict = control.verdict(Assessment(self.request, organization, planned))
        except ExchangeError as error:
            return ControlStatus.NOT_ASSESSABLE, [str(error)]
        met, texts = verdict or (None, ["The test did not run."])
        return (
            ControlStatus.NOT_ASSESSABLE if met is None else ControlStatus.MET if met else ControlStatus.NOT_MET,
            texts,
        )

    def _assess(self, control: Control, organization: Organization, *, planned: Plan | None) -> ControlReport:
        exception = self.exceptions.get(control.id)
        row = ControlReport(
            id=control.id,
            title=control.title,
            selected=control.id not in self.unselected,
            status=ControlStatus.UNMANAGED,
            wanted=None,
            found=None,
            reason=control.reason,
            risk=control.risk,
            notice=control.notice,
            provenance=control.origin,
            source=control.source,
            exception=exception,
        )
        if control.id in self.left_out:
            status, why = self.left_out[control.id]
            return replace(row, status=status, findings=(why,))
        if control not in self.wanted:
            return (
                row if control in self.selected else replace(row, findings=("Not selected by the tags of this run.",))
            )
        if not control.resource:
            status, texts = self._judge(control, organization, planned=planned)
            accepted = self._is_excepted(control) and status == ControlStatus.NOT_MET
            return replace(
                row,
                status=ControlStatus.ACCEPTED if accepted else status,
                findings=(*self._expired(control.id), *texts),
            )
        try:
            plan = control.plan(self.request, organization)
        except ExchangeError as error:
            absent = isinstance(error, CmdletNotAvailableError) and control.cloud_only and on_premises(organization)
            return replace(
                row,
                status=ControlStatus.NOT_APPLICABLE if absent else ControlStatus.NOT_ASSESSABLE,
                findings=(str(error),),
            )
        row = replace(row, wanted=plan.after.get(control.subset), found=plan.before.get(control.subset))
        shortcomings = control.shortcomings(self.request, organization)
        doubts = control.doubts(organization)
        findings = (*control.remarks(self.request, organization), *shortcomings, *doubts)
        if exception is not None and not exception.expired:
            return replace(row, status=ControlStatus.ACCEPTED, findings=findings)
        row = replace(row, findings=(*self._expired(control.id), *findings))
        if plan.steps or shortcomings:
            return replace(row, status=ControlStatus.NOT_MET)
        return replace(row, status=ControlStatus.NOT_ASSESSABLE if doubts else ControlStatus.MET)

    def _expired(self, id_: str) -> list[str]:
        """The sentence that an accepted exception of a control has expired."""
        exception = self.exceptions.get(id_)
        return (
            [f"The accepted exception has expired: it ended on {exception.until}."]
            if exception and exception.expired
            else []
        )


class Audit(Baseline):
    """The baseline as an audit: nothing is written, so nothing is refused."""

    kind = "audit"
    writes = False
    takes_snapshot = Takes.NEVER
    approvable = False
    overviews = True
    audits = True

    @classmethod
    def reported_as(cls, *, check_mode: bool) -> str:
        return cls.kind

    def draft(self, organization: Organization, run: Run) -> Draft:
        # Mistakes in the variables make an audit impossible, too.
        mistakes = [finding for control in self.guarding for finding in control.mistakes(self.request, organization)]
        return Draft(super().draft(organization, run).plan, mistakes)

    def assess(self, organization: Organization, *, planned: Plan | None = None) -> list[ControlReport]:
        return super().assess(organization)

    def _looked_at(self, plan: Plan) -> Plan | None:
        return None

    def overview(self, organization: Organization, controls: Sequence[ControlReport]) -> dict[str, Any]:
        shown = overview_of(organization, controls)
        # What the tags leave out may be managed all the same.
        left_out = {control.id for control in controls if not control.selected}
        rows = [
            row | {"status": "not selected by the tags"} if row["control"] in left_out else row
            for row in shown["assessed"]
        ]
        return {**shown, "assessed": rows}

    def summary(self, changes: Sequence[PlannedChange]) -> str:
        return drift_sentence(changes)


def observed(organization: Organization) -> list[dict[str, Any]]:
    """The settings that are reported but never changed; none if the IRM configuration cannot be read."""
    if organization.error(IRM_CONFIGURATION.subset) is not None:
        return []
    properties = organization.only(IRM_CONFIGURATION.subset)
    fields = [(item, IRM_CONFIGURATION.field(item.option)) for item in OBSERVED]
    return [
        {"title": item.title, "value": field.show(field.read(properties)), "reason": item.reason}
        for item, field in fields
    ]


def on_premises(organization: Organization) -> bool:
    """Whether the organization is on-premises."""
    return organization.error("organization") is None and bool(
        describe_organization(organization.only("organization"))["on_premises"]
    )


def _sentence(error: ExchangeError) -> str:
    if not isinstance(error, CmdletNotAvailableError) or error.cmdlet not in GRANTED_BY:
        return str(error)
    return f"{error} {error.cmdlet} requires {GRANTED_BY[error.cmdlet]}."
