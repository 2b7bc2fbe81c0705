# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a whole organization to plain values and back.

The round-trip law: for each part, :func:`describe` returns exactly what its module accepts, and :func:`plan_state`
finds nothing to do with it. After any change by anyone, it restores the old state. Snapshot, rollback, export and plan
rest on this law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._engine.arguments import validate
from .._engine.plan import Plan
from .._exchange.errors import OptionError
from .._exchange.organization import COMPLIANCE_SUBSETS, Organization
from .._exchange.tenant import OrganizationIdentity, why_not_from
from .compliance.dlp_policies import read_policies
from .compliance.sensitivity_labels import read_auto_label_policies, read_label_policies, read_labels
from .registry import RESOURCES
from .resource import Planning

#: The parts that are settings and that a state can hold.
PARTS = tuple(resource.subset for resource in RESOURCES)

_RESOURCE = {resource.subset: resource for resource in RESOURCES}


def state_argument_spec() -> dict[str, Any]:
    """The argument spec of a state's parts."""
    return {**{resource.subset: resource.argument_spec() for resource in RESOURCES}, "organization": {"type": "dict"}}


def validated(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state parts of the info module's output, with the types that the modules accept. Raises OptionError, which
    names what is invalid.
    """
    for part in COMPLIANCE_SUBSETS:
        if state.get(part) is not None:
            raise OptionError(
                f"{part} is only read: this collection does not write DLP policies, labels or their policies.",
                remedy=f"Remove {part} from the state.",
            )
    parts = {part: value for part, value in state.items() if part in (*PARTS, "organization")}
    if not parts:
        raise OptionError(
            "state does not contain any part that the info module returns.", remedy=f"Valid parts: {', '.join(PARTS)}."
        )
    validation, errors = validate(parts, state_argument_spec())
    if errors:
        raise OptionError("; ".join(errors))
    return dict(validation.validated_parameters)


def describe(organization: Organization, subsets: Iterable[str]) -> dict[str, Any]:
    """The named subsets in the form that the modules accept. Raises the error of a failed read."""
    described: dict[str, Any] = {}
    for subset in subsets:
        described.update(_DESCRIPTIONS[subset](organization))
    return described


def brief_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state without what goes without saying: what is empty, and what Exchange gives a new rule. :func:`whole_state`
    is the inverse.
    """
    return {part: _RESOURCE[part].brief(value) if part in _RESOURCE else value for part, value in state.items()}


def whole_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """A brief state with all that goes without saying."""
    return {
        part: _RESOURCE[part].whole(value) if part in _RESOURCE and value is not None else value
        for part, value in state.items()
    }


def declare_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a state, part by part. Raises OptionError, which names what is invalid."""
    return {
        resource.subset: resource.declare(state[resource.subset])
        for resource in RESOURCES
        if state.get(resource.subset) is not None
    }


def unsupported_rules(state: Mapping[str, Any]) -> tuple[str, ...]:
    """GUIDs and names of the rules that the info module's output lists as unsupported. Raises OptionError if it is no
    such list.
    """
    try:
        rows = state.get("transport_rules_unsupported") or ()
        return tuple(str(row[key]) for row in rows for key in ("guid", "name") if row.get(key))
    except (AttributeError, TypeError) as error:
        raise OptionError(
            "state: transport_rules_unsupported is not a list of dictionaries, as the info module returns it."
        ) from error


def subsets_of(parts: Mapping[str, Any]) -> list[str]:
    """The subsets to read to plan a state."""
    needed = (
        subset
        for resource in RESOURCES
        if resource.subset in parts
        for subset in resource.subsets(parts[resource.subset])
    )
    return list(dict.fromkeys(["organization", *parts, *needed]))


def plan_state(organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
    """Plans how to bring the organization to a state (canonical parts), in a safe order."""
    return Plan.join(
        {
            resource.subset: resource.plan(organization, parts, options)
            for resource in RESOURCES
            if resource.subset in parts
        }
    )


def refuse_other_organization(organization: Organization, state: Mapping[str, Any], *, remedy: str) -> None:
    """Refuses a state from another or an unnamed organization. A state without ``organization`` is valid for any."""
    if state.get("organization") is None:
        return
    why = why_not_from(organization.identity, OrganizationIdentity.from_row(state["organization"]))
    if why:
        raise OptionError(f"organization: {why}.", remedy=remedy)


def _describe_templates(organization: Organization) -> dict[str, Any]:
    return {
        "rms_templates": [
            {
                "name": str(item["Name"]),
                "guid": str(item.get("TemplateGuid") or item.get("Guid") or ""),
                "description": str(item.get("Description") or ""),
            }
            for item in organization.objects("rms_templates")
        ]
    }


def _describe_limits(organization: Organization) -> dict[str, Any]:
    config = organization.only("transport_config")
    return {
        "transport_config": {
            "transport_rule_limit": config.get("TransportRuleLimit"),
            "transport_rule_size_limit": config.get("TransportRuleSizeLimit"),
            "transport_rule_collection_regex_chars_limit": config.get("TransportRuleCollectionRegexCharsLimit"),
        }
    }


def _describe_accepted_domains(organization: Organization) -> dict[str, Any]:
    return {
        "accepted_domains": [
            {
                "name": str(item["DomainName"]).lower(),
                "type": str(item["DomainType"]),
                "match_subdomains": bool(item.get("MatchSubDomains")),
            }
            for item in organization.objects("accepted_domains")
        ]
    }


def _describe_remote_domains(organization: Organization) -> dict[str, Any]:
    return {
        "remote_domains": [
            {
                "name": str(item["Name"]),
                "domain_name": str(item["DomainName"]).lower(),
                "is_internal": bool(item.get("IsInternal")),
            }
            for item in organization.objects("remote_domains")
        ]
    }


def _describe_inbound_connectors(organization: Organization) -> dict[str, Any]:
    return {
        "inbound_connectors": [
            {
                "name": str(item["Name"]),
                "enabled": bool(item.get("Enabled")),
                "connector_type": str(item.get("ConnectorType") or ""),
                "cloud_services_mail_enabled": bool(item.get("CloudServicesMailEnabled")),
                "treat_messages_as_internal": bool(item.get("TreatMessagesAsInternal")),
            }
            for item in organization.objects("inbound_connectors")
        ]
    }


def _describe_outbound_connectors(organization: Organization) -> dict[str, Any]:
    return {
        "outbound_connectors": [
            {name: read(item) for name, read in _OUTBOUND_CONNECTOR.items()}
            for item in organization.objects("outbound_connectors")
        ]
    }


def _flag(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda item: bool(item.get(name))


def _text(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda item: str(item.get(name) or "")


def _texts(name: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda item: [str(text) for text in item.get(name) or ()]


#: What is told of an outbound connector. Without TLS settings, TLS is used where the other side offers it. Source:
#: Microsoft's New-OutboundConnector page.
_OUTBOUND_CONNECTOR: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "name": _text("Name"),
    "enabled": _flag("Enabled"),
    "connector_type": _text("ConnectorType"),
    "recipient_domains": _texts("RecipientDomains"),
    "tls_settings": _text("TlsSettings"),
    "tls_domain": _text("TlsDomain"),
    "use_mx_record": _flag("UseMXRecord"),
    "smart_hosts": _texts("SmartHosts"),
    "is_transport_rule_scoped": _flag("IsTransportRuleScoped"),
    "test_mode": _flag("TestMode"),
    "all_accepted_domains": _flag("AllAcceptedDomains"),
    "route_all_messages_via_on_premises": _flag("RouteAllMessagesViaOnPremises"),
    "cloud_services_mail_enabled": _flag("CloudServicesMailEnabled"),
    "mta_sts_mode": _text("MtaStsMode"),
    "smtp_dane_mode": _text("SmtpDaneMode"),
}


def _describe_mail_users(organization: Organization) -> dict[str, Any]:
    addresses = (str(item.get("PrimarySmtpAddress") or "").lower() for item in organization.objects("mail_users"))
    return {"mail_users": sorted({address for address in addresses if address})}


def _describe_journal_rules(organization: Organization) -> dict[str, Any]:
    return {
        "journal_rules": [
            {
                "name": str(item["Name"]),
                "enabled": bool(item.get("Enabled")),
                "scope": str(item.get("Scope") or ""),
                "recipient": str(item.get("Recipient") or ""),
                "journal_email_address": str(item.get("JournalEmailAddress") or ""),
            }
            for item in organization.objects("journal_rules")
        ]
    }


def _describe_dlp_policies(organization: Organization) -> dict[str, Any]:
    policies = read_policies(organization.objects("dlp_policies"), organization.objects("dlp_rules"))
    return {"dlp_policies": [policy.describe() for policy in policies]}


def _describe_auto_label_policies(organization: Organization) -> dict[str, Any]:
    rules = organization.objects("auto_label_rules")
    policies = read_auto_label_policies(organization.objects("auto_label_policies"), rules)
    return {"auto_label_policies": [policy.describe() for policy in policies]}


#: The description of each subset for users: the resources, and subsets that can only be read.
_DESCRIPTIONS: dict[str, Callable[[Organization], dict[str, Any]]] = {
    **{resource.subset: resource.describe for resource in RESOURCES},
    "organization": lambda organization: {"organization": organization.identity.as_row()},
    "transport_config": _describe_limits,
    "rms_templates": _describe_templates,
    "accepted_domains": _describe_accepted_domains,
    "remote_domains": _describe_remote_domains,
    "inbound_connectors": _describe_inbound_connectors,
    "outbound_connectors": _describe_outbound_connectors,
    "mail_users": _describe_mail_users,
    "journal_rules": _describe_journal_rules,
    "dlp_policies": _describe_dlp_policies,
    "labels": lambda organization: {
        "labels": [label.describe() for label in read_labels(organization.objects("labels"))]
    },
    "label_policies": lambda organization: {
        "label_policies": [policy.describe() for policy in read_label_policies(organization.objects("label_policies"))]
    },
    "auto_label_policies": _describe_auto_label_policies,
    "exported_cmdlets": lambda organization: {
        "exported_cmdlets": sorted(str(item["Name"]) for item in organization.objects("exported_cmdlets"))
    },
}
