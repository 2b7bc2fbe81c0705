# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a replay alone: what rules would have done to the mail of several organizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._mail_flow.wording.replay_row import ReplayResultRow

FORMAT = 1


@dataclass(frozen=True)
class ReplayedOrganization:
    """The replay of an organization's mail, or why there is none.

    :param host: its name in the inventory.
    """

    host: str
    replay: ReplayResultRow


@dataclass(frozen=True)
class ReplayReport:
    """The replays of the hosts of a play.

    :param generated_at: the time in UTC, as ISO 8601 has it.
    """

    generated_at: str
    organizations: Sequence[ReplayedOrganization]

    def as_row(self) -> dict[str, Any]:
        """The document."""
        return {
            "format": FORMAT,
            "kind": "replay",
            "generated_at": self.generated_at,
            "organizations": [
                {"host": organization.host, **organization.replay.as_row()} for organization in self.organizations
            ],
        }
