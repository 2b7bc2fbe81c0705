# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's report shows, ready to be put on a page. Private to the collection.

One form serves a run over a thousand organizations and a single organization: what several organizations have in common is
shown once, with their names. What needs a decision is never left out; of the rest, a large run's page shows the beginning and says so.
Everything that came from an organization is hostile: it is shown as text, shortened, with its invisible characters made visible.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import text as _text
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.diff import to_yaml

Record = Mapping[str, Any]

#: The longest text that is shown, in characters. ``report.json`` has the whole.
LONGEST_TEXT = 2000
#: Of a value's elements, this many are shown.
MOST_ELEMENTS = 100
#: Organizations that are named where several share something.
MOST_NAMES = 12
#: Up to this many organizations, each one's details are on the run's page; above, only of those that need a decision.
MOST_DETAILED = 25
#: Ordinary changes that a run's page shows.
MOST_ORDINARY = 100

KINDS = {
    "check": "Change review",
    "apply": "Change record",
    "audit": "Audit",
    "rollback": "Rollback",
    "disable": "Disabling message encryption",
}


@dataclass(frozen=True)
class Word:
    """A state as a word, a shape and a tone, so that nothing depends on colour."""

    text: str
    shape: str
    tone: str


GOOD, LOOK, STOP, UNKNOWN, QUIET = "good", "look", "stop", "unknown", "quiet"

#: Statuses, the worst first: that is the order in which they are listed.
ORGANIZATION = {
    "refused": Word("Refused", "✕", STOP),
    "failed": Word("Failed", "✕", STOP),
    "not_assessable": Word("Not assessable", "?", UNKNOWN),
    "drift": Word("Drift", "≠", LOOK),
    "changed": Word("Changed", "✓", GOOD),
    "met": Word("Met", "✓", GOOD),
}
#: The run went no further with such an organization.
STOPPED = ("refused", "failed", "not_assessable")
CONTROL = {
    "not met": Word("Not met", "≠", LOOK),
    "not assessable": Word("Not assessable", "?", UNKNOWN),
    "accepted exception": Word("Accepted exception", "◇", QUIET),
    "met": Word("Met", "✓", GOOD),
    "not applicable": Word("Not applicable", "⊘", QUIET),
    "unmanaged": Word("Unmanaged", "○", QUIET),
}
#: What a change does to people, the worst first. A change with any of them is of high impact.
IMPACT = {
    "rejects": Word("Rejects mail", "▲", STOP),
    "takes away": Word("Takes away from users", "▲", LOOK),
    "deletes": Word("Deletes", "▲", LOOK),
    "widens": Word("Widens", "▲", LOOK),
}
ROLLBACK = {
    "not possible": Word("No rollback", "✕", STOP),
    "equivalent": Word("Rollback equivalent", "↺", QUIET),
    "exact": Word("Rollback exact", "↺", QUIET),
}
STATE = {
    "not applied": Word("Not applied", "⊘", LOOK),
    "planned": Word("Planned", "○", QUIET),
    "stored": Word("Stored", "✓", GOOD),
}
EXPIRED = Word("Expired", "!", LOOK)
ACCEPTED = Word("Accepted", "◇", QUIET)


def word_for(words: Mapping[str, Word], status: str) -> Word:
    """The status's word; an unknown status is its own."""
    return words.get(status) or Word(status or "Not known", "?", UNKNOWN)


def _rank(words: Mapping[str, Word], status: str) -> int:
    return list(words).index(status) if status in words else len(words)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing if number == 1 else thing + 's'}"


# Text


#: Characters that cannot be seen but change what is read, and those that XML 1.0 cannot hold. Tab and line feed stay.
def _cut(text: str, size: str, already: bool = False) -> str:
    """The text's beginning and its size in words, when it is too long or was already cut; never longer than what is shown."""
    mark = f" … [shortened, {size} in all]"
    return text[: LONGEST_TEXT - len(mark)].rstrip() + mark if already or len(text) > LONGEST_TEXT else text


def visible(text: str) -> str:
    """The text, shortened, with its invisible characters written as ``[U+202E]``."""
    return _text.visible(_cut(text, f"{len(text):,} characters"))


def _shortened(value: Any) -> Any:
    """The value with long texts and long lists shortened, before anything costly is done with it."""
    if isinstance(value, Mapping):
        return {_cut(str(key), f"{len(str(key)):,} characters"): _shortened(item) for key, item in list(value.items())[:MOST_ELEMENTS]}
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value[:MOST_ELEMENTS]]
    return value if isinstance(value, bool | int | float | None) else _cut(str(value), f"{len(str(value)):,} characters")


