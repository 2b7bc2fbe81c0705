# SPDX-License-Identifier: GPL-3.0-or-later
"""A message and its revocation."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    InvalidValueError,
    NotFoundError,
    OptionError,
    PermissionDeniedError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_message import (
    canonical_message_id,
    describe,
    plan_revocation,
    reads,
)

from tests.unit.fake_session import FakeSession

ID = "<a@contoso.com>"


def organization(*messages: dict[str, Any]) -> Organization:
    return read(FakeSession({"OMEMessageStatus": list(messages)}), reads(ID))


@pytest.mark.parametrize("given", [ID, "a@contoso.com", f" {ID}\n", "<a@contoso.com"])
def test_angle_brackets_are_put_where_they_belong(given: str) -> None:
    assert canonical_message_id(given) == ID


@pytest.mark.parametrize("given", ["", "<>", "a b@contoso.com", "Quarterly figures", "<a@contoso.com> <b@contoso.com>"])
def test_what_is_no_message_id(given: str) -> None:
    with pytest.raises(OptionError, match="is not a Message-ID"):
        canonical_message_id(given)


def test_a_message_that_nobody_knows() -> None:
    with pytest.raises(NotFoundError, match="is not a message that this organization sent encrypted"):
        describe(organization(), ID)


def test_a_read_that_fails_is_not_an_unknown_message() -> None:
    session = FakeSession({})
    session.errors["OMEMessageStatus"] = PermissionDeniedError("no")
    with pytest.raises(PermissionDeniedError):
        describe(read(session, reads(ID)), ID)


@pytest.mark.parametrize(
    ("revocable", "revoked", "wanted", "sent"),
    [
        (True, False, True, [True]),
        (True, True, True, []),
        (False, True, True, []),
        (False, True, False, [False]),
        (False, False, False, []),
    ],
)
def test_revoking(revocable: bool, revoked: bool, wanted: bool, sent: list[bool]) -> None:
    plan = plan_revocation(organization({"IsRevocable": revocable, "Revoked": revoked}), ID, revoked=wanted)
    assert [step.call.parameters for step in plan.steps] == [{"MessageId": ID, "Revoke": value} for value in sent]


def test_a_message_that_cannot_be_revoked() -> None:
    with pytest.raises(InvalidValueError, match="cannot be revoked"):
        plan_revocation(organization({"IsRevocable": "False", "Revoked": "False"}), ID, revoked=True)
