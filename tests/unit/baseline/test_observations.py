# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization answered to open questions is certain in the role's audits, plans and verdicts, while it counts."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import (
    OBSERVATIONS,
    Mail,
    facts_for_comparison,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    MAIL_FACTS,
    SUBSETS,
    Organization,
    read,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    Observation,
    digest_of_rules,
    observations_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_csv
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.unit.baseline.guarantees import LAW, licensed
from tests.unit.run_reports import run_of

from .conftest import Role

Values = dict[str, Any]

DOMAIN = "contoso.onmicrosoft.com"
TODAY = datetime.datetime.now(datetime.UTC).date()
TRIED: Values = {
    "name": "Tried",
    "mode": "Audit",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"set_header_name": "X-Tried", "set_header_value": "1", "stop_rule_processing": True},
}
PARTNERS: Values = {
    "name": "Partners",
    "conditions": LAW,
    "exceptions": {"subject_contains_words": ["[plain]"]},
    "actions": {"apply_rights_protection_template": "Encrypt", "set_audit_severity": "Low"},
}
RULES = [TRIED, PARTNERS]
#: Whether a rule that is only tried ends the rules is not documented (U08).
GUARANTEE: Values = {
    "name": "To the law firm",
    "when": LAW,
    "unless": {"subject_contains_words": ["[plain]"]},
    "then": "not_in_clear",
}
ALLOWED: Values = {"accept": ["broken_guarantee", "weakened_mail"]}


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    role = licensed(tmp_path)
    role.run(encryption_rules=RULES)
    return role


def organization(role: Role) -> Organization:
    return read(role.session, [*(name for name in SUBSETS if name != "exported_cmdlets"), *MAIL_FACTS], fresh=True)


def observed(role: Role, answer: bool, *, age: int = 0, rules: list[str] | None = None, whose: str = DOMAIN) -> str:
    """A file that says what the organization answers to U08."""
    names = tuple(["Partners", "Tried"] if rules is None else rules)
    digest = digest_of_rules(RuleSet(Mail.of_organization(organization(role)).rules), names)
    seen = (TODAY - datetime.timedelta(days=age)).isoformat()
    path = Path(role.directory) / "seen.json"
    path.write_text(
        json.dumps(observations_document(whose, [Observation("U08", answer, seen, "Offer", ("trace",), names, digest)]))
    )
    return str(path)


def verdict(role: Role, **variables: Any) -> str:
    role.plan("audit", guarantees=[GUARANTEE], **variables)
    (row,) = role.report["mail"]["guarantees"]
    return str(row["verdict"])


def rows(role: Role) -> list[Values]:
    return list(role.report["mail"].get("observed", ()))


@pytest.mark.parametrize(("answer", "expected", "status"), [(False, "proved", "met"), (True, "refuted", "not met")])
def test_an_answer_is_certain_in_an_audit(role: Role, answer: bool, expected: str, status: str) -> None:
    assert verdict(role) == "unknown"
    assert rows(role) == []
    assert verdict(role, observations=observed(role, answer)) == expected
    assert role.controls()["MFR-2"] == status
    (row,) = rows(role)
    assert (row["id"], row["answer"], row["seen"]) == ("U08", answer, TODAY.isoformat())
    assert f"observed on {TODAY.isoformat()}" in row["text"]


def test_an_old_answer_does_not_count(role: Role) -> None:
    assert verdict(role, observations=observed(role, False, age=91)) == "unknown"
    assert rows(role) == [{"id": "U08", "left_out": "old"}]
    assert verdict(role, observations=observed(role, False, age=90)) == "proved"


def test_an_answer_about_rules_that_have_changed_does_not_count(role: Role) -> None:
    file = observed(role, False)
    role.run(encryption_rules=[{**TRIED, "conditions": {"from_scope": "NotInOrganization"}}, PARTNERS], **ALLOWED)
    verdict(role, observations=file)
    assert rows(role) == [{"id": "U08", "left_out": "changed"}]


def test_the_file_of_another_organization_is_refused(role: Role) -> None:
    for procedure in ("audit", "baseline"):
        before = role.state()
        with pytest.raises(OptionError, match=r"fabrikam\.onmicrosoft\.com"):
            role.run(
                procedure, guarantees=[GUARANTEE], observations=observed(role, False, whose="fabrikam.onmicrosoft.com")
            )
        assert role.state() == before


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "plan"}'])
def test_a_file_that_is_none_is_refused(role: Role, content: str) -> None:
    path = Path(role.directory) / "seen.json"
    path.write_text(content)
    with pytest.raises(OptionError):
        verdict(role, observations=str(path))


