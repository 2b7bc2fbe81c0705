# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: what is refused, with which names, and what makes a session another one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.connection import exchange
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity

from tests.unit.connections import ORGANIZATION, identity, options

SECRET = {"exchange_organization": ORGANIZATION, "exchange_client_id": "id", "exchange_client_secret": "hunter2"}
POWERSHELL = {**SECRET, "exchange_transport": "powershell"}
PSRP = {"exchange_transport": "psrp", "exchange_psrp_connect": "none", "remote_user": "u", "remote_password": "p"}


DEFINITIONS = yaml.safe_load(exchange.DOCUMENTATION)["options"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"ansible_exchange_transport": "rset"},
            "ansible_exchange_transport is 'rset'. Use one of rest, psrp, powershell, file.",
        ),
        (
            {"ansible_exchange_environment": "usgov"},
            "ansible_exchange_environment is 'usgov'. Use one of O365Default, O365USGovGCCHigh, O365USGovDoD, O365China.",
        ),
        # Ansible would take it for false, and the certificate would not be validated.
        (
            {"ansible_exchange_validate_certs": "ture"},
            "ansible_exchange_validate_certs is 'ture'. Use one of true, false.",
        ),
        ({"ansible_psrp_auth": "Basic"}, "ansible_psrp_auth is 'Basic'. Use one of basic, certificate, negotiate,"),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused_with_those_that_it_can(
    variables: dict[str, Any], said: str
) -> None:
    with pytest.raises(OptionError) as refused:
        _identity.refuse_values(DEFINITIONS, variables, {})
    assert str(refused.value).startswith(said)
    # A variable goes before the environment.
    in_environment = {name.removeprefix("ansible_").upper(): value for name, value in variables.items()}
    good = {"ansible_exchange_transport": "rest", "ansible_exchange_validate_certs": " Yes "}
    _identity.refuse_values(DEFINITIONS, {**good, "ansible_exchange_environment": "O365China"}, in_environment)


