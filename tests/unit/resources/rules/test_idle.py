# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared rule that encrypts and does not act is warned of, and no example leaves room for one."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule, ome_transport_rules

from tests.unit.emulated_session import WIRES, EmulatedSession

ROOT = Path(__file__).resolve().parents[4]
STORED = {"Name": "mine", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt"}
WANTED: dict[str, Any] = {
    "name": "mine",
    "conditions": {"from_scope": "InOrganization"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
IDLE = {
    "enabled: true": ({"State": "Disabled"}, {"enabled": False}),
    "mode: Enforce": ({"Mode": "Audit"}, {"mode": "Audit"}),
    'expiry_date: ""': ({"ExpiryDate": "2020-01-01T00:00:00Z"}, {"expiry_date": "2020-01-01T00:00:00Z"}),
    'activation_date: ""': ({"ActivationDate": "2999-01-01T00:00:00Z"}, {"activation_date": "2999-01-01T00:00:00Z"}),
    "exceptions: {}": (
        {"ExceptIfSubjectContainsWords": ["clear"]},
        {"exceptions": {"subject_contains_words": ["clear"]}},
    ),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("remedy", IDLE)
def test_what_keeps_a_rule_from_acting_is_warned_of_with_its_remedy(wire: str, remedy: str) -> None:
    properties, said = IDLE[remedy]
    tenant = {"irm_configuration": {"AzureRMSLicensingEnabled": True}, "transport_rules": [{**STORED, **properties}]}
    session = EmulatedSession(tenant, wire)
    assert not session.run(ome_transport_rule, **WANTED)["changed"]
    (warning,) = session.warnings
    assert warning.startswith("The rule 'mine' encrypts but ")
    assert remedy in warning
    session.run(ome_transport_rules, rules=[WANTED])
    assert session.warnings == [warning]
    # The remedy is one.
    session.run(ome_transport_rule, **WANTED, **yaml.safe_load(remedy))
    session.run(ome_transport_rule, **WANTED)
    assert session.warnings == []
    # Whoever says that it shall be so is told nothing.
    told = EmulatedSession(tenant, wire)
    told.run(ome_transport_rule, **WANTED, **said)
    assert told.warnings == []


def test_a_rule_that_does_not_encrypt_may_rest() -> None:
    session = EmulatedSession({"transport_rules": [{"Name": "mine", "PrependSubject": "x", "State": "Disabled"}]})
    session.run(ome_transport_rule, name="mine", actions={"prepend_subject": "x"})
    assert session.warnings == []


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


#: Where a rule is whole: what it does not name has Exchange's default of a new rule.
WHOLE = ("hardened_baseline_encryption_rules", "m365.message_encryption.mail_flow_test")


def rules(value: Any) -> Iterator[dict[str, Any]]:
    """The mail flow rules in a document that encrypt or decrypt, where what they do not name is left alone."""
    if isinstance(value, dict):
        actions = value.get("actions")
        if isinstance(actions, dict) and any(name.startswith(("apply_rights", "remove_ome")) for name in actions):
            yield value
    for inner in (
        [each for key, each in value.items() if key not in WHOLE]
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else ()
    ):
        yield from rules(inner)


def documents() -> Iterator[tuple[str, Any]]:
    """Every example that the collection ships."""
    for page in (ROOT / "README.md", ROOT / "roles/hardened_baseline/README.md"):
        for text in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            yield page.name, yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    for page in sorted((ROOT / "docs/docsite/rst").glob("*.rst")):
        for text in re.findall(
            r"^ *\.\. code-block:: yaml\n(?: +:.*\n)*\n((?: +.*\n|\s*\n)+)",
            page.read_text(encoding="utf-8"),
            re.MULTILINE,
        ):
            yield page.name, yaml.load(textwrap.dedent(text), _Loader)  # noqa: S506
    for module in sorted((ROOT / "plugins/modules").glob("*.py")):
        name = f"ansible_collections.m365.message_encryption.plugins.modules.{module.stem}"
        yield module.name, yaml.load(importlib.import_module(name).EXAMPLES, _Loader)  # noqa: S506
    for folder in ("playbooks", "extensions", "roles"):
        for file in sorted((ROOT / folder).rglob("*.yml")):
            yield str(file.relative_to(ROOT)), yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506


def test_every_example_names_what_makes_a_rule_act() -> None:
    """An example that edits rules which exist, whose names are found before, leaves the rest of them as it is."""
    found = [
        (where, rule)
        for where, document in documents()
        for rule in rules(document)
        if "{{" not in str(rule.get("name"))
    ]
    assert len(found) > 15
    for where, rule in found:
        assert {"enabled", "mode", "exceptions"} <= set(rule), f"{where}: {rule}"
