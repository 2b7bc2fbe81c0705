# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the fault search, and its examination of one case.

The law: whatever goes wrong, a task either reports exactly what it changed, or fails and names what it changed and what
it may have changed; nothing is done twice; nothing is done in check mode; and a later run without faults converges to
where a run that never met a fault would have led.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    UnreachableError,
    VerificationError,
)
from hypothesis import strategies as st

from tests.emulator.faults import SHELL, Strike
from tests.emulator.schema import is_read

from .wishes import EDITS, HABITS, PASTS, WISHES, faults, two_answers
from .world import WIRES, Outcome, World, unstamped


@dataclass
class Case:
    """One organization, one wish, one schedule of faults.

    :param past: modules and options that made the organization what it is.
    :param habits: how its service behaves all the time.
    :param meanwhile: what another administrator does after an earlier task of the run has read and before this one begins, which may use that
        read; ``None`` if it may not.
    :param hurried: the task's session gives a call three seconds, so that an answer may come too late.
    :param reconnect: the task opens a new session, so that faults may strike there.
    """

    wire: str
    past: Sequence[tuple[str, Mapping[str, Any]]]
    habits: Mapping[str, Any]
    wish: tuple[str, Mapping[str, Any]]
    faults: Sequence[Mapping[str, Any]]
    verify_timeout: int = 16
    reconnect: bool = False
    check_mode: bool = False
    hurried: bool = False
    meanwhile: Sequence[Mapping[str, Any]] | None = None


@st.composite
def cases(draw: st.DrawFn, wires: Sequence[str] = WIRES) -> Case:
    """A case. REST comes as often as all of PowerShell remoting's kinds."""
    wire = draw(st.sampled_from([*wires, "rest", "rest"] if "rest" in wires else list(wires)))
    return Case(
        wire=wire,
        past=draw(PASTS),
        habits=draw(st.just({}) | HABITS),
        wish=draw(WISHES),
        faults=draw(st.lists(faults(wire), min_size=1, max_size=4) | two_answers(wire)),
        verify_timeout=draw(st.sampled_from([16, 16, 16, 4, 0])),
        reconnect=draw(st.sampled_from([False, False, False, True])),
        check_mode=draw(st.sampled_from([False] * 7 + [True])),
        hurried=draw(st.sampled_from([False] * 9 + [True])),
        meanwhile=draw(st.none() | st.none() | st.lists(EDITS, max_size=2)),
    )


@st.composite
def cases_of_two_answers(draw: st.DrawFn, wires: Sequence[str]) -> Case:
    """A case in which one write is answered with two errors."""
    wire = draw(st.sampled_from(list(wires)))
    return Case(wire, draw(PASTS), {}, draw(WISHES), draw(two_answers(wire)), draw(st.sampled_from([60, 16, 4, 0])))


