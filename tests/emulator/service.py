# SPDX-License-Identifier: GPL-3.0-or-later
"""The service behind all wires: it finds the organization, runs the cmdlet, and keeps the ledger."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .context import Outcome
from .errors import CmdletError
from .faults import POOL, ROWS, SHELL, Fault, Faults, cmdlet_error, refusal_of_what_was_stored
from .language import translated_error, translated_outcome
from .ledger import Entry, Ledger
from .organization import Organization, State
from .properties import Record
from .runner import run
from .schema import is_read


@dataclass
class _Lag:
    """A write that has not reached every server yet: some reads still see the state before it."""

    old: State
    reads: int | None
    until: float | None
    alternate: bool
    seen: int = 0

    @property
    def is_over(self) -> bool:
        return (self.reads is not None and self.seen >= self.reads) or (
            self.until is not None and time.monotonic() >= self.until
        )

    def next(self) -> bool:
        """Whether the next read sees the old state."""
        self.seen += 1
        return not self.alternate or self.seen % 2 == 1


class Service:
    """All organizations of one emulator."""

    def __init__(self, organizations: Iterable[Organization]) -> None:
        self.organizations = {organization.name: organization for organization in organizations}
        self.ledger = Ledger()
        self.faults = Faults()
        self._lags: dict[str, _Lag] = {}
        self._reads = 0
        self._page: Outcome | None = None

    def find(self, identifier: str) -> Organization | None:
        """The organization of that name or tenant id."""
        return next(
            (organization for organization in self.organizations.values() if organization.answers_to(identifier)), None
        )

    def invoke(
        self,
        organization: Organization,
        wire: str,
        cmdlet: str,
        parameters: Mapping[str, Any],
        *,
        prompts: bool = False,
        compliance: bool = False,
    ) -> Outcome:
        """Runs a cmdlet for a caller of ``wire`` (``rest``, ``psrp``, ``powershell``, or ``compliance``: over REST from the
        compliance endpoint) and records the call.

        :param prompts: whether a cmdlet that asks for confirmation asks.
        :param compliance: whether it is asked of the compliance endpoint, which has its own cmdlets.
        :raises CmdletError: the cmdlet ended with an error.
        """
        fault = self.faults.cmdlet(wire, cmdlet, organization.name)
        with organization.lock:
            before = organization.state
            error = ""
            try:
                outcome = self._run(organization, wire, cmdlet, parameters, fault, prompts, compliance)
                return translated_outcome(outcome, organization.state["locale"])
            except CmdletError as failure:
                error = failure.message
                raise translated_error(failure, organization.state["locale"]) from failure
            finally:
                shown = {name: shown_value(value) for name, value in parameters.items()}
                self.ledger.record(
                    Entry(organization.name, wire, cmdlet, shown, error, organization.state is not before)
                )

    def _run(
        self,
        organization: Organization,
        wire: str,
        cmdlet: str,
        parameters: Mapping[str, Any],
        fault: Fault | None,
        prompts: bool,
        compliance: bool,
    ) -> Outcome:
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "transient":
            raise cmdlet_error(fault)
        if fault is not None and kind == "error_in_200":
            return Outcome(errors=[cmdlet_error(fault)])
        if fault is not None and kind == "portal_edit" and not fault.after:
            self.edit(organization, fault.edit["cmdlet"], fault.edit.get("parameters", {}))
        before = organization.state
        view = self._view(organization) if is_read(cmdlet) else None
        stores = kind in ("stored_error", "half_stored") and not is_read(cmdlet)
        if kind == "half_stored":
            parameters = _half(parameters)
        outcome = run(
            organization,
            cmdlet,
            parameters,
            rest=wire in ("rest", "compliance"),
            compliance=compliance,
            prompts=prompts,
            view=view,
            discard=kind == "silent_noop",
        )
        if (
            fault is not None
            and (kind == "stale_reads" or (stores and fault.reads))
            and organization.state is not before
        ):
            until = time.monotonic() + fault.seconds if fault.seconds is not None else None
            self._lags[organization.name] = _Lag(before, fault.reads, until, fault.alternate)
        if stores:
            raise refusal_of_what_was_stored()
        if fault is not None and kind == "huge":
            outcome.records = [
                Record(record.type, {**record.values, "Padding": "x" * fault.size}) for record in outcome.records
            ]
        if fault is not None and kind == "portal_edit" and fault.after:
            self.edit(organization, fault.edit["cmdlet"], fault.edit.get("parameters", {}))
        if kind == "lost_rows":
            outcome.records = outcome.records[: len(outcome.records) // 2]
        if kind in ROWS:
            outcome.records = _struck_rows(kind, outcome.records)
        if kind == "repeated_page" and self._page is not None:
            outcome = self._page
        self._page = outcome if cmdlet == "Get-MessageTraceV2" else self._page
        outcome.garbled = kind == "garbled"
        outcome.leaves = kind if kind in SHELL | POOL else ""
        return self._flickering(organization, cmdlet, outcome)

    def _view(self, organization: Organization) -> State | None:
        """What a read sees, when it is not the present state."""
        lag = self._lags.get(organization.name)
        if lag is None:
            return None
        if lag.is_over:
            del self._lags[organization.name]
            return None
        return lag.old if lag.next() else None

    def forget_lags(self) -> None:
        """Every read sees the present state again."""
        self._lags.clear()

    def _flickering(self, organization: Organization, cmdlet: str, outcome: Outcome) -> Outcome:
        """Some properties are in every second answer only."""
        names = organization.state["flickering_properties"].get(cmdlet)
        if names:
            self._reads += 1
            if self._reads % 2:
                outcome.records = [
                    Record(row.type, {name: value for name, value in row.values.items() if name not in names})
                    for row in outcome.records
                ]
        return outcome

    def edit(self, organization: Organization, cmdlet: str, parameters: Mapping[str, Any]) -> Outcome:
        """The edit of another administrator: nobody is asked, and nothing is counted.

        :raises CmdletError: the cmdlet ended with an error.
        """
        return run(organization, cmdlet, parameters, rest=True, prompts=False)


def _struck_rows(kind: str, records: list[Record]) -> list[Record]:
    """The rows of an answer under one of ``faults.ROWS``."""
    if kind == "no_rows":
        return []
    if kind == "duplicated_rows":
        return [record for record in records for _again in range(2)]
    kept = ("MessageTraceId", "MessageId", "RecipientAddress", "Event")
    return [
        record
        if place % 2 == 0
        else Record(record.type, {name: value if name in kept else None for name, value in record.values.items()})
        for place, record in enumerate(records)
    ]


def _half(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every second of the settings in a call, and all that is none."""
    settings = [name for name in parameters if name not in ("Identity", "Name", "Confirm", "Force", "MessageId")]
    return {name: value for name, value in parameters.items() if name not in settings[1::2]}


def shown_value(value: Any) -> Any:
    """A parameter's value as JSON can hold it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): shown_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown_value(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