def test_a_near_name_of_a_connection_variable_is_suggested() -> None:
    with pytest.raises(
        OptionError, match=r"ansible_exchange_clientid\. Did you mean ansible_exchange_client_id\? To list"
    ):
        _identity.build(options(**SECRET), ["ansible_exchange_clientid"])
    # What all of them begin with makes none of them alike.
    with pytest.raises(OptionError, match=r"ansible_exchange_zebra\. To list"):
        _identity.build(options(**SECRET), ["ansible_exchange_zebra"])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, ["no credential", "ansible_exchange_certificate_path"]),
        ({"exchange_access_token": "t"}, ["ansible_exchange_organization"]),
        ({**SECRET, "exchange_access_token": "t"}, ["ansible_exchange_client_secret", "ansible_exchange_access_token"]),
        ({**SECRET, "exchange_client_id": None}, ["ansible_exchange_client_secret", "ansible_exchange_client_id"]),
        ({**SECRET, "exchange_transport": "psrp"}, ["ansible_exchange_client_secret", "psrp"]),
        ({**SECRET, "exchange_certificate_password": "p"}, ["ansible_exchange_certificate_password"]),
        ({**SECRET, "exchange_organization": "a/b"}, ["ansible_exchange_organization"]),
        ({**SECRET, "exchange_api_url": "http://outlook.office365.com"}, ["ansible_exchange_api_url", "plain http"]),
        ({**SECRET, "exchange_authority_url": "http://10.0.0.1"}, ["ansible_exchange_authority_url"]),
        ({**SECRET, "exchange_authority_url": "http://127.0.0.1:1"}, ["ansible_exchange_authority_url", "Use https"]),
        ({**SECRET, "exchange_authority_url": "ftp://x"}, ["ansible_exchange_authority_url"]),
        ({**SECRET, "exchange_api_url": "https://user:password@host"}, ["ansible_exchange_api_url"]),
        ({**SECRET, "exchange_retries": 0}, ["ansible_exchange_retries"]),
        (
            {**PSRP, "exchange_client_secret": "s"},
            ["ansible_exchange_client_secret", "ansible_exchange_psrp_connect: none"],
        ),
        ({**PSRP, "auth": "certificate"}, ["ansible_psrp_certificate_pem"]),
        ({**PSRP, "auth": "basic", "remote_password": None}, ["ansible_password"]),
        ({**PSRP, "auth": "basic", "protocol": "http"}, ["plain http", "ansible_psrp_protocol"]),
        (
            {**POWERSHELL, "exchange_validate_certs": False},
            ["ansible_exchange_validate_certs", "ansible_exchange_ca_cert"],
        ),
        (
            {**POWERSHELL, "exchange_api_url": "https://outlook.office365.com"},
            ["ansible_exchange_api_url", "ansible_exchange_environment"],
        ),
        ({**POWERSHELL, "exchange_psrp_connect": "none"}, ["ansible_exchange_psrp_connect", "no Exchange cmdlets"]),
        (
            {**POWERSHELL, "exchange_proxy": "http://u:hunter2@proxy.example.com:3128"},
            ["ansible_exchange_proxy", "user and password"],
        ),
        ({**POWERSHELL, "exchange_proxy": "u:hunter2@proxy.example.com:3128"}, ["ansible_exchange_proxy"]),
        ({**POWERSHELL, "exchange_powershell_path": " "}, ["ansible_exchange_powershell_path"]),
        ({**POWERSHELL, "exchange_powershell_processes": 0}, ["ansible_exchange_powershell_processes"]),
        (
            {
                "exchange_transport": "powershell",
                "exchange_organization": ORGANIZATION,
                "exchange_client_id": "i",
                "exchange_certificate_thumbprint": "AA",
            },
            ["ansible_exchange_certificate_thumbprint", "powershell", "ansible_exchange_certificate_path"],
        ),
        ({**PSRP, "read_timeout": 20}, ["ansible_psrp_read_timeout", "ansible_psrp_operation_timeout"]),
        *(
            (
                {"exchange_organization": ORGANIZATION, "exchange_access_token": token},
                ["ansible_exchange_access_token", "Set it to the token alone."],
            )
            for token in ("hunter2\u00e4", "Bearer hunter2", "hunter2\n", "hunter2\x00")
        ),
    ],
)
def test_wrong_combinations_are_refused_by_name(values: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(OptionError) as refusal:
        _identity.build(options(**values), [])
    assert all(name in str(refusal.value) for name in named)
    assert "hunter2" not in str(refusal.value)


HOSTS = ["[", "a b", "\x00", "\ud800", "a..b", "x" * 64, "h/x"]


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_no_host_is_refused_by_name(host: str) -> None:
    for name in ("exchange_api_url", "exchange_authority_url", "exchange_proxy"):
        for url in (f"https://{host}:443" if "/" not in host else "https:///x", f"https://{host}"):
            if host == "h/x" and url.endswith("h/x"):
                continue
            with pytest.raises(OptionError, match=f"ansible_{name}"):
                _identity.build(options(**SECRET, **{name: url}), [])
    with pytest.raises(OptionError, match="ansible_remote_addr"):
        _identity.build(options(**PSRP, remote_addr=host), [])


@pytest.mark.parametrize("port", ["99999999", "-1", "x", "0"])
def test_what_is_no_port_is_refused_by_name(port: str) -> None:
    for name in ("exchange_api_url", "exchange_authority_url", "exchange_proxy"):
        with pytest.raises(OptionError, match=f"ansible_{name}"):
            _identity.build(
                options(
                    **SECRET,
                    **{name: f"https://user@host:{port}" if name == "exchange_proxy" else f"https://host:{port}"},
                ),
                [],
            )


@pytest.mark.parametrize("host", ["host", "192.0.2.1", "2001:db8::1", "b\u00fccher.example", "a_b.example.com"])
def test_what_is_a_host_is_taken(host: str) -> None:
    url = f"https://[{host}]:8443" if ":" in host else f"https://{host}:8443"
    assert identity(exchange_api_url=url, exchange_proxy=url)["rest"]["api_url"] == url
    assert identity(**PSRP, remote_addr=host)["psrp"]["server"] == host


@pytest.mark.parametrize("organization", ["\x00", "\ud800", "..", "a/..", "a..b", "%2f", "a b", "a#b", "a\\b"])
def test_what_is_no_organization_is_refused_by_name(organization: str) -> None:
    with pytest.raises(OptionError, match="ansible_exchange_organization"):
        _identity.build(options(**{**SECRET, "exchange_organization": organization}), [])


@pytest.mark.parametrize(
    "name", ["exchange_command_timeout", "exchange_connect_timeout", "exchange_retries", "exchange_read_reuse"]
)
@pytest.mark.parametrize("value", [-1, 10**30, float("nan"), float("inf")])
def test_limits_that_are_none_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"ansible_{name} must be between [01] and 1000000"):
        _identity.build(options(**SECRET, **{name: value}), [])