def container_text(value: Any, write: Callable[[Any], str]) -> str:
    """A container as ``write`` writes it, shortened."""
    text = write(_shortened(value))
    return _cut(text, f"{len(value):,} elements", len(value) > MOST_ELEMENTS)


def as_text(value: Any) -> str:
    """A value as people read it: containers as YAML, nothing as words."""
    if value is None:
        return "not set"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return container_text(value, to_yaml).rstrip() if value else "none"
    return str(value)


# What the organizations have in common


@dataclass
class Shared:
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


def name_of(organization: Record) -> str:
    """The name that people know the organization by."""
    return str(organization.get("display_name") or organization.get("name") or organization.get("host") or "")


def _shared(organizations: Sequence[Record], records: Callable[[Record], Iterable[Record]]) -> list[Shared]:
    found: dict[str, Shared] = {}
    for organization in organizations:
        for record in records(organization):
            shared = found.setdefault(json.dumps(record, sort_keys=True, default=str), Shared(record))
            if name_of(organization) not in shared.organizations[-1:]:
                shared.organizations.append(name_of(organization))
    return list(found.values())


def part_of(key: str) -> Callable[[Record], list[Record]]:
    """The organization's list under the key; an element that is only a text becomes a record with that text."""

    def part(organization: Record) -> list[Record]:
        return [item if isinstance(item, Mapping) else {"text": str(item)} for item in organization.get(key) or []]

    return part


def is_expired(exception: Record, run: Record) -> bool:
    """The exception's last day was before the day of the run. ISO dates compare as text."""
    until = str(exception.get("until") or "")
    return bool(re.match(r"\d{4}-\d{2}-\d{2}", until)) and until[:10] < str(run.get("generated_at") or "")[:10]


def _exceptions(organization: Record) -> list[Record]:
    return [
        {"control": control.get("id"), "title": control.get("title"), **control["exception"]}
        for control in organization.get("controls") or []
        if control.get("exception")
    ]


@dataclass
class Control:
    """A control over the organizations of the page: what it is, and each way in which they stand to it."""

    about: Record
    standings: list[Shared] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[Word, int]]:
        """How many organizations have which status, the worst first."""
        found: Counter[str] = Counter()
        for standing in self.standings:
            found[standing.record["status"]] += len(standing.organizations)
        return [(word_for(CONTROL, status), found[status]) for status in sorted(found, key=lambda status: _rank(CONTROL, status))]

    @property
    def rank(self) -> int:
        """The worst status's place; what is accepted, met or left out comes after all that is open."""
        return min(min(_rank(CONTROL, standing.record["status"]) for standing in self.standings), _rank(CONTROL, "accepted exception"))

    @property
    def open(self) -> bool:
        """It is not met somewhere, so its details are shown at once."""
        return self.rank == _rank(CONTROL, "not met")


def _controls(organizations: Sequence[Record]) -> list[Control]:
    about: dict[str, Control] = {}
    for organization in organizations:
        for control in organization.get("controls") or []:
            about.setdefault(control["id"], Control(control))
    differing = ("id", "status", "wanted", "found", "exception", "findings")
    for standing in _shared(
        organizations, lambda organization: [{key: control.get(key) for key in differing} for control in organization.get("controls") or []]
    ):
        about[standing.record["id"]].standings.append(standing)
    for control in about.values():
        control.standings.sort(key=lambda standing: _rank(CONTROL, standing.record["status"]))
    return sorted(about.values(), key=lambda control: control.rank)


def is_high(change: Record) -> bool:
    """Somebody has to decide on this change, not only on the plan."""
    return bool(change.get("impact")) or change.get("rollback") == "not possible"


def _change_order(shared: Shared) -> tuple[bool, int, int]:
    change = shared.record
    return not is_high(change), _rank(IMPACT, change.get("impact", "")), _rank(ROLLBACK, change.get("rollback", ""))


# The first screen


@dataclass
class Facts:
    """The numbers that the three answers are made of. Changes are open that were not made although nothing stopped the run."""

    kind: str
    organizations: int
    status: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    impacts: Counter[str] = field(default_factory=Counter)
    rollbacks: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    changing: int = 0
    open_high: int = 0
    open_final: int = 0
    open_ordinary: int = 0
    not_met: int = 0
    expired: int = 0

    @property
    def changes(self) -> int:
        """All changes."""
        return sum(self.states.values())

    @property
    def audit(self) -> bool:
        """Nothing is going to be written, so no change is to be decided, but what is not met is."""
        return self.kind == "audit"

    def organizations_that(self, one: str, number: int, several: str) -> str:
        """A sentence about the page's only organization, or about a number of them."""
        return one if self.organizations == 1 else f"{_count(number, 'organization')} {several}"


