# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session knows of its organization."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ServiceError,
    UnreachableError,
    WrongOrganizationError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SESSION
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.known_organization import (
    KnownOrganization,
)

TENANT = "11111111-2222-3333-4444-555555555555"


def who(name: str = "contoso.onmicrosoft.com") -> Result:
    return Result(objects=[{"Name": name}])


def connection(tenant: str = TENANT) -> Result:
    return Result(objects=[{"State": "Connected", "TenantID": tenant}])


def test_nothing_is_known_before_it_is_read() -> None:
    known = KnownOrganization("contoso.onmicrosoft.com")
    assert (known.name, known.identity, known.lacks_facts, known.may_be_in_the_cloud) == ("", None, True, True)


def test_another_organization_than_the_inventory_names_is_refused() -> None:
    known = KnownOrganization("fabrikam.onmicrosoft.com")
    with pytest.raises(WrongOrganizationError):
        known.verify(who())
    assert known.identity is None


@pytest.mark.parametrize("answer", [Result(), Result(error=ServiceError("It failed."))])
def test_an_answer_without_an_organization_cannot_be_verified(answer: Result) -> None:
    with pytest.raises(UnreachableError):
        KnownOrganization("").verify(answer)


def test_a_new_connection_to_another_tenant_is_refused_and_the_first_organization_stays() -> None:
    known = KnownOrganization("")
    first = who()
    known.learn(connection())
    known.complete(first)
    known.verify(first)
    with pytest.raises(WrongOrganizationError):
        known.verify_same(who(), connection("99999999-2222-3333-4444-555555555555"))
    assert known.identity is not None
    assert known.identity.tenant_id == TENANT
    known.verify_same(who(), connection())


@pytest.mark.parametrize(
    ("answer", "learned"),
    [
        (Result(objects=[]), {"cloud": False, "tenant_id": ""}),
        (Result(error=CmdletNotAvailableError("No such cmdlet.")), {"cloud": False, "tenant_id": ""}),
        (Result(error=ServiceError("It failed.")), None),
    ],
)
def test_only_an_answer_proves_where_a_session_is(answer: Result, learned: dict[str, Any] | None) -> None:
    known = KnownOrganization("")
    known.learn(answer)
    described = who()
    known.complete(described)
    assert described.objects[0].get(SESSION) == learned
    assert known.lacks_facts is (learned is None)


def test_a_session_that_ended_knows_nothing() -> None:
    known = KnownOrganization("")
    known.learn(connection())
    known.take(who())
    known.forget()
    assert (known.name, known.lacks_facts) == ("", True)
