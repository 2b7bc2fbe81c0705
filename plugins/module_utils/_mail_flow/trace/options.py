# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that read a message trace, and the rows that they name. Private to the collection."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    DIALECT_ARGUMENT_SPEC,
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import (
    OLDEST,
    SETTLES,
    GraphReader,
    Traced,
    TraceReader,
    read_files,
)

#: The options of the documentation fragment ``mail_flow.trace``.
TRACE_ARGUMENT_SPEC: dict[str, Any] = {
    "days": {"type": "int", "default": 7},
    "until": {"type": "str"},
    "trace": {"type": "list", "elements": "path"},
    "trace_source": {"type": "str", "choices": ["exchange", "graph"]},
    "facts": {"type": "dict"},
    "dialect": DIALECT_ARGUMENT_SPEC,
    "max_copies": {"type": "int", "default": 500_000},
    "examples": {"type": "int", "default": 0},
}

#: Files are instead of asking.
TRACE_EXCLUSIVE = ["trace", "trace_source"]

#: The numbers that options take.
TRACE_RANGES = {"days": (1, OLDEST), "max_copies": (1, 5_000_000), "examples": (0, 20)}


def check_ranges(params: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]]) -> None:
    """Refuses a number out of its range.

    :param ranges: option to its least and its greatest number.
    :raises OptionError: a number is out of its range.
    """
    for name, (least, most) in ranges.items():
        if not least <= params[name] <= most:
            raise OptionError(f"{name} is {params[name]}.", remedy=f"Use a number from {least} to {most}.")


def until_of(text: str | None, now: datetime.datetime, ago: datetime.timedelta = SETTLES) -> datetime.datetime:
    """The end of the window; by default, so long ago.

    :raises OptionError: the text is no date, or none of the days that are kept.
    """
    if not text:
        return (now - ago).replace(microsecond=0)
    try:
        given = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(
            f"until is {text!r}, which is no date.", remedy="Write it in ISO 8601, such as 2026-11-25T14:00:00Z."
        ) from error
    found = given if given.tzinfo else given.replace(tzinfo=datetime.UTC)
    if found > now:
        raise OptionError(f"until is {text!r}, which has not come yet.", remedy="Use a time in the past.")
    if found <= now - datetime.timedelta(days=OLDEST):
        raise OptionError(
            f"until is {text!r}.", remedy=f"Use a time of the last {OLDEST} days: Exchange keeps no older rows."
        )
    return found.astimezone(datetime.UTC)


def reader_of(task: MailFlowContext) -> TraceReader:
    """What reads the trace of the organization, with nothing asked yet.

    :raises OptionError: the connection cannot be used for Microsoft Graph.
    """
    most = task.params["max_copies"]
    return (
        GraphReader(task.graph(), task.say, most)
        if task.params["trace_source"] == "graph"
        else TraceReader(task.session, task.say, most)
    )


def traced(task: MailFlowContext, reader: TraceReader, begin: datetime.datetime, until: datetime.datetime) -> Traced:
    """The rows of the files, of Exchange or of Microsoft Graph."""
    params: Mapping[str, Any] = task.params
    if params["trace"]:
        return read_files(((path, task.find_file(path)) for path in params["trace"]), params["max_copies"])
    if datetime.datetime.now(datetime.UTC) - until < SETTLES:
        task.warnings.append("Rows of the last 4 hours still come and change, so the numbers may be too small.")
    return reader.read(begin, until)
