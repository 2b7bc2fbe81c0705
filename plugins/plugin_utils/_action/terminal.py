# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows text on the terminal from a task's worker process. Private to the collection."""

from __future__ import annotations

import inspect

from ansible import constants as C
from ansible.utils import display
from ansible.utils.display import Display


def show(text: str) -> None:
    """Shows a text now, before the task has a result.

    ansible-runner wraps core's method. Before 2.4.2 its wrapper writes marks to the worker's own output, of which core
    warns. So this calls the outermost function that core itself defines: it hands the text to the main process, where
    ansible-runner sees it.
    """
    own = inspect.unwrap(Display.display, stop=lambda function: function.__globals__["__name__"] == display.__name__)
    # Whoever reads results as JSON finds nothing else among them.
    own(Display(), text, stderr="json" in C.DEFAULT_STDOUT_CALLBACK)
