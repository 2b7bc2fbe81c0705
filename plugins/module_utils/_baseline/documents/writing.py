# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run that writes to an organization, until it ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Writing:
    """A run that writes, or that was interrupted while it wrote.

    :param run: the name of the run's folder.
    :param kind: its procedure; empty if the record cannot be read.
    :param snapshot: the path of the one that it took or restores.
    :param controls: the controls whose changes it planned.
    :param process: the process and its machine, as words.
    :param began: when it began to write, as ISO 8601 has it.
    :param lives: whether its process still runs; ``None`` if that cannot be told from here.
    :param unreadable: why the record cannot be read; empty if it can.
    """

    run: str
    kind: str = ""
    snapshot: str = ""
    controls: tuple[str, ...] = ()
    process: str = ""
    began: str = ""
    lives: bool | None = None
    unreadable: str = ""