@dataclass
class Tally:
    """Figures of a search."""

    schedules: int = 0
    cases: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    survived: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    writes: int = 0

    def add(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.writes += other.writes
        for name in ("cases", "struck", "survived", "failed"):
            getattr(self, name).update(getattr(other, name))

    def record(self, case: Case, outcome: Outcome, struck: Sequence[tuple[str, str]]) -> None:
        """Counts a run with faults.

        :param struck: the faults that have struck, as wires and kinds.
        """
        self.schedules += 1
        self.cases[case.wire] += 1
        self.writes += len(outcome.own)
        self.struck.update(struck)
        if outcome.error is None:
            self.survived.update(struck)
        else:
            self.failed[type(outcome.error).__name__] += 1


@dataclass(frozen=True)
class Control:
    """A run without faults: the organization before it, its error, and the organization afterwards."""

    before: Mapping[str, Any]
    error: Exception | None
    expected: Mapping[str, Any]


def _control(world: World, case: Case) -> Control:
    """The run without faults of a case. Cases with other faults share it, as long as the wire's session is the same."""
    world.start({"advanced_message_encryption": True})
    kept = world.controls(case.wire)
    text = json.dumps([case.past, case.habits, case.wish, case.verify_timeout])
    if text not in kept:
        for past, settings in case.past:
            world.run("rest", past, {**settings, "verify_timeout": 0})
        world.organization.patch(case.habits)
        before = world.organization.dump()
        outcome = world.run(case.wire, case.wish[0], {**case.wish[1], "verify_timeout": case.verify_timeout})
        judge(outcome, case, struck=())
        kept[text] = Control(before, outcome.error, world.state())
    return kept[text]


def examine(world: World, case: Case, tally: Tally) -> None:
    """Runs a case: without faults, with them, without, and once more if that wrote. An AssertionError says which part
    of the law was broken.
    """
    module, options = case.wish
    options = {**options, "verify_timeout": case.verify_timeout}
    control = _control(world, case)

    world.start(control.before)
    if case.reconnect or case.hurried:
        world.hang_up(case.wire)
    shares = case.meanwhile is not None
    with world.hurry() if case.hurried else contextlib.nullcontext():
        found = world.state()
        if case.meanwhile is not None:
            world.share(case.wire)
            for edit in case.meanwhile:
                world.edit(edit["cmdlet"], **edit["parameters"])
        moved = world.state() != found
        world.emulator.faults.set(case.faults)
        outcome = world.run(case.wire, module, options, check_mode=case.check_mode, shares=shares)
    if case.hurried:
        world.hang_up(case.wire)
    strikes = list(world.emulator.faults.struck)
    struck = [(strike.wire, strike.kind) for strike in strikes]
    world.emulator.reset()
    tally.record(case, outcome, struck)
    if not case.check_mode:
        judge(outcome, case, struck=[kind for _wire, kind in struck], blind=any(map(_shows_nothing, strikes)))
    else:
        assert not outcome.own, f"check mode wrote: {outcome.own}"

    later = world.run(case.wire, module, options)
    edited = moved or any(kind == "portal_edit" for _wire, kind in struck)
    if later.error is not None:
        # What was created by half is completed by another cmdlet, of which the service may ignore a parameter.
        ignored = bool(case.habits.get("ignored_parameters")) and isinstance(later.error, VerificationError)
        assert edited or ignored or type(later.error) is type(control.error), f"a later run fails: {later.error!r}"
        return
    judge(later, case, struck=())
    if later.own:
        again = world.run(case.wire, module, options)
        assert again.error is None, f"the run after the later one fails: {again.error!r}"
        if case.habits.get("ignored_parameters"):
            return
        assert not again.result["changed"], f"a run without a fault does not converge: {again.result['changes']}"
        assert not again.own, f"a run that changes nothing wrote: {again.own}"
    if control.error is None and not edited and not case.habits.get("ignored_parameters"):
        assert alike(world.state()) == alike(control.expected), "faults led the organization somewhere else"


def _shows_nothing(strike: Strike) -> bool:
    """Whether a read ended without a word. PowerShell goes on with the next statement, so that nobody can tell it from
    a read of nothing.
    """
    return strike.kind in SHELL and all(map(is_read, strike.cmdlets))


def judge(outcome: Outcome, case: Case, *, struck: Sequence[str], blind: bool = False) -> None:
    """Holds what a task reports against what the service saw.

    :param blind: a read showed nothing of what there was.
    """
    accepted = Counter(write.text for write in outcome.own if not write.error)
    effective = Counter(write.text for write in outcome.own if write.effective)
    reported = Counter(outcome.commands)
    unknown = Counter(outcome.result.get("outcome_unknown", ()))
    created = Counter(
        (write.cmdlet, write.identity.casefold())
        for write in outcome.writes
        if write.effective and write.cmdlet.startswith("New-")
    )
    removed = Counter(
        write.identity.casefold() for write in outcome.writes if write.effective and write.cmdlet.startswith("Remove-")
    )
    for (cmdlet, identity), number in created.items():
        assert number <= 1 + removed[identity], f"{cmdlet} {identity!r} happened {number} times"
    # What somebody else removed at once, nothing shows to a task to which Exchange said that it failed.
    gone = {
        fault["edit"]["parameters"]["Identity"].casefold()
        for fault in case.faults
        if fault["kind"] == "portal_edit" and _removes(fault["edit"])
    }
    hidden = Counter(write.text for write in outcome.own if write.effective and write.identity.casefold() in gone)
    silent = (
        effective
        - reported
        - unknown
        - (hidden if "portal_edit" in struck and outcome.error is not None else Counter())
    )
    assert not silent, f"changed and not reported: {dict(silent)}; {_shown(outcome)}"
    # What somebody else did at the same moment, or what was there and not shown, can be taken for the task's own write,
    # whose answer was lost.
    edited = "portal_edit" in struck or blind
    assert edited or not reported - accepted, (
        f"reported and never carried out: {dict(reported - accepted)}; {_shown(outcome)}"
    )
    assert outcome.result.get("changed", False) == bool(reported), (
        f"changed is not whether something was changed; {_shown(outcome)}"
    )
    if outcome.error is None:
        assert not unknown, f"a task that succeeds leaves something unknown; {_shown(outcome)}"
        # Who ignores a write without a word makes it a command that was run and changed nothing.
        if (
            case.verify_timeout
            and not edited
            and "silent_noop" not in struck
            and not case.habits.get("ignored_parameters")
        ):
            assert effective == reported, (
                f"reported as a change that it was not: {dict(reported - effective)}; {_shown(outcome)}"
            )
    if isinstance(outcome.error, UnreachableError):
        assert not accepted, f"unreachable, and yet it wrote: {_shown(outcome)}"


def _removes(edit: Mapping[str, Any]) -> bool:
    return str(edit["cmdlet"]).startswith("Remove-")


def _shown(outcome: Outcome) -> str:
    return f"result {outcome.result}, error {outcome.error!r}, writes {outcome.writes}, warnings {outcome.warnings}"


def alike(state: Any) -> Any:
    """A state without what each creation makes anew."""
    if isinstance(state, dict):
        return {key: alike(value) for key, value in unstamped(state).items() if key not in ("Guid", "CreatedBy")}
    return [alike(item) for item in state] if isinstance(state, list) else state
