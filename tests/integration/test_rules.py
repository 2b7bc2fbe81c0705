# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules as a user runs them: check, read past the collection, run, read, and again."""

from __future__ import annotations

import stat
from typing import Any

import pytest
import yaml

from .playbook import Controller
from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
AME = {"name": NAME, "advanced_message_encryption": True, "irm_configuration": {"AzureRMSLicensingEnabled": True}}
RULE = "m365.message_encryption.ome_transport_rule"
RULES = "m365.message_encryption.ome_transport_rules"
ORDER = "m365.message_encryption.ome_transport_rule_order"
INFO = "m365.message_encryption.message_encryption_info"
STATE = "m365.message_encryption.message_encryption_state"
EVIL = "{{ lookup('pipe', 'touch PWNED') }}"

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
RICH = {
    "name": 'O\'Brien "quoted" 日本語',
    "enabled": False,
    "mode": "AuditAndNotify",
    "comments": "Two\r\nlines, $(x) `y` {a}",
    "expiry_date": "2099-01-31T08:00:00+01:00",
    "conditions": {
        "from_scope": "InOrganization",
        "subject_contains_words": ["STRASSE", "geheim", "yes"],
        "attachment_size_over": "10MB",
        "scl_over": -1,
        "header_matches_message_header": "X-Class",
        "header_matches_patterns": [r"^\d{3}$", " a "],
        "sender_ad_attribute_contains_words": ["Department:Legal,HR"],
        "sender_ip_ranges": ["10.0.0.0/8"],
    },
    "exceptions": {"sent_to": [f"MeganB@{NAME}"], "attachment_is_unsupported": True},
    "actions": {
        **ENCRYPT,
        "prepend_subject": "[secure] ",
        "generate_incident_report": f"legal@{NAME}",
        "incident_report_content": ["Subject", "CC"],
    },
}


def stored(tenant: Tenant) -> list[str]:
    return [rule["Name"] for rule in tenant.state()["transport_rules"]]


def plain_rule(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "conditions": {"from_scope": "InOrganization", "subject_contains_words": [name]},
        "actions": ENCRYPT,
    }


@pytest.mark.organizations(AME)
def test_a_rule_with_all_kinds_of_values(tenant: Tenant) -> None:
    tenant.edit("New-TransportRule", Name="other", DeleteMessage=True)
    changed = {
        **RICH,
        "enabled": True,
        "exceptions": {},
        "conditions": {**RICH["conditions"], "subject_contains_words": ["strasse", "geheim"]},
    }
    made = tenant.converge({RULE: {**RICH, "place_before": "other"}})
    assert [call.cmdlet for call in tenant.applied] == ["New-TransportRule"]
    rule, _other = made.after["transport_rules"]
    assert (rule["Name"], rule["State"], rule["SCLOver"]) == (RICH["name"], "Disabled", -1)
    assert rule["AttachmentSizeOver"] == "10 MB (10,485,760 bytes)"
    assert rule["ExpiryDate"].startswith("2099-01-31T07:00:00")
    assert rule["PrependSubject"] == "[secure] "
    done = tenant.converge({RULE: changed})
    assert [change["option"] for change in done.run["ome_transport_rule"]["changes"]] == [
        *("conditions.subject_contains_words", "exceptions.attachment_is_unsupported", "exceptions.sent_to", "enabled")
    ]
    rule, _other = done.after["transport_rules"]
    assert (rule["State"], "ExceptIfSentTo" in rule) == ("Enabled", False)


@pytest.mark.organizations({**AME, "locale": "fr-FR"})
def test_a_list_its_order_and_what_somebody_added(tenant: Tenant) -> None:
    names = ["a", "b", "c", "d"]
    tenant.edit("New-TransportRule", Name="by hand", RemoveOMEv2=True)
    made = tenant.converge({RULES: {"rules": [plain_rule(name) for name in names]}})
    assert stored(tenant) == ["by hand", *names]
    assert {rule.get("ApplyRightsProtectionTemplate") for rule in made.after["transport_rules"]} == {None, "Chiffrer"}
    tenant.edit("Set-TransportRule", Identity="c", Priority=0, ExceptIfSenderDomainIs=["fabrikam.com"])
    applied = len(tenant.applied)
    done = tenant.converge(
        {RULES: {"rules": [{**plain_rule(name), "exceptions": {}} for name in names], "unmanaged": "disable"}},
        {ORDER: {"rules": ["by hand"], "position": "last"}},
        predicts=False,
    )
    assert [rule["Name"] for rule in done.after["transport_rules"]] == [*names, "by hand"]
    assert [call.cmdlet for call in tenant.applied[applied:]] == [
        "Set-TransportRule",
        "Set-TransportRule",
        "Disable-TransportRule",
        "Set-TransportRule",
    ]


@pytest.mark.organizations(AME)
def test_what_info_returned_puts_everything_back(tenant: Tenant) -> None:
    tenant.edit("New-TransportRule", Name=EVIL, ApplyRightsProtectionTemplate="Encrypt", FromScope="InOrganization")
    tenant.edit("New-TransportRule", Name="second", SetSCL=9, SubjectMatchesPatterns=[" a|B "])
    before = tenant.state()["transport_rules"]
    first = tenant.run(
        {INFO: {}, "register": "found"},
        {STATE: {"state": "{{ found }}"}},
        {
            "ansible.builtin.copy": {
                "content": "{{ found | to_json }}",
                "dest": str(tenant.controller.home / "state.json"),
            },
            "vars": {"ansible_connection": "local"},
        },
    )
    assert first.rc == 0, first.output
    assert not first["message_encryption_state"]["changed"]
    tenant.edit("Set-TransportRule", Identity="second", Priority=0, SubjectMatchesPatterns=["x"], Name=" other".strip())
    tenant.edit("Set-TransportRule", Identity=EVIL, Name="second", ExceptIfFromScope="NotInOrganization")
    tenant.edit("New-TransportRule", Name=EVIL, DeleteMessage=True)
    restored = tenant.converge({STATE: {"state": "{{ lookup('file', 'state.json') | from_json }}"}})
    names = [rule["Name"] for rule in before]
    ignored = ("WhenChanged", "LastModifiedBy", "Priority")
    after = [
        {key: value for key, value in rule.items() if key not in ignored}
        for rule in restored.after["transport_rules"]
        if rule["Name"] in names
    ]
    assert after == [{key: value for key, value in rule.items() if key not in ignored} for rule in before]
    assert not list(tenant.controller.home.rglob("PWNED"))


