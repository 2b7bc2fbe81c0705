# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail is encrypted: the module, and without any organization."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.emulator.organization import default_state

from .guides import code
from .playbook import ROOT, Controller
from .tenant import Tenant, inventory

NAME = "contoso.onmicrosoft.com"
LICENSED = default_state(NAME) | {"advanced_message_encryption": True}
LICENSED["irm_configuration"] |= {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
ENCRYPT: dict[str, Any] = {
    "name": "Encrypt all outgoing mail",
    "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
OFFER: dict[str, Any] = {
    "name": "Offer",
    "from": f"alexw@{NAME}",
    "authenticated": True,
    "to": ["ann@fabrikam.com"],
    "cc": [f"meganb@{NAME}"],
}
EXPECT = {
    "ann@fabrikam.com": {"protection": "encrypt", "protected_by": [ENCRYPT["name"]]},
    f"meganb@{NAME}": {"protection": "none"},
}

NOT_SEEN = "Not seen: DLP policies, sensitivity labels, the Encrypt button."
ALL_MET = f"1 message, 2 recipients: all 2 expectations are met.\n{NOT_SEEN}"


def rules(*given: dict[str, Any]) -> dict[str, Any]:
    return {"m365.message_encryption.ome_transport_rules": {"rules": list(given)}}


def mail(**options: Any) -> dict[str, Any]:
    return {"m365.message_encryption.mail_flow_test": options}


@pytest.mark.organizations(LICENSED)
def test_mail_is_tested_against_the_rules_of_the_organization(tenant: Tenant) -> None:
    asked = mail(messages=[{**OFFER, "expect": EXPECT}])
    red = tenant.run({**asked, "check_mode": True, "ignore_errors": True}, rules(ENCRYPT))
    assert red.rc == 0, red.output
    assert red.task("mail_flow_test").outcome == "failed"
    assert "-protection: encrypt" in red["mail_flow_test"]["msg"]
    applied, calls = len(tenant.applied), len(tenant.emulator.calls)
    green = tenant.run(asked)
    assert green.rc == 0, green.output
    assert green["mail_flow_test"]["msg"] == ALL_MET
    assert green["mail_flow_test"]["changed"] is False
    found = green["mail_flow_test"]["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert [way["way"] for way in found["opens"]] == [
        "inline",
        "portal_work_account",
        "portal_social",
        "portal_passcode",
    ]
    assert len(tenant.applied) == applied
    cmdlets = [call.cmdlet for call in tenant.emulator.calls[calls:]]
    for cmdlet in (
        "Get-TransportRule",
        "Get-AcceptedDomain",
        "Get-RemoteDomain",
        "Get-InboundConnector",
        "Get-OMEConfiguration",
    ):
        assert cmdlets.count(cmdlet) == 1


@pytest.mark.organizations(LICENSED)
def test_a_broken_expectation_is_shown_as_a_diff_with_the_rule_that_decided(tenant: Tenant) -> None:
    partners = {
        "name": "Partners",
        "conditions": {"recipient_domain_is": ["fabrikam.com"]},
        "actions": {"stop_rule_processing": True},
    }
    asked = mail(messages=[{**OFFER, "expect": EXPECT}], fail_on_error=False)
    run = tenant.run(rules(partners, ENCRYPT), asked, {"name": "plain", **asked, "diff": False}, arguments=["--diff"])
    assert run.rc == 0, run.output
    (diff,) = run["mail_flow_test"]["diff"]
    assert (diff["before_header"], diff["before"]) == (
        "Offer, ann@fabrikam.com (expected)",
        f'protection: encrypt\nprotected_by: ["{ENCRYPT["name"]}"]\n',
    )
    assert "rule 'Partners' matched: stop_rule_processing" in run["mail_flow_test"]["msg"]
    assert "diff" not in run["plain"]


@pytest.mark.organizations(LICENSED)
def test_a_suggestion_is_applied_as_it_stands(tenant: Tenant) -> None:
    domains = ["fabrikam.com", "northwind.com"]
    partners = {
        "name": "Partners",
        "conditions": {"recipient_domain_is": domains},
        "actions": {"stop_rule_processing": True, "set_audit_severity": "Low"},
    }
    asked = mail(messages=[{**OFFER, "expect": EXPECT}], suggest=True, explain=True, fail_on_error=False)
    suggested = {"m365.message_encryption.ome_transport_rules": {"rules": "{{ found.suggestions[0].rules }}"}}
    run = tenant.run(
        {"name": "present", **rules(partners, ENCRYPT)},
        {**asked, "register": "found"},
        {"name": "suggested", **suggested},
        {"name": "again", **asked},
        arguments=["--diff"],
    )
    assert run.rc == 0, run.output
    first = run["mail_flow_test"]["suggestions"][0]
    text = "Remove 'fabrikam.com' from the condition recipient_domain_is of the rule 'Partners'."
    assert first["text"] == text
    assert " ".join(run["mail_flow_test"]["msg"].split()).count(text) == 1
    assert f"Offer: {text}\n--- present\n+++ suggested\n" in run.output
    nearest = run["mail_flow_test"]["messages"][0]["recipients"]["ann@fabrikam.com"]["nearest"]
    assert nearest == {"rule": ENCRYPT["name"], "option": "priority", "value": 1, "looked_at": "Partners"}
    assert (run["again"]["msg"].splitlines()[0], run["again"]["suggestions"]) == (
        "1 message, 2 recipients: all 2 expectations are met.",
        [],
    )


CONNECTORS = [
    {
        "Name": "Bank",
        "RecipientDomains": ["fabrikam.com"],
        "TlsSettings": "DomainValidation",
        "TlsDomain": "fabrikam.com",
    },
    {"Name": "Gate", "IsTransportRuleScoped": True, "UseMXRecord": False, "SmartHosts": ["gate.example"]},
    {"Name": "Tried", "RecipientDomains": ["tried.example"], "TestMode": True},
]


@pytest.mark.organizations(
    LICENSED
    | {
        "inbound_connectors": [
            {"Name": "Data center", "ConnectorType": "OnPremises", "CloudServicesMailEnabled": True}
        ],
        "outbound_connectors": CONNECTORS,
    }
)
def test_domains_and_connectors_can_be_gathered_and_how_mail_leaves_is_told(tenant: Tenant) -> None:
    def expecting(**transit: str) -> dict[str, Any]:
        expect = {"ann@fabrikam.com": {"transit": {"tls": "forced", **transit}}}
        return mail(messages=[{**OFFER, "expect": expect}])

    gather = ["accepted_domains", "remote_domains", "inbound_connectors", "outbound_connectors"]
    run = tenant.run(
        {"m365.message_encryption.message_encryption_info": {"gather": gather}},
        {"name": "met", **expecting(validation="domain", connector="Bank")},
        {"name": "not met", **expecting(validation="certificate", connector="Bank"), "ignore_errors": True},
        {"name": "wrong", **expecting(tls="forcd"), "ignore_errors": True},
    )
    found = run["message_encryption_info"]
    assert found["accepted_domains"] == [{"name": NAME, "type": "Authoritative", "match_subdomains": False}]
    assert found["remote_domains"] == [{"name": "Default", "domain_name": "*", "is_internal": False}]
    assert found["inbound_connectors"] == [
        {
            "name": "Data center",
            "enabled": True,
            "connector_type": "OnPremises",
            "cloud_services_mail_enabled": True,
            "treat_messages_as_internal": False,
        }
    ]

    assert [each["name"] for each in found["outbound_connectors"]] == ["Bank", "Tried", "Gate"]
    assert run.task("met").outcome == "ok", run.output
    assert (run.task("not met").outcome, "transit.validation" in run["not met"]["msg"]) == ("failed", True)
    assert "Did you mean forced?" in run["wrong"]["msg"]


PEOPLE = LICENSED | {
    "recipients": [
        {"name": "Alex", "alias": "alexw", "address": f"alexw@{NAME}", "manager": "Boss"},
        {"name": "Boss", "alias": "boss", "address": f"boss@{NAME}"},
        {"name": "Project", "alias": "project", "address": f"project@{NAME}", "linked_members": [f"alexw@{NAME}"]},
        {"name": "Staff", "alias": "staff", "address": f"staff@{NAME}", "dynamic_members": [f"boss@{NAME}"]},
    ]
}
OF_GROUPS = {**ENCRYPT, "conditions": {**ENCRYPT["conditions"], "from_member_of": [f"project@{NAME}", f"staff@{NAME}"]}}
ASKED = {
    **ENCRYPT,
    "name": "Asked",
    "conditions": {"from": [f"alexw@{NAME}"]},
    "actions": {"moderate_message_by_manager": True},
}


@pytest.mark.organizations(PEOPLE)
def test_groups_of_all_kinds_and_managers_are_read_over_the_wire(tenant: Tenant) -> None:
    """Two round trips for all: who has a manager, and the one who has none himself."""
    sent_by = {"Members": [f"project@{NAME}", f"staff@{NAME}"], "Alex": [f"alexw@{NAME}"]}
    when = {
        name: {**ENCRYPT["conditions"], "from" if name == "Alex" else "from_member_of": people}
        for name, people in sent_by.items()
    }
    guarantees = [{"name": name, "when": each, "then": "not_in_clear"} for name, each in when.items()]
    run = tenant.run(rules(ASKED, OF_GROUPS), mail(guarantees=guarantees))
    assert run.rc == 0, run.output
    assert [each["verdict"] for each in run["mail_flow_test"]["guarantees"]] == ["proved", "proved"]
    assert run["mail_flow_test"]["unavailable"] == {}
    asked = [(call.cmdlet, call.parameters.get("Filter", "")) for call in tenant.emulator.calls]
    assert asked.count(("Get-Recipient", "Manager -ne $null")) == 1
    assert {"Get-UnifiedGroupLinks", "Get-DynamicDistributionGroupMember"} <= {cmdlet for cmdlet, _filter in asked}


#: Organizations, and what they do not grant.
HIDDEN = {
    "facts": ["Get-AcceptedDomain", "Get-RemoteDomain", "Get-InboundConnector"],
    "connectors": ["Get-OutboundConnector"],
    "people": ["Get-UnifiedGroupLinks", "Get-Recipient"],
}


@pytest.mark.organizations(
    *(
        PEOPLE
        | {name: default_state(f"{host}.onmicrosoft.com")[name] for name in ("name", "tenant_id")}
        | {"hidden_cmdlets": hidden}
        for host, hidden in HIDDEN.items()
    )
)
def test_what_is_not_granted_is_unknown_and_names_the_cmdlet(emulator: Emulator, tmp_path: Path) -> None:
    info = {"m365.message_encryption.message_encryption_info": {"gather": ["accepted_domains"]}}
    tasks = {
        "facts": [
            rules(ENCRYPT),
            {**mail(messages=[OFFER]), "name": "facts"},
            {**info, "name": "info", "ignore_errors": True},
        ],
        "connectors": [{**mail(messages=[OFFER]), "name": "connectors"}],
        "people": [rules(ASKED, OF_GROUPS), {**mail(messages=[OFFER]), "name": "people"}],
    }
    run = Controller(tmp_path, inventory(emulator, "rest")).plays(
        [{"hosts": name, "gather_facts": False, "tasks": each} for name, each in tasks.items()]
    )
    assert run.rc == 0, run.output
    unavailable = {name: run[name]["unavailable"] for name in HIDDEN}
    ann = {name: run[name]["messages"][0]["recipients"]["ann@fabrikam.com"] for name in HIDDEN}
    assert ann["facts"]["protection"] == "unknown"
    assert set(unavailable["facts"]) == {"accepted_domains", "remote_domains", "inbound_connectors"}
    assert run.task("info").outcome == "failed"
    transit = ann["connectors"]["transit"]
    assert (transit["tls"], transit["unknown"][0]["field"]) == ("unknown", "facts.outbound_connectors")
    assert "Get-OutboundConnector" in unavailable["connectors"]["outbound_connectors"]
    assert "Get-UnifiedGroupLinks" in unavailable["people"]["groups"]
    assert "Get-Recipient" in unavailable["people"]["managers"]
    assert "facts.managers" in [each.get("field") for each in ann["people"]["unknown"]]


@pytest.mark.organizations(LICENSED)
def test_an_export_and_a_snapshot_are_asked_without_the_organization(tenant: Tenant) -> None:
    export = {"m365.message_encryption.message_encryption_export": {"directory": "out"}}
    exported = tenant.controller.plays(
        [
            {
                "hosts": tenant.host,
                "gather_facts": False,
                "tasks": [rules(ENCRYPT), {"name": "message_encryption_export", **export}],
            },
            {"import_playbook": "m365.message_encryption.snapshot"},
        ]
    )
    assert exported.rc == 0, exported.output
    (said,) = exported["message_encryption_export"]["policy"]
    assert (
        said["text"]
        == "All mail from inside to people outside is encrypted with 'Encrypt' ('Encrypt all outgoing mail')."
    )
    assert f"\n#   {said['text']}\n" in Path(exported["message_encryption_export"]["path"]).read_text(encoding="utf-8")
    (snapshot,) = (path for path in tenant.controller.home.rglob("*snapshot*.json") if "contoso" in str(path))
    facts = {"accepted_domains": [NAME], "remote_domains": []}
    calls = len(tenant.emulator.calls)
    asked = {"messages": [{**OFFER, "expect": EXPECT}], "facts": facts}
    sources = {"export": exported["message_encryption_export"]["path"], "snapshot": str(snapshot)}
    run = tenant.run(
        *({"name": name, **mail(**asked, source=path, compare_with=path)} for name, path in sources.items())
    )
    assert run.rc == 0, run.output
    assert [run[name]["difference"] for name in sources] == [[], []]
    assert tenant.emulator.calls[calls:] == []


@pytest.mark.organizations(LICENSED)
def test_rules_that_can_go_are_removed_by_the_list_that_is_proposed(tenant: Tenant) -> None:
    partner = {
        **ENCRYPT,
        "name": "Partner",
        "conditions": {**ENCRYPT["conditions"], "recipient_domain_is": ["fabrikam.com"]},
    }
    proposed = {
        "name": "proposed",
        "m365.message_encryption.ome_transport_rules": {"rules": "{{ fewer.simplified.rules }}"},
        "when": "fewer.simplified.proof.equal",
    }
    done = tenant.run(rules(partner, ENCRYPT), {**mail(simplify=True), "register": "fewer"}, proposed)
    assert done.rc == 0, done.output
    assert done["mail_flow_test"]["simplified"]["removed"][0]["by"] == [ENCRYPT["name"]]
    assert [rule["Name"] for rule in tenant.state()["transport_rules"]] == [ENCRYPT["name"]]


def test_proposed_rules_are_tested_on_a_host_that_is_no_organization(tmp_path: Path) -> None:
    controller = Controller(tmp_path, {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
    (tmp_path / "offer.eml").write_text(
        f"From: alexw@{NAME}\nTo: ann@fabrikam.com\nSubject: Offer\n\ntext\n", encoding="utf-8"
    )
    message = {
        "name": "Offer",
        "eml_path": "offer.eml",
        "authenticated": True,
        "expect": {"ann@fabrikam.com": EXPECT["ann@fabrikam.com"]},
    }
    facts = {"accepted_domains": [NAME], "remote_domains": []}
    misspelt = {**message, "expect": {"ann@fabrikam.com": {"protektion": "none"}}}
    run = controller.tasks(
        [
            {"name": "proposed", **mail(messages=[message], rules=[ENCRYPT], facts=facts)},
            {"name": "asked", **mail(messages=[message]), "ignore_errors": True},
            {"name": "wrong", **mail(messages=[misspelt], rules=[], facts=facts), "ignore_errors": True},
        ]
    )
    assert [task.outcome for task in run] == ["ok", "failed", "failed"], run.output
    assert "ansible_connection" in run["asked"]["msg"]
    assert run["wrong"]["msg"].startswith(
        "messages[0].expect.ann@fabrikam.com.protektion is not known. Did you mean protection?"
    )


GUIDES = ROOT / "docs/docsite/rst"
OF_MAIL = (
    "guide_which_mail_is_encrypted",
    "guide_what_a_change_does",
    "guide_what_is_guaranteed",
    "guide_what_is_unknown",
    "guide_on_the_way",
)


@pytest.mark.organizations(LICENSED)
def test_the_guides_run_as_they_stand(tenant: Tenant) -> None:
    blocks = [yaml.safe_load(block) for name in OF_MAIL for block in code(GUIDES / f"{name}.rst", "yaml")]
    tasks = [task for block in blocks for each in block for task in each.get("tasks", [each])]
    # An experiment sends mail, and needs the rules and the mailboxes that it names.
    tasks = [task for task in tasks if "m365.message_encryption.mail_flow_experiment" not in task]
    assert len(tasks) >= 6
    run = tenant.run(*tasks)
    assert run.rc == 0, run.output
    first, *copies, last = run["Is the offer encrypted?"]["msg"].splitlines()
    assert (first, len(copies), last) == ("1 message, 2 recipients.", 2, NOT_SEEN)


def test_the_guide_explains_every_number_that_an_answer_can_name() -> None:
    explained = set(
        re.findall(
            r"^   \* - (U\d\d)$", (GUIDES / "guide_what_is_unknown.rst").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert explained == {f"U{number:02}" for number in range(38)}


@pytest.mark.organizations(LICENSED)
def test_the_terminal_says_what_becomes_of_mail(tenant: Tenant) -> None:
    stop = {
        "name": "Partners",
        "conditions": {"recipient_domain_is": ["fabrikam.com"]},
        "actions": {"stop_rule_processing": True},
    }
    variables = {
        "hardened_baseline_encryption_rules": [stop, ENCRYPT],
        "hardened_baseline_accept": ["weakened_mail"],
        "hardened_baseline_artifacts_dir": "./artifacts",
    }

    def plan(name: str, procedure: str) -> dict[str, Any]:
        options = {"procedure": procedure, "variables": variables}
        return {"name": name, "m365.message_encryption.baseline_plan": options, "check_mode": procedure == "baseline"}

    quiet = tenant.run(rules(ENCRYPT), plan("quiet", "baseline"))
    assert quiet.rc == 0, quiet.output
    assert "effect on mail" not in quiet.output
    told = tenant.run(plan("review", "baseline"), plan("audit", "audit"), arguments=["--diff"])
    review, _task, audit = told.output.partition("TASK [audit]")
    sentence = "is no longer encrypted: the new rule 'Partners' stops before 'Encrypt all outgoing mail'."
    assert "effect on mail" in review
    assert sentence in review
    assert sentence in audit


def test_one_more_rule_is_tested_among_those_of_the_organization_or_of_a_file(wires: Tenant, tmp_path: Path) -> None:
    """Whichever rules the question begins with, its facts are those of the organization."""
    for organization in wires.emulator.organizations.values():
        organization.patch({"irm_configuration": LICENSED["irm_configuration"]})
    stop = {
        "name": "Partner",
        "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
        "actions": {"stop_rule_processing": True},
    }
    retired = {**ENCRYPT, "name": "Old", "enabled": False, "actions": {"apply_ome": True}}
    first, last = ({**stop, place: ENCRYPT["name"]} for place in ("place_before", "place_after"))
    offer = {**OFFER, "from": "alexw@{{ ansible_exchange_organization }}", "cc": []}
    (tmp_path / "rules.json").write_text(json.dumps({"transport_rules": [ENCRYPT]}), encoding="utf-8")
    asked: dict[str, dict[str, Any]] = {
        "no rules": {"add_rules": [ENCRYPT]},
        "of a file": {"add_rules": [first, retired], "source": str(tmp_path / "rules.json")},
        "of the task": {"add_rules": [first], "rules": [ENCRYPT, retired]},
        "first": {"add_rules": [first, retired]},
        "last": {"add_rules": [last]},
    }
    tasks = [{"name": name, **mail(messages=[offer], lint=False, **options)} for name, options in asked.items()]
    run = wires.run(*tasks[:3], rules(ENCRYPT), *tasks[3:])
    assert run.rc == 0, run.output
    kinds = {"no rules": ["protection_gained"], "last": []}
    for name in asked:
        for answer in run.all(name):
            for part in ("difference", "changed_messages"):
                found = [row["kind"] for row in answer.result[part]]
                assert found == kinds.get(name, ["protection_lost"]), (name, answer.host, part)
            assert answer.result["unavailable"] == {}
    assert [call.cmdlet for call in wires.emulator.calls if call.applied] == ["New-TransportRule"] * len(
        wires.emulator.organizations
    )
