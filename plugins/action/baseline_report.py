# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import REPORTED
from ansible_collections.m365.message_encryption.plugins.modules import baseline_report
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.action import ReportingAction


class ActionModule(ReportingAction):
    """Runs the module of this name in the worker process. It writes reports, and does not use the connection."""

    module = baseline_report

    def variables_read(self, procedure: str) -> set[str]:
        """The few variables that a report shows: it is written also where others are wrong."""
        return REPORTED

    def check_connection(self) -> None:
        """Any connection will do."""
