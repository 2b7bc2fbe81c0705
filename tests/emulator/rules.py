# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules: what may be stored together, what the service fills in, and how a rule is shown.

A stored rule holds only the properties that are set. The functions here are pure; ``cmdlets`` calls them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import CmdletError, already_exists, object_not_found, refused
from .properties import KINDS, RULE, Kind, Record
from .schema import cmdlets, rule_properties, rule_refusals, rule_sections
from .values import Delta, is_smtp_address, new_guid, now, ordinal

MAXIMUM_RULES = 300
MAXIMUM_SIZE = 8 * 1024
MAXIMUM_REGEX = 20 * 1024

Rule = dict[str, Any]

_NAMESPACE = "Microsoft.Exchange.MessagingPolicies.Rules.Tasks"
_DLP = "DLP rules are refused by the service"
_DLP_REFUSAL = "You can't create or update DLP related mail flow rules in the Exchange admin center. See https://aka.ms/NoDLPinETRs."
_ALWAYS = {
    "Mode": "Enforce",
    "RuleErrorAction": "Ignore",
    "SenderAddressLocation": "Header",
    "RecipientAddressType": "Resolved",
}
_OUTPUT_NAMES = {"NotifySender": "SenderNotificationType"}

#: Actions of OMEv1: since June 2023 the service lets a rule keep or lose them, and no more.
RETIRED = ("ApplyOME", "RemoveOME")
#: Switches whose false says something: that the message has a classification. They are cleared with null.
SAYING_FALSE = frozenset({"HasNoClassification", "ExceptIfHasNoClassification"})
#: Properties that only exist together: both or none.
_PAIRS = (
    ("HeaderContainsMessageHeader", "HeaderContainsWords"),
    ("HeaderMatchesMessageHeader", "HeaderMatchesPatterns"),
    ("BetweenMemberOf1", "BetweenMemberOf2"),
    ("ManagerAddresses", "ManagerForEvaluatedUser"),
    ("SetHeaderName", "SetHeaderValue"),
)
#: Master property, and what the service adds to it; without the master the others mean nothing.
_FILLED: dict[str, dict[str, str | None]] = {
    "ADComparisonAttribute": {"ADComparisonOperator": "Equal"},
    "ApplyHtmlDisclaimerText": {"ApplyHtmlDisclaimerLocation": "Append", "ApplyHtmlDisclaimerFallbackAction": "Wrap"},
    "GenerateIncidentReport": {"IncidentReportContent": None},
}
_REJECT = {
    "RejectMessageReasonText": "Delivery not authorized, message refused",
    "RejectMessageEnhancedStatusCode": "5.7.1",
}

#: Class names that do not follow from the property's name; several properties of one class count once.
_CLASSES = {
    "HeaderContainsMessageHeader": "HeaderContains",
    "HeaderContainsWords": "HeaderContains",
    "HeaderMatchesMessageHeader": "HeaderMatches",
    "HeaderMatchesPatterns": "HeaderMatches",
    "BetweenMemberOf1": "BetweenMemberOf",
    "BetweenMemberOf2": "BetweenMemberOf",
    "ManagerAddresses": "ManagerIs",
    "ManagerForEvaluatedUser": "ManagerIs",
    "ADComparisonAttribute": "ADAttributeComparison",
    "ADComparisonOperator": "ADAttributeComparison",
    "SetHeaderName": "SetHeader",
    "SetHeaderValue": "SetHeader",
    "RejectMessageReasonText": "RejectMessage",
    "RejectMessageEnhancedStatusCode": "RejectMessage",
    "ApplyHtmlDisclaimerText": "ApplyHtmlDisclaimer",
    "ApplyHtmlDisclaimerLocation": "ApplyHtmlDisclaimer",
    "ApplyHtmlDisclaimerFallbackAction": "ApplyHtmlDisclaimer",
    "GenerateIncidentReport": "GenerateIncidentReport",
    "IncidentReportContent": "GenerateIncidentReport",
    "ApplyRightsProtectionTemplate": "RightsProtectMessage",
    "ApplyRightsProtectionCustomizationTemplate": "ApplyRightsProtectionCustomization",
}
_ON_PREMISES_ONLY = {
    "RunspaceId": "0b9eb1f5-5b5f-4a1f-8c0c-0d3c7cf1d8a1",
    "SerializationData": None,
    "OMEExpiryDays": None,
}
_CLOUD_ONLY = ("CreatedBy", "RecipientAddressType", "RemoveOMEv2", "ApplyRightsProtectionCustomizationTemplate")


