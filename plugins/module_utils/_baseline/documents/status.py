# SPDX-License-Identifier: GPL-3.0-or-later
"""The statuses that plans and reports use, in the order of every list: the worst first, and what is known to be wrong
before what is unknown."""

from __future__ import annotations

from enum import StrEnum


class OrganizationStatus(StrEnum):
    """What a run found or did in an organization."""

    REFUSED = "refused"
    FAILED = "failed"
    DRIFT = "drift"
    NOT_ASSESSABLE = "not assessable"
    CHANGED = "changed"
    MET = "met"


class ControlStatus(StrEnum):
    """The status of a control."""

    NOT_MET = "not met"
    NOT_ASSESSABLE = "not assessable"
    ACCEPTED = "accepted exception"
    MET = "met"
    NOT_APPLICABLE = "not applicable"
    UNMANAGED = "unmanaged"


class ChangeState(StrEnum):
    """The outcome of a change. What is already so was planned, but found done when the run came to it. What is unknown was
    sent, and no read shows it, whether or not Exchange accepted it.
    """

    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"
    PLANNED = "planned"
    STORED = "stored"
    ALREADY_SO = "already so"


class RollbackClass(StrEnum):
    """How a rollback can undo a change."""

    NOT_POSSIBLE = "not possible"
    EQUIVALENT = "equivalent"
    EXACT = "exact"
