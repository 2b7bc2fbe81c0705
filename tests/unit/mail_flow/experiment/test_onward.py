# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may get a test message because people's mail is sent on: contacts, mailboxes that forward, and inbox rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.onward import MOST_HOPS

from tests.emulator.recipients import legacy_name
from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.experiment.emulated_office import Office
from tests.unit.mail_flow.experiment.mailboxes import (
    DOMAIN,
    ENCRYPT,
    INSIDE,
    LOGGED,
    SENDER,
    KeptRecord,
    Mailboxes,
    message,
    run,
    session_with,
)

AWAY, LEGAL = "elsewhere@example.com", f"legal@{DOMAIN}"
GIVEN: dict[str, Any] = {"senders": [SENDER], "recipients": [INSIDE], "messages": [message(to=[INSIDE])]}


def changed(session: EmulatedSession, address: str, **options: Any) -> dict[str, Any]:
    """One of the recipients, with something of it changed."""
    (row,) = [row for row in session.organization.state["recipients"] if row["address"].lower() == address.lower()]
    row |= options
    return dict(row)


def inbox_rule(*people: str, option: str = "ForwardTo", **more: Any) -> dict[str, Any]:
    return {"Name": "Out", option: list(people), **more}


def smtp(address: str) -> str:
    return f'"Somebody: [EX:/o=x] else" [SMTP:{address}]'


def checked(session: EmulatedSession, **options: Any) -> dict[str, Any]:
    return run(session, Mailboxes(session), KeptRecord(), check_mode=True, **{**GIVEN, **options})


def forwards(found: dict[str, Any]) -> set[tuple[str, ...]]:
    (row,) = found["experiments"]
    return {tuple(each.values()) for each in row.get("forwards", ())}


def refused(session: EmulatedSession, **options: Any) -> str:
    """The refusal of an experiment that sends nothing."""
    mailboxes = Mailboxes(session)
    with pytest.raises(OptionError) as refusal:
        run(session, mailboxes, KeptRecord(), **{**GIVEN, **options})
    assert (mailboxes.sent, session.writes) == ([], [])
    return str(refusal.value)


FORWARDING: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "contact": ({"type": "MailContact", "external": AWAY}, (INSIDE, AWAY, "recipient")),
    "mail user": ({"type": "MailUser", "external": AWAY}, (INSIDE, AWAY, "recipient")),
    "mailbox": ({"forwards_to": AWAY}, (INSIDE, AWAY, "mailbox")),
    "mailbox that keeps nothing": ({"forwards_to": AWAY, "keeps_forwarded": False}, (INSIDE, AWAY, "mailbox")),
    **{
        option: ({"inbox_rules": [inbox_rule(smtp(AWAY), option=option)]}, (INSIDE, AWAY, "inbox_rule", "Out"))
        for option in ("ForwardTo", "ForwardAsAttachmentTo", "RedirectTo")
    },
    "hidden rule": (
        {"inbox_rules": [inbox_rule(smtp(AWAY), hidden=True)]},
        (INSIDE, AWAY, "inbox_rule", "Out"),
    ),
    "second of two": (
        {"inbox_rules": [inbox_rule(smtp(SENDER)), inbox_rule(smtp(AWAY))]},
        (INSIDE, AWAY, "inbox_rule", "Out"),
    ),
}


@pytest.mark.parametrize("kind", sorted(FORWARDING))
def test_mail_that_goes_on_outside_is_refused_until_that_is_allowed(kind: str) -> None:
    options, forward = FORWARDING[kind]
    session = session_with(ENCRYPT)
    changed(session, INSIDE, **options)
    assert AWAY in refused(session)
    found = checked(session, may_reach=[AWAY])
    assert forward in forwards(found)
    assert AWAY in found["experiments"][0]["may_get"]
    assert AWAY not in found["msg"]


def test_a_mailbox_that_forwards_nothing_is_no_obstacle() -> None:
    session = session_with(ENCRYPT)
    changed(session, INSIDE, inbox_rules=[{"Name": "Sort", "MoveToFolder": "Tests"}])
    found = checked(session)
    assert (forwards(found), found["unavailable"]) == (set(), {})
    assert "may_get" not in found["experiments"][0]


def test_a_rule_that_is_disabled_sends_nothing_on() -> None:
    session = session_with(ENCRYPT)
    changed(session, INSIDE, inbox_rules=[inbox_rule(smtp(AWAY), Enabled=False)])
    assert forwards(checked(session)) == set()


def test_an_address_of_the_directory_takes_precedence() -> None:
    session = session_with(ENCRYPT)
    changed(session, INSIDE, forwards_to=AWAY, forwarding_address="Alex Wilber")
    assert forwards(checked(session)) == {(INSIDE, SENDER, "mailbox")}


