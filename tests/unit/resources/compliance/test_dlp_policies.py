# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies: what Exchange shows and what somebody tells have one form, and nothing that is not understood is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.advanced_rule import (
    MOST_CONDITIONS,
    leaves,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.dlp_fields import (
    ACTIONS,
    CONDITIONS,
    KINDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.dlp_policies import (
    DlpPolicyFact,
    DlpRuleFact,
    declared_policy,
    read_policies,
    read_rule,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.unreadable import (
    MOST_CHARACTERS,
    MOST_NESTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import FIELDS

GUID = "838ee1e2-1fc1-4c96-a9b8-e36c4d0a5ee1"
POLICY = {
    "Name": "Cards",
    "Guid": GUID,
    "Mode": "Enable",
    "Enabled": True,
    "Priority": 3,
    "Workload": "Exchange, SharePoint",
    "ExchangeLocation": ["All"],
    "ExchangeSender": [],
    "ExchangeAdaptiveScopes": [],
    "ExchangeOnPremisesLocation": [],
    "PolicyConstraints": '{"AdministrativeUnit":[],"DynamicRiskPrevention":[]}',
}


def tree(condition: Any) -> str:
    return json.dumps({"Version": "1.0", "Condition": condition})


def leaf(name: str, value: Any) -> dict[str, Any]:
    return {"ConditionName": name, "Value": value}


def raw(**properties: Any) -> dict[str, Any]:
    """A rule as Exchange shows it, with some of what is unset."""
    return {
        "Name": "Cards 1",
        "Guid": "E1145E28-b958-49bc-aac3-17dba1170fd5",
        "Policy": GUID,
        "ParentPolicyName": "Cards",
        "Priority": 0,
        "Disabled": False,
        "Mode": "Enforce",
        "IsAdvancedRule": False,
        "AdvancedRule": tree({"Operator": "And", "SubConditions": [leaf("FromScope", "InOrganization")]}),
        "From": None,
        "SentTo": [],
        "MessageSizeOver": "",
        "FromScope": None,
        "ExceptIfFrom": None,
        "EnforcePortalAccess": True,
        "SetHeader": None,
        "Quarantine": False,
        "EndpointDlpRestrictions": [{"Setting": "Print", "Value": "Block"}],
        "WhenChanged": "2026-02-27T20:04:12",
        **properties,
    }


def policy(**properties: Any) -> DlpPolicyFact:
    (found,) = read_policies([{**POLICY, **properties}], [])
    return found


def unread(found: DlpPolicyFact | DlpRuleFact) -> set[tuple[str, tuple[str, ...]]]:
    return {(each.property, each.parts) for each in found.unreadable}


def test_a_policy_shows_its_mode_scope_and_rules_in_order() -> None:
    second, first = raw(Name="B", Priority=1, FromScope="InOrganization"), raw(Name="A", FromScope="InOrganization")
    other = {
        **POLICY,
        "Name": "First",
        "Guid": "46f77b71-78a1-428f-a433-a7c8cca1c6e7",
        "Priority": 0,
        "Mode": "disable",
    }
    (one, two) = read_policies([POLICY, other], [second, first])
    assert (one.name, one.mode, one.acts, one.rules) == ("First", "Disable", False, ())
    assert (two.guid, two.acts, [rule.name for rule in two.rules]) == (GUID, True, ["A", "B"])
    assert two.describe()["scope"] == {"exchange": True}
    assert not two.unreadable


def test_exchange_location_decides_and_not_workload() -> None:
    assert policy(ExchangeLocation=[]).acts is False
    assert policy(Workload="SharePoint").acts is True


@pytest.mark.parametrize("mode", ["TestWithNotifications", "TestWithoutNotifications", "Disable", "PendingDeletion"])
def test_only_enable_acts(mode: str) -> None:
    assert policy(Mode=mode, Enabled=True).acts is False


def test_the_scope_names_senders_and_groups() -> None:
    person = json.dumps({"DisplayName": "Ann", "PrimarySmtpAddress": "ann@contoso.com"})
    found = policy(
        ExchangeSender=[person],
        ExchangeSenderException="bob@contoso.com",
        ExchangeSenderMemberOf=[{"PrimarySmtpAddress": "all@contoso.com"}],
        ExchangeAdaptiveScopes=[json.dumps({"Name": "Berlin"})],
    )
    assert found.describe()["scope"] == {
        "exchange": True,
        "senders": ["ann@contoso.com"],
        "senders_except": ["bob@contoso.com"],
        "sender_groups": ["all@contoso.com"],
        "adaptive": ["Berlin"],
    }


@pytest.mark.parametrize(
    ("properties", "name", "part", "acts"),
    [
        ({"Mode": "Silent"}, "Mode", "mode", None),
        ({"Mode": None}, "Mode", "mode", None),
        ({"Priority": None}, "Priority", "priority", True),
        ({"Priority": -1}, "Priority", "priority", True),
        ({"ExchangeSender": ["Ann"]}, "ExchangeSender", "scope", True),
        ({"ExchangeSender": ["{"]}, "ExchangeSender", "scope", True),
        ({"ExchangeLocation": ["Sales"]}, "ExchangeLocation", "scope", True),
        ({"ExchangeLocation": [], "ExchangeAdaptiveScopes": ["x"]}, "ExchangeLocation", "scope", None),
        ({"ExchangeLocation": [], "ExchangeSender": ["ann@contoso.com"]}, "ExchangeLocation", "scope", None),
        ({"ExchangeSomething": ["x"]}, "ExchangeSomething", "scope", True),
        ({"PolicyConstraints": '{"AdministrativeUnit":["x"]}'}, "PolicyConstraints", "scope", True),
        ({"PolicyConstraints": "{"}, "PolicyConstraints", "scope", True),
        ({"PolicyRBACScopes": ["x"]}, "PolicyRBACScopes", "scope", True),
    ],
)
def test_what_a_policy_says_otherwise_is_named(
    properties: dict[str, Any], name: str, part: str, acts: bool | None
) -> None:
    found = policy(**properties)
    assert unread(found) == {(name, (part,))}
    assert found.acts is acts
    assert declared_policy(found.describe(), "policy") == found


def test_a_policy_without_a_location_may_act_or_not() -> None:
    (found,) = read_policies([{key: each for key, each in POLICY.items() if key != "ExchangeLocation"}], [])
    assert found.acts is None
    assert declared_policy(found.describe(), "policy").acts is None


def test_rules_of_a_policy_that_is_not_shown_are_not_lost() -> None:
    (found,) = read_policies([], [raw(Name="B", Priority=1), raw(Name="A", Priority=0)])
    assert (found.name, found.acts, [rule.name for rule in found.rules]) == ("Cards", None, ["A", "B"])
    assert found.unreadable


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("From", ["ann@contoso.com"], {"from": ["ann@contoso.com"]}),
        ("SentToMemberOf", "all@contoso.com", {"sent_to_member_of": ["all@contoso.com"]}),
        ("SenderIPRanges", ["10.0.0.0/8"], {"sender_ip_ranges": ["10.0.0.0/8"]}),
        ("AccessScope", "notinorganization", {"access_scope": "NotInOrganization"}),
        ("MessageSizeOver", "25 MB (26,214,400 bytes)", {"message_size_over": "25MB"}),
        ("MessageTypeMatches", "AutomaticForward", {"message_type_matches": "AutoForward"}),
        ("MessageTypeMatches", "AutomaticReply", {"message_type_matches": "OOF"}),
        ("WithImportance", "High", {"with_importance": "High"}),
        ("HasSenderOverride", True, {"has_sender_override": True}),
        (
            "HeaderContainsWords",
            {"X-A": ["one", "two"]},
            {"header_contains_message_header": "X-A", "header_contains_words": ["one", "two"]},
        ),
        (
            "HeaderMatchesPatterns",
            ["X-A:one"],
            {"header_matches_message_header": "X-A", "header_matches_patterns": ["one"]},
        ),
        (
            "SenderADAttributeContainsWords",
            {"City": ["Rome"], "Title": "Boss"},
            {"sender_ad_attribute_contains_words": ["City:Rome", "Title:Boss"]},
        ),
        (
            "ContentContainsSensitiveInformation",
            [{"Groups": [{"Sensitivetypes": [{"Name": "Card", "Mincount": 1, "Id": None}]}]}],
            {
                "content_contains_sensitive_information": [
                    {"groups": [{"sensitivetypes": [{"name": "Card", "mincount": "1"}]}]}
                ]
            },
        ),
        ("SubjectContainsWords", [" a"], {"subject_contains_words": [" a"]}),
    ],
)
def test_a_condition_and_a_leaf_have_the_same_options(name: str, value: Any, options: dict[str, Any]) -> None:
    assert read_rule(raw(**{name: value})).conditions == options
    assert read_rule(raw(IsAdvancedRule=True, AdvancedRule=tree(leaf(name, value)))).conditions == {"advanced": options}
    told = declared_policy({"name": "P", "rules": [{"name": "R", "conditions": options}]}, "policy")
    assert told.rules[0].conditions == options


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("EncryptRMSTemplate", "Encrypt", {"encrypt_rms_template": "Encrypt"}),
        ("RemoveRMSTemplate", True, {"remove_rms_template": True}),
        (
            "ApplyBrandingTemplate",
            "Brand",
            {"apply_branding_template": "Brand", "enforce_portal_access": True},
        ),
        ("BlockAccessScope", "PerUser", {}),
        ("RedirectMessageTo", ["ann@contoso.com"], {"redirect_message_to": ["ann@contoso.com"]}),
        ("AddRecipients", {"BlindCopyTo": "ann@contoso.com"}, {"blind_copy_to": ["ann@contoso.com"]}),
        ("AddRecipients", {"AddManagerAsRecipientType": "bcc"}, {"add_manager_as_recipient_type": "Bcc"}),
        (
            "Moderate",
            {"ModerateMessageByManager": False, "ModerateMessageByUser": "a@contoso.com,b@contoso.com"},
            {"moderate_message_by_user": ["a@contoso.com", "b@contoso.com"]},
        ),
        (
            "ApplyHtmlDisclaimer",
            {"Text": "Hi", "Location": "append", "FallbackAction": "Wrap"},
            {
                "apply_html_disclaimer_text": "Hi",
                "apply_html_disclaimer_location": "Append",
                "apply_html_disclaimer_fallback_action": "Wrap",
            },
        ),
        ("Quarantine", True, {"quarantine": True}),
        ("SetHeader", {"X-A": "1"}, {"set_header": {"X-A": "1"}}),
        ("SetHeader", ["X-A:1:2"], {"set_header": {"X-A": "1:2"}}),
        ("RemoveHeader", ["X-A", "X-B:1"], {"remove_header": ["X-A", "X-B:1"]}),
        ("StopPolicyProcessing", True, {"stop_policy_processing": True}),
        ("IncidentReportContent", "Title, OriginalContent", {"incident_report_content": ["Title", "OriginalContent"]}),
    ],
)
def test_an_action_has_the_options_of_a_mail_flow_rule_or_its_own(
    name: str, value: Any, options: dict[str, Any]
) -> None:
    assert read_rule(raw(**{name: value})).actions == options


