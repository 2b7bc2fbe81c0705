# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that is sent to an organization over Graph and SMTP, and what can be seen of it."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from tests.emulator import Emulator, Organization
from tests.emulator.message_trace import is_seen
from tests.emulator.post_office import letters

from .conftest import Client as RestClient
from .post import ALEX, ANN, ENCRYPT, MEGAN, NAME, REJECT, Client, mime, outcome, post, tenant

PROBE = "<probe@probes.invalid>"


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([tenant(ENCRYPT, REJECT)]) as emulator:
        yield emulator


@pytest.fixture
def graph(running: Emulator) -> Iterator[Client]:
    running.organizations[NAME].replace(tenant(ENCRYPT, REJECT))
    running.reset()
    running.applications[NAME].graph_consents = ()
    made = Client(running)
    yield made
    made.session.close()


def _code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# Sending over Graph


def test_mime_is_accepted_and_keeps_what_it_says(graph: Client) -> None:
    answer = graph.send(mime("Lunch", [ALEX], X_Probe="7"))
    assert (answer.status_code, answer.content) == (202, b"")
    (found,) = graph.found(PROBE).json()["value"]
    copy = letters.parsed(graph.copy(found["id"]).content)
    assert (copy["Message-ID"], copy["X-Probe"], copy["Subject"]) == (PROBE, "7", "Lunch")
    assert copy["X-MS-Exchange-Organization-AuthAs"] == "Internal"
    assert copy.get_content().strip() == "This is a test."


def test_json_makes_a_message_of_its_own(graph: Client) -> None:
    message = {
        "subject": "Lunch",
        "body": {"contentType": "HTML", "content": "<p>Hi</p>"},
        "toRecipients": [{"emailAddress": {"address": ALEX}}],
        "internetMessageHeaders": [{"name": "x-probe", "value": "7"}],
        "internetMessageId": PROBE,
        "attachments": [
            {"name": "a.txt", "contentType": "text/plain", "contentBytes": base64.b64encode(b"x").decode()}
        ],
    }
    assert graph.send_json(message, saveToSentItems=False).status_code == 202
    assert graph.found(PROBE).json()["value"] == []
    (kept,) = graph.organization.state["mailboxes"][ALEX.lower()]
    copy = letters.parsed(kept["content"].encode("latin-1"))
    assert (copy["x-probe"], [part.get_filename() for part in copy.iter_attachments()]) == ("7", ["a.txt"])
    assert MEGAN.lower() not in graph.organization.state["mailboxes"]


def test_the_service_may_give_messages_its_own_ids(graph: Client) -> None:
    graph.organization.patch({"mail_service": {"message_id": "replaced"}})
    assert graph.send(mime("Lunch", [ALEX])).status_code == 202
    assert graph.found(PROBE).json()["value"] == []
    assert len(outcome(graph.organization)["rows"]) == 1


def test_sent_items_show_what_was_sent(graph: Client) -> None:
    graph.organization.patch({"mail_grants": {"send": [MEGAN], "read": [MEGAN]}})
    graph.send(mime("secure", [MEGAN]))
    found = {row["parentFolderId"]: row for row in graph.found(PROBE, MEGAN).json()["value"]}
    assert found.keys() == {"Inbox", "SentItems"}
    assert [
        letters.is_wrapped(letters.parsed(graph.copy(found[each]["id"], MEGAN).content)) for each in sorted(found)
    ] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("box", "granted", "consented", "code"),
    [
        (MEGAN, [MEGAN], (), 202),
        (ALEX, [MEGAN], (), 403),
        (ALEX, [], ("Mail.Send",), 202),
        (MEGAN, [], ("Mail.Read",), 403),
        (f"nobody@{NAME}", [MEGAN], (), 404),
    ],
)
def test_who_may_send(graph: Client, box: str, granted: list[str], consented: tuple[str, ...], code: int) -> None:
    graph.organization.patch({"mail_grants": {"send": granted, "read": []}})
    graph.emulator.applications[NAME].graph_consents = consented
    graph.sign_in()
    assert graph.send(mime("Lunch", [ALEX], box), box).status_code == code


