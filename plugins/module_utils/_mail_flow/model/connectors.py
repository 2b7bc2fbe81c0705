# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors: whose mail those outbound take, what they say of TLS, and what those inbound make of mail.

A domain in a connector is that domain alone, ``*.domain`` its subdomains alone, ``*`` every domain: other than in the
conditions of rules. Source: Microsoft's New-OutboundConnector page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .addresses import with_parents
from .reason_kinds import ReasonKind

#: What forced TLS checks of the other side: nothing, that an authority vouches for its certificate, and also for its
#: name. Each includes those before it.
VALIDATIONS = ("encryption_only", "certificate", "domain")

_VALIDATION_OF = {
    "": "",
    "EncryptionOnly": "encryption_only",
    "CertificateValidation": "certificate",
    "DomainValidation": "domain",
}

#: The claim of a guarantee that a copy is protected, or leaves only by forced TLS, or does not leave.
IN_TRANSIT = "protected_in_transit"

EVERY_DOMAIN = "*"

#: Where a connector hands mail that it routes through servers on premises, where it names none.
ON_PREMISES = "servers on premises"


def at_least(validation: str, least: str) -> bool:
    """Whether TLS that checks this is forced, and checks what is wanted at least. An empty text is TLS that is not
    forced.
    """
    return bool(validation) and VALIDATIONS.index(validation) >= VALIDATIONS.index(least)


@dataclass(frozen=True, slots=True)
class Connector:
    """An outbound connector.

    :param domains: whose mail it takes, in lower case: ``contoso.com``, ``*.contoso.com`` or ``*``; empty if only rules
        or accepted domains bring it mail.
    :param validation: what its TLS checks, one of :data:`VALIDATIONS`; empty if it does not force TLS.
    :param doubt: why it may force more than that: the kind of a reason and what it names beside the connector; empty if
        it does not.
    :param smart_hosts: the servers that it hands mail to; empty where mail goes to the recipient's own servers.
    :param of_rules: whether it takes only mail that rules route to it.
    :param accepted: whether it takes mail to accepted domains.
    :param on_premises: whether it hands mail to the organization's own servers.
    """

    name: str
    enabled: bool = True
    domains: tuple[str, ...] = ()
    validation: str = ""
    doubt: tuple[()] | tuple[ReasonKind, *tuple[str, ...]] = ()
    smart_hosts: tuple[str, ...] = ()
    of_rules: bool = False
    test_mode: bool = False
    accepted: bool = False
    on_premises: bool = False

    def covers(self, domain: str) -> bool:
        """Whether its domains cover one."""
        return any(_covers(pattern, domain) for pattern in self.domains)

    @property
    def takes_any(self) -> bool:
        """Whether it takes mail that no rule routes to it."""
        return self.enabled and not self.of_rules

    @property
    def idle(self) -> str:
        """Why it takes no mail that a rule routes to it: ``disabled``, ``test_mode`` or ``not_for_rules``; empty if it
        does.
        """
        if not self.enabled:
            return "disabled"
        if self.test_mode:
            return "test_mode"
        return "" if self.of_rules else "not_for_rules"


#: Why a connector takes no mail that a rule routes to it, to the kind of the reason for why it is open how that leaves.
ROUTED_TO: Mapping[str, ReasonKind] = {
    "disabled": "routed_to_disabled",
    "test_mode": "routed_to_test_mode",
    "not_for_rules": "routed_to_not_for_rules",
}


@dataclass(frozen=True)
class KnownConnectors:
    """What is known of connectors.

    :param inbound: with the options of the module for inbound connectors.
    """

    inbound: tuple[Mapping[str, Any], ...] | None = None
    outbound: tuple[Connector, ...] | None = None

    @property
    def internal(self) -> tuple[str, ...] | None:
        """The inbound connectors that make mail from on-premises count as internal; ``None`` if unknown."""
        if self.inbound is None:
            return None
        makes = ("cloud_services_mail_enabled", "treat_messages_as_internal")
        return tuple(
            str(connector.get("name"))
            for connector in self.inbound
            if connector.get("enabled") and any(connector.get(key) for key in makes)
        )

    @property
    def relays(self) -> tuple[str, ...] | None:
        """The inbound connectors by which servers on premises and devices hand over the organization's own mail; ``None`` if
        unknown. One of a type that was not told may be such a connector.
        """
        if self.inbound is None:
            return None
        return tuple(
            str(connector.get("name"))
            for connector in self.inbound
            if connector.get("enabled") is not False
            and str(connector.get("connector_type") or "").casefold() != "partner"
        )

    def covering(self, name: str, accepted: bool) -> list[Connector]:
        """The outbound connectors that cover a domain, in their order.

        :param accepted: whether the domain is, or may be, an accepted one: some connectors take mail to all of these.
        """
        patterns = (name, *(f"*.{parent}" for parent in with_parents(name)[1:]), EVERY_DOMAIN)
        places = {place for pattern in patterns for place in self._by_pattern.get(pattern, ())}
        if accepted:
            places.update(self._for_accepted)
        every = self.outbound or ()
        return [every[place] for place in sorted(places)]

    @cached_property
    def _by_pattern(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, connector in enumerate(self.outbound or ()):
            for pattern in connector.domains:
                places.setdefault(pattern, []).append(place)
        return places

    @cached_property
    def _for_accepted(self) -> list[int]:
        return [place for place, connector in enumerate(self.outbound or ()) if connector.accepted]


def connector_of(options: Mapping[str, Any]) -> Connector:
    """A connector of the fact ``outbound_connectors``. What is absent has the default of New-OutboundConnector."""
    tls, dane = (str(options.get(key) or "") for key in ("tls_settings", "smtp_dane_mode"))
    known = {name.casefold(): validation for name, validation in _VALIDATION_OF.items()}
    validation = known.get(tls.casefold(), "")
    doubt: tuple[()] | tuple[ReasonKind, *tuple[str, ...]] = () if tls.casefold() in known else ("unknown_tls", tls)
    if validation == "domain" and not str(options.get("tls_domain") or "").strip():
        # Exchange wants a name to check. What it checks without one is not documented.
        validation = "certificate"
        doubt = ("no_tls_domain",)
    if not tls and dane.casefold() == "mandatory":
        doubt = ("mandatory_dane",)
    hosts = tuple(map(str, options.get("smart_hosts") or ()))
    handed = () if options.get("use_mx_record", not hosts) else hosts
    if options.get("route_all_messages_via_on_premises"):
        handed = handed or (ON_PREMISES,)
    return Connector(
        name=str(options["name"]),
        enabled=options.get("enabled") is not False,
        domains=tuple(str(domain).strip().lower() for domain in options.get("recipient_domains") or ()),
        validation=validation,
        doubt=doubt,
        smart_hosts=handed,
        of_rules=bool(options.get("is_transport_rule_scoped")),
        test_mode=bool(options.get("test_mode")),
        accepted=bool(options.get("all_accepted_domains")),
        on_premises=str(options.get("connector_type") or "").casefold() == "onpremises",
    )


def named_domains(connectors: Iterable[Connector]) -> list[str]:
    """The domains that connectors name, those of which they name only subdomains among them."""
    patterns = (pattern for connector in connectors for pattern in connector.domains)
    return sorted({pattern.removeprefix("*.") for pattern in patterns if pattern != EVERY_DOMAIN})


def _covers(pattern: str, domain: str) -> bool:
    if pattern.startswith("*."):
        return domain.endswith(pattern[1:])
    return pattern in (EVERY_DOMAIN, domain)
