# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a run on a terminal: a line for each organization with its changes, and counts of their statuses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._mail_flow.model.addresses import without_addresses
from ..._mail_flow.model.questions import numbers_told
from ..._mail_flow.wording.encrypters import encrypter_lines
from ..._mail_flow.wording.evidence import evidence_headline, measured_lines_beside
from ..._mail_flow.wording.evidence_row import EvidenceRow
from ..._mail_flow.wording.guarantees import copies_not_covered
from ..._mail_flow.wording.observed import observed_lines
from ..._mail_flow.wording.replay import number_of
from ..controls.controls import CONTROL
from ..controls.findings import Finding
from ..controls.foreign import foreign_lines
from ..controls.mail_control import EXPERIMENT_CONTROL, MAIL_CONTROL, SEEN
from .change import PlannedChange, worst_first
from .first_look import overview_lines
from .report import OrganizationReport, RunReport
from .status import ChangeState, ControlStatus, OrganizationStatus

#: Changes of an organization that a line names.
_NAMED_CHANGES = 5
#: Organizations that are named with their changes, those that need attention first.
_NAMED_ORGANIZATIONS = 12
#: The longest value and the longest finding that are shown, in characters.
_LONGEST, _LONGEST_FINDING = 40, 400
#: Findings of a control that its line names.
_MOST_FINDINGS = 2

#: Statuses, worst first, and the words that count organizations with them.
_COUNTED: dict[OrganizationStatus, str] = {
    **{status: str(status) for status in OrganizationStatus},
    OrganizationStatus.DRIFT: "would change",
    OrganizationStatus.MET: "as wanted",
}
#: The word where controls are not met and there is nothing to change: a rule that is as declared but off, mail that is
#: not guaranteed.
_NOTHING_TO_CHANGE = "not met"
#: The word where the turn of an organization has not come.
_WAITING = "not run yet"
#: The statuses in which something is known to be wrong, or open: such organizations are named, however many there are.
_KNOWN = (OrganizationStatus.REFUSED, OrganizationStatus.FAILED, OrganizationStatus.DRIFT)
#: The statuses of a control that need attention in any case, in the order of lists, and those of a control that was
#: checked.
_OPEN = (ControlStatus.NOT_MET, ControlStatus.NOT_ASSESSABLE)
_LOOKED_AT = (ControlStatus.MET, ControlStatus.NOT_MET, ControlStatus.ACCEPTED, ControlStatus.NOT_APPLICABLE)
#: Findings that are not about a control, in words that hold for all that they say.
REFUSALS: Mapping[str, str] = {
    "approval": "the approval has expired",
    "approved_plan": "the plan is not approved",
    "artifacts": "the snapshot would not be kept",
    "confirm_disable": "it is not confirmed",
    "confirm_rollback": "it is not confirmed",
    "organization": "the run may not write to this organization",
    "permissions": "cmdlets are not granted",
    "rollback": "somebody changed something since",
    "session": "the session can only read",
}
#: What an organization has after a procedure that changes nothing there.
_NOTHING = {"snapshot": "a snapshot", "rollback": "nothing to put back"}
#: Where a procedure has other words.
_OWN_WORDS: dict[str, dict[OrganizationStatus, str]] = {
    "audit": {OrganizationStatus.DRIFT: "drifted"},
    "snapshot": dict.fromkeys((OrganizationStatus.MET, OrganizationStatus.DRIFT), f"with {_NOTHING['snapshot']}"),
    "rollback": {OrganizationStatus.MET: f"with {_NOTHING['rollback']}"},
}


