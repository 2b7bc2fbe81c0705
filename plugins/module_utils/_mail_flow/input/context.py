# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mail flow module's ``run`` gets. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext


@dataclass
class MailFlowContext(ModuleContext):
    """A task that can read files of rules.

    :param load: returns the content of a YAML or JSON file, by the path that a user gave.
    :param to_yaml: writes a value as YAML for people.
    """

    load: Callable[[str], Any] = lambda path: None
    to_yaml: Callable[[Any], str] = json.dumps
