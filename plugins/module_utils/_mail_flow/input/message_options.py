# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument spec of the option ``messages``, and the keys of one."""

from __future__ import annotations

from typing import Any

from ..._resources.rules.fields import IMPORTANCES, MESSAGE_TYPES
from ..model.message import OTHER_TYPES

_ATTACHMENT: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "size": {"type": "str"},
    "text": {"type": "str"},
    "nested": {"type": "list", "elements": "str"},
    "properties": {"type": "dict"},
    "executable": {"type": "bool"},
    "password_protected": {"type": "bool", "no_log": False},
    "unsupported": {"type": "bool"},
    "limit_exceeded": {"type": "bool"},
}

#: The argument spec of what is taken of all that is not known about a message.
DEFAULTS_ARGUMENT_SPEC: dict[str, Any] = {"type": "str", "choices": ["ordinary"]}

#: The argument spec of a message, and of a list of them.
MESSAGE_ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "eml_path": {"type": "path"},
    "defaults": DEFAULTS_ARGUMENT_SPEC,
    "from": {"type": "str"},
    "mail_from": {"type": "str"},
    "authenticated": {"type": "bool"},
    "to": {"type": "list", "elements": "str"},
    "cc": {"type": "list", "elements": "str"},
    "bcc": {"type": "list", "elements": "str"},
    "subject": {"type": "str"},
    "body": {"type": "str"},
    "headers": {"type": "dict"},
    "attachments": {"type": "list", "elements": "dict", "options": _ATTACHMENT},
    "type": {"type": "list", "elements": "str", "choices": [*MESSAGE_TYPES, *OTHER_TYPES]},
    "importance": {"type": "str", "choices": list(IMPORTANCES)},
    "classification": {"type": "list", "elements": "str"},
    "scl": {"type": "int"},
    "sensitivity_label": {"type": "str"},
    "sensitive_information": {"type": "bool"},
    "sender_ip": {"type": "str"},
    "size": {"type": "str"},
    "date": {"type": "str"},
    "protection": {
        "type": "dict",
        "options": {
            "kind": {"type": "str"},
            "owner": {"type": "str", "choices": ["own", "other", "unknown"]},
        },
    },
    "disclaimer_insertable": {"type": "bool"},
    "expect": {"type": "dict"},
}
MESSAGES_ARGUMENT_SPEC: dict[str, Any] = {"type": "list", "elements": "dict", "options": MESSAGE_ARGUMENT_SPEC}

#: Keys of an entry that are about a message, and no part of it.
ABOUT_MESSAGE = ("name", "eml_path", "defaults", "expect")

#: Keys of a message: all others.
MESSAGE_KEYS = tuple(key for key in MESSAGE_ARGUMENT_SPEC if key not in ABOUT_MESSAGE)
