# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of addresses that a message came from: a text that is none is open, to the simulator and to a proof."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT


def matched(ranges: list[str], address: str = "192.0.2.5") -> Any:
    """Whether a rule for these ranges acts on a message from an address."""
    message = {
        "from": "megan@contoso.com",
        "authenticated": True,
        "to": ["ann@fabrikam.com"],
        "sender_ip": address,
    }
    rules = [rule("R", {"sender_ip_ranges": ranges}, {"set_audit_severity": "High"})]
    (found,) = Simulator(rules, facts_of(TENANT)).run(message_of(message, "", "m"))["recipients"].values()
    return next((each["matched"] for each in found["rules"]), False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.5", True),
        ("192.0.2.0/24", True),
        ("192.0.2.7/24", True),
        ("192.0.2.5-192.0.2.9", True),
        ("192.0.2.1 - 192.0.2.5", True),
        ("192.0.2.6-192.0.2.9", False),
        ("192.0.2.1-192.0.2.4", False),
        ("198.51.100.0/24", False),
        ("2001:db8::/32", False),
        ("::-ffff::", False),
        ("192.0.2.0/33", "unknown"),
        ("192.0.2.1-", "unknown"),
        ("the office", "unknown"),
    ],
)
def test_an_address_is_in_a_range_or_not_and_open_where_there_is_none(value: str, expected: Any) -> None:
    assert matched([value]) == expected
    assert matched(["192.0.2.5", value]) is True


def test_nothing_is_proved_of_a_range_that_is_none() -> None:
    spares = rule("Encrypts", OUTGOING, ENCRYPT, exceptions={"sender_ip_ranges": ["the office"]})
    assert verdict([spares])["verdict"] == "unknown"
    assert verdict([{**spares, "exceptions": {}}])["verdict"] == "proved"
    encrypts = rule("Encrypts", {**IN, "sender_ip_ranges": ["the office"]}, ENCRYPT)
    assert verdict([encrypts])["verdict"] != "proved"
