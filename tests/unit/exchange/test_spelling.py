# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever misspelt a name is asked whether a known one is meant."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import (
    irm_configuration,
    mail_flow_test,
    ome_configuration,
    ome_transport_rule,
    ome_transport_rules,
)

from tests.unit.emulated_session import EmulatedSession, refusal

RULE: dict[str, Any] = {"name": "mine", "actions": {"apply_rights_protection_template": "Encrypt"}}


@pytest.mark.parametrize(
    ("module", "options", "asked"),
    [
        (
            irm_configuration,
            {"azure_rms_licensing": True},
            "azure_rms_licensing: did you mean azure_rms_licensing_enabled?",
        ),
        (
            irm_configuration,
            {"AzureRMSLicensingEnabled": True},
            "AzureRMSLicensingEnabled: did you mean azure_rms_licensing_enabled?",
        ),
        (
            irm_configuration,
            {"transport_decryption_setting": "optional"},
            "transport_decryption_setting 'optional': did you mean Optional?",
        ),
        (
            mail_flow_test,
            {"messages": [{"name": "m", "sender": "a@b.c", "to": ["x@y.z"]}]},
            "messages[0].sender: did you mean messages[0].from?",
        ),
        (
            mail_flow_test,
            {"messages": [{"name": "m", "from": "a@b.c", "recipients": ["x@y.z"]}]},
            "messages[0].recipients: did you mean messages[0].to?",
        ),
        (ome_configuration, {"OTPEnabled": True}, "OTPEnabled: did you mean otp_enabled?"),
        (
            ome_transport_rule,
            {**RULE, "SubjectContainsWords": ["a"]},
            "SubjectContainsWords: did you mean conditions.subject_contains_words?",
        ),
        (
            ome_transport_rule,
            {**RULE, "subject_contains_words": ["a"]},
            "subject_contains_words: did you mean conditions.subject_contains_words?",
        ),
        (ome_transport_rule, {**RULE, "ExceptIfFrom": ["a@b.c"]}, "ExceptIfFrom: did you mean exceptions.from?"),
        (
            ome_transport_rule,
            {**RULE, "ApplyRightsProtectionTemplate": "Encrypt"},
            "did you mean actions.apply_rights_protection_template?",
        ),
        (
            ome_transport_rule,
            {**RULE, "conditions": {"SubjectContainsWords": ["a"]}},
            "conditions.SubjectContainsWords: did you mean conditions.subject_contains_words?",
        ),
        (
            ome_transport_rule,
            {**RULE, "conditions": {"from_scop": "InOrganization"}},
            "conditions.from_scop: did you mean conditions.from_scope?",
        ),
        (
            ome_transport_rule,
            {**RULE, "conditions": {"from_scope": "Inorganisation"}},
            "conditions.from_scope 'Inorganisation': did you mean InOrganization?",
        ),
        (ome_transport_rule, {**RULE, "mode": "enforce"}, "mode 'enforce': did you mean Enforce?"),
        (
            ome_transport_rules,
            {"rules": [{**RULE, "SubjectContainsWords": ["a"]}]},
            "rules[0].SubjectContainsWords: did you mean rules[0].conditions.subject_contains_words?",
        ),
        (
            ome_transport_rule,
            {**RULE, "conditions": {"sender_ad_attribute_contains_words": ["Departement:Legal"]}},
            "the unknown attribute 'Departement' (did you mean Department?)",
        ),
        (
            ome_transport_rule,
            {**RULE, "exceptions": {"recipient_ad_attribute_matches_patterns": ["custom_attribute_3:x"]}},
            "did you mean CustomAttribute3?",
        ),
        (
            ome_transport_rule,
            {**RULE, "conditions": {"ad_comparison_attribute": "department"}},
            "conditions.ad_comparison_attribute 'department': did you mean Department?",
        ),
    ],
)
def test_what_is_meant_is_asked(module: ModuleType, options: dict[str, Any], asked: str) -> None:
    assert asked in refusal(EmulatedSession({}), module, **options)


def test_where_one_is_meant_all_that_there_are_are_not_listed() -> None:
    said = refusal(EmulatedSession({}), ome_transport_rule, **RULE, conditions={"from_scop": "InOrganization"})
    assert said == "conditions.from_scop: did you mean conditions.from_scope?"


def test_what_resembles_nothing_is_only_refused() -> None:
    assert "meant" not in refusal(EmulatedSession({}), irm_configuration, zebra=True)


@pytest.mark.parametrize("element", ["Department:Legal", "department:Legal", "SomethingElse:x", "no attribute"])
def test_what_only_exchange_can_tell_is_left_to_it(element: str) -> None:
    session = EmulatedSession({})
    session.run(
        ome_transport_rule, check_mode=True, **RULE, conditions={"sender_ad_attribute_contains_words": [element]}
    )