def lines_of(report: RunReport, path: str, hosts: Collection[str] | None = None) -> list[str]:
    """The last lines of a run, or of a ring.

    :param report: the run's report.
    :param path: its page.
    :param hosts: the organizations to name; ``None`` for all. The last line counts all.
    """
    words = _words(report.kind)
    organizations = _in_order(report)
    named = [organization for organization in organizations if hosts is None or organization.host in hosts]
    lines = []
    for organization in named[:_NAMED_ORGANIZATIONS]:
        foreign = [] if organization.waits else foreign_lines(organization.mail)
        below = [
            *_changed_by(organization),
            *_reasons(organization),
            *_seen_mail(organization),
            *_copies(organization),
            *_journaled(organization),
            *_reported(organization),
            *observed_lines(organization.mail.observed),
            *foreign,
        ]
        # The overview says it itself, as its last line about mail.
        unseen = [] if organization.overview else _unseen(organization)
        block = [
            _line(organization, report.kind, words),
            *(f"  {line}" for line in (*below, *unseen)),
            *overview_lines(organization.overview, encrypter_lines(organization.mail.encrypters)),
        ]
        lines += [*block, *(f"  {line}" for line in numbers_told(block))]
    counts = Counter(_counted(organization, report.kind, words) for organization in organizations)
    counted = ", ".join(f"{number:,} {word}" for word, number in counts.items())
    return [
        *lines,
        *_further(named[_NAMED_ORGANIZATIONS:], report.kind),
        f"{number_of(len(organizations), 'organization')}: {counted}. Report: {path}",
    ]


def attention_lines(report: RunReport) -> list[str]:
    """The organizations that need attention, with the controls and the reasons, as the terminal names them, for a mail:
    without addresses.
    """
    words, needy = (
        _words(report.kind),
        [organization for organization in _in_order(report) if _needs_attention(organization)],
    )
    lines = [
        line
        for organization in needy[:_NAMED_ORGANIZATIONS]
        for line in (
            _line(organization, report.kind, words),
            *(f"  {line}" for line in (*_refusals(organization), *_reasons(organization), *_unseen(organization))),
        )
    ]
    return [without_addresses(line) for line in (*lines, *_further(needy[_NAMED_ORGANIZATIONS:], report.kind))]


def _needs_attention(organization: OrganizationReport) -> bool:
    return not organization.waits and organization.status in (*_KNOWN, OrganizationStatus.NOT_ASSESSABLE)


def _words(kind: str) -> dict[OrganizationStatus, str]:
    """The words that count organizations after a procedure."""
    return {**_COUNTED, **_OWN_WORDS.get(kind, {})}


def _in_order(report: RunReport) -> list[OrganizationReport]:
    """The organizations, the worst first."""
    order = list(OrganizationStatus)
    return sorted(
        report.organizations,
        key=lambda organization: (organization.waits, order.index(organization.status), not organization.changes),
    )


def _further(unnamed: Sequence[OrganizationReport], kind: str) -> list[str]:
    """The organizations for which there was no line: those of which something is known by their names, the others by
    their number.
    """
    known: dict[str, list[str]] = {}
    for organization in unnamed:
        if not organization.waits and organization.status in _KNOWN:
            known.setdefault(_counted(organization, kind, _words(kind)), []).append(organization.host)
    more = len(unnamed) - sum(map(len, known.values()))
    is_one = more == 1
    return [
        *(f"{word[:1].upper()}{word[1:]}, too: {', '.join(hosts)}." for word, hosts in known.items()),
        *([f"{number_of(more, 'more organization')} {'is' if is_one else 'are'} in the report."] if more else []),
    ]


def _counted(organization: OrganizationReport, kind: str, words: Mapping[OrganizationStatus, str]) -> str:
    """The word that counts an organization."""
    if organization.waits:
        return _WAITING
    is_open = organization.status is OrganizationStatus.DRIFT and not organization.changes and kind != "snapshot"
    return _NOTHING_TO_CHANGE if is_open else words[organization.status]


def _line(organization: OrganizationReport, kind: str, words: Mapping[OrganizationStatus, str]) -> str:
    """The line of an organization. It says itself why there was an error: a callback need not show errors."""
    status, host, changes = organization.status, organization.host, organization.changes
    if organization.waits:
        return f"{host}: {_WAITING}: a later ring"
    if organization.findings:
        return f"{host}: refused, nothing was written: {'; '.join(dict.fromkeys(map(_refusal, organization.findings)))}"
    unread = status is OrganizationStatus.NOT_ASSESSABLE and not _number_looked_at(organization)
    if unread or status in (OrganizationStatus.FAILED, OrganizationStatus.REFUSED):
        why = next(iter(organization.message.splitlines()), "")
        return f"{host}: {words[status]}: {why}".rstrip(": ")
    stored = [change for change in changes if change.state is ChangeState.STORED]
    open_changes = [change for change in changes if change.state is not ChangeState.ALREADY_SO]
    parts = change_texts(stored or open_changes, found_by_audit=kind == "audit")
    lead = "drift: " if kind == "audit" else "would change: "
    other_lines = _lines_of_other_controls(organization, {change.control for change in changes})
    snapshot = f"snapshot {organization.snapshot_file}" if organization.snapshot_file else ""
    changed = "; ".join(parts) if stored or not parts else f"{lead}{'; '.join(parts)}"
    lines = [changed, _already_so(changes), *other_lines, snapshot]
    nothing = _NOTHING.get(kind, words[status]) if status == OrganizationStatus.MET else "not as wanted"
    return f"{host}: {'; '.join(filter(None, lines)) or nothing}{_looked_at(organization)}"


