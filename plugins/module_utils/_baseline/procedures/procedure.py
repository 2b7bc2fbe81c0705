# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the role does in one organization: the interface that baseline, audit, snapshot, rollback and disable
share.

Whatever runs a procedure knows this interface and no procedure by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..controls.effect_on_mail import NO_EFFECT, EffectOnMail
from ..controls.findings import Finding
from ..documents.change import PlannedChange
from ..documents.report import SnapshotReference
from ..documents.snapshot import KIND
from ..documents.writing import Writing
from .managed_controls import ManagedControls


class SnapshotTime(Enum):
    """When a procedure takes a snapshot."""

    NEVER = "never"
    BEFORE_WRITING = "before writing"
    ALWAYS = "always"


class RunStage(Enum):
    """Which part of a procedure a run is."""

    WHOLE = "whole"
    #: Another run follows, which waits until what this one has written takes effect.
    FIRST = "first"
    #: It waits for what the first stage has written.
    LAST = "last"


@dataclass(frozen=True)
class ProcedureKind:
    """What a procedure is, before anything is read.

    :param entry: the role's entry point.
    :param writes: whether it can write to the organization, outside of check mode.
    :param approvable: whether a plan of it can be approved.
    :param selects_controls: whether it manages controls, which tags of the run select.
    :param overviews: whether it says what the organization does today.
    :param reported_as: its names in the report of a run and of check mode; by default, its own name.
    """

    name: str
    entry: str
    writes: bool = True
    snapshot_time: SnapshotTime = SnapshotTime.NEVER
    approvable: bool = False
    selects_controls: bool = False
    overviews: bool = False
    reported_as: tuple[str, str] | None = None

    def name_in_report(self, *, check_mode: bool) -> str:
        """Its name in the report."""
        run, check = self.reported_as or (self.name, self.name)
        return check if check_mode else run


BASELINE = ProcedureKind(
    "baseline",
    entry="main",
    snapshot_time=SnapshotTime.BEFORE_WRITING,
    approvable=True,
    selects_controls=True,
    reported_as=("apply", "check"),
)
AUDIT = ProcedureKind("audit", entry="audit", writes=False, selects_controls=True, overviews=True)
SNAPSHOT = ProcedureKind(KIND, entry="snapshot", snapshot_time=SnapshotTime.ALWAYS)
ROLLBACK = ProcedureKind("rollback", entry="rollback")
DISABLE = ProcedureKind("disable", entry="disable", snapshot_time=SnapshotTime.BEFORE_WRITING, approvable=True)

#: Every kind of procedure by its name.
KINDS = {kind.name: kind for kind in (BASELINE, AUDIT, SNAPSHOT, ROLLBACK, DISABLE)}

#: What the modules of the role take in common.
PROCEDURE_ARGUMENT_SPEC: dict[str, Any] = {
    "procedure": {"type": "str", "required": True, "choices": list(KINDS)},
    "variables": {"type": "dict"},
    "awx": {"type": "dict", "default": {}},
    "run_tags": {"type": "list", "elements": "str", "default": []},
    "skip_tags": {"type": "list", "elements": "str", "default": []},
}


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


@dataclass(frozen=True)
class Restored:
    """The snapshots that a rollback restores.

    :param snapshot: the snapshot whose state it restores.
    :param undone_too: later snapshots that it undoes, too, oldest first.
    :param differences: the differences between an organization and the snapshot, as sentences.
    """

    snapshot: SnapshotReference
    undone_too: Sequence[SnapshotReference]
    differences: Callable[[Organization], list[str]]


class Procedure(ABC):
    """What a run does in one organization. A run takes these steps, in this order:

    1. It reads ``subsets`` in one round trip (``drafting.py``).
    2. ``draft``, ``mail`` and ``desired`` say what it would do, what is refused, and what is approved. If it has
       ``controls``, they add what they refuse, and their rows of the report.
    3. ``notice`` is shown, and findings that nobody accepted end the run (``preflight.py``). Otherwise it takes the
       snapshot (``recording.py``).
    4. The last ``stage`` waits for the first one. ``plan`` is checked against what was shown, ``begun`` remembers what
       it saw, and the engine runs ``plan`` until nothing is left (``apply.py``).
    5. A rollback compares the organization with what is ``restored``. Controls are assessed again.
    6. Interrupted runs that it ``completes`` are ended (``interrupted.py``).
    """

    kind: ClassVar[ProcedureKind]
    subsets: Sequence[str] = ()
    stage: RunStage = RunStage.WHOLE
    #: The controls that it manages.
    controls: ManagedControls | None = None

    @property
    def restored(self) -> Restored | None:
        """The snapshots that it restores."""
        return None

    @abstractmethod
    def draft(self, organization: Organization, run: Run) -> Draft:
        """The plan as far as one can be made, and what is refused."""

    @abstractmethod
    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        """What is left to do. Raises the first error that keeps it from being planned."""

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        """What a plan does to mail: the difference, and the verdicts on guarantees."""
        return NO_EFFECT

    def desired(self, organization: Organization) -> dict[str, Any]:
        """What it wants, for people and for the digest; never a secret."""
        return {}

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        """The message before anything is done; empty if there is none.

        :param mail: what the plan does to mail.
        """
        return ""

    def begun(self, organization: Organization) -> Procedure:
        """The procedure as it starts from an organization to which it has written nothing yet."""
        return self

    def completes(self, interrupted: Writing) -> bool:
        """Whether an interrupted run has nothing left to do after this procedure is complete."""
        return False


class NothingToDo(Procedure):
    """A procedure that writes nothing to the organization."""

    def draft(self, organization: Organization, run: Run) -> Draft:
        return Draft()

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        return Plan()


class Snapshot(NothingToDo):
    """Takes a snapshot."""

    kind = SNAPSHOT
