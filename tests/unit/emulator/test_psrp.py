# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP front, with the real pypsrp."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from pypsrp.complex_objects import GenericComplexObject, RunspacePoolState
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import TaggedValue
from pypsrp.wsman import WSMan

from tests.emulator import Emulator

NAME = "contoso.onmicrosoft.com"
SERVER = "Microsoft.Exchange"
HOST = "Microsoft.PowerShell"
CONSTRAINED = "MessageEncryption"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator([NAME]) as running:
        yield running


def _credentials(emulator: Emulator) -> dict[str, Any]:
    (organization,) = emulator.describe()["organizations"]
    return dict(organization)


def _line(emulator: Emulator, *, plain: bool = False, **changes: Any) -> WSMan:
    credentials = _credentials(emulator)
    keywords: dict[str, Any] = {
        "port": emulator.psrp_plain_front.port if plain else emulator.psrp_front.port,
        "ssl": not plain,
        "auth": "basic",
        "encryption": "never" if plain else "auto",
        "username": credentials["psrp_user"],
        "password": credentials["psrp_password"],
        "cert_validation": str(emulator.ca_cert),
        "no_proxy": True,
    }
    return WSMan("127.0.0.1", **{**keywords, **changes})


@contextmanager
def _pool(emulator: Emulator, configuration: str = CONSTRAINED, **changes: Any) -> Iterator[RunspacePool]:
    with _line(emulator, **changes) as line, RunspacePool(line, configuration_name=configuration) as pool:
        yield pool


def _run(pool: RunspacePool, *statements: tuple[str, dict[str, Any]]) -> PowerShell:
    shell = PowerShell(pool)
    for cmdlet, parameters in statements:
        shell.add_cmdlet(cmdlet).add_parameters(parameters).add_statement()
    shell.invoke()
    shell.close()
    return shell


def _properties(item: GenericComplexObject) -> dict[str, Any]:
    return {**item.adapted_properties, **item.extended_properties}


