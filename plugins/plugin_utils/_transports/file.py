# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``file``: a captured organization. Read-only.

Private to the collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.capture import Capture, capture_of, name_of_call, not_captured
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import document_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SESSION
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.refusals import not_granted
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Outcome

_PATH, _MAX_AGE = "ansible_exchange_capture_path", "ansible_exchange_capture_max_age"
_WHO, _CONNECTION = Call("Get-OrganizationConfig"), Call("Get-ConnectionInformation")


class FileTransport:
    """A capture as a session. It opens no connection and uses no credential.

    :param identity: the connection identity; ``file`` has ``path``, ``max_age`` (days) and ``limit`` (whether an older capture is refused).
    :raises OptionError: the file is not a capture, was changed, or is older than the limit.
    """

    name = "file"
    is_closed = False
    secrets: Sequence[str] = ()

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self.endpoint = str(identity["file"]["path"])
        self._capture = _read(self.endpoint)
        self._answers = self._capture.answers()
        old = _too_old(self._capture, self.endpoint, identity["file"]["max_age"])
        if old and identity["file"]["limit"]:
            raise OptionError(f"{_PATH}: {old}", remedy=f"Take a new one, or raise {_MAX_AGE}.")
        #: Warnings for people when the session is opened.
        self.warnings = [f"{old} It does not contain later changes. Take a new one, or raise {_MAX_AGE}."] if old else []

    def attempt(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """The answers from the capture. The session has already refused writes."""
        return [self._answer(call) for call in calls]

    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> AbstractContextManager[None]:
        """Does not wait."""
        return nullcontext()

    def close(self) -> None:
        """Does nothing: no connection is open."""

    def _answer(self, call: Call) -> Outcome:
        if name_of_call(call) == name_of_call(_CONNECTION):
            return self._connection()
        found = self._answers.get(name_of_call(call))
        # The session may add to what it gets.
        return not_captured(call, self.endpoint) if found is None else replace(found)

    def _connection(self) -> Result:
        """The session that took the capture, from what it added to the organization's answer."""
        who = self._answers.get(name_of_call(_WHO))
        session = who.objects[0].get(SESSION) if who is not None and who.objects else None
        if not isinstance(session, Mapping):
            return not_captured(_CONNECTION, self.endpoint)
        if not session.get("cloud"):
            return Result(error=not_granted(_CONNECTION.cmdlet))
        return Result(objects=[{"State": "Connected", "TenantID": session.get("tenant_id")}])


def _read(path: str) -> Capture:
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise OptionError(f"{_PATH}: the file {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    where = f"{_PATH}: {path}"
    try:
        document = document_of(content)
    except ValueError as error:
        raise OptionError(f"{where} is not a capture of an organization: {error}.") from error
    return capture_of(document, where)


def _too_old(capture: Capture, path: str, max_age: int) -> str:
    """The sentence about a capture that is older than the maximum age in days; empty if it is not."""
    age = capture.age(datetime.datetime.now(datetime.UTC))
    if age <= datetime.timedelta(days=max_age):
        return ""
    return f"The capture {path} of {capture.organization or 'an organization'} is {age.days} days old; the maximum is {max_age}."
