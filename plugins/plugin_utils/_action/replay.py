# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the action that writes the page of a replay: it has what was registered for the hosts of the play.
Private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ansible import constants as C
from ansible_collections.m365.message_encryption.plugins.modules.mail_flow_replay_report import ReplayReportContext
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import Artifacts
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction, plain
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder

PROCEDURE = "replay"


class ReplayReportAction(ModuleAction):
    """Runs the module in the worker process. It uses no connection."""

    #: The name of each file to what makes its text.
    renderers: ClassVar[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {}

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ReplayReportContext:
        """A task with the results of all hosts of the play."""
        params, run = fields["params"], RunFolder.in_directory(C.DEFAULT_LOCAL_TMP)
        results = {
            str(host): plain(task_vars["hostvars"][host].get(params["registered"]) or {})
            for host in task_vars["ansible_play_hosts_all"]
        }

        def store(directory: str, document: Mapping[str, Any]) -> dict[str, str]:
            files = {name: render(document) for name, render in self.renderers.items()}
            return Artifacts(directory, PROCEDURE, run, PROCEDURE, params["owners"]).reports.store(files, top=True)

        return ReplayReportContext(**fields, results=results, store=store)

    def check_connection(self) -> None:
        """Any connection will do."""
