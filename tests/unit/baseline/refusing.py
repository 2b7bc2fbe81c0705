# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that the role refuses, with what it says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from .conftest import Role


def refused(role: Role, procedure: str = "baseline", **variables: Any) -> str:
    before = len(role.session.writes), role.artifacts.snapshots.chain().links
    with pytest.raises(ExchangeError) as refusal:
        role.plan(procedure, **variables)
    assert (len(role.session.writes), role.artifacts.snapshots.chain().links) == before
    return str(refusal.value)
