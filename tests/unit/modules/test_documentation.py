# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module: what it documents is what it takes, and its table is Exchange's own list of parameters."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import (
    MOBILE_DEVICE_MAILBOX_POLICY,
    OWA_MAILBOX_POLICY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import (
    BRANDING,
    DECRYPTING,
    ENCRYPTING,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import SECTIONS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.topics import MOST_USED, TOPICS
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Table

from tests.emulator.organization import default_state
from tests.unit.emulated_session import EmulatedSession

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "ansible_collections.m365.message_encryption.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
TABLES = [
    ACTIVESYNC_ORG_SETTINGS,
    IRM_CONFIGURATION,
    MOBILE_DEVICE_MAILBOX_POLICY,
    OME_CONFIGURATION,
    OWA_MAILBOX_POLICY,
]
CMDLETS = json.loads((ROOT / "tests/emulator/data/cmdlets.json").read_text(encoding="utf-8"))

#: Parameters of cmdlets that are no settings.
NO_SETTINGS = {"Identity", "Confirm", "WhatIf", "Force", "DomainController", "RefreshServerCertificates"}


def documentation(name: str) -> dict[str, Any]:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    docs: dict[str, Any] = yaml.safe_load(module.DOCUMENTATION)
    for reference in docs["extends_documentation_fragment"]:
        fragment, _dot, variable = reference.removeprefix("m365.message_encryption.").partition(".")
        found = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment}").ModuleDocFragment
        for part, rows in yaml.safe_load(getattr(found, variable.upper() or "DOCUMENTATION")).items():
            if part in ("options", "attributes"):
                docs[part] = _merged(rows, docs.get(part, {}))
    return docs


