# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending messages once, and what Exchange shows of them beside what was computed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    GRAPH_FIND,
    GRAPH_MIME,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotFoundError,
    OptionError,
    OutcomeUnknownError,
    PermissionDeniedError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.experiment import (
    PROTECTION_NOT_SEEN,
)

from tests.emulator.rule_reports import hit
from tests.unit.mail_flow.experiment.mailboxes import (
    ENCRYPT,
    GUARANTEE,
    INSIDE,
    LOGGED,
    PARTNER,
    SENDER,
    STRANGER,
    WORDS,
    KeptRecord,
    Mailboxes,
    message,
    run,
    session_with,
)

PEOPLE: dict[str, Any] = {"senders": [SENDER], "recipients": [INSIDE, PARTNER, STRANGER]}
PROTECTED = b"Content-Class: rpmsg.message\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\nContent-Type: text/plain\r\n\r\nRead it"
CLEAR = b"Content-Type: text/plain\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n\r\nHello"


def experiment(
    *rules: dict[str, Any], fates: dict[str, Any] | None = None, copies: dict[str, bytes] | None = None, **options: Any
) -> tuple[dict[str, Any], Mailboxes, KeptRecord]:
    session = session_with(*(rules or (LOGGED,)))
    guids = {rule["Name"]: rule["Guid"] for rule in session.edit("Get-TransportRule")}
    told = {
        address: {**fate, "rules": {name: guids[name] for name in fate.get("rules", ())}}
        for address, fate in (fates or {}).items()
    }
    mailboxes = Mailboxes(session, told, copies or {})
    record = KeptRecord()
    return run(session, mailboxes, record, **PEOPLE, **{"messages": [message()], **options}), mailboxes, record


def copy(found: dict[str, Any], address: str = PARTNER) -> dict[str, Any]:
    (row,) = found["experiments"]
    return dict(row["recipients"][address])


