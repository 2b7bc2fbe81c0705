# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a recipient's copy. ``as_row`` makes the mapping of it that results of modules have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.kleene import Reason, rows_of
from ..model.outcomes import Fate, OpeningWay, ProtectionKind, Tls


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that matches a copy.

    :param name: the rule's name.
    :param sure: whether that is certain; otherwise it may match.
    """

    name: str
    sure: bool

    def as_row(self) -> dict[str, Any]:
        """``name`` and ``matched``."""
        return {"name": self.name, "matched": True if self.sure else "unknown"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A way to open a protected copy, and why it is one."""

    way: OpeningWay
    reason: Reason

    def as_row(self) -> dict[str, Any]:
        """``way`` and ``reason``."""
        return {"way": str(self.way), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Transit:
    """What all ways of a delivered copy have in common. Texts are empty where they do not apply or are not known.

    :param tls: ``None`` for a copy that stays.
    :param validation: what its forced TLS checks, one of ``VALIDATIONS``.
    :param ends_at: the smart hosts at which what Exchange knows ends.
    :param unknown: why something is not known.
    :param on_premises: of a copy that stays, the connectors that may hand it to the organization's own servers.
    """

    tls: Tls | None = None
    validation: str = ""
    connector: str = ""
    ends_at: str = ""
    unknown: tuple[Reason, ...] = ()
    on_premises: str = ""

    def as_row(self) -> dict[str, Any]:
        """The key ``transit`` of a result, without what does not apply."""
        if self.tls is None:
            return {"on_premises": self.on_premises}
        row: dict[str, Any] = {"tls": str(self.tls)}
        for key in ("validation", "connector", "ends_at"):
            value = getattr(self, key)
            if value:
                row[key] = value
        if self.unknown:
            row["unknown"] = rows_of(self.unknown)
        return row


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What happens to a recipient's copy, as far as it is known.

    :param protection: a :class:`ProtectionKind` or ``template:<name>``; empty where nothing is delivered.
    :param protected_by: the names of the rules that protect it, and :param:`protected_by_dlp` of the DLP rules.
    :param label: the name of its sensitivity label; empty without one.
    :param on_arrival: whether the message arrived with its protection; ``None`` if that is open or nothing is
        delivered.
    :param rules: the rules that match, first to last.
    :param transit: how it leaves; ``None`` where that does not apply.
    :param branding: the OME configuration that it shows; empty if none does, or that is open.
    :param opens: how the recipient opens it, most likely first.
    :param assumes: the numbers of the guesses on which the answer depends.
    :param unknown: why something is open.
    :param differing: the keys of :meth:`as_row` that are absent because it is not known what they are.
    :param after_approval: the result after an approval for which it waits, and :param:`after_release` from quarantine.
    """

    fate: Fate
    protection: str = ""
    protected_by: tuple[str, ...] = ()
    protected_by_dlp: tuple[str, ...] = ()
    label: str = ""
    on_arrival: bool | None = None
    rules: tuple[RuleMatch, ...] = ()
    transit: Transit | None = None
    branding: str = ""
    opens: tuple[Opening, ...] = ()
    assumes: tuple[str, ...] = ()
    unknown: tuple[Reason, ...] = ()
    differing: frozenset[str] = frozenset()
    after_approval: CopyResult | None = None
    after_release: CopyResult | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether it is delivered for certain, without an approval or a release."""
        return self.fate == Fate.DELIVERED

    @property
    def is_in_clear(self) -> bool:
        """Whether it is delivered without protection for certain."""
        return self.is_delivered and self.protection == ProtectionKind.NONE

    @property
    def open_paths(self) -> frozenset[tuple[str, ...]]:
        """The paths in :meth:`as_row` of what is absent because it is not known, also after an approval or a
        release.
        """
        later = {"after_approval": self.after_approval, "after_release": self.after_release}
        below = {(key, *path) for key, result in later.items() if result for path in result.open_paths}
        return frozenset({(key,) for key in self.differing} | below)

    @property
    def surely_matching(self) -> list[str]:
        """The names of the rules that match for certain, first to last."""
        return [rule.name for rule in self.rules if rule.sure]

    def as_row(self) -> dict[str, Any]:
        """The keys of a result of modules, in order; reasons are not yet sentences. Keys that do not apply are absent."""
        row: dict[str, Any] = {"fate": str(self.fate)}
        if self.protection:
            row["protection"] = str(self.protection)
        if self.protected_by:
            row["protected_by"] = list(self.protected_by)
        if self.protected_by_dlp:
            row["protected_by_dlp"] = list(self.protected_by_dlp)
        if self.label:
            row["label"] = self.label
        if self.on_arrival is not None:
            row["protected_on_arrival"] = self.on_arrival
        row["rules"] = [rule.as_row() for rule in self.rules]
        if self.transit:
            row["transit"] = self.transit.as_row()
        if self.branding:
            row["branding"] = self.branding
        if self.opens:
            row["opens"] = [opening.as_row() for opening in self.opens]
        if self.assumes:
            row["assumes"] = list(self.assumes)
        if self.unknown:
            row["unknown"] = rows_of(self.unknown)
        if self.after_approval:
            row["after_approval"] = self.after_approval.as_row()
        if self.after_release:
            row["after_release"] = self.after_release.as_row()
        return row


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What happens to a message.

    :param name: what reports call it.
    :param recipients: recipient to the result of the copy.
    """

    name: str
    recipients: Mapping[str, CopyResult] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """``name`` and ``recipients``."""
        return {
            "name": self.name,
            "recipients": {label: result.as_row() for label, result in self.recipients.items()},
        }
