# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run learns what was observed in an organization: the files that test messages left."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ..._exchange.errors import OptionError
from ..._mail_flow.input.observations import ObservationsFile, ObservationSources
from ..controls.findings import PREFIX
from ..controls.mail_control import EXPERIMENT
from ..documents.artifacts import Artifacts
from ..procedures.baseline_context import BaselineContext

_REMEDY = "Name a file that mail_flow_experiment wrote."


def observation_sources(
    task: BaselineContext, variables: Mapping[str, Any], artifacts: Artifacts
) -> ObservationSources | None:
    """The file that the variables name, and of the one that test messages of runs keep, the contradictions; ``None`` if there is
    neither.

    :raises OptionError: a file that the variables name cannot be read.
    """
    named = _path(variables.get("observations"))
    written = _path((variables.get(EXPERIMENT) or {}).get("observations"))
    answers = _file(task, named, f"{PREFIX}observations") if named and not _is_begun(named, written) else None
    kept = [_own(task, artifacts)]
    if written and written != named and os.path.lexists(written):
        kept.append(_file(task, written, f"{PREFIX}{EXPERIMENT}.observations"))
    contradictions = tuple(file for file in kept if file is not None)
    return ObservationSources(answers, contradictions) if answers or contradictions else None


def _path(path: Any) -> str:
    return os.path.abspath(path) if path else ""


def _is_begun(path: str, written: str) -> bool:
    """Whether the test messages of this run will begin a file."""
    return written == path and not os.path.lexists(path)


def _file(task: BaselineContext, path: str, option: str) -> ObservationsFile:
    """A file that a variable names.

    :raises OptionError: it cannot be read, or is damaged.
    """
    where = f"{option}: {path}"
    try:
        document = json.loads(task.find_file(path))
    except OptionError as error:
        raise OptionError(f"{option}: {error}", remedy=_REMEDY) from error
    except ValueError as error:
        raise OptionError(f"{where} is not JSON.", remedy=_REMEDY) from error
    return _checked(ObservationsFile(document, where))


def _own(task: BaselineContext, artifacts: Artifacts) -> ObservationsFile | None:
    """The file that the role keeps where the variables name none; ``None`` if there is none. One that cannot be read is a
    warning.
    """
    try:
        document = artifacts.notes.observations()
        return _checked(ObservationsFile(document, artifacts.notes.observations_path)) if document is not None else None
    except OptionError as error:
        task.warnings.append(f"What test messages have contradicted so far is unknown: {error}")
        return None


def _checked(file: ObservationsFile) -> ObservationsFile:
    """The file itself.

    :raises OptionError: it is damaged.
    """
    file.of_organization("")
    return file
