# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for users: what they tell people to type runs, and what they name exists."""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import json
import re
import struct
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.connection import exchange
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variables import known_variables

from tests.emulator import Organization
from tests.emulator.emulator import Emulator
from tests.emulator.message_trace import row
from tests.emulator.organization import BUILT_IN_OWA_POLICY
from tests.emulator.rule_reports import computed, settled

from .guides import GUIDES, README, code, commands, file_name, typed
from .playbook import COLLECTIONS, ROOT, Controller
from .role import PREFIX
from .tenant import inventory

ARTIFACT = COLLECTIONS / "ansible_collections/m365/message_encryption"
PAGES = [README, *GUIDES]
GROUP = "exchange_organizations"
#: Commands with it wait for a person; test_sign_in.py runs them.
DEVICE_CODE = "ansible_exchange_device_code"
STARTED = ROOT / "docs/docsite/rst/guide_getting_started.rst"
REVIEW = ROOT / "docs/docsite/rst/guide_change_review.rst"
ROLLBACK = ROOT / "docs/docsite/rst/guide_rollback.rst"
TRY = ROOT / "docs/docsite/rst/guide_try_a_rule.rst"
CANNOT_OPEN = ROOT / "docs/docsite/rst/guide_cannot_open.rst"
LICENSES_PAGE = ROOT / "docs/docsite/rst/guide_licenses.rst"
CAPTURES = ROOT / "docs/docsite/rst/guide_plans_without_a_tenant.rst"
COPY = ROOT / "docs/docsite/rst/guide_copy.rst"
LEAVING = ROOT / "docs/docsite/rst/guide_leaving.rst"
ENFORCE = "ansible-playbook -i inventory.yml message_encryption/contoso/enforce.yml"
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 171, 70)


def name_of(page: Path) -> str:
    return page.stem


def existing() -> set[str]:
    """What ``m365.message_encryption.`` may be followed by."""
    files = [
        *ARTIFACT.glob("plugins/modules/*.py"),
        *ARTIFACT.glob("plugins/connection/*.py"),
        *ARTIFACT.glob("playbooks/*.yml"),
    ]
    return {file.stem for file in files} | {role.name for role in ARTIFACT.glob("roles/*")}


def connection_variables() -> set[str]:
    options: Mapping[str, Any] = yaml.safe_load(exchange.DOCUMENTATION)["options"]
    return {variable["name"] for option in options.values() for variable in option.get("vars", ())}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = set(re.findall(r"(?<!ansible_collections\.)(?<!modules/)\bm365\.message_encryption\.(\w+)", text)) - {
        "docsite"
    }
    assert names <= existing()
    assert set(re.findall(r"\bhardened_baseline_[a-z_]*[a-z]\b", text)) <= known_variables()
    assert set(re.findall(r"\bansible_exchange_[a-z_]*[a-z]\b", text)) <= connection_variables()


def plays(page: Path) -> list[list[Any]]:
    """The plays of a page; a list of tasks becomes a play."""
    found = [yaml.safe_load(text) for text in code(page, "yaml")]
    lists = [block for block in found if isinstance(block, list) and all(isinstance(item, dict) for item in block)]
    return [
        block if {"hosts", "ansible.builtin.import_playbook"} & set(block[0]) else [{"hosts": GROUP, "tasks": block}]
        for block in lists
    ]