@pytest.mark.organizations(AME)
def test_an_export_is_adopted_without_a_change_and_runs_nothing(tenant: Tenant) -> None:
    tenant.edit(
        "New-TransportRule",
        Name=EVIL,
        Comments=EVIL,
        ApplyRightsProtectionTemplate="Encrypt",
        FromScope="InOrganization",
        SubjectContainsWords=[EVIL],
    )
    tenant.edit("Set-OMEConfiguration", Identity="OME Configuration", PortalText=EVIL, SocialIdSignIn=False)
    controller: Controller = tenant.controller
    export = controller.plays([{"import_playbook": "m365.message_encryption.export"}] * 2)
    assert export.rc == 0, export.output
    path = controller.home / "message_encryption" / tenant.host / "export.yml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(export.changed) == 1, "the second export changes nothing"
    assert "Rules and OME configurations that somebody adds later stay as they are." in export.stdout
    enforce = path.with_name("enforce.yml")
    kept = controller.playbook(str(enforce))
    assert (kept.rc, kept.changed) == (0, []), kept.output
    before = tenant.state()
    tenant.edit("Set-TransportRule", Identity=EVIL, Comments="", ExceptIfSubjectContainsWords=["somebody"])
    tenant.edit("Set-OMEConfiguration", Identity="OME Configuration", PortalText="somebody", EmailText="somebody")
    assert controller.playbook(str(enforce)).rc == 0
    after = tenant.state()
    assert after["ome_configurations"] == before["ome_configurations"]
    assert [{**rule, "WhenChanged": None} for rule in after["transport_rules"]] == [
        {**rule, "WhenChanged": None} for rule in before["transport_rules"]
    ]
    adopted = controller.home / "host_vars" / tenant.host / "message_encryption.yml"
    adopted.parent.mkdir(parents=True)
    path.rename(adopted)
    show = "{{ message_encryption_state.transport_rules[0].name }} {{ hardened_baseline_encryption_rules[0].comments }}"
    adopting = [
        {"name": "state", STATE: {"state": "{{ message_encryption_state }}", "omitted": "default"}},
        {"name": "rules", RULES: {"rules": "{{ hardened_baseline_encryption_rules }}"}},
        {"name": "debug", "ansible.builtin.debug": {"msg": show}},
    ]
    run = controller.plays(
        [
            {"hosts": tenant.host, "gather_facts": False, "tasks": adopting},
            {"import_playbook": "m365.message_encryption.baseline"},
        ],
        "--check",
    )
    assert (run.rc, run.changed) == (0, []), run.output
    assert run["debug"]["msg"] == f"{EVIL} {EVIL}"
    assert not list(controller.home.rglob("PWNED"))
    # What is not marked would have been run: the proof above proves something.
    adopted.write_text(adopted.read_text(encoding="utf-8").replace("!unsafe ", ""), encoding="utf-8")
    tenant.run({"ansible.builtin.debug": {"msg": "{{ message_encryption_state }}"}})
    assert list(controller.home.rglob("PWNED"))


@pytest.mark.organizations(AME)
def test_the_guide_runs_as_it_stands(tenant: Tenant) -> None:
    from .guides import code
    from .playbook import ROOT

    tasks = [
        task
        for block in code(ROOT / "docs/docsite/rst/guide_mail_flow_rules.rst", "yaml")
        for task in yaml.safe_load(block)
    ]
    run = tenant.run(*tasks, arguments=["--diff"])
    assert run.rc == 0, run.output
    assert run.changed == [task["name"] for task in tasks]
    assert stored(tenant) == [
        "Strip encryption inside",
        "Protect what is marked confidential",
        "Encrypt on request",
        "Protect mail to the law firm",
        "Encrypt sensitive information",
    ]


@pytest.mark.organizations(AME)
def test_a_check_knows_what_its_own_play_would_create(tenant: Tenant) -> None:
    branded = {**plain_rule("mine"), "actions": {**ENCRYPT, "apply_rights_protection_customization_template": "week"}}
    tasks = [
        {
            "name": "configuration",
            "m365.message_encryption.ome_configuration": {"identity": "week", "external_mail_expiry_in_days": 7},
        },
        {"name": "rule", RULE: branded},
        {"name": "rules", RULES: {"rules": [branded]}},
    ]
    before = tenant.state()
    run = tenant.controller.tasks(tasks, "--check", "--diff", hosts="exchange_organizations")
    assert run.rc == 0, run.output
    assert [result.result.get("warnings") for result in run] == [None, None, None]
    # The diff says whose it is, and where the rule lands.
    assert f"+++ after: {tenant.host}" in run.stdout
    assert "+  place: the only rule" in run.stdout
    # Another run knows nothing of it.
    alone = tenant.controller.tasks(tasks[1:2], "--check", hosts="exchange_organizations")
    assert "'week' is not an OME configuration" in alone["rule"]["warnings"][0]
    assert tenant.state() == before