@pytest.mark.parametrize(
    "name",
    ["operation_timeout", "read_timeout", "connection_timeout", "max_envelope_size", "reconnection_retries", "port"],
)
@pytest.mark.parametrize("value", [-1, 10**30])
def test_limits_of_psrp_that_are_none_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(OptionError, match=f"ansible_{name} must be between"):
        _identity.build(options(**PSRP, **{name: value}), [])


def test_unknown_variables_are_refused_by_name() -> None:
    with pytest.raises(OptionError, match="ansible_exchange_bogus, ansible_exchange_typo"):
        _identity.build(options(**SECRET), ["ansible_exchange_typo", "ansible_exchange_bogus"])


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://proxy.example.com"]
)
def test_loopback_may_do_without_tls(url: str) -> None:
    assert identity(exchange_api_url=url + "/")["rest"]["api_url"] == url


def test_variables_beat_the_environment_for_the_whole_choice() -> None:
    environment = {
        "exchange_certificate_path": "/cert.pem",
        "exchange_access_token": "t",
        "exchange_client_id": "other",
    }
    found = _identity.build(options(environment=environment, **SECRET), [])["credential"]
    assert found == {"kind": "client_secret", "client_id": "id", "client_secret": "hunter2"}


def test_every_environment_variable_of_an_option_is_kept_from_the_broker() -> None:
    options_ = yaml.safe_load(exchange.DOCUMENTATION)["options"]
    names = [entry["name"] for option in options_.values() for entry in option.get("env", ())]
    assert names
    assert all(name.startswith(_identity.ENVIRONMENT) for name in names)


def test_the_environment_alone_makes_a_credential() -> None:
    environment = {
        "exchange_certificate_path": "/cert.pem",
        "exchange_certificate_password": "p",
        "exchange_client_id": "id",
    }
    found = _identity.build(options(environment=environment, exchange_organization=ORGANIZATION), [])["credential"]
    assert found == {
        "kind": "certificate_path",
        "client_id": "id",
        "certificate_path": "/cert.pem",
        "certificate_password": "p",
    }


def test_two_credentials_of_the_environment_are_refused_by_their_own_names() -> None:
    environment = {"exchange_client_secret": "s", "exchange_access_token": "t"}
    with pytest.raises(
        OptionError,
        match="environment variable EXCHANGE_CLIENT_SECRET and the environment variable EXCHANGE_ACCESS_TOKEN",
    ):
        _identity.build(options(environment=environment, exchange_organization=ORGANIZATION), [])


def test_a_client_id_of_the_environment_does_not_change_which_managed_identity_is_meant() -> None:
    values = options(
        environment={"exchange_client_id": "other"}, exchange_organization=ORGANIZATION, exchange_managed_identity=True
    )
    assert _identity.build(values, [])["credential"]["client_id"] == ""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (True, 5986)),
        ({"protocol": "http"}, (False, 5985)),
        ({"port": 5985}, (False, 5985)),
        ({"port": 443}, (True, 443)),
        ({"port": 80, "protocol": "http"}, (False, 80)),
    ],
)
def test_port_and_protocol_follow_the_builtin_psrp_plugin(values: dict[str, Any], expected: tuple[bool, int]) -> None:
    found = identity(**PSRP, **values)["psrp"]
    assert (found["ssl"], found["port"]) == expected


