# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says of an organization that nobody has seen before."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROLS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.first_look import (
    ASSESSED_TESTS,
    MOST_ORGANIZATIONS,
    overview_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.organization_overview import (
    OrganizationOverview,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    encrypter_lines,
)

from tests.unit.run_reports import run_of

from .conftest import Role

OUTGOING = {
    "Name": "Encrypt all",
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionTemplate": "Encrypt",
}

PDF = "possibly mail with a PDF attachment: enable_pdf_encryption is off (IRM-5)"


def audited(*edits: tuple[str, dict[str, Any]], **state: Any) -> dict[str, Any]:
    role = Role({"advanced_message_encryption": True, **state})
    for cmdlet, parameters in (("Set-IRMConfiguration", {"AzureRMSLicensingEnabled": True}), *edits):
        role.session.edit(cmdlet, **parameters)
    role.plan("audit")
    return dict(role.report["overview"])


def verdicts(overview: dict[str, Any]) -> dict[str, str]:
    return {row["test"]: row["verdict"] for row in overview["assessed"]}


def test_each_test_of_microsoft_has_its_control() -> None:
    assert [test.id for test in ASSESSED_TESTS] == sorted(
        control.assessed_by for control in CONTROLS if control.assessed_by
    )


def test_what_the_tags_leave_out_is_not_said_to_be_unmanaged(tmp_path: Path) -> None:
    role = Role({"advanced_message_encryption": True}, str(tmp_path))
    role.plan("audit", run_tags=["OME-1"])
    text = "\n".join(overview_lines(OrganizationOverview.from_row(role.report["overview"])))
    assert "IRM-1 not selected by the tags" in text
    assert "unmanaged" not in text
    role.plan("audit")
    assert "MFR-1 unmanaged" in "\n".join(overview_lines(OrganizationOverview.from_row(role.report["overview"])))


def test_a_fresh_organization_encrypts_nothing() -> None:
    overview = audited()
    assert overview["encrypts"] == ["no mail flow rule"]
    assert overview["holes"] == [
        "for example, mail from sender@contoso.onmicrosoft.com to recipient@example.org is delivered unprotected by rules or forced TLS."
    ]
    assert overview["locked_out"] == ["nobody by these settings"]
    assert verdicts(overview)["35024"] == "passes"
    assert verdicts(overview)["35029"] == "fails"


def test_a_rule_for_all_outgoing_mail_leaves_no_hole() -> None:
    overview = audited(("New-TransportRule", OUTGOING))
    assert overview["encrypts"] == ["the rule 'Encrypt all' with 'Encrypt'"]
    assert overview["holes"] == [PDF]
    assert verdicts(overview)["35029"] == "passes"
    (proved,) = audited(("New-TransportRule", OUTGOING), ("Set-IRMConfiguration", {"EnablePdfEncryption": True}))[
        "holes"
    ]
    assert re.fullmatch(r"no outgoing mail \(proved, under \d+ assumptions\)", proved)


def test_what_the_rules_do_is_said_in_english() -> None:
    overview = audited(
        ("New-TransportRule", OUTGOING),
        ("New-TransportRule", {"Name": "No", "SubjectContainsWords": ["virus"], "DeleteMessage": True}),
    )
    assert [(row["kind"], row["rules"]) for row in overview["policy"] if row["kind"] != "unknown"] == [
        ("encrypted", ["Encrypt all"]),
        ("deleted", ["No"]),
    ]
    lines = overview_lines(OrganizationOverview.from_row(overview))
    assert lines[lines.index("  What the rules do, the most important first:") + 1].startswith(
        "    Mail from inside to people outside is encrypted"
    )
    many = {
        **overview,
        "policy": [{"kind": "copied", "text": f"Mail {number}.", "rules": ["R"]} for number in range(40)],
    }
    assert "    28 more sentences are in the report." in overview_lines(OrganizationOverview.from_row(many))
    assert audited()["policy"] == []


