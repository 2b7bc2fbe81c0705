# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about an organization.

A fact that is ``None`` was not given: what depends on it is unknown, not false. If the mailboxes are given, so is the
directory: whoever is in none of its lists is not an object of the organization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from . import questions
from .addresses import domain, spellings, without_tag
from .connectors import KnownConnectors
from .contradictions import ContradictedCopy
from .domains import INSIDE, KnownDomains
from .encrypters import KnownEncrypters
from .encryption_settings import EncryptionSettings
from .expressions import Dialect
from .kleene import Truth
from .known_groups import KnownGroups
from .known_people import KnownPeople


@dataclass(frozen=True)
class Facts:
    """What is known, by subject. A subject answers what needs itself alone; the questions here need several of them.
    ``inside`` says which scope somebody is in, ``message_recipients`` who gets a message, and ``routing`` which
    connectors take it.

    :param organization_config: the settings of the module with this name, and :param:`journal_rules` likewise.
    :param dialect: how Exchange reads patterns, as far as somebody says more than the sources agree on.
    :param observed: the number of an open question to the answer that was observed in this organization; see
        ``questions.OBSERVABLE``.
    :param contradicted: the copies of test messages that contradict what is computed.
    """

    domains: KnownDomains = field(default_factory=KnownDomains)
    people: KnownPeople = field(default_factory=KnownPeople)
    groups: KnownGroups = field(default_factory=KnownGroups)
    connectors: KnownConnectors = field(default_factory=KnownConnectors)
    encryption: EncryptionSettings = field(default_factory=EncryptionSettings)
    encrypters: KnownEncrypters = field(default_factory=KnownEncrypters)
    organization_config: Mapping[str, Any] | None = None
    journal_rules: tuple[Mapping[str, Any], ...] | None = None
    dialect: Dialect = Dialect.AGREED
    observed: Mapping[str, bool] = field(default_factory=dict)
    contradicted: tuple[ContradictedCopy, ...] = ()

    @cached_property
    def objects(self) -> frozenset[str]:
        """The addresses of the organization's known mailboxes, mail users and groups."""
        people = self.people
        return frozenset({*(people.mailboxes or ()), *(people.mail_users or ()), *(self.groups.members or ())})

    @cached_property
    def guests(self) -> frozenset[str] | None:
        """All mail users with an address outside, guests among them; ``None`` if unknown."""
        if self.people.mail_users is None or self.domains.accepted is None:
            return None
        return frozenset(
            address for address in self.people.mail_users if self.domains.type_of(domain(address)) not in INSIDE
        )

    @cached_property
    def are_all_outside_guests(self) -> bool:
        """Whether the objects of the organization that are known with an address outside are guests and mail users."""
        others = self.objects - (self.guests or frozenset())
        return all(self.domains.type_of(domain(address)) in INSIDE for address in others)

    def is_object(self, address: str) -> bool | None:
        """Whether somebody is a mailbox, mail user or group of the organization; ``None`` if unknown. Contacts are not:
        their domain counts.
        """
        if address in self.objects:
            return True
        return False if self.people.mailboxes is not None or self._is_stranger(address) else None

    def _is_stranger(self, address: str) -> bool:
        """Whether an address is outside and known not to belong to the organization: all mail users are known."""
        return self.guests is not None and self.domains.type_of(domain(address)) not in INSIDE

    def is_member(self, address: str, group: str) -> Truth:
        """Whether somebody is a member of a group, one of a nested group as it was observed."""
        observed = self.observed.get(questions.NESTED_GROUPS)
        if observed is not None and self.groups.is_nested_member(address, group):
            return observed
        return self.groups.is_member(address, group)

    def attribute(self, address: str, name: str) -> str | None:
        """An attribute of somebody; empty if it is not set or the person is none of the organization's, ``None`` if
        unknown.
        """
        if self.is_object(address) is False or self.people.is_contact(address):
            return ""
        known = (self.people.attributes or {}).get(address)
        return None if known is None else known.get(name.lower(), "")

    def other_addresses(self, address: str) -> tuple[str, ...]:
        """Other addresses that rules may take an address for: other spellings, and the address without its plus tag if
        Exchange may drop it.
        """
        if address.isascii() and "+" not in address and "xn--" not in address:
            return ()
        others = spellings(address)
        plain = self.people.primary(without_tag(address))
        drops_tags = not (self.organization_config or {}).get("disable_plus_address_in_recipients")
        known = address in self.objects or address in self.people.proxy_addresses or self.is_object(plain) is False
        own = self.domains.type_of(domain(address)) in (None, *INSIDE)
        return (*others, plain) if plain != address and drops_tags and own and not known else others

    @property
    def journals(self) -> tuple[str, ...]:
        """The addresses to which journal rules send copies of mail, as far as they are known."""
        return tuple(str(rule.get("journal_email_address")) for rule in self.journal_rules or () if rule.get("enabled"))

    def with_irm_configuration(self, settings: Mapping[str, Any] | None) -> Facts:
        """These facts with other settings of rights management."""
        return replace(self, encryption=replace(self.encryption, irm_configuration=settings))
