# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the emulator's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.emulator import Emulator, Organization
from tests.emulator.context import Outcome
from tests.emulator.runner import run


@pytest.fixture
def organization() -> Organization:
    return Organization({"name": "contoso.onmicrosoft.com", "advanced_message_encryption": True})


@pytest.fixture
def shell(organization: Organization) -> Callable[..., Outcome]:
    """Runs a cmdlet as a shell does, prompts answered."""

    def invoke(cmdlet: str, **parameters: Any) -> Outcome:
        return run(organization, cmdlet, parameters, rest=False, prompts=False)

    return invoke


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(["contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"]) as running:
        yield running


class Client:
    """A raw REST client: no retries, no interpretation."""

    def __init__(self, emulator: Emulator, organization: str = "contoso.onmicrosoft.com") -> None:
        self.emulator = emulator
        self.organization = organization
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(emulator.ca_cert)
        self.session.headers["Authorization"] = f"Bearer {emulator.token(organization)}"

    def post(self, what: str, body: Any, **keywords: Any) -> requests.Response:
        return self.session.post(
            f"{self.emulator.url}/adminapi/beta/{self.organization}/{what}", json=body, timeout=60, **keywords
        )

    def invoke(self, cmdlet: str, **parameters: Any) -> requests.Response:
        return self.post("InvokeCommand", {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}})

    def part(self, cmdlet: str, **parameters: Any) -> dict[str, Any]:
        """One request of a batch, with an authorization of its own."""
        return {
            "id": cmdlet,
            "method": "POST",
            "url": f"/adminapi/beta/{self.organization}/InvokeCommand",
            "headers": {"Authorization": self.session.headers["Authorization"]},
            "body": {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.session.request(method, f"{self.emulator.url}/emulator/{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json()


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    for organization in emulator.organizations.values():
        organization.replace({})
    emulator.reset()
    made = Client(emulator)
    yield made
    made.session.close()
