# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever carries a verdict about how mail is protected carries what the verdict does not see: each result, each part of a
report, each page and each file.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    history_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.replay_report import (
    ReplayedOrganization,
    ReplayReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.run_findings import (
    run_findings_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import ReplayRow
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_evidence,
    mail_flow_replay,
    mail_flow_test,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.fleet import render_fleet
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.history_page import render_history
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.junit import render_junit
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay_page import render_replay
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import (
    render_csv,
    render_lines,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.emulator.message_trace import row
from tests.emulator.organization import default_state
from tests.emulator.rule_reports import computed, settled
from tests.unit.emulated_session import EmulatedSession
from tests.unit.run_reports import run_of

from .conftest import Role
from .guarantees import ENCRYPT, GUARANTEE, STOP
from .refusing import refused

LINE = "Not seen: DLP policies, sensitivity labels, the Encrypt button."
UNTESTED = "Whether encryption works was not tested (VRF-1)."
NAME = "contoso.onmicrosoft.com"
NOW = datetime.datetime.now(datetime.UTC)
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
#: The keys of results and reports that say how mail is protected.
SAYS = frozenset(
    (
        *("guarantees", "difference", "overview", "reach", "holes", "policy", "simplified", "suggestions", "trials"),
        *("outcome", "days", "domains", "protection", "protected", "verdict", "encrypters", "encryption"),
    )
)


def uncovered(value: Any, path: str = "", *, covered: bool = False) -> Iterator[str]:
    """The places of verdicts without ``unseen`` beside or above them."""
    if isinstance(value, dict):
        covered = covered or value.get("unseen") == ["dlp", "labels", "encrypt_button"]
        if not covered and SAYS & value.keys():
            yield path
        for key, part in value.items():
            yield from uncovered(part, f"{path}.{key}", covered=covered)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from uncovered(part, f"{path}[{place}]", covered=covered)


def organization(**parts: Any) -> dict[str, Any]:
    """One with a rule for the law firm, mail of two weeks ago at most, and reports."""
    state = default_state(NAME)
    state["irm_configuration"] |= {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    stored = {
        "Name": "Law firm",
        "Guid": "11111111-2222-3333-4444-555555555555",
        "FromScope": "InOrganization",
        "RecipientDomainIs": ["fabrikam.com"],
        "ApplyRightsProtectionTemplate": "Encrypt",
    }
    mail = [
        row(number, NOW - datetime.timedelta(hours=30, minutes=number), f"alexw@{NAME}", f"p{number}@{domain}")
        for number, domain in enumerate(["northwind.com", "fabrikam.com", "fabrikam.com"] * 4)
    ]
    day = (NOW - datetime.timedelta(hours=40)).strftime("%Y-%m-%dT%H:00:00Z")
    report = [
        {"Date": day, "EventType": event, "MessageCount": count, "RecipientCount": count}
        for event, count in (("EncryptionPolicy", 11), ("EncryptionManual", 2))
    ]
    state |= {"message_trace": mail, "transport_rules": [stored], "encryption_report": report}
    state["rule_report"] = computed(state, mail)
    return {**settled(state), **parts}


def result_of(module: Any, session: EmulatedSession, **options: Any) -> dict[str, Any]:
    validation, errors = validate(options, module.SPEC["argument_spec"])
    assert not errors
    task = MailFlowContext(params=validation.validated_parameters, check_mode=False, session=session)
    found: dict[str, Any] = module.run(task)
    return found


MESSAGE = {"name": "Offer", "from": f"alexw@{NAME}", "authenticated": True, "to": ["ann@northwind.com"]}
#: What can be asked, in each combination of two.
ASKED: dict[str, dict[str, Any]] = {
    "messages": {"messages": [MESSAGE]},
    "failing": {"messages": [{**MESSAGE, "expect": {"ann@northwind.com": {"protection": "encrypt"}}}]},
    "proved": {"guarantees": [GUARANTEE]},
    "refuted": {"guarantees": [{"name": "All", "when": OUT, "then": "not_in_clear"}]},
    "unknown": {"guarantees": [{"name": "Odd", "when": {**OUT, "message_type_matches": "OOF"}, "then": "encrypted"}]},
    "overview": {"overview": True},
    "compare": {"compare_with": []},
    "simplify": {"simplify": True},
}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ASKED, 2)))
def test_each_result_of_a_test_has_it(one: str, other: str) -> None:
    options = {**ASKED[one], **ASKED[other], "fail_on_error": False, "explain": True}
    found = result_of(mail_flow_test, EmulatedSession(organization(), "rest"), **options)
    assert list(uncovered(found)) == []
    assert found["msg"].splitlines().count(LINE) == 1
    assert all(row["unseen"] == found["unseen"] for row in found.get("guarantees", ()))
    assert "in clear" not in found["msg"]


def test_a_result_says_less_where_more_was_told() -> None:
    facts = {"accepted_domains": [NAME], "remote_domains": [], "dlp_policies": [], "labels": []}
    found = result_of(mail_flow_test, EmulatedSession({}, "rest"), rules=[], facts=facts, messages=[MESSAGE])
    assert found["unseen"] == ["encrypt_button"]
    assert found["msg"].splitlines()[-1] == "Not seen: the Encrypt button."


@pytest.mark.parametrize(
    "more", [{}, {"compare_with": []}, {"guarantees": [GUARANTEE]}], ids=["now", "change", "claim"]
)
def test_each_replay_has_it_and_what_else_encrypts(more: dict[str, Any]) -> None:
    found = result_of(mail_flow_replay, EmulatedSession(organization(), "rest"), **more)
    assert list(uncovered(found)) == []
    lines = found["msg"].splitlines()
    assert lines[1] == "Protected by rules: 8; not by rules: 4."
    assert lines[2:4] == [
        "Encrypted, but not by rules: 5 of 12 messages in 7 days (by policy 3, by people 2)."
        " Exchange counts 11 by policy; rules encrypt 8.",
        LINE,
    ]
    kept = {part.name: found[part.name] for part in fields(ReplayRow) if part.name in found}
    page = render_replay(ReplayReport("now", [ReplayedOrganization("contoso", ReplayRow.from_row(kept))]))
    assert LINE in page
    assert "Encrypted, but not by rules: 5 of 12 messages" in page


def test_evidence_has_it_and_what_else_encrypts() -> None:
    found = result_of(mail_flow_evidence, EmulatedSession(organization(), "rest"))
    assert list(uncovered(found)) == []
    assert found["encrypted_otherwise"]["otherwise"] == 5
    assert found["msg"].splitlines()[-2:] == [found["encrypted_otherwise"]["text"], LINE]


@pytest.mark.parametrize("module", [mail_flow_replay, mail_flow_evidence], ids=["replay", "evidence"])
def test_that_nothing_is_counted_says_why(module: Any) -> None:
    session = EmulatedSession(organization(hidden_cmdlets=["Get-MailTrafficEncryptionReport"]), "rest")
    found = result_of(module, session)
    assert set(found["encrypted_otherwise"]) == {"text"}
    assert "How much is encrypted, but not by rules, is unknown: " in found["msg"]
    assert "Get-MailTrafficEncryptionReport" in found["msg"]


RULES = {"encryption_rules": [ENCRYPT], "guarantees": [GUARANTEE]}
#: Runs of the role, with what they are asked to say.
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "audit": ("audit", {}),
    "audit with guarantees": ("audit", RULES),
    "audit with evidence": ("audit", {**RULES, "evidence_days": 7}),
    "audit with a replay": ("audit", {**RULES, "replay_days": 7}),
    "audit of a fleet": ("audit", {**RULES, "hosts": [str(number) for number in range(9)]}),
    "plan": ("baseline", {**RULES, "check": True}),
    "plan with a replay": ("baseline", {**RULES, "check": True, "replay_days": 7}),
    "plan of an edit": ("baseline", {"encryption_rules": [STOP], "check": True}),
    "trial": ("baseline", {"encryption_rules": [{**ENCRYPT, "name": "New"}], "trial": ["New"], "check": True}),
}


