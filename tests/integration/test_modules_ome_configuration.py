# SPDX-License-Identifier: GPL-3.0-or-later
"""OME configurations on an emulated organization: branding, templates, and what Exchange does not allow."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
import yaml

from tests.emulator.ledger import Entry
from tests.emulator.organization import default_state

from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
LICENSED = default_state(NAME) | {"advanced_message_encryption": True}
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 171, 70)
TEXTS = (
    "portal_text",
    "email_text",
    "disclaimer_text",
    "introduction_text",
    "read_button_text",
    "privacy_statement_url",
)
BRANDING = {
    **dict.fromkeys(TEXTS, 'Contoso: it\'s "ours"\nand $yours'),
    "background_color": "#0078D4",
    "image_content": base64.b64encode(PNG).decode(),
}
BRANDING["privacy_statement_url"] = "https://contoso.com/privacy"


def _logo(call: Entry) -> bytes:
    """The logo that a call wrote: numbers in an object over ``rest``, bytes in base64 over the others."""
    image = call.parameters["Image"]
    return bytes(image["Data"]) if isinstance(image, dict) else base64.b64decode(image)


def ome(**options: Any) -> dict[str, Any]:
    return {"m365.message_encryption.ome_configuration": options}


def test_branding_is_set_left_alone_and_cleared(tenant: Tenant) -> None:
    done = tenant.converge(ome(**BRANDING))
    (portal,) = done.after["ome_configurations"]
    assert portal["PortalText"] == BRANDING["portal_text"]
    assert base64.b64decode(portal["Image"]) == PNG
    assert "The logo has 171 x 70 pixels; Microsoft recommends 170 x 70." in done.run["ome_configuration"]["warnings"]
    assert BRANDING["image_content"] not in done.run.output
    assert tenant.run(ome(background_color="#0078d4")).changed == []

    cleared = tenant.converge(ome(**dict.fromkeys(BRANDING, "")))
    (portal,) = cleared.after["ome_configurations"]
    assert not any(
        portal[name]
        for name in (
            "PortalText",
            "EmailText",
            "DisclaimerText",
            "IntroductionText",
            "ReadButtonText",
            "BackgroundColor",
            "Image",
        )
    )


def test_a_logo_is_found_as_copy_finds_files(tenant: Tenant) -> None:
    """Beside the playbook, and in the role."""
    home = tenant.controller.home
    for files, content in (("files", PNG), ("roles/branding/files", PNG + b"role")):
        (home / files).mkdir(parents=True)
        (home / files / "logo.png").write_bytes(content)
    task = ome(image_path="logo.png")
    (home / "roles/branding/tasks").mkdir()
    (home / "roles/branding/tasks/main.yml").write_text(
        yaml.safe_dump([{"name": "brand", **task}, {"name": "again", **task}]), encoding="utf-8"
    )
    run = tenant.run(
        {"name": "brand", **task},
        {"name": "again", **task},
        {"name": "role", "ansible.builtin.include_role": {"name": "branding"}},
    )
    assert run.rc == 0, run.output
    assert run.changed == ["brand", "branding : brand"]
    assert [_logo(call) for call in tenant.applied] == [PNG, PNG + b"role"]
    assert base64.b64decode(tenant.state()["ome_configurations"][0]["Image"]) == PNG + b"role"


@pytest.mark.organizations(default_state(NAME) | {"image_output": "url"})
def test_a_logo_of_which_only_the_address_is_shown(tenant: Tenant) -> None:
    first = tenant.converge(ome(image_content=BRANDING["image_content"]))
    assert first.run["ome_configuration"]["changed"]
    other = base64.b64encode(PNG + b"other").decode()
    run = tenant.run(
        {"name": "unseen", **ome(image_content=other)},
        {"name": "forced", **ome(image_content=other, image_force=True, portal_text="Hello")},
    )
    assert not run["unseen"]["changed"]
    assert any("image_force sends it" in warning for warning in run["unseen"]["warnings"])
    assert len(run["forced"]["commands"]) == 2
    (portal,) = tenant.state()["ome_configurations"]
    assert (portal["PortalText"], portal["Image"]) == ("Hello", other)
    tenant.converge(ome(image_content=""))


@pytest.mark.organizations(LICENSED)
def test_a_template_comes_changes_and_goes(tenant: Tenant) -> None:
    week = {
        "identity": "One week expiration",
        "external_mail_expiry_in_days": 7,
        "otp_enabled": True,
        "social_id_sign_in": False,
    }
    created = tenant.converge(ome(**week))
    assert created.run["ome_configuration"]["commands"][0].startswith(
        "New-OMEConfiguration -Identity 'One week expiration'"
    )
    assert [row["ExternalMailExpiryInterval"] for row in created.after["ome_configurations"]][1].startswith("7.")
    assert tenant.converge(ome(**{**week, "external_mail_expiry_in_days": 0})).run["ome_configuration"]["changed"]
    tenant.edit(
        "New-TransportRule",
        Name="Expiring mail",
        ApplyRightsProtectionTemplate="Encrypt",
        ApplyRightsProtectionCustomizationTemplate="One week expiration",
    )
    removed = tenant.converge(ome(identity="one week expiration", state="absent"))
    assert len(removed.after["ome_configurations"]) == 1
    of_mail, of_rules = removed.run["ome_configuration"]["warnings"]
    assert "Mail that was sent with 'One week expiration' depends on it" in of_mail
    assert "'Expiring mail'" in of_rules


def test_a_template_without_the_license(tenant: Tenant) -> None:
    template = ome(identity="One week expiration", external_mail_expiry_in_days=7)
    run = tenant.run({"name": "check", **template, "check_mode": True}, template)
    assert run["check"]["warnings"] == [
        "Without check mode, this task would fail: New-OMEConfiguration is not granted to this session. "
        "It requires the license Advanced Message Encryption."
    ]
    assert run.task("ome_configuration").outcome == "failed"
    assert run["ome_configuration"]["msg"].startswith("New-OMEConfiguration: ")
    assert run["ome_configuration"]["msg"].endswith("requires the license Advanced Message Encryption.")


BAD = {
    "color": (
        ome(background_color="blurple"),
        "background_color must be #RRGGBB or an HTML color name, not 'blurple'.",
    ),
    "long": (ome(portal_text="x" * 129), "portal_text has 129 characters; Exchange accepts at most 128."),
    "days": (
        ome(identity="x", external_mail_expiry_in_days=731),
        "external_mail_expiry_in_days must be between 0 and 730, not 731.",
    ),
    "removed": (ome(state="absent"), "identity 'OME Configuration' cannot be removed: every organization has it."),
    "expiry": (
        ome(external_mail_expiry_in_days=7),
        "external_mail_expiry_in_days cannot be set on 'OME Configuration'",
    ),
    "unknown": (ome(portal_txt="x", color="x"), "portal_txt: did you mean portal_text?"),
    "not base64": (ome(image_content="logo.png"), "image_content is not base64 text."),
    "both": (
        ome(image_content="AAAA", image_path="logo.png"),
        "image_content and image_path exclude each other: give one of them",
    ),
    "no file": (ome(image_path="nowhere.png"), "The file 'nowhere.png' cannot be read"),
    "yes": (ome(portal_text=True), "portal_text is true, which is not text: put it in quotes"),
}


def test_bad_input_is_named_before_anything_is_sent(tenant: Tenant) -> None:
    run = tenant.run(*({"name": name, "ignore_errors": True, **task} for name, (task, _message) in BAD.items()))
    for name, (_task, message) in BAD.items():
        assert run.task(name).outcome == "failed", name
        assert message in run[name]["msg"], name
    assert tenant.emulator.round_trips == 0


def test_nobody_can_read_any_more_is_warned_of(tenant: Tenant) -> None:
    run = tenant.run(ome(otp_enabled=False, social_id_sign_in=False))
    assert any(
        "neither one-time passcodes nor social IDs" in warning for warning in run["ome_configuration"]["warnings"]
    )
