# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Since when something is not as it should be: from the reports of earlier runs, and nothing else. Private to the collection.

A run sees what is open at one moment. What happened between two runs is not known, so every beginning and every end lies *between* two
moments: when the finding was last not there, and when it was first there. A run that could not read an organization, or did not look at a
control, tells nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.change import PlannedChange
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.report import OrganizationReport, now
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.status import ChangeState, ControlStatus, OrganizationStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import VERSION
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import RULE

FORMAT = 1

#: The reports that say what controls are like.
KINDS = ("audit", "check", "apply")
#: The control that a check judges as the plan would leave it, not as it is.
_FORESEEN = "MFR-2"
#: What a control's status says about its findings: none is open, and how the last ones ended.
_ENDS = {
    ControlStatus.MET: "fixed",
    ControlStatus.NOT_MET: "fixed",
    ControlStatus.ACCEPTED: "accepted",
    ControlStatus.NOT_APPLICABLE: "not applicable",
    ControlStatus.UNMANAGED: "unmanaged",
}


@dataclass(frozen=True)
class FindingKey:
    """What a finding is about, whatever the names of the day are.

    :param object: the GUID of a rule, else the name of the object; empty where an organization has only one.
    :param option: empty where the control as a whole is not met.
    """

    control: str
    resource: str = ""
    object: str = ""
    option: str = ""


@dataclass(frozen=True)
class Moment:
    """When something began or ended.

    :param after: the last run that saw it otherwise; empty where no run did.
    :param by: the first run that saw it so. Both are times in UTC, as reports have them.
    :param run: the folder of that run.
    """

    after: str
    by: str
    run: str

    def __str__(self) -> str:
        return f"between {shown(self.after)} and {shown(self.by)}" if self.after else f"{shown(self.by)} or earlier, when it was first looked at"

    def as_dict(self) -> dict[str, str]:
        """The moment in its written form."""
        return {**{key: text for key, text in asdict(self).items() if text}, "text": str(self)}


@dataclass(frozen=True)
class Seen:
    """A finding as one run has seen it.

    :param found: the value; ``None`` where there is none.
    :param modified_by: who changed the rule last, as Exchange says; empty where that is not known.
    """

    title: str
    identity: str
    text: str
    found: Any = None
    wanted: Any = None
    modified_by: str = ""


@dataclass(frozen=True)
class Look:
    """What one run saw of one organization.

    :param judged: the controls that it could judge, and what each was like.
    :param stored: what the run itself has put right.
    """

    at: str
    run: str
    host: str
    name: str
    display_name: str
    tenant_id: str
    judged: Mapping[str, ControlStatus]
    open: Mapping[FindingKey, Seen]
    stored: frozenset[FindingKey] = frozenset()


