# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from an option, each with its expectations. Private to the collection."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.expected import check
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    message_of,
    ordinary,
    with_options,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import (
    OTHER_TYPES,
    TYPES,
    Message,
)

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
    "type": {"type": "list", "elements": "str", "choices": [*TYPES, *OTHER_TYPES]},
    "importance": {"type": "str", "choices": ["Low", "Normal", "High"]},
    "classification": {"type": "list", "elements": "str"},
    "scl": {"type": "int"},
    "sender_ip": {"type": "str"},
    "size": {"type": "str"},
    "date": {"type": "str"},
    "protection": {
        "type": "dict",
        "options": {
            "kind": {"type": "str", "default": "none"},
            "owner": {"type": "str", "choices": ["own", "other", "unknown"]},
        },
    },
    "disclaimer_insertable": {"type": "bool"},
    "expect": {"type": "dict"},
}
MESSAGES_ARGUMENT_SPEC: dict[str, Any] = {"type": "list", "elements": "dict", "options": MESSAGE_ARGUMENT_SPEC}

#: Keys of a message that do not affect its path.
_BESIDE = ("name", "eml_path", "defaults", "expect")


@dataclass(frozen=True)
class Case:
    """A message, and the expectations for its recipients: address to keys of a result."""

    message: Message
    expect: Mapping[str, Any] = field(default_factory=dict)


def cases_of(
    options: Sequence[Mapping[str, Any]],
    find_file: Callable[[str], bytes],
    now: datetime.datetime,
    where: str = "messages",
    defaults: str | None = None,
) -> list[Case]:
    """The messages of an option. A message without a date passes now.

    :param where: the name of the option.
    :param defaults: what is taken of all that is not known, of messages that do not say it themselves.
    :raises OptionError: a message is invalid; the error names the option.
    """
    cases: list[Case] = []
    names: set[str] = set()
    for index, each in enumerate(options):
        at = f"{where}[{index}]."
        name = str(each["name"])
        if name in names:
            raise OptionError(
                f"{at}name is {name!r}, which another message has.", remedy="Give each message a name of its own."
            )
        names.add(name)
        given = {key: value for key, value in each.items() if key not in _BESIDE and value is not None}
        if "protection" in given:
            given["protection"] = {key: value for key, value in given["protection"].items() if value is not None}
        message = _message(each.get("eml_path"), given, find_file, at, name)
        message = message if message.date else replace(message, date=now)
        message = ordinary(message) if (each.get("defaults") or defaults) == "ordinary" else message
        expect = each.get("expect") or {}
        check(expect, message, f"{at}expect")
        cases.append(Case(message, expect))
    return cases


def _message(
    path: str | None, given: Mapping[str, Any], find_file: Callable[[str], bytes], at: str, name: str
) -> Message:
    if not path:
        return message_of(given, at, name)
    message = message_from_eml(find_file(path), f"{at}eml_path: {path}", name)
    if not any(field in given for field in ("to", "cc", "bcc")) and not (message.to or message.cc or message.bcc):
        raise OptionError(f"{at}eml_path: {path} names no recipient.", remedy=f"Give {at}to, {at}cc or {at}bcc.")
    return with_options(message, given, at)
