# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the organization: its domains, its people and groups. What is not told is unknown, not false."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .worlds import FACTS, Truth, both, doubt, either

#: What :class:`Directory` takes. Accepted domains have DomainName, DomainType and MatchSubDomains, remote ones
#: DomainName and IsInternal.
_DOMAINS = {"accepted_domains", "remote_domains"}
_PEOPLE = {"mailboxes", "mail_users", "contacts", "groups", "managers", "attributes", "proxy_addresses"}
_AFTERWARDS = {"dlp_policies", "labels", "auto_labels", "auto_label"}
KEYS = (
    _DOMAINS | _PEOPLE | _AFTERWARDS | {"irm_configuration", "organization_config", "templates", "outbound_connectors"}
)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def respelled(address: str) -> str:
    """The address with its domain in the other spelling of an international name: in letters, or in ASCII (xn--). Empty
    where it has only one.
    """
    local, at, name = address.rpartition("@")
    try:
        labels = [
            label.encode("ascii").decode("idna") if label.startswith("xn--") else label.encode("idna").decode("ascii")
            for label in name.split(".")
        ]
    except UnicodeError:
        return ""
    other = ".".join(labels).lower()
    return f"{local}{at}{other}" if other != name else ""


class Directory:
    """An organization's facts.

    ``mailboxes``, ``mail_users`` and ``contacts`` are addresses (where mailboxes are told, mail users are). ``groups``
    maps an address to its direct members (null: it is gone), ``managers`` a person to the manager, ``attributes`` a
    person to attributes, ``proxy_addresses`` a proxy to the primary address. ``irm_configuration``,
    ``organization_config`` and ``outbound_connectors`` have the cmdlets' properties; what follows the rules
    (``dlp_policies``, ``labels``, ``auto_labels``) is as :mod:`.afterwards` says. ``templates`` maps the names of
    RMS templates, where they are localized, to those that they have in English; empty, it says that there are none.

    :raises ValueError: a key that is none.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        if unknown := set(facts) - KEYS:
            raise ValueError(f"unknown facts: {', '.join(sorted(unknown))}")
        self._proxies: dict[str, str] = _lower_map(facts.get("proxy_addresses") or {})
        self._domains: list[Mapping[str, Any]] | None = facts.get("accepted_domains")
        self._remote: list[Mapping[str, Any]] | None = facts.get("remote_domains")
        self._mailboxes = self._addresses(facts.get("mailboxes"))
        # Who tells the mailboxes tells the mail users, too, as far as there are any.
        self._mail_users = self._addresses(facts.get("mail_users", None if self._mailboxes is None else ()))
        self._contacts = self._addresses(facts.get("contacts")) or frozenset()
        self._groups = {
            self.primary(group): tuple(map(self.primary, members or ()))
            for group, members in (facts.get("groups") or {}).items()
        }
        managers = facts.get("managers")
        self._managers = (
            None
            if managers is None
            else {self.primary(person): self.primary(manager) for person, manager in managers.items()}
        )
        attributes = facts.get("attributes")
        self._attributes = (
            None
            if attributes is None
            else {self.primary(person): _lower_map(values, str) for person, values in attributes.items()}
        )
        self.connectors: Sequence[Mapping[str, Any]] | None = facts.get("outbound_connectors")
        self.irm: Mapping[str, Any] = facts.get("irm_configuration") or {}
        self._plus_addresses = not (facts.get("organization_config") or {}).get("DisablePlusAddressInRecipients")
        self.templates: Mapping[str, str] = _lower_map(facts.get("templates") or {}, str)
        # Without templates the service is not active, whatever the settings say (Set-IRMConfiguration; what labs showed
        # of tenants whose service was never activated). An empty LicensingLocation alone proves nothing.
        self.protects = not (
            self.irm.get("AzureRMSLicensingEnabled") is False
            or self.irm.get("InternalLicensingEnabled") is False
            or facts.get("templates") == {}
        )
        self.dlp_policies: Sequence[Mapping[str, Any]] = facts.get("dlp_policies") or ()
        self.labels: Sequence[Mapping[str, Any]] | None = facts.get("labels")
        #: The names of the labels that policies set on the way; None: nobody knows.
        self.auto_labels: Sequence[str] | None = facts.get("auto_labels")
        self.labels_override = any(label.get("encrypts") for label in facts.get("auto_label") or ())

    def _addresses(self, given: Iterable[str] | None) -> frozenset[str] | None:
        return None if given is None else frozenset(map(self.primary, given))

    def primary(self, address: str) -> str:
        """The primary address of whom an address reaches."""
        return self._proxies.get(address.lower(), address.lower())

    def without_tag(self, address: str) -> str:
        """Who may be meant by a plus address (``ann+news@``): plus addressing is on unless it is turned off. Empty
        where it is an address of its own.
        """
        local, _at, name = address.rpartition("@")
        person, plus, tag = local.partition("+")
        if not (person and plus and tag) or not self._plus_addresses or self.kind(name) == "outside":
            return ""
        plain = self.primary(f"{person}@{name}")
        return "" if self._is_object(address) or address in self._proxies or self._is_object(plain) is False else plain

    # Groups

    def is_group(self, address: str) -> bool:
        return address in self._groups

    def expand(self, address: str) -> list[str]:
        """The people whom an address reaches: a group's members, and the members of its groups."""
        found: dict[str, None] = {}
        pending, seen = [self.primary(address)], set()
        while pending:
            one = pending.pop(0)
            if one in seen:
                continue
            seen.add(one)
            if one in self._groups:
                pending = [*self._groups[one], *pending]
            else:
                found[one] = None
        return list(found)

    def member(self, person: str, group: str) -> Truth:
        """Whether a person belongs to a group. Membership by nesting is not documented."""
        group = self.primary(group)
        if group not in self._groups:
            return doubt(FACTS, f"the members of {group}", "member", person, group)
        if person in self._groups[group]:
            return True
        if person in self.expand(group) and person != group:
            return doubt("U04", f"{person} is in {group} by nesting only", "member", person, group)
        return False

    def member_of_any(self, person: str, groups: Sequence[str]) -> Truth:
        return either([self.member(person, group) for group in groups])

    # People

    def is_person(self, address: str) -> bool | None:
        """Whether the address is a user of the organization; None: not told."""
        if address in (self._mailboxes or ()) or address in (self._mail_users or ()):
            return True
        if (
            address in self._groups
            or address in self._contacts
            or (self._mailboxes is not None and self._mail_users is not None)
        ):
            return False
        return None if self._mailboxes is None and self.kind(domain_of(address)) != "outside" else False

    def manager(self, person: str) -> str | Truth:
        """The address of a person's manager; False: there is none."""
        if self._managers is None:
            return doubt(FACTS, f"the manager of {person}", "manager", person)
        return self._managers.get(person, False)

    def attribute(self, person: str, name: str) -> str | Truth:
        """An attribute's value; False: the person has none, or is nobody of the organization. A sender may be a group."""
        is_person = self.is_group(person) or self.is_person(person)
        if is_person is False:
            return False
        if is_person is None or self._attributes is None or person not in self._attributes:
            return doubt(FACTS, f"{name} of {person}", "attribute", person, name)
        held: str | None = self._attributes[person].get(name.lower())
        return False if held is None else held

    # Inside and outside

    def kind(self, domain: str) -> str:
        """``inside``, ``outside``, or ``untold``."""
        if self._domains is None:
            return "untold"
        return "inside" if self._type(domain) in ("Authoritative", "InternalRelay") else "outside"

    def is_shared(self, domain: str) -> bool:
        """Whether other servers have mailboxes of a domain, too."""
        return self._type(domain) == "InternalRelay"

    def is_mailbox(self, address: str) -> bool:
        return address in (self._mailboxes or ())

    def _type(self, domain: str) -> str:
        best: Mapping[str, Any] | None = None
        for row in self._domains or ():
            name = str(row["DomainName"]).lower()
            below = domain.endswith("." + name) and row.get("MatchSubDomains")
            if (domain == name or below) and (best is None or len(name) > len(str(best["DomainName"]))):
                best = row
        return "" if best is None else str(best.get("DomainType", "Authoritative"))

    def is_respelled(self, domain: str) -> bool:
        """Whether an accepted domain is this one only in another spelling."""
        other = respelled(domain)
        return not self.is_accepted(domain) and bool(other) and self.kind(other) == "inside"

    def is_accepted(self, domain: str) -> bool:
        """Whether a domain belongs to the organization, whoever its people are."""
        rows = ((str(row["DomainName"]).lower(), row.get("MatchSubDomains")) for row in self._domains or ())
        return any(domain == name or (below and domain.endswith("." + name)) for name, below in rows)

    def _is_object(self, address: str) -> bool | None:
        if address in self._groups or address in (self._mailboxes or ()) or address in (self._mail_users or ()):
            return True
        return (
            False
            if address in self._contacts or (self._mailboxes is not None and self._mail_users is not None)
            else None
        )

    def _outsider(self, address: str, wanted: str) -> Truth:
        """Somebody of the organization, perhaps, whose primary address is outside: which of the two definitions holds
        is open.
        """
        about = f"{address} has an address outside" + (
            "" if self._is_object(address) else ", and may be a guest or a mail user"
        )
        return doubt(
            "U20",
            about,
            "outsider",
            address,
            options=("outside", "inside", "both"),
            wanted=(wanted, "both"),
            guess="outside",
        )

    def sender_in(self, address: str, scope: str, authenticated: bool | None) -> Truth:
        """Whether FromScope ``scope`` holds for a sender's address. An empty address is outside."""
        inside = scope == "InOrganization"
        if not address:
            return not inside
        kind = self.kind(domain_of(address))
        if kind == "untold":
            return doubt(FACTS, "the accepted domains", "accepted", domain_of(address), scope)
        if self.is_respelled(domain_of(address)):
            accepted = self._perhaps_accepted(domain_of(address), inside)
            return both([signed_in(authenticated), accepted]) if inside else accepted
        if kind == "outside" and self._is_object(address) is not False:
            if authenticated is False:
                return not inside
            outsider = self._outsider(address, "inside" if inside else "outside")
            return both([signed_in(authenticated), outsider]) if inside else outsider
        if not inside or kind == "outside":
            return (kind == "outside") != inside
        return signed_in(authenticated)

    def recipient_in(self, address: str, scope: str, authenticated: bool | None) -> Truth:
        """Whether SentToScope ``scope`` holds for a recipient's address."""
        if scope not in ("InOrganization", "NotInOrganization"):
            return doubt(FACTS, f"{scope} exists on premises only", "scope", scope, address)
        inside = scope == "InOrganization"
        kind = self.kind(domain_of(address))
        if kind == "untold":
            return doubt(FACTS, "the accepted domains", "accepted", domain_of(address), scope)
        if self.is_respelled(domain_of(address)):
            return self._perhaps_accepted(domain_of(address), inside)
        if kind == "outside":
            internal = self._internal_remote(domain_of(address))
            known = self._is_object(address) is False
            if inside:
                return either([internal, not known and self._outsider(address, "inside")])
            outside = doubt("U21", "the remote domains", "remote", domain_of(address), wanted=(False,), guess=False)
            return both(
                [not internal if isinstance(internal, bool) else outside, known or self._outsider(address, "outside")]
            )
        if not inside:
            return False
        if authenticated or self._is_object(address):
            return True
        return doubt(
            "U19",
            f"{address} has no object in the directory, and the message is not known to be authenticated",
            "unauthenticated",
            address,
            guess=True,
        )

    def _perhaps_accepted(self, domain: str, wanted: bool) -> Truth:
        return doubt("U24", f"whether {domain} is an accepted domain", "accepted", domain, wanted=(wanted,))

    def _internal_remote(self, domain: str) -> Truth:
        """Whether the remote domain that covers ``domain`` is internal: the most specific one counts."""
        if self._remote is None:
            return doubt("U21", "the remote domains", "remote", domain, guess=False)
        best: tuple[int, bool] = (-1, False)
        for row in self._remote:
            name = str(row["DomainName"]).lower()
            covers = name in ("*", domain) or (
                name.startswith("*.") and (domain.endswith(name[1:]) or domain == name[2:])
            )
            best = max(best, (len(name) if covers else -1, bool(row.get("IsInternal")) and covers))
        return best[1]


def signed_in(authenticated: bool | None) -> Truth:
    """Whether the message came over an authenticated connection."""
    return (
        doubt("U22", "whether the message came over an authenticated connection", "authenticated")
        if authenticated is None
        else authenticated
    )


def _lower_map(given: Mapping[str, Any], keep: Any = None) -> dict[str, Any]:
    return {key.lower(): keep(value) if keep else value.lower() for key, value in given.items()}
