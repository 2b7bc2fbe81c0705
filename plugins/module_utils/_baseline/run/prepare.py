# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the procedure that a task's options ask for.

Tags select controls. A misspelled one must not select everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.cmdlet import Session
from ..._exchange.errors import OptionError
from ..._exchange.organization import UNREAD, Organization
from ..._exchange.spelling import meant, nearest
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.observations import ObservationSources
from ..controls.acceptance import Acceptance
from ..controls.controls import CONTROL, acceptable_words
from ..controls.mail import read_with_people
from ..documents.artifacts import Artifacts
from ..procedures.baseline import Audit, Baseline
from ..procedures.baseline_context import BaselineContext
from ..procedures.disable import STAGES, Disable
from ..procedures.procedure import AUDIT, BASELINE, DISABLE, KINDS, SNAPSHOT, Procedure, ProcedureKind, Snapshot
from ..procedures.restoring import choose_snapshot, rollback_of
from ..procedures.rollback import NothingToRollBack
from .observation_sources import observation_sources
from .variable_validation import checked_variables


@dataclass
class Preparation:
    """What a task of the role starts with.

    :param variables: those that the procedure reads, without their prefix, checked.
    :param observations: what was observed in the organization; ``None`` if no file says so.
    """

    procedure: Procedure
    variables: dict[str, Any]
    artifacts: Artifacts
    acceptance: Acceptance
    observations: ObservationSources | None

    @property
    def guarantees(self) -> Sequence[Guarantee]:
        """The guarantees about mail."""
        return self.variables.get("guarantees") or ()

    def read(
        self,
        session: Session,
        subsets: Iterable[str],
        *,
        known: Organization = UNREAD,
        plan: Plan | None = None,
    ) -> Organization:
        """The organization with some subsets, and with those whom the guarantees name if these include facts about mail;
        see :func:`read_with_people`.

        :param known: what was read already, and is not read again.
        """
        return read_with_people(session, known, subsets, self.guarantees, self.observations, plan)


def prepare(task: BaselineContext, snapshot: str = "") -> Preparation:
    """The procedure that a task's options ask for.

    :param snapshot: the one to restore with a rollback; by default, the variables choose one.
    """
    kind = KINDS[task.params["procedure"]]
    errors = tag_errors(
        [*task.params["run_tags"], *task.params["skip_tags"]],
        selects=kind.selects_controls,
        only_controls=bool(task.params.get("only_control_tags")),
    )
    if errors:
        raise OptionError(" ".join(errors), remedy=f"Valid controls: {', '.join(CONTROL)}.")
    variables = checked_variables(task.params["variables"] or {}, kind.name, task.find_file, task.given_on_launch)
    artifacts = task.artifacts(variables)
    procedure = _procedure(kind, task.params, variables, artifacts, snapshot)
    observations = observation_sources(task, variables, artifacts)
    acceptance = Acceptance(variables.get("accept") or (), acceptable_words())
    return Preparation(procedure, variables, artifacts, acceptance, observations)


def _procedure(
    kind: ProcedureKind, params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str
) -> Procedure:
    """The procedure of a kind.

    :param snapshot: the one to restore with a rollback; empty to let the variables choose one.
    """
    if kind is BASELINE:
        return Baseline(variables, params["run_tags"], params["skip_tags"])
    if kind is AUDIT:
        return Audit(variables, params["run_tags"], params["skip_tags"])
    if kind is SNAPSHOT:
        return Snapshot()
    guarantees = variables.get("guarantees") or ()
    if kind is DISABLE:
        return Disable(variables["disable_rules"], STAGES[params.get("stage") or ""], guarantees)
    path = snapshot or choose_snapshot(artifacts, variables)
    return rollback_of(artifacts, path, variables, guarantees=guarantees) if path else NothingToRollBack()


#: Ansible's own.
SPECIAL = frozenset({"all", "always", "never", "tagged", "untagged"})
#: Molecule skips these in every run.
_OF_MOLECULE = frozenset({"molecule-notest", "molecule-idempotence-notest", "notest"})

_SHAPE = re.compile(r"[a-z]{3}[-_ ]?\d{1,2}", re.IGNORECASE)
_LIKE_A_CONTROL = re.compile(
    rf"(?:{'|'.join(sorted({id_.partition('-')[0] for id_ in CONTROL}))})\W*_?\d+", re.IGNORECASE
)


def tag_errors(tags: Iterable[str], *, selects: bool, only_controls: bool) -> list[str]:
    """A sentence for each tag that would not select what it names.

    :param selects: whether the procedure has controls; otherwise it takes an organization as a whole, regardless of
        tags.
    :param only_controls: whether every tag has to be a control's: nothing else of the playbook has tags.
    """
    errors = []
    for tag in dict.fromkeys(tags):
        if tag in SPECIAL or tag in _OF_MOLECULE:
            continue
        if tag.upper() in CONTROL:
            if not selects:
                errors.append(f"The tag {tag!r} is a control, and this procedure takes an organization as a whole.")
        elif only_controls or _LIKE_A_CONTROL.fullmatch(tag) or (_SHAPE.fullmatch(tag) and nearest(tag, CONTROL)):
            errors.append(f"The tag {tag!r} is not a control{meant(tag, CONTROL)}")
    return errors
