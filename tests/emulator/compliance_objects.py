# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies and rules, labels and their policies, as the compliance endpoint shows them.

A state holds what somebody set, under Exchange's own names; what it leaves out is unset, as the policies and rules of a
test organization show it that ScubaGear publishes: an empty list or text, nothing, or false, by the property's type.
No capture of labels is public: their form is that which Microsoft365DSC and CIPP read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

_LISTS = """SubjectContainsWords SubjectMatchesPatterns SubjectOrBodyContainsWords SubjectOrBodyMatchesPatterns DocumentContainsWords
    DocumentMatchesPatterns DocumentNameMatchesPatterns DocumentNameMatchesWords ContentCharacterSetContainsWords ContentPropertyContainsWords
    UnscannableDocumentExtensionIs SentTo RecipientDomainIs SenderIPRanges ContentExtensionMatchesWords ContentFileTypeMatches
    AnyOfRecipientAddressContainsWords AnyOfRecipientAddressMatchesPatterns FromAddressContainsWords FromAddressMatchesPatterns SenderDomainIs"""
_NOTHING = """SenderADAttributeMatchesPatterns SenderADAttributeContainsWords RecipientADAttributeMatchesPatterns RecipientADAttributeContainsWords
    MessageTypeMatches HeaderContainsWords HeaderMatchesPatterns AccessScope FromScope WithImportance From FromMemberOf SentToMemberOf
    ContentContainsSensitiveInformation"""
_TEXTS = "MessageSizeOver DocumentSizeOver"
_FALSE = "DocumentIsUnsupported DocumentIsPasswordProtected ProcessingLimitExceeded HasSenderOverride"
_CONDITIONS = {
    **{name: [] for name in _LISTS.split()},
    **dict.fromkeys(_NOTHING.split()),
    **dict.fromkeys(_TEXTS.split(), ""),
    **dict.fromkeys(_FALSE.split(), False),
}
#: Conditions without an exception.
_ALONE = {"NonBifurcatingAccessScope": None, "ContentIsNotLabeled": False, "MessageIsNotLabeled": False}
_ACTIONS: dict[str, Any] = {
    **dict.fromkeys(("AddRecipients", "Moderate", "ModifySubject", "ApplyHtmlDisclaimer", "SetHeader")),
    **dict.fromkeys(("RedirectMessageTo", "BlockAccessScope", "RuleErrorAction", "SenderAddressLocation")),
    **dict.fromkeys(("BlockAccess", "RemoveRMSTemplate", "StopPolicyProcessing", "Quarantine"), False),
    **dict.fromkeys(("EncryptRMSTemplate", "ApplyBrandingTemplate", "PrependSubject"), ""),
    "RemoveHeader": [],
    "GenerateAlert": [],
    "NotifyUser": [],
    # True on every rule, whatever it does.
    "EnforcePortalAccess": True,
}
#: The actions that matter to who can read a message, and to what follows.
_MAIL_ACTIONS = {
    name: _ACTIONS[name]
    for name in (
        *("BlockAccess", "BlockAccessScope", "EncryptRMSTemplate", "RemoveRMSTemplate"),
        *("ApplyBrandingTemplate", "StopPolicyProcessing", "Quarantine", "RedirectMessageTo"),
    )
}
_POLICY: dict[str, Any] = {
    "Mode": "Enable",
    "Type": "Dlp",
    "Workload": "Exchange",
    "ExchangeLocation": ["All"],
    **{f"ExchangeSender{what}": [] for what in ("", "Exception", "MemberOf", "MemberOfException")},
    **{f"ExchangeAdaptiveScopes{what}": [] for what in ("", "Exception")},
    "ExchangeOnPremisesLocation": [],
    "SharePointLocation": [],
    "PolicyConstraints": '{"AdministrativeUnit":[],"DynamicRiskPrevention":[]}',
    "PolicyRBACScopes": [],
    "DistributionStatus": "Pending",
    "Comment": "",
    "ReadOnly": False,
}
_LABEL: dict[str, Any] = {
    "ContentType": "File, Email",
    "ParentId": None,
    "Disabled": False,
    "Mode": "Enforce",
    "Settings": [],
    "LabelActions": [],
    "Capabilities": [],
}
_LABEL_POLICY: dict[str, Any] = {
    "Mode": "Enforce",
    "Enabled": True,
    "Labels": [],
    "ExchangeLocation": ["All"],
    "ExchangeLocationException": [],
    "ModernGroupLocation": [],
    "Settings": ["[mandatory, false]", "[disablemandatoryinoutlook, false]"],
}
_AUTO_LABEL: dict[str, Any] = {
    **{key: value for key, value in _POLICY.items() if key != "Type"},
    "ApplySensitivityLabel": None,
    "OverwriteLabel": False,
    "ExternalMailRightsManagementOwner": None,
}


