# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a run note for each other, and for a run that comes after one that was cut off. Private to the
collection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import folder_name, write_json
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import Folders

#: The keys of what Exchange has contradicted of a rule.
_CONTRADICTION = {"guid", "name", "from", "until", "run", "contradictions"}


class NoteFiles:
    """What the tasks of a procedure note about one organization."""

    def __init__(self, at: Folders) -> None:
        self._at = at

    def begin(self) -> None:
        """Begins the procedure: data that an earlier procedure of this run stored is ignored."""
        self._at.refuse_shared()
        noted = self._at.noted()
        number = int(noted.get("number", 1)) + bool(noted.get("reported"))
        self._marked("published", self._at.host).unlink(missing_ok=True)
        self._at.note({"number": number})

    @property
    def reported(self) -> bool:
        """Whether this procedure has written the report of the organization."""
        return bool(self._at.noted().get("reported"))

    def remember(self, found: Mapping[str, Any]) -> None:
        """Stores what a task of the run found for later tasks. In a task's result, it would flood the screen when the
        task fails.
        """
        self._at.note({**self._at.noted(), "found": dict(found)})

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have stored so far."""
        return dict(self._at.noted().get("found") or {})

    def keep_unwritten(self, report: Mapping[str, Any]) -> None:
        """Stores the report of an organization whose files could not be written for that of the run; an empty one if
        they could.
        """
        noted = self._at.noted()
        if dict(report) != noted.get("unwritten", {}):
            self._at.note({**noted, "unwritten": dict(report)})

    def remembered_of(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What the tasks of this procedure have stored so far for other organizations of the run."""
        return {host: NoteFiles(self._at.of(host)).remembered() for host in hosts}

    def mark(self, what: str, hosts: Iterable[str]) -> None:
        """Marks organizations for later tasks in this procedure of the run: ``published``, ``reported-failure``, or
        ``failed`` in an earlier ring.
        """
        for host in hosts:
            self._marked(what, host).touch(mode=0o600)

    def marked(self, what: str, hosts: Iterable[str]) -> list[str]:
        """Those of some organizations that are marked so."""
        return [host for host in hosts if self._marked(what, host).exists()]

    def _marked(self, what: str, host: str) -> Path:
        return self._at.of_run.directory / f"message_encryption-{what}-{self._at.procedure}-{folder_name(host)}"

    def begin_writing(self, snapshot: str) -> None:
        """Records that this run writes to the organization from now on."""
        write_json(self._writing, {"run": self._at.run, "snapshot": snapshot})

    def end_writing(self) -> None:
        """Records that the run knows what it wrote, and that it stays or is rolled back."""
        with contextlib.suppress(OSError):
            self._writing.unlink(missing_ok=True)

    def interrupted(self) -> dict[str, str]:
        """``run`` and ``snapshot`` of the run that writes, or of one that was interrupted while it wrote; empty if
        there is none.

        ``unknown`` alone says why neither can be told.
        """
        try:
            found = self._at.read(self._writing)
            return {name: str(found[name]) for name in ("run", "snapshot")}
        except OptionError as error:
            return {} if isinstance(error.__cause__, FileNotFoundError) else {"unknown": str(error)}
        except KeyError:
            return {"unknown": f"The file {self._writing} is not a record of a run."}

    def contradictions(self) -> list[dict[str, Any]]:
        """What Exchange has contradicted of rules, and no later window agreed with. Raises OptionError if that cannot
        be read.
        """
        try:
            rows = self._at.read(self._contradictions).get("rules")
        except OptionError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            raise
        if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == _CONTRADICTION for row in rows):
            raise OptionError(f"The file {self._contradictions} is not a record of contradictions.")
        return rows

    def keep_contradictions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Stores what Exchange has contradicted for later runs."""
        write_json(self._contradictions, {"rules": list(rows)})

    @property
    def _contradictions(self) -> Path:
        return self._at.organization / "contradictions.json"

    @property
    def _writing(self) -> Path:
        return self._at.organization / "writing.json"
