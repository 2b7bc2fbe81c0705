# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries of requirements.txt that all wires need, and the sentence that a missing one gets.

A file that cannot be imported would be found by tools that look at every file; a missing library is for the session to
say.
"""

from __future__ import annotations

import importlib.util

from ...module_utils._exchange.errors import UnreachableError

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