def _already_so(changes: Sequence[PlannedChange]) -> str:
    """How much of the plan was done before the run came to it; empty if nothing was."""
    number = sum(change.state is ChangeState.ALREADY_SO for change in changes)
    if not number:
        return ""
    return "nothing was written: all of it is so by now" if number == len(changes) else f"{number:,} already so"


def _refusal(finding: Finding) -> str:
    """Why something was refused, in few words."""
    if finding.id == "rollback" and finding.word == "irreversible":
        return "a change could not be rolled back"
    return REFUSALS.get(finding.id, finding.id)


def _refusals(organization: OrganizationReport) -> list[str]:
    """What was refused, a line for each. A terminal has them from the task that failed."""
    return [f"{finding.id}: {_first_line(finding.text)}" for finding in organization.findings]


def _lines_of_other_controls(organization: OrganizationReport, named_controls: Collection[str]) -> list[str]:
    """The controls that are not met although nothing would change, and those that are not assessable.

    :param named_controls: the controls that changes are named of.
    """
    controls = {
        status: [
            control.id
            for control in organization.controls
            if control.status is status and control.id not in named_controls
        ]
        for status in _OPEN
    }
    return [f"{status}: {', '.join(ids)}" for status, ids in controls.items() if ids]


def _reasons(organization: OrganizationReport) -> list[str]:
    """Why controls are not met although nothing would change, or not assessable: a line for each, and the first of what
    was found.
    """
    named_controls = {change.control for change in organization.changes}
    if organization.waits or organization.findings:
        return []
    lines = []
    for control in (
        control
        for status in _OPEN
        for control in organization.controls
        if control.status is status and control.id not in named_controls and control.findings
    ):
        # What nothing sees has a line of its own.
        findings = [text for text in control.findings if text not in organization.mail.unseen_lines]
        more = f" ({len(findings) - _MOST_FINDINGS} more in the report)" if len(findings) > _MOST_FINDINGS else ""
        first_lines = [_first_line(text) for text in findings[:_MOST_FINDINGS]]
        lines.append(f"{control.id} {control.status}: {' '.join(first_lines)}{more}")
    return lines


def _seen_mail(organization: OrganizationReport) -> list[str]:
    """What test messages showed that mail does as computed, or why none was sent, as a line; none if nobody asked."""
    control = next((row for row in organization.controls if row.id == EXPERIMENT_CONTROL), None)
    if organization.waits or control is None:
        return []
    if control.status is ControlStatus.MET:
        lines = [text for text in control.findings if text.startswith(SEEN)]
    elif control.status is ControlStatus.NOT_APPLICABLE:
        lines = list(control.findings)
    else:
        return []
    more = f" ({len(lines) - _MOST_FINDINGS} more in the report)" if len(lines) > _MOST_FINDINGS else ""
    return [f"{control.id} {control.status}: {' '.join(lines[:_MOST_FINDINGS])}{more}"] if lines else []


def _copies(organization: OrganizationReport) -> list[str]:
    """The copies that proved guarantees do not cover, as a line; none if there are none."""
    if organization.waits:
        return []
    lines = [text for row in organization.mail.guarantees for text in copies_not_covered(row)]
    more = f" ({len(lines) - _MOST_FINDINGS} more in the report)" if len(lines) > _MOST_FINDINGS else ""
    return [f"{MAIL_CONTROL}: {' '.join(lines[:_MOST_FINDINGS])}{more}"] if lines else []


