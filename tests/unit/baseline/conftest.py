# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's own modules over an emulated organization, with files in a directory of the test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import (
    CONTROL_VARIABLES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import PREFIX
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline_context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import Procedure
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.preflight import preflight
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.prepare import prepare
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variables import SETTINGS
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    InvalidValueError,
    NotSentError,
    OptionError,
    OutcomeUnknownError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder

from tests import printed
from tests.unit.emulated_session import EmulatedSession

# When something was last changed, and a rule's GUID after it was made again, are not put back by anybody.
VOLATILE = {"WhenChanged", "WhenCreated", "Guid", "ImmutableId", "CreatedBy", "LastModifiedBy"}


def lasting(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: lasting(value) for key, value in state.items() if key not in VOLATILE}
    # A text that is cleared may be shown as nothing or as an empty one: no capture tells them apart.
    return [lasting(value) for value in state] if isinstance(state, list) else "" if state is None else state


def _content(path: str) -> bytes:
    """A file's content, as an action plugin finds it."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise OptionError(f"The file {path!r} cannot be read.") from error


class Role:
    """What the role's tasks do, one organization, without ansible-playbook."""

    host = "contoso"

    def __init__(
        self,
        organization: Mapping[str, Any] | EmulatedSession | None = None,
        directory: str | None = None,
        wire: str = "rest",
    ) -> None:
        self.session = (
            organization if isinstance(organization, EmulatedSession) else EmulatedSession(organization or {}, wire)
        )
        self._temporary = None if directory else tempfile.TemporaryDirectory()
        self.directory = directory or self._temporary.name  # type: ignore[union-attr]
        self.say: Callable[[str], Any] = lambda text: None
        self._runs = 0
        self.hosts = [self.host]
        self.ring = [self.host]
        self.begin("baseline")

    def begin(self, procedure: str) -> None:
        """Another run of a playbook."""
        self._runs += 1
        own = Path(self.directory) / f".run-{self._runs}"
        own.mkdir(parents=True, exist_ok=True)
        self.artifacts = ArtifactFiles(
            self.directory, self.host, RunFolder(f"run_{self._runs}", "20261125T030000Z", own), procedure
        )

    def state(self) -> Any:
        return lasting(self.session.organization.dump())

    def plan(
        self, procedure: str = "baseline", *, check: bool = False, profile: str = "recommended", **variables: Any
    ) -> dict[str, Any]:
        options = {"run_tags": [], "skip_tags": [], "awx": {}, "expected_organization": ""}
        given = {**options, **{name: variables.pop(name) for name in options if name in variables}}
        self.hosts = variables.pop("hosts", [self.host])
        self.begin(procedure)
        self.task = self._task(procedure, profile, variables, check, **given)
        planned = preflight(self.task)
        printed.check(change["command"] for change in self.report.get("changes", ()))
        return planned

    def run(self, procedure: str = "baseline", *, profile: str = "recommended", **variables: Any) -> dict[str, Any]:
        """Plans, and applies where there is something to do."""
        planned = self.plan(procedure, profile=profile, **variables)
        if not planned["pending"]:
            return planned
        tags = {name: variables.pop(name, []) for name in ("run_tags", "skip_tags")}
        variables = {
            name: value
            for name, value in variables.items()
            if name in CONTROL_VARIABLES or name in {setting.name for setting in SETTINGS}
        }
        for stage in ("rules", "settings") if procedure == "disable" else ("",):
            task = self._task(procedure, profile, variables, False, **tags, snapshot=planned["snapshot"], stage=stage)
            result = apply(task)
        return {**result, "pending": True, "digest": planned["digest"], "snapshot": planned["snapshot"]}

    def apply_planned(self, planned: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
        """Applies an earlier plan of a baseline."""
        snapshot = planned["snapshot"]
        return apply(
            self._task("baseline", "recommended", variables, False, run_tags=[], skip_tags=[], snapshot=snapshot)
        )

    @property
    def planned(self) -> Procedure:
        """The procedure of the last plan."""
        return prepare(self.task).procedure

    @property
    def report(self) -> dict[str, Any]:
        return dict(self.artifacts.notes.remembered()["report"])

    def controls(self) -> dict[str, str]:
        return {control["id"]: control["status"] for control in self.report["controls"]}

    def _task(
        self, procedure: str, profile: str, variables: Mapping[str, Any], check: bool, **params: Any
    ) -> BaselineContext:
        values = {"profile": profile, "artifacts_dir": self.directory, "settle_minutes": 0, **variables}
        if procedure in ("rollback", "disable"):
            values.setdefault(
                "accept", ["encryption_off"]
            )  # Encryption is off in the organizations of most tests when they begin.
        return BaselineContext(
            params={
                "procedure": procedure,
                "variables": {PREFIX + name: value for name, value in values.items()},
                "verify_timeout": 1,
                **params,
            },
            check_mode=check,
            session=self.session,
            describe=lambda: SessionDescription(transport="test"),
            find_file=_content,
            say=self.say,
            host=self.host,
            hosts=self.hosts,
            batch=self.ring,
            artifacts=lambda directory: self.artifacts,
        )


#: What can become of a write: Exchange refuses it, or its answer is lost (with or without the line, which is back for
#: the next task), after the work was done or before.
FAULTS = ("refused", "answer lost, done", "answer lost, not done", "line lost, done", "line lost, not done")


class FailingSession(EmulatedSession):
    """An organization whose n-th write fails, counted from 0.

    :param fault: one of ``FAULTS``.
    """

    def __init__(self, state: Mapping[str, Any], fails: int, fault: str = "refused", wire: str = "rest") -> None:
        super().__init__(state, wire)
        self.fails = fails
        self.fault = fault
        self._dead_reads = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        if self._dead_reads and all(call.is_read for call in calls):
            self._dead_reads -= 1
            return [Result(error=NotSentError("the session was lost.", cmdlet=call.cmdlet)) for call in calls]
        results = super().invoke(calls, fresh=fresh)
        if self._dead_reads:
            # What travelled with the write did not arrive either.
            results = [
                Result(error=NotSentError("the session was lost.", cmdlet=call.cmdlet)) if call.is_read else result
                for call, result in zip(calls, results, strict=True)
            ]
        return results

    def write(self, call: Call) -> Result:
        if len(self.writes) != self.fails:
            return super().write(call)
        self.fails = -1
        if self.fault == "refused":
            return Result(error=InvalidValueError("The service refused this.", cmdlet=call.cmdlet))
        if not self.fault.endswith("not done"):
            super().write(call)
        self._dead_reads = 1 if self.fault.startswith("line") else 0
        return Result(error=OutcomeUnknownError("the answer was lost.", cmdlet=call.cmdlet))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "VERIFY_INTERVAL", 0.0)


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return Role({"advanced_message_encryption": True}, str(tmp_path))
