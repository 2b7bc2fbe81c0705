# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries of requirements.txt that all wires need, and the sentence that a missing one gets. Private to the
collection.

A file that cannot be imported would be found by tools that look at every file; a missing library is for the session to
say.
"""

from __future__ import annotations

import importlib.util

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import UnreachableError

try:
    import requests
    import urllib3
except ImportError:  # require() says so before any of it is used
    requests = urllib3 = None  # type: ignore[assignment]

__all__ = ["requests", "require", "urllib3"]


def require(*libraries: str) -> None:
    """Refuses to go on without these libraries.

    :raises UnreachableError: one of them is not installed.
    """
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            raise UnreachableError(
                f"the Python library {library} is not installed where ansible-playbook runs.",
                remedy="Install the collection's requirements.txt for that Python.",
            )
