# SPDX-License-Identifier: GPL-3.0-or-later
"""The second endpoint of an organization: when it is asked, of whom, and what becomes of the others if it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    COMPLIANCE_CMDLETS,
    Call,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import endpoints
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.module_service import (
    connect_parameters,
)

from tests.emulator import Emulator
from tests.emulator.tunnel import Tunnel
from tests.unit.connections import ORGANIZATION, identity

OWN, POLICIES, RULES, LABELS = (
    Call(name) for name in ("Get-IRMConfiguration", "Get-DlpCompliancePolicy", "Get-DlpComplianceRule", "Get-Label")
)
FRONT = "ps.compliance.protection.outlook.com"
STATE = {
    "name": ORGANIZATION,
    "compliance_role": True,
    "dlp_policies": [{"Name": "Cards"}],
    "dlp_rules": [{"Name": "Cards 1", "ParentPolicyName": "Cards", "AccessScope": "NotInOrganization"}],
    "labels": [{"Name": "Secret"}],
}


class Broker:
    """Sessions by identity, as the broker has them."""

    def __init__(self, emulator: Emulator, opens: Callable[[Any], Any] = open_transport, **more: Any) -> None:
        self.opens = opens
        described = emulator.describe()
        found = next(each for each in described["organizations"] if each["name"] == ORGANIZATION)
        self.emulator = emulator
        self.identity = identity(
            **{
                "exchange_client_id": found["client_id"],
                "exchange_client_secret": found["client_secret"],
                "exchange_api_url": described["api_url"],
                "exchange_authority_url": described["authority_url"],
                "exchange_compliance_url": described["compliance_url"],
                "exchange_ca_cert": described["ca_cert"],
                **more,
            }
        )
        self.sessions: dict[str, OrganizationSession] = {}

    def session(self, wanted: Any) -> OrganizationSession:
        return self.sessions.setdefault(_identity.key(wanted), OrganizationSession(wanted, self.opens))

    def invoke(self, *calls: Call) -> list[Result]:
        return endpoints.invoke(self.session(self.identity), self.session, Request(calls, fresh=True))

    @property
    def opened(self) -> list[str]:
        return sorted(each.identity["transport"] for each in self.sessions.values())

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator([STATE, "fabrikam.onmicrosoft.com"]) as made:
        yield made


@pytest.fixture
def broker(emulator: Emulator) -> Iterator[Broker]:
    emulator.reset()
    emulator.organizations[ORGANIZATION].replace(STATE)
    emulator.compliance.redirects_to = ""
    emulator.compliance.shown.clear()
    made = Broker(emulator)
    yield made
    made.close()


@pytest.fixture
def tunnel(emulator: Emulator) -> Iterator[Tunnel]:
    made = Tunnel(lambda host: emulator.compliance_front.port if host.endswith(FRONT) else 0)
    yield made
    made.close()


def through(emulator: Emulator, tunnel: Tunnel, **more: Any) -> Broker:
    """A broker that asks Microsoft's own names."""
    return Broker(emulator, exchange_compliance_url=None, exchange_proxy=tunnel.url, exchange_retries=1, **more)


def test_without_need_no_second_session_is_opened(broker: Broker) -> None:
    broker.invoke(OWN)
    assert broker.opened == ["rest"]
    assert not broker.emulator.compliance.shown


def test_results_come_in_the_order_of_the_calls(broker: Broker) -> None:
    results = broker.invoke(POLICIES, OWN, RULES, LABELS)
    assert [result.error for result in results] == [None] * 4
    assert [result.objects[0]["Name"] for result in results] == [
        "Cards",
        "ControlPoint Configuration",
        "Cards 1",
        "Secret",
    ]
    assert broker.opened == ["compliance", "rest"]


def test_calls_of_the_endpoint_alone_verify_the_organization_too(broker: Broker) -> None:
    (result,) = broker.invoke(POLICIES)
    assert result.objects[0]["Name"] == "Cards"
    assert {call.cmdlet for call in broker.emulator.calls} >= {"Get-OrganizationConfig", "Get-DlpCompliancePolicy"}


def test_every_cmdlet_answers(broker: Broker) -> None:
    assert [result.error for result in broker.invoke(*map(Call, COMPLIANCE_CMDLETS))] == [None] * 6


def test_exchange_itself_does_not_have_the_cmdlets(broker: Broker) -> None:
    (result,) = broker.session(broker.identity).invoke(Request([POLICIES]))
    assert isinstance(result.error, errors.CmdletNotAvailableError)


