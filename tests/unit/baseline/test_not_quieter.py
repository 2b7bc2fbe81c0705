# SPDX-License-Identifier: GPL-3.0-or-later
"""The role is not quieter than the modules: whatever warns in a module's check warns in a check of the baseline and in
its run, among the warnings that a terminal shows.
"""

from __future__ import annotations

import ast
import base64
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.rules_control import whole
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import PlanWarning
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.modules import (
    irm_configuration,
    ome_configuration,
    ome_transport_rule,
    ome_transport_rules,
)
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.baseline.wishes import ALLOWED, STATES, WANTED_RULE
from tests.unit.emulated_session import EmulatedSession

from .conftest import Role

Values = dict[str, Any]
RESOURCES = Path(__file__).resolve().parents[3] / "plugins/module_utils/_resources"
INSIDE = {"from_scope": "InOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
RULE = {"name": "r", "conditions": INSIDE, "exceptions": {}, "actions": ENCRYPT}
STORED = {"Name": "r", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt"}
#: What depends on what only some organizations show. One planner says it, to modules and role.
SHOWN_BY_FEW = {"date_not_written", "not_compared", "parts_not_compared"}
#: What warns in modules of what the baseline cannot ask for.
NOT_ASKED = {
    "configuration_not_managed": "the baseline never looks at what it does not name",
    "configuration_missing": "the role refuses it, in check mode too",
    "configuration_removed": "the baseline removes no configuration",
    "configuration_use_unknown": "the baseline removes no configuration",
    "configuration_used": "the baseline removes no configuration",
    "exceptions_not_managed": "its rules are whole",
    "idle": "its rules are whole",
    "neighbor_missing": "its rules have no neighbors",
    "policy_gone": "it names no policy in a state",
    "rule_not_managed": "it removes no rule that it does not name",
    "rule_not_removed": "it removes no rule that it does not name",
    "rule_renamed": "it restores no state",
}


@dataclass(frozen=True)
class Asked:
    """What is asked of a module and of the baseline alike.

    :param options: the module's.
    :param variables: the role's, without their prefix.
    """

    module: ModuleType
    options: Values
    variables: Values
    state: Values = field(default_factory=dict)


def rules(rule: Values, *stored: Values, **state: Any) -> Asked:
    return Asked(
        ome_transport_rule,
        whole(rule),
        {"encryption_rules": [rule]},
        {"transport_rules": list(stored), **state} if stored else state,
    )


def png(width: int, height: int, size: int = 0) -> bytes:
    return (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)).ljust(size, b"\0")


def branding(content: bytes, **state: Any) -> Asked:
    image = base64.b64encode(content).decode()
    return Asked(ome_configuration, {"image_content": image}, {"branding": {"image_content": image}}, state)


CASES: dict[str, Asked] = {
    "any_sender": rules({**RULE, "conditions": {"subject_contains_words": ["x"]}}),
    "brands_only": rules({**RULE, "actions": {"apply_rights_protection_customization_template": "OME Configuration"}}),
    "dangerous": Asked(
        irm_configuration, {"transport_decryption_setting": "Mandatory"}, {"transport_decryption": "Mandatory"}
    ),
    "licensing_off": rules(RULE, irm_configuration={"AzureRMSLicensingEnabled": False}),
    "logo_format": branding(b"GIF89a" + bytes(40)),
    "logo_pixels": branding(png(171, 70)),
    "logo_size": branding(png(170, 70, size=50_000)),
    "lookalike": rules({**RULE, "name": "Mue"}, {"Name": "M\u00fce", "PrependSubject": "x"}),
    "matches_no_mail": rules({**RULE, "conditions": {**INSIDE, "recipient_domain_is": ["*@fabrikam.com"]}}),
    "may_leave_in_clear": rules({**RULE, "exceptions": {"subject_contains_words": ["x"]}}, STORED),
    "overridden": Asked(
        irm_configuration,
        {"simplified_client_access_enabled": True},
        {"encrypt_button": True},
        {"owa_mailbox_policies": [{"Name": "p", "IRMEnabled": False}]},
    ),
    "pattern_unbalanced": rules({**RULE, "conditions": {**INSIDE, "subject_matches_patterns": ["(secure"]}}),
    "rule_never_acts": Asked(
        ome_transport_rules,
        {"rules": [whole({**RULE, "name": "all", "actions": {"stop_rule_processing": True}}), whole(RULE)]},
        {"encryption_rules": [{**RULE, "name": "all", "actions": {"stop_rule_processing": True}}, RULE]},
    ),
    "rule_not_rebuildable": rules({"name": "r", "state": "absent"}, {**STORED, "ExpiryDate": "2020-01-01T00:00:00Z"}),
    "template_called": rules(RULE, locale="fr-FR"),
    "template_not_named": rules(
        RULE,
        rms_templates=[
            {
                "Name": "Crittografa",
                "Description": "",
                "Type": "Distributed",
                "TemplateGuid": "9b4e4b3a-6f0c-4a54-8f4e-0f5d3c1f7a11",
            }
        ],
    ),
    "template_not_checked": rules(
        {**RULE, "actions": {"apply_rights_protection_template": "Secret"}}, rms_templates=[]
    ),
    "work_accounts_only": Asked(
        ome_configuration,
        {"otp_enabled": False, "social_id_sign_in": False},
        {"one_time_passcode": False, "social_id_sign_in": False},
    ),
}


def kinds() -> Iterator[str]:
    """The kinds of warnings of the resources."""
    for path in RESOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "warning":
                assert isinstance(node.args[0], ast.Constant)
                yield str(node.args[0].value)


@pytest.fixture(autouse=True)
def _with_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanWarning, "__str__", lambda self: f"{{{self.kind}}} {self.text}")


