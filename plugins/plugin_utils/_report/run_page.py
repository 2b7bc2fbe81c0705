# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a run's report.

One form serves a run over a thousand organizations and a single organization: what several organizations have in common
is shown once, with their names. What needs a decision is never left out; of the rest, a large run's page shows the
beginning and says so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from ...module_utils._baseline.documents.report import ControlReport, OrganizationReport, RunReport
from ...module_utils._baseline.documents.status import ControlStatus, OrganizationStatus
from ...module_utils._mail_flow.model.encrypters import DLP, LABELS
from ...module_utils._mail_flow.wording.evidence import dlp_lines, evidence_headline, measured_lines_beside
from ...module_utils._mail_flow.wording.plans import trial_lines
from ...module_utils._mail_flow.wording.replay_row import NoResultRow
from .cards import ChangeCard, cards_of
from .first_screen import answers_of
from .labels import (
    CONTROL,
    IMPACT,
    KINDS,
    MAIL,
    MOST_DETAILED,
    MOST_NAMES,
    MOST_ORDINARY,
    ORGANIZATION,
    ROLLBACK,
    SETTLED,
    STOPPED,
    VERDICT,
    Word,
    by_name,
    count,
    exceptions_of,
    rank,
)
from .mail_section import (
    MOST_CLASSES,
    difference_of,
    encrypters_of,
    foreign_of,
    guarantees_of,
    observed_of,
    reach_of,
    suggestions_of,
    unseen_of_all,
)
from .page import page_of
from .replay_section import replay_of

Part = TypeVar("Part")


def render_html(report: RunReport) -> str:
    """The report as one self-contained page: no script, no other file, no network."""
    return page_of("page.html.j2", view_of(report))