def test_plays_and_tasks_are_what_ansible_understands(tmp_path: Path) -> None:
    controller = Controller(tmp_path, {GROUP: {"hosts": {"contoso": None}}})
    files = []
    for page in PAGES:
        for number, play in enumerate(plays(page)):
            file = tmp_path / f"{page.stem}-{number}.yml"
            file.write_text(yaml.safe_dump(play, sort_keys=False), encoding="utf-8")
            files.append(file.name)
    done = controller.command("ansible-playbook", "-i", str(controller.inventory), "--syntax-check", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("playbook: ") == len(files)


def beginner(directory: Path, emulator: Emulator, page: Path) -> Controller:
    """A controller whose files are those of a page, and which finds the emulator instead of Microsoft."""
    controller = Controller(directory, {})
    for text in code(page, "yaml"):
        if file_name(text):
            (directory / file_name(text)).parent.mkdir(parents=True, exist_ok=True)
            (directory / file_name(text)).write_text(text, encoding="utf-8")
    (organization,) = inventory(emulator, "rest")[GROUP]["hosts"].values()
    variables = {
        key: value
        for key, value in organization.items()
        if key not in ("ansible_connection", "ansible_exchange_organization")
    }
    (directory / "host_vars").mkdir()
    (directory / "host_vars/contoso.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    return controller


def says(controller: Controller, line: str, status: int = 0) -> str:
    done = typed(controller, line)
    assert done.returncode == status, f"$ {line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def steps(page: Path) -> list[str]:
    """The commands of a page, but for those that wait for a person."""
    return [
        line
        for line in commands(page)
        if line.startswith(("ansible ", "ansible-playbook ")) and DEVICE_CODE not in line
    ]


@pytest.mark.parametrize("page", [README, STARTED], ids=name_of)
def test_the_first_steps_run_as_they_stand(tmp_path: Path, emulator: Emulator, page: Path) -> None:
    controller = beginner(tmp_path, emulator, page)
    (organization,) = emulator.organizations.values()
    lines = steps(page)
    assert len(lines) >= 6
    if page != README:  # Its playbooks are the README's, word for word.
        others = {line for line in lines if line.startswith("ansible-playbook ") and PREFIX in line}
        assert others <= set(steps(README))
        lines = [line for line in lines if line not in others]
    organization.patch({"irm_configuration": {"AzureRMSLicensingEnabled": True}})
    first = organization.dump()["irm_configuration"]["SimplifiedClientAccessEnabled"]
    for line in lines:
        before = organization.dump()
        output = says(controller, line)
        after = organization.dump()
        writes = line.removesuffix(" --limit contoso").endswith(("encryption.yml", ".baseline", ".rollback"))
        assert (after != before) is writes, f"$ {line}\n{output}"
        if writes and ".rollback" in line:
            assert after["irm_configuration"]["SimplifiedClientAccessEnabled"] == first


def test_the_review_goes_as_its_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    controller = beginner(tmp_path, emulator, REVIEW)
    (tmp_path / "inventory.yml").write_text(
        next(text for text in code(README, "yaml") if file_name(text) == "inventory.yml"), encoding="utf-8"
    )
    first, second, approval = (text for text in code(REVIEW, "yaml") if file_name(text))
    (organization,) = emulator.organizations.values()
    check, apply, _own = commands(REVIEW)
    wishes = tmp_path / file_name(first)

    wishes.write_text(first, encoding="utf-8")
    refusal = says(controller, check, 2)
    assert "2 findings, and nothing was written" in refusal
    assert "hardened_baseline_accept: [IRM-5]" in refusal
    assert "hardened_baseline_accept: [any_sender]" in refusal

    wishes.write_text(second, encoding="utf-8")
    shown = says(controller, check)
    (diff,) = code(REVIEW, "diff")
    assert diff.strip("\n") in shown
    (path,) = (tmp_path / "message_encryption/runs").glob(
        f"{(tmp_path / 'message_encryption/latest').read_text().strip()}/contoso/plan.json"
    )
    plan, _mark = json.loads(path.read_text(encoding="utf-8"))
    assert plan["digest"] == yaml.safe_load(approval)["hardened_baseline_approved_plan"], (
        "put the new digest into the guide"
    )

    emulator.service.edit(organization, "Set-OMEConfiguration", {"Identity": "OME Configuration", "OTPEnabled": False})
    before = organization.dump()
    assert (
        "otp_enabled of OME Configuration would go from false to true, which is not in the approved plan"
        in " ".join(says(controller, apply, 2).split())
    )
    assert organization.dump() == before
    emulator.service.edit(organization, "Set-OMEConfiguration", {"Identity": "OME Configuration", "OTPEnabled": True})
    says(controller, apply)
    assert [rule["Name"] for rule in organization.dump()["transport_rules"]] == ["Encrypt mail about contracts"]

    look, accepted, *_others = commands(ROLLBACK)
    (diff,) = code(ROLLBACK, "diff")
    after = organization.dump()
    assert "hardened_baseline_accept: [encryption_off]" in says(controller, look, 2)
    assert diff.strip("\n") in says(controller, accepted)
    assert organization.dump() == after


def with_mail_to_partners(emulator: Emulator, rule: dict[str, Any]) -> Organization:
    """The organization, with a rule, licensing, and two copies of mail to a partner three days ago."""
    (organization,) = emulator.organizations.values()
    emulator.service.edit(organization, "New-TransportRule", rule)
    sent = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3)
    organization.patch(settled(organization.dump()))
    organization.patch(
        {
            "message_trace": [
                row(number, sent, "alexw@contoso.onmicrosoft.com", f"p{number}@fabrikam.com") for number in range(2)
            ]
        }
    )
    return organization


@pytest.mark.wires("rest", "psrp", "powershell")
def test_one_more_rule_is_asked_about_as_its_guide_says(tmp_path: Path, emulator: Emulator, wire: str) -> None:
    controller = Controller(tmp_path, inventory(emulator, wire))
    asked = code(TRY, "yaml")[0]
    (tmp_path / file_name(asked)).write_text(asked, encoding="utf-8")
    marks = {"Name": "Mark what comes from the scanner", "SubjectContainsWords": ["scan"], "PrependSubject": "[scan] "}
    organization = with_mail_to_partners(emulator, marks)
    organization.patch({"irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}})
    before = organization.dump()["transport_rules"]
    shown = says(controller, commands(TRY)[0])
    assert [line for line in code(TRY, "text")[0].splitlines() if line not in shown] == []
    assert organization.dump()["transport_rules"] == before


def test_a_rule_is_tried_as_its_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    controller = beginner(tmp_path, emulator, TRY)
    (tmp_path / "inventory.yml").write_text(
        next(text for text in code(README, "yaml") if file_name(text) == "inventory.yml"), encoding="utf-8"
    )
    _asked, declared, enforced = (text for text in code(TRY, "yaml") if file_name(text))
    organization = with_mail_to_partners(emulator, {"Name": "Theirs", "SubjectContainsWords": ["spam"], "SetSCL": 5})
    _ask, check, put, watch, plan, enforce, back = commands(TRY)
    _answer, on_trial, since, expired = map(dateless, code(TRY, "text"))

    (tmp_path / file_name(declared)).write_text(declared, encoding="utf-8")
    before = organization.dump()["transport_rules"]
    assert on_trial in dateless(says(controller, check))
    assert organization.dump()["transport_rules"] == before
    says(controller, put)
    tried = organization.dump()["transport_rules"]
    assert [(rule["Name"], rule.get("Mode", "Enforce")) for rule in tried] == [
        ("Theirs", "Enforce"),
        ("Encrypt mail to partners (trial)", "Audit"),
    ]

    mail = organization.dump()["message_trace"]
    for days, line in ((9, since), (15, expired)):
        changed = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        organization.patch(
            {"transport_rules": [{**rule, "WhenChanged": f"{changed:%Y-%m-%dT%H:%M:%S}.0000000Z"} for rule in tried]}
        )
        organization.patch({"rule_report": computed(organization.dump(), mail)})
        assert line in dateless(says(controller, watch))

    (tmp_path / file_name(enforced)).write_text(enforced, encoding="utf-8")
    says(controller, plan)
    says(controller, enforce)
    assert [(rule["Name"], rule.get("Mode", "Enforce")) for rule in organization.dump()["transport_rules"]] == [
        ("Theirs", "Enforce"),
        ("Encrypt mail to partners", "Enforce"),
    ]
    says(controller, back)
    assert [rule["Name"] for rule in organization.dump()["transport_rules"]] == [
        "Theirs",
        "Encrypt mail to partners (trial)",
    ]


def dateless(text: str) -> str:
    """A text on one line, without its dates."""
    return " ".join(re.sub(r"\d{4}-\d\d-\d\d", "DATE", text).split())


def pipelines(page: Path) -> dict[str, list[str]]:
    """The shell lines of a page's pipelines, by the file that they stand in, without those that install what is
    installed here.
    """
    files = {file_name(text): yaml.safe_load(text) for text in code(page, "yaml")}
    github, gitlab = files[".github/workflows/message-encryption.yml"], files[".gitlab-ci.yml"]
    texts = {
        "GitHub": [step["run"] for step in github["jobs"]["plan"]["steps"] if "run" in step],
        "GitLab": gitlab["plan"]["script"],
    }
    installs = ("python -m pip install ", "ansible-galaxy collection install ")
    return {
        name: [line for text in lines for line in text.splitlines() if not line.startswith(installs)]
        for name, lines in texts.items()
    }


@pytest.mark.organizations({"name": "contoso.onmicrosoft.com", "advanced_message_encryption": True})
def test_a_plan_without_a_tenant_goes_as_its_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    (organization,) = emulator.organizations.values()
    rule = {
        "Name": "Legal",
        "SentTo": ["ann@fabrikam.com", "bob@fabrikam.com"],
        "ApplyRightsProtectionTemplate": "Encrypt",
    }
    emulator.service.edit(organization, "New-TransportRule", rule)
    controller = beginner(tmp_path, emulator, CAPTURES)
    (tmp_path / "inventory.yml").write_text(
        next(text for text in code(README, "yaml") if file_name(text) == "inventory.yml"), encoding="utf-8"
    )
    (script,) = code(CAPTURES, "python")
    (tmp_path / file_name(script)).write_text(script, encoding="utf-8")
    *take, plan, mask, move, audit = commands(CAPTURES)
    for line in take:
        says(controller, line)
    online = json.loads(newest_plan(controller, plan.replace(" -e @ci.yml", "")))[0]
    calls = len(emulator.calls)
    # Neither a credential nor a network from here on.
    (tmp_path / "host_vars/contoso.yml").unlink()
    assert {len(lines) for lines in pipelines(CAPTURES).values()} == {1}
    for line in {plan, *(lines[0] for lines in pipelines(CAPTURES).values())}:
        assert json.loads(newest_plan(controller, line))[0]["digest"] == online["digest"], line
    before = (tmp_path / "captures/contoso.json").read_text(encoding="utf-8")
    for line in (mask.replace("admin@contoso.onmicrosoft.com", "BOB@fabrikam.com"), move, audit):
        says(controller, line)
    after = (tmp_path / "captures/contoso.json").read_text(encoding="utf-8")
    assert "ann@fabrikam.com" in before
    assert "ann@fabrikam.com" not in after
    assert "bob@fabrikam.com" in after
    assert len(emulator.calls) == calls


def newest_plan(controller: Controller, line: str) -> str:
    """The plan that a command writes."""
    says(controller, line)
    run = (controller.home / "message_encryption/latest").read_text(encoding="ascii").strip()
    return (controller.home / "message_encryption/runs" / run / "contoso/plan.json").read_text(encoding="utf-8")


LICENSED = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}


def with_inventory(controller: Controller) -> Controller:
    """The controller with the README's inventory, too."""
    text = next(text for text in code(README, "yaml") if file_name(text) == "inventory.yml")
    (controller.home / "inventory.yml").write_text(text, encoding="utf-8")
    return controller


def test_why_somebody_cannot_open_a_message_is_asked_as_the_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    controller = with_inventory(beginner(tmp_path, emulator, CANNOT_OPEN))
    (organization,) = emulator.organizations.values()
    organization.patch({"irm_configuration": LICENSED})
    rule = {"Name": "All", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt"}
    emulator.service.edit(organization, "New-TransportRule", rule)
    ask, audit = commands(CANNOT_OPEN)
    said = says(controller, ask)
    assert "does not ask outsiders for MFA" in " ".join(said.split())
    assert [way for way in ("inline", "portal_passcode") if f'"way": "{way}"' in said] == ["inline", "portal_passcode"]
    emulator.service.edit(organization, "Set-OMEConfiguration", {"Identity": "OME Configuration", "OTPEnabled": False})
    emulator.service.edit(organization, "Set-OwaMailboxPolicy", {"Identity": BUILT_IN_OWA_POLICY, "IRMEnabled": False})
    before = organization.dump()
    assert "portal_passcode" not in says(controller, ask)
    looked = says(controller, audit)
    assert {control for control in ("OME-2", "POL-1") if f"{control} " in looked} == {"OME-2", "POL-1"}
    assert organization.dump() == before


def test_a_license_is_seen_and_its_log_switched_on_as_the_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    controller = with_inventory(beginner(tmp_path, emulator, LICENSES_PAGE))
    (organization,) = emulator.organizations.values()
    (line,) = commands(LICENSES_PAGE)
    organization.patch({"advanced_message_encryption": False})
    before = organization.dump()
    assert '"exchange.advanced_message_encryption": false' in says(controller, line)
    assert organization.dump() == before
    organization.patch({"advanced_message_encryption": True})
    assert '"exchange.advanced_message_encryption": true' in says(controller, line)
    assert organization.dump()["irm_configuration"]["EnablePortalTrackingLogs"] is True


@pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com")
def test_rules_are_copied_as_their_guide_says(tmp_path: Path, emulator: Emulator) -> None:
    contoso, fabrikam = (emulator.organizations[f"{name}.onmicrosoft.com"] for name in ("contoso", "fabrikam"))
    sent = {
        "FromScope": "InOrganization",
        "SentToScope": "NotInOrganization",
        "ApplyRightsProtectionTemplate": "Encrypt",
    }
    kept = {"ExceptIfFrom": ["alexw@contoso.onmicrosoft.com"], "ExceptIfSentTo": ["ann@northwind.com"]}
    for rule in (
        {"Name": "Encrypt all outgoing mail", **sent, **kept},
        {"Name": "Mark", "SetHeaderName": "X-A", "SetHeaderValue": "1"},
    ):
        emulator.service.edit(contoso, "New-TransportRule", rule)
    emulator.service.edit(
        contoso, "Set-TransportRule", {"Identity": "Mark", "CopyTo": ["legal@contoso.onmicrosoft.com"]}
    )
    emulator.service.edit(
        fabrikam, "New-TransportRule", {"Name": "Theirs", "SubjectContainsWords": ["spam"], "SetSCL": 5}
    )
    controller = Controller(tmp_path, inventory(emulator, "rest"))
    for text in code(COPY, "yaml"):
        (tmp_path / file_name(text)).write_text(text, encoding="utf-8")
    export, look, check, copy, brand = commands(COPY)
    (tmp_path / "inventory.yml").write_text(controller.inventory.read_text(encoding="utf-8"), encoding="utf-8")

    says(controller, export)
    before = fabrikam.dump()
    # People of contoso are outside of fabrikam: nothing is missing, so the whole of it is planned.
    shown = says(controller, look)
    (lines,) = code(COPY, "text")
    for line in lines.strip().splitlines():
        assert line.strip() in shown, shown
    refusal = says(controller, f"{ENFORCE} -e exchange_organizations=fabrikam", 2)
    assert "it was read from contoso.onmicrosoft.com" in refusal
    assert fabrikam.dump() == before

    (tmp_path / "rules").mkdir()
    written = (tmp_path / "message_encryption/contoso/export.yml").read_text(encoding="utf-8")
    (tmp_path / "rules/fabrikam.yml").write_text(written.replace("legal@contoso", "nobody@fabrikam"), encoding="utf-8")
    assert "Missing: the recipient 'nobody@fabrikam.onmicrosoft.com' (actions.copy_to of 'Mark')" in says(
        controller, copy, 2
    )
    assert fabrikam.dump() == before
    (tmp_path / "rules/fabrikam.yml").write_text(written.replace("@contoso.", "@fabrikam."), encoding="utf-8")
    says(controller, check)
    assert fabrikam.dump() == before
    says(controller, copy)
    assert [rule["Name"] for rule in fabrikam.dump()["transport_rules"]] == [
        "Theirs",
        "Encrypt all outgoing mail",
        "Mark",
    ]
    assert fabrikam.dump()["transport_rules"][2]["CopyTo"] == ["legal@fabrikam.onmicrosoft.com"]
    after = fabrikam.dump()
    says(controller, copy)
    assert fabrikam.dump() == after
    assert "changed=0" in says(controller, f"{ENFORCE} --check")

    with served(PNG) as address:
        says(controller, brand.replace("https://www.contoso.com/logo.png", address))
        assert fabrikam.dump() == after
        says(controller, brand.replace("https://www.contoso.com/logo.png", address).removesuffix(" --check --diff"))
    assert base64.b64decode(fabrikam.dump()["ome_configurations"][0]["Image"]) == PNG


@contextlib.contextmanager
def served(content: bytes) -> Iterator[str]:
    """The address of a file on a web server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/logo.png"
        server.shutdown()


def test_leaving_removes_trials_and_nothing_else(tmp_path: Path, emulator: Emulator) -> None:
    (organization,) = emulator.organizations.values()
    for name, mode in (("Theirs", "Audit"), ("Partners (trial)", "Audit"), ("Enforced (trial)", "Enforce")):
        emulator.service.edit(
            organization, "New-TransportRule", {"Name": name, "SubjectContainsWords": ["x"], "SetSCL": 5, "Mode": mode}
        )
    controller = beginner(tmp_path, emulator, LEAVING)
    (tmp_path / "inventory.yml").write_text(
        next(text for text in code(README, "yaml") if file_name(text) == "inventory.yml"), encoding="utf-8"
    )
    check, remove = commands(LEAVING)
    says(controller, check)
    assert len(organization.dump()["transport_rules"]) == 3
    says(controller, remove)
    assert [rule["Name"] for rule in organization.dump()["transport_rules"]] == ["Theirs", "Enforced (trial)"]
