# SPDX-License-Identifier: GPL-3.0-or-later
"""How long findings have been open, only from the reports of earlier runs.

A run sees what is open at one moment. What happened between two runs is unknown, so every start and every end lies
*between* two moments: the last run without the finding, and the first run with it. A run that could not read an
organization or did not check a control provides no information about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..._engine.context import ModuleContext
from ..._exchange.document import VERSION
from ..._mail_flow.model.encrypters import ENCRYPTERS
from ..._resources.rules.stored import RULE
from .looks import FindingKey, Look, Seen
from .report import now
from .status import ControlStatus

FORMAT = 1

#: Status of a control without open findings to how the last findings ended.
_ENDS = {
    ControlStatus.MET: "fixed",
    ControlStatus.NOT_MET: "fixed",
    ControlStatus.ACCEPTED: "accepted",
    ControlStatus.NOT_APPLICABLE: "not applicable",
    ControlStatus.UNMANAGED: "unmanaged",
}


@dataclass(frozen=True)
class Moment:
    """When something began or ended.

    :param after: the time of the last run before it; empty if there was none.
    :param by: the time of the first run that saw it. Both are in UTC, in the form of reports.
    :param run: the folder of that first run.
    """

    after: str
    by: str
    run: str

    def __str__(self) -> str:
        return (
            f"between {shown(self.after)} and {shown(self.by)}"
            if self.after
            else f"{shown(self.by)} or earlier (first check)"
        )

    def as_dict(self) -> dict[str, str]:
        """The moment as a document."""
        return {**{key: text for key, text in asdict(self).items() if text}, "text": str(self)}


@dataclass
class Episode:
    """A finding from its start to its end. While it is open, ``end`` is ``None`` and ``how`` is empty."""

    since: Moment
    seen: Seen
    last_seen: str
    end: Moment | None = None
    how: str = ""
    modified_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The episode as a document."""
        ended = {"ended": {**self.end.as_dict(), "how": self.how}} if self.end else {}
        return {
            "since": self.since.as_dict(),
            "last_seen": self.last_seen,
            **ended,
            **({"modified_by": self.modified_by} if self.modified_by else {}),
        }


@dataclass
class OrganizationHistory:
    """What all runs saw of one organization.

    :param missed: the number of runs that could not read it.
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
    reported: list[dict[str, Any]] = field(default_factory=list)
    _judged_at: dict[str, str] = field(default_factory=dict)
    _fixed: dict[FindingKey, Seen] = field(default_factory=dict)

    def look(self, look: Look) -> None:
        """Adds what a run saw. Call it in the order of the runs."""
        if look.name and look.name.lower() not in (name.lower() for name in self.names[-1:]):
            self.names.append(look.name)
        self.display_name = look.display_name or self.display_name
        self.tenant_id = look.tenant_id or self.tenant_id
        if look.host not in self.hosts:
            self.hosts.append(look.host)
        self.reported += [{"at": look.at, "run": look.run, **row} for row in look.reported]
        if look.undone:
            self._reopen(look)
            return
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
        self._fixed.update(look.stored)

    def _reopen(self, look: Look) -> None:
        """Opens the findings whose values a run has set back."""
        known = {**self._fixed, **{key: episodes[-1].seen for key, episodes in self.findings.items()}}
        for key, seen in known.items():
            if any(each.is_of(key, seen) for each in look.undone):
                self._see(look, key, seen)

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
        episodes.append(
            Episode(
                Moment(self._judged_at.get(key.control, ""), look.at, look.run),
                seen,
                look.at,
                modified_by=seen.modified_by,
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """The organization as a document, without its findings."""
        who = {
            "tenant_id": self.tenant_id,
            "name": self.names[-1] if self.names else "",
            "display_name": self.display_name,
        }
        times = {"first_seen": self.first_seen, "last_seen": self.last_seen}
        return {
            **{key: text for key, text in {**who, **times}.items() if text},
            "earlier_names": self.names[:-1],
            "hosts": self.hosts,
            "runs": self.looks,
            "runs_missed": self.missed,
        }

    def _who(self) -> dict[str, Any]:
        return {key: value for key, value in self.as_dict().items() if key in ("tenant_id", "name", "display_name")}

    def evidence_rows(self) -> Iterable[dict[str, Any]]:
        """What Exchange reported of its rules, and what was computed, as rows of the document, oldest first."""
        return ({**self._who(), "host": self.hosts[-1], **row} for row in self.reported)

    def finding_rows(self) -> Iterable[dict[str, Any]]:
        """Its findings as rows of the document."""
        who = self._who()
        for key, episodes in self.findings.items():
            last = episodes[-1]
            about = {
                **who,
                "host": self.hosts[-1],
                "control": key.control,
                "title": last.seen.title,
                "resource": key.resource,
                "identity": last.seen.identity,
            }
            guid = {"guid": key.object} if key.resource == RULE and key.object != last.seen.identity else {}
            values = {
                name: value
                for name, value in (("found", last.seen.found), ("wanted", last.seen.wanted))
                if value is not None
            }
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
    """A report's time for people: ``2026-11-25 03:00 UTC``."""
    return f"{time[:10]} {time[11:16]} UTC"


