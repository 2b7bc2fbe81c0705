# SPDX-License-Identifier: GPL-3.0-or-later
"""Test messages, sent by an audit, or by a baseline about the rules that it has written."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.errors import ExchangeError
from ..._exchange.text import listed
from ..._mail_flow.experiment.observing import NOT_SEEN
from ..._mail_flow.wording.experiment_row import SeenCopyRow, SeenExperiment
from ..._mail_flow.wording.screen import WordedResult
from ..controls.findings import PREFIX
from ..controls.mail_control import EXPERIMENT, EXPERIMENT_CONTROL, SEEN
from ..documents.artifacts import Artifacts
from ..documents.report import ControlReport, OrganizationReport
from ..documents.status import ControlStatus, OrganizationStatus
from .baseline_context import BaselineContext

#: Seconds before messages are sent again because a rule that is stored does not act yet.
INTERVAL = 300.0

#: Options of the role alone.
_OWN = ("after_changes", "effective_within")

#: What the findings say if there is nothing to send about.
NOTHING_TO_SEND = (
    "There is nothing to send: name guarantees, or rules that the organization has, in "
    f"{PREFIX}guarantees, {PREFIX}encryption_rules or {PREFIX}{EXPERIMENT}.rules."
)
NOTHING_CHANGED = "This run has stored no mail flow rule, so it sent nothing."
NOT_YET = (
    "A rule that is stored acts on mail minutes to hours later. Run an audit later: if messages still contradict what was "
    "computed, it is a mistake of this collection."
)


def after_audit(
    task: BaselineContext,
    variables: Mapping[str, Any],
    artifacts: Artifacts,
    report: OrganizationReport,
    rules: Sequence[str],
) -> OrganizationReport:
    """The report of an audit, with what became of test messages. In check mode, none is sent.

    :param variables: the role's variables without their prefix.
    :param rules: the names of the rules of the organization that it declares.
    """
    waiting = _waiting(report)
    if waiting is None:
        return report
    options = _options(task, variables, artifacts, rules)
    if not options["guarantees"] and not options["rules"]:
        return _decided(report, waiting, ControlStatus.NOT_APPLICABLE, [NOTHING_TO_SEND])
    try:
        result = task.experiment(options)
    except ExchangeError as error:
        return _decided(report, waiting, ControlStatus.NOT_ASSESSABLE, [str(error)])
    if task.check_mode:
        return _decided(report, waiting, ControlStatus.NOT_ASSESSABLE, result.lines)
    seen = SeenExperiment.of_result(result.row)
    status = _status(seen)
    return _decided(report, waiting, status, _finding_lines(result, seen, status))


def after_changes(
    task: BaselineContext,
    variables: Mapping[str, Any],
    artifacts: Artifacts,
    report: OrganizationReport,
    rules: Sequence[str],
) -> OrganizationReport:
    """The report of a run that has written, with what became of messages about the rules that it stored. While they do
    not act yet, new messages are sent, within the time and the number that the variables allow.

    :param rules: the names of the rules that this run stored.
    """
    waiting = _waiting(report)
    if waiting is None:
        return report
    if not rules:
        return _decided(report, waiting, ControlStatus.NOT_APPLICABLE, [NOTHING_CHANGED])
    settings = variables[EXPERIMENT]
    messages_left = int(settings["max_messages"])
    end = time.monotonic() + 60 * int(settings["effective_within"])
    round_ = 1
    while True:
        options = _options(task, variables, artifacts, rules, round_) | {
            "guarantees": [],
            "rules": list(rules),
            "max_messages": messages_left,
        }
        try:
            result = task.experiment(options)
        except ExchangeError as error:
            return _decided(report, waiting, ControlStatus.NOT_ASSESSABLE, [str(error)])
        seen = SeenExperiment.of_result(result.row)
        messages_left -= seen.sent
        status = _status(seen)
        seconds = min(INTERVAL, end - time.monotonic())
        is_done = status is not ControlStatus.NOT_MET and not any(row.sent for row in seen.not_shown)
        if is_done or not seen.sent or seconds <= 0 or messages_left < seen.sent:
            break
        task.say(f"The test messages do not show yet that the rules act. Sending them again in {seconds:.0f} s.")
        task.sleep(seconds)
        round_ += 1
    late = [NOT_YET] if status is ControlStatus.NOT_MET else []
    return _decided(report, waiting, status, [*_finding_lines(result, seen, status), *late], fails=False)


def _waiting(report: OrganizationReport) -> ControlReport | None:
    """The control, if it waits for test messages."""
    return next(
        (
            row
            for row in report.controls
            if row.id == EXPERIMENT_CONTROL and row.status is ControlStatus.NOT_ASSESSABLE and row.selected
        ),
        None,
    )


def _options(
    task: BaselineContext,
    variables: Mapping[str, Any],
    artifacts: Artifacts,
    rules: Sequence[str],
    round_: int = 1,
) -> dict[str, Any]:
    """The options of ``mail_flow_experiment``."""
    options = {name: value for name, value in variables[EXPERIMENT].items() if value is not None and name not in _OWN}
    if options.get("observations"):
        options["observations"] = os.path.abspath(options["observations"])
    elif task.describe().organization_name:
        options["observations"] = artifacts.notes.observations_path
    number = "" if round_ == 1 else f"-{round_}"
    return {
        # As in the audit, what else encrypts mail counts.
        "compliance": True,
        **options,
        "guarantees": (task.params["variables"] or {}).get(f"{PREFIX}guarantees") or [],
        "rules": options.get("rules") or list(rules),
        "record": artifacts.reports.path_of(f"experiment{number}.json"),
        "fail_on_error": False,
    }


def _status(seen: SeenExperiment) -> ControlStatus:
    """What the copies say together. It is a success only if each rule that should act was seen to act."""
    agreements = [copy.agrees for _message, _address, copy in seen.copies]
    if False in agreements:
        return ControlStatus.NOT_MET
    if True not in agreements or seen.not_shown:
        return ControlStatus.NOT_ASSESSABLE
    return ControlStatus.MET


@dataclass
class _SeenMail:
    """Copies with one outcome: how many there are, and when the message of the first was sent."""

    since: datetime.datetime
    number: int = 0


def _agreeing_lines(seen: SeenExperiment) -> list[str]:
    """What was seen that agrees with what was computed, a sentence for each domain and outcome, with the time since which
    that is so.
    """
    mail_by_outcome: dict[tuple[str, str], _SeenMail] = {}
    for message, address, copy in seen.copies:
        if copy.agrees is not True:
            continue
        sent = datetime.datetime.fromisoformat(message.sent_at).astimezone(datetime.UTC)
        mail = mail_by_outcome.setdefault((address.rpartition("@")[2], _outcome(copy)), _SeenMail(sent))
        mail.since = min(mail.since, sent)
        mail.number += 1
    return [
        f"{SEEN} mail to {domain} is {outcome}, since {mail.since:%H:%M} UTC "
        f"({'1 copy' if mail.number == 1 else f'{mail.number} copies'})."
        for (domain, outcome), mail in mail_by_outcome.items()
    ]


def _outcome(copy: SeenCopyRow) -> str:
    """What was seen of a copy. Only a copy that was read shows protection."""
    observed = copy.observed
    shown = {"protected": "encrypted", "clear": "delivered without protection"}
    outcome = shown.get(observed.protection, observed.fate)
    if copy.predicted.get("protected_by") and observed.protection == NOT_SEEN:
        outcome += ", protection not seen"
    if observed.rules is None:
        return outcome
    acted = listed([repr(name) for name in observed.rules], joint="and")
    return f"{outcome}, and {acted} acted" if observed.rules else f"{outcome}, and its details name no rule"


def _finding_lines(result: WordedResult, seen: SeenExperiment, status: ControlStatus) -> list[str]:
    """What is said of the control, without addresses and subjects: what agrees comes first, unless something does not."""
    lines = [line.strip() for line in result.lines]
    agreeing = _agreeing_lines(seen)
    return [*lines, *agreeing] if status is ControlStatus.NOT_MET else [*agreeing, *lines]


#: Status of an organization to its status if messages contradict.
_AFTER_A_CONTRADICTION = {OrganizationStatus.MET: OrganizationStatus.DRIFT}


def _decided(
    report: OrganizationReport,
    waiting: ControlReport,
    status: ControlStatus,
    findings: Sequence[str],
    *,
    fails: bool = True,
) -> OrganizationReport:
    """The report with the control's status.

    :param fails: whether a contradiction is drift.
    """
    accepted = waiting.exception is not None and not waiting.exception.expired
    if status is ControlStatus.NOT_MET and accepted:
        status = ControlStatus.ACCEPTED
    report = report.with_control(replace(waiting, status=status, findings=tuple(findings)))
    if status is ControlStatus.NOT_MET and fails:
        return replace(report, status=_AFTER_A_CONTRADICTION.get(report.status, report.status))
    return report
