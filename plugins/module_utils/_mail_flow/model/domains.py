# SPDX-License-Identifier: GPL-3.0-or-later
"""The domains of an organization, and what it says of the domains of others.

Source: Microsoft's New-AcceptedDomain and Set-RemoteDomain pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from .addresses import is_below

#: The type of accepted domains whose mail Exchange relays to other servers, unless it has the mailbox.
RELAYED = "InternalRelay"

#: The type of accepted domains whose mailboxes are all the organization's own, in Exchange Online or on premises.
AUTHORITATIVE = "Authoritative"

#: Types of accepted domains whose people are inside.
INSIDE = (AUTHORITATIVE, RELAYED)


@dataclass(frozen=True, slots=True)
class AcceptedDomain:
    """A domain that the organization accepts mail for.

    :param type: ``Authoritative``, ``InternalRelay`` or ``ExternalRelay``.
    """

    name: str
    type: str = AUTHORITATIVE
    match_subdomains: bool = False


@dataclass(frozen=True)
class KnownDomains:
    """What is known of domains. Their names are in lower case.

    :param accepted: the domains of the organization.
    :param remote: domain (``*`` for all, ``*.`` for subdomains) to whether rules consider it internal.
    """

    accepted: tuple[AcceptedDomain, ...] | None = None
    remote: Mapping[str, bool] | None = None

    def type_of(self, name: str) -> str | None:
        """The type of the accepted domain that a domain belongs to; empty if it is none, ``None`` if unknown."""
        if self.accepted is None:
            return None
        return self._types.get(name) or next(
            (
                accepted.type
                for accepted in self.accepted
                if accepted.match_subdomains and is_below(name, accepted.name)
            ),
            "",
        )

    @property
    def relays(self) -> bool:
        """Whether Exchange relays mail to an accepted domain to other servers, unless it has the mailbox."""
        return any(domain.type == RELAYED for domain in self.accepted or ())

    @cached_property
    def _types(self) -> dict[str, str]:
        return {domain.name: domain.type for domain in self.accepted or ()}

    def counts_as_internal(self, name: str) -> bool | None:
        """Whether a remote domain of this name makes its people internal; ``None`` if unknown."""
        if self.remote is None:
            return None
        if name in self.remote:
            return self.remote[name]
        wildcards = [known for known in self.remote if known.startswith("*.") and is_below(name, known[2:])]
        return self.remote[max(wildcards, key=len)] if wildcards else self.remote.get("*", False)
