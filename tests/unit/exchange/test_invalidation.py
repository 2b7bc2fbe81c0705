# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reads a write may change."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.invalidation import (
    EVERYTHING,
    may_change,
    noun,
    touched,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS


@pytest.mark.parametrize("cmdlet", ["Set-IRMConfiguration", "get-irmconfiguration"])
def test_what_a_call_is_about_has_neither_verb_nor_case(cmdlet: str) -> None:
    assert noun(Call(cmdlet)) == "irmconfiguration"


@pytest.mark.parametrize(
    ("write", "subsets"),
    [
        # Licensing decides which templates there are, and brings the default OME configuration.
        ("Set-IRMConfiguration", {"irm_configuration", "rms_templates", "ome_configurations"}),
        # A rule may apply a configuration.
        ("New-OMEConfiguration", {"ome_configurations", "transport_rules"}),
        ("disable-transportrule", {"transport_rules"}),
        ("Set-ActiveSyncOrganizationSettings", {"activesync_org_settings"}),
        ("Set-OwaMailboxPolicy", {"owa_mailbox_policies"}),
        ("Set-MobileDeviceMailboxPolicy", {"mobile_device_mailbox_policies"}),
        # What is not known may have changed anything.
        ("Set-Thing", set(SUBSETS)),
    ],
)
def test_what_a_write_may_change(write: str, subsets: set[str]) -> None:
    assert {name for name, read in SUBSETS.items() if may_change(Call(write), read)} == subsets


def test_a_write_that_may_change_everything_says_so() -> None:
    assert touched(Call("Set-Thing")) == {EVERYTHING}
    assert touched(Call("Set-OMEConfiguration")) == {"omeconfiguration", "transportrule"}
