# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages with expectations, whether these are met, and what two rule sets do with the same messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.action_effects import Does
from ..input.messages import OPEN, Broken, Case, broken
from ..model.connectors import VALIDATIONS, at_least
from ..model.outcomes import Fate, Tls
from ..simulator.copy_result import CopyResult, MessageResult, Transit
from ..simulator.results import Simulator
from ..simulator.rule_trace import Tracer
from .aspects import DifferenceKind
from .difference_kinds import Treated, is_open, kinds_of


@dataclass(frozen=True)
class FailedExpectations:
    """The unmet expectations for one recipient.

    :param message: the name of the message.
    :param broken: the expectations that are not met.
    :param result: the actual result; ``None`` for somebody who gets nothing.
    :param trace: the trace of rules that says why.
    :param protecting: the names of the rules that protect mail.
    """

    message: str
    recipient: str
    broken: tuple[Broken, ...]
    result: CopyResult | None
    trace: Sequence[Mapping[str, Any]]
    protecting: frozenset[str]

    @property
    def open(self) -> bool:
        """Whether all that is unmet is unknown, so that the expectations may be met nevertheless."""
        return all(expectation.found == OPEN for expectation in self.broken)

    @property
    def values(self) -> dict[str, Any]:
        """What was expected and found, which rules matched or protect mail, and the numbers of the open questions."""
        return {
            "message": self.message,
            "recipient": self.recipient,
            "broken": [[expectation.key, expectation.wanted, expectation.found] for expectation in self.broken],
            "rules": {
                entry["rule"]: entry["matched"]
                for entry in self.trace
                if entry["matched"] is not False or entry["rule"] in self.protecting
            },
            "unknown": [reason.id for reason in self.result.unknown] if self.result else [],
            "assumes": list(self.result.assumes) if self.result else [],
        }


@dataclass(frozen=True)
class TestedMessage:
    """What happens to a message, and why.

    :param traces: recipient to trace, for the recipients whose trace is wanted.
    """

    result: MessageResult
    traces: Mapping[str, Sequence[Mapping[str, Any]]]

    def as_row(self) -> dict[str, Any]:
        """The row of results: ``name`` and ``recipients``, with the key ``trace`` for recipients who have one."""
        row = self.result.as_row()
        for label, trace in self.traces.items():
            row["recipients"][label]["trace"] = trace
        return row


@dataclass(frozen=True)
class TestedMessages:
    """The results of the messages.

    :param expectations: the number of recipients with expectations.
    """

    messages: list[TestedMessage]
    failures: list[FailedExpectations]
    expectations: int

    def is_listed(self, name: str, listed: str) -> bool:
        """Whether a message is to be listed.

        :param listed: which messages are: ``all``, those that ``failed``, or ``none``.
        """
        if listed == "failed":
            return any(failure.message == name for failure in self.failures)
        return listed == "all"


def run_cases(cases: Sequence[Case], simulator: Simulator, trace: str = "failed") -> TestedMessages:
    """Takes messages through the rules, and compares the results with the expectations.

    :param trace: which recipients have a trace in the result: ``failed``, ``all`` or ``none``.
    """
    messages: list[TestedMessage] = []
    failures: list[FailedExpectations] = []
    protecting = frozenset(rule.name for rule in simulator.rules.rules if rule.actions.does(Does.ENCRYPT))
    for case in cases:
        message, failed = _run_case(case, simulator, trace, protecting)
        messages.append(message)
        failures += failed
    return TestedMessages(messages, failures, sum(len(case.expect) for case in cases))


def _run_case(
    case: Case, simulator: Simulator, trace: str, protecting: frozenset[str]
) -> tuple[TestedMessage, list[FailedExpectations]]:
    """The result of a message with its traces, and the expectations that it does not meet, by recipient.

    :param protecting: the names of the rules that encrypt.
    """
    result = simulator.results(case.message)
    labels = {label.casefold(): label for label in result.recipients}
    missed: dict[str, list[Broken]] = {}
    open_paths = {label: copy.open_paths for label, copy in result.recipients.items()}
    for miss in broken(case.expect, result.as_row()["recipients"], open_paths):
        missed.setdefault(miss.recipient, []).append(miss)
    tracer = Tracer(simulator.rules, case.message, simulator.facts) if missed or trace == "all" else None
    failed = {recipient.casefold() for recipient in missed}
    traced = [label for key, label in labels.items() if trace == "all" or (trace == "failed" and key in failed)]
    traces = {label: tracer.trace(label) for label in traced} if tracer else {}
    failures = []
    for recipient, expectations in missed.items():
        label = labels.get(recipient.casefold(), "")
        shown = tracer.trace(label) if tracer and label else []
        failures.append(
            FailedExpectations(
                case.message.name, recipient, tuple(expectations), result.recipients.get(label), shown, protecting
            )
        )
    return TestedMessage(result, traces), failures


@dataclass(frozen=True)
class ComparedCopy:
    """A recipient's copy of a message that is treated differently, or may be.

    :param message: the name of the message.
    :param before: the recipient's result before; :param:`after`: the result now; ``None`` for a person who gets no copy.
    """

    kind: DifferenceKind
    message: str
    recipient: str
    before: CopyResult | None
    after: CopyResult | None


def differences(before: Iterable[MessageResult], after: Iterable[MessageResult]) -> list[ComparedCopy]:
    """The copies that two rule sets treat differently, or may, the most important differences first.

    :param before: the results of messages before; :param:`after`: those of the same messages now.
    """
    compared = []
    for old, new in zip(before, after, strict=True):
        for address in dict.fromkeys((*old.recipients, *new.recipients)):
            result_before = old.recipients.get(address)
            result_after = new.recipients.get(address)
            kind = _kind(result_before, result_after)
            if kind:
                compared.append(ComparedCopy(kind, old.name, address, result_before, result_after))
    return sorted(compared, key=lambda copy: copy.kind.rank)


def _kind(before: CopyResult | None, after: CopyResult | None) -> DifferenceKind | None:
    """The most important kind of difference between two results; ``None`` if they do not differ."""
    one = _treated(before)
    other = _treated(after)
    if one == other:
        return None
    certain = kinds_of(one, other)
    if certain:
        return min(certain, key=lambda kind: kind.rank)
    return DifferenceKind.UNKNOWN if is_open(one, other) else None


def _treated(result: CopyResult | None) -> Treated:
    """What people see of a copy, or of none if there is no result."""
    if result is None:
        return Treated(0, Fate.NOBODY, transit=_transit(None))
    return Treated(0, result.fate, result.protection, result.branding, _transit(result.transit))


def _transit(transit: Transit | None) -> tuple[bool | None, ...]:
    """By validation of TLS, whether a copy leaves only by forced TLS that checks this; ``None`` if that is open."""
    if transit and transit.tls is Tls.UNKNOWN:
        return (None,) * len(VALIDATIONS)
    checks = ""
    if transit and transit.tls is Tls.FORCED:
        checks = transit.validation or VALIDATIONS[0]
    return tuple(at_least(checks, least) for least in VALIDATIONS)
