# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managed controls say of mail flow: what a plan does to mail, what of that is refused, the verdicts on guarantees,
and edits after which they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..._mail_flow.model.wishes import WISHES
from ..._mail_flow.trace.reading import TracedMail
from ..._mail_flow.wording.result_rows import GuaranteeRow
from ..._mail_flow.wording.suggestion_row import SuggestionRow
from ..._resources.rules.organization_rules import rules_of
from ..controls.control import Assessment, BaselineRequest
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.foreign import foreign_to
from ..controls.mail import mail_difference, mail_lint, observed_in, with_unseen
from ..controls.mail_control import BROKEN_GUARANTEE, EVIDENCE_CONTROL, guarantees_of
from ..controls.rules_control import RULES_CONTROL
from ..controls.weakened import weakened_mail
from .control_selection import ControlSelection


@dataclass(frozen=True)
class ManagedMailFlow:
    """Mail flow as the controls of a run judge it.

    :param selection: the controls; :param:`request`: what they are asked for.
    """

    selection: ControlSelection
    request: BaselineRequest

    def effect(self, organization: Organization, plan: Plan) -> EffectOnMail:
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

    def refused(
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

    def suggested(
        self, organization: Organization, plan: Plan, to_yaml: Callable[[Any], str], traced: TracedMail | None
    ) -> list[SuggestionRow]:
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