def test_reading_needs_its_own_permission(graph: Client) -> None:
    graph.organization.patch({"mail_grants": {"send": [MEGAN], "read": []}})
    graph.send(mime("Lunch", [ALEX]))
    assert _code(graph.found(PROBE)) == (403, "ErrorAccessDenied")


def test_nobody_sends_as_somebody_else(graph: Client) -> None:
    assert _code(graph.send(mime("Lunch", [ALEX], ALEX))) == (403, "ErrorSendAsDenied")


def test_a_token_for_something_else_is_no_good(graph: Client) -> None:
    graph.session.headers["Authorization"] = f"Bearer {graph.emulator.token(NAME)}"
    assert _code(graph.send(mime("Lunch"))) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no base64!", (400, "ErrorMimeContentInvalidBase64String")),
        (base64.b64encode(b"Subject: x\r\n\r\nHi"), (400, "ErrorInvalidRecipients")),
        (b"x" * 4_000_001, (413, "RequestEntityTooLarge")),
    ],
)
def test_mime_that_is_refused(graph: Client, body: bytes, code: tuple[int, str]) -> None:
    assert _code(graph.send_raw(body)) == code
    assert graph.organization.state["message_trace"] == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([{"name": f"x-{number}", "value": "1"} for number in range(6)], "InvalidInternetMessageHeaderCollection"),
        ([{"name": "Message-ID", "value": PROBE}], "InvalidInternetMessageHeader"),
    ],
)
def test_headers_that_json_refuses(graph: Client, headers: list[dict[str, str]], code: str) -> None:
    message = {"toRecipients": [{"emailAddress": {"address": ALEX}}], "internetMessageHeaders": headers}
    assert _code(graph.send_json(message)) == (400, code)


def test_a_large_message_may_get_the_wrong_success(graph: Client) -> None:
    graph.organization.patch({"mail_service": {"large_mime": "200"}})
    message = mime("Large", [ALEX])
    message.add_attachment(b"x" * 1_700_000, maintype="application", subtype="octet-stream", filename="x.bin")
    assert graph.send(message).status_code == 200
    assert graph.organization.state["message_trace"] == []


def test_a_mailbox_sends_so_many_a_minute(graph: Client) -> None:
    graph.organization.patch({"mail_service": {"sends_a_minute": 1}})
    assert graph.send(mime("Lunch", [ALEX])).status_code == 202
    refused = graph.send(mime("Lunch", [ALEX]))
    assert (refused.status_code, 0 < int(refused.headers["Retry-After"]) <= 61) == (429, True)


def test_blind_recipients_may_get_lost(graph: Client) -> None:
    message = mime("Lunch", [ALEX], Bcc=ANN)
    graph.send(message)
    assert [row[0] for row in outcome(graph.organization)["rows"]] == [ALEX.lower(), ANN]
    graph.organization.replace(tenant(mail_service={"blind_recipients": "lost"}))
    graph.send(message)
    assert [row[0] for row in outcome(graph.organization)["rows"]] == [ALEX.lower()]


# What becomes of it


def test_protected_mail_is_a_wrapper(graph: Client) -> None:
    graph.send(mime("secure", [ALEX, ANN]))
    (found,) = graph.found(PROBE).json()["value"]
    copy = letters.parsed(graph.copy(found["id"]).content)
    (attached,) = copy.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (letters.WRAPPED_NAME, letters.WRAPPED_TYPE)
    assert (copy["Content-Class"], copy["Message-ID"]) == (letters.WRAPPED_CLASS, PROBE)
    # Its JSON shows no attachment, and its text proves nothing.
    assert (found["hasAttachments"], "test" in found["body"]["content"]) == (False, False)
    graph.organization.patch({"mail_service": {"inner_text": "clear"}})
    assert graph.found(PROBE).json()["value"][0]["body"]["content"] == "What the sender wrote."
    assert outcome(graph.organization)["copies"] == [
        (ALEX.lower(), "encrypt", ("secure",)),
        (ANN, "encrypt", ("secure",)),
        (MEGAN.lower(), "none", ("secure",)),
    ]


