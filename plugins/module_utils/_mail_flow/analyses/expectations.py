# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with what is expected of them, and whether it is so. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.expected import Broken, broken
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import Case
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Tracer
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulator import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.failure_text import explained, sides


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
