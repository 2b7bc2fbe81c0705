# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the modules that write, and the requirements of all modules."""

    DOCUMENTATION = r"""
options:
  verify_timeout:
    description:
      - The seconds to wait until Exchange returns a change that it has accepted. If it does not return it in time, the task fails.
      - As long, a write is read back whose response was neither a success nor a clear refusal, such as one that was lost, or any error of Microsoft's module.
      - V(0) disables the check of what Exchange has accepted. The task then counts a change that Exchange ignores as done, and does not notice changes by
        others at the same time.
      - A change that Exchange returns is stored. It can take minutes to hours more until it applies to mail.
    type: int
    default: 60
requirements:
  - the connection plugin P(m365.message_encryption.exchange#connection)
notes:
  - The host must be an organization, which is an inventory host with C(ansible_connection=m365.message_encryption.exchange).
"""

    INFO = r"""
options: {}
requirements:
  - the connection plugin P(m365.message_encryption.exchange#connection)
notes:
  - The host must be an organization, which is an inventory host with C(ansible_connection=m365.message_encryption.exchange).
"""