def test_a_message_is_sent_marked_and_says_what_it_is() -> None:
    found, mailboxes, record = experiment(fates={PARTNER: {"rules": ["Partners"]}})
    (sent,) = mailboxes.sent
    mark = json.loads(record.versions[-1])["messages"][0]["mark"]
    assert sent["Subject"] == f"Offer [{mark}]"
    assert sent["X-Message-Encryption-Experiment"] == mark
    assert (sent["Auto-Submitted"], sent["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert sent["Bcc"] is sent["Reply-To"] is sent["Disposition-Notification-To"] is None
    assert "administrator" in str(sent.get_payload())
    assert (found["sent"], found["changed"], found.get("failed")) == (1, True, None)


def test_what_was_seen_agrees_with_what_was_computed() -> None:
    found, _mailboxes, _record = experiment(fates={PARTNER: {"rules": ["Partners"]}})
    seen = copy(found)
    assert seen["observed"] == {
        "fate": "delivered",
        "rules": ["Partners"],
        "protection": "not_seen",
        "evidence": ["trace", "detail"],
        "remarks": [],
    }
    assert seen["agrees"] is True
    assert seen["predicted"]["protected_by"] == ["Partners"]


@pytest.mark.parametrize(
    ("fate", "part"),
    [
        ({"rules": []}, "rules"),
        ({"rules": ["Salaries"]}, "rules"),
        (
            {
                "status": "Failed",
                "rules": ["Partners"],
                "events": [{"Event": "Fail", "Detail": "550 5.7.1 TRANSPORT.RULES.RejectMessage; blocked"}],
            },
            "fate",
        ),
    ],
    ids=["a rule did not act", "another rule acted", "rejected"],
)
def test_a_contradiction_fails_and_asks_for_a_report(fate: dict[str, Any], part: str) -> None:
    found, _mailboxes, _record = experiment(LOGGED, WORDS, fates={PARTNER: fate})
    seen = copy(found)
    assert seen["agrees"] is False
    assert part in [each["part"] for each in seen["contradictions"]]
    assert found["failed"]
    lenient, _mailboxes, _record = experiment(LOGGED, WORDS, fates={PARTNER: fate}, fail_on_error=False)
    assert "failed" not in lenient


def test_a_rule_that_need_not_be_logged_is_not_missed() -> None:
    found, _mailboxes, _record = experiment(ENCRYPT, fates={PARTNER: {"rules": []}})
    assert copy(found)["agrees"] == "not_comparable"
    assert "failed" not in found


def goals(found: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(row["goal"], row["sent"]) for row in found["not_shown"]]


ACTS = "the rule 'Partners' acts"


def test_a_rule_that_no_copy_shows_is_named() -> None:
    hidden, _mailboxes, _record = experiment(ENCRYPT, messages=[], rules=["Partners"])
    assert goals(hidden) == [(ACTS, True)]
    seen, _mailboxes, _record = experiment(
        ENCRYPT, messages=[], rules=["Partners"], fates={PARTNER: {"rules": ["Partners"]}}
    )
    assert goals(seen) == []


def test_protection_shows_a_rule_that_is_not_logged() -> None:
    found, _mailboxes, _record = experiment(
        ENCRYPT, messages=[], rules=["Partners"], copies={PARTNER: PROTECTED}, read_copies=True
    )
    assert goals(found) == []


def test_what_is_not_shown_for_one_reason_is_one_line() -> None:
    rules = [{**ENCRYPT, "name": name} for name in ("Partners", "Others")]
    session = session_with(*rules)
    given: dict[str, Any] = {
        "senders": [SENDER],
        "recipients": [PARTNER, INSIDE],
        "rules": ["Partners", "Others"],
        "fail_on_error": False,
    }
    found = run(session, Mailboxes(session), KeptRecord(), **given)
    assert len(found["not_shown"]) == 2
    assert sum(line.startswith("Not shown") for line in found["msg"].splitlines()) == 1

    def refuse(number: int) -> None:
        raise PermissionDeniedError("Mail.Send is missing.")

    refused = run(session, Mailboxes(session, fault=refuse), KeptRecord(), **given)
    assert {row["sent"] for row in refused["not_shown"]} == {False}
    assert sum(line.startswith("Not shown") for line in refused["msg"].splitlines()) == 1


def test_a_guarantee_whose_mail_no_message_shows_is_told_as_that_mail() -> None:
    guarantee = {"name": "Bank", "when": {"recipient_domain_is": ["bank.example"]}, "then": "not_in_clear"}
    found, _mailboxes, _record = experiment(guarantees=[guarantee], fail_on_error=False)
    assert [row["goal"] for row in found["not_shown"]] == ["mail that the guarantee 'Bank' covers"]


def test_a_rule_without_a_message_is_not_shown() -> None:
    found, _mailboxes, _record = experiment(rules=["Partners"], max_messages=1)
    assert goals(found) == [(ACTS, False)]


def test_protection_that_was_not_seen_is_said() -> None:
    told: dict[str, Any] = {PARTNER: {"rules": ["Partners"]}}
    found, _mailboxes, _record = experiment(fates=told)
    assert copy(found)["agrees"] is True
    assert PROTECTION_NOT_SEEN in found["msg"]
    read, _mailboxes, _record = experiment(fates=told, copies={PARTNER: PROTECTED}, read_copies=True)
    assert PROTECTION_NOT_SEEN not in read["msg"]


def test_what_could_not_be_read_is_said() -> None:
    session = session_with(LOGGED, hidden_cmdlets=["Get-MessageTraceDetailV2"])
    found = run(session, Mailboxes(session), KeptRecord(), **PEOPLE, messages=[message()])
    assert "Not read: Get-MessageTraceDetailV2: " in " ".join(found["msg"].split())


def test_what_was_not_read_may_cause_a_contradiction() -> None:
    session = session_with(WORDS, hidden_cmdlets=["Get-DlpCompliancePolicy", "Get-DlpComplianceRule"])
    record = KeptRecord()
    found = run(
        session,
        Mailboxes(session, copies={PARTNER: PROTECTED}),
        record,
        **PEOPLE,
        messages=[message()],
        read_copies=True,
    )
    assert copy(found)["agrees"] is False
    assert "DLP policies" in json.loads(record.versions[-1])["unread"]
    assert "were not read, and may be the cause. If they are not: A contradiction" in " ".join(found["msg"].split())


def test_what_is_not_as_expected_is_said_and_sent() -> None:
    found, mailboxes, _record = experiment(
        fates={PARTNER: {"rules": ["Partners"]}}, messages=[message(expect={PARTNER: {"protection": "none"}})]
    )
    assert (len(mailboxes.sent), found["failed"]) == (1, True)
    assert "Not as expected: Offer" in found["msg"]


def test_a_guarantee_that_is_refuted_is_said() -> None:
    found, _mailboxes, _record = experiment(WORDS, messages=[], guarantees=[{**GUARANTEE, "unless": {}}])
    assert [row["refutes"] for row in found["experiments"]] == [[GUARANTEE["name"]]]
    assert found["failed"]
    assert "Refuted by what is computed" in found["msg"]


@pytest.mark.parametrize(
    ("content", "protection", "agrees"), [(PROTECTED, "protected", True), (CLEAR, "clear", False)], ids=str
)
def test_protection_is_seen_in_a_copy_alone(content: bytes, protection: str, agrees: bool) -> None:
    told: dict[str, Any] = {PARTNER: {"rules": ["Partners"]}}
    found, _mailboxes, _record = experiment(fates=told, copies={PARTNER: content}, read_copies=True)
    assert (copy(found)["observed"]["protection"], copy(found)["agrees"]) == (protection, agrees)
    assert copy(found)["observed"]["evidence"] == ["trace", "detail", "copy"]
    unread, _mailboxes, _record = experiment(fates=told, copies={PARTNER: content})
    assert copy(unread)["observed"]["protection"] == "not_seen"


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: application/x-microsoft-rpmsg-message\r\n\r\nZ\r\n--x--",
        b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename="message_v4.rpmsg"\r\n\r\nZ\r\n--x--',
    ],
    ids=["type", "name"],
)
def test_a_protected_copy_is_known_by_its_parts(content: bytes) -> None:
    found, _mailboxes, _record = experiment(copies={PARTNER: content}, read_copies=True)
    assert copy(found)["observed"]["protection"] == "protected"


