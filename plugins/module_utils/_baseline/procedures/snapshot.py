# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedure that takes a snapshot, and writes nothing to the organization. Private to the collection."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import KIND
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import (
    Procedure,
    Takes,
)


class Snapshot(Procedure):
    """Takes a snapshot, and writes nothing to the organization."""

    kind = KIND
    takes_snapshot = Takes.ALWAYS
