# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker as a process: started once, ended with the playbook, survived when killed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    OutcomeUnknownError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import client as _client
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import frames as _frames
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.client import BrokerClient
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.process import Process
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import Broker, Errands

from tests.unit.connections import Script, answer, hang_up, identity

READ, WRITE = Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": True})
WHO = {"value": [{"Name": "contoso.onmicrosoft.com"}]}


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError("it did not happen in time")


class Run:
    """A run of ansible-playbook as the broker sees one: a directory, and a process that lives."""

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory = directory
        self.playbook = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.log: list[str] = []

    def client(self, **values: Any) -> BrokerClient:
        return BrokerClient(str(self.directory), self.playbook.pid, identity(**values), self.log.append)

    def brokers(self) -> list[int]:
        """The brokers of this run: no other process knows this playbook's id."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"-P" in words and str(self.playbook.pid).encode() in words:
                found.append(int(entry.name))
        return found

    def broker(self) -> int:
        (pid,) = self.brokers()
        return pid

    def end(self) -> None:
        self.playbook.kill()
        self.playbook.wait()
        wait_for(lambda: not self.brokers())


@pytest.fixture
def run(tmp_path: pathlib.Path) -> Iterator[Run]:
    made = Run(tmp_path / "run")
    yield made
    made.end()


@pytest.fixture
def server(script: Callable[..., Script]) -> Script:
    """Knows the organization, and answers every other read with one object."""
    made = script(lambda handler: answer(handler, 200, _body(made.requests[-1][2])))
    return made


def _body(body: Any) -> Any:
    if "requests" in body:
        return {
            "responses": [{"id": part["id"], "status": 200, "body": _body(part["body"])} for part in body["requests"]]
        }
    cmdlet = body["CmdletInput"]["CmdletName"]
    return (
        WHO if cmdlet == "Get-OrganizationConfig" else {"value": [{"Name": "x"}] if cmdlet.startswith("Get-") else []}
    )


def cmdlets(server: Script) -> list[str]:
    names = []
    for _path, _headers, body in server.requests:
        names += (
            [part["body"]["CmdletInput"]["CmdletName"] for part in body["requests"]]
            if "requests" in body
            else [body["CmdletInput"]["CmdletName"]]
        )
    return names


def invoke(run: Run, server: Script, *calls: Call, **values: Any) -> list[Result]:
    client = run.client(exchange_api_url=server.url, **values)
    try:
        return client.invoke(calls, fresh=False, reuse=0)
    finally:
        client.close()


def test_many_workers_at_once_have_one_broker(run: Run, server: Script) -> None:
    results: list[list[Result]] = []
    threads = [
        threading.Thread(
            target=lambda number=number: results.append(
                invoke(run, server, READ, exchange_command_timeout=number + 100)
            )
        )
        for number in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.unwrap() for (result,) in results] == [[{"Name": "x"}]] * 40
    assert len(run.brokers()) == 1


def test_one_session_serves_all_tasks(run: Run, server: Script) -> None:
    for _task in range(3):
        invoke(run, server, READ)
    assert cmdlets(server).count("Get-OrganizationConfig") == 1
    assert sum("session opened" in line for line in run.log) == 1


def test_two_identities_never_share_a_session(run: Run, server: Script) -> None:
    invoke(run, server, READ)
    invoke(run, server, READ, exchange_access_token="another")
    assert {headers["Authorization"] for _path, headers, _body in server.requests} == {
        "Bearer planted-token",
        "Bearer another",
    }
    assert cmdlets(server).count("Get-OrganizationConfig") == 2


def test_the_broker_ends_with_the_playbook(run: Run, server: Script) -> None:
    invoke(run, server, READ)
    pid = run.broker()
    run.playbook.kill()
    run.playbook.wait()
    wait_for(lambda: not Process.current(pid).started.isdigit())


def test_the_broker_ends_with_the_playbook_also_in_the_middle_of_a_call(
    run: Run, script: Callable[..., Script]
) -> None:
    server = script((200, WHO), lambda handler: time.sleep(600))
    thread = threading.Thread(target=invoke, args=(run, server, WRITE), daemon=True)
    thread.start()
    wait_for(lambda: len(server.requests) == 2)
    run.playbook.kill()
    run.playbook.wait()
    wait_for(lambda: not run.brokers())


def test_a_killed_broker_is_replaced(run: Run, server: Script) -> None:
    client = run.client(exchange_api_url=server.url)
    client.invoke([READ], fresh=False, reuse=0)
    first = run.broker()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: client._connection is not None and _frames.closed(client._connection))
    assert client.invoke([WRITE], fresh=False, reuse=0)[0].error is None
    assert run.broker() != first
    client.close()


@pytest.mark.parametrize("call", [READ, WRITE])
def test_a_broker_killed_in_the_middle_of_a_call(run: Run, script: Callable[..., Script], call: Call) -> None:
    def kill(handler: Any) -> None:
        server.steps = [lambda later: answer(later, 200, _body(server.requests[-1][2]))]
        os.kill(run.broker(), signal.SIGKILL)
        hang_up(handler)

    server = script(lambda handler: answer(handler, 200, _body(server.requests[-1][2])))
    invoke(run, server, READ)
    server.steps = [kill]
    (result,) = invoke(run, server, call)
    assert isinstance(result.error, OutcomeUnknownError) == (call is WRITE)
    assert cmdlets(server).count("Set-IRMConfiguration") == (1 if call is WRITE else 0)


class TaskTimeout(BaseException):
    """As ansible-core's own, no Exception."""


