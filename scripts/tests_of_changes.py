# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the unit tests of what differs from a commit: for ``make quick``.

``python scripts/tests_of_changes.py [--mail] [commit]``; without a commit, from where the branch left origin/main. The
tests of a module are those that import it, and where none does, those of its package. Where few do, those of its package
that import one of its neighbors with it come along. Of a helper of the tests they are those that import it, too. The
tests of the structure are always among them, and those in tests/unit/trust only if they changed themselves.

What decides about mail has tests that hold simulator, formulas and emulator against each other. With ``--mail`` it
prints these, if such a module differs; without it, few of the many that import it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNITS = ROOT / "tests/unit"
_ALWAYS = "tests/unit/structure"
#: Searches with faults take longer than a minute. "make test" runs them, and so does a change of one of them.
_LONG = UNITS / "trust"
#: Fewer tests than these say little of a module, and more than those take longer than a minute.
_FEW, _MOST = 3, 5
#: What decides about mail, and the tests that hold it.
_MAIL = tuple(
    Path("plugins/module_utils/_mail_flow", folder)
    for folder in ("actions", "conditions", "model", "rules", "sat", "simulator", "symbolic")
)
OF_MAIL = tuple(
    f"tests/unit/mail_flow/test_{name}.py"
    for name in ("vectors", "conditions_agree", "laws", "small_worlds", "against_emulator")
)
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^\n]+)|import\s+([\w.]+))", re.MULTILINE)


def changed(since: str) -> list[Path]:
    """The files that differ from a commit, those that git does not know yet included."""
    found = _git("diff", "--name-only", since) + _git("ls-files", "--others", "--exclude-standard")
    return [path for path in map(Path, found) if (ROOT / path).exists()]


def _git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def branched() -> str:
    """The commit where this branch left origin/main, or HEAD where there is no such branch."""
    found = subprocess.run(
        ["git", "merge-base", "HEAD", "origin/main"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "HEAD"


@cache
def imported(file: Path) -> set[str]:
    """The dotted names that a file imports, and of packages what it takes from them, too; without the collection's own
    prefix.
    """
    names: set[str] = set()
    for package, taken, whole in _IMPORT.findall(file.read_text(encoding="utf-8")):
        module = (package or whole).removeprefix("ansible_collections.m365.message_encryption.")
        if module.startswith("."):
            above = file.parents[len(module) - len(module.lstrip(".")) - 1]
            module = ".".join([*above.relative_to(ROOT).parts, *filter(None, [module.lstrip(".")])])
        names |= {module} | {
            f"{module}.{name.split()[0]}" for name in taken.strip("()").replace("\n", " ").split(",") if name.strip()
        }
    return names


def chosen(files: Iterable[Path]) -> list[str]:
    """Test files and folders, by their paths."""
    imports = {test: imported(test) for test in UNITS.rglob("test_*.py")}
    found = {_ALWAYS}
    files = list(files)
    of_mail = [file for file in files if decides_about_mail(file)]
    if of_mail:
        found |= set(_nearest({name_of(file) for file in of_mail}, imports))
    for file in files:
        if file in of_mail:
            continue
        if file.suffix != ".py":
            continue
        if file.name.startswith("test_") and UNITS in (ROOT / file).parents:
            found.add(str(file))
            continue
        module = name_of(file)
        users = {
            str(test.relative_to(ROOT))
            for test, names in imports.items()
            if module in names and _LONG not in test.parents
        }
        found |= users or _package(file)
        if 0 < len(users) < _FEW:
            found |= set(_through_neighbors(file, imports))
    folders = {path for path in found if not path.endswith(".py")}
    return sorted(
        path for path in found if not any(path != folder and Path(folder) in Path(path).parents for folder in folders)
    )


def _nearest(modules: set[str], imports: Mapping[Path, set[str]]) -> list[str]:
    """The tests that import most of some modules and little else, at most :data:`_MOST`. Those of planted mistakes take
    too long.
    """
    users = [
        test
        for test, names in imports.items()
        if modules & names and _LONG not in test.parents and "mutants" not in test.name
    ]
    users.sort(key=lambda test: (-len(modules & imports[test]), len(imports[test]), str(test)))
    return [str(test.relative_to(ROOT)) for test in users[:_MOST]]


def decides_about_mail(file: Path) -> bool:
    """Whether a module is one of those that decide about mail."""
    return file.suffix == ".py" and file.parent in _MAIL


def name_of(file: Path) -> str:
    """The dotted name of a module, without the collection's own prefix."""
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _through_neighbors(file: Path, imports: Mapping[Path, set[str]]) -> list[str]:
    """Tests of a module's package that import what imports it there, at most :data:`_MOST`: first those that import
    little else.
    """
    neighbors = [path.relative_to(ROOT) for path in (ROOT / file).parent.glob("*.py")]
    through = {name_of(path) for path in neighbors if name_of(file) in imported(ROOT / path)}
    found = [
        test
        for folder in _package(file)
        for test in sorted((ROOT / folder).rglob("test_*.py"))
        if through & imports[test]
    ]
    return [str(test.relative_to(ROOT)) for test in sorted(found, key=lambda test: len(imports[test]))[:_MOST]]


def _package(file: Path) -> set[str]:
    """The tests of a plugin's package, which are called like it: of ``plugins/module_utils/_mail_flow/analyses``,
    ``tests/unit/mail_flow``.
    """
    parts = [part.lstrip("_") for part in file.parent.parts]
    if parts[:1] != ["plugins"] or len(parts) < 2:
        return set()
    own = parts[2:] if parts[1] in ("module_utils", "plugin_utils") else parts[1:]
    here = next(
        (UNITS.joinpath(*own[:depth]) for depth in range(len(own), 0, -1) if UNITS.joinpath(*own[:depth]).is_dir()),
        None,
    )
    return {str(here.relative_to(ROOT))} if here else set()


if __name__ == "__main__":
    since = [argument for argument in sys.argv[1:] if argument != "--mail"]
    files = changed(since[0] if since else branched())
    if "--mail" in sys.argv:
        print(" ".join(OF_MAIL if any(map(decides_about_mail, files)) else ()))
    else:
        print(" ".join(chosen(files)))
