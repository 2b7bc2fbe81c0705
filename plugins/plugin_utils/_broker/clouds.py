# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's clouds and their hosts. Private to the collection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """The hosts of one Microsoft cloud.

    :param api: the Exchange API, which with ``/.default`` is also the token's scope.
    :param authority: the authority that issues tokens.
    :param graph: Microsoft Graph; empty where it has no message trace.
    """

    api: str
    authority: str
    graph: str = ""

    @property
    def scope(self) -> str:
        """The scope of a token request."""
        return f"{self.api}/.default"


#: Source: the admin API's documented hosts for each cloud; for China, what Microsoft's own module uses. Graph: the
#: national clouds that Microsoft's page of "List messageTraces" names.
CLOUDS = {
    "O365Default": Cloud(
        "https://outlook.office365.com", "https://login.microsoftonline.com", "https://graph.microsoft.com"
    ),
    "O365USGovGCCHigh": Cloud("https://outlook.office365.us", "https://login.microsoftonline.us"),
    "O365USGovDoD": Cloud("https://outlook-dod.office365.us", "https://login.microsoftonline.us"),
    "O365China": Cloud("https://partner.outlook.cn", "https://login.chinacloudapi.cn"),
}
