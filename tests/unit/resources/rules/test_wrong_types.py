# SPDX-License-Identifier: GPL-3.0-or-later
"""A property of another type than Exchange documents is an error of the answer and no failure of ours."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe


@pytest.mark.parametrize(
    "name",
    [
        "RejectMessageEnhancedStatusCode",
        "RejectMessageReasonText",
        "PrependSubject",
        "Comments",
        "ModerateMessageByUser",
    ],
)
@pytest.mark.parametrize("value", [[], ["a", ["b"]], {"a": "b"}])
def test_a_rule_with_a_list_where_a_text_should_be(name: str, value: Any) -> None:
    rule = {
        "Name": "rule",
        "Guid": "00000000-0000-0000-0000-000000000001",
        "Priority": 0,
        "State": "Enabled",
        name: value,
    }
    organization = Organization({"transport_rules": SUBSETS["transport_rules"]}, {"transport_rules": Result([rule])})
    try:
        described = describe(organization, ["transport_rules"])
    except ExchangeError:
        return
    assert described["transport_rules"] or described["transport_rules_unsupported"]