def complete(state: dict[str, Any]) -> None:
    """Gives the objects of a state what they leave out."""
    _fill(state, "dlp_policies", _POLICY)
    _fill(state, "labels", _LABEL)
    _fill(state, "label_policies", _LABEL_POLICY)
    _fill(state, "auto_label_policies", _AUTO_LABEL)
    _fill_rules(state, "dlp_rules", "dlp_policies", _ACTIONS)
    _fill_rules(state, "auto_label_rules", "auto_label_policies", {})


def policies_for_mail(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The DLP policies as mail meets them: each with its ``Rules``, of which only what is set is there."""
    known = {
        **_CONDITIONS,
        **{f"ExceptIf{name}": value for name, value in _CONDITIONS.items()},
        **_ALONE,
        **_MAIL_ACTIONS,
    }
    always = ("Name", "Priority", "Disabled", "IsAdvancedRule", "AdvancedRule")
    return [
        {
            **policy,
            "Rules": [
                {
                    name: value
                    for name, value in row.items()
                    if name in always or (name in known and value not in (known[name], None))
                }
                for row in state["dlp_rules"]
                if row["ParentPolicyName"] in (policy["Name"], policy["Guid"])
            ],
        }
        for policy in state["dlp_policies"]
    ]


def _fill(state: dict[str, Any], key: str, defaults: Mapping[str, Any]) -> None:
    state[key] = [
        {**_common(state, key, row["Name"]), "Priority": place, **defaults, **row}
        for place, row in enumerate(state[key])
    ]
    for row in state[key]:
        if "Enabled" not in defaults:
            row.setdefault("Enabled", row["Mode"] != "Disable")
            row.setdefault("IsSimulationPolicy", row["Mode"].startswith("Test"))


def _fill_rules(state: dict[str, Any], key: str, policies: str, actions: Mapping[str, Any]) -> None:
    """Rules of a policy that is named by ``ParentPolicyName``, in the order of the list unless they have a priority."""
    guids = {row["Name"]: row["Guid"] for row in state[policies]}
    places: dict[str, int] = {}
    filled = []
    for row in state[key]:
        policy = row["ParentPolicyName"]
        place = places[policy] = places.get(policy, -1) + 1
        whole = {
            **_common(state, key, row["Name"]),
            "Policy": guids.get(policy, str(uuid.uuid5(uuid.NAMESPACE_DNS, policy))),
            "Priority": place,
            "Disabled": False,
            # Whatever the mode of the policy.
            "Mode": "Enforce",
            "Workload": "Exchange",
            "IsAdvancedRule": False,
            **_CONDITIONS,
            **{f"ExceptIf{name}": value for name, value in _CONDITIONS.items()},
            **_ALONE,
            **actions,
            **row,
        }
        whole.setdefault("AdvancedRule", _tree(row))
        filled.append(whole)
    state[key] = filled


def _tree(row: Mapping[str, Any]) -> str:
    """The conditions of a rule that is no advanced one, which show them a second time as a tree."""
    names = {*_CONDITIONS, *_ALONE}
    leaves = [{"ConditionName": name, "Value": value} for name, value in row.items() if name in names]
    condition = {"Operator": "And", "SubConditions": leaves}
    return json.dumps({"Version": "1.0", "Condition": condition}, indent=2).replace("\n", "\r\n")


def _common(state: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    place = f"FFO.extest.microsoft.com/Microsoft Exchange Hosted Organizations/{state['name']}"
    guid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{key}.{state['name']}"))
    return {
        "Name": name,
        "DisplayName": name,
        "Guid": guid,
        "ExchangeObjectId": guid,
        "ImmutableId": guid,
        "Identity": f"{place}/Configuration/{name}",
        "OrganizationId": f"{place} - {place}/Configuration",
        "OrganizationalUnitRoot": place,
        "IsValid": True,
        "ObjectState": "Changed",
        "ExchangeVersion": "0.20 (15.0.0.0)",
        "WhenChangedUTC": "2026-02-27T20:04:12.0000000Z",
    }
