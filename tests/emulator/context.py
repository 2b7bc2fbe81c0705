# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running cmdlet has in its hands, and what it brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import properties
from .errors import CmdletError, object_not_found
from .organization import State
from .properties import Record
from .schema import Cmdlet
from .values import Delta, now, ordinal

_MORE_RESULTS = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."
NOT_MODIFIED = "The command completed successfully but no settings of '{}' have been modified."


@dataclass
class Outcome:
    """What a cmdlet brought: objects, warnings, and errors that did not end it.

    ``garbled`` asks the wire to cut the objects off in the middle, as a broken proxy or a full disk would. ``leaves``
    asks a shell's function to leave in another way than by its end: a kind out of ``faults.SHELL``.
    """

    records: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[CmdletError] = field(default_factory=list)
    garbled: bool = False
    leaves: str = ""


@dataclass
class Context:
    """One running cmdlet: the state it sees (its own copy when it writes), its bound parameters, and its outcome."""

    state: State
    parameters: dict[str, Any]
    cmdlet: Cmdlet
    outcome: Outcome = field(default_factory=Outcome)

    def emit(self, kind: str, values: Mapping[str, Any]) -> None:
        self.outcome.records.append(Record(kind, {name: values.get(name) for name in properties.KINDS[kind]}))

    def store(self, row: dict[str, Any], values: Mapping[str, Any], identity: str) -> None:
        """Stores values in a row; says so when they were there already."""
        # An empty text is none: a shell makes one of a null, and nobody has said which of the two the service keeps.
        wanted = {
            name: value.apply(row.get(name)) if isinstance(value, Delta) else None if value == "" else value
            for name, value in values.items()
        }
        if all(row.get(name) == value for name, value in wanted.items()):
            self.outcome.warnings.append(NOT_MODIFIED.format(identity))
            return
        row.update(wanted)
        if "WhenChanged" in row:
            row["WhenChanged"] = now()

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters without those that select an object or answer a prompt."""
        return {
            name: value
            for name, value in self.parameters.items()
            if name not in ("Identity", "Confirm", "Force", "WhatIf", "DomainController")
        }


def tail(identity: str) -> dict[str, Any]:
    """The properties that most objects end with."""
    return {"Identity": identity, "IsValid": True, "ObjectState": "Unchanged"}


def row_of(rows: list[dict[str, Any]], key: str, identity: str) -> dict[str, Any]:
    """The row that is called so, or has this GUID."""
    for row in rows:
        if ordinal(identity) in (ordinal(row[key]), ordinal(row.get("Guid", row[key]))):
            return row
    raise object_not_found(identity)


def limited(context: Context, rows: list[Any]) -> list[Any]:
    """As many as were asked for."""
    limit = context.parameters.get("ResultSize", 1000)
    if limit == "Unlimited" or len(rows) <= limit:
        return rows
    context.outcome.warnings.append(_MORE_RESULTS)
    return rows[:limit]