@dataclass
class Shared(Generic[Part]):
    """Something that one or more organizations have, with their names."""

    part: Part
    organizations: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The first of the names."""
        return self.organizations[:MOST_NAMES]

    @property
    def unnamed(self) -> int:
        """How many organizations are not among the names."""
        return max(0, len(self.organizations) - MOST_NAMES)


def _shared(
    organizations: Sequence[OrganizationReport],
    parts_of: Callable[[OrganizationReport], Iterable[Part]],
    compared: Callable[[Part], Any] = lambda part: part,
) -> list[Shared[Part]]:
    """The parts of organizations; equal ones are one.

    :param compared: what of a part decides whether it equals another one.
    """
    by_key: dict[str, Shared[Part]] = {}
    for organization in organizations:
        for part in parts_of(organization):
            shared = by_key.setdefault(_key(compared(part)), Shared(part))
            if organization.shown_name not in shared.organizations[-1:]:
                shared.organizations.append(organization.shown_name)
    return list(by_key.values())


def _key(part: Any) -> str:
    """A text that is equal for equal parts, whose values of settings need not be hashable."""
    return json.dumps(part, sort_keys=True, default=lambda value: vars(value) if is_dataclass(value) else str(value))


@dataclass
class ControlRow:
    """A control across the organizations of the page, with each of its standings there."""

    about: ControlReport
    standings: list[Shared[ControlReport]] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[Word, int]]:
        """How many organizations have which status, the worst first."""
        counts: Counter[str] = Counter()
        for standing in self.standings:
            counts[standing.part.status] += len(standing.organizations)
        return [(CONTROL[status], counts[status]) for status in CONTROL if status in counts]

    @property
    def rank(self) -> int:
        """The place of the worst status; accepted, met and skipped controls come after all open ones."""
        return min(
            min(rank(CONTROL, standing.part.status) for standing in self.standings),
            rank(CONTROL, ControlStatus.ACCEPTED),
        )

    @property
    def open(self) -> bool:
        """Whether its details are expanded: it is not met somewhere."""
        return self.rank == rank(CONTROL, ControlStatus.NOT_MET)


def _controls(organizations: Sequence[OrganizationReport]) -> list[ControlRow]:
    rows: dict[str, ControlRow] = {}
    for organization in organizations:
        for control in organization.controls:
            rows.setdefault(control.id, ControlRow(control))
    for standing in _shared(organizations, lambda organization: organization.controls, _standing):
        rows[standing.part.id].standings.append(standing)
    for row in rows.values():
        row.standings.sort(key=lambda standing: rank(CONTROL, standing.part.status))
    return sorted(rows.values(), key=lambda row: row.rank)


def _standing(control: ControlReport) -> tuple[Any, ...]:
    """What can differ between organizations that have a control."""
    return control.id, control.status, control.wanted, control.found, control.exception, control.findings


def _needs_decision(organization: OrganizationReport, run: RunReport) -> bool:
    return bool(
        organization.status in STOPPED
        or organization.findings
        or any(card.is_high and card.state not in SETTLED for card in cards_of(organization))
        or any(exception.is_expired(run) for exception in exceptions_of(organization))
    )


#: The statuses of controls of which a run says something.
_JUDGED = (ControlStatus.MET, ControlStatus.NOT_MET, ControlStatus.NOT_ASSESSABLE, ControlStatus.ACCEPTED)


@dataclass(frozen=True)
class OrganizationLine:
    """An organization on one line.

    :param counts: what is counted of it, as texts; empty ones for what there is not.
    :param details: what can be expanded.
    """

    name: str
    word: Word
    counts: Sequence[str]
    details: OrganizationReport | None


def _line(organization: OrganizationReport, run: RunReport, detailed: bool) -> OrganizationLine:
    """An organization on one line, with its details."""
    controls = [control.status for control in organization.controls]
    changes = cards_of(organization)
    judged = sum(status in _JUDGED for status in controls)
    met = controls.count(ControlStatus.MET)
    high = sum(change.is_high for change in changes)
    findings = len(organization.findings)
    expired = sum(exception.is_expired(run) for exception in exceptions_of(organization))
    counts = [
        f"{met} of {judged} met" if met or ControlStatus.NOT_MET in controls else "",
        count(len(changes), "change") if changes else "",
        f"{high} high impact" if high else "",
        ", ".join(
            filter(None, [count(findings, "finding") if findings else "", f"{expired} expired" if expired else ""])
        ),
    ]
    return OrganizationLine(
        organization.shown_name, ORGANIZATION[organization.status], counts, organization if detailed else None
    )


def _applications(organizations: Sequence[OrganizationReport]) -> str:
    known = {item.connection.client_id for item in organizations if item.connection} - {None, ""}
    return count(len(known), "application") if len(known) > 1 else "".join(map(str, known))


def _card_order(shared: Shared[ChangeCard]) -> tuple[bool, int, int]:
    card = shared.part
    return not card.is_high, rank(IMPACT, card.impact), rank(ROLLBACK, card.rollback)


@dataclass(frozen=True)
class FailureMessage:
    """Why a run failed in an organization."""

    text: str
    status: OrganizationStatus


def _messages(organization: OrganizationReport) -> list[FailureMessage]:
    return [FailureMessage(organization.message, organization.status)] if organization.message else []


def view_of(run: RunReport) -> dict[str, Any]:
    """What the page shows, by the names that its template uses."""
    organizations = sorted(run.organizations, key=lambda item: (rank(ORGANIZATION, item.status), by_name(item)))
    few = len(organizations) <= MOST_DETAILED
    controls = _controls(organizations)
    exceptions = _shared(organizations, exceptions_of)
    return {
        **_head(run, organizations),
        **_mail(organizations, detailed=few),
        **_changes(organizations, complete=few),
        "messages": _shared(organizations, _messages),
        "findings": _shared(organizations, lambda item: item.findings),
        "about": {control.about.id: control.about for control in controls},
        "lines": [_line(item, run, few or _needs_decision(item, run)) for item in organizations],
        "controls": controls,
        "exceptions": [(shared, shared.part.is_expired(run)) for shared in exceptions],
        "observed": _shared(organizations, lambda item: item.observed),
        "warnings": _shared(organizations, lambda item: item.warnings),
    }


def _head(run: RunReport, organizations: Sequence[OrganizationReport]) -> dict[str, Any]:
    """What the run was, over which organizations, and the three answers."""
    statuses: Counter[str] = Counter(item.status for item in organizations)
    only = organizations[0] if len(organizations) == 1 else None
    return {
        "run": run,
        "kind": KINDS.get(run.kind, run.kind),
        "several": only is None,
        "total": len(organizations),
        "audit": run.kind == "audit",
        "only": only,
        "heading": only.shown_name if only else count(len(organizations), "organization"),
        "application": _applications(organizations),
        "answers": answers_of(run),
        "statuses": [(word, statuses[status]) for status, word in ORGANIZATION.items() if status in statuses],
    }


def _shows_dlp_and_labels(organization: OrganizationReport) -> bool:
    """Whether DLP policies and labels are among what was computed."""
    unseen = organization.mail.unseen
    return unseen is not None and not {DLP, LABELS} & set(unseen)


def _mail(organizations: Sequence[OrganizationReport], *, detailed: bool) -> dict[str, Any]:
    """What rules do to mail: today, by the changes, and as mail that arrived shows."""
    mail = sorted(_shared(organizations, difference_of), key=lambda shared: rank(MAIL, shared.part.kind))
    guarantees = _shared(organizations, guarantees_of)
    return {
        "overviews": [
            (item.shown_name, item.overview, reach_of(item.overview.reach)) for item in organizations if item.overview
        ],
        "reaches": _named(organizations, lambda item: reach_of(item.mail.reach)),
        "mail": mail[:MOST_CLASSES],
        "replays": _named(organizations, replay_of),
        "evidences": _named(organizations, partial(evidence_of, detailed=detailed)),
        "trials": [(item.shown_name, trial_lines(row)) for item in organizations for row in item.mail.trials],
        "encrypters": _named(organizations, encrypters_of) if detailed else [],
        "not_seen": [
            *(f"{item.shown_name}: {line}" for item in organizations for line in observed_of(item)),
            *unseen_of_all(organizations),
        ],
        "hides_dlp_or_labels": not all(_shows_dlp_and_labels(item) for item in organizations),
        "same_mail": not mail and any(item.mail.difference is not None for item in organizations),
        "mail_left_out": sum(shared.part.classes for shared in mail[MOST_CLASSES:])
        + sum(item.mail.difference_more for item in organizations),
        "guarantees": sorted(guarantees, key=lambda shared: rank(VERDICT, shared.part.verdict)),
        "suggestions": _shared(organizations, partial(suggestions_of, detailed=detailed)),
        "lint": _shared(organizations, lambda item: item.mail.lint),
        "foreign": _shared(organizations, foreign_of),
        "harmless": sum(not row.needs_a_look for item in organizations for row in item.mail.foreign),
    }


def _named(
    organizations: Iterable[OrganizationReport], part_of: Callable[[OrganizationReport], Any]
) -> list[tuple[str, Any]]:
    """A part of each organization that has it, with the organization's name."""
    return [(item.shown_name, part) for item in organizations if (part := part_of(item))]


