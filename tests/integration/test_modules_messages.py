# SPDX-License-Identifier: GPL-3.0-or-later
"""Testing IRM, and revoking a message: the modules, and the security desk's playbook."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.organization import default_state

from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
LICENSED = default_state(NAME) | {"advanced_message_encryption": True}
PORTAL, INLINE = f"<portal-1@{NAME}>", f"<inline-1@{NAME}>"


def irm_test(**options: Any) -> dict[str, Any]:
    return {
        "m365.message_encryption.irm_test": {"sender": f"AlexW@{NAME}", "recipients": [f"MeganB@{NAME}"], **options}
    }


def revocation(message_id: str, **options: Any) -> dict[str, Any]:
    return {"m365.message_encryption.ome_message_revocation": {"message_id": message_id, **options}}


def message_info(message_id: str) -> dict[str, Any]:
    return {"m365.message_encryption.ome_message_info": {"message_id": message_id}}


def test_irm_that_works(tenant: Tenant) -> None:
    run = tenant.run({"name": "run", **irm_test()}, {"name": "check", **irm_test(), "check_mode": True})
    assert run.rc == 0, run.output
    for result in (run["run"], run["check"]):
        assert (result["passed"], result["changed"]) == (True, False)
        assert [step["name"] for step in result["steps"]] == [
            "Acquiring RMS Templates",
            "Verifying encryption",
            f"Verifying decryption for recipient: MeganB@{NAME}",
            "Verifying IRM is enabled",
        ]
        assert result["templates"] == [row["Name"] for row in tenant.state()["rms_templates"]]
        assert result["msg"] == f"Rights management works for AlexW@{NAME}: 4 steps passed, 4 templates are available."
    assert [call.cmdlet for call in tenant.emulator.calls if call.cmdlet.startswith("Test-")] == [
        "Test-IRMConfiguration"
    ] * 2


@pytest.mark.organizations(default_state(NAME) | {"irm_test_failure": "encryption"})
def test_irm_that_fails(tenant: Tenant) -> None:
    run = tenant.run(
        {"name": "failed", **irm_test(), "ignore_errors": True},
        {"name": "allowed", **irm_test(fail_on_error=False)},
    )
    assert [task.outcome for task in run] == ["failed", "ok"], run.output
    assert (
        "Verifying encryption: Failed to verify encryption. Microsoft.Exchange.Data.RightsManagement.RmException"
        in run["failed"]["msg"]
    )
    assert [step["passed"] for step in run["failed"]["steps"]] == [True, False]
    assert run["allowed"]["passed"] is False


def test_irm_test_refuses_what_is_no_address_before_it_sends_anything(tenant: Tenant) -> None:
    both = "sender is 'Alex Wilber'; recipients has 'megan': Test-IRMConfiguration takes SMTP addresses only."
    cases = [
        (irm_test(sender="Alex Wilber", recipients=[f"MeganB@{NAME}", "megan"]), both),
        (irm_test(recipients=[]), "recipients is empty"),
    ]
    assert tenant.unsaid(*cases) == []
    assert tenant.emulator.round_trips == 0


@pytest.mark.organizations(LICENSED)
def test_a_message_is_revoked_and_readable_again(tenant: Tenant) -> None:
    done = tenant.converge(revocation(PORTAL))
    assert done.after["messages"][0]["Revoked"] is True
    assert done.check["ome_message_revocation"]["msg"] == f"{PORTAL} would be revoked."
    assert done.run["ome_message_revocation"]["commands"] == [
        f"Set-OMEMessageRevocation -MessageId '{PORTAL}' -Revoke $true"
    ]
    assert done.again["ome_message_revocation"]["msg"] == f"{PORTAL} is revoked already."
    info = tenant.run(message_info(PORTAL.strip("<>")), arguments=["--check"])["ome_message_info"]
    assert (info["message_id"], info["subject"], info["is_revocable"], info["revoked"]) == (
        PORTAL,
        "Quarterly figures",
        True,
        True,
    )
    assert info["msg"] == "'Quarterly figures' can be revoked and is revoked."
    done = tenant.converge(revocation(PORTAL.strip("<>"), revoked=False))
    assert done.after["messages"][0]["Revoked"] is False


@pytest.mark.organizations(LICENSED)
def test_messages_that_cannot_be_revoked(tenant: Tenant) -> None:
    tasks = {
        "inline": revocation(INLINE),
        "unknown": revocation("<nobody@contoso.com>"),
        "no id": revocation("Quarterly figures"),
        "unknown info": message_info("<nobody@contoso.com>"),
    }
    plays = [
        {
            "name": name,
            "hosts": tenant.host,
            "gather_facts": False,
            "check_mode": name == "check",
            "tasks": [{"name": each, "ignore_errors": True, **task} for each, task in tasks.items()],
        }
        for name in ("check", "run")
    ]
    whole = tenant.controller.plays(plays)
    for run in map(whole.of, ("check", "run")):
        assert f"message_id {INLINE} cannot be revoked" in run["inline"]["msg"]
        assert run["inline"]["error"]["class"] == "InvalidValueError"
        for name in ("unknown", "unknown info"):
            assert (
                "message_id <nobody@contoso.com> is not a message that this organization sent encrypted."
                in run[name]["msg"]
            )
            assert run[name]["error"]["class"] == "NotFoundError"
        assert "message_id 'Quarterly figures' is not a Message-ID." in run["no id"]["msg"]
    assert tenant.applied == []


def test_without_the_license(tenant: Tenant) -> None:
    run = tenant.run(revocation(PORTAL))
    assert run["ome_message_revocation"]["msg"].endswith("requires the license Advanced Message Encryption.")
    assert run["ome_message_revocation"]["error"]["class"] == "CmdletNotAvailableError"


@pytest.mark.organizations(LICENSED, "fabrikam.onmicrosoft.com")
def test_the_security_desk_revokes(tenant: Tenant) -> None:
    playbook = "m365.message_encryption.revoke"
    nothing = tenant.controller.playbook(
        playbook, "-e", "exchange_organizations=nobody", "-e", f"ome_message_id={PORTAL}"
    )
    assert nothing.rc == 2
    assert "No host matches nobody in the inventory." in nothing.output
    several = tenant.controller.playbook(playbook, "-e", f"ome_message_id={PORTAL}")
    assert several.rc == 2
    assert "(now: contoso, fabrikam)" in several.output
    assert tenant.emulator.round_trips == 0

    arguments = ["-e", "exchange_organizations=contoso", "-e", f"ome_message_id={PORTAL}"]
    check = tenant.controller.playbook(playbook, *arguments, "--check")
    assert check.rc == 0, check.output
    assert check["Show the result"]["msg"] == f"contoso: {PORTAL} would be revoked. Subject: Quarterly figures"
    assert tenant.state()["messages"][0]["Revoked"] is False
    done = tenant.controller.playbook(playbook, *arguments)
    assert done.rc == 0, done.output
    assert tenant.state()["messages"][0]["Revoked"] is True
    tenant.controller.playbook(playbook, *arguments, "-e", "ome_message_revoked=false")
    assert tenant.state()["messages"][0]["Revoked"] is False
