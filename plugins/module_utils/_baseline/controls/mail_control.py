# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of mail itself: one simulates messages and proves guarantees about all mail, the other compares what
Exchange reports.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._engine.plan import PlanWarning, warning
from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization
from ..._exchange.unprotected import UNPROTECTED
from ..._mail_flow.analyses.expectations import TestedMessages, run_cases
from ..._mail_flow.analyses.regression import MOST_DATES, later_instants, skipped_dates, worsened
from ..._mail_flow.analyses.verifier import prove
from ..._mail_flow.budget import own_budgets
from ..._mail_flow.experiment.sending_options import SENDING_ARGUMENT_SPEC, SENDING_RANGES
from ..._mail_flow.input.guarantee_options import COPIES_OUTSIDE, Guarantee, same_guarantee
from ..._mail_flow.input.parsing import facts_of
from ..._mail_flow.input.rule_sources import FACT_SUBSETS
from ..._mail_flow.model.connectors import IN_TRANSIT, VALIDATIONS
from ..._mail_flow.repair.suggest import suggestions, with_replays
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.simulator.results import Simulator
from ..._mail_flow.trace.reading import TracedMail
from ..._mail_flow.wording.guarantees import counterexample_row
from ..._mail_flow.wording.result_rows import GuaranteeRow
from ..._mail_flow.wording.suggestion_row import SuggestionRow
from ..._mail_flow.wording.suggestions import suggestion_rows
from ..._mail_flow.wording.summary import failure_text, reasons_words, refutation, verdict_sentence
from ..._mail_flow.wording.unseen import unseen_line
from ..._resources.rules.impact import OUTGOING
from ..._resources.rules.rule import declare_section
from .control import Assessment, BaselineRequest, JudgingControl, Outlook
from .findings import PREFIX, Finding
from .mail import GUARANTEES, IRM, Mail, changes_mail, facts_for_comparison
from .rules_control import outgoing_exceptions
from .trial import trial_name

#: The word of ``accept`` that lets a plan break a guarantee.
BROKEN_GUARANTEE = "broken_guarantee"

#: The steps for suggestions about an organization: a run may look at hundreds.
_STEPS = 8_000_000

#: The control of mail itself. A check assesses it as the plan would leave it, not as it is.
MAIL_CONTROL = "MFR-2"

#: What ``encrypt_outgoing`` guarantees by itself.
OUTGOING_GUARANTEE = f"No outgoing mail leaves {UNPROTECTED}"

#: What it guarantees of mail to the domains that it leaves out for protection in transit.
TRANSIT_GUARANTEE = "Mail to domains that are protected in transit leaves encrypted or by forced TLS"

#: The end of its name where the rule has exceptions.
_EXCEPTIONS_SUFFIX = ", apart from the exceptions"


def guarantees_of(request: BaselineRequest) -> list[Guarantee]:
    """The guarantees: those of the variables, and those that the built rule brings."""
    given_guarantees: list[Guarantee] = list(request.variables.get("guarantees") or ())
    outgoing: Mapping[str, Any] = request.variables.get("encrypt_outgoing") or {}
    if not outgoing or outgoing.get("mode") not in (None, "Enforce"):
        return given_guarantees
    exceptions = declare_section(
        "exceptions", outgoing_exceptions(outgoing) or {}, f"{PREFIX}encrypt_outgoing.exceptions."
    )
    # It is about mail that leaves: a copy for somebody inside does not.
    name = f"{OUTGOING_GUARANTEE}{_EXCEPTIONS_SUFFIX if exceptions else ''}"
    guarantees = [*given_guarantees, Guarantee(name, OUTGOING, exceptions, "not_in_clear", copies=COPIES_OUTSIDE)]
    domains = outgoing.get("protected_in_transit") or []
    if domains:
        when = declare_section(
            "conditions",
            {**OUTGOING, "recipient_domain_is": domains},
            f"{PREFIX}encrypt_outgoing.protected_in_transit.",
        )
        validation = outgoing.get("tls_validation") or VALIDATIONS[0]
        guarantees.append(Guarantee(TRANSIT_GUARANTEE, when, {}, IN_TRANSIT, tls_validation=validation))
    return guarantees


