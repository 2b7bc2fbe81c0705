# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains how to configure a host when a module cannot run."""

from __future__ import annotations

from typing import Any

#: The name of the connection plugin that every module of the collection needs.
CONNECTION = "m365.message_encryption.exchange"

#: The inventory lines that make a host an organization, and the three traps that override them.
INVENTORY_HELP = f"""\
This module manages an organization, which is an inventory host with its own connection:

    exchange_organizations:
      hosts:
        contoso:
      vars:
        ansible_connection: {CONNECTION}
        ansible_exchange_organization: contoso.onmicrosoft.com

In a command without an inventory file, add -c {CONNECTION}.
Set hosts: exchange_organizations and gather_facts: false in the play. If you already do, check for one of these traps:
the implicit localhost ignores the keyword connection:, an ansible_connection variable of a host or group overrides that keyword,
and variables under all: also apply to localhost and every machine, so define them in a group for organizations only."""


def refuse(**spec: Any) -> None:
    """The whole ``main()`` of a module, which only refuses: modules run in their action plugin, inside Ansible's own
    process.
    """
    # Imported here because only a module started as a program needs it, and the import would cost every worker a tenth
    # of a second.
    from ansible.module_utils.basic import AnsibleModule

    AnsibleModule(**spec).fail_json(msg=f"This module cannot run as a program on a host. {INVENTORY_HELP}")
