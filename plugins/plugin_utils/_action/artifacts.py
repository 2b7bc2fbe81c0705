# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files on the controller: snapshots, plans and reports, one folder an organization. Private to the collection.

A file is written whole or not at all, and for nobody else to read. What is read is data: nothing in it is ever templated.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

_MARK = ".rolled-back.json"

#: What the tasks of one run keep for each other: a file for each run, since two may work on one organization at once.
_RUN = ".run-{}.json"

#: Seconds for which such a file stays. No run lasts longer, though ``disable`` may wait for hours.
_RUN_KEPT = 7 * 24 * 3600


class Artifacts:
    """The files of one organization.

    :param directory: the artifacts' top; relative to the working directory.
    :param host: the organization's name in the inventory, which names its folder.
    """

    def __init__(self, directory: str, host: str) -> None:
        self.top = Path(directory).expanduser().absolute()
        self.host = host
        self.folder = self.top / folder_name(host)

    def load(self, path: str) -> Any:
        """What a JSON file holds. A bare name is one in the organization's folder. An OptionError says why it cannot be read."""
        try:
            return json.loads(self._resolve(path).read_bytes())
        except OSError as error:
            raise OptionError(f"The file {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise OptionError(f"The file {path} is not JSON: it is cut off, or something else.") from error

    def load_plan(self, path: str) -> Any:
        """The organization's plan in a file, or in the folder of a run, which has one folder an organization. An OptionError says why there is none."""
        folder = Path(path).expanduser() if "/" in path else self.top / path
        if not folder.is_dir():
            return self.load(path)
        try:
            return self.load(str(folder / self.folder.name / "plan.json"))
        except OptionError as error:
            raise OptionError(f"hardened_baseline_approved_plan: {path} has no plan of {self.host}: {error}") from error

    def store(self, name: str, document: Mapping[str, Any]) -> str:
        """Writes a JSON document into the organization's folder. Gives its path."""
        return self.write(self.folder / name, _json(document))

    def store_snapshot(self, document: Mapping[str, Any]) -> str:
        """Writes a snapshot under a name of its own. Gives its path."""
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return self.store(f"snapshot-{stamp}.json", document)

    def snapshots(self) -> list[str]:
        """The snapshots' paths, the newest first."""
        return [str(path) for path in sorted(self.folder.glob("snapshot-*.json"), reverse=True) if not path.name.endswith(_MARK)]

    def remember(self, run: str, found: Mapping[str, Any]) -> None:
        """Keeps what a task of a run found for the tasks that follow. Through a task's result it would fill the screen when the task fails."""
        file = self.folder / _run_file(run)
        if not file.exists():
            self._forget_old_runs()
        self.store(file.name, found)

    def remembered(self, run: str) -> dict[str, Any]:
        """What the tasks of this run have found so far; nothing of another run."""
        try:
            return dict(self.load(str(self.folder / _run_file(run))))
        except (OptionError, TypeError, ValueError):
            return {}

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""
        return _mark(self._resolve(path)).exists()

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Remembers that a snapshot has been rolled back."""
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.write(_mark(self._resolve(path)), _json({"digest": digest, "rolled_back_at": when}))

    def store_report(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report, with their SHA256SUMS, into the organization's folder or at the artifacts' top. Gives their paths."""
        folder = self.top if top else self.folder
        contents = {name: text.encode("utf-8", "backslashreplace") for name, text in files.items()}
        paths = {name: self.write(folder / name, content) for name, content in contents.items()}
        sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
        self.write(folder / "SHA256SUMS", sums.encode("ascii"))
        return paths

    def write(self, path: Path, content: bytes) -> str:
        """Writes a file, whole or not at all, with mode 0600 in a folder with mode 0700."""
        try:
            for folder in (self.top, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OptionError(f"hardened_baseline_artifacts_dir: {path} cannot be written: {error.strerror}.") from error
        return str(path)

    def _resolve(self, path: str) -> Path:
        """The file that somebody means: a bare name is one in the organization's folder, if there is one."""
        here = self.folder / path
        return here if "/" not in path and here.exists() else Path(path).expanduser()

    def _forget_old_runs(self) -> None:
        for file in self.folder.glob(_RUN.format("*")):
            # Another run may be tidying up, too.
            with contextlib.suppress(OSError):
                if file.stat().st_mtime < time.time() - _RUN_KEPT:
                    file.unlink()


def folder_name(host: str) -> str:
    """The folder of an organization: its name in the inventory, or where that is no name of a folder, something unmistakable."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@-]*", host):
        return host
    return re.sub(r"[^A-Za-z0-9._@-]", "_", host).lstrip(".-") + "-" + hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _mark(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name.removesuffix(".json") + _MARK)


def _run_file(run: str) -> str:
    return _RUN.format(re.sub(r"[^A-Za-z0-9_-]", "_", run))


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"
