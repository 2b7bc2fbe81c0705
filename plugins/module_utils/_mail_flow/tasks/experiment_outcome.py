# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the messages of an experiment: of one that has just sent them, or of an earlier one, by its record."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._exchange.errors import ExchangeError, OptionError
from ..evidence.reports import RULE_REPORT, ReportReader, RuleReport
from ..experiment.experiment_context import ExperimentContext
from ..experiment.observing import Observer
from ..experiment.record import REFUSED, ExperimentRecord, record_of
from ..experiment.remembering import remembered
from ..experiment.sampling import SendingPlan
from ..experiment.telling import QuestionAnswer, question_answers, without_judgment
from ..experiment.temporary_rules import LeftoverRule, TemporaryRules, token_of
from ..experiment.watching import CopyTracker, ObservedMail
from ..input.observations import Observation, Observed, digest_of_rules, observations_document, observations_of
from ..rules.rule_set import RuleSet
from ..wording.experiment import (
    expected_lines,
    not_shown_lines,
    not_shown_rows,
    seen_lines,
    seen_row,
    settled_lines,
    settled_row,
    unavailable_lines,
)
from ..wording.questions import answer_lines, answer_row, leftover_lines, leftover_row
from ..wording.screen import WordedResult

#: Rules are reported of copies within this time after the first message.
REPORTED_WITHIN = datetime.timedelta(hours=6)

#: The digest of what observations rest on that rest on no rule of the organization.
NO_RULES = digest_of_rules(RuleSet(()), ())


def read_experiment(task: ExperimentContext) -> WordedResult:
    """What became of the messages of an earlier run. Nothing is sent, and temporary rules that it left are removed."""
    path = task.params["record"]
    record = record_of(task.record_file(path).read(), f"record: {path}")
    here = task.describe().organization_name
    if here and record.organization.casefold() != here.casefold():
        raise OptionError(
            f"record: {path} is of {f'the organization {record.organization}' if record.organization else 'no organization'}, "
            f"and this is {here}.",
            remedy="Name a record of this organization.",
        )
    known_observations(task, record.organization)
    reader = ReportReader(task.session, task.say)
    unavailable: dict[str, str] = {}
    report = None
    try:
        rule_report = reader.rule_report(record.began, min(now_in_utc(), record.began + REPORTED_WITHIN), now_in_utc())
        report = rule_report if not rule_report.refused else None
        unavailable |= {RULE_REPORT: rule_report.refused} if rule_report.refused else {}
    except ExchangeError as error:
        unavailable[RULE_REPORT] = str(error)
    leftover = [] if task.check_mode or not record.temporary else _removed(task, record)
    return with_leftovers(outcome_of_record(task, record, report, SendingPlan((), ()), unavailable), leftover)


def _removed(task: ExperimentContext, record: ExperimentRecord) -> Sequence[LeftoverRule]:
    """Removes the temporary rules that the run of a record left. A run that still goes on keeps them.

    :returns: those that may still be there.
    """
    path = task.params["record"]
    with task.hold(path) as is_over_:
        if not is_over_:
            return []
        rules = TemporaryRules(task, task.sleep)
        leftover = rules.remove(lambda rule: token_of(rule) == record.token)
        if not leftover:
            record.temporary = ()
            task.record_file(path).write(record.document())
        return leftover