@dataclass(frozen=True)
class Answer:
    """One of the three answers of the first screen; lines are pairs of text and, where it leads somewhere, an anchor."""

    question: str
    word: str
    shape: str
    tone: str
    lines: list[tuple[str, str]]


def _facts(run: Record) -> Facts:
    organizations = run["organizations"]
    facts = Facts(str(run.get("kind") or ""), len(organizations))
    for organization in organizations:
        status, changes = organization.get("status", ""), organization.get("changes") or []
        facts.status[status] += 1
        facts.findings += len(organization.get("findings") or [])
        facts.changing += bool(changes)
        facts.not_met += sum(control.get("status") == "not met" for control in organization.get("controls") or [])
        facts.expired += sum(is_expired(exception, run) for exception in _exceptions(organization))
        for change in changes:
            facts.states[change.get("state", "")] += 1
            facts.rollbacks[change.get("rollback", "")] += 1
            facts.impacts[change.get("impact") or ""] += 1
            if change.get("state") != "stored" and status not in STOPPED and not facts.audit:
                facts.open_high += is_high(change)
                facts.open_final += change.get("rollback") == "not possible"
                facts.open_ordinary += not is_high(change)
    return facts


def _listed(counts: Counter[str], words: Mapping[str, Word], without: str = "") -> str:
    """``8 exact, 1 equivalent``: the numbers of what is not nothing, the worst first."""
    keys = sorted(filter(None, counts), key=lambda key: _rank(words, key))
    return ", ".join(f"{counts[key]:,} {word_for(words, key).text.lower().replace(without, '').strip()}" for key in keys)


def _is_it_safe(facts: Facts) -> Answer:
    refused, failed, unread = (facts.status[key] for key in ("refused", "failed", "not_assessable"))
    not_met = facts.not_met if facts.audit else 0
    concerns = [
        (refused, STOP, facts.organizations_that("Refused before the first write: nothing was changed.", refused, "refused before the first write.")),
        (failed, STOP, facts.organizations_that("The run failed on the way.", failed, "failed on the way.")),
        (unread, UNKNOWN, facts.organizations_that("It could not be read, so nothing is known.", unread, "could not be read.")),
        (facts.open_high, LOOK, f"{_count(facts.open_high, 'change')} of high impact."),
        (facts.open_final, LOOK, f"{_count(facts.open_final, 'change')} that cannot be rolled back."),
        (not_met, LOOK, f"{_count(not_met, 'control')} not met."),
        (facts.expired, LOOK, f"{_count(facts.expired, 'accepted exception')} expired."),
    ]
    reasons = [(tone, text) for number, tone, text in concerns if number]
    if reasons:
        tone = reasons[0][0]
        word, shape = {STOP: ("No", "✕"), UNKNOWN: ("Not known", "?"), LOOK: ("Look first", "!")}[tone]
        return Answer("Is it safe?", word, shape, tone, [(text, "") for _tone, text in reasons])
    if not facts.changes:
        why = "Every managed setting is as wanted."
    elif facts.states["stored"] == facts.changes:
        why = "Every change is stored, as a fresh reading shows."
    else:
        why = "No change is of high impact, and each can be rolled back."
    return Answer("Is it safe?", "Yes", "✓", GOOD, [(why, "")])


def _what_changes(facts: Facts) -> Answer:
    if not facts.changes:
        return Answer("What changes?", "Nothing", "=", QUIET, [("No change was needed or tried.", "")])
    impacts = _listed(facts.impacts, IMPACT)
    lines = [(f"Impact: {impacts}." if impacts else "None of high impact.", "#changes"), (f"Rollback: {_listed(facts.rollbacks, ROLLBACK, 'rollback')}.", "")]
    if facts.organizations > 1:
        lines.append((f"In {facts.changing:,} of {_count(facts.organizations, 'organization')}.", ""))
    if facts.audit:
        lines.insert(0, (f"An audit writes nothing. {_count(facts.changes, 'change')} would put right what is not met.", ""))
        return Answer("What changes?", "Nothing", "=", QUIET, lines)
    word = f"{_count(facts.changes, 'change')} {next(iter(facts.states))}" if len(facts.states) == 1 else _listed(facts.states, STATE)
    return Answer("What changes?", word, "→", QUIET, lines)


