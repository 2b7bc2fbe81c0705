# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step of an organization's preparation an error shows to be missing."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    PermissionDeniedError,
    ServiceError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.preparation import missing_step
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import Request

from tests.unit.broker.test_session import IRM, Wire, session

_CMDLET = "Get-OrganizationConfig"


@pytest.mark.parametrize(
    ("refusal", "step"),
    [
        (PermissionDeniedError("no", cmdlet=_CMDLET), "role_group"),
        (NotSentError("the connection was lost", cmdlet=_CMDLET), ""),
        (ServiceError("503", cmdlet=_CMDLET), ""),
        (ThrottledError("429", cmdlet=_CMDLET), ""),
    ],
)
def test_only_a_refusal_shows_that_a_role_is_missing(refusal: ExchangeError, step: str) -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = Result(error=refusal)
    with pytest.raises(ExchangeError) as caught:
        session(wire).invoke(Request([IRM]))
    assert missing_step(caught.value) == step