@pytest.mark.parametrize("name", RUNS)
def test_each_report_page_and_file_of_a_run_has_it(name: str, tmp_path: Path) -> None:
    procedure, options = RUNS[name]
    role = Role(organization(), str(tmp_path))
    planned = role.plan(procedure, **options)
    assert list(uncovered(planned.get("mail", {}))) == []
    report = role.report
    assert list(uncovered(report["mail"])) == []
    assert list(uncovered(report["overview"])) == []
    untested = procedure == "audit"
    assert (UNTESTED in str(texts_of(report))) is untested
    for part in (report["mail"], report["overview"]):
        assert part.get("untested", []) == (["VRF-1"] if untested and "unseen" in part else [])
    found = run_of(report, kind=procedure)
    for render in (render_html, render_csv, render_lines, render_junit, render_fleet):
        assert LINE in render(found)
        assert (UNTESTED in render(found)) is untested
    lines = [line.strip() for line in lines_of(found, "report.html")]
    told = bool(report["overview"]) or bool({"guarantees", "trials", "replay", "evidence"} & report["mail"].keys())
    assert lines.count(LINE) == int(told)
    assert lines.count(UNTESTED) == int(untested)


@pytest.mark.parametrize("name", ["audit with guarantees", "audit with evidence", "plan of an edit"])
def test_the_history_has_it_beside_findings_and_reports(name: str, tmp_path: Path) -> None:
    procedure, options = RUNS[name]
    role = Role(organization(), str(tmp_path))
    role.plan(procedure, **options)
    run = run_of(role.report, kind="check" if options.get("check") else procedure)
    document = history_document(run_findings_of(run), 1)
    assert list(document.unseen) == role.report["mail"]["unseen"]
    parts = ("open" if document.findings else "", "evidence" if document.evidence else "")
    assert render_history(document).count(LINE) == len(list(filter(None, parts))) > 0