def test_the_module_hands_out_texts(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        (shown,) = map(_properties, _run(pool, ("Get-OMEConfiguration", {})).output)
        (irm,) = map(_properties, _run(pool, ("Get-IRMConfiguration", {})).output)
    assert shown["ExternalMailExpiryInterval"] == "00:00:00"
    assert shown["OTPEnabled"] is True
    assert shown["Image"] is None
    assert irm["TransportDecryptionSetting"] == "Optional"
    assert irm["LicensingLocation"] == []
    assert emulator.sessions == {"shells": 0, "exchange_sessions": 0}
    assert emulator.service.ledger.counters["shells_closed"] == 1


def test_a_server_hands_out_its_own_objects(emulator: Emulator) -> None:
    emulator.organizations[NAME].patch(
        {"irm_configuration": {"LicensingLocation": ["https://rms.example/_wmcs/licensing"]}}
    )
    with _pool(emulator, SERVER) as pool:
        (irm,) = map(_properties, _run(pool, ("Get-IRMConfiguration", {})).output)
        with pytest.raises(TypeError):
            # pypsrp can't read an empty byte array: exactly what a configuration without a picture has.
            _run(pool, ("Get-OMEConfiguration", {}))
    assert irm["TransportDecryptionSetting"].to_string == "Optional"
    assert "<LST><URI>https://rms.example/_wmcs/licensing</URI></LST>" in irm["LicensingLocation"].property_sets[0]


def test_on_premises_has_no_cloud_cmdlets() -> None:
    with Emulator([{"name": NAME, "cloud": False}]) as emulator, _pool(emulator, SERVER) as pool:
        (config,) = map(_properties, _run(pool, ("Get-OrganizationConfig", {})).output)
        assert config["Name"] == NAME
        assert "ExternalDirectoryOrganizationId" not in config
        assert _run(pool, ("Get-OMEConfiguration", {})).streams.error[0].fq_error == "CommandNotFoundException"
        assert (
            _run(pool, ("Set-IRMConfiguration", {"AzureRMSLicensingEnabled": True})).streams.error[0].fq_error
            == "NamedParameterNotFound,Set-IRMConfiguration"
        )


def test_a_management_host_needs_to_connect_first(emulator: Emulator) -> None:
    credentials = _credentials(emulator)
    sign_in = {
        "AppId": credentials["client_id"],
        "CertificateThumbprint": credentials["certificate_thumbprint"],
        "Organization": NAME,
        "CommandName": ["Get-IRMConfiguration"],
        "ShowBanner": False,
        "SkipLoadingFormatData": True,
    }
    with _pool(emulator, HOST) as pool:
        assert _run(pool, ("Get-IRMConfiguration", {})).streams.error[0].fq_error == "CommandNotFoundException"
        assert _run(
            pool, ("Connect-ExchangeOnline", {**sign_in, "AppId": "00000000-0000-0000-0000-000000000000"})
        ).streams.error
        assert _run(pool, ("Connect-ExchangeOnline", {**sign_in, "CertificateThumbprint": "00"})).streams.error
        assert not _run(pool, ("Connect-ExchangeOnline", sign_in)).streams.error
        assert emulator.sessions == {"shells": 1, "exchange_sessions": 1}
        assert _run(pool, ("Get-IRMConfiguration", {})).output
        assert _run(pool, ("Get-OMEConfiguration", {})).had_errors
        _run(pool, ("Disconnect-ExchangeOnline", {"Confirm": False}))
        assert _run(pool, ("Get-IRMConfiguration", {})).had_errors
    assert emulator.service.ledger.counters["exchange_sessions_closed"] == 1


def test_a_certificate_password_travels_as_a_secure_string(emulator: Emulator) -> None:
    credentials = _credentials(emulator)
    with _pool(emulator, HOST) as pool:
        pool.exchange_keys()
        for password, works in (("wrong", False), (credentials["certificate_password"], True)):
            sign_in = {
                "AppId": credentials["client_id"],
                "CertificateFilePath": credentials["certificate_pfx_path"],
                "CertificatePassword": TaggedValue("SS", password),
                "Organization": NAME,
            }
            assert (not _run(pool, ("Connect-ExchangeOnline", sign_in)).streams.error) is works


def test_statements_share_a_pipeline_and_errors_do_not_end_it(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        shell = _run(
            pool, ("Get-IRMConfiguration", {}), ("Get-TransportRule", {"Identity": "nobody"}), ("Get-RMSTemplate", {})
        )
        assert len(shell.output) == 5
        assert not shell.had_errors
        assert "ManagementObjectNotFoundException" in str(shell.streams.error[0])
        assert emulator.round_trips == 1
        stopped = _run(pool, ("Get-OMEConfiguration", {}), ("Get-Nothing", {}), ("Get-RMSTemplate", {}))
        assert stopped.had_errors
        assert len(stopped.output) == 1


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "error_id"),
    [
        ("New-OMEConfiguration", {"Identity": "x"}, "CommandNotFoundException"),
        ("Set-IRMConfiguration", {"Bogus": 1}, "NamedParameterNotFound,Set-IRMConfiguration"),
        ("Set-OMEConfiguration", {}, "MissingMandatoryParameter,Set-OMEConfiguration"),
        (
            "Set-OMEConfiguration",
            {"Identity": "OME Configuration", "OTPEnabled": False},
            "HostException,Set-OMEConfiguration",
        ),
    ],
)
def test_what_powershell_itself_refuses_fails(
    emulator: Emulator, cmdlet: str, parameters: dict[str, Any], error_id: str
) -> None:
    with _pool(emulator) as pool:
        shell = _run(pool, (cmdlet, parameters))
    assert shell.had_errors
    assert shell.streams.error[0].fq_error == error_id


