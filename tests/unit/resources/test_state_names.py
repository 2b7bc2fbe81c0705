# SPDX-License-Identifier: GPL-3.0-or-later
"""What a state names: each object once, and also the rules that it cannot restore."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    message_encryption_state,
)

from tests.unit.emulated_session import EmulatedSession

STATE = {
    "advanced_message_encryption": True,
    "irm_configuration": {"AzureRMSLicensingEnabled": True},
    "ome_configurations": [{"Identity": "OME Configuration"}, {"Identity": "Contoso"}],
    "transport_rules": [
        {"Name": "legacy", "ApplyOME": True, "FromScope": "InOrganization"},
        {"Name": "new", "ApplyRightsProtectionTemplate": "Encrypt", "FromScope": "InOrganization"},
    ],
}


@pytest.mark.parametrize("again", ["Contoso", "CONTOSO"], ids=["the same", "in another case"])
def test_a_configuration_that_is_listed_twice_is_refused(again: str) -> None:
    session = EmulatedSession(STATE)
    rows = [{"identity": "Contoso", "otp_enabled": True}, {"identity": again, "otp_enabled": False}]
    with pytest.raises(OptionError, match=f"ome_configurations: identity '{again}' is listed twice"):
        session.run(message_encryption_state, ome_configurations=rows)
    assert session.writes == []


@pytest.mark.parametrize("part", ["owa_mailbox_policies", "mobile_device_mailbox_policies"])
def test_a_policy_that_is_listed_twice_is_refused(part: str) -> None:
    session = EmulatedSession(STATE)
    row: dict[str, Any] = session.run(message_encryption_info)[part][0]
    with pytest.raises(OptionError, match=f"{part}: identity .* is listed twice"):
        session.run(message_encryption_state, **{part: [row, {**row, "identity": row["identity"].upper()}]})


@pytest.mark.parametrize("unmanaged", ["disable", "remove", "warn"])
def test_rules_that_a_state_lists_as_unsupported_are_named(unmanaged: str) -> None:
    session = EmulatedSession(STATE)
    info = session.run(message_encryption_info)
    assert [rule["name"] for rule in info["transport_rules_unsupported"]] == ["legacy"]
    result = session.run(message_encryption_state, state=info, unmanaged=unmanaged)
    assert (result["commands"], session.writes, session.warnings) == ([], [], [])


def test_one_that_was_made_again_is_named_by_its_name() -> None:
    session = EmulatedSession(STATE)
    info = session.run(message_encryption_info)
    (rule,) = info["transport_rules_unsupported"]
    state = {**info, "transport_rules_unsupported": [{**rule, "name": "LEGACY", "guid": "0" * 8}]}
    assert session.run(message_encryption_state, state=state, unmanaged="disable")["commands"] == []


def test_one_that_the_state_does_not_list_is_unmanaged() -> None:
    session = EmulatedSession(STATE)
    info = session.run(message_encryption_info)
    (rule,) = info["transport_rules_unsupported"]
    state = {**info, "transport_rules_unsupported": []}
    result = session.run(message_encryption_state, state=state, unmanaged="disable", check_mode=True)
    (command,) = result["commands"]
    assert command.startswith("Disable-TransportRule")
    assert rule["guid"] in command


@pytest.mark.parametrize("listed", [["legacy"], [7], 7], ids=["names", "numbers", "a number"])
def test_what_is_no_list_of_rules_is_refused(listed: Any) -> None:
    session = EmulatedSession(STATE)
    state = {**session.run(message_encryption_info), "transport_rules_unsupported": listed}
    with pytest.raises(OptionError, match="transport_rules_unsupported is not a list of dictionaries"):
        session.run(message_encryption_state, state=state, unmanaged="disable")
