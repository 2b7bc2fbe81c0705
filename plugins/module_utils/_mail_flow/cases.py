# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with what is expected of them, and whether it is so. Private to the collection."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.expect import Broken, broken, check
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.message import OTHER_TYPES, TYPES, Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.options import message_of, ordinary, with_options
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.report import explained, sides
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulate import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace import Tracer

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

#: The argument spec of a message, and of a list of them.
MESSAGE_ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "eml_path": {"type": "path"},
    "defaults": {"type": "str", "choices": ["ordinary"]},
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
        "options": {"kind": {"type": "str", "default": "none"}, "owner": {"type": "str", "choices": ["own", "other", "unknown"]}},
    },
    "disclaimer_insertable": {"type": "bool"},
    "expect": {"type": "dict"},
}
MESSAGES_ARGUMENT_SPEC: dict[str, Any] = {"type": "list", "elements": "dict", "options": MESSAGE_ARGUMENT_SPEC}

#: Keys of a message that say nothing of its way.
_BESIDE = ("name", "eml_path", "defaults", "expect")


@dataclass(frozen=True)
class Case:
    """A message, and what is expected for its recipients: address to keys of a result."""

    message: Message
    expect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """What is not as expected for one recipient.

    :param text: a diff, and the rules that decided.
    :param before: what is expected, as lines; :param:`after` what came out.
    :param open: whether what came out is unknown, so that the expectation may be met all the same.
    """

    message: str
    recipient: str
    text: str
    before: str
    after: str
    open: bool = False


@dataclass(frozen=True)
class Tested:
    """What became of the messages.

    :param messages: the results by the contract.
    :param expectations: how many recipients something was expected for.
    """

    messages: list[dict[str, Any]]
    failures: list[Failure]
    expectations: int

    def listed(self, which: str) -> list[dict[str, Any]]:
        """The results of ``all`` messages, of those that ``failed``, or of ``none``."""
        failed = {failure.message for failure in self.failures}
        return [each for each in self.messages if which == "all" or (which == "failed" and each["name"] in failed)]

    @property
    def summary(self) -> str:
        """The outcome in a sentence, or of failures their texts after it."""
        recipients = sum(len(message["recipients"]) for message in self.messages)
        head = f"{_count(len(self.messages), 'message')}, {_count(recipients, 'recipient')}"
        if not self.failures:
            all_ = "its expectation is" if self.expectations == 1 else f"all {self.expectations} expectations are"
            return f"{head}: {all_} met." if self.expectations else f"{head}."
        some = "its expectation is" if self.expectations == 1 else f"{len(self.failures)} of {self.expectations} expectations are"
        return "\n".join([f"{head}: {some} not met.", *(failure.text for failure in self.failures)])


def cases_of(options: Sequence[Mapping[str, Any]], find_file: Callable[[str], bytes], now: datetime.datetime, where: str = "messages") -> list[Case]:
    """Messages as the option has them. A message without a date passes now.

    :param where: the name of the option.
    :raises OptionError: what is wrong with one of them, by name.
    """
    cases: list[Case] = []
    names: set[str] = set()
    for index, each in enumerate(options):
        at = f"{where}[{index}]."
        name = str(each["name"])
        if name in names:
            raise OptionError(f"{at}name is {name!r}, which another message has.", remedy="Give each message a name of its own.")
        names.add(name)
        given = {key: value for key, value in each.items() if key not in _BESIDE and value is not None}
        if "protection" in given:
            given["protection"] = {key: value for key, value in given["protection"].items() if value is not None}
        message = _message(each.get("eml_path"), given, find_file, at, name)
        message = message if message.date else replace(message, date=now)
        message = ordinary(message) if each.get("defaults") == "ordinary" else message
        expect = each.get("expect") or {}
        check(expect, message, f"{at}expect")
        cases.append(Case(message, expect))
    return cases


def _message(path: str | None, given: Mapping[str, Any], find_file: Callable[[str], bytes], at: str, name: str) -> Message:
    if not path:
        return message_of(given, at, name)
    message = message_from_eml(find_file(path), f"{at}eml_path: {path}", name)
    if not any(field in given for field in ("to", "cc", "bcc")) and not (message.to or message.cc or message.bcc):
        raise OptionError(f"{at}eml_path: {path} names no recipient.", remedy=f"Give {at}to, {at}cc or {at}bcc.")
    return with_options(message, given, at)


def run_cases(cases: Sequence[Case], simulator: Simulator, trace: str = "failed") -> Tested:
    """Takes messages through the rules and compares what comes out with what is expected.

    :param trace: for whom the result has a trace: ``failed``, ``all`` or ``none``.
    """
    messages: list[dict[str, Any]] = []
    failures: list[Failure] = []
    protecting = {rule.name for rule in simulator.rules.rules if rule.does(Does.ENCRYPT)}
    for case in cases:
        found = simulator.run(case.message)
        recipients = found["recipients"]
        misses: dict[str, list[Broken]] = {}
        for miss in broken(case.expect, recipients):
            misses.setdefault(miss.recipient, []).append(miss)
        tracer = Tracer(simulator.rules, case.message, simulator.facts) if misses or trace == "all" else None
        for label, result in recipients.items():
            failed = next((recipient for recipient in misses if recipient.casefold() == label.casefold()), None)
            if tracer and (trace == "all" or (trace == "failed" and failed)):
                result["trace"] = tracer.trace(label)
        for recipient, each in misses.items():
            label = next((label for label in recipients if label.casefold() == recipient.casefold()), None)
            shown = tracer.trace(label) if tracer and label else []
            text = explained(case.message.name, each, recipients.get(label or ""), shown, protecting)
            before, after = ("\n".join(side) + "\n" for side in sides(each))
            failures.append(Failure(case.message.name, recipient, text, before, after, all(miss.found == "unknown" for miss in each)))
        messages.append(found)
    return Tested(messages, failures, sum(len(case.expect) for case in cases))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
