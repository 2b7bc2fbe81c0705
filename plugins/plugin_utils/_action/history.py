# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the folders of earlier runs, one after the other. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants as C
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    HistoryContext,
    Look,
    looks_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import organizations_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import Artifacts
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder

PROCEDURE = "history"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class HistoryAction(ModuleAction):
    """Runs the module in the worker process. It uses no connection."""

    #: The name of each file to what makes its text.
    renderers: ClassVar[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {}

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> HistoryContext:
        """A task with the folders of the runs."""
        run = RunFolder.in_directory(C.DEFAULT_LOCAL_TMP)

        def kept(directory: str) -> Artifacts:
            return Artifacts(directory, PROCEDURE, run, PROCEDURE, fields["params"]["owners"])

        def store(directory: str, document: Mapping[str, Any]) -> dict[str, str]:
            files = {name: render(document) for name, render in self.renderers.items()}
            return kept(directory).reports.store(files, top=True)

        return HistoryContext(**fields, runs=lambda directory: runs_in(kept(directory)), store=store)

    def check_connection(self) -> None:
        """Any connection will do."""


def runs_in(artifacts: Artifacts) -> Iterator[list[Look]]:
    """What each run saw. Raises OptionError if there is no folder of runs, or a report in one cannot be read."""
    names = artifacts.reports.run_names()
    if not names:
        raise OptionError(
            f"directory: {artifacts.folders.top} holds no runs.",
            remedy="Set hardened_baseline_artifacts_dir to the directory of earlier runs: they are the folders in its folder runs.",
        )
    for name in names:
        yield _looks(artifacts, name)


def _looks(artifacts: Artifacts, name: str) -> list[Look]:
    """What a run saw. One that has no report of the whole run was stopped, and has those of the organizations that it
    came to.
    """
    folder = artifacts.folders.top / "runs" / name
    whole = folder / "report.json"
    files = [whole] if whole.exists() else sorted(folder.glob("*/report.json"))
    looks = []
    for file in files:
        document = _report(artifacts, file)
        looks += looks_of({**document, "run": name}, organizations_of(document, str(file)))
    return looks


def _report(artifacts: Artifacts, file: Path) -> dict[str, Any]:
    remedy = "Remove this file, or its folder, from the directory."
    try:
        document = artifacts.folders.read(file)
    except OptionError as error:
        raise OptionError(f"directory: {error}", remedy=remedy) from error
    texts = [document.get(key) for key in ("kind", "run", "generated_at")]
    if not all(isinstance(text, str) for text in texts) or not _TIME.fullmatch(str(texts[-1])):
        raise OptionError(f"directory: {file} is not the report of a run.", remedy=remedy)
    return document
