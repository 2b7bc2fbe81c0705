# SPDX-License-Identifier: GPL-3.0-or-later
"""A play of single tasks: they share what they read, and a write shares its round trip with what verifies it. By count
of the requests that arrive.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.tenant import Tenant

#: The round trips of a play that reads everything once, with opening and ending its session. In a process of its own
#: the module makes one for each cmdlet.
ONCE = {"rest": 1, "psrp": 3, "engine": 3, "endpoint": 1, "powershell": 12}

RULE = {
    "name": "Encrypt",
    "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["secret"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}

FIVE: list[tuple[str, dict[str, Any]]] = [
    ("ome_configuration", {"social_id_sign_in": False}),
    ("irm_configuration", {"decrypt_attachment_for_encrypt_only": True}),
    ("activesync_org_settings", {"allow_rms_support_for_unenlightened_apps": True}),
    ("owa_mailbox_policy", {"identity": "OwaMailboxPolicy-Default", "irm_enabled": False}),
    ("ome_transport_rule", RULE),
]


#: Those of a play whose five tasks write: each task reads, and writes in the round trip that verifies it. In a process
#: of its own, 24 cmdlets more.
WRITING = {wire: number - 1 + 2 * len(FIVE) for wire, number in ONCE.items()} | {"powershell": ONCE["powershell"] + 24}
#: Those of a play whose five tasks read for themselves. In a process of its own, this is one cmdlet more: a rule that
#: encrypts reads the IRM configuration.
ALONE = {wire: number - 1 + len(FIVE) for wire, number in ONCE.items()} | {"powershell": ONCE["powershell"] + 1}


def tasks() -> list[dict[str, Any]]:
    return [{"name": module, f"m365.message_encryption.{module}": options} for module, options in FIVE]


def is_open(tenant: Tenant) -> bool:
    """Whether a session has not ended yet. The playbook does not wait for that."""
    counters = tenant.emulator.service.ledger.counters
    ended = counters.get("exchange_sessions_closed", 0) + counters.get("exchange_sessions_abandoned", 0)
    return bool(tenant.emulator.sessions["shells"]) or ended < counters.get("exchange_sessions_opened", 0)


def round_trips(tenant: Tenant) -> int:
    """Those since this was asked the last time, with those of the session's end."""
    deadline = time.monotonic() + 120
    while is_open(tenant) and time.monotonic() < deadline:
        time.sleep(0.05)
    count: int = tenant.emulator.round_trips
    tenant.emulator.service.ledger.reset()
    return count


@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.endpoint
def test_tasks_share_what_they_read(tenant: Tenant, wire: str) -> None:
    round_trips(tenant)
    reuse = ("-e", "ansible_exchange_read_reuse=120")
    check = tenant.controller.tasks(tasks(), "--check", *reuse)
    assert check.rc == 0, check.output
    assert len(check.changed) == len(FIVE)
    assert round_trips(tenant) == ONCE[wire]

    apply = tenant.controller.tasks(tasks(), *reuse)
    assert apply.rc == 0, apply.output
    assert len(apply.changed) == len(FIVE)
    writes = [entry.cmdlet for entry in tenant.emulator.calls if entry.applied]
    assert len(writes) == len(set(writes)) == len(FIVE)
    assert round_trips(tenant) == WRITING[wire]

    again = tenant.controller.tasks(tasks(), *reuse)
    assert again.rc == 0, again.output
    assert again.changed == []
    assert round_trips(tenant) == ONCE[wire]


def test_what_always_reads(tenant: Tenant, wire: str) -> None:
    round_trips(tenant)
    # Information is always read.
    read = {"name": "info", "m365.message_encryption.message_encryption_info": {"gather": ["irm_configuration"]}}
    known = tenant.controller.tasks([*tasks(), read, read], "--check", "-e", "ansible_exchange_read_reuse=120")
    assert known.rc == 0, known.output
    assert round_trips(tenant) == ONCE[wire] + 2

    # Without reuse, every task reads for itself.
    alone = tenant.controller.tasks(tasks(), "--check", "-e", "ansible_exchange_read_reuse=0")
    assert alone.rc == 0, alone.output
    assert round_trips(tenant) == ALONE[wire]


@pytest.mark.possible_wires("psrp", "constrained")
@pytest.mark.wires("psrp", "constrained")
@pytest.mark.parametrize("old", [False, True])
def test_who_it_is_travels_with_the_reads(tenant: Tenant, wire: str, old: bool) -> None:
    """Also where the module of the management host is too old for Get-ConnectionInformation."""
    if old:
        tenant.emulator.organizations[tenant.organization].patch({"hidden_cmdlets": ["Get-ConnectionInformation"]})
    round_trips(tenant)
    run = tenant.controller.tasks([{"name": "info", "m365.message_encryption.message_encryption_info": {}}])
    assert run.rc == 0, run.output
    # Beside opening and ending the session.
    assert round_trips(tenant) == 1 + {"psrp": 2, "constrained": 0}[wire]


def test_a_write_of_the_run_is_seen_by_its_next_task(tenant: Tenant) -> None:
    module = "m365.message_encryption.irm_configuration"
    there, back = (
        {"name": str(value), module: {"decrypt_attachment_for_encrypt_only": value}} for value in (True, False)
    )
    run = tenant.controller.tasks([back, there, there, back, back], "-e", "ansible_exchange_read_reuse=120")
    assert run.rc == 0, run.output
    assert [result.result["changed"] for result in run] == [False, True, False, True, False]
    assert tenant.state()["irm_configuration"]["DecryptAttachmentForEncryptOnly"] is False
