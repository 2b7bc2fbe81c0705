# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls that a run manages in an organization: the state that they want together, what they refuse, and the
status of each.

There is one planner. Check mode, the run, the audit and the proof afterwards all use it; a control on its own is the
same planner with that control alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from ..._engine.plan import Plan, PlanWarning, warning
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError
from ..._exchange.names import same_name
from ..._exchange.organization import MAIL_FACTS, SUBSETS, Organization
from ..._exchange.permissions import GRANTED_BY
from ..._exchange.tenant import describe_organization
from ..._mail_flow.model.wishes import WISHES
from ..._mail_flow.trace.reading import Traced
from ..._mail_flow.wording.result_rows import GuaranteeRow
from ..._resources.organization_state import plan_state
from ..._resources.rules.stored import rules_of
from ..controls.acceptance import moment
from ..controls.control import (
    Assessment,
    BaselineRequest,
    Control,
    JudgingControl,
    Outlook,
    Parts,
    WritingControl,
    merged,
)
from ..controls.controls import CONTROLS
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding, allow, found_once
from ..controls.foreign import foreign_to
from ..controls.mail import mail_difference, mail_lint, observed_in, with_unseen
from ..controls.mail_control import BROKEN_GUARANTEE, EVIDENCE_CONTROL, guarantees_of
from ..controls.rules_control import RULES_CONTROL
from ..controls.trial import Trial
from ..controls.weakened import weakened_mail
from ..documents.report import ControlReport
from ..documents.status import ControlStatus
from .control_selection import ControlSelection


