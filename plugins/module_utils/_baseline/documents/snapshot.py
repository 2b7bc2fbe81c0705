# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot: an organization's state before a run's first write, and the run's plan."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..._exchange.capture import Capture
from ..._exchange.document import VERSION, digest_of
from ..._exchange.errors import CmdletNotAvailableError, OptionError
from ..._exchange.organization import COMPLIANCE_FACTS, Organization
from ..._exchange.tenant import OrganizationIdentity
from ..._resources.organization_state import PARTS, describe
from ..._resources.rules.organization_rules import rules_of
from .change import PlannedChange
from .plan_document import PlanDocument

FORMAT = 1
KIND = "snapshot"

#: The parts of a written snapshot besides its format and plan, and their types.
_PARTS: Mapping[type, tuple[str, ...]] = {
    str: (
        "kind",
        "id",
        "previous",
        "run",
        "created_at",
        "collection_version",
        "approved_plan",
        "approved_run",
        "digest",
    ),
    dict: ("organization", "state", "unavailable"),
    list: ("order",),
}


#: The part of a state that has the rules. Parts whose names begin so have the rules that a state cannot declare.
_RULES = "transport_rules"


@dataclass(frozen=True)
class RecordedRule:
    """A rule as a snapshot has it, whether a state can declare it or not.

    :param comments: its comments; empty if it has none.
    :param mode: its mode; empty if the snapshot does not say it.
    """

    guid: str
    name: str
    comments: str
    mode: str


