# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the messages of questions while their temporary rules are there, and removes these whatever happens."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..._exchange.errors import OptionError
from ..._exchange.organization import Organization
from .experiment_context import ExperimentContext
from .posting import LetterSender
from .question_plan import QuestionPlan
from .record import PROBE, REFUSED, ExperimentRecord, RecordedMail, RecordFile, record_of
from .sampling import PlannedMail
from .temporary_rules import LeftoverRule, TemporaryRules, is_over, rule_name, temporary_rules_of, token_of
from .watching import ObservedMail

Found = TypeVar("Found")

#: Minutes between two messages that show whether temporary rules act. Exchange needs minutes to hours for that.
_PAUSES = (2, 4, 8, 16, 30)

#: Why the messages of questions are not sent.
NOT_ACTING = "the temporary rules did not act in time (effective_within)."


@dataclass
class QuestionRun:
    """The part of a run that asks questions.

    :param track: looks for the copies of a record's messages.
    :param recorded: a message as a record has it.
    :param leftovers: the temporary rules that may still be there.
    """

    task: ExperimentContext
    record: ExperimentRecord
    file: RecordFile
    sender: LetterSender
    track: Callable[[ExperimentRecord], Sequence[ObservedMail]]
    recorded: Callable[[PlannedMail], RecordedMail]
    leftovers: list[LeftoverRule] = field(default_factory=list)

    def ask(self, plan: QuestionPlan, first: int, watch: Callable[[], Found]) -> Found:
        """Asks the questions, and watches.

        :param first: the place of their first message in the record.
        :param watch: looks for the copies of all messages. The temporary rules are there meanwhile.
        """
        if not plan.rules:
            self._send(plan, first)
            return watch()
        with self.task.until_cleaned_up():
            try:
                self.record.rules = {**self.record.rules, **self._rules.make(plan.rules)}
                self.file.write(self.record.document())
                if self._is_sending and self._act(plan.probes):
                    self._send(plan, first)
                return watch()
            finally:
                try:
                    self.remove()
                except SystemExit:
                    # The signal to end came meanwhile. No other one does.
                    self.remove()
                    raise

    def remove(self) -> None:
        """Removes the temporary rules of the record's run, and says in the record that they are gone. A record that cannot be
        written then costs no result.
        """
        self.leftovers = self._rules.remove(lambda rule: token_of(rule) == self.record.token)
        if self.leftovers:
            return
        self.record.temporary = ()
        try:
            self.file.write(self.record.document())
        except OptionError as error:
            self.task.warnings.append(f"The temporary rules are removed, but the record does not say so: {error}")

    @property
    def _rules(self) -> TemporaryRules:
        return TemporaryRules(self.task, self.task.sleep)

    @property
    def _is_sending(self) -> bool:
        """Whether no message was refused."""
        return not any(message.state == REFUSED and not message.bounced for message in self.record.messages)

    def _send(self, plan: QuestionPlan, first: int) -> None:
        if self._is_sending:
            self.sender.send_all([message.letter for message in plan.messages], self.record, first)

    def _act(self, probes: Sequence[PlannedMail]) -> bool:
        """Whether the temporary rules are seen to act, in the time that the task allows. The messages that show it are added to
        the record.
        """
        end = _now() + datetime.timedelta(minutes=self.task.params["effective_within"])
        name = rule_name(self.record.token, PROBE, "acts")
        for planned, pause in zip(probes, (*_PAUSES, 0), strict=False):
            self.record.messages.append(self.recorded(planned))
            self.sender.send_all([planned.letter], self.record, len(self.record.messages) - 1)
            if not self._is_sending:
                return False
            seen = self.track(replace(self.record, messages=self.record.messages[-1:]))
            if any(name in (copy.seen.rules or ()) for message in seen for copy in message.copies):
                return True
            seconds = min(60.0 * pause, (end - _now()).total_seconds())
            if seconds <= 0:
                break
            self.task.say(f"The temporary rules do not act yet. Looking again in {seconds / 60:.0f} minutes.")
            self.task.sleep(seconds)
        for place, recorded in enumerate(self.record.messages):
            if recorded.question and not recorded.is_probe:
                self.record.change(place, reason=NOT_ACTING)
        self.file.write(self.record.document())
        return False


@dataclass(frozen=True)
class RemovedRules:
    """The temporary rules of an earlier run that were removed.

    :param names: their names.
    :param record: the file of its record; empty if it is not known.
    """

    names: tuple[str, ...]
    record: str = ""


def remove_left_behind(
    task: ExperimentContext, organization: Organization, path: str
) -> tuple[list[RemovedRules], list[LeftoverRule]]:
    """Removes the temporary rules of runs that ended without removing them: those that have ended by themselves, and those of
    records beside this one whose runs died.

    :param path: the record of this run.
    :returns: those that were removed, by runs, and those that may still be there.
    """
    temporary = list(temporary_rules_of(organization))
    rules = TemporaryRules(task, task.sleep)
    over = {token_of(rule) for rule in temporary if is_over(rule, _now())}
    abandoned = {}
    for old_record in task.abandoned(path):
        try:
            token = record_of(old_record.document, "record").token
        except OptionError:
            continue
        abandoned[token] = old_record
    tokens = sorted(over | (abandoned.keys() & {token_of(rule) for rule in temporary}))
    leftover = rules.remove(lambda rule: token_of(rule) in tokens) if tokens else []
    if leftover:
        return [], leftover
    for old_record in abandoned.values():
        old_record.forget()
    removed = [
        RemovedRules(
            tuple(rule.name for rule in temporary if token_of(rule) == token),
            abandoned[token].path if token in abandoned else "",
        )
        for token in tokens
    ]
    return removed, []


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