def test_a_sender_whom_exchange_takes_for_one_outside_is_not_compared() -> None:
    content = CLEAR.replace(b"Internal", b"Anonymous")
    found, _mailboxes, _record = experiment(copies={PARTNER: content}, read_copies=True)
    assert (copy(found)["agrees"], copy(found)["observed"]["internal"]) == ("not_comparable", False)


@pytest.mark.parametrize(
    ("fate", "remark"),
    [
        ({"status": ""}, "missing"),
        ({"status": "Pending"}, "late"),
        ({"times": 2}, "duplicated"),
        ({"events": [{"Event": "Drop", "Detail": "x"}]}, "contradicting"),
    ],
    ids=str,
)
def test_evidence_that_is_not_whole_has_its_word_and_contradicts_nothing(fate: dict[str, Any], remark: str) -> None:
    found, _mailboxes, _record = experiment(fates={PARTNER: {"rules": ["Partners"], **fate}})
    seen = copy(found)
    assert remark in seen["observed"]["remarks"]
    assert seen["agrees"] == "not_comparable"
    assert "failed" not in found


def test_without_details_a_copy_is_seen_in_part() -> None:
    session = session_with(LOGGED, hidden_cmdlets=["Get-MessageTraceDetailV2"])
    found = run(session, Mailboxes(session), KeptRecord(), **PEOPLE, messages=[message()])
    assert copy(found)["observed"]["remarks"] == ["partial"]
    assert copy(found)["agrees"] == "not_comparable"
    assert "Get-MessageTraceDetailV2" in found["unavailable"]


