# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that others find while they write, or that were interrupted while they wrote: what is said of them, and what
ends their records.
"""

from __future__ import annotations

from ..documents.artifacts import Artifacts
from ..documents.writing import Writing
from ..procedures.procedure import Procedure


def interrupted_warnings(artifacts: Artifacts, procedure: Procedure) -> list[str]:
    """A warning for each other run that writes to the organization, or that was interrupted while it wrote."""
    return [
        _warning_text(writing, artifacts.host, procedure)
        for writing in artifacts.notes.writing()
        if writing.run != artifacts.run
    ]


def end_interrupted(artifacts: Artifacts, procedure: Procedure) -> None:
    """Ends the records of interrupted runs after a procedure is complete: those whose changes it has made, and those
    whose snapshots count as rolled back.
    """
    artifacts.notes.end_writing(
        writing.run
        for writing in artifacts.notes.writing()
        if not writing.lives
        and writing.run != artifacts.run
        and (procedure.completes(writing) or (writing.snapshot and artifacts.snapshots.rolled_back(writing.snapshot)))
    )


def _warning_text(writing: Writing, host: str, procedure: Procedure) -> str:
    if writing.unreadable:
        return (
            f"Whether the run {writing.run} was interrupted while it wrote to {host} is unknown: {writing.unreadable} "
            f"m365.message_encryption.rollback --check --diff --limit {host} shows what its newest snapshot would restore."
        )
    if writing.lives:
        return (
            f"The run {writing.run} is writing to {host}, since {writing.began} ({writing.process}). "
            "What is read now may change; wait until it has ended."
        )
    back = (
        ""
        if procedure.restored
        else f" The snapshot is {writing.snapshot}; m365.message_encryption.rollback --limit {host} restores it."
    )
    if writing.lives is None:
        return (
            f"The run {writing.run} has written to {host} since {writing.began} ({writing.process}), and whether it still does cannot be told "
            f"from here. If it was interrupted, what it wrote may be incomplete, and it was not rolled back.{back}"
        )
    return f"The run {writing.run} was interrupted while it wrote to {host}. What it wrote may be incomplete, and it was not rolled back.{back}"
