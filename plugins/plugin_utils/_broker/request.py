# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker asks of a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...module_utils._exchange.cmdlet import Call


@dataclass
class Request:
    """A worker's request to a session.

    :param reuse: seconds for which an earlier read of this run may be reused.
    :param wanted: whether the worker still waits.
    :param log: receives lines for ``-vvv``.
    :param tell: shows text to the person who runs the playbook, at once.
    :param warn: receives lines that people should read.
    """

    calls: Sequence[Call]
    fresh: bool = False
    reuse: float = 0.0
    wanted: Callable[[], bool] = lambda: True
    log: Callable[[str], None] = lambda line: None
    tell: Callable[[str], None] = lambda text: None
    warn: Callable[[str], None] = lambda line: None

    @property
    def may_reuse(self) -> bool:
        """Whether earlier reads may be reused."""
        return self.reuse > 0 and not self.fresh
