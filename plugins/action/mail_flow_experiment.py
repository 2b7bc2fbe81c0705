# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_experiment
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import MailFlowExperimentAction


class ActionModule(MailFlowExperimentAction):
    """Runs the module of this name in the worker process."""

    module = mail_flow_experiment
