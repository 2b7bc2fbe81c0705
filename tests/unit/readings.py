# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pure core is given in tests: organizations as one round trip brought them. No session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)


def organization(**subsets: Sequence[Mapping[str, Any]] | ExchangeError) -> Organization:
    """An organization of which these subsets were read: each with its objects, or with the error of its read."""
    results = {
        name: Result(error=brought)
        if isinstance(brought, ExchangeError)
        else Result(objects=[dict(item) for item in brought])
        for name, brought in subsets.items()
    }
    return Organization({name: SUBSETS[name] for name in subsets}, results)