def test_a_copy_for_somebody_for_whom_none_was_computed_is_a_contradiction() -> None:
    found, _mailboxes, _record = experiment(
        fates={INSIDE: {"as": "elsewhere@example.com"}}, messages=[message(to=[INSIDE])]
    )
    (row,) = found["experiments"]
    assert row["recipients"]["elsewhere@example.com"]["agrees"] is False
    assert found["failed"]


def test_it_waits_for_late_rows_and_no_longer_than_asked() -> None:
    found, _mailboxes, _record = experiment(fates={PARTNER: {"rules": ["Partners"], "late": 3}}, wait=5)
    assert copy(found)["agrees"] is True
    assert found["_slept"] == [2.0, 3.0, 4.5, 6.75][: len(found["_slept"])]
    assert len(found["_said"]) > 1


def test_details_that_come_after_others_are_seen() -> None:
    session = session_with(LOGGED)
    (guid,) = [rule["Guid"] for rule in session.edit("Get-TransportRule")]
    late: list[dict[str, Any]] = []

    def keep_back(_number: int) -> None:
        events = session.organization.state["message_trace_details"]
        late.extend(event for event in events if event["Event"] == "Transport rule")
        session.organization.state["message_trace_details"] = [event for event in events if event not in late]

    mailboxes = Mailboxes(session, {PARTNER: {"rules": {"Partners": guid}}}, after=keep_back)
    given: dict[str, Any] = {**PEOPLE, "messages": [message()], "wait": 5}

    def come(_seconds: float) -> None:
        session.organization.state["message_trace_details"] = [
            *session.organization.state["message_trace_details"],
            *late,
        ]
        late.clear()

    found = run(session, mailboxes, KeptRecord(), sleep=come, **given)
    assert (copy(found)["observed"]["rules"], copy(found)["agrees"]) == (["Partners"], True)


def test_a_delivered_message_that_comes_after_its_row_is_seen() -> None:
    session = session_with(LOGGED)
    (guid,) = [rule["Guid"] for rule in session.edit("Get-TransportRule")]
    waits: list[float] = []

    class Late(Mailboxes):
        def invoke(self, calls: Any, *, fresh: bool = False) -> list[Any]:
            (call,) = calls
            if call.cmdlet == GRAPH_FIND and len(waits) < 5:
                return [Result([])]
            return super().invoke(calls, fresh=fresh)

    mailboxes = Late(session, {PARTNER: {"rules": {"Partners": guid}}}, {PARTNER: PROTECTED})
    given: dict[str, Any] = {**PEOPLE, "messages": [message()], "wait": 5, "read_copies": True}
    found = run(session, mailboxes, KeptRecord(), sleep=waits.append, **given)
    assert (copy(found)["observed"]["protection"], len(waits)) == ("protected", 5)


@pytest.mark.parametrize("error", [NotFoundError("none"), PermissionDeniedError("no")], ids=str)
def test_a_mailbox_that_cannot_be_looked_into_is_not_waited_for(error: ExchangeError) -> None:
    session = session_with(LOGGED)
    (guid,) = [rule["Guid"] for rule in session.edit("Get-TransportRule")]
    asked: list[str] = []

    class Closed(Mailboxes):
        def invoke(self, calls: Any, *, fresh: bool = False) -> list[Any]:
            (call,) = calls
            if call.cmdlet == GRAPH_FIND:
                asked.append(call.cmdlet)
                return [Result(error=error)]
            return super().invoke(calls, fresh=fresh)

    mailboxes = Closed(session, {PARTNER: {"rules": {"Partners": guid}}})
    given: dict[str, Any] = {**PEOPLE, "messages": [message()], "wait": 5, "read_copies": True}
    found = run(session, mailboxes, KeptRecord(), **given)
    assert (copy(found)["agrees"], len(asked), found["_slept"]) == (True, 1, [2.0])


