# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans that runs made of an organization."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._exchange.errors import OptionError
from .files import path_of, write_file, write_json
from .folders import PLAN, Folders


class PlanFiles:
    """The plans of one organization."""

    def __init__(self, at: Folders) -> None:
        self._at = at

    def store(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan of the organization. Returns its path."""
        path = write_json(self._at.in_run / PLAN, document)
        write_file(self._at.organization / "latest-plan", f"{self._at.run}\n".encode("ascii"))
        return path

    def load(self, path: str) -> Any:
        """The organization's plan from a file, or from the folder of a run, which has one folder for each organization.
        Raises OptionError if there is none, or if a bare name means two.
        """
        run = self._at.top / "runs" / path
        folder = path_of(path) if "/" in path or not os.path.isdir(run) else run
        is_folder = os.path.isdir(folder)
        try:
            return self._at.read(folder / self._at.name / PLAN) if is_folder else self._of_one_file(path)
        except OptionError as error:
            what = f"{path} does not contain a plan of {self._at.host}: {error}" if is_folder else str(error)
            remedy = (
                "Set it to the plan.json of a check-mode run, to the folder of that run, or to the digest of the plan."
            )
            raise OptionError(f"hardened_baseline_approved_plan: {what}", remedy=remedy) from error

    def _of_one_file(self, path: str) -> Any:
        known = self._at.resolve(path)
        here = path_of(path)
        document = self._at.read(known)
        if known != here and here.is_file() and self._at.read(here) != document:
            raise OptionError(
                f"{path} is a file in the working directory (./{path}), and {known} is another plan.",
                remedy="Give the path of the one that was approved.",
            )
        return document

    def with_digest(self, digest: str) -> Any:
        """The plan of an earlier run with this digest, as it was written; ``None`` if there is none. Searches from the
        newest run.
        """
        for name in reversed(self._at.runs()):
            file = self._at.top / "runs" / name / self._at.name / PLAN
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if digest.encode("ascii", "replace") in content:
                return self._at.read(file)
        return None

    def owner_of(self, digest: str) -> str:
        """The other organization whose plan in an earlier run has this digest; empty if there is none. Searches from
        the newest run. A file that cannot be read is no such plan.
        """
        for name in reversed(self._at.runs()):
            for file in sorted((self._at.top / "runs" / name).glob(f"*/{PLAN}")):
                if file.parent.name != self._at.name and self._has_digest(file, digest):
                    return file.parent.name
        return ""

    def _has_digest(self, file: Path, digest: str) -> bool:
        """Whether a plan can be read and has a digest."""
        with contextlib.suppress(OSError, OptionError, AttributeError):
            mentions = digest.encode("ascii", "replace") in file.read_bytes()
            return mentions and self._at.read(file).get("digest") == digest
        return False
