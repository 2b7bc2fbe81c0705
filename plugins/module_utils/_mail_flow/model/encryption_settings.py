# SPDX-License-Identifier: GPL-3.0-or-later
"""What the organization's settings say of encryption: rights management, OME configurations, Outlook on the web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._exchange.names import same_name
from ..._resources.rights_management import Obstacle, obstacle


@dataclass(frozen=True)
class EncryptionSettings:
    """What is known of these settings.

    :param irm_configuration: the settings of the module with this name; likewise the next ones.
    """

    irm_configuration: Mapping[str, Any] | None = None
    rms_templates: tuple[Mapping[str, Any], ...] | None = None
    ome_configurations: tuple[Mapping[str, Any], ...] | None = None
    owa_mailbox_policies: tuple[Mapping[str, Any], ...] | None = None

    @property
    def obstacle(self) -> Obstacle | None:
        """What keeps rights management from working; ``None`` if nothing shows that it does not work."""
        return obstacle(self.irm_configuration, self.rms_templates)

    def expiry(self, branding: str) -> int | None:
        """After how many days mail that shows an OME configuration expires in the portal, 0 if it never does; ``None``
        if unknown.
        """
        named = (
            known for known in self.ome_configurations or () if same_name(str(known.get("identity", "")), branding)
        )
        days = next(named, {}).get("external_mail_expiry_in_days")
        return None if days is None else int(days)

    def expires_within(self, branding: str, days: int) -> bool | None:
        """Whether mail that shows an OME configuration expires in the portal after so many days at most; ``None`` if
        unknown.
        """
        expiry = self.expiry(branding)
        return None if expiry is None else 0 < expiry <= days