@pytest.mark.parametrize("by", ["forwarding_address", "inbox rule"])
def test_whom_the_directory_names_is_asked_too(by: str) -> None:
    session = session_with(ENCRYPT)
    legal = changed(session, LEGAL, forwards_to=AWAY)
    options: dict[str, Any] = {"forwarding_address": legal["name"]}
    if by == "inbox rule":
        options = {"inbox_rules": [inbox_rule(f'"Legal" [EX:{legacy_name(legal)}]')]}
    changed(session, INSIDE, **options)
    assert AWAY in refused(session)
    found = checked(session, may_reach=[AWAY])
    assert {each[:2] for each in forwards(found)} == {(INSIDE, LEGAL), (LEGAL, AWAY)}
    assert found["experiments"][0]["may_get"] == [LEGAL, AWAY]


def test_whom_a_rule_adds_and_the_sender_may_forward() -> None:
    copying = {
        "name": "Archive",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"blind_copy_to": [LEGAL]},
    }
    session = session_with(copying)
    changed(session, LEGAL, forwards_to=AWAY)
    assert AWAY in refused(session)
    session = session_with(ENCRYPT)
    changed(session, SENDER, forwards_to=AWAY)
    assert AWAY in refused(session)


def test_people_of_others_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_with(ENCRYPT)
    changed(session, LEGAL, forwards_to=AWAY)
    invoke, asked = session.invoke, list[Call]()

    def recorded(calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        asked.extend(calls)
        return invoke(calls, fresh=fresh)

    monkeypatch.setattr(session, "invoke", recorded)
    assert forwards(checked(session)) == set()
    named = [call.parameters for call in asked if call.cmdlet in ("Get-Mailbox", "Get-InboxRule")]
    assert {str(each.get("Identity") or each.get("Mailbox")) for each in named} == {SENDER, INSIDE}


@pytest.mark.parametrize("cmdlet", ["Get-Recipient", "Get-Mailbox", "Get-InboxRule"])
def test_what_is_not_granted_is_said_and_needs_unknown(cmdlet: str) -> None:
    session = session_with(ENCRYPT, hidden_cmdlets=[cmdlet])
    text = refused(session)
    assert cmdlet in text
    assert "Mail Recipients" in text
    assert cmdlet in refused(session, may_reach=[AWAY])
    found = checked(session, may_reach=["unknown"])
    assert cmdlet in found["unavailable"]


def test_two_mailboxes_that_forward_to_each_other() -> None:
    session = session_with(ENCRYPT)
    changed(session, INSIDE, forwards_to=LEGAL)
    changed(session, LEGAL, forwards_to=INSIDE)
    assert forwards(checked(session)) == {(INSIDE, LEGAL, "mailbox"), (LEGAL, INSIDE, "mailbox")}


def test_mail_is_followed_over_some_mailboxes_and_then_not_known() -> None:
    session = session_with(ENCRYPT)
    people = [f"hop{number}@{DOMAIN}" for number in range(MOST_HOPS)]
    session.organization.state["recipients"] += [
        {"name": each, "alias": each.partition("@")[0], "address": each} for each in people
    ]
    for one, other in zip([INSIDE, *people], people, strict=False):
        changed(session, one, forwards_to=other)
    assert "unknown" in refused(session)
    assert len(forwards(checked(session, may_reach=["unknown"]))) == MOST_HOPS


@pytest.mark.parametrize(
    "options",
    [
        {"forwarding_address": "Nobody"},
        {"inbox_rules": [inbox_rule('"Somebody" [EX:/o=ExchangeLabs/cn=gone]')]},
        {"inbox_rules": [inbox_rule("Somebody")]},
        {"forwards_to": f"team@{DOMAIN}"},
        {"inbox_rules": [inbox_rule(smtp(INSIDE))] * 1000},
    ],
    ids=["nobody", "gone", "a name", "a group", "as many rules as are shown"],
)
def test_what_cannot_be_resolved_is_not_known(options: dict[str, Any]) -> None:
    session = session_with(ENCRYPT)
    session.organization.state["recipients"].append(
        {"name": "Team", "alias": "team", "address": f"team@{DOMAIN}", "members": [AWAY]}
    )
    changed(session, INSIDE, **options)
    assert "unknown" in refused(session)
    assert checked(session, may_reach=["unknown"])["experiments"]


def test_a_copy_that_was_sent_on_as_allowed_contradicts_nothing() -> None:
    session = session_with(LOGGED)
    changed(session, INSIDE, inbox_rules=[inbox_rule(smtp(AWAY))])
    found = run(session, Office(session), KeptRecord(), **GIVEN, may_reach=[AWAY])
    copies = found["experiments"][0]["recipients"]
    assert (copies[AWAY]["agrees"], copies[INSIDE]["agrees"]) == ("not_comparable", True)
    assert "failed" not in found


def test_a_copy_that_nothing_known_sends_on_contradicts() -> None:
    session = session_with(ENCRYPT)
    later = Office(session, fault=lambda number: changed(session, INSIDE, forwards_to=AWAY) and None)
    found = run(session, later, KeptRecord(), **GIVEN)
    assert found["experiments"][0]["recipients"][AWAY]["agrees"] is False
    assert found["failed"]
