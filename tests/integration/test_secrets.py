# SPDX-License-Identifier: GPL-3.0-or-later
"""Every credential, every kind of failure, and a search for the secrets wherever a run leaves a trace."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import pathlib
import re
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.message_trace import row

from .playbook import Controller, Run
from .processes import processes, shells
from .tenant import CONNECTION

pytestmark = pytest.mark.usefixtures("executed")

WRITE = {"name": "write", "m365.message_encryption.irm_configuration": {"search_enabled": False, "verify_timeout": 2}}
ASK = {
    "name": "ask",
    "m365.message_encryption.exchange_connection_info": {},
    "ignore_errors": True,
    "ignore_unreachable": True,
}


def _credentials(emulator: Emulator, place: int = 0) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """A name to the variables of a credential of one of the organizations, and the secrets in it."""
    described = emulator.describe()
    organization = described["organizations"][place]
    rest = {
        "ansible_exchange_transport": "rest",
        "ansible_exchange_api_url": described["api_url"],
        "ansible_exchange_authority_url": described["authority_url"],
        "ansible_exchange_ca_cert": described["ca_cert"],
    }
    application = {"ansible_exchange_client_id": organization["client_id"]}
    host = {
        "ansible_exchange_transport": "psrp",
        "ansible_host": described["psrp"]["host"],
        "ansible_port": described["psrp"]["port"],
        "ansible_psrp_ca_cert": described["ca_cert"],
        "ansible_psrp_operation_timeout": 5,
    }
    user = {
        "ansible_user": organization["psrp_user"],
        "ansible_password": organization["psrp_password"],
        "ansible_psrp_auth": "basic",
    }
    password, certificate_password = organization["psrp_password"], organization["certificate_password"]
    basic = base64.b64encode(f"{organization['psrp_user']}:{password}".encode()).decode()
    key = [
        line
        for line in pathlib.Path(organization["certificate_path"]).read_text(encoding="utf-8").splitlines()
        if len(line) == 64
    ]
    certificate = {
        "ansible_exchange_certificate_path": organization["certificate_pfx_path"],
        "ansible_exchange_certificate_password": certificate_password,
    }
    token = emulator.token(organization["name"])
    powershell = {name: value for name, value in rest.items() if name != "ansible_exchange_api_url"}
    powershell |= {
        "ansible_exchange_transport": "powershell",
        "ansible_exchange_powershell_path": described["powershell_path"],
    }
    return {
        "client secret for PowerShell": (
            {**powershell, **application, "ansible_exchange_client_secret": organization["client_secret"]},
            [organization["client_secret"]],
        ),
        "certificate for PowerShell": ({**powershell, **application, **certificate}, [certificate_password, *key]),
        "token for PowerShell": (
            {**powershell, "ansible_exchange_access_token": token},
            [token, token.rpartition(".")[2]],
        ),
        "client secret": (
            {**rest, **application, "ansible_exchange_client_secret": organization["client_secret"]},
            [organization["client_secret"]],
        ),
        "certificate in PEM": (
            {**rest, **application, "ansible_exchange_certificate_path": organization["certificate_path"]},
            key,
        ),
        "certificate in PFX": ({**rest, **application, **certificate}, [certificate_password, *key]),
        "token": ({**rest, "ansible_exchange_access_token": token}, [token, token.rpartition(".")[2]]),
        "user and thumbprint": (
            {
                **host,
                **user,
                **application,
                "ansible_exchange_certificate_thumbprint": organization["certificate_thumbprint"],
            },
            [password, basic],
        ),
        "user and certificate": (
            {**host, **user, **application, **certificate},
            [password, basic, certificate_password],
        ),
        "client certificate": (
            {
                **host,
                **application,
                "ansible_psrp_auth": "certificate",
                "ansible_psrp_certificate_pem": organization["certificate_path"],
                "ansible_psrp_certificate_key_pem": organization["certificate_path"],
                "ansible_exchange_psrp_connect": "none",
                "ansible_psrp_configuration_name": "OnlyExchange",
            },
            key,
        ),
    }


NAMES = (
    "client secret",
    "certificate in PEM",
    "certificate in PFX",
    "token",
    "user and thumbprint",
    "user and certificate",
    "client certificate",
)


def _faults(*kinds: str, **more: Any) -> Callable[..., list[dict[str, Any]]]:
    return lambda organization, variables: [
        {"kind": kind, "times": None, "nth": 3, "organization": organization, **more} for kind in kinds
    ]


def _none(_organization: str, _variables: dict[str, Any]) -> list[dict[str, Any]]:
    return []


def _wrong(_organization: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """The right secret of somebody else."""
    if "ansible_exchange_access_token" not in variables:
        variables["ansible_exchange_client_id"] = "somebody-else"
    if "ansible_user" in variables:
        variables["ansible_user"] = "somebody-else"
    return []


def _unreachable(_organization: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    variables.update(
        {
            name: "https://127.0.0.1:9"
            for name in ("ansible_exchange_api_url", "ansible_exchange_authority_url")
            if name in variables
        }
    )
    if "ansible_port" in variables:
        variables["ansible_port"] = 9
    return []


def _contradiction(_organization: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    variables["ansible_exchange_managed_identity"] = True
    variables["ansible_exchange_federated_token_file"] = "missing"
    return []


#: A failure to what changes a host's variables so that it comes about, and gives the faults of its organization.
FAILURES: Mapping[str, Callable[[str, dict[str, Any]], list[dict[str, Any]]]] = {
    "none": _none,
    "wrong": _wrong,
    "unreachable": _unreachable,
    "untrusted": _none,
    "contradiction": _contradiction,
    "refused": _faults("403"),
    "failing": _faults("500"),
    "lost": _faults("lost_after"),
    "garbled": _faults("garbled", "truncated", nth=2),
    "page": _faults("wrong_content_type"),
    "error": _faults("error_in_200", cmdlet="Set-*", nth=1),
}


class _Watch:
    """Collects what can be seen of a controller's processes and files while they are there."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.seen: dict[str, bytes] = {}
        self._looks: dict[pathlib.Path, tuple[int, int]] = {}
        #: Processes that were there before.
        self._others = {*os.listdir("/proc")}
        self._end = threading.Event()

    def look(self) -> None:
        found = processes(self.home, self._others)
        for pid, command in {**found, **dict.fromkeys(shells(self.home, self._others), "PowerShell")}.items():
            with contextlib.suppress(OSError):
                commands, environ = pathlib.Path(f"/proc/{pid}/cmdline"), pathlib.Path(f"/proc/{pid}/environ")
                before, environment, after = commands.read_bytes(), environ.read_bytes(), commands.read_bytes()
                self.seen[f"cmdline of {pid}: {command}"] = after
                # One that runs another program meanwhile would be taken for the one that it was, with the other's
                # environment.
                if before == after and (command == "PowerShell" or before.replace(b"\0", b" ").decode() == command):
                    self.seen[f"environ of {pid}: {command}"] = environment
        for path in self._files():
            with contextlib.suppress(OSError):
                state = path.stat()
                look = (state.st_size, state.st_mtime_ns)
                if stat.S_ISREG(state.st_mode) and path.name != "inventory.yml" and self._looks.get(path) != look:
                    self._looks[path] = look
                    self._keep(str(path), path.read_bytes())

    def _keep(self, name: str, content: bytes) -> None:
        """Every content that a file had, but one to which it only added."""
        if content.startswith(before := self.seen.get(name, b"")):
            self.seen[name] = content
        else:
            self.seen[f"{name} {len(self.seen)}"] = before
            self.seen[name] = content

    def _files(self) -> list[pathlib.Path]:
        """The files below the home; asked again where a directory goes while it is looked at."""
        while True:
            with contextlib.suppress(OSError):
                return list(self.home.rglob("*"))

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        def watch() -> None:
            while not self._end.wait(0.05):
                self.look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()
            self.look()


