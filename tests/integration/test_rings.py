# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rings that a playbook is given: Ansible itself takes one of 0 for all organizations."""

from __future__ import annotations

import pytest

from .tenant import Tenant


@pytest.mark.parametrize("rings", ['[0, "100%"]', "[-1]", "[]", '["x"]', '"all"', "[1.5]"])
def test_rings_that_are_none_are_refused_before_anything_is_read(tenant: Tenant, rings: str) -> None:
    refused = tenant.controller.playbook(
        "m365.message_encryption.baseline", "-e", f'{{"hardened_baseline_rings": {rings}}}'
    )
    assert refused.rc == 2
    assert "hardened_baseline_rings must be a list of numbers from 1 and percentages from 1%" in refused.output
    assert tenant.emulator.round_trips == 0
