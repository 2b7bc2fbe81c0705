# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs fuzzing, mail and search in several processes and prints their figures.

``python -m tests.soak [--schedules N] [--fuzz N] [--mail N] [--runs N] [--claims N] [--unusual N] [--worlds N]
[--seed N] [--processes N] [--engine]``
"""

from __future__ import annotations

import argparse
import concurrent.futures
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from functools import partial

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.emulator.engine import EngineError, find_engine

from . import approvals, fuzz, mail, runs
from .search import Case, Tally, cases, examine
from .sequences import several
from .world import ENGINE_WIRES, WIRES, World

#: Cases of one emulator: it is thrown away with all that lost answers have left in it.
_ROUND = 250
#: Messages that are compared in one go.
_MESSAGES = 1_000
#: Sequences of runs that are tried in one go.
_SEQUENCES = 100
#: Claims that are decided in one go.
_CLAIMS = 2_000
#: Rule sets whose guarantees are held against unusual mail in one go.
_RULE_SETS = 500
#: Worlds of which everything is asked in one go.
_WORLDS = 250
#: How many executions of a reader take the time of one value that goes there and back over a wire.
_SLOWER = 10


def search(number: int, schedules: int, wires: Sequence[str]) -> tuple[Tally, str]:
    """One part of the search; the second value tells of a case that breaks the law, and is empty where none does."""
    tally = Tally()
    with _world(wires[0]).patched() as world:

        @seed(number)
        @settings(
            max_examples=schedules,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases(wires))
        def law(case: Case) -> None:
            examine(world, case, tally)

        try:
            law()
        except BaseException:
            return tally, f"seed {number}\n{traceback.format_exc()}"
    return tally, ""


def fuzz_one(target: str, number: int, executions: int) -> tuple[int, str]:
    """Fuzzes a reader, or the values of playbooks over a wire. How many executions there were, and what broke the law."""
    logging.disable()
    try:
        if target in fuzz.TARGETS:
            return fuzz.run(*fuzz.TARGETS[target], number=number, executions=executions), ""
        with _world(target).patched() as world:
            return fuzz.run(
                fuzz.WISHES, fuzz.texts_over(world, target), number=number, executions=executions // _SLOWER
            ), ""
    except BaseException:
        return 0, f"fuzzing {target}, seed {number}\n{traceback.format_exc()}"


def _world(wire: str) -> World:
    return World(find_engine() if wire in ENGINE_WIRES else None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="The fault search.")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument(
        "--fuzz", type=int, default=5_000, help="executions for each reader; a tenth of it for values over a wire"
    )
    parser.add_argument(
        "--mail",
        type=int,
        default=20_000,
        help="messages through random organizations, in the simulator and in the emulator",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=2_000,
        help="sequences of runs of the role, with clocks that jump and disks that fail",
    )
    parser.add_argument(
        "--claims",
        type=int,
        default=100_000,
        help="random guarantees, each rule set with an edit and its lint, held against enumeration",
    )
    parser.add_argument(
        "--unusual",
        type=int,
        default=20_000,
        help="random rule sets whose guarantees are held against unusual mail in the simulator",
    )
    parser.add_argument(
        "--worlds",
        type=int,
        default=20_000,
        help="random worlds of which everything is asked that can be said about mail: nothing contradicts",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--engine", action="store_true", help="over a real PowerShell alone, which takes a second for each schedule"
    )
    arguments = parser.parse_args()
    try:
        if arguments.engine and find_engine() is None:
            raise EngineError("There is no PowerShell: the search with --engine wants pwsh on PATH, or PWSH=PROGRAM.")
    except EngineError as error:
        parser.error(str(error))
    wires, readers = (ENGINE_WIRES, []) if arguments.engine else (WIRES, list(fuzz.TARGETS))
    began, whole, broken = time.monotonic(), Tally(), []
    rounds = [min(_ROUND, arguments.schedules - start) for start in range(0, arguments.schedules, _ROUND)]
    with concurrent.futures.ProcessPoolExecutor(arguments.processes) as processes:
        executions: Counter[str] = Counter()
        fuzzed = {
            target: processes.submit(fuzz_one, target, arguments.seed, arguments.fuzz)
            for target in (*readers, *wires)
            if arguments.fuzz
        }
        for target, future in fuzzed.items():
            executions[target], problem = future.result()
            broken += [problem] if problem else []
            print(problem or f"{executions[target]:>7} fuzz executions: {_shown(target)}", flush=True)
        for count, size, compare, what in (
            (arguments.mail, _MESSAGES, mail.compare, "messages: simulator and emulator agree"),
            (arguments.runs, _SEQUENCES, partial(several, runs.examine), "runs: clocks that jump, disks that fail"),
            (
                arguments.runs,
                _SEQUENCES,
                partial(several, approvals.examine),
                "runs: approvals used again, rules that others change",
            ),
            (arguments.claims, _CLAIMS, mail.prove, "claims: prover and enumeration agree"),
            (arguments.unusual, _RULE_SETS, mail.assume, "rule sets: prover and simulator agree about unusual mail"),
            (arguments.worlds, _WORLDS, mail.agree, "worlds: no verb contradicts another"),
        ):
            parts, done = range(arguments.seed * count, (arguments.seed + 1) * count, size), 0
            for some, problem in processes.map(compare, parts, [size] * len(parts)):
                done += some
                broken += [problem] if problem else []
                print(problem or f"{done:>7} {what}", flush=True)
        for tally, problem in processes.map(
            search, range(arguments.seed, arguments.seed + len(rounds)), rounds, [wires] * len(rounds)
        ):
            whole.add(tally)
            if problem:
                broken.append(problem)
                print(problem, flush=True)
            print(
                f"{whole.schedules:>7} schedules, {sum(whole.struck.values())} faults, {(time.monotonic() - began) / 60:.1f} min",
                flush=True,
            )
    print(f"\n{sum(executions.values())} fuzz executions in all")
    _print(whole, arguments.seed, time.monotonic() - began)
    return 1 if broken else 0


def _shown(target: str) -> str:
    return target if target in fuzz.TARGETS else f"values of playbooks over {target}"


def _print(tally: Tally, first: int, seconds: float) -> None:
    print(
        f"\n{tally.schedules} schedules from seed {first} in {seconds / 60:.1f} minutes; {tally.writes} writes reached the service."
    )
    print("cases: " + ", ".join(f"{wire} {number}" for wire, number in sorted(tally.cases.items())))
    for wire in sorted({where for where, _kind in tally.struck}):
        kinds = Counter({kind: number for (where, kind), number in tally.struck.items() if where == wire})
        survived = {kind: tally.survived[wire, kind] for kind in kinds}
        print(
            f"\nfaults over {wire}: {sum(kinds.values())} struck, {sum(survived.values())} in tasks that succeeded all the same"
        )
        for kind, number in sorted(kinds.items()):
            print(f"  {kind:20} {number:>6} {survived[kind]:>6}")
    print(
        "\ntasks that failed, and said so: "
        + ", ".join(f"{name} {number}" for name, number in sorted(tally.failed.items()))
    )


if __name__ == "__main__":
    sys.exit(main())
