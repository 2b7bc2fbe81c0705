# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and facts from an organization that was read. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import PermissionDeniedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    MAIL_FACTS,
    MOST_PEOPLE,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    DLP_PROPERTIES,
    EDGE_PROPERTIES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import Rule
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import rules_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import describe

#: Subsets that hold the rules, and those that hold facts.
RULE_SUBSETS = ("transport_rules", "rms_templates")
FACT_SUBSETS = ("organization", *MAIL_FACTS, "irm_configuration", "ome_configurations", "owa_mailbox_policies")

#: The name of a subset's fact, if it is not the subset's own name.
_FACTS = {"organization": "organization_config"}

#: Optional subsets: if their reads fail, they are unknown, and nothing fails.
_TOLERANT = ("organization", "outbound_connectors", "mail_users", "journal_rules")

#: The subsets without which little can be said about all mail.
PROOF_SUBSETS = (
    "organization",
    "accepted_domains",
    "remote_domains",
    "outbound_connectors",
    "mail_users",
    "journal_rules",
    "irm_configuration",
)


def facts_not_in(given: Mapping[str, Any]) -> list[str]:
    """The subsets whose facts were not given."""
    return [subset for subset in FACT_SUBSETS if given.get(_FACTS.get(subset, subset)) is None]


def rules_from(organization: Organization) -> list[dict[str, Any]]:
    """The rules as a rule set takes them, including rules that no module can write."""
    return [_rule(rule) for rule in rules_of(organization)]


def _rule(rule: Rule) -> dict[str, Any]:
    described = rule.describe()
    unknown = {
        section: [name for name in names if name not in (*DLP_PROPERTIES, *EDGE_PROPERTIES)]
        for section, names in rule.unknown.items()
    }
    return {
        **described,
        # An unknown property may be a condition or an action.
        **{
            section: {**described[section], **{name: rule.properties[name] for name in names}}
            for section, names in unknown.items()
        },
        "dlp_policy": any(rule.properties.get(name) for name in DLP_PROPERTIES),
        "is_rule_configuration_supported": rule.properties.get("IsRuleConfigurationSupported"),
    }


def facts_from(organization: Organization, subsets: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts that were read, in the form of the option ``facts``, and the reasons for those that may not be read.

    An empty answer about domains is not an answer: every organization has at least one of each kind. Any other failed
    read is raised.
    """
    facts: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for subset in subsets:
        error = organization.error(subset)
        if isinstance(error, PermissionDeniedError) or (error is not None and subset in _TOLERANT):
            unavailable[_FACTS.get(subset, subset)] = str(error)
            continue
        if subset == "organization":
            facts.update(_organization_config(organization))
            continue
        described = describe(organization, [subset])[subset]
        if subset == "mail_users" and len(organization.objects(subset)) > MOST_PEOPLE:
            unavailable[subset] = f"Get-MailUser shows more than {MOST_PEOPLE} mail users, so not all are known."
            continue
        if subset in ("accepted_domains", "remote_domains") and not described:
            unavailable[subset] = "Exchange showed none, and every organization has at least one."
        else:
            facts[subset] = described
    return facts, unavailable


def facts_needed(rule_sets: Iterable[RuleSet], messages: Sequence[Message], given: Mapping[str, Any]) -> list[str]:
    """The subsets of facts without which a result of these messages is unknown under one of the rule sets."""
    acting = [rule for rules in rule_sets for rule in rules.rules if not rule.idle]
    options = {
        option for rule in acting for atom in (*rule.conditions, *rule.exceptions) for option in atom.predicate.options
    }
    encrypts = any(rule.does(Does.ENCRYPT) for rule in acting)
    protected = any(message.protection is None or message.protection.by_rights for message in messages)
    leaves = any(
        domain(address) != domain(message.sender)
        for message in messages
        for address in (*message.to, *message.cc, *message.bcc)
    )
    scopes = {"from_scope", "sent_to_scope"} & options
    wanted = {
        "organization": any(
            "+" in address
            for message in messages
            for address in (message.sender, *message.to, *message.cc, *message.bcc)
        ),
        "accepted_domains": bool(scopes) or encrypts or protected or leaves,
        "remote_domains": "sent_to_scope" in options or encrypts or protected,
        "mail_users": bool(scopes) or encrypts,
        "journal_rules": False,
        "inbound_connectors": ("from_scope" in options or encrypts)
        and any(message.authenticated is None for message in messages),
        "outbound_connectors": leaves,
        "irm_configuration": encrypts or protected,
        "ome_configurations": encrypts or protected,
        "owa_mailbox_policies": encrypts or protected,
    }
    return [subset for subset in facts_not_in(given) if wanted[subset]]


def _organization_config(organization: Organization) -> dict[str, Any]:
    """Whether plus addressing is off, if the organization says so. Exchange on-premises does not."""
    off = organization.only("organization").get("DisablePlusAddressInRecipients")
    return {} if off is None else {"organization_config": {"disable_plus_address_in_recipients": bool(off)}}
