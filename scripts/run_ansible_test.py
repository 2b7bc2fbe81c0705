# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test from this interpreter's environment on a copy of the collection.

ansible-test requires a directory ``ansible_collections/m365/message_encryption`` and checks every file in it, so the
copy contains only the files that belong into git. Arguments are passed to ansible-test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import ansible_test  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = {".git", ".venv", ".cache", ".hypothesis", "build", "message_encryption"}


def copy_of_the_collection() -> Path:
    copy = ROOT / "build" / f"ansible-test-{VERSION}" / "ansible_collections/m365/message_encryption"
    shutil.rmtree(copy, ignore_errors=True)

    def left_out(directory: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name in ("__pycache__", "output") or (Path(directory) == ROOT and name in LEFT_OUT)
        }

    shutil.copytree(ROOT, copy, ignore=left_out, symlinks=True)
    if (ROOT / ".git").exists():
        # Otherwise ansible-test would use the repository around the copy, which ignores the copy.
        subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    return copy


def provide_get_pip() -> None:
    """Puts get-pip.py where ansible-test looks for it: the real one, or the replacement if it cannot be downloaded."""
    source = (Path(str(ansible_test.__file__)).parent / "_internal/python_requirements.py").read_text(encoding="utf-8")
    (version,) = re.findall(r"default_packages = dict\(\s*pip='([0-9.]+)'", source)
    cached = Path.home() / f".ansible/test/cache/get_pip_{version.replace('.', '_')}.py"
    if cached.exists():
        return
    cached.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(
            f"https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py", timeout=10
        ) as answer:
            text = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"get-pip.py {version} cannot be downloaded ({error}). Using ensurepip instead.", flush=True)
        text = (ROOT / "scripts/get_pip_offline.py").read_bytes()
    cached.write_bytes(text)


def has_script_analyzer() -> bool:
    """Whether ``pslint`` can run: PowerShell on PATH has the module that it needs. True without PowerShell."""
    pwsh = shutil.which("pwsh")
    if pwsh is None:
        return True  # ansible-test skips the test itself.
    asked = [
        pwsh,
        "-NoLogo",
        "-NoProfile",
        "-Command",
        "if (-not (Get-Module -ListAvailable PSScriptAnalyzer)) { exit 1 }",
    ]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


provide_get_pip()
environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
command = [BIN / "ansible-test", *sys.argv[1:], "--venv", "--python", VERSION]
if sys.argv[1:2] == ["sanity"] and not has_script_analyzer():
    print("Skipped: pslint, because PowerShell does not have the module PSScriptAnalyzer.", flush=True)
    command += ["--skip-test", "pslint"]
sys.exit(subprocess.run(command, cwd=copy_of_the_collection(), env=environment, check=False).returncode)