def test_an_exception_is_a_hole_and_a_disabled_rule_does_not_encrypt() -> None:
    overview = audited(("New-TransportRule", {**OUTGOING, "ExceptIfSubjectContainsWords": ["plain"]}))
    assert "'plain'" in overview["holes"][0]
    overview = audited(("New-TransportRule", {**OUTGOING, "Enabled": False}))
    assert overview["encrypts"] == ["no mail flow rule"]
    assert overview["idle"] == ["the rule 'Encrypt all' with 'Encrypt' is disabled"]
    assert "  Does not act: the rule 'Encrypt all' with 'Encrypt' is disabled" in overview_lines(
        OrganizationOverview.from_row(overview)
    )
    assert overview["holes"][0].startswith("for example")
    assert verdicts(overview)["35029"] == "fails"
    # Microsoft's test looks neither at modes nor at dates, and takes a classification for protection.
    overview = audited(("New-TransportRule", {**OUTGOING, "Mode": "Audit"}))
    assert verdicts(overview)["35029"] == "passes, but only by rules that protect no mail now"


@pytest.mark.parametrize("policy", [{"DlpPolicy": "Cards"}, {"RuleSubType": "Dlp"}])
def test_a_rule_of_a_policy_of_data_loss_prevention_does_not_act(policy: dict[str, Any]) -> None:
    role = Role({"advanced_message_encryption": True, "transport_rules": [{**OUTGOING, **policy}]})
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.plan("audit")
    overview = role.report["overview"]
    assert overview["encrypts"] == ["no mail flow rule"]
    assert overview["idle"] == [
        "the rule 'Encrypt all' with 'Encrypt' belongs to a policy of data loss prevention, and Exchange Online no longer evaluates such rules"
    ]
    assert overview["holes"][0].startswith("for example")


@pytest.mark.parametrize(
    "part",
    [
        {"MessageContainsDataClassifications": ["Credit Card Number"]},
        {"ExceptIfHasSenderOverride": True},
        {"NotifySender": "NotifyOnly"},
    ],
)
def test_nobody_knows_whether_a_rule_with_a_part_of_data_loss_prevention_acts(part: dict[str, Any]) -> None:
    role = Role({"advanced_message_encryption": True, "transport_rules": [{**OUTGOING, **part}]})
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.plan("audit")
    overview = role.report["overview"]
    assert overview["encrypts"] == ["not known (U13): the rule 'Encrypt all' with 'Encrypt'"]
    assert overview["idle"] == []
    assert "U13" in overview["holes"][0]
    assert "does nothing" not in str(role.report)


def test_what_is_odd_about_a_rule_is_a_hole_only_if_the_rule_acts_and_leaves_mail_in_clear() -> None:
    everything = {"Name": "Everything", "ApplyRightsProtectionTemplate": "Encrypt"}
    overview = audited(("New-TransportRule", OUTGOING), ("New-TransportRule", {**everything, "Enabled": False}))
    assert overview["idle"] == ["the rule 'Everything' with 'Encrypt' is disabled"]
    assert overview["holes"] == [PDF]
    assert audited(("New-TransportRule", OUTGOING), ("New-TransportRule", everything))["holes"] == [PDF]
    envelope = {**OUTGOING, "Name": "By domain", "SenderDomainIs": ["contoso.com"], "SenderAddressLocation": "Envelope"}
    assert "empty for automatic replies" in audited(("New-TransportRule", envelope))["holes"][-1]
    assert not any(
        "automatic replies" in hole for hole in audited(("New-TransportRule", {**envelope, "Enabled": False}))["holes"]
    )


def test_without_azure_rights_management_nobody_knows_what_rules_do() -> None:
    off = ("Set-IRMConfiguration", {"AzureRMSLicensingEnabled": False})
    overview = audited(off, ("New-TransportRule", OUTGOING))
    assert overview["encrypts"] == [
        "not known while azure_rms_licensing_enabled is false (U28): the rule 'Encrypt all' with 'Encrypt'"
    ]
    why = "what happens to a message that a rule encrypts while azure_rms_licensing_enabled is false (U28)"
    assert overview["holes"] == [f"not known for all outgoing mail: {why}"]
    assert verdicts(overview)["35024"] == verdicts(overview)["35026"] == "fails"
    # Where no rule encrypts, it is known.
    assert audited(off)["holes"] == [
        "for example, mail from sender@contoso.onmicrosoft.com to recipient@example.org is delivered unprotected by rules or forced TLS."
    ]


