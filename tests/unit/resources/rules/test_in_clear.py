# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules warn, once, of a change that may let mail leave in clear."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    message_encryption_state,
    ome_transport_rule,
    ome_transport_rule_order,
    ome_transport_rules,
)

from tests.unit.emulated_session import WIRES, EmulatedSession

OUTGOING = {"FromScope": "InOrganization", "SentToScope": "NotInOrganization"}
ENCRYPTING = {"Name": "mine", **OUTGOING, "ApplyRightsProtectionTemplate": "Encrypt", "RuleErrorAction": "Defer"}
STOPPING = {"Name": "stops", "SubjectContainsWords": ["x"], "StopRuleProcessing": True, "PrependSubject": "x"}
SAYS = "m365.message_encryption.mail_flow_test with compare_with says which mail."


def said(session: EmulatedSession) -> list[str]:
    return [warning for warning in session.warnings if warning.startswith("Mail may leave unprotected by rules")]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"enabled": False}, "enabled"),
        ({"mode": "Audit"}, "mode"),
        ({"state": "absent"}, "state"),
        ({"exceptions": {"subject_contains_words": ["offer"]}}, "exceptions"),
        ({"conditions": {"from_scope": "InOrganization", "subject_contains_words": ["x"]}}, "conditions"),
        ({"actions": {"prepend_subject": "x"}}, "actions"),
        (
            {"rule_error_action": "Ignore", "exceptions": {"subject_contains_words": ["offer"]}},
            "rule_error_action, exceptions",
        ),
    ],
)
def test_less_encryption_is_warned_of(options: dict[str, Any], part: str, check_mode: bool) -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING]})
    assert session.run(ome_transport_rule, check_mode=check_mode, name="mine", **options)["changed"]
    assert said(session) == [f"Mail may leave unprotected by rules: rule 'mine' ({part}). {SAYS}"]
    if not check_mode:
        # There is nothing to warn of once it is done.
        session.run(ome_transport_rule, name="mine", **options)
        assert said(session) == []


@pytest.mark.parametrize(
    "options",
    [
        {"comments": "x"},
        {"conditions": {"from_scope": "InOrganization"}},
        {"actions": {"apply_rights_protection_template": "Do Not Forward"}},
        {
            "name": "new",
            "conditions": {"from_scope": "InOrganization"},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        },
    ],
)
def test_what_takes_no_encryption_away_is_not(options: dict[str, Any]) -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING]})
    assert session.run(ome_transport_rule, **{"name": "mine", **options})["changed"]
    assert said(session) == []


@pytest.mark.parametrize("idle", [{"State": "Disabled"}, {"Mode": "Audit"}])
@pytest.mark.parametrize("options", [{"state": "absent"}, {"exceptions": {"subject_contains_words": ["offer"]}}])
def test_a_rule_that_does_not_act_protects_nothing(idle: dict[str, Any], options: dict[str, Any]) -> None:
    session = EmulatedSession({"transport_rules": [{**ENCRYPTING, **idle}]})
    assert session.run(ome_transport_rule, name="mine", **options)["changed"]
    assert said(session) == []


@pytest.mark.parametrize(("scope", "warns"), [("NotInOrganization", True), ("InOrganization", False)])
def test_a_rule_in_front_that_stops_or_decrypts_is_warned_of_unless_its_mail_stays_inside(
    scope: str, warns: bool
) -> None:
    conditions = {"sent_to_scope": scope, "subject_contains_words": ["x"]}
    for actions in ({"prepend_subject": "x", "stop_rule_processing": True}, {"remove_ome_v2": True}):
        session = EmulatedSession({"transport_rules": [ENCRYPTING]})
        session.run(ome_transport_rule, name="front", place_before="mine", conditions=conditions, actions=actions)
        assert said(session) == (
            [f"Mail may leave unprotected by rules: rule 'front' (actions). {SAYS}"] if warns else []
        )


def test_an_order_is_warned_of() -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING, STOPPING]})
    session.run(ome_transport_rule_order, rules=["stops", "mine"])
    (warning,) = said(session)
    assert "(priority)" in warning
    session.run(ome_transport_rule_order, rules=["mine", "stops"])
    assert said(session) == []


def test_a_list_warns_once() -> None:
    rules = [{**ENCRYPTING, "Name": f"r{number}"} for number in range(7)]
    session = EmulatedSession({"transport_rules": rules})
    session.run(ome_transport_rules, rules=[{"name": "r0", "mode": "Audit"}], unmanaged="remove")
    assert said(session) == [
        f"Mail may leave unprotected by rules: rules 'r0' (mode), 'r1' (state), 'r2' (state), 'r3' (state), 'r4' (state) and 2 more. {SAYS}"
    ]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("stored", "part"),
    [
        ([{**ENCRYPTING, "ExceptIfSubjectContainsWords": ["offer"]}], "exceptions"),
        ([{**ENCRYPTING, "State": "Disabled"}], "enabled"),
        ([STOPPING, ENCRYPTING], "priority"),
    ],
)
def test_a_state_with_less_encryption_is_warned_of(
    stored: list[dict[str, Any]], part: str, check_mode: bool, wire: str
) -> None:
    other = EmulatedSession({"transport_rules": stored}, wire)
    state = {"transport_rules": other.run(message_encryption_info)["transport_rules"]}
    session = EmulatedSession({"transport_rules": [ENCRYPTING, *(rule for rule in stored if rule is STOPPING)]}, wire)
    assert session.run(message_encryption_state, check_mode=check_mode, state=state)["changed"]
    (warning,) = said(session)
    assert f"({part})" in warning
    if not check_mode:
        assert not session.run(message_encryption_state, state=state)["changed"]
        assert said(session) == []


