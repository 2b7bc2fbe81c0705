# SPDX-License-Identifier: GPL-3.0-or-later
"""The module context: what a module's ``run`` receives from its caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._exchange.cmdlet import Session
from .._exchange.errors import OptionError
from .._exchange.tenant import SessionDescription

#: The options that every module with write access shares.
COMMON_ARGUMENT_SPEC: dict[str, Any] = {"verify_timeout": {"type": "int", "default": 60}}


def _no_graph() -> Session:
    raise OptionError(
        "Microsoft Graph needs a connection to an organization.",
        remedy="Run the task on a host that uses the connection plugin m365.message_encryption.exchange.",
    )


@dataclass
class ModuleContext:
    """The module context.

    :param params: the validated options as plain values. Every option is present (``None`` if omitted).
    :param check_mode: whether writing is forbidden.
    :param session: the session of the organization.
    :param graph: opens a session with Microsoft Graph, for the organization's message trace.
    :param mailboxes: the same, for mailboxes of the organization.
    :param describe: describes the session, which it opens if no call has. That costs a round trip only then.
    :param find_file: returns a file's content by the path that a user gave. Relative paths are searched for as ``copy``
        does.
    :param warnings: warnings to show with the result.
    :param places: the position of each new rule, by the rule's name, in words for the diff.
    :param foreseen: the OME configurations that earlier check mode tasks of this run would have created.
    :param say: shows a message to the user immediately, while the task runs.
    """

    params: Mapping[str, Any]
    check_mode: bool
    session: Session
    graph: Callable[[], Session] = _no_graph
    mailboxes: Callable[[], Session] = _no_graph
    describe: Callable[[], SessionDescription] = SessionDescription
    find_file: Callable[[str], bytes] = lambda path: b""
    warnings: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    foreseen: Sequence[str] = ()
    say: Callable[[str], None] = lambda text: None

    def refuse_on_premises(self, names: Sequence[str]) -> None:
        """Refuses options that Exchange on-premises does not have, by name. Opens the session if no call has."""
        if names and self.describe().is_on_premises:
            raise OptionError(
                f"{', '.join(names)}: available only in Exchange Online, but this organization is on-premises.",
                remedy="Omit it for this host.",
            )