def statuses(role: Role) -> dict[str, tuple[str, str]]:
    return {row["id"]: (row["status"], " ".join(row["findings"])) for row in role.report["controls"]}


@pytest.mark.parametrize("procedure", ["audit", "baseline"])
def test_where_rights_management_is_not_active_nothing_is_guaranteed(procedure: str) -> None:
    """Both licensing settings are on, no licensing location, no template: the service was never activated."""
    wish = {"name": "Out", "when": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}}
    wishes = {"guarantees": [{**wish, "then": "not_in_clear"}], "pdf_encryption": True, "accept": ["IRM-5"]}
    role = Role({"advanced_message_encryption": True})
    on = ("AzureRMSLicensingEnabled", "EnablePdfEncryption", "SimplifiedClientAccessEnabled")
    role.session.edit("Set-IRMConfiguration", **dict.fromkeys(on, True))
    role.session.edit("New-TransportRule", **OUTGOING)
    role.plan(procedure, check=True, **wishes)
    assert [row["verdict"] for row in role.report["mail"]["guarantees"]] == ["proved"]
    assert {statuses(role)[each][0] for each in ("IRM-1", "IRM-2", "IRM-3")} == {"met"}
    role.session.organization.patch({"rms_templates": []})
    role.plan(procedure, check=True, **wishes)
    (row,) = role.report["mail"]["guarantees"]
    assert (row["verdict"], [each["id"] for each in row["unknown"]]) == ("unknown", ["U28"])
    cause = "licensing_location is empty and Exchange lists no RMS template"
    for control in ("IRM-1", "IRM-2"):
        status, said = statuses(role)[control]
        assert status == "not assessable"
        assert said.startswith(f"Whether rights management works is not known: {cause}. ")
        assert "Enable-AipService" in said
    (warning,) = [text for text in role.report["warnings"] if "U28" in text]
    assert warning.startswith(f"{cause} while rules encrypt ('Encrypt all')")
    if procedure == "audit":
        overview = role.report["overview"]
        assert overview["encrypts"] == [f"not known while {cause} (U28): the rule 'Encrypt all' with 'Encrypt'"]
        assert overview["holes"][0].startswith("not known for all outgoing mail")
        # Microsoft's tests look at the settings only.
        assert [verdicts(overview)[test] for test in ("35024", "35025", "35026")] == [f"passes, but {cause}"] * 3
    # A list that was not read is not empty.
    role.session.organization.patch({"hidden_cmdlets": ["Get-RMSTemplate"]})
    role.plan(procedure, check=True, **wishes)
    assert [row["verdict"] for row in role.report["mail"]["guarantees"]] == ["proved"]
    assert {statuses(role)[each][0] for each in ("IRM-1", "IRM-2")} == {"met"}


def test_a_plan_that_turns_licensing_on_does_not_judge_by_the_list_from_before() -> None:
    role = Role({"advanced_message_encryption": True})
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True, InternalLicensingEnabled=False)
    role.session.edit("New-TransportRule", **OUTGOING)
    role.plan("baseline", check=True)
    assert not any("U28" in text for text in role.report["warnings"])


def test_the_button_needs_azure_rights_management() -> None:
    role = Role({"advanced_message_encryption": True})
    role.session.edit("Set-IRMConfiguration", SimplifiedClientAccessEnabled=True, AzureRMSLicensingEnabled=False)
    role.plan("audit")
    status, said = statuses(role)["IRM-3"]
    assert status == "not met"
    assert said.startswith("azure_rms_licensing_enabled is false (IRM-1)")
    assert "35026" in said
    assert verdicts(role.report["overview"])["35026"] == "fails"
    # Nobody wants the button.
    role.plan("audit", encrypt_button=False)
    assert "35026" not in statuses(role)["IRM-3"][1]
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.plan("audit")
    assert statuses(role)["IRM-3"][0] == "met"


