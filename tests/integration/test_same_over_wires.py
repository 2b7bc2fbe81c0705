# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same playbook gives the same results over every wire, value by value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine

from .playbook import Run
from .tenant import tenant

_NAME = "contoso.onmicrosoft.com"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RULE = {
    "name": "Encrypt all outgoing mail",
    "rule_error_action": "Defer",
    "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization", "message_size_over": "10MB", "scl_over": 5},
    "exceptions": {"recipient_domain_is": ["fabrikam.com"], "subject_matches_patterns": ["^\\[Public\\]"]},
    "actions": {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": "One week"},
}
_TASKS: list[dict[str, Any]] = [
    {"exchange_connection_info": {}},
    {"message_encryption_info": {}},
    {
        "ome_configuration": {
            "social_id_sign_in": False,
            "portal_text": "It's \u201eours\u201c\nNow",
            "background_color": "#102030",
            "image_content": "iVBORw0KGgo=",
        }
    },
    {"ome_configuration": {"identity": "One week", "external_mail_expiry_in_days": 7, "otp_enabled": False, "social_id_sign_in": False}},
    {"irm_configuration": {"simplified_client_access_enabled": True, "licensing_location": ["https://contoso.rms.aadrm.com/_wmcs/licensing"]}},
    {"irm_configuration": {"licensing_location": [], "internal_licensing_enabled": True, "transport_decryption_setting": "Mandatory"}},
    {"activesync_org_settings": {"admin_mail_recipients": ["admin@contoso.com"], "default_access_level": "Quarantine", "user_mail_insert": "x"}},
    {"activesync_org_settings": {"admin_mail_recipients": []}},
    {"owa_mailbox_policy": {"identity": "*", "irm_enabled": False}},
    {"mobile_device_mailbox_policy": {"identity": "Default", "irm_enabled": False}},
    {"ome_transport_rule": _RULE},
    {"ome_transport_rules": {"rules": [{"name": "First", "actions": {"prepend_subject": "[x] "}}, {"name": _RULE["name"], "enabled": False}]}},
    {"ome_transport_rule_order": {"rules": [_RULE["name"], "First"]}},
    {"message_encryption_info": {}},
    {"irm_test": {"sender": "meganb@contoso.com", "recipients": ["alexw@contoso.com"], "fail_on_error": False}},
    {"ome_message_info": {"message_id": "<nobody@contoso.com>"}},
    {"ome_message_revocation": {"message_id": "<nobody@contoso.com>"}},
    {"message_encryption_state": {"irm_configuration": {"transport_decryption_setting": "Optional"}, "transport_rules": [], "unmanaged": "remove"}},
    {"ome_configuration": {"identity": "One week", "state": "absent"}},
    {"ome_transport_rule": {"name": "x", "actions": {"apply_rights_protection_template": "No such template"}}},
]


def _comparable(value: Any) -> Any:
    """A result without what may differ: GUIDs that the service draws, times, how the session was opened, and the tenant's id, which not every one shows."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items() if key not in ("connection", "round_trip_ms", "tenant_id", "msg", "invocation")}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return _GUID.sub("guid", value) if isinstance(value, str) else value


def _told(home: Path, wire: str, engine: Engine | None) -> list[Any]:
    """What each task says over a wire, on a fresh organization."""
    with Emulator([{"name": _NAME, "advanced_message_encryption": True}], directory=home / "emulator", engine=engine) as emulator:
        tasks = [
            {"name": str(number), **{f"m365.message_encryption.{module}": options for module, options in task.items()}, "ignore_errors": True}
            for number, task in enumerate(_TASKS)
        ]
        run: Run = tenant(home, emulator, wire).run(*tasks, arguments=["--diff"])
        assert run.rc == 0, run.output
        return [(result.task, result.outcome, _comparable(result.result)) for result in run]


@pytest.fixture(scope="module")
def over_rest(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return _told(tmp_path_factory.mktemp("rest"), "rest", None)


@pytest.mark.endpoint
def test_every_module_gives_the_same_results(tmp_path: Path, over_rest: list[Any], wire: str, engine: Engine | None) -> None:
    told = _told(tmp_path, wire, engine)
    assert len(over_rest) == len(_TASKS)
    for mine, theirs in zip(over_rest, told, strict=True):
        assert mine == theirs, _TASKS[int(mine[0])]