@dataclass(frozen=True)
class NotRebuildableRule:
    """A rule that a rollback cannot recreate.

    :param reason: why, as a part of a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class SnapshotDocument:
    """A snapshot, as it is written.

    :param id: unique among snapshots.
    :param previous: the ``id`` of the snapshot before it; empty for the first.
    :param run: the name of the folder of the run that took it.
    :param created_at: the time in UTC, as ISO 8601 has it.
    :param organization: which organization it is, as ``message_encryption_info`` returns it.
    :param state: its state as it is written, in the form of ``message_encryption_info``.
    :param order: the GUIDs of all rules, first to last, including those that a state cannot hold.
    :param unavailable: the parts of the state whose cmdlet the session did not have, and the errors.
    :param plan: the plan that the run was about to apply; ``None`` for a snapshot on its own.
    :param approved_plan: the digest of the approved plan that the run applied; empty if none was asked for.
    :param approved_run: the run that made that plan; empty if only its digest was known.
    """

    id: str
    previous: str
    run: str
    created_at: str
    organization: Mapping[str, Any]
    state: Mapping[str, Any]
    order: tuple[str, ...]
    unavailable: Mapping[str, str]
    plan: PlanDocument | None
    approved_plan: str
    approved_run: str = ""
    collection_version: str = VERSION

    @classmethod
    def take(
        cls,
        organization: Organization,
        plan: PlanDocument | None,
        *,
        previous: str = "",
        run: str = "",
        approved_plan: str = "",
        approved_run: str = "",
    ) -> SnapshotDocument:
        """A snapshot of what was read. Only a part whose cmdlet the session does not have is left out; any other failed
        read is raised.
        """
        state, unavailable = state_of(organization)
        state.update(information_of(organization))
        return cls(
            id=secrets.token_hex(6),
            previous=previous,
            run=run,
            created_at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            organization=organization.identity.as_row() if organization.available("organization") else {},
            state=state,
            order=tuple(rule.guid for rule in rules_of(organization))
            if organization.available("transport_rules")
            else (),
            unavailable=unavailable,
            plan=plan,
            approved_plan=approved_plan,
            approved_run=approved_run,
        )

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> SnapshotDocument:
        """A snapshot from its written form, without checking its digest. Raises ValueError if it is none."""
        if set(document) != {"format", "plan", *(key for keys in _PARTS.values() for key in keys)}:
            raise ValueError("it lacks a part, or has another")
        if any(not isinstance(document[key], kind) for kind, keys in _PARTS.items() for key in keys):
            raise ValueError("a part of it has the wrong type")
        values = {key: value for key, value in document.items() if key not in ("format", "kind", "digest")}
        plan = None if document["plan"] is None else PlanDocument.parse(document["plan"])
        return cls(**{**values, "order": tuple(document["order"]), "plan": plan})

    def as_dict(self) -> dict[str, Any]:
        """The snapshot in its written form."""
        return {**self._content(), "digest": self.digest}

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": KIND,
            "id": self.id,
            "previous": self.previous,
            "run": self.run,
            "created_at": self.created_at,
            "collection_version": self.collection_version,
            "organization": dict(self.organization),
            "state": dict(self.state),
            "order": list(self.order),
            "unavailable": dict(self.unavailable),
            "plan": self.plan.as_dict() if self.plan else None,
            "approved_plan": self.approved_plan,
            "approved_run": self.approved_run,
        }

    @cached_property
    def digest(self) -> str:
        """The digest of its content."""
        return digest_of(self._content())

    @property
    def changes(self) -> tuple[PlannedChange, ...]:
        """The changes that the run was about to make."""
        return self.plan.changes if self.plan else ()

    @property
    def declarable(self) -> dict[str, Any]:
        """The parts of the state that a rollback can declare."""
        return {
            part: value
            for part, value in self.state.items()
            if not part.startswith(f"{_RULES}_") and part not in COMPLIANCE_FACTS
        }

    @property
    def rules(self) -> list[RecordedRule]:
        """The rules, those that a state can declare first; none if they could not be read."""
        rows = [*self.state.get(_RULES, ()), *self.state.get(f"{_RULES}_unsupported", ())]
        return [
            RecordedRule(row["guid"], row["name"], str(row.get("comments") or ""), str(row.get("mode") or ""))
            for row in rows
        ]

    @property
    def not_rebuildable(self) -> list[NotRebuildableRule]:
        """The rules that a rollback cannot recreate."""
        rows = self.state.get(f"{_RULES}_not_rebuildable", ())
        return [NotRebuildableRule(row["name"], row["reason"]) for row in rows]

    @property
    def information(self) -> Mapping[str, Any]:
        """The DLP policies, labels and their policies, part by part, see :func:`information_of`."""
        return {part: value for part, value in self.state.items() if part in COMPLIANCE_FACTS}


def state_of(organization: Organization) -> tuple[dict[str, Any], dict[str, str]]:
    """The state of an organization, and the parts whose cmdlet the session does not have with their errors. Any other
    failed read is raised.
    """
    state: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for part in PARTS:
        error = organization.error(part)
        if isinstance(error, CmdletNotAvailableError):
            unavailable[part] = str(error)
        else:
            state.update(describe(organization, [part]))
    return state, unavailable


def information_of(organization: Organization) -> dict[str, Any]:
    """The DLP policies, labels and their policies that were read. A snapshot has them as information: no rollback writes
    them.
    """
    read = [part for part in COMPLIANCE_FACTS if part in organization.subsets and organization.error(part) is None]
    return describe(organization, read)


def captured(organization: Organization, transport: str) -> Capture:
    """The capture of what was read, which stands for the organization where nobody can reach it.

    :param transport: over what it was read.
    """
    identity = organization.identity if organization.available("organization") else OrganizationIdentity()
    return Capture(
        identity.name,
        identity.tenant_id,
        datetime.datetime.now(datetime.UTC),
        VERSION,
        transport,
        tuple(organization.reads),
    )


def read_snapshot(document: Any, where: str) -> SnapshotDocument:
    """The snapshot in its written form. An OptionError says why it is none, is of a newer format, or was changed after
    it was written.

    :param where: the file that it comes from.
    """
    refused = f"hardened_baseline_rollback_snapshot: {where}"
    if not isinstance(document, Mapping) or document.get("kind") != KIND:
        raise OptionError(f"{refused} is not a snapshot of this collection.")
    format_ = document.get("format")
    if not isinstance(format_, int) or isinstance(format_, bool) or not 0 < format_ <= FORMAT:
        raise OptionError(
            f"{refused} has format {format_!r}, but this version of the collection supports formats up to {FORMAT}.",
            remedy="Use the version of the collection that wrote it, or a newer one.",
        )
    try:
        snapshot = SnapshotDocument.parse(document)
        if snapshot.digest == document["digest"]:
            return snapshot
    except ValueError:
        pass  # What is refused below.
    raise OptionError(f"{refused} does not match its own digest: it was changed after it was written, or is truncated.")
