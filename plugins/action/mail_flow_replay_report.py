# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_replay_report
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.pages import ReplayReportAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay_page import (
    render_json,
    render_replay,
)


class ActionModule(ReplayReportAction):
    """Runs the module of this name in the worker process. It writes files of the controller, and does not use the
    connection.
    """

    module = mail_flow_replay_report
    renderers = {"replay.json": render_json, "replay.html": render_replay}  # noqa: RUF012  a constant
