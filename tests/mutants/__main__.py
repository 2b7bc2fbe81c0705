# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs mutmut over modules of the core, and tells of every mutant that no test kills and nobody has explained.

``python -m tests.mutants [--all] [--since COMMIT] [module ...]``, a module as in ``CORE`` or by a part of its name.
Without one, those that differ from a commit. What a sentence for people says is not held by tests, so other words in it
survive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .core import CORE

ROOT = Path(__file__).parents[2]
PLUGINS = Path("ansible_collections/m365/message_encryption/plugins")
WORK = ROOT / "build/mutants"
EXPLAINED = Path(__file__).with_name("explained.yml")

#: Only mutmut's generator is used: its runner collects the tests anew for each mutant, which takes ten times as long.
_GENERATE = """
import mutmut.__main__ as mutmut
mutmut.set_mutant_under_test("mutant_generation")
mutmut.copy_src_dir()
mutmut.copy_also_copy_files()
mutmut.setup_source_paths()
mutmut.create_mutants(1)
"""

#: What mutants change, all of them in one process: ``mutmut show`` takes seconds for each.
_SHOW = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
print(json.dumps({name: get_diff_for_mutant(name, path=path) for name, path in json.load(sys.stdin).items()}))
"""


@dataclass
class Tally:
    """Figures of the mutants of a module.

    :param alive: those that no test kills and nobody has explained: name to what they change.
    :param unused: explanations that no living mutant needs.
    """

    module: str
    killed: int = 0
    words: int = 0
    explained: int = 0
    alive: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def mutate(module: str, tests: Sequence[str], explanations: Sequence[Mapping[str, str]]) -> Tally:
    """Runs all mutants of one module of the installed artifact."""
    work = WORK / Path(module).stem
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name, source in (
        ("ansible_collections", ROOT / "build/collections/ansible_collections"),
        ("tests", ROOT / "tests"),
    ):
        (work / name).symlink_to(source)
    shutil.copy(ROOT / "pyproject.toml", work)
    (work / "setup.cfg").write_text(
        f"[mutmut]\nsource_paths=\n    {PLUGINS / module}\nalso_copy=\n    ansible_collections\n    tests\nuse_git_change_detection=false\n",
        encoding="ascii",
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "HYPOTHESIS_PROFILE": "mutants"
    }
    _run([sys.executable, "-c", _GENERATE], work, environment)
    meta = json.loads((work / "mutants" / f"{PLUGINS / module}.meta").read_text(encoding="utf-8"))
    names = work / "names.json"
    names.write_text(json.dumps(list(meta["exit_code_by_key"])), encoding="utf-8")
    # The plugin that is left out collects garbage after each test.
    options = ["--rootdir=.", "-q", "--hypothesis-seed=1", "-p", "no:unraisableexception", "-p", "tests.mutants.forks"]
    _run([sys.executable, "-m", "pytest", *options, *tests], work / "mutants", environment | {"MUTANTS": str(names)})
    codes = json.loads(names.read_text(encoding="utf-8"))
    if not isinstance(codes, dict):
        raise SystemExit(f"no mutant of {module} was tried")
    tally = Tally(module)
    left = [{key: str(value) for key, value in row.items()} for row in explanations]
    used: list[Mapping[str, str]] = []
    living = [name for name, code in codes.items() if code == 0]
    tally.killed = len(codes) - len(living)
    asked = json.dumps({name: str(PLUGINS / module) for name in living})
    shown = json.loads(
        subprocess.run(
            [sys.executable, "-c", _SHOW],
            cwd=work,
            env=environment,
            input=asked,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    for name in living:
        was, becomes = (_lines(shown[name], sign) for sign in "-+")
        row = next((row for row in left if (row["was"].strip(), row["becomes"].strip()) == (was, becomes)), None)
        if row is not None:
            used.append(row)
            tally.explained += 1
        elif _only_words(was, becomes):
            tally.words += 1
        else:
            tally.alive[name.rpartition(".")[2]] = f"    was: {was}\n    becomes: {becomes}"
    tally.unused = [row["becomes"] for row in left if row not in used]
    return tally


def _run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def _lines(diff: str, sign: str) -> str:
    """The lines of one side of a diff, without their indentation."""
    return " ".join(
        line[1:].strip() for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)
    )


def _only_words(was: str, becomes: str) -> bool:
    """Whether a mutant only changes the words of a sentence: a text that has a space in it."""
    texts = [re.findall(r'"((?:[^"\\]|\\.)*)"', line) for line in (was, becomes)]
    if len(texts[0]) != len(texts[1]):
        return False
    blank = [re.sub(r'"(?:[^"\\]|\\.)*"', '""', line) for line in (was, becomes)]
    return blank[0] == blank[1] and all(one == other or " " in one for one, other in zip(*texts, strict=True))


def _chosen(arguments: argparse.Namespace) -> list[str]:
    if arguments.all:
        return list(CORE)
    if arguments.modules:
        return [module for module in CORE if any(part in module for part in arguments.modules)]
    command = ["git", "diff", "--name-only", arguments.since, "--", "plugins"]
    changed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [module for module in CORE if f"plugins/{module}" in changed]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Mutants of the pure core.")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--since", default="origin/main", help="the commit from which a change counts")
    arguments = parser.parse_args()
    explanations: Mapping[str, Any] = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or {}
    began, tallies = time.monotonic(), []
    for module in _chosen(arguments):
        tally = mutate(module, CORE[module], explanations.get(module) or ())
        tallies.append(tally)
        print(
            f"{module}: {tally.killed} killed, {tally.words} only other words, {tally.explained} explained, {len(tally.alive)} unexplained",
            flush=True,
        )
        for name, change in tally.alive.items():
            print(f"  {name}\n{change}", flush=True)
        for change in tally.unused:
            print(f"  explained, and killed or gone: {change}", flush=True)
    killed, unexplained = (
        sum(numbers) for numbers in ([tally.killed for tally in tallies], [len(tally.alive) for tally in tallies])
    )
    whole = killed + unexplained + sum(tally.words + tally.explained for tally in tallies)
    print(
        f"{whole} mutants of {len(tallies)} modules, {killed} killed, {unexplained} unexplained, {(time.monotonic() - began) / 60:.1f} min"
    )
    return 1 if unexplained or any(tally.unused for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