def _trial_note(edits: Sequence[Mapping[str, Any]], trials: Mapping[str, str]) -> str:
    """How the role enforces a trial that edits would enforce: by hand, the next run would refuse it.

    :param trials: the name of a trial, in lower case, to that of its rule.
    """
    enforced = [trials[name] for edit in edits if edit["option"] == "mode" and (name := edit["rule"].lower()) in trials]
    return "".join(f" It is a trial: to enforce it, remove {name!r} from {PREFIX}trial." for name in enforced)


@dataclass(frozen=True, kw_only=True)
class MailControl(JudgingControl):
    """Messages with their expected results, and guarantees. It writes nothing."""

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return super().is_wanted(variables) or bool(guarantees_of(BaselineRequest(variables)))

    def needs(self) -> tuple[str, ...]:
        return FACT_SUBSETS

    def mistakes(self, request: BaselineRequest, organization: Organization) -> list[Finding]:
        names = [guarantee.name.removesuffix(_EXCEPTIONS_SUFFIX) for guarantee in guarantees_of(request)]
        for brought in (OUTGOING_GUARANTEE, TRANSIT_GUARANTEE):
            if sum(same_guarantee(name, brought) for name in names) > 1:
                brings = f"{PREFIX}encrypt_outgoing brings a guarantee of the name {brought!r}"
                text = f"{brings}, which one of {GUARANTEES} also has. Give yours another name."
                return [Finding(self.id, text)]
        try:
            self.proved(request, Mail.of_organization(organization))
        except OptionError as error:
            return [Finding(self.id, str(error))]
        except ExchangeError:
            pass  # What cannot be read is said where it is assessed.
        return []

    def proved(self, request: BaselineRequest, mail: Mail) -> list[GuaranteeRow]:
        """The verdict on each guarantee, computed once for each state of an organization.

        :raises OptionError: one is about mail that there cannot be.
        """
        return request.parsed(
            f"{self.id} guarantees {_state(mail)}", lambda: mail.verdicts(guarantees_of(request), GUARANTEES)
        )

    def findings(self, outlook: Outlook) -> list[Finding]:
        """The guarantees that the plan would break, or leave unknown. One that is broken already, and does not get
        worse, is only in the report.
        """
        findings = []
        for row in self._broken(outlook):
            text = f"the plan would break the guarantee {row.name!r}: {refutation(row)} {unseen_line(row.unseen)}"
            findings.append(self._finding(row, text.rstrip()))
        for _guarantee, old, new in self._sides(outlook.assessment):
            if old.is_proved and new.is_unknown:
                text = f"the guarantee {new.name!r} is proved now, but after the plan it is unknown whether it holds: {reasons_words(new.unknown)}."
                findings.append(self._finding(new, text))
        return findings

    def _finding(self, row: GuaranteeRow, text: str) -> Finding:
        """The finding about a guarantee that would no longer be proved."""
        return Finding.acceptable(self.id, text, BROKEN_GUARANTEE, (BROKEN_GUARANTEE, row.name))

    def _broken(self, outlook: Outlook) -> list[GuaranteeRow]:
        """The verdicts on what the plan breaks, for mail for which it held: now, or once a rule begins or ends."""
        broken = []
        for guarantee, old, new in self._sides(outlook.assessment):
            if new.is_refuted and not old.is_refuted:
                broken.append(new)
            elif changes_mail(outlook.plan.changes):
                broken += self._broken_of_some_mail(outlook, guarantee, new)
        return broken

    def _broken_of_some_mail(self, outlook: Outlook, guarantee: Guarantee, after: GuaranteeRow) -> list[GuaranteeRow]:
        """The verdict with the mail for which the plan breaks a guarantee that is broken anyway, or that it breaks once a
        rule begins or ends; empty if there is no such mail.

        :param after: the verdict after the plan.
        """
        now = Mail.of_organization(outlook.organization)
        then = now.after(outlook.plan)
        instant = datetime.datetime.now(datetime.UTC)
        if not after.is_refuted and not later_instants(map(RuleSet, (now.rules, then.rules)), instant):
            return []
        worse = worsened(now.rules, then.rules, facts_for_comparison(now, then), guarantee, instant, now.facts.get(IRM))
        return [replace(after, counterexample=counterexample_row(worse))] if worse else []

    def _sides(self, assessment: Assessment) -> list[tuple[Guarantee, GuaranteeRow, GuaranteeRow]]:
        """Each guarantee with its verdicts now and after the plan; empty if there are none, for which its verdict gives
        the reason.
        """
        request, organization = assessment.request, assessment.organization
        try:
            sides = [self.proved(request, Mail.left_by(organization, plan)) for plan in (None, assessment.planned)]
        except ExchangeError:
            return []
        return list(zip(guarantees_of(request), *sides, strict=True))

    def warnings(self, outlook: Outlook) -> list[PlanWarning]:
        """The messages that would not be treated as expected after the plan, and the dates behind which nobody looked."""
        if not outlook.plan.steps:
            return []
        tested, _verdicts = self._tested(
            outlook.request, Mail.of_organization(outlook.organization).after(outlook.plan)
        )
        return [
            *self._unseen(outlook),
            *self._missed(tested),
        ]

    def _unseen(self, outlook: Outlook) -> list[PlanWarning]:
        if not guarantees_of(outlook.request) or not changes_mail(outlook.plan.changes):
            return []
        now = Mail.of_organization(outlook.organization)
        sides = [RuleSet(mail.rules) for mail in (now, now.after(outlook.plan))]
        dates = skipped_dates(sides, datetime.datetime.now(datetime.UTC))
        text = (
            f"Rules begin or end on more than {MOST_DATES} later dates, or on dates that cannot be read. It is unknown"
            f" whether the plan breaks a guarantee from these on: {', '.join(dates)}."
        )
        return [warning("dates_not_looked_at", text, dates=dates)] if dates else []

    def _missed(self, tested: TestedMessages) -> list[PlanWarning]:
        return [
            warning(
                "expectation_missed",
                f"The run would write first and then fail: {failure_text(failure)}",
                **failure.values,
            )
            for failure in tested.failures
            if not failure.open
        ]

    def guaranteed(self, assessment: Assessment) -> list[GuaranteeRow]:
        """The verdicts on guarantees about mail, for the report."""
        # What a plan makes of it is what counts; what it is now, where that is something else.
        return [new.compared_with(old.verdict) for _guarantee, old, new in self._sides(assessment)]

    def suggested(
        self, assessment: Assessment, to_yaml: Callable[[Any], str], traced: TracedMail | None
    ) -> list[SuggestionRow]:
        """Edits of rules after which refuted guarantees hold and failed expectations are met, for the report.

        :param to_yaml: writes a value as YAML.
        :param traced: mail to count what each would have changed; ``None`` if there is none.
        """
        request = assessment.request
        try:
            mail = Mail.left_by(assessment.organization, assessment.planned)
            tested, verdicts = self._tested(request, mail)
        except ExchangeError:
            return []  # What cannot be read is said where it is assessed.
        if not tested.failures and not any(row.is_refuted for row in verdicts):
            return []
        now = datetime.datetime.now(datetime.UTC)
        rules = RuleSet(mail.rules)
        with own_budgets():
            judged = prove(rules, mail.facts, guarantees_of(request), now, where=GUARANTEES)
        suggested = suggestions(rules, mail.facts, judged, request.variables.get("messages") or (), now, _STEPS)
        suggested = with_replays(suggested, rules, mail.facts, traced) if traced else suggested
        # All rules would be there five times for each guarantee: the edited ones are in the YAML.
        trials = {trial_name(name).lower(): name for name in request.variables.get("trial") or ()}
        return [
            replace(
                row,
                rules=None,
                text=f"{row.text}{_trial_note(row.edits, trials)}",
            )
            for row in suggestion_rows(suggested, rules.descriptions, to_yaml)
        ]

    def misses(self, request: BaselineRequest, organization: Organization, refuted: Collection[str]) -> list[str]:
        """Why a run fails although it has stored everything, as sentences.

        :param refuted: the guarantees that the plan said it would leave refuted.
        """
        tested, verdicts = self._tested(request, Mail.of_organization(organization))
        return [
            *(failure_text(failure) for failure in tested.failures if not failure.open),
            *(verdict_sentence(row) for row in verdicts if row.is_refuted and row.name not in refuted),
        ]

    def verdict(self, assessment: Assessment) -> tuple[bool | None, list[str]]:
        mail = Mail.left_by(assessment.organization, assessment.planned)
        tested, verdicts = self._tested(assessment.request, mail)
        unproved = [row for row in verdicts if not row.is_proved]
        if not tested.failures and not unproved:
            return True, []
        is_open = all(failure.open for failure in tested.failures) and all(row.is_unknown for row in unproved)
        texts = [*map(failure_text, tested.failures), *map(verdict_sentence, unproved), unseen_line(mail.unseen)]
        return None if is_open else False, texts

    def _tested(self, request: BaselineRequest, mail: Mail) -> tuple[TestedMessages, list[GuaranteeRow]]:
        """The results of the messages, and the verdict on each guarantee, computed once for each state of an
        organization.
        """
        messages = request.variables.get("messages") or ()
        tested = request.parsed(
            f"{self.id} messages {_state(mail)}",
            lambda: run_cases(messages, Simulator(mail.rules, facts_of(mail.facts)), "none"),
        )
        return tested, self.proved(request, mail)


