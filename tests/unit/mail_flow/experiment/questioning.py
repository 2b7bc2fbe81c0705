# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization that is asked open questions with temporary rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.experiment.emulated_office import Office
from tests.unit.mail_flow.experiment.mailboxes import DOMAIN, INSIDE, PARTNER, SENDER, KeptRecord, Mailboxes, run

SECOND = f"joannal@{DOMAIN}"


def ask(
    session: EmulatedSession, mailboxes: Mailboxes | None = None, record: KeptRecord | None = None, **options: Any
) -> dict[str, Any]:
    given = {
        "senders": [SENDER],
        "recipients": [INSIDE, SECOND, PARTNER],
        "temporary_rules": True,
        **options,
    }
    return run(session, mailboxes or Office(session), record or KeptRecord(), **given)


def rules_of(session: EmulatedSession) -> list[str]:
    return [row["Name"] for row in session.organization.state["transport_rules"]]


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {row["id"]: row.get("answer", row.get("why")) for row in found["questions"]}
