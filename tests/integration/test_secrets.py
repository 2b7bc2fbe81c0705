# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every credential, every kind of failure, and a search for the secrets wherever a run leaves a trace."""

from __future__ import annotations

import base64
import contextlib
import datetime
import pathlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
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


def _credentials(emulator: Emulator) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """A name to the variables of a credential, and the secrets in it."""
    described = emulator.describe()
    organization = described["organizations"][0]
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
    token = emulator.token()
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


def _faults(*kinds: str, **more: Any) -> Callable[..., None]:
    def fail(emulator: Emulator, *hosts: dict[str, Any]) -> None:
        # The events of each wire are counted for themselves, so that its host meets what it would meet alone.
        wires = [
            None if host["ansible_exchange_transport"] == "powershell" else host["ansible_exchange_transport"]
            for host in hosts
        ]
        assert len(wires) == len({*wires})
        emulator.faults.set(
            [{"kind": kind, "times": None, "nth": 3, "wire": wire, **more} for wire in wires for kind in kinds]
        )

    return fail


def _wrong(_emulator: Emulator, *hosts: dict[str, Any]) -> None:
    """The right secret of somebody else."""
    for variables in hosts:
        if "ansible_exchange_access_token" not in variables:
            variables["ansible_exchange_client_id"] = "somebody-else"
        if "ansible_user" in variables:
            variables["ansible_user"] = "somebody-else"


def _unreachable(_emulator: Emulator, *hosts: dict[str, Any]) -> None:
    for variables in hosts:
        variables.update(
            {
                name: "https://127.0.0.1:9"
                for name in ("ansible_exchange_api_url", "ansible_exchange_authority_url")
                if name in variables
            }
        )
        if "ansible_port" in variables:
            variables["ansible_port"] = 9


def _contradiction(_emulator: Emulator, *hosts: dict[str, Any]) -> None:
    for variables in hosts:
        variables["ansible_exchange_managed_identity"] = True
        variables["ansible_exchange_federated_token_file"] = "missing"


