# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``file``: a captured organization. Read-only."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ...module_utils._exchange.capture import Capture, capture_of, name_of_call, not_captured
from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.document import document_of
from ...module_utils._exchange.errors import OptionError
from ...module_utils._exchange.tenant import CONNECTION_INFORMATION, ORGANIZATION_CONFIG, SESSION
from .regular_file import content_of
from .retry import Outcome
from .service_errors import not_granted

_PATH, _MAX_AGE = "ansible_exchange_capture_path", "ansible_exchange_capture_max_age"
#: The difference between the clocks of two machines that is normal.
_SKEW = datetime.timedelta(minutes=10)


class FileTransport:
    """A capture as a session. It opens no connection and uses no credential.

    :param identity: the connection identity; ``file`` has ``path``, ``max_age`` (days) and ``limit`` (whether an older
        capture is refused).
    :raises OptionError: the file is not a capture, was changed, or is older than the limit.
    """

    name = "file"
    may_repeat = False
    is_closed = False
    secrets: Sequence[str] = ()
    user = ""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self.endpoint = str(identity["file"]["path"])
        self._capture = _read(self.endpoint)
        self._answers = self._capture.answers()
        doubt, remedy = _doubt(self._capture, self.endpoint, identity["file"]["max_age"])
        if doubt and identity["file"]["limit"]:
            raise OptionError(f"{_PATH}: {doubt}", remedy=remedy)
        #: Warnings for people when the session is opened.
        self.warnings = [f"{doubt} It may not contain the newest changes. {remedy}"] if doubt else []

    def attempt(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """The answers from the capture. The session has already refused writes."""
        return [self._answer(call) for call in calls]

    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> AbstractContextManager[None]:
        """Does not wait."""
        return nullcontext()

    def close(self) -> None:
        """Does nothing: no connection is open."""

    def _answer(self, call: Call) -> Outcome:
        if name_of_call(call) == name_of_call(CONNECTION_INFORMATION):
            return self._connection()
        result = self._answers.get(name_of_call(call))
        # The session may add to what it gets.
        return not_captured(call, self.endpoint) if result is None else replace(result)

    def _connection(self) -> Result:
        """The session that took the capture, from what it added to the organization's answer."""
        config = self._answers.get(name_of_call(ORGANIZATION_CONFIG))
        session = config.objects[0].get(SESSION) if config is not None and config.objects else None
        if not isinstance(session, Mapping):
            return not_captured(CONNECTION_INFORMATION, self.endpoint)
        if not session.get("cloud"):
            return Result(error=not_granted(CONNECTION_INFORMATION.cmdlet))
        return Result(objects=[{"State": "Connected", "TenantID": session.get("tenant_id")}])


def _read(path: str) -> Capture:
    try:
        content = content_of(path)
    except (OSError, ValueError) as error:
        raise OptionError(f"{_PATH}: the file {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    where = f"{_PATH}: {path}"
    try:
        document = document_of(content)
    except ValueError as error:
        raise OptionError(f"{where} is not a capture of an organization: {error}.") from error
    return capture_of(document, where)


def _doubt(capture: Capture, path: str, max_age: int) -> tuple[str, str]:
    """Why a capture may not show the organization as it is, and the remedy; empty if it is young enough.

    :param max_age: the maximum age in days.
    """
    age = capture.age(datetime.datetime.now(datetime.UTC))
    what = f"The capture {path} of {capture.organization or 'an organization'}"
    if age < -_SKEW:
        taken = capture.captured_at.strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{what} says that it was taken in the future ({taken}), so its age is unknown.",
            "Check the clocks of the machines, or take a new one.",
        )
    if age > datetime.timedelta(days=max_age):
        return f"{what} is {age.days} days old; the maximum is {max_age}.", f"Take a new one, or raise {_MAX_AGE}."
    return "", ""
