# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module of the collection can and cannot do."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Runs in check mode, reads, and says what it would write.
    support: full
  diff_mode:
    description: Shows the changed options before and after, as YAML.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  action_group:
    description: Takes part in C(module_defaults) for the group.
    support: full
    membership:
      - m365.message_encryption.exchange
  async:
    description: Runs with C(async).
    support: none
    details:
      - The module runs in Ansible's own process.
  platform:
    description: What it works on.
    support: full
    platforms: Exchange Online, Exchange Server
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Runs in check mode; it never writes.
    support: full
  diff_mode:
    description: Shows changes.
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: Takes part in C(module_defaults) for the group.
    support: full
    membership:
      - m365.message_encryption.exchange
  async:
    description: Runs with C(async).
    support: none
    details:
      - The module runs in Ansible's own process.
  platform:
    description: What it works on.
    support: full
    platforms: Exchange Online, Exchange Server
"""
