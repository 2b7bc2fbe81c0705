# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's result as one line of JSON to the file that TASK_RESULTS names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_results
type: notification
short_description: Every task's result as a line of JSON
description:
  - Writes every task's result as one line of JSON to the file that the environment variable E(TASK_RESULTS) names.
requirements:
  - enabled in the configuration
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._play = ""
        self._file = open(os.environ["TASK_RESULTS"], "a", encoding="utf-8", buffering=1)  # noqa: SIM115 (open for the whole run)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play.get_name()

    def _write(self, outcome: str, result: Any) -> None:
        line = {
            "play": self._play,
            "task": result.task.get_name(),
            "action": result.task.resolved_action,
            "host": result.host.get_name(),
            "outcome": outcome,
            "result": result.result,
        }
        self._file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)