def test_a_condition_of_mail_flow_rules_has_their_kind_of_value() -> None:
    for section, parts in (("conditions", CONDITIONS), ("actions", ACTIONS)):
        shared = {option: kind for part in parts for option, kind in part.kinds.items() if option in FIELDS[section]}
        assert {"from", "subject_contains_words", "add_to_recipients"} & shared.keys()
        assert {
            option for option, kind in shared.items() if kind.spec["type"] != FIELDS[section][option].kind.spec["type"]
        } <= {
            "remove_header",
            "generate_incident_report",
        }


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("From", ["Ann"], ("conditions",)),
        ("ExceptIfFrom", [{"DisplayName": "Ann"}], ("exceptions",)),
        ("AccessScope", "Elsewhere", ("conditions",)),
        ("MessageTypeMatches", "Fax", ("conditions",)),
        ("MessageSizeOver", "large", ("conditions",)),
        ("HeaderContainsWords", {"X-A": ["1"], "X-B": ["2"]}, ("conditions",)),
        ("HeaderContainsWords", "X-A", ("conditions",)),
        ("HeaderContainsWords", {"X-A": []}, ("conditions",)),
        ("SubjectContainsWords", [{"a": "b"}], ("conditions",)),
        ("AddRecipients", {"AddToNobody": "ann@contoso.com"}, ("actions",)),
        ("Moderate", "ann@contoso.com", ("actions",)),
        ("Quarantine", "perhaps", ("actions",)),
        ("ActivationDate", "soon", ("settings",)),
        ("Priority", "first", ("priority",)),
        ("QuantumContainsWords", ["x"], ("conditions", "actions")),
        ("ExceptIfQuantumContainsWords", ["x"], ("exceptions",)),
        ("IsSummarizedPsRule", True, ("conditions", "actions")),
    ],
)
def test_what_a_rule_says_otherwise_is_named(name: str, value: Any, parts: tuple[str, ...]) -> None:
    found = read_rule(raw(**{"FromScope": "InOrganization", name: value}))
    assert unread(found) == {(name, parts)}
    assert found.conditions == {"from_scope": "InOrganization"}


