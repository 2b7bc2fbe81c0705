# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module says where it cannot work. Private to the collection."""

from __future__ import annotations

from typing import Any

#: The name of the connection plugin that every module of an organization needs.
CONNECTION = "m365.message_encryption.exchange"

#: The lines of inventory that make a host an organization, and the three ways in which they are overruled.
INVENTORY_HELP = f"""\
This module works on an organization, which is an inventory host with its own connection:

    exchange_organizations:
      hosts:
        contoso:
      vars:
        ansible_connection: {CONNECTION}
        ansible_exchange_organization: contoso.onmicrosoft.com

Give the play hosts: exchange_organizations and gather_facts: false. If that is what you have, one of these is in the way:
the implicit localhost ignores the keyword connection:; a host's or group's ansible_connection beats that keyword; and
variables under all: reach localhost and every machine, too, so they belong under a group of their own."""


def refuse(**spec: Any) -> None:
    """The whole ``main()`` of a module: it runs through its action plugin, in Ansible's own process, and nowhere else."""
    # Only a module that was started as a program comes here; importing this costs every worker a tenth of a second.
    from ansible.module_utils.basic import AnsibleModule

    AnsibleModule(**spec).fail_json(msg=f"This module was started as a program, which it is not. {INVENTORY_HELP}")