def _state(mail: Mail) -> str:
    """The key of an organization's state."""
    return json.dumps([mail.rules, mail.facts], sort_keys=True, default=str)


#: The control that evidence decides.
EVIDENCE_CONTROL = "VRF-2"


#: The days that Exchange's reports of rules go back. Source: Microsoft's page of Get-MailDetailTransportRuleReport.
LONGEST = 10


@dataclass(frozen=True, kw_only=True)
class EvidenceControl(JudgingControl):
    """What Exchange reports of rules, beside what is computed of the same mail. One variable: the days. Only an audit
    looks at it.
    """

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        return bool(variables.get(self.variables[0].name))

    def is_for_audits(self, variables: Mapping[str, Any]) -> bool:
        return True

    def check(self, request: BaselineRequest) -> None:
        days = int(request.variables.get(self.variables[0].name) or 0)
        if not 0 <= days <= LONGEST:
            raise OptionError(
                f"{PREFIX}{self.variables[0].name} is {days}.",
                remedy=f"Use a number from 0 to {LONGEST}; 0 turns it off.",
            )


#: The control that test messages decide, and its variable.
EXPERIMENT_CONTROL, EXPERIMENT = "VRF-3", "experiment"

#: What the findings of that control about mail that does what was computed begin with.
SEEN = "Seen:"

