# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a document: a board approves it, and a later run is compared with it.

The digest is over what an approver reads: what is wanted, what the managed settings are, what would change with its
impact, its way back and its cmdlets, the effect on mail, and what the warnings name. It is the same on every controller
and over every wire: nothing of the time, the host, GUIDs of rules or places among rules that are not managed is in it.
The seal is over the whole file, these included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..._engine.plan import Plan, PlanWarning
from ..._exchange.document import VERSION, digest_of, exact_digest, normal
from ..._exchange.errors import OptionError
from ..._exchange.tenant import OrganizationIdentity, why_not_from
from ..controls.effect_on_mail import EffectOnMail
from .approved_mail import counted_mail, moved_mail
from .change import PlannedChange, digested, still_due, unplanned

FORMAT = 1

#: The parts of a written plan besides its format, and their types.
_PARTS: Mapping[type, tuple[str, ...]] = {
    str: ("kind", "run", "collection_version", "digest", "seal"),
    dict: ("organization", "desired", "managed", "mail"),
    list: ("changes", "warnings"),
}


@dataclass(frozen=True)
class PlanDocument:
    """A plan, as it is written and approved.

    :param kind: the procedure whose plan it is: ``baseline`` or ``disable``.
    :param organization: the organization that it is for. Only its name and its tenant ID are written.
    :param desired: what the controls want, by their ids, with what was accepted and skipped.
    :param managed: the managed settings as they are, in normal form.
    :param mail: what it does to mail.
    :param run: the run that made it, so that approving this plan does not approve a later one with the same content.
        The digest does not cover it.
    """

    kind: str
    organization: OrganizationIdentity
    desired: Mapping[str, Any]
    managed: Mapping[str, Any]
    changes: tuple[PlannedChange, ...]
    mail: EffectOnMail
    warnings: tuple[PlanWarning, ...]
    run: str = ""
    collection_version: str = VERSION

    @classmethod
    def of_plan(
        cls,
        kind: str,
        organization: OrganizationIdentity,
        desired: Mapping[str, Any],
        plan: Plan,
        changes: Iterable[PlannedChange],
        mail: EffectOnMail,
        run: str = "",
    ) -> PlanDocument:
        """The document of a plan for an organization."""
        identity = OrganizationIdentity(name=organization.name, tenant_id=organization.tenant_id)
        return cls(
            kind, identity, desired, normal(plan.before), tuple(changes), mail, tuple(dict.fromkeys(plan.warnings)), run
        )

    @classmethod
    def parse(cls, document: Any) -> PlanDocument:
        """A plan of any version from its written form, without checking its digests. Raises ValueError if it is none."""
        _check_shape(document)
        organization = document["organization"]
        if set(organization) != {"name", "tenant_id"}:
            raise ValueError("has a part of the wrong type.")
        return cls(
            kind=document["kind"],
            organization=OrganizationIdentity.from_row(organization),
            desired=document["desired"],
            managed=document["managed"],
            changes=tuple(map(PlannedChange.from_row, document["changes"])),
            mail=EffectOnMail.from_row(document["mail"]),
            warnings=tuple(map(PlanWarning.read, document["warnings"])),
            run=document["run"],
            collection_version=document["collection_version"],
        )

    def as_dict(self) -> dict[str, Any]:
        """The plan in its written form."""
        return sealed({**self._content(), "digest": self.digest})

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "run": self.run,
            "organization": {"name": self.organization.name, "tenant_id": self.organization.tenant_id},
            "collection_version": self.collection_version,
            "desired": dict(self.desired),
            "managed": dict(self.managed),
            "changes": [change.as_row() for change in self.changes],
            "mail": self.mail.as_row(),
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    @cached_property
    def digest(self) -> str:
        """The digest of what an approver reads. Not every session shows the tenant ID, so the organization counts by
        its name.
        """
        counted_content = self._content()
        counted = {key: counted_content[key] for key in ("kind", "collection_version", "desired", "managed")}
        content = {
            "changes": digested(self.changes),
            "mail": counted_mail(self.mail),
            "warnings": sorted(map(_counted, self.warnings)),
        }
        return digest_of({**counted, **content, "organization": self.organization.name})


def _counted(warning: PlanWarning) -> str:
    """What counts of a warning, as a digest: what it warns of and what it names, but not its sentence."""
    return digest_of({"kind": warning.kind, "values": warning.values})


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the digest of its exact content."""
    content = {key: value for key, value in document.items() if key != "seal"}
    return {**content, "seal": exact_digest(content)}


def read_plan(document: Any, where: str) -> PlanDocument:
    """The plan in its written form. An OptionError says why it is none, is of another format or version, or was changed
    after it was written.

    :param where: the file that it comes from.
    """
    refused = f"hardened_baseline_approved_plan: {where}"
    try:
        _check_shape(document)
    except ValueError as error:
        raise OptionError(f"{refused} {error}") from error
    if document["collection_version"] != VERSION:
        raise OptionError(
            f"{refused} was made by version {document['collection_version']} of the collection, but this is version {VERSION}.",
            remedy="Create a new plan in a check-mode run with this version, and have it approved.",
        )
    try:
        plan = PlanDocument.parse(document)
        if plan.digest == document["digest"] and sealed(document) == document:
            return plan
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # What is refused below.
    raise OptionError(f"{refused} does not match its own digest: it was changed after it was written.")


def _check_shape(document: Any) -> None:
    """Raises ValueError, with the rest of a sentence about the document, if it does not look like a plan."""
    if not isinstance(document, Mapping) or set(document) != {
        "format",
        *(key for keys in _PARTS.values() for key in keys),
    }:
        raise ValueError("is not a plan of this collection.")
    if document["format"] != FORMAT or isinstance(document["format"], (bool, float)):
        raise ValueError(f"has format {document['format']!r}, but this version of the collection supports {FORMAT}.")
    if any(not isinstance(document[key], kind) for kind, keys in _PARTS.items() for key in keys):
        raise ValueError("is not a plan of this collection: a part of it has the wrong type.")


def moved(approved: PlanDocument, current: PlanDocument) -> list[str]:
    """How the plan that is needed now goes beyond an approved one, as sentences; empty if it is the same plan, or what
    is left of it.

    Everything that the approver read is compared with what holds now, even if a run has already written under the
    approval.
    """
    other = why_not_from(current.organization, approved.organization)
    if other:
        return [other]
    if approved.digest == current.digest:
        return []
    if approved.kind != current.kind:
        return [f"it is a plan for {approved.kind}, but this is {current.kind}"]
    if normal(approved.desired) != normal(current.desired):
        return [f"the variables of {name} have changed" for name in _differing(approved.desired, current.desired)]
    warned = set(map(_counted, approved.warnings))
    warnings = [
        f"it does not warn that: {warning.text.removesuffix('.')}"
        for warning in current.warnings
        if _counted(warning) not in warned
    ]
    due = still_due(approved.changes, current.changes)
    return [*unplanned(approved.changes, current.changes), *moved_mail(approved.mail, current.mail, due), *warnings]


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*first, *second} if normal(first.get(name)) != normal(second.get(name)))
