# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's report as a page, a table and test results. Private to the collection.

One form serves a run over a thousand organizations and a single organization: what several organizations have in common is
shown once, with their names. What needs a decision is never left out; of the rest, a large run's page shows the beginning and says so.
Everything that came from an organization is hostile: it is shown as text, shortened, with its invisible characters made visible.
"""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2
from ansible_collections.m365.message_encryption.plugins.plugin_utils._diff import to_yaml
from markupsafe import Markup

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
CONTROL = {
    "not met": Word("Not met", "≠", LOOK),
    "not assessable": Word("Not assessable", "?", UNKNOWN),
    "accepted exception": Word("Accepted exception", "◇", QUIET),
    "met": Word("Met", "✓", GOOD),
    "not applicable": Word("Not applicable", "–", QUIET),
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
    "not applied": Word("Not applied", "–", LOOK),
    "planned": Word("Planned", "○", QUIET),
    "stored": Word("Stored", "✓", GOOD),
}
EXPIRED = Word("Expired", "!", LOOK)
ACCEPTED = Word("Accepted", "◇", QUIET)


def _word(words: Mapping[str, Word], status: str) -> Word:
    return words.get(status) or Word(status or "Not known", "?", UNKNOWN)


def _rank(words: Mapping[str, Word], status: str) -> int:
    return list(words).index(status) if status in words else len(words)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing if number == 1 else thing + 's'}"


# Text


#: Characters that cannot be seen but change what is read, and those that XML 1.0 cannot hold. Tab and line feed stay.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text, shortened, with its invisible characters written as ``[U+202E]``."""
    length = len(text)
    text = _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text[:LONGEST_TEXT].replace("\r\n", "\n"))
    return text if length <= LONGEST_TEXT else f"{text} … [shortened, {length:,} characters in all]"


def _shortened(value: Any) -> Any:
    """The value with long texts and long lists shortened, before anything costly is done with it."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _shortened(item) for key, item in list(value.items())[:MOST_ELEMENTS]}
    if isinstance(value, Sequence):
        items = [_shortened(item) for item in value[:MOST_ELEMENTS]]
        return items if len(value) <= MOST_ELEMENTS else [*items, f"… [shortened, {len(value):,} elements in all]"]
    return value


def as_text(value: Any) -> str:
    """A value as people read it: containers as YAML, nothing as words."""
    if value is None:
        return "not set"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return to_yaml(_shortened(value)).rstrip() if value else "none"
    return visible(str(value))


def _shown(value: Any) -> Any:
    """What the template puts on the page. Every value passes here, then is escaped."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else visible(str(value))


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


def _part(key: str) -> Callable[[Record], list[Record]]:
    """The organization's list under the key; an element that is only a text becomes a record with that text."""

    def part(organization: Record) -> list[Record]:
        return [item if isinstance(item, Mapping) else {"text": str(item)} for item in organization.get(key) or []]

    return part


def _expired(exception: Record, generated_at: str) -> bool:
    """ISO dates compare as text. An exception is good on its last day."""
    until = str(exception.get("until") or "")
    return bool(re.match(r"\d{4}-\d{2}-\d{2}", until)) and until[:10] < generated_at[:10]


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
        return [(_word(CONTROL, status), found[status]) for status in sorted(found, key=lambda status: _rank(CONTROL, status))]

    @property
    def rank(self) -> int:
        """The worst status's place; what is accepted, met or left out comes after all that is open."""
        return min(min(_rank(CONTROL, standing.record["status"]) for standing in self.standings), _rank(CONTROL, "accepted exception"))

    @property
    def open(self) -> bool:
        """Somebody has to look at it."""
        return self.rank < _rank(CONTROL, "accepted exception")


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


def _high(change: Record) -> bool:
    return bool(change.get("impact")) or change.get("rollback") == "not possible"


def _change_order(shared: Shared) -> tuple[bool, int, int]:
    change = shared.record
    return not _high(change), _rank(IMPACT, change.get("impact", "")), _rank(ROLLBACK, change.get("rollback", ""))


# The first screen


@dataclass
class Facts:
    """The numbers that the three answers are made of."""

    kind: str
    organizations: int
    status: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    impacts: Counter[str] = field(default_factory=Counter)
    rollbacks: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    changing: int = 0
    pending_high: int = 0
    pending_final: int = 0
    not_met: int = 0
    expired: int = 0

    @property
    def changes(self) -> int:
        """All changes."""
        return sum(self.states.values())

    @property
    def pending(self) -> int:
        """Changes that are not made."""
        return self.changes - self.states["stored"]


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
        changes = organization.get("changes") or []
        facts.status[organization.get("status", "")] += 1
        facts.findings += len(organization.get("findings") or [])
        facts.changing += bool(changes)
        facts.not_met += sum(control.get("status") == "not met" for control in organization.get("controls") or [])
        facts.expired += sum(_expired(exception, str(run.get("generated_at") or "")) for exception in _exceptions(organization))
        for change in changes:
            facts.states[change.get("state", "")] += 1
            facts.rollbacks[change.get("rollback", "")] += 1
            if change.get("impact"):
                facts.impacts[change["impact"]] += 1
            if change.get("state") != "stored":
                facts.pending_high += _high(change)
                facts.pending_final += change.get("rollback") == "not possible"
    return facts


