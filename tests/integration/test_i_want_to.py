# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "I want to...": what it tells people to type does what its title says. Tasks that begin where another one
ends share an organization.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.emulator.organization import default_state

from .guides import code, commands, file_name, typed
from .playbook import ROOT, Controller
from .tenant import MADE_ANEW, inventory, lasting

PAGE = ROOT / "docs/docsite/rst/guide_i_want_to.rst"
MESSAGE = "<4f3c0d@contoso.com>"
FRESH = default_state("contoso.onmicrosoft.com")
STATE = FRESH | {
    "advanced_message_encryption": True,
    "irm_configuration": FRESH["irm_configuration"]
    | {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True},
    "messages": [{"MessageId": MESSAGE, "Subject": "Salaries", "IsRevocable": True, "Revoked": False}],
}


@dataclass(frozen=True)
class Desk:
    """An administrator with the page, a controller and one organization."""

    controller: Controller
    emulator: Emulator
    lines: list[str]

    def says(self, line: str, more: str = "") -> str:
        """Types a line into a shell, with ``more`` behind it."""
        done = typed(self.controller, f"{line} {more}")
        assert done.returncode == 0, f"$ {line} {more}\n{done.stdout}{done.stderr}"
        return " ".join((done.stdout + done.stderr).split())

    def state(self) -> dict[str, Any]:
        (organization,) = self.emulator.organizations.values()
        state: dict[str, Any] = lasting(organization.dump(), MADE_ANEW)
        return state

    def edit(self, cmdlet: str, **parameters: Any) -> None:
        """Somebody else changes the organization."""
        (organization,) = self.emulator.organizations.values()
        self.emulator.service.edit(organization, cmdlet, parameters)

    def sign_in(self) -> bool:
        (configuration,) = self.state()["ome_configurations"]
        return bool(configuration["SocialIdSignIn"])