def test_an_advanced_rule_has_a_tree() -> None:
    condition = {
        "Operator": "AND",
        "SubConditions": [
            leaf("fromscope", "InOrganization"),
            {
                "operator": "Not",
                "subconditions": [
                    {"Operator": "or", "SubConditions": [leaf("SentTo", ["a@contoso.com"]), leaf("Future", 1)]}
                ],
            },
        ],
    }
    found = read_rule(raw(IsAdvancedRule=True, AdvancedRule=tree(condition)))
    assert found.conditions["advanced"] == {
        "operator": "and",
        "conditions": [
            {"from_scope": "InOrganization"},
            {
                "operator": "not",
                "conditions": [
                    {"operator": "or", "conditions": [{"sent_to": ["a@contoso.com"]}, {"unreadable": "Future"}]}
                ],
            },
        ],
    }
    assert unread(found) == {("Future", ("conditions", "exceptions"))}
    assert [*leaves(found.conditions["advanced"])][1:] == [{"sent_to": ["a@contoso.com"]}, {"unreadable": "Future"}]


def test_a_tree_stands_in_for_conditions_that_are_not_shown() -> None:
    """Exchange fills the tree in any case, and every rule has a condition: one without would match all mail."""
    found = read_rule(raw())
    assert found.conditions == {"advanced": {"operator": "and", "conditions": [{"from_scope": "InOrganization"}]}}
    found = read_rule(raw(AdvancedRule=None))
    assert found.conditions == {"advanced": {"unreadable": "AdvancedRule"}}
    assert found.unreadable


