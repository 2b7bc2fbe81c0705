# SPDX-License-Identifier: GPL-3.0-or-later
"""The mailboxes, mail users and contacts of an organization: their addresses, managers and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .addresses import is_name


@dataclass(frozen=True)
class KnownPeople:
    """What is known of people. Addresses are in lower case. If managers are given, whoever is not in them has none.

    :param mailboxes: primary addresses; likewise :param:`mail_users` (including guests) and :param:`contacts`.
    :param managers: a person's address to the manager's.
    :param attributes: a person's address to attributes, name in lower case to value.
    :param proxy_addresses: a secondary address to the primary one.
    """

    mailboxes: frozenset[str] | None = None
    mail_users: frozenset[str] | None = None
    contacts: frozenset[str] | None = None
    managers: Mapping[str, str] | None = None
    attributes: Mapping[str, Mapping[str, str]] | None = None
    proxy_addresses: Mapping[str, str] = field(default_factory=dict)

    def primary(self, address: str) -> str:
        """The primary address of whoever has this one."""
        written = address.lower()
        return self.proxy_addresses.get(written, written)

    def is_contact(self, address: str) -> bool:
        """Whether somebody is known to be a mail contact."""
        return address in (self.contacts or ())

    def manager(self, address: str) -> str | None:
        """The address of the manager of whoever has this address; empty if there is none, ``None`` if unknown."""
        if self.managers is None:
            return None
        return self.managers.get(self.primary(address), None if is_name(address) else "")

    @cached_property
    def teams(self) -> dict[str, tuple[str, ...]]:
        """The address of each manager to those whose manager that is, as far as they are known."""
        teams: dict[str, list[str]] = {}
        for address, manager in sorted((self.managers or {}).items()):
            teams.setdefault(manager, []).append(address)
        return {manager: tuple(teams[manager]) for manager in sorted(teams) if manager}