def test_an_interrupted_worker_never_takes_an_old_answer_for_a_new_one(
    run: Run, server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = run.client(exchange_api_url=server.url)
    client.invoke([READ], fresh=False, reuse=0)
    receive = _frames.receive

    def interrupted(connection: socket.socket) -> Any:
        raise TaskTimeout

    monkeypatch.setattr(_frames, "receive", interrupted)
    with pytest.raises(TaskTimeout):
        client.invoke([WRITE], fresh=False, reuse=0)
    monkeypatch.setattr(_frames, "receive", receive)
    (result,) = client.invoke([READ], fresh=False, reuse=0)
    assert result.objects == [{"Name": "x"}]
    client.close()


def test_the_call_of_a_vanished_worker_ends_and_its_reads_are_not_reused(
    run: Run, script: Callable[..., Script]
) -> None:
    release = threading.Event()

    def slow(handler: Any) -> None:
        release.wait(60)
        answer(handler, 200, {"value": [{"Name": "slow"}]})

    server = script((200, WHO), slow, (200, {"value": [{"Name": "new"}]}))
    client = run.client(exchange_api_url=server.url)
    client.describe()  # takes the first answer
    server.steps = [slow, (200, {"value": [{"Name": "new"}]})]
    before = len(server.requests)
    with socket.socket(socket.AF_UNIX) as worker:
        worker.connect(str(run.directory / "exchange.socket"))
        _frames.send(worker, {"operation": "invoke", "key": client._key, "calls": [READ.to_wire()], "reuse": 60})
        wait_for(lambda: len(server.requests) > before)
    release.set()
    (result,) = client.invoke([READ], fresh=False, reuse=60)
    assert (result.reused, result.objects) == (False, [{"Name": "new"}])
    client.close()


def test_a_write_of_a_vanished_worker_whose_turn_has_not_come_is_not_sent(
    run: Run, script: Callable[..., Script]
) -> None:
    release = threading.Event()

    def slow(handler: Any) -> None:
        release.wait(60)
        answer(handler, 200, {"value": []})

    server = script((200, WHO))
    client = run.client(exchange_api_url=server.url)
    client.describe()
    server.steps = [slow]
    busy = threading.Thread(target=client.invoke, args=([READ],), kwargs={"fresh": False, "reuse": 0})
    busy.start()
    wait_for(lambda: cmdlets(server)[-1] == "Get-IRMConfiguration")
    with socket.socket(socket.AF_UNIX) as worker:
        worker.connect(str(run.directory / "exchange.socket"))
        _frames.send(worker, {"operation": "invoke", "key": client._key, "calls": [WRITE.to_wire()]})
        time.sleep(0.1)
    release.set()
    busy.join()
    client.invoke([READ], fresh=False, reuse=0)
    assert "Set-IRMConfiguration" not in cmdlets(server)
    client.close()


def test_ending_a_session_opens_another_one_later(run: Run, server: Script) -> None:
    invoke(run, server, READ)
    run.client(exchange_api_url=server.url).end_session()
    invoke(run, server, READ)
    assert cmdlets(server).count("Get-OrganizationConfig") == 2


def test_ending_a_session_starts_no_broker(run: Run) -> None:
    run.client().end_session()
    assert run.brokers() == []


@pytest.mark.parametrize(
    "garbage",
    [b"\0", b"\xff" * 100, b"\0\0\0\2{}", b"\0\0\0\2[]", b'\0\0\0\x14{"operation":"nope"}', b"GET / HTTP/1.0\r\n\r\n"],
    ids=range(6),
)
def test_garbage_does_not_end_the_broker(run: Run, server: Script, garbage: bytes) -> None:
    invoke(run, server, READ)
    pid = run.broker()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(run.directory / "exchange.socket"))
        stranger.sendall(garbage)
        stranger.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while stranger.recv(4096):
                pass
    invoke(run, server, READ)
    assert run.broker() == pid