def nested(levels: int) -> str:
    return (
        '{"Condition":'
        + '{"Operator":"Not","SubConditions":[' * levels
        + json.dumps(leaf("FromScope", "InOrganization"))
        + "]}" * levels
        + "}"
    )


@pytest.mark.parametrize(
    "text",
    [
        nested(20_000),
        nested(MOST_NESTED + 1),
        "[" * 1_000_000,
        '"' + '\\"' * 500_000 + "\\",
        "x" * (MOST_CHARACTERS + 1),
        tree({"Operator": "And", "SubConditions": [leaf("FromScope", "InOrganization")] * MOST_CONDITIONS}),
        tree(leaf("SubjectContainsWords", ["w" * MOST_CHARACTERS])),
        "{",
        "[]",
        "{}",
        '{"Condition": []}',
        '{"Condition": null}',
        '{"Condition": {"Operator": "And", "SubConditions": ["x"]}}',
        f'{{"Condition": {"1" * 5000}}}',
        17,
    ],
)
def test_a_tree_that_cannot_be_read_is_one_open_condition(text: Any) -> None:
    found = read_rule(raw(IsAdvancedRule=True, AdvancedRule=text))
    assert found.conditions == {"advanced": {"unreadable": "AdvancedRule"}}
    assert unread(found) == {("AdvancedRule", ("conditions", "exceptions"))}


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ({"Operator": "Xor", "SubConditions": [leaf("FromScope", "InOrganization")] * 2}, "Xor"),
        ({"Operator": "Not", "SubConditions": [leaf("FromScope", "InOrganization")] * 2}, "Not"),
        ({"Operator": "", "SubConditions": [leaf("FromScope", "InOrganization")]}, "Operator"),
        ({"SubConditions": [leaf("FromScope", "InOrganization")]}, "Operator"),
        ({"Operator": "And", "SubConditions": []}, "And"),
        (leaf("FromScope", "None"), "FromScope"),
        (leaf("DocumentIsUnsupported", False), "DocumentIsUnsupported"),
        (leaf("ExceptIfFrom", ["a@contoso.com"]), "ExceptIfFrom"),
        (leaf("From", ["Ann"]), "From"),
        (leaf("HeaderContainsWords", {"": ["a"]}), "HeaderContainsWords"),
        ({}, "Condition"),
    ],
)
def test_a_node_that_is_not_understood_keeps_its_place(node: dict[str, Any], name: str) -> None:
    whole = {"Operator": "Or", "SubConditions": [leaf("FromScope", "InOrganization"), node]}
    found = read_rule(raw(IsAdvancedRule=True, AdvancedRule=tree(whole)))
    assert found.conditions["advanced"]["conditions"] == [{"from_scope": "InOrganization"}, {"unreadable": name}]
    assert unread(found) == {(name, ("conditions", "exceptions"))}