def test_progress_that_says_nothing_new_is_not_said_again() -> None:
    found, _mailboxes, _record = experiment(fates={PARTNER: {"rules": ["Partners"], "late": 3}}, wait=5)
    assert len(found["_said"]) == len(set(found["_said"]))


def test_one_a_second() -> None:
    found, mailboxes, _record = experiment(messages=[message(name=str(number)) for number in range(4)])
    assert len(mailboxes.sent) == 4
    assert found["_slept"] == [1.0, 1.0, 1.0]
    assert len({sent["X-Message-Encryption-Experiment"] for sent in mailboxes.sent}) == 4


def failing(error: ExchangeError) -> Callable[[int], None]:
    def fail(number: int) -> None:
        if number == 2:
            raise error

    return fail


THREE = [message(name=str(number)) for number in range(3)]


def test_a_message_with_a_lost_answer_is_perhaps_sent_and_never_sent_again() -> None:
    session = session_with(LOGGED)
    mailboxes, record = Mailboxes(session, after=failing(OutcomeUnknownError("lost"))), KeptRecord()
    found = run(session, mailboxes, record, **PEOPLE, messages=THREE)
    assert [row["state"] for row in found["experiments"]] == ["sent", "perhaps_sent", "sent"]
    assert (len(mailboxes.sent), found["sent"]) == (3, 3)
    # The trace says what became of it.
    assert found["experiments"][1]["recipients"][PARTNER]["observed"]["fate"] == "delivered"
    again = run(session, mailboxes, record, read_only=True)
    assert len(mailboxes.sent) == 3
    assert [row["state"] for row in again["experiments"]] == ["sent", "perhaps_sent", "sent"]
    assert again["changed"] is False


def test_after_a_refusal_nothing_more_is_sent() -> None:
    session = session_with(LOGGED)
    mailboxes, record = Mailboxes(session, fault=failing(PermissionDeniedError("No Mail.Send."))), KeptRecord()
    found = run(session, mailboxes, record, **PEOPLE, messages=THREE)
    assert [row["state"] for row in found["experiments"]] == ["sent", "refused", "planned"]
    assert (mailboxes.tried, found["sent"], found["failed"]) == (2, 1, True)
    assert [row["name"] for row in found["not_sent"]] == ["1", "2"]


