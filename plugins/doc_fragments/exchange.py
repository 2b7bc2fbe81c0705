# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module that writes takes, and what every module needs."""

    DOCUMENTATION = r"""
options:
  verify_timeout:
    description:
      - For how many seconds Exchange may take to show a change that it has accepted. The task fails when it does not.
      - V(0) does not read back. Then a change that Exchange ignores is taken for done, and nothing that somebody else did at the same time is noticed.
      - Read back means that the change is stored. That mail is treated so takes Exchange minutes to hours more.
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