@dataclass
class Episode:
    """A finding from when it appeared until it ended. ``end`` is ``None`` while it is open, and ``how`` empty."""

    since: Moment
    seen: Seen
    last_seen: str
    end: Moment | None = None
    how: str = ""
    modified_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The episode in its written form."""
        ended = {"ended": {**self.end.as_dict(), "how": self.how}} if self.end else {}
        return {"since": self.since.as_dict(), "last_seen": self.last_seen, **ended, **({"modified_by": self.modified_by} if self.modified_by else {})}


@dataclass
class OrganizationHistory:
    """What all runs saw of one organization.

    :param missed: how many runs could not read it.
    """

    tenant_id: str = ""
    names: list[str] = field(default_factory=list)
    display_name: str = ""
    hosts: list[str] = field(default_factory=list)
    looks: int = 0
    missed: int = 0
    first_seen: str = ""
    last_seen: str = ""
    findings: dict[FindingKey, list[Episode]] = field(default_factory=dict)
    _judged_at: dict[str, str] = field(default_factory=dict)

    def look(self, look: Look) -> None:
        """Takes in what a run saw. Runs come in their order."""
        if look.name and look.name.lower() not in (name.lower() for name in self.names[-1:]):
            self.names.append(look.name)
        self.display_name = look.display_name or self.display_name
        self.tenant_id = look.tenant_id or self.tenant_id
        if look.host not in self.hosts:
            self.hosts.append(look.host)
        if not look.judged:
            self.missed += 1
            return
        self.looks += 1
        self.first_seen = self.first_seen or look.at
        self.last_seen = look.at
        for control, status in look.judged.items():
            self._end(look, control, status)
        for key, seen in look.open.items():
            self._see(look, key, seen)
        self._judged_at.update(dict.fromkeys(look.judged, look.at))

    def _end(self, look: Look, control: str, status: ControlStatus) -> None:
        for key, episodes in self.findings.items():
            episode = episodes[-1]
            if key.control == control and key not in look.open and episode.end is None:
                episode.end = Moment(episode.last_seen, look.at, look.run)
                episode.how = f"fixed by the run {look.run}" if key in look.stored else _ENDS[status]

    def _see(self, look: Look, key: FindingKey, seen: Seen) -> None:
        episodes = self.findings.setdefault(key, [])
        if episodes and episodes[-1].end is None:
            episodes[-1].seen, episodes[-1].last_seen = seen, look.at
            return
        episodes.append(Episode(Moment(self._judged_at.get(key.control, ""), look.at, look.run), seen, look.at, modified_by=seen.modified_by))

    def as_dict(self) -> dict[str, Any]:
        """The organization in its written form, without its findings."""
        who = {"tenant_id": self.tenant_id, "name": self.names[-1] if self.names else "", "display_name": self.display_name}
        times = {"first_seen": self.first_seen, "last_seen": self.last_seen}
        return {
            **{key: text for key, text in {**who, **times}.items() if text},
            "earlier_names": self.names[:-1],
            "hosts": self.hosts,
            "runs": self.looks,
            "runs_missed": self.missed,
        }

    def finding_rows(self) -> Iterable[dict[str, Any]]:
        """Its findings in their written form."""
        who = {key: value for key, value in self.as_dict().items() if key in ("tenant_id", "name", "display_name")}
        for key, episodes in self.findings.items():
            last = episodes[-1]
            about = {**who, "host": self.hosts[-1], "control": key.control, "title": last.seen.title, "resource": key.resource, "identity": last.seen.identity}
            guid = {"guid": key.object} if key.resource == RULE and key.object != last.seen.identity else {}
            values = {name: value for name, value in (("found", last.seen.found), ("wanted", last.seen.wanted)) if value is not None}
            yield {
                **about,
                **guid,
                "option": key.option,
                "text": last.seen.text,
                **values,
                "state": last.how if last.end else "open",
                "openings": len(episodes),
                "flapping": len(episodes) > 1,
                **last.as_dict(),
                "earlier": [episode.as_dict() for episode in episodes[:-1]],
            }


def shown(time: str) -> str:
    """A time of a report for people: ``2026-11-25 03:00 UTC``."""
    return f"{time[:10]} {time[11:16]} UTC"


def looks_of(document: Mapping[str, Any], organizations: Iterable[OrganizationReport]) -> list[Look]:
    """What the run of a report saw; nothing where its kind says nothing about controls.

    :param document: the report of the run.
    :param organizations: its organizations.
    """
    kind = str(document["kind"])
    if kind not in KINDS:
        return []
    return [_look(kind, str(document["generated_at"]), str(document["run"]), report) for report in organizations]


def _look(kind: str, at: str, run: str, report: OrganizationReport) -> Look:
    # The report of a run that failed on its way is of neither before nor after.
    told = () if report.status == OrganizationStatus.FAILED else report.controls
    foreseen = kind != "audit" and any(change.state is ChangeState.PLANNED for change in report.changes)
    judged = {
        control.id: control.status
        for control in told
        if control.status is not ControlStatus.NOT_ASSESSABLE and control.selected and not (foreseen and control.id == _FORESEEN)
    }
    rules = {str(rule["name"]): rule for rule in report.rules}
    found: dict[FindingKey, Seen] = {}
    for control in told:
        if judged.get(control.id) is not ControlStatus.NOT_MET:
            continue
        changes = [change for change in _told_once(report.changes) if change.control == control.id and change.state is not ChangeState.STORED]
        for change in changes:
            rule = rules.get(change.identity, {}) if change.resource == RULE else {}
            key = FindingKey(control.id, change.resource, str(rule.get("guid") or change.identity), change.option)
            what = f"{change.option} of {change.identity or change.resource}"
            found[key] = Seen(control.title, change.identity, what, change.before, change.after, str(rule.get("last_modified_by") or ""))
        if not changes:
            found[FindingKey(control.id)] = Seen(control.title, "", " ".join(control.findings) or "It is not met.")
    stored = frozenset(
        FindingKey(change.control, change.resource, str(rules.get(change.identity, {}).get("guid") or change.identity), change.option)
        for change in _told_once(report.changes)
        if change.state is ChangeState.STORED
    )
    return Look(at, run, report.host, report.name, report.display_name, report.tenant_id or "", judged, found, stored)


def _told_once(changes: Sequence[PlannedChange]) -> list[PlannedChange]:
    """The changes; of an object that is missing or too much, only that it is."""
    whole = {change.managed_object for change in changes if change.option == "state"}
    return [change for change in changes if change.option == "state" or change.managed_object not in whole]


def history_of(looks: Sequence[Look]) -> list[OrganizationHistory]:
    """The organizations that runs saw. One whose name or host has changed is still one, as long as a run saw its tenant id."""
    ordered = sorted(looks, key=lambda look: (look.at, look.run))
    same = _Same(ordered)
    found: dict[str, OrganizationHistory] = {}
    for group in _of_one_run(ordered, same):
        found.setdefault(same.key(group), OrganizationHistory()).look(group)
    return list(found.values())


class _Same:
    """Which looks are of one organization."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._tenants = _unique((look.name.lower(), look.tenant_id.lower()) for look in looks if look.name and look.tenant_id)
        self._hosts = _unique((look.host, self._known(look)) for look in looks if self._known(look))

    def _known(self, look: Look) -> str:
        """What names the organization: its tenant id, else its initial domain; empty where the run read neither."""
        return look.tenant_id.lower() or self._tenants.get(look.name.lower(), look.name.lower())

    def key(self, look: Look) -> str:
        """Equal for looks of one organization."""
        return self._known(look) or self._hosts.get(look.host, f"host {look.host}")


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each first part always goes with; without those that go with several."""
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _of_one_run(looks: Sequence[Look], same: _Same) -> list[Look]:
    """The looks, those of several hosts that are one organization put together: what one of them sees is open."""
    whole: dict[tuple[str, str, str], Look] = {}
    for look in looks:
        key = (look.at, look.run, same.key(look))
        other = whole.get(key)
        if other is not None:
            judged = {**other.judged, **{id_: status for id_, status in look.judged.items() if other.judged.get(id_) is not ControlStatus.NOT_MET}}
            look = Look(
                look.at, look.run, look.host, look.name, look.display_name, look.tenant_id, judged, {**other.open, **look.open}, other.stored | look.stored
            )
        whole[key] = look
    return list(whole.values())


def history_document(looks: Sequence[Look], runs: int) -> dict[str, Any]:
    """What all runs saw, as ``history.json`` has it: open findings first, the oldest at the top.

    :param runs: how many runs there were, those included that say nothing about controls.
    """
    organizations = history_of(looks)
    rows = [row for organization in organizations for row in organization.finding_rows()]
    rows.sort(key=lambda row: (row["state"] != "open", row["since"]["by"], row.get("name", ""), row["control"], row["identity"], row["option"]))
    times = sorted({look.at for look in looks})
    return {
        "format": FORMAT,
        "kind": "history",
        "generated_at": now(),
        "collection_version": VERSION,
        "runs": {"count": runs, "with_controls": len({look.run for look in looks}), **({"first": times[0], "last": times[-1]} if times else {})},
        "organizations": [organization.as_dict() for organization in organizations],
        "findings": rows,
    }


@dataclass
class HistoryContext(ModuleContext):
    """A task that reads the folders of runs.

    :param runs: yields what each run in a directory saw, oldest folder first.
    :param store: writes the history into a run folder of its own. Gives the paths.
    """

    runs: Callable[[str], Iterator[list[Look]]] = field(kw_only=True)
    store: Callable[[str, Mapping[str, Any]], dict[str, str]] = field(kw_only=True)
