# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that an organization is asked with temporary rules: the emulator decides, and shares no code with what is tested."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    OptionError,
    OutcomeUnknownError,
    PermissionDeniedError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.experiment_context import (
    AbandonedRecord,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import Sending
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_experiments import (
    BY_NUMBER,
    UNTOLD,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_plan import (
    MOST_PROBES,
    people_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import (
    BY_ID,
    OBSERVABLE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.questions import UNASKED

from tests.emulator.organization import default_state
from tests.unit.emulated_session import EmulatedSession
from tests.unit.mail_flow.experiment.emulated_office import Office
from tests.unit.mail_flow.experiment.mailboxes import (
    DOMAIN,
    ENCRYPT,
    INSIDE,
    PARTNER,
    SENDER,
    KeptRecord,
    Mailboxes,
    run,
    session_with,
)
from tests.unit.mail_flow.experiment.questioning import ask, rules_of, told

NOBODY, GUEST = f"nobody@{DOMAIN}", "guest@wingtiptoys.com"
SMTP = {"send_with": "smtp", "smtp_host": "mail.fabrikam.com", "senders": [PARTNER]}
#: What two mailboxes and a partner tell.
ASKED = {"U03", "U06", "U07", "U08", "U09", "U11", "U15"}
GROUPS = {f"all@{DOMAIN}": [f"team@{DOMAIN}"], f"team@{DOMAIN}": [INSIDE]}
#: What the emulator calls the answers true and false.
EMULATED: Mapping[str, Mapping[bool, Any]] = {
    "U02": {True: "encrypts", False: "decrypts"},
    "U03": {True: "at once", False: "afterwards"},
    "U20": {True: "inside", False: "outside"},
}
#: Options that a question needs beside the usual ones.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "U02": {"read_copies": True},
    "U04": {"facts": {"groups": GROUPS}},
    "U20": {"recipients": [GUEST]},
    "U19": {**SMTP, "recipients": [NOBODY], "facts": {"mailboxes": [INSIDE]}},
}
#: What an organization has beside the usual.
STATE: Mapping[str, Mapping[str, Any]] = {
    "U20": {"mail_users": [{"PrimarySmtpAddress": GUEST}]},
    "U04": {
        "recipients": [
            *default_state(DOMAIN)["recipients"],
            *(
                {
                    "name": address.partition("@")[0],
                    "alias": address.partition("@")[0],
                    "address": address,
                    "members": members,
                }
                for address, members in GROUPS.items()
            ),
        ]
    },
}


def test_each_question_is_asked_or_says_why_not() -> None:
    assert BY_NUMBER.keys() | UNTOLD.keys() == BY_ID.keys()
    assert not BY_NUMBER.keys() & UNTOLD.keys()
    assert OBSERVABLE.keys() <= BY_NUMBER.keys()
    assert "untold" in UNASKED


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("number", sorted(number for number, each in BY_NUMBER.items() if each.rules))
def test_each_answer_is_told(number: str, answer: bool) -> None:
    session = session_with(
        ENCRYPT, **STATE.get(number, {}), answers={number: EMULATED.get(number, {}).get(answer, answer)}
    )
    found = ask(session, questions=[number], **OPTIONS.get(number, {}))
    assert told(found) == {number: answer}, found["msg"]
    assert "failed" not in found
    progress = [line.split() for line in found["_said"] if line.startswith("sent ")]
    asked_for = [words for words in progress if words[1] != "message"]
    assert [words[1:4] for words in asked_for] == [
        [str(number), "of", str(found["sent"])] for number in range(1, found["sent"] + 1)
    ]
    assert [words[2] for words in progress if words[1] == "message"] == [
        str(number) for number in range(1, found["probes"] + 1)
    ]
    assert found["msg"].startswith(
        f"{found['sent']} of {found['sent']} message{'s' if found['sent'] > 1 else ''} sent, and {found['probes']} message"
    )
    assert rules_of(session) == ["Partners"]


def test_all_questions_at_once_in_check_mode() -> None:
    session = session_with(ENCRYPT)
    mailboxes = Office(session)
    found = ask(session, mailboxes, questions=["all"], max_messages=100, check_mode=True)
    assert (session.writes, mailboxes.sent, rules_of(session)) == ([], [], ["Partners"])
    assert {row["name"].partition(" ")[0] for row in found["experiments"]} == ASKED | {"ready"}
    not_sent = {row["name"]: row["why"] for row in found["not_sent"]}
    assert not_sent.keys() == BY_ID.keys() - ASKED
    assert (not_sent["U04"], not_sent["U19"], not_sent["U02"], not_sent["U01"]) == ("roles", "way", "copies", "untold")
    for rule in found["temporary_rules"]:
        assert rule["conditions"]["from"] == [SENDER]
        assert len(rule["name"]) <= 64
        assert rule["expiry_date"]


def test_without_temporary_rules_only_what_needs_none_is_sent() -> None:
    session = session_with(ENCRYPT)
    asking = {"temporary_rules": False, "questions": ["U08", "U22"], "read_copies": True}
    found = ask(
        session, Mailboxes(session, copies={INSIDE: b"X-MS-Exchange-Organization-AuthAs: Internal\r\n\r\n"}), **asking
    )
    assert told(found) == {"U22": True}
    (refused,) = found["not_sent"]
    assert (refused["name"], refused["why"]) == ("U08", "temporary_rules")
    assert BY_ID["U08"].settled_by.rstrip(".") in refused["reason"]
    assert session.writes == []


def test_a_question_that_nothing_tells_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match="X99"):
        ask(session_with(), questions=["X99"])
    with pytest.raises(OptionError, match="Outlook"):
        ask(session_with(), questions=["U01"])


EVERYTHING: dict[str, Any] = {
    "name": 'It\'s "all"',
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"prepend_subject": "x"},
}


def test_a_rule_of_others_that_can_act_is_named_and_nothing_is_made() -> None:
    session = session_with(EVERYTHING)
    with pytest.raises(OptionError) as refused:
        ask(session, questions=["U08", "U15"])
    assert [(row["name"], row["why"]) for row in refused.value.result["not_sent"]] == [
        ("U08", "others"),
        ("U15", "others"),
    ]
    assert all('It\'s "all"' in row["reason"] for row in refused.value.result["not_sent"])
    assert len(str(refused.value)) < 200
    assert session.writes == []


def test_temporary_rules_stand_behind_all_others() -> None:
    session = session_with(ENCRYPT)
    seen: list[list[str]] = []
    ask(session, Office(session, fault=lambda number: seen.append(rules_of(session))), questions=["U08"])
    assert {names[0] for names in seen} == {"Partners"}
    assert [name.rpartition(" ")[2] for name in seen[-1][1:]] == ["stops", "behind", "acts"]


class DiedError(Exception):
    """What ends a run in a test."""


def test_rules_are_removed_whatever_happens() -> None:
    session = session_with(ENCRYPT)

    def fail(number: int) -> None:
        raise DiedError(number)

    with pytest.raises(DiedError):
        ask(session, Office(session, after=fail), questions=["U08"])
    assert rules_of(session) == ["Partners"]


def test_rules_are_removed_where_the_signal_to_end_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_with(ENCRYPT)
    write, signals = session.write, [SystemExit(143)]

    def ended(call: Call) -> Result:
        if call.cmdlet == "Remove-TransportRule" and signals:
            raise signals.pop()
        return write(call)

    monkeypatch.setattr(session, "write", ended)
    with pytest.raises(SystemExit):
        ask(session, questions=["U08"])
    assert rules_of(session) == ["Partners"]


def test_whoever_cannot_answer_takes_no_part() -> None:
    """In an internal remote domain guests are inside as all others are, and an object of a relayed domain is one."""
    relayed = f"megan@relay.{DOMAIN}"
    sending = Sending("graph", [SENDER], [GUEST, relayed], "x" * 8, datetime.datetime.now(datetime.UTC))
    for internal, objects, roles in ((True, [GUEST, relayed], set()), (False, [GUEST], {"guest", "nobody"})):
        facts = facts_of(
            {
                "accepted_domains": [DOMAIN, {"name": f"relay.{DOMAIN}", "type": "InternalRelay"}],
                "remote_domains": [{"domain_name": "wingtiptoys.com", "is_internal": internal}],
                "mail_users": objects,
                "mailboxes": [SENDER],
            }
        )
        assert people_of(sending, facts).keys() & {"guest", "nobody"} == roles


@pytest.mark.parametrize("is_known", [False, True])
def test_whether_a_relayed_address_is_nobodys_is_asked(is_known: bool) -> None:
    relayed = f"megan@relay.{DOMAIN}"
    domains = [{"DomainName": DOMAIN}, {"DomainName": f"relay.{DOMAIN}", "DomainType": "InternalRelay"}]
    session = session_with(ENCRYPT, accepted_domains=domains)
    row = {"name": "Megan", "alias": "megan", "address": relayed, "type": "MailUser"}
    session.organization.state["recipients"] += [row] if is_known else []
    options: dict[str, Any] = {**SMTP, "recipients": [relayed], "questions": ["U19"], "check_mode": True}
    if is_known:
        with pytest.raises(OptionError, match="an address of nobody"):
            ask(session, **options)
        return
    assert ask(session, **options)["not_sent"] == []


def test_mail_of_somebody_inside_does_not_tell_of_unauthenticated_mail() -> None:
    """A server that takes it from one who signs in makes it authenticated."""
    options = {**OPTIONS["U19"], "senders": [SENDER]}
    with pytest.raises(OptionError, match="U19"):
        ask(session_with(), questions=["U19"], check_mode=True, **options)


def test_questions_are_asked_once_the_rules_act() -> None:
    session = session_with(mail_service={**default_state(DOMAIN)["mail_service"], "rules_seconds": 3600})
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len([each for each in waited if each > 60]) == 2:
            session.organization.state["mail_service"]["rules_seconds"] = 0

    found = ask(session, questions=["U15"], sleep=wait)
    assert (told(found), found["sent"], found["probes"]) == ({"U15": True}, 1, 3)
    assert rules_of(session) == []


def test_rules_that_do_not_act_in_time_ask_nothing() -> None:
    session = session_with(ENCRYPT)
    kept = KeptRecord()
    found = ask(session, Mailboxes(session), kept, questions=["U08"])
    assert told(found) == {"U08": "not_sent"}
    assert (found["sent"], found["probes"]) == (0, MOST_PROBES)
    assert rules_of(session) == ["Partners"]
    assert kept.read()["temporary"] == []


def refuse_removal(call: Call) -> None:
    if call.cmdlet == "Remove-TransportRule":
        raise PermissionDeniedError("Not yours.", cmdlet=call.cmdlet)


def test_a_rule_that_cannot_be_removed_is_named_with_the_cmdlet() -> None:
    session = session_with(ENCRYPT)
    session.before_write = refuse_removal
    kept = KeptRecord()
    found = ask(session, record=kept, questions=["U08"], fail_on_error=False)
    guids = {row["Name"]: row["Guid"] for row in session.organization.state["transport_rules"]}
    left = {row["name"]: row["command"] for row in found["rules_left"]}
    assert left.keys() == guids.keys() - {"Partners"}
    assert all(guids[name] in command and "Remove-TransportRule" in command for name, command in left.items())
    assert found["failed"] is True
    assert "Remove-TransportRule" in found["msg"]
    assert told(found) == {"U08": False}
    # Reading the record removes what is left.
    session.before_write = lambda call: None
    again = run(session, Office(session), kept, read_only=True)
    assert rules_of(session) == ["Partners"]
    assert "rules_left" not in again
    assert told(again) == {"U08": False}


def test_a_failure_says_what_it_leaves() -> None:
    session = session_with(ENCRYPT)
    session.before_write = refuse_removal

    def fail(number: int) -> None:
        raise DiedError("The end.")

    with pytest.raises(ExchangeError, match=r"The end\..*Remove-TransportRule"):
        ask(session, Office(session, after=fail), questions=["U08"])


@pytest.mark.parametrize("cmdlet", ["New-TransportRule", "Remove-TransportRule"])
def test_a_write_whose_answer_is_lost_is_found_by_reading(cmdlet: str) -> None:
    session = session_with(ENCRYPT)
    write, lost = session.write, []

    def lose(call: Call) -> Result:
        result = write(call)
        if call.cmdlet != cmdlet or lost:
            return result
        lost.append(call)
        return Result(error=OutcomeUnknownError("Lost.", reason="The connection broke.", cmdlet=cmdlet))

    session.write = lose  # type: ignore[method-assign]
    found = ask(session, questions=["U08"])
    assert (told(found), len(lost)) == ({"U08": False}, 1)
    assert rules_of(session) == ["Partners"]


def left_behind(session: EmulatedSession, **changes: Any) -> dict[str, Any]:
    """The rules of a run that was killed, and its record."""
    kept = KeptRecord()
    session.before_write = refuse_removal
    ask(session, record=kept, questions=["U08"], fail_on_error=False)
    session.before_write = lambda call: None
    for row in session.organization.state["transport_rules"]:
        if row["Name"].startswith("Message encryption experiment"):
            row |= changes
    return dict(kept.read())


def test_the_next_run_removes_rules_that_have_ended_by_themselves() -> None:
    session = session_with(ENCRYPT)
    left_behind(session, ExpiryDate="2026-01-01T00:00:00Z")
    shown = ask(session, questions=["U15"], check_mode=True)
    assert "Would remove a rule that an earlier run left" in shown["msg"]
    assert shown["msg"].startswith(f"Would make {len(shown['temporary_rules'])} temporary rules behind all others")
    assert len(rules_of(session)) == 4
    assert told(ask(session, questions=["U15"])) == {"U15": True}
    assert rules_of(session) == ["Partners"]


def test_the_next_run_removes_the_rules_of_a_record_whose_run_died() -> None:
    session = session_with(ENCRYPT)
    document = left_behind(session)
    forgotten: list[bool] = []
    records = [
        AbandonedRecord(document, lambda: forgotten.append(True), "killed.json"),
        AbandonedRecord({"kind": "x"}, lambda: None),
    ]
    theirs = rules_of(session)[1:]
    found = ask(session, questions=["U15"], abandoned=records)
    assert told(found) == {"U15": True}
    assert (rules_of(session), forgotten) == (["Partners"], [True])
    (said,) = found["_warnings"]
    assert "killed.json" in said
    assert all(name in said for name in theirs)


def test_the_record_of_a_run_whose_rules_stand_says_so() -> None:
    session = session_with(ENCRYPT)
    kept = KeptRecord()
    kept.write(left_behind(session))
    theirs = rules_of(session)[1:]
    with pytest.raises(OptionError) as refused:
        ask(session, record=kept, questions=["U15"])
    assert all(name in str(refused.value) for name in theirs)
    assert f"{len(theirs)} temporary rules still stand" in str(refused.value)
    assert "read_only" in str(refused.value)
    ask(session, record=kept, read_only=True, temporary_rules=False)
    assert rules_of(session) == ["Partners"]


def test_a_record_that_cannot_be_written_after_the_removal_costs_no_result() -> None:
    session = session_with(ENCRYPT)

    class Full(KeptRecord):
        """A file that cannot be written once the rules are gone."""

        def write(self, document: Mapping[str, Any]) -> None:
            """Replaces it."""
            if self.versions and not document["temporary"]:
                raise OptionError("No space left on device.")
            super().write(document)

    found = ask(session, record=Full(), questions=["U15"])
    assert told(found) == {"U15": True}
    assert rules_of(session) == ["Partners"]
    assert any("No space left" in text for text in found["_warnings"])


def test_copies_of_questions_are_no_copies_that_cannot_be_compared() -> None:
    found = ask(session_with(ENCRYPT), questions=["U08", "U15"])
    lines = found["msg"].splitlines()
    assert "cannot be compared" not in found["msg"]
    assert any(line.startswith("Asked, not compared: 4 copies of U08 and U15") for line in lines)


def test_two_runs_beside_each_other_leave_each_other_alone() -> None:
    session = session_with(ENCRYPT)
    left_behind(session)
    theirs = rules_of(session)
    assert told(ask(session, questions=["U08"])) == {"U08": False}
    assert rules_of(session) == theirs


def test_a_rule_that_only_looks_like_one_stays() -> None:
    name = "Message encryption experiment 0123abcd U08 stops"
    session = session_with(
        ENCRYPT,
        {"name": name, "conditions": {"subject_contains_words": ["0123abcdu08a"]}, "actions": {"prepend_subject": "x"}},
    )
    session.edit("Set-TransportRule", Identity=name, ExpiryDate=None)
    ask(session, questions=["U15"])
    assert rules_of(session) == ["Partners", name]