def test_the_deepest_tree_is_read() -> None:
    found = read_rule(raw(IsAdvancedRule=True, AdvancedRule=nested(MOST_NESTED)))
    assert [*leaves(found.conditions["advanced"])] == [{"from_scope": "InOrganization"}]
    assert not found.unreadable


def test_what_was_read_can_be_told() -> None:
    rules = [
        raw(From=["ann@contoso.com"], SubjectContainsWords=[" a", "true"], AddRecipients={"CopyTo": "b@contoso.com"}),
        raw(
            Name="Advanced",
            Priority=1,
            IsAdvancedRule=True,
            AdvancedRule=tree(
                {"Operator": "Or", "SubConditions": [leaf("Future", 1), leaf("From", ["a@contoso.com"])]}
            ),
            SenderAddressLocation="Envelope",
            RuleErrorAction="RetryThenBlock",
            ExpiryDate="2027-01-01T00:00:00Z",
            ExceptIfFrom=["c@contoso.com"],
            SenderADAttributeContainsWords={"Fax": "1"},
        ),
    ]
    for found in read_policies([POLICY], rules):
        assert declared_policy(json.loads(json.dumps(found.describe())), "policy") == found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ""}, r"policy\.name is required"),
        ({"mode": "Enforce"}, r"policy\.mode is 'Enforce'"),
        ({"scope": {"workload": "Exchange"}}, r"policy\.scope\.workload is not known"),
        ({"scope": {"exchange": "no"}}, r"policy\.scope\.exchange must be true or false"),
        ({"priority": -1}, r"policy\.priority must be a number"),
        ({"rules": {}}, r"policy\.rules must be a list"),
        (
            {"rules": [{"name": "R", "conditions": {"sent_to_scope": "InOrganization"}}]},
            r"conditions\.sent_to_scope is not known",
        ),
        ({"rules": [{"name": "R", "conditions": {"from": ["Ann"]}}]}, r"conditions\.from contains 'Ann'"),
        (
            {"rules": [{"name": "R", "conditions": {"access_scope": "Outside"}}]},
            r"conditions\.access_scope is 'Outside'",
        ),
        (
            {"rules": [{"name": "R", "conditions": {"subject_contains_words": [1]}}]},
            r"subject_contains_words must be a list of texts",
        ),
        ({"rules": [{"name": "R", "conditions": {"message_size_over": "big"}}]}, r"message_size_over must be a number"),
        ({"rules": [{"name": "R", "conditions": {"header_contains_words": ["x"]}}]}, r"must have all of"),
        (
            {"rules": [{"name": "R", "exceptions": {"content_is_not_labeled": True}}]},
            r"exceptions\.content_is_not_labeled is not known",
        ),
        ({"rules": [{"name": "R", "actions": {"quarantine": "yes"}}]}, r"actions\.quarantine must be true or false"),
        ({"rules": [{"name": "R", "actions": {"set_header": "X"}}]}, r"actions\.set_header must be a mapping"),
        ({"rules": [{"name": "R", "conditions": {"advanced": []}}]}, r"advanced must be a mapping"),
        ({"rules": [{"name": "R", "conditions": {"advanced": {"operator": "xor"}}}]}, r"advanced must have operator"),
        (
            {"rules": [{"name": "R", "conditions": {"advanced": {"operator": "and", "conditions": []}}}]},
            r"advanced\.conditions must be",
        ),
        (
            {"rules": [{"name": "R", "conditions": {"advanced": {"operator": "or", "conditions": [{"fromm": 1}]}}}]},
            r"advanced\.conditions\[0\]\.fromm is not known",
        ),
        (
            {
                "rules": [
                    {"name": "R", "conditions": {"advanced": {"from_scope": "InOrganization", "sent_to": ["a@b.de"]}}}
                ]
            },
            r"advanced must have one condition",
        ),
        (
            {
                "rules": [
                    {"name": "R", "conditions": {"advanced": {"from_scope": "InOrganization"}, "sent_to": ["a@b.de"]}}
                ]
            },
            r"conditions has advanced and others",
        ),
    ],
)
def test_what_nobody_understands_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        declared_policy({"name": "P", **options}, "policy")


