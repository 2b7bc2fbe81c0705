# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that only sets a branding encrypts nothing, and no part says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.first_look import (
    overview_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.organization_overview import (
    OrganizationOverview,
)
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_test,
    ome_transport_rule,
    ome_transport_rules,
)

from tests.unit.emulated_session import WIRES, EmulatedSession

from .conftest import Role

NAME = "OME Configuration"
OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
BRAND = {"apply_rights_protection_customization_template": NAME}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
BRANDS = {"name": "B", "conditions": OUTGOING, "actions": BRAND}
BOTH = {**BRANDS, "actions": {**ENCRYPT, **BRAND}}
STORED = {
    "Name": "B",
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionCustomizationTemplate": NAME,
}
STORED_BOTH = {**STORED, "ApplyRightsProtectionTemplate": "Encrypt"}
LICENSED = {"irm_configuration": {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True}}
SAID = "The rule 'B' brands, but encrypts nothing: if it should, add apply_rights_protection_template."


def organization(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"advanced_message_encryption": True, **LICENSED, "transport_rules": list(rules)}


def mail_flow(role: Role) -> dict[str, Any]:
    (control,) = [control for control in role.report["controls"] if control["id"] == "MFR-1"]
    return dict(control)


@pytest.mark.parametrize("wire", WIRES)
def test_an_audit_says_it_everywhere_in_the_same_way(tmp_path: Path, wire: str) -> None:
    role = Role(organization(STORED), str(tmp_path), wire)
    role.plan("audit", encryption_rules=[BRANDS])
    assert mail_flow(role)["status"] == "not met"
    assert mail_flow(role)["findings"] == [
        "No rule of the list exists that encrypts.",
        "'B' brands, but encrypts nothing: if it should, add apply_rights_protection_template.",
    ]
    assert SAID in role.task.warnings
    overview = role.report["overview"]
    assert overview["encrypts"] == ["no mail flow rule"]
    assert {row["test"]: row["verdict"] for row in overview["assessed"]}["35029"] == "fails"
    assert {row["protected"] for row in overview["reach"]} == {"never"}
    assert "Encrypts: no mail flow rule" in "\n".join(overview_lines(OrganizationOverview.from_row(overview)))
    assert [row["rules"] for row in role.report["mail"]["lint"] if row["kind"] == "branding_alone"] == [["B"]]
    # With the protection, all of it is well.
    role = Role(organization(STORED_BOTH), str(tmp_path), wire)
    role.plan("audit", encryption_rules=[BOTH])
    assert (mail_flow(role)["status"], role.report["overview"]["encrypts"]) == ("met", ["the rule 'B' with 'Encrypt'"])
    assert SAID not in role.task.warnings


def test_a_branding_beside_a_rule_that_encrypts_is_not_met_either(tmp_path: Path) -> None:
    encrypting = {**STORED_BOTH, "Name": "E"}
    role = Role(organization(STORED, encrypting), str(tmp_path))
    role.plan("audit", encryption_rules=[BRANDS, {**BOTH, "name": "E"}])
    assert mail_flow(role)["status"] == "not met"
    assert [text for text in mail_flow(role)["findings"] if "brands" in text] == [
        "'B' brands, but encrypts nothing: if it should, add apply_rights_protection_template."
    ]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("several", [False, True])
def test_the_modules_warn_of_it(wire: str, several: bool) -> None:
    session = EmulatedSession(organization(), wire)
    for rule, said in ((BRANDS, [SAID]), (BRANDS, [SAID]), (BOTH, []), (BRANDS, [SAID])):
        if several:
            session.run(ome_transport_rules, rules=[rule])
        else:
            session.run(ome_transport_rule, **rule)
        assert [text for text in session.warnings if "brands" in text] == said