def test_both_sessions_are_asked_at_once(broker: Broker) -> None:
    """No task waits longer than for the slower one."""
    broker.invoke(OWN, POLICIES)
    broker.emulator.faults.set([{"kind": "meets", "wire": wire, "step": "invoke"} for wire in ("rest", "compliance")])
    broker.invoke(OWN, POLICIES)
    assert not broker.emulator.faults.missed
    assert {strike.wire for strike in broker.emulator.faults.struck} == {"rest", "compliance"}


# Redirects


def test_calls_go_to_the_place_that_the_front_names(emulator: Emulator, broker: Broker, tunnel: Tunnel) -> None:
    other = through(emulator, tunnel)
    assert [result.error for result in other.invoke(OWN, POLICIES)] == [None, None]
    other.invoke(RULES)
    assert [host for host, _token in emulator.compliance.shown] == [FRONT, f"nam10b.{FRONT}", f"nam10b.{FRONT}"]
    other.close()


def test_the_token_is_the_endpoints_own_and_goes_nowhere_else(
    emulator: Emulator, broker: Broker, tunnel: Tunnel
) -> None:
    other = through(emulator, tunnel)
    other.invoke(OWN, POLICIES)
    assert {host for host, _port in tunnel.asked} == {"127.0.0.1", FRONT, f"nam10b.{FRONT}"}
    assert {port for host, port in tunnel.asked if host != "127.0.0.1"} == {443}
    assert not {token for _host, token in emulator.compliance.shown} & {f"Bearer {emulator.token()}", ""}
    other.close()


def test_an_organization_may_be_at_the_front_itself(emulator: Emulator, broker: Broker, tunnel: Tunnel) -> None:
    emulator.organizations[ORGANIZATION].patch({"compliance_place": ""})
    other = through(emulator, tunnel)
    assert [result.objects[0]["Name"] for result in other.invoke(POLICIES)] == ["Cards"]
    assert {host for host, _token in emulator.compliance.shown} == {FRONT}
    other.close()


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example.com/",
        "https://nam10b.admin.protection.outlook.com.evil.example.com:446/",
        "https://user@nam10b.admin.protection.outlook.com:446/",
        "http://nam10b.admin.protection.outlook.com:446/",
        "https://nam10b.admin.protection.outlook.com:8443/",
        "https://evil.example.com#.admin.protection.outlook.com/",
        "https://evil.example.com\\.admin.protection.outlook.com/",
        "https://na_m.admin.protection.outlook.com:446/",
        "https://-x.admin.protection.outlook.com:446/",
        "https://xprotection.outlook.com:446/",
        "https://outlook.com/",
        "https://[::1/",
        "//evil.example.com/",
        "ftp://nam10b.admin.protection.outlook.com/",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(
    emulator: Emulator, broker: Broker, tunnel: Tunnel, location: str
) -> None:
    emulator.compliance.redirects_to = location
    other = through(emulator, tunnel)
    own, policies = other.invoke(OWN, POLICIES)
    assert (own.error, policies.objects) == (None, [])
    assert isinstance(policies.error, errors.ExchangeError)
    assert {host for host, _port in tunnel.asked} == {"127.0.0.1", FRONT}
    other.close()


@pytest.mark.parametrize(
    "location", ["https://nam10b.admin.protection.outlook.com:446/", "/adminapi", f"https://{FRONT}/"]
)
def test_a_circle_of_redirects_ends(emulator: Emulator, broker: Broker, tunnel: Tunnel, location: str) -> None:
    emulator.compliance.redirects_to = location
    emulator.faults.set(
        [{"kind": "redirect", "wire": "compliance", "step": "invoke", "location": location, "times": None}]
    )
    other = through(emulator, tunnel)
    own, policies = other.invoke(OWN, POLICIES)
    assert own.error is None
    assert isinstance(policies.error, errors.ExchangeError)
    assert len(emulator.compliance.shown) < 20
    other.close()