def test_a_told_tree_may_be_deep_without_an_error_of_python() -> None:
    node: dict[str, Any] = {"from_scope": "InOrganization"}
    for _level in range(20_000):
        node = {"operator": "not", "conditions": [node]}
    with pytest.raises(OptionError, match=r"more than \d+ levels"):
        declared_policy({"name": "P", "rules": [{"name": "R", "conditions": {"advanced": node}}]}, "policy")
    # Freed level by level: Python frees a deep structure by calling itself.
    while "conditions" in node:
        node = node["conditions"].pop()


def test_many_policies_are_read_in_their_order() -> None:
    policies = [
        {**POLICY, "Name": f"P{number}", "Guid": f"{number:032x}", "Priority": 499 - number} for number in range(500)
    ]
    rules = [raw(Name=f"R{number}", Policy=f"{number:032x}", ParentPolicyName=f"P{number}") for number in range(500)]
    found = read_policies(policies, rules)
    assert [each.name for each in found] == [f"P{number}" for number in reversed(range(500))]
    assert {len(each.rules) for each in found} == {1}


def test_no_option_has_two_kinds_in_a_section() -> None:
    for parts in (CONDITIONS, ACTIONS):
        options = [option for part in parts for option in part.kinds]
        assert len(options) == len({*options})
    assert "content_is_not_labeled" not in KINDS["exceptions"]
