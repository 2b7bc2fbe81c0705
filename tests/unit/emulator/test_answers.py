# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization answers each open question in one of the ways that are possible, and its mail shows which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.emulator import Organization
from tests.emulator.mail_flow.worlds import Question
from tests.emulator.post_office.answers import ANSWERS, Decided

from .post import ALEX, ANN, ENCRYPT, LEGAL, MEGAN, NAME, mime, outcome, post, tenant

BEN = f"BenA@{NAME}"
PEOPLE = [
    {"name": "Alex Wilber", "alias": "AlexW", "address": ALEX},
    {"name": "Megan Bowen", "alias": "MeganB", "address": MEGAN},
    {"name": "Ben Alder", "alias": "BenA", "address": BEN, "aliases": [f"ben@{NAME}"]},
    {"name": "Inner", "alias": "inner", "address": f"inner@{NAME}", "members": [BEN]},
    {"name": "Legal", "alias": "legal", "address": LEGAL, "members": [f"inner@{NAME}"]},
]
MARK = {"SetHeaderName": "X-Mark", "SetHeaderValue": "seen"}
AUDITED = {"Name": "Audited", "Mode": "Audit"}


def _rule(name: str, **options: Any) -> dict[str, Any]:
    return {"Name": name, **options}


@dataclass(frozen=True)
class Experiment:
    """Rules and a message whose fate hangs on the answer.

    :param how: as :func:`.post.post` takes it.
    """

    rules: tuple[Mapping[str, Any], ...]
    message: Any = field(default_factory=lambda: mime("secure", [ALEX, ANN]))
    how: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


def _outside(**others: Any) -> dict[str, Any]:
    return {"authenticated": False, "sender_ip": "203.0.113.9", **others}


def _signed() -> Any:
    message = mime("secure")
    del message["Content-Type"]
    message["Content-Type"] = 'multipart/signed; protocol="application/pkcs7-signature"; boundary="b"'
    message.set_payload("--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n--b--\r\n")
    return message


def _with_pdf() -> Any:
    message = mime("secure")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="offer.pdf")
    return message


def _protected() -> Any:
    message = mime("x", [ALEX])
    message["Content-Class"] = "rpmsg.message"
    return message


def _large() -> Any:
    """Of one line: a parser takes long for many."""
    message = mime("secure")
    message.set_payload("x" * (26 * 2**20))
    return message


ENCRYPT_DNF = _rule("Do not forward", ApplyRightsProtectionTemplate="Do Not Forward")
DECRYPT = _rule("Decrypt", RemoveOMEv2=True)
CARDS = {"Name": "Cards", "ParentPolicyName": "Cards", "EncryptRMSTemplate": "Encrypt"}
EXPERIMENTS = {
    "U01": Experiment((ENCRYPT, ENCRYPT_DNF)),
    "U02": Experiment((ENCRYPT, DECRYPT)),
    "U03": Experiment((ENCRYPT, _rule("Seen", MessageTypeMatches="PermissionControlled", PrependSubject="[seen] "))),
    "U04": Experiment((_rule("Members", SentToMemberOf=[LEGAL], **MARK),), mime("x", [BEN])),
    "U05": Experiment(
        (_rule("Between", BetweenMemberOf1=[f"inner@{NAME}"], BetweenMemberOf2=[f"inner@{NAME}"], DeleteMessage=True),),
        mime("x", [BEN, ALEX], BEN),
        {"envelope_sender": BEN},
    ),
    "U06": Experiment(
        (
            {**AUDITED, "SentTo": [ALEX], **MARK},
            _rule("Any", AnyOfRecipientAddressContainsWords=["alexw"], PrependSubject="[any] "),
        )
    ),
    "U07": Experiment(
        (_rule("Split", SentTo=[ALEX], **MARK), _rule("Field", AnyOfToHeader=[ALEX], PrependSubject="[field] ")),
        mime("x", [ALEX, MEGAN]),
    ),
    "U08": Experiment(({**AUDITED, "StopRuleProcessing": True}, _rule("Later", **MARK))),
    "U09": Experiment(
        (_rule("Copy", BlindCopyTo=[BEN]), _rule("Recipient", SentTo=[BEN], PrependSubject="[added] ")),
    ),
    "U10": Experiment(
        (_rule("Reject", RejectMessageReasonText="no"), _rule("Report", GenerateIncidentReport=ALEX)), mime("x")
    ),
    "U11": Experiment((_rule("Set", SetSCL=6), _rule("Over", SCLOver=5, **MARK))),
    "U13": Experiment((_rule("Unsupported", HasSenderOverride=True, **MARK),)),
    "U15": Experiment((_rule("Classified", HasNoClassification=False, **MARK),)),
    "U16": Experiment(
        (_rule("Scope", FromScope="NotInOrganization", SenderAddressLocation="Envelope", **MARK),),
        mime("x", [ALEX]),
        {"envelope_sender": "bounces@fabrikam.com"},
    ),
    "U17": Experiment((_rule("Word", SubjectContainsWords=["encrypt:"], **MARK),), mime("encrypt:report")),
    "U18": Experiment((_rule("Pattern", SubjectMatchesPatterns=["(?<=a)b"], **MARK),), mime("ab")),
    "U19": Experiment(
        (_rule("Inside", SentToScope="InOrganization", **MARK),),
        mime("x", [f"nobody@{NAME}"], ANN),
        _outside(),
        {"accepted_domains": [{"DomainName": NAME, "DomainType": "InternalRelay", "Default": True}]},
    ),
    "U20": Experiment(
        (_rule("Outside", SentToScope="NotInOrganization", **MARK),),
        mime("x", ["guest@fabrikam.com"]),
        {},
        {"mail_users": [{"PrimarySmtpAddress": "guest@fabrikam.com"}]},
    ),
    "U24": Experiment(
        (_rule("Original", RecipientAddressType="Original", SentTo=[BEN], **MARK),), mime("x", [f"ben@{NAME}"])
    ),
    "U25": Experiment(
        (ENCRYPT,),
        _with_pdf(),
        {},
        {"irm_configuration": {"AzureRMSLicensingEnabled": True, "EnablePdfEncryption": False}},
    ),
    "U26": Experiment(
        (_rule("Forwarded", SentToScope="NotInOrganization", ApplyRightsProtectionTemplate="Encrypt"),),
        mime("x", [BEN], MEGAN),
        {},
        {"recipients": [{**row, **({"forwards_to": ANN} if row["address"] == BEN else {})} for row in PEOPLE]},
    ),
    "U27": Experiment((ENCRYPT,), _signed()),
    "U28": Experiment((ENCRYPT,), mime("secure"), {}, {"irm_configuration": {"AzureRMSLicensingEnabled": False}}),
    "U29": Experiment((ENCRYPT,), mime("secure", Auto_Submitted="auto-replied")),
    "U30": Experiment(
        (_rule("Words", SubjectOrBodyContainsWords=["test"], PrependSubject="[read] "),),
        _protected(),
    ),
    "U31": Experiment((ENCRYPT,), _large()),
    "U32": Experiment(
        (_rule("Route", RouteMessageOutboundConnector="Off"),),
        mime("x"),
        {},
        {
            "outbound_connectors": [
                {"Name": "Off", "IsTransportRuleScoped": True, "UseMXRecord": True},
                {"Name": "On", "RecipientDomains": ["fabrikam.com"], "TlsSettings": "EncryptionOnly"},
            ]
        },
    ),
    "U33": Experiment(
        (),
        mime("x"),
        {},
        {
            "dlp_policies": [{"Name": "Cards"}],
            "dlp_rules": [{**CARDS, "ContentContainsSensitiveInformation": [{"name": "x"}]}],
        },
    ),
    "U36": Experiment(
        (ENCRYPT,),
        mime("secure"),
        {},
        {
            "dlp_policies": [{"Name": "Cards"}],
            "dlp_rules": [{**CARDS, "SentTo": [ANN], "EncryptRMSTemplate": "Do Not Forward"}],
        },
    ),
    "U35": Experiment((ENCRYPT,), mime("secure", [f"p{number}@fabrikam.com" for number in range(200)])),
}