def test_a_rejected_message_comes_back(graph: Client) -> None:
    graph.send(mime("forbidden", [ALEX]))
    seen = outcome(graph.organization)
    assert ("alexw@contoso.onmicrosoft.com", "Failed", "forbidden") in seen["rows"]
    (report,) = [row for row in graph.organization.state["mailboxes"][MEGAN.lower()] if row["folder"] == "Inbox"]
    parts = list(letters.parsed(report["content"].encode("latin-1")).iter_parts())
    assert "Blocked by mail flow rule" in parts[0].get_content()
    block = parts[1].get_payload(0)
    assert isinstance(block, EmailMessage)
    assert (block["Status"], "TRANSPORT.RULES" in block["Diagnostic-Code"]) == ("5.7.1", True)


def _events(organization: Organization) -> list[str]:
    return sorted(row["Event"] for row in organization.state["message_trace_details"])


@pytest.mark.parametrize(
    ("subject", "to", "events"),
    [
        ("Lunch", ANN, ["Receive", "Send external", "Submit", "Transfer"]),
        ("Lunch", ALEX, ["Deliver", "Receive", "Submit"]),
        ("secure", ALEX, ["Deliver", "Receive", "Submit", "Transport rule"]),
        ("forbidden", ANN, ["Fail", "Fail", "Receive", "Submit", "Transport rule"]),
    ],
)
def test_the_events_of_a_copy(subject: str, to: str, events: list[str]) -> None:
    organization = Organization(tenant(ENCRYPT, REJECT))
    post(organization, mime(subject, [to]), envelope_sender="")
    assert _events(organization) == events


def test_a_group_is_expanded() -> None:
    people = [
        {"name": "Alex", "alias": "AlexW", "address": ALEX},
        {"name": "Megan", "alias": "MeganB", "address": MEGAN},
        {"name": "All", "alias": "all", "address": f"all@{NAME}", "members": [ALEX, MEGAN]},
    ]
    organization = Organization(tenant(REJECT, recipients=people))
    post(organization, mime("forbidden", [f"all@{NAME}"]), envelope_sender="")
    assert {(row[0], row[1]) for row in outcome(organization)["rows"]} == {
        (f"all@{NAME}", "Expanded"),
        (ALEX.lower(), "Failed"),
        (MEGAN.lower(), "Failed"),
    }


def test_mail_that_goes_on_by_itself() -> None:
    people = [
        {"name": "Megan", "alias": "MeganB", "address": MEGAN, "auto_reply": "I am away"},
        {"name": "Alex", "alias": "AlexW", "address": ALEX, "auto_reply": "Me too", "forwards_to": ANN},
    ]
    organization = Organization(tenant(recipients=people))
    post(organization, mime("Lunch", [ALEX]))
    rows = [(row["SenderAddress"], row["RecipientAddress"]) for row in organization.state["message_trace"]]
    assert rows == [(MEGAN.lower(), ALEX.lower()), (MEGAN.lower(), ANN), (ALEX.lower(), MEGAN.lower())]
    assert len({row["MessageTraceId"] for row in organization.state["message_trace"]}) == 3
    organization.replace(tenant(recipients=people))
    post(organization, mime("Lunch", [ALEX], X_Auto_Response_Suppress="All"))
    assert len(organization.state["message_trace"]) == 2


def test_a_rule_that_reports_sends_mail() -> None:
    organization = Organization(tenant({"Name": "Report", "GenerateIncidentReport": ALEX}))
    post(organization, mime("Lunch", [ANN]))
    assert (ALEX.lower(), "Delivered", "Rule detected - Lunch") in outcome(organization)["rows"]


def test_rules_show_in_the_report() -> None:
    organization = Organization(tenant(ENCRYPT, {**ENCRYPT, "Name": "Silent", "SetAuditSeverity": "DoNotAudit"}))
    post(organization, mime("secure", [ALEX]))
    assert [row["TransportRule"] for row in organization.state["rule_report"]] == ["Encrypt"]


# Late, missing, twice, and untrue


