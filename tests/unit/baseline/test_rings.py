# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings, model-checked: every ring of up to three organizations with everything that can become of each, and a ring
after it.

The model is what ansible-core does with the tasks of the role in its linear strategy. What must come of it is a table
here and not the collection's.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import UNKNOWN
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import apply as _apply
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import ring as _ring
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.procedure_report import (
    conclude,
    report_run,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    InvalidValueError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_json

from tests.unit.emulated_session import WIRES

from .conftest import FailingSession, Role

#: What can become of an organization of a ring.
CONVERGED, CHANGED, REFUSED, UNREACHABLE = "converged", "changed", "refused", "unreachable"
WRITE_FAILS, LOST, MAIL, TEST, STUCK = (
    "write fails",
    "lost afterwards",
    "mail is wrong",
    "test fails",
    "cannot be rolled back",
)
#: The task is cut off by its time limit, which core makes a failure, or its process is killed, for which core ends the
#: playbook.
TIMES_OUT, DIES = "times out", "dies"
FATES = (CONVERGED, CHANGED, REFUSED, UNREACHABLE, WRITE_FAILS, MAIL, TEST, LOST, STUCK, TIMES_OUT, DIES)
#: Those of which a ring may consist that the next one follows. Being lost or stuck after all is done hurts only if
#: something is to be taken back.
FINE = (CONVERGED, CHANGED, LOST, STUCK)
#: Those that leave changes that the organization does not roll back by itself.
KEEPS = (CHANGED, LOST, STUCK, TIMES_OUT, DIES)
#: Those that have changed something before they fail, and roll it back if the variable asks for it.
OWN = (WRITE_FAILS, MAIL, TEST)

#: A message of which the baseline makes nothing that this expects.
WRONG = [
    {
        "name": "Outside",
        "from": "a@contoso.com",
        "to": ["b@fabrikam.com"],
        "expect": {"b@fabrikam.com": {"protection": "template:Nothing"}},
    }
]


class CutOffError(BaseException):
    """What core raises in a task that takes too long. Nothing of the collection catches it."""


class RingSession(FailingSession):
    """An organization that can become unreachable, refuse all further writes, or have the task cut off after its next
    write.
    """

    is_gone = False
    refuses = False
    cut: type[BaseException] | None = None
    calls = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        self.calls += 1
        if self.is_gone:
            raise UnreachableError("no session could be opened.")
        results = super().invoke(calls, fresh=fresh)
        if self.cut and not calls[0].is_read:
            raise self.cut
        return results

    def write(self, call: Call) -> Result:
        if self.refuses:
            return Result(error=InvalidValueError("The service refused this.", cmdlet=call.cmdlet))
        return super().write(call)


class Member(Role):
    """One organization of a run, and what becomes of it."""

    def __init__(self, directory: Path, host: str, fate: str, hosts: Sequence[str], *, back: bool, wire: str) -> None:
        state: dict[str, Any] = {"irm_test_failure": "encryption"} if fate == TEST else {}
        self.line = RingSession(state, fails=1 if fate == WRITE_FAILS else -1, wire=wire)
        self.own = directory / "run"
        self.own.mkdir(exist_ok=True)
        self.host, self.fate = host, fate
        self.lost: Sequence[str] = ()
        super().__init__(self.line, str(directory))
        self.variables: dict[str, Any] = {
            "encrypt_outgoing": True,
            "accept": ["EAS-1", "IRM-4"],
            "ring_rollback": back,
            "hosts": list(hosts),
        }
        if fate == CONVERGED:
            self.host, host = "earlier", self.host
            self.run("baseline", **self.variables)
            self.host = host
        self.before = self.state()
        if fate == MAIL:
            self.variables["messages"] = WRONG
        if fate == TEST:
            self.variables |= {"test_sender": "a@contoso.com", "test_timeout": 0}
        if fate == REFUSED:
            self.variables |= {"accept": [], "transport_decryption": "Mandatory"}
        self.line.is_gone = fate == UNREACHABLE
        self.line.cut = {TIMES_OUT: CutOffError, DIES: SystemExit}.get(fate)
        self.line.calls = 0
        self.results: list[dict[str, Any]] = []
        self.reported: dict[str, Any] = {}

    def begin(self, procedure: str) -> None:
        self.artifacts = ArtifactFiles(
            self.directory, self.host, RunFolder("rings", "20261125T030000Z", self.own), procedure
        )

    def _task(self, *arguments: Any, **params: Any) -> Any:
        task = super()._task(*arguments, rings=True, **params)
        task.lost = list(self.lost)
        return task

    @property
    def failed(self) -> bool:
        return any(result.get("failed") for result in self.results)

    def do(self, work: Callable[[], dict[str, Any]], task: Callable[[], Any]) -> None:
        """One task of the role. An error or the time limit makes it fail; the latter cuts off the report, too."""
        try:
            try:
                result = work()
            except ExchangeError as error:
                result = {"failed": True, "msg": str(error), "error": {"class": type(error).__name__}}
            result = conclude(task(), result, goes_on=bool(result.get("writes")))
        except CutOffError as error:
            result = {"failed": True, "msg": str(error)}
        self.results.append(result)

    def plans(self, ring: Sequence[str]) -> None:
        self.ring = list(ring)
        self.do(lambda: self.plan("baseline", **self.variables), lambda: self.task)

    def stage(self, stage: str = "") -> Any:
        variables = {name: value for name, value in self.variables.items() if name != "hosts"}
        options: dict[str, Any] = {"run_tags": [], "skip_tags": [], "awx": {}, "stage": stage}
        return self._task(
            "baseline", "recommended", variables, False, **options, snapshot=self.results[0].get("snapshot", "")
        )

    def applies(self) -> None:
        task = self.stage()
        self.do(lambda: _apply.apply(task), lambda: task)
        self.line.is_gone = self.fate in (LOST, UNREACHABLE)
        self.line.refuses = self.fate == STUCK

    def judges(self) -> None:
        task = self.stage("ring")
        self.do(lambda: _ring.take_back_ring(task), lambda: task)

    def reports(self, ring: Sequence[Member]) -> None:
        """The report of the run, which one organization makes for all."""
        task = self._task("baseline", "recommended", {}, False, awx={}, hosts=[])
        task.lost = [member.host for member in ring if member.failed]
        task.results_of = {member.host: member.results for member in ring}.__getitem__
        report_run(task)
        for member in ring:
            member.reported = next(
                report.as_row() for report in self.artifacts.reports.organizations() if report.host == member.host
            )


def core(rings: Sequence[Sequence[Member]]) -> list[Member]:
    """What core does with the role's tasks: each one for all organizations of the ring before the next one, and
    ``always`` for those that failed, too.

    It goes on to the next ring, as core does where others of a ring did not fail. Returns those whose report was
    written.
    """
    reported: list[Member] = []
    try:
        for ring in rings:
            for member in ring:
                # One that failed is out of the ring before the others plan.
                member.plans([other.host for other in ring if not other.failed])
            for member in ring:
                if not member.failed:
                    member.applies()
            for member in ring:
                if not member.failed:
                    member.lost = [other.host for other in ring if other.failed]
                    member.judges()
            ring[0].reports(ring)
            reported += ring
    except SystemExit:
        pass  # A worker in a dead state ends the playbook.
    return reported


@pytest.fixture(name="rolled_back")
def rolled_back_fixture(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each organization was rolled back."""
    times: Counter[str] = Counter()
    roll_back = _apply.roll_back

    def counted(task: Any, *arguments: Any) -> list[str]:
        times[task.host] += 1
        return roll_back(task, *arguments)

    monkeypatch.setattr(_apply, "roll_back", counted)
    monkeypatch.setattr(_ring, "roll_back", counted)
    return times


def check(directory: Path, fates: Sequence[str], rolled_back: Counter[str], *, back: bool, wire: str = "rest") -> None:
    """One run over a ring with these fates, and a ring of one organization after it."""
    directory.mkdir()
    rolled_back.clear()
    hosts = [f"org{number}" for number in range(len(fates) + 1)]
    *first, last = (
        Member(directory, host, fate, hosts, back=back, wire=wire)
        for host, fate in zip(hosts, [*fates, CHANGED], strict=True)
    )
    reported = core([first, [last]])
    aborted, failed = (
        DIES in fates and first[fates.index(DIES)] not in reported,
        any(fate not in FINE for fate in fates),
    )
    # No ring is entered after one that failed.
    assert bool(last.line.calls) == (not failed)
    assert (last.state() != last.before) == (not failed)
    # Nothing is rolled back twice.
    assert all(number == 1 for number in rolled_back.values()), rolled_back
    for place, member in enumerate(first):
        changed = member.state() != member.before
        if aborted:
            # Others were applied before it, after it, or not at all: whatever was written and not rolled back is named
            # by the next run.
            member.line.is_gone = member.line.refuses = False
            member.line.cut = None
            silent = not back and member.fate in FINE
            member.plan("audit")
            said = any("was interrupted while it wrote" in warning for warning in member.report["warnings"])
            assert said == (changed and not silent and (member.fate in KEEPS)), (place, fates)
            continue
        report = member.reported
        kept = (member.fate in KEEPS and not (back and failed and member.fate == CHANGED)) or (
            member.fate in OWN and not back
        )
        assert changed == kept, (place, fates)
        is_named = "not rolled back" in report["message"]
        assert is_named == (member.fate == TIMES_OUT or (back and failed and member.fate in (LOST, STUCK))), (
            place,
            fates,
            report["message"],
        )
        if back and failed and member.fate == CHANGED:
            assert report["status"] == "failed"
            wrong = [other.host for other in first if other.fate not in FINE]
            assert all(host in report["message"] for host in wrong)
            # There is nothing left for a rollback, either.
            assert not member.plan("rollback")["pending"]
        fine = {
            CONVERGED: "met",
            CHANGED: "changed",
            LOST: "changed",
            STUCK: "changed",
            REFUSED: "refused",
            UNREACHABLE: "not assessable",
        }
        if not (back and failed):
            assert report["status"] == fine.get(member.fate, "failed"), (place, fates)


def test_an_organization_whose_ring_has_not_begun_has_not_run_yet(role: Role) -> None:
    role.hosts, role.ring = ["contoso", "beside", "lost", "later"], ["contoso", "beside"]
    task = role._task("baseline", "recommended", {}, False, awx={}, hosts=[])
    task.lost, task.renderers = ["lost"], {"report.json": render_json}
    *lines, last = report_run(task)["lines"]
    written = document_of(Path(role.directory, "runs", role.artifacts.run, "report.json").read_bytes())
    assert [organization["host"] for organization in written["organizations"] if organization["waits"]] == ["later"]
    assert lines == [
        *(f"{host}: not assessable: {UNKNOWN}" for host in ("contoso", "beside", "lost")),
        "later: not run yet: a later ring",
    ]
    assert last.startswith("4 organizations: 3 not assessable, 1 not run yet. ")


def _others(fate: str) -> tuple[str, ...]:
    """Beside whom an organization shows all that a second one makes of a ring: who comes first is only of interest
    where one dies, and of two that fail neither is judged, for which one that is refused stands.
    """
    if fate == DIES:
        return FATES
    after = FATES[FATES.index(fate) :]
    return after if fate in (*FINE, REFUSED) else tuple(other for other in after if other in (*FINE, DIES))


@pytest.mark.parametrize("fate", FATES)
def test_every_ring_of_one_or_two(fate: str, rolled_back: Counter[str], tmp_path: Path) -> None:
    check(tmp_path / "alone", [fate], rolled_back, back=True)
    for number, other in enumerate(_others(fate)):
        check(tmp_path / str(number), [fate, other], rolled_back, back=True)


def test_what_reads_do_not_show_as_taken_back_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = _apply.count_as_rolled_back

    def behind(artifacts: Any, procedure: Any, *more: Any) -> list[str]:
        return ["a replica is behind."] if procedure.restored else count(artifacts, procedure, *more)

    monkeypatch.setattr(_apply, "count_as_rolled_back", behind)
    hosts = ["a", "b"]
    written, _refused = core(
        [
            [
                Member(tmp_path, host, fate, hosts, back=True, wire="rest")
                for host, fate in zip(hosts, (CHANGED, REFUSED), strict=True)
            ]
        ]
    )
    assert "were taken back, because" in written.reported["message"]
    assert "a replica is behind." in written.reported["message"]
    assert {change["state"] for change in written.reported["changes"]} == {"unknown"}


@pytest.mark.parametrize("fate", FATES)
def test_a_ring_that_keeps_what_it_has(fate: str, rolled_back: Counter[str], tmp_path: Path) -> None:
    """Each organization does, whatever becomes of the other."""
    for number, others in enumerate(([], [CHANGED], [REFUSED])):
        check(tmp_path / str(number), [fate, *others], rolled_back, back=False)


@pytest.mark.matrix
@pytest.mark.parametrize("back", [True, False], ids=["rolled back", "kept"])
@pytest.mark.parametrize("fate", FATES)
def test_all_rings_of_two(fate: str, back: bool, rolled_back: Counter[str], tmp_path: Path) -> None:
    for number, other in enumerate(FATES):
        check(tmp_path / str(number), [fate, other], rolled_back, back=back)


@pytest.mark.parametrize("wire", WIRES[1:])
@pytest.mark.parametrize("fate", FATES)
def test_a_ring_over_every_wire(fate: str, wire: str, rolled_back: Counter[str], tmp_path: Path) -> None:
    """Over each wire the other one comes first."""
    fates = [fate, CHANGED] if wire == "server" else [CHANGED, fate]
    check(tmp_path / "ring", fates, rolled_back, back=True, wire=wire)


#: In a ring of three, what others add to those is nothing that a ring of two does not show.
THREE = (CONVERGED, CHANGED, REFUSED, WRITE_FAILS, STUCK, TIMES_OUT, DIES)


def _three() -> Iterator[Any]:
    """Rings of three: two of one fate beside a third are as in a ring of two, and so are two beside one that has
    nothing to do, and a ring where nothing is rolled back.
    """
    for fates, back in itertools.product(itertools.combinations_with_replacement(THREE, 3), (True, False)):
        few = back and len({*fates} - {CONVERGED}) == len(fates)
        yield pytest.param(
            fates,
            back,
            id=" + ".join([*fates, "rolled back" if back else "kept"]),
            marks=() if few else pytest.mark.matrix,
        )


@pytest.mark.parametrize(("fates", "back"), [*_three()])
def test_every_ring_of_three(fates: tuple[str, ...], back: bool, rolled_back: Counter[str], tmp_path: Path) -> None:
    check(tmp_path / "ring", fates, rolled_back, back=back)