def normal(text: str) -> str:
    """A warning without where an option stands, and without who turns licensing on."""
    kind, _brace, said = text.partition("} ")
    return (
        kind
        if kind == "{licensing_off"
        else f"{kind}}} {re.sub(r'(hardened_baseline_encryption_)?rules.[0-9]+..', '', said)}"
    )


def warned(texts: list[str]) -> set[str]:
    return set(map(normal, texts))


def test_each_kind_is_asked_for_or_cannot_be() -> None:
    assert {*kinds(), "licensing_off"} == {*CASES, *NOT_ASKED, *SHOWN_BY_FEW}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("kind", CASES)
def test_the_role_warns_of_what_a_module_warns_of(tmp_path: Path, kind: str, check: bool) -> None:
    asked = CASES[kind]
    state = {"advanced_message_encryption": True, **asked.state}
    session = EmulatedSession(state)
    session.run(asked.module, check_mode=True, **asked.options)
    said = warned(session.warnings)
    assert [text for text in said if text.startswith(f"{{{kind}")] != [], said
    role = Role(state, str(tmp_path))
    variables = {"azure_rms_licensing": None, "encrypt_button": None, **asked.variables, **ALLOWED}
    role.plan(check=check, **variables)
    assert said <= warned(role.task.warnings)


@given(STATES, st.lists(WANTED_RULE, max_size=4, unique_by=lambda rule: rule["name"]))
@settings(max_examples=rounds(60), suppress_health_check=list(HealthCheck))
def test_the_role_warns_of_whatever_a_list_of_rules_warns_of(state: Values, wanted: list[Values]) -> None:
    session, role = EmulatedSession(state), Role(state)
    try:
        session.run(ome_transport_rules, check_mode=True, rules=[whole(rule) for rule in wanted])
        role.plan(check=True, encryption_rules=wanted, azure_rms_licensing=None, **ALLOWED)
    except ExchangeError:
        event("refused")
        assume(False)
    said = warned(session.warnings)
    event("warned" if said else "silent")
    assert said <= warned(role.task.warnings)