#: A failure to what brings it about, for hosts with these variables.
FAILURES: Mapping[str, Callable[..., None]] = {
    "none": lambda emulator, *hosts: None,
    "wrong": _wrong,
    "unreachable": _unreachable,
    "untrusted": lambda emulator, *hosts: emulator.change_certificate(trusted=False),
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
        self._end = threading.Event()

    def look(self) -> None:
        for pid, command in {**processes(self.home), **dict.fromkeys(shells(self.home), "PowerShell")}.items():
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
                if path.is_file() and path.name != "inventory.yml":
                    self.seen[f"{path} {path.stat().st_size}"] = path.read_bytes()

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


#: Credentials that run together, a host for each: over each wire one, where its faults are counted.
PAIRS = (
    ("client secret", "user and certificate"),
    ("certificate in PEM", "user and thumbprint"),
    ("certificate in PFX", "client certificate"),
    ("token",),
)
#: Every credential with what goes to the heart of it, and one for each wire with everything else.
CASES = [
    (NAMES, "none"),
    # Of a token and of a client certificate there is no other that is right.
    (tuple(name for name in NAMES if name not in ("token", "client certificate")), "wrong"),
    *((pair, "refused") for pair in PAIRS),
    *((PAIRS[0], failure) for failure in FAILURES if failure not in ("none", "wrong", "refused")),
]
#: Where Microsoft's module runs here: what it is told, and what it and its process leave behind.
POWERSHELL_CASES = [
    *(("variables", ("client secret for PowerShell",), failure) for failure in ("none", "wrong", "lost", "error")),
    ("variables", ("certificate for PowerShell",), "none"),
    ("variables", ("token for PowerShell",), "lost"),
    ("environment", ("client secret for PowerShell",), "none"),
]
MORE_POWERSHELL_CASES = [
    ("variables", ("client secret for PowerShell",), "unreachable"),
    ("environment", ("token for PowerShell",), "none"),
]
#: Those that environment variables can give, over both wires. What becomes of a failure does not depend on where a
#: variable is from.
ENVIRONMENT_CASES = [
    *(("client secret", failure) for failure in ("none", "wrong", "contradiction")),
    ("user and certificate", "none"),
    ("certificate in PFX", "none"),
    ("token", "failing"),
]
MORE_ENVIRONMENT_CASES = [
    *(("client secret", failure) for failure in ("unreachable", "refused", "lost")),
    *(("user and certificate", failure) for failure in ("wrong", "unreachable", "contradiction", "refused", "lost")),
    ("token", "none"),
]


def _watched(
    home: pathlib.Path, hosts: Mapping[str, Any], tasks: list[dict[str, Any]], environment: Mapping[str, str]
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


@pytest.mark.parametrize("failure", ["none", "refused", "lost"])
def test_neither_secrets_of_graph_nor_people_of_its_trace_are_anywhere(
    emulator: Emulator, tmp_path: pathlib.Path, failure: str
) -> None:
    variables, secrets = _credentials(emulator)["client secret"]
    organization = "contoso.onmicrosoft.com"
    asked = {
        "ansible_exchange_organization": organization,
        "ansible_exchange_graph_url": emulator.url,
        "ansible_exchange_retries": 1,
    }
    received = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=6)
    rows = [
        row(number, received, "planted-sender@contoso.com", "planted-recipient@fabrikam.com", Subject="planted subject")
        for number in range(3)
    ]
    emulator.organizations[organization].patch({"message_trace": rows})
    emulator.applications[organization].graph_permission = failure != "refused"
    emulator.faults.set([{"kind": "lost_after", "step": "graph", "times": None}] if failure == "lost" else [])
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    replay = {"m365.message_encryption.mail_flow_replay": {"trace_source": "graph", "examples": 1}}
    run, places = _watched(
        home, {"contoso": {"ansible_connection": CONNECTION, **variables, **asked}}, [{"name": "replay", **replay}], {}
    )
    assert (run.rc == 0) == (failure == "none"), run.output[-3000:]
    assert ("3 copies of 3 messages" in run.output) == (failure == "none")
    assert emulator.graph.asked or failure == "refused"
    for name, content in places.items():
        for secret in (*secrets, "planted"):
            assert secret.encode() not in content, f"{secret} is in {name}"
        assert not re.search(rb"eyJ[\w-]+\.eyJ", content), f"a token is in {name}"


@pytest.mark.parametrize(
    ("place", "names", "failure"),
    [
        *(("variables", *case) for case in CASES),
        *(("environment", (name,), failure) for name, failure in ENVIRONMENT_CASES),
        *(
            pytest.param("environment", (name,), failure, marks=pytest.mark.matrix)
            for name, failure in MORE_ENVIRONMENT_CASES
        ),
        *(pytest.param(*case, marks=pytest.mark.engine) for case in POWERSHELL_CASES),
        *(pytest.param(*case, marks=[pytest.mark.engine, pytest.mark.matrix]) for case in MORE_POWERSHELL_CASES),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0] if len(value) < 3 else "all",
)
def test_no_secret_is_anywhere(
    emulator: Emulator,
    tmp_path: pathlib.Path,
    record_property: Callable[[str, object], None],
    place: str,
    names: tuple[str, ...],
    failure: str,
) -> None:
    always = {
        "ansible_connection": CONNECTION,
        "ansible_exchange_organization": "contoso.onmicrosoft.com",
        "ansible_exchange_retries": 1,
    }
    credentials = _credentials(emulator)
    hosts = {name.replace(" ", "_"): always | credentials[name][0] for name in names}
    secrets = {secret: name for name in names for secret in credentials[name][1]}
    environment = _moved(hosts[names[0].replace(" ", "_")]) if place == "environment" else {}
    if place == "environment" and names == ("user and certificate",):
        secrets = dict(list(secrets.items())[2:])  # the user's password has no environment variable
    FAILURES[failure](emulator, *hosts.values())
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    run, places = _watched(home, hosts, [ASK, WRITE], environment)
    written = {task.host for task in run.all("write") if task.outcome == "ok"}
    assert written == (set(hosts) if failure == "none" else set()), run.output[-3000:]
    assert any(name.startswith("environ") for name in places)
    if "PowerShell" in names[0] and failure in ("none", "lost", "error"):
        assert any(name.startswith("environ") and name.endswith("PowerShell") for name in places)
    if place == "environment":
        # What the user gave to ansible-playbook is in its environment and in that of its forks, which are
        # ansible-playbook too.
        own = {
            name: places.pop(name)
            for name in list(places)
            if name.startswith("environ of") and "ansible-playbook -i" in name
        }
        assert all(value.encode() in content for content in own.values() for value in environment.values())
        assert own
        assert failure == "contradiction" or any("_broker.server import main" in name for name in places)
    for secret, name in secrets.items():
        for where, content in places.items():
            assert secret.encode() not in content, f"a secret of the {name} is in {where}"
    record_property("secrets searched", len(secrets) * len(places))