def _moved(variables: dict[str, Any]) -> dict[str, str]:
    """Takes what environment variables can give out of the inventory's variables, and gives these environment
    variables.
    """
    names = {
        name: name.removeprefix("ansible_").upper()
        for name in variables
        if re.fullmatch("ansible_exchange_(client_.*|certificate_.*|access_token)", name)
    }
    return {environment: str(variables.pop(name)) for name, environment in names.items()}


#: Credentials of either wire. Every one is tried with what goes to the heart of it; the first of each wire, with
#: everything else.
CASES = [
    *((name, "none") for name in NAMES),
    # Of a token and of a client certificate there is no other that is right.
    *((name, "wrong") for name in NAMES if name not in ("token", "client certificate")),
    *((name, "refused") for name in NAMES),
    *(
        (name, failure)
        for failure in FAILURES
        if failure not in ("none", "wrong", "refused", "untrusted")
        for name in ("client secret", "user and certificate")
    ),
]
#: Where Microsoft's module runs here: what it is told, and what it and its process leave behind.
POWERSHELL_CASES = [
    *(("client secret for PowerShell", failure) for failure in ("none", "wrong", "lost", "error")),
    ("certificate for PowerShell", "none"),
    ("token for PowerShell", "lost"),
]
#: What runs together, a host for each.
RUNS = {
    "variables": CASES,
    # Who runs the server has no other certificate for one of many organizations.
    "variables of whom nobody trusts": [("client secret", "untrusted"), ("user and certificate", "untrusted")],
    "variables for PowerShell": POWERSHELL_CASES,
    # Environment variables are the same for all hosts. What becomes of a failure does not depend on where a variable
    # is from.
    "environment": [("client secret", failure) for failure in ("none", "wrong", "contradiction")],
    "environment, a certificate": [("user and certificate", "none"), ("certificate in PFX", "none")],
    "environment, a token": [("token", "failing")],
    "environment for PowerShell": [("client secret for PowerShell", "none")],
}
#: A failure of one organization is one of all hosts with its variables, so that these run for themselves.
MORE_RUNS = {
    f"environment, {name}, {failure}": [(name, failure)]
    for name, failure in [
        *(("client secret", failure) for failure in ("unreachable", "refused", "lost")),
        *(
            ("user and certificate", failure)
            for failure in ("wrong", "unreachable", "contradiction", "refused", "lost")
        ),
        ("token", "none"),
        ("token for PowerShell", "none"),
    ]
} | {"variables for PowerShell, unreachable": [("client secret for PowerShell", "unreachable")]}


