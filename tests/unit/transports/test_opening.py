# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a session over every wire: who is refused, what is verified, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors as _errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call

from tests.emulator import Emulator
from tests.unit.transports.wires import SHELLS, WIRES, Open, invoke, values


@pytest.mark.parametrize("wire", WIRES)
def test_another_organization_is_refused_before_anything_is_written(fresh: Emulator, sessions: Open, wire: str) -> None:
    if wire in ("rest", "host", "engine"):
        pytest.skip("the organization is in the request itself here")
    session = sessions(
        wire,
        exchange_organization="fabrikam.onmicrosoft.com",
        remote_user=values(fresh, wire)["remote_user"],
        remote_password=values(fresh, wire)["remote_password"],
    )
    with pytest.raises(_errors.WrongOrganizationError):
        invoke(session, Call("Set-IRMConfiguration", {"SearchEnabled": False}))
    assert not any(entry.applied for entry in fresh.calls)


@pytest.mark.parametrize("wire", WIRES)
def test_losses_while_opening_are_survived(fresh: Emulator, sessions: Open, wire: str) -> None:
    fresh.faults.set(
        [
            {"kind": "lost_after", "step": step}
            for step in (("discovery", "token") if wire == "rest" else ("create", "receive"))
        ]
    )
    assert invoke(sessions(wire), Call("Get-IRMConfiguration"))[0].error is None


@pytest.mark.parametrize("wire", SHELLS)
def test_a_refused_user_is_named_with_the_variable_that_gave_it(sessions: Open, wire: str) -> None:
    with pytest.raises(_errors.AuthenticationError, match=r"root.*ansible_remote_user") as refusal:
        invoke(sessions(wire, remote_user="root", remote_password="planted-password"), Call("Get-IRMConfiguration"))
    assert "planted-password" not in str(refusal.value)


@pytest.mark.parametrize("wire", WIRES)
def test_an_untrusted_certificate_is_refused(sessions: Open, wire: str) -> None:
    with pytest.raises(_errors.UnreachableError, match=r"not trusted.*_ca_cert"):
        invoke(sessions(wire, exchange_ca_cert=None, ca_cert=None), Call("Get-IRMConfiguration"))


def test_a_management_host_that_refuses_the_application(sessions: Open) -> None:
    with pytest.raises(_errors.AuthenticationError, match="Connect-ExchangeOnline failed"):
        invoke(sessions("host", exchange_client_id="wrong"), Call("Get-IRMConfiguration"))


def test_a_host_without_the_module_is_told_what_to_install(sessions: Open) -> None:
    with pytest.raises(_errors.UnreachableError, match="ExchangeOnlineManagement"):
        invoke(sessions("host", configuration_name="OnlyExchange"), Call("Get-IRMConfiguration"))


@pytest.mark.parametrize(
    "more",
    [
        {"exchange_certificate_path": None, "exchange_certificate_password": None, "exchange_managed_identity": True},
        {
            "exchange_certificate_path": None,
            "exchange_certificate_password": None,
            "exchange_certificate_thumbprint": "?",
        },
    ],
)
def test_other_credentials_of_a_management_host(fresh: Emulator, sessions: Open, more: dict[str, Any]) -> None:
    if "exchange_certificate_thumbprint" in more:
        more = {
            **more,
            "exchange_certificate_thumbprint": fresh.describe()["organizations"][0]["certificate_thumbprint"],
        }
    assert invoke(sessions("host", **more), Call("Get-IRMConfiguration"))[0].error is None


def test_a_client_certificate_opens_a_pool(fresh: Emulator, sessions: Open) -> None:
    path = fresh.describe()["organizations"][0]["certificate_path"]
    session = sessions(
        "server",
        auth="certificate",
        remote_user=None,
        remote_password=None,
        certificate_pem=path,
        certificate_key_pem=path,
    )
    assert invoke(session, Call("Get-IRMConfiguration"))[0].error is None