def _listed(counts: Counter[str], words: Mapping[str, Word]) -> str:
    return ", ".join(f"{counts[key]:,} {_word(words, key).text.lower()}" for key in sorted(counts, key=lambda key: _rank(words, key)) if key)


def _is_it_safe(facts: Facts) -> Answer:
    of = "" if facts.organizations == 1 else " in " + _count(facts.organizations, "organization")
    refused, failed, unread = (facts.status[key] for key in ("refused", "failed", "not_assessable"))
    one = facts.organizations == 1
    concerns = [
        (
            refused,
            STOP,
            "Refused before the first write. Nothing was changed." if one else f"{_count(refused, 'organization')} refused before the first write.",
        ),
        (failed, STOP, "The run failed on the way." if one else f"{_count(failed, 'organization')} failed on the way."),
        (
            unread,
            UNKNOWN,
            "It could not be read, so nothing is known." if one else f"{_count(unread, 'organization')} could not be read: nothing is known there.",
        ),
        (facts.pending_high, LOOK, f"{_count(facts.pending_high, 'change')} of high impact."),
        (facts.pending_final, LOOK, f"{_count(facts.pending_final, 'change')} cannot be rolled back."),
        (facts.expired, LOOK, f"{_count(facts.expired, 'accepted exception')} expired."),
        (facts.not_met if facts.kind == "audit" else 0, LOOK, f"{_count(facts.not_met, 'control')} not met{of}."),
    ]
    reasons = [(tone, text) for number, tone, text in concerns if number]
    if not reasons:
        fine = "Every managed setting is as wanted." if not facts.changes else "No change is of high impact, and each can be rolled back."
        return Answer("Is it safe?", "Yes", "✓", GOOD, [("Every change that was made is stored." if facts.changes and not facts.pending else fine, "")])
    tone = reasons[0][0]
    word, shape = {STOP: ("No", "✕"), UNKNOWN: ("Not known", "?"), LOOK: ("Look first", "!")}[tone]
    return Answer("Is it safe?", word, shape, tone, [(text, "") for _tone, text in reasons])


def _what_changes(facts: Facts) -> Answer:
    if not facts.changes:
        return Answer("What changes?", "Nothing", "–", QUIET, [("No setting differs, or none was touched.", "")])
    lines = [(_listed(facts.impacts, IMPACT).capitalize() + ".", "#changes")] if facts.impacts else [("None of high impact.", "#changes")]
    lines.append((_listed(facts.rollbacks, ROLLBACK).capitalize() + ".", ""))
    if facts.organizations > 1:
        lines.append((f"In {facts.changing:,} of {_count(facts.organizations, 'organization')}.", ""))
    states = [(state, number) for state, number in facts.states.items()]
    word = f"{_count(facts.changes, 'change')} {states[0][0]}" if len(states) == 1 else _listed(facts.states, STATE)
    return Answer("What changes?", word, "→", QUIET, lines)


def _what_to_decide(facts: Facts) -> Answer:
    unread = facts.status["not_assessable"]
    failed = facts.status["failed"]
    audit = facts.kind == "audit"
    ordinary = facts.pending - facts.pending_high
    open_points = [
        (facts.findings, f"Solve or allow {_count(facts.findings, 'finding')}", "#findings"),
        (failed, "Find out why it failed" if facts.organizations == 1 else f"Find out why {_count(failed, 'organization')} failed", "#organizations"),
        (unread, f"Restore access to {_count(unread, 'organization')}", "#organizations"),
        (0 if audit else facts.pending_high, f"Approve or reject {_count(facts.pending_high, 'change')} of high impact", "#changes"),
        (0 if audit else ordinary, f"Approve or reject {_count(ordinary, 'ordinary change')}", "#changes"),
        (facts.not_met if audit else 0, f"Correct or accept {_count(facts.not_met, 'control')} not met", "#controls"),
        (facts.expired, f"Renew or end {_count(facts.expired, 'expired exception')}", "#exceptions"),
    ]
    lines = [(text, anchor) for number, text, anchor in open_points if number]
    if not lines:
        return Answer("What to decide?", "Nothing", "✓", GOOD, [("No decision is open.", "")])
    return Answer("What to decide?", _count(len(lines), "decision"), "?", LOOK, lines)


