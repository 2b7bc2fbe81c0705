# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail sent through an emulated organization: its rules and its facts, from its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from . import GUESSES, MailFlow


def facts_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What an organization's state tells. Its recipients are mailboxes, and nobody else belongs to it."""
    domains = [{"DomainName": state["name"], "DomainType": "Authoritative", "MatchSubDomains": False}]
    return {
        "accepted_domains": state.get("accepted_domains") or domains,
        "remote_domains": state.get("remote_domains") or [{"DomainName": "*", "IsInternal": False}],
        "mailboxes": [row["address"] for row in state["recipients"]],
        "mail_users": [],
        "contacts": [],
        "groups": {},
        "managers": {},
        "attributes": {},
        "irm_configuration": state["irm_configuration"],
        "outbound_connectors": state["outbound_connectors"],
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
