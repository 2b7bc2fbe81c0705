# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's report shows, ready for the page.

One form serves a run over a thousand organizations and a single organization: what several organizations have in common
is shown once, with their names. What needs a decision is never left out; of the rest, a large run's page shows the
beginning and says so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ...module_utils._baseline.documents.status import ControlStatus
from ...module_utils._mail_flow.model.encrypters import DLP, LABELS
from ...module_utils._mail_flow.wording.evidence import dlp_lines, evidence_headline, measured_lines_beside
from ...module_utils._mail_flow.wording.plans import trial_lines
from ...module_utils._mail_flow.wording.replay_row import Remark
from .cards import cards_of, is_high
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
    Record,
    Word,
    by_name,
    count,
    exceptions_of,
    is_expired,
    mail_of,
    name_of,
    overview_of,
    part_of,
    rank,
    word_for,
)
from .mail_section import (
    MOST_CLASSES,
    difference_of,
    encrypters_of,
    foreign_of,
    guarantees_of,
    harmless,
    lint_of,
    not_listed,
    observed_of,
    reach_of,
    suggestions_of,
    unseen_of_all,
)
from .replay_section import replay_of


@dataclass
class SharedRecord:
    """Something that one or more organizations have, with their names."""

    record: Record
    organizations: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The first of the names."""
        return self.organizations[:MOST_NAMES]

    @property
    def unnamed(self) -> int:
        """How many organizations are not among the names."""
        return max(0, len(self.organizations) - MOST_NAMES)


def _shared(organizations: Sequence[Record], records: Callable[[Record], Iterable[Record]]) -> list[SharedRecord]:
    by_key: dict[str, SharedRecord] = {}
    for organization in organizations:
        for record in records(organization):
            shared = by_key.setdefault(json.dumps(record, sort_keys=True, default=str), SharedRecord(record))
            if name_of(organization) not in shared.organizations[-1:]:
                shared.organizations.append(name_of(organization))
    return list(by_key.values())


@dataclass
class ControlRow:
    """A control across the organizations of the page, with each of its statuses there."""

    about: Record
    standings: list[SharedRecord] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[Word, int]]:
        """How many organizations have which status, the worst first."""
        counts: Counter[str] = Counter()
        for standing in self.standings:
            counts[standing.record["status"]] += len(standing.organizations)
        return [
            (word_for(CONTROL, status), counts[status])
            for status in sorted(counts, key=lambda status: rank(CONTROL, status))
        ]

    @property
    def rank(self) -> int:
        """The place of the worst status; accepted, met and skipped controls come after all open ones."""
        return min(
            min(rank(CONTROL, standing.record["status"]) for standing in self.standings),
            rank(CONTROL, ControlStatus.ACCEPTED),
        )

    @property
    def open(self) -> bool:
        """Whether its details are expanded: it is not met somewhere."""
        return self.rank == rank(CONTROL, ControlStatus.NOT_MET)


def _controls(organizations: Sequence[Record]) -> list[ControlRow]:
    about: dict[str, ControlRow] = {}
    for organization in organizations:
        for control in organization.get("controls") or []:
            about.setdefault(control["id"], ControlRow(control))
    differing = ("id", "status", "wanted", "found", "exception", "findings")
    for standing in _shared(
        organizations,
        lambda organization: [
            {key: control.get(key) for key in differing} for control in organization.get("controls") or []
        ],
    ):
        about[standing.record["id"]].standings.append(standing)
    for control in about.values():
        control.standings.sort(key=lambda standing: rank(CONTROL, standing.record["status"]))
    return sorted(about.values(), key=lambda control: control.rank)


def _needs_decision(organization: Record, run: Record) -> bool:
    return bool(
        organization.get("status") in STOPPED
        or organization.get("findings")
        or any(is_high(card) and card["state"] not in SETTLED for card in cards_of(organization))
        or any(is_expired(exception, run) for exception in exceptions_of(organization))
    )


#: The statuses of controls of which a run says something.
_JUDGED = (ControlStatus.MET, ControlStatus.NOT_MET, ControlStatus.NOT_ASSESSABLE, ControlStatus.ACCEPTED)


def _line(organization: Record, run: Record, detailed: bool) -> dict[str, Any]:
    """An organization on one line, with its details."""
    controls = [control.get("status") for control in organization.get("controls") or []]
    changes = cards_of(organization)
    judged = sum(status in _JUDGED for status in controls)
    met = controls.count(ControlStatus.MET)
    high = sum(is_high(change) for change in changes)
    findings = len(organization.get("findings") or [])
    expired = sum(is_expired(exception, run) for exception in exceptions_of(organization))
    counts = [
        f"{met} of {judged} met" if met or ControlStatus.NOT_MET in controls else "",
        count(len(changes), "change") if changes else "",
        f"{high} high impact" if high else "",
        ", ".join(
            filter(None, [count(findings, "finding") if findings else "", f"{expired} expired" if expired else ""])
        ),
    ]
    return {
        "name": name_of(organization),
        "word": word_for(ORGANIZATION, organization.get("status", "")),
        "counts": counts,
        "details": organization if detailed else None,
    }


def _applications(organizations: Sequence[Record]) -> str:
    known = sorted(
        {
            str(connection["client_id"])
            for organization in organizations
            if (connection := organization.get("connection") or {}).get("client_id")
        }
    )
    if len(known) < 2:
        return "".join(known)
    return count(len(known), "application")


def _card_order(shared: SharedRecord) -> tuple[bool, int, int]:
    card = shared.record
    return not is_high(card), rank(IMPACT, card["impact"]), rank(ROLLBACK, card["rollback"])


def view_of(run: Record) -> dict[str, Any]:
    """What the page shows, by the names that its template uses."""
    organizations = sorted(
        run["organizations"], key=lambda item: (rank(ORGANIZATION, item.get("status", "")), by_name(item))
    )
    few = len(organizations) <= MOST_DETAILED
    controls = _controls(organizations)
    return {
        **_head(run, organizations),
        **_mail(organizations, detailed=few),
        **_changes(organizations, complete=few),
        "messages": _shared(
            organizations,
            lambda item: [{"text": item["message"], "word": item["status"]}] if item.get("message") else [],
        ),
        "findings": _shared(organizations, part_of("findings")),
        "about": {control.about["id"]: control.about for control in controls},
        "lines": [_line(item, run, few or _needs_decision(item, run)) for item in organizations],
        "controls": controls,
        "exceptions": [(item, is_expired(item.record, run)) for item in _shared(organizations, exceptions_of)],
        "observed": _shared(organizations, part_of("observed")),
        "warnings": _shared(organizations, part_of("warnings")),
    }


def _head(run: Record, organizations: Sequence[Record]) -> dict[str, Any]:
    """What the run was, over which organizations, and the three answers."""
    kind = str(run.get("kind") or "")
    statuses = Counter(str(item.get("status", "")) for item in organizations)
    return {
        "run": run,
        "kind": KINDS.get(kind, kind),
        "several": len(organizations) != 1,
        "total": len(organizations),
        "audit": kind == "audit",
        "only": organizations[0] if len(organizations) == 1 else {},
        "heading": name_of(organizations[0]) if len(organizations) == 1 else count(len(organizations), "organization"),
        "application": _applications(organizations),
        "answers": answers_of(run),
        "statuses": [
            (word_for(ORGANIZATION, status), statuses[status])
            for status in sorted(statuses, key=lambda status: rank(ORGANIZATION, status))
        ],
    }


def _shows_dlp_and_labels(organization: Record) -> bool:
    """Whether DLP policies and labels are among what was computed."""
    unseen = mail_of(organization).unseen
    return unseen is not None and not {DLP, LABELS} & set(unseen)


def _mail(organizations: Sequence[Record], *, detailed: bool) -> dict[str, Any]:
    """What rules do to mail: today, by the changes, and as mail that arrived shows."""
    mail = sorted(_shared(organizations, difference_of), key=lambda shared: rank(MAIL, shared.record["kind"]))
    guarantees = _shared(organizations, guarantees_of)
    return {
        "overviews": [
            (name, overview, reach_of(overview.reach)) for name, overview in _named(organizations, overview_of)
        ],
        "reaches": _named(organizations, lambda item: reach_of(mail_of(item).reach)),
        "mail": mail[:MOST_CLASSES],
        "replays": _named(organizations, replay_of),
        "evidences": _named(organizations, partial(evidence_of, detailed=detailed)),
        "trials": [(name_of(item), trial_lines(row)) for item in organizations for row in mail_of(item).trials],
        "encrypters": _named(organizations, encrypters_of) if detailed else [],
        "not_seen": [
            *(f"{name_of(item)}: {line}" for item in organizations for line in observed_of(item)),
            *unseen_of_all(organizations),
        ],
        "hides_dlp_or_labels": not all(_shows_dlp_and_labels(item) for item in organizations),
        "same_mail": not mail and any(mail_of(organization).difference is not None for organization in organizations),
        "mail_left_out": sum(shared.record["classes"] for shared in mail[MOST_CLASSES:])
        + sum(map(not_listed, organizations)),
        "guarantees": sorted(guarantees, key=lambda shared: rank(VERDICT, shared.record["verdict"])),
        "suggestions": _shared(organizations, partial(suggestions_of, detailed=detailed)),
        "lint": _shared(organizations, lint_of),
        "foreign": _shared(organizations, foreign_of),
        "harmless": sum(map(harmless, organizations)),
    }


def _named(organizations: Iterable[Record], part_of: Callable[[Record], Any]) -> list[tuple[str, Any]]:
    """A part of each organization that has it, with the organization's name."""
    return [(name_of(item), part) for item in organizations if (part := part_of(item))]


