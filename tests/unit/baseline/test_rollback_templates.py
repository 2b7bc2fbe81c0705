# SPDX-License-Identifier: GPL-3.0-or-later
"""OME configurations that a run created or changed, and what others have done with them before the rollback."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from .conftest import FailingSession, Role
from .refusing import refused

AME: dict[str, Any] = {"advanced_message_encryption": True}
REMOVES = {"remove_created_templates": True}
#: A picture of one pixel.
LOGO = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")
DEFAULT = "OME Configuration"


def created(tmp_path: Path, days: int | None = 7) -> Role:
    """A role that has created the template ``T``.

    :param days: after which mail expires; ``None`` to leave the option out.
    """
    role = Role(AME, str(tmp_path))
    role.run()
    role.run(branding_template={"name": "T"} | ({} if days is None else {"external_mail_expiry_in_days": days}))
    return role


def configurations(role: Role) -> list[str]:
    return [item["Identity"] for item in role.session.organization.dump()["ome_configurations"]]


def branded(role: Role, name: str, **more: Any) -> None:
    role.session.edit(
        "New-TransportRule",
        Name=name,
        FromScope="InOrganization",
        ApplyRightsProtectionTemplate="Encrypt",
        ApplyRightsProtectionCustomizationTemplate="T",
        **more,
    )


@pytest.mark.parametrize("days", [0, 7, None])
def test_a_template_that_is_as_the_run_created_it_is_removed(tmp_path: Path, days: int | None) -> None:
    role = created(tmp_path, days)
    role.run("rollback", **REMOVES)
    assert configurations(role) == [DEFAULT]


@pytest.mark.parametrize(
    "edit",
    [{"EmailText": "theirs"}, {"OTPEnabled": False}, {"ExternalMailExpiryInDays": 9}],
    ids=lambda edit: next(iter(edit)),
)
def test_a_template_that_somebody_changed_is_theirs_unless_forced(tmp_path: Path, edit: dict[str, Any]) -> None:
    role = created(tmp_path)
    role.session.edit("Set-OMEConfiguration", Identity="T", **edit)
    assert "T is not as the run left it: somebody changed or renamed it since then." in refused(
        role, "rollback", **REMOVES
    )
    role.run("rollback")
    assert configurations(role) == [DEFAULT, "T"]


@pytest.mark.parametrize("scope", ["changed", "full"])
def test_a_template_that_a_rule_of_others_names_stays_unless_forced(tmp_path: Path, scope: str) -> None:
    role = created(tmp_path)
    branded(role, "theirs")
    text = refused(role, "rollback", rollback_scope=scope, **REMOVES)
    assert "T is named by the rule 'theirs', which stays. To allow it: hardened_baseline_rollback_force: true" in text
    role.run("rollback", rollback_force=True, **REMOVES)
    assert configurations(role) == [DEFAULT]


def test_a_template_that_only_rules_of_the_run_name_is_removed(tmp_path: Path) -> None:
    role = Role(AME, str(tmp_path))
    role.run()
    role.run(
        branding_template={"name": "T", "external_mail_expiry_in_days": 7},
        encrypt_outgoing={"template": "Encrypt"},
    )
    role.run("rollback", **REMOVES)
    assert configurations(role) == [DEFAULT]


@pytest.fixture(name="logo")
def logo_fixture(tmp_path: Path) -> str:
    path = tmp_path / "logo.png"
    path.write_bytes(LOGO)
    return str(path)


def test_a_logo_that_exchange_does_not_show_is_removed_and_said_to_be_unknown(tmp_path: Path, logo: str) -> None:
    """Nobody else has touched it: no drift, but nobody can tell."""
    role = Role({**AME, "image_output": "url"}, str(tmp_path))
    role.run()
    before = role.state()
    path = role.run(branding={"image_path": logo})["snapshot"]
    role.run("rollback")
    assert role.state() == before
    assert any(
        "image_content of OME Configuration: Exchange shows that it is set but not its value, so it is unknown whether somebody changed it"
        in warning
        for warning in role.report["warnings"]
    )
    assert role.artifacts.snapshots.rolled_back(path)


def test_a_logo_that_exchange_shows_is_still_compared(tmp_path: Path, logo: str) -> None:
    role = Role(AME, str(tmp_path))
    role.run()
    role.run(branding={"image_path": logo})
    role.session.edit("Set-OMEConfiguration", Identity=DEFAULT, Image=LOGO + b"x")
    assert "image_content of OME Configuration is " in refused(role, "rollback")


def test_a_logo_that_exchange_did_not_show_is_said_not_to_come_back(tmp_path: Path) -> None:
    role = Role({**AME, "image_output": "url"}, str(tmp_path))
    role.run()
    role.session.edit("Set-OMEConfiguration", Identity=DEFAULT, Image=LOGO + b"x")
    assert "image_content of OME Configuration" in refused(role, branding={"image_content": ""})
    path = role.run(branding={"image_content": ""}, accept=["irreversible"])["snapshot"]
    role.run("rollback")
    text = "image_content of OME Configuration is not restored: Exchange did not show its value before the run."
    assert any(text in warning for warning in role.report["warnings"])
    assert not role.artifacts.snapshots.rolled_back(path)


def test_a_failed_run_that_cannot_be_taken_back_whole_is_not_said_to_be(tmp_path: Path) -> None:
    session = FailingSession({**AME, "image_output": "url"}, fails=-1)
    role = Role(session, str(tmp_path))
    role.run()
    session.edit("Set-OMEConfiguration", Identity=DEFAULT, Image=LOGO + b"x")
    session.fails = len(session.writes) + 1
    with pytest.raises(
        ExchangeError, match=r"were taken back, but .*image_content of OME Configuration is not restored"
    ):
        role.run(
            branding={"image_content": ""},
            encrypt_outgoing=True,
            accept=["irreversible"],
            rollback_on_failure=True,
        )
    states = {change["option"]: change["state"] for change in role.report["changes"]}
    assert (states["image_content"], states["state"]) == ("unknown", "not applied")


def test_a_template_of_others_stays_whatever_is_restored(tmp_path: Path) -> None:
    role = created(tmp_path)
    role.session.edit("New-OMEConfiguration", Identity="Theirs")
    first = min(path.name for path in tmp_path.rglob("snapshot-*.json") if path.name.count(".") == 1)
    restored = {"rollback_scope": "full", "rollback_snapshot": first}
    role.run("rollback", **restored)
    (warned,) = [each for each in role.report["warnings"] if "OME configurations" in each]
    assert warned == (
        "OME configurations that exist since then stay: 'T', 'Theirs'. "
        "hardened_baseline_remove_created_templates: true removes those that a run created."
    )
    role.run("rollback", **restored, **REMOVES, rollback_force=True)
    assert configurations(role) == [DEFAULT, "Theirs"]
    assert any("stay: 'Theirs'." in each for each in role.report["warnings"])
