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
