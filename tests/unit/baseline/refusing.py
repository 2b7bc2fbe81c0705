# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
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