def outcome_of_record(
    task: ExperimentContext,
    record: ExperimentRecord,
    report: RuleReport | None,
    plan: SendingPlan,
    unavailable: Mapping[str, str],
) -> WordedResult:
    """What was seen of the messages of a record.

    :param plan: what is known of these and others beside the record, if they were sent by this run.
    :param unavailable: what else could not be read, with the reason.
    """
    tracker, observer = tracker_of(task, record, report)
    messages = [
        without_judgment(each) if each.recorded.question else each for each in tracker.wait(task.params["wait"])
    ]
    answers = question_answers(record, messages)
    settled = _settled(messages, answers)
    _keep(task, record, messages, settled)
    contradicts = any(copy.agreement.agrees is False for message in messages for copy in message.copies)
    refused = any(each.state == REFUSED and not each.bounced for each in record.messages)
    not_shown = not_shown_rows(messages, plan.missing)
    unavailable = {**unavailable, **observer.unavailable}
    lines = [
        *seen_lines(messages, record, is_kept=bool(task.params["observations"]) and not task.check_mode),
        *expected_lines(plan),
        *not_shown_lines(not_shown),
        *unavailable_lines(unavailable, record.unread),
        *settled_lines(settled),
        *answer_lines(answers),
    ]
    row = {
        "changed": bool(record.out) and not task.params["read_only"],
        "experiments": [seen_row(message).as_row() for message in messages],
        **_sent(record),
        "settled": [settled_row(each) for each in settled],
        **({"questions": [answer_row(each) for each in answers]} if answers else {}),
        "not_shown": [row.as_row() for row in not_shown],
        "unavailable": unavailable,
        **({"failed": True} if (contradicts or refused) and task.params["fail_on_error"] else {}),
    }
    return WordedResult(row, (lines,))


def _sent(record: ExperimentRecord) -> dict[str, Any]:
    """What a result says of how many messages of a record were sent, and why others were not."""
    unsent = [message for message in record.messages if message not in record.out]
    return {
        "not_sent": [
            {
                "name": message.name,
                "why": message.state,
                "reason": message.reason or "an earlier message was refused.",
            }
            for message in unsent
        ],
        "sent": len(record.asked_for_out),
        **({"probes": len(record.probes_out)} if record.probes_out else {}),
    }


def _settled(messages: Sequence[ObservedMail], answers: Iterable[QuestionAnswer]) -> list[Observation]:
    """The observations of copies, and of the answers to questions."""
    of_copies = dict.fromkeys(each for message in messages for copy in message.copies for each in copy.settled)
    of_questions = (each.observation(NO_RULES) for each in answers)
    return [*of_copies, *(observation for observation in of_questions if observation is not None)]


def tracker_of(
    task: ExperimentContext, record: ExperimentRecord, report: RuleReport | None = None
) -> tuple[CopyTracker, Observer]:
    """What looks for the copies of the messages of a record, and what it looks with."""
    observer = Observer(
        task.session,
        task.mailboxes if task.params["read_copies"] else None,
        task.say,
        sorted({each.sender for each in record.messages}),
    )
    return CopyTracker(observer, record, task.say, task.sleep, now_in_utc, report), observer


def _keep(
    task: ExperimentContext,
    record: ExperimentRecord,
    messages: Sequence[ObservedMail],
    settled: Sequence[Observation],
) -> None:
    """Adds what was settled, and what contradicts, to the file of observations, except in check mode.

    :raises OptionError: it cannot be written, or is of another organization.
    """
    path = task.params["observations"]
    if not path or task.check_mode:
        return
    known = known_observations(task, record.organization)
    observed = remembered(known, messages, settled, record)
    if observed != known:
        task.record_file(path).write(observations_document(record.organization, observed))


def known_observations(task: ExperimentContext, organization: str) -> list[Observed]:
    """What the file of observations has already.

    :raises OptionError: it cannot be read, or is of another organization, or nobody knows whose it would be.
    """
    path = task.params["observations"]
    if not path:
        return []
    if not organization:
        raise OptionError(
            "observations cannot be kept: the name of the organization is not known.",
            remedy="Leave observations out.",
        )
    file = task.record_file(path)
    return observations_of(file.read(), f"observations: {path}", organization) if file.exists() else []


def with_leftovers(result: WordedResult, rules: Sequence[LeftoverRule]) -> WordedResult:
    """A result with the temporary rules that may still be there. Whoever made them has to know it, so it always fails."""
    if not rules:
        return result
    row = {**result.row, "failed": True, "rules_left": [leftover_row(each) for each in rules]}
    return WordedResult(row, (leftover_lines(rules), *result.parts))


def now_in_utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
