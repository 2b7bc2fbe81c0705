# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of how test messages are sent, for the module and the role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SENDING_ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    "may_reach": {"type": "list", "elements": "str", "default": []},
    "max_messages": {"type": "int", "default": 20},
    "wait": {"type": "int", "default": 15},
    "read_copies": {"type": "bool", "default": False},
    "send_with": {"type": "str", "choices": ["graph", "smtp"], "default": "graph"},
    "smtp_host": {"type": "str"},
    "smtp_port": {"type": "int"},
    "smtp_security": {"type": "str", "choices": ["starttls", "tls"], "default": "starttls"},
    "smtp_username": {"type": "str"},
    "smtp_password": {"type": "str", "no_log": True},
    "observations": {"type": "path"},
}

#: Option to the least and the most that it may be.
SENDING_RANGES: Mapping[str, tuple[int, int]] = {
    "max_messages": (1, 100),
    "wait": (0, 240),
    "effective_within": (0, 240),
}