def test_what_comes_late(client: RestClient) -> None:
    organization = client.emulator.organizations[NAME]
    organization.replace(
        tenant(ENCRYPT, mail_service={"trace_queries_late": 1, "detail_seconds": 60, "copy_seconds": 60})
    )
    post(organization, mime("secure", [ALEX]))
    first, second = (client.invoke("Get-MessageTraceV2").json()["value"] for _ask in range(2))
    assert (len(first), len(second)) == (0, 1)
    detail = {"MessageTraceId": second[0]["MessageTraceId"], "RecipientAddress": ALEX}
    assert client.invoke("Get-MessageTraceDetailV2", **detail).json()["value"] == []
    organization.replace(tenant(mail_service={"trace_seconds": 0.5}))
    post(organization, mime("Lunch", [ALEX]))
    assert client.invoke("Get-MessageTraceV2").json()["value"] == []
    time.sleep(0.6)
    assert is_seen(organization.state["message_trace"][0])
    assert len(client.invoke("Get-MessageTraceV2").json()["value"]) == 1


@pytest.mark.parametrize(
    ("kind", "rows", "whole"),
    [("duplicated_rows", 4, 4), ("partial_rows", 2, 1), ("no_rows", 0, 0), ("lost_rows", 1, 1)],
)
def test_rows_that_are_struck(client: RestClient, kind: str, rows: int, whole: int) -> None:
    organization = client.emulator.organizations[NAME]
    organization.replace(tenant())
    post(organization, mime("Lunch", [ALEX, ANN]))
    client.emulator.faults.set([{"kind": kind, "cmdlet": "Get-MessageTraceV2"}])
    found = client.invoke("Get-MessageTraceV2").json()["value"]
    assert (len(found), sum(row["Status"] is not None for row in found)) == (rows, whole)


def test_rules_without_names(graph: Client) -> None:
    graph.organization.patch({"mail_service": {"rule_names": False}})
    graph.send(mime("secure", [ALEX]))
    (event,) = [row for row in graph.organization.state["message_trace_details"] if row["Event"] == "Transport rule"]
    assert "rule: ''" in event["Detail"]
    assert graph.organization.state["transport_rules"][0]["Guid"] in event["Detail"]


@pytest.mark.parametrize(
    ("lie", "subject", "rows", "acted", "protected"),
    [
        ("clear", "secure", "Delivered", ["Encrypt"], False),
        ("no rules", "secure", "Delivered", [], True),
        ("other rules", "secure", "Delivered", ["Reject"], True),
        ("delivered", "forbidden", "Delivered", ["Reject"], None),
    ],
)
def test_an_organization_can_lie(lie: str, subject: str, rows: str, acted: list[str], protected: bool | None) -> None:
    organization = Organization(tenant(ENCRYPT, REJECT, lies=[lie]))
    post(organization, mime(subject, [ALEX]), envelope_sender="")
    seen = outcome(organization)
    assert ([row[1] for row in seen["rows"]], [name for _who, name in seen["acted"]]) == ([rows], acted)
    copies = [
        letters.parsed(row["content"].encode("latin-1"))
        for row in organization.state["mailboxes"].get(ALEX.lower(), ())
    ]
    assert [letters.is_wrapped(copy) for copy in copies] == ([] if protected is None else [protected])


def test_an_unknown_switch_or_lie_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown lies: white"):
        Organization(tenant(lies=["white"]))
    with pytest.raises(ValueError, match="unknown keys of mail_service: pace"):
        Organization(tenant(mail_service={"pace": 1}))


@pytest.mark.parametrize(("kind", "sent"), [("lost_before", 0), ("lost_after", 1)])
def test_the_answer_to_a_sending_is_lost(graph: Client, kind: str, sent: int) -> None:
    graph.emulator.faults.set([{"kind": kind, "step": "send"}])
    with pytest.raises(requests.RequestException):
        graph.send(mime("Lunch", [ALEX]))
    assert len(graph.organization.state["message_trace"]) == sent


@pytest.mark.parametrize("after", [False, True])
def test_a_status_instead_of_the_answer_to_a_sending(graph: Client, after: bool) -> None:
    graph.emulator.faults.set([{"kind": "503", "step": "send", "after": after}])
    assert graph.send(mime("Lunch", [ALEX])).status_code == 503
    assert len(graph.organization.state["message_trace"]) == after


# SMTP


def _smtp(emulator: Emulator) -> smtplib.SMTP:
    line = smtplib.SMTP("127.0.0.1", emulator.smtp_front.port, timeout=30)
    line.starttls(context=ssl.create_default_context(cafile=str(emulator.ca_cert)))
    return line


