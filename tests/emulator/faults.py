# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong, where, and how often.

A schedule is a list of faults. Each counts the events that it matches, and strikes at its ``nth`` and the ``times`` - 1
that follow. The first fault of the list that strikes wins; one event meets at most one fault of each level.

Two levels: *transport* faults strike a request on its way in or out, *cmdlet* faults strike while a cmdlet runs.
"""

from __future__ import annotations

import fnmatch
import json
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .errors import CmdletError
from .web import Answer, Lost

#: Kinds that answer with an HTTP status, and the body they come with.
STATUSES = {
    "400": (400, b""),
    "401": (401, b""),
    "401_expired": (401, b""),
    "401_revoked": (401, b""),
    "403": (403, b"\x00" * 512),
    "404": (404, b""),
    "409": (409, b""),
    "429": (429, b""),
    "500": (500, b""),
    "502": (502, b"<html><body>502</body></html>"),
    "503": (503, b"<html><body>Service Unavailable</body></html>"),
    "504": (504, b"<html><body>Gateway Timeout</body></html>"),
    "concurrency_text": (
        400,
        b"You have reached the maximum number of concurrent requests per tenant. Please wait and try again",
    ),
}
TRANSPORT = frozenset(
    {
        *STATUSES,
        "lost_before",
        "lost_after",
        "half_answer",
        "truncated",
        "wrong_content_type",
        "slow",
        "redirect",
        "dead_shell",
        "operation_timeout",
        "no_body",
        "no_content",
    }
)
#: What can happen to a command of SMTP: no answer, or that it is not possible now, or never.
SMTP = frozenset({"lost_before", "lost_after", "temporary", "permanent"})
#: No fault at all: a request waits until those of all such entries of the schedule are under way.
MEETING = frozenset({"meets"})
#: What can happen to the rows of an answer: each is there twice, every second one lacks some values, none is there.
ROWS = frozenset({"duplicated_rows", "partial_rows", "no_rows"})
#: What can happen to a page of the message trace: its second half is lost, or it comes again instead of the next one.
TRACE = frozenset({"lost_rows", "repeated_page"})
CMDLET = frozenset(
    {
        *TRACE,
        *ROWS,
        "silent_noop",
        "stale_reads",
        "huge",
        "garbled",
        "error_in_200",
        "transient",
        "portal_edit",
        "stored_error",
        "half_stored",
    }
)
#: What only a function of a shell can do, after its work: end the whole pipeline, or return a null.
SHELL = frozenset({"exit", "break", "continue", "return_null"})
#: What can happen to a shell of the emulator's own, after the work of a statement: it is gone, and the statements that
#: follow do not run.
POOL = frozenset({"dead_after"})
KINDS = TRANSPORT | CMDLET | SHELL | POOL | SMTP | MEETING

_TRANSIENT = "We cannot currently process your request, please wait a few minutes and try again."


@dataclass
class Fault:
    """One entry of a schedule.

    Where: ``wire`` (``rest``, ``psrp``, ``powershell``, ``smtp``), ``step`` (REST: ``discovery``, ``token``, ``invoke``,
    ``batch``, ``batched`` for one request inside a batch, ``exomodulefile``; PSRP: ``create``, ``command``, ``send``,
    ``receive``, ``signal``, ``delete``; Graph, over ``rest``: ``graph``, ``send``, ``copies``, ``copy``; SMTP: ``connect``,
    a command in lower case, ``content``), ``cmdlet`` (a pattern such as ``Set-*``), ``organization``. What is left out
    matches everything, but ``batched`` wants to be named.

    How, for the kinds that ask for it: ``after`` (a status is answered after the work was done), ``retry_after``
    (seconds, or a date), ``status`` (of ``concurrency_text``), ``body`` (of a status, instead of its own), ``seconds``
    (``slow``; ``stale_reads``; how long ``meets`` waits), ``reads`` and ``alternate`` (``stale_reads``; ``reads`` of ``stored_error`` and
    ``half_stored``, too), ``size`` (bytes, ``huge``), ``type`` (.NET exception of ``transient`` and ``error_in_200``),
    ``location`` (``redirect``), ``edit`` (``portal_edit``: another administrator's ``{"cmdlet": …, "parameters": …}``,
    made just before the cmdlet that it strikes, or just after it with ``after``).

    :raises ValueError: an unknown kind.
    """

    kind: str
    wire: str | None = None
    step: str | None = None
    cmdlet: str | None = None
    organization: str | None = None
    nth: int = 1
    times: int | None = 1
    after: bool = False
    retry_after: int | str | None = None
    status: int | None = None
    body: str = ""
    seconds: float | None = None
    reads: int | None = None
    alternate: bool = False
    size: int = 1_000_000
    type: str = "Microsoft.Exchange.Data.Directory.SuitabilityDirectoryException"
    location: str = ""
    edit: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; there are {', '.join(sorted(KINDS))}")

    def matches(self, wire: str, step: str, cmdlets: Iterable[str], organization: str) -> bool:
        return (
            self.wire in (None, wire)
            and (self.step == step or (self.step is None and step != "batched"))
            and (self.organization is None or self.organization.lower() == organization.lower())
            and (self.cmdlet is None or any(fnmatch.fnmatch(name.lower(), self.cmdlet.lower()) for name in cmdlets))
        )

    def strikes(self) -> bool:
        """Counts an event that matched."""
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)


@dataclass(frozen=True)
class Strike:
    """A fault that has struck."""

    kind: str
    wire: str
    step: str
    cmdlets: list[str]
    organization: str


@dataclass
class Faults:
    """The schedule in force, and what of it has struck."""

    schedule: list[Fault] = field(default_factory=list)
    struck: list[Strike] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(1), repr=False)

    def set(self, schedule: Iterable[Fault | Mapping[str, Any]]) -> None:
        """Replaces the schedule and forgets what has struck.

        :raises ValueError: an unknown kind, or an unknown key.
        """
        made = [item if isinstance(item, Fault) else _from_json(item) for item in schedule]
        with self._lock:
            self.schedule, self.struck = made, []
            self._meeting = threading.Barrier(sum(fault.kind in MEETING for fault in made) or 1)

    def clear(self) -> None:
        self.set([])

    def transport(self, wire: str, step: str, cmdlets: Iterable[str] = (), organization: str = "") -> Fault | None:
        """The fault that strikes a request, or a command of SMTP.

        :raises Lost: it was to meet others, and they did not come.
        """
        kinds = SMTP if wire == "smtp" else TRANSPORT | MEETING
        fault = self._take(kinds, wire, step, list(cmdlets), organization)
        if fault is not None and fault.kind in MEETING:
            try:
                self._meeting.wait(fault.seconds or 60)
            except threading.BrokenBarrierError:
                raise Lost from None
        return fault

    @property
    def missed(self) -> bool:
        """Whether a request waited in vain for those that it was to meet."""
        return self._meeting.broken

    def cmdlet(self, wire: str, cmdlet: str, organization: str) -> Fault | None:
        """The fault that strikes a running cmdlet."""
        return self._take(
            CMDLET if wire in ("rest", "compliance") else CMDLET | SHELL | POOL, wire, "cmdlet", [cmdlet], organization
        )

    def _take(self, kinds: frozenset[str], wire: str, step: str, cmdlets: list[str], organization: str) -> Fault | None:
        with self._lock:
            if not self.schedule:
                return None
            striking = [
                fault
                for fault in self.schedule
                if fault.kind in kinds and fault.matches(wire, step, cmdlets, organization) and fault.strikes()
            ]
            if not striking:
                return None
            self.struck.append(Strike(striking[0].kind, wire, step, cmdlets, organization))
            return striking[0]

    def dump(self) -> dict[str, Any]:
        with self._lock:
            return {
                "schedule": [asdict(fault) for fault in self.schedule],
                "struck": [asdict(strike) for strike in self.struck],
            }


def _from_json(data: Mapping[str, Any]) -> Fault:
    unknown = set(data) - {item.name for item in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown keys of a fault: {', '.join(sorted(unknown))}")
    return Fault(**data)


def strike(fault: Fault | None, work: Callable[[], Answer]) -> Answer:
    """The answer to a request that meets a transport fault.

    :raises Lost: the connection is to be closed without an answer.
    """
    if fault is None:
        return work()
    if fault.kind == "lost_before":
        raise Lost
    if fault.kind == "redirect":
        return Answer(302, b"", {"Location": fault.location})
    if fault.kind in STATUSES:
        if fault.after:
            work()
        status, body = STATUSES[fault.kind]
        body = fault.body.encode() or body
        headers = {"Content-Type": "text/html" if body.startswith(b"<") else "text/plain"}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return Answer(fault.status or status, body, headers)
    # A copy: the answer itself may be kept for the message's next arrival.
    original = work()
    answer = replace(original, headers=dict(original.headers))
    if fault.kind == "lost_after":
        raise Lost
    if fault.kind == "half_answer":
        answer.fraction = 0.5
    elif fault.kind in ("no_body", "no_content"):
        answer.body, answer.status = b"", 200 if fault.kind == "no_body" else 204
        answer.headers.pop("Content-Encoding", None)
    elif fault.kind == "truncated":
        answer.body = answer.body[: len(answer.body) // 2]
    elif fault.kind == "wrong_content_type":
        answer.body, answer.headers["Content-Type"] = (
            b"<html><body>Sign in to continue</body></html>",
            "text/html; charset=utf-8",
        )
    elif fault.kind == "slow":
        answer.delay += fault.seconds or 1.0
    return answer


def cmdlet_error(fault: Fault) -> CmdletError:
    """What a cmdlet reports under ``transient`` and ``error_in_200``."""
    return CmdletError(_TRANSIENT, fault.type, "Ex000001", status=500, category=0)


def refusal_of_what_was_stored() -> CmdletError:
    """What a cmdlet reports that has stored what it was given, or a part of it."""
    return CmdletError(
        "The operation on the object did not end well.", "System.InvalidOperationException", "Ex000002", category=0
    )


def random_schedule(seed: int, *, wire: str, length: int = 3, reach: int = 12) -> list[Fault]:
    """A schedule that only depends on its arguments.

    :param length: how many faults.
    :param reach: the latest event that one may wait for.
    """
    source = random.Random(seed)
    elsewhere = {
        "rest": {"dead_shell", "operation_timeout", "401"},
        "psrp": {"401", "401_expired", "401_revoked", "concurrency_text"},
    }[wire]
    kinds = sorted((CMDLET | TRANSPORT) - ROWS - elsewhere - {"redirect", "portal_edit"})
    schedule = []
    for _unused in range(length):
        kind = source.choice(kinds)
        fault = Fault(kind, wire=wire, nth=source.randint(1, reach), times=source.choice([1, 1, 1, 2]))
        if kind in STATUSES:
            fault.after = kind[0] == "5" and source.random() < 0.5
            fault.retry_after = source.choice([None, 0, 1]) if kind in ("429", "503") else None
        if kind == "stale_reads":
            fault.reads, fault.alternate, fault.cmdlet = source.randint(1, 4), source.random() < 0.5, "[!g]*"
        fault.seconds = 0.05 if kind == "slow" else None
        schedule.append(fault)
    return schedule


def load(text: str) -> list[Fault]:
    """A schedule from a JSON list.

    :raises ValueError: it is none.
    """
    return [_from_json(item) for item in json.loads(text)]
