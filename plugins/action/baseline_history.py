# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.modules import baseline_history
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.pages import HistoryAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.history_page import (
    render_history,
    render_json,
)


class ActionModule(HistoryAction):
    """Runs the module of this name in the worker process. It reads and writes files of the controller, and does not use
    the connection.
    """

    module = baseline_history
    renderers = {"history.json": render_json, "history.html": render_history}  # noqa: RUF012  a constant
