# SPDX-License-Identifier: GPL-3.0-or-later
"""One message from inside, in the emulator and in the simulator: what answers of the prover are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.emulator.mail_flow import MailFlow
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.small_worlds import TENANT
from tests.unit.mail_flow.translation import facts as stored_facts
from tests.unit.mail_flow.translation import stored

Values = dict[str, Any]

MEGAN = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}


def emulated(
    rules: Sequence[Values], facts: Mapping[str, Any] = TENANT, recipient: str = "ann@fabrikam.com", **message: Any
) -> Values:
    """What the emulator makes of a message from inside."""
    plain = {
        "subject": "",
        "body": "",
        "headers": {},
        "attachments": [],
        "cc": [],
        "bcc": [],
        "protection": {"kind": "none"},
        "date": "2026-03-01T00:00:00Z",
    }
    flow = MailFlow([stored({"priority": place, **each}) for place, each in enumerate(rules)], stored_facts(facts))
    found: Values = flow.deliver({**plain, **MEGAN, **message}, guesses=())["recipients"].get(recipient, {})
    return found


def simulated(
    rules: Sequence[Values], facts: Mapping[str, Any] = TENANT, recipient: str = "ann@fabrikam.com", **message: Any
) -> Values:
    """What the simulator makes of a message from inside."""
    found = Simulator(RuleSet(rules), facts_of(facts)).run(message_of({**MEGAN, "date": NOW, **message}, "", "message"))
    return dict(found["recipients"].get(recipient, {}))