# The page


def _needs_decision(organization: Record, generated_at: str) -> bool:
    return bool(
        organization.get("status") in ("refused", "failed", "not_assessable")
        or organization.get("findings")
        or any(_high(change) and change.get("state") != "stored" for change in organization.get("changes") or [])
        or any(_expired(exception, generated_at) for exception in _exceptions(organization))
    )


def _line(organization: Record, detailed: bool) -> dict[str, Any]:
    """An organization on one line, with what its details show."""
    controls = [control.get("status") for control in organization.get("controls") or []]
    changes = organization.get("changes") or []
    judged = sum(status in ("met", "not met", "not assessable", "accepted exception") for status in controls)
    high = sum(_high(change) for change in changes)
    findings = len(organization.get("findings") or [])
    return {
        "name": name_of(organization),
        "word": _word(ORGANIZATION, organization.get("status", "")),
        "met": f"{controls.count('met')} of {judged} met" if judged else "",
        "changes": _count(len(changes), "change") if changes else "",
        "high": f"{high} high impact" if high else "",
        "findings": _count(findings, "finding") if findings else "",
        "details": organization if detailed else None,
    }


def _applications(organizations: Sequence[Record]) -> str:
    known = sorted({str(connection["client_id"]) for organization in organizations if (connection := organization.get("connection") or {}).get("client_id")})
    return known[0] if len(known) == 1 else _count(len(known), "application") if known else ""


def _view(run: Record) -> dict[str, Any]:
    """What the template shows."""
    generated_at = str(run.get("generated_at") or "")
    organizations = sorted(run["organizations"], key=lambda item: (_rank(ORGANIZATION, item.get("status", "")), name_of(item).casefold()))
    few = len(organizations) <= MOST_DETAILED
    facts = _facts(run)
    changes = sorted(_shared(organizations, _part("changes")), key=_change_order)
    high = sum(_high(change.record) for change in changes)
    shown = changes if few else changes[: high + MOST_ORDINARY]
    controls = _controls(organizations)
    commands = list(dict.fromkeys(str(change.record["command"]) for change in shown if change.record.get("command")))
    return {
        "run": run,
        "kind": KINDS.get(facts.kind, facts.kind),
        "several": len(organizations) != 1,
        "only": organizations[0] if len(organizations) == 1 else {},
        "heading": name_of(organizations[0]) if len(organizations) == 1 else _count(len(organizations), "organization"),
        "answers": [_is_it_safe(facts), _what_changes(facts), _what_to_decide(facts)],
        "statuses": [(_word(ORGANIZATION, status), facts.status[status]) for status in sorted(facts.status, key=lambda status: _rank(ORGANIZATION, status))],
        "application": _applications(organizations),
        "messages": [item for item in _shared(organizations, lambda item: [{"text": item["message"]}] if item.get("message") else [])],
        "findings": _shared(organizations, _part("findings")),
        "changes": shown,
        "left_out": len(changes) - len(shown),
        "commands": {command: number for number, command in enumerate(commands, 1)},
        "about": {control.about["id"]: control.about for control in controls},
        "lines": [_line(item, few or _needs_decision(item, generated_at)) for item in organizations],
        "controls": controls,
        "exceptions": [(item, _expired(item.record, generated_at)) for item in _shared(organizations, _exceptions)],
        "observed": _shared(organizations, _part("observed")),
        "warnings": _shared(organizations, _part("warnings")),
    }


def _is_web_address(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value) is not None


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.tests["web_address"] = _is_web_address
    environment.filters["as_text"] = as_text
    for name, words in {"impact": IMPACT, "rollback": ROLLBACK, "state": STATE, "control": CONTROL}.items():
        environment.filters[f"{name}_word"] = functools.partial(_word, words)
    environment.globals.update(expired=EXPIRED, accepted=ACCEPTED)
    return environment


def render_html(report: Record) -> str:
    """The report as one page that needs nothing else: no script, no other file, no network.

    :param report: the report, format 1.
    """
    style = _environment().get_template("report.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Only this very style sheet may take effect, whatever a tenant's texts try.
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template("report.html.j2").render(_view(report), style=Markup(style), policy=Markup(policy))  # noqa: S704


# Tables


COLUMNS = (
    "organization", "tenant_id", "host", "record", "id", "title", "status", "before", "after", "impact", "rollback", "command", "allow", "owner", "until", "text",
)  # fmt: skip

#: A spreadsheet takes a cell that begins so as a formula; another list separator or a line break can make a new cell of the rest.
_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20\t\r])")