@pytest.mark.parametrize(
    "name", [name for name, (_needs, transports) in _identity.CREDENTIALS.items() if "rest" in transports]
)
def test_every_credential_of_rest_works_in_powershell(name: str) -> None:
    given = {
        "exchange_organization": ORGANIZATION,
        "exchange_client_id": "id",
        name: True if name == "exchange_managed_identity" else "/value",
    }
    over_rest, in_powershell = (
        _identity.build(options(**given, exchange_transport=wire), []) for wire in ("rest", "powershell")
    )
    assert in_powershell["credential"] == over_rest["credential"]
    assert in_powershell["rest"] == over_rest["rest"]


def test_a_proxy_without_a_password_is_taken() -> None:
    for proxy in ("http://proxy.example.com:3128", "proxy.example.com:3128"):
        assert _identity.build(options(**POWERSHELL, exchange_proxy=proxy), [])["rest"]["proxy"] == proxy


@pytest.mark.parametrize(
    "other",
    [
        {"exchange_organization": "fabrikam.onmicrosoft.com"},
        {"exchange_client_secret": "x"},
        {"exchange_api_url": "https://x"},
    ],
)
def test_the_whole_identity_makes_the_session(other: dict[str, Any]) -> None:
    assert _identity.key(identity(**SECRET)) == _identity.key(identity(**SECRET))
    assert _identity.key(identity(**SECRET)) != _identity.key(identity(**{**SECRET, **other}))


def test_what_only_the_other_wire_uses_makes_no_other_session() -> None:
    assert _identity.key(identity(**SECRET)) == _identity.key(identity(**SECRET, remote_user="linux"))


@pytest.mark.parametrize("environment", list(_identity.CLOUDS))
def test_every_cloud_has_its_hosts(environment: str) -> None:
    rest = identity(**SECRET, exchange_environment=environment)["rest"]
    assert rest["scope"] == rest["api_url"] + "/.default"
    assert rest["authority_url"].startswith("https://login.")


def test_another_address_keeps_the_scope_of_the_cloud() -> None:
    rest = identity(**SECRET, exchange_api_url="https://127.0.0.1:1")["rest"]
    assert rest["scope"] == "https://outlook.office365.com/.default"


def test_graph_gets_its_own_token_at_its_own_address() -> None:
    given = identity(**SECRET, exchange_api_url="https://127.0.0.1:1")
    graph = _identity.of_graph(given)
    assert (graph["rest"]["api_url"], graph["rest"]["scope"]) == (
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/.default",
    )
    assert graph["credential"] == given["credential"]
    assert graph["organization"] == given["organization"]
    assert _identity.key(graph) != _identity.key(given)
    other = _identity.of_graph(identity(**SECRET, exchange_graph_url="https://127.0.0.1:1"))["rest"]
    assert (other["api_url"], other["scope"]) == ("https://127.0.0.1:1", "https://graph.microsoft.com/.default")


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("O365Default", "graph.microsoft.com"),
        ("O365USGovGCCHigh", "graph.microsoft.us"),
        ("O365USGovDoD", "dod-graph.microsoft.us"),
    ],
)
def test_each_cloud_has_mailboxes_in_a_graph_of_its_own(environment: str, host: str) -> None:
    rest = _identity.of_graph(identity(**SECRET, exchange_environment=environment), mailboxes=True)["rest"]
    assert (rest["api_url"], rest["scope"]) == (f"https://{host}", f"https://{host}/.default")


def test_a_graph_whose_address_is_not_known_is_refused() -> None:
    with pytest.raises(OptionError, match="O365China"):
        _identity.of_graph(identity(**SECRET, exchange_environment="O365China"), mailboxes=True)


@pytest.mark.parametrize("environment", [name for name in _identity.CLOUDS if name != "O365Default"])
def test_only_the_global_cloud_has_a_trace_in_graph(environment: str) -> None:
    with pytest.raises(OptionError, match=environment):
        _identity.of_graph(identity(**SECRET, exchange_environment=environment))


@pytest.mark.parametrize(
    "given",
    [
        {"exchange_access_token": "x"},
        {"exchange_managed_identity": True},
        {"exchange_device_code": True},
        {"exchange_transport": "psrp", "exchange_access_token": "x"},
    ],
)
def test_graph_needs_an_applications_own_credential(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="ansible_exchange_certificate_path or ansible_exchange_client_secret"):
        _identity.of_graph(identity(**given))