def test_only_a_file_that_the_run_itself_begins_may_be_missing(role: Role) -> None:
    path = str(Path(role.directory) / "later.json")
    with pytest.raises(OptionError, match="hardened_baseline_observations"):
        verdict(role, observations=path)
    people = {"senders": [f"alexw@{DOMAIN}"], "recipients": [f"meganb@{DOMAIN}"]}
    assert verdict(role, observations=path, experiment={**people, "observations": path}) == "unknown"


def test_a_plan_is_judged_with_the_answers_that_count_after_it(role: Role) -> None:
    file = observed(role, False)
    wider = {**TRIED, "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}}
    role.plan(check=True, guarantees=[GUARANTEE], encryption_rules=[wider, PARTNERS], observations=file, **ALLOWED)
    (row,) = role.report["mail"]["guarantees"]
    assert (row["verdict"], row["before"]) == ("unknown", "proved")
    assert rows(role) == [{"id": "U08", "left_out": "changed"}]
    # A rule that it does not rest on may come.
    other = {**PARTNERS, "name": "Another", "conditions": {"sender_domain_is": ["northwind.com"]}}
    role.plan(check=True, guarantees=[GUARANTEE], encryption_rules=[*RULES, other], observations=file, **ALLOWED)
    (row,) = role.report["mail"]["guarantees"]
    assert (row["verdict"], "before" in row) == ("proved", False)


def test_an_answer_counts_for_a_comparison_only_if_it_counts_on_both_sides(role: Role) -> None:
    given = json.loads(Path(observed(role, False)).read_text())["observations"]
    seen = [Observation(**{**row, "rules": tuple(row["rules"]), "evidence": ()}) for row in given]
    now = Mail.of_organization(organization(role).with_run_input(OBSERVATIONS, seen))
    without = Mail.of_organization(organization(role))
    assert facts_for_comparison(now, now)["observed"] == {"U08": False}
    assert "observed" not in facts_for_comparison(without, now)
    assert "observed" not in facts_for_comparison(now, without)
    assert now.digest != without.digest


def test_what_was_observed_is_kept_after_a_run(role: Role) -> None:
    other = {**PARTNERS, "name": "Another", "conditions": {"sender_domain_is": ["northwind.com"]}}
    wished: Values = {"guarantees": [GUARANTEE], "encryption_rules": [*RULES, other], **ALLOWED}
    role.run(**wished, observations=observed(role, False))
    (row,) = role.report["mail"]["guarantees"]
    assert row["verdict"] == "proved"
    assert [row["id"] for row in rows(role)] == ["U08"]


def test_an_approval_rests_on_the_answers(role: Role) -> None:
    other = {
        **PARTNERS,
        "name": "Another",
        "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["northwind.com"]},
    }
    digests = []
    for given in ({}, {"observations": observed(role, False)}, {"observations": observed(role, False, age=3)}):
        found = role.plan(check=True, encryption_rules=[*RULES, other], **given, **ALLOWED)
        assert found["mail"]["difference"]
        digests.append(found["digest"])
    # Another date of the same answer is nothing else to approve.
    assert digests[0] != digests[1] == digests[2]
    with pytest.raises(OptionError, match="U08"):
        role.run(encryption_rules=[*RULES, other], approved_plan=digests[1], **ALLOWED)
    assert role.run(encryption_rules=[*RULES, other], approved_plan=digests[1], **given, **ALLOWED)["changed"]


def test_what_was_observed_stands_beside_verdicts(role: Role) -> None:
    verdict(role, observations=observed(role, False))
    run = run_of(role.report)
    seen = f"observed on {TODAY.isoformat()}"
    assert any(seen in line for line in lines_of(run, "page"))
    assert seen in render_html(run)
    assert any(seen in line for line in render_csv(run).splitlines() if "observation" in line)


@pytest.mark.parametrize(
    ("procedure", "variables"),
    [("rollback", {}), ("disable", {"confirm_disable": DOMAIN, "accept": ["encryption_off"]})],
)
def test_a_way_back_is_judged_with_them(role: Role, procedure: str, variables: Values) -> None:
    file = observed(role, False)
    role.plan(procedure, check=True, observations=file, **variables)
    assert [row["id"] for row in rows(role)] == ["U08"]
    with pytest.raises(OptionError, match="northwind"):
        role.plan(procedure, check=True, observations=observed(role, False, whose="northwind.com"), **variables)
    role.run(procedure, observations=observed(role, False), **variables)