def _watched(
    home: pathlib.Path,
    hosts: Mapping[str, Any],
    tasks: list[dict[str, Any]],
    environment: Mapping[str, str],
) -> tuple[Run, dict[str, bytes]]:
    """A run of tasks that says all it can, and every place where it leaves something."""
    controller = Controller(home, {"all": {"hosts": dict(hosts)}})
    file = home / "play.yml"
    file.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    watch = _Watch(home)
    with watch.watching():
        run = controller.playbook(
            str(file),
            "-vvvvv",
            "--diff",
            ANSIBLE_LOG_PATH=str(home / "log"),
            ANSIBLE_LOCAL_TEMP=str(home / "tmp"),
            **environment,
        )
    return run, {"output": run.output.encode(), **watch.seen}


@pytest.mark.organizations(*(f"{failure}.onmicrosoft.com" for failure in ("none", "refused", "lost")))
def test_neither_secrets_of_graph_nor_people_of_its_trace_are_anywhere(
    emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    received = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=6)
    rows = [
        row(number, received, "planted-sender@contoso.com", "planted-recipient@fabrikam.com", Subject="planted subject")
        for number in range(3)
    ]
    hosts, secrets = {}, ["planted"]
    for place, organization in enumerate(emulator.organizations):
        variables, more = _credentials(emulator, place)["client secret"]
        secrets += more
        emulator.organizations[organization].patch({"message_trace": rows})
        emulator.applications[organization].graph_permission = not organization.startswith("refused")
        hosts[organization.partition(".")[0]] = {
            "ansible_connection": CONNECTION,
            "ansible_exchange_organization": organization,
            "ansible_exchange_graph_url": emulator.url,
            "ansible_exchange_retries": 1,
            **variables,
        }
    emulator.faults.set(
        [{"kind": "lost_after", "step": "graph", "organization": "lost.onmicrosoft.com", "times": None}]
    )
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    replay = {"m365.message_encryption.mail_flow_replay": {"trace_source": "graph", "examples": 1}}
    run, places = _watched(home, hosts, [{"name": "replay", "ignore_errors": True, **replay}], {})
    outcomes = {task.host: task.outcome for task in run}
    assert outcomes == {"none": "ok", "refused": "failed", "lost": "unreachable"}, run.output[-3000:]
    assert "3 copies of 3 messages" in run.output
    assert emulator.faults.struck
    assert [
        (secret, where) for where, content in places.items() for secret in secrets if secret.encode() in content
    ] == []
    assert [where for where, content in places.items() if re.search(rb"eyJ[\w-]+\.eyJ", content)] == []


