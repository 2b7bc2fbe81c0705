# SPDX-License-Identifier: GPL-3.0-or-later
"""The OME configurations that tasks in check mode would have created by now, for the tasks that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C

from ...module_utils._engine.context import ModuleContext
from ...module_utils._exchange.errors import OptionError
from ...module_utils._resources.ome_configuration import OME_CONFIGURATION
from .base import ModuleAction
from .files import read_json, write_json


class Foreseen:
    """The OME configurations that an organization would have by now.

    :param directory: the run's own temporary directory.
    :param organization: its name.
    """

    def __init__(self, directory: str, organization: str) -> None:
        digest = hashlib.sha256(organization.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._file = Path(directory) / f"message_encryption-foreseen-{digest}.json"

    def names(self) -> list[str]:
        """The names of the OME configurations."""
        try:
            return [str(name) for name in read_json(self._file)["names"]]
        except (OptionError, KeyError, TypeError):
            return []

    def add(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Records what a task in check mode would change."""
        rows = [
            change for change in changes if (change["resource"], change["option"]) == (OME_CONFIGURATION.name, "state")
        ]
        if rows:
            names = dict.fromkeys(self.names())
            for row in rows:
                names.pop(row["identity"], None)
                names.update({row["identity"]: None} if row["after"] == "present" else {})
            write_json(self._file, {"names": list(names)}, lasting=False)


class ForeseesConfigurations(ModuleAction):
    """Runs a module that changes OME configurations, or whose rules name them."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ModuleContext:
        """The module context, in check mode with what earlier tasks would have created."""
        foreseen = self._foreseen().names() if self._task.check_mode else ()
        return super().make_task(task_vars, foreseen=foreseen, **fields)

    def _outcome(self, task: ModuleContext) -> dict[str, Any]:
        outcome = super()._outcome(task)
        if task.check_mode and not outcome.get("failed"):
            self._foreseen().add(outcome.get("changes") or ())
        return outcome

    def _foreseen(self) -> Foreseen:
        return Foreseen(C.DEFAULT_LOCAL_TMP, self.organization())
