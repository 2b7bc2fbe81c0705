# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, typed into a real PowerShell as an administrator would: they make the organization that the collection
makes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from tests.emulator.captured import captured_state
from tests.soak.search import alike
from tests.soak.world import NAME, World

from .hostile_texts import HOSTILE

Tasks = Sequence[tuple[str, Mapping[str, Any]]]

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
INSIDE = {"from_scope": "InOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
OWN = {**ENCRYPT, "apply_rights_protection_customization_template": "One week expiration"}
LOCATIONS = ["https://a.example.com/_wmcs/licensing", "https://b.example.com/_wmcs/licensing"]

ARTICLE: Tasks = [
    (
        "irm_configuration",
        {"azure_rms_licensing_enabled": True, "licensing_location": LOCATIONS, "internal_licensing_enabled": True},
    ),
    ("irm_configuration", {"simplified_client_access_enabled": True, "decrypt_attachment_for_encrypt_only": True}),
    ("ome_configuration", {"social_id_sign_in": False, "otp_enabled": False}),
    ("activesync_org_settings", {"allow_rms_support_for_unenlightened_apps": True}),
    (
        "ome_configuration",
        {
            "identity": "One week expiration",
            "external_mail_expiry_in_days": 7,
            "image_content": base64.b64encode(PICTURE).decode(),
        },
    ),
    ("ome_transport_rule", {"name": "All outgoing mail", "conditions": INSIDE, "actions": OWN}),
    (
        "ome_transport_rule",
        {"name": "All outgoing mail", "actions": {"apply_rights_protection_template": "Do Not Forward"}},
    ),
    ("ome_transport_rule", {"name": "All outgoing mail", "enabled": False}),
    ("ome_transport_rule", {"name": "All outgoing mail", "state": "absent"}),
    ("ome_configuration", {"identity": "One week expiration", "image_content": "", "email_text": "Read it soon."}),
    ("ome_configuration", {"identity": "One week expiration", "email_text": ""}),
    ("ome_configuration", {"identity": "One week expiration", "state": "absent"}),
    ("irm_configuration", {"licensing_location": [], "azure_rms_licensing_enabled": False}),
    ("ome_message_revocation", {"message_id": f"<portal-1@{NAME}>", "revoked": True}),
]


def hostile() -> Tasks:
    tasks: list[tuple[str, Mapping[str, Any]]] = []
    for number, text in enumerate(
        [
            *HOSTILE,
            "\u2019; Remove-TransportRule * ; \u2019",
            "\u201a\u201b''",
            "a\x03b\x1b[2Jc",
            "-Confirm",
            "$null",
            "@{}",
        ]
    ):
        words = {"subject_contains_words": [text.strip(), "x"], "from_scope": "InOrganization"}
        dates = {"activation_date": "2099-01-01T00:00:00+05:45", "expiry_date": "2099-06-30T23:59:59-07:00"}
        actions = {"apply_html_disclaimer_text": text, "apply_html_disclaimer_fallback_action": "Wrap"}
        tasks += [
            (
                "ome_configuration",
                {
                    "email_text": text,
                    "portal_text": text[:100],
                    "privacy_statement_url": "https://x.example/?a='b'&c=\u2019d",
                },
            ),
            (
                "ome_transport_rule",
                {
                    "name": f"{text.strip()[:50]} {number}",
                    "comments": text,
                    "conditions": words,
                    "actions": actions,
                    **dates,
                },
            ),
            (
                "ome_transport_rule",
                {"name": f"{text.strip()[:50]} {number}", "comments": "", "activation_date": "", "conditions": {}},
            ),
        ]
    return tasks


@pytest.fixture(name="typed")
def typed_fixture(world: World) -> Any:
    """Types a command into a session that an administrator has opened. What it says goes wrong fails the test."""
    (organization,) = world.emulator.describe()["organizations"]
    account = {"username": organization["psrp_user"], "password": organization["psrp_password"]}
    port = world.emulator.psrp_plain_front.port
    world.start({"advanced_message_encryption": True})
    with (
        WSMan("127.0.0.1", port=port, ssl=False, auth="basic", encryption="never", no_proxy=True, **account) as line,
        RunspacePool(line, configuration_name="PowerShell.7") as pool,
    ):

        def typed(text: str) -> None:
            shell = PowerShell(pool)
            shell.add_script(text)
            shell.invoke()
            assert not shell.had_errors, (text, shell.streams.error)
            assert not shell.streams.error, (text, [str(error) for error in shell.streams.error])

        credential = (
            f"-AppId {organization['client_id']} -CertificateThumbprint {organization['certificate_thumbprint']}"
        )
        typed(f"Connect-ExchangeOnline -Organization {NAME} {credential} -ShowBanner:$false")
        yield typed


def with_the_file(text: str, directory: Path) -> str:
    """A command in which an administrator has put the path of the picture with the digest that it names."""
    named = re.search(r"<(\d+) bytes, SHA-256 ([0-9a-f]{64})>", text)
    if named is None:
        return text
    assert (int(named[1]), named[2]) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    path = directory / "picture.png"
    path.write_bytes(PICTURE)
    return text.replace(named[0], str(path))


def makes_the_same(world: World, typed: Any, start: Mapping[str, Any], tasks: Tasks, directory: Path) -> int:
    """Runs each task, and types its commands into the organization as it was before. Gives the number of commands."""
    world.start({"advanced_message_encryption": True, **start})
    count = 0
    for module, options in tasks:
        before = world.organization.dump()
        foretold = world.run("rest", module, options, check_mode=True)
        outcome = world.run("rest", module, options)
        assert outcome.error is None, (options, outcome.error)
        assert outcome.commands, (module, options)
        assert outcome.commands == foretold.commands
        made, after = world.state(), world.organization.dump()
        world.start(before)
        for text in outcome.commands:
            typed(with_the_file(text, directory))
        assert alike(world.state()) == alike(made), outcome.commands
        count += len(outcome.commands)
        world.start(after)
    return count


@pytest.mark.engine
def test_the_articles_plans(world: World, typed: Any, tmp_path: Path) -> None:
    assert makes_the_same(world, typed, {}, ARTICLE, tmp_path) >= len(ARTICLE)


@pytest.mark.engine
def test_plans_with_hostile_texts(world: World, typed: Any, tmp_path: Path) -> None:
    tasks = hostile()
    assert makes_the_same(world, typed, {}, tasks, tmp_path) >= len(tasks)


@pytest.mark.engine
def test_the_plan_that_makes_what_was_captured(world: World, typed: Any, tmp_path: Path) -> None:
    """An organization without a rule becomes one that looks like the captures, by one task."""
    captured = captured_state()
    world.start(captured)
    state = world.run("rest", "message_encryption_info", {}).result
    wanted = {part: state[part] for part in ("transport_rules", "irm_configuration", "activesync_org_settings")}
    rules = [{key: value for key, value in rule.items() if key != "guid"} for rule in wanted["transport_rules"]]
    assert len(rules) > 3
    task = ("message_encryption_state", {"state": {**wanted, "transport_rules": rules}})
    assert makes_the_same(world, typed, {**captured, "transport_rules": []}, [task], tmp_path) >= len(rules)