def _changes(organizations: Sequence[Record], *, complete: bool) -> dict[str, Any]:
    """The changes and their commands, which have numbers. Unless ``complete``, the last ordinary changes are left out."""
    changes = sorted(_shared(organizations, cards_of), key=_card_order)
    high = sum(is_high(change.record) for change in changes)
    shown = changes if complete else changes[: high + MOST_ORDINARY]
    commands = list(dict.fromkeys(command for change in shown for command in change.record["commands"]))
    return {
        "changes": shown,
        "left_out": len(changes) - len(shown),
        "commands": {command: number for number, command in enumerate(commands, 1)},
    }


def evidence_of(organization: Record, *, detailed: bool) -> Record | None:
    """What Exchange reports, as the page shows it; ``None`` where nobody asked.

    :param detailed: whether to show more than a line.
    """
    mail = mail_of(organization)
    evidence = mail.evidence
    if not evidence:
        return None
    if isinstance(evidence, Remark):
        return {"headline": evidence.remark, "lines": []}
    measured = measured_lines_beside(evidence, mail.replay)
    if not detailed:
        return {"headline": evidence_headline(evidence), "lines": measured}
    return {
        "headline": evidence_headline(evidence),
        "lines": [
            *measured,
            *dlp_lines(evidence.dlp),
            *(rule.text for rule in evidence.rules),
            *(f"{name}: {why}" for name, why in (evidence.unavailable or {}).items()),
        ],
        "sample": [
            (", ".join(row.rules) or "none", row.connector or "not shown", row.tls or "not shown", row.copies)
            for row in evidence.sample
        ],
        "encryption": [(day.date, day.policy, day.manual, day.copies) for day in evidence.encryption or ()],
        "premises": [premise.text for premise in evidence.assumes],
    }
