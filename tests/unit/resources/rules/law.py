# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How laws of rules are tried."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))