def _changes(organizations: Sequence[OrganizationReport], *, complete: bool) -> dict[str, Any]:
    """The changes and their commands, which have numbers. Unless ``complete``, the last ordinary changes are left out."""
    changes = sorted(_shared(organizations, cards_of), key=_card_order)
    high = sum(change.part.is_high for change in changes)
    shown = changes if complete else changes[: high + MOST_ORDINARY]
    commands = list(dict.fromkeys(command for change in shown for command in change.part.commands))
    return {
        "changes": shown,
        "left_out": len(changes) - len(shown),
        "commands": {command: number for number, command in enumerate(commands, 1)},
    }


@dataclass(frozen=True)
class EvidenceSection:
    """What Exchange reports, as the page shows it.

    :param sample: rows of rules that acted, connector, TLS and number of copies.
    :param encryption: rows of day, messages encrypted by policy and by people, and copies.
    """

    headline: str
    lines: Sequence[str] = ()
    sample: Sequence[tuple[Any, ...]] = ()
    encryption: Sequence[tuple[Any, ...]] = ()
    premises: Sequence[str] = ()


def evidence_of(organization: OrganizationReport, *, detailed: bool) -> EvidenceSection | None:
    """What Exchange reports, as the page shows it; ``None`` where the run did not ask.

    :param detailed: whether to show more than a line.
    """
    evidence = organization.mail.evidence
    if not evidence:
        return None
    if isinstance(evidence, NoResultRow):
        return EvidenceSection(evidence.remark)
    measured = measured_lines_beside(evidence, organization.mail.replay)
    if not detailed:
        return EvidenceSection(evidence_headline(evidence), measured)
    return EvidenceSection(
        headline=evidence_headline(evidence),
        lines=[
            *measured,
            *dlp_lines(evidence.dlp),
            *(rule.text for rule in evidence.rules),
            *(f"{name}: {why}" for name, why in (evidence.unavailable or {}).items()),
        ],
        sample=[
            (", ".join(row.rules) or "none", row.connector or "not shown", row.tls or "not shown", row.copies)
            for row in evidence.sample
        ],
        encryption=[(day.date, day.policy, day.manual, day.copies) for day in evidence.encryption or ()],
        premises=[premise.text for premise in evidence.assumes],
    )
