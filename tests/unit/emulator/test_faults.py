# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on both wires."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from tests.emulator import Emulator
from tests.emulator.faults import Fault, Faults, load, random_schedule

from .conftest import Client

NAME = "contoso.onmicrosoft.com"


def _stored(client: Client) -> bool:
    return client.emulator.organizations[NAME].state["ome_configurations"][0]["OTPEnabled"] is False


def _set(client: Client) -> requests.Response:
    return client.invoke("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False)


def _read(client: Client) -> bool:
    return bool(client.invoke("Get-OMEConfiguration").json()["value"][0]["OTPEnabled"])


def test_a_schedule_counts_what_it_matches() -> None:
    faults = Faults()
    faults.set([{"kind": "500", "cmdlet": "Set-*", "nth": 2, "times": 2}, {"kind": "429", "wire": "psrp"}])
    hits = [faults.transport("rest", "invoke", [name], NAME) for name in ("Set-X", "Get-X", "Set-X", "set-y", "Set-X")]
    assert [hit.kind if hit else None for hit in hits] == [None, None, "500", "500", None]
    assert faults.transport("rest", "batched", ["Set-X"], NAME) is None
    assert [strike.cmdlets for strike in faults.struck] == [["Set-X"], ["set-y"]]


def test_a_schedule_is_checked() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Fault("flood")
    with pytest.raises(ValueError, match="unknown keys of a fault: when"):
        load('[{"kind": "500", "when": 1}]')


@pytest.mark.parametrize("wire", ["rest", "psrp"])
def test_a_seed_makes_the_same_schedule(wire: str) -> None:
    assert random_schedule(7, wire=wire) == random_schedule(7, wire=wire) != random_schedule(8, wire=wire)


@pytest.mark.parametrize(("kind", "done"), [("lost_before", False), ("lost_after", True), ("half_answer", True)])
def test_a_connection_is_lost(client: Client, kind: str, done: bool) -> None:
    client.emulator.faults.set([{"kind": kind, "step": "invoke"}])
    with pytest.raises(requests.RequestException):
        _set(client)
    assert _stored(client) is done
    assert _set(client).ok


@pytest.mark.parametrize("kind", ["truncated", "garbled", "wrong_content_type"])
def test_an_answer_is_unreadable(client: Client, kind: str) -> None:
    client.emulator.faults.set([{"kind": kind}])
    answer = _set(client)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert _stored(client)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("status", [403, 404, 409, 429, 500, 503, 504])
def test_a_status_comes_instead(client: Client, status: int, after: bool) -> None:
    client.emulator.faults.set([{"kind": str(status), "after": after, "retry_after": 3}])
    answer = _set(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "3")
    assert _stored(client) is after


def test_too_many_requests_in_plain_words(client: Client) -> None:
    client.emulator.faults.set([{"kind": "concurrency_text"}])
    answer = _set(client)
    assert answer.text.startswith("You have reached the maximum number of concurrent requests per tenant")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("kind", ["401_expired", "401_revoked"])
def test_a_token_ends_in_mid_run(client: Client, kind: str) -> None:
    emulator = client.emulator
    emulator.faults.set([{"kind": kind, "nth": 2}])
    assert client.invoke("Get-IRMConfiguration").ok
    assert _set(client).status_code == 401
    refused = _set(client)
    assert refused.status_code == 401
    assert ("claims=" in refused.headers["WWW-Authenticate"]) is (kind == "401_revoked")
    client.session.headers["Authorization"] = f"Bearer {emulator.token(NAME)}"
    assert _set(client).status_code == (401 if kind == "401_revoked" else 200)
    fresh = emulator.authority.issue(emulator.applications[NAME], emulator.organizations[NAME], claims="{}")
    client.session.headers["Authorization"] = f"Bearer {fresh}"
    assert _set(client).ok


def test_an_error_hides_in_a_success(client: Client) -> None:
    client.emulator.faults.set([{"kind": "error_in_200"}])
    body = _set(client).json()
    assert body["value"] == []
    assert "SuitabilityDirectoryException" in body["@adminapi.errors"][0]
    assert not _stored(client)


def test_a_write_silently_does_nothing(client: Client) -> None:
    client.emulator.faults.set([{"kind": "silent_noop", "cmdlet": "Set-*"}])
    answer = _set(client)
    assert (answer.status_code, answer.json()["@adminapi.warnings"]) == (200, [])
    assert not _stored(client)


@pytest.mark.parametrize(
    ("alternate", "seen"), [(False, [True, True, True, False]), (True, [True, False, True, False])]
)
def test_reads_lag_behind(client: Client, alternate: bool, seen: list[bool]) -> None:
    client.emulator.faults.set([{"kind": "stale_reads", "cmdlet": "Set-*", "reads": 3, "alternate": alternate}])
    _set(client)
    assert _stored(client)
    assert [_read(client) for _unused in range(4)] == seen


def test_one_request_of_a_batch_fails(client: Client) -> None:
    client.emulator.faults.set([{"kind": "429", "step": "batched", "cmdlet": "Get-IRMConfiguration", "retry_after": 1}])
    batch = {"requests": [client.part("Get-OMEConfiguration"), client.part("Get-IRMConfiguration")]}
    statuses = {row["id"]: row["status"] for row in client.post("$batch", batch).json()["responses"]}
    assert statuses == {"Get-OMEConfiguration": 200, "Get-IRMConfiguration": 429}


def test_an_answer_is_huge(client: Client) -> None:
    client.emulator.faults.set([{"kind": "huge", "size": 3_000_000}])
    assert len(client.invoke("Get-IRMConfiguration").json()["value"][0]["Padding"]) == 3_000_000


def test_signing_in_fails_for_a_while(client: Client) -> None:
    client.control("POST", "faults", [{"kind": "503", "step": "token", "times": 2}])
    url = f"{client.emulator.url}/{NAME}/oauth2/v2.0/token"
    assert [client.session.post(url, data={}, timeout=60).status_code for _unused in range(3)] == [503, 503, 400]
    assert len(client.control("GET", "faults")["struck"]) == 2


def test_the_certificate_changes(client: Client) -> None:
    client.emulator.change_certificate(trusted=False)
    with pytest.raises(requests.exceptions.SSLError):
        _set(client)
    client.emulator.change_certificate()
    assert _set(client).ok


def test_page_links_may_have_expired(client: Client) -> None:
    rules = [{"Name": name, "Guid": name, "DeleteMessage": True} for name in "abc"]
    client.emulator.organizations[NAME].replace({"page_size": 2, "page_links": "expired", "transport_rules": rules})
    link = client.invoke("Get-TransportRule").json()["@odata.nextLink"]
    answer = client.session.post(link, json={}, timeout=60)
    assert "Expired or Invalid pagination request" in answer.text


def test_properties_come_and_go(client: Client) -> None:
    client.emulator.organizations[NAME].patch(
        {
            "added_properties": {"Get-OMEConfiguration": {"NewToday": "x"}},
            "dropped_properties": {"Get-OMEConfiguration": ["ImageUrl"]},
            "flickering_properties": {"Get-OMEConfiguration": ["PortalText"]},
        }
    )
    shown = [client.invoke("Get-OMEConfiguration").json()["value"][0] for _unused in range(2)]
    assert ["PortalText" in row for row in shown] == [False, True]
    assert all("NewToday" in row and "ImageUrl" not in row for row in shown)


def test_messages_speak_french(client: Client) -> None:
    client.emulator.organizations[NAME].patch({"locale": "fr-FR"})
    answer = client.invoke("Set-OMEConfiguration", Identity="nobody")
    assert "introuvable" in json.dumps(answer.json(), ensure_ascii=False)
    (warning,) = client.invoke("Set-IRMConfiguration", SearchEnabled=True).json()["@adminapi.warnings"]
    assert warning.startswith("La commande")


class Shell:
    """A PSRP session that repeats a lost message once, unchanged, as a good client does."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        (credentials,) = (row for row in emulator.describe()["organizations"] if row["name"] == NAME)
        self.line = WSMan(
            "127.0.0.1",
            port=emulator.psrp_front.port,
            auth="basic",
            username=credentials["psrp_user"],
            password=credentials["psrp_password"],
            cert_validation=str(emulator.ca_cert),
            no_proxy=True,
        )
        self.pool = RunspacePool(self.line, configuration_name="MessageEncryption")
        self.pool.open()

    def repeat_what_is_lost(self) -> None:
        original = self.line.transport.send

        def again(message: bytes, **keywords: Any) -> bytes:
            try:
                return bytes(original(message, **keywords))
            except requests.RequestException:
                return bytes(original(message, **keywords))

        self.line.transport.send = again

    def run(self, cmdlet: str, **parameters: Any) -> PowerShell:
        shell = PowerShell(self.pool)
        shell.add_cmdlet(cmdlet).add_parameters(parameters)
        shell.invoke()
        return shell

    def write(self) -> PowerShell:
        return self.run("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False, Confirm=False)


@pytest.fixture
def shell(emulator: Emulator) -> Iterator[Shell]:
    for organization in emulator.organizations.values():
        organization.replace({})
    emulator.reset()
    made = Shell(emulator)
    yield made
    emulator.reset()
    made.line.close()
    emulator.psrp.kill_shells()


def _was_written(shell: Shell) -> bool:
    return shell.emulator.organizations[NAME].state["ome_configurations"][0]["OTPEnabled"] is False


@pytest.mark.parametrize("step", ["command", "receive", "signal"])
@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "half_answer"])
def test_a_repeated_message_survives_a_loss(shell: Shell, step: str, kind: str) -> None:
    shell.emulator.faults.set([{"kind": kind, "wire": "psrp", "step": step, "cmdlet": "Set-*"}])
    shell.repeat_what_is_lost()
    done = shell.write()
    done.close()
    assert not done.streams.error
    assert [entry.cmdlet for entry in shell.emulator.calls] == ["Set-OMEConfiguration"]
    assert len(shell.emulator.faults.struck) == 1


@pytest.mark.parametrize(("kind", "done"), [("lost_before", False), ("lost_after", True)])
def test_a_lost_command_may_have_run(shell: Shell, kind: str, done: bool) -> None:
    shell.emulator.faults.set([{"kind": kind, "step": "command"}])
    with pytest.raises(requests.ConnectionError):
        shell.write()
    assert shell.emulator.psrp.settle(5)
    assert _was_written(shell) is done


def test_a_shell_dies_under_a_running_pipeline(shell: Shell) -> None:
    shell.emulator.faults.set([{"kind": "dead_shell", "step": "receive"}])
    with pytest.raises(WSManFaultError) as caught:
        shell.write()
    assert caught.value.code == 2150858843


def test_an_operation_timeout_is_no_loss(shell: Shell) -> None:
    shell.emulator.faults.set([{"kind": "operation_timeout", "step": "receive", "times": 3}])
    assert shell.run("Get-IRMConfiguration").output
    assert len(shell.emulator.faults.struck) == 3


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_the_service_answers_with_a_status(shell: Shell, status: str) -> None:
    shell.emulator.faults.set([{"kind": status, "step": "command"}])
    # An HTML page that is good XML is taken for a fault without a code.
    with pytest.raises((WinRMTransportError, WSManFaultError)) as caught:
        shell.write()
    assert caught.value.code == (None if status == "503" else int(status))
    assert not _was_written(shell)


def test_clixml_ends_in_the_middle(shell: Shell) -> None:
    shell.emulator.faults.set([{"kind": "garbled", "cmdlet": "Get-*"}])
    # pypsrp hands out what it can't read as text.
    (output,) = shell.run("Get-IRMConfiguration").output
    assert output.startswith("<Obj ")
    assert not output.endswith("</Obj>")


def test_an_error_comes_beside_a_success(shell: Shell) -> None:
    shell.emulator.faults.set([{"kind": "transient"}])
    assert "please wait a few minutes" in str(shell.write().streams.error[0])
    assert not _was_written(shell)


@pytest.mark.parametrize(("after", "seen"), [(False, False), (True, True)])
def test_another_administrator_is_faster(client: Client, after: bool, seen: bool) -> None:
    edit = {"cmdlet": "Set-OMEConfiguration", "parameters": {"Identity": "OME Configuration", "OTPEnabled": False}}
    client.emulator.faults.set([{"kind": "portal_edit", "cmdlet": "Get-*", "edit": edit, "after": after}])
    assert [_read(client), _read(client)] == [seen, False]
    assert [entry.cmdlet for entry in client.emulator.calls] == ["Get-OMEConfiguration"] * 2


def test_a_redirect_leads_elsewhere(client: Client) -> None:
    elsewhere = client.emulator.url.replace("127.0.0.1", "localhost")
    client.emulator.faults.set(
        [{"kind": "redirect", "step": "exomodulefile", "location": f"{elsewhere}/adminapi/v1.0/{NAME}/EXOModuleFile"}]
    )
    url = f"{client.emulator.url}/adminapi/v1.0/{NAME}/EXOModuleFile"
    assert client.session.get(url, timeout=60, allow_redirects=False).status_code == 302
