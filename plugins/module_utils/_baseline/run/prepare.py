# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the procedure that a task's options ask for.

Tags select controls. A misspelled one must not select everything."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.spelling import meant, nearest
from ..._mail_flow.input.observations import ObservationsFile
from ..controls.acceptance import Acceptance
from ..controls.controls import CONTROL, acceptable_words
from ..controls.findings import PREFIX
from ..controls.mail_control import EXPERIMENT
from ..documents.artifacts import Artifacts
from ..procedures.baseline import Audit, Baseline
from ..procedures.baseline_context import BaselineContext
from ..procedures.disable import RULES, SETTINGS, Disable
from ..procedures.procedure import Procedure, Snapshot
from ..procedures.restoring import choose_snapshot, rollback_of
from ..procedures.rollback import NothingToRollBack, Rollback
from .variable_validation import checked_variables

#: Every procedure by its name.
PROCEDURES: dict[str, type[Procedure]] = {
    procedure.kind: procedure for procedure in (Baseline, Audit, Snapshot, Rollback, Disable)
}


@dataclass
class Preparation:
    """What a task of the role starts with.

    :param variables: those that the procedure reads, without their prefix, checked.
    """

    procedure: Procedure
    variables: dict[str, Any]
    artifacts: Artifacts
    acceptance: Acceptance


def prepare(task: BaselineContext, snapshot: str = "") -> Preparation:
    """The procedure that a task's options ask for.

    :param snapshot: the one to restore with a rollback; by default, the variables choose one.
    """
    kind = task.params["procedure"]
    errors = tag_errors(
        [*task.params["run_tags"], *task.params["skip_tags"]],
        selects=PROCEDURES[kind].selects_controls,
        only_controls=bool(task.params.get("only_control_tags")),
    )
    if errors:
        raise OptionError(" ".join(errors), remedy=f"Valid controls: {', '.join(CONTROL)}.")
    variables = checked_variables(task.params["variables"] or {}, kind, task.find_file, task.given_on_launch)
    artifacts = task.artifacts(variables)
    procedure = _MAKERS[kind](task.params, variables, artifacts, snapshot)
    procedure.promised = variables.get("guarantees") or ()
    procedure.observations = _observations(task, variables)
    return Preparation(procedure, variables, artifacts, Acceptance(variables.get("accept") or (), acceptable_words()))


def _observations(task: BaselineContext, variables: Mapping[str, Any]) -> ObservationsFile | None:
    """The file of observations; ``None`` if the variables name none, or one that the test messages of this run will
    begin.

    :raises OptionError: it cannot be read.
    """
    if not variables.get("observations"):
        return None
    path = os.path.abspath(variables["observations"])
    written = (variables.get(EXPERIMENT) or {}).get("observations")
    if written and os.path.abspath(written) == path and not os.path.lexists(path):
        return None
    where = f"{PREFIX}observations: {path}"
    try:
        document = json.loads(task.find_file(path))
    except OptionError as error:
        raise OptionError(
            f"{PREFIX}observations: {error}", remedy="Name a file that mail_flow_experiment wrote."
        ) from error
    except ValueError as error:
        raise OptionError(f"{where} is not JSON.", remedy="Name a file that mail_flow_experiment wrote.") from error
    file = ObservationsFile(document, where)
    file.of_organization("")  # A damaged file is refused before anything is read.
    return file


def _baseline(
    params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str
) -> Procedure:
    return Baseline(variables, params["run_tags"], params["skip_tags"])


def _audit(params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str) -> Procedure:
    return Audit(variables, params["run_tags"], params["skip_tags"])


def _snapshot(
    params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str
) -> Procedure:
    return Snapshot()


def _rollback(
    params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str
) -> Procedure:
    path = snapshot or choose_snapshot(artifacts, variables)
    return rollback_of(artifacts, path, variables) if path else NothingToRollBack()


def _disable(params: Mapping[str, Any], variables: Mapping[str, Any], artifacts: Artifacts, snapshot: str) -> Procedure:
    return Disable(variables["disable_rules"], (params["stage"],) if params.get("stage") else (RULES, SETTINGS))


_MAKERS = {"baseline": _baseline, "audit": _audit, "snapshot": _snapshot, "rollback": _rollback, "disable": _disable}


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
