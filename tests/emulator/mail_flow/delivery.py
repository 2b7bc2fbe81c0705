# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail sent through an emulated organization: its rules and its facts, from its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..compliance_objects import policies_for_mail
from . import GUESSES, MailFlow

#: What a row of the recipients has if it is a group, of each kind.
GROUPS = ("members", "dynamic_members", "linked_members")


def facts_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What an organization's state tells: its mailboxes, its groups, and its mail users. Nobody else belongs to it."""
    domains = [{"DomainName": state["name"], "DomainType": "Authoritative", "MatchSubDomains": False}]
    groups = {row["address"]: row[key] for row in state["recipients"] for key in GROUPS if key in row}
    called = {
        name.lower(): row["address"]
        for row in state["recipients"]
        for name in (row["name"], row["alias"], row["address"], *row.get("aliases", ()))
    }
    return {
        "accepted_domains": state.get("accepted_domains") or domains,
        "remote_domains": state.get("remote_domains") or [{"DomainName": "*", "IsInternal": False}],
        "mailboxes": [row["address"] for row in state["recipients"] if row["address"] not in groups],
        "mail_users": [row["PrimarySmtpAddress"] for row in state["mail_users"]],
        "contacts": [],
        "groups": {
            address: [called.get(member.lower(), member) for member in members] for address, members in groups.items()
        },
        "managers": {
            row["address"]: called.get(row["manager"].lower(), row["manager"])
            for row in state["recipients"]
            if row.get("manager")
        },
        "proxy_addresses": {alias: row["address"] for row in state["recipients"] for alias in row.get("aliases", ())},
        "attributes": {},
        "irm_configuration": state["irm_configuration"],
        "outbound_connectors": state["outbound_connectors"],
        "dlp_policies": policies_for_mail(state),
        "templates": {
            name: row["Name"]
            for row in state["rms_templates"]
            for name in (row["Name"], *row.get("Localized", {}).values())
        },
    }


def deliver(
    state: Mapping[str, Any],
    message: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    guesses: Collection[str] = GUESSES,
) -> dict[str, Any]:
    """What becomes of a message in an organization. ``facts`` replace those of its state, key by key.

    :raises ValueError: keys of the message or of the facts that are none, or too much that is unknown.
    """
    return MailFlow(state["transport_rules"], {**facts_of(state), **(facts or {})}).deliver(message, guesses=guesses)
