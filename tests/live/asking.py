# SPDX-License-Identifier: GPL-3.0-or-later
"""Every open question about mail, asked of a test organization by ``mail_flow_experiment``, with its temporary rules."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.experiment_context import (
    ExperimentContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_experiments import (
    UNTOLD,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import QUESTIONS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.questions import UNASKED
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_experiment
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import (
    OwnerFile,
    abandoned_beside,
    ending_once,
    held,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.smtp import PORTS, SmtpServer

from .session import LiveSession

#: Options of the module that every run has, unless the file says otherwise.
_USUAL: Mapping[str, Any] = {"questions": ["all"], "temporary_rules": True, "max_messages": 100, "fail_on_error": False}


@dataclass(frozen=True)
class Heard:
    """What an organization said to a question.

    :param is_told: whether it is an answer.
    """

    is_told: bool
    text: str


@dataclass(frozen=True)
class Answers:
    """What mail told.

    :param heard: by number.
    :param problems: what the owner has to know: runs that failed, and rules that may still be there.
    """

    heard: Mapping[str, Heard]
    problems: Sequence[str]


def ask_by_mail(session: LiveSession, runs: Sequence[Mapping[str, Any]], directory: Path, authorities: str) -> Answers:
    """Asks every question that messages tell.

    :param runs: for each way of sending the options of ``mail_flow_experiment``: ``senders``, ``recipients`` and how to send.
    :param directory: where records and observations are kept.
    :param authorities: a file of certificate authorities for a mail server; empty for those of the system.
    """
    heard: dict[str, Heard] = {}
    problems: list[str] = []
    for options in runs:
        try:
            found = mail_flow_experiment.run(_task(session, options, directory, authorities))
        except ExchangeError as error:
            problems.append(str(error))
            continue
        problems += [f"{row['name']} may still be there: {row['command']}" for row in found.get("rules_left", ())]
        said = {row["name"]: Heard(False, row["reason"]) for row in found["not_sent"]}
        said |= {row["id"]: Heard(row["is_told"], row["text"]) for row in found.get("questions", ())}
        heard |= {number: each for number, each in said.items() if each.is_told or not _is_told(heard, number)}
    return Answers(heard, problems)


def _is_told(heard: Mapping[str, Heard], number: str) -> bool:
    return number in heard and heard[number].is_told


def lines_of(answers: Answers | None) -> list[str]:
    """The part of the report about mail.

    :param answers: ``None`` if nothing was sent.
    """
    lines = ["## What mail tells", ""]
    if answers is None:
        lines += ["Not asked: name who may send and get messages, in MAIL=FILE.", ""]
    elif answers.problems:
        lines += [*(f"* {problem}" for problem in answers.problems), ""]
    lines += ["| number | not known | answer |", "|---|---|---|"]
    return [*lines, *(f"| {row.id} | {_cell(row.sentence)} | {_cell(_said(row.id, answers))} |" for row in QUESTIONS)]


def _said(number: str, answers: Answers | None) -> str:
    if answers is not None and number in answers.heard:
        return answers.heard[number].text
    return f"not asked: {UNASKED['untold']((UNTOLD[number], number))}." if number in UNTOLD else "not asked"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _task(session: LiveSession, options: Mapping[str, Any], directory: Path, authorities: str) -> ExperimentContext:
    """What the module gets as its action gives it.

    :raises OptionError: an option is invalid.
    """
    name = f"questions-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S%fZ}.json"
    given = {
        **_USUAL,
        "record": str(directory / name),
        "observations": str(directory / "observations.json"),
        **options,
    }
    spec = mail_flow_experiment.SPEC
    rules = {name: value for name, value in spec.items() if name != "argument_spec"}
    validation, errors = validate(given, spec["argument_spec"], **rules)
    if errors:
        raise OptionError("; ".join(errors))
    return ExperimentContext(
        params=validation.validated_parameters,
        check_mode=False,
        session=session,
        mailboxes=session.mailboxes,
        describe=session.describe,
        say=print,
        record_file=lambda path: OwnerFile(Path(path)),
        mail_server=lambda asked: _server(asked, authorities),
        sleep=time.sleep,
        hold=lambda path: held(Path(path)),
        abandoned=lambda path: abandoned_beside(Path(path)),
        until_cleaned_up=ending_once,
    )


def _server(asked: Mapping[str, Any], authorities: str) -> SmtpServer:
    security = str(asked["smtp_security"])
    return SmtpServer(
        host=str(asked["smtp_host"]),
        port=int(asked["smtp_port"] or PORTS[security]),
        security=security,
        username=str(asked["smtp_username"] or ""),
        password=str(asked["smtp_password"] or ""),
        authorities=authorities,
    )