def find(rules: Sequence[Rule], identity: str, organization: str) -> Rule:
    """The rule of that name, GUID or distinguished name.

    :raises CmdletError: there is none.
    """
    wanted = ordinal(identity)
    for rule in rules:
        if wanted in map(ordinal, (rule["Name"], rule["Guid"], distinguished_name(rule["Name"], organization))):
            return rule
    raise object_not_found(identity)


def distinguished_name(name: str, organization: str) -> str:
    escaped = re.sub(r'([\\",+<>;])', r"\\\1", name)
    containers = (
        "TransportVersioned",
        "Rules",
        "Transport Settings",
        "Configuration",
        organization,
        "ConfigurationUnits",
    )
    return ",".join(f"CN={part}" for part in (escaped, *containers)) + ",DC=EMUPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"


def changed(rule: Mapping[str, Any], parameters: Mapping[str, Any], state: Mapping[str, Any]) -> Rule:
    """The rule with the bound parameters applied and the service's own additions made.

    :raises CmdletError: the result is no valid rule.
    """
    _refuse_what_the_service_left_behind(parameters, state)
    wanted = {name: _resolved(name, value, rule.get(name), state) for name, value in parameters.items()}
    merged = {
        name: value
        for name, value in {**rule, **wanted}.items()
        if value not in (None, [], "") and (value is not False or name in SAYING_FALSE)
    }
    for name, default in _ALWAYS.items():
        if name in parameters and parameters[name] is None:
            raise refused(f"The property '{name}' can't be empty.")
        merged.setdefault(name, default)
    for prefix in ("", "ExceptIf"):
        _complete_pairs(merged, parameters, prefix)
    _check(merged, state)
    return merged