@pytest.mark.parametrize("procedure", ["audit", "baseline"])
def test_rules_that_encrypt_while_licensing_is_off_are_a_warning(procedure: str) -> None:
    role = Role()
    role.session.edit("New-TransportRule", **OUTGOING)
    wishes = {"azure_rms_licensing": None, "check": True}
    role.plan(procedure, **wishes)
    (warning,) = [text for text in role.report["warnings"] if "U28" in text]
    assert warning.startswith(
        "azure_rms_licensing_enabled is false while rules encrypt ('Encrypt all'): what happens to their mail is unknown (U28)."
    )
    # A plan that turns it on needs no warning; neither does a rule that does not act.
    role.plan("baseline", check=True)
    assert not any("U28" in text for text in role.report["warnings"])
    role.session.edit("Disable-TransportRule", Identity="Encrypt all")
    role.plan(procedure, **wishes)
    assert not any("U28" in text for text in role.report["warnings"])


@pytest.mark.parametrize(
    ("social", "expected"),
    [
        (
            False,
            "people outside without a work or school account, from mail with 'OME Configuration': it does not send passcodes",
        ),
        (True, "people outside without a work or school account or a social ID that Microsoft accepts, from mail with"),
    ],
)
def test_who_is_locked_out_is_named(social: bool, expected: str) -> None:
    overview = audited(
        (
            "Set-OMEConfiguration",
            {"Identity": "OME Configuration", "OTPEnabled": False, "SocialIdSignIn": social, "Confirm": False},
        )
    )
    (text,) = overview["locked_out"]
    assert text.startswith(expected)


def test_a_brand_passes_the_test_of_brands() -> None:
    assert (
        verdicts(
            audited(
                ("Set-OMEConfiguration", {"Identity": "OME Configuration", "PortalText": "Contoso", "Confirm": False})
            )
        )["35027"]
        == "passes"
    )


def test_what_cannot_be_read_is_not_known() -> None:
    overview = audited(hidden_cmdlets=["Get-TransportRule"])
    assert overview["encrypts"][0].startswith("not known: Get-TransportRule")
    assert verdicts(overview)["35029"] == "cannot be told"
    assert verdicts(overview)["35024"] == "passes"


def test_the_terminal_shows_it_below_the_organization_and_only_for_few() -> None:
    role = Role({})
    role.plan("audit")
    report = role.report
    run = run_of(report)
    lines = lines_of(run, "report.html")
    shown = overview_lines(
        OrganizationOverview.from_row(report["overview"]),
        encrypter_lines(EffectOnMail.from_row(report["mail"]).encrypters),
    )
    assert lines[1 : 1 + len(shown)] == shown
    assert any("35029  A mail flow rule protects mail  fails" in line for line in lines)
    role.plan("audit", hosts=[str(number) for number in range(MOST_ORGANIZATIONS + 1)])
    assert role.report["overview"] == {}
    role.plan(check=True)
    assert role.report["overview"] == {}


def terminal(role: Role) -> list[str]:
    return lines_of(run_of(role.report), "page")


def test_a_terminal_says_which_variable_mends_a_policy() -> None:
    role = Role({"owa_mailbox_policies": [{"Name": "Sales", "IRMEnabled": False}]})
    role.plan("audit")
    off = "POL-1 not met: Rights management is off in Sales."
    assert f"  {off} hardened_baseline_mailbox_policies: enforce turns it on." in terminal(role)
    # What would be written says so itself.
    role.plan("audit", mailbox_policies="enforce")
    assert "enforce turns it on" not in "\n".join(terminal(role))


