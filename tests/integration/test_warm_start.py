# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is started warm is what it is when it is executed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import warm_start

_LOOK = """
import atexit, json, os, signal, stat, sys, threading
json.dump(
    {
        "name": __name__,
        "arguments": sys.argv,
        "path": sys.path,
        "executable": sys.executable,
        "flags": repr(sys.flags),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "input": sys.stdin.read(),
        "files": sorted(os.listdir("/proc/self/fd")),
        "streams": [
            [stream.encoding, stream.errors, stream.isatty(), stream.seekable(), stream.line_buffering]
            for stream in (sys.stdin, sys.stdout, sys.stderr)
        ],
        "mask": os.umask(0o22),
        "group": [os.getpgid(0), os.getsid(0)],
        "signals": {each.name: str(signal.getsignal(each)) for each in signal.valid_signals() if hasattr(each, "name")},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "threads": threading.active_count(),
        "configuration": "ansible.constants" in sys.modules,
    },
    sys.stdout,
    indent=1,
)
atexit.register(print, "\\r\\nat the end ü")
"""
ENDS = {
    "normal": "",
    "code": "sys.exit(3)",
    "text": "sys.exit('it is over')",
    "exception": "{}['a key']",
    "signal": "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGTERM)",
    "without cleaning up": "os._exit(4)",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_a_program_sees_and_how_it_ends(tmp_path: Path, end: str) -> None:
    script = tmp_path / "programs/look"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}{_LOOK}{ENDS[end]}\n", encoding="utf-8")
    script.chmod(0o755)
    arguments = [str(script), "-v", "ü"]
    environment = {**warm_start.INTERPRETER, "HOME": str(tmp_path), "ANSIBLE_VERBOSITY": "ü"}
    executed = subprocess.run(
        arguments,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert warm_start.serves(environment)
    before = warm_start.used()
    warm = warm_start.run(arguments, cwd=tmp_path, env=environment, timeout=600)
    assert warm.stdout.splitlines() == executed.stdout.splitlines()
    assert warm.stdout == executed.stdout
    assert warm.stderr.splitlines()[-1:] == executed.stderr.splitlines()[-1:]
    assert warm.returncode == executed.returncode
    assert warm_start.used() > before


def test_output_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    """As for a person who reads it through a pipe."""
    script = tmp_path / "leave"
    script.write_text("import os, time\nif not os.fork(): time.sleep(1); print('late')\n", encoding="utf-8")
    assert warm_start.run([str(script)], cwd=tmp_path, env=warm_start.INTERPRETER, timeout=600).stdout == "late\n"


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "wait"
    script.write_text("import time\nprint('begun', flush=True)\ntime.sleep(600)\n", encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        warm_start.run([str(script)], cwd=tmp_path, env=warm_start.INTERPRETER, timeout=2)
    assert caught.value.output == b"begun\n"
    assert time.monotonic() - begun < 300


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHASHSEED", "LC_ALL", "TZ"])
def test_another_start_of_the_interpreter_is_executed(name: str) -> None:
    assert not warm_start.serves({**warm_start.INTERPRETER, name: "else"})