def test_scripts_are_refused(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        shell = PowerShell(pool)
        shell.add_script("Get-IRMConfiguration")
        shell.invoke()
        assert shell.streams.error[0].fq_error == "ScriptsNotAllowed"


def test_values_arrive_as_they_were_sent(emulator: Emulator) -> None:
    words = ["quote ' \" `", "$(boom)", "line\nbreak", "emoji \U0001f600", "_x0041_"]
    with _pool(emulator) as pool:
        new = {
            "Name": "r",
            "SubjectContainsWords": words,
            "SetSCL": 5,
            "Enabled": False,
            "ExpiryDate": "2999-01-01T00:00:00Z",
        }
        assert not _run(pool, ("New-TransportRule", new)).streams.error
        picture = bytes(range(256)) * 4000
        assert not _run(
            pool, ("Set-OMEConfiguration", {"Identity": "OME Configuration", "Image": picture, "Confirm": False})
        ).streams.error
        recipients = {"AdminMailRecipients": {"Add": ["a@contoso.com"]}}
        assert not _run(pool, ("Set-ActiveSyncOrganizationSettings", recipients)).streams.error
        (rule,) = map(_properties, _run(pool, ("Get-TransportRule", {})).output)
        (ome,) = map(_properties, _run(pool, ("Get-OMEConfiguration", {})).output)
    state = emulator.organizations[NAME].state
    (stored,) = state["transport_rules"]
    assert stored["SubjectContainsWords"] == words == rule["SubjectContainsWords"]
    assert stored["ExpiryDate"] == "2999-01-01T00:00:00.0000000Z"
    assert stored["State"] == "Disabled"
    assert base64.b64decode(state["ome_configurations"][0]["Image"]) == picture == ome["Image"]
    assert state["activesync_organization_settings"]["AdminMailRecipients"] == ["a@contoso.com"]


def test_get_command_knows_what_is_there(emulator: Emulator) -> None:
    wanted = ["Get-OMEConfiguration", "New-OMEConfiguration"]
    with _pool(emulator) as pool:
        shell = _run(pool, ("Get-Command", {"Name": wanted}))
        assert [_properties(item)["Name"] for item in shell.output] == wanted[:1]
        assert len(shell.streams.error) == 1
        assert not _run(pool, ("Get-Command", {"Name": wanted, "ErrorAction": "SilentlyContinue"})).streams.error


def test_warnings_arrive(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        shell = _run(pool, ("Set-IRMConfiguration", {"SearchEnabled": True}))
    assert "no settings of" in shell.streams.warning[0].message


@pytest.mark.parametrize("kind", ["plain", "certificate", "wrong password", "wrong certificate"])
def test_authentication(emulator: Emulator, kind: str) -> None:
    path = _credentials(emulator)["certificate_path"]
    certificate = {"auth": "certificate", "certificate_pem": path, "certificate_key_pem": path}
    changes: dict[str, Any] = {
        "plain": {"plain": True},
        "certificate": certificate,
        "wrong password": {"password": "wrong"},
        "wrong certificate": {"auth": "basic", "username": "nobody"},
    }[kind]
    if kind.startswith("wrong"):
        with pytest.raises(AuthenticationError), _pool(emulator, **changes):
            pass
    else:
        with _pool(emulator, **changes) as pool:
            assert _run(pool, ("Get-IRMConfiguration", {})).output


def test_a_long_cmdlet_outlasts_the_operation_timeout(emulator: Emulator) -> None:
    emulator.psrp.latency = 4.2
    with _pool(emulator, operation_timeout=1) as pool:
        assert _run(pool, ("Get-IRMConfiguration", {})).output
    assert emulator.service.ledger.counters["psrp_requests"] >= 7


def test_a_pipeline_can_be_stopped(emulator: Emulator) -> None:
    emulator.psrp.latency = 300
    with _pool(emulator) as pool:
        shell = PowerShell(pool)
        shell.add_cmdlet("Get-IRMConfiguration")
        started = time.monotonic()
        shell.begin_invoke()
        shell.stop()
        assert time.monotonic() - started < 60
    assert emulator.calls == []


def test_a_shell_says_whether_it_lives(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        assert pool.is_alive()
        emulator.psrp.kill_shells()
        assert not pool.is_alive()
        pool.state = RunspacePoolState.BROKEN


def test_a_dead_shell_is_named(emulator: Emulator) -> None:
    with _line(emulator) as line:
        pool = RunspacePool(line, configuration_name=CONSTRAINED)
        pool.open()
        emulator.psrp.kill_shells()
        with pytest.raises(WSManFaultError) as caught:
            _run(pool, ("Get-IRMConfiguration", {}))
    assert caught.value.code == 2150858843


def test_a_repeated_message_gets_the_same_answer(emulator: Emulator) -> None:
    with _pool(emulator) as pool:
        transport = pool.connection.transport
        original: Callable[..., bytes] = transport.send

        def twice(message: bytes, **keywords: Any) -> bytes:
            first = original(message, **keywords)
            assert original(message, **keywords) == first
            return first

        transport.send = twice
        _run(pool, ("New-TransportRule", {"Name": "r", "DeleteMessage": True}))
    assert len(emulator.calls) == 1


def test_many_clients_at_once(emulator: Emulator) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with _pool(emulator) as pool:
                for _unused in range(5):
                    assert _run(pool, ("Get-IRMConfiguration", {})).output
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _unused in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert emulator.sessions["shells"] == 0


def test_garbage_is_refused(emulator: Emulator) -> None:
    credentials = _credentials(emulator)
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (credentials["psrp_user"], credentials["psrp_password"])
        url = f"{emulator.psrp_plain_front.url}/wsman"
        assert session.post(url, data=b"<not xml", timeout=60).status_code == 400
        assert session.post(url, data=b"<a/>", timeout=60).status_code == 400
