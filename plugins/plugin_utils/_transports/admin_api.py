# SPDX-License-Identifier: GPL-3.0-or-later
"""One organization in the admin API: its addresses, and the headers of requests to it."""

from __future__ import annotations

import uuid

from .authentication import is_tenant_id
from .http_line import HttpLine

SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
#: The version of Microsoft's module whose interface is used.
MODULE_VERSION = "3.9.2"
#: Requests pages of so many objects.
PAGE = "odata.maxpagesize=1000"


class AdminApi:
    """The admin API of one organization.

    :param organization: its domain or tenant ID, from the inventory.
    """

    def __init__(self, line: HttpLine, organization: str) -> None:
        self.line = line
        self._organization = organization
        self._connection_id = str(uuid.uuid4())

    def address(self, version: str) -> str:
        """The address below which a version of the interface is.

        :raises FailedError: the authority gives no token.
        """
        self.line.token()  # which shows the tenant id
        return f"{self.line.service.base}/adminapi/{version}/{self._tenant}"

    def headers(self) -> dict[str, str]:
        """The headers that all requests have."""
        return {
            "Accept": "application/json",
            "Accept-Charset": "UTF-8",
            "Accept-Language": "en-US",
            "X-ResponseFormat": "json",
            "X-SerializationLevel": "Partial",
            "X-ClientApplication": "m365.message_encryption",
            "X-ClientModuleVersion": MODULE_VERSION,
            "X-AnchorMailbox": self._anchor_mailbox(),
            "Prefer": PAGE,
            "WarningAction": "Continue",
            "connection-id": self._connection_id,
        }

    def _anchor_mailbox(self) -> str:
        """The mailbox by which the service routes a request."""
        user, tenant = self.line.credential.user, self._tenant
        if user:
            return f"UPN:{user}"
        return f"{'APP' if is_tenant_id(tenant) else 'UPN'}:{SYSTEM_MAILBOX}@{tenant}"

    @property
    def _tenant(self) -> str:
        """The organization in addresses: its tenant id, once a token shows it. With a domain, the service may refuse
        further pages.
        """
        return self.line.credential.organization_id or self._organization
