# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls as the statements of pipelines, without a shell: which share one, and what is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import InvalidValueError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pipelines
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.clixml import ValueTooLargeError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.pipelines import Pipelines
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.psrp_answers import PipelineAnswer
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

READ, WRITE = Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})


class Shell:
    """A pool that answers so many statements of each pipeline, and notes what was sent.

    :param withholds: whether it shows no ends of statements.
    :param largest: the most statements that it takes.
    """

    def __init__(self, *answered: int, withholds: bool = False, largest: int = 9) -> None:
        self.sent: list[int] = []
        self._answered = list(answered)
        self._withholds = withholds
        self._largest = largest

    def run(self, calls: Sequence[Call], *, timeout: float) -> int:
        self.sent.append(len(calls))
        if len(calls) > self._largest:
            raise ValueTooLargeError("a value is too large")
        return self._answered.pop(0) if self._answered else len(calls)

    def answers(self, number: int, _calls: Any) -> tuple[list[PipelineAnswer], bool]:
        return [PipelineAnswer(ended=True) for _answer in range(number)], self._withholds


def outcomes(monkeypatch: pytest.MonkeyPatch, shell: Shell, *calls: Call) -> dict[int, Any]:
    monkeypatch.setattr(pipelines, "statements", list)
    monkeypatch.setattr(pipelines, "answers_of", shell.answers)
    return dict(Pipelines().outcomes(shell, calls, 1.0))  # type: ignore[arg-type]


def test_calls_share_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell()
    found = outcomes(monkeypatch, shell, READ, READ, WRITE)
    assert (list(found), shell.sent) == ([0, 1, 2], [3])
    assert all(isinstance(outcome, Result) for outcome in found.values())


def test_reads_that_were_not_answered_are_sent_again_and_writes_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(1)
    found = outcomes(monkeypatch, shell, READ, WRITE, READ)
    assert shell.sent == [3, 1]
    assert isinstance(found[1], Failure)
    assert found[1].executed is Executed.UNKNOWN
    assert [isinstance(found[place], Result) for place in (0, 2)] == [True, True]


def test_where_ends_are_not_shown_each_call_has_a_pipeline_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(1, withholds=True)
    outcomes(monkeypatch, shell, READ, READ, READ)
    assert shell.sent == [3, 1, 1]


def test_a_value_that_is_too_large_is_told_of_its_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(largest=0)
    found = outcomes(monkeypatch, shell, WRITE, READ)
    assert [isinstance(outcome.error, InvalidValueError) for outcome in found.values()] == [True, True]
    assert shell.sent == [2, 1, 1]
