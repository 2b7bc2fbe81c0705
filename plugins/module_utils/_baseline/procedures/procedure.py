# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the role does in one organization: the interface that baseline, audit, snapshot, rollback and disable
share.

Whatever runs a procedure knows this interface and no procedure by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.observations import ObservationsFile
from ..._mail_flow.trace.reading import Traced
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.mail import GUARANTEES, Mail, mail_difference, observed_in, verdict_rows, with_unseen
from ..controls.trial import Trial
from ..documents.change import PlannedChange
from ..documents.report import ControlReport, SnapshotReference
from ..documents.snapshot import KIND
from ..documents.writing import Writing

#: The name of a procedure to the role's entry point.
ENTRIES = {"baseline": "main", "audit": "audit", "snapshot": "snapshot", "rollback": "rollback", "disable": "disable"}

#: What the modules of the role take in common.
PROCEDURE_ARGUMENT_SPEC: dict[str, Any] = {
    "procedure": {"type": "str", "required": True, "choices": list(ENTRIES)},
    "variables": {"type": "dict"},
    "awx": {"type": "dict", "default": {}},
    "run_tags": {"type": "list", "elements": "str", "default": []},
    "skip_tags": {"type": "list", "elements": "str", "default": []},
}


class Takes(Enum):
    """When a procedure takes a snapshot."""

    NEVER = "never"
    BEFORE_WRITING = "before writing"
    ALWAYS = "always"


@dataclass(frozen=True)
class Run:
    """What a procedure needs to know about the run.

    :param variables: the role's variables without their prefix, checked.
    :param hosts: the names of all organizations of the run, in the inventory.
    :param expected_organization: the organization that the inventory names; empty if it names none.
    """

    variables: Mapping[str, Any]
    hosts: Sequence[str]
    expected_organization: str
    check_mode: bool


@dataclass
class Draft:
    """A plan as far as one can be made, and everything that is refused."""

    plan: Plan = field(default_factory=Plan)
    findings: list[Finding] = field(default_factory=list)


class Procedure:
    """What a run does in one organization. The base class reads and does nothing."""

    kind: ClassVar[str] = ""
    #: Whether it can write to the organization, outside of check mode.
    writes: ClassVar[bool] = True
    takes_snapshot: ClassVar[Takes] = Takes.NEVER
    #: Whether a plan of it can be approved.
    approvable: ClassVar[bool] = False
    #: Whether it says what the organization does today.
    overviews: ClassVar[bool] = False
    #: Whether tags of the run select controls of it.
    selects_controls: ClassVar[bool] = False
    #: The subsets that it needs, read in one round trip.
    subsets: Sequence[str] = ()
    #: The snapshot that it restores.
    restores: SnapshotReference | None = None
    #: Later snapshots that it undoes, too, oldest first.
    restores_too: Sequence[SnapshotReference] = ()
    #: The guarantees about mail.
    promised: Sequence[Guarantee] = ()
    #: What was observed in the organization; ``None`` if nobody says so.
    observations: ObservationsFile | None = None

    @classmethod
    def reported_as(cls, *, check_mode: bool) -> str:
        """Its name in the report."""
        return cls.kind

    def draft(self, organization: Organization, run: Run) -> Draft:
        """The plan as far as one can be made, and what is refused."""
        return Draft()

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        """What is left to do. Raises the first error that keeps it from being planned."""
        return Plan()

    def begun(self, organization: Organization) -> Procedure:
        """The procedure as it starts from an organization to which it has written nothing yet."""
        return self

    def desired(self, organization: Organization) -> dict[str, Any]:
        """What it wants, for people and for the digest; never a secret."""
        return {}

    def assess(self, organization: Organization, *, planned: Plan | None = None) -> list[ControlReport]:
        """The controls for the report.

        :param planned: the plan, if controls that write nothing judge its result.
        """
        return []

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        """What a plan does to mail: the difference, and the verdicts on guarantees; nothing if it does nothing and there
        are no guarantees.
        """
        changed = mail_difference(organization, plan)
        if not changed:
            return changed
        rows = tuple(self.guarantees(organization, plan))
        return with_unseen(replace(changed, guarantees=rows, observed=observed_in(organization, plan)), organization)

    def refused_of_mail(
        self, organization: Organization, plan: Plan, mail: EffectOnMail, findings: Sequence[Finding]
    ) -> list[Finding]:
        """What is refused because of what a plan does to mail.

        :param mail: what it does to mail.
        :param findings: what is refused anyway.
        """
        return []

    def guarantees(self, organization: Organization, plan: Plan | None) -> list[dict[str, Any]]:
        """The verdict on each guarantee, after a plan or now.

        :raises OptionError: one is about mail that there cannot be.
        """
        if not self.promised:
            return []
        now = Mail.of_organization(organization)
        before = now.verdicts(self.promised, GUARANTEES)
        return verdict_rows(
            zip(before, now.after(plan).verdicts(self.promised, GUARANTEES) if plan else before, strict=True)
        )

    def trials(self, organization: Organization) -> list[Trial]:
        """The rules that it only tries."""
        return []

    def enforcing(self, organization: Organization, trial: Trial) -> Plan:
        """The plan if a rule were enforced instead of tried. Raises the first error that keeps it from being planned."""
        return Plan()

    def suggested(
        self, organization: Organization, plan: Plan, to_yaml: Callable[[Any], str], traced: Traced | None
    ) -> list[dict[str, Any]]:
        """Edits of rules after which refuted guarantees hold and failed expectations are met.

        :param to_yaml: writes a value as YAML.
        :param traced: mail to count what each would have changed; ``None`` if there is none.
        """
        return []

    @property
    def evidence_days(self) -> int:
        """The days of which it asks what Exchange reports of rules; 0 if it does not."""
        return 0

    def declared_rules(self, organization: Organization) -> list[str]:
        """The names of the rules of the organization that it declares and does not only try."""
        return []

    def misses(self, organization: Organization, refuted: Collection[str]) -> list[str]:
        """Why a run fails although it has stored everything, as sentences.

        :param refuted: the guarantees that the plan said it would leave refuted.
        """
        return []

    def overview(self, organization: Organization, controls: Sequence[ControlReport]) -> dict[str, Any]:
        """An overview of what the organization does today; empty if nobody asks."""
        return {}

    @property
    def has_later_stage(self) -> bool:
        """Whether the run has another stage to come, which waits for what this one has written."""
        return False

    @property
    def settles(self) -> bool:
        """Whether it waits for what an earlier stage has written."""
        return False

    def completes(self, interrupted: Writing) -> bool:
        """Whether an interrupted run has nothing left to do after this procedure is complete."""
        return False

    def remaining_differences(self, organization: Organization) -> list[str]:
        """The differences between the organization and the snapshot that it restores, as sentences."""
        return []

    def summary(self, changes: Sequence[PlannedChange]) -> str:
        """The plan as the task's message; empty if the changes are the message."""
        return ""

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        """The message before anything is done; empty if there is none.

        :param mail: what the plan does to mail.
        """
        return ""


class Snapshot(Procedure):
    """Takes a snapshot, and writes nothing to the organization."""

    kind = KIND
    takes_snapshot = Takes.ALWAYS