def test_a_killed_run_leaves_a_record_that_says_what_was_perhaps_sent() -> None:
    session = session_with(LOGGED)

    def killed(number: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    mailboxes, record = Mailboxes(session, after=killed), KeptRecord()
    with pytest.raises(KeyboardInterrupt):
        run(session, mailboxes, record, **PEOPLE, messages=THREE)
    found = run(session, Mailboxes(session), record, read_only=True)
    assert [row["state"] for row in found["experiments"]] == ["sent", "perhaps_sent", "planned"]
    assert found["experiments"][1]["recipients"][PARTNER]["observed"]["fate"] == "delivered"


def test_a_record_is_never_taken_twice() -> None:
    session = session_with(LOGGED)
    mailboxes, record = Mailboxes(session), KeptRecord()
    run(session, mailboxes, record, **PEOPLE, messages=[message()])
    with pytest.raises(OptionError, match="exists"):
        run(session, mailboxes, record, **PEOPLE, messages=[message()])
    assert len(mailboxes.sent) == 1


def test_a_record_of_another_organization_is_refused() -> None:
    session = session_with(LOGGED)
    record = KeptRecord()
    run(session, Mailboxes(session), record, **PEOPLE, messages=[message()])
    record.versions[-1] = record.versions[-1].replace('"organization": "contoso', '"organization": "fabrikam')
    with pytest.raises(OptionError, match=r"fabrikam\.onmicrosoft\.com"):
        run(session, Mailboxes(session), record, read_only=True)


@pytest.mark.parametrize("damage", ['"format": 2', '"kind": "snapshot"'], ids=str)
def test_a_file_that_is_no_record_is_refused(damage: str) -> None:
    session = session_with(LOGGED)
    record = KeptRecord()
    run(session, Mailboxes(session), record, **PEOPLE, messages=[message()])
    key = damage.partition(":")[0]
    content = json.loads(record.versions[-1]) | json.loads(f"{{{damage}}}")
    assert key.strip('"') in content
    record.versions[-1] = json.dumps(content)
    with pytest.raises(OptionError):
        run(session, Mailboxes(session), record, read_only=True)


def test_reports_count_once_they_come() -> None:
    session = session_with(LOGGED)
    mailboxes, record = Mailboxes(session), KeptRecord()
    run(session, mailboxes, record, **PEOPLE, messages=[message()])
    (traced,) = session.organization.state["message_trace"]
    session.organization.state["message_trace_details"] = []
    session.organization.state["rule_report"] = [hit(traced, "Partners")]
    found = run(session, mailboxes, record, read_only=True)
    assert copy(found)["observed"]["evidence"] == ["trace", "report"]
    assert copy(found)["agrees"] is True


def test_mail_from_outside_goes_to_a_server_of_the_user() -> None:
    session = session_with(LOGGED, WORDS)
    mailboxes = Mailboxes(session)
    outside = {"name": "Reply", "from": PARTNER, "to": [INSIDE], "subject": "Re: Offer"}
    options = {"senders": [PARTNER], "recipients": [INSIDE], "send_with": "smtp", "smtp_host": "mail.fabrikam.com"}
    found = run(session, mailboxes, KeptRecord(), messages=[outside], **options)
    assert len(mailboxes.sent) == 1
    predicted = copy(found, INSIDE)["predicted"]
    assert (predicted["fate"], predicted["rules"]) == ("delivered", [])


def test_nothing_to_send_is_refused() -> None:
    with pytest.raises(OptionError, match="no message"):
        experiment(messages=[message(**{"from": STRANGER})])


def test_sending_needs_a_record() -> None:
    with pytest.raises(OptionError, match="record"):
        experiment(record=None)


def attached(content: bytes) -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\nContent-Type: message/rfc822\r\n\r\n"
    return head + content + b"\r\n--y--"


@pytest.mark.parametrize(
    "content",
    [
        attached(PROTECTED),
        attached(
            b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename="message.rpmsg"\r\n\r\nZ\r\n--x--'
        ),
        b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename="message.rpmsg.txt"\r\n\r\nZ\r\n--x--',
    ],
    ids=["attached message", "attached parts", "a text"],
)
def test_what_a_clear_copy_carries_does_not_protect_it(content: bytes) -> None:
    found, _mailboxes, _record = experiment(copies={PARTNER: content}, read_copies=True)
    assert copy(found)["observed"]["protection"] == "clear"


def test_of_copies_that_differ_nothing_is_seen() -> None:
    session = session_with(LOGGED)
    contents = [CLEAR, PROTECTED]

    class Several(Mailboxes):
        def invoke(self, calls: Any, *, fresh: bool = False) -> list[Any]:
            (call,) = calls
            if call.cmdlet == GRAPH_FIND:
                return [Result([{"id": "0"}, {"id": "1"}])]
            if call.cmdlet == GRAPH_MIME:
                return [Result([{"mime": base64.b64encode(contents[int(call.parameters["Id"])]).decode()}])]
            return super().invoke(calls, fresh=fresh)

    found = run(session, Several(session), KeptRecord(), **PEOPLE, messages=[message()], read_copies=True)
    assert (copy(found)["observed"]["protection"], copy(found)["observed"]["evidence"]) == (
        "not_seen",
        ["trace", "detail"],
    )


def test_the_mailbox_of_the_sender_shows_what_was_sent_and_is_not_read() -> None:
    session = session_with(LOGGED)
    people = {"senders": [SENDER], "recipients": [SENDER]}
    mailboxes = Mailboxes(session, copies={SENDER: CLEAR})
    found = run(session, mailboxes, KeptRecord(), **people, messages=[message(to=[SENDER])], read_copies=True)
    assert copy(found, SENDER)["observed"]["protection"] == "not_seen"


def test_that_a_rule_without_a_log_did_not_act_is_not_seen() -> None:
    silent = {**ENCRYPT, "name": "Silent", "conditions": {"subject_contains_words": ["secret"]}}
    inside: dict[str, Any] = {"messages": [message(to=[INSIDE])]}
    found, _mailboxes, _record = experiment(LOGGED, silent, **inside)
    assert copy(found, INSIDE)["agrees"] == "not_comparable"
    disabled, _mailboxes, _record = experiment(LOGGED, {**silent, "enabled": False}, **inside)
    assert copy(disabled, INSIDE)["agrees"] is True
    acting, _mailboxes, _record = experiment(LOGGED, silent, fates={PARTNER: {"rules": ["Partners"]}})
    assert copy(acting)["agrees"] is True


def test_a_rule_that_no_report_names_yet_is_not_missed() -> None:
    other = {
        "name": "Other",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"set_header_name": "X-Other", "set_header_value": "1", "set_audit_severity": "Low"},
    }
    session = session_with(LOGGED, other)
    mailboxes, record = Mailboxes(session), KeptRecord()
    run(session, mailboxes, record, **PEOPLE, messages=[message()], fail_on_error=False)
    (traced,) = session.organization.state["message_trace"]
    session.organization.state["message_trace_details"] = []
    session.organization.state["rule_report"] = [hit(traced, "Partners")]
    found = run(session, mailboxes, record, read_only=True)
    assert (copy(found)["observed"]["rules"], copy(found)["agrees"]) == (["Partners"], "not_comparable")


