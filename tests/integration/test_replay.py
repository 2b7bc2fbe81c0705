# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules would have done to last week's mail: the module, over the wires and from files."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.message_trace import row
from tests.emulator.organization import default_state

from .playbook import Controller
from .role import ROLE, newest, play
from .tenant import Tenant, inventory

NAME = "contoso.onmicrosoft.com"
NOW = datetime.datetime.now(datetime.UTC)
ENCRYPT: dict[str, Any] = {
    "name": "Partners",
    "enabled": True,
    "mode": "Enforce",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "exceptions": {},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}

#: The same rule as Exchange stores it.
STORED: dict[str, Any] = {
    "Name": "Partners",
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
}


def mail(count: int, name: str = NAME, a_minute: int = 3) -> list[dict[str, Any]]:
    """Mail of a person inside: two in three copies to a partner; now and then several of one instant."""
    return [
        row(
            number,
            NOW - datetime.timedelta(hours=6, minutes=number // a_minute),
            f"alexw@{name}",
            f"p{number}@{'fabrikam.com' if number % 3 else 'northwind.com'}",
            Subject=f"SUBJECT {number}",
        )
        for number in range(count)
    ]


#: A message to 1,200 people, of which a query without its id shows 1,000.
CROWD = [
    row(10_000, NOW - datetime.timedelta(hours=7), f"alexw@{NAME}", f"c{number}@fabrikam.com")
    for number in range(1_200)
]


def state(count: int, name: str = NAME) -> dict[str, Any]:
    made = default_state(name) | {"message_trace": mail(count, name)}
    made["irm_configuration"] |= {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    return made


def replay(**options: Any) -> dict[str, Any]:
    return {"m365.message_encryption.mail_flow_replay": options}


@pytest.mark.organizations(state(30))
def test_a_change_is_counted(tenant: Tenant) -> None:
    ran = tenant.run(replay(rules=[ENCRYPT], compare_with=[]))
    assert ran.rc == 0, ran.output
    found = ran["mail_flow_replay"]
    changed = {"certain": 20, "possible": 0}
    assert found["counts"] == {"copies": 30, "messages": 30, "recipients": 30, "left_out": {}, "changed": changed}
    assert found["window"]["complete"] is True
    assert found["outcome"] == [
        {"fate": "delivered", "protection": "encrypt", "protected_by": ["Partners"], "copies": 20},
        {"fate": "delivered", "protection": "none", "copies": 10},
    ]
    assert found["undecided"] == []
    (change,) = found["difference"]
    assert (change["kind"], change["certain"], change["possible"], change["senders"]) == ("protection_gained", 20, 0, 1)
    assert change["domains"] == [{"name": "fabrikam.com", "certain": 20, "possible": 0}]
    assert "20 copies are now encrypted (fabrikam.com 20): 'Partners'." in found["msg"]
    assert "SUBJECT" not in ran.output
    assert "@fabrikam.com" not in ran.output
    assert not tenant.applied


@pytest.mark.organizations(state(6))
def test_examples_are_in_the_variable_and_nowhere_else(tenant: Tenant) -> None:
    task = {"name": "replay", **replay(rules=[ENCRYPT], compare_with=[], examples=2), "register": "week"}
    keep = {
        "ansible.builtin.copy": {"content": "{{ week.difference }}", "dest": "examples.json", "mode": "0600"},
        "delegate_to": "localhost",
        "no_log": True,
    }
    ran = tenant.controller.tasks([task, {"name": "keep", **keep}], "-vvv", ANSIBLE_LOG_PATH="log")
    assert ran.rc == 0, ran.output
    (change,) = json.loads((tenant.controller.home / "examples.json").read_text(encoding="utf-8"))
    assert [each["subject"] for each in change["examples"]] == ["SUBJECT 1", "SUBJECT 2"]
    assert change["examples"][0]["to"] == "p1@fabrikam.com"
    assert "4 copies are now encrypted (fabrikam.com 4): 'Partners'." in ran.output
    for text in (ran.output, (tenant.controller.home / "log").read_text(encoding="utf-8")):
        assert "SUBJECT" not in text
        assert "p1@fabrikam.com" not in text


@pytest.mark.usefixtures("executed")
@pytest.mark.organizations(state(6))
def test_names_that_could_mislead_a_reader_are_data_but_are_not_printed_as_such(tenant: Tenant) -> None:
    name = "Partners\u202e\x9b2J"
    task = {"name": "replay", **replay(rules=[{**ENCRYPT, "name": name}], compare_with=[]), "register": "week"}
    keep = {"ansible.builtin.copy": {"content": "{{ week.difference }}", "dest": "difference.json"}}
    ran = tenant.controller.tasks(
        [task, {"name": "keep", **keep, "delegate_to": "localhost", "no_log": True}], "-vvv", ANSIBLE_LOG_PATH="log"
    )
    assert ran.rc == 0, ran.output
    (change,) = json.loads((tenant.controller.home / "difference.json").read_text(encoding="utf-8"))
    assert change["rules"] == [name]
    for text in (ran.output, (tenant.controller.home / "log").read_text(encoding="utf-8")):
        assert "Partners[U+202E][U+009B]2J" in text
        assert not {"\u202e", "\x9b"} & set(text)


@pytest.mark.endpoint
@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.organizations(state(0) | {"message_trace": [*mail(6_000), *CROWD]})
def test_pages_and_the_recipients_of_a_message_to_many_are_read_to_the_end(tenant: Tenant) -> None:
    calls = len(tenant.emulator.calls)
    ran = tenant.run(replay(rules=[ENCRYPT], compare_with=[], days=10))
    found = ran["mail_flow_replay"]
    assert (found["counts"]["copies"], found["counts"]["messages"], found["window"]["complete"]) == (7_200, 6_001, True)
    (change,) = found["difference"]
    assert (change["kind"], change["certain"], change["possible"], change["senders"]) == (
        "protection_gained",
        5_200,
        0,
        1,
    )
    assert [call.cmdlet for call in tenant.emulator.calls[calls:]].count("Get-MessageTraceV2") == 3


#: What becomes of a page, and what is said then.
PAGES = {"lost_rows": "another", "repeated_page": ""}


@pytest.mark.organizations(*(state(10_001, f"{fault.replace('_', '')}.onmicrosoft.com") for fault in PAGES))
def test_a_lost_page_is_said(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.set(
        [
            {"kind": fault, "organization": name, "cmdlet": "Get-MessageTraceV2", "nth": 2, "times": None}
            for fault, name in zip(PAGES, emulator.organizations, strict=True)
        ]
    )
    run = Controller(tmp_path, inventory(emulator, "rest")).tasks([{"name": "ask", **replay(rules=[ENCRYPT], days=10)}])
    for fault, why in PAGES.items():
        found = run.task("ask", fault.replace("_", "")).result
        assert found["window"]["complete"] is False
        assert why in found["window"]["reason"]
        assert found["counts"]["copies"] < 10_001


@pytest.mark.organizations(state(3) | {"hidden_cmdlets": ["Get-MessageTraceV2"]})
def test_a_trace_that_is_not_granted_names_the_role_and_files_need_none(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    file.write_text(
        json.dumps([{name: value for name, value in each.items() if name != "ToIP"} for each in mail(3)]),
        encoding="utf-8",
    )
    run = tenant.run(
        {"name": "refused", **replay(rules=[ENCRYPT]), "ignore_errors": True},
        {"name": "files", **replay(rules=[ENCRYPT], compare_with=[], trace=[str(file)])},
    )
    assert run.task("refused").outcome == "failed"
    assert "the role View-Only Recipients or Message Tracking" in run["refused"]["msg"]
    found = run["files"]
    assert (found["counts"]["copies"], found["difference"][0]["certain"]) == (3, 2)
    assert found["window"]["reason"] == "A file does not say whether it holds all mail of its time."


def test_files_need_no_organization(tmp_path: Path) -> None:
    lines = ["MessageTraceId,Received,SenderAddress,RecipientAddress,Subject,Status,Size,FromIP"]
    lines += [
        f"m{each},2026-11-18T14:03:04Z,alexw@contoso.com,ann@fabrikam.com,x,Delivered,1000,255.255.255.255"
        for each in range(4)
    ]
    (tmp_path / "trace.csv").write_text("\n".join(lines), encoding="utf-8")
    facts = {"accepted_domains": ["contoso.com"], "remote_domains": [], "inbound_connectors": [], "mail_users": []}
    controller = Controller(tmp_path, {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
    ran = controller.tasks([{"name": "replay", **replay(rules=[ENCRYPT], facts=facts, trace=["trace.csv"])}])
    assert ran["replay"]["outcome"][0]["copies"] == 4


@pytest.mark.organizations(state(3))
def test_options_are_checked(tenant: Tenant) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"days": 91}, "days is 91. Use a number from 1 to 90."),
        ({"examples": 21}, "examples is 21."),
        ({"until": "yesterday"}, "until is 'yesterday', which is not a date."),
        ({"until": "2020-01-01"}, "Use a time of the last 90 days"),
        ({"until": "2999-01-01"}, "until is '2999-01-01', which is in the future."),
        ({"trace": ["there_is_none.csv"]}, "cannot be read"),
    ]
    assert tenant.unsaid(*((replay(**options), why) for options, why in cases)) == []


@pytest.mark.organizations(state(30))
def test_plan_and_audit_say_how_much_mail_that_is(tenant: Tenant) -> None:
    wishes: dict[str, Any] = {
        "encrypt_outgoing": {"template": "Encrypt"},
        "accept": ["IRM-4", "IRM-5", "EAS-1", "POL-1", "POL-2"],
    }
    plain = play(tenant.controller, "baseline", "--check", **wishes)
    checked = play(tenant.controller, "baseline", "--check", replay_days=2, **wishes)
    planned = ROLE + "Plan and preflight"
    assert plain[planned]["digest"] == checked[planned]["digest"]
    found = checked[planned]["mail"]["replay"]
    assert set(found) == {"window", "counts"}
    assert found["counts"]["copies"] == 30
    assert (
        "30 copies are now encrypted (fabrikam.com 20, northwind.com 10): 'Encrypt all outgoing mail'."
        in checked.output
    )
    plan, _mark = json.loads((newest(tenant.controller) / tenant.host / "plan.json").read_text())
    assert plan["mail"]["replay"]["difference"][0]["certain"] == 30
    page = (newest(tenant.controller) / "report.html").read_text(encoding="utf-8")
    assert "30 copies of real mail were replayed: 30 would be treated differently." in page
    assert "In the replayed mail, 30 copies are now encrypted" in page
    assert page.count('<rect class="not_by_rules"') == 0
    assert page.count('<rect class="protected"') >= 1
    audited = play(tenant.controller, "audit", replay_days=2, **wishes)
    assert "30 copies of 30 messages" in audited.output
    for text in (checked.output, page, json.dumps(plan), audited.output):
        assert "SUBJECT" not in text
        assert "p1@fabrikam.com" not in text
    # What is applied was not asked of the trace again.
    calls = len(tenant.emulator.calls)
    play(tenant.controller, "baseline", replay_days=2, approved_plan=plan["digest"], **wishes)
    assert "Get-MessageTraceV2" not in [call.cmdlet for call in tenant.emulator.calls[calls:]]


@pytest.mark.organizations(state(3) | {"hidden_cmdlets": ["Get-MessageTraceV2"]})
def test_a_trace_that_is_not_granted_is_a_remark_of_the_plan(tenant: Tenant, tmp_path: Path) -> None:
    checked = play(tenant.controller, "baseline", "--check", replay_days=2)
    assert "The mail of the last days could not be replayed: Get-MessageTraceV2" in checked.output
    assert "could not be replayed" in (newest(tenant.controller) / "report.html").read_text(encoding="utf-8")
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(mail(3)), encoding="utf-8")
    hosts = inventory(tenant.emulator, "rest")["exchange_organizations"]["hosts"]
    hosts["wrong"] = {**hosts[tenant.host], "hardened_baseline_replay_days": 91}
    home = tmp_path / "traced"
    home.mkdir()
    traced = play(
        Controller(home, {"exchange_organizations": {"hosts": hosts}}),
        "audit",
        rc=2,
        replay_trace={tenant.host: str(file)},
    )
    assert "3 copies of 3 messages" in traced.output
    assert traced.task(ROLE + "Plan and preflight", tenant.host).outcome == "ok"
    assert "hardened_baseline_replay_days is 91" in traced.output


@pytest.mark.organizations(state(30) | {"transport_rules": [STORED]})
def test_the_playbook_writes_a_page_without_people(tenant: Tenant) -> None:
    ran = play(tenant.controller, "replay", replay_days=2)
    folder = newest(tenant.controller, "replay")
    page = (folder / "replay.html").read_text(encoding="utf-8")
    document, _mark = json.loads((folder / "replay.json").read_text())
    (found,) = document["organizations"]
    assert (found["host"], found["counts"]["copies"]) == (tenant.host, 30)
    assert {each["name"]: each["protected"] for each in found["domains"]} == {"fabrikam.com": 20, "northwind.com": 0}
    assert "Protected by rules: 20; not by rules: 10." in page
    assert page.count('<rect class="protected"') == page.count('<rect class="not_by_rules"') == len(found["days"])
    for text in (ran.output, page, json.dumps(document)):
        assert "SUBJECT" not in text
        assert "p1@fabrikam.com" not in text
    assert not tenant.applied


@pytest.mark.organizations(state(3) | {"hidden_cmdlets": ["Get-MessageTraceV2"]})
def test_the_page_says_whose_trace_cannot_be_read(tenant: Tenant) -> None:
    play(tenant.controller, "replay")
    page = (newest(tenant.controller, "replay") / "replay.html").read_text(encoding="utf-8")
    assert "the role View-Only Recipients or Message Tracking" in page


@pytest.mark.organizations(
    state(30) | {"transport_rules": [STORED]},
    state(6, "northwind.onmicrosoft.com"),
    state(3, "adatum.onmicrosoft.com") | {"hidden_cmdlets": ["Get-MessageTraceV2"]},
)
def test_several_organizations_are_on_one_page_with_a_line_each(emulator: Emulator, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    controller = Controller(home, inventory(emulator, "rest"))
    play(controller, "replay", replay_days=2)
    folder = newest(controller, "replay")
    document, _mark = json.loads((folder / "replay.json").read_text())
    copies = {each["host"]: each.get("counts", {}).get("copies") for each in document["organizations"]}
    assert copies == {"contoso": 30, "northwind": 6, "adatum": None}
    page = (folder / "replay.html").read_text(encoding="utf-8")
    assert re.findall(r"<h1>(.*)</h1>", page) == ["3 organizations"]
    lines = re.findall(
        r'<li class="row control"><span class="name"><bdi>(.*?)</bdi></span><span class="what">(.*?)</span></li>', page
    )
    assert (
        [name for name, _line in lines]
        == re.findall(r"<h3><bdi>(.*?)</bdi></h3>", page)
        == ["adatum", "contoso", "northwind"]
    )
    said = dict(lines)
    assert "the role View-Only Recipients or Message Tracking" in said["adatum"]
    assert " Protected by rules: 20; not by rules: 10. " in said["contoso"]
    assert " Protected by rules: 0; not by rules: 6. " in said["northwind"]
    for name in ("contoso", "northwind"):
        assert " Encrypted, but not by rules: 0 of " in said[name]
        assert said[name].endswith(" Not seen: DLP policies, sensitivity labels, the Encrypt button.")
    assert [path.name for path in folder.rglob("*.html")] == ["replay.html"]
    assert not [call for call in emulator.calls if call.applied]


def of_graph(tenant: Tenant, **options: Any) -> dict[str, Any]:
    """A replay of the trace of Microsoft Graph."""
    return {**replay(trace_source="graph", **options), "vars": {"ansible_exchange_graph_url": tenant.emulator.url}}


def over_graph(tenant: Tenant, **options: Any) -> dict[str, Any]:
    """What a replay of the trace of Microsoft Graph returns."""
    return tenant.run(of_graph(tenant, **options))["mail_flow_replay"]


@pytest.mark.possible_wires("rest", "powershell")
@pytest.mark.organizations(state(0) | {"message_trace": mail(6_000, a_minute=6)})
def test_graph_gives_the_same_numbers(tenant: Tenant) -> None:
    calls = len(tenant.emulator.calls)
    options: dict[str, Any] = {"rules": [ENCRYPT], "compare_with": [], "days": 3}
    run = tenant.run({"name": "graph", **of_graph(tenant, **options)}, {"name": "plain", **replay(**options)})
    found, plain, asked = run["graph"], run["plain"], tenant.emulator.graph.asked
    # These are the pages of the second task.
    assert [call.cmdlet for call in tenant.emulator.calls[calls:]].count("Get-MessageTraceV2") == 2
    assert found["window"]["complete"] is True
    for part in ("counts", "outcome", "undecided", "difference", "domains"):
        assert found[part] == plain[part]
    assert found["counts"]["copies"] == 6_000
    assert [each.get("$skiptoken") for each in asked] == [None, "5000", None, None]
    assert not tenant.applied


@pytest.mark.organizations(
    state(30) | {"hidden_cmdlets": ["Get-MessageTraceV2"]}, state(6, "northwind.onmicrosoft.com")
)
def test_plan_and_playbook_read_the_trace_from_graph_if_they_are_told_to(tenant: Tenant, tmp_path: Path) -> None:
    """One of two organizations does not let its trace be read from there."""
    tenant.emulator.applications["northwind.onmicrosoft.com"].graph_permission = False
    own = {"replay_source": "graph", "replay_days": 2}
    made = inventory(tenant.emulator, "rest")
    made["exchange_organizations"]["vars"] = {"ansible_exchange_graph_url": tenant.emulator.url}
    home = tmp_path / "graph"
    home.mkdir()
    controller = Controller(home, made)
    audited = play(controller, "audit", **own)
    assert "30 copies of 30 messages" in audited.output
    refused = audited.task(ROLE + "Plan and preflight", "northwind").result
    (warning,) = [text for text in refused["warnings"] if "replayed" in text]
    assert (
        "could not be replayed: Microsoft Graph does not let the application read the message trace (HTTP 403"
        in warning
    )
    # A file counts more than the source.
    file = home / "trace.json"
    file.write_text(json.dumps(mail(3, "northwind.onmicrosoft.com")), encoding="utf-8")
    shown = play(controller, "replay", replay_trace={"northwind": str(file)}, **own)
    assert "30 copies of 30 messages" in shown.output
    assert "3 copies of 3 messages" in shown.output.replace("30 copies of 30 messages", "")


@pytest.mark.possible_wires("rest", "powershell")
@pytest.mark.organizations(state(0) | {"message_trace": mail(6_000, a_minute=6)})
def test_the_token_of_graph_goes_nowhere_else(tenant: Tenant) -> None:
    graph = tenant.emulator.graph
    graph.elsewhere = tenant.emulator.url.replace("127.0.0.1", "localhost")
    found = over_graph(tenant, rules=[ENCRYPT])
    assert "names a next page that is not its own. The token is not sent there." in found["msg"]
    assert len(graph.asked) == 1


@pytest.mark.organizations(state(30), state(6, "northwind.onmicrosoft.com"))
def test_graph_names_the_permission(emulator: Emulator, engine: Engine | None, tmp_path: Path) -> None:
    """Beside an organization of which it may be read, one is refused over each wire that has a credential for it."""
    emulator.applications["northwind.onmicrosoft.com"].graph_permission = False
    hosts = inventory(emulator, "rest")["exchange_organizations"]["hosts"]
    refused = ["northwind"]
    if engine:
        hosts["powershell"] = inventory(emulator, "powershell")["exchange_organizations"]["hosts"]["northwind"]
        refused.append("powershell")
    made = {"exchange_organizations": {"hosts": hosts, "vars": {"ansible_exchange_graph_url": emulator.url}}}
    run = Controller(tmp_path, made).tasks([{"name": "ask", **replay(rules=[ENCRYPT], trace_source="graph")}])
    for host in refused:
        found = run.task("ask", host).result
        assert "counts" not in found
        assert "Grant the application ExchangeMessageTrace.Read.All" in found["msg"]
    assert run.task("ask", "contoso").result["counts"]["copies"] == 30


@pytest.mark.possible_wires("rest", "powershell")
@pytest.mark.organizations(state(30))
def test_where_graph_cannot_be_asked_it_says_why(tenant: Tenant) -> None:
    cases = [
        ({"ansible_exchange_environment": "O365China"}, "Microsoft Graph has no message trace in O365China."),
        ({"ansible_exchange_graph_url": "http://127.0.0.1:1"}, "plain http would send the credential unencrypted"),
        (
            {"ansible_exchange_access_token": "x", "ansible_exchange_certificate_path": ""},
            "needs an application's credential on the controller",
        ),
    ]
    assert (
        tenant.unsaid(
            *(({**replay(rules=[ENCRYPT], trace_source="graph"), "vars": variables}, why) for variables, why in cases),
        )
        == []
    )
    assert not tenant.emulator.graph.asked
    assert not tenant.emulator.calls
