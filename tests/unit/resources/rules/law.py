# SPDX-License-Identifier: GPL-3.0-or-later
"""How laws of rules are tried."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))
