# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker and the broker pay for before the first session."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

# Not this file's own path: the checkout may be reached through a link.
ROOT = next(
    path for path in map(pathlib.Path, sys.path) if (path / "ansible_collections/m365/message_encryption").is_dir()
)
HEAVY = ("requests", "urllib3", "msal", "pypsrp", "spnego", "cryptography", "psrpcore")


@pytest.mark.parametrize(
    "module",
    [
        "_broker.client",
        "_broker.server",
        "_broker.identity",
        "_broker.frames",
        "_broker.session",
        "_broker.tries",
        "_transports.retry",
        "_transports.service_errors",
        "_transports.decode",
        "_transports.encode",
    ],
)
def test_our_modules_import_nothing_heavy(module: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ansible_collections.m365.message_encryption.plugins.plugin_utils.{module}; "
        f"print([name for name in {HEAVY!r} if name in sys.modules], 'ansible' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[] False"
    )


def test_the_connection_plugin_imports_nothing_heavy_beside_what_core_has() -> None:
    program = (
        "import sys, ansible.plugins.connection, ansible.utils.display; before = set(sys.modules); "
        f"sys.path.insert(0, {str(ROOT)!r}); import ansible_collections.m365.message_encryption.plugins.connection.exchange; "
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])"
    )
    assert (
        subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )
