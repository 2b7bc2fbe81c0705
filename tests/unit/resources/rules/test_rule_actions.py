# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mail flow rule does: impacts and warnings, templates and branding, and what no task can declare."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import NotFoundError
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_test,
    message_encryption_info,
    message_encryption_state,
    ome_transport_rule,
)

from tests.unit.emulated_session import EmulatedSession, refusal

from .rule_tasks import ENCRYPT, INSIDE, NAME, ensure, impacts, stored


@pytest.mark.parametrize(
    ("before", "after", "impact"),
    [
        (
            {"conditions": {"subject_contains_words": ["a"]}},
            {"conditions": {"subject_contains_words": ["a", "b"]}},
            "widens",
        ),
        (
            {"conditions": {"subject_contains_words": ["a", "b"]}},
            {"conditions": {"subject_contains_words": ["a"]}},
            "may leave in clear",
        ),
        (
            {"conditions": {"subject_contains_words": ["a"]}},
            {"conditions": {"subject_contains_words": ["b"]}},
            "may leave in clear",
        ),
        (
            {"exceptions": {"subject_contains_words": ["a", "b"]}},
            {"exceptions": {"subject_contains_words": ["a"]}},
            "widens",
        ),
        (
            {"exceptions": {"subject_contains_words": ["a"]}},
            {"exceptions": {"subject_contains_words": ["a", "b"]}},
            "may leave in clear",
        ),
        ({"conditions": INSIDE}, {"conditions": {"from_scope": "NotInOrganization"}}, "may leave in clear"),
        ({"conditions": {"attachment_size_over": "10MB"}}, {"conditions": {"attachment_size_over": "1MB"}}, "widens"),
        (
            {"conditions": {"attachment_size_over": "1MB"}},
            {"conditions": {"attachment_size_over": "10MB"}},
            "may leave in clear",
        ),
        ({"exceptions": {"message_size_over": "1MB"}}, {"exceptions": {"message_size_over": "10MB"}}, "widens"),
        ({"conditions": {"scl_over": 5}}, {"conditions": {"scl_over": 4}}, "widens"),
        ({"conditions": {"scl_over": 4}}, {"conditions": {"scl_over": 5}}, "may leave in clear"),
        ({"exceptions": {"scl_over": 4}}, {"exceptions": {"scl_over": 5}}, "widens"),
        ({"conditions": {"with_importance": "Low"}}, {"conditions": {"with_importance": "High"}}, "may leave in clear"),
        (
            {"exceptions": {"has_classification": "A"}},
            {"exceptions": {"has_classification": "B"}},
            "may leave in clear",
        ),
        ({"conditions": {"has_no_classification": True}}, {"conditions": {}}, "widens"),
        ({"conditions": {}}, {"conditions": {"has_no_classification": True}}, "may leave in clear"),
        (
            {"actions": {"apply_rights_protection_template": "Encrypt", "stop_rule_processing": True}},
            {"actions": {"stop_rule_processing": True}},
            "may leave in clear",
        ),
        ({"actions": {"stop_rule_processing": True}}, {"actions": {"quarantine": True}}, "rejects"),
        ({"mode": "Enforce"}, {"mode": "Audit"}, "may leave in clear"),
        ({"mode": "Audit"}, {"mode": "Enforce"}, "affects all outgoing mail"),
        ({"enabled": True}, {"enabled": False}, "may leave in clear"),
        ({"enabled": False}, {"enabled": True}, "affects all outgoing mail"),
        ({"enabled": False, "conditions": {"subject_contains_words": ["a"]}}, {"enabled": True}, "affects some mail"),
        ({"rule_error_action": "Defer"}, {"rule_error_action": "Ignore"}, "may leave in clear"),
        ({}, {"expiry_date": "2999-01-01T00:00:00Z"}, "may leave in clear"),
        ({}, {"activation_date": "2999-01-01T00:00:00Z"}, "may leave in clear"),
        ({"actions": {"prepend_subject": "x"}}, {"actions": {"remove_ome_v2": True}}, "may leave in clear"),
        ({"actions": {"prepend_subject": "x"}}, {"actions": ENCRYPT}, "affects all outgoing mail"),
        (
            {"actions": {"remove_ome_v2": True}, "conditions": {"subject_contains_words": ["a"]}},
            {"conditions": {}},
            "may leave in clear",
        ),
        ({"actions": {"remove_ome_v2": True}}, {"conditions": {"subject_contains_words": ["a"]}}, ""),
        ({"actions": {"remove_ome_v2": True}, "enabled": False}, {"enabled": True}, "may leave in clear"),
    ],
)
def test_what_a_change_does_to_people(
    session: EmulatedSession, before: dict[str, Any], after: dict[str, Any], impact: str
) -> None:
    ensure(session, **{"conditions": {}, "actions": ENCRYPT, **before})
    found = impacts(ensure(session, **after))
    assert impact in found.values()
    assert set(found.values()) - {impact} <= {""}


@pytest.mark.parametrize(
    ("conditions", "warned"),
    [
        ({}, True),
        ({"sent_to_scope": "NotInOrganization"}, True),
        ({"from_scope": "NotInOrganization"}, True),
        (INSIDE, False),
        ({"from": ["meganb@contoso.onmicrosoft.com"]}, False),
        ({"sender_domain_is": ["contoso.com"]}, False),
        ({"sender_ad_attribute_contains_words": ["Department:Legal"]}, False),
    ],
)
def test_a_rule_that_encrypts_mail_from_outside_is_warned_about(
    session: EmulatedSession, conditions: dict[str, Any], warned: bool
) -> None:
    ensure(session, conditions=conditions, actions=ENCRYPT)
    assert any("550 5.7.162" in warning for warning in session.warnings) is warned
    session.run(ome_transport_rule, name=NAME, enabled=True)
    assert any("550 5.7.162" in warning for warning in session.warnings) is warned, (
        "an omitted section counts as it is stored"
    )


def test_a_template_by_name_guid_or_in_the_organizations_language(any_session: EmulatedSession) -> None:
    ensure(any_session, conditions=INSIDE, actions=ENCRYPT)
    encrypt, confidential = (any_session.organization.state["rms_templates"][index] for index in (0, 2))
    for reference in ("encrypt", encrypt["TemplateGuid"], encrypt["TemplateGuid"].upper(), "Chiffrer"):
        assert not any_session.run(
            ome_transport_rule, name=NAME, actions={"apply_rights_protection_template": reference}
        )["changed"], reference
    ensure(any_session, actions={"apply_rights_protection_template": confidential["TemplateGuid"]})
    assert stored(any_session)["ApplyRightsProtectionTemplate"] == confidential["Name"]
    any_session.organization.patch({"locale": "fr-FR"})
    ensure(any_session, actions=ENCRYPT)
    assert stored(any_session)["ApplyRightsProtectionTemplate"] == "Chiffrer"
    assert any_session.run(message_encryption_info)["transport_rules"][0]["actions"] == ENCRYPT
    ensure(any_session, actions={"apply_rights_protection_template": "Do Not Forward"})
    assert stored(any_session)["ApplyRightsProtectionTemplate"] == "Ne pas transférer"


@pytest.mark.parametrize(
    ("locale", "encrypt", "other"),
    [("fr-FR", "Chiffrer", "Ne pas transférer"), ("de-DE", "Verschlüsseln", "Nicht weiterleiten")],
)
def test_a_check_says_by_which_name_a_template_is_sent(locale: str, encrypt: str, other: str) -> None:
    session = EmulatedSession({"locale": locale})
    for check_mode in (True, False):
        result = session.run(ome_transport_rule, check_mode=check_mode, name=NAME, conditions=INSIDE, actions=ENCRYPT)
        assert result["changed"]
        text = f"'Encrypt' is called {encrypt!r} in this organization, and is sent by that name."
        assert [text in warning for warning in session.warnings if "is called" in warning] == [True] * check_mode
    assert stored(session)["ApplyRightsProtectionTemplate"] == encrypt
    assert session.run(message_encryption_info)["transport_rules"][0]["actions"] == ENCRYPT
    # It is the template of the same name: nothing changes, and nothing is said.
    for name in ("Encrypt", encrypt):
        again = session.run(
            ome_transport_rule, check_mode=True, name=NAME, actions={"apply_rights_protection_template": name}
        )
        assert not again["changed"]
        assert not any("is called" in warning for warning in session.warnings)
    message = {"name": "m", "from": "ada@contoso.com", "authenticated": True, "to": ["bob@fabrikam.com"]}
    facts = {
        "accepted_domains": ["contoso.com"],
        "remote_domains": [],
        "mail_users": [],
        "mailboxes": ["ada@contoso.com"],
    }
    for actions, protection in ((encrypt, "encrypt"), (other, "do_not_forward")):
        rule = {"name": "R", "actions": {"apply_rights_protection_template": actions}}
        (found,) = session.run(mail_flow_test, rules=[rule], facts=facts, messages=[message])["messages"]
        assert found["recipients"]["bob@fabrikam.com"]["protection"] == protection


def test_a_template_is_known_by_its_guid() -> None:
    named = {"Name": "Crittografa", "TemplateGuid": "c026002d-cda6-401e-bfad-28de214d0fba", "Localized": {}}
    session = EmulatedSession()
    (encrypt, *others) = session.organization.state["rms_templates"]
    session.organization.patch({"rms_templates": [{**encrypt, **named}, *others]})
    ensure(session, conditions=INSIDE, actions=ENCRYPT)
    assert stored(session)["ApplyRightsProtectionTemplate"] == "Crittografa"
    assert session.run(message_encryption_info)["transport_rules"][0]["actions"] == ENCRYPT


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_built_in_template_that_nobody_can_find_in_the_list_is_warned_of(check_mode: bool) -> None:
    session = EmulatedSession()
    (encrypt, *others) = session.organization.state["rms_templates"]
    unknown = {**encrypt, "Name": "Crittografa", "Localized": {}}
    session.organization.patch({"rms_templates": [unknown, *others]})
    if check_mode:
        session.run(ome_transport_rule, check_mode=True, name=NAME, conditions=INSIDE, actions=ENCRYPT)
        assert any("is not among the RMS templates that Exchange lists" in warning for warning in session.warnings)
        assert any("Crittografa" in warning for warning in session.warnings)
        return
    # Exchange may refuse the English name; the emulator does.
    with pytest.raises(NotFoundError):
        session.run(ome_transport_rule, name=NAME, conditions=INSIDE, actions=ENCRYPT)
    ensure(session, conditions=INSIDE, actions={"apply_rights_protection_template": "Crittografa"})
    assert not any("is not among" in warning for warning in session.warnings)


def test_a_template_that_does_not_exist_is_refused_with_those_that_do(session: EmulatedSession) -> None:
    said = refusal(session, ome_transport_rule, name="x", actions={"apply_rights_protection_template": "Top secret"})
    assert "actions.apply_rights_protection_template 'Top secret'" in said
    assert "Confidential \\ All Employees, Do Not Forward, Encrypt" in said


def test_an_empty_list_of_templates_proves_nothing(session: EmulatedSession) -> None:
    session.organization.patch({"irm_configuration": {"InternalLicensingEnabled": False}})
    ensure(session, conditions=INSIDE, actions=ENCRYPT)
    (warning,) = session.warnings
    assert "internal_licensing_enabled is false while rules encrypt" in warning
    session.run(
        ome_transport_rule, check_mode=True, name="x", actions={"apply_rights_protection_template": "Top secret"}
    )
    assert any("could not be checked" in warning for warning in session.warnings)


def test_branding_that_does_not_exist_is_refused_and_in_check_mode_warned_of(session: EmulatedSession) -> None:
    actions = {**ENCRYPT, "apply_rights_protection_customization_template": "One week"}
    assert "'One week' is not an OME configuration" in refusal(
        session, ome_transport_rule, name=NAME, conditions=INSIDE, actions=actions
    )
    session.run(ome_transport_rule, check_mode=True, name=NAME, conditions=INSIDE, actions=actions)
    assert any("'One week' is not an OME configuration" in warning for warning in session.warnings)
    session.edit("New-OMEConfiguration", Identity="One Week", ExternalMailExpiryInDays=7)
    ensure(session, conditions=INSIDE, actions=actions)
    assert stored(session)["ApplyRightsProtectionCustomizationTemplate"] == "One Week"


@pytest.mark.parametrize(
    ("added", "sections"),
    [
        ({"ContentMatchesPrompt": ["x"]}, {"conditions", "actions"}),
        ({"ExceptIfContentMatchesPrompt": ["x"]}, {"exceptions"}),
        ({"ApplyQuantumEncryption": True}, {"conditions", "actions"}),
        ({"ContentMatchesPrompt": None, "ApplyQuantumEncryption": False, "NewList": []}, set()),
    ],
)
def test_what_the_table_does_not_know_is_never_overlooked(
    session: EmulatedSession, added: dict[str, Any], sections: set[str]
) -> None:
    ensure(session, conditions=INSIDE, actions=ENCRYPT)
    session.organization.patch({"added_properties": {"Get-TransportRule": added}})
    given = {"conditions": INSIDE, "exceptions": {}, "actions": ENCRYPT}
    for section, values in given.items():
        if section in sections:
            said = refusal(session, ome_transport_rule, name=NAME, **{section: values})
            assert section in said
            assert next(iter(added)) in said
        else:
            assert not session.run(ome_transport_rule, name=NAME, **{section: values})["changed"]
            assert any("not compared" in warning for warning in session.warnings) is bool(sections)
    info = session.run(message_encryption_info)
    assert len(info["transport_rules_unsupported"]) == bool(sections)
    assert len(info["transport_rules"]) == (not sections)
    if sections:
        assert next(iter(added)) in info["transport_rules_unsupported"][0]["reason"]
        assert not session.run(ome_transport_rule, name=NAME, enabled=True)["changed"]


@pytest.mark.parametrize(
    ("option", "modern"),
    [("apply_ome", "apply_rights_protection_template: Encrypt"), ("remove_ome", "remove_ome_v2: true")],
)
def test_retired_actions_are_refused_with_what_replaces_them(
    session: EmulatedSession, option: str, modern: str
) -> None:
    said = refusal(session, ome_transport_rule, name="x", actions={option: True})
    assert f"actions.{option}" in said
    assert modern in said


def test_a_retired_action_is_listed_apart_and_can_be_replaced(any_session: EmulatedSession) -> None:
    any_session.organization.replace(
        {"transport_rules": [{"Name": NAME, "ApplyOME": True, "FromScope": "InOrganization"}]}
    )
    info = any_session.run(message_encryption_info)
    assert info["transport_rules"] == []
    assert "apply_ome" in info["transport_rules_unsupported"][0]["reason"]
    ensure(any_session, actions=ENCRYPT)
    assert "ApplyOME" not in stored(any_session)


@pytest.mark.parametrize("property_", ["MessageContainsDataClassifications", "HasSenderOverride", "NotifySender"])
def test_rules_of_data_loss_prevention_are_listed_apart(any_session: EmulatedSession, property_: str) -> None:
    value: Any = {"NotifySender": "NotifyOnly", "HasSenderOverride": True}.get(property_, ["Credit Card Number"])
    any_session.organization.replace(
        {"transport_rules": [{"Name": NAME, "FromScope": "InOrganization", "Quarantine": True, property_: value}]}
    )
    info = any_session.run(message_encryption_info)
    assert info["transport_rules"] == []
    (row,) = info["transport_rules_unsupported"]
    assert "data loss prevention" in row["reason"]
    assert [row["name"] for row in info["transport_rules_not_rebuildable"]] == [NAME]
    assert "cannot write" in refusal(any_session, ome_transport_rule, name=NAME, conditions=INSIDE)


@pytest.mark.parametrize(
    ("property_", "value", "says"),
    [
        ("SubjectContainsWords", [""], "conditions.subject_contains_words contains an empty element"),
        ("SubjectContainsWords", ["a", None], "conditions.subject_contains_words contains an empty element"),
        ("SentTo", ["Board Room"], "conditions.sent_to contains 'Board Room', which is not an SMTP address"),
        ("RejectMessageEnhancedStatusCode", "5.1.1", "actions.reject_message_enhanced_status_code must be 5.7.1"),
    ],
)
def test_a_rule_with_a_value_that_nobody_could_declare_is_listed_apart_and_costs_no_other(
    session: EmulatedSession, property_: str, value: Any, says: str
) -> None:
    session.organization.replace(
        {
            "transport_rules": [
                {"Name": NAME, "FromScope": "InOrganization", "Quarantine": True, property_: value},
                {"Name": "other", "Quarantine": True},
            ]
        }
    )
    info = session.run(message_encryption_info)
    assert [row["name"] for row in info["transport_rules"]] == ["other"]
    assert [row["name"] for row in info["transport_rules_not_rebuildable"]] == [NAME]
    assert says in info["transport_rules_unsupported"][0]["reason"]
    assert not session.run(message_encryption_state, state=info)["changed"]