def _seen(number: str, answer: Any) -> Any:
    experiment = EXPERIMENTS[number]
    state = {"recipients": PEOPLE, **experiment.state, "answers": {number: answer}}
    organization = Organization(tenant(*experiment.rules, **state))
    post(organization, experiment.message, **experiment.how)
    connectors = [row["Data"] for row in organization.state["message_trace_details"] if row["Event"] == "Send external"]
    return {**outcome(organization), "connectors": connectors}


@pytest.mark.parametrize("number", sorted(EXPERIMENTS))
def test_mail_shows_the_answer(number: str) -> None:
    first, second = (_seen(number, answer) for answer in ANSWERS[number][:2])
    assert first != second


@pytest.mark.parametrize("number", sorted(set(EXPERIMENTS) - {"U31", "U35"}))
def test_the_first_answer_is_given_where_none_is_said(number: str) -> None:
    experiment = EXPERIMENTS[number]
    organization = Organization(tenant(*experiment.rules, **{"recipients": PEOPLE, **experiment.state}))
    post(organization, experiment.message, **experiment.how)
    assert outcome(organization).items() <= _seen(number, ANSWERS[number][0]).items()


def test_a_signed_in_application_may_count_as_nobody() -> None:
    rule = _rule("Inside", FromScope="InOrganization", **MARK)
    seen = []
    for answer in ANSWERS["U22"]:
        organization = Organization(tenant(rule, answers={"U22": answer}))
        post(organization, mime("x", [ALEX]), authenticated=answer)
        seen.append(outcome(organization)["copies"][0][2])
    assert seen == [("x", "X-Mark"), ("x",)]


def test_each_question_of_the_mail_flow_has_an_answer() -> None:
    """Those that no experiment here shows are about the moment, the exact size, or an attachment's text."""
    assert set(ANSWERS) - set(EXPERIMENTS) == {"U12", "U14", "U22", "U23"}
    for number in ("U12", "U14", "U23"):
        question = Question(number, "whether it is so")
        assert {Decided({number: answer}).ask(question) for answer in ANSWERS[number]} == {True, False}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"U99": True}, "unknown question U99"),
        ({"U08": "perhaps"}, "U08 has no answer 'perhaps'"),
        ({"U08": 1}, "no answer 1"),
    ],
)
def test_an_answer_that_is_none_is_refused(answers: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Organization(tenant(answers=answers))
    organization = Organization(tenant())
    with pytest.raises(ValueError, match=why):
        organization.patch({"answers": answers})
