# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's ``run`` gets from whoever runs it. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Session

#: The options that every module which writes takes beside its own.
COMMON_ARGUMENT_SPEC: dict[str, Any] = {"verify_timeout": {"type": "int", "default": 60}}


@dataclass
class ModuleContext:
    """What a module's ``run`` gets.

    :param params: the validated options, plain values, every option present (``None`` where it was omitted).
    :param check_mode: nothing may be written.
    :param session: the organization.
    :param describe: who we are and where (``on_premises`` among it); costs no round trip to Exchange.
    :param find_file: a file's content by the path a user gave; relative paths are looked for as ``copy`` does.
    :param warnings: what the user is told beside the result.
    :param places: where new rules land, by their names: words for the diff.
    :param foreseen: the OME configurations that this run's tasks in check mode would have created.
    :param say: tells the user something at once, in the middle of the task.
    """

    params: Mapping[str, Any]
    check_mode: bool
    session: Session
    describe: Callable[[], dict[str, Any]] = dict
    find_file: Callable[[str], bytes] = lambda path: b""
    warnings: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    foreseen: Sequence[str] = ()
    say: Callable[[str], None] = lambda text: None