def _merged(rows: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The rows of a fragment with those of a module, which may leave out what the fragment says of an option, as ansible-core does."""
    return {**own, **{name: {**row, **own.get(name, {})} for name, row in rows.items()}}


def documented(options: dict[str, Any]) -> dict[str, Any]:
    return {name: {"type": row["type"], **_facts(row), **_suboptions(row, documented)} for name, row in options.items()}


def declared(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"type": row.get("type", "str"), **_facts(row), **_suboptions(row, declared)}
        for name, row in options.items()
    }


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    facts = {key: row[key] for key in ("elements", "default") if row.get(key) is not None}
    facts |= {"choices": sorted(row["choices"])} if row.get("choices") else {}
    return facts | ({"required": True} if row.get("required") else {})


def _suboptions(row: dict[str, Any], of: Any) -> dict[str, Any]:
    inner = row.get("suboptions") or row.get("options")
    return {"options": of(inner)} if inner else {}


@pytest.mark.parametrize("name", MODULES)
def test_what_is_documented_is_what_is_taken(name: str) -> None:
    spec = importlib.import_module(f"{PACKAGE}.modules.{name}").SPEC["argument_spec"]
    assert documented(documentation(name)["options"]) == declared(spec)


@pytest.mark.parametrize("name", MODULES)
def test_documentation_is_whole(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    docs = documentation(name)
    assert docs["module"] == name
    assert docs["version_added"]
    assert {"check_mode", "diff_mode", "idempotent", "platform", "action_group", "async"} <= set(docs["attributes"])
    returned = yaml.safe_load(module.RETURN)
    assert all(row["description"] and row["returned"] and row["type"] for row in returned.values())
    tasks = yaml.safe_load(module.EXAMPLES)
    assert tasks
    for task in tasks:
        (action,) = [key for key in task if "." in key]
        assert action.startswith(("m365.message_encryption.", "ansible.builtin.")), task


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_every_setting_that_the_cmdlet_has_in_the_cloud(table: Table) -> None:
    parameters = {row["name"] for row in CMDLETS[f"Set-{table.noun}"]["parameters"] if row["cloud"]} - NO_SETTINGS
    managed = {row.parameter for row in table.fields}
    if "policy" in table.name:
        assert managed <= parameters
    else:
        assert managed == parameters


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_knows_what_exchange_on_premises_lacks(table: Table) -> None:
    on_premises = {row["name"]: row["onprem"] for row in CMDLETS[f"Set-{table.noun}"]["parameters"]}
    assert table.cloud_only is not CMDLETS[f"Set-{table.noun}"]["onprem"]
    for row in table.fields:
        assert (table.cloud_only or row.cloud_only) is not on_premises[row.parameter], row.option


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_exchanges_limits_and_literals(table: Table) -> None:
    parameters = {row["name"]: row for row in CMDLETS[f"Set-{table.noun}"]["parameters"]}
    for row in table.fields:
        known = parameters[row.parameter]
        if known.get("values") and known["type"] not in ("Boolean", "SwitchParameter"):
            assert sorted(row.kind.spec["choices"]) == sorted(known["values"]), row.option
        for limit in {"minimum", "maximum"} & set(known):
            assert getattr(row.kind, limit) == known[limit], row.option
        assert "max_length" not in known or row.kind.maximum == known["max_length"], row.option


def test_every_option_of_a_rule_has_one_topic() -> None:
    for section, topics in TOPICS.items():
        options = [option for them in topics.values() for option in them]
        assert sorted(options) == sorted(field.option for field in SECTIONS[section])
        assert set(MOST_USED[section]) <= set(options)
    assert len(MOST_USED["conditions"]) == 10


def test_each_option_of_a_rule_has_the_name_that_powershell_has_and_an_exception_refers_to_its_condition() -> None:
    options = documentation("ome_transport_rule")["options"]
    for section, fields in SECTIONS.items():
        for field in fields:
            described = " ".join(options[section]["suboptions"][field.option]["description"])
            assert f"C({field.parameter})" in described
            assert (f"As O(conditions.{field.option})." in described) is (section == "exceptions")


def test_each_setting_of_a_rule_has_the_name_that_powershell_has() -> None:
    options = documentation("ome_transport_rule")["options"]
    cmdlets = {name for name in CMDLETS if name.endswith("-TransportRule")}
    known = cmdlets | {row["name"] for name in cmdlets for row in CMDLETS[name]["parameters"]}
    for option in set(options) - set(SECTIONS) - {"verify_timeout"}:
        _text, _colon, names = " ".join(options[option]["description"]).partition("PowerShell: ")
        first = re.match(r"C\(([\w-]+)\)", names)
        assert first, option
        assert first[1] in known, option


def test_the_examples_show_every_action_that_encrypts_decrypts_or_brands() -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.ome_transport_rule")
    rules = [task["m365.message_encryption.ome_transport_rule"] for task in yaml.safe_load(module.EXAMPLES)]
    shown = {action for rule in rules for action in rule.get("actions", {})}
    retired = {"apply_ome", "remove_ome"}
    assert {*ENCRYPTING, *DECRYPTING, *BRANDING} - retired <= shown
    assert any(rule.get("state") == "absent" for rule in rules)
    for rule in rules:
        if {*ENCRYPTING, *DECRYPTING} & set(rule.get("actions", {})):
            assert {"enabled", "mode", "exceptions"} <= set(rule), rule["name"]


def test_the_examples_of_a_rule_run_as_they_stand() -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.ome_transport_rule")
    templates = default_state("contoso.onmicrosoft.com")["rms_templates"]
    own = {
        **templates[0],
        "Name": "Confidential",
        "TemplateGuid": "6d7c5a0e-3f0b-4c39-9a2c-0d5b6f1f2a77",
        "Guid": "6d7c5a0e-3f0b-4c39-9a2c-0d5b6f1f2a77",
    }
    session = EmulatedSession({"advanced_message_encryption": True, "rms_templates": [*templates, own]})
    session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    session.edit("New-OMEConfiguration", Identity="One week expiration", ExternalMailExpiryInDays=7)
    for task in yaml.safe_load(module.EXAMPLES):
        options = task["m365.message_encryption.ome_transport_rule"]
        assert session.run(module, **options)["changed"], task["name"]
        assert not session.run(module, **options)["changed"], task["name"]
