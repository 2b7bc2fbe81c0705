# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, facts and answers as the collection names them, and as the emulator's mail flow does.

The names of options follow from those of cmdlet parameters; no table of the collection is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.emulator.schema import rule_sections

_DATA = Path(__file__).parent / "data"
_SECTIONS = ("conditions", "exceptions", "actions")
#: Properties of Get-TransportRule that are no parameters.
_READ_ONLY = {
    "state": "State",
    "dlp_policy": "DlpPolicy",
    "is_rule_configuration_supported": "IsRuleConfigurationSupported",
}
_IRM = {
    "azure_rms_licensing_enabled": "AzureRMSLicensingEnabled",
    "internal_licensing_enabled": "InternalLicensingEnabled",
    "transport_decryption_setting": "TransportDecryptionSetting",
    "enable_pdf_encryption": "EnablePdfEncryption",
}
_CONNECTOR = {
    "name": "Name",
    "enabled": "Enabled",
    "connector_type": "ConnectorType",
    "recipient_domains": "RecipientDomains",
    "tls_settings": "TlsSettings",
    "tls_domain": "TlsDomain",
    "use_mx_record": "UseMXRecord",
    "smart_hosts": "SmartHosts",
    "is_transport_rule_scoped": "IsTransportRuleScoped",
    "test_mode": "TestMode",
    "all_accepted_domains": "AllAcceptedDomains",
    "route_all_messages_via_on_premises": "RouteAllMessagesViaOnPremises",
}
_DOMAINS = {"accepted_domains", "remote_domains"}
_DOMAIN_KEYS = {
    "name": "DomainName",
    "type": "DomainType",
    "match_subdomains": "MatchSubDomains",
    "is_internal": "IsInternal",
}


@cache
def vectors() -> list[dict[str, Any]]:
    """The test vectors: rules, a message, facts, and what becomes of the message. What does not apply is absent."""
    found: list[dict[str, Any]] = json.loads((_DATA / "vectors.json").read_text(encoding="utf-8"))
    return found


def option(parameter: str) -> str:
    """The option of a parameter: ``ExceptIfSCLOver`` is ``scl_over``."""
    name = parameter.removeprefix("ExceptIf").replace("OMEv2", "OmeV2")
    return re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])|(?<=Of)(?=\d)", "_", name).lower()


#: Options of DLP rules to their parameters.
_DLP = {
    "access_scope": "AccessScope",
    "from_scope": "FromScope",
    "from": "From",
    "sent_to": "SentTo",
    "sender_domain_is": "SenderDomainIs",
    "recipient_domain_is": "RecipientDomainIs",
    "subject_contains_words": "SubjectContainsWords",
    "content_contains_sensitive_information": "ContentContainsSensitiveInformation",
    "document_contains_words": "DocumentContainsWords",
    "content_extension_matches_words": "ContentExtensionMatchesWords",
    "content_file_type_matches": "ContentFileTypeMatches",
    "encrypt_rms_template": "EncryptRMSTemplate",
    "remove_rms_template": "RemoveRMSTemplate",
    "apply_branding_template": "ApplyBrandingTemplate",
    "block_access": "BlockAccess",
    "block_access_scope": "BlockAccessScope",
    "quarantine": "Quarantine",
    "redirect_message_to": "RedirectMessageTo",
    "moderate_message_by_user": "Moderate",
    "stop_policy_processing": "StopPolicyProcessing",
    "notify_user": "NotifyUser",
}
#: The same of those that are a key of a hash table to the table.
#: Those of AddRecipients.
_ADDED = {
    "add_to_recipients": "AddToRecipients",
    "copy_to": "CopyTo",
    "blind_copy_to": "BlindCopyTo",
    "add_manager_as_recipient_type": "AddManagerAsRecipientType",
}
_TABLE = {"moderate_message_by_user": lambda value: {"ModerateMessageByUser": value}}


@cache
def _parameters() -> dict[str, dict[str, str]]:
    """Section to option to parameter."""
    found: dict[str, dict[str, str]] = {}
    for parameter, section in rule_sections().items():
        if section is not None:
            found.setdefault(section, {})[option(parameter)] = parameter
    return found


