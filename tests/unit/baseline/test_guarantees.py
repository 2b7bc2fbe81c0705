# SPDX-License-Identifier: GPL-3.0-or-later
"""MFR-2: what is guaranteed of mail, as it is and as a plan would leave it, and a plan that would break a guarantee."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_control import (
    OUTGOING_GUARANTEE,
    TRANSIT_GUARANTEE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from tests.emulator.mail_flow import MailFlow
from tests.unit.baseline.guarantees import ENCRYPT, GUARANTEE, LAW, STOP, Values, licensed
from tests.unit.mail_flow.translation import facts
from tests.unit.run_reports import run_of

from .conftest import Role

DOMAIN = "contoso.onmicrosoft.com"


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return licensed(tmp_path)


def control(role: Role) -> Values:
    return next(control for control in role.report["controls"] if control["id"] == "MFR-2")


def refused(role: Role, procedure: str = "baseline", **variables: Any) -> str:
    before = list(role.session.writes)
    with pytest.raises(ExchangeError) as raised:
        role.run(procedure, **variables)
    assert role.session.writes == before
    return str(raised.value)


def test_what_the_plan_brings_is_proved_before_it_is_there(role: Role) -> None:
    role.plan("audit", guarantees=[GUARANTEE])
    assert control(role)["status"] == "not met"
    assert control(role)["findings"][0].startswith(
        "'Rules protect all mail to the law firm' is not guaranteed: mail from "
    )
    assert role.report["status"] == "drift"
    role.plan(check=True, guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert (control(role)["status"], control(role)["findings"]) == ("met", [])
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "met"
    role.plan("audit", guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "met"


def test_a_plan_that_would_break_it_is_refused_before_the_first_write(role: Role) -> None:
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    wished = {"guarantees": [GUARANTEE], "encryption_rules": [STOP, ENCRYPT]}
    said = refused(role, **wished)
    assert "MFR-2: the plan would break the guarantee 'Rules protect all mail to the law firm': mail from " in said
    assert (
        "with the subject 'newsletter' is delivered unprotected by rules or forced TLS: the rule 'Newsletter' stops before the rule "
        in said
    )
    assert "To allow it: hardened_baseline_accept: [broken_guarantee]" in said
    assert control(role)["status"] == "not met"
    role.run(**wished, accept=["broken_guarantee"])
    assert control(role)["status"] == "not met"
    (row,) = [row for row in role.report["accepted"] if row["word"] == "broken_guarantee"]
    assert row["needed"] is True
    # It is broken now, and the run does not make it worse.
    role.plan(**wished)
    assert role.report["findings"] == []
    assert role.report["status"] == "drift"
    role.plan(**wished, accept=["broken_guarantee"])
    assert role.report["accepted"][0]["needed"] is False


@pytest.mark.parametrize(
    "exempt",
    [{"message_type_matches": "Calendaring"}, {"message_size_over": "20MB"}, {"sent_to": ["ann@fabrikam.com"]}],
)
def test_a_plan_that_exempts_unusual_mail_is_refused(role: Role, exempt: Values) -> None:
    """Meeting requests leave in clear then, which is known, whether or not they would be encrypted otherwise."""
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    said = refused(role, guarantees=[GUARANTEE], encryption_rules=[{**ENCRYPT, "exceptions": exempt}])
    assert "would break the guarantee 'Rules protect all mail to the law firm'" in said
    assert "is delivered unprotected by rules or forced TLS" in said


def test_a_plan_that_lets_a_rule_expire_is_refused(role: Role) -> None:
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    said = refused(
        role, guarantees=[GUARANTEE], encryption_rules=[{**ENCRYPT, "expiry_date": "2999-05-01T00:00:00+00:00"}]
    )
    assert "would break the guarantee 'Rules protect all mail to the law firm': mail from " in said
    assert " on 2999-05-01 is delivered unprotected by rules or forced TLS" in said


def test_dates_behind_which_nobody_looked_are_named(role: Role) -> None:
    """A plan is compared behind four dates at most, and behind none that cannot be read."""

    def rules(count: int) -> list[Values]:
        ending = [
            {**STOP, "name": f"N{day}", "expiry_date": f"2999-05-0{day}T00:00:00+00:00"} for day in range(1, count + 1)
        ]
        return [ENCRYPT, *ending]

    for count, unseen in ((4, ""), (6, "2999-05-05T00:00:00Z, 2999-05-06T00:00:00Z")):
        role.plan(guarantees=[GUARANTEE], encryption_rules=rules(count), accept=["broken_guarantee"])
        said = [text for text in role.report["warnings"] if text.startswith("Rules begin or end on more than 4")]
        assert [text.partition("from these on: ")[2] for text in said] == ([f"{unseen}."] if unseen else [])
    role.plan(encryption_rules=rules(6))
    assert not [text for text in role.report["warnings"] if "Rules begin or end" in text]


@pytest.mark.parametrize("name", ["Public", "Encrypt mail to unknown partners"])
def test_what_is_broken_and_becomes_worse_is_refused(role: Role, name: str) -> None:
    role.session.edit(
        "New-TransportRule", Name=name, FromScope="InOrganization", SetHeaderName="X-A", SetHeaderValue="x"
    )
    role.session.edit(
        "New-TransportRule",
        Name="Stops",
        FromScope="InOrganization",
        SubjectContainsWords=["public"],
        StopRuleProcessing=True,
    )
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "not met"
    said = refused(role, guarantees=[GUARANTEE], encryption_rules=[STOP, ENCRYPT])
    assert "would break the guarantee 'Rules protect all mail to the law firm'" in said
    assert "newsletter" in said


def test_the_counterexample_is_one_in_the_emulators_mail_flow(role: Role) -> None:
    role.run(guarantees=[GUARANTEE], encryption_rules=[STOP, ENCRYPT], accept=["broken_guarantee"])
    (row,) = [row for row in role.report["mail"]["guarantees"] if row["verdict"] == "refuted"]
    found = row["counterexample"]
    domains = [{"name": DOMAIN, "type": "Authoritative", "match_subdomains": False}]
    known = facts({"accepted_domains": domains, "remote_domains": [], "mailboxes": [found["message"]["from"]]})
    flow = MailFlow(role.session.organization.dump()["transport_rules"], known)
    sent = {"mail_from": found["message"]["from"], **found["message"]}
    assert "none" in str(flow.worlds(sent)[found["recipient"]])


def test_encrypt_outgoing_brings_its_own(role: Role) -> None:
    role.run(encrypt_outgoing=True)
    assert control(role)["status"] == "met"
    role.session.edit(
        "New-TransportRule", Name="Partners", Priority=0, RecipientDomainIs=["fabrikam.com"], StopRuleProcessing=True
    )
    role.plan("audit", encrypt_outgoing=True)
    assert control(role)["status"] == "not met"
    assert OUTGOING_GUARANTEE in control(role)["findings"][0]
    role.plan("audit", encrypt_outgoing={"mode": "Audit"})
    assert control(role)["status"] == "unmanaged"


def copied(role: Role, to: str, **conditions: Any) -> None:
    """A rule of others copies mail before it is encrypted."""
    role.session.edit("New-TransportRule", Name="Copies", Priority=0, BlindCopyTo=[to], **conditions)


def terminal(role: Role) -> list[str]:
    report = OrganizationReport.from_row(role.report)
    return lines_of(run_of(report), "page")


def test_encrypt_outgoing_is_about_copies_that_leave(role: Role) -> None:
    """One for an archive inside does not, and is named; one for somebody whom an exception names may leave in clear: whether
    the later rule looks at whom a rule adds is open (U09).
    """
    outgoing = {"exceptions": {"recipient_domain_is": ["partner.example"]}}
    role.run(encrypt_outgoing=outgoing)
    copied(role, f"archive@{DOMAIN}", FromScope="InOrganization")
    role.plan("audit", encrypt_outgoing=outgoing)
    assert control(role)["status"] == "met"
    name = f"{OUTGOING_GUARANTEE}, apart from the exceptions"
    said = f"  MFR-2: {name!r} does not cover copies that the rule 'Copies' makes for (an address)."
    assert said in [line.replace(f"archive@{DOMAIN}", "(an address)") for line in terminal(role)]
    role.session.edit("Remove-TransportRule", Identity="Copies")
    copied(role, "x@partner.example", FromScope="InOrganization")
    role.plan("audit", encrypt_outgoing=outgoing)
    assert control(role)["status"] == "not assessable"
    assert "to x@partner.example" in control(role)["findings"][0]
    assert "(U09)" in control(role)["findings"][0]


def test_copies_of_its_mail_count_whoever_gets_them_unless_it_says_otherwise(role: Role) -> None:
    role.run(encryption_rules=[ENCRYPT])
    copied(role, "spy@else.example", RecipientDomainIs=["fabrikam.com"])
    role.plan("audit", guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "not assessable"
    assert "to spy@else.example" in control(role)["findings"][0]
    meant = {**GUARANTEE, "copies": "recipients_only"}
    role.plan("audit", guarantees=[meant], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "met"
    assert any("does not cover copies that the rule 'Copies' makes for" in line for line in terminal(role))


@pytest.mark.parametrize("name", [OUTGOING_GUARANTEE, OUTGOING_GUARANTEE.lower() + " "])
def test_its_name_is_not_for_another(role: Role, name: str) -> None:
    with pytest.raises(
        ExchangeError,
        match="encrypt_outgoing brings a guarantee of the name 'No outgoing mail leaves unprotected by rules', which one of",
    ):
        role.run(encrypt_outgoing=True, guarantees=[{**GUARANTEE, "name": name}])
    role.run(encrypt_outgoing={"mode": "Audit"}, guarantees=[{**GUARANTEE, "name": name}])


def test_mail_expires_in_the_portal_once_the_plan_has_made_its_template(role: Role) -> None:
    role.session.organization.patch({"advanced_message_encryption": True})
    outgoing = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    wished = {"encrypt_outgoing": True, "branding_template": {"name": "Week", "external_mail_expiry_in_days": 7}}
    within = [
        {"name": f"Within {days} days", "when": outgoing, "then": "portal", "expires_within_days": days}
        for days in (7, 6)
    ]
    role.plan(check=True, **wished, guarantees=within)
    verdicts = {row["name"]: row["verdict"] for row in role.report["mail"]["guarantees"]}
    assert (verdicts["Within 7 days"], verdicts["Within 6 days"]) == ("proved", "refuted")


def test_its_exceptions_are_those_of_the_rule(role: Role) -> None:
    spared = {"recipient_domain_is": ["fabrikam.com"]}
    role.session.edit(
        "New-TransportRule", Name="Partners", Priority=0, RecipientDomainIs=["fabrikam.com"], StopRuleProcessing=True
    )
    role.run(encrypt_outgoing={"exceptions": spared})
    assert control(role)["status"] == "met"


def test_domains_can_leave_by_forced_tls_instead(role: Role) -> None:
    outgoing = {
        "protected_in_transit": ["fabrikam.com"],
        "tls_validation": "certificate",
        "exceptions": {"recipient_domain_is": ["other.example"]},
    }

    def connect(**more: Any) -> None:
        connector = {
            "Name": "Law firm",
            "RecipientDomains": ["fabrikam.com", "*.fabrikam.com"],
            "TlsSettings": "CertificateValidation",
            **more,
        }
        role.session.organization.patch({"outbound_connectors": [connector]})
        role.session.organization.replace(role.session.organization.dump())

    connect()
    role.run(encrypt_outgoing=outgoing)
    (rule,) = role.session.organization.dump()["transport_rules"]
    assert rule["ExceptIfRecipientDomainIs"] == ["other.example", "fabrikam.com"]
    assert control(role)["status"] == "met"
    verdicts = {row["name"]: row["verdict"] for row in role.report["mail"]["guarantees"]}
    assert verdicts == {f"{OUTGOING_GUARANTEE}, apart from the exceptions": "proved", TRANSIT_GUARANTEE: "proved"}
    connect(TlsSettings="EncryptionOnly")
    role.plan("audit", encrypt_outgoing=outgoing)
    assert control(role)["status"] == "not met"
    assert "fabrikam.com: TLS of the connector 'Law firm' takes any certificate" in control(role)["findings"][0]
    role.session.organization.patch({"hidden_cmdlets": ["Get-OutboundConnector"]})
    role.plan("audit", encrypt_outgoing=outgoing)
    assert control(role)["status"] == "not assessable"
    assert "the outbound connectors are not known (Get-OutboundConnector)" in control(role)["findings"][0]


def test_a_plan_shows_who_could_then_read_what(role: Role) -> None:
    role.plan(check=True, encrypt_outgoing=True)
    found = {
        row["destination"]: row["protected"]
        for row in role.report["mail"]["reach"]
        if row["kind_of_mail"] == "from_inside"
    }
    assert found == {"everybody else": "always"}
    role.run(encrypt_outgoing=True)
    role.plan(check=True, encrypt_outgoing=True)
    assert "reach" not in role.report["mail"]


@pytest.mark.parametrize("name", [OUTGOING_GUARANTEE, TRANSIT_GUARANTEE])
def test_neither_name_is_for_another(role: Role, name: str) -> None:
    with pytest.raises(ExchangeError, match="encrypt_outgoing brings a guarantee of the name"):
        role.run(encrypt_outgoing={"protected_in_transit": ["fabrikam.com"]}, guarantees=[{**GUARANTEE, "name": name}])


def test_what_cannot_be_told_is_not_assessable_and_says_what_would_settle_it(role: Role) -> None:
    role.session.edit(
        "New-TransportRule", Name="Tried", FromScope="InOrganization", Mode="Audit", StopRuleProcessing=True
    )
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert control(role)["status"] == "not assessable"
    assert "(U08)" in control(role)["findings"][0]


def test_a_doubt_that_the_plan_brings_breaks_the_guarantee_and_says_why(role: Role) -> None:
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    tried = {**STOP, "mode": "Audit"}
    said = refused(role, "baseline", guarantees=[GUARANTEE], encryption_rules=[tried, ENCRYPT])
    assert (
        "'Rules protect all mail to the law firm' is proved now, but after the plan it is unknown whether it holds: "
        in said
    )
    assert "(U08)" in said
    assert "hardened_baseline_accept: [broken_guarantee]" in said
    role.plan(guarantees=[GUARANTEE], encryption_rules=[tried, ENCRYPT], accept=["broken_guarantee"])


@pytest.mark.parametrize("variable", ["azure_rms_licensing", "internal_licensing"])
def test_encryption_goes_off_only_with_its_word_and_breaks_what_was_proved(role: Role, variable: str) -> None:
    wishes = {"guarantees": [GUARANTEE], "encryption_rules": [ENCRYPT], variable: False}
    role.run(**{**wishes, variable: True})
    said = refused(role, "baseline", **wishes)
    assert f"{variable}_enabled would become false. That turns encryption off" in said
    assert "after the plan it is unknown whether it holds" in said
    assert "To allow all of them: hardened_baseline_accept: [broken_guarantee, encryption_off]" in said
    assert "broken_guarantee" in refused(role, "baseline", **wishes, accept=["encryption_off"])
    assert role.run(**wishes, accept=["encryption_off", "broken_guarantee"])["pending"]


@pytest.mark.parametrize("procedure", ["rollback", "disable"])
def test_rollback_and_disable_need_the_word_too(procedure: str) -> None:
    role = Role()
    role.run()
    named = {"confirm_disable": "contoso.onmicrosoft.com"} if procedure == "disable" else {}
    said = refused(role, procedure, **named, accept=[])
    assert "IRM-1: azure_rms_licensing_enabled would become false" in said
    assert "hardened_baseline_accept: [encryption_off]" in said
    assert role.run(procedure, **named, accept=["encryption_off"])["pending"]


@pytest.mark.parametrize("procedure", ["baseline", "audit"])
def test_one_that_says_nothing_is_refused(role: Role, procedure: str) -> None:
    nobody = {**LAW, "sent_to": ["ann@northwind.com"]}
    said = refused(role, procedure, guarantees=[{"name": "Nothing", "when": nobody, "then": "encrypted"}])
    assert (
        "hardened_baseline_guarantees[0]: no message can meet when and unless of the guarantee 'Nothing', so it has no effect"
        in said
    )


@pytest.mark.parametrize(
    ("guarantee", "said"),
    [
        ({"name": "x", "then": "encrypted", "when": {"from_scop": "InOrganization"}}, "from_scop"),
        ({"name": "x", "then": "encrypted", "whenn": {}}, "whenn"),
        ({"name": "x", "then": "encryptd"}, "encryptd"),
        ({"name": "x"}, "then"),
        ({"then": "encrypted"}, "name"),
        ({"name": "x", "then": "portal", "template": "Encrypt"}, r"hardened_baseline_guarantees\[0\]\.template"),
        (
            {"name": "x", "then": "encrypted", "when": {"message_size_over": "huge"}},
            r"hardened_baseline_guarantees\[0\]\.when\.message_size_over",
        ),
    ],
)
def test_what_is_none_is_refused_by_name(role: Role, guarantee: Values, said: str) -> None:
    with pytest.raises(ExchangeError, match=said):
        role.plan(check=True, guarantees=[guarantee])


def test_two_of_one_name_are_refused(role: Role) -> None:
    with pytest.raises(
        ExchangeError,
        match=r"hardened_baseline_guarantees\[1\]\.name is 'Rules protect all mail to the law firm', which another guarantee already uses",
    ):
        role.plan(check=True, guarantees=[GUARANTEE, GUARANTEE])


def test_an_accepted_exception_refuses_nothing(role: Role) -> None:
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    skip = [{"control": "MFR-2", "reason": "later", "owner": "board", "until": "2099-01-31"}]
    role.run(guarantees=[GUARANTEE], encryption_rules=[STOP, ENCRYPT], skip=skip, accept=["weakened_mail"])
    assert control(role)["status"] == "accepted exception"
    assert control(role)["findings"]