@pytest.mark.parametrize(
    "url", [f"https://{FRONT}", f"https://nam10b.{FRONT}", "https://nam10b.admin.protection.outlook.com:446"]
)
def test_hundreds_of_policies_come_in_pages(
    emulator: Emulator, broker: Broker, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(emulator.compliance, "url", url)
    policies = [{"Name": f"P{number}"} for number in range(500)]
    emulator.organizations[ORGANIZATION].replace({**STATE, "dlp_policies": policies, "page_size": 200})
    other = through(emulator, tunnel)
    (result,) = other.invoke(POLICIES)
    assert [each["Name"] for each in result.objects] == [each["Name"] for each in policies]
    assert {host for host, _port in tunnel.asked} == {"127.0.0.1", FRONT, f"nam10b.{FRONT}"}
    other.close()


def test_a_page_elsewhere_is_not_asked_for(
    emulator: Emulator, broker: Broker, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator.compliance, "url", "https://evil.example.com")
    policies = [{"Name": f"P{number}"} for number in range(5)]
    emulator.organizations[ORGANIZATION].replace({**STATE, "dlp_policies": policies, "page_size": 2})
    other = through(emulator, tunnel)
    (result,) = other.invoke(POLICIES)
    assert result.error is not None
    assert "evil.example.com" not in {host for host, _port in tunnel.asked}
    other.close()


# Refusals and losses


def test_what_is_not_granted_is_an_error_of_its_calls_with_the_role(broker: Broker) -> None:
    broker.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    own, labels, policies = broker.invoke(OWN, LABELS, POLICIES)
    assert own.error is None
    for result, call in ((labels, LABELS), (policies, POLICIES)):
        assert isinstance(result.error, errors.PermissionDeniedError)
        assert (result.error.cmdlet, "Security Reader" in result.error.remedy) == (call.cmdlet, True)


def test_a_role_may_grant_a_part(broker: Broker) -> None:
    broker.emulator.organizations[ORGANIZATION].patch({"hidden_cmdlets": ["Get-Label"]})
    policies, labels = broker.invoke(POLICIES, LABELS)
    assert policies.error is None
    assert isinstance(labels.error, errors.CmdletNotAvailableError)
    assert "Security Reader" in labels.error.remedy


def test_an_endpoint_that_cannot_be_reached_costs_only_its_calls(emulator: Emulator, broker: Broker) -> None:
    other = Broker(emulator, exchange_compliance_url="https://127.0.0.1:9", exchange_retries=1)
    own, policies = other.invoke(OWN, POLICIES)
    assert own.error is None
    assert isinstance(policies.error, errors.NotSentError)
    assert "not asked" not in str(policies.error)
    other.close()


@pytest.mark.usefixtures("broker")
def test_what_cannot_be_reached_is_tried_once_in_a_run(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[str] = []

    def counted(identity: Any) -> Any:
        made = open_transport(identity)
        attempt = made.attempt

        def count(calls: Any) -> Any:
            attempts.append(identity["transport"])
            return attempt(calls)

        monkeypatch.setattr(made, "attempt", count)
        return made

    other = Broker(emulator, counted, exchange_compliance_url="https://127.0.0.1:9", exchange_retries=2)
    other.invoke(OWN, POLICIES)
    assert attempts.count("compliance") == 2
    own, policies = other.invoke(OWN, POLICIES)
    assert attempts.count("compliance") == 2
    assert (own.error, type(policies.error)) == (None, errors.NotSentError)
    other.close()


def test_whoever_asks_for_it_wants_it_reached(emulator: Emulator, broker: Broker) -> None:
    other = Broker(
        emulator, exchange_compliance_url="https://127.0.0.1:9", exchange_retries=1, exchange_compliance=True
    )
    with pytest.raises(errors.UnreachableError):
        other.invoke(OWN, POLICIES)
    other.close()


def test_whoever_refuses_it_is_not_asked(emulator: Emulator, broker: Broker) -> None:
    other = Broker(emulator, exchange_compliance=False)
    own, policies = other.invoke(OWN, POLICIES)
    assert own.error is None
    assert "exchange_compliance" in str(policies.error)
    assert other.opened == ["rest"]
    other.close()


@pytest.mark.parametrize(
    "kind", ["lost_before", "lost_after", "half_answer", "500", "503", "429", "401_expired", "401_revoked"]
)
@pytest.mark.parametrize("step", ["banner", "invoke"])
def test_a_loss_is_made_good(broker: Broker, kind: str, step: str) -> None:
    broker.emulator.faults.set([{"kind": kind, "wire": "compliance", "step": step, "retry_after": 0}])
    own, policies = broker.invoke(OWN, POLICIES)
    assert (own.error, policies.error) == (None, None)
    assert policies.objects[0]["Name"] == "Cards"
    assert broker.emulator.faults.struck


@pytest.mark.parametrize("kind", ["truncated", "wrong_content_type", "no_body", "no_content"])
def test_an_answer_that_is_none_is_not_taken_for_nothing_there(broker: Broker, kind: str) -> None:
    broker.emulator.faults.set([{"kind": kind, "wire": "compliance", "step": "invoke", "times": None}])
    (policies,) = Broker(broker.emulator, exchange_retries=1).invoke(POLICIES)
    assert policies.error is not None


# The right organization


def test_another_tenant_is_refused_with_all_that_it_brought(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "compliance_tenant", lambda found: "11111111-2222-3333-4444-555555555555")
    with pytest.raises(errors.WrongOrganizationError, match="11111111-2222"):
        broker.invoke(OWN, POLICIES)


def test_objects_of_another_organization_are_refused_where_no_tenant_is_shown(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "compliance_tenant", lambda found: "")
    broker.invoke(OWN, POLICIES)
    state = {
        **STATE,
        "dlp_policies": [
            {"Name": "P", "OrganizationId": "x/Microsoft Exchange Hosted Organizations/other.onmicrosoft.com - y"}
        ],
    }
    broker.emulator.organizations[ORGANIZATION].replace(state)
    with pytest.raises(errors.WrongOrganizationError, match=r"other\.onmicrosoft\.com"):
        broker.invoke(OWN, POLICIES)


def test_both_sessions_are_of_one_credential_and_never_shared(broker: Broker) -> None:
    beside = _identity.of_compliance(broker.identity)
    assert beside["credential"] == broker.identity["credential"]
    assert beside["organization"] == broker.identity["organization"]
    assert _identity.key(beside) != _identity.key(broker.identity)
    assert beside["rest"]["scope"] == f"https://{FRONT}/.default"


CERTIFICATE = {"exchange_client_id": "a", "exchange_certificate_thumbprint": "b"}
SECRET = {"exchange_client_id": "a", "exchange_client_secret": "b"}


@pytest.mark.parametrize(
    ("environment", "given", "uri", "authority"),
    [
        ("O365Default", {}, None, None),
        ("O365USGovGCCHigh", {}, "ps.compliance.protection.office365.us/", "login.microsoftonline.us"),
        ("O365USGovDoD", {}, "l5.ps.compliance.protection.office365.us/", "login.microsoftonline.us"),
        ("O365China", {}, "ps.compliance.protection.partner.outlook.cn/", "login.chinacloudapi.cn"),
        ("O365Default", {"exchange_compliance_url": "https://gateway"}, "gateway/", None),
    ],
)
def test_a_shell_is_told_where_the_endpoint_is(
    environment: str, given: dict[str, Any], uri: str | None, authority: str | None
) -> None:
    more = {"exchange_transport": "psrp", "exchange_environment": environment, **CERTIFICATE, **given}
    beside = _identity.of_compliance(identity(**more))
    wanted = connect_parameters(beside)
    assert str(wanted.get("ConnectionUri", "")).startswith(f"https://{uri}" if uri else "")
    assert wanted.get("AzureADAuthorizationEndpointUri") == (
        f"https://{authority}/organizations" if authority else None
    )
    assert wanted["CommandName"] == list(COMPLIANCE_CMDLETS)
    assert not {"SkipLoadingFormatData", "ExchangeEnvironmentName"} & set(wanted)


def test_a_process_gets_a_token_for_the_endpoint() -> None:
    beside = _identity.of_compliance(identity(**{"exchange_transport": "powershell", **SECRET}))
    assert (beside["transport"], beside["rest"]["scope"]) == ("powershell", f"https://{FRONT}/.default")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"exchange_access_token": "x"}, "token of its own"),
        ({"exchange_device_code": True}, "token of its own"),
        ({"exchange_transport": "powershell", "exchange_access_token": "x"}, "token of its own"),
        ({"exchange_transport": "psrp", "exchange_managed_identity": True}, "certificate_thumbprint"),
        ({"exchange_transport": "psrp", "exchange_access_token": "x"}, "certificate_path"),
        ({"exchange_transport": "psrp", "exchange_psrp_connect": "none"}, "exchange_compliance: true"),
        (
            {"exchange_environment": "O365China", "exchange_client_id": "a", "exchange_client_secret": "b"},
            "O365China",
        ),
        ({"exchange_compliance": False}, "exchange_compliance"),
    ],
)
def test_what_cannot_be_is_said(given: dict[str, Any], why: str) -> None:
    with pytest.raises(errors.OptionError, match=why):
        _identity.of_compliance(identity(**given))