def history_of(looks: Sequence[Look]) -> list[OrganizationHistory]:
    """The organizations that runs saw. A renamed organization or host stays the same if a run saw the tenant id."""
    ordered = sorted(looks, key=lambda look: (look.at, look.run))
    same = _Same(ordered)
    found: dict[str, OrganizationHistory] = {}
    for group in _of_one_run(ordered, same):
        found.setdefault(same.key(group), OrganizationHistory()).look(group)
    return list(found.values())


class _Same:
    """Decides which looks belong to the same organization."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._tenants = _unique(
            (look.name.lower(), look.tenant_id.lower()) for look in looks if look.name and look.tenant_id
        )
        self._hosts = _unique((look.host, self._known(look)) for look in looks if self._known(look))

    def _known(self, look: Look) -> str:
        """The organization's tenant id, or else its initial domain; empty if the run read neither."""
        return look.tenant_id.lower() or self._tenants.get(look.name.lower(), look.name.lower())

    def key(self, look: Look) -> str:
        """A key that is equal for all looks of an organization. A run that read nothing has only the host, whose name
        may be the organization's.
        """
        return (
            self._known(look)
            or self._hosts.get(look.host)
            or self._tenants.get(look.host.lower())
            or f"host {look.host}"
        )


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """First part of the pairs to its second part, without those that have several."""
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _of_one_run(looks: Sequence[Look], same: _Same) -> list[Look]:
    """The looks, with those of several hosts of the same organization merged: a finding of one host is open."""
    whole: dict[tuple[str, str, str], Look] = {}
    for look in looks:
        key = (look.at, look.run, same.key(look))
        other = whole.get(key)
        if other is not None:
            judged = {
                **other.judged,
                **{
                    id_: status
                    for id_, status in look.judged.items()
                    if other.judged.get(id_) is not ControlStatus.NOT_MET
                },
            }
            look = Look(
                *(look.at, look.run, look.host, look.name, look.display_name, look.tenant_id, judged),
                {**other.open, **look.open},
                {**other.stored, **look.stored},
                (*other.undone, *look.undone),
                (*other.reported, *look.reported),
                (*other.unseen, *look.unseen),
            )
        whole[key] = look
    return list(whole.values())


def history_document(looks: Sequence[Look], runs: int) -> dict[str, Any]:
    """The content of ``history.json``: open findings first, oldest first.

    :param runs: the number of runs, including those without controls.
    """
    organizations = history_of(looks)
    rows = [row for organization in organizations for row in organization.finding_rows()]
    rows.sort(
        key=lambda row: (
            row["state"] != "open",
            row["since"]["by"],
            row.get("name", ""),
            row["control"],
            row["identity"],
            row["option"],
        )
    )
    times = sorted({look.at for look in looks})
    unseen = {each for look in looks for each in look.unseen}
    return {
        "format": FORMAT,
        "kind": "history",
        "generated_at": now(),
        "collection_version": VERSION,
        "runs": {
            "count": runs,
            "with_controls": len({look.run for look in looks if not look.undone}),
            **({"first": times[0], "last": times[-1]} if times else {}),
        },
        "organizations": [organization.as_dict() for organization in organizations],
        "findings": rows,
        "evidence": [row for organization in organizations for row in organization.evidence_rows()],
        "unseen": [each for each in ENCRYPTERS if each in unseen],
    }


@dataclass
class HistoryContext(ModuleContext):
    """A task that reads the folders of runs.

    :param runs: yields what each run in a directory saw, oldest folder first.
    :param store: writes the history to a new run folder. Returns the paths.
    """

    runs: Callable[[str], Iterator[list[Look]]] = field(kw_only=True)
    store: Callable[[str, Mapping[str, Any]], dict[str, str]] = field(kw_only=True)
