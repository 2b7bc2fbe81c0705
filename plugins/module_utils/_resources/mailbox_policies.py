# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the policies of Outlook on the web and of mobile devices say about IRM. Private to the collection.

The two cmdlets spell their parameter differently: ``IRMEnabled`` and ``IrmEnabled``.
"""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Boolean
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table

OWA_MAILBOX_POLICY = Table(
    name="owa_mailbox_policy",
    subset="owa_mailbox_policies",
    noun="OwaMailboxPolicy",
    identity="identity",
    fields=(Field("irm_enabled", Boolean(), "IRMEnabled", impacts={False: "takes away"}),),
)

MOBILE_DEVICE_MAILBOX_POLICY = Table(
    name="mobile_device_mailbox_policy",
    subset="mobile_device_mailbox_policies",
    noun="MobileDeviceMailboxPolicy",
    identity="identity",
    fields=(Field("irm_enabled", Boolean(), "IrmEnabled", impacts={False: "takes away"}),),
)
