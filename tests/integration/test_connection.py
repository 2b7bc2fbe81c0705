# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization as a host: what may run there, and what is said about the rest."""

from __future__ import annotations

import pytest

from .tenant import Tenant

ASK: dict[str, object] = {"m365.message_encryption.exchange_connection_info": {}}


#: Tasks that would run on a machine.
FOREIGN: list[dict[str, object]] = [
    {"ansible.builtin.command": "true"},
    {"ansible.builtin.copy": {"content": "text", "dest": "file"}},
    {"ansible.builtin.setup": {}},
    {"ansible.builtin.ping": {}},
]


def test_an_organization_is_not_a_machine(tenant: Tenant) -> None:
    run = tenant.run(*({"name": next(iter(task)), **task, "ignore_errors": True} for task in FOREIGN))
    assert [task.outcome for task in run] == ["failed"] * len(FOREIGN)
    for refusal in run:
        assert "contoso.onmicrosoft.com is an Exchange organization, not a machine" in refusal.result["msg"]
        assert "delegate_to: localhost" in refusal.result["msg"]
        assert "m365.message_encryption.exchange_connection_info" in refusal.result["msg"]
    assert tenant.emulator.round_trips == 0


def test_tasks_that_touch_no_machine_run(tenant: Tenant) -> None:
    run = tenant.run({"name": "said", "ansible.builtin.debug": {"msg": "{{ inventory_hostname }}"}})
    assert run.rc == 0
    assert run["said"]["msg"] == "contoso"
    assert tenant.emulator.round_trips == 0


def test_delegated_tasks_run_on_the_controller(tenant: Tenant) -> None:
    run = tenant.run({"name": "here", "ansible.builtin.command": "true", "delegate_to": "localhost"})
    assert run.rc == 0, run.output


#: A transport to its variable with certificate authorities.
AUTHORITIES = {"rest": "ansible_exchange_ca_cert", "psrp": "ansible_psrp_ca_cert", "powershell": "ansible_exchange_ca_cert"}


@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.parametrize("content", [None, "no certificate\n"], ids=["missing", "broken"])
def test_authorities_that_cannot_be_read_are_named(tenant: Tenant, transport: str, content: str | None) -> None:
    path = tenant.controller.home / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    variable = AUTHORITIES[transport]
    run = tenant.run({"name": "ask", **ASK}, arguments=["-e", f"{variable}={path}"])
    assert run.task("ask").outcome == "unreachable"
    assert run["ask"]["msg"].startswith(f"{variable}: {path} {'cannot be read' if content is None else 'contains no readable certificate'}")
    assert tenant.emulator.calls == []


def test_a_dead_authority_is_named(tenant: Tenant) -> None:
    run = tenant.run({"name": "ask", **ASK}, arguments=["-e", "ansible_exchange_authority_url=https://127.0.0.1:9", "-e", "ansible_exchange_retries=1"])
    assert run.task("ask").outcome == "unreachable"
    assert "the authority https://127.0.0.1:9 cannot be reached" in run["ask"]["msg"]
    assert "ansible_exchange_authority_url" in run["ask"]["msg"]
    assert "ansible_exchange_api_url" not in run["ask"]["msg"]
