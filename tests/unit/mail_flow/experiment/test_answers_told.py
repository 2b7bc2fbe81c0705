# SPDX-License-Identifier: GPL-3.0-or-later
"""An experiment tells the answers of an organization apart: the emulator decides, and shares no code with what is tested."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.experiment.emulated_office import Office
from tests.unit.mail_flow.experiment.mailboxes import (
    DOMAIN,
    ENCRYPT,
    INSIDE,
    LOGGED,
    PARTNER,
    PREFIX,
    SENDER,
    TRIED,
    UNCLASSIFIED,
    KeptRecord,
    message,
    run,
    session_with,
)

NOBODY = f"nobody@{DOMAIN}"
TO_INSIDE = {
    "name": "Inside",
    "conditions": {"sent_to_scope": "InOrganization"},
    "actions": {"reject_message_reason_text": "No.", "set_audit_severity": "Low"},
}
FROM_OUTSIDE = {"senders": [PARTNER], "recipients": [NOBODY], "send_with": "smtp", "smtp_host": "mail.fabrikam.com"}
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "U03": ([LOGGED, PREFIX], {}),
    "U08": ([TRIED, LOGGED], {}),
    "U15": ([UNCLASSIFIED], {}),
    "U19": (
        [TO_INSIDE],
        {
            **FROM_OUTSIDE,
            "messages": [message(**{"from": PARTNER, "to": [NOBODY]})],
            "facts": {"mailboxes": [INSIDE]},
        },
    ),
}
#: What the emulator calls the answers true and false.
EMULATED = {"U03": {True: "at once", False: "afterwards"}}


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("number", sorted(CASES))
def test_each_answer_is_told(number: str, answer: bool) -> None:
    rules, options = CASES[number]
    session = session_with(*rules, answers={number: EMULATED.get(number, {}).get(answer, answer)})
    given = {"senders": [SENDER], "recipients": [INSIDE, PARTNER], "messages": [message()], **options}
    found = run(session, Office(session), KeptRecord(), **given)
    assert [(each["id"], each["answer"]) for each in found["settled"]] == [(number, answer)]
    assert "failed" not in found


def test_nobody_answers_a_marked_message() -> None:
    session = session_with(ENCRYPT)
    (row,) = [each for each in session.organization.state["recipients"] if each["address"].lower() == INSIDE]
    row["auto_reply"] = "I am away."
    given = {"senders": [SENDER], "recipients": [INSIDE], "messages": [message(to=[INSIDE])]}
    run(session, Office(session), KeptRecord(), **given)
    assert [each["RecipientAddress"].lower() for each in session.organization.state["message_trace"]] == [INSIDE]
