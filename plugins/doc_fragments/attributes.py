# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the collection's modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Supports check mode. It reads, and reports what it would write.
    support: full
  diff_mode:
    description: Shows the changed options before and after, as YAML.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  action_group:
    description: Use C(group/m365.message_encryption.exchange) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - m365.message_encryption.exchange
  async:
    description: Supports C(async).
    support: none
    details:
      - The module runs on the controller, in Ansible's own process.
  platform:
    description: The supported platforms.
    support: full
    platforms: Exchange Online, Exchange Server
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Supports check mode. It never writes.
    support: full
  diff_mode:
    description: Shows what changed.
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: Use C(group/m365.message_encryption.exchange) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - m365.message_encryption.exchange
  async:
    description: Supports C(async).
    support: none
    details:
      - The module runs on the controller, in Ansible's own process.
  platform:
    description: The supported platforms.
    support: full
    platforms: Exchange Online, Exchange Server
"""

    FILES = r"""
options: {}
attributes:
  check_mode:
    description: Writes its files in check mode, too. It never writes to an organization.
    support: full
  diff_mode:
    description: Shows no diff, because the files of each run are new.
    support: none
  idempotent:
    description: It never changes an organization.
    support: full
  action_group:
    description: Use C(group/m365.message_encryption.exchange) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - m365.message_encryption.exchange
  async:
    description: Supports C(async).
    support: none
    details:
      - The module runs on the controller, in Ansible's own process.
  platform:
    description: The supported platforms.
    support: full
    platforms: Exchange Online, Exchange Server
"""