@pytest.mark.parametrize(
    "damage",
    [
        {"mark": ""},
        {"mark": "other-01"},
        {"recipients": "tests@fabrikam.com"},
        {"recipients": [5]},
        {"state": "unsent"},
        {"sent_at": "yesterday"},
        {"predicted": []},
        {"predicted": {PARTNER: {"rules": [{}]}}},
        {"open": {PARTNER: {"alternatives": [{"result": []}]}}},
        {"bounced": "no"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_record_that_somebody_edited_is_refused(damage: dict[str, Any]) -> None:
    session = session_with(LOGGED)
    record = KeptRecord()
    run(session, Mailboxes(session), record, **PEOPLE, messages=[message()], fail_on_error=False)
    content = json.loads(record.versions[-1])
    content["messages"][0] |= damage
    record.versions[-1] = json.dumps(content)
    with pytest.raises(OptionError, match="not a complete record"):
        run(session, Mailboxes(session), record, read_only=True)


@pytest.mark.parametrize("damage", [{"began": "2026-01-01T00:00:00"}, {"organization": ""}, {"token": ""}], ids=str)
def test_a_record_says_when_and_whose_it_is(damage: dict[str, Any]) -> None:
    session = session_with(LOGGED)
    record = KeptRecord()
    run(session, Mailboxes(session), record, **PEOPLE, messages=[message()], fail_on_error=False)
    record.versions[-1] = json.dumps(json.loads(record.versions[-1]) | damage)
    with pytest.raises(OptionError):
        run(session, Mailboxes(session), record, read_only=True)


def test_why_a_message_is_perhaps_sent_does_not_say_that_it_is_sent_again() -> None:
    session = session_with(LOGGED)
    lost = OutcomeUnknownError("unknown", remedy="The next run applies what is missing.", reason="It timed out.")
    found = run(session, Mailboxes(session, after=failing(lost)), KeptRecord(), **PEOPLE, messages=THREE)
    assert found["experiments"][1]["reason"] == "It timed out."
