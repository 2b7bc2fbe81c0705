# SPDX-License-Identifier: GPL-3.0-or-later
"""Sensitivity labels and their policies: what Exchange shows and what somebody tells have one form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.sensitivity_labels import (
    AutoLabelPolicyFact,
    LabelFact,
    LabelPolicyFact,
    declared_auto_label_policy,
    declared_label,
    declared_label_policy,
    read_auto_label_policies,
    read_label_policies,
    read_labels,
)

TEMPLATE = "11111111-2222-3333-4444-555555555555"


def action(kind: str = "encrypt", **settings: Any) -> str:
    return json.dumps(
        {"Type": kind, "SubType": None, "Settings": [{"Key": key, "Value": value} for key, value in settings.items()]}
    )


def label(**properties: Any) -> LabelFact:
    shown = {
        "Name": "Secret",
        "Guid": "2F0F9A8C-0000-0000-0000-000000000001",
        "DisplayName": "Secret",
        "Priority": 2,
        "Disabled": False,
        "ContentType": "File, Email",
        "ParentId": None,
        "LabelActions": [],
        **properties,
    }
    (found,) = read_labels([{key: value for key, value in shown.items() if value is not ...}])
    assert declared_label(json.loads(json.dumps(found.describe())), "label") == found
    return found


def policy(**properties: Any) -> LabelPolicyFact:
    shown = {
        "Name": "Global",
        "Guid": TEMPLATE,
        "Mode": "Enforce",
        "Enabled": True,
        "Priority": 0,
        "Labels": ["Secret"],
        "ExchangeLocation": ["All"],
        "Settings": ["[mandatory, true]", "[outlookdefaultlabel, None]", "[defaultlabelid, L1]"],
        **properties,
    }
    (found,) = read_label_policies([shown])
    assert declared_label_policy(json.loads(json.dumps(found.describe())), "policy") == found
    return found


AUTOMATIC = {
    "Name": "Cards",
    "Guid": TEMPLATE,
    "Mode": "Enable",
    "Priority": 0,
    "ExchangeLocation": ["All"],
    "ApplySensitivityLabel": "Secret",
    "OverwriteLabel": False,
    "ExternalMailRightsManagementOwner": None,
}


def automatic(rules: list[dict[str, Any]], **properties: Any) -> AutoLabelPolicyFact:
    (found,) = read_auto_label_policies([{**AUTOMATIC, **properties}], rules)
    assert declared_auto_label_policy(json.loads(json.dumps(found.describe())), "policy") == found
    return found


@pytest.mark.parametrize(
    ("actions", "encryption"),
    [
        ([], "none"),
        ([action("applywatermarking", text="x")], "none"),
        ([action(protectiontype="template", disabled="True", templateid=TEMPLATE)], "none"),
        ([action(protectiontype="template", disabled="false", templateid=TEMPLATE)], "rights"),
        ([action(protectiontype="removeprotection")], "remove"),
        ([action(protectiontype="userdefined", donotforward="true", encryptonly="false")], "do_not_forward"),
        ([action(protectiontype="userdefined", encryptonly="true", promptuser="true")], "encrypt_only"),
        ([action(protectiontype="userdefined", promptuser="true")], "user_defined"),
        ([json.loads(action(protectiontype="userdefined", promptuser="true"))], "user_defined"),
    ],
)
def test_a_label_encrypts_as_its_actions_say(actions: list[Any], encryption: str) -> None:
    found = label(LabelActions=actions)
    assert (found.encryption, found.unreadable) == (encryption, ())
    assert found.template == (TEMPLATE if encryption == "rights" else "")


@pytest.mark.parametrize(
    "properties",
    [
        {"LabelActions": ...},
        {"LabelActions": ["{"]},
        {"LabelActions": ["[" * 100_000]},
        {"LabelActions": [17]},
        {"LabelActions": [action(protectiontype="quantum")]},
        {"LabelActions": [action(protectiontype="template")] * 2},
        {"LabelActions": [action(protectiontype="userdefined", donotforward="true", encryptonly="true")]},
        {"LabelActions": [json.dumps({"Settings": []})]},
        {"LabelActions": None, "EncryptionEnabled": True, "EncryptionProtectionType": "Quantum"},
    ],
)
def test_encryption_that_is_not_understood_is_none_of_the_known_ones(properties: dict[str, Any]) -> None:
    found = label(**properties)
    assert "encryption" not in found.describe()
    assert [each.parts for each in found.unreadable] == [("encryption",)]


def test_parameters_tell_where_actions_are_not_shown() -> None:
    assert label(LabelActions=None, EncryptionEnabled=False).encryption == "none"
    shown = {"EncryptionEnabled": True, "EncryptionProtectionType": "UserDefined", "EncryptionDoNotForward": True}
    assert label(LabelActions=..., **shown).encryption == "do_not_forward"


def test_a_label_may_be_for_other_things_than_mail() -> None:
    assert label().for_mail
    assert label(ContentType=None).for_mail
    assert not label(ContentType="Site, UnifiedGroup").for_mail
    assert label(Capabilities=["DoubleKeyEncryption"]).double_key_encryption


def test_what_a_label_is_for_may_not_be_understood() -> None:
    found = label(ContentType={"Email": True})
    assert (found.content_type, found.for_mail) == (None, True)
    assert [each.property for each in found.unreadable] == ["ContentType"]
    assert declared_label(found.describe(), "label") == found


def test_a_policy_publishes_labels_to_people() -> None:
    found = policy()
    assert (found.default_label, found.mandatory, found.scope.exchange) == ("", True, True)
    assert policy(Settings=["[defaultlabelid, L1]"]).default_label == "L1"
    assert not policy(Settings=["[mandatory, true]", "[disablemandatoryinoutlook, true]"]).mandatory
    some = policy(ExchangeLocation=[json.dumps({"PrimarySmtpAddress": "ann@contoso.com"})])
    assert some.scope.senders == ("ann@contoso.com",)
    assert policy(ExchangeLocation=[]).scope.exchange is False


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"Settings": ["mandatory"]}, "Settings"),
        ({"Settings": ["[a, 1]", "[a, 2]"]}, "Settings"),
        ({"Mode": "Silent"}, "Mode"),
        ({"ExchangeLocation": ["Ann"]}, "ExchangeLocation"),
        ({"ModernGroupLocation": ["x"]}, "ModernGroupLocation"),
    ],
)
def test_what_a_policy_says_otherwise_is_named(properties: dict[str, Any], name: str) -> None:
    assert [each.property for each in policy(**properties).unreadable] == [name]


def test_a_policy_labels_mail_on_the_way() -> None:
    rule = {"Name": "R", "Guid": TEMPLATE, "ParentPolicyName": "Cards", "Priority": 0, "Workload": "Exchange"}
    found = automatic(
        [{**rule, "FromScope": "InOrganization"}, {**rule, "Workload": "SharePoint, OneDriveForBusiness"}]
    )
    assert [rule.conditions for rule in found.rules] == [{"from_scope": "InOrganization"}]
    assert (found.label, found.overwrite_label) == ("Secret", False)
    assert "actions" not in found.describe()["rules"][0]
    owner = automatic([], OverwriteLabel=True, ExternalMailRightsManagementOwner={"Name": "it"})
    assert (owner.overwrite_label, owner.external_mail_rights_management_owner) == (True, "it")
    assert [each.parts for each in automatic([], ApplySensitivityLabel=None).unreadable] == [("label",)]


def test_rules_of_a_policy_that_is_not_shown_are_not_lost() -> None:
    (found,) = read_auto_label_policies(
        [], [{"Name": "R", "Policy": "Cards", "Priority": 0, "FromScope": "InOrganization"}]
    )
    assert (found.name, found.mode, found.label, found.scope.exchange) == ("Cards", "", "", None)


@pytest.mark.parametrize(
    ("declare", "options", "said"),
    [
        (declared_label, {"name": "L"}, r"it\.encryption is required"),
        (declared_label, {"name": "L", "encryption": "on"}, r"it\.encryption is 'on'"),
        (declared_label, {"name": "L", "encrypts": True}, r"it\.encrypts is not known"),
        (declared_label_policy, {"name": "L", "mandatory": "no"}, r"it\.mandatory must be true or false"),
        (declared_label_policy, {"name": "L", "settings": []}, None),
        (declared_label_policy, {"name": "L", "settings": ["x"]}, r"it\.settings must be a mapping"),
        (declared_auto_label_policy, {"name": "L"}, r"it\.label is required"),
        (
            declared_auto_label_policy,
            {"name": "L", "label": "S", "rules": [{"name": "R", "actions": {"quarantine": True}}]},
            r"actions is not known",
        ),
    ],
)
def test_what_nobody_understands_is_refused_by_name(declare: Any, options: dict[str, Any], said: str | None) -> None:
    if said is None:
        declare(options, "it")
        return
    with pytest.raises(OptionError, match=said):
        declare(options, "it")
