# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Exchange organization in a process, for the demo and for every test. See README.md."""

from __future__ import annotations

from .emulator import Emulator
from .organization import Organization

__all__ = ["Emulator", "Organization"]