def test_a_wrong_identity_for_a_key_is_refused(run: Run, server: Script) -> None:
    invoke(run, server, READ)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(run.directory / "exchange.socket"))
        _frames.send(stranger, {"operation": "invoke", "key": "0" * 64, "calls": []})
        assert _frames.receive(stranger) == {"need": "identity"}
        _frames.send(stranger, {"identity": identity(exchange_access_token="other")})
        refusal = _frames.receive(stranger)
    assert refusal is not None
    assert refusal["error"]["class"] == "ProtocolError"


def _failing(line: str) -> str:
    """The broker's program with a line before its last one, which begins to serve."""
    before, name, last = _client._PROGRAM.rpartition("main(directory")
    return f"{before}{line}\n{name}{last}"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import missing_library", " (ModuleNotFoundError: No module named 'missing_library')."),
        (_failing("raise MemoryError"), " (MemoryError)."),
        (
            _failing("main.__globals__['Broker'].serve = lambda self, *_more: {}['planted-value']"),
            " (KeyError at <string>:10).",
        ),
        (_failing("import os; os.abort()"), "."),
    ],
)
def test_a_broker_that_cannot_start_says_why(
    run: Run, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    monkeypatch.setattr(_client, "_PROGRAM", program)
    with pytest.raises(UnreachableError) as failure:
        run.client().invoke([READ], fresh=False, reuse=0)
    assert f"the session broker ended twice{told} Check for" in str(failure.value)
    assert "planted-value" not in str(failure.value) + (run.directory / "exchange.stderr").read_text(encoding="utf-8")
    assert "Traceback" not in str(failure.value)


def test_a_broker_that_serves_says_nothing_more(run: Run, server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """What libraries warn of, and what a thread dies of, could quote anything."""
    loud = "import os, threading; threading.Timer(0.1, lambda: (os.write(2, b'planted-value'), {}['planted-value'])).start()"
    monkeypatch.setattr(_client, "_PROGRAM", _failing(loud))
    invoke(run, server, READ)
    time.sleep(0.3)
    words = run.directory / "exchange.stderr"
    assert words.read_bytes() == b""
    assert words.stat().st_mode & 0o777 == 0o600


def test_a_system_that_starts_no_process_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(_client.subprocess, "Popen", refuse)
    with pytest.raises(
        UnreachableError,
        match=r"cannot be started in .*: Resource temporarily unavailable\..*limits on memory and processes",
    ):
        run.client().invoke([READ], fresh=False, reuse=0)


def test_no_secret_is_in_argv_environment_or_files(run: Run, server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_ACCESS_TOKEN", "planted-token")
    monkeypatch.setenv("HTTPS_PROXY_OF_A_TEST", "kept")
    invoke(run, server, READ)
    assert b"HTTPS_PROXY_OF_A_TEST=kept" in pathlib.Path(f"/proc/{run.broker()}/environ").read_bytes()
    process = pathlib.Path(f"/proc/{run.broker()}")
    secret = b"planted-token"
    assert secret not in (process / "cmdline").read_bytes()
    assert secret not in (process / "environ").read_bytes()
    assert all(secret not in path.read_bytes() for path in run.directory.iterdir() if path.is_file())
    assert secret.decode() not in "".join(run.log)


def test_the_broker_holds_nothing_of_its_worker_open(run: Run, server: Script) -> None:
    invoke(run, server, READ)
    pid = run.broker()
    assert [os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
    assert os.getsid(pid) == pid


def test_the_broker_may_open_as_many_files_as_the_system_allows(run: Run, server: Script) -> None:
    """Whatever limit the playbook has. The sessions of hundreds of organizations need more than the usual 1,024."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, most))
    try:
        invoke(run, server, READ)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    assert resource.prlimit(run.broker(), resource.RLIMIT_NOFILE) == (most, most)


def test_what_a_killed_broker_left_goes_with_the_next_one(tmp_path: pathlib.Path, server: Script) -> None:
    """The playbook is killed, too, so that nobody else removes the directory of the run."""
    run = Run(tmp_path / "run")
    left = run.directory / "exchange.pwsh-left" / "home"
    try:
        invoke(run, server, READ)
        os.kill(run.broker(), signal.SIGKILL)
        wait_for(lambda: not run.brokers())
        left.mkdir(parents=True)
        (left / "token").touch()
        assert invoke(run, server, READ)[0].error is None
    finally:
        run.end()
    assert not run.directory.exists()


@pytest.mark.parametrize("length", [90, 108, 250])
def test_any_length_of_the_path_will_do(tmp_path: pathlib.Path, server: Script, length: int) -> None:
    directory = tmp_path / ("x" * max(1, length - len(str(tmp_path)) - 1))
    run = Run(directory)
    try:
        assert invoke(run, server, READ)[0].error is None
    finally:
        run.end()


def test_a_directory_that_cannot_be_written_is_an_error_that_says_so(tmp_path: pathlib.Path) -> None:
    client = BrokerClient(str(tmp_path / "missing"), os.getpid(), identity(), lambda line: None)
    with pytest.raises(UnreachableError, match="ANSIBLE_LOCAL_TEMP"):
        client.invoke([READ], fresh=False, reuse=0)


def test_errors_keep_their_class_on_the_way(run: Run, script: Callable[..., Script]) -> None:
    server = script((401, b""))
    with pytest.raises(ExchangeError) as refusal:
        invoke(run, server, READ)
    assert type(refusal.value).__name__ == "TokenRefusedError"


def test_a_secret_that_the_service_quotes_is_hidden(run: Run, script: Callable[..., Script]) -> None:
    server = script((200, WHO), (400, {"error": {"details": [{"message": "||The token planted-token is odd."}]}}))
    (result,) = invoke(run, server, WRITE)
    assert "planted-token" not in str(result.error) + "".join(run.log)
    assert "********" in str(result.error)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_broker_that_has_ended_holds_nothing_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    Broker().end()
    assert set(os.listdir("/proc/self/fd")) == before


def test_an_errand_after_the_end_fails_at_once() -> None:
    errands = Errands()
    errands.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        errands.run(list)