FROM_OUTSIDE = mime("secure", [ALEX], "joe@outside.example")


def test_mail_from_outside(graph: Client) -> None:
    with _smtp(graph.emulator) as line:
        line.login(graph.emulator.smtp_front.user, graph.emulator.smtp_front.password)
        assert line.send_message(FROM_OUTSIDE) == {}
    (row,) = graph.organization.state["message_trace"]
    assert (row["FromIP"], row["MessageId"], row["Status"]) == ("203.0.113.25", PROBE, "Delivered")
    copy = letters.parsed(graph.organization.state["mailboxes"][ALEX.lower()][0]["content"].encode("latin-1"))
    # A rule without a condition about its senders does not encrypt what comes from outside.
    assert (copy["X-MS-Exchange-Organization-AuthAs"], letters.is_wrapped(copy)) == ("Anonymous", False)
    assert "203.0.113.25" in copy["Received"]


def test_tls_from_the_start(graph: Client) -> None:
    trusted = ssl.create_default_context(cafile=str(graph.emulator.ca_cert))
    with smtplib.SMTP_SSL("127.0.0.1", graph.emulator.smtp_tls_front.port, context=trusted, timeout=30) as line:
        assert line.send_message(FROM_OUTSIDE) == {}
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(
            "127.0.0.1", graph.emulator.smtp_tls_front.port, context=ssl.create_default_context(), timeout=30
        )


def test_a_wrong_password_and_no_tls(graph: Client) -> None:
    with _smtp(graph.emulator) as line, pytest.raises(smtplib.SMTPAuthenticationError):
        line.login(graph.emulator.smtp_front.user, "wrong")
    with smtplib.SMTP("127.0.0.1", graph.emulator.smtp_front.port, timeout=30) as line:
        line.ehlo()
        assert (line.has_extn("auth"), line.docmd("AUTH PLAIN x")[0]) == (False, 530)


@pytest.mark.parametrize(
    ("sender", "recipient", "state", "code"),
    [
        ("joe@outside.example", "ann@fabrikam.com", {}, 550),
        ("joe@outside.example", f"nobody@{NAME}", {}, 550),
        (MEGAN, ALEX, {"reject_direct_send": True}, 550),
        (MEGAN, ALEX, {}, 250),
    ],
)
def test_whom_the_server_refuses(graph: Client, sender: str, recipient: str, state: dict[str, Any], code: int) -> None:
    graph.organization.patch(state)
    with _smtp(graph.emulator) as line:
        line.ehlo()
        line.mail(sender)
        assert line.rcpt(recipient)[0] == code


@pytest.mark.parametrize(("how", "refused"), [("bounce", False), ("refusal", True)])
def test_a_rejection_of_mail_from_outside(graph: Client, how: str, refused: bool) -> None:
    graph.organization.patch({"mail_service": {"rejects_outsiders": how}})
    message = mime("forbidden", [ALEX], "joe@outside.example")
    with _smtp(graph.emulator) as line:
        if refused:
            with pytest.raises(smtplib.SMTPDataError, match="TRANSPORT"):
                line.send_message(message)
        else:
            assert line.send_message(message) == {}
    assert [row["recipient"] for row in graph.organization.state["left"]] == (
        [] if refused else ["joe@outside.example"]
    )


@pytest.mark.parametrize("step", ["connect", "starttls", "mail", "rcpt", "data", "content"])
@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "temporary", "permanent"])
def test_smtp_that_is_struck(graph: Client, kind: str, step: str) -> None:
    graph.emulator.faults.set([{"kind": kind, "wire": "smtp", "step": step}])
    with pytest.raises((smtplib.SMTPException, OSError)), _smtp(graph.emulator) as line:
        line.send_message(FROM_OUTSIDE)
    assert len(graph.organization.state["message_trace"]) == (kind == "lost_after" and step == "content")


def test_a_refusal_that_comes_after_the_work(graph: Client) -> None:
    graph.emulator.faults.set([{"kind": "temporary", "wire": "smtp", "step": "content", "after": True}])
    with _smtp(graph.emulator) as line, pytest.raises(smtplib.SMTPDataError):
        line.send_message(FROM_OUTSIDE)
    assert len(graph.organization.state["message_trace"]) == 1