#: The options of the experiment. All but the last two are those of ``mail_flow_experiment``.
EXPERIMENT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "senders": {"type": "list", "elements": "str", "required": True},
    "recipients": {"type": "list", "elements": "str", "required": True},
    "rules": {"type": "list", "elements": "str", "default": []},
    **SENDING_ARGUMENT_SPEC,
    "after_changes": {"type": "bool", "default": False},
    "effective_within": {"type": "int", "default": 30},
}


@dataclass(frozen=True, kw_only=True)
class ExperimentControl(JudgingControl):
    """What becomes of test messages, beside what is computed of them. An audit sends them, and a run that has written
    rules if it shall.
    """

    def is_for_audits(self, variables: Mapping[str, Any]) -> bool:
        return not (variables.get(EXPERIMENT) or {}).get("after_changes")

    def check(self, request: BaselineRequest) -> None:
        options = request.variables.get(EXPERIMENT) or {}
        for name, (least, most) in SENDING_RANGES.items():
            if not least <= options.get(name, least) <= most:
                raise OptionError(
                    f"{PREFIX}{EXPERIMENT}.{name} is {options[name]}.", remedy=f"Use a number from {least} to {most}."
                )
        if options.get("send_with") == "smtp" and not options.get("smtp_host"):
            raise OptionError(f"{PREFIX}{EXPERIMENT}.send_with: smtp requires smtp_host.")