def _changed_by(organization: OrganizationReport) -> list[str]:
    """Who last changed the rules that are not as wanted, as far as Exchange says it: a line for each person."""
    if organization.waits:
        return []
    done = (ChangeState.STORED, ChangeState.ALREADY_SO)
    changed = {change.identity for change in organization.changes if change.state not in done}
    people: dict[str, list[str]] = {}
    for rule in organization.rules:
        if rule.name in changed and rule.last_modified_by:
            people.setdefault(rule.last_modified_by, []).append(repr(rule.name))
    return [f"Last changed by {who}: {', '.join(sorted(names))}." for who, names in sorted(people.items())]


def _journaled(organization: OrganizationReport) -> list[str]:
    """The journal rules that keep ciphertext of what rules encrypt, as lines."""
    rows = () if organization.waits else organization.mail.lint
    return [row.reason for row in rows if row.kind == "journal_keeps_ciphertext"]


def _reported(organization: OrganizationReport) -> list[str]:
    """What Exchange reports of rules, as a line; none if nobody asked, or if its control says so."""
    evidence, replay = organization.mail.evidence, organization.mail.replay
    if not isinstance(evidence, EvidenceRow):
        return []
    return [evidence_headline(evidence), *measured_lines_beside(evidence, replay)]


def _unseen(organization: OrganizationReport) -> list[str]:
    """What its verdicts about mail do not see, and what was not tested; none without such a verdict."""
    return organization.mail.unseen_lines if organization.mail.verdicts_are_shown else []


def _first_line(text: str) -> str:
    line = next(iter(text.splitlines()), "")
    if len(line) <= _LONGEST_FINDING:
        return line
    words = line[:_LONGEST_FINDING].rpartition(" ")[0] or line[: _LONGEST_FINDING - 2]
    return f"{words} …"


def _number_looked_at(organization: OrganizationReport) -> int:
    return sum(control.status in _LOOKED_AT for control in organization.controls)


def _looked_at(organization: OrganizationReport) -> str:
    """How many controls the line is about."""
    looked = _number_looked_at(organization)
    every = len(organization.controls)
    return f" ({looked} of {every} controls looked at)" if every else ""


def change_texts(changes: Sequence[PlannedChange], *, found_by_audit: bool = False) -> list[str]:
    """The changes in the words of the role's variables, the worst first. A rule that is created or removed is one
    change.

    :param found_by_audit: they are what an audit found, and nothing that is done.
    """
    texts: dict[tuple[str, ...], str] = {}
    whole = {change.managed_object: change for change in changes if change.option == "state"}
    for change in worst_first(changes):
        if change.managed_object in whole:
            texts[change.managed_object] = _whole(whole[change.managed_object], found_by_audit)
        else:
            texts[change.key] = _setting(change, found_by_audit)
    names = list(texts.values())
    return [
        *names[:_NAMED_CHANGES],
        *([f"and {len(names) - _NAMED_CHANGES} more"] if len(names) > _NAMED_CHANGES else []),
    ]


def _whole(change: PlannedChange, found_by_audit: bool) -> str:
    verbs = ("is missing", "is still there") if found_by_audit else ("created", "removed")
    return f"{change.control} {change.identity!r} {verbs[change.after != 'present']}".strip()


def _setting(change: PlannedChange, found_by_audit: bool) -> str:
    control = CONTROL.get(change.control)
    variable = (
        next((variable for variable in control.variables if variable.option == change.option), None)
        if control
        else None
    )
    before, after = (
        _shown(variable.counterpart(value) if variable else value) for value in (change.before, change.after)
    )
    of_object = f" of {change.identity!r}" if change.identity else ""
    wanted = f", not {after}" if change.after is not None else ", and should not be set"
    values = f"is {before}{wanted}" if found_by_audit else f"{before} -> {after}"
    return f"{change.control} {variable.name if variable else change.option}{of_object} {values}".strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "not set"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def drift_sentence(changes: Iterable[PlannedChange]) -> str:
    """The result of an audit as one line."""
    parts = change_texts(list(changes), found_by_audit=True)
    return f"Drift: {'; '.join(parts)}." if parts else "No drift in what can be set."