def see_what_changed(desk: Desk) -> None:
    snapshot, look, restore = desk.lines
    desk.edit(
        "New-TransportRule",
        Name="Contracts",
        FromScope="InOrganization",
        SubjectContainsWords=["contract"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    evening = desk.state()
    desk.says(snapshot)
    desk.edit("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False)
    desk.edit("Set-TransportRule", Identity="Contracts", ExceptIfRecipientDomainIs=["fabrikam.com"])
    desk.edit("New-TransportRule", Name="Theirs", FromScope="InOrganization", RemoveOMEv2=True)
    night = desk.state()
    shown = desk.says(look)
    assert "- otp_enabled: false" in shown
    assert "- fabrikam.com" in shown
    assert "Rules that others created since then stay: 'Theirs'" in shown
    assert desk.state() == night
    desk.says(restore, "-e hardened_baseline_rollback_force=true")
    assert desk.state() == evening


def encrypt_what_hr_sends(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    (rule,) = desk.state()["transport_rules"]
    assert rule["FromMemberOf"] == ["hr@contoso.onmicrosoft.com"]
    assert rule["ExceptIfRecipientDomainIs"] == ["fabrikam.com"]
    assert rule["ApplyRightsProtectionCustomizationTemplate"] == "HR"
    (brand,) = [row for row in desk.state()["ome_configurations"] if row["Identity"] == "HR"]
    assert brand["ExternalMailExpiryInterval"] == "30.00:00:00"


def find_out_why(desk: Desk) -> None:
    (line,) = desk.lines
    desk.edit("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False)
    before = desk.state()
    said = desk.says(line)
    assert "OME-2 one_time_passcode of 'OME Configuration' is false, not true" in said
    assert "Locked out: people outside without a work or school account" in said
    assert desk.state() == before


def find_out_why_not(desk: Desk) -> None:
    (line,) = desk.lines
    desk.edit(
        "New-TransportRule",
        Name="Marked mail",
        FromScope="InOrganization",
        SubjectContainsWords=["[secure]"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    before = desk.state()
    said = desk.says(line)
    assert "rule 'Marked mail' did not match: the condition subject_contains_words is false" in said
    assert desk.state() == before


def read_in_the_portal(desk: Desk) -> None:
    (line,) = desk.lines
    (organization,) = desk.emulator.organizations.values()
    organization.patch({"advanced_message_encryption": False})
    desk.says(line)
    (rule,) = desk.state()["transport_rules"]
    assert (rule["ApplyRightsProtectionTemplate"], rule["ApplyRightsProtectionCustomizationTemplate"]) == (
        "Encrypt",
        "OME Configuration",
    )


def hide_the_button(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    settings = desk.state()["irm_configuration"]
    assert settings["SimplifiedClientAccessEnabled"] is False
    assert settings["SimplifiedClientAccessEncryptOnlyDisabled"] is True
    assert settings["SimplifiedClientAccessDoNotForwardDisabled"] is True


def turn_on(desk: Desk) -> None:
    look, apply, prove = desk.lines
    desk.edit(
        "Set-IRMConfiguration",
        AzureRMSLicensingEnabled=False,
        SimplifiedClientAccessEnabled=False,
        Force=True,
    )
    before = desk.state()
    said = desk.says(look)
    assert "IRM-1 azure_rms_licensing is false, not true" in said
    assert desk.state() == before
    desk.says(apply)
    settings = desk.state()["irm_configuration"]
    assert [settings[name] for name in ("AzureRMSLicensingEnabled", "SimplifiedClientAccessEnabled")] == [True, True]
    assert settings["EnablePdfEncryption"] is True
    assert "as wanted" in desk.says(prove)


def decrypt_answers(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    assert [rule["RemoveOMEv2"] for rule in desk.state()["transport_rules"] if rule["Name"] == "Decrypt answers"] == [
        True
    ]


def replace_the_old_action(desk: Desk) -> None:
    look, replace = desk.lines
    (organization,) = desk.emulator.organizations.values()
    old = {"FromScope": "InOrganization", "SubjectContainsWords": ["contract"], "ApplyOME": True}
    organization.patch({"transport_rules": [{"Name": "Old", "Guid": "11111111-2222-3333-4444-555555555555", **old}]})
    before = desk.state()
    assert "apply_rights_protection_template: Encrypt" in desk.says(look)
    assert desk.state() == before
    desk.says(replace)
    (rule,) = desk.state()["transport_rules"]
    assert (rule["ApplyRightsProtectionTemplate"], rule["SubjectContainsWords"]) == ("Encrypt", ["contract"])
    assert not rule.get("ApplyOME")


def encrypt_attachments(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    assert {"Encrypt spreadsheets", "Encrypt contracts"} <= {rule["Name"] for rule in desk.state()["transport_rules"]}


def reject_large_mail(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    (rule,) = [rule for rule in desk.state()["transport_rules"] if rule["Name"] == "Too large to encrypt"]
    assert rule["RejectMessageReasonText"].startswith("This message is too large")


def show_the_button(desk: Desk) -> None:
    (line,) = desk.lines
    desk.edit("Set-OwaMailboxPolicy", Identity=desk.state()["owa_mailbox_policies"][0]["Name"], IRMEnabled=False)
    desk.says(line)
    settings = desk.state()["irm_configuration"]
    assert settings["SimplifiedClientAccessEnabled"] is True
    assert settings["SimplifiedClientAccessEncryptOnlyDisabled"] is False
    assert all(policy["IRMEnabled"] for policy in desk.state()["owa_mailbox_policies"])


def looks_and_back(desk: Desk) -> None:
    change, restore = desk.lines
    desk.says(change)
    (configuration,) = desk.state()["ome_configurations"]
    assert (configuration["PortalText"], configuration["BackgroundColor"]) == ("Contoso encrypted mail", "#0078d4")
    desk.says(restore)
    (configuration,) = desk.state()["ome_configurations"]
    assert not any(configuration.get(name) for name in ("PortalText", "EmailText", "BackgroundColor"))


def keep_the_journal_readable(desk: Desk) -> None:
    (line,) = desk.lines
    desk.edit("Set-IRMConfiguration", JournalReportDecryptionEnabled=False)
    desk.says(line)
    assert desk.state()["irm_configuration"]["JournalReportDecryptionEnabled"] is True


def revoke(desk: Desk) -> None:
    (line,) = desk.lines
    assert f"{MESSAGE} is revoked" in desk.says(line)
    assert desk.state()["messages"][0]["Revoked"] is True


def turn_social_sign_in_off(desk: Desk) -> None:
    turn_off, prove = desk.lines
    assert desk.sign_in()
    desk.says(turn_off)
    assert not desk.sign_in()
    assert "as wanted" in desk.says(prove)
    home = desk.controller.home / "message_encryption"
    evidence = home / "runs" / (home / "latest-audit").read_text(encoding="ascii").strip() / "contoso"
    assert (evidence / "report.html").exists()
    report, _mark = json.loads((evidence / "report.json").read_text(encoding="utf-8"))
    (organization,) = report["organizations"]
    assert [(control["id"], control["status"]) for control in organization["controls"] if control["selected"]] == [
        ("OME-1", "met")
    ]


def undo(desk: Desk) -> None:
    (line,) = desk.lines
    desk.says(line)
    assert desk.sign_in()


def show_approve_apply(desk: Desk) -> None:
    look, apply = desk.lines
    before = desk.state()
    desk.says(look)
    assert desk.state() == before
    (plan,) = (desk.controller.home / "message_encryption/runs").glob("*/contoso/plan.json")
    digest = json.loads(plan.read_text(encoding="utf-8"))[0]["digest"]
    desk.says(re.sub(r"sha256:\w+", digest, apply))
    assert not desk.sign_in()


def turn_off(desk: Desk) -> None:
    (line,) = desk.lines
    desk.edit(
        "New-TransportRule",
        Name="Contracts",
        FromScope="InOrganization",
        SubjectContainsWords=["contract"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    desk.says(line, "-e hardened_baseline_settle_minutes=0")
    assert desk.state()["transport_rules"] == []
    assert desk.state()["irm_configuration"]["AzureRMSLicensingEnabled"] is False


def adopt(desk: Desk) -> None:
    for number in range(15):
        desk.edit(
            "New-TransportRule",
            Name=f"Rule {number}",
            FromScope="InOrganization",
            SubjectContainsWords=[f"word{number}"],
            Enabled=number != 3,
            ApplyRightsProtectionTemplate="Encrypt" if number % 2 else "Do Not Forward",
        )
    before = desk.state()
    export, enforce = desk.lines
    desk.says(export)
    assert re.search(r"contoso : ok=\d+ changed=0 unreachable=0 failed=0", desk.says(enforce))
    assert desk.state() == before


def send_and_see(desk: Desk) -> None:
    look, send = desk.lines
    alex, megan = "AlexW@contoso.onmicrosoft.com", "MeganB@contoso.onmicrosoft.com"
    (organization,) = desk.emulator.organizations.values()
    organization.state["mail_grants"] = {"send": [alex], "read": [megan]}
    desk.edit(
        "New-TransportRule",
        Name="Marked",
        FromScope="InOrganization",
        SubjectContainsWords=["[secure]"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    graph = f"-e ansible_exchange_graph_url={desk.emulator.url}"
    assert "Would send 1 message." in desk.says(look, graph)
    assert not desk.state()["message_trace"]
    said = desk.says(send, graph)
    assert "1 of 1 message sent. Of 1 copy, 1 agrees with what was computed" in said
    assert len(desk.state()["message_trace"]) == 1


TASKS: dict[str, Callable[[Desk], None]] = {
    "Turn message encryption on, in every organization": turn_on,
    "See what changed last night, and put it back": see_what_changed,
    "Encrypt what HR sends, with brand and expiry, but not for one partner": encrypt_what_hr_sends,
    "Find out why somebody cannot open a message": find_out_why,
    "Find out why a message was not encrypted": find_out_why_not,
    "Make everybody outside read in the portal": read_in_the_portal,
    "Decrypt what comes back from outside": decrypt_answers,
    'Replace the old action "Office 365 Message Encryption" in rules': replace_the_old_action,
    "Encrypt mail with certain attachments": encrypt_attachments,
    "Reject what is too large to encrypt": reject_large_mail,
    "Hide the Encrypt button": hide_the_button,
    "Show the Encrypt button": show_the_button,
    "Show the company's looks, and take them away again": looks_and_back,
    "Keep protected mail readable in the journal": keep_the_journal_readable,
    "Turn social sign-in off, and prove it": turn_social_sign_in_off,
    "Show a change, get it approved, and apply exactly that": show_approve_apply,
    "Send a message, and see whether Exchange does what was computed": send_and_see,
    "Adopt fifteen rules without changing one": adopt,
    "Revoke a message": revoke,
    "Undo the last run": undo,
    "Turn message encryption off": turn_off,
}
#: Each runs on an organization of its own.
TOGETHER = [
    [see_what_changed],
    [encrypt_what_hr_sends, revoke],
    [turn_social_sign_in_off, undo],
    [hide_the_button, show_the_button, read_in_the_portal],
    [turn_on, decrypt_answers, encrypt_attachments, reject_large_mail],
    [looks_and_back, keep_the_journal_readable, replace_the_old_action],
    [show_approve_apply, turn_off],
    [find_out_why, find_out_why_not],
    [send_and_see],
    [adopt],
]


def tasks_of_the_page() -> dict[str, str]:
    """The text of each task of the page, by its title."""
    parts = re.split(r"^(\S.*)\n-{5,}\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_task_of_the_page_is_tried() -> None:
    assert list(tasks_of_the_page()) == list(TASKS)
    assert sorted(task.__name__ for together in TOGETHER for task in together) == sorted(
        task.__name__ for task in TASKS.values()
    )


@pytest.mark.organizations(STATE)
@pytest.mark.parametrize("together", TOGETHER, ids=lambda together: "-".join(task.__name__ for task in together))
def test_what_one_types_does_what_the_title_says(
    tmp_path: Path, emulator: Emulator, together: list[Callable[[Desk], None]]
) -> None:
    controller = Controller(tmp_path, inventory(emulator, "rest"))
    texts = {
        task: text for (title, task), text in zip(TASKS.items(), tasks_of_the_page().values(), strict=True) if title
    }
    for task in together:
        page = tmp_path / "page.rst"
        page.write_text(texts[task], encoding="utf-8")
        for text in code(page, "yaml"):
            (tmp_path / file_name(text)).write_text(text, encoding="utf-8")
            assert yaml.safe_load(text)
        task(Desk(controller, emulator, commands(page)))


@pytest.mark.organizations(STATE)
def test_the_example_of_the_role_does_what_its_page_says(tmp_path: Path, emulator: Emulator) -> None:
    page = ROOT / "roles/hardened_baseline/README.md"
    example, _play = code(page, "yaml")
    (tmp_path / file_name(example)).parent.mkdir()
    (tmp_path / file_name(example)).write_text(example, encoding="utf-8")
    desk = Desk(Controller(tmp_path, inventory(emulator, "rest")), emulator, [])
    desk.says("ansible-playbook -i inventory.yml m365.message_encryption.baseline")
    (report,) = (tmp_path / "message_encryption/runs").glob("*/contoso/report.json")
    (organization,) = json.loads(report.read_text(encoding="utf-8"))[0]["organizations"]
    statuses = {control["id"]: control["status"] for control in organization["controls"]}
    assert {statuses[control] for control in ("IRM-5", "OME-4", "MFR-1", "MFR-2", "VRF-1")} == {"met"}
    assert statuses["OME-3"] == "unmanaged"