@pytest.mark.engine
def test_no_secret_of_a_session_with_the_compliance_endpoint_is_anywhere(
    engine: Engine | None, tmp_path: pathlib.Path
) -> None:
    credentials = ("client secret", "user and certificate", "certificate for PowerShell")
    names = [f"{kind}{place}.onmicrosoft.com" for place in range(len(credentials)) for kind in ("granted", "refused")]
    states = [{"name": name, "compliance_role": name.startswith("granted")} for name in names]
    with Emulator(states, directory=tmp_path / "emulator", engine=engine) as emulator:
        hosts, secrets = {}, []
        for number, organization in enumerate(names):
            variables, own = _credentials(emulator, number)[credentials[number // 2]]
            secrets += own
            hosts[organization.partition(".")[0]] = {
                "ansible_connection": CONNECTION,
                "ansible_exchange_organization": organization,
                "ansible_exchange_compliance_url": emulator.describe()["compliance_url"],
                "ansible_exchange_retries": 1,
                **variables,
            }
        home = tmp_path / "home"
        (home / "tmp").mkdir(parents=True)
        read = {"m365.message_encryption.message_encryption_info": {"gather": ["labels"]}}
        run, places = _watched(home, hosts, [{"name": "read", **read}], {})
        opened = {call.organization for call in emulator.calls if call.cmdlet == "Get-Label"}
    assert {task.host for task in run if "labels" in task.result} == {
        name.partition(".")[0] for name in names if name.startswith("granted")
    }, run.output[-3000:]
    assert opened == {name for name in names if name.startswith("granted")}
    assert [secret for secret in secrets for content in places.values() if secret.encode() in content] == []
    assert [where for where, content in places.items() if re.search(rb"eyJ[\w-]+\.eyJ", content)] == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[
                *([pytest.mark.engine] if "for PowerShell" in name else []),
                *([pytest.mark.matrix] if name in MORE_RUNS else []),
            ],
        )
        for name in (*RUNS, *MORE_RUNS)
    ],
)
def test_no_secret_is_anywhere(
    engine: Engine | None, tmp_path: pathlib.Path, record_property: Callable[[str, object], None], name: str
) -> None:
    cases = (RUNS | MORE_RUNS)[name]
    in_environment = name.startswith("environment")
    organizations = [f"o{number}.onmicrosoft.com" for number in range(1 if in_environment else len(cases))]
    with Emulator(organizations, directory=tmp_path / "emulator", engine=engine) as emulator:
        hosts: dict[str, dict[str, Any]] = {}
        secrets: dict[str, str] = {}
        environment: dict[str, str] = {}
        faults: list[dict[str, Any]] = []
        for number, (credential, failure) in enumerate(cases):
            organization = organizations[0 if in_environment else number]
            variables, own = _credentials(emulator, organizations.index(organization))[credential]
            if in_environment:
                environment |= _moved(variables)
                if credential == "user and certificate":
                    own = own[2:]  # the user's password has no environment variable
            faults += FAILURES[failure](organization, variables)
            secrets |= dict.fromkeys(own, credential)
            hosts[f"{credential} {failure}".replace(" ", "_")] = {
                "ansible_connection": CONNECTION,
                "ansible_exchange_organization": organization,
                "ansible_exchange_retries": 1,
                "ansible_exchange_powershell_processes": len(cases),
                **variables,
            }
        if name.endswith("nobody trusts"):
            emulator.change_certificate(trusted=False)
        emulator.faults.set(faults)
        home = tmp_path / "home"
        (home / "tmp").mkdir(parents=True)
        run, places = _watched(home, hosts, [ASK, WRITE], environment)
        assert {strike.organization for strike in emulator.faults.struck} == {fault["organization"] for fault in faults}
    written = {task.host for task in run.all("write") if task.outcome == "ok"}
    assert written == {host for host in hosts if host.endswith("_none")}, run.output[-3000:]
    seen = [place for place in places if place.startswith("environ of")]
    shown = [host for host in hosts if "PowerShell" in host and host.endswith(("_none", "_lost", "_error"))]
    assert len([place for place in seen if place.endswith("PowerShell")]) >= len(shown)
    assert any("_broker.server import main" in place for place in seen) or {failure for _name, failure in cases} == {
        "contradiction"
    }
    if in_environment:
        # What the user gave to ansible-playbook is in its environment and in that of its forks, which are
        # ansible-playbook too.
        own_places = [places.pop(place) for place in seen if "ansible-playbook -i" in place]
        assert own_places
        assert all(value.encode() in content for content in own_places for value in environment.values())
    found = [
        (credential, where)
        for secret, credential in secrets.items()
        for where, content in places.items()
        if secret.encode() in content
    ]
    assert found == []
    record_property("secrets searched", len(secrets) * len(places))