def stored(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as an organization stores it, from one in the collection's options."""
    names = _parameters()
    row = {(_READ_ONLY | names["rule"])[name]: value for name, value in rule.items() if name not in _SECTIONS}
    for section in _SECTIONS:
        row |= {names[section][name]: value for name, value in rule.get(section, {}).items()}
    if row.pop("Enabled", True) is False:
        row["State"] = "Disabled"
    return row


def facts(tenant: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an organization, with domains as the cmdlets return them. When mail expires in the portal is
    nothing to its way there.
    """
    tenant = {name: value for name, value in tenant.items() if name != "ome_configurations"}
    if "dlp_policies" in tenant:
        tenant["dlp_policies"] = list(map(_policy, tenant["dlp_policies"]))
    if "labels" in tenant:
        tenant["labels"] = list(map(_label, tenant["labels"]))
    if "auto_label_policies" in tenant:
        tenant["auto_labels"] = [
            row["label"] for row in tenant.pop("auto_label_policies") if row.get("mode", "Enable") == "Enable"
        ]
    if "organization_config" in tenant:
        tenant["organization_config"] = {
            "DisablePlusAddressInRecipients": tenant["organization_config"].get("disable_plus_address_in_recipients")
        }
    if "irm_configuration" in tenant:
        tenant["irm_configuration"] = {_IRM[name]: value for name, value in tenant["irm_configuration"].items()}
    if "rms_templates" in tenant:
        tenant["templates"] = {row["name"]: row["name"] for row in tenant.pop("rms_templates")}
    if "outbound_connectors" in tenant:
        tenant["outbound_connectors"] = [
            {_CONNECTOR[name]: value for name, value in row.items()} for row in tenant["outbound_connectors"]
        ]
    return {
        name: [{_DOMAIN_KEYS[key]: held for key, held in row.items()} for row in value] if name in _DOMAINS else value
        for name, value in tenant.items()
    }


def _policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A DLP policy as the compliance endpoint shows it, with its rules."""
    scope = policy.get("scope") or {}
    return {
        "Name": policy["name"],
        "Mode": policy.get("mode", "Enable"),
        "Priority": policy.get("priority", 0),
        "ExchangeLocation": ["All"] if scope.get("exchange", True) else [],
        "ExchangeSender": scope.get("senders"),
        "ExchangeSenderException": scope.get("senders_except"),
        "Rules": [{"Priority": place, **_dlp_rule(rule)} for place, rule in enumerate(policy["rules"])],
    }


def _dlp_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    conditions = dict(rule["conditions"])
    tree = conditions.pop("advanced", None)
    advanced = {"IsAdvancedRule": True, "AdvancedRule": json.dumps({"Condition": _tree(tree)})} if tree else {}
    return {
        "Name": rule["name"],
        "Disabled": not rule.get("enabled", True),
        **{_DLP[name]: value for name, value in conditions.items()},
        **{f"ExceptIf{_DLP[name]}": value for name, value in (rule.get("exceptions") or {}).items()},
        **_dlp_actions(rule["actions"]),
        **advanced,
    }


def _dlp_actions(actions: Mapping[str, Any]) -> dict[str, Any]:
    added = {_ADDED[name]: value for name, value in actions.items() if name in _ADDED}
    others = {
        _DLP[name]: _TABLE[name](value) if name in _TABLE else value
        for name, value in actions.items()
        if name not in _ADDED
    }
    return {**others, **({"AddRecipients": added} if added else {})}


def _tree(node: Mapping[str, Any]) -> dict[str, Any]:
    if "operator" in node:
        return {"Operator": node["operator"].capitalize(), "SubConditions": list(map(_tree, node["conditions"]))}
    ((name, value),) = node.items()
    return {"ConditionName": _DLP[name], "Value": value}


def _label(label: Mapping[str, Any]) -> dict[str, Any]:
    how = {"encrypt_only": "encrypt", "do_not_forward": "do_not_forward", "rights": f"template:{label['name']}"}
    return {
        "Name": label["name"],
        "Guid": label.get("guid", ""),
        "Encrypts": how.get(label["encryption"]),
        "Removes": label["encryption"] == "remove",
    }