class ManagedControls:
    """The controls of a run, and what they say of an organization.

    :raises OptionError: a variable of a control is invalid.
    """

    def __init__(self, selection: ControlSelection) -> None:
        self.selection = selection
        self._licensed: tuple[Organization, ManagedControls, list[Finding]] | None = None
        for exception in selection.exceptions.values():
            moment(exception.until, "hardened_baseline_skip[].until")
        created = [
            name
            for control in selection.wanted
            if isinstance(control, WritingControl)
            for name in control.creates(selection.variables)
        ]
        self.request = BaselineRequest(selection.variables, tuple(created))
        for control in CONTROLS:
            # An invalid variable is refused even if its control is not selected, except for names and settings that
            # nothing would use.
            if control in selection.wanted or isinstance(control, JudgingControl):
                control.check(self.request)

    @property
    def subsets(self) -> list[str]:
        """What they need to be read."""
        needed = {subset for control in self.selection.wanted for subset in control.needs()}
        optional = {"exported_cmdlets", *MAIL_FACTS} - needed
        return [subset for subset in SUBSETS if subset not in optional]

    def licensed(self, organization: Organization) -> tuple[ManagedControls, list[Finding]]:
        """The controls that the organization's license allows, and the findings about the rest. Computed once for each
        read of the organization.
        """
        if self._licensed is None or self._licensed[0] is not organization:
            self._licensed = (organization, *self._allowed(organization))
        return self._licensed[1], self._licensed[2]

    def _allowed(self, organization: Organization) -> tuple[ManagedControls, list[Finding]]:
        skips = self.selection.variables.get("on_missing_license") == "skip"
        status = ControlStatus.NOT_APPLICABLE if skips else ControlStatus.NOT_MET
        selection = self.selection
        findings = []
        for control in self.selection.written:
            why = control.without_license(self.request, organization)
            if not why:
                continue
            selection = selection.without(control.id, status, why)
            if not skips:
                remedy = allow("on_missing_license", "skip") + ", which leaves it out"
                findings.append(Finding(control.id, why, remedy))
        return self if selection is self.selection else ManagedControls(selection), findings

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        """What is left to do for all of them. Raises the first error that keeps it from being planned."""
        licensed, _findings = self.licensed(organization)
        return licensed._plan_of(licensed.selection.written, organization, check_mode)

    def draft(self, organization: Organization) -> tuple[Plan, list[Finding]]:
        """The plan of all controls that can be planned, with its warnings, and the findings about these and all other
        controls.
        """
        licensed, unlicensed = self.licensed(organization)
        plan, findings = licensed._draft(organization)
        return plan, [*unlicensed, *findings]

    def _draft(self, organization: Organization) -> tuple[Plan, list[Finding]]:
        selection = self.selection
        errors = {
            control.id: control.errors(self.request, organization, check_mode=True) for control in selection.written
        }
        fine = [control for control in selection.written if not errors[control.id]]
        findings = [
            Finding(id_, _sentence(error), f"--skip-tags {id_}, which leaves the control out of the run", about=error)
            for id_, them in errors.items()
            for error in them
        ]
        findings += [
            finding for control in selection.wanted for finding in control.mistakes(self.request, organization)
        ]
        plan = self._plan_of(fine, organization, check_mode=True)
        outlook = Outlook(self.request, organization, self._state(fine, organization), plan)
        for control in (*selection.written, *selection.guarding):
            if isinstance(control, WritingControl) and organization.error(control.subset) is not None:
                continue  # That it cannot be read is among the findings already.
            try:
                findings += control.findings(outlook)
                plan.warnings += control.warnings(outlook)
            except ExchangeError:
                if not selection.audits and not errors.get(control.id):
                    raise
                # Something else that it needs cannot be read, which is among the findings, too. In an audit, the control
                # is not assessable and says so.
        return plan, found_once(findings)

    def _plan_of(self, controls: Sequence[WritingControl], organization: Organization, check_mode: bool) -> Plan:
        # An audit changes nothing, so nothing of what it finds lets mail out.
        planning = self.request.planning(check_mode=check_mode, says_in_clear=not self.selection.audits)
        return plan_state(organization, self._state(controls, organization), planning)

    def _state(self, controls: Iterable[WritingControl], organization: Organization) -> Parts:
        """The state that some controls want together."""
        return reduce(merged, (control.desired(self.request, organization) for control in controls), {})

    def expired_exceptions(self) -> list[PlanWarning]:
        """A warning for each accepted exception that has expired."""
        return [
            warning(
                "exception_expired",
                f"hardened_baseline_skip: the exception of {id_} (owner: {accepted.owner}) has expired: it ended on {accepted.until}. "
                "The control counts as it is, and what it wants is written.",
                control=id_,
                owner=accepted.owner,
                until=accepted.until,
            )
            for id_, accepted in self.selection.exceptions.items()
            if accepted.expired
        ]

    def desired(self, organization: Organization) -> dict[str, Any]:
        """What they want, for people and for the digest; never a secret."""
        licensed, _findings = self.licensed(organization)
        return {control.id: control.shown(licensed.request) for control in licensed.selection.written}

    def mistakes(self, organization: Organization) -> list[Finding]:
        """A finding for each thing that the variables of controls that write nothing name and the organization lacks."""
        guarding = self.selection.guarding
        return [finding for control in guarding for finding in control.mistakes(self.request, organization)]

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        """What a plan does to mail: the difference, and the verdicts on guarantees."""
        judged = self._judged(plan)
        ours = self._names_of_rules(organization)
        effect = replace(
            mail_difference(organization, plan),
            guarantees=tuple(self.guarantees(organization, judged)),
            lint=tuple(mail_lint(organization, judged)),
            # They are held against our rules as they should be, in an audit too.
            foreign=tuple(foreign_to(organization, plan, ours) if ours else ()),
            observed=observed_in(organization, judged),
        )
        return with_unseen(effect, organization)

    def refused_of_mail(
        self, organization: Organization, plan: Plan, mail: EffectOnMail, findings: Sequence[Finding]
    ) -> list[Finding]:
        """What is refused because of what a plan does to mail.

        :param mail: what it does to mail.
        :param findings: what is refused anyway.
        """
        protecting = {
            (BROKEN_GUARANTEE, guarantee.name)
            for guarantee in guarantees_of(self.request)
            if WISHES[guarantee.then].wants_protection
        }
        if self.selection.audits or any(finding.about in protecting for finding in findings):
            return []
        return weakened_mail(organization, plan, mail, RULES_CONTROL)

    def guarantees(self, organization: Organization, plan: Plan | None) -> list[GuaranteeRow]:
        """The verdict on each guarantee, after a plan or now.

        :raises OptionError: one is about mail that there cannot be.
        """
        mail = self.selection.mail
        return mail.guaranteed(Assessment(self.request, organization, plan)) if mail else []

    def trials(self, organization: Organization) -> list[Trial]:
        """The rules that are only tried."""
        licensed, _findings = self.licensed(organization)
        rules = licensed.selection.rules
        if rules is None or rules not in licensed.selection.written or organization.error(rules.subset) is not None:
            return []
        return rules.trials(licensed.request, organization)

    def enforcing(self, organization: Organization, trial: Trial) -> Plan:
        """The plan if a rule were enforced instead of tried. Raises the first error that keeps it from being planned."""
        variables = self.selection.variables
        remaining = [name for name in variables["trial"] if not same_name(name, trial.name)]
        enforced = replace(self.selection, variables={**variables, "trial": remaining})
        return ManagedControls(enforced).plan(organization, check_mode=True)

    def suggested(
        self, organization: Organization, plan: Plan, to_yaml: Callable[[Any], str], traced: Traced | None
    ) -> list[dict[str, Any]]:
        """Edits of rules after which refuted guarantees hold and failed expectations are met.

        :param to_yaml: writes a value as YAML.
        :param traced: mail to count what each would have changed; ``None`` if there is none.
        """
        mail = self.selection.mail
        assessment = Assessment(self.request, organization, self._judged(plan))
        return mail.suggested(assessment, to_yaml, traced) if mail else []

    @property
    def evidence_days(self) -> int:
        """The days for which Exchange is asked what it reports of rules; 0 if it is not."""
        wanted = any(control.id == EVIDENCE_CONTROL for control in self.selection.wanted)
        return int(self.selection.variables["evidence_days"]) if wanted else 0

    def declared_rules(self, organization: Organization) -> list[str]:
        """The names of the rules of the organization that they declare and do not only try."""
        if organization.error("transport_rules") is not None:
            return []
        ours = {name.casefold() for name in self._names_of_rules(organization)}
        return [
            rule.name
            for rule in rules_of(organization)
            if rule.name.casefold() in ours and rule.settings["mode"] == "Enforce"
        ]

    def misses(self, organization: Organization, refuted: Collection[str]) -> list[str]:
        """Why a run fails although it has stored everything, as sentences.

        :param refuted: the guarantees that the plan said it would leave refuted.
        """
        mail = self.selection.mail
        if mail is None or self.selection.is_excepted(mail):
            return []
        return mail.misses(self.request, organization, refuted)

    def _names_of_rules(self, organization: Organization) -> set[str]:
        """The names of the rules that they declare."""
        rules = self.selection.rules
        return set(rules.names_of_rules(self.request, organization)) if rules else set()

    def _judged(self, plan: Plan | None) -> Plan | None:
        """The plan whose result is judged; ``None`` in an audit, which judges the current state."""
        return None if self.selection.audits else plan

    def assess(self, organization: Organization, *, planned: Plan | None = None) -> list[ControlReport]:
        """The controls for the report.

        :param planned: the plan, if controls that write nothing judge its result.
        """
        licensed, _findings = self.licensed(organization)
        judged = self._judged(planned)
        return [licensed._assessed(control, organization, judged) for control in CONTROLS]

    def _assessed(self, control: Control, organization: Organization, planned: Plan | None) -> ControlReport:
        selection = self.selection
        row = ControlReport(
            id=control.id,
            title=control.title,
            selected=control.id not in selection.unselected,
            status=ControlStatus.UNMANAGED,
            wanted=None,
            found=None,
            reason=control.reason,
            risk=control.risk,
            notice=control.notice,
            provenance=control.origin,
            source=control.source,
            exception=selection.exceptions.get(control.id),
        )
        if control.id in selection.left_out:
            status, why = selection.left_out[control.id]
            return replace(row, status=status, findings=(why,))
        if control not in selection.selected:
            return replace(row, findings=("Not selected by the tags of this run.",))
        if control not in selection.wanted:
            return row
        if isinstance(control, WritingControl):
            return self._by_settings(row, control, organization)
        return self._by_verdict(row, control, organization, planned)

    def _by_verdict(
        self, row: ControlReport, control: JudgingControl, organization: Organization, planned: Plan | None
    ) -> ControlReport:
        """The row of a control that writes nothing."""
        status, texts = self._verdict(control, organization, planned)
        if status is ControlStatus.NOT_MET and self.selection.is_excepted(control):
            status = ControlStatus.ACCEPTED
        return replace(row, status=status, findings=(*self._expired(control), *texts))

    def _verdict(
        self, control: JudgingControl, organization: Organization, planned: Plan | None
    ) -> tuple[ControlStatus, list[str]]:
        """Status and findings of a control that writes nothing."""
        try:
            verdict = control.verdict(Assessment(self.request, organization, planned))
        except ExchangeError as error:
            return ControlStatus.NOT_ASSESSABLE, [str(error)]
        if verdict is None:
            return ControlStatus.NOT_ASSESSABLE, ["The test did not run."]
        met, texts = verdict
        if met is None:
            return ControlStatus.NOT_ASSESSABLE, texts
        return ControlStatus.MET if met else ControlStatus.NOT_MET, texts

    def _by_settings(self, row: ControlReport, control: WritingControl, organization: Organization) -> ControlReport:
        """The row of a control that writes settings."""
        try:
            plan = control.plan(self.request, organization)
        except ExchangeError as error:
            absent = isinstance(error, CmdletNotAvailableError) and control.cloud_only and on_premises(organization)
            status = ControlStatus.NOT_APPLICABLE if absent else ControlStatus.NOT_ASSESSABLE
            return replace(row, status=status, findings=(str(error),))
        row = replace(row, wanted=plan.after.get(control.subset), found=plan.before.get(control.subset))
        shortcomings = control.shortcomings(self.request, organization)
        doubts = control.doubts(organization)
        findings = (*control.remarks(self.request, organization), *shortcomings, *doubts)
        if self.selection.is_excepted(control):
            return replace(row, status=ControlStatus.ACCEPTED, findings=findings)
        row = replace(row, findings=(*self._expired(control), *findings))
        if plan.steps or shortcomings:
            return replace(row, status=ControlStatus.NOT_MET)
        return replace(row, status=ControlStatus.NOT_ASSESSABLE if doubts else ControlStatus.MET)

    def _expired(self, control: Control) -> list[str]:
        """The sentence that an accepted exception of a control has expired."""
        exception = self.selection.exceptions.get(control.id)
        if exception is None or not exception.expired:
            return []
        return [f"The accepted exception has expired: it ended on {exception.until}."]


def on_premises(organization: Organization) -> bool:
    """Whether the organization is on-premises."""
    return organization.error("organization") is None and bool(
        describe_organization(organization.only("organization"))["on_premises"]
    )


def _sentence(error: ExchangeError) -> str:
    if not isinstance(error, CmdletNotAvailableError) or error.cmdlet not in GRANTED_BY:
        return str(error)
    return f"{error} {error.cmdlet} requires {GRANTED_BY[error.cmdlet]}."
