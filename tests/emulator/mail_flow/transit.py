# SPDX-License-Identifier: GPL-3.0-or-later
"""The way by which a copy leaves in one world: the connector, and whether TLS is forced. Source: the pages of
New-OutboundConnector and New-TransportRule.

Nobody documents which connector wins where several could, whether one in test mode takes mail, and what becomes of mail
that a rule sends to a connector which is disabled or not for rules: the world is asked. So it is whether mail for
somebody inside leaves that a rule sends to a connector, or that Exchange relays because it shares the domain with other
servers, and what DomainValidation without a TlsDomain comes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .directory import Directory, domain_of
from .mail import Copy
from .worlds import Question, World

#: What a connector's TlsSettings check; the first is no TLS that is forced.
LEVELS = ("", "encryption_only", "certificate", "domain")
#: What nobody told, and TLS that is forced, whatever it checks.
UNTOLD, FORCED = "untold", "forced"
_SETTINGS = {
    None: "",
    "": "",
    "EncryptionOnly": "encryption_only",
    "CertificateValidation": "certificate",
    "DomainValidation": "domain",
}
_NUMBER = "U32"


@dataclass(frozen=True)
class Way:
    """How a copy leaves. ``validation`` is empty where TLS is not forced.

    A copy that stays goes through ``connector`` to the organization's own servers, if there is one.
    """

    validation: str
    connector: str = ""
    ends_at: str = ""
    stays: bool = False


def way(world: World, directory: Directory, copy: Copy, address: str) -> Way:
    """The way of somebody's copy."""
    domain = domain_of(address)
    kind = directory.kind(domain)
    if kind == "inside" and not _goes(world, directory, copy, address):
        rows = [row for row in directory.connectors or () if _open_to_all(row) and _takes(row, domain, directory)]
        own = [row["Name"] for row in rows if row.get("ConnectorType") == "OnPremises"]
        return Way("", ", ".join(own), stays=True)
    found = _connected(world, directory, copy, domain)
    if kind == "untold" or directory.is_respelled(domain):
        return Way(UNTOLD, found.connector, found.ends_at)
    if copy.requires_tls and found.validation in ("", UNTOLD):
        return Way("encryption_only" if not found.validation else FORCED, found.connector, found.ends_at)
    return found


def _goes(world: World, directory: Directory, copy: Copy, address: str) -> bool:
    """Whether a copy for somebody inside leaves."""
    if not copy.routes and not _relayed(directory, address):
        return False
    question = Question(_NUMBER, f"whether mail to {address} leaves", ("leaves", address, tuple(copy.routes)))
    return bool(world.ask(question))


def _relayed(directory: Directory, address: str) -> bool:
    """Whether mail may go to servers of which nobody says that they are the organization's own."""
    domain = domain_of(address)
    if not directory.is_shared(domain) or directory.is_mailbox(address):
        return False
    rows = [row for row in directory.connectors or () if _open_to_all(row) and _takes(row, domain, directory)]
    foreign = [row for row in rows if row.get("ConnectorType") != "OnPremises"]
    return bool(foreign) or all(row.get("TestMode") for row in rows)


def _open_to_all(row: Mapping[str, Any]) -> bool:
    return bool(row.get("Enabled", True)) and not row.get("IsTransportRuleScoped")


def _connected(world: World, directory: Directory, copy: Copy, domain: str) -> Way:
    if directory.connectors is None:
        return Way(UNTOLD)
    pool = [_routed(world, directory.connectors, name) for name in dict.fromkeys(copy.routes)]
    for row in directory.connectors:
        if _open_to_all(row) and _takes(row, domain, directory):
            tried = row.get("TestMode")
            if not tried or world.ask(
                Question(_NUMBER, f"whether {row['Name']} takes mail in test mode", ("tested", row["Name"]))
            ):
                pool.append(_of(world, row))
    if len(set(pool)) > 1:
        ways = tuple(dict.fromkeys(pool))
        return world.ask(Question(_NUMBER, "which connector wins", ("wins", ways), ways))  # type: ignore[no-any-return]
    return pool[0] if pool else Way("")


def _routed(world: World, rows: Sequence[Mapping[str, Any]], name: str) -> Way:
    row = next((row for row in rows if row["Name"].lower() == name.lower()), None)
    if row is not None and row.get("Enabled", True) and row.get("IsTransportRuleScoped") and not row.get("TestMode"):
        return _of(world, row)
    return Way(world.ask(Question(_NUMBER, f"what becomes of mail for {name}", ("idle", name), LEVELS)), name)


def _of(world: World, row: Mapping[str, Any]) -> Way:
    hosts = () if row.get("UseMXRecord", True) else row.get("SmartHosts") or ()
    if row.get("RouteAllMessagesViaOnPremises") and not hosts:
        hosts = ("servers on premises",)
    checked = _SETTINGS[row.get("TlsSettings")]
    if checked == "domain" and not row.get("TlsDomain"):
        nameless = Question(
            _NUMBER, f"what {row['Name']} checks without TlsDomain", ("nameless", row["Name"]), LEVELS[2:]
        )
        checked = world.ask(nameless)
    return Way(checked, row["Name"], ", ".join(hosts))


def _takes(row: Mapping[str, Any], domain: str, directory: Directory) -> bool:
    for pattern in row.get("RecipientDomains") or ():
        name = pattern.lower()
        if name in ("*", domain) or (name.startswith("*.") and domain.endswith(name[1:])):
            return True
    return bool(row.get("AllAcceptedDomains")) and directory.is_accepted(domain)


def joined(ways: Sequence[Way | None]) -> dict[str, Any]:
    """What all worlds agree on; empty where the copy surely does not leave, or is not delivered."""
    if all(one is None or one.stays for one in ways):
        own = {one.connector for one in ways if one is not None}
        return {"on_premises": name} if len(own) == 1 and (name := own.pop()) else {}
    levels = {UNTOLD if one is None or one.stays else one.validation for one in ways}
    forced = {bool(level) for level in levels}
    tls = "unknown" if UNTOLD in levels or len(forced) > 1 else "forced" if True in forced else "opportunistic"
    answer = {"tls": tls}
    if tls == "forced" and len(levels) == 1 and FORCED not in levels:
        answer["validation"] = levels.pop()
    for name in ("connector", "ends_at"):
        values = {getattr(one, name) for one in ways if one is not None and not one.stays}
        if len(values) == 1 and (value := values.pop()):
            answer[name] = value
    return answer