def _what_to_decide(facts: Facts) -> Answer:
    failed, unread = facts.status["failed"], facts.status["not_assessable"]
    not_met = facts.not_met if facts.audit else 0
    whole = "#organizations" if facts.organizations > 1 else "#run"
    open_points = [
        (facts.findings, f"Solve or allow {_count(facts.findings, 'finding')}", "#findings"),
        (failed, "Find out why " + facts.organizations_that("it failed", failed, "failed"), whole),
        (unread, f"Restore access to {_count(unread, 'organization')}", whole),
        (facts.open_high, f"Approve or reject {_count(facts.open_high, 'change')} of high impact", "#changes"),
        (facts.open_ordinary, f"Approve or reject {_count(facts.open_ordinary, 'ordinary change')}", "#changes"),
        (not_met, f"Correct or accept {_count(not_met, 'control')} not met", "#controls"),
        (facts.expired, f"Renew or end {_count(facts.expired, 'expired exception')}", "#exceptions"),
    ]
    lines = [(text, anchor) for number, text, anchor in open_points if number]
    if not lines:
        return Answer("What to decide?", "Nothing", "✓", GOOD, [("No decision is open.", "")])
    return Answer("What to decide?", _count(len(lines), "decision"), "☐", LOOK, lines)


# The page


def _needs_decision(organization: Record, run: Record) -> bool:
    return bool(
        organization.get("status") in STOPPED
        or organization.get("findings")
        or any(is_high(change) and change.get("state") != "stored" for change in organization.get("changes") or [])
        or any(is_expired(exception, run) for exception in _exceptions(organization))
    )


def _line(organization: Record, run: Record, detailed: bool) -> dict[str, Any]:
    """An organization on one line, with what its details show."""
    controls = [control.get("status") for control in organization.get("controls") or []]
    changes = organization.get("changes") or []
    judged = sum(status in ("met", "not met", "not assessable", "accepted exception") for status in controls)
    high = sum(is_high(change) for change in changes)
    findings = len(organization.get("findings") or [])
    expired = sum(is_expired(exception, run) for exception in _exceptions(organization))
    counts = [
        f"{controls.count('met')} of {judged} met" if "met" in controls or "not met" in controls else "",
        _count(len(changes), "change") if changes else "",
        f"{high} high impact" if high else "",
        ", ".join(filter(None, [_count(findings, "finding") if findings else "", f"{expired} expired" if expired else ""])),
    ]
    return {
        "name": name_of(organization),
        "word": word_for(ORGANIZATION, organization.get("status", "")),
        "counts": counts,
        "details": organization if detailed else None,
    }


def _applications(organizations: Sequence[Record]) -> str:
    known = sorted({str(connection["client_id"]) for organization in organizations if (connection := organization.get("connection") or {}).get("client_id")})
    return known[0] if len(known) == 1 else _count(len(known), "application") if known else ""


def view_of(run: Record) -> dict[str, Any]:
    """What the page shows, by the names that its template uses."""
    organizations = sorted(run["organizations"], key=lambda item: (_rank(ORGANIZATION, item.get("status", "")), name_of(item).casefold()))
    few = len(organizations) <= MOST_DETAILED
    facts = _facts(run)
    changes = sorted(_shared(organizations, part_of("changes")), key=_change_order)
    high = sum(is_high(change.record) for change in changes)
    shown = changes if few else changes[: high + MOST_ORDINARY]
    controls = _controls(organizations)
    commands = list(dict.fromkeys(str(change.record["command"]) for change in shown if change.record.get("command")))
    return {
        "run": run,
        "kind": KINDS.get(facts.kind, facts.kind),
        "several": len(organizations) != 1,
        "total": len(organizations),
        "audit": facts.audit,
        "only": organizations[0] if len(organizations) == 1 else {},
        "heading": name_of(organizations[0]) if len(organizations) == 1 else _count(len(organizations), "organization"),
        "answers": [_is_it_safe(facts), _what_changes(facts), _what_to_decide(facts)],
        "statuses": [(word_for(ORGANIZATION, status), facts.status[status]) for status in sorted(facts.status, key=lambda status: _rank(ORGANIZATION, status))],
        "application": _applications(organizations),
        "messages": _shared(organizations, lambda item: [{"text": item["message"], "word": item["status"]}] if item.get("message") else []),
        "findings": _shared(organizations, part_of("findings")),
        "changes": shown,
        "left_out": len(changes) - len(shown),
        "commands": {command: number for number, command in enumerate(commands, 1)},
        "about": {control.about["id"]: control.about for control in controls},
        "lines": [_line(item, run, few or _needs_decision(item, run)) for item in organizations],
        "controls": controls,
        "exceptions": [(item, is_expired(item.record, run)) for item in _shared(organizations, _exceptions)],
        "observed": _shared(organizations, part_of("observed")),
        "warnings": _shared(organizations, part_of("warnings")),
    }
