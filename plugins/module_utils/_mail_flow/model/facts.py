# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about an organization, and who is inside it.

A fact that is ``None`` was not given: what depends on it is unknown, not false. If the mailboxes are given, so is the
directory: whoever is in none of its lists is not an object of the organization. If managers or groups are given,
whoever is not in them has none.

The two scopes of a sender are not opposites: a forged address of the organization is in neither. Source: Microsoft's
New-TransportRule and Set-RemoteDomain pages; if they contradict each other, the likely answer is marked as a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..._exchange.names import same_name
from ..._resources.compliance.sensitivity_labels import LabelPolicyFact
from ..._resources.rights_management import Obstacle, obstacle
from . import questions
from .addresses import domain, is_below, is_name, spellings, with_parents, without_tag
from .connectors import EVERY_DOMAIN, Connector
from .encrypters import AutoLabel, Encrypter, Policies, unseen_of
from .expressions import Dialect
from .kleene import Truth, all_of, any_of, negate, opened
from .message import Message, Recipient

#: The type of accepted domains whose mail Exchange relays to other servers, unless it has the mailbox.
RELAYED = "InternalRelay"

#: Types of accepted domains whose people are inside.
INSIDE = ("Authoritative", RELAYED)


@dataclass(frozen=True, slots=True)
class AcceptedDomain:
    """A domain that the organization accepts mail for.

    :param type: ``Authoritative``, ``InternalRelay`` or ``ExternalRelay``.
    """

    name: str
    type: str = "Authoritative"
    match_subdomains: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known. Addresses and domains are in lower case.

    :param accepted_domains: the domains of the organization.
    :param remote_domains: domain (``*`` for all, ``*.`` for subdomains) to whether rules consider it internal.
    :param mailboxes: primary addresses; likewise :param:`mail_users` (including guests) and :param:`contacts`.
    :param groups: a group's address to its direct members.
    :param unread_groups: addresses that are groups, or may be, and of which nobody knows who gets the mail to them: because nobody knows their members, or
        because nothing tells whether such a group is expanded before the rules (U04).
    :param managers: a person's address to the manager's.
    :param attributes: a person's address to attributes, name in lower case to value.
    :param proxy_addresses: a secondary address to the primary one.
    :param dialect: how Exchange reads patterns, as far as somebody says more than the sources agree on.
    :param irm_configuration: the settings of the module with this name; likewise the next ones.
    :param dlp_policies: the rules of DLP policies, ready to be applied, and :param:`labels` sensitivity labels.
    :param label_policies: the policies that publish labels, and :param:`auto_label_policies` those that set them on
        the way.
    :param observed: the number of an open question to the answer that was observed in this organization; see ``questions.OBSERVABLE``.
    """

    accepted_domains: tuple[AcceptedDomain, ...] | None = None
    remote_domains: Mapping[str, bool] | None = None
    mailboxes: frozenset[str] | None = None
    mail_users: frozenset[str] | None = None
    contacts: frozenset[str] | None = None
    groups: Mapping[str, tuple[str, ...]] | None = None
    unread_groups: frozenset[str] = frozenset()
    managers: Mapping[str, str] | None = None
    attributes: Mapping[str, Mapping[str, str]] | None = None
    proxy_addresses: Mapping[str, str] = field(default_factory=dict)
    irm_configuration: Mapping[str, Any] | None = None
    rms_templates: tuple[Mapping[str, Any], ...] | None = None
    ome_configurations: tuple[Mapping[str, Any], ...] | None = None
    owa_mailbox_policies: tuple[Mapping[str, Any], ...] | None = None
    inbound_connectors: tuple[Mapping[str, Any], ...] | None = None
    outbound_connectors: tuple[Connector, ...] | None = None
    organization_config: Mapping[str, Any] | None = None
    journal_rules: tuple[Mapping[str, Any], ...] | None = None
    dlp_policies: Policies | None = None
    labels: tuple[Encrypter, ...] | None = None
    label_policies: tuple[LabelPolicyFact, ...] | None = None
    auto_label_policies: tuple[AutoLabel, ...] | None = None
    dialect: Dialect = Dialect.AGREED
    observed: Mapping[str, bool] = field(default_factory=dict)

    @property
    def obstacle(self) -> Obstacle | None:
        """What keeps rights management from working; ``None`` if nothing shows that it does not work."""
        return obstacle(self.irm_configuration, self.rms_templates)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What may encrypt mail, or take protection away, and was neither read nor told."""
        return unseen_of(vars(self))

    @property
    def journals(self) -> tuple[str, ...]:
        """The addresses to which journal rules send copies of mail, as far as they are known."""
        return tuple(str(each.get("journal_email_address")) for each in self.journal_rules or () if each.get("enabled"))

    @cached_property
    def guests(self) -> frozenset[str] | None:
        """All mail users with an address outside, guests among them; ``None`` if unknown."""
        if self.mail_users is None or self.accepted_domains is None:
            return None
        return frozenset(address for address in self.mail_users if self.domain_type(domain(address)) not in INSIDE)

    @property
    def internal_connectors(self) -> tuple[str, ...] | None:
        """The inbound connectors that make mail from on-premises count as internal; ``None`` if unknown."""
        if self.inbound_connectors is None:
            return None
        makes = ("cloud_services_mail_enabled", "treat_messages_as_internal")
        return tuple(
            str(each.get("name"))
            for each in self.inbound_connectors
            if each.get("enabled") and any(each.get(key) for key in makes)
        )

    @property
    def relays(self) -> tuple[str, ...] | None:
        """The inbound connectors by which servers on premises and devices hand over the organization's own mail; ``None`` if
        unknown. One of a type that was not told may be such a connector.
        """
        if self.inbound_connectors is None:
            return None
        return tuple(
            str(each.get("name"))
            for each in self.inbound_connectors
            if each.get("enabled") is not False and str(each.get("connector_type") or "").casefold() != "partner"
        )

    def primary(self, address: str) -> str:
        """The primary address of whoever has this one."""
        small = address.lower()
        return self.proxy_addresses.get(small, small)

    def otherwise(self, address: str) -> tuple[str, ...]:
        """Other addresses that rules may take an address for: other spellings, and the address without its plus tag if
        Exchange may drop it.
        """
        if address.isascii() and "+" not in address and "xn--" not in address:
            return ()
        found = spellings(address)
        plain = self.primary(without_tag(address))
        on = not (self.organization_config or {}).get("disable_plus_address_in_recipients")
        known = address in self.objects or address in self.proxy_addresses or self.is_object(plain) is False
        own = self.domain_type(domain(address)) in (None, *INSIDE)
        return (*found, plain) if plain != address and on and own and not known else found

    def domain_type(self, name: str) -> str | None:
        """The type of the accepted domain that a domain belongs to; empty if it is none, ``None`` if unknown."""
        if self.accepted_domains is None:
            return None
        return self._domain_types.get(name) or next(
            (
                accepted.type
                for accepted in self.accepted_domains
                if accepted.match_subdomains and is_below(name, accepted.name)
            ),
            "",
        )

    @cached_property
    def _domain_types(self) -> dict[str, str]:
        return {accepted.name: accepted.type for accepted in self.accepted_domains or ()}

    def connectors_for(self, name: str) -> list[Connector]:
        """The outbound connectors that cover a domain, or may since they take mail to accepted domains, in their order."""
        patterns = (name, *(f"*.{parent}" for parent in with_parents(name)[1:]), EVERY_DOMAIN)
        places = {place for pattern in patterns for place in self._connectors_by_pattern.get(pattern, ())}
        every = self.outbound_connectors or ()
        if self._accepting and self.domain_type(name) != "":
            places.update(self._accepting)
        return [every[place] for place in sorted(places)]

    def to_own_servers(self, name: str) -> list[Connector]:
        """The connectors that may hand mail to an accepted domain to the organization's own servers, where some of its
        mailboxes may be.
        """
        return [each for each in self.connectors_for(name) if each.on_premises and each.takes_any]

    def may_relay(self, address: str) -> bool:
        """Whether Exchange may relay mail for somebody inside to servers that may not be the organization's own: to a
        domain that it shares with other servers, unless a mailbox here is known, or only connectors to the
        organization's own servers take it.
        """
        name = domain(address)
        if self.domain_type(name) != RELAYED or address in (self.mailboxes or ()):
            return False
        taking = [each for each in self.connectors_for(name) if each.takes_any]
        own = all(each.on_premises for each in taking) and any(not each.test_mode for each in taking)
        return not own

    @cached_property
    def _connectors_by_pattern(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, connector in enumerate(self.outbound_connectors or ()):
            for pattern in connector.domains:
                found.setdefault(pattern, []).append(place)
        return found

    @cached_property
    def _accepting(self) -> list[int]:
        return [place for place, connector in enumerate(self.outbound_connectors or ()) if connector.accepted]

    def expiry(self, branding: str) -> int | None:
        """After how many days mail that shows an OME configuration expires in the portal, 0 if it never does; ``None``
        if unknown.
        """
        found = next(
            (each for each in self.ome_configurations or () if same_name(str(each.get("identity", "")), branding)), {}
        )
        days = found.get("external_mail_expiry_in_days")
        return None if days is None else int(days)

    def expires_within(self, branding: str, days: int) -> bool | None:
        """Whether mail that shows an OME configuration expires in the portal after so many days at most; ``None`` if
        unknown.
        """
        expiry = self.expiry(branding)
        return None if expiry is None else 0 < expiry <= days

    def counts_as_internal(self, name: str) -> bool | None:
        """Whether a remote domain of this name makes its people internal; ``None`` if unknown."""
        if self.remote_domains is None:
            return None
        if name in self.remote_domains:
            return self.remote_domains[name]
        wildcards = [known for known in self.remote_domains if known.startswith("*.") and is_below(name, known[2:])]
        return self.remote_domains[max(wildcards, key=len)] if wildcards else self.remote_domains.get("*", False)

    def is_object(self, address: str) -> bool | None:
        """Whether somebody is a mailbox, mail user or group of the organization; ``None`` if unknown. Contacts are not:
        their domain counts.
        """
        if address in self.objects:
            return True
        return False if self.mailboxes is not None or self._is_stranger(address) else None

    def _is_stranger(self, address: str) -> bool:
        """Whether an address is outside and known not to belong to the organization: all mail users are known."""
        return self.guests is not None and self.domain_type(domain(address)) not in INSIDE

    @cached_property
    def expanded(self) -> Mapping[str, tuple[str, ...]]:
        """The groups in whose place rules see their members."""
        return {group: members for group, members in (self.groups or {}).items() if group not in self.unread_groups}

    @cached_property
    def objects(self) -> frozenset[str]:
        """The addresses of the organization's known mailboxes, mail users and groups."""
        return frozenset({*(self.mailboxes or ()), *(self.mail_users or ()), *(self.groups or ())})

    def is_contact(self, address: str) -> bool:
        """Whether somebody is known to be a mail contact."""
        return address in (self.contacts or ())

    def is_member(self, address: str, group: str) -> Truth:
        """Whether somebody is a member of a group. Only direct membership is documented."""
        if self.groups is None or group not in self.groups:
            return opened(("member", address, group), questions.A_FACT, "members", group, shared=True)
        if address in self.groups[group]:
            return True
        if self._nested.holds(group, address):
            return opened(
                ("member", address, group), questions.NESTED_GROUPS, "nested_member", address, group, shared=True
            )
        return False

    def members_of(self, group: str) -> frozenset[str]:
        """The members of a group, including those of nested groups; empty if the group is unknown."""
        return self._nested.members_of(group)

    @cached_property
    def _nested(self) -> NestedGroups:
        return NestedGroups(self.groups or {})

    def manager(self, address: str) -> str | None:
        """The address of somebody's manager; empty if there is none, ``None`` if unknown."""
        return None if self.managers is None else self.managers.get(address, None if is_name(address) else "")

    @cached_property
    def teams(self) -> dict[str, tuple[str, ...]]:
        """The address of each manager to those whose manager that is, as far as they are known."""
        found: dict[str, list[str]] = {}
        for address, manager in sorted((self.managers or {}).items()):
            found.setdefault(manager, []).append(address)
        return {manager: tuple(found[manager]) for manager in sorted(found) if manager}

    def attribute(self, address: str, name: str) -> str | None:
        """An attribute of somebody; empty if it is not set or the person is none of the organization's, ``None`` if
        unknown.
        """
        if self.is_object(address) is False or self.is_contact(address):
            return ""
        known = (self.attributes or {}).get(address)
        return None if known is None else known.get(name.lower(), "")

    def brought(self, written: str, field: str = "") -> tuple[Recipient, ...]:
        """Who gets a message that a rule sends to an address or a name: for a group, its members, without addresses if
        they are unknown.

        :param field: the field in which a rule adds them.
        """
        small = written.lower()
        primary = self.primary(small)
        if primary in self.expanded:
            people = sorted(member for member in self.members_of(primary) if member not in self.expanded)
            return tuple(Recipient(member, small, member, primary, brought=field) for member in people)
        if primary in self.unread_groups and self.domain_type(domain(primary)) in INSIDE:
            somebody = f"each member of {primary.replace('@', ' at ')}"  # As somebody who is known only by name.
            return (Recipient(somebody, small, somebody, primary, brought=field),)
        return (Recipient(primary, small, written if primary == small else primary, brought=field),)

    def recipients(self, message: Message) -> tuple[Recipient, ...]:
        """The recipients of a message: groups expanded, each person once, by primary address."""
        found: dict[str, Recipient] = {}
        through: dict[str, Recipient] = {}
        writings: dict[str, set[str]] = {}
        for written in (*message.to, *message.cc, *message.bcc):
            small = self.primary(written)
            if small in self.expanded:
                for member in sorted(self.members_of(small)):
                    if member not in self.expanded:
                        writings.setdefault(member, set()).add(written.lower())
                        through.setdefault(member, Recipient(member, written.lower(), member, small))
            else:
                label = written if small == written.lower() else small
                writings.setdefault(small, set()).add(written.lower())
                found.setdefault(small, Recipient(small, written.lower(), label))
        people = (*found.values(), *(person for address, person in through.items() if address not in found))
        return tuple(
            replace(person, also=tuple(sorted(writings[person.address] - {person.written}))) for person in people
        )


class NestedGroups:
    """The groups that are in others. Each pair of a group and somebody in a group in it may be too many to be kept, so
    what is kept is a bit for each group that is in another one.

    :param groups: a group's address to its direct members.
    """

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._groups = groups
        inner = dict.fromkeys(member for members in groups.values() for member in members if member in groups)
        self._bits = {group: 1 << place for place, group in enumerate(inner)}
        #: Address to the groups in others that it is a direct member of.
        self._groups_with: dict[str, int] = {}
        for group, bit in self._bits.items():
            for member in groups[group]:
                self._groups_with[member] = self._groups_with.get(member, 0) | bit
        self._groups_in = self._closure()

    def holds(self, group: str, address: str) -> bool:
        """Whether a group in this one, however deep, has somebody as a direct member."""
        return bool(self._groups_in[group] & self._groups_with.get(address, 0))

    def members_of(self, group: str) -> frozenset[str]:
        """The members of a group, including those of nested groups; empty if the group is unknown."""
        found = set(self._groups.get(group, ()))
        inside = self._groups_in.get(group, 0)
        for inner, bit in self._bits.items() if inside else ():
            if inside & bit:
                found.update(self._groups[inner])
        return frozenset(found)

    def _closure(self) -> dict[str, int]:
        """Group to the groups in it, and in these. Groups may be in each other."""
        inner = {group: {each for each in members if each in self._bits} for group, members in self._groups.items()}
        found = {group: sum(self._bits[each] for each in members) for group, members in inner.items()}
        changed = True
        while changed:
            before = dict(found)
            for group in reversed(found):
                for each in inner[group]:
                    found[group] |= found[each]
            changed = found != before
        return found


# Who is inside


def _guest(facts: Facts, address: str, asked: str, guess: bool) -> Truth:
    """Whether an address outside of the accepted domains that belongs to an object of the organization has a scope."""
    kind = "guest" if facts.is_object(address) else "perhaps_guest"
    return opened(("guest", address, asked), questions.GUESTS, kind, address, guess=guess, shared=True)


def _accepted(facts: Facts, address: str) -> Truth:
    """Whether an address is in a domain whose people are inside."""
    if is_name(address):
        return opened(("name", address), questions.A_FACT, "address", address, shared=True)
    name = domain(address)
    kind = facts.domain_type(name)
    if kind is None:
        return opened(("domain", name), questions.A_FACT, "accepted_domains", shared=True)
    return kind in INSIDE or (not kind and _otherwise(name, lambda other: facts.domain_type(other) in INSIDE))


def _otherwise(name: str, holds: Callable[[str], bool | None]) -> Truth:
    """Whether something holds of a domain in another spelling, which leaves it open (U24); false if it does in none."""
    others = tuple(other for other in spellings(name) if holds(other))
    key = ("otherwise", name, others)
    return opened(key, questions.ALIASES, "other_spelling", name, others, shared=True) if others else False


def leaves(facts: Facts, address: str) -> Truth:
    """Whether a copy for somebody leaves the organization. Rules take some people outside for inside; their mail leaves
    all the same.
    """
    return negate(_accepted(facts, address))


def _could_be_object(facts: Facts, address: str) -> bool:
    return facts.is_object(address) is not False and not facts.is_contact(address)


def sender_inside(facts: Facts, address: str, authenticated: bool | None) -> Truth:
    """``from_scope: InOrganization``."""
    if authenticated is False:
        return False
    person = _accepted(facts, address)
    if person is not True and _could_be_object(facts, address):
        person = any_of((person, _guest(facts, address, "sender inside", False)))
    return all_of((True if authenticated else _authenticated(facts), person))


def _authenticated(facts: Facts) -> Truth:
    return opened(
        ("authenticated",), questions.AUTHENTICATED, "authenticated", facts.internal_connectors or (), shared=True
    )


def sender_outside(facts: Facts, address: str) -> Truth:
    """``from_scope: NotInOrganization``."""
    outside = negate(_accepted(facts, address))
    if outside is not False and _could_be_object(facts, address):
        outside = all_of((outside, _guest(facts, address, "sender outside", True)))
    return outside


def recipient_inside(facts: Facts, address: str, authenticated: bool | None) -> Truth:
    """``sent_to_scope: InOrganization``."""
    person = _accepted(facts, address)
    internal = _internal_domain(facts, address)
    if person is False:
        guest: Truth = _guest(facts, address, "recipient inside", False) if _could_be_object(facts, address) else False
        return any_of((internal, guest))
    if facts.is_object(address) or authenticated:
        return person
    observed = facts.observed.get(questions.UNAUTHENTICATED_INSIDE)
    if observed is not None:
        return all_of((person, observed))
    own = opened(
        ("unauthenticated", address),
        questions.UNAUTHENTICATED_INSIDE,
        "unauthenticated",
        address,
        guess=True,
        shared=True,
    )
    return all_of((person, own))


def recipient_outside(facts: Facts, address: str) -> Truth:
    """``sent_to_scope: NotInOrganization``."""
    outside = negate(_accepted(facts, address))
    if outside is False:
        return False
    guest: Truth = _guest(facts, address, "recipient outside", True) if _could_be_object(facts, address) else True
    return all_of((outside, negate(_internal_domain(facts, address)), guest))


def _internal_domain(facts: Facts, address: str) -> Truth:
    internal = facts.counts_as_internal(domain(address))
    if internal is None:
        return opened(
            ("remote domain", domain(address)),
            questions.REMOTE_DOMAINS,
            "remote_domain",
            domain(address),
            guess=False,
            shared=True,
        )
    return internal or _otherwise(domain(address), facts.counts_as_internal)
