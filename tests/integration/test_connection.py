# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization as a host: what may run there, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from .playbook import Controller
from .tenant import Tenant, inventory

ASK: dict[str, object] = {"m365.message_encryption.exchange_connection_info": {}}


#: Tasks that would run on a machine.
FOREIGN: list[dict[str, object]] = [
    {"ansible.builtin.command": "true"},
    {"ansible.builtin.copy": {"content": "text", "dest": "file"}},
    {"ansible.builtin.setup": {}},
    {"ansible.builtin.ping": {}},
]


def test_an_organization_is_not_a_machine(tenant: Tenant) -> None:
    said = {"name": "said", "ansible.builtin.debug": {"msg": "{{ inventory_hostname }}"}}
    here = {"name": "here", "ansible.builtin.command": "true", "delegate_to": "localhost"}
    run = tenant.run(*({"name": next(iter(task)), **task, "ignore_errors": True} for task in FOREIGN), said, here)
    *refusals, touches_none, delegated = run
    assert [task.outcome for task in refusals] == ["failed"] * len(FOREIGN)
    for refusal in refusals:
        assert "contoso.onmicrosoft.com is an Exchange organization, not a machine" in refusal.result["msg"]
        assert "delegate_to: localhost" in refusal.result["msg"]
        assert "m365.message_encryption.exchange_connection_info" in refusal.result["msg"]
    assert (touches_none.outcome, touches_none.result["msg"]) == ("ok", "contoso")
    assert delegated.outcome == "ok", run.output
    assert tenant.emulator.round_trips == 0


#: A transport to its variable with certificate authorities.
AUTHORITIES = {
    "rest": "ansible_exchange_ca_cert",
    "psrp": "ansible_psrp_ca_cert",
    "powershell": "ansible_exchange_ca_cert",
}


@pytest.mark.wires("rest", "psrp", "powershell")
def test_authorities_that_cannot_be_read_are_named(tenant: Tenant, transport: str, wire: str, tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("no certificate\n", encoding="utf-8")
    variable = AUTHORITIES[transport]
    right = inventory(tenant.emulator, wire)["exchange_organizations"]["hosts"][tenant.host]
    hosts = {name: {**right, variable: str(tmp_path / f"{name}.pem")} for name in ("missing", "broken")}
    run = Controller(tmp_path, {"all": {"hosts": hosts}}).tasks([{"name": "ask", **ASK}])
    for name, why in (("missing", "cannot be read"), ("broken", "contains no readable certificate")):
        found = run.task("ask", name)
        assert found.outcome == "unreachable"
        assert found.result["msg"].startswith(f"{variable}: {tmp_path}/{name}.pem {why}")
    assert tenant.emulator.calls == []


@pytest.mark.possible_wires("rest")
def test_a_dead_authority_is_named(tenant: Tenant) -> None:
    run = tenant.run(
        {"name": "ask", **ASK},
        arguments=["-e", "ansible_exchange_authority_url=https://127.0.0.1:9", "-e", "ansible_exchange_retries=1"],
    )
    assert run.task("ask").outcome == "unreachable"
    assert "the authority https://127.0.0.1:9 cannot be reached" in run["ask"]["msg"]
    assert "ansible_exchange_authority_url" in run["ask"]["msg"]
    assert "ansible_exchange_api_url" not in run["ask"]["msg"]