@pytest.mark.parametrize("wire", WIRES)
def test_a_state_that_removes_a_rule_that_encrypts_is_warned_of_and_what_encrypts_more_is_not(wire: str) -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING]}, wire)
    state = session.run(message_encryption_info)["transport_rules"]
    session.run(message_encryption_state, transport_rules=[], unmanaged="remove")
    assert said(session) == [f"Mail may leave unprotected by rules: rule 'mine' (state). {SAYS}"]
    assert session.run(message_encryption_state, transport_rules=state)["changed"]
    assert said(session) == []


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("licensing", "actions", "warns"),
    [
        (False, {"apply_rights_protection_template": "Encrypt"}, True),
        (True, {"apply_rights_protection_template": "Encrypt"}, False),
        (False, {"prepend_subject": "x"}, False),
    ],
)
def test_a_rule_that_encrypts_while_licensing_is_off_is_warned_of(
    licensing: bool, actions: dict[str, Any], warns: bool, several: bool
) -> None:
    session = EmulatedSession({"irm_configuration": {"AzureRMSLicensingEnabled": licensing}})
    rule = {"name": "new", "conditions": {"from_scope": "InOrganization"}, "actions": actions}
    module, options = (ome_transport_rules, {"rules": [rule]}) if several else (ome_transport_rule, rule)
    for _time in range(2):
        session.run(module, **options)
        found = [warning for warning in session.warnings if "licensing" in warning]
        text = "azure_rms_licensing_enabled is false while rules encrypt ('new'): what happens to their mail is unknown (U28). "
        assert found == [f"{text}m365.message_encryption.irm_configuration turns it on."] * warns
    # The read adds no round trip.
    assert session.reads == 2


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ([], "licensing_location is empty and Exchange lists no RMS template"),
        (["https://a.rms.eu.aadrm.com/_wmcs/licensing"], "Exchange lists no RMS template"),
    ],
)
def test_a_rule_that_encrypts_where_rights_management_is_not_active_is_warned_of(
    location: list[str], cause: str, check_mode: bool
) -> None:
    """Both licensing settings are on, but the service was never activated, or was turned off."""
    irm = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True, "LicensingLocation": location}
    # Exchange may refuse to give a rule a template that it does not list.
    state = {"irm_configuration": irm, "rms_templates": [], "transport_rules": [] if check_mode else [ENCRYPTING]}
    rule = {
        "name": "mine",
        "comments": "new",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    for module, options in (
        (ome_transport_rule, rule),
        (ome_transport_rules, {"rules": [rule]}),
        (message_encryption_state, {"transport_rules": [rule]}),
    ):
        session = EmulatedSession(state)
        session.run(module, check_mode=check_mode, **options)
        (said,) = [warning for warning in session.warnings if "U28" in warning]
        assert said.startswith(f"{cause} while rules encrypt ('mine'): what happens to their mail is unknown (U28). ")
        assert "Enable-AipService" in said
        assert "LicensingIntranetDistributionPointUrl" in said
        # What was not read is not empty.
        blind = EmulatedSession({**state, "hidden_cmdlets": ["Get-RMSTemplate"]})
        blind.run(module, check_mode=check_mode, **options)
        assert not any("U28" in warning for warning in blind.warnings)


def test_only_the_declared_rules_are_warned_of() -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING, {**ENCRYPTING, "Name": "theirs"}]})
    (guid,) = (rule["Guid"] for rule in session.organization.state["transport_rules"] if rule["Name"] == "mine")
    session.run(
        ome_transport_rule, guid=guid, name="renamed", actions={"apply_rights_protection_template": "Do Not Forward"}
    )
    assert ["('renamed')" in warning for warning in session.warnings] == [True]
    # A rule that does not act encrypts nothing.
    session.run(
        ome_transport_rule, name="renamed", enabled=False, actions={"apply_rights_protection_template": "Encrypt"}
    )
    assert not any("licensing" in warning for warning in session.warnings)


@pytest.mark.parametrize(
    "irm", [{"hidden_cmdlets": ["Get-IRMConfiguration"]}, {"irm_configuration": {"AzureRMSLicensingEnabled": None}}]
)
def test_licensing_that_is_not_known_is_not_warned_of(irm: dict[str, Any]) -> None:
    session = EmulatedSession({"transport_rules": [ENCRYPTING], **irm})
    assert not session.run(ome_transport_rule, name="mine", actions={"apply_rights_protection_template": "Encrypt"})[
        "changed"
    ]
    assert session.warnings == []
