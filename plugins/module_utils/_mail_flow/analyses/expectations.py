# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with expectations, whether they are met, and what two rule sets do with the same messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.action_effects import Does
from ..input.messages import Broken, Case, broken
from ..model.connectors import VALIDATIONS, at_least
from ..simulator.results import Simulator
from ..simulator.rule_trace import Tracer
from ..simulator.state import NOBODY
from .difference_kinds import Treated, is_open, kinds_of
from .finding import KINDS


@dataclass(frozen=True)
class FailedExpectations:
    """The unmet expectations for one recipient.

    :param message: the message's name.
    :param broken: the expectations that are not met.
    :param result: the actual result; ``None`` for somebody who gets nothing.
    :param trace: why.
    :param protecting: the names of the rules that protect mail.
    """

    message: str
    recipient: str
    broken: tuple[Broken, ...]
    result: Mapping[str, Any] | None
    trace: Sequence[Mapping[str, Any]]
    protecting: frozenset[str]

    @property
    def open(self) -> bool:
        """Whether the actual result is unknown, so that the expectation may be met nevertheless."""
        return all(expectation.found == "unknown" for expectation in self.broken)

    @property
    def values(self) -> dict[str, Any]:
        """What it says, without words: what was expected and found, which rules decided, and the numbers of what is
        open.
        """
        result = self.result or {}
        return {
            "message": self.message,
            "recipient": self.recipient,
            "broken": [[expectation.key, expectation.wanted, expectation.found] for expectation in self.broken],
            "rules": {
                entry["rule"]: entry["matched"]
                for entry in self.trace
                if entry["matched"] is not False or entry["rule"] in self.protecting
            },
            "unknown": [reason["id"] for reason in result.get("unknown", ())],
            "assumes": list(result.get("assumes", ())),
        }


@dataclass(frozen=True)
class TestedMessages:
    """The results of the messages.

    :param messages: the results, with the module's keys.
    :param expectations: the number of recipients with expectations.
    """

    messages: list[dict[str, Any]]
    failures: list[FailedExpectations]
    expectations: int

    def listed(self, which: str) -> list[dict[str, Any]]:
        """The results of ``all`` messages, of those that ``failed``, or of ``none``."""
        failed = {failure.message for failure in self.failures}
        return [
            message for message in self.messages if which == "all" or (which == "failed" and message["name"] in failed)
        ]


def run_cases(cases: Sequence[Case], simulator: Simulator, trace: str = "failed") -> TestedMessages:
    """Takes messages through the rules, and compares the results with the expectations.

    :param trace: for whom the result has a trace: ``failed``, ``all`` or ``none``.
    """
    messages: list[dict[str, Any]] = []
    failures: list[FailedExpectations] = []
    protecting = frozenset(rule.name for rule in simulator.rules.rules if rule.does(Does.ENCRYPT))
    for case in cases:
        outcome = simulator.run(case.message)
        recipients = outcome["recipients"]
        misses: dict[str, list[Broken]] = {}
        for miss in broken(case.expect, recipients):
            misses.setdefault(miss.recipient, []).append(miss)
        tracer = Tracer(simulator.rules, case.message, simulator.facts) if misses or trace == "all" else None
        for label, result in recipients.items():
            failed = next((recipient for recipient in misses if recipient.casefold() == label.casefold()), None)
            if tracer and (trace == "all" or (trace == "failed" and failed)):
                result["trace"] = tracer.trace(label)
        for recipient, expectations in misses.items():
            label = next((label for label in recipients if label.casefold() == recipient.casefold()), None)
            shown = tracer.trace(label) if tracer and label else []
            failures.append(
                FailedExpectations(
                    case.message.name, recipient, tuple(expectations), recipients.get(label or ""), shown, protecting
                )
            )
        messages.append(outcome)
    return TestedMessages(messages, failures, sum(len(case.expect) for case in cases))


@dataclass(frozen=True)
class ComparedCopy:
    """A recipient's copy of a message that is treated differently, or may be.

    :param kind: one of the kinds of differences.
    :param message: the message's name.
    :param before: the recipient's result before, and :param:`after` now; ``None`` for somebody who is not a recipient
        then.
    """

    kind: str
    message: str
    recipient: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def differences(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[ComparedCopy]:
    """How the results of the same messages differ, the most important first."""
    compared = []
    for old, new in zip(before, after, strict=True):
        for address in dict.fromkeys((*old["recipients"], *new["recipients"])):
            one = old["recipients"].get(address)
            other = new["recipients"].get(address)
            kind = _kind(one, other)
            if kind:
                compared.append(ComparedCopy(kind, old["name"], address, one, other))
    return sorted(compared, key=lambda copy: KINDS.index(copy.kind))


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    one = _treated(before or {})
    other = _treated(after or {})
    if one == other:
        return ""
    certain = kinds_of(one, other)
    return next((kind for kind in KINDS if kind in certain), "unknown" if is_open(one, other) else "")


def _treated(result: Mapping[str, Any]) -> Treated:
    """What people see of a copy, from a recipient's result."""
    fate, protection, branding = (
        str(result.get(key, nothing)) for key, nothing in (("fate", NOBODY), ("protection", ""), ("branding", ""))
    )
    return Treated(0, fate, protection, branding, _transit(result.get("transit") or {}))


def _transit(transit: Mapping[str, Any]) -> tuple[bool | None, ...]:
    """By validation of TLS whether a copy leaves only by forced TLS that checks this."""
    if transit.get("tls") == "unknown":
        return (None,) * len(VALIDATIONS)
    checks = str(transit.get("validation", VALIDATIONS[0])) if transit.get("tls") == "forced" else ""
    return tuple(at_least(checks, least) for least in VALIDATIONS)
