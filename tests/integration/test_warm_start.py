# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is started warm is what it is when it is executed."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from . import warm_start
from .playbook import BIN, Controller

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
#: Starts what a broker's client starts: it gets a descriptor, and writes to a file.
_START = """
import os, socket, subprocess, sys, time
with socket.socket(socket.AF_UNIX) as listener, open("words", "wb") as words:
    listener.bind("")
    number = listener.fileno()
    subprocess.Popen(
        [sys.executable, "-P", "-c", {look!r}, "one", str(number)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words.fileno(), pass_fds=(number,),
        start_new_session=True, env={{**os.environ, "MORE": "ü"}},
    )
while not (said := open("words").read()).endswith("}}"):
    time.sleep(0.1)
print(said)
"""
_OWN_GROUP = '"leads": [os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid()]'
ENDS = {
    "normal": "",
    "code": "sys.exit(3)",
    "text": "sys.exit('it is over')",
    "exception": "{}['a key']",
    "signal": "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGTERM)",
    "without cleaning up": "os._exit(4)",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)",
}


def _executed(
    arguments: list[str], *, cwd: Path, env: dict[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments] if not os.access(arguments[0], os.X_OK) else arguments,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize("end", ENDS)
def test_what_a_program_sees_and_how_it_ends(tmp_path: Path, end: str) -> None:
    script = tmp_path / "programs/look"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}{_LOOK}{ENDS[end]}\n", encoding="utf-8")
    script.chmod(0o755)
    arguments = [str(script), "-v", "ü"]
    environment = {**warm_start.INTERPRETER, "HOME": str(tmp_path), "ANSIBLE_VERBOSITY": "ü"}
    executed = _executed(arguments, cwd=tmp_path, env=environment, timeout=600)
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


_CONFIGURED = """
import json, os, sys
import ansible.cli.playbook
from ansible import constants
from ansible.utils.vars import get_unique_id
folder = constants.DEFAULT_LOCAL_TMP
settings = {
    name: str(sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value)
    for name, value in vars(constants).items()
    if name.isupper()
}
mine = [folder, os.path.isdir(folder), get_unique_id()]
here = {
    "collections": [name for name in sys.modules if name.startswith("ansible_collections") and name.count(".") < 3],
    "finders": [getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path],
    "temporary": [os.path.dirname(folder), os.path.basename(folder).startswith(f"ansible-local-{os.getpid()}")],
    "settings": {name: value for name, value in settings.items() if folder not in value},
}
json.dump([mine, here], sys.stdout)
"""
LOCAL = {"all": {"hosts": {"here": {"ansible_connection": "local"}}}}


def _configured(controller: Controller, **environment: str) -> list[Any]:
    """What a program finds that has imported ansible-playbook: what is its own, and what others have, too."""
    script = controller.home / "ansible-playbook"
    script.write_text(f"#!{sys.executable}{_CONFIGURED}", encoding="utf-8")
    script.chmod(0o755)
    environment = controller.environment | environment
    if controller.warm:
        done = warm_start.run([str(script)], cwd=controller.home, env=environment, timeout=600)
    else:
        done = subprocess.run(
            [str(script)],
            cwd=controller.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def test_a_configuration_that_was_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = Controller(tmp_path, LOCAL)
    found = [_configured(controller) for _time in range(4)]
    kept = len(warm_start._configured)
    monkeypatch.setattr(controller, "warm", False)
    found.append(_configured(controller))
    assert kept
    assert [here for _mine, here in found] == [found[-1][1]] * 5
    folders, there, identities = zip(*(mine for mine, _here in found), strict=True)
    assert there == (True,) * 5
    assert len(set(folders)) == len({identity.rpartition("-")[0] for identity in identities}) == 5
    assert not any(Path(folder).exists() for folder in folders)


def test_another_configuration_is_read(tmp_path: Path) -> None:
    controller = Controller(tmp_path, LOCAL)

    def forks(**environment: str) -> str:
        _mine, here = _configured(controller, **environment)
        return str(here["settings"]["DEFAULT_FORKS"])

    assert [forks() for _time in range(4)] == ["5"] * 4
    assert forks(ANSIBLE_FORKS="7") == "7"
    (tmp_path / "other.cfg").write_text("[defaults]\nforks = 8\n", encoding="ascii")
    assert forks(ANSIBLE_CONFIG=str(tmp_path / "other.cfg")) == "8"
    (tmp_path / ".ansible.cfg").write_text("[defaults]\nforks = 9\n", encoding="ascii")
    assert forks() == "9"
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 10\n", encoding="ascii")
    assert forks() == "10"


def test_a_playbook_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = Controller(tmp_path, LOCAL)
    tasks = [
        {"name": "say", "ansible.builtin.debug": {"msg": "{{ [1, 2] | map('string') | join('ü') }}"}},
        {"name": "work", "ansible.builtin.stat": {"path": "nowhere"}},
        {"name": "ask", "m365.message_encryption.irm_test": {"sender": "nobody"}, "ignore_errors": True},
    ]

    def said() -> list[str]:
        """Lines in which nothing belongs to one process, in order of the alphabet: tasks end when they end."""
        run = controller.tasks(tasks, "-vvvvv", "--diff")
        assert run.rc == 0, run.output
        # The first line of a program may name the interpreter by another way to it.
        (interpreter, *_rest) = (BIN / "ansible-playbook").read_text(encoding="utf-8").removeprefix("#!").splitlines()
        text = run.output.replace(str(Path(interpreter).parents[1]), sys.prefix)
        text = re.sub(r"\b(ansible-(local|tmp)-[\w-]+|tmp\w{8})", "N", text)
        return sorted(re.sub(r"\b\d[\d.:]*\b", "N", text).splitlines())

    warm = [said() for _time in range(4)]
    monkeypatch.setattr(controller, "warm", False)
    executed = said()
    assert any("Loading collection m365.message_encryption" in line for line in executed)
    for each in warm:
        difference = "\n".join(difflib.unified_diff(executed, each, n=0))
        assert not difference, difference


def test_a_broker_that_is_started_warm(tmp_path: Path) -> None:
    """What a session broker sees is the same. It outlives the program, in a group of its own."""
    look = _LOOK.replace("sys.stdout", "sys.stderr").replace('"group": [os.getpgid(0), os.getsid(0)]', _OWN_GROUP)
    script = tmp_path / "start"
    script.write_text(_START.format(look=f"{look}\n# _broker.server import main"), encoding="utf-8")
    found = []
    for start in (_executed, warm_start.run):
        done = start([str(script)], cwd=tmp_path, env={**warm_start.INTERPRETER, "HOME": str(tmp_path)}, timeout=600)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    assert found[1] == found[0]
    assert found[0]["leads"] == [True, True]
    assert found[0]["arguments"][0] == "-c"
