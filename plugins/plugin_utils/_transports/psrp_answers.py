# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline's events mean for the calls that were its statements. Pure.

Several reads travel as the statements of one pipeline. What they return comes in one stream, so after each of them a
marker is asked for: ``Get-Command -Name Get-Command``. A statement has ended when the marker after it has come, and
only then: after a terminating error in the first statement a real engine runs exactly one more and drops the rest
without a word. After a function that leaves by exit, break or continue it goes on, so that such a read cannot be told
from one of nothing. An endpoint that withholds Get-Command marks by its error: that it is not found is said after the
statement before it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import ProtocolError
from .module_answers import outcome_of
from .pypsrp import PipelineRun
from .records import RemoteError
from .retry import Executed, Failure, Outcome

MARKER = Call("Get-Command", {"Name": "Get-Command"})


@dataclass
class PipelineAnswer:
    """What came between two markers.

    :param ended: whether the marker after it has come, or an error that ended the pipeline.
    """

    objects: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[RemoteError] = field(default_factory=list)
    ended: bool = False


def statements(calls: Sequence[Call]) -> list[Call]:
    """The calls, each with a marker after it."""
    return [statement for call in calls for statement in (call, MARKER)]


def answers_of(run: PipelineRun, calls: Sequence[Call]) -> tuple[list[PipelineAnswer], bool]:
    """The answers of the calls whose turn came, and whether the endpoint withholds the marker."""
    answers = [PipelineAnswer()]
    withheld = False
    for kind, item in run.events:
        answer = answers[-1]
        own = is_listing(calls[min(len(answers), len(calls)) - 1])
        if kind == "output" and isinstance(item, dict) and _is_marker(item):
            answer.ended = True
        elif kind == "error" and _of_marker(item) and (not own or (_is_missing(item) and item in answer.errors)):
            answer.ended = withheld = True
        elif kind == "output":
            answer.objects.append(item)
        elif kind == "warning":
            answer.warnings.append(item)
        else:
            answer.errors.append(item)
        if answer.ended:
            answers.append(PipelineAnswer())
    if run.failed and answers[-1].errors:
        answers[-1].ended = True
    return answers[: len(calls)], withheld


def outcome(call: Call, answer: PipelineAnswer) -> Outcome:
    """What an answer means for its call."""
    errors, objects = answer.errors, answer.objects
    if is_listing(call):
        # It reports each name that the session does not have.
        errors = [error for error in errors if not _is_missing(error) or error.target == MARKER.cmdlet]
        objects = [{"Name": item.get("Name")} if isinstance(item, dict) else item for item in objects]
    if errors:
        return outcome_of(errors[0], call, answer.warnings)
    if not answer.ended:
        return Failure(
            ProtocolError("the remote pipeline ended before this cmdlet finished.", cmdlet=call.cmdlet),
            Executed.UNKNOWN,
        )
    garbled = next((item for item in objects if not isinstance(item, dict)), None)
    if garbled is not None:
        return Failure(
            ProtocolError(f"the session returned an object that cannot be read: {garbled}."), Executed.UNKNOWN
        )
    return Result(objects=objects, warnings=answer.warnings)


def is_listing(call: Call) -> bool:
    """Whether the call asks for commands itself."""
    return call.cmdlet.lower() == MARKER.cmdlet.lower()


def _is_marker(item: Mapping[str, Any]) -> bool:
    return item.get("Name") == MARKER.cmdlet and "CommandType" in item


def _of_marker(error: RemoteError) -> bool:
    return error.activity == MARKER.cmdlet or (_is_missing(error) and error.target == MARKER.cmdlet)


def _is_missing(error: RemoteError) -> bool:
    return "CommandNotFound" in error.error_id + error.exception_type