def _cell(value: Any) -> str:
    """A value as a spreadsheet's cell that can only be text."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(_shortened(value), ensure_ascii=False, default=str)
    elif isinstance(value, bool):
        value = str(value).lower()
    return _FORMULA.sub(r"\1\2'", visible(str(value)))


def _rows(organization: Record) -> Iterable[Record]:
    yield {"record": "organization", "status": organization.get("status"), "text": organization.get("message")}
    for finding in _part("findings")(organization):
        yield {**finding, "record": "finding"}
    for change in _part("changes")(organization):
        title = " ".join(str(change[key]) for key in ("resource", "identity", "option") if change.get(key))
        yield {**change, "record": "change", "id": change.get("control"), "title": title, "status": change.get("state")}
    for control in _part("controls")(organization):
        exception = control.get("exception") or {}
        texts = [finding.get("text", "") for finding in _part("findings")(control)]
        about = {"before": control.get("found"), "after": control.get("wanted"), "owner": exception.get("owner"), "until": exception.get("until")}
        yield {**control, **about, "record": "control", "text": " ".join(filter(None, [exception.get("reason"), *texts]))}
    for row in _part("observed")(organization):
        yield {"record": "observed", "title": row.get("title"), "before": row.get("value"), "text": row.get("reason")}
    for warning in _part("warnings")(organization):
        yield {**warning, "record": "warning"}


def render_csv(report: Record) -> str:
    """The report as a table for spreadsheets: one row an organization, finding, change, control, observed row and warning.

    Rows end with CR LF, and the first character is a byte order mark, without which Excel takes UTF-8 for something else:
    write it as UTF-8, unchanged. For a control, ``before`` is what was found and ``after`` what is wanted.

    :param report: the report, format 1.
    """
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for organization in report["organizations"]:
        whose = {"organization": name_of(organization), "tenant_id": organization.get("tenant_id"), "host": organization.get("host")}
        for row in _rows(organization):
            writer.writerow({key: _cell(value) for key, value in {**row, **whose}.items()})
    return table.getvalue()


# Test results


def _case(suite: ElementTree.Element, name: str, outcome: str = "", text: str = "") -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=suite.attrib["name"], name=visible(name), time="0")
    if outcome:
        ElementTree.SubElement(case, outcome, message=visible(text.partition("\n")[0])).text = visible(text)


#: What a control's status is as a test's outcome; a control that is met passes.
OUTCOME = {
    "not met": "failure",
    "not assessable": "error",
    "accepted exception": "skipped",
    "not applicable": "skipped",
    "unmanaged": "skipped",
}


def _suite(suites: ElementTree.Element, organization: Record, generated_at: str) -> None:
    timestamp = {"timestamp": visible(generated_at)} if generated_at else {}
    suite = ElementTree.SubElement(
        suites, "testsuite", name=visible(name_of(organization)), hostname=visible(str(organization.get("host") or "")), time="0", **timestamp
    )
    status = organization.get("status", "")
    outcome = {"refused": "failure", "failed": "error", "not_assessable": "error"}.get(status, "")
    _case(suite, "organization", outcome, f"{_word(ORGANIZATION, status).text}: {organization.get('message') or ''}")
    for finding in _part("findings")(organization):
        _case(suite, f"finding {finding.get('id', '')}", "failure", f"{finding.get('text', '')}\nallowed by: {finding.get('allow') or 'nothing'}")
    for control in _part("controls")(organization):
        exception = control.get("exception") or {}
        text = f"{control.get('status')}: {exception.get('reason') or ''}" if exception else f"{control.get('status')}"
        findings = "".join(f"\n{finding.get('text', '')}" for finding in _part("findings")(control))
        if control.get("status") in ("not met", "not assessable"):
            text += f"\nwanted: {as_text(control.get('wanted'))}\nfound: {as_text(control.get('found'))}{findings}"
        _case(suite, f"{control.get('id', '')} {control.get('title', '')}", OUTCOME.get(control.get("status", ""), ""), text)
    _sum(suite, suite)


def _sum(element: ElementTree.Element, within: ElementTree.Element) -> None:
    for attribute, tag in {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        element.set(attribute, str(sum(1 for _ in within.iter(tag))))


def render_junit(report: Record) -> str:
    """The report as JUnit XML: a suite an organization, a case a control. Not met and refused fail, what could not be read is an error.

    :param report: the report, format 1.
    """
    suites = ElementTree.Element("testsuites", name=f"Message Encryption: {KINDS.get(report.get('kind', ''), '')}", time="0")
    for organization in report["organizations"]:
        _suite(suites, organization, str(report.get("generated_at") or ""))
    _sum(suites, suites)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
