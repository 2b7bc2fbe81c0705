# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires of a test that a real PowerShell has no part in: what happens to requests and answers on their way, or above the seam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def matrix(wires: Iterable[Any]) -> list[Any]:
    """The same wires, of which those with a real PowerShell run in "make test-all" only (``--wires all``)."""
    return [wire if isinstance(wire, str) else pytest.param(*wire.values, marks=[*wire.marks, pytest.mark.matrix]) for wire in wires]
