# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the pipelines that reach a PowerShell process over its standard input. The module in it sees cmdlets, and not
which of them came together.
"""

from __future__ import annotations

import shlex
from pathlib import Path


class TappedProgram:
    """A program like ``program``, whose input is also written to a file.

    :param program: a PowerShell, or a script that becomes one. It keeps the process id.
    :param directory: an existing directory for the new program and the file.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self.path = directory / "tapped-pwsh"
        self._heard = directory / "tapped-input"
        pipe = '"$directory"/input'
        lines = [
            "#!/bin/sh",
            "set -eu",
            "directory=$(mktemp -d)",
            f"mkfifo {pipe}",
            "exec 3<&0",
            f"tee -a {shlex.quote(str(self._heard))} <&3 >{pipe} 2>/dev/null &",
            f"exec <{pipe} 3<&-",
            'rm -r "$directory"',
            f'exec {shlex.quote(program)} "$@"',
        ]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.path.chmod(0o700)

    @property
    def pipelines(self) -> int:
        """The number of pipelines so far. Source: out-of-process packets as PowerShell reads them, ``<Command
        PSGuid='...' />``.
        """
        return self._heard.read_bytes().count(b"<Command ") if self._heard.exists() else 0