def test_each_number_of_a_question_has_its_sentence_on_a_terminal() -> None:
    role = Role({"transport_rules": [{**OUTGOING, "MessageContainsDataClassifications": ["SSN"]}]})
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.plan("audit")
    lines = terminal(role)
    assert "  Encrypts: not known (U13): the rule 'Encrypt all' with 'Encrypt'" in lines
    told = [line for line in lines if re.match(r"  U\d\d: ", line)]
    assert "  U13: What a rule does that Exchange does not support, or that has an unknown part." in told
    assert [line[2:5] for line in told] == sorted(set(re.findall(r"\bU\d\d\b", "\n".join(lines))))


def test_each_organization_has_the_sentences_of_its_own_numbers() -> None:
    role = Role({"transport_rules": [{**OUTGOING, "MessageContainsDataClassifications": ["SSN"]}]})
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.plan("audit")
    report = OrganizationReport.from_row(role.report)
    both = (replace(report, host="one"), replace(report, host="two"))
    lines = lines_of(run_of(*both), "page")
    second = next(place for place, line in enumerate(lines) if line.startswith("two: "))
    one, two = lines[:second], lines[second:-1]
    assert one[1:] == two[1:]
    assert any(line.startswith("  U13: ") for line in one)


def test_several_texts_and_a_long_one_stand_below_their_name() -> None:
    long = "mail " * 30
    assessed = [dict.fromkeys(("test", "title", "verdict", "control", "status"), "")]
    overview = {"encrypts": ["short"], "holes": ["one", "two"], "idle": [long], "assessed": assessed}
    assert overview_lines(OrganizationOverview.from_row(overview))[:6] == [
        "  Encrypts: short",
        "  Does not act:",
        f"    {long}",
        "  Not encrypted:",
        "    one",
        "    two",
    ]


def test_a_terminal_names_who_last_changed_a_rule_that_is_not_as_wanted() -> None:
    role = Role()
    role.run(encrypt_outgoing={})
    ours = "Encrypt all outgoing mail"
    role.plan("audit", encrypt_outgoing={})
    assert not [line for line in terminal(role) if "Last changed by" in line]
    role.session.edit("Set-TransportRule", Identity=ours, ExceptIfRecipientDomainIs=["fabrikam.com"])
    role.session.organization.state["transport_rules"][0]["LastModifiedBy"] = "Mallory"
    role.plan("audit", encrypt_outgoing={})
    assert f"  Last changed by Mallory: '{ours}'." in terminal(role)
    role.run(encrypt_outgoing={})
    assert not [line for line in terminal(role) if "Last changed by" in line]


@pytest.mark.parametrize("decrypted", [False, True])
def test_a_terminal_names_journals_that_keep_ciphertext(decrypted: bool) -> None:
    role = Role({"journal_rules": [{"Name": "Archive", "JournalEmailAddress": "archive@fabrikam.com"}]})
    role.run(encrypt_outgoing={})
    role.session.edit("Set-IRMConfiguration", JournalReportDecryptionEnabled=decrypted)
    role.plan("audit", encrypt_outgoing={})
    found = [line for line in terminal(role) if "The journal rule 'Archive' keeps" in line]
    assert len(found) == (0 if decrypted else 1)


def test_what_another_rule_protects_is_no_hole() -> None:
    """An exception of one rule frees mail that a second one encrypts."""
    spares = {**OUTGOING, "Name": "Spares", "ExceptIfRecipientDomainIs": ["fabrikam.com"]}
    alone = audited(("New-TransportRule", spares))["holes"]
    assert any("'Spares'" in line and "subdomains" in line for line in alone)
    both = audited(("New-TransportRule", spares), ("New-TransportRule", OUTGOING))["holes"]
    assert not any("'Spares'" in line for line in both)
    partner = {**OUTGOING, "Name": "Partner", "RecipientDomainIs": ["fabrikam.com"]}
    assert not any(
        "'Spares'" in line for line in audited(("New-TransportRule", spares), ("New-TransportRule", partner))["holes"]
    )


def test_what_a_sender_chooses_is_a_hole() -> None:
    spares = {**OUTGOING, "ExceptIfSubjectContainsWords": ["public"]}
    assert any("'public'" in line for line in audited(("New-TransportRule", spares))["holes"])