@pytest.mark.parametrize("wire", WIRES)
def test_protection_that_goes_while_the_branding_stays_lets_mail_out(wire: str) -> None:
    session = EmulatedSession(organization(STORED_BOTH), wire)
    result = session.run(ome_transport_rule, check_mode=True, **BRANDS)
    assert [change["impact"] for change in result["changes"]] == ["may leave in clear"]
    assert [text for text in session.warnings if text.startswith("Mail may leave unprotected by rules")] != []
    # Back again, it affects all outgoing mail, and lets nothing out.
    session = EmulatedSession(organization(STORED), wire)
    result = session.run(ome_transport_rule, check_mode=True, **BOTH)
    assert [change["impact"] for change in result["changes"]] == ["affects all outgoing mail"]
    assert session.warnings == []


@pytest.mark.parametrize("wire", WIRES)
def test_a_rule_that_only_brands_goes_without_a_warning_and_is_nobody_elses(wire: str) -> None:
    session = EmulatedSession(organization(STORED), wire)
    result = session.run(ome_transport_rule, check_mode=True, name="B", state="absent")
    assert [change["impact"] for change in result["changes"]] == ["deletes"]
    assert session.warnings == []
    for treatment in ("warn", "disable", "remove"):
        assert not session.run(ome_transport_rules, check_mode=True, rules=[], unmanaged=treatment)["changed"]
        assert session.warnings == []


def test_stopping_before_a_rule_that_encrypts_is_not_made_good_by_a_branding() -> None:
    session = EmulatedSession(organization({**STORED_BOTH, "Name": "E"}))
    stops = {**BRANDS, "actions": {**BRAND, "stop_rule_processing": True}}
    result = session.run(ome_transport_rule, check_mode=True, **stops, place_before="E")
    assert "may leave in clear" in {change["impact"] for change in result["changes"]}
    # One that comes after it lets nothing out.
    session = EmulatedSession(organization({**STORED_BOTH, "Name": "E", "StopRuleProcessing": True}))
    result = session.run(ome_transport_rule, check_mode=True, **BRANDS)
    assert "may leave in clear" not in {change["impact"] for change in result["changes"]}


def test_a_disable_leaves_it(tmp_path: Path) -> None:
    role = Role(organization(STORED, {**STORED_BOTH, "Name": "E"}), str(tmp_path))
    role.run("disable", confirm_disable="contoso.onmicrosoft.com")
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["B"]


def test_the_plan_says_whom_the_protection_affects(tmp_path: Path) -> None:
    role = Role(organization(STORED), str(tmp_path))
    role.plan(check=True, encryption_rules=[BOTH])
    impacts = {change["option"]: change["impact"] for change in role.report["changes"]}
    assert impacts["actions.apply_rights_protection_template"] == "affects all outgoing mail"


@pytest.mark.parametrize("others", [[], [{**BOTH, "name": "E"}]])
def test_lint_and_simulation_agree(others: list[dict[str, Any]]) -> None:
    session = EmulatedSession(organization())
    rules = [{**BRANDS, "name": "B"}, *others]
    found = session.run(mail_flow_test, rules=rules, lint=True, overview=True)
    reasons = [row["reason"] for row in found["lint"] if row["kind"] == "branding_alone"]
    alone = ["The rule 'B' brands, but encrypts nothing: if it should, add apply_rights_protection_template."]
    assert reasons == ([] if others else alone)
    protected = {each["protected"] for each in found["overview"]}
    assert ("always" in protected, "never" in protected) == (bool(others), not others)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (STORED_BOTH, "passes"),
        ({**STORED_BOTH, "Mode": "Audit"}, "passes, but only by rules that protect no mail now"),
        (
            {**STORED_BOTH, "ExpiryDate": "2020-01-01T00:00:00Z"},
            "passes, but only by rules that protect no mail now",
        ),
        (
            {**STORED_BOTH, "ModerateMessageByUser": ["boss@contoso.com"]},
            "passes, but only by rules that protect no mail now",
        ),
        ({**STORED, "ApplyClassification": "ExCompanyInternal"}, "passes, but only by rules that protect no mail now"),
        (STORED, "fails"),
    ],
)
def test_a_test_passes_without_a_word_only_where_the_rule_that_passes_acts(
    tmp_path: Path, rule: dict[str, Any], verdict: str
) -> None:
    role = Role(organization(rule), str(tmp_path))
    role.plan("audit")
    assert {row["test"]: row["verdict"] for row in role.report["overview"]["assessed"]}["35029"] == verdict
