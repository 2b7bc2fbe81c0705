# SPDX-License-Identifier: GPL-3.0-or-later
"""An Exchange organization in a process, for the demo and for every test. See README.md."""

from __future__ import annotations

from .emulator import Emulator
from .organization import Organization

__all__ = ["Emulator", "Organization"]
