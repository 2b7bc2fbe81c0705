# SPDX-License-Identifier: GPL-3.0-or-later
"""How an organization treats mail now and after a plan: the verdicts on guarantees, and the difference."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._engine.plan import Change, Plan, PlanWarning
from ..._exchange.cmdlet import Session
from ..._exchange.document import exact_digest
from ..._exchange.errors import ExchangeError
from ..._exchange.names import same_name
from ..._exchange.organization import (
    COMPLIANCE_FACTS,
    MAIL_FACTS,
    Organization,
    read,
    with_compliance,
)
from ..._exchange.permissions import why_not_read
from ..._mail_flow.analyses.aspects import DifferenceKind
from ..._mail_flow.analyses.difference import difference
from ..._mail_flow.analyses.lint import lint
from ..._mail_flow.analyses.plan_effects import encrypting_today, facts_after, rules_after
from ..._mail_flow.analyses.single_rule_lint import LintFinding
from ..._mail_flow.analyses.verifier import prove
from ..._mail_flow.budget import own_budgets
from ..._mail_flow.input.directory import facts_of_directory, read_directory
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.observations import (
    CountedObservations,
    Observation,
    ObservationSources,
    Observed,
    ObservedContradiction,
    observed_of,
)
from ..._mail_flow.input.rule_sources import FACT_SUBSETS, facts_from, rules_from, with_observed
from ..._mail_flow.model.encrypters import unseen_of
from ..._mail_flow.model.questions import WHICH_CONNECTOR
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.symbolic.encoding import DECIDING_SETTINGS
from ..._mail_flow.wording.difference import difference_rows
from ..._mail_flow.wording.guarantees import guarantee_rows
from ..._mail_flow.wording.lint import LintRow, lint_rows
from ..._mail_flow.wording.observed import ObservedRow, observed_rows
from ..._mail_flow.wording.plans import licensing_warnings as warnings_of
from ..._mail_flow.wording.result_rows import DifferenceRow, GuaranteeRow
from ..._mail_flow.wording.unseen import not_read_lines
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.organization_state import describe
from ..._resources.rights_management import RMS_TEMPLATES, obstacle
from ..._resources.rules.organization_rules import RULE
from .effect_on_mail import EffectOnMail
from .findings import PREFIX
from .foundation import Foundation

#: The resource, and the fact, whose settings decide about mail, too.
IRM = IRM_CONFIGURATION.name

#: The variable that lists guarantees.
GUARANTEES = f"{PREFIX}guarantees"


#: What was observed in an organization, as a run was told; see ``Organization.run_inputs``.
OBSERVATIONS = "observations"

#: The fact that has the answers that count.
_OBSERVED = "observed"


@dataclass(frozen=True)
class Mail:
    """How an organization treats mail: its rules, first to last, and its facts in the form of the option ``facts``,
    with the answers to open questions that count with these rules.

    :param unavailable: facts that could not be read, and why. Answers that depend on them are unknown.
    :param observations: what was observed in the organization, whether it counts or not.
    :param observed: what of that counts, and why the rest does not.
    """

    rules: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    unavailable: Mapping[str, str]
    observations: Sequence[Observed] = ()
    observed: CountedObservations = field(default_factory=CountedObservations)

    @property
    def digest(self) -> str:
        """The digest of everything that answers about mail depend on: equal digests mean equal answers."""
        # Why a fact could not be read changes no answer, and names another server each time.
        return exact_digest(
            {"rules": list(self.rules), "facts": dict(self.facts), "unavailable": sorted(self.unavailable)}
        )

    @property
    def unseen(self) -> list[str]:
        """What may encrypt mail, or take its protection away, and was neither read nor told."""
        return list(unseen_of(self.facts))

    @classmethod
    def of_organization(cls, organization: Organization) -> Mail:
        """The current state. Raises the error of reading the rules."""
        return organization.parsed(cls._read)

    @classmethod
    def _read(cls, organization: Organization) -> Mail:
        asked = [subset for subset in (*FACT_SUBSETS, *COMPLIANCE_FACTS) if subset in organization.subsets]
        failed = {subset: str(error) for subset in asked if (error := organization.error(subset)) is not None}
        facts, unavailable = facts_from(organization, [subset for subset in asked if subset not in failed])
        people, unread = facts_of_directory(organization, {})
        unknown = {**failed, **unavailable, **unread}
        return cls._observed(
            rules_from(organization), {**facts, **people}, unknown, organization.run_inputs.get(OBSERVATIONS, ())
        )

    @classmethod
    def _observed(
        cls,
        rules: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Any],
        unavailable: Mapping[str, str],
        observations: Sequence[Observed],
    ) -> Mail:
        """The mail with the observations that count with these rules.

        :param facts: without them.
        """
        if not observations:
            return cls(rules, facts, unavailable)
        today = datetime.datetime.now(datetime.UTC).date()
        observed = observed_of(observations, RuleSet(rules), today)
        return cls(rules, with_observed(facts, observed), unavailable, observations, observed)

    @classmethod
    def left_by(cls, organization: Organization, plan: Plan | None) -> Mail:
        """The state after a plan; the current one without a plan. Raises the error of reading the rules."""
        now = cls.of_organization(organization)
        return now.after(plan) if plan else now

    def after(self, plan: Plan) -> Mail:
        """The state after a plan. If the plan does nothing, this very object, whose verdicts are known already."""
        if not plan.steps:
            return self
        rules = rules_after(self.rules, plan.steps)
        facts = facts_after(self.facts, plan.steps)
        facts.pop(_OBSERVED, None)  # An observation counts only while the rules that it rests on are as they were.
        return self._observed(rules, facts, self.unavailable, self.observations)

    def verdicts(self, guarantees: Sequence[Guarantee], where: str) -> list[GuaranteeRow]:
        """The verdict on each guarantee.

        :raises OptionError: one is about mail that there cannot be.
        """
        with own_budgets():  # A verdict does not depend on what else is asked.
            return guarantee_rows(prove(self.rules, self.facts, guarantees, where=where))


def read_with_people(
    session: Session,
    known: Organization,
    subsets: Iterable[str],
    guarantees: Sequence[Guarantee],
    observations: ObservationSources | None,
    plan: Plan | None = None,
) -> Organization:
    """The organization with some subsets and, if these include facts about mail, with what the directory says of the
    people whom guarantees name, and its rules, as they are and as a plan leaves them.

    Everything that answers about mail reads the organization this way, so all parts of a run, and of the approved run,
    see the same.

    :param known: what was read already, and is not read again.
    :param observations: what was observed in it; ``None`` if no file says so.
    :raises OptionError: the observations are those of another organization.
    """
    subsets = with_compliance(subsets)
    missing = [subset for subset in subsets if subset not in known.subsets]
    organization = known.with_more(read(session, missing, fresh=True)) if missing else known
    if observations is not None:
        observed = observations.of_organization(organization.identity.name)
        organization = organization.with_run_input(OBSERVATIONS, observed)
    if not set(MAIL_FACTS) <= set(subsets) or organization.error("transport_rules") is not None:
        return organization
    now = Mail.of_organization(organization)
    naming = [
        now.rules,
        *([now.after(plan).rules] if plan and plan.steps else []),
        [guarantee.selection for guarantee in guarantees],
    ]
    directory = read_directory(session, map(RuleSet, naming), {"accepted_domains": now.facts.get("accepted_domains")})
    return organization.with_more(directory) if directory.subsets else organization


def with_newly_contradicted(organization: Organization, observations: ObservationSources | None) -> Organization:
    """An organization with the contradictions that were seen since it was read; this very object if no further one counts.
    Answers to open questions that were seen since then do not count yet.

    :raises OptionError: the observations are those of another organization.
    :raises ExchangeError: the rules cannot be read.
    """
    if observations is None:
        return organization
    before = organization.run_inputs.get(OBSERVATIONS, ())
    answers = [observation for observation in before if isinstance(observation, Observation)]
    observed = observations.of_organization(organization.identity.name)
    contradictions = [observation for observation in observed if isinstance(observation, ObservedContradiction)]
    after = organization.with_run_input(OBSERVATIONS, [*contradictions, *answers])
    counted = [Mail.of_organization(observation).observed.contradictions for observation in (organization, after)]
    return organization if set(counted[1]) <= set(counted[0]) else after


def facts_for_comparison(now: Mail, then: Mail) -> dict[str, Any]:
    """The facts under which two states are compared: those of the later one, and of the answers to open questions those
    that count in both.
    """
    sides = [mail.observed.answers for mail in (now, then)]
    common = {number: answer for number, answer in sides[1].items() if sides[0].get(number) is answer}
    facts = {name: value for name, value in then.facts.items() if name != _OBSERVED}
    return {**facts, **({_OBSERVED: common} if common else {})}


def observed_in(organization: Organization, plan: Plan | None) -> tuple[ObservedRow, ...]:
    """The observations that count now, or after a plan, and why others do not."""
    if OBSERVATIONS not in organization.run_inputs:
        return ()
    try:
        return observed_rows(Mail.left_by(organization, plan).observed)
    except ExchangeError:
        return ()  # Where the rules cannot be read, nothing is computed that could rest on observations.


def changes_mail(changes: Iterable[Change]) -> bool:
    """Whether changes affect what decides about mail, which is rules and settings of IRM."""
    return any(
        change.resource == RULE or (change.resource == IRM and change.option in DECIDING_SETTINGS) for change in changes
    )


def effect_with_guarantees(organization: Organization, plan: Plan, guarantees: Sequence[Guarantee]) -> EffectOnMail:
    """What a plan does to mail, with the verdicts on guarantees; nothing if it touches nothing that decides about mail.

    :raises OptionError: a guarantee is about mail that there cannot be.
    """
    effect = mail_difference(organization, plan)
    if not effect:
        return effect
    rows = _verdicts_after(organization, plan, guarantees) if guarantees else []
    effect = replace(effect, guarantees=tuple(rows), observed=observed_in(organization, plan))
    return with_unseen(effect, organization)


def _verdicts_after(organization: Organization, plan: Plan, guarantees: Sequence[Guarantee]) -> list[GuaranteeRow]:
    """The verdicts after a plan, with ``before`` where they differ."""
    now = Mail.of_organization(organization)
    before = now.verdicts(guarantees, GUARANTEES)
    after = now.after(plan).verdicts(guarantees, GUARANTEES)
    return [new.compared_with(old.verdict) for old, new in zip(before, after, strict=True)]


def mail_difference(organization: Organization, plan: Plan) -> EffectOnMail:
    """How a plan changes what becomes of mail, and what that rests on; nothing if it touches nothing that decides about
    mail.

    It leaves out how people open protected mail: the changes show what a plan does to sign-in, passcodes and the
    portal.
    """
    if not changes_mail(plan.changes):
        return EffectOnMail()
    try:
        now = Mail.of_organization(organization)
    except ExchangeError:
        if any(change.resource == RULE for change in plan.changes):
            raise
        # Settings can be changed where rules cannot be read. The effect on mail is then unknown.
        return EffectOnMail()
    then = now.after(plan)
    rows, more = difference_of(now, then)
    return EffectOnMail(tuple(rows), more, tuple(rests_on(organization, then, rows)))


#: The action that applies a template.
_TEMPLATE = "apply_rights_protection_template"

#: Kinds of differences, and of side effects, that say how mail leaves.
_ON_THE_WAY = (DifferenceKind.TRANSIT_LOST, DifferenceKind.TRANSIT_GAINED)
_LEAVING = ("connector", "tls")


def rests_on(organization: Organization, mail: Mail, rows: Sequence[DifferenceRow]) -> list[Foundation]:
    """What the effects of a plan rest on beside rules and settings of IRM: the outbound connectors, where they are about
    mail on its way, the templates that the changed rules apply, how many members the groups have that were read, and
    the answers to open questions that were observed.

    :param mail: the state after the plan.
    :param rows: the difference.
    """
    foundations: list[Foundation] = []
    if any(map(_on_the_way, rows)):
        connectors = mail.facts.get("outbound_connectors") or ()
        foundations += [_named("connector", connector) for connector in connectors]
    foundations += [_named("template", template) for template in _applied_templates(organization, mail, rows)]
    if rows:
        groups = mail.facts.get("groups") or {}
        answers = mail.observed.answers
        foundations += [Foundation("group", str(name), {"members": len(members)}) for name, members in groups.items()]
        foundations += [Foundation("observation", number, {"answer": answer}) for number, answer in answers.items()]
    return sorted(foundations, key=lambda foundation: (foundation.kind, foundation.name))


def _named(kind: str, properties: Mapping[str, Any]) -> Foundation:
    """A foundation, from properties that have its name."""
    values = {name: value for name, value in properties.items() if name != "name"}
    return Foundation(kind, str(properties["name"]), values)


def _applied_templates(
    organization: Organization, mail: Mail, rows: Sequence[DifferenceRow]
) -> list[Mapping[str, Any]]:
    """The templates that the rules of a difference apply."""
    changed = {name for row in rows for name in row.rules}
    actions = [rule.get("actions") or {} for rule in mail.rules if rule.get("name") in changed]
    named = {str(action[_TEMPLATE]) for action in actions if action.get(_TEMPLATE)}
    readable = "rms_templates" in organization.subsets and organization.error("rms_templates") is None
    if not named or not readable:
        return []
    templates = describe(organization, ["rms_templates"])["rms_templates"]
    return [template for template in templates if any(same_name(template["name"], name) for name in named)]


def _on_the_way(row: DifferenceRow) -> bool:
    """Whether a row of the difference is about how mail leaves."""
    leaves_otherwise = any(effect.kind in _LEAVING for effect in row.side_effects or ())
    return leaves_otherwise or WHICH_CONNECTOR in row.open_questions or row.kind in _ON_THE_WAY


def difference_of(now: Mail, then: Mail) -> tuple[list[DifferenceRow], int]:
    """How two ways to treat mail differ: the classes, and how many more there are at least."""
    return difference_rows(
        difference(now.rules, then.rules, facts_for_comparison(now, then), irm_before=now.facts.get(IRM))
    )


def unseen_in(organization: Organization) -> tuple[str, ...]:
    """What may encrypt mail of an organization, or take its protection away, and was neither read nor told."""
    try:
        return tuple(Mail.of_organization(organization).unseen)
    except ExchangeError:
        return tuple(unseen_of({}))


def not_read_of(organization: Organization) -> list[str]:
    """Why what else encrypts mail was not read, although it was asked for, as sentences with what it needs."""
    errors = {name: organization.error(name) for name in COMPLIANCE_FACTS if name in organization.subsets}
    return not_read_lines(
        {
            # Other errors name servers and requests, which differ from run to run.
            name: why_not_read(error) or "The compliance endpoint gave no answer that can be read."
            for name, error in errors.items()
            if error is not None
        }
    )


def with_unseen(mail: EffectOnMail, organization: Organization) -> EffectOnMail:
    """What a plan does to mail, with what nothing of it sees if it says how mail is protected."""
    return replace(mail, unseen=unseen_in(organization)) if mail.says_how_protected else mail


def licensing_warnings(organization: Organization, plan: Plan) -> list[PlanWarning]:
    """The warning about rules that encrypt where rights management does not work, after a plan."""
    try:
        mail = Mail.of_organization(organization).after(plan)
    except ExchangeError:
        return []
    why = obstacle(mail.facts.get(IRM), mail.facts.get(RMS_TEMPLATES))
    return warnings_of(why, encrypting_today(mail.rules) if why else [], "IRM-1 and IRM-2 turn it on.")


def mail_findings(organization: Organization, plan: Plan | None = None) -> list[LintFinding]:
    """The problems of the rules, now or after a plan; none if they cannot be read."""
    if organization.error("transport_rules") is not None:
        return []
    now = Mail.of_organization(organization)
    seen = now.after(plan) if plan else now
    return lint(seen.rules, seen.facts)


def mail_lint(organization: Organization, plan: Plan | None) -> list[LintRow]:
    """Remarks about the rules, now or after a plan; empty if they cannot be read."""
    return lint_rows(mail_findings(organization, plan))
