# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what an emulated organization stores before each play, as one line of JSON, to the file that STATES names."""

from __future__ import annotations

import os
import ssl
import urllib.request
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: organization_states
type: notification
short_description: What an emulated organization stores before each play
description:
  - Writes what an emulated organization stores before each play, as one line of JSON, to the file that the environment
    variable E(STATES) names.
  - E(STATES_URL) is where the emulator tells it, and E(STATES_CA) the authority that signed its certificate.
requirements:
  - enabled in the configuration
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "organization_states"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        trust = ssl.create_default_context(cafile=os.environ["STATES_CA"])
        with (
            urllib.request.urlopen(os.environ["STATES_URL"], context=trust) as answer,  # noqa: S310 (the emulator)
            open(os.environ["STATES"], "ab") as file,
        ):
            file.write(answer.read() + b"\n")
