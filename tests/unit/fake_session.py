# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that answers from objects in memory, for tests above the seam."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotFoundError,
    OutcomeUnknownError,
    ServiceError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)

#: What can go wrong with one write: refused, also after it was carried out; lost with or without having been carried
#: out; accepted and not stored.
Fault = ExchangeError | str

#: No task needs so many round trips here: one that makes more does not end.
_MOST_TRIPS = 500

_NOT_SETTINGS = ("Identity", "Confirm", "Force")


class FakeSession:
    """An organization as lists of objects by the cmdlets' noun. Get, Set, New and Remove do what they say.

    :param objects: noun to objects. A noun that is not there answers with ``errors[noun]``.
    :param faults: what goes wrong with the first, second, ... write; ``None`` for nothing.
        Texts: ``lost_before``, ``lost_after``, ``refused_after``, ``ignored``.
    :param lag: for how many reads after a write its effect is not seen.
    :param reused: whether reads that need not be fresh are answered from ``old``.
    """

    def __init__(
        self, objects: Mapping[str, list[dict[str, Any]]], faults: Sequence[Fault | None] = (), lag: int = 0
    ) -> None:
        self.objects = {noun: [dict(row) for row in rows] for noun, rows in objects.items()}
        self.errors: dict[str, ExchangeError] = {}
        self.faults = list(faults)
        self.lag = lag
        self.old: dict[str, list[dict[str, Any]]] | None = None
        self.reused = False
        self.between: Callable[[FakeSession], None] = lambda session: None
        self.reads: list[list[Call]] = []
        self.writes: list[Call] = []
        #: Round trips, and the writes that shared one.
        self.trips = 0
        #: Whether reads that travel with writes run before them.
        self.reads_first = False
        self.groups: list[list[Call]] = []
        self.warnings: list[str] = []
        self._behind = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        self.trips += 1
        assert self.trips <= _MOST_TRIPS
        writes = [call for call in calls if not call.is_read]
        self.groups += [writes] if writes else []
        looks = _looks([call for call in calls if call.is_read])
        early = [result for look in looks for result in self._look(look, fresh=fresh)] if self.reads_first else None
        written = list(map(self._write, writes))
        return written + (
            early if early is not None else [result for look in looks for result in self._look(look, fresh=fresh)]
        )

    def _look(self, calls: Sequence[Call], *, fresh: bool) -> list[Result]:
        self.reads.append(list(calls))
        stale = self._behind > 0 and self.old is not None
        self._behind -= 1
        reused = self.reused and not fresh
        return [self._read(call, (self.old or {}) if stale or reused else self.objects, reused) for call in calls]

    def _read(self, call: Call, objects: Mapping[str, list[dict[str, Any]]], reused: bool) -> Result:
        noun = call.cmdlet.partition("-")[2]
        if noun not in objects:
            return Result(error=self.errors.get(noun, NotFoundError("no such object", cmdlet=call.cmdlet)))
        return Result(objects=copy.deepcopy(objects[noun]), reused=reused)

    def _write(self, call: Call) -> Result:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, ExchangeError):
            return Result(error=fault)
        if fault not in ("lost_before", "ignored"):
            self.old, self._behind = copy.deepcopy(self.objects), self.lag
            self.writes.append(call)
            self._carry_out(call)
        if fault in ("lost_before", "lost_after"):
            return Result(error=OutcomeUnknownError("the answer was lost", cmdlet=call.cmdlet))
        if fault == "refused_after":
            return Result(
                error=ServiceError("the service failed.", remedy="Wait.", cmdlet=call.cmdlet, error_id="Busy")
            )
        self.between(self)
        return Result(warnings=list(self.warnings))

    def _carry_out(self, call: Call) -> None:
        verb, _dash, noun = call.cmdlet.partition("-")
        rows = self.objects[noun]
        name = call.parameters.get("Identity")
        settings = {key: _stored(value) for key, value in call.parameters.items() if key not in _NOT_SETTINGS}
        if verb == "New":
            rows.append({"Identity": name, **settings})
        elif verb == "Remove":
            rows[:] = [row for row in rows if row["Identity"] != name]
        else:
            (row,) = [row for row in rows if name in (None, row["Identity"])]
            row.update(settings)


def _looks(reads: Sequence[Call]) -> list[list[Call]]:
    """Reads, each time that the first of them comes again."""
    size = next((index for index in range(1, len(reads)) if reads[index] == reads[0]), len(reads))
    return [list(reads[start : start + size]) for start in range(0, len(reads), size or 1)]


def _stored(value: Any) -> Any:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def task(
    session: FakeSession,
    *,
    check_mode: bool = False,
    on_premises: bool = False,
    files: Mapping[str, bytes] | None = None,
    **params: Any,
) -> ModuleContext:
    """What a module's ``run`` gets."""
    return ModuleContext(
        params={"verify_timeout": 60, **params},
        check_mode=check_mode,
        session=session,
        describe=lambda: SessionDescription(organization=OrganizationIdentity(on_premises=on_premises)),
        find_file=lambda path: (files or {})[path],
    )