def _refuse_what_the_service_left_behind(parameters: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    if state["cloud"] and state["retired_actions_refused"] and any(parameters.get(name) for name in RETIRED):
        raise CmdletError(
            "Office 365 Message Encryption of the first version is retired. Use ApplyRightsProtectionTemplate or RemoveOMEv2."
        )
    for name, value in parameters.items():
        reason = rule_refusals().get(name)
        if reason == _DLP and value not in (None, False, "None"):
            raise CmdletError(_DLP_REFUSAL)


def _resolved(name: str, value: Any, current: Any, state: Mapping[str, Any]) -> Any:
    """Recipients become SMTP addresses, templates and configurations their names, deltas lists."""
    if isinstance(value, Delta):
        value = value.apply(current)
    net_type = cmdlets()["new-transportrule"].parameters[name.lower()].type
    if value is None or value == []:
        return None
    if net_type == "RecipientIdParameter":
        return _address(value, state)
    if net_type == "RecipientIdParameter[]":
        return [_address(item, state) for item in value]
    if name == "ApplyRightsProtectionTemplate":
        return template(state, value)["Name"]
    if name == "ApplyRightsProtectionCustomizationTemplate":
        names = [row["Identity"] for row in state["ome_configurations"] if ordinal(row["Identity"]) == ordinal(value)]
        if not names:
            raise object_not_found(value)
        return names[0]
    if state["reorder_lists"] and isinstance(value, list):
        return sorted(value, key=str.lower, reverse=True)
    return value


def _address(identity: str, state: Mapping[str, Any]) -> str:
    for recipient in state["recipients"]:
        if identity.lower() in {
            str(recipient[key]).lower() for key in ("name", "alias", "address", "guid", "dn") if recipient.get(key)
        }:
            return str(recipient["address"])
    if is_smtp_address(identity):
        return identity
    raise object_not_found(identity)


def templates(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The RMS templates under the names of the organization's language."""
    language = state["locale"].partition("-")[0]
    return [{**row, "Name": row.get("Localized", {}).get(language, row["Name"])} for row in state["rms_templates"]]


def template(state: Mapping[str, Any], identity: str) -> dict[str, Any]:
    for row in templates(state):
        if ordinal(identity) in (ordinal(row["Name"]), ordinal(row["TemplateGuid"])):
            return row
    raise object_not_found(identity)


def _complete_pairs(rule: Rule, parameters: Mapping[str, Any], prefix: str) -> None:
    for pair in _PAIRS:
        first, second = (prefix + name for name in pair)
        if (first in rule) != (second in rule):
            given, missing = (first, second) if first in rule else (second, first)
            raise refused(f"The parameter '{given}' must be used together with '{missing}'.")
    for master, additions in _FILLED.items():
        for name in (prefix + suffix for suffix in additions if prefix + master not in rule):
            if parameters.get(name) is not None:
                raise refused(f"The parameter '{name}' must be used together with '{prefix}{master}'.")
            rule.pop(name, None)
    rule.update(filled(rule))


def filled(rule: Mapping[str, Any]) -> Rule:
    """The rule with what the service adds to properties that do not stand alone."""
    added = {
        prefix + name: default
        for prefix in ("", "ExceptIf")
        for master, additions in _FILLED.items()
        if rule.get(prefix + master) is not None
        for name, default in additions.items()
        if default is not None
    }
    rejects = _REJECT if any(rule.get(name) is not None for name in _REJECT) else {}
    return {**rule, **{name: text for name, text in {**added, **rejects}.items() if rule.get(name) is None}}


def _check(rule: Rule, state: Mapping[str, Any]) -> None:
    name = str(rule.get("Name", "")).strip()
    if not name:
        raise refused("The rule's name can't be empty.")
    others = [other for other in state["transport_rules"] if other["Guid"] != rule["Guid"]]
    if any(ordinal(other["Name"]) == ordinal(name) for other in others):
        raise already_exists(name)
    if rule.get("RemoveRMSAttachmentEncryption") and not rule.get("RemoveOMEv2"):
        raise refused("The parameter 'RemoveRMSAttachmentEncryption' must be used together with 'RemoveOMEv2'.")
    for scope in ("SentToScope", "ExceptIfSentToScope"):
        if state["cloud"] and str(rule.get(scope, "")).startswith("External"):
            raise refused(f"The value '{rule[scope]}' of '{scope}' exists on premises only.")
    status = rule.get("RejectMessageEnhancedStatusCode", "5.7.1")
    if not re.fullmatch(r"5\.7\.(1|9\d\d)", status):
        raise refused(
            f"The enhanced status code '{status}' isn't valid: it must be 5.7.1 or between 5.7.900 and 5.7.999."
        )
    if not any(rule_sections().get(key) == "actions" for key in rule):
        raise refused("A rule must have at least one action.")
    if size(rule) > MAXIMUM_SIZE:
        raise refused(f"The rule is too large: {size(rule):,} bytes. The limit is {MAXIMUM_SIZE:,} bytes.")
    if sum(map(regex_size, [*others, rule])) > MAXIMUM_REGEX:
        raise refused(f"The regular expressions of all rules exceed the limit of {MAXIMUM_REGEX:,} characters.")


def place(rules: list[Rule], rule: Rule, priority: int | None) -> None:
    """Puts the rule at its priority; the others move.

    :raises CmdletError: there is no such place.
    """
    rest = [other for other in rules if other["Guid"] != rule["Guid"]]
    if priority is None:
        priority = next((index for index, other in enumerate(rules) if other["Guid"] == rule["Guid"]), len(rest))
    if not 0 <= priority <= len(rest):
        raise CmdletError(
            "The specified rule priority is invalid.",
            "Microsoft.Exchange.MessagingPolicies.Rules.Tasks.InvalidPriorityException",
            "",
        )
    rules[:] = [*rest[:priority], rule, *rest[priority:]]


def new(state: Mapping[str, Any], parameters: Mapping[str, Any]) -> Rule:
    """The stored form of a new rule, not yet placed.

    :raises CmdletError: it is no valid rule, or there are too many already.
    """
    if len(state["transport_rules"]) >= MAXIMUM_RULES:
        raise refused(f"The organization has {MAXIMUM_RULES} rules, and that is the limit.")
    parameters = dict(parameters)
    enabled = parameters.pop("Enabled", True)
    stamp = {"Guid": new_guid(), "State": "Enabled" if enabled else "Disabled", "CreatedBy": state["administrator"]}
    return stamped(changed(stamp, parameters, state), state)


def stamped(rule: Rule, state: Mapping[str, Any]) -> Rule:
    """The rule as just written by the administrator."""
    return {**rule, "WhenChanged": now(), "LastModifiedBy": state["administrator"]}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    ignored = ("WhenChanged", "LastModifiedBy", "Priority")
    return {k: v for k, v in one.items() if k not in ignored} == {k: v for k, v in other.items() if k not in ignored}


def _set_in(rule: Mapping[str, Any], section: str) -> list[str]:
    sections = rule_sections()
    return [name for name in rule_properties() if name in rule and sections.get(name) == section]


def size(rule: Mapping[str, Any]) -> int:
    """The bytes that a rule takes. How the service counts is not published: this is the length of its settings plus a
    constant.
    """
    settings = {
        name: rule[name] for section in ("conditions", "exceptions", "actions") for name in _set_in(rule, section)
    }
    return 300 + len(
        json.dumps([settings, rule["Name"], rule.get("Comments")], ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


def regex_size(rule: Mapping[str, Any]) -> int:
    return sum(len(item) for name, value in rule.items() if name.endswith("MatchesPatterns") for item in value or ())


def classes(rule: Mapping[str, Any], section: str) -> list[str] | None:
    """The classes of its actions, conditions or exceptions; ``None`` where it has none."""
    suffix = "Action" if section == "actions" else "Predicate"
    names = [name.removeprefix("ExceptIf") for name in _set_in(rule, section)]
    classes = dict.fromkeys(f"{_NAMESPACE}.{_CLASSES.get(name, name)}{suffix}" for name in names)
    return list(classes) or None


def _description(rule: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for section, title in (
        ("conditions", "If the message:"),
        ("actions", "Take the following actions:"),
        ("exceptions", "Except if the message:"),
    ):
        names = _set_in(rule, section)
        lines += [title, *("\t" + _sentence(name, rule[name]) for name in names)] if names else []
    return "".join(f"{line}\r\n" for line in lines)


def _sentence(name: str, value: Any) -> str:
    if name == "ApplyRightsProtectionTemplate":
        return f"rights protect message with RMS template:  '{value}' "
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("ExceptIf")).lower()
    items = value if isinstance(value, list) else [value]
    return words if value is True else f"{words} " + " or ".join(f"'{item}'" for item in items)


def record(rule: Mapping[str, Any], state: Mapping[str, Any], *, details: bool = True) -> Record:
    """The rule as Get-TransportRule returns it.

    :param details: false blanks what ExcludeConditionActionDetails leaves out.
    """
    kinds = KINDS[RULE]
    values: dict[str, Any] = {name: False if kinds[name] is Kind.BOOL else None for name in rule_properties()}
    stored = (
        rule
        if details
        else {name: value for name, value in rule.items() if rule_sections().get(name) in (None, "rule")}
    )
    values |= {_OUTPUT_NAMES.get(name, name): value for name, value in stored.items() if name != "Enabled"}
    values |= {
        "DlpPolicyId": "00000000-0000-0000-0000-000000000000",
        "Description": _description(rule) if details else "",
        "RuleVersion": "14.0.0.0",
        "Size": size(rule),
        "RegexSize": regex_size(rule),
        "Conditions": classes(rule, "conditions") if details else None,
        "Exceptions": classes(rule, "exceptions") if details else None,
        "Actions": classes(rule, "actions") if details else None,
        "IsRuleConfigurationSupported": True,
        "RuleConfigurationUnsupportedReason": "",
        "RuleSubType": rule.get("RuleSubType", "None"),
        "CreatedBy": rule.get("CreatedBy", "Microsoft Exchange"),
        "LastModifiedBy": rule.get("LastModifiedBy", "Microsoft Exchange"),
        "Identity": rule["Name"],
        "DistinguishedName": distinguished_name(rule["Name"], state["name"]),
        "ImmutableId": rule["Guid"],
        "OrganizationId": f"EMUPR01A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{state['name']}",
        "IsValid": True,
        "ObjectState": "Unchanged",
    }
    if not state["cloud"]:
        values = {**_ON_PREMISES_ONLY, **{name: value for name, value in values.items() if name not in _CLOUD_ONLY}}
    return Record(RULE, values)


def catalog(section: str) -> Iterable[str]:
    """Names for Get-TransportRulePredicate and Get-TransportRuleAction."""
    return dict.fromkeys(_CLASSES.get(name, name) for name, where in rule_sections().items() if where == section)
