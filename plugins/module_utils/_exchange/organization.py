# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an organization: what its subsets are, and one round trip for any number of them. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, Call, Result, Session
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError, ExchangeError

Parsed = TypeVar("Parsed")

#: What can be read, under the name that users give it.
SUBSETS: dict[str, Call] = {
    "organization": Call("Get-OrganizationConfig"),
    "ome_configurations": Call("Get-OMEConfiguration"),
    "irm_configuration": Call("Get-IRMConfiguration"),
    "activesync_org_settings": Call("Get-ActiveSyncOrganizationSettings"),
    "transport_rules": Call("Get-TransportRule", {"ResultSize": "Unlimited"}),
    "transport_config": Call("Get-TransportConfig"),
    "rms_templates": Call("Get-RMSTemplate", {"ResultSize": "Unlimited"}),
    "owa_mailbox_policies": Call("Get-OwaMailboxPolicy"),
    "mobile_device_mailbox_policies": Call("Get-MobileDeviceMailboxPolicy"),
    "accepted_domains": Call("Get-AcceptedDomain"),
    "remote_domains": Call("Get-RemoteDomain"),
    "inbound_connectors": Call("Get-InboundConnector"),
    "exported_cmdlets": Call("Get-Command", {"Name": list(CMDLETS)}),
}

#: What no setting needs, only an answer about mail: it is read where such an answer is asked for.
MAIL_FACTS = ("accepted_domains", "remote_domains", "inbound_connectors")


class Organization:
    """What one round trip brought of an organization.

    :param reads: what was asked, by the name of the subset.
    :param results: what came back.
    """

    def __init__(self, reads: Mapping[str, Call], results: Mapping[str, Result]) -> None:
        self._reads = reads
        self._results = results
        self._parsed: dict[Callable[[Organization], Any], Any] = {}

    @property
    def subsets(self) -> list[str]:
        """What was asked for."""
        return list(self._results)

    @property
    def reused(self) -> bool:
        """Whether any of it was read earlier in the run."""
        return any(result.reused for result in self._results.values())

    def objects(self, subset: str) -> list[dict[str, Any]]:
        """The objects of a subset. Raises the error of its read: a failed read is never "nothing there"."""
        return self._results[subset].unwrap()

    def parsed(self, parse: Callable[[Organization], Parsed]) -> Parsed:
        """What ``parse`` makes of this organization; made once, however often it is asked for. What comes back is not to be changed."""
        if parse not in self._parsed:
            self._parsed[parse] = parse(self)
        made: Parsed = self._parsed[parse]
        return made

    def with_more(self, other: Organization) -> Organization:
        """This and what another round trip brought."""
        return Organization({**self._reads, **other._reads}, {**self._results, **other._results})

    def only(self, subset: str) -> dict[str, Any]:
        """The one object of a subset that has exactly one."""
        objects = self.objects(subset)
        if len(objects) != 1:
            raise ExchangeError(f"{len(objects)} objects came back where exactly one is expected.", cmdlet=self._reads[subset].cmdlet)
        return objects[0]

    def error(self, subset: str) -> ExchangeError | None:
        """Why the read of a subset failed; ``None`` where it did not."""
        return self._results[subset].error

    def available(self, subset: str) -> bool:
        """Whether the subset was read. False only where it was not asked for or the session does not have the cmdlet; raises any other error."""
        result = self._results.get(subset)
        if result is None or isinstance(result.error, CmdletNotAvailableError):
            return False
        result.unwrap()
        return True


def reads_of(subsets: Iterable[str] | Mapping[str, Call]) -> Mapping[str, Call]:
    """What to read for subsets: names out of :data:`SUBSETS`, or reads of one's own under names of one's own."""
    return subsets if isinstance(subsets, Mapping) else {name: SUBSETS[name] for name in subsets}


def read(session: Session, subsets: Iterable[str] | Mapping[str, Call], *, fresh: bool = False) -> Organization:
    """Reads in one round trip; see :func:`reads_of`."""
    reads = reads_of(subsets)
    results = session.invoke(list(reads.values()), fresh=fresh)
    return Organization(reads, dict(zip(reads, results, strict=True)))