def test_a_history_of_runs_that_said_nothing_of_mail_has_no_line() -> None:
    assert LINE not in render_history(history_document([], 0))


def texts_of(report: dict[str, Any]) -> list[str]:
    """The terminal's lines."""
    found = run_of(report)
    return lines_of(found, "report.html")


def test_an_audit_that_tested_encryption_does_not_say_that_it_did_not(tmp_path: Path) -> None:
    role = Role(organization(), str(tmp_path))
    role.plan("audit", test_sender=f"alexw@{NAME}", **RULES)
    assert role.controls()["VRF-1"] in ("met", "not met")
    assert "untested" not in role.report["mail"]
    assert UNTESTED not in render_html(run_of(role.report))


def test_a_refusal_that_says_how_mail_is_protected_says_it(tmp_path: Path) -> None:
    role = Role(organization(), str(tmp_path))
    said = refused(role, encryption_rules=[STOP, ENCRYPT], guarantees=[GUARANTEE])
    assert "would break the guarantee" in said
    assert LINE in said


def test_the_page_of_an_audit_shows_the_counts_and_who_encrypts_what(tmp_path: Path) -> None:
    role = Role(organization(), str(tmp_path))
    role.plan("audit", evidence_days=7, **RULES)
    page = render_html(run_of(role.report))
    for said in (
        "What encrypts, decrypts or stops mail",
        "Messages encrypted by policy",
        "Encrypted, but not by rules: 5 of 12 messages",
    ):
        assert said in page
    rows = [(row["kind"], row["rests_on"]) for row in role.report["mail"]["encrypters"]]
    assert rows == [("rule", "read"), ("dlp", "reported"), ("label", "reported"), ("button", "reported")]


def test_a_page_says_once_how_much_is_encrypted_otherwise(tmp_path: Path) -> None:
    role = Role(organization(), str(tmp_path))
    for days in ({"evidence_days": 7}, {"evidence_days": 7, "replay_days": 7}):
        said: list[str] = []
        role.say = said.append
        role.plan("audit", **days, **RULES)
        page = render_html(run_of(role.report))
        terminal = "\n".join([*said, *texts_of(role.report)])
        assert [text.count("Encrypted, but not by rules: ") for text in (page, terminal)] == [1, 1]


def test_a_plan_counts_what_the_rules_of_today_explain(tmp_path: Path) -> None:
    """Exchange reports mail that passed them, and not those of the plan."""
    role = Role(organization(), str(tmp_path))
    role.plan(check=True, encrypt_outgoing=True, replay_days=7)
    found = role.report["mail"]["replay"]
    assert found["days"][0]["protected"] == 12
    assert found["encrypted_otherwise"]["explained"] == {"certain": 8, "possible": 8}
    assert found["encrypted_otherwise"]["text"].endswith("today's rules encrypt 8.")


def test_what_rules_of_a_plan_protect_would_be_protected(tmp_path: Path) -> None:
    role = Role(organization(), str(tmp_path))
    said: list[str] = []
    role.say = said.append
    role.plan(check=True, encrypt_outgoing=True, replay_days=7)
    assert "Would be protected by rules: 12; not by rules: 0." in said
    page = render_html(run_of(role.report, kind="check"))
    assert "</i>Would be protected by rules</th>" in page
    assert "Protected by rules" not in page
    said.clear()
    role.plan("audit", replay_days=7)
    assert "Protected by rules: 8; not by rules: 4." in said
    assert "proposed" not in role.report["mail"]["replay"]


@pytest.mark.parametrize(
    "proposed", [{"rules": []}, {"add_rules": [{**ENCRYPT, "name": "More"}]}], ids=["rules", "added"]
)
def test_what_proposed_rules_protect_would_be_protected(proposed: dict[str, Any]) -> None:
    found = result_of(mail_flow_replay, EmulatedSession(organization(), "rest"), **proposed)
    assert found["proposed"] is True
    assert found["msg"].splitlines()[1].startswith("Would be protected by rules: ")
