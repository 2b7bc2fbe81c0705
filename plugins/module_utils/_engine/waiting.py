# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until Exchange shows what was written."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .context import COMMON_ARGUMENT_SPEC, ModuleContext
from .plan import Step
from .progress import label

#: Seconds between two reads while a change is not visible yet.
VERIFY_INTERVAL = 2.0

#: Seconds between progress messages of a task that waits.
PROGRESS_INTERVAL = 15.0

#: Seconds for which the organization is read after a write that neither succeeded nor was refused clearly, where
#: ``verify_timeout`` leaves out the verification of what succeeded.
UNCLEAR_TIMEOUT: int = COMMON_ARGUMENT_SPEC["verify_timeout"]["default"]


@dataclass
class Wait:
    """Waits until Exchange shows what was written.

    :param timeout: seconds.
    """

    task: ModuleContext
    timeout: float

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.last_message = self.began

    @property
    def over(self) -> bool:
        """Whether the timeout has expired."""
        return time.monotonic() >= self.began + self.timeout

    def pause(self, steps: Iterable[Step]) -> None:
        """Sleeps before the next read.

        :param steps: the steps that are not visible yet.
        """
        now = time.monotonic()
        if now - self.last_message >= PROGRESS_INTERVAL:
            self.last_message = now
            missing = ", ".join(dict.fromkeys(label(change) for step in steps for change in step.changes))
            self.task.say(
                f"Exchange does not show {missing} on every server yet. Waited {now - self.began:.0f} of {self.timeout} s."
            )
        time.sleep(min(VERIFY_INTERVAL, self.timeout))
