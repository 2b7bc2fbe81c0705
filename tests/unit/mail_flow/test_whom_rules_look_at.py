# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether later rules look at people whom a rule adds is documented nowhere (U09): what holds however that is, is certain
for the simulator, the prover and the emulator; what does not, for none of them.

If they look at them, a rule acts on whom it matches. If they do not, it may take them along with those of their copy
whom it matches. A rule about the message, or about all who share a copy, acts on whoever shares it. Nobody whom the
sender named shares a copy that is redirected.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.emulator.mail_flow import MailFlow
from tests.unit.mail_flow.asking import ENCRYPT, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT
from tests.unit.mail_flow.translation import facts, stored

Values = dict[str, Any]

MEGAN, BOB, AUDIT = "megan@contoso.com", "bob@contoso.com", "adele@contoso.com"
ANN, SPY = "ann@fabrikam.com", "spy@northwind.com"
FROM_US = {"from_scope": "InOrganization"}
OUTSIDE, INSIDE = {"sent_to_scope": "NotInOrganization"}, {"sent_to_scope": "InOrganization"}
TO_ANN, TO_AUDIT = {"sent_to": [ANN]}, {"sent_to": [AUDIT]}
ANY_ANN = {"any_of_recipient_address_contains_words": ["ann"]}
ANY_AUDIT = {"any_of_recipient_address_contains_words": ["adele"]}
ADDING = ("add_to_recipients", "copy_to", "blind_copy_to")

#: The recipient, whom a rule adds, what the later rule looks at, what it excepts, and whether it acts on whom was added.
ADDED: list[tuple[str, str, Values, Values, bool | None]] = [
    (ANN, AUDIT, {}, {}, True),
    (ANN, AUDIT, OUTSIDE, {}, None),
    (ANN, AUDIT, INSIDE, {}, None),
    (ANN, SPY, OUTSIDE, {}, None),
    (ANN, SPY, INSIDE, {}, False),
    (BOB, SPY, OUTSIDE, {}, None),
    (BOB, SPY, INSIDE, {}, None),
    (BOB, AUDIT, OUTSIDE, {}, False),
    (BOB, AUDIT, TO_AUDIT, {}, None),
    (ANN, AUDIT, TO_ANN, {}, None),
    (ANN, AUDIT, {}, OUTSIDE, None),
    (ANN, AUDIT, {}, INSIDE, None),
    (ANN, SPY, {}, OUTSIDE, False),
    (ANN, AUDIT, ANY_ANN, {}, True),
    (ANN, AUDIT, {}, ANY_ANN, False),
    (ANN, AUDIT, ANY_AUDIT, {}, None),
    (BOB, AUDIT, ANY_ANN, {}, False),
    (ANN, AUDIT, {"any_of_to_header": [ANN]}, {}, True),
    (ANN, AUDIT, {"any_of_to_header": [BOB]}, {}, False),
]
#: The same of somebody to whom a rule redirects the message.
REDIRECTED: list[tuple[str, str, Values, Values, bool | None]] = [
    (ANN, AUDIT, {}, {}, True),
    (ANN, AUDIT, OUTSIDE, {}, False),
    (ANN, SPY, OUTSIDE, {}, None),
    (BOB, SPY, INSIDE, {}, False),
    (ANN, AUDIT, TO_AUDIT, {}, None),
    (ANN, AUDIT, TO_ANN, {}, False),
]
CASES = [
    *((way, *case) for way in ADDING for case in ADDED if "any_of_to_header" not in case[2] or way == "blind_copy_to"),
    *(("redirect_message_to", *case) for case in REDIRECTED),
]
SAID = {True: "encrypt", False: "none", None: "unknown"}


def rules_of(way: str, added: str, conditions: Values, exceptions: Values) -> list[Values]:
    return [
        {**rule("Brings", FROM_US, {way: [added]}), "priority": 0},
        {**rule("Encrypts", {**FROM_US, **conditions}, ENCRYPT, exceptions=exceptions), "priority": 1},
    ]


def message(recipient: str) -> Values:
    return {
        "from": MEGAN,
        "mail_from": MEGAN,
        "authenticated": True,
        "to": [recipient],
        "cc": [],
        "bcc": [],
        "subject": "x",
        "body": "",
        "headers": {},
        "attachments": [],
        "protection": {"kind": "none"},
    }


@pytest.mark.parametrize(("way", "recipient", "added", "conditions", "exceptions", "acts"), CASES)
def test_a_later_rule_acts_on_whom_a_rule_brings_where_every_reading_says_so(
    way: str, recipient: str, added: str, conditions: Values, exceptions: Values, acts: bool | None
) -> None:
    rules, sent = rules_of(way, added, conditions, exceptions), message(recipient)
    simulated = Simulator(rules, facts_of(TENANT)).run(message_of(sent, "", "message"))["recipients"][added]
    emulated = MailFlow([stored(each) for each in rules], facts(TENANT)).deliver(sent)["recipients"][added]
    for found in (simulated, emulated):
        assert found["protection"] == SAID[acts]
        assert {each["id"] for each in found.get("unknown", ())} == (set() if acts is not None else {"U09"})


@pytest.mark.parametrize(("way", "recipient", "added", "conditions", "exceptions", "acts"), CASES)
def test_the_prover_knows_of_them_as_much(
    way: str, recipient: str, added: str, conditions: Values, exceptions: Values, acts: bool | None
) -> None:
    """Of mail to that recipient, whose own copy is deleted."""
    rules = rules_of(way, added, conditions, exceptions)
    own = rule("Own", {**FROM_US, "sent_to": [recipient]}, {"delete_message": True})
    when = {**FROM_US, "sent_to": [recipient], "any_of_to_header": [recipient]}
    found = verdict([*rules, own], when=when, then="not_in_clear")
    assert found["verdict"] == {True: "proved", False: "refuted", None: "unknown"}[acts]
    assert [each["id"] for each in found.get("unknown", ())] == ([] if acts is not None else ["U09"])
