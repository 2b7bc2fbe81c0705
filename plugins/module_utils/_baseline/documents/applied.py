# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a run's plan: the record beside its snapshot, from which a rollback knows what the run wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.errors import OptionError
from .change import PlannedChange

_KEY = ("resource", "identity", "option")
#: What a change is about: resource, identity, option.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Applied:
    """The changes that a run stored, and those of which it is unknown whether they are stored, by their keys.

    :param digest: the digest of the run's snapshot.
    """

    digest: str
    stored: frozenset[Key]
    unknown: frozenset[Key] = frozenset()

    @classmethod
    def read(cls, document: Any, where: str) -> Applied:
        """From the written form. Raises OptionError if it is none.

        :param where: the file that it comes from.
        """
        try:
            stored, unknown = (
                frozenset(tuple(str(row[name]) for name in _KEY) for row in document[part])
                for part in ("stored", "unknown")
            )
            return cls(str(document["digest"]), stored, unknown)  # type: ignore[arg-type]
        except (KeyError, TypeError) as error:
            raise OptionError(
                f"The file {where} does not say what its run stored.",
                remedy="If you remove it, a rollback undoes everything that the run planned, whoever did it.",
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """The written form."""
        return {"digest": self.digest, "stored": _rows(self.stored), "unknown": _rows(self.unknown)}

    def applied_changes(self, planned: Iterable[PlannedChange]) -> list[PlannedChange]:
        """The planned changes that are stored, or may be. A run that moved one rule has moved those around it."""
        done = self.stored | self.unknown
        moved = {resource for resource, _identity, option in done if option == "priority"}
        return [
            change
            for change in planned
            if change.key in done or (change.option == "priority" and change.resource in moved)
        ]


def unknown_of(planned: Sequence[PlannedChange], commands: Sequence[str]) -> list[PlannedChange]:
    """The planned changes that commands of unknown outcome may have stored: all, if a command is not the plan's own."""
    if not set(commands) <= {change.command for change in planned}:
        return list(planned)
    return [change for change in planned if change.command in commands]


def _rows(keys: Iterable[Key]) -> list[Mapping[str, str]]:
    return [dict(zip(_KEY, key, strict=True)) for key in sorted(keys)]
