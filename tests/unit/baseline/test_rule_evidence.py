# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports, in audits: a control, a memory of contradictions, and a history."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    history_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    ControlReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.run_findings import (
    run_findings_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.rule_evidence import (
    NO_RULE,
    with_evidence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence_row import (
    EvidenceRow,
    RuleEvidenceRow,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.note_files import NoteFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.history_page import render_history
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.emulator.message_trace import row
from tests.emulator.organization import default_state
from tests.emulator.rule_reports import computed, hits, settled
from tests.unit.run_reports import run_of

from .conftest import Role
from .refusing import refused

NAME = "contoso.onmicrosoft.com"
NOW = datetime.datetime.now(datetime.UTC)
RULE: dict[str, Any] = {
    "name": "Partners",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
STORED: dict[str, Any] = {
    "Name": "Partners",
    "Guid": "11111111-2222-3333-4444-555555555555",
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
}
MAIL = [
    row(
        number,
        NOW - datetime.timedelta(hours=30, minutes=number),
        f"alexw@{NAME}",
        f"p{number}@{domain}",
        Subject=f"SUBJECT {number}",
    )
    for number in range(12)
    for domain in [("northwind.com", "fabrikam.com", "fabrikam.com")[number % 3]]
]
PARTNERS = [each for each in MAIL if each["RecipientAddress"].endswith("fabrikam.com")]
WANTED = {"encryption_rules": [RULE], "evidence_days": 7}


def reporting(*rules: dict[str, Any]) -> dict[str, Any]:
    """An organization whose report is right."""
    state = default_state(NAME) | {"message_trace": MAIL, "transport_rules": list(rules) or [STORED]}
    state["irm_configuration"] |= {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    state["rule_report"] = computed(state, MAIL)
    return settled(state)


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return Role(reporting(), str(tmp_path))


def days(role: Role) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of the window of the audit: it is another one after midnight."""
    window = role.report["mail"]["evidence"]["window"]
    begin, end = (datetime.datetime.fromisoformat(window[side]).date() for side in ("from", "until"))
    return begin, end


def control(role: Role) -> tuple[str, str]:
    (found,) = [control for control in role.report["controls"] if control["id"] == "VRF-2"]
    return found["status"], " ".join(found["findings"])


def test_an_audit_compares_what_exchange_reports_with_what_was_computed(role: Role) -> None:
    said: list[str] = []
    role.say = said.append
    audit = role.plan("audit", **WANTED)
    assert control(role) == (
        "met",
        "Exchange reports that 'Partners' acted on 8 copies; 8 were certain, 0 uncertain, none contradicts.",
    )
    begin, end = days(role)
    assert end - begin == datetime.timedelta(days=7)
    headline = f"Exchange's reports of {begin} to {end}: 1 rule compared, none contradicted."
    assert headline in said
    assert f"  {headline}" in lines_of(run_of(role.report), "page")
    page = render_html(run_of(role.report))
    assert "What Exchange reports" in page
    fleet = [{**role.report, "host": f"host{number}", "name": f"host{number}"} for number in range(26)]
    many = render_html(run_of(*fleet))
    rests = "What this rests on"
    assert (page.count(rests), many.count(rests), many.count("1 rule compared, none contradicted")) == (1, 0, 26)
    for text in (json.dumps(role.report), json.dumps(audit), page):
        assert "SUBJECT" not in text
        assert "p1@" not in text


@pytest.mark.parametrize("procedure", ["baseline", "audit"])
def test_only_an_audit_with_days_asks(role: Role, procedure: str) -> None:
    role.plan(procedure, check=True, encryption_rules=[RULE], evidence_days=7 if procedure == "baseline" else 0)
    assert control(role)[0] == "unmanaged"
    assert "evidence" not in role.report["mail"]
    role.plan("audit", **WANTED, run_tags=["MFR-1"])
    assert "evidence" not in role.report["mail"]
    assert "hardened_baseline_evidence_days is 11. Use a number from 0 to 10" in refused(
        role, "audit", evidence_days=11
    )


def test_a_contradiction_is_remembered_until_a_later_window_agrees(role: Role) -> None:
    guarantee = {"name": "partners", "when": RULE["conditions"], "then": "encrypted"}
    right = role.session.organization.dump()["rule_report"]
    role.session.organization.patch({"rule_report": hits(PARTNERS[:6], "Partners")})
    role.plan("audit", **WANTED, guarantees=[guarantee])
    status, text = control(role)
    assert (status, role.report["status"]) == ("not met", "drift")
    assert "certain and not reported" in text
    contradicted = f"Exchange contradicted this on {days(role)[1]}, by its reports since"
    assert role.report["mail"]["guarantees"][0]["contradicted"][0].startswith(contradicted)

    # A later plan knows it, too.
    role.plan(
        check=True,
        encryption_rules=[{**RULE, "actions": {"apply_rights_protection_template": "Do Not Forward"}}],
        guarantees=[guarantee],
    )
    mail = role.report["mail"]
    assert all(
        each["contradicted"][0].startswith(contradicted) for each in (mail["guarantees"][0], mail["difference"][0])
    )
    assert contradicted in render_html(run_of(role.report, kind="check")).replace("&#39;", "'")

    # A window that cannot be compared changes nothing, and one that agrees ends it.
    role.session.organization.patch({"rule_report": right, "report_hours_late": 48})
    role.plan("audit", **WANTED, guarantees=[guarantee])
    assert control(role)[0] == "not assessable"
    assert "contradicted" in role.report["mail"]["guarantees"][0]
    # Neither does one without mail of the rule.
    trace = role.session.organization.dump()["message_trace"]
    role.session.organization.patch({"report_hours_late": 0, "message_trace": []})
    role.plan("audit", **WANTED, guarantees=[guarantee])
    assert "contradicted" in role.report["mail"]["guarantees"][0]
    role.session.organization.patch({"message_trace": trace})
    role.plan("audit", **WANTED, guarantees=[guarantee])
    assert control(role)[0] == "met"
    assert "contradicted" not in role.report["mail"]["guarantees"][0]


def test_a_memory_that_cannot_be_read_is_said_and_counts_as_unknown(role: Role) -> None:
    folder = Path(role.directory) / "organizations" / role.host
    folder.mkdir(parents=True)
    (folder / "contradictions.json").write_text('[{"rules": 5}]', encoding="utf-8")
    (folder / "contradictions.json").chmod(0o600)
    role.plan("audit", **WANTED)
    assert any("What Exchange has contradicted so far is unknown" in text for text in role.task.warnings)


def test_a_memory_that_cannot_be_written_fails_no_audit(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(notes: NoteFiles, rows: Any) -> None:
        raise OptionError("No space left on device.")

    monkeypatch.setattr(NoteFiles, "keep_contradictions", full)
    role.session.organization.patch({"rule_report": hits(PARTNERS[:6], "Partners")})
    role.plan("audit", **WANTED)
    assert control(role)[0] == "not met"
    assert any("later runs will not know it: No space left on device." in text for text in role.task.warnings)


def test_what_is_not_granted_makes_the_control_not_assessable(role: Role) -> None:
    role.session.organization.patch({"hidden_cmdlets": ["Get-MailDetailTransportRuleReport"]})
    role.plan("audit", **WANTED)
    assert control(role)[0] == "not assessable"
    assert "Get-MailDetailTransportRuleReport" in control(role)[1]
    role.session.organization.patch({"hidden_cmdlets": ["Get-MessageTraceV2"]})
    role.plan("audit", **WANTED)
    assert control(role)[0] == "not assessable"
    assert control(role)[1].startswith("What Exchange reports of rules could not be compared: ")


def test_a_rule_before_that_is_gone_since_the_window_began_keeps_it_from_being_compared(role: Role) -> None:
    role.session.edit(
        "New-TransportRule", Name="First of all", Priority=0, SubjectContainsWords=["x"], StopRuleProcessing=True
    )
    role.plan("snapshot")
    role.session.edit("Remove-TransportRule", Identity="First of all")
    role.session.organization.patch(settled(role.session.organization.dump()))
    role.plan("audit", **WANTED)
    status, text = control(role)
    assert status == "not assessable"
    assert "'Partners' cannot be compared: the rule 'First of all' changed on " in text


def test_a_rule_before_that_is_gone_keeps_delivery_from_telling_anything(role: Role) -> None:
    role.session.edit(
        "New-TransportRule", Name="Programs", Priority=0, AttachmentHasExecutableContent=True, Quarantine=True
    )
    role.session.edit(
        "New-TransportRule", Name="First of all", Priority=0, SubjectContainsWords=["x"], StopRuleProcessing=True
    )
    role.plan("snapshot")
    told = []
    for gone in (False, True):
        if gone:
            role.session.edit("Remove-TransportRule", Identity="First of all")
        role.session.organization.patch(settled(role.session.organization.dump()))
        role.plan("audit", check=True, replay_days=7)
        told.append("delivered" in {row["id"] for row in role.report["mail"]["replay"]["assumes"]})
    assert told == [True, False]


def test_a_snapshot_that_cannot_be_read_is_no_silence_about_when_rules_changed(role: Role) -> None:
    Path(role.plan("snapshot")["snapshot"]).write_text("{", encoding="utf-8")
    role.plan("audit", check=True, replay_days=7)
    (warning,) = [each for each in role.task.warnings if each.startswith("The replay does not know")]
    assert "since when the rules are as they are: " in warning
    assert "delivered" not in {row["id"] for row in role.report["mail"]["replay"]["assumes"]}


def test_a_trial_that_is_gone_keeps_nothing_from_being_compared(role: Role) -> None:
    comment = "Trial by m365.message_encryption of the rule: X"
    role.session.edit(
        "New-TransportRule",
        Name="X (trial)",
        Priority=0,
        SubjectContainsWords=["x"],
        SetSCL=1,
        Mode="Audit",
        Comments=comment,
    )
    role.plan("snapshot")
    role.session.edit("Remove-TransportRule", Identity="X (trial)")
    role.session.organization.patch(settled(role.session.organization.dump()))
    role.plan("audit", **WANTED)
    assert control(role)[0] == "met"


def test_a_rule_that_exchange_does_not_report_contradicts_nothing(tmp_path: Path) -> None:
    role = Role(reporting({**STORED, "SetAuditSeverity": "DoNotAudit"}, {**STORED, "Name": "Others"}), str(tmp_path))
    said: list[str] = []
    role.say = said.append
    role.plan("audit", **WANTED)
    # Of the copies on which it acts, too, another rule that can be compared says nothing.
    assert control(role)[0] == "not assessable"
    assert "'Partners' (50.0%)" in control(role)[1]
    assert "'Partners' cannot be compared: nothing is reported of it, and it has no severity" in control(role)[1]
    assert any("1 rule compared, none contradicted; 1 not compared." in line for line in said)


def test_where_there_is_nothing_to_compare_the_control_does_not_apply(role: Role, tmp_path: Path) -> None:
    """It is neither met nor unknown: an organization without a rule that protects is as wanted every week."""
    role.session.organization.patch(
        {"rule_report": [], "message_trace": [each for each in MAIL if each not in PARTNERS]}
    )
    role.plan("audit", **WANTED)
    status, found = control(role)
    assert (status, found.endswith("no rule acted on mail of this time, neither as computed nor as reported.")) == (
        "not applicable",
        True,
    )
    without = Role({**reporting(), "transport_rules": [], "rule_report": []}, str(tmp_path / "without"))
    without.plan("audit", run_tags=["VRF-2"], evidence_days=7)
    assert control(without) == ("not applicable", NO_RULE)
    assert without.report["status"] == "met"


#: A rule that protects one more domain, and that cannot be compared, because nothing is reported of it and it has no
#: severity.
SILENT = {**STORED, "Name": "Silent", "Guid": "22222222-2222-3333-4444-555555555555", "SetAuditSeverity": "DoNotAudit"}
SHARES = "Not compared, with their shares of the copies on which rules that protect act, as computed: 'Silent' ({})."


@pytest.mark.parametrize(
    ("more", "status", "share"), [(8, "not assessable", "50.0%"), (1000, "not assessable", "99.2%"), (0, "met", "")]
)
def test_a_rule_that_protects_a_share_of_the_mail_has_to_be_compared(
    tmp_path: Path, more: int, status: str, share: str
) -> None:
    """Whatever is known of the others."""
    state = reporting(STORED, {**SILENT, "RecipientDomainIs": ["northwind.com"]})
    mail = [
        row(
            100 + number,
            NOW - datetime.timedelta(hours=31, minutes=number % 50),
            f"alexw@{NAME}",
            f"q{number}@northwind.com",
            Subject="SUBJECT",
        )
        for number in range(more)
    ]
    state["message_trace"] = [*PARTNERS, *mail]
    state["rule_report"] = hits(PARTNERS, "Partners")
    role = Role(state, str(tmp_path))
    role.plan("audit", **WANTED)
    found, said = control(role)
    assert (found, SHARES.format(share) in said) == (status, bool(share)), said


def undecided() -> ControlReport:
    """The control as it is before anything is compared."""
    said = dict.fromkeys(("title", "reason", "risk", "notice", "provenance", "source"), "")
    return ControlReport(
        id="VRF-2", selected=True, status=ControlStatus.NOT_ASSESSABLE, wanted=None, found=None, exception=None, **said
    )


#: Evidence of no rule.
NOTHING_REPORTED = EvidenceRow.from_row(
    {
        "window": {"from": "2026-11-20T12:00:00Z", "until": "2026-11-27T12:00:00Z", "complete": True},
        "copies": 0,
        "encrypted_otherwise": {"text": "It is unknown."},
        **{name: [] for name in ("rules", "strangers", "unseen", "sample", "assumes")},
    }
)


def test_a_small_share_that_is_not_compared_is_said() -> None:
    def judged(few: dict[str, int]) -> ControlReport:
        rules = [
            RuleEvidenceRow.from_row(
                {
                    "name": name,
                    "guid": name,
                    "mode": mode,
                    "text": f"{name}.",
                    "predicted": predicted,
                    "comparable": compared > 0,
                    "compared": compared,
                    "contradictions": [],
                }
            )
            for name, mode, predicted, compared in (
                ("Most", "Enforce", {"certain": 995, "possible": 0}, 995),
                ("Few", "Enforce", few, 0),
                ("Tried", "Audit", {"certain": 999, "possible": 0}, 0),
            )
        ]
        (control,) = with_evidence([undecided()], replace(NOTHING_REPORTED, rules=tuple(rules)))
        return control

    small = judged({"certain": 5, "possible": 0})
    assert small.status == "met"
    assert small.findings[0].endswith("as computed: 'Few' (0.5%).")
    half = judged({"certain": 0, "possible": 995})
    assert half.status == "not assessable"
    assert half.findings[0].endswith("as computed: 'Few' (50.0%).")


def test_what_is_reported_late_is_not_nothing(role: Role) -> None:
    """Mail was sent that the rule acts on, as computed, and nothing is reported of it yet."""
    role.session.organization.patch({"rule_report": []})
    role.plan("audit", **WANTED)
    assert control(role)[0] == "not assessable"


def test_a_contradiction_can_be_accepted_for_a_time(role: Role) -> None:
    role.session.organization.patch({"rule_report": hits(PARTNERS[:6], "Partners")})
    skip = [{"control": "VRF-2", "reason": "known", "owner": "me", "until": "2999-01-01"}]
    role.plan("audit", **WANTED, skip=skip)
    assert control(role)[0] == "accepted exception"


def test_an_audit_says_what_exchange_reports_of_a_trial(tmp_path: Path) -> None:
    trial = {
        **STORED,
        "Name": "Partners (trial)",
        "Mode": "Audit",
        "SetAuditSeverity": "Low",
        "Comments": "Trial by m365.message_encryption of the rule: Partners",
    }
    role = Role(reporting(trial), str(tmp_path))
    said: list[str] = []
    role.say = said.append
    role.plan("audit", **WANTED, trial=["Partners"])
    (found,) = role.report["mail"]["trials"]
    assert (found["evidence"]["reported"], found["evidence"]["predicted"]["certain"]) == (8, 8)
    assert any(
        "Exchange reports that 'Partners (trial)' would have acted on 8 copies; 8 were certain" in line for line in said
    )


def test_the_history_shows_predicted_and_reported_over_time(role: Role) -> None:
    looks = []
    for at in ("2026-11-27T03:00:00Z", "2026-11-28T03:00:00Z"):
        role.plan("audit", **WANTED)
        looks += run_findings_of(run_of(role.report, generated_at=at, run=f"run of {at[:10]}"))
        role.session.organization.patch({"rule_report": hits(PARTNERS[:6], "Partners")})
    document = history_document(looks, 2)
    rows = [
        (row.run, row.rule, row.predicted.certain, row.reported, len(row.contradictions)) for row in document.evidence
    ]
    assert rows == [("run of 2026-11-27", "Partners", 8, 8, 0), ("run of 2026-11-28", "Partners", 8, 6, 1)]
    assert "What Exchange reported, newest first" in render_history(document)
